"""A problem on its way to the solver and back: validated, its masses shares of their total, in groups that fit."""

import math
import warnings

import numpy as np
import torch

from gantut import _inputs
from gantut.transport._batches import flattened
from gantut.transport._costs import power

GROUP = 2**22  # entries of all kernels that a batch is solved with at a time
NO_MASS = 1e-250
LEAST = 1e-15  # costs and coordinates that are no problem in float32, with their squares and what multiplies them
RESOLUTION = 1e-2  # the largest relative rounding of plan entries that is still an answer
LARGEST_REG = 1e9  # in units of the largest cost: potentials and value lose as many digits to a plan of nearly a x b


class ConvergenceWarning(UserWarning):
    """Sinkhorn's iterations stopped at `max_iter` with a marginal error above `tol`; ``result.error`` says how large.

    The plan is still optimal between the marginals that it has. More iterations, a larger `reg` or a larger `tol` let
    it converge.
    """


def options(reg, tol, max_iter):
    """Validate what every function of this folder takes."""
    return _inputs.positive("reg", reg), _inputs.positive("tol", tol), _inputs.count("max_iter", max_iter)


def in_groups(a, b, *of_cost):
    """Masses (..., n) and (..., m) and two-dimensional parts of the cost: the batch, and groups to solve together."""
    batch = np.broadcast_shapes(a.shape[:-1], b.shape[:-1], *(part.shape[:-2] for part in of_cost))
    if 0 in batch:
        return batch, ()
    flat = [*(flattened(mass, batch, 1) for mass in (a, b)), *(flattened(part, batch, 2) for part in of_cost)]
    size = max(1, GROUP // (a.shape[-1] * b.shape[-1]))
    return batch, zip(*(tensor.split(size) for tensor in flat), strict=True)


def in_unit(reg, p, *tensors):
    """Points, or costs with p = 1, and reg in a unit in which nothing overflows or vanishes, and that of costs then."""
    size = max((z.detach().abs().max().double().item() for z in tensors if z.numel()), default=0.0)
    unit = 1.0 if size == 0 or LEAST < size < 1 / LEAST else 2.0 ** (math.frexp(size)[1] - 1)
    scale = power(unit, p)
    if unit == 1 or not 0 < scale < math.inf or not 0 < reg / scale < math.inf or not math.isfinite(2 / reg):
        return tensors, reg, 1.0
    return tuple(z.double() / unit for z in tensors), reg / scale, scale


def shares(masses):
    """Masses as parts of their total; those that would underflow in products are zero."""
    parts = masses / masses.sum(-1, keepdim=True)
    return parts.masked_fill(parts < NO_MASS, 0.0)


def totals_apart(a, b):
    """By how much the totals of masses differ, relative: the plan's columns are off by that, too."""
    from_a, from_b = (masses.detach().sum(-1, dtype=torch.float64) for masses in (a, b))
    return ((from_a - from_b).abs() / from_a).to(a.dtype)


def resolved(cost, reg, scale):
    """Require that float64 can tell the entries of the plan from each other, and the plan from the product a x b.

    Both are given in units of `scale`.
    """
    size = cost.size()
    if not math.isfinite(size):
        raise ValueError("the costs ||x - y||^p must be finite in double precision, but may exceed 1e308")
    if not math.isfinite(2 / reg):
        raise ValueError(f"reg must be above 1e-307, not {reg!r}: multiply it and the costs by a number")
    least, most = size * 2.0**-52 / RESOLUTION, size * LARGEST_REG or math.inf
    if not least < reg <= most:
        bound = f"above {least * scale:.3g}" if reg <= least else f"at most {most * scale:.3g}"
        size = f"costs of up to {size * scale:.3g} (float64 has no more digits)"
        raise ValueError(f"reg must be {bound} for {size}, not {reg * scale!r}")
    return cost


def report(name, error, tol, max_iter):
    """Warn if a marginal error is above the tolerance."""
    worst = error.max().item() if error.numel() else 0.0
    if not worst <= tol:
        warnings.warn(
            f"{name} did not converge: after max_iter={max_iter} sweeps the marginal error is {worst:.3g}, above "
            f"tol={tol:.3g}; increase max_iter, reg or tol",
            ConvergenceWarning,
            stacklevel=3,
        )
