r"""What each player wants: losses as pure functions of the critic's scores, all with one signature.

Each loss is called as ``loss(real_logits, fake_logits)``: two tensors with the batch as their last axis, over which
the loss averages, and any axes before it, such as a population's members. Its player minimises it. In the classical
games a score is a logit :math:`a`, so that :math:`D=\sigma(a)`, and the logarithms are computed without forming
:math:`D`:

.. math:: -\log D = \log(1 + e^{-a}), \qquad -\log(1 - D) = \log(1 + e^{a})

An :class:`Objective` pairs a loss of the critic with a loss of the generator and says, as data, what else belongs to
the game: how many critic steps an iteration has, which optimizer, which constraint on the critic. Nothing else
distinguishes the GAN of lesson 2 from the Wasserstein GAN of lesson 11.

The tricks of lesson 8 that change a loss are here, too: feature matching, smoothed labels, and K + 1 classes.
"""

from gantut.objectives._classes import class_probabilities, class_score, supervised_loss
from gantut.objectives._features import STATISTICS, FeatureMatching, feature_matching_loss
from gantut.objectives._losses import (
    discriminator_loss,
    hinge_critic_loss,
    hinge_generator_loss,
    least_squares_critic_loss,
    least_squares_generator_loss,
    non_saturating_generator_loss,
    saturating_generator_loss,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from gantut.objectives._relativistic import relativistic_critic_loss, relativistic_generator_loss
from gantut.objectives._table import OBJECTIVES, Objective, objective

__all__ = [
    "OBJECTIVES", "STATISTICS", "FeatureMatching", "Objective", "class_probabilities", "class_score",
    "discriminator_loss", "feature_matching_loss", "hinge_critic_loss", "hinge_generator_loss",
    "least_squares_critic_loss", "least_squares_generator_loss", "non_saturating_generator_loss", "objective",
    "relativistic_critic_loss", "relativistic_generator_loss", "saturating_generator_loss",
    "supervised_loss", "wasserstein_critic_loss", "wasserstein_generator_loss",
]  # fmt: skip
