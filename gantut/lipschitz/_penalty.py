"""Gradient penalties: where a gradient is looked at, and what it costs that its norm is not 1."""

import torch
from torch import nn

from gantut import _inputs


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


def around(real: torch.Tensor, noise: torch.Tensor, spread: float = 0.5) -> torch.Tensor:
    r"""Real samples moved at random: :math:`\hat x = x + h\,s\,\varepsilon`, s the standard deviation of the data.

    Parameters
    ----------
    real : tensor, shape (members, batch, \*event)
    noise : tensor, shape (members, batch, \*event)
        The direction :math:`\varepsilon`, such as U[-1, 1] or N(0, 1) in every coordinate.
    spread : float
        The factor h > 0.

    Returns
    -------
    tensor, shape (members, batch, \*event)

    Notes
    -----
    As in the program of Kodali et al., s is one number: the standard deviation of all coordinates of the batch taken
    together, here of each member's own batch. Their paper writes Gaussian noise; their program draws uniform noise from
    [0, 1], which looks to one side of the data only, and not as here to both.

    References
    ----------
    Kodali et al. (2017), "On convergence and stability of GANs" (DRAGAN); lesson 11.
    """
    spread = _inputs.positive("spread", spread)
    if noise.shape != real.shape:
        raise ValueError(f"noise must have the shape of real, {_inputs.shape(real)}, not {_inputs.shape(noise)}")
    deviation = real.detach().flatten(1).std(1, correction=0)  # (members,)
    return real + spread * deviation.reshape(-1, *(1 for _ in real.shape[1:])) * noise


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
    require_separate_samples(critic)
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


def require_separate_samples(critic: nn.Module) -> None:
    """Require a critic without batch normalisation or minibatch discrimination, as a gradient penalty does.

    Raises
    ------
    ValueError
        If it has one; the message says where.
    """
    for name, module in critic.named_modules():
        joined = isinstance(module, nn.modules.batchnorm._BatchNorm)
        if joined or not getattr(module, "samples_are_separate", True):
            raise ValueError(
                f"critic must judge each sample by itself under a gradient penalty, but {name or 'it'} is "
                f"{type(module).__name__}, with which a score depends on the whole batch: use layer norm or none"
            )
