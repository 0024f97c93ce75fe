r"""Expectations :math:`\mathbb E_p\,a + \mathbb E_q\,b`, by quadrature on the line or by Monte Carlo anywhere."""

import contextlib
import math
from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.divergences._quadrature import IntegrationError, integrate

METHODS = ("quadrature", "monte-carlo")
UNDERFLOW = 1e-12  # mass too small to tell a true zero from a number that has underflowed
MASS_TOLERANCE = 1e-6  # distributions are often given in single precision


class Estimate(NamedTuple):
    """An estimate and its error; ``float(estimate)`` is its value.

    Attributes
    ----------
    value : tensor
        The estimate, in the batch shape of the distributions.
    error : tensor
        Quadrature: an estimate of the absolute error. Monte Carlo: one standard error.
    evaluations : int
        The number of points at which the densities were evaluated.
    method : {"quadrature", "monte-carlo"}

    Examples
    --------
    >>> from gantut.data import gaussian
    >>> estimate = kl_between(gaussian(0, 1), gaussian(1, 1))
    >>> float(estimate.error) < 1e-9, estimate.method
    (True, 'quadrature')
    """

    value: torch.Tensor
    error: torch.Tensor
    evaluations: int
    method: str

    def __float__(self):
        return float(self.value)

    def in_units(self, unit: float) -> "Estimate":
        """Return the estimate times a positive unit, such as 1/ln 2 for bits."""
        return self._replace(value=self.value * unit, error=self.error * unit)


class Density:
    """The log density of a distribution: of anything with ``log_prob``, or of a density function."""

    def __init__(self, name, distribution):
        self.name, self.distribution = name, distribution
        self.has_log_density = hasattr(distribution, "log_prob")
        event_shape = getattr(distribution, "event_shape", None)  # None: unknown
        self.event_shape = None if event_shape is None else tuple(event_shape)
        self.batch_shape = tuple(getattr(distribution, "batch_shape", ()))
        if not self.has_log_density and not callable(distribution):
            raise ValueError(
                f"{name} must have a log_prob method, like the distributions of torch and gantut.data, or be a density "
                f"function, not {type(distribution).__name__}"
            )

    def log(self, x):
        """Return the log density at `x`, minus infinity outside the support."""
        events = len(self.event_shape or ())
        points = x.shape[: x.ndim - events]
        if x.shape[x.ndim - events :] != (self.event_shape or ()):
            raise ValueError(
                f"x must have shape (..., {events and self.event_shape[0]}) for {self.name}, not {_inputs.shape(x)}"
            )
        if not self.has_log_density:
            density = self.distribution(x)
            if not isinstance(density, torch.Tensor) or density.shape != points:
                raise ValueError(f"{self.name} must map {_maps(x, points, density)}")
            if not torch.isfinite(density).all() or (density < 0).any():
                raise ValueError(f"{self.name} must be a finite, non-negative density")
            return torch.where(density > 0, density, 1).log().where(density > 0, -math.inf)
        support = getattr(self.distribution, "support", None)
        if support is None:
            return self.distribution.log_prob(x)
        if support.is_discrete:
            raise ValueError(f"{self.name} must have a density, but {type(self.distribution).__name__} is discrete")
        inside = support.check(x)
        if inside.all():
            return self.distribution.log_prob(x)
        refuge = _somewhere_inside(support)  # outside, log_prob raises an error or is NaN
        if refuge is None and not inside.any():
            return x.new_full(inside.shape, -math.inf)
        refuge = x[inside][0] if refuge is None else refuge
        stay = inside.reshape((*inside.shape, *(1 for _ in range(events))))
        return self.distribution.log_prob(torch.where(stay, x, refuge)).where(inside, -math.inf)

    @property
    def device(self):
        """The device of its parameters; None for a density function, whose parameters are not visible."""
        if not self.has_log_density:
            return None
        declared = getattr(self.distribution, "device", None)
        return self.window()[0].device if declared is None else torch.empty(0, device=declared).device  # with its index

    def require_fixed_edges(self):
        """Refuse a support that depends on a parameter: quadrature at fixed points would miss its gradient."""
        edges = _edges(getattr(self.distribution, "support", None))
        if torch.is_grad_enabled() and any(getattr(edge, "requires_grad", False) for edge in edges):
            raise ValueError(
                f"{self.name} must not have a support whose ends require a gradient, which quadrature would get wrong: "
                "detach them, or compute under torch.no_grad()"
            )

    def window(self):
        """Return the rough location of the distribution: its centre and spread, shape (batch)."""
        missing = (AttributeError, NotImplementedError)
        with contextlib.suppress(*missing):
            mean, spread = self.distribution.mean, self.distribution.stddev
            if torch.isfinite(mean).all() and torch.isfinite(spread).all():
                return mean.detach().double(), spread.detach().double()
        with contextlib.suppress(*missing):
            quantiles = [self.distribution.icdf(torch.tensor(level)).detach().double() for level in (0.25, 0.5, 0.75)]
            return quantiles[1], quantiles[2] - quantiles[0]
        if hasattr(self.distribution, "loc") and hasattr(self.distribution, "scale"):
            return self.distribution.loc.detach().double(), self.distribution.scale.detach().double()
        zero = torch.zeros((), dtype=torch.float64)
        return zero, zero + 1

    def landmarks(self):
        """Return points around the peaks, which quadrature must not miss, shape (points,); none for a batch."""
        if hasattr(self.distribution, "landmarks"):
            return self.distribution.landmarks().detach().double()
        centre, spread = self.window()
        if centre.numel() > 1:
            return centre.new_empty(0)  # each distribution of the batch has a scale of its own
        return torch.stack([centre + step * spread for step in (-8, -2, 0, 2, 8)]).reshape(-1)

    def sample(self, samples, batch_shape, generator):
        """Draw points, shape (samples, batch, event); distributions of torch only know the global seed."""
        if not hasattr(self.distribution, "sample"):
            raise ValueError(f'{self.name} must have a sample method for method="monte-carlo"')
        if not isinstance(self.distribution, torch.distributions.Distribution):
            more = batch_shape if not self.batch_shape else ()
            return self.distribution.sample((samples, *more) if more else samples, generator=generator)
        distribution = self.distribution if self.batch_shape == batch_shape else self.distribution.expand(batch_shape)
        if generator is None:
            return distribution.sample((samples,))
        with torch.random.fork_rng():
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            return distribution.sample((samples,))


def _maps(x, points, given):
    """Describe what a function of points must return, and what it did return."""
    given = f"shape {_inputs.shape(given)}" if isinstance(given, torch.Tensor) else repr(given)
    return f"points of shape {_inputs.shape(x)} to a tensor of shape {tuple(points)}, not to {given}"


def outputs(name, function, x, log_density):
    """Return the values of a function at the points `x`, one for each entry of the log density there."""
    values = function(x)
    wanted = log_density.shape
    fits = isinstance(values, torch.Tensor) and values.ndim == len(wanted) and values.shape[:1] == wanted[:1]
    if not fits or any(ours not in (1, theirs) for ours, theirs in zip(values.shape, wanted, strict=True)):
        raise ValueError(f"{name} must map {_maps(x, wanted, values)}")
    return values.expand(wanted)


def _edges(support):
    """Return the lower and upper end of a support on the line, None where there is none."""
    support = getattr(support, "base_constraint", support)
    return getattr(support, "lower_bound", None), getattr(support, "upper_bound", None)


def _somewhere_inside(support):
    """Return a point inside a support with ends (one per distribution of the batch), or None."""
    low, high = _edges(support)
    if low is None or high is None:
        return None if low is None and high is None else low + 1 if high is None else high - 1
    return (low + high) / 2


def see_densities(names, distributions):
    """Return the log densities of two distributions on the same space, whose batches broadcast."""
    p, q = (Density(name, distribution) for name, distribution in zip(names, distributions, strict=True))
    if p.event_shape is None or q.event_shape is None:
        p.event_shape = q.event_shape = p.event_shape or q.event_shape or ()
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"{p.name} and {q.name} must be distributions on the same space, "
            f"but have event shapes {p.event_shape} and {q.event_shape}"
        )
    if p.device is not None and q.device is not None and p.device != q.device:
        raise ValueError(f"{p.name} and {q.name} must be on one device, but are on {p.device} and {q.device}")
    try:
        torch.broadcast_shapes(p.batch_shape, q.batch_shape)
    except RuntimeError:
        raise ValueError(
            f"{p.name} and {q.name} must have batch shapes that broadcast, not {p.batch_shape} and {q.batch_shape}"
        ) from None
    return p, q


def expectation(under_p, under_q, p, q, *, names, method, interval, rtol, samples, generator, exact=True):
    r"""Estimate :math:`\mathbb E_p\,a(x) + \mathbb E_q\,b(x)`.

    `under_p` and `under_q` map (x, log p(x), log q(x)) to :math:`a` and :math:`b`; None stands for 0. Where one of
    them is infinite, so is the result; unless the values are not `exact` (a number that has underflowed looks like 0),
    in which case it takes a mass above 1e-12 there.
    """
    _inputs.one_of("method", method, METHODS)
    _inputs.generator("generator", generator)
    p, q = see_densities(names, (p, q))
    if method == "monte-carlo":
        if interval is not None:
            raise ValueError(
                f'interval must be None for method="monte-carlo", which averages over all samples, not {interval!r}'
            )
        return _by_sampling(under_p, under_q, p, q, _inputs.count("samples", samples, least=2), generator)
    for distribution in (p, q):
        if distribution.event_shape != ():
            raise ValueError(
                f"{distribution.name} must be a distribution on the line for quadrature, but has event shape "
                f'{distribution.event_shape}: choose method="monte-carlo"'
            )
        distribution.require_fixed_edges()
    return _by_quadrature(under_p, under_q, p, q, interval, rtol, exact and p.has_log_density and q.has_log_density)


def _masked(log_density, value):
    """Return density x value, with 0 x anything = 0, in the gradient too."""
    occupied = log_density > -745.0  # where exp does not underflow to zero
    value = torch.where(occupied & torch.isfinite(value), value, 0)
    return torch.where(occupied, log_density, 0).exp() * value * occupied


def _by_quadrature(under_p, under_q, p, q, interval, rtol, exact):
    to_line, low, high, landmarks = _line(p, q, interval)

    def integrands(t):
        x, stretch = to_line(t)
        log_p, log_q = torch.broadcast_tensors(p.log(x), q.log(x))
        one = torch.ones_like(log_p)
        total, lost = 0, 0
        for log_own, function, distribution in ((log_p, under_p, p), (log_q, under_q, q)):
            if function is None:
                continue
            value = function(x, log_p, log_q)
            if torch.isnan(value[log_own > -745.0]).any():
                raise ValueError(f"the integrand under {distribution.name} is not a number somewhere on its support")
            total = total + _masked(log_own, value)
            lost = lost + _masked(log_own, torch.isinf(value).to(x.dtype) * value.sign().nan_to_num())
        columns = torch.broadcast_tensors(total, lost, _masked(log_p, one), _masked(log_q, one))
        return torch.stack(columns, -1) * stretch[..., None]

    try:
        integrals, errors, points = integrate(
            integrands, low, high, landmarks=landmarks, rtol=rtol, atol=1e-13, device=landmarks.device
        )
    except IntegrationError as trouble:
        raise IntegrationError(f"{p.name} against {q.name}: {trouble}") from None
    value, lost, *masses = integrals.unbind(-1)
    for distribution, mass in zip((p, q), masses, strict=True):
        _check_mass(distribution, mass.detach(), interval)
    infinite = lost.detach().abs() > (0 if exact else UNDERFLOW)
    value = torch.where(infinite, lost.detach().sign() * math.inf, value)
    return Estimate(value, errors.unbind(-1)[0], points, "quadrature")


def _line(p, q, interval):
    """Return the map from quadrature points t to points x of the line (or interval) and dx/dt, and its domain."""
    device = p.device or q.device or "cpu"
    landmarks = torch.cat([p.landmarks().to(device), q.landmarks().to(device)])
    if interval is not None:
        low, high = _inputs.interval("interval", interval)
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


def _check_mass(distribution, mass, interval):
    worst = mass.reshape(-1)[(mass - 1).abs().reshape(-1).argmax()].item()
    if interval is None and abs(worst - 1) > MASS_TOLERANCE:
        raise ValueError(
            f"{distribution.name} must have total mass 1, but integrates to {worst:.9g}: normalise it or, if it is a "
            "peak too narrow or too far away to be found, say where it is with interval="
        )
    if worst > 1 + MASS_TOLERANCE:
        raise ValueError(
            f"{distribution.name} must have total mass 1, but integrates to {worst:.9g} over the interval {interval}"
        )


@torch.no_grad()
def _by_sampling(under_p, under_q, p, q, samples, generator):
    value, variance, evaluations = 0.0, 0.0, 0
    batch_shape = tuple(torch.broadcast_shapes(p.batch_shape, q.batch_shape))
    for own, function in ((p, under_p), (q, under_q)):
        if function is None:
            continue
        x = own.sample(samples, batch_shape, generator)
        terms = function(x, *torch.broadcast_tensors(p.log(x), q.log(x)))
        if torch.isnan(terms).any():
            raise ValueError(f"the terms averaged under {own.name} are not numbers at some of its samples")
        value = value + terms.mean(0)
        variance = variance + terms.var(0) / samples
        evaluations += samples
    error = variance.sqrt().where(torch.isfinite(value), 0.0)  # a single infinite term settles it
    return Estimate(value, error, evaluations, "monte-carlo")
