"""How time and memory of the decomposed method grow with hours, scenarios and pools.

    python benchmarks/scale.py --real --hours 26280 --pools 23 --scenarios 10 --gap 1e-3
    python benchmarks/scale.py --cells 1e6 1e7 1e8

Prints one JSON object per case, each measured in a process of its own that reads a demand file
written by another; with several ``--cells`` (hours × pools × scenarios, reached by the number of
scenarios) a last one with the growth exponents between neighbours.

``seconds`` is the best warm solve from the resolved problem: formulation, blocks of hours, means,
rounds and proof. Compiling or loading what is compiled, on a small problem of the same shape, is
``compile_or_load_seconds``; reading request, prices and demand ``resolve_seconds``.
``streaming_seconds`` is the best ``weights @ demand`` over the same rows in float32, one
contiguous array. Memory in MiB: ``demand_mb`` is the demand of the planned hours in float64,
``rss_before_mb`` what stood before it was read, everything imported and compiled;
``resolve_peak_demands`` and ``solve_peak_demands`` are what reading and solving held beyond that
at the most, in multiples of ``demand_mb``; ``resolved_demands`` what the resolved problem holds
once freed memory is given back, ``solve_own_demands`` what solving adds to it.
"""

import argparse
import json
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from fleets import OFFERS, request_document
from measures import alone, forget_peak, give_back, peak_rss_mb, rss_mb, timed

from planner import Surroundings, make_plan, parse_request
from planner.methods import formulate
from planner.planning import resolve
from planner.problem import Problem
from solvers import Outcome

Case = dict[str, Any]

WARMING_HOURS = 336
WARMING_SCENARIOS = 2
STREAMS = 10


def resolved(document: dict[str, Any], folder: Path) -> Problem:
    return resolve(parse_request(document), Surroundings(folder=folder))


def solved(problem: Problem) -> Outcome:
    return formulate(problem).solve(problem, Surroundings())


def compile_seconds(document: dict[str, Any], folder: Path) -> float:
    """What the first solve of a process takes beyond the second."""
    problem = resolved(document, folder)
    first, second = (timed(solved, problem)[1] for _ in range(2))
    return first - second


def streaming_seconds(problem: Problem, dtype: str) -> float:
    """The best ``weights @ demand`` [moment × series] in one contiguous array."""
    series = list(problem.demand.series.values())
    demand = np.empty((len(series[0]), len(series)), dtype=dtype)
    for position, values in enumerate(series):
        demand[:, position] = values
    weights = np.ones(len(demand), dtype=dtype)
    return min(timed(np.matmul, weights, demand)[1] for _ in range(STREAMS))


def measure(
    document: dict[str, Any],
    folder: Path,
    small: dict[str, Any],
    small_folder: Path,
    repeat: int,
    *,
    whole_plan: bool,
) -> Case:
    """One case's line; run it in a process of its own."""
    compiling = compile_seconds(small, small_folder)
    give_back()
    before = rss_mb()
    forget_peak()
    problem, resolve_seconds = timed(resolved, document, folder)
    resolve_peak = peak_rss_mb()
    give_back()
    resolved_rss = rss_mb()
    forget_peak()
    outcome, seconds = min((timed(solved, problem) for _ in range(repeat)), key=lambda one: one[1])
    solve_peak = peak_rss_mb()
    cells = sum(values.size for values in problem.demand.series.values())
    demand_mb = sum(values.nbytes for values in problem.demand.series.values()) / 2**20
    case: Case = {
        "case": document["name"],
        "seconds": seconds,
        "gap": outcome.gap,
        "cost": outcome.objective,
        "bound": outcome.bound,
        "iterations": outcome.iterations,
        "cells": cells,
        "compile_or_load_seconds": compiling,
        "resolve_seconds": resolve_seconds,
        "peak_rss_mb": max(resolve_peak, solve_peak),
        "rss_before_mb": before,
        "demand_mb": demand_mb,
        "resolve_peak_demands": (resolve_peak - before) / demand_mb,
        "resolved_demands": (resolved_rss - before) / demand_mb,
        "solve_peak_demands": (solve_peak - before) / demand_mb,
        "solve_own_demands": (solve_peak - resolved_rss) / demand_mb,
    }
    streaming = streaming_seconds(problem, "float32")
    case |= {
        "streaming_seconds": streaming,
        "streaming_float64_seconds": streaming_seconds(problem, "float64"),
        "streaming_passes": seconds / streaming,
    }
    if whole_plan:
        del problem, outcome
        case |= measure_whole_plan(document, folder)
    return case


def measure_whole_plan(document: dict[str, Any], folder: Path) -> Case:
    """From the document to the plan: read, solved, billed in every future and explained."""
    forget_peak()
    request = parse_request(document)
    plan, seconds = timed(make_plan, request, Surroundings(folder=folder))
    return {
        "whole_plan_seconds": seconds,
        "whole_plan_solver_seconds": plan.solver.seconds,
        "whole_plan_peak_rss_mb": peak_rss_mb(),
    }


def cases(asked: argparse.Namespace) -> Iterator[Case]:
    """One per size."""
    sizes = [round(cells / (asked.hours * asked.pools)) for cells in asked.cells]
    small_hours = min(asked.hours, WARMING_HOURS)
    fleet = {"pools": asked.pools, "offers": asked.offers, "real": asked.real}
    solve = {"gap": asked.gap, "method": "decomposed"}
    for scenarios in sizes or [asked.scenarios]:
        few = min(max(scenarios, 1), WARMING_SCENARIOS)
        with (
            request_document(hours=small_hours, scenarios=few, **fleet, **solve) as small,
            request_document(
                hours=asked.hours, scenarios=max(scenarios, 1), **fleet, **solve
            ) as large,
        ):
            yield alone(measure, *large, *small, asked.repeat, whole_plan=asked.whole_plan)


def growth(found: list[Case]) -> Case:
    """Exponents of time and memory in the number of cells, between neighbouring sizes."""

    def exponents(amounts: list[float]) -> list[float]:
        sizes = [case["cells"] for case in found]
        return [
            math.log(later / sooner) / math.log(large / small)
            for (sooner, later), (small, large) in zip(
                pairwise(amounts), pairwise(sizes), strict=True
            )
        ]

    memory = [case["peak_rss_mb"] - case["rss_before_mb"] for case in found]
    return {
        "case": "growth exponents",
        "seconds": exponents([case["seconds"] for case in found]),
        "memory": exponents(memory),
    }


def main() -> None:
    """Measure the sizes asked for and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--pools", type=int, default=115)
    parser.add_argument("--scenarios", type=int, default=1)
    parser.add_argument("--cells", type=float, nargs="+", default=[], help="instead of scenarios")
    parser.add_argument("--offers", choices=list(OFFERS), default="all")
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--real", action="store_true", help="the trace instead of a made-up fleet")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--whole-plan", action="store_true", help="the time of make_plan as well")
    asked = parser.parse_args()
    found = []
    for case in cases(asked):
        found.append(case)
        print(json.dumps(case), flush=True)
    if len(found) > 1:
        print(json.dumps(growth(found)))


if __name__ == "__main__":
    main()
