"""Samples: points of the plane, and small images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gantut.plots._style import LOOKS, as_array, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def clouds(ax: Axes, real, generated, *, limit: float, title: str = "") -> Axes:
    """Draw generated samples of the plane over real ones.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    real, generated : array, shape (n, 2)
    limit : float
        Both axes go from -limit to limit.
    title : str
        Above the axes.

    Returns
    -------
    Axes
        The one that was given.

    See Also
    --------
    image_rows : images.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = clouds(plt.figure().subplots(), [[0, 1], [1, 0]], [[0, 0]], limit=2)
    >>> [len(points.get_offsets()) for points in ax.collections]
    [2, 1]
    >>> plt.close(ax.figure)
    """
    for points, name, alpha in ((real, "real", 0.3), (generated, "generated", 0.4)):
        colour, _, marker = LOOKS[name]
        ax.scatter(*as_array(points).T, s=10, color=colour, marker=marker, alpha=alpha, linewidths=0, label=name)
    ax.set(aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[])
    ax.set_title(title, fontsize=11)
    ax.grid(visible=False)
    return ax


def image_rows(rows: Mapping[str, object], *, size: int = 8) -> np.ndarray:
    """Draw rows of small grey images in a new figure, each row named above its first.

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

    See Also
    --------
    clouds : samples of the plane.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, torch
    >>> grid = image_rows({"real": torch.ones(1, 16), "generated": torch.zeros(2, 16)}, size=4)
    >>> grid.shape
    (2, 2)
    >>> plt.close(grid[0, 0].figure)
    """
    columns = max(len(images) for images in rows.values())
    grid = axes(len(rows), columns, height=0.95, squeeze=False, gridspec_kw={"wspace": 0.05, "hspace": 0.05})
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for ax in line:
            ax.set_title("\N{ZERO WIDTH SPACE}", fontsize=11)  # room for the name, which is wider than an image
            ax.axis("off")
        for ax, image in zip(line, as_array(images), strict=False):
            ax.imshow(image.reshape(size, size), cmap="Greys", vmin=0, vmax=1, interpolation="none")
        above = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 11}  # however small images are
        line[0].annotate(name, (0, 1), (0, 5), **above).set_in_layout(False)
    return grid
