"""Whether what is bought and billed in one future keeps the amounts that a request limits."""

from collections.abc import Sequence

import numpy as np

from planner.billing import Bill
from planner.decision import Bought, Decision
from planner.problem import Problem
from planner.quotas import bounds_of
from planner.rebill import resources_of

TOLERANCE = 1e-6
"""Limits passed by no more than this share are kept: solvers round."""


def broken_amounts(problem: Problem, decision: Decision, bill: Bill) -> tuple[str, ...]:
    """Budgets and quotas that one future does not keep, a sentence each."""
    return (
        *_broken_budgets(problem, decision),
        *_broken_quotas(problem, decision.bought, bill),
        *_unsold_on_demand(problem, bill),
    )


def _broken_budgets(problem: Problem, decision: Decision) -> list[str]:
    broken = []
    for hour, budget_usd in sorted(problem.upfront_budgets().items()):
        paid_usd = sum(
            one.steps * one.lot.upfront_usd for one in decision.bought if one.lot.ordered == hour
        )
        paid_usd += sum(
            float(one.true_up_usd) for one in decision.exchanges if one.exchange.hour == hour
        )
        if paid_usd > budget_usd * (1 + TOLERANCE):
            date = f"{problem.calendar.at(hour):%Y-%m-%d}"
            broken.append(
                f"{paid_usd:,.2f} USD are paid upfront on {date}, above the budget of "
                f"{budget_usd:,.2f} USD"
            )
    return broken


def _broken_quotas(problem: Problem, bought: Sequence[Bought], bill: Bill) -> list[str]:
    """Quotas that machines reserved and machines running beside them pass in some hour."""
    beside = bill.on_demand_quantity + bill.spend_quantity
    broken = []
    for bound in bounds_of(problem):
        counted = beside @ np.array([bound.of_machine(one) for one in resources_of(problem)])
        for one in bought:
            counted[one.lot.start : one.lot.end] += one.steps * bound.of_step(one.option)
        for owned in problem.owned:
            amount = float(owned.quantity) * bound.of_step(owned.option)
            counted[owned.start : owned.end] += amount
        most = float(counted.max())
        if most > bound.at_most * (1 + TOLERANCE) + TOLERANCE:
            broken.append(f"{most:g} are had at once, above {bound.name} {bound.at_most:g}")
    return broken


def _unsold_on_demand(problem: Problem, bill: Bill) -> list[str]:
    """Machines sold by reservation only that run beyond the reserved ones."""
    return [
        f"{hours:,.0f} machine-hours of {machine.name} in {machine.region} run beyond "
        "those reserved; it is not sold on demand"
        for machine, hours in zip(
            resources_of(problem), bill.on_demand_quantity.sum(axis=0), strict=True
        )
        if not machine.sold_on_demand and hours > TOLERANCE
    ]
