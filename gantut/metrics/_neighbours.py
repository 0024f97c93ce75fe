"""Metrics based on nearest neighbours: fidelity, variety, and copies of the training data."""

import warnings
from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.metrics._populations import distances, each_member, pair, population

# Entries of a tile of distances: 16 MB in double precision.
TILE = 1 << 21


class PrecisionRecall(NamedTuple):
    """The fraction of samples within the data, and of the data within the samples.

    Attributes
    ----------
    precision, recall : tensor, shape (...)

    See Also
    --------
    precision_recall

    Examples
    --------
    >>> PrecisionRecall(precision=torch.tensor(1.0), recall=torch.tensor(0.5)).recall
    tensor(0.5000)
    """

    precision: torch.Tensor
    recall: torch.Tensor


class DensityCoverage(NamedTuple):
    """What :func:`density_coverage` returns."""

    density: torch.Tensor
    coverage: torch.Tensor


class NearestTraining(NamedTuple):
    """What :func:`nearest_training_distance` returns."""

    distance: torch.Tensor
    index: torch.Tensor


@torch.no_grad()
def precision_recall(samples, reference, *, k=3):
    r"""Return improved precision and recall: by balls around points that reach their k-th nearest neighbour.

    .. math:: \text{precision} = \frac1n \#\Big\{i : x_i \in \bigcup_j B\big(y_j, r_k(y_j)\big)\Big\}, \qquad
        \text{recall} = \frac1m \#\Big\{j : y_j \in \bigcup_i B\big(x_i, r_k(x_i)\big)\Big\}

    The balls are closed, and :math:`r_k` is the distance to the k-th nearest *other* point of the same set.

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
        For images, features in which distances are meaningful, for instance of a :class:`Classifier`.
    reference : tensor, shape (..., m, d)
        The data, best with m = n: radii shrink as points are added.
    k : int
        At least 1, and less than n and m.

    Returns
    -------
    precision, recall : tensor, shape (...)
        In [0, 1], fields of a named tuple; NaN for a member whose samples are not finite.

    Raises
    ------
    ValueError
        If there are at most k points, a single point cloud or the reference is not finite, or the two do not match.

    See Also
    --------
    density_coverage : more robust against outliers.

    Notes
    -----
    Precision sees samples off the data, recall sees data out of reach of the samples. Neither sees proportions: one
    sample near each part of the data may be enough. A single outlier in the data has a large ball, which makes
    precision too good; a few scattered samples do the same for recall. Two draws from the same distribution score less
    than 1, depending on n, k and d. A point with k copies or more has a ball of radius 0, which contains nothing but
    copies: if it is one of the data, a warning says so. Memory is bounded; time grows as (n + m)^2 d per member.

    References
    ----------
    Kynkäänniemi, Karras, Laine, Lehtinen and Aila (2019); lesson 7.

    Examples
    --------
    >>> data = torch.tensor([[0.0], [1.0], [10.0], [11.0]])  # two modes, of which the samples have one
    >>> precision_recall(torch.tensor([[0.0], [0.5], [1.0]]), data, k=1)
    PrecisionRecall(precision=tensor(1.), recall=tensor(0.5000))
    """
    k, x, y = _neighbourhoods(samples, reference, k)

    def measure(x, y, reach_x, reach_y):
        precise, recalled = [], torch.zeros(len(y), dtype=torch.bool, device=y.device)
        for rows, distance in _tiles(x, y):
            precise.append((distance <= reach_y).any(1))
            recalled |= (distance <= reach_x[rows, None]).any(0)
        return torch.stack([torch.cat(precise).double().mean(), recalled.double().mean()])

    reach_x, reach_y = _reach(x.values, k), _balls(y, k)  # samples that are copies lack variety: recall is to say so
    both = each_member(measure, x.values, y.values, reach_x, reach_y, own=(2, 2, 1, 1))
    return PrecisionRecall(*x.answer(both, own=1).unbind(-1))


@torch.no_grad()
def density_coverage(samples, reference, *, k=5):
    r"""Return density and coverage: like precision and recall, but only the data have balls.

    .. math:: \text{density} = \frac1{k\,n} \sum_i \#\big\{j : x_i \in B\big(y_j, r_k(y_j)\big)\big\}, \qquad
        \text{coverage} = \frac1m \#\big\{j : \text{some } x_i \in B\big(y_j, r_k(y_j)\big)\big\}

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
    reference : tensor, shape (..., m, d)
        The data.
    k : int
        At least 1, and less than m.

    Returns
    -------
    density, coverage : tensor, shape (...)
        Fields of a named tuple. Coverage lies in [0, 1]; density may exceed 1. NaN for a member whose samples are not
        finite.

    Raises
    ------
    ValueError
        If the reference has at most k points; otherwise as for :func:`precision_recall`.

    See Also
    --------
    precision_recall

    Notes
    -----
    An outlier of the data adds one ball among many, so density is not misled as precision is; but samples that crowd
    where the data are dense score above 1. Coverage sees data without a sample nearby, and ignores where other samples
    are. For two draws of the same distribution, with n = m, its expectation depends only on k and n:
    :math:`1 - \frac{(m-1)\cdots(m-k)}{(2m-1)\cdots(2m-k)} \approx 1 - 2^{-k}`, 0.97 for k = 5. A distance
    to the data that all samples share (blur, a shift) goes unnoticed as long as it is smaller than the balls. Of data
    that repeat each point k times or more, all balls have radius 0, and both are 0: a warning says so.

    References
    ----------
    Naeem, Oh, Uh, Choi and Yoo (2020); lesson 7.

    Examples
    --------
    >>> data = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
    >>> density_coverage(torch.tensor([[0.0], [0.5], [1.0]]), data, k=1).coverage
    tensor(0.5000)
    """
    k, x, y = _neighbourhoods(samples, reference, k, both=False)

    def measure(x, y, reach):
        total, covered = 0, torch.zeros(len(y), dtype=torch.bool, device=y.device)
        for _, distance in _tiles(x, y):
            inside = distance <= reach
            total = total + inside.sum()
            covered |= inside.any(0)
        return torch.stack([total.double() / (k * len(x)), covered.double().mean()])

    both = each_member(measure, x.values, y.values, _balls(y, k), own=(2, 2, 1))
    return DensityCoverage(*x.answer(both, own=1).unbind(-1))


@torch.no_grad()
def nearest_neighbour_distance(samples):
    r"""Return the mean distance of a sample to its nearest neighbour among the other samples of its member.

    .. math:: \frac1n \sum_i \min_{j \ne i} \|x_i - x_j\|

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point; n at least 2

    Returns
    -------
    tensor, shape (...)
        In the units of the points; NaN for a member whose samples are not finite.

    Raises
    ------
    ValueError
        If there are fewer than two samples, or a single point cloud is not finite.

    See Also
    --------
    mean_distance
    nearest_training_distance : to the data instead.

    Notes
    -----
    It sees copies and near-copies: compared with the same number of data, it says how much a generator repeats itself.
    It shrinks as n grows (like n^(-1/d)), so compare equal numbers only. It does not see quality: noise lies far apart.
    Nor does it tell two repeated images from one; :func:`mean_distance` does.

    References
    ----------
    Lesson 14.

    Examples
    --------
    >>> nearest_neighbour_distance(torch.tensor([[0.0], [1.0], [4.0]]))
    tensor(1.6667)
    """
    x = population("samples", _inputs.cloud("samples", samples, least=2, why=" for a nearest neighbour"))
    return x.answer(_reach(x.values, 1).mean(-1))


@torch.no_grad()
def mean_distance(samples):
    r"""Return the mean distance between two different samples of a member.

    .. math:: \frac1{n(n-1)} \sum_{i \ne j} \|x_i - x_j\|

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point; n at least 2

    Returns
    -------
    tensor, shape (...)
        In the units of the points, unbiased for every n; NaN for a member whose samples are not finite.

    Raises
    ------
    ValueError
        If there are fewer than two samples, or a single point cloud is not finite.

    See Also
    --------
    nearest_neighbour_distance

    Notes
    -----
    It sees how widely samples spread, and so collapse onto one point. It does not see collapse onto two distant points,
    nor quality.

    Examples
    --------
    >>> mean_distance(torch.tensor([[0.0], [1.0], [4.0]]))
    tensor(2.6667)
    """
    x = population("samples", _inputs.cloud("samples", samples, least=2, why=" for a distance between two"))
    n = x.values.shape[-2]
    total = each_member(lambda x: sum(d.sum() for _, d in _tiles(x, x)), x.values, own=(2,))
    return x.answer(total / (n * (n - 1)))


@torch.no_grad()
def nearest_training_distance(samples, data):
    r"""Return the distance of each sample to the nearest training point, and which one that is.

    .. math:: \min_j \|x_i - y_j\|

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
    data : tensor, shape (..., m, d)
        The training set.

    Returns
    -------
    distance : tensor, shape (..., n)
        NaN for a member that has diverged.
    index : tensor of int64, shape (..., n)
        The nearest training point, the first if several are equally near; -1 for a member that has diverged. Both are
        fields of a named tuple.

    Raises
    ------
    ValueError
        If there are no points, a single point cloud or the data are not finite, or the two do not match.

    See Also
    --------
    nearest_neighbour_distance : among the samples.

    Notes
    -----
    It sees copies of the training data. A small distance alone proves nothing, since good samples are near the data:
    compare with the distances of held-out data to the training data. Distances between pixels miss copies that are
    shifted or recoloured.

    References
    ----------
    Lesson 14.

    Examples
    --------
    >>> nearest_training_distance(torch.tensor([[0.4]]), torch.tensor([[0.0], [1.0]])).index
    tensor([0])
    """
    x, y = pair(samples, data, names=("samples", "data"))

    def measure(x, y):
        least, index = zip(*(distance.min(1) for _, distance in _tiles(x, y)), strict=True)
        return torch.stack([torch.cat(least), torch.cat(index).double()], -1)

    distance, index = each_member(measure, x.values, y.values, own=(2, 2)).unbind(-1)
    return NearestTraining(x.answer(distance, own=1), index.long().masked_fill(~x.alive[..., None], -1))


def _neighbourhoods(samples, reference, k, *, both=True):
    """Validate k and both point clouds: more than k points wherever there are balls."""
    k = _inputs.count("k", k)
    why = f" for k={k} nearest neighbours"
    _inputs.cloud("reference", reference, least=k + 1, why=why)
    _inputs.cloud("samples", samples, least=k + 1 if both else 1, why=why)
    return k, *pair(samples, reference)


def _balls(reference, k):
    """Return the radii of the balls of the data, and warn if copies leave some with none."""
    reach = _reach(reference.values, k)
    empty = (reach == 0) & reference.alive[..., None]
    if empty.any():
        warnings.warn(
            f"reference has {empty.sum().item()} of {empty.numel()} points with {k} or more copies, whose balls have "
            "radius 0: only exact copies count as near them, and results are too low; remove copies with "
            "reference.unique(dim=0), or raise k",
            stacklevel=4,
        )
    return reach


def _tiles(x, y):
    """Yield the distances between two point clouds in parts that fit in memory: a slice, and distances (rows, m)."""
    height = max(1, TILE // len(y))
    for start in range(0, len(x), height):
        rows = slice(start, start + height)
        yield rows, distances(x[rows], y)


def _reach(points, k):
    """Return the distance of each point (..., n, d) to the k-th nearest other one, shape (..., n)."""

    def measure(x):
        reach = []
        for rows, distance in _tiles(x, x):
            own = torch.arange(len(x), device=x.device)[rows, None]
            distance.scatter_(1, own, torch.inf)
            reach.append(distance.amin(1) if k == 1 else distance.topk(k, largest=False, sorted=True).values[:, -1])
        return torch.cat(reach)

    return each_member(measure, points, own=(2,))
