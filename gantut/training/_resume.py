"""Save a run, and go on with it: everything that the next step depends on."""

import hashlib
from pathlib import Path

import torch

from gantut import checkpoints

EXTENDABLE = ("steps",)  # a run may be resumed for longer than it was first meant to


class Keeper:
    """Keeps a run in a folder.

    Attributes
    ----------
    folder : Path
    every : int
        How often, in generator steps.
    """

    def __init__(self, folder: Path, every: int):
        self.folder, self.every, self.saved = folder, every, 0

    def begin(self) -> None:
        """Require a folder without a run, so that no run is mixed with another."""
        steps = checkpoints.saved_steps(self.folder)
        if steps:
            raise ValueError(
                f"checkpoints: {self.folder} holds a run of {steps[-1]} steps: resume=True goes on with it; "
                "for a new run name another folder"
            )

    def save(self, run) -> None:
        """Save the run as it is, between two rounds; once is enough."""
        if run.done == self.saved:
            return
        weights = {
            f"{name}.{key}": tensor
            for name in ("generator", "critic")
            for key, tensor in getattr(run, name).state_dict().items()
        }
        checkpoints.save(self.folder, run.done, weights, _state(run), run.config.as_dict())
        self.saved = run.done

    def load(self, run) -> None:
        """Put the last good checkpoint into a run that has not begun; where there is none, leave the run as it is."""
        if not checkpoints.saved_steps(self.folder):
            return
        checkpoint = checkpoints.load_latest(self.folder, device=run.device)
        _require_same_run(checkpoint, run, self.folder)
        for name in ("generator", "critic"):
            prefix = f"{name}."
            weights = {k.removeprefix(prefix): v for k, v in checkpoint.weights.items() if k.startswith(prefix)}
            getattr(run, name).load_state_dict(weights)
        _restore(run, checkpoint.state)
        run.done = self.saved = checkpoint.step


def _state(run) -> dict:
    groups = run.groups
    return {
        "data": _fingerprint(run.data),
        "optimisers": {
            name: _merged([getattr(group, f"{name}_optimiser").state_dict()["state"].get(0, {}) for group in groups])
            for name in ("generator", "critic")
        },
        "streams": {name: _merged([group.streams[name].state() for group in groups]) for name in groups[0].streams},
        "records": vars(run.records),
        "every": {"record": run.record_every, "evaluate": run.evaluate_every},
        "diverged": run.diverged,
        "frozen": {group.first + row: held for group in groups for row, held in group.frozen.items()},
    }


def _restore(run, state):
    for group in run.groups:
        rows = slice(group.first, group.last)
        for name in ("generator", "critic"):
            optimiser = getattr(group, f"{name}_optimiser")
            saved = _part(state["optimisers"][name], rows)
            optimiser.load_state_dict(optimiser.state_dict() | {"state": {0: saved} if saved else {}})
        for name, stream in group.streams.items():
            stream.restore(_part(state["streams"][name], rows))
        for member, held in state["frozen"].items():
            if group.first <= int(member) < group.last:
                group.freeze(int(member) - group.first, *held)
    for name, value in state["records"].items():
        setattr(run.records, name, value)
    run.record_every, run.evaluate_every = state["every"]["record"], state["every"]["evaluate"]
    run.diverged = state["diverged"].cpu()


def _merged(states: list[dict]) -> dict:
    """Return the states of all groups as one: what has a row a member is put together, the rest is the same in all."""
    return {
        name: torch.cat([state[name] for state in states]) if _has_rows(first) else first
        for name, first in states[0].items()
    }


def _part(state: dict, rows: slice) -> dict:
    return {name: value[rows] if _has_rows(value) else value for name, value in state.items()}


def _has_rows(value) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim > 0


def _fingerprint(data) -> str:
    if isinstance(data, torch.Tensor):
        content = data.detach().cpu().contiguous()
        return f"{tuple(content.shape)} {hashlib.sha256(content.numpy().tobytes()).hexdigest()}"
    return f"{type(data).__name__} {tuple(data.event_shape)}"


def _require_same_run(checkpoint, run, folder):
    """Refuse to go on with another run than the one that was saved."""
    here = run.config.as_dict()
    for name, value in here.items():
        saved = checkpoint.config.get(name)
        if name not in EXTENDABLE and _plain(saved) != _plain(value):
            raise ValueError(
                f"checkpoints: the run in {folder} has {name} = {saved!r}, this one {value!r}: "
                "use its settings, another folder, or resume=False"
            )
    if run.config.steps < checkpoint.step:
        done = f"at least {checkpoint.step}, which the run in {folder} has done"
        raise ValueError(f"steps must be {done}, not {run.config.steps}")
    if checkpoint.state["data"] != _fingerprint(run.data):
        raise ValueError(f"data must be those of the run in {folder}, but differ from them in values or shape")


def _plain(value):
    """Return nested settings with lists for tuples, as JSON gives them back."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value
