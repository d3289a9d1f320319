"""A structure and a point as the kernels take them."""

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.recourse.families import ROAMS, Families, find_families
from planner.recourse.hours import LANES, Hours
from planner.recourse.structure import Floats, Ints, Point, Structure

Booleans = NDArray[np.bool_]

LEAST_COMMITMENT = 1e-9
"""Commitments that save less than this share of the highest price do not take part in a search."""

MOST_SUBSETS = 6
"""Up to so many active plans that roam every set of them is searched; then singles, pairs, all."""

MOST_LOCAL_SUBSETS = 4
"""The same, of the active commitments of one family."""

FLOOR = 1e-30
"""The least m as a share of the most useful one: instead of 0, from which no factor leads away."""

BLOCKS_PER_CHUNK = 64
"""Blocks whose sums are taken together: the unit of work of a thread."""


class Tables(NamedTuple):
    """What is the same in all stages.

    Slices come family by family and pool by pool, pairs in the order of their slices. A pool of
    several slices is *shared*.
    """

    price: Floats  # [slice]
    units: Floats  # [slice]
    shared: Ints  # shared pool of each slice, or -1 [slice]
    family_first: Ints  # first slice of each family [family + 1]
    pair_first: Ints  # [slice + 1]
    pair_series: Ints  # [pair]
    rate: Floats  # infinite where not covered [plan × slice]
    per_rate: Floats  # its inverse, 0 where not covered [plan × slice]
    dearest: Ints  # covered slices by falling price / rate, then -1 [plan × slice]
    plan_family: Ints  # family, or -1: roams [plan]
    pool_family: Ints  # [shared pool]
    first_of_plan: Ints  # a plan's slices lie between these [plan]
    last_of_plan: Ints
    first_of_pool: Ints  # a shared pool's slices [shared pool]
    last_of_pool: Ints
    most_plan: Floats  # the most useful m, max price / rate [plan]
    most_pool: Floats  # likewise [shared pool]
    subsets: Ints  # sets of the first k commitments of a family, as bits [k × set]
    subset_count: Ints  # how many; the first is empty [k]


class Stages(NamedTuple):
    """What is committed and how workloads are mixed in each stage."""

    factor: Floats  # [stage × pair]
    capacity: Floats  # slice units that a pool of its own gives a slice [stage × slice]
    spend: Floats  # [stage × plan]
    pooled: Floats  # units of shared pools [stage × shared pool]
    is_active: Booleans  # plans with a commitment worth searching for [stage × plan]
    is_active_pool: Booleans  # likewise shared pools [stage × shared pool]


class Workspace(NamedTuple):
    """Working memory of one thread.

    Plans here are the active ones that roam, *locals* the active commitments of families, one
    family's after another's: shared pools and plans that serve nothing else.
    """

    sizes: Ints  # numbers of plans, locals and sets of plans [3]
    sets: Ints  # sets of plans to search along, as bits; the first is empty [set]
    is_active: Booleans  # whether a plan of the structure takes part [structure's plan]
    is_active_pool: Booleans  # [shared pool]
    plan_at: Ints  # the structure's plan [plan]
    rate: Floats  # [plan × slice]
    spend: Floats  # [plan]
    floor: Floats  # [plan]
    m: Floats  # [plan × lane]
    local_first: Ints  # first local of each family [family + 1]
    local_plan: Ints  # the structure's plan, or -1 [local]
    local_pool: Ints  # the shared pool, or -1 [local]
    local_rate: Floats  # [local × slice]
    local_amount: Floats  # units or dollars committed [local]
    local_floor: Floats  # [local]
    n: Floats  # [local × lane]
    cap: Floats  # the least price of a slice without locals [slice × lane]
    up: Floats  # what a set of plans and the locals that join gain, scaled up [set × lane]
    up_cost: Floats  # what they cost [set × lane]
    down: Floats  # likewise scaled down [set × lane]
    down_cost: Floats
    rises: Ints  # rows, as bits, in which a set ascends when scaled up [set]
    falls: Ints  # likewise scaled down [set]
    joins_up: Ints  # rows in which a local joins a set scaled up [set × local]
    joins_down: Ints
    joins: Ints  # rows in which a local moves along [local]
    of_subset_up: Floats  # what a family's slices add, by set and subset [set × subset × lane]
    of_subset_down: Floats
    excess: Floats  # [slice × lane]
    kappa: Floats  # dual prices of slices [slice × lane]
    plan_price: Floats  # m of every plan of the structure [structure's plan × lane]
    pool_price: Floats  # [shared pool × lane]
    of_pair: Floats  # sums over a chunk's blocks [pair × lane]
    of_slice: Floats  # [slice × lane]
    of_plan: Floats  # [structure's plan × lane]
    of_pool: Floats  # [shared pool × lane]
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
        families: which slices, pools and plans belong together.
        slice_order: the structure's slices in the kernels' order [slice].
        pair_order: the structure's pairs in the order of their slices [pair].
        alone: slices whose pool serves no other, in the kernels' order [slice], as booleans.
        pool_of_slice: the structure's pool of each slice, in the kernels' order [slice].
        shared_pools: pools that serve several slices [shared pool].
    """

    tables: Tables
    families: Families
    slice_order: Ints
    pair_order: Ints
    alone: Booleans
    pool_of_slice: Ints
    shared_pools: Ints

    @property
    def is_plain(self) -> Booleans:
        """Families of slices with pools of their own and nothing else [family]."""
        plain = np.ones(self.families.count, dtype=np.bool_)
        plain[self.families.of_plan[self.families.of_plan != ROAMS]] = False
        plain[self.families.of_pool[self.shared_pools]] = False
        return plain


def lay_out(structure: Structure) -> Layout:
    """Sort a structure for the kernels."""
    families = find_families(structure)
    pools = structure.pool_of_slice
    order = np.lexsort((pools, families.of_slice)).astype(np.intp)
    at = np.empty(len(order), dtype=np.intp)
    at[order] = np.arange(len(order))
    pool_of_slice = pools[order]
    shared_pools = np.flatnonzero(families.shared)
    position = np.full(structure.pools, -1, dtype=np.intp)
    position[shared_pools] = np.arange(len(shared_pools))
    slice_of_pair = at[structure.pair_slice]
    pair_order = np.argsort(slice_of_pair, kind="stable")
    per_slice = np.bincount(slice_of_pair, minlength=structure.slices)
    rates = np.ascontiguousarray(structure.rates[:, order], dtype=np.float64)
    price = np.ascontiguousarray(structure.on_demand_usd[order], dtype=np.float64)
    units = np.ascontiguousarray(structure.units[order], dtype=np.float64)
    alone = ~families.shared[pool_of_slice]
    per_unit = np.zeros(len(shared_pools))
    np.maximum.at(per_unit, position[pool_of_slice[~alone]], (price / units)[~alone])
    per_family = np.bincount(families.of_slice, minlength=families.count)
    of_plan, of_pool = (
        _spans(np.isfinite(rates)),
        _spans(pool_of_slice[None, :] == shared_pools[:, None]),
    )
    locals_ = np.bincount(families.of_plan[families.of_plan != ROAMS], minlength=families.count)
    locals_ = locals_ + np.bincount(families.of_pool[shared_pools], minlength=families.count)
    subsets, subset_count = _subsets(int(locals_.max(initial=0)))
    tables = Tables(
        price=price,
        units=units,
        shared=position[pool_of_slice],
        family_first=_starts(per_family),
        pair_first=_starts(per_slice),
        pair_series=structure.pair_series[pair_order].astype(np.intp),
        rate=rates,
        per_rate=1.0 / rates,
        dearest=_dearest_first(price, rates),
        plan_family=families.of_plan,
        pool_family=families.of_pool[shared_pools].astype(np.intp),
        first_of_plan=of_plan[0],
        last_of_plan=of_plan[1],
        first_of_pool=of_pool[0],
        last_of_pool=of_pool[1],
        most_plan=np.max(price / rates, axis=1, initial=0.0),
        most_pool=per_unit,
        subsets=subsets,
        subset_count=subset_count,
    )
    return Layout(tables, families, order, pair_order, alone, pool_of_slice, shared_pools)


def stage_tables(layout: Layout, point: Point) -> Stages:
    """A point as the kernels take it."""
    tables = layout.tables
    pooled = np.ascontiguousarray(point.dedicated[:, layout.shared_pools])
    capacity = point.dedicated[:, layout.pool_of_slice] / tables.units
    spend = np.ascontiguousarray(point.spend, dtype=np.float64)
    least = LEAST_COMMITMENT * float(np.max(tables.price, initial=0.0))
    return Stages(
        factor=np.ascontiguousarray(point.factors[:, layout.pair_order]),
        capacity=np.ascontiguousarray(np.where(layout.alone, capacity, 0.0)),
        spend=spend,
        pooled=pooled,
        is_active=spend * tables.most_plan > least,
        is_active_pool=pooled * tables.most_pool > least,
    )


def make_workspace(tables: Tables) -> Workspace:
    """Working memory for a structure."""
    plans, slices = tables.rate.shape
    pools, pairs = len(tables.most_pool), len(tables.pair_series)
    families = len(tables.family_first) - 1
    roaming = int(np.count_nonzero(tables.plan_family == ROAMS))
    locals_ = plans - roaming + pools
    sets = max(2 ** min(roaming, MOST_SUBSETS), 2 + roaming + roaming * (roaming - 1) // 2)
    subsets = tables.subsets.shape[1]
    return Workspace(
        sizes=np.zeros(3, np.intp),
        sets=np.zeros(sets, np.intp),
        is_active=np.zeros(plans, np.bool_),
        is_active_pool=np.zeros(pools, np.bool_),
        plan_at=np.zeros(roaming, np.intp),
        rate=np.empty((roaming, slices)),
        spend=np.empty(roaming),
        floor=np.empty(roaming),
        m=np.empty((roaming, LANES)),
        local_first=np.zeros(families + 1, np.intp),
        local_plan=np.zeros(locals_, np.intp),
        local_pool=np.zeros(locals_, np.intp),
        local_rate=np.empty((locals_, slices)),
        local_amount=np.empty(locals_),
        local_floor=np.empty(locals_),
        n=np.empty((locals_, LANES)),
        cap=np.empty((slices, LANES)),
        up=np.empty((sets, LANES)),
        up_cost=np.empty((sets, LANES)),
        down=np.empty((sets, LANES)),
        down_cost=np.empty((sets, LANES)),
        rises=np.zeros(sets, np.intp),
        falls=np.zeros(sets, np.intp),
        joins_up=np.zeros((sets, locals_), np.intp),
        joins_down=np.zeros((sets, locals_), np.intp),
        joins=np.zeros(locals_, np.intp),
        of_subset_up=np.empty((sets, subsets, LANES)),
        of_subset_down=np.empty((sets, subsets, LANES)),
        excess=np.empty((slices, LANES)),
        kappa=np.empty((slices, LANES)),
        plan_price=np.empty((plans, LANES)),
        pool_price=np.empty((pools, LANES)),
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


def _starts(counts: Ints) -> Ints:
    """Where runs of some lengths start, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)


def _spans(members: Booleans) -> tuple[Ints, Ints]:
    """First and last + 1 member of each row; an empty span where there are none."""
    none, columns = ~members.any(axis=1), members.shape[1]
    first = np.where(none, 0, members.argmax(axis=1)) if columns else np.zeros(len(members))
    last = columns - members[:, ::-1].argmax(axis=1) if columns else np.zeros(len(members))
    return first.astype(np.intp), np.where(none, 0, last).astype(np.intp)


def _subsets(most: int) -> tuple[Ints, Ints]:
    """Sets of the first k commitments, as bits [k × set], and how many there are [k]."""
    found: list[list[int]] = []
    for k in range(most + 1):
        sizes = range(k + 1) if k <= MOST_LOCAL_SUBSETS else (0, 1, 2, k)
        found.append([sum(1 << i for i in one) for r in sizes for one in combinations(range(k), r)])
    count = np.array([len(one) for one in found], dtype=np.intp)
    table = np.zeros((len(found), int(count.max())), dtype=np.intp)
    for k, sets in enumerate(found):
        table[k, : len(sets)] = sets
    return table, count


def _dearest_first(price: Floats, rates: Floats) -> Ints:
    """Slices a plan covers, by falling price over rate, then -1 [plan × slice]."""
    order = np.argsort(-price / rates, axis=1, kind="stable").astype(np.intp)
    covered = np.isfinite(np.take_along_axis(rates, order, axis=1))
    ordered = np.full(rates.shape, -1, dtype=np.intp)
    for plan in range(len(rates)):
        mine = order[plan][covered[plan]]
        ordered[plan, : len(mine)] = mine
    return ordered
