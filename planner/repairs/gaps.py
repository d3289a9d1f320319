"""Rule `gaps`: hours without a value take one from beside them, or from neighbouring weeks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.repairs.report import runs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK_HOURS = 168
SHORT_HOURS = 3
"""Gaps up to this are filled between their ends: nearer than a week is."""

_WEEKS = 4


@dataclass(frozen=True)
class Filled:
    """A series without gaps, and where they were.

    Attributes:
        values: [hour].
        begins, ends: of every gap filled; the end is the first hour after it.
        by_weeks: hours of each gap that neighbouring weeks filled; the others are interpolated.
    """

    values: Floats
    begins: Ints
    ends: Ints
    by_weeks: Ints


def find_gaps(values: Floats) -> tuple[Ints, Ints]:
    """Begins and ends (exclusive) of hours without a value between the first and last with one."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return known, known
    lost = np.flatnonzero(np.isnan(values[known[0] : known[-1]])) + known[0]
    return runs(lost)


def fill_gaps(values: Floats) -> Filled:
    """Fill the gaps of a series that begins and ends with a value.

    Gaps of a few hours are interpolated between their ends. Longer ones take the mean of the same
    hour a week before and after, or of the nearest weeks up to four away that have a value; what
    even these lack is interpolated.
    """
    begins, ends = find_gaps(values)
    filled = values.copy()
    if not len(begins):
        return Filled(filled, begins, ends, begins)
    lost = np.flatnonzero(np.isnan(values))
    long = np.repeat(ends - begins > SHORT_HOURS, ends - begins)
    wanted = lost[long]
    for weeks in range(1, _WEEKS + 1):
        wanted = wanted[np.isnan(filled[wanted])]
        filled[wanted] = _mean_of(values, wanted - weeks * WEEK_HOURS, wanted + weeks * WEEK_HOURS)
    by_weeks = np.add.reduceat(~np.isnan(filled[lost]), _offsets(begins, ends), dtype=np.int64)
    rest = np.flatnonzero(np.isnan(filled))
    known = np.flatnonzero(~np.isnan(filled))
    filled[rest] = np.interp(rest, known, filled[known])
    return Filled(filled, begins, ends, by_weeks)


def _offsets(begins: Ints, ends: Ints) -> Ints:
    """Where each gap begins among all lost hours."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(ends - begins)[:-1]))


def _mean_of(values: Floats, before: Ints, after: Ints) -> Floats:
    """The mean of two places [place], or the one that has a value; NaN where neither has."""
    first, second = _at(values, before), _at(values, after)
    both = (first + second) / 2
    return np.where(np.isnan(first), second, np.where(np.isnan(second), first, both))


def _at(values: Floats, places: Ints) -> Floats:
    inside = (places >= 0) & (places < len(values))
    return np.where(inside, values[np.where(inside, places, 0)], np.nan)
