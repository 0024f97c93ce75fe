"""What the benches share: contestants that run in turn, and where a record comes from."""

import importlib.metadata
import json
import os
import platform
import statistics
import time
from pathlib import Path

import torch

from gantut.checkpoints import write_atomically
from gantut.experiments._records import commit

RESULTS = Path(__file__).resolve().parents[1] / "book" / "results"


def race(contestants, *, repeats):
    """Run each contestant in turn, `repeats` times; return the median seconds and the last answer of each.

    Seconds of the processor, of all threads together: on one thread, what else runs on the machine does not count.
    """
    seconds, answers = {name: [] for name in contestants}, {}
    for _ in range(repeats):
        for name, run in contestants.items():
            start = time.process_time()
            answers[name] = run()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}, answers


def provenance(packages):
    """Where a record comes from: command, commit, machine, versions."""
    return {
        "command": "make bench",
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPU cores, {torch.get_num_threads()} thread in use",
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages if _installed(name)},
        "seed": 0,
    }


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
