"""The losses of the two players, as pure functions of the critic's scores."""

import warnings
from collections.abc import Callable

import torch
from torch.nn.functional import relu, softplus

from gantut import _inputs

Loss = Callable[[torch.Tensor | None, torch.Tensor], torch.Tensor]


def discriminator_loss(
    real_logits: torch.Tensor, fake_logits: torch.Tensor, *, real_label: float = 1.0, fake_label: float = 0.0
) -> torch.Tensor:
    r"""The discriminator's loss: binary cross entropy, minus the value of the game.

    .. math:: -V(D, G) = -\mathbb E_{p_r}\log D(x) - \mathbb E_{p_g}\log(1 - D(x)), \qquad D = \sigma(a)

    With labels :math:`\alpha` for real and :math:`\beta` for generated samples in place of 1 and 0 it is

    .. math:: -\mathbb E_{p_r}\big[\alpha\log D + (1 - \alpha)\log(1 - D)\big]
       - \mathbb E_{p_g}\big[\beta\log D + (1 - \beta)\log(1 - D)\big],
       \qquad\text{least at}\quad D^* = \frac{\alpha p_r + \beta p_g}{p_r + p_g}

    Parameters
    ----------
    real_logits : tensor, shape (..., batch)
        The logits :math:`a` of real samples. The last axis is averaged: for logits (batch, 1), as ``nn.Linear(..., 1)``
        gives them, pass ``logits.squeeze(-1)``.
    fake_logits : tensor, shape (..., other batch)
        Those of generated samples; the two batches may differ in size.
    real_label, fake_label : float
        The probabilities :math:`\alpha` and :math:`\beta`. One-sided label smoothing uses 0.9 and 0.

    Returns
    -------
    tensor, shape (...)
        A scalar for plain batches; one loss a member for a population's logits (members, batch).

    Raises
    ------
    ValueError
        If the leading axes of the two differ, one is a single number or has no samples, scores are not floating point,
        or a label is no probability.

    See Also
    --------
    saturating_generator_loss, non_saturating_generator_loss : The generator's side.

    References
    ----------
    Goodfellow et al. (2014), equation 1; lessons 2 and 3. Labels: Salimans et al. (2016), section 3.4; lesson 8.

    Examples
    --------
    >>> undecided = torch.zeros(4)  # D = 1/2 everywhere
    >>> discriminator_loss(undecided, undecided)  # 2 log 2
    tensor(1.3863)
    """
    require_batches(real_logits, fake_logits)
    for name, label in (("real_label", real_label), ("fake_label", fake_label)):
        if not 0 <= _inputs.finite(name, label) <= 1:
            raise ValueError(f"{name} must lie in [0, 1], not {label!r}")
    loss = softplus(-real_logits).mean(-1) + softplus(fake_logits).mean(-1)
    if real_label != 1:  # a log D + (1 - a) log(1 - D) = log D - (1 - a) logit, and alike for the other
        loss = loss + (1 - real_label) * real_logits.mean(-1)
    if fake_label != 0:
        loss = loss - fake_label * fake_logits.mean(-1)
    return loss


def saturating_generator_loss(real_logits: torch.Tensor | None, fake_logits: torch.Tensor) -> torch.Tensor:
    r"""The generator's side of the minimax game: :math:`\mathbb E_{p_g}\log(1 - D(x))`.

    Parameters
    ----------
    real_logits : tensor, shape (..., batch), or None
        The other half of V does not depend on the generator, unless the critic answers its moves: where real logits
        are given, as under unrolling, the loss is all of V.
    fake_logits : tensor, shape (..., batch)

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    discriminator_loss : The discriminator's side.

    References
    ----------
    Goodfellow et al. (2014), Algorithm 1; lesson 2.

    Examples
    --------
    >>> saturating_generator_loss(None, torch.tensor([-5.0, 5.0]))
    tensor(-2.5067)
    """
    if real_logits is not None:
        return -discriminator_loss(real_logits, fake_logits)
    require_batches(fake_logits)
    return -softplus(fake_logits).mean(-1)


def non_saturating_generator_loss(real_logits: torch.Tensor | None, fake_logits: torch.Tensor) -> torch.Tensor:
    r"""The generator's loss in common use: :math:`-\mathbb E_{p_g}\log D(x)`.

    Parameters
    ----------
    real_logits : tensor or None
        Not looked at.
    fake_logits : tensor, shape (..., batch)

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    discriminator_loss : The discriminator's side.

    References
    ----------
    Goodfellow et al. (2014), section 3; lesson 5 says what it descends.

    Examples
    --------
    >>> non_saturating_generator_loss(None, torch.tensor([-5.0, 5.0]))
    tensor(2.5067)
    """
    require_batches(fake_logits)
    return softplus(-fake_logits).mean(-1)


def wasserstein_critic_loss(real_scores: torch.Tensor, fake_scores: torch.Tensor) -> torch.Tensor:
    r"""The critic's loss in the Wasserstein game: :math:`\mathbb E_{p_g}f(x) - \mathbb E_{p_r}f(x)`.

    For a K-Lipschitz critic, minus this loss is an estimate of :math:`K\cdot W_1` from below.

    Parameters
    ----------
    real_scores, fake_scores : tensors, shapes (..., batch) and (..., other batch)
        The last axis is averaged.

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    gantut.lipschitz.gradient_penalty : What keeps the critic Lipschitz.

    References
    ----------
    Arjovsky et al. (2017), Algorithm 1; lesson 11.

    Examples
    --------
    >>> wasserstein_critic_loss(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 1.0]))
    tensor(-2.)
    """
    require_batches(real_scores, fake_scores)
    return fake_scores.mean(-1) - real_scores.mean(-1)


def wasserstein_generator_loss(real_scores: torch.Tensor | None, fake_scores: torch.Tensor) -> torch.Tensor:
    r"""The generator's loss in the Wasserstein game: :math:`-\mathbb E_{p_g}f(x)`.

    Parameters
    ----------
    real_scores : tensor, shape (..., batch), or None
        Where given, the loss is the value of the game with both halves, as in :func:`saturating_generator_loss`.
    fake_scores : tensor, shape (..., batch)

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    wasserstein_critic_loss : The critic's side.

    References
    ----------
    Arjovsky et al. (2017), Algorithm 1; lesson 11.

    Examples
    --------
    >>> wasserstein_generator_loss(None, torch.tensor([1.0, 3.0]))
    tensor(-2.)
    """
    if real_scores is not None:
        return -wasserstein_critic_loss(real_scores, fake_scores)
    require_batches(fake_scores)
    return -fake_scores.mean(-1)


def least_squares_critic_loss(
    real_scores: torch.Tensor, fake_scores: torch.Tensor, *, real_label: float = 1.0, fake_label: float = 0.0
) -> torch.Tensor:
    r"""Least squares, with target :math:`\alpha = 1` for real and :math:`\beta = 0` for generated samples.

    .. math:: \tfrac12\,\mathbb E_{p_r}(f(x) - \alpha)^2 + \tfrac12\,\mathbb E_{p_g}(f(x) - \beta)^2,
       \qquad\text{least at}\quad f^* = \frac{\alpha p_r + \beta p_g}{p_r + p_g}

    Parameters
    ----------
    real_scores, fake_scores : tensors, shapes (..., batch) and (..., other batch)
        The last axis is averaged.
    real_label, fake_label : float
        The targets :math:`\alpha` and :math:`\beta`.

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    least_squares_generator_loss : The generator's side.

    References
    ----------
    Mao et al. (2017), equation 9.

    Examples
    --------
    >>> least_squares_critic_loss(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]))
    tensor(1.5000)
    """
    require_batches(real_scores, fake_scores)
    real_label, fake_label = _inputs.finite("real_label", real_label), _inputs.finite("fake_label", fake_label)
    of_fake = fake_scores - fake_label if fake_label else fake_scores
    return ((real_scores - real_label).square().mean(-1) + of_fake.square().mean(-1)) / 2


def least_squares_generator_loss(real_scores: torch.Tensor | None, fake_scores: torch.Tensor) -> torch.Tensor:
    r"""Least squares for the generator: :math:`\tfrac12\,\mathbb E_{p_g}(f(x) - 1)^2`.

    Parameters
    ----------
    real_scores : tensor or None
        Not looked at.
    fake_scores : tensor, shape (..., batch)

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    least_squares_critic_loss : The critic's side.

    References
    ----------
    Mao et al. (2017), equation 9.

    Examples
    --------
    >>> least_squares_generator_loss(None, torch.tensor([1.0, 3.0]))
    tensor(1.)
    """
    require_batches(fake_scores)
    return (fake_scores - 1).square().mean(-1) / 2


def hinge_critic_loss(real_scores: torch.Tensor, fake_scores: torch.Tensor) -> torch.Tensor:
    r"""The hinge loss: a score costs nothing once it is on the right side by a margin of 1.

    .. math:: \mathbb E_{p_r}\max(0, 1 - f(x)) + \mathbb E_{p_g}\max(0, 1 + f(x))

    Parameters
    ----------
    real_scores, fake_scores : tensors, shapes (..., batch) and (..., other batch)
        The last axis is averaged.

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    hinge_generator_loss : The generator's side.

    References
    ----------
    Lim and Ye (2017), "Geometric GAN"; Miyato et al. (2018), equation 16.

    Examples
    --------
    >>> hinge_critic_loss(torch.tensor([0.5, 3.0]), torch.tensor([-2.0, -1.0]))
    tensor(0.2500)
    """
    require_batches(real_scores, fake_scores)
    return relu(1 - real_scores).mean(-1) + relu(1 + fake_scores).mean(-1)


def hinge_generator_loss(real_scores: torch.Tensor | None, fake_scores: torch.Tensor) -> torch.Tensor:
    r"""The generator's side of the hinge game: :math:`-\mathbb E_{p_g}f(x)`.

    Parameters
    ----------
    real_scores : tensor or None
        Not looked at.
    fake_scores : tensor, shape (..., batch)

    Returns
    -------
    tensor, shape (...)

    See Also
    --------
    hinge_critic_loss : The critic's side.

    References
    ----------
    Lim and Ye (2017), "Geometric GAN"; Miyato et al. (2018), equation 17.

    Examples
    --------
    >>> hinge_generator_loss(None, torch.tensor([1.0, 3.0]))
    tensor(-2.)
    """
    return wasserstein_generator_loss(None, fake_scores)


def require_batches(*scores):
    """Require scores (..., batch) with the same leading axes; warn where the last axis is hardly a batch."""
    for tensor in scores:
        known = isinstance(tensor, torch.Tensor)
        if not known or not tensor.is_floating_point() or not tensor.ndim or not tensor.shape[-1]:
            given = f"{tensor.dtype} of shape {_inputs.shape(tensor)}" if known else type(tensor).__name__
            raise ValueError(f"scores must be floating point of shape (..., batch), batch at least 1, not {given}")
    if scores[0].shape[:-1] != scores[-1].shape[:-1]:
        shapes = " and ".join(str(_inputs.shape(tensor)) for tensor in scores)
        raise ValueError(
            f"scores of real and of generated samples must have the same axes before the batch, not {shapes}"
        )
    if scores[-1].shape[-1] == 1 and scores[-1].shape[-2:-1] not in ((), (1,)):
        # Not an error: (members, 1) are the scores of a population that plays with batches of 1.
        warnings.warn(
            f"the loss averages over the last axis, which has size 1 in scores of shape {_inputs.shape(scores[-1])}: "
            "for scores (batch, 1), as nn.Linear(..., 1) gives them, pass scores.squeeze(-1)",
            stacklevel=3,
        )
