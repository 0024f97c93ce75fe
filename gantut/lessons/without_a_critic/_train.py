"""One generator, trained in many ways: by distances of batches, by games, and as the velocity of a flow."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import nn

from gantut import _inputs
from gantut.data import Distribution
from gantut.device import random_source
from gantut.flows import Velocity, flow, flow_matching_loss
from gantut.lessons.toy_gans import game_config
from gantut.networks import MLP
from gantut.training import Architecture, Config, Optimizer, train
from gantut.transport import c_transform, emd_points, minibatch_coupling, sinkhorn_divergence, sliced_wasserstein

LATENT = 32
RATE = 2e-3  # of every method: nothing is tuned
BLUR = 0.1  # the weight of entropy, in units of the mean distance of the data from their mean
DIRECTIONS = 64
FLOW_STEPS = 20

# Distances of batches of generated samples and of data, (members, n, d) each: shape (members,).
DISTANCES: dict[str, Callable] = {
    "exact W1": lambda x, y, source: emd_points(x, y).value,
    "Sinkhorn divergence": lambda x, y, source: sinkhorn_divergence(x, y, reg=BLUR * _spread(y), tol=1e-2),
    "sliced W1": lambda x, y, source: sliced_wasserstein(x, y, DIRECTIONS, generator=source),
    "IMLE": lambda x, y, source: c_transform(x.new_zeros(x.shape[:-1]), x, y, p=2).mean(-1),
}
GAMES = {
    "WGAN-GP": dict(objective="wgan-gp", n_critic=5),
    "pairs, R1 and R2": dict(
        objective="relativistic", constraint={"name": "zero-centred-penalty", "weight": 0.1, "at": "both"}
    ),
}
COUPLINGS: dict[str, Callable] = {
    "flow, independent": lambda noise, data: data,
    "flow, coupled": minibatch_coupling,
}
METHODS = (*DISTANCES, *GAMES, *COUPLINGS)


class Trained(NamedTuple):
    """A population at the end of its training.

    Attributes
    ----------
    network : Module
        The generator, or a velocity.
    samples : tensor, shape (looks, members, n, d)
        On the way and at the end, from noise that stays the same.
    noise : tensor, shape (members, n, LATENT) or (members, n, d)
    critic : Module or None
    """

    network: nn.Module
    samples: torch.Tensor
    noise: torch.Tensor
    critic: nn.Module | None = None


def train_method(
    name: str, data: Distribution | torch.Tensor, *, members: int, steps: int, width: int = 64, batch: int = 64,
    looks: int = 1, points: int = 500,
) -> Trained:  # fmt: skip
    """Train a population by one of :data:`METHODS`, all from the same generators, but for flows.

    A flow's network has the same hidden layers; it starts from noise of the dimension of the data.

    Parameters
    ----------
    name : str
    data : Distribution or tensor, shape (n, d)
    members, steps, width, batch : int
    looks, points : int
        How often to draw samples, and how many of each member.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If there is no such method.

    Examples
    --------
    >>> from gantut.data import ring
    >>> train_method("sliced W1", ring(), members=2, steps=2).samples.shape
    torch.Size([1, 2, 500, 2])
    """
    _inputs.one_of("name", name, METHODS)
    config = _config(name, members, steps, width, batch)
    if name in GAMES:
        history = train(config, data, samples=points, evaluate_every=max(steps // looks, 1), progress=False)
        noise = torch.randn(members, points, LATENT, generator=random_source(1))
        return Trained(history.generator, history.samples[1:], noise, history.critic)
    source = random_source(0)
    d = (data.event_shape if isinstance(data, Distribution) else data.shape[1:])[0]
    if name in DISTANCES:
        network, inputs = config.build("generator", LATENT, d), LATENT

        def loss(noise, real):
            return DISTANCES[name](network(noise), real, source)

        draw = network
    else:
        inputs, network = d, Velocity(MLP([d + 1, width, width, d], members=members))

        def loss(noise, real):
            times = torch.rand(noise.shape[:-1], generator=source)
            return flow_matching_loss(network, noise, COUPLINGS[name](noise, real), times)

        def draw(noise):
            return flow(network, noise, steps=FLOW_STEPS)

    kept = torch.randn(members, points, inputs, generator=random_source(1))
    optimizer, samples = torch.optim.Adam(network.parameters(), lr=RATE), []
    for step in range(1, steps + 1):
        noise = torch.randn(members, batch, inputs, generator=source)
        optimizer.zero_grad()
        loss(noise, _batch(data, members, batch, source)).sum().backward()
        optimizer.step()
        if step % max(steps // looks, 1) == 0:
            with torch.no_grad():
                samples.append(draw(kept))
    return Trained(network, torch.stack(samples), kept)


def _config(name, members, steps, width, batch) -> Config:
    """The configuration of a game; every generator is the one that it makes."""
    own = GAMES.get(name, GAMES["WGAN-GP"])
    layers = Architecture((width, width))
    shared = dict(
        generator=layers,
        critic=layers,
        latent_dim=LATENT,
        batch_size=batch,
        optimizer=Optimizer("adam", RATE, betas=(0.0, 0.9)),
    )
    return replace(game_config("wgan-gp", 1, members=members, steps=steps, **shared), **own)


def _batch(data, members, batch, source):
    if isinstance(data, Distribution):
        return data.sample((members, batch), generator=source).float()
    return data[torch.randint(len(data), (members, batch), generator=source)]


def _spread(y):
    """The mean distance of points from their mean."""
    return float((y - y.mean(-2, keepdim=True)).norm(dim=-1).mean())
