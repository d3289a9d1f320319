"""The compiled pass over the rows: what their best dual prices add to the sums.

Everything is done for the `LANES` rows of a block at once; what branches in the code is the same in
all of them. A row's problem and its dual are in `ascent`, where several commitments compete; none
or one alone needs no search. Plans without a commitment take no part in it: their best m follows
from the others'.

Compiled code is cached by the date of this file: touch it after editing what it imports.
"""

import numpy as np
from numba import njit

from planner.recourse.ascent import ascend, keep_prices, load_warm
from planner.recourse.hours import LANES
from planner.recourse.lanes import (
    greater,
    lesser,
    load,
    select,
    spread,
    store,
)
from planner.recourse.lines import compiled
from planner.recourse.tables import FLOOR, MOST_SUBSETS

NOTHING = 1e-20
"""Shares of the most useful m below this stand for 0."""


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def run(first_chunk, last_chunk, tables, stages, chunks, demand, weight, warm, search, totals):
    """Take the pass over a range of chunks; chunks are independent of each other.

    ``demand`` is [block × series × lane], ``weight`` [block × lane]; `Warm` and `Totals` are
    written.
    """
    plans, pools = len(tables.rate), len(tables.most_pool)
    series, excess, kappa = demand.shape[1], search.excess, search.kappa
    of_pair, of_slice = search.of_pair, search.of_slice
    of_plan, of_pool = search.of_plan, search.of_pool
    for chunk in range(first_chunk, last_chunk):
        stage = chunks.stage[chunk]
        of_pair[:], of_slice[:], of_plan[:], of_pool[:] = 0.0, 0.0, 0.0, 0.0
        prepare(tables, stages, stage, search)
        for block in range(chunks.first[chunk], chunks.last[chunk]):
            rows, plan, pool = block * series, block * plans, block * pools
            find_excess(tables, stages, stage, demand, rows, excess)
            warm.doubtful[block] = _find_prices(tables, search, warm, plan, pool, excess, kappa)
            for j in range(plans):
                store(warm.plan, (plan + j) * LANES, load(search.plan_price, j * LANES))
            for p in range(pools):
                store(warm.pool, (pool + p) * LANES, load(search.pool_price, p * LANES))
            counts = load(weight, block * LANES)
            _add_up(tables, demand, rows, counts, excess, kappa, of_pair, of_slice)
            add_up_prices(tables.most_plan, counts, search.plan_price, of_plan)
            add_up_prices(tables.most_pool, counts, search.pool_price, of_pool)
        _total(of_pair, totals.pair, chunk)
        _total(of_slice, totals.own, chunk)
        _total(of_plan, totals.plan, chunk)
        _total(of_pool, totals.pool, chunk)


@compiled
def _find_prices(tables, search, warm, plan, pool, excess, kappa):
    """Dual prices of slices, plans and pools in a block; returns rows not proven optimal."""
    plans, locals_, doubtful = search.sizes[0], search.sizes[1], 0
    if locals_ or plans > 1:
        load_warm(search, warm, plan, pool)
        doubtful = ascend(tables, search, excess, kappa)
        keep_prices(search)
    elif plans:
        j = search.plan_at[0]
        m = _fill_plan(tables, j, search.spend[0], excess, kappa)
        store(search.plan_price, j * LANES, m)
    else:
        for c in range(len(tables.price)):
            store(kappa, c * LANES, spread(tables.price[c]))
    value_the_rest(tables, search, excess, kappa)
    return doubtful


@compiled
def find_excess(tables, stages, stage, demand, rows, excess):
    """Usage above what a slice's own pool covers [slice × lane]."""
    for c in range(len(tables.price)):
        usage = spread(0.0)
        for pair in range(tables.pair_first[c], tables.pair_first[c + 1]):
            amount = load(demand, (rows + tables.pair_series[pair]) * LANES)
            usage = usage + amount * stages.factor[stage, pair]
        store(excess, c * LANES, greater(usage - stages.capacity[stage, c], spread(0.0)))


@compiled
def _fill_plan(tables, j, spend, excess, kappa):
    """One plan alone: the dearest slices per dollar first, until the commitment is spent."""
    spent, m = spread(0.0), spread(0.0)
    for k in range(len(tables.price)):
        c = tables.dearest[j, k]
        if c < 0:
            break
        spent = spent + load(excess, c * LANES) * tables.rate[j, c]
        ratio = tables.price[c] * tables.per_rate[j, c]
        # Ratios fall, so that the largest one after which nothing is left is the first.
        m = greater(m, select(spent >= spend, spread(ratio), spread(0.0)))
    for c in range(len(tables.price)):
        price = spread(tables.price[c])
        if tables.per_rate[j, c] > 0.0:
            price = lesser(price, m * tables.rate[j, c])
        store(kappa, c * LANES, price)
    return m


@compiled
def value_the_rest(tables, search, excess, kappa):
    """What a first dollar of plans without a commitment, a first unit of pools, would save."""
    for j in range(len(tables.rate)):
        if not search.is_active[j]:
            m = spread(0.0)
            for c in range(tables.first_of_plan[j], tables.last_of_plan[j]):
                if tables.per_rate[j, c] > 0.0:
                    saved = load(kappa, c * LANES) * tables.per_rate[j, c]
                    exceeds = load(excess, c * LANES) > 0.0
                    m = greater(m, select(exceeds, saved, spread(0.0)))
            store(search.plan_price, j * LANES, m)
    for p in range(len(tables.most_pool)):
        if not search.is_active_pool[p]:
            m = spread(0.0)
            for c in range(tables.first_of_pool[p], tables.last_of_pool[p]):
                saved = load(kappa, c * LANES) * (1.0 / tables.units[c])
                exceeds = load(excess, c * LANES) > 0.0
                m = greater(m, select(exceeds, saved, spread(0.0)))
            store(search.pool_price, p * LANES, m)


@compiled
def _add_up(tables, demand, rows, counts, excess, kappa, of_pair, of_slice):
    """Add the rows' dual prices of usage to the sums of pairs and slices."""
    for c in range(len(tables.price)):
        price = load(kappa, c * LANES)
        exceeds = (load(excess, c * LANES) > 0.0) & (price > NOTHING * tables.price[c])
        price = select(exceeds, price * counts, spread(0.0))
        store(of_slice, c * LANES, load(of_slice, c * LANES) + price)
        for pair in range(tables.pair_first[c], tables.pair_first[c + 1]):
            amount = load(demand, (rows + tables.pair_series[pair]) * LANES)
            store(of_pair, pair * LANES, load(of_pair, pair * LANES) + price * amount)


@compiled
def add_up_prices(most, counts, prices, sums):
    """Add the rows' m to the sums; what stands for 0 is 0."""
    for j in range(len(most)):
        m = load(prices, j * LANES)
        m = select(m > NOTHING * most[j], m * counts, spread(0.0))
        store(sums, j * LANES, load(sums, j * LANES) + m)


@compiled
def _total(lanes, sums, chunk):
    """Sum over the lanes, in their order."""
    for i in range(len(lanes)):
        total = 0.0
        for lane in range(LANES):
            total += lanes[i, lane]
        sums[chunk, i] = total


@compiled
def prepare(tables, stages, stage, search):
    """Take the active plans and pools of a stage into the working memory."""
    for j in range(len(tables.rate)):
        search.is_active[j] = stages.is_active[stage, j]
    for p in range(len(tables.most_pool)):
        search.is_active_pool[p] = stages.is_active_pool[stage, p]
    search.sizes[0] = _take_roaming(tables, stages, stage, search)
    search.sizes[1] = _take_locals(tables, stages, stage, search)
    search.sizes[2] = _list_sets(search.sizes[0], search.sets)


@compiled
def _take_roaming(tables, stages, stage, search):
    """Take the active plans that roam; returns how many."""
    plans = 0
    for j in range(len(tables.rate)):
        if search.is_active[j] and tables.plan_family[j] < 0:
            for c in range(len(tables.price)):
                search.rate[plans, c] = tables.rate[j, c]
            search.plan_at[plans] = j
            search.spend[plans] = stages.spend[stage, j]
            search.floor[plans] = FLOOR * tables.most_plan[j]
            plans += 1
    return plans


@compiled
def _take_locals(tables, stages, stage, search):
    """Take the active commitments of every family; returns how many."""
    count, families = 0, len(tables.family_first) - 1
    for f in range(families):
        search.local_first[f] = count
        for p in range(len(tables.most_pool)):
            if search.is_active_pool[p] and tables.pool_family[p] == f:
                search.local_plan[count], search.local_pool[count] = -1, p
                search.local_amount[count] = stages.pooled[stage, p]
                search.local_floor[count] = FLOOR * tables.most_pool[p]
                for c in range(tables.family_first[f], tables.family_first[f + 1]):
                    own = tables.shared[c] == p
                    search.local_rate[count, c] = tables.units[c] if own else np.inf
                count += 1
        for j in range(len(tables.rate)):
            if search.is_active[j] and tables.plan_family[j] == f:
                search.local_plan[count], search.local_pool[count] = j, -1
                search.local_amount[count] = stages.spend[stage, j]
                search.local_floor[count] = FLOOR * tables.most_plan[j]
                for c in range(tables.family_first[f], tables.family_first[f + 1]):
                    search.local_rate[count, c] = tables.rate[j, c]
                count += 1
    search.local_first[families] = count
    return count


@compiled
def _list_sets(plans, sets):
    """List the empty set, then the single plans, then the others; return how many."""
    count = 1
    for plan in range(plans):
        sets[count] = 1 << plan
        count += 1
    if plans <= MOST_SUBSETS:
        for bits in range(3, 2**plans):
            if bits & (bits - 1):
                sets[count] = bits
                count += 1
        return count
    for plan in range(plans):
        for other in range(plan):
            sets[count] = (1 << plan) | (1 << other)
            count += 1
    sets[count] = (1 << plans) - 1
    return count + 1
