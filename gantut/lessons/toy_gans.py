"""Small GANs on toy data: the same networks on the same distributions, with one thing changed at a time."""

from typing import NamedTuple

import torch

from gantut import _inputs, metrics, objectives
from gantut.data import grid, ring
from gantut.device import at_scale, random_source
from gantut.training import Architecture, Config, History, Optimizer, train

# Everything that the games share. Adam without momentum, since with it the discriminator's steps depend on the game.
SHARED = dict(
    latent_dim=16,
    generator=Architecture((64, 64)),
    critic=Architecture((64, 64)),
    optimizer=Optimizer("adam", 1e-3, betas=(0.0, 0.9)),
    batch_size=64,
)
SHARED_FULL = SHARED | dict(
    latent_dim=64, generator=Architecture((128, 128)), critic=Architecture((128, 128)), batch_size=128
)
WEIGHT = 1.0  # of the gradient penalty: 10, the paper's, is slow on distributions as small as these
GAMES = {
    "minimax": {},
    "non-saturating": {},
    "least-squares": {},
    "wgan": {"constraint": {"name": "clip", "bound": 0.1}, "optimizer": Optimizer("rmsprop", 1e-3)},
    "wgan-gp": {"constraint": {"name": "gradient-penalty", "weight": WEIGHT}},
    "wgan-lp": {"constraint": {"name": "gradient-penalty", "weight": WEIGHT, "one_sided": True}},
}
DISTRIBUTIONS = {"ring": ring, "grid": grid}


class Coverage(NamedTuple):
    """What a population covers in the end, each of shape (members,).

    Attributes
    ----------
    modes : tensor
        How many modes are covered.
    quality : tensor
        The share of samples within three standard deviations of a mode.
    w1 : tensor
        The exact distance of some samples to as many of the data.
    """

    modes: torch.Tensor
    quality: torch.Tensor
    w1: torch.Tensor


class TrainingCurves(NamedTuple):
    """Losses and distance at every evaluation, each of shape (evaluations, members).

    Attributes
    ----------
    generator_loss : tensor
        The mean since the previous evaluation.
    estimate : tensor
        What the critic's loss says of the distance: an estimate of JS from below in the classical games, of a multiple
        of W1 in the Wasserstein game; the mean since the previous evaluation.
    w1 : tensor
        The exact W1 of samples to as many of the data.
    """

    generator_loss: torch.Tensor
    estimate: torch.Tensor
    w1: torch.Tensor


def game_config(objective: str, n_critic: int, *, members: int, steps: int, **settings) -> Config:
    """Return the configuration of one of :data:`GAMES`: what all of them share, what is its own, and other settings.

    Examples
    --------
    >>> game_config("wgan", 5, members=8, steps=1000).constraint
    Clip(bound=0.1)
    """
    _inputs.one_of("objective", objective, tuple(GAMES))
    shared = at_scale(fast=SHARED, full=SHARED_FULL)
    own = GAMES[objective] | dict(objective=objective, n_critic=n_critic, members=members, steps=steps)
    return Config(**shared | own | settings)


def train_toy_gan(
    objective: str,
    n_critic: int,
    *,
    distribution: str = "ring",
    members: int | None = None,
    steps: int = 1000,
    evaluations: int = 1,
    **settings,
) -> History:
    """Train a population on one of :data:`GAMES`, on the ring of eight Gaussians or the grid of 25.

    Parameters
    ----------
    objective : str
    n_critic : int
        Critic steps per iteration.
    distribution : {"ring", "grid"}
    members : int, optional
        By default 32, and 64 at full scale.
    steps : int
    evaluations : int
        How often to draw samples on the way, at equal distances.
    **settings
        Others of `gantut.training.Config` than those shared by all games.

    Returns
    -------
    History
        With 2500 samples of each member at the start and at each evaluation, the last one at the end.

    Raises
    ------
    ValueError
        If there is no such game or distribution, or if a setting is not allowed.

    See Also
    --------
    coverage : what a population covers at the end.
    training_curves : its losses beside the exact distance.

    Examples
    --------
    >>> history = train_toy_gan("wgan-gp", 1, members=2, steps=4, evaluations=2)
    >>> history.samples.shape
    torch.Size([3, 2, 2500, 2])
    """
    members = at_scale(fast=32, full=64) if members is None else members
    config = game_config(objective, n_critic, members=members, steps=steps, **settings)
    _inputs.one_of("distribution", distribution, tuple(DISTRIBUTIONS))
    _inputs.count("evaluations", evaluations)
    return train(config, DISTRIBUTIONS[distribution](), samples=2500, evaluate_every=max(steps // evaluations, 1))


def coverage(history: History, distribution: str = "ring", *, points: int = 500) -> Coverage:
    """Measure what a population covers at the end.

    Parameters
    ----------
    history : History
        From :func:`train_toy_gan`.
    distribution : {"ring", "grid"}
        What it was trained on.
    points : int
        How many samples, and how many of the data, the exact distance is between.

    Returns
    -------
    Coverage
    """
    samples, truth = history.samples[-1].double(), DISTRIBUTIONS[distribution]()
    found = metrics.mode_coverage(samples, truth)
    reference = truth.sample(points, generator=random_source(1))
    return Coverage(found.covered, found.high_quality_fraction, metrics.exact_w1(samples[:, :points], reference))


def training_curves(history: History, *, points: int = 250) -> TrainingCurves:
    r"""Return losses beside the exact distance to the ring.

    .. math:: \operatorname{JS} \ge \log 2 - \tfrac12 L_D

    Parameters
    ----------
    history : History
        From :func:`train_toy_gan` on the ring; with as many records between any two evaluations.
    points : int
        How many samples, and how many of the data, the distance is between.

    Returns
    -------
    TrainingCurves
    """
    evaluations = len(history.evaluated) - 1
    losses = {name: values.unflatten(0, (evaluations, -1)).mean(1) for name, values in history.losses.items()}
    estimate = objectives.objective(history.config.objective).estimate(losses["critic"])
    reference = ring().sample(points, generator=random_source(1))
    w1 = metrics.exact_w1(history.samples[1:, :, :points].double(), reference)
    return TrainingCurves(losses["generator"].double(), estimate.double(), w1)
