"""Demand of all hours and scenarios in blocks, laid out for a compiled pass over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from planner.recourse.structure import Floats, Ints

LANES = 16
"""Rows of a block: two AVX-512 registers of doubles. Of 8, 16 and 32 the fastest with two plans."""

FLOAT32_STEP = 1.0 + 2.0**-23
"""The most that the next float32 lies above a positive one, as a factor."""

_MIX = np.uint64(0x9E3779B97F4A7C15)

Real = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Hours:
    """Rows of equal demand, in blocks of `LANES` rows of one segment.

    A *moment* is one hour of one scenario; a *segment* holds the moments of one window and
    scenario; a *stage* is where commitments and fleet mix are constant.

    Attributes:
        demand: amounts [block × series × lane], float32 or float64, never above the true ones.
        worth: what a row's cost counts in the objective [block × lane]; 0 for padding.
        hours: hours in a row [block × lane]; 0 for padding.
        first_block: first block of each segment, and the number of blocks [segment + 1].
        stage_of_segment: the stage of each segment [segment].
        most_above: how far the true amount may lie above the stored one, as a factor [series].
    """

    demand: Real
    worth: Floats
    hours: Floats
    first_block: Ints
    stage_of_segment: Ints
    most_above: Floats

    @property
    def segments(self) -> int:
        """Number of segments."""
        return len(self.stage_of_segment)

    @property
    def rows(self) -> int:
        """Number of rows, padding left out."""
        return int(np.count_nonzero(self.hours))


@dataclass(frozen=True)
class Rows:
    """Rows of one segment: demand [series × row], worth and hours [row]."""

    demand: Real
    worth: Floats
    hours: Floats


def make_hours(
    series: Sequence[Real],
    *,
    segment_of_moment: Ints,
    stage_of_segment: Ints,
    worth: Floats,
    hours: Floats,
    dtype: Literal["float32", "float64"] = "float32",
) -> Hours:
    """Moments as blocks of rows; moments of a segment with equal demand become one row.

    Args:
        series: demand of each series over the moments, at least 0 [series][moment].
        segment_of_moment: segment of each moment [moment].
        stage_of_segment: stage of each segment [segment].
        worth: what a moment's cost counts in the objective [moment].
        hours: hours a moment stands for, above 0 [moment].
        dtype: the type to store demand in; float32 is rounded down, so that costs are not above
            the true ones.
    """
    segments = len(stage_of_segment)
    order, bounds = _moments_by_segment(segment_of_moment, segments)
    most_blocks = int(sum(-(-np.diff(bounds) // LANES)))
    filling = Filling(len(series), most_blocks, np.dtype(dtype))
    most_above = np.ones(len(series))
    for first, last in pairwise(bounds):
        moments = slice(first, last) if order is None else order[first:last]
        demand = np.empty((len(series), last - first), dtype=dtype)
        for position, values in enumerate(series):
            true = values[moments]
            demand[position] = _rounded_down(true, demand.dtype)
            if not np.array_equal(demand[position], true):
                most_above[position] = FLOAT32_STEP
        filling.add(_merged(Rows(demand, worth[moments], hours[moments])))
    return filling.hours(stage_of_segment, most_above)


class Filling:
    """Blocks being filled, segment after segment."""

    def __init__(self, series: int, most_blocks: int, dtype: np.dtype[Any]) -> None:
        # Pages never written are never resident, so that room for unmerged rows costs nothing.
        self._demand = np.empty((most_blocks, series, LANES), dtype=dtype)
        self._worth = np.empty((most_blocks, LANES))
        self._hours = np.empty((most_blocks, LANES))
        self._first_block = [0]

    def add(self, rows: Rows) -> None:
        """Append the rows of the next segment."""
        first = self._first_block[-1]
        last = first - (-len(rows.worth) // LANES)
        self._first_block.append(last)
        for target, values in (
            (self._worth[first:last], rows.worth),
            (self._hours[first:last], rows.hours),
            *((self._demand[first:last, s], rows.demand[s]) for s in range(len(rows.demand))),
        ):
            padded = np.zeros(target.size, dtype=target.dtype)
            padded[: len(values)] = values
            target[:] = padded.reshape(target.shape)

    def hours(self, stage_of_segment: Ints, most_above: Floats) -> Hours:
        """All that was added."""
        blocks = self._first_block[-1]
        return Hours(
            demand=self._demand[:blocks],
            worth=self._worth[:blocks],
            hours=self._hours[:blocks],
            first_block=np.array(self._first_block, dtype=np.intp),
            stage_of_segment=np.asarray(stage_of_segment, dtype=np.intp),
            most_above=most_above,
        )


def _moments_by_segment(segment_of_moment: Ints, segments: int) -> tuple[Ints | None, Ints]:
    """Moments in the order of their segments (None: as they are), and each segment's span."""
    counts = np.bincount(segment_of_moment, minlength=segments)
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    if np.all(segment_of_moment[1:] >= segment_of_moment[:-1]):
        return None, bounds
    return np.argsort(segment_of_moment, kind="stable"), bounds


def _rounded_down(true: Real, dtype: np.dtype[Any]) -> Real:
    """Values in a type of fewer digits, none above the true one."""
    near = true.astype(dtype)
    above = near > true
    if above.any():
        near[above] = np.nextafter(near[above], dtype.type(-np.inf))
    return near


def _merged(rows: Rows) -> Rows:
    """Rows of equal demand as one, in the order of their first; worth and hours add up."""
    keys = _hashes(rows.demand)
    _, first, row_of = np.unique(keys, return_index=True, return_inverse=True)
    if len(first) == len(keys):
        return rows
    if not np.array_equal(rows.demand[:, first[row_of]], rows.demand):
        # Two different rows share a hash: rare enough for the slow and certain way.
        _, first, row_of = np.unique(rows.demand, axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    row_of = rank[row_of]
    return Rows(
        rows.demand[:, first[order]],
        np.bincount(row_of, weights=rows.worth).astype(np.float64),
        np.bincount(row_of, weights=rows.hours).astype(np.float64),
    )


def _hashes(demand: Real) -> NDArray[np.uint64]:
    """One number per row [series × row], equal where all its amounts are."""
    keys = np.zeros(demand.shape[1], dtype=np.uint64)
    bits = np.uint32 if demand.dtype == np.float32 else np.uint64
    for values in demand:
        keys = (keys ^ (values + demand.dtype.type(0)).view(bits)) * _MIX  # -0.0 becomes 0.0
        keys ^= keys >> np.uint64(29)
    return keys
