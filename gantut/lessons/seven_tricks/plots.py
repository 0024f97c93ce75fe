"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gantut.plots import FAINT, INK, OLIVE, as_array


def plot_measure_table(
    panels, measures: Mapping[str, Mapping[str, object]], *, intervals: Callable, baseline: str | None = None
):
    """Draw a table of populations: a row each, a panel for each measure, members as faint dots under an interval.

    Parameters
    ----------
    panels : array of Axes
        One for each measure, sharing the vertical axis.
    measures : mapping
        From the name of a measure to a mapping from the name of a row to one number for each member, shape (members,).
    intervals : callable
        From such numbers to low end, estimate and high end.
    baseline : str, optional
        The row whose interval is drawn as a band through the whole panel, to compare the others with.

    Returns
    -------
    array of Axes
        The panels.
    """
    for ax, (measure, rows) in zip(np.ravel(panels), measures.items(), strict=True):
        for place, (name, values) in enumerate(rows.items()):
            low, middle, high = map(float, intervals(values))
            if name == baseline:
                ax.axvspan(low, high, color=FAINT, alpha=0.3, linewidth=0)
            colour, spread = INK if name == baseline else OLIVE, np.linspace(-0.3, 0.3, len(values))
            ax.plot(np.sort(as_array(values)), place + spread, ".", color=colour, markersize=4, alpha=0.3)
            ax.plot([low, high], [place] * 2, color=colour, linewidth=2.6, solid_capstyle="butt")
            ax.plot([middle], [place], "D", color=colour, markersize=5)
        ax.set(yticks=range(len(rows)), yticklabels=list(rows), ylim=(len(rows) - 0.4, -0.6), xlabel=measure)
        ax.locator_params(axis="x", nbins=3)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", visible=False)
    return panels
