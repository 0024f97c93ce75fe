"""Entropic transport, each statement against a witness that shares no code: POT, closed forms, Cuturi's own loop."""

import math
import subprocess
import sys
import warnings

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gantut.transport import ConvergenceWarning, sinkhorn, sinkhorn_divergence, sinkhorn_points
from gantut.transport.sinkhorn import problem, solve
from gantut.transport.sinkhorn.kernels import BUDGET, PointCost, tiles

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.usefixtures("one_thread")]

EXACT = dict(tol=1e-12, max_iter=100_000)
EXPONENTS = (1, 1.5, 2, 3)


def distances(x, y, p):
    return (x[..., :, None, :] - y[..., None, :, :]).norm(dim=-1) ** p


def uniform(n, like):
    return torch.full((n,), 1 / n, dtype=like.dtype, device=like.device)


def array(tensor):
    return tensor.detach().cpu().double().numpy()


def objective(plan, cost, a, b, reg):
    """The regularised objective of any plan, from its definition."""
    ratio = torch.where(plan > 0, plan / (a[:, None] * b / a.sum()), 1.0)
    return ((plan * cost).sum() + reg * torch.special.xlogy(plan, ratio).sum()).item()


def dual(result, a, b):
    return ((result.f * a).sum(-1) + (result.g * b).sum(-1)).item()


def textbook(a, b, cost, reg, sweeps=20_000):
    """Sinkhorn's fixed point as Cuturi wrote it, u = a / Kv and v = b / K'u, in extended precision."""
    a, b, cost = (np.asarray(array(each), dtype=np.longdouble) for each in (a, b, cost))
    kernel, v = np.exp(-cost / np.longdouble(reg)), np.ones(len(b), dtype=np.longdouble)
    for _ in range(sweeps):
        u = a / (kernel @ v)
        v = b / (kernel.T @ u)
    return u[:, None] * kernel * v


# ---------------------------------------------------------------------------------------------- plans and values


@pytest.mark.parametrize("reg", [0.2, 1.0, 10.0])
def test_the_plan_is_the_one_that_cuturis_loop_finds(reg, cloud, random_distributions, device):
    a, b, cost = random_distributions(5), random_distributions(7), cloud(5, 7).abs()
    result = sinkhorn(a, b, cost, reg, **EXACT)
    witness = textbook(a, b, cost, reg)
    np.testing.assert_allclose(array(result.plan), witness.astype(float), rtol=1e-9, atol=1e-13)
    assert result.value.item() == pytest.approx(float((witness * array(cost)).sum()), rel=1e-11)
    assert result.plan.device.type == device.type


@pytest.mark.parametrize(("reg", "method"), [(1.0, "sinkhorn"), (0.1, "sinkhorn_log"), (0.02, "sinkhorn_stabilized")])
def test_plan_and_value_are_those_of_pot(reg, method, cloud, random_distributions):
    a, b, cost = random_distributions(40), random_distributions(30), distances(cloud(40, 2), cloud(30, 2, shift=0.3), 2)
    result = sinkhorn(a, b, cost, reg, tol=1e-11)
    options = dict(method=method, numItermax=100_000, stopThr=1e-11)
    witness = ot.sinkhorn(array(a), array(b), array(cost), reg, **options)
    np.testing.assert_allclose(array(result.plan), witness, rtol=0, atol=1e-9)
    assert result.value.item() == pytest.approx(
        float(ot.sinkhorn2(array(a), array(b), array(cost), reg, **options)), rel=1e-8
    )


@pytest.mark.parametrize("mass", [1.0, 1e-9, 250.0])
def test_the_plan_has_the_form_that_potentials_give_it_and_the_marginals_that_error_says(
    mass, cloud, random_distributions
):
    a, b, cost, reg = (
        mass * random_distributions(20),
        mass * random_distributions(30),
        distances(cloud(20, 3), cloud(30, 3), 1),
        0.05,
    )
    result = sinkhorn(a, b, cost, reg, tol=1e-4)
    form = a[:, None] * b / mass * ((result.f[:, None] + result.g - cost) / reg).exp()
    torch.testing.assert_close(result.plan, form, rtol=1e-10, atol=1e-14 * mass)
    errors = [(result.plan.sum(1) - a).abs().sum().item() / mass, (result.plan.sum(0) - b).abs().sum().item() / mass]
    assert result.error.item() == pytest.approx(max(errors), rel=1e-6, abs=1e-12)
    assert result.error.item() <= 1e-4
    assert (result.f * a).sum().item() == pytest.approx((result.g * b).sum().item(), rel=1e-9)


def test_answers_are_in_mass_times_cost(cloud, random_distributions):
    a, b, cost = random_distributions(20), random_distributions(30), distances(cloud(20, 2), cloud(30, 2), 1)
    one, many = sinkhorn(a, b, cost, 0.1, **EXACT), sinkhorn(7 * a, 7 * b, cost, 0.1, **EXACT)
    for field, factor in dict(value=7, plan=7, f=1, g=1).items():
        torch.testing.assert_close(getattr(many, field), factor * getattr(one, field), rtol=1e-9, atol=1e-11)
    scaled = sinkhorn(a, b, 1000 * cost, 100, **EXACT)
    torch.testing.assert_close(scaled.value, 1000 * one.value, rtol=1e-9, atol=0)
    torch.testing.assert_close(scaled.plan, one.plan, rtol=1e-8, atol=1e-13)


def gaussian_grid(mean, spread, device):
    """A Gaussian on a grid: sums over it are the trapezoid rule, which converges faster than any power."""
    x = torch.linspace(-12, 12, 241, dtype=torch.float64, device=device)
    density = torch.exp(-((x - mean) ** 2) / (2 * spread**2))
    return x[:, None], density / density.sum()


def gaussian_optimum(a, s, b, t, reg):
    """Janati, Muzellec, Peyré and Cuturi (2020), theorem 1 in dimension 1, with reg = 2 sigma^2."""
    half = reg / 2
    root = math.sqrt(4 * s**2 * t**2 + half**2)
    return (a - b) ** 2 + s**2 + t**2 - root + half * (1 - math.log(2 * half)) + half * math.log(root + half)


@pytest.mark.parametrize("reg", [0.3, 2.0, 20.0])
def test_gaussians_have_the_closed_form_of_janati_et_al(reg, device):
    (x, a), (y, b) = gaussian_grid(-0.5, 1.2, device), gaussian_grid(1.0, 0.7, device)
    result = sinkhorn_points(x, y, a, b, reg=reg, p=2, **EXACT)
    expected = gaussian_optimum(-0.5, 1.2, 1.0, 0.7, reg)
    assert dual(result, a, b) == pytest.approx(expected, rel=1e-9)
    half = reg / 2
    crossed = (math.sqrt(4 * 1.2**2 * 0.7**2 + half**2) - half) / 2  # covariance of the optimal coupling
    assert result.value.item() == pytest.approx(1.5**2 + 1.2**2 + 0.7**2 - 2 * crossed, rel=1e-9)
    debiased = expected - sum(gaussian_optimum(m, s, m, s, reg) for m, s in ((-0.5, 1.2), (1.0, 0.7))) / 2
    assert sinkhorn_divergence(x, y, a, b, reg=reg, p=2, **EXACT).item() == pytest.approx(debiased, rel=1e-9)


@pytest.mark.parametrize("p", [1, 2])
def test_small_reg_gives_exact_transport(p, cloud, random_distributions):
    x, y, a, b = cloud(30, 2), cloud(40, 2, shift=0.5), random_distributions(30), random_distributions(40)
    cost = distances(x, y, p)
    exact = ot.emd2(array(a), array(b), array(cost))
    scale = cost.max().item()
    for relative in (1e-3, 1e-4, 1e-5):
        result = sinkhorn(a, b, cost, relative * scale, tol=1e-7, max_iter=30_000)
        # the entropy of a plan, relative to the product, is at most log n
        assert -1e-6 * scale < result.value.item() - exact < relative * scale * math.log(30) + 1e-6 * scale
        assert torch.isfinite(result.f).all()
    points = sinkhorn_points(x, y, a, b, reg=1e-5 * scale, p=p, tol=1e-7, max_iter=30_000)
    assert points.value.item() == pytest.approx(exact, rel=1e-4)


def test_large_reg_gives_the_product(cloud, random_distributions):
    a, b, cost = random_distributions(6), random_distributions(9), cloud(6, 9).abs()
    result = sinkhorn(a, b, cost, 1e6)
    torch.testing.assert_close(result.plan, a[:, None] * b, rtol=1e-4, atol=0)
    assert result.value.item() == pytest.approx((a @ cost @ b).item(), rel=1e-5)
    points = sinkhorn_points([[0.0], [1.0]], [[0.0], [3.0]], reg=1e9, p=1)
    assert points.value.item() == pytest.approx(1.5, rel=1e-6)


@pytest.mark.parametrize("reg", [1e3, 1e6, 1e9])
def test_the_larger_reg_the_more_of_its_digits_the_certificate_gives_up(reg):
    # the optimum is within 1 / reg of the product's cost, 1/2; the potentials' roundings are in units of reg
    result = sinkhorn([0.5, 0.5], [0.25, 0.75], [[0.0, 1.0], [1.0, 0.0]], reg)
    half = torch.tensor([0.5, 0.5]).double(), torch.tensor([0.25, 0.75]).double()
    dual = (half[0] * result.f).sum() + (half[1] * result.g).sum()
    assert result.gap.item() >= 2.0**-51 * reg
    assert abs(result.value.item() - 0.5) <= 1 / reg + result.gap.item()
    assert abs(dual.item() - 0.5) <= 1 / reg + result.gap.item()


def test_one_point_against_many_leaves_no_choice(cloud):
    x, y = cloud(1, 3), cloud(17, 3)
    for p in EXPONENTS:
        result = sinkhorn_points(x, y, reg=0.01, p=p)
        assert result.value.item() == pytest.approx(distances(x, y, p).mean().item(), rel=1e-9)
        assert sinkhorn_points(y, x, reg=0.01, p=p).value.item() == pytest.approx(result.value.item(), rel=1e-9)
    alone = sinkhorn([2.0], [2.0], [[3.0]], 0.1)
    assert alone.value.item() == pytest.approx(6.0)
    assert alone.error.item() < 1e-12
    assert alone.gap.item() < 1e-12


def test_a_translation_moves_the_value_as_it_should(cloud):
    x, y = cloud(40, 2), cloud(50, 2, spread=0.5)
    here = sinkhorn_points(x, y, reg=0.2, p=2, **EXACT)
    away = y.new_tensor([3.0, -4.0])
    there = sinkhorn_points(x, y + away, reg=0.2, p=2, **EXACT)
    expected = here.value + 25 + 2 * (away * (y.mean(0) - x.mean(0))).sum()  # the plan is the same
    torch.testing.assert_close(there.value, expected, rtol=1e-10, atol=0)
    for p in (1, 2):
        both = sinkhorn_points(x + 1e4, y + 1e4, reg=0.2, p=p, **EXACT)
        same = sinkhorn_points(x, y, reg=0.2, p=p, **EXACT)
        torch.testing.assert_close(both.value, same.value, rtol=1e-7, atol=0)


def test_constants_and_terms_of_one_side_in_the_cost_move_only_potentials(cloud, random_distributions):
    a, b, cost = random_distributions(8), random_distributions(9), cloud(8, 9)
    u, v = cloud(8, spread=5), cloud(9, spread=5)
    plain, moved = (sinkhorn(a, b, each, 0.3, **EXACT) for each in (cost, cost + u[:, None] + v))
    torch.testing.assert_close(moved.plan, plain.plan, rtol=1e-8, atol=1e-13)
    shift = (moved.f - plain.f - u).mean()
    torch.testing.assert_close(moved.f - u - shift, plain.f, rtol=0, atol=1e-9)
    torch.testing.assert_close(moved.g - v + shift, plain.g, rtol=0, atol=1e-9)


def test_both_sides_are_treated_alike(cloud, random_distributions):
    a, b, cost = random_distributions(8), random_distributions(12), cloud(8, 12)
    one, other = sinkhorn(a, b, cost, 0.2, **EXACT), sinkhorn(b, a, cost.T, 0.2, **EXACT)
    torch.testing.assert_close(other.plan.T, one.plan, rtol=1e-8, atol=1e-13)
    torch.testing.assert_close(other.g, one.f, rtol=0, atol=1e-9)


# ---------------------------------------------------------------------------------------------- the certificate


@pytest.mark.parametrize("p", [1, 2])
def test_the_gap_bounds_the_optimum_and_goes_to_zero(p, cloud, random_distributions):
    x, y, a, b, reg = cloud(30, 2), cloud(40, 2, shift=0.5), random_distributions(30), random_distributions(40), 0.05
    cost = distances(x, y, p)
    best = sinkhorn(a, b, cost, reg, **EXACT)
    optimum = objective(best.plan, cost, a, b, reg)
    assert dual(best, a, b) == pytest.approx(optimum, rel=1e-10)
    gaps = []
    for sweeps in (1, 3, 10, 30, 100, 300):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            results = [
                sinkhorn(a, b, cost, reg, tol=1e-10, max_iter=sweeps),
                sinkhorn_points(x, y, a, b, reg=reg, p=p, tol=1e-10, max_iter=sweeps),
            ]
        for result in results:
            lower = dual(result, a, b)
            assert lower <= optimum + 1e-12
            assert optimum <= lower + result.gap.item() + 1e-12
        gaps.append(results[0].gap.item())
    assert gaps[0] > 1e-3
    assert gaps[-1] < 1e-8


def test_the_gap_is_that_of_a_plan_with_exact_marginals(cloud, random_distributions):
    a, b, cost, reg = random_distributions(10), random_distributions(15), cloud(10, 15).abs(), 0.1
    result = sinkhorn(a, b, cost, reg, tol=1e-2)
    # Altschuler et al. (2017): cut the columns' excess, then add a product of what is missing
    cut = result.plan * (b / result.plan.sum(0)).clamp_max(1)
    rows, columns = a - cut.sum(1), b - cut.sum(0)
    rounded = cut + rows.clamp_min(0)[:, None] * columns.clamp_min(0) / columns.clamp_min(0).sum().clamp_min(1e-300)
    primal = objective(rounded, cost, a, b, reg)
    assert -1e-12 < primal - dual(result, a, b) <= result.gap.item() + 1e-12


def test_no_convergence_is_reported_and_warned_of(cloud):
    x, y = cloud(50, 2), cloud(60, 2, shift=1.0)
    with pytest.warns(
        ConvergenceWarning, match=r"sinkhorn_points did not converge: after max_iter=3 sweeps .* tol=1e-06"
    ):
        result = sinkhorn_points(x, y, reg=0.01, p=2, max_iter=3)
    assert result.iterations == 3
    assert result.error.item() > 1e-6
    plan = ((result.f[:, None] + result.g - distances(x, y, 2)) / 0.01).exp() / 3000
    truth = max((plan.sum(1) - 1 / 50).abs().sum().item(), (plan.sum(0) - 1 / 60).abs().sum().item())
    assert result.error.item() == pytest.approx(truth, rel=1e-6)
    with pytest.warns(ConvergenceWarning, match="sinkhorn_divergence"):
        sinkhorn_divergence(x, y, reg=0.01, p=2, max_iter=2)
    with pytest.warns(ConvergenceWarning, match="sinkhorn did not"):
        sinkhorn(uniform(50, x), uniform(60, x), distances(x, y, 2), 0.01, max_iter=1)


def test_groups_of_points_that_hardly_exchange_mass_are_no_obstacle(cloud):
    # 30,000 plain iterations leave an error of 1e-6 to 1e-4 here: the masses of the two groups differ a little
    x = torch.cat([cloud(30, 2, spread=0.3), cloud(31, 2, shift=5.0, spread=0.3)])
    y = torch.cat([cloud(31, 2, spread=0.3), cloud(30, 2, shift=5.0, spread=0.3)])
    result = sinkhorn_points(x, y, reg=1.5, p=2, tol=1e-9, max_iter=2000)
    assert result.error.item() <= 1e-9
    assert result.gap.item() < 1e-7


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("relative", [1e-3, 1e-4, 1e-5])
def test_tiny_reg_converges_without_overflow(p, relative, cloud):
    x, y = cloud(150, 2), cloud(130, 2, shift=0.5)
    reg = relative * distances(x, y, p).max().item()
    result = sinkhorn_points(x, y, reg=reg, p=p, tol=1e-3, max_iter=20_000)
    assert result.error.item() <= 1e-3
    witness = ((result.f[:, None] + result.g - distances(x, y, p)) / reg).exp() / (150 * 130)
    assert (witness.sum(0) - 1 / 130).abs().sum().item() == pytest.approx(result.error.item(), abs=1e-6)
    exact = ot.emd2([], [], array(distances(x, y, p)))
    assert dual(result, uniform(150, x), uniform(130, x)) <= exact + reg * math.log(150) + 1e-9


# ---------------------------------------------------------------------------------------------- points without a matrix


@pytest.mark.parametrize("p", EXPONENTS)
@pytest.mark.parametrize("d", [1, 2, 7])
def test_points_give_what_their_matrix_gives(p, d, cloud, random_distributions):
    x, y, a, b = (
        cloud(60, d),
        cloud(50, d, shift=0.4),
        random_distributions(60, zeros=0.1),
        random_distributions(50, zeros=0.1),
    )
    points = sinkhorn_points(x, y, a, b, reg=0.3, p=p, **EXACT)
    dense = sinkhorn(a, b, distances(x, y, p), 0.3, **EXACT)
    assert points.plan is None
    for field in ("value", "f", "g"):
        torch.testing.assert_close(getattr(points, field), getattr(dense, field), rtol=1e-8, atol=1e-8)


def test_the_default_cost_is_the_distance_and_default_masses_are_equal(cloud):
    x, y = cloud(20, 2), cloud(30, 2)
    given = sinkhorn_points(x, y, uniform(20, x), uniform(30, x), reg=0.2, p=1)
    torch.testing.assert_close(sinkhorn_points(x, y, reg=0.2).value, given.value, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("d", [2, 30])
def test_distances_of_points_close_together_do_not_cancel(dtype, d, cloud):
    x = cloud(40, d, shift=3.0)
    y = torch.cat([x[:20], x[20:30] + 1e-6, cloud(10, d)])
    cost = PointCost(x[None], y[None], 1)
    squares, out = cost.squared_distances(1.0, dtype), torch.empty(1, 40, 40, dtype=dtype, device=x.device)
    found = squares(slice(0, 40), out).double().sqrt()
    # differences of float32 numbers of size 3 are themselves no better than 3e-7
    torch.testing.assert_close(found[0], distances(x, y, 1), rtol=1e-5, atol=1e-12 if dtype == torch.float64 else 2e-5)
    assert (found[0].diagonal()[:20] == 0).all()


def test_streamed_kernels_give_what_kept_ones_give(cloud, monkeypatch):
    x, y = cloud(600, 2), cloud(500, 2, shift=0.3)
    kept = [sinkhorn_points(x, y, reg=0.1, p=p, tol=1e-8) for p in (1, 2)]
    monkeypatch.setitem(PointCost.__init__.__globals__["TILE"], x.device.type, 5000)
    monkeypatch.setitem(BUDGET, x.device.type, 0)
    assert len(tiles((1, 600, 500), x.device)) == 60
    for p, witness in zip((1, 2), kept, strict=True):
        streamed = sinkhorn_points(x, y, reg=0.1, p=p, tol=1e-8)
        torch.testing.assert_close(streamed.value, witness.value, rtol=1e-6, atol=0)


@pytest.mark.parametrize("p", [1, 2])
def test_sweeps_in_single_precision_lead_to_the_same_answer(p, cloud, monkeypatch):
    x, y, reg = cloud(600, 3), cloud(700, 3, shift=0.3), 0.1
    result = sinkhorn_points(x, y, reg=reg, p=p, tol=1e-11)
    plan = ((result.f[:, None] + result.g - distances(x, y, p)) / reg).exp() / (600 * 700)
    assert (plan.sum(0) - 1 / 700).abs().sum().item() < 2e-11
    assert (plan.sum(1) - 1 / 600).abs().sum().item() < 2e-11
    assert result.value.item() == pytest.approx((plan * distances(x, y, p)).sum().item(), rel=1e-10)
    monkeypatch.setattr(solve, "SINGLE", 0.0)
    witness = sinkhorn_points(x, y, reg=reg, p=p, tol=1e-11)
    torch.testing.assert_close(result.value, witness.value, rtol=1e-9, atol=0)
    assert result.iterations < 2 * witness.iterations


@pytest.mark.slow
def test_memory_does_not_grow_with_the_matrix():
    n = 20_000
    code = f"""
import resource, torch, warnings
from gantut.transport import sinkhorn_points
torch.set_num_threads(1)
warnings.simplefilter("ignore")
x = torch.randn({n}, 2, generator=torch.Generator().manual_seed(0))
sinkhorn_points(x[:50], x[50:100], reg=1.0, p=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sinkhorn_points(x, x + 0.5, reg=1.0, p=2, max_iter=1)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 60 * 2**20  # the matrix in float32 takes 1526 MiB


# ---------------------------------------------------------------------------------------------- shapes and types


def test_a_batch_is_a_loop_over_its_problems(cloud, random_distributions):
    x, y, a, b = cloud(3, 4, 20, 2), cloud(3, 4, 25, 2), random_distributions(3, 4, 20), random_distributions(3, 4, 25)
    points = sinkhorn_points(x, y, a, b, reg=0.2, p=2, **EXACT)
    dense = sinkhorn(a, b, distances(x, y, 2), 0.2, **EXACT)
    divergences = sinkhorn_divergence(x, y, a, b, reg=0.2, p=2, **EXACT)
    assert points.value.shape == points.gap.shape == points.error.shape == divergences.shape == (3, 4)
    assert dense.plan.shape == (3, 4, 20, 25)
    assert points.f.shape == (3, 4, 20)
    for index in np.ndindex(3, 4):
        alone = sinkhorn_points(x[index], y[index], a[index], b[index], reg=0.2, p=2, **EXACT)
        for result in (points, dense):
            torch.testing.assert_close(result.value[index], alone.value, rtol=1e-9, atol=0)
            torch.testing.assert_close(result.g[index], alone.g, rtol=1e-7, atol=1e-7)
        one = sinkhorn_divergence(x[index], y[index], a[index], b[index], reg=0.2, p=2, **EXACT)
        torch.testing.assert_close(divergences[index], one, rtol=1e-8, atol=1e-12)


def test_leading_dimensions_broadcast(cloud, random_distributions):
    a, b, cost = random_distributions(6), random_distributions(5, 7), cloud(2, 1, 6, 7).abs()
    result = sinkhorn(a, b, cost, 0.3, **EXACT)
    assert result.plan.shape == (2, 5, 6, 7)
    alone = sinkhorn(a, b[3], cost[1, 0], 0.3, **EXACT)
    torch.testing.assert_close(result.plan[1, 3], alone.plan, rtol=1e-8, atol=1e-13)
    points = sinkhorn_points(cloud(4, 1, 6, 2), cloud(3, 7, 2), a, reg=0.3)
    assert points.value.shape == (4, 3)


def test_a_batch_larger_than_a_group_is_solved_whole(cloud, monkeypatch):
    x, y = cloud(7, 20, 2), cloud(7, 30, 2)
    whole = sinkhorn_points(x, y, reg=0.3, p=2, **EXACT)
    monkeypatch.setattr(problem, "GROUP", 1200)
    parts = sinkhorn_points(x, y, reg=0.3, p=2, **EXACT)
    torch.testing.assert_close(parts.value, whole.value, rtol=1e-10, atol=0)
    groups = [slice(start, start + 2) for start in range(0, 7, 2)]  # of 2 * 20 * 30 = 1200 entries
    assert parts.iterations == max(sinkhorn_points(x[two], y[two], reg=0.3, p=2, **EXACT).iterations for two in groups)


@pytest.mark.parametrize("p", [1, 2])
def test_single_precision_is_right_and_kept(p, cloud):
    x, y = cloud(50, 2, shift=10.0, dtype=torch.float32), cloud(60, 2, shift=10.5, dtype=torch.float32)
    for reg in (1.0, 0.01, 0.001):
        result = sinkhorn_points(x, y, reg=reg, p=p)
        witness = sinkhorn_points(x.double(), y.double(), reg=reg, p=p)
        assert {field.dtype for field in result if isinstance(field, torch.Tensor)} == {torch.float32}
        assert result.value.item() == pytest.approx(witness.value.item(), rel=2e-6)
    a, b = uniform(50, x), uniform(60, x)
    dense = sinkhorn(a, b, distances(x, y, p), 0.1)
    assert dense.plan.dtype == torch.float32
    torch.testing.assert_close(dense.plan.sum(1), a, rtol=1e-4, atol=0)
    assert sinkhorn_divergence(x, y, reg=0.1, p=p).dtype == torch.float32


def test_lists_and_arrays_are_accepted_and_inputs_left_alone(cloud, random_distributions):
    result = sinkhorn([0.5, 0.5], np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]), 0.5)
    assert result.value.item() == pytest.approx(1 / (1 + math.e**2), rel=1e-6)
    x, y, a = cloud(9, 2), cloud(8, 2), random_distributions(9)
    before = [each.clone() for each in (x, y, a)]
    sinkhorn_divergence(x, y, a, reg=0.1)
    assert all(torch.equal(*pair) for pair in zip((x, y, a), before, strict=True))


def test_entries_without_mass_get_nothing_and_a_finite_potential(cloud):
    a, b = (
        torch.tensor(distribution, dtype=torch.float64, device=cloud(1).device)
        for distribution in ([0.5, 0, 0.5], [0, 0.3, 0.7, 0])
    )
    cost = cloud(3, 4).abs()
    result = sinkhorn(a, b, cost, 0.1, **EXACT)
    assert (result.plan[1] == 0).all()
    assert (result.plan[:, [0, 3]] == 0).all()
    fewer = sinkhorn(a[[0, 2]], b[1:3], cost[[0, 2]][:, 1:3], 0.1, **EXACT)
    torch.testing.assert_close(result.plan[[0, 2]][:, 1:3], fewer.plan, rtol=1e-9, atol=1e-14)
    soft = -0.1 * torch.logsumexp((result.f[:, None] - cost) / 0.1 + a.log()[:, None], 0)  # the soft c-transform
    torch.testing.assert_close(result.g, soft, rtol=0, atol=1e-10)
    assert torch.isfinite(result.f).all()


# ---------------------------------------------------------------------------------------------- the divergence


@settings(max_examples=40)
@given(
    st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 1.5, 2]), st.floats(0.02, 50)
)
def test_the_divergence_is_not_negative_and_symmetric(device, seed, n, m, p, reg):
    rng = torch.Generator().manual_seed(seed)
    x, y = (torch.randn(k, 2, dtype=torch.float64, generator=rng).to(device) for k in (n, m))
    options = dict(reg=reg, p=p, tol=1e-9, max_iter=20_000)
    there, back = sinkhorn_divergence(x, y, **options).item(), sinkhorn_divergence(y, x, **options).item()
    assert there >= 0
    assert there == pytest.approx(back, rel=1e-6, abs=1e-9)
    assert there > 1e-9 or n == m
    assert sinkhorn_divergence(x, x[torch.randperm(n, generator=rng)], **options).item() < 1e-9


def test_the_divergence_is_its_definition(cloud, random_distributions):
    x, y, a, b = cloud(30, 3), cloud(20, 3, shift=0.2), random_distributions(30), random_distributions(20)
    for p, reg in ((1, 0.1), (2, 0.5)):

        def optimum(u, v, k, m, p=p, reg=reg):
            cost = distances(u, v, p)
            return objective(sinkhorn(k, m, cost, reg, **EXACT).plan, cost, k, m, reg)

        expected = optimum(x, y, a, b) - optimum(x, x, a, a) / 2 - optimum(y, y, b, b) / 2
        assert sinkhorn_divergence(x, y, a, b, reg=reg, p=p, **EXACT).item() == pytest.approx(expected, rel=1e-9)
        assert sinkhorn_divergence(x, y, 3 * a, 3 * b, reg=reg, p=p, **EXACT).item() == pytest.approx(
            3 * expected, rel=1e-9
        )


def test_the_divergence_of_pot_from_its_own_parts(cloud):
    x, y = cloud(40, 2), cloud(50, 2, shift=0.5)
    witness = ot.bregman.empirical_sinkhorn_divergence(array(x), array(y), 1.0, stopThr=1e-12, numIterMax=100_000)
    # POT debiases the transport cost without its entropy
    parts = [sinkhorn_points(u, v, reg=1.0, p=2, **EXACT).value for u, v in ((x, y), (x, x), (y, y))]
    assert (parts[0] - (parts[1] + parts[2]) / 2).item() == pytest.approx(float(witness), rel=1e-6)


def test_the_divergence_runs_from_transport_to_half_the_energy_distance(cloud):
    x, y = cloud(25, 2), cloud(25, 2, shift=1.0)
    exact = ot.emd2([], [], array(distances(x, y, 1)))
    assert sinkhorn_divergence(x, y, reg=1e-4, p=1, tol=1e-7, max_iter=50_000).item() == pytest.approx(exact, rel=1e-3)
    energy = [distances(u, v, 1).mean().item() for u, v in ((x, y), (x, x), (y, y))]
    far = sinkhorn_divergence(x, y, reg=1e5, p=1, **EXACT).item()
    assert far == pytest.approx(energy[0] - (energy[1] + energy[2]) / 2, rel=1e-4)


@pytest.mark.parametrize("p", [1, 2])
def test_translated_clouds_are_as_far_apart_as_they_were_moved(p, cloud):
    x = cloud(30, 2)
    moved = x + x.new_tensor([3.0, 4.0])
    assert sinkhorn_divergence(x, moved, reg=0.2, p=2, **EXACT).item() == pytest.approx(25.0, rel=1e-10)
    assert sinkhorn_divergence(x, moved, reg=1e-3, p=1, tol=1e-6).item() == pytest.approx(5.0, rel=1e-2)


# ---------------------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize("p", EXPONENTS)
@pytest.mark.parametrize("function", [sinkhorn_divergence, sinkhorn_points])
def test_gradients_are_those_of_finite_differences(function, p, cloud):
    leaves = [cloud(5, 2), cloud(4, 2, shift=0.3), cloud(5), cloud(4)]

    def value(x, y, u, v):
        result = function(x, y, 2 * u.softmax(0), 2 * v.softmax(0), reg=0.4, p=p, **EXACT)
        return result if isinstance(result, torch.Tensor) else result.value

    assert torch.autograd.gradcheck(value, [leaf.requires_grad_() for leaf in leaves], eps=1e-5, atol=1e-6, rtol=1e-5)


def test_the_gradient_of_the_transport_cost_is_exact_though_no_iteration_is_differentiated(cloud):
    leaves = [cloud(5), cloud(6), cloud(5, 6)]

    def value(u, v, cost):
        return sinkhorn(u.softmax(0), v.softmax(0), cost, 0.3, **EXACT).value

    assert torch.autograd.gradcheck(value, [leaf.requires_grad_() for leaf in leaves], eps=1e-5, atol=1e-6, rtol=1e-5)
    u, v, cost = leaves
    unrolled = ot.sinkhorn2(u.softmax(0), v.softmax(0), cost, 0.3, numItermax=2000, stopThr=0, warn=False)
    for ours, theirs in zip(
        torch.autograd.grad(value(u, v, cost), leaves), torch.autograd.grad(unrolled, leaves), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


def test_potentials_are_the_envelope_gradient_of_the_optimum(cloud, random_distributions):
    a, b, cost, reg = random_distributions(6), random_distributions(5), cloud(6, 5), 0.2
    result = sinkhorn(a, b, cost, reg, **EXACT)
    towards, step = random_distributions(6) - a, 1e-5
    optima = [dual(sinkhorn(a + s * towards, b, cost, reg, **EXACT), a + s * towards, b) for s in (step, -step)]
    assert (optima[0] - optima[1]) / (2 * step) == pytest.approx((result.f @ towards).item(), rel=1e-7)


def test_the_divergence_of_gaussians_has_the_gradient_of_its_closed_form(device):
    (x, a), (y, b) = gaussian_grid(-0.5, 1.0, device), gaussian_grid(1.0, 1.0, device)
    x.requires_grad_()
    sinkhorn_divergence(x, y, a, b, reg=0.5, p=2, **EXACT).backward()
    # equal spreads: at every reg, all mass moves by the same step; further out than 6 the grid ends too early
    inner = x.detach().abs() < 6
    torch.testing.assert_close((x.grad / a[:, None])[inner], torch.full_like(x, -3.0)[inner], rtol=1e-6, atol=0)


@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_gradients_are_finite_where_points_agree(p, cloud):
    x = cloud(10, 2).requires_grad_()
    y = torch.cat([x.detach()[:6], cloud(4, 2)]).requires_grad_()
    for function in (sinkhorn_divergence, lambda *args, **kwargs: sinkhorn_points(*args, **kwargs).value):
        for gradient in torch.autograd.grad(function(x, y, reg=0.1, p=p), (x, y)):
            assert torch.isfinite(gradient).all()
    (zero,) = torch.autograd.grad(sinkhorn_divergence(x, x.detach(), reg=0.1, p=p, tol=1e-10), x)
    assert zero.abs().max().item() < 1e-6


def test_descent_on_the_divergence_brings_one_cloud_to_the_other(cloud):
    x, y = cloud(30, 2).requires_grad_(), cloud(30, 2, shift=3.0, spread=0.5)
    start = sinkhorn_divergence(x, y, reg=0.05, p=2).item()
    for _ in range(10):  # a step of n / 2 takes each point to the mean of where its mass goes
        (gradient,) = torch.autograd.grad(sinkhorn_divergence(x, y, reg=0.05, p=2, tol=1e-4), x)
        x = (x - 15 * gradient).detach().requires_grad_()
    assert sinkhorn_divergence(x, y, reg=0.05, p=2).item() < 1e-3 * start


def test_second_derivatives_are_refused(cloud):
    x = cloud(4, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(sinkhorn_divergence(x, cloud(4, 2), reg=0.5), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"once_differentiable|does not require grad"):
        gradient.sum().backward()


# ---------------------------------------------------------------------------------------------- what is refused

HALF = [0.5, 0.5]
COST = [[0.0, 1.0], [1.0, 0.0]]
POINTS = [[0.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((HALF, HALF, COST, 0.0), r"^reg\b", id="reg zero"),
        pytest.param((HALF, HALF, COST, -1.0), r"^reg\b", id="reg negative"),
        pytest.param((HALF, HALF, COST, math.nan), r"^reg\b", id="reg NaN"),
        pytest.param((HALF, HALF, COST, 1e-15), r"^reg\b", id="reg too small"),
        pytest.param((HALF, HALF, COST, 1e15), r"^reg\b", id="reg too large"),
        pytest.param(([-0.5, 1.5], HALF, COST, 1.0), r"^a\b", id="negative mass"),
        pytest.param((HALF, [math.nan, 0.5], COST, 1.0), r"^b\b", id="NaN mass"),
        pytest.param(([0.0, 0.0], [0.0, 0.0], COST, 1.0), r"^a\b", id="no mass"),
        pytest.param((HALF, [0.5, 0.6], COST, 1.0), "must have the same total", id="unequal totals"),
        pytest.param(([], [], [[]], 1.0), r"^a\b", id="empty"),
        pytest.param((HALF, HALF, [[0.0, math.nan], [1.0, 0.0]], 1.0), r"^cost\b", id="NaN cost"),
        pytest.param((HALF, HALF, [[0.0, math.inf], [1.0, 0.0]], 1.0), r"^cost\b", id="infinite cost"),
        pytest.param((HALF, HALF, [[0.0, 1.0]], 1.0), r"^cost\b", id="shape of the cost"),
        pytest.param((HALF, HALF, [[0.0, 1e32], [1.0, 0.0]], 1.0), r"^reg\b", id="cost beyond float64"),
        pytest.param(
            (torch.tensor(HALF), torch.tensor(HALF).double(), torch.tensor(COST), 1.0), "one dtype", id="dtypes"
        ),
    ],
)
def test_sinkhorn_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        sinkhorn(*arguments)


@pytest.mark.parametrize("function", [sinkhorn_points, sinkhorn_divergence])
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        pytest.param((POINTS, POINTS), dict(reg=0), r"^reg\b", id="reg zero"),
        pytest.param((POINTS, POINTS), dict(reg=1, p=0.5), r"^p\b", id="p below 1"),
        pytest.param((POINTS, POINTS), dict(reg=1, p=math.inf), r"^p\b", id="p infinite"),
        pytest.param((POINTS, POINTS), dict(reg=1, tol=0), r"^tol\b", id="tol zero"),
        pytest.param((POINTS, POINTS), dict(reg=1, max_iter=0), r"^max_iter\b", id="no iteration"),
        pytest.param((POINTS, [[0.0], [1.0]]), dict(reg=1), "points of the same dimension", id="dimensions"),
        pytest.param((POINTS, [[0.0, math.nan]]), dict(reg=1), r"^y\b", id="NaN point"),
        pytest.param((POINTS, np.zeros((0, 2))), dict(reg=1), r"^y\b", id="no points"),
        pytest.param((POINTS, POINTS, [0.5, -0.5]), dict(reg=1), r"^a\b", id="mass"),
        pytest.param((POINTS, POINTS, [1.0]), dict(reg=1), r"^a\b", id="too few masses"),
        pytest.param((POINTS, POINTS, [2.0, 1.0], HALF), dict(reg=1), "same total", id="unequal totals"),
    ],
)
def test_points_are_refused(function, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments, **options)


def test_an_empty_batch_has_empty_answers(device):
    masses, points = torch.ones(0, 3, device=device), torch.zeros(0, 3, 2, device=device)
    result = sinkhorn(masses, torch.ones(4, device=device) * 0.75, torch.zeros(0, 3, 4, device=device), 0.1)
    assert [field.shape for field in (result.value, result.plan, result.f, result.g, result.gap, result.error)] == [
        (0,), (0, 3, 4), (0, 3), (0, 4), (0,), (0,)
    ]  # fmt: skip
    assert sinkhorn_points(points, points, reg=0.1).value.shape == (0,)
    assert sinkhorn_points(points, points, reg=0.1).plan is None
    assert sinkhorn_divergence(points, points, reg=0.1).shape == (0,)
