"""Critics alone: trained between two distributions that stand still, so that there is a truth to hold them against."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from gantut import objectives
from gantut.device import draw_noise, random_source
from gantut.lipschitz import Constraint
from gantut.networks import MLP
from gantut.training import Game, Learner, learn

DRAWN = 50  # batches are drawn so many at once, which costs less than one by one


def train_critics(
    critic: nn.Module,
    draw: Callable[[], tuple[torch.Tensor, torch.Tensor]],
    *,
    constraint=None,
    steps: int,
    lr: float = 2e-3,
    seed: int = 0,
) -> nn.Module:
    r"""Train a population of critics between two fixed distributions, with a learning rate that falls to 0 linearly.

    .. math:: \max_f\ \mathbb E_{p_r}f - \mathbb E_{p_g}f - \text{penalty}(f)

    Parameters
    ----------
    critic : Module
        From (members, batch, d) to (members, batch, 1); trained in place.
    draw : function
        Returns a real and a generated batch, each of shape (members, batch, d).
    constraint : gantut.lipschitz.Constraint or None
        None for critics that are Lipschitz as they are made.
    steps : int
    lr : float
        Of Adam(0, 0.9), or of RMSProp under clipping.
    seed : int
        Of the random numbers of a penalty.

    Returns
    -------
    Module
        The critic.
    """
    clipped = constraint is not None and constraint.saturation(critic) is not None
    optimizer = (
        torch.optim.RMSprop(critic.parameters(), lr=lr)
        if clipped else torch.optim.Adam(critic.parameters(), lr=lr, betas=(0.0, 0.9))
    )  # fmt: skip
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    constraint, source = constraint or Constraint(), random_source(seed)
    game = Game(
        objectives.OBJECTIVES["wgan"], constraint, critic,
        generator=lambda drawn: drawn,  # a sampler: its noise are the samples
    )  # fmt: skip

    def draws():
        for _ in range(steps):
            real, fake = draw()  # (members, batch, d)
            mixing = constraint.draws(tuple(real.shape[2:]))
            drawn = {"data": real[:, None], "noise": fake[:, None]}  # (members, 1, batch, d)
            if mixing:
                kind, shape = mixing
                drawn["mixing"] = draw_noise(kind, (len(real), 1, real.shape[1], *shape), source).to(real)
            yield drawn

    learner = Learner(
        critic, optimizer, game.critic_loss, game.critic_batches,
        after_step=[partial(constraint.after_step, critic), schedule.step],
    )  # fmt: skip
    learn([learner], draws())
    return critic


def wasserstein_loss(critic: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Minus what the critic reports between two batches, shape (members,)."""
    scores = critic(torch.cat([real, fake], 1)).squeeze(-1)  # (members, 2 batch)
    return objectives.wasserstein_critic_loss(*scores.split([real.shape[1], fake.shape[1]], 1))


def draws_from(real, fake, *, members: int, batch_size: int, seed: int = 0, device="cpu") -> Callable:
    """Return a function that draws a batch (members, batch_size, d) of either distribution, in single precision."""
    source = random_source(seed)
    waiting = []

    def draw():
        if not waiting:
            several = (
                distribution.sample((DRAWN, members, batch_size), generator=source).float().to(device)
                for distribution in (real, fake)
            )
            waiting.extend(zip(*several, strict=True))
        return waiting.pop()

    return draw


def gaussian_generator(members: int, *, mean=(0.0, 0.0), scale: float = 1.0) -> MLP:
    """Return a generator whose samples are isotropic Gaussians: one linear layer with given weights.

    Examples
    --------
    >>> generator = gaussian_generator(2, mean=(1.0, -1.0))
    >>> generator(torch.zeros(1, 2)).tolist()
    [[[1.0, -1.0]], [[1.0, -1.0]]]
    """
    generator = MLP([len(mean), len(mean)], members=members)
    with torch.no_grad():
        generator.weights[0].copy_(scale * torch.eye(len(mean)))
        generator.biases[0].copy_(torch.tensor(mean))
    return generator


def saturated_share(critic: MLP, bound: float, *, within: float = 0.01) -> torch.Tensor:
    """The share of a clipped critic's weights that reach a bound, but for a fraction `within` of it: (members,)."""
    weights = torch.cat([weight.detach().flatten(1) for weight in critic.weights], 1)
    return (weights.abs() >= (1 - within) * bound).double().mean(1)


def linear_share(values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    r"""The share :math:`R^2` of a function's variance on points that its best linear fit explains.

    Parameters
    ----------
    values : tensor, shape (members, n)
    x : tensor, shape (n, d)

    Returns
    -------
    tensor, shape (members,)
    """
    design = torch.cat([x, torch.ones_like(x[:, :1])], 1).double()
    values = values.double()
    fitted = values @ torch.linalg.pinv(design).T @ design.T
    return 1 - (values - fitted).square().mean(1) / values.var(1, correction=0)
