"""Tangents of the recourse in each slice's own commitment, at the dual prices of the last pass.

With the hours' m held fast, what a row proves is a sum over slices, each convex in what is
committed to it alone. One pass gives several tangents of each, where a cut has one of their sum.
"""

from numba import njit

from planner.recourse.hours import LANES
from planner.recourse.lanes import lesser, load, select, spread, store


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def run_tangents(
    first_chunk, last_chunk, tables, stages, chunks, demand, weight, warm, levels, space, totals
):
    """Take the tangents over a range of chunks.

    ``levels`` are amounts of slices [stage × slice × level]; ``space`` is working memory for a
    pair's and a slice's sums; ``totals`` of a pair [chunk × pair × level], a slice [chunk × slice
    × level] are written.
    """
    plans, series = len(tables.rate), demand.shape[1]
    of_pair, of_slice = space
    for chunk in range(first_chunk, last_chunk):
        stage = chunks.stage[chunk]
        of_pair[:], of_slice[:] = 0.0, 0.0
        for block in range(chunks.first[chunk], chunks.last[chunk]):
            rows, counts = block * series, load(weight, block * LANES)
            for c in range(len(tables.price)):
                if tables.shared[c] >= 0:
                    continue
                usage, price = spread(0.0), spread(tables.price[c])
                for pair in range(tables.pair_first[c], tables.pair_first[c + 1]):
                    amount = load(demand, (rows + tables.pair_series[pair]) * LANES)
                    usage = usage + amount * stages.factor[stage, pair]
                for j in range(plans):
                    if tables.per_rate[j, c] > 0.0:
                        m = load(warm.plan, (block * plans + j) * LANES)
                        price = lesser(price, m * tables.rate[j, c])
                price = price * counts
                for k in range(levels.shape[2]):
                    counted = select(usage > levels[stage, c, k], price, spread(0.0))
                    at = (c * levels.shape[2] + k) * LANES
                    store(of_slice, at, load(of_slice, at) + counted)
                    for pair in range(tables.pair_first[c], tables.pair_first[c + 1]):
                        amount = load(demand, (rows + tables.pair_series[pair]) * LANES)
                        at = (pair * levels.shape[2] + k) * LANES
                        store(of_pair, at, load(of_pair, at) + counted * amount)
        for sums, total in ((of_pair, totals[0]), (of_slice, totals[1])):
            for i in range(total.shape[1]):
                for k in range(total.shape[2]):
                    summed = 0.0
                    for lane in range(LANES):
                        summed += sums[i, k, lane]
                    total[chunk, i, k] = summed
