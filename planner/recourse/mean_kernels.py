"""Compiled means of similar rows.

Segments are independent of each other, so that threads take some each; within one all is done in
a fixed order. Nothing is allocated in here.

Compiled code is cached by the date of this file: touch it after editing what it imports.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.recourse.ascent import compiled
from planner.recourse.bits import next_below
from planner.recourse.hours import LANES
from planner.recourse.merge_kernels import Keys, pad
from planner.recourse.structure import Floats, Ints

DIGIT_BITS = 8
"""Bits of a key that are sorted by at once."""

_SIGN = np.uint64(1 << 63)


class MeanSpace(NamedTuple):
    """Working memory of one thread, for the longest segment; rows count their padding."""

    keys: Keys  # what rows are sorted by, and room to sort [2 × row]
    order: NDArray[np.int32]  # rows in that order, and room to sort [2 × row]
    counts: Ints  # rows by their digit [digit]
    cell: NDArray[np.int32]  # the mean that each row is part of [row]
    weight: Floats  # what a row counts in it [row]
    total: Floats  # what its rows count together [cell]
    mean: Floats  # of one series [cell]


def mean_space(rows: int) -> MeanSpace:
    """Working memory for segments of so many rows at most, padding included."""
    return MeanSpace(
        keys=np.empty((2, rows), np.uint64),
        order=np.empty((2, rows), np.int32),
        counts=np.empty(1 << DIGIT_BITS, np.intp),
        cell=np.empty(rows, np.int32),
        weight=np.empty(rows),
        total=np.empty(rows),
        mean=np.empty(rows),
    )


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def average(first_segment, last_segment, price_usd, rows_per_cell, fine, coarse, space):
    """Replace the rows of some segments, sorted by their worth at a price, by means of so many.

    ``coarse`` is written.
    """
    for segment in range(first_segment, last_segment):
        first, last = fine.first[segment], fine.first[segment + 1]
        block = coarse.first[segment]
        rows = _list(first, last, price_usd, fine, space)
        order = space.order[_sort(rows, space)]
        cells = _assign(order[:rows], rows_per_cell, fine, first, coarse, block, space)
        for s in range(len(price_usd)):
            _add_up(first, last, s, fine.demand, cells, space)
            _store(cells, s, coarse.demand, block, space)
        pad(coarse, block, cells)


@compiled
def _list(first, last, price_usd, fine, space):
    """List a segment's rows and the keys to sort them by; returns how many there are."""
    rows, worth = 0, space.mean
    for block in range(first, last):
        worth[:LANES] = 0.0
        for s in range(len(price_usd)):
            for lane in range(LANES):
                worth[lane] += price_usd[s] * fine.demand[block, s, lane]
        for lane in range(LANES):
            row = (block - first) * LANES + lane
            space.cell[row], space.weight[row] = 0, 0.0
            if fine.hours[block * LANES + lane] != 0.0:
                bits = np.float64(worth[lane]).view(np.uint64)
                # As unsigned integers doubles have their order, once those below 0 are turned.
                space.keys[0, rows] = ~bits if bits & _SIGN else bits | _SIGN
                space.order[0, rows] = row
                rows += 1
    return rows


@compiled
def _sort(rows, space):
    """Sort rows by their keys, equal ones as they come; returns which half holds them."""
    half = 0
    for shift in range(0, 64, DIGIT_BITS):
        keys, order = space.keys[half], space.order[half]
        if _count(keys, rows, np.uint64(shift), space.counts):
            half = 1 - half
            for i in range(rows):
                digit = _digit(keys[i], np.uint64(shift))
                place = space.counts[digit]
                space.counts[digit] = place + 1
                space.keys[half, place], space.order[half, place] = keys[i], order[i]
    return half


@compiled
def _count(keys, rows, shift, counts):
    """Where each digit's rows start; returns whether there is more than one digit."""
    counts[:] = 0
    for i in range(rows):
        counts[_digit(keys[i], shift)] += 1
    start, several = 0, False
    for digit in range(len(counts)):
        several |= 0 < counts[digit] < rows
        start += counts[digit]
        counts[digit] = start - counts[digit]
    return several


@compiled
def _digit(key, shift):
    """Some bits of a key."""
    return np.intp((key >> shift) & np.uint64((1 << DIGIT_BITS) - 1))


@compiled
def _assign(order, rows_per_cell, fine, first, coarse, block, space):
    """Assign rows to cells and add up their worth and hours; returns how many cells there are."""
    cells = -(-len(order) // rows_per_cell)
    for cell in range(cells):
        rows = order[cell * rows_per_cell : (cell + 1) * rows_per_cell]
        worth, hours, total = 0.0, 0.0, 0.0
        for row in rows:
            worth += fine.worth[first * LANES + row]
            hours += fine.hours[first * LANES + row]
        for row in rows:
            weight = fine.worth[first * LANES + row] if worth > 0.0 else 1.0
            space.cell[row], space.weight[row] = cell, weight
            total += weight
        coarse.worth[block * LANES + cell] = worth
        coarse.hours[block * LANES + cell] = hours
        space.total[cell] = total
    return cells


@compiled
def _add_up(first, last, s, demand, cells, space):
    """Add up one series of the rows of each cell."""
    space.mean[:cells] = 0.0
    for block in range(first, last):
        for lane in range(LANES):
            row = (block - first) * LANES + lane
            space.mean[space.cell[row]] += space.weight[row] * demand[block, s, lane]


@compiled
def _store(cells, s, demand, block, space):
    """Store the means of one series, rounded down."""
    for cell in range(cells):
        at, lane = block + cell // LANES, cell % LANES
        mean = space.mean[cell] / space.total[cell]
        demand[at, s, lane] = mean
        near = demand[at, s, lane]
        demand[at, s, lane] = next_below(near) if near > mean else near
