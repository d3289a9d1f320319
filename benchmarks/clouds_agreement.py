"""Random requests over every provider's products: two methods, two solvers and the bill agree.

Run it from the repository: ``python benchmarks/clouds_agreement.py --examples 300``. It prints one
JSON object per provider:

* ``solvers_differ``: the most by which two solvers' optima differ, as a share;
* ``methods_differ_gaps``: the same of the extensive form and the decomposed method, in gaps;
* ``assignment_gap``, ``linearization``: what the bill adds to the model's cost, as shares of it;
* ``bound_above_bill``: requests with proportional prices whose bill is below the proven bound.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from cloud_catalogs import Document
from cloud_requests import GAP, PROVIDERS, SPANS, CloudRequest, cloud_request

from planner import InfeasibleError, Plan, Surroundings, make_plan, parse_request

ROUNDING = 2e-6
"""Tolerance of solvers and tie-breaking, as a share of the cost."""

COUNTED_LOW = "solve.method: decomposed prices sustained use by the hour"
"""How its note begins."""

QUANTILES = {"p50": 50, "p95": 95, "max": 100}


@dataclass(frozen=True)
class Comparison:
    """A request's plans, as found by two methods and two solvers."""

    request: CloudRequest
    extensive: Plan
    decomposed: Plan
    other: Plan

    @property
    def scale_usd(self) -> float:
        """What differences are shares of."""
        return max(abs(float(self.extensive.objective_usd)), 1.0)

    @property
    def solvers_differ(self) -> float:
        """Share by which two solvers' optima differ."""
        return self._difference(self.other) / self.scale_usd

    @property
    def methods_differ(self) -> float:
        """Share by which the two methods' optima differ.

        Where the decomposed one says that it counts sustained use too low, share by which its
        bound exceeds the other's optimum.
        """
        if any(note.startswith(COUNTED_LOW) for note in self.decomposed.notes):
            bound, optimum = self.decomposed.lower_bound_usd, self.extensive.objective_usd
            return max(float(bound or 0) - float(optimum), 0.0) / self.scale_usd
        return self._difference(self.decomposed) / self.scale_usd

    @property
    def bound_above_bill(self) -> float:
        """Share by which the proven bound lies above the bill; negative where it does not."""
        plans = (self.extensive, self.decomposed, self.other)
        return max(float(one.lower_bound_usd or 0) - float(one.total_cost_usd) for one in plans) / (
            self.scale_usd
        )

    def share(self, usd: object) -> float:
        """An amount as a share of the bill."""
        return float(str(usd)) / max(abs(float(self.extensive.total_cost_usd)), 1.0)

    def _difference(self, plan: Plan) -> float:
        return abs(float(plan.objective_usd) - float(self.extensive.objective_usd))


def plan_of(document: Document) -> Plan | None:
    """The plan; None where there is none."""
    try:
        return make_plan(parse_request(document), Surroundings(folder=Path()))
    except InfeasibleError:
        return None


def compare(request: CloudRequest, solver: str) -> Comparison | None:
    """A request solved in three ways; None where all of them find it infeasible."""
    roads = (
        {"method": "extensive"},
        {"method": "decomposed"},
        {"method": "extensive", "solver": solver},
    )
    plans = [plan_of(request.solved_by(**road)) for road in roads]
    extensive, decomposed, other = plans
    if extensive is None and decomposed is None and other is None:
        return None
    if extensive is None or decomposed is None or other is None:
        raise ArithmeticError(f"feasible to some only: {[one is not None for one in plans]}")
    return Comparison(request, extensive, decomposed, other)


def compared(provider: str, examples: int, solver: str) -> list[Comparison | None]:
    """That many random requests of a provider, the same ones every time."""
    return [compare(numbered(provider, number), solver) for number in range(examples)]


def numbered(provider: str, number: int, spans: Sequence[int] = SPANS) -> CloudRequest:
    """A provider's random request of that number."""
    return cloud_request(Random(f"{provider} {number}"), provider, spans)  # noqa: S311 - no secret


def figures(found: Sequence[Comparison | None]) -> dict[str, object]:
    """What a provider's line says."""
    feasible = [one for one in found if one is not None]
    bounded = [one for one in feasible if one.request.is_bounded]
    added = {
        "assignment_gap": [one.share(one.extensive.assignment_gap_usd) for one in feasible],
        "linearization": [one.share(one.extensive.linearization_usd) for one in feasible],
    }
    return {
        "examples": len(found),
        "infeasible": len(found) - len(feasible),
        "buying": sum(bool(one.extensive.purchases) for one in feasible),
        "solvers_differ": max(one.solvers_differ for one in feasible),
        "methods_differ_gaps": max(one.methods_differ for one in feasible) / GAP,
        **{name: _quantiles(shares) for name, shares in added.items()},
        "proportional": len(bounded),
        "bound_above_bill": sum(one.bound_above_bill > GAP + ROUNDING for one in bounded),
    }


def _quantiles(shares: Sequence[float]) -> dict[str, float]:
    return {name: float(np.percentile(shares, at)) for name, at in QUANTILES.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=300, help="requests per provider")
    parser.add_argument("--providers", nargs="+", default=PROVIDERS, choices=PROVIDERS)
    parser.add_argument("--solver", default="scip", help="compared with highs")
    asked = parser.parse_args()
    for provider in asked.providers:
        began = time.perf_counter()
        line = figures(compared(provider, asked.examples, asked.solver))
        seconds = round(time.perf_counter() - began, 1)
        print(json.dumps({"case": provider, "seconds": seconds, **line}), flush=True)


if __name__ == "__main__":
    main()
