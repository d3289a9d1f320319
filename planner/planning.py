"""The way from a request to a plan: resolve, formulate, solve, decide, re-bill, explain."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogs import Fault, InvalidInputError
from planner.curves import Curves, trace_curves
from planner.decision import Decision, decide
from planner.errors import InfeasibleError, NoPlanError, SolverFailureError
from planner.formulation import PlanningModel, build_model
from planner.infeasibility import find_conflicts
from planner.plan import Plan, SolverReport
from planner.problem import Problem, make_problem
from planner.request import PlanRequest
from planner.settlement import Certificate, settle
from planner.tabled import solve_planning
from planner.zones import merge_zones
from solvers import (
    Limits,
    Outcome,
    Progress,
    SolverError,
    StopReason,
    UnsupportedModelError,
    UnsupportedOptionError,
    get_solver,
)

Floats = NDArray[np.float64]
ProgressListener = Callable[[Progress], None]


@dataclass(frozen=True)
class Surroundings:
    """What a plan depends on beside its request.

    Attributes:
        folder: what the request's relative paths are relative to.
        examples: the folder of named example demands, if there is one.
        now: against which the catalogue's age is measured; the present when absent.
        progress: told of every better incumbent or bound.
        stop: set it to end the solve with what is known by then.
    """

    folder: Path = Path()
    examples: Path | None = None
    now: datetime | None = None
    progress: ProgressListener | None = None
    stop: threading.Event | None = None


@dataclass(frozen=True)
class PlannedFleet:
    """A plan, and the hourly curves that a picture of it needs."""

    plan: Plan
    curves: Curves


def plan_fleet(request: PlanRequest, around: Surroundings | None = None) -> PlannedFleet:
    """The plan of a request with its hourly curves; raises as `make_plan` does."""
    around = around or Surroundings()
    problem = resolve(request, around)
    plan, decision = _solve_and_settle(problem, around)
    return PlannedFleet(plan, trace_curves(problem, decision))


def make_plan(request: PlanRequest, around: Surroundings | None = None) -> Plan:
    """The cost-minimal purchase plan of a request, re-billed.

    Raises:
        InvalidInputError: with every fault of the request and the files it names.
        InfeasibleError: no plan keeps to all limits; names those that conflict.
        NoPlanError: the time limit, or an interrupt, came before the first plan.
        SolverFailureError: the solver broke down.
    """
    around = around or Surroundings()
    return solve_problem(resolve(request, around), around)


def resolve(request: PlanRequest, around: Surroundings) -> Problem:
    """The problem a request means."""
    now = around.now or datetime.now(UTC)
    return make_problem(request, folder=around.folder, today=now, examples=around.examples)


def solve_problem(problem: Problem, around: Surroundings) -> Plan:
    """The cost-minimal plan of a resolved problem; raises as `make_plan` does."""
    return _solve_and_settle(problem, around)[0]


def _solve_and_settle(problem: Problem, around: Surroundings) -> tuple[Plan, Decision]:
    began = time.perf_counter()
    zones = merge_zones(problem)
    planning = build_model(zones.merged)
    build_seconds = time.perf_counter() - began
    outcome = _solve(planning, problem, around)
    if outcome.incumbent is None:
        raise NoPlanError(outcome.stop.value, outcome.seconds, outcome.bound)
    certificate = _certificate(planning, outcome, outcome.incumbent)
    report = _report(planning, outcome, build_seconds)
    decision = zones.spread(decide(planning, outcome.incumbent))
    return settle(problem, decision, certificate, report), decision


def _solve(planning: PlanningModel, problem: Problem, around: Surroundings) -> Outcome:
    options = problem.request.solve
    try:
        solver = get_solver(options.solver)
        limits = Limits(
            time_limit_s=options.time_limit_s,
            gap=options.gap,
            seed=options.seed,
            threads=options.threads,
        )
        outcome = solve_planning(
            planning, solver, limits, progress=around.progress, stop=around.stop
        )
    except UnsupportedModelError as error:
        raise _invalid("solve.solver", error.solver, f"{error.reason}; {error.fix}") from error
    except UnsupportedOptionError as error:
        raise _invalid(f"solve.{error.option}", error.value, error.fix) from error
    except SolverError as error:
        raise SolverFailureError(str(error)) from error
    if outcome.stop is StopReason.INFEASIBLE:
        raise InfeasibleError(
            find_conflicts(replace(planning, problem=problem), solver, limits, around.stop),
            tuple(workload.name for workload in problem.request.workloads),
        )
    return outcome


def _invalid(field: str, value: object, fix: str) -> InvalidInputError:
    return InvalidInputError([Fault(field=field, value=repr(value), fix=fix)])


def _certificate(planning: PlanningModel, outcome: Outcome, incumbent: Floats) -> Certificate:
    """Cost and bound in the model's true prices, the tie-breaking taken out."""
    paid = planning.linear.values("buy", incumbent)
    cost = (outcome.objective or 0.0) - float(planning.tie_costs @ paid)
    bound = outcome.bound
    if bound is not None:
        # No point's raised cost exceeds (1 + share) times its true one. Nothing is for less than
        # nothing: what is owned and the excess of given machines cost at least their sum.
        bound = max(bound / (1 + planning.tie_share), planning.linear.offset)
    return Certificate(cost, None if bound is None else min(bound, cost))


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
