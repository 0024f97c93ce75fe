"""What `gantut sample` draws is what the generator makes, in its place and on the right way."""

import math
import sys

import numpy as np
import pytest
import torch
from cli_runs import IMAGES, TINY, finished, run
from PIL import Image

from gantut import checkpoints
from gantut.cli import _pictures, _sample
from gantut.cli._saved import load_run, shipped
from gantut.lessons import recorded
from gantut.lessons.new_creatures import modern_generator

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run on images that nobody disturbs."""
    return finished(tmp_path_factory, *IMAGES)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run that keeps no averages."""
    return finished(tmp_path_factory, *IMAGES, "--ema", 0, "--steps", 1)


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """A short run of two members on a ring."""
    return finished(tmp_path_factory, "ring", "--members", 2, *TINY)


def test_a_sheet_shows_each_picture_in_its_place_and_is_transparent_where_they_are():
    images = torch.full((3, 4, 2, 2), -1.0)  # transparent
    images[0] = 1.0  # white and opaque
    images[1, 3] = 1.0  # black and opaque
    bytes_ = _pictures.as_bytes(images)
    assert [bytes_[k, 0, 0].tolist() for k in range(3)] == [[255] * 4, [0, 0, 0, 255], [0] * 4]
    assert [_pictures.on_white(bytes_)[k].mean() for k in range(3)] == [255, 0, 255]
    clear = _pictures.sheet(images, columns=2)
    assert clear.shape == (640, 640, 4)
    assert (clear[..., 3] > 0).sum() == 2 * 2 * 2 * 64 * 64, "two opaque pictures, and all else is transparent"
    sheet = _pictures.on_white(clear)
    assert np.array_equal(sheet, _pictures.sheet(torch.stack([images[0, :3], images[1, :3], images[0, :3]]), columns=2))
    half = torch.tensor([1.0, 0.0, -1.0, 0.0])[:, None, None].expand(1, -1, 2, 2) * 0.5 - 0.5  # opacity a quarter
    assert _pictures.as_bytes(half)[0, 0, 0].tolist() == [255, 255, 0, 64], "colours are divided by it"
    factor = 640 // 10  # 2 pictures of 2 pixels and 3 gaps of 2
    assert sheet.shape == (10 * factor, 10 * factor, 3)
    black = np.argwhere((sheet == 0).all(-1))
    assert black.min(0).tolist() == [2 * factor, 6 * factor]
    assert black.max(0).tolist() == [4 * factor - 1, 8 * factor - 1]


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_what_is_transparent_in_the_pictures_is_so_in_the_file(tmp_path, ending):
    images = torch.full((2, 4, 8, 8), -1.0)
    for place in (0, 1):
        images[place, :, place : place + 3, 2:5] = 1.0
        images[place, 1, place : place + 3, 2:5] = -1.0  # magenta
    pictures, path = _pictures.as_bytes(images), tmp_path / f"a.{ending}"
    if ending == "png":
        _pictures.write_png(path, pictures[1])
    else:
        _pictures.write_film(path, pictures)
    with Image.open(path) as film:
        film.seek(getattr(film, "n_frames", 1) - 1)
        found = np.array(film.convert("RGBA"))
    assert np.array_equal(found[..., 3], pictures[1][..., 3]), "and nothing of the frame before shines through"
    assert (found[found[..., 3] == 255] == [255, 0, 255, 255]).all()


def test_a_run_is_shown_as_a_film(whole, tmp_path):
    assert run("sample", whole, "--film", "--out", tmp_path / "a.gif") == 0
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 4
        film.seek(3)
        last = np.array(film.convert("L")).astype(int)
    assert np.abs(last - np.array(Image.open(whole / "samples.png").convert("L"))).max() <= 1


def test_an_mp4_has_the_pictures_or_says_what_to_install(whole, tmp_path, monkeypatch, capsys):
    words = ["sample", whole, "--between", 2, "--count", 4, "--out", tmp_path / "a.mp4"]
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "av", None)  # as where it is not installed
        assert run(*words) == 2
    assert "python -m pip install av" in capsys.readouterr().err
    assert not (tmp_path / "a.mp4").exists()
    av = pytest.importorskip("av")
    assert run(*words) == 0
    assert run(*words[:-1], tmp_path / "a.gif") == 0
    with av.open(tmp_path / "a.mp4") as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    with Image.open(tmp_path / "a.gif") as gif:
        assert len(frames) == gif.n_frames == 8
        assert np.abs(np.array(gif.convert("RGB")) - frames[0].astype(float)).mean() < 8, "but for compression"


def test_the_generator_that_ships_draws_without_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("sample", "creatures", "--count", 4) == 0
    assert run("sample", "creatures", "--between", 2, "--count", 3, "--out", "ways.gif") == 0
    with Image.open("ways.gif") as film:
        assert film.n_frames == 6
    saved = shipped()
    assert saved.step == recorded("creatures-modern").result["steps"][-1]
    noise = saved.noise(4, 0)
    drawn = modern_generator()(noise)[0].detach()
    assert np.array_equal(np.array(Image.open("sample.png")), _pictures.sheet(drawn))
    (tmp_path / "creatures").mkdir()  # a folder of that name is a run, if it is one
    assert run("sample", "creatures") == 2


def test_the_way_on_the_sphere_keeps_lengths_and_the_straight_one_cuts_short():
    start, end = torch.tensor([3.0, 0, 0]), torch.tensor([0, 3.0, 0])
    t = torch.linspace(0, 1, 7)
    round_, straight = (_sample.way(start, end, t, kind) for kind in ("spherical", "linear"))
    assert torch.allclose(round_.norm(dim=1), torch.tensor(3.0))
    assert torch.allclose(round_[:, 0], 3 * torch.cos(t * math.pi / 2), atol=1e-6)  # equal steps of the angle
    assert torch.allclose(straight[3].norm(), torch.tensor(3 / math.sqrt(2)))
    for way in (round_, straight):
        assert torch.allclose(way[[0, -1]], torch.stack([start, end]), atol=1e-6)


def test_noise_of_one_coordinate_has_a_way_too():
    a = torch.tensor([1.0])
    assert torch.allclose(_sample.way(a, 3 * a, torch.tensor([0.5])), 2 * a)


def test_a_grid_and_the_ways_between_samples_are_drawn(whole, tmp_path, capsys):
    assert run("sample", whole, "--count", 9, "--out", tmp_path / "a.png") == 0
    side = (640 // 32) * 32  # 3 pictures of 8 pixels, 4 gaps of 2, each a block
    assert Image.open(tmp_path / "a.png").size == (side, side)
    assert run("sample", whole, "--between", 3, "--count", 5, "--out", tmp_path / "b.png", "--way", "linear") == 0
    assert Image.open(tmp_path / "b.png").size == (52 * 12, 32 * 12)
    assert run("sample", whole, "--between", 2, "--count", 4, "--out", tmp_path / "c.gif") == 0
    assert Image.open(tmp_path / "c.gif").n_frames == 8
    assert "weights after 12 steps" in capsys.readouterr().out


def test_samples_of_the_plane_are_drawn_for_each_member(ring, tmp_path):
    for member in (0, 1):
        assert run("sample", ring, "--member", member, "--out", tmp_path / f"{member}.png") == 0
    assert (tmp_path / "0.png").read_bytes() != (tmp_path / "1.png").read_bytes()


def test_samples_are_of_the_average_generator_where_there_is_one(tmp_path, capsys):
    words = ["train", *IMAGES, "--ema", 0.9, "--steps", 3, "--out", tmp_path / "r"]
    assert run(*words) == 0
    assert run("sample", tmp_path / "r", "--out", tmp_path / "average.png") == 0
    assert "averages of the weights after 3 steps" in capsys.readouterr().out
    average, last = load_run(tmp_path / "r"), load_run(tmp_path / "r", average=False)
    learners = checkpoints.load_latest(tmp_path / "r/checkpoints").state["learners"]
    state = learners["generator"]["averages"]["exponential"]
    found = torch.cat([p.detach().flatten() for p in average.generator.parameters()])
    assert torch.equal(found, state[0, : len(found)])
    assert not torch.equal(found, torch.cat([p.detach().flatten() for p in last.generator.parameters()]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--member", 2], "member must be at least 0 and less than 1, not 2"),
        (["--out", "a.jpg"], "the ending of --out must be one of '.png', '.gif', '.mp4'"),
        (["--out", "a.gif"], "a .gif shows the way between samples"),
        (["--film", "--between", 2], "without --between"),
        (["--film", "--out", "a.png"], "ends in .gif or .mp4"),
        (["--between", -1], "--between must be a whole number of at least 1"),
        (["--count", 0], "--count must be a whole number of at least 1"),
        (["--weights", "average"], "keeps no averages"),
    ],
)
def test_what_cannot_be_drawn_is_refused(plain, capsys, words, message):
    assert run("sample", plain, *words) == 2
    assert message in capsys.readouterr().err
