"""What the benches share: contestants that run in turn, and where a record comes from."""

import importlib.metadata
import json
import math
import os
import platform
import random
import statistics
import time
from pathlib import Path

import torch

from gantut.checkpoints import write_atomically
from gantut.lessons._records import commit

RESULTS = Path(__file__).resolve().parents[1] / "book" / "results"


TURN = 1e-3  # seconds that a turn takes at least: the clock itself takes half a microsecond


def race(contestants, *, repeats, clock=time.process_time):
    """Run each contestant in turn, `repeats` times; return the median seconds and the last answer of each.

    A turn is one call, or of short ones as many as fill a millisecond, so that all find their code in the cache. The
    order changes each time: who comes after a near relative finds its data there, too. Seconds are of the processor, of
    all threads together: on one thread, what else runs on the machine does not count.
    """
    seconds, answers = {name: [] for name in contestants}, {}
    order, source = list(contestants.items()), random.Random(0)
    calls = dict.fromkeys(contestants, 1)
    for _ in range(repeats):
        source.shuffle(order)
        for name, run in order:
            start = clock()
            for _ in range(calls[name]):
                answers[name] = run()
            spent = (clock() - start) / calls[name]
            seconds[name].append(spent)
            calls[name] = max(1, math.ceil(TURN / max(spent, 1e-7)))
    return {name: statistics.median(times) for name, times in seconds.items()}, answers


def on_all_cores(contestants, *, repeats):
    """The same race with as many threads as there are cores, by the clock on the wall: ratio to the fastest peer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count())
    try:
        medians, _ = race(contestants, repeats=repeats, clock=time.perf_counter)
    finally:
        torch.set_num_threads(threads)
    return min(medians[name] for name in medians if name != "gantut") / medians["gantut"]


def provenance(packages):
    """Where a record comes from: command, commit, machine, versions; and how many processes ran in the last minutes."""
    return {
        "command": "make bench",
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPU cores, {torch.get_num_threads()} thread in use",
        "processor": _processor(),
        "load": round(os.getloadavg()[1], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages if _installed(name)},
        "seed": 0,
    }


def _processor():
    """The processor's model, where Linux tells it, and the instruction set that PyTorch uses."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return f"{model}, {torch.backends.cpu.get_cpu_capability()}"


def write(name, document):
    """Write a record to book/results."""
    RESULTS.mkdir(exist_ok=True)
    write_atomically(RESULTS / f"{name}.json", json.dumps(document, indent=1) + "\n")
    print("written to", RESULTS / f"{name}.json")


def _installed(name):
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False
