"""How long a planning model takes to build, and to solve, apart.

Run with a request of the project (a demand file may replace its own), or with a synthetic fleet:

    python benchmarks/planning.py --hours 8760 --pools 12
    python benchmarks/planning.py --request examples/quarterly/request.yaml
    python benchmarks/planning.py --request examples/real-trace/request.yaml --demand TRACE.parquet

Prints one JSON object per case. ``build_seconds_per_million`` and ``build_mb_per_million`` are
per million nonzeros of the model, from resolved inputs to the arrays a solver takes.
"""

import argparse
import json
import resource
import time
import tracemalloc
from pathlib import Path

import numpy as np
import yaml

from planner import PlanRequest, Surroundings, parse_request
from planner.formulation import build_model
from planner.planning import resolve, solve_problem
from planner.problem import Problem

TYPES = (
    "m5.2xlarge", "m6i.2xlarge", "r5.2xlarge", "c5.4xlarge", "m5d.4xlarge", "c5d.xlarge",
    "r5d.4xlarge", "m5a.xlarge", "c5a.2xlarge", "m6a.4xlarge", "r6i.2xlarge", "c6i.4xlarge",
    "m7g.xlarge", "c7g.2xlarge", "r7g.xlarge", "m6g.2xlarge", "c6g.xlarge", "r6g.2xlarge",
)  # fmt: skip


def synthetic(hours: int, pools: int) -> PlanRequest:
    """Fleets of one machine type each: daily and weekly season, growth and noise, seed 1."""
    draw = np.random.default_rng(1)
    hour = np.arange(hours)
    series = {}
    for name in TYPES[:pools]:
        season = 1 + 0.3 * np.sin(hour * (2 * np.pi / 24)) + 0.1 * np.sin(hour * (2 * np.pi / 168))
        level = draw.uniform(20, 300) * (1 + draw.uniform(-0.2, 0.8) * hour / hours)
        series[name] = np.round(level * season * draw.lognormal(0, 0.05, hours)).tolist()
    return parse_request(
        {
            "name": f"synthetic-{hours}x{pools}",
            "horizon": {"hours": hours},
            "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": series}},
            "offers": {"kinds": ["reserved_standard", "savings_plan_ec2", "savings_plan_compute"]},
            "workloads": [
                {"name": name, "regions": ["us-east-1"], "needs": {"unit": "machines", "of": name}}
                for name in series
            ],
        }
    )


def from_file(path: Path, demand: Path | None) -> PlanRequest:
    """A request file, with its demand from elsewhere if so asked."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if demand is not None:
        document["demand"]["file"] = str(demand.resolve())
    return parse_request(document)


def measure_build(problem: Problem) -> dict[str, float]:
    """Seconds and memory from resolved inputs to compiled arrays, in two separate builds."""
    build_model(problem).linear.compile()  # imports and caches are not what is measured
    began = time.perf_counter()
    compiled = build_model(problem).linear.compile()
    seconds = time.perf_counter() - began
    tracemalloc.start()
    build_model(problem).linear.compile()
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    millions = compiled.matrix.nnz / 1e6
    return {
        "columns": compiled.columns,
        "rows": compiled.rows,
        "nonzeros": compiled.matrix.nnz,
        "build_seconds": seconds,
        "build_seconds_per_million": seconds / millions,
        "build_mb_per_million": peak_mb / millions,
    }


def main() -> None:
    """Measure one case and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--request", type=Path)
    parser.add_argument("--demand", type=Path)
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--pools", type=int, default=12, choices=range(1, len(TYPES) + 1))
    parser.add_argument("--build-only", action="store_true")
    asked = parser.parse_args()
    if asked.request is not None:
        request, folder = from_file(asked.request, asked.demand), asked.request.parent
    else:
        request, folder = synthetic(asked.hours, asked.pools), Path()
    around = Surroundings(folder=folder)
    problem = resolve(request, around)
    case: dict[str, object] = {"case": request.name, **measure_build(problem)}
    case |= dict.fromkeys(("gap", "cost", "bound")) | {"seconds": case["build_seconds"]}
    if not asked.build_only:
        began = time.perf_counter()
        plan = solve_problem(problem, around)
        case |= {
            "seconds": time.perf_counter() - began,
            "solver_seconds": plan.solver.seconds,
            "gap": plan.gap,
            "cost": float(plan.total_cost_usd),
            "bound": None if plan.lower_bound_usd is None else float(plan.lower_bound_usd),
            "saving": plan.savings_share,
        }
    case["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(case))


if __name__ == "__main__":
    main()
