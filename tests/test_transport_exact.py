"""Exact transport and its certificates, against permutations, linear programs, POT, SciPy and closed forms."""

import itertools
import math

import numpy as np
import ot
import pytest
import scipy.optimize
import scipy.spatial
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gantut.lessons.linear_program import linear_program
from gantut.transport import (
    NotCertified,
    _auction,
    _costs,
    _plain,
    _promising_arcs,
    _simplex,
    _solver,
    emd,
    emd_points,
    pile_moves,
    wasserstein_1d,
)

pytestmark = pytest.mark.filterwarnings("error")

INF = math.inf


def tensor(values, device="cpu", dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, device=device)


def array(values):
    return values.detach().cpu().double().numpy()


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


def assert_solves(result, a, b, cost, rounding=1e-12):
    """All that a solution must be: a plan, feasible potentials, tight where mass moves, without a gap."""
    scale = rounding * cost.abs().max().clamp_min(1e-300)
    total = a.sum(-1)
    assert (result.plan >= 0).all()
    torch.testing.assert_close(result.plan.sum(-1), a.expand_as(result.f), rtol=0, atol=1e-12 * total.max().item())
    torch.testing.assert_close(result.plan.sum(-2), b.expand_as(result.g), rtol=0, atol=1e-12 * total.max().item())
    slack = cost - result.f[..., None] - result.g[..., None, :]
    assert slack.min() >= -scale
    assert (slack * (result.plan > 0)).max() <= 1e3 * scale  # complementary slackness, along paths of many arcs
    primal = (result.plan * cost).sum((-2, -1))
    dual = (a * result.f).sum(-1) + (b * result.g).sum(-1)
    torch.testing.assert_close(result.value, primal, rtol=1e-12, atol=(scale * total.max()).item())
    assert ((primal - dual - result.gap).abs() <= scale * total).all()
    assert (result.gap >= 0).all()
    assert (result.gap <= 1e-9 * (result.plan * cost.abs()).sum((-2, -1)) + scale * total).all()
    assert (result.error <= 1e-9).all()
    errors = [(result.plan.sum(axis) - mass).abs().sum(-1) / total for axis, mass in ((-1, a), (-2, b))]
    torch.testing.assert_close(result.error, torch.maximum(*errors), rtol=0, atol=1e-14)


# ---------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_uniform_masses_are_matched_by_the_best_permutation(device, normal, n):
    cost = normal(4, n, n)
    mass = torch.full((n,), 1 / n, dtype=torch.float64, device=device)
    result = emd(mass, mass, cost)
    orders = torch.tensor(list(itertools.permutations(range(n))), device=device)
    best = cost[:, torch.arange(n, device=device), orders].mean(-1).amin(-1)  # (4,): over n! orders
    torch.testing.assert_close(result.value, best, rtol=1e-12, atol=1e-14)
    assert_solves(result, mass, mass, cost)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 6), (6, 1), (5, 8), (20, 20), (30, 11)])
def test_general_masses_against_highs_and_pot(normal, random_distributions, n, m):
    a, b, cost = 3 * random_distributions(n, zeros=0.2), 3 * random_distributions(m, zeros=0.2), normal(n, m)
    result = emd(a, b, cost)
    assert_solves(result, a, b, cost)
    assert result.value.item() == pytest.approx(linear_program(a, b, cost).value.item(), abs=1e-7)  # HiGHS's tolerance
    assert result.value.item() == pytest.approx(ot.emd2(array(a), array(b), array(cost)), abs=1e-12)


def test_on_the_line_it_is_the_walk_and_the_quantile_formula(normal, random_distributions, device):
    p, q = random_distributions(9, zeros=0.2), random_distributions(9)
    place = torch.arange(9, dtype=torch.float64, device=device)
    walk = pile_moves(p, q).cost
    torch.testing.assert_close(emd(p, q, (place[:, None] - place).abs()).value, walk, rtol=1e-12, atol=0)
    u, v, a, b = normal(12), normal(7), random_distributions(12), random_distributions(7)
    for power in (1, 1.5, 2, 3):
        value = emd_points(u[:, None], v[:, None], a, b, p=power).value
        torch.testing.assert_close(value, wasserstein_1d(u, v, a, b, p=power), rtol=1e-11, atol=0)


def test_the_assignment_of_scipy(normal, device):
    x, y = normal(60, 3), normal(60, 3)
    result = emd_points(x, y, p=2)
    squared = (x[:, None] - y).square().sum(-1)
    rows, columns = scipy.optimize.linear_sum_assignment(array(squared))
    assert result.value.item() == pytest.approx(array(squared)[rows, columns].mean(), rel=1e-12)
    assert result.plan[rows, columns].min().item() == pytest.approx(1 / 60)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_a_translation_costs_its_length_to_the_power_p(normal, p):
    x, shift = normal(25, 4), normal(4)
    result = emd_points(x, x + shift, p=p)
    # for p = 1 the translation is one optimal plan of many, for p > 1 the only one; the value is the same
    assert result.value.item() == pytest.approx((shift.norm() ** p).item(), rel=1e-12)


def test_gaussian_samples_with_the_same_affine_quantiles_cost_the_bures_distance(normal):
    # y = A x with A positive definite is the gradient of a convex function: it is optimal for these very points
    x, root = normal(80, 3), normal(3, 3)
    matrix = root @ root.T + torch.eye(3, dtype=torch.float64, device=x.device)
    y = x @ matrix
    assert emd_points(x, y, p=2).value.item() == pytest.approx((x - y).square().sum(-1).mean().item(), rel=1e-12)


def test_between_dirac_distributions_it_is_the_cost(device):
    x, y = tensor([[0.0, 0.0]], device), tensor([[3.0, 4.0]], device)
    for p in (1, 2, 3):
        assert emd_points(x, y, p=p).value.item() == pytest.approx(5.0**p, rel=1e-15)
    result = emd(tensor([2.0], device), tensor([2.0], device), tensor([[7.0]], device))
    assert result.value.item() == 14
    assert (result.f + result.g).item() == 7


def test_equal_distributions_cost_nothing_and_say_so(normal, random_distributions):
    x, a = normal(30, 2), random_distributions(30, zeros=0.2)
    for p in (1, 2):
        result = emd_points(x, x, a, a, p=p)
        assert abs(result.value.item()) <= 1e-15
        assert result.gap.item() <= 1e-12


# ---------------------------------------------------------------------------------------------- theorems


whole = st.integers(0, 9)


@st.composite
def problems(draw, distributions=2):
    n = draw(st.integers(1, 6))
    points = draw(st.lists(st.tuples(whole, whole), min_size=n, max_size=n))
    rows = st.lists(st.integers(0, 4), min_size=n, max_size=n).filter(sum)
    masses = [torch.tensor(draw(rows), dtype=torch.float64) for _ in range(distributions)]
    return torch.tensor(points, dtype=torch.float64), [mass / mass.sum() for mass in masses]


@settings(max_examples=40)  # of nine problems each
@given(problems(distributions=3))
def test_w1_is_a_metric_on_distributions(device, problem):
    points, masses = problem[0].to(device), [mass.to(device) for mass in problem[1]]
    cost = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    value = {(i, j): emd(masses[i], masses[j], cost).value.item() for i in range(3) for j in range(3)}
    for i, j, k in itertools.permutations(range(3)):
        assert value[i, j] == pytest.approx(value[j, i], rel=1e-12, abs=1e-12)
        assert value[i, j] <= value[i, k] + value[k, j] + 1e-12
    assert value[0, 0] == pytest.approx(0, abs=1e-14)


@given(problems(), st.sampled_from([1, 2, 3]))
def test_degenerate_problems_are_certified_too(device, problem, p):
    # whole coordinates and masses: many ties, points on top of each other, points without mass
    points, (a, b) = problem[0].to(device), (mass.to(device) for mass in problem[1])
    result = emd_points(points, points, a, b, p=p)
    cost = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist") ** p
    assert_solves(result, a, b, cost)
    assert result.value.item() == pytest.approx(linear_program(a, b, cost).value.item(), abs=1e-6)


@given(st.floats(1e-30, 1e30), st.floats(1e-30, 1e30))
def test_value_and_potentials_scale_with_costs_and_masses(device, mass, unit):
    generator = torch.Generator().manual_seed(0)
    a, b, cost = (torch.rand(*shape, dtype=torch.float64, generator=generator) for shape in ((5,), (5,), (5, 5)))
    a, b, cost = ((t / t.sum()).to(device) for t in (a, b, cost))
    plain, scaled = emd(a, b, cost), emd(a * mass, b * mass, cost * unit)
    assert scaled.value.item() == pytest.approx(plain.value.item() * mass * unit, rel=1e-11)
    assert scaled.gap.item() <= 1e-12 * mass * unit


def test_costs_may_be_shifted_by_potentials_of_their_own(normal, random_distributions):
    a, b, cost, u, v = random_distributions(6), random_distributions(8), normal(6, 8), normal(6), normal(8)
    shifted = emd(a, b, cost + u[:, None] + v).value
    torch.testing.assert_close(shifted, emd(a, b, cost).value + a @ u + b @ v, rtol=1e-11, atol=1e-12)


def test_potentials_are_c_transforms_of_each_other_everywhere(normal, random_distributions):
    a, b, cost = random_distributions(3, 12, zeros=0.5), random_distributions(3, 9, zeros=0.5), normal(3, 12, 9)
    f, g = emd(a, b, cost)[2:4]
    torch.testing.assert_close(g, (cost - f[..., None]).amin(-2), rtol=0, atol=1e-13)
    torch.testing.assert_close(f, (cost - g[..., None, :]).amin(-1), rtol=0, atol=1e-13)
    torch.testing.assert_close((a * f).sum(-1), (b * g).sum(-1), rtol=0, atol=1e-13)  # the constant's convention


@pytest.mark.parametrize(
    ("n", "m", "d", "p", "uniform"), [(1100, 1100, 2, 2, True), (1000, 1200, 16, 1, False), (1100, 1100, 2, 1, True)]
)
def test_large_problems_take_the_other_way_and_are_certified(normal, random_distributions, n, m, d, p, uniform):
    x, y = normal(n, d), 0.5 + normal(m, d)
    masses = () if uniform else (random_distributions(n, zeros=0.1), random_distributions(m, zeros=0.1))
    result = emd_points(x, y, *masses, p=p)
    a, b = masses or (x.new_full((n,), 1 / n), y.new_full((m,), 1 / m))
    cost = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") ** p
    assert_solves(result, a, b, cost)
    witness = ot.emd2(array(a), array(b), array(cost), numItermax=10**7)
    assert result.value.item() == pytest.approx(witness, rel=1e-12)


# ---------------------------------------------------------------------------------------------- where others are wrong


@pytest.mark.parametrize("n", [5, 10, 30, 40])  # from 32 on an assigner is asked first
def test_prohibitive_costs_of_1e32_do_not_drown_the_others(device, rng, n):
    ordinary = 10 * torch.rand(n, n, dtype=torch.float64, generator=rng)
    forbidden = torch.rand(n, n, generator=rng) < 0.5
    forbidden.fill_diagonal_(False)
    cost = ordinary.masked_fill(forbidden, 1e32).to(device)
    ones = torch.ones(n, dtype=torch.float64, device=device)
    result = emd(ones, ones, cost)
    rows, columns = scipy.optimize.linear_sum_assignment(array(ordinary.masked_fill(forbidden, 1e4)))
    assert result.value.item() == pytest.approx(array(ordinary)[rows, columns].sum(), rel=1e-12)
    assert result.gap.item() <= 1e-8
    assert (cost - result.f[:, None] - result.g).min() >= -1e-9


def test_prohibitive_costs_that_must_be_paid_are_paid(device):
    cost = tensor([[1e32, 1e32], [1.0, 2.0]], device)
    assert emd(tensor([1.0, 1.0], device), tensor([1.0, 1.0], device), cost).value.item() == pytest.approx(1e32)


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e32, 1e300])
def test_all_costs_may_be_tiny_or_huge(normal, random_distributions, unit):
    a, b, cost = random_distributions(6), random_distributions(6), normal(6, 6)
    assert emd(a, b, cost * unit).value.item() == pytest.approx(emd(a, b, cost).value.item() * unit, rel=1e-12)


@pytest.mark.parametrize("unit", [1e-300, 1e300, 1e308])  # the sum of all masses is a number still, twice it is none
def test_all_masses_may_be_tiny_or_huge(normal, random_distributions, unit):
    a, b, cost = random_distributions(6), random_distributions(6), normal(6, 6)
    assert emd(a * unit, b * unit, cost).value.item() == pytest.approx(emd(a, b, cost).value.item() * unit, rel=1e-12)


def test_what_cannot_be_proved_is_refused_with_its_gap(device, monkeypatch):
    def wrong(a, b, cost, extremes=None):  # an engine that answers with the product plan and no potentials
        return np.arange(cost.size), np.outer(a, b).reshape(-1) / a.sum(), np.zeros_like(a), np.zeros_like(b)

    monkeypatch.setattr(_simplex, "solve", wrong)
    monkeypatch.setattr(_simplex, "_numba", lambda: None)  # it would be asked next
    with pytest.raises(NotCertified, match="could not be proved optimal") as caught:
        emd([0.5, 0.5], [0.25, 0.75], [[0.0, 1.0], [1.0, 0.0]])
    assert caught.value.gap == pytest.approx(0.5)  # the product plan costs 1/2, and potentials 0 prove nothing
    assert isinstance(caught.value, ArithmeticError)


GOOD = {"a": [0.5, 0.5], "b": [0.5, 0.5], "cost": [[0.0, 1.0], [1.0, 0.0]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": [1.5, -0.5]}, r"^a\b"),
        ({"a": [math.nan, 1.0]}, r"^a\b"),
        ({"b": [INF, 1.0]}, r"^b\b"),
        ({"a": [0.0, 0.0], "b": [0.0, 0.0]}, r"^a\b"),
        ({"a": [1.0, 1.0]}, "a and b must have the same total, but add up to 2 and 1"),
        ({"cost": [[0.0, math.nan], [1.0, 0.0]]}, r"^cost\b"),
        ({"cost": [[0.0, -INF], [1.0, 0.0]]}, r"^cost\b"),
        ({"cost": [[0.0, 1.0]]}, r"^cost\b"),
        ({"cost": [0.0, 1.0]}, r"^cost\b"),
        ({"a": [], "b": [], "cost": torch.zeros(0, 0).double()}, r"^a\b"),
        ({"a": torch.tensor([1, 1])}, r"^a\b"),
        ({"a": torch.tensor([0.5, 0.5])}, "one dtype"),
        ({"cost": torch.zeros(2, 2)}, "one dtype"),
        ({"a": "half"}, r"^a\b"),
        ({"a": [[0.5, 0.5]] * 3, "b": [[0.5, 0.5]] * 2}, "broadcast"),
        ({"a": [[0.5, 0.5]] * 3, "cost": [[[0.0, 1.0], [1.0, 0.0]]] * 2}, "broadcast"),
    ],
)
@pytest.mark.parametrize("solver", [emd, linear_program])
def test_bad_problems_are_refused(solver, change, message):
    with pytest.raises(ValueError, match=message):
        solver(**{**GOOD, **change})


# ---------------------------------------------------------------------------------------------- forbidden arcs


@pytest.mark.parametrize("n", [2, 7, 40])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_infinite_costs_forbid_arcs_as_in_scipy(device, rng, n, share):
    """Scipy either finds the assignment that avoids them or says that there is none; and so do we."""
    cost = torch.randn(n, n, dtype=torch.float64, generator=rng)
    cost[torch.rand(n, n, generator=rng) < share] = INF
    masses = torch.full((n,), 1 / n, dtype=torch.float64, device=device)
    try:
        witness = cost.numpy()[scipy.optimize.linear_sum_assignment(cost.numpy())].sum() / n
    except ValueError:
        with pytest.raises(ValueError, match="cost must be finite on enough arcs, but every plan puts at least"):
            emd(masses, masses, cost.to(device))
        return
    result = emd(masses, masses, cost.to(device))
    assert result.value.item() == pytest.approx(witness, abs=1e-12)
    assert not (result.plan * torch.isinf(cost).to(device)).any()
    assert (cost.to(device) - result.f[:, None] - result.g >= -1e-12).all()
    assert result.gap <= 1e-9


def test_forbidden_arcs_between_any_masses_are_those_of_the_linear_program(device, rng, random_distributions):
    for size in 3 * (1.0, 1e-40, 1e60):
        cost = torch.randn(6, 5, dtype=torch.float64, generator=rng)
        allowed = torch.rand(6, 5, generator=rng) < 0.7
        a, b = random_distributions(6), random_distributions(5)
        ones = [np.kron(np.eye(6), np.ones(5)), np.kron(np.ones(6), np.eye(5))]
        witness = scipy.optimize.linprog(
            array(cost).ravel(), A_eq=np.concatenate(ones), b_eq=np.concatenate([array(a), array(b)]),
            bounds=[(0, None if free else 0) for free in allowed.flatten()],
        )  # fmt: skip
        costs = (size * torch.where(allowed, cost, INF)).to(device)
        if witness.status == 2:  # infeasible
            with pytest.raises(ValueError, match="every plan puts at least"):
                emd(a, b, costs)
            continue
        result = emd(a, b, costs)
        assert result.value.item() == pytest.approx(size * witness.fun, rel=1e-7)
        assert not result.plan.cpu()[~allowed].any()


def test_in_a_batch_each_problem_has_its_own_forbidden_arcs(device):
    cost = tensor([[[INF, 1.0], [2.0, INF]], [[0.0, 5.0], [5.0, 0.0]], [[0.0, INF], [INF, 0.0]]], device)
    half = tensor([0.5, 0.5], device)
    assert emd(half, half, cost).value.tolist() == [1.5, 0, 0]


def test_the_gradient_ignores_forbidden_arcs(device):
    cost = tensor([[INF, 1.0], [2.0, INF]], device).requires_grad_()
    half = tensor([0.5, 0.5], device)
    emd(half, half, cost).value.backward()
    assert cost.grad.tolist() == [[0, 0.5], [0.5, 0]]


@pytest.mark.parametrize("cost", [-INF, math.nan])
def test_other_costs_that_are_not_finite_are_refused(cost):
    with pytest.raises(ValueError, match="cost must be finite"):
        emd([1.0], [1.0], [[cost]])


def test_where_nothing_is_allowed_there_is_no_plan():
    with pytest.raises(ValueError, match="every plan puts at least 1 of the mass on infinite ones"):
        emd([1.0], [1.0], [[INF]])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([[0.0]], [[1.0]]), {"p": 0.5}, r"^p\b"),
        (([[0.0]], [[1.0]]), {"p": INF}, r"^p\b"),
        (([0.0], [[1.0]]), {}, r"^x\b"),
        (([[0.0]], torch.zeros(0, 1).double()), {}, r"^y\b"),
        (([[0.0, 1.0]], [[1.0]]), {}, "same dimension d, but have 2 and 1"),
        (([[0.0]], [[math.nan]]), {}, r"^y\b"),
        (([[0.0]], [[1.0]]), {"a": [1.0, 1.0]}, r"^a\b"),
        (([[0.0]], [[1.0]]), {"a": [2.0]}, "same total"),
        (([[0.0]], [[1.0]]), {"a": [-1.0]}, "non-negative"),
        (([[0.0]], [[1e200]]), {"p": 2}, "costs .* must be finite"),
        ((torch.zeros(1, 1), torch.zeros(1, 1).double()), {}, "one dtype"),
    ],
)
def test_bad_points_are_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        emd_points(*arguments, **options)


@pytest.mark.parametrize("far", [1e160, 1e200, 1e300])
@pytest.mark.parametrize("p", [1, 2])
def test_points_far_away_hide_nothing_near(device, far, p):
    """What stays far away costs nothing; one unit is moved by half of the mass."""
    x, y = tensor([[0.0, 0.0], [far, far]], device), tensor([[0.6, 0.8], [far, far]], device)
    if p == 1:
        assert emd_points(x, y).value.item() == pytest.approx(0.5, rel=1e-14)
    else:  # the costs of the other arcs overflow
        with pytest.raises(ValueError, match=r"costs .* must be finite"):
            emd_points(x, y, p=2)


def test_linear_program_takes_no_batch():
    with pytest.raises(ValueError, match="no batch"):
        linear_program([[0.5, 0.5]], [0.5, 0.5], GOOD["cost"])


# ---------------------------------------------------------------------------------------------- gradients


def test_the_gradient_is_the_plan_and_the_centred_potentials(normal, random_distributions):
    a, b, cost = (
        random_distributions(5).requires_grad_(),
        random_distributions(7).requires_grad_(),
        normal(5, 7).requires_grad_(),
    )
    result = emd(a, b, cost)
    d_a, d_b, d_cost = torch.autograd.grad(3 * result.value, (a, b, cost))
    torch.testing.assert_close(d_cost, 3 * result.plan, rtol=0, atol=0)
    torch.testing.assert_close(d_a, 3 * (result.f - result.f.mean()), rtol=1e-14, atol=1e-15)
    torch.testing.assert_close(d_b, 3 * (result.g - result.g.mean()), rtol=1e-14, atol=1e-15)
    assert not any(t.requires_grad for t in result[1:] if isinstance(t, torch.Tensor))


def test_gradients_are_those_of_finite_differences(normal):
    x, y, cost = normal(2, 4).requires_grad_(), normal(6).requires_grad_(), normal(2, 4, 6).requires_grad_()
    through = lambda x, y, c: emd(x.softmax(-1), y.softmax(-1), c).value  # noqa: E731
    assert torch.autograd.gradcheck(through, (x, y, cost))


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_gradients_to_points_and_masses_are_those_of_finite_differences(normal, p):
    x, y, a, b = (normal(*shape).requires_grad_() for shape in ((2, 4, 2), (5, 2), (4,), (2, 5)))
    through = lambda x, y, a, b: emd_points(x, y, a.softmax(-1), b.softmax(-1), p=p).value  # noqa: E731
    assert torch.autograd.gradcheck(through, (x, y, a, b))
    assert torch.autograd.gradcheck(lambda x, y: emd_points(x, y, p=p).value, (x, y))


@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_mass_that_stays_in_place_has_gradient_zero(normal, p):
    x = normal(6, 2)
    here, there = x.clone().requires_grad_(), x.flip(0).requires_grad_()
    for gradient in torch.autograd.grad(emd_points(here, there, p=p).value, (here, there)):
        assert gradient.abs().max() == 0


def test_gradients_of_broadcast_arguments_are_summed(normal, random_distributions):
    a, b, cost = random_distributions(4).requires_grad_(), random_distributions(3, 5), normal(4, 5).requires_grad_()
    batch = torch.autograd.grad(emd(a, b, cost).value.sum(), (a, cost))
    rows = [torch.autograd.grad(emd(a, row, cost).value, (a, cost)) for row in b]
    for ours, theirs in zip(batch, zip(*rows, strict=True), strict=True):
        torch.testing.assert_close(ours, sum(theirs), rtol=1e-12, atol=1e-13)


# ---------------------------------------------------------------------------------------------- shapes and dtypes


def test_a_batch_is_a_loop_over_its_problems(normal, random_distributions):
    a, b, cost = random_distributions(2, 1, 4, zeros=0.2), random_distributions(3, 5), normal(2, 3, 4, 5)
    batch = emd(a, b, cost)
    assert batch.value.shape == batch.gap.shape == batch.error.shape == (2, 3)
    assert_solves(batch, a, b, cost)
    for i, j in np.ndindex(2, 3):
        one = emd(a[i, 0], b[j], cost[i, j])
        torch.testing.assert_close(batch.value[i, j], one.value, rtol=1e-13, atol=1e-15)
        torch.testing.assert_close(batch.plan[i, j], one.plan, rtol=0, atol=1e-15)


def test_threads_change_nothing(normal, device):
    x, y = normal(16, 100, 2), normal(16, 100, 2)  # too many entries for one thread
    expected, threads = emd_points(x, y), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        again = emd_points(x, y)
    finally:
        torch.set_num_threads(threads)
    for ours, theirs in zip(again[:5], expected[:5], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_other_dtypes_are_kept_and_computed_in_double_precision(device, normal, dtype):
    x, y = normal(3, 8, 2).to(dtype), normal(3, 8, 2).to(dtype)
    result, exact = emd_points(x, y), emd_points(x.double(), y.double())
    for field in ("value", "plan", "f", "g", "gap", "error"):
        ours = getattr(result, field)
        assert ours.dtype == dtype
        assert ours.device.type == device.type
    torch.testing.assert_close(result.value.double(), exact.value, rtol=2 * torch.finfo(dtype).eps, atol=0)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(emd_points(x, y).value.sum(), x)
    assert gradient.dtype == dtype


def test_layouts_lists_and_arrays_and_inputs_left_alone(normal, random_distributions):
    a, b, cost = random_distributions(10)[::2], random_distributions(7, 2).T[0], normal(7, 5).T
    a, b = a / a.sum(), b / b.sum()
    before = a.clone(), b.clone(), cost.clone()
    expected = emd(a.contiguous(), b.contiguous(), cost.contiguous())
    torch.testing.assert_close(emd(a, b, cost).value, expected.value, rtol=0, atol=0)
    assert all(torch.equal(now, then) for now, then in zip((a, b, cost), before, strict=True))
    assert emd(array(a), array(b), array(cost)).value.item() == pytest.approx(expected.value.item(), rel=1e-14)
    assert emd(a.tolist(), b.tolist(), cost.tolist()).value.item() == pytest.approx(expected.value.item(), rel=1e-14)


def test_an_empty_batch_is_no_problem_at_all(device):
    x, y = torch.zeros(0, 3, 2, device=device).double(), torch.zeros(0, 4, 2, device=device).double()
    result = emd_points(x, y)
    assert result.value.shape == (0,)
    assert result.plan.shape == (0, 3, 4)


def test_totals_may_differ_by_roundings_only(device):
    a, b = tensor([0.1] * 10, device, torch.float32), tensor([0.25] * 4, device, torch.float32)
    cost = torch.ones(10, 4, device=device)
    assert emd(a, b, cost).value.item() == pytest.approx(1, rel=1e-6)
    with pytest.raises(ValueError, match="same total"):
        emd(a.double(), tensor([0.25] * 4, device) * (1 + 1e-7), cost.double())


# ---------------------------------------------------------------------------------------------- the two assigners


@pytest.fixture
def augmenting_paths():
    return pytest.importorskip("gantut.transport.compiled", reason="Numba is not installed")


@pytest.fixture(params=["auction", "augmenting paths"])
def assigner(request, device):
    """The auction runs on every device, the compiled augmenting paths on the CPU."""
    if request.param == "auction":
        return _auction
    if device.type != "cpu":
        pytest.skip("compiled for the CPU")
    return request.getfixturevalue("augmenting_paths")


def assert_assigns(assigner, cost):
    """Without a detour through the simplex, and by SciPy's assignment."""
    count, n, _ = cost.shape
    mass = torch.full((count, n), 1 / n, dtype=torch.float64, device=cost.device)
    result = _solver.solve_uniform(assigner, mass[:, 0], cost)
    assert result is not None, "a problem lacks its proof"
    assert_solves(result, mass, mass, cost)
    for value, matrix in zip(result.value, cost, strict=True):
        rows, columns = scipy.optimize.linear_sum_assignment(array(matrix))
        assert value.item() == pytest.approx(array(matrix)[rows, columns].mean(), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize(("count", "n", "d"), [(5, 1, 1), (5, 2, 2), (9, 30, 2), (4, 100, 16), (2, 150, 2)])
def test_many_assignments_at_once(assigner, normal, count, n, d, p):
    x, y = normal(count, n, d), 0.5 + normal(count, n, d)
    assert_assigns(assigner, torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") ** p)


@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
def test_many_assignments_with_ties(assigner, rng, device, levels):
    cost = torch.randint(-levels, levels, (6, 25, 25), generator=rng).double().to(device)
    assert_assigns(assigner, cost)


def test_many_assignments_whatever_the_unit_and_the_piece(assigner, normal, monkeypatch):
    cost = normal(7, 12, 12)
    monkeypatch.setitem(_auction.MOST_ENTRIES, cost.device.type, 300)  # two problems at a time
    for unit in (1e-100, 1.0, 1e100):
        assert_assigns(assigner, cost * unit)


def test_many_assignments_without_any_help(normal, monkeypatch):
    # no Sinkhorn prices, no auction: shortest paths alone must find the optimum
    monkeypatch.setattr(_auction, "LADDER", ())
    monkeypatch.setattr(_auction, "ROUNDS", 0)
    assert_assigns(_auction, normal(4, 30, 30))


def test_every_way_gives_the_same_plan_and_the_same_value(assigner, normal):
    x, y = normal(3, 40, 2), normal(3, 40, 2)
    cost = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    mass = cost.new_full((3, 40), 1 / 40)
    ours = _solver.solve_uniform(assigner, mass[:, 0], cost)
    witness = _solver.solve_each(mass.cpu(), mass.cpu(), cost.cpu())
    torch.testing.assert_close(ours.value.cpu(), witness.value, rtol=1e-13, atol=0)
    torch.testing.assert_close(ours.plan.cpu(), witness.plan, rtol=0, atol=1e-15)  # distinct costs: one optimal plan


def test_augmenting_paths_on_matrices_that_fill_no_block_and_several(augmenting_paths, normal):
    # rows are filled up to multiples of 16, if they are short; vector instructions take 8 or 32 numbers at a time
    for n in (1, 2, 15, 16, 17, 63, 64, 65, 130, 511, 512, 513):
        assert_assigns(augmenting_paths, normal(2, n, n).cpu())


def test_augmenting_paths_where_every_row_wants_the_same_columns(augmenting_paths):
    # C_ij = i j: all rows want the first column, and the only optimum is the reverse order (rearrangement inequality)
    i = torch.arange(1, 101, dtype=torch.float64)
    column, *_ = augmenting_paths.assign((i[:, None] * i)[None])
    assert column[0].tolist() == list(range(99, -1, -1))


def test_nothing_in_place_of_points_masses_or_costs_is_named(normal):
    x, y = normal(20, 2), normal(20, 2)
    mass, cost = x.new_full((20,), 0.05), torch.cdist(x, y)
    for name, call in {
        "x": lambda: emd_points(None, y), "y": lambda: emd_points(x, None), "a": lambda: emd(None, mass, cost),
        "b": lambda: emd(mass, None, cost), "cost": lambda: emd(mass, mass, None),
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} must be a tensor or an array of numbers, not None"):
            call()


def test_masses_that_lie_anyhow_in_memory(normal):
    # one number for all, every second number of more, and a column: shared by views, which no solver may trip over
    x, y, more = normal(20, 2), normal(15, 2), normal(40, 3).abs()
    for a in (more.new_full((1,), 0.05).expand(20), more[::2, 0], more[:20, 1]):
        b = (a.sum() / 15).expand(15)
        witness = emd_points(x, y, a.clone(), b.clone())
        torch.testing.assert_close(emd_points(x, y, a, b).value, witness.value, rtol=1e-13, atol=0)
        torch.testing.assert_close(emd(a, b, torch.cdist(x, y)).value, witness.value, rtol=1e-12, atol=0)


def test_compiled_distances_are_right_to_the_last_places_or_refused(augmenting_paths, normal):
    x, y = array(normal(20, 3).cpu()), array(normal(30, 3).cpu())
    y[:5] = x[:5] + 1e-9
    witness = scipy.spatial.distance.cdist(x, y)
    np.testing.assert_allclose(augmenting_paths.distances(x, y, 1), witness, rtol=1e-15)
    np.testing.assert_allclose(augmenting_paths.distances(x, y, 2), witness**2, rtol=2e-15)
    np.testing.assert_allclose(augmenting_paths.distances(x.T.copy().T, y, 1), witness, rtol=1e-15)  # along columns
    for wrong in (np.nan, np.inf, -1e200):
        assert augmenting_paths.distances(np.where(x == x[4, 1], wrong, x), y, 1) is None
    assert augmenting_paths.distances(x * 1e-200, y * 1e-200, 1) is None, "their squares would vanish"


def test_augmenting_paths_are_the_same_in_any_number_of_threads(augmenting_paths, normal):
    cost, threads = normal(7, 20, 20).cpu(), torch.get_num_threads()
    alone = augmenting_paths.assign(cost)
    try:
        torch.set_num_threads(3)
        together = augmenting_paths.assign(cost)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(*both) for both in zip(alone, together, strict=True))


@pytest.mark.parametrize("largest", [1e32, 1e295])
def test_equal_clouds_with_prohibitive_costs_are_exact_too(normal, largest):
    # twelve digits of the ordinary costs must survive beside 1e32, and nothing may overflow beside 1e295
    ordinary = normal(50, 50).abs()
    forbidden = torch.rand(50, 50, generator=torch.Generator().manual_seed(1)).to(ordinary.device) < 0.5
    mass = ordinary.new_full((50,), 1 / 50)
    rows, columns = scipy.optimize.linear_sum_assignment(array(ordinary.masked_fill(forbidden, 1e6)))
    assert not forbidden.cpu()[rows, columns].any(), "the optimum must avoid what is forbidden"
    found = emd(mass, mass, ordinary.masked_fill(forbidden, largest)).value.item()
    assert found == pytest.approx(array(ordinary)[rows, columns].mean(), rel=1e-12)


PATTERNS = ("half are prohibitive", "nine in ten are", "beside costs of zero", "in rows with nothing but a zero")


def with_prohibitive_costs(pattern, largest, n=24):
    """Costs that no cheap plan pays beside ordinary ones, and what the best assignment pays in total."""
    draw = torch.Generator().manual_seed(len(pattern))
    ordinary = 10 * torch.rand(n, n, dtype=torch.float64, generator=draw)
    forbidden = torch.rand(n, n, generator=draw) < (0.9 if pattern == "nine in ten are" else 0.5)
    if pattern == "beside costs of zero":
        ordinary.fill_diagonal_(0.0)
    if pattern == "in rows with nothing but a zero":
        ordinary[: n // 2].fill_diagonal_(0.0)
        forbidden[: n // 2] = True
    forbidden.fill_diagonal_(False)
    rows, columns = scipy.optimize.linear_sum_assignment(array(ordinary.masked_fill(forbidden, 1e4)))
    assert not forbidden[rows, columns].any(), "the best assignment must avoid what is prohibitive"
    return ordinary.masked_fill(forbidden, largest), array(ordinary)[rows, columns].sum()


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("largest", [1e9, 1e16, 1e32, 1e295])
def test_costs_that_no_plan_pays_excuse_no_wrong_answer(assigner, device, monkeypatch, pattern, largest):
    cost, best = with_prohibitive_costs(pattern, largest)
    cost, ones = cost.to(device), torch.ones(len(cost), dtype=torch.float64, device=device)
    if largest < 1e290:  # beyond, it is not even asked
        found = _solver.solve_uniform(assigner, ones[:1], cost[None])
        assert found is None or found.value.item() == pytest.approx(best, rel=1e-8, abs=1e-8)
    monkeypatch.setattr(_solver, "find_assigner", lambda _: assigner)  # on the CPU take the auction, too
    result = emd(ones, ones, cost.clone().requires_grad_())  # plain arrays do not go to an auction
    assert result.value.item() == pytest.approx(best, rel=1e-9, abs=1e-12)
    assert result.gap.item() <= 1e-8 * max(best, 1)
    assert (cost - result.f[:, None] - result.g).min() >= -1e-9


def test_clouds_a_billionth_apart_are_certified_at_that_scale(device):
    # the plan pays next to nothing, and the potentials must prove it beside costs that are 1e16 times as large
    x = torch.linspace(0, 1, 50, dtype=torch.float64, device=device)[:, None]
    mass = torch.linspace(1, 2, 50, dtype=torch.float64, device=device)
    result = emd_points(x, x + 1e-9, mass, mass)
    assert result.value.item() == pytest.approx(1e-9 * mass.sum().item(), rel=1e-6)  # x + 1e-9 is rounded to 1e-16


def test_without_numba_the_simplex_solves_what_augmenting_paths_would(normal, monkeypatch):
    x, y = normal(2, 60, 2), normal(2, 60, 2)
    compiled = emd_points(x, y)
    monkeypatch.setattr(_simplex, "_numba", lambda: None)
    torch.testing.assert_close(emd_points(x, y).value, compiled.value, rtol=1e-13, atol=0)


# ---------------------------------------------------------------------------------------------- the network simplex


@pytest.fixture
def compiled():
    return pytest.importorskip("gantut.transport.compiled", reason="Numba is not installed")


MASSES = {
    "random": lambda draw, n: draw.dirichlet(np.ones(n)),
    "equal": lambda draw, n: np.full(n, 1 / n),
    "small counts": lambda draw, n: draw.integers(1, 4, n).astype(float),
    "of many sizes": lambda draw, n: 10.0 ** draw.uniform(-12, 0, n),
}
COSTS = {
    "of points": lambda draw, n, m: scipy.spatial.distance.cdist(draw.random((n, 2)), draw.random((m, 2))),
    "of either sign": lambda draw, n, m: draw.standard_normal((n, m)),
    "with ties": lambda draw, n, m: draw.integers(0, 3, (n, m)).astype(float),
    "all zero": lambda draw, n, m: np.zeros((n, m)),
    "|i - j|": lambda draw, n, m: np.abs(np.arange(n)[:, None] - np.arange(m)).astype(float),  # many optima
}


@pytest.mark.parametrize("masses", MASSES)
@pytest.mark.parametrize("costs", COSTS)
def test_the_network_simplex_ends_at_an_optimum(compiled, masses, costs):
    # where masses agree in part, arcs of the tree are empty, and a bad rule would go round in circles for ever
    draw = np.random.default_rng(len(masses) + len(costs))
    for n, m in [(1, 1), (1, 9), (9, 1), (2, 2), (7, 5), (20, 30), (30, 30), (24, 48)]:
        a, b, cost = MASSES[masses](draw, n), MASSES[masses](draw, m), COSTS[costs](draw, n, m)
        b *= a.sum() / b.sum()
        plan, f, g, (paid, *_) = compiled.solve(a, b, cost, cost, 1e-9)
        rounding = 1e-13 * a.sum() * max(1, np.abs(cost).max())
        assert plan.min() >= 0
        assert np.count_nonzero(plan) <= n + m - 1, "a corner of the polytope of plans"
        np.testing.assert_allclose(plan.sum(1), a, rtol=0, atol=1e-14 * a.sum())
        np.testing.assert_allclose(plan.sum(0), b, rtol=0, atol=1e-14 * a.sum())
        assert (cost - f[:, None] - g).min() >= -1e-13 * max(1, np.abs(cost).max())
        assert paid == pytest.approx((plan * cost).sum(), rel=1e-12, abs=rounding)
        assert paid == pytest.approx(a @ f + b @ g, rel=1e-12, abs=rounding)  # weak duality: no plan is cheaper
        assert a @ f == pytest.approx(b @ g, rel=1e-9, abs=rounding)


@pytest.mark.parametrize(("n", "m"), [(40, 40), (25, 60), (60, 25)])
def test_the_network_simplex_finds_what_a_linear_program_finds(compiled, n, m):
    draw = np.random.default_rng(n)
    a, b, cost = draw.dirichlet(np.ones(n)), draw.dirichlet(np.ones(m)), draw.standard_normal((n, m))
    plan, *_, (paid, *_) = compiled.solve(a, b, cost, cost, 1e-9)
    sums = np.vstack([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))])
    witness = scipy.optimize.linprog(cost.ravel(), A_eq=sums, b_eq=np.concatenate([a, b]), method="highs")
    assert paid == pytest.approx(witness.fun, rel=1e-9)
    np.testing.assert_allclose(plan.ravel(), witness.x, rtol=0, atol=1e-9)  # random costs: one optimal plan


def test_what_proves_a_plan_is_added_up_for_the_costs_that_are_paid(compiled, normal):
    # solved for costs that are cut off, paid at the true ones: the gap says by how much the plan may be too dear
    cost = array(normal(20, 30).cpu())
    solved, a, b = np.minimum(cost, 0.5), np.full(20, 3.0), np.full(30, 2.0)
    plan, f, g, (paid, spent, gap, off_a, off_b, roundings, total) = compiled.solve(a, b, cost, solved, 1e-9)
    shift = (solved - f[:, None] - g).min(1)
    np.testing.assert_allclose(shift, 0, atol=1e-14)  # f is the c-transform of g
    assert total == pytest.approx(60)
    assert paid == pytest.approx((plan * cost).sum(), rel=1e-13)
    assert spent == pytest.approx((plan * np.abs(cost)).sum(), rel=1e-13)
    assert gap == pytest.approx((plan * cost).sum() - a @ f - b @ g, abs=1e-12)
    assert max(off_a, off_b) <= 1e-13
    assert roundings <= np.abs(cost).max() * 3 * total  # the free constant is another there


@pytest.mark.parametrize("wrong", [math.nan, -math.nan, math.inf, -math.inf, 1e150])
def test_compiled_solvers_refuse_what_they_cannot_add_up(compiled, normal, wrong):
    cost, a, b = array(normal(20, 30).cpu()), np.full(20, 3.0), np.full(30, 2.0)
    for array_of in (a, b, cost):
        kept = array_of.flat[7]
        array_of.flat[7] = wrong
        assert compiled.solve(a, b, cost, cost, 1e-9) is None
        array_of.flat[7] = kept
    square, shares = np.where(cost[:, :20] == cost[3, 5], wrong, cost[:, :20]), np.full(20, 0.05)
    assert compiled.assign_one(shares, shares, square) is None
    for place in (0, 9, 19):
        other = np.where(np.arange(20) == place, wrong, shares)
        for pair in ((shares, other), (other, shares), (other, other)):
            assert compiled.assign_one(*pair, cost[:, :20]) is None
    for masses in (np.where(np.arange(20) == 3, 0.0, 63 / 19), np.where(np.arange(20) == 3, -3.0, 3.0), a * (1 + 1e-8)):
        assert compiled.solve(masses, b, cost, cost, 1e-9) is None  # a mass of zero, one below, and another total
    assert compiled.solve(a, b, cost, cost, 1e-9) is not None
    assert compiled.assign_one(shares, shares, cost[:, :20]) is not None


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("n", [5, 20])  # by NumPy, and compiled
def test_plain_distances_are_those_of_scipy_or_left_to_others(compiled, normal, n, p):
    x, y = array(normal(n, 3).cpu()), array(normal(n + 1, 3).cpu())
    y[0], y[1] = x[0], x[1] + 1e-9
    witness = scipy.spatial.distance.cdist(x, y) ** p
    np.testing.assert_allclose(_plain._distances(x, y, p), witness, rtol=1e-15 * (1 + p), atol=0)
    for wrong in (math.nan, math.inf, -1e200):
        assert _plain._distances(np.where(x == x[4, 1], wrong, x), y, p) is None
    assert _plain._distances(x * 1e-200, y * 1e-200, p) is None, "their squares would vanish"


@pytest.mark.parametrize(
    ("a", "b", "cost", "value"),
    [  # by hand: where one side has one point there is one plan; in the last a tiny mass has to go at a huge cost
        ([1e-17, 1], [1], [[1e17], [0]], 1),
        ([1], [1e-17, 1], [[1e17, 0]], 1),
        ([1e-10, 1e7], [1e7], [[1e17], [-1e-9]], 1e7 - 1e-2),
        ([1e-18, 1], [1, 1e-18], [[1e18, 2e18], [0, 0]], 1),
    ],
)
def test_masses_below_a_rounding_of_the_total_are_carried_too(device, a, b, cost, value):
    result = emd(*(tensor(each, device) for each in (a, b, cost)))
    assert result.value.item() == pytest.approx(value, rel=1e-9)
    torch.testing.assert_close(result.plan.sum(1).cpu(), tensor(a), rtol=1e-12, atol=0)
    torch.testing.assert_close(result.plan.sum(0).cpu(), tensor(b), rtol=1e-12, atol=0)


def test_costs_near_the_end_of_the_range_are_solved_in_a_unit_of_their_own(device):
    half = tensor([0.5, 0.5], device)
    for cost, value in (
        ([[1e308, -1e308], [-1e308, 1e308]], -1e308),  # the difference of two costs is no number
        ([[1.7e308, 1e300], [1e300, 1.7e308]], 1e300),
    ):
        result = emd(half, half, tensor(cost, device))
        assert result.value.item() == pytest.approx(value, rel=1e-12)
        assert torch.isfinite(result.f).all() and torch.isfinite(result.g).all()  # noqa: PT018
    with pytest.raises(NotCertified, match="exceed double precision: divide them"):
        emd(2 * half, 2 * half, tensor([[1.7e308, 1.7e308], [1.7e308, 1.7e308]], device))


def test_a_simplex_that_goes_round_too_long_hands_over(compiled, random_distributions, normal, monkeypatch):
    a, b, cost = random_distributions(20), random_distributions(30), normal(20, 30)
    witness = emd(a, b, cost)
    monkeypatch.setattr(compiled, "solve", lambda *_: None)  # as at its limit of circles
    torch.testing.assert_close(emd(a, b, cost).value, witness.value, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("d", "promising"), [(2, False), (16, True)])
def test_large_problems_go_to_the_engine_that_suits_them(compiled, normal, d, promising):
    # in the plane a row has few cheap arcs, in many dimensions they crowd; both engines must say the same
    x, y = normal(1100, d).cpu(), normal(1000, d).cpu()
    a, b = (np.random.default_rng(n).dirichlet(np.ones(n)) for n in (1100, 1000))
    cost = scipy.spatial.distance.cdist(x, y)
    assert _promising_arcs.are_worth_it(cost) is promising
    arcs, amounts, *_ = _promising_arcs.solve(a, b, cost)
    *_, (paid, *_) = compiled.solve(a, b, cost, cost, 1e-9)
    assert cost.reshape(-1)[arcs] @ amounts == pytest.approx(paid, rel=1e-12)


# ------------------------------------------------------------------------------------ costs through a matrix product


@pytest.mark.parametrize("p", [1, 1.5, 2])
@pytest.mark.parametrize("d", [9, 64, 300])
def test_costs_in_many_dimensions_keep_their_digits(normal, d, p):
    # far from the origin, with points that agree, and points apart by a millionth; witness: differences, one by one
    x, y = 1e3 + normal(2, 30, d), 1e3 + normal(2, 40, d)
    y[:, 0], y[:, 1] = x[:, 0], x[:, 1] + 1e-6
    witness = (x[..., :, None, :] - y[..., None, :, :]).square().sum(-1).sqrt() ** p
    costs = _costs.costs(x, y, p)
    assert (costs[:, 0, 0] == 0).all()
    # coordinates of size 1000 are rounded to 1e-13 before anyone takes differences
    torch.testing.assert_close(costs, witness, rtol=1e-12, atol=0)


def test_costs_of_a_tight_cluster(normal):
    x = normal(20, 12)
    cluster = torch.cat([x * 1e-9, x[:1] * 1e9])  # all but one distance would cancel
    witness = (cluster[:, None] - cluster).square().sum(-1).sqrt()
    torch.testing.assert_close(_costs.costs(cluster, cluster, 1), witness, rtol=1e-14, atol=0)


# --------------------------------------------------------------------------------------------- signs, units, batches


@pytest.mark.parametrize("low", [-1.0, -0.5])
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 3), (5, 6), (8, 8)])
def test_costs_of_any_sign(rng, device, shape, low):
    # gains instead of costs, or both mixed; witness: HiGHS, on the same problem moved up to positive costs
    n, m = shape
    for _ in range(20):
        a, b = torch.rand(n, generator=rng).double() + 0.1, torch.rand(m, generator=rng).double() + 0.1
        a, b = (a / a.sum()).to(device), (b / b.sum()).to(device)
        cost = (torch.rand(n, m, generator=rng).double() + low).to(device)
        result = emd(a, b, cost)
        assert_solves(result, a, b, cost)
        assert result.value.item() == pytest.approx(linear_program(a, b, cost + 1).value.item() - 1, abs=1e-7)


def test_the_dearest_plan_is_the_cheapest_of_minus_the_cost(normal):
    # on the line, for the cost (x - y)^2, it pairs the smallest with the largest
    x, y = normal(20, 1), normal(20, 1)
    mass = x.new_full((20,), 1 / 20)
    expected = (x.sort(0).values - y.sort(0, descending=True).values).square().mean()
    torch.testing.assert_close(emd(mass, mass, -((x - y.T) ** 2)).value, -expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("mass", [1e-30, 1e-7, 1e30])
@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_a_linear_program_in_any_unit(mass, unit):
    # one third of the mass goes the long way: 0.3 - 0.6 = -0.3
    a, b = [0.3 * mass, 0.7 * mass], [0.6 * mass, 0.4 * mass]
    result = linear_program(a, b, [[0.0, unit], [unit, 0.0]])
    assert result.value.item() == pytest.approx(0.3 * mass * unit, rel=1e-6)
    assert result.error.item() <= 1e-6


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("unit", [1e-200, 1e-30, 1e30, 1e150])
def test_points_in_any_unit(normal, unit, p):
    # W_p^p is homogeneous of degree p, though squares of the coordinates would overflow or vanish
    if p == 2 and unit != 1e-30 and unit != 1e30:
        pytest.skip("the value itself is beyond double precision")
    x, y = normal(7, 3), normal(9, 3)
    expected = emd_points(x, y, p=p).value.item()
    assert emd_points(unit * x, unit * y, p=p).value.item() / unit**p == pytest.approx(expected, rel=1e-12)


def test_an_empty_batch_has_the_dtype_of_the_points(device):
    for dtype in (torch.float32, torch.float64):
        x = torch.zeros(0, 3, 2, device=device, dtype=dtype)
        result = emd_points(x, x)
        assert {t.dtype for t in (result.value, result.plan, result.f, result.g, result.gap, result.error)} == {dtype}
