"""Whole purchases by diving: the dearest steps are rounded first, finer ones make up for them.

A machine of 64 cores rounded away leaves more to make up for than any other one; a plan's
thousandth of a dollar next to nothing. So steps are rounded by what they cost, dearest first, and
after each round the continuous master decides anew on all that are left.
"""

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.search import Search
from planner.formulation.exchange_rows import round_exchanges
from planner.formulation.first_stage import whole_lots
from planner.formulation.rounded_purchases import round_purchases
from planner.shards import Recourse
from solvers import Answer

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

NARROW = 4.0
"""Steps are rounded together that cost up to this many times as much as each other."""

DEAR_GAPS = 4.0
"""Steps that cost more than so many times the gap asked for are rounded one by one."""

MOST_ALONE = 30
"""No more steps than these are."""

FINE_GAPS = 0.3
"""Steps that cost up to so many times that gap are rounded anew where a dive's plan breaks a limit
that the cuts did not tell of."""

MOST_RETURNS = 3
"""How often plans are mended so."""

WHOLE = 1e-6
"""Steps this near to whole numbers are whole."""

UP_FROM = (0.5, 1.0 - WHOLE, WHOLE)
"""From which fraction on steps may be rounded up: the nearest, those below, those above."""


def dive(search: Search, fine: Recourse) -> bool:
    """Offer the plan that a dive ends at; returns whether it is better than the incumbent."""
    before, diver = search.objective, _Dive(search)
    point = diver.down()
    for _ in range(MOST_RETURNS):
        if point is None or search.offer(*search.ask(fine, point)):
            break
        point = diver.again()
        if point is None:
            point = diver.down()
    return search.objective < before


class _Dive:
    """Dives into a search's master, whose own limits are as before after each."""

    def __init__(self, search: Search) -> None:
        self._search, self._terms = search, search.master.first.terms
        self._block = search.master.first.model["buy"]
        self._whole = whole_lots(self._terms)
        self._cost_usd = np.array([lot.cost_usd for lot in self._terms.lots])
        self._start = np.array([lot.start for lot in self._terms.lots])
        self._gap_usd = search.limits.gap * abs(search.bound)
        limits = search.planes.lower, search.planes.upper
        self._least, self._most = (one[self._block.slice] for one in limits)
        self._lower, self._upper = self._least.copy(), self._most.copy()

    def down(self) -> Floats | None:
        """Whole purchases that keep all cuts so far [column]; None where the dive finds none."""
        return self._end(self._whole)

    def again(self) -> Floats | None:
        """The same, dearer steps staying as they are."""
        cost = self._cost_usd
        fine = self._whole & (cost <= FINE_GAPS * self._gap_usd)
        if not fine.any():
            fine = self._whole & (cost <= NARROW * np.min(cost[self._whole], initial=np.inf))
        return self._end(fine)

    def _end(self, lots: Booleans) -> Floats | None:
        """Whole purchases once some lots are rounded."""
        search, planes, master = self._search, self._search.planes, self._search.master
        self._lower[lots], self._upper[lots] = self._least[lots], self._most[lots]
        try:
            planes.limit(self._block, self._lower, self._upper)
            answer = self._rounded_all(search.solve(), lots.copy())
        finally:
            planes.limit(self._block, self._least, self._most)
        if answer is None:
            return None
        values = answer.point.copy()
        bought = values[self._block.slice]
        values[self._block.slice] = np.where(self._whole, np.round(bought), bought)
        round_exchanges(master.first.model, self._terms, values)
        return values

    def _rounded_all(self, answer: Answer | None, left: Booleans) -> Answer | None:
        """The master's optimum once all lots left are whole."""
        alone = 0
        while answer is not None and left.any():
            dearest = self._cost_usd[left].max()
            group = left & (self._cost_usd >= dearest / NARROW)
            steps = answer.point[self._block.slice]
            parted = group & (np.abs(steps - np.round(steps)) > WHOLE)
            if dearest > DEAR_GAPS * self._gap_usd and parted.any() and alone < MOST_ALONE:
                alone += 1
                first = np.lexsort((self._start, -self._cost_usd, ~parted))[0]
                group = np.arange(len(left)) == first
            answer = self._rounded(answer, group) if parted.any() else self._kept(answer, group)
            left &= ~group
        return answer

    def _kept(self, answer: Answer, group: Booleans) -> Answer:
        """The same optimum, for a group that is whole in it."""
        steps = np.round(answer.point[self._block.slice][group])
        self._lower[group] = self._upper[group] = steps
        return answer

    def _rounded(self, answer: Answer, group: Booleans) -> Answer | None:
        """The master's optimum once a group is whole, in the best way."""
        steps, planes = answer.point[self._block.slice], self._search.planes
        best: tuple[Answer, Floats] | None = None
        tried: list[Floats] = []
        for up_from in UP_FROM:
            rounded = round_purchases(self._terms, steps, group, up_from)[group]
            rounded = np.clip(rounded, self._least[group], self._most[group])
            if any(np.array_equal(rounded, one) for one in tried):
                continue
            tried.append(rounded)
            self._lower[group] = self._upper[group] = rounded
            planes.limit(self._block, self._lower, self._upper)
            found = self._search.solve()
            if found is not None and (best is None or found.objective < best[0].objective):
                best = found, rounded
        if best is None:
            return None
        self._lower[group] = self._upper[group] = best[1]
        planes.limit(self._block, self._lower, self._upper)
        return best[0]
