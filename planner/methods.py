"""The two exact methods: every hour in one model, or hours apart and joined by cuts."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from catalogs import Fault, Faults, InvalidInputError
from planner.decomposition import Master, solve_master
from planner.errors import InfeasibleError, SolverFailureError
from planner.formulation import PlanningModel, build_model
from planner.infeasibility import find_conflicts
from planner.open_months import find_open_months
from planner.problem import Problem
from planner.request import Method
from planner.shards import Worker
from planner.sustained_use_bound import bound_note, overstated_usd
from planner.tabled import solve_planning
from solvers import (
    Limits,
    Outcome,
    ProgressListener,
    Solver,
    SolverError,
    StopReason,
    UnsupportedModelError,
    UnsupportedOptionError,
    get_racing,
)

_log = logging.getLogger(__name__)

LARGEST_EXTENSIVE_CELLS = 1_000
LARGEST_LIMITED_CELLS = 200
"""Hours × scenarios × candidates up to which one model is as quick, and needs no compiling: with
nothing but prices to go by, and where limits or risk join the hours. `benchmarks/auto_grid.py`
measures it."""

LARGEST_STACKED_HOURS = 8_000
LARGEST_STACKED_CELLS = 60_000
"""Hours × scenarios × pools of open months, and of candidates, up to which one model, with what
sustained use costs in them exactly, takes seconds."""


class Listening(Protocol):
    """Who watches a solve."""

    @property
    def progress(self) -> ProgressListener | None:
        """Told of every better incumbent or bound."""

    @property
    def stop(self) -> threading.Event | None:
        """Set to end the solve."""


class Solve(Protocol):
    """A solve of a formulated problem."""

    def __call__(
        self,
        solver: Solver,
        limits: Limits,
        *,
        progress: ProgressListener | None,
        stop: threading.Event | None,
    ) -> Outcome:
        """The outcome; raises SolverError."""


@dataclass(frozen=True)
class Formulated:
    """A problem in linear form, and how it is solved.

    Attributes:
        planning: the model.
        run: its method.
        overstated_usd: by how much its bound may lie above what the least bill is.
        notes: what to know of its method.
    """

    planning: PlanningModel
    run: Solve
    overstated_usd: float = 0.0
    notes: tuple[str, ...] = ()

    def solve(self, problem: Problem, around: Listening) -> Outcome:
        """The outcome of a problem.

        Raises:
            InvalidInputError: the solver cannot take the model, or an option.
            InfeasibleError: no plan keeps to all limits; names those that conflict.
            SolverFailureError: the solver broke down, or a worker was lost.
        """
        options = problem.request.solve
        try:
            solver = get_racing(options.solver)
            limits = Limits(
                time_limit_s=options.time_limit_s,
                gap=problem.gap,
                seed=options.seed,
                threads=options.threads,
            )
            outcome = self.run(solver, limits, progress=around.progress, stop=around.stop)
        except UnsupportedModelError as error:
            raise _invalid("solve.solver", error.solver, f"{error.reason}; {error.fix}") from error
        except UnsupportedOptionError as error:
            raise _invalid(f"solve.{error.option}", error.value, error.fix) from error
        except SolverError as error:
            raise SolverFailureError(str(error)) from error
        if outcome.stop is StopReason.INFEASIBLE:
            raise InfeasibleError(
                find_conflicts(problem, lambda one: _is_infeasible(one, solver, limits, around)),
                tuple(workload.name for workload in problem.request.workloads),
            )
        return outcome


def formulate(problem: Problem, workers: Sequence[Worker] = ()) -> Formulated:
    """A problem in linear form, by the method it asks for or that fits its size.

    Args:
        problem: what is planned.
        workers: among which the decomposed method shares the scenarios.

    Raises:
        InvalidInputError: the method asked for cannot do what else is asked for.
    """
    method = problem.request.solve.method
    if method is Method.AUTO:
        method = fitting(problem)
    if method is Method.EXTENSIVE:
        planning = build_model(problem)
        if workers:
            _log.info("one model is solved in this process: the workers are not used")
        return Formulated(planning, partial(solve_planning, planning))
    _check_decomposable(problem)
    master = Master(problem)
    cost = np.zeros(master.start.columns)
    cost[master.first.model["recourse"].slice] = 1.0
    run = partial(solve_master, master, workers=workers)
    open_months = find_open_months(problem)
    overstated = overstated_usd(problem, open_months)
    most = overstated.max() if problem.weighs_risk else problem.probability @ overstated
    return Formulated(
        PlanningModel(master.first, None, cost), run, float(most), bound_note(open_months)
    )


def _is_infeasible(problem: Problem, solver: Solver, limits: Limits, around: Listening) -> bool:
    """Whether no plan keeps to all limits; False also where that is not decided in time."""
    # Only feasibility matters, so any gap will do.
    quick = limits.model_copy(update={"gap": 0.5})
    outcome = formulate(problem).run(solver, quick, progress=None, stop=around.stop)
    return outcome.stop is StopReason.INFEASIBLE


def fitting(problem: Problem) -> Method:
    """The method that ``auto`` takes.

    Tiny problems, and what only one model can do, are one model; others are decomposed. One model
    also knows what sustained use costs where commitments change inside months, at several times as
    many rows.
    """
    if _not_decomposable(problem):
        return Method.EXTENSIVE
    scenarios = len(problem.probability)
    cells = problem.calendar.hours * scenarios * len(problem.candidates)
    open_months = find_open_months(problem)
    if open_months:
        stacked = sum(one.month.planned for one in open_months) * scenarios
        small = cells <= LARGEST_STACKED_CELLS and stacked <= LARGEST_STACKED_HOURS
    else:
        small = cells <= (
            LARGEST_LIMITED_CELLS if _joins_hours(problem) else LARGEST_EXTENSIVE_CELLS
        )
    return Method.EXTENSIVE if small else Method.DECOMPOSED


def _joins_hours(problem: Problem) -> bool:
    """Whether limits or risk join the hours, or payments upfront are bounded."""
    limits = problem.request.limits
    shares = (limits.coverage.at_least, limits.coverage.at_most, limits.utilization.at_least)
    limited = any(share is not None for share in shares) or bool(problem.upfront_budgets())
    return limited or problem.weighs_risk


def _check_decomposable(problem: Problem) -> None:
    faults = Faults()
    for reason in _not_decomposable(problem):
        fix = f"{reason} need every hour in one model; write extensive or auto"
        faults.add("solve.method", "decomposed", fix)
    faults.raise_if_any()


def _not_decomposable(problem: Problem) -> list[str]:
    """What is asked for that joins the hours in more ways than cuts can tell."""
    return ["whole machines"] if problem.request.whole_machines else []


def _invalid(field: str, value: object, fix: str) -> InvalidInputError:
    return InvalidInputError([Fault(field=field, value=repr(value), fix=fix)])
