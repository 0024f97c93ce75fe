"""A discriminator that wins, and the gradient that dies of it."""

import math
from pathlib import Path

from gantut import _inputs
from gantut.lessons.labs import Lab, Still, sampled


def winning_discriminator(theta: float = 2.0) -> Lab:
    r"""Let D get better, and see what becomes of the gradients of :math:`\log(1-D)` and :math:`-\log D`.

    Real samples are from :math:`N(0,s)`, generated ones from :math:`N(\theta,s)`, and
    :math:`D(x)=\sigma\big(-k(x-\tfrac\theta2)\big)`. A reader trains k by gradient steps on V, or takes
    :math:`k=c\,\theta/s^2`, which for c = 1 is the optimal discriminator. The gradients in :math:`\theta` are
    :math:`k\,\mathbb E\,D` and :math:`k\,\mathbb E(1-D)`, over generated samples.

    Parameters
    ----------
    theta : float
        Where the generated samples begin, in [0, 3].

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If `theta` is not in [0, 3].

    References
    ----------
    Arjovsky and Bottou (2017), theorem 2.4; Weng (2019), figure 5; lesson 5.

    Examples
    --------
    >>> winning_discriminator(1)
    <a lab in the page: A discriminator that wins>
    """
    theta = _inputs.finite("theta", theta)
    if not 0 <= theta <= 3:
        raise ValueError(f"theta must be in [0, 3], not {theta!r}")
    still = Still(
        "As a discriminator gets steeper, the gradient of log(1 - D) falls to 0, and that of -log D rises.",
        (0, 20),
        (-0.5, 20),
    )
    still.line(sampled(lambda k: k / (1 + math.exp(k / 2)), 0, 20), "generated", dash="7 3")
    still.line(sampled(lambda k: k / (1 + math.exp(-k / 2)), 0, 20), "third", dash="2 3")
    return Lab(
        Path(__file__).with_name("winning_discriminator.js"),
        "A discriminator that wins",
        "Let D get better at telling real from generated, and watch what it leaves the generator to learn from. "
        "Then move the two closer together, and farther apart.",
        still.svg(),
        {"theta": theta},
    )
