"""One picture from the bytes of a file: the first one in it, upright, with 8 bits a channel, in the colours of sRGB."""

import contextlib
import functools
import io
import math
import warnings
from typing import NamedTuple

import numpy as np

FORMATS = ("PNG", "GIF", "JPEG", "WEBP", "BMP", "AVIF", "HEIF")
JPEGS = ("JPEG", "MPO")  # the second is what cameras write that keep further pictures behind the first
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
LARGER = 4  # times the limit on pixels: the pixels of a JPEG that is made smaller
SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # of colour profiles, and what Pillow calls them
SAME = 2  # levels of 255 by which a profile of sRGB may differ from another
PROFILE_BYTES = 1 << 22  # more than any profile needs: sixteen are kept in memory
UNUSABLE = "has a colour profile that cannot be used, and is taken for sRGB"
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # what such a file says that it is
LACKING = {  # formats that not everybody can read
    "HEIF": (HEIC, "is HEIC: convert it to JPEG, or `python -m pip install pillow-heif` first"),
    "AVIF": ((b"avif", b"avis"), "is AVIF, which takes a newer Pillow: `python -m pip install --upgrade pillow`"),
}


class Refused(Exception):
    """Why a picture is not read."""


class Picture(NamedTuple):
    """A decoded picture, as bytes (height, width, 4): red, green, blue, opacity; what it was before, and remarks."""

    rgba: np.ndarray
    size: tuple[int, int]
    kind: str
    is_jpeg: bool
    remarks: tuple[str, ...]

    @property
    def colours(self):
        """How many different colours there are in it; of a large one, in a part of its pixels."""
        step = max(min(self.rgba.shape[:2]) // 128, 1)
        return len(np.unique(np.ascontiguousarray(self.rgba[::step, ::step]).view(np.uint32)))


def decoded(data: bytes, most: int, least: int | None = None) -> Picture:
    """Return the first image in a file; a JPEG made smaller, if at least so many pixels are left on each side.

    Raises
    ------
    Refused
        If it cannot be read, or has more than `most` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about harmless oddities; what is harmful is refused below
            return _opened(data, most, least)
    except Refused:
        raise
    except Exception as error:  # whatever a decoder meets in damaged or hostile data
        raise Refused(f"cannot be decoded ({type(error).__name__}: {str(error)[:200]})") from None


@functools.cache
def formats() -> tuple[str, ...]:
    """Return the formats that Pillow reads here, HEIF with the package pillow-heif."""
    from PIL import Image  # loaded by need

    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(kind for kind in FORMATS if kind in Image.OPEN)


def _opened(data, most, least):
    from PIL import Image, ImageOps

    try:
        opened = Image.open(io.BytesIO(data), formats=formats())
    except Image.UnidentifiedImageError:
        brand, known = data[8:12] if data[4:8] == b"ftyp" else None, formats()
        lacking = [why for kind, (brands, why) in LACKING.items() if brand in brands and kind not in known]
        raise Refused(next(iter(lacking), "is not an image in a supported format")) from None
    with opened:
        size, is_jpeg = opened.size, opened.format in JPEGS
        if is_jpeg and least and math.prod(size) <= LARGER * most:
            opened.draft(None, (least, least))
        if math.prod(opened.size) > most:
            raise Refused(f"has {size[0]} x {size[1]} pixels, but {most} are allowed")
        opened.load()
        remarks, transparent = [], opened.info.get("transparency")
        depth, colour = data[24:26] if opened.format == "PNG" else (8, 0)  # bits, and 0 for grey
        if depth in (2, 4) and colour == 0 and transparent in range(2**depth):  # as it was before levels had 8 bits
            opened.info["transparency"] = transparent = transparent * 255 // (2**depth - 1)
        image, profile = opened, opened.info.get("icc_profile")
        with contextlib.suppress(Exception):  # damaged EXIF data: as it lies
            image = ImageOps.exif_transpose(opened)
        grey = image.mode in ("1", "L", "LA") or image.mode.startswith("I")
        if image.mode.startswith("I"):  # 16 bits, of which fewer may be used
            levels = np.asarray(image)
            bits = next(bits for bits in (8, 12, 16) if levels.max() < 2**bits)
            image = Image.fromarray((levels >> (bits - 8)).astype(np.uint8))
            if isinstance(transparent, int):  # one of the levels
                image.putalpha(Image.fromarray(np.where(levels == transparent, 0, 255).astype(np.uint8)))
            if bits < 16:
                remarks.append(f"has grey levels of 16 bits of which {bits} are used: it is taken for one of {bits}")
        elif depth == 16:
            colours, opacity = np.split(np.asarray(image), [3], -1)
            if any(0 < part.max(initial=0) < 16 for part in (colours, opacity)):
                raise Refused("has 16 bits a channel of which the higher are not used: scale it to 8 bits")
        rgba, remark = _in_srgb(image, profile, grey)
        remarks += [remark] if remark else []
        with contextlib.suppress(Exception):  # what is behind the first picture may be damaged
            if opened.format in ANIMATED and opened.is_animated:
                remarks.append("is animated: its first picture is taken")
    pixels = np.array(rgba)
    kind = "transparent" if pixels[..., 3].min() < 255 else "grey" if grey else "colour"
    return Picture(pixels, size, kind, is_jpeg, tuple(remarks))


def _in_srgb(image, profile, grey):
    """Return an image as RGBA in sRGB, converted from its colour profile, and what is to be said of that."""
    rgba = image.convert("RGBA")
    if not profile:
        return rgba, None
    if len(profile) > PROFILE_BYTES:
        return rgba, UNUSABLE
    try:
        space, transform, remark = _to_srgb(profile)
        if (image.mode == "CMYK") != (space == "CMYK") or (space == "L" and not grey):
            return rgba, UNUSABLE
        if transform is None:
            return rgba, None
        colours = transform.apply(image if space == "CMYK" else rgba.convert(space))
    except Exception:  # whatever a profile contains
        return rgba, UNUSABLE
    colours.putalpha(rgba.getchannel("A"))
    return colours, remark


@functools.lru_cache(maxsize=16)
def _to_srgb(profile):
    """Return the space of a colour profile, what converts it to sRGB (None if it is sRGB already), and a remark."""
    from PIL import Image, ImageCms

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = SPACES[source.profile.xcolor_space.strip()]
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), space, "RGB")
    if space == "RGB":
        levels = np.arange(0, 256, 17, dtype=np.uint8)
        before = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(64, 64, 3)
        after = np.asarray(transform.apply(Image.fromarray(before)))
        if np.abs(after.astype(int) - before).max() <= SAME:
            return space, None, None
    name = "".join(letter for letter in ImageCms.getProfileDescription(source) if letter.isprintable()).strip()[:40]
    return space, transform, f"is converted from {name or 'another profile'} to sRGB"
