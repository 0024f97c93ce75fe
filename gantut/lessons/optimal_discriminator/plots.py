"""The figures of this lesson alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gantut.plots import FAINT, INDIGO, as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_reliability(ax: Axes, predicted, observed, low, high, *, counts=None) -> Axes:
    """Draw a reliability diagram: observed frequencies against predicted probabilities, one point for each bin.

    Parameters
    ----------
    ax : Axes
    predicted, observed : array, shape (bins,)
        Mean prediction and observed frequency.
    low, high : array, shape (bins,)
        The ends of an interval for the observed frequency.
    counts : array, shape (bins,), optional
        How many predictions fell in each bin, written beside the points.

    Returns
    -------
    Axes
        The one that was given.
    """
    predicted, observed, low, high = map(as_array, (predicted, observed, low, high))
    ax.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1.2, label="a probability")
    ax.errorbar(
        predicted, observed, [observed - low, high - observed],
        fmt="p", color=INDIGO, ecolor=INDIGO, capsize=3, markersize=5, label="observed, 95% interval",
    )  # fmt: skip
    if counts is not None:
        for x, y, count in zip(predicted, low, as_array(counts), strict=True):
            ax.annotate(f"{count:.0f}", (x, y), (0, -11), textcoords="offset points", ha="center", fontsize=9)
    ax.set(xlabel="predicted D(x)", ylabel="share of real images", xlim=(-0.03, 1.03), ylim=(-0.1, 1.1))
    ax.legend(loc="upper left", handlelength=1.2)
    return ax
