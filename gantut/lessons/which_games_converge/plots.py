"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import INK, PAPER, as_array, legend_below, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_radii(ax: Axes, radii: Mapping[str, object], *, level: float | None = None) -> Axes:
    """Draw distances from the equilibrium over the number of iterations, both on logarithmic axes.

    Parameters
    ----------
    ax : Axes
    radii : mapping
        From a name to the distance after each iteration, beginning with the first.
    level : float, optional
        A distance to be marked by a dotted line.

    Returns
    -------
    Axes
        The one that was given.
    """
    for (name, radius), (colour, dash, _) in zip(radii.items(), looks(radii), strict=True):
        radius = as_array(radius)
        ax.plot(np.arange(1, len(radius) + 1), radius, color=colour, linestyle=dash, label=name)
    if level is not None:
        ax.axhline(level, color=INK, linestyle=":", linewidth=1.0, zorder=0)
    ax.set(xscale="log", yscale="log", ylim=(1e-4, 2), xlabel="iterations", ylabel="radius")
    legend_below(ax)
    return ax


def plot_landings(ax: Axes, walks) -> Axes:
    """Draw how a generator with two parameters gets to the curve on which its samples are right, bc = 1.

    Parameters
    ----------
    ax : Axes
    walks : array, shape (steps + 1, members, 2)
        Both parameters of each member, each path from a ring to a disc.

    Returns
    -------
    Axes
        The one that was given.
    """
    walks = as_array(walks)
    side = np.linspace(walks[..., 0].min() * 0.9, walks[..., 0].max() * 1.1, 200)
    ax.plot(side, 1 / side, color=INK, linewidth=1.2, label="bc = 1")
    for path, (colour, *_) in zip(walks.swapaxes(0, 1), looks(range(walks.shape[1])), strict=True):
        ax.plot(*path.T, color=colour, linewidth=1.2)
        ax.plot(*path[0], "o", color=INK, markerfacecolor=PAPER, markersize=7, zorder=3)
        ax.plot(*path[-1], "o", color=colour, markersize=6, zorder=4)
    ax.set(xlabel="b", ylabel="c")
    ax.set_aspect("equal", adjustable="datalim")  # as wide as the text: a square would be as high
    ax.legend()
    return ax
