"""Negative controls: pictures that are plainly no creatures, and copies in disguise, to try the measures on."""

import torch
from torch.nn import functional

from gantut.device import random_source
from gantut.lessons.new_creatures._measures import SIZE


def spoilt_pictures(pictures: torch.Tensor, *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return what a measure of likeness has to tell from the pictures themselves, and one change that it need not.

    Parameters
    ----------
    pictures : tensor, shape (n, 3, 32, 32)
        From -1 to 1, on white.
    seed : int

    Returns
    -------
    dict of tensor, shape (n, 3, 32, 32)
        ``"pixel salad"``, each picture's pixels in a random order; ``"jigsaw of 16"`` and ``"jigsaw of 4"``, its square
        pieces in a random order; ``"blurred"``, means of 5 x 5; ``"upside down"``; and ``"other colours"``, red, green
        and blue exchanged, which are creatures all the same.
    """
    source = random_source(seed)
    return {
        "pixel salad": _jigsaw(pictures, 1, source),
        "jigsaw of 16": _jigsaw(pictures, SIZE // 4, source),
        "jigsaw of 4": _jigsaw(pictures, SIZE // 2, source),
        "blurred": functional.avg_pool2d(functional.pad(pictures, (2,) * 4, value=1.0), 5, stride=1),
        "upside down": pictures.flip(-2),
        "other colours": pictures[:, [1, 2, 0]],
    }


def cheats(pictures: torch.Tensor, *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return copies of pictures, changed in ways that a search for copies may or may not know.

    Parameters
    ----------
    pictures : tensor, shape (n, 3, 32, 32)
        From -1 to 1, on white.
    seed : int

    Returns
    -------
    dict of tensor, shape (n, 3, 32, 32)
        ``"mirrored, moved by 2"`` and ``"moved by 4"``, both with noise; ``"moved by 6"``, ``"larger"`` (by an eighth),
        ``"other colours"``; ``"blends of two"``, the mean of each picture and another one of them; and ``"chimeras"``,
        the left half of each beside the right half of another.
    """
    noise = 0.2 * torch.randn(pictures.shape, generator=random_source(seed)).to(pictures)
    wide, edge = SIZE + SIZE // 8, SIZE // 16
    larger = functional.interpolate(pictures, size=(wide, wide), mode="bilinear")
    return {
        "mirrored, moved by 2": _moved(pictures.flip(-1), 1, 2) + noise,
        "moved by 4": _moved(pictures, -4, 4) + noise,
        "moved by 6": _moved(pictures, 0, 6),
        "larger": larger[..., edge : edge + SIZE, edge : edge + SIZE],
        "other colours": pictures[:, [1, 2, 0]],
        "blends of two": (pictures + pictures.roll(len(pictures) // 2, 0)) / 2,
        "chimeras": torch.cat([pictures[..., : SIZE // 2], pictures.roll(len(pictures) // 3, 0)[..., SIZE // 2 :]], -1),
    }


def _moved(pictures, down, right):
    """Move pictures down and to the right, and fill up with white."""
    return functional.pad(pictures, (right, -right, down, -down), value=1.0)


def _jigsaw(pictures, side, source):
    """Cut each picture into squares of that side, and lay them out anew, each picture in an order of its own."""
    pieces = functional.unfold(pictures, side, stride=side)  # (n, 3 * side^2, squares)
    order = torch.rand(len(pieces), pieces.shape[-1], generator=source).argsort(1).to(pictures.device)
    shuffled = pieces.gather(2, order[:, None].expand_as(pieces))
    return functional.fold(shuffled, pictures.shape[-2:], side, stride=side)
