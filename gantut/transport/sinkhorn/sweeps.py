r"""Sinkhorn's iterations, over-relaxed, in base 2.

With masses of total 1 and :math:`P_{ij} = a_i b_j\, 2^{F_i + G_j - c\,C_{ij}}`, a sweep over the rows of the kernel
does both half steps: each tile gives the row sums :math:`s`, hence the new :math:`F`, and at once its part of the
column sums :math:`t`. Now and then a sweep is looked at, for one product more: what would :math:`t` be with the exact
:math:`F`? That is the error of a plain iteration from here, and the stopping test.

Sinkhorn is nonlinear Gauss–Seidel; hence successive over-relaxation (Lehmann et al. 2022), with Young's choice of the
factor, :math:`\omega = 2 / (1 + \sqrt{1 - \rho})` for the rate :math:`\rho` of the plain iteration, which is known from
a sample of the points, or inferred from the observed one. On the CPU no rate need be known: there sweeps are
over-relaxed by half, and mixed, see `mixing`.
"""

import math

import torch

from gantut.transport.sinkhorn.kernels import LOG_ZERO, Buffer
from gantut.transport.sinkhorn.mixing import Mixing
from gantut.transport.sinkhorn.streams import kernel_at, soft_minimum

GAIN = 30.0  # log2 of a scaling at which it is absorbed into the potentials
LIMIT = 60.0  # log2 of a scaling at which kernel entries may have been lost: start again in the log domain
EVERY = 5  # sweeps between two looks at the rate
PLAIN = 10  # sweeps before over-relaxation, which may never converge from a cold start
FEW = 1  # the same from a warm start, of which single points may be far off
WAIT = 10  # sweeps that a new factor takes to show its rate
FASTEST = 1.95
HALF = 1.55  # over-relaxation of sweeps that are mixed
TOGETHER = 2  # sweeps from one mixture to the next: a mixture takes almost as long as a sweep over a small kernel
MIXED_FROM = 2**14  # entries of a kernel
ASTRAY = 4.0  # times the least error: mixing has left the region where it helps
LEAST_SUM = 2.0**-100  # of a row or a column whose entries may all have been lost
SLOW = 0.9  # a factor that is known leaves a smaller share of the error than this in so many sweeps
LIGHT = 1e-20  # mass of a point below which float32 is no longer safe
REACH = 1e-2  # marginal error below which Newton's method may be tried


class State:
    """Potentials of a batch of problems in units of base 2, F (B, n) and G (B, m), always in float64."""

    def __init__(self, cost, a, b, reg):
        self.cost, self.a, self.b = cost, a, b
        self.memory = Buffer(cost.device)
        self.plan = self.measured = None  # what was measured last: the plan, while it is in memory, and how it is
        self.unit = math.log2(math.e) / reg
        self.F, self.G = torch.zeros_like(a), torch.zeros_like(b)
        self.omega, self.known = a.new_ones(len(a), 1), False  # the factor, and whether it is known beforehand
        self.half = HALF
        self.iterations = 0

    def rescale(self, reg):
        """Go to another reg with the same potentials."""
        unit = math.log2(math.e) / reg
        self.F, self.G, self.unit = self.F * (unit / self.unit), self.G * (unit / self.unit), unit

    def kernel(self, dtype, *, keep=True):
        """The kernel at the present potentials; one that is used once need not be kept."""
        self.plan = None
        return kernel_at(self.cost, self.unit, self.F, self.G, dtype, self.memory, keep=keep)

    def log_step(self, dtype):
        """One iteration that is safe from anywhere: each entry is measured against the largest of its row or column."""
        self.F = soft_minimum(self.cost, self.unit, self.F, self.G + log2(self.b), dtype)
        self.G = soft_minimum(self.cost.transposed(), self.unit, self.G, self.F + log2(self.a), dtype)


def log2(masses):
    """Logarithms of masses, very negative but finite where there is no mass."""
    return masses.log2().clamp_min(LOG_ZERO)


def least_mass(masses):
    """The smallest mass that is not zero."""
    return torch.where(masses > 0, masses, 1.0).amin().item()


def sweep(kernel, a, b, log_u, log_v, omega, *, looking=False):
    """Update both scalings in place; return, if `looking`, the column sums (B, m) if rows were made exact first.

    They are what a plain sweep would divide by; over-relaxed scalings violate both marginals far more.
    """
    column_sums, exact_sums = torch.zeros_like(b), torch.zeros_like(b) if looking else None

    def between(rows, sums):
        log_sums = sums.clamp_min_(LEAST_SUM).log2_()
        exact = a[:, rows] * (-log_sums).exp2() if looking else None
        _step(log_u[:, rows], log_sums, omega)
        updated = a[:, rows] * log_u[:, rows].exp2()
        return (exact, updated) if looking else (updated,)

    kernel.there_and_back(b * log_v.exp2(), between, *([exact_sums] if looking else []), column_sums)
    _step(log_v, column_sums.clamp_min_(LEAST_SUM).log2_(), omega)
    return exact_sums


def _step(log_scaling, log_sums, omega):
    log_scaling.mul_(1 - omega).sub_(log_sums.mul_(omega)).clamp_(-LIMIT, LIMIT)


def is_mixed(cost):
    """Whether sweeps are mixed: not where they take less than the small linear system that it costs."""
    return cost.device.type == "cpu" and math.prod(cost.shape[1:]) >= MIXED_FROM


class Watch:
    """Looks at the error now and then, and adapts the over-relaxation of each problem to the rate that it sees."""

    def __init__(self, omega, settled):
        self.omega, self.settled, self.last = omega, settled, None

    def look(self, done, error):
        """Take note of the errors (B, 1) after so many sweeps."""
        if done < self.settled:
            return
        if self.last is not None:
            before, after = self.last
            rate = (error / after).pow(1 / (done - before)).clamp_min(1e-3)
            growing = torch.where(error > 4 * after, 1.0, self.omega)
            chosen = torch.where(rate < 1, faster(self.omega, rate), growing)
            if (chosen != self.omega).any():
                self.omega, self.settled, self.last = chosen, done + WAIT, None
                return
        self.last = done, error

    def restart(self, done):
        """After a jump in the potentials: plain sweeps for a while."""
        self.omega, self.last, self.settled = torch.ones_like(self.omega), None, done + PLAIN - EVERY


def best_factor(rate):
    """Young's over-relaxation factor for the rate of the plain iteration."""
    return (2 / (1 + (1 - rate.clamp(0.0, 1 - 1e-5)).sqrt())).clamp_max(FASTEST)


def faster(omega, rate):
    """Young's over-relaxation factor, from the rate observed with the present factor."""
    better = best_factor((rate + omega - 1).square() / (rate * omega.square()))
    return torch.where(rate > omega - 1, torch.maximum(better, omega), omega)


def relax(state, dtype, target, limit, *, warm=False, patience=math.inf):
    """Sweep until the marginal errors are below `target` or `limit` sweeps are done.

    Where Newton's method can take over, do not wait longer than `patience` for the error to halve. Returns the largest
    error that was seen last.
    """
    a, b = state.a.to(dtype), state.b.to(dtype)
    kernel, masses = state.kernel(dtype), torch.cat([a, b], 1)
    scalings = torch.zeros_like(masses)
    log_u, log_v = scalings[:, : a.shape[1]], scalings[:, a.shape[1] :]
    watch, plain_until = Watch(state.omega.to(dtype), WAIT), FEW if warm else PLAIN
    mixing = Mixing(masses) if is_mixed(state.cost) else None
    if not (warm or state.known):
        watch.restart(0)
    look, last, best, best_at = 1, (0, math.inf), math.inf, 0
    for done in range(1, limit + 1):
        looking = done in (look, limit)
        v = log_v.exp2() if looking else None
        mixed = mixing is not None and done > plain_until
        omega = 1.0 if done <= plain_until else state.half if mixed else watch.omega
        sums = sweep(kernel, a, b, log_u, log_v, omega, looking=looking)
        if mixed and (done - plain_until) % TOGETHER == 0:
            scalings.copy_(mixing(scalings)).clamp_(-LIMIT, LIMIT)
        if not looking:
            continue
        error = (b * (v * sums - 1).abs()).sum(-1)
        sizes = torch.stack([error.amax(), log_u.abs().amax(), log_v.abs().amax()])
        worst, *gains = sizes.tolist()  # the stopping test: the only time that the host waits for the device
        if mixing is None:
            state.known &= done <= EVERY or worst < SLOW ** ((done - last[0]) / EVERY) * last[1]
            if not state.known:
                watch.look(done, error[:, None])
        elif not (worst < ASTRAY * best and sum(gains) < math.inf):  # nor NaN
            # back to where these scalings began, and not this way again
            mixing, gains = None, [0.0]
            scalings.zero_(), watch.restart(done), sums.fill_(1.0)
        look, last = next_look(done, worst, last, target), (done, worst)
        best, best_at = (worst, done) if worst < best / 2 else (best, best_at)
        largest = max(gains)
        leave = worst < target or done == limit or (worst < REACH and done - best_at > patience)
        if largest <= GAIN and not leave:
            continue
        if leave:
            log_v = -sums.clamp_min(LEAST_SUM).log2()  # the last step is a plain one
        state.F, state.G = state.F + log_u, state.G + log_v
        if not largest < LIMIT:
            state.log_step(dtype)
            plain_until = done + FEW
            if not state.known:
                watch.restart(done)
            leave = done == limit
        if leave:
            break
        kernel, mixing = state.kernel(dtype), mixing and Mixing(masses)
        scalings.zero_()
    state.iterations += done
    state.omega = watch.omega.double()
    return worst


def next_look(done, error, last, target):
    """Which sweep to look at next: the one that brings the error to the target if it goes on falling as it did."""
    if done == 1:
        return 2
    if target < error < last[1] < math.inf:
        each = math.log(last[1] / error) / (done - last[0])
        return done + min(math.ceil(math.log(error / target) / each), EVERY)
    return done + EVERY
