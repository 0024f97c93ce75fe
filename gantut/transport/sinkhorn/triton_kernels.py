r"""Streaming kernels in Triton: sums over the columns of :math:`2^{F_i + G_j - c\|x_i - y_j\|^p}`, p = 1 or 2.

No entry leaves the registers in which it was made. Each program has a block of rows, and goes through a span of the
columns, a block at a time; the caller puts together what several spans gave. Points come scaled by :math:`c^{1/p}`, so
that costs need no factor. Where a block begins is counted in 64 bits: clouds may have more than 2^31 coordinates.

This is the one module that imports Triton. Import it only where Triton is known to be there.
"""

import triton
import triton.language as tl

VARYING = ["near", "n", "m", "blocks", "spans", "span"]  # of which no value is worth compiling anew for


@triton.jit
def _place(blocks, spans):
    """The block of rows, the span of columns, and the problem of the batch that this program has."""
    program = tl.program_id(0).to(tl.int64)  # all three in one, as the other axes of a grid end at 65,535
    return program % blocks, (program // blocks) % spans, program // blocks // spans


@triton.jit
def _by_differences(x, y, here, there, ROWS: tl.constexpr, COLUMNS: tl.constexpr, D: tl.constexpr):
    """Squared distances (ROWS, COLUMNS), exactly zero where points agree."""
    x, y, squares = x + tl.arange(0, ROWS) * D, y + tl.arange(0, COLUMNS) * D, tl.zeros([ROWS, COLUMNS], tl.float32)
    for k in range(D):
        apart = tl.load(x + k, here, 0.0)[:, None] - tl.load(y + k, there, 0.0)[None, :]
        squares += apart * apart
    return squares


@triton.jit
def _products(
    x, y, here, there,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, D: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Inner products (ROWS, COLUMNS)."""
    i, j, products = tl.arange(0, ROWS), tl.arange(0, COLUMNS), tl.zeros([ROWS, COLUMNS], tl.float32)
    for first in range(0, D, DEPTH):
        k = first + tl.arange(0, DEPTH)
        left = tl.load(x + i[:, None] * D + k[None, :], here[:, None] & (k < D)[None, :], 0.0)
        right = tl.load(y + j[None, :] * D + k[:, None], there[None, :] & (k < D)[:, None], 0.0)
        products = tl.dot(left, right, products, input_precision=PRECISION)
    return products


@triton.jit
def _costs(
    x, y, x_squares, y_squares, here, there, near, P: tl.constexpr, D: tl.constexpr, DIRECT: tl.constexpr,
    PRECISION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """The costs; for p = 2 by products, what of them is not in the potentials already."""
    if DIRECT:
        squares = _by_differences(x, y, here, there, ROWS, COLUMNS, D)
    else:
        squares = -2.0 * _products(x, y, here, there, ROWS, COLUMNS, DEPTH, D, PRECISION)
        if P == 1:
            squares += tl.load(x_squares + tl.arange(0, ROWS), here, 0.0)[:, None]
            squares += tl.load(y_squares + tl.arange(0, COLUMNS), there, 0.0)[None, :]
            # where digits have cancelled in this tile, which is rare unless points lie in clusters
            if tl.min(tl.where(here[:, None] & there[None, :], squares, near)) < near:
                squares = _by_differences(x, y, here, there, ROWS, COLUMNS, D)
    if P == 1:
        squares = tl.sqrt(squares)
    return squares


@triton.jit(do_not_specialize=VARYING)
def sums(
    x, y, x_squares, y_squares, f, g, weights, out, near, n, m, blocks, spans, span,
    P: tl.constexpr, D: tl.constexpr, DIRECT: tl.constexpr, PRECISION: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, CEILING: tl.constexpr,
):  # fmt: skip
    """Weighted row sums of the kernel over each span of columns: out (spans, B, n)."""
    block, part, problem = _place(blocks, spans)
    batch = tl.num_programs(0) // (blocks * spans)
    row, i, j = block * ROWS, tl.arange(0, ROWS), tl.arange(0, COLUMNS)
    here, at = row + i < n, problem * n + row
    of_rows = tl.load(f + at + i, here, 0.0)[:, None]
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for column in range(part * span, tl.minimum((part + 1) * span, m), COLUMNS):
        there, to = column + j < m, problem * m + column
        costs = _costs(
            x + at * D, y + to * D, x_squares + at, y_squares + to, here, there, near,
            P, D, DIRECT, PRECISION, ROWS, COLUMNS, DEPTH,
        )  # fmt: skip
        exponents = of_rows + tl.load(g + to + j, there, 0.0)[None, :] - costs
        entries = tl.exp2(tl.minimum(exponents, CEILING, propagate_nan=tl.PropagateNan.ALL))
        total += entries * tl.load(weights + to + j, there, 0.0)[None, :]
    tl.store(out + part * batch * n + at + i, tl.sum(total, 1), here)


@triton.jit(do_not_specialize=VARYING)
def soft_maxima(
    x, y, x_squares, y_squares, f, g, tops, totals, near, n, m, blocks, spans, span,
    P: tl.constexpr, D: tl.constexpr, DIRECT: tl.constexpr, PRECISION: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """The largest exponent of each row over each span, and the sum of all entries measured against it."""
    block, part, problem = _place(blocks, spans)
    batch = tl.num_programs(0) // (blocks * spans)
    row, i, j = block * ROWS, tl.arange(0, ROWS), tl.arange(0, COLUMNS)
    here, at = row + i < n, problem * n + row
    of_rows = tl.load(f + at + i, here, 0.0)[:, None]
    top = tl.full([ROWS], -3e38, tl.float32)  # finite, so that a difference of two is never NaN
    total = tl.zeros([ROWS], tl.float32)
    for column in range(part * span, tl.minimum((part + 1) * span, m), COLUMNS):
        there, to = column + j < m, problem * m + column
        costs = _costs(
            x + at * D, y + to * D, x_squares + at, y_squares + to, here, there, near,
            P, D, DIRECT, PRECISION, ROWS, COLUMNS, DEPTH,
        )  # fmt: skip
        exponents = of_rows + tl.load(g + to + j, there, float("-inf"))[None, :] - costs
        higher = tl.maximum(top, tl.max(exponents, 1))
        total = total * tl.exp2(top - higher) + tl.sum(tl.exp2(exponents - higher[:, None]), 1)
        top = higher
    tl.store(tops + part * batch * n + at + i, top, here)
    tl.store(totals + part * batch * n + at + i, total, here)
