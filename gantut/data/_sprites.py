"""Your own images, from any folder, zip or tar archive."""

import io
import os
import warnings
from typing import NamedTuple

import numpy as np
import torch

from gantut import _inputs
from gantut.data import _pixels
from gantut.data._archives import ENDINGS, ImageLimits, pictures_in

FORMATS = ("PNG", "GIF", "JPEG", "WEBP", "BMP")


class Sprites(NamedTuple):
    """What :func:`sprites` returns."""

    images: torch.Tensor
    names: tuple[str, ...]
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
    limits: ImageLimits | None = None,
    dtype=torch.float32,
    device="cpu",
) -> Sprites:
    """Read images from a folder, a zip or a tar archive, and fit them into squares of one size.

    Files named .png, .gif (the first frame), .jpg, .jpeg, .webp and .bmp are read, in a folder sorted by name; all
    others are ignored. Each image is cropped to what is not transparent, resized, and centred in a square. Nothing is
    extracted to disk, no link followed, no nested archive opened. An image that cannot be read is skipped, and listed
    with the reason, as is a link to a folder. Grey levels of 16 bits that all fit into 12 or 8 are taken for levels of
    so many bits.

    Parameters
    ----------
    path : str or path
        A folder, read with its subfolders; a .zip; or a .tar, plain or compressed with gzip, bzip2 or xz.
    size : int
        Side of the square in pixels; the convolutional networks of this package take 32 and 64.
    channels : {3, 4}
        3: composited on the background. 4: premultiplied colours and opacity, all -1 where the image is transparent.
    background : float or three floats
        A grey level, or red, green and blue, from 0 (black) to 1 (white).
    mirrored : bool
        Whether to append the mirror images (left and right swapped).
    match : str
        Only files whose paths end like this are read, ``*`` standing for any name, as in ``"regular/*.png"``.
    crop : bool
        Whether to crop to the smallest rectangle that holds everything visible.
    resize : {"pixels", "smooth"}
        "pixels", for pixel art: every pixel becomes a block of k x k, k the largest integer that fits; an image larger
        than the square is averaged over areas. "smooth", for photographs: Lanczos resampling to the side of the square.
    limits : ImageLimits, optional
        How much may be read; the defaults suit collections of up to 20,000 images.
    dtype, device
        Of the tensor of images.

    Returns
    -------
    images : tensor, shape (n, channels, size, size)
        From -1 to 1.
    names : tuple of str
        n paths within the folder or archive; those of mirror images are repeated after the others.
    skipped : tuple of (str, str)
        The path of each image or linked folder that was not read, and the reason.

    Raises
    ------
    ValueError
        If no image could be read, or the collection exceeds a limit on the number of files or of bytes.

    See Also
    --------
    creatures : images that ship with the package.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGBA", (16, 16), "red").save(pathlib.Path(folder, "red.png"))
    ...     found = sprites(folder, size=32)
    >>> found.images.shape, found.names
    (torch.Size([1, 3, 32, 32]), ('red.png',))

    Notes
    -----
    Many posts about GANs use Pokémon sprites as their example. The images belong to their owners and are not part of
    this package, but with Node.js you can read the 1332 images of the npm package pokesprite-images straight from its
    archive, for an experiment of your own::

        $ npm pack pokesprite-images@2.7.0

        >>> sprites("pokesprite-images-2.7.0.tgz", match="pokemon-gen8/regular/*.png").images.shape  # doctest: +SKIP
        torch.Size([1332, 3, 32, 32])

    They measure 68 x 56 pixels, of which cropping leaves a fifth on average: to fit a square of 32 pixels, 436 of them
    are scaled down; for 64 pixels, only one.
    """
    size = _inputs.count("size", size)
    _inputs.one_of("resize", resize, _pixels.RESIZES)
    _inputs.one_of("channels", channels, _pixels.CHANNELS)
    if not isinstance(match, str) or not match:
        raise ValueError(f"match must be a pattern such as '*.png', not {match!r}")
    _pixels.colour("background", background)
    limits = limits or ImageLimits()
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
    message = f"path must contain images ({', '.join(ENDINGS)}) whose names match {match!r}, but {str(path)!r} has none"
    if not skipped:
        return message
    return (
        message + f" that can be read: {len(skipped)} skipped, the first being {skipped[0][0]!r}, which {skipped[0][1]}"
    )


def _square(data, size, crop, resize, limits):
    """Return the prepared image and "", or None and the reason why there is none."""
    try:
        rgba = _decoded(data, limits.pixels)
    except _Refused as refused:
        return None, str(refused)
    except Exception as error:  # whatever a decoder meets in damaged or hostile data
        return None, f"cannot be decoded ({type(error).__name__}: {str(error)[:200]})"
    picture = _pixels.premultiplied(rgba)
    inner = _pixels.content(picture)
    if not inner.size:
        return None, "is fully transparent"
    return _pixels.fit(inner if crop else picture, size, resize=resize), ""


class _Refused(Exception):
    pass


def _decoded(data, most):
    """Return the first image in a file as bytes (height, width, 4): red, green, blue, opacity."""
    from PIL import Image, ImageOps  # loaded by need

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about harmless oddities; what is harmful is refused below
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        except Image.UnidentifiedImageError:
            raise _Refused("is not an image in a supported format") from None
        with image:
            width, height = image.size
            if width * height > most:
                raise _Refused(f"has {width} x {height} pixels, but {most} are allowed")
            image.load()
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):  # 16 bits, of which fewer may be used
                levels = np.asarray(image)
                bits = next(bits for bits in (8, 12, 16) if levels.max() < 2**bits)
                image = Image.fromarray((levels >> (bits - 8)).astype(np.uint8))
            elif data[:8] == b"\x89PNG\r\n\x1a\n" and data[24] == 16 and np.asarray(image)[..., :3].max() < 16:
                raise _Refused("has 16 bits a channel of which the higher are not used: scale it to 8 bits")
            return np.array(image.convert("RGBA"))
