r"""The linear system behind both Newton's step and implicit derivatives, by conjugate gradients.

When :math:`G` changes by :math:`\delta` and :math:`F` follows, so that rows stay exact, the column sums change by
:math:`\operatorname{diag}(c) - P^\top\operatorname{diag}(1/a)P`: symmetric, and blind to constants. Its small
eigenvalues are the slow modes of Sinkhorn's iteration, a few groups of points that hardly exchange mass; conjugate
gradients deal with each in a few steps, where the iteration may take thousands.
"""

import math

import torch

FARTHEST = 5.0  # change of an exponent at which a Newton step is not to be trusted
MOST_STEPS = 300


def conjugate_gradients(operator, right, weights, enough, most):
    """Solve for (B, m), symmetric in the weighted inner product, until the weighted L1 residual is `enough` (B, 1).

    Returns the solution, with weighted mean 0, and how many steps it took.
    """

    def inner(u, v):
        return (weights * u * v).sum(-1, keepdim=True)

    one, tiny = torch.ones_like(right), torch.finfo(right.dtype).tiny
    residual = right - inner(right, one)
    found, direction, square = torch.zeros_like(right), residual.clone(), inner(residual, residual)
    for step in range(most):
        if (inner(residual.abs(), one) <= enough).all():
            return found, step
        image = operator(direction)
        length = square / inner(direction, image).clamp_min(tiny)
        found += length * direction
        residual -= length * image
        residual -= inner(residual, one)
        last, square = square, inner(residual, residual)
        direction = residual + square / last.clamp_min(tiny) * direction
    return found - inner(found, one), most


def newton(state, dtype, columns, error, target, limit):
    """Move G such that the columns are right to first order, where rows are exact; False where that cannot be trusted.

    `columns` are the true sums. A kernel in float32 has other sums than these: the system is that of the kernel with
    its rows divided by theirs.
    """
    kernel, a, b = state.kernel(dtype), state.a.to(dtype), state.b.to(dtype)
    right = torch.where(state.b > 0, 1 - columns / state.b, 0.0).to(dtype)
    rows = a / kernel.times(b).clamp_min(1e-30)
    own = kernel.transposed_times(rows)  # columns / b, of the rounded kernel
    minus = -(rows * rows / a.clamp_min(1e-30))

    def operator(change):
        result = own * change
        kernel.there_and_back(b * change, lambda part, across: (minus[:, part] * across,), result)
        return result

    enough = (error / 30).clamp_min(target / 4)[:, None].to(dtype)
    change, steps = conjugate_gradients(operator, right, b, enough, min(limit - 1, MOST_STEPS))
    state.iterations += steps + 1
    if not change.abs().amax().item() <= FARTHEST:  # nor NaN
        return False
    state.G = state.G + math.log2(math.e) * change.double()
    return True
