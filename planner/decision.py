"""What a solution decides: how much of each lot is bought, and which machines run when."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from planner.formulation import PlanningModel
from planner.problem import Problem
from planner.purchases import Lot, Option
from planner.standing import reserved_running
from planner.usage import whole

SMALLEST_SHARE = 1e-9
"""Shares of a workload below this are the solver's rounding, not a decision."""


@dataclass(frozen=True)
class Bought:
    """A lot and the whole number of its steps that are bought."""

    lot: Lot
    option: Option
    steps: int

    @property
    def quantity(self) -> Decimal:
        """Machines, or dollars per hour."""
        return self.option.step * self.steps


@dataclass(frozen=True)
class Decision:
    """A plan's two decisions.

    Attributes:
        bought: lots with at least one step.
        running: machines running [hour × candidate].
        shares: share of the workload by candidate and window, where there is a choice of mix.
    """

    bought: tuple[Bought, ...]
    running: NDArray[np.float64]
    shares: Mapping[tuple[int, int], float]


def decide(planning: PlanningModel, incumbent: NDArray[np.float64]) -> Decision:
    """Read a solution of the model as a decision."""
    problem = planning.problem
    steps = np.rint(planning.linear.values("buy", incumbent)).astype(int)
    bought = tuple(
        Bought(lot, problem.options[lot.option], int(count))
        for lot, count in zip(planning.lots, steps, strict=True)
        if count > 0
    )
    choice = planning.usage.choice
    if not choice.size:
        return Decision(bought, fixed_running(problem), {})
    values = planning.linear.values("run", incumbent)
    if problem.request.whole_machines:
        running = _counted(planning, np.rint(values))
        lots = [(one.lot, one.steps) for one in bought]
        return Decision(bought, running + reserved_running(problem, lots, running), {})
    cleaned = np.where(values < SMALLEST_SHARE, 0.0, values)
    total = np.bincount(choice.decision, weights=cleaned, minlength=choice.decisions)
    share = cleaned / total[choice.decision]
    shares = {
        (int(candidate), int(window)): float(value)
        for candidate, window, value in zip(choice.candidate, choice.when, share, strict=True)
    }
    return Decision(bought, mixed_running(problem, shares), shares)


def fixed_running(problem: Problem) -> NDArray[np.float64]:
    """Machines [hour × candidate] of workloads without a choice; zero for the others."""
    running = np.zeros((problem.calendar.hours, len(problem.candidates)))
    for workload in range(len(problem.request.workloads)):
        positions = problem.candidates_of(workload)
        if len(positions) == 1:
            needed = problem.candidates[positions[0]].needed
            running[:, positions[0]] = whole(needed) if problem.request.whole_machines else needed
    return running


def mixed_running(problem: Problem, shares: Mapping[tuple[int, int], float]) -> NDArray[np.float64]:
    """Machines [hour × candidate] when workloads run in these shares by (candidate, window)."""
    running = fixed_running(problem)
    window = problem.window_of_hour()
    for candidate in {candidate for candidate, _ in shares}:
        by_window = np.array([shares[candidate, w] for w in range(len(problem.windows))])
        running[:, candidate] = problem.candidates[candidate].needed * by_window[window]
    return running


def _counted(planning: PlanningModel, machines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Machines [hour × candidate] from counts by merged hour."""
    choice, groups = planning.usage.choice, planning.groups
    merged = np.zeros((len(groups.hour), len(planning.problem.candidates)))
    merged[choice.when, choice.candidate] = machines
    return fixed_running(planning.problem) + merged[groups.group_of_hour]
