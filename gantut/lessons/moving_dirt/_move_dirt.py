"""Piles in a row that a reader carries, a shovelful at a time."""

from pathlib import Path

from gantut.lessons.labs import Lab, Still
from gantut.transport import pile_moves

MOST_PILES, MOST_SHOVELFULS = 8, 20


def move_dirt(P=(3, 2, 1, 4), Q=(1, 2, 4, 3)) -> Lab:
    r"""Turn the piles P into the piles Q by hand, and see what it costs.

    What must cross the gap behind pile i is :math:`\delta_i`, the surplus of everything left of it; so no way costs
    less than :math:`\sum_i|\delta_i|`, and the lab says whether a reader's way meets that bound.

    Parameters
    ----------
    P, Q : sequences of whole numbers, of the same length and total
        The piles that are there, and those that are wanted, in shovelfuls: 2 to 8 piles of at most 20.

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If the piles are not such, or :func:`gantut.transport.pile_moves` would refuse them.

    References
    ----------
    Weng (2017), figure 7; lesson 9.

    Examples
    --------
    >>> move_dirt([3, 2, 1, 4], [1, 2, 4, 3])
    <a lab in the page: Move dirt>
    """
    P, Q = _shovelfuls("P", P), _shovelfuls("Q", Q)
    pile_moves(P, Q)  # whose demands are those of the lab: equal totals, none negative
    there, wanted = ", ".join(map(str, P)), ", ".join(map(str, Q))
    still = Still(
        f"Piles of {there} shovelfuls in a row; dashed outlines show the wanted {wanted}.",
        (0, len(P)), (0, max(*P, *Q) + 0.5),
    )  # fmt: skip
    for i, (pile, outline) in enumerate(zip(P, Q, strict=True)):
        still.bar(i + 0.2, 0.6, pile, "generated").bar(i + 0.17, 0.66, outline, outline=True)
    return Lab(
        Path(__file__).with_name("move_dirt.js"),
        "Move dirt",
        f"Carry shovelfuls from pile to pile until the piles {there} have become {wanted}. Drag with mouse or finger; "
        "or choose the pile to take from, then the pile to put it on. One step with one shovelful costs 1.",
        still.svg(),
        {"P": P, "Q": Q},
    )


def _shovelfuls(name, piles):
    """Return piles as plain whole numbers, neither too many nor too high to be drawn."""
    values = [float(pile) for pile in piles]
    if not 2 <= len(values) <= MOST_PILES:
        raise ValueError(f"{name} must have 2 to {MOST_PILES} piles, not {len(values)}")
    if not all(value.is_integer() and 0 <= value <= MOST_SHOVELFULS for value in values):
        raise ValueError(f"{name} must hold whole numbers from 0 to {MOST_SHOVELFULS}, not {list(piles)}")
    return [int(value) for value in values]
