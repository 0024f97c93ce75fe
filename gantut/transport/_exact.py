"""Exact transport between masses and between points, with its gradients."""

import math

import torch

from gantut import _inputs
from gantut.transport._batches import common_batch, flattened, point_clouds, suited_threads
from gantut.transport._costs import costs, length, to_the_power
from gantut.transport._plain import solve_plain, solve_plain_points
from gantut.transport._results import TransportResult
from gantut.transport._solver import HUGE, UNIT, in_unit, solve

FEW_FOR_ONE = 1 << 21  # entries of a single problem, whose solver works on one thread: the rest is a few passes


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
        Costs of any sign, per unit of mass; infinite where nothing may go. Leading dimensions of all three broadcast: a
        batch of problems, solved in as many threads as PyTorch may use.

    Returns
    -------
    TransportResult
        In the dtype and on the device of the inputs, computed in double precision: ``value`` (...,) in mass x cost,
        ``plan`` (..., n, m), potentials ``f`` (..., n) and ``g`` (..., m), which satisfy all constraints, also at
        points without mass; ``gap`` (...,), the duality gap that certifies the value, and ``error`` (...,), the larger
        relative error of the two marginals. ``value`` is differentiable: its gradient with respect to `cost` is the
        plan, and with respect to `a` and `b` it is the potentials, centred to mean 0, since only changes that keep the
        total are meaningful.

    Raises
    ------
    ValueError
        If a mass is negative or not finite, a total is zero, totals differ, a cost is NaN or minus infinity, no plan
        avoids the infinite costs, a problem is empty, or shapes, dtypes or devices do not match.
    NotCertified
        An ArithmeticError, if the duality gap does not prove the solver's answer optimal: it must be at most 1e-9 of
        what the plan pays, whatever other costs there are.

    See Also
    --------
    emd_points : the same between points.
    sinkhorn : entropic transport, for problems too large for this.

    Notes
    -----
    With equally many points of equal mass on both sides, shortest augmenting paths assign one to the other; all other
    problems are solved by a network simplex. Numba compiles both at the first call on a machine, which takes some
    seconds, and keeps the result; where it is not installed, and for small problems, which it would not pay for, POT's
    network simplex does it. Large problems in many dimensions are solved only on arcs that Sinkhorn potentials select,
    until the potentials found prove that no arc is missing. On CUDA, an auction that starts from Sinkhorn prices
    assigns whole batches at once. In every case all constraints of the dual are checked afterwards.

    References
    ----------
    Peyré and Cuturi (2019), chapter 3; Bonneel et al. (2011) for the network simplex; Jonker and Volgenant (1987) for
    augmenting paths; Bertsekas (1992) for auctions; Schmitzer (2019) for chosen arcs; lessons 9 and 10.

    Examples
    --------
    >>> result = emd([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 3.0]])
    >>> result.value, result.plan
    (tensor(1., dtype=torch.float64), tensor([[0.0000, 0.5000],
            [0.5000, 0.0000]], dtype=torch.float64))
    """
    if (solution := solve_plain(a, b, cost)) is not None:
        return solution
    a, b = _inputs.masses(a=a, b=b)
    cost = _inputs.cost_matrix("cost", cost, a, b, entries=False)
    batch = common_batch(a.shape[:-1], b.shape[:-1], cost.shape[:-2])
    with suited_threads(a, b, batch, few_for_one=FEW_FOR_ONE):
        extremes = _extremes(cost.detach())
        if not extremes[0] > -math.inf:  # or NaN
            _inputs.finite_entries("cost", cost.masked_fill(cost.detach() == math.inf, 0))
        if extremes[1] == math.inf:
            forbidden = torch.isposinf(cost.detach())
            high, unit = _discouraged(cost.detach(), forbidden)
            solution = solve(a.detach(), b.detach(), high, batch, _extremes(high))
            solution = in_unit(_avoiding(forbidden, high, solution, _inputs.TOTAL_TOLERANCE[cost.dtype]), unit)
        else:
            solution = solve(a.detach(), b.detach(), cost.detach(), batch, extremes)
        if torch.is_grad_enabled() and any(t.requires_grad for t in (a, b, cost)):
            solution = solution._replace(value=_with_gradient(solution, solution.value, a, b, cost))
        return _in_dtype(solution, cost.dtype)


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
        The exponent, finite and at least 1.

    Returns
    -------
    TransportResult
        As from :func:`emd`. ``value`` is the *power* :math:`W_p^p`, as from `ot.emd2` with this cost; for the distance
        take the root, ``value ** (1 / p)``. It is differentiable in `x` and `y`, and in `a` and `b` where given. Where
        mass stays in its place (x_i = y_j) the gradient of that part is 0.

    Raises
    ------
    ValueError, NotCertified
        As :func:`emd`, and if a coordinate is not finite or ``p < 1``.

    See Also
    --------
    wasserstein_1d : the same value on the line, by sorting.
    sinkhorn_points : entropic transport between points, without the matrix of costs.
    KantorovichPotential : extends the potentials to all of space.

    References
    ----------
    Peyré and Cuturi (2019), section 2.4, for :math:`W_p`; as :func:`emd` for the methods; lesson 9.

    Examples
    --------
    >>> emd_points([[0.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]).value
    tensor(1., dtype=torch.float64)
    """
    p = _inputs.exponent(p)
    if (solution := solve_plain_points(x, y, a, b, p)) is not None:
        return solution
    x, y, a, b = point_clouds(x, y, a, b)
    batch = common_batch(x.shape[:-2], y.shape[:-2], a.shape[:-1], b.shape[:-1])
    with suited_threads(a, b, batch, few_for_one=FEW_FOR_ONE):
        cost = costs(x.detach().double(), y.detach().double(), p)
        _inputs.finite_entries("the matrix of costs ||x - y||^p", cost)
        solution = solve(a.detach(), b.detach(), cost, batch, _extremes(cost))
        if any(t.requires_grad for t in (x, y, a, b)) and torch.is_grad_enabled():
            arcs = _cost_along_plan(solution.plan, x, y, p, batch)
            value = _with_gradient(solution, solution.value - arcs.detach(), a, b) + arcs
            solution = solution._replace(value=value)
        return _in_dtype(solution, x.dtype)


def _extremes(cost):
    """The least and the largest entry; NaN if one is."""
    if not cost.numel():
        return 0.0, 0.0
    if cost.device.type == "cpu" and cost.dtype == torch.float64:
        array = cost.numpy()  # twice as fast
        return float(array.min()), float(array.max())
    return tuple(each.item() for each in cost.aminmax())


def _discouraged(cost, forbidden):
    """Costs so high in place of infinite ones that a plan pays them only if every plan does, and the unit they are in.

    A plan that can be spared a forbidden arc is spared it along a cycle of at most 2 min(n, m) arcs.
    """
    largest = cost.double().masked_fill(forbidden, 0).abs().amax((-2, -1), keepdim=True)
    unit = UNIT if (largest >= HUGE).any() else 1.0  # in which there is room above the largest
    largest = torch.where(largest > 0, largest / unit, 1)
    prohibitive = (1 + 4 * min(cost.shape[-2:])) * largest  # no two costs differ by more than 2 of the largest
    return torch.where(forbidden, prohibitive, cost.double() / unit), unit


def _avoiding(forbidden, high, solution, rounding):
    """Require that nothing goes where it must not; what rounding put there is taken back, and is in the error.

    The totals of parts that no arc connects differ by the roundings of their precision, as all totals may.
    """
    total = solution.plan.sum((-2, -1), keepdim=True)
    stray = torch.where(forbidden, solution.plan, 0)
    share = stray.sum((-2, -1)) / total[..., 0, 0]
    stuck = stray * (forbidden.all(-1, keepdim=True) | forbidden.all(-2, keepdim=True))  # of points without any arc
    if (share > rounding).any() or stuck.any():
        least = f"{share.max().item():.3g} of the mass"
        raise ValueError(f"cost must be finite on enough arcs, but every plan puts at least {least} on infinite ones")
    value = solution.value - (stray * high).sum((-2, -1))
    return solution._replace(value=value, plan=solution.plan - stray, error=torch.maximum(solution.error, share))


class _Value(torch.autograd.Function):
    """The value with its gradient by the envelope theorem: the plan for the cost, the potentials for the masses."""

    @staticmethod
    def forward(ctx, solution, value, a, b, cost):
        ctx.solution = solution
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        _, plan, f, g, *_ = ctx.solution
        to_a, to_b = (gradient[..., None] * (h - h.mean(-1, keepdim=True)) for h in (f, g))
        return None, None, to_a, to_b, gradient[..., None, None] * plan if ctx.needs_input_grad[4] else None


def _with_gradient(solution, value, a, b, cost=None):
    """The value of a solution as a function of the masses, broadcast to its batch, and of the cost."""
    cost = None if cost is None else cost.double().expand_as(solution.plan)
    return _Value.apply(solution, value, a.double().expand_as(solution.f), b.double().expand_as(solution.g), cost)


def _cost_along_plan(plan, x, y, p, batch):
    """Return what the plan costs as a function of the points: over the few arcs that carry anything."""
    flat = plan.reshape(-1, *plan.shape[-2:])
    problem, i, j = flat.nonzero(as_tuple=True)
    x, y = flattened(x, batch, 2), flattened(y, batch, 2)
    terms = flat[problem, i, j] * to_the_power(length(x[problem, i] - y[problem, j]), p)
    return terms.new_zeros(flat.shape[0]).index_add(0, problem, terms).reshape(batch)


def _in_dtype(result, dtype):
    if dtype == torch.float64:
        return result
    return TransportResult(*(None if t is None else t.to(dtype) for t in result))
