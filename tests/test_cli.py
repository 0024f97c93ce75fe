"""The commands do what their help says; what is wrong is said in one line, and nothing that was there is lost."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from cli_runs import IMAGES, TINY, assert_same_weights, environment, finished, run
from PIL import Image

from gantut import checkpoints, objectives, training
from gantut.cli import _data, _lessons, _pictures
from gantut.cli._run import complete
from gantut.cli._saved import load_run

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run on images that nobody disturbs."""
    return finished(tmp_path_factory, *IMAGES)


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """A short run of two members on a ring."""
    return finished(tmp_path_factory, "ring", "--members", 2, *TINY)


# ---- A run ----


def test_a_run_leaves_the_grid_the_log_the_settings_and_checkpoints(whole):
    names = sorted(path.name for path in whole.iterdir() if path.name != "tensorboard")
    assert names == ["checkpoints", "config.json", "log.jsonl", "samples", "samples.png"]
    assert sorted(path.stem for path in (whole / "samples").iterdir()) == [f"step-{k:08d}" for k in (0, 4, 8, 12)]
    assert (whole / "samples.png").read_bytes() == (whole / "samples/step-00000012.png").read_bytes()
    rows = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert rows[0].keys() == {"step", "critic", "penalty", "generator", "critic gradient", "generator gradient"}
    state = checkpoints.load_latest(whole / "checkpoints").state
    assert rows[5]["critic"] == state["records"]["values"]["critic"][5].item()


def test_the_images_of_a_run_are_those_of_its_generator(whole):
    saved = load_run(whole)
    source = torch.Generator().manual_seed(saved.run.config.seeds("evaluation")[0])
    images = saved.generate(torch.randn(8, saved.run.config.latent_dim, generator=source))[0]
    assert np.array_equal(np.array(Image.open(whole / "samples.png")), _pictures.sheet(images))


def test_a_run_of_several_members_logs_each(ring):
    row = json.loads((ring / "log.jsonl").read_text().splitlines()[-1])
    assert len(row["critic"]) == 2
    assert Image.open(ring / "samples.png").size == (640, 640)


def test_the_file_of_a_run_says_all_that_it_is_and_batch_norm_has_no_place_under_a_penalty(whole, tmp_path):
    settings = json.loads((whole / "config.json").read_text())
    assert settings["critic_norm"] == "layer"
    assert settings["n_critic"] == 2
    assert settings["optimizer"]["betas"] == [0.0, 0.9], "what the paper says is written down, too"
    assert {field.name for field in dataclasses.fields(training.Config)} <= settings.keys()


def test_another_run_by_the_same_file_is_the_same_run(whole, tmp_path):
    assert run("train", "--config", whole / "config.json", "--out", tmp_path / "again", "--quiet") == 0
    assert_same_weights(whole, tmp_path / "again")


def game(folder):
    """The settings of a run, as it was written down."""
    return json.loads((folder / "config.json").read_text())


def test_flags_go_before_the_file_and_change_a_part_of_a_record_alone(tmp_path):
    (tmp_path / "mine.json").write_text('{"batch_size": 16, "steps": 2, "critic": {"hidden": [8]}}')
    words = ["--batch-size", 24, "--noise", "uniform", "--critic.activation", "tanh", "--optimizer.lr", 0.5]
    assert run("train", "ring", "--config", tmp_path / "mine.json", *words, "--quiet", "--out", tmp_path / "r") == 0
    found = game(tmp_path / "r")
    assert (found["batch_size"], found["steps"], found["noise"]) == (24, 2, "uniform")
    assert (found["critic"]["hidden"], found["critic"]["activation"]) == ([8], "tanh")
    assert found["optimizer"]["lr"] == found["critic_optimizer"]["lr"] == 0.5
    assert found["optimizer"]["betas"] == [0.0, 0.9], "the rest of a record stays"


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--lr", "0.25"], "optimizer.lr", 0.25),
        (["--lr", "0.25", "--critic-optimizer.lr", "0.5"], "critic_optimizer.lr", 0.5),
        (["--critic_optimizer.name", "sgd"], "optimizer.name", "adam"),
        (["--critic.hidden", "8", "4"], "critic.hidden", [8, 4]),
        (["--width", "8"], "generator.hidden", [8, 8]),
        (["--constraint.weight", "3"], "constraint.weight", 3.0),
        (["--constraint.name", "clip"], "constraint", {"name": "clip", "bound": 0.01}),
        (["--constraint.name", "none"], "constraint", None),
        (["--constraint.one-sided"], "constraint.one_sided", True),
        (["--instance-noise.scale", "0.1"], "instance_noise.schedule", "linear"),
        (["--objective", "wgan", "--minibatch-discrimination.kernels", "3"], "minibatch_discrimination.kernels", 3),
        (["--no-learn-generator"], "learn_generator", False),
    ],
)
def test_every_setting_of_the_game_is_a_flag(tmp_path, words, name, value):
    assert run("train", "ring", "--steps", 1, "--batch-size", 8, *words, "--quiet", "--out", tmp_path / "r") == 0
    found = game(tmp_path / "r")
    for part in name.split("."):
        found = found[part]
    assert found == value


def test_images_of_ones_own_are_learnt_from(tmp_path):
    (tmp_path / "sprites").mkdir()
    for k in range(4):
        Image.fromarray(np.full((9, 5, 3), 60 * k, np.uint8)).save(tmp_path / f"sprites/{k}.png")
    (tmp_path / "sprites/broken.png").write_bytes(b"not an image")
    words = ["train", tmp_path / "sprites", "--size", 16, "--width", 2, "--batch-size", 4, "--steps", 1]
    assert run(*words, "--preset", "dcgan", "--out", tmp_path / "run") == 0
    assert run("doctor", tmp_path / "run") == 1, "one step is not enough for images that differ"


# ---- Presets ----

MODERN = {  # lesson 14
    "objective": "non-saturating", "networks": "residual", "n_critic": 1, "batch_size": 32, "ema": 0.998,
    "generator_norm": None, "critic_norm": None,
    "constraint": {"weight": 0.3, "at": "real", "every": 16, "name": "zero-centred-penalty"},
}  # fmt: skip


def test_images_are_learnt_in_the_modern_way_unless_a_preset_or_an_objective_is_named():
    whole = complete({}).as_dict()
    assert {name: whole[name] for name in MODERN} == MODERN
    assert whole["optimizer"]["betas"] == [0.0, 0.99]
    assert whole["record_every"] % whole["constraint"]["every"] == 0, "so that each record has the penalty"
    assert (whole["augmentation"]["cutout"], whole["augmentation"]["fill"]) == (0.375, 1.0)
    assert complete({"preset": "modern"}) == complete({})
    assert complete(whole).as_dict() == whole
    for name, norm in (("dcgan", "batch"), ("wgan", "batch"), ("wgan-gp", "layer")):
        paper = complete({"preset": name})
        assert paper == complete({"objective": {"dcgan": "non-saturating"}.get(name, name)})
        assert (paper.networks, paper.generator_norm, paper.critic_norm) == ("dcgan", "batch", norm)
    assert complete({"data": "digits"}).networks == "residual"
    assert complete({"data": "ring"}).networks is None


def test_what_is_given_goes_before_a_preset_and_a_part_of_a_record_alone(tmp_path):
    found = complete({"preset": "modern", "objective": "wgan-gp", "constraint": {"weight": 2.0}, "width": 4})
    assert (found.config.objective, found.config.constraint.weight, found.config.constraint.every) == (
        "wgan-gp",
        2.0,
        16,
    )
    lines = complete({"networks": "residual", "objective": "wgan-gp", "width": 4})
    assert lines.config.penalised
    assert lines.build("cpu")[1].samples_are_separate, "which a penalty between the samples asks for"


def test_a_modern_run_can_be_sampled_and_resumed_and_is_no_other(tmp_path, capsys):
    words = ["digits", "--width", 2, "--batch-size", 8, "--samples", 4, "--evaluate-every", 2, "--device", "cpu"]
    words += ["--constraint.every", 2, "--augment", "--quiet"]
    for name, steps in (("parts", 2), ("parts", 4), ("whole", 4)):
        assert run("train", *words, "--steps", steps, "--out", tmp_path / name, "--resume") == 0
    assert_same_weights(tmp_path / "parts", tmp_path / "whole")
    assert load_run(tmp_path / "parts").generate(torch.zeros(3, 64)).shape == (1, 3, 1, 8, 8)
    assert run("train", *words, "--steps", 4, "--out", tmp_path / "parts", "--resume", "--preset", "wgan") == 2
    assert "holds a run with" in capsys.readouterr().err
    assert run("sample", tmp_path / "parts", "--count", 2) == 0


@pytest.mark.parametrize(
    ("name", "size", "shape"), [("digits", 16, (1797, 1, 16, 16)), ("creatures", 64, (586, 3, 64, 64))]
)
def test_small_images_are_enlarged_pixel_by_pixel(name, size, shape):
    large, small = _data.load(complete({"data": name, "size": size})), _data.load(complete({"data": name}))
    assert tuple(large.shape) == shape
    assert torch.equal(large[..., :: size // small.shape[-1], 1 :: size // small.shape[-1]], small)


# ---- What is wrong with what was asked for ----

WRONG = {
    "rng": (["rng"], "did you mean 'ring'?"),
    "objective": (["ring", "--objective", "wgan-gpp"], "did you mean 'wgan-gp'?"),
    "constraint": (["ring", "--constraint.name", "clip", "--constraint.weight", "3"], "'clip' has no such setting"),
    "part alone": (["ring", "--objective", "minimax", "--constraint.weight", "3"], "constraint must be"),
    "value": (["ring", "--batch-size", "-3"], "batch_size must be a whole number of at least 1, not -3"),
    "size of a distribution": (["ring", "--size", "32"], "size is for images"),
    "augmented distribution": (["ring", "--augment"], "augment is for images"),
    "norm of a perceptron": (["ring", "--critic-norm", "layer"], "critic_norm is for images"),
    "norm of a residual network": (["digits", "--critic-norm", "layer"], "critic_norm is for the networks of DCGAN"),
    "preset": (["digits", "--preset", "moden"], "did you mean 'modern'?"),
    "preset of a distribution": (["ring", "--preset", "wgan"], "preset 'wgan' is for images"),
    "size": (["creatures", "--size", "48"], "size must be one of 32, 64, 128"),
    "channels": (["digits", "--channels", "3"], "channels must be"),
    "folder": (["ring", "somewhere"], "a folder after the data goes with mnist and fashion-mnist only"),
    "many": (["mnist", "a", "b"], "data must be a name or a path"),
    "batch norm": (
        ["digits", "--size", "16", "--objective", "wgan-gp", "--critic-norm", "batch"],
        "each sample by itself",
    ),
    "device": (["ring", "--device", "gpu"], "device"),
    "config": (["ring", "--config", "nowhere.json"], "No such file or directory: nowhere.json"),
    "batch": (["digits", "--batch-size", "5000"], "batch_size must be at most 1797"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, words, message):
    assert run("train", *words, "--out", tmp_path / "r") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["train", "ring", "--n-critics", "3"], "--n-critic"),
        (["train", "ring", "--critic.hiden", "3"], "--critic.hidden"),
        (["train", "ring", "--steps", "many"], "--steps"),
        (["train", "ring", "--steps"], "--steps"),
        (["sample", "run", "--way", "round"], "spherical"),
        (["sample"], "run must be given"),
        (["trai"], "did you mean 'train'?"),
    ],
)
def test_words_that_cannot_be_read_are_refused_with_a_hint(capsys, words, hint):
    assert run(*words) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"bach_size": 3}', "did you mean 'batch_size'?"),
        ('{"critic": {"hiden": [3]}}', "did you mean 'hidden'?"),
        ('{"critic": 3}', "critic must be"),
        ('{"amp": "yes"}', "amp must be one of True, False, None, not 'yes'"),
        ('{"samples": "many"}', "samples must be"),
        ('{"format": "gantut run", "version": 1}', "has format 1"),
        ("{", "is not valid JSON"),
        ("[]", "must hold one JSON object"),
        ("[" * 100_000, "is not valid JSON"),
    ],
)
def test_a_file_of_settings_is_checked(tmp_path, capsys, content, message):
    (tmp_path / "c.json").write_text(content)
    assert run("train", "ring", "--config", tmp_path / "c.json", "--out", tmp_path / "r") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_file_that_asks_for_networks_larger_than_its_weights_is_refused(whole, tmp_path, capsys):
    plain = json.loads((whole / "config.json").read_text())
    plain["width"] = 10**9
    (tmp_path / "r").mkdir()
    (tmp_path / "r/config.json").write_text(json.dumps(plain))
    (tmp_path / "r/checkpoints").symlink_to(whole / "checkpoints")
    assert run("sample", tmp_path / "r") == 2
    assert "no weights as large as config.json says" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sample", "doctor"])
def test_a_folder_without_a_run_is_refused(tmp_path, capsys, command):
    assert run(command, tmp_path) == 2
    assert "there is no config.json in it" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sample", "doctor"])
def test_a_run_that_has_saved_nothing_is_refused(whole, tmp_path, capsys, command):
    (tmp_path / "config.json").write_bytes((whole / "config.json").read_bytes())
    assert run(command, tmp_path) == 2
    assert "has no checkpoint" in capsys.readouterr().err


# ---- Help ----


def test_help_names_every_objective_and_its_lesson(capsys):
    assert run("train", "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, (what, lesson) in _lessons.OBJECTIVES.items():
        assert f"{name} {what} (lesson {lesson})" in text
    assert _lessons.OBJECTIVES.keys() == objectives.OBJECTIVES.keys()


def test_lessons_have_the_titles_of_the_book():
    lessons = yaml.safe_load((Path(__file__).parents[1] / "book/claims.yml").read_text(encoding="utf-8"))["lessons"]
    for number, title in _lessons.TITLES.items():
        assert lessons[f"{number:02d}"]["title"] == title
    assert {lesson for _, lesson in _lessons.OBJECTIVES.values()} <= {
        int(number) for number in lessons if number.isdecimal()
    }


@pytest.mark.skipif(os.name == "nt", reason="needs the pipes of POSIX")
def test_it_ends_quietly_where_nobody_reads_on():
    reads, writes = os.pipe()
    os.close(reads)  # as `head` does, once it has seen enough
    command = [sys.executable, "-m", "gantut", "--help"]
    ended = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, env=environment())
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_without_a_command_the_help_is_shown(capsys):
    assert run() == 0
    assert "python -m gantut doctor" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_the_help_and_the_version_are_there_before_anything_heavy_is_imported(words):
    code = f"import sys; from gantut.cli import main; main({words}); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert not {"torch", "numpy", "scipy", "ot", "sklearn", "matplotlib", "tyro"} & set(said.stdout.split())


def test_what_a_command_does_not_need_is_not_imported():
    code = "import sys; from gantut.cli import main; main(['train', '--help']); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert not {"ot", "sklearn", "scipy", "sympy", "numba", "matplotlib"} & set(said.stdout.split())


@pytest.mark.parametrize("command", ["sample", "doctor", "study"])
def test_each_command_has_a_help_of_its_own(capsys, command):
    assert run(command, "--help") == 0
    assert f"usage: python -m gantut {command}" in capsys.readouterr().out


# ---- The study ----


def test_a_study_is_made_and_summed_up(tmp_path, capsys):
    words = ["--out", tmp_path / "s", "--budget", 1, "--seeds", 2, "--updates", 6, "--distributions", "ring", "--quiet",
             "--objectives", "minimax", "wgan-gp"]  # fmt: skip
    assert run("study", *words) == 0
    assert "1 tries each" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "s/ring").iterdir()) == ["minimax-0000.json", "wgan-gp-0000.json"]
