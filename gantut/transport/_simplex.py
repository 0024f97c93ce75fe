"""Which network simplex solves a problem: our own on all arcs, POT's on those that promise most, or POT's on all."""

import functools

import numpy as np

from gantut.transport import _promising_arcs

# From how many costs on to compile pays. Fewer are a matter of calls alone; to load Numba takes half a second in each
# process, and once, where nothing is compiled yet, some seconds, but to load POT takes two every time.
FEWEST_COMPILED = 1 << 6


def solve(a, b, cost, extremes=None):
    """Return a plan as arcs (numbers i m + j) and the amounts on them, and potentials f (n,) and g (m,).

    `extremes` are the least and the largest cost, where they are known.

    They are as good as the solver leaves them; the potentials of points without mass mean nothing.
    """
    least, largest = extremes or (cost.min(), cost.max())
    # powers of two cost no digit; solvers' tolerances are absolute, made for costs and masses of size 1
    unit_cost, unit_mass = _power_of_two(max(largest, -least)), _power_of_two(np.add.reduce(a))
    a, b = map(np.ascontiguousarray, (a, b) if unit_mass == 1 else (a / unit_mass, b / unit_mass))
    cost = np.ascontiguousarray(cost if unit_cost == 1 else cost / unit_cost)
    arcs, amounts, f, g = _solve(a, b, cost, least / unit_cost)
    if unit_cost != 1:
        f, g = f * unit_cost, g * unit_cost
    return arcs, amounts if unit_mass == 1 else amounts * unit_mass, f, g


def _solve(a, b, cost, least):
    if min(cost.shape) == 1:  # there is one plan
        return np.arange(cost.size), (b if len(a) == 1 else a).copy(), *_of_one_point(cost)
    if not (a.all() and b.all()):
        return _without_empty_points(a, b, cost)
    promising = _promising_arcs.are_worth_it(cost)
    numba = None if promising else compiled(cost.size)
    if numba and (found := numba.solve(a, b, cost, cost, 1e-9)):
        plan, f, g, _ = found
        return *_in_use(plan), f, g
    low = min(least, 0.0)  # with negative costs POT sometimes ends before it has begun
    raised = cost - low if low < 0 else cost
    found = _promising_arcs.solve(a, b, raised) if promising else None
    arcs, amounts, f, g = found or _solved_by_pot(a, b, raised)
    return arcs, amounts, f + low, g


def _of_one_point(cost):
    """Potentials where one side has only one point: 0 there, all costs on the other."""
    return (np.zeros(1), cost[0].copy()) if len(cost) == 1 else (cost[:, 0].copy(), np.zeros(1))


def _without_empty_points(a, b, cost):
    """They say nothing, arcs that carry nothing would only be in the way, and their costs may be of any size."""
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    some = np.ascontiguousarray(cost[np.ix_(rows, columns)])
    f, g = np.zeros_like(a), np.zeros_like(b)
    arcs, amounts, f[rows], g[columns] = _solve(a[rows], b[columns], some, some.min())
    i, j = np.divmod(arcs, columns.size)
    return rows[i] * b.size + columns[j], amounts, f, g


def _power_of_two(size):
    """The power of two just above a size, if it is a number, or 1 where that is near enough to save a copy."""
    return 1.0 if size == 0 or 1e-3 < size < 1e3 else 2.0 ** min(np.frexp(size)[1], 1023)


def compiled(entries):
    """What Numba compiles, if it is installed, and worth it for so many costs; else None."""
    return _numba() if entries >= FEWEST_COMPILED else None


@functools.cache
def _numba():
    try:
        from gantut.transport import compiled
    except ImportError:
        return None
    return compiled


def _solved_by_pot(a, b, cost):
    plan, _, f, g, _ = _engine()(a, b, cost, _promising_arcs.MOST_PIVOTS, 1, None, None)
    return *_in_use(plan), f, g


def _in_use(plan):
    plan = plan.reshape(-1)
    arcs = (plan != 0).nonzero()[0]  # of truth values: four times as fast
    return arcs, plan[arcs]


@functools.cache
def _engine():
    from ot.lp.emd_wrap import emd_c  # POT takes seconds to import

    return emd_c
