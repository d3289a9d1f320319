"""How near one future comes to each limit on what is had, or moved, at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.billing import Bill
from planner.decision import Decision
from planner.fleet import running_limits
from planner.formulation.quotas import bounds_of
from planner.held import paid_for
from planner.problem import Problem
from planner.rebill import rebill, resources_of

TOLERANCE = 1e-6
"""Limits passed by no more than this share are kept: solvers round."""


@dataclass(frozen=True)
class Peak:
    """The most that counts against a limit in any hour.

    Attributes:
        name: the limit's.
        unit: of its amounts.
        at_most: the limit.
        amount: the most that counts.
        hour: when first.
    """

    name: str
    unit: str
    at_most: float
    amount: float
    hour: int

    @property
    def is_passed(self) -> bool:
        """Whether it is more than solvers round."""
        return self.amount > self.at_most * (1 + TOLERANCE) + TOLERANCE

    @property
    def binds(self) -> bool:
        """Whether the limit is reached."""
        return self.amount >= self.at_most * (1 - TOLERANCE)


def peaks_of(problem: Problem, decision: Decision, bill: Bill) -> tuple[Peak, ...]:
    """The peak under every quota and every limit on egress in one future."""
    return (*_of_whole_machines(problem, decision, bill), *_of_running(problem, decision))


def _of_whole_machines(problem: Problem, decision: Decision, bill: Bill) -> Iterator[Peak]:
    """Machines reserved, and machines running or held beside them."""
    bounds = bounds_of(problem)
    if bounds and decision.held is not None:
        # Reservations bill what is held unused apart from usage; it is had like what runs.
        had = paid_for(decision.running, decision.held)
        bill = rebill(problem, replace(decision, running=had, held=None))
    beside = bill.on_demand_quantity + bill.spend_quantity
    for bound in bounds:
        counted = beside @ np.array([bound.of_machine(one) for one in resources_of(problem)])
        for one in decision.bought:
            counted[one.lot.start : one.lot.end] += one.steps * bound.of_step(one.option)
        for owned in problem.owned:
            amount = float(owned.quantity) * bound.of_step(owned.option)
            counted[owned.start : owned.end] += amount
        unit = "machines" if bound.field == "at_most" else "vCPUs"
        yield _peak(bound.name, unit, bound.at_most, counted)


def _of_running(problem: Problem, decision: Decision) -> Iterator[Peak]:
    """Machines running in parts, and what their work moves."""
    held = np.zeros_like(decision.running) if decision.held is None else decision.held
    for limit in running_limits(problem.request, problem.catalog):
        total = np.zeros(problem.calendar.hours)
        for position, candidate in enumerate(problem.candidates):
            counted = limit.counted(candidate, decision.running[:, position], held[:, position])
            total += 0.0 if counted is None else counted
        yield _peak(limit.name, limit.unit, limit.at_most, total)


def _peak(name: str, unit: str, at_most: float, counted: NDArray[np.float64]) -> Peak:
    hour = int(np.argmax(counted))
    return Peak(name, unit, at_most, float(counted[hour]), hour)
