"""Critics on funnels: what is measured of them, and which pairs, kinds and budgets each record has."""

import functools

import pytest
import torch

from gantut.lessons import record, recorded
from gantut.lessons.better_critics import (
    CRITIC_CONSTRAINTS,
    PUBLISHED_COSINES,
    _funnel_table,
    critic_quality,
    funnels,
    spectral_critic,
    train_on_funnels,
)
from gantut.lessons.experiments import EXPERIMENTS


class TruePotential(torch.nn.Module):
    """The best critic there is: minus the potential, since critics score y higher, and y lies above x."""

    def __init__(self, pair, weight=1.0):
        super().__init__()
        self.pair, self.weight = pair, torch.nn.Parameter(torch.tensor(weight, dtype=torch.float64))

    def forward(self, points):
        return self.weight * self.pair.potential(points.double())[..., None]


def test_the_true_potential_has_the_merits_of_a_perfect_critic(device, monkeypatch):
    monkeypatch.setenv("GANTUT_DEVICE", device.type)
    # on 4096 points the mean descent has a standard error of a hundredth; in float32 some of x lie on their centres,
    # where the direction is lost
    pair = funnels(4, 4).to(device)
    found = critic_quality("sorting", TruePotential(pair).to(device), pair)
    assert found["cosine"].item() > 0.99
    assert found["error"].item() < 0.02
    assert found["report"].item() == pytest.approx(pair.w1, abs=0.05)


def test_a_critic_of_half_the_slope_points_the_same_way_and_reports_half(device, monkeypatch):
    monkeypatch.setenv("GANTUT_DEVICE", device.type)
    pair = funnels(4, 4).to(device)
    whole, half = (critic_quality("sorting", TruePotential(pair, weight).to(device), pair) for weight in (1.0, 0.5))
    torch.testing.assert_close(half["cosine"], whole["cosine"], rtol=1e-6, atol=0)
    torch.testing.assert_close(half["report"], whole["report"] / 2, rtol=1e-6, atol=0)
    assert half["error"].item() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("kind", CRITIC_CONSTRAINTS)
def test_every_kind_of_critic_learns_which_way_is_up(kind):
    # an untrained critic's cosine is around 0; half the steps of the small budget are enough for a direction
    pair = funnels(2, 4)
    critic = train_on_funnels(kind, pair, members=2, steps=300, batch_size=64, lr=2e-3, hidden=(32, 32))
    found = critic_quality(kind, critic, pair, points=500)
    assert (found["cosine"] > 0.2).all()
    assert (found["report"] > 0).all()
    assert ("corrected" in found) == (kind in ("WGAN-GP", "WGAN-LP")), "the penalty on lines takes off its share"


def test_spectral_normalisation_divides_by_what_a_power_iteration_finds_and_its_gradient_knows_of_it():
    critic = spectral_critic([3, 6, 1], members=2, dtype=torch.float64)
    with torch.no_grad():
        for raw in critic.parameters():
            raw.mul_(3.0)
    for layer, weight in enumerate(critic.weights):
        raw = critic.weights.parametrizations[str(layer)].original
        for one, given in zip(weight, raw, strict=True):
            v = torch.ones(given.shape[1], dtype=torch.float64)
            for _ in range(2000):
                v = torch.nn.functional.normalize(given.T @ (given @ v), dim=0)
            torch.testing.assert_close(one, given / (given @ v).norm(), rtol=1e-9, atol=0)
        (slope,) = torch.autograd.grad(weight.square().sum(), raw)
        # a longer matrix is the same critic: nothing is gained along W itself
        torch.testing.assert_close((slope * raw).sum((1, 2)), torch.zeros(2).double(), rtol=0, atol=1e-9)
    x = torch.randn(2, 50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert critic.input_gradient(x).norm(dim=-1).max() <= 1 + 1e-12


BUDGETS = {
    "funnels": ({2, 4, 16}, {4, 16, 64, 256}, 6, 600 * 256),
    "funnels-for-longer": ({2, 16, 128}, {4, 256}, 2, 4000 * 256),
    "funnels-as-published": ({16}, {256}, 2, 60_000 * 1024),
    "funnels-spectral": ({2, 4, 16}, {4, 16, 64, 256}, 1, 600 * 256),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("funnels", marks=pytest.mark.slow),
        "funnels-for-longer",
        "funnels-as-published",
        "funnels-spectral",
    ],
)
def test_each_record_has_its_pairs_and_kinds_and_the_budget_that_it_promises(name, monkeypatch, tmp_path):
    seen = set()

    @functools.wraps(train_on_funnels)
    def briefly(kind, pair, *, members, steps, batch_size, lr, hidden, seed=0):
        assert kind == "sorting" or min(hidden) >= 2 * min(pair.dimension, 64), "the paper's width"
        seen.add(steps * batch_size)
        return train_on_funnels(kind, pair, members=2, steps=1, batch_size=8, lr=lr, hidden=(8,), seed=seed)

    monkeypatch.setattr(_funnel_table, "train_on_funnels", briefly)
    monkeypatch.setattr(_funnel_table, "critic_quality", functools.partial(critic_quality, points=20))
    record(name, EXPERIMENTS[name], command="a test", seed=0, device="cpu", folder=tmp_path)
    rows = recorded(name, folder=tmp_path).result["rows"]
    dimensions, counts, kinds, samples = BUDGETS[name]
    assert {row["dimension"] for row in rows} == dimensions
    assert {row["funnels"] for row in rows} == counts
    assert len({row["kind"] for row in rows}) == kinds
    assert len({(row["dimension"], row["funnels"], row["kind"]) for row in rows}) == len(rows), "no row twice"
    assert seen == {samples}
    if name in ("funnels-for-longer", "funnels-as-published"):
        quoted = {(row["dimension"], row["funnels"]) for row in rows}
        assert quoted <= set(PUBLISHED_COSINES["WGAN-GP"]), "beside each stands what the paper found"
