"""What is measured of a run on images as it goes on: how good they are, and how new."""

import math
import time
from collections.abc import Callable

import torch

from gantut.data import creatures
from gantut.lessons.new_creatures import Judge

KID = "kid"


class Measures:
    """The measures of a run: what they say of what is known, and how long they take.

    Parameters
    ----------
    run : Run
    data : tensor, shape (n, channels, size, size)
        With mirror images behind the others, where the run learns them.
    device
    say : function of a line of text

    Attributes
    ----------
    functions : dict of functions
        By name, as `gantut.training.train` takes them; empty where nothing is measured.
    best : str or None
        By which the best snapshot is chosen.
    """

    def __init__(self, run, data, device, say: Callable[[str], None]):
        self.functions, self.best, self.seconds = {}, None, 0.0
        if not run.measure:
            return
        known = {}
        if run.data == "creatures":
            held = creatures("holdout", alive=True, channels=run.channels).images.to(device)
            known = {"held": held, "groups": creatures("train", alive=True).groups.to(device)}
        judge = Judge((data[: len(data) // 2] if run.mirror else data).to(device), **known)
        self.functions = {name: self._timed(function) for name, function in judge.measures.items()}
        self.best = KID if self.functions else None
        told = ", ".join(f"{value:.3f} for {what}" for what, value in judge.controls.items())
        say(f"KID:  {told}; less is better" if told else "KID:  not measured, as there are too few images")

    def _timed(self, function):
        def timed(samples: torch.Tensor) -> torch.Tensor:
            start = time.perf_counter()
            try:
                return function(samples)
            finally:
                self.seconds += time.perf_counter() - start

        return timed

    def summary(self, history, seconds: float) -> str | None:
        """Return a line on a run that took so many seconds: its measures at the end and at their best."""
        if not self.functions:
            return None
        medians = {name: rows.double().nanmedian(1).values for name, rows in history.metrics.items()}
        kid, steps = medians[KID], history.evaluated
        best = int(kid[1:].nan_to_num(math.inf).argmin()) + 1 if len(kid) > 1 else 0
        line = f"KID {kid[-1]:.3f} at the end, {kid[best]:.3f} at its best, after {int(steps[best])} steps"
        if "copies" in medians:
            line += f"; {medians['copies'][-1]:.0%} copies, where new images have 2%"
        return f"{line}. Measuring took {self.seconds / max(seconds, 1e-9):.1%} of the time"
