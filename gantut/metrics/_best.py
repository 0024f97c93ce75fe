"""The expected result of several tries, of which the best is kept."""

import math

import torch

from gantut import _inputs


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
    bootstrap_interval

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
