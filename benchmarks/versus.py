"""One problem by three roads, in one run: hours apart, one model, and the model a user would write.

    python benchmarks/versus.py --hours 8760 --pools 10

Prints one JSON object per case and a last one with ratios. The cases are ``decomposed`` (this
project, warm), ``extensive`` (this project's one model through OR-Tools' HiGHS) and ``pulp-cbc``
(every hour and pool written out in PuLP, solved by CBC); the latter two in whole numbers and, with
``relaxed``, without them. All choose from the same purchases, and stop at the same gap or limit.

``seconds`` of ``decomposed`` is everything from the resolved problem to the proven plan. Of the
others it is the solver alone: ``build_seconds``, and what hands the model over, stand apart. Each
case runs in a process of its own. Raises ArithmeticError where two proofs exclude each other.
"""

import argparse
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fleets import OFFERS, request_document
from measures import alone, peak_rss_mb, timed

from planner import Surroundings, parse_request
from planner.first_stage import build_first_stage
from planner.formulation import build_model
from planner.methods import formulate
from planner.planning import resolve
from planner.problem import Problem
from planner.purchases import Lot
from solvers import CompiledModel, Limits, Outcome, get_solver, relative_gap

Case = dict[str, Any]

SAME_COST = 1e-6
"""Share by which proofs may miss each other: solvers' tolerances, and what breaks ties."""

_CBC_BOUND = re.compile(r"^Lower bound:\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Compiled:
    """A model already in arrays."""

    model: CompiledModel

    def compile(self) -> CompiledModel:
        """The arrays."""
        return self.model


@dataclass(frozen=True)
class Written:
    """A model in PuLP, with the constant that its solver leaves out."""

    problem: Any
    columns: int
    rows: int


def problem_of(document: dict[str, Any], folder: Path) -> Problem:
    return resolve(parse_request(document), Surroundings(folder=folder))


def decomposed(document: dict[str, Any], folder: Path, repeat: int) -> Case:
    """This project's decomposition: the best of several solves after one that is thrown away."""
    problem = problem_of(document, folder)

    def solve() -> Outcome:
        return formulate(problem).solve(problem, Surroundings())

    _, first_seconds = timed(solve)
    outcome, seconds = min((timed(solve) for _ in range(repeat)), key=lambda one: one[1])
    return _case("decomposed", seconds, outcome.objective, outcome.bound) | {
        "build_seconds": 0.0,
        "first_seconds": first_seconds,
        "iterations": outcome.iterations,
        "stop": outcome.stop.value,
    }


def extensive(document: dict[str, Any], folder: Path, limits: Limits, *, relaxed: bool) -> Case:
    """This project's one model of all hours through OR-Tools' HiGHS."""
    problem = problem_of(document, folder)
    model, build_seconds = timed(lambda: build_model(problem).linear.compile())
    model = model.relaxed() if relaxed else model
    outcome = get_solver("highs").solve(Compiled(model), limits)
    name = "extensive relaxed" if relaxed else "extensive"
    return _case(name, outcome.seconds, outcome.objective, outcome.bound) | {
        "build_seconds": build_seconds,
        "stop": outcome.stop.value,
        "columns": model.columns,
        "rows": model.rows,
    }


def pulp_cbc(document: dict[str, Any], folder: Path, limits: Limits, *, relaxed: bool) -> Case:
    """An hourly model written out in PuLP, by CBC."""
    import pulp  # loads highspy, beside which HiGHS of OR-Tools must run apart

    problem = problem_of(document, folder)
    lots = build_first_stage(problem).terms.lots
    written, build_seconds = timed(write_model, problem, lots, relaxed=relaxed)
    with TemporaryDirectory() as scratch:
        log = Path(scratch) / "cbc.log"
        solver = pulp.PULP_CBC_CMD(
            msg=False, timeLimit=limits.time_limit_s, gapRel=limits.gap, logPath=str(log)
        )
        _, seconds = timed(written.problem.solve, solver)
        told = _CBC_BOUND.findall(log.read_text(encoding="utf-8"))
    found = written.problem.sol_status
    ended = found == pulp.LpSolutionOptimal
    cost = written.problem.objective.value() if ended or (not relaxed and found == 2) else None
    bound = cost if ended else None
    if told and not relaxed:
        bound = float(told[-1])
    name = "pulp-cbc relaxed" if relaxed else "pulp-cbc"
    return _case(name, seconds, cost, bound) | {
        "build_seconds": build_seconds,
        "stop": "gap" if ended else "time_limit",
        "columns": written.columns,
        "rows": written.rows,
    }


def write_model(problem: Problem, lots: tuple[Lot, ...], *, relaxed: bool) -> Written:
    """What to buy, and which machines of each hour and pool are served by what.

    Machines of a pool are of one type, each workload in a pool of its own: fleets as
    `fleets.py` makes them.
    """
    import pulp

    model = pulp.LpProblem("fleet", pulp.LpMinimize)
    kind = pulp.LpContinuous if relaxed else pulp.LpInteger
    buy = [pulp.LpVariable(f"buy_{k}", 0, None, kind) for k in range(len(lots))]
    cost = [lot.cost_usd * bought for lot, bought in zip(lots, buy, strict=True)]
    reserving, paying = _by_target(problem, lots)
    rows = 0
    for hour in range(problem.calendar.hours):
        spent: dict[int, list[Any]] = defaultdict(list)
        for candidate in problem.candidates:
            machine, demand = candidate.machine, candidate.needs[0][0][hour]
            here, price = f"{candidate.workload}_{hour}", float(machine.on_demand_usd)
            part = problem.pools.slice_of(machine)
            units = float(problem.pools.slices[part].machine_units(machine))
            pool = problem.pools.slices[part].pool
            reserved = pulp.LpVariable(f"reserved_{here}", 0)
            on_demand = pulp.LpVariable(f"on_demand_{here}", 0)
            served = [reserved, on_demand]
            for option in paying:
                rate = problem.options[option].rates[part]
                if rate is not None:
                    by_plan = pulp.LpVariable(f"plan_{option}_{here}", 0)
                    spent[option].append(float(rate) * units * by_plan)
                    served.append(by_plan)
            model += pulp.lpSum(served) == float(demand)
            model += reserved <= pulp.lpSum(
                float(problem.options[lots[k].option].pool_units) / units * buy[k]
                for k in reserving[pool]
                if lots[k].start <= hour < lots[k].end
            )
            cost.append(price * on_demand)
            rows += 2
        for option, dollars in spent.items():
            model += pulp.lpSum(dollars) <= pulp.lpSum(
                float(problem.options[option].step) * buy[k]
                for k in paying[option]
                if lots[k].start <= hour < lots[k].end
            )
            rows += 1
    model += pulp.lpSum(cost)
    return Written(model, len(model.variables()), rows)


def _by_target(
    problem: Problem, lots: tuple[Lot, ...]
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Positions of the lots by the pool they are dedicated to, and by the plan they add to."""
    reserving: dict[int, list[int]] = defaultdict(list)
    paying: dict[int, list[int]] = defaultdict(list)
    for position, lot in enumerate(lots):
        pool = problem.options[lot.option].pool
        if pool is None:
            paying[lot.option].append(position)
        else:
            reserving[pool].append(position)
    return reserving, paying


def _case(name: str, seconds: float, cost: float | None, bound: float | None) -> Case:
    if cost is not None and bound is not None:
        bound = min(bound, cost) if bound <= cost * (1 + SAME_COST) else bound
    return {
        "case": name,
        "seconds": seconds,
        "gap": relative_gap(cost, bound),
        "cost": cost,
        "bound": bound,
        "peak_rss_mb": peak_rss_mb(),
    }


def check(cases: list[Case], gap: float) -> None:
    """Raise ArithmeticError where what two cases found and proved cannot both be true."""
    for one, other in combinations(cases, 2):
        for proof, plan in ((one, other), (other, one)):
            if proof["bound"] is None or plan["cost"] is None:
                continue
            # A bound of whole purchases says nothing of fractional ones.
            if "relaxed" in plan["case"] and "relaxed" not in proof["case"]:
                continue
            if proof["bound"] > plan["cost"] * (1 + SAME_COST):
                raise ArithmeticError(f"{proof['case']} proves more than {plan['case']} costs")
        both = "relaxed" in one["case"] and "relaxed" in other["case"]
        costs = [case["cost"] for case in (one, other)]
        proven = all(case["gap"] is not None and case["gap"] <= gap for case in (one, other))
        allowed = gap + SAME_COST
        if both and proven and not math.isclose(*costs, rel_tol=allowed):
            raise ArithmeticError(f"{one['case']} and {other['case']} disagree")


def ratios(cases: list[Case], limit_s: float) -> Case:
    """How many times longer the others took; a lower bound where one was stopped."""
    base = cases[0]
    summary: Case = {"case": "ratios"}
    for case in cases[1:]:
        name = case["case"].replace(" ", "_").replace("-", "_")
        summary[name] = case["seconds"] / base["seconds"]
        summary[f"{name}_with_build"] = (case["seconds"] + case["build_seconds"]) / base["seconds"]
        summary[f"{name}_stopped"] = case["stop"] == "time_limit"
    relaxed = [c["cost"] for c in cases if "relaxed" in c["case"] and c["cost"] is not None]
    if relaxed:
        summary["whole_above_relaxed"] = base["cost"] / min(relaxed) - 1
    return summary | {"limit_s": limit_s}


def measure(asked: argparse.Namespace) -> Iterator[Case]:
    """The cases, one after another."""
    limits = Limits(time_limit_s=asked.limit, gap=asked.gap)
    size = {"hours": asked.hours, "pools": asked.pools, "offers": asked.offers, "real": asked.real}
    with request_document(**size, gap=asked.gap, method="decomposed") as (document, folder):
        yield alone(decomposed, document, folder, asked.repeat)
        others: tuple[Callable[..., Case], ...] = (extensive, pulp_cbc)
        for solve in others:
            for relaxed in (True, False):
                yield alone(solve, document, folder, limits, relaxed=relaxed)


def main() -> None:
    """Measure all cases of one problem and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--pools", type=int, default=10)
    parser.add_argument("--offers", choices=list(OFFERS), default="all")
    parser.add_argument("--real", action="store_true", help="the trace instead of a made-up fleet")
    parser.add_argument("--gap", type=float, default=1e-4)
    parser.add_argument("--limit", type=float, default=600, help="seconds a solver may take")
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    cases = []
    for case in measure(asked):
        cases.append(case)
        print(json.dumps(case), flush=True)
    check(cases, asked.gap)
    print(json.dumps(ratios(cases, asked.limit)))


if __name__ == "__main__":
    main()
