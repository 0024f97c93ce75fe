"""What a budget of tries buys: the best of k, chosen with one seed, measured with the others, compared with a rival."""

import math

import torch

from gantut import _inputs
from gantut.device import random_source
from gantut.metrics import PairedDifference

ALL_SWAPS = 13  # of so many tries all swaps are made
HALVINGS = 10  # of a range of scores, to find the end of an interval to a thousandth of it


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
    David and Nagaraja (2003), chapter 2, for order statistics; Dodge et al. (2019) for budgets; lesson 15.

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


def swapped_differences(values: torch.Tensor, rival: torch.Tensor, k: int) -> torch.Tensor:
    r"""The difference of two bests of k, and what it would be had any of the tries been the other game's.

    If it made no difference which of two games is played, a try and the rival's try with the same settings could as
    well change sides. All ways to do so, but for changing all, which turns only the sign, give the differences that
    chance alone makes.

    Parameters
    ----------
    values, rival : tensors, shape (..., tries, seeds)
        Scores of which large ones are good; the i-th tries of both have the same settings. The mean is taken over what
        stands in front, such as kinds of data: a pair of tries changes sides on all of them at once.
    k : int

    Returns
    -------
    tensor, shape (swaps,)
        As observed first. Of more than 13 tries, not all swaps but 4096 random ones.

    Raises
    ------
    ValueError
        If the two have different shapes; otherwise as :func:`held_out_best`.
    """
    if values.shape != rival.shape:
        shapes = f"{_inputs.shape(values)} and {_inputs.shape(rival)}"
        raise ValueError(f"values and rival must have one shape, (..., tries, seeds), but have {shapes}")
    held_out_best(values, k)  # refuses what has no best
    tries = values.shape[-2]
    if tries <= ALL_SWAPS:
        swapped = torch.arange(2 ** (tries - 1))[:, None] >> torch.arange(tries) & 1
    else:
        swapped = torch.randint(2, (4096, tries), generator=random_source(0))
        swapped[0] = 0
    swapped = swapped.bool().reshape(-1, *[1] * (values.ndim - 2), tries, 1).to(values.device)
    sides = torch.where(swapped, rival, values), torch.where(swapped, values, rival)  # (swaps, ..., tries, seeds)
    best, best_of_rival = (held_out_best(side, k) for side in sides)
    return (best - best_of_rival).reshape(len(swapped), -1).mean(1)


def best_difference(
    values: torch.Tensor, rival: torch.Tensor, k: int, *, comparisons: int = 1, level: float = 0.95
) -> PairedDifference:
    r"""Compare the best of k tries of one game with that of a rival, by swapping tries with the same settings.

    It is `gantut.metrics.paired_difference` for the best of k, which is no mean of pairs, and is the same for k = 1:

    .. math:: p(\delta) = P\big(|D_\delta(\text{random swaps})| \ge |D_\delta(\text{no swap})|\big),

    where :math:`D_\delta` is the difference of the two bests after all scores of the first game are lowered by
    :math:`\delta`.

    Parameters
    ----------
    values, rival, k
        As :func:`swapped_differences`.
    comparisons : int
        How many are made and told of: the interval is widened so that all of them hold together.
    level : float

    Returns
    -------
    PairedDifference
        Its `pairs` are the pairs of tries.

    Raises
    ------
    ValueError
        If the two have different shapes; otherwise as :func:`held_out_best`.
    """
    alpha = (1 - _inputs.level("level", level)) / _inputs.count("comparisons", comparisons)

    def p_value(shift):
        found = swapped_differences(values - shift, rival, k).abs()
        return float((found >= found[0] - 1e-12).double().mean())

    def end(side):
        kept, rejected = difference, difference + side * float(values.max() - values.min() + rival.max() - rival.min())
        for _ in range(HALVINGS):
            middle = (kept + rejected) / 2
            kept, rejected = (middle, rejected) if p_value(middle) >= alpha else (kept, middle)
        return kept

    difference = float(swapped_differences(values, rival, k)[0])
    return PairedDifference(difference, end(-1), end(1), p_value(0.0), values.shape[-2], level)
