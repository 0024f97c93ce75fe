"""The figures of this lesson alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gantut.plots import FAINT, GENERATED, INDIGO, INK, PAPER, REAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    ax.set(xlim=(0, 10), ylim=(-0.35, 3.7))
    ax.axis("off")
    boxes = (
        (0.9, 1.0, "noise\nz", FAINT), (3.3, 1.0, "generator\nG", GENERATED), (3.3, 3.2, "data", REAL),
        (6.1, 2.1, "discriminator\nD", INDIGO), (8.9, 2.1, "value\nV", FAINT),
    )  # fmt: skip
    for x, y, text, colour in boxes:
        frame = dict(boxstyle="round,pad=0.5", facecolor=PAPER, edgecolor=colour, linewidth=2)
        ax.text(x, y, text, ha="center", va="center", fontsize=12, bbox=frame)
    for start, end, text, place in (
        ((1.4, 1.0), (2.3, 1.0), "", None),
        ((4.35, 1.15), (5.0, 1.65), "G(z)", (4.35, 1.62)),
        ((3.95, 3.1), (5.0, 2.6), "x", (4.6, 3.0)),
        ((7.2, 2.25), (8.3, 2.25), "D(x), D(G(z))", (7.72, 2.5)),
    ):
        ax.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", color=INK, linewidth=1.8))
        if text:
            ax.text(*place, text, ha="center", va="center", fontsize=10)
    for start, end, colour, bend in (
        ((8.75, 1.55), (6.4, 1.45), INDIGO, -0.3),
        ((8.95, 1.55), (3.6, 0.42), GENERATED, -0.28),
    ):
        style = dict(
            arrowstyle="-|>", color=colour, linewidth=1.8, linestyle=(0, (4, 2)), connectionstyle=f"arc3,rad={bend}"
        )
        ax.annotate("", end, start, arrowprops=style)
    ax.text(7.6, 1.42, "D climbs V", color=INDIGO, ha="center", va="center", fontsize=10)
    ax.text(4.9, -0.2, "G goes down V, through D", color=GENERATED, ha="center", va="center", fontsize=10)
    return ax
