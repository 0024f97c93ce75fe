"""Your own images, from any folder, zip or tar archive."""

import collections
import contextlib
import os
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from gantut import _inputs
from gantut.data import _pixels
from gantut.data._archives import ENDINGS, ImageLimits, pictures_in
from gantut.data._decoding import Refused, decoded

LOOKED_AT = 24  # pictures of which most are photographs, or not
REDUCED = 2  # times the side of the square, down to which a photograph is made smaller at once
COLOURS = 256  # of pixel art at most


class Survey(NamedTuple):
    """What :func:`sprites` has found.

    Attributes
    ----------
    sizes : tuple of (int, int)
        Width and height of each picture, as it is stored.
    kinds : tuple of {"colour", "grey", "transparent"}
        What each picture is.
    others : dict of str to int
        How many files were ignored, by their ending.
    resize, fit : str
        What was done.
    remarks : tuple of (str, str)
        The path of a picture whose colours were converted to sRGB, or could not be, or whose 16 bits were taken for
        fewer, or that is animated; and this.
    """

    sizes: tuple[tuple[int, int], ...]
    kinds: tuple[str, ...]
    others: dict[str, int]
    resize: str
    fit: str
    remarks: tuple[tuple[str, str], ...]


class Sprites(NamedTuple):
    """What :func:`sprites` returns."""

    images: torch.Tensor
    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    survey: Survey


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
    fit: str | None = None,
    links: bool = False,
    limits: ImageLimits | None = None,
    progress: bool | None = False,
    dtype=torch.float32,
    device="cpu",
) -> Sprites:
    """Read images from a folder, a zip or a tar archive, and fit them into squares of one size.

    Files named .png, .gif (the first frame), .jpg, .jpeg, .webp, .bmp and .avif are read, and .heic and .heif with the
    package pillow-heif, in a folder sorted by name; all others are counted. Each image is turned as its EXIF data say,
    converted from its colour profile to sRGB, cropped to what is not transparent, resized, and centred in a square.
    Nothing is extracted to disk, no link followed unless you say so, nothing hidden (whose name starts with a dot)
    read, no nested archive opened. An image that cannot be read is skipped, and listed with the reason, as is a link.
    Grey levels of 16 bits that all fit into 12 or 8 are taken for levels of so many bits, which a remark tells.

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
    resize : {"pixels", "smooth", "auto"}
        "pixels", for pixel art: every pixel becomes a block of k x k, k the largest integer that fits; an image larger
        than the square is averaged over areas. "smooth", for photographs: Lanczos resampling to the side of the square;
        a much larger one is first made smaller, a JPEG as it is decoded. "auto": smooth, if most of the first 24 images
        are photographs, that is, opaque, and either JPEGs or of more than 256 colours.
    fit : {"pad", "border", "crop"}, optional
        "pad": the whole image, on the background, or transparency. "border": the whole image, whose border is continued
        outwards. "crop": its middle square. By default "crop" where "auto" finds photographs, and else "pad".
    links : bool
        Whether a link in a folder stands for what it leads to, which may be anywhere. No folder is read twice.
    limits : ImageLimits, optional
        How much may be read; the defaults suit collections of up to 20,000 images.
    progress : bool or None
        Whether a bar shows how far it has come; None: where there is a terminal.
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
    survey : NamedTuple
        `sizes` and `kinds` ("colour", "grey", "transparent") of the n pictures, mirror images aside, as they are
        stored; how many `others` were ignored, by the ending of their names; what `resize` and `fit` were; and
        `remarks`, pairs of a path and what was assumed of its colours or done to them, or which picture was taken.

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
    _inputs.one_of("resize", resize, (*_pixels.RESIZES, "auto"))
    _inputs.one_of("fit", fit, (*_pixels.FITS, None))
    _inputs.one_of("channels", channels, _pixels.CHANNELS)
    _inputs.one_of("mirrored", mirrored, (True, False))
    _inputs.one_of("crop", crop, (True, False))
    if not isinstance(match, str) or not PurePosixPath(match).parts:
        raise ValueError(f"match must be a pattern such as '*.png', not {match!r}")
    _pixels.colour("background", background)
    limits = ImageLimits() if limits is None else limits
    if not isinstance(limits, ImageLimits) or not all(isinstance(limit, int) and limit >= 0 for limit in limits):
        raise ValueError(f"limits must be None or ImageLimits, whole numbers of at least 0, not {limits!r}")
    files = partial(pictures_in, path, match, limits, _inputs.one_of("links", links, (True, False)))
    most = limits.pixels
    if resize == "auto":
        resize = "smooth" if _are_photographs(files(), most) else "pixels"
        fit = fit or ("crop" if resize == "smooth" else "pad")
    shape = {"resize": resize, "fit": fit or "pad"}
    names, squares, originals, skipped, remarks, others = [], [], [], [], [], collections.Counter()
    for name, data, reason in tqdm(
        files(), "Reading", unit=" files", disable=None if progress is None else not progress
    ):
        if not reason and data is None:
            others[PurePosixPath(name).suffix.lower() or name] += 1
            continue
        try:
            picture = None if data is None else decoded(data, most, resize == "smooth" and size * REDUCED)
            square = None if picture is None else _square(picture, size, crop, shape)
        except Refused as refused:
            square, reason = None, str(refused)
        if square is None:
            skipped.append((name, reason))
            continue
        names.append(name)
        squares.append(square)
        originals.append((picture.size, picture.kind))
        remarks += [(name, remark) for remark in picture.remarks]
    if not squares:
        raise ValueError(_nothing_left(path, match, skipped, others))
    images = _pixels.tensor_of(squares, channels=channels, background=background, mirrored=mirrored,
                               dtype=dtype, device=device)  # fmt: skip
    survey = Survey(*zip(*originals, strict=True), dict(others), **shape, remarks=tuple(remarks))
    return Sprites(images, tuple(names) * (2 if mirrored else 1), tuple(skipped), survey)


def _nothing_left(path, match, skipped, others):
    matching = "" if match == "*" else f" whose names match {match!r}"
    message = f"path must contain images ({', '.join(ENDINGS)}){matching}, but {str(path)!r} has none"
    if not skipped:
        found = ", ".join(f"{count} {ending}" for ending, count in others.items())
        return f"{message}, only other files: {found}" if found else message
    return (
        message + f" that can be read: {len(skipped)} skipped, the first being {skipped[0][0]!r}, which {skipped[0][1]}"
    )


def _square(picture, size, crop, shape):
    """Return the prepared image; a large photograph is first made smaller by means over blocks of pixels."""
    rgba, factor = picture.rgba, min(picture.rgba.shape[:2]) // (size * REDUCED)
    if shape["resize"] == "smooth" and picture.kind != "transparent" and factor > 1:
        from PIL import Image  # loaded by need

        smaller = [round(side / factor) for side in rgba.shape[1::-1]]
        rgba = np.asarray(Image.fromarray(rgba).resize(smaller, Image.Resampling.BOX))
    whole = _pixels.premultiplied(rgba)
    inner = _pixels.content(whole)
    if not inner.size:
        raise Refused("is fully transparent")
    return _pixels.fit(inner if crop else whole, size, **shape)


def _are_photographs(files, most):
    """Whether most of the first pictures that can be read are photographs."""
    found = []
    for file in files:
        with contextlib.suppress(Refused):
            if file.data is not None:
                picture = decoded(file.data, most, LOOKED_AT)
                found.append(picture.kind != "transparent" and (picture.colours > COLOURS or picture.is_jpeg))
        if len(found) == LOOKED_AT:
            break
    return 2 * sum(found) > len(found)
