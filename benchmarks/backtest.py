"""How much of the hindsight saving policies capture: nine cells of three courses and products.

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
HOURLY_USD = {"1y": (12, 0.66), "3y": (36, 0.476)}
PRODUCTS = {"1y": ("1y",), "3y": ("3y",), "both": ("1y", "3y")}
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


def totals(region: int) -> Floats:
    hours = pd.date_range(FIRST, LAST, freq="h", tz="UTC", inclusive="left")
    trace = pd.read_parquet(TRACE)
    inside = trace[trace["region"] == region]
    total = inside.groupby("timestamp")["count"].sum().reindex(hours, fill_value=0)
    return np.asarray(total.to_numpy(float))


def request(demand: Floats, products: tuple[str, ...], options: argparse.Namespace) -> PlanRequest:
    place = {"instance_type": "unit", "region": "here"}
    rates = [{**place, "kind": "on_demand", "hourly_usd": 1.0}]
    for product in products:
        months, hourly = HOURLY_USD[product]
        sold = {"kind": options.kind, "term_months": months, "payment": "no_upfront"}
        rates.append({**place, **sold, "hourly_usd": hourly})
    catalog = {
        "name": "unit", "source": "bench", "as_of": "2026-11-01",
        "instance_types": [{"name": "unit", "family": "unit", "vcpus": 1, "memory_gib": 1}],
        "rates": rates,
    }  # fmt: skip
    purchases = {"every_hours": WEEK_HOURS} if options.weekly else {"every_months": 3}
    courses = [COURSES[name] for name in options.courses]
    return parse_request(
        {
            "name": "bench",
            "catalog": {"inline": catalog},
            "demand": {
                "inline": {"start": f"{FIRST}T00:00Z", "series": {"all": demand.tolist()}}
            },
            "workloads": [
                {"name": "all", "needs": {"unit": "machines", "of": "unit"}, "regions": ["here"]}
            ],
            "purchases": purchases,
            "backtest": {
                **WINDOW, "courses": courses, "policies": options.policies,
                "caution": options.caution,
            },
        }
    )  # fmt: skip


def lines(
    region: int, products: str, report: BacktestReport, seconds: float
) -> Iterator[dict[str, object]]:
    for course in report.courses:
        for one in course.policies:
            yield {
                "case": f"region {region}, {course.course}, {products}",
                "policy": one.policy,
                "cost": float(one.bill_usd),
                "captured": one.captured,
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
    parser.add_argument("--products", nargs="+", default=list(PRODUCTS))
    parser.add_argument("--courses", nargs="+", default=list(COURSES))
    parser.add_argument(
        "--policies", nargs="+", default=["look_back", "trailing_quantile", "break_even", "neutral"]
    )
    parser.add_argument("--kind", default="savings_plan_compute")
    parser.add_argument("--weekly", action="store_true", help="dates every week, not quarter")
    parser.add_argument("--paths", type=int, default=64)
    parser.add_argument("--hazard", type=float, default=0.0)
    parser.add_argument("--caution", type=float, default=0.5)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if not TRACE.exists():
        print(json.dumps({"case": "backtest", "skipped": f"no {TRACE.name} beside the repository"}))
        return
    futures = StandIn(paths=options.paths, hazard=options.hazard)
    for region in options.regions:
        demand = totals(region)
        for products in options.products:
            asked = request(demand, PRODUCTS[products], options)
            began = time.perf_counter()
            with local_workers(options.jobs) as workers:
                around = Surroundings(workers=workers if options.jobs > 1 else ())
                report = backtest(asked, around, futures=futures)
            seconds = time.perf_counter() - began
            for line in lines(region, products, report, seconds):
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
