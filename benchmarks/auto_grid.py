"""Whether ``method: auto`` picks a method that is quick enough: sixty shapes of requests.

    python benchmarks/auto_grid.py

Twelve kinds of requests at bundled AWS prices, each for a week, a month, a quarter, a year and
three years. Each is solved by both methods, where both can take it, in one process with its code
compiled. Prints one JSON object per shape:

* ``auto``: the method that is picked;
* ``extensive``, ``decomposed``: seconds from the resolved problem to the outcome, and how it ended;
  ``limit`` where the time limit did;
* ``beyond``: whether auto's pick takes more than twice the better one's time and a second.

A last line counts the shapes beyond.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from measures import timed
from numpy.typing import NDArray

from catalogs import InvalidInputError
from planner import PlannerError, Surroundings, parse_request
from planner.methods import fitting, formulate
from planner.planning import resolve
from planner.problem import Problem
from planner.request import Method
from solvers import StopReason

Document = dict[str, Any]

START, REGION, HOURS = "2026-01-01T00:00Z", "us-east-1", (168, 730, 2190, 8760, 26280)
TYPES = ("m5.2xlarge", "c5.xlarge", "r5.xlarge", "c5.4xlarge")
METHODS = (Method.EXTENSIVE, Method.DECOMPOSED)
TIMES, SECONDS = 2.0, 1.0


def demand_of(hours: int, level: float, draw: np.random.Generator) -> NDArray[np.float64]:
    """Seasons, growth and noise, in whole machines [hour]."""
    hour = np.arange(hours)
    season = 1 + 0.35 * np.sin(hour * (2 * np.pi / 24)) + 0.1 * np.sin(hour * (2 * np.pi / 168))
    growth = 1 + draw.uniform(-0.1, 0.3) * hour / 8760
    return np.round(np.maximum(level * season * growth * draw.lognormal(0, 0.07, hours), 0))


def series_of(hours: int, seed: int = 3) -> dict[str, list[float]]:
    """A series for each type."""
    draw = np.random.default_rng(seed)
    return {name: demand_of(hours, 20 + 15 * i, draw).tolist() for i, name in enumerate(TYPES)}


def workload(name: str, **more: object) -> Document:
    """Machines of one type."""
    return {"name": name, "regions": [REGION], "needs": {"unit": "machines", "of": name}} | more


def document(hours: int, **parts: object) -> Document:
    """A request of four workloads, bought every quarter."""
    return {
        "name": "grid",
        "catalog": "aws",
        "demand": {"inline": {"start": START, "series": series_of(hours)}},
        "purchases": {"every_months": 3},
        "offers": {"terms_months": [12, 36]},
        "workloads": [workload(name) for name in TYPES],
        "solve": {"gap": 1e-4},
    } | parts


def futures(hours: int) -> Document:
    """Three scenarios."""
    chances = {"low": 0.3, "mid": 0.5, "high": 0.2}
    series = {name: series_of(hours, seed) for seed, name in enumerate(chances)}
    demand = {"inline": {"start": START, "scenarios": series}}
    return {"demand": demand, "scenarios": chances}


def choosing(hours: int) -> Document:
    """Two workloads that several machines may serve."""
    draw = np.random.default_rng(5)
    series = {name: demand_of(hours, 200, draw).tolist() for name in ("web", "jobs")}
    capacity = {"m5.2xlarge": 1, "m6i.2xlarge": 1.06, "r5.2xlarge": 1.1, "c5.4xlarge": 1.6}
    needs = {"unit": "own", "capacity": capacity}
    return {
        "demand": {"inline": {"start": START, "series": series}},
        "workloads": [{"name": name, "regions": [REGION], "needs": needs} for name in series],
    }


def owned() -> Document:
    """Ten reservations at hand for a part of the time."""
    return {
        "owned": [
            {
                "id": "ri", "kind": "reserved_standard", "region": REGION, "quantity": 10,
                "instance_type": TYPES[0], "start": "2025-06-01T00:00Z", "end": "2026-06-01T00:00Z",
            }
        ]
    }  # fmt: skip


def shapes(hours: int) -> Iterator[tuple[str, Document]]:
    """Name and request of each kind."""
    floor, risk = {"utilization": {"at_least": 0.9}}, {"risk": {"level": 0.8, "weight": 0.3}}
    yield "plain", document(hours)
    yield "one-date", document(hours, purchases={"every_months": 120})
    yield "budget", document(hours, limits={"upfront_budget_usd": 50_000})
    yield "coverage-floor", document(hours, limits={"coverage": {"at_least": 0.5}})
    yield "coverage-ceiling", document(hours, limits={"coverage": {"at_most": 0.6}})
    yield "utilization-floor", document(hours, limits=floor)
    yield "choice", document(hours, **choosing(hours))
    yield "choice-floor", document(hours, **choosing(hours), limits=floor)
    yield "scenarios", document(hours, **futures(hours))
    yield "scenarios-risk-floor", document(hours, **futures(hours), **risk, limits=floor)
    yield "owned-budget", document(hours, **owned(), limits={"upfront_budget_usd": 50_000})
    yield "whole-machines", document(hours, whole_machines=True)


def seconds_of(problem: Problem, method: Method, limit_s: float) -> dict[str, Any]:
    """How long a method takes, and how it ends."""
    options = {"method": method, "time_limit_s": limit_s}
    solve = problem.request.solve.model_copy(update=options)
    asked = replace(problem, request=problem.request.model_copy(update={"solve": solve}))
    try:
        outcome, seconds = timed(lambda: formulate(asked).solve(asked, Surroundings()))
    except InvalidInputError:
        return {}
    except PlannerError as error:
        return {"failed": str(error)[:80]}
    ended = "limit" if outcome.stop is StopReason.TIME_LIMIT else "done"
    return {"seconds": round(seconds, 3), "ended": ended, "gap": outcome.gap}


def main() -> None:
    """Measure the grid and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=float, default=30.0, help="seconds a method may take")
    parser.add_argument("--hours", type=int, nargs="+", default=HOURS)
    parser.add_argument("--shapes", nargs="+", help="names of some; all when absent")
    asked = parser.parse_args()
    beyond = count = 0
    for hours in asked.hours:
        for name, request in shapes(hours):
            if asked.shapes and name not in asked.shapes:
                continue
            problem = resolve(parse_request(request), Surroundings())
            picked = fitting(problem)
            times = {method.value: seconds_of(problem, method, asked.limit) for method in METHODS}
            known = [one["seconds"] for one in times.values() if one.get("ended") == "done"]
            mine = times[picked.value]
            is_beyond = bool(known) and (
                mine.get("ended") != "done" or mine["seconds"] > TIMES * min(known) + SECONDS
            )
            beyond, count = beyond + is_beyond, count + 1
            case = {"shape": name, "hours": hours, "auto": picked.value} | times
            print(json.dumps(case | {"beyond": is_beyond}), flush=True)
    print(json.dumps({"shapes": count, "beyond": beyond}))


if __name__ == "__main__":
    main()
