"""Pictures of one's own: what is in a folder is said first; a dry run says what to expect, and writes nothing."""

import json
import re

import numpy as np
import pytest
import torch
from cli_runs import run
from PIL import Image

from gantut import training
from gantut.cli import _data, _dry
from gantut.cli._run import complete, read_run

pytestmark = pytest.mark.usefixtures("one_thread")


def photograph(width, height, seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path):
    """A folder as people have it: photographs, one of them twice, and what is none; more behind a link."""
    for name in ("photos", "album"):
        (tmp_path / name).mkdir()
    for number, size in enumerate([(60, 40), (60, 40), (40, 60), (50, 50)]):
        photograph(*size, number).save(tmp_path / f"photos/{number}.png")
    (tmp_path / "photos/4 copy.png").write_bytes((tmp_path / "photos/3.png").read_bytes())
    (tmp_path / "photos/broken.jpg").write_bytes(b"not an image")
    for name in ("notes.txt", "a.DNG", "b.dng"):
        (tmp_path / "photos" / name).write_text("words")
    photograph(70, 70, 9).convert("L").save(tmp_path / "album/grey.png")
    (tmp_path / "photos/linked").symlink_to(tmp_path / "album")
    return tmp_path / "photos"


TINY = ["--size", 8, "--width", 2, "--batch-size", 4, "--steps", 3, "--samples", 4, "--device", "cpu"]


def rows_of(said):
    """The rows on the data, by their first word."""
    return dict(re.findall(r"^ {6}(\w+) +(.*)$", said, re.M))


def test_what_is_in_a_folder_is_said_before_it_is_learnt_from(photos, tmp_path, capsys):
    assert run("train", photos, *TINY, "--out", tmp_path / "r") == 0
    rows = rows_of(capsys.readouterr().out)
    assert rows["sizes"] == "2 of 60 x 40, 2 of 50 x 50, 1 of 40 x 60"
    assert rows["channels"] == "5 in colour"
    assert rows["squares"].startswith("the middle square of each, resized smoothly: most are photographs")
    assert rows["repeated"] == "1, such as '4 copy.png', which is '3.png' once more"
    assert rows["skipped"] == (
        "2: 'linked' is a link to a folder; 'broken.jpg' is not an image in a supported format; --links follows links"
    )
    assert rows["ignored"] == "2 .dng, 1 .txt"
    saved = read_run(tmp_path / "r")
    assert (saved.fit, saved.links) == ("auto", False)
    assert torch.equal(_data.load(saved), _data.load(complete({"data": str(photos), "size": 8, "fit": "crop"} | FOUR)))


FOUR = {"batch_size": 4}


def test_links_are_followed_and_pictures_fitted_as_is_asked_for(photos):
    settings = {"data": str(photos), "size": 8} | FOUR
    lines = []
    linked = _data.load(complete(settings | {"links": True, "mirror": False}), note=lines.append)
    assert len(linked) == 6
    rows = rows_of("\n".join(lines))
    assert rows["channels"] == "5 in colour, 1 in grey"
    assert "link" not in rows["skipped"]
    padded = _data.load(complete(settings | {"fit": "pad", "channels": 4, "mirror": False}))
    assert padded[0, 3, 0].max() == -1, "transparent above a wide one"
    plain = _data.load(complete(settings | {"fit": "pixels", "mirror": False}))
    assert torch.equal(plain[4], plain[3])
    assert not torch.equal(plain, _data.load(complete(settings | {"mirror": False})))


def test_a_run_from_before_there_was_a_choice_goes_on_as_it_was(photos, tmp_path):
    assert run("train", photos, *TINY, "--fit", "pixels", "--quiet", "--out", tmp_path / "r") == 0
    settings = json.loads((tmp_path / "r/config.json").read_text())
    old = {name: value for name, value in settings.items() if name not in ("fit", "links")}
    (tmp_path / "r/config.json").write_text(json.dumps(old))
    assert run("train", "--out", tmp_path / "r", "--resume", "--steps", 4, "--quiet") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "batch_size must be at most 10, the number of images in"),
        (["--fit", "corp"], "did you mean 'crop'?"),
        (["--out", "."], "is not empty"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_before_anything_is_written(
    photos, tmp_path, monkeypatch, capsys, words, message
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert run("train", photos, *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_without_pictures_says_what_is_in_it(photos, tmp_path, capsys):
    for path in photos.iterdir():
        if path.suffix in (".png", ".jpg"):
            path.unlink()
    (photos / "linked").unlink()
    assert run("train", photos, "--out", tmp_path / "r") == 2
    assert re.search(r"has none, only other files: (2 .dng, 1 .txt|1 .txt, 2 .dng)", capsys.readouterr().err)
    assert run("train", "digits", "--fit", "crop", "--out", tmp_path / "r") == 2
    assert "fit is for images of your own" in capsys.readouterr().err


# ---- A dry run ----


@pytest.mark.parametrize("preset", ["modern", "wgan-gp"])
def test_a_dry_run_says_what_to_expect_and_writes_nothing(photos, tmp_path, monkeypatch, capsys, preset):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert run("train", photos, *TINY, "--preset", preset, "--steps", 1000, "--dry-run") == 0
    said = capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before
    run_ = complete({"data": str(photos), "size": 8, "width": 2, "preset": preset, "batch_size": 4})
    generator, critic = run_.build("cpu")
    for name, network, ends in (("Generator", generator, "64 to 3 x 8 x 8"), ("Critic", critic, "3 x 8 x 8 to 1")):
        count = sum(parameter.numel() for parameter in network.parameters())
        assert f"{name}: {ends}, {count:,} parameters\n" in said
        for parameter, _ in network.named_parameters():
            assert re.search(rf"\b{re.escape(parameter)}\b", said), parameter
    found = re.search(r"Time: (\d+):(\d\d):(\d\d) for 1000 steps, .*: (\S+) s a step, (\S+) samples/s", said)
    hours, minutes, seconds, step, pace = map(float, found.groups())
    assert hours * 3600 + minutes * 60 + seconds == pytest.approx(1000 * step, rel=0.01, abs=1)  # three digits
    assert pace == pytest.approx(run_.config.n_critic * 4 / step, rel=0.02)
    memory = float(re.search(r"Memory: (\S+) GB", said)[1])
    assert 0.05 < memory < 64
    assert "samples every 50 steps" in said


def test_the_shapes_of_a_dry_run_are_those_that_the_layers_return():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 5, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(180, 2)
    )
    outputs = []
    for layer in (network[0], network[3]):
        layer.register_forward_hook(lambda _, __, output: outputs.append(tuple(output.shape)))
    with _dry.Layers(network) as layers:
        network(torch.zeros(4, 3, 8, 8))
    assert layers.rows == [("conv2d", "0.weight, 0.bias", outputs[0]), ("linear", "3.weight, 3.bias", outputs[1])]


@pytest.mark.parametrize(("every", "expected"), [(1, 3.0), (16, (15 * 2.0 + 3.0) / 16)])
def test_the_time_of_a_lazy_penalty_is_shared_out(monkeypatch, every, expected):
    clock = [0.0]

    def train(config, data, **others):
        """Take 7 s at first, 2 s a step, and 1 s more in every step with a penalty."""
        penalised = len(range(0, config.steps, config.constraint.every))
        clock[0] += 7 + 2 * config.steps + penalised

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(_dry.time, "perf_counter", lambda: clock[0])
    game = complete({"data": "digits", "width": 2, "constraint": {"every": every}})
    assert _dry._seconds(game, None, torch.device("cpu")) == pytest.approx(expected)


# ---- Settings in a file ----


def test_settings_may_be_written_as_toml(tmp_path, capsys):
    text = 'data = "ring"\nsteps = 2\nbatch_size = 8\n[optimizer]\nlr = 0.25\n[critic]\nhidden = [8]\n'
    (tmp_path / "mine.toml").write_text(text)
    assert run("train", "--config", tmp_path / "mine.toml", "--quiet", "--out", tmp_path / "r") == 0
    found = json.loads((tmp_path / "r/config.json").read_text())
    assert (found["data"], found["steps"], found["optimizer"]["lr"], found["critic"]["hidden"]) == (
        "ring",
        2,
        0.25,
        [8],
    )
    (tmp_path / "mine.toml").write_text("steps: 2")
    assert run("train", "--config", tmp_path / "mine.toml", "--out", tmp_path / "s") == 2
    assert "is not valid TOML" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lr = 0.25\naugment_target = 0.5\n", ["--lr", 0.25, "--augment-target", 0.5]),
        ("adaptive_augmentation = 0.5\n", ["--augment-target", 0.5]),  # a number is the target
        ("instance_noise = 0.5\n[augmentation]\nmirror = true\n", ["--instance-noise.scale", 0.5]),
    ],
)
def test_what_is_a_flag_may_stand_in_a_file_by_its_name(tmp_path, monkeypatch, text, words):
    asked = []
    monkeypatch.setattr(_data, "load", lambda wanted, **others: asked.append(wanted) or _refused())
    (tmp_path / "mine.toml").write_text(text)
    (tmp_path / "same.json").write_text('{"augmentation": {"mirror": true}}' if "mirror" in text else "{}")
    assert run("train", "--config", tmp_path / "mine.toml") == 2
    assert run("train", "--config", tmp_path / "same.json", *words) == 2
    assert asked[0] == asked[1]


def _refused():
    raise ValueError("not today")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config", "large.toml"], "large.toml must have at most 1048576 bytes, and has 1048577"),
        (["--config", "list.json"], 'list.json must hold one JSON object, such as {"steps": 1000}'),
        (["--config", "wrong.toml"], "wrong.toml is not valid TOML"),
        (["--config", "nothing.json"], 'nothing.json must hold one JSON object, such as {"steps": 1000}'),
        (["--config", "both.json"], "both.json must give 'lr' or 'optimizer', not both"),
        (["--augment-target", 0.6, "--no-augment"], "--augment-target says how often images are changed"),
        (["digits", "--augment-target", 0.6], "here they never are: add --augment"),
        (["ring", "--augment-target", 0.6], "--augment-target is for images, and 'ring' is a distribution"),
        (["--augment-target", 0.6, "--objective", "wgan-gp"], "follows the signs of logits, and 'wgan-gp' has none"),
        (["--augment-target", 1], "adaptive_augmentation: target must be a mean sign"),
        (["--adaptive-augmentation.images", 0], "adaptive_augmentation: images must be a whole number"),
        (["--lr", 0], "optimizer: lr must be a positive finite number"),
        (["--instance-noise.schedule", "linear"], "instance_noise must have a setting 'scale'"),
        (["--size", 0], "size must be one of 32, 64, 128, not 0"),
        (["--channels", 0], "channels must be one of 3, 4, not 0"),
        (["--out", "list.json"], "list.json is a file, and no folder"),
    ],
)
def test_an_error_names_what_was_typed(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "large.toml").write_bytes(b"#" * (2**20 + 1))
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "wrong.toml").write_text("steps = ")
    (tmp_path / "nothing.json").write_text("null")
    (tmp_path / "both.json").write_text('{"lr": 0.1, "optimizer": null}')
    assert run("train", *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
