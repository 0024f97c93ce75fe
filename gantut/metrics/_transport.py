"""The exact Wasserstein distance of samples to a reference, and what a critic proves about it."""

import numpy as np
import torch

from gantut import _inputs
from gantut.metrics._populations import distances, each_member, pair, population
from gantut.transport import emd_points, wasserstein_1d

# Entries of the cost matrices that are solved at once: 128 MB in double precision, and as much again for the plans.
ENTRIES = 1 << 24
TANGENTS = 25  # to a concave function: each makes the gap to its top smaller


@torch.no_grad()
def exact_w1(samples, reference):
    r"""Return the exact Wasserstein-1 distance between samples and a reference, each point with equal weight.

    .. math:: W_1 = \min_{P \ge 0} \Big\{ \sum_{ij} P_{ij} \|x_i - y_j\| : \sum_j P_{ij} = \tfrac1n,\
        \sum_i P_{ij} = \tfrac1m \Big\}

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
    reference : tensor, shape (..., m, d)
        Samples of the data, one set for the whole population or one per member.

    Returns
    -------
    tensor, shape (...)
        In the units of the points, and the wider of the two dtypes; NaN for a member whose samples are not finite.

    Raises
    ------
    ValueError
        If there are no points, a single point cloud or the reference is not finite, or the two do not match.
    gantut.transport.NotCertified
        If optimality could not be certified: see :func:`gantut.transport.emd`.

    See Also
    --------
    gantut.transport.emd_points : with weights, and with the plan.
    gantut.transport.wasserstein_1d : on the line.
    certified_w1 : a lower bound from a critic's scores.

    Notes
    -----
    It sees every difference between the two sets of points: missing modes, wrong proportions, samples off the data.
    It is the distance of the *samples*: two draws from the same distribution are :math:`O(n^{-1/d})` apart for d > 2,
    so in high dimensions it mostly reflects the sample size; compare it with a second draw of the data. It costs a sort
    for d = 1, and about a second per member at n = m = 2500 for d > 1.

    References
    ----------
    Lessons 9 to 11; Weed and Bach (2019) for the rate.

    Examples
    --------
    >>> exact_w1([[0.0, 0.0], [1.0, 0.0]], [[0.0, 2.0]])
    tensor(2.1180, dtype=torch.float64)
    """
    samples, reference = pair(samples, reference)
    x, y = samples.values, reference.values
    if x.shape[-1] == 1:
        return samples.answer(wasserstein_1d(x[..., 0], y[..., 0]))
    batch = np.broadcast_shapes(samples.batch, reference.batch)
    alive = samples.alive.expand(batch)
    x, y = (t.expand(*batch, *t.shape[-2:]) for t in (x, y))
    at_once = max(1, ENTRIES // (x.shape[-2] * y.shape[-2]))
    value = x.new_full(batch, torch.nan)
    members = alive.nonzero()  # (members, dimensions of the batch)
    for start in range(0, len(members), at_once):
        index = tuple(members[start : start + at_once].T)  # () for a single cloud
        value[index] = emd_points(x[index], y[index]).value
    return samples.answer(value)


@torch.no_grad()
def certified_w1(samples, reference, on_samples, on_reference):
    r"""Return what a critic's scores prove about the exact W1 of samples: a lower bound, by weak duality.

    For any numbers :math:`h_i`, :math:`g_j = \min_i \|x_i - y_j\| - h_i` and :math:`h_i' = \min_j \|x_i - y_j\| - g_j`,

    .. math:: \frac1n \sum_i h_i' + \frac1m \sum_j g_j \le W_1.

    Here :math:`h_i = s\,f(x_i)`, with the best factor s, of either sign; then the same from the other side, with
    :math:`g_j = -s\,f(y_j)`. The larger of the two bounds is returned.

    Parameters
    ----------
    samples : tensor, shape (..., n, d), floating point
    reference : tensor, shape (..., m, d)
        Samples of the data, one set for the whole population or one per member.
    on_samples, on_reference : tensors, shapes (..., n) and (..., m)
        The critic's scores of both. Units, sign and offset do not matter.

    Returns
    -------
    tensor, shape (...)
        Between 0 and :func:`exact_w1`, rounding included; NaN for a member with samples or scores that are not finite.

    Raises
    ------
    ValueError
        If there are no points, a single point cloud or the reference is not finite, or shapes do not match.

    See Also
    --------
    exact_w1

    Notes
    -----
    Nothing is assumed about the critic: no slope is measured or divided by, so that one that is constant, or samples
    that coincide, do no harm. It is at least as large as the critic's estimate over its largest slope between the
    samples; that needs s = 1/K. Equality with W1 takes scores that are, on one side, a Kantorovich potential in some
    unit. Even a constant critic proves the mean distance to the nearest point of the other side.

    References
    ----------
    Villani (2009), definition 5.2; Kelley (1960) for the search; lesson 12.

    Examples
    --------
    >>> x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [4.0]])
    >>> certified_w1(x, y, -x[:, 0], -y[:, 0])
    tensor(3.0000)
    """
    samples, reference, f, g = _inputs.promoted(
        samples=samples, reference=reference, on_samples=on_samples, on_reference=on_reference
    )
    x, y = pair(samples, reference)
    _inputs.one_each("on_samples", f, samples, of="samples", what="score")
    _inputs.one_each("on_reference", g, reference, of="reference", what="score")
    f, g = population("on_samples", f, own=1), population("on_reference", g, own=1)
    proved = each_member(_proved, x.values, y.values, f.values, g.values, own=(2, 2, 1, 1))
    rounded = proved.to(samples.dtype)
    proved = torch.where(rounded > proved, rounded.nextafter(torch.zeros_like(rounded)), rounded)  # rounded down
    return x._replace(alive=x.alive & f.alive & g.alive).answer(proved)


def _proved(x, y, f, g):
    """The bound for one member: the better of those from either side, less what rounding may have added."""
    cost = distances(x, y)
    rounding = 4 * torch.finfo(cost.dtype).eps * (len(f) + len(g) + x.shape[-1]) * cost.amax()
    return (torch.maximum(_proved_from(f, cost), _proved_from(g, cost.T)) - rounding).clamp(min=0)


def _proved_from(f, cost):
    """The bound from scores f (n,) and distances (n, m): concave in s, its top enclosed by two tangents."""
    f = f - f.mean()
    f = f / f.abs().amax().clamp(min=torch.finfo(f.dtype).tiny)
    rising, falling = ((-f[i], cost[i].mean()) for i in (f.argmin(), f.argmax()))  # slope and height, for s far out
    top, best = cost.amin(0).mean(), 0.0
    for _ in range(TANGENTS if f.any() else 0):
        s = (falling[1] - rising[1]) / (rising[0] - falling[0])  # where they meet
        lowest, i = (cost - s * f[:, None]).min(0)
        if lowest.mean() > top:
            top, best = lowest.mean(), s
        slope = -f[i].mean()
        tangent = (slope, lowest.mean() - s * slope)
        rising, falling = (tangent, falling) if slope > 0 else (rising, tangent)
    g = (cost - best * f[:, None]).amin(0)
    g = g - g.mean()  # so that neither is much larger than the distances
    return (cost - g).amin(1).mean() + g.mean()
