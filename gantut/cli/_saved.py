"""A run's folder, read back: what the run is, its networks as they were last saved, and what it recorded.

runs/creatures/
    config.json       what the run is
    checkpoints/      everything needed to resume; in best/ as it was when the KID was least
    log.jsonl         losses and gradient norms
    samples/          what the generator makes of the same noise at every evaluation; samples.png is the last one

A population that several processes share out has a folder for each part of its members, a run like any other.
"""

import json
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from gantut import _inputs, checkpoints
from gantut.checkpoints import CheckpointError
from gantut.cli._run import NAME, Run, complete, read_run
from gantut.device import draw_noise, random_source
from gantut.lessons import recorded
from gantut.lessons.new_creatures import modern_generator
from gantut.training import load_history

CHECKPOINTS, BEST = "checkpoints", "best"
WEIGHTS = "generator.safetensors"  # of what was exported
SHIPPED = Path("creatures")  # in place of a folder: the longer run of lesson 14


class Saved(NamedTuple):
    """A run as it was last saved.

    Attributes
    ----------
    run : Run
    step : int
        Generator steps done.
    generator, critic : Module
        In evaluation mode; of what ships with gantut, or was exported, there is no critic.
    losses : dict of tensors, shape (records, members)
        With the gradient norms, as "generator gradient" and "critic gradient".
    diverged : tensor, shape (members,)
    averaged : bool
        Whether the generator has the averages of its parameters, and not their last values.
    """

    run: Run
    step: int
    generator: nn.Module
    critic: nn.Module
    losses: dict[str, torch.Tensor]
    diverged: torch.Tensor
    averaged: bool

    def noise(self, count: int, seed: int) -> torch.Tensor:
        """Draw noise of the run's kind, shape (count, latent_dim), on the CPU."""
        return draw_noise(self.run.config.noise, (count, self.run.config.latent_dim), random_source(seed))

    @torch.no_grad()
    def generate(self, noise: torch.Tensor) -> torch.Tensor:
        """Return what all members make of noise (n, latent_dim), some at a time: shape (members, n, \\*event)."""
        noise = noise.to(next(self.generator.parameters()))
        shape = (self.run.config.members, -1, noise.shape[-1])
        return torch.cat([self.generator(some.expand(shape)) for some in noise.split(256)], 1)


def steps_done(folder: Path, run: Run) -> int:
    """Return how many steps a run has saved; of a population in parts, the members that have done fewest."""
    return min(max(checkpoints.saved_steps(below / CHECKPOINTS), default=0) for _, below in run.divided(folder))


def snapshot(folder: Path, name: str = "latest") -> checkpoints.Checkpoint:
    """Return a snapshot of the run in a folder: the latest, the best, or the one after so many steps.

    Raises
    ------
    CheckpointError
        If there is none of that name.
    """
    kept = folder / CHECKPOINTS
    places = {str(step): place for place in (kept / BEST, kept) for step in checkpoints.saved_steps(place)}
    if name in places:
        return checkpoints.load(places[name] / f"step-{int(name):08d}")
    if name == "latest" or (name == "best" and checkpoints.saved_steps(kept / BEST)):
        return checkpoints.load_latest(kept if name == "latest" else kept / BEST)
    there = ", ".join(sorted(places, key=int)) or "no"
    raise CheckpointError(f"{folder} has no snapshot {name!r}: there are those after {there} steps")


def load_run(folder: Path, *, average: bool = True, which: str = "latest", device="cpu") -> Saved:
    """Read a run from its folder, safely: nothing in it is executed, and sizes are checked before anything is made.

    Parameters
    ----------
    folder : path
    average : bool
        Whether the generator gets the averages of its parameters, where the run keeps some.
    which : str
        The snapshot, as :func:`snapshot` takes its name.
    device
        Where the networks go.

    Raises
    ------
    CheckpointError
        If there is no run, or nothing that can be used of it is saved.
    """
    run = read_run(folder)
    if run.parts > 1:
        _, below = run.divided(folder)[0]
        raise CheckpointError(f"{folder} holds a population in {run.parts} parts: name one of them, such as {below}")
    if (Path(folder) / WEIGHTS).is_file():
        return _exported(Path(folder), run, device)
    if not steps_done(folder, run):
        raise CheckpointError(f"{folder} has no checkpoint: its run was stopped before the first one")
    checkpoint = snapshot(folder, which)
    _require_size(run, checkpoint.weights, checkpoint.path)
    generator, critic = networks = run.build("cpu")
    for name, network in (("generator", generator), ("critic", critic)):
        reference = checkpoint.weights.get(f"{name}.reference")  # of virtual batch normalisation
        if reference is not None and hasattr(network, "set_reference"):
            network.set_reference(reference)
    history = load_history(checkpoint, *networks)
    averaged = average and history.generator_average is not None
    generator = history.generator_average if averaged else generator
    losses = history.losses | {f"{name} gradient": norms for name, norms in history.gradient_norms.items()}
    return Saved(run, checkpoint.step, generator.to(device), critic.to(device), losses, history.diverged, averaged)


def shipped(device="cpu") -> Saved:
    """Return the longer run of lesson 14, of which the averaged generator alone ships with gantut."""
    result = recorded("creatures-modern").result
    run, generator = complete({"width": result["width"]}), modern_generator().to(device)
    return Saved(run, result["images"] // result["batch"], generator, None, {}, torch.tensor([-1]), averaged=True)


def _exported(folder, run, device):
    """Return a run of which the generator alone was exported."""
    path = folder / WEIGHTS
    try:
        about = json.loads((folder / NAME).read_bytes())
        step, averaged = _inputs.count("step", about.get("step")), about.get("weights") == "average"
        weights = load_file(path)
        _require_size(run, weights, path)
        generator, _ = run.build("cpu")
        generator.load_state_dict(weights)
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from None
    return Saved(run, step, generator.eval().to(device), None, {}, torch.tensor([-1]), averaged)


def _require_size(run, weights, path):
    """Refuse to make networks larger than the weights that are there: a configuration is a file like any other."""
    config, most = run.config, max((weight.numel() for weight in weights.values()), default=0)
    widths = (*config.generator.hidden, *config.critic.hidden) if run.is_distribution else (run.width, run.channels)
    if max(config.members, config.latent_dim, *widths) > most:
        raise CheckpointError(f"{path} has no weights as large as config.json says: one is from another run")
