"""Compiled making of rows: moments rounded, and merged where their demand is equal.

Segments are independent of each other, so that threads take some each; within one all is done in
a fixed order. Nothing is allocated in here.

Loops are over numbers, not slices of arrays, which take long to compile. Compiled code is cached
by the date of this file: touch it after editing what it imports.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.recourse.bits import doubles_at, next_below
from planner.recourse.hours import LANES, Real
from planner.recourse.lines import compiled
from planner.recourse.structure import Floats, Ints

Keys = NDArray[np.uint64]

TILE = 1024
"""Moments read at a time; a multiple of `LANES`, few enough that their rows stay in the cache."""

_MIX = np.uint64(0x9E3779B97F4A7C15)


class Moments(NamedTuple):
    """Demand as it came."""

    address: Ints  # where each series starts, as doubles without gaps [series]
    order: Ints  # moments in the order of their segments; empty where they are so [moment]
    bounds: Ints  # first of each segment in that order, and their number [segment + 1]
    worth: Floats  # [moment]
    hours: Floats  # [moment]


class MergeSpace(NamedTuple):
    """Working memory of one thread that merges."""

    gathered: Floats  # moments of one series [row of the tile]
    tile: Real  # rounded demand [series × row of the tile]
    keys: Keys  # hash of each row [row of the tile]
    fresh: Ints  # rows that equal none before them [row of the tile]
    key_of_row: Keys  # [row of the segment]
    slots: NDArray[np.int32]  # table of rows by their hash, -1 where empty [power of 2]
    inexact: NDArray[np.bool_]  # whether a series was rounded [series]


def merge_space(demand: Real, rows: int, inexact: NDArray[np.bool_]) -> MergeSpace:
    """Working memory to fill blocks with segments of so many moments at most.

    ``inexact`` is shared by all threads, which only ever set it.
    """
    series = demand.shape[1]
    return MergeSpace(
        gathered=np.empty(TILE),
        tile=np.empty((series, TILE), demand.dtype),
        keys=np.empty(TILE, np.uint64),
        fresh=np.empty(TILE, np.intp),
        key_of_row=np.empty(rows, np.uint64),
        slots=np.empty(max(2, 1 << (2 * rows - 1).bit_length()), np.int32),
        inexact=inexact,
    )


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)
def merge(first_segment, last_segment, moments, blocks, rows_of_segment, space):
    """Round the demand of some segments; rows of equal demand become one, where the first was.

    ``blocks`` and ``rows_of_segment``, which starts at 0, are written.
    """
    for segment in range(first_segment, last_segment):
        first, last = moments.bounds[segment], moments.bounds[segment + 1]
        bits, block = _clear(space.slots, last - first), blocks.first[segment]
        for start in range(first, last, TILE):
            size, rows = min(TILE, last - start), rows_of_segment[segment]
            _read(moments, start, size, space)
            fresh = _number(moments, start, size, blocks, block, rows, bits, space)
            _write(space.tile, space.fresh, fresh, blocks.demand, block, rows)
            rows_of_segment[segment] += fresh
        pad(blocks, block, rows_of_segment[segment])


@compiled
def mixed(key, value):
    """A row's hash with one more amount in it; +0 and -0 are one."""
    key = (key ^ np.float64(value + 0.0).view(np.uint64)) * _MIX
    return key ^ (key >> np.uint64(29))


@compiled
def _clear(slots, rows):
    """Empty as much of the table as keeps half of it empty; returns the bits of a slot."""
    bits = 1
    while (1 << bits) < 2 * rows:
        bits += 1
    for slot in range(1 << bits):
        slots[slot] = -1
    return bits


@compiled
def _read(moments, start, size, space):
    """Take the next moments into the tile, rounded down, and hash them."""
    for i in range(size):
        space.keys[i] = 0
    for s in range(len(moments.address)):
        values, begin = doubles_at(moments.address[s], len(moments.worth)), start
        if len(moments.order):
            for i in range(size):
                space.gathered[i] = values[moments.order[start + i]]
            values, begin = space.gathered, 0
        inexact = False
        for i in range(size):
            true = values[begin + i]
            space.tile[s, i] = true
            near = space.tile[s, i]
            near = next_below(near) if near > true else near
            space.tile[s, i] = near
            inexact |= near != true
            space.keys[i] = mixed(space.keys[i], near)
        if inexact:
            space.inexact[s] = True


@compiled
def _number(moments, start, size, blocks, block, rows, bits, space):
    """Find the rows of the tile that equal none before, and add the others to those they equal."""
    mask, shift, fresh = (1 << bits) - 1, np.uint64(64 - bits), 0
    for i in range(size):
        key, moment = space.keys[i], start + i
        if len(moments.order):
            moment = moments.order[moment]
        slot = np.intp(key >> shift)
        row = np.intp(space.slots[slot])
        while row >= 0 and not (
            space.key_of_row[row] == key and _equal(space, blocks.demand, block, rows, row, i)
        ):
            slot = (slot + 1) & mask
            row = np.intp(space.slots[slot])
        if row < 0:
            row = rows + fresh
            space.slots[slot], space.key_of_row[row], space.fresh[fresh] = row, key, i
            blocks.worth[block * LANES + row] = blocks.hours[block * LANES + row] = 0.0
            fresh += 1
        blocks.worth[block * LANES + row] += moments.worth[moment]
        blocks.hours[block * LANES + row] += moments.hours[moment]
    return fresh


@compiled
def _equal(space, demand, block, rows, row, i):
    """Whether a row, in the tile or written before it, equals one of the tile."""
    for s in range(len(space.tile)):
        if row >= rows:
            known = space.tile[s, space.fresh[row - rows]]
        else:
            known = demand[block + row // LANES, s, row % LANES]
        if known != space.tile[s, i]:
            return False
    return True


@compiled
def _write(tile, fresh, count, demand, block, rows):
    """Append the tile's fresh rows to their segment's blocks."""
    k = 0
    while k < count:
        at, lane = block + (rows + k) // LANES, (rows + k) % LANES
        size = min(LANES - lane, count - k)
        for s in range(len(tile)):
            for i in range(size):
                demand[at, s, lane + i] = tile[s, fresh[k + i]]
        k += size


@compiled
def pad(blocks, block, rows):
    """Fill up a segment's last block."""
    for row in range(rows, -(-rows // LANES) * LANES):
        at, lane = block + row // LANES, row % LANES
        for s in range(blocks.demand.shape[1]):
            blocks.demand[at, s, lane] = 0.0
        blocks.worth[at * LANES + lane] = blocks.hours[at * LANES + lane] = 0.0
