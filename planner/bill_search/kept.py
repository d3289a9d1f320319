"""Whether purchases keep the limits that the model's plan keeps."""

from functools import cached_property

import numpy as np

from planner.decision import Policy
from planner.most_served import step_usd
from planner.problem import Problem
from planner.rebill import resources_of
from planner.settlement import Broken, Outlook, broken_limits, look_out
from planner.settlement.limit_peaks import TOLERANCE


class Keeper:
    """Refuses policies that break a limit which the model's plan keeps, or break one by more."""

    def __init__(self, problem: Problem, given: Outlook) -> None:
        self._problem = problem
        self._broken = _worst(broken_limits(given))
        self._most_served_usd = max(_ceiling_usd(given), _most_served_usd(given))

    def keeps(self, policy: Policy) -> Outlook | None:
        """A policy billed in every future; None where it breaks what the given one keeps."""
        outlook = look_out(self._problem, policy)
        is_kept = all(
            limit in self._broken and excess <= self._broken[limit] * (1 + TOLERANCE) + TOLERANCE
            for limit, excess in _worst(broken_limits(outlook)).items()
        )
        # A ceiling on coverage is one on what commitments could serve: so the bound counts it.
        is_below = _most_served_usd(outlook) <= self._most_served_usd * (1 + TOLERANCE)
        return outlook if is_kept and is_below else None

    @cached_property
    def needs_bills(self) -> bool:
        """Whether purchases may break a limit that only the bill tells of."""
        request = self._problem.request
        limits = request.limits
        shares = (limits.coverage.at_least, limits.coverage.at_most, limits.utilization.at_least)
        counted = request.whole_machines and bool(limits.quotas)
        unsold = any(not one.sold_on_demand for one in resources_of(self._problem))
        return counted or unsold or any(share is not None for share in shares)


def _worst(broken: tuple[Broken, ...]) -> dict[str, float]:
    """The largest excess over each limit."""
    worst: dict[str, float] = {}
    for one in broken:
        worst[one.limit] = max(one.excess, worst.get(one.limit, 0.0))
    return worst


def _ceiling_usd(outlook: Outlook) -> float:
    """What commitments may serve at the most, at on-demand prices; infinite without a ceiling."""
    most = outlook.problem.request.limits.coverage.at_most
    if most is None:
        return np.inf
    usage_usd = outlook.mean_usd(lambda one: one.bill.on_demand_equivalent_usd)
    return most * float(usage_usd)


def _most_served_usd(outlook: Outlook) -> float:
    """What commitments could serve at the most, at on-demand prices; 0 where none is asked."""
    if outlook.problem.request.limits.coverage.at_most is None:
        return 0.0
    pools, served = outlook.problem.pools, 0.0
    for one in outlook.futures:
        # Capacity held follows what was bought, owned and taken; it covers nothing.
        for billed, entry in zip(one.billed, one.bill.commitments, strict=False):
            served += one.probability * entry.committed * step_usd(pools, billed.option)
    return served
