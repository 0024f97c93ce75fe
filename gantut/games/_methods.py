"""One round of each method: from the state of a game to the next one.

A state is a tuple (x, y), followed by whatever the method remembers. The `rate` of each function is a positive number,
a tensor of them (...), one a member, or a tuple of two of these: the rate of x and that of y.
"""

from typing import NamedTuple

import torch

from gantut import _inputs


class Rates(NamedTuple):
    """The rates of both players, checked, of shape (..., 1)."""

    x: torch.Tensor
    y: torch.Tensor


def rates(rate, x) -> Rates:
    """Return the rates of both players beside x of shape (..., n)."""
    if isinstance(rate, Rates):
        return rate
    if not isinstance(rate, tuple):
        return Rates(*[_inputs.rate("rate", rate, x)] * 2)
    if len(rate) != 2:
        raise ValueError(f"rate must be one for both players or a pair (rate of x, rate of y), not {rate!r}")
    return Rates(*(_inputs.rate("rate", part, x) for part in rate))


def _descend(x, y, rate, along):
    rate = rates(rate, x)
    return x - rate.x * along[0], y - rate.y * along[1]


def simultaneous(game, state, rate):
    r"""Both players step down their own gradients at once.

    .. math:: z_{t+1} = z_t - \eta\, v(z_t)

    Parameters
    ----------
    game : Game
    state : tuple of tensors
        (x, y) of shapes (..., n) and (..., m).
    rate : float, tensor of shape (...), or tuple of two of these
        :math:`\eta > 0`; a tuple holds the rate of x and that of y.

    Returns
    -------
    tuple of tensors
        The next state.
    """
    x, y = state
    return _descend(x, y, rate, game.field(x, y))


def alternating(game, state, rate, *, first="x"):
    r"""The players take turns: the second one sees where the first has gone.

    .. math:: x_{t+1} = x_t - \eta\nabla_x f(x_t, y_t), \qquad y_{t+1} = y_t - \eta\nabla_y g(x_{t+1}, y_t)

    Parameters
    ----------
    game, state, rate
        As in :func:`simultaneous`.
    first : {"x", "y"}
        Who moves first.
    """
    (x, y), rate = state, rates(rate, state[0])
    if _inputs.one_of("first", first, ("x", "y")) == "x":
        x = x - rate.x * game.gradient_x(x, y)
        return x, y - rate.y * game.gradient_y(x, y)
    y = y - rate.y * game.gradient_y(x, y)
    return x - rate.x * game.gradient_x(x, y), y


def extragradient(game, state, rate):
    r"""Look where a simultaneous step would lead, and step from here with the gradients of there.

    .. math:: z_{t+1} = z_t - \eta\, v\big(z_t - \eta\, v(z_t)\big)

    Parameters
    ----------
    game, state, rate
        As in :func:`simultaneous`.

    References
    ----------
    Korpelevich (1976); for GANs, Gidel et al. (2019).
    """
    x, y = state
    ahead = _descend(x, y, rate, game.field(x, y))
    return _descend(x, y, rate, game.field(*ahead))


def optimistic(game, state, rate):
    r"""Extrapolate the gradients from the last two rounds: one evaluation a round.

    .. math:: z_{t+1} = z_t - \eta\,\big(2 v(z_t) - v(z_{t-1})\big), \qquad v(z_{-1}) = v(z_0)

    Parameters
    ----------
    game, rate
        As in :func:`simultaneous`.
    state : tuple of tensors
        (x, y) at the start, afterwards (x, y, and the gradients of both players in the round before).

    References
    ----------
    Popov (1980); for GANs, Daskalakis et al. (2018).
    """
    x, y, *before = state
    now = game.field(x, y)
    along = [2 * v - w for v, w in zip(now, before or now, strict=True)]
    return *_descend(x, y, rate, along), *now


def consensus(game, state, rate, *, gamma=1.0):
    r"""Besides its own loss, each player lowers the length of the whole field.

    .. math:: z_{t+1} = z_t - \eta\,\big(v(z_t) + \gamma\,\nabla\tfrac12\|v(z_t)\|^2\big)

    Parameters
    ----------
    game, state, rate
        As in :func:`simultaneous`.
    gamma : float or tensor of shape (...)
        The weight of the second term, positive.

    References
    ----------
    Mescheder, Nowozin and Geiger (2017).
    """
    x, y = state
    gamma = _inputs.rate("gamma", gamma, x)

    def half_squared_length(x, y):
        return sum(part.square().sum() for part in game.field(x, y)) / 2

    v = game.field(x, y)
    slope = torch.func.grad(half_squared_length, argnums=(0, 1))(x, y)
    return _descend(x, y, rate, [a + gamma * b for a, b in zip(v, slope, strict=True)])


METHODS = {method.__name__: method for method in (simultaneous, alternating, extragradient, optimistic, consensus)}
