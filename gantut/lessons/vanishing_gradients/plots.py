"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import COLOURS, DASHES, PAPER, as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_segments(ax: Axes, pairs: Sequence, *, colours: Sequence[str] = COLOURS, dashes=DASHES) -> Axes:
    """Draw straight segments in the unit cube.

    Parameters
    ----------
    ax : Axes
        With three dimensions.
    pairs : sequence of array, shape (2, 3)
        The two ends of each segment.
    colours, dashes : sequence
        One for each segment.

    Returns
    -------
    Axes
        The one that was given.
    """
    for ends, colour, dash in zip(pairs, colours, dashes, strict=False):
        x, y, z = as_array(ends).T
        ax.plot(x, y, z, color=colour, linestyle=dash, linewidth=3)
        ax.plot(x, y, z, "o", color=colour, markersize=5)
    return _cube(ax)


def plot_planes(ax: Axes, normals, offsets, *, colours: Sequence[str] = COLOURS) -> Axes:
    """Draw the planes normal · x = offset over the unit square.

    Parameters
    ----------
    ax : Axes
        With three dimensions.
    normals : array, shape (planes, 3)
        None of the planes may be upright: the last coordinates must not be 0.
    offsets : array, shape (planes,)
    colours : sequence
        One for each plane.

    Returns
    -------
    Axes
        The one that was given.
    """
    x, y = np.meshgrid([0.0, 1.0], [0.0, 1.0])
    for (a, b, c), offset, colour in zip(as_array(normals), as_array(offsets), colours, strict=False):
        ax.plot_surface(x, y, (offset - a * x - b * y) / c, color=colour, alpha=0.45, edgecolor=colour)
    return _cube(ax)


def _cube(ax):
    ax.set(xlim=(0, 1), ylim=(0, 1), zlim=(0, 1), xticklabels=[], yticklabels=[], zticklabels=[])
    ax.set_facecolor(PAPER)
    return ax
