r"""Sorting networks, compiled by Numba: many rows are sorted side by side, without a single branch.

A sorting network is a list of comparisons: each takes two places, puts the smaller of their numbers into the first and
the larger into the second. The list does not depend on the numbers. So no jump is guessed wrongly, and what sorts one
row sorts eight in the same instructions, each in a lane of its own of the registers. Batcher (1968) found networks of
about n log²(n) / 4 comparisons. Sort both halves. Compare the first of one with the last of the other, the second with
the last but one, and so on: then the smaller half of all is on the left. It is bitonic: it rises and falls, or the
other way round. Such a half is sorted by comparing its own halves number by number, then halves of those, down to
single numbers. That this sorts is proved by zeros and ones: a network that sorts all of them sorts everything (Knuth,
*The Art of Computer Programming*, volume 3, section 5.3.4).

What costs is to load and to store. So each step loads 4 or 16 rows of lanes into registers, compares them there as
often as it may, and stores them. LLVM does not find that out from loops: hence the intrinsics. A row of infinities
stands for all rows beyond the end: comparing with it changes nothing, so that any number of rows can be sorted.

Gaps are added up in NumPy's order: the means are its own, to the last bit.
"""

import functools

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from gantut.transport.compiled._loops import compiled

_compiled = functools.partial(compiled, options={"nogil": True, "error_model": "numpy"})

BYTES = 64  # of a row of lanes: the largest register there is, and a line of the cache
ROWS = 16  # of lanes that are sorted in registers
LONGEST, LONGEST_OF_FEW = 4096, 32  # numbers in a row: of many rows, and of so few that half of the lanes are empty


def mean_gaps(u, v, rows, n, dtype):
    """The mean of |sort(u) - sort(v)| of each row of n numbers, and whether all are finite.

    Both are addresses of numbers of this dtype, row by row: a tensor tells its own ten times as fast as it becomes an
    array, and of a small problem that would be a third of the time.
    """
    means = np.empty(rows, dtype)
    if sorts_sooner(rows, n, dtype.itemsize):
        memory = np.empty(2 * (n + ROWS + 2) * (BYTES // dtype.itemsize), dtype)
        return means, _by_network(u, v, n, memory, means)
    both = np.empty((2, rows, n), dtype)
    _copy(u, v, both)
    both.sort()
    return means, _of_sorted(both, means)


def sorts_sooner(rows, n, itemsize):
    """Whether the network sorts rows of n numbers sooner than NumPy does."""
    return n <= (LONGEST if 2 * rows * itemsize > BYTES else LONGEST_OF_FEW)


def sorting(n, start=0):
    """The comparisons of a network that sorts n places, a power of two, from `start` on."""
    half = n // 2
    return [*sorting(half, start), *sorting(half, start + half), *_merging(n, start)] if half else []


def _merging(n, start=0):
    """Those that sort two sorted halves."""
    half = n // 2
    mirrored = [(start + i, start + n - 1 - i) for i in range(half)]
    return [*mirrored, *_halving(half, start), *_halving(half, start + half)]


def _halving(n, start=0):
    """Those that sort what is bitonic."""
    half = n // 2
    number_by_number = [(start + i, start + half + i) for i in range(half)]
    return [*number_by_number, *_halving(half, start), *_halving(half, start + half)] if half else []


def _rows_of_lanes(context, builder, array, value):
    """How many lanes there are, and a function that makes a place in a flat array a pointer to a row of them."""
    data, number = context.make_array(array)(context, builder, value).data, context.get_data_type(array.dtype)
    count = BYTES // context.get_abi_sizeof(number)
    kind = ir.VectorType(number, count).as_pointer()
    return count, lambda place: builder.bitcast(builder.gep(data, [place]), kind)


def _in_registers(rows, comparisons):
    """Make a function that compares rows of lanes: half of them from place a on, half from b on, `step` apart.

    Of four rows, those beyond the place `last` are the row there.
    """

    @intrinsic
    def compare(_, array, a, b, step, last):
        def code(context, builder, signature, arguments):
            _, row_at = _rows_of_lanes(context, builder, array, arguments[0])
            *starts, step, last = arguments[1:]
            places, values = [], []
            for place in starts:
                for _ in range(rows // 2):
                    inside = place
                    if rows == 4:
                        inside = builder.select(builder.icmp_signed("<", place, last), place, last)
                    places.append(row_at(inside))
                    values.append(builder.load(places[-1], align=BYTES))
                    place = builder.add(place, step)
            for i, j in comparisons:
                x, y = values[i], values[j]
                less = builder.fcmp_ordered("<", x, y)
                values[i], values[j] = builder.select(less, x, y), builder.select(less, y, x)
            for value, place in zip(values, places, strict=True):
                builder.store(value, place, align=BYTES)
            return context.get_dummy_value()

        return types.void(array, *4 * [types.int64]), code

    return compare


@intrinsic
def _transpose(_, x, start, step, y, place, apart):
    """Transpose a square of numbers: its rows are `step` apart, and `apart` where they are written to."""

    def code(context, builder, signature, arguments):
        source, start, step, target, place, apart = arguments
        count, source_at = _rows_of_lanes(context, builder, x, source)
        _, target_at = _rows_of_lanes(context, builder, y, target)
        rows, side = [], count // 2
        for _ in range(count):
            rows.append(builder.load(source_at(start), align=BYTES // count))
            start = builder.add(start, step)
        while side:  # swap the upper right and the lower left quarter of all squares twice as large
            upper = [i + count - side if i & side else i for i in range(count)]
            lower = [i + count if i & side else i + side for i in range(count)]
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), count), mask) for mask in (upper, lower)]
            for i in range(count):
                if not i & side:
                    pair = rows[i], rows[i + side]
                    rows[i], rows[i + side] = (builder.shuffle_vector(*pair, mask) for mask in masks)
            side //= 2
        for row in rows:
            builder.store(row, target_at(place), align=BYTES)
            place = builder.add(place, apart)
        return context.get_dummy_value()

    return types.void(x, types.int64, types.int64, y, *2 * [types.int64]), code


_sort_rows = _in_registers(ROWS, sorting(ROWS))
_halve_rows = _in_registers(ROWS, _halving(ROWS))
_merge_four = _in_registers(4, _merging(4))
_halve_four = _in_registers(4, _halving(4))


@intrinsic
def _pointer(_, address, like):
    """A pointer to numbers of the dtype of an array."""
    kind = types.CPointer(like.dtype)

    def code(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(kind))

    return kind(address, like), code


@_compiled
def _by_network(u, v, n, memory, means):
    rows, lanes, whole, finite = means.size, BYTES // memory.itemsize, -(-n // ROWS) * ROWS, True
    start, end = -memory.ctypes.data % BYTES // memory.itemsize, (whole + 1) * lanes
    x, y = memory[start : start + end], memory[start + end : start + 2 * end]
    for k in range(0, rows, lanes):
        for side in range(2):  # what is called in one place only is compiled only once
            lanes_of = y if side else x
            _spread(carray(_pointer(v if side else u, memory), rows * n), n, k, lanes_of)
            sort_lanes(lanes_of)
        for i in range(n * lanes):
            x[i] = abs(x[i] - y[i])
        for i in range(0, n, lanes):
            _transpose(x, i * lanes, lanes, y, i, whole)
        for lane in range(min(lanes, rows - k)):
            means[k + lane] = _sum(y[lane * whole : lane * whole + n]) / n
            finite = finite and means[k + lane] < np.inf
    return finite


@_compiled
def _spread(values, n, k, x):
    """Write row k of n numbers and those that follow into lanes: each number into a row of lanes, then infinities."""
    rows, lanes, whole = values.size // n, BYTES // x.itemsize, 0
    if k + lanes <= rows:
        whole = n // lanes * lanes
        for i in range(0, whole, lanes):
            _transpose(values, k * n + i, n, x, i * lanes, lanes)
    for lane in range(min(lanes, rows - k)):
        row = values[(k + lane) * n : (k + lane + 1) * n]
        for i in range(whole, n):
            x[i * lanes + lane] = row[i]
    for i in range(n * lanes, x.size):
        x[i] = np.inf


@_compiled
def sort_lanes(x):
    """Sort each lane of some sixteens of rows of lanes, which one more row follows: infinities."""
    lanes = BYTES // x.itemsize
    n = x.size // lanes - 1
    for done in range(ROWS, n + 1, ROWS):
        _sort_rows(x, (done - ROWS) * lanes, (done - ROWS // 2) * lanes, lanes, n * lanes)
        run = ROWS  # two runs are merged as soon as they are there, as long as they are in the cache
        while done % (2 * run) == 0 or (done == n and run < n):
            start = (done - 1) // (2 * run) * 2 * run
            if start + run < done:
                _merge(x, start, run)
            run *= 2


@_compiled
def _merge(x, start, run):
    """Merge two sorted runs of so many rows, the second of which may end before."""
    lanes, half = BYTES // x.itemsize, run // 2
    last = x.size - lanes
    end = min(start + 2 * run, last // lanes)
    for i in range(start, start + half):
        _merge_four(x, i * lanes, (2 * start + 2 * run - 1 - i - half) * lanes, half * lanes, last)
    k = ROWS  # next, rows 2 k and k apart are compared, with k a quarter or an eighth of the run; then with k / 4
    while 16 * k <= run:
        k *= 4
    while ROWS <= k <= run // 4:
        for j in range(start, end, 4 * k):
            for i in range(j, min(j + k, end)):
                _halve_four(x, i * lanes, (i + 2 * k) * lanes, k * lanes, last)
        k //= 4
    for i in range(start, end, ROWS):
        _halve_rows(x, i * lanes, (i + ROWS // 2) * lanes, lanes, last)


@_compiled
def _copy(u, v, both):
    for side in range(2):
        values, copy = carray(_pointer(v if side else u, both), both[side].size), both[side].reshape(-1)
        for i in range(copy.size):
            copy[i] = values[i]


@_compiled
def _of_sorted(both, means):
    n, finite = both.shape[2], True
    for k in range(means.size):
        gaps, others = both[0, k], both[1, k]
        for i in range(n):
            gaps[i] = abs(gaps[i] - others[i])
        means[k] = _sum(gaps) / n
        finite = finite and means[k] < np.inf
    return finite


@_compiled
def _sum(x):
    """The sum in NumPy's order: of halves, in whole eights, and up to 128 in eight sums."""
    if x.size > 128:
        half = x.size // 16 * 8
        return _sum(x[:half]) + _sum(x[half:])
    a = b = c = d = e = f = g = h = x.dtype.type(0)
    for k in range(x.size // 8):
        p = x[8 * k : 8 * k + 8]
        a, b, c, d, e, f, g, h = a + p[0], b + p[1], c + p[2], d + p[3], e + p[4], f + p[5], g + p[6], h + p[7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(x.size // 8 * 8, x.size):
        total += x[i]
    return total
