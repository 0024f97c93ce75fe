r"""Assignment problems by shortest augmenting paths, compiled by Numba: exact to rounding, with both potentials.

Every column starts at the least cost in it, and each row keeps one of the columns that want it. The rows left over are
assigned one after the other: Dijkstra's algorithm, on the costs reduced by the potentials, finds the shortest path
from the row to a free column, along which rows change their columns. Nothing else pays here: the inner loop runs over a
row of the matrix with vector instructions, so that a path costs less than the heuristics which would save it.
"""

import numpy as np
import torch
from numba import njit

from gantut.transport._batches import in_threads

# A minimum may be taken in any order, and there are no NaNs; but infinities there are.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"nnan", "nsz", "reassoc"}}
BLOCK = 64  # columns among which the nearest is found by halving; a power of two


def assign(cost):
    """Solve problems (k, n, n) in double precision; return columns of the rows, f and g, each (k, n).

    Up to rounding the potentials are feasible and tight on assigned arcs.
    """
    costs = np.ascontiguousarray(cost.numpy())
    count, n, _ = costs.shape
    column, f, g = np.empty((count, n), dtype=np.int64), np.empty((count, n)), np.empty((count, n))

    in_threads(lambda k: _assign(costs[k], column[k], f[k], g[k]), range(count))
    return tuple(map(torch.from_numpy, (column, f, g)))


def _compiled(function):
    """Compile at the first call, and keep the result beside this file or in the user's folder, where one may write."""
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return njit(**OPTIONS)(function)


@_compiled
def _assign(cost, column_of, f, g):
    n = cost.shape[1]
    row_of, before, reached = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    # beyond the last column everything stays infinitely far
    distance, half = np.full((n + BLOCK - 1) // BLOCK * BLOCK, np.inf), np.empty(BLOCK // 2)
    length, open_g = np.empty(n), np.empty(n)
    _start(cost, g, column_of, row_of, before)
    for i in range(n):
        if column_of[i] < 0:
            end, size = _shortest_path(cost, g, i, row_of, before, distance, half, open_g, reached, length)
            for done in range(size):
                g[reached[done]] += length[done] - distance[end]
            _swap_along(before, end, i, column_of, row_of)
    for i in range(n):
        f[i] = cost[i, column_of[i]] - g[column_of[i]]


@_compiled
def _start(cost, g, column_of, row_of, least_row):
    """Give every column the least cost in it, and every row one of the columns where it is the one of least cost."""
    g[:], least_row[:] = cost[0], 0
    for i in range(1, cost.shape[0]):
        row = cost[i]
        for j in range(row.shape[0]):
            lower = row[j] < g[j]
            g[j] = row[j] if lower else g[j]
            least_row[j] = i if lower else least_row[j]
    column_of[:], row_of[:] = -1, -1
    for j in range(g.shape[0]):
        if column_of[least_row[j]] < 0:
            column_of[least_row[j]], row_of[j] = j, least_row[j]


@_compiled
def _shortest_path(cost, g, start, row_of, before, distance, half, open_g, reached, length):
    """Dijkstra's algorithm from a free row: return the nearest free column, and how many were nearer.

    Those are `reached`, at their `length`; `before` says from which row a column is reached.
    """
    distance[: g.shape[0]] = np.inf
    open_g[:] = g
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


@_compiled
def _swap_along(before, end, start, column_of, row_of):
    j = end
    while True:
        i = before[j]
        row_of[j] = i
        column_of[i], j = j, column_of[i]
        if i == start:
            return
