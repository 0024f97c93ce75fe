"""The matrix of costs between points."""

import functools

import numpy as np

from gantut.transport._costs import SAFE
from gantut.transport.compiled._loops import OPTIONS, compiled


def distances(x, y, p):
    """The matrix ||x_i - y_j||^p for p = 1 or 2, by differences; None if their squares might not be what they are."""
    cost = np.empty((len(x), len(y)))
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)  # for other layouts code would be made anew
    return cost if fill_distances(x, y, p == 1, *SAFE, cost) else None


@functools.partial(compiled, options=OPTIONS | {"fastmath": False})  # there may be NaNs
def fill_distances(x, y, rooted, least, most, cost):
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
