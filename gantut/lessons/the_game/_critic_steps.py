"""How many steps a discriminator takes, and how well it then tells samples apart."""

import torch

from gantut.data import ring
from gantut.device import random_source
from gantut.lessons._records import rounded, rounded_fields
from gantut.lessons.toy_gans import coverage, train_toy_gan
from gantut.training import History


def critic_steps(**sizes) -> dict:
    """The non-saturating game on the ring, with more and more discriminator steps; sizes as `train_toy_gan`."""
    rows = []
    for n_critic in (1, 2, 5, 10):
        history = train_toy_gan("non-saturating", n_critic, **sizes)
        found = coverage(history)
        row = {"n_critic": n_critic, "accuracy": rounded(discriminator_accuracy(history, ring()))}
        row["gradient"] = rounded(history.gradient_norms["generator"][-50:].median(0).values)
        rows.append(row | rounded_fields(found))
    return {"games": rows}


@torch.no_grad()
def discriminator_accuracy(history: History, distribution, *, n: int = 2000) -> torch.Tensor:
    """Return the fraction of fresh samples, real and generated, that the final discriminator classifies correctly.

    Parameters
    ----------
    history : History
    distribution : Distribution
        That of the real samples.
    n : int
        How many samples of each kind.

    Returns
    -------
    tensor, shape (members,)
    """
    device = next(history.critic.parameters()).device
    real = distribution.sample(n, generator=random_source(2)).float().to(device)
    on_real, on_fake = (history.critic(x).squeeze(-1) for x in (real, history.sample(n, seed=10_000).to(device)))
    return ((on_real > 0).float().mean(1) + (on_fake < 0).float().mean(1)).cpu() / 2
