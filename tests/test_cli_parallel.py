"""Under torchrun one process speaks for all; a process that is lost costs what was not saved yet."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from cli_runs import environment
from torch import distributed

from gantut import checkpoints
from gantut.cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt" or not distributed.is_gloo_available(), reason="needs POSIX and Gloo"),
]
WORLD = 2

PICTURES = [
    "digits",
    "--objective",
    "wgan-gp",
    "--width",
    "2",
    "--batch-size",
    "32",
    "--n-critic",
    "1",
    "--samples",
    "4",
]
PICTURES += ["--device", "cpu", "--evaluate-every", "20", "--steps", "60"]


def torchrun(*words, restarts=0):
    options = ["--nproc-per-node", str(WORLD), "--max-restarts", str(restarts), "--standalone"]
    command = [sys.executable, "-m", "torch.distributed.run", *options, "-m", "gantut", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())


def workers_of(process):
    """Return the processes that another one has started, in the order of their ranks."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    found = []
    for child in map(int, children):
        variables = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        rank = next((int(v[5:]) for v in variables if v.startswith(b"RANK=")), None)
        if rank is not None:
            found.append((rank, child))
    return [child for _, child in sorted(found)]


def single(folder, *words):
    assert main(["train", *PICTURES, *words, "--quiet", "--out", str(folder)]) == 0
    return checkpoints.load_latest(folder / "checkpoints").weights


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the workers")
def test_a_killed_worker_costs_the_steps_since_the_last_checkpoint_and_the_run_goes_on(tmp_path):
    folder = tmp_path / "run"
    process = torchrun("train", *PICTURES, "--checkpoint-every", 5, "--out", folder, restarts=1)
    try:
        end = time.monotonic() + 600
        while not (steps := checkpoints.saved_steps(folder / "checkpoints")):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.01)
        os.kill(workers_of(process)[1], signal.SIGKILL)
        said, _ = process.communicate(timeout=600)
    finally:
        process.terminate()  # torchrun ends its workers, too
    assert process.returncode == 0, said
    assert steps[-1] < 60
    assert said.count("Done in") == 1, "one process speaks for all"
    expected, found = single(tmp_path / "single"), checkpoints.load_latest(folder / "checkpoints").weights
    for name in expected:
        assert torch.allclose(found[name], expected[name], atol=1e-4), name
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(61)), "no step is missing, and none is there twice; at 0, a KID"


def test_a_population_is_shared_out_and_each_member_is_bit_by_bit_what_it_is_elsewhere(tmp_path, capsys):
    words = ["train", "ring", "--members", "3", "--steps", "10", "--batch-size", "32", "--device", "cpu", "--quiet"]
    process = torchrun(*words, "--out", tmp_path / "two")
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert main([*words, "--out", str(tmp_path / "one")]) == 0
    alone = checkpoints.load_latest(tmp_path / "one/checkpoints").weights
    for name, rows in (("members-00000-00000", slice(0, 1)), ("members-00001-00002", slice(1, 3))):
        ours = checkpoints.load_latest(tmp_path / "two" / name / "checkpoints").weights
        assert ours.keys() == alone.keys()
        assert all(torch.equal(ours[key], alone[key][rows]) for key in alone)
    assert main(["doctor", str(tmp_path / "two" / "members-00001-00002")]) == 1  # ten steps are not enough
    assert "2 members" in capsys.readouterr().out
    assert main(["doctor", str(tmp_path / "two")]) == 2
    assert "a population in 2 parts: name one of them" in capsys.readouterr().err
    for folder in ("two", "one"):
        assert main(["train", "--resume", "--steps", "12", "--out", str(tmp_path / folder), "--quiet"]) == 0
    alone = checkpoints.load_latest(tmp_path / "one/checkpoints").weights
    longer = checkpoints.load_latest(tmp_path / "two/members-00001-00002/checkpoints").weights
    assert all(torch.equal(longer[key], alone[key][1:]) for key in alone), "one process goes on with the parts of two"
