"""The kernel distance: an unbiased comparison of features."""

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
        whose samples are not finite, and not finite where the cubes are not: from coordinates of 1e50 on.

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
    them score 0. It depends on the scale and origin of the features: the kernel is not a function of distance. An
    origin far away costs no digits, as what cancels in the estimate is left out. Being unbiased, it can be compared
    between different n; its noise cannot. All pairs are used at once, without the customary average over subsets, which
    only saves memory.

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
    x, y = (cloud._replace(values=cloud.values - origin) for cloud in (x, y))
    within_x = each_member(lambda x: _mean_of_pairs(x, origin), x.values, own=(2,))
    within_y = each_member(lambda y: _mean_of_pairs(y, origin), y.values, own=(2,))
    between = each_member(lambda x, y: _total(x, y, origin) / (len(x) * len(y)), x.values, y.values, own=(2, 2))
    return x.answer(within_x + within_y - 2 * between)


def _kernel(inner, of_x, of_y, origin):
    """The kernel of points that are x and y away from the origin, less what depends on one of them alone.

    The estimate is the same without those parts, in which its digits would be lost where the origin is far.
    """
    level, inner, change = 1 + origin.square().mean(), inner / len(origin), (inner + of_x + of_y) / len(origin)
    return 3 * level**2 * inner + change.square() * (3 * level + change)  # of (level + change)^3


def _total(x, y, origin):
    """Return the sum of the kernel over all pairs of two point clouds, tile by tile."""
    tiles = x.split(max(1, TILE // len(y)))
    return sum(_kernel(rows @ y.T, (rows @ origin)[:, None], y @ origin, origin).sum() for rows in tiles)


def _mean_of_pairs(x, origin):
    """Return the mean of the kernel over all pairs of different points of a point cloud."""
    diagonal = _kernel(x.square().sum(1), x @ origin, x @ origin, origin).sum()
    return (_total(x, x, origin) - diagonal) / (len(x) * (len(x) - 1))
