"""What a run learns from: a distribution or pictures, by the name that the command line gives them."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from gantut import _inputs, data

DISTRIBUTIONS = {"ring": data.ring, "grid": data.grid}
LABELLED = {"mnist": data.mnist, "fashion-mnist": data.fashion_mnist}
NAMES = ("creatures", "digits", *DISTRIBUTIONS, *LABELLED)
SIDES = {"creatures": 32, "digits": 8, "mnist": 32, "fashion-mnist": 32}  # the pixels a side that these have
SIDE = 32  # of pictures in a folder or archive, unless something else is asked for
COLOURS = ("creatures", "pictures")


class Source(NamedTuple):
    """Where the real samples come from, as plain data."""

    #: one of NAMES, or "pictures" for a folder or an archive of them
    name: str
    #: where the files are
    folder: str | None = None
    #: pixels a side; None for distributions
    size: int | None = None
    #: 1 for grey, 3 for colours, 4 for colours with opacity; None for distributions
    channels: int | None = None
    #: whether mirror images are learnt from, too
    mirrored: bool = False

    @property
    def is_distribution(self) -> bool:
        """Whether it is a distribution of the plane, and not a collection of pictures."""
        return self.name in DISTRIBUTIONS

    def __str__(self):
        where = f"{self.folder}" if self.name == "pictures" else self.name
        return where if self.is_distribution else f"{where} ({self.size} x {self.size} pixels)"


def source(
    name: str, folder: str | None = None, *, size: int | None = None, channels: int | None = None, mirrored=None
) -> Source:
    """Return the source of that name, with what is not given filled in.

    Parameters
    ----------
    name : str
        One of NAMES, or the path of a folder, a zip or a tar archive of pictures.
    folder : str, optional
        Of the files of MNIST or Fashion-MNIST.
    size, channels : int, optional
        Of pictures: pixels a side, and 1, 3 or 4.
    mirrored : bool, optional
        By default so for creatures and for pictures of one's own, and not for digits and clothes.

    Raises
    ------
    ValueError
        If there is neither such a name nor such a path, or the rest does not go with it.
    """
    if folder is not None and name not in (*LABELLED, "pictures"):
        raise ValueError(f"a folder after the data goes with {' and '.join(LABELLED)} only, not with {name!r}")
    if name not in (*NAMES, "pictures"):
        if not Path(name).exists():
            _inputs.one_of("data, where it is not the path of a folder, zip or tar of pictures,", name, NAMES)
        name, folder = "pictures", name
    if name in DISTRIBUTIONS:
        _refuse(name, size=size, channels=channels, mirrored=mirrored)
        return Source(name)
    coloured = name in COLOURS
    size = _side(name, size)
    channels = _inputs.one_of("channels", channels or (3 if coloured else 1), (3, 4) if coloured else (1,))
    return Source(name, folder, size, channels, coloured if mirrored is None else mirrored)


def load(where: Source, *, note: Callable[[str], None] = lambda line: None):
    """Return the distribution, or the pictures as a tensor (n, channels, size, size) from -1 to 1.

    Parameters
    ----------
    where : Source
    note : function of a line of text
        Is told which files were skipped.
    """
    if where.is_distribution:
        return DISTRIBUTIONS[where.name](dtype=torch.float32)
    if where.name == "pictures":
        found = data.sprites(where.folder, size=where.size, channels=where.channels, mirrored=where.mirrored)
        if found.skipped:
            path, reason = found.skipped[0]
            note(f"{len(found.skipped)} files were skipped, first {path!r}, which {reason}")
        return found.images
    if where.name == "creatures":
        images = data.creatures("train", alive=True, channels=where.channels, mirrored=where.mirrored).images
    elif where.name == "digits":
        images = data.labelled_digits().images.reshape(-1, 1, 8, 8) * 2 - 1
    else:
        images = LABELLED[where.name](folder=where.folder, size=32).images
    if where.mirrored and where.name != "creatures":
        images = torch.cat([images, images.flip(-1)])
    factor = where.size // images.shape[-1]
    return images.repeat_interleave(factor, -1).repeat_interleave(factor, -2)


def _refuse(name, **given):
    for setting, value in given.items():
        if value:
            raise ValueError(f"{setting} is of pictures, and {name!r} is a distribution of the plane: leave it out")


def _side(name, size):
    """Require a number of pixels that the networks take, and that pictures of a fixed size can be enlarged to."""
    least = SIDES.get(name, 8)
    allowed = tuple(side for side in (8, 16, 32, 64, 128) if side >= least)
    return _inputs.one_of("size", size or SIDES.get(name, SIDE), allowed)
