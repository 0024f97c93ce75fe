"""Data where inputs are odd: dtypes that cut numbers off, the narrowest and widest Gaussians, 16 bits."""

import math
import os
import struct
import tarfile
import zlib

import numpy as np
import pytest
import torch

from gantut.data import (
    Augmentation,
    GaussianMixture,
    ImageLimits,
    creatures,
    digits,
    gaussian,
    gaussian_mixture,
    grid,
    mnist,
    parallel_lines,
    read_idx,
    ring,
    sprites,
    uniform,
)
from gantut.networks import MLP

Image = pytest.importorskip("PIL.Image")

MAKERS = {
    "digits": lambda **given: digits(3, **given),
    "creatures": creatures,
    "gaussian": lambda **given: gaussian(0.5, 1.5, **given),
    "gaussian_mixture": lambda **given: gaussian_mixture([0.5, 1.0], **given),
    "ring": ring,
    "grid": grid,
    "uniform": uniform,
    "parallel_lines": lambda **given: parallel_lines(0.5, **given),
}


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64, "float32", np.float32, None])
@pytest.mark.parametrize("name", MAKERS)
def test_data_have_a_floating_point_dtype_as_whole_numbers_would_cut_them_off(name, dtype):
    with pytest.raises(ValueError, match=r"^dtype must be torch\.float64, float32, float16 or bfloat16, not"):
        MAKERS[name](dtype=dtype)


@pytest.mark.parametrize("std", [1e-300, 1e-200, 1e-30, 1.0, 1e30, 1e200, 1e300])
@pytest.mark.parametrize("d", [None, 1, 3])
def test_the_narrowest_and_the_widest_gaussian_has_its_density_by_the_formula(std, d):
    z = (
        torch.tensor([-2.0, 0.0, 0.5]).double()
        if d is None
        else torch.tensor([[-2.0] * d, [0.0] * d, [0.5] * d]).double()
    )
    found = gaussian(0.0 if d is None else [0.0] * d, std).log_prob(z * std)
    squared = z.square() if d is None else z.square().sum(-1)
    truth = -squared / 2 - (d or 1) * (math.log(std) + math.log(2 * math.pi) / 2)
    torch.testing.assert_close(found, truth, rtol=1e-14, atol=1e-14)


def test_a_narrow_gaussian_in_single_precision_has_a_density_too():
    found = gaussian(0.0, 1e-30, dtype=torch.float32).log_prob(torch.tensor([0.0, 1e-30]))
    assert found.tolist() == pytest.approx([68.158614, 67.658614], abs=1e-5)  # 30 log 10 - log(2 pi) / 2, and 1/2 less


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1.0, 1e200, 1e300])
def test_the_spread_of_a_mixture_has_the_unit_of_its_means(unit):
    mixture = GaussianMixture(torch.tensor([0.0, 4.0 * unit], dtype=torch.float64), 1.5 * unit)
    assert mixture.stddev.item() == pytest.approx(2.5 * unit, rel=1e-15, abs=0)  # 2^2 + 1.5^2 = 2.5^2


def test_an_interval_longer_than_any_number_is_refused_and_far_ones_have_their_middle():
    with pytest.raises(ValueError, match=r"^low and high must differ, by a finite number"):
        uniform(-1e308, 1e308)
    assert uniform(1e308, 1.7e308).mean == 1.35e308
    with pytest.raises(ValueError, match="low and high must be two finite numbers"):
        uniform(0, 10**400)


# ---- Pictures --------------------------------------------------------------------------------------------------------


def png(bits, levels, transparent=None, colour=0):
    """A PNG of so many bits, grey or with opacity (6), written by hand: the file that the specification describes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = levels.shape
    digits = np.arange(bits)[::-1]  # of each level, the highest first, packed into bytes
    rows = b"".join(b"\0" + np.packbits(row[:, None] >> digits & 1).tobytes() for row in levels)
    which = b"" if transparent is None else chunk(b"tRNS", struct.pack(">H", transparent))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width // (4 if colour else 1), height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + which + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_transparent_level_of_16_bits_is_as_transparent_as_one_of_8(tmp_path):
    levels = np.arange(64).reshape(8, 8) * 4
    for bits, unit in ((8, 1), (16, 257)):  # 255 * 257 = 65535
        folder = tmp_path / str(bits)
        folder.mkdir()
        folder.joinpath("a.png").write_bytes(png(bits, levels * unit, transparent=12 * unit))
    eight, sixteen = (sprites(tmp_path / bits, channels=4, size=8) for bits in ("8", "16"))
    assert sixteen.survey.kinds == eight.survey.kinds == ("transparent",)
    assert torch.equal(sixteen.images, eight.images)
    assert (sixteen.images[0, 3] == -1).sum() == 1


@pytest.mark.parametrize(("largest", "bits"), [(255, 8), (256, 12), (4095, 12)])
def test_that_fewer_of_16_bits_are_used_is_an_assumption_and_told(tmp_path, largest, bits):
    tmp_path.joinpath("a.png").write_bytes(png(16, np.array([[0, largest]])))
    told = f"has grey levels of 16 bits of which {bits} are used: it is taken for one of {bits}"
    assert sprites(tmp_path).survey.remarks == (("a.png", told),)


def test_levels_that_use_all_16_bits_need_no_assumption(tmp_path):
    tmp_path.joinpath("a.png").write_bytes(png(16, np.array([[0, 4096]])))
    assert sprites(tmp_path).survey.remarks == ()


@pytest.mark.parametrize("call", [sprites, read_idx, lambda path: mnist(folder=path, download=False)])
@pytest.mark.parametrize("path", [0, 3.5, ["a"]])
def test_what_is_no_path_is_refused_rather_than_read_as_an_open_file(call, path):
    with pytest.raises(ValueError, match=r"^(path|folder) must be a path, not"):
        call(path)


@pytest.mark.parametrize("mirrored", [2, "no", None])
def test_mirror_images_are_wanted_or_not(tmp_path, mirrored):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    for make in (lambda **given: sprites(tmp_path, **given), creatures):
        with pytest.raises(ValueError, match=r"^mirrored must be one of True, False"):
            make(mirrored=mirrored)


@pytest.mark.parametrize("minibatch", [8, (8,), (8, 2, 1), (8, 0), "82", 8.0])
def test_a_layer_of_a_minibatch_has_two_sizes(minibatch):
    with pytest.raises(ValueError, match=r"^minibatch must be"):
        MLP([2, 4, 1], minibatch=minibatch)
    with pytest.raises(ValueError, match=r"^widths must be a sequence of whole numbers, not 5"):
        MLP(5)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_transparent_level_of_few_bits_is_transparent(tmp_path, bits):
    levels = np.arange(64).reshape(8, 8) % 2**bits
    tmp_path.joinpath("a.png").write_bytes(png(bits, levels, transparent=1))
    images = sprites(tmp_path, channels=4, size=8, crop=False).images
    assert torch.equal(images[0, 3] == -1, torch.from_numpy(levels == 1))


def test_of_12_bits_in_16_neither_colours_nor_opacity_are_taken_for_black_and_black_is_black(tmp_path):
    ramp = np.arange(64).reshape(8, 8)
    for name, (grey, opacity) in {"wide": (1000, 65535), "opacity": (1000, 4095), "colours": (60, 65535)}.items():
        rows = np.stack([ramp * grey] * 3 + [ramp * 0 + opacity], -1).reshape(8, 32)
        tmp_path.joinpath(f"{name}.png").write_bytes(png(16, rows, colour=6))
    black = np.stack([ramp * 0] * 3 + [ramp * 1000], -1).reshape(8, 32)
    tmp_path.joinpath("silhouette.png").write_bytes(png(16, black, colour=6))
    found = sprites(tmp_path)
    assert found.names == ("silhouette.png", "wide.png")
    assert {name: reason[:24] for name, reason in found.skipped} == dict.fromkeys(
        ("colours.png", "opacity.png"), "has 16 bits a channel of"
    )


@pytest.mark.parametrize(
    "limits", [5, (1, 2), "many", 0, ImageLimits(files="a"), ImageLimits(pixels=None), ImageLimits(picture_bytes=1.5)]
)
def test_limits_are_whole_numbers(tmp_path, limits):
    with pytest.raises(ValueError, match=r"^limits must be None or ImageLimits"):
        sprites(tmp_path, limits=limits)


@pytest.mark.parametrize(
    ("options", "message"), [({"match": "."}, "^match must be a pattern"), ({"background": "010"}, "^background must")]
)
def test_patterns_and_colours_that_there_are_not_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        sprites(tmp_path, **options)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such device")
def test_what_is_there_but_no_folder_is_not_said_to_be_missing():
    with pytest.raises(ValueError, match="'/dev/null' is neither"):
        sprites("/dev/null")


@pytest.mark.parametrize("sizes", [(0, 2**32 - 1), (2**32 - 1,) * 7 + (0,)])
def test_an_empty_array_of_impossible_sizes_is_refused(tmp_path, sizes):
    tmp_path.joinpath("a").write_bytes(struct.pack(f">HBB{len(sizes)}I", 0, 8, len(sizes), *sizes))
    with pytest.raises(ValueError, match=r"^path must hold at most"):
        read_idx(tmp_path / "a")


def test_an_entry_of_negative_size_is_damage(tmp_path):
    picture = png(8, np.arange(64).reshape(8, 8))
    whole, entry = tarfile.TarInfo("a.png"), tarfile.TarInfo("b.png")
    whole.size = len(picture)
    negative = bytearray(entry.tobuf())
    negative[124:136], negative[148:156] = b"\xff" * 12, b" " * 8  # -1, and no checksum
    negative[148:155] = b"%06o\0" % sum(negative)
    data = picture.ljust(-(-len(picture) // 512) * 512, b"\0")
    tmp_path.joinpath("a.tar").write_bytes(whole.tobuf() + data + negative + data + bytes(1024))
    found = sprites(tmp_path / "a.tar")
    assert found.names == ("a.png",)
    assert found.skipped == (("a.tar", "is damaged after 2 files (an entry has a negative size)"),)


# ---- Distributions in few bits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_no_sample_leaves_the_interval_that_it_comes_from(monkeypatch, dtype):
    ends = torch.tensor([0.0, 1 - torch.finfo(dtype).eps / 2]).to(dtype)  # of what torch.rand returns
    monkeypatch.setattr(torch, "rand", lambda *_, **__: ends)
    random, found = np.random.default_rng(0), 0
    for _ in range(500):
        low, high = np.sort(random.standard_normal(2) * 10 ** random.uniform(-2, 2, 2))
        if high - low > 0.01 * abs(high):  # so that they differ in few bits, too
            interval, found = uniform(low, high, dtype=dtype), found + 1
            assert interval.log_prob(interval.sample(2)).isfinite().all(), (low, high)
    assert found > 300


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: uniform(0, 1e39, dtype=torch.float32),
            "low and high must differ, by a finite number, in torch.float32",
        ),
        (lambda: uniform(-6e4, 6e4, dtype=torch.float16), "low and high must differ, by a finite number"),
        (lambda: uniform(1, 1 + 1e-9, dtype=torch.float32), "low and high must differ"),
        (lambda: uniform("0", "1"), "low and high must be two finite numbers"),
        (lambda: parallel_lines(1e39, dtype=torch.float32), "theta in torch.float32 must be a finite number"),
        (lambda: parallel_lines("1"), "theta must be a finite number"),
        (lambda: gaussian(10**400), "mean must be a tensor or an array of numbers"),
        (lambda: gaussian([]), r"means must have shape \(modes,\) or \(modes, d\), not \(1, 0\)"),
        (lambda: Augmentation(colour="0.5"), "colour must be a finite number"),
    ],
)
def test_numbers_that_a_dtype_cannot_tell_or_hold_are_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_ring_in_half_precision_is_the_ring_rounded(dtype):
    exact = ring(3000).means  # more modes than half precision can count
    assert (ring(3000, dtype=dtype).means - exact).abs().max() <= torch.finfo(dtype).eps
    assert torch.equal(gaussian(np.array([1.0, 2.0], dtype=">f4")).mean, torch.tensor([1.0, 2.0]).double())
