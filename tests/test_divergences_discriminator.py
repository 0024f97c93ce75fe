"""The optimal discriminator and the value of the game."""

import contextlib
import math

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special
import scipy.stats
import sympy
import torch
import torch.distributions as td
from hypothesis import given
from hypothesis import strategies as st

from gantut.data import gaussian, gaussian_mixture, ring, uniform
from gantut.divergences import (
    IntegrationError,
    js_between,
    js_divergence,
    optimal_discriminator,
    value_function,
)

pytestmark = pytest.mark.filterwarnings("error")

EPS = 2.0**-52
LOG2 = math.log(2)


@pytest.fixture
def t(device):
    """Numbers in double precision on the device."""
    return lambda *values: torch.tensor(values if len(values) > 1 else values[0], dtype=torch.float64, device=device)


# ---------------------------------------------------------------------------------------------- D*


def test_it_is_the_maximiser_that_sympy_finds(t):
    a, b, d = sympy.symbols("a b d", positive=True)
    score = a * sympy.log(d) + b * sympy.log(1 - d)
    (root,) = sympy.solve(sympy.diff(score, d), d)
    curvature = sympy.simplify(sympy.diff(score, d, 2).subs(d, root) + (a + b) ** 3 / (a * b))
    assert curvature == 0  # a maximum: the second derivative is -(a + b)³/(ab) < 0
    for base in (2, 10):
        (same,) = sympy.solve(sympy.diff(score / sympy.log(base), d), d)
        assert sympy.simplify(same - root) == 0
    for p_r, p_g in ((0.3, 0.1), (1e-9, 2.0), (7.0, 7.0), (5.0, 0.01)):
        exact = float(root.subs({a: sympy.Rational(p_r), b: sympy.Rational(p_g)}))
        assert optimal_discriminator(t(p_r), t(p_g)).item() == pytest.approx(exact, rel=4 * EPS)


def test_it_scores_best_of_all_outputs_by_numerical_search(random_distributions):
    p_r, p_g = random_distributions(20), random_distributions(20)
    best = optimal_discriminator(p_r, p_g)
    for a, b, d in zip(p_r.tolist(), p_g.tolist(), best.tolist(), strict=True):
        search = scipy.optimize.minimize_scalar(
            lambda x, a=a, b=b: -a * math.log(x) - b * math.log1p(-x),
            bounds=(1e-9, 1 - 1e-9),
            method="bounded",
            options={"xatol": 1e-12},
        )
        assert d == pytest.approx(search.x, abs=1e-6)  # a flat maximum is located to the root of the precision


def test_where_one_or_both_distributions_vanish(t):
    found = optimal_discriminator(t(0.3, 0.0, 0.0, 0.2), t(0.0, 0.2, 0.0, 0.2))
    assert found.tolist() == [1.0, 0.0, 0.5, 0.5]


@given(st.floats(-300, 300), st.floats(-300, 300))
def test_all_magnitudes_from_1e_minus_300_to_1e300_keep_their_digits(device, left, right):
    p_r, p_g = torch.tensor([10.0**left, 10.0**right], dtype=torch.float64)
    with mpmath.workdps(50):
        exact = float(mpmath.mpf(p_r.item()) / (mpmath.mpf(p_r.item()) + mpmath.mpf(p_g.item())))
    found = optimal_discriminator(p_r.to(device), p_g.to(device)).item()
    assert 0 <= found <= 1
    assert found == pytest.approx(exact, rel=4 * EPS, abs=1e-307)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_dtype_and_device_are_kept_and_the_extremes_do_not_overflow(device, dtype):
    info = torch.finfo(dtype)
    p_r = torch.tensor([info.max, info.max, info.tiny, 0.25], dtype=dtype, device=device)
    p_g = torch.tensor([info.max, info.tiny, info.tiny, 0.75], dtype=dtype, device=device)
    found = optimal_discriminator(p_r, p_g)
    assert found.dtype == dtype
    assert found.device.type == device.type
    assert found.tolist() == [0.5, 1.0, 0.5, 0.25]


def test_densities_need_not_be_normalised_and_shapes_broadcast(random_distributions):
    p_r, p_g = random_distributions(3, 1, 4), random_distributions(5, 4)
    found = optimal_discriminator(7 * p_r, 7 * p_g)
    assert found.shape == (3, 5, 4)
    torch.testing.assert_close(found, p_r / (p_r + p_g), rtol=4 * EPS, atol=0)


def test_its_gradient_is_that_of_the_formula(random_distributions):
    p_r, p_g = random_distributions(2, 4).requires_grad_(), random_distributions(2, 4).requires_grad_()
    assert torch.autograd.gradcheck(optimal_discriminator, (p_r, p_g))
    found = torch.autograd.grad(optimal_discriminator(p_r, p_g).sum(), (p_r, p_g))
    whole = (p_r + p_g) ** 2
    torch.testing.assert_close(found, (p_g / whole, -p_r / whole), rtol=1e-12, atol=0)


# ---------------------------------------------------------------------------------------------- D* of distributions


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_between_two_gaussians_it_is_the_sigmoid_of_a_line(device, scale, t):
    best = optimal_discriminator(gaussian(-2, scale, device=device), gaussian(2, scale, device=device))
    assert callable(best)
    x = torch.linspace(-60, 60, 241, dtype=torch.float64, device=device)
    exact = -4 * x / scale**2  # claim dstar: the logit
    torch.testing.assert_close(best.logit(x), exact, rtol=1e-13, atol=1e-12)  # differences of squares up to 7000
    witness = torch.from_numpy(scipy.special.expit(exact.cpu().numpy())).to(device)
    torch.testing.assert_close(best(x), witness, rtol=1e-11, atol=0)


def test_it_is_right_in_the_far_tail_where_the_densities_underflow(device, t):
    p_r, p_g = gaussian(-2, 1, device=device), gaussian(2, 1, device=device)
    assert p_r.density(t(40.0)).item() == 0
    assert p_g.density(t(40.0)).item() < 1e-300
    assert optimal_discriminator(p_r, p_g)(t(40.0)).item() == pytest.approx(1 / (1 + math.exp(160)), rel=1e-12)
    assert optimal_discriminator(p_r, p_g)(t(-40.0)).item() == 1


def test_it_takes_torch_distributions_density_functions_and_a_mixture_of_both(device, t):
    x = torch.linspace(-3, 3, 13, dtype=torch.float64, device=device)
    p, q = scipy.stats.norm(0, 1).pdf(x.cpu().numpy()), scipy.stats.norm(1, 2).pdf(x.cpu().numpy())
    witness = torch.from_numpy(p / (p + q)).to(device)
    kinds = (gaussian(0, 1, device=device), td.Normal(t(0.0), t(1.0)), gaussian(0, 1, device=device).density)
    others = (gaussian(1, 2, device=device), td.Normal(t(1.0), t(2.0)), gaussian(1, 2, device=device).density)
    for p_r in kinds:
        for p_g in others:
            torch.testing.assert_close(optimal_discriminator(p_r, p_g)(x), witness, rtol=1e-12, atol=0)


def test_outside_the_supports_it_is_one_zero_or_a_half(device, t):
    x = t(-1.0, 0.5, 1.5, 2.5)
    for p_r, p_g in (
        (uniform(0, 2, device=device), uniform(1, 3, device=device)),
        (td.Uniform(t(0.0), t(2.0)), td.Uniform(t(1.0), t(3.0))),
    ):
        assert optimal_discriminator(p_r, p_g)(x).tolist() == [0.5, 1.0, 0.5, 0.0]
        assert optimal_discriminator(p_r, p_g).logit(x).tolist() == [0.0, math.inf, 0.0, -math.inf]
    half_line = optimal_discriminator(td.Exponential(t(1.0)), gaussian(0, 1, device=device))
    assert half_line(t(-1.0)).item() == 0


def test_it_works_in_the_plane_and_for_points_of_any_shape(device, t):
    p_r, p_g = ring(device=device), ring(radius=1.0, device=device)
    best = optimal_discriminator(p_r, p_g)
    x = p_r.sample((3, 5), generator=torch.Generator().manual_seed(0))
    assert best(x).shape == (3, 5)
    torch.testing.assert_close(best(x), p_r.density(x) / (p_r.density(x) + p_g.density(x)), rtol=1e-12, atol=0)
    two = td.MultivariateNormal(t(0.0, 0.0), torch.eye(2, dtype=torch.float64, device=device))
    flat = gaussian([0.0, 0.0], 1, device=device)
    torch.testing.assert_close(optimal_discriminator(two, flat)(x), torch.full_like(x[..., 0], 0.5))


def test_its_slope_on_densities_is_finite_everywhere(device):
    x = torch.linspace(-50, 50, 11, dtype=torch.float64, device=device).requires_grad_()
    best = optimal_discriminator(gaussian(-1, 1, device=device), gaussian(1, 1, device=device))
    (slope,) = torch.autograd.grad(best(x).sum(), x)
    d = torch.sigmoid(-2 * x.detach())
    torch.testing.assert_close(slope, -2 * d * (1 - d), rtol=1e-9, atol=1e-300)


# ---------------------------------------------------------------------------------------------- V on finite sets


def test_at_the_optimum_the_value_is_twice_js_less_twice_log_two(random_distributions):
    p_r, p_g = random_distributions(1000, 6, zeros=0.3), random_distributions(1000, 6, zeros=0.3)
    best = optimal_discriminator(p_r, p_g)
    value = value_function(best, p_r, p_g)
    torch.testing.assert_close(value, 2 * js_divergence(p_r, p_g) - 2 * LOG2, rtol=0, atol=1e-13)
    # and so with Xu's JS, which has no halves
    torch.testing.assert_close(value, js_divergence(p_r, p_g, halved=False) - 2 * LOG2, rtol=0, atol=1e-13)


def test_no_discriminator_beats_the_optimal_one(random_distributions, rng, device):
    p_r, p_g = random_distributions(1000, 6, zeros=0.2), random_distributions(1000, 6, zeros=0.2)
    best = value_function(optimal_discriminator(p_r, p_g), p_r, p_g)
    for spread in (0.1, 1.0, 10.0):
        d = (spread * torch.randn(1000, 6, dtype=torch.float64, generator=rng)).sigmoid().to(device)
        assert (value_function(d, p_r, p_g) <= best + 1e-13).all()
    nudged = (optimal_discriminator(p_r, p_g) + 1e-3).clamp_max(1)
    assert (value_function(nudged, p_r, p_g) <= best + 1e-13).all()


@pytest.mark.parametrize(("base", "value"), [(math.e, -1.3862943611198906), (2, -2.0), (10, -0.6020599913279624)])
def test_a_discriminator_that_does_not_know_scores_minus_two_log_two(random_distributions, base, value):
    p_r, p_g = random_distributions(100, 5), random_distributions(100, 5)
    half = torch.full_like(p_r, 0.5)
    expected = torch.full_like(p_r[:, 0], value)
    torch.testing.assert_close(value_function(half, p_r, p_g, base=base), expected, rtol=8 * EPS, atol=0)
    torch.testing.assert_close(
        value_function(half * 0, p_r, p_g, base=base, logits=True), expected, rtol=8 * EPS, atol=0
    )


def test_the_minimum_over_generators_is_reached_only_at_the_real_distribution(random_distributions):
    p_r, p_g = random_distributions(1000, 5), random_distributions(1000, 5)
    value = value_function(optimal_discriminator(p_r, p_g), p_r, p_g)
    assert (value > -2 * LOG2).all()
    same = value_function(optimal_discriminator(p_r, p_r), p_r, p_r)
    torch.testing.assert_close(same, torch.full_like(same, -2 * LOG2), rtol=8 * EPS, atol=0)


def test_logits_and_probabilities_give_one_value(random_distributions, rng, device):
    p_r, p_g = random_distributions(50, 5, zeros=0.2), random_distributions(50, 5)
    logit = torch.randn(50, 5, dtype=torch.float64, generator=rng).to(device)
    from_logits = value_function(logit, p_r, p_g, logits=True)
    torch.testing.assert_close(from_logits, value_function(logit.sigmoid(), p_r, p_g), rtol=1e-13, atol=0)
    cross_entropy = scipy.special.log_expit(logit.cpu().numpy()), scipy.special.log_expit(-logit.cpu().numpy())
    witness = (p_r.cpu().numpy() * cross_entropy[0] + p_g.cpu().numpy() * cross_entropy[1]).sum(-1)
    np.testing.assert_allclose(from_logits.cpu(), witness, rtol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_logits_of_a_thousand_are_scored_exactly(device, dtype):
    half = torch.tensor([0.5, 0.5], dtype=dtype, device=device)
    logit = torch.tensor([1000.0, -1000.0], dtype=dtype, device=device).requires_grad_()
    value = value_function(logit, half, half, logits=True)
    assert value.item() == -1000  # half of each distribution is certain and wrong, at a cost of 1000 nats
    (slope,) = torch.autograd.grad(value, logit)
    assert slope.tolist() == [-0.5, 0.5]
    apart = torch.tensor([1.0, 0.0], dtype=dtype, device=device)
    right = value_function(logit, apart, apart.flip(0), logits=True)
    assert -1e-30 <= right.item() <= 0


def test_being_certain_and_wrong_costs_everything_and_certain_and_right_nothing(t):
    p_r, p_g = t(0.5, 0.5, 0.0), t(0.0, 0.5, 0.5)
    assert value_function(t(0.0, 0.5, 0.0), p_r, p_g).item() == -math.inf
    assert value_function(t(1.0, 0.5, 1.0), p_r, p_g).item() == -math.inf
    assert value_function(t(1.0, 0.5, 0.0), p_r, p_g).item() == pytest.approx(-LOG2, rel=4 * EPS)
    assert value_function(t(math.inf, 0.0, -math.inf), p_r, p_g, logits=True).item() == pytest.approx(-LOG2)
    assert value_function(t(-math.inf, 0.0, -math.inf), p_r, p_g, logits=True).item() == -math.inf


def test_the_gradient_in_d_is_that_of_the_formula_and_finite_at_the_ends(random_distributions, t):
    p_r, p_g = random_distributions(2, 4).requires_grad_(), random_distributions(2, 4).requires_grad_()
    d = torch.full_like(p_r, 0.3, requires_grad=True)
    found = torch.autograd.grad(value_function(d, p_r, p_g).sum(), d)[0]
    torch.testing.assert_close(found, p_r / 0.3 - p_g / 0.7, rtol=1e-12, atol=1e-14)
    certain = t(1.0, 0.0).requires_grad_()
    p_r, p_g = t(1.0, 0.0), t(0.0, 1.0)
    (slope,) = torch.autograd.grad(value_function(certain, p_r, p_g), certain)
    assert slope.tolist() == [1.0, -1.0]  # p/d at d = 1, and -p/(1 - d) at d = 0
    wrong = t(0.0, 1.0).requires_grad_()
    (slope,) = torch.autograd.grad(value_function(wrong, p_r, p_g), wrong)
    assert torch.isfinite(slope).all()
    assert slope[0].item() > 1e300
    assert slope[1].item() < -1e300


def test_a_sigmoid_network_gets_finite_gradients_even_when_saturated(device):
    for dtype in (torch.float64, torch.float32):
        logit = torch.tensor([-2000.0, 2000.0, 0.0], dtype=dtype, device=device).requires_grad_()
        p_r = torch.tensor([0.5, 0.25, 0.25], dtype=dtype, device=device)
        value = value_function(logit.sigmoid(), p_r, p_r.flip(0))
        (slope,) = torch.autograd.grad(value, logit)
        assert torch.isfinite(slope).all()


def test_ascent_on_the_value_leads_to_the_optimal_discriminator(random_distributions):
    p_r, p_g = random_distributions(6), random_distributions(6)
    logit = torch.zeros_like(p_r).requires_grad_()
    optimizer = torch.optim.LBFGS([logit], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-12)

    def loss():
        optimizer.zero_grad()
        value = -value_function(logit, p_r, p_g, logits=True)
        value.backward()
        return value

    optimizer.step(loss)
    torch.testing.assert_close(logit.sigmoid(), optimal_discriminator(p_r, p_g), rtol=0, atol=1e-4)  # a flat top


def test_a_batch_of_values_is_a_loop_and_any_dimension_will_do(random_distributions):
    p_r, p_g = random_distributions(3, 4, 5), random_distributions(3, 4, 5)
    d = optimal_discriminator(p_r, p_g) / 2 + 0.1
    whole = value_function(d, p_r, p_g)
    for index in np.ndindex(3, 4):
        torch.testing.assert_close(whole[index], value_function(d[index], p_r[index], p_g[index]), rtol=1e-14, atol=0)
    for dim in (0, 1, -2):
        moved = (x.movedim(-1, dim) for x in (d, p_r, p_g))
        torch.testing.assert_close(value_function(*moved, dim=dim), whole, rtol=1e-14, atol=0)
    one_for_all = value_function(d[0, 0], p_r, p_g)
    torch.testing.assert_close(one_for_all, value_function(d[0, 0].expand_as(p_r), p_r, p_g), rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("logits", [False, True])
def test_values_keep_dtype_and_device(device, dtype, logits, random_distributions):
    p_r, p_g = random_distributions(20, 4, dtype=dtype), random_distributions(20, 4, dtype=dtype)
    d = torch.full_like(p_r, 0.25)
    value = value_function(d, p_r, p_g, logits=logits)
    assert (value.dtype, value.device.type) == (dtype, device.type)
    probability = scipy.special.expit(0.25) if logits else 0.25
    witness = p_r.double().sum(-1) * math.log(probability) + p_g.double().sum(-1) * math.log(1 - probability)
    torch.testing.assert_close(value.double(), witness, rtol=8 * torch.finfo(dtype).eps, atol=0)


# ---------------------------------------------------------------------------------------------- V between densities


@pytest.mark.parametrize(
    ("theta", "value"),
    [(0.0, -1.3862943611), (0.5, -1.3256717601), (1.0, -1.1634513968), (2.0, -0.7126327204), (4.0, -0.1208539736)],
)
def test_between_shifted_gaussians_the_value_is_the_ledgers(device, theta, value):
    p_r, p_g = gaussian(0, 1, device=device), gaussian(theta, 1, device=device)
    found = value_function(optimal_discriminator(p_r, p_g), p_r, p_g)
    assert float(found) == pytest.approx(value, rel=0, abs=1e-10)  # the ledger's ten decimals
    assert float(found) == pytest.approx(2 * float(js_between(p_r, p_g)) - 2 * LOG2, rel=0, abs=1e-9)


def test_between_other_distributions_the_value_is_twice_js_less_twice_log_two(device, t):
    pairs = [
        (gaussian_mixture([-2, 1], [0.3, 1], [0.2, 0.8], device=device), gaussian(0, 2, device=device)),
        (td.Laplace(t(0.0), t(1.0)), td.Normal(t(1.0), t(2.0))),
        (td.Exponential(t(1.0)), td.Normal(t(0.0), t(1.0))),
        (uniform(0, 1, device=device), uniform(0.5, 2, device=device)),
        (uniform(0, 1, device=device), uniform(5, 6, device=device)),
        (td.Cauchy(t(0.0), t(1.0)), td.Normal(t(0.0), t(1.0))),
    ]
    for p_r, p_g in pairs:
        found = value_function(optimal_discriminator(p_r, p_g), p_r, p_g)
        assert float(found) == pytest.approx(2 * float(js_between(p_r, p_g)) - 2 * LOG2, rel=0, abs=2e-9)


def test_any_discriminator_is_scored_as_scipy_scores_it_and_below_the_optimum(device):
    p_r, p_g = gaussian(0, 1, device=device), gaussian(1, 2, device=device)
    real, fake = scipy.stats.norm(0, 1), scipy.stats.norm(1, 2)
    best = float(value_function(optimal_discriminator(p_r, p_g), p_r, p_g))
    for slope, shift in ((0.0, 0.0), (-1.0, 0.5), (2.0, -1.0), (-0.3, 0.1)):

        def score(x, slope=slope, shift=shift):
            logit = slope * x + shift
            return real.pdf(x) * scipy.special.log_expit(logit) + fake.pdf(x) * scipy.special.log_expit(-logit)

        truth, doubt = scipy.integrate.quad(score, -40, 40, epsabs=1e-12, epsrel=1e-12, limit=500, points=[0, 1])
        logit = lambda x, slope=slope, shift=shift: slope * x + shift  # noqa: E731
        for found in (
            value_function(logit, p_r, p_g, logits=True),
            value_function(lambda x, logit=logit: logit(x).sigmoid(), p_r, p_g),
        ):
            assert float(found) == pytest.approx(truth, rel=1e-9, abs=doubt)
            assert float(found) < best


def test_a_network_can_be_the_discriminator_and_learns_from_its_value(device):
    p_r, p_g = gaussian(0, 1, device=device), gaussian(2, 1, device=device)
    weight = torch.zeros((), dtype=torch.float64, device=device, requires_grad=True)
    shift = torch.zeros((), dtype=torch.float64, device=device, requires_grad=True)
    value = value_function(lambda x: weight * x + shift, p_r, p_g, logits=True).value
    slopes = torch.autograd.grad(value, (weight, shift))
    # at logit 0: dV/dw = E_r[x]/2 - E_g[x]/2 = -1, dV/db = 1/2 - 1/2 = 0
    assert slopes[0].item() == pytest.approx(-1, rel=1e-8)
    assert slopes[1].item() == pytest.approx(0, abs=1e-9)


def test_certain_and_wrong_on_a_whole_region_costs_everything(device):
    p_r, p_g = gaussian(0, 1, device=device), gaussian(1, 1, device=device)
    zero_on_the_left = lambda x: (x > 0).to(x.dtype) / 2  # noqa: E731
    assert float(value_function(zero_on_the_left, p_r, p_g)) == -math.inf
    wrong = value_function(optimal_discriminator(uniform(0, 1, device=device), p_g), p_r, p_g)
    assert float(wrong) == -math.inf  # a discriminator for other data, sure that x < 0 is fake


def test_a_sigmoid_that_rounds_to_one_is_never_scored_with_a_wrong_number(device):
    p_r, p_g = gaussian(0, 1, device=device), gaussian(0, 1, device=device)
    truth, doubt = scipy.integrate.quad(
        lambda x: scipy.stats.norm.pdf(x) * (scipy.special.log_expit(10 * x) + scipy.special.log_expit(-10 * x)),
        -30, 30, epsabs=1e-12, points=[0], limit=500,
    )  # fmt: skip
    exact = value_function(lambda x: 10 * x, p_r, p_g, logits=True)
    assert float(exact) == pytest.approx(truth, rel=1e-9, abs=doubt)
    # from x = 3.7 on, 1 - D is 0 in floating point: minus infinity on a mass of 1e-4, which probabilities cannot score
    with contextlib.suppress(IntegrationError):
        assert float(value_function(lambda x: (10 * x).sigmoid(), p_r, p_g)) == -math.inf


@pytest.mark.parametrize("seed", range(3))
def test_by_monte_carlo_the_value_lies_within_four_standard_errors(device, seed):
    p_r, p_g = gaussian(0, 1, device=device), gaussian(2, 1, device=device)
    best = optimal_discriminator(p_r, p_g)
    generator = torch.Generator().manual_seed(seed)
    found = value_function(best, p_r, p_g, method="monte-carlo", samples=20_000, generator=generator)
    assert abs(float(found) - float(value_function(best, p_r, p_g))) <= 4 * found.error.item()
    assert found.error.item() < 0.01
    assert (found.method, found.evaluations) == ("monte-carlo", 40_000)


def test_by_monte_carlo_in_the_plane_it_is_the_ledgers_bound(device):
    p_r, p_g = ring(device=device), ring(radius=1.9, std=0.2, device=device)
    options = dict(method="monte-carlo", samples=20_000)
    found = value_function(
        optimal_discriminator(p_r, p_g), p_r, p_g, generator=torch.Generator().manual_seed(0), **options
    )
    js = js_between(p_r, p_g, generator=torch.Generator().manual_seed(1), **options)
    assert abs(float(found) - 2 * float(js) + 2 * LOG2) <= 4 * math.hypot(found.error.item(), 2 * js.error.item())
    half = value_function(lambda x: torch.full_like(x[..., 0], 0.5), p_r, p_g, **options)
    assert float(half) == pytest.approx(-2 * LOG2, rel=1e-12)  # no matter which points are drawn
    assert half.error.item() < 1e-12


def test_the_base_is_the_unit_of_the_value(device):
    p_r, p_g = gaussian(0, 1, device=device), gaussian(1, 1, device=device)
    best = optimal_discriminator(p_r, p_g)
    nats, bits = value_function(best, p_r, p_g), value_function(best, p_r, p_g, base=2)
    assert float(bits) * LOG2 == pytest.approx(float(nats), rel=4 * EPS)
    assert bits.error.item() * LOG2 == pytest.approx(nats.error.item(), rel=1e-9)
