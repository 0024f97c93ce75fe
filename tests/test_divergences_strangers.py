"""Densities that a stranger may hand over: needles in a batch, chains of transforms, scales of all sizes, and what
torch itself computes from rounded numbers; each against a closed form."""

import math

import mpmath
import numpy as np
import pytest
import torch
import torch.distributions as td

from gantut.data import gaussian, gaussian_mixture, uniform
from gantut.divergences import (
    IntegrationError,
    js_between,
    js_divergence,
    kl_between,
    kl_divergence,
    optimal_discriminator,
    total_variation_between,
    value_function,
)

pytestmark = pytest.mark.filterwarnings("error", "ignore:.torch.jit.script:DeprecationWarning")

LOG2 = math.log(2)
SLOW = pytest.mark.slow


def t(*values, dtype=torch.float64):
    return torch.tensor(values if len(values) > 1 else values[0], dtype=dtype)


def honest(estimate, truth, within=1e-8):
    """Whether the true error is at most the stated one (or a few roundings), and the stated one is small."""
    error, truth = estimate.error, torch.as_tensor(truth, dtype=torch.float64)
    size = 1 + truth.abs()
    near = (estimate.value.detach() - truth).abs() <= torch.maximum(error, 1e-12 * size)
    return bool((near & (error <= within * size)).all())


def normal_kl(m, s, n, r):
    return math.log(r / s) + (s**2 + (m - n) ** 2) / (2 * r**2) - 0.5


def after(distribution, *transforms):
    return td.TransformedDistribution(distribution, list(transforms))


# ---------------------------------------------------------------------------------------------- batches


@pytest.mark.parametrize("many", [1, 20])
def test_a_needle_of_little_weight_counts_in_a_batch_of_any_size(many):
    # at 1000, with a ten-millionth of the mass, where q has none: 1e-7 times 500,000 nats
    weights, means, scales = (t(*pair).expand(many, 2) for pair in ((1 - 1e-7, 1e-7), (0.0, 1e3), (1.0, 1e-3)))
    p = td.MixtureSameFamily(td.Categorical(weights), td.Normal(means, scales))
    truth = (1 - 1e-7) * math.log1p(-1e-7) + 1e-7 * (math.log(1e-7) + normal_kl(1e3, 1e-3, 0, 1))
    assert honest(kl_between(p, td.Normal(t(0.0), t(1.0))), truth)
    thin = td.Normal(torch.linspace(-1, 1, many).double(), t(1e-6))
    wide = td.Normal(t(1.0), t(1.0))
    assert honest(kl_between(thin, wide), td.kl_divergence(thin, wide), 1e-7)


@pytest.mark.skipif(not hasattr(td, "GeneralizedPareto"), reason="torch < 2.10 has no such family")
def test_an_end_may_be_finite_in_one_distribution_of_a_batch_and_infinite_in_the_next():
    bend = t(-0.5, 0.5)
    p, q = td.GeneralizedPareto(t(0.0), t(1.0), bend), td.Exponential(t(1.0))
    # the entropy is 1 + bend, the mean 1 / (1 - bend)
    assert honest(kl_between(p, q), 1 / (1 - bend) - 1 - bend)
    mirrored = after(td.Exponential(t(1.0)), td.AffineTransform(t(0.0, 1.0), t(-1.0, 2.0)))
    alone = [after(td.Exponential(t(1.0)), td.AffineTransform(*pair)) for pair in ((0.0, -1.0), (1.0, 2.0))]
    normal = td.Normal(t(0.0), t(1.0))
    for between in (js_between, total_variation_between):
        assert honest(between(mirrored, normal), [float(between(one, normal)) for one in alone], 1e-7)


# ---------------------------------------------------------------------------------------------- rounded by torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_transforms_of_rounded_reciprocals_are_not_undone(dtype):
    a, b, d = (t(value, dtype=dtype) for value in (1.2, 0.3, 2.9))
    truth = (b.double() / d.double()).log() + d.double() / b.double() - 1  # x -> x^a makes them Kumaraswamy(1, .)
    assert honest(kl_between(td.Kumaraswamy(a, b), td.Kumaraswamy(a, d)), truth)
    k, c = mpmath.mpf(a.item()), mpmath.mpf(d.item())
    truth = mpmath.log(k / c) + (c - k) * mpmath.euler / k + mpmath.gamma(1 + c / k) - 1  # Bauckhage (2013)
    assert honest(kl_between(td.Weibull(b, a), td.Weibull(b, d)), float(truth))


@pytest.mark.parametrize(
    "dtype", [torch.int64, torch.bfloat16, *(pytest.param(kind, marks=SLOW) for kind in (torch.int8, torch.float16))]
)
def test_parameters_of_any_dtype_mean_the_numbers_that_they_hold(dtype):
    def n(value):
        return t(value, dtype=dtype)

    for p, q, truth in (
        (td.Normal(n(0), n(3)), td.Normal(n(1), n(7)), normal_kl(0, 3, 1, 7)),
        (td.Gamma(n(3), n(2)), td.Gamma(n(5), n(1)), -2 * float(mpmath.digamma(3)) + math.log(384) - 1.5),
        (td.Beta(n(2), n(3)), td.Beta(n(1), n(1)), math.log(12) - 2.25),
    ):
        assert honest(kl_between(p, q), truth)
    draws = kl_between(p, q, method="monte-carlo", samples=1000, generator=torch.Generator().manual_seed(0))
    assert abs(float(draws) - truth) <= 5 * draws.error.item()


@pytest.mark.parametrize("slope", [-800.0, 30.0, 0.005, *(pytest.param(s, marks=SLOW) for s in (-50.0, 100.0, 0.02))])
def test_a_continuous_bernoulli_distribution_is_as_steep_as_its_logits_say(slope):
    logits, flat = t(slope).requires_grad_(), td.Uniform(t(0.0), t(1.0))
    with mpmath.workdps(30):
        s = mpmath.mpf(slope)
        mean = 1 / (1 - mpmath.exp(-s)) - 1 / s
        truth, back = s * mean - mpmath.log(mpmath.expm1(s) / s), mpmath.log(mpmath.expm1(s) / s) - s / 2
        steepness = s * (1 / s**2 - 1 / (4 * mpmath.sinh(s / 2) ** 2))
    estimate = kl_between(td.ContinuousBernoulli(logits=logits), flat)
    assert honest(estimate, float(truth))
    assert torch.autograd.grad(estimate.value, logits)[0].item() == pytest.approx(float(steepness), rel=1e-7)
    assert honest(kl_between(flat, td.ContinuousBernoulli(logits=t(slope))), float(back))


# ---------------------------------------------------------------------------------------------- chains of transforms


def test_the_logarithm_of_a_gamma_distribution_with_a_pole_is_a_distribution_like_others():
    a, m, s = 0.5, -1.0, 2.0
    p = after(td.Gamma(t(a), t(1.0)), td.ExpTransform().inv)
    entropy = float(mpmath.loggamma(a) - a * mpmath.digamma(a) + a)
    mean, variance = float(mpmath.digamma(a)), float(mpmath.polygamma(1, a))
    truth = math.log(s) + math.log(2 * math.pi) / 2 + (variance + (mean - m) ** 2) / (2 * s * s) - entropy
    assert honest(kl_between(p, td.Normal(t(m), t(s))), truth)
    # E e^X = e^(m + s²/2), though e^X overflows from 710 on
    truth = -math.log(s) - math.log(2 * math.pi * math.e) / 2 + math.lgamma(a) - a * m + math.exp(m + s * s / 2)
    assert honest(kl_between(td.Normal(t(m), t(s)), p), truth)


@pytest.mark.parametrize("spread", [3.0, 12.0])
def test_a_sigmoid_keeps_what_lies_nearer_to_one_than_any_number(spread):
    a, b, m = 0.3, 0.2, 1.0
    p, q = td.Beta(t(a), t(b)), after(td.Normal(t(m), t(spread)), td.SigmoidTransform())
    psi, log_x, log_rest = mpmath.digamma, *(float(mpmath.digamma(s) - mpmath.digamma(a + b)) for s in (a, b))
    variance = float(mpmath.polygamma(1, a) + mpmath.polygamma(1, b))
    truth = -float(mpmath.log(mpmath.beta(a, b))) + a * log_x + b * log_rest + math.log(spread)
    truth += math.log(2 * math.pi) / 2 + (variance + (float(psi(a) - psi(b)) - m) ** 2) / (2 * spread**2)
    assert honest(kl_between(p, q), truth)


def test_a_transform_need_not_say_that_it_rises_and_a_chain_may_be_empty():
    class Mirror(td.Transform):
        domain = codomain = td.constraints.real
        bijective = True

        def _call(self, x):
            return -x

        def _inverse(self, y):
            return -y

        def log_abs_det_jacobian(self, x, y):
            return torch.zeros_like(x)

    p, q = td.Exponential(t(1.0)), td.Exponential(t(3.0))
    truth = td.kl_divergence(p, q).item()
    assert honest(kl_between(after(p, Mirror()), after(q, Mirror())), truth)
    assert float(kl_between(after(p, Mirror()), q)) == math.inf
    assert honest(kl_between(after(p), after(q)), truth)


# ---------------------------------------------------------------------------------------------- scales


@pytest.mark.parametrize(
    ("narrow", "wide"), [(1e-5, 1e30), pytest.param(1e-30, 1e30, marks=SLOW), pytest.param(1e-100, 1.0, marks=SLOW)]
)
def test_scales_may_differ_by_any_power_of_ten(narrow, wide):
    p, q = td.Cauchy(t(0.0), t(narrow)), td.Cauchy(t(0.0), t(wide))
    truth = 2 * math.log(narrow / wide + 1) + math.log(wide / narrow) - math.log(4)
    assert honest(kl_between(p, q), truth)
    assert honest(kl_between(q, p), truth)
    assert honest(kl_between(td.Normal(t(0.0), t(narrow)), td.Normal(t(0.0), t(wide))), normal_kl(0, narrow, 0, wide))
    assert honest(js_between(td.Laplace(t(0.0), t(narrow)), td.Laplace(t(0.0), t(wide))), LOG2)


def test_a_skewed_distribution_is_looked_for_where_it_is_and_not_at_its_mean():
    m, s, r = 1.7, 18.0, 1e-4  # the mean of the log-normal distribution is e^164
    p, q = td.HalfNormal(t(r)), td.LogNormal(t(m), t(s))
    log_x = math.log(r) - (float(mpmath.euler) + LOG2) / 2
    truth = math.log(2 / math.pi) / 2 - math.log(r) - 0.5 + log_x + math.log(s) + math.log(2 * math.pi) / 2
    truth += (math.pi**2 / 8 + (log_x - m) ** 2) / (2 * s * s)
    assert honest(kl_between(p, q), truth)


def test_a_value_that_floating_point_cannot_hold_is_not_cut_off():
    with pytest.raises(IntegrationError, match="does not converge"):  # 5e299
        kl_between(td.Normal(t(0.0), t(1.0)), td.Normal(t(0.0), t(1e-150)))


@pytest.mark.parametrize("away", [1e7, pytest.param(1e6, marks=SLOW)])
def test_components_with_kinks_may_lie_far_apart(away):
    p, q = (
        td.MixtureSameFamily(td.Categorical(t(0.5, 0.5)), td.Laplace(t(-away + shift, away + shift), t(1.0, 1.0)))
        for shift in (0.0, 0.5)
    )
    assert honest(kl_between(p, q), math.exp(-0.5) - 0.5, 1e-6)


# ---------------------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 0.1), pytest.param(0.0, 0.7, marks=SLOW), pytest.param(-0.2, 1 / 3, marks=SLOW)]
)
def test_ends_that_are_plain_numbers_keep_their_digits(low, high):
    class Own:
        support = td.constraints.interval(low, high)

        def log_prob(self, x):
            return torch.full_like(x, -math.log(high - low))

    theirs, normal = td.Uniform(t(low), t(high)), td.Normal(t(0.0), t(1.0))
    entropy, square = math.log(high - low), (high**3 - low**3) / (3 * (high - low))
    for ours in (uniform(low, high), Own()):
        for between in (kl_between, js_between, total_variation_between):
            assert honest(between(ours, theirs), 0)
            assert honest(between(theirs, ours), 0)
        assert honest(kl_between(ours, normal), square / 2 + math.log(2 * math.pi) / 2 - entropy)


def test_supports_that_differ_by_the_last_digit_differ():
    below = math.nextafter(1.0, 0.0)
    for build in (lambda low, high: td.Uniform(t(low), t(high)), uniform):
        long, short = build(0.0, 1.0), build(0.0, below)
        assert float(kl_between(long, short)) == math.inf
        assert 0 <= float(kl_between(short, long)) < 1e-12
    assert float(kl_between(td.Pareto(t(1.0), t(1.0)), td.Pareto(t(1 + 2.0**-52), t(1.0)))) == math.inf


def test_bounds_hold_to_the_last_digit():
    random = np.random.default_rng(0)
    apart = [(td.Uniform(t(0.0), t(1.0)), td.Uniform(t(1.0), t(2.0))), (gaussian(0, 1), gaussian(90, 1))]
    close = [(gaussian(0, 1), gaussian(m, 1)) for m in random.uniform(0, 1e-7, 2)]
    close += [(td.Gamma(t(a), t(1.0)), td.Gamma(t(a), t(1 + 1e-12))) for a in random.uniform(0.1, 5, 2)]
    for p, q in (*apart, *close):
        assert 0 <= float(js_between(p, q)) <= LOG2
        assert 0 <= float(js_between(p, q, base=2)) <= 1
        assert 0 <= float(total_variation_between(p, q)) <= 1
        assert float(kl_between(p, q)) >= 0
    place = t(1e-9).requires_grad_()
    (slope,) = torch.autograd.grad(kl_between(td.Normal(place, t(1.0)), td.Normal(t(0.0), t(1.0))).value, place)
    assert slope.item() == pytest.approx(1e-9, abs=1e-12)  # a bound stops no gradient


@pytest.mark.parametrize("rtol", [0.4, pytest.param(1e-2, marks=SLOW)])
def test_a_loose_tolerance_is_no_reason_to_refuse(rtol):
    for p, q in (
        (td.Cauchy(t(4.76), t(2.1)), td.Cauchy(t(-4.2), t(0.426))),
        (td.Laplace(t(4.0), t(0.26)), td.Laplace(t(-1.0), t(8.3))),
    ):
        assert honest(kl_between(p, q, rtol=rtol), td.kl_divergence(p, q), rtol)


def test_an_estimate_that_has_a_gradient_is_a_number_without_a_warning():
    place = t(1.0).requires_grad_()
    assert float(kl_between(td.Normal(place, t(1.0)), td.Normal(t(0.0), t(1.0)))) == pytest.approx(0.5, rel=1e-9)


# ---------------------------------------------------------------------------------------------- discriminators


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_a_log_density_overflows_the_optimal_discriminator_is_that_of_a_point_on_the_way(dtype):
    def between(family, *common):
        return optimal_discriminator(*(family(*common, t(0.0, dtype=dtype), t(s, dtype=dtype)) for s in (1.0, 2.0)))

    out = torch.finfo(dtype).max / 8
    x = torch.tensor([out**0.5 * 3, out, -out], dtype=dtype)
    assert between(td.Normal)(x).tolist() == [0, 0, 0]
    assert between(td.Gumbel)(-x)[:2].tolist() == [0, 0]
    torch.testing.assert_close(between(td.Cauchy)(x), torch.full_like(x, 1 / 3))  # (1/x²) / (1/x² + 2/x²)
    assert optimal_discriminator(td.Exponential(1.0), td.Exponential(2.0))(x).tolist() == [1, 1, 0.5]


def test_a_logit_that_is_infinite_leaves_the_gradients_of_others_alone():
    p, q = t(0.0, 0.0, 0.5).requires_grad_(), t(0.0, 0.5, 0.25)
    logit = optimal_discriminator(p, q, logits=True)
    assert logit.tolist() == [0, -math.inf, pytest.approx(LOG2)]
    assert torch.autograd.grad(logit[2], p)[0].tolist() == [0, 0, 2]


@SLOW
def test_derivatives_in_forward_mode_are_those_of_backward_mode():
    logits, q, along = t(0.2, -0.4, 1.3), t(0.5, 0.3, 0.2), t(1.0, -2.0, 0.5)
    for function in (
        lambda x: kl_divergence(x.softmax(-1), q),
        lambda x: js_divergence(x.softmax(-1), q),
        lambda x: value_function(x.sigmoid(), q, q.flip(0)),
    ):
        slope = torch.func.grad(function)(logits)
        torch.testing.assert_close(torch.func.jvp(function, (logits,), (along,))[1], slope @ along)
        hessian = torch.autograd.functional.hessian(function, logits)
        torch.testing.assert_close(torch.func.jacfwd(torch.func.grad(function))(logits), hessian)
    with pytest.raises(ValueError, match=r"d must be outside of torch\.func"):
        torch.func.vmap(lambda d: value_function(d, q, q))(torch.stack([q, q]))


def test_mixtures_of_normal_distributions_far_apart_keep_their_distance():
    p, q = (gaussian_mixture([-1e8 + shift, 1e8 + shift], 1.0) for shift in (0.0, 0.5))
    assert honest(kl_between(p, q), 0.125, 1e-6)
