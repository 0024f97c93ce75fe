"""The game of the two players x and y, and five ways to play it."""

from pathlib import Path

from gantut.games import bilinear, play
from gantut.lessons.labs import TWO_PLAYERS, Lab, Still


def xy_game() -> Lab:
    r"""Play :math:`f(x, y) = xy` with one of the methods of :mod:`gantut.games`.

    The lab shows the path of the players, their distance from the equilibrium, and the eigenvalues of an iteration,
    which decide whether it is reached.

    Returns
    -------
    Lab

    References
    ----------
    Lesson 4.
    """
    still = Still("Paths in the plane of x and y: one spirals out, one spirals in.", (-3.2, 3.2), (-2, 2), square=True)
    for method, colour in (("simultaneous", "generated"), ("extragradient", "real")):
        path = play(bilinear(), (1.0, 1.0), method=method, lr=0.1, steps=60)
        still.line(list(zip(path.x.squeeze(-1).tolist(), path.y.squeeze(-1).tolist(), strict=True)), colour)
    still.dots([(0, 0), (1, 1)], "ink")
    return Lab(
        Path(__file__).with_name("xy_game.js"),
        "The game of x and y",
        "Player x lowers xy, player y lowers −xy. Choose how they play and how fast, and see where they go; "
        "the eigenvalues of one iteration say so beforehand.",
        still.svg(),
        parts=(TWO_PLAYERS,),
    )
