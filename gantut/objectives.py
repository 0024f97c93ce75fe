r"""What each player wants: one pure function a loss, all with one signature.

Every function here takes what the critic said of real samples and of generated ones, and returns one loss a member of
the population, which its player minimises. For the classical games what the critic says is a logit :math:`a`, so that
:math:`D=\sigma(a)`, and the logarithms are computed without ever forming :math:`D`:

.. math:: -\log D = \log(1 + e^{-a}), \qquad -\log(1 - D) = \log(1 + e^{a})

An :class:`Objective` pairs a loss of the critic with a loss of the generator and says, as data, what else belongs to
the game: how many critic steps a round, which optimiser, which constraint on the critic. Nothing else distinguishes the
GAN of lesson 2 from the Wasserstein GAN of lesson 10.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch.nn.functional import softplus

from gantut import _inputs


class Judgement(NamedTuple):
    """What a critic says of a batch.

    Attributes
    ----------
    scores : tensor, shape (members, batch)
        Logits of the classical games, unbounded scores of the others.
    features : tensor, shape (members, batch, features), optional
        The last hidden layer, where an objective asks for it.
    """

    scores: torch.Tensor
    features: torch.Tensor | None = None


Loss = Callable[[Judgement | None, Judgement], torch.Tensor]


def discriminator_loss(real: Judgement, fake: Judgement) -> torch.Tensor:
    r"""The discriminator's cost, minus the value of the game.

    .. math:: -V(D, G) = -\mathbb E_{p_r}\log D(x) - \mathbb E_{p_g}\log(1 - D(x))

    Parameters
    ----------
    real, fake : Judgement
        Scores are logits.

    Returns
    -------
    tensor, shape (members,)

    References
    ----------
    Goodfellow et al. (2014), equation 1; lessons 2 and 3.
    """
    return softplus(-real.scores).mean(-1) + softplus(fake.scores).mean(-1)


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


def least_squares_critic_loss(real: Judgement, fake: Judgement) -> torch.Tensor:
    r"""Least squares with target 1 for real and 0 for generated samples, shape (members,).

    .. math:: \tfrac12\,\mathbb E_{p_r}(f(x) - 1)^2 + \tfrac12\,\mathbb E_{p_g} f(x)^2

    Mao et al. (2017), equation 9.
    """
    return ((real.scores - 1).square().mean(-1) + fake.scores.square().mean(-1)) / 2


def least_squares_generator_loss(real: Judgement | None, fake: Judgement) -> torch.Tensor:
    r"""Least squares for the generator: :math:`\tfrac12\,\mathbb E_{p_g}(f(x) - 1)^2`, shape (members,).

    Mao et al. (2017), equation 9.
    """
    return (fake.scores - 1).square().mean(-1) / 2


def feature_matching_loss(real: Judgement, fake: Judgement) -> torch.Tensor:
    r"""The squared distance between the mean features of real and of generated samples.

    .. math:: \big\|\mathbb E_{p_r}h(x) - \mathbb E_{p_g}h(x)\big\|^2

    Parameters
    ----------
    real, fake : Judgement
        With features :math:`h(x)`; the gradient flows through those of the generated samples, and the real ones stand
        still.

    Returns
    -------
    tensor, shape (members,)

    References
    ----------
    Salimans et al. (2016), section 3.1; lesson 7.
    """
    return (real.features.detach().mean(-2) - fake.features.mean(-2)).square().sum(-1)


@dataclass(frozen=True)
class Objective:
    """The two losses of a game, and the settings that its paper gives for the rest.

    Attributes
    ----------
    name : str
    critic_loss, generator_loss : function of (real, fake), two judgements, to a tensor of shape (members,)
    defaults : mapping
        Settings of `gantut.training.Config` that the paper of this objective uses, as plain data: ``n_critic``,
        ``optimiser`` and ``constraint``.
    source : str
        Where the defaults are from.
    features : bool
        Whether the generator's loss compares features of the critic, for which it needs real samples.
    classifies : bool
        Whether the critic's score is the logit of a probability.
    """

    name: str
    critic_loss: Loss
    generator_loss: Loss
    defaults: Mapping = field(default_factory=dict)
    source: str = ""
    features: bool = False
    classifies: bool = True

    def estimate(self, loss: torch.Tensor) -> torch.Tensor:
        r"""Return what a critic's loss says of the distance between the laws, from below.

        :math:`\log2 - \tfrac12L_D`, which estimates JS, where the critic classifies; otherwise :math:`-L_D`, which in
        the Wasserstein game estimates a multiple of :math:`W_1`.
        """
        return math.log(2) - loss / 2 if self.classifies else -loss


# DCGAN's Adam has become the ordinary choice for the classical games; the first paper used momentum.
_ADAM = {"name": "adam", "rate": 2e-4, "betas": (0.5, 0.999)}
_CLASSICAL = {"n_critic": 1, "optimiser": _ADAM, "constraint": None}
_CLASSICAL_SOURCE = "k = 1: Goodfellow et al. (2014), section 4; Adam(2e-4, 0.5): Radford et al. (2016), section 4"


def _penalised(one_sided, source):
    defaults = {
        "n_critic": 5,
        "optimiser": {"name": "adam", "rate": 1e-4, "betas": (0.0, 0.9)},
        "constraint": {"name": "gradient-penalty", "weight": 10.0, "one_sided": one_sided},
    }
    return dict(defaults=defaults, source=source, classifies=False)


OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        Objective("minimax", discriminator_loss, saturating_loss, _CLASSICAL, _CLASSICAL_SOURCE),
        Objective("non-saturating", discriminator_loss, non_saturating_loss, _CLASSICAL, _CLASSICAL_SOURCE),
        Objective(
            "least-squares", least_squares_critic_loss, least_squares_generator_loss, _CLASSICAL,
            "k = 1: Mao et al. (2017), section 3; Adam as for the classical games", classifies=False,
        ),
        Objective(
            "feature-matching", discriminator_loss, feature_matching_loss, _CLASSICAL,
            "Salimans et al. (2016), section 3.1; the rest as for the classical games", features=True,
        ),
        Objective(
            "wgan", critic_loss, wasserstein_generator_loss,
            {
                "n_critic": 5,
                "optimiser": {"name": "rmsprop", "rate": 5e-5},
                "constraint": {"name": "clip", "bound": 0.01},
            },
            "Arjovsky et al. (2017), Algorithm 1: n_critic = 5, RMSProp(5e-5), c = 0.01", classifies=False,
        ),
        Objective(
            "wgan-gp", critic_loss, wasserstein_generator_loss,
            **_penalised(False, "Gulrajani et al. (2017), Algorithm 1: n_critic = 5, λ = 10, Adam(1e-4, 0, 0.9)"),
        ),
        Objective(
            "wgan-lp", critic_loss, wasserstein_generator_loss,
            **_penalised(True, "Petzka et al. (2018), section 5; the rest as for WGAN-GP"),
        ),
    )
}  # fmt: skip


def objective(name: str | Objective) -> Objective:
    """Return the objective of that name.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest.
    """
    if isinstance(name, Objective):
        return name
    return OBJECTIVES[_inputs.one_of("objective", name, tuple(OBJECTIVES))]
