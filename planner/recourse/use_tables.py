"""What the compiled search for the use of commitments reads and writes, as arrays.

A *target* is a pool or, after these, a plan. A *way* is a slice and a target that may serve it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.recourse.hours import Hours, Real
from planner.recourse.structure import Floats, Ints, Point, Structure

MOST_KEPT = 2**25
"""Numbers kept for searches to start from: 128 MiB."""


class UseTables(NamedTuple):
    """What is the same in all rows."""

    way_first: Ints  # first way of each slice, and their number [slice + 1]
    way_target: Ints  # [way]
    way_slice: Ints  # [way]
    way_rate: Floats  # units or dollars of the target that a slice unit takes [way]
    pair_first: Ints  # first pair of each slice, and their number [slice + 1]
    pair_series: Ints  # [pair, by slice]
    entry_first: Ints  # first entry of each target: its rates of pairs [target + 1]
    entry_pair: Ints  # [entry]
    entry_rate: Floats  # [entry]


class UseStages(NamedTuple):
    """A point."""

    factor: Floats  # [stage × pair, by slice]
    committed: Floats  # [stage × target]


class UseChunks(NamedTuple):
    """Spans of blocks, each inside one segment."""

    first: Ints  # [chunk]
    last: Ints  # [chunk]
    stage: Ints  # [chunk]


class UseRows(NamedTuple):
    """The rows; their kinds are found at every new point."""

    demand: Real  # [block × series × lane]
    hours: Floats  # [block × lane]
    kind: NDArray[np.int8]  # [block × lane]


ROW = np.dtype(
    [
        ("target", np.intp),
        ("per", np.float64),  # 1 by the target's commitment
        ("reward", np.float64),  # of the whole commitment, the greatest 1
        ("worth", np.float64),  # that without its dual price
        ("basis", np.intp),  # a way, or `ways + slice` for what is left of it, or `-1 - row`
        ("held", np.float64),  # amount of that
        ("step", np.float64),  # by how much it falls for one more of what enters
        ("near", np.intp),  # row that it touches first
        ("pull", np.float64),  # how much
        ("far", np.intp),  # row that it touches by its slice's key, -1 for none
        ("push", np.float64),  # how much
        ("amount", np.float64),  # of it, in a column that is spread
        ("turn", np.float64),  # of it, for one more along the edge that closes a ring
        ("linked", np.intp),  # first link of the node: twice a position, 1 more at its far end
        ("order", np.intp),  # the node at this place, from the roots on
        ("up", np.intp),  # position of the node's edge towards its root, a root's own position
        ("above", np.intp),  # the node that it leads to, -1 from roots
        ("top", np.intp),  # the node's root
        ("column", np.float64),  # what is to be spread
        ("rest_of_ring", np.float64),  # what one more along its ring leaves at a root
    ]
)
"""A row of a program: a target with a commitment; a position of the basis; a node of its graph."""

TARGET = np.dtype(
    [
        ("row", np.intp),  # -1 for none
        ("own", np.float64),  # most that could be used if there were no other target
        ("left", np.float64),  # share of the commitment that is not used
        ("alpha", np.float64),  # dual price of a unit
    ]
)
"""A target."""

SLICE = np.dtype(
    [
        ("usage", np.float64),
        ("first", np.intp),  # first of its ways, and the one after the last
        ("end", np.intp),
        ("key", np.intp),  # the way that is basic, -1 for none
        ("share", np.float64),  # of the usage: what the key serves, or leaves
        ("growth", np.float64),  # by how much that grows for one more of what enters
        ("rest", np.float64),  # share of the usage that is not served
        ("beta", np.float64),  # dual price of a unit
    ]
)
"""A slice."""

WAY = np.dtype(
    [
        ("row", np.intp),
        ("slice", np.intp),
        ("takes", np.float64),  # share of its target that a slice unit takes
        ("weight", np.float64),  # share of its target that all of the slice takes
        ("there", np.intp),  # its position among all ways
        ("here", np.intp),  # position in the program of the way that is here among all, -1 for none
    ]
)
"""A way of the program: of a target with a commitment."""


class UseSpace(NamedTuple):
    """Working memory of one task: records, for many arrays take long to compile."""

    number: Ints  # of rows, of ways in the program, of rings [3]
    greatest: Floats  # greatest reward of a whole commitment [1]
    rows: NDArray[np.void]  # [row]
    targets: NDArray[np.void]  # [target]
    slices: NDArray[np.void]  # [slice]
    ways: NDArray[np.void]  # [way]
    place: Ints  # basis position of each way and each slice's rest, -1 for none [way + slice]
    after: Ints  # next link of the same node, -1 for none [link]
    demand: Floats  # of each pair [pair, by slice]


class UseStarts(NamedTuple):
    """Where the last search of each row ended, for the next one to start from."""

    slot: NDArray[np.int32]  # of each row, -1 where there is no room to keep it [block × lane]
    known: NDArray[np.bool_]  # whether there was a search [block × lane]
    key: NDArray[np.int32]  # see `UseSpace` [slot × slice]
    basis: NDArray[np.int32]  # the same, of targets, with targets instead of rows [slot × target]


class UseTotals(NamedTuple):
    """Sums over the rows of each chunk, hours counting."""

    alpha: Floats  # [chunk × target]
    pair: Floats  # beta times demand [chunk × pair, by slice]
    used: Floats  # [chunk × target]
    doubtful: Ints  # rows not proven optimal [chunk]


class OwnTotals(NamedTuple):
    """Likewise, of each target as if there were no other."""

    used: Floats  # [chunk × target]
    full: Floats  # hours in which all of it can be used [chunk × target]
    entry: Floats  # rate times demand, in all other hours [chunk × entry]


class UseLayout(NamedTuple):
    """Where the kernels keep what a structure names."""

    tables: UseTables
    pair_order: Ints  # the structure's pairs in the order of their slices [pair]
    entry_target: Ints  # [entry]


def lay_out_use(structure: Structure) -> UseLayout:
    """Sort a structure for the kernels."""
    rates = np.full((structure.pools + structure.plans, structure.slices), np.inf)
    rates[structure.pool_of_slice, np.arange(structure.slices)] = structure.units
    rates[structure.pools :] = structure.rates
    order = np.argsort(structure.pair_slice, kind="stable")
    way_slice, way_target = np.nonzero(np.isfinite(rates.T))
    of_pair = rates[:, structure.pair_slice[order]]
    entry_target, entry_pair = np.nonzero(np.isfinite(of_pair))
    tables = UseTables(
        way_first=_starts(way_slice, structure.slices),
        way_target=way_target.astype(np.intp),
        way_slice=way_slice.astype(np.intp),
        way_rate=rates[way_target, way_slice],
        pair_first=_starts(structure.pair_slice[order], structure.slices),
        pair_series=structure.pair_series[order].astype(np.intp),
        entry_first=_starts(entry_target, len(rates)),
        entry_pair=entry_pair.astype(np.intp),
        entry_rate=of_pair[entry_target, entry_pair],
    )
    return UseLayout(tables, order, entry_target)


def use_stages(layout: UseLayout, point: Point) -> UseStages:
    """A point as the kernels take it."""
    return UseStages(
        factor=np.ascontiguousarray(point.factors[:, layout.pair_order]),
        committed=np.hstack([point.dedicated, point.spend]),
    )


def chunk_use(hours: Hours, chunks: int) -> tuple[UseChunks, Ints]:
    """Cut the segments into about so many chunks; returns them and each one's segment."""
    blocks = np.diff(hours.first_block)
    size = max(-(-int(blocks.sum()) // chunks), 1)
    per_segment = -(-blocks // size)
    segment = np.repeat(np.arange(hours.segments), per_segment)
    within = np.arange(len(segment)) - np.repeat(np.cumsum(per_segment) - per_segment, per_segment)
    first = hours.first_block[segment] + within * size
    last = np.minimum(first + size, hours.first_block[segment + 1])
    return UseChunks(first, last, hours.stage_of_segment[segment]), segment


def use_starts(tables: UseTables, hours: Hours) -> UseStarts:
    """Nothing yet, of as many rows as there is room for."""
    slices, targets = len(tables.way_first) - 1, len(tables.entry_first) - 1
    is_row = hours.hours > 0
    slot = np.where(is_row, np.cumsum(is_row).reshape(is_row.shape) - 1, -1)
    slots = min(int(is_row.sum()), MOST_KEPT // (slices + targets))
    slot[slot >= slots] = -1
    # Pages never written are never resident.
    return UseStarts(
        slot=slot.astype(np.int32),
        known=np.zeros(is_row.shape, dtype=np.bool_),
        key=np.empty((slots, slices), dtype=np.int32),
        basis=np.empty((slots, targets), dtype=np.int32),
    )


def use_space(tables: UseTables) -> UseSpace:
    """Working memory for a structure."""
    slices, targets = len(tables.way_first) - 1, len(tables.entry_first) - 1
    ways = len(tables.way_target)
    return UseSpace(
        number=np.zeros(3, np.intp),
        greatest=np.zeros(1),
        rows=np.zeros(targets, ROW),
        targets=np.zeros(targets, TARGET),
        slices=np.zeros(slices, SLICE),
        ways=np.zeros(ways, WAY),
        place=np.zeros(ways + slices, np.intp),
        after=np.zeros(2 * targets, np.intp),
        demand=np.zeros(len(tables.pair_series)),
    )


def use_totals(tables: UseTables, chunks: int) -> UseTotals:
    """Room for the sums of so many chunks."""
    targets = len(tables.entry_first) - 1
    return UseTotals(
        alpha=np.empty((chunks, targets)),
        pair=np.empty((chunks, len(tables.pair_series))),
        used=np.empty((chunks, targets)),
        doubtful=np.empty(chunks, dtype=np.intp),
    )


def own_totals(tables: UseTables, chunks: int) -> OwnTotals:
    """Room for the sums of so many chunks."""
    targets = len(tables.entry_first) - 1
    return OwnTotals(
        used=np.empty((chunks, targets)),
        full=np.empty((chunks, targets)),
        entry=np.empty((chunks, len(tables.entry_pair))),
    )


def _starts(group: NDArray[np.intp], groups: int) -> Ints:
    """Where each group of sorted members starts, and the number of members [group + 1]."""
    return np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))]).astype(np.intp)
