"""Limits that purchases alone may pass: upfront budgets, and machines in capacity blocks."""

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from planner.bill_search.meter import Steps
from planner.capacity_blocks import MOST_AT_ONCE
from planner.decision import Policy
from planner.problem import Problem
from planner.purchases.option import BLOCK
from planner.settlement.limit_peaks import TOLERANCE

Floats = NDArray[np.float64]


class PurchaseLimits:
    """What purchases must keep to, beside what is bought and exchanged whatever is varied."""

    def __init__(self, problem: Problem, fixed: Policy) -> None:
        self._problem = problem
        self._fixed = fixed
        self._budgets = problem.upfront_budgets()
        self._blocks = frozenset(
            at for at, option in enumerate(problem.options) if option.offer.kind is BLOCK
        )

    def allow(self, after: Steps, before: Steps, changed: Collection[int]) -> bool:
        """Whether changed purchases keep to the limits; one passed before, not by more."""
        lots = self._problem.lots
        more = [one for one in changed if after.get(one, 0) > before.get(one, 0)]
        hours = {lots[one].ordered for one in more}
        for hour in hours & self._budgets.keys():
            budget_usd = self._budgets[hour] * (1 + TOLERANCE)
            if np.any(self._paid(hour, after) > np.maximum(self._paid(hour, before), budget_usd)):
                return False
        if not any(lots[one].option in self._blocks for one in more):
            return True
        most = np.maximum(self._in_blocks(before), MOST_AT_ONCE)
        return bool(np.all(self._in_blocks(after) <= most))

    def _paid(self, hour: int, steps: Steps) -> Floats:
        """Upfront payments of one date in every future [scenario], USD."""
        paid = np.zeros(len(self._problem.probability))
        bought = [(one.lot, one.steps) for one in self._fixed.bought]
        bought += ((self._problem.lots[lot], count) for lot, count in steps.items())
        for lot, count in bought:
            if lot.ordered == hour:
                paid[list(lot.group)] += count * lot.upfront_usd
        for made in self._fixed.exchanges:
            if made.exchange.hour == hour:
                paid[list(made.exchange.group)] += float(made.true_up_usd)
        return paid

    def _in_blocks(self, steps: Steps) -> Floats:
        """Machines in capacity blocks [scenario × hour]."""
        held = np.zeros((len(self._problem.probability), self._problem.calendar.hours))
        for owned in self._problem.owned:
            if owned.option.offer.kind is BLOCK:
                held[:, owned.start : owned.end] += float(owned.quantity)
        for position, count in self._of_blocks(steps.items()):
            lot = self._problem.lots[position]
            held[list(lot.group), lot.start : lot.end] += count
        return held

    def _of_blocks(self, steps: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
        return (pair for pair in steps if self._problem.lots[pair[0]].option in self._blocks)
