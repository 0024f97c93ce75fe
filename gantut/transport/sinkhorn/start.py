r"""Where the iterations start, so that few are needed: a sample of the points, exact transport, or a larger reg.

A sample of a fifth of the points, of which a sweep takes a twenty-fifth of the time, has nearly the same potentials;
their soft c-transforms are potentials for all points. And it has nearly the same rate: the plain iteration multiplies
the error by :math:`\rho = \sigma_2^2`, where :math:`\sigma_2` is the second singular value of
:math:`P_{ij} / \sqrt{a_i b_j}`, which is no trouble to compute for the smallest of the samples. So over-relaxation
begins with the first sweep, and with the right factor.

Where reg is small, potentials have a long way to go, in steps of the size of reg. Those of exact transport are there
already, where they are the only ones: where its plan connects all points. (Else, as between clouds of as many points of
equal mass, they may lie anywhere in a polytope, and the way to its middle is longer than that from a larger reg.)
"""

import math

import numpy as np
import torch

from gantut.transport import _simplex
from gantut.transport.sinkhorn.kernels import exponents_by_tile
from gantut.transport.sinkhorn.streams import soft_minimum
from gantut.transport.sinkhorn.sweeps import LEAST_SUM, State, best_factor, is_mixed, log2, relax

ANNEAL_BELOW = 0.01  # of the cost's span: where reg is lowered in steps
STEP = 4.0
SINGLE = 2.5e-3  # rounding of exponents up to which sweeps in float32 are worth while
SMALL = 2**18  # entries of kernels for which float64 is as fast, and a sample saves nothing
SOON = 6  # plain sweeps from nowhere within which an easy problem is solved roughly: it has no need of a sample
SWEEPS = 20  # over a sample, at each reg
SHARE = 8  # times as few points are in a sample
SHARE_FOR_RATE = 5  # the same where it has to tell how fast sweeps converge
LEAST = 128  # points of a sample
ROUGHLY = 0.05  # marginal error of the potentials of a sample
MOST = 100  # sweeps over a sample
SAMPLED_ABOVE = 5e-4  # of the cost's span: the reg below which a sample says little about the points between
EXACT_BELOW = 50  # times the cost's span, divided by the entries of the matrix: the reg from where on it pays
EXACT_MOST = 2**22  # entries of the matrix that exact transport takes


def approach(state, span, reg, rounding, max_iter):
    """Bring a fresh state near the solution; `rounding` is that of exponents in float32.

    Returns whether over-relaxation may begin at once, with the factor that the state has.
    """
    entries = math.prod(state.cost.shape[1:])
    if entries >= SMALL and reg >= SAMPLED_ABOVE * span:
        rough = _error_from_nowhere(state, reg)
        if rough < ROUGHLY:
            state.F = _tight(state.cost, state.unit, state.G, torch.float32 if rounding < SINGLE else torch.float64)
            state.omega.copy_(best_factor(state.omega.new_tensor(rough ** (1 / SOON))))
            state.half = state.omega.amax().item()
        else:
            _from_sample(state, span, reg, rounding, max_iter)
        return True
    elif entries <= EXACT_MOST and reg < span * min(ANNEAL_BELOW, EXACT_BELOW / entries) and _from_exact(state, reg):
        state.log_step(torch.float64)
    else:
        _anneal(state, span, reg, rounding, max_iter)
    return False


def _error_from_nowhere(state, reg):
    few, _ = _among_few(state, reg, math.inf)
    few.log_step(torch.float64)
    return _sweep_plainly(few, SOON)


def _sweep_plainly(few, count):
    """So many plain sweeps over a small kernel: a tenth of the time of those that are looked at.

    Returns the largest marginal error.
    """
    kernel = torch.cat([K for _, K in few.kernel(torch.float64)], 1)  # (B, n, m), all masses equal
    v, ratio = torch.ones_like(few.G)[..., None], kernel.shape[2] / kernel.shape[1]
    kernel /= kernel.shape[2]
    for _ in range(count + 1):
        u = torch.bmm(kernel, v).clamp_min_(LEAST_SUM).reciprocal_()
        last, v = v, torch.bmm(kernel.mT, u).mul_(ratio).clamp_min_(LEAST_SUM).reciprocal_()
    few.F, few.G = few.F + u[..., 0].log2(), few.G + last[..., 0].log2()
    return (last / v - 1).abs().mean(1).amax().item()


def _from_sample(state, span, reg, rounding, max_iter):
    few, columns = _among_few(state, reg, SHARE if is_mixed(state.cost) else SHARE_FOR_RATE)
    dtype = torch.float32 if rounding < SINGLE else torch.float64
    if math.prod(few.cost.shape[1:]) < SMALL:
        levels = _levels(span, reg)
        few.rescale(levels[0])
        few.log_step(torch.float64)
        for level in levels:
            few.rescale(level)
            _sweep_plainly(few, SWEEPS)
        if not is_mixed(state.cost):
            few.omega, few.known = _factor_of(few), True
    else:
        warm = approach(few, span, reg, rounding, max_iter)
        relax(few, dtype, ROUGHLY, min(MOST, max_iter), warm=warm)
    state.rescale(reg)
    state.F = soft_minimum(state.cost.among(None, columns), state.unit, state.F, few.G + log2(few.b), dtype)
    state.G = _tight(state.cost.transposed(), state.unit, state.F, dtype)
    state.omega, state.known = few.omega, few.known


def _tight(cost, unit, g, dtype):
    """The largest F with which no exponent is positive; the soft c-transform would take three times as long."""
    nothing = torch.zeros(cost.shape[:2], dtype=g.dtype, device=g.device)
    return -torch.cat([rows.amax(-1) for _, rows in exponents_by_tile(cost, unit, nothing, g, dtype)], 1).double()


def _among_few(state, reg, share):
    """The problem of a sample with so many times fewer points, and which columns they are."""
    rows, columns = (_sample(mass, max(LEAST, int(mass.shape[1] / share))) for mass in (state.a, state.b))
    shares = [torch.full_like(index, 1 / index.shape[1], dtype=state.a.dtype) for index in (rows, columns)]
    return State(state.cost.among(rows, columns), *shares, reg), columns


def _sample(masses, size):
    """Indices (B, size) at equal steps of the cumulated masses: heavy points are drawn more than once."""
    levels = masses.cumsum(-1)
    steps = (torch.arange(size, dtype=levels.dtype, device=levels.device) + 0.5) / size
    return torch.searchsorted(levels, steps * levels[:, -1:]).clamp_max(masses.shape[1] - 1)


def _factor_of(state):
    """Young's factor (B, 1), from the second singular value of the plan."""
    kernel = torch.cat([K for _, K in state.kernel(torch.float64)], 1)  # (B, n, m), all masses equal
    plan = kernel / (kernel.sum(2, keepdim=True) * kernel.sum(1, keepdim=True)).sqrt()
    return best_factor(torch.linalg.eigvalsh(plan.mT @ plan)[:, -2:-1])


def _from_exact(state, reg):
    """Take the potentials of exact transport; False where it has none, or many."""
    batch, n, m = state.cost.shape
    if n == m and (state.a == state.b).all() and (state.a == state.a[:, :1]).all():
        return False  # a plan is a permutation
    no_potentials = torch.zeros_like(state.F), torch.zeros_like(state.G)
    fill = state.cost.exponents(1.0, *no_potentials, torch.float64)
    cost = -fill(slice(0, n), state.F.new_empty(batch, n, m)).cpu().numpy()
    a, b = state.a.cpu().numpy(), state.b.cpu().numpy()
    found = []
    for problem in zip(a, b, cost, strict=True):
        arcs, _, f, g = _simplex.solve(*problem)
        connected = arcs.size == np.count_nonzero(problem[0]) + np.count_nonzero(problem[1]) - 1
        if not (connected and np.isfinite(f).all() and np.isfinite(g).all()):
            return False
        found.append((f, g))
    state.rescale(reg)
    state.F, state.G = (torch.from_numpy(np.stack(part)).to(state.F) * state.unit for part in zip(*found, strict=True))
    return True


def _anneal(state, span, reg, rounding, max_iter):
    """Go from near the span of the costs down to reg, where reg is small."""
    for level in _levels(span, reg):
        dtype = torch.float32 if rounding * reg / level < SINGLE else torch.float64
        state.rescale(level)
        if state.iterations == 0:
            state.log_step(dtype)
        if level > reg and state.iterations < max_iter:
            relax(state, dtype, 0.05, min(20, max_iter - state.iterations))


def _levels(span, reg):
    low = reg < ANNEAL_BELOW * span
    steps = math.ceil(math.log(ANNEAL_BELOW * span / reg) / math.log(STEP)) if low else 0
    return [reg * STEP**k for k in range(steps, -1, -1)]
