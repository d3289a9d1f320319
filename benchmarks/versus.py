"""One problem by three roads, in one run: hours apart, one model, and the model a user would write.

    python benchmarks/versus.py --hours 8760 --pools 10

Prints one JSON object per case and a last one with ratios. The cases are ``decomposed`` (this
project, warm), ``extensive`` (this project's one model through OR-Tools' HiGHS) and ``pulp-cbc``
(every hour and pool written out in PuLP, solved by CBC); the latter two in whole numbers and, with
``relaxed``, without them. All choose from the same purchases, and stop at the same gap or limit.

``seconds`` of ``decomposed`` is everything from the resolved problem to the proven plan. Of the
others it is the solver alone: ``build_seconds`` and ``handover_seconds`` (to the solver and back)
stand apart. Each case runs in a process of its own. Raises ArithmeticError where two proofs exclude
each other.
"""

import argparse
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fleets import OFFERS, request_document
from measures import alone, children_peak_rss_mb, peak_rss_mb, timed

from planner import Surroundings, parse_request
from planner.fleet import Candidate
from planner.formulation import build_first_stage, build_model
from planner.methods import formulate
from planner.planning import resolve
from planner.problem import Problem
from planner.purchases import Lot
from solvers import CompiledModel, Limits, Outcome, get_solver, relative_gap

Case = dict[str, Any]

SAME_COST = 1e-6
"""Share by which proofs may miss each other: solvers' tolerances, and what breaks ties."""

_CBC_SECONDS = re.compile(r"Wallclock seconds\):\s+(\S+)")
_CBC_BOUND = re.compile(r"^Lower bound:\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Compiled:
    """A model already in arrays."""

    model: CompiledModel

    def compile(self) -> CompiledModel:
        """The arrays."""
        return self.model


def problem_of(document: dict[str, Any], folder: Path) -> Problem:
    return resolve(parse_request(document), Surroundings(folder=folder))


def _case(name: str, seconds: float, cost: float | None, bound: float | None) -> Case:
    if cost is not None and bound is not None:
        # A bound above the cost by tolerances is equal to it; one further above, `check` refuses.
        bound = min(bound, cost) if bound <= cost * (1 + SAME_COST) else bound
    return {
        "case": name,
        "seconds": seconds,
        "gap": relative_gap(cost, bound),
        "cost": cost,
        "bound": bound,
        "peak_rss_mb": max(peak_rss_mb(), children_peak_rss_mb()),
    }


def decomposed(document: dict[str, Any], folder: Path, repeat: int) -> Case:
    """This project's decomposition: the best of several solves after one that is thrown away."""
    problem = problem_of(document, folder)

    def solve() -> Outcome:
        return formulate(problem).solve(problem, Surroundings())

    _, first_seconds = timed(solve)
    outcome, seconds = min((timed(solve) for _ in range(repeat)), key=lambda one: one[1])
    return _case("decomposed", seconds, outcome.objective, outcome.bound) | {
        "build_seconds": 0.0,
        "handover_seconds": 0.0,
        "first_seconds": first_seconds,
        "iterations": outcome.iterations,
        "stop": outcome.stop.value,
    }


def extensive(document: dict[str, Any], folder: Path, limits: Limits, *, relaxed: bool) -> Case:
    """This project's one model of all hours through OR-Tools' HiGHS."""
    problem = problem_of(document, folder)
    model, build_seconds = timed(lambda: build_model(problem).linear.compile())
    model = model.relaxed() if relaxed else model
    outcome, whole_seconds = timed(get_solver("highs").solve, Compiled(model), limits)
    name = "extensive relaxed" if relaxed else "extensive"
    return _case(name, outcome.seconds, outcome.objective, outcome.bound) | {
        "build_seconds": build_seconds,
        "handover_seconds": whole_seconds - outcome.seconds,
        "stop": outcome.stop.value,
        "columns": model.columns,
        "rows": model.rows,
    }


def pulp_cbc(document: dict[str, Any], folder: Path, limits: Limits, *, relaxed: bool) -> Case:
    """An hourly model written out in PuLP, by CBC."""
    import pulp

    problem = problem_of(document, folder)
    lots = build_first_stage(problem).terms.lots
    model, build_seconds = timed(HourlyModel, problem, lots, relaxed=relaxed)
    with TemporaryDirectory() as scratch:
        log = Path(scratch) / "cbc.log"
        # `PULP_CBC_CMD`, deprecated, is still where PuLP keeps the path of the CBC it bundles.
        solver = pulp.COIN_CMD(
            path=pulp.PULP_CBC_CMD.pulp_cbc_path,
            msg=False,
            timeLimit=limits.time_limit_s,
            gapRel=limits.gap,
            logPath=str(log),
        )
        _, whole_seconds = timed(model.problem.solve, solver)
        text = log.read_text(encoding="utf-8")
    told, clocked = _CBC_BOUND.findall(text), _CBC_SECONDS.findall(text)
    seconds = float(clocked[-1]) if clocked else whole_seconds
    status = model.problem.sol_status
    ended = status == pulp.LpSolutionOptimal
    # A simplex stopped on its way shows a point that need not keep the rows.
    found = ended or (status == pulp.LpSolutionIntegerFeasible and not relaxed)
    cost = model.problem.objective.value() if found else None
    bound = float(told[-1]) if told and not relaxed else cost if ended else None
    name = "pulp-cbc relaxed" if relaxed else "pulp-cbc"
    return _case(name, seconds, cost, bound) | {
        "build_seconds": build_seconds,
        "handover_seconds": whole_seconds - seconds,
        "stop": "gap" if ended else "time_limit",
        "columns": model.problem.numVariables(),
        "rows": model.problem.numConstraints(),
    }


class HourlyModel:
    """What to buy, and which machines of each hour and pool are served by what, in PuLP.

    Machines of a pool are of one type, each workload in a pool of its own: fleets as
    `fleets.py` makes them.
    """

    def __init__(self, problem: Problem, lots: tuple[Lot, ...], *, relaxed: bool) -> None:
        import pulp  # loads highspy, beside which HiGHS of OR-Tools must run apart

        self.sum, self.given, self.lots = pulp.lpSum, problem, lots
        self.problem = pulp.LpProblem("fleet", pulp.LpMinimize)
        kind = pulp.LpContinuous if relaxed else pulp.LpInteger
        add = self.problem.add_variable
        self.buy = [add(f"buy_{k}", 0, None, cat=kind) for k in range(len(lots))]
        self.cost = [lot.cost_usd * bought for lot, bought in zip(lots, self.buy, strict=True)]
        self.reserving, self.paying = _by_target(problem, lots)
        for hour in range(problem.calendar.hours):
            self._write_hour(hour)
        self.problem += self.sum(self.cost)

    def _write_hour(self, hour: int) -> None:
        spent: dict[int, list[Any]] = defaultdict(list)
        for candidate in self.given.candidates:
            for option, dollars in self._serve(candidate, hour):
                spent[option].append(dollars)
        for option, dollars in spent.items():
            step = float(self.given.options[option].step)
            self.problem += self.sum(dollars) <= self._bought(self.paying[option], hour, step)

    def _serve(self, candidate: Candidate, hour: int) -> Iterator[tuple[int, Any]]:
        """Serve the demand of an hour; what this takes of each plan, in dollars."""
        here, machine, pools = f"{candidate.workload}_{hour}", candidate.machine, self.given.pools
        position = pools.slice_of(machine.resource)
        part = pools.slices[position]
        units = float(part.units_of(machine.resource))
        reserved = self.problem.add_variable(f"reserved_{here}", 0)
        on_demand = self.problem.add_variable(f"on_demand_{here}", 0)
        self.cost.append(float(machine.on_demand_usd) * on_demand)
        served = [reserved, on_demand]
        for option in self.paying:
            rate = self.given.options[option].rates[position]
            if rate is not None:
                by_plan = self.problem.add_variable(f"plan_{option}_{here}", 0)
                served.append(by_plan)
                yield option, float(rate) * units * by_plan
        self.problem += self.sum(served) == float(candidate.needs[0][0][hour])
        self.problem += reserved <= self.sum(
            float(self.given.options[self.lots[k].option].pool_units) / units * self.buy[k]
            for k in self._active(self.reserving[part.pool], hour)
        )

    def _bought(self, lots: list[int], hour: int, step: float) -> Any:  # noqa: ANN401 - untyped
        return self.sum(step * self.buy[k] for k in self._active(lots, hour))

    def _active(self, lots: list[int], hour: int) -> Iterator[int]:
        return (k for k in lots if self.lots[k].start <= hour < self.lots[k].end)


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


def check(cases: list[Case], gap: float) -> None:
    """Raise ArithmeticError where what two cases found and proved cannot both be true.

    A bound of whole purchases says nothing of fractional ones; plans proven to the gap cost the
    same but for the gap, if they answer the same question.
    """
    for one, other in permutations(cases, 2):
        bound, cost = one["bound"], other["cost"]
        relaxed = ["relaxed" in case["case"] for case in (one, other)]
        if bound is None or cost is None or relaxed == [False, True]:
            continue
        if bound > cost * (1 + SAME_COST):
            raise ArithmeticError(f"{one['case']} proves more than {other['case']} costs")
        proven = all(case["gap"] is not None and case["gap"] <= gap for case in (one, other))
        same = relaxed[0] == relaxed[1]
        if same and proven and not math.isclose(one["cost"], cost, rel_tol=gap + SAME_COST):
            raise ArithmeticError(f"{one['case']} and {other['case']} disagree")


def ratios(cases: list[Case], limit_s: float) -> Case:
    """How many times longer the others took; a lower bound where one was stopped."""
    base = cases[0]
    summary: Case = {"case": "ratios"}
    for case in cases[1:]:
        name = case["case"].replace(" ", "_").replace("-", "_")
        summary[name] = case["seconds"] / base["seconds"]
        whole = case["seconds"] + case["build_seconds"] + case["handover_seconds"]
        summary[f"{name}_with_build"] = whole / base["seconds"]
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
