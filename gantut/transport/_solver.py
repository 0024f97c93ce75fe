"""How exact problems are solved: an engine finds a plan, and potentials prove that no plan is cheaper.

What counts as a proof: the duality gap, and all that the potentials' own roundings could hide, are at most `GAP` of
what the plan pays, or of what it would pay if all mass went at the smallest cost above zero. A large cost that no
cheap plan pays therefore excuses nothing. Where it drowns the digits of the others, costs are cut off, see
`_solve_capped`.
"""

import functools
import math

import numpy as np
import torch

from gantut._inputs import TOTAL_TOLERANCE
from gantut.transport import _auction, _promising_arcs, _simplex
from gantut.transport._batches import flattened, in_threads
from gantut.transport._results import NotCertified, TransportResult

INF = math.inf
GAP = 1e-9
ROUNDING = 2.0**-51  # of a constraint f_i + g_j <= C_ij, relative to |f_i| + |g_j|

FEWEST_AUCTIONED = 1 << 12  # costs that pay what it takes to start an auction on CUDA
MOST_ASSIGNED = 4000  # points on the CPU, where the simplex overtakes shortest paths
HUGE, UNIT = 1e290, 2.0**100  # above the one, differences of costs and potentials may overflow, in the other not

# The first cap on costs, in units of the smallest; and how much higher each further one is.
FIRST_CAP = 1e4
NEXT_CAP = 1e2

TILE = 1 << 14  # entries of a tile of the cost matrix that stays in the cache


def solve(a, b, cost, batch, extremes):
    """Solve a batch, in double precision and on the device of the cost, and demand a proof for each problem.

    `extremes` are the least and the largest cost.
    """
    if max(-extremes[0], extremes[1]) >= HUGE:
        return in_unit(solve(a, b, cost.double() / UNIT, batch, tuple(each / UNIT for each in extremes)), UNIT)
    assigner = find_assigner(cost)
    a, b, apart = common_total(flattened(a, batch, 1), flattened(b, batch, 1))  # (k, n), (k, m), (k,)
    cost = flattened(cost, batch, 2)  # (k, n, m)
    solved = None
    if assigner and _uniform(a) and _uniform(b):
        solved = solve_uniform(assigner, a[:, 0], cost)
    if solved is None:
        solved = solve_each(a.cpu(), b.cpu(), cost.cpu())
    solved = solved._replace(error=solved.error + apart.to(solved.error.device))
    if not batch:
        return TransportResult(*(None if t is None else t[0].to(cost.device) for t in solved))
    return TransportResult(*(None if t is None else t.to(cost.device).reshape((*batch, *t.shape[1:])) for t in solved))


def in_unit(result, unit):
    """What was solved for costs in a unit in which nothing overflows."""
    scaled = result._replace(**{name: getattr(result, name) * unit for name in ("value", "f", "g", "gap")})
    if not all(torch.isfinite(each).all() for each in (scaled.value, scaled.f, scaled.g)):
        what = "costs are so large that the value or the potentials exceed double precision: divide them by a number"
        raise NotCertified(what, gap=INF)
    return scaled


def _uniform(masses):
    return bool((masses == masses[..., :1]).all())


def common_total(a, b):
    """Scale both masses to the mean of their totals, and say how far each was from it, relative: by roundings."""
    from_a, from_b = a.sum(-1, keepdim=True), b.sum(-1, keepdim=True)
    apart = ((from_a - from_b).abs() / (from_a + from_b))[..., 0]
    if torch.equal(from_a, from_b):
        return a, b, apart
    return a * ((1 + from_b / from_a) / 2), b * ((1 + from_a / from_b) / 2), apart


# ---------------------------------------------------------------------------------------------- equal masses


def find_assigner(cost):
    """The module that assigns points of equal mass, or None where the simplex is at least as good, or all there is."""
    n, m = cost.shape[-2:]
    if n != m:
        return None
    if cost.device.type == "cpu":
        return _simplex.compiled(cost.numel()) if n <= MOST_ASSIGNED else None
    return _auction if cost.numel() >= FEWEST_AUCTIONED else None


def solve_uniform(assigner, mass, cost):
    """Solve problems (k, n, n) with equal masses (k,) on their own device, or return None if one lacks its proof."""
    count, n, _ = cost.shape
    column, f, g, sums = assigner.assign(cost)
    value, spent, gap, *sizes = sums * mass
    gap = gap.clamp_min(0)
    doubt = gap + ROUNDING * (sizes[0] + sizes[1])
    if not (doubt <= GAP * spent).all() and not (doubt <= GAP * (spent + n * mass * _smallest(cost))).all():
        return None
    if cost.device.type == "cpu":  # by NumPy, on one thread: PyTorch's would wait for each other
        plan = torch.from_numpy(np.zeros((count, n, n)))
        np.put_along_axis(plan.numpy(), column.numpy()[..., None], mass.numpy()[:, None, None], 2)
    else:
        plan = cost.new_zeros(count, n, n).scatter_(2, column[..., None], mass[:, None, None].expand(-1, n, 1))
    shift = (g.sum(1, keepdim=True) - f.sum(1, keepdim=True)) / (2 * n)  # of the free constant: so that <a, f> = <b, g>
    return TransportResult(value, plan, f + shift, g - shift, gap, error=torch.zeros_like(mass))


def is_proved(gap, roundings, spent, total, cost):
    """Whether all doubt is next to nothing, beside what is spent or would be if all went at the smallest cost above 0.

    A plan that costs less than the potentials prove does not move all that it should.
    """
    doubt = abs(gap) + roundings
    return doubt <= GAP * spent or doubt <= GAP * (spent + total * _smallest(torch.from_numpy(cost)[None]).item())


# ---------------------------------------------------------------------------------------------- any masses


def solve_one(a, b, cost, extremes=None, entries=None):
    """Solve a problem (n,), (m,), (n, m) of arrays, one of so many entries: value, plan, f, g, gap and error."""
    *found, proved = _attempt(a, b, cost, cost, extremes, entries)
    if not proved and (compiled := _simplex.compiled(INF)) and (again := solve_compiled(compiled, a, b, cost, cost)):
        *found, proved = again  # POT loses masses below a rounding of the total
    return found if proved else _solve_capped(a, b, cost, found[4])


def solve_each(a, b, cost):
    """Solve each problem of a batch on the CPU; those that lack the proof once more, with the costs capped."""
    problems = list(zip(*(each.numpy() for each in (a, b, cost)), strict=True))
    quietly = np.errstate(all="ignore")(solve_one)  # what overflows is not proved
    found = in_threads(lambda problem: quietly(*problem, entries=cost.numel()), problems)
    count, n, m = cost.shape
    if not count:
        found = [np.zeros((0, *own)) for own in ((), (n, m), (n,), (m,), (), ())]
    else:
        found = map(np.array, zip(*found, strict=True))
    value, plan, f, g, gap, error = map(torch.from_numpy, found)
    return TransportResult(value, plan, f, g, gap, error=error)


def _attempt(a, b, cost, solved, extremes=None, entries=None):
    """Solve for the costs `solved`, which are those of `cost` or lower ones, by the network simplex.

    Returns value, plan, f, g, gap and error, all for `cost`, and whether they are proved.
    """
    compiled = None if _promising_arcs.are_worth_it(solved) else _simplex.compiled(entries or cost.size)
    if compiled and (found := solve_compiled(compiled, a, b, cost, solved)):
        return found
    arcs, carried, f, g = _simplex.solve(a, b, solved, extremes)
    f, g = _tight(solved, f, g, a, b)
    row, column = np.divmod(arcs, b.size)
    each, total = cost.reshape(-1)[arcs], np.add.reduce(a)
    from_a, to_b = np.bincount(row, carried, a.size), np.bincount(column, carried, b.size)
    over_a, over_b = from_a - a, to_b - b
    gap = carried @ (each - f[row] - g[column]) + over_a @ f + over_b @ g  # each term is small: nothing cancels
    error = max(np.abs(over_a).sum(), np.abs(over_b).sum()) / total
    roundings = ROUNDING * (a @ np.abs(f) + b @ np.abs(g))
    complete = ((from_a > 0) == (a > 0)).all() and ((to_b > 0) == (b > 0)).all()
    proved = complete and error <= GAP and is_proved(gap, roundings, carried @ np.abs(each), total, solved)
    plan = np.zeros(cost.shape)
    plan.reshape(-1)[arcs] = carried
    shift = (b @ g - a @ f) / total / 2  # of the free constant: so that <a, f> = <b, g>
    return carried @ each, plan, f + shift, g - shift, max(gap, 0.0), error, proved


def solve_compiled(compiled, a, b, cost, solved):
    """The same in one call, for masses and costs of ordinary size; None for others, and where there is one plan."""
    if min(cost.shape) == 1 or (found := compiled.solve(a, b, cost, solved, TOTAL_TOLERANCE[torch.float64])) is None:
        return None
    plan, f, g, (paid, spent, gap, off_a, off_b, roundings, total) = found
    error = max(off_a, off_b) / total
    proved = error <= GAP and is_proved(gap, ROUNDING * roundings, spent, total, solved)
    return paid, plan, f, g, max(gap, 0.0), error, proved


def _solve_capped(a, b, cost, gap):
    """Solve one problem whose costs differ by many orders of magnitude, with costs cut off at rising caps.

    If the optimal plan for capped costs avoids the capped arcs, then it is optimal for the costs themselves, and its
    potentials obey all their constraints: a lower cost is a tighter one. It keeps a prohibitive 1e32 from drowning
    the digits of the others.
    """
    cap, largest = FIRST_CAP * _smallest(torch.from_numpy(cost[None])).item(), cost.max()
    while cap < largest:
        *found, proved = _attempt(a, b, cost, np.minimum(cost, cap))
        if proved:
            return found
        gap = min(gap, found[4])
        cap = NEXT_CAP * cost[cost >= cap].min()
    raise NotCertified(
        f"the answer could not be proved optimal in double precision: a duality gap of {gap:.3g} remains, and costs "
        f"range from {cost.min():.3g} to {largest:.3g}; rescale them, or lower those that no plan should pay",
        gap=float(gap),
    )


def _tight(cost, f, g, a, b):
    """Potentials each of which is the other's c-transform: all constraints hold, those of arcs in use tightly.

    Where points are without mass, f decides, as they have no say. Else the solver's g is a c-transform already: each
    column has an arc in use.
    """
    if not (np.minimum.reduce(a) > 0 < np.minimum.reduce(b)):
        f = np.where(a > 0, f, -np.inf)
        g = functools.reduce(np.minimum, ((rows - own).min(0) for rows, own in _tiles(cost, f[:, None])))
    tiles = _tiles(cost)
    slack = np.empty_like(tiles[0][0])  # one for all
    tight = [np.minimum.reduce(np.subtract(rows, g, slack[: len(rows)]), 1) for (rows,) in tiles]
    return tight[0] if len(tight) == 1 else np.concatenate(tight), g


def _tiles(cost, *others):
    """A few rows at a time, so that costs stay in the cache."""
    step = max(1, TILE // cost.shape[1])
    if len(cost) <= step:
        return [(cost, *others)]
    return [tuple(each[i : i + step] for each in (cost, *others)) for i in range(0, len(cost), step)]


def _smallest(cost):
    """The smallest size of a cost that is not zero; (k,)."""
    size = cost.abs()
    smallest = torch.where(size > 0, size, torch.inf).amin((1, 2))
    return torch.where(smallest < torch.inf, smallest, 0)
