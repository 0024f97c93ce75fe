"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import FAINT, GENERATED, INDIGO, INK, REAL, as_array, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_surfaces(panels, side, fields: Mapping[str, object], *, levels: int = 14) -> np.ndarray:
    """Draw functions of the plane side by side as contour maps, dark where they are high, each on its own scale.

    Parameters
    ----------
    panels : array of Axes
        One for each function.
    side : array, shape (n,)
        The coordinates of the grid, on both axes.
    fields : mapping
        From a name to values, shape (n, n), the first axis across.
    levels : int
        How many contour lines.

    Returns
    -------
    array of Axes
        The panels.
    """
    few = np.linspace(0, len(side) - 1, min(len(side), 50)).round().astype(int)  # more make a drawing heavy, not better
    side = as_array(side)[few]
    for ax, (name, field) in zip(np.ravel(panels), fields.items(), strict=True):
        field = as_array(field).T[np.ix_(few, few)]
        ax.contourf(side, side, field, levels=levels, cmap="Blues", alpha=0.85)
        ax.contour(side, side, field, levels=levels, colors=FAINT, linewidths=0.6, linestyles="-")
        ax.set_title(name, fontsize=10)
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.grid(False)
        ax.spines[:].set_visible(False)
    return panels


def plot_penalty_points(ax: Axes, real, generated, points, *, title: str = "", joined=None, limits=None) -> Axes:
    """Draw where a penalty looks at gradients: two clouds of the plane and the points between them.

    Parameters
    ----------
    ax : Axes
    real, generated, points : array, shape (n, 2)
    title : str
    joined : array of shape (pairs, 2, 2), optional
        Ends of the lines that the points lie on, drawn faintly.
    limits : tuple, optional
        Least and greatest coordinate shown, on both axes.

    Returns
    -------
    Axes
        The one that was given.
    """
    for start, end in () if joined is None else as_array(joined):
        ax.plot([start[0], end[0]], [start[1], end[1]], color=FAINT, linewidth=0.7, alpha=0.7)
    ax.plot(*as_array(real).T, "o", color=REAL, markersize=5, label="real")
    ax.plot(*as_array(generated).T, "s", color=GENERATED, markersize=5, label="generated")
    ax.plot(*as_array(points).T, "x", color=INK, markersize=4, markeredgewidth=1.0, label="looked at")
    ax.set_title(title, fontsize=10)
    ax.set(xticks=[], yticks=[], aspect="equal")
    if limits:
        ax.set(xlim=limits, ylim=limits)
    ax.grid(False)
    return ax


def plot_histograms(
    ax: Axes, groups: Mapping[str, object], *, bins: int = 41, colours: Sequence[str] | None = None
) -> Axes:
    """Draw shares of values in bins, as outlines over each other; all groups have the same bins.

    Parameters
    ----------
    ax : Axes
    groups : mapping
        From a name to values, any shape.
    bins : int
    colours : sequence, optional
        Other than those of `looks`, one for each entry of `groups`.

    Returns
    -------
    Axes
        The one that was given.
    """
    values = [as_array(group).ravel() for group in groups.values()]
    reach = max(np.abs(group).max() for group in values)
    edges = np.linspace(-reach, reach, bins + 1)
    for name, group, (colour, dash, _) in zip(groups, values, looks(groups, colours), strict=True):
        share = np.histogram(group, edges)[0] / group.size
        ax.stairs(share, edges, color=colour, linestyle=dash, linewidth=1.8, label=name)
    ax.set(ylabel="share")
    ax.legend()
    return ax


def plot_cones(panels, ways: Mapping[str, tuple]) -> np.ndarray:
    """Draw a critic between the two cones that it cannot leave, along one way through the plane in each panel.

    Parameters
    ----------
    panels : array of Axes
        One for each way.
    ways : mapping
        From the name of a way to four arrays of shape (points,): where on the way, the cone below, the critic, and the
        cone above.

    Returns
    -------
    array of Axes
        The panels.
    """
    for ax, (name, values) in zip(np.ravel(panels), ways.items(), strict=True):
        at, below, critic, above = map(as_array, values)
        ax.fill_between(at, below, above, color=FAINT, alpha=0.2, linewidth=0)
        ax.plot(at, above, color=GENERATED, linestyle=(0, (5, 1.5)), label="f(y) + |z − y|")
        ax.plot(at, critic, color=INDIGO, linewidth=2.6, label="a critic f")
        ax.plot(at, below, color=REAL, label="f(x) − |x − z|")
        ax.plot(0, critic[np.abs(at).argmin()], "o", color=INK, markersize=7, zorder=4)
        ax.set(xlabel=name)
    return panels
