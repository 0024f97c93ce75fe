"""KL, JS and total variation between distributions on a finite set, each statement against a witness that shares no
code."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import scipy.stats
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from gantut.divergences import js_divergence, kl_divergence, total_variation

pytestmark = pytest.mark.filterwarnings("error")

EPS = 2.0**-52  # the spacing of float64 at 1
LOG2 = math.log(2)
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
DIVERGENCES = (kl_divergence, js_divergence, total_variation)


def tensor(values, device="cpu", dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, device=device)


def array(values):
    return values.detach().cpu().double().numpy()


# ---------------------------------------------------------------------------------------------- values


def test_kl_is_the_sum_of_scipys_relative_entropies(random_distributions):
    p, q = random_distributions(200, 7, zeros=0.3), random_distributions(200, 7)
    witness = scipy.special.rel_entr(array(p), array(q)).sum(-1)
    np.testing.assert_allclose(
        kl_divergence(p, q).cpu(), witness, rtol=0, atol=1e-14
    )  # scipy's terms cancel in the sum


def test_js_is_the_square_of_scipys_distance(random_distributions):
    p, q = random_distributions(200, 7, zeros=0.4), random_distributions(200, 7, zeros=0.4)
    for base in (math.e, 2, 10):
        witness = scipy.spatial.distance.jensenshannon(array(p), array(q), base=base, axis=-1) ** 2
        np.testing.assert_allclose(array(js_divergence(p, q, base=base)), witness, rtol=0, atol=1e-14)


def test_kl_agrees_with_torch_distributions(random_distributions):
    p, q = random_distributions(200, 7), random_distributions(200, 7)
    witness = torch.distributions.kl_divergence(
        torch.distributions.Categorical(probs=p), torch.distributions.Categorical(probs=q)
    )
    torch.testing.assert_close(kl_divergence(p, q), witness, rtol=0, atol=1e-13)  # logits cost torch a few roundings


def test_js_is_the_entropy_of_the_mean_less_the_mean_of_the_entropies(random_distributions):
    p, q = random_distributions(200, 7, zeros=0.3), random_distributions(200, 7, zeros=0.3)
    of_p, of_q, of_m = (scipy.stats.entropy(array(distribution), axis=-1) for distribution in (p, q, (p + q) / 2))
    np.testing.assert_allclose(
        array(js_divergence(p, q)), of_m - (of_p + of_q) / 2, rtol=0, atol=1e-14
    )  # entropies near 2 are subtracted


def test_total_variation_is_the_largest_difference_over_all_events(random_distributions):
    p, q = random_distributions(50, 6, zeros=0.2), random_distributions(50, 6, zeros=0.2)
    events = tensor(list(itertools.product((0.0, 1.0), repeat=6)), p.device)
    largest = ((p - q) @ events.T).amax(-1)
    torch.testing.assert_close(total_variation(p, q), largest, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("p", "q", "kl", "js", "tv"),
    [
        pytest.param([1, 0], [0, 1], math.inf, 0.6931471805599453, 1.0, id="disjoint"),
        pytest.param([1, 0], [0.5, 0.5], LOG2, 0.21576155433883565, 0.5, id="zero in p"),  # claim kl-js-not-metrics:
        pytest.param([0.5, 0.5], [1, 0], math.inf, 0.21576155433883565, 0.5, id="zero in q"),  # 0.4315231 / 2
        pytest.param([0.5, 0.5, 0], [0.5, 0.5, 0], 0.0, 0.0, 0.0, id="zeros in both"),
        pytest.param([0, 0.5, 0.5], [0.5, 0.25, 0.25], LOG2, 0.21576155433883565, 0.5, id="half of q is elsewhere"),
        pytest.param([1], [1], 0.0, 0.0, 0.0, id="a single point"),
        pytest.param([0.3, 0.7], [0.6, 0.4], 0.3 * math.log(0.5) + 0.7 * math.log(1.75), None, 0.3, id="coins"),
    ],
)
def test_values_known_by_hand(device, p, q, kl, js, tv):
    p, q = tensor(p, device), tensor(q, device)
    assert kl_divergence(p, q).item() == pytest.approx(kl, rel=4 * EPS, abs=0)
    assert total_variation(p, q).item() == pytest.approx(tv, rel=4 * EPS, abs=0)
    if js is not None:
        assert js_divergence(p, q).item() == pytest.approx(js, rel=4 * EPS, abs=0)


def test_the_ledgers_three_point_example_breaks_the_triangle_inequality(device):
    p, q, m = tensor([1, 0], device), tensor([0, 1], device), tensor([0.5, 0.5], device)
    direct, detour = js_divergence(p, q).item(), (js_divergence(p, m) + js_divergence(m, q)).item()
    assert direct == pytest.approx(0.6931472, abs=5e-8)  # the digits that the ledger gives
    assert detour == pytest.approx(0.4315231, abs=5e-8)
    assert math.sqrt(direct) == pytest.approx(0.8325546, abs=5e-8)
    assert 2 * math.sqrt(detour / 2) == pytest.approx(0.9290028, abs=5e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", ["smallest subnormal", "smallest normal"])
def test_kl_is_infinite_however_small_the_mass_that_q_lacks(device, dtype, which):
    smallest = torch.finfo(dtype).tiny * (1 if which == "smallest normal" else torch.finfo(dtype).eps)
    p, q = tensor([1, smallest], device, dtype), tensor([1, 0], device, dtype)
    assert kl_divergence(p, q).item() == math.inf
    assert math.isfinite(kl_divergence(q, p).item())


# ---------------------------------------------------------------------------------------------- accuracy


def exact_kl(p, q):
    """Sum of p log(p/q) - p + q at 50 digits: KL of the numbers as stored, whose totals miss 1 by a rounding."""
    with mpmath.workdps(50):
        p, q = ([mpmath.mpf(x) for x in distribution.tolist()] for distribution in (p, q))
        return mpmath.fsum((a * mpmath.log(a / b) if a else 0) - a + b for a, b in zip(p, q, strict=True))


def exact_js(p, q):
    with mpmath.workdps(50):
        p, q = ([mpmath.mpf(x) for x in distribution.tolist()] for distribution in (p, q))
        halves = (x * mpmath.log(2 * x / (a + b)) for a, b in zip(p, q, strict=True) for x in (a, b) if x)
        return mpmath.fsum(halves) / 2


def relative_error(value, exact):
    with mpmath.workdps(50):
        return float(abs(mpmath.mpf(value.item()) / exact - 1)) if exact else abs(value.item())


@pytest.mark.parametrize("step", [0.4, 0.1, 1e-2, 1e-4, 1e-6, 1e-8, 1e-12, 2.0**-50])
def test_close_distributions_keep_all_digits_of_their_divergence(device, step):
    # 16 roundings: a dozen operations, none of which cancels. Written down naively, no digit would be left at 1e-8.
    p, q = tensor([0.5 + step, 0.5 - step], device), tensor([0.5, 0.5], device)
    assert relative_error(kl_divergence(p, q), exact_kl(p, q)) <= 16 * EPS
    assert relative_error(kl_divergence(q, p), exact_kl(q, p)) <= 16 * EPS
    assert relative_error(js_divergence(p, q), exact_js(p, q)) <= 16 * EPS


@pytest.mark.parametrize("mass", [1e-1, 1e-5, 1e-16, 1e-100, 1e-300])
def test_small_masses_keep_all_digits_of_their_divergence(device, mass):
    # p log p and p log q are far larger than their difference where the ratio is near 1; 32 roundings allow for log
    for ratio in (1e-300, 1e-8, 0.1, 0.5, 0.74, 0.76, 1.0001, 1.24, 1.26, 3.0, 1e4, 1e15, 1e299):
        if 1e-300 <= mass * ratio <= 0.9:
            p, q = tensor([1 - mass, mass], device), tensor([1 - mass * ratio, mass * ratio], device)
            assert relative_error(kl_divergence(p, q), exact_kl(p, q)) <= 32 * EPS, ratio
            assert relative_error(js_divergence(p, q), exact_js(p, q)) <= 32 * EPS, ratio


def test_ratios_up_to_1e300_give_their_logarithm(device):
    # up to masses of 1e-300, KL of (1, 1e-300) from (1e-300, 1) is log 1e300
    p, q = tensor([1, 1e-300], device), tensor([1e-300, 1], device)
    assert kl_divergence(p, q).item() == pytest.approx(300 * math.log(10), rel=4 * EPS)
    assert js_divergence(p, q).item() == pytest.approx(LOG2, rel=4 * EPS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_precision_is_used_to_the_last_digits_and_kept(device, dtype, random_distributions):
    p, q = random_distributions(100, 5, zeros=0.2, dtype=dtype), random_distributions(100, 5, dtype=dtype)
    p64, q64 = array(p), array(q)
    eps = torch.finfo(dtype).eps
    kl, js, tv = (divergence(p, q) for divergence in DIVERGENCES)
    assert {x.dtype for x in (kl, js, tv)} == {dtype}
    assert {x.device.type for x in (kl, js, tv)} == {device.type}
    # scipy's kl_div is p log(p/q) - p + q: in half precision the totals miss 1 too far to leave the last terms out
    witness = scipy.special.kl_div(p64, q64).sum(-1)
    np.testing.assert_allclose(array(kl), witness, rtol=16 * eps, atol=16 * eps)
    m = (p64 + q64) / 2
    witness = (scipy.special.kl_div(p64, m) + scipy.special.kl_div(q64, m)).sum(-1) / 2
    np.testing.assert_allclose(array(js), witness, rtol=16 * eps, atol=16 * eps)
    np.testing.assert_allclose(array(tv), np.abs(p64 - q64).sum(-1) / 2, rtol=16 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_js_of_disjoint_distributions_is_log_two_to_the_last_digit(device, dtype):
    p, q = tensor([1, 0], device, dtype), tensor([0, 1], device, dtype)
    bound = tensor(LOG2, "cpu", dtype).item()
    assert js_divergence(p, q).item() == bound
    assert js_divergence(p, q, halved=False).item() == 2 * bound
    # one bit, and never more; bfloat16 has no number nearer than this, since its own log 2 is 0.0025 too small
    assert 1 - torch.finfo(dtype).eps <= js_divergence(p, q, base=2).item() <= 1


@pytest.mark.parametrize(("dtype", "excess"), [(torch.float64, 9e-10), (torch.float32, 9e-6)])
def test_js_and_total_variation_keep_their_bounds_where_totals_are_a_little_above_one(device, dtype, excess):
    # totals within the allowed roundings, yet above 1: the sum of all terms then exceeds log 2, but the answer does not
    p = torch.tensor([0.25, 0.75 + excess, 0, 0], dtype=dtype, device=device).requires_grad_()
    q = p.detach().flip(0)
    js, tv = js_divergence(p, q), total_variation(p, q)
    assert js.item() == tensor(LOG2, dtype=dtype).item()
    assert js_divergence(p, q, base=2).item() == tv.item() == 1
    # and the gradients are those of the sums themselves: log(p/m)/2 and 1/2
    assert torch.autograd.grad(js, p)[0][0].item() == pytest.approx(LOG2 / 2, rel=1e-6)
    assert torch.autograd.grad(tv, p)[0].tolist() == [0.5, 0.5, -0.5, -0.5]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_js_counts_subnormal_masses(device, dtype):
    # 2^17 cells of mass 2^-16 are subnormal in half precision; two disjoint halves are still log 2 apart
    size = 2**17
    p = torch.zeros(size, dtype=dtype, device=device)
    p[: size // 2] = 2 / size
    assert js_divergence(p, p.flip(0)).item() == pytest.approx(LOG2, rel=4 * torch.finfo(dtype).eps)
    assert kl_divergence(p, torch.full_like(p, 1 / size)).item() == pytest.approx(LOG2, rel=4 * torch.finfo(dtype).eps)


# ---------------------------------------------------------------------------------------------- properties


@st.composite
def distributions(draw, count, least=1, most=8, smallest=-300, zeros=True):
    """Some distributions on one set, on the CPU: with zeros, and with masses down to 10^smallest."""
    size = draw(st.integers(least, most))
    masses = [st.floats(1e-3, 1.0), st.integers(smallest, 0).map(lambda power: 10.0**power)]
    masses = st.one_of(*masses, *([st.just(0.0)] if zeros else []))
    rows = draw(st.lists(st.lists(masses, min_size=size, max_size=size), min_size=count, max_size=count))
    weights = torch.tensor(rows, dtype=torch.float64)
    weights[weights.sum(1) < 1e-3, 0] = 1  # so that a mass divided by the total stays representable
    return weights / weights.sum(1, keepdim=True)


def at_most(smaller, larger, slack=1e-12):
    """Less or equal, up to the roundings of what was computed from the distributions (totals, matrix products)."""
    return bool((smaller <= larger * (1 + slack) + 1e-15).all())


@given(distributions(2))
def test_kl_is_never_negative(device, pair):
    assert kl_divergence(*pair.to(device)).item() >= 0  # exactly: no term is negative


@given(distributions(1))
def test_a_distribution_has_divergence_exactly_zero_from_itself(device, one):
    p = one[0].to(device)
    assert [divergence(p, p.clone()).item() for divergence in DIVERGENCES] == [0, 0, 0]


@given(distributions(2))
def test_kl_is_infinite_exactly_where_q_is_zero_and_p_is_not(device, pair):
    p, q = pair.to(device)
    assert math.isinf(kl_divergence(p, q).item()) == bool(((q == 0) & (p > 0)).any())


@given(distributions(2))
def test_js_and_total_variation_are_exactly_symmetric(device, pair):
    p, q = pair.to(device)
    assert js_divergence(p, q).item() == js_divergence(q, p).item()
    assert total_variation(p, q).item() == total_variation(q, p).item()


@given(distributions(2), st.sampled_from([torch.float64, torch.float32]))
def test_js_never_exceeds_log_two_nor_one_bit(device, pair, dtype):
    p, q = pair.to(device, dtype)
    assert 0 <= js_divergence(p, q).item() <= tensor(LOG2, dtype=dtype).item()
    assert js_divergence(p, q, base=2).item() <= 1
    assert js_divergence(p, q, halved=False).item() == 2 * js_divergence(p, q).item()
    assert 0 <= total_variation(p, q).item() <= 1


@given(distributions(3))
def test_the_root_of_js_obeys_the_triangle_inequality(device, triple):
    p, q, r = triple.to(device)
    assert at_most(js_divergence(p, r).sqrt(), js_divergence(p, q).sqrt() + js_divergence(q, r).sqrt())


# down to 1e-150, so that no product underflows: a zero in its place may be one that KL calls impossible
@given(distributions(2, least=4, most=4, smallest=-150), distributions(4, most=3, smallest=-150))
def test_no_stochastic_matrix_increases_a_divergence(device, pair, kernel):
    p, q = pair.to(device)
    kernel = kernel.to(device)  # (4, m): each row a distribution
    for divergence in DIVERGENCES:
        assert at_most(divergence(p @ kernel, q @ kernel), divergence(p, q))


@given(distributions(2, least=6, most=6), st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_merging_cells_increases_no_divergence(device, pair, cells):
    p, q = pair.to(device)
    merge = torch.nn.functional.one_hot(torch.tensor(cells), 3).double().to(device)
    for divergence in DIVERGENCES:
        assert at_most(divergence(p @ merge, q @ merge), divergence(p, q))


@given(distributions(2), st.floats(0.01, 0.99))
def test_splitting_a_cell_in_the_same_proportion_changes_no_divergence(device, pair, share):
    pair = pair.to(device)
    split = torch.cat([pair[:, :-1], pair[:, -1:] * share, pair[:, -1:] * (1 - share)], 1)
    for divergence in DIVERGENCES:
        assert divergence(*split).item() == pytest.approx(divergence(*pair).item(), rel=1e-12, abs=1e-15)


@given(distributions(4), st.floats(0.01, 0.99))
def test_divergences_are_jointly_convex(device, four, share):
    p, q, r, s = four.to(device)
    for divergence in DIVERGENCES:
        mixed = divergence(share * p + (1 - share) * r, share * q + (1 - share) * s)
        assert at_most(mixed, share * divergence(p, q) + (1 - share) * divergence(r, s))


@given(distributions(2))
def test_pinsker_and_the_bounds_between_js_and_total_variation(device, pair):
    kl, js, tv = (divergence(*pair.to(device)) for divergence in DIVERGENCES)
    assert at_most(2 * tv**2, kl)
    assert at_most(tv**2 / 2, js)
    assert at_most(js, LOG2 * tv)


@given(distributions(2))
def test_js_is_at_most_a_quarter_of_the_symmetric_kl(device, pair):
    p, q = pair.to(device)
    assert at_most(js_divergence(p, q), (kl_divergence(p, q) + kl_divergence(q, p)) / 4)


@given(distributions(2, smallest=-100), distributions(2, smallest=-100))
def test_kl_adds_up_over_independent_coordinates(device, pair, other):
    (p, q), (r, s) = pair.to(device), other.to(device)
    joint = kl_divergence(torch.outer(p, r).flatten(), torch.outer(q, s).flatten())
    assert joint.item() == pytest.approx((kl_divergence(p, q) + kl_divergence(r, s)).item(), rel=1e-12, abs=1e-14)


@given(distributions(2, least=6, most=6, smallest=-10, zeros=False))
def test_kl_obeys_the_chain_rule(device, pair):
    p, q = pair.to(device).reshape(2, 2, 3)
    first_p, first_q = p.sum(1), q.sum(1)
    then = kl_divergence(p / first_p[:, None], q / first_q[:, None])  # (2,): of the conditional distributions
    chained = kl_divergence(first_p, first_q) + first_p @ then
    assert kl_divergence(*pair.to(device)).item() == pytest.approx(chained.item(), rel=1e-12, abs=1e-14)


@given(distributions(2), st.floats(1.01, 1e6))
def test_the_base_only_changes_the_unit(device, pair, base):
    p, q = pair.to(device)
    for divergence in (kl_divergence, js_divergence):
        nats = divergence(p, q).item()
        assert divergence(p, q, base=base).item() * math.log(base) == pytest.approx(nats, rel=4 * EPS, abs=0)


@given(distributions(2, least=6, most=6), st.permutations(range(6)))
def test_the_order_of_the_cells_does_not_matter(device, pair, order):
    p, q = pair.to(device)
    for divergence in DIVERGENCES:
        assert divergence(p[order], q[order]).item() == pytest.approx(divergence(p, q).item(), rel=1e-14, abs=0)


# ---------------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_a_batch_is_a_loop_over_its_rows(divergence, random_distributions):
    p, q = random_distributions(3, 4, 5, zeros=0.2), random_distributions(3, 4, 5)
    batch = divergence(p, q)
    assert batch.shape == (3, 4)
    for index in np.ndindex(3, 4):
        torch.testing.assert_close(batch[index], divergence(p[index], q[index]), rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
def test_any_dimension_can_hold_the_distributions(divergence, dim, random_distributions):
    p, q = random_distributions(3, 4, 5, zeros=0.2), random_distributions(3, 4, 5)
    moved = divergence(p.movedim(-1, dim), q.movedim(-1, dim), dim=dim)
    torch.testing.assert_close(moved, divergence(p, q), rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_one_distribution_is_compared_with_many(divergence, random_distributions):
    p, q = random_distributions(5), random_distributions(4, 5)
    torch.testing.assert_close(divergence(p, q), divergence(p.expand(4, 5), q), rtol=0, atol=0)
    torch.testing.assert_close(divergence(q[:, None], q[None]), divergence(q[None], q[:, None]).T, rtol=0, atol=0)


def test_lists_and_arrays_of_any_layout_are_distributions_too():
    p, q = np.array([0.25, 0.75]), np.array([0.5, 0.5])
    expected = kl_divergence(torch.from_numpy(p), torch.from_numpy(q))
    read_only = p.copy()
    read_only.flags.writeable = False
    for variant in (p, p.tolist(), tuple(p), read_only, p[::-1].copy()[::-1], np.stack([p, q], 1)[:, 0]):
        torch.testing.assert_close(kl_divergence(variant, q), expected, rtol=0, atol=0)
    assert kl_divergence(p.astype(np.float32), q.astype(np.float32)).dtype == torch.float32
    assert kl_divergence([1, 0], [0.5, 0.5]).dtype == torch.float64


def test_the_inputs_are_left_as_they_were(random_distributions):
    p, q = random_distributions(4, 5), random_distributions(4, 5)
    before = p.clone(), q.clone()
    for divergence in DIVERGENCES:
        divergence(p, q)
    assert torch.equal(p, before[0])
    assert torch.equal(q, before[1])


# ---------------------------------------------------------------------------------------------- gradients


def logits(rng, device, *shape):
    return torch.randn(shape, dtype=torch.float64, generator=rng).to(device).requires_grad_()


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gradients_through_softmax_are_those_of_finite_differences(divergence, rng, device):
    x, y = logits(rng, device, 2, 4), logits(rng, device, 2, 4)
    through = lambda a, b: divergence(a.softmax(-1), b.softmax(-1))  # noqa: E731
    assert torch.autograd.gradcheck(through, (x, y))
    if divergence is not total_variation:  # whose second derivative does not exist at its kinks, and is 0 elsewhere
        assert torch.autograd.gradgradcheck(through, (x, y))


def test_gradients_are_the_derivatives_that_sympy_finds(random_distributions):
    p, q = random_distributions(6).requires_grad_(), random_distributions(6).requires_grad_()
    a, b = sympy.symbols("p q", positive=True)
    kl = a * sympy.log(a / b)
    js = (a * sympy.log(2 * a / (a + b)) + b * sympy.log(2 * b / (a + b))) / 2
    for divergence, term in ((kl_divergence, kl), (js_divergence, js)):
        found = torch.autograd.grad(divergence(p, q), (p, q))
        for gradient, symbol in zip(found, (a, b), strict=True):
            slope = sympy.lambdify((a, b), sympy.diff(term, symbol))
            witness = slope(array(p), array(q))
            np.testing.assert_allclose(array(gradient), witness, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_at_exact_zeros_are_finite_and_point_the_right_way(device, dtype):
    def slopes(divergence, p, q):
        p, q = (tensor(distribution, device, dtype).requires_grad_() for distribution in (p, q))
        return torch.autograd.grad(divergence(p, q), (p, q))

    steep = 0.4 * math.log(1 / torch.finfo(dtype).tiny)  # log(p/q) with p at the smallest normal number, roughly
    # p(2) = 0 < q(2): a little mass there would reduce KL(p, q) and JS(p, q), steeply but finitely
    for divergence in (kl_divergence, js_divergence):
        d_p, d_q = slopes(divergence, [1, 0], [0.5, 0.5])
        assert torch.isfinite(d_p).all()
        assert torch.isfinite(d_q).all()
        assert -2.5 * steep - 2 < d_p[1].item() < -steep + 1
    # q(2) = 0 < p(2): KL is infinite, and more of q there would reduce it
    d_p, d_q = slopes(kl_divergence, [0.5, 0.5], [1, 0])
    assert torch.isfinite(d_p).all()
    assert torch.isfinite(d_q).all()
    assert d_q[1].item() < -1000
    assert d_p[1].item() > steep
    # zero in both: nothing there yet, and no direction
    for divergence in (kl_divergence, js_divergence):
        d_p, d_q = slopes(divergence, [0.5, 0.5, 0], [0.25, 0.75, 0])
        assert d_p[2].item() == 0
        assert d_q[2].item() == 0


def test_js_of_disjoint_distributions_still_has_its_gradient(device):
    # the value sits on its bound log 2, and is held there; that must not stop the gradient, which is log(p/m)/2
    p, q = (tensor(distribution, device).requires_grad_() for distribution in ([1, 0], [0, 1]))
    d_p, _ = torch.autograd.grad(js_divergence(p, q), (p, q))
    assert d_p[0].item() == pytest.approx(LOG2 / 2, rel=4 * EPS)
    assert d_p[1].item() < -300


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize("right", [[0.0, -2000.0, 3.0], [-2000.0, 0.0, -2000.0], [0.0, 0.0, 0.0]])
def test_logits_of_minus_two_thousand_give_no_nan(device, dtype, divergence, right):
    x = tensor([0.0, -2000.0, 1.0], device, dtype).requires_grad_()
    y = tensor(right, device, dtype).requires_grad_()
    value = divergence(x.softmax(-1), y.softmax(-1))
    assert not torch.isnan(value)
    for gradient in torch.autograd.grad(value, (x, y)):
        assert torch.isfinite(gradient).all()
        assert gradient[1].item() == pytest.approx(0, abs=1e-2) or y[1].item() == 0


def test_descent_on_logits_leaves_a_zero_behind(device):
    # q starts without mass where p has half of its own: KL is huge; its gradient leads back, with no NaN on the way
    p = tensor([0.5, 0.5], device)
    y = tensor([0.0, -60.0], device).requires_grad_()
    optimizer = torch.optim.Adam([y], lr=1.0)
    for _ in range(200):
        optimizer.zero_grad()
        kl_divergence(p, y.softmax(-1)).backward()
        optimizer.step()
    assert kl_divergence(p, y.softmax(-1)).item() < 1e-3  # the minimum is 0; Adam circles it


def test_the_gradient_of_a_broadcast_distribution_has_its_own_shape(random_distributions):
    p, q = random_distributions(5).requires_grad_(), random_distributions(4, 5)
    for divergence in DIVERGENCES:
        (gradient,) = torch.autograd.grad(divergence(p, q).sum(), p)
        rows = [torch.autograd.grad(divergence(p, row), p)[0] for row in q]
        torch.testing.assert_close(gradient, torch.stack(rows).sum(0), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_torch_func_transforms_agree_with_a_loop(divergence, rng, device):
    x, y = (logits(rng, device, 3, 4).detach() for _ in range(2))
    through = lambda a, b: divergence(a.softmax(-1), b.softmax(-1))  # noqa: E731
    torch.testing.assert_close(torch.func.vmap(through)(x, y), through(x, y), rtol=1e-14, atol=1e-16)
    gradients = torch.func.vmap(torch.func.grad(through, argnums=(0, 1)))(x, y)
    x.requires_grad_(), y.requires_grad_()
    expected = torch.autograd.grad(through(x, y).sum(), (x, y))
    for gradient, witness in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, witness, rtol=1e-12, atol=1e-15)


def test_vmap_still_refuses_what_is_no_distribution(device):
    with pytest.raises(ValueError, match=r"p must add up to 1 .* adds up to 1\.5"):
        torch.func.vmap(kl_divergence)(tensor([[0.5, 0.5], [0.5, 1.0]], device), tensor([[0.5, 0.5]] * 2, device))
