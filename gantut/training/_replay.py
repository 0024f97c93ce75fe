"""Rounds recorded once on CUDA and then replayed: hundreds of small kernels for the price of one launch.

What is recorded is checked against what it was recorded from before it is trusted; where the two differ (a network
that draws random numbers of its own, or keeps count in Python), rounds are played as they are written.
"""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

import torch

WARM = 3  # rounds played before one is recorded: libraries choose their algorithms, optimizers make their memory
AGREEMENT = 0.01  # of a round's own change: far above the rounding of other kernels, far below a term that is missing


class Recording(NamedTuple):
    """A recorded function: calling `replay` computes `outputs` anew, in the same memory, from the same inputs."""

    replay: Callable[[], None]
    outputs: dict[str, torch.Tensor]


class CUDAGraphStep:
    """A round that is played, then recorded, then replayed.

    Parameters
    ----------
    play : function (draws) -> losses
        From tensors by name to tensors by name; changes `memory` in place.
    memory : function () -> list of tensors
        Everything that `play` changes in place.
    record : function (play, draws) -> Recording
        Records `play` on draws that stay where they are in memory, and leaves `memory` as it was.
    """

    def __init__(self, play: Callable, memory: Callable, record: Callable | None = None):
        self.play, self.memory, self.record = play, memory, record or record_on_cuda
        self.played, self.recording, self.draws = 0, None, None

    def __call__(self, draws: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Play one round; its losses are to be copied before the next one."""
        if self.recording is not None:
            for name, draw in draws.items():
                self.draws[name].copy_(draw)
            self.recording.replay()
            return dict(self.recording.outputs)
        self.played += 1
        return self._record_and_play(draws) if self.played == WARM + 1 else self.play(draws)

    def _record_and_play(self, draws):
        """Play a round, record it, and keep the recording if it does the same."""
        static = {name: draw.clone() for name, draw in draws.items()}
        before = _copies(self.memory())
        losses = self.play(static)
        after = _copies(self.memory())
        _put(self.memory(), before)
        try:
            recording = self.record(self.play, static)
            recording.replay()
        except RuntimeError as error:  # an operation that has to wait for the device, say
            reason = str(error).splitlines()[0]
        else:
            reason = "it does not repeat the round that it was made from"
            if _agree(self.memory(), after, before) and _agree(recording.outputs.values(), losses.values()):
                self.recording, self.draws = recording, static
                return dict(recording.outputs)
        _put(self.memory(), after)
        warnings.warn(f"the rounds are played without a CUDA graph, which is slower: {reason}", stacklevel=2)
        return losses


def record_on_cuda(play: Callable, draws: dict[str, torch.Tensor]) -> Recording:
    """Record a function as a CUDA graph, without running it."""
    graph = torch.cuda.CUDAGraph()
    torch.cuda.synchronize()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        outputs = play(draws)
    return Recording(graph.replay, outputs)


@contextmanager
def tensor_cores(device: torch.device):
    """Within this, matrix products on CUDA round their factors to 10 bits (TF32): lesson-size games do not notice.

    Only rounds are played so; samples for evaluation, metrics and distances are computed in full precision.
    """
    if device.type != "cuda":
        yield
        return
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)


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
    """Compare where the expected numbers are finite: members that have gone astray have others."""
    finite = expected.isfinite()
    distance, way = torch.where(finite, found - expected, 0).norm(), torch.where(finite, expected - start, 0).norm()
    return bool(distance <= AGREEMENT * way)
