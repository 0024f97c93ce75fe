"""Pictures of samples: sheets, animations, and clouds of points, written whole or not at all."""

import io
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gantut.checkpoints import write_atomically

WIDTH = 640  # pixels that a sheet should about have across
CLEAR = 255  # the colour of a GIF's palette that is transparent
GAP = 2  # pixels between pictures, before they are enlarged
REACH = 1.3  # a cloud is shown as far out as this many times the farthest real coordinate


def as_bytes(images: torch.Tensor) -> np.ndarray:
    """Return pictures (n, channels, height, width) from -1 to 1 as bytes (n, height, width, 3), or 4 with opacity."""
    pixels = ((images.detach().float().cpu().nan_to_num() + 1) / 2).clamp(0, 1)
    if pixels.shape[1] == 4:  # premultiplied colours, and the opacity
        colours, opacity = pixels[:, :3], pixels[:, 3:]
        pixels = torch.cat([(colours / opacity).nan_to_num(0).clamp(0, 1), opacity], 1)
    pixels = pixels.expand(-1, max(pixels.shape[1], 3), -1, -1)
    return (pixels * 255).round().byte().permute(0, 2, 3, 1).numpy()


def on_white(picture: np.ndarray) -> np.ndarray:
    """Return a picture (..., height, width, 3 or 4) without its opacity, as it looks on white."""
    if picture.shape[-1] == 3:
        return picture
    colours, opacity = picture[..., :3].astype(float), picture[..., 3:] / 255
    return (colours * opacity + 255 * (1 - opacity)).round().astype(np.uint8)


def sheet(images: torch.Tensor, *, columns: int | None = None) -> np.ndarray:
    """Return pictures (n, channels, height, width) side by side on one sheet, each pixel a block of pixels.

    Parameters
    ----------
    images : tensor
    columns : int, optional
        By default as many as make the sheet about square.
    """
    pictures = as_bytes(images)
    count, height, width, channels = pictures.shape
    paper = 255 if channels == 3 else 0  # white, or transparent
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows, above, after = -(-count // columns), (GAP, 0), (0, GAP)
    pictures = np.pad(pictures, ((0, rows * columns - count), above, above, (0, 0)), constant_values=paper)
    tall, wide = height + GAP, width + GAP
    whole = pictures.reshape(rows, columns, tall, wide, -1).swapaxes(1, 2).reshape(rows * tall, columns * wide, -1)
    return enlarged(np.pad(whole, (after, after, (0, 0)), constant_values=paper))


def enlarged(picture: np.ndarray, width: int = WIDTH) -> np.ndarray:
    """Return a picture (..., height, width, channels) with each pixel a block, about so wide."""
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
    """Write one picture, bytes (height, width, 3 or 4)."""
    write_atomically(path, lambda file: Image.fromarray(picture).save(file, "PNG"))


def write_film(path: Path, pictures: Sequence[np.ndarray], *, milliseconds: int = 80) -> None:
    """Write pictures of one size as an animation: a .gif, which repeats itself and keeps what is transparent, or .mp4.

    Raises
    ------
    ValueError
        If it is to be an .mp4, and there is no PyAV to write it.
    """
    if path.suffix.lower() == ".mp4":
        return write_atomically(path, _mp4(pictures, milliseconds))
    first, *others = map(_frame, pictures)
    settings = dict(save_all=True, append_images=others, duration=milliseconds, loop=0)
    if pictures[0].shape[-1] == 4:
        settings |= dict(transparency=CLEAR, disposal=2)  # or each frame would lie upon the one before
    write_atomically(path, lambda file: first.save(file, "GIF", **settings))


def _frame(picture):
    """Return a frame of a GIF, in which a pixel is transparent or not."""
    if picture.shape[-1] == 3:
        return Image.fromarray(picture)
    frame = Image.fromarray(on_white(picture)).quantize(CLEAR)
    frame.paste(CLEAR, None, Image.fromarray(picture[..., 3] < 128))
    return frame


def _mp4(pictures, milliseconds):
    try:
        import av
    except ImportError:
        raise ValueError(
            "--out must end in .gif, or for .mp4 PyAV must be installed, which brings all that it needs: "
            "`python -m pip install av`"
        ) from None
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=Fraction(1000, milliseconds))
        height, width = (side // 2 * 2 for side in pictures[0].shape[:2])
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"  # every player's; it wants even sides
        for picture in pictures:
            even = np.ascontiguousarray(on_white(picture)[:height, :width])
            film.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        film.mux(stream.encode())
    return file.getvalue()
