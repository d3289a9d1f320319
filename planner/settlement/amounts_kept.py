"""Whether what is bought and billed in one future keeps the amounts that a request limits."""

from collections.abc import Sequence

from planner.billing import Bill
from planner.decision import Decision
from planner.fleet.running_limits import GIB_PER_HOUR
from planner.problem import Problem
from planner.rebill import resources_of
from planner.settlement.limit_peaks import TOLERANCE, Peak


def broken_amounts(
    problem: Problem, decision: Decision, bill: Bill, peaks: Sequence[Peak]
) -> tuple[str, ...]:
    """Budgets, quotas and limits on egress that one future does not keep, a sentence each."""
    return (
        *_broken_budgets(problem, decision),
        *(_passed(peak) for peak in peaks if peak.is_passed),
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


def _passed(peak: Peak) -> str:
    """A limit that is passed in some hour."""
    if peak.unit == GIB_PER_HOUR:
        return f"{peak.amount:g} {peak.unit} leave at once, above {peak.name} {peak.at_most:g}"
    return f"{peak.amount:g} are had at once, above {peak.name} {peak.at_most:g}"


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
