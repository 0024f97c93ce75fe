"""Exact transport: the validated front of the solvers, certificates and gradients."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from scipy import sparse
from scipy.optimize import linprog

from gantut import _inputs
from gantut.transport import _auction, _simplex
from gantut.transport._batches import flattened, power, safe_unit
from gantut.transport._numba import compiled_module
from gantut.transport._potentials import distances
from gantut.transport._results import NotCertified, TransportResult

# A duality gap counts as rounding up to this share of the cost of the plan, sizes taken absolutely.
RELATIVE_GAP = 1e-9
# ... or up to this share of total mass x largest cost, below which double precision cannot see.
ABSOLUTE_GAP = 1e-13

# Costs that compiled augmenting paths solve faster than the simplex, and from chosen arcs: entries, and points of one.
FEWEST_ENTRIES = 1 << 10
MOST_ASSIGNED = 2000
HUGE = 1e290  # above, differences of costs and potentials may overflow

# From this dimension on a matrix product gives distances sooner; where it leaves less than this share of the largest
# squared norms, digits have cancelled, and differences give them again.
MANY_COORDINATES = 9
CANCELLED = 1e-2

# Error of the marginals, relative to the mass, that HiGHS may leave: its tolerance, for every row and column.
LP_ERROR = 1e-4

# Entries of a tile of the cost matrix: small enough for the cache.
TILE = 1 << 17


def emd(a, b, cost):
    r"""Exact optimal transport between finitely many masses: value, plan, both potentials, and the proof.

    .. math:: \min_{P \ge 0,\ P\mathbf 1 = a,\ P^\top\mathbf 1 = b} \langle P, C\rangle
        \;=\; \max_{f_i + g_j \le C_{ij}} \langle a, f\rangle + \langle b, g\rangle

    Parameters
    ----------
    a : tensor, shape (..., n), floating point
        Masses: finite, non-negative, with a positive total that need not be 1. Zero masses are allowed.
    b : tensor, shape (..., m)
        Masses, with the same total as `a`.
    cost : tensor, shape (..., n, m)
        Finite costs of any sign, per unit of mass. Leading dimensions of all three broadcast: a batch of problems,
        solved in as many threads as PyTorch may use.

    Returns
    -------
    TransportResult
        In the dtype and on the device of the inputs, computed in double precision: ``value`` (...,) in mass x cost,
        ``plan`` (..., n, m), potentials ``f`` (..., n) and ``g`` (..., m), which obey all constraints, also at points
        without mass; ``gap`` (...,), the duality gap that certifies the value, and ``error``, the marginals' error.
        ``value`` is differentiable: its gradient is the plan with respect to `cost`, and with respect to `a` and `b`
        the potentials, centred to mean 0, since only changes that keep the total have a meaning.

    Raises
    ------
    ValueError
        If a mass is negative or not finite, a total is zero, totals differ, a cost is not finite, a problem is empty,
        or shapes, dtypes or devices do not go together.
    NotCertified
        An ArithmeticError, if the solver's answer is not proved optimal by its duality gap.

    Notes
    -----
    Between as many points of equal mass on both sides, shortest augmenting paths assign one to the other, in code that
    Numba compiles where it is installed; on CUDA, whole batches at once, from where an auction ended that began with
    Sinkhorn prices. Else POT's network simplex solves the problem, or, where that is faster, solves it on arcs that
    Sinkhorn potentials choose, to which all arcs are added that the potentials found prove to be missing. In any case
    every constraint of the dual is checked afterwards.

    References
    ----------
    Peyré and Cuturi (2019), chapter 3; Bonneel et al. (2011) for the network simplex; Jonker and Volgenant (1987) for
    augmenting paths; Bertsekas (1992) for auctions; Schmitzer (2019) for chosen arcs; lessons 8 and 9.

    Examples
    --------
    >>> result = emd([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 3.0]])
    >>> result.value, result.plan
    (tensor(1., dtype=torch.float64), tensor([[0.0000, 0.5000],
            [0.5000, 0.0000]], dtype=torch.float64))
    """
    a, b = _inputs.masses(a=a, b=b)
    cost = _inputs.cost_matrix("cost", cost, a, b)
    batch = torch.broadcast_shapes(a.shape[:-1], b.shape[:-1], cost.shape[:-2])
    solution = _solve(a.detach(), b.detach(), cost.detach(), batch)
    value = _Value.apply(solution.value, solution.plan, solution.f, solution.g, a, b, cost)
    return _in_dtype(solution._replace(value=value), cost.dtype)


def emd_points(x, y, a=None, b=None, *, p=1):
    r"""Exact optimal transport between weighted points for the cost :math:`\|x - y\|^p`.

    .. math:: W_p^p = \min_P \sum_{ij} P_{ij} \|x_i - y_j\|^p

    Parameters
    ----------
    x : tensor, shape (..., n, d), floating point
    y : tensor, shape (..., m, d)
        The points; leading dimensions of all arguments broadcast.
    a, b : tensors, shapes (..., n) and (..., m), optional
        Their masses, with equal totals; 1/n and 1/m each by default.
    p : float
        The exponent, finite and at least 1. The value is the power :math:`W_p^p`, not its root.

    Returns
    -------
    TransportResult
        As of :func:`emd`; ``value`` is differentiable in `x` and `y`, and in `a` and `b` where given. Where mass stays
        in its place (x_i = y_j) the gradient of that part is 0.

    Raises
    ------
    ValueError, NotCertified
        As :func:`emd`, and if a coordinate is not finite or ``p < 1``.

    Examples
    --------
    >>> emd_points([[0.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]).value
    tensor(1., dtype=torch.float64)
    """
    p = _inputs.exponent(p)
    x, y = _inputs.points(x=x, y=y)
    given = a is not None or b is not None
    a, b = _inputs.point_masses("a", a, x, of="x"), _inputs.point_masses("b", b, y, of="y")
    if given:
        _inputs.masses(a=a, b=b)
    batch = torch.broadcast_shapes(x.shape[:-2], y.shape[:-2], a.shape[:-1], b.shape[:-1])
    cost = _costs(x.detach().double(), y.detach().double(), p)
    _inputs.finite_entries("the matrix of costs ||x - y||^p", cost)
    solution = _solve(a.detach(), b.detach(), cost, batch)
    if any(t.requires_grad for t in (x, y, a, b)) and torch.is_grad_enabled():
        arcs = _cost_along_plan(solution.plan, x, y, p, batch)
        value = _Value.apply(solution.value - arcs.detach(), None, solution.f, solution.g, a, b, None) + arcs
        solution = solution._replace(value=value)
    return _in_dtype(solution, x.dtype)


def linear_program(a, b, cost):
    r"""The transport problem as a plain linear program, for lessons and as a witness: slow, with no structure used.

    .. math:: \min_{P\ge0} \sum_{ij} C_{ij} P_{ij} \quad\text{with}\quad \sum_j P_{ij} = a_i, \quad \sum_i P_{ij} = b_j

    Parameters
    ----------
    a, b, cost : tensors, shapes (n,), (m,) and (n, m)
        As for :func:`emd`, but one problem only.

    Returns
    -------
    TransportResult
        What HiGHS finds, to its tolerance of 1e-7: the plan, and as `f` and `g` the multipliers of the n + m
        constraints, which solve the dual problem. Not differentiable.

    Raises
    ------
    ValueError
        As :func:`emd`, or if a batch is given.
    NotCertified
        If HiGHS reports no solution.

    References
    ----------
    Huangfu and Hall (2018); `scipy.optimize.linprog`; lesson 8.
    """
    a, b = _inputs.masses(a=a, b=b)
    cost = _inputs.cost_matrix("cost", cost, a, b)
    if (a.ndim, b.ndim, cost.ndim) != (1, 1, 2):
        shapes = ", ".join(map(str, (_inputs.shape(a), _inputs.shape(b), _inputs.shape(cost))))
        raise ValueError(f"a, b and cost must have shapes (n,), (m,) and (n, m), no batch, but have {shapes}")
    n, m = cost.shape
    source, target = _common_total(*(t.detach().double().cpu() for t in (a, b)))
    matrix = cost.detach().double().cpu().numpy()
    # HiGHS works to absolute tolerances, made for numbers of size 1
    unit_mass, unit_cost = (_simplex.power_of_two(size) for size in (source.sum().item(), np.abs(matrix).max()))
    leaves = sparse.kron(sparse.eye(n), np.ones((1, m)))  # (n, n m): adds up each row of the plan
    arrives = sparse.kron(np.ones((1, n)), sparse.eye(m))  # (m, n m): adds up each column
    found = linprog(
        matrix.reshape(-1) / unit_cost,
        A_eq=sparse.vstack([leaves, arrives], format="csr"),
        b_eq=np.concatenate([source.numpy(), target.numpy()]) / unit_mass,
        method="highs",
    )
    if found.status != 0:
        raise NotCertified(f"the linear program was not solved: {found.message}", gap=float("inf"))
    plan = torch.from_numpy(found.x.reshape(n, m) * unit_mass)
    f, g = torch.from_numpy(np.array(found.eqlin.marginals) * unit_cost).split([n, m])
    f, g = _balanced(f, g, source, target)
    value = (plan * torch.from_numpy(matrix)).sum()
    gap = (value - source @ f - target @ g).clamp_min(0)
    error = (plan.sum(-1) - source).abs().sum() + (plan.sum(-2) - target).abs().sum()
    if not error <= LP_ERROR * source.sum():
        raise NotCertified(f"the plan that HiGHS found misses its marginals by {error.item():.3g}", gap=float("inf"))
    result = TransportResult(value, plan, f, g, gap, error=error)
    return _in_dtype(TransportResult(*(t.to(cost.device) if isinstance(t, torch.Tensor) else t for t in result)), cost.dtype)


class _Value(torch.autograd.Function):
    """The value with its gradient by the envelope theorem: the plan for the cost, the potentials for the masses."""

    @staticmethod
    def forward(ctx, value, plan, f, g, a, b, cost):
        ctx.save_for_backward(plan, f, g)
        ctx.shapes = [None if t is None else (t.shape, t.dtype) for t in (a, b, cost)]
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        plan, f, g = ctx.saved_tensors
        gradient = gradient.double()
        slopes = [None, None, None]
        for k, potential in ((0, f), (1, g)):
            if ctx.needs_input_grad[4 + k]:
                slopes[k] = gradient[..., None] * (potential - potential.mean(-1, keepdim=True))
        if ctx.needs_input_grad[6]:
            slopes[2] = gradient[..., None, None] * plan
        reduced = [
            None if slope is None else slope.sum_to_size(shape).to(dtype)
            for slope, (shape, dtype) in zip(slopes, [s or (None, None) for s in ctx.shapes], strict=True)
        ]
        return None, None, None, None, *reduced


def _costs(x, y, p):
    """The matrix ||x_i - y_j||^p in double precision, right to a few units in the last place, whatever its size."""
    unit = safe_unit(x, y)
    if unit == 1:
        return _distances(x, y, p)
    return _distances(x / unit, y / unit, p).mul_(power(unit, p))


def _distances(x, y, p):
    if x.shape[-1] < MANY_COORDINATES:
        return distances(x, y, p)
    middle = y.mean(-2, keepdim=True)
    from_middle, to_middle = x - middle, y - middle
    x_squares, y_squares = from_middle.square().sum(-1)[..., None], to_middle.square().sum(-1)[..., None, :]
    squares = torch.matmul(from_middle * -2, to_middle.mT).add_(x_squares).add_(y_squares)
    near = squares < CANCELLED * (x_squares.amax() + y_squares.amax())
    if not near.sum() < near.numel() / 10:
        return distances(x, y, p)
    *problem, i, j = near.nonzero(as_tuple=True)
    x, y = (z.expand(*squares.shape[:-2], *z.shape[-2:]) for z in (x, y))
    squares[near] = (x[(*problem, i)] - y[(*problem, j)]).square().sum(-1)
    return squares if p == 2 else squares.sqrt_() if p == 1 else squares.pow_(p / 2)


def _cost_along_plan(plan, x, y, p, batch):
    """Return what the plan costs as a function of the points: over the few arcs that carry anything."""
    flat = plan.reshape(-1, *plan.shape[-2:])
    problem, i, j = flat.nonzero(as_tuple=True)
    x, y = flattened(x, batch, 2), flattened(y, batch, 2)
    # the norm's gradient at 0 is 0 in torch, a subgradient
    length = torch.linalg.vector_norm(x[problem, i] - y[problem, j], dim=-1)
    terms = flat[problem, i, j] * (length if p == 1 else length**p)
    return terms.new_zeros(flat.shape[0]).index_add(0, problem, terms).reshape(batch)


def _in_dtype(result, dtype):
    return TransportResult(*(t.to(dtype) if isinstance(t, torch.Tensor) and t.is_floating_point() else t for t in result))


def _solve(a, b, cost, batch):
    """Solve a batch, in double precision and on the device of the cost, and demand the certificate of each."""
    n, m = cost.shape[-2:]
    device = cost.device
    a, b = _common_total(a.double(), b.double())
    a, b, cost = flattened(a, batch, 1), flattened(b, batch, 1), flattened(cost, batch, 2)  # (k, n), (k, m), (k, n, m)
    solved = None
    assigner = _assigner(cost) if n == m and _uniform(a) and _uniform(b) else None
    if assigner:
        solved = _solve_uniform(assigner, a[:, 0], cost)
    if solved is None:
        solved = _solve_each(a.cpu(), b.cpu(), cost.cpu())
    return TransportResult(*(None if t is None else t.to(device).reshape((*batch, *t.shape[1:])) for t in solved))


def _assigner(cost):
    """The module that assigns the points of problems (k, n, n), or None where the simplex is at least as good."""
    if cost.device.type != "cpu":
        return _auction if len(cost) else None
    if cost.numel() < FEWEST_ENTRIES or cost.shape[1] > MOST_ASSIGNED:
        return None
    low, high = cost.aminmax()
    return compiled_module("_augmenting_paths") if max(-low, high) < HUGE else None


def _solve_uniform(assigner, mass, cost):
    """Solve problems (k, n, n) with equal masses (k,) on their own device, or return None if one lacks its proof."""
    k, n, _ = cost.shape
    column, f, _ = assigner.assign(cost)
    f, g = _tight(cost, f)
    paid = cost.gather(2, column[..., None]).squeeze(2)
    value = mass * paid.sum(1)
    gap = mass * (paid - f - g.gather(1, column)).sum(1)  # each term is small: nothing cancels
    spent = mass * paid.abs().sum(1)
    if not (gap <= RELATIVE_GAP * spent).all() and not (gap <= RELATIVE_GAP * spent + _floor(cost, mass * n)).all():
        return None
    shift = (g - f).mean(1, keepdim=True) / 2
    plan = torch.zeros_like(cost).scatter_(2, column[..., None], mass[:, None, None].expand(k, n, 1))
    return TransportResult(value, plan, f + shift, g - shift, gap.clamp_min(0), error=torch.zeros_like(value))


def _tight(cost, f):
    """Potentials each of which is the other's c-transform; on the CPU a few problems at a time, in the cache."""
    k, n, _ = cost.shape
    some = max(1, TILE // (n * n)) if cost.device.type == "cpu" else k
    parts = []
    for one_f, part in zip(f.split(some), cost.split(some), strict=True):
        slack = part - one_f[:, :, None]
        one_g = slack.amin(1)
        parts.append((torch.sub(part, one_g[:, None], out=slack).amin(2), one_g))
    return (torch.cat(potential) for potential in zip(*parts, strict=True))


def _uniform(masses):
    return bool((masses == masses[..., :1]).all())


def _common_total(a, b):
    """Scale both masses to the mean of their totals, which differ by roundings at most."""
    from_a, from_b = a.sum(-1, keepdim=True), b.sum(-1, keepdim=True)
    return a * ((1 + from_b / from_a) / 2), b * ((1 + from_a / from_b) / 2)


def _balanced(f, g, a, b):
    """Fix the free constant so that <a, f> = <b, g>."""
    total = a.sum(-1, keepdim=True)
    shift = ((b * g).sum(-1, keepdim=True) - (a * f).sum(-1, keepdim=True)) / (2 * total)
    return f + shift, g - shift


def _solve_each(a, b, cost):
    """Solve each problem of a batch on the CPU; those that lack the certificate once more, with the costs capped."""
    n, m = cost.shape[1:]
    a, b, cost = a.numpy(), b.numpy(), cost.numpy()
    plans, f, g = _solve_in_threads(a, b, cost)
    value, gap, error, proved = _checked(plans, f, g, a, b, cost, cost)
    for k in np.flatnonzero(~proved):
        one = slice(k, k + 1)
        plans[one], f[one], g[one], value[one], gap[one], error[one] = _solve_capped(a[one], b[one], cost[one])
    plan = torch.zeros(cost.shape, dtype=torch.float64)
    for flat, (arcs, amounts) in zip(plan.view(-1, n * m), plans, strict=True):
        flat[torch.from_numpy(arcs)] = torch.from_numpy(amounts)
    value, f, g, gap, error = (torch.from_numpy(t.astype(float, copy=False)) for t in (value, f, g, gap, error))
    return TransportResult(value, plan, f, g, gap, error=error)


def _solve_in_threads(a, b, cost):
    """Return the plan of each problem, as arcs and amounts, and the potentials of all."""
    count, n, m = cost.shape
    plans, f, g = [None] * count, np.empty((count, n)), np.empty((count, m))

    def solve(share):
        for k in share:
            arcs, amounts, f[k], g[k] = _simplex.solve(a[k], b[k], cost[k])
            plans[k] = arcs, amounts

    workers = min(count, torch.get_num_threads(), os.cpu_count() or 1)
    if workers > 1:  # the simplex runs without the interpreter's lock
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(solve, [range(k, count, workers) for k in range(workers)]))
    else:
        solve(range(count))
    return plans, f, g


def _checked(plans, f, g, a, b, cost, solved):
    """Repair the potentials in place; return value, gap and marginal error of each problem, and whether they prove it.

    `solved` holds the costs that the solver saw: those of `cost`, or lower ones.
    """
    count, n, m = cost.shape
    _repair(f, g, a, b, solved)
    arcs = np.concatenate([k * n * m + arcs for k, (arcs, _) in enumerate(plans)] or [np.empty(0, dtype=np.int64)])
    carried = np.concatenate([amounts for _, amounts in plans] or [np.empty(0)])
    paid = cost.reshape(-1)[arcs]
    row, column = arcs // m, arcs % m  # rows are numbered through the batch
    problem = row // n
    value, spent = (np.bincount(problem, carried * price, count) for price in (paid, np.abs(paid)))
    gap = value - (a * f).sum(1) - (b * g).sum(1)
    leaving = np.bincount(row, carried, count * n).reshape(count, n)
    arriving = np.bincount(problem * m + column, carried, count * m).reshape(count, m)
    error = np.abs(leaving - a).sum(1) + np.abs(arriving - b).sum(1)
    total = a.sum(1)
    proved = gap <= RELATIVE_GAP * spent
    for k in np.flatnonzero(~proved):
        floor = _floor(torch.from_numpy(solved[k : k + 1]), total[k]).item()
        proved[k] = gap[k] <= RELATIVE_GAP * spent[k] + floor
    return value, np.maximum(gap, 0.0), error, proved & (error <= RELATIVE_GAP * total)


def _repair(f, g, a, b, cost):
    """Make the potentials each other's c-transform: then all constraints hold, and those of arcs in use are tight."""
    f[a == 0] = -np.inf  # points without mass have no say; their own potentials follow from those of the others
    g[:] = np.inf
    for some, rows in _tiles(cost.shape):
        np.minimum(g[some], (cost[some, rows] - f[some, rows, None]).min(1), out=g[some])
    for some, rows in _tiles(cost.shape):
        f[some, rows] = (cost[some, rows] - g[some, None]).min(2)
    shift = ((b * g).sum(1) - (a * f).sum(1)) / (2 * a.sum(1))  # no BLAS: its threads would wait for each other
    f += shift[:, None]
    g -= shift[:, None]


def _tiles(shape):
    """Cut (problems, rows, columns) into pieces that stay in the cache."""
    count, n, m = shape
    problems, rows = max(1, TILE // (n * m)), max(1, TILE // m)
    for k in range(0, count, problems):
        for i in range(0, n, rows):
            yield slice(k, k + problems), slice(i, i + rows)


def _floor(cost, total):
    """A gap that is lost among the roundings of problems (k, n, m); prohibitive costs do not raise it."""
    size = cost.abs()
    return ABSOLUTE_GAP * total * torch.minimum(size.amax((1, 2)), 1e6 * _ordinary(size))


def _ordinary(size):
    """A size of cost that every plan pays somewhere, or that every row knows beside its zeros; (k,)."""
    beside = torch.where(size > 0, size, torch.inf).amin(2)
    beside = torch.where(beside < torch.inf, beside, 0)
    return torch.cat([beside, size.amin(2), size.amin(1)], 1).amax(1)


def _solve_capped(a, b, cost):
    """Solve one problem whose costs differ by many orders of magnitude, with costs cut off at rising caps.

    If the optimal plan for capped costs avoids the capped arcs, then it is optimal for the costs themselves, and its
    potentials obey all their constraints: a lower cost is a tighter one. It keeps a prohibitive 1e32 from drowning
    the digits of the others.
    """
    largest = np.abs(cost).max()
    cap = 1e3 * _ordinary(torch.from_numpy(np.abs(cost))).item()
    best = None
    while True:
        capped = np.minimum(cost, cap)
        plans, f, g = _solve_in_threads(a, b, capped)
        *numbers, proved = _checked(plans, f, g, a, b, cost, capped)
        if proved.all():
            return plans, f, g, *numbers
        value, gap, error = (number.item() for number in numbers)
        if best is None or gap < best[1]:
            best = value, gap, error
        if cap >= largest:
            break
        cap *= 1e3
    value, gap, error = best
    raise NotCertified(
        f"no plan could be proved optimal in double precision: the best one costs {value:.9g}, and the potentials "
        f"prove no more than {value - gap:.9g} (marginal error {error:.3g}); the costs reach from {cost.min():.3g} "
        f"to {cost.max():.3g}",
        gap=gap,
    )
