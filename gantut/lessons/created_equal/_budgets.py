"""What a budget of tries buys: the best of k, chosen with one seed and measured with the others, with an interval."""

import math

import torch

from gantut import _inputs
from gantut.device import random_source
from gantut.lessons.created_equal._bootstrap import bootstrap_interval
from gantut.metrics import Interval


@torch.no_grad()
def expected_best(values, k, *, report=None, largest=True):
    r"""Return the expected best of k tries, given n of them: exact, without sampling.

    Of k tries chosen at random from the n, the i-th best of all is the best if it is chosen and none of the i-1 better
    ones is:

    .. math:: \mathbb E\max = \sum_{i=1}^{n-k+1} w_i\, x_{(i)}, \qquad
        w_i = \binom{n-i}{k-1} \Big/ \binom nk, \qquad x_{(1)} \ge x_{(2)} \ge \dots

    If the n tries are independent draws of one distribution, this estimates its :math:`\mathbb E\max(X_1,\dots,X_k)`
    without bias.

    Parameters
    ----------
    values : tensor, shape (..., n), floating point
        What the best is chosen by, one per try; finite.
    k : int
        From 1 to n.
    report : tensor, shape (..., n), optional
        What is then reported for the chosen try, such as its score with another seed; by default, what it was chosen
        by. Of equally good tries, the first is chosen.
    largest : bool
        Whether the best is the largest, or the smallest.

    Returns
    -------
    tensor, shape (...)

    Raises
    ------
    ValueError
        If a value is not finite, k is not between 1 and n, or the two have different shapes.

    See Also
    --------
    held_out_best : the same, chosen by one seed and measured with the others.

    References
    ----------
    David and Nagaraja (2003), chapter 2, for order statistics; Dodge et al. (2019) for budgets; lesson 13.

    Examples
    --------
    >>> expected_best([1.0, 2.0, 3.0], 2)  # of the pairs {1, 2}, {1, 3} and {2, 3}
    tensor(2.6667, dtype=torch.float64)
    """
    values = _inputs.floating("values", values)
    _inputs.dimension("values", values, -1)
    _inputs.finite_entries("values", values)
    n = values.shape[-1]
    if _inputs.count("k", k) > n:
        raise ValueError(f"k must be at most {n}, the number of tries, not {k}")
    report = values if report is None else _inputs.floating("report", report)
    if report.shape != values.shape:
        raise ValueError(
            f"values and report must have one shape, but have {_inputs.shape(values)} and {_inputs.shape(report)}"
        )
    _inputs.finite_entries("report", report)
    order = values.sort(dim=-1, descending=bool(largest), stable=True).indices
    weights = [math.comb(n - i, k - 1) / math.comb(n, k) for i in range(1, n + 1)]
    return report.gather(-1, order) @ torch.tensor(weights, dtype=report.dtype, device=report.device)


def held_out_best(values: torch.Tensor, k: int, *, largest: bool = True) -> torch.Tensor:
    r"""The expected score of the best of k tries, measured with other seeds than those it was chosen by.

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
        If there are fewer than two seeds; otherwise as :func:`expected_best`.
    """
    values = _inputs.floating("values", values)
    if values.ndim < 2 or values.shape[-1] < 2:
        raise ValueError(f"values must have shape (..., tries, seeds), seeds at least 2, not {_inputs.shape(values)}")
    chosen_by = values.movedim(-1, 0)  # (seeds, ..., tries)
    others = (chosen_by.sum(0, keepdim=True) - chosen_by) / (len(chosen_by) - 1)
    return expected_best(chosen_by, k, report=others, largest=largest).mean(0)


def held_out_best_interval(
    values: torch.Tensor,
    k: int,
    *,
    rival: torch.Tensor | None = None,
    largest: bool = True,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """A bootstrap interval over tries for :func:`held_out_best`, or for how much it exceeds that of a rival.

    Parameters
    ----------
    values : tensor, shape (tries, seeds)
    k, largest
        As :func:`held_out_best`; k well below the number of tries, since a bootstrap never sees a better try than the
        best one made.
    rival : tensor, shape (tries, seeds), optional
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
        If the two have different shapes; otherwise as :func:`held_out_best`.
    """
    both = [values] if rival is None else [values, rival]
    if len({_inputs.shape(part) for part in both}) > 1:
        shapes = " and ".join(str(_inputs.shape(part)) for part in both)
        raise ValueError(f"values and rival must have one shape, (tries, seeds), but have {shapes}")

    def statistic(index):  # of tries, (..., tries)
        found = [held_out_best(part[index.long()], k, largest=largest) for part in both]
        return found[0] if rival is None else found[0] - found[1]

    numbers = torch.arange(len(values), dtype=torch.float64)
    return bootstrap_interval(numbers, statistic=statistic, level=level, draws=draws, generator=random_source(seed))
