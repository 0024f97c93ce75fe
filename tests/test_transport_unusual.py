"""Transport of tensors that are not what they seem, in modes that others switched on, with ties, in many threads."""

import concurrent.futures
import importlib
import math

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
import torch

from gantut.transport import (
    KantorovichPotential,
    c_transform,
    emd,
    emd_points,
    minibatch_coupling,
    pile_moves,
    sinkhorn,
    sinkhorn_divergence,
    sinkhorn_points,
    sliced_wasserstein,
    wasserstein_1d,
)

_line = importlib.import_module("gantut.transport._line")
INF = math.inf


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape))


def shares(*shape, seed=0):
    masses = drawn(*shape, seed=seed) + 0.1
    return masses / masses.sum(-1, keepdim=True)


X, Y, A, B = drawn(9, 2), drawn(11, 2, seed=1), shares(9), shares(11, seed=1)
COST, LINE = torch.cdist(X, Y), drawn(4, 9, seed=2)
WEIGHTS, EQUAL = shares(9, seed=3), torch.full((9,), 1 / 9, dtype=torch.float64)
CALLS = {
    "emd": (lambda *given: emd(*given).value, (A, B, COST)),
    "emd of equal masses": (lambda *given: emd(*given).value, (EQUAL, EQUAL, COST[:, :9])),
    "emd of a few": (lambda *given: emd(*given).value, (shares(3), shares(2), COST[:3, :2])),
    "emd of a batch": (lambda *given: emd(*given).value, (shares(3, 9), B, COST)),
    "emd_points": (lambda *given: emd_points(*given).value, (X, Y, A, B)),
    "wasserstein_1d": (wasserstein_1d, (LINE, LINE.flip(0) * 2)),
    "wasserstein_1d, weighted": (wasserstein_1d, (LINE, LINE.flip(0) * 2, WEIGHTS, A)),
    "wasserstein_1d, on bins": (wasserstein_1d, (LINE[0], LINE[0].clone(), WEIGHTS, A)),
    "sinkhorn": (lambda *given: sinkhorn(*given, 0.1).value, (A, B, COST)),
    "sinkhorn_points": (lambda *given: sinkhorn_points(*given, reg=0.1).value, (X, Y, A, B)),
    "sinkhorn_divergence": (lambda *given: sinkhorn_divergence(*given, reg=0.1, p=2), (X, Y, A, B)),
    "sliced_wasserstein": (sliced_wasserstein, (X, Y, drawn(2, 5, seed=4))),
    "minibatch_coupling": (minibatch_coupling, (X, Y[:9])),
    "c_transform": (c_transform, (WEIGHTS, X, Y)),
    "KantorovichPotential": (lambda x, g, y: KantorovichPotential(x, g)(y), (X, WEIGHTS, Y)),
    "pile_moves": (lambda P, Q: pile_moves(P, Q).cost, (A, WEIGHTS)),
}


@pytest.fixture(params=[0, _line.FEW_CALLS], ids=["first calls", "later calls"])
def calls_before(request, monkeypatch):
    monkeypatch.setattr(_line, "_calls", request.param)


# ---------------------------------------------------------------------------------------------- kinds of tensors


def stored_with_the_other_sign(x):
    found = torch.complex(torch.zeros_like(x), -x).conj().imag
    assert found.is_neg()
    return found


def marked_as_negative(x):
    found = torch._neg_view(-x)  # contiguous, as no part of a complex tensor is
    assert found.is_neg()
    assert found.is_contiguous()
    return found


class OwnTensor(torch.Tensor):
    pass


KINDS = [
    stored_with_the_other_sign,
    marked_as_negative,
    lambda x: x.clone().as_subclass(OwnTensor),
    lambda x: torch.nn.Parameter(x.clone()),
    lambda x: x.repeat(*(2 for _ in x.shape))[tuple(slice(0, k) for k in x.shape)],
    lambda x: x.mT.contiguous().mT if x.ndim > 1 else x.expand(3, -1)[1],
    lambda x: np.frombuffer(x.contiguous().numpy().tobytes()).reshape(x.shape),  # may not be written to
    lambda x: np.flip(np.flip(x.numpy()).copy()),
]


@pytest.mark.parametrize("name", CALLS)
def test_the_same_numbers_have_the_same_answer_however_they_are_stored(name, calls_before):
    call, plain = CALLS[name]
    expected = call(*plain)
    for kind in KINDS:
        given = [kind(x) for x in plain]
        found = call(*given)
        torch.testing.assert_close(found.detach().as_subclass(torch.Tensor), expected, rtol=1e-13, atol=1e-15)
        assert all(np.array_equal(np.array(now.tolist()), then.numpy()) for now, then in zip(given, plain, strict=True))


def test_zeros_without_memory_are_zeros(calls_before):
    """PyTorch makes them where a derivative is zero: their address is none."""
    empty = torch._efficientzerotensor
    assert torch.equal(wasserstein_1d(empty((4, 6)), torch.ones(4, 6)), torch.ones(4))
    assert emd(EQUAL, EQUAL, empty((9, 9), dtype=torch.float64)).value == 0
    expected = emd_points(torch.zeros(9, 2).double(), X).value
    assert emd_points(empty((9, 2), dtype=torch.float64), X).value == expected


def test_tensors_without_numbers_are_refused():
    for call, plain in CALLS.values():
        tensors = [x.to("meta") if isinstance(x, torch.Tensor) else x for x in plain]
        with pytest.raises(ValueError, match=r"^\w+ must have numbers, and a tensor on the device meta has none"):
            call(*tensors)


@pytest.mark.parametrize("kind", ["nested", "quantized", "sparse"])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors", "ignore:torch.quantize_per_tensor")
def test_what_has_no_plain_numbers_is_refused_by_name_wherever_it_stands(kind, calls_before):
    make = {
        "nested": lambda x: torch.nested.nested_tensor([x, x]),
        "quantized": lambda x: torch.quantize_per_tensor(x.float(), 0.01, 0, torch.quint8),
        "sparse": lambda x: x.to_sparse(),
    }[kind]
    for call, plain in CALLS.values():
        for place in range(len(plain)):
            with pytest.raises(ValueError, match=rf"must be a (plain tensor, not a {kind} one|dense tensor)"):
                call(*(make(x) if k == place else x for k, x in enumerate(plain)))


# ---------------------------------------------------------------------------------------------- modes


class Default:
    def __init__(self, dtype):
        self.dtype = dtype

    def __enter__(self):
        self.before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)

    def __exit__(self, *_):
        torch.set_default_dtype(self.before)


MODES = {
    "default float64": lambda: Default(torch.float64),
    "default float16": lambda: Default(torch.float16),
    "default device": lambda: torch.device("meta"),  # where nothing can be computed
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "NumPy raises": lambda: np.errstate(all="raise"),
    "inference": torch.inference_mode,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_no_mode_that_is_switched_on_elsewhere_changes_an_answer(mode, dtype, calls_before):
    for call, given in CALLS.values():
        given = [x.to(dtype) for x in given]
        expected = call(*given)
        with MODES[mode]():
            found = call(*given)
        torch.testing.assert_close(found, expected, rtol=1e-13 if dtype == torch.float64 else 1e-6, atol=1e-15)


RARE = ("default float16", "NumPy raises", "inference")


@pytest.mark.parametrize("mode", [pytest.param(mode, marks=[pytest.mark.slow] * (mode in RARE)) for mode in MODES])
def test_nor_do_modes_change_how_large_problems_are_solved(mode, monkeypatch):
    monkeypatch.setattr("gantut.transport._promising_arcs.MANY_ARCS", 10_000)
    x, y, a, b = drawn(520, 64), drawn(530, 64, seed=1), shares(520), shares(530, seed=1)
    cost = torch.cdist(x, y)
    solve = lambda: (emd(a, b, cost).value, sinkhorn(a, b, cost, 0.05).value, sinkhorn_divergence(x, y, reg=1.0, p=2))  # noqa: E731
    expected = solve()
    with MODES[mode]():
        found = solve()
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=0)  # tol = 1e-6 is of the marginals


# ---------------------------------------------------------------------------------------------- units


@pytest.mark.parametrize("exponent", [-160, *(pytest.param(k, marks=pytest.mark.slow) for k in (-600, -110, 110, 160))])
def test_sweeps_in_single_precision_have_no_unit(exponent):
    # homogeneity; costs of 2^-160 are 0 in float32, and those of 2^160 infinite
    x, y, unit = drawn(520, 2), drawn(530, 2, seed=1), 2.0**exponent
    a, b, cost = shares(520), shares(530, seed=1), torch.cdist(x, y)
    for dtype in (torch.float64, torch.float32) if abs(exponent) < 120 else (torch.float64,):
        masses, costs = [mass.to(dtype) for mass in (a, b)], (unit * cost.to(dtype)).requires_grad_()
        found, expected = sinkhorn(*masses, costs, 0.02 * unit), sinkhorn(*masses, cost.to(dtype), 0.02)
        assert found.value.item() / unit == pytest.approx(expected.value.item(), rel=1e-6)
        assert found.iterations < 2 * expected.iterations
        (slope,) = torch.autograd.grad(found.value, costs)
        alone = cost.to(dtype).requires_grad_()
        expected = torch.autograd.grad(sinkhorn(*masses, alone, 0.02).value, alone)[0]
        torch.testing.assert_close(slope, expected, rtol=0, atol=1e-5 * expected.abs().max().item())
    if abs(exponent) < 600:
        for p in (1, 2):
            found = sinkhorn_points(unit * x, unit * y, a, b, reg=0.02 * unit**p, p=p).value / unit**p
            torch.testing.assert_close(found, sinkhorn_points(x, y, a, b, reg=0.02, p=p).value, rtol=1e-6, atol=0)
            found = sinkhorn_divergence(unit * x, unit * y, reg=0.02 * unit**p, p=p) / unit**p
            torch.testing.assert_close(found, sinkhorn_divergence(x, y, reg=0.02, p=p), rtol=1e-6, atol=0)


def test_costs_whose_spread_exceeds_the_range_have_a_plan():
    found = sinkhorn([0.5, 0.5], [0.5, 0.5], [[1e308, -1e308], [-1e308, 1e308]], 1e307)
    assert found.value.item() == pytest.approx(-1e308 * math.tanh(10), rel=1e-12)  # 1 / (1 + e^20) goes the dear way
    assert all(torch.isfinite(part).all() for part in (found.f, found.g, found.gap))


def test_a_refusal_speaks_in_the_units_that_were_given():
    with pytest.raises(ValueError, match=r"reg must be above 8\.88e-34 for costs of up to 4e-20 .* not 1e-40"):
        sinkhorn([0.5, 0.5], [0.5, 0.5], [[0.0, 4e-20], [1e-20, 0.0]], 1e-40)


@pytest.mark.parametrize("largest", [1e290, 1e307, 1e308])
def test_near_the_end_of_the_range_a_forbidden_arc_is_dearer_still(largest):
    cost = torch.tensor([[INF, largest], [largest, 0.0]]).double()
    half = torch.tensor([0.5, 0.5]).double()
    found = emd(half, half, torch.tensor([[INF, largest], [largest, 0.0]], dtype=torch.float64))
    assert found.value.item() == largest
    assert found.plan.tolist() == [[0.0, 0.5], [0.5, 0.0]]
    assert (cost - found.f[:, None] - found.g >= 0).all()


# ---------------------------------------------------------------------------------------------- errors and gradients


@pytest.mark.parametrize(("dtype", "apart"), [(torch.float64, 5e-10), (torch.float32, 5e-6), (torch.float16, 5e-3)])
@pytest.mark.parametrize("n", [2, 10])
def test_the_stated_error_holds_though_totals_differ(dtype, apart, n):
    """Totals may differ by the roundings of their precision: no plan has both marginals then."""
    a = torch.full((n,), 1 / n, dtype=dtype)
    b, cost = torch.full((8,), (1 + apart) / 8, dtype=dtype), drawn(n, 8).to(dtype)
    for found in (emd(a, b, cost), emd(a, b.expand(2, 8), cost), sinkhorn(a, b, cost, 1.0)):
        plan = found.plan.double()
        off = [(plan.sum(axis) - mass.double()).abs().sum(-1) for axis, mass in ((-1, a), (-2, b))]
        true = (torch.maximum(*off) / a.double().sum()).max().item()
        rounding = 4 * torch.finfo(dtype).eps  # of the plan, in the end
        assert true - rounding <= found.error.max().item() <= 2 * true + rounding + 1e-6


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_what_a_point_without_mass_would_gain_by_the_first_grain(p):
    """The derivative at a mass of zero, against a one-sided difference of second order."""
    x, y, a, b = drawn(5, 2), drawn(6, 2, seed=1), shares(5), shares(6, seed=1)
    a[0] = b[2] = 0
    a, b = a / a.sum(), b / b.sum()
    to_a, to_b = (
        torch.tensor([1, -0.4, -0.2, -0.3, -0.1]).double(),
        torch.tensor([-0.5, 0, 1, -0.2, -0.2, -0.1]).double(),
    )
    to_a, to_b, h = to_a - to_a.mean(), to_b - to_b.mean(), 1e-5
    to_a[1], to_b[0] = to_a[1] - to_a.sum(), to_b[0] - to_b.sum()
    cost = torch.cdist(x, y) ** p
    for solve in (
        lambda a, b: sinkhorn(a, b, cost, 0.5, tol=1e-13).value,
        lambda a, b: sinkhorn_points(x, y, a, b, reg=0.5, p=p, tol=1e-13).value,
        lambda a, b: sinkhorn_divergence(x, y, a, b, reg=0.5, p=p, tol=1e-13),
    ):
        masses = [mass.clone().requires_grad_() for mass in (a, b)]
        slopes = torch.autograd.grad(solve(*masses), masses)
        found = (slopes[0] @ to_a + slopes[1] @ to_b).item()
        values = [solve(a + k * h * to_a, b + k * h * to_b).item() for k in range(3)]
        assert found == pytest.approx((-3 * values[0] + 4 * values[1] - values[2]) / (2 * h), rel=1e-6, abs=1e-7)


def test_a_potential_stays_when_its_points_move():
    points, values = X.clone(), WEIGHTS.clone()
    potential = KantorovichPotential(points, values)
    before = potential(Y)
    points += 1
    values *= 2
    assert torch.equal(potential(Y), before)


# ---------------------------------------------------------------------------------------------- ties and shapes


def linear_program(a, b, cost):
    n, m = cost.shape
    rows, columns = (
        scipy.sparse.kron(scipy.sparse.eye(n), np.ones((1, m))),
        scipy.sparse.kron(np.ones((1, n)), scipy.sparse.eye(m)),
    )
    constraints = scipy.sparse.vstack([rows, columns]).tocsr()[:-1]
    return round(scipy.optimize.linprog(cost.ravel(), A_eq=constraints, b_eq=np.r_[a, b][:-1], method="highs").fun)


LARGER = [pytest.param(n, m, marks=pytest.mark.slow) for n, m in ((1, 70), (3, 60), (24, 18), (30, 30))]
SHAPES = [(8, 8), (7, 9), (9, 16), (60, 3), (70, 1), *LARGER]


def with_ties(n, m):
    """Costs in whole numbers, many of which agree."""
    i, j, random = np.arange(n)[:, None], np.arange(m), np.random.default_rng(n * m)
    yield from (
        random.integers(0, 2, (n, m)),
        np.full((n, m), 3),
        np.abs(i * m - j * n),
        -i * j,
        np.maximum(i, j),
        i ^ j,
    )
    yield from (np.repeat(random.integers(0, 9, (1, m)), n, 0), (i % 4 != j % 4) * 1, np.gcd(i + 1, j + 1))
    yield np.abs(i // 3 - j // 3) + np.abs(i % 3 - j % 3)


@pytest.mark.parametrize(("n", "m"), SHAPES)
def test_problems_in_whole_numbers_are_solved_exactly_however_many_of_them_agree(n, m):
    random, total = np.random.default_rng(n + m), 6 * n * m // math.gcd(n, m)
    equal = [np.full(k, total // k) for k in (n, m)]
    any_masses = [1 + np.bincount(random.integers(0, k, total - k), minlength=k) for k in (n, m)]
    heavy = [np.r_[1 + max(k, other) - k, np.ones(k - 1, int)] for k, other in ((n, m), (m, n))]
    for cost in with_ties(n, m):
        for a, b in (equal, any_masses, heavy):
            found = emd(*(torch.from_numpy(each.astype(float)) for each in (a, b, cost)))
            plan = found.plan.numpy()
            assert found.value == (plan * cost).sum() == linear_program(a, b, cost)
            assert (plan.sum(1) == a).all()
            assert (plan.sum(0) == b).all()
            assert (plan == np.round(plan)).all()
            assert found.error == 0


@pytest.mark.parametrize("highest", [1, 2, 4, 50])
def test_no_row_starts_without_a_column_that_it_could_have(highest):
    paths = pytest.importorskip("gantut.transport.compiled._augmenting_paths", reason="Numba is not installed")
    cost = np.random.default_rng(highest).integers(0, highest, (30, 30)).astype(float)
    g, column_of, row_of, memory = np.empty(30), *np.empty((3, 30), np.int64)
    paths._start.py_func(cost, g, column_of, row_of, memory)
    assert (g == cost.min(0)).all()
    rows, free = np.flatnonzero(column_of >= 0), np.flatnonzero(row_of < 0)
    assert (row_of[column_of[rows]] == rows).all()
    assert (cost[rows, column_of[rows]] == g[column_of[rows]]).all()
    assert len(rows) + len(free) == 30
    assert (cost[np.flatnonzero(column_of < 0)][:, free] > g[free]).all()
    assert highest > 1 or not len(free)  # where all costs agree, that is all there is to do


@pytest.mark.parametrize("side", [0, 1])
def test_one_point_against_many_has_one_plan_and_nobody_looks_for_it(side, monkeypatch):
    compiled = pytest.importorskip("gantut.transport.compiled", reason="Numba is not installed")
    monkeypatch.setattr(compiled, "solve", None)
    masses, cost = shares(100_000), drawn(1, 100_000, seed=1)
    one = masses.sum(-1, keepdim=True)
    found = emd(masses, one, cost.T) if side else emd(one, masses, cost)
    assert found.value.item() == pytest.approx((masses @ cost[0]).item(), rel=1e-12)
    assert torch.equal(found.plan.reshape(-1), masses)


# ---------------------------------------------------------------------------------------------- threads


@pytest.mark.parametrize("of_torch", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_who_calls_from_many_threads_gets_what_he_would_get_alone(of_torch, monkeypatch):
    monkeypatch.setattr(_line, "_calls", 0)
    calls = [
        lambda k=k, name=name: CALLS[name][0](*CALLS[name][1]) + 0 * k for k in range(8) for name in CALLS
    ]  # enough for compiled code to take over in the midst of them
    alone, threads = [call() for call in calls], torch.get_num_threads()
    torch.set_num_threads(of_torch)
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda call: call(), calls))
        assert torch.get_num_threads() == of_torch
    finally:
        torch.set_num_threads(threads)
    for ours, theirs in zip(together, alone, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-15)
