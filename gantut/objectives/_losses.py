"""The losses of the classical games, of least squares and of the Wasserstein game."""

import torch
from torch.nn.functional import softplus

from gantut.objectives._judgement import Judgement


def discriminator_loss(
    real: Judgement, fake: Judgement, *, real_label: float = 1.0, fake_label: float = 0.0
) -> torch.Tensor:
    r"""The discriminator's cost, minus the value of the game.

    .. math:: -V(D, G) = -\mathbb E_{p_r}\log D(x) - \mathbb E_{p_g}\log(1 - D(x))

    With labels :math:`\alpha` for real and :math:`\beta` for generated samples in place of 1 and 0 it is the cross
    entropy

    .. math:: -\mathbb E_{p_r}\big[\alpha\log D + (1 - \alpha)\log(1 - D)\big]
       - \mathbb E_{p_g}\big[\beta\log D + (1 - \beta)\log(1 - D)\big],
       \qquad\text{least at}\quad D^* = \frac{\alpha p_r + \beta p_g}{p_r + p_g}

    Parameters
    ----------
    real, fake : Judgement
        Scores are logits.
    real_label, fake_label : float
        The probabilities :math:`\alpha` and :math:`\beta`. One-sided label smoothing has 0.9 and 0.

    Returns
    -------
    tensor, shape (members,)

    References
    ----------
    Goodfellow et al. (2014), equation 1; lessons 2 and 3. Labels: Salimans et al. (2016), section 3.4; lesson 7.
    """
    loss = softplus(-real.scores).mean(-1) + softplus(fake.scores).mean(-1)
    if real_label != 1:  # a log D + (1 - a) log(1 - D) = log D - (1 - a) logit, and alike for the other
        loss = loss + (1 - real_label) * real.scores.mean(-1)
    if fake_label != 0:
        loss = loss - fake_label * fake.scores.mean(-1)
    return loss


def saturating_loss(real: Judgement | None, fake: Judgement) -> torch.Tensor:
    r"""The generator's side of the minimax game: :math:`\mathbb E_{p_g}\log(1 - D(x))`, shape (members,).

    The other half of V does not depend on the generator, unless the critic answers its moves: where `real` is given,
    as under unrolling, this is all of V. Goodfellow et al. (2014), Algorithm 1; lesson 2.
    """
    return -softplus(fake.scores).mean(-1) if real is None else -discriminator_loss(real, fake)


def non_saturating_loss(real: Judgement | None, fake: Judgement) -> torch.Tensor:
    r"""The generator's cost in common use: :math:`-\mathbb E_{p_g}\log D(x)`, shape (members,).

    Goodfellow et al. (2014), section 3; lesson 5 says what it descends.
    """
    return softplus(-fake.scores).mean(-1)


def critic_loss(real: Judgement, fake: Judgement) -> torch.Tensor:
    r"""The critic's cost in the Wasserstein game: :math:`\mathbb E_{p_g}f(x) - \mathbb E_{p_r}f(x)`, shape (members,).

    Minus this estimates :math:`K\cdot W_1` from below. Arjovsky et al. (2017), Algorithm 1; lesson 10.
    """
    return fake.scores.mean(-1) - real.scores.mean(-1)


def wasserstein_generator_loss(real: Judgement | None, fake: Judgement) -> torch.Tensor:
    r"""The generator's cost in the Wasserstein game: :math:`-\mathbb E_{p_g}f(x)`, shape (members,).

    Where `real` is given, the value of the game with both halves, as in the minimax game. Arjovsky et al. (2017),
    Algorithm 1; lesson 10.
    """
    return -fake.scores.mean(-1) if real is None else -critic_loss(real, fake)


def least_squares_critic_loss(
    real: Judgement, fake: Judgement, *, real_label: float = 1.0, fake_label: float = 0.0
) -> torch.Tensor:
    r"""Least squares with target :math:`\alpha = 1` for real and :math:`\beta = 0` for generated samples.

    .. math:: \tfrac12\,\mathbb E_{p_r}(f(x) - \alpha)^2 + \tfrac12\,\mathbb E_{p_g}(f(x) - \beta)^2

    Other targets move the optimum to :math:`(\alpha p_r + \beta p_g)/(p_r + p_g)`, as in :func:`discriminator_loss`.
    Shape (members,). Mao et al. (2017), equation 9.
    """
    of_fake = fake.scores - fake_label if fake_label else fake.scores
    return ((real.scores - real_label).square().mean(-1) + of_fake.square().mean(-1)) / 2


def least_squares_generator_loss(real: Judgement | None, fake: Judgement) -> torch.Tensor:
    r"""Least squares for the generator: :math:`\tfrac12\,\mathbb E_{p_g}(f(x) - 1)^2`, shape (members,).

    Mao et al. (2017), equation 9.
    """
    return (fake.scores - 1).square().mean(-1) / 2
