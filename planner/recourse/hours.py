"""Demand of all hours and scenarios in blocks, laid out for a compiled pass over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.recourse.sharing import share
from planner.recourse.structure import Floats, Ints

LANES = 16
"""Rows of a block: two AVX-512 registers of doubles. Of 8, 16 and 32 the fastest with two plans."""

FLOAT32_STEP = 1.0 + 2.0**-23
"""The most that the next float32 lies above a positive one, as a factor."""
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


class Blocks(NamedTuple):
    """Blocks of rows while they are written."""

    demand: Real  # [block × series × lane]
    worth: Floats  # [row], padding included
    hours: Floats  # [row], padding included
    first: Ints  # where each segment starts [segment + 1]


def make_hours(
    series: Sequence[Real],
    *,
    segment_of_moment: Ints,
    stage_of_segment: Ints,
    worth: Floats,
    hours: Floats,
    dtype: Literal["float32", "float64"] = "float32",
    threads: int | None = None,
) -> Hours:
    """Moments as blocks of rows; moments of a segment with equal demand become one row.

    The result is the same for any number of threads.

    Args:
        series: demand of each series over the moments, at least 0 [series][moment]; doubles
            without gaps are read where they are, others copied first.
        segment_of_moment: segment of each moment [moment].
        stage_of_segment: stage of each segment [segment].
        worth: what a moment's cost counts in the objective [moment].
        hours: hours a moment stands for, above 0 [moment].
        dtype: the type to store demand in; float32 is rounded down, so that costs are not above
            the true ones.
        threads: threads to use; None for one per processor.

    Raises:
        ValueError: arrays differ in length, or a segment has no stage.
    """
    given = [np.require(values, np.float64, ["C", "A"]) for values in series]
    # Of arrays that are only read numba would compile a version of their own.
    worth, hours = (np.require(values, np.float64, ["C", "A", "W"]) for values in (worth, hours))
    shapes = {values.shape for values in (worth, hours, *given)}
    if shapes != {segment_of_moment.shape}:
        raise ValueError(f"segments have shape {segment_of_moment.shape}, other arrays {shapes}")
    order, bounds = _moments_by_segment(segment_of_moment, len(stage_of_segment))
    counts = np.diff(bounds)
    if len(counts) > len(stage_of_segment):
        raise ValueError(f"{len(counts)} segments have {len(stage_of_segment)} stages")
    from planner.recourse.merge_kernels import Moments, merge, merge_space  # loads numba

    address = np.array([values.ctypes.data for values in given], dtype=np.intp)
    moments = Moments(address, order, bounds, worth, hours)
    blocks = empty_blocks(len(series), counts, np.dtype(dtype))
    rows = np.zeros(len(counts), dtype=np.intp)
    inexact = np.zeros(len(series), dtype=np.bool_)

    def task(first: int, last: int) -> None:
        space = merge_space(blocks.demand, int(counts[first:last].max()), inexact)
        merge(first, last, moments, blocks, rows, space)

    share(task, len(counts), threads)
    _close_gaps(blocks, rows)
    return hours_of(blocks, stage_of_segment, np.where(inexact, FLOAT32_STEP, 1.0))


def empty_blocks(series: int, rows_of_segment: Ints, dtype: np.dtype[Any]) -> Blocks:
    """Room for the rows of each segment, nothing in it."""
    first = np.concatenate([[0], np.cumsum(-(-rows_of_segment // LANES))]).astype(np.intp)
    # Pages never written are never resident, so that room for rows that merge costs nothing.
    demand = np.empty((first[-1], series, LANES), dtype=dtype)
    return Blocks(demand, np.empty(first[-1] * LANES), np.empty(first[-1] * LANES), first)


def hours_of(blocks: Blocks, stage_of_segment: Ints, most_above: Floats) -> Hours:
    """Blocks as they are passed over."""
    last = blocks.first[-1]
    return Hours(
        demand=blocks.demand[:last],
        worth=blocks.worth[: last * LANES].reshape(-1, LANES),
        hours=blocks.hours[: last * LANES].reshape(-1, LANES),
        first_block=blocks.first,
        stage_of_segment=np.asarray(stage_of_segment, dtype=np.intp),
        most_above=most_above,
    )


def _moments_by_segment(segment_of_moment: Ints, segments: int) -> tuple[Ints, Ints]:
    """Moments in the order of their segments (empty: as they are), and where segments start."""
    counts = np.bincount(segment_of_moment, minlength=segments)
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    if np.all(segment_of_moment[1:] >= segment_of_moment[:-1]):
        return np.empty(0, dtype=np.intp), bounds
    return np.argsort(segment_of_moment, kind="stable"), bounds


def _close_gaps(blocks: Blocks, rows_of_segment: Ints) -> None:
    """Move each segment's blocks up to the end of those before it."""
    end = 0
    for segment, count in enumerate(-(-rows_of_segment // LANES)):
        first, blocks.first[segment] = blocks.first[segment], end
        if first > end:
            for values, size in ((blocks.demand, 1), (blocks.worth, LANES), (blocks.hours, LANES)):
                moved = values[first * size : (first + count) * size]
                values[end * size : (end + count) * size] = moved
        end += count
    blocks.first[-1] = end
