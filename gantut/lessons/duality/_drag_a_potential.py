"""A function on a line that a reader drags towards a Kantorovich potential."""

from itertools import accumulate, pairwise
from pathlib import Path

from gantut import _inputs
from gantut.lessons.labs import Lab, Still

FEWEST, MOST = 2, 8  # places


def drag_a_potential(x=(0, 4, 9), y=(2, 6, 7), p=(0.4, 0.4, 0.2), q=(0.4, 0.2, 0.4)) -> Lab:
    r"""Drag the values of a function f, and see how much of :math:`W_1(p,q)` it proves.

    On a line :math:`\mathbb E_pf-\mathbb E_qf=-\int f'\,(F_p-F_q)`. While the slopes of f are kept within 1, this is
    at most :math:`W_1=\int|F_p-F_q|`, and a best f reaches it. Without the limit it can be anything.

    Parameters
    ----------
    x, y : sequences of float
        The places of p and of q: 2 to 8 different ones in all.
    p, q : sequences of float
        The masses there, positive; each adds up to 1.

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If there are too few or too many places, or the masses are not as described.

    References
    ----------
    Villani (2009), theorem 5.10 and remark 5.16; lesson 10.

    Examples
    --------
    >>> drag_a_potential([0, 5], [1, 3], [0.5, 0.5], [0.5, 0.5])
    <a lab in the page: Drag a potential>
    """
    of_p, of_q = _masses("x", x, "p", p), _masses("y", y, "q", q)
    places = sorted({*of_p, *of_q})
    if not FEWEST <= len(places) <= MOST:
        raise ValueError(f"x and y must have {FEWEST} to {MOST} different places in all, not {len(places)}")
    masses = [[of.get(place, 0.0) for place in places] for of in (of_p, of_q)]
    return Lab(
        Path(__file__).with_name("drag_a_potential.js"),
        "Drag a potential",
        "Mass p is to be moved to where q wants it. Drag f up and down at its places until it proves as much as any "
        "f of slope at most 1 can; then lift the limit, and see what the proof was worth.",
        _picture(places, *masses),
        {"places": places, "p": masses[0], "q": masses[1]},
    )


def _masses(place_name, places, name, masses):
    """Return the mass at each place."""
    at = [_inputs.finite(place_name, place) for place in places]
    mass = [_inputs.positive(name, value) for value in masses]
    if len(at) != len(mass) or len({*at}) != len(at):
        raise ValueError(
            f"{place_name} must have different places, one for each of {name}, not {list(places)} for {list(masses)}"
        )
    if abs(sum(mass) - 1) > 1e-9:
        raise ValueError(f"{name} must add up to 1, not {sum(mass):g}")
    return dict(zip(at, mass, strict=True))


def _picture(places, p, q):
    """Return a best f, with the places of p and q on it."""
    surplus = accumulate(a - b for a, b in zip(p[:-1], q[:-1], strict=True))
    steps = [(b - a) * ((s < -1e-12) - (s > 1e-12)) for (a, b), s in zip(pairwise(places), surplus, strict=True)]
    f = list(accumulate(steps, initial=0.0))
    margin = 0.05 * (places[-1] - places[0])
    still = Still(
        "A function of straight pieces that nowhere has a slope beyond 1, with the places of p and q on it.",
        (places[0] - margin, places[-1] + margin),
        (min(f) - 2 * margin, max(f) + 2 * margin),
    )
    still.line(list(zip(places, f, strict=True)), "ink")
    for mass, colour in ((p, "real"), (q, "generated")):
        still.dots([(at, value) for at, value, m in zip(places, f, mass, strict=True) if m], colour, radius=6)
    return still.svg()
