"""What the tests of the command line share: small runs, made by the commands themselves."""

import os
import sys

import torch

from gantut import checkpoints
from gantut.cli import main

TINY = ["--batch-size", "32", "--steps", "12", "--evaluate-every", "4", "--samples", "8", "--quiet", "--device", "cpu"]
IMAGES = ["digits", "--objective", "wgan-gp", "--width", "4", "--augment", "--n-critic", "2", *TINY]


def run(*words):
    """Do what the words of a command line ask for; return the exit status."""
    return main([str(word) for word in words])


def environment():
    """The variables of a process that is started, which finds the same gantut, and has one thread."""
    paths = os.pathsep.join(sys.path)
    return os.environ | {"PYTHONPATH": paths, "GANTUT_THREADS": "1", "OMP_NUM_THREADS": "1"}


def weights(folder):
    """The weights that a run has saved last."""
    return checkpoints.load_latest(folder / "checkpoints").weights


def assert_same_weights(folder, other):
    """Require that two runs end with the same bits."""
    ours, theirs = weights(folder), weights(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def finished(tmp_path_factory, *words):
    """Make a run, once for all files that ask for it: they read it, and change a copy.

    On one thread: convolutions are rounded in another way by another number of threads.
    """
    if words not in _FINISHED:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        folder = tmp_path_factory.mktemp("runs") / "run"
        assert run("train", *words, "--out", folder) == 0
        torch.set_num_threads(threads)
        _FINISHED[words] = folder
    return _FINISHED[words]


_FINISHED = {}  # folders by the words of their commands
