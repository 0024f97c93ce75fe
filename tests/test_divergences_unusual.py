"""Densities as a stranger may give them: far away, concentrated, transformed, of one's own making; each number against
a closed form, or a witness that shares no code."""

import math

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import torch
import torch.distributions as td

from gantut.data import gaussian, gaussian_mixture, uniform
from gantut.divergences import (
    IntegrationError,
    js_between,
    kl_between,
    optimal_discriminator,
    total_variation_between,
    value_function,
)

pytestmark = pytest.mark.filterwarnings("error")

LOG2 = math.log(2)


def t(*values):
    return torch.tensor(values if len(values) > 1 else values[0], dtype=torch.float64)


def honest(estimate, truth, within=1e-9):
    """Whether the true error is at most the stated one (or a few roundings), and the stated one is small."""
    error = estimate.error.item()
    return abs(float(estimate) - truth) <= max(error, 1e-12 * (1 + abs(truth))) and error <= within * (1 + abs(truth))


# ---------------------------------------------------------------------------------------------- where they lie


@pytest.mark.parametrize("place", [1e8, -1e12])
@pytest.mark.parametrize("family", [td.Normal, td.Laplace, td.Gumbel, td.Cauchy])
def test_a_divergence_does_not_depend_on_where_both_distributions_lie(family, place):
    at, still = [(family(t(m), t(1.0)), family(t(m + 1), t(2.0))) for m in (place, 0.0)]  # m + 1 is exact
    for p, q in (at, at[::-1]):
        truth = td.kl_divergence(*(still if p is at[0] else still[::-1])).item()
        assert honest(kl_between(p, q), truth)
    assert float(js_between(*at)) == pytest.approx(float(js_between(*still)), rel=1e-9)


@pytest.mark.parametrize("place", [1e8, -1e12])
def test_uniform_distributions_and_mixtures_may_lie_anywhere_too(place):
    for p, q in (
        (td.Uniform(t(place), t(place + 1)), td.Uniform(t(place - 1), t(place + 3))),
        (uniform(place, place + 1), uniform(place - 1, place + 3)),
    ):
        assert honest(kl_between(p, q), math.log(4))
        assert float(kl_between(q, p)) == math.inf
    # two modes forty deviations apart, with weights 1/4 and 3/4 in p and 1/2 each in q
    truth = LOG2 + math.log(0.25) / 4 + 0.75 * math.log(0.75)
    weights, means = t(0.25, 0.75), t(place, place + 40)
    theirs = [td.MixtureSameFamily(td.Categorical(w), td.Normal(means, t(1.0, 1.0))) for w in (weights, t(0.5, 0.5))]
    ours = [gaussian_mixture([place, place + 40], 1, w) for w in ([0.25, 0.75], [0.5, 0.5])]
    for p, q in (theirs, ours):
        assert honest(kl_between(p, q), truth)


def test_each_of_a_batch_lies_where_it_lies_and_gradients_do_too():
    places = t(0.0, 1e8, -1e10).requires_grad_()
    estimate = kl_between(td.Normal(places, t(1.0)), td.Normal(t(1.0, 1e8 + 1, -1e10 + 2), t(2.0)))
    truth = td.kl_divergence(td.Normal(t(0.0), t(1.0)), td.Normal(t(1.0, 1.0, 2.0), t(2.0)))
    torch.testing.assert_close(estimate.value, truth, rtol=1e-9, atol=0)
    slopes = torch.autograd.grad(estimate.value.sum(), places)[0]
    torch.testing.assert_close(slopes, t(-0.25, -0.25, -0.5), rtol=1e-9, atol=0)  # (m - n) / 2²


@pytest.mark.parametrize(("away", "scale"), [(1e8, 1.0), (-1e8, 1.0), (1e8, 2.0**-10), (1e4, 2.0**-10)])
def test_distributions_that_lie_far_apart_have_their_distances(away, scale):
    near, far = td.Cauchy(t(0.0), t(1.0)), td.Cauchy(t(away), t(scale))
    # with the centres d apart, KL = log(((s + r)² + d²) / 4sr) (Chyzak and Nielsen 2019)
    truth = math.log(((1 + scale) ** 2 + away**2) / (4 * scale))
    assert honest(kl_between(near, far), truth, 1e-6)
    assert honest(kl_between(far, near), truth, 1e-6)
    normal, needle = td.Normal(t(0.0), t(1.0)), td.Normal(t(away), t(scale))
    assert honest(js_between(normal, needle), LOG2, 1e-5)
    assert honest(total_variation_between(normal, needle), 1.0, 1e-5)


def test_what_lies_too_far_away_for_floating_point_is_refused_with_that_cause():
    p, q = td.LogNormal(t(0.0), t(1e-13)), td.Normal(t(1.0), t(1e-13))
    with pytest.raises((ValueError, IntegrationError), match=r"too far|times its spread from 0"):
        kl_between(p, q)


@pytest.mark.parametrize("reach", [1e6, 1e20, 1e100, 1e300])
def test_an_interval_however_wide_hides_no_distribution(reach):
    p, q = td.Normal(t(0.0), t(1.0)), td.Normal(t(1.0), t(2.0))
    assert honest(kl_between(p, q, interval=(-reach, reach)), td.kl_divergence(p, q).item())
    p, q = td.Cauchy(t(0.0), t(1.0)), td.Cauchy(t(1.0), t(2.0))
    truth = td.kl_divergence(p, q).item()  # up to what lies outside, where log p/q is near log 1/2
    assert float(kl_between(p, q, interval=(-reach, reach))) == pytest.approx(truth, rel=1e-9, abs=1 / reach)


# ---------------------------------------------------------------------------------------------- concentrated


def gamma_kl(a, b):
    """KL of Gamma(a, 1) from Gamma(b, 1), to 40 digits."""
    with mpmath.workdps(40):
        a, b = mpmath.mpf(a), mpmath.mpf(b)
        return float((a - b) * mpmath.digamma(a) - mpmath.loggamma(a) + mpmath.loggamma(b))


def beta_kl(a, b, c, d):
    with mpmath.workdps(40):
        a, b, c, d, psi = *map(mpmath.mpf, (a, b, c, d)), mpmath.digamma
        constant = sum(mpmath.loggamma(s) for s in (c, d, a + b)) - sum(mpmath.loggamma(s) for s in (a, b, c + d))
        return float(constant + (a - c) * psi(a) + (b - d) * psi(b) + (c - a + d - b) * psi(a + b))


@pytest.mark.parametrize("size", [1e4, 1e6, pytest.param(1e7, marks=pytest.mark.slow)])
def test_concentrated_families_are_right_to_what_their_rounded_log_densities_allow(size):
    b = size + math.floor(math.sqrt(size))
    for p, q in ((td.Gamma, td.Gamma), (td.InverseGamma, td.InverseGamma)):  # invertible maps of one another
        assert honest(kl_between(p(t(size), t(1.0)), q(t(b), t(1.0))), gamma_kl(size, b), 1e-5)
    estimate = kl_between(td.Beta(t(size), t(size)), td.Beta(t(b), t(size)))
    assert honest(estimate, beta_kl(size, size, b, size), 1e-5)
    p, q = td.LogNormal(t(0.0), t(1 / size)), td.LogNormal(t(1 / size), t(2 / size))
    truth = td.kl_divergence(td.Normal(t(0.0), t(1.0)), td.Normal(t(1.0), t(2.0))).item()
    assert honest(kl_between(p, q), truth)
    # of the normal distribution with the same moments: a distance of order 1/size
    assert 0 < float(js_between(p, td.Normal(t(1.0), t(1 / size)))) < 1 / size


def test_a_log_density_in_single_precision_is_answered_to_its_digits_at_the_default_tolerance():
    class Rounded(td.Normal):
        def log_prob(self, value):
            return super().log_prob(value).float()

    estimate = kl_between(Rounded(t(0.0), t(1.0)), td.Normal(t(1.0), t(1.0)))
    assert abs(float(estimate) - 0.5) <= estimate.error.item() < 1e-5


@pytest.mark.parametrize("b", [0.5, 0.9, 0.95])
def test_a_tail_that_all_but_makes_the_divergence_infinite_is_counted(b):
    # E exp(-X) = 1/(1 - b²) is infinite from b = 1 on; at b = 0.95 a millionth of it lies beyond -250
    for size in (1.0, 2.0**-7):
        estimate = kl_between(td.Laplace(t(0.0), t(b * size)), td.Gumbel(t(0.0), t(size)))
        assert honest(estimate, 1 / (1 - b * b) - 1 - math.log(2 * b))
    with pytest.raises(IntegrationError, match="may be infinite"):
        kl_between(td.Laplace(t(0.0), t(1.01)), td.Gumbel(t(0.0), t(1.0)))


# ---------------------------------------------------------------------------------------------- transformed


CHAINS = {
    "exp exp": (td.Normal(t(0.0), t(1.0)), td.Normal(t(1.0), t(2.0)), [td.ExpTransform(), td.ExpTransform()]),
    "tanh": (td.Normal(t(1.0), t(20.0)), td.Normal(t(0.0), t(9.0)), [td.TanhTransform()]),
    "beside 1": (td.Normal(t(0.0), t(1.0)), td.Laplace(t(1.0), t(2.0)), [td.AffineTransform(1.0, -1e-9)]),
    "own cdf": (
        td.Normal(t(0.0), t(1.0)), td.Normal(t(1.0), t(2.0)),
        [td.CumulativeDistributionTransform(td.Normal(t(0.0), t(1.0)))],
    ),
    "log": (td.Gamma(t(0.5), t(1.0)), td.Gamma(t(2.0), t(1.0)), [td.ExpTransform().inv]),
    "logit": (td.Beta(t(0.5), t(0.5)), td.Beta(t(2.0), t(3.0)), [td.SigmoidTransform().inv]),
    "mirror": (td.Beta(t(0.5), t(0.5)), td.Beta(t(2.0), t(3.0)), [td.AffineTransform(1.0, -1.0)]),
    "-log": (
        td.Beta(t(0.5), t(0.5)), td.Beta(t(2.0), t(3.0)), [td.ComposeTransform([td.ExpTransform().inv]),
        td.AffineTransform(0.0, -1.0)],
    ),
    "tanh of beta": (td.Beta(t(0.5), t(0.5)), td.Beta(t(2.0), t(3.0)), [td.TanhTransform()]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_an_invertible_map_of_both_costs_no_digit(name):
    p, q, chain = CHAINS[name]
    moved = [td.TransformedDistribution(one, chain) for one in (p, q)]
    assert honest(kl_between(*moved), td.kl_divergence(p, q).item())
    assert honest(js_between(*moved), float(js_between(p, q)))


@pytest.mark.parametrize("name", ["exp exp", "tanh", pytest.param("logit", marks=pytest.mark.slow)])
def test_an_invertible_map_of_both_in_two_wordings_changes_nothing_either(name):
    p, q, chain = CHAINS[name]
    if name != "logit":  # narrower, as here no digits lie beyond 1 - 1e-16, nor numbers beyond 1e308
        p, q = td.Normal(t(0.0), t(0.5)), td.Normal(t(0.25), t(0.4))
    first = td.TransformedDistribution(p, chain)
    second = td.TransformedDistribution(q, [*chain, td.AffineTransform(0.0, 1.0)])
    assert honest(kl_between(first, second), td.kl_divergence(p, q).item(), 1e-6)


def test_a_map_that_is_learned_keeps_its_gradient_and_one_that_folds_is_no_map():
    m, s = t(0.5).requires_grad_(), t(1.5).requires_grad_()
    normal = td.Normal(t(0.0), t(1.0))
    p = td.TransformedDistribution(normal, [td.AffineTransform(m, s)])
    q = td.TransformedDistribution(td.Laplace(t(0.0), t(1.0)), [td.AffineTransform(t(0.5), t(1.5))])  # equal, for now
    found = torch.autograd.grad(kl_between(p, q).value, (m, s))
    truth = torch.autograd.grad(td.kl_divergence(td.Normal(m, s), td.Laplace(t(0.5), t(1.5))), (m, s))
    torch.testing.assert_close(found, truth, rtol=1e-8, atol=1e-9)
    squares = [td.TransformedDistribution(one, [td.PowerTransform(t(2.0))]) for one in (normal, td.Normal(m, s))]
    with pytest.raises(ValueError, match=r"p must have total mass 1, but integrates to 0\.5"):  # of one root alone
        kl_between(*squares)


def test_inverse_gamma_distributions_without_a_mean_are_found():
    p, q = td.InverseGamma(t(2.0), t(1.0)), td.InverseGamma(t(1.0), t(2.0))
    truth = td.kl_divergence(p, q).item()
    assert honest(kl_between(p, q), truth)
    for method in (td.Exponential(t(1.0)), td.HalfCauchy(t(1.0))):
        assert 0 < float(js_between(q, method)) < LOG2  # beside another family, nothing is undone


# ---------------------------------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("order", [1, -1])
def test_a_log_density_that_overflows_has_its_gradient_all_the_same(order):
    m, s = t(2.0).requires_grad_(), t(1.0).requires_grad_()
    pair = (td.Gumbel(m, s), td.Gumbel(t(3.0), t(2.0)))[::order]
    found = torch.autograd.grad(kl_between(*pair).value, (m, s))
    torch.testing.assert_close(found, torch.autograd.grad(td.kl_divergence(*pair), (m, s)), rtol=1e-8, atol=0)
    log_gamma = td.TransformedDistribution(td.Gamma(m, s), [td.ExpTransform().inv])
    for between in (kl_between, js_between, total_variation_between):
        value, still = between(log_gamma, td.Normal(t(1.0), t(1.0))).value, []
        for step in (1e-5, -1e-5):
            nudged = td.TransformedDistribution(td.Gamma(m.detach() + step, s.detach()), [td.ExpTransform().inv])
            still.append(float(between(nudged, td.Normal(t(1.0), t(1.0)))))
        slope = torch.autograd.grad(value, m)[0].item()
        assert slope == pytest.approx((still[0] - still[1]) / 2e-5, rel=1e-5)


# ---------------------------------------------------------------------------------------------- of one's own


class Own:
    """N(0, 1), with whatever else a class may have."""

    def __init__(self, log_prob=None, **more):
        vars(self).update(more)
        self.given = log_prob or td.Normal(t(0.0), t(1.0)).log_prob

    def log_prob(self, x):
        return self.given(x)


@pytest.mark.parametrize(
    "more",
    [
        dict(mean=0.0, stddev=1), dict(mean=lambda: 0.0, stddev=lambda: 1.0), dict(mean=math.nan, stddev=1.0),
        dict(mean=t(0.0), stddev=t(0.0)), dict(support="the line"), dict(support=(-math.inf, math.inf), batch_shape=[]),
    ],
)  # fmt: skip
def test_attributes_of_another_kind_do_no_harm(more):
    assert honest(kl_between(Own(**more), td.Normal(t(1.0), t(1.0))), 0.5)


@pytest.mark.parametrize(
    ("log_prob", "given"),
    [
        (lambda x: x.sum(), r"torch.float64 of shape \(\)"),
        (lambda x: x[:, None].expand(-1, 3), r"torch.float64 of shape \(\d+, 3\)"),
        (lambda x: 0.5, "0.5"),
        (lambda x: x.numpy(), "array"),
        (lambda x: x.long(), "torch.int64 of shape"),
    ],
)
def test_a_log_prob_must_give_a_number_for_each_point(log_prob, given):
    for arguments in ((Own(log_prob), td.Normal(t(0.0), t(1.0))), (td.Normal(t(0.0), t(1.0)), Own(log_prob))):
        with pytest.raises(ValueError, match=rf"its log_prob must map points of shape .* not to {given}"):
            js_between(*arguments)


def test_who_is_not_a_number_is_named():
    normal = td.Normal(t(0.0), t(1.0))
    hole = Own(lambda x: torch.where(x > 3, math.nan, normal.log_prob(x)))
    with pytest.raises(ValueError, match="q is NaN where p has mass"):
        kl_between(normal, hole)


def test_classes_and_empty_batches_are_no_distributions():
    normal = td.Normal(t(0.0), t(1.0))
    with pytest.raises(ValueError, match="p must be a distribution, not the class Normal"):
        kl_between(td.Normal, normal)
    with pytest.raises(ValueError, match="d must be a function of x or a tensor, not the class Sigmoid"):
        value_function(torch.nn.Sigmoid, normal, normal)
    with pytest.raises(ValueError, match="must not have an empty batch"):
        kl_between(td.Normal(torch.zeros(0), 1.0), normal)


# ---------------------------------------------------------------------------------------------- discriminators


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (td.Beta(t(0.5), t(0.5)), td.Beta(t(2.0), t(2.0))),
        (td.Beta(t(2.0), t(2.0)), td.Beta(t(0.5), t(0.25))),
        (td.Gamma(0.5, 1.0), td.Gamma(2.0, 1.0)),  # torch computes these in single precision
        (td.Normal(t(1e8), t(1.0)), td.Normal(t(1e8 + 1), t(2.0))),
        (td.Uniform(t(0.0), t(1.0)), td.Uniform(t(1.0), t(2.0))),
    ],
)
def test_the_optimal_value_is_that_of_js_also_where_points_have_too_few_digits(p, q):
    best, truth = optimal_discriminator(p, q), 2 * float(js_between(p, q)) - 2 * LOG2
    assert honest(value_function(best, p, q), truth)
    asked = value_function(lambda x: best.logit(x), p, q, logits=True)  # as of any function of x
    assert abs(float(asked) - truth) <= max(asked.error.item(), 1e-12)
    assert asked.error.item() < 1e-5


@pytest.mark.parametrize("tail", [scipy.stats.cauchy(), scipy.stats.t(1.5)])
@pytest.mark.parametrize("order", [1, -1])
def test_a_discriminator_is_asked_where_a_heavy_tail_is_not_where_the_light_one_ends(tail, order):
    u = np.linspace(-40, 40, 100_001)  # equal steps in u = asinh x: for smooth densities, exact to rounding
    x, light = np.sinh(u), scipy.stats.gumbel_r()
    with np.errstate(over="ignore"):
        densities = [light.pdf(x), tail.pdf(x)][::order]
    logit = np.log1p(x * x) - 1
    terms = densities[0] * scipy.special.log_expit(logit) + densities[1] * scipy.special.log_expit(-logit)
    truth = np.trapezoid(terms * np.cosh(u), u)
    heavy = td.StudentT(t(1.5)) if "1.5" in str(tail.args) else td.Cauchy(t(0.0), t(1.0))
    pair = (td.Gumbel(t(0.0), t(1.0)), heavy)[::order]
    found = value_function(lambda x: torch.log1p(x * x) - 1, *pair, logits=True)
    assert float(found) == pytest.approx(truth, abs=max(found.error.item(), 1e-9))


def test_beside_an_end_a_function_of_x_is_not_taken_for_infinite():
    # D is sure only at x = 1 itself, where no mass is, but what is rounded
    p, q = td.Beta(t(2.0), t(0.5)), td.Uniform(t(0.0), t(1.0))
    found = value_function(lambda x: 1 - (1 - x).sqrt() / 2, p, q)
    truth, doubt = scipy.integrate.quad(
        lambda y: scipy.stats.beta(0.5, 2).pdf(y) * math.log1p(-math.sqrt(y) / 2) + math.log(math.sqrt(y) / 2),
        0, 1, epsabs=1e-11,
    )  # fmt: skip
    assert abs(float(found) - truth) <= max(found.error.item(), 1e-12) + doubt


@pytest.mark.parametrize("value", [lambda x: x > 0, lambda x: x.sigmoid() + 0j, lambda x: torch.ones_like(x).long()])
def test_a_discriminator_gives_floating_point_numbers(value):
    normal = td.Normal(t(0.0), t(1.0))
    with pytest.raises(ValueError, match=r"d must map points of shape .* to a floating point tensor"):
        value_function(value, normal, normal)
    single = value_function(lambda x: (x * 0 + 0.5).float(), normal, normal)
    assert float(single) == pytest.approx(-2 * LOG2, rel=1e-12)


def test_the_optimal_discriminator_is_a_number_at_poles_and_far_out():
    p, q = td.Beta(t(0.5), t(0.5)), td.Beta(t(0.5), t(0.5))
    assert optimal_discriminator(p, q)(t(0.0, 0.5, 1.0)).tolist() == [0.5, 0.5, 0.5]
    single = optimal_discriminator(td.Gamma(0.5, 1.0), td.Gamma(2.0, 1.0))
    x = t(1e-300, 1.0, 1e39, 1e300)
    truth = -1.5 * x.log() - math.lgamma(0.5)  # log of x^(-1/2) / Γ(1/2) less that of x
    torch.testing.assert_close(single.logit(x)[:2], truth[:2], rtol=1e-12, atol=0)
    assert not single.logit(x).isnan().any()
    with pytest.raises(ValueError, match="x must broadcast with p_r's batch"):
        optimal_discriminator(td.Normal(t(0.0, 1.0), t(1.0)), td.Normal(t(0.0), t(1.0)))(t(1.0, 2.0, 3.0))


# ---------------------------------------------------------------------------------------------- Monte Carlo


def sampled(p, q):
    return kl_between(p, q, method="monte-carlo", samples=20_000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "p",
    [
        td.Beta(t(0.01), t(0.01)),  # a third of its mass is nearer to 1 than any number
        td.Kumaraswamy(t(0.3), t(0.3)),
        td.RelaxedBernoulli(t(0.05), logits=t(0.0)),
        td.TransformedDistribution(td.Normal(t(0.0), t(8.0)), [td.TanhTransform()]),
        gaussian(1e8, 1, dtype=torch.float32),
    ],
)
def test_samples_that_floating_point_cannot_tell_apart_are_no_witnesses(p):
    with pytest.raises(ValueError, match=r'p has samples that floating point rounds .* choose method="quadrature"'):
        sampled(p, gaussian(0, 1) if hasattr(p, "means") else td.Normal(t(0.0), t(1.0)))


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [
        (td.Gamma(0.05, 1.0), td.Gamma(1.0, 1.0), gamma_kl(float(torch.tensor(0.05)), 1.0)),
        (td.Normal(1e7, 1.0), td.Normal(1e7, 2.0), LOG2 - 0.375),
        (
            td.Dirichlet(torch.full((2,), 0.3)),
            td.Dirichlet(torch.ones(2)),
            beta_kl(*[float(np.float32(0.3))] * 2, 1, 1),
        ),
    ],
)
def test_single_precision_parameters_are_sampled_in_double(p, q, truth):
    estimate = sampled(p, q)
    assert estimate.value.dtype == torch.float64
    assert abs(float(estimate) - truth) <= 5 * estimate.error.item()
