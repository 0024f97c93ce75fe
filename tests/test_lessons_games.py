"""The named runs: what they measure, against cases whose answer is known, and how they are recorded."""

import functools
import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gantut import metrics
from gantut.data import grid, ring
from gantut.lessons import _records, record, recorded
from gantut.lessons.experiments import EXPERIMENTS
from gantut.lessons.mode_collapse import (
    ModeTrack,
    count_leading_modes,
    hops_between_modes,
    second_half,
    total_turns,
    track_modes,
    train_on_narrow_ring,
)
from gantut.lessons.seeing_collapse import diversity, shuffled_digits
from gantut.lessons.the_game import discriminator_accuracy
from gantut.lessons.toy_gans import coverage, train_toy_gan, training_curves

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def on_device(device, monkeypatch):
    """Every run here is on the device of the test."""
    monkeypatch.setenv("GANTUT_DEVICE", str(device))
    monkeypatch.delenv("GANTUT_SCALE", raising=False)


# ------------------------------------------------------------------------------------------------------- where they go


def circling(angles, radius=2.0, n=10):
    """Samples (evaluations, members, n, 2) whose mean is at these angles (evaluations, members)."""
    centre = radius * torch.stack([angles.cos(), angles.sin()], -1)
    around = 0.01 * torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat(n // 2, 1).double()  # of mean 0
    return centre[..., None, :] + around


def test_turns_are_numpys_unwrapped_angles(rng):
    steps = (torch.rand(60, 3, generator=rng).double() - 0.5) * 5.8  # less than half way round each
    angles = steps.cumsum(0)
    path = track_modes(circling(angles))
    wrapped = torch.atan2(angles.sin(), angles.cos()).numpy()
    expected = (np.unwrap(wrapped, axis=0) - wrapped[0]) / (2 * math.pi)
    assert np.abs(path.turns.numpy() - expected).max() < 1e-9
    assert total_turns(path).numpy() == pytest.approx(expected[-1], abs=1e-9)
    assert total_turns(second_half(path)).numpy() == pytest.approx(expected[-1] - expected[30], abs=1e-9)


def test_a_turn_against_the_clock_counts_one_and_there_and_back_none():
    once = torch.linspace(0, 2 * math.pi, 17, dtype=torch.float64)
    there_and_back = torch.cat([once[:9], once[:8].flip(0)])
    path = track_modes(circling(torch.stack([once, -once, there_and_back], 1)))
    assert total_turns(path).tolist() == pytest.approx([1, -1, 0], abs=1e-9)
    assert count_leading_modes(path).tolist() == [8, 8, 5]  # half of the circle has five centres, its ends included


def test_the_leading_mode_is_the_nearest_centre_with_most_samples():
    distribution = ring(8)
    samples = torch.cat([distribution.means[3].expand(7, 2), distribution.means[5].expand(3, 2)])[None, None]
    path = track_modes(samples, distribution)
    assert path.leading.tolist() == [[3]]
    assert path.share.tolist() == [[0.7]]


@pytest.mark.parametrize(
    ("share", "modes", "turns", "is_so"),
    [(0.7, 5, 2.0, True), (0.69, 5, 2.0, False), (0.7, 4, 2.0, False), (0.7, 5, -1.9, False), (0.7, 5, -2.0, True)],
)
def test_restless_asks_for_all_three(share, modes, turns, is_so):
    looks = 40
    leading = torch.arange(looks)[:, None] % modes
    path = ModeTrack(leading, torch.full((looks, 1), share), torch.linspace(0, turns, looks)[:, None].double())
    assert hops_between_modes(path).tolist() == [is_so]


def test_narrow_modes_are_learnt_with_as_many_evaluations_as_asked():
    history = train_on_narrow_ring("minimax", members=2, steps=20, evaluate_every=5, latent_dim=8)
    assert history.samples.shape == (5, 2, 400, 2)
    assert history.config.optimizer.lr == 1e-4
    assert history.config.latent_dim == 8


# ---------------------------------------------------------------------------------------------------- what they cover


def test_coverage_of_the_distribution_itself_and_of_one_of_its_modes(rng):
    distribution = ring()
    perfect = distribution.sample(4000, generator=rng)
    one = distribution.means[0] + 0.1 * torch.randn(4000, 2, generator=rng).double()
    found = coverage(SimpleNamespace(samples=torch.stack([perfect, one])[None]))
    assert found.modes.tolist() == [8, 1]
    # within four standard errors of a share of 4000
    assert found.quality.tolist() == pytest.approx([1 - math.exp(-4.5)] * 2, abs=4 * (0.011 * 0.989 / 4000) ** 0.5)
    # points on the modes: an eighth of the mass goes to each; what the widths and 500 draws add is below 0.2
    assert found.w1[1].item() == pytest.approx(0.5 / math.tan(math.pi / 16), abs=0.2)
    assert found.w1[0] < 0.5


def test_coverage_of_the_grid_counts_its_own_modes(rng):
    some = grid().means[:7].repeat(100, 1)
    assert coverage(SimpleNamespace(samples=some[None, None]), "grid", points=50).modes.tolist() == [7]


def test_a_discriminator_that_sees_one_half_of_the_data_scores_three_quarters(device):
    class Right(torch.nn.Linear):  # calls real what lies to the right of 0
        def forward(self, x):
            return x.expand(2, *x.shape[-2:])[..., :1]  # (members, batch, 1)

    made = torch.full((2, 2000, 2), -5.0)
    history = SimpleNamespace(critic=Right(2, 1).to(device), sample=lambda n, seed: made[:, :n])
    # ring: half of it is on the right; four standard errors of 2000 draws, halved
    assert discriminator_accuracy(history, ring()).tolist() == pytest.approx([0.75, 0.75], abs=2 * 0.5 / 2000**0.5)


def test_a_toy_gan_is_evaluated_on_the_way_and_takes_other_settings():
    history = train_toy_gan("non-saturating", 2, members=2, steps=12, evaluations=4, unrolled=1)
    assert history.evaluated.tolist() == [0, 3, 6, 9, 12]
    assert history.samples.shape == (5, 2, 2500, 2)
    assert (history.config.n_critic, history.config.unrolled) == (2, 1)
    end = train_toy_gan("non-saturating", 2, members=1, steps=12, unrolled=1).samples[-1]
    assert torch.allclose(end[0], history.samples[-1, 0], atol=1e-5)  # looking changes nothing


def test_play_names_what_it_does_not_know():
    with pytest.raises(ValueError, match=r"objective must be one of .*'wgan-gp'.* not 'wgan-pg'"):
        train_toy_gan("wgan-pg", 1, members=1)
    with pytest.raises(ValueError, match="distribution must be one of 'ring', 'grid', not 'square'"):
        train_toy_gan("wgan", 1, distribution="square", members=1)
    with pytest.raises(ValueError, match="evaluations"):
        train_toy_gan("wgan", 1, members=1, evaluations=0)


# ------------------------------------------------------------------------------------------------------ loss and W1


def history_of(objective, critic_loss, samples):
    losses = {"critic": critic_loss, "generator": 2 * critic_loss}
    config = SimpleNamespace(objective=objective)
    return SimpleNamespace(config=config, losses=losses, samples=samples, evaluated=torch.arange(len(samples)))


def test_training_curves_average_between_evaluations_and_estimate_what_the_objective_does():
    looks, members = 3, 2
    reference = ring().sample(60, generator=torch.Generator().manual_seed(1))
    moved = reference + torch.tensor([0.5, 0.0])
    samples = torch.stack([reference, reference, moved, moved])[:, None].expand(-1, members, -1, -1)
    # four records before each look, around the loss of a discriminator that guesses, 2 log 2, and then less
    gain = torch.tensor([0.0, 0.2, 0.6])
    wave = torch.tensor([0.3, -0.3, 0.1, -0.1]).repeat(looks) - gain.repeat_interleave(4)
    loss = (2 * math.log(2) + wave)[:, None].expand(-1, members)
    found = training_curves(history_of("minimax", loss, samples), points=60)
    assert found.estimate.T.tolist() == [pytest.approx([0.0, 0.1, 0.3], abs=1e-6)] * 2
    expected = [4 * math.log(2) - 2 * by for by in gain.tolist()]
    assert found.generator_loss.T.tolist() == [pytest.approx(expected, abs=1e-6)] * 2
    assert found.w1.T.tolist() == [pytest.approx([0, 0.5, 0.5], abs=1e-9)] * 2  # a shift costs its length
    found = training_curves(history_of("wgan-gp", loss, samples), points=60)
    assert found.estimate[:, 0].tolist() == pytest.approx([by - 2 * math.log(2) for by in gain.tolist()], abs=1e-6)


# -------------------------------------------------------------------------------------------------------- on images


def test_real_digits_have_their_variety_and_one_of_them_none():
    classifier = metrics.digit_classifier()
    images = shuffled_digits()
    assert images.shape == (1797, 64)
    samples = torch.stack([images[500:1000], images[3].expand(500, -1)])
    found = diversity(samples, classifier)
    assert found.classes.tolist() == pytest.approx([10, 1], abs=0.3)
    assert found.apart.tolist() == pytest.approx([1, 0], abs=0.1)
    assert found.w1[1] == pytest.approx((images[:500] - images[3]).norm(dim=1).mean().item(), rel=1e-4)
    assert found.w1[0] < found.w1[1] / 2


# ---------------------------------------------------------------------------------------------------------- records


TINY = dict(members=2, steps=40)
SIZES = {
    "mode-collapse": dict(members=2, steps=2),
    "unrolling": dict(members=2, steps=2),
    "hopping": dict(members=3, steps=200, latent_dim=4, batch_size=16),
    "perceptrons-on-digits": dict(members=2, steps=2, width=8),
}
ROWS = {
    "mode-collapse": 24,
    "critic-steps": 4,
    "grid-for-longer": 3,
    "hopping": 2,
    "loss-and-distance": 4,
    "perceptrons-on-digits": 2,
    "unrolling": 6,
}


@pytest.mark.parametrize("name", ROWS)
def test_every_experiment_plays_its_games_and_is_plain_data(name, tmp_path):
    run = functools.partial(EXPERIMENTS[name], **SIZES.get(name, TINY))
    path = record(name, run, command="a test", seed=0, device="cpu", folder=tmp_path)
    games = recorded(name, folder=tmp_path).result["games"]
    assert len(games) == ROWS[name]
    assert path.stat().st_size > 100
    settings = [{key: value for key, value in game.items() if isinstance(value, str | int)} for game in games]
    assert all(one != other for i, one in enumerate(settings) for other in settings[:i]), "no game twice"


def test_unrolling_further_is_another_game():
    """What is told to look ahead does: the rows differ, though all members start alike."""
    rows = EXPERIMENTS["unrolling"](members=2, steps=3)["games"]
    assert {row["unrolled"] for row in rows} > {0, 1}
    assert len({tuple(row["w1"]) for row in rows}) == len(rows)


@pytest.mark.parametrize("name", ROWS)
def test_what_the_book_quotes_was_made_by_the_command_of_that_name(name):
    found = recorded(name)
    assert re.match(rf"python -m gantut\.(experiments|lessons) {name}\b", found.provenance["command"])
    assert set(found.provenance) >= {"commit", "date", "device", "torch", "seed", "seconds"}
    assert len(found.result["games"]) == ROWS[name]
    for game in found.result["games"]:
        population = [value for value in game.values() if isinstance(value, list)]
        assert min(map(len, population)) >= 16


def test_a_record_comes_back_as_it_was(tmp_path):
    result = {"games": [{"name": "a", "values": [1.5, -2.0]}, {"name": "b", "values": [[1, 2], [3, 4]]}]}
    path = record("some", lambda: result, command="make it", seed=7, device="cpu", folder=tmp_path / "new")
    again = recorded("some", folder=tmp_path / "new")
    assert again.result == result
    assert again.provenance["command"] == "make it"
    assert again.provenance["seed"] == 7
    assert again.provenance["torch"] == torch.__version__
    assert '"values": [1.5, -2.0]' in path.read_text()  # inner lists on one line
    assert json.loads(path.read_text())["result"] == result


def test_an_unknown_record_is_an_error_that_names_the_nearest(tmp_path):
    record("hopping", dict, command="", seed=0, device="cpu", folder=tmp_path)
    with pytest.raises(ValueError, match="name must be one of 'hopping', not 'hoping'"):
        recorded("hoping", folder=tmp_path)


def test_rounding_goes_all_the_way_down():
    numbers = torch.tensor([[0.123456, 1.0], [2.0, -0.98765]], dtype=torch.float64)
    assert _records.rounded(numbers, 3) == [[0.123, 1.0], [2.0, -0.988]]
    assert _records.rounded(torch.tensor([1, 2])) == [1, 2]
