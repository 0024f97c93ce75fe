"""An objective: the two losses of a game, and the settings of its paper."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from gantut import _inputs
from gantut.objectives import _losses as losses
from gantut.objectives._features import FeatureMatching, Features, feature_matching_loss
from gantut.objectives._losses import Loss
from gantut.objectives._relativistic import relativistic_critic_loss, relativistic_generator_loss


@dataclass(frozen=True)
class Objective:
    """The two losses of a game, and the settings that its paper gives for the rest.

    Attributes
    ----------
    name : str
        As in :data:`OBJECTIVES`, or one of your own.
    critic_loss : function of (real_logits, fake_logits)
        From two tensors of shape (..., batch) to one of shape (...).
    generator_loss : function of (real_logits, fake_logits), or None
        Likewise; real logits may be None, where it does not look at them. None where features are all that is compared.
    defaults : mapping
        Settings of `gantut.training.Config` that the paper of this objective uses, as plain data: ``n_critic``,
        ``optimizer`` and ``constraint``.
    source : str
        Where the defaults are from.
    feature_loss : function of (real_features, fake_features), optional
        What the generator pays, besides, for features of its samples that differ from those of real ones.
    classifies : bool
        Whether the critic's score is the logit of a probability.
    labels : bool
        Whether the critic's loss has labels, and takes others as `real_label` and `fake_label`.
    relative : bool
        Whether both losses compare the scores of real and generated samples in pairs: then the generator's loss looks
        at real samples, too.

    See Also
    --------
    OBJECTIVES : those that have names.
    gantut.training.Config : takes an objective.

    Examples
    --------
    >>> from gantut.objectives import OBJECTIVES
    >>> wgan = OBJECTIVES["wgan"]
    >>> loss = wgan.critic_loss(torch.tensor([3.0, 5.0]), torch.tensor([1.0, 1.0]))
    >>> loss, wgan.estimate(loss)  # the mean scores differ by 3
    (tensor(-3.), tensor(3.))
    >>> wgan.defaults["n_critic"], wgan.defaults["constraint"]
    (5, {'name': 'clip', 'bound': 0.01})
    """

    name: str
    critic_loss: Loss
    generator_loss: Loss | None
    defaults: Mapping = field(default_factory=dict)
    source: str = ""
    feature_loss: Loss | None = None
    classifies: bool = True
    labels: bool = False
    relative: bool = False

    def with_labels(self, real_label: float, fake_label: float) -> "Objective":
        """Return the game whose critic gives real and generated samples these labels in place of 1 and 0.

        The generator's loss stays as it is.

        Raises
        ------
        ValueError
            If the critic's loss has no labels.
        """
        if not self.labels:
            raise ValueError(
                f"real_label and fake_label must be 1 and 0 with {self.name!r}, whose critic loss takes no labels, not "
                f"{real_label} and {fake_label}"
            )
        return replace(self, critic_loss=partial(self.critic_loss, real_label=real_label, fake_label=fake_label))

    def matching(self, trick: FeatureMatching) -> "Objective":
        """Return the game whose generator matches features.

        Raises
        ------
        ValueError
            If it does so already, and this is to be added.
        """
        if self.features and trick.added:
            raise ValueError(
                f"feature_matching must not be added to {self.name!r}, whose generator matches features already: "
                "set added=False, or use another objective"
            )
        return replace(self, generator_loss=self.generator_loss if trick.added else None, feature_loss=trick.loss)

    @property
    def features(self) -> bool:
        """Whether the generator's loss compares features of the critic, for which it needs real samples."""
        return self.feature_loss is not None

    def generator_total(
        self, real_logits: torch.Tensor | None, fake_logits: torch.Tensor,
        real_features: Features | None = None, fake_features: Features | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Return all that the generator pays: its loss, the distance of features, or both, shape (...)."""
        pairs = (self.generator_loss, (real_logits, fake_logits)), (self.feature_loss, (real_features, fake_features))
        return sum(loss(*given) for loss, given in pairs if loss is not None)

    def estimate(self, loss: torch.Tensor) -> torch.Tensor:
        r"""Return what a critic's loss says of the distance between the distributions, from below.

        :math:`\log2 - \tfrac12L_D`, which estimates JS, where the critic classifies; :math:`\log2 - L_D`, a divergence
        of its own, where scores are compared in pairs; otherwise :math:`-L_D`, which in the Wasserstein game estimates
        a multiple of :math:`W_1`.
        """
        if self.relative:
            return math.log(2) - loss
        return math.log(2) - loss / 2 if self.classifies else -loss


# ---- Settings, and where they are from ----------------------------------------------------------------------------


def _adam(n_critic, lr, betas, constraint=None):
    return {"n_critic": n_critic, "optimizer": {"name": "adam", "lr": lr, "betas": betas}, "constraint": constraint}


def _penalised(one_sided):
    return _adam(5, 1e-4, (0.0, 0.9), {"name": "gradient-penalty", "weight": 10.0, "one_sided": one_sided})


# DCGAN's Adam has become the ordinary choice for the classical games; the first paper used momentum.
_CLASSICAL = _adam(1, 2e-4, (0.5, 0.999))
_CLASSICAL_SOURCE = "k = 1: Goodfellow et al. (2014), section 4; Adam(2e-4, 0.5): Radford et al. (2016), section 4"
_SATURATING = losses.discriminator_loss, losses.saturating_generator_loss
_NON_SATURATING = losses.discriminator_loss, losses.non_saturating_generator_loss
_CLIPPED = {
    "n_critic": 5, "optimizer": {"name": "rmsprop", "lr": 5e-5}, "constraint": {"name": "clip", "bound": 0.01}
}  # fmt: skip
_WASSERSTEIN = losses.wasserstein_critic_loss, losses.wasserstein_generator_loss

_GAMES = (
    Objective("minimax", *_SATURATING, _CLASSICAL, _CLASSICAL_SOURCE, labels=True),
    Objective("non-saturating", *_NON_SATURATING, _CLASSICAL, _CLASSICAL_SOURCE, labels=True),
    Objective(
        "least-squares", losses.least_squares_critic_loss, losses.least_squares_generator_loss, _CLASSICAL,
        "k = 1: Mao et al. (2017), section 3; Adam as for the classical games", classifies=False, labels=True,
    ),
    Objective(
        "hinge", losses.hinge_critic_loss, losses.hinge_generator_loss, _adam(5, 2e-4, (0.0, 0.9)),
        "Lim and Ye (2017); n_critic = 5, Adam(2e-4, 0, 0.9): Miyato et al. (2018) on ImageNet, whose critic "
        "normalises its own weights", classifies=False,
    ),
    Objective(
        "feature-matching", losses.discriminator_loss, None, _CLASSICAL,
        "Salimans et al. (2016), section 3.1; the rest as for the classical games",
        feature_loss=feature_matching_loss, labels=True,
    ),
    Objective(
        "wgan", *_WASSERSTEIN, _CLIPPED,
        "Arjovsky et al. (2017), Algorithm 1: n_critic = 5, RMSProp(5e-5), c = 0.01", classifies=False,
    ),
    Objective(
        "wgan-gp", *_WASSERSTEIN, _penalised(one_sided=False),
        "Gulrajani et al. (2017), Algorithm 1: n_critic = 5, λ = 10, Adam(1e-4, 0, 0.9)", classifies=False,
    ),
    Objective(
        "wgan-lp", *_WASSERSTEIN, _penalised(one_sided=True),
        "Petzka et al. (2018), section 5; the rest as for WGAN-GP", classifies=False,
    ),
    Objective(
        "relativistic", relativistic_critic_loss, relativistic_generator_loss,
        _adam(1, 2e-4, (0.0, 0.99), {"name": "zero-centred-penalty", "weight": 1.0, "at": "both"}),
        "Huang et al. (2024), section 2: R1 and R2; the weight, and Adam(2e-4, 0, 0.99), are this package's choice",
        classifies=False, relative=True,
    ),
)  # fmt: skip
OBJECTIVES: dict[str, Objective] = {game.name: game for game in _GAMES}


def objective(name: str | Objective) -> Objective:
    """Return the objective of that name; an :class:`Objective` is returned as it is.

    Parameters
    ----------
    name : str or Objective
        One of the names in :data:`OBJECTIVES`.

    Returns
    -------
    Objective

    Raises
    ------
    ValueError
        If there is no objective of that name; the message suggests the nearest.

    Examples
    --------
    >>> objective("wgan").defaults["n_critic"]
    5
    """
    if isinstance(name, Objective):
        return name
    return OBJECTIVES[_inputs.one_of("objective", name, tuple(OBJECTIVES))]
