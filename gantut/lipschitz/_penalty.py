"""Gradient penalties: what it costs a critic that the norm of its gradient is not 1, and where this is looked at."""

import torch
from torch import nn

from gantut import _inputs
from gantut.device import draw_noise
from gantut.lipschitz._scores import alike, gradient_in, layout, penalty_at, require_once, samples

PLACES = ("lines", "data")
NOISES = ("uniform", "gaussian")


def input_gradient(critic: nn.Module, x: torch.Tensor) -> torch.Tensor:
    r"""The gradient of every sample's score in that sample, itself differentiable in the critic's parameters.

    Parameters
    ----------
    critic : Module
        From (batch, \*event) to (batch,) or (batch, 1); or a population, from (members, batch, \*event) to
        (members, batch, 1). It scores each sample by itself. A network of this package that writes its gradient out
        (``input_gradient``) is asked for it; any other is differentiated.
    x : tensor, shape (batch, \*event) or (members, batch, \*event)

    Returns
    -------
    tensor, of the shape of x
        With a members axis before it where a population scores samples that have none.

    Raises
    ------
    ValueError
        If a score depends on other samples (see :func:`require_separate_samples`), a sample has more than one score,
        the scores are not differentiable, or x is not such a tensor, of the critic's dtype and device.

    See Also
    --------
    gradient_penalty, max_gradient_norm

    Examples
    --------
    >>> class Square(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.square().sum(-1)
    >>> input_gradient(Square(), torch.tensor([[1.0, 2.0], [0.0, -1.0]]))
    tensor([[ 2.,  4.],
            [ 0., -2.]], grad_fn=<MulBackward0>)
    """
    x = samples("x", x)
    require_once("x", critic, x)
    return gradient_in(critic, x)


def gradient_penalty(
    critic: nn.Module,
    real: torch.Tensor,
    fake: torch.Tensor,
    *,
    target: float = 1.0,
    one_sided: bool = False,
    generator: torch.Generator | torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Penalise gradients whose norm is not 1, at random points between real and generated samples.

    .. math:: \mathbb E_{\hat x}\big(\lVert\nabla_x f(\hat x)\rVert - 1\big)^2, \qquad
       \hat x = t\,x + (1 - t)\,\tilde x, \quad t \sim \mathcal U[0, 1]

    Multiply it by :math:`\lambda`, such as 10, and add it to the critic's loss.

    Parameters
    ----------
    critic : Module
        From (batch, \*event) to (batch,) or (batch, 1); or a population, from (members, batch, \*event) to
        (members, batch, 1). It scores each sample by itself: no batch normalisation.
    real, fake : tensors, shape (batch, \*event) or (members, batch, \*event)
        No gradient flows back to them.
    target : float
        What norms are to be.
    one_sided : bool
        Penalise only norms above the target, as WGAN-LP does.
    generator : torch.Generator, tensor or None
        Where the random t come from: a generator, the global one (None), or these t themselves, shape (batch,) or
        (members, batch).

    Returns
    -------
    tensor, shape () or (members,)
        NaN where a point is not finite.

    Raises
    ------
    ValueError
        As :func:`input_gradient` does; if real and fake do not go together, or the target is not finite.

    See Also
    --------
    gradient_penalty_at : The same at points of your choice.
    GradientPenalty : The same as a setting of a training run.

    References
    ----------
    Gulrajani et al. (2017), Algorithm 1; Petzka et al. (2018), equation 8, for the one-sided kind; lesson 13.

    Examples
    --------
    >>> critic = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(),
    ...                              torch.nn.Linear(4 * 6 * 6, 1))
    >>> real, fake = torch.randn(16, 1, 8, 8), torch.randn(16, 1, 8, 8)
    >>> penalty = gradient_penalty(critic, real, fake)
    >>> penalty.shape
    torch.Size([])
    >>> (10 * penalty).backward()
    """
    real, fake = samples("real", real), samples("fake", fake)
    require_once("real", critic, real)
    points = points_on_lines(critic, real, fake, generator)
    return gradient_penalty_at(critic, points, target=target, one_sided=one_sided)


def points_on_lines(critic, real, fake, generator):
    """Return the points of :func:`gradient_penalty`: no value is looked at."""
    if not isinstance(generator, torch.Tensor):
        found = layout(critic, real)
        real, fake = found.arrange(real), found.arrange(fake)
        generator = draw_noise("unit", real.shape[: found.axes], generator).to(real)
    return on_lines(real, fake, generator)


def gradient_penalty_at(
    critic: nn.Module, x: torch.Tensor, *, target: float = 1.0, one_sided: bool = False
) -> torch.Tensor:
    r"""The gradient penalty at given points: :math:`\mathbb E_{\hat x}\big(\lVert\nabla_x f(\hat x)\rVert - 1\big)^2`.

    At a zero gradient, where the norm has no derivative, the penalty's gradient is taken as 0.

    Parameters
    ----------
    critic : Module
        As for :func:`gradient_penalty`.
    x : tensor, shape (batch, \*event) or (members, batch, \*event)
    target : float
    one_sided : bool

    Returns
    -------
    tensor, shape () or (members,)
        NaN for a member whose points are not finite: it may have diverged, and the others have not.

    Raises
    ------
    ValueError
        As :func:`input_gradient` does, or if the target is not finite.

    See Also
    --------
    interpolate, perturb : Where the points may come from.

    References
    ----------
    Gulrajani et al. (2017), Algorithm 1; lesson 13.

    Examples
    --------
    >>> critic = torch.nn.Linear(2, 1)
    >>> _ = critic.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    >>> gradient_penalty_at(critic, torch.zeros(8, 2)).item()  # (5 - 1)^2
    16.0
    """
    _inputs.finite("target", target)
    _inputs.one_of("one_sided", one_sided, (True, False))
    x = samples("x", x)
    require_once("x", critic, x)
    return penalty_at(critic, x, target, one_sided)


# ---- Points: on lines between real and generated samples, or around the real ones ----------------------------------


def interpolate(real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    r"""Points on the straight lines from generated to real samples: :math:`\hat x = t\,x + (1 - t)\,\tilde x`.

    Parameters
    ----------
    real, fake : tensors, shape (batch, \*event) or (members, batch, \*event)
    mix : tensor, shape (batch,) or (members, batch)
        The position :math:`t \in [0, 1]`, one a sample.

    Returns
    -------
    tensor, shape (batch, \*event) or (members, batch, \*event)

    Raises
    ------
    ValueError
        If the three do not go together, or a position lies outside [0, 1].

    Notes
    -----
    On a GPU the check of the positions waits for the device. Training takes the same points without it.

    See Also
    --------
    perturb : Points around the real samples.

    References
    ----------
    Gulrajani et al. (2017), Algorithm 1; lesson 13.

    Examples
    --------
    >>> real, fake = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([[4.0, 8.0], [3.0, 3.0]])
    >>> interpolate(real, fake, torch.tensor([0.75, 0.5]))
    tensor([[1., 2.],
            [2., 2.]])
    """
    mix = _inputs.floating("mix", mix)
    outside = ~((mix >= 0) & (mix <= 1))  # NaN, too
    if outside.any():
        where = tuple(outside.nonzero()[0].tolist())
        raise ValueError(f"mix must lie in [0, 1], but mix[{', '.join(map(str, where))}] is {mix[where].item()}")
    return on_lines(real, fake, mix)


def on_lines(real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    """Return the points of :func:`interpolate`, without a look at where on the lines they are."""
    real, fake, mix = samples("real", real), samples("fake", fake), _inputs.floating("mix", mix)
    alike(real=real, fake=fake)
    if mix.ndim not in (1, 2) or mix.ndim >= real.ndim or mix.shape != real.shape[: mix.ndim]:
        raise ValueError(
            f"mix must have a number for every sample of real {_inputs.shape(real)}, shape (batch,) or "
            f"(members, batch), not {_inputs.shape(mix)}"
        )
    _inputs.together(real=real, mix=mix)
    return torch.lerp(fake, real, mix.reshape(*mix.shape, *(1 for _ in real.shape[mix.ndim :])))


def perturb(real: torch.Tensor, noise: torch.Tensor, spread: float = 0.5, *, members: bool = False) -> torch.Tensor:
    r"""Real samples moved at random: :math:`\hat x = x + h\,s\,\varepsilon`, s the standard deviation of the data.

    Parameters
    ----------
    real : tensor, shape (batch, \*event)
    noise : tensor, of the shape of real
        The direction :math:`\varepsilon`, such as U[-1, 1] or N(0, 1) in every coordinate.
    spread : float
        The factor h > 0.
    members : bool
        Whether the first axis is that of a population, (members, batch, \*event): then each member has its own s.

    Returns
    -------
    tensor, of the shape of real

    Raises
    ------
    ValueError
        If the two do not go together, or the spread is not positive.

    Notes
    -----
    As in the program of Kodali et al., s is one number: the standard deviation of all coordinates of the batch taken
    together. Their paper writes Gaussian noise; their program draws uniform noise from [0, 1], which looks to one side
    of the data only, and not to both as here.

    See Also
    --------
    interpolate : Points between real and generated samples.

    References
    ----------
    Kodali et al. (2017), "On convergence and stability of GANs" (DRAGAN); lesson 13.

    Examples
    --------
    >>> real = torch.tensor([[-2.0], [2.0]])  # its standard deviation is 2
    >>> perturb(real, torch.tensor([[1.0], [-1.0]]), spread=0.5)
    tensor([[-1.],
            [ 1.]])
    """
    spread = _inputs.positive("spread", spread)
    real, noise = samples("real", real, axes=2 if members else 1), _inputs.floating("noise", noise)
    alike(real=real, noise=noise)
    if not members:
        return real + spread * real.detach().std(correction=0) * noise
    deviation = real.detach().flatten(1).std(1, correction=0)  # (members,)
    return real + spread * deviation.reshape(-1, *(1 for _ in real.shape[1:])) * noise
