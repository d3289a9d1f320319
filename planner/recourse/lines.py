"""Compiled search along one direction of a block's dual prices: all in a set by one factor.

See `planner.recourse.ascent` for the problem. Along such a line the dual is concave and piecewise
linear, with a kink where a slice's cheapest way leaves the set.
"""

import numpy as np
from numba import njit

from planner.recourse.hours import LANES
from planner.recourse.lanes import (
    any_lane,
    greater,
    lesser,
    load,
    mask_of,
    select,
    spread,
    store,
)

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
def search_line(tables, search, first_family, last_family, q, rows, excess):
    """Scale a set of plans, and the commitments of some families that join, by the best factor."""
    inside = search.sets[q]
    cost, movable = cost_of_set(search, inside)
    for i in range(search.local_first[first_family], search.local_first[last_family]):
        n, joins = load(search.n, i * LANES), mask_of(search.joins[i])
        cost = cost + select(joins, n * search.local_amount[i], spread(0.0))
        movable = movable & ((n > 2 * search.local_floor[i]) | mask_of(~search.joins[i]))
    for f in range(first_family, last_family):
        _find_kinks(tables, search, f, inside, excess)
    first, last = tables.family_first[first_family], tables.family_first[last_family]
    factor = _find_factor(search, first, last, cost, mask_of(rows), movable)
    for k in range(search.sizes[0]):
        if inside >> k & 1:
            m = load(search.m, k * LANES) * factor
            store(search.m, k * LANES, greater(m, spread(search.floor[k])))
    for i in range(search.local_first[first_family], search.local_first[last_family]):
        n = load(search.n, i * LANES)
        moved = greater(n * factor, spread(search.local_floor[i]))
        store(search.n, i * LANES, select(mask_of(search.joins[i]), moved, n))


@compiled
def cost_of_set(search, inside):
    """What a set of plans that roam costs, and where all of it can fall."""
    cost, movable = spread(0.0), spread(0.0) >= 0.0
    for k in range(search.sizes[0]):
        if inside >> k & 1:
            m = load(search.m, k * LANES)
            cost, movable = cost + m * search.spend[k], movable & (m > 2 * search.floor[k])
    return cost, movable


@compiled
def _find_kinks(tables, search, f, inside, excess):
    """Factors at which each slice leaves the moving set, and the dollars it takes along."""
    never, zero = spread(np.inf), spread(0.0)
    for c in range(tables.family_first[f], tables.family_first[f + 1]):
        within, without = never, spread(tables.price[c])
        for k in range(search.sizes[0]):
            if search.rate[k, c] < np.inf:
                served = load(search.m, k * LANES) * search.rate[k, c]
                if inside >> k & 1:
                    within = lesser(within, served)
                else:
                    without = lesser(without, served)
        for i in range(search.local_first[f], search.local_first[f + 1]):
            if search.local_rate[i, c] < np.inf:
                served = load(search.n, i * LANES) * search.local_rate[i, c]
                joins = mask_of(search.joins[i])
                within = lesser(within, select(joins, served, never))
                without = lesser(without, select(joins, never, served))
        above = load(excess, c * LANES)
        counts = (above > 0.0) & (within < np.inf)
        store(search.kink, c * LANES, select(counts, without / within, zero))
        store(search.size, c * LANES, select(counts, above * within, zero))


@compiled
def _find_factor(search, first, last, cost, rows, movable):
    """Step from kink to kink until the dollars beyond no longer pay for going on.

    0 where the slices never fill what is committed: the set is worth nothing.
    """
    never, zero = spread(np.inf), spread(0.0)
    least, most, factor = cost * (1 - ASCENT), cost * (1 + ASCENT), spread(1.0)
    while True:
        beyond, reached, after, before = zero, zero, never, zero
        above, below = factor * (1 + TIE), factor * (1 - TIE)
        for c in range(first, last):
            at, dollars = load(search.kink, c * LANES), load(search.size, c * LANES)
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
