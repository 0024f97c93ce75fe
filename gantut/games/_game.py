"""Games of two players: their losses, their gradients, and how far a pair of strategies is from an equilibrium."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from gantut import _inputs


@dataclass(frozen=True)
class Game:
    r"""A differentiable game of two players: x minimises f, y minimises g.

    Parameters
    ----------
    f : callable
        From x of shape (..., n) and y of shape (..., m) to the loss of player x, shape (...), one per member of the
        batch; members must not mix. Differentiable, and made of torch functions.
    g : callable, optional
        The loss of player y in the same form; by default -f, a zero-sum game.

    See Also
    --------
    bilinear, quadratic : zero-sum games to start with.
    play : follows the gradients of both players.

    Examples
    --------
    >>> matching = Game(lambda x, y: (x * y).sum(-1))
    >>> matching.field(torch.tensor([2.0]), torch.tensor([3.0]))
    (tensor([3.]), tensor([-2.]))
    """

    f: Callable
    g: Callable | None = None

    def losses(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the losses of both players at x (..., n) and y (..., m): two tensors (...)."""
        loss = _evaluate("f", self.f, x, y)
        return loss, -loss if self.g is None else _evaluate("g", self.g, x, y)

    def gradient_x(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`\nabla_x f(x, y)`, shape (..., n)."""
        x, y = _of_one_batch(x, y)
        return torch.func.grad(lambda x: _evaluate("f", self.f, x, y).sum())(x)  # members do not mix

    def gradient_y(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`\nabla_y g(x, y)`, shape (..., m)."""
        x, y = _of_one_batch(x, y)
        return torch.func.grad(lambda y: self.losses(x, y)[1].sum())(y)

    def field(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        r"""Return :math:`v = (\nabla_x f, \nabla_y g)`, each player's own gradient: shapes (..., n) and (..., m)."""
        x, y = _of_one_batch(x, y)
        if self.g is not None:
            return self.gradient_x(x, y), self.gradient_y(x, y)
        by_x, by_y = torch.func.grad(lambda x, y: _evaluate("f", self.f, x, y).sum(), argnums=(0, 1))(x, y)
        return by_x, -by_y  # zero-sum: one pass is enough


def _of_one_batch(x, y):
    """Return x (..., n) and y (..., m) with the same axes in front: a gradient would add up what it broadcasts."""
    batch = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    return x.expand(*batch, -1), y.expand(*batch, -1)


def _evaluate(name, loss, x, y):
    values = loss(x, y)
    batch = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    if not isinstance(values, torch.Tensor) or values.shape != batch:
        given = f"shape {_inputs.shape(values)}" if isinstance(values, torch.Tensor) else repr(values)
        raise ValueError(
            f"{name} must return one loss per member, shape {tuple(batch)}, for x of shape {_inputs.shape(x)} and y of "
            f"shape {_inputs.shape(y)}, not {given}"
        )
    return values


def bilinear(A=1.0) -> Game:
    r"""Return the zero-sum game whose loss is linear in each player.

    .. math:: f(x, y) = x^\top A\, y, \qquad g = -f

    Parameters
    ----------
    A : float or array, shape (n, m), or (..., n, m) for a batch of games
        A number stands for that multiple of the identity; the default 1 gives :math:`x^\top y`. A tensor must have the
        dtype and device of the players' strategies.

    Returns
    -------
    Game

    Raises
    ------
    ValueError
        If A is neither a number nor a matrix, or not finite.

    See Also
    --------
    quadratic

    Examples
    --------
    >>> bilinear().field(torch.tensor([2.0]), torch.tensor([3.0]))
    (tensor([3.]), tensor([-2.]))
    """
    A = _matrix("A", A)
    return Game(lambda x, y: _form(x, A, y))


def quadratic(P=0.0, A=1.0, Q=0.0) -> Game:
    r"""Return the zero-sum game with a quadratic loss: to second order, any zero-sum game near an equilibrium.

    .. math:: f(x, y) = \tfrac12 x^\top P x + x^\top A\, y - \tfrac12 y^\top Q y, \qquad g = -f

    Parameters
    ----------
    P, A, Q : float or array, shapes (n, n), (n, m) and (m, m), or with leading dimensions for a batch of games
        As in :func:`bilinear`. The origin is an equilibrium if P and Q are positive semidefinite.

    Returns
    -------
    Game

    Raises
    ------
    ValueError
        If P, A or Q is neither a number nor a matrix, or not finite.

    See Also
    --------
    bilinear

    Examples
    --------
    >>> quadratic(P=1.0, A=0.0, Q=1.0).field(torch.tensor([2.0]), torch.tensor([3.0]))  # each player alone
    (tensor([2.]), tensor([3.]))
    """
    P, A, Q = _matrix("P", P), _matrix("A", A), _matrix("Q", Q)
    return Game(lambda x, y: _form(x, P, x, "x", "x") / 2 + _form(x, A, y) - _form(y, Q, y, "y", "y") / 2)


class _Matrix(NamedTuple):
    name: str
    entries: torch.Tensor
    adapts: bool  # numbers and lists take the dtype and device of the players


def _matrix(name, value):
    entries = _inputs.floating(name, value)
    if entries.ndim == 1 or 0 in entries.shape:
        raise ValueError(f"{name} must be a number or a matrix (..., n, m), but has shape {_inputs.shape(entries)}")
    _inputs.finite_entries(name, entries)
    return _Matrix(name, entries, not isinstance(value, torch.Tensor))


def _form(left, matrix, right, left_name="x", right_name="y"):
    """Return the sum of left_i matrix_ij right_j; a number stands for that multiple of the identity."""
    name, entries, adapts = matrix
    wanted = tuple(entries.shape[-2:]) or (right.shape[-1],) * 2
    if (left.shape[-1], right.shape[-1]) != wanted:
        raise ValueError(
            f"{left_name} and {right_name} must have {wanted[0]} and {wanted[1]} coordinates for {name} of shape "
            f"{_inputs.shape(entries)}, but have shapes {_inputs.shape(left)} and {_inputs.shape(right)}"
        )
    entries = entries.to(left) if adapts else entries
    _inputs.together(**{name: entries, left_name: left})
    along = entries * left if entries.ndim == 0 else (left[..., None, :] @ entries).squeeze(-2)  # (..., m)
    return (along * right).sum(-1)


class Gaps(NamedTuple):
    """What each player could gain by moving alone; both are 0 exactly at an equilibrium."""

    x: torch.Tensor
    y: torch.Tensor


def best_response_gaps(game: Game, point, *, xs, ys) -> Gaps:
    r"""Return how much each player could gain by changing strategy alone.

    .. math:: f(x, y) - \min_{x'} f(x', y), \qquad g(x, y) - \min_{y'} g(x, y')

    Both are 0 exactly at a Nash equilibrium. The minima run over finitely many strategies, so the gaps are exact for
    players who have no others.

    Parameters
    ----------
    game : Game
    point : pair of tensors, shapes (..., n) and (..., m)
        The strategies of both players, which should be among `xs` and `ys`.
    xs, ys : tensors, shapes (strategies, n) and (strategies, m)
        All strategies of each player.

    Returns
    -------
    x, y : tensor, shape (...)
        Fields of a named tuple: what either player could gain.

    Raises
    ------
    ValueError
        If shapes, dtypes or devices do not match, or an entry is not finite.

    References
    ----------
    Nash (1950), "Equilibrium points in n-person games"; lesson 4.

    Examples
    --------
    >>> sides = torch.tensor([[-1.0], [1.0]])
    >>> best_response_gaps(bilinear(), (torch.tensor([1.0]), torch.tensor([1.0])), xs=sides, ys=sides)
    Gaps(x=tensor(2.), y=tensor(0.))
    """
    x, y = players("point", point)
    xs, ys = _inputs.strategy("xs", xs), _inputs.strategy("ys", ys)
    for name, all_of_them, own in (("xs", xs, x), ("ys", ys, y)):
        if all_of_them.ndim != 2 or all_of_them.shape[1] != own.shape[-1] or not len(all_of_them):
            raise ValueError(
                f"{name} must have shape (strategies, {own.shape[-1]}), but has shape {_inputs.shape(all_of_them)}"
            )
        _inputs.together(point=own, **{name: all_of_them})
    loss_x, loss_y = game.losses(x, y)
    best_x = game.losses(xs, y[..., None, :])[0].amin(-1)  # (..., strategies) before the minimum
    best_y = game.losses(x[..., None, :], ys)[1].amin(-1)
    return Gaps(loss_x - best_x, loss_y - best_y)


def players(name, pair):
    """Return the strategies of both players as tensors (..., n) and (..., m) of one batch, dtype and device."""
    try:
        x, y = pair
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a pair (x, y), not {pair!r}") from None
    x, y = _inputs.strategy(f"{name}'s x", x), _inputs.strategy(f"{name}'s y", y)
    _inputs.together(x=x, y=y)
    _inputs.broadcast(**{"the batches of x": x[..., 0], "of y": y[..., 0]})
    return _of_one_batch(x, y)
