"""What surrounds the solvers, in a few passes over the costs: distances between points, and the proof of an optimum."""

import functools

import numpy as np

from gantut.transport._costs import SAFE
from gantut.transport.compiled._loops import OPTIONS, compiled, transform


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


@compiled
def _prove(a, b, cost, solved, arcs, carried, f, g, sums, over_a, over_b, slack, bits):
    transform(solved, f, g, slack[: b.size], bits[: b.size])
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


@functools.partial(compiled, options=OPTIONS | {"fastmath": False})  # there may be NaNs
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
