"""What the generators of this lesson are to make: the ring in as many dimensions as wanted, and digits."""

import torch

from gantut import _inputs
from gantut.data import Distribution, digits, ring
from gantut.device import random_source

WIDTH = 0.5  # standard deviation of the coordinates beyond the plane of the ring
HELD_OUT = 500  # digits that no method is trained on


class RingInSpace(Distribution):
    """The ring of eight Gaussians in the first two coordinates; all others are independent, N(0, 1/2).

    Parameters
    ----------
    d : int
        The number of dimensions, at least 2.

    See Also
    --------
    gantut.data.ring : the case d = 2.

    Examples
    --------
    >>> RingInSpace(8).sample(5, generator=random_source(0)).shape
    torch.Size([5, 8])
    """

    def __init__(self, d: int):
        self.event_shape = (_inputs.count("d", d, least=2),)
        self.ring = ring(dtype=torch.float32)
        self.dtype, self.device = self.ring.dtype, self.ring.device

    def _draw(self, shape, generator):
        rest = torch.randn((*shape, self.event_shape[0] - 2), generator=generator)
        return torch.cat([self.ring.sample(shape, generator=generator), WIDTH * rest], -1)


def split_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the 8 x 8 digits in a fixed random order: 1297 to train on, and 500 to judge by, 64 numbers each.

    Examples
    --------
    >>> [tuple(part.shape) for part in split_digits()]
    [(1297, 64), (500, 64)]
    """
    images = torch.cat(digits(*range(10))).flatten(1)
    images = images[torch.randperm(len(images), generator=random_source(0))]
    return images[HELD_OUT:], images[:HELD_OUT]
