r"""One step of each method: from the state of a game to the next one.

A state is a tuple (x, y), followed by whatever the method remembers; `lr` holds the learning rates of both players.
"""

from typing import NamedTuple

import torch

from gantut import _inputs


class LearningRates(NamedTuple):
    """The learning rates of both players, validated, of shape (..., 1)."""

    x: torch.Tensor
    y: torch.Tensor


def learning_rates(lr, x) -> LearningRates:
    """Return the learning rates of both players, to go with x of shape (..., n)."""
    if not isinstance(lr, tuple):
        return LearningRates(*[_inputs.step_size("lr", lr, x)] * 2)
    if len(lr) != 2:
        raise ValueError(f"lr must be one learning rate for both players or a pair (of x, of y), not {lr!r}")
    return LearningRates(*(_inputs.step_size("lr", part, x) for part in lr))


def _descend(x, y, lr, along):
    return x - lr.x * along[0], y - lr.y * along[1]


def simultaneous(game, state, lr):
    r"""Both players step down their own gradients at once: :math:`z_{t+1} = z_t - \eta\, v(z_t)`."""
    x, y = state
    return _descend(x, y, lr, game.field(x, y))


def alternating(game, state, lr, *, first="x"):
    r"""The players take turns, and the second one sees where the first has gone.

    .. math:: x_{t+1} = x_t - \eta\nabla_x f(x_t, y_t), \qquad y_{t+1} = y_t - \eta\nabla_y g(x_{t+1}, y_t)
    """
    x, y = state
    if _inputs.one_of("first", first, ("x", "y")) == "x":
        x = x - lr.x * game.gradient_x(x, y)
        return x, y - lr.y * game.gradient_y(x, y)
    y = y - lr.y * game.gradient_y(x, y)
    return x - lr.x * game.gradient_x(x, y), y


def extragradient(game, state, lr):
    r"""Step from here with the gradients at the point where a simultaneous step would lead.

    .. math:: z_{t+1} = z_t - \eta\, v\big(z_t - \eta\, v(z_t)\big)

    Korpelevich (1976); for GANs, Gidel et al. (2019).
    """
    x, y = state
    ahead = _descend(x, y, lr, game.field(x, y))
    return _descend(x, y, lr, game.field(*ahead))


def optimistic(game, state, lr):
    r"""Extrapolate the gradients from the last two steps, with one evaluation per step.

    .. math:: z_{t+1} = z_t - \eta\,\big(2 v(z_t) - v(z_{t-1})\big), \qquad v(z_{-1}) = v(z_0)

    The state after the first step is (x, y, and the previous gradients of both players).
    Popov (1980); for GANs, Daskalakis et al. (2018).
    """
    x, y, *before = state
    now = game.field(x, y)
    along = [2 * v - w for v, w in zip(now, before or now, strict=True)]
    return *_descend(x, y, lr, along), *now


def consensus(game, state, lr, *, gamma=1.0):
    r"""Besides its own loss, each player minimises the norm of the whole field.

    .. math:: z_{t+1} = z_t - \eta\,\big(v(z_t) + \gamma\,\nabla\tfrac12\|v(z_t)\|^2\big)

    gamma: a positive number or a tensor (...). Mescheder, Nowozin and Geiger (2017).
    """
    x, y = state
    gamma = _inputs.step_size("gamma", gamma, x)

    def half_squared_norm(x, y):
        return sum(part.square().sum() for part in game.field(x, y)) / 2

    v = game.field(x, y)
    slope = torch.func.grad(half_squared_norm, argnums=(0, 1))(x, y)
    return _descend(x, y, lr, [a + gamma * b for a, b in zip(v, slope, strict=True)])


METHODS = {method.__name__: method for method in (simultaneous, alternating, extragradient, optimistic, consensus)}
