"""The relativistic game: scores of real and generated samples are compared in pairs."""

import torch
from torch.nn.functional import softplus

from gantut import _inputs
from gantut.objectives._losses import require_batches


def relativistic_critic_loss(real_scores: torch.Tensor, fake_scores: torch.Tensor) -> torch.Tensor:
    r"""The critic's loss in the relativistic game: each real sample should score higher than a generated one.

    .. math:: -\mathbb E\log\sigma\big(f(x) - f(\tilde x)\big), \qquad x \sim p_r,\ \tilde x \sim p_g
       \text{ in pairs, the i-th of one batch with the i-th of the other}

    It is :math:`\log2` where the critic cannot tell the two apart. Only differences of scores count: a constant that is
    added to f changes nothing.

    Parameters
    ----------
    real_scores, fake_scores : tensors, shape (..., batch)
        The last axis is averaged.

    Returns
    -------
    tensor, shape (...)

    Raises
    ------
    ValueError
        If the shapes differ.

    See Also
    --------
    relativistic_generator_loss : The generator's side, with the two exchanged.

    References
    ----------
    Jolicoeur-Martineau (2018), "The relativistic discriminator", section 4.3 (RpGAN); Huang et al. (2024), "The GAN is
    dead; long live the GAN!", section 2, which adds R1 and R2 (R3GAN).

    Examples
    --------
    >>> relativistic_critic_loss(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 5.0]))  # log 2
    tensor(0.6931)
    """
    require_batches(real_scores, fake_scores)
    if real_scores.shape != fake_scores.shape:
        shapes = f"{_inputs.shape(real_scores)} and {_inputs.shape(fake_scores)}"
        raise ValueError(f"real and generated scores must be of one shape, to be compared in pairs, not {shapes}")
    return softplus(fake_scores - real_scores).mean(-1)


def relativistic_generator_loss(real_scores: torch.Tensor, fake_scores: torch.Tensor) -> torch.Tensor:
    r"""The generator's loss in the relativistic game: :math:`-\mathbb E\log\sigma\big(f(\tilde x) - f(x)\big)`.

    Parameters
    ----------
    real_scores, fake_scores : tensors, shape (..., batch)
        Here the generator's loss looks at real samples, too.

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    relativistic_critic_loss : The critic's side.

    References
    ----------
    Jolicoeur-Martineau (2018), section 4.3.

    Examples
    --------
    >>> relativistic_generator_loss(torch.tensor([1.0, 3.0]), torch.tensor([3.0, 5.0]))
    tensor(0.1269)
    """
    return relativistic_critic_loss(fake_scores, real_scores)
