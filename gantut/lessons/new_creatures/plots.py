"""The figures of this lesson alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gantut.plots import as_array


def plot_creatures(panels, pictures: Mapping[str, object], *, columns: int = 6) -> np.ndarray:
    """Draw blocks of small colour pictures side by side, each block named.

    Parameters
    ----------
    panels : array of Axes
        One for each block.
    pictures : mapping
        From a name to pictures, shape (n, 3, size, size), from -1 to 1; n is a multiple of `columns`.
    columns : int
        Of a block.

    Returns
    -------
    array of Axes
        The panels.
    """
    for ax, (name, images) in zip(np.ravel(panels), pictures.items(), strict=True):
        images = np.clip((as_array(images) + 1) / 2, 0, 1)
        images = images.reshape(-1, columns, *images.shape[1:])  # (rows, columns, 3, size, size)
        framed = np.pad(images, ((0, 0),) * 3 + ((1, 0), (1, 0)), constant_values=0.85)
        block = framed.transpose(0, 3, 1, 4, 2).reshape(len(images) * framed.shape[3], -1, 3)
        ax.imshow(np.pad(block, ((0, 1), (0, 1), (0, 0)), constant_values=0.85), interpolation="none")
        ax.set_title(name, fontsize=10)
        ax.axis("off")
    return panels
