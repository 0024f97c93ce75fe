"""Two parallel lines, one of which a reader moves."""

import math
from pathlib import Path

from gantut import _inputs
from gantut.lessons.labs import Lab, Still, sampled


def parallel_lines(theta: float = 0.5) -> Lab:
    r"""Move the line Q, and see KL, JS and W1 to the line P at 0, and their derivatives in :math:`\theta`.

    Without noise KL is infinite and JS is :math:`\log 2` unless :math:`\theta=0`, and :math:`W_1=|\theta|`. A reader
    may blur both lines by Gaussian noise across them, and then all three have gradients.

    Parameters
    ----------
    theta : float
        Where Q begins, in [-1, 1].

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If `theta` is not in [-1, 1].

    References
    ----------
    Arjovsky et al. (2017), example 1; lesson 10.
    """
    theta = _inputs.finite("theta", theta)
    if abs(theta) > 1:
        raise ValueError(f"theta must be in [-1, 1], not {theta!r}")
    still = Still(
        "Over theta: W1 is a V with its tip at 0, JS is log 2 but for a hole at 0.", (-1.1, 1.1), (-0.05, 1.1)
    )
    still.line(sampled(abs, -1, 1, 2), "third")
    for side in (-1, 1):
        still.line([(0.015 * side, math.log(2)), (side, math.log(2))], "generated", dash="7 3")
    still.dots([(0, 0)], "ink")
    return Lab(
        Path(__file__).with_name("parallel_lines.js"),
        "Parallel lines",
        "P is uniform on an upright line at 0, Q on one at θ. Move Q, and read off how far apart the two "
        "distributions are in "
        "KL, JS and W₁, and which of these tells Q where to go.",
        still.svg(),
        {"theta": theta},
    )
