"""Metrics of nearest neighbours: fidelity, variety, and copies of the training data."""

from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.metrics._populations import each_member, pair, population

# Entries of a tile of distances: 16 MB in double precision.
TILE = 1 << 21


class PrecisionRecall(NamedTuple):
    """How much of the samples lies within the data, and how much of the data within the samples; shapes (...)."""

    precision: torch.Tensor
    recall: torch.Tensor


class DensityCoverage(NamedTuple):
    """How densely the samples lie among the data, and how much of the data has a sample near it; shapes (...)."""

    density: torch.Tensor
    coverage: torch.Tensor


class NearestTraining(NamedTuple):
    """The nearest training point of each sample."""

    distance: torch.Tensor
    """Shape (..., n); NaN for a member that has diverged."""
    index: torch.Tensor
    """Which training point it is (the first if several are as near), shape (..., n); -1 for a diverged member."""


@torch.no_grad()
def precision_recall(samples, reference, *, k=3):
    r"""Improved precision and recall, by balls around points that reach to their k-th nearest neighbour.

    .. math:: \text{precision} = \frac1n \#\Big\{i : x_i \in \bigcup_j B\big(y_j, r_k(y_j)\big)\Big\}, \qquad
        \text{recall} = \frac1m \#\Big\{j : y_j \in \bigcup_i B\big(x_i, r_k(x_i)\big)\Big\}

    The balls are closed, and :math:`r_k` is the distance to the k-th nearest *other* point of the same set.

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
        For images: features, as of :class:`Classifier`, in which distance means something.
    reference : tensor, shape (..., m, d)
        Of the data, best with m = n: the radii shrink as points are added.
    k : int
        At least 1, and less than n and m.

    Returns
    -------
    PrecisionRecall
        ``precision`` and ``recall``, shapes (...), each in [0, 1]; NaN for a member with samples that are not finite.

    Raises
    ------
    ValueError
        If there are not more than k points, a single cloud or the reference is not finite, or the two do not go
        together.

    Notes
    -----
    Precision sees samples off the data, recall sees data out of the samples' reach. Neither sees how mass is shared:
    one sample near each part of the data may be enough. A single outlier in the data has a large ball, which makes
    precision too good; a few scattered samples do the same for recall. Two draws from one distribution score less than
    1, and how much less depends on n, k and d. Memory is bounded; time grows with (n + m)^2 d for each member.

    References
    ----------
    Kynkäänniemi, Karras, Laine, Lehtinen and Aila (2019); lesson 6.
    """
    k, x, y = _neighbourhoods(samples, reference, k)

    def measure(x, y, reach_x, reach_y):
        precise, recalled = [], torch.zeros(len(y), dtype=torch.bool, device=y.device)
        for rows, distance in _tiles(x, y):
            precise.append((distance <= reach_y).any(1))
            recalled |= (distance <= reach_x[rows, None]).any(0)
        return torch.stack([torch.cat(precise).double().mean(), recalled.double().mean()])

    reach_x, reach_y = _reach(x.values, k), _reach(y.values, k)
    both = each_member(measure, x.values, y.values, reach_x, reach_y, own=(2, 2, 1, 1))
    return PrecisionRecall(*x.answer(both, own=1).unbind(-1))


@torch.no_grad()
def density_coverage(samples, reference, *, k=5):
    r"""Density and coverage: like precision and recall, but only the data have balls.

    .. math:: \text{density} = \frac1{k\,n} \sum_i \#\big\{j : x_i \in B\big(y_j, r_k(y_j)\big)\big\}, \qquad
        \text{coverage} = \frac1m \#\big\{j : \text{some } x_i \in B\big(y_j, r_k(y_j)\big)\big\}

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
    reference : tensor, shape (..., m, d)
    k : int
        At least 1, and less than m.

    Returns
    -------
    DensityCoverage
        ``density``, which may exceed 1, and ``coverage`` in [0, 1], shapes (...); NaN for a member with samples that
        are not finite.

    Raises
    ------
    ValueError
        If the reference has not more than k points; otherwise as :func:`precision_recall`.

    Notes
    -----
    An outlier of the data adds one ball among many, so density is not taken in as precision is; but samples that
    crowd where the data are dense score above 1. Coverage sees data without a sample near them, and ignores where
    other samples go. For two draws of one distribution, with n = m, its expectation depends on k and n only:
    :math:`1 - \frac{(m-1)\cdots(m-k)}{(2m-1)\cdots(2m-k)} \approx 1 - 2^{-k}`, 0.97 for k = 5. A distance to the
    data that is shared by all samples (blur, a shift) may pass unseen as long as it is smaller than the balls.

    References
    ----------
    Naeem, Oh, Uh, Choi and Yoo (2020), whose expectations these are; lesson 6.
    """
    k, x, y = _neighbourhoods(samples, reference, k, both=False)

    def measure(x, y, reach):
        total, covered = 0, torch.zeros(len(y), dtype=torch.bool, device=y.device)
        for _, distance in _tiles(x, y):
            inside = distance <= reach
            total = total + inside.sum()
            covered |= inside.any(0)
        return torch.stack([total.double() / (k * len(x)), covered.double().mean()])

    both = each_member(measure, x.values, y.values, _reach(y.values, k), own=(2, 2, 1))
    return DensityCoverage(*x.answer(both, own=1).unbind(-1))


@torch.no_grad()
def nearest_neighbour_distance(samples):
    r"""The mean distance of a sample to its nearest neighbour among the other samples of its member.

    .. math:: \frac1n \sum_i \min_{j \ne i} \|x_i - x_j\|

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point; n at least 2

    Returns
    -------
    tensor, shape (...)
        In the units of the points; NaN for a member with samples that are not finite.

    Raises
    ------
    ValueError
        If there are fewer than two samples, or a single cloud is not finite.

    Notes
    -----
    It sees copies, and what is nearly one: set beside the same number of data it says how far a generator repeats
    itself. It shrinks as n grows (like n^(-1/d)), so compare equal numbers only. It does not see quality: noise lies
    far apart. Nor does it tell two repeated pictures from one: :func:`mean_distance` does.
    """
    x = population("samples", _inputs.cloud("samples", samples, least=2, why=" for a nearest neighbour"))
    return x.answer(_reach(x.values, 1).mean(-1))


@torch.no_grad()
def mean_distance(samples):
    r"""The mean distance between two different samples of a member.

    .. math:: \frac1{n(n-1)} \sum_{i \ne j} \|x_i - x_j\|

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point; n at least 2

    Returns
    -------
    tensor, shape (...)
        In the units of the points, without bias for any n; NaN for a member with samples that are not finite.

    Raises
    ------
    ValueError
        If there are fewer than two samples, or a single cloud is not finite.

    Notes
    -----
    It sees how widely samples spread, and so collapse onto one place. It does not see collapse onto two distant
    places, nor quality.
    """
    x = population("samples", _inputs.cloud("samples", samples, least=2, why=" for a distance between two"))
    n = samples.shape[-2]
    total = each_member(lambda x: sum(d.sum() for _, d in _tiles(x, x)), x.values, own=(2,))
    return x.answer(total / (n * (n - 1)))


@torch.no_grad()
def nearest_training_distance(samples, data):
    r"""The distance of each sample to the nearest training point, and which one that is.

    .. math:: \min_j \|x_i - y_j\|

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
    data : tensor, shape (..., m, d)

    Returns
    -------
    NearestTraining
        ``distance`` and ``index``, shapes (..., n).

    Raises
    ------
    ValueError
        If there are no points, a single cloud or the data are not finite, or the two do not go together.

    Notes
    -----
    It sees copies of the training data. A small distance alone proves nothing, since good samples are near the data:
    compare with the distances of held-out data to the training data. Distances of pixels miss copies that are shifted
    or recoloured.
    """
    x, y = pair(samples, data, names=("samples", "data"))

    def measure(x, y):
        least, index = zip(*(distance.min(1) for _, distance in _tiles(x, y)), strict=True)
        return torch.stack([torch.cat(least), torch.cat(index).double()], -1)

    distance, index = each_member(measure, x.values, y.values, own=(2, 2)).unbind(-1)
    return NearestTraining(x.answer(distance, own=1), index.long().masked_fill(~x.alive[..., None], -1))


def _neighbourhoods(samples, reference, k, *, both=True):
    """Validate k and both clouds: more than k points wherever balls are drawn."""
    k = _inputs.count("k", k)
    why = f" for k={k} nearest neighbours"
    _inputs.cloud("reference", reference, least=k + 1, why=why)
    _inputs.cloud("samples", samples, least=k + 1 if both else 1, why=why)
    return k, *pair(samples, reference)


def _tiles(x, y):
    """Cut the distances between two clouds into rows that fit in memory: slices, and distances (rows, m)."""
    rows = max(1, TILE // len(y))
    for start in range(0, len(x), rows):
        # by differences, not by a matrix product: a collapsed generator lives on digits that a product would lose
        yield (
            slice(start, start + rows),
            torch.cdist(x[start : start + rows], y, compute_mode="donot_use_mm_for_euclid_dist"),
        )


def _reach(points, k):
    """The distance of each point (..., n, d) to the k-th nearest other one, shape (..., n)."""

    def measure(x):
        reach = []
        for rows, distance in _tiles(x, x):
            own = torch.arange(len(x), device=x.device)[rows, None]
            distance.scatter_(1, own, torch.inf)
            reach.append(distance.amin(1) if k == 1 else distance.topk(k, largest=False, sorted=True).values[:, -1])
        return torch.cat(reach)

    return each_member(measure, points, own=(2,))
