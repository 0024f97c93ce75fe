r"""What each player wants: one pure function a loss, all with one signature.

Every function here takes what the critic said of real samples and of generated ones, and returns one loss a member of
the population, which its player minimises. For the classical games what the critic says is a logit :math:`a`, so that
:math:`D=\sigma(a)`, and the logarithms are computed without ever forming :math:`D`:

.. math:: -\log D = \log(1 + e^{-a}), \qquad -\log(1 - D) = \log(1 + e^{a})

An :class:`Objective` pairs a loss of the critic with a loss of the generator and says, as data, what else belongs to
the game: how many critic steps a round, which optimizer, which constraint on the critic. Nothing else distinguishes the
GAN of lesson 2 from the Wasserstein GAN of lesson 10.

The tricks of lesson 7 that change a loss are here, too: feature matching, smoothed labels, and K + 1 classes.
"""

from gantut.objectives._classes import class_probabilities, class_score, supervised_loss
from gantut.objectives._features import STATISTICS, FeatureMatching, feature_matching_loss
from gantut.objectives._judgement import Judgement, Loss
from gantut.objectives._losses import (
    critic_loss,
    discriminator_loss,
    least_squares_critic_loss,
    least_squares_generator_loss,
    non_saturating_loss,
    saturating_loss,
    wasserstein_generator_loss,
)
from gantut.objectives._table import OBJECTIVES, Objective, objective

__all__ = [
    "OBJECTIVES",
    "STATISTICS",
    "FeatureMatching",
    "Judgement",
    "Loss",
    "Objective",
    "class_probabilities",
    "class_score",
    "critic_loss",
    "discriminator_loss",
    "feature_matching_loss",
    "least_squares_critic_loss",
    "least_squares_generator_loss",
    "non_saturating_loss",
    "objective",
    "saturating_loss",
    "supervised_loss",
    "wasserstein_generator_loss",
]
