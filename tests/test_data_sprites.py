"""Pictures from folders and archives: their pixels against numpy's, and hostile input of every kind."""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
import zlib
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from gantut.data import ImageLimits, creatures, sprites

pytestmark = pytest.mark.filterwarnings("error")


def rgba(height, width, seed=0, opaque=True):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    if opaque:
        pixels[..., 3] = 255
    return pixels


def encoded(pixels, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


GOOD = encoded(rgba(8, 8))


def unit(images):
    return (images.cpu().numpy().astype(np.float64) + 1) / 2


def put(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


# ---------------------------------------------------------------------------------------------- pixels


@pytest.mark.parametrize(("side", "size", "factor"), [(8, 32, 4), (8, 8, 1), (10, 32, 3), (16, 64, 4), (5, 64, 12)])
def test_pixel_art_grows_by_whole_numbers_as_numpy_repeats_it(tmp_path, device, side, size, factor):
    pixels = rgba(side, side)
    found = sprites(put(tmp_path, a__png=encoded(pixels)), size=size, device=device)
    expected = np.ones((3, size, size))  # white around it
    top = (size - side * factor) // 2
    block = pixels[..., :3].transpose(2, 0, 1).repeat(factor, 1).repeat(factor, 2) / 255
    expected[:, top : top + side * factor, top : top + side * factor] = block
    np.testing.assert_allclose(unit(found.images)[0], expected, atol=2e-7)  # single precision
    assert found.images.device.type == device.type


def test_pixel_art_that_is_too_large_is_averaged_over_areas(tmp_path):
    even, uneven = rgba(96, 64, opaque=False), rgba(50, 50, 1, opaque=False)
    found = unit(sprites(put(tmp_path, a__png=encoded(even), b__png=encoded(uneven)), channels=4).images)

    def premultiplied(pixels):
        pixels = pixels / 255
        return np.concatenate([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]], -1)

    blocks = premultiplied(even).reshape(32, 3, 64, 4).mean(1)  # thirds of the height; of the width 64 -> 21
    fine = blocks.repeat(21, 1).reshape(32, 21, 64, 4).mean(2)  # the least common multiple, in equal parts
    np.testing.assert_allclose(found[0][:, :, 5:26], fine.transpose(2, 0, 1), atol=1e-6)
    assert not found[0][:, :, :5].any()
    assert not found[0][:, :, 26:].any()
    finest = premultiplied(uneven).repeat(16, 0).repeat(16, 1)  # 800 = 50 * 16 = 32 * 25
    expected = finest.reshape(32, 25, 32, 25, 4).mean((1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(found[1], expected, atol=1e-6)


def test_transparency_is_composited_by_the_formula(tmp_path, device):
    pixels = rgba(32, 32, opaque=False)
    folder, background = put(tmp_path, a__png=encoded(pixels)), (0.1, 0.6, 0.9)
    found = sprites(folder, background=background, crop=False, dtype=torch.float64, device=device).images[0].tolist()
    premultiplied = sprites(folder, channels=4, crop=False, dtype=torch.float64, device=device).images[0].tolist()
    for row in range(32):
        for column in range(32):
            *colours, opacity = (level / 255 for level in pixels[row, column].tolist())
            for channel, colour in enumerate(colours):
                seen = opacity * colour + (1 - opacity) * background[channel]
                assert found[channel][row][column] == pytest.approx(2 * seen - 1, abs=1e-6)
                assert premultiplied[channel][row][column] == pytest.approx(2 * opacity * colour - 1, abs=1e-6)
            assert premultiplied[3][row][column] == pytest.approx(2 * opacity - 1, abs=1e-6)


def test_a_picture_is_cropped_to_what_is_not_transparent(tmp_path):
    inner = rgba(8, 4)
    outer = np.zeros((40, 50, 4), np.uint8)
    outer[..., :3] = 200  # a colour that nobody sees
    outer[7:15, 31:35] = inner
    folder = put(tmp_path, a__png=encoded(inner), b__png=encoded(outer))
    inside, outside = sprites(folder, channels=4).images
    assert torch.equal(inside, outside)
    whole = unit(sprites(folder, channels=4, crop=False, size=50).images)[1]
    np.testing.assert_allclose(whole[3, 5:45], outer[..., 3] / 255)
    assert whole[:3][:, whole[3] == 0].max() == 0


def test_smooth_pictures_fill_the_square_and_stay_pictures(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 20).astype(np.uint8)[:, None, None], (1, 10, 4))
    ramp[..., 3] = 255
    edge = rgba(9, 9, opaque=False)  # hard edges, where the filter overshoots
    folder = put(tmp_path, a__png=encoded(ramp), b__png=encoded(edge))
    images = unit(sprites(folder, size=64, channels=4, resize="smooth").images)
    filled = images[0, 3] > 0
    assert (filled.any(1).sum(), filled.any(0).sum()) == (64, 32)
    assert (np.diff(images[0, 0, :, 32]) >= -1e-6).all()  # a ramp stays one
    assert images.min() >= 0
    assert images.max() <= 1
    assert (images[:, :3] <= images[:, 3:] + 1e-7).all()


def photograph(height, width, seed=0):
    """Smooth colours, of which there are many."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(("height", "width"), [(96, 160), (160, 100), (64, 64), (48, 128)])  # even margins
@pytest.mark.parametrize(("fit", "pillow"), [("crop", ImageOps.fit), ("pad", partial(ImageOps.pad, color="white"))])
def test_photographs_are_fitted_as_pillow_fits_them(tmp_path, fit, pillow, height, width):
    picture = photograph(height, width)
    found = unit(sprites(put(tmp_path, a__png=encoded(picture)), size=32, resize="smooth", fit=fit).images)[0]
    expected = np.asarray(pillow(Image.fromarray(picture), (32, 32), method=Image.Resampling.LANCZOS))
    np.testing.assert_allclose(found, expected.transpose(2, 0, 1) / 255, atol=2 / 255)  # Pillow rounds twice, to bytes


def test_a_border_is_continued_outwards_and_a_margin_is_transparent_with_an_opacity(tmp_path):
    folder = put(tmp_path, a__png=encoded(photograph(24, 48)))
    bordered, padded = (unit(sprites(folder, size=16, channels=4, resize="smooth", fit=fit).images)[0]
                        for fit in ("border", "pad"))  # fmt: skip
    assert (bordered[3] == 1).all()
    assert padded[3].sum(1).tolist() == [0] * 4 + [16] * 8 + [0] * 4
    np.testing.assert_array_equal(bordered[:, 4:12], padded[:, 4:12])
    for row in range(4):
        np.testing.assert_array_equal(bordered[:, row], padded[:, 4])
        np.testing.assert_array_equal(bordered[:, 15 - row], padded[:, 11])


PIXEL_ART = encoded(rgba(8, 8).repeat(16, 0).repeat(16, 1))  # 64 colours, 128 pixels wide


@pytest.mark.parametrize(
    ("files", "resize", "fit"),
    [
        ([encoded(photograph(40, 60)), encoded(photograph(60, 40, 1)), PIXEL_ART], "smooth", "crop"),
        ([encoded(np.full((8, 8, 3), 99, np.uint8), "JPEG")], "smooth", "crop"),
        ([encoded(photograph(40, 60)), PIXEL_ART], "pixels", "pad"),
        ([encoded(rgba(60, 60, opaque=False))], "pixels", "pad"),
    ],
)
def test_most_of_the_pictures_tell_whether_they_are_photographs(tmp_path, files, resize, fit):
    folder = put(tmp_path, **{f"{number}__png": data for number, data in enumerate(files)})
    found = sprites(folder, size=16, resize="auto")
    assert (found.survey.resize, found.survey.fit) == (resize, fit)
    assert torch.equal(found.images, sprites(folder, size=16, resize=resize, fit=fit).images)
    assert sprites(folder, size=16, resize="auto", fit="border").survey.fit == "border"


def test_a_large_jpeg_is_made_smaller_as_it_is_decoded_and_looks_the_same(tmp_path):
    data = encoded(photograph(600, 900), "JPEG", quality=95)
    folder, few = put(tmp_path, a__jpg=data), ImageLimits(pixels=600 * 900 // 4)
    small = unit(sprites(folder, size=32, resize="smooth", limits=few).images)[0]
    whole = sprites(put(tmp_path / "whole", a__png=encoded(np.asarray(Image.open(io.BytesIO(data))))),
                    size=32, resize="smooth")  # fmt: skip
    np.testing.assert_allclose(small, unit(whole.images)[0], atol=0.02)  # a mean over 8 x 8 pixels, and then Lanczos
    for options in (dict(resize="pixels"), dict(resize="smooth", limits=ImageLimits(pixels=600 * 900 // 4 - 1))):
        with pytest.raises(ValueError, match="900 x 600 pixels"):
            sprites(folder, size=32, **dict(limits=few) | options)


def test_what_was_found_is_told(tmp_path):
    folder = put(tmp_path, a__png=encoded(rgba(8, 6)), b__png=encoded(rgba(4, 9)[..., 0].copy()),
                 c__png=encoded(rgba(9, 9, opaque=False)), d__txt=b"words", e__DNG=b"unknown", f__dng=b"too",
                 LICENCE=b"words")  # fmt: skip
    (folder / "._a.png").write_bytes(b"left by macOS")
    survey = sprites(folder, mirrored=True).survey
    assert survey.sizes == ((6, 8), (9, 4), (9, 9))
    assert survey.kinds == ("colour", "grey", "transparent")
    assert survey.others == {".txt": 1, ".dng": 2, "LICENCE": 1}
    assert survey.remarks == ()


def test_mirror_images_follow_after_all_others(tmp_path):
    folder = put(tmp_path, a__png=encoded(rgba(8, 8, 1)), b__png=encoded(rgba(8, 8, 2)))
    plain, mirrored = sprites(folder), sprites(folder, mirrored=True)
    assert torch.equal(mirrored.images, torch.cat([plain.images, plain.images.flip(-1)]))
    assert mirrored.names == ("a.png", "b.png", "a.png", "b.png")


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_grey_levels_of_fewer_bits_in_a_file_of_16_are_no_darker_than_in_one_of_their_own(tmp_path, bits):
    levels = (np.arange(1024).reshape(32, 32) * 2 ** (bits - 8) // 4).astype(np.uint16)  # up to 2^bits - 1, nearly
    (tmp_path / "deep").mkdir()
    Image.fromarray(levels).save(tmp_path / "deep" / "deep.png")
    put(tmp_path / "plain", plain__png=encoded((levels >> (bits - 8)).astype(np.uint8)))
    deep, plain = sprites(tmp_path / "deep").images, sprites(tmp_path / "plain").images
    assert torch.equal(deep, plain)
    assert deep.max() > 0.99


def png_of_16_bit_colours(levels):
    """A PNG written by hand, since Pillow writes none with 16 bits a colour."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, _ = levels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_colours_of_12_bits_in_a_file_of_16_are_listed_rather_than_black(tmp_path):
    levels = np.random.default_rng(0).integers(0, 4096, (8, 8, 3))
    folder = put(tmp_path / "f", dark__png=png_of_16_bit_colours(levels), full__png=png_of_16_bit_colours(levels * 16))
    found = sprites(folder, size=8)
    assert found.names == ("full.png",)
    np.testing.assert_allclose(unit(found.images)[0], (levels * 16 >> 8).transpose(2, 0, 1) / 255, atol=2e-7)
    assert [name for name, _ in found.skipped] == ["dark.png"]
    assert "16 bits" in found.skipped[0][1]


def test_every_kind_of_picture_is_read_the_first_frame_alone(tmp_path):
    pixels = rgba(32, 32)
    palette = Image.fromarray(pixels).convert("RGB").quantize(200)
    other = Image.fromarray(rgba(32, 32, 9)).convert("RGB").quantize(200)
    frames = io.BytesIO()
    palette.save(frames, "GIF", save_all=True, append_images=[other], optimize=False)
    deep = Image.fromarray((np.arange(1024, dtype=np.uint16) * 64).reshape(32, 32))
    files = dict(
        a__png=encoded(pixels),
        b__bmp=encoded(pixels[..., :3].copy(), "BMP"),
        c__webp=encoded(pixels, "WEBP", lossless=True),
        d__GIF=frames.getvalue(),
        e__jpeg=encoded(np.full((32, 32, 3), 99, np.uint8), "JPEG"),
        f__png=encoded(pixels[..., 0].copy()),
    )
    folder = put(tmp_path, **files)
    deep.save(folder / "g.png")
    found = sprites(folder)
    assert found.skipped == ()
    assert found.names == ("a.png", "b.bmp", "c.webp", "d.GIF", "e.jpeg", "f.png", "g.png")
    images = unit(found.images)
    truth = pixels[..., :3].transpose(2, 0, 1) / 255
    for index in (0, 1, 2):
        np.testing.assert_allclose(images[index], truth, atol=2e-7)
    np.testing.assert_allclose(images[3], np.asarray(palette.convert("RGB")).transpose(2, 0, 1) / 255, atol=2e-7)
    np.testing.assert_allclose(images[4], 99 / 255, atol=1.5 / 255)  # JPEG may be off by a level
    np.testing.assert_allclose(images[5], np.broadcast_to(truth[:1], (3, 32, 32)), atol=2e-7)
    np.testing.assert_allclose(images[6][0].ravel(), np.arange(1024) * 64 // 256 / 255, atol=2e-7)


def test_a_photograph_is_turned_as_its_camera_was(tmp_path):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:16] = 255
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    found = unit(sprites(put(tmp_path, a__jpg=encoded(pixels, "JPEG", exif=turned))).images)[0]
    assert found[:, :15].max() < 0.1
    assert found[:, 17:].min() > 0.9


# ---------------------------------------------------------------------------------------------- folders and archives


def as_tar(members, kind=""):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{kind}") as archive:
        for name, data in members.items():
            info = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.name = name
            if not isinstance(data, tarfile.TarInfo):
                info.size = len(data)
            archive.addfile(info, None if isinstance(data, tarfile.TarInfo) else io.BytesIO(data))
    return file.getvalue()


def as_zip(members, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def at(path, data):
    path.write_bytes(data)
    return path


KINDS = {
    "zip": as_zip,
    "zip, deflated": lambda members: as_zip(members, compression=zipfile.ZIP_DEFLATED),
    "zip, bzip2": lambda members: as_zip(members, compression=zipfile.ZIP_BZIP2),
    "tar": as_tar,
    "tar.gz": lambda members: as_tar(members, "gz"),
    "tar.bz2": lambda members: as_tar(members, "bz2"),
    "tar.xz": lambda members: as_tar(members, "xz"),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_folders_and_archives_of_the_same_pictures_are_the_same(tmp_path, kind):
    members = {"a/x.png": encoded(rgba(8, 8, 1)), "a/readme.txt": b"words", "b/y.png": encoded(rgba(20, 30, 2))}
    for name, data in members.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    before = sorted(tmp_path.rglob("*"))
    from_folder, from_archive = sprites(tmp_path / "folder"), sprites(at(tmp_path / "archive", kind(members)))
    assert torch.equal(from_folder.images, from_archive.images)
    assert from_folder.names == from_archive.names == ("a/x.png", "b/y.png")
    assert from_archive.skipped == ()
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "archive"])  # nothing was extracted


def test_a_pattern_chooses_by_the_ends_of_paths(tmp_path):
    members = {f"pack/{kind}/{name}.png": GOOD for kind in ("regular", "shiny", "regular/right") for name in "ab"}
    path = at(tmp_path / "archive", as_tar(members, "gz"))
    assert len(sprites(path).names) == 6
    assert sprites(path, match="regular/*.png").names == ("pack/regular/a.png", "pack/regular/b.png")
    assert sprites(path, match="shiny/a.*").names == ("pack/shiny/a.png",)


# ---------------------------------------------------------------------------------------------- hostile input


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_that_declares(width, height, rows=b""):
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


HOSTILE = {
    "text named as a picture": (b"I am a picture, honestly", "not an image in a supported format"),
    "an empty file": (b"", "not an image in a supported format"),
    "half a picture": (GOOD[: len(GOOD) // 2], "cannot be decoded"),
    "a picture with a flipped bit": (GOOD[:60] + bytes([GOOD[60] ^ 1]) + GOOD[61:], "cannot be decoded"),
    "more pixels than memory": (png_that_declares(2**31 - 1, 2**31 - 1), "cannot be decoded"),
    "more pixels than allowed": (png_that_declares(10_000, 5_000), "10000 x 5000 pixels"),
    "pixels that are not there": (png_that_declares(1000, 1000, b"\0" * 10), "cannot be decoded"),
    "no pixels": (png_that_declares(0, 0), ""),
    "a picture that nobody sees": (encoded(np.zeros((4, 4, 4), np.uint8)), "fully transparent"),
    "a vector graphic": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image in a supported format"),
    "a TIFF": (encoded(rgba(4, 4), "TIFF"), "not an image in a supported format"),
    "an archive": (as_zip({"inner.png": GOOD}), "not an image in a supported format"),
}


@pytest.mark.parametrize("form", ["folder", "zip", "tar.gz"])
@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_bad_picture_is_skipped_with_a_reason_and_the_good_ones_are_read(tmp_path, form, data, reason):
    members = {"bad.png": data, "good.png": GOOD}
    if form == "folder":
        path = put(tmp_path / "folder", bad__png=data, good__png=GOOD)
    else:
        path = at(tmp_path / "archive", KINDS[form](members))
    found = sprites(path)
    assert found.names == ("good.png",)
    ((name, why),) = found.skipped
    assert name == "bad.png"
    assert reason in why
    assert why


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_paths_that_leave_the_archive_are_skipped(tmp_path, kind):
    names = ("../up.png", "a/../../up.png", "/etc/rooted.png", "C:\\rooted.png", "..\\up.png")
    found = sprites(at(tmp_path / "archive", KINDS[kind](dict.fromkeys((*names, "good.png"), GOOD))))
    assert found.names == ("good.png",)
    assert {name for name, _ in found.skipped} == {name.replace("\\", "/") if kind == "zip" and os.sep == "\\" else name
                                                   for name in names}  # fmt: skip
    assert {reason for _, reason in found.skipped} == {"its path leaves the archive"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive"]


def test_links_and_devices_in_archives_are_not_followed(tmp_path):
    outside = at(tmp_path / "outside.png", GOOD)
    members = {"good.png": GOOD}
    for name, kind in (("soft.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE), ("null.png", tarfile.CHRTYPE)):
        members[name] = tarfile.TarInfo()
        members[name].type, members[name].linkname = kind, str(outside)
    found = sprites(at(tmp_path / "archive.tar", as_tar(members)))
    assert found.names == ("good.png",)
    assert dict(found.skipped) == {
        "soft.png": "is a link",
        "hard.png": "is a link",
        "null.png": "is not a regular file",
    }

    link = zipfile.ZipInfo("soft.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(link, str(outside))
        archive.writestr("good.png", GOOD)
    found = sprites(at(tmp_path / "archive.zip", file.getvalue()))
    assert (found.names, found.skipped) == (("good.png",), (("soft.png", "is a link"),))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among files")
def test_links_and_pipes_in_folders_are_not_followed(tmp_path):
    outside = put(tmp_path / "outside", secret__png=GOOD)
    folder = put(tmp_path / "folder", good__png=GOOD)
    (folder / "link.png").symlink_to(outside / "secret.png")
    (folder / "nowhere.png").symlink_to(tmp_path / "nowhere")
    (folder / "elsewhere").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    found = sprites(folder)
    assert found.names == ("good.png",)
    assert dict(found.skipped) == {
        "link.png": "is a link", "nowhere.png": "is a link", "pipe.png": "is not a regular file",
        "elsewhere": "is a link to a folder", "loop": "is a link to a folder",
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_are_followed_where_they_are_to_be_and_no_folder_is_read_twice(tmp_path):
    outside = put(tmp_path / "outside", far__png=encoded(rgba(8, 8, 1)), single__png=encoded(rgba(8, 8, 2)))
    folder = put(tmp_path / "folder", good__png=GOOD)
    inner = put(folder / "inner", deep__png=encoded(rgba(8, 8, 3)))
    (folder / "alias.png").symlink_to(outside / "single.png")
    (folder / "nowhere.png").symlink_to(tmp_path / "nowhere")
    (folder / "null.png").symlink_to(os.devnull)
    (folder / "elsewhere").symlink_to(outside)
    (inner / "up").symlink_to(folder)
    (inner / "again").symlink_to(outside)
    found = sprites(folder, links=True)
    assert found.names == ("alias.png", "good.png", "elsewhere/far.png", "elsewhere/single.png", "inner/deep.png")
    assert dict(found.skipped) == {
        "inner/again": "is a folder that is read already", "inner/up": "is a folder that is read already",
        "nowhere.png": "cannot be read (No such file or directory)", "null.png": "is not a regular file",
    }  # fmt: skip
    with pytest.raises(ValueError, match="more than 7 files"):
        sprites(folder, links=True, limits=ImageLimits(entries=7))
    with pytest.raises(ValueError, match="links must be one of"):
        sprites(folder, links="yes")


def test_files_and_folders_that_cannot_be_opened_are_skipped(tmp_path, monkeypatch):
    folder = put(tmp_path / "folder", good__png=GOOD, locked__png=GOOD)
    put(folder / "closed", inside__png=GOOD)
    open_file, list_folder = os.open, os.scandir

    def refuse(real):
        def attempt(path, *args, **options):
            if str(path).endswith(("locked.png", "closed")):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *args, **options)

        return attempt

    monkeypatch.setattr(os, "open", refuse(open_file))
    monkeypatch.setattr(os, "scandir", refuse(list_folder))
    found = sprites(folder)
    assert found.names == ("good.png",)
    assert dict(found.skipped) == {
        "locked.png": "cannot be read (Permission denied)",
        "closed": "cannot be opened (Permission denied)",
    }


def test_what_is_hidden_is_listed_and_not_read(tmp_path):
    members = dict.fromkeys(("./a.png", ".b.png", ".thumbnails/a.png"), GOOD)
    put(put(tmp_path / "folder", a__png=GOOD) / ".thumbnails", a__png=GOOD)
    at(tmp_path / "folder" / ".b.png", GOOD)
    for path in (tmp_path / "folder", at(tmp_path / "archive", as_tar(members))):
        found = sprites(path)
        assert [name.removeprefix("./") for name in found.names] == ["a.png"]
        assert dict(found.skipped) == {".b.png": "is hidden", ".thumbnails/a.png": "is hidden"}


def test_nested_archives_are_passed_by(tmp_path):
    inner = as_zip({"inner.png": GOOD})
    for kind in (as_zip, as_tar):
        found = sprites(at(tmp_path / "archive", kind({"inner.zip": inner, "inner.tar.gz": inner, "good.png": GOOD})))
        assert (found.names, found.skipped) == (("good.png",), ())


def test_a_picture_that_unpacks_hugely_is_skipped_and_fills_no_memory(tmp_path):
    bomb = bytes(60 * 2**20)
    packed = as_zip({"bomb.png": bomb, "good.png": GOOD}, compression=zipfile.ZIP_DEFLATED)
    assert len(packed) < 100_000
    lying = packed.replace(struct.pack("<I", len(bomb)), struct.pack("<I", 1000))  # it says that it were small
    for data, reason in ((packed, "has at least"), (lying, "cannot be unpacked")):
        path = at(tmp_path / "archive.zip", data)
        tracemalloc.start()
        found = sprites(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found.names == ("good.png",)
        assert reason in found.skipped[0][1]
        assert peak < 12 * 2**20  # of which 8 are for an index, which may be so large


def test_a_picture_whose_pixels_unpack_hugely_fills_no_memory(tmp_path):
    rows = png_that_declares(16, 16, bytes(50 * 2**20))  # 16 x 16 pixels take a thousand bytes
    tracemalloc.start()
    sprites(put(tmp_path, bomb__png=rows, good__png=GOOD))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize("kind", ["tar.gz", "tar.bz2", "tar.xz"])
def test_an_archive_that_unpacks_hugely_is_refused_and_fills_no_memory(tmp_path, kind):
    path = at(tmp_path / "archive", KINDS[kind]({"good.png": GOOD, "zeros.bin": bytes(30 * 2**20), "x.png": GOOD}))
    assert path.stat().st_size < 200_000
    limits = ImageLimits(total_bytes=2**23)
    tracemalloc.start()
    with pytest.raises(ValueError, match="total_bytes"):
        sprites(path, limits=limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 2**20  # of which 8 are xz's dictionary
    assert len(sprites(path).names) == 2


def test_a_tar_header_that_fills_memory_is_refused(tmp_path):
    info = tarfile.TarInfo("./PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 2**26
    path = at(tmp_path / "archive.tar", gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(2**26), 1))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"67108864 bytes.*picture_bytes"):
        sprites(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_an_xz_archive_that_asks_for_gigabytes_is_refused(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    small = lzma.compress(as_tar({"good.png": GOOD}), filters=[{**filters[0], "dict_size": 2**20}])
    assert len(sprites(at(tmp_path / "small", small)).names) == 1
    # the dictionary's size is one byte of the block's header, in front of that header's checksum
    header = bytearray(small[12:24])
    where = header.index(b"\x21\x01") + 2
    header[where] = 36  # 2^30
    header[8:12] = struct.pack("<I", zlib.crc32(bytes(header[:8])))
    with pytest.raises(ValueError, match=r"(?i)memory"):
        sprites(at(tmp_path / "large", small[:12] + bytes(header) + small[24:]))


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_too_many_pictures_files_and_bytes_are_refused(tmp_path, kind):
    names = [f"{number}.png" for number in range(10)]
    if kind == "folder":
        path = put(tmp_path / "folder", **{name.replace(".", "__"): GOOD for name in names})
    else:
        path = at(tmp_path / "archive", KINDS[kind](dict.fromkeys(names, GOOD)))
    assert len(sprites(path, limits=ImageLimits(files=10, entries=10)).names) == 10
    for limit in ("files", "entries"):
        with pytest.raises(ValueError, match=limit):
            sprites(path, limits=ImageLimits(**{limit: 9}))
    for limit, most in (("picture_bytes", len(GOOD) - 1), ("pixels", 63)):
        with pytest.raises(ValueError, match=r"10 skipped|picture_bytes"):
            sprites(path, limits=ImageLimits(**{limit: most}))


def test_what_an_archive_unpacks_to_is_limited_unless_it_is_about_as_large_itself(tmp_path):
    flat, noise = encoded(np.zeros((64, 64, 3), np.uint8), "BMP"), encoded(rgba(64, 64), "BMP")
    few = ImageLimits(total_bytes=len(flat))
    for kind in ("zip, deflated", "tar.gz"):
        with pytest.raises(ValueError, match="total_bytes"):
            sprites(at(tmp_path / "flat", KINDS[kind](dict.fromkeys(("a.bmp", "b.bmp", "c.bmp"), flat))), limits=few)
        members = {f"{letter}.bmp": noise for letter in "abc"} if kind == "zip, deflated" else {"a.bmp": noise}
        assert len(sprites(at(tmp_path / "noise", KINDS[kind](members)), limits=few).names) == len(members)
    assert len(sprites(put(tmp_path / "f", a__bmp=flat, b__bmp=flat, c__bmp=flat), limits=few).names) == 3


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda data: bz2.compress(data, 1), lzma.compress], ids=["", "gz", "bz2", "xz"]
)
def test_a_tar_archive_that_breaks_off_is_told_and_what_came_before_is_kept(tmp_path, pack):
    # noise, which does not compress; together more than what is unpacked at once
    whole = as_tar({f"{letter}.png": encoded(rgba(128, 128, seed)) for seed, letter in enumerate("abcdef")})
    packed = pack(whole)
    for share in (0.5, 0.8):
        found = sprites(at(tmp_path / "archive.tar", packed[: int(len(packed) * share)]))
        assert found.names[0] == "a.png"
        assert len(found.names) < 6
        name, reason = found.skipped[-1]
        assert name == "archive.tar"
        assert reason.startswith("is damaged after")
    damaged = bytearray(whole)
    second = whole.index(b"b.png")
    damaged[second : second + 100] = b"?" * 100  # the header's checksum is wrong now, which tarfile takes for the end
    found = sprites(at(tmp_path / "archive.tar", pack(bytes(damaged))))
    assert found.names == ("a.png",)
    assert found.skipped[-1][1].startswith("is damaged after 1 files")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gz", "xz"])
def test_a_small_archive_that_breaks_off_is_read_up_to_there(tmp_path, pack):  # a block of bzip2 is whole or lost
    small = pack(as_tar({f"{letter}.png": encoded(rgba(32, 32, seed)) for seed, letter in enumerate("abc")}))
    found = sprites(at(tmp_path / "archive.tar", small[: len(small) // 2]))
    assert found.names == ("a.png",)
    assert found.skipped[0][0] == "archive.tar"


def test_zip_archives_that_cannot_be_read_are_refused_or_skipped(tmp_path):
    whole = as_zip({"a.png": GOOD, "b.png": GOOD})
    with pytest.raises(ValueError, match="damaged"):
        sprites(at(tmp_path / "archive.zip", whole[:-30]))
    scrambled = bytearray(whole)
    scrambled[whole.index(GOOD) + 20] ^= 255
    found = sprites(at(tmp_path / "archive.zip", bytes(scrambled)))
    assert found.names == ("b.png",)
    assert "cannot be unpacked (Bad CRC-32" in found.skipped[0][1]
    encrypted = bytearray(whole)
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[whole.index(marker) + offset] |= 1
    assert sprites(at(tmp_path / "archive.zip", bytes(encrypted))).skipped == (("a.png", "is encrypted"),)
    lzma_zip = as_zip({"a.png": GOOD}, compression=zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match="unsupported compression"):
        sprites(at(tmp_path / "archive.zip", lzma_zip))


def test_an_index_that_fills_memory_is_refused(tmp_path):
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 2**26, 4, 0)
    with open(tmp_path / "archive.zip", "wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(4 + 2**26)
        file.seek(0, os.SEEK_END)
        file.write(end)
    tracemalloc.start()
    with pytest.raises(ValueError, match="part of more than"):
        sprites(tmp_path / "archive.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25


def test_names_that_steer_a_terminal_are_made_harmless(tmp_path):
    found = sprites(at(tmp_path / "archive.tar", as_tar({"\x1b[2Jred\n.png": b"no picture", "good.png": GOOD})))
    assert found.skipped[0][0] == "\ufffd[2Jred\ufffd.png"


def test_where_nothing_is_left_the_error_says_why(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="has none"):
        sprites(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"path .* 1 skipped, .*a\.png.*not an image"):
        sprites(put(tmp_path / "words", a__png=b"words", b__txt=b"more"))
    with pytest.raises(ValueError, match="does not exist"):
        sprites(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="path must be a folder"):
        sprites(at(tmp_path / "a.png", GOOD))
    with pytest.raises(ValueError, match="path must be a folder"):
        sprites(at(tmp_path / "a.tar", b""))
    with pytest.raises(ValueError, match="damaged"):
        sprites(at(tmp_path / "a.tar.gz", gzip.compress(b"no archive" * 100)))
    with pytest.raises(ValueError, match="has none"):
        sprites(at(tmp_path / "a.tar.gz", as_tar({}, "gz")))


def test_limits_and_decoders_leave_no_warnings_and_no_settings_behind(tmp_path):
    settings = (Image.MAX_IMAGE_PIXELS, list(warnings.filters))
    large = png_that_declares(10_000, 9_500)  # above what pillow warns of
    sprites(put(tmp_path, a__png=large, b__png=GOOD))
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == settings


BAD = {
    "no side": (dict(size=0), ("size", "0")),
    "a side of half a pixel": (dict(size=32.5), ("size", "32.5")),
    "grey": (dict(channels=1), ("channels", "1")),
    "a negative background": (dict(background=-0.1), ("background", "-0.1")),
    "a background of a word": (dict(background="white"), ("background", "'white'")),
    "an unknown way to resize": (dict(resize="pixel"), ("resize", "'pixel'", "did you mean 'pixels'")),
    "an unknown fit": (dict(fit="corp"), ("fit", "'corp'", "did you mean 'crop'")),
    "an empty pattern": (dict(match=""), ("match", "''")),
    "no pattern": (dict(match=None), ("match", "None")),
}


@pytest.mark.parametrize(("options", "parts"), BAD.values(), ids=BAD.keys())
def test_options_that_cannot_be_are_refused(tmp_path, options, parts):
    with pytest.raises(ValueError) as refusal:
        sprites(put(tmp_path, a__png=GOOD), **options)
    for part in parts:
        assert part in str(refusal.value)


def test_the_creatures_read_as_sprites_are_the_creatures(tmp_path):
    from gantut.data._creatures import tiles_as_published

    tiles = tiles_as_published()
    plain = np.flatnonzero(tiles.heights == 32)[::60]
    members = {f"{number:03d}.png": encoded(tiles.pixels[number, :32]) for number in plain}
    found = sprites(at(tmp_path / "archive.zip", as_zip(members)), crop=False, channels=4)
    torch.testing.assert_close(found.images, creatures(channels=4).images[plain], rtol=0, atol=0)
