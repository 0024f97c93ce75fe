"""Generator and critic: plain networks as populations of one, and what is required of them."""

from typing import NamedTuple

import torch
from torch import nn

from gantut import lipschitz
from gantut._inputs import shape
from gantut.training._learners import only_looking

FAR = (-1000.0, -30.0, -1.0, 1.0, 30.0, 1000.0)  # factors: a score that is not bounded leaves [0, 1] at one of these


class OneMember(nn.Module):
    """A plain network, on (batch, ...), as a population of one, on (1, batch, ...); its scores get an axis."""

    members = 1

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        if callable(getattr(network, "features", None)):
            self.features = self._features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the network."""
        y = self.network(x.squeeze(0))
        return (y.unsqueeze(-1) if y.ndim == 1 else y).unsqueeze(0)

    def _features(self, x, *layers):
        scores, features = self.network.features(x.squeeze(0), *layers)
        several = isinstance(features, tuple | list)
        features = tuple(part.unsqueeze(0) for part in features) if several else features.unsqueeze(0)
        return (scores.unsqueeze(-1) if scores.ndim == 1 else scores).unsqueeze(0), features


def as_population(network: nn.Module, x: torch.Tensor, event: tuple[int, ...] | None = None) -> nn.Module:
    r"""Return a network that takes a members axis: a plain one is wrapped.

    Parameters
    ----------
    network : Module
        A plain one takes samples (batch, ...) to one row each, (batch, \*event), or scores (batch,) or (batch, n).
    x : tensor, shape (members, batch, ...)
    event : tuple of int, optional
        Of what a generator makes.
    """
    if len(x) > 1 or hasattr(network, "members"):
        return network
    with only_looking(network):
        try:
            y = network(x[0])
        except torch.cuda.OutOfMemoryError:
            raise
        except Exception:  # whatever it is, the network is asked again, with a members axis, and then it counts
            y = None
    if not isinstance(y, torch.Tensor) or y.shape[:1] != x.shape[1:2]:
        return network
    plain = y.ndim <= 2 if event is None else tuple(y.shape[1:]) == event
    return OneMember(network) if plain else network


def plain(network: nn.Module) -> nn.Module:
    """Return the network that the caller gave."""
    return network.network if isinstance(network, OneMember) else network


def samples_are_separate(network: nn.Module, x: torch.Tensor) -> bool:
    """Whether what a network makes of a sample depends on that sample alone: one is changed, to see."""
    try:
        lipschitz.require_separate_samples(_Total(network), x)
    except ValueError:
        return False
    return True


class _Total(nn.Module):
    """One number for each sample: a sum over all that a network makes of it, each part with a weight of its own."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        y = self.network(x).flatten(2)  # (members, batch, numbers)
        return (y * torch.linspace(1, 2, y.shape[-1]).to(y)).sum(-1, keepdim=True)


def stays_in_unit_interval(critic: nn.Module, x: torch.Tensor) -> bool:
    """Whether a critic's scores lie in [0, 1], however far its samples are: it ends in a sigmoid."""
    with only_looking(critic):
        return all(bool(((y := critic(factor * x)) >= 0).all() and (y <= 1).all()) for factor in FAR)


class Networks(NamedTuple):
    """Generator and critic, both with a members axis.

    Attributes
    ----------
    generator, critic : Module
    apart : (bool, bool)
        Of each, whether what it makes of a sample depends on that sample alone.
    fake : tensor, shape (members, some, *event)
        A few generated samples.
    """

    generator: nn.Module
    critic: nn.Module
    apart: tuple[bool, bool]
    fake: torch.Tensor


def require_networks(generator, critic, config, event: tuple[int, ...], outputs: int, device) -> Networks:
    """Require that latent_dim, generator, critic and data fit together, and return the networks.

    Raises
    ------
    ValueError
    """
    fixed = dict(generator=torch.Generator().manual_seed(0), device="cpu")
    noise = torch.randn(config.members, 4, config.latent_dim, **fixed).to(device)
    for name, network in (("generator", generator), ("critic", critic)):
        _require_parameters(name, network, config.members)
    generator = as_population(generator, noise, event)
    axes = "batch" if config.members == 1 else "members, batch"
    with only_looking(generator):
        fake = _applied("generator", generator, noise)
    if tuple(fake.shape) != (*noise.shape[:2], *event):
        raise ValueError(
            f"generator must turn noise ({axes}, {config.latent_dim}) into samples ({axes}, "
            f"{', '.join(map(str, event))}), as data has them, but gave shape {_shown(fake, config)} for noise of "
            f"shape {_shown(noise, config)}"
        )
    critic = as_population(critic, fake)
    with only_looking(critic):
        scores = _applied("critic", critic, fake)
        if tuple(scores.shape) != (*fake.shape[:2], outputs):
            raise ValueError(
                f"critic must return scores of shape ({axes}, {outputs}), not {_shown(scores, config)} for samples of "
                f"shape {_shown(fake, config)}"
            )
        if config.game.features:
            _require_features(critic, fake, config)
    if config.constraint is not None:
        config.constraint.require(critic, fake)
    return Networks(
        generator, critic, (samples_are_separate(generator, noise), samples_are_separate(critic, fake)), fake
    )


def _shown(x, config):
    """Return a shape as the caller knows it: without the axis of a single member."""
    return shape(x)[1:] if config.members == 1 and x.shape[:1] == (1,) else shape(x)


def _require_features(critic, x, config):
    """Require a critic that shows the layers that the generator is to match."""
    name, kind, trick = config.game.name, type(plain(critic)).__name__, config.feature_matching
    if not callable(getattr(critic, "features", None)):
        with_trick = " with feature_matching" if trick else ""
        raise ValueError(
            f"critic must have a method `features` for {name!r}{with_trick}, which returns scores and features "
            f"(members, batch, features), and {kind} has none"
        )
    try:
        features_of(critic, x, config)
    except TypeError as error:
        layers = trick.layers if trick else (-1,)
        raise ValueError(
            f"critic must have a method `features(x, layers)` for feature_matching with layers {layers}, and that of "
            f"{kind} fails: {error}"
        ) from error


def features_of(critic: nn.Module, x: torch.Tensor, config) -> tuple:
    """Return a critic's outputs, and the features that the game compares: see `gantut.networks.MLP`."""
    trick = config.feature_matching
    return critic.features(x) if trick is None or trick.layers == (-1,) else critic.features(x, trick.layers)


def _applied(name, network, x):
    try:
        return network(x)
    except torch.cuda.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError) as error:
        axes, given = ("batch, ...", shape(x)[1:]) if len(x) == 1 else ("members, batch, ...", shape(x))
        raise ValueError(f"{name} must take input of shape {given}, ({axes}), but failed: {error}") from error


def _require_parameters(name, network, members):
    """Require parameters to train, of each member its own."""
    parameters = {key: p for key, p in network.named_parameters() if p.requires_grad}
    if not parameters:
        raise ValueError(f"{name} must have parameters to train, and {type(plain(network)).__name__} has none")
    for key, parameter in parameters.items():
        if members > 1 and parameter.shape[:1] != (members,):
            raise ValueError(
                f"{name} must have parameters of shape (members, ...), each member its own, for {members} members, but "
                f"{key} has shape {shape(parameter)}"
            )
