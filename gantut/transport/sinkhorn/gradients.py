r"""Gradients of entropic transport, from the potentials alone: no iteration is ever differentiated.

The optimum of the regularised objective changes with the cost as if the plan stayed (envelope theorem). The *transport
cost* :math:`\langle P, C\rangle` of the regularised plan is no optimum; its derivative takes how the plan moves, from
the implicit function theorem: with :math:`(\alpha, \beta)` that solve

.. math:: a_i\alpha_i + \sum_j P_{ij}\beta_j = \sum_j P_{ij} C_{ij}, \qquad
    b_j\beta_j + \sum_i P_{ij}\alpha_i = \sum_i P_{ij} C_{ij}

(the best :math:`\alpha_i + \beta_j` in place of :math:`C_{ij}`, by least squares under the plan) it is

.. math:: \frac{\partial\langle P, C\rangle}{\partial a_i} = \alpha_i, \qquad
    \frac{\partial\langle P, C\rangle}{\partial b_j} = \beta_j, \qquad
    \frac{\partial\langle P, C\rangle}{\partial C_{ij}} = P_{ij}
    \Bigl(1 + \frac{\alpha_i + \beta_j - C_{ij}}{\varepsilon}\Bigr).
"""

import math

import torch
from torch.autograd.function import once_differentiable

from gantut.transport.sinkhorn.kernels import CEILING, Buffer, Kernel, exponents_by_tile, times
from gantut.transport.sinkhorn.newton import conjugate_gradients

RESIDUAL = 1e-10  # of the linear system, relative to its right-hand side
MOST_STEPS = 1000


class TransportCost(torch.autograd.Function):
    """The cost that was found for masses (B, n), (B, m) and a cost matrix or points, as a function of all of them."""

    @staticmethod
    def forward(ctx, found, solution, reg, make_cost, a, b, *of_cost):
        """`found` (B,) as it is; `make_cost` makes the cost of a matrix, or of two clouds of points."""
        ctx.save_for_backward(a, b, *of_cost)
        ctx.solution, ctx.reg, ctx.make_cost = solution, reg, make_cost
        return found.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """Solve the linear system, then weigh the gradients of the costs."""
        a, b, *of_cost = ctx.saved_tensors
        unit, f, g = math.log2(math.e) / ctx.reg, ctx.solution.f, ctx.solution.g
        cost = ctx.make_cost(*of_cost)
        total = a.sum(-1, keepdim=True)
        alpha, beta = project(cost, unit, f, g, a / total, b / total)
        weights = Weights(unit, f, g, a, b / total, unit * (alpha - f), unit * (beta - g))
        for_cost = (pull_back(cost, weights),) if len(of_cost) == 1 else pull_back_points(cost, weights)
        by = grad[:, None]
        return None, None, None, None, by * alpha, by * beta, *(by[..., None] * slope for slope in for_cost)


class Weights:
    """What each cost weighs in a derivative: the plan, by itself or times how the plan moves."""

    def __init__(self, unit, f, g, a, b, move_a=None, move_b=None):
        self.unit, self.F, self.G, self.a, self.b = unit, unit * f, unit * g, a, b
        self.move_a, self.move_b = move_a, move_b

    def of(self, rows, exponents):
        """The weights of some rows, from their exponents F + G - cC, which are overwritten unless the plan moves."""
        exponents.clamp_max_(CEILING[torch.float64])
        plan = exponents.exp2_() if self.move_a is None else exponents.exp2()
        if self.move_a is not None:
            moves = exponents.add_(self.move_a[:, rows, None]).add_(self.move_b[:, None])
            plan *= moves.mul_(math.log(2)).add_(1)
        return plan.mul_(self.a[:, rows, None]).mul_(self.b[:, None])


def pull_back(cost, weights):
    """The weights of all costs, (B, n, m)."""
    exponents = cost.exponents(weights.unit, weights.F, weights.G, torch.float64)(
        slice(0, cost.shape[1]), torch.empty(cost.shape, dtype=torch.float64, device=cost.device)
    )
    return weights.of(slice(0, cost.shape[1]), exponents)


def pull_back_points(cost, weights, *, both=True):
    """The gradients (B, n, d) and (B, m, d) of the weighted costs, tile by tile; zero between points that agree."""
    x, y, p = cost.x, cost.y, cost.p
    to_x, to_y = torch.empty_like(x), torch.zeros_like(y)
    spare = Buffer(cost.device)
    squares = None if p == 2 else cost.squared_distances(1.0, torch.float64)
    for rows, exponents in exponents_by_tile(cost, weights.unit, weights.F, weights.G, torch.float64):
        pull = weights.of(rows, exponents)
        if p != 2:
            apart = squares(rows, spare.take(pull.shape, torch.float64))
            pull.mul_(torch.where(apart > 0, apart, 1.0).pow_((p - 2) / 2)).masked_fill_(apart == 0, 0.0)
        to_x[:, rows] = p * (x[:, rows] * pull.sum(-1, keepdim=True) - pull @ y)
        if both:
            to_y += p * (y * pull.sum(-2)[..., None] - pull.mT @ x[:, rows])
    return to_x, to_y


def project(cost, unit, f, g, a, b):
    r"""The :math:`\alpha, \beta` above, by conjugate gradients for the second after the first is eliminated."""
    kernel = Kernel(cost, unit, unit * f, unit * g, torch.float64, Buffer(cost.device))
    means_a, means_b = _mean_exponents(cost, unit, f, g, a, b)

    def onto_a(beta):  # minus the mean of beta under each row of the plan
        return -kernel.times(b * beta)

    def both(beta):  # beta less its mean under the plan, there and back
        back = beta.clone()
        kernel.there_and_back(b * beta, lambda rows, means: (-a[:, rows] * means,), back)
        return back

    # with C = f + g - E / c the system for the corrections alpha - f and beta - g is driven by the mean exponents
    right = kernel.transposed_times(a * means_a) / unit - means_b / unit
    size = (b * right.abs()).sum(-1, keepdim=True)
    beta, _ = conjugate_gradients(both, right, b, RESIDUAL * size, MOST_STEPS)
    if (b == 0).any():  # what has no mass has no weight in a residual, but it has its equation
        beta = beta + torch.where(b == 0, right - both(beta), 0.0)
    return f - means_a / unit + onto_a(beta), g + beta


def _mean_exponents(cost, unit, f, g, a, b):
    over_rows, over_columns = torch.empty_like(f), torch.zeros_like(g)
    for rows, exponents in exponents_by_tile(cost, unit, unit * f, unit * g, torch.float64):
        exponents.clamp_max_(CEILING[torch.float64])
        exponents.mul_(exponents.exp2())
        over_rows[:, rows] = times(exponents, b)
        over_columns += times(exponents.mT, a[:, rows])
    return over_rows, over_columns
