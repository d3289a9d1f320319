"""What pooling is worth: purchases decided by type, by region and together, at real AWS prices.

Run it from the repository: ``python benchmarks/pooling.py --policies look_back neutral``. It prints
one JSON object per pool and policy, then one per way of pooling; stderr says which pool is under
way. Demand is two regions' machines by type, hour by hour over three years, from ``../shared``;
without these files there is nothing to run on. Prices are those of the bundled catalogue. Demand
counts machines and reservations are bought by the machine, so all are whole. Every AWS commitment
of one or three years without upfront may be bought at quarterly dates.

By type every pool is planned and billed by itself, as if it had an account of its own: a savings
plan serves nobody else, and what one pool lacks another may hold unused.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
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
REGIONS = {1: "us-east-1", 2: "us-west-2"}
TYPES = {
    "A": "m5.2xlarge", "B": "m6i.2xlarge", "C": "r5.2xlarge", "D": "c5.4xlarge",
    "E": "m5d.4xlarge", "F": "m5.4xlarge", "G": "r5.4xlarge", "H": "c5.2xlarge",
    "I": "r6i.4xlarge", "J": "m6a.4xlarge", "K": "r6i.2xlarge", "L": "c6i.4xlarge",
}  # fmt: skip
"""Types of the trace, whose names are withheld, as machines that one may rent."""
WAYS = ("type", "region", "all")
GAP = 1e-3
"""Of every plan, hindsight's too: a saving from pooling is some hundredths."""

Floats = NDArray[np.float64]
Pool = tuple[int, str]
"""A region and a type of the trace."""


def pools() -> dict[Pool, Floats]:
    """Machines in every hour."""
    hours = pd.date_range(FIRST, LAST, freq="h", tz="UTC", inclusive="left")
    trace = pd.read_parquet(TRACE)
    wide = trace.pivot_table(
        index="timestamp", columns=["region", "vm_type"], values="count", fill_value=0
    ).reindex(hours, fill_value=0)
    return {(int(region), name): wide[region, name].to_numpy(float) for region, name in wide}


def groups(way: str, found: dict[Pool, Floats]) -> Iterator[tuple[str, list[Pool]]]:
    """Pools that are planned together, named."""
    if way == "all":
        yield "all", list(found)
    elif way == "region":
        for region, home in REGIONS.items():
            yield home, [one for one in found if one[0] == region]
    else:
        for region, name in found:
            yield f"{REGIONS[region]} {TYPES[name]}", [(region, name)]


def request(demand: dict[Pool, Floats], options: argparse.Namespace) -> PlanRequest:
    names = {one: f"{one[1]}{one[0]}" for one in demand}
    window: dict[str, object] = {**WINDOW, "policies": options.policies}
    by_region = [[names[one] for one in demand if one[0] == region] for region in REGIONS]
    return parse_request(
        {
            "name": "pooling",
            "catalog": "aws",
            "demand": {
                "inline": {
                    "start": f"{FIRST}T00:00Z",
                    "series": {names[one]: hours.tolist() for one, hours in demand.items()},
                }
            },
            "workloads": [
                {
                    "name": name,
                    "needs": {"unit": "machines", "of": TYPES[kind]},
                    "regions": [REGIONS[region]],
                }
                for (region, kind), name in names.items()
            ],
            "solve": {"gap": GAP},
            "offers": {"terms_months": [12, 36], "payments": ["no_upfront"]},
            "purchases": {"every_months": 3},
            "forecast": {"together": [one for one in by_region if len(one) > 1]},
            "backtest": window,
        }
    )


def lines(
    way: str, group: str, report: BacktestReport, seconds: float
) -> Iterator[dict[str, object]]:
    (course,) = report.courses
    for one in course.policies:
        yield {
            "case": f"{way}: {group}",
            "policy": one.policy,
            "bill_usd": float(one.bill_usd),
            "captured": one.captured,
            "coverage": one.coverage,
            "utilization": one.utilization,
            "worst_quarter": one.worst_quarter.saving_share,
            "seconds": seconds,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="What purchases decided together save.")
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--policies", nargs="+", default=["look_back", "neutral", "cautious"])
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if not TRACE.exists():
        print(json.dumps({"case": "pooling", "skipped": f"{TRACE.name} is not there"}))
        return
    found = pools()
    for way in options.ways:
        bills: dict[str, Decimal] = defaultdict(Decimal)
        for group, members in groups(way, found):
            began = time.perf_counter()
            print(f"{way}: {group}", file=sys.stderr, flush=True)
            asked = request({one: found[one] for one in members}, options)
            with local_workers(options.jobs) as workers:
                around = Surroundings(workers=workers if options.jobs > 1 else ())
                report = backtest(asked, around)
            for line in lines(way, group, report, time.perf_counter() - began):
                print(json.dumps(line), flush=True)
            for one in report.courses[0].policies:
                bills[one.policy] += one.bill_usd
        on_demand, best = bills["on_demand"], bills["hindsight"]
        for policy, bill_usd in bills.items():
            summed = {
                "bill_usd": float(bill_usd),
                "saved_share": float(1 - bill_usd / on_demand),
                "captured": float((on_demand - bill_usd) / (on_demand - best)),
            }
            print(json.dumps({"case": f"{way}: sum", "policy": policy, **summed}), flush=True)


if __name__ == "__main__":
    main()
