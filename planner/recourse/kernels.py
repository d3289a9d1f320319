"""The compiled pass: for every row the best dual prices, and what they add to the sums.

A row's recourse problem and its dual, for one hour (indices as in `Structure`):

.. math:: \\max_{m \\ge 0} D(m) = \\sum_c \\kappa_c(m)\\, e_c - \\sum_j m_j C_j, \\qquad
    \\kappa_c(m) = \\min(a_c, \\min_j r_{jc} m_j)

with excess :math:`e_c = (u_c - R_{p(c)} / units_c)^+`. Any m gives a valid cut; the best one gives
the hour's cost. A pool that serves several slices is one more plan here (a *shared pool*, with
rates ``units`` and R as its C) and nothing is subtracted from its slices' usage.

D is concave and piecewise linear; its kinks are where two plans, or a plan and a price, tie on a
slice. In logarithms they are differences of two coordinates, so the edges of the pieces are the
directions "multiply m_j, j in S, by one factor". If none of these, up or down, ascends, m is
optimal; along one of them D is a weighted quantile problem. Shared pools have no slice in common:
which of them belong in S is decided one by one once the plans in S are known.

Loops over the lanes of a block have a constant length, so that they become vector instructions.
Plans without a commitment take no part in the search: their best m follows from the others'.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.recourse.hours import LANES
from planner.recourse.structure import Floats, Ints

TIE = 1e-9
"""Prices within this share of each other tie."""

ASCENT = 1e-9
"""A slope ascends when it is more than this share of what the commitments cost."""

FLOOR = 1e-30
"""The least m as a share of the most useful one: instead of 0, from which no factor leads away."""

NOTHING = 1e-20
"""Shares of the most useful m below this stand for 0."""

MOST_ROUNDS = 64
"""Rounds of searches after which a row is called doubtful."""

MOST_SUBSETS = 6
"""Up to so many active plans every set of them is searched; then single ones, pairs and all."""

# No flag that assumes away infinities or NaN: rates may be infinite.
_COMPILED = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
}

Flags = NDArray[np.uint8]


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


class Search(NamedTuple):
    """Working memory of the search over a block's rows, for the active plans and pools alone."""

    sizes: Ints  # numbers of active plans, active pools and sets of plans [3]
    sets: Ints  # sets of plans to search along, as bits; the first is empty [set]
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
    way: Ints  # where a set ascends: 1 up, -1 down [set × lane]
    pool_way: Ints  # where a pool alone does [pool × lane]
    joins: Ints  # whether a pool moves along [pool × lane]
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
    doubtful: Flags  # rows not proven optimal, uint8 [block × lane]


class Totals(NamedTuple):
    """Sums over the rows of each chunk."""

    pair: Floats  # [chunk × pair]
    own: Floats  # by slice, dollars per slice unit of a pool of its own [chunk × slice]
    plan: Floats  # [chunk × plan]
    pool: Floats  # [chunk × shared pool]
    doubtful: Ints  # [chunk]


@njit(**_COMPILED)
def run(first_chunk, last_chunk, tables, stages, chunks, demand, weight, warm, totals):
    """Take the pass over a range of chunks; chunks are independent of each other.

    ``demand`` is [block × series × lane], ``weight`` [block × lane]; `Warm` and `Totals` are
    written.
    """
    slices, pairs = len(tables.price), len(tables.pair_series)
    plans, pools = len(tables.rate), len(tables.most_pool)
    excess, kappa = np.empty((slices, LANES)), np.empty((slices, LANES))
    of_pair, of_slice = np.empty((pairs, LANES)), np.empty((slices, LANES))
    of_plan, of_pool = np.empty((plans, LANES)), np.empty((pools, LANES))
    search = _search_space(slices, plans, pools)
    for chunk in range(first_chunk, last_chunk):
        stage = chunks.stage[chunk]
        of_pair[:], of_slice[:], of_plan[:], of_pool[:] = 0.0, 0.0, 0.0, 0.0
        _prepare(tables, stages, stage, search)
        active, active_pools = search.sizes[0], search.sizes[1]
        doubtful = 0
        for block in range(chunks.first[chunk], chunks.last[chunk]):
            plan, pool, doubt = warm.plan[block], warm.pool[block], warm.doubtful[block]
            _find_excess(tables, stages, stage, demand[block], excess)
            doubt[:] = 0
            if active + active_pools == 0:
                for c in range(slices):
                    kappa[c, :] = tables.price[c]
            elif active == 1 and active_pools == 0:
                j = stages.active[stage, 0]
                _fill_plan(tables, j, stages.spend[stage, j], excess, plan, kappa)
            else:
                _load(search, stages, stage, plan, pool)
                _ascend(tables, search, excess, kappa, doubt)
                _store(search, stages, stage, plan, pool)
            for lane in range(LANES):
                doubtful += doubt[lane]
            _value_the_rest(tables, search, stages, stage, excess, kappa, plan, pool)
            _add_up(tables, demand[block], weight[block], excess, kappa, of_pair, of_slice)
            _add_up_prices(tables.most_plan, weight[block], plan, of_plan)
            _add_up_prices(tables.most_pool, weight[block], pool, of_pool)
        _total(of_pair, totals.pair[chunk])
        _total(of_slice, totals.own[chunk])
        _total(of_plan, totals.plan[chunk])
        _total(of_pool, totals.pool[chunk])
        totals.doubtful[chunk] = doubtful


@njit(**_COMPILED)
def _find_excess(tables, stages, stage, demand, excess):
    """Usage above what a slice's own pool covers [slice × lane]."""
    for c in range(len(tables.price)):
        for lane in range(LANES):
            excess[c, lane] = 0.0
        for pair in range(tables.pair_first[c], tables.pair_first[c + 1]):
            factor, series = stages.factor[stage, pair], tables.pair_series[pair]
            for lane in range(LANES):
                excess[c, lane] += factor * demand[series, lane]
        capacity = stages.capacity[stage, c]
        for lane in range(LANES):
            above = excess[c, lane] - capacity
            excess[c, lane] = above if above > 0.0 else 0.0


@njit(**_COMPILED)
def _fill_plan(tables, j, spend, excess, plan, kappa):
    """One plan alone: the dearest slices per dollar first, until the commitment is spent."""
    spent = np.zeros(LANES)
    for lane in range(LANES):
        plan[j, lane] = 0.0
    for k in range(len(tables.price)):
        c = tables.dearest[j, k]
        if c < 0:
            break
        rate, ratio = tables.rate[j, c], tables.price[c] * tables.per_rate[j, c]
        for lane in range(LANES):
            spent[lane] += rate * excess[c, lane]
            # Ratios fall, so that the largest one after which nothing is left is the first.
            m = ratio if spent[lane] >= spend else 0.0
            plan[j, lane] = m if m > plan[j, lane] else plan[j, lane]
    for c in range(len(tables.price)):
        price, rate = tables.price[c], tables.rate[j, c]
        if tables.per_rate[j, c] == 0.0:
            for lane in range(LANES):
                kappa[c, lane] = price
        else:
            for lane in range(LANES):
                served = rate * plan[j, lane]
                kappa[c, lane] = served if served < price else price


@njit(**_COMPILED)
def _value_the_rest(tables, search, stages, stage, excess, kappa, plan, pool):
    """What a first dollar of plans without a commitment, a first unit of pools, would save."""
    active, active_pools = search.sizes[0], search.sizes[1]
    for j in range(len(tables.rate)):
        if _position(j, stages.active[stage], active) < 0:
            plan[j, :] = 0.0
            for c in range(len(tables.price)):
                _raise_to(plan[j], tables.per_rate[j, c], excess[c], kappa[c])
    for p in range(len(tables.most_pool)):
        if _position(p, stages.active_pools[stage], active_pools) < 0:
            pool[p, :] = 0.0
            for c in range(len(tables.price)):
                if tables.shared[c] == p:
                    _raise_to(pool[p], 1.0 / tables.units[c], excess[c], kappa[c])


@njit(**_COMPILED)
def _raise_to(most, per_rate, excess, kappa):
    """Raise a commitment's m to what a slice would pay for it, where the slice has excess."""
    if per_rate > 0.0:
        for lane in range(LANES):
            m = kappa[lane] * per_rate if excess[lane] > 0.0 else 0.0
            most[lane] = m if m > most[lane] else most[lane]


@njit(**_COMPILED)
def _add_up(tables, demand, weight, excess, kappa, of_pair, of_slice):
    """Add the rows' dual prices of usage to the sums of pairs and slices."""
    for c in range(len(tables.price)):
        least = NOTHING * tables.price[c]
        price = kappa[c]
        for lane in range(LANES):
            counts = excess[c, lane] > 0.0 and price[lane] > least
            price[lane] = weight[lane] * price[lane] if counts else 0.0
            of_slice[c, lane] += price[lane]
        for pair in range(tables.pair_first[c], tables.pair_first[c + 1]):
            series = tables.pair_series[pair]
            for lane in range(LANES):
                of_pair[pair, lane] += price[lane] * demand[series, lane]


@njit(**_COMPILED)
def _add_up_prices(most, weight, prices, sums):
    """Add the rows' m to the sums; what stands for 0 is 0."""
    for j in range(len(most)):
        least = NOTHING * most[j]
        for lane in range(LANES):
            m = prices[j, lane]
            sums[j, lane] += weight[lane] * m if m > least else 0.0


@njit(**_COMPILED)
def _total(lanes, sums):
    """Sum over the lanes, in their order."""
    for i in range(len(lanes)):
        total = 0.0
        for lane in range(LANES):
            total += lanes[i, lane]
        sums[i] = total


@njit(**_COMPILED)
def _search_space(slices, plans, pools):
    """Working memory for up to so many active plans and pools."""
    sets = max(2 ** min(plans, MOST_SUBSETS), 2 + plans + plans * (plans - 1) // 2)
    return Search(
        sizes=np.zeros(3, np.intp),
        sets=np.zeros(sets, np.intp),
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
        way=np.empty((sets, LANES), np.intp),
        pool_way=np.empty((pools, LANES), np.intp),
        joins=np.empty((pools, LANES), np.intp),
        kink=np.empty((slices, LANES)),
        size=np.empty((slices, LANES)),
    )


@njit(**_COMPILED)
def _position(value, values, count):
    """Where a value stands among the first ``count``, or -1."""
    for i in range(count):
        if values[i] == value:
            return i
    return -1


@njit(**_COMPILED)
def _prepare(tables, stages, stage, search):
    """Take the active plans and pools of a stage into the working memory."""
    active = 0
    while active < len(tables.rate) and stages.active[stage, active] >= 0:
        j = stages.active[stage, active]
        search.rate[active, :] = tables.rate[j]
        search.spend[active] = stages.spend[stage, j]
        search.floor[active] = FLOOR * tables.most_plan[j]
        active += 1
    pools = 0
    while pools < len(tables.most_pool) and stages.active_pools[stage, pools] >= 0:
        p = stages.active_pools[stage, pools]
        search.pooled[pools] = stages.pooled[stage, p]
        search.pool_floor[pools] = FLOOR * tables.most_pool[p]
        pools += 1
    for c in range(len(tables.price)):
        search.own[c] = _position(tables.shared[c], stages.active_pools[stage], pools)
    search.sizes[0], search.sizes[1] = active, pools
    search.sizes[2] = _list_sets(active, search.sets)


@njit(**_COMPILED)
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


@njit(**_COMPILED)
def _load(search, stages, stage, plan, pool):
    """Start the search at the m of the last pass, at or above the floor."""
    for k in range(search.sizes[0]):
        j, floor = stages.active[stage, k], search.floor[k]
        for lane in range(LANES):
            search.m[k, lane] = max(plan[j, lane], floor)
    for k in range(search.sizes[1]):
        p, floor = stages.active_pools[stage, k], search.pool_floor[k]
        for lane in range(LANES):
            search.n[k, lane] = max(pool[p, lane], floor)


@njit(**_COMPILED)
def _store(search, stages, stage, plan, pool):
    """Keep the m found for the next pass."""
    for k in range(search.sizes[0]):
        plan[stages.active[stage, k], :] = search.m[k]
    for k in range(search.sizes[1]):
        pool[stages.active_pools[stage, k], :] = search.n[k]


@njit(**_COMPILED)
def _ascend(tables, search, excess, kappa, doubt):
    """Search along ascending directions until none is left; rows where some are, are doubtful."""
    plans, pools, sets = search.sizes
    linked = np.zeros(LANES, np.intp)
    for round_ in range(MOST_ROUNDS):
        linked[:] = 0
        _find_slopes(tables, search, excess, kappa, linked)
        if not _find_ways(search) or round_ == MOST_ROUNDS - 1:
            break
        if round_ == MOST_ROUNDS // 2:
            _restart(search)
            continue
        for p in range(pools):
            if np.any(search.pool_way[p]):
                search.joins[:pools] = 0
                search.joins[p, :] = 1
                _search_line(tables, search, 0, search.pool_way[p], excess)
        for q in range(1, sets):
            if np.any(search.way[q]):
                _join_pools(search, q)
                _search_line(tables, search, search.sets[q], search.way[q], excess)
    for lane in range(LANES):
        open_ = plans > MOST_SUBSETS and _more_than_two(linked[lane])
        for p in range(pools):
            open_ = open_ or search.pool_way[p, lane] != 0
        for q in range(1, sets):
            open_ = open_ or search.way[q, lane] != 0
        doubt[lane] = open_


@njit(**_COMPILED)
def _restart(search):
    """Start rows that are still ascending from the top: small m can rise in very small steps."""
    plans, pools, sets = search.sizes
    for lane in range(LANES):
        ascending = np.any(search.pool_way[:pools, lane]) or np.any(search.way[1:sets, lane])
        for k in range(plans):
            search.m[k, lane] = search.floor[k] / FLOOR if ascending else search.m[k, lane]
        for p in range(pools):
            search.n[p, lane] = search.pool_floor[p] / FLOOR if ascending else search.n[p, lane]


@njit(**_COMPILED)
def _more_than_two(bits):
    """Whether more than two bits are set."""
    bits &= bits - 1
    return bits & (bits - 1) != 0


@njit(**_COMPILED)
def _find_slopes(tables, search, excess, kappa, linked):
    """Dual prices of the slices, and what these add to every direction's slopes.

    Scaled up, a set moves the slices of which all cheapest ways are in it; scaled down, those of
    which any is.
    """
    plans, pools, sets = search.sizes
    on_demand, own = 1 << plans, 2 << plans
    bits, dollars = np.zeros(LANES, np.intp), np.empty(LANES)
    search.up[:sets], search.down[:sets] = 0.0, 0.0
    search.pool_up[:sets, :pools], search.pool_down[:sets, :pools] = 0.0, 0.0
    for c in range(len(tables.price)):
        p, price, units = search.own[c], tables.price[c], tables.units[c]
        for lane in range(LANES):
            kappa[c, lane] = price
        for k in range(plans):
            _lower_to(kappa[c], search.rate[k, c], search.m[k])
        if p >= 0:
            _lower_to(kappa[c], units, search.n[p])
        for lane in range(LANES):
            bits[lane] = on_demand if price <= kappa[c, lane] * (1 + TIE) else 0
            dollars[lane] = excess[c, lane] * kappa[c, lane]
        for k in range(plans):
            _mark_tied(kappa[c], search.rate[k, c], search.m[k], 1 << k, bits)
        if p >= 0:
            _mark_tied(kappa[c], units, search.n[p], own, bits)
        for q in range(1, sets):
            inside, outside = search.sets[q], ~search.sets[q]
            for lane in range(LANES):
                search.up[q, lane] += dollars[lane] if bits[lane] & outside == 0 else 0.0
                search.down[q, lane] += dollars[lane] if bits[lane] & inside != 0 else 0.0
        if p >= 0:
            for q in range(sets):
                inside, outside = search.sets[q], ~(search.sets[q] | own)
                for lane in range(LANES):
                    counts = dollars[lane] if bits[lane] & own != 0 else 0.0
                    search.pool_up[q, p, lane] += counts if bits[lane] & outside == 0 else 0.0
                    search.pool_down[q, p, lane] += counts if bits[lane] & inside == 0 else 0.0
        if plans > MOST_SUBSETS:
            for lane in range(LANES):
                tied = bits[lane] & (on_demand - 1)
                linked[lane] |= tied if tied & (tied - 1) else 0


@njit(**_COMPILED)
def _lower_to(least, rate, m):
    """Lower prices to a commitment's rate times its m."""
    if rate < np.inf:
        for lane in range(LANES):
            served = rate * m[lane]
            least[lane] = served if served < least[lane] else least[lane]


@njit(**_COMPILED)
def _mark_tied(least, rate, m, bit, bits):
    """Set a commitment's bit where it is among the cheapest ways."""
    if rate < np.inf:
        for lane in range(LANES):
            bits[lane] |= bit if rate * m[lane] <= least[lane] * (1 + TIE) else 0


@njit(**_COMPILED)
def _find_ways(search):
    """Which directions ascend, up or down; return whether any does."""
    plans, pools, sets = search.sizes
    any_ = False
    for lane in range(LANES):
        for p in range(pools):
            cost = search.n[p, lane] * search.pooled[p]
            above = search.pool_up[0, p, lane] > cost * (1 + ASCENT)
            below = search.pool_down[0, p, lane] < cost * (1 - ASCENT)
            below = below and search.n[p, lane] > 2 * search.pool_floor[p]
            search.pool_way[p, lane] = 1 if above else -1 if below else 0
            any_ = any_ or above or below
        for q in range(1, sets):
            cost, movable = 0.0, True
            for k in range(plans):
                if search.sets[q] >> k & 1:
                    cost += search.m[k, lane] * search.spend[k]
                    movable = movable and search.m[k, lane] > 2 * search.floor[k]
            up, down = search.up[q, lane] - cost, search.down[q, lane] - cost
            up_cost, down_cost = cost, cost
            for p in range(pools):
                of_pool = search.n[p, lane] * search.pooled[p]
                if search.pool_up[q, p, lane] > of_pool:
                    up += search.pool_up[q, p, lane] - of_pool
                    up_cost += of_pool
                above_floor = search.n[p, lane] > 2 * search.pool_floor[p]
                if above_floor and search.pool_down[q, p, lane] < of_pool:
                    down += search.pool_down[q, p, lane] - of_pool
                    down_cost += of_pool
            above = up > up_cost * ASCENT
            below = movable and down < -down_cost * ASCENT
            search.way[q, lane] = 1 if above else -1 if below else 0
            any_ = any_ or above or below
    return any_


@njit(**_COMPILED)
def _join_pools(search, q):
    """Which shared pools ascend along with a set of plans, up or down."""
    for p in range(search.sizes[1]):
        for lane in range(LANES):
            cost = search.n[p, lane] * search.pooled[p]
            if search.way[q, lane] > 0:
                search.joins[p, lane] = search.pool_up[q, p, lane] > cost
            else:
                movable = search.n[p, lane] > 2 * search.pool_floor[p]
                search.joins[p, lane] = movable and search.pool_down[q, p, lane] < cost


@njit(**_COMPILED)
def _search_line(tables, search, inside, way, excess):
    """Scale a set of plans, and the pools that join, to the best common factor."""
    plans, pools = search.sizes[0], search.sizes[1]
    cost, factor, movable = np.zeros(LANES), np.ones(LANES), np.ones(LANES, np.bool_)
    for k in range(plans):
        if inside >> k & 1:
            for lane in range(LANES):
                cost[lane] += search.m[k, lane] * search.spend[k]
                movable[lane] &= search.m[k, lane] > 2 * search.floor[k]
    for p in range(pools):
        for lane in range(LANES):
            if search.joins[p, lane]:
                cost[lane] += search.n[p, lane] * search.pooled[p]
                movable[lane] &= search.n[p, lane] > 2 * search.pool_floor[p]
    _find_kinks(tables, search, inside, excess)
    _find_factor(search.kink, search.size, cost, way, movable, factor)
    for k in range(plans):
        if inside >> k & 1:
            for lane in range(LANES):
                search.m[k, lane] = max(search.m[k, lane] * factor[lane], search.floor[k])
    for p in range(pools):
        for lane in range(LANES):
            if search.joins[p, lane]:
                search.n[p, lane] = max(search.n[p, lane] * factor[lane], search.pool_floor[p])


@njit(**_COMPILED)
def _find_kinks(tables, search, inside, excess):
    """Factors at which each slice leaves the moving set, and the dollars it takes along."""
    within, without = np.empty(LANES), np.empty(LANES)
    for c in range(len(tables.price)):
        p, units = search.own[c], tables.units[c]
        within[:], without[:] = np.inf, tables.price[c]
        for k in range(search.sizes[0]):
            _lower_to(within if inside >> k & 1 else without, search.rate[k, c], search.m[k])
        if p >= 0:
            for lane in range(LANES):
                served = units * search.n[p, lane]
                if search.joins[p, lane]:
                    within[lane] = min(within[lane], served)
                else:
                    without[lane] = min(without[lane], served)
        for lane in range(LANES):
            counts = excess[c, lane] > 0.0 and within[lane] < np.inf
            search.kink[c, lane] = without[lane] / within[lane] if counts else 0.0
            search.size[c, lane] = excess[c, lane] * within[lane] if counts else 0.0


@njit(**_COMPILED)
def _find_factor(kink, size, cost, way, movable, factor):
    """Step from kink to kink until the dollars beyond no longer pay for going on.

    0 where the slices never fill what is committed: the set is worth nothing.
    """
    beyond, reached = np.empty(LANES), np.empty(LANES)
    after, before = np.empty(LANES), np.empty(LANES)
    going = True
    while going:
        beyond[:], reached[:], after[:], before[:] = 0.0, 0.0, np.inf, 0.0
        for c in range(len(kink)):
            for lane in range(LANES):
                at, dollars = kink[c, lane], size[c, lane]
                above = at > factor[lane] * (1 + TIE)
                least = at >= factor[lane] * (1 - TIE)
                beyond[lane] += dollars if above else 0.0
                reached[lane] += dollars if least else 0.0
                after[lane] = at if above and at < after[lane] else after[lane]
                before[lane] = at if not least and at > before[lane] else before[lane]
        going = False
        for lane in range(LANES):
            if way[lane] == 0 or factor[lane] == 0.0:
                continue
            if beyond[lane] > cost[lane] * (1 + ASCENT):
                factor[lane], going = after[lane], True
            elif reached[lane] < cost[lane] * (1 - ASCENT) and movable[lane]:
                factor[lane], going = before[lane], True
