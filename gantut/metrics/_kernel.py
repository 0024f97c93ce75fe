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
    origin = y.values.flatten(0, -2).median(0).values  # (d,); a mean would follow a single point far away
    x, y = (cloud._replace(values=cloud.values - origin) for cloud in (x, y))
    within_x, within_y = (each_member(lambda x: _mean(x, x, origin), cloud.values, own=(2,)) for cloud in (x, y))
    between = each_member(lambda x, y: _mean(x, y, origin), x.values, y.values, own=(2, 2))
    return x.answer(within_x + within_y - 2 * between)


def _kernel(inner, of_x, of_y, origin):
    """The kernel of points that are x and y away from the origin, less what depends on one of them alone.

    The estimate is the same without those parts, in which its digits would be lost where the origin is far.
    """
    level, inner, change = 1 + origin.square().mean(), inner / len(origin), (inner + of_x + of_y) / len(origin)
    return 3 * level**2 * inner + change.square() * (3 * level + change)  # of (level + change)^3


def _mean(x, y, origin):
    """Return the mean of the kernel over all pairs of points, tile by tile; over pairs of different ones if y is x."""
    rows, total = max(1, TILE // len(y)), 0
    for start in range(0, len(x), rows):
        some = x[start : start + rows]
        kernel = _kernel(some @ y.T, (some @ origin)[:, None], y @ origin, origin)
        if y is x:
            kernel.diagonal(start).zero_()  # rather than taken off in the end, where few cubes may be nearly all
        total = total + kernel.sum()
    return total / (len(x) * (len(y) - (y is x)))
