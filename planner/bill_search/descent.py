"""Steps down the bill: one purchase at a time, then two that meet in a pool, until none is left."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.bill_search.amounts import COARSE, FEW, amounts_to_try, between, coarse_amounts
from planner.bill_search.deadline import OutOfTimeError
from planner.bill_search.trial import Point, Trial
from planner.purchases import without_dominated

Floats = NDArray[np.float64]

ROUNDS = 7
"""How often the amounts around the best one are looked at more closely."""

MOST_REFUSED = 4
"""Cheaper purchases that are billed in full for their limits before a step is given up."""


class Descent:
    """The best purchases found so far, from a start on.

    Steps of one purchase look at all amounts from nothing up to the peak of what it serves, since a
    bill need not be convex in them: providers serve the smallest machines first.
    """

    def __init__(self, trial: Trial) -> None:
        problem = trial.problem
        self._trial = trial
        self._useful = set(without_dominated(problem.lots, problem.options))
        self.point = trial.start

    def run(self) -> Point:
        """Take steps until none is better, or time is out; the best purchases found."""
        try:
            while self._take_single_steps() or self._take_pairs():
                pass
        except OutOfTimeError:
            pass
        return self.point

    def _take_single_steps(self) -> bool:
        """Whether varying one purchase at a time made the bill cheaper."""
        start = self.point
        improved = True
        while improved:
            improved = False
            for lot in self._order():
                improved |= self._take_best(self._line(self.point, lot))
        return self.point.is_cheaper_than(start)

    def _take_pairs(self) -> bool:
        """Whether varying two purchases of one pool together made the bill cheaper."""
        order = self._order()
        pairs = ((one, other) for one in order for other in order if one != other)
        return any(self._take_best(self._plane(*pair)) for pair in pairs if self._meet(*pair))

    def _take_best(self, tried: Iterable[Point]) -> bool:
        """Take the cheapest purchases tried that keep all limits, if they are better.

        Raises OutOfTimeError: after that, of those that there was time to try.
        """
        better: list[Point] = []
        try:
            for one in tried:
                if one.is_cheaper_than(self.point):
                    better.append(one)  # noqa: PERF401 - they stay when time is out
        except OutOfTimeError:
            self._take_first(better)
            raise
        return self._take_first(better)

    def _take_first(self, better: list[Point]) -> bool:
        """Take the cheapest of better purchases that keep all limits, if any do."""
        better.sort(key=lambda one: (one.objective_usd, sum(one.steps.values())))
        for one in better[:MOST_REFUSED]:
            if self._trial.keeps_limits(one):
                self.point = one
                return True
        return False

    def _order(self) -> Sequence[int]:
        """Lots bought first, then those no other makes needless, then the rest."""
        lots = self._trial.problem.lots

        def rank(lot: int) -> tuple[bool, bool]:
            return not self.point.steps_of(lot), lots[lot] not in self._useful

        return sorted(self._trial.lots, key=rank)

    def _meet(self, one: int, other: int) -> bool:
        """Whether two purchases may serve the same usage, or usage that others join."""
        self._trial.deadline.check()
        first, second = self._trial.problem.lots[one], self._trial.problem.lots[other]
        if first.end <= second.start or second.end <= first.start:
            return False
        if not set(first.group) & set(second.group):
            return False
        meter = self._trial.meter
        return not meter.touched(self.point.steps, (one,)).isdisjoint(meter.columns(other))

    def _plane(self, one: int, other: int) -> Iterator[Point]:
        """Purchases with two lots varied, the second as finely as a single one."""
        now, most = self.point.steps_of(one), self._trial.meter.most_steps(one)
        levels = self._levels(self.point, one, most, COARSE)
        for steps in coarse_amounts(now, most, *levels):
            moved = self._trial.buy(self.point, {one: steps})
            if moved is not None and steps != now:
                yield from self._line(moved, other)

    def _line(self, point: Point, lot: int) -> Iterator[Point]:
        """Purchases with one lot varied, from coarse to fine."""
        now, most = point.steps_of(lot), self._most_useful(point, lot)
        tried = {now: point}
        wanted = amounts_to_try(now, most, *self._levels(point, lot, most, FEW))
        for _ in range(ROUNDS):
            for steps in wanted:
                found = None if steps in tried else self._trial.buy(point, {lot: steps})
                if found is not None:
                    tried[steps] = found
                    yield found
            best = min(tried, key=lambda steps: (tried[steps].objective_usd, steps))
            wanted = between(tried, best) if most > FEW else []

    def _most_useful(self, point: Point, lot: int) -> int:
        """Steps of a lot beyond which its price alone makes the bill dearer than the best."""
        problem, meter = self._trial.problem, self._trial.meter
        most, now, bought = meter.most_steps(lot), point.steps_of(lot), problem.lots[lot]
        if problem.weighs_risk or bought.expected_cost_usd <= 0:
            return max(most, now)
        touched = meter.touched(point.steps, (lot,))
        # It can save no more than what is paid beside the price of commitments.
        at_stake = self.point.objective_usd - point.objective_usd
        for scenario in bought.group:
            running_usd = meter.running_usd(scenario, touched, point.steps)
            at_stake += float(problem.probability[scenario]) * running_usd
        useful = int(max(at_stake, 0.0) / bought.expected_cost_usd)
        return max(min(most, now + useful), now)

    def _levels(self, point: Point, lot: int, most: int, few: int) -> tuple[Floats, Floats]:
        """Where the bill may bend, and for how long; none where every amount is tried."""
        if most <= few:
            return np.zeros(0), np.zeros(0)
        return self._trial.meter.levels(point.steps, lot, most)
