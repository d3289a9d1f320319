"""What the present fleet costs over the hours planned: as billed, or by what its bill saves."""

from datetime import datetime, timedelta
from decimal import Decimal

from planner.calendar import Calendar
from planner.plan import PresentCost
from planner.present_bill import first_of
from planner.problem import Problem
from planner.request import BilledMonth, PastBill

NANO_USD = Decimal("1e-9")
LARGEST_DIFFERENCE = Decimal("0.05")
"""A bill whose list prices differ by more than this share from the demand's draws a warning."""

_DAY = timedelta(days=1)


def present_cost(problem: Problem, on_demand_usd: Decimal) -> PresentCost | None:
    """The present bill of a problem's request over its horizon; None where it has none.

    Where the bill is of the hours planned, it is what they cost. Elsewhere, and where demand is
    uncertain, its saving rate is taken of what this demand costs on demand.

    Args:
        problem: the plan's.
        on_demand_usd: what its demand costs on demand, over all futures.
    """
    bill = problem.present
    if bill is None:
        return None
    # Futures are what may come: no bill is of them.
    is_certain = problem.futures is None and len(problem.demand.scenarios) == 1
    same = _months_of(bill, problem.calendar) if is_certain else None
    months = same or bill.months
    effective = _sum(months, "effective_usd")
    listed, committed = _sum(months, "listed_usd"), _sum(months, "committed_usd")
    rate = (listed - effective) / listed if listed > 0 else None
    unused = _sum(months, "unused_usd")
    total = effective if same else None
    if total is None and rate is not None:
        total = ((1 - rate) * on_demand_usd).quantize(NANO_USD)
    return PresentCost(
        basis="same_hours" if same else "saving_rate",
        total_cost_usd=total,
        first_month=min(one.month for one in months),
        last_month=max(one.month for one in months),
        providers=tuple(sorted({one.provider for one in months})),
        effective_usd=effective,
        on_demand_equivalent_usd=listed,
        saving_rate=None if rate is None else float(rate),
        commitment_usd=committed,
        unused_commitment_usd=unused,
        unused_commitment_share=float(unused / committed) if committed > 0 else None,
    )


def describe_present(cost: PresentCost) -> str:
    """What a present cost is, and what its bill left unused, in a line."""
    whose = f"{', '.join(cost.providers)} in {cost.months}"
    said = f"as {whose} billed the same hours"
    if cost.basis == "saving_rate":
        rate = "" if cost.saving_rate is None else f", {cost.saving_rate:z.1%}"
        said = f"the saving rate of {whose}{rate}, on this demand"
    unused = f"{cost.unused_commitment_usd:,.2f} USD"
    if cost.unused_commitment_share is not None:
        unused += f" ({cost.unused_commitment_share:.1%})"
    return f"{said}; {unused} of its commitments were left unused"


def beside(cost: PresentCost, total_usd: Decimal) -> str:
    """What a plan of so many dollars is beside the present bill, in a sentence."""
    told = describe_present(cost)
    if cost.total_cost_usd is None:
        return f"Present bill: {told}; it has no list prices to compare by."
    less = cost.total_cost_usd - total_usd
    share = float(abs(less) / cost.total_cost_usd) if cost.total_cost_usd else 0.0
    by = f"{abs(less):,.2f} USD ({share:.1%}) {'less' if less >= 0 else 'more'}"
    return f"Present bill: {cost.total_cost_usd:,.2f} USD, {told}. The plan costs {by}."


def doubts_of(cost: PresentCost | None, on_demand_usd: Decimal) -> tuple[str, ...]:
    """What makes a present bill and a plan's demand less comparable than they look."""
    if cost is None:
        return ()
    listed = cost.on_demand_equivalent_usd
    if cost.basis == "same_hours" and abs(listed - on_demand_usd) > LARGEST_DIFFERENCE * listed:
        return (
            f"present_bill: its usage comes to {listed:,.2f} USD at its list prices, this demand "
            f"to {on_demand_usd:,.2f} USD on demand: they may not be of the same machines",
        )
    if cost.saving_rate is not None and cost.saving_rate < 0:
        return (
            f"present_bill: it is of {cost.effective_usd:,.2f} USD, more than the "
            f"{listed:,.2f} USD of its list prices: some may be missing",
        )
    return ()


def _months_of(bill: PastBill, calendar: Calendar) -> tuple[BilledMonth, ...] | None:
    """The months whose bills are of exactly the hours planned; None where these are others.

    Bills have no costs by the hour: the hours planned are all that is billed, or whole months.
    """
    first = min(one.start for one in bill.hours)
    last = max(one.end for one in bill.hours)
    if calendar.start < _midnight(first) or calendar.end > _midnight(last - _DAY / 24) + _DAY:
        return None
    if calendar.start <= first and calendar.end >= last:
        return bill.months
    if not (_begins_month(calendar.start) and _begins_month(calendar.end)):
        return None
    inside = (one for one in bill.months if calendar.start <= first_of(one.month) < calendar.end)
    return tuple(inside) or None


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0)


def _begins_month(moment: datetime) -> bool:
    return moment.day == 1 and moment.hour == 0


def _sum(months: tuple[BilledMonth, ...], name: str) -> Decimal:
    return sum((getattr(one, name) for one in months), Decimal(0))
