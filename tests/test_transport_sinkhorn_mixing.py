"""What makes Sinkhorn fast on the CPU, each against a witness written out: mixed sweeps, starts, one measurement."""

import importlib
import math

import numpy as np
import ot
import pytest
import torch

from gantut.transport import sinkhorn_points
from gantut.transport.sinkhorn import start
from gantut.transport.sinkhorn.kernels import PointCost
from gantut.transport.sinkhorn.mixing import DEPTH, Mixing
from gantut.transport.sinkhorn.start import ROUGHLY, _error_from_nowhere, _from_exact, _sweep_plainly, _tight
from gantut.transport.sinkhorn.sweeps import State

sweeps = importlib.import_module("gantut.transport.sinkhorn.sweeps")  # the folder has the name of a function
solve = importlib.import_module("gantut.transport.sinkhorn.solve")
pytestmark = pytest.mark.filterwarnings("error")


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def squares(x, y):
    return ((x[:, None] - y) ** 2).sum(-1)


def equal(n):
    return torch.full((1, n), 1 / n, dtype=torch.float64)


def clouds(n, m, d, shift=0.5):
    return drawn(n, d), 0.7 * drawn(m, d, seed=1) + shift / math.sqrt(d)


def fresh(x, y, reg, p=2):
    return State(PointCost.centred(x[None], y[None], p), equal(len(x)), equal(len(y)), reg)


def marginal_errors(result, x, y, reg):
    cost = squares(x, y)
    plan = ((result.f[:, None] + result.g - cost) / reg).exp() / cost.numel()
    return [(plan.sum(axis) - 1 / plan.shape[1 - axis]).abs().sum().item() for axis in (0, 1)]


# ---------------------------------------------------------------------------------------------- mixing


def test_a_linear_map_with_as_many_slow_modes_as_are_mixed_is_solved_at_once():
    masses = drawn(2, 7).abs()
    basis, shift = drawn(2, 7, DEPTH, seed=1), drawn(2, 7, seed=2)
    slow = torch.tensor([[0.99, 0.9], [0.999, 0.5]], dtype=torch.float64)  # of two problems
    matrix = basis @ (slow[..., None] * torch.linalg.pinv(basis))
    fixed = torch.linalg.solve(torch.eye(7, dtype=torch.float64) - matrix, shift)
    mixing, mixed, plain = Mixing(masses), torch.zeros_like(shift), torch.zeros_like(shift)
    for _ in range(DEPTH + 2):
        mixed = mixing((matrix @ mixed[..., None])[..., 0] + shift)
        plain = (matrix @ plain[..., None])[..., 0] + shift
    assert ((plain - fixed).norm(dim=-1) > 0.5 * fixed.norm(dim=-1)).all()
    assert ((mixed - fixed).norm(dim=-1) < 1e-4 * fixed.norm(dim=-1)).all()  # squares are enlarged by a millionth


def test_points_without_mass_have_no_say_in_the_mixture():
    masses = torch.tensor([[0.5, 0.3, 0.2, 0.0]], dtype=torch.float64)
    one, other = Mixing(masses), Mixing(masses)
    for seed in range(5):
        end = drawn(1, 4, seed=seed)
        wild = end.clone()
        wild[:, 3] *= 1e6
        assert torch.equal(one(end)[:, :3], other(wild)[:, :3])


def test_where_a_sample_misjudges_the_rate_mixed_sweeps_do_not(monkeypatch):
    x, y = clouds(600, 600, 8)  # a sample of so few points in so many dimensions falls apart
    reg = 0.02 * squares(x, y).mean().item()
    mixed = sinkhorn_points(x, y, reg=reg, p=2, tol=1e-3)
    monkeypatch.setattr(sweeps, "MIXED_FROM", math.inf)
    relaxed = sinkhorn_points(x, y, reg=reg, p=2, tol=1e-3)
    assert mixed.iterations < 0.7 * relaxed.iterations
    assert max(marginal_errors(mixed, x, y, reg)) == pytest.approx(mixed.error.item(), rel=1e-6)
    assert mixed.error <= 1e-3
    plan = ot.sinkhorn(ot.unif(600), ot.unif(600), squares(x, y).numpy(), reg, stopThr=1e-6)
    assert mixed.value.item() == pytest.approx((plan * squares(x, y).numpy()).sum(), rel=1e-3)


@pytest.mark.parametrize("lost", ["nowhere", "far away"])
def test_a_mixture_that_leads_astray_costs_time_but_no_digit(lost, monkeypatch):
    calls = []

    class Misled(Mixing):
        def __call__(self, end):
            calls.append(super().__call__(end))
            return calls[-1] * (math.nan if lost == "nowhere" else -20.0)

    x, y = clouds(200, 180, 2)
    monkeypatch.setattr(sweeps, "Mixing", Misled)
    result = sinkhorn_points(x, y, reg=0.2, p=2, tol=1e-8)
    assert calls
    assert max(marginal_errors(result, x, y, 0.2)) <= 1e-8 * (1 + 1e-6)


# ---------------------------------------------------------------------------------------------- starts


@pytest.mark.parametrize("p", [1, 2])
def test_tight_potentials_are_the_largest_for_which_no_exponent_is_positive(p):
    x, y, g, unit = *clouds(40, 30, 3), drawn(1, 30, seed=3), 2.0
    found = _tight(PointCost(x[None], y[None], p), unit, g, torch.float64)
    exponents = found[0][:, None] + g[0] - unit * squares(x, y) ** (p / 2)
    torch.testing.assert_close(exponents.amax(1), torch.zeros(40, dtype=torch.float64), rtol=0, atol=1e-12)


def test_plain_sweeps_over_a_small_kernel_are_sinkhorns():
    x, y, reg = *clouds(30, 20, 2), 0.5
    few = fresh(x, y, reg)
    error = _sweep_plainly(few, 5)
    kernel, v = (-squares(x, y) / reg).exp(), torch.ones(20, dtype=torch.float64)
    for _ in range(5):
        u = 1 / (kernel @ v)
        v = 1 / (kernel.T @ u)
    u = 1 / (kernel @ v)
    plan = u[:, None] * kernel * v / 30
    assert error == pytest.approx((plan.sum(0) - 1 / 20).abs().sum().item(), rel=1e-9)
    found = (few.F[0][:, None] + few.G[0] - few.unit * squares(x, y)).exp2() / 600
    torch.testing.assert_close(found, plan, rtol=1e-10, atol=1e-16)


def test_in_many_dimensions_no_sample_is_needed_and_in_two_it_is(monkeypatch):
    for d, easy in ((64, True), (2, False)):
        x, y = clouds(600, 550, d)
        reg = 0.02 * squares(x, y).mean().item()
        assert (_error_from_nowhere(fresh(x, y, reg), reg) < ROUGHLY) is easy
    x, y = clouds(600, 550, 64)
    reg = 0.02 * squares(x, y).mean().item()
    direct = sinkhorn_points(x, y, reg=reg, p=2, tol=1e-4)
    monkeypatch.setattr(start, "_error_from_nowhere", lambda *_: 1.0)
    sampled = sinkhorn_points(x, y, reg=reg, p=2, tol=1e-4)
    assert direct.iterations <= sampled.iterations  # and there is no sample to solve
    torch.testing.assert_close(direct.value, sampled.value, rtol=1e-3, atol=0)
    assert max(marginal_errors(direct, x, y, reg)) <= 1e-4


def test_the_easier_a_problem_the_less_are_its_sweeps_relaxed():
    x, y = clouds(600, 550, 2)
    mean = squares(x, y).mean().item()
    factors = []
    for reg in (0.2 * mean, mean, 100 * mean):
        state = fresh(x, y, reg)
        start.approach(state, state.cost.span(), reg, 1e-6, 1000)
        factors.append(state.half)
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] < 1.01  # the kernel is all but a product: one sweep is the solution
    assert sinkhorn_points(x, y, reg=100 * mean, p=2, tol=1e-6).iterations <= 3


def test_between_clouds_of_equal_points_nobody_asks_for_exact_potentials(monkeypatch):
    monkeypatch.setattr(start._simplex, "solve", lambda *_: pytest.fail("a permutation has many potentials"))
    assert not _from_exact(fresh(*clouds(20, 20, 2), 1e-3), 1e-3)


# ---------------------------------------------------------------------------------------------- the measurement


@pytest.mark.parametrize("off", [0.0, 3000.0, -3000.0])
def test_what_is_measured_is_the_plan_with_exact_rows_wherever_it_starts(off):
    x, y, reg = *clouds(150, 130, 2), 0.3
    state = fresh(x, y, reg)
    state.G = 3 * drawn(1, 130, seed=4)
    state.F = state.F + off  # row sums beyond what doubles hold, unless F is right
    now = solve.measure(state)
    cost = squares(x, y)
    exponents = math.log(2) * state.G[0] - cost / reg
    plan = exponents.softmax(1) / 150
    torch.testing.assert_close(now.columns[0], plan.sum(0), rtol=1e-9, atol=1e-15)
    assert now.error.item() == pytest.approx((plan.sum(0) - 1 / 130).abs().sum().item(), rel=1e-9)
    assert now.cost.item() == pytest.approx((plan * cost).sum().item(), rel=1e-9)
    torch.testing.assert_close(state.plan[0], plan, rtol=1e-9, atol=1e-15)
    potential = math.log(130) - exponents.logsumexp(1)
    torch.testing.assert_close(now.F[0] * math.log(2), potential, rtol=1e-9, atol=1e-9)
