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
from gantut.transport._costs import SAFE
from gantut.transport.compiled._distances import fill_distances
from gantut.transport.compiled._loops import OPTIONS, compiled, largest_size, part_of_it, place_of_least, transform

TOGETHER = 1 << 18  # entries of problems that a thread solves at a time


def assign(cost):
    """Solve problems (k, n, n) in double precision.

    Returns columns of the rows, potentials f and g, each the other's c-transform and all (k, n), and sums (5, k): over
    the assigned arcs of costs, of their sizes, and of what they exceed the potentials by; and of the sizes of f and g.
    """
    costs = np.ascontiguousarray(cost.numpy())
    count, n, _ = costs.shape
    column, f, g, sums = np.empty((count, n), np.int64), *np.empty((2, count, n)), np.empty((count, 5))
    step = max(1, TOGETHER // (n * n))

    def solve(start):
        some = slice(start, start + step)
        _solve_all(costs[some], column[some], f[some], g[some], sums[some], *_memory(n))

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
    plan, f, g, sums, memory = np.zeros((n, n)), np.empty(n), np.empty(n), np.empty(5), _memory(n)
    done = _assign_one(a, b, cost, cost.view(np.int64), plan, f, g, sums, *memory)
    return (cost, plan, f, g, sums.tolist()) if done else None


def assign_points(x, y, p):
    """The same for points (n, d) of masses 1/n and costs ||x_i - y_j||^p, p = 1 or 2."""
    n = len(x)
    x, y, cost = np.ascontiguousarray(x), np.ascontiguousarray(y), np.empty((n, n))
    plan, f, g, sums, memory = np.zeros((n, n)), np.empty(n), np.empty(n), np.empty(5), _memory(n)
    done = _assign_points(x, y, p == 1, *SAFE, cost, plan, f, g, sums, *memory)
    return (cost, plan, f, g, sums.tolist()) if done else None


def _memory(n):
    real = np.empty((3, n))
    return np.empty((4, n), np.int64), real, real.view(np.int64)


@functools.partial(compiled, options=OPTIONS | {"fastmath": False})  # there may be NaNs
def _are_all(masses, mass):
    for each in masses:
        if each != mass:
            return False
    return 1e-100 < mass < 1e100


@compiled
def _assign_one(a, b, cost, cost_bits, plan, f, g, sums, whole, real, bits):
    if not _are_all(a, a[0]) or not _are_all(b, a[0]) or largest_size(cost_bits, real[2], bits[2]) < 0:
        return False
    _solve(cost, whole[3], f, g, sums, whole, real, bits)
    _finish(whole[3], a[0], plan, f, g)
    return True


@compiled
def _assign_points(x, y, rooted, least, most, cost, plan, f, g, sums, whole, real, bits):
    if not fill_distances(x, y, rooted, least, most, cost):
        return False
    _solve(cost, whole[3], f, g, sums, whole, real, bits)
    _finish(whole[3], 1 / cost.shape[0], plan, f, g)
    return True


@compiled
def _solve_all(costs, column_of, f, g, sums, whole, real, bits):
    for k in range(costs.shape[0]):
        _solve(costs[k], column_of[k], f[k], g[k], sums[k], whole, real, bits)


@compiled
def _solve(cost, column_of, f, g, sums, whole, real, bits):
    _assign(cost, column_of, g, whole[0], whole[1], whole[2], real[2], bits[2], real[0], real[1])
    _tighten(cost, column_of, f, g, real[2], bits[2])
    _add_up(cost, column_of, f, g, sums)


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
    for i in range(cost.shape[0]):  # where costs are equal, others are as near: that saves most paths
        if column_of[i] < 0:
            for j in range(g.shape[0]):
                if row_of[j] < 0 and cost[i, j] == g[j]:
                    column_of[i], row_of[j] = j, i
                    break


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
    for i in range(cost.shape[0]):
        f[i] = cost[i, column_of[i]] - g[column_of[i]]
    for j in range(g.shape[0]):
        g[j] = cost[0, j] - f[0]
    for i in range(1, cost.shape[0]):
        row, its_f = cost[i], f[i]
        for j in range(row.shape[0]):
            g[j] = min(g[j], row[j] - its_f)
    transform(cost, f, g, slack, bits)


@part_of_it
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
