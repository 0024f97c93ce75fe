"""The conductor of a training run: when to look, when to keep, when to stop."""

import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from gantut import _inputs
from gantut.device import choose_device
from gantut.training._algorithm import advance, play_round
from gantut.training._config import Config
from gantut.training._history import History, Records
from gantut.training._parallel import Shares
from gantut.training._parameters import only_looking
from gantut.training._players import average_generator, features_of, shard_members
from gantut.training._precision import require_amp
from gantut.training._replay import CUDAGraphStep, tensor_cores
from gantut.training._resume import Keeper, fingerprint
from gantut.training._streams import noise_stream
from gantut.training._tricks import checked_labelled, require_layers, set_references

CHECKED = 50  # a loss that is no number is noticed within this many steps
RECORDS, EVALUATIONS = 200, 20  # a run is recorded and evaluated about so often, unless something else is asked for


class Diverged(UserWarning):
    """A loss or a parameter became infinite or not a number."""


class OutOfMemory(RuntimeError):
    """The device's memory is too small for the run; the message says what to lower."""


def train(
    config: Config | dict,
    data,
    *,
    generator: nn.Module | None = None,
    critic: nn.Module | None = None,
    labelled: tuple[torch.Tensor, torch.Tensor] | None = None,
    metrics: Mapping[str, Callable] | None = None,
    samples: int = 512,
    record_every: int | None = None,
    evaluate_every: int | None = None,
    checkpoints: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    cuda_graph: bool | None = None,
    amp: bool = False,
    watch: Callable[[History], object] | None = None,
    data_parallel: bool = False,
) -> History:
    """Play the game of `config` on `data`, with all members of the population at once.

    Each round takes `n_critic` steps of the critic on fresh batches, and then one step of the generator.

    Parameters
    ----------
    config : Config or dict
        The game. A dict of settings stands for the Config made of them.
    data : Distribution or tensor, shape (n, *event)
        The real samples: a distribution to draw from afresh, or a data set, which each member shuffles anew every
        epoch.
    generator, critic : Module, optional
        Networks of your own, trained in place: from (members, batch, latent_dim) to (members, batch, *event), and from
        there to (members, batch, 1). Members must not see each other: where there are several, each parameter has a
        leading members axis. By default multilayer perceptrons of the architectures in `config`. For feature matching
        a critic has a method ``features(x)``, which returns what the critic does and its features (members, batch,
        features); for other layers than the last, ``features(x, layers)``, which returns a tuple of those layers.
    labelled : (tensor, tensor), optional
        Samples (n, *event) whose classes are known, and these, whole numbers from 0 to K - 1, shape (n,); or both with
        a leading axis, each member its own. The critic then has K outputs, one a class, and its score is the logarithm
        of the sum of their exponentials (see `gantut.objectives.class_score`); every step of the critic also learns
        from a batch of them. Only where the critic classifies, without a gradient penalty and without unrolling.
    metrics : mapping, optional
        From a name to a function of samples (members, n, *event), on the training device, that returns one number a
        member.
    samples : int
        How many samples a member are generated, always from the same noise and in evaluation mode, at each evaluation.
    record_every, evaluate_every : int, optional
        How often to record losses, and to evaluate, in generator steps; by default about 200 and 20 times a run.
    checkpoints : path, optional
        A folder in which to save the run as it goes: at every `checkpoint_every` steps (by default, at every
        evaluation), at the end, and when it is interrupted with Ctrl-C (then as it was at most 50 steps before).
    resume : bool
        Go on from the last good checkpoint in that folder, if there is one; bit for bit as if it had never stopped.
        Only `steps` may be another than before: more of them extend the run.
    device : str or device, optional
        As `gantut.device.choose_device`.
    progress : bool, optional
        Show a progress bar; by default only on a terminal.
    cuda_graph : bool, optional
        On CUDA, record a round once and replay it, which spares launching its many small kernels one by one. By default
        so where it can be: not under unrolling or a spectral norm, which wait for the device. A recording that does not
        repeat the round that it was made from is not used, and a warning says so.
    amp : bool
        Compute the convolutions of networks of your own in bfloat16, where the device is faster so; a gradient penalty,
        losses, parameters and evaluations stay in single precision. Not for multilayer perceptrons.
    watch : function, optional
        Is called after every evaluation with the history so far, when what was to be saved then is saved.
    data_parallel : bool
        Compute a share of every batch on each process of the default process group of `torch.distributed`, which is to
        be there already: see ``gantut/training/_parallel.py``. All processes call this with the same arguments; the
        first alone saves, so that `checkpoints` is a folder that all of them can read. Losses must be means over
        a batch, or functions of features. Not with unrolled steps, labelled samples, penalties around the data, or
        networks whose samples see each other otherwise than by the batch normalisation of a DCGAN.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If a setting is not allowed, or data, networks and settings do not go together.
    OutOfMemory
        If the device's memory is too small.
    """
    config = config if isinstance(config, Config) else Config.from_dict(config)
    device = choose_device(None if device is None else str(device))
    data, event = _checked_data(data, config)
    samples, metrics = _inputs.count("samples", samples), _checked_metrics(metrics)
    every = {"record_every": record_every, "evaluate_every": evaluate_every, "checkpoint_every": checkpoint_every}
    for name, value in every.items():
        if value is not None:
            _inputs.count(name, value)
    labelled = checked_labelled(labelled, config, event, device)
    if data_parallel and labelled is not None:
        raise ValueError("data_parallel must be False with labelled samples, which have batches of their own")
    shares = Shares(config) if data_parallel else None
    run = _Run(
        config, data, event, device, generator, critic, metrics, samples, record_every, evaluate_every, labelled, watch,
        shares,
    )  # fmt: skip
    require_amp(amp, device, run.generator, run.critic)
    for group in run.groups:
        group.amp = amp
    run.replay(cuda_graph)
    if checkpoints is not None:
        run.keeper = Keeper(Path(checkpoints), checkpoint_every, writes=run.shares is None or run.shares.rank == 0)
        if resume:
            run.keeper.load(run)
        else:
            run.keeper.begin()
    elif resume or checkpoint_every:
        raise ValueError("checkpoints must name a folder where resume or checkpoint_every is given, not be None")
    return run.play(progress)


@dataclass
class _Run:
    """A run under way."""

    config: Config
    data: object
    event: tuple[int, ...]
    device: torch.device
    generator: nn.Module | None
    critic: nn.Module | None
    metrics: dict[str, Callable]
    samples: int
    record_every: int | None
    evaluate_every: int | None
    labelled: tuple[torch.Tensor, torch.Tensor] | None
    watch: Callable[[History], object] | None
    shares: Shares | None
    keeper: Keeper | None = None
    done: int = 0
    records: Records = field(default_factory=Records)

    def __post_init__(self):
        config, (width, *rest) = self.config, self.event
        self.outputs = 1 if self.labelled is None else int(self.labelled[1].max()) + 1  # of the critic
        for name, outputs in (("generator", width), ("critic", self.outputs)):
            if getattr(self, name) is None:
                if rest:
                    raise ValueError(f"{name} must be given for data of shape {self.event}: only vectors have one")
                inputs = config.latent_dim if name == "generator" else width
                setattr(self, name, config.build(name, inputs, outputs, self.device))
        self.generator.to(self.device)
        self.critic.to(self.device)
        require_layers(config, self.generator, self.critic)
        set_references(config, self.data, self.generator, self.critic, self.device)
        self.noise = noise_stream(
            config.noise, (self.samples, config.latent_dim), config.seeds("evaluation"), self.device
        ).next()  # (members, samples, latent_dim)
        with only_looking(self.generator, self.critic):
            fake = _check_networks(self)
        if config.constraint is not None:  # in training mode, as the critic is used
            config.constraint.require(self.critic, fake)
        alone = self.device.type == "cpu" and not self.shares  # processes exchange gradients in one and the same order
        self.workers = torch.get_num_threads() if alone else 1
        self.groups = shard_members(
            config, self.data, self.generator, self.critic, device=self.device, workers=self.workers,
            labelled=self.labelled, shares=self.shares,
        )  # fmt: skip
        self.diverged = torch.full((config.members,), -1)

    @cached_property
    def fingerprint(self) -> dict:
        return fingerprint(self.data, self.labelled)

    def replay(self, wanted: bool | None) -> None:
        """Let rounds be recorded and replayed, where this is wanted and possible."""
        _inputs.one_of("cuda_graph", wanted, (None, True, False))
        constraint = self.config.constraint
        waits = self.config.unrolled > 0 or (constraint is not None and constraint.waits_for_device)
        possible = self.device.type == "cuda" and not waits and not self.shares
        if wanted and not possible:
            why = "unrolling and spectral norms wait for the device" if waits else f"the device is {self.device}"
            why = "processes that share a batch wait for each other" if self.shares else why
            raise ValueError(f"cuda_graph must be False or None here, not True: {why}")
        if possible and wanted is not False:
            for group in self.groups:
                group.replayed = CUDAGraphStep(partial(play_round, group), group.memory)

    # ---- From one event to the next ---------------------------------------------------------------------------

    def play(self, progress) -> History:
        self._settle()
        bar = tqdm(total=self.config.steps, initial=self.done, disable=None if progress is None else not progress)
        together = self.shares.synchronised(self.generator, self.critic) if self.shares else nullcontext()
        with bar, together, self._workers() as each:
            try:
                if not self.records.evaluated:
                    self._evaluate()
                    self._show()
                while self.done < self.config.steps and (self.diverged < 0).any():
                    self._stretch(each)
                    bar.update(self.done - bar.n)
                    bar.set_postfix(self._latest() | self._speed(bar))
                    self._show()
            except KeyboardInterrupt:
                if self.keeper:  # the rounds that were under way are lost: players stopped in the middle of them
                    with suppress(ValueError):  # the interruption came just after this was saved
                        self.keeper.write()
                raise
            except torch.cuda.OutOfMemoryError as error:
                raise OutOfMemory(self._out_of_memory(error)) from error
        if self.keeper:
            self.keeper.save(self)
        return self._history()

    def _settle(self):
        """Fill in how often to look, where neither the caller nor the run so far has said so."""
        self.record_every = self.record_every or max(self.config.steps // RECORDS, 1)
        self.evaluate_every = self.evaluate_every or max(self.config.steps // EVALUATIONS, 1)
        if self.keeper:
            self.keeper.every = self.keeper.every or self.evaluate_every

    def _stretch(self, each):
        """Go on to the next time at which something is to be done."""
        spans = [CHECKED, self.evaluate_every] + ([self.keeper.every] if self.keeper else [])
        steps = min([self.config.steps - self.done, *(span - self.done % span for span in spans)])
        if self.keeper:
            self.keeper.note(self)
        good = [(g.generator.copy(), g.critic.copy()) for g in self.groups]
        play = partial(advance, steps=steps, record_every=self.record_every, done=self.done)
        with tensor_cores(self.device):
            recorded = each(play, self.groups)
        self._store(recorded, steps)
        self.done += steps
        self._notice_divergence(recorded, good)
        if self.shares:
            self.shares.require_agreement(player.values for g in self.groups for player in (g.generator, g.critic))
        if self.done % self.evaluate_every == 0 or self.done == self.config.steps:
            self._evaluate()
        if self.keeper and self.done % self.keeper.every == 0:
            self.keeper.save(self)

    def _store(self, recorded, steps):
        first = self.done - self.done % self.record_every + self.record_every
        self.records.steps += range(first, self.done + steps + 1, self.record_every)
        for name in recorded[0]:
            rows = zip(*(group[name] for group in recorded), strict=True)
            self.records.values.setdefault(name, []).extend(torch.cat(row).cpu() for row in rows)

    @contextmanager
    def _workers(self):
        """Give a function that does something to every group, on one thread a core."""
        if self.workers == 1 or len(self.groups) == 1:
            yield lambda work, groups: [work(group) for group in groups]
            return
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        pool = ThreadPoolExecutor(min(self.workers, len(self.groups)), initializer=torch.set_num_threads, initargs=(1,))
        try:
            yield lambda work, groups: list(pool.map(work, groups))
        finally:
            pool.shutdown()
            torch.set_num_threads(threads)

    def _show(self):
        if self.watch and self.records.evaluated[-1] == self.done:
            self.watch(self._history())

    # ---- What is done then ------------------------------------------------------------------------------------

    @torch.no_grad()
    def _evaluate(self):
        with only_looking(self.generator):
            samples = torch.cat([g.show(self.noise[g.first : g.last]) for g in self.groups])
        self.records.evaluated.append(self.done)
        self.records.samples.append(samples.cpu())
        for name, metric in self.metrics.items():
            values = torch.as_tensor(metric(samples)).detach().cpu().clone()
            if values.shape != (self.config.members,):
                raise ValueError(
                    f"metrics[{name!r}] must return one number a member, shape ({self.config.members},), "
                    f"not shape {_inputs.shape(values)}"
                )
            self.records.metrics.setdefault(name, []).append(values)

    def _notice_divergence(self, recorded, good):
        """Put members whose numbers are no numbers any more back to where they last were good, and hold them there."""
        for group, losses, (generator, critic) in zip(self.groups, recorded, good, strict=True):
            for row in _astray(group, losses):
                group.freeze(row, generator.values[row], critic.values[row])
                member = group.first + row
                self.diverged[member] = self.done
                warnings.warn(
                    f"member {member} (seed {self.config.seed + member}) had a loss or a parameter that is not finite "
                    f"by step {self.done}; it is held where it was at most {CHECKED} steps before. Lower the learning "
                    "rate, or look at the constraint.",
                    Diverged,
                    stacklevel=5,
                )
            if len(group.frozen) == group.members:  # buffers belong to all members together
                group.generator.put_buffers(generator.buffers)
                group.critic.put_buffers(critic.buffers)

    def _latest(self):
        losses = {name: rows[-1] for name, rows in self.records.values.items() if " " not in name and rows}
        return {name: f"{row.nanmedian():.3g}" for name, row in losses.items()}

    def _speed(self, bar):
        """Return how many real samples the critics have seen a second."""
        rate, config = bar.format_dict["rate"], self.config
        if not rate:
            return {}
        what = "images/s" if len(self.event) == 3 else "samples/s"
        return {what: f"{rate * config.n_critic * config.batch_size * config.members:.0f}"}

    def _out_of_memory(self, error):
        config = self.config
        kept = f" The last checkpoint is in {self.keeper.folder}." if self.keeper else ""
        return (
            f"{self.device} has too little memory for {config.members} members with batches of {config.batch_size}: lower "
            f"members, batch_size, samples ({self.samples}) or the widths of the networks. Done: {self.done} of "
            f"{config.steps} steps.{kept} ({str(error).splitlines()[0]})"
        )

    def _history(self) -> History:
        records = self.records
        return History(
            config=self.config,
            generator=self.generator,
            critic=self.critic,
            steps=torch.tensor(records.steps),
            losses=records.losses(),
            gradient_norms=records.gradient_norms(),
            evaluated=torch.tensor(records.evaluated),
            metrics={name: torch.stack(rows) for name, rows in records.metrics.items()},
            samples=torch.stack(records.samples),
            diverged=self.diverged,
            generator_average=average_generator(self.groups, self.generator),
        )


def _astray(group, losses):
    """Return the rows of a group's members that have just come to numbers that are not finite."""
    finite = torch.isfinite(group.generator.values).all(1) & torch.isfinite(group.critic.values).all(1)
    for rows in losses.values():
        finite &= torch.isfinite(torch.stack(rows)).all(0)
    return [row for row in (~finite.cpu()).nonzero().squeeze(1).tolist() if row not in group.frozen]


def _checked_data(data, config):
    """Return the data, and the shape of one sample."""
    if isinstance(data, torch.Tensor):
        data = _inputs.floating("data", data).float()
        if data.ndim < 2 or not data.numel():
            raise ValueError(f"data must have shape (n, *event), with no size 0, not {_inputs.shape(data)}")
        _inputs.finite_entries("data", data)
        if config.batch_size > len(data):
            raise ValueError(
                f"batch_size must be at most {len(data)}, the number of samples in data, not {config.batch_size}"
            )
        return data, tuple(data.shape[1:])
    if not hasattr(data, "sample") or not hasattr(data, "event_shape"):
        raise ValueError(f"data must be a tensor or a distribution of gantut.data, not {type(data).__name__}")
    if not data.event_shape:
        raise ValueError(
            "data must be a distribution of vectors: a distribution on the line is one in 1 dimension, means (modes, 1)"
        )
    try:
        draws = data.sample((2, 3), generator=torch.Generator().manual_seed(0))
    except TypeError as error:
        raise ValueError(
            f"data must be a distribution that draws from a given generator, as those of gantut.data, not "
            f"{type(data).__name__} ({error})"
        ) from None
    if tuple(draws.shape) != (2, 3, *data.event_shape):
        raise ValueError(
            f"data must have samples of shape (2, 3, {', '.join(map(str, data.event_shape))}) where (2, 3) are asked "
            f"for, not {_inputs.shape(draws)}"
        )
    _inputs.finite_entries("data", draws)
    return data, tuple(data.event_shape)


def _checked_metrics(metrics):
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, Mapping) or not all(callable(metric) for metric in metrics.values()):
        raise ValueError(f"metrics must be functions by name, not {metrics!r}")
    return dict(metrics)


def _check_networks(run):
    """Require that noise, generator, critic and data fit together; return some generated samples."""
    config = run.config
    for name in ("generator", "critic"):
        _check_parameters(name, getattr(run, name), config.members)
    fake = _applied("generator", run.generator, run.noise[:, :2])
    if tuple(fake.shape) != (config.members, min(run.samples, 2), *run.event):
        raise ValueError(
            f"generator must turn noise ({config.members}, batch, {config.latent_dim}) into samples ({config.members}, "
            f"batch, {', '.join(map(str, run.event))}), as data has them, but gave {_inputs.shape(fake)}"
        )
    scores = _applied("critic", run.critic, fake)
    if tuple(scores.shape) != (*fake.shape[:2], run.outputs):
        raise ValueError(
            f"critic must return scores of shape (members, batch, {run.outputs}), not {_inputs.shape(scores)} for "
            f"samples of shape {_inputs.shape(fake)}"
        )
    if config.game.features:
        _check_features(run, fake)
    return fake


def _check_features(run, x):
    """Require a critic that shows the layers that the generator is to match."""
    game = run.config.game.name
    if not hasattr(run.critic, "features"):
        trick = " with feature_matching" if run.config.feature_matching else ""
        raise ValueError(
            f"critic must have a method `features` for {game!r}{trick}, which returns scores and features "
            f"(members, batch, features), and {type(run.critic).__name__} has none"
        )
    try:
        features_of(run.critic, x, run.config)
    except TypeError as error:
        raise ValueError(
            f"critic must have a method `features(x, layers)` for feature_matching with layers "
            f"{run.config.feature_matching.layers}, and that of {type(run.critic).__name__} fails: {error}"
        ) from error


def _applied(name, network, x):
    try:
        return network(x)
    except torch.cuda.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"{name} must take input of shape {_inputs.shape(x)}, (members, batch, ...), but failed: {error}"
        ) from error


def _check_parameters(name, network, members):
    """Require parameters to train, of each member its own."""
    parameters = {key: p for key, p in network.named_parameters() if p.requires_grad}
    if not parameters:
        raise ValueError(f"{name} must have parameters to train, and {type(network).__name__} has none")
    for key, parameter in parameters.items():
        if members > 1 and parameter.shape[:1] != (members,):
            raise ValueError(
                f"{name} must have parameters of shape (members, ...), each member its own, for {members} members, but "
                f"{key} has shape {_inputs.shape(parameter)}"
            )
