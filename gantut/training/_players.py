"""The two players of a game with all that belongs to them: networks, optimizers, random draws."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.func import functional_call

from gantut import objectives
from gantut.networks import MLP
from gantut.training._config import Config
from gantut.training._parallel import OwnShare, Shares
from gantut.training._parameters import Parameters
from gantut.training._precision import passed
from gantut.training._replay import CUDAGraphStep
from gantut.training._streams import FadingStream, OwnEpochStream, Stream, data_stream, noise_stream

# Members are trained so many at a time that a layer's activations (members x batch x width numbers) stay in the cache.
CACHE_NUMBERS = 2**18


@dataclass
class Players:
    """Some members of a population, ready to play.

    Attributes
    ----------
    config : Config
    first, last : int
        These are members first, ..., last - 1 of the population.
    generator, critic : Parameters
    generator_optimizer, critic_optimizer : torch.optim.Optimizer
    streams : dict of Stream
        Of "data", "noise" and, where a penalty or a trick asks for them, "mixing", "instance noise", "augmentation",
        "labelled" and "labels".
    classes : int, optional
        How many real classes the critic tells apart, where it does.
    shares : Shares, optional
        How batches are shared out over processes, where they are.
    replayed : CUDAGraphStep, optional
        Plays a round from its recording; made by the conductor on CUDA.
    amp : bool
        Whether the networks' passes take their products in bfloat16.
    """

    config: Config
    first: int
    last: int
    generator: Parameters
    critic: Parameters
    generator_optimizer: torch.optim.Optimizer
    critic_optimizer: torch.optim.Optimizer
    streams: dict[str, Stream]
    classes: int | None = None
    shares: Shares | None = None
    replayed: CUDAGraphStep | None = None
    amp: bool = False

    def __post_init__(self):
        self.objective = self.config.game
        self.frozen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    @property
    def members(self) -> int:
        """How many."""
        return self.last - self.first

    def memory(self) -> list[torch.Tensor]:
        """Return all tensors that a round changes in place: on CUDA, rounds are replayed on this memory."""
        tensors = []
        for player, optimizer in ((self.generator, self.generator_optimizer), (self.critic, self.critic_optimizer)):
            tensors += [player.values, player.gradient, *player.network.buffers(), *player.averages.values()]
            states = optimizer.state.values()
            tensors += [value for state in states for value in state.values() if isinstance(value, torch.Tensor)]
        return tensors

    def generate(self, noise: torch.Tensor) -> torch.Tensor:
        """Return generated samples, shape (members, batch, \\*event)."""
        return passed(self.generator.network, noise, amp=self.amp)

    def show(self, noise: torch.Tensor) -> torch.Tensor:
        """Return samples for evaluation: of the average generator, where there is one."""
        average = self.generator.averages.get("exponential")
        if average is None:
            return self.generator.network(noise)
        return functional_call(self.generator.network, self.generator.named(average), (noise,))

    def score(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | tuple[torch.Tensor, ...] | None]:
        """Return the critic's scores of samples (members, batch, \\*event), and features where they are compared."""
        if not self.objective.features:
            return self.scores(passed(self.critic.network, x, amp=self.amp)), None
        outputs, features = passed(partial(features_of, self.critic.network), x, self.config, amp=self.amp)
        return self.scores(outputs), self.shares.collect(features) if self.shares else features

    def scores(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return the scores (members, batch) that a critic's outputs (members, batch, 1 or classes) stand for."""
        return outputs.squeeze(-1) if self.classes is None else objectives.class_score(outputs)

    def score_both(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the critic's scores of both batches, in one pass where samples do not see each other."""
        if self.objective.features or not samples_are_separate(self.critic.network):
            return self.score(real)[0], self.score(fake)[0]
        scores, _ = self.score(torch.cat([real, fake], 1))  # (members, 2 batch)
        return scores.split([real.shape[1], fake.shape[1]], 1)

    def freeze(self, member: int, generator: torch.Tensor, critic: torch.Tensor) -> None:
        """Hold a member's parameters at these rows from now on."""
        self.frozen[member] = (generator.clone(), critic.clone())
        self.hold()

    def hold(self) -> None:
        """Put members that are held back to where they are held."""
        for member, (generator, critic) in self.frozen.items():
            self.generator.put(member, generator)
            self.critic.put(member, critic)


def features_of(critic: nn.Module, x: torch.Tensor, config: Config) -> tuple:
    """Return what a critic says of samples, and the features that the game compares: see `gantut.networks.MLP`."""
    trick = config.feature_matching
    return critic.features(x) if trick is None or trick.layers == (-1,) else critic.features(x, trick.layers)


def average_generator(groups: list[Players], generator: nn.Module) -> nn.Module | None:
    """Return a copy of the generator with the averages of its parameters; None where none are kept."""
    if "exponential" not in groups[0].generator.averages:
        return None
    average = copy.deepcopy(generator)
    parameters = [p for p in average.parameters() if p.requires_grad]
    named = [group.generator.named(group.generator.averages["exponential"]).values() for group in groups]
    with torch.no_grad():
        for parameter, *parts in zip(parameters, *named, strict=True):
            parameter.copy_(torch.cat(parts).reshape(parameter.shape))
    return average


def samples_are_separate(network: nn.Module) -> bool:
    """Whether a network treats each sample by itself; one of a caller's own may say so in an attribute of that name."""
    return getattr(network, "samples_are_separate", isinstance(network, MLP))


def shard_members(
    config: Config,
    data,
    generator: nn.Module,
    critic: nn.Module,
    *,
    device,
    workers: int,
    labelled=None,
    shares: Shares | None = None,
) -> list[Players]:
    """Split a population into groups that are trained side by side, on the memory of the whole.

    Members do not see each other, so the split changes no number: only how much is computed at once.
    """
    make = partial(_players, config, data, labelled, device=device, shares=shares)
    whole = [Parameters(network, config.members) for network in (generator, critic)]
    if not (isinstance(generator, MLP) and isinstance(critic, MLP)) or torch.device(device).type == "cuda":
        return [make(0, config.members, *whole)]
    size = _members_at_once(config, generator, critic, workers)
    groups = []
    for first in range(0, config.members, size):
        last = min(first + size, config.members)
        parts = [
            Parameters(all_.network.members_between(first, last), last - first, all_.values[first:last])
            for all_ in whole
        ]
        groups.append(make(first, last, *parts))
    return groups


def _members_at_once(config, generator, critic, workers):
    widest = max(*generator.widths, *critic.widths)
    fit = max(CACHE_NUMBERS // (2 * config.batch_size * widest), 1)  # real and generated samples go together
    share = -(-config.members // workers)
    return max(min(fit, share), 1)


def _players(config, data, labelled, first, last, generator, critic, *, device, shares):
    def seeds(purpose) -> Sequence[int]:
        return config.seeds(purpose)[first:last]

    sees_real = config.game.features or config.unrolled > 0
    event = tuple(data.shape[1:] if isinstance(data, torch.Tensor) else data.event_shape)
    streams = {
        "data": data_stream(data, config.n_critic + sees_real, config.batch_size, seeds("data"), device),
        "noise": noise_stream(
            config.noise, (config.n_critic + 1, config.batch_size, config.latent_dim), seeds("noise"), device
        ),
    }
    if config.constraint and config.constraint.draws(event):
        kind, shape = config.constraint.draws(event)
        streams["mixing"] = noise_stream(kind, (config.n_critic, config.batch_size, *shape), seeds("mixing"), device)
    if config.instance_noise:
        scale = partial(config.instance_noise.scale_at, steps=config.steps)
        shape = (config.n_critic + 1, 2, config.batch_size, *event)  # for real and for generated samples
        streams["instance noise"] = FadingStream(scale, shape, seeds("instance noise"), device)
    if config.augmentation and config.augmentation.changes:
        kind, shape = config.augmentation.draws(event)
        shape = (config.n_critic + 1, 2, config.batch_size, *shape)  # for real and for generated samples
        streams["augmentation"] = noise_stream(kind, shape, seeds("augmentation"), device)
    if labelled is not None:
        for name, part in zip(("labelled", "labels"), labelled, strict=True):  # the same seeds: in the same order
            own, batch = part[first:last], min(config.batch_size, part.shape[1])
            streams[name] = OwnEpochStream(own, config.n_critic, batch, seeds("labelled"), device)
    if shares:
        streams = {name: OwnShare(name, stream, shares) for name, stream in streams.items()}
        generator.exchange = critic.exchange = shares.average
    if config.historical_averaging:
        for player in (generator, critic):
            player.pull_to_history(config.historical_averaging)
    if config.ema:
        generator.average_exponentially(config.ema)
    return Players(
        config, first, last, generator, critic,
        config.optimizer.build([generator.leaf]), config.critic_optimizer.build([critic.leaf]), streams,
        None if labelled is None else int(labelled[1].max()) + 1, shares,
    )  # fmt: skip
