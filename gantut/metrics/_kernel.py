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
    within_x = each_member(_mean_of_pairs, x.values, own=(2,))
    within_y = each_member(_mean_of_pairs, y.values, own=(2,))
    between = each_member(lambda x, y: _total(x, y) / (len(x) * len(y)), x.values, y.values, own=(2, 2))
    return x.answer(within_x + within_y - 2 * between)


def _cubic(inner, d):
    return (inner / d + 1) ** 3


def _total(x, y):
    """Return the sum of the kernel over all pairs of two point clouds, tile by tile."""
    return sum(_cubic(rows @ y.T, x.shape[1]).sum() for rows in x.split(max(1, TILE // len(y))))


def _mean_of_pairs(x):
    """Return the mean of the kernel over all pairs of different points of a point cloud."""
    diagonal = _cubic(x.square().sum(1), x.shape[1]).sum()
    return (_total(x, x) - diagonal) / (len(x) * (len(x) - 1))
