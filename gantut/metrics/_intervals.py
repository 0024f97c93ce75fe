"""Intervals for what was seen in a population: of a median, of a share, of any statistic."""

import math
from typing import NamedTuple

import torch
from scipy import special

from gantut import _inputs


class Interval(NamedTuple):
    """An estimate and the interval in which the truth lies at the stated level."""

    low: float | torch.Tensor
    estimate: float | torch.Tensor
    high: float | torch.Tensor


def binomial_interval(successes: int, n: int, *, level: float = 0.95, method: str = "clopper-pearson") -> Interval:
    r"""An interval for a probability, of which `successes` out of `n` independent trials were seen.

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
        The first covers the truth at least as often as `level` says, for every p; the second on the average over p,
        and is shorter.

    Returns
    -------
    Interval
        ``low``, ``estimate`` (successes / n) and ``high``, floats.

    Raises
    ------
    ValueError
        If the counts are no counts, or more succeeded than tried.

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
    tail = (1 - _inputs.level("level", level)) / 2
    share = successes / n
    if _inputs.one_of("method", method, ("clopper-pearson", "wilson")) == "clopper-pearson":
        low = float(special.betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
        high = float(special.betainccinv(successes + 1, n - successes, tail)) if successes < n else 1.0
        return Interval(low, share, high)
    z = -float(special.ndtri(tail))
    centre, weight = share + z * z / (2 * n), 1 + z * z / n
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = (centre - half) / weight if successes else 0.0  # exactly, where a rounding would be left
    high = (centre + half) / weight if successes < n else 1.0
    return Interval(low, share, high)


@torch.no_grad()
def median_interval(values, *, level: float = 0.95) -> Interval:
    r"""An interval for the median of the distribution that the values come from: exact for every distribution, without
    any draws.

    The median lies between the l-th smallest and the l-th largest of n values unless fewer than l fell to one side:

    .. math:: P\big(x_{(l)} \le \text{median} \le x_{(n+1-l)}\big) \ge 1 - 2\,P\big(\mathrm{Bin}(n, \tfrac12) < l\big),

    for the largest l that leaves at least `level`.

    Parameters
    ----------
    values : tensor, shape (..., n), floating point
        Independent and finite, one a member; what to do with members that have diverged is for the caller to say (to
        leave them out is to claim less).
    level : float
        Strictly between 0 and 1.

    Returns
    -------
    Interval
        ``low``, ``estimate`` (the mean of the middle two if n is even) and ``high``, shapes (...).

    Raises
    ------
    ValueError
        If a value is not finite, or there are too few for the level: 95% take at least 6, 99% at least 8.

    References
    ----------
    David and Nagaraja (2003), section 7.1; `scipy.stats.quantile_test`.

    Examples
    --------
    >>> median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).high
    tensor(6., dtype=torch.float64)
    """
    level = _inputs.level("level", level)
    values = _observations("values", values)
    n = values.shape[-1]
    beyond = [math.comb(n, i) for i in range(n // 2 + 1)]
    rank = 0  # how many values may be cut off at either end
    while rank < (n + 1) // 2 and 2 * sum(beyond[: rank + 1]) <= (1 - level) * 2**n * (1 + 1e-12):
        rank += 1
    if not rank:
        needed = math.ceil(1 - math.log2(1 - level) - 1e-12)
        raise ValueError(f"values must be at least {needed} for an interval of level {level}, but are {n}")
    ordered = values.sort(-1).values
    return Interval(ordered[..., rank - 1], _median(values), ordered[..., n - rank])


@torch.no_grad()
def bootstrap_interval(
    values, *, statistic=None, level: float = 0.95, draws: int = 2000, generator: torch.Generator | None = None
) -> Interval:
    r"""A percentile bootstrap interval for a statistic of a population.

    The values are drawn again with replacement, many times; the interval holds the middle of the statistics of these.

    Parameters
    ----------
    values : tensor, shape (..., n), floating point
        Independent and finite, one a member, n at least 2.
    statistic : callable, optional
        Maps (..., n) to (...), as ``lambda x: x.mean(-1)``; by default the median.
    level : float
        Strictly between 0 and 1.
    draws : int
        How many times.
    generator : torch.Generator, optional
        On the CPU; by default torch's global one.

    Returns
    -------
    Interval
        ``low``, ``estimate`` and ``high``, shapes (...).

    Raises
    ------
    ValueError
        If a value is not finite, there are fewer than two, or the statistic does not return one number each.

    Notes
    -----
    Its level is right only as n grows; with a dozen values it covers less than it says. For a median
    :func:`median_interval` is exact, for a share :func:`binomial_interval`.

    References
    ----------
    Efron and Tibshirani (1993), chapter 13; `scipy.stats.bootstrap` with ``method="percentile"``.
    """
    level, draws = _inputs.level("level", level), _inputs.count("draws", draws)
    values = _observations("values", values, least=2)
    _inputs.generator("generator", generator)
    statistic = statistic or _median
    n = values.shape[-1]
    chosen = torch.randint(n, (draws, n), generator=generator).to(values.device)
    found, estimate = statistic(values[..., chosen]), statistic(values)  # (..., draws), (...)
    for given, wanted in ((found, (*values.shape[:-1], draws)), (estimate, values.shape[:-1])):
        if not isinstance(given, torch.Tensor) or given.shape != wanted:
            shape = _inputs.shape(given) if isinstance(given, torch.Tensor) else repr(given)
            raise ValueError(f"statistic must map (..., {n}) to (...), here to shape {tuple(wanted)}, not {shape}")
    ends = found.new_tensor([(1 - level) / 2, (1 + level) / 2])
    low, high = torch.quantile(found, ends, dim=-1)
    return Interval(low, estimate, high)


def _observations(name, values, *, least=1):
    values = _inputs.floating(name, values).detach()
    _inputs.dimension(name, values, -1)
    if values.shape[-1] < least:
        raise ValueError(f"{name} must be at least {least}, but are {values.shape[-1]}")
    _inputs.finite_entries(name, values)
    return values


def _median(values):
    """The median, the mean of the middle two for an even number; torch.median would take the lower."""
    ordered = values.sort(-1).values
    n = values.shape[-1]
    return (ordered[..., (n - 1) // 2] + ordered[..., n // 2]) / 2
