"""Do GANs collapse? The same networks on the same distributions, with one thing changed at a time."""

from typing import NamedTuple

import torch

from gantut import _inputs, metrics
from gantut.data import grid, ring
from gantut.device import at_scale, random_source
from gantut.experiments._records import rounded, rounded_fields
from gantut.training import Architecture, Config, History, Optimizer, train

# Everything that the games share. Adam without momentum, since with it the discriminator's steps depend on the game.
SHARED = dict(
    latent_dim=16,
    generator=Architecture((64, 64)),
    critic=Architecture((64, 64)),
    optimizer=Optimizer("adam", 1e-3, betas=(0.0, 0.9)),
    batch=64,
)
SHARED_FULL = SHARED | dict(
    latent_dim=64, generator=Architecture((128, 128)), critic=Architecture((128, 128)), batch=128
)
WEIGHT = 1.0  # of the gradient penalty: 10 is for images, and slow on distributions as small as these
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


def game(objective: str, n_critic: int, *, members: int, steps: int, **settings) -> Config:
    """Return one of :data:`GAMES` as a run: what all games share, what is its own, and other settings."""
    _inputs.one_of("objective", objective, tuple(GAMES))
    shared = at_scale(fast=SHARED, full=SHARED_FULL)
    own = GAMES[objective] | dict(objective=objective, n_critic=n_critic, members=members, steps=steps)
    return Config(**shared | own | settings)


def play(
    objective: str,
    n_critic: int,
    *,
    distribution: str = "ring",
    members: int,
    steps: int = 1000,
    looks: int = 1,
    **settings,
) -> History:
    """Play one of :data:`GAMES` on the ring of eight Gaussians or the grid of 25.

    Parameters
    ----------
    objective : str
    n_critic : int
        Critic steps a round.
    distribution : {"ring", "grid"}
    members, steps : int
    looks : int
        How often to look at the samples on the way, at equal distances.
    **settings
        Others of `gantut.training.Config` than those shared by all games.

    Returns
    -------
    History
        With 2500 samples a member at the beginning, at each look, and at the end.

    Raises
    ------
    ValueError
        If there is no such game or distribution, or a setting is not allowed.
    """
    config = game(objective, n_critic, members=members, steps=steps, **settings)
    _inputs.one_of("distribution", distribution, tuple(DISTRIBUTIONS))
    _inputs.count("looks", looks)
    return train(config, DISTRIBUTIONS[distribution](), samples=2500, evaluate_every=max(steps // looks, 1))


def coverage(history: History, distribution: str = "ring", *, points: int = 500) -> Coverage:
    """Measure what a population covers at the end: shapes (members,)."""
    samples, truth = history.samples[-1].double(), DISTRIBUTIONS[distribution]()
    found = metrics.mode_coverage(samples, truth)
    reference = truth.sample(points, generator=random_source(1))
    return Coverage(found.covered, found.high_quality_fraction, metrics.exact_w1(samples[:, :points], reference))


def mode_collapse() -> dict:
    """Every game on both distributions, with one critic step a round and with five."""
    rows = []
    for distribution in DISTRIBUTIONS:
        for objective in GAMES:
            for n_critic in (1, 5):
                history = play(objective, n_critic, distribution=distribution, members=at_scale(fast=32, full=64))
                found = coverage(history, distribution)
                row = {"distribution": distribution, "objective": objective, "n_critic": n_critic}
                rows.append(row | rounded_fields(found))
    return {"games": rows}


def grid_for_longer() -> dict:
    """Three games on the grid with five times as many steps: after 1000 of them the modes are not yet found."""
    rows = []
    for objective, n_critic in (("non-saturating", 1), ("non-saturating", 5), ("wgan-gp", 5)):
        members, steps = at_scale(fast=16, full=64), at_scale(fast=5000, full=20_000)
        found = coverage(play(objective, n_critic, distribution="grid", members=members, steps=steps), "grid")
        row = {"objective": objective, "n_critic": n_critic, "steps": steps}
        rows.append(row | rounded_fields(found))
    return {"games": rows}


def critic_steps() -> dict:
    """The non-saturating game on the ring, with more and more discriminator steps a round."""
    rows = []
    for n_critic in (1, 2, 5, 10):
        history = play("non-saturating", n_critic, members=at_scale(fast=32, full=64))
        found = coverage(history)
        row = {"n_critic": n_critic, "accuracy": rounded(discriminator_accuracy(history, ring()))}
        row["gradient"] = rounded(history.gradient_norms["generator"][-50:].median(0).values)
        rows.append(row | rounded_fields(found))
    return {"games": rows}


@torch.no_grad()
def discriminator_accuracy(history: History, distribution, *, n: int = 2000) -> torch.Tensor:
    """The share of fresh real and generated samples that the last discriminator tells apart, shape (members,)."""
    device = next(history.critic.parameters()).device
    real = distribution.sample(n, generator=random_source(2)).float().to(device)
    on_real, on_fake = (history.critic(x).squeeze(-1) for x in (real, history.sample(n, seed=10_000).to(device)))
    return ((on_real > 0).float().mean(1) + (on_fake < 0).float().mean(1)).cpu() / 2
