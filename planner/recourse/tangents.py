"""Tangents of the recourse in each family's commitments, at the m of the last pass.

With the m of plans that roam held fast, what a row proves is a sum over families, each convex in
what is committed to it alone. One pass gives several tangents of each, where a cut has one of their
sum.
"""

from numba import njit

from planner.recourse.ascent import keep_prices, load_warm, price_slices
from planner.recourse.family_search import settle_families
from planner.recourse.hours import LANES
from planner.recourse.kernels import NOTHING, prepare, value_the_rest
from planner.recourse.lanes import greater, lesser, load, select, spread, store
from planner.recourse.lines import compiled


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def run_tangents(
    first_chunk, last_chunk, tables, levels, depth, is_plain, chunks, demand, weight, warm,
    search, space, totals,
):  # fmt: skip
    """Take the tangents over a range of chunks.

    ``levels`` are the stages with each of ``depth`` amounts of commitments in turn [stage ×
    level], plans that roam all active; ``is_plain`` says which families have slices with pools of
    their own and nothing else [family]; ``space`` is working memory for sums; ``totals`` of a pair
    [chunk × pair × level], a slice [chunk × slice × level], a plan [chunk × plan × level] and a
    shared pool [chunk × pool × level] are written.
    """
    of_pair, of_slice, of_plan, of_pool = space
    for chunk in range(first_chunk, last_chunk):
        of_pair[:], of_slice[:], of_plan[:], of_pool[:] = 0.0, 0.0, 0.0, 0.0
        first, last = chunks.first[chunk], chunks.last[chunk]
        stage = chunks.stage[chunk] * depth
        for block in range(first, last):
            _add_plain(
                tables, levels, stage, depth, is_plain, block, demand, weight, warm, of_pair,
                of_slice,
            )  # fmt: skip
        if len(tables.plan_family) or len(tables.most_pool):
            for k in range(depth):
                prepare(tables, levels, stage + k, search)
                for block in range(first, last):
                    _add_settled(
                        tables, levels, stage, depth, k, is_plain, block, demand, weight, warm,
                        search, space,
                    )  # fmt: skip
        for sums, total in (
            (of_pair, totals[0]),
            (of_slice, totals[1]),
            (of_plan, totals[2]),
            (of_pool, totals[3]),
        ):
            for i in range(total.shape[1]):
                for k in range(depth):
                    summed = 0.0
                    for lane in range(LANES):
                        summed += sums[i, k, lane]
                    total[chunk, i, k] = summed


@compiled
def _add_plain(
    tables, levels, stage, depth, is_plain, block, demand, weight, warm, of_pair, of_slice
):
    """Add a block's tangents of slices with pools of their own."""
    plans, counts = len(tables.rate), load(weight, block * LANES)
    rows = block * demand.shape[1]
    for f in range(len(is_plain)):
        if not is_plain[f]:
            continue
        for c in range(tables.family_first[f], tables.family_first[f + 1]):
            usage = _usage(tables, levels, stage, demand, rows, c)
            price = spread(tables.price[c])
            for j in range(plans):
                if tables.per_rate[j, c] > 0.0:
                    m = load(warm.plan, (block * plans + j) * LANES)
                    price = lesser(price, m * tables.rate[j, c])
            price = price * counts
            for k in range(depth):
                exceeds = usage > levels.capacity[stage + k, c]
                counted = select(exceeds, price, spread(0.0))
                _add(tables, demand, rows, c, k, depth, counted, of_pair, of_slice)


@compiled
def _add_settled(
    tables, levels, stage, depth, k, is_plain, block, demand, weight, warm, search, space
):
    """Add a block's tangents of other families at one level of their commitments."""
    of_pair, of_slice, of_plan, of_pool = space
    plans, pools = len(tables.rate), len(tables.most_pool)
    rows, counts = block * demand.shape[1], load(weight, block * LANES)
    for f in range(len(is_plain)):
        if not is_plain[f]:
            for c in range(tables.family_first[f], tables.family_first[f + 1]):
                usage = _usage(tables, levels, stage, demand, rows, c)
                above = greater(usage - levels.capacity[stage + k, c], spread(0.0))
                store(search.excess, c * LANES, above)
    load_warm(search, warm, block * plans, block * pools)
    settle_families(tables, search, search.excess)
    price_slices(tables, search, search.kappa)
    keep_prices(search)
    value_the_rest(tables, search, search.excess, search.kappa)
    for f in range(len(is_plain)):
        if is_plain[f]:
            continue
        for c in range(tables.family_first[f], tables.family_first[f + 1]):
            price = load(search.kappa, c * LANES)
            exceeds = load(search.excess, c * LANES) > 0.0
            exceeds = exceeds & (price > NOTHING * tables.price[c])
            counted = select(exceeds, price * counts, spread(0.0))
            _add(tables, demand, rows, c, k, depth, counted, of_pair, of_slice)
    for j in range(plans):
        if tables.plan_family[j] >= 0:
            _add_price(tables.most_plan[j], counts, search.plan_price, j, k, depth, of_plan)
    for p in range(pools):
        _add_price(tables.most_pool[p], counts, search.pool_price, p, k, depth, of_pool)


@compiled
def _usage(tables, levels, stage, demand, rows, c):
    """Usage of a slice in a block."""
    usage = spread(0.0)
    for pair in range(tables.pair_first[c], tables.pair_first[c + 1]):
        amount = load(demand, (rows + tables.pair_series[pair]) * LANES)
        usage = usage + amount * levels.factor[stage, pair]
    return usage


@compiled
def _add(tables, demand, rows, c, k, depth, counted, of_pair, of_slice):
    """Add the price of a slice's usage to its sums and its pairs'."""
    at = (c * depth + k) * LANES
    store(of_slice, at, load(of_slice, at) + counted)
    for pair in range(tables.pair_first[c], tables.pair_first[c + 1]):
        amount = load(demand, (rows + tables.pair_series[pair]) * LANES)
        at = (pair * depth + k) * LANES
        store(of_pair, at, load(of_pair, at) + counted * amount)


@compiled
def _add_price(most, counts, prices, j, k, depth, sums):
    """Add the m of a plan or pool to its sum; what stands for 0 is 0."""
    m, at = load(prices, j * LANES), (j * depth + k) * LANES
    m = select(m > NOTHING * most, m * counts, spread(0.0))
    store(sums, at, load(sums, at) + m)
