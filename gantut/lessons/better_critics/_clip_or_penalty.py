"""Two critics on a line, one clipped and one penalised, beside the best one."""

from pathlib import Path

from gantut import _inputs
from gantut.lessons.labs import GAN, Lab, Still


def clip_or_penalty(seed: int = 1) -> Lab:
    r"""Train two critics on the same data on a line: one clips its weights, one pays for slopes above 1.

    Both are perceptrons 1-24-24-1 with leaky ReLU, start from the same weights and are trained by Adam, on all 64
    samples of p and of q at every step; the penalty is taken at random places between random pairs. A reader may have
    it punish slopes below 1, too; with :math:`\lambda=10` such a critic tends to stay on one slope. The lab shows both,
    divided by their steepest slopes K, beside a best critic, and :math:`(\mathbb E_pf-\mathbb E_qf)/K`, which is at
    most :math:`W_1(p,q)`.

    Parameters
    ----------
    seed : int
        Of the weights at the start, and of the pairs; at least 0.

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If `seed` is not a whole number of at least 0.

    References
    ----------
    Arjovsky et al. (2017), Algorithm 1; Gulrajani et al. (2017), Algorithm 1; lesson 13.

    Examples
    --------
    >>> clip_or_penalty()
    <a lab in the page: Clip or penalty?>
    """
    seed = _inputs.count("seed", seed, least=0)
    still = Still(
        "A best critic falls with slope 1 from p to q, is level, and rises again to p; another one only roughly.",
        (-3, 3),
        (-0.6, 2),
    )
    still.line([(-3, 1.6), (-2, 1.6), (-0.4, 0), (1, 0), (2.6, 1.6), (3, 1.6)], "ink", dash="7 3")
    still.line([(-3, 1.5), (-2, 1.2), (0, 0.4), (3, 1.1)], "third")
    still.dots([(-2.2, -0.3), (-2, -0.3), (-1.8, -0.3), (1.8, -0.3), (2, -0.3), (2.2, -0.3)], "real")
    still.dots([(-0.4, -0.3), (-0.2, -0.3), (0, -0.3), (1, -0.3), (1.2, -0.3), (1.4, -0.3)], "generated")
    return Lab(
        Path(__file__).with_name("clip_or_penalty.js"),
        "Clip or penalty?",
        "Two small critics learn to tell p from q, one with clipped weights, one with a penalty on its slopes. Train "
        "them, and see which comes near the best critic. Then change the rules, and train again.",
        still.svg(),
        {"seed": seed},
        (GAN,),
    )
