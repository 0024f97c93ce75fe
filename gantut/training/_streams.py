"""Random draws for every member from generators of its own, made in blocks and handed out step by step.

Draws are made on the CPU, several steps at once, and then moved: so a seed means the same draws on every device, the
loop never waits for the CPU, and what a member draws does not depend on the population that it is in.
"""

import math
from collections.abc import Callable, Sequence

import torch

from gantut.device import draw_noise

# A block holds at most about this many numbers a member, but at least one step and no more than so many.
BLOCK_NUMBERS, BLOCK_STEPS = 2**15, 64


class Stream:
    """What one purpose draws, step by step, for each member.

    Parameters
    ----------
    draw : function (steps, generator, member) -> tensor, shape (steps, \\*shape)
    seeds : sequence of int
        One a member.
    numbers : int
        How many numbers a step takes, which decides the length of a block.
    device
    """

    def __init__(self, draw: Callable, seeds: Sequence[int], numbers: int, device):
        self.draw, self.device = draw, device
        self.sources = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.steps = min(max(BLOCK_NUMBERS // max(numbers, 1), 1), BLOCK_STEPS)
        self.position, self.block, self.before = self.steps, None, None

    def next(self) -> torch.Tensor:
        """Return the draws of the next step, shape (members, \\*shape)."""
        if self.position == self.steps:
            self._fill()
        self.position += 1
        return self.block[self.position - 1]

    def _fill(self):
        self.before = [source.get_state() for source in self.sources]
        draws = [self.draw(self.steps, source, member) for member, source in enumerate(self.sources)]
        self.block = torch.stack(draws, 1).to(self.device, non_blocking=True)  # (steps, members, *shape)
        self.position = 0

    def state_dict(self) -> dict:
        """Return what :meth:`load_state_dict` needs: the generators before the block, and the place in it."""
        states = self.before or [source.get_state() for source in self.sources]
        return {"sources": torch.stack(states), "position": self.position if self.before else -1}

    def load_state_dict(self, state: dict) -> None:
        """Go back to where :meth:`state_dict` was called: draw its block again, and go to the place in it."""
        for source, before in zip(self.sources, state["sources"], strict=True):
            source.set_state(before.cpu().clone())
        self.position, self.block, self.before = self.steps, None, None
        if state["position"] >= 0:
            self._fill()
            self.position = state["position"]


def noise_stream(kind: str, shape: tuple[int, ...], seeds, device) -> Stream:
    """Noise of one kind: for the generator, or for the points of a penalty."""

    def draw(steps, source, member):
        return draw_noise(kind, (steps, *shape), source)

    return Stream(draw, seeds, math.prod(shape), device)


class FadingStream(Stream):
    """Noise that fades: N(0, 1) of a shape, multiplied by `scale(t)` in step t = 0, 1, ..."""

    def __init__(self, scale: Callable[[int], float], shape: tuple[int, ...], seeds, device):
        super().__init__(noise_stream("gaussian", shape, seeds, device).draw, seeds, math.prod(shape), device)
        self.scale, self.taken = scale, 0

    def next(self):
        self.taken += 1
        return super().next() * self.scale(self.taken - 1)

    def state_dict(self):
        return super().state_dict() | {"taken": self.taken}

    def load_state_dict(self, state):
        self.taken = int(state["taken"])
        super().load_state_dict(state)


class IndexStream(Stream):
    """Which samples of a data set make up batches: each member shuffles anew every epoch.

    Every sample is used at most once in an epoch. The samples that are left over when an epoch has no full batch any
    more wait for another epoch.
    """

    def __init__(self, samples: int, batches: int, batch_size: int, seeds, device):
        super().__init__(self._indices, seeds, batches * batch_size, device)
        self.shape = (batches, batch_size)
        self.samples, self.per_epoch = samples, samples // batch_size  # the latter in full batches
        self.orders = [None for _ in seeds]  # of the present epoch, (per_epoch, batch)
        self.used = [self.per_epoch for _ in seeds]  # batches of it
        self.epochs_before = None

    def _indices(self, steps, source, member):
        rows = []
        wanted = steps * self.shape[0]
        while wanted:
            if self.used[member] == self.per_epoch:
                order = torch.randperm(self.samples, generator=source, device="cpu")
                self.orders[member] = order[: self.per_epoch * self.shape[1]].reshape(self.per_epoch, -1)
                self.used[member] = 0
            first, take = self.used[member], min(wanted, self.per_epoch - self.used[member])
            rows.append(self.orders[member][first : first + take])
            self.used[member] += take
            wanted -= take
        return torch.cat(rows).reshape(steps, *self.shape)

    def _fill(self):
        self.epochs_before = self._epochs()
        super()._fill()

    def _epochs(self):
        width = self.per_epoch * self.shape[1]
        orders = [torch.full((width,), -1) if order is None else order.reshape(-1) for order in self.orders]
        return {"orders": torch.stack(orders), "used": torch.tensor(self.used)}

    def state_dict(self):
        return super().state_dict() | (self.epochs_before or self._epochs())

    def load_state_dict(self, state):
        self.used = state["used"].tolist()
        self.orders = [order.reshape(self.per_epoch, -1) for order in state["orders"].cpu()]
        super().load_state_dict(state)


class EpochStream(IndexStream):
    """Batches of a data set, shape (n, \\*event); or of each member's own, shape (members, n, \\*event)."""

    def __init__(self, data: torch.Tensor, batches: int, batch_size: int, seeds, device, *, own: bool = False):
        super().__init__(data.shape[1] if own else len(data), batches, batch_size, seeds, device)
        self.data = data.to(device) if own else data.to(device).expand(len(seeds), *data.shape)
        self.rows = torch.arange(len(seeds), device=device)[:, None, None]

    def next(self):
        return self.data[self.rows, super().next()]  # (members, batches, batch, *event)
