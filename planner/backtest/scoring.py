"""What really happened, billed: a policy's book, and what its figures are beside the others'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from planner.backtest.book import Holding, Record, holdings_of
from planner.backtest.policies import make_policy
from planner.backtest.replanning import pose
from planner.backtest.report import (
    CourseResult,
    MonthOfPolicy,
    PastPurchase,
    PolicyResult,
    Quarter,
    share_of,
)
from planner.backtest.setting import Setting
from planner.billing import MonthlyBill, Statement
from planner.calendar import HOUR
from planner.decision import Policy
from planner.demand import Demand
from planner.planning import Surroundings, find_policy
from planner.rebill import rebill
from planner.request import Limits, OwnedCommitment, PolicyName
from planner.usage import split_by_choice

QUARTER_MONTHS = 3


def bill_book(
    setting: Setting, demand: Demand, bought: Sequence[OwnedCommitment], end: datetime
) -> Statement:
    """The bill of the window's hours before an end, with what was owned and bought.

    Where workloads may run on several machines, the cheapest mix runs that the book allows, by
    span between its changes: for every policy alike, so that purchases alone are judged.

    Raises:
        InvalidInputError, PlannerError: as `planner.make_plan` does.
    """
    start = setting.calendar.start
    happened = demand.between(start, (end - start) // HOUR)
    nothing = setting.request.offers.model_copy(update={"kinds": ()})
    # What a plan must keep to has been kept or not; these alone still bind what runs.
    asked = setting.request.limits
    limits = Limits(quotas=asked.quotas, egress=asked.egress)
    request = setting.request.model_copy(update={"offers": nothing, "limits": limits})
    problem = pose(request, setting.catalog, happened, (*setting.owned, *bought))
    _, chosen = split_by_choice(problem)
    running = find_policy(problem, Surroundings()) if chosen else Policy((), {})
    return rebill(problem, running.decision(problem, 0)).statement


@dataclass(frozen=True)
class Billed:
    """A finished walk and its bill."""

    records: tuple[Record, ...]
    bill: Statement


def score(setting: Setting, course: str, billed: Mapping[PolicyName, Billed]) -> CourseResult:
    """All policies of a course; on demand and hindsight are among them."""
    base = billed[PolicyName.ON_DEMAND].bill
    best = billed[PolicyName.HINDSIGHT].bill
    policies = tuple(
        _result(setting, name, billed[name], base, best) for name in PolicyName if name in billed
    )
    return CourseResult(
        course=course,
        on_demand_usd=base.total_usd,
        hindsight_usd=best.total_usd,
        policies=policies,
    )


def _result(
    setting: Setting, name: PolicyName, one: Billed, base: Statement, best: Statement
) -> PolicyResult:
    policy, bill = make_policy(name, setting), one.bill
    saving = base.total_usd - bill.total_usd
    monthly = _monthly(bill, base)
    return PolicyResult(
        policy=name,
        description=policy.description,
        guarantee=policy.guarantee,
        bill_usd=bill.total_usd,
        saving_usd=saving,
        saving_share=share_of(saving, base.total_usd),
        captured=share_of(saving, base.total_usd - best.total_usd),
        regret_usd=bill.total_usd - best.total_usd,
        coverage=bill.coverage,
        utilization=bill.utilization,
        worst_quarter=_worst_quarter(setting, monthly),
        decisions=len(one.records),
        purchases=_purchases(holdings_of(one.records), bill),
        monthly=monthly,
        seconds=sum(record.seconds for record in one.records),
    )


def _monthly(bill: Statement, base: Statement) -> tuple[MonthOfPolicy, ...]:
    return tuple(
        MonthOfPolicy(
            month=mine.month,
            bill_usd=_cost_usd(mine),
            saving_usd=_cost_usd(theirs) - _cost_usd(mine),
        )
        for mine, theirs in zip(bill.months, base.months, strict=True)
    )


def _cost_usd(month: MonthlyBill) -> Decimal:
    return month.on_demand_usd + month.commitment_usd


def _worst_quarter(setting: Setting, monthly: Sequence[MonthOfPolicy]) -> Quarter:
    """The quarter that saves the smallest share; one cut short by the window's end is left out."""
    quarters = [
        monthly[first : first + QUARTER_MONTHS] for first in range(0, len(monthly), QUARTER_MONTHS)
    ]
    if len(quarters) > 1 and (len(quarters[-1]) < QUARTER_MONTHS or _ends_early(setting)):
        quarters.pop()
    found = [_quarter(one) for one in quarters]
    return min(found, key=lambda one: 0.0 if one.saving_share is None else one.saving_share)


def _ends_early(setting: Setting) -> bool:
    end = setting.calendar.end
    return (end.day, end.hour) != (1, 0)


def _quarter(months: Sequence[MonthOfPolicy]) -> Quarter:
    saving = sum((one.saving_usd for one in months), Decimal(0))
    bill = sum((one.bill_usd for one in months), Decimal(0))
    return Quarter(
        first_month=months[0].month,
        last_month=months[-1].month,
        saving_usd=saving,
        saving_share=share_of(saving, bill + saving),
    )


def _purchases(book: Sequence[Holding], bill: Statement) -> tuple[PastPurchase, ...]:
    bills = {one.commitment_id: one for one in bill.commitments}
    return tuple(
        PastPurchase(
            offer_id=one.offer_id,
            kind=one.commitment.kind,
            workload=one.commitment.workload,
            start=one.commitment.start,
            end=one.commitment.end,
            quantity=one.quantity,
            cost_usd=bills[one.commitment.id].cost_usd,
            utilization=bills[one.commitment.id].utilization,
        )
        for one in book
        if one.commitment.id in bills
    )
