r"""Assignment problems by shortest augmenting paths, compiled by Numba: exact to rounding, with both potentials.

Every column starts at the least cost in it, and each row keeps one of the columns that want it. The rows left over are
assigned one after the other: Dijkstra's algorithm, on the costs reduced by the potentials, finds the shortest path
from the row to a free column, along which rows change their columns. Nothing else pays here: the inner loops run over a
row of the matrix with vector instructions, so that a path costs less than the heuristics which would save it. For the
least of many numbers, their bits are compared as whole numbers, see `_least`: for those there are vector instructions,
which halve the time of all.

What proves the answer is computed at once, as long as the costs are in the cache. The code has plain loops and neither
makes arrays nor fills them: of what Numba would compile, that was nine tenths.
"""

import functools

import numpy as np
import torch
from numba import njit

from gantut.transport._batches import in_threads
from gantut.transport._costs import SAFE

# A minimum may be taken in any order, and there are no NaNs; but infinities there are.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"nnan", "nsz", "reassoc"}}
MOST = np.int64(2**63 - 1)
TOGETHER = 1 << 18  # entries of problems that a thread solves at a time


def assign(cost):
    """Solve problems (k, n, n) in double precision.

    Returns columns of the rows, potentials f and g, each the other's c-transform and all (k, n), and sums (5, k): over
    the assigned arcs of costs, of their sizes, and of what they exceed the potentials by; and of the sizes of f and g.
    """
    *found, sums = map(torch.from_numpy, assign_arrays(cost.numpy()))
    return (*found, sums.T)


def assign_arrays(costs):
    """The same from arrays to arrays, but for the sums, which are (k, 5)."""
    costs = np.ascontiguousarray(costs)
    count, n, _ = costs.shape
    column, f, g, sums = np.empty((count, n), np.int64), *np.empty((2, count, n)), np.empty((count, 5))
    step = max(1, TOGETHER // (n * n))

    def solve(start):
        some = slice(start, start + step)
        _solve_all(costs[some], column[some], f[some], g[some], sums[some], *_memory(n))

    in_threads(solve, range(0, count, step))
    return column, f, g, sums


def assign_one(cost, mass):
    """Solve a problem (n, n) of masses that are all `mass`: plan, f and g, balanced, and those five sums."""
    n = len(cost)
    column, plan, f, g, sums = np.empty(n, np.int64), np.zeros((n, n)), np.empty(n), np.empty(n), np.empty(5)
    _solve(cost, column, f, g, sums, *_memory(n))
    _finish(column, mass, plan, f, g)
    return plan, f, g, sums


def prove(a, b, cost, solved, arcs, carried, f, g):
    """Make f the c-transform of g for the costs `solved`, and add up what the arcs (numbers i m + j) carry and pay.

    Returns f, g, what they pay, also in absolute terms, the gap, and by how much both marginals are off, in L1.
    """
    a, b, cost, solved = map(np.ascontiguousarray, (a, b, cost, solved))  # for other layouts code would be made anew
    f, sums, memory = np.empty(len(a)), np.empty(5), np.empty((3, max(cost.shape)))
    _prove(a, b, cost, solved, arcs, carried, f, g, sums, memory[0], memory[1], memory[2], memory[2].view(np.int64))
    return f, g, *sums.tolist()


def distances(x, y, p):
    """The matrix ||x_i - y_j||^p for p = 1 or 2, by differences; None if their squares might not be what they are."""
    cost = np.empty((len(x), len(y)))
    return cost if _distances(np.ascontiguousarray(x), np.ascontiguousarray(y), p == 1, *SAFE, cost) else None


def _memory(n):
    distance = np.empty(n)
    return np.empty((3, n), np.int64), np.empty((2, n)), distance, distance.view(np.int64)


def _compiled(function, options=OPTIONS):
    """Compile at the first call, and keep the result beside this file or in the user's folder, where one may write."""
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        return njit(**options)(function)


def _part_of_it(function):
    """Compile as a part of what calls it: once, not once for itself and again for its caller."""
    return njit(inline="always", **OPTIONS)(function)


@_compiled
def _solve_all(costs, column_of, f, g, sums, whole, real, distance, bits):
    for k in range(costs.shape[0]):
        _solve(costs[k], column_of[k], f[k], g[k], sums[k], whole, real, distance, bits)


@_compiled
def _solve(cost, column_of, f, g, sums, whole, real, distance, bits):
    _assign(cost, column_of, g, whole[0], whole[1], whole[2], distance, bits, real[0], real[1])
    _tighten(cost, column_of, f, g, distance, bits)
    _add_up(cost, column_of, f, g, sums)


@_part_of_it
def _assign(cost, column_of, g, row_of, before, reached, distance, bits, length, open_g):
    _start(cost, g, column_of, row_of, before)
    for i in range(cost.shape[0]):
        if column_of[i] < 0:
            end, size = _shortest_path(cost, g, i, row_of, before, distance, bits, open_g, reached, length)
            for done in range(size):
                g[reached[done]] += length[done] - distance[end]
            _swap_along(before, end, i, column_of, row_of)


@_part_of_it
def _start(cost, g, column_of, row_of, least_row):
    """Give every column the least cost in it, and every row one of the columns where it is the one of least cost."""
    for j in range(g.shape[0]):
        g[j], least_row[j], column_of[j], row_of[j] = cost[0, j], 0, -1, -1
    for i in range(1, cost.shape[0]):
        row = cost[i]
        for j in range(row.shape[0]):
            lower = row[j] < g[j]
            g[j] = row[j] if lower else g[j]
            least_row[j] = i if lower else least_row[j]
    for j in range(g.shape[0]):
        if column_of[least_row[j]] < 0:
            column_of[least_row[j]], row_of[j] = j, least_row[j]


@_part_of_it
def _shortest_path(cost, g, start, row_of, before, distance, bits, open_g, reached, length):
    """Dijkstra's algorithm from a free row: return the nearest free column, and how many were nearer.

    Those are `reached`, at their `length`; `before` says from which row a column is reached.
    """
    for j in range(g.shape[0]):
        distance[j], open_g[j] = np.inf, g[j]
    i, shift, size = start, 0.0, 0
    while True:
        _look_from(cost[i], open_g, shift, i, distance, before)
        j = _place_of_least(bits)
        if row_of[j] < 0:
            return j, size
        reached[size], length[size] = j, distance[j]
        size += 1
        i = row_of[j]  # an assigned arc has no length: the row is as far as its column
        shift = cost[i, j] - g[j] - distance[j]
        open_g[j], distance[j] = -np.inf, np.inf  # closed: no way to it is short


@_compiled
def _look_from(row, g, shift, i, distance, before):
    for j in range(row.shape[0]):
        offer = row[j] - g[j] - shift
        shorter = offer < distance[j]
        distance[j] = offer if shorter else distance[j]
        before[j] = i if shorter else before[j]


@_compiled
def _place_of_least(bits):
    least, place = _least(bits), 0
    while bits[place] != least:
        place += 1
    return place


@_compiled
def _least(bits):
    """The bits of the least number: as whole numbers they have its order, with those of negative ones turned round."""
    least = MOST
    for j in range(bits.shape[0]):
        least = min(least, bits[j] ^ ((bits[j] >> 63) & MOST))
    return least ^ ((least >> 63) & MOST)


@_part_of_it
def _swap_along(before, end, start, column_of, row_of):
    j = end
    while True:
        i = before[j]
        row_of[j] = i
        column_of[i], j = j, column_of[i]
        if i == start:
            return


@_part_of_it
def _tighten(cost, column_of, f, g, slack, bits):
    """Make each potential the other's c-transform: all constraints hold then, those of the assigned arcs tightly."""
    for i in range(cost.shape[0]):
        f[i] = cost[i, column_of[i]] - g[column_of[i]]
    for j in range(g.shape[0]):
        g[j] = cost[0, j] - f[0]
    for i in range(1, cost.shape[0]):
        row, its_f = cost[i], f[i]
        for j in range(row.shape[0]):
            g[j] = min(g[j], row[j] - its_f)
    _transform(cost, f, g, slack, bits)


@_compiled
def _transform(cost, f, g, slack, bits):
    """Make f the c-transform of g."""
    for i in range(cost.shape[0]):
        row = cost[i]
        for j in range(row.shape[0]):
            slack[j] = row[j] - g[j]
        bits[0] = _least(bits)
        f[i] = slack[0]


@_part_of_it
def _add_up(cost, column_of, f, g, sums):
    paid, size, gap, of_f, of_g = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(cost.shape[0]):
        each = cost[i, column_of[i]]
        paid += each
        size += abs(each)
        gap += each - f[i] - g[column_of[i]]
        of_f += abs(f[i])
        of_g += abs(g[i])
    sums[0], sums[1], sums[2], sums[3], sums[4] = paid, size, gap, of_f, of_g


@_compiled
def _finish(column_of, mass, plan, f, g):
    """Fill the plan, and choose the free constant of the potentials so that <a, f> = <b, g>."""
    shift = 0.0
    for i in range(f.shape[0]):
        plan[i, column_of[i]] = mass
        shift += g[i] - f[i]
    shift /= 2 * f.shape[0]
    for i in range(f.shape[0]):
        f[i] += shift
        g[i] -= shift


@_compiled
def _prove(a, b, cost, solved, arcs, carried, f, g, sums, over_a, over_b, slack, bits):
    _transform(solved, f, g, slack[: b.size], bits[: b.size])
    for i in range(a.size):
        over_a[i] = -a[i]
    for j in range(b.size):
        over_b[j] = -b[j]
    paid, size, gap, off_a, off_b = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(arcs.size):
        i, j, mass = arcs[k] // b.size, arcs[k] % b.size, carried[k]
        paid += mass * cost[i, j]
        size += mass * abs(cost[i, j])
        gap += mass * (cost[i, j] - f[i] - g[j])  # each term is small: nothing cancels
        over_a[i] += mass
        over_b[j] += mass
    for i in range(a.size):
        gap += over_a[i] * f[i]
        off_a += abs(over_a[i])
    for j in range(b.size):
        gap += over_b[j] * g[j]
        off_b += abs(over_b[j])
    sums[0], sums[1], sums[2], sums[3], sums[4] = paid, size, gap, off_a, off_b


@functools.partial(_compiled, options=OPTIONS | {"fastmath": False})  # there may be NaNs
def _distances(x, y, rooted, least, most, cost):
    small = True
    for z in (x, y):
        for i in range(z.shape[0]):
            for k in range(z.shape[1]):
                if not abs(z[i, k]) < most:
                    return False
                small = small and abs(z[i, k]) <= least
    for i in range(x.shape[0]):
        row = cost[i]
        for j in range(row.shape[0]):
            row[j] = (x[i, 0] - y[j, 0]) ** 2
        for k in range(1, x.shape[1]):
            for j in range(row.shape[0]):
                row[j] += (x[i, k] - y[j, k]) ** 2
        if rooted:
            for j in range(row.shape[0]):
                row[j] = np.sqrt(row[j])
    return not small
