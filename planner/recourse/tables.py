"""A structure and a point as the kernels take them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.recourse.hours import LANES, Hours
from planner.recourse.structure import Floats, Ints, Point, Structure

Booleans = NDArray[np.bool_]

LEAST_COMMITMENT = 1e-9
"""Commitments that save less than this share of the highest price do not take part in a search."""

MOST_SUBSETS = 6
"""Up to so many active plans every set of them is searched; then single ones, pairs and all."""

FLOOR = 1e-30
"""The least m as a share of the most useful one: instead of 0, from which no factor leads away."""

BLOCKS_PER_CHUNK = 64
"""Blocks whose sums are taken together: the unit of work of a thread."""


class Tables(NamedTuple):
    """What is the same in all stages; pairs come in the order of their slices."""

    price: Floats  # [slice]
    units: Floats  # [slice]
    shared: Ints  # shared pool of each slice, or -1 [slice]
    pair_first: Ints  # [slice + 1]
    pair_series: Ints  # [pair]
    rate: Floats  # infinite where not covered [plan × slice]
    per_rate: Floats  # its inverse, 0 where not covered [plan × slice]
    dearest: Ints  # covered slices by falling price / rate, then -1 [plan × slice]
    most_plan: Floats  # the most useful m, max price / rate [plan]
    most_pool: Floats  # likewise [shared pool]


class Stages(NamedTuple):
    """What is committed and how workloads are mixed in each stage."""

    factor: Floats  # [stage × pair]
    capacity: Floats  # slice units that a pool of its own gives a slice [stage × slice]
    spend: Floats  # [stage × plan]
    pooled: Floats  # units of shared pools [stage × shared pool]
    active: Ints  # plans with a commitment worth searching for, then -1 [stage × plan]
    active_pools: Ints  # shared pools with one, then -1 [stage × shared pool]


class Workspace(NamedTuple):
    """Working memory of one thread; plans and pools are the active ones of a stage alone."""

    sizes: Ints  # numbers of active plans, active pools and sets of plans [3]
    sets: Ints  # sets of plans to search along, as bits; the first is empty [set]
    is_active: Booleans  # whether a plan of the structure takes part [structure's plan]
    is_active_pool: Booleans  # [structure's shared pool]
    rate: Floats  # [plan × slice]
    own: Ints  # active shared pool of each slice, or -1 [slice]
    spend: Floats  # [plan]
    pooled: Floats  # [pool]
    floor: Floats  # [plan]
    pool_floor: Floats  # [pool]
    m: Floats  # [plan × lane]
    n: Floats  # [pool × lane]
    up: Floats  # what slices add to the slope of a set scaled up [set × lane]
    down: Floats  # likewise down [set × lane]
    pool_up: Floats  # what a pool's slices add if it joins the set [set × pool × lane]
    pool_down: Floats  # [set × pool × lane]
    rises: Ints  # rows, as bits, in which a set ascends when scaled up [set]
    falls: Ints  # likewise scaled down [set]
    pool_rises: Ints  # likewise for a pool alone [pool]
    pool_falls: Ints  # [pool]
    joins: Ints  # rows, as bits, in which a pool moves along [pool]
    excess: Floats  # [slice × lane]
    kappa: Floats  # dual prices of slices [slice × lane]
    of_pair: Floats  # sums over a chunk's blocks [pair × lane]
    of_slice: Floats  # [slice × lane]
    of_plan: Floats  # [structure's plan × lane]
    of_pool: Floats  # [structure's shared pool × lane]
    kink: Floats  # factors at which a slice changes sides [slice × lane]
    size: Floats  # dollars that change sides there [slice × lane]


class Chunks(NamedTuple):
    """Runs of blocks of one segment whose sums are taken together."""

    first: Ints  # first block [chunk]
    last: Ints  # last block + 1 [chunk]
    stage: Ints  # [chunk]


class Warm(NamedTuple):
    """The m of the last pass, where the next one starts."""

    plan: Floats  # [block × plan × lane]
    pool: Floats  # [block × shared pool × lane]
    doubtful: Ints  # rows not proven optimal, as bits [block]


class Totals(NamedTuple):
    """Sums over the rows of each chunk."""

    pair: Floats  # [chunk × pair]
    own: Floats  # by slice, dollars per slice unit of a pool of its own [chunk × slice]
    plan: Floats  # [chunk × plan]
    pool: Floats  # [chunk × shared pool]


@dataclass(frozen=True)
class Layout:
    """Where the kernels keep what a structure names.

    Attributes:
        tables: what is the same in all stages.
        pair_order: the structure's pairs in the order of their slices [pair].
        alone: slices whose pool serves no other [slice], as booleans.
        shared_pools: pools that serve several slices [shared pool].
    """

    tables: Tables
    pair_order: Ints
    alone: Booleans
    shared_pools: Ints


def lay_out(structure: Structure) -> Layout:
    """Sort a structure for the kernels."""
    slices_of_pool = np.bincount(structure.pool_of_slice, minlength=structure.pools)
    shared_pools = np.flatnonzero(slices_of_pool > 1)
    alone = slices_of_pool[structure.pool_of_slice] == 1
    position = np.full(structure.pools, -1, dtype=np.intp)
    position[shared_pools] = np.arange(len(shared_pools))
    pair_order = np.argsort(structure.pair_slice, kind="stable")
    per_slice = np.bincount(structure.pair_slice, minlength=structure.slices)
    rates = np.ascontiguousarray(structure.rates, dtype=np.float64)
    price = np.ascontiguousarray(structure.on_demand_usd, dtype=np.float64)
    units = np.ascontiguousarray(structure.units, dtype=np.float64)
    per_unit = np.zeros(len(shared_pools))
    np.maximum.at(per_unit, position[structure.pool_of_slice[~alone]], (price / units)[~alone])
    tables = Tables(
        price=price,
        units=units,
        shared=position[structure.pool_of_slice],
        pair_first=np.concatenate([[0], np.cumsum(per_slice)]).astype(np.intp),
        pair_series=structure.pair_series[pair_order].astype(np.intp),
        rate=rates,
        per_rate=1.0 / rates,
        dearest=_dearest_first(price, rates),
        most_plan=np.max(price / rates, axis=1, initial=0.0),
        most_pool=per_unit,
    )
    return Layout(tables, pair_order, alone, shared_pools)


def stage_tables(structure: Structure, layout: Layout, point: Point) -> Stages:
    """A point as the kernels take it."""
    tables = layout.tables
    pooled = np.ascontiguousarray(point.dedicated[:, layout.shared_pools])
    capacity = point.dedicated[:, structure.pool_of_slice] / structure.units
    spend = np.ascontiguousarray(point.spend, dtype=np.float64)
    least = LEAST_COMMITMENT * float(np.max(tables.price, initial=0.0))
    return Stages(
        factor=np.ascontiguousarray(point.factors[:, layout.pair_order]),
        capacity=np.ascontiguousarray(np.where(layout.alone, capacity, 0.0)),
        spend=spend,
        pooled=pooled,
        active=_worth_searching(spend * tables.most_plan > least),
        active_pools=_worth_searching(pooled * tables.most_pool > least),
    )


def make_workspace(tables: Tables) -> Workspace:
    """Working memory for a structure."""
    plans, slices = tables.rate.shape
    pools, pairs = len(tables.most_pool), len(tables.pair_series)
    sets = max(2 ** min(plans, MOST_SUBSETS), 2 + plans + plans * (plans - 1) // 2)
    return Workspace(
        sizes=np.zeros(3, np.intp),
        sets=np.zeros(sets, np.intp),
        is_active=np.zeros(plans, np.bool_),
        is_active_pool=np.zeros(pools, np.bool_),
        rate=np.empty((plans, slices)),
        own=np.empty(slices, np.intp),
        spend=np.empty(plans),
        pooled=np.empty(pools),
        floor=np.empty(plans),
        pool_floor=np.empty(pools),
        m=np.empty((plans, LANES)),
        n=np.empty((pools, LANES)),
        up=np.empty((sets, LANES)),
        down=np.empty((sets, LANES)),
        pool_up=np.empty((sets, pools, LANES)),
        pool_down=np.empty((sets, pools, LANES)),
        rises=np.zeros(sets, np.intp),
        falls=np.zeros(sets, np.intp),
        pool_rises=np.zeros(pools, np.intp),
        pool_falls=np.zeros(pools, np.intp),
        joins=np.zeros(pools, np.intp),
        excess=np.empty((slices, LANES)),
        kappa=np.empty((slices, LANES)),
        of_pair=np.empty((pairs, LANES)),
        of_slice=np.empty((slices, LANES)),
        of_plan=np.empty((plans, LANES)),
        of_pool=np.empty((pools, LANES)),
        kink=np.empty((slices, LANES)),
        size=np.empty((slices, LANES)),
    )


def chunk_blocks(hours: Hours) -> tuple[Chunks, Ints]:
    """Cut every segment into chunks; returns them and each one's segment."""
    blocks = np.diff(hours.first_block)
    per_segment = -(-blocks // BLOCKS_PER_CHUNK)
    segment = np.repeat(np.arange(hours.segments), per_segment)
    within = np.arange(len(segment)) - np.repeat(np.cumsum(per_segment) - per_segment, per_segment)
    first = hours.first_block[segment] + within * BLOCKS_PER_CHUNK
    last = np.minimum(first + BLOCKS_PER_CHUNK, hours.first_block[segment + 1])
    return Chunks(first, last, hours.stage_of_segment[segment]), segment


def _dearest_first(price: Floats, rates: Floats) -> Ints:
    """Slices a plan covers, by falling price over rate, then -1 [plan × slice]."""
    order = np.argsort(-price / rates, axis=1, kind="stable").astype(np.intp)
    covered = np.isfinite(np.take_along_axis(rates, order, axis=1))
    ordered = np.full(rates.shape, -1, dtype=np.intp)
    for plan in range(len(rates)):
        mine = order[plan][covered[plan]]
        ordered[plan, : len(mine)] = mine
    return ordered


def _worth_searching(is_active: Booleans) -> Ints:
    """Positions of what is active in each stage, then -1."""
    order = np.argsort(~is_active, axis=1, kind="stable")
    count = is_active.sum(axis=1, keepdims=True)
    return np.where(np.arange(is_active.shape[1]) < count, order, -1).astype(np.intp)
