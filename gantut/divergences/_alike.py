r"""The same divergence between simpler distributions.

A divergence does not change when one invertible map moves both distributions (data processing, both ways). So the
transforms that both end with are undone, and what is far from 0, beside its spread, is moved there.
"""

import copy

import torch
from torch import distributions as td

from gantut.data import GaussianMixture, uniform
from gantut.divergences._densities import Density, ends_of_support, parts

FAR = 1e3  # times the spread: nearer, rounding costs no more than three digits
_ODD = (td.Weibull, td.Kumaraswamy)  # more exact as they are than before their transforms
_PLACES = {
    **dict.fromkeys((td.Normal, td.Laplace, td.Cauchy, td.StudentT, td.Gumbel), ("loc",)),
    **dict.fromkeys((td.Uniform, type(uniform())), ("low", "high")),
    getattr(td, "GeneralizedPareto", None): ("loc",),
    GaussianMixture: ("means",),
}


def before_shared_transforms(p, q):
    """Return two densities before the invertible transforms that both end with."""
    while _moved_alike(p.distribution, q.distribution):
        p, q = (Density(own.name, _before(own.distribution)) for own in (p, q))
    return p, q


def _moved_alike(*pair):
    if not all(type(one).log_prob is td.TransformedDistribution.log_prob for one in pair if _transformed(one)):
        return False
    if not all(_transformed(one) and type(one) not in _ODD for one in pair):
        return False
    last, other = (list(parts(one.transforms))[-1] for one in pair)
    learned = any(getattr(value, "requires_grad", False) for one in (last, other) for value in vars(one).values())
    return last.bijective and not learned and (last is other or last == other) and all(_in_domain(one) for one in pair)


def _transformed(distribution):
    return isinstance(distribution, td.TransformedDistribution) and not distribution.event_shape


def _before(distribution):
    rest = list(parts(distribution.transforms))[:-1]
    return td.TransformedDistribution(distribution.base_dist, rest) if rest else distribution.base_dist


def _in_domain(distribution):
    """Whether the last transform is invertible on the whole support of what it moves."""
    domain = list(parts(distribution.transforms))[-1].domain
    low, high = (torch.as_tensor(end).detach() for end in ends_of_support(_before(distribution)))
    least, most = getattr(domain, "lower_bound", -torch.inf), getattr(domain, "upper_bound", torch.inf)
    return bool((low >= least).all() and (high <= most).all())


def nearer_to_zero(p, q):
    """Return two densities moved by what brings the first to 0, if either is far and both can be moved."""
    (centre, spread), (other, width) = p.window(), q.window()
    far = max((centre.abs() / spread).max(), (other.abs() / width).max())
    if not far > FAR or centre.shape != other.shape:
        return p, q
    moved = [_moved(own.distribution, centre) for own in (p, q)]
    return (p, q) if None in moved else tuple(Density(own.name, one) for own, one in zip((p, q), moved, strict=True))


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
