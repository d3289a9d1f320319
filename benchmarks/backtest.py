"""How much of the hindsight saving policies capture: three courses by three choices of products.

Run it from the repository: ``python benchmarks/backtest.py --policies look_back neutral``. It
prints one JSON object per region, cell and policy. Demand is two regions' hourly totals of three
years, from ``../shared``; without these files there is nothing to run on.

Forecasts are made with the product's default settings; types are kept together.
"""

import argparse
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner import Surroundings, local_workers, parse_request
from planner.backtest import BacktestReport, backtest
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
MOVES = {1: ("2022-07-04", "2022-04-04"), 2: ("2022-10-20", "2022-07-20")}
"""When each region began to move from one type to the other, and a day a quarter before."""
MOVE_DAYS = 21
WEEK_HOURS = 168

Floats = NDArray[np.float64]


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


def move_of(region: int) -> dict[str, object]:
    """A region's move, as somebody who knew of it would have announced it a quarter before."""
    begins, announced = (f"{date}T00:00Z" for date in MOVES[region])
    return {
        "kind": "migration", "name": "move", "takes_from": "A", "workload": "B", "at": begins,
        "ramp_days": MOVE_DAYS, "announced": announced,
    }  # fmt: skip


def request(
    series: dict[str, Floats],
    products: tuple[str, ...],
    options: argparse.Namespace,
    known: list[dict[str, object]],
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
            "forecast": {
                "paths": options.paths, "together": [list(series)] if len(series) > 1 else [],
                "known": known,
            },
            "backtest": {
                **WINDOW,
                "courses": [COURSES[name] for name in options.courses],
                "policies": options.policies,
                **({} if options.caution is None else {"caution": options.caution}),
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
    parser.add_argument(
        "--announced", action="store_true", help="with --migration: told a quarter before"
    )
    parser.add_argument("--courses", nargs="+", default=list(COURSES))
    parser.add_argument(
        "--policies",
        nargs="+",
        default=["look_back", "trailing_quantile", "break_even", "neutral", "cautious"],
    )
    parser.add_argument("--weekly", action="store_true", help="dates every week, not quarter")
    parser.add_argument("--paths", type=int, default=64)
    parser.add_argument("--caution", type=float, help="the product's default when absent")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if not TRACE.exists():
        print(json.dumps({"case": "backtest", "skipped": f"{TRACE.name} is not there"}))
        return
    cells, read = (MIGRATION, by_type) if options.migration else (PRODUCTS, totals)
    if options.migration:
        options.courses = ["growth"]
    for region in options.regions:
        demand, best_usd = read(region), None
        known = [move_of(region)] if options.migration and options.announced else []
        for products in options.products or cells:
            asked = request(demand, cells[products], options, known)
            began = time.perf_counter()
            with local_workers(options.jobs) as workers:
                around = Surroundings(workers=workers if options.jobs > 1 else ())
                report = backtest(asked, around)
            seconds = time.perf_counter() - began
            if options.migration and best_usd is None:
                best_usd = report.courses[0].hindsight_usd
            for line in lines(region, products, report, seconds, best_usd):
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
