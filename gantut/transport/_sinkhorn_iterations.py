r"""Sinkhorn's iterations, over-relaxed, then Newton's method, and a certificate at the end.

With masses of total 1 and :math:`P_{ij} = a_i b_j\, 2^{F_i + G_j - c\,C_{ij}}`, a sweep over the rows of the kernel
does both half steps: each tile gives the row sums :math:`s`, hence the new :math:`F`, and at once its part of the
column sums :math:`t`. Before the update, :math:`s` and :math:`t` *are* the marginals, so the stopping test is free.

Sinkhorn is nonlinear Gauss–Seidel; hence successive over-relaxation (Lehmann et al. 2022), with Young's choice of the
factor, :math:`\omega = 2 / (1 + \sqrt{1 - \rho})` for the rate :math:`\rho` of the plain iteration, which is
inferred from the observed one.
"""

import math
from typing import NamedTuple

import torch

from gantut.transport._sinkhorn_kernels import BUDGET, LOG_ZERO, Buffer, Kernel, tiles, times
from gantut.transport._sinkhorn_linear import newton_step

GAIN = 30.0  # log2 of a scaling at which it is absorbed into the potentials
LIMIT = 60.0  # log2 of a scaling at which kernel entries may have been lost: start again in the log domain
EVERY = 5  # sweeps between two looks at the rate
PLAIN = 10  # sweeps before over-relaxation, which may never converge from a cold start
WAIT = 10  # sweeps that a new factor takes to show its rate
FASTEST = 1.95
ANNEAL_BELOW = 0.01  # of the cost's span: where reg is lowered in steps
STEP = 4.0
NEAR = 10.0  # times the target
SINGLE = 2.5e-3  # rounding of exponents up to which sweeps in float32 are worth while
FLOOR = 4e-7  # marginal error that sweeps in float32 can reach
SMALL = 2**18  # entries of kernels for which float64 is as fast
LIGHT = 1e-20  # mass of a point below which float32 is no longer safe
ROUGH = 1e-4  # marginal error down to which sweeps in float32 may help Newton's method on
LAST_MILE = 1e-5  # marginal error below which Newton's method is faster
REACH = 1e-2  # marginal error below which Newton's method may be tried
PATIENCE = 40
FIRST = 1000  # sweeps before the precision is chosen again
TURN = 100  # sweeps before Newton's method is tried again
FARTHEST = 5.0  # change of an exponent at which a Newton step is not to be trusted
MOST_STEPS = 300


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


class State:
    """Potentials of a batch of problems in units of base 2, F (B, n) and G (B, m), always in float64."""

    def __init__(self, cost, a, b, reg):
        self.cost, self.a, self.b = cost, a, b
        self.memory = Buffer(cost.device)
        self.unit = math.log2(math.e) / reg
        self.F, self.G = torch.zeros_like(a), torch.zeros_like(b)
        self.omega = a.new_ones(len(a), 1)
        self.iterations = 0

    def rescale(self, reg):
        """Go to another reg with the same potentials."""
        unit = math.log2(math.e) / reg
        self.F, self.G, self.unit = self.F * (unit / self.unit), self.G * (unit / self.unit), unit

    def kernel(self, dtype, *, keep=True):
        """The kernel at the present potentials; one that is used once need not be kept."""
        return Kernel(self.cost, self.unit, self.F, self.G, dtype, BUDGET if keep else 0, self.memory)

    def log_step(self, dtype):
        """One iteration that is safe from anywhere: each entry is measured against the largest of its row or column."""
        self.F = soft_minimum(self.cost, self.unit, self.F, self.G + log2(self.b), dtype)
        self.G = soft_minimum(self.cost.transposed(), self.unit, self.G, self.F + log2(self.a), dtype)


def log2(masses):
    """Logarithms of masses, very negative but finite where there is no mass."""
    return masses.log2().clamp_min(LOG_ZERO)


def soft_minimum(cost, unit, f, weighted, dtype):
    """The F for which all row sums are 1, from an F not far from it and G + log2 b."""
    fill, memory, out = cost.exponents(unit, f, weighted, dtype), Buffer(cost.device), torch.empty_like(f)
    batch, _, m = cost.shape
    for rows in tiles(cost.shape, cost.device):
        exponents = fill(rows, memory.take((batch, rows.stop - rows.start, m), dtype))
        top = exponents.amax(-1, keepdim=True)
        total = exponents.sub_(top).exp2_().sum(-1)
        out[:, rows] = f[:, rows] - (top[..., 0].double() + total.log2())
    return out


def sweep(kernel, a, b, log_u, log_v, omega):
    """Update both scalings in place; return the L1 errors of the two marginals before their updates."""
    row_error, column_sums = 0.0, torch.zeros_like(b)
    weighted = b * log_v.exp2()
    for rows, K in kernel:
        row_error = row_error + _update(times(K, weighted), a[:, rows], log_u[:, rows], omega)
        column_sums += times(K.mT, a[:, rows] * log_u[:, rows].exp2())
    return row_error, _update(column_sums, b, log_v, omega)


def _update(sums, masses, log_scaling, omega):
    log_sums = sums.clamp_min(2.0**-100).log2()
    error = (masses * ((log_scaling + log_sums).exp2() - 1).abs()).sum(-1)
    log_scaling.mul_(1 - omega).sub_(omega * log_sums).clamp_(-LIMIT, LIMIT)
    return error


class Watch:
    """Looks at the error now and then, and adapts the over-relaxation of each problem to the rate that it sees."""

    def __init__(self, omega, settled):
        self.omega, self.settled, self.last = omega, settled, None

    def look(self, done, error):
        """Take note of the errors (B, 1) after so many sweeps."""
        if done < self.settled:
            return
        if self.last is not None:
            rate = (error / self.last).pow(1 / EVERY).clamp_min(1e-3)
            growing = torch.where(error > 4 * self.last, 1.0, self.omega)
            chosen = torch.where(rate < 1, faster(self.omega, rate), growing)
            if (chosen != self.omega).any():
                self.omega, self.settled, error = chosen, done + WAIT, None
        self.last = error

    def restart(self, done):
        """After a jump in the potentials: plain sweeps for a while."""
        self.omega, self.last, self.settled = torch.ones_like(self.omega), None, done + PLAIN - EVERY


def faster(omega, rate):
    """Young's over-relaxation factor, from the rate observed with the present factor."""
    plain = ((rate + omega - 1).square() / (rate * omega.square())).clamp(0.0, 1 - 1e-5)
    better = (2 / (1 + (1 - plain).sqrt())).clamp_max(FASTEST)
    return torch.where(rate > omega - 1, torch.maximum(better, omega), omega)


def relax(state, dtype, target, limit, *, warm=False, patience=math.inf):
    """Sweep until the marginal errors are below `target` or `limit` sweeps are done.

    Over-relaxed scalings violate the marginals far more than what a plain sweep makes of them: near the target,
    every look is at a plain sweep. Where Newton's method can take over, do not wait longer than `patience` for the
    error to halve.
    """
    a, b = state.a.to(dtype), state.b.to(dtype)
    kernel, log_u, log_v = state.kernel(dtype), torch.zeros_like(a), torch.zeros_like(b)
    watch = Watch(state.omega.to(dtype), WAIT) if warm else Watch(torch.ones_like(a[:, :1]), PLAIN - EVERY)
    plain, near, best, best_at = torch.ones_like(watch.omega), False, math.inf, 0
    for done in range(1, limit + 1):
        looking = done <= 2 or done % EVERY == 0 or done == limit
        errors = sweep(kernel, a, b, log_u, log_v, plain if near and looking else watch.omega)
        if not looking:
            continue
        error = errors[1] if near else torch.maximum(*errors)
        worst = error.amax().item()
        if done % EVERY == 0 and not near:
            watch.look(done, error[:, None])
        best, best_at = (worst, done) if worst < best / 2 else (best, best_at)
        largest = max(log_u.abs().amax().item(), log_v.abs().amax().item())
        leave = worst < target or done == limit or (worst < REACH and done - best_at > patience)
        near = worst < NEAR * target
        if largest <= GAIN and not leave:
            continue
        state.F, state.G = state.F + log_u, state.G + log_v
        if not largest < LIMIT:
            state.log_step(dtype)
            watch.restart(done)
            leave = done == limit
        if leave:
            break
        kernel, log_u, log_v = state.kernel(dtype), torch.zeros_like(a), torch.zeros_like(b)
    state.iterations += done
    state.omega = watch.omega.double()


def newton(state, dtype, now, target, limit):
    """Move G by Newton's step, where rows are exact and the columns' sums known; False where it cannot be trusted."""
    enough = (now.error / 30).clamp_min(target / 4)[:, None]
    change, steps = newton_step(state.kernel(dtype), state.a, state.b, now.columns, enough, min(limit - 1, MOST_STEPS))
    state.iterations += steps + 1
    if not change.abs().amax().item() <= FARTHEST:  # nor NaN
        return False
    state.G = state.G + math.log2(math.e) * change.double()
    return True


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
    _approach(state, cost.span(), reg, rounding, max_iter)
    if state.iterations < max_iter:
        aim = max(0.7 * tol, LAST_MILE, 2 * rounding if dtype is torch.float32 else 0.0)
        relax(state, dtype, aim, min(max_iter - state.iterations, FIRST), patience=PATIENCE)
    now, turn = measure(state), TURN
    while now.worst > tol and state.iterations < max_iter:
        left = max_iter - state.iterations
        then = measure(state) if now.worst < REACH and newton(state, dtype, now, tol, left) else now
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


def least_mass(masses):
    """The smallest mass that is not zero."""
    return torch.where(masses > 0, masses, 1.0).amin().item()


def _approach(state, span, reg, rounding, max_iter):
    """Start with one safe iteration; where reg is small, at a larger one that is lowered in steps."""
    for level in levels(span, reg):
        dtype = torch.float32 if rounding * reg / level < SINGLE else torch.float64
        state.rescale(level)
        if state.iterations == 0:
            state.log_step(dtype)
        if level > reg and state.iterations < max_iter:
            relax(state, dtype, 0.05, min(20, max_iter - state.iterations))


def levels(span, reg):
    """The values of reg to go through: from near the span of the costs down to reg, where reg is small."""
    if reg >= ANNEAL_BELOW * span:
        return [reg]
    steps = math.ceil(math.log(ANNEAL_BELOW * span / reg) / math.log(STEP))
    return [reg * STEP**k for k in range(steps, -1, -1)]


def measure(state):
    """Update F, so that all rows are exact; then measure the columns and the cost of the plan, in float64."""
    weighted = state.G + log2(state.b)
    fill, memory = state.cost.exponents(state.unit, state.F, weighted, torch.float64), Buffer(state.cost.device)
    batch, _, m = state.cost.shape
    steps, columns, inner = torch.empty_like(state.F), torch.zeros_like(state.G), 0.0
    for rows in tiles(state.cost.shape, state.cost.device):
        exponents = fill(rows, memory.take((batch, rows.stop - rows.start, m), torch.float64))
        top = exponents.amax(-1, keepdim=True)
        exponents.sub_(top)
        plan = exponents.exp2()
        totals = plan.sum(-1)
        each = state.a[:, rows] / totals
        columns += times(plan.mT, each)
        steps[:, rows] = top[..., 0] + totals.log2()
        inner = inner + (each * exponents.mul_(plan).sum(-1) - state.a[:, rows] * totals.log2()).sum(-1)
    state.F = state.F - steps
    # the exponents of the plan are F + G + log2 b - c C: what they lack is the cost
    plan_cost = (state.F * state.a).sum(-1) + (weighted * columns).sum(-1) - inner
    error = (columns - state.b).abs().sum(-1)
    return Measured(state.F, state.G, columns, plan_cost / state.unit, error, error.nan_to_num(math.inf).amax().item())


def finish(state, now):
    """Balanced potentials, the plan's cost, the dual objective, and how far both objectives can be from the best."""
    if (state.b == 0).any():
        soft = soft_minimum(state.cost.transposed(), state.unit, state.G, state.F + log2(state.a), torch.float64)
        state.G = torch.where(state.b > 0, state.G, soft)
    in_f, in_g = (state.F * state.a).sum(-1), (state.G * state.b).sum(-1)
    shift = ((in_f - in_g) / 2)[:, None]
    f, g = (state.F - shift) / state.unit, (state.G + shift) / state.unit
    dual = (in_f + in_g) / state.unit
    return Solution(f, g, now.cost, dual, gap(state, now.columns), now.error, state.iterations)


def gap(state, columns):
    r"""An upper bound on the regularised objective at a plan with both marginals right, less the dual objective.

    That plan: the columns' excess is cut off, and what rows and columns then lack is added as a product. By the log
    sum inequality its objective is at most that of its parts, which takes no sum over the logarithms of entries.
    """
    cost, a, b, reg = state.cost, state.a, state.b, math.log2(math.e) / state.unit
    share = torch.where(columns > b, b / columns, 1.0)
    rows = a * torch.cat([times(K, b * share) for _, K in state.kernel(torch.float64, keep=False)], -1)
    lack_a, lack_b = (a - rows).clamp_min(0.0), (b - columns * share).clamp_min(0.0)
    lack = lack_b.sum(-1)
    part_a, part_b = (part / part.sum(-1, keepdim=True).clamp_min(1e-300) for part in (lack_a, lack_b))
    entropy = _relative_entropy(part_a, a) + _relative_entropy(part_b, b)
    moved = cost.of_product(part_a, part_b) - ((state.F * part_a).sum(-1) + (state.G * part_b).sum(-1)) / state.unit
    kept = torch.special.xlogy(columns * share, share).sum(-1) - torch.special.xlogy(1 - lack, 1 - lack)
    return (lack * (moved + reg * entropy) + reg * kept).clamp_min(0.0)


def _relative_entropy(p, q):
    return torch.special.xlogy(p, torch.where(p > 0, p / q, 1.0)).sum(-1)
