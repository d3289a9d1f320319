"""What unlike prices inside families cost in time: several sizes of a family beside one.

    python benchmarks/price_slices.py

Ten families in one region, 8,760 hours, quarterly purchases of reservations, EC2 and Compute
Savings Plans of one and three years. Prints one JSON object per case, all measured in one process:

* ``one-size``: each family's demand on one size, so that a pool has one price per unit. The others'
  ``ratio`` is their time as a multiple of this one's;
* ``real-sizes``: eight sizes of each family at the bundled catalogue's prices;
* ``made-up-sizes``: ten sizes of each family, prices per unit and rates each up to 5 % apart;
* ``real-sizes-floor``: eight real sizes, commitments used to 90 % at least.

``seconds`` is the best warm solve from the resolved problem, ``slices`` what pools are told apart
into.
"""

import argparse
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from measures import timed
from numpy.typing import NDArray

from catalogs import Catalog
from planner import Surroundings, parse_request
from planner.methods import formulate
from planner.planning import resolve
from planner.problem import Problem
from solvers import Outcome

Document = dict[str, Any]

FAMILIES = ("m5", "r5", "c5", "m6i", "r6i", "c6i", "m5a", "r5a", "m7i", "r7i")
REGION = "us-east-1"
KINDS = ["reserved_standard", "savings_plan_ec2", "savings_plan_compute"]
SIZES = {
    "large": 4, "xlarge": 8, "2xlarge": 16, "4xlarge": 32, "8xlarge": 64, "9xlarge": 72,
    "12xlarge": 96, "16xlarge": 128, "18xlarge": 144, "24xlarge": 192,
}  # fmt: skip
YEAR, APART = 8760, 0.05


def demand_of(units: list[int], hours: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """Machines [hour × size]: seasons and noise, about as many units of every size."""
    hour = np.arange(hours)[:, None]
    phase, level = draw.uniform(0, 3, len(units)), draw.uniform(2000, 20_000) / np.array(units)
    season = 1 + 0.3 * np.sin(hour * (2 * np.pi / 24) + phase)
    season += 0.1 * np.sin(hour * (2 * np.pi / 168) + phase)
    growth = 1 + draw.uniform(-0.2, 0.4, len(units)) * hour / hours
    noise = draw.lognormal(0, 0.05, (hours, len(units)))
    return np.asarray(np.round(level * season * growth * noise))


def real_sizes(family: str, count: int) -> dict[str, int]:
    """Normalized units of a family's first sizes in the bundled catalogue."""
    catalog = Catalog.bundled("aws")
    found = {
        f"{family}.{size}": units
        for size, units in SIZES.items()
        if catalog.has_type(f"{family}.{size}")
    }
    return dict(list(found.items())[:count])


def made_up(draw: np.random.Generator) -> tuple[Document, dict[str, dict[str, int]]]:
    """A catalogue of ten families of ten sizes, each price and rate up to 5 % off."""
    types: list[Document] = []
    rates: list[Document] = []
    families: dict[str, dict[str, int]] = {}
    for family in FAMILIES:
        unit_usd = draw.uniform(0.01, 0.03)
        families[family] = {f"{family}.{size}": units for size, units in SIZES.items()}
        for name, units in families[family].items():
            row = {"instance_type": name, "region": REGION}
            types.append({"name": name, "family": family, "size_flexible": True})
            types[-1]["normalized_units"] = str(units)

            def usd(share: float, units: int = units, unit_usd: float = unit_usd) -> float:
                exact = unit_usd * units * share * draw.uniform(1 - APART, 1 + APART)
                return round(exact, 6)

            rates.append(row | {"kind": "on_demand", "hourly_usd": usd(1.0)})
            for kind, one_year, three_years in (
                ("reserved_standard", 0.62, 0.42),
                ("savings_plan_ec2", 0.63, 0.43),
                ("savings_plan_compute", 0.73, 0.50),
            ):
                for term, share in ((YEAR, one_year), (3 * YEAR, three_years)):
                    sold = {"kind": kind, "term_hours": term, "payment": "no_upfront"}
                    rates.append(row | sold | {"hourly_usd": usd(share)})
    inline = {"name": "made-up", "provider": "aws", "source": "made up", "as_of": "2026-01-01"}
    return {"inline": inline | {"instance_types": types, "rates": rates}}, families


def document(
    families: dict[str, dict[str, int]], catalog: object, hours: int, **parts: object
) -> Document:
    """A request with a workload per size."""
    draw = np.random.default_rng(7)
    series: dict[str, list[float]] = {}
    for sizes in families.values():
        machines = demand_of(list(sizes.values()), hours, draw)
        series |= {name: machines[:, i].tolist() for i, name in enumerate(sizes)}
    return {
        "name": "prices",
        "catalog": catalog,
        "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": series}},
        "purchases": {"every_months": 3},
        "offers": {"kinds": KINDS, "terms_months": [12, 36]},
        "workloads": [
            {"name": name, "regions": [REGION], "needs": {"unit": "machines", "of": name}}
            for name in series
        ],
        "simplify": "off",
    } | parts


def cases(hours: int, families: int, gap: float) -> Iterator[tuple[str, Document]]:
    """Name and request of each case."""
    chosen, solve = FAMILIES[:families], {"gap": gap, "method": "decomposed"}
    one = {family: real_sizes(family, 3) for family in chosen}
    one = {family: dict(list(sizes.items())[-1:]) for family, sizes in one.items()}
    eight = {family: real_sizes(family, 8) for family in chosen}
    yield "one-size", document(one, "aws", hours, solve=solve)
    yield "real-sizes", document(eight, "aws", hours, solve=solve)
    catalog, ten = made_up(np.random.default_rng(11))
    ten = {family: ten[family] for family in chosen}
    yield "made-up-sizes", document(ten, catalog, hours, solve=solve)
    floor = {"utilization": {"at_least": 0.9}}
    yield "real-sizes-floor", document(eight, "aws", hours, solve=solve, limits=floor)


def solved(problem: Problem) -> Outcome:
    return formulate(problem).solve(problem, Surroundings())


def main() -> None:
    """Measure the cases and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=YEAR)
    parser.add_argument("--families", type=int, default=len(FAMILIES))
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--cases", nargs="+", help="names of some cases; all when absent")
    asked = parser.parse_args()
    base_seconds = None
    for name, request in cases(asked.hours, asked.families, asked.gap):
        if asked.cases and name not in asked.cases:
            continue
        problem = resolve(parse_request(request), Surroundings())
        first_seconds = timed(solved, problem)[1]
        outcome, seconds = min(
            (timed(solved, problem) for _ in range(asked.repeat)), key=lambda one: one[1]
        )
        base_seconds = base_seconds or seconds
        case = {
            "case": name,
            "seconds": seconds,
            "ratio": seconds / base_seconds,
            "first_seconds": first_seconds,
            "slices": len(problem.pools.slices),
            "gap": outcome.gap,
            "cost": outcome.objective,
            "bound": outcome.bound,
            "iterations": outcome.iterations,
        }
        print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()
