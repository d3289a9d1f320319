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
optimal; along one of them D is a weighted quantile problem.

Commitments of one family (`planner.recourse.families`) have no slice in common with another
family's. So families are settled one by one, given the m of the plans that roam; and which of a
family's commitments belong in S is decided family by family once the roaming plans in S are known.
"""

import numpy as np

from planner.recourse.family_search import cost_of_subset, settle_families, without_locals
from planner.recourse.hours import LANES
from planner.recourse.lanes import (
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
from planner.recourse.lines import (
    ASCENT,
    MOST_ROUNDS,
    TIE,
    compiled,
    cost_of_set,
    search_line,
)
from planner.recourse.tables import FLOOR, MOST_LOCAL_SUBSETS, MOST_SUBSETS


@compiled
def load_warm(search, warm, plan, pool):
    """Start the search at the m of the last pass, at or above the floor."""
    for k in range(search.sizes[0]):
        m = load(warm.plan, (plan + search.plan_at[k]) * LANES)
        store(search.m, k * LANES, greater(m, spread(search.floor[k])))
    load_locals(search, warm, plan, pool)


@compiled
def load_locals(search, warm, plan, pool):
    """Likewise the families' commitments alone."""
    for i in range(search.sizes[1]):
        if search.local_plan[i] >= 0:
            n = load(warm.plan, (plan + search.local_plan[i]) * LANES)
        else:
            n = load(warm.pool, (pool + search.local_pool[i]) * LANES)
        store(search.n, i * LANES, greater(n, spread(search.local_floor[i])))


@compiled
def keep_prices(search):
    """Give the structure's plans and pools the m found."""
    for k in range(search.sizes[0]):
        store(search.plan_price, search.plan_at[k] * LANES, load(search.m, k * LANES))
    for i in range(search.sizes[1]):
        if search.local_plan[i] >= 0:
            store(search.plan_price, search.local_plan[i] * LANES, load(search.n, i * LANES))
        else:
            store(search.pool_price, search.local_pool[i] * LANES, load(search.n, i * LANES))


@compiled
def ascend(tables, search, excess, kappa):
    """Search along ascending directions until none is left; returns rows where some are."""
    plans, locals_, ascending = search.sizes[0], search.sizes[1], 0
    for round_ in range(MOST_ROUNDS):
        unsettled = settle_families(tables, search, excess) if locals_ else 0
        if plans == 2 and locals_ == 0:
            _find_slopes_of_two(tables, search, excess, kappa)
        elif plans:
            _find_slopes(tables, search, excess, kappa)
        else:
            price_slices(tables, search, kappa)
            return unsettled
        ascending = unsettled | _find_ways(search)
        if ascending == unsettled or round_ == MOST_ROUNDS - 1:
            break
        if round_ == MOST_ROUNDS // 2:
            _restart(search, ascending)
            continue
        _search_ways(tables, search, excess)
    if plans > MOST_SUBSETS or locals_:
        ascending |= _beyond_pairs(tables, search, kappa)
    return ascending


@compiled
def _search_ways(tables, search, excess):
    """Search along each set of plans that ascends, with the commitments that join it."""
    for q in range(1, search.sizes[2]):
        ways = search.rises[q] | search.falls[q]
        if ways:
            for i in range(search.sizes[1]):
                up = search.rises[q] & search.joins_up[q, i]
                search.joins[i] = up | (~search.rises[q] & search.joins_down[q, i])
            search_line(tables, search, 0, len(tables.family_first) - 1, q, ways, excess)


@compiled
def _restart(search, ascending):
    """Start rows that still ascend from the top: from the floor, steps can be very small."""
    rows = mask_of(ascending)
    for k in range(search.sizes[0]):
        top = spread(search.floor[k] / FLOOR)
        store(search.m, k * LANES, select(rows, top, load(search.m, k * LANES)))
    for i in range(search.sizes[1]):
        top = spread(search.local_floor[i] / FLOOR)
        store(search.n, i * LANES, select(rows, top, load(search.n, i * LANES)))


@compiled
def _beyond_pairs(tables, search, kappa):
    """Rows in which so many commitments tie that the sets searched do not prove an optimum."""
    rows = 0
    for lane in range(LANES):
        linked, is_beyond = 0, False
        for f in range(len(tables.family_first) - 1):
            of_family, own = 0, 0
            for c in range(tables.family_first[f], tables.family_first[f + 1]):
                roaming, mine = _tied(search, f, c, lane, kappa[c, lane] * (1 + TIE))
                if mine:
                    of_family |= roaming
                    own |= mine if roaming | (mine & (mine - 1)) else 0
                elif roaming & (roaming - 1):
                    linked |= roaming
            linked |= of_family if of_family & (of_family - 1) else 0
            several = search.local_first[f + 1] - search.local_first[f] > MOST_LOCAL_SUBSETS
            is_beyond |= several and _are_more_than_two(own)
        if is_beyond or (search.sizes[0] > MOST_SUBSETS and _are_more_than_two(linked)):
            rows |= 1 << lane
    return rows


@compiled
def _tied(search, f, c, lane, most):
    """Plans that roam, and commitments of a slice's family, that serve it at its dual price."""
    roaming, mine, first = 0, 0, search.local_first[f]
    for k in range(search.sizes[0]):
        if search.rate[k, c] * search.m[k, lane] <= most:
            roaming |= 1 << k
    for i in range(first, search.local_first[f + 1]):
        if search.local_rate[i, c] * search.n[i, lane] <= most:
            mine |= 1 << (i - first)
    return roaming, mine


@compiled
def _are_more_than_two(bits):
    """Whether a set has more than two members."""
    fewer = bits & (bits - 1)
    return fewer & (fewer - 1) != 0


@compiled
def price_slices(tables, search, kappa):
    """The dual price of every slice: its cheapest way."""
    for f in range(len(tables.family_first) - 1):
        for c in range(tables.family_first[f], tables.family_first[f + 1]):
            store(kappa, c * LANES, _cheapest(tables, search, f, c))


@compiled
def _cheapest(tables, search, f, c):
    """The dual price of a slice of a family."""
    least = without_locals(tables, search, c)
    for i in range(search.local_first[f], search.local_first[f + 1]):
        if search.local_rate[i, c] < np.inf:
            least = lesser(least, load(search.n, i * LANES) * search.local_rate[i, c])
    return least


@compiled
def _find_slopes(tables, search, excess, kappa):
    """Dual prices of the slices, and what these add to every direction's slopes.

    Scaled up, a set moves the slices of which all cheapest ways are in it; scaled down, those of
    which any is. Of a family's commitments those join that help the most.
    """
    sets, depth, zero = search.sizes[2], search.of_subset_up.shape[1], spread(0.0)
    for q in range(1, sets):
        store(search.up, q * LANES, zero)
        store(search.up_cost, q * LANES, zero)
        store(search.down, q * LANES, zero)
        store(search.down_cost, q * LANES, zero)
    for f in range(len(tables.family_first) - 1):
        count = tables.subset_count[search.local_first[f + 1] - search.local_first[f]]
        for q in range(1, sets):
            for s in range(count):
                store(search.of_subset_up, (q * depth + s) * LANES, zero)
                store(search.of_subset_down, (q * depth + s) * LANES, zero)
        for c in range(tables.family_first[f], tables.family_first[f + 1]):
            least = _cheapest(tables, search, f, c)
            store(kappa, c * LANES, least)
            bits = _ways_of(tables, search, f, c, least * (1 + TIE))
            _add_slopes(tables, search, f, load(excess, c * LANES) * least, bits)
        _join_best(tables, search, f)


@compiled
def _ways_of(tables, search, f, c, tied):
    """A slice's cheapest ways: plans that roam, on demand, then its family's commitments."""
    plans, first, none = search.sizes[0], search.local_first[f], spread_bits(0)
    bits = select(spread(tables.price[c]) <= tied, spread_bits(1 << plans), none)
    for k in range(plans):
        if search.rate[k, c] < np.inf:
            ties = load(search.m, k * LANES) * search.rate[k, c] <= tied
            bits = bits | select(ties, spread_bits(1 << k), none)
    for i in range(first, search.local_first[f + 1]):
        if search.local_rate[i, c] < np.inf:
            ties = load(search.n, i * LANES) * search.local_rate[i, c] <= tied
            bits = bits | select(ties, spread_bits(2 << (plans + i - first)), none)
    return bits


@compiled
def _add_slopes(tables, search, f, dollars, bits):
    """Add a slice's dollars to the slopes of every set with every subset of its family."""
    plans, depth, zero = search.sizes[0], search.of_subset_up.shape[1], spread(0.0)
    locals_ = search.local_first[f + 1] - search.local_first[f]
    for q in range(1, search.sizes[2]):
        for s in range(tables.subset_count[locals_]):
            moved = search.sets[q] | tables.subsets[locals_, s] << (plans + 1)
            all_in, none_in = is_empty(bits & ~moved), is_empty(bits & moved)
            at = (q * depth + s) * LANES
            up, down = load(search.of_subset_up, at), load(search.of_subset_down, at)
            store(search.of_subset_up, at, up + select(all_in, dollars, zero))
            store(search.of_subset_down, at, down + select(none_in, zero, dollars))


@compiled
def _join_best(tables, search, f):
    """Add to every set's slopes what a family's best subset brings, and note which one it is."""
    first, last = search.local_first[f], search.local_first[f + 1]
    count, depth = tables.subset_count[last - first], search.of_subset_up.shape[1]
    for q in range(1, search.sizes[2]):
        gain = load(search.of_subset_up, q * depth * LANES)
        loss = load(search.of_subset_down, q * depth * LANES)
        gain_cost, loss_cost = spread(0.0), spread(0.0)
        for i in range(first, last):
            search.joins_up[q, i], search.joins_down[q, i] = 0, 0
        for s in range(1, count):
            subset, at = tables.subsets[last - first, s], (q * depth + s) * LANES
            cost, movable = cost_of_subset(search, first, last, subset)
            up, down = load(search.of_subset_up, at), load(search.of_subset_down, at)
            gains = up - cost > gain - gain_cost
            saves = movable & (down - cost < loss - loss_cost)
            gain, gain_cost = select(gains, up, gain), select(gains, cost, gain_cost)
            loss, loss_cost = select(saves, down, loss), select(saves, cost, loss_cost)
            ups, downs = lane_bits(gains), lane_bits(saves)
            for i in range(first, last):
                search.joins_up[q, i] &= ~ups
                search.joins_down[q, i] &= ~downs
                if subset >> (i - first) & 1:
                    search.joins_up[q, i] |= ups
                    search.joins_down[q, i] |= downs
        store(search.up, q * LANES, load(search.up, q * LANES) + gain)
        store(search.up_cost, q * LANES, load(search.up_cost, q * LANES) + gain_cost)
        store(search.down, q * LANES, load(search.down, q * LANES) + loss)
        store(search.down_cost, q * LANES, load(search.down_cost, q * LANES) + loss_cost)


@compiled
def _find_slopes_of_two(tables, search, excess, kappa):
    """`_find_slopes` for two plans and no family's commitment, all sums in registers."""
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
    for q in range(1, 4):
        store(search.up_cost, q * LANES, zero)
        store(search.down_cost, q * LANES, zero)
    store(search.up, LANES, up)
    store(search.up, 2 * LANES, other_up)
    store(search.up, 3 * LANES, both_up)
    store(search.down, LANES, down)
    store(search.down, 2 * LANES, other_down)
    store(search.down, 3 * LANES, both_down)


@compiled
def _find_ways(search):
    """Note the rows in which each direction ascends, up or down; returns those where any does."""
    ascending = 0
    for q in range(1, search.sizes[2]):
        cost, movable = cost_of_set(search, search.sets[q])
        up_cost = cost + load(search.up_cost, q * LANES)
        down_cost = cost + load(search.down_cost, q * LANES)
        up, down = load(search.up, q * LANES), load(search.down, q * LANES)
        search.rises[q] = lane_bits(up > up_cost * (1 + ASCENT))
        search.falls[q] = lane_bits(movable & (down < down_cost * (1 - ASCENT)))
        ascending |= search.rises[q] | search.falls[q]
    return ascending
