"""Members of populations as dots, with intervals: what a claim about a population looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots._style import INK, LOOKS, as_array, looks, thing_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def strips(
    ax: Axes, groups: Mapping[str, object], *, intervals: Sequence | None = None, colour: str | None = None
) -> Axes:
    """Draw groups side by side: every member as a dot, with an interval beside them.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    groups : mapping
        From the name of a group to one number for each member, shape (members,).
    intervals : sequence, optional
        Low end, estimate and high end for each group; by default the mean with its 95% interval.
    colour : str, optional
        Of all dots; by default that of the thing in a group's name, if there is one in `LOOKS`.

    Returns
    -------
    Axes
        The one that was given.

    See Also
    --------
    member_rows : the same from top to bottom, with equal members stacked.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = strips(plt.figure().subplots(), {"GAN": [3, 5, 8], "WGAN": [8, 8, 7]})
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['GAN', 'WGAN']
    >>> plt.close(ax.figure)
    """
    for place, (name, values) in enumerate(zip(groups, map(as_array, groups.values()), strict=True)):
        own, _, marker = LOOKS.get(thing_in(name), (INK, "-", "o"))
        spread = np.linspace(-0.18, 0.18, len(values))
        ax.plot(place + spread, values, marker, color=colour or own, markersize=5, alpha=0.55, markeredgewidth=0)
        half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if intervals is None else None
        ends = (values.mean() - half, values.mean(), values.mean() + half) if intervals is None else intervals[place]
        low, middle, high = map(float, ends)
        ax.errorbar(
            [place + 0.32], [middle], [[middle - low], [high - middle]], fmt="_", color=INK, capsize=4, markersize=8
        )
    ax.set(xticks=range(len(groups)), xlim=(-0.5, len(groups) - 0.4))
    ax.set_xticklabels(list(groups), fontsize=9)
    ax.grid(axis="x", visible=False)
    return ax


def member_rows(
    ax: Axes, groups: Mapping[str, object], *, intervals: Mapping[str, Sequence[float]] | None = None, colours=None
) -> Axes:
    """Draw groups as rows, from the top: members as dots, equal ones stacked, and an interval as a bar.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    groups : mapping
        From the name of a group to one number for each member, shape (members,).
    intervals : mapping, optional
        From the name of a group to low end, estimate and high end.
    colours : sequence, optional
        Taken in turn, other than those of `looks`.

    Returns
    -------
    Axes
        The one that was given.

    See Also
    --------
    strips : the same from left to right.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = member_rows(plt.figure().subplots(), {"GAN": [3, 5, 8], "WGAN": [8, 8, 8]})
    >>> [label.get_text() for label in ax.get_yticklabels()]  # from the bottom
    ['WGAN', 'GAN']
    >>> plt.close(ax.figure)
    """
    values = [as_array(own) for own in groups.values()]
    everything = np.concatenate(values)
    bins = np.linspace(everything.min(), everything.max() + 1e-9, 60)
    for row, (name, own, (colour, _, marker)) in enumerate(zip(groups, values, looks(groups, colours), strict=True)):
        place = len(values) - 1 - row
        own = np.sort(own)
        cell = np.digitize(own, bins)
        stacked = np.array([np.sum(cell[:i] == cell[i]) for i in range(len(own))])
        rise = 0.55 / max(stacked.max(), 8)
        ax.plot(own, place + 0.06 + rise * stacked, marker, color=colour, markersize=3.5, alpha=0.7, markeredgewidth=0)
        if intervals and name in intervals:
            low, middle, high = map(float, intervals[name])
            ax.plot([low, high], [place - 0.16] * 2, color=INK, linewidth=2.4, solid_capstyle="butt")
            ax.plot([middle], [place - 0.16], "|", color=INK, markersize=9, markeredgewidth=2)
    ax.set(yticks=range(len(values)), yticklabels=list(groups)[::-1], ylim=(-0.5, len(values) - 0.25))
    ax.grid(axis="y", visible=False)
    return ax
