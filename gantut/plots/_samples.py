"""Samples: points of the plane, and small images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots._style import GENERATED, REAL, as_array, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def clouds(ax: Axes, real, generated, *, limit: float, title: str = "") -> Axes:
    """Draw generated samples of the plane over real ones.

    Parameters
    ----------
    ax : Axes
    real, generated : array, shape (n, 2)
    limit : float
        Both axes go from -limit to limit.
    title : str

    Returns
    -------
    Axes
        The one that was given.
    """
    ax.scatter(*as_array(real).T, s=10, color=REAL, alpha=0.25, linewidths=0, label="real")
    ax.scatter(*as_array(generated).T, s=10, color=GENERATED, marker="^", alpha=0.35, linewidths=0, label="generated")
    ax.set(aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[])
    ax.set_title(title, fontsize=11)
    ax.grid(visible=False)
    return ax


def image_rows(rows: Mapping[str, object], *, size: int = 8) -> np.ndarray:
    """Draw rows of small grey images in a new figure, each row named on its left.

    Parameters
    ----------
    rows : mapping
        From the name of a row to its images, shape (images, size * size), grey from 0 to 1.
    size : int
        Of an image, in pixels.

    Returns
    -------
    array of Axes, shape (rows, columns)
        With as many columns as the longest row has images.
    """
    columns = max(len(images) for images in rows.values())
    grid = axes(len(rows), columns, height=0.95, squeeze=False, gridspec_kw={"wspace": 0.05, "hspace": 0.05})
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for ax in line:
            ax.axis("off")
        for ax, image in zip(line, as_array(images), strict=False):
            ax.imshow(image.reshape(size, size), cmap="Greys", vmin=0, vmax=1)
        line[0].set_title(name, fontsize=11)
    return grid
