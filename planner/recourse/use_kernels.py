"""Compiled passes that ask every hour what commitments can be used for.

Nothing is allocated in here. Compiled code is cached by the date of this file: touch it after
editing what it imports.
"""

from numba import njit

from planner.recourse.hours import LANES
from planner.recourse.lines import compiled
from planner.recourse.use_search import leave_all, prepare, search, set_rewards

LEFT = 1e-10
"""Targets of which no more than this share is left are used wholly."""

NOTHING = 1e-12
"""Shares below this are what rounding left."""

PROVEN = 1e-9
"""Bound and reward of a row agree within this share of the greatest reward there might be."""


SEARCHED, EXHAUSTED, APART = 0, 1, 2
"""Kinds of rows: those to be searched, those in which all commitments can be used wholly, and those
in which each target can be used as much as if there were no other."""


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def run(first, last, tables, stages, chunks, rows, reward, is_new, starts, space, own, totals):
    """The greatest reward of the rows of some chunks.

    At a new point also the kind of every row, and what each target could be used for by itself.
    """
    for chunk in range(first, last):
        stage = chunks.stage[chunk]
        committed = stages.committed[stage]
        prepare(tables, committed, space)
        set_rewards(committed, reward, space)
        _clear(is_new, chunk, own, totals)
        for block in range(chunks.first[chunk], chunks.last[chunk]):
            for lane in range(LANES):
                count = rows.hours[block, lane]
                if count > 0.0 and (is_new or rows.kind[block, lane] != EXHAUSTED):
                    _read(tables, stages, stage, rows.demand, block, lane, space)
                    if is_new:
                        alone = _count_own(tables, stages, stage, count, chunk, space, own)
                        rows.kind[block, lane] = _kind_of(alone, committed, space)
                    if rows.kind[block, lane] == SEARCHED:
                        search(starts, block, lane, space)
                        if _is_exhausted(committed, space):
                            rows.kind[block, lane] = EXHAUSTED
                if count > 0.0:
                    kind = rows.kind[block, lane]
                    _count(tables, committed, reward, kind, count, chunk, space, totals)


@compiled
def _clear(is_new, chunk, own, totals):
    """Nothing counted yet."""
    totals.doubtful[chunk] = 0
    for sums in (totals.alpha, totals.pair, totals.used):
        for k in range(sums.shape[1]):
            sums[chunk, k] = 0.0
    for sums in (own.used, own.full, own.entry):
        for k in range(sums.shape[1] if is_new else 0):
            sums[chunk, k] = 0.0


@compiled
def _kind_of(alone, committed, space):
    """The kind of a row, given whether all that is committed to each target alone could be used."""
    if not alone:
        return APART if _is_apart(committed, space) else SEARCHED
    leave_all(space)
    _fill(space)
    return EXHAUSTED if _is_exhausted(committed, space) else SEARCHED


@compiled
def _is_apart(committed, space):
    """Whether each target can be used as much as if there were no other, given how much that is.

    What is not used wholly then has slices for itself.
    """
    leave_all(space)
    for c in range(len(space.slices)):
        claims = 0
        for way in range(space.slices[c].first, space.slices[c].end):
            t = space.rows[space.ways[way].row].target
            claims += space.targets[t].own < committed[t]
        if claims > 1 and space.slices[c].usage > 0.0:
            return False
        space.slices[c].rest = 0.0 if claims else 1.0
    _fill(space)
    for t in range(len(committed)):
        if 0.0 < committed[t] <= space.targets[t].own and space.targets[t].left > LEFT:
            return False
    return True


@compiled
def _take_apart(reward, space):
    """Use and prices of each target as if there were no other."""
    for t in range(len(space.targets)):
        space.targets[t].own = 0.0
    for c in range(len(space.slices)):
        for way in range(space.slices[c].first, space.slices[c].end):
            i = space.ways[way].row
            space.targets[space.rows[i].target].own += space.ways[way].takes * space.slices[c].usage
    for i in range(space.number[0]):
        t = space.rows[i].target
        space.targets[t].left = max(1.0 - space.targets[t].own, 0.0)
        space.targets[t].alpha = reward[t] if space.targets[t].own >= 1.0 else 0.0


@compiled
def _read(tables, stages, stage, demand, block, lane, space):
    """Usage of the slices in a row."""
    for c in range(len(space.slices)):
        usage = 0.0
        for p in range(tables.pair_first[c], tables.pair_first[c + 1]):
            space.demand[p] = demand[block, tables.pair_series[p], lane]
            usage += stages.factor[stage, p] * space.demand[p]
        space.slices[c].usage = usage


@compiled
def _count_own(tables, stages, stage, count, chunk, space, totals):
    """Count a row for each target by itself; returns whether all of each could be used."""
    everything = True
    for t in range(len(tables.entry_first) - 1):
        committed, most = stages.committed[stage, t], 0.0
        for e in range(tables.entry_first[t], tables.entry_first[t + 1]):
            pair = tables.entry_pair[e]
            most += stages.factor[stage, pair] * tables.entry_rate[e] * space.demand[pair]
        space.targets[t].own = most
        if most >= committed:
            totals.full[chunk, t] += count
            totals.used[chunk, t] += count * committed
            continue
        everything = False
        totals.used[chunk, t] += count * most
        for e in range(tables.entry_first[t], tables.entry_first[t + 1]):
            value = count * tables.entry_rate[e] * space.demand[tables.entry_pair[e]]
            totals.entry[chunk, e] += value
    return everything


@compiled
def _is_exhausted(committed, space):
    """Whether nothing is left of any commitment."""
    for t in range(len(committed)):
        if committed[t] > 0.0 and space.targets[t].left > LEFT:
            return False
    return True


@compiled
def _fill(space):
    """Let commitments with something left serve what is left: no reward is lost by it."""
    for c in range(len(space.slices)):
        usage = space.slices[c].usage
        if usage > 0.0 and space.slices[c].rest > NOTHING:
            for way in range(space.slices[c].first, space.slices[c].end):
                t = space.rows[space.ways[way].row].target
                if min(space.slices[c].rest, space.targets[t].left) > NOTHING:
                    takes = space.ways[way].takes * usage
                    served = min(space.slices[c].rest, space.targets[t].left / takes)
                    space.slices[c].rest -= served
                    space.targets[t].left = max(space.targets[t].left - takes * served, 0.0)


@compiled
def _price(reward, space):
    """Dual prices of commitments, feasible however the search ended."""
    for i in range(space.number[0]):
        t = space.rows[i].target
        alpha = reward[t] - space.rows[i].worth * space.greatest[0] * space.rows[i].per
        space.targets[t].alpha = min(max(alpha, 0.0), reward[t])


@compiled
def _complete_prices(tables, reward, space):
    """The least prices of usage, and of commitments of nothing those that do not raise these."""
    nothing = False
    for t in range(len(reward)):
        if space.targets[t].row < 0:
            space.targets[t].alpha = 0.0
            nothing |= reward[t] > 0.0
    for c in range(len(space.slices)):
        most = 0.0
        for way in range(space.slices[c].first, space.slices[c].end):
            t = space.rows[space.ways[way].row].target
            rate = tables.way_rate[space.ways[way].there]
            most = max(most, rate * (reward[t] - space.targets[t].alpha))
        space.slices[c].beta = most
    if nothing:
        _price_nothing(tables, reward, space)


@compiled
def _price_nothing(tables, reward, space):
    """Prices of commitments of nothing, and what they let usage be worth that there is none of."""
    for c in range(len(space.slices)):
        for way in range(tables.way_first[c], tables.way_first[c + 1]):
            t = tables.way_target[way]
            if space.slices[c].usage > 0.0 and space.targets[t].row < 0:
                least = reward[t] - space.slices[c].beta / tables.way_rate[way]
                space.targets[t].alpha = max(space.targets[t].alpha, least)
    for c in range(len(space.slices)):
        for way in range(tables.way_first[c], tables.way_first[c + 1]):
            t = tables.way_target[way]
            if space.targets[t].row < 0:
                worth = tables.way_rate[way] * (reward[t] - space.targets[t].alpha)
                space.slices[c].beta = max(space.slices[c].beta, worth)


@compiled
def _is_proven(committed, reward, space):
    """Whether the dual prices prove that no use has a greater reward."""
    found, bound, most = 0.0, 0.0, 0.0
    for t in range(len(committed)):
        most += reward[t] * committed[t]
        found += reward[t] * committed[t] * (1.0 - space.targets[t].left)
        bound += space.targets[t].alpha * committed[t]
    for c in range(len(space.slices)):
        bound += space.slices[c].beta * space.slices[c].usage
    return bound - found <= PROVEN * most


@compiled
def _count(tables, committed, reward, kind, count, chunk, space, totals):
    """Add a row to its chunk: the last search's, unless its kind says how all is used."""
    if kind == EXHAUSTED:
        for t in range(len(committed)):
            totals.alpha[chunk, t] += count * reward[t]
            totals.used[chunk, t] += count * committed[t]
        return
    if kind == APART:
        _take_apart(reward, space)
    else:
        _fill(space)
        _price(reward, space)
    _complete_prices(tables, reward, space)
    totals.doubtful[chunk] += not _is_proven(committed, reward, space)
    for t in range(len(committed)):
        totals.alpha[chunk, t] += count * space.targets[t].alpha
        totals.used[chunk, t] += count * committed[t] * (1.0 - space.targets[t].left)
    for c in range(len(space.slices)):
        for p in range(tables.pair_first[c], tables.pair_first[c + 1]):
            totals.pair[chunk, p] += count * space.slices[c].beta * space.demand[p]
