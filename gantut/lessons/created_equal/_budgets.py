"""What a budget of tries buys: the best of k, chosen with one seed and measured with the others, with an interval."""

import torch

from gantut import _inputs
from gantut.device import random_source
from gantut.metrics import Interval, bootstrap_interval, expected_best


def best_elsewhere(values: torch.Tensor, k: int, *, largest: bool = True) -> torch.Tensor:
    r"""The expected score of the best of k tries, measured with other seeds than it was chosen by.

    A maximum of noisy scores is too good: part of what made the try the best was luck, which another seed does not
    have. So each seed in turn chooses, and the mean of the others is reported.

    Parameters
    ----------
    values : tensor, shape (..., tries, seeds), floating point
        At least two seeds.
    k : int
        From 1 to the number of tries.
    largest : bool
        Whether large scores are good.

    Returns
    -------
    tensor, shape (...)

    Raises
    ------
    ValueError
        If there are fewer than two seeds; otherwise as `gantut.metrics.expected_best`.
    """
    values = _inputs.floating("values", values)
    if values.ndim < 2 or values.shape[-1] < 2:
        raise ValueError(f"values must have shape (..., tries, seeds), seeds at least 2, not {_inputs.shape(values)}")
    chosen_by = values.movedim(-1, 0)  # (seeds, ..., tries)
    others = (chosen_by.sum(0, keepdim=True) - chosen_by) / (len(chosen_by) - 1)
    return expected_best(chosen_by, k, report=others, largest=largest).mean(0)


def best_interval(
    values: torch.Tensor,
    k: int,
    *,
    against: torch.Tensor | None = None,
    largest: bool = True,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """A bootstrap interval over tries for :func:`best_elsewhere`, or for how much it exceeds that of a rival.

    Parameters
    ----------
    values : tensor, shape (tries, seeds)
    k, largest
        As :func:`best_elsewhere`; k well below the number of tries, since a bootstrap knows no better try than the best
        that was seen.
    against : tensor, shape (tries, seeds), optional
        Of a rival, whose i-th try had the same settings: the interval is then one of the difference, over pairs.
    level : float
    draws : int
        How many times tries are drawn again, with replacement.
    seed : int
        Of these draws.

    Returns
    -------
    Interval
        ``low``, ``estimate`` and ``high``, single numbers.

    Raises
    ------
    ValueError
        If the two have different shapes; otherwise as :func:`best_elsewhere`.
    """
    both = [values] if against is None else [values, against]
    if len({_inputs.shape(part) for part in both}) > 1:
        shapes = " and ".join(str(_inputs.shape(part)) for part in both)
        raise ValueError(f"values and against must have one shape, (tries, seeds), but have {shapes}")

    def statistic(index):  # of tries, (..., tries)
        found = [best_elsewhere(part[index.long()], k, largest=largest) for part in both]
        return found[0] if against is None else found[0] - found[1]

    numbers = torch.arange(len(values), dtype=torch.float64)
    return bootstrap_interval(numbers, statistic=statistic, level=level, draws=draws, generator=random_source(seed))
