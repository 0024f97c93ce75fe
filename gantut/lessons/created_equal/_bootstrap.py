"""Intervals for any statistic of a population, by resampling it."""

import torch

from gantut import _inputs
from gantut.metrics import Interval


@torch.no_grad()
def bootstrap_interval(
    values, *, statistic=None, level: float = 0.95, draws: int = 2000, generator: torch.Generator | None = None
) -> Interval:
    r"""Return a percentile bootstrap interval for a statistic of a population.

    The values are resampled with replacement many times; the interval holds the central part of their statistics.

    Parameters
    ----------
    values : tensor, shape (..., n), floating point
        Independent and finite, one per member, n at least 2.
    statistic : callable, optional
        From (..., n) to (...), such as ``lambda x: x.mean(-1)``; by default, the median.
    level : float
        Strictly between 0 and 1.
    draws : int
        Number of resamples.
    generator : torch.Generator, optional
        On the CPU; by default, torch's global one.

    Returns
    -------
    low, estimate, high : tensor, shape (...)
        Fields of a named tuple.

    Raises
    ------
    ValueError
        If a value is not finite, there are fewer than two, or the statistic does not return one number each.

    See Also
    --------
    gantut.metrics.median_interval, gantut.metrics.binomial_interval : exact, for a median and for a share.

    Notes
    -----
    The level is only right as n grows; with a dozen values, the interval covers the true value less often.

    References
    ----------
    Efron and Tibshirani (1993), chapter 13; `scipy.stats.bootstrap` with ``method="percentile"``.

    Examples
    --------
    >>> source = torch.Generator().manual_seed(0)
    >>> low, mean, high = bootstrap_interval(torch.arange(100.0), statistic=lambda x: x.mean(-1), generator=source)
    >>> mean, bool(low < 49.5 < high)
    (tensor(49.5000), True)
    """
    level, draws = _inputs.level("level", level), _inputs.count("draws", draws)
    values = _inputs.floating("values", values).detach()
    _inputs.dimension("values", values, -1)
    _inputs.finite_entries("values", values)
    _inputs.generator("generator", generator)
    statistic = statistic or (lambda x: x.quantile(0.5, -1))
    n = values.shape[-1]
    if n < 2:
        raise ValueError(f"values must be at least 2, but there are {n}")
    chosen = torch.randint(n, (draws, n), generator=generator).to(values.device)
    found, estimate = statistic(values[..., chosen]), statistic(values)  # (..., draws), (...)
    for given, wanted in ((found, (*values.shape[:-1], draws)), (estimate, values.shape[:-1])):
        if not isinstance(given, torch.Tensor) or given.shape != wanted:
            shape = _inputs.shape(given) if isinstance(given, torch.Tensor) else repr(given)
            raise ValueError(f"statistic must map (..., {n}) to (...), here to shape {tuple(wanted)}, not {shape}")
    ends = found.new_tensor([(1 - level) / 2, (1 + level) / 2])
    low, high = torch.quantile(found, ends, dim=-1)
    return Interval(low, estimate, high)
