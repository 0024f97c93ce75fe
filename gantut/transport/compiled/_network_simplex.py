r"""The network simplex for transport with any masses, compiled by Numba: exact to rounding, with both potentials.

A plan that is no mixture of others uses n + m - 1 arcs at most, and they make a tree of all rows and columns. Along the
tree the potentials follow from f_i + g_j = C_ij, one after the other. An arc outside that they exceed, f_i + g_j >
C_ij, closes a circle; mass sent round it gets cheaper, until another arc of the circle is empty and leaves the tree.
When no arc is exceeded any more, the potentials prove the plan optimal.

Three things make it fast. The first tree takes the cheapest arc that is left, again and again. An arc to enter is
looked for in whole rows of the matrix, with vector instructions. And of the two parts into which a tree falls without
the leaving arc, the smaller one moves: either may keep its potentials, as they hold up to a constant.

Nodes are numbered, rows first, then columns. `potential` holds f of a row and -g of a column, so that a part moves by
one number; `flow` what the arc to the parent carries; `size` how many nodes there are from a node down. Children of a
node are a list: its `child` is the youngest, whose `elder` is the next one.
"""

import numpy as np

from gantut.transport.compiled._loops import compiled, part_of_it, place_of_least

# An arc enters the tree if the potentials exceed its cost by more than this share of the largest cost.
ROUNDING = 1e-13
ROWS_AT_A_TIME = 2  # in which the arc is looked for that is exceeded the most: few circles are wanted, and few looks
MOST_CIRCLES = 100  # for each node: ten times the usual. Where many arcs of the tree are empty, they might never end


def solve(a, b, cost, largest):
    """Return a plan as arcs (numbers i m + j) and the amounts on them, and potentials f (n,) and g (m,); or None.

    All masses are positive, and no cost is larger than `largest`, nor less than minus that.
    """
    n, m = cost.shape
    tree, real = np.empty((9, n + m), np.int64), np.empty((6, n + m))
    real[0, :n], real[0, n:] = a, b
    count = _solve(cost, ROUNDING * largest, tree, real, real.view(np.int64))
    if count < 0:
        return None
    potential = real[2]
    return tree[8, :count], real[0, :count], potential[:n].copy(), -potential[n:]


@compiled
def _solve(cost, rounding, tree, real, bits):
    n, m = cost.shape
    parent, size, flow, potential = tree[0], tree[1], real[1], real[2]
    children = tree[2], tree[3], tree[4]
    root = _cheapest_first(cost, real[0], parent, size, children, flow, tree[5], tree[6][:n], real[3], bits[3], real[4], bits[4], real[5])
    _find_potentials(cost, parent, tree[5], root, potential)
    row, seen, circles = 0, 0, 0
    while seen < n:
        u, v, excess, row, looked = _most_exceeded(cost, potential, row, rounding, real[3], bits[3])
        if u < 0:
            seen += looked
            continue
        seen, circles = 0, circles + 1
        if circles > MOST_CIRCLES * (n + m):
            return -1
        top, leaving, above_u, amount = _send_round(parent, size, flow, u, v, n)
        inner, outer = (u, v) if above_u else (v, u)
        root, inner, outer, end, moving = _cut(parent, size, children, root, leaving, top, inner, outer)
        _turn_round(parent, size, children, flow, inner, outer, end, moving, amount)
        _shift(children, potential, inner, -excess if inner < n else excess, tree[7])
    return _arcs_in_use(parent, flow, n, m, tree[8], real[0])


@part_of_it
def _cheapest_first(cost, left, parent, size, children, flow, order, at, slack, slack_bits, least, least_bits, closed):
    """Make a tree by the cheapest arc of all that are left, again and again, and return its root.

    Each arc takes what is left of its row or of its column, which is done with: the other end becomes its parent.
    """
    n, m = cost.shape
    slack, slack_bits, least, least_bits = slack[:m], slack_bits[:m], least[:n], least_bits[:n]
    for v in range(n + m):
        parent[v], size[v], children[0][v] = -1, 1, -1
    for j in range(m):
        closed[j] = 0.0
    for i in range(n):
        at[i] = _cheapest_open(cost[i], closed, slack, slack_bits)
        least[i] = slack[at[i]]
    rows, columns, up = n, m, 0
    for k in range(n + m - 1):
        i = place_of_least(least_bits)
        while closed[at[i]] > 0:
            at[i] = _cheapest_open(cost[i], closed, slack, slack_bits)
            least[i] = slack[at[i]]
            i = place_of_least(least_bits)
        v, up = i, n + at[i]
        if columns == 1 or (rows > 1 and left[v] <= left[up]):
            rows -= 1
            least[i] = np.inf
        else:
            v, up = up, v
            columns -= 1
            closed[at[i]] = np.inf
        order[k] = v
        parent[v], flow[v] = up, left[v]
        left[up] = max(left[up] - left[v], 0.0)  # the totals may differ by roundings
        size[up] += size[v]
        _link(children, up, v)
    return up


@compiled
def _cheapest_open(row, closed, slack, bits):
    for j in range(row.shape[0]):
        slack[j] = row[j] + closed[j]
    return place_of_least(bits)


@part_of_it
def _find_potentials(cost, parent, order, root, potential):
    """Parents are done with after their children."""
    n = cost.shape[0]
    potential[root] = 0.0
    for k in range(potential.size - 2, -1, -1):
        v, up = order[k], parent[order[k]]
        potential[v] = potential[up] + (cost[v, up - n] if v < n else -cost[up, v - n])


@part_of_it
def _most_exceeded(cost, potential, row, rounding, slack, bits):
    """Look through a few rows: the arc from u to v that the potentials exceed the most, and by how much; u = -1 if none.

    Returns also the row to go on from, and how many were seen.
    """
    n, m = cost.shape
    minus_g = potential[n:]
    u, v, lowest, looked = -1, -1, -rounding, 0
    while looked < ROWS_AT_A_TIME:
        j = _cheapest_open(cost[row], minus_g, slack[:m], bits[:m])
        if slack[j] - potential[row] < lowest:
            u, v, lowest = row, n + j, slack[j] - potential[row]
        row = row + 1 if row + 1 < n else 0
        looked += 1
    return u, v, -lowest, row, looked


@part_of_it
def _send_round(parent, size, flow, u, v, n):
    """Send round the circle that the arc from u to v closes as much as there is to send.

    Returns the node where its sides meet, the one below the arc that is empty then, whether that is on the side of u,
    and how much it was.
    """
    x, y, amount, leaving, above_u = u, v, np.inf, -1, False
    while x != y:
        if size[x] < size[y]:  # a node above both is larger than both
            if x < n and flow[x] < amount:  # what a row sends along the new arc its parent gets no more
                amount, leaving, above_u = flow[x], x, True
            x = parent[x]
        else:
            if y >= n and flow[y] <= amount:
                amount, leaving, above_u = flow[y], y, False
            y = parent[y]
    if amount > 0:
        while u != x:
            flow[u] += -amount if u < n else amount
            u = parent[u]
        while v != x:
            flow[v] += amount if v < n else -amount
            v = parent[v]
    return x, leaving, above_u, amount


@part_of_it
def _cut(parent, size, children, root, leaving, top, inner, outer):
    """Cut the tree above the node `leaving`, and choose the smaller part, which is to move below the other.

    `inner` is the end of the new arc in the part below, `outer` the other. Returns the root, the new arc's end in the
    part that moves and the other, that part's old root, and its size.
    """
    below, rest = size[leaving], size[root] - size[leaving]
    above = parent[leaving]
    _unlink(children, above, leaving)
    if below <= rest:
        _resize(parent, size, above, top, -below)
        _resize(parent, size, outer, top, below)
        return root, inner, outer, leaving, below
    _resize(parent, size, above, -1, -below)
    parent[leaving] = -1
    _resize(parent, size, inner, -1, rest)
    return leaving, outer, inner, root, rest


@part_of_it
def _turn_round(parent, size, children, flow, inner, outer, end, moving, amount):
    """Hang the part that moves below `outer`, by its node `inner`: the way from there up to its old root, `end`, turns."""
    v, up, carried, its_size = inner, outer, amount, moving
    while True:
        old, old_flow, old_size = parent[v], flow[v], size[v]
        if v != end:
            _unlink(children, old, v)
        parent[v], flow[v], size[v] = up, carried, its_size
        _link(children, up, v)
        if v == end:
            return
        v, up, carried, its_size = old, v, old_flow, moving - old_size


@part_of_it
def _shift(children, potential, top, change, waiting):
    """Move the potentials from a node down."""
    child, elder, _ = children
    waiting[0], count = top, 1
    while count:
        count -= 1
        v = waiting[count]
        potential[v] += change
        v = child[v]
        while v >= 0:
            waiting[count] = v
            count += 1
            v = elder[v]


@part_of_it
def _resize(parent, size, v, end, change):
    while v != end:
        size[v] += change
        v = parent[v]


@part_of_it
def _link(children, up, v):
    child, elder, younger = children
    elder[v], younger[v] = child[up], -1
    if child[up] >= 0:
        younger[child[up]] = v
    child[up] = v


@part_of_it
def _unlink(children, up, v):
    child, elder, younger = children
    if younger[v] >= 0:
        elder[younger[v]] = elder[v]
    else:
        child[up] = elder[v]
    if elder[v] >= 0:
        younger[elder[v]] = younger[v]


@part_of_it
def _arcs_in_use(parent, flow, n, m, arcs, carried):
    count = 0
    for v in range(n + m):
        if parent[v] >= 0 and flow[v] > 0:
            arcs[count] = v * m + parent[v] - n if v < n else parent[v] * m + v - n
            carried[count] = flow[v]
            count += 1
    return count
