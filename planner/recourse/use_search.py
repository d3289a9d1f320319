r"""Compiled search for an hour's dispatch of the greatest reward, and for the dual prices of it.

A row's problem for rewards :math:`\lambda \ge 0` of targets (pools, then plans), and its dual:

.. math:: \max \sum_{tc} \lambda_t r_{tc} x_{tc} \quad s.t.\; \sum_t x_{tc} \le u_c,\;
    \sum_c r_{tc} x_{tc} \le R_t, \qquad
    \min \sum_t R_t \alpha_t + \sum_c u_c \beta_c,\; \beta_c \ge r_{tc} (\lambda_t - \alpha_t)

Solved by the primal simplex with generalized upper bounds (Dantzig and Van Slyke 1967): every slice
has a *key*, its basic way of being served or left, so that a basis holds one more amount per
target. Amounts are shares: of a slice's usage, of a target's commitment. An amount touches its own
target and its slice's key's, so that a basis is a graph whose nodes are targets (see `use_graph`).

Targets of which nothing is committed have no part in it; others' positions among them are *rows*
of the program. Nothing is allocated in here. Compiled code is cached by the date of `use_kernels`:
touch that file after editing this one.
"""

import numpy as np

from planner.recourse.lines import compiled
from planner.recourse.use_graph import PIVOT, find_worths, grow, slice_at, spread

STEEP = 1e-11
"""Reduced costs below this share of the greatest reward do not improve."""

NUDGE = 1e-12
"""Commitments are this much smaller, each a little differently, so that few steps stand still."""

BROKEN = 1e-9
"""Shares beyond all that there is, by more than this, are no dispatch."""

MOST_STEPS = 40
"""Steps per slice and target after which a row's search ends where it stands."""


@compiled
def prepare(tables, committed, space):
    """The program's rows and ways, for the searches of a stage."""
    rows, ways = 0, 0
    for t in range(len(committed)):
        space.targets[t].row = -1
        if committed[t] > 0.0:
            space.targets[t].row, space.rows[rows].target, space.rows[rows].per = (
                rows,
                t,
                1.0 / committed[t],
            )
            rows += 1
    for c in range(len(space.slices)):
        space.slices[c].first = ways
        for way in range(tables.way_first[c], tables.way_first[c + 1]):
            i = space.targets[tables.way_target[way]].row
            space.ways[way].here = -1
            if i >= 0:
                space.ways[way].here, space.ways[ways].there = ways, way
                space.ways[ways].row, space.ways[ways].slice = i, c
                space.ways[ways].takes = tables.way_rate[way] * space.rows[i].per
                ways += 1
        space.slices[c].end = ways
    space.number[0], space.number[1] = rows, ways


@compiled
def set_rewards(committed, reward, space):
    """Rewards of whole commitments, the greatest 1."""
    greatest = 0.0
    for t in range(len(committed)):
        greatest = max(greatest, reward[t] * committed[t])
    space.greatest[0] = greatest
    for i in range(space.number[0]):
        t = space.rows[i].target
        space.rows[i].reward = reward[t] * committed[t] / greatest if greatest > 0.0 else 0.0


@compiled
def search(starts, block, lane, space):
    """Shares of the greatest reward per unit of use, from where the row's last search ended."""
    slot = starts.slot[block, lane]
    for way in range(space.number[1]):
        space.ways[way].weight = space.ways[way].takes * space.slices[space.ways[way].slice].usage
    known = slot >= 0 and starts.known[block, lane] and _resume(starts, slot, space)
    if not known:
        _start(space)
        grow(space)
    moved = False
    for _ in range(MOST_STEPS * (len(space.slices) + space.number[0])):
        find_worths(space)
        entering = _choose(space)
        if entering < -space.number[0]:
            break
        _step(entering, space)
        moved = True
        if not grow(space):
            break
    if not _find_left(space):
        _start(space)  # a start is a dispatch, whatever was rounded
        _find_left(space)
    elif slot >= 0 and (moved or not known):
        _keep(starts, slot, space)
        starts.known[block, lane] = True


@compiled
def _room(i):
    """What is committed at a row, as a share of itself: next to all."""
    return 1.0 - NUDGE * (1.0 + (i * 0.618) % 1.0)


@compiled
def _start(space):
    """Each slice served by the best target that has room for it, as far as it has."""
    for k in range(len(space.place)):
        space.place[k] = -1
    for i in range(space.number[0]):
        space.rows[i].basis, space.rows[i].held = -1 - i, _room(i)
    for c in range(len(space.slices)):
        space.slices[c].key, space.slices[c].share = -1, 1.0
        while space.slices[c].key < 0 and _serve_more(space, c):
            pass


@compiled
def _serve_more(space, c):
    """Serve what is left of a slice by the best target with room; returns whether there is one."""
    best, most = -1, 0.0
    for way in range(space.slices[c].first, space.slices[c].end):
        if space.ways[way].weight > 0.0:
            i = space.ways[way].row
            room = space.rows[i].held if space.rows[i].basis < 0 else 0.0
            value = min(space.ways[way].weight * space.slices[c].share, room) * space.rows[i].reward
            if value > most:
                best, most = way, value
    if best < 0:
        return False
    i, weight = space.ways[best].row, space.ways[best].weight
    if weight * space.slices[c].share <= space.rows[i].held:
        space.slices[c].key = best
        space.rows[i].held -= weight * space.slices[c].share
    else:
        space.rows[i].basis, space.place[best] = best, i
        space.rows[i].held /= weight
        space.slices[c].share -= space.rows[i].held
    return True


@compiled
def _keep(starts, slot, space):
    """Keep a basis for the row's next search."""
    ways = space.number[1]
    for c in range(len(space.slices)):
        starts.key[slot, c] = (
            space.ways[space.slices[c].key].there if space.slices[c].key >= 0 else -1
        )
    for t in range(len(space.targets)):
        at = -1 - t
        if space.targets[t].row >= 0:
            at = space.rows[space.targets[t].row].basis
            if at < 0:
                at = -1 - space.rows[-1 - at].target
            elif at < ways:
                at = space.ways[at].there
            else:
                at += len(space.ways) - ways
        starts.basis[slot, t] = at


@compiled
def _resume(starts, slot, space):
    """Take up the basis that was kept; False where it is none any more, or no dispatch."""
    rows, ways, every = space.number[0], space.number[1], len(space.ways)
    for k in range(len(space.place)):
        space.place[k] = -1
    for c in range(len(space.slices)):
        space.slices[c].key, space.slices[c].share = -1, 1.0
        if starts.key[slot, c] >= 0:
            space.slices[c].key = space.ways[starts.key[slot, c]].here
            if space.slices[c].key < 0 or space.ways[space.slices[c].key].weight <= 0.0:
                return False
    for i in range(rows):
        at = starts.basis[slot, space.rows[i].target]
        if at < 0:
            if space.targets[-1 - at].row < 0:
                return False
            at = -1 - space.targets[-1 - at].row
        else:
            at = space.ways[at].here if at < every else at - every + ways
            if at < 0:
                return False
            space.place[at] = i
        space.rows[i].basis = at
    return grow(space) and _find_amounts(space)


@compiled
def _find_amounts(space):
    """Amounts of the basis; returns whether none is below 0."""
    rows, kept = space.number[0], True
    for i in range(rows):
        space.rows[i].column = _room(i)
    for c in range(len(space.slices)):
        if space.slices[c].key >= 0:
            space.rows[space.ways[space.slices[c].key].row].column -= space.ways[
                space.slices[c].key
            ].weight
    spread(space)
    for i in range(rows):
        space.rows[i].held = space.rows[i].amount
        kept &= space.rows[i].held >= -BROKEN
        space.rows[i].held = max(space.rows[i].held, 0.0)
        c = slice_at(space, i)
        if c >= 0:
            space.slices[c].share -= space.rows[i].held
    for c in range(len(space.slices)):
        kept &= space.slices[c].share >= -BROKEN
        space.slices[c].share = max(space.slices[c].share, 0.0)
    return kept


@compiled
def _choose(space):
    """What to add to the basis: a way, `ways + slice`, or `-1 - row`; below these nothing."""
    rows, ways = space.number[0], space.number[1]
    best, most = -2 - rows, STEEP
    for i in range(rows):
        if space.rows[i].worth - space.rows[i].reward > most:
            best, most = -1 - i, space.rows[i].worth - space.rows[i].reward
    for c in range(len(space.slices)):
        key, mine = space.slices[c].key, 0.0
        if key >= 0:
            mine = space.ways[key].weight * space.rows[space.ways[key].row].worth
            if -mine > most and space.place[ways + c] < 0:
                best, most = ways + c, -mine
        for way in range(space.slices[c].first, space.slices[c].end):
            if space.ways[way].weight > 0.0:
                gain = space.ways[way].weight * space.rows[space.ways[way].row].worth - mine
                if gain > most and way != key and space.place[way] < 0:
                    best, most = way, gain
    return best


@compiled
def _step(entering, space):
    """Let one more into the basis, as far as all amounts stay at or above 0."""
    rows, slices = space.rows, space.slices
    own = _set_steps(entering, space)
    most, leaving, without = _most_step(own, space)
    if leaving < 0 and without < 0:
        return
    for i in range(space.number[0]):
        change, c = most * rows[i].step, slice_at(space, i)
        rows[i].held = max(rows[i].held - change, 0.0)
        if c >= 0:
            slices[c].share += change
    if own >= 0:
        slices[own].share -= most
    if without >= 0:
        leaving = _change_key(entering, without, most, space)
    if leaving >= 0:
        if rows[leaving].basis >= 0:
            space.place[rows[leaving].basis] = -1
        rows[leaving].basis, rows[leaving].held = entering, most
        if entering >= 0:
            space.place[entering] = leaving


@compiled
def _most_step(own, space):
    """How much may enter, and the position that leaves then, or the slice without a key then."""
    rows, slices = space.rows, space.slices
    most, leaving, without = np.inf, -1, -1
    if own >= 0 and slices[own].growth < -PIVOT:
        most, without = slices[own].share / -slices[own].growth, own
    for i in range(space.number[0]):
        if rows[i].step > PIVOT and rows[i].held < most * rows[i].step:
            most, leaving, without = rows[i].held / rows[i].step, i, -1
        c = slice_at(space, i)
        if c >= 0:
            shrinks = -slices[c].growth
            if shrinks > PIVOT and slices[c].share < most * shrinks:
                most, leaving, without = slices[c].share / shrinks, -1, c
    return most, leaving, without


@compiled
def _set_steps(entering, space):
    """By how much each amount falls, and each slice's key grows, for one more of what enters.

    Returns the slice of what enters, -1 for none.
    """
    rows, ways, own = space.number[0], space.number[1], -1
    for i in range(rows):
        space.rows[i].column = 0.0
        c = slice_at(space, i)
        if c >= 0:
            space.slices[c].growth = 0.0
    if entering < 0:
        space.rows[-1 - entering].column = 1.0
    else:
        own = space.ways[entering].slice if entering < ways else entering - ways
        if entering < ways:
            space.rows[space.ways[entering].row].column += space.ways[entering].weight
        key = space.slices[own].key
        if key >= 0:
            space.rows[space.ways[key].row].column -= space.ways[key].weight
        space.slices[own].growth = -1.0
    spread(space)
    for i in range(rows):
        space.rows[i].step = space.rows[i].amount
        c = slice_at(space, i)
        if c >= 0:
            space.slices[c].growth += space.rows[i].step
    return own


@compiled
def _change_key(entering, c, amount, space):
    """Another way of the slice becomes its key; returns the basis position that it leaves."""
    ways, at = space.number[1], -1
    for i in range(space.number[0]):
        if slice_at(space, i) == c:
            at = i
    if at < 0:  # only what enters can be it
        space.slices[c].key = entering if entering < ways else -1
        space.slices[c].share = amount
    else:
        new = space.rows[at].basis
        space.place[new], space.rows[at].basis = -1, -1  # to be taken by what enters
        space.slices[c].key, space.slices[c].share = new if new < ways else -1, space.rows[at].held
    return at


@compiled
def leave_all(space):
    """All commitments and all usage are left."""
    for t in range(len(space.targets)):
        space.targets[t].left = 1.0
    for c in range(len(space.slices)):
        space.slices[c].rest = 1.0


@compiled
def _find_left(space):
    """What is left of commitments and usage, from the shares alone; False: more than there is."""
    ways, rows, kept = space.number[1], space.number[0], True
    leave_all(space)
    for c in range(len(space.slices)):
        if space.slices[c].key >= 0:
            _take(space, space.slices[c].key, max(space.slices[c].share, 0.0))
    for i in range(rows):
        if 0 <= space.rows[i].basis < ways:
            _take(space, space.rows[i].basis, space.rows[i].held)
    for t in range(len(space.targets)):
        kept &= space.targets[t].left >= -BROKEN
        space.targets[t].left = max(space.targets[t].left, 0.0)
    for c in range(len(space.slices)):
        kept &= space.slices[c].rest >= -BROKEN
        space.slices[c].rest = max(space.slices[c].rest, 0.0)
    return kept


@compiled
def _take(space, way, share):
    """Let a way serve a share of its slice."""
    space.targets[space.rows[space.ways[way].row].target].left -= space.ways[way].weight * share
    space.slices[space.ways[way].slice].rest -= share
