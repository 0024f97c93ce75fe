"""Save a run, and go on with it: everything that the next step depends on."""

import dataclasses
import hashlib
from pathlib import Path

import torch

from gantut import checkpoints
from gantut.networks import MLP

EXTENDABLE = ("steps",)  # a run may be resumed for longer than it was first meant to
LOOKS = ("record_every", "evaluate_every", "samples")  # when and how much a run looks at itself


class Keeper:
    """Keeps a run in a folder.

    Attributes
    ----------
    folder : Path
    every : int, optional
        How often, in generator steps; by default at every evaluation.
    writes : bool
        Whether this process is the one that saves, where several have the same run.
    """

    def __init__(self, folder: Path, every: int | None, *, writes: bool = True):
        self.folder, self.every, self.writes, self.saved, self.noted = folder, every, writes, 0, None

    def begin(self) -> None:
        """Require a folder without a run, so that no run is mixed with another."""
        steps = checkpoints.saved_steps(self.folder)
        if steps:
            raise ValueError(
                f"checkpoints: {self.folder} holds a run of {steps[-1]} steps: resume=True goes on with it; "
                "for a new run name another folder"
            )

    def note(self, run) -> None:
        """Take down the run as it is between two rounds: whatever interrupts the next ones, this can be saved."""
        if not self.writes:
            return
        weights = {
            f"{name}.{key}": tensor.clone()
            for name in ("generator", "critic")
            for key, tensor in getattr(run, name).state_dict().items()
        }
        self.noted = run.done, weights, _state(run), run.config.as_dict()

    def write(self) -> None:
        """Save what was noted last; once is enough."""
        if self.writes and self.noted and self.noted[0] != self.saved:
            checkpoints.save(self.folder, *self.noted)
            self.saved = self.noted[0]

    def save(self, run) -> None:
        """Save the run as it is, between two rounds."""
        self.note(run)
        self.write()

    def load(self, run) -> None:
        """Put the last good checkpoint into a run that has not begun; where there is none, leave the run as it is."""
        if not checkpoints.saved_steps(self.folder):
            return
        checkpoint = checkpoints.load_latest(self.folder, device=run.device)
        _require_same_run(checkpoint, run, self.folder)
        for name in ("generator", "critic"):
            prefix = f"{name}."
            weights = {k.removeprefix(prefix): v for k, v in checkpoint.weights.items() if k.startswith(prefix)}
            try:
                getattr(run, name).load_state_dict(weights)
            except RuntimeError as error:
                raise ValueError(
                    f"{name} must be the network of the run in {self.folder}, but is not: {error}"
                ) from None
        run.done = self.saved = checkpoint.step
        _restore(run, checkpoint.state)


def _state(run) -> dict:
    """Return all that the next step depends on, but for the weights, in copies."""
    groups = run.groups
    return {
        "data": run.fingerprint,
        "optimizers": {
            name: _merged([getattr(group, f"{name}_optimizer").state_dict()["state"].get(0, {}) for group in groups])
            for name in ("generator", "critic")
        },
        "streams": {name: _merged([group.streams[name].state() for group in groups]) for name in groups[0].streams},
        "averages": {
            name: _merged([getattr(group, name).averages for group in groups]) for name in ("generator", "critic")
        },
        "records": {name: _copied(value) for name, value in vars(run.records).items()},
        "looks": {name: getattr(run, name) for name in LOOKS} | {"metrics": sorted(run.metrics)},
        "global": _global_random_state(run),
        "diverged": run.diverged.clone(),
        "frozen": {group.first + row: held for group in groups for row, held in group.frozen.items()},
    }


def _restore(run, state):
    for group in run.groups:
        rows = slice(group.first, group.last)
        for name in ("generator", "critic"):
            optimizer = getattr(group, f"{name}_optimizer")
            saved = _part(state["optimizers"][name], rows)
            optimizer.load_state_dict(optimizer.state_dict() | {"state": {0: saved} if saved else {}})
            for key, value in _part(state.get("averages", {}).get(name, {}), rows).items():
                getattr(group, name).averages[key].copy_(value)
        for name, stream in group.streams.items():
            stream.restore(_part(state["streams"][name], rows))
        for member, held in state["frozen"].items():
            if group.first <= int(member) < group.last:
                group.freeze(int(member) - group.first, *held)
    for name, value in state["records"].items():
        setattr(run.records, name, value)
    for name in LOOKS:
        setattr(run, name, state["looks"][name])
    if run.done < run.config.steps and run.records.evaluated[-1] % run.evaluate_every:
        run.records.forget_last_evaluation()  # made at the end of what was then the whole run
    run.diverged = state["diverged"].cpu()
    for kind, source in state["global"].items():
        if kind == "cpu":
            torch.set_rng_state(source)
        elif run.device.type == "cuda":
            torch.cuda.set_rng_state(source, run.device)


def _merged(states: list[dict]) -> dict:
    """Return the states of all groups as one: what has a row a member is put together, the rest is the same in all."""
    return {
        name: torch.cat([state[name] for state in states]) if _has_rows(first) else _copied(first)
        for name, first in states[0].items()
    }


def _part(state: dict, rows: slice) -> dict:
    """Return some members' part of a state, sharing nothing with the others': optimizers count their steps in place."""
    return {name: value[rows].clone() if _has_rows(value) else _copied(value) for name, value in state.items()}


def _has_rows(value) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim > 0


def _copied(value):
    """Return what will not change with `value`; the tensors of records never do."""
    if isinstance(value, dict):
        return {key: _copied(entry) for key, entry in value.items()}
    if isinstance(value, torch.Tensor) and not value.ndim:
        return value.clone()
    return list(value) if isinstance(value, list) else value


def _global_random_state(run) -> dict:
    """Return the states of PyTorch's own generators, from which only networks of a caller's own may draw (dropout)."""
    if isinstance(run.generator, MLP) and isinstance(run.critic, MLP):
        return {}
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(run.device)} if run.device.type == "cuda" else {})


def fingerprint(data, labelled=None) -> dict:
    """Return what tells data from other data: a checksum of a data set, or some draws of a distribution."""
    if labelled is not None:
        return fingerprint(data) | {"labelled": [fingerprint(part) for part in labelled]}
    if isinstance(data, torch.Tensor):
        content = data.detach().cpu().contiguous()
        return {"shape": list(content.shape), "sha256": hashlib.sha256(content.numpy().tobytes()).hexdigest()}
    draws = data.sample((64,), generator=torch.Generator().manual_seed(0))
    return {"distribution": type(data).__name__, "draws": draws.detach().double().cpu()}


def _same_data(one: dict, other: dict) -> bool:
    """Whether two fingerprints are of the same data; draws may differ in roundings between machines."""
    if one.keys() != other.keys() or "draws" not in one:
        return one == other
    a, b = one["draws"], other["draws"]
    same = one["distribution"] == other["distribution"] and one.get("labelled") == other.get("labelled")
    return same and a.shape == b.shape and torch.allclose(a, b, rtol=1e-6, atol=1e-9)


def _require_same_run(checkpoint, run, folder):
    """Refuse to go on with another run than the one that was saved."""
    if not isinstance(checkpoint.config, dict) or "looks" not in (checkpoint.state or {}):
        raise ValueError(f"checkpoints: {checkpoint.path} is not of a training run: name another folder")
    here, kept = run.config.as_dict(), EXTENDABLE
    if run.config.instance_noise and run.config.instance_noise.fades:
        kept = ()  # how it fades depends on the number of steps
    before = {f.name: f.default for f in dataclasses.fields(run.config)}  # settings that there were not yet
    for name, value in here.items():
        saved = checkpoint.config.get(name, before[name])
        if name not in kept and _plain(saved) != _plain(value):
            raise ValueError(
                f"checkpoints: the run in {folder} has {name} = {saved!r}, this one {value!r}: "
                "use its settings, another folder, or resume=False"
            )
    if run.config.steps < checkpoint.step:
        done = f"at least {checkpoint.step}, which the run in {folder} has done"
        raise ValueError(f"steps must be {done}, not {run.config.steps}")
    looks = {name: getattr(run, name) for name in LOOKS} | {"metrics": sorted(run.metrics)}
    for name, value in looks.items():
        saved = checkpoint.state["looks"][name]
        if value is not None and saved != value:
            raise ValueError(f"{name} must be {saved!r}, as in the run in {folder}, not {value!r}")
    if not _same_data(checkpoint.state["data"], run.fingerprint):
        raise ValueError(f"data must be those of the run in {folder}, but differ from them in values or shape")


def _plain(value):
    """Return nested settings with lists for tuples, as JSON gives them back."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value
