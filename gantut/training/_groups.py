"""Groups of members that are trained together: their learners, their random draws, and the game between them."""

import copy
from collections.abc import Sequence
from functools import partial
from itertools import islice

import torch
from torch.func import functional_call

from gantut import lipschitz, objectives
from gantut.networks import MLP
from gantut.training._algorithm import Game, iterate, learn
from gantut.training._config import Config
from gantut.training._data import Data
from gantut.training._learners import Parameters, PopulationLearner
from gantut.training._networks import Networks, features_of
from gantut.training._parallel import DataParallel
from gantut.training._precision import passed
from gantut.training._replay import CUDAGraphStep
from gantut.training._streams import EpochStream, FadingStream, Stream, noise_stream
from gantut.training._strength import Strength
from gantut.training._unrolling import look_ahead

# Members are trained so many at a time that a layer's activations (members x batch x width numbers) stay in the cache.
CACHE_NUMBERS = 2**18


class Group:
    """Members first, ..., last - 1 of a population, and everything that their next step depends on.

    Parameters
    ----------
    config : Config
    first : int
    generator, critic : Parameters
    streams : dict of Stream
        Of "data", "noise" and, where the constraint or a trick asks for them, "mixing", "instance noise",
        "augmentation", "labelled" and "labels".
    apart : (bool, bool)
        Whether samples do not see each other in generator and critic.
    parallel : DataParallel, optional
        How batches are divided among processes, where they are.
    amp, graph : bool
        Whether the networks' passes take their products in bfloat16; and whether steps are captured and replayed.
    """

    def __init__(
        self,
        config: Config,
        first: int,
        generator: Parameters,
        critic: Parameters,
        streams: dict[str, Stream],
        apart: tuple[bool, bool],
        *,
        parallel: DataParallel | None = None,
        amp: bool = False,
        graph: bool = False,
    ):
        self.config, self.first, self.last, self.members = config, first, first + generator.members, generator.members
        self.streams, self.parallel, self.amp = streams, parallel, amp
        constraint = config.constraint or lipschitz.Constraint()
        self.game = Game(
            config.game, constraint, critic.network, generator.network, n_critic=config.n_critic,
            features=self.score_features if config.game.features else None,
            look_ahead=self.look_ahead if config.unrolled else None,
            joined=apart[1] and not config.game.features, batched=apart[0],
        )  # fmt: skip
        if amp:
            self.game.forward = partial(passed, amp=True)
        if "labels" in streams:
            self.game.scores_of = objectives.class_score
        if {"instance noise", "augmentation"} & streams.keys():
            self.game.shown = self.shown
        self.strength = None
        if config.adaptive_augmentation:
            device, average = generator.values.device, parallel and parallel.average
            self.strength = Strength(config.adaptive_augmentation, self.members, config.batch_size, device, average)
            self.game.seen = self.strength.follow
        own = dict(pull=config.historical_averaging, exchange=parallel and parallel.average)
        self.critic = PopulationLearner(
            critic, config.critic_optimizer, loss=self.game.critic_loss, batches=self.game.critic_batches,
            after_step=[partial(constraint.after_step, critic.network)],
            weights={"supervised": config.supervised_weight}, **own,
        )  # fmt: skip
        self.generator = PopulationLearner(
            generator, config.optimizer, loss=self.game.generator_loss, decay=config.ema, **own
        )
        self.learners = [self.critic, self.generator] if config.learn_generator else [self.critic]
        self.step = partial(iterate, self.learners)
        if graph:
            self.step = CUDAGraphStep(self.step, self.memory)
        self.frozen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # rows to which members are held

    def memory(self) -> list[torch.Tensor]:
        """Return all tensors that a step changes in place."""
        own = self.strength.state.values() if self.strength else ()
        return [*own, *(tensor for learner in (self.generator, self.critic) for tensor in learner.memory())]

    def advance(self, steps: int, *, record_every: int, done: int) -> dict[str, list[torch.Tensor]]:
        """Take `steps` steps after the `done` ones before.

        Returns
        -------
        dict of lists of tensors, shape (members,)
            Losses and norms of gradients in every step that `record_every` divides.
        """
        record = {}
        self.game.taken = done * self.config.n_critic

        def watch(step, losses):
            self.hold()
            if (done + step) % record_every:
                return
            if self.parallel:
                losses = {name: self.parallel.average(loss) for name, loss in losses.items()}
            if self.strength:
                losses["augmentation"] = self.strength.state["probability"]
            for name, learner in zip(("critic", "generator"), self.learners, strict=False):
                losses[f"{name} gradient"] = learner.gradient_norms()
            for name, loss in losses.items():
                record.setdefault(name, []).append(loss.clone())  # a replayed step writes into the same memory again

        learn(self.learners, islice(self.draws(), steps), step=self.step, watch=watch)
        return record

    def draws(self):
        """Yield what each step uses, as long as somebody asks."""
        while True:
            drawn = {name: stream.next() for name, stream in self.streams.items()}
            yield {name: self.parallel.share(name, x) for name, x in drawn.items()} if self.parallel else drawn

    # ---- What the game is made of ----------------------------------------------------------------------------

    def shown(self, x: torch.Tensor, draws: dict, k: int, generated: bool) -> torch.Tensor:
        """Return what the critic is shown in place of samples (members, batch, *event) in step k; -1 is the last."""
        if "instance noise" in draws:  # (members, n_critic + 1, 2, batch, *event)
            x = x + draws["instance noise"][:, k, int(generated)]
        if "augmentation" in draws:  # (members, n_critic + 1, 2, batch, numbers)
            probability = self.strength.state["probability"] if self.strength else None
            x = self.config.augmentation.apply(x, draws["augmentation"][:, k, int(generated)], probability)
        return x

    def score_features(self, x: torch.Tensor) -> tuple:
        """Return scores and, for the whole batch, the features that the game compares."""
        outputs, features = passed(partial(features_of, self.game.critic, config=self.config), x, amp=self.amp)
        return self.game.scores_of(outputs), self.parallel.collect(features) if self.parallel else features

    def look_ahead(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the scores of both batches by the critic to come."""
        return look_ahead(self.critic, self.config, self.game.constraint, real, fake)

    def show(self, noise: torch.Tensor) -> torch.Tensor:
        """Return samples for evaluation: of the average generator, where there is one."""
        average, parameters = self.generator.averages.get("exponential"), self.generator.parameters
        if average is None:
            return parameters.network(noise)
        return functional_call(parameters.network, parameters.named(average), (noise,))

    # ---- Members that diverged ---------------------------------------------------------------------------------

    def copy(self) -> tuple:
        """Return what :meth:`freeze` may put back."""
        return self.generator.parameters.copy(), self.critic.parameters.copy()

    def diverged(self, losses: dict[str, list[torch.Tensor]]) -> list[int]:
        """Return the rows of members that have just come to numbers that are not finite."""
        finite = torch.isfinite(self.generator.values).all(1) & torch.isfinite(self.critic.values).all(1)
        for rows in losses.values():
            finite &= torch.isfinite(torch.stack(rows)).all(0)
        return [row for row in (~finite.cpu()).nonzero().squeeze(1).tolist() if row not in self.frozen]

    def freeze(self, rows: Sequence[int], good: tuple) -> None:
        """Put members back to where they were good, and hold them there from now on."""
        for row in rows:
            self.frozen[row] = tuple(before.values[row].clone() for before in good)
        self.hold()
        if len(self.frozen) == self.members:  # buffers belong to all members together
            for learner, before in zip((self.generator, self.critic), good, strict=True):
                learner.put_buffers(before.buffers)

    def hold(self) -> None:
        """Put members that are held back to where they are held."""
        for row, (generator, critic) in self.frozen.items():
            self.generator.put(row, generator)
            self.critic.put(row, critic)

    # ---- What is saved ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict:
        """Return all that the next step depends on, but for the networks."""
        return {
            "learners": {"generator": self.generator.state_dict(), "critic": self.critic.state_dict()},
            "streams": {name: stream.state_dict() for name, stream in self.streams.items()},
            "frozen": {self.first + row: held for row, held in self.frozen.items()},
        } | ({"strength": self.strength.state} if self.strength else {})

    def load_state_dict(self, state: dict) -> None:
        """Go on from the state of a whole population, whatever groups it was in."""
        rows = slice(self.first, self.last)
        for name in ("generator", "critic"):
            getattr(self, name).load_state_dict(_part(state["learners"][name], rows))
        for name, stream in self.streams.items():
            stream.load_state_dict(_part(state["streams"][name], rows))
        for name, rows_of_all in state["strength"].items() if self.strength else ():
            self.strength.state[name].copy_(rows_of_all[rows])
        held = {int(member) - self.first: rows for member, rows in state["frozen"].items()}
        self.frozen = {row: tuple(parts) for row, parts in held.items() if 0 <= row < self.members}
        self.hold()


def merged(states: list) -> object:
    """Return the states of all groups as one, in copies: rows of members one after another, the rest from the first."""
    first = states[0]
    if isinstance(first, dict):
        keys = list(dict.fromkeys(key for state in states for key in state))
        return {key: merged([state[key] for state in states if key in state]) for key in keys}
    return torch.cat(states) if _has_rows(first) else copy.deepcopy(first)


def _part(state, rows):
    """Return some members' part of a state, sharing nothing with the others': optimizers count their steps in place."""
    if isinstance(state, dict):
        return {name: _part(value, rows) for name, value in state.items()}
    return state[rows].clone() if _has_rows(state) else copy.deepcopy(state)


def _has_rows(value):
    return isinstance(value, torch.Tensor) and value.ndim > 0


# ---- From a run to its groups ------------------------------------------------------------------------------------


def shard_members(
    config: Config,
    data: Data,
    networks: Networks,
    *,
    device,
    workers: int = 1,
    labelled: tuple[torch.Tensor, torch.Tensor] | None = None,
    parallel: DataParallel | None = None,
    **options,
) -> list[Group]:
    """Divide a population into groups that are trained side by side, on the memory of the whole.

    Members do not see each other, so this changes no number: only how much is computed at once. Further options are
    those of :class:`Group`.
    """
    both, size = (networks.generator, networks.critic), config.members
    whole = [Parameters(network, config.members) for network in both]
    if all(isinstance(network, MLP) for network in both) and torch.device(device).type == "cpu":
        size = _members_at_once(config, *both, workers)
    groups = []
    for first in range(0, config.members, size):
        last = min(first + size, config.members)
        parts = whole if size == config.members else [all_.between(first, last) for all_ in whole]
        streams = _streams(config, data, labelled, slice(first, last), device)
        groups.append(Group(config, first, *parts, streams, networks.apart, parallel=parallel, **options))
    return groups


def _members_at_once(config, generator, critic, workers):
    widest = max(*generator.widths, *critic.widths)
    fit = max(CACHE_NUMBERS // (2 * config.batch_size * widest), 1)  # real and generated samples go together
    share = -(-config.members // workers)
    return max(min(fit, share), 1)


def _streams(config, data, labelled, members, device):
    def seeds(purpose) -> Sequence[int]:
        return config.seeds(purpose)[members]

    sees_real = config.game.features or config.game.relative or config.unrolled > 0
    critic_steps, batch = config.n_critic, config.batch_size
    both = (critic_steps + 1, 2, batch)  # for real and for generated samples
    streams = {
        "data": data.stream(critic_steps + sees_real, batch, seeds("data"), device),
        "noise": noise_stream(config.noise, (critic_steps + 1, batch, config.latent_dim), seeds("noise"), device),
    }
    mixing = config.constraint and config.constraint.draws(data.event)
    if mixing:
        kind, shape = mixing
        streams["mixing"] = noise_stream(kind, (critic_steps, batch, *shape), seeds("mixing"), device)
    if config.instance_noise:
        scale = partial(config.instance_noise.scale_at, steps=config.steps)
        streams["instance noise"] = FadingStream(scale, (*both, *data.event), seeds("instance noise"), device)
    if config.augmentation and config.augmentation.changes:
        kind, shape = config.augmentation.draws(data.event, gated=config.adaptive_augmentation is not None)
        streams["augmentation"] = noise_stream(kind, (*both, *shape), seeds("augmentation"), device)
    if labelled is not None:
        for name, part in zip(("labelled", "labels"), labelled, strict=True):  # the same seeds: in the same order
            some = min(batch, part.shape[1])
            streams[name] = EpochStream(part[members], critic_steps, some, seeds("labelled"), device, own=True)
    return streams
