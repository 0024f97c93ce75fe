"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots import GENERATED, GRID, as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    np.ravel(panels)[0].figure.set_figwidth(2.4 * len(pictures))  # so that no gap between two blocks is wide
    for ax, (name, images) in zip(np.ravel(panels), pictures.items(), strict=True):
        images = as_array(images).reshape(-1, columns, size, size)
        framed = np.pad(images, ((0, 0), (0, 0), (1, 0), (1, 0)), constant_values=0.25)
        block = framed.transpose(0, 2, 1, 3).reshape(len(images) * (size + 1), -1)
        ax.imshow(
            np.pad(block, ((0, 1), (0, 1)), constant_values=0.25), cmap="Greys", vmin=0, vmax=1, interpolation="none"
        )
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
    alarms, numbers = as_array(alarms), []
    for line, texts in enumerate(values):
        for place, text in enumerate(texts):
            weight = "bold" if alarms[line, place] else "normal"
            if alarms[line, place]:
                ax.bar(place, 1, width=1, bottom=line - 0.5, color=GENERATED, alpha=0.3, linewidth=0)
            numbers.append(ax.text(place, line, text, ha="center", va="center", fontsize=10, weight=weight))
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_xticks(range(len(columns)), columns, fontsize=9)
    ax.set_yticks(range(len(rows)), rows, fontsize=10)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    for edge in range(len(rows)):
        ax.axhline(edge + 0.5, color=GRID, linewidth=0.7)
    ax.spines[:].set_visible(False)

    def for_a_phone():  # each name stands above its row, so that the numbers have the whole width
        ax.set_yticks([])
        ax.set_xticks(range(len(columns)), [name.replace("\n", " ") for name in columns])
        for ground in ax.patches:
            ground.set(y=ground.get_y() + 0.46, height=0.54)
        for line, name in enumerate(rows):
            ax.text(-0.45, line - 0.27, name, va="center", fontsize=10)
        for number in numbers:
            number.set_y(number.get_position()[1] + 0.22)
        return 0.43 * len(rows) + 1.0

    ax.figure.for_a_phone = for_a_phone  # what records figures for the site asks for it
    return ax
