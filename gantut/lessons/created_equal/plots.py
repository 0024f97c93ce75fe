"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import INK, as_array, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_polygons(
    panels, groups: Mapping[str, object], *, nearest: Mapping[str, object] | None = None, reach: float = 2.2
) -> np.ndarray:
    """Draw polygons by their corners, a panel for each group, and dashed beside each one its nearest polygon.

    Parameters
    ----------
    panels : array of Axes
        One for each group.
    groups : mapping
        From a name to corners, shape (polygons, 2 * corners).
    nearest : mapping, optional
        From the same names to as many other polygons.
    reach : float
        Half the width of each panel.

    Returns
    -------
    array of Axes
        The panels.
    """
    for ax, (name, corners), (colour, *_) in zip(np.ravel(panels), groups.items(), looks(groups), strict=False):
        others = () if nearest is None else as_array(nearest[name])
        for outlines, style in ((others, dict(color=INK, linestyle=(0, (2, 1.5)), linewidth=1.0)),
                                (as_array(corners), dict(color=colour, linewidth=1.6))):  # fmt: skip
            for outline in outlines:
                x, y = np.reshape([*outline, *outline[:2]], (-1, 2)).T  # and back to the first corner
                ax.plot(x, y, **style)
        ax.set_title(name, fontsize=10)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
        ax.grid(False)
        ax.spines[:].set_visible(False)
    return panels


def plot_scatter(ax: Axes, groups: Mapping[str, Sequence], *, colours: Sequence[str] | None = None) -> Axes:
    """Draw groups of points in the plane, each with its own colour and marker, named in a legend.

    Parameters
    ----------
    ax : Axes
    groups : mapping
        From a name to x and y, each of shape (points,).
    colours : sequence, optional
        Other than those of `looks`, one for each entry of `groups`.

    Returns
    -------
    Axes
        The one that was given.
    """
    for (name, (x, y)), (colour, _, marker) in zip(groups.items(), looks(groups, colours), strict=True):
        ax.plot(as_array(x), as_array(y), marker, color=colour, markersize=5, alpha=0.75, markeredgewidth=0, label=name)
    ax.legend(fontsize=9)
    return ax


def plot_interval_rows(
    ax: Axes, rows: Mapping[str, Sequence], *, at: float = 0.0, colours: Sequence[str] | None = None
) -> Axes:
    """Draw a row for each interval, from the top: a bar from end to end with its estimate, and a line to compare with.

    Parameters
    ----------
    ax : Axes
    rows : mapping
        From a name to low end, estimate and high end.
    at : float
        Where the line is: an interval that reaches across it does not exclude this value.
    colours : sequence, optional
        Other than those of `looks`, one for each entry of `rows`.

    Returns
    -------
    Axes
        The one that was given.
    """
    ax.axvline(at, color=INK, linestyle="--", linewidth=1.2)
    for place, ((name, ends), (colour, _, marker)) in enumerate(zip(rows.items(), looks(rows, colours), strict=True)):
        low, middle, high = map(float, ends)
        ax.plot([low, high], [-place] * 2, color=colour, linewidth=2.4, solid_capstyle="butt")
        ax.plot([middle], [-place], marker, color=colour, markersize=6, label=name)
    ax.set(yticks=[-place for place in range(len(rows))], yticklabels=list(rows), ylim=(-len(rows) + 0.4, 0.6))
    ax.locator_params(axis="x", nbins=3)
    ax.grid(axis="y", visible=False)
    return ax
