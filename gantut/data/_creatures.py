"""Creatures: small images of monsters that ship with the package, in the public domain."""

from fnmatch import fnmatchcase
from importlib import resources
from typing import NamedTuple

import numpy as np
import torch

from gantut import _inputs
from gantut.data import _pixels

SIZE = 32
PARTS = ("train", "holdout", "all")
# Tiles that show no creature: statues and overlays, outfits of draconians, plants, a tile "TEST".
LIFELESS = ("*/statues/*", "*_statue", "*/draco-job-*", "*/fungi_plants/*", "*/test_spawner")


class Creatures(NamedTuple):
    """What :func:`creatures` returns."""

    images: torch.Tensor
    names: tuple[str, ...]
    groups: torch.Tensor


class Tiles(NamedTuple):
    """The images as they were published.

    Attributes
    ----------
    pixels : array of uint8, shape (n, 48, 32, 4)
        Red, green, blue and opacity; 0 below the last row of an image, and wherever the opacity is 0.
    heights : array of uint8, shape (n,)
        32, or 48 for a few large monsters.
    names : array of str, shape (n,)
    groups : array of int16, shape (n,)
        The group of near-duplicates that each image belongs to.
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
    """Return 409 monsters of the game Dungeon Crawl Stone Soup, 32 x 32 pixels, in the public domain.

    Near-duplicates form a group: frames of an animation, one monster in several colours, a hydra with one head more.
    The groups were found with ``gantut.lessons.new_creatures.group_similar_images`` and reviewed by eye. No group is in
    both "train" and "holdout", so a model that memorises its training set cannot pass for one that generalises.

    Parameters
    ----------
    part : {"all", "train", "holdout"}
        A fifth of the groups is held out, by :func:`hold_out_groups`.
    channels : {3, 4}
        3: composited on the background. 4: premultiplied colours and opacity, all -1 where the image is transparent.
    background : float or three floats
        A grey level, or red, green and blue, from 0 (black) to 1 (white).
    mirrored : bool
        Whether to append the mirror images (left and right swapped).
    alive : bool
        Whether to leave out the 40 tiles that show no creature, but a statue, a plant or a part of an image.
    dtype, device
        Of the tensor of images.

    Returns
    -------
    images : tensor, shape (n, channels, 32, 32)
        From -1 to 1.
    names : tuple of str
        n names, such as ``"mon/demons/red_devil"``; those of mirror images are repeated after the others.
    groups : tensor of int64, shape (n,)
        The group of near-duplicates that each image belongs to.

    Raises
    ------
    ValueError
        If an argument is not one of the allowed values.

    See Also
    --------
    sprites : reads your own images.
    hold_out_groups : how the held-out fifth is chosen.

    Notes
    -----
    19 monsters were drawn on 32 x 48 pixels; they are scaled down by averaging over areas.

    References
    ----------
    The tiles of Dungeon Crawl Stone Soup 0.28.0 that are confirmed to be in the public domain (CC0 1.0). Their origin
    is documented in ``gantut/data/shipped/creatures.md``; ``book/tools/creatures.py`` builds the file.

    Examples
    --------
    >>> creatures("train").images.shape
    torch.Size([325, 3, 32, 32])
    """
    _inputs.one_of("part", part, PARTS)
    _inputs.one_of("alive", alive, (True, False))
    tiles = tiles_as_published()
    groups = torch.from_numpy(tiles.groups.astype(np.int64))
    chosen = {"train": ~hold_out_groups(groups), "holdout": hold_out_groups(groups), "all": groups >= 0}[part]
    if alive:
        chosen = chosen & torch.tensor([not any(fnmatchcase(name, kind) for kind in LIFELESS) for name in tiles.names])
    tiles = Tiles(*(array[chosen.numpy()] for array in tiles))
    images = _pixels.tensor_of(squares(tiles.pixels, tiles.heights), channels=channels,
                               background=background, mirrored=mirrored, dtype=dtype, device=device)  # fmt: skip
    twice = 2 if mirrored else 1
    return Creatures(images, tuple(tiles.names.tolist()) * twice, groups[chosen].repeat(twice).to(device))


def hold_out_groups(groups: torch.Tensor, *, every: int = 5) -> torch.Tensor:
    """Choose whole groups to hold out: every fifth one, sorted by size.

    Small and large groups are thus held out in the same proportion, without any randomness.

    Parameters
    ----------
    groups : tensor of int, shape (n,)
        The group of each image, of :func:`creatures`, say.
    every : int
        One in so many groups is held out; at least 2.

    Returns
    -------
    tensor of bool, shape (n,)
        True for images that are held out.

    Raises
    ------
    ValueError
        If `groups` is not a list of non-negative integers, or `every` is less than 2.

    See Also
    --------
    creatures

    Examples
    --------
    >>> hold_out_groups(torch.tensor([0, 0, 0, 1, 2, 2]), every=3)
    tensor([False, False, False, False,  True,  True])
    """
    groups = _inputs.class_labels("groups", groups)
    if groups.ndim != 1:
        raise ValueError(f"groups must have shape (n,), not {_inputs.shape(groups)}")
    every = _inputs.count("every", every, least=2)
    _, inverse, sizes = groups.unique(return_inverse=True, return_counts=True)
    order = sizes.cpu().sort(stable=True).indices.to(groups.device)  # ties in order of the groups' numbers
    chosen = torch.zeros(len(sizes), dtype=torch.bool, device=groups.device)
    chosen[order[every // 2 :: every]] = True
    return chosen[inverse]


def tiles_as_published() -> Tiles:
    """Return the shipped images, bit by bit as they were published."""
    with resources.files("gantut.data").joinpath("shipped", "creatures.npz").open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        return Tiles(*(arrays[name] for name in Tiles._fields))


def squares(pixels: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Return tiles (n, 48, 32, 4) of bytes as premultiplied images (n, 32, 32, 4), the tall ones scaled down."""
    pictures = (_pixels.premultiplied(tile[:height]) for tile, height in zip(pixels, heights, strict=True))
    return np.stack([p if len(p) == SIZE else _pixels.fit(_pixels.content(p), SIZE) for p in pictures])
