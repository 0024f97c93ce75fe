r"""The linear system behind both Newton's step and implicit derivatives, by conjugate gradients.

When :math:`G` changes by :math:`\delta` and :math:`F` follows, so that rows stay exact, the column sums change by
:math:`\operatorname{diag}(c) - P^\top\operatorname{diag}(1/a)P`: symmetric, and blind to constants. Its small
eigenvalues are the slow modes of Sinkhorn's iteration, a few groups of points that hardly exchange mass; conjugate
gradients deal with each in a few steps, where the iteration may take thousands.
"""

import torch


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


def newton_step(kernel, a, b, columns, enough, most):
    """The change of G, in natural units, that makes the columns right to first order; and the steps it took.

    `columns` are the true sums, where rows are exact. A kernel in float32 has other sums than these: the system is
    that of the kernel with its rows divided by theirs.
    """
    right = torch.where(b > 0, 1 - columns / b, 0.0).to(kernel.dtype)
    a, b, enough = a.to(kernel.dtype), b.to(kernel.dtype), enough.to(kernel.dtype)
    rows = a / kernel.times(b).clamp_min(1e-30)
    own = kernel.transposed_times(rows)  # columns / b, of the rounded kernel
    minus = -(rows * rows / a.clamp_min(1e-30))

    def operator(change):
        result = own * change
        kernel.there_and_back(b * change, lambda part, across: (minus[:, part] * across,), result)
        return result

    return conjugate_gradients(operator, right, b, enough, most)
