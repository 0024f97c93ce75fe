r"""The same divergence between simpler distributions.

A divergence does not change when one invertible map moves both distributions (data processing, both ways). So the
transforms that both end with are undone, and what is far from 0, beside its spread, is moved there.
"""

import copy

import torch
from torch import distributions as td

from gantut.data import GaussianMixture, uniform
from gantut.divergences._densities import Density
from gantut.divergences._places import before_last, limits, parts

FAR = 1e3  # times the spread: nearer, rounding costs no more than three digits
_PLACES = {
    **dict.fromkeys((td.Normal, td.Laplace, td.Cauchy, td.StudentT, td.Gumbel), ("loc",)),
    **dict.fromkeys((td.Uniform, type(uniform())), ("low", "high")),
    getattr(td, "GeneralizedPareto", None): ("loc",),
    GaussianMixture: ("means",),
}


def before_shared_transforms(p, q):
    """Return two densities before the invertible transforms that both end with."""
    pair = p.distribution, q.distribution
    while all(_ends_with_a_transform(one) for one in pair):
        last, other = (list(parts(one.transforms))[-1] for one in pair)
        learned = any(getattr(value, "requires_grad", False) for one in (last, other) for value in vars(one).values())
        before = [before_last(one) for one in pair]
        if learned or last != other or not last.bijective or not all(_lies_in(last.domain, one) for one in before):
            break
        pair = before
    return tuple(Density(own.name, one) for own, one in zip((p, q), pair, strict=True))


def _ends_with_a_transform(distribution):
    """Whether the last transform, of one event each, is known with all digits: these two keep a rounded reciprocal."""
    plain = getattr(type(distribution), "log_prob", None) is td.TransformedDistribution.log_prob
    rounded = isinstance(distribution, (td.Weibull, td.Kumaraswamy))
    return plain and not rounded and not distribution.event_shape and any(parts(distribution.transforms))


def _lies_in(domain, distribution):
    low, high = map(torch.as_tensor, limits(distribution))
    least, most = getattr(domain, "lower_bound", -torch.inf), getattr(domain, "upper_bound", torch.inf)
    return bool((low >= least).all() and (high <= most).all())


def nearer_to_zero(p, q):
    """Return two densities moved by what brings the narrower to 0, if either is far and both can be moved."""
    (centre, spread), (other, width) = p.window(), q.window()
    if max((centre / spread).abs().max(), (other / width).abs().max()) > FAR and centre.shape == other.shape:
        moved = [_moved(own.distribution, torch.where(spread > width, other, centre)) for own in (p, q)]
        if None not in moved:
            return tuple(Density(own.name, one) for own, one in zip((p, q), moved, strict=True))
    return p, q


def _moved(distribution, away):
    """Return a copy of a distribution, moved to the left; None if its kind has no place."""
    moved = copy.copy(distribution)
    if isinstance(distribution, td.MixtureSameFamily):
        moved._component_distribution = _moved(distribution.component_distribution, away[..., None])
        return moved if moved._component_distribution is not None else None
    for name in _PLACES.get(type(distribution), ()):
        place = getattr(distribution, name)
        setattr(moved, name, place - (away.item() if isinstance(place, float) else away))
    return moved if type(distribution) in _PLACES else None
