"""The plan that is shown: few lines, sizes that run, no crumbs; at hardly more than the least bill.

The cheapest plan splits what it buys into many lines, some of a few dollars. Each costs somebody
an order, an approval and a renewal. Here lines go that the bill hardly needs. What the model
proves stays what it is.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from planner.bill_search import Deadline
from planner.bill_search.deadline import OutOfTimeError
from planner.bill_search.kept import Keeper
from planner.bill_search.trial import Point, Trial
from planner.problem import Problem
from planner.purchases import Option, step_price
from planner.request import Purchases
from planner.settlement import Outlook
from planner.simplification.lines import FewerLines
from planner.simplification.mix import without_small_shares
from planner.simplification.sizes import Resized, Running, in_sizes_that_run, running_units
from planner.tails import Objective

SMALLEST_USD = 0.005
"""Amounts below this print as nothing."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Simplified:
    """A plan of few lines.

    Attributes:
        outlook: its bills in every future.
        notes: what was made simpler, and what that costs.
        warnings: what was asked for and is not kept.
    """

    outlook: Outlook
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def simplify(problem: Problem, best: Outlook, deadline: Deadline) -> Simplified:
    """The plan to show for the best one found: as simple as the request wants it.

    Args:
        problem: what is planned.
        best: the plan with the least bill found, billed in every future.
        deadline: when to end with what is as simple by then.
    """
    rules, tolerance = problem.request.purchases, problem.request.simplify_share
    if tolerance is None and rules.smallest_usd is None and rules.most_lines is None:
        return Simplified(best)
    began = time.perf_counter()
    shown, search = _simplified(problem, best, tolerance, deadline)
    _log.info("simplified in %.1f s", time.perf_counter() - began)
    notes = [*_notes(best, shown, search.resized)]
    if search.is_cut_off:
        notes.append(
            f"simplify: stopped by its time with {len(shown.policy.bought)} purchases; more may be "
            "left out"
        )
    return Simplified(shown, tuple(notes), tuple(_warnings(shown, rules)))


def _simplified(
    problem: Problem, best: Outlook, tolerance: float | None, deadline: Deadline
) -> tuple[Outlook, "_Search"]:
    """The simpler plan, billed, and the search that found it."""
    keeper, shown, wider = Keeper(problem, best), best, problem
    running: Running = {}
    if tolerance is not None and not deadline.is_over:
        shown = without_small_shares(problem, best, keeper.keeps)
        running = running_units(problem, shown.policy)
        wider = problem.with_sizes({name for _, name in running})
    trial = Trial(wider, shown.policy, _bills(shown), keeper, deadline)
    search = _Search(trial, Objective(problem).usd(_bills(best)), running)
    search.run(tolerance)
    found = None
    if search.point is not trial.start:
        found = keeper.keeps(trial.policy(search.point))
    if found is None:
        search.resized.clear()
    return found or shown, search


def _bills(outlook: Outlook) -> NDArray[np.float64]:
    """Bills by future [scenario], USD."""
    return np.array([float(one.bill.total_usd) for one in outlook.futures])


class _Search:
    """Makes purchases simpler, step by step; what is simple when time is up stays."""

    def __init__(self, trial: Trial, best_usd: float, running: Running) -> None:
        problem = trial.problem
        self._trial = trial
        self._rules = problem.request.purchases
        self._best_usd = best_usd
        self._running = running
        self._fixed = len(trial.policy(trial.start).bought) - len(trial.start.steps)
        self._least = _least_steps(problem)
        self._lines = FewerLines(trial, self._least)
        self.point = trial.start
        self.resized: list[Resized] = []
        self.is_cut_off = False

    def run(self, tolerance: float | None) -> None:
        """Make purchases as simple as asked for; the bill may rise by a share of the best."""
        try:
            self._follow(self._lines.none_smaller(self.point))
            if tolerance is not None:
                self._simplify(self._best_usd + tolerance * abs(self._best_usd))
            if self._rules.most_lines is not None:
                most = max(self._rules.most_lines - self._fixed, 0)
                self._follow(self._lines.at_most(self.point, most))
        except OutOfTimeError:
            self.is_cut_off = True
            _log.info("out of time to make the plan simpler")

    def _simplify(self, limit_usd: float) -> None:
        """Lines first; what sizes cost comes on top, by a tolerance of its own.

        Of many futures first what is bought in all of them: what is to be signed now is among it.
        """
        futures = len(self._trial.problem.probability)
        for in_all in (True, False) if futures > 1 else (False,):
            self._follow(self._lines.within(self.point, limit_usd, in_all=in_all))
            lines = self._lines.lines_of(self.point, in_all=in_all)
            self.point, resized = in_sizes_that_run(
                self._trial,
                self.point,
                lines,
                self._running,
                self._rules.size_tolerance,
                self._least,
            )
            self.resized += resized
            if resized:
                self._follow(self._lines.within(self.point, limit_usd, in_all=in_all))

    def _follow(self, steps: Iterator[Point]) -> None:
        for point in steps:
            self.point = point


def _least_steps(problem: Problem) -> dict[int, int]:
    """Steps of every lot that commit to no less than the smallest purchase; none without one."""
    smallest_usd = problem.request.purchases.smallest_usd
    if smallest_usd is None:
        return {}
    least = [_steps_for(option, smallest_usd) for option in problem.options]
    return {position: least[lot.option] for position, lot in enumerate(problem.lots)}


def _steps_for(option: Option, smallest_usd: Decimal) -> int:
    committed = _committed_usd(option)
    return max(ceil(Fraction(smallest_usd) / committed), 1) if committed else 1


def _committed_usd(option: Option) -> Fraction:
    """What a step commits to over its whole term."""
    upfront, hourly = step_price(option)
    return upfront + hourly * option.offer.term_hours


def _notes(best: Outlook, shown: Outlook, done: list[Resized]) -> Iterator[str]:
    """What was made simpler, and what that costs."""
    if shown is best:
        return
    extra = shown.total_usd - best.total_usd
    share = extra / best.total_usd if best.total_usd else Decimal(0)
    more = "more" if extra >= 0 else "less"
    before, after = len(best.policy.bought), len(shown.policy.bought)
    counts = f"{after} instead of {before} purchases" if after != before else "sizes and shares"
    yield (
        f"simplify: {counts}, for {abs(extra):,.2f} USD ({abs(share):.2%}) {more} than the "
        "cheapest plan found; simplify: off shows that one"
    )
    if done:
        names = dict.fromkeys(f"{one.after} for {one.before}" for one in done)
        forgone = sum(one.forgone_usd for one in done)
        saving = (
            f"the other sizes would save {forgone:,.2f} USD"
            if forgone > SMALLEST_USD
            else "the other sizes would save nothing"
        )
        yield f"sizes: reservations are bought in the size that runs, {', '.join(names)}; {saving}"


def _warnings(shown: Outlook, rules: Purchases) -> Iterator[str]:
    """Rules for the plan shown that it does not keep."""
    bought = shown.policy.bought
    if rules.most_lines is not None and len(bought) > rules.most_lines:
        yield (
            f"purchases.most_lines: {len(bought)} purchases are left, not {rules.most_lines}; "
            "limits of the request need them, or there was no time to merge them"
        )
    if rules.smallest_usd is None:
        return
    smallest = Fraction(rules.smallest_usd)
    small = sum(one.steps * _committed_usd(one.option) < smallest for one in bought)
    if small:
        yield (
            f"purchases.smallest_usd: {small} of {len(bought)} purchases commit to less than "
            f"{rules.smallest_usd:,.2f} USD; limits of the request need them, or there was no time "
            "to change them"
        )
