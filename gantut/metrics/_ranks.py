"""Whether two curves rise and fall together: Spearman's rank correlation."""

import torch

from gantut import _inputs
from gantut.metrics._populations import population


@torch.no_grad()
def rank_correlation(x, y, *, dim=-1):
    r"""Spearman's rank correlation of two curves: the correlation of their ranks, equal values sharing the mean rank.

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
        Between -1 and 1; NaN for a member that has a value that is not finite, or a curve that is constant: it has no
        order that could agree with another.

    Raises
    ------
    ValueError
        If the curves do not go together; or if there is but one pair of them, and one is not finite or is constant.

    Notes
    -----
    It sees whether one curve is lower where the other is, whatever their units and however crooked the relation. It
    does not see how much they move; and the points of a training curve are no independent draws, so that the p-values
    of the textbooks do not apply: take the correlation of each member, and an interval over the population.

    References
    ----------
    Spearman (1904); `scipy.stats.spearmanr`; lessons 6 and 10.

    Examples
    --------
    >>> rank_correlation([1.0, 2.0, 3.0, 4.0], [1.0, 8.0, 27.0, 20.0])
    tensor(0.8000, dtype=torch.float64)
    """
    x, y = _inputs.floating("x", x), _inputs.floating("y", y)
    for name, curve in (("x", x), ("y", y)):
        _inputs.dimension(name, curve, dim)
    _inputs.together(x=x, y=y)
    _inputs.same_length(dim, x=x, y=y)
    if x.shape[dim] < 2:
        raise ValueError(f"x and y must have at least 2 values along dim {dim}, but have {x.shape[dim]}")
    curves = {"x": x.movedim(dim, -1), "y": y.movedim(dim, -1)}
    alone = x.numel() == y.numel() == x.shape[dim]
    ranks, squares, alive = [], [], []
    for name, curve in curves.items():
        curve = population(name, curve.reshape(-1) if alone else curve, own=1)
        rank = _mean_ranks(curve.values) - (x.shape[dim] + 1) / 2
        square = rank.square().sum(-1)
        if alone and square == 0:
            raise ValueError(f"{name} must not be constant: a constant curve has no order")
        ranks.append(rank)
        squares.append(square)
        alive.append(curve.alive)
    rho = (ranks[0] * ranks[1]).sum(-1) / (squares[0] * squares[1]).sqrt()  # 0/0, NaN, without an order
    batch = torch.broadcast_shapes(*(c.shape[:-1] for c in curves.values()))
    return rho.clamp(-1, 1).masked_fill(~(alive[0] & alive[1]), torch.nan).to(x.dtype).reshape(batch)


def _mean_ranks(values):
    """The rank of each value along the last dimension, from 1 on; equal values share the mean of their ranks."""
    values = values.contiguous()
    ordered = values.sort(-1).values
    below = torch.searchsorted(ordered, values)
    up_to = torch.searchsorted(ordered, values, right=True)
    return (below + up_to + 1).double() / 2
