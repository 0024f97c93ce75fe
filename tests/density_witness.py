"""Divergences between densities by other means than gantut's: formulas in numpy, and double exponential quadrature.

Every family of torch.distributions that has a density on the line is written down again, from its formula, in terms of
distances to the ends of the piece that a point lies in, so that no pole is blurred by rounding.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch
import torch.distributions as td
from scipy.special import gammaln, i0e, log_expit

INF = math.inf
LOG_2PI = math.log(2 * math.pi)


class Piece(NamedTuple):
    """Points between `low` and `high`, by their distances to both."""

    low: float
    high: float
    left: np.ndarray
    right: np.ndarray

    def away(self, place):
        """Return x - place without cancellation where the place is an end of the piece."""
        if place == self.high:
            return -self.right
        if place == self.low or self.right is None or (np.isfinite(self.low) and self.left is not None):
            return self.left + (self.low - place)
        return (self.high - place) - self.right


class Family(NamedTuple):
    """How to draw parameters, to build it in torch, where its ends and its peak are, and its log density."""

    draw: object
    build: object
    ends: object
    peaks: object
    log: object


def logs_in_unit_interval(piece):
    """Return log x and log(1 - x)."""
    x, rest = piece.away(0.0), -piece.away(1.0)
    with np.errstate(all="ignore"):
        return (np.where(x < 0.5, np.log(x), np.log1p(-rest)), np.where(rest < 0.5, np.log(rest), np.log1p(-x)))


def log_logistic(y, temperature, logits):
    z = temperature * y - logits
    return math.log(temperature) + log_expit(z) + log_expit(-z)


def normal(z, s):
    return -z * z / 2 - math.log(s) - LOG_2PI / 2


def gamma(x, a, b):
    return a * math.log(b) - gammaln(a) + (a - 1) * np.log(x) - b * x


def log_kumaraswamy(piece, a, b):
    log_x, _ = logs_in_unit_interval(piece)
    return math.log(a * b) + (a - 1) * log_x + (b - 1) * np.log(-np.expm1(a * log_x))


def log_beta(piece, a, b):
    log_x, log_rest = logs_in_unit_interval(piece)
    return (a - 1) * log_x + (b - 1) * log_rest - gammaln(a) - gammaln(b) + gammaln(a + b)


def log_continuous_bernoulli(piece, p):
    height = 2.0 if p == 0.5 else 2 * math.atanh(1 - 2 * p) / (1 - 2 * p)
    return math.log(height) + piece.away(0.0) * math.log(p) - piece.away(1.0) * math.log1p(-p)


def log_relaxed_bernoulli(piece, t, logits):
    log_x, log_rest = logs_in_unit_interval(piece)
    return log_logistic(log_x - log_rest, t, logits) - log_x - log_rest


def log_logit_normal(piece, m, s):
    log_x, log_rest = logs_in_unit_interval(piece)
    return normal((log_x - log_rest - m) / s, s) - log_x - log_rest


def log_generalized_pareto(piece, loc, s, c):
    end = float(np.float64(loc) - np.float64(s) / np.float64(c))
    inner = -c * -piece.away(end) / s if c < 0 and piece.high == end else 1 + c * piece.away(loc) / s
    return -math.log(s) - (1 + 1 / c) * np.log(inner)


def log_fisher(piece, m, n):
    x = piece.away(0.0)
    constant = gammaln((m + n) / 2) - gammaln(m / 2) - gammaln(n / 2) + m / 2 * math.log(m / n)
    return constant + (m / 2 - 1) * np.log(x) - (m + n) / 2 * np.log1p(m / n * x)


def log_student(piece, n, loc, s):
    z = piece.away(loc) / s
    power = (n + 1) / 2
    constant = gammaln(power) - gammaln(n / 2) - math.log(n * math.pi) / 2 - math.log(s)
    far = np.abs(z) > 1e100
    return constant - power * np.where(
        far, 2 * np.log(np.abs(z) + far * 0.0 + ~far) - math.log(n), np.log1p(np.where(far, 0, z) ** 2 / n)
    )


def mixed(first, second, weight):
    return np.logaddexp(math.log(weight) + first, math.log1p(-weight) + second)


def stacked(*pairs):
    return [torch.stack([first, second], -1) for first, second in pairs]


def mixture(component, weight, *pairs):
    return td.MixtureSameFamily(td.Categorical(torch.stack([weight, 1 - weight], -1)), component(*stacked(*pairs)))


def between(low, high):
    return lambda random: float(np.exp(random.uniform(np.log(low), np.log(high))))


def anywhere(reach):
    return lambda random: float(random.uniform(-reach, reach))


def share(random):
    """Return a weight w such that 1 - w is exact in single precision, too."""
    return int(random.integers(3, 61)) / 64


scale, shape, place = between(0.05, 20), between(0.15, 12), anywhere(8)
LINE, HALF, UNIT = (lambda *_: (-INF, INF)), (lambda *_: (0.0, INF)), (lambda *_: (0.0, 1.0))


def first(loc, *_):
    return [loc]


def none(*_):
    return []


def peaks_and_crossings(m, n, s, t, w):
    """Return the peaks of two weighted normal densities, and where they cross: there the log of the sum has a kink."""
    constant = n * n / t**2 / 2 - m * m / s**2 / 2 + math.log(w / (1 - w) * t / s)
    roots = np.roots([(1 / t**2 - 1 / s**2) / 2, m / s**2 - n / t**2, constant])
    return [m, n, *(float(root.real) for root in roots if root.imag == 0 and abs(root) < 1e6)]


FAMILIES = {
    "Normal": Family((place, scale), td.Normal, LINE, first, lambda x, m, s: normal(x.away(m) / s, s)),
    "Laplace": Family(
        (place, scale), td.Laplace, LINE, first, lambda x, m, s: -np.abs(x.away(m)) / s - math.log(2 * s)
    ),
    "Cauchy": Family((place, scale), td.Cauchy, LINE, first, lambda x, m, s: log_student(x, 1.0, m, s)),
    "StudentT": Family((between(0.6, 30), place, scale), td.StudentT, LINE, lambda n, m, s: [m], log_student),
    "Gumbel": Family(
        (place, scale), td.Gumbel, LINE, first, lambda x, m, s: -x.away(m) / s - np.exp(-x.away(m) / s) - math.log(s)
    ),
    "LogitRelaxedBernoulli": Family(
        (between(0.1, 5), anywhere(4)),
        lambda t, logits: td.RelaxedBernoulli(t, logits=logits).base_dist,
        LINE, lambda t, logits: [logits / t], lambda x, t, logits: log_logistic(x.away(0.0), t, logits),
    ),
    "Exponential": Family((scale,), td.Exponential, HALF, none, lambda x, r: math.log(r) - r * x.away(0.0)),
    "Gamma": Family((shape, scale), td.Gamma, HALF, none, lambda x, a, b: gamma(x.away(0.0), a, b)),
    "Chi2": Family((shape,), td.Chi2, HALF, none, lambda x, n: gamma(x.away(0.0), n / 2, 0.5)),
    "InverseGamma": Family(
        (shape, scale), td.InverseGamma, HALF, none,
        lambda x, a, b: a * math.log(b) - gammaln(a) - (a + 1) * np.log(x.away(0.0)) - b / x.away(0.0),
    ),
    "Weibull": Family(
        (scale, between(0.3, 5)), td.Weibull, HALF, none,
        lambda x, s, k: math.log(k / s) + (k - 1) * np.log(x.away(0.0) / s) - (x.away(0.0) / s) ** k,
    ),
    "LogNormal": Family(
        (anywhere(3), between(0.05, 4)), td.LogNormal, HALF, none,
        lambda x, m, s: normal((np.log(x.away(0.0)) - m) / s, s) - np.log(x.away(0.0)),
    ),
    "HalfNormal": Family((scale,), td.HalfNormal, HALF, none, lambda x, s: normal(x.away(0.0) / s, s) + math.log(2)),
    "HalfCauchy": Family((scale,), td.HalfCauchy, HALF, none, lambda x, s: log_student(x, 1.0, 0.0, s) + math.log(2)),
    "FisherSnedecor": Family((between(0.4, 20), between(0.6, 20)), td.FisherSnedecor, HALF, none, log_fisher),
    "Pareto": Family(
        (scale, between(0.3, 10)), td.Pareto, lambda s, a: (s, INF), none,
        lambda x, s, a: math.log(a) + a * math.log(s) - (a + 1) * np.log(x.away(0.0)),
    ),
    "GeneralizedPareto": Family(
        (place, scale, between(0.05, 1.5)), getattr(td, "GeneralizedPareto", None), lambda m, s, c: (m, INF), none,
        log_generalized_pareto,
    ),
    "GeneralizedPareto with an end": Family(
        (place, scale, lambda random: -between(0.2, 3)(random)), getattr(td, "GeneralizedPareto", None),
        lambda m, s, c: (m, float(np.float64(m) - np.float64(s) / np.float64(c))), none, log_generalized_pareto,
    ),
    "Uniform": Family(
        (place, between(0.05, 20)), lambda m, s: td.Uniform(m, m + s), lambda m, s: (m, m + s), none,
        lambda x, m, s: -math.log((m + s) - m) + 0 * x.left,
    ),
    "Beta": Family((shape, shape), td.Beta, UNIT, none, log_beta),
    "Kumaraswamy": Family((between(0.2, 6), between(0.2, 6)), td.Kumaraswamy, UNIT, none, log_kumaraswamy),
    "ContinuousBernoulli": Family(
        (lambda random: float(random.uniform(0.02, 0.98)),), td.ContinuousBernoulli, UNIT, none,
        log_continuous_bernoulli,
    ),
    "RelaxedBernoulli": Family(
        (between(0.2, 4), anywhere(3)), lambda t, logits: td.RelaxedBernoulli(t, logits=logits), UNIT, none,
        log_relaxed_bernoulli,
    ),
    "sigmoid of Normal": Family(
        (anywhere(3), between(0.1, 3)),
        lambda m, s: td.TransformedDistribution(td.Normal(m, s), [td.SigmoidTransform()]), UNIT, none, log_logit_normal,
    ),
    "exp of Laplace": Family(
        (anywhere(2), between(0.1, 2)),
        lambda m, s: td.TransformedDistribution(td.Laplace(m, s), [td.ExpTransform()]), HALF,
        lambda m, s: [math.exp(m)],
        lambda x, m, s: -np.abs(np.log(x.away(0.0)) - m) / s - math.log(2 * s) - np.log(x.away(0.0)),
    ),
    "mirrored Gamma": Family(
        (shape, place), lambda a, m: td.TransformedDistribution(td.Gamma(a, a / a), [td.AffineTransform(m, -1.0)]),
        lambda a, m: (-INF, m), none, lambda x, a, m: gamma(-x.away(m), a, 1.0),
    ),
    "shifted Gamma": Family(
        (shape, place), lambda a, m: td.TransformedDistribution(td.Gamma(a, a / a), [td.AffineTransform(m, 1.0)]),
        lambda a, m: (m, INF), none, lambda x, a, m: gamma(x.away(m), a, 1.0),
    ),
    "two Normals": Family(
        (place, place, scale, scale, share),
        lambda m, n, s, t, w: mixture(td.Normal, w, (m, n), (s, t)), LINE, peaks_and_crossings,
        lambda x, m, n, s, t, w: mixed(normal(x.away(m) / s, s), normal(x.away(n) / t, t), w),
    ),
    "two Gammas": Family(
        (shape, shape, scale, scale, share),
        lambda a, b, r, s, w: mixture(td.Gamma, w, (a, b), (r, s)), HALF, none,
        lambda x, a, b, r, s, w: mixed(gamma(x.away(0.0), a, r), gamma(x.away(0.0), b, s), w),
    ),
    "two Betas": Family(
        (shape, shape, shape, shape, share),
        lambda a, b, c, d, w: mixture(td.Beta, w, (a, b), (c, d)), UNIT, none,
        lambda x, a, b, c, d, w: mixed(log_beta(x, a, c), log_beta(x, b, d), w),
    ),
}  # fmt: skip
VON_MISES = Family(
    (anywhere(3), between(0.05, 200)), td.VonMises, lambda *_: (-math.pi, math.pi), first,
    lambda x, m, k: k * (np.cos(x.away(m)) - 1) - np.log(2 * math.pi * i0e(k)),
)  # fmt: skip


def piece_and_weights(low, high, step):
    """Return the nodes of double exponential quadrature between two points, and their weights (Takahasi, Mori)."""
    t = np.arange(-6.2, 6.2, step)
    u, slope = math.pi * np.sinh(t), math.pi * np.cosh(t)
    if np.isfinite(low) and np.isfinite(high):
        left, right = np.exp(log_expit(u)), np.exp(log_expit(-u))
        return Piece(low, high, (high - low) * left, (high - low) * right), (high - low) * left * right * slope * step
    y = np.exp(u / 2)
    weights = y * slope / 2 * step
    return (Piece(low, high, y, None) if np.isfinite(low) else Piece(low, high, None, y)), weights


def against(p, r, weight):
    """Return p log(p/r) times a weight, in logarithms, as far out p alone would underflow; 0 where it vanishes."""
    return np.where(p + weight > -745, np.exp(p + weight) * (p - r), 0)


def js_terms(p, q, weight):
    both = np.logaddexp(p, q)
    halves = math.log(2) * (np.exp(p + weight) + np.exp(q + weight))
    return (against(p, both, weight) + against(q, both, weight) + halves) / 2


TERMS = {
    "kl": against,
    "js": js_terms,
    "tv": lambda p, q, weight: np.abs(np.exp(p + weight) - np.exp(q + weight)) / 2,
}


def log_density(family, parameters, piece):
    low, high = family.ends(*parameters)
    points = piece.right if piece.left is None else piece.left
    if piece.high <= low or piece.low >= high:
        return np.full_like(points, -INF)
    with np.errstate(all="ignore"):
        return np.nan_to_num(family.log(piece, *parameters), nan=-1e308, neginf=-1e308, posinf=600)


def cuts(sides, interval=None):
    ends = [end for family, parameters in sides for end in (*family.ends(*parameters), *family.peaks(*parameters))]
    ends = interval or ends
    return sorted({-INF if interval is None else interval[0], INF if interval is None else interval[1], *ends})


def divided(edges):
    """Add a cut in the middle of nowhere if there is none."""
    finite = [edge for edge in edges if np.isfinite(edge)]
    return edges if finite else sorted({*edges, 0.0})


def crossings(sides, edges):
    """Return where the densities cross, by bisection."""
    found = []
    for low, high in itertools.pairwise(edges):
        piece, _ = piece_and_weights(low, high, 1 / 16)
        points = piece.left if piece.left is not None else piece.right

        def apart(part):
            return np.sign(log_density(*sides[0], part) - log_density(*sides[1], part))

        with np.errstate(all="ignore"):
            signs = apart(piece)
        for i in np.nonzero((signs[1:] * signs[:-1]) < 0)[0]:
            a, b, sign = points[i : i + 1], points[i + 1 : i + 2], signs[i]
            for _ in range(60):
                middle = np.sqrt(a) * np.sqrt(b)
                rest = (high - low) - middle if piece.right is not None and piece.left is not None else None
                part = Piece(low, high, middle, rest) if piece.left is not None else Piece(low, high, None, middle)
                a, b = (middle, b) if apart(part)[0] == sign else (a, middle)
            found.append(low + a.item() if piece.left is not None else high - a.item())
    return found


def divergence(kind, p, q, interval=None):
    """Return the divergence between (family, parameters) and another, and how far two step sizes differ."""
    edges = divided(cuts((p, q), interval))
    low, high = p[0].ends(*p[1])
    other_low, other_high = q[0].ends(*q[1])
    if kind == "kl" and (low < other_low or high > other_high):
        return INF, 0.0
    if kind == "tv":
        edges = sorted({*edges, *crossings((p, q), edges)})
    totals, size, edge = [0.0, 0.0], 0.0, 0.0
    for a, b in itertools.pairwise(edges):
        for which, step in enumerate((1 / 48, 1 / 32)):
            piece, weights = piece_and_weights(a, b, step)
            with np.errstate(all="ignore"):
                logs = log_density(*p, piece), log_density(*q, piece)
                terms = np.nan_to_num(TERMS[kind](*logs, np.log(weights)), nan=0.0, posinf=1e300, neginf=-1e300)
            totals[which] += terms.sum()
            size, edge = size + np.abs(terms).sum() / 2, edge + 40 * np.abs(terms[[0, -1]]).sum()
    return totals[0], abs(totals[0] - totals[1]) + edge + 1e-14 * size
