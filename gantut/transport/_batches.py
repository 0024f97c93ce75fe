"""What the solvers share: validated clouds of points, one batch dimension whatever was given, and threads."""

import contextlib
import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from gantut import _inputs

FEW_ENTRIES = 1 << 17  # of all matrices of costs of a batch: a second thread saves a third of a millisecond at most


def point_clouds(x, y, a, b):
    """Validate two weighted clouds; masses that are not given are equal shares."""
    x, y = _inputs.points(x=x, y=y)
    a = _inputs.point_masses("a", a, x, of="x")
    b = _inputs.point_masses("b", b, y, of="y")
    _inputs.untransformed(x=x, y=y, a=a, b=b)
    _inputs.only_backward(x=x, y=y, a=a, b=b)
    return x, y, *_inputs.masses(a=a, b=b)


def common_batch(*shapes):
    """The shape that shapes broadcast to."""
    return shapes[0] if all(shape == shapes[0] for shape in shapes) else np.broadcast_shapes(*shapes)


def flattened(tensor, batch, own):
    """Return the tensor in double precision for each problem of the batch, shape (problems, its last `own` dims)."""
    kept = tensor.shape[tensor.ndim - own :]
    if not batch:
        return tensor.double()[None]
    return tensor.double().expand(*batch, *kept).reshape(-1, *kept)


def all_digits(device):
    """Within this, products keep their digits where a user has switched on autocast, which leaves three of them."""
    available = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if available else contextlib.nullcontext()


@contextlib.contextmanager
def suited_threads(a, b, batch, *, few_for_one=FEW_ENTRIES):
    """Within this, PyTorch works on a small problem of masses (..., n) and (..., m) on one thread of the CPU.

    More gain little there, and on busy cores every operation waits until the last of them has had its turn. Problems of
    all sizes are worked on with all digits.
    """
    threads = torch.get_num_threads()
    alone = threads > 1 and a.device.type == "cpu"
    if alone:
        problems = max(a[..., 0].numel(), b[..., 0].numel(), math.prod(batch))
        alone = problems * a.shape[-1] * b.shape[-1] <= (few_for_one if problems == 1 else FEW_ENTRIES)
    try:
        if alone:
            torch.set_num_threads(1)
        with all_digits(a.device):
            yield
    finally:
        if alone:
            torch.set_num_threads(threads)


def in_threads(work, items, *, worth=True):
    """The results of work on each item, in as many threads as PyTorch may use, if they are worth what they cost.

    It pays for work that lets go of the interpreter's lock: numpy's sorting, POT's simplex, what Numba compiled.
    """
    if len(items) < 2 or not worth or torch.get_num_threads() < 2:
        return [work(item) for item in items]
    workers = min(len(items), torch.get_num_threads(), os.cpu_count() or 1)
    if workers < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))
