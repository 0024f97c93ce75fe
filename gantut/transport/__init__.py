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

Which function for which problem:

========================================  ==============================================================================
piles side by side, every move shown      :func:`pile_moves`
samples or weights on the line            :func:`wasserstein_1d`
a matrix of costs, the exact optimum      :func:`emd`
points in any dimension, exact            :func:`emd_points`; potentials in all of space: :class:`KantorovichPotential`
more points than a matrix can hold        :func:`sinkhorn_points`, regularised; from a matrix: :func:`sinkhorn`
a loss for clouds, zero where they agree  :func:`sinkhorn_divergence`; by sorting: :func:`sliced_wasserstein`
partners for the points of two batches    :func:`minibatch_coupling`
========================================  ==============================================================================

All values are in mass x cost, so for the cost :math:`\|x-y\|^p` they are the power :math:`W_p^p`; masses need not add
up to 1, and both potentials carry the sign plus. Exact answers come with their proof, the duality gap, in a
:class:`TransportResult`, or are refused with :class:`NotCertified`. POT, SciPy's solvers, Numba and Triton are imported
when they are first needed. Solvers look at numbers, and refuse to stand inside `torch.func`: leading dimensions make a
batch, and ``backward()`` makes gradients.
"""

from gantut.transport._exact import emd, emd_points
from gantut.transport._line import wasserstein_1d
from gantut.transport._piles import Move, PileMoves, pile_moves
from gantut.transport._potentials import KantorovichPotential, c_transform
from gantut.transport._results import NotCertified, TransportResult
from gantut.transport._sliced import minibatch_coupling, sliced_wasserstein
from gantut.transport.sinkhorn import ConvergenceWarning, sinkhorn, sinkhorn_divergence, sinkhorn_points

__all__ = [
    "ConvergenceWarning", "KantorovichPotential", "Move", "NotCertified", "PileMoves", "TransportResult", "c_transform",
    "emd", "emd_points", "minibatch_coupling", "pile_moves", "sinkhorn", "sinkhorn_divergence", "sinkhorn_points",
    "sliced_wasserstein", "wasserstein_1d",
]  # fmt: skip
