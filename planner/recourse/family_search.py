"""Compiled search for the best dual prices of each family's commitments, given those that roam.

See `planner.recourse.ascent` for the problem.
"""

import numpy as np

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
from planner.recourse.lines import ASCENT, MOST_ROUNDS, TIE, compiled, search_line
from planner.recourse.tables import FLOOR


@compiled
def settle_families(tables, search, excess):
    """Find each family's best m, those that roam as they are; returns rows that still ascend."""
    ascending = 0
    for f in range(len(tables.family_first) - 1):
        count = search.local_first[f + 1] - search.local_first[f]
        if count == 0:
            continue
        for c in range(tables.family_first[f], tables.family_first[f + 1]):
            store(search.cap, c * LANES, without_locals(tables, search, c))
        if count == 1:
            _settle_one(tables, search, f, excess)
        else:
            ascending |= _settle_several(tables, search, f, excess)
    return ascending


@compiled
def without_locals(tables, search, c):
    """The least price of a slice without its family's commitments."""
    least = spread(tables.price[c])
    for k in range(search.sizes[0]):
        if search.rate[k, c] < np.inf:
            least = lesser(least, load(search.m, k * LANES) * search.rate[k, c])
    return least


@compiled
def _settle_one(tables, search, f, excess):
    """One commitment alone: the price above which usage no longer exceeds it."""
    i, zero = search.local_first[f], spread(0.0)
    first, last = tables.family_first[f], tables.family_first[f + 1]
    for c in range(first, last):
        rate = search.local_rate[i, c]
        covered = rate < np.inf
        per_rate = 1.0 / rate if covered else 0.0
        store(search.kink, c * LANES, load(search.cap, c * LANES) * per_rate)
        taken = rate if covered else 0.0
        store(search.size, c * LANES, load(excess, c * LANES) * taken)
    amount, best = spread(search.local_amount[i]), spread(np.inf)
    total = zero
    for c in range(first, last):
        total = total + load(search.size, c * LANES)
        at, beyond = load(search.kink, c * LANES), zero
        for other in range(first, last):
            above = load(search.kink, other * LANES) > at
            beyond = beyond + select(above, load(search.size, other * LANES), zero)
        best = lesser(best, select(beyond <= amount, at, spread(np.inf)))
    best = select(total <= amount, zero, best)
    store(search.n, i * LANES, greater(best, spread(search.local_floor[i])))


@compiled
def _settle_several(tables, search, f, excess):
    """Several commitments of a family: along ascending directions until none is left."""
    first, last = search.local_first[f], search.local_first[f + 1]
    count = tables.subset_count[last - first]
    for i in range(search.sizes[1]):
        search.joins[i] = 0
    ascending = 0
    for round_ in range(MOST_ROUNDS):
        _find_local_slopes(tables, search, f, excess)
        ascending = 0
        for s in range(1, count):
            subset = tables.subsets[last - first, s]
            cost, movable = cost_of_subset(search, first, last, subset)
            rises = load(search.of_subset_up, s * LANES) > cost * (1 + ASCENT)
            falls = movable & (load(search.of_subset_down, s * LANES) < cost * (1 - ASCENT))
            ways = lane_bits(rises | falls)
            ascending |= ways
            if ways == 0 or round_ == MOST_ROUNDS - 1:
                continue
            for i in range(first, last):
                search.joins[i] = ways if subset >> (i - first) & 1 else 0
            search_line(tables, search, f, f + 1, 0, ways, excess)
        if ascending == 0:
            break
        if round_ == MOST_ROUNDS // 2:
            rows = mask_of(ascending)
            for i in range(first, last):
                top = spread(search.local_floor[i] / FLOOR)
                store(search.n, i * LANES, select(rows, top, load(search.n, i * LANES)))
    for i in range(first, last):
        search.joins[i] = 0
    return ascending


@compiled
def cost_of_subset(search, first, last, subset):
    """What a subset of a family's commitments costs, and where all of it can fall."""
    cost, movable = spread(0.0), spread(0.0) >= 0.0
    for i in range(first, last):
        if subset >> (i - first) & 1:
            n = load(search.n, i * LANES)
            cost = cost + n * search.local_amount[i]
            movable = movable & (n > 2 * search.local_floor[i])
    return cost, movable


@compiled
def _find_local_slopes(tables, search, f, excess):
    """What a family's slices add to the slopes of its subsets, no plan that roams moving."""
    first, last = search.local_first[f], search.local_first[f + 1]
    count, zero, none = tables.subset_count[last - first], spread(0.0), spread_bits(0)
    for s in range(1, count):
        store(search.of_subset_up, s * LANES, zero)
        store(search.of_subset_down, s * LANES, zero)
    for c in range(tables.family_first[f], tables.family_first[f + 1]):
        cap = load(search.cap, c * LANES)
        least = cap
        for i in range(first, last):
            if search.local_rate[i, c] < np.inf:
                least = lesser(least, load(search.n, i * LANES) * search.local_rate[i, c])
        dollars, tied = load(excess, c * LANES) * least, least * (1 + TIE)
        bits = select(cap <= tied, spread_bits(1), none)
        for i in range(first, last):
            if search.local_rate[i, c] < np.inf:
                ties = load(search.n, i * LANES) * search.local_rate[i, c] <= tied
                bits = bits | select(ties, spread_bits(2 << (i - first)), none)
        for s in range(1, count):
            subset = tables.subsets[last - first, s] << 1
            all_in, none_in = is_empty(bits & ~subset), is_empty(bits & subset)
            up = load(search.of_subset_up, s * LANES)
            down = load(search.of_subset_down, s * LANES)
            store(search.of_subset_up, s * LANES, up + select(all_in, dollars, zero))
            store(search.of_subset_down, s * LANES, down + select(none_in, zero, dollars))
