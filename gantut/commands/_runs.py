"""A run's folder, read back: its plan, its networks as they were last saved, and what it recorded.

runs/creatures/
    config.json       the plan
    checkpoints/      of all members; of a population that processes share, a folder for each part of it
    log.jsonl         losses and norms of gradients
    samples/          a picture of samples from the same noise at every look; samples.png is the last one
"""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from gantut import checkpoints
from gantut.checkpoints import CheckpointError
from gantut.commands._plan import Plan, read_plan
from gantut.training import load_networks


class Saved(NamedTuple):
    """A run as it was last saved.

    Attributes
    ----------
    plan : Plan
    step : int
        Generator steps done, by the members that have done fewest.
    generator, critic : Module
        Of all members, in evaluation mode.
    steps : tensor, shape (records,)
        Generator steps done at each record.
    losses : dict of tensors, shape (records, members)
        With the norms of gradients, as "generator gradient" and "critic gradient".
    diverged : tensor, shape (members,)
    averaged : bool
        Whether the generator has the averages of its parameters, and not their last values.
    """

    plan: Plan
    step: int
    generator: nn.Module
    critic: nn.Module
    steps: torch.Tensor
    losses: dict[str, torch.Tensor]
    diverged: torch.Tensor
    averaged: bool


def part_folder(folder: Path, plan: Plan, first: int, last: int) -> Path:
    """Return where the checkpoints of members first, ..., last - 1 are."""
    base = Path(folder) / "checkpoints"
    return base if len(plan.parts) == 1 else base / f"members-{first:05d}-{last - 1:05d}"


def steps_done(folder: Path, plan: Plan) -> int:
    """Return how many steps a run has saved; of a population, the members that have done fewest."""
    return min(max(checkpoints.saved_steps(part_folder(folder, plan, *part)), default=0) for part in plan.parts)


def load_run(folder: Path, *, average: bool = True, device="cpu") -> Saved:
    """Read a run from its folder, safely: nothing in it is executed, and sizes are checked before anything is made.

    Parameters
    ----------
    folder : path
    average : bool
        Whether the generator gets the averages of its parameters, where the run keeps some.
    device
        Where the networks go.

    Raises
    ------
    CheckpointError
        If there is no run, or nothing that can be used of it is saved.
    """
    plan = read_plan(Path(folder))
    try:
        return _loaded(Path(folder), plan, average, device)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise CheckpointError(f"{folder} holds checkpoints that lack what a run's have ({error!r})") from None


def _loaded(folder, plan, average, device):
    found = [(plan.part(*part), _last(folder, plan, part)) for part in plan.parts]
    parts = [_networks(plan, config, checkpoint, average) for config, checkpoint in found]
    generator, critic = _merged(plan, parts, device)
    states = [checkpoint.state for _, checkpoint in found]
    losses, diverged = _recorded(states), torch.cat([state["diverged"] for state in states])
    steps = torch.tensor(min((state["records"]["steps"] for state in states), key=len))
    step = min(checkpoint.step for _, checkpoint in found)
    return Saved(plan, step, generator, critic, steps, losses, diverged, all(averaged for *_, averaged in parts))


def _last(folder, plan, part):
    """Return the newest good checkpoint of a part of the members, if it is of this plan."""
    checkpoint = checkpoints.load_latest(part_folder(folder, plan, *part))
    if not isinstance(checkpoint.state, dict) or not {"records", "diverged"} <= checkpoint.state.keys():
        raise CheckpointError(f"{checkpoint.path} is not of a training run: name another folder")
    return checkpoint


def _networks(plan, config, checkpoint, average):
    """Return generator and critic of some members, and whether the generator has averages."""
    _require_size(plan, config, checkpoint)
    networks = plan.build(config, "cpu")
    for name, network in zip(("generator", "critic"), networks, strict=True):
        reference = checkpoint.weights.get(f"{name}.reference")  # of virtual batch normalisation
        if reference is not None and hasattr(network, "set_reference"):
            network.set_reference(reference)
    return *networks, load_networks(checkpoint, *networks, average=average)


def _require_size(plan, config, checkpoint):
    """Refuse to make networks larger than the weights that are there: a configuration is a file like any other."""
    most = max((weight.numel() for weight in checkpoint.weights.values()), default=0)
    sizes = [config.members, config.latent_dim, *config.generator.hidden, *config.critic.hidden]
    sizes = sizes[:2] + [plan.networks.width, plan.data.channels] if plan.networks else sizes
    if max(sizes) > most:
        raise CheckpointError(f"{checkpoint.path} has no weights as large as config.json says: one of them is foreign")


def _merged(plan, parts, device):
    """Return the networks of all members, out of those of the parts."""
    if len(parts) == 1:
        return parts[0][0].to(device), parts[0][1].to(device)
    whole = plan.build(plan.training, "cpu")
    for place, network in enumerate(whole):
        states = [part[place].state_dict() for part in parts]
        for name in ("reference",):
            if name in states[0]:
                network.set_reference(torch.cat([state[name] for state in states]))
        rows = {name: _rows([state[name] for state in states]) for name in states[0]}
        network.load_state_dict(rows)
        network.eval().to(device)
    return whole


def _rows(tensors):
    """Return what has a row a member put together; counts are the same in all."""
    return torch.cat(tensors) if tensors[0].ndim else tensors[0]


def _recorded(states):
    """Return the losses and norms of gradients of all parts, as far as all of them have come."""
    values = [
        {name: torch.stack(rows) for name, rows in state["records"]["values"].items() if rows} for state in states
    ]
    return {
        name: torch.cat([part[name][: min(len(p[name]) for p in values)] for part in values], 1) for name in values[0]
    }
