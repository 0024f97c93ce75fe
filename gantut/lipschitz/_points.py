"""Where a gradient penalty looks: on lines between real and generated samples, or around the real ones."""

import torch

from gantut import _inputs
from gantut.lipschitz._given import alike, samples

PLACES = ("lines", "data")
NOISES = ("uniform", "gaussian")


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
    Gulrajani et al. (2017), Algorithm 1; lesson 11.

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
    Kodali et al. (2017), "On convergence and stability of GANs" (DRAGAN); lesson 11.

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
