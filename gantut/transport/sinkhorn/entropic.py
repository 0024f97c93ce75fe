"""Entropic transport: Sinkhorn's algorithm for a cost matrix, and for points without one."""

import torch

from gantut import _inputs
from gantut.transport._batches import point_clouds, suited_threads
from gantut.transport._results import TransportResult
from gantut.transport.sinkhorn import problem
from gantut.transport.sinkhorn.gradients import TransportCost
from gantut.transport.sinkhorn.kernels import DenseCost, PointCost
from gantut.transport.sinkhorn.solve import solve

MOST = 600.0  # for logarithms of plan densities: between points without mass they may be anything


def sinkhorn(a, b, cost, reg, *, tol=1e-6, max_iter=10_000):
    r"""Entropic optimal transport between masses, for a given cost matrix.

    .. math:: \min_{P\mathbf 1 = a,\ P^\top\mathbf 1 = b} \langle P, C\rangle
        + \varepsilon \sum_{ij} P_{ij}\log\frac{P_{ij}}{a_i b_j / M},
        \qquad P_{ij} = \frac{a_i b_j}{M}\, e^{(f_i + g_j - C_{ij})/\varepsilon},

    with :math:`\varepsilon` = `reg` and the total mass :math:`M = \sum_i a_i = \sum_j b_j`. The plan is also the one of
    the problem with :math:`\varepsilon\sum_{ij} P_{ij}\log P_{ij}` in place of the relative entropy.

    Parameters
    ----------
    a : tensor, shape (..., n), floating point
        Masses: finite, non-negative, of positive total. Arrays and lists become tensors.
    b : tensor, shape (..., m)
        Masses of the same total.
    cost : tensor, shape (..., n, m)
        Finite costs. Leading dimensions of all three broadcast.
    reg : float
        Strength of the regularisation, in the units of the cost; positive. The smaller, the closer to unregularised
        transport, and the more iterations it takes. It may be from about 1e-12 of the largest cost, below which float64
        cannot tell the plan's entries, to 1e9 times it; far below a thousandth of the costs, `max_iter` sweeps may not
        suffice, of which a warning tells, and :func:`emd` is the better choice.
    tol : float
        Largest L1 distance of the plan's marginals to `a` and `b`, relative to the total mass.
    max_iter : int
        The largest number of sweeps, each of which updates both potentials; a step of a linear solver, which costs as
        much, counts as one.

    Returns
    -------
    TransportResult
        In the dtype and on the device of the inputs; computed in float64, except for sweeps whose rounding is
        corrected.

        - ``value``: (...,) the transport cost :math:`\langle P, C\rangle`, without the entropy. Differentiable, once,
          in `a`, `b` and `cost` by the implicit function theorem, exactly so for the converged plan.
        - ``plan``: (..., n, m) the plan of the form above.
        - ``f``, ``g``: (..., n) and (..., m) its potentials, balanced:
          :math:`\langle a, f\rangle = \langle b, g\rangle`. Their sum
          :math:`\langle a, f\rangle + \langle b, g\rangle` is the dual objective, a lower bound on the regularised
          optimum; with ``f`` and ``g`` as constants, its gradient in `a` and `b` is that of the optimum (envelope
          theorem). Entries without mass have the potential of the soft c-transform.
        - ``gap``: (...,) certified: the regularised optimum is at most dual objective + gap. It is the objective of a
          plan whose marginals are exact, found by rounding this one (Altschuler et al. 2017), or a bound on it.
        - ``iterations``: how many sweeps it took; in a batch, the largest number.
        - ``error``: (...,) the larger relative marginal error: the L1 distance of the plan's row sums from `a`, or of
          its column sums from `b`, divided by the total mass; measured, not estimated.

    Raises
    ------
    ValueError
        If masses are negative, not finite, empty or of unequal totals, a cost is not finite, ``reg <= 0``, too small
        for float64 to tell the plan's entries or too large to tell the plan from a product, or shapes, dtypes or
        devices do not match.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps did not bring the error to `tol`.

    See Also
    --------
    sinkhorn_points : the same from points, without the matrix.
    sinkhorn_divergence : without the bias of the entropy.
    emd : exact transport.

    Notes
    -----
    Small `reg` is approached from larger ones. Sweeps are over-relaxed (Lehmann et al. 2022): on the CPU by half, with
    Anderson's acceleration (1965), elsewhere with a factor that follows the observed rate; near the solution, Newton's
    method takes over, its linear systems solved by conjugate gradients, as in Tang et al. (2024). Large problems do all
    this in float32, but for the sums by which the error is measured and Newton's method corrected.

    References
    ----------
    Cuturi (2013), *Sinkhorn Distances: Lightspeed Computation of Optimal Transport*. Peyré and Cuturi (2019),
    *Computational Optimal Transport*, chapter 4. Altschuler, Weed and Rigollet (2017). Lehmann, von Renesse, Sambale
    and Uschmajew (2022), *A note on overrelaxation in the Sinkhorn algorithm*. Anderson (1965), *Iterative procedures
    for nonlinear integral equations*. Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao and Ying (2024),
    *Accelerating Sinkhorn algorithm with sparse Newton iterations*.

    Examples
    --------
    >>> result = sinkhorn([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]], 0.5)
    >>> round(float(result.value), 9)  # 1 / (1 + e^2)
    0.119202922
    """
    a, b = _inputs.masses(a=a, b=b)
    cost = _inputs.floating("cost", cost)
    with suited_threads(a, b, cost.shape[:-2]):
        cost = _inputs.cost_matrix("cost", cost, a, b)
        reg, *options = problem.options(reg, tol, max_iter)
        costs, reg, scale = problem.in_unit(reg, 1, cost)
        result = _solve_groups(DenseCost, (a, b, *costs), (reg, *options), scale, with_plan=True)
    problem.report("sinkhorn", result.error, tol, max_iter)
    return result._replace(error=result.error + problem.totals_apart(a, b))


def sinkhorn_points(x, y, a=None, b=None, *, reg, p=1, tol=1e-6, max_iter=10_000):
    r"""Entropic optimal transport between clouds of points with cost :math:`\|x_i - y_j\|^p`, without a cost matrix.

    The problem, its potentials and the certificate are those of :func:`sinkhorn` with
    :math:`C_{ij} = \|x_i - y_j\|^p`. The n x m matrix is never stored: its entries are computed tile by tile in every
    sweep, so that memory is :math:`O((n + m)\,d)` plus one tile. Tiles are kept from one sweep to the next only where
    the kernel fits into 128 MiB (5,800 points on each side, in float32), or 2 GiB on CUDA; on the CPU those of the plan
    are kept, too, where they fit in float64, until the certificate is computed. On CUDA, float32 sweeps for p = 1 and
    p = 2 do not even write tiles: Triton kernels compute the entries in registers and add them up there, except in more
    than 64 dimensions, where a kernel that fits is kept.

    Parameters
    ----------
    x : tensor, shape (..., n, d), floating point
        Points. Arrays and lists become tensors.
    y : tensor, shape (..., m, d)
        Points; leading dimensions broadcast.
    a : tensor, shape (..., n), optional
        Masses of the points `x`; 1/n each by default.
    b : tensor, shape (..., m), optional
        Masses of the points `y`, of the same total; 1/m each by default.
    reg : float
        Strength of the regularisation, in units of distance to the power `p`.
    p : float
        Exponent of the cost, finite and at least 1.
    tol, max_iter
        As in :func:`sinkhorn`.

    Returns
    -------
    TransportResult
        As in :func:`sinkhorn`, with plan None. The value is differentiable in `x`, `y`, `a` and `b`, once; pairs of
        points that agree add nothing to it.

    Raises
    ------
    ValueError
        As in :func:`sinkhorn`; and if ``p < 1``, or a point is not finite.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps did not bring the error to `tol`.

    See Also
    --------
    emd_points : exact transport between points.
    sinkhorn_divergence : zero between equal clouds, which this is not.

    References
    ----------
    As in :func:`sinkhorn`; Feydy (2020), *Geometric data analysis, beyond convolutions*, for the streaming of tiles.

    Examples
    --------
    >>> result = sinkhorn_points([[0.0], [1.0]], [[0.0], [1.0]], reg=0.5)
    >>> round(float(result.value), 9)
    0.119202922
    """
    x, y, a, b = point_clouds(x, y, a, b)
    p, (reg, *options) = _inputs.exponent(p), problem.options(reg, tol, max_iter)
    points, reg, scale = problem.in_unit(reg, p, x, y)
    result = _solve_groups(lambda x, y: PointCost.centred(x, y, p), (a, b, *points), (reg, *options), scale)
    problem.report("sinkhorn_points", result.error, tol, max_iter)
    return result._replace(error=result.error + problem.totals_apart(a, b))


def _solve_groups(make_cost, tensors, options, scale, *, with_plan=False):
    """Solve a batch, group by group; `tensors` are both masses and what the cost is made of, in units of `scale`."""
    batch, groups = problem.in_groups(*tensors)
    with suited_threads(*tensors[:2], batch):
        parts = [_solve(make_cost, group, *options, scale, with_plan) for group in groups]
    if not parts:
        return _no_problems(batch, *tensors[:2], with_plan)
    *fields, iterations = zip(*parts, strict=True)
    if scale != 1:
        fields = [part if k in (1, 5) else [each * scale for each in part] for k, part in enumerate(fields)]
    value, plan, f, g, gap, error = (
        None if field[0] is None else torch.cat(field).to(tensors[0].dtype).reshape((*batch, *field[0].shape[1:]))
        for field in fields
    )
    return TransportResult(value, plan, f, g, gap, max(iterations), error)


def _no_problems(batch, a, b, with_plan):
    of_each, f, g = (a.new_zeros((*batch, *own)) for own in ((), a.shape[-1:], b.shape[-1:]))
    plan = a.new_zeros((*batch, a.shape[-1], b.shape[-1])) if with_plan else None
    return TransportResult(of_each, plan, f, g, of_each.clone(), 0, of_each.clone())


def _solve(make_cost, group, reg, tol, max_iter, scale, with_plan):
    a, b, *of_cost = group
    with torch.no_grad():
        total, cost = a.sum(-1, keepdim=True), problem.resolved(make_cost(*of_cost), reg, scale)
        share_a, share_b = problem.shares(a), problem.shares(b)
        solution = solve(cost, share_a, share_b, reg, tol, max_iter)
        found, gap, plan = solution.cost * total[:, 0], solution.gap * total[:, 0], None
        if with_plan:
            density = ((solution.f[..., None] + solution.g[:, None] - cost.cost) / reg).clamp_max(MOST).exp()
            plan = density * (total * share_a)[..., None] * share_b[:, None]
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in group):
        found = TransportCost.apply(found, solution, reg, make_cost, a, b, *of_cost)
    return found, plan, solution.f, solution.g, gap, solution.error, solution.iterations
