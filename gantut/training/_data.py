"""Real samples, whatever they come as: tensors, arrays, data sets, loaders and distributions, each as a stream."""

import hashlib
import math
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from gantut import _inputs
from gantut.device import seeded
from gantut.training._streams import EpochStream, IndexStream, Stream


class Data(NamedTuple):
    """A source of real samples.

    Attributes
    ----------
    event : tuple of int
        The shape of a sample.
    stream : function (batches, batch_size, seeds, device) -> Stream
        Returns batches for each member, in single precision.
    fingerprint : function () -> dict
        Returns what tells these samples from others.
    resumable : bool
        Whether its streams can be saved.
    """

    event: tuple[int, ...]
    stream: Callable[[int, int, Sequence[int], Any], Stream]
    fingerprint: Callable[[], dict]
    resumable: bool = True


def digest(samples: torch.Tensor) -> dict:
    """Return the shape and the hash of samples in memory."""
    content = samples.detach().cpu().contiguous()
    return {"shape": list(content.shape), "sha256": hashlib.sha256(content.numpy().tobytes()).hexdigest()}


class DatasetStream(IndexStream):
    """Batches of a map-style data set; what its items draw from PyTorch's global random numbers is seeded."""

    def __init__(self, dataset, batches, batch_size, seeds, device):
        super().__init__(len(dataset), batches, batch_size, seeds, "cpu")
        self.data, self.seeds, self.to = dataset, seeds, device

    def next(self):
        index = super().next()  # (members, batches, batch)
        rows = [self._samples(seed, own) for seed, own in zip(self.seeds, index, strict=True)]
        return torch.stack(rows).to(self.to, non_blocking=True)

    def _samples(self, seed, index):
        seed = seed << 32 ^ zlib.crc32(index.numpy().tobytes())  # another one in each step, without a state of its own
        with seeded(seed):
            items = [_first(self.data[i]) for i in index.flatten().tolist()]
        return torch.stack(items).float().unflatten(0, index.shape)


class LoaderStream:
    """A loader's samples, cut into batches anew; its own random numbers start from a seed."""

    def __init__(self, loader, event, batches, batch_size, seeds, device):
        self.loader, self.event, self.shape, self.device = loader, event, (1, batches, batch_size), device
        self.iterator, self.waiting, self.state = iter(()), None, None
        with seeded(seeds[0]):
            self.state = torch.get_rng_state()

    def next(self) -> torch.Tensor:
        """Return the samples of the next step, shape (1, batches, batch, *event)."""
        wanted = math.prod(self.shape)
        parts = [] if self.waiting is None else [self.waiting]
        while sum(map(len, parts)) < wanted:
            parts.append(self._batch())
        samples = torch.cat(parts)
        self.waiting = samples[wanted:]
        return samples[:wanted].unflatten(0, self.shape).to(self.device, non_blocking=True)

    def _batch(self):
        with seeded(0):
            torch.set_rng_state(self.state)
            batch = next(self.iterator, None)
            if batch is None:  # the next epoch
                self.iterator = iter(self.loader)
                batch = next(self.iterator, None)
            self.state = torch.get_rng_state()
        if batch is None:
            raise ValueError("data must have samples, but the DataLoader is empty")
        batch = _scaled("data", _first(batch)).float()
        if self.event and tuple(batch.shape[1:]) != self.event:
            raise ValueError(f"data must have samples of one shape, {self.event}, not {tuple(batch.shape[1:])}")
        return batch

    def state_dict(self) -> dict:
        """Return nothing: the place in a loader cannot be saved."""
        return {}


def as_data(data, config) -> Data:
    """Return real samples as a source of streams.

    Raises
    ------
    ValueError
        If nothing can be drawn from them; the message says what to do.
    """
    if isinstance(data, DataLoader):
        if config.members > 1:
            raise ValueError(
                "data must not be a DataLoader for several members, each of which shuffles for itself: pass its "
                "data set, data=loader.dataset"
            )
        event = tuple(LoaderStream(data, (), 1, 1, (0,), "cpu").next().shape[3:])
        about = {"loader": type(data).__name__}
        return Data(event, partial(LoaderStream, data, event), lambda: about, resumable=False)
    if isinstance(data, IterableDataset):
        raise ValueError("data must not be an IterableDataset: wrap it, data=torch.utils.data.DataLoader(data, ...)")
    if not isinstance(data, torch.Tensor | np.ndarray | Dataset):
        return _distribution(data)
    if isinstance(data, Dataset):
        first = _item(data)
        about = {"dataset": type(data).__name__, "length": len(data), "draws": first.double()}
        found = Data(tuple(first.shape), partial(DatasetStream, data), lambda: about)
    else:
        data = _samples(data)
        found = Data(tuple(data.shape[1:]), partial(EpochStream, data), partial(digest, data))
    if config.batch_size > len(data):
        samples = f"{len(data)}, the number of samples in data"
        raise ValueError(f"batch_size must be at most {samples}, not {config.batch_size}")
    return found


def _distribution(data):
    if not hasattr(data, "sample") or not hasattr(data, "event_shape"):
        hint = ": write torch.tensor(data)" if isinstance(data, list | tuple) else ""
        raise ValueError(
            "data must be a tensor, an array, a Dataset, a DataLoader, or a distribution of torch.distributions or "
            f"gantut.data, not {type(data).__name__}{hint}"
        )
    event, several = tuple(data.event_shape), tuple(getattr(data, "batch_shape", ()))
    if len(event) > 1 or several:
        raise ValueError(
            f"data must be one distribution of numbers or of vectors, not one with event_shape {event} and batch_shape "
            f"{several}: torch.distributions.Independent makes one of several"
        )

    def drawn(shape, source):
        """Return samples (*shape, *event) on the CPU, in the dtype of the distribution."""
        if isinstance(data, torch.distributions.Distribution):  # these know global random numbers only
            with seeded(int(torch.randint(2**62, (), generator=source, device="cpu")), *_devices(data)):
                x = data.sample(shape)
        else:
            x = data.sample(shape, generator=source)
        return x if event else x.unsqueeze(-1)

    def stream(batches, batch_size, seeds, device):
        def draw(steps, source, member):
            return drawn((steps, batches, batch_size), source).float()

        return Stream(draw, seeds, batches * batch_size * math.prod(event), device)

    def fingerprint():
        draws = drawn((64,), torch.Generator().manual_seed(0))
        return {"distribution": type(data).__name__, "draws": draws.detach().double().cpu()}

    try:
        draws = drawn((2, 3), torch.Generator().manual_seed(0))
    except TypeError as error:
        raise ValueError(
            f"data must be a distribution that draws from a given generator, as those of gantut.data, not "
            f"{type(data).__name__} ({error})"
        ) from None
    if tuple(draws.shape) != (2, 3, *(event or (1,))):
        raise ValueError(
            f"data must have samples of shape (2, 3, {', '.join(map(str, event))}) where (2, 3) are asked for, not "
            f"{_inputs.shape(draws)}"
        )
    _inputs.finite_entries("data", draws)
    return Data(event or (1,), stream, fingerprint)


def _samples(data):
    data = torch.from_numpy(np.ascontiguousarray(data)) if isinstance(data, np.ndarray) else data
    data = _inputs.floating("data", _scaled("data", data)).float()
    if data.ndim < 2 or not data.numel():
        hint = ": write data[:, None] for numbers" if data.ndim == 1 and data.numel() else ""
        raise ValueError(f"data must have shape (n, *event), with no size 0, not {_inputs.shape(data)}{hint}")
    _inputs.finite_entries("data", data)
    return data


def _scaled(name, x):
    """Require floating point numbers; of pictures, say how to get them."""
    if x.dtype == torch.uint8:
        raise ValueError(f"{name} must be floating point, not torch.uint8: scale it, {name}.float() / 127.5 - 1")
    if not x.is_floating_point():
        raise ValueError(f"{name} must be floating point, not {x.dtype}: write {name}.float(), of a size around 1")
    return x


def _first(item):
    """Return the sample of an item: the first of a tuple or list, such as (sample, label)."""
    item = item[0] if isinstance(item, tuple | list) else item
    if isinstance(item, np.ndarray):
        item = torch.from_numpy(item)
    if not isinstance(item, torch.Tensor):
        raise ValueError(
            f"data must have tensors as samples, or tuples that begin with one, not {type(item).__name__}: for "
            "pictures give the data set transform=torchvision.transforms.ToTensor()"
        )
    return item


def _item(dataset):
    """Return the first sample of a data set."""
    if not len(dataset):
        raise ValueError("data must have samples, but the Dataset is empty")
    with seeded(0):
        item = _first(dataset[0])
    if not item.ndim:
        raise ValueError("data must have samples of shape (d,) or more, but those of the Dataset are single numbers")
    return _scaled("data", item).float()


def _devices(distribution):
    """Return the devices on which a distribution of PyTorch draws."""
    tensors = [value for value in vars(distribution).values() if isinstance(value, torch.Tensor)]
    bases = [value for value in vars(distribution).values() if isinstance(value, torch.distributions.Distribution)]
    return {tensor.device for tensor in tensors}.union(*map(_devices, bases))
