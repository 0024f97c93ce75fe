"""Sorting long rows of float64 by their digits: for some thousand numbers twice as fast as by comparison.

A float's bits, read as a whole number, are in the order of the floats once the sign bit is flipped, and all bits of the
negative ones (Herf 2001, *Radix tricks*). Rows of such numbers are sorted by eleven bits after eleven, from the last.
"""

import numpy as np

from gantut.transport._numba import compiled

BITS = 11
PASSES = 6  # of eleven bits: 64
SIGN = np.uint64(1) << np.uint64(63)
DIGIT = np.uint64((1 << BITS) - 1)


@compiled
def sort(rows):
    """Sort the rows (B, n), float64 and contiguous, in place; NaNs come last or, of negative sign, first."""
    n = rows.shape[1]
    other, places = np.empty(n, np.uint64), np.empty((PASSES, 1 << BITS), np.int64)
    for row in range(rows.shape[0]):
        keys = rows[row].view(np.uint64)
        _count_digits(keys, places)
        here, there = keys, other
        for k in range(PASSES):
            if _distribute(here, there, places[k], np.uint64(k * BITS)):
                here, there = there, here
        for j in range(n):
            keys[j] = here[j] ^ SIGN if here[j] & SIGN else ~here[j]


@compiled
def _count_digits(keys, counts):
    """Turn the floats' bits into keys, in place, and count how often each digit has each value."""
    counts[:] = 0
    for j in range(keys.shape[0]):
        key = ~keys[j] if keys[j] & SIGN else keys[j] | SIGN
        keys[j] = key
        for k in range(PASSES):
            counts[k, (key >> np.uint64(k * BITS)) & DIGIT] += 1


@compiled
def _distribute(here, there, counts, shift):
    """Write the keys in the order of one digit; False where all have the same, and nothing is to be done."""
    n, total = here.shape[0], 0
    if counts[(here[0] >> shift) & DIGIT] == n:
        return False
    for digit in range(counts.shape[0]):
        count = counts[digit]
        counts[digit] = total  # from here on: the place of the next key with this digit
        total += count
    for j in range(n):
        digit = (here[j] >> shift) & DIGIT
        there[counts[digit]] = here[j]
        counts[digit] += 1
    return True
