"""KL, JS and total variation between distributions with densities, by quadrature and by Monte Carlo."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.stats
import torch
import torch.distributions as td

from gantut.data import GaussianMixture, gaussian, gaussian_mixture, ring, uniform
from gantut.divergences import Estimate, IntegrationError, js_between, kl_between, total_variation_between

pytestmark = pytest.mark.filterwarnings("error")

LOG2 = math.log(2)
BETWEEN = (kl_between, js_between, total_variation_between)


@pytest.fixture
def t(device):
    """Numbers in double precision on the device."""
    return lambda *values: torch.tensor(values if len(values) > 1 else values[0], dtype=torch.float64, device=device)


def normal(t, mean, scale):
    return td.Normal(t(mean), t(scale))


def gaussian_kl(m1, s1, m2, s2):
    return math.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5


def honest(estimate, truth, doubt=0.0):
    """The true error is at most the error that the estimate reports, or a handful of roundings."""
    return abs(float(estimate) - truth) <= max(estimate.error.item(), 1e-12) + doubt


# ---------------------------------------------------------------------------------------------- the ledger's values


@pytest.mark.parametrize(
    ("p", "q", "kl"),
    [
        ((0, 1), (1, 1), 0.5),
        ((1, 1), (0, 1), 0.5),  # the pair of Weng's Figure 1: the same both ways
        ((0, 1), (1, 2), 0.4431471806),
        ((1, 2), (0, 1), 1.3068528194),
    ],
)
def test_kl_between_gaussians_is_the_ledgers(device, p, q, kl):
    estimate = kl_between(gaussian(*p, device=device), gaussian(*q, device=device))
    assert float(estimate) == pytest.approx(kl, rel=0, abs=1e-10)  # the ledger gives ten decimals
    assert honest(estimate, gaussian_kl(*p, *q))


def test_kl_between_uniform_distributions_is_log_two_one_way_and_infinite_the_other(device, t):
    for short, long in (
        (uniform(0, 1, device=device), uniform(0, 2, device=device)),
        (td.Uniform(t(0.0), t(1.0)), td.Uniform(t(0.0), t(2.0))),
    ):
        assert float(kl_between(short, long)) == pytest.approx(0.6931471805599453, rel=0, abs=1e-9)
        assert float(kl_between(long, short)) == math.inf


@pytest.mark.parametrize(
    ("d", "js"),
    [(0.1, 0.00124844), (0.5, 0.03031130), (1, 0.1114214822), (2, 0.33683082), (3, 0.52677731), (4, 0.63272019),
     (6, 0.68929793), (8, 0.69305365), (10, 0.69314632)],
)  # fmt: skip
def test_js_between_shifted_gaussians_is_the_ledgers(device, d, js):
    p, q = gaussian(0, 1, device=device), gaussian(d, 1, device=device)
    digits = 1e-10 if d == 1 else 1e-8  # as many as the ledger gives
    assert float(js_between(p, q)) == pytest.approx(js, rel=0, abs=digits)
    assert float(js_between(q, p)) == pytest.approx(js, rel=0, abs=digits)
    assert float(js_between(p, q, halved=False)) == pytest.approx(2 * js, rel=0, abs=2 * digits)
    assert float(js_between(p, q, base=2)) == pytest.approx(js / LOG2, rel=0, abs=2 * digits)


def test_js_in_bits_and_between_unequal_gaussians_is_the_ledgers(device):
    p = gaussian(0, 1, device=device)
    assert float(js_between(p, gaussian(1, 1, device=device), base=2)) == pytest.approx(0.1607472198, rel=0, abs=1e-10)
    assert float(js_between(p, gaussian(1, 2, device=device))) == pytest.approx(0.1281749731, rel=0, abs=1e-10)


@pytest.mark.parametrize(
    ("d", "forward", "backward"), [(5, 0.675943, 5.574057), (10, 0.693146, 24.306854), (20, 0.693147, 99.306853)]
)
def test_kl_ignores_where_q_spends_its_other_half(device, d, forward, backward):
    p, q = gaussian(0, 1, device=device), gaussian_mixture([0, d], device=device)
    assert float(kl_between(p, q)) == pytest.approx(forward, rel=0, abs=6e-7)  # six decimals in the ledger
    assert float(kl_between(q, p)) == pytest.approx(backward, rel=0, abs=6e-7)


def test_kl_from_a_cauchy_to_a_normal_distribution_grows_with_the_interval_and_does_not_settle(device, t):
    p, q = td.Cauchy(t(0.0), t(1.0)), normal(t, 0.0, 1.0)
    for reach, value in ((10, 1.5367), (100, 29.795), (1000, 316.21)):
        assert float(kl_between(p, q, interval=(-reach, reach))) == pytest.approx(value, rel=5e-5)
    with pytest.raises(IntegrationError, match=r"p against q: .*may be infinite"):
        kl_between(p, q)
    assert float(js_between(p, q)) < LOG2  # JS is finite all the same


@pytest.mark.parametrize(("d", "tv"), [(0.5, 0.19741265), (1, 0.38292492), (2, 0.68268949), (4, 0.95449974)])
def test_total_variation_between_shifted_gaussians_is_two_phi_minus_one(device, d, tv):
    estimate = total_variation_between(gaussian(0, 1, device=device), gaussian(d, 1, device=device))
    assert float(estimate) == pytest.approx(2 * scipy.stats.norm.cdf(d / 2) - 1, rel=0, abs=1e-9)
    assert float(estimate) == pytest.approx(tv, rel=0, abs=1e-8)


@pytest.mark.parametrize("d", [0.5, 1, 2, 4])
def test_js_lies_between_its_bounds_in_total_variation_and_below_the_symmetric_kl(device, d):
    p, q = gaussian(0, 1, device=device), gaussian(d, 1, device=device)
    js, tv = float(js_between(p, q)), float(total_variation_between(p, q))
    assert tv**2 / 2 < js < LOG2 * tv
    assert js < (float(kl_between(p, q)) + float(kl_between(q, p))) / 4 == pytest.approx(d * d / 4, rel=1e-9)


def test_two_von_mises_distributions_on_one_circle_are_closer_than_log_two(device, t):
    p, q = td.VonMises(t(0.0), t(2.0)), td.VonMises(t(math.pi), t(2.0))
    estimate = js_between(p, q, interval=(-math.pi, math.pi))
    assert float(estimate) == pytest.approx(0.4773154, rel=0, abs=1e-7)  # claim js-disjoint-value


# ---------------------------------------------------------------------------------------------- other distributions


def _pairs(t):
    return {
        "normal": (normal(t, 0.3, 0.7), normal(t, -1.0, 2.0)),
        "very different normal": (normal(t, 0.0, 1e-4), normal(t, 1.0, 1.0)),
        "laplace": (td.Laplace(t(0.0), t(1.0)), td.Laplace(t(1.0), t(2.0))),
        "exponential": (td.Exponential(t(1.0)), td.Exponential(t(3.0))),
        "gamma": (td.Gamma(t(2.0), t(1.0)), td.Gamma(t(3.5), t(2.0))),
        "beta": (td.Beta(t(2.0), t(3.0)), td.Beta(t(3.0), t(2.0))),
        "uniform": (td.Uniform(t(0.2), t(0.9)), td.Uniform(t(-1.0), t(2.0))),
        "uniform in normal": (td.Uniform(t(0.0), t(1.0)), normal(t, 0.0, 1.0)),
        "exponential in normal": (td.Exponential(t(1.0)), normal(t, 0.0, 1.0)),
        "gumbel": (td.Gumbel(t(0.0), t(1.0)), td.Gumbel(t(0.5), t(1.5))),
        "log-normal": (td.LogNormal(t(0.0), t(1.0)), td.LogNormal(t(1.0), t(0.5))),
        "pareto": (td.Pareto(t(1.0), t(3.0)), td.Pareto(t(1.0), t(2.0))),
        "cauchy": (td.Cauchy(t(0.0), t(1.0)), td.Cauchy(t(1.0), t(2.0))),
        "half-normal": (td.HalfNormal(t(1.0)), td.HalfNormal(t(2.0))),
    }


@pytest.mark.parametrize("name", _pairs(lambda x: torch.tensor(x, dtype=torch.float64)))
def test_kl_agrees_with_the_closed_forms_of_torch_distributions(t, name):
    p, q = _pairs(t)[name]
    estimate, truth = kl_between(p, q), td.kl_divergence(p, q).item()
    assert float(estimate) == pytest.approx(truth, rel=1e-9, abs=1e-12)  # the default rtol
    assert honest(estimate, truth)
    tv = float(total_variation_between(p, q))
    assert 2 * tv**2 <= truth
    assert tv**2 / 2 <= float(js_between(p, q)) <= LOG2 * tv


@pytest.mark.parametrize("df", [(1.0, 2.0), (1.5, 3.0), (3.0, 5.0), (30.0, 4.0)])
def test_student_distributions_agree_with_scipy(t, df):
    p, q = td.StudentT(t(df[0])), td.StudentT(t(df[1]), t(0.5), t(2.0))
    first, second = scipy.stats.t(df[0]), scipy.stats.t(df[1], 0.5, 2.0)

    def witness(x):
        return first.pdf(x) * (first.logpdf(x) - second.logpdf(x))

    truth, doubt = scipy.integrate.quad(witness, -np.inf, np.inf, epsabs=1e-12, epsrel=1e-12, limit=500)
    estimate = kl_between(p, q)
    assert float(estimate) == pytest.approx(truth, rel=2e-9)
    assert honest(estimate, truth, doubt + 1e-10)  # QUADPACK is unsure of these heavy tails in the tenth digit


GRID = np.linspace(-60, 60, 48001)  # equal steps: for smooth densities that vanish at the ends, error below 1e-13


class Mixture:
    """A mixture of Gaussians in numpy: the witness, which shares no code with gantut."""

    def __init__(self, random, modes):
        self.means, self.scales = random.uniform(-5, 5, modes), random.uniform(0.2, 2, modes)
        self.weights = random.dirichlet(np.ones(modes))

    def pdf(self, x):
        return self.weights @ scipy.stats.norm.pdf(x, self.means[:, None], self.scales[:, None])

    def cdf(self, x):
        return self.weights @ scipy.stats.norm.cdf(x, self.means[:, None], self.scales[:, None])

    def log_pdf(self, x):
        logs = np.log(self.weights)[:, None] + scipy.stats.norm.logpdf(x, self.means[:, None], self.scales[:, None])
        return np.logaddexp.reduce(logs)

    def distribution(self, device):
        return gaussian_mixture(self.means, self.scales, self.weights, device=device)


def test_random_mixtures_agree_with_the_trapezoidal_rule_and_errors_are_honest(device):
    random = np.random.default_rng(0)
    for _ in range(30):
        first, second = Mixture(random, random.integers(1, 5)), Mixture(random, random.integers(1, 5))
        p, q = first.distribution(device), second.distribution(device)
        log_p, log_q = first.log_pdf(GRID), second.log_pdf(GRID)
        log_m = np.logaddexp(log_p, log_q) - LOG2
        kl = np.trapezoid(np.exp(log_p) * (log_p - log_q), GRID)
        js = np.trapezoid(np.exp(log_p) * (log_p - log_m) + np.exp(log_q) * (log_q - log_m), GRID) / 2
        for estimate, truth in ((kl_between(p, q), kl), (js_between(p, q), js)):
            assert float(estimate) == pytest.approx(truth, rel=1e-9, abs=1e-12)
            assert honest(estimate, truth)
            assert estimate.method == "quadrature"
            assert estimate.evaluations < 5000


def test_total_variation_of_mixtures_is_the_difference_of_their_distribution_functions_between_crossings(device):
    random = np.random.default_rng(1)
    for _ in range(10):
        first, second = Mixture(random, 2), Mixture(random, 3)

        def apart(x, first=first, second=second):
            return (first.pdf(np.atleast_1d(x)) - second.pdf(np.atleast_1d(x)))[0]

        signs = np.sign(first.log_pdf(GRID) - second.log_pdf(GRID))
        crossings = [
            scipy.optimize.brentq(apart, GRID[i], GRID[i + 1], xtol=1e-14) for i in np.nonzero(np.diff(signs))[0]
        ]
        ends = np.array([-np.inf, *crossings, np.inf])
        truth = np.abs(np.diff(first.cdf(ends) - second.cdf(ends))).sum() / 2
        estimate = total_variation_between(first.distribution(device), second.distribution(device))
        assert float(estimate) == pytest.approx(truth, rel=1e-9)
        assert honest(estimate, truth)


def test_a_mixture_of_torch_distributions_is_the_same_distribution_as_ours(device, t):
    ours = gaussian_mixture([-2, 3], [0.5, 1], [0.3, 0.7], device=device)
    theirs = td.MixtureSameFamily(td.Categorical(t(0.3, 0.7)), td.Normal(t(-2.0, 3.0), t(0.5, 1.0)))
    wide = normal(t, 0.0, 2.0)
    assert float(kl_between(ours, theirs)) == pytest.approx(0, abs=1e-12)
    for between in BETWEEN:
        assert float(between(theirs, wide)) == pytest.approx(float(between(ours, wide)), rel=1e-9)


def test_density_functions_are_distributions_too(device):
    def density(x):
        return torch.exp(-x * x / 8) / math.sqrt(8 * math.pi)

    other = gaussian(1, 1, device=device)
    assert float(kl_between(density, other)) == pytest.approx(gaussian_kl(0, 2, 1, 1), rel=1e-9)
    assert float(kl_between(other, density)) == pytest.approx(gaussian_kl(1, 1, 0, 2), rel=1e-9)
    triangle = lambda x: (1 - (x - 3).abs()).clamp_min(0)  # noqa: E731
    box = lambda x: 0.25 * ((x > 1.5) & (x < 5.5)).to(x)  # noqa: E731
    # entropy of the triangle: 1/2, so KL(triangle, box) = log 4 - 1/2
    if device.type == "cpu":  # two density functions do not say where they live; quadrature then takes the CPU
        assert float(kl_between(triangle, box)) == pytest.approx(math.log(4) - 0.5, rel=1e-8)
        assert float(kl_between(box, triangle)) == math.inf
    longer_box = lambda x: 0.2 * ((x >= 0.5) & (x <= 5.5)).to(x)  # noqa: E731
    assert float(kl_between(uniform(1, 5, device=device), longer_box)) == pytest.approx(math.log(1.25), rel=1e-8)


def test_distributions_in_single_precision_are_integrated_in_double(device):
    p = td.Normal(torch.tensor(0.0, device=device), torch.tensor(1.0, device=device))
    estimate = kl_between(p, gaussian(1, 2, dtype=torch.float32, device=device))
    assert estimate.value.dtype == torch.float64
    # the distributions know their own constants, such as log 2, in single precision
    assert float(estimate) == pytest.approx(gaussian_kl(0, 1, 1, 2), rel=1e-7)


# ---------------------------------------------------------------------------------------------- hard cases


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ((0, 0.01), (50, 3)),
        ((50, 3), (0, 0.01)),
        ((0, 1e-3), (1e4, 1)),
        ((1e6, 1), (1e6 + 1, 2)),
        ((0, 1e-5), (0, 1e3)),
    ],
)
def test_narrow_peaks_far_apart_are_found(device, t, p, q):
    truth = gaussian_kl(*p, *q)
    for first, second in (
        (gaussian(*p, device=device), gaussian(*q, device=device)),
        (normal(t, float(p[0]), float(p[1])), normal(t, float(q[0]), float(q[1]))),
    ):
        estimate = kl_between(first, second)
        assert float(estimate) == pytest.approx(truth, rel=1e-9)
        rounding = 16 * 2.0**-52 * abs(p[0] - q[0]) / min(p[1], q[1])  # of the points, in units of the narrow peak
        assert honest(estimate, truth, rounding * truth)
        js = float(js_between(first, second))
        assert 0 < js <= LOG2 * (1 + 1e-9)
        if abs(p[0] - q[0]) > 9 * (p[1] + q[1]):  # overlap below exp(-9²/2)
            assert js == pytest.approx(LOG2, rel=1e-9)


def test_every_mode_of_a_mixture_of_needles_is_found(device):
    p = gaussian_mixture([-40, 0, 7, 300], [1e-3, 1e-2, 0.1, 1e-3], device=device)
    q = gaussian_mixture([-40, 0, 7, 300], [1e-3, 1e-2, 0.1, 1e-3], [0.1, 0.2, 0.3, 0.4], device=device)
    truth = sum(0.25 * math.log(0.25 / weight) for weight in (0.1, 0.2, 0.3, 0.4))  # the modes do not overlap
    assert float(kl_between(p, q)) == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("between", [js_between, total_variation_between])
def test_disjoint_distributions_are_as_far_apart_as_can_be(device, between):
    estimate = between(uniform(0, 1, device=device), uniform(5, 6, device=device))
    assert float(estimate) == pytest.approx(LOG2 if between is js_between else 1, rel=1e-9)


@pytest.mark.parametrize("order", [1, -1])
def test_kl_is_infinite_where_q_has_no_support(device, t, order):
    pairs = [
        (normal(t, 0.0, 1.0), td.Exponential(t(1.0))),
        (gaussian(0, 1, device=device), uniform(-5, 5, device=device)),  # 6e-7 of the mass lies outside
        (gaussian(0, 1, device=device), uniform(-30, 30, device=device)),  # 1e-197 of it
        (td.Uniform(t(0.0), t(1.0)), td.Uniform(t(2.0), t(3.0))),
        (td.Laplace(t(0.0), t(1.0)), td.Beta(t(2.0), t(2.0))),
    ]
    for p, q in pairs:
        if order == 1:
            assert float(kl_between(p, q)) == math.inf
            assert math.isfinite(float(js_between(p, q)))
        else:
            assert float(kl_between(q, p)) < math.inf or isinstance(p, td.Uniform)


def test_a_batch_of_256_pairs_agrees_with_the_closed_form(rng, device):
    def draw(low, high):
        return (low + (high - low) * torch.rand(256, dtype=torch.float64, generator=rng)).to(device)

    p, q = td.Normal(draw(-3, 3), draw(0.3, 3)), td.Normal(draw(-3, 3), draw(0.3, 3))
    estimate = kl_between(p, q)
    truth = td.kl_divergence(p, q)
    assert estimate.value.shape == estimate.error.shape == (256,)
    torch.testing.assert_close(estimate.value, truth, rtol=1e-9, atol=1e-12)
    assert ((estimate.value - truth).abs() <= estimate.error.clamp_min(1e-12)).all()


@pytest.mark.parametrize("between", BETWEEN)
def test_a_batch_is_a_loop_over_its_distributions_and_broadcasts(t, between):
    means, scales = t(-1.0, 0.0, 2.5), t(0.5, 1.0, 2.0)
    p, q = td.Normal(means, scales), td.Normal(t(0.5), t(1.5))
    whole = between(p, q).value
    assert whole.shape == (3,)
    for i in range(3):
        one = between(td.Normal(means[i], scales[i]), q)
        assert whole[i].item() == pytest.approx(float(one), rel=2e-9)
    table = between(td.Normal(means[:, None], scales[:, None]), td.Normal(means, scales)).value
    assert table.shape == (3, 3)
    assert table.diagonal().abs().max().item() < 1e-12
    assert table[2, 0].item() == pytest.approx(
        float(between(td.Normal(means[2], scales[2]), td.Normal(means[0], scales[0]))), rel=2e-9
    )
    within = between(p, q, interval=(-30, 30)).value
    torch.testing.assert_close(within, whole, rtol=1e-8, atol=0)


def test_batches_with_supports_of_their_own(t):
    p, q = td.Uniform(t(0.0, 100.0, -3.0), t(1.0, 101.0, 7.0)), td.Uniform(t(-5.0), t(200.0))
    truth = td.kl_divergence(p, q)
    torch.testing.assert_close(kl_between(p, q).value, truth, rtol=1e-8, atol=0)
    torch.testing.assert_close(kl_between(p, q, interval=(-6, 201)).value, truth, rtol=1e-8, atol=0)
    assert kl_between(q, p).value.tolist() == [math.inf] * 3
    rates = td.Exponential(t(1.0, 2.0, 30.0))
    truth = td.kl_divergence(rates, td.Exponential(t(1.0)))
    torch.testing.assert_close(kl_between(rates, td.Exponential(t(1.0))).value, truth, rtol=1e-8, atol=1e-12)


def test_a_batch_of_very_different_scales_is_right(t):
    other = normal(t, 0.0, 1.0)
    nested = td.Normal(t(0.0, 0.0), t(1e-7, 1e7))
    torch.testing.assert_close(kl_between(nested, other).value, td.kl_divergence(nested, other), rtol=1e-9, atol=0)
    apart = td.Normal(t(0.3, -5.0), t(1e-7, 1e7))
    torch.testing.assert_close(kl_between(apart, other).value, td.kl_divergence(apart, other), rtol=1e-9, atol=0)


def test_an_interval_leaves_the_rest_out(device):
    p, q = gaussian(0, 1, device=device), gaussian(1, 1, device=device)
    # log(p/q) = 1/2 - x: its integral against p over [-1, 2], in closed form
    low, high = -1.0, 2.0
    mass = scipy.stats.norm.cdf(high) - scipy.stats.norm.cdf(low)
    first_moment = scipy.stats.norm.pdf(low) - scipy.stats.norm.pdf(high)
    assert float(kl_between(p, q, interval=(low, high))) == pytest.approx(mass / 2 - first_moment, rel=1e-9)
    assert float(kl_between(p, q, interval=(100, 200))) == 0


# ---------------------------------------------------------------------------------------------- derivatives


def test_kl_has_the_derivatives_of_its_closed_form(device, t):
    m, s = t(0.4).requires_grad_(), t(0.8).requires_grad_()
    truth = torch.autograd.grad(td.kl_divergence(td.Normal(m, s), normal(t, -1.0, 2.0)), (m, s))
    backward_truth = torch.autograd.grad(td.kl_divergence(normal(t, -1.0, 2.0), td.Normal(m, s)), (m, s))
    other = gaussian(-1, 2, device=device)
    for distribution in (td.Normal(m, s), GaussianMixture(m[None], s[None])):
        for estimate, witness in (
            (kl_between(distribution, other), truth),
            (kl_between(other, distribution), backward_truth),
        ):
            found = torch.autograd.grad(estimate.value, (m, s))
            torch.testing.assert_close(found, witness, rtol=1e-8, atol=1e-10)


def test_a_batch_has_the_derivatives_of_each_of_its_distributions(t):
    m, s = t(-1.0, 0.0, 2.0).requires_grad_(), t(0.5, 1.0, 2.0).requires_grad_()
    other = normal(t, 0.3, 1.1)
    found = torch.autograd.grad(kl_between(td.Normal(m, s), other).value.sum(), (m, s))
    witness = torch.autograd.grad(td.kl_divergence(td.Normal(m, s), other).sum(), (m, s))
    torch.testing.assert_close(found, witness, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("theta", "slope"), [(0.5, 0.23526351), (1.0, 0.39797287), (2.0, 0.44959951)])
def test_the_slope_of_twice_js_is_the_ledgers_for_a_generator_step(device, t, theta, slope):
    place = t(theta).requires_grad_()
    value = 2 * js_between(gaussian(0, 1, device=device), GaussianMixture(place[None], t(1.0))).value
    assert torch.autograd.grad(value, place)[0].item() == pytest.approx(slope, rel=0, abs=1e-8)


def test_twice_js_has_curvature_one_half_at_its_minimum(device, t):
    place = t(0.0).requires_grad_()
    value = 2 * js_between(gaussian(0, 1, device=device), GaussianMixture(place[None], t(1.0))).value
    (slope,) = torch.autograd.grad(value, place, create_graph=True)
    assert slope.item() == pytest.approx(0, abs=1e-10)
    assert torch.autograd.grad(slope, place)[0].item() == pytest.approx(0.5, rel=0, abs=1e-8)


def test_derivatives_pass_the_ends_of_a_support_that_stays_where_it_is(t):
    m, s = t(0.2).requires_grad_(), t(1.5).requires_grad_()
    found = torch.autograd.grad(kl_between(td.Uniform(t(0.0), t(1.0)), td.Normal(m, s)).value, (m, s))
    # KL = log s + E(X - m)²/(2s²) + const, with E X = 1/2 and var X = 1/12
    square = 1 / 12 + (0.5 - 0.2) ** 2
    assert found[0].item() == pytest.approx(-(0.5 - 0.2) / 1.5**2, rel=1e-8)
    assert found[1].item() == pytest.approx(1 / 1.5 - square / 1.5**3, rel=1e-8)
    rate = t(2.0).requires_grad_()
    (slope,) = torch.autograd.grad(kl_between(td.Exponential(rate), td.Exponential(t(1.0))).value, rate)
    assert slope.item() == pytest.approx(1 / 2 - 1 / 4, rel=1e-7)  # of log r + 1/r - 1


def test_a_support_that_moves_with_a_parameter_is_refused_rather_than_differentiated_wrongly(t):
    high = t(2.0).requires_grad_()
    with pytest.raises(ValueError, match="p must not have a support whose ends require a gradient"):
        kl_between(td.Uniform(t(0.0), high), td.Uniform(t(0.0), t(3.0)))
    with torch.no_grad():
        estimate = kl_between(td.Uniform(t(0.0), high), td.Uniform(t(0.0), t(3.0)))
    assert float(estimate) == pytest.approx(math.log(1.5), rel=1e-8)


# ---------------------------------------------------------------------------------------------- Monte Carlo


def sampled(between, p, q, seed, samples=20_000, **options):
    return between(
        p, q, method="monte-carlo", samples=samples, generator=torch.Generator().manual_seed(seed), **options
    )


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("seed", range(3))
def test_monte_carlo_on_the_line_lies_within_four_standard_errors_of_quadrature(device, t, between, seed):
    for p, q in (
        (gaussian(0, 1, device=device), gaussian(1, 2, device=device)),
        (normal(t, 0.0, 1.0), td.Laplace(t(0.5), t(1.0))),
        (td.Uniform(t(0.0), t(1.0)), normal(t, 0.0, 1.0)),
    ):
        estimate = sampled(between, p, q, seed)
        assert 0 < estimate.error.item() < 0.02
        assert abs(float(estimate) - float(between(p, q))) <= 4 * estimate.error.item()


def test_monte_carlo_on_a_ring_lies_within_four_standard_errors_of_a_fine_grid(device):
    def witness(radius, scale, x, y):
        angles = 2 * np.pi * np.arange(8) / 8
        return sum(
            np.exp(-((x - radius * np.cos(a)) ** 2 + (y - radius * np.sin(a)) ** 2) / (2 * scale**2)) for a in angles
        ) / (8 * 2 * np.pi * scale**2)

    x, y = np.meshgrid(*[np.arange(-4, 4, 0.02)] * 2)
    p, q = witness(2.0, 0.1, x, y), witness(1.8, 0.2, x, y)
    assert p.sum() * 0.02**2 == pytest.approx(1, abs=1e-9)  # equal steps: far below the standard errors
    kl = (scipy.stats.entropy(p.ravel(), q.ravel())).item()
    tv = np.abs(p - q).sum() * 0.02**2 / 2
    first, second = ring(device=device), ring(radius=1.8, std=0.2, device=device)
    for between, truth in ((kl_between, kl), (total_variation_between, tv)):
        estimate = sampled(between, first, second, 0)
        assert abs(float(estimate) - truth) <= 4 * estimate.error.item()
        assert estimate.error.item() < 0.02


def test_monte_carlo_in_ten_dimensions_lies_within_four_standard_errors_of_the_closed_form(device, t):
    truth = 10 * gaussian_kl(0, 1, 0.2, 1.3)
    ours = gaussian([0.0] * 10, 1, device=device), gaussian([0.2] * 10, 1.3, device=device)
    one = torch.eye(10, dtype=torch.float64, device=device)
    theirs = (
        td.MultivariateNormal(t([0.0] * 10), one),
        td.Independent(td.Normal(t([0.2] * 10), t([1.3] * 10)), 1),
    )
    for p, q in (ours, theirs, (ours[0], theirs[1]), (theirs[0], ours[1])):
        estimate = sampled(kl_between, p, q, 1)
        assert abs(float(estimate) - truth) <= 4 * estimate.error.item()
        assert estimate.error.item() < 0.02


@pytest.mark.parametrize("between", BETWEEN)
def test_the_reported_standard_error_is_the_spread_of_the_estimate(device, between):
    p, q = gaussian(0, 1, device=device), gaussian(1, 1, device=device)
    generator = torch.Generator().manual_seed(7)
    runs = [between(p, q, method="monte-carlo", samples=400, generator=generator) for _ in range(200)]
    values, errors = (torch.stack([run[i] for run in runs]) for i in (0, 1))
    # 200 repetitions tell a standard deviation to within 5 %: 20 % and 25 % are four of these or more
    assert 0.8 <= (values.std() / errors.mean()).item() <= 1.25
    truth = float(between(p, q))
    assert abs(values.mean().item() - truth) <= 4 * values.std().item() / math.sqrt(200)


def test_the_standard_error_falls_like_one_over_root_n(device):
    p, q = gaussian(0, 1, device=device), gaussian(1, 1, device=device)
    few, many = (sampled(kl_between, p, q, 0, samples=n) for n in (1000, 100_000))
    assert few.error.item() / many.error.item() == pytest.approx(10, rel=0.1)
    assert (few.evaluations, many.evaluations) == (1000, 100_000)
    assert sampled(js_between, p, q, 0, samples=1000).evaluations == 2000
    assert few.method == "monte-carlo"


@pytest.mark.parametrize("between", BETWEEN)
def test_the_same_seed_gives_the_same_number_and_leaves_the_global_source_alone(device, t, between):
    for p, q in (
        (gaussian(0, 1, device=device), gaussian(1, 1, device=device)),
        (normal(t, 0.0, 1.0), normal(t, 1.0, 1.0)),
        (ring(device=device), ring(radius=1.9, device=device)),
    ):
        before = torch.random.get_rng_state()
        first, again, other = (sampled(between, p, q, seed, samples=100) for seed in (3, 3, 4))
        assert torch.equal(torch.random.get_rng_state(), before)
        assert float(first) == float(again) != float(other)


def test_one_generator_gives_fresh_draws_every_time(device, t):
    generator = torch.Generator().manual_seed(0)
    for p, q in (
        (gaussian(0, 1, device=device), gaussian(1, 1, device=device)),
        (normal(t, 0.0, 1.0), normal(t, 1.0, 1.0)),
    ):
        draws = {float(kl_between(p, q, method="monte-carlo", samples=50, generator=generator)) for _ in range(4)}
        assert len(draws) == 4


def test_without_a_generator_the_global_seed_decides(device):
    p, q = gaussian(0, 1, device=device), gaussian(1, 1, device=device)
    values = []
    for _ in range(2):
        torch.manual_seed(5)
        values.append(float(kl_between(p, q, method="monte-carlo", samples=50)))
    assert values[0] == values[1]


def test_disjoint_distributions_need_no_luck(device):
    p, q = uniform(0, 1, device=device), uniform(2, 3, device=device)
    assert float(sampled(js_between, p, q, 0, samples=10)) == pytest.approx(LOG2, rel=1e-15)
    assert float(sampled(total_variation_between, p, q, 0, samples=10)) == 1
    infinite = sampled(kl_between, p, q, 0, samples=10)
    assert (float(infinite), infinite.error.item()) == (math.inf, 0)  # one draw outside the support proves it


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize(
    "samples", [3, 20_000]
)  # 3 draws of 3 distributions: the case in which draws and distributions are confused
def test_batches_are_sampled_distribution_by_distribution(t, device, between, samples):
    many, one = td.Normal(t(-1.0, 0.0, 2.0), t(1.0, 1.0, 0.5)), gaussian(0, 1, device=device)
    for p, q in ((many, one), (one, many), (many, normal(t, 0.0, 1.0)), (normal(t, 0.0, 1.0), many)):
        estimate = sampled(between, p, q, 0, samples=samples)
        assert estimate.value.shape == estimate.error.shape == (3,)
        assert estimate.value[1].item() == 0  # N(0, 1) against itself
        if samples > 3:
            truth = between(p, q).value
            assert ((estimate.value - truth).abs() <= 4 * estimate.error + 1e-15).all()


def test_an_estimate_is_a_number_that_knows_its_error(device):
    estimate = js_between(gaussian(0, 1, device=device), gaussian(1, 1, device=device))
    assert isinstance(estimate, Estimate)
    assert estimate._fields == ("value", "error", "evaluations", "method")
    assert float(estimate) == estimate.value.item()
    assert estimate.value.device.type == device.type
    assert estimate.value.shape == ()
