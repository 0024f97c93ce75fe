"""Small problems run on one thread: on busy cores, every operation of two would wait until both have had their turn."""

import os
import threading
import time
from pathlib import Path

import pytest
import torch

from gantut.transport import emd, emd_points, sinkhorn, sinkhorn_divergence, sinkhorn_points

TASKS = Path("/proc/self/task")
pytestmark = pytest.mark.skipif(
    not TASKS.exists(), reason="counts how often the kernel wakes a thread, which Linux tells"
)


def switches(task):
    """How often a thread has gone to sleep or was put aside."""
    lines = (TASKS / task / "status").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


def settled(tasks):
    """How often the threads have been awake, as soon as they sleep."""
    before = None
    while True:
        now = [switches(task) for task in tasks]
        if now == before:
            return now
        before = now
        time.sleep(0.05)


def woken(work):
    """Whether PyTorch's other thread, of two, is woken by work, in a thread of Python that has a pair to itself."""
    found = []

    def run():
        torch.set_num_threads(2)
        others = set(os.listdir(TASKS))
        torch.ones(1 << 20).add_(1)  # starts the other one
        mine = set(os.listdir(TASKS)) - others
        work()  # loads what is loaded once
        before = settled(mine)
        work()
        found.extend([len(mine), settled(mine) != before, torch.get_num_threads()])

    threads = torch.get_num_threads()
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        torch.set_num_threads(threads)
    assert found[0] == 1, "there is one other thread"
    assert found[2] == 2, "and afterwards there may be two again"
    return found[1]


def cloud(n, seed):
    return torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


X, Y, SMALL_X, SMALL_Y = cloud(700, 0), cloud(700, 1), cloud(300, 2), cloud(300, 3)
COST = torch.cdist(X, Y)
MASSES = torch.arange(1, 701, dtype=torch.float64) / sum(range(701))
EQUAL = torch.full((700,), 1 / 700, dtype=torch.float64)

WORK = {
    "emd, equal masses": lambda: emd(EQUAL, EQUAL, COST),
    "emd, any masses": lambda: emd(MASSES, EQUAL, COST),
    "emd_points": lambda: emd_points(X, Y, p=2),
    "sinkhorn": lambda: sinkhorn(EQUAL[:300], EQUAL[:300], COST[:300, :300], 0.1),
    "sinkhorn_points": lambda: sinkhorn_points(SMALL_X, SMALL_Y, reg=0.1),
    "sinkhorn_divergence": lambda: sinkhorn_divergence(SMALL_X, SMALL_Y, reg=0.1),
}


@pytest.mark.parametrize("name", WORK)
def test_a_small_problem_wakes_no_second_thread(name):
    assert not woken(WORK[name])


def test_a_large_pass_does():
    assert woken(lambda: torch.ones(1 << 20).add_(1))
