"""The kernel distance: an unbiased comparison of features."""

import functools

import torch

from gantut.metrics._populations import each_member, pair

# Entries of a tile of kernel values: 32 MB in double precision.
TILE = 1 << 22


@torch.no_grad()
def kid(samples, reference):
    r"""Return the kernel inception distance on features of your choice: an unbiased estimate of a squared MMD.

    .. math:: \frac{1}{n(n-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m(m-1)} \sum_{i \ne j} k(y_i, y_j)
        - \frac{2}{n m} \sum_{i, j} k(x_i, y_j), \qquad k(x, y) = \Big(\frac{x^\top y}{d} + 1\Big)^3

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
        Features, for instance of a :class:`Classifier`; n at least 2.
    reference : tensor, shape (..., m, d)
        Features of the data, m at least 2.

    Returns
    -------
    tensor, shape (...)
        Unbiased, and therefore negative about half the time when both come from the same distribution; NaN for a member
        whose samples are not finite.

    Raises
    ------
    ValueError
        If there are fewer than two points, a single point cloud or the reference is not finite, or the two do not
        match.

    See Also
    --------
    fid

    Notes
    -----
    It sees the first three moments of the features, skewness included, where FID sees two; distributions that share
    them score 0. It depends on the scale and origin of the features: the kernel is not a function of distance. Being
    unbiased, it can be compared between different n; its noise cannot. All pairs are used at once, without the
    customary average over subsets, which only saves memory.

    References
    ----------
    Bińkowski, Sutherland, Arbel and Gretton (2018); Gretton et al. (2012) for the estimate; lesson 7.

    Examples
    --------
    >>> kid([[0.0], [0.0]], [[1.0], [1.0]])
    tensor(7., dtype=torch.float64)
    """
    x, y = pair(samples, reference, least=2, why=" for an estimate without bias")
    origin = y.values.flatten(0, -2).mean(0)  # (d,)
    parts = (x.values - origin,), (y.values - origin,), (x.values - origin, y.values - origin)
    within_x, within_y, between = (
        each_member(functools.partial(_mean, origin), *part, own=(2,) * len(part)) for part in parts
    )
    found = within_x + within_y - 2 * between
    if not (x.batch or found.isfinite().all()):
        raise ValueError("samples and reference must be small enough for the cubes of their products to be compared")
    return x.answer(found.masked_fill(~found.isfinite(), torch.nan))


def _mean(origin, x, y=None):
    """Return the mean of the kernel over all pairs of two point clouds, or of different points of one, tile by tile."""
    if y is not None:
        return _total(origin, x, y) / (len(x) * len(y))
    diagonal = _kernel(origin, x.square().sum(1), x @ origin, x @ origin).sum()
    return (_total(origin, x, x) - diagonal) / (len(x) * (len(x) - 1))


def _total(origin, x, y):
    tiles = x.split(max(1, TILE // len(y)))
    return sum(_kernel(origin, rows @ y.T, (rows @ origin)[:, None], y @ origin).sum() for rows in tiles)


def _kernel(origin, inner, of_x, of_y):
    """The kernel between points x and y away from the origin, less what depends on one of them alone.

    The estimate is the same without those parts, in which its digits would be lost where the origin is far.
    """
    d, level = len(origin), 1 + origin.square().mean()
    inner, change = inner / d, (inner + of_x + of_y) / d  # the kernel is (level + change)^3
    return 3 * level**2 * inner + change.square() * (3 * level + change)
