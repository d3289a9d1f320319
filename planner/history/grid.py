"""A grid of hours: every series over one span, NaN where nothing is known yet."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.demand_tables import FaultList

MOST_CELLS = 10**8
"""Hours × series; more is a slip of the pen in a timestamp."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Hours of several series.

    Attributes:
        names: of the series.
        first: the first hour, since 1970.
        values: [series, hour].
    """

    names: tuple[str, ...]
    first: int
    values: Floats

    def within(self, first: int, last: int) -> "Grid":
        """The hours from ``first`` to ``last`` (exclusive), NaN where this grid has none."""
        values = np.full((len(self.names), last - first), np.nan)
        begin, end = max(first, self.first), min(last, self.first + self.values.shape[1])
        if begin < end:
            part = self.values[:, begin - self.first : end - self.first]
            values[:, begin - first : end - first] = part
        return replace(self, first=first, values=values)

    def own_span(self, series: int) -> tuple[int, int]:
        """First and last (exclusive) hour with a value, by position; (0, 0) where none has."""
        known = np.flatnonzero(~np.isnan(self.values[series]))
        return (int(known[0]), int(known[-1]) + 1) if len(known) else (0, 0)


def empty_grid(names: tuple[str, ...], first: int, last: int, faults: FaultList) -> Grid:
    """A grid of hours from ``first`` to ``last`` (exclusive), nothing known.

    Raises:
        InvalidInputError: it would be too large.
    """
    if len(names) * (last - first) > MOST_CELLS:
        fix = "more hours than can be; look for a timestamp far from the others"
        faults.stop(f"{last - first} hours of {len(names)} series", fix)
    return Grid(names, first, np.full((len(names), last - first), np.nan))
