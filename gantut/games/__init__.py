r"""Two-player games, and what happens when both players follow their own gradients.

Player x minimises f, player y minimises g; in a zero-sum game :math:`g = -f`. Together their gradients form the field

.. math:: v(x, y) = \big(\nabla_x f(x, y),\ \nabla_y g(x, y)\big),

which vanishes at every equilibrium in the interior of the players' sets. With :math:`z = (x, y)` and the learning rate
:math:`\eta`, one step of each method is

======================  ======================================================================================
``"simultaneous"``      :math:`z - \eta\, v(z)`
``"alternating"``       x moves first, and y sees where x went (or the other way round, with ``first="y"``)
``"extragradient"``     :math:`z - \eta\, v\big(z - \eta\, v(z)\big)`
``"optimistic"``        :math:`z - \eta\,\big(2 v(z) - v_{\text{before}}\big)`, with the field of the previous step
``"consensus"``         :math:`z - \eta\,\big(v(z) + \gamma\nabla\tfrac12\|v(z)\|^2\big)`, with the weight ``gamma``
======================  ======================================================================================

:func:`play` follows them; :func:`update_matrix` and :func:`eigenvalues` describe a step near a point, and
:func:`best_response_gaps` says how far a pair of strategies is from an equilibrium.

>>> path = play(bilinear(), (1.0, 1.0), method="simultaneous", lr=0.1, steps=100)
>>> path.radius[-1] / path.radius[0]
tensor(1.6446, dtype=torch.float64)
>>> spectral_radius(bilinear(), (0.0, 0.0), method="simultaneous", lr=0.1) ** 100
tensor(1.6446, dtype=torch.float64)
"""

from gantut.games._dynamics import eigenvalues, play, spectral_radius, update_matrix
from gantut.games._game import Game, best_response_gaps, bilinear, quadratic

__all__ = [
    "Game", "best_response_gaps", "bilinear", "eigenvalues", "play", "quadratic", "spectral_radius", "update_matrix",
]  # fmt: skip
