"""The parts that lessons 11 to 13 measure critics with, against plain loops and closed forms."""

import math

import numpy as np
import pytest
import torch

from gantut.lessons.experiments import EXPERIMENTS
from gantut.lessons.fixed_distributions import gaussian_generator, linear_share, saturated_share, wasserstein_loss
from gantut.lessons.the_estimate import estimate_and_slope, layer_gradient_norms, log_gradient_gain
from gantut.networks import MLP


@pytest.fixture
def critics(device):
    return MLP([2, 8, 8, 1], members=3, seed=4, device=device)


def clouds(device, n=12):
    source = torch.Generator().manual_seed(0)
    return torch.randn(n, 2, generator=source).to(device), torch.randn(3, n, 2, generator=source).to(device) + 1


def test_the_slope_between_batches_is_the_steepest_of_all_pairs_and_the_report_a_difference_of_means(device, critics):
    real, fake = clouds(device)
    report, slope = estimate_and_slope(critics, real, fake)
    on_real, on_fake = critics(real).squeeze(-1).tolist(), critics(fake).squeeze(-1).tolist()
    for member in range(3):
        rises = [
            abs(on_real[member][i] - on_fake[member][j]) / math.dist(real[i].tolist(), fake[member, j].tolist())
            for i in range(12)
            for j in range(12)
        ]
        assert slope[member].item() == pytest.approx(max(rises), rel=1e-5)  # the loop sees single precision
        assert report[member].item() == pytest.approx(np.mean(on_real[member]) - np.mean(on_fake[member]), abs=1e-6)


def test_a_discriminator_reports_a_lower_bound_of_js_which_is_log_2_for_a_perfect_one(device):
    certain = MLP([1, 1], device=device)
    with torch.no_grad():
        certain.weights[0].fill_(100.0)
        certain.biases[0].zero_()
    real, fake = torch.ones(5, 1, device=device), -torch.ones(1, 5, 1, device=device)
    report, slope = estimate_and_slope(certain, real, fake, objective="minimax")
    assert report.item() == pytest.approx(math.log(2), abs=1e-9)
    assert slope.item() == pytest.approx(100.0)


def test_a_still_gaussian_has_the_mean_and_scale_that_it_is_told():
    made = gaussian_generator(2, mean=(1.0, -2.0), scale=0.5)(torch.tensor([[0.0, 0.0], [2.0, 4.0]]))
    assert made[0].tolist() == made[1].tolist() == [[1.0, -2.0], [2.0, 0.0]]


def test_layer_gradients_are_those_of_automatic_differentiation(device, critics):
    real, fake = clouds(device)[0], clouds(device)[1][0]
    norms = layer_gradient_norms(critics, real, fake)  # (members, layers)
    for member in range(3):
        hidden, h = [], torch.cat([real, fake])
        for weight, bias in zip(list(critics.weights)[:-1], list(critics.biases)[:-1], strict=True):
            h = torch.relu(h @ weight[member].detach() + bias[member].detach())
            hidden.append(h.requires_grad_() if not h.requires_grad else h)
        scores = (h @ critics.weights[-1][member].detach() + critics.biases[-1][member].detach()).squeeze(-1)
        loss = scores[12:].mean() - scores[:12].mean()
        expected = [slope.norm() for slope in torch.autograd.grad(loss, hidden)]
        torch.testing.assert_close(norms[member].float(), torch.stack(expected), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("gain", [0.01, 0.5, 1.0, 30.0])
def test_a_gradient_that_gains_a_factor_a_layer_has_that_slope(gain):
    norms = torch.tensor([[gain**3, gain**2, gain, 1.0]], dtype=torch.float64)  # from the input side to the output
    assert log_gradient_gain(norms).item() == pytest.approx(math.log10(gain), abs=1e-12)


def test_the_linear_share_is_r_squared_of_a_regression():
    rng = np.random.default_rng(0)
    x, values = rng.standard_normal((40, 2)), rng.standard_normal((3, 40))
    values[0] = 2 * x[:, 0] - x[:, 1] + 5  # a plane: all of it
    share = linear_share(torch.from_numpy(values), torch.from_numpy(x))
    design = np.column_stack([x, np.ones(40)])
    for found, y in zip(share, values, strict=True):
        residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        assert found.item() == pytest.approx(1 - residual.var() / y.var(), abs=1e-9)
    assert share[0].item() == pytest.approx(1.0, abs=1e-9)


def test_the_saturated_share_counts_weights_at_either_bound_and_no_biases():
    critic = MLP([2, 2, 1], members=2)
    with torch.no_grad():
        critic.weights[0].copy_(torch.tensor([[[0.1, -0.1], [0.05, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]))
        critic.weights[1].copy_(torch.tensor([[[0.0995], [0.098]], [[0.0], [-0.1]]]))
        critic.biases[0].fill_(0.1)
    assert saturated_share(critic, 0.1).tolist() == [3 / 6, 1 / 6]


def test_the_wasserstein_loss_is_minus_what_the_critic_reports(device, critics):
    real, fake = clouds(device)
    report, _ = estimate_and_slope(critics, real, fake)
    loss = wasserstein_loss(critics, real.expand(3, -1, -1), fake)
    torch.testing.assert_close(-loss.double(), report, rtol=0, atol=1e-6)


# ---------------------------------------------------------------------------------------------------------- records


@pytest.mark.parametrize(
    ("name", "rows", "measured", "sizes"),
    [
        ("clip-depth", 6, "slope", {"steps": 20}),
        ("clip-sweep", 6, "w1", {"steps": 5, "points": 10}),
        ("critic-and-distance", 3, "w1", {"steps": 20, "points": 10}),
        ("critic-optimizers", 4, "level", {"steps": 40, "points": 10}),
        pytest.param("penalty-weights", 8, "median w1", {"steps": 50}, marks=pytest.mark.slow),
        ("critic-steps-wgan-gp", 4, "w1", {"steps": 2}),
    ],
)
def test_every_experiment_has_a_row_for_each_setting_with_a_number_for_each_member(
    name, rows, measured, sizes, monkeypatch
):
    monkeypatch.setenv("GANTUT_DEVICE", "cpu")
    result = EXPERIMENTS[name](members=2, **sizes)
    table = result.get("games") or result["critics"]
    assert len(table) == rows
    settings = [{key: value for key, value in row.items() if not isinstance(value, list)} for row in table]
    assert all(one != other for i, one in enumerate(settings) for other in settings[:i]), "no row twice"
    assert all(len(row[measured]) == 2 for row in table)


@pytest.mark.slow
def test_the_games_of_the_scrubber_are_recorded_step_by_step(monkeypatch):
    monkeypatch.setenv("GANTUT_DEVICE", "cpu")
    result = EXPERIMENTS["training-scrubber"](members=3, steps=25)
    games = [(game["objective"], game["n_critic"]) for game in result["games"]]
    assert games == [("non-saturating", 1), ("wgan", 5), ("wgan-gp", 5)]
    assert result["steps"] == list(range(26))
    for game in result["games"]:
        assert sorted(shown["member"] for shown in game["shown"]) == [0, 1, 2]
        assert len(game["w1"]) == 26
