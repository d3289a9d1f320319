"""The compiled pass over the rows: what their best dual prices add to the sums.

Everything is done for the `LANES` rows of a block at once; what branches in the code is the same in
all of them. A row's problem and its dual are in `ascent`, where several commitments compete; none
or one alone needs no search. Plans without a commitment take no part in it: their best m follows
from the others'.

Compiled code is cached by the date of this file: touch it after editing what it imports.
"""

from numba import njit

from planner.recourse.ascent import ascend, compiled, load_warm, store_warm
from planner.recourse.hours import LANES
from planner.recourse.lanes import (
    greater,
    lesser,
    load,
    select,
    spread,
    store,
)
from planner.recourse.tables import FLOOR, MOST_SUBSETS

NOTHING = 1e-20
"""Shares of the most useful m below this stand for 0."""


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def run(first_chunk, last_chunk, tables, stages, chunks, demand, weight, warm, search, totals):
    """Take the pass over a range of chunks; chunks are independent of each other.

    ``demand`` is [block × series × lane], ``weight`` [block × lane]; `Warm` and `Totals` are
    written.
    """
    slices, plans, pools = len(tables.price), len(tables.rate), len(tables.most_pool)
    series, excess, kappa = demand.shape[1], search.excess, search.kappa
    of_pair, of_slice = search.of_pair, search.of_slice
    of_plan, of_pool = search.of_plan, search.of_pool
    for chunk in range(first_chunk, last_chunk):
        stage = chunks.stage[chunk]
        of_pair[:], of_slice[:], of_plan[:], of_pool[:] = 0.0, 0.0, 0.0, 0.0
        _prepare(tables, stages, stage, search)
        active, active_pools = search.sizes[0], search.sizes[1]
        for block in range(chunks.first[chunk], chunks.last[chunk]):
            rows, plan, pool = block * series, block * plans, block * pools
            _find_excess(tables, stages, stage, demand, rows, excess)
            if active_pools or active > 1:
                load_warm(search, stages, stage, warm, plan, pool)
                warm.doubtful[block] = ascend(tables, search, excess, kappa)
                store_warm(search, stages, stage, warm, plan, pool)
            elif active:
                j = stages.active[stage, 0]
                m = _fill_plan(tables, j, stages.spend[stage, j], excess, kappa)
                store(warm.plan, (plan + j) * LANES, m)
                warm.doubtful[block] = 0
            else:
                for c in range(slices):
                    store(kappa, c * LANES, spread(tables.price[c]))
                warm.doubtful[block] = 0
            if active < plans or active_pools < pools:
                _value_the_rest(tables, search, excess, kappa, warm, plan, pool)
            counts = load(weight, block * LANES)
            _add_up(tables, demand, rows, counts, excess, kappa, of_pair, of_slice)
            _add_up_prices(tables.most_plan, counts, warm.plan, plan, of_plan)
            _add_up_prices(tables.most_pool, counts, warm.pool, pool, of_pool)
        _total(of_pair, totals.pair, chunk)
        _total(of_slice, totals.own, chunk)
        _total(of_plan, totals.plan, chunk)
        _total(of_pool, totals.pool, chunk)


@compiled
def _find_excess(tables, stages, stage, demand, rows, excess):
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
def _value_the_rest(tables, search, excess, kappa, warm, plan, pool):
    """What a first dollar of plans without a commitment, a first unit of pools, would save."""
    for j in range(len(tables.rate)):
        if not search.is_active[j]:
            m = spread(0.0)
            for c in range(len(tables.price)):
                if tables.per_rate[j, c] > 0.0:
                    saved = load(kappa, c * LANES) * tables.per_rate[j, c]
                    exceeds = load(excess, c * LANES) > 0.0
                    m = greater(m, select(exceeds, saved, spread(0.0)))
            store(warm.plan, (plan + j) * LANES, m)
    for p in range(len(tables.most_pool)):
        if not search.is_active_pool[p]:
            m = spread(0.0)
            for c in range(len(tables.price)):
                if tables.shared[c] == p:
                    saved = load(kappa, c * LANES) * (1.0 / tables.units[c])
                    exceeds = load(excess, c * LANES) > 0.0
                    m = greater(m, select(exceeds, saved, spread(0.0)))
            store(warm.pool, (pool + p) * LANES, m)


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
def _add_up_prices(most, counts, prices, first, sums):
    """Add the rows' m to the sums; what stands for 0 is 0."""
    for j in range(len(most)):
        m = load(prices, (first + j) * LANES)
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
def _prepare(tables, stages, stage, search):
    """Take the active plans and pools of a stage into the working memory."""
    active, pools = 0, 0
    search.is_active[:], search.is_active_pool[:], search.own[:] = False, False, -1
    while active < len(tables.rate) and stages.active[stage, active] >= 0:
        j = stages.active[stage, active]
        search.is_active[j] = True
        for c in range(len(tables.price)):
            search.rate[active, c] = tables.rate[j, c]
        search.spend[active] = stages.spend[stage, j]
        search.floor[active] = FLOOR * tables.most_plan[j]
        active += 1
    while pools < len(tables.most_pool) and stages.active_pools[stage, pools] >= 0:
        p = stages.active_pools[stage, pools]
        search.is_active_pool[p] = True
        search.pooled[pools] = stages.pooled[stage, p]
        search.pool_floor[pools] = FLOOR * tables.most_pool[p]
        for c in range(len(tables.price)):
            if tables.shared[c] == p:
                search.own[c] = pools
        pools += 1
    search.sizes[0], search.sizes[1] = active, pools
    search.sizes[2] = _list_sets(active, search.sets)


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
