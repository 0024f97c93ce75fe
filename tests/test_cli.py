"""The commands do what their help says; what is wrong is said in one line, and nothing that was there is lost."""

import json
import math
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import gantut.data
from gantut import checkpoints, lipschitz, metrics, objectives
from gantut.commands import _doctor, _examinations, _grids, _lessons, _sample, main
from gantut.commands._plan import Plan, read_plan
from gantut.commands._runs import load_run
from gantut.commands._sources import load, source

TINY = ["--batch", "32", "--steps", "12", "--grid-every", "4", "--samples", "8", "--quiet", "--device", "cpu"]
PICTURES = ["digits", "--objective", "wgan-gp", "--width", "4", "--augment", "--set", "n_critic=2", *TINY]


def run(*words):
    """Do what the words of a command line ask for; return the exit status."""
    return main([str(word) for word in words])


def weights(folder):
    return checkpoints.load_latest(folder / "checkpoints").weights


def assert_same_weights(folder, other):
    ours, theirs = weights(folder), weights(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


@pytest.fixture(autouse=True)
def one_thread():
    """Convolutions are rounded in another way by another number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run on pictures that nobody disturbs."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert run("train", *PICTURES, "--out", folder) == 0
    return folder


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """A short run on a ring."""
    folder = tmp_path_factory.mktemp("runs") / "ring"
    assert run("train", "ring", "--members", 2, *TINY, "--out", folder) == 0
    return folder


# ---- A run -----------------------------------------------------------------------------------------------------


def test_a_run_leaves_the_grid_the_log_the_plan_and_checkpoints(whole):
    names = sorted(path.name for path in whole.iterdir() if path.name != "tensorboard")
    assert names == ["checkpoints", "config.json", "log.jsonl", "samples", "samples.png"]
    assert sorted(path.stem for path in (whole / "samples").iterdir()) == [f"step-{k:08d}" for k in (0, 4, 8, 12)]
    assert (whole / "samples.png").read_bytes() == (whole / "samples/step-00000012.png").read_bytes()
    rows = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert rows[0].keys() == {"step", "critic", "penalty", "generator", "critic gradient", "generator gradient"}
    state = checkpoints.load_latest(whole / "checkpoints").state
    assert rows[5]["critic"] == state["records"]["values"]["critic"][5].item()


def test_the_pictures_of_a_run_are_those_of_its_generator(whole):
    plan = read_plan(whole)
    noise = torch.Generator().manual_seed(plan.training.seeds("evaluation")[0])
    saved = load_run(whole)
    images = _sample.samples_of(saved, torch.randn(8, plan.training.latent_dim, generator=noise))
    assert np.array_equal(np.array(Image.open(whole / "samples.png")), _grids.sheet(images))


def test_a_run_of_several_members_logs_each(ring):
    row = json.loads((ring / "log.jsonl").read_text().splitlines()[-1])
    assert len(row["critic"]) == 2
    assert Image.open(ring / "samples.png").size == (640, 640)


def test_the_plan_that_was_written_is_read_back(whole):
    plan = read_plan(whole)
    assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan
    assert plan.networks.critic_norm == "layer", "batch norm has no place under a penalty"


def test_another_run_by_the_same_plan_is_the_same_run(whole, tmp_path):
    assert run("train", "--config", whole / "config.json", "--out", tmp_path / "again", "--quiet") == 0
    assert_same_weights(whole, tmp_path / "again")


def test_flags_go_before_the_file_and_set_before_all(tmp_path):
    (tmp_path / "mine.json").write_text('{"batch": 16, "steps": 2, "critic": {"hidden": [8]}}')
    words = ["--batch", 24, "--set", "noise=uniform", "--set", "critic.activation=tanh", "--set", "optimizer.rate=0.5"]
    assert run("train", "ring", "--config", tmp_path / "mine.json", *words, "--quiet", "--out", tmp_path / "r") == 0
    game = read_plan(tmp_path / "r").training
    assert (game.batch, game.steps, game.noise) == (24, 2, "uniform")
    assert (game.critic.hidden, game.critic.activation) == ((8,), "tanh")
    assert game.optimizer.rate == game.critic_optimizer.rate == 0.5


def test_pictures_of_ones_own_are_learnt_from(tmp_path):
    (tmp_path / "sprites").mkdir()
    for k in range(4):
        Image.fromarray(np.full((9, 5, 3), 60 * k, np.uint8)).save(tmp_path / f"sprites/{k}.png")
    (tmp_path / "sprites/broken.png").write_bytes(b"no picture")
    words = ["train", tmp_path / "sprites", "--size", 16, "--width", 2, "--batch", 4, "--steps", 1]
    assert run(*words, "--out", tmp_path / "run") == 0
    assert run("doctor", tmp_path / "run") == 1, "one step is not enough for pictures that differ"


@pytest.mark.parametrize(
    ("name", "size", "shape"), [("digits", 16, (1797, 1, 16, 16)), ("creatures", 64, (586, 3, 64, 64))]
)
def test_small_pictures_are_enlarged_pixel_by_pixel(name, size, shape):
    large, small = load(source(name, size=size)), load(source(name))
    assert tuple(large.shape) == shape
    assert torch.equal(large[..., :: size // small.shape[-1], 1 :: size // small.shape[-1]], small)


class Writer:
    """Stands in for TensorBoard's, and keeps what it is given."""

    made = []  # noqa: RUF012

    def __init__(self, folder, purge_step):
        self.folder, self.purge_step, self.scalars, self.images = folder, purge_step, [], []
        self.made.append(self)

    def add_scalar(self, name, value, step):
        self.scalars.append((name, step, value))

    def add_image(self, name, picture, step, dataformats):
        assert picture.shape[-1] == 3
        assert dataformats == "HWC"
        self.images.append((name, step))

    def flush(self):
        pass

    def close(self):
        self.closed = True


def test_where_tensorboard_is_installed_every_record_is_logged_once_also_by_a_run_that_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(Writer, "made", [])
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", types.SimpleNamespace(SummaryWriter=Writer))
    assert run("train", "ring", *TINY, "--steps", 8, "--out", tmp_path / "r") == 0
    assert run("train", "--steps", 12, "--out", tmp_path / "r", "--resume", "--quiet") == 0
    first, second = Writer.made
    assert (first.purge_step, second.purge_step) == (None, 9)
    assert first.images + second.images == [("samples", step) for step in (0, 4, 8, 12)]
    rows = [json.loads(line) for line in (tmp_path / "r/log.jsonl").read_text().splitlines()]
    for tag, name in (("loss/critic", "critic"), ("gradient norm/generator", "generator gradient")):
        logged = [(step, value) for found, step, value in first.scalars + second.scalars if found == tag]
        assert logged == [(row["step"], row[name]) for row in rows]
    assert first.closed
    assert second.closed


def test_without_tensorboard_it_is_said_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as where it is not installed
    assert run("train", "ring", "--steps", 1, "--out", tmp_path / "r") == 0
    assert "python -m pip install tensorboard" in capsys.readouterr().out


# ---- To be stopped, and to go on --------------------------------------------------------------------------------


def start(*words):
    """Start the real command."""
    command = [sys.executable, "-m", "gantut", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "GANTUT_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "took too long"
        time.sleep(0.005)


posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@posix
@pytest.mark.slow
def test_a_run_that_is_killed_and_resumed_has_the_weights_of_one_that_was_not(whole, tmp_path):
    process = start("train", *PICTURES, "--checkpoint-every", "1", "--out", tmp_path / "killed")
    wait_for(lambda: checkpoints.saved_steps(tmp_path / "killed/checkpoints"), process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert checkpoints.saved_steps(tmp_path / "killed/checkpoints")[-1] < 12
    assert run("train", "--out", tmp_path / "killed", "--resume", "--quiet") == 0
    assert_same_weights(whole, tmp_path / "killed")
    assert (tmp_path / "killed/log.jsonl").read_text() == (whole / "log.jsonl").read_text()


@posix
@pytest.mark.slow
def test_ctrl_c_saves_and_says_with_which_command_to_go_on(tmp_path):
    words = [*PICTURES, "--steps", "2000", "--checkpoint-every", "2000", "--grid-every", "2"]
    process = start("train", *words, "--out", tmp_path / "a run")
    wait_for((tmp_path / "a run/samples/step-00000004.png").exists, process)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    (done,) = checkpoints.saved_steps(tmp_path / "a run/checkpoints")
    assert f"{done} of 2000 steps are saved" in said
    python, *rest = shlex.split(said.strip().splitlines()[-1])
    assert (python, rest[:2]) == ("python", ["-m", "gantut"])
    assert run(*rest[2:], "--steps", done + 2, "--quiet") == 0
    assert run("train", *words, "--steps", done + 2, "--out", tmp_path / "whole") == 0
    assert_same_weights(tmp_path / "a run", tmp_path / "whole")


def test_a_run_is_extended_and_is_then_the_longer_run(whole, tmp_path):
    assert run("train", *PICTURES, "--steps", 8, "--set", "n_critic=2", "--out", tmp_path / "r") == 0
    assert run("train", "--steps", 12, "--resume", "--out", tmp_path / "r", "--quiet") == 0
    assert_same_weights(whole, tmp_path / "r")
    assert read_plan(tmp_path / "r").training.steps == 12


def test_a_second_run_in_a_folder_is_refused_and_nothing_is_changed(whole, capsys):
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    assert run("train", *PICTURES, "--out", whole) == 2
    assert "holds a run already: --resume goes on with it" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, capsys, resume):
    (tmp_path / "letters").mkdir()
    assert run("train", "ring", *TINY, "--out", tmp_path, *resume) == 2
    assert "is not empty: name another --out" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_a_run_that_was_refused_at_once_can_be_asked_for_again(tmp_path):
    words = ["train", "digits", "--steps", 1, "--width", 2, "--quiet", "--out", tmp_path / "r"]
    assert run(*words, "--batch", 5000) == 2
    assert run(*words, "--batch", 8) == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--batch", 16], "batch = 32, and not 16"),
        (["--width", 8], "width = 4, and not 8"),
        (["--set", "critic_optimizer.rate=3"], "critic_optimizer = "),
        (["ring"], "= "),
        (["--steps", 3], "steps must be at least 12"),
        (["--amp"], "amp = False, and not True"),
    ],
)
def test_a_run_does_not_go_on_as_another_one(whole, capsys, words, named):
    assert run("train", *words, "--out", whole, "--resume") == 2
    assert named in capsys.readouterr().err


def test_a_damaged_last_checkpoint_costs_no_more_than_its_steps(whole, tmp_path):
    assert run("train", *PICTURES, "--out", tmp_path / "r") == 0
    last = sorted((tmp_path / "r/checkpoints").iterdir())[-1] / "weights.safetensors"
    last.write_bytes(last.read_bytes()[:-5])
    with pytest.warns(UserWarning, match="cannot be used|set-aside"):
        assert run("train", "--out", tmp_path / "r", "--resume", "--quiet") == 0
    assert_same_weights(whole, tmp_path / "r")


@pytest.mark.filterwarnings("ignore:skipped a checkpoint")
@pytest.mark.parametrize("command", ["train", "sample", "doctor"])
def test_where_no_checkpoint_can_be_used_one_line_says_so(tmp_path, capsys, command):
    assert run("train", *PICTURES, "--steps", 1, "--out", tmp_path / "r") == 0
    for path in (tmp_path / "r/checkpoints").rglob("*.safetensors"):
        path.write_bytes(b"something else")
    words = ["train", "--resume", "--out"] if command == "train" else [command]
    assert run(*words, tmp_path / "r") == 2
    error = capsys.readouterr().err
    assert "holds no checkpoint that can be used" in error
    assert error.count("\n") == 1


@posix
def test_a_full_disk_is_said_in_a_line_and_the_last_good_state_is_kept(whole, tmp_path, capsys):
    folder = tmp_path / "r"
    assert run("train", *PICTURES, "--steps", 4, "--out", folder) == 0
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**14, limits[1]))  # no file may be larger: as where no room is left
    try:
        assert run("train", "--steps", 12, "--out", folder, "--resume", "--quiet") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    error = capsys.readouterr().err
    assert error.startswith("gantut: error: File too large")
    assert f"To go on once that is mended: python -m gantut train --out {folder} --resume" in error
    assert checkpoints.saved_steps(folder / "checkpoints") == [4]
    assert run("train", "--out", folder, "--resume", "--quiet") == 0
    assert_same_weights(whole, folder)


def test_a_folder_that_cannot_be_made_is_said_in_a_line(tmp_path, capsys):
    (tmp_path / "file").write_text("here is a file already")
    assert run("train", *PICTURES, "--out", tmp_path / "file/run") == 2
    error = capsys.readouterr().err
    assert "Not a directory" in error
    assert str(tmp_path / "file") in error


# ---- What is wrong with what was asked for ------------------------------------------------------------------------

WRONG = {
    "rng": (["rng"], "did you mean 'ring'?"),
    "objective": (["ring", "--objective", "wgan-gpp"], "did you mean 'wgan-gp'?"),
    "setting": (["ring", "--set", "n_critics=3"], "did you mean 'n_critic'?"),
    "part": (["ring", "--set", "critic.hiden=[3]"], "did you mean 'hidden'?"),
    "constraint": (["ring", "--set", "constraint.wieght=3"], "did you mean 'weight'?"),
    "no value": (["ring", "--set", "batch"], "KEY=VALUE, such as batch=128, not 'batch'"),
    "value": (["ring", "--set", "batch=-3"], "batch must be a whole number of at least 1, not -3"),
    "size of a distribution": (["ring", "--size", "32"], "size is of pictures, and 'ring' is a distribution"),
    "size": (["creatures", "--size", "48"], "size must be one of 32, 64, 128, not 48"),
    "channels": (["digits", "--channels", "3"], "channels must be one of 1, not 3"),
    "folder": (["ring", "somewhere"], "a folder after the data goes with mnist and fashion-mnist only"),
    "many": (["mnist", "a", "b"], "data must be a name or a path"),
    "batch norm": (
        ["digits", "--size", "16", "--objective", "wgan-gp", "--critic-norm", "batch"],
        "each sample by itself",
    ),
    "device": (["ring", "--device", "gpu"], "device"),
    "config": (["ring", "--config", "nowhere.json"], "nowhere.json cannot be read: No such file or directory"),
    "batch": (["digits", "--batch", "5000"], "batch must be at most 1797"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, words, message):
    assert run("train", *words, "--out", tmp_path / "r") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"bach": 3}', "did you mean 'batch'?"),
        ('{"training": {"bach": 3}}', "did you mean 'batch'?"),
        ('{"training": {}, "netwrks": {}}', "did you mean 'networks'?"),
        ('{"looks": {"evry": 3}}', "did you mean 'every'?"),
        ('{"training": 3}', "training must be settings by name, not 3"),
        ('{"amp": "yes"}', "amp must be one of True, False, not 'yes'"),
        ("{", "is no JSON"),
        ("[]", "must hold one JSON object"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_a_file_of_settings_is_checked(tmp_path, capsys, content, message):
    (tmp_path / "c.json").write_text(content)
    assert run("train", "ring", "--config", tmp_path / "c.json", "--out", tmp_path / "r") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_plan_that_asks_for_networks_larger_than_its_weights_is_refused(whole, tmp_path, capsys):
    plain = json.loads((whole / "config.json").read_text())
    plain["networks"]["width"] = 10**9
    (tmp_path / "r").mkdir()
    (tmp_path / "r/config.json").write_text(json.dumps(plain))
    (tmp_path / "r/checkpoints").symlink_to(whole / "checkpoints")
    assert run("sample", tmp_path / "r") == 2
    assert "no weights as large as config.json says" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sample", "doctor"])
def test_a_folder_without_a_run_is_no_run(tmp_path, capsys, command):
    assert run(command, tmp_path) == 2
    assert "there is no config.json in it" in capsys.readouterr().err


# ---- Help ------------------------------------------------------------------------------------------------------


def test_help_names_every_objective_and_its_lesson(capsys):
    with pytest.raises(SystemExit) as stopped:
        run("train", "--help")
    assert stopped.value.code == 0
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


def test_without_a_command_the_help_is_shown(capsys):
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 0
    assert "python -m gantut doctor" in capsys.readouterr().out


# ---- Pictures --------------------------------------------------------------------------------------------------


def test_a_sheet_shows_each_picture_in_its_place_and_opacity_on_white():
    images = torch.full((3, 4, 2, 2), -1.0)  # transparent
    images[0] = 1.0  # white and opaque
    images[1, 3] = 1.0  # black and opaque
    bytes_ = _grids.as_bytes(images)
    assert [bytes_[k].min() for k in range(3)] == [255, 0, 255]
    assert [bytes_[k].max() for k in range(3)] == [255, 0, 255]
    sheet = _grids.sheet(images, columns=2)
    factor = 640 // 10  # 2 pictures of 2 pixels and 3 gaps of 2
    assert sheet.shape == (10 * factor, 10 * factor, 3)
    black = np.argwhere((sheet == 0).all(-1))
    assert black.min(0).tolist() == [2 * factor, 6 * factor]
    assert black.max(0).tolist() == [4 * factor - 1, 8 * factor - 1]


def test_the_way_on_the_sphere_keeps_lengths_and_the_straight_one_cuts_short():
    start, end = torch.tensor([3.0, 0, 0]), torch.tensor([0, 3.0, 0])
    t = torch.linspace(0, 1, 7)
    round_, straight = (_sample.way(start, end, t, kind) for kind in ("spherical", "linear"))
    assert torch.allclose(round_.norm(dim=1), torch.tensor(3.0))
    assert torch.allclose(round_[:, 0], 3 * torch.cos(t * math.pi / 2), atol=1e-6)  # equal steps of the angle
    assert torch.allclose(straight[3].norm(), torch.tensor(3 / math.sqrt(2)))
    for way in (round_, straight):
        assert torch.allclose(way[[0, -1]], torch.stack([start, end]), atol=1e-6)


def test_parallel_noise_has_a_way_too():
    a = torch.tensor([1.0, 2.0])
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
    words = ["train", *PICTURES, "--ema", 0.9, "--steps", 3, "--out", tmp_path / "r"]
    assert run(*words) == 0
    assert run("sample", tmp_path / "r", "--out", tmp_path / "average.png") == 0
    assert "averages of the weights after 3 steps" in capsys.readouterr().out
    average, last = load_run(tmp_path / "r"), load_run(tmp_path / "r", average=False)
    state = checkpoints.load_latest(tmp_path / "r/checkpoints").state["averages"]["generator"]["exponential"]
    found = torch.cat([p.detach().flatten() for p in average.generator.parameters()])
    assert torch.equal(found, state[0, : len(found)])
    assert not torch.equal(found, torch.cat([p.detach().flatten() for p in last.generator.parameters()]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--member", 2], "member must lie in [0, 0], not be 2"),
        (["--out", "a.jpg"], "the ending of --out must be one of '.png', '.gif'"),
        (["--out", "a.gif"], "a .gif shows the way between samples"),
        (["--between", -1], "--between must be a whole number of at least 1"),
        (["--weights", "average"], "keeps no averages"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, capsys, words, message):
    assert run("train", *PICTURES, "--ema", 0, "--steps", 1, "--out", tmp_path / "r") == 0
    assert run("sample", tmp_path / "r", *words) == 2
    assert message in capsys.readouterr().err


# ---- The doctor ------------------------------------------------------------------------------------------------

WGAN = ["ring", "--objective", "wgan"]
LAST = ["--steps", "60", "--grid-every", "60", "--quiet", "--device", "cpu"]
# Runs that were made sick on purpose; what the doctor must find, and the lesson that explains it.
SICK = {
    "a discriminator that knows all": (
        ["ring", "--objective", "minimax", "--set", "n_critic=10", "--set", "optimizer.rate=1e-9",
         "--set", 'critic_optimizer={"rate":0.003}'],
        "certainty", 5,
    ),
    "a clip so tight that the critic is flat": ([*WGAN, "--set", "constraint.bound=1e-4"], "signal", 10),
    "weights at the bound of a clip": ([*WGAN, "--set", "constraint.bound=1e-3"], "clipping", 10),
    "a penalty that weighs nothing": (["ring", "--set", "constraint.weight=1e-5"], "penalty", 11),
    "a Wasserstein game without a constraint": ([*WGAN, "--set", "constraint=null"], "steepness", 10),
    "steps that are far too large": (
        [*WGAN, "--set", "constraint=null", "--set", "optimizer.rate=1e15"], "numbers", 4,
    ),
    "a generator that is not trained at all": (["ring", "--set", "learn_generator=false"], "modes", 6),
    "pictures that are all alike": (["digits", "--width", "2", "--steps", "2", "--batch", "32"], "variety", 6),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::gantut.training.Diverged")
@pytest.mark.parametrize(("words", "name", "lesson"), SICK.values(), ids=SICK)
def test_the_doctor_finds_what_a_run_was_made_sick_with(tmp_path, capsys, words, name, lesson):
    assert run("train", *LAST, *words, "--out", tmp_path / "r") == 0
    capsys.readouterr()
    assert run("doctor", tmp_path / "r", "--json") == 1
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert findings[name]["wrong"]
    assert findings[name]["lesson"] == lesson
    assert run("doctor", tmp_path / "r") == 1
    text = " ".join(capsys.readouterr().out.split())
    assert f"WRONG {name} {findings[name]['measured']} {findings[name]['meaning']} Lesson {lesson}: " in text


def test_the_doctor_finds_batch_norm_in_a_critic_that_is_penalised(tmp_path, capsys):
    words = ["digits", "--size", "16", "--objective", "wgan", "--critic-norm", "batch", "--width", "2", *TINY]
    assert run("train", *words, "--out", tmp_path / "r") == 0
    plain = json.loads((tmp_path / "r/config.json").read_text())
    plain["training"]["constraint"] = {"name": "gradient-penalty"}
    (tmp_path / "r/config.json").write_text(json.dumps(plain))
    assert run("doctor", tmp_path / "r") == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "WRONG norm of the critic the score of a sample depends on its whole batch" in text
    assert "Use layer norm or none in the critic. Lesson 11: Better critics." in text


def patient(whole, **parts):
    saved = load_run(whole)
    real = torch.rand(1, 40, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return _examinations.Patient(saved._replace(**parts), real, real.flip(1))


def test_copies_of_the_training_set_are_found(whole):
    sick = patient(whole)
    assert _examinations.copies(sick).wrong
    assert "100% of the samples" in _examinations.copies(sick).measured
    assert not _examinations.variety(sick).wrong, "copies of different pictures differ"
    sick.fake = torch.rand_like(sick.fake) * 2 - 1
    assert not _examinations.copies(sick).wrong


@pytest.mark.parametrize(
    ("first", "last", "lesson"), [(1.0, 1e-4, 5), (1.0, 1e4, 4), (1.0, math.nan, 4), (1.0, 0.5, None)]
)
def test_gradients_that_vanish_or_explode_are_found(whole, first, last, lesson):
    rows = torch.linspace(first, last, 20)[:, None] if last > 0.1 else torch.logspace(0, math.log10(last), 20)[:, None]
    found = _examinations.gradients(patient(whole, losses={"generator gradient": rows}))
    assert found.wrong == (lesson is not None)
    assert not found.wrong or found.lesson == lesson


def test_the_doctor_measures_what_it_says(ring, capsys):
    run("doctor", ring, "--json")
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    saved, distribution = load_run(ring), gantut.data.ring()
    noise = torch.randn(2000, saved.plan.training.latent_dim, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        samples = saved.generator(noise).double()
    covered = metrics.mode_coverage(samples, distribution).covered.median()
    assert f"{covered:.0f} of 8 modes covered" in findings["modes"]["measured"]
    low, high = (float(x) for x in re.findall(r"at (?:least|most) ([0-9.]+)", findings["steepness"]["measured"]))
    assert low < high == pytest.approx(lipschitz.lipschitz_bound(saved.critic).median().item(), rel=0.01)


def test_a_run_whose_data_are_gone_is_examined_as_far_as_it_can_be(tmp_path, capsys):
    (tmp_path / "sprites").mkdir()
    Image.fromarray(np.full((8, 8, 3), 60, np.uint8)).save(tmp_path / "sprites/a.png")
    words = ["train", tmp_path / "sprites", "--size", 8, "--width", 2, "--batch", 2, "--steps", 1, "--quiet"]
    assert run(*words, "--out", tmp_path / "run") == 0
    (tmp_path / "sprites/a.png").unlink()
    assert run("doctor", tmp_path / "run") == 0
    assert "The data are not at hand" in capsys.readouterr().out


def test_a_critic_in_order_and_samples_of_the_very_distribution_are_healthy(tmp_path):
    assert run("train", "ring", "--objective", "wgan", *LAST, "--out", tmp_path / "r") == 0
    saved = load_run(tmp_path / "r")
    distribution = load(saved.plan.data)
    real, fake = (distribution.sample((1, 2000), generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    found = _doctor.examine(_examinations.Patient(saved, real, fake, distribution))
    assert [finding.name for finding in found] == ["numbers", "gradients", "signal", "steepness", "clipping", "modes"]
    assert not any(finding.wrong for finding in found), found


# ---- The study -------------------------------------------------------------------------------------------------


def test_a_study_is_made_and_summed_up(tmp_path, capsys):
    words = ["--out", tmp_path / "s", "--budget", 1, "--seeds", 2, "--updates", 6, "--distributions", "ring", "--quiet",
             "--objectives", "minimax", "wgan-gp"]  # fmt: skip
    assert run("study", *words) == 0
    assert "1 tries each" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "s/ring").iterdir()) == ["minimax-0000.json", "wgan-gp-0000.json"]
