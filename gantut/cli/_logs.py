"""What a run writes down as it goes: losses in a plain file, and for TensorBoard where that is installed."""

import contextlib
import json
import math
from pathlib import Path

import numpy as np

from gantut.checkpoints import write_atomically
from gantut.training import History

LOG = "log.jsonl"
HINT = f"no TensorBoard logs: `python -m pip install tensorboard` brings them (the losses are in {LOG} in any case)"


def write_log(folder: Path, history: History) -> None:
    """Write all that was recorded and measured to log.jsonl, a line a step: a run that goes on repeats and skips none.

    A number that is not finite becomes null, which is what JSON has for it; several members have a list.
    """
    rows: dict[int, dict] = {}
    for name, steps, values in _curves(history):
        for step, members in zip(steps, values.tolist(), strict=False):
            plain = [value if math.isfinite(value) else None for value in members]
            rows.setdefault(step, {"step": step})[name] = plain[0] if len(plain) == 1 else plain
    write_atomically(folder / LOG, "".join(json.dumps(rows[step]) + "\n" for step in sorted(rows)))


def _curves(history):
    """Yield the name, the steps and the values (records, members) of all that a run records and measures."""
    steps, adapted = history.steps.tolist(), history.augmentation
    norms = {f"{name} gradient": values for name, values in history.gradient_norms.items()}
    for name, values in (history.losses | norms | ({} if adapted is None else {"augmentation": adapted})).items():
        yield name, steps, values
    for name, values in history.metrics.items():
        yield name, history.evaluated.tolist(), values


class Board:
    """TensorBoard logs of a run, where the package tensorboard is installed.

    Parameters
    ----------
    folder : path
        Of the run; the logs go to a folder ``tensorboard`` in it.
    done : int
        Steps that the run has done already: what is logged after them belongs to a run that was broken off.
    """

    def __init__(self, folder: Path, done: int):
        self.writer, self.written = None, done
        with contextlib.suppress(ImportError):
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=done + 1 if done else None)

    def write(self, history: History, picture: np.ndarray) -> None:
        """Log the records since the last call, their median over the members, and a picture of samples."""
        if self.writer is None:
            return
        for name, steps, values in _curves(history):
            group, what = ("gradient norm", name.removesuffix(" gradient")) if " " in name else ("loss", name)
            tag = f"{group}/{what}" if name in history.losses or " " in name else name
            for step, row in zip(steps, values, strict=False):
                if step > self.written:
                    self.writer.add_scalar(tag, row.nanmedian().item(), step)
        step = int(history.evaluated[-1])
        self.writer.add_image("samples", picture, step, dataformats="HWC")
        self.writer.flush()
        self.written = step
