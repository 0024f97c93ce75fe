"""Densities of all kinds behind one interface: what is asked of a distribution to integrate against it."""

import math
import weakref
from functools import partial

import numpy as np
import torch
from torch import distributions as td
from torch.distributions.utils import lazy_property

from gantut import _inputs
from gantut.data import Distribution, GaussianMixture
from gantut.divergences._formulas import EXACT, ON_UNIT_INTERVAL
from gantut.divergences._places import before_last, knows_only_the_last, limits, parts, support_of, window_of

_LEAST = -1e300  # a log density that is not quite minus infinity


class Density:
    """The log density of a distribution: of anything with ``log_prob``, or of a density function."""

    def __init__(self, name, distribution):
        if isinstance(distribution, type):
            raise ValueError(f"{name} must be a distribution, not the class {distribution.__name__}")
        while isinstance(distribution, td.Independent) and not distribution.event_shape:
            distribution = distribution.base_dist
        self.name, self.distribution = name, distribution
        self.kind = getattr(distribution, "component_distribution", distribution)
        self.has_log_density = hasattr(distribution, "log_prob")
        event_shape = getattr(distribution, "event_shape", None)  # None: unknown
        self.event_shape = None if event_shape is None else tuple(event_shape)
        self.batch_shape = tuple(getattr(distribution, "batch_shape", ()))
        if not self.has_log_density and not callable(distribution):
            raise ValueError(
                f"{name} must have a log_prob method, like the distributions of torch and gantut.data, or be a density "
                f"function, not {type(distribution).__name__}"
            )
        if getattr(support_of(distribution), "is_discrete", False):
            raise ValueError(f"{name} must have a density, but {type(distribution).__name__} is discrete")

    def log(self, x, rest=None, *, checked=True):
        """Return the log density at `x`, minus infinity outside the support; unless `checked`, NaN where it has none.

        For a distribution on the unit interval, `rest` may be 1 - x with all its digits.
        """
        events = len(self.event_shape or ())
        points = x.shape[: x.ndim - events]
        if x.shape[x.ndim - events :] != (self.event_shape or ()):
            raise ValueError(
                f"x must have shape (..., {events and self.event_shape[0]}) for {self.name}, not {_inputs.shape(x)}"
            )
        if not _broadcast(points, self.batch_shape):
            raise ValueError(f"x must broadcast with {self.name}'s batch {self.batch_shape}, not {_inputs.shape(x)}")
        if self.has_log_density:
            try:
                found = _log_prob(self.distribution, x, rest)
            except NotImplementedError as error:
                raise ValueError(f"{self.name} must have a density, but has none that is known: {error}") from None
            gone = ~(found > max(_LEAST, torch.finfo(found.dtype).min))
            if not found.requires_grad or events or not gone.any():
                return found
            centre = self.window()[0].to(x)  # where log_prob overflows, its gradient may be 0 x inf
            x, rest = torch.where(gone, centre, x), None if rest is None else torch.where(gone, 1 - centre, rest)
            return torch.where(
                gone, found.detach().nan_to_num(_LEAST, math.inf, -math.inf), _log_prob(self.distribution, x, rest)
            )
        density = self.distribution(x)
        if not isinstance(density, torch.Tensor) or density.shape != points:
            raise ValueError(f"{self.name} must map {_maps(x, points, density)}")
        if checked and (not torch.isfinite(density).all() or (density < 0).any()):
            raise ValueError(f"{self.name} must be a finite, non-negative density")
        return torch.where(density > 0, density, 1).log().where(~(density <= 0), -math.inf)

    def in_double(self):
        """Return the same with its parameters in double precision, where they are visible."""
        double = Density(self.name, _in_double(self.distribution, {}))
        double.event_shape = self.event_shape
        return double

    @property
    def device(self):
        """The device of its parameters; None for a density function, whose parameters are not visible."""
        if not self.has_log_density:
            return None
        declared = getattr(self.distribution, "device", None)
        return self.window()[0].device if declared is None else torch.empty(0, device=declared).device  # with its index

    @property
    def declared(self):
        """Whether the distribution says where its support is, so that elsewhere its density is truly zero."""
        return support_of(self.distribution) is not None

    @property
    def on_unit_interval(self):
        """Whether :meth:`log` takes 1 - x, too."""
        return _on_unit_interval(self.kind) is not None

    @property
    def gentle(self):
        """Whether the density is smooth on the whole line and falls as steeply as a normal one."""
        return type(self.kind) in (td.Normal, GaussianMixture)

    def ends(self):
        """Return the finite ends of the support, and those of the components of a mixture."""
        try:
            ends = [torch.as_tensor(end) for end in limits(self.distribution)]
        except NotImplementedError:
            raise ValueError(f"{self.name} must have a density, but one of its transforms has no inverse") from None
        if torch.is_grad_enabled() and any(end.requires_grad and torch.isfinite(end).any() for end in ends):
            # quadrature at fixed points would miss its gradient
            raise ValueError(
                f"{self.name} must not have a support whose ends require a gradient, which quadrature would get wrong: "
                "detach them, or compute under torch.no_grad()"
            )
        if isinstance(self.distribution, td.MixtureSameFamily):
            ends = [one for end in ends for one in (end.unbind(-1) if end.ndim else [end])]
        return [end.detach().double() for end in ends if torch.isfinite(end).any()]

    def reach(self):
        """Return the lower and the upper end of the support, which is positive in between."""
        ends = [torch.as_tensor(end).detach().double() for end in limits(self.distribution)]
        mixed = isinstance(self.distribution, td.MixtureSameFamily) and ends[0].ndim
        return (ends[0].amin(-1), ends[1].amax(-1)) if mixed else ends

    @property
    def rounded_ends(self):
        """Whether the ends of the support are computed from parameters, and may be off by a rounding."""
        return knows_only_the_last(self.kind) or type(self.kind) is getattr(td, "GeneralizedPareto", None)

    def fades(self, x):
        """Return whether the density underflows somewhere between the points `x`, instead of ending at a jump."""
        x = x.sort(0).values
        (low, high), alive = (x[:-1], x[1:]), self.log(x) > -math.inf
        for _ in range(60):
            middle = (low + high) / 2
            lower = (self.log(middle) > -math.inf) == alive[:-1]
            low, high = torch.where(lower, middle, low), torch.where(lower, high, middle)
        last = torch.maximum(self.log(low), self.log(high))
        return (last[alive[1:] != alive[:-1]] < -300).any().item()

    def window(self):
        """Return the rough location of the distribution: its centre and spread, shape (batch)."""
        return window_of(self.distribution)

    def landmarks(self, batch):
        """Return points -8, -2, 0, 2 and 8 spreads from each peak, shape (5, peaks, batch)."""
        if isinstance(self.distribution, GaussianMixture):
            points = self.distribution.landmarks().detach().double().unflatten(0, (5, -1))
        else:
            mixed = isinstance(self.distribution, td.MixtureSameFamily)
            peaks = window_of(self.kind if mixed else self.distribution)
            centre, spread = (part.movedim(-1, 0) if mixed and part.ndim else part[None] for part in peaks)
            points = torch.stack([centre + step * spread for step in (-8, -2, 0, 2, 8)])
        points = points.reshape(*points.shape[:2], *(1 for _ in batch[points.ndim - 2 :]), *points.shape[2:])
        return points.expand(*points.shape[:2], *batch)

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
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator, device="cpu")))
            return distribution.sample((samples,))


def _log_prob(distribution, x, rest=None):
    """Return the log density at `x`: minus infinity outside the declared support, and only there."""
    if isinstance(distribution, td.MixtureSameFamily) and not distribution.event_shape:
        return _log_mixture(distribution, x, rest)
    on_unit_interval = _on_unit_interval(distribution)
    if on_unit_interval is not None:
        rest = 1 - x if rest is None else rest
        inside = (x >= 0) & (rest >= 0)
        x, rest = (torch.where(inside, part, 0.5) for part in (x, rest))
        return _finite(on_unit_interval(distribution, x, rest)).where(inside, -math.inf)
    log_prob = partial(_checked, distribution)
    support = support_of(distribution)
    if support is None:
        return log_prob(x)
    if support is td.constraints.real and not isinstance(distribution, td.TransformedDistribution):
        return _finite(log_prob(x))
    inside = support.check(x)
    low, high = (
        (None, None) if inside.ndim < x.ndim else (torch.as_tensor(end).detach() for end in limits(distribution))
    )
    if low is not None:
        inside, x = torch.broadcast_tensors(inside & (low <= x) & (x <= high), x)
    if inside.all():
        return _found(distribution, log_prob(x), x, low, high)
    if not inside.any():
        return x.new_full(inside.shape, -math.inf)
    refuge = x[inside][0] if low is None else _between(low, high, x[inside].reshape(-1)[0])
    stay = inside.reshape((*inside.shape, *(1 for _ in range(x.ndim - inside.ndim))))
    x = torch.where(stay, x, refuge)  # outside, log_prob raises an error or is NaN
    return _found(distribution, log_prob(x), x, low, high).where(inside, -math.inf)


def _on_unit_interval(distribution):
    """Return a function from a distribution, x and 1 - x to the log density; None for other supports."""
    transformed = type(distribution) is td.TransformedDistribution and not distribution.event_shape
    last = [type(part) for part in parts(distribution.transforms)][-1:] if transformed else []
    return _log_after_sigmoid if last == [td.SigmoidTransform] else ON_UNIT_INTERVAL.get(type(distribution))


def _log_after_sigmoid(distribution, x, rest):
    return _log_prob(before_last(distribution), x.log() - rest.log()) - x.log() - rest.log()


def _checked(distribution, x):
    """Return the log density at `x`, which is to be of its shape."""
    found = EXACT.get(type(distribution), type(distribution).log_prob)(distribution, x)
    points = x.shape[: x.ndim - len(getattr(distribution, "event_shape", None) or ())]
    points = np.broadcast_shapes(points, tuple(getattr(distribution, "batch_shape", ())))
    if not isinstance(found, torch.Tensor) or not found.is_floating_point() or found.shape != points:
        raise NotImplementedError(f"its log_prob must map {_maps(x, points, found)}")
    return found


def _finite(log):
    return log.clamp_min(max(_LEAST, torch.finfo(log.dtype).min))


def _found(distribution, log, x, low, high):
    """Return a finite log density; within the support, what transforms round to an end of it is lost."""
    if low is not None and knows_only_the_last(distribution):
        log = torch.where((torch.isnan(log) | torch.isposinf(log)) & (low < x) & (x < high), -math.inf, log)
    return _finite(log)


def _between(low, high, otherwise):
    """Return a point inside each of some intervals."""
    one_sided = torch.where(torch.isfinite(low), low + 1 + low.abs(), high - 1 - high.abs())
    point = torch.where(torch.isfinite(high - low), (low + high) / 2, one_sided)
    return torch.where(torch.isfinite(point), point, otherwise)


def _log_mixture(mixture, x, rest):
    weights = mixture.mixture_distribution
    terms = _log_prob(mixture.component_distribution, x[..., None], None if rest is None else rest[..., None])
    terms = terms + weights.logits.masked_fill(weights.probs == 0, -math.inf).log_softmax(-1)
    least = torch.finfo(terms.dtype).min / 4  # of finite terms alone, the gradient is finite
    return terms.clamp_min(least).logsumexp(-1).where((terms > -math.inf).any(-1), -math.inf)


def _in_double(thing, seen):
    """Return a copy of a distribution or a transform with all numbers in it in double precision."""
    if isinstance(thing, torch.Tensor):
        return thing if thing.dtype == torch.bool or thing.is_complex() else thing.double()
    if type(thing) in (list, tuple):
        return type(thing)(_in_double(part, seen) for part in thing)
    if not isinstance(thing, (td.Distribution, td.Transform, Distribution)):
        return None if isinstance(thing, weakref.ref) else thing  # to the inverse of a transform
    if id(thing) in seen:
        return seen[id(thing)]
    seen[id(thing)] = copy = object.__new__(type(thing))
    for name, value in vars(thing).items():
        computed = isinstance(getattr(type(thing), name, None), lazy_property)  # once, in single precision
        if not computed or value is vars(thing).get("_param"):
            vars(copy)[name] = _in_double(value, seen)
    if isinstance(thing, td.Distribution):
        copy._validate_args = False  # Density.log does that; torch is too strict at the ends of transformed supports
    return copy


def _maps(x, points, given):
    """Describe what a function of points must return, and what it did return."""
    given = f"{given.dtype} of shape {_inputs.shape(given)}" if isinstance(given, torch.Tensor) else repr(given)
    return f"points of shape {_inputs.shape(x)} to a floating point tensor of shape {tuple(points)}, not to {given}"


def outputs(name, function, x, log_density):
    """Return the values of a function at the points `x`, one for each entry of the log density there."""
    values = function(x)
    wanted = log_density.shape
    fits = isinstance(values, torch.Tensor) and values.is_floating_point() and values.ndim == len(wanted)
    fits = fits and values.shape[:1] == wanted[:1]
    if not fits or any(ours not in (1, theirs) for ours, theirs in zip(values.shape, wanted, strict=True)):
        raise ValueError(f"{name} must map {_maps(x, wanted, values)}")
    return values.expand(wanted).double()


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
    if not _broadcast(p.batch_shape, q.batch_shape):
        raise ValueError(
            f"{p.name} and {q.name} must have batch shapes that broadcast, not {p.batch_shape} and {q.batch_shape}"
        )
    return p, q


def _broadcast(*shapes):
    try:
        return np.broadcast_shapes(*shapes) is not None
    except ValueError:
        return False
