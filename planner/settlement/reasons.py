"""Why not: for every offer left unbought, the use it needs beside the use it would have had."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from catalogs import DedicatedOffer
from planner.fleet import Resource
from planner.plan import NotBought, Reason
from planner.purchases import Option, step_price
from planner.rebill import account_of, purchase_id, resources_of
from planner.settlement.outlook import FutureBill, Outlook
from planner.settlement.prospects import ROUNDING, Prospects, margins

NAMED = 3
"""Offers named that serve what another would."""


def reasons_against(outlook: Outlook, *, simplified: bool = False) -> tuple[NotBought, ...]:
    """Every option of which nothing is bought in any future, by offer id.

    With several futures utilizations are means over them.

    Args:
        outlook: the plan.
        simplified: whether it is a simpler form of the cheapest one found.
    """
    chance = [one.probability for one in outlook.futures]
    mean = _mean([one.prospects for one in outlook.futures], chance)
    problem, dates = outlook.problem, outlook.problem.calendar.purchase_hours
    serving, limits = _Serving(outlook), _Limits.of(outlook, simplified=simplified)
    use, alone, busy = (
        margins(share, mean.break_even) for share in (mean.utilization, mean.alone, mean.busy)
    )
    reasons = []
    for row, position in enumerate(outlook.unbought.options):
        option, date = problem.options[position], dates[mean.date[row]]
        if use[row] >= -ROUNDING:
            reason = limits.reason_against(option, date)
        elif alone[row] >= -ROUNDING:
            reason = "served_cheaper"
        else:
            reason = "beyond_smallest_purchase" if busy[row] >= -ROUNDING else "too_little_usage"
        reasons.append(
            NotBought(
                offer_id=option.offer.offer_id,
                workload=account_of(problem, option) or None,
                break_even_utilization=_known(mean.break_even[row]),
                utilization=float(mean.utilization[row]),
                alone_utilization=float(mean.alone[row]),
                start=problem.calendar.at(date),
                reason=reason,
                served_by=serving.instead_of(option) if reason == "served_cheaper" else (),
            )
        )
    return tuple(sorted(reasons, key=lambda one: (one.offer_id, one.workload or "")))


def _mean(found: list[Prospects], chance: list[float]) -> Prospects:
    """One verdict on every option from those of all futures; its date is the first one's."""
    if len(found) == 1:
        return found[0]
    return Prospects(
        date=found[0].date,
        break_even=np.mean([one.break_even for one in found], axis=0),
        utilization=np.average([one.utilization for one in found], axis=0, weights=chance),
        alone=np.average([one.alone for one in found], axis=0, weights=chance),
        busy=np.average([one.busy for one in found], axis=0, weights=chance),
    )


def _known(share: float) -> float | None:
    return None if np.isnan(share) else float(share)


@dataclass(frozen=True)
class _Limits:
    """What keeps an offer unbought that would pay.

    Attributes:
        left_usd: what is left of upfront budgets, by purchase hour; of futures the least.
        smallest_usd: `purchases.smallest_usd`.
        is_reached: whether a ceiling on coverage, a quota or the number of lines binds.
        simplified: whether the plan is a simpler form of the cheapest one.
    """

    left_usd: dict[int, float]
    smallest_usd: float
    is_reached: bool
    simplified: bool

    @classmethod
    def of(cls, outlook: Outlook, *, simplified: bool) -> "_Limits":
        request = outlook.problem.request
        most_lines = request.purchases.most_lines
        reached = (
            request.limits.coverage.at_most is not None
            or any(peak.binds for one in outlook.futures for peak in one.peaks)
            or (most_lines is not None and len(outlook.policy.bought) >= most_lines)
        )
        smallest = float(request.purchases.smallest_usd or 0)
        return cls(_left_of_budgets(outlook), smallest, reached, simplified)

    def reason_against(self, option: Option, ordered: int) -> Reason:
        """Why an option that would pay at a date is not bought."""
        upfront, hourly = step_price(option)
        if float(upfront) > self.left_usd.get(ordered, np.inf):
            return "budget_used_up"
        if self.is_reached:
            return "limit_reached"
        if float(upfront + hourly * option.offer.term_hours) < self.smallest_usd:
            return "below_smallest_usd"
        return "left_out_for_few_lines" if self.simplified else "within_gap"


def _left_of_budgets(outlook: Outlook) -> dict[int, float]:
    """What is left of each upfront budget where most of it is used, USD by purchase hour."""
    left = {}
    for hour, budget_usd in outlook.problem.upfront_budgets().items():
        paid = [_paid_upfront_usd(one, hour) for one in outlook.futures]
        left[hour] = budget_usd - max(paid, default=0.0)
    return left


def _paid_upfront_usd(future: FutureBill, hour: int) -> float:
    lots = sum(one.steps * one.lot.upfront_usd for one in future.bought if one.lot.ordered == hour)
    made = (float(one.true_up_usd) for one in future.exchanges if one.exchange.hour == hour)
    return lots + sum(made)


class _Serving:
    """What the plan's commitments serve: a reservation its pool, a plan the machines it rates."""

    def __init__(self, outlook: Outlook) -> None:
        problem = outlook.problem
        self._problem = problem
        bought = outlook.policy.bought
        named = [
            *((purchase_id(problem, one), one.option, one.lot.group) for one in bought),
            *((one.commitment.id, one.option, None) for one in problem.owned),
        ]
        self._options: dict[str, Option] = {}
        self._used_usd: defaultdict[str, float] = defaultdict(float)
        for name, option, group in named:
            for bill, chance in outlook.entries(name, group):
                used_usd = (bill.utilization or 0.0) * float(bill.cost_usd) * chance
                self._options[option.offer.offer_id] = option
                self._used_usd[option.offer.offer_id] += used_usd

    def _machines(self, option: Option) -> frozenset[Resource]:
        if option.pool is not None and isinstance(option.offer, DedicatedOffer):
            key = self._problem.pools.keys[option.pool]
            return frozenset(one for one in resources_of(self._problem) if one.pool == key)
        return frozenset(machine for machine, _ in option.resource_rates)

    def instead_of(self, option: Option) -> tuple[str, ...]:
        """Offers that serve what an option would: those of one pool first, then by use."""
        machines = self._machines(option)
        ranked = [
            (other.pool is None, -self._used_usd[offer_id], offer_id)
            for offer_id, other in self._options.items()
            if self._used_usd[offer_id] and machines & self._machines(other)
        ]
        return tuple(offer_id for _, _, offer_id in sorted(ranked)[:NAMED])
