"""The doctor finds what a run was made sick with, measures what it says, and finds nothing wrong with a sound run."""

import json
import math
import re

import numpy as np
import pytest
import torch
from cli_runs import IMAGES, TINY, finished, run
from PIL import Image

import gantut.data
from gantut import lipschitz, metrics
from gantut.cli import _data, _diagnostics, _doctor
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


WGAN = ["ring", "--objective", "wgan"]
LAST = ["--steps", "60", "--evaluate-every", "60", "--quiet", "--device", "cpu"]
# Runs that were made sick on purpose; what the doctor must find, and the lesson that explains it.
SICK = {
    "a discriminator that knows all": (
        ["ring", "--objective", "minimax", "--n-critic", "10", "--lr", "1e-9",
         "--critic-optimizer.lr", "0.003"],
        "certainty", 5,
    ),
    "a clip so tight that the critic is flat": ([*WGAN, "--constraint.bound", "1e-4"], "signal", 11),
    "weights at the bound of a clip": ([*WGAN, "--constraint.bound", "1e-3"], "clipping", 11),
    "a penalty that weighs nothing": (["ring", "--constraint.weight", "1e-5"], "penalty", 13),
    "a Wasserstein game without a constraint": ([*WGAN, "--constraint.name", "none"], "steepness", 11),
    "steps that are far too large": (
        [*WGAN, "--constraint.name", "none", "--lr", "1e15"], "numbers", 4,
    ),
    "a generator that is not trained at all": (["ring", "--no-learn-generator"], "modes", 6),
    "images that are all alike": (
        ["digits", "--preset", "dcgan", "--width", "2", "--steps", "2", "--batch-size", "32"], "variety", 6,
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::gantut.training.DivergenceWarning")
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


def patient(whole, **parts):
    saved = load_run(whole)
    real = torch.rand(1, 40, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return _diagnostics.Patient(saved._replace(**parts), real, real.flip(1))


def test_copies_of_the_training_set_are_found(whole):
    sick = patient(whole)
    assert _diagnostics.copies(sick).wrong
    assert "100% of the samples" in _diagnostics.copies(sick).measured
    assert not _diagnostics.variety(sick).wrong, "copies of different pictures differ"
    sick.fake = torch.rand_like(sick.fake) * 2 - 1
    assert not _diagnostics.copies(sick).wrong


@pytest.mark.parametrize(
    ("first", "last", "lesson"), [(1.0, 1e-4, 5), (1.0, 1e4, 4), (1.0, math.nan, 4), (1.0, 0.5, None)]
)
def test_gradients_that_vanish_or_explode_are_found(whole, first, last, lesson):
    rows = torch.linspace(first, last, 20)[:, None] if last > 0.1 else torch.logspace(0, math.log10(last), 20)[:, None]
    found = _diagnostics.gradients(patient(whole, losses={"generator gradient": rows}))
    assert found.wrong == (lesson is not None)
    assert not found.wrong or found.lesson == lesson


def test_the_doctor_measures_what_it_says(ring, capsys):
    run("doctor", ring, "--json")
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    saved, distribution = load_run(ring), gantut.data.ring()
    noise = torch.randn(2000, saved.run.config.latent_dim, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        samples = saved.generator(noise).double()
    covered = metrics.mode_coverage(samples, distribution).covered.median()
    assert f"{covered:.0f} of 8 modes covered" in findings["modes"]["measured"]
    low, high = (float(x) for x in re.findall(r"at (?:least|most) ([0-9.]+)", findings["steepness"]["measured"]))
    assert low < high == pytest.approx(lipschitz.lipschitz_bound(saved.critic).median().item(), rel=0.01)


def test_a_run_whose_data_are_gone_is_examined_as_far_as_it_can_be(tmp_path, capsys):
    (tmp_path / "sprites").mkdir()
    Image.fromarray(np.full((8, 8, 3), 60, np.uint8)).save(tmp_path / "sprites/a.png")
    words = ["train", tmp_path / "sprites", "--size", 8, "--width", 2, "--batch-size", 2, "--steps", 1, "--quiet"]
    assert run(*words, "--out", tmp_path / "run") == 0
    (tmp_path / "sprites/a.png").unlink()
    assert run("doctor", tmp_path / "run") == 0
    assert "The data are not available" in capsys.readouterr().out


def test_a_critic_in_order_and_samples_of_the_very_distribution_are_healthy(tmp_path):
    assert run("train", "ring", "--objective", "wgan", *LAST, "--out", tmp_path / "r") == 0
    saved = load_run(tmp_path / "r")
    distribution = _data.load(saved.run)
    real, fake = (distribution.sample((1, 2000), generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    found = _doctor.diagnose(_diagnostics.Patient(saved, real, fake, distribution))
    assert [finding.name for finding in found] == ["numbers", "gradients", "signal", "steepness", "clipping", "modes"]
    assert not any(finding.wrong for finding in found), found
