"""A hard case stopped early, and what a full run says of the plans it was stopped with.

Run it from the repository: ``python benchmarks/interrupted.py [--after 1 2 5]``. Prints one JSON
object per case; ``confirmed`` says that the early bound is not above the cost that the full run
reached, nor the early plan below the bound it proved.
"""

import argparse
import json

from fleets import request_document
from measures import peak_rss_mb, timed

from planner import Surroundings, parse_request
from planner.methods import formulate
from planner.planning import resolve
from planner.problem import Problem
from solvers import Limits, Outcome, get_solver

FULL_GAP = 1e-3


def solved(problem: Problem, limits: Limits) -> tuple[Outcome, float]:
    """The outcome of a solve, and its seconds, formulation included."""
    return timed(
        lambda: formulate(problem).run(get_solver("highs"), limits, progress=None, stop=None)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--after", type=float, nargs="+", default=[1.0, 2.0, 5.0])
    parser.add_argument("--pools", type=int, default=115)
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--scenarios", type=int, default=4)
    asked = parser.parse_args()
    size = {"hours": asked.hours, "pools": asked.pools, "scenarios": asked.scenarios}
    with request_document(**size, method="decomposed") as (document, folder):
        problem = resolve(parse_request(document), Surroundings(folder=folder))
    solved(problem, Limits(gap=0.5))  # compiles
    cases = [(f"stopped after {one:g} s", Limits(gap=0.0, time_limit_s=one)) for one in asked.after]
    found = [(name, *solved(problem, limits)) for name, limits in cases]
    found.append(("full", *solved(problem, Limits(gap=FULL_GAP))))
    full = found[-1][1]
    for name, outcome, seconds in found:
        if outcome.objective is None or outcome.bound is None:
            raise SystemExit(f"{name}: no plan, or no bound")
        if full.objective is None or full.bound is None:
            raise SystemExit("the full run found no plan")
        confirmed = outcome.bound <= full.objective and outcome.objective >= full.bound
        case = {
            "case": name,
            "seconds": seconds,
            "gap": outcome.gap,
            "cost": outcome.objective,
            "bound": outcome.bound,
            "stopped": str(outcome.stop),
            "confirmed": confirmed,
            "peak_rss_mb": peak_rss_mb(),
        }
        print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()
