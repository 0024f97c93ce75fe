r"""Expectations :math:`\mathbb E_p\,a + \mathbb E_q\,b`, by quadrature on the line or by Monte Carlo anywhere."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch.distributions import Distribution, TransformedDistribution

from gantut import _inputs
from gantut.divergences._alike import FAR, before_shared_transforms, nearer_to_zero
from gantut.divergences._densities import see_densities
from gantut.divergences._line import Gentle, Line
from gantut.divergences._quadrature import IntegrationError, adapt, spread

METHODS = ("quadrature", "monte-carlo")
UNEVEN = 1e9  # of two spreads, from which on no panel is small beside the one and large beside the other
UNDERFLOW = 1e-12  # mass too small to tell a true zero from a number that has underflowed
MASS_TOLERANCE = 1e-6  # distributions are often given in single precision
ROUGH = 1e-6  # error, relative to 1 + |integral|, that will do where rounding allows no less
LOOSEST = 1e-5  # error, relative to 1 + |value|, beyond which there is no answer


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
        return float(self.value.detach())

    def in_units(self, unit: float) -> "Estimate":
        """Return the estimate times a positive unit, such as 1/ln 2 for bits."""
        return self._replace(value=self.value * unit, error=self.error * unit)


def expectation(under_p, under_q, p, q, *, names, method, interval, rtol, samples, generator, exact=True, sees_x=False):
    r"""Estimate :math:`\mathbb E_p\,a(x) + \mathbb E_q\,b(x)`.

    `under_p` and `under_q` map (x, log p(x), log q(x)) to :math:`a` and :math:`b`; None stands for 0. Where one of
    them is infinite, so is the result; unless the values are not `exact` (a number that has underflowed looks like 0),
    in which case it takes a mass above 1e-12 there. Unless one of the functions `sees_x` itself, an invertible map of
    both distributions changes nothing.
    """
    _inputs.one_of("method", method, METHODS)
    _inputs.generator("generator", generator)
    p, q = see_densities(names, (p, q))
    if method == "monte-carlo":
        if interval is not None:
            raise ValueError(
                f'interval must be None for method="monte-carlo", which averages over all samples, not {interval!r}'
            )
        samples = _inputs.count("samples", samples, least=2)
        p, q = (own.in_double() if isinstance(own.distribution, Distribution) else own for own in (p, q))
        return _by_sampling(under_p, under_q, p, q, samples, generator)
    if 0 in np.broadcast_shapes(p.batch_shape, q.batch_shape):
        raise ValueError(f"{p.name} and {q.name} must not have an empty batch, {p.batch_shape} and {q.batch_shape}")
    for distribution in (p, q):
        if distribution.event_shape != ():
            raise ValueError(
                f"{distribution.name} must be a distribution on the line for quadrature, but has event shape "
                f'{distribution.event_shape}: choose method="monte-carlo"'
            )
    alike = interval is None and not sees_x
    p, q = (own.in_double() for own in (before_shared_transforms(p, q) if alike else (p, q)))
    p, q = nearer_to_zero(p, q) if alike else (p, q)
    return _by_quadrature(under_p, under_q, p, q, interval, rtol, exact, sees_x)


def _elements(log_density, log_stretch):
    """Return density x dx/dt, zero where it underflows, and finite where what was given is no density."""
    exponent = log_density + log_stretch
    occupied = exponent > -745.0
    return torch.where(occupied, exponent, 0).clamp_max(35.0).exp() * occupied


def _by_quadrature(under_p, under_q, p, q, interval, rtol, exact, sees_x):
    line, marks, far = _line(p, q, interval)
    see_p, see_q = line.seen_by(p), line.seen_by(q)
    terms = [(which, function) for which, function in enumerate((under_p, under_q)) if function is not None]

    def look(t, *, doubt=False):
        places = line.at(t)
        (x, log_p, doubt_p), (_, log_q, doubt_q) = see_p(places, doubt=doubt), see_q(places, doubt=doubt)
        logs = torch.broadcast_tensors(log_p.double(), log_q.double())
        elements = [_elements(log, places.log_stretch) for log in logs]
        if not doubt:
            return x, logs, elements
        doubts = [
            doubt
            + 4 * (far + places.blur) * torch.finfo(given.dtype).eps * (1 + log.detach().abs().nan_to_num(posinf=0.0))
            for doubt, given, log in zip((doubt_p, doubt_q), (log_p, log_q), logs, strict=True)
        ]
        doubts.append(x.nextafter(torch.where(places.left, -math.inf, math.inf)) if sees_x else None)
        return x, logs, elements, doubts

    def integrands(t):
        return columns(*look(t))

    def columns(x, logs, elements):
        total, lost = 0, 0
        for which, function in terms:
            value, element = function(x, *logs), elements[which]
            if torch.isnan(value[element > 0]).any():
                guilty = [own.name for own, log in zip((p, q), logs, strict=True) if log[element > 0].isnan().any()]
                raise ValueError(
                    f"{' and '.join(guilty) or 'the integrand'} is NaN where {(p, q)[which].name} has mass"
                )
            finite = torch.where((element > 0) & torch.isfinite(value), value, 0).clamp(-1e300, 1e300)
            total = total + (element * finite).clamp(-1e300, 1e300)
            lost = lost + element.detach() * torch.isinf(value) * value.detach().sign().nan_to_num()
        return torch.stack(torch.broadcast_tensors(total, lost, *elements), -1)

    def over_the_line(function):
        return adapt(function, *line.bounds, landmarks=marks, rtol=rtol, atol=1e-13, device=marks.device, rough=ROUGH)

    try:
        panels, errors = over_the_line(integrands)
    except IntegrationError as trouble:
        _check_masses(p, q, _masses(over_the_line, look, marks.new_tensor(math.inf)), interval)
        raise IntegrationError(f"{p.name} against {q.name}: {trouble}") from None
    t, weights = spread(panels)
    t, points = torch.cat([t, line.ends()]), len(t)
    x, logs, elements, doubts = look(t, doubt=True)
    table = columns(x, logs, elements)
    value, lost, *masses = torch.tensordot(weights, table[:points], dims=1).unbind(-1)
    apart = _check_masses(p, q, torch.stack(masses, -1).detach(), interval, errors.reshape(table.shape[1:])[..., 2:])
    with torch.no_grad():
        cut = table[points:, ..., 0].abs().sum(0)  # no less than what lies beyond, or is clamped
        cut = torch.where((table[..., 0].abs() >= 1e300).any(0), math.inf, cut)
        doubt = torch.tensordot(weights, _doubt(terms, x, logs, elements, doubts)[:points], dims=1)
    cut_off = any(isinstance(own.distribution, TransformedDistribution) for own in (p, q))  # far out, by torch
    apart = apart * (1 + value.detach().abs()) * (64 if cut_off else 1)
    error = errors.reshape(table.shape[1:])[..., 0] + doubt + cut + apart
    sure = exact and (q.declared if under_q is None else p.has_log_density and q.has_log_density)
    lost = lost.detach()
    infinite = lost.abs() > (0 if sure else UNDERFLOW)
    if under_q is None and not q.declared and infinite.any() and q.fades(x):
        raise IntegrationError(
            f"{p.name} against {q.name}: {q.name} underflows to zero where {p.name} has a mass of "
            f"{lost.abs().max().item():.2g}: give it a log_prob that is finite there, or a support"
        )
    if under_q is None and interval is None and p.declared and not q.gentle:  # though what lies beyond may underflow
        (low, high), (least, most) = p.reach(), q.reach()
        slack = 2.0**-50 if p.rounded_ends or q.rounded_ends else 0
        infinite = infinite | (low < least - slack * least.abs()) | (high > most + slack * most.abs())
        lost = torch.where(infinite & (lost == 0), 1.0, lost)
    value = torch.where(infinite, lost.sign() * math.inf, value)
    error = torch.where(infinite, 0.0, error + 1e3 * lost.abs())
    if not (error <= max(LOOSEST, rtol) * (1 + value.abs())).all():
        raise IntegrationError(
            f"{p.name} against {q.name}: the integral does not converge: it is near {value.max().item():.6g} with an "
            f"error near {error.max().item():.2g}, for a part too near to an end, or too far out, for floating point; "
            "it may be infinite"
        )
    return Estimate(value, error, points, "quadrature")


def _doubt(terms, x, logs, elements, doubts):
    """Return by how much the integrand may be wrong if the log densities are, each by its own doubt, or x is."""
    *doubts, nearby = doubts
    enlarged = (1e-4 / (doubts[0] + doubts[1])).clamp_min(1)  # so that rounding does not hide the change
    down = [log - enlarged * doubt for log, doubt in zip(logs, doubts, strict=True)]
    up = [log + (enlarged * doubt).minimum(1 + log.abs() / 2) for log, doubt in zip(logs, doubts, strict=True)]
    wrong = 0
    for which, function in terms:
        if nearby is not None:  # x is rounded; by 2^6 roundings, as a pole at an end may be 2^64 times as near
            steps = (function(nearby, *logs) - function(x, *logs)).nan_to_num().abs().clamp_max(1e300)
            wrong = wrong + torch.where(elements[which] > 0, elements[which] * 64 * steps, 0)
        above, below = function(x, up[0], down[1]), function(x, down[0], up[1])
        change = (above.clamp(-1e305, 1e305) - below.clamp(-1e305, 1e305)).nan_to_num().abs() / enlarged
        size = 1 + above.abs().nan_to_num(posinf=0.0)
        wrong = wrong + torch.where(elements[which] > 0, elements[which] * (change + doubts[which] * size), 0)
    return wrong.clamp_max(1e305)


def _masses(over_the_line, look, infinite):
    """Return the total masses of both distributions, infinite for one that does not settle."""
    totals = []
    for which in range(2):
        try:
            points, weights = spread(over_the_line(lambda t, which=which: look(t)[2][which])[0])
            totals.append(torch.tensordot(weights, look(points)[2][which].detach(), dims=1))
        except IntegrationError:
            totals.append(infinite)
    return torch.stack(torch.broadcast_tensors(*totals), -1)


def _line(p, q, interval):
    """Return the line between the ends of both supports, where to look, and how far from 0 that is, in spreads."""
    batch = np.broadcast_shapes(p.batch_shape, q.batch_shape)
    device = p.device or q.device or "cpu"
    (centre_p, spread_p), (centre_q, spread_q) = ([part.to(device) for part in own.window()] for own in (p, q))
    marks = torch.cat([own.landmarks(batch).to(device) for own in (p, q)], 1)
    peaks, widths = marks[2], (marks[4] - marks[0]) / 16
    centre, wide = ((centre_p + centre_q) / 2).expand(batch), torch.maximum(spread_p, spread_q).expand(batch)
    narrow = widths.amin(0)
    uneven = wide / narrow > UNEVEN  # then the middle of both orders of magnitude is near to either
    scale = torch.where(uneven, wide.sqrt() * narrow.sqrt(), wide) + (centre_p - centre_q).abs() / 2
    low, high = (-math.inf, math.inf) if interval is None else _inputs.interval("interval", interval)
    far = max((centre_p / spread_p).abs().max().item(), (centre_q / spread_q).abs().max().item())
    places = (0.0,) if interval is None else (0.0, low, high)
    apart = math.inf if uneven.any() else max(((peaks - place) / widths).abs().max().item() for place in places)
    if p.gentle and q.gentle and apart < FAR:
        line = Gentle((low, high), centre, scale)
    else:
        inner = [] if apart <= FAR else peaks if len(peaks) <= 32 else [centre_p, centre_q]
        ends = [*p.ends(), *q.ends(), *inner]  # near an end, points keep digits
        ends = [torch.where(torch.isfinite(end), end, centre) for end in (end.to(device) for end in ends)]  # of a batch
        edges = torch.stack([torch.full_like(centre, low), torch.full_like(centre, high), *ends]).clamp(low, high)
        line = Line(edges.sort(0).values, centre, scale)
    return line, line.grid(marks.flatten(0, 1)), 1 + far


def _check_masses(p, q, masses, interval, errors=0.0):
    """Refuse what is no distribution; return how far the total masses are from 1, where they should be 1."""
    allowed = MASS_TOLERANCE + float(torch.as_tensor(errors).max())
    for own, mass in zip((p, q), masses.unbind(-1), strict=True):
        worst = mass.reshape(-1)[(mass - 1).abs().reshape(-1).argmax()].item()
        if interval is None and worst > 2:
            raise ValueError(
                f"{own.name} must have total mass 1, but its density does not integrate to 1 over the line, as far as "
                "floating point can tell: if it is periodic, like a von Mises distribution, give one period, such as "
                "interval=(-math.pi, math.pi); if it is rounded to few digits, or has a pole inside its support, raise "
                "rtol; if it lies a billion times its spread from 0 and from the other, move it nearer"
            )
        if interval is None and abs(worst - 1) > allowed:
            raise ValueError(
                f"{own.name} must have total mass 1, but integrates to {worst:.9g}: normalise it or, if it is a "
                "peak too narrow, too far away or too near to an end to be found, say where it is with interval="
            )
        if worst > 1 + allowed:
            raise ValueError(
                f"{own.name} must have total mass 1, but integrates to {worst:.9g} over the interval {interval}"
            )
    apart = (masses - 1).abs()
    return torch.where(apart <= allowed, apart, 0).sum(-1)


@torch.no_grad()
def _by_sampling(under_p, under_q, p, q, samples, generator):
    value, variance, evaluations = 0.0, 0.0, 0
    batch_shape = np.broadcast_shapes(p.batch_shape, q.batch_shape)
    for own, function in ((p, under_p), (q, under_q)):
        if function is None:
            continue
        x = own.sample(samples, batch_shape, generator)
        terms = function(x, *torch.broadcast_tensors(p.log(x), q.log(x)))
        if own.event_shape == ():
            equal, few = x.sort(0).values.diff(dim=0) == 0, 2 + math.isqrt(samples) // 4  # which bias it little
            piled = (equal[:few].all(0) | equal[-few:].all(0)) & (samples > few) | (equal.sum(0) > samples / 2)
            if piled.any() or (terms.isinf() & own.log(x).isposinf()).any():
                problem = "has samples that floating point rounds to one number, or to an end"
                raise ValueError(f'{own.name} {problem}: choose method="quadrature", or move it to 0')
        if torch.isnan(terms).any():
            raise ValueError(f"the terms averaged under {own.name} are not numbers at some of its samples")
        if (torch.isfinite(terms) & (terms.abs() > 1e30)).any():
            raise ValueError(f"a log_prob is rounded to minus infinity at a sample of {own.name} within the support")
        value = value + terms.mean(0)
        variance = variance + terms.var(0) / samples
        evaluations += samples
    error = variance.sqrt().where(torch.isfinite(value), 0.0)  # a single infinite term settles it
    return Estimate(value, error, evaluations, "monte-carlo")
