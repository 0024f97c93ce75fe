"""What the compiled solvers share: how to compile, and the least of many numbers.

For the least of many numbers, their bits are compared as whole numbers, see :func:`least_bits`: for those there are
vector instructions, which halve the time of all. The code has plain loops and neither makes arrays nor fills them: of
what Numba would compile, that was nine tenths.
"""

import numpy as np
from numba import njit

# A minimum may be taken in any order, and there are no NaNs; but infinities there are.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"nnan", "nsz", "reassoc"}}
MOST = np.int64(2**63 - 1)  # all bits but the sign's

# Taken for whole numbers, the bits of positive numbers have their order: up to here no sum or product overflows, from
# here on none vanishes. Zero, negative numbers, infinity and NaN are outside.
HUGE, TINY = (int(np.float64(limit).view(np.int64)) for limit in (1e100, 1e-100))


def compiled(function, options=OPTIONS):
    """Compile at the first call, and keep the result beside this file or in the user's folder, where one may write."""
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        return njit(**options)(function)


def part_of_it(function):
    """Compile as a part of what calls it: once, not once for itself and again for its caller."""
    return njit(inline="always", **OPTIONS)(function)


@compiled
def place_of_least(bits):
    least, place = least_bits(bits), 0
    while bits[place] != least:
        place += 1
    return place


@compiled
def least_bits(bits):
    """The bits of the least number: as whole numbers they have its order, with those of negative ones turned round."""
    least = MOST
    for j in range(bits.shape[0]):
        least = min(least, bits[j] ^ ((bits[j] >> 63) & MOST))
    return least ^ ((least >> 63) & MOST)


@compiled
def transform(cost, f, g, slack, bits):
    """Make f the c-transform of g."""
    for i in range(cost.shape[0]):
        row = cost[i]
        for j in range(row.shape[0]):
            slack[j] = row[j] - g[j]
        bits[0] = least_bits(bits)
        f[i] = slack[0]


@part_of_it
def largest_size(cost_bits, number, its_bits):
    """The largest size of a cost, or -1 where it is none to do sums with; the first of `number` is overwritten."""
    largest = np.int64(0)
    for i in range(cost_bits.shape[0]):
        row = cost_bits[i]
        for j in range(row.shape[0]):
            largest = max(largest, row[j] & MOST)
    its_bits[0] = largest
    return number[0] if largest == 0 or TINY < largest < HUGE else -1.0
