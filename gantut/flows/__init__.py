r"""Flows from noise to data along straight lines: a generator that is trained without a critic.

A velocity field moves points, and the distribution with them. The continuity equation says what happens to its density:

.. math:: \frac{dx_t}{dt} = v(x_t, t), \qquad \partial_t p_t + \nabla\!\cdot(p_t v) = 0.

Draw a pair of noise :math:`x_0` and data :math:`x_1`, and walk straight from one to the other:
:math:`x_t = (1-t)x_0 + t x_1` has the velocity :math:`x_1 - x_0`. Of all fields, the mean velocity at each place,
:math:`v(x, t) = \mathbb E[x_1 - x_0 \mid x_t = x]`, transports the distributions of :math:`x_t` into each other, and it
is what least squares finds (:func:`flow_matching_loss`). How the pairs are drawn is free: independently, or by a plan
between batches (:func:`gantut.transport.minibatch_coupling`), after which the paths of the flow are straighter
(:func:`curvature`), and fewer steps follow them (:func:`flow`).
"""

from gantut.flows._flows import Velocity, curvature, flow, flow_matching_loss

__all__ = ["Velocity", "curvature", "flow", "flow_matching_loss"]
