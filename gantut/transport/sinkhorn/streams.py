r"""Sums over kernels that are never written: on CUDA, for points, half an iteration is one pass in registers.

A kernel in tiles goes through memory several times on its way from coordinates to sums, and on a GPU that is all the
time it takes. The kernels of `triton_kernels` read nothing but points, potentials and weights, and write nothing but
sums, for the costs :math:`\|x - y\|` and :math:`\|x - y\|^2`, in float32. Columns need what became of the rows: each
half iteration is a launch.

Not every machine has Triton, and not every version of it is right on every GPU. So the first problem of a kind on a
device is preceded by a small one, of which the answer is also computed in tiles. Where there is none, or another one,
a warning says so, once, and that device keeps to tiles.

How exact: up to dimension `DIRECT` squared distances are sums of squared differences, right to some units in the last
place. Above it they come from inner products, with an error of some 2^-21 of :math:`|x|^2 + |y|^2`; where one of a tile
is below `NEAR` of that, so that its root would magnify the error, the tile is computed again, from differences.
Distances are then right to 5e-6 of the clouds' size, and between points close together to their own last places.
"""

import importlib.util
import math
import warnings
from typing import NamedTuple

import torch

from gantut.transport.sinkhorn.kernels import CEILING, LOG_ZERO, Buffer, Kernel, PointCost, fits, tiled_soft_minimum

DEVICES = ["cuda"]
DIRECT = 16  # up to this dimension, differences are squared one by one; above, points are multiplied
NEAR = 1e-2
# Above this dimension a kernel that fits is kept. An H200 reads an entry in a picosecond (4.3 TB/s); to compute it anew
# takes 6 d operations (three products in TF32 for one in float32, at some 400 TFLOP/s): as long, for d = 64.
STREAMED_UP_TO = 64
# What a program works at, and coordinates that are multiplied at a time: so large that registers just do, by what the
# compiler says for Ampere and Hopper.
BLOCKS = {
    "by differences": dict(ROWS=16, COLUMNS=128, DEPTH=16),
    "by products": dict(ROWS=64, COLUMNS=32, DEPTH=16),
}
PROGRAMS = 2048  # enough for any GPU; the same for all, as the order of summation depends on it
TOLERANCE = 1e-4  # relative, of the small problem's sums: rounding costs some 1e-6 of them, products in plain TF32 5e-3

_trusted = {}  # (device, p, dimension): whether it was found right


def kernel_at(cost, unit, f, g, dtype, memory, *, keep=True):
    """The kernel at given potentials, as this device likes it best; one that is used once need not be kept."""
    if is_streamed(cost, dtype, kept=keep and fits(cost.shape, dtype, cost.device)):
        return StreamedKernel(cost, unit, f, g)
    return Kernel(cost, unit, f, g, dtype, memory, keep=keep)


def soft_minimum(cost, unit, f, weighted, dtype):
    """The F for which all row sums are 1, from an F not far from it and G + log2 b."""
    if is_streamed(cost, dtype):
        return streamed_soft_minimum(cost, unit, f, weighted)
    return tiled_soft_minimum(cost, unit, f, weighted, dtype)


def is_streamed(cost, dtype, *, kept=False):
    """Whether there are streams for such a cost on its device, which work, and do less than a kernel that is kept."""
    if cost.device.type not in DEVICES or dtype is not torch.float32:
        return False
    if not isinstance(cost, PointCost) or cost.p not in (1, 2):
        return False
    d = cost.x.shape[-1]
    return not (kept and d > STREAMED_UP_TO) and _is_trusted(cost.device, cost.p, d)


class StreamedKernel:
    """The kernel at given potentials, in float32, with the methods of a `Kernel`; no entry of it is ever in memory."""

    dtype = torch.float32

    def __init__(self, cost, unit, f, g):
        self.p, self.shape = cost.p, cost.shape
        self.rows, self.columns = _Side.both(cost, unit, f, g)

    def times(self, vector):
        """The kernel (B, n, m) times a vector (B, m)."""
        return _sums(self.p, self.rows, self.columns, vector)

    def transposed_times(self, vector):
        """The transposed kernel (B, m, n) times a vector (B, n)."""
        return _sums(self.p, self.columns, self.rows, vector)

    def there_and_back(self, vector, between, *totals):
        """Add to each total (B, m) the transposed kernel times one of `between(rows, kernel times vector)`."""
        middle = between(slice(0, self.shape[1]), self.times(vector))
        for total, each in zip(totals, middle, strict=True):
            total += self.transposed_times(each)


def streamed_soft_minimum(cost, unit, f, weighted):
    """As `tiled_soft_minimum` in float32, with maxima that are found on the way."""
    rows, columns = _Side.both(cost, unit, f, weighted)
    tops, totals = _launch("soft_maxima", cost.p, rows, columns, outputs=2)
    top = tops.amax(0)
    total = (totals * (tops - top).exp2()).sum(0)
    return f - (top.double() + total.log2())


class _Side(NamedTuple):
    """One side of a problem: points (B, n, d), scaled, their squared norms (B, n), their potentials (B, n)."""

    points: torch.Tensor
    squares: torch.Tensor
    potentials: torch.Tensor
    near: float  # the squared distance to the other side below which products are not to be trusted

    @classmethod
    def both(cls, cost, unit, f, g):
        """The rows' and the columns' side of a cost."""
        products = cost.x.shape[-1] > DIRECT
        points = [(z * unit ** (1 / cost.p)).float().contiguous() for z in (cost.x, cost.y)]
        squares = [z.double().square().sum(-1) for z in points]  # of the rounded points, or they would not cancel
        near = NEAR * sum(each.amax().item() for each in squares) if products and cost.p == 1 else 0.0
        if products and cost.p == 2:
            f, g = f - squares[0], g - squares[1]
        return [
            cls(z, square.float(), potentials.float().contiguous(), near)
            for z, square, potentials in zip(points, squares, (f, g), strict=True)
        ]


def _sums(p, rows, columns, weights):
    (out,) = _launch("sums", p, rows, columns, weights.float().contiguous(), outputs=1, CEILING=CEILING[torch.float32])
    return out.sum(0)


def _launch(name, p, rows, columns, *inputs, outputs, **constants):
    """Run a kernel on all rows; outputs (spans, B, n)."""
    from gantut.transport.sinkhorn import triton_kernels

    batch, n, d = rows.points.shape
    m, direct, block = columns.points.shape[1], d <= DIRECT, blocks_of(d)
    blocks = math.ceil(n / block["ROWS"])
    span = _span(batch * blocks, m, block["COLUMNS"])
    spans = math.ceil(m / span)
    out = [rows.points.new_empty(spans, batch, n) for _ in range(outputs)]
    with torch.cuda.device_of(rows.points):  # Triton launches on the current device
        getattr(triton_kernels, name)[(blocks * spans * batch,)](
            *(rows.points, columns.points, rows.squares, columns.squares, rows.potentials, columns.potentials),
            *(*inputs, *out, rows.near, n, m, blocks, spans, span),
            **dict(P=int(p), D=d, DIRECT=direct, PRECISION=_precision(rows.points.device)),
            **block,
            **constants,
        )
    return out


def blocks_of(d):
    """The sizes of blocks in this dimension."""
    return BLOCKS["by differences" if d <= DIRECT else "by products"]


def _span(row_blocks, m, width):
    """How many columns a program goes through, in blocks of a width: so few that there are many programs."""
    blocks = math.ceil(m / width)
    return width * math.ceil(blocks / min(blocks, math.ceil(PROGRAMS / row_blocks)))


def _precision(device):
    """How products are made: in three products of TF32 where there are tensor cores for it."""
    ampere = device.type == "cuda" and torch.version.hip is None and torch.cuda.get_device_capability(device) >= (8, 0)
    return "tf32x3" if ampere else "ieee"


def _is_trusted(device, p, d):
    """Whether the streams of this kind give on this device what tiles give; computed once."""
    if (device, p, d) not in _trusted:
        if any(known == device and not right for (known, *_), right in _trusted.items()):
            return False  # and the user knows
        if importlib.util.find_spec("triton") is None:
            return False  # as on most machines without a GPU, and on Windows: nothing to warn of
        try:
            worst = _largest_error(device, p, d)
            reason = f"their sums for a small problem are off by {worst:.2g}, relative"
            _trusted[device, p, d] = worst <= TOLERANCE  # nor NaN
        except Exception as error:  # whatever a compiler or a driver may raise: tiles need neither
            reason = f"they failed with {type(error).__name__}: {error}"
            _trusted[device, p, d] = False
        if not _trusted[device, p, d]:
            warnings.warn(
                f"streaming Sinkhorn kernels are not used on {device}: {reason}. Kernels are computed tile by tile, "
                "which gives the same answers, more slowly",
                RuntimeWarning,
                stacklevel=2,
            )
    return _trusted[device, p, d]


def _largest_error(device, p, d):
    """The error of streamed sums of a small problem, relative to those of tiles in float64."""
    cost, f, g, weights = _small_problem(device, p, d)
    unit = 20.0 / cost.span()  # exponents down to -20
    streamed = StreamedKernel(cost, unit, f, g)
    tiled = Kernel(cost, unit, f, g, torch.float64, Buffer(device), keep=False)
    weighted = g + weights.log2().clamp_min(LOG_ZERO)
    pairs = (
        (streamed.times(weights), tiled.times(weights)),
        (streamed.transposed_times(f.exp2()), tiled.transposed_times(f.exp2())),
        (
            (-streamed_soft_minimum(cost, unit, f, weighted)).exp2(),
            (-tiled_soft_minimum(cost, unit, f, weighted, torch.float64)).exp2(),
        ),
    )
    return max((found.double() / right - 1).abs().amax().item() for found, right in pairs)


def _small_problem(device, p, d):
    """Two problems of sizes that no block divides, with points that agree, and some without mass."""
    draw = torch.Generator().manual_seed(1781)  # the year of Monge's memoir
    n, m = blocks_of(d)["ROWS"] + 7, 2 * blocks_of(d)["COLUMNS"] + 3
    x, y = (torch.randn(2, size, d, generator=draw, dtype=torch.float64, device="cpu") for size in (n, m))
    y[:, :5] = x[:, :5]
    f, g = (torch.randn(2, size, generator=draw, dtype=torch.float64, device="cpu") for size in (n, m))
    weights = torch.rand(2, m, generator=draw, dtype=torch.float64, device="cpu")
    weights[:, 5:9] = 0.0
    x, y, f, g, weights = (each.to(device) for each in (x, y, f, g, weights))
    return PointCost.centred(x, y, p), f, g, weights
