"""What all metrics do with a population: measure each member, and return NaN for those that have diverged."""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch

from gantut import _inputs

TINY = 2.0**-300  # where all coordinates are smaller, their squares may vanish


class Population(NamedTuple):
    """Point clouds, one per member, or the statistics of each, prepared for measuring."""

    values: torch.Tensor  # in double precision, without gradients; all 0 for a member that has diverged
    alive: torch.Tensor  # which members are finite, shape (...) of the population
    dtype: torch.dtype  # of the answer: that of the input

    @property
    def batch(self):
        """The shape of the population; () for a single point cloud."""
        return self.alive.shape

    def answer(self, result, *, own=0):
        """Return the result, NaN for diverged members, in the caller's dtype; `own` dimensions belong to a member."""
        return result.masked_fill(~_with_dims(self.alive, own), torch.nan).to(self.dtype)


def population(name, value, *, own=2, reference=False):
    """Return a validated tensor as a population whose members have `own` dimensions.

    A member with an entry that is not finite, or too large to be squared, has diverged. A single point cloud or a
    `reference` must not have diverged: nothing would be left to measure.
    """
    _inputs.untransformed(**{name: value})
    values = value.detach().double()
    alive = torch.isfinite(values.square().flatten(values.ndim - own).sum(-1))
    if (reference or value.ndim == own) and not alive.all():
        _inputs.finite_entries(name, value)
        raise ValueError(f"{name} must be small enough to be squared, but reaches {values.abs().max().item():.3g}")
    if not alive.all():
        values = values.masked_fill(~_with_dims(alive, own), 0.0)
    return Population(values, alive, value.dtype)


def pair(samples, reference, *, least=1, why="", names=("samples", "reference")):
    """Return samples (..., n, d) and a reference (..., m, d) that match; only samples may have diverged members."""
    first, second = names
    samples, reference = _inputs.promoted(**{first: samples, second: reference})
    for name, value in ((first, samples), (second, reference)):
        _inputs.cloud(name, value, least=least, why=why)
    _inputs.same_dimension(**{first: samples, second: reference})
    return population(first, samples), population(second, reference, reference=True)


def each_member(measure, *tensors, own):
    """Apply `measure` to each member in turn, of tensors whose batches broadcast, with `own` dimensions each.

    Memory is then needed for one member at a time; a member is large enough to keep a device busy.
    """
    batch = np.broadcast_shapes(*(t.shape[: t.ndim - n] for t, n in zip(tensors, own, strict=True)))
    tensors = [t.expand(*batch, *t.shape[t.ndim - n :]) for t, n in zip(tensors, own, strict=True)]  # views, no copies
    results = [measure(*(t[index] for t in tensors)) for index in itertools.product(*map(range, batch))]
    if not results:  # what a member would be measured as tells the shape
        result = measure(*(t.new_zeros(t.shape[t.ndim - n :]) for t, n in zip(tensors, own, strict=True)))
        return result.new_zeros((*batch, *result.shape))
    return torch.stack(results).reshape((*batch, *results[0].shape))


def suited_unit(*values):
    """1; or where all numbers are tiny, the power of two that makes them ordinary."""
    size = max((value.abs().amax().item() for value in values if value.numel()), default=0.0)
    return 2.0 ** math.frexp(size)[1] if 0 < size < TINY else 1.0


def distances(x, y):
    """Return the distances (n, m) between two point clouds."""
    unit = suited_unit(x, y)
    # not by a matrix product, which would lose the digits in which the samples of a collapsed generator differ
    return torch.cdist(x / unit, y / unit, compute_mode="donot_use_mm_for_euclid_dist").mul_(unit)


def _with_dims(alive, own):
    return alive.reshape((*alive.shape, *(1 for _ in range(own))))
