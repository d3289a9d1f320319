"""Which amounts of one purchase are tried: all of few, else where the bill may bend."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEW = 64
"""Up to so many steps every amount is tried."""

MOST_COMMON, SPREAD = 16, 8
"""Levels tried beyond that: those of most hours, and those that cut the hours in equal parts."""

COARSE = 16
"""Amounts of the first of two purchases that are varied together."""

BETWEEN = 8
"""Amounts tried between two that were."""

NEAR = 1e-6
"""Levels that lie so near a whole step are that step."""


def amounts_to_try(now: int, most: int, levels: Floats, worth: Floats) -> list[int]:
    """Steps of one purchase to try, ascending; none, what is bought now and the most among them.

    Args:
        now: steps bought.
        most: the most that can be of use.
        levels: steps, in fractions, at which hours become fully served.
        worth: what these hours count for.
    """
    if most <= FEW:
        return list(range(most + 1))
    return _within(most, [0, now, most, *_near(now, most), *_bends(levels, worth, MOST_COMMON)])


def coarse_amounts(now: int, most: int, levels: Floats, worth: Floats) -> list[int]:
    """Fewer of them, for pairs."""
    if most <= COARSE:
        return list(range(most + 1))
    few = [now - 1, now + 1, *_bends(levels, worth, COARSE // 4)]
    even = np.linspace(0, most, COARSE // 2 + 1).astype(int).tolist()
    return _within(most, [now, *even, *few])


def between(tried: Iterable[int], best: int) -> list[int]:
    """Steps between the best amount and its neighbours among those tried."""
    order = sorted({*tried, best})
    at = order.index(best)
    low, high = order[max(at - 1, 0)], order[min(at + 1, len(order) - 1)]
    return [*_inside(low, best), *_inside(best, high)]


def _inside(low: int, high: int) -> range:
    """Steps between two, evenly apart."""
    step = max(-((low - high) // (BETWEEN + 1)), 1)
    return range(low + step, high, step)


def _bends(levels: Floats, worth: Floats, common: int) -> list[int]:
    """Whole steps at, or next to, the levels that matter most."""
    if not len(levels):
        return []
    nearest = np.rint(levels)
    whole = np.abs(levels - nearest) < NEAR
    low = np.where(whole, nearest, np.floor(levels)).astype(np.int64)
    steps, at = np.unique(low, return_inverse=True)
    weight = np.bincount(at, worth)
    chosen = set(steps[np.argsort(-weight, kind="stable")[:common]].tolist())
    cuts = np.cumsum(weight) / weight.sum()
    parts = np.searchsorted(cuts, (np.arange(SPREAD) + 0.5) / SPREAD)
    chosen |= set(steps[np.minimum(parts, len(steps) - 1)].tolist())
    return [step for one in chosen for step in (one, one + 1)]


def _near(now: int, most: int) -> list[int]:
    """Amounts near the one bought, at growing distances."""
    found, distance = [], 1
    while distance <= most:
        found += [now - distance, now + distance]
        distance *= 4
    return found


def _within(most: int, steps: Iterable[int]) -> list[int]:
    return sorted({one for one in steps if 0 <= one <= most})
