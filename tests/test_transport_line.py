"""Piles and distributions on the line, against SciPy, POT, linear programs and closed forms."""

import contextlib
import itertools
import math
import warnings

import numpy as np
import ot
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from gantut.lessons.linear_program import linear_program
from gantut.transport import pile_moves, sliced_wasserstein, wasserstein_1d

pytestmark = pytest.mark.filterwarnings("error")

INF = math.inf
POWERS = (1, 1.5, 2, 3, INF)


def tensor(values, device="cpu", dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, device=device)


def array(values):
    return values.detach().cpu().double().numpy()


@pytest.fixture
def normal(rng, device):
    return lambda *shape: torch.randn(shape, dtype=torch.float64, generator=rng).to(device)


@pytest.fixture
def uniform(rng, device):
    return lambda *shape: torch.rand(shape, dtype=torch.float64, generator=rng).to(device)


# ---------------------------------------------------------------------------------------------- piles


def test_the_four_piles_of_the_book(device):
    walk = pile_moves(tensor([3, 2, 1, 4], device), tensor([1, 2, 4, 3], device))
    assert walk.deltas.tolist() == [0, 2, 2, -1, 0]
    assert walk.cost.item() == 5
    assert walk.moves == [(1, 2, 2.0), (2, 3, 2.0), (4, 3, 1.0)]
    assert walk.states.tolist() == [[3, 2, 1, 4], [1, 4, 1, 4], [1, 2, 3, 4], [1, 2, 4, 3]]
    assert pile_moves(tensor([0.3, 0.2, 0.1, 0.4]), tensor([0.1, 0.2, 0.4, 0.3])).cost.item() == pytest.approx(0.5)


piles = st.integers(1, 7).flatmap(lambda n: st.lists(st.integers(0, 9), min_size=n, max_size=n)).filter(sum)


@st.composite
def pairs_of_piles(draw):
    p = draw(piles)
    cuts = sorted(draw(st.lists(st.integers(0, sum(p)), min_size=len(p) - 1, max_size=len(p) - 1)))
    return p, [after - before for before, after in itertools.pairwise([0, *cuts, sum(p)])]


@given(pairs_of_piles())
def test_the_moves_turn_p_into_q_and_no_pile_runs_short(device, pair):
    p, q = (tensor(pile, device) for pile in pair)
    walk = pile_moves(p, q)
    assert walk.states[0].tolist() == pair[0]
    assert walk.states[-1].tolist() == pair[1]  # whole numbers: exact
    assert walk.states.min() >= 0
    assert len(walk.states) == len(walk.moves) + 1
    assert sum(amount for _, _, amount in walk.moves) == walk.cost.item()
    assert all(abs(source - target) == 1 and amount > 0 for source, target, amount in walk.moves)
    assert walk.deltas[0] == walk.deltas[-1] == 0


@given(pairs_of_piles())
def test_the_walk_costs_what_the_linear_program_costs(pair):
    p, q = map(tensor, pair)
    place = torch.arange(len(p)).double()
    witness = linear_program(p, q, (place[:, None] - place).abs()).value
    assert pile_moves(p, q).cost.item() == pytest.approx(witness.item(), rel=1e-9, abs=1e-9)  # HiGHS: 1e-7 allowed


def test_piles_come_in_batches_and_cost_what_weighted_positions_cost(random_distributions):
    p, q = random_distributions(3, 4, 6, zeros=0.3), random_distributions(4, 6)
    walk = pile_moves(p, q)
    assert walk.deltas.shape == (3, 4, 7)
    assert walk.moves is None
    assert walk.states is None
    place = torch.arange(6, dtype=torch.float64, device=p.device)
    torch.testing.assert_close(walk.cost, wasserstein_1d(place, place, p, q), rtol=1e-13, atol=1e-14)
    for i, j in np.ndindex(3, 4):
        torch.testing.assert_close(walk.cost[i, j], pile_moves(p[i, j], q[j]).cost, rtol=1e-14, atol=1e-15)


def test_the_cost_of_the_walk_is_differentiable(random_distributions):
    p, q = random_distributions(5).requires_grad_(), random_distributions(5).requires_grad_()
    # only the slope along changes that keep the total is that of transport: move mass through a softmax
    assert torch.autograd.gradcheck(lambda a, b: pile_moves(a.softmax(-1), b.softmax(-1)).cost, (p, q))


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([1.0, 2.0], [1.0, 1.0], "same total"),
        ([1.0, -1.0], [0.0, 0.0], r"^P\b"),
        ([1.0, math.nan], [1.0, 0.0], "finite"),
        ([0.0, 0.0], [0.0, 0.0], "positive finite total"),
        ([1.0, 1.0], [2.0], "length|shapes"),
        ([], [], "empty"),
        (torch.tensor([True]), torch.tensor([True]), "floating point"),
        (torch.ones(2), torch.ones(2).double(), "one dtype"),
    ],
)
def test_bad_piles_are_refused(p, q, message):
    with pytest.raises(ValueError, match=message):
        pile_moves(p, q)


# ---------------------------------------------------------------------------------------------- W_p: values


@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 7), (1, 5), (4, 9), (50, 50)])
def test_w1_is_that_of_scipy(normal, uniform, n, m):
    u, v, a, b = normal(20, n), normal(20, m), uniform(20, n), uniform(20, m)
    a[:, 1:] *= uniform(20, n - 1) > 0.3  # some weights are zero
    for weights in ((None, None), (a, None), (None, b), (a, b)):
        ours = wasserstein_1d(u, v, *weights)
        rows = zip(*(20 * [None] if t is None else array(t) for t in (u, v, *weights)), strict=True)
        theirs = [scipy.stats.wasserstein_distance(*row) for row in rows]
        np.testing.assert_allclose(array(ours), theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
@pytest.mark.parametrize(("n", "m"), [(8, 8), (4, 9)])
def test_wp_to_the_power_p_is_that_of_pot(normal, random_distributions, p, n, m):
    u, v, a, b = normal(n, 20), normal(m, 20), random_distributions(20, n).T, random_distributions(20, m).T
    for weights in ((None, None), (a, b)):
        theirs = ot.wasserstein_1d(*(None if t is None else array(t) for t in (u, v, *weights)), p=p)
        ours = wasserstein_1d(u, v, *weights, p=p, dim=0)
        np.testing.assert_allclose(array(ours), theirs, rtol=1e-12, atol=1e-14)
        positional = wasserstein_1d(*(None if t is None else t.mT for t in (u, v, *weights)), p)  # POT's order
        assert torch.equal(positional, ours)


@pytest.mark.parametrize("p", [1, 2, 3.5])
def test_wp_is_the_optimum_of_the_linear_program(normal, random_distributions, p):
    u, v, a, b = (
        normal(6).cpu(),
        normal(8).cpu(),
        random_distributions(6, zeros=0.2).cpu(),
        random_distributions(8).cpu(),
    )
    witness = linear_program(a, b, (u[:, None] - v).abs() ** p).value
    assert wasserstein_1d(u, v, a, b, p=p).item() == pytest.approx(witness.item(), rel=1e-9)  # HiGHS: 1e-7 allowed


@pytest.mark.parametrize("p", POWERS)
def test_equal_numbers_of_points_are_matched_by_the_best_permutation(normal, p):
    u, v = normal(6), normal(6)
    orders = torch.tensor(list(itertools.permutations(range(6))), device=u.device)
    differences = (u - v[orders]).abs()  # (720, 6)
    best = differences.amax(-1).min() if p == INF else (differences**p).mean(-1).min()
    assert wasserstein_1d(u, v, p=p).item() == pytest.approx(best.item(), rel=1e-13)


def test_w_infinity_is_the_limit_of_large_powers_and_the_smallest_sufficient_radius(
    device, normal, random_distributions
):
    u, v, a, b = normal(5), normal(7), random_distributions(5), random_distributions(7)
    farthest = wasserstein_1d(u, v, a, b, p=INF)
    u, v = u / farthest, v / farthest  # so that the power does not overflow
    assert wasserstein_1d(u, v, a, b, p=2000).item() ** (1 / 2000) == pytest.approx(1, rel=0.01)
    farthest = farthest / farthest
    distances = (u[:, None] - v).abs()
    for radius, feasible in ((farthest + 1e-9, True), (farthest - 1e-9, False)):
        blocked = linear_program(a.cpu(), b.cpu(), (distances > radius).double().cpu()).value
        assert (blocked.item() < 1e-9) == feasible


def test_rounded_levels_do_not_count_as_mass(device):
    # 0.1 + 0.2 and 0.3 differ by a rounding; a slice of 6e-17 that travels far must not set W_infinity
    u, v = tensor([0.0, 0.0, 100.0], device), tensor([0.0, 100.0], device)
    assert wasserstein_1d(u, v, tensor([0.1, 0.2, 0.7], device), tensor([0.3, 0.7], device), p=INF).item() == 0
    thirds = torch.arange(3, device=device).double().repeat_interleave(7)
    assert wasserstein_1d(thirds, torch.arange(3, device=device).double(), p=INF).item() == 0


@pytest.mark.parametrize("p", POWERS)
def test_quantiles_of_gaussians_give_the_closed_form(device, p):
    level = (torch.arange(20_000, dtype=torch.float64, device=device) + 0.5) / 20_000
    standard = torch.special.ndtri(level)
    shifted = wasserstein_1d(standard, 3 + standard, p=p)
    assert shifted.item() == pytest.approx(3 if p == INF else 3**p, rel=1e-12)
    if p == 2:  # Gelbrich: the squared distance is (3 - 0)^2 + (2 - 1)^2; the tails cut off are worth 1e-4 of it
        assert wasserstein_1d(standard, 3 + 2 * standard, p=2).item() == pytest.approx(10, rel=1e-4)


@pytest.mark.parametrize("p", POWERS)
def test_between_dirac_distributions_it_is_the_distance_to_the_power_p(device, p):
    expected = pytest.approx(3.5 if p == INF else 3.5**p, rel=1e-14)
    assert wasserstein_1d(tensor([1.5], device), tensor([-2.0], device), p=p).item() == expected
    assert wasserstein_1d(tensor([1.5] * 3, device), tensor([-2.0] * 5, device), p=p).item() == expected


@pytest.mark.parametrize(("p", "size"), [(1, 1e-300), (1, 1e300), (INF, 1e300), (2, 1e150), (2, 1e-150), (40, 1e7)])
def test_it_is_homogeneous_of_degree_p(device, p, size):
    u, v = tensor([0.0, 1.0, 5.0], device), tensor([1.0, 3.0], device)
    expected = wasserstein_1d(u, v, p=p).item()
    scaled = wasserstein_1d(u * size, v * size, p=p).item()
    assert scaled / (size if p == INF else size**p) == pytest.approx(expected, rel=1e-13)


def test_a_power_beyond_the_dtype_is_infinite(device):
    u, v = tensor([1e30], device, torch.float32), tensor([-1e30], device, torch.float32)
    assert wasserstein_1d(u, v, p=1).item() == pytest.approx(2e30)
    assert wasserstein_1d(u, v, p=2).item() == INF


# ---------------------------------------------------------------------------------------------- W_p: theorems

numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
distributions_on_the_line = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        st.lists(numbers, min_size=n, max_size=n),
        st.lists(st.integers(0, 5), min_size=n, max_size=n).filter(sum),
    )
)


def distance(first, second, p, device):
    (u, a), (v, b) = first, second
    power = wasserstein_1d(*(tensor(t, device) for t in (u, v, a, b)), p=p).item()
    return power if p == INF else power ** (1 / p)


@given(distributions_on_the_line, distributions_on_the_line, distributions_on_the_line, st.sampled_from(POWERS))
def test_it_is_a_metric(device, first, second, third, p):
    there, back = distance(first, second, p, device), distance(second, first, p, device)
    assert there == pytest.approx(back, rel=1e-13, abs=1e-13)
    around = distance(first, third, p, device) + distance(third, second, p, device)
    assert there <= around * (1 + 1e-12) + 1e-12
    assert distance(first, first, p, device) == 0


@given(
    distributions_on_the_line, distributions_on_the_line, st.floats(-50, 50), st.floats(0, 10), st.sampled_from(POWERS)
)
def test_shifts_change_nothing_and_scalings_scale(device, first, second, shift, scale, p):
    (u, a), (v, b) = first, second
    expected = distance(first, second, p, device)
    moved = distance(([x + shift for x in u], a), ([x + shift for x in v], b), p, device)
    assert moved == pytest.approx(expected, rel=1e-9, abs=1e-9)  # shifted positions are rounded anew
    flipped = distance(([-scale * x for x in u], a), ([-scale * x for x in v], b), p, device)
    assert flipped == pytest.approx(scale * expected, rel=1e-9, abs=1e-9)


@given(distributions_on_the_line, distributions_on_the_line)
def test_it_grows_with_p_and_its_first_power_bounds_the_difference_of_means(device, first, second):
    ordered = [distance(first, second, p, device) for p in (1, 1.5, 2, 3, INF)]
    assert all(small <= large * (1 + 1e-9) + 1e-12 for small, large in itertools.pairwise(ordered))
    means = [np.average(positions, weights=weights) for positions, weights in (first, second)]
    assert abs(means[0] - means[1]) <= ordered[0] * (1 + 1e-9) + 1e-9


@given(distributions_on_the_line, distributions_on_the_line, st.sampled_from([1, 2, INF]))
def test_whole_weights_are_repetitions(device, first, second, p):
    repeated = [
        torch.repeat_interleave(tensor(positions, device), tensor(weights, device, torch.long))
        for positions, weights in (first, second)
    ]
    expected = distance(first, second, p, device)
    assert wasserstein_1d(*repeated, p=p).item() == pytest.approx(expected if p == INF else expected**p, abs=1e-10)


# ---------------------------------------------------------------------------------------------- infinite positions


@pytest.mark.parametrize(
    ("u", "v", "expected"),
    [
        ([1, 2, INF], [1, 1], INF),  # these four are SciPy's own
        ([1, 2, INF], [-INF, 1], INF),
        ([1, -INF, INF], [1, 1], INF),
        ([1, 2, INF], [INF, 1], math.nan),
        ([INF], [INF], math.nan),
        ([-INF, 0], [0, 0], INF),
        ([-INF], [INF], INF),
    ],
)
@pytest.mark.parametrize("p", POWERS)
def test_infinite_positions_are_infinitely_far_or_undefined(device, u, v, expected, p):
    undefined = pytest.warns(RuntimeWarning, match="NaN") if math.isnan(expected) else contextlib.nullcontext()
    with undefined:
        ours = wasserstein_1d(tensor(u, device), tensor(v, device), p=p).item()
    assert ours == pytest.approx(expected, nan_ok=True)
    if p == 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy warns where it returns nan
            assert scipy.stats.wasserstein_distance(u, v) == pytest.approx(ours, nan_ok=True)


@pytest.mark.parametrize(("dtype", "unit"), [(torch.float32, 2.0**126), (torch.float64, 2.0**1022)])
@pytest.mark.parametrize("weighted", [False, True])
def test_positions_near_the_largest_number_have_the_distance_of_the_same_ones_in_another_unit(
    device, rng, dtype, unit, weighted
):
    """The unit is a power of two, so that nothing is rounded; the largest differences alone would overflow."""
    u, v = (4 * torch.rand(2, 100, generator=rng, dtype=dtype) - 2).to(device)
    weights = torch.rand(100, generator=rng, dtype=dtype).to(device) if weighted else None
    near = (1.99 * u.sign(), -1.99 * u.sign() * torch.linspace(-1, 1, 100, dtype=dtype, device=device).sign())
    for first, second in ((u, v), near):
        small, large = (wasserstein_1d(first * k, second * k, weights) for k in (1, unit))
        assert large.item() == pytest.approx(small.item() * unit, rel=1e-6)
        assert math.isfinite(large.item())


def test_the_gradient_near_the_largest_number_is_the_one_of_any_unit(device):
    u = tensor([1e38, 3e38, -3e38], device, torch.float32).requires_grad_()
    wasserstein_1d(u, tensor([3.3e38, 3e38, 3.2e38], device, torch.float32)).backward()
    assert torch.allclose(u.grad.cpu(), torch.full((3,), -1 / 3))


def test_an_infinite_position_without_weight_does_not_count(device):
    u, v = tensor([0.0, INF], device), tensor([1.0, 3.0], device)
    for p in POWERS:
        assert wasserstein_1d(u, v, tensor([1.0, 0.0], device), tensor([1.0, 0.0], device), p=p).item() == 1


# ---------------------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize(("n", "m"), [(5, 5), (3, 7)])
def test_gradients_are_those_of_finite_differences(normal, uniform, p, n, m):
    u, v = normal(2, n).requires_grad_(), normal(2, m).requires_grad_()
    a, b = (0.2 + uniform(2, n)).requires_grad_(), (0.2 + uniform(m)).requires_grad_()
    assert torch.autograd.gradcheck(lambda u, v: wasserstein_1d(u, v, p=p), (u, v))
    if p != INF:  # W_infinity jumps where weights let a slice of mass appear
        assert torch.autograd.gradcheck(lambda *distributions: wasserstein_1d(*distributions, p=p), (u, v, a, b))


@pytest.mark.parametrize("p", POWERS)
def test_equal_distributions_have_gradient_zero(device, normal, p):
    u = normal(6)
    x, y = u.clone().requires_grad_(), u.flip(0).requires_grad_()
    weights = torch.ones_like(u)
    for weighted in ((), (weights, weights)):
        gradients = torch.autograd.grad(wasserstein_1d(x, y, *weighted, p=p), (x, y))
        assert all(gradient.abs().max() == 0 for gradient in gradients)


def test_gradient_descent_carries_one_sample_to_the_other(device, normal):
    x, y = normal(20).requires_grad_(), 5 + normal(20)
    optimizer = torch.optim.SGD([x], lr=1)
    for _ in range(200):
        optimizer.zero_grad()
        wasserstein_1d(x, y, p=2).backward()
        optimizer.step()
    torch.testing.assert_close(x.detach().sort().values, y.sort().values, rtol=0, atol=1e-6)  # (1 - 2/20)^200 = 7e-10


def test_weights_on_shared_bins_have_the_gradient_of_the_general_formula(device, normal, uniform):
    bins, a, b = normal(6), uniform(3, 6).requires_grad_(), uniform(3, 6).requires_grad_()
    copies = bins.expand(3, 6)  # a batch takes the general way
    fast = torch.autograd.grad(wasserstein_1d(bins, bins, a, b).sum(), (a, b))
    general = torch.autograd.grad(wasserstein_1d(copies, copies, a, b).sum(), (a, b))
    for ours, witness in zip(fast, general, strict=True):
        torch.testing.assert_close(ours, witness, rtol=1e-11, atol=1e-12)
    moving = bins.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: wasserstein_1d(z, z, a.detach(), b.detach()), moving)


# ---------------------------------------------------------------------------------------------- shapes and dtypes


@pytest.mark.parametrize("p", [1, 2, INF])
def test_a_batch_is_a_loop_and_any_dimension_may_hold_the_positions(normal, uniform, p):
    u, v, a, b = normal(3, 4, 5), normal(4, 6), uniform(4, 5), uniform(6)
    for weights in ((None, None), (a, b), (None, b)):
        batch = wasserstein_1d(u, v, *weights, p=p)
        assert batch.shape == (3, 4)
        for i, j in np.ndindex(3, 4):
            row = [None if t is None else (t[j] if t.ndim == 2 else t) for t in weights]
            torch.testing.assert_close(batch[i, j], wasserstein_1d(u[i, j], v[j], *row, p=p), rtol=1e-13, atol=0)
    w = normal(3, 4, 5)
    for dim in range(-3, 3):
        moved = wasserstein_1d(u.movedim(-1, dim), w.movedim(-1, dim), p=p, dim=dim)
        torch.testing.assert_close(moved, wasserstein_1d(u, w, p=p), rtol=1e-13, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_other_dtypes_are_kept(normal, uniform, dtype):
    u, v, a, b = normal(4, 9).to(dtype), normal(4, 9).to(dtype), uniform(9).to(dtype), uniform(9).to(dtype)
    for weights in ((None, None), (a, b)):
        for p in (1, 2):
            ours = wasserstein_1d(u, v, *weights, p=p)
            exact = wasserstein_1d(*(None if t is None else t.double() for t in (u, v, *weights)), p=p)
            assert ours.dtype == dtype
            torch.testing.assert_close(ours.double(), exact, rtol=8 * torch.finfo(dtype).eps, atol=0)


def test_threads_change_nothing(normal, uniform):
    u, v, a = normal(3, 40_000), normal(3, 40_000), uniform(40_000)  # long enough for threads
    problems = [dict(p=1), dict(p=2), dict(u_weights=a)]
    expected, threads = [wasserstein_1d(u, v, **problem) for problem in problems], torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        again = [wasserstein_1d(u, v, **problem) for problem in problems]
    finally:
        torch.set_num_threads(threads)
    for ours, theirs in zip(again, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=0)  # torch adds up in another order


def test_layouts_lists_and_arrays(normal):
    u, v = normal(10, 3).T, normal(3, 20)[:, ::2]
    expected = wasserstein_1d(u.contiguous(), v.contiguous())
    torch.testing.assert_close(wasserstein_1d(u, v), expected, rtol=0, atol=0)
    plain = wasserstein_1d(array(u), array(v))
    torch.testing.assert_close(plain, expected.cpu(), rtol=1e-15, atol=0)
    assert wasserstein_1d([0, 1, 3], [5, 6, 8]).item() == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, math.nan], [1.0]), r"^u_values\b"),
        (([], [1.0]), r"^u_values\b"),
        (([1.0], []), r"^v_values\b"),
        ((torch.tensor([1, 2]), torch.tensor([1.0])), r"^u_values\b"),
        ((torch.ones(2), torch.ones(2).double()), "one dtype"),
        ((torch.ones(2, 3), torch.ones(3, 3)), "broadcast"),
        (([1.0, 2.0], [1.0], [1.0, -1.0]), r"^u_weights\b"),
        (([1.0, 2.0], [1.0], [0.0, 0.0]), r"^u_weights\b"),
        (([1.0, 2.0], [1.0], [1.0, INF]), r"^u_weights\b"),
        (([1.0, 2.0], [1.0], None, [1.0, 1.0]), r"^v_weights\b"),
        (([1.0, 2.0], [1.0], [math.nan, 1.0]), r"^u_weights\b"),
    ],
)
def test_bad_positions_and_weights_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        wasserstein_1d(*arguments)


@pytest.mark.parametrize("p", [0.5, 0, -1, math.nan, "1", True, None])
def test_powers_below_one_are_refused(p):
    with pytest.raises(ValueError, match=r"^p\b"):
        wasserstein_1d([1.0], [2.0], p=p)


@pytest.mark.parametrize("p", [1, 2, math.inf])
@pytest.mark.parametrize(
    ("u", "v", "u_weights", "v_weights"),
    [
        ((2, 1, 4), (2, 1, 4), (3, 4), None),
        ((2, 1, 4), (3, 5), None, (2, 3, 5)),
        ((4,), (2, 3, 5), (3, 4), (2, 1, 5)),
        ((1, 3, 4), (2, 1, 4), (2, 1, 4), (3, 4)),
    ],
)
def test_batches_of_positions_and_of_weights_broadcast(device, normal, p, u, v, u_weights, v_weights):
    u, v = normal(*u), normal(*v)
    u_weights, v_weights = (None if shape is None else normal(*shape).abs() + 0.1 for shape in (u_weights, v_weights))
    shape = np.broadcast_shapes(*(t.shape[:-1] for t in (u, v, u_weights, v_weights) if t is not None))
    found = wasserstein_1d(u, v, u_weights, v_weights, p=p)
    assert found.shape == shape
    each = [None if t is None else t.expand(*shape, t.shape[-1]) for t in (u, v, u_weights, v_weights)]
    for index in itertools.product(*map(range, shape)):
        alone = wasserstein_1d(*(None if t is None else t[index] for t in each), p=p)
        torch.testing.assert_close(found[index], alone, rtol=1e-13, atol=0)


def test_the_longest_way_does_not_depend_on_how_much_goes_it(device):
    # W_inf has no slope in the weights: its gradient is 0, not an error
    weights = torch.tensor([0.3, 0.7], dtype=torch.float64, device=device, requires_grad=True)
    positions = torch.tensor([0.0, 1.0], dtype=torch.float64, device=device)
    wasserstein_1d(positions, 2 * positions, weights, p=math.inf).backward()
    assert weights.grad.tolist() == [0, 0]


# ---------------------------------------------------------------------------------------------- long rows


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 10), (7, 50), (2, 3, 200), (30, 4000), (2, 60_000)])
def test_many_long_rows_give_what_scipy_gives_for_each(normal, dtype, shape):
    u, v = normal(*shape).to(dtype), (2 * normal(*shape) - 1).to(dtype)
    found = wasserstein_1d(u, v).reshape(-1)
    for one, a, b in zip(found, u.flatten(0, -2), v.flatten(0, -2), strict=True):
        expected = scipy.stats.wasserstein_distance(a.cpu().double().numpy(), b.cpu().double().numpy())
        assert one.item() == pytest.approx(expected, rel=1e-12 if dtype == torch.float64 else 1e-5)


@pytest.mark.parametrize("n", [10, 60_000])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_nan_of_either_sign_is_found_in_rows_of_any_length(normal, n, sign):
    # sorting puts a NaN last, whatever its sign
    u, v = normal(2, n), normal(2, n)
    v[1, n // 2] = math.copysign(math.nan, sign)
    with pytest.raises(ValueError, match=rf"v_values\[1, {n // 2}\] is nan"):
        wasserstein_1d(u, v)
    with pytest.raises(ValueError, match=rf"u_values\[{n // 2}, 1\] is nan"):
        wasserstein_1d(v.T, u.T, dim=0)


def test_a_batch_of_no_problems_has_no_distances(device):
    none = torch.zeros(0, 5, 2, dtype=torch.float64, device=device)
    for found in (wasserstein_1d(none[..., 0], none[..., 1]), sliced_wasserstein(none, none)):
        assert found.shape == (0,)
        assert found.dtype == torch.float64
