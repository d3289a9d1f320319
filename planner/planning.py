"""The way from a request to a plan: resolve, formulate, solve, decide, re-bill, explain."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planner.assumed import Budget, assumptions_of
from planner.bill_search import Proven, deadline_after, search_on_bill
from planner.curves import Curves, trace_curves
from planner.decision import Policy, decide
from planner.errors import NoPlanError
from planner.formulation import PlanningModel
from planner.longer_terms import look_longer, notes_of
from planner.methods import Formulated, formulate
from planner.plan import Assumption, LongerTerms, Plan, SolverReport
from planner.problem import Problem, make_problem
from planner.problem.notes import warnings_of_dates
from planner.request import PlanRequest
from planner.settlement import Certificate, Outlook, bill_gap, settle
from planner.shards import Worker
from planner.simplification import effort_of, simplify
from planner.zones import merge_zones
from solvers import (
    Outcome,
    Progress,
)

HALF = 0.5 - 1e-12
"""Of the probability, rounding forgiven."""

Floats = NDArray[np.float64]
ProgressListener = Callable[[Progress], None]


@dataclass(frozen=True)
class Surroundings:
    """What a plan depends on beside its request.

    Attributes:
        folder: what the request's relative paths are relative to.
        examples: the folder of named example demands, if there is one.
        now: against which the catalogue's age is measured, and past purchase dates told; when
            absent the present, and dates are not looked at.
        progress: told of every better incumbent or bound.
        stop: set it to end the solve with what is known by then.
        workers: processes among which the decomposed method shares the futures, of
            `local_workers` or `dask_workers`; none: it runs in this one. The plan is the same.
    """

    folder: Path = Path()
    examples: Path | None = None
    now: datetime | None = None
    progress: ProgressListener | None = None
    stop: threading.Event | None = None
    workers: tuple[Worker, ...] = ()


@dataclass(frozen=True)
class PlannedFleet:
    """A plan, and the hourly curves that a picture of it needs: those of its median future."""

    plan: Plan
    curves: Curves


def plan_fleet(request: PlanRequest, around: Surroundings | None = None) -> PlannedFleet:
    """The plan of a request with its hourly curves; raises as `make_plan` does."""
    around = around or Surroundings()
    problem = resolve(request, around)
    made = solve_and_settle(problem, around, is_told=True)
    scenario = median_future(made.plan)
    future, decision = problem.future(scenario), made.shown.policy.decision(problem, scenario)
    return PlannedFleet(made.plan, trace_curves(future, decision))


def make_plan(request: PlanRequest, around: Surroundings | None = None) -> Plan:
    """The cost-minimal purchase plan of a request, re-billed.

    Raises:
        InvalidInputError: with every fault of the request and the files it names.
        InfeasibleError: no plan keeps to all limits; names those that conflict.
        NoPlanError: the time limit, or an interrupt, came before the first plan.
        SolverFailureError: the solver broke down; WorkerLostError: a worker did.
    """
    around = around or Surroundings()
    return solve_problem(resolve(request, around), around)


def resolve(request: PlanRequest, around: Surroundings) -> Problem:
    """The problem a request means."""
    now = around.now or datetime.now(UTC)
    problem = make_problem(request, folder=around.folder, today=now, examples=around.examples)
    if around.now is None:
        return problem
    dates = {problem.calendar.at(lot.ordered) for lot in problem.lots}
    return replace(problem, warnings=(*problem.warnings, *warnings_of_dates(dates, now)))


def solve_problem(problem: Problem, around: Surroundings) -> Plan:
    """The cost-minimal plan of a resolved problem; raises as `make_plan` does."""
    return solve_and_settle(problem, around, is_told=True).plan


def find_policy(problem: Problem, around: Surroundings) -> Policy:
    """What the cost-minimal plan of a problem does, neither billed nor explained.

    Raises:
        InvalidInputError, InfeasibleError, NoPlanError, SolverFailureError: as `make_plan` does.
    """
    began = time.perf_counter()
    zones = merge_zones(problem)
    formulated = formulate(zones.merged, around.workers)
    outcome = formulated.solve(problem, around)
    if outcome.incumbent is None:
        raise NoPlanError(outcome.stop.value, time.perf_counter() - began, outcome.bound)
    return zones.spread(decide(formulated.planning, outcome.incumbent))


@dataclass(frozen=True)
class Settled:
    """A plan, and the policies behind it as billed.

    Attributes:
        plan: the one to show.
        shown: what it does.
        best: the cheapest one found, of which it is a simpler form.
    """

    plan: Plan
    shown: Outlook
    best: Outlook

    @property
    def best_gap(self) -> float | None:
        """How far the bill of the cheapest plan found may be above the best possible one."""
        return bill_gap(self.best, self.plan.lower_bound_usd)


def solve_and_settle(problem: Problem, around: Surroundings, *, is_told: bool = False) -> Settled:
    """The cost-minimal plan of a resolved problem, made simple; raises as `make_plan` does.

    Args:
        problem: the problem.
        around: what it depends on beside.
        is_told: whether what longer terms would save is looked into, which takes another solve.
    """
    began = time.perf_counter()
    zones = merge_zones(problem)
    formulated = formulate(zones.merged, around.workers)
    build_seconds = time.perf_counter() - began
    outcome = formulated.solve(problem, around)
    if outcome.incumbent is None:
        raise NoPlanError(outcome.stop.value, time.perf_counter() - began, outcome.bound)
    planning = formulated.planning
    certificate = _certificate(formulated, outcome, outcome.incumbent)
    if problem.weighs_risk:
        certificate = replace(certificate, neutral_usd=_neutral_usd(problem, around))
    report = _report(planning, outcome, build_seconds)
    limit_s = problem.request.solve.time_limit_s
    found = search_on_bill(
        problem,
        zones.spread(decide(planning, outcome.incumbent)),
        Proven(certificate.objective_usd, certificate.bound_usd),
        deadline_after(began, outcome.seconds, limit_s, stop=around.stop),
    )
    simple = simplify(
        problem,
        found.outlook,
        deadline_after(began, outcome.seconds, limit_s, around.stop, effort_of(problem)),
    )
    longer: LongerTerms | None = None
    assumptions: tuple[Assumption, ...] = ()
    if is_told:
        longer, assumptions = _told(problem, found.outlook, simple.outlook, outcome, began, around)
    told = replace(
        problem,
        notes=(
            *problem.notes,
            *formulated.notes,
            *found.notes,
            *simple.notes,
            *notes_of(longer, problem),
        ),
        warnings=(*problem.warnings, *simple.warnings),
    )
    shown, best = simple.outlook, found.outlook
    plan = settle(told, shown.policy, certificate, report, shown, best, longer, assumptions)
    return Settled(plan, shown, best)


def _told(
    problem: Problem,
    best: Outlook,
    shown: Outlook,
    outcome: Outcome,
    began: float,
    around: Surroundings,
) -> tuple[LongerTerms | None, tuple[Assumption, ...]]:
    """What longer terms would save, and what the plan assumes, each looked into as time allows."""
    limit_s, quiet = problem.request.solve.time_limit_s, replace(around, progress=None)

    def left_s() -> float | None:
        return None if limit_s is None else began + limit_s - time.perf_counter()

    def solved(other: Problem) -> Policy:
        return find_policy(other, quiet)

    longer = look_longer(
        problem,
        best,
        solved,
        seconds=outcome.seconds,
        time_left_s=left_s(),
        stop=around.stop,
    )
    budget = Budget.after(outcome.seconds, left_s(), around.stop)
    return longer, assumptions_of(problem, shown, longer, solved, budget)


def _neutral_usd(problem: Problem, around: Surroundings) -> float | None:
    """Mean cost of the plan that minimizes the mean; None where none was found in time."""
    risk = problem.request.risk.model_copy(update={"weight": 0.0})
    neutral = problem.with_risk(risk)
    formulated = formulate(merge_zones(neutral).merged, around.workers)
    outcome = formulated.solve(neutral, replace(around, progress=None))
    if outcome.incumbent is None:
        return None
    return _certificate(formulated, outcome, outcome.incumbent).cost_usd


def median_future(plan: Plan) -> int:
    """Position of the scenario whose bill is the median; 0 where there is only one."""
    if not plan.scenarios:
        return 0
    order = sorted(range(len(plan.scenarios)), key=lambda s: plan.scenarios[s].total_cost_usd)
    reached = 0.0
    for position in order:
        reached += plan.scenarios[position].probability
        if reached >= HALF:
            break
    return position


def _certificate(formulated: Formulated, outcome: Outcome, incumbent: Floats) -> Certificate:
    """Cost and bound in the model's true prices, the tie-breaking taken out."""
    planning, first = formulated.planning, formulated.planning.first
    objective = (outcome.objective or 0.0) - first.tie_usd(incumbent)
    cost = planning.mean_cost_usd(incumbent) if planning.problem.weighs_risk else objective
    bound = outcome.bound
    if bound is not None:
        # No point's raised cost exceeds (1 + share) times its true one. Nothing is for less than
        # nothing: what is owned and the excess of given machines cost at least their sum.
        least = float(planning.problem.probability @ first.given_usd)
        bound = max(bound / (1 + first.tie_share) - formulated.overstated_usd, least)
    return Certificate(cost, objective, None if bound is None else min(bound, objective))


def _report(planning: PlanningModel, outcome: Outcome, build_seconds: float) -> SolverReport:
    return SolverReport(
        name=outcome.solver,
        seconds=outcome.seconds,
        iterations=outcome.iterations,
        stopped=outcome.stop.value,
        bound_source=None if outcome.bound_source is None else outcome.bound_source.value,
        build_seconds=build_seconds,
        columns=planning.linear.columns,
        rows=planning.linear.rows,
    )
