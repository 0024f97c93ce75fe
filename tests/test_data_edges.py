"""Data where inputs are odd: dtypes that cut numbers off, the narrowest and widest Gaussians, 16 bits."""

import math
import struct
import zlib

import numpy as np
import pytest
import torch

from gantut.data import (
    GaussianMixture,
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
    with pytest.raises(ValueError, match="high - low must be a finite number"):
        uniform(-1e308, 1e308)
    assert uniform(1e308, 1.7e308).mean == 1.35e308
    with pytest.raises(ValueError, match="low and high must be two finite numbers"):
        uniform(0, 10**400)


# ---- Pictures --------------------------------------------------------------------------------------------------------


def png(bits, levels, transparent=None):
    """A grey PNG of so many bits, written by hand: the file that the specification describes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = levels.shape
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes() for row in levels)
    colour = b"" if transparent is None else chunk(b"tRNS", struct.pack(">H", transparent))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + colour + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


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
