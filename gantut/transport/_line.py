"""Transport on the line: piles side by side, and distributions given by their positions."""

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from gantut import _inputs
from gantut.transport._numba import compiled_module
from gantut.transport._results import Move, PileMoves

# From how many positions on threads save more than they cost.
WORTH_THREADS = 100_000
# Length from which rows are sorted by digits; below, comparing is as fast.
LONG = 3000
# Positions of some rows of both distributions that are sorted and compared while they are in the cache.
TILE = 1 << 14


def pile_moves(P, Q):
    r"""Turn the piles P into the piles Q, from left to right, each gap once.

    The piles stand side by side at distance 1. Whatever the first i piles hold too much must leave them across the gap
    between pile i and pile i + 1, and whatever they lack must come in there:

    .. math:: \delta_0 = 0, \qquad \delta_{i+1} = \delta_i + P_{i+1} - Q_{i+1}, \qquad W = \sum_i |\delta_i|.

    Parameters
    ----------
    P, Q : tensors, shapes (..., n) that broadcast, floating point
        The piles: finite, non-negative, with the same positive total. Arrays and lists become tensors.

    Returns
    -------
    PileMoves
        With ``deltas`` (..., n + 1), from :math:`\delta_0` to :math:`\delta_n = 0`; ``cost`` (...,); and, for one pair
        of pile rows, ``moves``, a list of (source, target, amount) with piles numbered from 1, and ``states``
        (len(moves) + 1, n), the piles before, between and after the moves. Gaps that nothing crosses make no move.
        ``deltas`` and ``cost`` are differentiable.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, totals differ, or shapes, dtypes or devices do not go together.

    References
    ----------
    Weng (2017), figure 7, whose recursion is off by one and whose third step moves Q instead of P; lesson 8.

    Examples
    --------
    >>> walk = pile_moves([3, 2, 1, 4], [1, 2, 4, 3])
    >>> walk.deltas.tolist(), walk.cost.item()
    ([0.0, 2.0, 2.0, -1.0, 0.0], 5.0)
    >>> walk.moves[-1]
    Move(source=4, target=3, amount=1.0)
    """
    P, Q = _inputs.masses(P=P, Q=Q)
    _inputs.same_length(-1, P=P, Q=Q)
    surplus = P - Q
    deltas = torch.cat([torch.zeros_like(surplus[..., :1]), surplus.cumsum(-1)], -1)
    cost = deltas.abs().sum(-1)
    if deltas.ndim > 1:
        return PileMoves(deltas, cost, None, None)
    moves = _shovel(deltas.tolist())
    states = [P.detach()]
    for source, target, amount in moves:
        after = states[-1].clone()
        after[source - 1] -= amount
        after[target - 1] += amount
        states.append(after)
    return PileMoves(deltas, cost, moves, torch.stack(states))


def _shovel(deltas):
    """List the moves; a run of gaps that are crossed leftwards goes from its right end, or a pile would run short."""
    moves, leftwards = [], []
    for gap, delta in enumerate(deltas[1:-1], start=1):
        if delta < 0:
            leftwards.append(Move(gap + 1, gap, -delta))
            continue
        moves += reversed(leftwards)
        leftwards.clear()
        if delta > 0:
            moves.append(Move(gap, gap + 1, delta))
    return moves + leftwards[::-1]


def wasserstein_1d(u, v, u_weights=None, v_weights=None, *, p=1, dim=-1):
    r"""Wasserstein distance between distributions on the line, by their quantiles.

    .. math:: W_p(u, v) = \Big(\int_0^1 \big|F_u^{-1}(t) - F_v^{-1}(t)\big|^p\,dt\Big)^{1/p}, \qquad
        W_\infty(u, v) = \sup_{0<t<1} \big|F_u^{-1}(t) - F_v^{-1}(t)\big|.

    Parameters
    ----------
    u, v : tensors, shapes (..., n, ...) and (..., m, ...), which broadcast apart from `dim`; floating point
        The positions along `dim`, in any order. They may be infinite.
    u_weights, v_weights : tensors, optional
        The weight of each position: a shape that broadcasts with the positions, or (n,) for the same weights in the
        whole batch. Relative ones: they are divided by their sum. By default all are equal.
    p : float
        In [1, inf].
    dim : int
        The dimension along which the positions lie.

    Returns
    -------
    tensor, the shape of `u` and `v` broadcast, without `dim`
        The distance :math:`W_p` itself, as in `scipy.stats.wasserstein_distance`. POT's `ot.wasserstein_1d` returns
        its power :math:`W_p^p` instead (the two are the same for p = 1), along dimension 0. Infinite where mass would
        travel infinitely far, NaN where both distributions have mass at the same infinity and the distance is
        undefined, both as in SciPy. Differentiable in positions and weights; where two quantiles agree the gradient is
        0.

    Raises
    ------
    ValueError
        If a position is NaN; a weight is negative or not finite, or all are zero; ``p < 1``; or shapes, dtypes or
        devices do not go together.

    Notes
    -----
    For p > 1 quantile levels closer than n + m roundings are one level: a slice of mass that is nothing but rounding
    would count as much as its root, and for p = inf in full.

    References
    ----------
    Ramdas, Garcia and Cuturi (2015); Peyré and Cuturi (2019), section 2.6; lesson 8.

    Examples
    --------
    >>> wasserstein_1d([0.0, 1.0, 3.0], [5.0, 6.0, 8.0])
    tensor(5., dtype=torch.float64)
    >>> wasserstein_1d([0.0, 1.0], [0.0, 1.0], [3.0, 1.0], [2.0, 2.0])
    tensor(0.2500, dtype=torch.float64)
    """
    p = _inputs.exponent(p, infinite=True)
    one_distribution = u is v
    u, v = _along_last(u=u, v=v, dim=dim)  # (..., n), (..., m)
    equal_weights = u_weights is None and v_weights is None and u.shape[-1] == v.shape[-1]
    if equal_weights and p == 1 and (distance := _mean_gap(u, v)) is not None:
        return distance
    _no_nan(u=u, v=v, dim=dim)
    u_weights = _relative("u_weights", u_weights, u, dim)
    v_weights = _relative("v_weights", v_weights, v, dim)
    if equal_weights:
        u, v = _sorted(u), _sorted(v)
        in_place = u.shape == v.shape and not (u.requires_grad or v.requires_grad)  # fresh memory costs as much again
        return _mean_power(u.sub_(v) if in_place else u - v, None, p)
    same_bins = p == 1 and u_weights is not None and v_weights is not None and u.ndim == v.ndim == 1
    if same_bins and (one_distribution or _same_and_constant(u, v)) and torch.isfinite(u).all():
        return _on_shared_bins(u, u_weights, v_weights)
    return _by_quantiles(u, v, u_weights, v_weights, p)


def _along_last(u, v, dim):
    """The positions as tensors that go together, along the last dimension."""
    u, v = _inputs.floating("u", u), _inputs.floating("v", v)
    for name, value in (("u", u), ("v", v)):
        _inputs.dimension(name, value, dim)
    _inputs.together(u=u, v=v)
    u, v = u.movedim(dim, -1), v.movedim(dim, -1)
    _inputs.broadcast(**{"the batches of u": u[..., 0], "of v": v[..., 0]})
    return u, v


def _no_nan(u, v, dim):
    for name, value in (("u", u), ("v", v)):
        if value.numel() and torch.isnan(value.detach().amax()):  # one pass; a NaN anywhere comes through
            where = tuple(torch.isnan(value.movedim(-1, dim)).nonzero()[0].tolist())
            raise ValueError(f"{name} must hold positions, infinite ones allowed, but {name}[{where}] is nan")


def _mean_gap(u, v):
    """W1 of as many positions on both sides, a few rows at a time; None where that is not all there is to do.

    Gradients, other devices and NaNs are left to others: a NaN would come first or last when sorted.
    """
    differentiable = torch.is_grad_enabled() and (u.requires_grad or v.requires_grad)
    if differentiable or u.shape != v.shape or u.device.type != "cpu" or u.dtype not in (torch.float32, torch.float64):
        return None
    n = u.shape[-1]
    rows_of_u, rows_of_v = (x.detach().reshape(-1, n).numpy() for x in (u, v))
    distance, together = np.empty(len(rows_of_u), dtype=rows_of_u.dtype), max(1, TILE // n)
    sort = _sort_in_place(rows_of_u)

    def compare(start, end):
        two = np.empty((2, min(together, max(end - start, 1)), n), dtype=distance.dtype)
        for k in range(start, end, together):
            some = slice(k, min(k + together, end))
            a, b = two[:, : some.stop - k]
            a[:], b[:] = rows_of_u[some], rows_of_v[some]
            sort(a)
            sort(b)
            if np.isnan(two[:, : some.stop - k, [0, -1]]).any():
                return False
            with np.errstate(invalid="ignore"):  # mass at the same infinity on both sides: the distance is NaN
                np.abs(np.subtract(a, b, out=a), out=a).mean(-1, out=distance[some])
        return True

    if not all(_in_threads(compare, len(distance), n)):
        return None
    return torch.from_numpy(distance).reshape(u.shape[:-1])


def _sort_in_place(rows):
    """What sorts the rows of such an array fastest: numpy's vectorised sort, or for long ones in float64, by digits."""
    if rows.dtype == np.float64 and rows.size >= WORTH_THREADS and rows.shape[1] >= LONG:
        radix = compiled_module("_radix_sort")
        if radix:
            return radix.sort
    return np.ndarray.sort


def _in_threads(work, rows, n):
    """Results of work(start, end) on all rows, in as many threads as PyTorch may use: numpy lets go of the lock."""
    workers = min(torch.get_num_threads(), os.cpu_count() or 1, rows) if rows * n >= WORTH_THREADS else 1
    if workers < 2:
        return [work(0, rows)]
    ends = [rows * k // workers for k in range(workers + 1)]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, ends[:-1], ends[1:]))


def _relative(name, weights, positions, dim):
    """Return the weights along the last dimension, normalised, in double precision; None stands for equal ones."""
    if weights is None:
        return None
    weights = _inputs.floating(name, weights)
    _inputs.together(**{name[0]: positions, name: weights})
    if weights.ndim > 1:
        _inputs.dimension(name, weights, dim)
        weights = weights.movedim(dim, -1)
    weights = _inputs.mass(name, weights)
    if weights.shape[-1] != positions.shape[-1]:
        raise ValueError(
            f"{name} must have a weight for each of the {positions.shape[-1]} positions of {name[0]}, "
            f"but has {weights.shape[-1]}"
        )
    _inputs.broadcast(**{f"the batches of {name[0]}": positions[..., 0], f"of {name}": weights[..., 0]})
    weights = weights.double()
    weights = weights / weights.detach().amax(-1, keepdim=True)  # so that the sum of the largest cannot overflow
    return weights / weights.sum(-1, keepdim=True)


def _sort_order(x):
    """The order that sorts along the last dimension; numpy's vectorised sort is several times as fast as torch's."""
    x = x.detach()
    return x.argsort(-1) if x.device.type != "cpu" else _row_by_row(np.argsort, x)


def _sorted(x):
    if x.device.type != "cpu":
        return x.sort(-1).values
    if torch.is_grad_enabled() and x.requires_grad:
        return x.gather(-1, _sort_order(x))
    return _row_by_row(np.sort, x.detach()).to(x.dtype)


def _row_by_row(sort, x):
    """Sort the rows of a CPU tensor."""
    rows = (x.float() if x.dtype == torch.bfloat16 else x).numpy()  # numpy has no bfloat16
    flat = rows.reshape(-1, rows.shape[-1])
    parts = _in_threads(lambda start, end: sort(flat[start:end], -1), *flat.shape)
    return torch.from_numpy((np.concatenate(parts) if len(parts) > 1 else parts[0]).reshape(rows.shape))


def _same_and_constant(u, v):
    return not (u.requires_grad or v.requires_grad) and torch.equal(u, v)


def _on_shared_bins(positions, u_weights, v_weights):
    """W1 of two distributions on the same positions: the area between their distribution functions, with one sort for
    all."""
    order = _sort_order(positions)
    gaps = positions[order].diff().double()  # (n - 1,)
    surplus = (u_weights - v_weights)[..., order].cumsum(-1)[..., :-1]
    return (surplus.abs() @ gaps).to(positions.dtype)


def _by_quantiles(u, v, u_weights, v_weights, p):
    """Compare the quantiles on each interval between two levels at which either jumps."""
    batch = torch.broadcast_shapes(
        *(t.shape[:-1] for t in (u, v, u_weights, v_weights) if t is not None),
    )
    u_values, u_levels = _quantiles(u, u_weights, batch)  # (..., n)
    v_values, v_levels = _quantiles(v, v_weights, batch)  # (..., m)
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


def _quantiles(positions, weights, batch):
    """Sort the positions; return them with the level up to which each is the quantile."""
    n = positions.shape[-1]
    if weights is None:  # k/n is rounded in one way only, so that k/n = l/m holds in floating point, too
        return _sorted(positions), torch.arange(1, n + 1, dtype=torch.float64, device=positions.device) / n
    shape = torch.broadcast_shapes(positions.shape, weights.shape)
    order = _sort_order(positions).expand(shape)
    levels = weights.expand(shape).gather(-1, order).cumsum(-1)
    levels = levels / levels[..., -1:].detach()
    return positions.expand(shape).gather(-1, order), levels


def _mean_power(differences, widths, p):
    """Return the p-mean of the differences over intervals of these widths (equal ones where None)."""
    dtype, count = differences.dtype, differences.shape[-1]
    sizes = differences.abs() if differences.requires_grad else differences.abs_()
    if widths is not None:
        negligible = 0.0 if p == 1 else count * torch.finfo(widths.dtype).eps
        sizes = torch.where(widths > negligible, sizes, 0)
    if p == math.inf:
        largest = sizes.amax(-1)
        if widths is None or not widths.requires_grad:
            return largest
        return largest + (0 * widths).sum(-1).to(dtype)  # no slope in the weights, but a graph
    if p == 1:
        if widths is None:
            return sizes.mean(-1)
        return torch.where(widths > 0, sizes.double() * widths, 0).sum(-1).to(dtype)
    largest = sizes.detach().amax(-1, keepdim=True)  # so that no power overflows or vanishes
    scale = torch.where((largest > 0) & torch.isfinite(largest), largest, 1)
    powers = (sizes / scale).double() ** p
    mean = powers.mean(-1) if widths is None else torch.where(widths > negligible, powers * widths, 0).sum(-1)
    nothing = mean == 0
    root = torch.where(nothing, 1, mean) ** (1 / p)  # the root has no slope at 0; the distance there gets 0
    return torch.where(nothing, 0, root * scale.squeeze(-1)).to(dtype)
