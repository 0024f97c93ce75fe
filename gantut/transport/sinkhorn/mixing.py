r"""Anderson's acceleration: the next iterate is a mixture of the last ones, the one whose changes nearly cancel.

For a map :math:`z \mapsto g(z)`, here a sweep, with changes :math:`r = g(z) - z`, take the combination of the last
iterates for which the changes, if they combined likewise, would be smallest. Where the map is linear this is GMRES, and
it finds the slow modes of an iteration while they are there; nobody needs to know how slow. Over-relaxation turns fast
modes into slower ones, in exchange for the slow ones: half of it, and mixing, does better than either alone.
"""

import numpy as np
import torch

DEPTH = 2  # iterates before the present one that are mixed in
RIDGE = {torch.float32: 1e-6, torch.float64: 1e-12}  # by how much squares of changes grow, which may be nearly parallel
FLOOR = 1e-200 * np.eye(DEPTH)  # added to them, which may be zero


class Mixing:
    """What is remembered of the last sweeps over scalings (B, n), whose entries weigh as much as their masses do."""

    def __init__(self, masses):
        self.roots, self.done, self.ridge = masses.sqrt(), 0, 1 + RIDGE[masses.dtype] * np.eye(DEPTH)
        # from each sweep to the next, how much further it led, and how much more it changed; last, the present change
        self.further, self.changes = masses.new_zeros(2, len(masses), DEPTH + 1, masses.shape[1])
        self.start = self.end = torch.zeros_like(masses)

    def __call__(self, end):
        """Where to go on after sweeps from the last such place, at first zero, to `end`, (B, n)."""
        at, change = self.done % DEPTH, (end - self.start).mul_(self.roots)
        if self.done > 0:
            torch.sub(end, self.end, out=self.further[:, at])
            torch.sub(change, self.changes[:, DEPTH], out=self.changes[:, at])
        self.changes[:, DEPTH] = change
        self.end, self.done = end.clone(), self.done + 1
        products = torch.bmm(self.changes, self.changes.mT).double().numpy()
        parts = np.linalg.solve(products[:, :DEPTH, :DEPTH] * self.ridge + FLOOR, products[:, :DEPTH, DEPTH:])
        parts = torch.from_numpy(parts).to(end.dtype)
        self.start = torch.baddbmm(end[:, None], parts.mT, self.further[:, :DEPTH], alpha=-1)[:, 0]
        return self.start
