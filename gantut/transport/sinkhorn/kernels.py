r"""Gibbs kernels :math:`K_{ij} = 2^{F_i + G_j - c\,C_{ij}}`, tile by tile, from a cost matrix or from points.

Everything is in base 2, with the factor :math:`c = \log_2(e)/\varepsilon` folded into the operands: on the CPU `exp2`
keeps its speed where results are zero, `exp` does not. Potentials in these units are written in capitals,
:math:`F = c f`.
"""

import functools
import math

import torch

from gantut.transport._costs import power

TILE = {"cpu": 2**18, "cuda": 2**25}  # entries in float32: a tile stays in the cache of a core, or fills a GPU
BUDGET = {"cpu": 2**27, "cuda": 2**31}  # bytes in which a kernel is kept; a larger one is computed anew in each sweep
LOG_ZERO = -1e30  # log2 of a mass of zero: finite, so that no product with 0 is NaN
CEILING = {torch.float64: 1000.0, torch.float32: 100.0}  # for exponents: no entry overflows, and none times 0 is NaN
LEAST = {torch.float64: -900.0, torch.float32: -100.0}  # exponents of zeros: subnormal numbers slow a CPU down tenfold
_DIRECT = 4  # up to this dimension, differences are squared one by one; above, by a matrix product
_NEAR = {torch.float64: 1e-7, torch.float32: 1e-4}  # relative squared distance below which a product cancels too much


class DenseCost:
    """A given cost matrix, shape (B, n, m)."""

    def __init__(self, cost):
        self.cost = cost
        self.shape = tuple(cost.shape)
        self.device = cost.device

    def transposed(self):
        """The cost as seen from the other side."""
        return DenseCost(self.cost.mT)

    def among(self, rows, columns):
        """The cost of some rows (B, k) and columns (B, l) only, by their indices; of all where None."""
        cost = self.cost
        if rows is not None:
            cost = cost.gather(1, rows[..., None].expand(-1, -1, cost.shape[2]))
        if columns is not None:
            cost = cost.gather(2, columns[:, None].expand(-1, cost.shape[1], -1))
        return DenseCost(cost)

    def span(self):
        """The spread of the costs, which is all that potentials must make up for."""
        return (self.cost.amax() - self.cost.amin()).item()

    def size(self):
        """The largest cost, which sets the size of rounding errors."""
        return self.cost.abs().amax().item()

    def exponents(self, unit, f, g, dtype):
        """A function that writes the exponents of some rows to `out`, and returns it."""
        rounded, f, g = self.cost.to(dtype), f.to(dtype)[..., None], g.to(dtype)[:, None]

        def fill(rows, out):
            torch.mul(rounded[:, rows], -unit, out=out)
            return out.add_(f[:, rows]).add_(g)

        return fill

    def of_product(self, a, b):
        """The cost of the plan in which every `a` sends to every `b` in proportion, all of total 1."""
        return (times(self.cost, b) * a).sum(-1)


class PointCost:
    r"""The cost :math:`\|x_i - y_j\|^p` of points (B, n, d) and (B, m, d), never held as a matrix."""

    def __init__(self, x, y, p):
        self.x, self.y, self.p = x, y, p
        self.shape = (x.shape[0], x.shape[1], y.shape[1])
        self.device = x.device

    @classmethod
    def centred(cls, x, y, p):
        """Points moved together to around the origin, where squares round least."""
        middle = (x.mean(1, keepdim=True) + y.mean(1, keepdim=True)) / 2
        return cls(x - middle, y - middle, p)

    def transposed(self):
        """The cost as seen from the other side."""
        return PointCost(self.y, self.x, self.p)

    def among(self, rows, columns):
        """The cost of some rows (B, k) and columns (B, l) only, by their indices; of all where None."""
        x, y = (
            z if index is None else z.gather(1, index[..., None].expand(-1, -1, z.shape[2]))
            for z, index in ((self.x, rows), (self.y, columns))
        )
        return PointCost(x, y, self.p)

    def span(self):
        """An upper bound on the costs."""
        return power((self.x.norm(dim=-1).amax() + self.y.norm(dim=-1).amax()).item(), self.p)

    @functools.cached_property
    def _squares(self):
        return [z.square().sum(-1) for z in (self.x, self.y)]

    size = span

    def of_product(self, a, b):
        """At most the cost of the plan in which every `a` sends to every `b` in proportion, exactly so for p = 2."""
        means = [(w[..., None] * z).sum(-2) for w, z in ((a, self.x), (b, self.y))]
        squares = [(w * z).sum(-1) for w, z in zip((a, b), self._squares, strict=True)]
        square = (squares[0] + squares[1] - 2 * (means[0] * means[1]).sum(-1)).clamp_min(0.0)
        if self.p <= 2:
            return square ** (self.p / 2)  # Jensen
        return square * self.span() ** (1 - 2 / self.p)

    def exponents(self, unit, f, g, dtype):
        """A function that writes the exponents of some rows to `out`, and returns it."""
        if self.p == 2:
            return self._squared(unit, f, g, dtype)
        distances = self.squared_distances(unit ** (1 / self.p), dtype)
        f, g = f.to(dtype)[..., None], g.to(dtype)[:, None]

        def fill(rows, out):
            squares = distances(rows, out)
            powers = squares.sqrt_() if self.p == 1 else squares.pow_(self.p / 2)
            return powers.neg_().add_(f[:, rows]).add_(g)

        return fill

    def _squared(self, unit, f, g, dtype):
        # one product of rank d + 2: 2c<x, y> + (F - c|x|^2) 1 + 1 (G - c|y|^2)
        ones = torch.ones_like
        f, g = (h - unit * squares for h, squares in zip((f, g), self._squares, strict=True))
        left = torch.cat([2 * unit * self.x, f[..., None], ones(f)[..., None]], -1).to(dtype)
        right = torch.cat([self.y, ones(g)[..., None], g[..., None]], -1).to(dtype).mT.contiguous()
        return lambda rows, out: _product(left[:, rows], right, out)

    def squared_distances(self, scale, dtype):
        """A function that writes squared distances of the scaled points to `out`; exactly zero where points agree."""
        x, y = (self.x * scale).to(dtype), (self.y * scale).to(dtype)
        if x.shape[-1] <= _DIRECT:
            x, y = x.mT.unsqueeze(-1), y.mT.unsqueeze(-2)  # (B, d, n, 1), (B, d, 1, m)
            return lambda rows, out: _direct_squares(x[:, :, rows], y, out)
        return _ProductSquares(x, y)


def _product(left, right, out):
    if len(left) == 1:  # one large product is faster than a batch of one
        torch.mm(left[0], right[0], out=out[0])
        return out
    return torch.bmm(left, right, out=out)


def _direct_squares(x, y, out):
    torch.sub(x[:, 0], y[:, 0], out=out).square_()
    for k in range(1, x.shape[1]):
        apart = x[:, k] - y[:, k]
        out.addcmul_(apart, apart)
    return out


class _ProductSquares:
    """Squared distances by a matrix product; those so small that it cancels are computed again from differences."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        x_squares, y_squares = x.square().sum(-1, keepdim=True), y.square().sum(-1, keepdim=True)
        self.left = torch.cat([-2 * x, x_squares, torch.ones_like(x_squares)], -1)
        self.right = torch.cat([y, torch.ones_like(y_squares), y_squares], -1).mT.contiguous()
        self.near = (_NEAR[x.dtype] * (x_squares.amax() + y_squares.amax())).item()

    def __call__(self, rows, out):
        squares = _product(self.left[:, rows], self.right, out)
        if squares.amin() < self.near:
            batch, i, j = (squares < self.near).nonzero(as_tuple=True)
            for part in range(0, len(i), 2**16):  # many copies of one point: still little memory
                at = slice(part, part + 2**16)
                apart = self.x[batch[at], i[at] + rows.start] - self.y[batch[at], j[at]]
                squares[batch[at], i[at], j[at]] = apart.square().sum(-1)
        return squares


def tiles(shape, device, dtype=torch.float32):
    """Slices of rows such that a tile takes about as much memory as the device likes."""
    batch, n, m = shape
    step = max(1, TILE.get(device.type, TILE["cuda"]) * 4 // (batch * m * dtype.itemsize))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


class Buffer:
    """Memory that tiles of one shape after the other are written to, without a new allocation for each."""

    def __init__(self, device):
        self.device, self.memory = device, None

    def take(self, shape, dtype):
        """Room for a tensor."""
        wanted = math.prod(shape) * dtype.itemsize
        if self.memory is None or self.memory.numel() < wanted:
            self.memory = torch.empty(wanted, dtype=torch.uint8, device=self.device)
        return self.memory[:wanted].view(dtype).view(shape)


def fits(shape, dtype, device):
    """Whether a kernel may be kept between sweeps."""
    return math.prod(shape) * dtype.itemsize <= BUDGET.get(device.type, BUDGET["cuda"])


def exponents_by_tile(cost, unit, f, g, dtype, memory=None):
    """Go through the exponents F + G - c C: slices of rows, and what they hold, which the next tile overwrites."""
    fill, memory = cost.exponents(unit, f, g, dtype), memory or Buffer(cost.device)
    batch, _, m = cost.shape
    for rows in tiles(cost.shape, cost.device, dtype):
        yield rows, fill(rows, memory.take((batch, rows.stop - rows.start, m), dtype))


class Kernel:
    """The kernel at given potentials, in tiles: kept if it may be and fits, else computed anew in every sweep."""

    def __init__(self, cost, unit, f, g, dtype, memory, *, keep=True):
        self.shape, self.dtype, self.kept = cost.shape, dtype, None
        self.exponents = lambda: exponents_by_tile(cost, unit, f, g, dtype, memory)
        if keep and fits(cost.shape, dtype, cost.device):
            self.kept = memory.take(self.shape, dtype)
            fill = cost.exponents(unit, f, g, dtype)
            for rows in tiles(cost.shape, cost.device):
                self._entries(fill(rows, self.kept[:, rows]))

    def _entries(self, exponents):
        return torch.threshold_(exponents.clamp_max_(CEILING[self.dtype]), LEAST[self.dtype], -math.inf).exp2_()

    def __iter__(self):
        if self.kept is not None:
            yield slice(0, self.shape[1]), self.kept
            return
        for rows, exponents in self.exponents():
            yield rows, self._entries(exponents)

    def times(self, vector):
        """The kernel (B, n, m) times a vector (B, m)."""
        return torch.cat([times(K, vector) for _, K in self], -1)

    def transposed_times(self, vector):
        """The transposed kernel (B, m, n) times a vector (B, n)."""
        total = 0.0
        for rows, K in self:
            total = total + times(K.mT, vector[:, rows])
        return total

    def there_and_back(self, vector, between, *totals):
        """Add to each total (B, m) the transposed kernel times one of `between(rows, kernel times vector)`.

        All in one pass, as long as a tile is in the cache: `between` is called for the rows of each.
        """
        for rows, K in self:
            for total, each in zip(totals, between(rows, times(K, vector)), strict=True):
                total += times(K.mT, each)


def tiled_soft_minimum(cost, unit, f, weighted, dtype):
    """The F for which all row sums are 1, from an F not far from it and G + log2 b."""
    out = torch.empty_like(f)
    for rows, exponents in exponents_by_tile(cost, unit, f, weighted, dtype):
        top = exponents.amax(-1, keepdim=True)
        total = torch.threshold_(exponents.sub_(top), LEAST[dtype], -math.inf).exp2_().sum(-1)
        out[:, rows] = f[:, rows] - (top[..., 0].double() + total.log2())
    return out


def times(matrix, vector):
    """Matrix (B, n, m) times vector (B, m); as a row times the transpose, which a batch on the CPU does faster."""
    if len(matrix) == 1:
        return torch.mv(matrix[0], vector[0])[None]
    return torch.bmm(vector[:, None], matrix.mT)[:, 0]
