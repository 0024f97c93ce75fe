"""The compiled sorting network: it sorts, and what it is for gives NumPy's numbers to the last bit."""

import itertools
import math

import numpy as np
import pytest
import torch

from gantut.transport import _line, sliced_wasserstein, wasserstein_1d

compiled = pytest.importorskip("gantut.transport.compiled")
network = pytest.importorskip("gantut.transport.compiled._sorting_network")

DTYPES = (np.float64, np.float32)
# ends of blocks of 16, of powers of two and of the eights in which NumPy adds up
LENGTHS = (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 127, 128, 129, 130, 255, 257, 500, 513, 1000, 1025, 2048)


def sorted_by_network(rows):
    """Each row of an array (lanes, n), sorted in its lane."""
    lanes, n = rows.shape
    assert lanes * rows.itemsize == network.BYTES
    size = (-(-n // network.ROWS) * network.ROWS + 1) * lanes
    memory = np.full(size + lanes, np.inf, rows.dtype)
    x = memory[-memory.ctypes.data % network.BYTES // rows.itemsize :][:size]
    x[: n * lanes] = rows.T.reshape(-1)
    network.sort_lanes(x)
    assert np.isposinf(x[n * lanes :]).all()  # what stands for all that is beyond the end is still there
    return x[: n * lanes].reshape(n, lanes).T


def gaps(u, v):
    u, v = np.ascontiguousarray(u), np.ascontiguousarray(v)
    return network.mean_gaps(u.ctypes.data, v.ctypes.data, *u.shape, u.dtype)


@pytest.fixture(params=[0, _line.FEW_CALLS], ids=["first calls", "later calls"])
def calls_before(request, monkeypatch):
    monkeypatch.setattr(_line, "_calls", request.param)


@pytest.fixture
def later(monkeypatch):
    """Do something as after many calls."""

    def run(work):
        with monkeypatch.context() as patch:
            patch.setattr(_line, "_calls", _line.FEW_CALLS)
            return work()

    return run


# ---------------------------------------------------------------------------------------------- it sorts


@pytest.mark.parametrize("n", [1, 2, 4, 8, 16])
def test_the_list_of_comparisons_sorts_all_zeros_and_ones_and_so_sorts_everything(n):
    places = (np.arange(2**n) >> np.arange(n)[:, None]) & 1  # (n, 2^n): all inputs
    for i, j in network.sorting(n):
        assert 0 <= i < j < n
        places[i], places[j] = np.minimum(places[i], places[j]), np.maximum(places[i], places[j])
    assert (np.diff(places, axis=0) >= 0).all()


def test_the_list_is_as_long_as_batcher_says():
    for m in range(1, 7):  # n/2 comparisons in each of 1 + 2 + ... + m steps
        assert len(network.sorting(2**m)) == 2 ** (m - 1) * m * (m + 1) // 2


@pytest.mark.parametrize("n", range(1, 14))
def test_the_compiled_network_sorts_all_zeros_and_ones(n):
    inputs = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)
    lanes = network.BYTES // 8
    for start in range(0, 2**n, lanes):
        rows = np.resize(inputs[start : start + lanes], (lanes, n))
        np.testing.assert_array_equal(sorted_by_network(rows), np.sort(rows))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_compiled_network_sorts_what_numpy_sorts(dtype):
    random = np.random.default_rng(0)
    for n in (*LENGTHS, 3000, 4099):
        normal = random.standard_normal((network.BYTES // np.dtype(dtype).itemsize, n))
        repeated, infinite = np.round(normal), np.where(np.abs(normal) < 1, normal, math.inf * normal)
        ordered = np.sort(normal)
        for rows in (normal, repeated, infinite, ordered, -ordered):
            rows = rows.astype(dtype)
            np.testing.assert_array_equal(sorted_by_network(rows), np.sort(rows))


# ---------------------------------------------------------------------------------------------- what it is for


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [*LENGTHS, 4096, 4097])
def test_means_are_those_of_numpy_to_the_last_bit(dtype, n):
    random = np.random.default_rng(1)
    for rows in (0, 1, 2, 4, 7, 8, 9, 16, 17, 40):  # less than a register, whole ones, and some left over
        u, v = random.standard_normal((2, rows, n)).astype(dtype)
        means, finite = gaps(u, v)
        np.testing.assert_array_equal(means, np.add.reduce(np.abs(np.sort(u) - np.sort(v)), -1) / n)
        assert finite


def test_a_mean_of_many_is_off_by_roundings_only():
    u, v = np.random.default_rng(2).standard_normal((2, 1, 100_000))
    exact = math.fsum(abs(s - t) for s, t in zip(sorted(u[0]), sorted(v[0]), strict=True)) / u.size
    assert gaps(u, v)[0][0] == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize("n", [5, 40, 300, 3000])
@pytest.mark.parametrize("bad", [math.nan, -math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_told_wherever_it_stands(n, bad):
    for row, place in itertools.product((0, 7, 10), (0, n // 2, n - 1)):
        u, v = np.random.default_rng(3).standard_normal((2, 11, n))
        u[row, place] = bad
        means, finite = gaps(u, v)
        assert not finite
        np.testing.assert_array_equal(np.isfinite(means), np.arange(11) != row)  # and it spoils no other row


# ---------------------------------------------------------------------------------------------- wasserstein_1d


def test_only_who_calls_often_waits_for_compiled_code(monkeypatch):
    monkeypatch.setattr(_line, "_calls", 0)
    assert [_line._compiled(10) for _ in range(_line.FEW_CALLS)] == [None] * _line.FEW_CALLS
    assert _line._compiled(10) is compiled
    monkeypatch.setattr(_line, "_calls", 0)
    large = 25 * _line.A_CALL  # counts for 26
    assert [_line._compiled(large) for _ in range(5)] == [None] * 4 + [compiled]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "shape", [(1,), (9,), (300,), (1, 10), (3, 4, 50), (2, 70, 600), (30, 3000), (20, 5000), (2, 40_000), (1100, 1000)]
)
def test_later_calls_find_the_same_to_the_last_bit(rng, later, monkeypatch, dtype, shape):
    monkeypatch.setattr(_line, "_calls", 0)
    u, v = torch.randn(2, *shape, generator=rng, dtype=torch.float64).to(dtype)
    for pair in ((u, v), (u.T, v.T) if u.ndim == 2 else (u, v), (u, v[..., :1, :].expand_as(v) if u.ndim > 1 else v)):
        first = wasserstein_1d(*pair)
        assert torch.equal(later(lambda pair=pair: wasserstein_1d(*pair)), first)


def test_projections_are_compared_by_it_too(rng, later, monkeypatch):
    monkeypatch.setattr(_line, "_calls", 0)
    x, y = torch.randn(2, 3, 40, 5, generator=rng, dtype=torch.float64)
    directions = torch.randn(5, 20, generator=rng, dtype=torch.float64)
    first = sliced_wasserstein(x, y, directions)
    monkeypatch.setattr(compiled, "mean_gaps", spy := Spy(network.mean_gaps))
    assert torch.equal(later(lambda: sliced_wasserstein(x, y, directions)), first)
    assert spy.calls == 1


class Spy:
    """Call a function, and count how often."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.function(*arguments)


def test_numbers_that_are_stored_with_the_other_sign_are_read_with_their_own(calls_before):
    """The imaginary part of a conjugate is a view of memory, with a mark that all signs are the other ones."""
    z, v = torch.complex(torch.zeros(4, 6), torch.arange(24.0).reshape(4, 6)).conj().imag, torch.zeros(4, 6)
    assert z.is_neg()
    torch.testing.assert_close(wasserstein_1d(z, v + 1), wasserstein_1d(z.resolve_neg(), v + 1), rtol=0, atol=0)


def test_gradients_do_not_depend_on_how_often_it_was_called(calls_before):
    u = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    wasserstein_1d(u, torch.tensor([0.0, 5.0, 0.0])).backward()
    torch.testing.assert_close(u.grad, torch.tensor([-1 / 3, 1 / 3, 1 / 3]))


@pytest.mark.parametrize("n", [3, 50, 500])
def test_nan_is_refused_and_infinities_are_told_apart(calls_before, n):
    u, v = torch.randn(2, 9, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    v[8, 1] = math.inf
    assert wasserstein_1d(u, v).isfinite().tolist() == 8 * [True] + [False]
    u[8, 0] = math.inf
    with pytest.warns(RuntimeWarning, match="NaN"):
        assert wasserstein_1d(u, v).isnan().tolist() == 8 * [False] + [True]
    u[7, 2] = math.nan
    with pytest.raises(ValueError, match=r"u_values\[7, 2\] is nan"):
        wasserstein_1d(u, v)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_that_overflow_are_taken_in_another_unit(calls_before, dtype):
    large = torch.finfo(dtype).max
    u, v = torch.full((9, 20), large, dtype=dtype), torch.full((9, 20), large / 4, dtype=dtype)
    torch.testing.assert_close(wasserstein_1d(u, v), u[:, 0] * 0.75, rtol=1e-6, atol=0)


@pytest.mark.parametrize("transform", [torch.func.vmap, lambda f: torch.func.grad(lambda u, v: f(u, v).sum())])
def test_the_memory_of_what_torch_func_traces_is_not_read(calls_before, transform):
    u, v = torch.zeros(4, 6), torch.ones(4, 6)
    with pytest.raises(ValueError, match=r"torch\.func"):
        transform(wasserstein_1d)(u, v)
