"""What may be asked of a critic, as plain data."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from gantut import _inputs
from gantut.lipschitz._penalty import around, on_lines, penalty_at

PLACES = ("lines", "data")
NOISES = ("uniform", "gaussian")


@dataclass(frozen=True)
class Clip:
    r"""Keep every parameter of the critic in :math:`[-c, c]` (Arjovsky et al. 2017, Algorithm 1; lesson 10).

    Attributes
    ----------
    bound : float
        The bound c > 0.
    """

    bound: float = 0.01
    name: ClassVar[str] = "clip"

    def __post_init__(self):
        _inputs.positive("bound", self.bound)


@dataclass(frozen=True)
class SpectralNorm:
    r"""Keep the largest singular value of every weight matrix at most K: the steepness of each layer.

    .. math:: W \leftarrow \frac{W}{\max(1, \sigma_1(W) / K)} \qquad\text{after each step of the critic}

    An MLP of L layers with activations of slope at most 1 is then :math:`K^L`-Lipschitz. The singular value is exact;
    biases stay free.

    Attributes
    ----------
    bound : float
        The bound K > 0.

    Notes
    -----
    This is a projection, as clipping is, and differs from the reparametrisation of Miyato et al. (2018) in three ways.
    There the forward pass divides by :math:`\sigma_1(W)`, so that every matrix has norm 1 exactly; here a matrix of
    smaller norm is left as it is. There the gradient knows of the division; here the optimizer steps freely, and is
    put back. There :math:`\sigma_1` comes from one step of a power iteration, is too small at first, and the vector of
    the iteration is one more thing to save; here nothing but the weights needs to be kept.

    References
    ----------
    Gouk et al. (2021), "Regularisation of neural networks by enforcing Lipschitz continuity", section 4, for the
    projection; Miyato et al. (2018) for the reparametrisation; lesson 11.
    """

    bound: float = 1.0
    name: ClassVar[str] = "spectral-norm"

    def __post_init__(self):
        _inputs.positive("bound", self.bound)


@dataclass(frozen=True)
class GradientPenalty:
    r"""Punish gradients whose norm is not 1, at points near real and generated samples.

    .. math:: \lambda\,\mathbb E_{\hat x}\big(\lVert\nabla_x f(\hat x)\rVert - 1\big)^2
       \qquad\text{or, one-sided,}\qquad
       \lambda\,\mathbb E_{\hat x}\max\big(0, \lVert\nabla_x f(\hat x)\rVert - 1\big)^2

    Attributes
    ----------
    weight : float
        The factor :math:`\lambda > 0`.
    one_sided : bool
        Only norms above 1 are punished: WGAN-LP instead of WGAN-GP.
    where : {"lines", "data"}
        The points :math:`\hat x`: on straight lines between real and generated samples (:func:`between`), or real
        samples moved at random, as in DRAGAN (:func:`around`).
    noise : {"uniform", "gaussian"}
        How those move, in every coordinate: by U[-1, 1] or N(0, 1), times `spread` standard deviations of the data.
    spread : float
        Positive; DRAGAN has 1/2.

    References
    ----------
    Gulrajani et al. (2017), Algorithm 1; Petzka et al. (2018), equation 8; Kodali et al. (2017), section 3.3;
    lesson 11.
    """

    weight: float = 10.0
    one_sided: bool = False
    where: str = "lines"
    noise: str = "uniform"
    spread: float = 0.5
    name: ClassVar[str] = "gradient-penalty"

    def __post_init__(self):
        _inputs.positive("weight", self.weight)
        _inputs.one_of("one_sided", self.one_sided, (True, False))
        _inputs.one_of("where", self.where, PLACES)
        _inputs.one_of("noise", self.noise, NOISES)
        _inputs.positive("spread", self.spread)

    def mixing(self, event: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        r"""Return what random numbers :meth:`points` takes for a sample: their distribution, and their shape.

        Parameters
        ----------
        event : tuple of int
            The shape of a sample.

        Returns
        -------
        str
            "unit" for U[0, 1], "uniform" for U[-1, 1], "gaussian" for N(0, 1).
        tuple of int
            () for one number a sample, or `event` for one a coordinate.
        """
        return ("unit", ()) if self.where == "lines" else (self.noise, tuple(event))

    def points(self, real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
        r"""Return the points :math:`\hat x` at which gradients are punished.

        Parameters
        ----------
        real, fake : tensors, shape (members, batch, \*event)
        mix : tensor, shape (members, batch) or (members, batch, \*event)
            Random numbers as :meth:`mixing` says.

        Returns
        -------
        tensor, shape (members, batch, \*event)

        Raises
        ------
        ValueError
            If shapes, dtypes or devices do not go together; values are not looked at.
        """
        return on_lines(real, fake, mix) if self.where == "lines" else around(real, mix, self.spread)

    def penalty(self, critic: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """Return what the critic's gradients at points x cost, shape (members,): see :func:`gradient_penalty`.

        Values are not looked at.
        """
        return penalty_at(critic, x, self.weight, self.one_sided)


CONSTRAINTS: dict[str, type] = {kind.name: kind for kind in (Clip, GradientPenalty, SpectralNorm)}


def constraint(value) -> Clip | GradientPenalty | SpectralNorm | None:
    """Return the constraint that plain data such as ``{"name": "clip", "bound": 0.01}`` stands for; None stays None.

    Raises
    ------
    ValueError
        If there is none of that name, or its settings are not those of that constraint.
    """
    if value is None or isinstance(value, tuple(CONSTRAINTS.values())):
        return value
    if not isinstance(value, dict) or "name" not in value:
        raise ValueError(
            f"constraint must be None, a Clip, a GradientPenalty, or a dict with a name, not {value!r}: the names are "
            f"{', '.join(map(repr, CONSTRAINTS))}"
        )
    kind = CONSTRAINTS[_inputs.one_of("constraint", value["name"], tuple(CONSTRAINTS))]
    try:
        return kind(**{key: entry for key, entry in value.items() if key != "name"})
    except TypeError as error:
        raise ValueError(f"constraint {value['name']!r} has no such setting: {error}") from None
