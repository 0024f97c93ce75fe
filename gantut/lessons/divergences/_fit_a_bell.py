"""One bell for data with two, which a reader fits."""

import math
from pathlib import Path

from gantut import _inputs
from gantut.lessons.labs import Lab, Still, sampled


def fit_a_bell(middle: float = 0.0) -> Lab:
    r"""Fit one Gaussian q to data p with two peaks, under forward KL, reverse KL or JS.

    The data are :math:`0.7\,N(-\tfrac g2, 0.7)+0.3\,N(\tfrac g2, 0.7)`, where g is 5 at the start. The reader moves
    :math:`q=N(m,s)`, or lets it descend one of the three by gradient steps in m and log s, and sees where it ends:
    forward KL covers both peaks, reverse KL chooses one, JS may do either.

    Parameters
    ----------
    middle : float
        Where q begins, in [-5, 5].

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If `middle` is not in [-5, 5].

    References
    ----------
    Minka (2005); Huszár (2015); lesson 1.
    """
    middle = _inputs.finite("middle", middle)
    if abs(middle) > 5:
        raise ValueError(f"middle must be in [-5, 5], not {middle!r}")

    def bell(x, mean, std):
        return math.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))

    still = Still("Data with two peaks, and one bell that lies over both and over the gap.", (-7, 7), (-0.02, 0.5))
    still.line(sampled(lambda x: 0.7 * bell(x, -2.5, 0.7) + 0.3 * bell(x, 2.5, 0.7), -7, 7, 140), "real")
    still.line(sampled(lambda x: bell(x, -1, 2.4), -7, 7), "ink", dash="7 3")
    return Lab(
        Path(__file__).with_name("fit_a_bell.js"),
        "Fit one bell to two",
        "The data p have two peaks, the model q has one. Choose which divergence q is to make small, let it descend, "
        "and see what it gives up.",
        still.svg(),
        {"middle": middle},
    )
