"""How fast the compiled pass over the hours is, against reading the demand once.

Run it from the repository: ``python benchmarks/recourse_pass.py``. It prints one JSON object per
case: ``seconds_cold`` is the first pass, from nothing; ``seconds_warm`` a pass at a point one
percent from the last, ``seconds_same`` one at the same point; ``streaming`` is the best of
``weights @ demand`` over the same array, measured in the same run. ``ratio`` is warm to streaming.
Compilation (or loading the compiled code) is ``seconds_compile`` of the first case of its type.
``seconds_make`` reads the demand into blocks, ``seconds_coarsen`` takes means of them: the best of
several; ``seconds_first_make`` and ``seconds_first_coarsen`` include compilation likewise.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable

import numpy as np

from planner.recourse import Hours, Pass, Point, Structure, coarsen, make_hours

SLICES = 23
SEGMENTS = 12
ROWS_PER_MEAN = 32
REPEATS = 15


def demand_of(moments: int, dtype: str) -> np.ndarray:
    """Fleets with a daily and a weekly season, growth and noise [moment × series]."""
    draw = np.random.default_rng(1)
    hour = np.arange(moments)[:, None]
    phase, level = draw.uniform(0, 3, SLICES), draw.uniform(20, 2000, SLICES)
    season = 1 + 0.3 * np.sin(hour * (2 * np.pi / 24) + phase)
    season += 0.1 * np.sin(hour * (2 * np.pi / 168) + phase)
    growth = 1 + draw.uniform(-0.2, 0.8, SLICES) * hour / moments
    return (level * season * growth * draw.lognormal(0, 0.05, (moments, SLICES))).astype(dtype)


def structure_of(plans: int) -> Structure:
    """Each series a slice and a pool; plans discount every slice differently."""
    draw = np.random.default_rng(2)
    price = draw.uniform(0.05, 1.0, SLICES)
    depth = np.linspace(0.75, 0.45, max(plans, 1))[:plans, None]
    every = np.arange(SLICES)
    rates = price * depth * draw.uniform(0.9, 1.1, (plans, SLICES))
    return Structure(price, every, np.ones(SLICES), SLICES, rates, every, every)


def point_of(structure: Structure, demand: np.ndarray, moved: float) -> Point:
    """Dedicated units for half of the mean usage, plans for most of the rest."""
    draw = np.random.default_rng(3)
    mean = demand.mean(axis=0, dtype=np.float64)
    dedicated = np.tile(0.5 * mean * draw.uniform(0.8, 1.2, SLICES), (SEGMENTS, 1))
    share = 0.4 * mean / max(structure.plans, 1)
    spend = np.tile(structure.rates @ share, (SEGMENTS, 1))
    move = 1 + moved * draw.uniform(-1, 1, dedicated.shape)
    move_spend = 1 + moved * draw.uniform(-1, 1, spend.shape)
    return Point(np.ones((SEGMENTS, SLICES)), dedicated * move, spend * move_spend)


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


def measure(plans: int, dtype: str, moments: int, threads: int | None) -> dict[str, object]:
    """One case's line."""
    demand = demand_of(moments, dtype)
    weights = np.ones(moments, dtype=dtype)
    structure = structure_of(plans)
    stages = np.arange(SEGMENTS)
    series = [np.ascontiguousarray(values, dtype=np.float64) for values in demand.T]

    def make() -> Hours:
        return make_hours(
            series,
            segment_of_moment=np.arange(moments) * SEGMENTS // moments,
            stage_of_segment=stages,
            worth=np.ones(moments),
            hours=np.ones(moments),
            dtype=dtype,
            threads=threads,
        )

    first_make, *made = seconds(make, REPEATS)
    hours, price = make(), structure.on_demand_usd
    first_coarsen, *coarsened = seconds(
        lambda: coarsen(hours, ROWS_PER_MEAN, price, threads), REPEATS
    )
    points = [point_of(structure, demand, moved) for moved in (0.0, 0.01)]
    streaming = min(seconds(lambda: weights @ demand, REPEATS))
    passed = measure_pass(structure, hours, points, threads)
    return {
        "case": f"{dtype}-{plans}-plans",
        "seconds": passed["seconds_warm"],
        "seconds_first_make": round(first_make, 4),
        "seconds_make": round(min(made), 4),
        "seconds_first_coarsen": round(first_coarsen, 4),
        "seconds_coarsen": round(min(coarsened), 4),
        **passed,
        "seconds_streaming": round(streaming, 5),
        "ratio": round(passed["seconds_warm"] / streaming, 2),
        "gap": None,
        "bound": None,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def measure_pass(
    structure: Structure, hours: Hours, points: list[Point], threads: int | None
) -> dict[str, float]:
    """The pass itself: compiled, cold, between two points, and at the same one again."""
    started = time.perf_counter()
    Pass(structure, hours, threads)(points[0])
    first = time.perf_counter() - started
    sweep = Pass(structure, hours, threads)
    cold = seconds(lambda: sweep(points[0]), 1)[0]
    turns = iter(range(10**6))
    warm = np.median(seconds(lambda: sweep(points[next(turns) % 2]), REPEATS))
    same = np.median(seconds(lambda: sweep(points[0]), REPEATS)[1:])
    sums = sweep(points[0])
    return {
        "seconds_compile": round(max(first - cold, 0.0), 2),
        "seconds_cold": round(cold, 5),
        "seconds_warm": round(float(warm), 5),
        "seconds_same": round(float(same), 5),
        "cost": round(float(sums.value_usd.sum()), 2),
        "doubtful_rows": sums.doubtful_rows,
    }


def main() -> None:
    """Measure all cases and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=262_800)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--types", nargs="+", default=["float32", "float64"])
    parser.add_argument("--plans", type=int, nargs="+", default=list(range(4)))
    chosen = parser.parse_args()
    for dtype in chosen.types:
        for plans in chosen.plans:
            case = measure(plans, dtype, chosen.moments, chosen.threads)
            print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()
