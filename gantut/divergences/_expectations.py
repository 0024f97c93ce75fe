r"""Expectations :math:`\mathbb E_p\,a + \mathbb E_q\,b`, by quadrature on the line or by Monte Carlo anywhere."""

import math
from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.divergences._quadrature import DoesNotSettle, integrate

METHODS = ("quadrature", "monte-carlo")
UNDERFLOW = 1e-12  # mass too small to tell a true zero from a number that has underflowed
MASS_TOLERANCE = 1e-6  # laws are often given in single precision


class Estimate(NamedTuple):
    """A number that was estimated, with how far off it may be.

    ``float(estimate)`` is its value.
    """

    value: torch.Tensor
    """What was estimated; shape: the batch shape of the laws."""
    error: torch.Tensor
    """Quadrature: an estimate of the absolute error. Monte Carlo: one standard error."""
    evaluations: int
    """At how many points the densities were evaluated."""
    method: str
    """``"quadrature"`` or ``"monte-carlo"``."""

    def __float__(self):
        return float(self.value)


class Density:
    """A law seen through its log density: built from anything with ``log_prob``, or from a density function."""

    def __init__(self, name, law):
        self.name, self.law = name, law
        self.has_log_density = hasattr(law, "log_prob")
        if not self.has_log_density and not callable(law):
            raise ValueError(
                f"{name} must have a log_prob method (a torch distribution or a law of gantut.data) or be a density "
                f"function, not {type(law).__name__}"
            )

    def log(self, x):
        """The log density at `x`, minus infinity outside the support."""
        if not self.has_log_density:
            density = self.law(x)
            if not torch.isfinite(density).all() or (density < 0).any():
                raise ValueError(f"{self.name} must be a finite, non-negative density")
            return torch.where(density > 0, density, 1).log().where(density > 0, -math.inf)
        support = getattr(self.law, "support", None)
        if support is None:
            return self.law.log_prob(x)
        inside = support.check(x) & torch.ones_like(x, dtype=torch.bool)
        if inside.all():
            return self.law.log_prob(x)
        refuge = x[inside].reshape(-1)[:1] if inside.any() else x.new_ones(1)
        if not inside.any():
            return x.new_full(x.shape, -math.inf)
        inside = inside.expand(torch.broadcast_shapes(inside.shape, x.shape))
        return self.law.log_prob(torch.where(inside, x, refuge)).where(inside, -math.inf)

    @property
    def on_the_line(self):
        return tuple(getattr(self.law, "event_shape", ())) == ()

    @property
    def batch_shape(self):
        return tuple(getattr(self.law, "batch_shape", ()))

    def window(self):
        """Where the law lives, roughly: its centre and spread, shape (batch)."""
        try:
            mean, spread = self.law.mean, self.law.stddev
            if torch.isfinite(mean).all() and torch.isfinite(spread).all():
                return mean.detach().double(), spread.detach().double()
        except (AttributeError, NotImplementedError):
            pass
        if hasattr(self.law, "icdf"):
            quantiles = [self.law.icdf(torch.tensor(level)).detach().double() for level in (0.25, 0.5, 0.75)]
            return quantiles[1], quantiles[2] - quantiles[0]
        zero = torch.zeros((), dtype=torch.float64)
        return zero, zero + 1

    def landmarks(self):
        """Points around the peaks, which quadrature must not overlook, shape (points,); of a batch, none."""
        if hasattr(self.law, "landmarks"):
            return self.law.landmarks().detach().double()
        centre, spread = self.window()
        if centre.numel() > 1:
            return centre.new_empty(0)  # each law of the batch has a scale of its own
        return torch.stack([centre + step * spread for step in (-8, -2, 0, 2, 8)]).reshape(-1)

    def sample(self, samples, generator):
        """Draw points, shape (samples, batch, event); torch's own laws have no generator, so theirs is set aside."""
        if not hasattr(self.law, "sample"):
            raise ValueError(f'{self.name} must have a sample method for method="monte-carlo"')
        if not isinstance(self.law, torch.distributions.Distribution):
            return self.law.sample(samples, generator=generator)
        if generator is None:
            return self.law.sample((samples,))
        with torch.random.fork_rng():
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            return self.law.sample((samples,))


def expectation(under_p, under_q, p, q, *, names, method, interval, rtol, samples, generator, exact=True):
    r"""Estimate :math:`\mathbb E_p\,a(x) + \mathbb E_q\,b(x)`.

    `under_p` and `under_q` map (x, log p(x), log q(x)) to :math:`a` and :math:`b`; None stands for 0. Where one of
    them is infinite, so is the answer; unless the values are not `exact` (a number that has underflowed looks like a
    zero), in which case it takes a mass above 1e-12 there.
    """
    _inputs.one_of("method", method, METHODS)
    p, q = (Density(name, law) for name, law in zip(names, (p, q), strict=True))
    if method == "monte-carlo":
        return _by_sampling(under_p, under_q, p, q, _inputs.count("samples", samples, least=2), generator)
    for law in (p, q):
        if not law.on_the_line:
            raise ValueError(
                f"{law.name} lives in {tuple(law.law.event_shape)} dimensions, and quadrature is for laws on the line: "
                'choose method="monte-carlo"'
            )
    return _by_quadrature(under_p, under_q, p, q, interval, rtol, exact and p.has_log_density and q.has_log_density)


def _masked(log_density, value):
    """density x value, with 0 x anything = 0, in the gradient too."""
    occupied = log_density > -745.0  # where exp does not underflow to zero
    value = torch.where(occupied & torch.isfinite(value), value, 0)
    return torch.where(occupied, log_density, 0).exp() * value * occupied


def _by_quadrature(under_p, under_q, p, q, interval, rtol, exact):
    to_line, low, high, landmarks = _line(p, q, interval)

    def integrands(t):
        x, stretch = to_line(t)
        log_p, log_q = p.log(x), q.log(x)
        one = torch.ones_like(x)
        total, lost = 0, 0
        for log_own, function, law in ((log_p, under_p, p), (log_q, under_q, q)):
            if function is None:
                continue
            value = function(x, log_p, log_q)
            if torch.isnan(value[log_own > -745.0]).any():
                raise ValueError(f"the integrand under {law.name} is not a number somewhere on its support")
            total = total + _masked(log_own, value)
            lost = lost + _masked(log_own, torch.isinf(value).to(x.dtype) * value.sign().nan_to_num())
        columns = torch.broadcast_tensors(total, lost, _masked(log_p, one), _masked(log_q, one))
        return torch.stack(columns, -1) * stretch[..., None]

    try:
        integrals, errors, points = integrate(
            integrands, low, high, landmarks=landmarks, rtol=rtol, atol=1e-13, device=landmarks.device
        )
    except DoesNotSettle as trouble:
        raise DoesNotSettle(f"{p.name} against {q.name}: {trouble}") from None
    value, lost, *masses = integrals.unbind(-1)
    for law, mass in zip((p, q), masses, strict=True):
        _check_mass(law, mass.detach(), interval)
    infinite = lost.detach().abs() > (0 if exact else UNDERFLOW)
    value = torch.where(infinite, lost.detach().sign() * math.inf, value)
    return Estimate(value, errors.unbind(-1)[0], points, "quadrature")


def _line(p, q, interval):
    """How quadrature points t become points x of the line, and dx/dt: the whole line, or the given interval."""
    landmarks = torch.cat([p.landmarks(), q.landmarks()])
    if interval is not None:
        low, high = map(float, interval)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"interval must be two finite numbers, the lower first, not {interval!r}")
        batch = torch.broadcast_shapes(p.batch_shape, q.batch_shape)

        def within(t):
            x = t.reshape(-1, *(1 for _ in batch))
            return x, torch.ones_like(x)

        return within, low, high, landmarks
    (centre_p, spread_p), (centre_q, spread_q) = p.window(), q.window()
    centre, scale = (centre_p + centre_q) / 2, torch.maximum(spread_p, spread_q) + (centre_p - centre_q).abs() / 2

    def everywhere(t):
        t = t.reshape(-1, *(1 for _ in centre.shape))
        inner = 1 - t * t
        return centre + scale * t / inner, scale * (1 + t * t) / (inner * inner)  # x, dx/dt

    away = (landmarks - centre) / scale if centre.numel() == 1 else landmarks[:0]
    return everywhere, -1.0, 1.0, 2 * away / (1 + (1 + 4 * away * away).sqrt())  # the t at which x is a landmark


def _check_mass(law, mass, interval):
    worst = mass.reshape(-1)[(mass - 1).abs().reshape(-1).argmax()].item()
    if interval is None and abs(worst - 1) > MASS_TOLERANCE:
        raise ValueError(
            f"{law.name} must have total mass 1, but integrates to {worst:.9g}: normalise it or, if it is a peak too "
            "narrow or too far away to be found, say where it lives with interval="
        )
    if worst > 1 + MASS_TOLERANCE:
        raise ValueError(
            f"{law.name} must have total mass 1, but integrates to {worst:.9g} over the interval {interval}"
        )


@torch.no_grad()
def _by_sampling(under_p, under_q, p, q, samples, generator):
    value, variance, evaluations = 0.0, 0.0, 0
    for own, function in ((p, under_p), (q, under_q)):
        if function is None:
            continue
        x = own.sample(samples, generator)
        terms = function(x, p.log(x), q.log(x))
        if torch.isnan(terms).any():
            raise ValueError(f"the terms averaged under {own.name} are not numbers at some of its samples")
        value = value + terms.mean(0)
        variance = variance + terms.var(0) / samples
        evaluations += samples
    return Estimate(value, variance.sqrt(), evaluations, "monte-carlo")
