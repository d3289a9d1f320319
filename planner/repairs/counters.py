"""Rule `counter_resets`, and what a counter grew by in every hour."""

import numpy as np
from numpy.typing import NDArray

from planner.repairs.report import HOUR_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def find_resets(values: Floats) -> NDArray[np.intp]:
    """Rows at which a counter stands lower than in the row before."""
    return np.flatnonzero(np.diff(values) < 0) + 1


def hourly_increase(seconds: Ints, values: Floats) -> tuple[int, Floats]:
    """First hour since 1970, and the increase in every whole hour between first and last row.

    A counter that falls began again at zero. Between two rows up to an hour apart (or half as much
    again) it grows evenly; hours that reach into a longer pause are NaN.
    """
    grown = np.diff(values)
    grown = np.where(grown < 0, values[1:], grown)
    total = np.concatenate(([0.0], np.cumsum(grown)))
    first, last = -(-int(seconds[0]) // HOUR_S), int(seconds[-1]) // HOUR_S
    if last <= first:
        return first, np.empty(0)
    edges = np.arange(first, last + 1) * HOUR_S
    increase = np.diff(np.interp(edges, seconds, total))
    for begin, end in pauses(seconds):
        lost_from, lost_to = begin // HOUR_S - first, -(-end // HOUR_S) - first
        increase[max(0, lost_from) : max(0, lost_to)] = np.nan
    return first, increase


def pauses(seconds: Ints) -> list[tuple[int, int]]:
    """Moments between which there is no row for more than an hour and a half."""
    long = np.flatnonzero(np.diff(seconds) > HOUR_S * 3 // 2)
    return [(int(seconds[place]), int(seconds[place + 1])) for place in long]
