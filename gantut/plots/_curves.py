"""Curves: functions, densities, populations of curves, paths in the plane, and sweeps over a setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots._style import GENERATED, INK, PAPER, as_array, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def lines(ax: Axes, x, curves: Mapping[str, object], *, colours: Sequence[str] | None = None, dashes=None) -> Axes:
    """Draw curves over one axis, each with its own colour and dash, named in a legend.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array, shape (points,)
    curves : mapping
        From the name of a curve to its values, shape (points,). Names that begin with an underscore stay out of the
        legend.
    colours, dashes : sequence, optional
        Other than those of `looks`, one for each entry of `curves`.

    Returns
    -------
    Axes
        The one that was given.

    See Also
    --------
    distributions : densities, filled.
    population : many curves of one kind.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = lines(plt.figure().subplots(), [-1, 0, 1], {"W1": [1, 0, 1], "JS": [0.69, 0, 0.69]})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['W1', 'JS']
    >>> plt.close(ax.figure)
    """
    for (name, y), (colour, dash, _) in zip(curves.items(), looks(curves, colours, dashes), strict=True):
        ax.plot(as_array(x), as_array(y), color=colour, linestyle=dash, label=name)
    if any(name and not name.startswith("_") for name in curves):
        ax.legend()
    return ax


def distributions(ax: Axes, x, densities: Mapping[str, object], *, colours: Sequence[str] | None = None) -> Axes:
    """Draw densities as filled curves.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array, shape (points,)
    densities : mapping
        From the name of a distribution to its density, shape (points,): the real one first, then the generated one.
    colours : sequence, optional
        Other than those of `looks`, one for each entry of `densities`.

    Returns
    -------
    Axes
        The one that was given.

    See Also
    --------
    lines : the same, not filled.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = distributions(plt.figure().subplots(), [0, 1, 2], {"real": [0, 1, 0], "generated": [1, 0, 0]})
    >>> len(ax.lines), ax.get_ylabel()
    (2, 'density')
    >>> plt.close(ax.figure)
    """
    lines(ax, x, densities, colours=colours)
    for y, (colour, *_) in zip(densities.values(), looks(densities, colours), strict=True):
        ax.fill_between(as_array(x), as_array(y), color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel="x", ylabel="density", ylim=(0, None))
    return ax


def population(ax: Axes, x, members, *, name: str, colour: str = GENERATED, dash="-") -> Axes:
    """Draw a population of curves: their median, and a band from the least to the greatest.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array, shape (points,)
    members : array, shape (members, points)
    name : str
        For the legend; a name that begins with an underscore stays out of it.
    colour, dash
        Of the median; the band has the same colour.

    Returns
    -------
    Axes
        The one that was given.

    See Also
    --------
    lines : single curves.
    sweep : intervals over a setting.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = population(plt.figure().subplots(), [0, 1], [[1, 2], [3, 4], [8, 9]], name="GAN")
    >>> ax.lines[0].get_ydata()
    array([3., 4.])
    >>> plt.close(ax.figure)
    """
    x, members = as_array(x), as_array(members)
    ax.fill_between(x, members.min(0), members.max(0), color=colour, alpha=0.25, linewidth=0)
    ax.plot(x, np.median(members, 0), color=colour, linestyle=dash, label=f"{name} (median, range of {len(members)})")
    if not name.startswith("_"):
        ax.legend()
    return ax


def paths(ax: Axes, routes: Mapping[str, object], *, colours: Sequence[str] | None = None, dashes=None) -> Axes:
    """Draw paths in the plane, each from a ring to a disc; the equilibrium at the origin is a cross.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    routes : mapping
        From the name of a path to its coordinates, a pair of arrays of shape (steps + 1,).
    colours, dashes : sequence, optional
        Other than those of `looks`, one for each entry of `routes`.

    Returns
    -------
    Axes
        The one that was given.

    See Also
    --------
    clouds : samples of the plane.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = paths(plt.figure().subplots(), {"spiral": ([1, 0, -0.5], [0, 1, 0])})
    >>> len(ax.lines)  # the path, its beginning, its end, and the cross
    4
    >>> plt.close(ax.figure)
    """
    for (name, (x, y)), (colour, dash, _) in zip(routes.items(), looks(routes, colours, dashes), strict=True):
        x, y = as_array(x), as_array(y)
        ax.plot(x, y, color=colour, linestyle=dash, linewidth=1.6, label=name)
        ax.plot(x[0], y[0], "o", color=INK, markerfacecolor=PAPER, markersize=7, zorder=3)
        ax.plot(x[-1], y[-1], "o", color=colour, markersize=6, zorder=3)
    ax.plot(0, 0, "+", color=INK, markersize=10, markeredgewidth=1.6, zorder=4)
    ax.set(aspect="equal", xlabel="x", ylabel="y")
    return ax


def sweep(ax: Axes, x, curves: Mapping[str, Sequence], *, colours: Sequence[str] | None = None, dashes=None) -> Axes:
    """Draw how a population responds to a setting: a marker at each value with its interval, joined by a line.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array, shape (settings,)
        On a logarithmic axis.
    curves : mapping
        From a name to low ends, estimates and high ends, each of shape (settings,).
    colours, dashes : sequence, optional
        Other than those of `looks`, one for each entry of `curves`.

    Returns
    -------
    Axes
        The one that was given.

    See Also
    --------
    population : whole curves.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = sweep(plt.figure().subplots(), [0.01, 0.1], {"WGAN": ([1, 2], [2, 3], [3, 5])})
    >>> ax.get_xscale(), [label.get_text() for label in ax.get_xticklabels()]
    ('log', ['0.01', '0.1'])
    >>> plt.close(ax.figure)
    """
    x = as_array(x)
    for (name, ends), (colour, dash, marker) in zip(curves.items(), looks(curves, colours, dashes), strict=True):
        low, middle, high = map(as_array, ends)
        ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(x, middle, color=colour, linestyle=dash, marker=marker, markersize=6, linewidth=1.7, label=name)
    ax.set_xscale("log")
    ax.set_xticks(x, [f"{place:g}" for place in x])
    ax.minorticks_off()
    return ax
