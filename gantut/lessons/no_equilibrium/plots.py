"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import FAINT, INK, as_array, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_vector_field(ax: Axes, x, y, u, v, *, circles: Sequence[float] = ()) -> Axes:
    """Draw arrows of equal length along a vector field, and circles around the origin.

    Parameters
    ----------
    ax : Axes
    x, y, u, v : array, all of one shape
        The points, and the direction (u, v) at each one; where that is 0, there is no arrow.
    circles : sequence of float
        Radii.

    Returns
    -------
    Axes
        The one that was given.
    """
    x, y, u, v = map(as_array, (x, y, u, v))
    length = np.maximum(np.hypot(u, v), 1e-12)
    ax.quiver(x, y, u / length, v / length, color=INK, pivot="mid", scale=22, width=0.006)
    turn = np.linspace(0, 2 * np.pi, 200)
    for radius in circles:
        ax.plot(radius * np.cos(turn), radius * np.sin(turn), color=FAINT, linestyle="--", linewidth=1.0)
    ax.plot(0, 0, "o", color=INK, markersize=5)
    ax.grid(False)
    ax.set(aspect="equal", xlabel="x", ylabel="y")
    return ax


def plot_spectrum(ax: Axes, eigenvalues: Mapping[str, object], *, colours: Sequence[str] | None = None) -> Axes:
    """Draw eigenvalues in the complex plane with the unit circle, a marker for each name.

    Parameters
    ----------
    ax : Axes
    eigenvalues : mapping
        From a name to complex numbers, an array of any shape.
    colours : sequence, optional
        Other than those of `looks`, one for each entry of `eigenvalues`.

    Returns
    -------
    Axes
        The one that was given.
    """
    turn = np.linspace(0, 2 * np.pi, 400)
    ax.fill(np.cos(turn), np.sin(turn), color=FAINT, alpha=0.12, linewidth=0)
    ax.plot(np.cos(turn), np.sin(turn), color=INK, linewidth=1.0)
    for (name, values), (colour, _, marker) in zip(eigenvalues.items(), looks(eigenvalues, colours), strict=True):
        values = as_array(values).reshape(-1)
        ax.plot(values.real, values.imag, marker, color=colour, markersize=8, alpha=0.9, label=name)
    ax.set(aspect="equal", xlabel="real part", ylabel="imaginary part")
    return ax
