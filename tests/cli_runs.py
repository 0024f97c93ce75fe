"""What the tests of the command line share: small runs, made by the commands themselves."""

import pytest
import torch

from gantut import checkpoints
from gantut.cli import main

TINY = ["--batch", "32", "--steps", "12", "--evaluate-every", "4", "--samples", "8", "--quiet", "--device", "cpu"]
IMAGES = ["digits", "--objective", "wgan-gp", "--width", "4", "--augment", "--n-critic", "2", *TINY]


def run(*words):
    """Do what the words of a command line ask for; return the exit status."""
    return main([str(word) for word in words])


def weights(folder):
    """The weights that a run has saved last."""
    return checkpoints.load_latest(folder / "checkpoints").weights


def assert_same_weights(folder, other):
    """Require that two runs end with the same bits."""
    ours, theirs = weights(folder), weights(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run on images that nobody disturbs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # convolutions are rounded in another way by another number of threads
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert run("train", *IMAGES, "--out", folder) == 0
    torch.set_num_threads(threads)
    return folder


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """A short run of two members on a ring."""
    folder = tmp_path_factory.mktemp("runs") / "ring"
    assert run("train", "ring", "--members", 2, *TINY, "--out", folder) == 0
    return folder
