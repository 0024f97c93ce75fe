"""An objective: the two losses of a game, and the settings of its paper."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from gantut import _inputs
from gantut.objectives import _losses
from gantut.objectives._features import FeatureMatching, Features, feature_matching_loss
from gantut.objectives._losses import Loss


@dataclass(frozen=True)
class Objective:
    """The two losses of a game, and the settings that its paper gives for the rest.

    Attributes
    ----------
    name : str
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
    """

    name: str
    critic_loss: Loss
    generator_loss: Loss | None
    defaults: Mapping = field(default_factory=dict)
    source: str = ""
    feature_loss: Loss | None = None
    classifies: bool = True
    labels: bool = False

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
                f"real_label and fake_label must be 1 and 0 with {self.name!r}, whose critic gives no labels, not "
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
                f"feature_matching must not be added to {self.name!r}, whose generator compares features already: "
                "set added=False, or use another objective"
            )
        return replace(self, generator_loss=self.generator_loss if trick.added else None, feature_loss=trick.loss)

    @property
    def features(self) -> bool:
        """Whether the generator's loss compares features of the critic, for which it needs real samples."""
        return self.feature_loss is not None

    def generator_total(
        self,
        real_logits: torch.Tensor | None,
        fake_logits: torch.Tensor,
        real_features: Features | None = None,
        fake_features: Features | None = None,
    ) -> torch.Tensor:
        """Return all that the generator pays: its loss, the distance of features, or both, shape (...)."""
        terms = []
        if self.generator_loss is not None:
            terms.append(self.generator_loss(real_logits, fake_logits))
        if self.feature_loss is not None:
            terms.append(self.feature_loss(real_features, fake_features))
        return sum(terms)

    def estimate(self, loss: torch.Tensor) -> torch.Tensor:
        r"""Return what a critic's loss says of the distance between the distributions, from below.

        :math:`\log2 - \tfrac12L_D`, which estimates JS, where the critic classifies; otherwise :math:`-L_D`, which in
        the Wasserstein game estimates a multiple of :math:`W_1`.
        """
        return math.log(2) - loss / 2 if self.classifies else -loss


# ---- Settings, and where they are from ----------------------------------------------------------------------------


def _game(name, critic_loss, generator_loss, settings, source, **facts):
    n_critic, optimizer, constraint = settings
    defaults = {"n_critic": n_critic, "optimizer": optimizer, "constraint": constraint}
    return Objective(name, critic_loss, generator_loss, defaults, source, **facts)


def _optimizer(name, lr, **settings):
    return {"name": name, "lr": lr, **settings}


def _penalised(one_sided):
    penalty = {"name": "gradient-penalty", "weight": 10.0, "one_sided": one_sided}
    return 5, _optimizer("adam", 1e-4, betas=(0.0, 0.9)), penalty


# DCGAN's Adam has become the ordinary choice for the classical games; the first paper used momentum.
_CLASSICAL = 1, _optimizer("adam", 2e-4, betas=(0.5, 0.999)), None
_CLASSICAL_SOURCE = "k = 1: Goodfellow et al. (2014), section 4; Adam(2e-4, 0.5): Radford et al. (2016), section 4"
_WASSERSTEIN = _losses.wasserstein_critic_loss, _losses.wasserstein_generator_loss

_GAMES = (
    _game(
        "minimax", _losses.discriminator_loss, _losses.saturating_generator_loss, _CLASSICAL, _CLASSICAL_SOURCE,
        labels=True,
    ),
    _game(
        "non-saturating", _losses.discriminator_loss, _losses.non_saturating_generator_loss, _CLASSICAL,
        _CLASSICAL_SOURCE, labels=True,
    ),
    _game(
        "least-squares", _losses.least_squares_critic_loss, _losses.least_squares_generator_loss, _CLASSICAL,
        "k = 1: Mao et al. (2017), section 3; Adam as for the classical games", classifies=False, labels=True,
    ),
    _game(
        "hinge", _losses.hinge_critic_loss, _losses.hinge_generator_loss,
        (5, _optimizer("adam", 2e-4, betas=(0.0, 0.9)), None),
        "Lim and Ye (2017); n_critic = 5, Adam(2e-4, 0, 0.9): Miyato et al. (2018) on ImageNet, whose critic "
        "normalises its own weights", classifies=False,
    ),
    _game(
        "feature-matching", _losses.discriminator_loss, None, _CLASSICAL,
        "Salimans et al. (2016), section 3.1; the rest as for the classical games",
        feature_loss=feature_matching_loss, labels=True,
    ),
    _game(
        "wgan", *_WASSERSTEIN, (5, _optimizer("rmsprop", 5e-5), {"name": "clip", "bound": 0.01}),
        "Arjovsky et al. (2017), Algorithm 1: n_critic = 5, RMSProp(5e-5), c = 0.01", classifies=False,
    ),
    _game(
        "wgan-gp", *_WASSERSTEIN, _penalised(one_sided=False),
        "Gulrajani et al. (2017), Algorithm 1: n_critic = 5, λ = 10, Adam(1e-4, 0, 0.9)", classifies=False,
    ),
    _game(
        "wgan-lp", *_WASSERSTEIN, _penalised(one_sided=True),
        "Petzka et al. (2018), section 5; the rest as for WGAN-GP", classifies=False,
    ),
)  # fmt: skip
OBJECTIVES: dict[str, Objective] = {game.name: game for game in _GAMES}


def objective(name: str | Objective) -> Objective:
    """Return the objective of that name; an :class:`Objective` stays what it is.

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
        If there is none of that name; the message suggests the nearest.

    Examples
    --------
    >>> objective("wgan").defaults["n_critic"]
    5
    """
    if isinstance(name, Objective):
        return name
    return OBJECTIVES[_inputs.one_of("objective", name, tuple(OBJECTIVES))]
