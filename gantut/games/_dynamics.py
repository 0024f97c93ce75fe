"""Rounds one after another, and the matrix of one round."""

from functools import partial
from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.games._game import players
from gantut.games._methods import METHODS, rates


class Trajectory(NamedTuple):
    """Where the players were before the first round and after each one."""

    #: (steps + 1, ..., n)
    x: torch.Tensor
    #: (steps + 1, ..., m)
    y: torch.Tensor

    @property
    def radius(self) -> torch.Tensor:
        r"""The distance :math:`\sqrt{\|x\|^2 + \|y\|^2}` from the origin, shape (steps + 1, ...)."""
        return torch.cat(self, -1).norm(dim=-1)

    @property
    def average(self) -> "Trajectory":
        r"""The running averages :math:`\frac1{t+1}\sum_{s\le t} z_s`, in the same shapes."""
        rounds = torch.arange(1, len(self.x) + 1, device=self.x.device)
        return Trajectory(*(part.cumsum(0) / rounds.reshape(-1, *[1] * (part.ndim - 1)) for part in self))


def play(game, start, *, method="simultaneous", rate, steps, **options) -> Trajectory:
    r"""Let both players follow a method for some rounds.

    Parameters
    ----------
    game : Game
    start : pair (x, y)
        Shapes (..., n) and (..., m), the leading dimensions for a batch; a number is a point on the line.
    method : str or callable
        ``"simultaneous"``, ``"alternating"``, ``"extragradient"``, ``"optimistic"`` or ``"consensus"``; or a function
        from (game, state, rate) to the next state, where a state is (x, y) and whatever the method remembers.
    rate : float, tensor or sequence of shape (...), or tuple of two of these
        The learning rate :math:`\eta > 0`, one a member or one for all; a tuple holds the rate of x and that of y.
    steps : int
        How many rounds.
    **options
        For the method: ``first="y"`` of `alternating`, ``gamma`` of `consensus`.

    Returns
    -------
    Trajectory
        x of shape (steps + 1, ..., n) and y of shape (steps + 1, ..., m), which carry gradients with respect to the
        start and the rate where those require them. Where a game runs away, the numbers end in inf and NaN.

    Raises
    ------
    ValueError
        If there is no such method, the rate is not positive and finite, `steps` is negative, an entry of the start is
        not finite, the game does not return one loss a member, or shapes, dtypes or devices do not go together.

    Examples
    --------
    >>> play(bilinear(), (1.0, 1.0), method="extragradient", rate=0.5, steps=2).x.squeeze(-1)
    tensor([ 1.0000,  0.2500, -0.4375], dtype=torch.float64)
    """
    advance, state = _prepare(game, start, method, rate, options)
    states = [state]
    for _ in range(_inputs.count("steps", steps, least=0)):
        state = advance(state)
        states.append(state)
    return Trajectory(*(torch.stack([state[player] for state in states]) for player in (0, 1)))


def update_matrix(game, at, *, method="simultaneous", rate, **options) -> torch.Tensor:
    r"""The derivative of one round: the matrix that moves small deviations from a point.

    .. math:: M = \frac{\partial z_{t+1}}{\partial z_t}

    For a method with a memory, z is the state with that memory, as one round from `at` leaves it.

    Parameters
    ----------
    at : pair (x, y)
        The point, usually an equilibrium: shapes (..., n) and (..., m).
    game, method, rate, options
        As in :func:`play`.

    Returns
    -------
    tensor, shape (..., k, k)
        k = n + m, and 2 (n + m) for `optimistic`: rows are the new state, columns the old one.

    Raises
    ------
    ValueError
        As in :func:`play`.

    Examples
    --------
    >>> update_matrix(bilinear(), (0.0, 0.0), method="alternating", rate=0.5)
    tensor([[ 1.0000, -0.5000],
            [ 0.5000,  0.7500]], dtype=torch.float64)
    """
    advance, state = _prepare(game, at, method, rate, options)
    state = (*state, *advance(state)[2:])
    sizes = [part.shape[-1] for part in state]
    total = sum(sizes)

    def summed(z):  # members do not mix, so that the derivative of their sum holds each one's own
        return torch.cat(advance(z.split(sizes, -1)), -1).reshape(-1, total).sum(0)

    return torch.func.jacrev(summed)(torch.cat(state, -1)).movedim(0, -2)  # (k, ..., k) to (..., k, k)


def eigenvalues(game, at, *, method="simultaneous", rate, **options) -> torch.Tensor:
    r"""The eigenvalues of one round: a point is approached from near by if all lie inside the unit circle.

    Parameters
    ----------
    game, at, method, rate, options
        As in :func:`update_matrix`.

    Returns
    -------
    tensor, shape (..., k), complex
        In no particular order.
    """
    return torch.linalg.eigvals(update_matrix(game, at, method=method, rate=rate, **options))


def spectral_radius(game, at, *, method="simultaneous", rate, **options) -> torch.Tensor:
    r"""The largest modulus of an eigenvalue, shape (...): in the long run, the factor of a round.

    Parameters
    ----------
    game, at, method, rate, options
        As in :func:`update_matrix`.
    """
    return eigenvalues(game, at, method=method, rate=rate, **options).abs().amax(-1)


def _prepare(game, start, method, rate, options):
    """Check everything once: the round as a function of the state alone, and the first state."""
    if not callable(method):
        method = METHODS[_inputs.one_of("method", method, tuple(METHODS))]
    x, y = players("start", start)
    rate = rates(rate, x)
    batch = torch.broadcast_shapes(x.shape[:-1], rate.x.shape[:-1], rate.y.shape[:-1])
    state = x.expand(*batch, -1), y.expand(*batch, -1)
    return partial(_advance, game, method, rate, options), state


def _advance(game, method, rate, options, state):
    return method(game, state, rate, **options)
