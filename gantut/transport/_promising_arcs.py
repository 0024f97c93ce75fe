"""The network simplex of POT on the few arcs that Sinkhorn potentials promise, for large problems.

A plan uses n + m - 1 of the n m arcs at most. In many dimensions, where the costs of a row crowd above the least of
them, it pays to guess which: a few Sinkhorn iterations in single precision give every arc a share of its row's mass,
the simplex solves the problem on the arcs with the largest shares, and the exact potentials that it returns tell which
arcs were missing, namely those whose cost they exceed. The guess can cost time, never exactness: the loop ends when no
arc is missing.
"""

import math

import numpy as np
import torch

MOST_PIVOTS = 10**9
# From how many arcs on the guess pays, and where the cheapest fiftieth of a row must end at least, as a share of its
# way from the least cost to the mean. Measured on clouds and cubes of 1000 to 4000 points in 2 to 64 dimensions.
MANY_ARCS = 1_000_000
CROWDED = 0.25
ARCS_PER_ROW = 20
MOST_ROUNDS = 30
# Regularisation of the Sinkhorn iterations, in units of how far costs spread above the least of their row.
LADDER = (1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015, 0.007)
ITERATIONS = 6
# An arc is missing if the potentials exceed its cost by more than this share of the largest cost.
ROUNDING = 1e-13
TILE = 1 << 18


def are_worth_it(cost):
    """Whether the costs are so many, and so crowded in each row, that a guess is better than to look at all."""
    if cost.size < MANY_ARCS or min(cost.shape) <= ARCS_PER_ROW:
        return False
    few = max(ARCS_PER_ROW, cost.shape[1] // 50)
    rows = np.partition(cost[:: max(1, len(cost) // 64)], (0, few), axis=1)
    least = rows[:, :1]
    return bool((rows[:, few] - least[:, 0]).mean() > CROWDED * (rows - least).mean())


def solve(a, b, cost):
    """Return arcs (numbers i m + j) and the amounts on them, potentials f and g; None where the guess leads nowhere.

    Masses are positive, and costs not negative.
    """
    from ot.lp.emd_wrap import emd_c_sparse  # POT takes seconds to import

    m = b.size
    f, g, arcs = _guess(a, b, cost)
    guess = f, g
    if not np.isfinite(np.concatenate(guess)).all():
        return None
    arcs = np.unique(np.concatenate([arcs, _a_plan(a, b, f, g)]))
    known = np.zeros(cost.size, dtype=bool)
    known[arcs] = True
    rounding = ROUNDING * max(cost.max(), -cost.min())
    for attempt in range(MOST_ROUNDS):
        # the first potentials found hang together by arcs of the arbitrary plan: they are a worse start than the guess
        start = guess if attempt < 2 else (f, g)
        i, j = (end.astype(np.uint64) for end in np.divmod(arcs, m))
        rows, columns, amounts, _, f, g, code = emd_c_sparse(a, b, i, j, cost.reshape(-1)[arcs], MOST_PIVOTS, *start)
        if code != 1:  # no optimum
            return None
        missing = _missing(cost, f, g, rounding)
        missing = missing[~known[missing]]
        if not missing.size:
            return rows.astype(np.int64) * m + columns.astype(np.int64), amounts, f, g
        known[missing] = True
        arcs = np.concatenate([arcs, missing])
    return None


def _guess(a, b, cost):
    """Return Sinkhorn potentials and the arcs, about `ARCS_PER_ROW` of a row, with the largest shares of its mass."""
    n, m = cost.shape
    a, b = (torch.from_numpy(mass).float().clamp_min(1e-30) for mass in (a, b))
    cost = torch.from_numpy(cost).float()
    kernel = torch.empty_like(cost)
    rows = max(1, TILE // m)
    sample = slice(None, None, max(1, n // 64))
    some = cost[sample]
    spread = (some - some.amin(1, keepdim=True)).mean().clamp_min(1e-30).item()
    f, g, p = cost.amin(1), cost.new_zeros(m), cost.new_empty(n)
    for step in LADDER:
        reg = spread * step
        unit = 1 / (reg * math.log(2))  # exp2 is several times as fast as exp where results underflow
        for k in range(0, n, rows):
            tile = torch.sub(g * unit, cost[k : k + rows], alpha=unit, out=kernel[k : k + rows])
            tile.add_(unit * f[k : k + rows, None]).exp2_()
        q = cost.new_ones(m)
        for _ in range(ITERATIONS):
            sums = cost.new_zeros(m)
            for k in range(0, n, rows):  # both halves of an iteration while the tile is in the cache
                tile = kernel[k : k + rows]
                p[k : k + rows] = a[k : k + rows] / (tile @ q).clamp_min(1e-30)
                sums += p[k : k + rows] @ tile
            q = b / sums.clamp_min(1e-30)
        f, g = f + reg * p.log(), g + reg * q.log()
        shares = kernel[sample] * q * (p / a)[sample, None]  # (64, m): each row adds up to 1, nearly
        shares = shares.reshape(-1)[:: max(1, shares.numel() // 50_000)]
        least = shares.kthvalue(max(1, round(shares.numel() * (1 - min(1.0, ARCS_PER_ROW / m))))).values
        if shares[shares >= least].sum() > 0.99 * shares.sum():  # nearly all mass is on that many arcs
            break
    arcs = [
        k * m + (kernel[k : k + rows] * q).mul_((p / a)[k : k + rows, None]).ge(least).reshape(-1).nonzero().squeeze(1)
        for k in range(0, n, rows)
    ]
    return f.double().numpy(), g.double().numpy(), torch.cat(arcs).numpy()


def _a_plan(a, b, f, g):
    """Arcs of some plan, so that there is one: both sides sorted, and filled from one corner to the other."""
    i, j = np.argsort(f), np.argsort(-g)
    filled_rows, filled_columns = a[i].cumsum(), b[j].cumsum()
    ends = np.sort(np.concatenate([filled_rows[:-1], filled_columns[:-1]]))  # n + m - 2 levels at which an arc ends
    rows = np.append(0, np.searchsorted(filled_rows[:-1], ends, side="right"))
    columns = np.append(0, np.searchsorted(filled_columns[:-1], ends, side="right"))
    return i[rows] * b.size + j[columns]


def _missing(cost, f, g, rounding):
    """Arcs whose cost the potentials exceed: all, where they are few; else the worst of each row and column, and some.

    The potentials of parts that hang together by a single bad arc are far off at first, and nearly all arcs between
    such parts seem to be missing.
    """
    n, m = cost.shape
    rows = max(1, TILE // m)
    random = np.random.default_rng(0)
    found, lowest, lowest_row = [], np.zeros(m), np.zeros(m, dtype=np.int64)
    columns = np.arange(m)
    for k in range(0, n, rows):
        slack = cost[k : k + rows] - f[k : k + rows, None]
        slack -= g
        below = np.flatnonzero(slack < -rounding)
        if below.size > 10 * len(slack):
            row, column = slack.argmin(0), slack.argmin(1)
            least = slack[row, columns]
            better = least < lowest
            lowest[better], lowest_row[better] = least[better], row[better] + k
            worst = np.arange(len(slack)) * m + column
            some = random.choice(below, 6 * len(slack))
            below = np.concatenate([worst[slack.reshape(-1)[worst] < -rounding], some])
        found.append(below + k * m)
    beaten = np.flatnonzero(lowest < -rounding)
    return np.unique(np.concatenate([*found, lowest_row[beaten] * m + beaten]))
