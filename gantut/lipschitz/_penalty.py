"""Gradient penalties: where a gradient is looked at, and what it costs that its norm is not 1."""

from functools import partial

import torch
from torch import nn

from gantut import _inputs
from gantut.lipschitz._given import alike, answer, batches, require_module, require_one_score


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

    Raises
    ------
    ValueError
        If the three do not go together, or a place lies outside [0, 1].

    Notes
    -----
    On a GPU the look at the places waits for it. :meth:`GradientPenalty.points`, which training calls, gives the same
    points and looks at shapes, dtypes and devices alone.
    """
    mix = _inputs.floating("mix", mix)
    outside = ~((mix >= 0) & (mix <= 1))  # NaN, too
    if outside.any():
        where = tuple(outside.nonzero()[0].tolist())
        raise ValueError(f"mix must lie in [0, 1], but mix[{', '.join(map(str, where))}] is {mix[where].item()}")
    return on_lines(real, fake, mix)


def on_lines(real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    """Return the points of :func:`between` without a look at where on the lines they are."""
    real, fake, mix = batches("real", real), batches("fake", fake), _inputs.floating("mix", mix)
    alike(real=real, fake=fake)
    if mix.shape != real.shape[:2]:
        raise ValueError(
            f"mix must have shape (members, batch), here {_inputs.shape(real)[:2]}, a place for every sample, "
            f"not {_inputs.shape(mix)}"
        )
    _inputs.together(real=real, mix=mix)
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

    Raises
    ------
    ValueError
        If the two do not go together, or the spread is not positive.

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
    real, noise = batches("real", real), _inputs.floating("noise", noise)
    alike(real=real, noise=noise)
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
        If the critic has batch normalisation, under which a score depends on the whole batch, and not on its sample;
        if it gives a sample more than one score, or its scores are not differentiable; or if x is not such a tensor,
        of the critic's dtype and device.
    """
    require_separate_samples(critic)
    return answer(critic, partial(_input_gradient, critic), batches("x", x))


def _input_gradient(critic, x):
    if hasattr(critic, "input_gradient"):
        gradient = critic.input_gradient(x)
        if gradient.shape != x.shape:
            raise ValueError(
                f"critic must write out a gradient of the shape of x, {_inputs.shape(x)}, not {_inputs.shape(gradient)}"
            )
        return gradient
    wanted = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        scores = critic(x)
        require_one_score(scores, x)
        differentiable = scores.requires_grad
        gradient = (
            torch.autograd.grad(scores.sum(), x, create_graph=wanted, allow_unused=True)[0] if differentiable else None
        )
    if gradient is None:
        raise ValueError("critic must be differentiable in x, but autograd finds no way from its scores back to x")
    return gradient


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
        For a batch (batch, \*event) of a critic of one member write ``x[None]``.
    weight : float
        The factor :math:`\lambda > 0`.
    one_sided : bool

    Returns
    -------
    tensor, shape (members,)
        NaN for a member whose points are not finite: it may have diverged, and the others have not.

    Raises
    ------
    ValueError
        As :func:`input_gradient` does, and if the weight is not positive.

    Notes
    -----
    :meth:`GradientPenalty.penalty`, which training calls, does not look at the points' values. There a network of ReLUs
    may give a finite number at NaN, for a unit that is not positive has slope 0.
    """
    weight = _inputs.positive("weight", weight)
    _inputs.one_of("one_sided", one_sided, (True, False))
    x = _inputs.floating("x", x)
    penalty = penalty_at(critic, x, weight, one_sided)
    return penalty.where(torch.isfinite(x).flatten(1).all(1), torch.nan)


def penalty_at(critic: nn.Module, x: torch.Tensor, weight: float, one_sided: bool) -> torch.Tensor:
    """Return :func:`gradient_penalty` of settings that are known to be good, without a look at values."""
    excess = torch.linalg.vector_norm(input_gradient(critic, x).flatten(2), dim=-1) - 1  # (members, batch)
    if one_sided:
        excess = excess.clamp(min=0)
    return weight * excess.square().mean(-1)


def require_separate_samples(critic: nn.Module) -> None:
    """Require a critic without batch normalisation or minibatch discrimination, as a gradient penalty does.

    Raises
    ------
    ValueError
        If it has one; the message says where. Or if it is no module.
    """
    require_module(critic)
    for name, module in critic.named_modules():
        joined = isinstance(module, nn.modules.batchnorm._BatchNorm)
        if joined or not getattr(module, "samples_are_separate", True):
            raise ValueError(
                f"critic must judge each sample by itself under a gradient penalty, but {name or 'it'} is "
                f"{type(module).__name__}, with which a score depends on the whole batch: use layer norm or none"
            )
