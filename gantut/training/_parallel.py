r"""One run on several processes: each computes its share of every batch, and all take the same step.

.. math:: \nabla L = \nabla\,\frac1N\sum_{r=1}^{N} L_r = \frac1N\sum_{r=1}^{N} \nabla L_r,
   \qquad L_r \text{ the mean over share } r \text{ of the batch}

Every process draws the same random numbers for the whole batch, from the seeds of the run, and takes its own share of
them: of N processes, every N-th sample. So the run is that of a single process up to rounding, however many processes
there are, and a checkpoint of it can be gone on with by any number of them.

All parameters of a network have their gradients in one tensor (``_learners``), so what is exchanged is one all-reduce
of that tensor in each step of each network. `torch.nn.parallel.DistributedDataParallel` would exchange the same numbers
in several buckets, as hooks on the parameters fire during ``backward``: that saves waiting where networks are so large
that the exchange takes longer than the computation. It does not fit here: its hooks fire with ``backward`` only and not
with `torch.autograd.grad`, by which the gradients of a penalty in samples, and of one network without the other, are
taken; each of the critic's three passes would have to go through one call of one module; and the generator's step,
which runs through the critic, would average gradients of the critic that nobody asked for.

Samples that see each other are seen across processes, too, or are of one process. Batch normalisation of convolutional
networks takes its statistics over the whole batch; the groups in which a residual critic compares samples are whole in
each share; and features that a loss averages over a batch are collected first.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import distributed

from gantut.networks import DCGANCritic, DCGANGenerator, ResidualCritic

# Which axis of a step's draws is the batch; of those that are not named here it is axis 2, after members and batches.
BATCH_AXES = {"instance noise": 3, "augmentation": 3}


class DataParallel:
    """How a batch is divided among the processes of the default process group of `torch.distributed`.

    Parameters
    ----------
    config : Config
        Of the run; its batch size must be a multiple of the number of processes.
    labelled : None
        Labelled samples of the run, which cannot be divided.

    Raises
    ------
    ValueError
        If there is no process group, or the run cannot be divided.
    """

    def __init__(self, config, labelled=None):
        _require_means(config)
        if labelled is not None:
            raise ValueError("data_parallel must be False with labelled samples, which have batches of their own")
        if not (distributed.is_available() and distributed.is_initialized()):
            raise ValueError(
                "data_parallel must be False without a process group: call torch.distributed.init_process_group first"
            )
        self.rank, self.world = distributed.get_rank(), distributed.get_world_size()
        if config.batch_size % self.world:
            shares = f"the {self.world} processes that share it"
            raise ValueError(f"batch_size must be a multiple of {shares}, not {config.batch_size}")
        self.size = config.batch_size // self.world

    def share(self, name: str, draws: torch.Tensor) -> torch.Tensor:
        """Return this process's share of what was drawn for a purpose."""
        return self.own(draws, BATCH_AXES.get(name, 2))

    def own(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        """Return every N-th entry along an axis; of groups of every n/g-th sample, a share then has whole ones."""
        return x.unflatten(axis, (-1, self.world)).select(axis + 1, self.rank)

    @torch.no_grad()
    def average(self, tensor: torch.Tensor) -> torch.Tensor:
        """Put the mean over all processes in place of each one's numbers, and return the tensor."""
        distributed.all_reduce(tensor)
        return tensor.div_(self.world)

    def collect(self, features: torch.Tensor) -> torch.Tensor:
        """Return the features (members, share, ...) of all shares, shape (members, batch, ...), differentiably."""
        return _Collect.apply(features, self)

    @contextmanager
    def synchronised(self, networks) -> Iterator[None]:
        """Within this, batch normalisation of convolutional networks takes its statistics over all shares.

        Raises
        ------
        ValueError
            If samples see each other in a network in some other way.
        """
        both = zip((networks.generator, networks.critic), networks.apart, strict=True)
        norms = [norm for network, apart in both for norm in _batch_norms(network, apart, self.size)]
        for norm in norms:
            norm.normalise = partial(whole_batch_norm, norm, self)
        try:
            yield
        finally:
            for norm in norms:
                del norm.normalise  # that of its class is found again

    def require_agreement(self, values: Iterable[torch.Tensor]) -> None:
        """Require that all processes have the same numbers, bit by bit.

        Raises
        ------
        ValueError
        """
        sums = torch.stack([value.detach().double().sum() for value in values]).nan_to_num()
        largest, smallest = sums.clone(), sums.clone()
        distributed.all_reduce(largest, distributed.ReduceOp.MAX)
        distributed.all_reduce(smallest, distributed.ReduceOp.MIN)
        if not torch.equal(largest, smallest):
            raise ValueError(
                "data, settings and software must be the same on all processes, whose parameters now differ"
            )


def _require_means(config):
    """Require losses of which a process can compute its share: means over the batch."""
    if config.unrolled:
        raise ValueError("data_parallel must be False with unrolled steps, which look ahead on the whole batch")
    if config.constraint is not None and config.constraint.whole_batch:
        raise ValueError("data_parallel must be False with a penalty around the data, which measures the whole batch")


def _batch_norms(network, apart, share):
    """Return the layers of a network in which samples of different shares see each other."""
    if isinstance(network, ResidualCritic):
        if share % network.group:
            raise ValueError(
                f"batch_size must give each process whole groups of {network.group} samples, which the critic compares "
                f"with each other, not {share} samples"
            )
        return []
    if isinstance(network, DCGANGenerator | DCGANCritic):
        return list(network.statistics)
    if not apart:
        raise ValueError(
            f"data_parallel must be False with a {type(network).__name__} whose samples see each other: a process sees "
            "its own share only"
        )
    return []


class _Collect(torch.autograd.Function):
    """From a share of the features to all of them.

    Each process computes the same loss from all features, and adds to the gradient what comes through its own. The sum
    over processes is the gradient, and as means are what is exchanged, each part is multiplied by their number.
    """

    @staticmethod
    def forward(ctx, features, parallel):
        ctx.parallel = parallel
        parts = [torch.empty_like(features, memory_format=torch.contiguous_format) for _ in range(parallel.world)]
        distributed.all_gather(parts, features.contiguous())
        return torch.stack(parts, 2).flatten(1, 2)  # in the order of the batch

    @staticmethod
    def backward(ctx, slope):
        parallel = ctx.parallel
        return parallel.own(slope, 1) * parallel.world, None


class _Average(torch.autograd.Function):
    """The mean of a tensor over all processes; its gradient is the mean of theirs."""

    @staticmethod
    def forward(ctx, tensor, parallel):
        ctx.parallel = parallel
        return parallel.average(tensor.clone(memory_format=torch.contiguous_format))

    @staticmethod
    def backward(ctx, slope):
        return ctx.parallel.average(slope.clone(memory_format=torch.contiguous_format)), None


def whole_batch_norm(
    norm, parallel: DataParallel, h: torch.Tensor, member: int, gain: torch.Tensor, bias: torch.Tensor
):
    r"""Batch normalisation of one member's share, by the mean and variance of the whole batch.

    .. math:: \mu = \frac1N\sum_r \overline{h_r}, \qquad \sigma^2 = \frac1N\sum_r \overline{(h_r - \mu)^2}

    In evaluation, by the running statistics, as on a single process.

    Parameters
    ----------
    norm : BatchNorm
        Of `gantut.networks`; its running statistics move as they would on a single process.
    parallel : DataParallel
    h : tensor, shape (share, channels, height, width)
    member : int
    gain, bias : tensors, shape (channels,)

    Returns
    -------
    tensor, of the shape of h
    """
    if not norm.training:
        return type(norm).normalise(norm, h, member, gain, bias)
    over, dtype = (0, 2, 3), h.dtype
    h = h.float()  # statistics are in single precision, also where h is in bfloat16
    mean = _Average.apply(h.mean(over), parallel)  # (channels,)
    away = h - mean[:, None, None]
    variance = _Average.apply(away.square().mean(over), parallel)
    count = h.numel() // h.shape[1] * parallel.world
    with torch.no_grad():
        norm.running_mean[member].lerp_(mean, norm.momentum)
        norm.running_var[member].lerp_(variance * count / (count - 1), norm.momentum)
    scale = gain * (variance + norm.eps).rsqrt()
    return (away * scale[:, None, None] + bias[:, None, None]).to(dtype)
