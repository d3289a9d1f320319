"""Compiled walks over the graph of a basis of `use_search`: its nodes are a program's rows.

Each basis position is an edge between two rows, or hangs on one. Of every connected part each node
but one, the root, has an edge towards the root; the root has a position that hangs on it, or an
edge that closes a ring. Whatever is solved for is found along these edges, towards the roots or
away from them.
"""

from planner.recourse.lines import compiled

PIVOT = 1e-10
"""Amounts that change by less than this for one more of another do not change."""


@compiled
def slice_at(space, i):
    """Slice of what stands at a basis position; -1 for none."""
    at, ways = space.rows[i].basis, space.number[1]
    if at < 0:
        return -1
    return space.ways[at].slice if at < ways else at - ways


@compiled
def grow(space):
    """The graph of the basis, nodes in an order from the roots on; False where it is no basis."""
    rows, count, found, done = space.rows, space.number[0], 0, 0
    for i in range(count):
        rows[i].up, rows[i].linked = -1, -1
    for i in range(count):
        _set_ends(space, i)
        if rows[i].far < 0:
            if rows[rows[i].near].up >= 0:
                return False
            found = _root(space, rows[i].near, i, found)
    for node in range(count + 1):
        while done < found:
            found = _reach(space, rows[done].order, found)
            done += 1
        if node < count and rows[node].up < 0:  # a part whose root has a ring, found below
            found = _root(space, node, count, found)
    return _close_rings(space) and (space.number[2] == 0 or _turn_rings(space))


@compiled
def _set_ends(space, i):
    """The rows that a basis position touches, how much, and its place among those of its rows."""
    rows, ways, after = space.rows, space.ways, space.after
    at = rows[i].basis
    rows[i].far = -1
    if at < 0:
        rows[i].near, rows[i].pull = -1 - at, 1.0
        return
    key = space.slices[slice_at(space, i)].key
    if at >= space.number[1]:
        rows[i].near, rows[i].pull = ways[key].row, -ways[key].weight
        return
    rows[i].near, rows[i].pull = ways[at].row, ways[at].weight
    if key >= 0:
        near, far = rows[i].near, ways[key].row
        rows[i].far, rows[i].push = far, -ways[key].weight
        after[2 * i], rows[near].linked = rows[near].linked, 2 * i
        after[2 * i + 1], rows[far].linked = rows[far].linked, 2 * i + 1


@compiled
def _root(space, node, position, found):
    """Let a node be a root, with a basis position of its own."""
    rows = space.rows
    rows[node].up, rows[node].above, rows[node].top = position, -1, node
    rows[found].order = node
    return found + 1


@compiled
def _reach(space, node, found):
    """Find the neighbours of a node that were not found before."""
    rows, link = space.rows, space.rows[node].linked
    while link >= 0:
        i = link // 2
        other = rows[i].near if link % 2 else rows[i].far
        if rows[other].up < 0:
            rows[other].up, rows[other].above, rows[other].top = i, node, rows[node].top
            rows[found].order = other
            found += 1
        link = space.after[link]
    return found


@compiled
def _close_rings(space):
    """Give each root without a basis position the edge that closes its ring; False if it has none.

    A second ring in a part means that the basis is none.
    """
    rows, count, rings, rooted = space.rows, space.number[0], 0, True
    for i in range(count):
        near, far = rows[i].near, rows[i].far
        if far >= 0 and rows[near].up != i and rows[far].up != i:
            root = rows[near].top
            rooted &= rows[root].up == count
            rows[root].up = i
            rings += 1
    space.number[2] = rings
    for node in range(count):
        rooted &= rows[node].up != count
    return rooted


@compiled
def _turn_rings(space):
    """What one more along each ring changes in its part; False where it leaves nothing at the root.

    A ring is closed by the edge of its root.
    """
    rows, count = space.rows, space.number[0]
    for node in range(count):
        rows[node].column = 0.0
    for node in range(count):
        i = rows[node].up
        if has_ring(space, node):
            rows[rows[i].near].column -= rows[i].pull
            rows[rows[i].far].column -= rows[i].push
    _fold(space)
    for node in range(count):
        rows[node].turn = rows[node].amount
        if has_ring(space, node):
            rows[node].rest_of_ring = rows[node].column
            if abs(rows[node].column) < PIVOT:
                return False
    return True


@compiled
def has_ring(space, node):
    """Whether a node is a root with an edge that closes a ring."""
    return space.rows[node].above < 0 and space.rows[space.rows[node].up].far >= 0


@compiled
def _fold(space):
    """Amounts along the edges towards the roots that make up a column; the rest is left there."""
    rows = space.rows
    for k in range(space.number[0] - 1, -1, -1):
        node = rows[k].order
        i, above = rows[node].up, rows[node].above
        if above >= 0:
            is_near = rows[i].near == node
            mine = rows[i].pull if is_near else rows[i].push
            others = rows[i].push if is_near else rows[i].pull
            rows[i].amount = rows[node].column / mine
            rows[above].column -= others * rows[i].amount


@compiled
def spread(space):
    """Amounts of the basis that make up a column."""
    rows, count = space.rows, space.number[0]
    _fold(space)
    for node in range(count):
        if rows[node].above < 0:
            i = rows[node].up
            if rows[i].far < 0:
                rows[i].amount = rows[node].column / rows[i].pull
            else:
                rows[i].amount = -rows[node].column / rows[node].rest_of_ring
    for node in range(count if space.number[2] else 0):
        i, around = rows[node].up, rows[rows[node].top].up
        if rows[node].above >= 0 and rows[around].far >= 0:
            rows[i].amount += rows[around].amount * rows[i].turn


@compiled
def find_worths(space):
    """What a whole commitment is worth beyond its dual price: reward without price [row].

    Along an edge both ends are worth the same to its slice; roots with something left of their
    commitment have a price of 0, others are worth nothing.
    """
    rows = space.rows
    for k in range(space.number[0]):
        node = rows[k].order
        i, above = rows[node].up, rows[node].above
        if above < 0:
            rows[node].worth = rows[node].reward if rows[i].basis < 0 else 0.0
        else:
            is_near = rows[i].near == node
            mine = rows[i].pull if is_near else rows[i].push
            others = rows[i].push if is_near else rows[i].pull
            rows[node].worth = abs(rows[above].worth * others / mine)
