"""The provider's bill of a decision, and of the same usage without commitments."""

import numpy as np
from numpy.typing import NDArray

from planner.billing import Bill
from planner.billing import bill as bill_usage
from planner.decision import Decision
from planner.held import billed_as_running
from planner.problem import Problem
from planner.rebill.commitments import commitments_of
from planner.rebill.usage import reservations_of, usage_of


def rebill(problem: Problem, decision: Decision, *, linear: bool = False) -> Bill:
    """The provider's bill of a decision, owned commitments included.

    Args:
        problem: the problem decided on.
        decision: purchases and running machines.
        linear: bill at the model's linear prices instead of the exact rows. What this bill and
            the model disagree on is the provider's order of application alone.
    """
    return bill_usage(
        usage_of(
            problem, billed_as_running(problem, decision.running, decision.held), linear=linear
        ),
        (
            *commitments_of(problem, decision.bought, decision.exchanges, linear=linear),
            *reservations_of(problem, decision.running, decision.held, linear=linear),
        ),
        accounting=problem.calendar.accounting.value,
        discount_rate=problem.calendar.discount_rate,
    )


def bill_on_demand(
    problem: Problem, running: NDArray[np.float64], held: NDArray[np.float64] | None
) -> Bill:
    """The provider's bill without any commitment, in the problem's accounting.

    Capacity that is held stays on it.
    """
    return bill_usage(
        usage_of(problem, billed_as_running(problem, running, held)),
        reservations_of(problem, running, held),
        accounting=problem.calendar.accounting.value,
        discount_rate=problem.calendar.discount_rate,
    )
