"""Do we need a critic? The data of the lesson, its trainings and its figures; and its numbers, by plain loops."""

import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.stats import norm

from gantut import plots
from gantut.data import ring
from gantut.device import random_source
from gantut.lessons.without_a_critic import METHODS, RingInSpace, split_digits, train_method, without_a_critic
from gantut.lessons.without_a_critic.plots import plot_pairs, plot_trails
from gantut.metrics import exact_w1
from gantut.networks import MLP

# ---- Data -------------------------------------------------------------------------------------------------------


def test_the_ring_in_space_is_the_ring_and_independent_noise():
    samples = RingInSpace(8).sample(20_000, generator=random_source(0))
    distances = torch.cdist(samples[:, :2].double(), ring().means)
    assert distances.amin(-1).max() < 1  # from the nearest mode
    assert torch.bincount(distances.argmin(-1)).min() > 20_000 / 8 * 0.9  # six standard errors
    covariance = torch.cov(samples.T)
    torch.testing.assert_close(covariance[2:, 2:], 0.25 * torch.eye(6), rtol=0, atol=0.01)  # four standard errors
    torch.testing.assert_close(covariance[:2, 2:], torch.zeros(2, 6), rtol=0, atol=0.03)


def test_in_the_plane_it_is_the_ring():
    here, there = (of.sample(5, generator=random_source(3)) for of in (RingInSpace(2), ring(dtype=torch.float32)))
    assert here.shape == there.shape
    assert here.dtype == there.dtype == torch.float32


def test_digits_to_judge_by_are_none_to_train_on_but_for_twins():
    training, held_out = split_digits()
    assert (len(training), len(held_out)) == (1297, 500)
    assert (torch.cdist(held_out, training).amin(-1) < 1e-6).float().mean() < 0.01


def test_a_ring_in_less_than_a_plane_is_refused():
    with pytest.raises(ValueError, match="d must be a whole number of at least 2, not 1"):
        RingInSpace(1)


# ---- Trainings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_two_members_on_its_own_draws(name):
    trained = train_method(name, RingInSpace(3), members=2, steps=2, looks=2, points=7)
    assert trained.samples.shape == (2, 2, 7, 3)
    assert torch.isfinite(trained.samples).all()
    assert not torch.equal(trained.samples[-1, 0], trained.samples[-1, 1])
    assert (trained.critic is not None) == (name in ("WGAN-GP", "pairs, R1 and R2"))


def test_a_training_on_imle_is_a_plain_loop():
    """The nearest sample of each data point, by brute force, from the same first network and the same draws."""
    trained = train_method("IMLE", ring(), members=2, steps=3)
    first = train_method("IMLE", ring(), members=2, steps=1).network
    network, source = MLP([32, 64, 64, 2], members=2), random_source(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for step in range(3):
        noise = torch.randn(2, 64, 32, generator=source)
        data = ring().sample((2, 64), generator=source).float()
        made = network(noise)
        loss = sum(min((x - y).square().sum() for x in xs) for xs, ys in zip(made, data, strict=True) for y in ys) / 64
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step == 0:
            torch.testing.assert_close(network(noise), first(noise), rtol=0, atol=1e-5)
    torch.testing.assert_close(network(noise), trained.network(noise), rtol=0, atol=1e-4)  # Adam divides by roots


def test_no_other_method_is_known():
    with pytest.raises(ValueError, match="did you mean 'WGAN-GP'"):
        train_method("WGAN-CP", ring(), members=1, steps=1)


@pytest.mark.slow
def test_the_study_judges_every_method_on_all_data():
    found = without_a_critic(members=2, seconds=0.05)
    assert len(found["rows"]) == 4 * len(METHODS)
    assert [control["data"] for control in found["controls"]] == [*(f"ring, d = {d}" for d in (2, 8, 32)), "digits"]
    for row in found["rows"]:
        assert len(row["w1_end"]) == len(row["spread"]) == 2
        assert row["w1"][-1] == row["w1_end"]
        assert ("w1_of_steps" in row) == row["method"].startswith("flow")


# ---- What the text says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "expected"), [(2, 1 / math.pi), (3, 3 / (2 * math.pi))])
def test_batches_on_the_line_rest_at_the_spread_of_the_text(m, expected):
    """The mean over batches of (W2² - s² - 1) / (-2s), with the best of all permutations, no sorting."""
    u, y = torch.randn(2, 20_000, m, dtype=torch.float64, generator=random_source(m))
    products = [(u * y[:, list(order)]).mean(-1) for order in itertools.permutations(range(m))]
    assert torch.stack(products).amax(0).mean().item() == pytest.approx(expected, abs=0.02)  # four standard errors


def test_the_answer_on_batches_of_two_in_the_plane():
    u, y = torch.randn(2, 100_000, 2, 2, dtype=torch.float64, generator=random_source(0))
    swapped = torch.maximum((u * y).sum((-1, -2)), (u * y.flip(1)).sum((-1, -2)))
    assert swapped.mean().item() / 4 == pytest.approx(0.25, abs=0.01)  # more than four standard errors


@pytest.mark.parametrize("m", [2, 10])
def test_the_answer_on_the_energy_distance_is_the_slope_of_its_expectation(m):
    """By quadrature of E|z|, and a difference in s."""
    z = np.linspace(-12, 12, 100_001)
    length = np.trapezoid(np.abs(z) * norm.pdf(z), z)

    def expected(s):
        return length * (math.hypot(s, 1) - (1 - 1 / m) * s * math.sqrt(2) / 2 - (1 - 1 / m) * math.sqrt(2) / 2)

    slope = (expected(1 + 1e-5) - expected(1 - 1e-5)) / 2e-5
    assert slope == pytest.approx(1 / (m * math.sqrt(math.pi)), rel=1e-6)


def test_narrow_samples_are_closer_than_a_second_draw_only_in_many_dimensions():
    for d, sign in ((2, 1), (32, -1)):
        narrow, right, data = torch.randn(3, 200, d, dtype=torch.float64, generator=random_source(1))
        assert sign * (exact_w1(narrow / 2, data) - exact_w1(right, data)) > 0


# ---- Figures ----------------------------------------------------------------------------------------------------


def test_pairs_are_joined_by_straight_lines():
    ax = plots.axes()
    plot_pairs(ax, torch.zeros(3, 2), torch.ones(3, 2), title="three")
    lines = [line.get_xydata() for line in ax.lines]
    assert sum(len(line) == 2 and np.array_equal(line, [[0, 0], [1, 1]]) for line in lines) == 3
    assert ax.get_title("left") == "three"
    plt.close("all")


def test_trails_run_from_noise_to_where_they_end():
    ax = plots.axes()
    trails = torch.arange(24.0).reshape(4, 3, 2)
    plot_trails(ax, trails, title="paths")
    *paths, starts, ends = [line.get_xydata() for line in ax.lines]
    assert len(paths) == 3
    np.testing.assert_array_equal(paths[1], trails[:, 1])
    np.testing.assert_array_equal(starts, trails[0])
    np.testing.assert_array_equal(ends, trails[-1])
    plt.close("all")
