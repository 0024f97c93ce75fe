"""Many steps of a method, and the matrix of one step."""

from typing import NamedTuple

import numpy as np
import torch

from gantut import _inputs
from gantut.games._game import players
from gantut.games._methods import METHODS, learning_rates


class Trajectory(NamedTuple):
    """Where the players were before the first step and after each one."""

    x: torch.Tensor  # (steps + 1, ..., n)
    y: torch.Tensor  # (steps + 1, ..., m)

    @property
    def radius(self) -> torch.Tensor:
        r"""The distance :math:`\sqrt{\|x\|^2 + \|y\|^2}` from the origin, shape (steps + 1, ...)."""
        return torch.cat(self, -1).norm(dim=-1)

    @property
    def average(self) -> "Trajectory":
        r"""The running averages :math:`\frac1{t+1}\sum_{s\le t} z_s`, in the same shapes."""
        points = torch.arange(1, len(self.x) + 1, device=self.x.device)
        return Trajectory(*(part.cumsum(0) / points.reshape(-1, *[1] * (part.ndim - 1)) for part in self))


def play(game, start, *, method="simultaneous", lr, steps, **options) -> Trajectory:
    r"""Let both players follow a method for a number of steps.

    Parameters
    ----------
    game : Game
    start : pair (x, y)
        Shapes (..., n) and (..., m) with the same batch dimensions; a number is a point on the line.
    method : str or callable
        ``"simultaneous"``, ``"alternating"``, ``"extragradient"``, ``"optimistic"`` or ``"consensus"``; or a function
        from (game, state, lr) to the next state, where a state is (x, y) and whatever the method remembers, and lr has
        fields x and y, tensors of shape (..., 1).
    lr : float, tensor or sequence of shape (...), or tuple of two of these
        The learning rate :math:`\eta > 0`, one for all games of the batch or one each; a tuple holds that of x and
        that of y.
    steps : int
    **options
        For the method: ``first="y"`` for "alternating", ``gamma`` for "consensus".

    Returns
    -------
    x : tensor, shape (steps + 1, ..., n)
    y : tensor, shape (steps + 1, ..., m)
        Fields of a named tuple, which also has ``radius``, the distance from the origin, and ``average``, the running
        averages. They carry gradients with respect to `start` and `lr`; where a game diverges, they end in inf and NaN.

    Raises
    ------
    ValueError
        If there is no such method, `lr` is not positive and finite, `steps` is negative, an entry of `start` is not
        finite, the game does not return one loss per member, or shapes, dtypes or devices do not match.

    See Also
    --------
    spectral_radius : the factor of a step in the long run.

    References
    ----------
    Gidel et al. (2019), "A variational inequality perspective on generative adversarial networks"; lesson 4.

    Examples
    --------
    >>> play(bilinear(), (1.0, 1.0), method="extragradient", lr=0.5, steps=2).x.squeeze(-1)
    tensor([ 1.0000,  0.2500, -0.4375], dtype=torch.float64)
    """
    advance, state = _prepare(game, start, method, lr, options)
    states = [state]
    for _ in range(_inputs.count("steps", steps, least=0)):
        state = advance(state)
        states.append(state)
    return Trajectory(*(torch.stack([state[player] for state in states]) for player in (0, 1)))


def update_matrix(game, at, *, method="simultaneous", lr, **options) -> torch.Tensor:
    r"""Return the derivative of one step: the matrix that small deviations from a point are multiplied by.

    .. math:: M = \frac{\partial z_{t+1}}{\partial z_t}

    For a method with memory, z includes that memory, as one step from `at` leaves it.

    Parameters
    ----------
    game : Game
    at : pair (x, y)
        The point, usually an equilibrium: shapes (..., n) and (..., m).
    method, lr, **options
        As in :func:`play`.

    Returns
    -------
    tensor, shape (..., k, k)
        k = n + m, and 2 (n + m) for "optimistic"; rows are the new state, columns the old one.

    Raises
    ------
    ValueError
        As in :func:`play`.

    See Also
    --------
    eigenvalues, spectral_radius

    Examples
    --------
    >>> update_matrix(bilinear(), (0.0, 0.0), method="alternating", lr=0.5)
    tensor([[ 1.0000, -0.5000],
            [ 0.5000,  0.7500]], dtype=torch.float64)
    """
    advance, state = _prepare(game, at, method, lr, options)
    state = (*state, *advance(state)[2:])
    sizes = [part.shape[-1] for part in state]
    total = sum(sizes)

    def summed(z):  # members do not mix, so the derivative of their sum contains each one's
        return torch.cat(advance(z.split(sizes, -1)), -1).reshape(-1, total).sum(0)

    return torch.func.jacrev(summed)(torch.cat(state, -1)).movedim(0, -2)  # (k, ..., k) to (..., k, k)


def eigenvalues(game, at, *, method="simultaneous", lr, **options) -> torch.Tensor:
    r"""Return the eigenvalues of one step: an equilibrium is locally stable if all lie inside the unit circle.

    Parameters
    ----------
    game, at, method, lr, **options
        As in :func:`update_matrix`.

    Returns
    -------
    tensor, shape (..., k), complex
        In no particular order.

    Raises
    ------
    ValueError
        As in :func:`play`.

    See Also
    --------
    spectral_radius : the largest modulus.

    References
    ----------
    Mescheder, Nowozin and Geiger (2017), "The numerics of GANs"; lesson 4.

    Examples
    --------
    >>> eigenvalues(bilinear(), (0.0, 0.0), lr=0.5).abs()  # 1 + i/2 and 1 - i/2
    tensor([1.1180, 1.1180], dtype=torch.float64)
    """
    return torch.linalg.eigvals(update_matrix(game, at, method=method, lr=lr, **options))


def spectral_radius(game, at, *, method="simultaneous", lr, **options) -> torch.Tensor:
    r"""Return the largest modulus of an eigenvalue: the factor of a step, in the long run.

    Parameters
    ----------
    game, at, method, lr, **options
        As in :func:`update_matrix`.

    Returns
    -------
    tensor, shape (...)

    Raises
    ------
    ValueError
        As in :func:`play`.

    See Also
    --------
    eigenvalues, update_matrix

    Examples
    --------
    >>> spectral_radius(bilinear(), (0.0, 0.0), method="extragradient", lr=0.5)
    tensor(0.9014, dtype=torch.float64)
    """
    return eigenvalues(game, at, method=method, lr=lr, **options).abs().amax(-1)


def _prepare(game, start, method, lr, options):
    """Validate everything once; return the step as a function of the state alone, and the first state."""
    if not callable(method):
        method = METHODS[_inputs.one_of("method", method, tuple(METHODS))]
    x, y = players("start", start)
    lr = learning_rates(lr, x)
    batch = np.broadcast_shapes(x.shape[:-1], lr.x.shape[:-1], lr.y.shape[:-1])
    return lambda state: method(game, state, lr, **options), (x.expand(*batch, -1), y.expand(*batch, -1))
