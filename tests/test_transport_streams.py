"""Streaming kernels against the formula in float64: interpreted, compiled for GPUs, and run where there is one."""

import concurrent.futures
import functools
import importlib.util
import math
import multiprocessing
import os
import sys
import warnings

import numpy as np
import pytest
import torch

from gantut.transport import sinkhorn_divergence, sinkhorn_points
from gantut.transport.sinkhorn import kernels, solve, streams
from gantut.transport.sinkhorn.kernels import Buffer, DenseCost, Kernel, PointCost

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.usefixtures("one_thread")]

HAS_TRITON = importlib.util.find_spec("triton") is not None
needs_triton = pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed (there are builds for Linux only)")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

UNIT_ROUNDOFF = 2.0**-24  # of float32


# ---------------------------------------------------------------------------------------------- the interpreter


@pytest.fixture(scope="module")
def interpreted():
    """A function that runs another one in a process of its own, where Triton interprets kernels on the CPU.

    Triton reads the switch when it is first imported, and never again: in this process that may be over already.
    """
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn, initializer=_interpret) as process:
        yield lambda function, *args: process.submit(function, *args).result(timeout=120)


def _interpret():
    os.environ["TRITON_INTERPRET"] = "1"
    torch.set_num_threads(1)
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message="All-NaN")  # of numpy, where a test has NaN for all entries of a row
    x = torch.randn(600, 2)
    sinkhorn_points(x, x + 0.5, reg=1.0)
    BEFORE.extend(sys.modules)
    streams.DEVICES.append("cpu")


BEFORE = []  # the modules that were there when a problem had been solved on the CPU


def modules_before():
    return BEFORE


def streamed(x, y, f, g, weights, back, unit, p, spans=2):
    """Row sums, column sums and soft minimum of a kernel, from arrays to arrays, in blocks smaller than real ones."""
    blocks = dict(ROWS=32, COLUMNS=32, DEPTH=16)
    with pytest.MonkeyPatch.context() as patch:
        for name in streams.BLOCKS:
            patch.setitem(streams.BLOCKS, name, blocks)
        patch.setattr(streams, "PROGRAMS", spans * len(x) * 2)  # for 64 rows; so that sums are put together
        x, y, f, g, weights, back = map(torch.from_numpy, (x, y, f, g, weights, back))
        cost = PointCost(x, y, p)
        kernel = streams.StreamedKernel(cost, unit, f, g)
        totals = torch.ones_like(weights), torch.zeros_like(weights)
        kernel.there_and_back(weights, lambda rows, sums: (back[:, rows], sums * back[:, rows]), *totals)
        weighted = g + kernels.LOG_ZERO * (weights == 0)
        return [
            found.double().numpy()
            for found in (
                kernel.times(weights),
                kernel.transposed_times(back),
                *totals,
                streams.streamed_soft_minimum(cost, unit, f, weighted),
            )
        ]


def problem(d, batch, n=37, m=77):
    """Clouds of sizes that no block divides; a few points agree, are close together, or have no mass."""
    rng = np.random.default_rng(20130605)  # the day Cuturi posted his Sinkhorn distances
    x, y = rng.standard_normal((batch, n, d)), rng.standard_normal((batch, m, d)) + 0.2
    y[:, :4] = x[:, 3:7]
    y[:, 20] = x[:, 20] + 1e-3
    f, g = rng.standard_normal((batch, n)), rng.standard_normal((batch, m))
    weights, back = rng.random((batch, m)), rng.random((batch, n))
    weights[:, ::5] = 0.0
    back[:, 1::7] = 0.0
    return x, y, f, g, weights, back


def exponents(x, y, f, g, unit, p):
    """F_i + G_j - c |x_i - y_j|^p, written out."""
    squares = sum((x[:, :, None, k] - y[:, None, :, k]) ** 2 for k in range(x.shape[2]))
    return f[:, :, None] + g[:, None] - unit * np.sqrt(squares) ** p


def log2_sum(exponents):
    """The logarithm of a sum of powers of two, over the last axis, whatever their size."""
    top = exponents.max(-1, keepdims=True)
    return top[..., 0] + np.log2(np.exp2(exponents - top).sum(-1))


def rounding(x, y, unit, p):
    """How far exponents in float32 may be off: some roundings of the largest cost there could be."""
    span = np.linalg.norm(x, axis=-1).max() + np.linalg.norm(y, axis=-1).max()
    return 8 * UNIT_ROUNDOFF * (unit * span**p + 4.0)


KINDS = [(p, d) for p in (1, 2) for d in (1, 2, 3, 17, 64)]
slow = pytest.mark.slow
# one dimension for each way to compute distances is enough while one works on something else
INTERPRETED = [kind if kind[1] in (2, 17) else pytest.param(*kind, marks=slow) for kind in KINDS]


@needs_triton
@pytest.mark.parametrize("batch", [1, pytest.param(3, marks=slow)])
@pytest.mark.parametrize(("p", "d"), INTERPRETED)
def test_streams_are_the_sums_that_the_formula_says(p, d, batch, interpreted):
    x, y, f, g, weights, back = problem(d, batch)
    unit = 3.0 / d ** (p / 2)  # costs of a few units
    rows, columns, first, second, soft = interpreted(streamed, x, y, f, g, weights, back, unit, p)
    kernel = np.exp2(exponents(x, y, f, g, unit, p))
    by_rows = (kernel * weights[:, None]).sum(2)
    # what exponents are off by, entries and their sums are off by log 2 times as much, relatively
    close = dict(rtol=rounding(x, y, unit, p), atol=0)
    np.testing.assert_allclose(rows, by_rows, **close)
    np.testing.assert_allclose(columns, (kernel * back[:, :, None]).sum(1), **close)
    np.testing.assert_allclose(first, 1 + (kernel * back[:, :, None]).sum(1), **close)
    np.testing.assert_allclose(second, (kernel * (by_rows * back)[:, :, None]).sum(1), rtol=2 * close["rtol"])
    masses = np.where(weights == 0, -np.inf, 0.0)
    witness = f - log2_sum(exponents(x, y, f, g, unit, p) + masses[:, None])
    np.testing.assert_allclose(soft, witness, rtol=0, atol=rounding(x, y, unit, p))


@needs_triton
@pytest.mark.parametrize(("p", "d"), INTERPRETED)
def test_soft_minima_are_right_where_all_entries_underflow(p, d, interpreted):
    x, y, f, g, weights, back = problem(d, 1)
    x = x + 5.0 / math.sqrt(d)  # no point is near another
    unit = 1e4
    rows, *_, soft = interpreted(streamed, x, y, f, g, weights, back, unit, p)
    all_exponents = exponents(x, y, f, g, unit, p) + np.where(weights == 0, -np.inf, 0.0)[:, None]
    assert all_exponents.max() < -150  # below what float32 has numbers for
    assert (rows == 0).all()
    np.testing.assert_allclose(soft, f - log2_sum(all_exponents), rtol=0, atol=rounding(x, y, unit, p))


@needs_triton
def test_points_without_mass_count_for_nothing_even_where_they_are_all_of_a_block(interpreted):
    x, y, f, g, weights, back = problem(2, 1)
    weights[:] = 0.0
    weights[0, -1] = 0.7  # in the last block
    rows, *_, soft = interpreted(streamed, x, y, f, g, weights, back, 1.0, 2)
    only = exponents(x, y, f, g, 1.0, 2)[:, :, -1]
    close = rounding(x, y, 1.0, 2)
    np.testing.assert_allclose(rows, 0.7 * np.exp2(only), rtol=close)
    np.testing.assert_allclose(soft, f - only, rtol=0, atol=close)


@needs_triton
@pytest.mark.parametrize(("p", "d"), [(1, 2), (2, 2), (1, 17), pytest.param(1, 64, marks=slow)])
def test_points_that_agree_are_at_distance_zero_exactly(p, d, interpreted):
    x, *_, back = problem(d, 2)
    zero = np.zeros_like(back)
    # so small a reg that the kernel of distinct points is that of one with itself: the identity, if nothing is rounded
    rows, columns, *_ = interpreted(streamed, x, x.copy(), zero, zero, back, back, 1e6, p)
    np.testing.assert_array_equal(rows, back.astype(np.float32))
    np.testing.assert_array_equal(columns, back.astype(np.float32))


@needs_triton
@pytest.mark.parametrize("d", [2, 17, pytest.param(64, marks=slow)])
@pytest.mark.parametrize("apart", [pytest.param(1e-4, marks=slow), 1e-2, pytest.param(0.1, marks=slow)])
def test_distances_of_points_close_together_do_not_cancel(d, apart, interpreted):
    rng = np.random.default_rng(5)
    # six problems of a pair each, so that none is computed well for the sake of another
    x = np.float64(np.float32(rng.standard_normal((6, 1, d)) + 1.0))
    y = np.float64(np.float32(x + apart * rng.standard_normal(x.shape)))
    zero, one, unit = np.zeros((6, 1)), np.ones((6, 1)), 1.0 / apart
    *_, soft = interpreted(streamed, x, y, zero, zero, one, one, unit, 1)
    witness = unit * np.linalg.norm(x - y, axis=-1)
    # scaling rounds each coordinate, of size 4 at most, twice; the rest are roundings of the distance itself
    np.testing.assert_allclose(soft, witness, rtol=8 * UNIT_ROUNDOFF, atol=8 * UNIT_ROUNDOFF * unit * math.sqrt(d))


@needs_triton
def test_entries_end_at_the_ceiling_and_nothing_overflows(interpreted):
    x, y, f, g, weights, back = problem(2, 1)
    weights *= 2.0**-90  # so that there is room for sums of sums
    rows, columns, *_ = interpreted(streamed, x, y, f + 500, g, weights, back, 1.0, 1)
    np.testing.assert_allclose(rows, np.full(f.shape, 2.0**100 * weights.sum()), rtol=40 * UNIT_ROUNDOFF)  # of 43 terms
    np.testing.assert_allclose(columns, np.full(g.shape, 2.0**100 * back.sum()), rtol=40 * UNIT_ROUNDOFF)


@needs_triton
def test_what_is_not_a_number_stays_visible(interpreted):
    x, y, f, g, weights, back = problem(2, 1)
    f[0, 5] = math.nan
    rows, columns, *_ = interpreted(streamed, x, y, f, g, weights, back, 1.0, 1)
    assert np.isnan(rows[0]).tolist() == [i == 5 for i in range(f.size)]
    assert np.isnan(columns).all()


@needs_triton
def test_how_columns_are_shared_out_changes_roundings_only(interpreted):
    args = *problem(3, 2), 0.5, 1
    few, many = (interpreted(streamed, *args, spans) for spans in (1, 3))
    for one, other in zip(few, many, strict=True):
        np.testing.assert_allclose(one, other, rtol=20 * UNIT_ROUNDOFF)


# ---------------------------------------------------------------------------------------------- whole problems


def solved(p, d, streaming):
    """A problem in float32, with streams or without: its answers, and how many streams were launched."""
    rng = torch.Generator().manual_seed(1)
    x, y = torch.randn(150, d, generator=rng), torch.randn(120, d, generator=rng) + 0.3
    launched, launch = [], streams._launch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solve, "SMALL", 0)  # else float64 would be as fast, and is not streamed
        patch.setattr(streams, "DEVICES", ["cpu"] if streaming else [])
        patch.setattr(streams, "_launch", lambda *args, **more: launched.append(0) or launch(*args, **more))
        for name in streams.BLOCKS:
            patch.setitem(streams.BLOCKS, name, dict(ROWS=128, COLUMNS=128, DEPTH=32))
        patch.setattr(streams, "PROGRAMS", 1)
        reg = 0.1 * d ** (p / 2)
        result = sinkhorn_points(x.requires_grad_(), y, reg=reg, p=p, tol=1e-5)
        (slope,) = torch.autograd.grad(result.value, x)
        divergence = sinkhorn_divergence(x.detach(), y, reg=reg, p=p, tol=1e-5)
        return len(launched), *(each.detach().numpy() for each in (result.value, result.f, slope, divergence))


@needs_triton
@pytest.mark.parametrize(("p", "d"), [*(pytest.param(p, d, marks=slow) for p, d in ((1, 2), (2, 2), (2, 20))), (1, 20)])
def test_problems_have_the_same_answer_with_streams_and_without(p, d, interpreted):
    launched, *answers = interpreted(solved, p, d, True)
    none, *witnesses = interpreted(solved, p, d, False)
    assert launched > 20
    assert none == 0
    for name, answer, witness in zip(("value", "f", "slope", "divergence"), answers, witnesses, strict=True):
        # both plans are converged to a marginal error of 1e-5
        np.testing.assert_allclose(answer, witness, rtol=1e-4, atol=1e-4 * np.abs(witness).max(), err_msg=name)


# ---------------------------------------------------------------------------------------------- trust


def values_of_three():
    x = torch.randn(600, 2, generator=torch.Generator().manual_seed(1))
    return [sinkhorn_points(x, x[:500] + 0.5, reg=0.3, p=p).value.item() for p in (1, 1, 2)]


class Spoilt:
    """A kernel of Triton's with a fault."""

    def __init__(self, kernel, fault):
        self.kernel, self.fault = kernel, fault

    def __getitem__(self, grid):
        return functools.partial(self.launch, grid)

    def launch(self, grid, *args, **options):
        if self.fault == "it raises":
            raise RuntimeError("no such instruction")
        self.kernel[grid](*args, **options)
        args[7].mul_({"it is off": 1.001, "it is no number": math.nan}[self.fault])  # the output


def with_a_spoilt_stream(fault):
    """Solve three problems; return their values, and the warnings that there were."""
    from gantut.transport.sinkhorn import triton_kernels

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        patch.setattr(triton_kernels, "sums", Spoilt(triton_kernels.sums, fault))
        patch.setattr(streams, "_trusted", {})
        return values_of_three(), [(each.category, str(each.message)) for each in caught]


@needs_triton
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("it raises", "failed with RuntimeError: no such instruction"),
        ("it is off", "off by 0.001"),
        ("it is no number", "off by nan"),
    ],
)
def test_a_stream_that_is_wrong_is_not_used_and_that_is_said_once(fault, reason, interpreted):
    values, warned = interpreted(with_a_spoilt_stream, fault)
    assert values == values_of_three()  # by tiles, to the last bit
    ((category, message),) = warned
    assert category is RuntimeWarning
    assert message.startswith("streaming Sinkhorn kernels are not used on cpu: ")
    assert reason in message


def test_without_triton_kernels_come_in_tiles_and_nobody_is_warned(cloud, monkeypatch):
    monkeypatch.setattr(streams, "DEVICES", ["cpu", "cuda"])
    monkeypatch.setattr(streams, "_trusted", {})
    monkeypatch.setattr(streams.importlib.util, "find_spec", lambda name: None)
    x = cloud(600, 2)
    assert not streams.is_streamed(PointCost(x[None], x[None], 1), torch.float32)
    assert sinkhorn_points(x, x + 0.1, reg=0.5).error < 1e-6


def test_on_the_cpu_triton_is_not_even_imported(interpreted):
    modules = interpreted(modules_before)
    assert "gantut.transport.sinkhorn.streams" in modules
    assert not any(name.split(".")[0] == "triton" for name in modules)


@pytest.mark.parametrize(
    ("p", "d", "dtype", "keep", "room", "expected"),
    [
        (1, 2, torch.float32, True, 2**31, "StreamedKernel"),
        (2, 64, torch.float32, True, 2**31, "StreamedKernel"),
        (2, 65, torch.float32, True, 2**31, "Kernel"),  # as dear to make an entry as to read it
        (2, 65, torch.float32, False, 2**31, "StreamedKernel"),
        (1, 784, torch.float32, True, 2**10, "StreamedKernel"),  # there is no room for it
        (1.5, 2, torch.float32, True, 2**31, "Kernel"),
        (1, 2, torch.float64, True, 2**31, "Kernel"),
    ],
)
def test_kernels_are_streamed_where_that_is_less_work(p, d, dtype, keep, room, expected, cloud, monkeypatch):
    x, y = cloud(1, 30, d), cloud(1, 20, d)
    monkeypatch.setattr(streams, "DEVICES", [x.device.type])
    monkeypatch.setattr(streams, "_is_trusted", lambda *_: True)
    monkeypatch.setattr(kernels, "BUDGET", {"cpu": room, "cuda": room})
    potentials = torch.zeros_like(x[..., 0]), torch.zeros_like(y[..., 0])
    kernel = streams.kernel_at(PointCost(x, y, p), 1.0, *potentials, dtype, Buffer(x.device), keep=keep)
    assert type(kernel).__name__ == expected


def test_a_matrix_of_costs_is_not_streamed(cloud, monkeypatch):
    monkeypatch.setattr(streams, "DEVICES", ["cpu", "cuda"])
    assert not streams.is_streamed(DenseCost(cloud(1, 5, 6)), torch.float32)


# ---------------------------------------------------------------------------------------------- tiles


@pytest.mark.parametrize("keep", [True, False])
def test_kernels_in_tiles_multiply_as_matrices_do(keep, cloud, monkeypatch):
    x, y, f, g, v, u = cloud(2, 30, 3), cloud(2, 20, 3), cloud(2, 30), cloud(2, 20), cloud(2, 20), cloud(2, 30)
    monkeypatch.setattr(kernels, "TILE", {"cpu": 200, "cuda": 200})  # five rows of both problems
    kernel = Kernel(PointCost(x, y, 1), 1.5, f, g, torch.float64, Buffer(x.device), keep=keep)
    matrix = torch.exp2(f[..., None] + g[:, None] - 1.5 * torch.cdist(x, y))
    close = dict(rtol=1e-12, atol=1e-12)  # sums of tens of entries, in float64
    by_rows = (matrix @ v[..., None])[..., 0]
    torch.testing.assert_close(kernel.times(v), by_rows, **close)
    torch.testing.assert_close(kernel.transposed_times(u), (matrix.mT @ u[..., None])[..., 0], **close)
    totals = torch.ones_like(v), torch.zeros_like(v)
    kernel.there_and_back(v, lambda rows, sums: (u[:, rows], u[:, rows] * sums), *totals)
    torch.testing.assert_close(totals[0], 1 + (matrix.mT @ u[..., None])[..., 0], **close)
    torch.testing.assert_close(totals[1], (matrix.mT @ (u * by_rows)[..., None])[..., 0], **close)


# ---------------------------------------------------------------------------------------------- compilers


def compiled(kernel, constants, capability):
    """Machine code of a kernel for a GPU that need not be there."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    names = kernel.arg_names
    constants = {name: constants[name] for name in names if name in constants}
    numbers = dict.fromkeys(("n", "m", "blocks", "spans", "span"), "i32") | {"near": "fp32"}
    signature = {name: "constexpr" if name in constants else numbers.get(name, "*fp32") for name in names}
    aligned = {(names.index(name),): [["tt.divisibility", 16]] for name in names if signature[name] == "*fp32"}
    source = ASTSource(kernel, signature, {(names.index(name),): value for name, value in constants.items()}, aligned)
    return compile(source, target=GPUTarget("cuda", capability, 32)).asm["cubin"]


@needs_triton
@pytest.mark.parametrize("name", ["sums", "soft_maxima"])
@pytest.mark.parametrize(
    ("capability", "precision", "p", "d"),
    [
        *(pytest.param(90, "tf32x3", p, d, marks=slow) for p, d in ((1, 2), (2, 2), (2, 64))),
        (75, "ieee", 1, 64),
        (90, "tf32x3", 1, 64),
    ],
)
def test_kernels_compile_for_gpus(name, p, d, capability, precision, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    from gantut.transport.sinkhorn import triton_kernels

    kernel = getattr(triton_kernels, name)
    if not hasattr(kernel, "warmup") or os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("here Triton interprets")
    block = streams.blocks_of(d)
    direct = d <= streams.DIRECT
    constants = dict(P=p, D=d, DIRECT=direct, PRECISION=precision, CEILING=100.0, **block)
    assert compiled(kernel, constants, capability)[:4] == b"\x7fELF"


# ---------------------------------------------------------------------------------------------- a GPU


def on_device(arrays):
    return [torch.from_numpy(array).cuda() for array in arrays]


@pytest.mark.cuda
@needs_cuda
@needs_triton
@pytest.mark.parametrize(("p", "d"), [*KINDS, (1, 300), (2, 300)])
def test_on_cuda_streams_are_trusted_and_are_the_sums_of_the_formula(p, d):
    x, y, f, g, weights, back = arrays = problem(d, 2, n=700, m=1100)
    unit = 3.0 / d ** (p / 2)
    x_, y_, f_, g_, weights_, back_ = on_device(arrays)
    cost = PointCost(x_, y_, p)
    assert streams.is_streamed(cost, torch.float32)  # after its check of itself, which warns of nothing
    kernel = streams.StreamedKernel(cost, unit, f_, g_)
    matrix = np.exp2(exponents(x, y, f, g, unit, p))
    close = dict(rtol=4 * rounding(x, y, unit, p))  # products on tensor cores lose two bits, exp2 and the root one
    np.testing.assert_allclose(kernel.times(weights_).cpu(), (matrix * weights[:, None]).sum(2), **close)
    np.testing.assert_allclose(kernel.transposed_times(back_).cpu(), (matrix * back[:, :, None]).sum(1), **close)
    soft = streams.streamed_soft_minimum(cost, unit, f_, g_ + weights_.log2().clamp_min(-1e30))
    with np.errstate(divide="ignore"):
        masses = np.log2(weights)
    witness = f - log2_sum(exponents(x, y, f, g, unit, p) + masses[:, None])
    np.testing.assert_allclose(soft.cpu(), witness, rtol=0, atol=close["rtol"])


@pytest.mark.cuda
@needs_cuda
@needs_triton
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("d", [2, 32])
def test_on_cuda_problems_have_the_answer_of_the_cpu(p, d, cloud):
    x, y = cloud(2000, d).cpu(), cloud(1500, d, shift=0.3).cpu()
    options = dict(reg=0.1 * d ** (p / 2), p=p, tol=1e-6)
    found, witness = sinkhorn_points(x.cuda(), y.cuda(), **options), sinkhorn_points(x, y, **options)
    torch.testing.assert_close(found.value.cpu(), witness.value, rtol=1e-5, atol=0)  # both to an error of 1e-6


@pytest.mark.cuda
@needs_cuda
@needs_triton
def test_on_cuda_a_stream_takes_memory_for_points_and_sums_only(cloud):
    n = 50_000
    x = cloud(1, n, 2).cuda()
    potentials, weights = torch.zeros(1, n, device="cuda", dtype=torch.float64), torch.ones(1, n, device="cuda")
    assert streams.is_streamed(PointCost(x, x, 1), torch.float32)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    streams.StreamedKernel(PointCost(x, x, 1), 1.0, potentials, potentials).times(weights)
    assert torch.cuda.max_memory_allocated() - before < 2**25  # the matrix takes 9.3 GiB
