"""Steps captured once on CUDA and then replayed: hundreds of small kernels for the price of one launch.

A graph is checked against the step that it was captured from before it is trusted; where the two differ (a network
that draws random numbers of its own, or keeps count in Python), steps run as they are written.
"""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

import torch

WARM = 3  # steps before one is captured: libraries choose their algorithms, optimizers make their memory
AGREEMENT = 0.01  # of a step's own change: far above the rounding of other kernels, far below a term that is missing


class Recording(NamedTuple):
    """A captured function: calling `replay` computes `outputs` anew, in the same memory, from the same inputs."""

    replay: Callable[[], None]
    outputs: dict[str, torch.Tensor]


class CUDAGraphStep:
    """A step of the loop that runs as it is written at first, is then captured, and then replayed.

    Parameters
    ----------
    step : function (draws) -> losses
        From tensors by name to tensors by name; changes `memory` in place.
    memory : function () -> list of tensors
        Everything that `step` changes in place.
    record : function (step, draws) -> Recording
        Captures `step` on draws that stay where they are in memory, and leaves `memory` as it was.
    """

    def __init__(self, step: Callable, memory: Callable, record: Callable | None = None):
        self.step, self.memory, self.record = step, memory, record or record_on_cuda
        self.taken, self.recording, self.draws = 0, None, None

    def __call__(self, draws: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Take one step; its losses are to be copied before the next one."""
        if self.recording is not None:
            for name, draw in draws.items():
                self.draws[name].copy_(draw)
            self.recording.replay()
            return dict(self.recording.outputs)
        self.taken += 1
        return self._capture(draws) if self.taken == WARM + 1 else self.step(draws)

    def _capture(self, draws):
        """Take a step, capture it, and keep the recording if it does the same."""
        static = {name: draw.clone() for name, draw in draws.items()}
        before = _copies(self.memory())
        losses = self.step(static)
        after = _copies(self.memory())
        _put(self.memory(), before)
        try:
            recording = self.record(self.step, static)
            recording.replay()
        except RuntimeError as error:  # an operation that has to wait for the device, say
            reason = str(error).splitlines()[0]
        else:
            reason = "replayed, it does not repeat the step that it was captured from"
            if _agree(self.memory(), after, before) and _agree(recording.outputs.values(), losses.values()):
                self.recording, self.draws = recording, static
                return dict(recording.outputs)
        _put(self.memory(), after)
        warnings.warn(f"training runs without a CUDA graph, which is slower: {reason}", stacklevel=2)
        return losses


def record_on_cuda(step: Callable, draws: dict[str, torch.Tensor]) -> Recording:
    """Capture a function as a CUDA graph, without running it."""
    graph = torch.cuda.CUDAGraph()
    torch.cuda.synchronize()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        outputs = step(draws)
    return Recording(graph.replay, outputs)


@contextmanager
def tensor_cores(device: torch.device):
    """Within this, matrix products on CUDA round their factors to 10 bits (TF32), which training tolerates.

    Only training steps run so; products for samples, metrics and distances are in full precision. Convolutions are
    rounded so everywhere, as PyTorch does by itself (``torch.backends.cudnn.allow_tf32``); within this cuDNN adds them
    in one order, so that a run that is repeated has the same bits.
    """
    if device.type != "cuda":
        yield
        return
    precision, deterministic = torch.get_float32_matmul_precision(), torch.backends.cudnn.deterministic
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.deterministic = deterministic


def _copies(tensors):
    return [tensor.detach().clone() for tensor in tensors]


def _put(tensors, values):
    for tensor, value in zip(tensors, values, strict=True):
        tensor.detach().copy_(value)


def _agree(found, expected, before=None) -> bool:
    """Whether tensors are as expected, up to a small part of how far they have come."""
    found, expected = list(found), list(expected)
    starts = [torch.zeros_like(tensor) for tensor in expected] if before is None else before
    return all(
        _close(a.double(), b.double(), start.double()) for a, b, start in zip(found, expected, starts, strict=True)
    )


def _close(found, expected, start):
    """Compare where the expected numbers are finite: members that have diverged have others."""
    finite = expected.isfinite()
    distance, way = torch.where(finite, found - expected, 0).norm(), torch.where(finite, expected - start, 0).norm()
    return bool(distance <= AGREEMENT * way)
