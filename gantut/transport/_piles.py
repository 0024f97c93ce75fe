"""Piles side by side on a line, and how to turn them into others, shovel by shovel."""

from typing import NamedTuple

import torch

from gantut import _inputs


class Move(NamedTuple):
    """One shovelful: from a pile to the one beside it; piles are numbered from 1.

    Attributes
    ----------
    source : int
        The pile that it leaves.
    target : int
        The pile that it goes to, on the left or on the right of `source`.
    amount : float
        How much is carried.

    See Also
    --------
    pile_moves : lists them.

    Examples
    --------
    >>> from gantut.transport import pile_moves
    >>> pile_moves([2.0, 0.0], [0.5, 1.5]).moves
    [Move(source=1, target=2, amount=1.5)]
    """

    source: int
    target: int
    amount: float


class PileMoves(NamedTuple):
    r"""How piles on a line are turned into others, shovel by shovel.

    Attributes
    ----------
    deltas : tensor, shape (..., n + 1)
        :math:`\delta_0` to :math:`\delta_n`: what is carried across each gap, to the right where positive.
    cost : tensor, shape (...,)
        :math:`\sum_i |\delta_i|`, in mass x distance.
    moves : list of Move, or None
        In an order in which no pile ever runs short; None for a batch.
    states : tensor, shape (len(moves) + 1, n), or None
        The piles before the first move and after each one; None for a batch.

    See Also
    --------
    pile_moves : returns it.

    Examples
    --------
    >>> from gantut.transport import pile_moves
    >>> walk = pile_moves([2.0, 0.0, 1.0], [1.0, 1.0, 1.0])
    >>> walk.cost.item(), len(walk.moves)
    (1.0, 1)
    >>> walk.states.tolist()
    [[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
    """

    deltas: torch.Tensor
    cost: torch.Tensor
    moves: list[Move] | None
    states: torch.Tensor | None


def pile_moves(P, Q):
    r"""Turn the piles P into the piles Q, from left to right, each gap once.

    The piles stand side by side at distance 1. Whatever the first i piles have in excess must leave them across the
    gap between pile i and pile i + 1, and whatever they lack must come in there:

    .. math:: \delta_0 = 0, \qquad \delta_{i+1} = \delta_i + P_{i+1} - Q_{i+1}, \qquad W = \sum_i |\delta_i|.

    Parameters
    ----------
    P, Q : tensors, shapes (..., n) that broadcast, floating point
        The piles: finite, non-negative, with the same positive total. Arrays and lists become tensors.

    Returns
    -------
    PileMoves
        With ``deltas`` (..., n + 1), from :math:`\delta_0` to :math:`\delta_n = 0`; ``cost`` (...,); and, for one pair
        of pile rows, ``moves``, a list of (source, target, amount) with piles numbered from 1, and ``states``
        (len(moves) + 1, n), the piles before, between and after the moves. Gaps that nothing crosses make no move.
        ``deltas`` and ``cost`` are differentiable.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, totals differ, or shapes, dtypes or devices do not match.

    See Also
    --------
    wasserstein_1d : the cost alone, for positions anywhere on the line.

    References
    ----------
    Weng (2017), figure 7, whose recursion is off by one and whose third step moves Q instead of P; lesson 9.

    Examples
    --------
    >>> walk = pile_moves([3, 2, 1, 4], [1, 2, 4, 3])
    >>> walk.deltas.tolist(), walk.cost.item()
    ([0.0, 2.0, 2.0, -1.0, 0.0], 5.0)
    >>> walk.moves[-1]
    Move(source=4, target=3, amount=1.0)
    """
    P, Q = _inputs.masses(P=P, Q=Q)
    _inputs.same_length(-1, P=P, Q=Q)
    surplus = P - Q
    deltas = torch.cat([torch.zeros_like(surplus[..., :1]), surplus.cumsum(-1)], -1)
    cost = deltas.abs().sum(-1)
    if deltas.ndim > 1:
        return PileMoves(deltas, cost, None, None)
    moves = _shovel(deltas.tolist())
    states = [P.detach()]
    for source, target, amount in moves:
        after = states[-1].clone()
        after[source - 1] = (after[source - 1] - amount).clamp_min(0)  # below 0 there are roundings alone
        after[target - 1] += amount
        states.append(after)
    return PileMoves(deltas, cost, moves, torch.stack(states))


def _shovel(deltas):
    """List the moves; a run of gaps that are crossed leftwards goes from its right end, or a pile would run short."""
    moves, leftwards = [], []
    for gap, delta in enumerate(deltas[1:-1], start=1):
        if delta < 0:
            leftwards.append(Move(gap + 1, gap, -delta))
            continue
        moves += reversed(leftwards)
        leftwards.clear()
        if delta > 0:
            moves.append(Move(gap, gap + 1, delta))
    return moves + leftwards[::-1]
