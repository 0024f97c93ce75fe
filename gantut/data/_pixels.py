r"""Images with transparency: cropped, fitted to one size, composited.

An image is an array of shape (height, width, 4): red, green, blue and the opacity :math:`\alpha`, from 0 to 1, the
colours *premultiplied*, that is, each already times :math:`\alpha`. Averages of such images
are images again: a transparent pixel does not count, whatever colour the file gives it.
"""

import numbers

import numpy as np
import torch

from gantut import _inputs

RESIZES = ("pixels", "smooth")
FITS = ("pad", "border", "crop")
CHANNELS = (3, 4)


def premultiplied(rgba: np.ndarray) -> np.ndarray:
    """Return an image of bytes (height, width, 4) with premultiplied colours, in single precision from 0 to 1."""
    picture = rgba.astype(np.float32) / 255
    picture[..., :3] *= picture[..., 3:]
    return picture


def content(picture: np.ndarray) -> np.ndarray:
    """Return the smallest rectangle with everything that is not fully transparent; an empty one if all is."""
    seen = picture[..., 3] > 0
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return picture[:0, :0]
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def fit(picture: np.ndarray, size: int, *, resize: str = "pixels", fit: str = "pad") -> np.ndarray:
    """Return the image as a square of `size` pixels.

    Parameters
    ----------
    picture : array, shape (height, width, 4)
    size : int
    resize : {"pixels", "smooth"}
        For pixel art: each pixel becomes a block of k x k, k the largest integer that fits; an image that is too large
        is averaged over areas. Or for photographs: Lanczos resampling, so that the longer side fits exactly.
    fit : {"pad", "border", "crop"}
        What is around the image, which is in the middle: nothing, or the colours of its border. Or its middle square
        alone, which leaves nothing around it.

    Returns
    -------
    array, shape (size, size, 4)
    """
    if fit == "crop":
        side = min(picture.shape[:2])
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        picture = picture[top : top + side, left : left + side]
    longest = max(picture.shape[:2])
    if longest <= size and resize == "pixels":
        picture = picture.repeat(size // longest, 0).repeat(size // longest, 1)
    elif longest != size:
        height, width = (max(1, round(side * size / longest)) for side in picture.shape[:2])
        picture = (_area_mean if resize == "pixels" else _lanczos)(picture, height, width)
    height, width = picture.shape[:2]
    top, left = (size - height) // 2, (size - width) // 2
    around = ((top, size - height - top), (left, size - width - left), (0, 0))
    return np.pad(picture, around, mode="edge" if fit == "border" else "constant")


def _area_mean(picture, height, width):
    """Return the mean of `picture` over each of height x width equal rectangles, with fractions of pixels."""
    return np.einsum("ih,hwc,jw->ijc", _shares(picture.shape[0], height), picture, _shares(picture.shape[1], width),
                     optimize=True)  # fmt: skip


def _shares(length, parts):
    """Return the share of each pixel of a line in each of equal parts of it: shape (parts, length)."""
    ends = np.arange(parts + 1)[:, None] * length / parts
    pixel = np.arange(length)
    overlap = np.minimum(ends[1:], pixel + 1) - np.maximum(ends[:-1], pixel)
    return (overlap.clip(0) * parts / length).astype(np.float32)


def _lanczos(picture, height, width):
    """Return the image resampled; where the filter overshoots, values are clipped to the valid range."""
    from PIL import Image  # loaded by need

    planes = (Image.fromarray(np.ascontiguousarray(picture[..., channel])) for channel in range(4))
    resampled = [np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS)) for plane in planes]
    picture = np.stack(resampled, -1).clip(0, 1)
    picture[..., :3] = np.minimum(picture[..., :3], picture[..., 3:])
    return picture


def tensor_of(pictures, *, channels: int, background, mirrored: bool, dtype, device) -> torch.Tensor:
    """Return n images (height, width, 4) as a tensor (n, channels, height, width) from -1 to 1, mirror images behind.

    With 3 channels they are composited; with 4 they stay premultiplied, and a transparent pixel is -1 in all channels.
    """
    channels = int(_inputs.one_of("channels", channels, CHANNELS))
    _inputs.one_of("mirrored", mirrored, (True, False))
    count, behind = len(pictures), torch.from_numpy(colour("background", background))[:, None, None]
    shape = count * (1 + mirrored), channels, *pictures[0].shape[:2]
    images = torch.empty(
        shape, dtype=_inputs.precision(dtype), device=device
    )  # all at once: a collection may fill half of the memory
    for place, picture in enumerate(pictures):
        pixels = torch.from_numpy(picture).permute(2, 0, 1)
        if channels == 3:
            pixels = pixels[:3] + (1 - pixels[3:]) * behind
        images[place] = pixels * 2 - 1
        if mirrored:
            images[count + place] = images[place].flip(-1)
    return images


def colour(name, value) -> np.ndarray:
    """Return a grey level, or a triple of red, green and blue, from 0 to 1 as three numbers."""
    levels = [value] * 3 if isinstance(value, numbers.Real) else value
    try:
        red, green, blue = (float(level) for level in levels if not isinstance(level, str))
    except (TypeError, ValueError):
        red = green = blue = -1.0
    if not all(0 <= level <= 1 for level in (red, green, blue)):
        raise ValueError(f"{name} must be a grey level, or red, green and blue, from 0 to 1, not {value!r}")
    return np.array([red, green, blue], np.float32)
