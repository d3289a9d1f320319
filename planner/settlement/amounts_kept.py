"""Whether what is bought and billed in one future keeps the amounts that a request limits."""

from collections.abc import Iterator, Sequence

import numpy as np

from planner.billing import Bill
from planner.capacity_blocks import MOST_AT_ONCE
from planner.decision import Decision
from planner.fleet.running_limits import GIB_PER_HOUR
from planner.problem import Problem
from planner.purchases.option import BLOCK
from planner.rebill import resources_of
from planner.settlement.broken import Broken
from planner.settlement.limit_peaks import TOLERANCE, Peak
from planner.settlement.placement_kept import broken_placement


def broken_amounts(
    problem: Problem, decision: Decision, bill: Bill, peaks: Sequence[Peak]
) -> tuple[Broken, ...]:
    """Budgets, quotas, limits on egress and on places that one future does not keep."""
    return (
        *_broken_budgets(problem, decision),
        *_broken_blocks(problem, decision),
        *(_passed(peak) for peak in peaks if peak.is_passed),
        *broken_placement(problem, decision),
        *_unsold_on_demand(problem, bill),
    )


def _broken_budgets(problem: Problem, decision: Decision) -> Iterator[Broken]:
    for hour, budget_usd in sorted(problem.upfront_budgets().items()):
        paid_usd = sum(
            one.steps * one.lot.upfront_usd for one in decision.bought if one.lot.ordered == hour
        )
        paid_usd += sum(
            float(one.true_up_usd) for one in decision.exchanges if one.exchange.hour == hour
        )
        if paid_usd > budget_usd * (1 + TOLERANCE):
            date = f"{problem.calendar.at(hour):%Y-%m-%d}"
            text = (
                f"{paid_usd:,.2f} USD are paid upfront on {date}, above the budget of "
                f"{budget_usd:,.2f} USD"
            )
            limit = f"limits.upfront_budget_usd at hour {hour}"
            yield Broken(limit, paid_usd - budget_usd, text)


def _broken_blocks(problem: Problem, decision: Decision) -> Iterator[Broken]:
    """Machines in capacity blocks beyond those that one may have at once."""
    held = np.zeros(problem.calendar.hours)
    for one in decision.bought:
        if one.option.offer.kind is BLOCK:
            held[one.lot.start : one.lot.end] += one.steps
    if not held.any():
        return
    for owned in problem.owned:
        if owned.option.offer.kind is BLOCK:
            held[owned.start : owned.end] += float(owned.quantity)
    most = float(held.max())
    if most > MOST_AT_ONCE:
        text = f"{most:g} machines are in capacity blocks at once, above {MOST_AT_ONCE}"
        yield Broken("machines in capacity blocks", most - MOST_AT_ONCE, text)


def _passed(peak: Peak) -> Broken:
    """A limit that is passed in some hour."""
    if peak.unit == GIB_PER_HOUR:
        text = f"{peak.amount:g} {peak.unit} leave at once, above {peak.name} {peak.at_most:g}"
    else:
        text = f"{peak.amount:g} are had at once, above {peak.name} {peak.at_most:g}"
    return Broken(peak.name, peak.amount - peak.at_most, text)


def _unsold_on_demand(problem: Problem, bill: Bill) -> Iterator[Broken]:
    """Machines sold by reservation only that run beyond the reserved ones."""
    on_demand = bill.on_demand_quantity.sum(axis=0).tolist()
    for machine, hours in zip(resources_of(problem), on_demand, strict=True):
        if not machine.sold_on_demand and hours > TOLERANCE:
            place = f"{machine.name} in {machine.region}"
            text = (
                f"{hours:,.0f} machine-hours of {place} run beyond those reserved; it is not sold "
                "on demand"
            )
            yield Broken(f"{place} on demand", hours, text)
