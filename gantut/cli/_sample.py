"""``python -m gantut sample``: pictures of what the generator of a run makes, and of the ways between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from tyro.conf import Positional

from gantut import _inputs
from gantut.cli import _data, _pictures
from gantut.cli._arguments import read
from gantut.cli._saved import SHIPPED, load_run, shipped
from gantut.device import choose_device, random_source
from gantut.lessons.new_creatures import slerp

ENDINGS = (".png", ".gif", ".mp4")
WAYS = ("spherical", "linear")
STILL = 16  # pictures of an animation between two samples
PAUSE = 250  # milliseconds between the sheets of a run
LARGEST = 2**24  # pixels of such a sheet


@dataclass
class Sample:
    """Draw what the generator of a run makes: a grid of images, or a cloud of points beside the data.

    --between N shows the way between samples: N rows from one to another in a .png, or in a .gif or .mp4 one way
    through N samples and back. The way follows the sphere on which Gaussian noise lies (lesson 14), or is straight with
    --way linear. --film shows what the run has made of the same noise from its beginning on. An .mp4 takes PyAV:
    `python -m pip install av`. What is learnt with --channels 4 is transparent, but for an .mp4.

    Attributes
    ----------
    run : path
        The folder of a run, or what was exported of it; or creatures, the run of lesson 14 that ships with gantut.
    out : path
        A .png, or with --between or --film a .gif or .mp4 (default: in the run's folder).
    count : int
        How many samples; with --between, how many on each way.
    between : int
        Show N ways between samples.
    film : bool
        Show the sheets that were drawn as the run went on.
    way : str
        Which way to take between samples (default: spherical).
    seed : int
        Seed of the noise (default: 0).
    member : int
        Which member of a population (default: 0).
    snapshot : str
        best, by its KID; latest; or the steps after which it was saved (default: latest).
    weights : str
        Which weights of the generator (default: the average, where the run keeps one).
    device : str
        auto, cpu, cuda, cuda:1, ... (default: auto).
    """

    run: Positional[Path]
    out: Path = None
    count: int = None
    between: int = None
    film: bool = False
    way: Literal[WAYS] = "spherical"
    seed: int = 0
    member: int = 0
    snapshot: str = "latest"
    weights: Literal["average", "last"] = None
    device: str = None


def run(words: Sequence[str]) -> int:
    """Draw samples of a run, as the command line asks; return the exit status."""
    wanted = Sample(**read(words, Sample))
    for name in ("count", "between"):
        if getattr(wanted, name) is not None:
            _inputs.count(f"--{name}", getattr(wanted, name))
    ours = wanted.run == SHIPPED and not SHIPPED.exists()
    name = "film.gif" if wanted.film else "between.gif" if wanted.between else "sample.png"
    path = wanted.out or (Path() if ours else wanted.run) / name
    moving = _inputs.one_of("the ending of --out", path.suffix.lower(), ENDINGS) != ".png"
    if wanted.film:
        if not moving or wanted.between:
            raise ValueError("--film goes with an --out that ends in .gif or .mp4, and without --between")
        count = _film(wanted.run / "samples", path)
        print(f"{path}: {count} sheets")
        return 0
    if moving and not wanted.between:
        raise ValueError(
            "--out must end in .png for a grid: a .gif shows the way between samples, with --between N, or --film"
        )
    device = choose_device(wanted.device)
    which = dict(average=wanted.weights != "last", which=wanted.snapshot)
    saved = shipped(device) if ours else load_run(wanted.run, **which, device=device)
    if not 0 <= wanted.member < saved.run.config.members:
        raise ValueError(f"member must be at least 0 and less than {saved.run.config.members}, not {wanted.member}")
    if wanted.weights == "average" and not saved.averaged:
        raise ValueError(
            f"weights must be 'last' for {wanted.run}, which keeps no averages (train it with --ema 0.999)"
        )
    if moving and saved.run.is_distribution:
        raise ValueError("--out must end in .png for points in the plane: an animation of one point says nothing")
    _draw(path, saved, wanted, moving)
    which = "averages of the weights" if saved.averaged else "weights"
    print(f"{path}: {which} after {saved.step} steps")
    return 0


def _film(folder, path):
    """Write the sheets of a run as a film, and return how many there are."""
    sheets = []
    for file in sorted(folder.glob("step-*.png")):
        with Image.open(file, formats=("PNG",)) as sheet:
            if sheet.width * sheet.height > LARGEST or (sheets and sheet.size != sheets[0].shape[1::-1]):
                raise ValueError(f"{file} must be a sheet of a run like the others, not {sheet.width} x {sheet.height}")
            sheets.append(np.array(sheet.convert("RGBA" if sheet.mode == "RGBA" else "RGB")))
    if not sheets:
        raise ValueError(f"{folder} holds no sheets: --film is for a run of `python -m gantut train`")
    _pictures.write_film(path, sheets, milliseconds=PAUSE)
    return len(sheets)


def _draw(path, saved, wanted, moving):
    plane, columns = saved.run.is_distribution, None
    if wanted.between:
        columns = wanted.count or (STILL if moving else 8)
        noise = _ways(saved, wanted, columns, moving)
    else:
        noise = saved.noise(wanted.count or (1000 if plane else 64), wanted.seed)
    samples = saved.generate(noise)[wanted.member].cpu()
    if moving:
        _pictures.write_film(path, _pictures.enlarged(_pictures.as_bytes(samples), 256))
    elif plane:
        real = _data.load(saved.run).sample(1000, generator=random_source(0))
        _pictures.write_png(path, _pictures.cloud(samples, real, saved.step))
    else:
        _pictures.write_png(path, _pictures.sheet(samples, columns=columns))


def _ways(saved, wanted, steps, moving):
    """Return noise on the ways from one draw to another or, in an animation, from each to the next and to the first."""
    corners = saved.noise(max(wanted.between, 2) if moving else wanted.between + 1, wanted.seed)
    places = torch.arange(steps) / steps if moving else torch.linspace(0, 1, steps)
    starts, ends = (corners, corners.roll(-1, 0)) if moving else (corners[:-1], corners[1:])
    return torch.cat([way(start, end, places, wanted.way) for start, end in zip(starts, ends, strict=True)])


def way(start: torch.Tensor, end: torch.Tensor, places: torch.Tensor, kind: str = "spherical") -> torch.Tensor:
    r"""Return points on the way between two draws of noise, on the sphere (`slerp`) or straight.

    In many coordinates, N(0, 1) lies near a sphere, and the middle of a straight line far inside it, where a generator
    has seen no noise: it is shorter than almost every draw, by :math:`\sqrt2`.

    Parameters
    ----------
    start, end : tensors, shape (latent_dim,)
    places : tensor, shape (n,)
        t, from 0 to 1.
    kind : {"spherical", "linear"}
        With one coordinate there is no sphere, and the way is always straight.

    Returns
    -------
    tensor, shape (n, latent_dim)

    References
    ----------
    White (2016), "Sampling generative networks", section 2.1; lesson 14.
    """
    if kind == "linear" or len(start) == 1:
        return torch.lerp(start, end, places[:, None])
    return slerp(start[None], end[None], places)[0]
