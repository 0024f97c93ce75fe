"""A training run under way: its groups take their steps; in between it is recorded, evaluated, saved and stopped."""

import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

import torch
from tqdm import tqdm

from gantut import _inputs
from gantut.device import global_sources
from gantut.networks import MLP
from gantut.training._checkpoint import Saver, put_weights, require_same_run
from gantut.training._config import Config
from gantut.training._groups import Group, merged
from gantut.training._history import History, Records
from gantut.training._learners import averaged, only_looking
from gantut.training._networks import Networks, plain, stays_in_unit_interval
from gantut.training._parallel import DataParallel
from gantut.training._replay import tensor_cores
from gantut.training._schedule import EvalSchedule


class DivergenceWarning(UserWarning):
    """A loss or a parameter became infinite or not a number."""


class OutOfMemory(RuntimeError):
    """The device's memory is too small for the run; the message says what to lower."""


@dataclass
class Run:
    """A run of a whole population.

    Attributes
    ----------
    config : Config
    networks : Networks
    groups : list of Group
        All members.
    noise : tensor, shape (members, samples, latent_dim)
        From which samples are generated at each evaluation.
    schedule : EvalSchedule
    metrics : mapping
        Functions of samples by name.
    fingerprint : function ()
        Tells the data from others.
    saver : Saver, optional
    watch : function of a History, optional
    parallel : DataParallel, optional
    best : str, optional
        The metric whose least value is kept apart.
    """

    config: Config
    networks: Networks
    groups: list[Group]
    noise: torch.Tensor
    schedule: EvalSchedule
    metrics: Mapping[str, Callable]
    fingerprint: Callable[[], dict]
    saver: Saver | None = None
    watch: Callable[[History], object] | None = None
    parallel: DataParallel | None = None
    best: str | None = None

    def __post_init__(self):
        self.device = self.noise.device
        self.generator, self.critic = plain(self.networks.generator), plain(self.networks.critic)
        self.own = {"generator": self.generator, "critic": self.critic}
        self.done, self.records, self.diverged = 0, Records(), torch.full((self.config.members,), -1)
        self.suspected = self._critic_ends_in_sigmoid()

    def go(self, progress: bool | None) -> History:
        """Take all steps that are left; return what happened in this run."""
        steps = self.config.steps
        bar = tqdm(total=steps, initial=self.done, disable=None if progress is None else not progress)
        together = self.parallel.synchronised(self.networks) if self.parallel else nullcontext()
        with bar, together, self._threads() as each:
            try:
                if not self.records.evaluated:
                    self._evaluate()
                while self.done < steps and (self.diverged < 0).any():
                    self._stretch(each)
                    bar.update(self.done - bar.n)
                    bar.set_postfix(self._latest() | self._speed(bar))
            except KeyboardInterrupt:
                if self.saver:  # the steps that were under way are lost: learners stopped in the middle of them
                    with suppress(ValueError):  # the interruption came just after this was saved
                        self.saver.write()
                raise
            except torch.cuda.OutOfMemoryError as error:
                raise OutOfMemory(self._out_of_memory(error)) from error
        if self.saver:
            self._note()
            self.saver.write()
        return self._history()

    def _stretch(self, each):
        """Go on to the next step after which something is to be done, and do it."""
        saves = self.saver and (self.saver.every or self.schedule.evaluate_every)
        stop = self.schedule.next_stop(self.done, saves)
        if self.saver:
            self._note()
        good = [group.copy() for group in self.groups]
        advance = partial(
            Group.advance, steps=stop - self.done, record_every=self.schedule.record_every, done=self.done
        )
        with tensor_cores(self.device):
            recorded = each(advance, self.groups)
        self.records.add(self.schedule.recorded(self.done, stop), recorded)
        self.done = stop
        self._notice_divergence(recorded, good)
        self._notice_sigmoid()
        if self.parallel:
            self.parallel.require_agreement(learner.values for g in self.groups for learner in (g.generator, g.critic))
        evaluates = self.schedule.evaluates(self.done)
        if evaluates:
            self._evaluate(show=False)
            if self.best and self._is_best():
                self._note()
                self.saver.write_best()
        if saves and self.done % saves == 0:
            self._note()
            self.saver.write()
        if evaluates:
            self._show()

    @contextmanager
    def _threads(self):
        """Give a function that does something to every group, on one thread a core."""
        threads = torch.get_num_threads()
        if threads == 1 or len(self.groups) == 1:
            yield lambda work, groups: [work(group) for group in groups]
            return
        torch.set_num_threads(1)
        pool = ThreadPoolExecutor(min(threads, len(self.groups)), initializer=torch.set_num_threads, initargs=(1,))
        try:
            yield lambda work, groups: list(pool.map(work, groups))
        finally:
            pool.shutdown()
            torch.set_num_threads(threads)

    # ---- What is done between steps ---------------------------------------------------------------------------

    @torch.no_grad()
    def _evaluate(self, *, show: bool = True):
        with only_looking(self.generator):
            samples = torch.cat([group.show(self.noise[group.first : group.last]) for group in self.groups])
        self.records.evaluated.append(self.done)
        self.records.samples.append(samples[:, : self.schedule.samples].cpu())
        for name, metric in self.metrics.items():
            values = torch.as_tensor(metric(samples)).detach().cpu().clone()
            if values.shape != (self.config.members,):
                raise ValueError(
                    f"metrics[{name!r}] must return one number a member, shape ({self.config.members},), "
                    f"not shape {_inputs.shape(values)}"
                )
            self.records.metrics.setdefault(name, []).append(values)
        if show:
            self._show()

    def _is_best(self):
        """Whether the metric, in the median over the members, is less than after any steps before."""
        medians = torch.stack(self.records.metrics[self.best]).double().nanmedian(1).values.nan_to_num(torch.inf)
        return bool((medians[-1] < medians[1:-1]).all() & medians[-1].isfinite())

    def _show(self):
        if self.watch:
            self.watch(self._history())

    def _notice_divergence(self, recorded, good):
        """Put members whose numbers are not finite any more back to where they last were good, and hold them there."""
        for group, losses, before in zip(self.groups, recorded, good, strict=True):
            rows = group.diverged(losses)
            group.freeze(rows, before)
            for member in (group.first + row for row in rows):
                self.diverged[member] = self.done
                warnings.warn(
                    f"member {member} (seed {self.config.seed + member}) had a loss or a parameter that is not finite "
                    f"by step {self.done}; it is held where it was before, at most {self.schedule.longest} steps back. "
                    "Lower the learning rate, or look at the constraint.",
                    DivergenceWarning,
                    stacklevel=5,
                )

    def _critic_ends_in_sigmoid(self):
        """Whether scores stay in [0, 1] however far samples are, where the objective takes logits."""
        game = self.config.game
        takes_probabilities = game.labels and not game.classifies  # least squares
        return not takes_probabilities and stays_in_unit_interval(self.networks.critic, self.networks.fake)

    def _notice_sigmoid(self):
        """Warn of a critic whose scores still lie in [0, 1] after its first steps."""
        if self.suspected and self._critic_ends_in_sigmoid():
            warnings.warn(
                f"all scores of the critic lie in [0, 1] after {self.done} steps, as if it ended in a sigmoid, but "
                f"{self.config.game.name!r} takes logits, which are not bounded: leave the sigmoid out",
                stacklevel=5,
            )
        self.suspected = False

    def _latest(self):
        losses = {name: rows[-1] for name, rows in self.records.values.items() if " " not in name and rows}
        return {name: f"{row.nanmedian():.3g}" for name, row in losses.items()}

    def _speed(self, bar):
        """Return how many real samples the critics have seen a second."""
        pace, config = bar.format_dict["rate"], self.config
        if not pace:
            return {}
        what = "images/s" if self.networks.fake.ndim == 5 else "samples/s"
        return {what: f"{pace * config.n_critic * config.batch_size * config.members:.0f}"}

    def _out_of_memory(self, error):
        config = self.config
        kept = f" The last checkpoint is in {self.saver.folder}." if self.saver else ""
        return (
            f"{self.device} has too little memory for {config.members} members with batches of {config.batch_size}: "
            f"lower members, batch_size, samples ({self.schedule.samples}) or the widths of the networks. Done so far: "
            f"{self.done} of {config.steps} steps.{kept} ({str(error).splitlines()[0]})"
        )

    def _history(self) -> History:
        average = None
        if self.config.ema:
            average = averaged(self.generator, torch.cat([g.generator.averages["exponential"] for g in self.groups]))
        return self.records.history(self.config, self.generator, self.critic, self.diverged, average)

    # ---- What is saved ------------------------------------------------------------------------------------------

    def _note(self):
        if self.saver.writes:
            self.saver.note(self.done, self.own, self.state_dict(), self.config.as_dict())

    def resume(self) -> None:
        """Go on from the last good checkpoint; where there is none, from the beginning."""
        checkpoint = self.saver.load(device=self.device)
        if checkpoint:
            require_same_run(checkpoint, self.config, self.fingerprint(), self.saver.folder)
            put_weights(checkpoint, self.own)
            self.done, self.suspected = checkpoint.step, False
            self.load_state_dict(checkpoint.state)

    def state_dict(self) -> dict:
        """Return all that the next step depends on, but for the networks' parameters and buffers."""
        return merged([group.state_dict() for group in self.groups]) | {
            "data": self.fingerprint(),
            "records": self.records.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": self._global_random_state(),
            "diverged": self.diverged.clone(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from such a state."""
        for group in self.groups:
            group.load_state_dict(state)
        self.records.load_state_dict(state["records"])
        self.schedule.load_state_dict(state["schedule"], folder=self.saver.folder)
        if self.done < self.config.steps and self.records.evaluated[-1] % self.schedule.evaluate_every:
            self.records.forget_last_evaluation()  # made at the end of what was then the whole run
        self.diverged = state["diverged"].cpu()
        sources = self._global_sources()
        for kind, source in state["random"].items():
            if kind in sources:
                sources[kind].set_state(source.cpu())

    def _global_random_state(self):
        """Return the states of PyTorch's own generators, from which only networks of a caller's own may draw."""
        if isinstance(self.generator, MLP) and isinstance(self.critic, MLP):
            return {}
        return {kind: source.get_state() for kind, source in self._global_sources().items()}

    def _global_sources(self):
        """Return them by the type of their device: a run may go on on another device of that type."""
        return {name.split(":")[0]: source for name, source in global_sources(self.device).items()}
