"""c-transforms, and the potentials that they extend from finitely many points to all of space."""

import functools

import numpy as np
import torch

from gantut import _inputs
from gantut.transport._costs import are_safe, by_differences, length, pairwise, to_the_power

# Entries of a tile of the cost matrix: small enough for the cache of a CPU, large enough to keep a GPU busy.
TILE = {"cpu": 1 << 17, "cuda": 1 << 24}


def c_transform(psi, x, y, *, p=1):
    r"""The c-transform of a function on points x, at points y.

    .. math:: \psi^c(y) = \min_i \|x_i - y\|^p - \psi_i

    It is the largest function of y with :math:`\psi_i + \psi^c(y) \le \|x_i - y\|^p` for all i: the best potential that
    the other side of the dual problem can have.

    Parameters
    ----------
    psi : tensor, shape (..., n), floating point
        The function's values at the points `x`; finite.
    x : tensor, shape (..., n, d)
        The points at which it is known.
    y : tensor, shape (..., m, d)
        The points at which its transform is wanted. Leading dimensions of all three broadcast.
    p : float
        The exponent of the cost, finite and at least 1.

    Returns
    -------
    tensor, shape (..., m)
        In the dtype and on the device of the inputs. The n x m distances are never all in memory: they are streamed
        in tiles. Differentiable in `psi`, `x` and `y` through the minimiser (Danskin's theorem), with gradient 0 in
        the distance where a point lies on its minimiser exactly.

    Raises
    ------
    ValueError
        If an entry is not finite, ``p < 1``, or shapes, dtypes or devices do not match.

    See Also
    --------
    KantorovichPotential : the same as a function of `y`, with its gradient.

    References
    ----------
    Villani (2009), definition 5.2; Peyré and Cuturi (2019), section 5.1; lesson 10.

    Examples
    --------
    >>> c_transform([0.0, 1.0], [[0.0], [4.0]], [[1.0], [3.0]])
    tensor([1., 0.], dtype=torch.float64)
    """
    p = _inputs.exponent(p)
    psi = _inputs.floating("psi", psi)
    x, y = _inputs.points(x=x, y=y)
    psi = _values("psi", psi, x, of="x")
    return _transform(psi, x, y, p)


class KantorovichPotential:
    r"""A potential known at finitely many points, extended to all of space.

    .. math:: f(x) = \min_j \|x - y_j\|^p - g_j

    With the points y of the second distribution and their optimal potentials g (`TransportResult.g`), f is an optimal
    potential of the first distribution: :math:`\text{value} = \langle a, f\rangle + \langle b, g\rangle`, both signs
    plus, and
    :math:`f(x) + g_j \le \|x - y_j\|^p` for every x. For p = 1 it is the McShane extension: 1-Lipschitz, with
    :math:`f(y_j) = -g_j` wherever :math:`y_j` has mass, so that :math:`W_1 = \mathbb E_a f - \mathbb E_b f`
    and f is the perfect critic, high on the first distribution.

    Parameters
    ----------
    points : tensor, shape (m, d), floating point
        The centres :math:`y_j`.
    values : tensor, shape (m,)
        The potential :math:`g_j` at each of them.
    p : float
        The exponent of the cost, finite and at least 1.

    Raises
    ------
    ValueError
        If an entry is not finite, ``p < 1``, or shapes, dtypes or devices do not match.

    See Also
    --------
    emd_points : finds the potentials.
    c_transform : the transform alone.

    References
    ----------
    McShane (1934); Villani (2009), particular case 5.16; lesson 10.

    Examples
    --------
    >>> f = KantorovichPotential([[0.0, 0.0]], [0.0])  # W1 to a Dirac mass: the distance to it
    >>> f(torch.tensor([3.0, 4.0]).double())
    tensor(5., dtype=torch.float64)
    >>> f.gradient(torch.tensor([3.0, 4.0]).double())
    tensor([0.6000, 0.8000], dtype=torch.float64)
    """

    def __init__(self, points, values, *, p=1):
        self.p = _inputs.exponent(p)
        points = _inputs.floating("points", points)
        if points.ndim != 2:
            raise ValueError(f"points must have shape (m, d), but have shape {_inputs.shape(points)}")
        points, _ = _inputs.points(points=points, **{"points themselves": points})
        values = _values("values", _inputs.floating("values", values), points, of="points")
        self.points, self.values = points.clone(), values.clone()  # whoever moves the points does not move this
        if self.values.ndim != 1:
            raise ValueError(f"values must have shape (m,), but have shape {_inputs.shape(self.values)}")

    @classmethod
    def from_result(cls, result, points, *, p=1):
        """Extend ``result.g``, the potential at the second distribution's points, to the first distribution's side.

        Parameters
        ----------
        result : TransportResult
            Of one problem, not of a batch, for the cost ||x - y||^p.
        points : tensor, shape (m, d)
            The points of the second distribution, which the problem was solved for.
        p : float
            The exponent that it was solved for.

        Returns
        -------
        KantorovichPotential

        Raises
        ------
        ValueError
            If the result has no potential g, or as for the class.

        Examples
        --------
        >>> from gantut.transport import emd_points
        >>> x, y = [[0.0], [1.0]], [[2.0], [3.0]]
        >>> f = KantorovichPotential.from_result(emd_points(x, y), y)
        >>> (f(torch.tensor(x).double()).mean() - f(torch.tensor(y).double()).mean()).item()  # W1, by duality
        2.0
        """
        if getattr(result, "g", None) is None:
            raise ValueError("result must have the potential g, but its g is None")
        return cls(points, result.g, p=p)

    def __call__(self, x):
        """Return the potential at points x of shape (..., d), differentiable; shape (...,)."""
        x = self._points(x)
        return _transform(self.values, self.points, x.reshape(-1, x.shape[-1]), self.p).reshape(x.shape[:-1])

    def gradient(self, x):
        r"""Return the gradient :math:`p\,\|x - y_j\|^{p-2}(x - y_j)` at points x (..., d), with j the minimiser.

        For p = 1 it is the unit vector that points from :math:`y_j` to x, against the direction in which mass travels
        from x to :math:`y_j`. Exactly at a centre it is 0. Shape (..., d).
        """
        with torch.inference_mode(False), torch.enable_grad():
            x = self._points(x).detach().clone().requires_grad_()
            return torch.autograd.grad(self(x).sum(), x)[0]

    def __repr__(self):
        count, dimension = self.points.shape
        return f"KantorovichPotential({count} points in dimension {dimension}, p={self.p:g})"

    def _points(self, x):
        x = _inputs.floating("x", x)
        if x.ndim == 0 or x.shape[-1] != self.points.shape[-1]:
            raise ValueError(f"x must have shape (..., {self.points.shape[-1]}), but has shape {_inputs.shape(x)}")
        _inputs.together(points=self.points, x=x)
        _inputs.finite_entries("x", x)
        return x


def _values(name, values, points, *, of):
    """Require a finite value for each point."""
    _inputs.one_each(name, values, points, of=of)
    _inputs.finite_entries(name, values)
    return values


def _transform(psi, x, y, p):
    """The transform (..., m), whatever the size of the coordinates."""
    dtype, cost, distance = psi.dtype, by_differences, functools.partial(torch.linalg.vector_norm, dim=-1)
    if not are_safe(x.detach(), y.detach()):
        psi, x, y, cost, distance = psi.double(), x.double(), y.double(), pairwise, length
    batch = np.broadcast_shapes(psi.shape[:-1], x.shape[:-2], y.shape[:-2])
    nearest = _minimisers(psi.detach(), x.detach(), y.detach(), p, batch, cost)  # (..., m)
    d = x.shape[-1]
    centres = x.expand(*batch, *x.shape[-2:]).gather(-2, nearest[..., None].expand(*nearest.shape, d))
    # the norm's gradient at 0 is 0 in torch, a subgradient
    transformed = to_the_power(distance(y - centres), p) - psi.expand(*batch, -1).gather(-1, nearest)
    return transformed.to(dtype)


def _minimisers(psi, x, y, p, batch, cost):
    psi, x, y = (t.expand(*batch, *t.shape[t.ndim - own :]) for t, own in ((psi, 1), (x, 2), (y, 2)))
    if x.dtype in (torch.float16, torch.bfloat16):  # for which the CPU has no cdist
        psi, x, y = psi.float(), x.float(), y.float()
    n, m = x.shape[-2], y.shape[-2]
    best = y.new_full((*batch, m), torch.inf)
    where = torch.zeros((*batch, m), dtype=torch.long, device=y.device)
    entries = max(1, TILE.get(y.device.type, TILE["cuda"]) // max(1, best.numel() // max(1, m)))
    columns = min(n, max(1, entries // 16))
    rows = max(1, entries // columns)
    for row in range(0, m, rows):
        some = slice(row, row + rows)
        for column in range(0, n, columns):
            few = slice(column, column + columns)
            costs = cost(y[..., some, :], x[..., few, :], p).sub_(psi[..., None, few])  # (..., rows, columns)
            value, index = costs.min(-1)
            better = value < best[..., some]
            best[..., some] = torch.where(better, value, best[..., some])
            where[..., some] = torch.where(better, index + column, where[..., some])
    return where
