"""How exact problems are solved: an engine finds a plan, and potentials prove that no plan is cheaper.

What counts as a proof: the duality gap, and all that the potentials' own roundings could hide, are at most `GAP` of
what the plan pays, or of what it would pay if all mass went at the smallest cost above zero. A large cost that no
cheap plan pays therefore excuses nothing. Where it drowns the digits of the others, costs are cut off, see
`_solve_capped`.
"""

import functools

import numpy as np
import torch

from gantut.transport import _auction, _simplex
from gantut.transport._batches import flattened, in_threads
from gantut.transport._results import NotCertified, TransportResult

GAP = 1e-9
ROUNDING = 2.0**-51  # of a constraint f_i + g_j <= C_ij, relative to |f_i| + |g_j|

# Costs that an assigner solves faster than the simplex, from chosen arcs: entries; on the CPU, also points of one.
FEWEST_ENTRIES = 1 << 10
MOST_ASSIGNED = 2000
HUGE = 1e290  # above, differences of costs and potentials may overflow

# The first cap on costs, in units of the smallest; and how much higher each further one is.
FIRST_CAP = 1e4
NEXT_CAP = 1e2

TILE = 1 << 17  # entries of a tile of the cost matrix that stays in the cache


def solve(a, b, cost, batch):
    """Solve a batch, in double precision and on the device of the cost, and demand a proof for each problem."""
    n, m = cost.shape[-2:]
    a, b = common_total(a.double(), b.double())
    a, b, cost = flattened(a, batch, 1), flattened(b, batch, 1), flattened(cost, batch, 2)  # (k, n), (k, m), (k, n, m)
    solved = None
    assigner = find_assigner(cost) if n == m and _uniform(a) and _uniform(b) else None
    if assigner:
        solved = solve_uniform(assigner, a[:, 0], cost)
    if solved is None:
        solved = solve_each(a.cpu(), b.cpu(), cost.cpu())
    return TransportResult(*(None if t is None else t.to(cost.device).reshape((*batch, *t.shape[1:])) for t in solved))


def _uniform(masses):
    return bool((masses == masses[..., :1]).all())


def common_total(a, b):
    """Scale both masses to the mean of their totals, which differ by roundings at most."""
    from_a, from_b = a.sum(-1, keepdim=True), b.sum(-1, keepdim=True)
    return a * ((1 + from_b / from_a) / 2), b * ((1 + from_a / from_b) / 2)


def balanced(f, g, a, b):
    """Fix the free constant so that <a, f> = <b, g>."""
    shift = ((b * g).sum(-1, keepdim=True) - (a * f).sum(-1, keepdim=True)) / (2 * a.sum(-1, keepdim=True))
    return f + shift, g - shift


# ---------------------------------------------------------------------------------------------- equal masses


def find_assigner(cost):
    """The module that assigns the points of problems (k, n, n), or None where the simplex is at least as good."""
    on_cpu = cost.device.type == "cpu"
    if cost.numel() < FEWEST_ENTRIES or (on_cpu and cost.shape[1] > MOST_ASSIGNED):
        return None
    low, high = cost.aminmax()
    if not max(-low, high) < HUGE:
        return None
    return _compiled_assigner() if on_cpu else _auction


@functools.cache
def _compiled_assigner():
    """The augmenting paths that Numba compiles, where it is installed: it takes half a second to import."""
    try:
        from gantut.transport import _augmenting_paths
    except ImportError:
        return None
    return _augmenting_paths


def solve_uniform(assigner, mass, cost):
    """Solve problems (k, n, n) with equal masses (k,) on their own device, or return None if one lacks its proof."""
    column, f, _ = assigner.assign(cost)
    f, g = _tight(cost, f)
    paid = cost.gather(2, column[..., None]).squeeze(2)  # (k, n)
    each = mass[:, None].expand_as(f)
    gap = mass * (paid - f - g.gather(1, column)).sum(1)  # each term is small: nothing cancels
    if not _proved(gap, mass * paid.abs().sum(1), f, g, each, each, cost).all():
        return None
    plan = cost.new_zeros(cost.shape).scatter_(2, column[..., None], each[..., None])
    f, g = balanced(f, g, each, each)
    return TransportResult(mass * paid.sum(1), plan, f, g, gap.clamp_min(0), error=torch.zeros_like(mass))


# ---------------------------------------------------------------------------------------------- any masses


def solve_each(a, b, cost):
    """Solve each problem of a batch on the CPU; those that lack the proof once more, with the costs capped."""
    found, proved = _attempt(a, b, cost, cost)
    for k in (~proved).nonzero().squeeze(1).tolist():
        one = slice(k, k + 1)
        again = _solve_capped(a[one], b[one], cost[one], found[4][one].item())
        for all_problems, this in zip(found, again, strict=True):
            all_problems[one] = this
    *found, error = found
    return TransportResult(*found, error=error)


def _attempt(a, b, cost, solved):
    """Solve for the costs `solved`, which are those of `cost` or lower ones, by the network simplex.

    Returns value, plan, f, g, gap and error, all for `cost`, and which of the problems are proved.
    """
    count, n, m = cost.shape
    answers = in_threads(lambda k: _simplex.solve(a[k].numpy(), b[k].numpy(), solved[k].numpy()), range(count))
    arcs = [torch.from_numpy(answer[0]) + k * n * m for k, answer in enumerate(answers)]
    arcs = torch.cat([*arcs, torch.zeros(0, dtype=torch.long)])  # numbered through the batch
    carried = torch.from_numpy(np.concatenate([answer[1] for answer in answers] or [np.empty(0)]))
    f = torch.from_numpy(np.array([answer[2] for answer in answers]).reshape(count, n))
    f, g = _tight(solved, f.masked_fill(a == 0, -torch.inf))  # points without mass have no say
    row, paid = arcs // m, cost.reshape(-1)[arcs]
    problem, column = row // n, row // n * m + arcs % m
    value, spent = (torch.bincount(problem, carried * price, count) for price in (paid, paid.abs()))
    over_a = torch.bincount(row, carried, count * n).reshape(count, n) - a
    over_b = torch.bincount(column, carried, count * m).reshape(count, m) - b
    slack = paid - f.reshape(-1)[row] - g.reshape(-1)[column]
    gap = torch.bincount(problem, carried * slack, count) + (over_a * f).sum(1) + (over_b * g).sum(1)
    error = torch.maximum(over_a.abs().sum(1), over_b.abs().sum(1)) / a.sum(1)
    proved = _proved(gap, spent, f, g, a, b, solved) & (error <= GAP)
    plan = cost.new_zeros(cost.shape)
    plan.view(-1)[arcs] = carried
    return [value, plan, *balanced(f, g, a, b), gap.clamp_min(0), error], proved


def _solve_capped(a, b, cost, gap):
    """Solve one problem whose costs differ by many orders of magnitude, with costs cut off at rising caps.

    If the optimal plan for capped costs avoids the capped arcs, then it is optimal for the costs themselves, and its
    potentials obey all their constraints: a lower cost is a tighter one. It keeps a prohibitive 1e32 from drowning
    the digits of the others.
    """
    cap, largest = FIRST_CAP * _smallest(cost).item(), cost.max().item()
    while cap < largest:
        found, proved = _attempt(a, b, cost, cost.clamp_max(cap))
        if proved.all():
            return found
        gap = min(gap, found[4].item())
        cap = NEXT_CAP * cost[cost >= cap].min().item()
    raise NotCertified(
        f"the answer could not be proved optimal in double precision: a duality gap of {gap:.3g} remains, and costs "
        f"range from {cost.min().item():.3g} to {largest:.3g}; rescale them, or lower those that no plan should pay",
        gap=gap,
    )


# ---------------------------------------------------------------------------------------------- the proof


def _tight(cost, f):
    """Potentials each of which is the other's c-transform, from f: all constraints hold, those of arcs in use tightly.

    A few problems or rows at a time, so that costs stay in the cache of a CPU.
    """
    count, n, m = cost.shape
    size = TILE if cost.device.type == "cpu" else cost.numel()
    problems, rows = max(1, size // (n * m)), max(1, size // m)
    tiles = [(slice(k, k + problems), slice(i, i + rows)) for k in range(0, count, problems) for i in range(0, n, rows)]
    g, tight_f = cost.new_full((count, m), torch.inf), torch.empty_like(f)
    for some, part in tiles:
        g[some] = torch.minimum(g[some], (cost[some, part] - f[some, part, None]).amin(1))
    for some, part in tiles:
        tight_f[some, part] = (cost[some, part] - g[some, None]).amin(2)
    return tight_f, g


def _proved(gap, spent, f, g, a, b, cost):
    """Which problems (k,) are proved: the gap, and what roundings of f and g could hide, are small enough."""
    doubt = gap.clamp_min(0) + ROUNDING * ((a * f.abs()).sum(1) + (b * g.abs()).sum(1))
    proved = doubt <= GAP * spent
    if not proved.all():
        proved |= doubt <= GAP * (spent + a.sum(1) * _smallest(cost))
    return proved


def _smallest(cost):
    """The smallest size of a cost that is not zero; (k,)."""
    size = cost.abs()
    smallest = torch.where(size > 0, size, torch.inf).amin((1, 2))
    return torch.where(smallest < torch.inf, smallest, 0)
