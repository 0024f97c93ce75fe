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
    """Write all records so far to log.jsonl, one a line: a run that goes on repeats none and leaves none out.

    A number that is not finite becomes null, which is what JSON has for it; several members have a list.
    """
    named = history.losses | {f"{name} gradient": norms for name, norms in history.gradient_norms.items()}
    rows = [{"step": step} for step in history.steps.tolist()]
    for name, values in named.items():
        for row, members in zip(rows, values.tolist(), strict=False):
            plain = [value if math.isfinite(value) else None for value in members]
            row[name] = plain[0] if len(plain) == 1 else plain
    write_atomically(folder / LOG, "".join(json.dumps(row) + "\n" for row in rows))


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
        groups = {"loss": history.losses, "gradient norm": history.gradient_norms}
        named = {f"{group}/{name}": rows for group, values in groups.items() for name, rows in values.items()}
        for place, step in enumerate(history.steps.tolist()):
            for name, rows in named.items() if step > self.written else ():
                self.writer.add_scalar(name, rows[place].nanmedian().item(), step)
        step = int(history.evaluated[-1])
        self.writer.add_image("samples", picture, step, dataformats="HWC")
        self.writer.flush()
        self.written = step
