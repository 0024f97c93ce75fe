r"""Regular polygons, given by their corners: a thin set in a larger space whose nearest point is known exactly.

The corners :math:`z_0,\dots,z_{N-1}` of a polygon, read as complex numbers, are the sum of their Fourier modes,

.. math:: z_k = \sum_{m=0}^{N-1} \hat z_m\, e^{2\pi i m k/N}, \qquad
    \sum_k |z_k|^2 = N \sum_m |\hat z_m|^2 ,

and the polygon is regular, with its corners in order against the clock, if and only if all modes but 0 and 1 vanish:
:math:`\hat z_0` is then the centre, and :math:`\hat z_1` the first corner as seen from there. The modes are orthogonal,
so the distance to a set that limits each of them by itself is found mode by mode.
"""

import math

import torch

from gantut import _inputs
from gantut.data import Distribution

HALVES, SECTORS = 2, 8  # of either coordinate of the centre and of the radius; of the angle


class Polygons(Distribution):
    r"""The distribution of regular polygons with a random centre, radius and angle, given by their corners.

    .. math:: z_k = c + r\,e^{i(\theta + 2\pi k/N)}, \qquad c \sim U[-s, s]^2,\quad r \sim U[a, b],\quad
        \theta \sim U[0, 2\pi)

    Its support has four dimensions, in a space of 2N dimensions, so there is no density, and no ``log_prob``.

    Parameters
    ----------
    corners : int
        N, at least 3.
    side : float
        s > 0: the centre lies in a square of width 2s.
    radii : (float, float)
        0 < a < b.
    dtype, device
        Of the samples, shape (..., 2N): x and y of the first corner, then of the next one, against the clock.

    Raises
    ------
    ValueError
        If a number is not allowed.

    See Also
    --------
    polygon_precision_recall

    References
    ----------
    After the triangles of Lucic et al. (2018), section 4.2, which are images there; lesson 15.

    Examples
    --------
    >>> triangles = Polygons(3)
    >>> x = triangles.sample(5)
    >>> x.shape, bool((triangles.distance(x) < 1e-12).all())
    (torch.Size([5, 6]), True)
    """

    def __init__(self, corners: int = 3, *, side: float = 1.0, radii=(0.5, 1.0), dtype=torch.float64, device="cpu"):
        self.corners = _inputs.count("corners", corners, least=3)
        self.side = _inputs.positive("side", side)
        self.radii = _inputs.interval("radii", radii)
        if self.radii[0] <= 0:
            raise ValueError(f"radii must be positive, not {radii!r}")
        self.dtype, self.device = dtype, torch.device(device)
        self.event_shape = (2 * self.corners,)

    def _draw(self, shape, generator):
        unit = torch.rand((4, *shape), dtype=self.dtype, generator=generator)
        low, high = self.radii
        centre = self.side * (2 * unit[:2] - 1).movedim(0, -1)
        radius, angle = low + (high - low) * unit[2], 2 * math.pi * unit[3]
        return self._build(centre, radius[..., None] * torch.stack([angle.cos(), angle.sin()], -1))

    def nearest(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return the nearest polygon that this distribution can draw, exactly.

        It keeps modes 0 and 1, and moves the centre into its square and the radius between its bounds.

        Parameters
        ----------
        x : tensor, shape (..., 2N), floating point

        Returns
        -------
        tensor, shape (..., 2N)
            If :math:`\hat z_1=0`, all angles are equally near, and the angle is 0.
        """
        centre, arm = self._modes(x)
        length = arm.norm(dim=-1, keepdim=True)
        east = torch.eye(2, dtype=arm.dtype, device=arm.device)[0]
        direction = torch.where(length > 0, arm / length.clamp_min(torch.finfo(arm.dtype).tiny), east)
        return self._build(centre.clamp(-self.side, self.side), length.clamp(*self.radii) * direction)

    def distance(self, x: torch.Tensor) -> torch.Tensor:
        """Return the Euclidean distance, shape (...), of points (..., 2N) to the nearest polygon."""
        return (x - self.nearest(x)).norm(dim=-1)

    @property
    def cells(self) -> int:
        """The number of equally probable cells of :meth:`cell`."""
        return HALVES**3 * SECTORS

    def cell(self, x: torch.Tensor) -> torch.Tensor:
        """Return the cell of the nearest polygon: left or right, low or high, small or large, and its sector.

        Parameters
        ----------
        x : tensor, shape (..., 2N), floating point

        Returns
        -------
        tensor, shape (...), int64
            From 0 to ``cells`` - 1.
        """
        centre, arm = self._modes(self.nearest(x))
        low, high = self.radii
        place = (centre / self.side + 1) / 2  # (..., 2), from 0 to 1, as the next two
        size = (arm.norm(dim=-1) - low) / (high - low)
        turn = torch.atan2(arm[..., 1], arm[..., 0]) / (2 * math.pi) % 1
        index = torch.zeros_like(size, dtype=torch.int64)
        for share, parts in ((place[..., 0], HALVES), (place[..., 1], HALVES), (size, HALVES), (turn, SECTORS)):
            index = index * parts + (share * parts).long().clamp(0, parts - 1)
        return index

    @property
    def mean(self) -> torch.Tensor:
        """The expectation, shape (2N,): 0."""
        return torch.zeros(self.event_shape, dtype=self.dtype, device=self.device)

    @property
    def stddev(self) -> torch.Tensor:
        """The standard deviation of each coordinate, shape (2N,)."""
        low, high = self.radii
        square = (low * low + low * high + high * high) / 3  # of the radius, in the mean
        return torch.full_like(self.mean, math.sqrt(self.side**2 / 3 + square / 2))

    def _modes(self, x):
        r"""Return the centre :math:`\hat z_0` and the arm :math:`\hat z_1` of points (..., 2N): shapes (..., 2)."""
        x = _inputs.floating("x", x)
        if x.shape[-1:] != self.event_shape:
            raise ValueError(f"x must have shape (..., {self.event_shape[0]}), not {_inputs.shape(x)}")
        corners = x.unflatten(-1, (self.corners, 2))
        cos, sin = self._turns(x)
        across, up = corners.unbind(-1)  # each turned back by its own angle: mode 1 stands still, the others cancel
        arm = torch.stack([across * cos + up * sin, up * cos - across * sin], -1).mean(-2)
        return corners.mean(-2), arm

    def _build(self, centre, arm):
        """Return the polygons with a centre and a first corner relative to it, shapes (..., 2): shape (..., 2N)."""
        cos, sin = self._turns(arm)
        across, up = arm[..., None, 0], arm[..., None, 1]
        spokes = torch.stack([across * cos - up * sin, across * sin + up * cos], -1)  # (..., N, 2)
        return (centre[..., None, :] + spokes).flatten(-2)

    def _turns(self, like):
        angle = 2 * math.pi * torch.arange(self.corners, dtype=like.dtype, device=like.device) / self.corners
        return angle.cos(), angle.sin()


def polygons(corners: int = 3, *, side: float = 1.0, radii=(0.5, 1.0), dtype=torch.float64, device="cpu") -> Polygons:
    """Return the distribution of random regular polygons: a thin set whose nearest point is known exactly.

    Parameters
    ----------
    corners, side, radii, dtype, device
        As for :class:`Polygons`.

    Returns
    -------
    Polygons

    Raises
    ------
    ValueError
        If a number is not allowed.

    Examples
    --------
    >>> polygons(4).sample(5).shape
    torch.Size([5, 8])
    """
    return Polygons(corners, side=side, radii=radii, dtype=dtype, device=device)
