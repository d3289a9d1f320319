"""Whether a decision, as billed, keeps the request's limits: the provider has the last word."""

from collections.abc import Hashable, Sequence

import numpy as np

from planner.billing import Bill
from planner.decision import Bought
from planner.outlook import Outlook
from planner.problem import Problem
from planner.purchases import Option
from planner.quotas import bounds_of
from planner.rebill import machines_of

TOLERANCE = 1e-6
"""Limits passed by no more than this share are kept: solvers round."""


def broken_limits(outlook: Outlook) -> tuple[str, ...]:
    """The limits that a policy, as billed, does not keep, a sentence each.

    The model keeps them in its own prices and in the cheapest assignment; the provider's order and
    the exact prices may differ. Shares are of the mean over all futures, amounts of each.
    """
    in_futures = [
        broken
        for one in outlook.futures
        for broken in (
            *_broken_budgets(one.problem, one.decision.bought),
            *_broken_quotas(one.problem, one.decision.bought, one.bill),
            *_unsold_on_demand(one.problem, one.bill),
        )
    ]
    return (
        *_broken_coverage(outlook.problem, outlook.coverage),
        *_broken_utilization(outlook),
        *dict.fromkeys(in_futures),
    )


def _broken_budgets(problem: Problem, bought: Sequence[Bought]) -> list[str]:
    broken = []
    for hour, budget_usd in sorted(problem.upfront_budgets().items()):
        paid_usd = sum(one.steps * one.lot.upfront_usd for one in bought if one.lot.start == hour)
        if paid_usd > budget_usd * (1 + TOLERANCE):
            date = f"{problem.calendar.at(hour):%Y-%m-%d}"
            broken.append(
                f"{paid_usd:,.2f} USD are paid upfront on {date}, above the budget of "
                f"{budget_usd:,.2f} USD"
            )
    return broken


def _broken_coverage(problem: Problem, coverage: float | None) -> list[str]:
    limits = problem.request.limits.coverage
    if coverage is None:
        return []
    if limits.at_least is not None and coverage < limits.at_least - TOLERANCE:
        return [f"the bill covers {coverage:.2%}, below coverage.at_least {limits.at_least:.2%}"]
    if limits.at_most is not None and coverage > limits.at_most + TOLERANCE:
        return [f"the bill covers {coverage:.2%}, above coverage.at_most {limits.at_most:.2%}"]
    return []


def _broken_utilization(outlook: Outlook) -> list[str]:
    floor = outlook.problem.request.limits.utilization.at_least
    if floor is None:
        return []
    used: dict[Hashable, float] = {}
    committed: dict[Hashable, float] = {}
    for one in outlook.futures:
        options = [bought.option for bought in one.decision.bought]
        options += [owned.option for owned in one.problem.owned]
        for option, entry in zip(options, one.bill.commitments, strict=True):
            target, units = _target(option)
            weight = one.probability * units
            used[target] = used.get(target, 0.0) + weight * entry.used
            committed[target] = committed.get(target, 0.0) + weight * entry.committed
    shares = [used[target] / amount for target, amount in committed.items() if amount > 0]
    low = [share for share in shares if share < floor - TOLERANCE]
    if not low:
        return []
    return [
        f"the bill uses {len(low)} of {len(shares)} pools' and plans' commitments less than "
        f"utilization.at_least {floor:.2%}, the least {min(low):.2%}"
    ]


def _broken_quotas(problem: Problem, bought: Sequence[Bought], bill: Bill) -> list[str]:
    """Quotas that machines reserved and machines running beside them pass in some hour."""
    beside = bill.on_demand_quantity + bill.spend_quantity
    broken = []
    for bound in bounds_of(problem):
        counted = beside @ np.array([bound.of_machine(one) for one in machines_of(problem)])
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
        f"{hours:,.0f} machine-hours of {machine.instance_type} in {machine.region} run beyond "
        "those reserved; it is not sold on demand"
        for machine, hours in zip(
            machines_of(problem), bill.on_demand_quantity.sum(axis=0), strict=True
        )
        if not machine.sold_on_demand and hours > TOLERANCE
    ]


def _target(option: Option) -> tuple[Hashable, float]:
    """The pool or plan a floor is set for, and its units in a machine or a dollar."""
    if option.pool is not None:
        return option.pool, float(option.pool_units) / float(option.step)
    return option.rates, 1.0
