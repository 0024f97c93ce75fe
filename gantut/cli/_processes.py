"""Which process this is, and of how many: a single one, or one of those that torchrun has started."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import torch
from torch import distributed

from gantut.device import choose_device

PATIENCE = timedelta(minutes=10)  # how long a process waits for the others before it takes them for lost


class Place(NamedTuple):
    """Where a process stands among those of its run."""

    #: the number of this process, from 0 on; number 0 speaks and writes for all
    rank: int = 0
    #: how many there are
    world: int = 1
    #: the number of this process on its machine
    local: int = 0
    #: how often torchrun has started them anew
    restarts: int = 0

    @property
    def speaks(self) -> bool:
        """Whether this is the process that writes for all."""
        return self.rank == 0


def place() -> Place:
    """Return where this process stands, as the variables RANK, WORLD_SIZE, ... of torchrun say."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "TORCHELASTIC_RESTART_COUNT")
    return Place(*(int(os.environ.get(name) or default) for name, default in zip(names, Place(), strict=True)))


def own_device(name: str | None, where: Place) -> torch.device:
    """Return the device of this process: where there are several on a machine, each has a GPU of its own."""
    device = choose_device(name)
    if device.type == "cuda" and device.index is None and where.world > 1:
        return torch.device("cuda", where.local % torch.cuda.device_count())
    return device


@contextmanager
def process_group(where: Place, device: torch.device) -> Iterator[None]:
    """Within this, the processes of a run can talk to each other: by NCCL between GPUs, by Gloo between processors.

    Processes that torchrun starts anew find the store of those before them, and in it the addresses of the dead: so
    each start has a part of the store to itself.
    """
    backend = "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)
        backend = "nccl"
    store, rank, world = next(iter(distributed.rendezvous("env://", timeout=PATIENCE)))
    store = distributed.PrefixStore(f"start-{where.restarts}", store)
    distributed.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def is_of_processes(error: RuntimeError) -> bool:
    """Whether an error says that the talk between processes has broken off; Gloo has no class of errors for that."""
    return isinstance(error, distributed.DistError) or "gloo" in str(error)


@contextmanager
def told_to_stop() -> Iterator[None]:
    """Within this, a request to end (SIGTERM, as from torchrun or a batch system) is taken as Ctrl-C is."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
