"""What is exported is the generator of the run, says what it is, and names no place of the machine it was made on."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from cli_runs import IMAGES, finished, run
from PIL import Image

from gantut.cli._saved import load_run

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    """A run on pictures of one's own, with transparency."""
    folder = tmp_path_factory.mktemp("mine") / "sprites"
    folder.mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 4), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return finished(
        tmp_path_factory, folder, "--size", 8, "--channels", 4, "--width", 2, "--batch-size", 4, "--steps", 2,
        "--samples", 4, "--quiet", "--device", "cpu",
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of DCGAN."""
    return finished(tmp_path_factory, *IMAGES, "--steps", 2)


def card_of(folder):
    """The rows of the table, and the code in it."""
    text = (folder / "README.md").read_text()
    rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", text, re.M))
    return rows, text.split("```python\n")[1].split("```")[0]


@pytest.mark.parametrize("name", ["sprites", "whole"])
def test_three_lines_of_the_card_load_the_generator_of_the_run(name, request, tmp_path, monkeypatch):
    folder, out = request.getfixturevalue(name), tmp_path / "out"
    assert run("export", folder, "--out", out) == 0
    monkeypatch.chdir(out)
    _, code = card_of(out)
    found = {}
    exec(code, found)
    saved, noise = load_run(folder), torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(found["generator"](noise), saved.generate(noise))
    assert len(code.splitlines()) == 3


def test_samples_of_what_was_exported_are_those_of_the_run_wherever_it_is_and_without_the_data(sprites, tmp_path):
    shutil.copytree(sprites, tmp_path / "moved")
    settings = json.loads((tmp_path / "moved/config.json").read_text())
    (tmp_path / "moved/config.json").write_text(json.dumps(settings | {"data": "/nowhere/sprites"}))
    assert run("export", tmp_path / "moved", "--out", tmp_path / "out") == 0
    for path in (tmp_path / "moved", tmp_path / "out"):
        assert run("sample", path, "--count", 4, "--out", tmp_path / f"{path.name}.png") == 0
    assert (tmp_path / "moved.png").read_bytes() == (tmp_path / "out.png").read_bytes()
    assert Image.open(tmp_path / "out.png").mode == "RGBA"
    assert all(
        "nowhere" not in path.read_text() for path in (tmp_path / "out").iterdir() if path.suffix in (".md", ".json")
    )
    assert run("doctor", tmp_path / "out") == 2


def test_the_card_says_what_was_given_and_recorded(sprites, tmp_path, capsys):
    words = ["export", sprites, "--out", tmp_path / "out", "--data", "my | own"]
    assert run(*words) == 0
    rows, _ = card_of(tmp_path / "out")
    assert rows["Licence"] == "not stated"
    assert rows["Data"] == r"my \| own; 16 images, mirror images among them"
    assert rows["Makes"] == "images of 8 x 8 pixels, colour with opacity (premultiplied), of 64 numbers of noise"
    last = json.loads((sprites / "log.jsonl").read_text().splitlines()[-1])
    assert f"generator {last['generator']:.4g}" in rows["Measured"]
    assert run(*words) == 2
    assert "--force writes over it" in capsys.readouterr().err
    assert run(*words, "--force", "--licence", "CC0 1.0") == 0
    assert card_of(tmp_path / "out")[0]["Licence"] == "CC0 1.0"
    assert json.loads((tmp_path / "out/config.json").read_text())["weights"] == "average"


def test_what_cannot_be_exported_is_refused(whole, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("dear")
    assert run("export", whole, "--out", tmp_path / "full", "--force") == 2
    assert "is not empty" in capsys.readouterr().err
    assert run("train", "ring", "--steps", 1, "--quiet", "--out", tmp_path / "ring") == 0
    assert run("export", tmp_path / "ring", "--out", tmp_path / "new") == 2
    assert "on images" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("damage", "message"), [(lambda data: data[:-9], "cannot be used"), (None, "is from another run")]
)
def test_a_damaged_or_foreign_file_of_weights_is_refused(whole, tmp_path, capsys, damage, message):
    assert run("export", whole, "--out", tmp_path / "out") == 0
    weights, settings = tmp_path / "out/generator.safetensors", tmp_path / "out/config.json"
    if damage:
        weights.write_bytes(damage(weights.read_bytes()))
    else:
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"width": 10**9}))
    assert run("sample", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
