"""Divergences over all families of torch.distributions: within the stated error of a witness, or a named error."""

import math
import warnings

import mpmath
import numpy as np
import pytest
import torch
import torch.distributions as td
from density_witness import FAMILIES, VON_MISES, divergence

from gantut.divergences import IntegrationError, js_between, kl_between, total_variation_between

BETWEEN = {"kl": kl_between, "js": js_between, "tv": total_variation_between}
TOGETHER = 16  # cases that are answered in one call
REFUSED = (ValueError, IntegrationError)
KNOWN = {name: family for name, family in FAMILIES.items() if family.build is not None}  # older torch has fewer


def double(*values):
    return tuple(torch.tensor(value, dtype=torch.float64) for value in values)


def draw(random, name, dtype):
    """Return random parameters of a family: as tensors, and as the numbers that these hold, for each case."""
    tensors = [torch.tensor([one(random) for _ in range(TOGETHER)], dtype=dtype) for one in KNOWN[name].draw]
    numbers = [tensor.double() for tensor in tensors]
    if name == "Uniform":  # its end is a sum, rounded
        numbers[1] = (tensors[0] + tensors[1]).double() - numbers[0]
    return tensors, np.stack([number.numpy() for number in numbers], 1).tolist()


def answers(between, first, second, p, q):
    """Return (value, error) for every case, or why there is none: the batch at once, or one by one if it is refused."""
    try:
        estimate = between(first.build(*p), second.build(*q))
        return list(zip(estimate.value.tolist(), estimate.error.tolist(), strict=True))
    except REFUSED:
        return [alone(between, first, second, p, q, case) for case in range(TOGETHER)]


def alone(between, first, second, p, q, case):
    try:
        estimate = between(first.build(*(part[case] for part in p)), second.build(*(part[case] for part in q)))
    except REFUSED as refusal:
        return str(refusal), None
    return float(estimate), estimate.error.item()


def outside(kind, cases, seed):
    """Return the cases in which a value is further from its witness than its stated error, and how many were refused.

    The witness counts where its two step sizes agree to 1e-9: otherwise the integral is infinite, or out of its reach,
    and where they agree to 1e-6 alone, the next digits may be wrong by fifteen times their difference: mpmath and the
    closed form say so of Exponential || two Normals and InverseGamma || Weibull.
    """
    random = np.random.default_rng(seed)
    wrong, refused, decided = [], 0, 0
    for _ in range(cases // TOGETHER + 1):
        names = [str(name) for name in random.choice(list(KNOWN), 2)]
        names = [names[0]] * 2 if random.random() < 0.3 else names
        dtype = torch.float32 if random.random() < 0.5 else torch.float64
        first, second = (KNOWN[name] for name in names)
        (p, p_numbers), (q, q_numbers) = (draw(random, name, dtype) for name in names)
        found = answers(BETWEEN[kind], first, second, p, q)
        for (value, error), one, other in zip(found, p_numbers, q_numbers, strict=True):
            truth, doubt = divergence(kind, (first, one), (second, other))
            if doubt > 1e-9 * (1 + abs(truth)):
                continue
            decided += 1
            refused += error is None
            if error is not None and value != truth and not abs(value - truth) <= max(error, 1e-12) + doubt:
                wrong.append((names, one, other, dtype, value, error, truth, doubt))
    return wrong, refused, decided


@pytest.mark.parametrize("kind", BETWEEN)
def test_no_value_is_further_from_its_witness_than_its_stated_error(kind):
    wrong, refused, decided = outside(kind, 200, seed=1)
    assert wrong == []
    assert decided > 120
    assert refused <= decided / 50  # an error is honest, but no answer


@pytest.mark.slow
@pytest.mark.parametrize("kind", BETWEEN)
def test_of_ten_thousand_values_none_is_further_from_its_witness_than_its_stated_error(kind):
    wrong, refused, decided = outside(kind, 10_000, seed=2)
    assert wrong == []
    assert decided > 7000
    assert refused <= decided / 50


@pytest.mark.parametrize("name", KNOWN)
def test_every_family_is_answered_in_both_precisions_and_samples_agree(name):
    random = np.random.default_rng(3)
    for dtype in (torch.float32, torch.float64):
        (tensors, numbers), (others, other_numbers) = draw(random, name, dtype), draw(random, name, dtype)
        for case in range(TOGETHER):  # until nothing depends on points that are too rare for 4000 samples to hit
            truth, doubt = divergence("js", (KNOWN[name], numbers[case]), (KNOWN[name], other_numbers[case]))
            if 0.05 < truth < 0.6:
                break
        p, q = (KNOWN[name].build(*(part[case] for part in parts)) for parts in (tensors, others))
        estimate = js_between(p, q)
        assert abs(float(estimate) - truth) <= max(estimate.error.item(), 1e-12) + 3 * doubt
        sampled = js_between(p, q, method="monte-carlo", samples=4000, generator=torch.Generator().manual_seed(0))
        assert abs(float(sampled) - truth) <= 5 * sampled.error.item() + 1e-6  # Monte Carlo, as a guard


# ---------------------------------------------------------------------------------------------- what was wrong once


def beta_kl(a, b, c, d):
    """KL of two Beta distributions in closed form, to 30 digits."""
    with mpmath.workdps(30):
        psi = mpmath.digamma
        return float(
            mpmath.log(mpmath.beta(c, d) / mpmath.beta(a, b))
            + (a - c) * psi(a) + (b - d) * psi(b) + (c - a + d - b) * psi(a + b)
        )  # fmt: skip


def gamma_kl(a, r, b, s):
    """KL of two Gamma distributions, with rates r and s, in closed form, to 30 digits."""
    with mpmath.workdps(30):
        a, r, b, s = map(mpmath.mpf, (a, r, b, s))
        return float(
            (a - b) * mpmath.digamma(a)
            - mpmath.loggamma(a)
            + mpmath.loggamma(b)
            + b * mpmath.log(r / s)
            + a * (s / r - 1)
        )


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [
        (td.Beta(0.5, 0.5), td.Beta(2.0, 2.0), beta_kl(0.5, 0.5, 2, 2)),
        (td.Beta(*double(0.0625, 0.03125)), td.Beta(*double(3.0, 0.5)), beta_kl(0.0625, 0.03125, 3, 0.5)),
        (td.Gamma(0.5, 1.0), td.Gamma(3.0, 1.0), gamma_kl(0.5, 1, 3, 1)),
        (td.Gamma(3.0, 2.0), td.Gamma(5.0, 1.0), gamma_kl(3, 2, 5, 1)),
        (td.Gamma(*double(0.015625, 1.0)), td.Gamma(*double(3.0, 1.0)), gamma_kl(0.015625, 1, 3, 1)),
        (td.Chi2(1.0), td.Chi2(2.0), gamma_kl(0.5, 0.5, 1, 0.5)),
        (td.InverseGamma(3.0, 2.0), td.InverseGamma(5.0, 1.0), gamma_kl(3, 2, 5, 1)),
    ],
)  # fmt: skip
def test_poles_and_single_precision_agree_with_closed_forms_in_thirty_digits(p, q, truth):
    estimate = kl_between(p, q)
    assert abs(float(estimate) - truth) <= max(estimate.error.item(), 1e-12 * (1 + truth))
    assert float(estimate) == pytest.approx(truth, rel=1e-9)


def test_a_log_density_that_rounds_to_minus_infinity_within_the_support_is_not_an_infinite_divergence():
    with mpmath.workdps(20):

        def density(x, a, b):
            return a * b * x ** (a - 1) * (1 - x**a) ** (b - 1)

        truth = float(mpmath.quad(lambda x: density(x, 2, 3) * mpmath.log(density(x, 2, 3) / density(x, 3, 2)), [0, 1]))
    for dtype in (torch.float32, torch.float64):
        two, three = torch.tensor(2.0, dtype=dtype), torch.tensor(3.0, dtype=dtype)
        estimate = kl_between(td.Kumaraswamy(two, three), td.Kumaraswamy(three, two))
        assert abs(float(estimate) - truth) <= max(estimate.error.item(), 1e-12)


def test_rounding_beside_an_end_is_not_made_up_for_where_the_density_is_steeper_than_any_power():
    p, q = td.Gumbel(*double(5.0, 0.06)), td.RelaxedBernoulli(*double(4.0), logits=torch.tensor(2.0).double())
    estimate = js_between(p, q)  # below x = 1, p is less than exp(-exp(66))
    assert abs(float(estimate) - math.log(2)) <= max(estimate.error.item(), 1e-12)
    assert estimate.error.item() < 1e-9


class LogOfDensity:
    """A normal distribution whose log_prob is the log of its density, which underflows 38 deviations away."""

    def __init__(self, scale):
        self.scale = scale

    def log_prob(self, x):
        return ((-((x / self.scale) ** 2) / 2).exp() / (self.scale * math.sqrt(2 * math.pi))).log()


def test_a_density_that_underflows_is_told_apart_from_one_that_ends():
    estimate = kl_between(LogOfDensity(3.0), LogOfDensity(1.0))
    assert abs(float(estimate) - (math.log(1 / 3) + 4)) <= max(estimate.error.item(), 1e-12)
    with pytest.raises(IntegrationError, match=r"q underflows to zero where p has a mass of"):
        kl_between(LogOfDensity(6.0), LogOfDensity(1.0))
    box = lambda x: 0.25 * (x.abs() < 2).to(x)  # noqa: E731
    assert float(kl_between(LogOfDensity(1.0), box)) == math.inf


@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_single_precision_parameters_mean_the_numbers_that_they_are(scale):
    p, q = td.Normal(0.0, scale), td.Normal(10.0, scale)
    estimate = kl_between(p, q)
    truth = 100 / (2 * float(torch.tensor(scale)) ** 2)
    assert abs(float(estimate) - truth) <= estimate.error.item()
    assert estimate.error.item() < 1e-9 * truth


def test_a_density_of_its_own_in_single_precision_has_its_rounding_counted():
    def rounded(shift):
        return lambda x: (-((x.float() - shift) ** 2) / 2).exp() / math.sqrt(2 * math.pi)

    estimate = kl_between(rounded(0), rounded(1), rtol=1e-5)
    assert abs(float(estimate) - 0.5) <= estimate.error.item()
    assert 1e-8 < estimate.error.item() < 1e-4


def test_von_mises_distributions_ask_for_a_period_and_are_right_on_it():
    random = np.random.default_rng(4)
    for _ in range(20):
        one, other = ([draw(random) for draw in VON_MISES.draw] for _ in range(2))
        p, q = td.VonMises(*double(*one)), td.VonMises(*double(*other))
        for kind, between in BETWEEN.items():
            estimate = between(p, q, interval=(-math.pi, math.pi))
            truth, doubt = divergence(kind, (VON_MISES, one), (VON_MISES, other), interval=(-math.pi, math.pi))
            assert abs(float(estimate) - truth) <= max(estimate.error.item(), 1e-12) + doubt
    with pytest.raises(ValueError, match=r"p must have total mass 1, .* interval=\(-math.pi, math.pi\)"):
        kl_between(p, q)
    with pytest.raises(ValueError, match="q must have total mass 1"):
        kl_between(td.Normal(*double(0.0, 1.0)), q)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (td.Cauchy(0.0, 1.0), td.Normal(0.0, 1.0)),
        (td.StudentT(*double(2.0)), td.Normal(*double(0.0, 1.0))),  # the variance of p diverges like a logarithm
        (td.HalfCauchy(1.0), td.Exponential(1.0)),
        (td.LogNormal(0.0, 1.0), td.Gumbel(0.0, 1.0)),  # no exponential moment, but on this side none is needed
        (td.Exponential(1.0), td.InverseGamma(2.0, 1.0)),  # E 1/x = inf at 0
        (td.Pareto(1.0, 0.5), td.Weibull(1.0, 1.0)),
    ],
)
def test_an_infinite_integral_is_no_number(p, q):
    try:
        value = float(kl_between(p, q))
    except IntegrationError as refusal:
        assert "may be infinite" in str(refusal)  # noqa: PT017
    else:
        assert value == math.inf or isinstance(q, td.Gumbel)
        assert math.isfinite(float(js_between(p, q)))


def test_a_density_that_cannot_be_computed_far_out_is_refused_where_that_counts():
    # E_p x^2 = 21 exists, but only after 10^100 units, where x^2 overflows
    p, q = td.StudentT(*double(2.01)), td.Normal(*double(0.0, 1.0))
    with pytest.raises(IntegrationError, match="too far out, for floating point"):
        kl_between(p, q)


@pytest.mark.parametrize(
    "p",
    [
        td.Bernoulli(0.5), td.Binomial(3, torch.tensor(0.5)), td.Categorical(torch.ones(3)), td.Geometric(0.5),
        td.NegativeBinomial(3, torch.tensor(0.5)), td.Poisson(2.0),
        td.MixtureSameFamily(td.Categorical(torch.ones(2)), td.Poisson(torch.tensor([1.0, 5.0]))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", BETWEEN)
def test_discrete_families_have_no_density(kind, p):
    for method in ("quadrature", "monte-carlo"):
        with pytest.raises(ValueError, match=r"p must have a density, but .* is discrete"):
            BETWEEN[kind](p, td.Normal(0.0, 1.0), method=method)


def test_what_is_not_invertible_has_no_density():
    folded = td.TransformedDistribution(td.Normal(0.0, 1.0), [td.AbsTransform()])
    with pytest.raises(ValueError, match="p must have a density"):
        kl_between(folded, td.HalfNormal(1.0))


@pytest.mark.parametrize(
    "transforms",
    [
        [td.AffineTransform(3.0, -2.0)],
        [td.ExpTransform()],
        [td.SigmoidTransform(), td.AffineTransform(1.0, 4.0)],
        [td.TanhTransform()],
        [td.SoftplusTransform()],
        [td.ComposeTransform([td.ExpTransform(), td.PowerTransform(torch.tensor(-0.5))])],
        [td.ExpTransform().inv.inv],
    ],
)
@pytest.mark.parametrize("base", ["normal", "laplace"])
def test_a_divergence_does_not_change_when_both_distributions_are_transformed_alike(base, transforms):
    build = td.Normal if base == "normal" else td.Laplace
    p, q = build(*double(0.25, 0.5)), build(*double(-0.5, 1.0))
    moved_p, moved_q = (td.TransformedDistribution(one, transforms) for one in (p, q))
    for kind, between in BETWEEN.items():
        estimate, still = between(moved_p, moved_q), between(p, q)
        assert abs(float(estimate) - float(still)) <= estimate.error.item() + still.error.item() + 1e-12, kind


def test_independent_distributions_of_no_dimension_are_what_they_hold():
    p, q = td.Gamma(*double(0.5, 1.0)), td.Gamma(*double(3.0, 1.0))
    assert float(kl_between(td.Independent(p, 0), q)) == float(kl_between(p, q))


def test_gradients_pass_a_pole():
    a = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    one = torch.ones((), dtype=torch.float64)
    for p, q in ((td.Gamma(a, one), td.Gamma(3 * one, one)), (td.Beta(one, a), td.Beta(2 * one, 2 * one))):
        found = torch.autograd.grad(kl_between(p, q).value, a)
        torch.testing.assert_close(found, torch.autograd.grad(td.kl_divergence(p, q), a), rtol=1e-8, atol=0)


def test_no_warning_leaks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kl_between(td.Beta(0.5, 0.5), td.Beta(2.0, 2.0))
        js_between(td.Cauchy(0.0, 1.0), td.Kumaraswamy(2.0, 3.0))
