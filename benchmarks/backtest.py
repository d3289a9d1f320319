"""How much of the hindsight saving policies capture: three courses by three choices of products.

Run it from the repository: ``python benchmarks/backtest.py --policies look_back neutral``. It
prints one JSON object per region, cell and policy. Demand is two regions' hourly totals of three
years, from ``../shared``; without these files there is nothing to run on.

Futures are drawn by a stand-in: a damped robust trend of weekly means, log-normal errors of the
level that grow with the distance and last about a year, and weeks of the past as shapes.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner import Surroundings, local_workers, parse_request
from planner.backtest import BacktestReport, backtest
from planner.demand import Demand, Scenario
from planner.request import PlanRequest

TRACE = Path(__file__).parents[2] / "shared" / "data" / "demand" / "shavedice_hourly.parquet"
FIRST, LAST = "2021-02-01", "2024-02-01"
WINDOW = {"start": "2022-02-01T00:00Z", "end": "2024-02-01T00:00Z"}
COURSES = {
    "growth": "as_recorded",
    "decline": {"name": "decline", "reversed": True},
    "shock": {"name": "shock", "shock": {"at": "2023-03-01T00:00Z", "factor": 0.65}},
}
SPEND, LOCKED = "savings_plan_compute", "reserved_standard"
SOLD = {
    "1y": (12, 0.66, SPEND), "3y": (36, 0.476, SPEND),
    "locked 1y": (12, 0.63, LOCKED), "locked 3y": (36, 0.45, LOCKED),
    "fungible 1y": (12, 0.72, SPEND), "fungible 3y": (36, 0.55, SPEND),
}  # fmt: skip
"""Months, USD per unit-hour and kind of every product; on demand costs 1."""
PRODUCTS = {"1y": ("1y",), "3y": ("3y",), "both": ("1y", "3y")}
MIGRATION = {
    "locked and fungible": ("locked 1y", "locked 3y", "fungible 1y", "fungible 3y"),
    "locked 3y": ("locked 3y",), "fungible 3y": ("fungible 3y",),
}  # fmt: skip
"""Products of the bench on which every region moves from one type to another."""
WEEK_HOURS = 168

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StandIn:
    """Draws futures: trend, errors of the level, a hazard of lasting loss, shapes of past weeks.

    ``hazard`` is the chance per quarter that ``loss`` (a share) of demand goes for good.
    """

    paths: int = 64
    weeks: int = 156
    trend_weeks: int = 104
    damping: float = 0.98
    first_error: float = 0.035
    growth_of_error: float = 0.3
    memory_weeks: float = 52.0
    hazard: float = 0.0
    loss: float = 0.35
    seed: int = 1

    def __call__(self, history: Demand) -> Demand:
        """As many equally likely futures as there are paths."""
        draw = np.random.default_rng([self.seed, history.hours])
        futures = {name: self._paths(history.series[name], draw) for name in sorted(history.series)}
        scenarios = tuple(Scenario(f"{path:03d}", 1 / self.paths) for path in range(self.paths))
        return Demand(history.end, futures, scenarios)

    def _paths(self, series: Floats, draw: np.random.Generator) -> Floats:
        weeks = series[-(len(series) // WEEK_HOURS) * WEEK_HOURS :].reshape(-1, WEEK_HOURS)
        means = weeks.mean(axis=1)
        level = self._trend(means) * np.exp(self._errors(draw)) * self._losses(draw)
        shapes = weeks[-26:] / np.maximum(means[-26:, None], 1e-9)
        picked = draw.integers(len(shapes), size=(self.paths, self.weeks))
        return np.asarray((level[:, :, None] * shapes[picked]).ravel())

    def _trend(self, means: Floats) -> Floats:
        latest = means[-self.trend_weeks :]
        first, second = np.triu_indices(len(latest), 1)
        slope = np.median((latest[second] - latest[first]) / (second - first))
        last = latest[-4:] + slope * np.arange(len(latest[-4:]))[::-1]
        steps = np.cumsum(self.damping ** np.arange(1, self.weeks + 1))
        return np.asarray(np.maximum(np.median(last) + slope * steps, 0.0))

    def _errors(self, draw: np.random.Generator) -> Floats:
        """Antithetic, [path × week]."""
        shocks = draw.standard_normal((self.paths // 2, self.weeks))
        kept = np.exp(-1 / self.memory_weeks)
        walk = shocks.copy()
        for week in range(1, self.weeks):
            walk[:, week] = kept * walk[:, week - 1] + np.sqrt(1 - kept**2) * shocks[:, week]
        spread = self.first_error * np.arange(1, self.weeks + 1) ** self.growth_of_error
        return np.asarray(np.concatenate([walk, -walk]) * spread)

    def _losses(self, draw: np.random.Generator) -> Floats:
        if self.hazard == 0:
            return np.ones((self.paths, self.weeks))
        even = (draw.permutation(self.paths) + draw.random(self.paths)) / self.paths
        when = np.floor(np.log1p(-even) / np.log((1 - self.hazard) ** (1 / 13)))
        gone = np.arange(self.weeks) >= when[:, None]
        return np.where(gone, 1 - self.loss, 1.0)


def totals(region: int) -> dict[str, Floats]:
    """A region's hours as one series."""
    return {"all": np.sum(list(by_type(region).values()), axis=0)}


def by_type(region: int) -> dict[str, Floats]:
    """A region's hours: the old type, the one that takes over from it, and the rest."""
    hours = pd.date_range(FIRST, LAST, freq="h", tz="UTC", inclusive="left")
    trace = pd.read_parquet(TRACE)
    inside = trace[trace["region"] == region]
    named = inside["vm_type"].where(inside["vm_type"].isin(["A", "B"]), "rest")
    counted = inside.assign(named=named).pivot_table(
        index="timestamp", columns="named", values="count", aggfunc="sum", fill_value=0
    )
    wide = counted.reindex(hours, fill_value=0)
    return {name: wide[name].to_numpy(float) for name in ("A", "B", "rest")}


def request(
    series: dict[str, Floats], products: tuple[str, ...], options: argparse.Namespace
) -> PlanRequest:
    rates: list[dict[str, object]] = []
    for name in series:
        place = {"instance_type": name, "region": "here"}
        rates.append({**place, "kind": "on_demand", "hourly_usd": 1.0})
        for product in products:
            months, hourly, kind = SOLD[product]
            sold = {"kind": kind, "term_months": months, "payment": "no_upfront"}
            rates.append({**place, **sold, "hourly_usd": hourly})
    types = [{"name": name, "family": name, "vcpus": 1, "memory_gib": 1} for name in series]
    return parse_request(
        {
            "name": "bench",
            "catalog": {
                "inline": {
                    "name": "unit", "source": "bench", "as_of": "2026-11-01",
                    "instance_types": types, "rates": rates,
                }
            },
            "demand": {
                "inline": {
                    "start": f"{FIRST}T00:00Z",
                    "series": {name: hours.tolist() for name, hours in series.items()},
                }
            },
            "workloads": [
                {"name": name, "needs": {"unit": "machines", "of": name}, "regions": ["here"]}
                for name in series
            ],
            "purchases": {"every_hours": WEEK_HOURS} if options.weekly else {"every_months": 3},
            "backtest": {
                **WINDOW,
                "courses": [COURSES[name] for name in options.courses],
                "policies": options.policies,
                "caution": options.caution,
            },
        }
    )  # fmt: skip


def lines(
    region: int, products: str, report: BacktestReport, seconds: float, best_usd: Decimal | None
) -> Iterator[dict[str, object]]:
    """``best_usd`` is the hindsight bill with all products of the bench, where that is another."""
    for course in report.courses:
        for one in course.policies:
            yield {
                "case": f"region {region}, {course.course}, {products}",
                "policy": one.policy,
                "cost": float(one.bill_usd),
                "captured": one.captured,
                "captured_of_all_products": (
                    float(one.saving_usd / (course.on_demand_usd - best_usd)) if best_usd else None
                ),
                "regret_share": float(one.regret_usd / course.hindsight_usd),
                "worst_quarter": one.worst_quarter.saving_share,
                "coverage": one.coverage,
                "utilization": one.utilization,
                "seconds_per_decision": one.seconds / one.decisions if one.decisions else 0.0,
                "seconds": seconds,
            }


def main() -> None:
    parser = argparse.ArgumentParser(description="Captures of purchase policies on nine cells.")
    parser.add_argument("--regions", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--products", nargs="+", help="of the nine cells 1y, 3y and both")
    parser.add_argument("--migration", action="store_true", help="by type, as recorded")
    parser.add_argument("--courses", nargs="+", default=list(COURSES))
    parser.add_argument(
        "--policies", nargs="+", default=["look_back", "trailing_quantile", "break_even", "neutral"]
    )
    parser.add_argument("--weekly", action="store_true", help="dates every week, not quarter")
    parser.add_argument("--paths", type=int, default=64)
    parser.add_argument("--hazard", type=float, default=0.0)
    parser.add_argument("--caution", type=float, default=0.5)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if not TRACE.exists():
        print(json.dumps({"case": "backtest", "skipped": f"{TRACE.name} is not there"}))
        return
    futures = StandIn(paths=options.paths, hazard=options.hazard)
    cells, read = (MIGRATION, by_type) if options.migration else (PRODUCTS, totals)
    if options.migration:
        options.courses = ["growth"]
    for region in options.regions:
        demand, best_usd = read(region), None
        for products in options.products or cells:
            asked = request(demand, cells[products], options)
            began = time.perf_counter()
            with local_workers(options.jobs) as workers:
                around = Surroundings(workers=workers if options.jobs > 1 else ())
                report = backtest(asked, around, futures=futures)
            seconds = time.perf_counter() - began
            if options.migration and best_usd is None:
                best_usd = report.courses[0].hindsight_usd
            for line in lines(region, products, report, seconds, best_usd):
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
