"""Where Sinkhorn's iterations start, and how fast they go from there: against POT, and iterations written out."""

import math

import numpy as np
import ot
import pytest
import torch

from gantut.transport import sinkhorn, sinkhorn_points
from gantut.transport.sinkhorn import start
from gantut.transport.sinkhorn.kernels import DenseCost, PointCost
from gantut.transport.sinkhorn.start import _factor_of, _from_exact, _from_sample, _sample
from gantut.transport.sinkhorn.sweeps import FASTEST, State, log2, next_look

pytestmark = pytest.mark.filterwarnings("error")


def distances(x, y, p):
    return (x[..., :, None, :] - y[..., None, :, :]).norm(dim=-1) ** p


def fresh(cost, reg, a=None, b=None):
    """A state at the start, of masses that are equal by default."""
    _, n, m = cost.shape
    one = torch.ones(cost.shape[0], 1, dtype=torch.float64, device=cost.device)
    return State(cost, one.expand(-1, n) / n if a is None else a, one.expand(-1, m) / m if b is None else b, reg)


def plan_of(state, cost, a, b):
    return a[:, None] * b * (state.F[0][:, None] + state.G[0] - state.unit * cost).exp2()


# ---------------------------------------------------------------------------------------------- a sample


def test_a_sample_has_points_in_proportion_to_their_masses(random_distributions):
    masses = random_distributions(3, 50, zeros=0.3)
    drawn = _sample(masses, 2000)
    for row, distribution in zip(drawn, masses, strict=True):
        counts = torch.bincount(row, minlength=50)
        assert (counts[distribution == 0] == 0).all()
        # equal steps through the cumulated masses: each point is met as often as it should be, give or take one
        torch.testing.assert_close(counts.double(), 2000 * distribution, rtol=0, atol=1.0)


@pytest.mark.parametrize(("d", "p"), [(2, 2), (2, 1), (20, 2)])
def test_the_potentials_of_a_sample_are_near_those_of_all_points(d, p, cloud):
    x, y = cloud(1, 700, d), cloud(1, 600, d, shift=0.5)
    reg = 0.1 * distances(x, y, p).mean().item()
    state = fresh(PointCost.centred(x, y, p), reg)
    _from_sample(state, state.cost.span(), reg, 1e-6, 1000)
    witness = sinkhorn_points(x[0], y[0], reg=reg, p=p, tol=1e-10)
    for found, right in ((state.F[0], witness.f), (state.G[0], witness.g)):
        found, right = found / state.unit, right.to(found)
        off = (found - found.mean()) - (right - right.mean())
        assert off.std() < right.std() / 2  # a sample of 140 points, roughly solved; without it they are all of it off


def test_sampled_starts_save_a_third_of_the_sweeps_and_change_no_answer(cloud, monkeypatch):
    x, y = cloud(900, 2), cloud(800, 2, shift=0.5)
    options = dict(reg=0.1, p=2, tol=1e-4)
    sampled = sinkhorn_points(x, y, **options)
    monkeypatch.setattr(start, "SMALL", math.inf)
    witness = sinkhorn_points(x, y, **options)
    assert sampled.iterations < witness.iterations * 2 / 3
    assert sampled.error <= 1e-4
    torch.testing.assert_close(sampled.value, witness.value, rtol=1e-3, atol=0)


@pytest.mark.parametrize("order", ["as drawn", "sorted", "one heavy point", "two far clusters"])
def test_a_misleading_sample_costs_time_but_no_digit(order, cloud, random_distributions):
    x, y, a, b = cloud(600, 2), cloud(600, 2, shift=0.3), random_distributions(600), random_distributions(600)
    if order == "sorted":
        x, y = x[x[:, 0].argsort()], y[y[:, 1].argsort()]
    if order == "one heavy point":  # a sample is this point nearly everywhere
        a = torch.cat([a.new_tensor([0.999]), 0.001 * a[1:] / a[1:].sum()])
    if order == "two far clusters":  # of which one has so little mass that a sample misses it
        x = torch.cat([x[:597], x[597:] + 8.0])
        a = torch.cat([a[:597] / a[:597].sum() * (1 - 1e-6), a.new_full((3,), 1e-6 / 3)])
    result = sinkhorn_points(x, y, a, b, reg=0.3, p=2, tol=1e-10)
    cost = ((x[:, None] - y) ** 2).sum(-1)
    plan = a[:, None] * b * ((result.f[:, None] + result.g - cost) / 0.3).exp()
    assert (plan.sum(0) - b).abs().sum() < 2e-10
    assert (plan.sum(1) - a).abs().sum() < 2e-10


# ---------------------------------------------------------------------------------------------- the factor


def test_the_factor_is_youngs_for_the_rate_at_which_plain_sweeps_converge(cloud):
    x, y = cloud(1, 60, 2), cloud(1, 50, 2, shift=0.5)
    reg = 0.5
    cost = distances(x, y, 2)
    kernel, b = (-cost[0] / reg).exp(), torch.full((50,), 1 / 50, dtype=torch.float64, device=x.device)
    v, errors = torch.ones_like(b), []
    for _ in range(111):  # Cuturi's loop, from far away
        u = (1 / 60) / (kernel @ v)
        columns = v * (kernel.T @ u)
        errors.append((columns - b).abs().sum().item())
        v = b / (kernel.T @ u)
    rate = (errors[110] / errors[100]) ** (1 / 10)  # by then the slowest mode is all that is left
    state = fresh(DenseCost(cost), reg)
    state.F[0], state.G[0] = (u * 60).log2(), (v * 50).log2()
    factor = _factor_of(state).item()
    assert factor == pytest.approx(2 / (1 + math.sqrt(1 - rate)), rel=1e-3)
    assert 1 < factor < FASTEST


def test_the_next_look_is_where_the_target_will_be_reached():
    halving = [0.5**done for done in range(20)]
    assert next_look(4, halving[4], (2, halving[2]), 0.9 * halving[7]) == 8
    assert next_look(4, halving[4], (2, halving[2]), halving[15]) == 9  # not so far ahead: five sweeps
    assert next_look(4, 1.0, (2, 0.5), 1e-3) == 9  # the error grows
    assert next_look(1, 1.0, (0, math.inf), 1e-3) == 2


# ---------------------------------------------------------------------------------------------- exact transport


@pytest.mark.parametrize("p", [1, 2])
def test_where_reg_is_tiny_exact_potentials_leave_little_to_do(p, cloud, random_distributions):
    for _ in range(4):
        x, y, a, b = (
            cloud(30, 2),
            cloud(40, 2, shift=0.5),
            random_distributions(30),
            random_distributions(40, zeros=0.1),
        )
        cost = distances(x, y, p)
        scale = cost.max().item()
        result = sinkhorn(a, b, cost, 1e-5 * scale, tol=1e-8)
        assert result.iterations < 1000  # it takes tens of thousands from a larger reg, if that is enough
        exact = ot.emd2(*(np.asarray(t.cpu()) for t in (a, b, cost)))
        assert result.value.item() == pytest.approx(exact, rel=1e-3)


def test_exact_potentials_are_taken_only_where_there_is_one_pair(cloud, random_distributions):
    x, y = cloud(1, 20, 2), cloud(1, 20, 2, shift=0.5)
    cost = distances(x, y, 2)
    assert not _from_exact(fresh(DenseCost(cost), 1e-4), 1e-4)  # twenty arcs between twenty pairs: many potentials
    a, b = random_distributions(1, 20), random_distributions(1, 20)
    state = fresh(DenseCost(cost), 1e-4, a, b)
    assert _from_exact(state, 1e-4)
    # feasible, f_i + g_j <= C_ij, and tight along a plan that costs as much as they earn
    slack = cost - (state.F[..., None] + state.G[:, None]) / state.unit
    assert slack.min() > -1e-9
    earned = ((state.F * a).sum() + (state.G * b).sum()) / state.unit
    assert earned.item() == pytest.approx(ot.emd2(*(np.asarray(t[0].cpu()) for t in (a, b, cost))), rel=1e-9)
    state.log_step(torch.float64)
    plan = plan_of(state, cost[0], a[0], b[0])
    assert (plan.sum(0) - b[0]).abs().sum() < 0.1
    assert torch.isfinite(state.F).all()
    assert (log2(a) <= 0).all()


def test_batches_start_each_from_their_own(cloud, random_distributions):
    x, y, a, b = cloud(3, 20, 2), cloud(3, 25, 2, shift=0.5), random_distributions(3, 20), random_distributions(3, 25)
    together = sinkhorn_points(x, y, a, b, reg=1e-3, p=2, tol=1e-9)
    for k in range(3):
        alone = sinkhorn_points(x[k], y[k], a[k], b[k], reg=1e-3, p=2, tol=1e-9)
        torch.testing.assert_close(together.value[k], alone.value, rtol=1e-6, atol=0)
