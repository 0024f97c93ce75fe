"""Wasserstein distances on the line: no optimisation, only sorting."""

import contextvars
import math
import warnings

import numpy as np
import torch
from torch.autograd import forward_ad

from gantut import _inputs
from gantut.transport import _simplex
from gantut.transport._batches import in_threads
from gantut.transport._costs import power, to_the_power

# From how many positions on, some ten milliseconds of work, threads save more than it takes to wake them.
WORTH_THREADS = 1 << 20
# Positions of some rows that are sorted and compared while they are in the cache; and of those that a thread takes.
TILE, PART = 1 << 15, 1 << 18
# How many calls do without compiled code, which takes a second to load, and some more to compile once; one of as many
# positions counts twice, of twice as many three times, and so on.
FEW_CALLS, A_CALL = 100, 1 << 14
PLAIN = {torch.float64: np.dtype(np.float64), torch.float32: np.dtype(np.float32)}
with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, as it should be
    QUIET = contextvars.copy_context()  # to run in a copy takes a tenth of the time of entering np.errstate
_calls = 0


def wasserstein_1d(u_values, v_values, u_weights=None, v_weights=None, p=1, *, dim=-1):
    r"""Wasserstein distance to the power p between distributions on the line, by their quantiles.

    .. math:: W_p^p(u, v) = \int_0^1 \big|F_u^{-1}(t) - F_v^{-1}(t)\big|^p\,dt, \qquad
        W_\infty(u, v) = \sup_{0<t<1} \big|F_u^{-1}(t) - F_v^{-1}(t)\big|.

    Parameters
    ----------
    u_values, v_values : tensors, shapes (..., n, ...) and (..., m, ...), which broadcast apart from `dim`
        The *positions* along `dim`, in any order, floating point. They may be infinite. For two histograms over the
        same bins, both are the positions of the bins, and the histograms are the weights; or see `pile_moves`.
    u_weights, v_weights : tensors, optional
        The weight of each position: a shape that broadcasts with the positions, or (n,) for the same weights in the
        whole batch. They are relative: each is divided by its sum. By default all are equal.
    p : float
        In [1, inf].
    dim : int
        The dimension along which the positions lie.

    Returns
    -------
    tensor, the broadcast shape of the positions without `dim`
        The *power* :math:`W_p^p`, as from `ot.wasserstein_1d`; for the distance take the root, ``value ** (1 / p)``.
        For p = 1 they are the same, as from `scipy.stats.wasserstein_distance`, and for ``p = inf`` it is
        :math:`W_\infty` itself. In the dtype and on the device of the positions. Infinite where mass would travel
        infinitely far or the power overflows, NaN where both distributions have mass at the same infinity and the
        distance is undefined, with a RuntimeWarning, as from SciPy. Differentiable in positions and weights; where two
        quantiles agree the gradient is 0.

    Raises
    ------
    ValueError
        If a position is NaN; a weight is negative or not finite, or all are zero; ``p < 1``; or shapes, dtypes or
        devices do not match.

    See Also
    --------
    emd_points : the same number for points in any dimension, with the plan.
    pile_moves : for piles side by side, with every move.

    Notes
    -----
    The first five arguments are those of `ot.wasserstein_1d`, but batches have their positions along the last
    dimension, as everywhere in gantut; POT has them along the first, which is ``dim=0`` here.

    For p > 1 quantile levels closer than n + m roundings count as one level: for p = inf a slice of mass that is
    nothing but rounding would count in full.

    After a hundred small calls, or a few large ones, with equal weights and p = 1 on the CPU, code compiled by Numba
    takes over, with the same results to the last bit: a process that calls so often is in a loop, and loading it takes
    a second. Where it was never compiled before, that takes four more.

    References
    ----------
    Ramdas, Garcia and Cuturi (2015); Peyré and Cuturi (2019), section 2.6; lesson 9.

    Examples
    --------
    >>> wasserstein_1d([0.0, 1.0, 3.0], [5.0, 6.0, 8.0])
    tensor(5., dtype=torch.float64)
    >>> wasserstein_1d([0.0, 1.0, 3.0], [5.0, 6.0, 8.0], p=2)
    tensor(25., dtype=torch.float64)
    >>> wasserstein_1d([0.0, 1.0], [0.0, 1.0], [3.0, 1.0], [2.0, 2.0])
    tensor(0.2500, dtype=torch.float64)
    """
    ordinary = u_weights is None and v_weights is None and type(p) is int and p == 1 and dim == -1
    if ordinary and (found := _few_in_order(u_values, v_values)) is not None:
        return found
    p = _inputs.exponent(p, infinite=True)
    u, v = _along_last(u_values, v_values, dim)  # (..., n), (..., m)
    equal = u_weights is None and v_weights is None and u.shape[-1] == v.shape[-1]
    if not equal:
        _no_nan(u, v, dim)
    u_weights = _relative("u_weights", u_weights, u, dim)
    v_weights = _relative("v_weights", v_weights, v, dim)
    one_object = u_values is v_values
    found = _power(u, v, u_weights, v_weights, p, one_object)
    if math.isfinite(found.detach().sum().item()) or torch.isfinite(found.detach()).all():  # a sum is seen at once
        return found
    if equal:
        _no_nan(u, v, dim)
    return _rescaled(u, v, u_weights, v_weights, p, one_object)


def _few_in_order(u, v):
    """W1 with equal weights in the ordinary case; None in any other, or where it is not finite, for a closer look.

    Some microseconds are all that a small problem takes: what is checked here is checked in the fewest calls.
    """
    if not (type(u) is type(v) is torch.Tensor and (dtype := u.dtype) is v.dtype and dtype in PLAIN):
        return None
    if forward_ad._current_level >= 0:
        return None
    try:
        if (shape := u.shape) != v.shape or not shape or not 0 < (size := shape.numel()) < WORTH_THREADS:
            return None
        rows, n, compiled = size // shape[-1], shape[-1], _compiled(size)
        if size > TILE and not (compiled and (size <= PART or compiled.sorts_sooner(rows, n, dtype.itemsize))):
            return None
        if compiled and _is_plain(u) and _is_plain(v):
            u, v = u.contiguous(), v.contiguous()
            if not ((u_at := u.data_ptr()) and (v_at := v.data_ptr())):
                return None  # zeros may be without memory
            found, finite = compiled.mean_gaps(u_at, v_at, rows, n, PLAIN[dtype])
            found = found if len(shape) == 2 else found.reshape(shape[:-1])
        else:
            found = QUIET.copy().run(_compare, u.numpy().copy(), v.numpy().copy(), 1.0)
            finite = math.isfinite(found.item()) if found.size == 1 else np.isfinite(found).all()
    except (RuntimeError, TypeError):  # it needs a gradient, lies elsewhere, or has no shape
        return None
    return torch.from_numpy(found) if finite else None


def _is_plain(x):
    """Whether a tensor is nothing but numbers that the processor can read."""
    return x.is_cpu and not (x.requires_grad or x.is_neg())


def _compiled(size):
    """What Numba compiles, where it is installed, after the first calls of a process; else None."""
    global _calls
    if _calls < FEW_CALLS:
        _calls += 1 + size // A_CALL
        return None
    return _simplex.compiled(math.inf)


def _power(u, v, u_weights, v_weights, p, one_object):
    """The distance to the power p, by the shortest way there is."""
    if u_weights is None and v_weights is None and u.shape[-1] == v.shape[-1]:
        return _in_order(u, v, p)
    constant = not (u.requires_grad or v.requires_grad)
    same_bins = u.ndim == v.ndim == 1 and (one_object or (constant and torch.equal(u, v)))
    if p == 1 and same_bins and u_weights is not None and v_weights is not None and torch.isfinite(u).all():
        return _on_shared_bins(u, u_weights, v_weights)
    return _by_quantiles(u, v, u_weights, v_weights, p)


def _rescaled(u, v, u_weights, v_weights, p, one_object):
    """The same in a unit in which neither differences nor their sums overflow; what is still infinite is so."""
    sizes = (torch.where(torch.isfinite(x), x, 0).detach().abs().amax().double().item() for x in (u, v))
    unit = 2.0 ** (math.frexp(max(sizes))[1] - 1)
    found = _power(u.double() / unit, v.double() / unit, u_weights, v_weights, p, one_object)
    if torch.isnan(found.detach()).any():
        what = "the distance is undefined (NaN) where both distributions have mass at the same infinity"
        warnings.warn(what, RuntimeWarning, stacklevel=3)
    return (found * power(unit, 1 if p == math.inf else p)).to(u.dtype)


def _along_last(u, v, dim):
    """The positions as tensors that go together, along the last dimension."""
    u, v = _inputs.floating("u_values", u), _inputs.floating("v_values", v)
    for name, value in (("u_values", u), ("v_values", v)):
        _inputs.dimension(name, value, dim)
    _inputs.together(u_values=u, v_values=v)
    _inputs.untransformed(u_values=u, v_values=v)
    u, v = u.movedim(dim, -1), v.movedim(dim, -1)
    _inputs.broadcast(**{"the batches of u_values": u[..., 0], "of v_values": v[..., 0]})
    return u, v


def _no_nan(u, v, dim):
    for name, value in (("u_values", u), ("v_values", v)):
        if value.numel() and torch.isnan(value.detach().amax()):  # one pass; a NaN anywhere comes through
            where = ", ".join(map(str, torch.isnan(value.movedim(-1, dim)).nonzero()[0].tolist()))
            raise ValueError(f"{name} must not hold NaN (infinite positions are allowed), but {name}[{where}] is nan")


def _relative(name, weights, positions, dim):
    """The weights along the last dimension, normalised, in double precision; None stands for equal ones."""
    if weights is None:
        return None
    of = name[0] + "_values"
    weights = _inputs.floating(name, weights)
    if weights.ndim > 1:
        _inputs.dimension(name, weights, dim)
        weights = weights.movedim(dim, -1)
    weights = _inputs.point_masses(name, weights, positions[..., None], of=of).double()
    weights = weights / weights.detach().amax(-1, keepdim=True)  # so that the sum of the largest cannot overflow
    return weights / weights.sum(-1, keepdim=True)


def _in_order(u, v, p):
    """Equal weights: the smallest goes to the smallest, the second to the second, and so on."""
    differentiable = _is_differentiated(u) or _is_differentiated(v)
    if differentiable or u.shape != v.shape or u.device.type != "cpu":
        return _mean_power(_sorted(u) - _sorted(v), None, p)

    found = _by_rows(lambda u, v: QUIET.copy().run(_compare_tiles, u, v, p), u, v, rows_of=PART)
    return found.to(u.dtype).reshape(u.shape[:-1])


def _compare_tiles(u, v, p):
    """Compare some rows after the other, in the same memory: to ask for it anew takes a fifth of the time."""
    ordinary = p == 1 and u.dtype != np.float16
    if ordinary and (compiled := _compiled(u.size)) and compiled.sorts_sooner(*u.shape, u.itemsize):
        return compiled.mean_gaps(u.ctypes.data, v.ctypes.data, *u.shape, u.dtype)[0]
    step = max(1, TILE // u.shape[1])
    copies, parts = np.empty((2, min(step, len(u)), u.shape[1]), u.dtype), []
    for k in range(0, max(1, len(u)), step):
        rows = u[k : k + step], v[k : k + step]
        sizes, others = copies[:, : len(rows[0])]
        np.copyto(sizes, rows[0])
        np.copyto(others, rows[1])
        parts.append(_compare(sizes, others, p))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _compare(sizes, others, p):
    """The same in numpy, as torch would start threads of its own: of arrays that may be written to."""
    sizes.sort()
    others.sort()
    np.abs(np.subtract(sizes, others, sizes), sizes)  # in place: it is in the cache
    if p == 1 and sizes.dtype != np.float16:
        found = np.asarray(np.add.reduce(sizes, -1))
        if found.size != 1:
            return found / sizes.shape[-1]
        found.fill(found.item() / sizes.shape[-1])  # numbers are divided sooner than arrays
        return found
    if p == math.inf:
        return sizes.max(-1)
    return sizes.mean(-1) if p == 1 else (sizes.astype(np.float64) ** p).mean(-1)


def _by_rows(work, *tensors, rows_of=TILE):
    """Work on rows of so many numbers of CPU tensors of one shape at a time, in as many threads as PyTorch may use."""
    n = tensors[0].shape[-1]  # numpy has no bfloat16
    arrays = [
        (x.float() if x.dtype == torch.bfloat16 else x).detach().reshape(-1, n).contiguous().numpy() for x in tensors
    ]
    step = max(1, rows_of // n)
    starts = range(0, max(1, len(arrays[0])), step)
    if len(starts) == 1:
        return torch.from_numpy(work(*arrays))
    parts = in_threads(
        lambda k: work(*(rows[k : k + step] for rows in arrays)), starts, worth=arrays[0].size >= WORTH_THREADS
    )
    return torch.from_numpy(np.concatenate(parts))


def _is_differentiated(x):
    return (torch.is_grad_enabled() and x.requires_grad) or _inputs.carry_tangents(x)


def _sort_order(x):
    """The order that sorts along the last dimension; numpy's vectorised sort is several times as fast as torch's."""
    return x.detach().argsort(-1) if x.device.type != "cpu" else _by_rows(np.argsort, x).reshape(x.shape)


def _sorted(x):
    if _is_differentiated(x):
        return x.gather(-1, _sort_order(x))
    return x.sort(-1).values if x.device.type != "cpu" else _by_rows(np.sort, x).to(x.dtype).reshape(x.shape)


def _on_shared_bins(positions, u_weights, v_weights):
    """W1 on shared positions: the area between the two distribution functions, with one sort for the whole batch."""
    order = _sort_order(positions)
    gaps = positions[order].diff().double()  # (n - 1,)
    surplus = (u_weights - v_weights)[..., order].cumsum(-1)[..., :-1]
    return (surplus.abs() @ gaps).to(positions.dtype)


def _by_quantiles(u, v, u_weights, v_weights, p):
    """Compare the quantiles on each interval between two levels at which either jumps."""
    batch = np.broadcast_shapes(*(t.shape[:-1] for t in (u, v, u_weights, v_weights) if t is not None))
    u_values, u_levels = _quantiles(u, u_weights)  # (..., n)
    v_values, v_levels = _quantiles(v, v_weights)  # (..., m)
    n, m = u.shape[-1], v.shape[-1]
    levels = torch.cat([u_levels.expand(*batch, n), v_levels.expand(*batch, m)], -1)
    order = _sort_order(levels)
    of_u = order < n
    passed = of_u.cumsum(-1) - of_u.long()  # levels of u below each merged level: the index of the quantile there
    at = torch.arange(n + m, device=u.device)
    differences = u_values.expand(*batch, n).gather(-1, passed.clamp_max(n - 1))
    differences = differences - v_values.expand(*batch, m).gather(-1, (at - passed).clamp_max(m - 1))
    levels = levels.gather(-1, order)
    widths = levels.diff(dim=-1, prepend=torch.zeros_like(levels[..., :1]))
    return _mean_power(differences, widths, p)


def _quantiles(positions, weights):
    """Sort the positions; return them with the level up to which each is the quantile."""
    n = positions.shape[-1]
    if weights is None:  # k/n is rounded in one way only, so that k/n = l/m holds in floating point, too
        return _sorted(positions), torch.arange(1, n + 1, dtype=torch.float64, device=positions.device) / n
    shape = np.broadcast_shapes(positions.shape, weights.shape)
    order = _sort_order(positions).expand(shape)
    levels = weights.expand(shape).gather(-1, order).cumsum(-1)
    levels = levels / levels[..., -1:].detach()
    return positions.expand(shape).gather(-1, order), levels


def _mean_power(differences, widths, p):
    """The mean of |differences|^p over intervals of these widths (equal ones where None), or the largest for inf."""
    sizes, dtype = differences.abs(), differences.dtype
    if widths is None:
        if p == math.inf:
            return sizes.amax(-1)
        return sizes.mean(-1) if p == 1 else to_the_power(sizes.double(), p).mean(-1).to(dtype)
    negligible = 0.0 if p == 1 else sizes.shape[-1] * torch.finfo(widths.dtype).eps
    sizes = torch.where(widths > negligible, sizes, 0)
    if p == math.inf:
        return sizes.amax(-1) + (0 * widths).sum(-1).to(dtype)  # no slope in the weights, but a graph
    return (to_the_power(sizes.double(), p) * widths).sum(-1).to(dtype)
