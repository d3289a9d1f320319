"""Random fleets at bundled prices: how far bills are above their bounds and other strategies.

    python benchmarks/real_catalogues.py --examples 70

Fleets of one to three families of a region, two to four sizes of each, all kinds of commitments
allowed, a few weeks of demand. Prints one JSON object per provider:

* ``bill_above_bound``: (bill − lower bound) / bill: median, 95 %, worst, and the worst's number;
* ``dearer``: requests whose plan is billed more than the asked gap above a strategy of ``compare``
  that keeps the limits, by number: the strategy and by what share.
"""

import argparse
import json
import time
from collections import defaultdict
from random import Random
from typing import Any

import numpy as np

from catalogs import Catalog
from planner import Surroundings, compare, make_plan, parse_request

Document = dict[str, Any]

GAP = 1e-4
PROVIDERS = ("aws", "azure", "gcp")
QUANTILES = {"p50": 50, "p95": 95, "max": 100}


def fleets_of(provider: str) -> dict[tuple[str, str], list[str]]:
    """Types sold on demand by region and family, where there are several."""
    catalog, found = Catalog.bundled(provider), defaultdict(list)
    family = catalog.instance_types["family"].to_dict()
    rates = catalog.rates
    sold = rates[(rates["kind"] == "on_demand") & (rates["os"] == "linux")]
    for name, region in zip(sold["instance_type"], sold["region"], strict=True):
        if name in family:
            found[region, family[name]].append(name)
    return {place: sorted(set(names)) for place, names in found.items() if len(set(names)) > 1}


def random_request(
    provider: str, number: int, fleets: dict[tuple[str, str], list[str]]
) -> Document:
    """A request, the same for a number every time."""
    dice = Random(f"{provider} {number}")  # noqa: S311 - repeatable, nothing is kept secret
    regions = sorted({region for region, _ in fleets})
    region = dice.choice(regions)
    families = sorted(family for where, family in fleets if where == region)
    hours = dice.choice((168, 336, 720))
    series: dict[str, list[int]] = {}
    for family in dice.sample(families, min(dice.randint(1, 3), len(families))):
        names = fleets[region, family]
        for name in dice.sample(names, min(dice.randint(2, 4), len(names))):
            level, swing = dice.randint(1, 60), dice.random()
            busy = dice.randint(4, 20)
            series[name] = [
                round(level * (1 + swing * (hour % 24 < busy))) for hour in range(hours)
            ]
    return {
        "name": f"{provider}-{number}",
        "catalog": provider,
        "demand": {"inline": {"start": "2027-01-01T00:00Z", "series": series}},
        "purchases": {"hours": sorted({0, *dice.sample((0, 24, 96), dice.randint(0, 1))})},
        "offers": {"terms_months": [12, 36]},
        "workloads": [
            {"name": name, "regions": [region], "needs": {"unit": "machines", "of": name}}
            for name in series
        ],
        "simplify": "off",
        "solve": {"gap": GAP},
    }


def main() -> None:
    """Plan and compare random requests and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=70, help="requests per provider")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--providers", nargs="+", default=PROVIDERS, choices=PROVIDERS)
    asked = parser.parse_args()
    for provider in asked.providers:
        began, fleets = time.perf_counter(), fleets_of(provider)
        above: dict[int, float] = {}
        dearer: dict[int, tuple[str, float]] = {}
        for number in range(asked.first, asked.first + asked.examples):
            request = parse_request(random_request(provider, number, fleets))
            plan = make_plan(request, Surroundings())
            total = float(plan.total_cost_usd)
            above[number] = (total - float(plan.lower_bound_usd or 0)) / total
            for one in compare(request, Surroundings()).strategies:
                if one.total_cost_usd is not None and one.keeps_limits:
                    share = (total - float(one.total_cost_usd)) / total
                    if share > GAP and share > dearer.get(number, ("", 0.0))[1]:
                        dearer[number] = one.strategy, share
        values = list(above.values())
        line = {
            "case": provider,
            "seconds": round(time.perf_counter() - began, 1),
            "requests": len(values),
            "below_bound": sum(share < -1e-9 for share in values),
            "bill_above_bound": {n: float(np.percentile(values, q)) for n, q in QUANTILES.items()}
            | {"worst": max(above, key=lambda number: above[number])},
            "dearer": dearer,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
