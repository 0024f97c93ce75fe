"""Creatures: small pictures of monsters that ship with the package, free of all rights."""

from fnmatch import fnmatchcase
from importlib import resources
from typing import NamedTuple

import numpy as np
import torch

from gantut import _inputs
from gantut.data import _pixels
from gantut.data._forms import held_out

SIZE = 32
PARTS = ("train", "holdout", "all")
# Tiles that show no creature: statues and what lies over them, outfits that a draconian wears, plants, a tile "TEST".
LIFELESS = ("*/statues/*", "*_statue", "*/draco-job-*", "*/fungi_plants/*", "*/test_spawner")


class Creatures(NamedTuple):
    """What :func:`creatures` returns: n pictures; mirror images, where wanted, follow after all others."""

    #: shape (n, channels, 32, 32), from -1 to 1
    images: torch.Tensor
    #: n names, such as "mon/demons/red_devil"
    names: tuple[str, ...]
    #: the number of each picture's form, shape (n,)
    groups: torch.Tensor


class Tiles(NamedTuple):
    """The pictures as they were published.

    Attributes
    ----------
    pixels : array of uint8, shape (n, 48, 32, 4)
        Red, green, blue and opacity; 0 below the last row of a picture, and wherever the opacity is 0.
    heights : array of uint8, shape (n,)
        32, or 48 for a few large monsters.
    names : array of str, shape (n,)
    groups : array of int16, shape (n,)
        The number of each picture's form.
    """

    pixels: np.ndarray
    heights: np.ndarray
    names: np.ndarray
    groups: np.ndarray


def creatures(
    part: str = "all",
    *,
    channels: int = 3,
    background: float | tuple[float, float, float] = 1.0,
    mirrored: bool = False,
    alive: bool = False,
    dtype=torch.float32,
    device="cpu",
) -> Creatures:
    """409 monsters of the game Dungeon Crawl Stone Soup, 32 x 32 pixels, that everyone may use for everything.

    Near-duplicates have one form: frames of an animation, one monster in several colours, a hydra with one head more.
    The forms were found with :func:`forms`, and looked through by eye. No form is in both of "train" and "holdout",
    so that a model that only repeats what it has seen does not pass for one that has learnt.

    Parameters
    ----------
    part : "train", "holdout" or "all"
        A fifth of the forms is held out, by :func:`held_out`.
    channels : 3 or 4
        3: composited on the background. 4: premultiplied colours and the opacity, all -1 where nothing is.
    background : float or three of them
        A grey level, or red, green and blue, from 0 (black) to 1 (white).
    mirrored : bool
        Whether mirror images (left and right exchanged) follow after the pictures.
    alive : bool
        Leave out the tiles that show no creature: 40 of them, statues, plants and parts of pictures, by their names.

    Returns
    -------
    Creatures
        Pictures, names and forms; ``train(config, creatures("train").images, generator=..., critic=...)`` trains
        networks of yours on them.

    Raises
    ------
    ValueError
        If there is no such part, number of channels or background.

    Notes
    -----
    19 monsters were drawn on 32 x 48 pixels; they are made smaller by averaging over areas. Some pictures are no
    creature but a part of one (``"statues/overlay_..."``, ``"draco/draco-job-..."``) or a statue or plant: `alive`
    leaves these out.

    References
    ----------
    The tiles of Dungeon Crawl Stone Soup 0.28.0, as far as they are confirmed to be in the public domain (CC0 1.0).
    Where they come from is told in ``gantut/data/shipped/creatures.md``; ``book/tools/creatures.py`` makes the file.
    """
    _inputs.one_of("part", part, PARTS)
    _inputs.one_of("alive", alive, (True, False))
    tiles = tiles_as_published()
    groups = torch.from_numpy(tiles.groups.astype(np.int64))
    chosen = {"train": ~held_out(groups), "holdout": held_out(groups), "all": groups >= 0}[part]
    if alive:
        chosen = chosen & torch.tensor([not any(fnmatchcase(name, kind) for kind in LIFELESS) for name in tiles.names])
    tiles = Tiles(*(array[chosen.numpy()] for array in tiles))
    images = _pixels.tensor_of(squares(tiles.pixels, tiles.heights), channels=channels,
                               background=background, mirrored=mirrored, dtype=dtype, device=device)  # fmt: skip
    twice = 2 if mirrored else 1
    return Creatures(images, tuple(tiles.names.tolist()) * twice, groups[chosen].repeat(twice).to(device))


def tiles_as_published() -> Tiles:
    """Return the shipped pictures, bit by bit as they were published."""
    with resources.files("gantut.data").joinpath("shipped", "creatures.npz").open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        return Tiles(*(arrays[name] for name in Tiles._fields))


def squares(pixels: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Return tiles (n, 48, 32, 4) of bytes as premultiplied pictures (n, 32, 32, 4), the high ones made smaller."""
    pictures = (_pixels.premultiplied(tile[:height]) for tile, height in zip(pixels, heights, strict=True))
    return np.stack([p if len(p) == SIZE else _pixels.fit(_pixels.content(p), SIZE) for p in pictures])
