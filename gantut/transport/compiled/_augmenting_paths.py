r"""Assignment problems by shortest augmenting paths, compiled by Numba: exact to rounding, with both potentials.

Every column starts at the least cost in it, and each row keeps one of the columns that want it. The rows left over are
assigned one after the other: Dijkstra's algorithm, on the costs reduced by the potentials, finds the shortest path
from the row to a free column, along which rows change their columns. Nothing else pays here: the inner loops run over a
row of the matrix with vector instructions, so that a path costs less than the heuristics which would save it. What
proves the answer is computed at once, as long as the costs are in the cache.
"""

import functools

import numpy as np
import torch

from gantut.transport._batches import in_threads
from gantut.transport.compiled._distances import fill_distances
from gantut.transport.compiled._loops import OPTIONS, compiled, largest_size, part_of_it, place_of_least, transform

TOGETHER = 1 << 18  # entries of problems that a thread solves at a time
MEMORY = 8  # rows of n numbers

# Vector instructions take so many numbers of a row in one round, and what is left over one by one: that is a third of
# the time of 31. Up to `MOST_PADDED` points, rows are therefore filled up with infinite costs.
ROUND = 16
MOST_PADDED = 512


def assign(cost):
    """Solve problems (k, n, n) in double precision.

    Returns columns of the rows, potentials f and g, each the other's c-transform and all (k, n), and sums (5, k): over
    the assigned arcs of costs, of their sizes, and of what they exceed the potentials by; and of the sizes of f and g.
    """
    costs = np.ascontiguousarray(cost.numpy())
    count, n, _ = costs.shape
    column, f, g, sums = np.empty((count, n), np.int64), *np.empty((2, count, n)), np.empty((count, 5))
    step, width = max(1, TOGETHER // (n * n)), _width(n)

    def solve(start):
        some = slice(start, start + step)
        padded, memory = np.empty((n if width > n else 0, width)), np.empty((MEMORY, width))
        _solve_all(costs[some], column[some], f[some], g[some], sums[some], padded, memory)

    in_threads(solve, range(0, count, step))
    column, f, g, sums = map(torch.from_numpy, (column, f, g, sums))
    return column, f, g, sums.T


def assign_one(a, b, cost):
    """Solve a problem (n, n) of masses that are all the same.

    Returns cost, plan, f and g, balanced, and those five sums, for a mass of 1; None if masses are not all the same,
    or some mass or cost is of no ordinary size.
    """
    n = len(cost)
    a, b, cost = np.ascontiguousarray(a), np.ascontiguousarray(b), np.ascontiguousarray(cost)
    width, plan, f, g = _width(n), np.zeros((n, n)), np.empty(n), np.empty(n)
    padded, memory = np.empty((n if width > n else 0, width)), np.empty((MEMORY, width))
    done, *sums = _assign_one(a, b, cost, padded, plan, f, g, memory)
    return (cost, plan, f, g, *sums) if done else None


def assign_points(x, y, p):
    """The same for points (n, d) of masses 1/n and costs ||x_i - y_j||^p, p = 1 or 2; rows of these may be padded."""
    n, d = x.shape
    width, plan, f, g = _width(n), np.zeros((n, n)), np.empty(n), np.empty(n)
    cost, memory = np.empty((n, width)), np.empty((MEMORY + d, width))
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)  # for other layouts code would be made anew
    done, *sums = _assign_points(x, y, p == 1, cost, plan, f, g, memory)
    return (cost, plan, f, g, *sums) if done else None


def _width(n):
    return -(-n // ROUND) * ROUND if n <= MOST_PADDED else n


@functools.partial(compiled, options=OPTIONS | {"fastmath": False})  # there may be NaNs
def _are_all(masses, mass):
    for each in masses:
        if each != mass:
            return False
    return 1e-100 < mass < 1e100


@compiled
def _assign_one(a, b, cost, padded, plan, f, g, memory):
    number = memory[0]
    ordinary = _are_all(a, a[0]) and _are_all(b, a[0])
    if not ordinary or largest_size(cost.view(np.int64), number, number.view(np.int64)) < 0:
        return False, 0.0, 0.0, 0.0, 0.0, 0.0
    return _assign_balanced(_pad(cost, padded), a[0], plan, f, g, memory)


@compiled
def _assign_points(x, y, rooted, cost, plan, f, g, memory):
    if not fill_distances(x, y, rooted, cost, memory[MEMORY:]):
        return False, 0.0, 0.0, 0.0, 0.0, 0.0
    return _assign_balanced(cost, 1 / cost.shape[0], plan, f, g, memory)


@part_of_it
def _assign_balanced(cost, mass, plan, f, g, memory):
    column_of = memory[0].view(np.int64)
    paid, size, gap, of_f, of_g = _solve(cost, column_of, f, g, memory)
    _finish(column_of, mass, plan, f, g)
    return True, paid, size, gap, of_f, of_g


@compiled
def _solve_all(costs, column_of, f, g, sums, padded, memory):
    for k in range(costs.shape[0]):
        cost = _pad(costs[k], padded)
        paid, size, gap, of_f, of_g = _solve(cost, column_of[k], f[k], g[k], memory)
        sums[k, 0], sums[k, 1], sums[k, 2], sums[k, 3], sums[k, 4] = paid, size, gap, of_f, of_g


@compiled
def _pad(cost, padded):
    """The costs in rows that are as wide as these; or as they are, if there are none."""
    if padded.shape[0] == 0:
        return cost
    for i in range(cost.shape[0]):
        row, wide = cost[i], padded[i]
        for j in range(row.shape[0]):
            wide[j] = row[j]
        for j in range(row.shape[0], wide.shape[0]):
            wide[j] = np.inf
    return padded


@compiled
def _solve(cost, column_of, f, g, memory):
    bits = memory.view(np.int64)
    distance, distance_bits, wide_g = memory[1], bits[1], memory[2]
    _assign(cost, column_of, wide_g, bits[3], bits[4], bits[5], distance, distance_bits, memory[6], memory[7])
    _tighten(cost, column_of, f, wide_g, distance, distance_bits)
    for j in range(g.shape[0]):
        g[j] = wide_g[j]
    return _sums(cost, column_of, f, g)


@part_of_it
def _assign(cost, column_of, g, row_of, before, reached, distance, bits, length, open_g):
    _start(cost, g, column_of, row_of, before)
    for i in range(cost.shape[0]):
        if column_of[i] < 0:
            end, size = _shortest_path(cost, g, i, row_of, before, distance, bits, open_g, reached, length)
            for done in range(size):
                g[reached[done]] += length[done] - distance[end]
            _swap_along(before, end, i, column_of, row_of)


@part_of_it
def _start(cost, g, column_of, row_of, least_row):
    """Give every column the least cost in it, and every row a column where its cost is that, as long as one is left."""
    n, width = cost.shape
    for j in range(width):
        g[j], least_row[j], row_of[j] = cost[0, j], 0, -1
    for i in range(n):
        row = cost[i]
        column_of[i] = -1
        for j in range(width):
            lower = row[j] < g[j]
            g[j] = row[j] if lower else g[j]
            least_row[j] = i if lower else least_row[j]
    for j in range(n):
        if column_of[least_row[j]] < 0:
            column_of[least_row[j]], row_of[j] = j, least_row[j]
    for i in range(n):  # where costs are equal, others are as near: that saves most paths
        if column_of[i] < 0:
            for j in range(n):
                if row_of[j] < 0 and cost[i, j] == g[j]:
                    column_of[i], row_of[j] = j, i
                    break
    _level_rest(g, n)


@part_of_it
def _level_rest(g, n):
    """What is behind the last column costs infinitely much at any finite potential."""
    for j in range(n, g.shape[0]):
        g[j] = 0.0


@part_of_it
def _shortest_path(cost, g, start, row_of, before, distance, bits, open_g, reached, length):
    """Dijkstra's algorithm from a free row: return the nearest free column, and how many were nearer.

    Those are `reached`, at their `length`; `before` says from which row a column is reached.
    """
    for j in range(g.shape[0]):
        distance[j], open_g[j] = np.inf, g[j]
    i, shift, size = start, 0.0, 0
    while True:
        _look_from(cost[i], open_g, shift, i, distance, before)
        j = place_of_least(bits)
        if row_of[j] < 0:
            return j, size
        reached[size], length[size] = j, distance[j]
        size += 1
        i = row_of[j]  # an assigned arc has no length: the row is as far as its column
        shift = cost[i, j] - g[j] - distance[j]
        open_g[j], distance[j] = -np.inf, np.inf  # closed: no way to it is short


@compiled
def _look_from(row, g, shift, i, distance, before):
    for j in range(row.shape[0]):
        offer = row[j] - g[j] - shift
        shorter = offer < distance[j]
        distance[j] = offer if shorter else distance[j]
        before[j] = i if shorter else before[j]


@part_of_it
def _swap_along(before, end, start, column_of, row_of):
    j = end
    while True:
        i = before[j]
        row_of[j] = i
        column_of[i], j = j, column_of[i]
        if i == start:
            return


@part_of_it
def _tighten(cost, column_of, f, g, slack, bits):
    """Make each potential the other's c-transform: all constraints hold then, those of the assigned arcs tightly."""
    n, width = cost.shape
    for i in range(n):
        f[i] = cost[i, column_of[i]] - g[column_of[i]]
    for j in range(width):
        g[j] = cost[0, j] - f[0]
    for i in range(1, n):
        row, its_f = cost[i], f[i]
        for j in range(width):
            g[j] = min(g[j], row[j] - its_f)
    _level_rest(g, n)
    transform(cost, f, g, slack, bits)


@part_of_it
def _sums(cost, column_of, f, g):
    paid, size, gap, of_f, of_g = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(cost.shape[0]):
        each = cost[i, column_of[i]]
        paid += each
        size += abs(each)
        gap += each - f[i] - g[column_of[i]]
        of_f += abs(f[i])
        of_g += abs(g[i])
    return paid, size, gap, of_f, of_g


@part_of_it
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
