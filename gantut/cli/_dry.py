"""``python -m gantut train --dry-run``: what a run would be, and what it would take; nothing is written."""

import contextlib
import time
from dataclasses import replace
from datetime import timedelta

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from gantut import training

STEPS, POINT_STEPS = 2, 100  # that are timed, on images and in the plane, after a first one
SAMPLES = 4  # that are sent through the networks, to see their shapes
COPIES = 3  # of each weight in a checkpoint: itself, and two moments


class Layers(TorchFunctionMode):
    """Within this, all that is computed with parameters of a network is noted down.

    Attributes
    ----------
    rows : list of (str, str, tuple of int)
        The name of the function, those of its parameters, and the shape of what it returns.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.rows = []
        self.known = {id(parameter): (name, parameter) for name, parameter in network.named_parameters()}

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Call the function; what is made of parameters alone is a parameter still, such as a transposed one."""
        found = function(*args, **(kwargs or {}))
        tensors = [value for value in (*args, *(kwargs or {}).values()) if isinstance(value, torch.Tensor)]
        names = list(dict.fromkeys(self.known[id(one)][0] for one in tensors if id(one) in self.known))
        if names and all(id(one) in self.known for one in tensors):
            for one in found if isinstance(found, tuple | list) else (found,):
                self.known[id(one)] = names[0], one  # kept, so that no other gets its id
        elif names and isinstance(found, torch.Tensor):
            self.rows.append((function.__name__, ", ".join(names), tuple(found.shape)))
        return found


def dry_run(say, run, data, folder, device) -> None:
    """Say what a run would be: its networks, layer by layer; memory and time, from a few steps; and what it writes."""
    members, config = run.config.members, replace(run.config, members=1)
    generator, critic = replace(run, config=config, parts=1).build("cpu")
    noise = torch.zeros(1, SAMPLES, config.latent_dim)
    with torch.no_grad():
        fake = _layers(say, "Generator", generator, noise, members)
        _layers(say, "Critic", critic, fake, members)
    numbers = members * sum(parameter.numel() for net in (generator, critic) for parameter in net.parameters())
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = _seconds(run, data, device)
    seen = config.n_critic * config.batch_size * members / seconds
    total = timedelta(seconds=round(seconds * config.steps))
    say(f"Time: {total} for {config.steps} steps, evaluations aside: {seconds:.3g} s a step, {seen:.3g} samples/s")
    say(f"Memory: {_memory(device)}")
    say(
        f"Disk: {folder}, with samples every {run.evaluate_every} steps and a checkpoint of about "
        f"{numbers * 4 * COPIES / 1e6:.2g} MB every {run.checkpoint_every or run.evaluate_every}"
    )
    say("Nothing was written: this was a dry run.")


def _layers(say, name, network, x, members):
    """Say what a network computes, and return what it makes of x."""
    with Layers(network) as layers:
        y = network(x)
    count = members * sum(parameter.numel() for parameter in network.parameters())
    say(f"{name}: {_shape(x.shape)} to {_shape(y.shape)}, {count:,} parameters{' in all' if members > 1 else ''}")
    for function, names, shape in layers.rows:
        say(f"      {function:18}{names:24}{_shape(shape)}")
    return y


def _shape(shape):
    """Return the shape of one sample, as text."""
    sides = list(shape[1:] if shape[0] == 1 else shape)  # a network may have an axis of members
    sides.remove(SAMPLES)
    return " x ".join(map(str, sides))


def _seconds(run, data, device):
    """Return how long a step takes on average: of a lazy penalty, with and without it."""
    game, steps = run.config, POINT_STEPS if run.is_distribution else STEPS
    every = game.constraint.every if game.constraint else 1
    if every == 1:
        return _timed(run, game, data, steps, device)
    rare, each = (replace(game, constraint=replace(game.constraint, every=k)) for k in (steps + 2, 1))
    return ((every - 1) * _timed(run, rare, data, steps, device) + _timed(run, each, data, steps, device)) / every


def _timed(run, game, data, steps, device):
    """Return the seconds of a step after the first one, which is slower, as the first run is."""
    ends = []
    for count in (1, 1, 1 + steps):
        config = replace(game, steps=count)
        generator, critic = replace(run, config=game).build(device)
        start = time.perf_counter()
        training.train(config, data, generator=generator, critic=critic, samples=1, evaluate_every=count,
                       device=device, amp=run.amp, progress=False)  # fmt: skip
        ends.append(time.perf_counter() - start)
    _, one, more = ends
    return (more - one) / steps if more > one else more / (1 + steps)  # where others keep the machine busy


def _memory(device):
    """Return how much memory those steps took."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 1e9:.2f} GB on {device}"
    with contextlib.suppress(ImportError):  # Windows
        import resource
        import sys

        unit = 1 if sys.platform == "darwin" else 1024
        return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9:.2f} GB, of this process in all"
    return "not measured here"
