"""Statistics of a population: intervals for a median or a share, and the rank correlation of curves."""

import math
from typing import NamedTuple

import numpy as np
import torch

from gantut import _inputs
from gantut.metrics._populations import population


class Interval(NamedTuple):
    """An estimate, and the interval that contains the true value at the stated level.

    Attributes
    ----------
    low, estimate, high : float or tensor

    See Also
    --------
    binomial_interval, median_interval

    Examples
    --------
    >>> Interval(low=0.2, estimate=0.5, high=0.8).high
    0.8
    """

    low: float | torch.Tensor
    estimate: float | torch.Tensor
    high: float | torch.Tensor


def binomial_interval(successes: int, n: int, *, level: float = 0.95, method: str = "clopper-pearson") -> Interval:
    r"""Return an interval for a probability, given `successes` out of `n` independent trials.

    Clopper and Pearson take all :math:`p` that neither tail of the binomial distribution rejects, Wilson all that the
    normal approximation does not:

    .. math:: P_p(S \ge s) \ge \tfrac{1-\text{level}}2 \text{ and } P_p(S \le s) \ge \tfrac{1-\text{level}}2
        \qquad\text{or}\qquad \Big|\frac sn - p\Big| \le z \sqrt{\frac{p(1-p)}n}.

    Parameters
    ----------
    successes, n : int
        0 <= successes <= n, n at least 1.
    level : float
        Strictly between 0 and 1.
    method : {"clopper-pearson", "wilson"}
        The first covers the true value with at least the probability `level`, for every p; the second does so on
        average over p, and is shorter.

    Returns
    -------
    low, estimate, high : float
        Fields of a named tuple; the estimate is successes / n.

    Raises
    ------
    ValueError
        If `successes` and `n` are not such counts, or `level` or `method` is not allowed.

    See Also
    --------
    median_interval

    References
    ----------
    Clopper and Pearson (1934); Wilson (1927); Brown, Cai and DasGupta (2001).

    Examples
    --------
    >>> low, share, high = binomial_interval(13, 16)
    >>> round(low, 3), share, round(high, 3)
    (0.544, 0.8125, 0.96)
    """
    n = _inputs.count("n", n)
    successes = _inputs.count("successes", successes, least=0)
    if successes > n:
        raise ValueError(f"successes must be at most n={n}, not {successes}")
    level = _inputs.level("level", level)
    from scipy import stats  # loaded by need

    share, tail = successes / n, (1 - level) / 2
    if _inputs.one_of("method", method, ("clopper-pearson", "wilson")) == "wilson":
        low, high = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    else:  # to the last digit, where binomtest stops searching after nine
        low = stats.beta.ppf(tail, successes, n - successes + 1) if successes else 0.0
        high = stats.beta.isf(tail, successes + 1, n - successes) if successes < n else 1.0
    return Interval(float(low), share, float(high))


@torch.no_grad()
def median_interval(values, *, level: float = 0.95) -> Interval:
    r"""Return an interval for the median of the distribution that values come from: exact for every distribution.

    The median lies between the l-th smallest and the l-th largest of n values unless fewer than l fell on one side:

    .. math:: P\big(x_{(l)} \le \text{median} \le x_{(n+1-l)}\big) \ge 1 - 2\,P\big(\mathrm{Bin}(n, \tfrac12) < l\big),

    for the largest l that leaves at least `level`.

    Parameters
    ----------
    values : tensor, shape (..., n), floating point
        Independent and finite, one per member. What to do with members that have diverged is up to the caller;
        leaving them out weakens the claim.
    level : float
        Strictly between 0 and 1.

    Returns
    -------
    low, estimate, high : tensor, shape (...)
        Fields of a named tuple; the estimate is the mean of the middle two values if n is even.

    Raises
    ------
    ValueError
        If a value is not finite, or there are too few for the level: 95% takes at least 6, 99% at least 8.

    See Also
    --------
    binomial_interval

    References
    ----------
    David and Nagaraja (2003), section 7.1; `scipy.stats.quantile_test`.

    Examples
    --------
    >>> median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).high
    tensor(6., dtype=torch.float64)
    """
    level = _inputs.level("level", level)
    values = _inputs.floating("values", values).detach()
    _inputs.dimension("values", values, -1)
    _inputs.finite_entries("values", values)
    from scipy import stats  # loaded by need

    n = values.shape[-1]
    rank = int(stats.binom.ppf((1 - level) / 2 * (1 + 1e-12), n, 0.5))  # how many values may be cut off at either end
    if not rank:
        needed = math.ceil(1 - math.log2(1 - level) - 1e-12)
        raise ValueError(f"values must be at least {needed} for an interval of level {level}, but there are {n}")
    ordered = values.sort(-1).values
    middle = ordered[..., [(n - 1) // 2, n // 2]].double() / 2  # a sum of halves does not overflow
    median = middle.sum(-1).to(values.dtype)
    return Interval(ordered[..., rank - 1], median, ordered[..., n - rank])


@torch.no_grad()
def rank_correlation(x, y, *, dim=-1):
    r"""Return Spearman's rank correlation of two curves: the correlation of their ranks, ties sharing the mean rank.

    .. math:: \rho = \frac{\sum_t (r_t - \bar r)(s_t - \bar s)}{\sqrt{\sum_t (r_t - \bar r)^2 \sum_t (s_t - \bar s)^2}}

    Parameters
    ----------
    x, y : tensors, shapes (..., n, ...) that broadcast, floating point
        For instance the losses of each member, (members, n), and a metric at the same steps.
    dim : int
        The dimension along which the curves run; n is at least 2.

    Returns
    -------
    tensor, shape of `x` and `y` broadcast, without `dim`
        Between -1 and 1; NaN for a member with a value that is not finite, or with a constant curve, which has no
        order.

    Raises
    ------
    ValueError
        If shapes or devices do not match; or if there is only one pair of curves, and one is constant or not finite.

    See Also
    --------
    median_interval : for an interval over the population.

    Notes
    -----
    It measures whether one curve is lower where the other is, whatever their units and however nonlinear the relation,
    but not how much they move. The points of a training curve are not independent, so the p-values of textbooks do not
    apply: take the correlation of each member, and an interval over the population.

    References
    ----------
    Spearman (1904); `scipy.stats.spearmanr`; lessons 7 and 11.

    Examples
    --------
    >>> rank_correlation([1.0, 2.0, 3.0, 4.0], [1.0, 8.0, 27.0, 20.0])
    tensor(0.8000, dtype=torch.float64)
    """
    x, y = _inputs.promoted(x=x, y=y)
    for name, curve in (("x", x), ("y", y)):
        _inputs.dimension(name, curve, dim)
    _inputs.same_length(dim, x=x, y=y)
    if x.shape[dim] < 2:
        raise ValueError(f"x and y must have at least 2 values along dim {dim}, but have {x.shape[dim]}")
    alone = x.numel() == y.numel() == x.shape[dim]
    curves = {"x": x.movedim(dim, -1), "y": y.movedim(dim, -1)}
    batch = np.broadcast_shapes(*(curve.shape[:-1] for curve in curves.values()))
    (ranks_x, x_alive), (ranks_y, y_alive) = (
        _centred_ranks(name, curve.reshape(-1) if alone else curve) for name, curve in curves.items()
    )
    norms = (ranks_x.square().sum(-1) * ranks_y.square().sum(-1)).sqrt()
    rho = (ranks_x * ranks_y).sum(-1) / norms  # 0/0, NaN, where a curve is constant
    return rho.clamp(-1, 1).masked_fill(~(x_alive & y_alive), torch.nan).to(x.dtype).reshape(batch)


def _centred_ranks(name, curves):
    """Return the ranks of each value along the last dimension less their mean, and which curves are finite."""
    from scipy import stats  # loaded by need

    if curves.ndim == 1:
        _inputs.finite_entries(name, curves)
    finite = curves.detach().double().where(curves.isfinite(), torch.nan)  # which has no ranks
    ranks = torch.from_numpy(stats.rankdata(finite.cpu().numpy(), axis=-1)).to(finite.device)
    ranks = population(name, ranks - (ranks.shape[-1] + 1) / 2, own=1)
    if curves.ndim == 1 and not ranks.values.any():
        raise ValueError(f"{name} must not be constant: a constant curve has no order")
    return ranks.values, ranks.alive
