"""The matrix of costs between points."""

import functools

import numpy as np

from gantut.transport._costs import SAFE
from gantut.transport.compiled._loops import OPTIONS, compiled


def distances(x, y, p):
    """The matrix ||x_i - y_j||^p for p = 1 or 2, by differences; None if their squares might not be what they are."""
    cost, memory = np.empty((len(x), len(y))), np.empty((y.shape[1], len(y)))
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)  # for other layouts code would be made anew
    return cost if fill_distances(x, y, p == 1, cost, memory) else None


@functools.partial(compiled, options=OPTIONS | {"fastmath": False})  # there may be NaNs
def fill_distances(x, y, rooted, cost, across):
    """Fill the costs; behind the last point of y they are infinite. `across` holds y, coordinate by coordinate."""
    (least, most), small = SAFE, True
    for z in (x, y):
        for i in range(z.shape[0]):
            for k in range(z.shape[1]):
                if not abs(z[i, k]) < most:
                    return False
                small = small and abs(z[i, k]) <= least
    for k in range(x.shape[1]):
        for j in range(y.shape[0]):
            across[k, j] = y[j, k]
        for j in range(y.shape[0], cost.shape[1]):
            across[k, j] = np.inf
    for i in range(x.shape[0]):
        row, others, mine = cost[i], across[0], x[i, 0]
        for j in range(row.shape[0]):
            row[j] = (mine - others[j]) ** 2
        for k in range(1, x.shape[1]):
            others, mine = across[k], x[i, k]
            for j in range(row.shape[0]):
                row[j] += (mine - others[j]) ** 2
        if rooted:
            for j in range(row.shape[0]):
                row[j] = np.sqrt(row[j])
    return not small
