"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gantut.plots import FAINT, GENERATED, WIDTH, as_array, looks, use_style


def plot_mode_clouds(
    panels, samples: Mapping[str, object], centres, *, colours: Sequence[str] | None = None, reach: float = 3.0
) -> np.ndarray:
    """Draw clouds of points in the plane side by side, each named, with the centres of the modes as rings.

    Parameters
    ----------
    panels : array of Axes
        One for each cloud.
    samples : mapping
        From a name to points, shape (n, 2).
    centres : array, shape (modes, 2)
    colours : sequence, optional
        Taken in turn, other than those of `looks`.
    reach : float
        Half the width of each panel.

    Returns
    -------
    array of Axes
        The panels.
    """
    drawn = zip(np.ravel(panels), samples.items(), looks(samples, colours), strict=False)
    for ax, (name, points), (colour, *_) in drawn:
        x, y = as_array(points).T
        ax.plot(*as_array(centres).T, "o", color=FAINT, markerfacecolor="none", markersize=9, markeredgewidth=0.9)
        ax.plot(x, y, ".", color=colour, markersize=3, alpha=0.5, markeredgewidth=0)
        ax.set_title(name, fontsize=10)
        ax.set(xticks=[], yticks=[], xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.grid(False)
        ax.spines[:].set_visible(False)
    return panels


def plot_mean_turns(
    snapshots: Mapping[str, object], centres, steps, turns: Mapping[str, object], *, height: float = 4.6
) -> np.ndarray:
    """Draw where samples were at some times, above how often their mean has gone round the origin at all times.

    Parameters
    ----------
    snapshots : mapping
        From the name of a time to points, shape (n, 2).
    centres : array, shape (modes, 2)
    steps : array, shape (evaluations,)
    turns : mapping
        From the name of a population to the turns of its members, shape (evaluations, members).
    height : float
        In inches.

    Returns
    -------
    array of Axes
        One for each snapshot, and then that of the turns.
    """
    import matplotlib.pyplot as plt

    use_style()
    figure = plt.figure(figsize=(WIDTH, height))
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 2.4))
    panels = np.append(top.subplots(1, len(snapshots)), bottom.subplots())
    plot_mode_clouds(panels[:-1], snapshots, centres, colours=[GENERATED], reach=4.2)  # early ones lie far outside
    for ax, name in zip(panels[1:-1], list(snapshots)[1:], strict=True):
        ax.set_title(name.removeprefix("step "), fontsize=10)  # the first says that they are steps
    for (name, members), (colour, dash, _) in zip(turns.items(), looks(turns), strict=True):
        members = as_array(members)
        panels[-1].plot(as_array(steps), members, color=colour, linestyle=dash, linewidth=1.2)
        panels[-1].plot([], [], color=colour, linestyle=dash, label=f"{name} ({members.shape[1]} members)")
    panels[-1].set(xlabel="steps", ylabel="turns of the mean")
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside lower center", ncols=2)  # it would hide lines
    return panels
