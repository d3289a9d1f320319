r"""The search for a block's best dual prices where several commitments compete.

A row's recourse problem and its dual, for one hour (indices as in `Structure`):

.. math:: \max_{m \ge 0} D(m) = \sum_c \kappa_c(m)\, e_c - \sum_j m_j C_j, \qquad
    \kappa_c(m) = \min(a_c, \min_j r_{jc} m_j)

with excess :math:`e_c = (u_c - R_{p(c)} / units_c)^+`. Any m gives a valid cut; the best one gives
the hour's cost. A pool that serves several slices is one more plan here (a *shared pool*, with
rates ``units`` and R as its C) and nothing is subtracted from its slices' usage.

D is concave and piecewise linear; its kinks are where two plans, or a plan and a price, tie on a
slice. In logarithms they are differences of two coordinates, so the edges of the pieces are the
directions "multiply m_j, j in S, by one factor". If none of these, up or down, ascends, m is
optimal; along one of them D is a weighted quantile problem. Shared pools have no slice in common:
which of them belong in S is decided one by one once the plans in S are known.
"""

import numpy as np
from numba import njit

from planner.recourse.hours import LANES
from planner.recourse.lanes import (
    any_lane,
    greater,
    is_empty,
    lane_bits,
    lesser,
    load,
    mask_of,
    select,
    spread,
    spread_bits,
    store,
)
from planner.recourse.tables import FLOOR, MOST_SUBSETS

TIE = 1e-9
"""Prices within this share of each other tie."""

ASCENT = 1e-9
"""A slope ascends when it is more than this share of what the commitments cost."""

MOST_ROUNDS = 64
"""Rounds of searches after which a row is called doubtful."""

# Without reference counts: they would be most of the time, as every call hands on many arrays,
# and threads would wait for each other's. So nothing is allocated in here.
# Nor is anything but the pass as a whole called from Python, which halves the time to compile.
compiled = njit(error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@compiled
def load_warm(search, stages, stage, warm, plan, pool):
    """Start the search at the m of the last pass, at or above the floor."""
    for k in range(search.sizes[0]):
        m = load(warm.plan, (plan + stages.active[stage, k]) * LANES)
        store(search.m, k * LANES, greater(m, spread(search.floor[k])))
    for p in range(search.sizes[1]):
        n = load(warm.pool, (pool + stages.active_pools[stage, p]) * LANES)
        store(search.n, p * LANES, greater(n, spread(search.pool_floor[p])))


@compiled
def store_warm(search, stages, stage, warm, plan, pool):
    """Keep the m found for the next pass."""
    for k in range(search.sizes[0]):
        store(warm.plan, (plan + stages.active[stage, k]) * LANES, load(search.m, k * LANES))
    for p in range(search.sizes[1]):
        store(warm.pool, (pool + stages.active_pools[stage, p]) * LANES, load(search.n, p * LANES))


@compiled
def ascend(tables, search, excess, kappa):
    """Search along ascending directions until none is left; returns rows where some are."""
    plans, pools, sets = search.sizes[0], search.sizes[1], search.sizes[2]
    for round_ in range(MOST_ROUNDS):
        if plans == 2 and pools == 0:
            _find_slopes_of_two(tables, search, excess, kappa)
        else:
            _find_slopes(tables, search, excess, kappa)
        ascending = _find_ways(search)
        if ascending == 0 or round_ == MOST_ROUNDS - 1:
            break
        if round_ == MOST_ROUNDS // 2:
            _restart(search, ascending)
            continue
        for p in range(pools):
            if search.pool_rises[p] | search.pool_falls[p]:
                search.joins[:pools] = 0
                search.joins[p] = -1
                _search_line(tables, search, 0, search.pool_rises[p] | search.pool_falls[p], excess)
        for q in range(1, sets):
            if search.rises[q] | search.falls[q]:
                _join_pools(search, q)
                ways = search.rises[q] | search.falls[q]
                _search_line(tables, search, search.sets[q], ways, excess)
    if plans > MOST_SUBSETS:
        ascending |= _beyond_pairs(tables, search, kappa)
    return ascending


@compiled
def _restart(search, ascending):
    """Start rows that still ascend from the top: from the floor, steps can be very small."""
    rows = mask_of(ascending)
    for k in range(search.sizes[0]):
        top = spread(search.floor[k] / FLOOR)
        store(search.m, k * LANES, select(rows, top, load(search.m, k * LANES)))
    for p in range(search.sizes[1]):
        top = spread(search.pool_floor[p] / FLOOR)
        store(search.n, p * LANES, select(rows, top, load(search.n, p * LANES)))


@compiled
def _beyond_pairs(tables, search, kappa):
    """Rows in which more than two plans tie, so that pairs do not prove an optimum."""
    rows = 0
    for lane in range(LANES):
        linked = 0
        for c in range(len(tables.price)):
            tied = 0
            for k in range(search.sizes[0]):
                served = search.rate[k, c] * search.m[k, lane]
                if served <= kappa[c, lane] * (1 + TIE):
                    tied |= 1 << k
            if tied & (tied - 1):
                linked |= tied
        linked &= linked - 1
        if linked & (linked - 1):
            rows |= 1 << lane
    return rows


@compiled
def _find_slopes(tables, search, excess, kappa):
    """Dual prices of the slices, and what these add to every direction's slopes.

    Scaled up, a set moves the slices of which all cheapest ways are in it; scaled down, those of
    which any is.
    """
    plans, pools, sets = search.sizes[0], search.sizes[1], search.sizes[2]
    on_demand, own, none = spread_bits(1 << plans), 2 << plans, spread_bits(0)
    zero = spread(0.0)
    search.up[:sets], search.down[:sets] = 0.0, 0.0
    if pools:
        search.pool_up[:sets], search.pool_down[:sets] = 0.0, 0.0
    for c in range(len(tables.price)):
        p, price = search.own[c], spread(tables.price[c])
        least = _cheapest(tables, search, c)
        store(kappa, c * LANES, least)
        dollars, tied = load(excess, c * LANES) * least, least * (1 + TIE)
        bits = select(price <= tied, on_demand, none)
        for k in range(plans):
            if search.rate[k, c] < np.inf:
                ties = load(search.m, k * LANES) * search.rate[k, c] <= tied
                bits = bits | select(ties, spread_bits(1 << k), none)
        if p >= 0:
            ties = load(search.n, p * LANES) * tables.units[c] <= tied
            bits = bits | select(ties, spread_bits(own), none)
        for q in range(1, sets):
            all_in = is_empty(bits & ~search.sets[q])
            none_in = is_empty(bits & search.sets[q])
            up, down = load(search.up, q * LANES), load(search.down, q * LANES)
            store(search.up, q * LANES, up + select(all_in, dollars, zero))
            store(search.down, q * LANES, down + select(none_in, zero, dollars))
        if p >= 0:
            mine = select(is_empty(bits & own), zero, dollars)
            _add_pool_slopes(search, p, bits, own, mine)


@compiled
def _cheapest(tables, search, c):
    """The dual price of a slice: its cheapest way."""
    least, p = spread(tables.price[c]), search.own[c]
    for k in range(search.sizes[0]):
        if search.rate[k, c] < np.inf:
            least = lesser(least, load(search.m, k * LANES) * search.rate[k, c])
    if p >= 0:
        least = lesser(least, load(search.n, p * LANES) * tables.units[c])
    return least


@compiled
def _add_pool_slopes(search, p, bits, own, dollars):
    """What a slice of a shared pool adds to the slopes of the sets that the pool may join."""
    zero = spread(0.0)
    for q in range(search.sizes[2]):
        at = (q * len(search.pool_floor) + p) * LANES
        all_in = is_empty(bits & ~(search.sets[q] | own))
        none_in = is_empty(bits & search.sets[q])
        up, down = load(search.pool_up, at), load(search.pool_down, at)
        store(search.pool_up, at, up + select(all_in, dollars, zero))
        store(search.pool_down, at, down + select(none_in, dollars, zero))


@compiled
def _find_slopes_of_two(tables, search, excess, kappa):
    """`_find_slopes` for two plans and no shared pool, all sums in registers."""
    zero, m, other_m = spread(0.0), load(search.m, 0), load(search.m, LANES)
    up, other_up, both_up, down, other_down, both_down = zero, zero, zero, zero, zero, zero
    for c in range(len(tables.price)):
        price, served, other = tables.price[c], m * search.rate[0, c], other_m * search.rate[1, c]
        least = lesser(lesser(served, other), spread(price))
        store(kappa, c * LANES, least)
        dollars, tied = load(excess, c * LANES) * least, least * (1 + TIE)
        ties, other_ties = served <= tied, other <= tied
        scalable = select(tied < price, dollars, zero)
        up = up + select(other_ties, zero, scalable)
        other_up = other_up + select(ties, zero, scalable)
        both_up = both_up + scalable
        down = down + select(ties, dollars, zero)
        other_down = other_down + select(other_ties, dollars, zero)
        both_down = both_down + select(ties | other_ties, dollars, zero)
    store(search.up, LANES, up)
    store(search.up, 2 * LANES, other_up)
    store(search.up, 3 * LANES, both_up)
    store(search.down, LANES, down)
    store(search.down, 2 * LANES, other_down)
    store(search.down, 3 * LANES, both_down)


@compiled
def _find_ways(search):
    """Rows in which each direction ascends, up or down; returns those where any does."""
    zero, ascending = spread(0.0), 0
    for p in range(search.sizes[1]):
        n = load(search.n, p * LANES)
        cost, movable = n * search.pooled[p], n > 2 * search.pool_floor[p]
        rises = load(search.pool_up, p * LANES) > cost * (1 + ASCENT)
        falls = movable & (load(search.pool_down, p * LANES) < cost * (1 - ASCENT))
        search.pool_rises[p], search.pool_falls[p] = lane_bits(rises), lane_bits(falls)
        ascending |= search.pool_rises[p] | search.pool_falls[p]
    for q in range(1, search.sizes[2]):
        cost, movable = zero, zero >= 0.0
        for k in range(search.sizes[0]):
            if search.sets[q] >> k & 1:
                m = load(search.m, k * LANES)
                cost, movable = cost + m * search.spend[k], movable & (m > 2 * search.floor[k])
        up, down = load(search.up, q * LANES), load(search.down, q * LANES)
        up_cost, down_cost = cost, cost
        for p in range(search.sizes[1]):
            at = (q * len(search.pool_floor) + p) * LANES
            n = load(search.n, p * LANES)
            of_pool, movable_pool = n * search.pooled[p], n > 2 * search.pool_floor[p]
            gain, loss = load(search.pool_up, at), load(search.pool_down, at)
            rises, falls = gain > of_pool, movable_pool & (loss < of_pool)
            up, up_cost = up + select(rises, gain, zero), up_cost + select(rises, of_pool, zero)
            down = down + select(falls, loss, zero)
            down_cost = down_cost + select(falls, of_pool, zero)
        search.rises[q] = lane_bits(up > up_cost * (1 + ASCENT))
        search.falls[q] = lane_bits(movable & (down < down_cost * (1 - ASCENT)))
        ascending |= search.rises[q] | search.falls[q]
    return ascending


@compiled
def _join_pools(search, q):
    """Which shared pools ascend along with a set of plans, up or down."""
    for p in range(search.sizes[1]):
        at = (q * len(search.pool_floor) + p) * LANES
        n = load(search.n, p * LANES)
        cost = n * search.pooled[p]
        gains = lane_bits(load(search.pool_up, at) > cost)
        saves = lane_bits((n > 2 * search.pool_floor[p]) & (load(search.pool_down, at) < cost))
        search.joins[p] = (search.rises[q] & gains) | (~search.rises[q] & saves)


@compiled
def _search_line(tables, search, inside, rows, excess):
    """Scale a set of plans, and the pools that join, to the best common factor."""
    cost, movable = spread(0.0), spread(0.0) >= 0.0
    for k in range(search.sizes[0]):
        if inside >> k & 1:
            m = load(search.m, k * LANES)
            cost, movable = cost + m * search.spend[k], movable & (m > 2 * search.floor[k])
    for p in range(search.sizes[1]):
        n, joins = load(search.n, p * LANES), mask_of(search.joins[p])
        cost = cost + select(joins, n * search.pooled[p], spread(0.0))
        movable = movable & ((n > 2 * search.pool_floor[p]) | mask_of(~search.joins[p]))
    _find_kinks(tables, search, inside, excess)
    factor = _find_factor(search.kink, search.size, cost, mask_of(rows), movable)
    for k in range(search.sizes[0]):
        if inside >> k & 1:
            m = load(search.m, k * LANES) * factor
            store(search.m, k * LANES, greater(m, spread(search.floor[k])))
    for p in range(search.sizes[1]):
        n = load(search.n, p * LANES)
        moved = greater(n * factor, spread(search.pool_floor[p]))
        store(search.n, p * LANES, select(mask_of(search.joins[p]), moved, n))


@compiled
def _find_kinks(tables, search, inside, excess):
    """Factors at which each slice leaves the moving set, and the dollars it takes along."""
    never, zero = spread(np.inf), spread(0.0)
    for c in range(len(tables.price)):
        p, within, without = search.own[c], never, spread(tables.price[c])
        for k in range(search.sizes[0]):
            if search.rate[k, c] < np.inf:
                served = load(search.m, k * LANES) * search.rate[k, c]
                if inside >> k & 1:
                    within = lesser(within, served)
                else:
                    without = lesser(without, served)
        if p >= 0:
            served, joins = load(search.n, p * LANES) * tables.units[c], mask_of(search.joins[p])
            within = lesser(within, select(joins, served, never))
            without = lesser(without, select(joins, never, served))
        above = load(excess, c * LANES)
        counts = (above > 0.0) & (within < np.inf)
        store(search.kink, c * LANES, select(counts, without / within, zero))
        store(search.size, c * LANES, select(counts, above * within, zero))


@compiled
def _find_factor(kink, size, cost, rows, movable):
    """Step from kink to kink until the dollars beyond no longer pay for going on.

    0 where the slices never fill what is committed: the set is worth nothing.
    """
    never, zero = spread(np.inf), spread(0.0)
    least, most, factor = cost * (1 - ASCENT), cost * (1 + ASCENT), spread(1.0)
    while True:
        beyond, reached, after, before = zero, zero, never, zero
        above, below = factor * (1 + TIE), factor * (1 - TIE)
        for c in range(len(kink)):
            at, dollars = load(kink, c * LANES), load(size, c * LANES)
            is_above, is_reached = at > above, at >= below
            beyond = beyond + select(is_above, dollars, zero)
            reached = reached + select(is_reached, dollars, zero)
            after = lesser(after, select(is_above, at, never))
            before = greater(before, select(is_reached, zero, at))
        rises = rows & (beyond > most)
        falls = rows & movable & (reached < least) & (factor > 0.0)
        if not any_lane(rises | falls):
            return factor
        factor = select(rises, after, select(falls, before, factor))
