"""The two players of a game with all that belongs to them: networks, optimisers, random draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from gantut import lipschitz, objectives
from gantut.networks import MLP
from gantut.training._config import Config
from gantut.training._parameters import Parameters
from gantut.training._replay import Replayed
from gantut.training._streams import Stream, data_stream, noise_stream

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
    generator_optimiser, critic_optimiser : torch.optim.Optimizer
    streams : dict of Stream
        Of "data", "noise" and, where a penalty asks for it, "mixing".
    replayed : Replayed, optional
        Plays a round from its recording; made by the conductor on CUDA.
    """

    config: Config
    first: int
    last: int
    generator: Parameters
    critic: Parameters
    generator_optimiser: torch.optim.Optimizer
    critic_optimiser: torch.optim.Optimizer
    streams: dict[str, Stream]
    replayed: Replayed | None = None

    def __post_init__(self):
        self.objective = objectives.objective(self.config.objective)
        self.frozen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    @property
    def members(self) -> int:
        """How many."""
        return self.last - self.first

    def memory(self) -> list[torch.Tensor]:
        """Return all tensors that a round changes in place: on CUDA, rounds are replayed on this memory."""
        tensors = []
        for player, optimiser in ((self.generator, self.generator_optimiser), (self.critic, self.critic_optimiser)):
            tensors += [player.values, player.gradient, *player.network.buffers()]
            states = optimiser.state.values()
            tensors += [value for state in states for value in state.values() if isinstance(value, torch.Tensor)]
        return tensors

    def generate(self, noise: torch.Tensor) -> torch.Tensor:
        """Return generated samples, shape (members, batch, \\*event)."""
        return self.generator.network(noise)

    def judge(self, x: torch.Tensor) -> objectives.Judgement:
        """Return what the critic says of samples (members, batch, \\*event)."""
        if self.objective.features:
            scores, features = self.critic.network.features(x)
            return objectives.Judgement(scores.squeeze(-1), features)
        return objectives.Judgement(self.critic.network(x).squeeze(-1))

    def judge_both(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[objectives.Judgement, objectives.Judgement]:
        """Return what the critic says of both batches, in one pass where samples do not see each other."""
        if self.objective.features or not isinstance(self.critic.network, MLP):
            return self.judge(real), self.judge(fake)
        scores = self.judge(torch.cat([real, fake], 1)).scores  # (members, 2 batch)
        return tuple(objectives.Judgement(part) for part in scores.split([real.shape[1], fake.shape[1]], 1))

    def freeze(self, member: int, generator: torch.Tensor, critic: torch.Tensor) -> None:
        """Hold a member's parameters at these rows from now on."""
        self.frozen[member] = (generator.clone(), critic.clone())
        self.hold()

    def hold(self) -> None:
        """Put members that are held back to where they are held."""
        for member, (generator, critic) in self.frozen.items():
            self.generator.values[member].copy_(generator)
            self.critic.values[member].copy_(critic)


def cohorts(config: Config, data, generator: nn.Module, critic: nn.Module, *, device, workers: int) -> list[Players]:
    """Split a population into groups that are trained side by side, on the memory of the whole.

    Members do not see each other, so the split changes no number: only how much is computed at once.
    """
    whole = [Parameters(network, config.members) for network in (generator, critic)]
    if not (isinstance(generator, MLP) and isinstance(critic, MLP)) or torch.device(device).type == "cuda":
        return [_players(config, data, 0, config.members, *whole, device=device)]
    size = _members_at_once(config, generator, critic, workers)
    groups = []
    for first in range(0, config.members, size):
        last = min(first + size, config.members)
        parts = [
            Parameters(all_.network.members_between(first, last), last - first, all_.values[first:last])
            for all_ in whole
        ]
        groups.append(_players(config, data, first, last, *parts, device=device))
    return groups


def _members_at_once(config, generator, critic, workers):
    widest = max(*generator.widths, *critic.widths)
    fit = max(CACHE_NUMBERS // (2 * config.batch * widest), 1)  # real and generated samples go together
    share = -(-config.members // workers)
    return max(min(fit, share), 1)


def _players(config, data, first, last, generator, critic, *, device):
    def seeds(purpose) -> Sequence[int]:
        return config.seeds(purpose)[first:last]

    sees_real = objectives.objective(config.objective).features or config.unrolled > 0
    streams = {
        "data": data_stream(data, config.n_critic + sees_real, config.batch, seeds("data"), device),
        "noise": noise_stream(
            config.noise, (config.n_critic + 1, config.batch, config.noise_size), seeds("noise"), device
        ),
    }
    if isinstance(config.constraint, lipschitz.GradientPenalty):
        kind, shape = config.constraint.mixing(data.shape[1:] if isinstance(data, torch.Tensor) else data.event_shape)
        streams["mixing"] = noise_stream(kind, (config.n_critic, config.batch, *shape), seeds("mixing"), device)
    return Players(
        config, first, last, generator, critic,
        config.optimiser.build([generator.leaf]), config.critic_optimiser.build([critic.leaf]), streams,
    )  # fmt: skip
