"""The figures of this lesson alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gantut.plots import FAINT, GENERATED, INDIGO, INK, PAPER, REAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Where the boxes stand, in the order of BOXES; samples, as (start, end, text, its place); gradients, as (start, end,
# bend, text, its place): beside each other on a desk, and from top to bottom on a phone.
BOXES = (
    ("noise\nz", FAINT), ("generator\nG", GENERATED), ("data", REAL), ("discriminator\nD", INDIGO), ("value\nV", FAINT),
)  # fmt: skip
DESK = (
    (10, -0.35, 3.7), ((0.9, 1.0), (3.3, 1.0), (3.3, 3.2), (6.1, 2.1), (8.9, 2.1)),
    (((1.4, 1.0), (2.3, 1.0), "", (0, 0)), ((4.35, 1.15), (5.0, 1.65), "G(z)", (4.35, 1.62)),
     ((3.95, 3.1), (5.0, 2.6), "x", (4.6, 3.0)), ((7.2, 2.25), (8.3, 2.25), "D(x), D(G(z))", (7.72, 2.5))),
    (((8.75, 1.55), (6.4, 1.45), -0.3, "D climbs V", (7.6, 1.42)),
     ((8.95, 1.55), (3.6, 0.42), -0.28, "G goes down V, through D", (4.9, -0.2))),
)  # fmt: skip
PHONE = (
    (10, 0, 9), ((7.8, 8.2), (7.8, 5.9), (2.0, 8.2), (4.0, 3.6), (4.0, 0.9)),
    (((7.8, 7.45), (7.8, 6.65), "", (0, 0)), ((6.2, 5.3), (5.1, 4.4), "G(z)", (5.2, 5.2)),
     ((2.3, 7.7), (3.3, 4.4), "x", (2.4, 6.0)), ((4.0, 2.8), (4.0, 1.7), "D(x),\nD(G(z))", (5.0, 2.25))),
    (((2.9, 0.9), (2.7, 2.8), -0.4, "D climbs V", (1.2, 1.8)),
     ((5.1, 0.9), (8.1, 5.1), 0.3, "G goes down V,\nthrough D", (8.1, 1.0))),
)  # fmt: skip


def plot_game_diagram(ax: Axes) -> Axes:
    """Draw who makes what and who learns from what in a GAN: samples along full arrows, gradients along dashed ones.

    Parameters
    ----------
    ax : Axes

    Returns
    -------
    Axes
        The one that was given.
    """
    _draw_game(ax, DESK)

    def for_a_phone():  # there is no room for words beside the boxes
        ax.clear()
        _draw_game(ax, PHONE)
        return 3.4

    ax.figure.for_a_phone = for_a_phone  # what records figures for the site asks for it
    return ax


def _draw_game(ax, layout):
    (width, *heights), places, samples, gradients = layout
    ax.set(xlim=(0, width), ylim=heights)
    ax.axis("off")
    for place, (text, colour) in zip(places, BOXES, strict=True):
        frame = dict(boxstyle="round,pad=0.5", facecolor=PAPER, edgecolor=colour, linewidth=2)
        ax.text(*place, text, ha="center", va="center", fontsize=12, bbox=frame)
    for start, end, text, place in samples:
        ax.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", color=INK, linewidth=1.8))
        ax.text(*place, text, ha="center", va="center", fontsize=10)
    for (start, end, bend, text, place), colour in zip(gradients, (INDIGO, GENERATED), strict=True):
        dashed = dict(arrowstyle="-|>", color=colour, linewidth=1.8, linestyle=(0, (4, 2)))
        ax.annotate("", end, start, arrowprops=dashed | dict(connectionstyle=f"arc3,rad={bend}"))
        ax.text(*place, text, color=colour, ha="center", va="center", fontsize=10)
