"""One small problem of plain tensors, solved in as few calls as there can be, since they are most of its time.

What does not look ordinary, or comes without its proof, is left to :mod:`gantut.transport._exact`, which takes a closer
look and says what is wrong.
"""

import math

import numpy as np
import torch
from torch.autograd import forward_ad

from gantut._inputs import TOTAL_TOLERANCE
from gantut.transport import _simplex
from gantut.transport._batches import suited_threads
from gantut.transport._costs import MANY_COORDINATES, SAFE, costs
from gantut.transport._results import TransportResult
from gantut.transport._solver import HUGE, ROUNDING, is_proved, solve_compiled, solve_one

MOST_ENTRIES = 1 << 17  # of the matrix of costs; beyond, calls take little of the time
FEW_COORDINATES = 1 << 10  # of points that NumPy is soonest done with


def solve_plain(a, b, cost):
    """Solve a problem (n,), (m,), (n, m) of tensors; None where something is not ordinary."""
    arrays = _in_arrays(a, b, cost)
    return arrays and _solve(*arrays)


def solve_plain_points(x, y, a, b, p):
    """The same for points (n, d) and (m, d), and masses that may be None. Costs show what may be wrong with points."""
    given = (x, y) if a is b is None else [each for each in (x, y, a, b) if each is not None]
    if (arrays := _in_arrays(*given)) is None:
        return None
    points, others, *masses = arrays
    if points.ndim != 2 or others.ndim != 2:
        return None
    (n, d), (m, its_d) = points.shape, others.shape
    if not (d == its_d > 0 < n * m <= MOST_ENTRIES):
        return None
    direct = d < MANY_COORDINATES and p in (1, 2)
    if n == m and direct and not masses and (compiled := _simplex.compiled(n * m)):
        answer = compiled.assign_points(points, others, p)
        if answer and (found := _assigned(1 / n, *answer)):
            return _result(*found)
    a, b = (np.full(k, 1 / k) if mass is None else masses.pop(0) for mass, k in ((a, n), (b, m)))
    if (cost := _distances(points, others, p) if direct else None) is None:
        with suited_threads(x, y, ()):
            cost = costs(x, y, p).numpy()
    return _solve(a, b, cost)


def _in_arrays(*tensors):
    """What plain tensors in double precision hold; None if one has a gradient, lies elsewhere or is of another kind."""
    if forward_ad._current_level >= 0:
        return None
    for tensor in tensors:
        if not (type(tensor) is torch.Tensor and tensor.dtype is torch.float64):
            return None
    try:
        return [tensor.numpy() for tensor in tensors]
    except (RuntimeError, TypeError):
        return None


def _distances(x, y, p):
    """The costs between points, in a fraction of the time; None where that is not safe, or not worth it."""
    if compiled := _simplex.compiled(len(x) * len(y)):
        return compiled.distances(x, y, p)
    if x.size + y.size > FEW_COORDINATES or not SAFE[0] < max(np.abs(x).max(), np.abs(y).max()) < SAFE[1]:
        return None
    squares = np.square(x[:, None] - y).sum(-1)
    return np.sqrt(squares) if p == 1 else squares


def _solve(a, b, cost):
    if not (a.ndim == b.ndim == 1 and a.shape + b.shape == cost.shape and 0 < cost.size <= MOST_ENTRIES):
        return None
    compiled, found = _simplex.compiled(cost.size), None
    if compiled and len(a) == len(b) and a.item(0) == a.item(-1) == b.item(0):
        answer = compiled.assign_one(a, b, cost)
        found = answer and _assigned(a.item(0), *answer)
    if compiled and found is None and (answer := solve_compiled(compiled, a, b, cost, cost)):
        *found, proved = answer
        found = found if proved else None
    if found is None:
        found = _solved_at_any_size(a, b, cost)
    return None if found is None else _result(*found)


def _assigned(mass, cost, plan, f, g, paid, spent, gap, in_f, in_g):
    """Value, plan, f, g, gap and error of what was assigned for masses of 1; None where it is not proved."""
    if not is_proved(gap, ROUNDING * (in_f + in_g), spent, len(cost), cost):
        return None
    return mass * paid, plan, f, g, mass * max(gap, 0.0), 0.0


@np.errstate(all="ignore")  # what overflows is looked at again
def _solved_at_any_size(a, b, cost):
    """The same for masses and costs of any size; None if something is wrong with them."""
    extremes = np.minimum.reduce(cost, None), np.maximum.reduce(cost, None)
    from_a, from_b = np.add.reduce(a), np.add.reduce(b)
    most = max(from_a, from_b)
    if not (extremes[0] > -HUGE and extremes[1] < HUGE):  # nor NaN
        return None
    if not (np.minimum.reduce(a) >= 0 <= np.minimum.reduce(b) and 0 < most < math.inf):
        return None
    if from_a != from_b:
        if not abs(from_a - from_b) <= TOTAL_TOLERANCE[torch.float64] * most:
            return None
        a, b = a * ((1 + from_b / from_a) / 2), b * ((1 + from_a / from_b) / 2)
    *found, error = solve_one(a, b, cost, extremes)
    return *found, error + abs(from_a - from_b) / (from_a + from_b)


def _result(value, plan, f, g, gap, error):
    tensor, array = torch.from_numpy, np.asarray
    value, gap, error = tensor(array(value)), tensor(array(gap)), tensor(array(error))
    return TransportResult(value, tensor(plan), tensor(f), tensor(g), gap, None, error)
