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
from gantut.transport.sinkhorn.streams import soft_minimum
from gantut.transport.sinkhorn.sweeps import State, best_factor, log2, relax

ANNEAL_BELOW = 0.01  # of the cost's span: where reg is lowered in steps
STEP = 4.0
SINGLE = 2.5e-3  # rounding of exponents up to which sweeps in float32 are worth while
SMALL = 2**18  # entries of kernels for which float64 is as fast, and a sample saves nothing
SHARE = 5  # times as few points are in a sample
LEAST = 128  # points of a sample
ROUGHLY = 0.05  # marginal error of the potentials of a sample
MOST = 100  # sweeps over a sample
SAMPLED_ABOVE = 5e-4  # of the cost's span: the reg below which a sample says little about the points between
EXACT_BELOW = 50  # times the cost's span, divided by the entries of the matrix: the reg from where on it pays
EXACT_MOST = 2**22  # entries of the matrix that exact transport takes


def approach(state, span, reg, rounding, max_iter):
    """Bring a fresh state near the solution; `rounding` is that of exponents in float32."""
    entries = math.prod(state.cost.shape[1:])
    if entries >= SMALL and reg >= SAMPLED_ABOVE * span:
        _from_sample(state, span, reg, rounding, max_iter)
    elif entries <= EXACT_MOST and reg < span * min(ANNEAL_BELOW, EXACT_BELOW / entries) and _from_exact(state, reg):
        state.log_step(torch.float64)
    else:
        _anneal(state, span, reg, rounding, max_iter)


def _from_sample(state, span, reg, rounding, max_iter):
    rows, columns = (_sample(mass, max(LEAST, mass.shape[1] // SHARE)) for mass in (state.a, state.b))
    shares = [torch.full_like(index, 1 / index.shape[1], dtype=state.a.dtype) for index in (rows, columns)]
    few = State(state.cost.among(rows, columns), *shares, reg)
    smallest = math.prod(few.cost.shape[1:]) < SMALL
    approach(few, span, reg, math.inf if smallest else rounding, max_iter)
    dtype = torch.float32 if rounding < SINGLE else torch.float64
    relax(few, torch.float64 if smallest else dtype, ROUGHLY, min(MOST, max_iter))
    if smallest:
        few.omega, few.known = _factor_of(few), True
    state.rescale(reg)
    state.F = soft_minimum(state.cost.among(None, columns), state.unit, state.F, few.G + log2(few.b), dtype)
    others = state.cost.among(rows, None).transposed()
    state.G = soft_minimum(others, state.unit, state.G, few.F + log2(few.a), dtype)
    state.omega, state.known = few.omega, few.known


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
    low = reg < ANNEAL_BELOW * span
    steps = math.ceil(math.log(ANNEAL_BELOW * span / reg) / math.log(STEP)) if low else 0
    for level in (reg * STEP**k for k in range(steps, -1, -1)):
        dtype = torch.float32 if rounding * reg / level < SINGLE else torch.float64
        state.rescale(level)
        if state.iterations == 0:
            state.log_step(dtype)
        if level > reg and state.iterations < max_iter:
            relax(state, dtype, 0.05, min(20, max_iter - state.iterations))
