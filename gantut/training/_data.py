"""Real samples, whatever they come as: tensors, arrays, data sets, loaders and distributions, each as a stream."""

import hashlib
import math
import threading
import zlib
from collections.abc import Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from gantut import _inputs
from gantut.training._streams import EpochStream, IndexStream, Stream

_GLOBAL = threading.Lock()  # threads that train groups of members share PyTorch's global random numbers


class TensorData:
    """A data set in memory, shape (n, *event)."""

    resumable = True

    def __init__(self, samples: torch.Tensor):
        self.samples, self.event = samples, tuple(samples.shape[1:])

    def __len__(self):
        return len(self.samples)

    def stream(self, batches: int, batch_size: int, seeds: Sequence[int], device) -> Stream:
        """Return batches for each member, which shuffles the samples anew every epoch."""
        return EpochStream(self.samples, batches, batch_size, seeds, device)

    def fingerprint(self) -> dict:
        """Return what tells this data set from others."""
        content = self.samples.detach().cpu().contiguous()
        return {"shape": list(content.shape), "sha256": hashlib.sha256(content.numpy().tobytes()).hexdigest()}


class DatasetData:
    """A map-style data set: samples are made one by one, as they are needed."""

    resumable = True

    def __init__(self, dataset: Dataset):
        self.dataset, self.event = dataset, tuple(_item(dataset, 0, 0).shape)

    def __len__(self):
        return len(self.dataset)

    def stream(self, batches: int, batch_size: int, seeds: Sequence[int], device) -> Stream:
        """Return batches for each member, which shuffles the samples anew every epoch."""
        return DatasetStream(self.dataset, batches, batch_size, seeds, device)

    def fingerprint(self) -> dict:
        """Return what tells this data set from others: how many, and the first of them."""
        first = _item(self.dataset, 0, 0)
        return {"dataset": type(self.dataset).__name__, "length": len(self), "draws": first.double()}


class LoaderData:
    """A loader of batches, of whatever size."""

    resumable = False

    def __init__(self, loader: DataLoader):
        self.loader, self.event = loader, ()
        self.event = tuple(LoaderStream(self, 1, 1, 0, "cpu").next().shape[3:])

    def stream(self, batches: int, batch_size: int, seeds: Sequence[int], device) -> Stream:
        """Return the loader's samples in batches of this size, epoch after epoch."""
        return LoaderStream(self, batches, batch_size, seeds[0], device)

    def fingerprint(self) -> dict:
        """Return that a loader's samples are not known."""
        return {"loader": type(self.loader).__name__}


class DistributionData:
    """A distribution, from which each member draws afresh."""

    resumable = True

    def __init__(self, distribution):
        self.distribution, self.univariate = distribution, not distribution.event_shape
        self.event = (1,) if self.univariate else tuple(distribution.event_shape)

    def draw(self, shape: tuple[int, ...], source: torch.Generator) -> torch.Tensor:
        """Return samples (*shape, *event) on the CPU, in the dtype of the distribution."""
        if isinstance(self.distribution, torch.distributions.Distribution):  # these know global random numbers only
            with seeded(int(torch.randint(2**62, (), generator=source)), self.distribution):
                x = self.distribution.sample(shape)
        else:
            x = self.distribution.sample(shape, generator=source)
        return x.unsqueeze(-1) if self.univariate else x

    def stream(self, batches: int, batch_size: int, seeds: Sequence[int], device) -> Stream:
        """Return fresh samples for each member, in single precision."""

        def draw(steps, source, member):
            return self.draw((steps, batches, batch_size), source).float()

        return Stream(draw, seeds, batches * batch_size * math.prod(self.event), device)

    def fingerprint(self) -> dict:
        """Return what tells this distribution from others: some draws."""
        draws = self.draw((64,), torch.Generator().manual_seed(0))
        return {"distribution": type(self.distribution).__name__, "draws": draws.detach().double().cpu()}


Data = TensorData | DatasetData | LoaderData | DistributionData


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

    def __init__(self, data: LoaderData, batches, batch_size, seed, device):
        self.data, self.shape, self.device = data, (1, batches, batch_size), device
        self.iterator, self.waiting, self.state = iter(()), None, None
        with seeded(seed):
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
                self.iterator = iter(self.data.loader)
                batch = next(self.iterator, None)
            self.state = torch.get_rng_state()
        if batch is None:
            raise ValueError("data must have samples, but the DataLoader is empty")
        batch = _scaled("data", _first(batch)).float()
        if self.data.event and tuple(batch.shape[1:]) != self.data.event:
            raise ValueError(f"data must have samples of one shape, {self.data.event}, not {tuple(batch.shape[1:])}")
        return batch

    def state_dict(self) -> dict:
        """Return nothing: the place in a loader cannot be saved."""
        return {}


@contextmanager
def seeded(seed: int, distribution=None):
    """Within this, PyTorch's global random numbers start from a seed; afterwards they are what they were."""
    devices = [] if distribution is None else _cuda_devices(distribution)
    with _GLOBAL, torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)
        for device in devices:
            torch.cuda.default_generators[device].manual_seed(seed)
        yield


def as_data(data, config) -> Data:
    """Return real samples as a source of streams.

    Raises
    ------
    ValueError
        If they are nothing that can be drawn from; the message says what to do.
    """
    if isinstance(data, torch.Tensor | np.ndarray):
        found = TensorData(_samples(data))
    elif isinstance(data, DataLoader):
        if config.members > 1:
            raise ValueError(
                "data must not be a DataLoader for several members, each of which shuffles for itself: pass its "
                "data set, data=loader.dataset"
            )
        return LoaderData(data)
    elif isinstance(data, IterableDataset):
        raise ValueError("data must not be an IterableDataset: wrap it, data=torch.utils.data.DataLoader(data, ...)")
    elif isinstance(data, Dataset):
        found = DatasetData(data)
    else:
        return _distribution(data)
    if config.batch_size > len(found):
        samples = f"{len(found)}, the number of samples in data"
        raise ValueError(f"batch_size must be at most {samples}, not {config.batch_size}")
    return found


def _distribution(data):
    if not hasattr(data, "sample") or not hasattr(data, "event_shape"):
        hint = ": write torch.tensor(data)" if isinstance(data, list | tuple) else ""
        raise ValueError(
            "data must be a tensor, an array, a Dataset, a DataLoader, or a distribution of torch.distributions or "
            f"gantut.data, not {type(data).__name__}{hint}"
        )
    if len(data.event_shape) > 1 or tuple(getattr(data, "batch_shape", ())):
        shapes = f"event_shape {tuple(data.event_shape)} and batch_shape {tuple(getattr(data, 'batch_shape', ()))}"
        raise ValueError(
            f"data must be one distribution of numbers or of vectors, not one with {shapes}: torch.distributions."
            "Independent makes one of several"
        )
    found = DistributionData(data)
    try:
        draws = found.draw((2, 3), torch.Generator().manual_seed(0))
    except TypeError as error:
        raise ValueError(
            f"data must be a distribution that draws from a given generator, as those of gantut.data, not "
            f"{type(data).__name__} ({error})"
        ) from None
    if tuple(draws.shape) != (2, 3, *found.event):
        raise ValueError(
            f"data must have samples of shape (2, 3, {', '.join(map(str, data.event_shape))}) where (2, 3) are asked "
            f"for, not {_inputs.shape(draws)}"
        )
    _inputs.finite_entries("data", draws)
    return found


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


def _item(dataset, index, seed):
    if not len(dataset):
        raise ValueError("data must have samples, but the Dataset is empty")
    with seeded(seed):
        item = _first(dataset[index])
    if not item.ndim:
        raise ValueError("data must have samples of shape (d,) or more, but those of the Dataset are single numbers")
    return _scaled("data", item).float()


def _cuda_devices(distribution):
    """Return the CUDA devices on which a distribution of PyTorch draws."""
    tensors = [value for value in vars(distribution).values() if isinstance(value, torch.Tensor)]
    bases = [value for value in vars(distribution).values() if isinstance(value, torch.distributions.Distribution)]
    found = {tensor.device.index for tensor in tensors if tensor.is_cuda}
    return sorted(found.union(*map(_cuda_devices, bases)))
