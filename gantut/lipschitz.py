r"""Keeping a critic Lipschitz: what the Wasserstein game asks of it, and no other game does.

A constraint is plain data, a small frozen record, that says when it acts:

- :class:`Clip` changes the critic's parameters after each of its steps;
- :class:`GradientPenalty` adds a term to the critic's loss.

Both work on a population: everything carries a leading ``members`` axis, and each sample has a norm of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from gantut import _inputs


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
class GradientPenalty:
    r"""Punish gradients whose norm is not 1, on lines between real and generated samples.

    .. math:: \lambda\,\mathbb E_{\hat x}\big(\lVert\nabla_x f(\hat x)\rVert - 1\big)^2
       \qquad\text{or, one-sided,}\qquad
       \lambda\,\mathbb E_{\hat x}\max\big(0, \lVert\nabla_x f(\hat x)\rVert - 1\big)^2

    Attributes
    ----------
    weight : float
        The factor :math:`\lambda > 0`.
    one_sided : bool
        Only norms above 1 are punished: WGAN-LP instead of WGAN-GP.

    References
    ----------
    Gulrajani et al. (2017), Algorithm 1; Petzka et al. (2018), equation 8; lesson 11.
    """

    weight: float = 10.0
    one_sided: bool = False
    name: ClassVar[str] = "gradient-penalty"

    def __post_init__(self):
        _inputs.positive("weight", self.weight)


CONSTRAINTS: dict[str, type] = {kind.name: kind for kind in (Clip, GradientPenalty)}


def constraint(value) -> Clip | GradientPenalty | None:
    """Return the constraint that plain data such as ``{"name": "clip", "bound": 0.01}`` stands for; None stays None.

    Raises
    ------
    ValueError
        If there is none of that name, or its settings are not those of that constraint.
    """
    if value is None or isinstance(value, tuple(CONSTRAINTS.values())):
        return value
    if not isinstance(value, dict) or "name" not in value:
        raise ValueError(f"constraint must be None, a Clip, a GradientPenalty, or a dict with a name, not {value!r}")
    kind = CONSTRAINTS[_inputs.one_of("constraint", value["name"], tuple(CONSTRAINTS))]
    try:
        return kind(**{key: entry for key, entry in value.items() if key != "name"})
    except TypeError as error:
        raise ValueError(f"constraint {value['name']!r} has no such setting: {error}") from None


@torch.no_grad()
def clip_(parameters: Iterable[torch.Tensor], bound: float) -> None:
    r"""Clamp parameters to :math:`[-c, c]`, in place.

    Parameters
    ----------
    parameters : iterable of tensors
    bound : float
        The bound c > 0.
    """
    bound = _inputs.positive("bound", bound)
    for parameter in parameters:
        parameter.clamp_(-bound, bound)


def between(real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    r"""Points on the straight lines from generated to real samples: :math:`\hat x = t\,x + (1 - t)\,\tilde x`.

    Parameters
    ----------
    real, fake : tensors, shape (members, batch, \*event)
    mix : tensor, shape (members, batch)
        The place :math:`t \in [0, 1]`, one a sample.

    Returns
    -------
    tensor, shape (members, batch, \*event)
    """
    return torch.lerp(fake, real, mix.reshape(*mix.shape, *(1 for _ in real.shape[2:])))


def input_gradient(critic: nn.Module, x: torch.Tensor) -> torch.Tensor:
    r"""The gradient of every sample's score in that sample, itself differentiable in the critic's parameters.

    Parameters
    ----------
    critic : Module
        From (members, batch, \*event) to (members, batch, 1), each sample judged by itself. One that writes its
        gradient out (``input_gradient``) is asked for it; any other is differentiated.
    x : tensor, shape (members, batch, \*event)

    Returns
    -------
    tensor, shape (members, batch, \*event)

    Raises
    ------
    ValueError
        If the critic has batch normalisation, under which a score depends on the whole batch, and not on its sample.
    """
    _refuse_batch_norm(critic)
    if hasattr(critic, "input_gradient"):
        return critic.input_gradient(x)
    x = x.detach().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]


def gradient_penalty(
    critic: nn.Module, x: torch.Tensor, *, weight: float = 10.0, one_sided: bool = False
) -> torch.Tensor:
    r"""The penalty of :class:`GradientPenalty` at given points.

    At a zero gradient, where the norm has no derivative, the penalty's gradient is taken as 0.

    Parameters
    ----------
    critic : Module
        From (members, batch, \*event) to (members, batch, 1).
    x : tensor, shape (members, batch, \*event)
    weight : float
        The factor :math:`\lambda`.
    one_sided : bool

    Returns
    -------
    tensor, shape (members,)
    """
    excess = torch.linalg.vector_norm(input_gradient(critic, x).flatten(2), dim=-1) - 1  # (members, batch)
    if one_sided:
        excess = excess.clamp(min=0)
    return weight * excess.square().mean(-1)


def _refuse_batch_norm(critic):
    for name, module in critic.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            raise ValueError(
                f"critic must judge each sample by itself under a gradient penalty, but {name} is "
                f"{type(module).__name__}, with which a score depends on the whole batch: use layer norm or none"
            )
