"""Pictures of the reader's own, from any folder, zip or tar archive."""

import io
import os
import warnings
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps

from gantut import _inputs
from gantut.data import _pixels
from gantut.data._archives import ENDINGS, IMAGE_LIMITS, ImageLimits, pictures_in

FORMATS = ("PNG", "GIF", "JPEG", "WEBP", "BMP")


class Sprites(NamedTuple):
    """What :func:`sprites` returns."""

    #: shape (n, channels, size, size), from -1 to 1
    images: torch.Tensor
    #: n paths within the folder or archive, those of mirror images again after the others
    names: tuple[str, ...]
    #: pairs of a path and the reason why it was not read
    skipped: tuple[tuple[str, str], ...]


def sprites(
    path: str | os.PathLike,
    *,
    size: int = 32,
    channels: int = 3,
    background: float | tuple[float, float, float] = 1.0,
    mirrored: bool = False,
    match: str = "*",
    crop: bool = True,
    resize: str = "pixels",
    limits: ImageLimits = IMAGE_LIMITS,
    dtype=torch.float32,
    device="cpu",
) -> Sprites:
    """Read pictures from a folder, a zip or a tar archive, and bring them to one square size.

    Files named .png, .gif (the first picture), .jpg, .jpeg, .webp and .bmp are read, those of a folder in the order of
    their names, all others are passed by. Each picture is cropped to what is not transparent, resized, and put into
    the middle of a square. Nothing is extracted to the disk, no link followed, no nested archive opened. Whatever
    cannot be read is skipped, and listed with the reason.

    Parameters
    ----------
    path : str or path
        A folder with all below it, a .zip, or a .tar, plain or compressed with gzip, bzip2 or xz.
    size : int
        Of the side of the square, in pixels; 32 and 64 are what the convolutional networks of this package take.
    channels : 3 or 4
        3: composited on the background. 4: premultiplied colours and the opacity, all -1 where nothing is.
    background : float or three of them
        A grey level, or red, green and blue, from 0 (black) to 1 (white).
    mirrored : bool
        Whether mirror images (left and right exchanged) follow after the pictures.
    match : str
        Which files are read: how the ends of their paths look, ``*`` for any name, as in ``"regular/*.png"``.
    crop : bool
        Whether to crop to the rectangle outside of which all is wholly transparent.
    resize : "pixels" or "smooth"
        "pixels", for pixel art: every pixel becomes a block of k x k, k the largest whole number that fits; what is
        larger than the square is averaged over areas. "smooth", for photographs: all are brought to the side of the
        square by Lanczos' filter.
    limits : ImageLimits
        How much the folder or archive may ask for.

    Returns
    -------
    Sprites
        Pictures, names, and what was skipped.

    Raises
    ------
    ValueError
        If nothing is left, or if a collection exceeds the limits on the whole: how many files, how many bytes.

    Notes
    -----
    The worked example of many posts about GANs are Pokémon sprites. The pictures belong to their owners and are no
    part of this package, but who has Node.js can read the 1332 of the npm package pokesprite-images for an
    experiment of their own, straight from its archive::

        $ npm pack pokesprite-images@2.7.0

        >>> sprites("pokesprite-images-2.7.0.tgz", match="pokemon-gen8/regular/*.png").images.shape  # doctest: +SKIP
        torch.Size([1332, 3, 32, 32])

    They are 68 x 56 pixels large, of which a fifth is left on average after cropping: in a square of 32 pixels, 436 of
    them are made smaller, in one of 64 pixels, one is.
    """
    size = _inputs.count("size", size)
    _inputs.one_of("resize", resize, _pixels.RESIZES)
    _inputs.one_of("channels", channels, _pixels.CHANNELS)
    if not isinstance(match, str) or not match:
        raise ValueError(f"match must be a pattern such as '*.png', not {match!r}")
    _pixels.colour("background", background)
    names, squares, skipped = [], [], []
    for name, data, reason in pictures_in(path, match, limits):
        if data is not None:
            square, reason = _square(data, size, crop, resize, limits)
            if square is not None:
                names.append(name)
                squares.append(square)
                continue
        skipped.append((name, reason))
    if not squares:
        raise ValueError(_nothing_left(path, match, skipped))
    images = _pixels.tensor_of(np.stack(squares), channels=channels, background=background, mirrored=mirrored,
                               dtype=dtype, device=device)  # fmt: skip
    return Sprites(images, tuple(names) * (2 if mirrored else 1), tuple(skipped))


def _nothing_left(path, match, skipped):
    message = f"path must hold pictures ({', '.join(ENDINGS)}) with names that match {match!r}, but {str(path)!r} has "
    if not skipped:
        return message + "none"
    return message + f"none that can be read: {len(skipped)} skipped, first {skipped[0][0]!r}, which {skipped[0][1]}"


def _square(data, size, crop, resize, limits):
    """Return the prepared picture and "", or None and the reason why there is none."""
    try:
        rgba = _decoded(data, limits.pixels)
    except _Refused as refused:
        return None, str(refused)
    except Exception as error:  # whatever a decoder meets in damaged or hostile data
        return None, f"cannot be decoded ({type(error).__name__}: {str(error)[:200]})"
    picture = _pixels.premultiplied(rgba)
    inner = _pixels.content(picture)
    if not inner.size:
        return None, "is wholly transparent"
    return _pixels.fit(inner if crop else picture, size, resize=resize), ""


class _Refused(Exception):
    pass


def _decoded(data, most):
    """Return the first picture in a file as bytes (height, width, 4): red, green, blue, opacity."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd, but does no harm; what does is refused below
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        except Image.UnidentifiedImageError:
            raise _Refused("is no picture of a kind that is read here") from None
        with image:
            width, height = image.size
            if width * height > most:
                raise _Refused(f"has {width} x {height} pixels, and {most} are allowed")
            image.load()
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):  # 16 bits
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            return np.array(image.convert("RGBA"))
