r"""Assignment problems by shortest augmenting paths, compiled by Numba: exact to rounding, with both potentials.

Every column starts at the least cost in it, and each row keeps one of the columns that want it. The rows left over are
assigned one after the other: Dijkstra's algorithm, on the costs reduced by the potentials, finds the shortest path
from the row to a free column, along which rows change their columns. Nothing else pays here: the inner loop runs over a
row of the matrix with vector instructions, so that a path costs less than the heuristics which would save it.

What proves the answer is computed at once, as long as the costs are in the cache. The code has plain loops and neither
makes arrays nor fills them: of what Numba would compile, that was nine tenths.
"""

import numpy as np
import torch
from numba import njit

from gantut.transport._batches import in_threads

# A minimum may be taken in any order, and there are no NaNs; but infinities there are.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"nnan", "nsz", "reassoc"}}
BLOCK = 64  # columns among which the nearest is found by halving; a power of two
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
        some, padded = slice(start, start + step), -(-n // BLOCK) * BLOCK
        memory = np.empty((3, n), np.int32), np.empty((4, padded))
        _solve_all(costs[some], column[some], f[some], g[some], sums[some], *memory)

    in_threads(solve, range(0, count, step))
    return column, f, g, sums


def _compiled(function):
    """Compile at the first call, and keep the result beside this file or in the user's folder, where one may write."""
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return njit(**OPTIONS)(function)


def _part_of_it(function):
    """Compile as a part of what calls it: once, not once for itself and again for its caller."""
    return njit(inline="always", **OPTIONS)(function)


@_compiled
def _solve_all(costs, column_of, f, g, sums, whole, real):
    for k in range(costs.shape[0]):
        _assign(costs[k], column_of[k], g[k], whole[0], whole[1], whole[2], real[0], real[1], real[2], real[3])
        _tighten(costs[k], column_of[k], f[k], g[k])
        _add_up(costs[k], column_of[k], f[k], g[k], sums[k])


@_part_of_it
def _assign(cost, column_of, g, row_of, before, reached, distance, half, length, open_g):
    n = cost.shape[1]
    for j in range(distance.shape[0]):
        distance[j] = np.inf  # beyond the last column everything stays infinitely far
    _start(cost, g, column_of, row_of, before)
    for i in range(n):
        if column_of[i] < 0:
            end, size = _shortest_path(cost, g, i, row_of, before, distance, half, open_g, reached, length)
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
def _shortest_path(cost, g, start, row_of, before, distance, half, open_g, reached, length):
    """Dijkstra's algorithm from a free row: return the nearest free column, and how many were nearer.

    Those are `reached`, at their `length`; `before` says from which row a column is reached.
    """
    for j in range(g.shape[0]):
        distance[j], open_g[j] = np.inf, g[j]
    i, shift, size = start, 0.0, 0
    while True:
        _look_from(cost[i], open_g, shift, i, distance, before)
        j = _nearest(distance, half)
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
def _nearest(distance, half):
    """The first block with the least distance, by halving, which vector instructions do; then its place there."""
    best, place = np.inf, 0
    for block in range(0, distance.shape[0], BLOCK):
        for j in range(32):
            half[j] = min(distance[block + j], distance[block + j + 32])
        for j in range(16):
            half[j] = min(half[j], half[j + 16])
        for j in range(8):
            half[j] = min(half[j], half[j + 8])
        least = half[0]
        for j in range(1, 8):
            least = min(least, half[j])
        if least < best:
            best, place = least, block
    while distance[place] > best:
        place += 1
    return place


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
def _tighten(cost, column_of, f, g):
    """Make each potential the other's c-transform: all constraints hold then, those of the assigned arcs tightly."""
    for i in range(cost.shape[0]):
        f[i] = cost[i, column_of[i]] - g[column_of[i]]
    for j in range(g.shape[0]):
        g[j] = cost[0, j] - f[0]
    for i in range(1, cost.shape[0]):
        row, its_f = cost[i], f[i]
        for j in range(row.shape[0]):
            g[j] = min(g[j], row[j] - its_f)
    for i in range(cost.shape[0]):
        row, least = cost[i], np.inf
        for j in range(row.shape[0]):
            least = min(least, row[j] - g[j])
        f[i] = least


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
