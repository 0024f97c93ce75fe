"""Pictures as people have them: colour profiles against formulas and Pillow's own way, CMYK, animations, AVIF, HEIC."""

import io
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, features

from gantut.data import ImageLimits, _decoding, sprites

pytestmark = pytest.mark.filterwarnings("error")


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(tmp_path, data, name="a.png", **options):
    """The first picture of a folder with one file, as levels (height, width, channels); and what is told of it."""
    (tmp_path / name).write_bytes(data)
    found = sprites(tmp_path, **{"size": 8} | options)
    (tmp_path / name).unlink()
    levels = (found.images[0].permute(1, 2, 0).numpy().astype(float) + 1) * 255 / 2
    return levels, [remark for _, remark in found.survey.remarks]


# ---- Colour profiles, written by hand ----


def s15(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def profile(space, pcs, **tags):
    """An ICC profile, version 2: a header of 128 bytes, a table of tags, and what they hold."""
    text = b"A profile by hand\0"
    tags = {"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78), **tags}
    tags |= {"cprt": b"text\0\0\0\0none\0", "wtpt": b"XYZ \0\0\0\0" + s15(0.9642, 1, 0.8249)}
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name.encode() + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI", start + len(body), b"\0\0\0\0", 0x02400000) + b"prtr" + space + pcs
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + s15(0.9642, 1, 0.8249) + bytes(48)
    return head + table + body


# Adobe RGB (1998): its primaries as XYZ under D50, a column each, and its exponent; those of sRGB beside them.
ADOBE = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
GAMMA = 563 / 256
WIDE = profile(
    b"RGB ",
    b"XYZ ",
    **{f"{letter}XYZ": b"XYZ \0\0\0\0" + s15(*column) for letter, column in zip("rgb", ADOBE.T, strict=True)},
    **{f"{letter}TRC": curve(GAMMA) for letter in "rgb"},
)
GREY = profile(b"GRAY", b"XYZ ", kTRC=curve(1.75))


def cmyk_profile():
    """Paper is white, black ink on it linear in the lightness L of Lab, and all other inks make it black, too."""
    corners = b"".join(bytes([255 if not inks else 0, 128, 128]) for inks in range(16))  # L, a, b
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + s15(1, 0, 0, 0, 1, 0, 0, 0, 1) + straight * 4 + corners
    return profile(b"CMYK", b"Lab ", A2B0=table + straight * 3)


def srgb_levels(linear):
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_colours_of_a_wide_gamut_come_out_as_the_matrices_say(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    known = {
        (219, 0, 0): (255, 0, 0),
        (144, 255, 60): (0, 255, 0),
        (255, 255, 255): (255, 255, 255),
        (0, 0, 0): (0, 0, 0),
    }
    pixels[0, : len(known)] = list(known)  # the corners of sRGB, in the numbers of Adobe RGB
    levels, remarks = read(tmp_path, encoded(Image.fromarray(pixels), icc_profile=WIDE))
    expected = srgb_levels((pixels / 255) ** GAMMA @ ADOBE.T @ np.linalg.inv(SRGB).T)
    np.testing.assert_allclose(levels, expected, atol=2)  # of 255 levels: both sides round
    np.testing.assert_allclose(levels[0, : len(known)], list(known.values()), atol=2)
    assert np.abs(levels - pixels).max() > 30, "without a conversion, colours would be dull"
    assert remarks == ["is converted from A profile by hand to sRGB"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_pillows_own_conversion_of_the_file_gives_the_same_levels(tmp_path, kind):
    smooth = Image.fromarray(np.random.default_rng(1).integers(0, 256, (2, 2, 3), dtype=np.uint8))
    data = encoded(smooth.resize((8, 8), Image.Resampling.BICUBIC), kind, icc_profile=WIDE)
    theirs = ImageCms.profileToProfile(Image.open(io.BytesIO(data)), io.BytesIO(WIDE), ImageCms.createProfile("sRGB"))
    np.testing.assert_allclose(read(tmp_path, data)[0], np.asarray(theirs), atol=1e-3)


def test_grey_levels_follow_their_own_profile_whatever_their_bits(tmp_path):
    levels = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    expected = np.repeat(srgb_levels((levels / 255) ** 1.75)[..., None], 3, -1)
    deep = Image.fromarray(levels.astype(np.uint16) * 257)
    for image in (Image.fromarray(levels), deep):
        found, remarks = read(tmp_path, encoded(image, icc_profile=GREY))
        np.testing.assert_allclose(found, expected, atol=2)  # both sides round
        assert len(remarks) == 1
    assert np.abs(expected[..., 0] - levels).max() > 8


def test_inks_are_seen_as_their_profile_says_and_without_one_as_pillow_sees_them(tmp_path):
    inks = Image.new("CMYK", (8, 8), (0, 0, 0, 128))
    levels, remarks = read(tmp_path, encoded(inks, "JPEG", icc_profile=cmyk_profile(), quality=100), "a.jpg")
    np.testing.assert_allclose(levels, 118.5, atol=2)  # L = 50 is 119 in sRGB
    assert len(remarks) == 1
    plain, remarks = read(tmp_path, encoded(inks, "JPEG", quality=100), "a.jpg")
    np.testing.assert_allclose(plain, 127, atol=1.5)
    assert remarks == []
    paper, _ = read(tmp_path, encoded(Image.new("CMYK", (8, 8)), "JPEG", icc_profile=cmyk_profile()), "a.jpg")
    np.testing.assert_allclose(paper, 255, atol=1.5)


def test_what_is_transparent_stays_so_in_other_colours(tmp_path):
    palette = Image.fromarray(np.repeat(np.arange(2, dtype=np.uint8)[:, None], 2, 1)).convert("P")
    palette.putpalette([219, 0, 0, 144, 255, 60])
    for data in (
        encoded(palette, transparency=bytes([255, 102]), icc_profile=WIDE),
        encoded(
            Image.fromarray(np.array([[[219, 0, 0, 255]] * 2, [[144, 255, 60, 102]] * 2], np.uint8)), icc_profile=WIDE
        ),
    ):
        levels, _ = read(tmp_path, data, channels=4, size=2)
        np.testing.assert_allclose(levels[0], [[255, 0, 0, 255]] * 2, atol=2)
        np.testing.assert_allclose(levels[1], [[0, 102, 0, 102]] * 2, atol=2)  # premultiplied
    dull, _ = read(tmp_path, encoded(palette, transparency=bytes([255, 102])), channels=4, size=2)
    np.testing.assert_allclose(dull[1], [[144 * 0.4, 102, 24, 102]] * 2, atol=1)


def test_a_profile_of_srgb_changes_no_bit_and_a_broken_one_is_passed_by_and_told(tmp_path):
    image = Image.fromarray(np.random.default_rng(2).integers(0, 256, (8, 8, 3), dtype=np.uint8))
    plain, _ = read(tmp_path, encoded(image))
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, data, remarks in (
        ("of sRGB", own, []),
        ("no profile", b"nothing of the kind", [_decoding.UNUSABLE]),
        ("half of one", WIDE[: len(WIDE) // 2], [_decoding.UNUSABLE]),
        ("of grey levels", GREY, [_decoding.UNUSABLE]),
        ("of inks", cmyk_profile(), [_decoding.UNUSABLE]),
    ):
        levels, told = read(tmp_path, encoded(image, icc_profile=data))
        assert told == remarks, name
        assert np.array_equal(levels, plain), name
    padded = {
        "lossless": True,
        "icc_profile": WIDE + bytes(1 << 22),
    }  # a good one, but so many kept would fill the memory
    assert read(tmp_path, encoded(image, "WEBP", **padded))[1] == [_decoding.UNUSABLE]
    grey = Image.fromarray(np.full((8, 8), 99, np.uint8))
    assert read(tmp_path, encoded(grey, icc_profile=own))[1] == []  # usual, if not quite right


# ---- Several pictures in a file, and formats that not everybody can read ----


def test_of_an_animation_the_first_picture_is_taken_and_that_is_told(tmp_path):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        data = encoded(first, kind, save_all=True, append_images=[second], **options)
        levels, remarks = read(tmp_path, data)
        np.testing.assert_allclose(levels, [[[255, 0, 0]] * 8] * 8, atol=1e-3)
        assert remarks == ["is animated: its first picture is taken"], kind
        assert read(tmp_path, encoded(first, kind, **options))[1] == [], kind
    gif = encoded(first, "GIF", save_all=True, append_images=[second])
    assert read(tmp_path, gif[: len(gif) - 12])[0].max() > 254, "the first is whole"


def test_what_a_camera_keeps_behind_a_photograph_is_no_animation(tmp_path):
    coarse = Image.fromarray(np.random.default_rng(3).integers(0, 256, (4, 4, 3), dtype=np.uint8))
    large = coarse.resize((256, 384), Image.Resampling.BICUBIC)
    data = encoded(large, "MPO", save_all=True, append_images=[large], quality=95)
    few = ImageLimits(pixels=256 * 384 // 4)  # so it must be made smaller as it is decoded, like any JPEG
    levels, remarks = read(tmp_path, data, "a.jpg", size=32, resize="smooth", fit="crop", limits=few)
    middle = large.crop((0, 64, 256, 320)).resize((32, 32), Image.Resampling.BOX)
    np.testing.assert_allclose(levels, np.asarray(middle), atol=5)
    assert remarks == []


def test_a_large_photograph_in_any_format_is_made_smaller_at_once_and_looks_the_same(tmp_path):
    coarse = Image.fromarray(np.random.default_rng(4).integers(0, 256, (4, 4, 3), dtype=np.uint8))
    large = coarse.resize((576, 384), Image.Resampling.BICUBIC)
    levels, _ = read(tmp_path, encoded(large), size=32, resize="smooth", fit="crop")
    theirs = large.crop((96, 0, 480, 384)).resize((32, 32), Image.Resampling.LANCZOS)
    np.testing.assert_allclose(levels, np.asarray(theirs), atol=3)  # a mean over 6 x 6 pixels, and then Lanczos


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_is_read(tmp_path):
    levels, _ = read(tmp_path, encoded(Image.new("RGB", (16, 16), (200, 100, 50)), "AVIF", quality=100), "a.avif")
    np.testing.assert_allclose(levels, [[[200, 100, 50]] * 8] * 8, atol=4)


class Standin(PngImagePlugin.PngImageFile):
    """What pillow-heif makes of a file, as far as the rest is concerned; here the picture in it is a PNG."""

    format = "HEIF"

    def __init__(self, file, name):
        super().__init__(io.BytesIO(file.read()[16:]), name)


def test_heic_is_read_with_the_package_for_it_and_without_it_the_way_out_is_told(tmp_path, monkeypatch):
    data = b"\0\0\0\x10ftypheic\0\0\0\0" + encoded(Image.new("RGB", (8, 8), "red"))
    (tmp_path / "IMG_1.HEIC").write_bytes(data)
    (tmp_path / "b.png").write_bytes(encoded(Image.new("RGB", (8, 8), "blue")))
    (tmp_path / "c.heic").write_bytes(b"words")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # not there
    Image.init()  # before: a format that came to be known in the copies alone would be unknown to all later tests
    for name in ("OPEN", "ID"):
        table = getattr(Image, name)
        monkeypatch.setattr(Image, name, type(table)(table))
    Image.OPEN.pop("HEIF", None)  # of the package, where it is installed and another test has loaded it
    _decoding.formats.cache_clear()
    try:
        found = sprites(tmp_path)
        assert found.names == ("b.png",)
        reasons = dict(found.skipped)
        assert "`python -m pip install pillow-heif`" in reasons["IMG_1.HEIC"]
        assert reasons["c.heic"] == "is not an image in a supported format"

        opener = SimpleNamespace(
            register_heif_opener=lambda: Image.register_open("HEIF", Standin, lambda start: start[4:12] == b"ftypheic")
        )
        monkeypatch.setitem(sys.modules, "pillow_heif", opener)
        _decoding.formats.cache_clear()
        assert sprites(tmp_path).names == ("IMG_1.HEIC", "b.png")
    finally:
        _decoding.formats.cache_clear()


def test_a_photograph_whose_exif_data_are_damaged_is_read_as_it_lies(tmp_path):
    image = Image.new("RGB", (8, 8), "red")
    for exif in (
        b"Exif\0\0nothing of the kind",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
        b"Exif\0\0II",
        b"\1\2\3\4\5\6\7\x08",
    ):
        for kind in ("JPEG", "PNG", "WEBP"):
            levels, _ = read(tmp_path, encoded(image, kind, exif=exif, quality=100), f"a.{kind.lower()}")
            np.testing.assert_allclose(levels, [[[255, 0, 0]] * 8] * 8, atol=3)
