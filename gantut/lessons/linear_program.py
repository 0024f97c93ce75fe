"""The transport problem written out as a linear program, as lessons 9 and 10 state it."""

import math

import numpy as np
import torch

from gantut import _inputs
from gantut.transport import NotCertified, TransportResult

# Error of the marginals, relative to the mass, that HiGHS may leave: its tolerance, for every row and column.
LP_ERROR = 1e-4


def linear_program(a, b, cost):
    r"""The transport problem as a plain linear program, a witness for ``emd``: slow, with no structure used.

    .. math:: \min_{P\ge0} \sum_{ij} C_{ij} P_{ij} \quad\text{with}\quad \sum_j P_{ij} = a_i, \quad \sum_i P_{ij} = b_j

    Parameters
    ----------
    a, b, cost : tensors, shapes (n,), (m,) and (n, m)
        As for ``emd``, but one problem only.

    Returns
    -------
    TransportResult
        What HiGHS finds, to its tolerance of 1e-7: the plan, and as `f` and `g` the multipliers of the n + m
        constraints, which solve the dual problem. In the dtype and on the device of the inputs; not differentiable.

    Raises
    ------
    ValueError
        As ``emd``, or if a batch is given.
    NotCertified
        If HiGHS reports no solution.

    See Also
    --------
    gantut.transport.emd : the same, to all digits, and many times as fast.

    References
    ----------
    Huangfu and Hall (2018); `scipy.optimize.linprog`; lesson 9.

    Examples
    --------
    >>> result = linear_program([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 3.0]])
    >>> round(result.value.item(), 6)
    1.0
    """
    from scipy import sparse
    from scipy.optimize import linprog

    a, b = _inputs.masses(a=a, b=b)
    cost = _inputs.cost_matrix("cost", cost, a, b)
    if (a.ndim, b.ndim, cost.ndim) != (1, 1, 2):
        shapes = ", ".join(map(str, map(_inputs.shape, (a, b, cost))))
        raise ValueError(f"a, b and cost must have shapes (n,), (m,) and (n, m), no batch, but have {shapes}")
    n, m = cost.shape
    source, target, matrix = (t.detach().double().cpu() for t in (a, b, cost))
    of_a, of_b = source.sum(), target.sum()  # equal up to rounding; then equal
    source, target = source * ((1 + of_b / of_a) / 2), target * ((1 + of_a / of_b) / 2)
    unit_mass, unit_cost = _power_of_two(source.sum().item()), _power_of_two(matrix.abs().max().item())
    leaves = sparse.kron(sparse.eye(n), np.ones((1, m)))  # (n, n m): adds up each row of the plan
    arrives = sparse.kron(np.ones((1, n)), sparse.eye(m))  # (m, n m): adds up each column
    found = linprog(
        matrix.numpy().reshape(-1) / unit_cost,
        A_eq=sparse.vstack([leaves, arrives], format="csr"),
        b_eq=torch.cat([source, target]).numpy() / unit_mass,
        method="highs",
    )
    if found.status != 0:
        raise NotCertified(f"HiGHS did not solve the linear program: {found.message}", gap=float("inf"))
    plan = torch.from_numpy(found.x.reshape(n, m) * unit_mass)
    f, g = torch.from_numpy(np.array(found.eqlin.marginals) * unit_cost).split([n, m])
    shift = ((target * g).sum() - (source * f).sum()) / (2 * source.sum())  # so that both terms of the dual are equal
    f, g = f + shift, g - shift
    value = (plan * matrix).sum()
    gap = (value - source @ f - target @ g).clamp_min(0)
    error = max((plan.sum(-1) - source).abs().sum(), (plan.sum(-2) - target).abs().sum()) / source.sum()
    if not error <= LP_ERROR:
        raise NotCertified(f"the plan that HiGHS found misses its marginals by {error.item():.3g}", gap=float("inf"))
    return TransportResult(*(t.to(cost) for t in (value, plan, f, g, gap)), error=error.to(cost))


def _power_of_two(size):
    """Return a unit for numbers of this size, as HiGHS works to absolute tolerances, made for numbers of size 1."""
    return 1.0 if size == 0 or 1e-3 < size < 1e3 else 2.0 ** math.frexp(size)[1]
