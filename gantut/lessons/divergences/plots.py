"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gantut.plots import INK, as_array, lines, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_integrand(ax: Axes, x, curves: Mapping[str, object], *, colours: Sequence[str] | None = None) -> Axes:
    """Draw integrands, with the signed area under each one, which is the integral, shaded.

    Parameters
    ----------
    ax : Axes
    x : array, shape (points,)
    curves : mapping
        From the name of an integrand to its values, shape (points,).
    colours : sequence, optional
        Other than those of `looks`, one for each entry of `curves`.

    Returns
    -------
    Axes
        The one that was given.
    """
    lines(ax, x, curves, colours=colours)
    for y, (colour, *_) in zip(curves.values(), looks(curves, colours), strict=True):
        ax.fill_between(as_array(x), as_array(y), color=colour, alpha=0.15, linewidth=0)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set(xlabel="x")
    return ax
