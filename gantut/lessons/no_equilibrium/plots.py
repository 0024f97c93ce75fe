"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import DASHES, FAINT, FOURTH, INK, THIRD, as_array, looks

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


def plot_mixtures(panels, share, losses, *, value: float) -> np.ndarray:
    """Draw what each player can count on for each mixture of two strategies: the worst of both lines, and its best.

    Parameters
    ----------
    panels : array of Axes, shape (2,)
        Player one, who wants a small loss, and player two, who wants a large one.
    share : array, shape (points,)
        Of the second of the two strategies.
    losses : array, shape (2, 2, points)
        For each player, the loss for each of the other's strategies.
    value : float
        That of the game.

    Returns
    -------
    array of Axes
        The panels.
    """
    share, losses = as_array(share), as_array(losses)
    for ax, lines, worst in zip(panels, losses, (np.max, np.min), strict=True):
        bound = worst(lines, 0)
        for line, dash, name in zip(lines, DASHES[1:], ("the other shows −1", "the other shows 1"), strict=False):
            ax.plot(share, line, color=FOURTH, linestyle=dash, linewidth=1.4, label=name)
        ax.plot(share, bound, color=INK, linewidth=3, label="the worst of both", zorder=3)
        best = np.argmin(bound) if worst is np.max else np.argmax(bound)
        ax.plot(share[best], bound[best], "o", color=INK, markersize=9, zorder=4)
        ax.axhline(value, color=FAINT, linestyle=":", linewidth=1.2)
        ax.set(xticks=[0, 0.5, 1])
    return panels


def plot_averages(panels, orbit, times, lengths, bound, *, eta: float) -> np.ndarray:
    """Draw iterates on the ellipse that they never leave, and how far their averages are from the equilibrium.

    Parameters
    ----------
    panels : array of Axes, shape (2,)
    orbit : array, shape (iterations, 2)
    times, lengths, bound : array, shape (averages,)
        Of how many iterates, how far from the origin, and at most how far.
    eta : float
        The learning rate, which makes the ellipse.

    Returns
    -------
    array of Axes
        The panels.
    """
    orbit = as_array(orbit)
    left, right = panels
    turn = np.linspace(0, 2 * np.pi, 400)
    radius = np.sqrt((orbit[0] @ orbit[0] - eta * orbit[0].prod()) / (1 - eta * np.sin(turn) * np.cos(turn)))
    left.plot(radius * np.cos(turn), radius * np.sin(turn), color=FAINT, linewidth=1.2)
    left.plot(*orbit.T, "o", color=THIRD, markersize=4)
    left.plot(*orbit[0], "o", color=INK, markerfacecolor="none", markersize=8)
    left.plot(0, 0, "+", color=INK, markersize=10, markeredgewidth=1.6)
    left.set(aspect="equal", xlabel="x", ylabel="y")
    right.loglog(as_array(times), as_array(lengths), color=THIRD, label="average of T iterates")
    right.loglog(as_array(times), as_array(bound), color=INK, linestyle="--", linewidth=1.4, label="the bound")
    right.set(xlabel="iterations T", ylabel="distance to the equilibrium")
    right.legend()
    return panels
