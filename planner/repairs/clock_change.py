"""Rule `clock_change`: local times that come twice are told apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Changed:
    """What becomes of rows in hours of a clock change.

    Attributes:
        second: moment of every row [row], UTC.
        alone: rows that are the only one of their series for a time that comes twice.
    """

    second: Ints
    alone: NDArray[np.intp]


def tell_apart(series: NDArray[np.int32], first: Ints, later: Ints) -> Changed:
    """Give the rows of a local time that comes twice to its two moments, in the file's order.

    Args:
        series: of each row [row].
        first: the earlier moment of each row's local time.
        later: its later moment; the same where the time comes once.
    """
    second = first.copy()
    twice = np.flatnonzero(first != later)
    if not len(twice):
        return Changed(second, twice)
    order = twice[np.lexsort((twice, first[twice], series[twice]))]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (np.diff(series[order]) != 0) | (np.diff(first[order]) != 0)
    group = np.cumsum(begins) - 1
    size = np.bincount(group)[group]
    rank = np.arange(len(order)) - np.flatnonzero(begins)[group]
    if _descends(series, first):
        rank = size - 1 - rank
    second[order[rank > 0]] = later[order[rank > 0]]
    return Changed(second, order[size == 1])


def _descends(series: NDArray[np.int32], second: Ints) -> bool:
    """Whether the file has its newest rows first."""
    step = np.diff(second)[np.diff(series) == 0]
    return len(step) > 0 and float(np.median(step)) < 0
