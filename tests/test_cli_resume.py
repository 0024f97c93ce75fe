"""A run can be stopped in any way, and goes on to the same bits; nothing that was saved is ever lost."""

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
import types

import pytest
from cli_runs import IMAGES, TINY, assert_same_weights, environment, finished, run

from gantut import checkpoints

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run on images that nobody disturbs."""
    return finished(tmp_path_factory, *IMAGES)


def start(*words):
    """Start the real command."""
    command = [sys.executable, "-m", "gantut", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


def wait_for(condition, process, seconds=600):  # of a machine that may be busy
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "took too long"
        time.sleep(0.005)


posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@posix
@pytest.mark.slow
def test_a_run_that_is_killed_and_resumed_has_the_weights_of_one_that_was_not(whole, tmp_path):
    process = start("train", *IMAGES, "--checkpoint-every", "1", "--out", tmp_path / "killed")
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
    words = [*IMAGES, "--steps", "2000", "--checkpoint-every", "2000", "--evaluate-every", "2"]
    process = start("train", *words, "--out", tmp_path / "a run")
    wait_for((tmp_path / "a run/samples/step-00000004.png").exists, process)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=600)
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
    assert run("train", *IMAGES, "--steps", 8, "--out", tmp_path / "r") == 0
    assert run("train", "--steps", 12, "--resume", "--out", tmp_path / "r", "--quiet") == 0
    assert_same_weights(whole, tmp_path / "r")
    assert json.loads((tmp_path / "r/config.json").read_text())["steps"] == 12


def test_a_second_run_in_a_folder_is_refused_and_nothing_is_changed(whole, capsys):
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    assert run("train", *IMAGES, "--out", whole) == 2
    assert "already holds a run: --resume" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, capsys, resume):
    (tmp_path / "letters").mkdir()
    assert run("train", "ring", *TINY, "--out", tmp_path, *resume) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_a_run_that_was_refused_at_once_can_be_asked_for_again(tmp_path):
    words = ["train", "digits", "--steps", 1, "--width", 2, "--quiet", "--out", tmp_path / "r"]
    assert run(*words, "--batch-size", 5000) == 2
    assert run(*words, "--batch-size", 8) == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--batch-size", 16], "batch_size = 32, not 16"),
        (["--width", 8], "width = 4, not 8"),
        (["--critic-optimizer.lr", 3], "critic_optimizer.lr = 0.0001, not 3.0"),
        (["ring"], "data = 'digits', not 'ring'"),
        (["--steps", 3], "steps must be at least 12"),
        (["--amp"], "amp = False, not True"),
    ],
)
def test_a_run_does_not_go_on_as_another_one(whole, capsys, words, named):
    assert run("train", *words, "--out", whole, "--resume") == 2
    assert named in capsys.readouterr().err


def test_a_damaged_last_checkpoint_costs_no_more_than_its_steps(whole, tmp_path):
    assert run("train", *IMAGES, "--out", tmp_path / "r") == 0
    last = sorted((tmp_path / "r/checkpoints").iterdir())[-1] / "weights.safetensors"
    last.write_bytes(last.read_bytes()[:-5])
    with pytest.warns(UserWarning, match="cannot be used|set-aside"):
        assert run("train", "--out", tmp_path / "r", "--resume", "--quiet") == 0
    assert_same_weights(whole, tmp_path / "r")


@pytest.mark.filterwarnings("ignore:skipped a checkpoint")
@pytest.mark.parametrize("command", ["train", "sample", "doctor"])
def test_where_no_checkpoint_can_be_used_one_line_says_so(tmp_path, capsys, command):
    assert run("train", *IMAGES, "--steps", 1, "--out", tmp_path / "r") == 0
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
    assert run("train", *IMAGES, "--steps", 4, "--out", folder) == 0
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**14, limits[1]))  # no file may be larger: as where no room is left
    try:
        assert run("train", "--steps", 12, "--out", folder, "--resume", "--quiet") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    error = capsys.readouterr().err
    assert error.startswith("gantut: error: File too large")
    assert f"To resume once that is fixed: python -m gantut train --out {folder} --resume" in error
    assert checkpoints.saved_steps(folder / "checkpoints") == [4]
    assert run("train", "--out", folder, "--resume", "--quiet") == 0
    assert_same_weights(whole, folder)


def test_a_folder_that_cannot_be_made_is_said_in_a_line(tmp_path, capsys):
    (tmp_path / "file").write_text("here is a file already")
    assert run("train", *IMAGES, "--out", tmp_path / "file/run") == 2
    error = capsys.readouterr().err
    assert "Not a directory" in error
    assert str(tmp_path / "file") in error


# ---- TensorBoard ----


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
        self.flushed = len(self.scalars), len(self.images)


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
    for writer in (first, second):
        assert writer.flushed == (len(writer.scalars), len(writer.images)), "all is in the file at the end"


def test_without_tensorboard_it_is_said_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as where it is not installed
    assert run("train", "ring", "--steps", 1, "--out", tmp_path / "r") == 0
    assert "python -m pip install tensorboard" in capsys.readouterr().out
