"""Fewer lines: purchases left out, or merged with others, where the bill hardly notices."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import inf

from planner.bill_search.trial import Point, Trial
from planner.simplification.amounts import best_amount, cheapest_first

FEW_LINES, FEW_STEPS = 6, 64
"""Of plans so small every amount of a line is billed; of larger ones few amounts tell the best."""

SLIGHT_SHARE = 0.1
"""Of what simplicity may cost: for so much all in all, lines are left out before others merge."""

MANY_LINES = 16
"""Of plans of more lines, slight ones merge with the first other that will do."""

FAR = 8.0
"""Changes that cost so much more than what is left are not looked at again."""

HOPELESS = 10.0
"""Lines are not merged where that costs so many times more at the first amounts tried."""

MOST_ANEW = 4
"""Changes after which all amounts are chosen anew, before none is made."""

MOST_REFUSED = 4
"""Cheapest amounts that are billed in full for their limits before a change is given up."""

Move = tuple[int, int | None]
"""A line that goes, and the one whose amount is chosen anew; None where none is."""


class FewerLines:
    """Takes lines out of a plan, the cheapest change first.

    A line is left out, or merged with another one, whose amount is then chosen anew by the bill.

    Args:
        trial: bills purchases.
        least: steps, by lot, below which a purchase may not be made; 1 where none are given.
    """

    def __init__(self, trial: Trial, least: Mapping[int, int]) -> None:
        self._trial = trial
        self._least = least
        self._extra_usd: dict[Move, float] = {}

    def within(self, point: Point, limit_usd: float, *, in_all: bool) -> Iterator[Point]:
        """Ever fewer lines at no more than a cost, until none of those left can go.

        With ``in_all`` lines alone that are bought in all futures.
        """
        for point in self._without_slight(point, limit_usd, in_all=in_all):  # noqa: B020 - from one on
            yield point
        while True:
            lines = self.lines_of(point, in_all=in_all)
            fewer = (
                self._without_one(point, limit_usd, lines, lines)
                or self._polished(point, in_all=in_all)
                or self._without_one_anew(point, limit_usd, in_all=in_all)
            )
            if fewer is None:
                return
            yield (point := fewer)

    def lines_of(self, point: Point, *, in_all: bool) -> list[int]:
        """Lines of a plan; only those bought in all futures if so asked."""
        problem = self._trial.problem
        futures = len(problem.probability)
        return [lot for lot in point.steps if not in_all or len(problem.lots[lot].group) == futures]

    def at_most(self, point: Point, lines: int) -> Iterator[Point]:
        """Ever fewer lines down to a number, whatever that costs; more where limits need them."""
        while len(point.steps) > lines:
            fewer = self._without_one(point)
            if fewer is None:
                return
            yield (point := fewer)

    def none_smaller(self, point: Point) -> Iterator[Point]:
        """Lines that are too small left out, merged or raised, but those that limits need."""
        while small := [lot for lot, steps in point.steps.items() if steps < self._smallest(lot)]:
            raised = (self._trial.buy(point, {lot: self._smallest(lot)}) for lot in small)
            found = [self._without_one(point, lines=small), *raised]
            made = self._first_kept(_cheapest_first(found), inf)
            if made is None:
                return
            yield (point := made)

    def _without_slight(self, point: Point, limit_usd: float, *, in_all: bool) -> Iterator[Point]:
        """Ever fewer lines, of those that hardly do anything: left out, then merged as they come.

        That leaves few for which every change is looked at.
        """
        start_usd, budget_usd = point.objective_usd, max(limit_usd - point.objective_usd, 0.0)
        slight_usd = start_usd + SLIGHT_SHARE * budget_usd
        lines = self.lines_of(point, in_all=in_all)
        for lot in lines:
            self._made(point, (lot, None), slight_usd)
        order = sorted(lines, key=lambda lot: self._extra_usd[lot, None])
        for lot in order:
            yield (point := self._made(point, (lot, None), slight_usd) or point)
        if len(self.lines_of(point, in_all=in_all)) <= MANY_LINES:
            return
        slight_usd += SLIGHT_SHARE * budget_usd
        for lot in (one for one in order if one in point.steps):
            others = [one for one in reversed(order) if one in point.steps and one != lot]
            made = (self._made(point, (lot, other), slight_usd) for other in others)
            yield (point := next((one for one in made if one is not None), point))

    def _without_one(
        self,
        point: Point,
        limit_usd: float = inf,
        lines: Collection[int] | None = None,
        others: Collection[int] | None = None,
    ) -> Point | None:
        """The purchases with one line less that cost the least; None where all cost too much.

        One of ``lines`` goes, and another of ``others`` may be chosen anew; any where not given.

        What a change costs is known from earlier rounds, and hardly falls: changes are looked at
        in that order until the next is not cheaper, or far too dear in plans that are not small.
        """
        gone = point.steps if lines is None else lines
        into = point.steps if others is None else others
        moves = [(one, other) for one in gone for other in (None, *into) if one != other]
        moves.sort(key=lambda move: (self._extra_usd.get(move, -inf), move[1] is not None))
        far_usd = inf if self._is_small(point) else FAR * (limit_usd - point.objective_usd)
        best: Point | None = None
        for move in moves:
            known_usd = self._extra_usd.get(move, -inf)
            enough_usd = far_usd if best is None else best.objective_usd - point.objective_usd
            if known_usd >= enough_usd:
                break
            found = self._made(point, move, limit_usd if best is None else best.objective_usd)
            if found is not None and (best is None or found.is_cheaper_than(best)):
                best = found
        return best

    def _without_one_anew(self, point: Point, limit_usd: float, *, in_all: bool) -> Point | None:
        """The purchases with one line less and all amounts chosen anew; None if too dear.

        That is tried of the changes that cost least before.
        """
        far_usd = FAR * (limit_usd - point.objective_usd)
        lines = self.lines_of(point, in_all=in_all)
        known = {
            move: usd
            for move, usd in self._extra_usd.items()
            if usd <= far_usd and move[0] in lines and move[1] in (None, *lines)
        }
        for move in sorted(known, key=lambda move: known[move])[:MOST_ANEW]:
            made = self._made(point, move, inf)
            fewer = made and (self._polished(made, in_all=in_all) or made)
            if fewer is not None and fewer.objective_usd <= limit_usd:
                return fewer
        return None

    def _polished(self, point: Point, *, in_all: bool) -> Point | None:
        """The purchases with amounts chosen anew, one by one; None where none is better."""
        start, before = point, None
        while before is not point:
            before = point
            for lot in self.lines_of(point, in_all=in_all):
                now = point.steps_of(lot)
                found = self._anew(point, {}, lot, (now - 1, now, now + 1), point.objective_usd)
                better = (one for one in found if one.is_cheaper_than(point))
                point = self._first_kept(better, inf) or point
        return None if point is start else point

    def _made(self, point: Point, move: Move, limit_usd: float) -> Point | None:
        """A change made; None where it costs more than a limit, or breaks one."""
        line, other = move
        if other is None:
            found = _cheapest_first([self._trial.buy(point, {line: 0})])
        elif self._may_merge(point, line, other):
            now = point.steps_of(other)
            more = self._as_much(point, line, other)
            near = now, now + more // 2, now + more
            found = self._anew(point, {line: 0}, other, near, limit_usd)
        else:
            found = []
        self._extra_usd[move] = found[0].objective_usd - point.objective_usd if found else inf
        return self._first_kept(found, limit_usd)

    def _anew(
        self,
        point: Point,
        changed: Mapping[int, int],
        lot: int,
        near: Iterable[int],
        enough_usd: float,
    ) -> list[Point]:
        """Purchases with one amount chosen anew beside some changes, the cheapest first."""
        tried: dict[int, Point | None] = {}
        least = self._smallest(lot)

        def bill(steps: int) -> float:
            if steps not in tried:
                allowed = not 0 < steps < least
                tried[steps] = self._trial.buy(point, {**changed, lot: steps}) if allowed else None
            found = tried[steps]
            return inf if found is None else found.objective_usd

        most = max(self._trial.meter.most_steps(lot), point.steps_of(lot), least)
        if most <= FEW_STEPS and self._is_small(point):
            order = cheapest_first(bill, range(most + 1))
        else:
            hopeless_usd = point.objective_usd + HOPELESS * (enough_usd - point.objective_usd)
            best = best_amount(bill, near, most, enough_usd, hopeless_usd if changed else inf)
            order = [] if best is None else [best]
        return [found for steps in order if (found := tried[steps]) is not None]

    def _first_kept(self, found: Iterable[Point], limit_usd: float) -> Point | None:
        """The first of some purchases that keep all limits, at no more than a cost."""
        cheap = [one for one in found if one.objective_usd <= limit_usd]
        return next((one for one in cheap[:MOST_REFUSED] if self._trial.keeps_limits(one)), None)

    def _smallest(self, lot: int) -> int:
        return self._least.get(lot, 1)

    def _is_small(self, point: Point) -> bool:
        return len(point.steps) <= FEW_LINES

    def _may_merge(self, point: Point, one: int, other: int) -> bool:
        """Whether a line may serve in another's place: in hours of its, and all it serves there.

        In small plans a part of it will do.
        """
        first, second = self._trial.problem.lots[one], self._trial.problem.lots[other]
        if first.end <= second.start or second.end <= first.start:
            return False
        if not set(first.group) & set(second.group):
            return False
        gone, anew = (self._trial.meter.columns(lot) for lot in (one, other))
        return gone <= anew or (self._is_small(point) and bool(gone & anew))

    def _as_much(self, point: Point, line: int, other: int) -> int:
        """Steps of a line that cost by the hour what another one does."""
        gone, anew = self._trial.problem.lots[line], self._trial.problem.lots[other]
        hourly_usd = point.steps_of(line) * gone.cost_usd / (gone.end - gone.start)
        step_usd = anew.cost_usd / (anew.end - anew.start)
        return max(round(hourly_usd / step_usd), 1) if step_usd > 0 else 1


def _cheapest_first(found: Iterable[Point | None]) -> list[Point]:
    """Those of some purchases that may be made, the cheapest first."""
    return sorted((one for one in found if one is not None), key=lambda one: one.objective_usd)
