"""The figures of this lesson alone."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import COLOURS, FAINT, GENERATED, REAL, THIRD, WIDTH, as_array, use_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_mode_clouds(
    panels, samples: Mapping[str, object], centres, *, colours: Sequence[str] = COLOURS, reach: float = 3.0
) -> np.ndarray:
    """Draw clouds of points in the plane side by side, each named, with the centres of the modes as rings.

    Parameters
    ----------
    panels : array of Axes
        One for each cloud.
    samples : mapping
        From a name to points, shape (n, 2).
    centres : array, shape (modes, 2)
    colours : sequence
        Taken in turn.
    reach : float
        Half the width of each panel.

    Returns
    -------
    array of Axes
        The panels.
    """
    for ax, (name, points), colour in zip(np.ravel(panels), samples.items(), itertools.cycle(colours), strict=False):
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
    plot_mode_clouds(panels[:-1], snapshots, centres, colours=[GENERATED])
    looks = zip(turns.items(), (GENERATED, REAL, THIRD), ("-", (0, (2, 2)), ":"), strict=False)
    for (name, members), colour, dash in looks:
        members = as_array(members)
        panels[-1].plot(as_array(steps), members, color=colour, linestyle=dash, linewidth=1.2)
        panels[-1].plot([], [], color=colour, linestyle=dash, label=f"{name} ({members.shape[1]} members)")
    panels[-1].set(xlabel="steps", ylabel="turns of the mean")
    panels[-1].legend(loc="upper left")
    return panels


def plot_image_blocks(panels, pictures: Mapping[str, object], *, size: int = 8, columns: int = 4) -> np.ndarray:
    """Draw blocks of small grey images side by side, each block named.

    Parameters
    ----------
    panels : array of Axes
        One for each block.
    pictures : mapping
        From a name to images, shape (images, size * size), grey from 0 to 1.
    size, columns : int
        Of an image, and of a block.

    Returns
    -------
    array of Axes
        The panels.
    """
    for ax, (name, images) in zip(np.ravel(panels), pictures.items(), strict=True):
        images = as_array(images).reshape(-1, columns, size, size)
        framed = np.pad(images, ((0, 0), (0, 0), (1, 0), (1, 0)), constant_values=0.25)
        block = framed.transpose(0, 2, 1, 3).reshape(len(images) * (size + 1), -1)
        ax.imshow(np.pad(block, ((0, 1), (0, 1)), constant_values=0.25), cmap="Greys", vmin=0, vmax=1)
        ax.set_title(name, fontsize=10)
        ax.axis("off")
    return panels


def plot_scorecard(ax: Axes, values, alarms, *, rows: Sequence[str], columns: Sequence[str]) -> Axes:
    """Draw a table of numbers; those that raise an alarm are bold on an orange ground.

    Parameters
    ----------
    ax : Axes
    values : array of str, shape (rows, columns)
    alarms : array of bool, shape (rows, columns)
    rows, columns : sequence of str

    Returns
    -------
    Axes
        The one that was given.
    """
    alarms = as_array(alarms)
    for line, texts in enumerate(values):
        for place, text in enumerate(texts):
            weight = "bold" if alarms[line, place] else "normal"
            ax.text(place, line, text, ha="center", va="center", fontsize=10, weight=weight)
    ground = np.where(alarms[..., None], (0.96, 0.80, 0.62), (0.992, 0.988, 0.973))
    ax.imshow(ground, aspect="auto")
    ax.set_xticks(range(len(columns)), columns, fontsize=9)
    ax.set_yticks(range(len(rows)), rows, fontsize=10)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    for edge in range(len(rows)):
        ax.axhline(edge + 0.5, color="#e4e1d8", linewidth=0.7)
    ax.spines[:].set_visible(False)
    return ax
