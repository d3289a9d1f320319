"""Compiled means of similar rows.

Segments are independent of each other, so that threads take some each; within one all is done in
a fixed order. Nothing is allocated in here.

Loops are over numbers, not slices of arrays, which take long to compile. Compiled code is cached
by the date of this file: touch it after editing what it imports.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.recourse.bits import next_below
from planner.recourse.hours import LANES
from planner.recourse.lines import compiled
from planner.recourse.merge_kernels import Keys, pad
from planner.recourse.structure import Floats, Ints

DIGIT_BITS = 8
"""Bits of a key that are sorted by at once."""

GROUP = 8
"""Series summed together: as many sums that need not wait for each other."""

_DIGIT = np.uint64((1 << DIGIT_BITS) - 1)
_SIGN = np.uint64(1 << 63)


class MeanSpace(NamedTuple):
    """Working memory of one thread, for the longest segment; rows count their padding."""

    keys: Keys  # what rows are sorted by, and room to sort [2 × row]
    order: NDArray[np.int32]  # rows in that order, and room to sort [2 × row]
    counts: Ints  # rows by their digit [digit]
    cell: NDArray[np.int32]  # the mean that each row is part of [row]
    weight: Floats  # what a row counts in it [row]
    total: Floats  # what its rows count together [cell]
    mean: Floats  # sums of a group of series [cell × series of the group]
    worth: Floats  # what a block's rows are sorted by [lane]


def mean_space(rows: int, cells: int) -> MeanSpace:
    """Working memory for segments of so many rows, padding included, and cells at most."""
    return MeanSpace(
        keys=np.empty((2, rows), np.uint64),
        order=np.empty((2, rows), np.int32),
        counts=np.empty(1 << DIGIT_BITS, np.intp),
        cell=np.empty(rows, np.int32),
        weight=np.empty(rows),
        total=np.empty(cells),
        mean=np.empty((cells, GROUP)),
        worth=np.empty(LANES),
    )


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)
def average(first_segment, last_segment, price_usd, rows_per_cell, fine, coarse, space):
    """Replace the rows of some segments, sorted by their worth at a price, by means of so many.

    ``coarse`` is written.
    """
    series = len(price_usd)
    for segment in range(first_segment, last_segment):
        first, last = fine.first[segment], fine.first[segment + 1]
        block = coarse.first[segment]
        rows = _list(first, last, price_usd, fine, space)
        half = _sort(rows, space)
        cells = _assign(half, rows, rows_per_cell, fine, first, coarse, block, space)
        for s in range(0, series, GROUP):
            size = min(GROUP, series - s)
            _add_up(fine.demand, first, last, s, size, cells, space)
            _store(coarse.demand, block, s, size, cells, space)
        pad(coarse, block, cells)


@compiled
def _list(first, last, price_usd, fine, space):
    """List a segment's rows and the keys to sort them by; returns how many there are."""
    rows = 0
    for block in range(first, last):
        for lane in range(LANES):
            space.worth[lane] = 0.0
        for s in range(len(price_usd)):
            for lane in range(LANES):
                space.worth[lane] += price_usd[s] * fine.demand[block, s, lane]
        for lane in range(LANES):
            row = (block - first) * LANES + lane
            space.cell[row], space.weight[row] = 0, 0.0
            if fine.hours[block * LANES + lane] != 0.0:
                bits = np.float64(space.worth[lane]).view(np.uint64)
                # As unsigned integers doubles have their order, once those below 0 are turned.
                space.keys[0, rows] = ~bits if bits & _SIGN else bits | _SIGN
                space.order[0, rows] = row
                rows += 1
    return rows


@compiled
def _sort(rows, space):
    """Sort rows by their keys, equal ones as they come; returns which half holds them."""
    half = np.intp(0)
    for shift in range(0, 64, DIGIT_BITS):
        if _count(space.keys, half, rows, np.uint64(shift), space.counts):
            for i in range(rows):
                key = space.keys[half, i]
                digit = np.intp((key >> np.uint64(shift)) & _DIGIT)
                place = space.counts[digit]
                space.counts[digit] = place + 1
                space.keys[1 - half, place] = key
                space.order[1 - half, place] = space.order[half, i]
            half = 1 - half
    return half


@compiled
def _count(keys, half, rows, shift, counts):
    """Where each digit's rows start; returns whether there is more than one digit."""
    for digit in range(len(counts)):
        counts[digit] = 0
    for i in range(rows):
        counts[np.intp((keys[half, i] >> shift) & _DIGIT)] += 1
    start, several = 0, False
    for digit in range(len(counts)):
        count = counts[digit]
        several |= 0 < count < rows
        counts[digit] = start
        start += count
    return several


@compiled
def _assign(half, rows, rows_per_cell, fine, first, coarse, block, space):
    """Assign rows to cells and add up their worth and hours; returns how many cells there are."""
    cells = -(-rows // rows_per_cell)
    for cell in range(cells):
        begin, end = cell * rows_per_cell, min((cell + 1) * rows_per_cell, rows)
        worth, hours, total = 0.0, 0.0, 0.0
        for i in range(begin, end):
            row = space.order[half, i]
            worth += fine.worth[first * LANES + row]
            hours += fine.hours[first * LANES + row]
        for i in range(begin, end):
            row = space.order[half, i]
            weight = fine.worth[first * LANES + row] if worth > 0.0 else 1.0
            space.cell[row], space.weight[row] = cell, weight
            total += weight
        coarse.worth[block * LANES + cell] = worth
        coarse.hours[block * LANES + cell] = hours
        space.total[cell] = total
    return cells


@compiled
def _add_up(demand, first, last, s, size, cells, space):
    """Add up a group of series of the rows of each cell."""
    for cell in range(cells):
        for i in range(size):
            space.mean[cell, i] = 0.0
    for block in range(first, last):
        for lane in range(LANES):
            row = (block - first) * LANES + lane
            cell, weight = space.cell[row], space.weight[row]
            for i in range(size):
                space.mean[cell, i] += weight * demand[block, s + i, lane]


@compiled
def _store(demand, block, s, size, cells, space):
    """Store the means of a group of series, rounded down."""
    for cell in range(cells):
        at, lane = block + cell // LANES, cell % LANES
        for i in range(size):
            mean = space.mean[cell, i] / space.total[cell]
            demand[at, s + i, lane] = mean
            near = demand[at, s + i, lane]
            demand[at, s + i, lane] = next_below(near) if near > mean else near
