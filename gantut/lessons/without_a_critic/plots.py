"""The figures of this lesson alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gantut.plots import GENERATED, INK, PAPER, REAL, as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_pairs(ax: Axes, noise, data, *, title: str = "") -> Axes:
    """Draw points of noise, points of data, and a straight line between the i-th of both.

    Parameters
    ----------
    ax : Axes
    noise, data : array, shape (n, 2)
    title : str

    Returns
    -------
    Axes
        The one that was given.
    """
    noise, data = as_array(noise), as_array(data)
    for start, end in zip(noise, data, strict=True):
        ax.plot(*zip(start, end, strict=True), color=GENERATED, linewidth=0.7, alpha=0.6)
    ax.plot(*noise.T, "o", color=INK, markerfacecolor=PAPER, markersize=3.5)
    ax.plot(*data.T, "o", color=REAL, markersize=3.5)
    ax.set(title=title, aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    return ax


def plot_trails(ax: Axes, trails, *, title: str = "") -> Axes:
    """Draw the paths of samples, each from its noise to a disc where it ends.

    Parameters
    ----------
    ax : Axes
    trails : array, shape (steps + 1, n, 2)
    title : str

    Returns
    -------
    Axes
        The one that was given.
    """
    trails = as_array(trails)
    ax.plot(*trails.transpose(2, 0, 1), color=GENERATED, linewidth=0.7, alpha=0.6)
    ax.plot(*trails[0].T, "o", color=INK, markerfacecolor=PAPER, markersize=3.5)
    ax.plot(*trails[-1].T, "o", color=REAL, markersize=3.5)
    ax.set(title=title, aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    return ax
