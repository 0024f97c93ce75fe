r"""Optimal transport: what it costs to turn one distribution into another, and the proof that nothing costs less.

A plan says how much mass goes from where to where. The cheapest one solves the primal problem; prices for loading and
unloading that undercut every route solve the dual one, and both have the same value (:func:`emd`):

.. math::

    \min_{P \ge 0} \Big\{ \sum_{ij} C_{ij} P_{ij} : P\mathbf 1 = a,\ P^\top\mathbf 1 = b \Big\}
    \;=\; \max_{f, g} \Big\{ \langle a, f\rangle + \langle b, g\rangle : f_i + g_j \le C_{ij} \Big\}.

For a given f the best g is its c-transform (:func:`c_transform`), which extends to all of space and is 1-Lipschitz for
the distance as the cost (:class:`KantorovichPotential`):

.. math:: g_j = f^c(y_j) = \min_i \|x_i - y_j\|^p - f_i.

On the line no optimisation is needed: what the piles to the left hold too much must pass (:func:`pile_moves`), and the
quantiles of both distributions belong together (:func:`wasserstein_1d`):

.. math:: W_p^p = \int_0^1 \big|F_u^{-1}(t) - F_v^{-1}(t)\big|^p\,dt.

All answers are in mass x cost, for masses that need not add up to 1, and all potentials carry the sign plus.
"""

from gantut.transport._exact import emd, emd_points
from gantut.transport._line import wasserstein_1d
from gantut.transport._linear_program import linear_program
from gantut.transport._piles import Move, PileMoves, pile_moves
from gantut.transport._potentials import KantorovichPotential, c_transform
from gantut.transport._results import NotCertified, TransportResult
from gantut.transport.sinkhorn import ConvergenceWarning, sinkhorn, sinkhorn_divergence, sinkhorn_points

__all__ = [
    "ConvergenceWarning",
    "KantorovichPotential",
    "Move",
    "NotCertified",
    "TransportResult",
    "PileMoves",
    "c_transform",
    "emd",
    "emd_points",
    "linear_program",
    "pile_moves",
    "sinkhorn",
    "sinkhorn_divergence",
    "sinkhorn_points",
    "wasserstein_1d",
]
