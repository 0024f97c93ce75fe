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
node are a list: its `child` is the youngest, whose `elder` is the next, whose `younger` is the first again.
"""

import numpy as np

from gantut.transport.compiled._loops import (
    HUGE,
    compiled,
    largest_size,
    least_bits,
    part_of_it,
    place_of_least,
    transform,
)

# An arc enters the tree if the potentials exceed its cost by more than this share of the largest cost.
ROUNDING = 1e-13
ROWS_AT_A_TIME = 2  # in which the arc is looked for that is exceeded the most: few circles are wanted, and few looks
MOST_CIRCLES = 100  # for each node: ten times the usual. Where many arcs of the tree are empty, they might never end


def solve(a, b, cost, solved, tolerance):
    """Solve for the costs `solved`, which are `cost` or lower, and add up what proves it for `cost`.

    Returns the plan, f and g, balanced, and sums: what is paid, also in absolute terms, the gap, by how much both
    marginals are off, in L1, the roundings of potentials, weighted, and the total mass. None if some mass or cost is
    not positive or of no ordinary size, totals differ by more than this relative tolerance, or there are too many
    circles.
    """
    n, m = cost.shape
    cost, solved = np.ascontiguousarray(cost), np.ascontiguousarray(solved)  # for other layouts code would be made anew
    plan, f, g, sums = np.zeros((n, m)), np.empty(n), np.empty(m), np.empty(7)
    tree, real = np.empty((8, n + m), np.int64), np.empty((6, n + m))
    real[0, :n], real[0, n:] = a, b
    done = _solve(cost, solved, solved.view(np.int64), tolerance, plan, f, g, sums, tree, real, real.view(np.int64))
    return (plan, f, g, sums.tolist()) if done else None


@compiled
def _solve(cost, solved, solved_bits, tolerance, plan, f, g, sums, tree, real, bits):
    n, m = cost.shape
    parent, size, order, cheapest, waiting, children = tree[0], tree[1], tree[2], tree[3], tree[4], tree[5:]
    mass, left, flow, potential, least, slack = real[0], real[1], real[2], real[3], real[4], real[5]
    a, b, least_bits, slack_bits = mass[:n], mass[n:], bits[4], bits[5]
    largest, apart = largest_size(solved_bits, slack, slack_bits), _make_one_total(mass, bits[0], a, b, tolerance)
    if largest < 0 or apart < 0:
        return False
    for v in range(n + m):
        left[v] = mass[v]
    root = _cheapest_first(
        solved, left, parent, size, children, flow, order, cheapest, slack[:m], slack_bits[:m], least[:n],
        least_bits[:n], potential[:m],
    )  # fmt: skip
    _find_potentials(solved, parent, order, root, potential)
    row, seen, circles = 0, 0, 0
    while seen < n:
        u, v, excess, row = _most_exceeded(solved, potential, row, ROUNDING * largest, slack, slack_bits)
        seen += ROWS_AT_A_TIME
        if u >= 0:
            seen, circles = 0, circles + 1
            if circles > MOST_CIRCLES * (n + m):
                return False
            top, leaving, above_u, amount = _send_round(parent, size, flow, u, v, n)
            inner, outer = (u, v) if above_u else (v, u)
            root, inner, outer, end, moving = _cut(parent, size, children, root, leaving, top, inner, outer)
            _turn_round(parent, size, children, flow, inner, outer, end, moving, amount)
            _shift(children, potential, inner, -excess if inner < n else excess, waiting)
    for j in range(m):
        g[j] = -potential[n + j]
    transform(solved, f, g, slack[:m], slack_bits[:m])
    _add_up(cost, parent, flow, a, b, plan, f, g, sums, left)
    sums[3], sums[4] = sums[3] + apart, sums[4] + apart
    return True


@part_of_it
def _make_one_total(mass, mass_bits, a, b, tolerance):
    """Make both totals the same, and return how much each side has to change; -1 if it is too much, or not positive."""
    for v in range(mass.size):
        if not 0 < mass_bits[v] < HUGE:
            return -1.0
    from_a, from_b = 0.0, 0.0
    for i in range(a.size):
        from_a += a[i]
    for j in range(b.size):
        from_b += b[j]
    if min(from_a, from_b) < 1e-100 or abs(from_a - from_b) > tolerance * max(from_a, from_b):
        return -1.0
    of_a, of_b = (1 + from_b / from_a) / 2, (1 + from_a / from_b) / 2
    for i in range(a.size):
        a[i] *= of_a
    for j in range(b.size):
        b[j] *= of_b
    return abs(from_a - from_b) / 2


@part_of_it
def _cheapest_first(cost, left, parent, size, children, flow, order, at, slack, bits, least, bits_of_least, closed):
    """Make a tree by the cheapest arc of all that are left, again and again, and return its root.

    Each arc takes what is left of its row or of its column, which is done with: the other end becomes its parent.
    """
    n, m = cost.shape
    for v in range(n + m):
        parent[v], size[v], children[0, v] = -1, 1, -1
    for j in range(m):
        closed[j] = 0.0
    for i in range(n):
        at[i] = _cheapest_open(cost[i], closed, slack, bits)
        least[i] = slack[at[i]]
    rows, columns, up = n, m, 0
    for k in range(n + m - 1):
        i = place_of_least(bits_of_least)
        while closed[at[i]] > 0:
            at[i] = _cheapest_open(cost[i], closed, slack, bits)
            least[i] = slack[at[i]]
            i = place_of_least(bits_of_least)
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
    """Look through a few rows for the arc from u to v that the potentials exceed the most; u = -1 if there is none.

    Returns also by how much, and the row to go on from.
    """
    n, m = cost.shape
    minus_g = potential[n:]
    u, v, lowest = -1, -1, -rounding
    for _ in range(ROWS_AT_A_TIME):
        its_costs = cost[row]
        for j in range(m):
            slack[j] = its_costs[j] + minus_g[j]
        bits[m] = least_bits(bits[:m])
        if slack[m] - potential[row] < lowest:
            u, v, lowest = row, n, slack[m] - potential[row]
            while bits[v - n] != bits[m]:
                v += 1
        row = row + 1 if row + 1 < n else 0
    return u, v, -lowest, row


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
    """Hang the part that moves below `outer`, by its node `inner`: the way from there to its old root, `end`, turns."""
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
    child, elder = children[0], children[1]
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
    child, elder, younger = children[0], children[1], children[2]
    elder[v], younger[v] = child[up], -1
    if child[up] >= 0:
        younger[child[up]] = v
    child[up] = v


@part_of_it
def _unlink(children, up, v):
    child, elder, younger = children[0], children[1], children[2]
    if younger[v] >= 0:
        elder[younger[v]] = elder[v]
    else:
        child[up] = elder[v]
    if elder[v] >= 0:
        younger[elder[v]] = younger[v]


@part_of_it
def _add_up(cost, parent, flow, a, b, plan, f, g, sums, over):
    """Fill the plan, add up what proves it, and choose the potentials' free constant so that <a, f> = <b, g>."""
    n, m = cost.shape
    for i in range(n):
        over[i] = -a[i]
    for j in range(m):
        over[n + j] = -b[j]
    paid, spent, gap = 0.0, 0.0, 0.0
    for v in range(n + m):
        up = parent[v]
        if up >= 0 and flow[v] > 0:
            i, j, mass = min(v, up), max(v, up) - n, flow[v]
            plan[i, j] = mass
            paid += mass * cost[i, j]
            spent += mass * abs(cost[i, j])
            gap += mass * (cost[i, j] - f[i] - g[j])  # each term is small: nothing cancels
            over[i] += mass
            over[n + j] += mass
    total, of_f, of_g, off_a, off_b, roundings = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        total += a[i]
        of_f += a[i] * f[i]
        gap += over[i] * f[i]
        off_a += abs(over[i])
        roundings += a[i] * abs(f[i])
    for j in range(m):
        of_g += b[j] * g[j]
        gap += over[n + j] * g[j]
        off_b += abs(over[n + j])
        roundings += b[j] * abs(g[j])
    shift = (of_g - of_f) / total / 2
    for i in range(n):
        f[i] += shift
    for j in range(m):
        g[j] -= shift
    sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6] = paid, spent, gap, off_a, off_b, roundings, total
