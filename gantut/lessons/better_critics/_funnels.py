r"""Funnels: pairs of distributions whose W1, optimal critic and optimal gradient are known in any dimension.

The potential is the lowest of several cones,

.. math:: u(x) = \min_n\; \lVert x - a_n\rVert + b_n,

which is 1-Lipschitz, with a gradient of norm 1 almost everywhere. It rises with slope 1 along its *transport rays*:
from a centre :math:`a_n` straight outwards, until another funnel takes over or the box ends. The distribution of y is
uniform on the box; x is y moved down its ray. So :math:`u(y) - u(x) = \lVert x - y\rVert`, and for every plan P
between the two distributions

.. math:: \mathbb E_P\lVert x - y\rVert \ge \mathbb E_P\,[u(y) - u(x)] = \mathbb E\,u(y) - \mathbb E\,u(x):

moving down the rays attains the bound, hence is optimal, and u is an optimal critic (of y against x).
"""

import math
from functools import cached_property
from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.data import Distribution

# A point at the fraction t of its ray is moved to the fraction t^8 (Korotin, Kolesov and Burnaev 2022, section 5).
POWER = 8
# The centres and biases of the paper: U[-2.5, 2.5] in every coordinate, and 0.1 N(0, 1).
BOX, BIAS_SCALE = 2.5, 0.1
# Distances from points to centres that are held in memory at once: 32 MB in double precision.
ENTRIES = 1 << 22
# For a mean over y without a closed form: so many independent scramblings of so many Sobol points.
SCRAMBLINGS, POINTS = 16, 4096


class Pair(NamedTuple):
    """Samples of both distributions, each of shape (\\*shape, dimension)."""

    x: torch.Tensor
    y: torch.Tensor


class Funnels:
    r"""A pair of distributions with a known optimal critic, in any dimension.

    y is uniform on a box, and x is y moved down its transport ray. On the ray
    from :math:`a_n` through y, of the unit vector e, funnel m takes over at the distance

    .. math:: r_m = \frac{\lVert d\rVert^2 - c^2}{2\,(c - d\cdot e)}, \qquad d = a_n - a_m,\; c = b_n - b_m,

    if the denominator is positive, and never otherwise (square :math:`\lVert d + r e\rVert = r + c`). With L the
    smallest of all :math:`r_m` and the distance at which the box ends, y at the distance :math:`tL` is moved to
    :math:`t^8 L`.

    Parameters
    ----------
    centers : tensor, shape (funnels, dimension)
        The centres :math:`a_n`. One outside the box is allowed: its rays begin where they enter the box.
    bias : tensor, shape (funnels,)
        The offsets :math:`b_n`. A funnel that attains the minimum only at points of another's rays is ignored.
    box : float
        Half the side of the box :math:`[-B, B]^D`.

    Attributes
    ----------
    x, y : Distribution
        The two distributions, to sample from.
    w1, w1_error : float
        The distance :math:`W_1` between them, and the standard error of that number: 0 in one dimension, where it is
        exact.
    dimension : int
    dtype, device
        Of the samples.

    Raises
    ------
    ValueError
        If shapes, dtypes or devices do not match, or a number is not finite.

    See Also
    --------
    funnels : draws such a pair at random.
    gradient_cosine : compares a critic's gradient with the optimal one.

    References
    ----------
    Korotin, Kolesov and Burnaev (2022), "Kantorovich strikes back! Wasserstein GANs are not optimal transport?",
    sections 4 and 5; lesson 13.

    Examples
    --------
    >>> pair = Funnels([[0.0]], [0.0])
    >>> round(pair.w1, 6)
    0.972222
    >>> pair.potential(torch.tensor([[2.0], [-1.0]]).double())
    tensor([2., 1.], dtype=torch.float64)
    """

    def __init__(self, centers, bias, *, box: float = BOX):
        self.centers = _inputs.floating("centers", centers)
        self.bias = _inputs.floating("bias", bias)
        if self.centers.ndim != 2 or not self.centers.numel():
            raise ValueError(f"centers must have shape (funnels, dimension), not {_inputs.shape(self.centers)}")
        if self.bias.shape != self.centers.shape[:1]:
            raise ValueError(
                f"bias must be {len(self.centers)} numbers, one per funnel, not of shape {_inputs.shape(self.bias)}"
            )
        _inputs.together(centers=self.centers, bias=self.bias)
        for name in ("centers", "bias"):
            _inputs.finite_entries(name, getattr(self, name))
        self.box = _inputs.positive("box", box)
        self.dimension = self.centers.shape[1]
        self.dtype, self.device = self.centers.dtype, self.centers.device
        centers, bias = self.centers.detach().double(), self.bias.detach().double()
        kept = _leading(centers, bias)
        self._centers, self._bias = centers[kept], bias[kept]
        self._apart = torch.cdist(self._centers, self._centers, compute_mode="donot_use_mm_for_euclid_dist").square()
        self.x, self.y = _Moved(self), _Box(self)

    def to(self, device) -> "Funnels":
        """Return this pair on another device."""
        return Funnels(self.centers.to(device), self.bias.to(device), box=self.box)

    # ---- Draws ------------------------------------------------------------------------------------------------

    def sample(self, shape, *, generator: torch.Generator | None = None) -> Pair:
        """Draw independent samples of both distributions.

        Parameters
        ----------
        shape : int or tuple of int
            How many.
        generator : torch.Generator, optional
            On the CPU; by default, torch's global one. x is drawn first.

        Returns
        -------
        x, y : tensor, shape (\\*shape, dimension)
            Fields of a named tuple.
        """
        return Pair(self.x.sample(shape, generator=generator), self.y.sample(shape, generator=generator))

    def sample_pairs(self, shape, *, generator: torch.Generator | None = None) -> Pair:
        """Draw pairs from the optimal plan: y, and the x that it is moved to.

        Parameters
        ----------
        shape, generator
            As for :meth:`sample`.

        Returns
        -------
        x, y : tensor, shape (\\*shape, dimension)
            Fields of a named tuple.
        """
        y = self.y.sample(shape, generator=generator)
        return Pair(self.move(y), y)

    def move(self, y: torch.Tensor) -> torch.Tensor:
        """Move points down their rays: the optimal map from the distribution of y to that of x.

        Parameters
        ----------
        y : tensor, shape (..., dimension)
            In the box.

        Returns
        -------
        tensor, shape (..., dimension)
            Without gradient.

        Raises
        ------
        ValueError
            If a point lies outside the box.
        """
        y = self._points("y", y)
        _inputs.finite_entries("y", y)
        if y.numel() and y.abs().max() > self.box:
            box, reach = f"[-{self.box:g}, {self.box:g}]^{self.dimension}", y.abs().max().item()
            raise ValueError(f"y must lie in {box}, but reaches {reach:.6g}")
        return self._in_parts(self._moved, y).to(y.dtype)

    # ---- The optimum -------------------------------------------------------------------------------------------

    def potential(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`u(x)`, the optimal critic that scores y higher: :math:`W_1 = \mathbb E u(y) - \mathbb E u(x)`.

        A critic trained with the distribution of x as its real samples learns :math:`-u`.

        Parameters
        ----------
        x : tensor, shape (..., dimension)
            Anywhere.

        Returns
        -------
        tensor, shape (...)
            Differentiable; at a centre, where u has no gradient, autograd gives 0.
        """
        x = self._points("x", x)
        nearest = self._in_parts(self._nearest, x)
        away = x.double() - self._centers[nearest]
        return (torch.linalg.vector_norm(away, dim=-1) + self._bias[nearest]).to(x.dtype)

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return :math:`\nabla u(x) = (x - a_n)/\lVert x - a_n\rVert`, shape (..., dimension), n the funnel of x.

        Where two funnels meet, it is the gradient of one of them; at a centre, it is 0.
        """
        x = self._points("x", x)
        return self._in_parts(lambda points: self._directions(points)[1], x).to(x.dtype)

    @property
    def w1(self) -> float:
        r"""The Wasserstein distance of the two distributions.

        .. math:: W_1 = \mathbb E\,\lVert x - y\rVert = \frac{7D}{(D+1)(D+8)}\;\mathbb E\,L(y)

        with L(y) the length of the ray of y, for centres in the box: given the ray, y has the density
        :math:`D t^{D-1}` at the fraction t of it, and moves by :math:`(t - t^8) L`. The mean over the rays is a finite
        sum for D = 1, and otherwise a quasi-Monte Carlo mean with standard error `w1_error`. If a centre lies outside
        the box and D > 1, the distances moved are averaged instead.
        """
        return self._w1[0]

    @property
    def w1_error(self) -> float:
        """The standard error of `w1`, from independent scramblings of the points; 0 where `w1` is exact."""
        return self._w1[1]

    @cached_property
    def _w1(self):
        if self.dimension == 1:
            return self._w1_on_the_line(), 0.0
        inside = self._centers.abs().max() <= self.box
        measure = self._mean_moved_on_ray if inside else self._distance_moved
        means = []
        for seed in range(SCRAMBLINGS):
            sobol = torch.quasirandom.SobolEngine(self.dimension, scramble=True, seed=seed)
            unit = sobol.draw(POINTS, dtype=torch.float64).to(self.device)
            means.append(self._in_parts(measure, (2 * unit - 1) * self.box).mean())
        means = torch.stack(means)
        return means.mean().item(), (means.std() / math.sqrt(SCRAMBLINGS)).item()

    def _w1_on_the_line(self):
        """Return the sum over the two rays of each funnel: y is uniform on it, and moves by (t - t^8) L."""
        funnel = torch.arange(len(self._centers), device=self.device).repeat(2)
        direction = torch.ones_like(self._centers)
        low, high = self._ends(funnel, torch.cat([direction, -direction]))
        length = (high - low).clamp(min=0)
        return (length.square().sum() * (1 / 2 - 1 / (POWER + 1)) / (2 * self.box)).item()

    def _mean_moved_on_ray(self, y):
        funnel, direction, distance = self._directions(y)
        high = torch.maximum(self._ends(funnel, direction)[1], distance)
        dimension = self.dimension
        return high * (dimension / (dimension + 1) - dimension / (dimension + POWER))

    def _distance_moved(self, y):
        return torch.linalg.vector_norm(y - self._moved(y), dim=-1)

    # ---- Rays: all for points (n, dimension) in double precision ----------------------------------------------------

    def _nearest(self, points):
        """Return the funnel of each point, shape (n,)."""
        return (torch.cdist(points, self._centers) + self._bias).argmin(1)

    def _directions(self, points):
        """Return the funnel of each point, the unit vector from its centre to the point, and their distance."""
        funnel = self._nearest(points)
        away = points - self._centers[funnel]
        distance = torch.linalg.vector_norm(away, dim=-1)  # (n,)
        return funnel, away / distance.clamp(min=torch.finfo(distance.dtype).tiny)[:, None], distance

    def _ends(self, funnel, direction):
        """Return the distances from the centre at which a ray begins and ends, each of shape (n,)."""
        centre = self._centers[funnel]
        along = direction @ self._centers.T  # (n, funnels)
        offset = self._bias[funnel, None] - self._bias  # c, (n, funnels)
        lead = offset - along.gather(1, funnel[:, None]) + along  # c - d . e
        taken = (self._apart[funnel] - offset.square()) / (2 * lead)
        taken = taken.where(lead > 0, torch.inf).amin(1)  # its own lead is 0
        walls = torch.copysign(torch.full_like(direction, self.box), direction)
        moves = direction != 0
        leaves = ((walls - centre) / direction).where(moves, torch.inf).amin(1)
        enters = ((-walls - centre) / direction).where(moves, -torch.inf).amax(1)
        return enters.clamp(min=0), torch.minimum(taken, leaves)

    def _moved(self, y):
        funnel, direction, distance = self._directions(y)
        low, high = self._ends(funnel, direction)
        low, high = torch.minimum(low, distance), torch.maximum(high, distance)  # y itself lies on its ray
        length = high - low
        fraction = ((distance - low) / length.where(length > 0, 1)).clamp(0, 1)  # t
        begin = self._centers[funnel] + low[:, None] * direction
        moved = begin + fraction.pow(POWER - 1)[:, None] * (y - begin)  # y - begin has length t L
        return moved.clamp(-self.box, self.box)  # beyond only by rounding

    def _points(self, name, points):
        points = _inputs.floating(name, points)
        if not points.ndim or points.shape[-1] != self.dimension:
            raise ValueError(f"{name} must have shape (..., {self.dimension}), not {_inputs.shape(points)}")
        if points.device != self.device:
            raise ValueError(f"{name} must be on {self.device}, as the centers are, not on {points.device}")
        return points

    def _in_parts(self, function, points):
        """Apply a function of points (n, dimension) to points (..., dimension), in parts that fit in memory."""
        flat = points.detach().double().reshape(-1, self.dimension)
        rows = max(ENTRIES // max(len(self._centers), self.dimension), 1)
        result = torch.cat([function(part) for part in flat.split(rows)])
        return result.reshape((*points.shape[:-1], *result.shape[1:]))


class _Box(Distribution):
    """The uniform distribution on the box of a pair."""

    def __init__(self, pair: Funnels):
        self.pair, self.dtype, self.device, self.event_shape = pair, pair.dtype, pair.device, (pair.dimension,)

    def _draw(self, shape, generator):
        unit = torch.rand((*shape, self.pair.dimension), dtype=torch.float64, generator=generator)
        return ((2 * unit - 1) * self.pair.box).to(self.device, self.dtype)


class _Moved(_Box):
    """The distribution of x: that of y, moved down its rays."""

    def _draw(self, shape, generator):
        return self.pair.move(super()._draw(shape, generator))


def _leading(centers, bias):
    """Return which funnels matter, shape (funnels,): not those inside another, nor the second of two equal ones.

    Funnel m lies in funnel n where :math:`b_m \\ge b_n + \\lVert a_m - a_n\\rVert`.
    """
    apart = torch.cdist(centers, centers, compute_mode="donot_use_mm_for_euclid_dist")
    rounding = 8 * torch.finfo(torch.float64).eps * (apart + bias.abs() + bias.abs()[:, None])
    inside = bias[:, None] + rounding >= bias + apart  # row m lies in column n
    first = torch.ones_like(inside).tril(-1)  # n < m: the first of two equal ones stays
    return ~(inside & (~inside.T | first)).any(1)


def funnels(dimension: int, count: int, *, seed: int = 0, dtype: torch.dtype = torch.float64, device="cpu") -> Funnels:
    r"""Draw a random pair as in the paper: centres uniform in :math:`[-2.5, 2.5]^D`, offsets :math:`0.1\,N(0, 1)`.

    Parameters
    ----------
    dimension : int
        Of the space.
    count : int
        Number of funnels.
    seed : int
    dtype, device
        Of the samples.

    Returns
    -------
    Funnels

    Raises
    ------
    ValueError
        If `dimension` or `count` is less than 1.

    See Also
    --------
    Funnels

    References
    ----------
    Korotin, Kolesov and Burnaev (2022), "Kantorovich strikes back! Wasserstein GANs are not optimal transport?",
    section 5; lesson 13.

    Examples
    --------
    >>> pair = funnels(2, 4, seed=1)
    >>> pair.sample(100).x.shape
    torch.Size([100, 2])
    """
    shape = _inputs.count("count", count), _inputs.count("dimension", dimension)
    source = torch.Generator().manual_seed(_inputs.count("seed", seed, least=0))
    centers = (2 * torch.rand(shape, dtype=torch.float64, generator=source) - 1) * BOX
    bias = BIAS_SCALE * torch.randn(shape[:1], dtype=torch.float64, generator=source)
    return Funnels(centers.to(device, dtype), bias.to(device, dtype))
