"""Many assignment problems at once in plain tensor operations, which run on CUDA as on the CPU; exact to rounding.

Three stages, each of which leaves less to the next, dearer one:

1. Sinkhorn iterations in single precision, down to a small regularisation, give prices of columns.
2. An auction (Bertsekas) starts from these prices: every free row bids for its best column as much as it gains over
   the second best. No epsilon is added, so that assigned arcs stay tight, and a round costs as little as rows are free.
3. The rows that are still free, few by now, are assigned along shortest augmenting paths (Hungarian method), one in
   each problem at a time; the path lengths come from Bellman-Ford sweeps, and update both potentials.
"""

import math

import numpy as np
import torch

# Regularisation of the Sinkhorn iterations, in units of how far costs spread above the least of their row.
LADDER = (1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015, 0.007, 0.0035, 0.0017, 0.0008, 0.0004)
ITERATIONS = 20
# Rounds of the auction; the last rows fight for the last columns, and paths settle that sooner.
ROUNDS = 60
# Entries of all cost matrices that are worked on together.
MOST_ENTRIES = {"cpu": 1 << 22, "cuda": 1 << 27}


def assign(cost):
    """Solve problems (k, n, n) in double precision; return columns of the rows, f and g, each (k, n).

    Up to rounding the potentials are feasible and tight on assigned arcs.
    """
    count, n, _ = cost.shape
    together = max(1, MOST_ENTRIES.get(cost.device.type, MOST_ENTRIES["cuda"]) // (n * n))
    parts = [_assign(cost[k : k + together]) for k in range(0, count, together)]
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))


def _assign(cost):
    price = -_sinkhorn_potential(cost)
    column, row, price = _auction(cost, price)
    g = -price
    f = (cost - g[:, None]).amin(2)
    return _shortest_paths(cost, f, g, column, row)


def _sinkhorn_potential(cost):
    """The columns' potentials of entropic transport, roughly."""
    low, high = cost.amin((1, 2), keepdim=True), cost.amax((1, 2), keepdim=True)
    extent = torch.where(high > low, high - low, 1)
    relative = ((cost - low) / extent).float()  # in [0, 1]
    f, g = relative.amin(2), torch.zeros_like(relative[:, 0])
    spread = (relative - f[..., None]).mean((1, 2)).clamp_min(1e-12)
    for step in LADDER:
        reg = (spread * step)[:, None]
        unit = 1 / (reg * math.log(2))
        kernel = torch.exp2((f * unit)[:, :, None] + (g * unit)[:, None] - relative * unit[..., None])
        q = torch.ones_like(g)
        for _ in range(ITERATIONS):
            p = 1 / (kernel @ q[..., None]).squeeze(2).clamp_min(1e-30)
            q = 1 / (p[:, None] @ kernel).squeeze(1).clamp_min(1e-30)
        f, g = f + reg * p.log(), g + reg * q.log()
    return g.nan_to_num(0.0, 0.0, 0.0).double() * extent[..., 0]


def _auction(cost, price):
    """Return each row's column and each column's row, -1 where free, and the prices that support them."""
    n = cost.shape[1]
    column = torch.full_like(price, -1, dtype=torch.long)
    row, price = column.clone(), price.clone()
    if n == 1:
        return column, row, price
    prices, rows = price.view(-1), row.view(-1)
    for _ in range(ROUNDS):
        k, i = (column < 0).nonzero(as_tuple=True)  # all free rows of all problems
        if not len(k):
            break
        worth, wanted = (cost[k, i] + price[k]).topk(2, largest=False)
        target = k * n + wanted[:, 0]
        bid = prices[target] + (worth[:, 1] - worth[:, 0])
        best = torch.full_like(prices, -math.inf).scatter_reduce_(0, target, bid, "amax")
        wins = bid == best[target]
        winner = torch.full_like(rows, -1).scatter_(0, target[wins], i[wins])  # of equal bids any
        sold = (winner >= 0).nonzero().squeeze(1)
        problem, loser = sold // n, rows[sold]
        owned = loser >= 0
        column[problem[owned], loser[owned]] = -1
        rows[sold] = winner[sold]
        column[problem, winner[sold]] = sold % n
        prices[sold] = best[sold]
    return column, row, price


def _shortest_paths(cost, f, g, column, row):
    """Assign the free rows, one a problem at a time, and return columns and potentials."""
    while True:
        busy = (column < 0).any(1).nonzero().squeeze(1)
        if not len(busy):
            return column, f, g
        its_f, its_g, its_column, its_row = f[busy], g[busy], column[busy], row[busy]
        # roundings below 0 would make cycles that get shorter for ever
        slack = (cost[busy] - its_f[:, :, None] - its_g[:, None]).clamp_min_(0)
        to_row, to_column, before = _distances(slack, its_column, its_row)
        length, end = torch.where(its_row < 0, to_column, math.inf).min(1)
        f[busy] = its_f + (length[:, None] - to_row).clamp_min(0)
        g[busy] = its_g - (length[:, None] - to_column).clamp_min(0)
        column[busy], row[busy] = (
            torch.from_numpy(t).to(cost.device)
            for t in _augment(*(t.cpu().numpy() for t in (its_column, its_row, before, end)))
        )


def _distances(slack, column, row):
    """Bellman-Ford from all free rows: distances of rows and columns, as far as the nearest free column, and the row
    before each column on its path."""
    to_row = torch.where(column < 0, 0.0, math.inf).to(slack.dtype)
    to_column = torch.full_like(to_row, math.inf)
    before = torch.zeros_like(column)
    for _ in range(2 * slack.shape[1]):
        offer, via = (slack + to_row[:, :, None]).min(1)
        nearest = torch.where(row < 0, torch.minimum(offer, to_column), math.inf).amin(1)
        better = (offer < to_column) & (offer <= nearest[:, None])
        if not better.any():
            break
        to_column, before = torch.where(better, offer, to_column), torch.where(better, via, before)
        to_row = torch.where(column < 0, to_row, to_column.gather(1, column.clamp_min(0)))
    return to_row, to_column, before


def _augment(column, row, before, end):
    """Swap along each path, from its end back to the free row; on the CPU, where following a path is cheap."""
    column, row = column.copy(), row.copy()
    problem, j = np.arange(len(end)), end
    while len(problem):
        i = before[problem, j]
        following = column[problem, i]
        column[problem, i], row[problem, j] = j, i
        on = following >= 0
        problem, j = problem[on], following[on]
    return column, row
