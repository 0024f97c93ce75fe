"""What `gantut train` measures as it goes on is what it says, and the best state of a run is kept beside the latest."""

import json

import numpy as np
import pytest
import torch
from cli_runs import assert_same_weights, finished, run, weights
from PIL import Image

from gantut import checkpoints, data
from gantut.cli._run import complete, read_run
from gantut.cli._saved import load_run
from gantut.lessons.new_creatures import Judge, grouped_kid
from gantut.training._streams import noise_stream

pytestmark = pytest.mark.usefixtures("one_thread")

FEW = 48
SMALL = ["--size", 8, "--width", 2, "--batch-size", 8, "--samples", 4, "--evaluate-every", 2, "--measure", 32]
SMALL += ["--constraint.every", 2, "--device", "cpu", "--quiet", "--no-amp", "--lr", 0.01, "--ema", 0]


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    """A folder of images that are all different."""
    folder = tmp_path_factory.mktemp("sprites")
    pixels = np.random.default_rng(0).integers(0, 256, (FEW, 8, 8, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory, sprites):
    """A modern run that nobody disturbs."""
    return finished(tmp_path_factory, sprites, *SMALL, "--steps", 8)


def measured(folder):
    """The steps and the KIDs in a run's log."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    rows = [row for row in rows if "kid" in row]
    assert all(0 <= row["copies"] <= 1 for row in rows)
    return [row["step"] for row in rows], [row["kid"] for row in rows]


def test_the_kid_in_the_log_is_that_of_the_samples_of_the_generator(whole, sprites):
    steps, kids = measured(whole)
    assert steps == [0, 2, 4, 6, 8]
    saved = load_run(whole)
    config = saved.run.config
    noise = noise_stream(config.noise, (32, config.latent_dim), config.seeds("evaluation"), "cpu").next()
    drawn = saved.generate(noise[0])[0]
    real = data.sprites(sprites, size=8).images

    def enlarged(images):
        return images.repeat_interleave(4, -1).repeat_interleave(4, -2)

    assert kids[-1] == pytest.approx(grouped_kid(enlarged(drawn), enlarged(real), groups=1).item(), rel=1e-6)
    history = checkpoints.load_latest(whole / "checkpoints").state["records"]
    assert [row.item() for row in history["metrics"]["kid"]] == kids
    assert history["samples"][-1].shape == (1, 4, 3, 8, 8), "of which fewer are kept than are measured"


def test_the_best_snapshot_is_that_of_the_least_kid(sprites, tmp_path, capsys, monkeypatch):
    values = iter([9.0, 5.0, 3.0, 1.0, 2.0, 4.0])  # of a control, and after 0, 2, 4, 6 and 8 steps
    monkeypatch.setattr(Judge, "kid", lambda self, pictures: torch.tensor([next(values)]))
    folder = tmp_path / "r"
    assert run("train", sprites, *SMALL, "--steps", 8, "--out", folder) == 0
    assert measured(folder) == ([0, 2, 4, 6, 8], [5.0, 3.0, 1.0, 2.0, 4.0])
    assert checkpoints.saved_steps(folder / "checkpoints/best") == [4]
    for words, step in (([], 8), (["--snapshot", "best"], 4), (["--snapshot", 4], 4), (["--snapshot", 6], 6)):
        assert run("sample", folder, "--count", 2, "--out", tmp_path / "a.png", *words) == 0
        assert f"after {step} steps" in capsys.readouterr().out
    assert run("sample", folder, "--snapshot", 7, "--out", tmp_path / "b.png") == 2
    assert "has no snapshot '7': there are those after 4, 6, 8 steps" in capsys.readouterr().err


def test_a_run_that_goes_on_measures_and_keeps_the_same(whole, sprites, tmp_path):
    for steps in (4, 8):
        assert run("train", sprites, *SMALL, "--steps", steps, "--out", tmp_path / "r", "--resume") == 0
    assert_same_weights(tmp_path / "r", whole)
    assert (tmp_path / "r/log.jsonl").read_text() == (whole / "log.jsonl").read_text()
    kept = [checkpoints.load_latest(folder / "checkpoints/best") for folder in (tmp_path / "r", whole)]
    assert kept[0].step == kept[1].step
    assert all(torch.equal(kept[0].weights[name], tensor) for name, tensor in kept[1].weights.items())


def test_any_snapshot_can_be_gone_on_with_as_a_run_of_its_own(whole, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    words = ["train", "--start", whole, "--snapshot", "best", "--out", tmp_path / "r", "--device", "cpu", "--quiet"]
    assert run(*words) == 0
    assert_same_weights(tmp_path / "r", whole)
    assert read_run(tmp_path / "r") == read_run(whole)
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before
    assert run(*words) == 2, "a second run in that folder"
    assert run(*words, "--resume") == 0
    assert run(*words[:-5], "--out", tmp_path / "s", "--width", 3) == 2
    assert "width = 2, not 3" in capsys.readouterr().err
    assert run("train", "--out", whole, "--resume", "--snapshot", "best") == 2
    assert "--snapshot goes with --start" in capsys.readouterr().err


def test_nothing_is_measured_where_that_is_not_wanted_or_says_nothing(sprites, tmp_path, capsys):
    assert run("train", sprites, *SMALL, "--measure", 0, "--steps", 2, "--out", tmp_path / "r") == 0
    assert "kid" not in (tmp_path / "r/log.jsonl").read_text()
    assert run("sample", tmp_path / "r", "--snapshot", "best") == 2
    assert "has no snapshot 'best'" in capsys.readouterr().err
    assert complete({"data": "ring"}).measure == 0
    assert complete({"steps": 100}).measure == 0, "5 steps between two looks are too few"
    assert complete({}).measure == 250
    assert weights(tmp_path / "r")
    assert run("train", "ring", "--measure", 10, "--out", tmp_path / "p") == 2
    assert run("train", sprites, *SMALL, "--measure", 1, "--out", tmp_path / "p") == 2
    assert "measure must be 0, for none, or at least 2 images" in capsys.readouterr().err
