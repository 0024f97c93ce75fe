"""``python -m gantut sample``: pictures of what the generator of a run makes, and of the ways between them."""

import argparse
import math
from pathlib import Path

import torch

from gantut import _inputs
from gantut.commands import _grids, _sources
from gantut.commands._runs import Saved, load_run
from gantut.device import choose_device, random_source
from gantut.training._streams import draw_noise

ENDINGS = (".png", ".gif")
WAYS = ("spherical", "linear")
STILL = 16  # pictures of an animation between two samples


def run(arguments: argparse.Namespace) -> int:
    """Draw samples of a run, as the command line asks; return the exit status."""
    folder, device = Path(arguments.run), choose_device(arguments.device)
    path = Path(arguments.out) if arguments.out else folder / ("between.gif" if arguments.between else "sample.png")
    _inputs.one_of("the ending of --out", path.suffix.lower(), ENDINGS)
    if path.suffix.lower() == ".gif" and not arguments.between:
        raise ValueError("--out must end in .png for a grid: a .gif shows the way between samples, with --between N")
    saved = load_run(folder, average=arguments.weights != "last", device=device)
    if not 0 <= arguments.member < saved.plan.training.members:
        raise ValueError(f"member must lie in [0, {saved.plan.training.members - 1}], not be {arguments.member}")
    if arguments.weights == "average" and not saved.averaged:
        raise ValueError(f"weights must be 'last' for {folder}, which keeps no averages (train it with --ema 0.999)")
    if arguments.between:
        _draw_between(path, saved, arguments, device)
    else:
        _draw_grid(path, saved, arguments, device)
    which = "averages of the weights" if saved.averaged else "weights"
    print(f"{path}: {which} after {saved.step} steps")
    return 0


def samples_of(saved: Saved, noise: torch.Tensor, *, member: int = 0) -> torch.Tensor:
    """Return what one member's generator makes of noise (n, latent_dim), some at a time."""
    saved.generator.eval()
    with torch.no_grad():
        return torch.cat([saved.generator(some)[member].cpu() for some in noise.split(256)])


def noise_of(saved: Saved, count: int, seed: int) -> torch.Tensor:
    """Draw noise of the run's kind, shape (count, latent_dim)."""
    config = saved.plan.training
    return draw_noise(config.noise, (count, config.latent_dim), random_source(seed))


def _draw_grid(path, saved, arguments, device):
    distribution = saved.plan.data.is_distribution
    noise = noise_of(saved, arguments.count or (1000 if distribution else 64), arguments.seed)
    samples = samples_of(saved, noise.to(device), member=arguments.member)
    _grids.write_png(path, _picture(saved, samples))


def _draw_between(path, saved, arguments, device):
    """Draw rows from one sample to another, or, as an animation, from each to the next and back to the first."""
    count = _inputs.count("--between", arguments.between)
    moving = path.suffix.lower() == ".gif"
    corners = noise_of(saved, count + 1 if not moving else max(count, 2), arguments.seed)
    steps = arguments.count or (STILL if moving else 8)
    ends = corners.roll(-1, 0) if moving else corners[1:]
    places = torch.arange(steps) / steps if moving else torch.linspace(0, 1, steps)
    starts = corners if moving else corners[:-1]
    ways = torch.cat([way(a, b, places, arguments.way) for a, b in zip(starts, ends, strict=True)])
    samples = samples_of(saved, ways.to(device), member=arguments.member)
    if not moving:
        if saved.plan.data.is_distribution:
            _grids.write_png(path, _picture(saved, samples))
        else:
            _grids.write_png(path, _grids.sheet(samples, columns=steps))
    elif saved.plan.data.is_distribution:
        raise ValueError("--out must end in .png for points of the plane: an animation of one point says nothing")
    else:
        _grids.write_gif(path, _grids.enlarged(_grids.as_bytes(samples), 256))


def way(start: torch.Tensor, end: torch.Tensor, places: torch.Tensor, kind: str = "spherical") -> torch.Tensor:
    r"""Return points on the way between two draws of noise.

    .. math:: z(t) = \frac{\sin((1-t)\,\omega)}{\sin\omega}\,z_0 + \frac{\sin(t\,\omega)}{\sin\omega}\,z_1,
       \qquad \omega = \arccos\frac{\langle z_0, z_1\rangle}{\lVert z_0\rVert\,\lVert z_1\rVert}

    or, linear, :math:`z(t) = (1-t) z_0 + t z_1`. In many coordinates, N(0, 1) lies near a sphere, of which the middle
    of a straight line misses the generator's habits: it is shorter than almost every draw, by :math:`\sqrt2`.

    Parameters
    ----------
    start, end : tensors, shape (latent_dim,)
    places : tensor, shape (n,)
        t, from 0 to 1.
    kind : {"spherical", "linear"}

    Returns
    -------
    tensor, shape (n, latent_dim)

    References
    ----------
    White (2016), "Sampling generative networks", section 2.1; lesson 12.
    """
    _inputs.one_of("way", kind, WAYS)
    t = places[:, None].to(start)
    angle = torch.arccos((start @ end / (start.norm() * end.norm())).clamp(-1, 1))
    if kind == "linear" or not 1e-4 < angle < math.pi - 1e-4:
        return torch.lerp(start, end, t)
    return (((1 - t) * angle).sin() * start + (t * angle).sin() * end) / angle.sin()


def _picture(saved, samples):
    if not saved.plan.data.is_distribution:
        return _grids.sheet(samples)
    real = _sources.load(saved.plan.data).sample(1000, generator=random_source(0))
    return _grids.cloud(samples, real, f"{saved.step} steps")
