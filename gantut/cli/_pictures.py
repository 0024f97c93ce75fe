"""Pictures of samples: sheets, animations, and clouds of points, written whole or not at all."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gantut.checkpoints import write_atomically

WIDTH = 640  # pixels that a sheet should about have across
GAP = 2  # pixels between pictures, before they are enlarged
REACH = 1.3  # a cloud is shown as far out as this many times the farthest real coordinate


def as_bytes(images: torch.Tensor) -> np.ndarray:
    """Return pictures (n, channels, height, width) from -1 to 1 as bytes (n, height, width, 3), on white."""
    pixels = ((images.detach().float().cpu().nan_to_num() + 1) / 2).clamp(0, 1)
    if pixels.shape[1] == 4:  # premultiplied colours, and the opacity
        pixels = (pixels[:, :3] + 1 - pixels[:, 3:]).clamp(0, 1)
    pixels = pixels.expand(-1, 3, -1, -1)
    return (pixels * 255).round().byte().permute(0, 2, 3, 1).numpy()


def sheet(images: torch.Tensor, *, columns: int | None = None) -> np.ndarray:
    """Return pictures (n, channels, height, width) side by side on one sheet, each pixel a block of pixels.

    Parameters
    ----------
    images : tensor
    columns : int, optional
        By default as many as make the sheet about square.
    """
    pictures = as_bytes(images)
    count, height, width, _ = pictures.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows, above, after = -(-count // columns), (GAP, 0), (0, GAP)
    pictures = np.pad(pictures, ((0, rows * columns - count), above, above, (0, 0)), constant_values=255)
    tall, wide = height + GAP, width + GAP
    paper = pictures.reshape(rows, columns, tall, wide, 3).swapaxes(1, 2).reshape(rows * tall, columns * wide, 3)
    return enlarged(np.pad(paper, (after, after, (0, 0)), constant_values=255))


def enlarged(picture: np.ndarray, width: int = WIDTH) -> np.ndarray:
    """Return a picture (..., height, width, 3) with each pixel a block, about so wide."""
    factor = max(width // picture.shape[-2], 1)
    return picture.repeat(factor, -3).repeat(factor, -2)


def cloud(generated: torch.Tensor, real: torch.Tensor, step: int) -> np.ndarray:
    """Return a drawing of points (n, 2) after so many steps over real ones, as bytes (height, width, 3)."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from gantut import plots

    limit = REACH * float(real.abs().max())
    with matplotlib.rc_context():
        plots.use_style()
        figure = Figure(figsize=(5, 5), dpi=128)
        canvas = FigureCanvasAgg(figure)
        ax = plots.clouds(figure.subplots(), real.cpu(), generated.detach().cpu(), limit=limit, title=f"{step} steps")
        ax.legend(loc="upper right")
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write one picture, bytes (height, width, 3)."""
    write_atomically(path, lambda file: Image.fromarray(picture).save(file, "PNG"))


def write_gif(path: Path, pictures: Sequence[np.ndarray], *, milliseconds: int = 80) -> None:
    """Write pictures of one size as an animation that repeats itself."""
    first, *others = (Image.fromarray(picture) for picture in pictures)
    settings = dict(save_all=True, append_images=others, duration=milliseconds, loop=0)
    write_atomically(path, lambda file: first.save(file, "GIF", **settings))
