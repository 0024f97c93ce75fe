r"""Two-player games, and what happens when both players follow their own gradients.

Player x lowers f, player y lowers g; in a zero-sum game :math:`g = -f`. Together their gradients form the field

.. math:: v(x, y) = \big(\nabla_x f(x, y),\ \nabla_y g(x, y)\big),

which vanishes at every equilibrium inside the players' sets. The methods differ in where they look at it. With
:math:`z = (x, y)` and the rate :math:`\eta` a round reads

==================  ==========================================================================================
`simultaneous`        :math:`z - \eta\, v(z)`
`alternating`         x moves first, and y sees where x went (or the other way round)
`extragradient`       :math:`z - \eta\, v\big(z - \eta\, v(z)\big)`
`optimistic`          :math:`z - \eta\,\big(2 v(z) - v_{\text{before}}\big)`, with the field of the round before
`consensus`           :math:`z - \eta\,\big(v(z) + \gamma\nabla\tfrac12\|v(z)\|^2\big)`
==================  ==========================================================================================

:func:`play` follows them; :func:`update_matrix` and :func:`eigenvalues` say how a round acts near a point, and
:func:`best_response_gaps` says how far a pair is from an equilibrium.

>>> path = play(bilinear(), (1.0, 1.0), method="simultaneous", rate=0.1, steps=100)
>>> path.radius[-1] / path.radius[0]
tensor(1.6446, dtype=torch.float64)
>>> spectral_radius(bilinear(), (0.0, 0.0), method="simultaneous", rate=0.1) ** 100
tensor(1.6446, dtype=torch.float64)
"""

from gantut.games._dynamics import Trajectory, eigenvalues, play, spectral_radius, update_matrix
from gantut.games._game import Game, Gaps, best_response_gaps, bilinear, quadratic
from gantut.games._methods import METHODS, alternating, consensus, extragradient, optimistic, simultaneous

__all__ = [
    "METHODS",
    "Game",
    "Gaps",
    "Trajectory",
    "alternating",
    "best_response_gaps",
    "bilinear",
    "consensus",
    "eigenvalues",
    "extragradient",
    "optimistic",
    "play",
    "quadratic",
    "simultaneous",
    "spectral_radius",
    "update_matrix",
]
