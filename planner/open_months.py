"""Months whose hours have no price of their own: what commitments leave decides their order."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem import Problem
from planner.sustained_use import QUARTERS, Month, months_of

Floats = NDArray[np.float64]

SAME_SHAPE = 1e-9
"""Usage of series that differ by no more than this share of their highest hour is of one shape."""


@dataclass(frozen=True)
class Step:
    """A price that falls once so many hours are paid.

    Attributes:
        quarter: the last one that pays the higher price.
        hours: hours of the month, in descending order of usage, that pay it.
        drop: how far it falls, as a share of the price listed.
    """

    quarter: int
    hours: int
    drop: float


@dataclass(frozen=True)
class OpenMonth:
    """A pool in a month in which the order of what commitments leave on demand is open.

    Attributes:
        pool: its position.
        month: the month.
        floor: the share of the price listed that its least used planned hour pays.
        steps: where prices fall among the planned hours.
    """

    pool: int
    month: Month
    floor: float
    steps: tuple[Step, ...]

    def least_worth(self, worth: Floats, step: Step) -> float:
        """The least that so many planned hours of it can be worth; ``worth`` is [hour]."""
        inside = np.sort(worth[self.month.first : self.month.end])
        return float(inside[: step.hours].sum())


def find_open_months(problem: Problem) -> tuple[OpenMonth, ...]:
    """The pools and months whose order of hours is not known beforehand.

    It is known where all usage of the pool is of one shape, so that no mix changes the order;
    where commitments to the pool are the same all month, so that they take from the bottom; where
    nothing that several pools share serves it; and where all planned hours pay one price.
    """
    found: list[OpenMonth] = []
    months = months_of(problem.calendar)
    for pool, factors in _falling(problem).items():
        priced = [_open(pool, month, factors) for month in months]
        stepped = [one for one in priced if one.steps]
        moved = [one for one in stepped if _is_moved(problem, one)]
        still = [one for one in stepped if one not in moved]
        mixed = _mixed(problem, pool, still) if still else []
        found += [one for one in stepped if one in moved or one in mixed]
    return tuple(found)


def _falling(problem: Problem) -> dict[int, tuple[float, ...]]:
    """Pools whose prices fall in the course of a month, with their factors."""
    found = {}
    for part in problem.pools.slices:
        factors = part.resources[0].sustained_use
        if part.quarter is not None and factors is not None and part.on_demand_usd > 0:
            found[part.pool] = tuple(float(one) for one in factors)
    return found


def _open(pool: int, month: Month, factors: tuple[float, ...]) -> OpenMonth:
    last = (month.planned - 1) * QUARTERS // month.hours
    steps = tuple(
        Step(quarter, (quarter + 1) * month.hours // QUARTERS, factors[quarter] - after)
        for quarter, after in enumerate(factors[1 : last + 1])
        if factors[quarter] > after
    )
    return OpenMonth(pool, month, factors[last], steps)


def _is_moved(problem: Problem, one: OpenMonth) -> bool:
    """Whether commitments to the pool change inside the month, or what pools share serves it."""
    lots = [(problem.options[lot.option], lot.start, lot.end) for lot in problem.lots]
    owned = [(owned.option, owned.start, owned.end) for owned in problem.owned]
    slices = problem.pools.slices_of_pool(one.pool)
    first, end = one.month.first, one.month.end
    for option, begin, until in (*lots, *owned):
        if begin >= end or until <= first:
            continue
        if option.pool == one.pool and (begin > first or until < end):
            return True
        rates = option.rates
        if rates and option.pool is None and any(rates[at] is not None for at in slices):
            return True
    return False


def _mixed(problem: Problem, pool: int, months: list[OpenMonth]) -> list[OpenMonth]:
    """Those months in which where workloads run may change the order of the pool's hours."""
    chosen = [
        position
        for position, one in enumerate(problem.candidates)
        if units_of_pool(problem, position, pool) and len(problem.candidates_of(one.workload)) > 1
    ]
    if not chosen:
        return []
    edges = problem.windows
    found = [one for one in months if any(one.month.first < e < one.month.end for e in edges)]
    still = [one for one in months if one not in found]
    shapes = _usage_by_decision(problem, pool, chosen)
    first = next(shapes)
    for other in shapes:
        apart = [one for one in still if not _of_one_shape(first, other, one.month)]
        found += apart
        still = [one for one in still if one not in apart]
    return found


def _usage_by_decision(problem: Problem, pool: int, chosen: list[int]) -> Iterator[Floats]:
    """Units of a pool [scenario × hour] that move together: what is given, each candidate's."""
    shape = (len(problem.probability), problem.calendar.hours)
    given = np.zeros(shape)
    for position, candidate in enumerate(problem.candidates):
        units = units_of_pool(problem, position, pool)
        if not units:
            continue
        usage = units * candidate.needed.reshape(shape)
        if position in chosen:
            yield usage
        else:
            given += usage
    if given.any():
        yield given


def _of_one_shape(one: Floats, other: Floats, month: Month) -> bool:
    """Whether usage is the same in every scenario of a month, but for its scale.

    No usage is another shape than some: an order by the one says nothing of the other.
    """
    inside = slice(month.first, month.end)
    a, b = one[:, inside], other[:, inside]
    highest = (a.max(axis=1, keepdims=True), b.max(axis=1, keepdims=True))
    apart = np.abs(a * highest[1] - b * highest[0])
    both = np.array_equal(highest[0] > 0, highest[1] > 0)
    return both and bool(np.all(apart <= SAME_SHAPE * highest[0] * highest[1]))


def units_of_pool(problem: Problem, position: int, pool: int) -> float:
    """Units of a pool in one machine of a candidate."""
    pools = problem.pools
    return float(
        sum(
            part.units
            for part in problem.candidates[position].machine.parts
            if pools.slices[pools.slice_of(part.resource)].pool == pool
        )
    )
