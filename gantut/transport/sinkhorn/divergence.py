"""The Sinkhorn divergence: entropic transport without its bias, differentiable by the envelope theorem."""

import math

import torch
from torch.autograd.function import once_differentiable

from gantut import _inputs
from gantut.transport._batches import point_clouds, suited_threads
from gantut.transport.sinkhorn import problem
from gantut.transport.sinkhorn.gradients import Weights, pull_back_points
from gantut.transport.sinkhorn.kernels import PointCost
from gantut.transport.sinkhorn.solve import solve
from gantut.transport.sinkhorn.start import SINGLE
from gantut.transport.sinkhorn.streams import soft_minimum
from gantut.transport.sinkhorn.sweeps import GAIN, LEAST_SUM, LIGHT, State, least_mass, log2

FLOOR = 4e-7  # marginal error that sweeps in float32 can reach
MOST_CORRECTED = 20  # updates before the corrections are measured again


def sinkhorn_divergence(x, y, a=None, b=None, *, reg, p=1, tol=1e-6, max_iter=10_000):
    r"""Sinkhorn divergence between clouds of points: non-negative, and zero only where they agree.

    .. math:: S_\varepsilon(\alpha, \beta) = \mathrm{OT}_\varepsilon(\alpha, \beta)
        - \tfrac12 \mathrm{OT}_\varepsilon(\alpha, \alpha) - \tfrac12 \mathrm{OT}_\varepsilon(\beta, \beta),

    where :math:`\mathrm{OT}_\varepsilon` is the regularised optimum of :func:`sinkhorn_points`, entropy included, with
    cost :math:`\|x_i - y_j\|^p`. Between :math:`\mathrm{OT}_0` for :math:`\varepsilon\to0` and, for
    :math:`\varepsilon\to\infty`, half the energy distance of the same cost.

    Parameters
    ----------
    x, y : tensors, shapes (..., n, d) and (..., m, d), floating point
        Points; leading dimensions broadcast.
    a, b : tensors, shapes (..., n) and (..., m), optional
        Their masses, with equal totals; 1/n and 1/m each by default.
    reg : float
        As in :func:`sinkhorn_points`.
    p : float
        Exponent of the cost, finite and at least 1. The theory covers p up to 2; above, the formula may be negative.
    tol, max_iter : float, int
        As in :func:`sinkhorn_points`.

    Returns
    -------
    tensor, shape (...)
        In the dtype and on the device of the inputs, in mass x distance to the power p. Differentiable, once, in `x`,
        `y`, `a` and `b`. Its gradient in a mass is defined up to one constant for all, as totals must remain equal.

    Raises
    ------
    ValueError
        As in :func:`sinkhorn_points`.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps did not bring a marginal error of one of the three problems to `tol`.

    See Also
    --------
    sinkhorn_points : the terms of this difference.
    emd_points : its limit for small `reg`.

    Notes
    -----
    The transport of a cloud to itself has one potential instead of two, found in a few steps of the averaged update
    :math:`f \leftarrow \tfrac12(f + T f)`. By the envelope theorem the gradient is, with both plans held fixed,

    .. math:: \frac{\partial S_\varepsilon}{\partial a} = f^{\alpha\beta} - f^{\alpha\alpha}, \qquad
        \frac{\partial S_\varepsilon}{\partial x_i} = \sum_j P^{\alpha\beta}_{ij}\nabla_x\|x_i - y_j\|^p
        - \sum_j P^{\alpha\alpha}_{ij}\nabla_x\|x_i - x_j\|^p .

    Values that rounding or `tol` would make negative are set to zero; the gradient is that of the formula. Equal clouds
    are apart by some roundings of `reg`, 1e-16 of it.

    References
    ----------
    Feydy, Séjourné, Vialard, Amari, Trouvé and Peyré (2019), *Interpolating between optimal transport and MMD using
    Sinkhorn divergences*. Genevay, Peyré and Cuturi (2018).

    Examples
    --------
    >>> float(sinkhorn_divergence([[0.0], [1.0]], [[3.0], [4.0]], reg=0.1, p=2).round(decimals=6))
    9.0
    """
    x, y, a, b = point_clouds(x, y, a, b)
    p, (reg, *options) = _inputs.exponent(p), problem.options(reg, tol, max_iter)
    points, reg, scale = problem.in_unit(reg, p, x, y)
    batch, groups = problem.in_groups(a, b, *points)
    if not groups:
        return x.new_zeros(batch)
    with suited_threads(a, b, batch):
        values, errors = zip(*(_Divergence.apply(*group, p, (reg, *options), scale) for group in groups), strict=True)
    problem.report("sinkhorn_divergence", torch.cat(errors), tol, max_iter)
    return (torch.cat(values) * scale).to(x.dtype).reshape(batch)


class _Divergence(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b, x, y, p, options, scale):
        reg, tol, max_iter = options
        total = a.sum(-1, keepdim=True)
        share_a, share_b = problem.shares(a), problem.shares(b)
        cross = problem.resolved(PointCost.centred(x, y, p), reg, scale)
        between = solve(cross, share_a, share_b, reg, tol, max_iter)
        of_x = solve_self(PointCost.centred(x, x, p), share_a, reg, tol, max_iter)
        of_y = solve_self(PointCost.centred(y, y, p), share_b, reg, tol, max_iter)
        ctx.save_for_backward(a, b, x, y, between.f, between.g, of_x[0], of_y[0])
        ctx.p, ctx.unit = p, math.log2(math.e) / reg
        value = (between.dual - (of_x[1] + of_y[1]) / 2).clamp_min(0.0) * total[:, 0]
        error = torch.stack([between.error, of_x[2], of_y[2]]).amax(0)
        ctx.mark_non_differentiable(error)
        return value, error

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, _):
        a, b, x, y, f, g, of_x, of_y = ctx.saved_tensors
        need_a, need_b, need_x, need_y = ctx.needs_input_grad[:4]
        to_x = to_y = None
        if need_x or need_y:
            share = b / a.sum(-1, keepdim=True)
            to_x, to_y = pull_back_points(PointCost.centred(x, y, ctx.p), Weights(ctx.unit, f, g, a, share))
            to_x = grad[:, None, None] * (to_x - _pull_self(x, a, of_x, ctx)) if need_x else None
            to_y = grad[:, None, None] * (to_y - _pull_self(y, b, of_y, ctx)) if need_y else None
        to_a = grad[:, None] * (f - of_x) if need_a else None
        to_b = grad[:, None] * (g - of_y) if need_b else None
        return to_a, to_b, to_x, to_y, None, None, None


def _pull_self(x, a, f, ctx):
    weights = Weights(ctx.unit, f, f, a, a / a.sum(-1, keepdim=True))
    return pull_back_points(PointCost.centred(x, x, ctx.p), weights, both=False)[0]


def solve_self(cost, a, reg, tol, max_iter):
    """The potential (B, n) of masses with themselves, the dual objective there, and the marginal error."""
    state = State(cost, a, a, reg)
    rounding = 2.0**-24 * cost.size() * state.unit
    dtype = torch.float32 if rounding < SINGLE and least_mass(a) > LIGHT else torch.float64
    state.F = state.G = soft_minimum(cost, state.unit, state.F, log2(a), dtype) / 2
    average(state, dtype, max(tol / 2, rounding, FLOOR) if dtype is torch.float32 else tol / 2, max_iter)
    while True:
        sums = state.kernel(torch.float64, keep=False).times(a)
        error = (a * (sums - 1).abs()).sum(-1)
        if (error <= tol).all() or state.iterations >= max_iter:
            break
        dtype = dtype if tol > FLOOR else torch.float64
        average(state, dtype, tol / 2, max_iter - state.iterations, true_sums=sums)
    dual = 2 * (a * state.F).sum(-1) - math.log2(math.e) * ((a * sums).sum(-1) - 1)
    F = state.F - sums.log2() / 2
    if (a == 0).any():  # where no mass is, no error is seen either
        F = torch.where(a == 0, soft_minimum(cost, state.unit, F, F + log2(a), torch.float64), F)
    return F / state.unit, dual / state.unit, error


def average(state, dtype, target, limit, *, true_sums=None):
    """Averaged updates until the marginal error is below `target`, or `limit` of them are done.

    With the true sums, those of a rounded kernel are corrected to them.
    """
    a, kernel, log_u, correction = state.a.to(dtype), state.kernel(dtype), torch.zeros_like(state.a, dtype=dtype), 1.0
    if true_sums is not None:
        correction = true_sums.to(dtype) / kernel.times(a)
    for done in range(1, limit + 1):
        log_sums = (kernel.times(a * log_u.exp2()) * correction).clamp_min(LEAST_SUM).log2()
        worst = (a * ((log_u + log_sums).exp2() - 1).abs()).sum(-1).amax().item()
        log_u = (log_u - log_sums) / 2
        leave = worst < target or done == limit or (true_sums is not None and done == MOST_CORRECTED)
        if leave or log_u.abs().amax().item() > GAIN:
            state.F = state.G = state.F + log_u
            if leave:
                break
            kernel, log_u = state.kernel(dtype), torch.zeros_like(log_u)
    state.iterations += done
