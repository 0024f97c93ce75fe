"""Where a distribution on the line lies: the ends of its support, and roughly where its mass is."""

import contextlib
import math

import torch
from torch import distributions as td

_MISSING = (AttributeError, NotImplementedError)


def support_of(distribution):
    """Return the declared support, or None."""
    with contextlib.suppress(*_MISSING):
        return distribution.support if isinstance(distribution.support, td.constraints.Constraint) else None
    return None


def limits(distribution):
    """Return the lower and the upper end of the support on the line, infinite where there is none."""
    if isinstance(distribution, td.MixtureSameFamily):
        return limits(distribution.component_distribution)
    if knows_only_the_last(distribution):
        low, high = map(torch.as_tensor, limits(distribution.base_dist))
        for transform in parts(distribution.transforms):
            low, high = _image(transform, low, high)
        return low, high
    support = support_of(distribution)
    support = getattr(support, "base_constraint", support)
    ends = getattr(support, "lower_bound", -math.inf), getattr(support, "upper_bound", math.inf)
    return tuple(end if isinstance(end, torch.Tensor) else torch.tensor(end, dtype=torch.float64) for end in ends)


def knows_only_the_last(distribution):
    """Whether the declared support is that of the last transform alone."""
    return getattr(type(distribution), "support", None) is td.TransformedDistribution.support


def parts(transforms):
    """Yield all transforms of a chain, one after the other."""
    for transform in transforms:
        yield from parts(transform.parts) if isinstance(transform, td.ComposeTransform) else [transform]


def before_last(distribution):
    """Return a transformed distribution without its last transform."""
    rest = list(parts(distribution.transforms))[:-1]
    base = distribution.base_dist
    return td.TransformedDistribution(base, rest, validate_args=False) if rest else base


def _image(transform, low, high):
    """Return the ends of the image of an interval."""
    (least, most), (lower, upper) = (
        (getattr(part, "lower_bound", -math.inf), getattr(part, "upper_bound", math.inf))
        for part in (transform.domain, transform.codomain)
    )
    rising = _rises(transform, least, most)
    beyond = [torch.as_tensor(end).to(low) for end in (lower, upper)]
    first, last = (  # at the very end of its domain, a transform is rounded, or cut off
        torch.where(inner, transform(torch.where(inner, end, 1.0 if math.isinf(least) else 0.5)), limit)
        for end, inner, limit in (
            (low, torch.isfinite(low) & (low > least), torch.where(rising, *beyond)),
            (high, torch.isfinite(high) & (high < most), torch.where(rising, *beyond[::-1])),
        )
    )
    return torch.where(rising, first, last), torch.where(rising, last, first)


def _rises(transform, least, most):
    """Return whether a transform rises, which one of somebody's own need not say."""
    with contextlib.suppress(NotImplementedError):
        return torch.as_tensor(transform.sign) > 0
    if not transform.bijective:
        raise NotImplementedError
    start = least if math.isfinite(least) else most - 1 if math.isfinite(most) else 0.0
    first, second = (transform(torch.tensor(start + step, dtype=torch.float64)) for step in (0.25, 0.5))
    return first < second


def _moments(distribution):
    return tuple(torch.as_tensor(part).detach().double() for part in (distribution.mean, distribution.stddev))


def _quartiles(distribution):
    low, centre, high = (distribution.icdf(torch.tensor(level)).detach().double() for level in (0.25, 0.5, 0.75))
    return centre, high - low


def window_of(distribution):
    """Return the rough location of a distribution: its centre and spread, shape (batch)."""
    measures = _moments, _quartiles
    if isinstance(distribution, td.TransformedDistribution) and support_of(distribution) is not td.constraints.real:
        measures = _quartiles, _moments  # which may be far from where most of the mass is
    for measure in measures:
        with contextlib.suppress(*_MISSING, TypeError, ValueError, RuntimeError):  # of one's own, they may be anything
            centre, spread = measure(distribution)
            if torch.isfinite(centre).all() and (torch.isfinite(spread) & (spread > 0)).all():
                return centre, spread
    if isinstance(distribution, td.TransformedDistribution):
        centre, spread = window_of(distribution.base_dist)
        least, most = ((torch.as_tensor(end).to(centre) + centre) / 2 for end in limits(distribution.base_dist))
        places = torch.stack([torch.maximum(centre - spread, least), centre, torch.minimum(centre + spread, most)])
        for transform in distribution.transforms:
            places = transform(places)
        low, centre, high = places.detach().double()
        if torch.isfinite(places).all():
            return centre, (high - low).abs() / 2
    if hasattr(distribution, "temperature"):  # of a relaxed Bernoulli distribution, a logistic one
        centre, spread = distribution.logits / distribution.temperature, 2 / distribution.temperature
        return centre.detach().double(), spread.detach().double().expand_as(centre)
    if hasattr(distribution, "loc") and hasattr(distribution, "scale"):
        return distribution.loc.detach().double(), distribution.scale.detach().double()
    zero = torch.zeros((), dtype=torch.float64)
    return zero, zero + 1
