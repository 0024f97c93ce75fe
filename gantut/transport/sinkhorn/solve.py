r"""The solution of entropic transport: over-relaxed sweeps, then Newton's method, and a certificate at the end."""

import math
from typing import NamedTuple

import torch

from gantut.transport.sinkhorn.kernels import exponents_by_tile, fits, times
from gantut.transport.sinkhorn.newton import newton
from gantut.transport.sinkhorn.start import SINGLE, SMALL, approach
from gantut.transport.sinkhorn.streams import soft_minimum
from gantut.transport.sinkhorn.sweeps import LEAST_SUM, LIGHT, REACH, State, least_mass, log2, relax

ROUGH = 1e-4  # marginal error down to which sweeps in float32 may help Newton's method on
LAST_MILE = 1e-5  # marginal error below which Newton's method is faster
PATIENCE = 40
FIRST = 1000  # sweeps before the precision is chosen again
TURN = 100  # sweeps before Newton's method is tried again
ROUNDING = 2.0**-50  # of potentials, in units of reg


class Solution(NamedTuple):
    """Potentials and what was measured of them; masses have total 1."""

    f: torch.Tensor
    g: torch.Tensor
    cost: torch.Tensor
    dual: torch.Tensor
    gap: torch.Tensor
    error: torch.Tensor
    iterations: int


class Measured(NamedTuple):
    """What a plan with exact rows was found to be like."""

    F: torch.Tensor
    G: torch.Tensor
    columns: torch.Tensor
    cost: torch.Tensor
    error: torch.Tensor
    worst: float


def solve(cost, a, b, reg, tol, max_iter):
    """Potentials for masses (B, n) and (B, m) of total 1, float64; what they reach is measured, and returned.

    Over-relaxed sweeps lead to where Newton's method is at home. Its residuals are in float64; its linear systems,
    like the sweeps before, in float32 unless reg is so small that this would be too rough.
    """
    state = State(cost, a, b, reg)
    rounding = 2.0**-24 * cost.size() * math.log2(math.e) / reg  # of exponents in float32, roughly
    if math.prod(cost.shape) < SMALL or min(least_mass(a), least_mass(b)) < LIGHT:
        rounding = math.inf  # nothing to gain; or overflow to fear, as entries of the kernel go up to 1 / mass
    dtype = torch.float32 if rounding < SINGLE else torch.float64
    if _is_kept(cost):
        state.memory.take(cost.shape, torch.float64)  # at once: pages that a kernel has touched serve the plan
    warm = approach(state, cost.span(), reg, rounding, max_iter)
    if state.iterations < max_iter:
        aim = max(0.9 * tol, LAST_MILE, rounding if dtype is torch.float32 else 0.0)
        relax(state, dtype, aim, min(max_iter - state.iterations, FIRST), warm=warm, patience=PATIENCE)
    now, turn = measure(state), TURN
    while now.worst > tol and state.iterations < max_iter:
        left = max_iter - state.iterations
        then = measure(state) if now.worst < REACH and newton(state, dtype, now.columns, now.error, tol, left) else now
        if then.worst < 0.7 * now.worst:
            now = then
            continue
        now = min(now, then, key=lambda measured: measured.worst)
        state.F, state.G = now.F, now.G
        rough = dtype is torch.float32 and now.worst > max(2 * rounding, ROUGH)
        if dtype is torch.float32 and not rough:
            dtype = torch.float64  # for the linear systems, too
            continue
        left = max_iter - state.iterations
        if left > 0:
            relax(state, dtype, max(tol / 4, 2 * rounding) if rough else tol / 4, min(left, turn), warm=True)
            before, now, turn = now.worst, measure(state), 2 * turn
            if not now.worst < before / 2:
                dtype = torch.float64
    return finish(state, now)


def _is_kept(cost):
    return cost.device.type == "cpu" and fits(cost.shape, torch.float64, cost.device)


def measure(state, *, far=False):
    """Update F, so that all rows are exact; then measure the columns and the cost of the plan, in float64.

    On the CPU a plan that fits is kept for :func:`gap`, until the next kernel is. Row sums that leave the range of
    floating point, as they may after a limit, `far` from the solution, are measured against the largest entries.
    """
    weighted, shape, state.plan = state.G + log2(state.b), state.cost.shape, None
    tops, totals, columns, inner = torch.zeros_like(state.F), torch.empty_like(state.F), torch.zeros_like(state.G), 0.0
    kept = state.memory.take(shape, torch.float64) if _is_kept(state.cost) else None
    for rows, exponents in exponents_by_tile(state.cost, state.unit, state.F, weighted, torch.float64):
        if far:
            tops[:, rows] = exponents.amax(-1)
            exponents.sub_(tops[:, rows, None])
        plan = torch.exp2(exponents, out=kept if kept is None else kept[:, rows])
        totals[:, rows] = plan.sum(-1)
        plan.mul_((state.a[:, rows] / totals[:, rows])[..., None])
        columns += plan.sum(-2)
        inner = inner + times(exponents.flatten(1)[:, None], plan.flatten(1))[:, 0]
    if not (far or (totals.amin() > LEAST_SUM and totals.amax() < 1 / LEAST_SUM)):
        return measure(state, far=True)
    steps = tops + totals.log2()
    state.F, state.plan = state.F - steps, kept
    # the exponents of the plan are F + G + log2 b - c C: what they lack is the cost
    inner = inner - (state.a * totals.log2()).sum(-1)
    plan_cost = (state.F * state.a).sum(-1) + (weighted * columns).sum(-1) - inner
    error = (columns - state.b).abs().sum(-1)
    worst = error.nan_to_num(math.inf).amax().item()
    state.measured = Measured(state.F, state.G, columns, plan_cost / state.unit, error, worst)
    return state.measured


def finish(state, now):
    """Balanced potentials, the plan's cost, the dual objective, and how far both objectives can be from the best."""
    if (state.b == 0).any():
        soft = soft_minimum(state.cost.transposed(), state.unit, state.G, state.F + log2(state.a), torch.float64)
        state.G = torch.where(state.b > 0, state.G, soft)
    in_f, in_g = (state.F * state.a).sum(-1), (state.G * state.b).sum(-1)
    shift = ((in_f - in_g) / 2)[:, None]
    f, g = (state.F - shift) / state.unit, (state.G + shift) / state.unit
    dual = (in_f + in_g) / state.unit
    return Solution(f, g, now.cost, dual, gap(state, now), now.error, state.iterations)


def gap(state, now):
    r"""An upper bound on the regularised objective at a plan with both marginals right, less the dual objective.

    That plan: the columns' excess is cut off, and what rows and columns then lack is added as a product. By the log
    sum inequality its objective is at most that of its parts, which takes no sum over the logarithms of entries.
    """
    cost, a, b, reg, columns = state.cost, state.a, state.b, math.log2(math.e) / state.unit, now.columns
    share = torch.where(columns > b, b / columns, 1.0)
    if state.plan is not None and state.measured is now:
        rows = times(state.plan, share)
    else:
        rows = a * state.kernel(torch.float64, keep=False).times(b * share)
    lack_a, lack_b = (a - rows).clamp_min(0.0), (b - columns * share).clamp_min(0.0)
    lack = lack_b.sum(-1)
    part_a, part_b = (part / part.sum(-1, keepdim=True).clamp_min(1e-300) for part in (lack_a, lack_b))
    entropy = _relative_entropy(part_a, a) + _relative_entropy(part_b, b)
    moved = cost.of_product(part_a, part_b) - ((state.F * part_a).sum(-1) + (state.G * part_b).sum(-1)) / state.unit
    kept = torch.special.xlogy(columns * share, share).sum(-1) - torch.special.xlogy(1 - lack, 1 - lack)
    return (lack * (moved + reg * entropy) + reg * kept).clamp_min(0.0) + ROUNDING * reg


def _relative_entropy(p, q):
    return torch.special.xlogy(p, torch.where(p > 0, p / q, 1.0)).sum(-1)
