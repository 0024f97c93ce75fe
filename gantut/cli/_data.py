"""What a run learns from: a distribution or images, by the name that the command line gives them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from gantut import _inputs, data
from gantut.cli._survey import survey_lines

DISTRIBUTIONS = {"ring": data.ring, "grid": data.grid}
LABELLED = {"mnist": data.mnist, "fashion-mnist": data.fashion_mnist}
NAMES = ("creatures", "digits", *DISTRIBUTIONS, *LABELLED)
SIDES = {"creatures": 32, "digits": 8, "mnist": 32, "fashion-mnist": 32}  # the pixels a side that these have
SIDE = 32  # of images in a folder or archive, unless something else is asked for
FITS = {  # how such images become squares
    "auto": {"resize": "auto"},
    "pixels": {"resize": "pixels"},
    **{fit: {"resize": "smooth", "fit": fit} for fit in ("crop", "pad", "border")},
}


def checked_source(given: Mapping[str, Any], *, exists: bool = True) -> dict[str, Any]:
    """Return the settings of the data, from `data` to `links`, with what is not given filled in.

    Raises
    ------
    ValueError
        If the data are neither a known name nor a path (which need not exist any more, unless it is to), or the rest
        does not go with them.
    """
    found = dict(data="creatures", folder=None, size=None, channels=None, mirror=None, fit=None, links=False)
    found |= {name: given[name] for name in found if name in given}
    name = found["data"]
    if found["folder"] is not None and name not in LABELLED:
        raise ValueError(f"a folder after the data goes with {' and '.join(LABELLED)} only, not with {name!r}")
    if exists and name not in NAMES and not Path(name).exists():
        _inputs.one_of("data, unless it is the path of a folder, zip or tar of images,", name, NAMES)
    if name in DISTRIBUTIONS:
        for setting in ("size", "channels", "mirror", "fit", "links", "networks", "generator_norm", "critic_norm"):
            if given.get(setting):
                raise ValueError(f"{setting} is for images, and {name!r} is a distribution: leave it out")
        return found | {"mirror": False}
    coloured = is_coloured(name)
    sides = tuple(side for side in (8, 16, 32, 64, 128) if side >= SIDES.get(name, 8))
    size = _inputs.one_of("size", SIDES.get(name, SIDE) if found["size"] is None else found["size"], sides)
    usual, allowed = (3, (3, 4)) if coloured else (1, (1,))
    channels = _inputs.one_of("channels", usual if found["channels"] is None else found["channels"], allowed)
    mirror = coloured if found["mirror"] is None else _inputs.one_of("mirror", found["mirror"], (True, False))
    found |= dict(size=size, channels=channels, mirror=mirror)
    if name not in NAMES:
        fit = _inputs.one_of("fit", found["fit"] or "auto", tuple(FITS))
        return found | dict(fit=fit, links=_inputs.one_of("links", found["links"], (True, False)))
    for setting in ("fit", "links"):
        if found[setting]:
            raise ValueError(f"{setting} is for images of your own, and {name!r} are squares already: leave it out")
    return found


def is_coloured(name: str) -> bool:
    """Whether the images of that name, or at that path, are in colour."""
    return name == "creatures" or name not in NAMES  # which is the path of images


def load(run, *, note: Callable[[str], None] = lambda line: None, progress: bool | None = False):
    """Return the distribution, or the images as a tensor (n, channels, size, size) from -1 to 1.

    Parameters
    ----------
    run : Run
    note : function of a line of text
        Is told what there is in a folder or archive, and what was done with it.
    progress : bool or None
        Whether a bar shows how far a folder or archive is read; None: where there is a terminal.

    Raises
    ------
    ValueError
        If there are no images, or fewer than a batch.
    """
    if run.is_distribution:
        return DISTRIBUTIONS[run.data](dtype=torch.float32)
    if run.data not in NAMES:
        settings = dict(size=run.size, channels=run.channels, mirrored=run.mirror, links=run.links)
        found = data.sprites(run.data, **settings, **FITS[run.fit], progress=progress)
        for line in survey_lines(found, run):
            note(line)
        if len(found.images) < run.config.batch_size:
            mirrored = ", with their mirror images" if run.mirror else ""
            raise ValueError(
                f"batch_size must be at most {len(found.images)}, the number of images in {run.data}{mirrored}, not "
                f"{run.config.batch_size}: give --batch-size, or better, more images; some hundreds are few already"
            )
        return found.images
    if run.data == "creatures":
        images = data.creatures("train", alive=True, channels=run.channels, mirrored=run.mirror).images
    elif run.data == "digits":
        images = data.labelled_digits().images.reshape(-1, 1, 8, 8) * 2 - 1
    else:
        images = LABELLED[run.data](folder=run.folder, size=32).images
    if run.mirror and run.data != "creatures":
        images = torch.cat([images, images.flip(-1)])
    factor = run.size // images.shape[-1]
    return images.repeat_interleave(factor, -1).repeat_interleave(factor, -2)
