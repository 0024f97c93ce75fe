"""Save a run, go on with it, and read it back: a checkpoint has the state of every part of the run."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from gantut import checkpoints
from gantut.checkpoints import Checkpoint, CheckpointError
from gantut.training._config import Config
from gantut.training._history import History, Records
from gantut.training._learners import averaged

BEST = "best"  # the folder, within that of a run, of the best checkpoint
EXTENDABLE = ("steps",)  # a run may be resumed for longer than it was first meant to


class Saver:
    """Keeps a run in a folder.

    Attributes
    ----------
    folder : Path
    every : int, optional
        How often, in steps; by default at every evaluation.
    writes : bool
        Whether this process is the one that saves, where several have the same run.
    """

    def __init__(self, folder: str | Path, every: int | None, *, writes: bool = True):
        self.folder, self.every, self.writes, self.saved, self.noted = Path(folder), every, writes, 0, None

    def begin(self) -> None:
        """Require a folder without a run, so that no run is mixed with another."""
        steps = checkpoints.saved_steps(self.folder)
        if steps:
            raise ValueError(
                f"checkpoints: {self.folder} holds a run of {steps[-1]} steps: resume=True goes on with it; "
                "for a new run name another folder"
            )

    def note(self, step: int, networks: Mapping[str, nn.Module], state: dict, config: dict) -> None:
        """Keep a copy of the run as it is between two steps: whatever interrupts the next ones, this can be saved."""
        weights = {
            f"{name}.{key}": tensor.clone()
            for name, network in networks.items()
            for key, tensor in network.state_dict().items()
        }
        self.noted = step, weights, state, config

    def write(self) -> None:
        """Save what was noted last; once is enough."""
        if self.writes and self.noted and self.noted[0] != self.saved:
            checkpoints.save(self.folder, *self.noted)
            self.saved = self.noted[0]

    def write_best(self) -> None:
        """Save what was noted last as the best so far; a run that takes these steps again has done so before."""
        folder = self.folder / BEST
        if self.writes and self.noted[0] > max(checkpoints.saved_steps(folder), default=-1):
            checkpoints.save(folder, *self.noted, keep=1)

    def load(self, *, device) -> Checkpoint | None:
        """Return the last good checkpoint; None where there is none."""
        if not checkpoints.saved_steps(self.folder):
            return None
        checkpoint = checkpoints.load_latest(self.folder, device=device)
        if not isinstance(checkpoint.config, dict) or "schedule" not in (checkpoint.state or {}):
            raise ValueError(f"checkpoints: {checkpoint.path} is not of a training run: name another folder")
        self.saved = checkpoint.step
        return checkpoint


def require_same_run(checkpoint: Checkpoint, config, data: dict, folder: Path) -> None:
    """Refuse to go on with another run than the one that was saved.

    Raises
    ------
    ValueError
    """
    here, kept = config.as_dict(), EXTENDABLE
    if config.instance_noise and config.instance_noise.fades:
        kept = ()  # how it fades depends on the number of steps
    before = {f.name: f.default for f in dataclasses.fields(config)}  # settings that there were not yet
    for name, value in here.items():
        saved = checkpoint.config.get(name, before[name])
        if name not in kept and _plain(saved) != _plain(value):
            raise ValueError(
                f"checkpoints: the run in {folder} has {name} = {saved!r}, this one {value!r}: "
                "use its settings, another folder, or resume=False"
            )
    if config.steps < checkpoint.step:
        done = f"at least {checkpoint.step}, which the run in {folder} has done"
        raise ValueError(f"steps must be {done}, not {config.steps}")
    if not _same_data(checkpoint.state["data"], data):
        raise ValueError(f"data must be those of the run in {folder}, but differ from them in values or shape")


def _same_data(one, other):
    """Whether two fingerprints are of the same data; draws may differ in roundings between machines."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same_data(one[name], other[name]) for name in one)
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.shape == other.shape and torch.allclose(one.cpu(), other, rtol=1e-6, atol=1e-9)
    return _plain(one) == _plain(other)


def _plain(value):
    """Return nested settings with lists for tuples, as JSON gives them back."""
    return json.loads(json.dumps(value))


def put_weights(checkpoint: Checkpoint, networks: Mapping[str, nn.Module]) -> None:
    """Put the weights of a checkpoint into networks of the same architecture."""
    for name, network in networks.items():
        prefix = f"{name}."
        weights = {k.removeprefix(prefix): v for k, v in checkpoint.weights.items() if k.startswith(prefix)}
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise CheckpointError(f"{name} must be the network of {checkpoint.path}, but is not: {reason}") from None


# ---- To look at, not to go on ------------------------------------------------------------------------------------


def load_history(checkpoint: Checkpoint, generator: nn.Module, critic: nn.Module) -> History:
    """Return the history of a run as a checkpoint has it.

    Parameters
    ----------
    checkpoint : Checkpoint
        That `train` has saved.
    generator, critic : Module
        Networks of the architecture of the run. They get the weights of the checkpoint, in place, and are put into
        evaluation mode.

    Returns
    -------
    History
        As `train` would have returned it, had the run ended there.

    Raises
    ------
    CheckpointError
        If the checkpoint is not of a training run, or not of networks of this architecture.

    See Also
    --------
    gantut.checkpoints.load_latest : Where checkpoints come from.
    train : Goes on with a run, where `resume` is True.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from gantut import checkpoints
    >>> config = Config(objective="wgan-gp", steps=2, batch_size=16, ema=0.9)
    >>> with TemporaryDirectory() as folder:
    ...     history = train(config, torch.randn(100, 2), samples=8, checkpoints=folder, progress=False)
    ...     checkpoint = checkpoints.load_latest(folder)
    >>> networks = config.build("generator", 2, 2), config.build("critic", 2, 1)
    >>> again = load_history(checkpoint, *networks)
    >>> torch.equal(again.samples, history.samples), torch.equal(again.sample(3), history.sample(3))
    (True, True)
    """
    put_weights(checkpoint, {"generator": generator.eval(), "critic": critic.eval()})
    try:
        state = checkpoint.state
        mean, average = state["learners"]["generator"]["averages"].get("exponential"), None
        if mean is not None:
            average = averaged(generator, mean)
        records, config = Records(**state["records"]), Config.from_dict(checkpoint.config)
        return records.history(config, generator, critic, state["diverged"], average)
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"{checkpoint.path} lacks what a run's checkpoints have ({error!r})") from None
