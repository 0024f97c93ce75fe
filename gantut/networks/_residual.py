r"""Residual generators and critics of images without normalisation, for a whole population.

.. math:: h \mapsto W_s * h + W_2 * a(W_1 * a(h)), \qquad a \text{ the leaky ReLU of slope } 0.2 \text{ below } 0

and in between the side is doubled (generator) or halved (critic). As nothing is normalised, the first weights alone
keep a signal alive. They are Gaussian, of such a variance that each layer keeps the mean square of its input (He et al.
2015), and that the two terms of the sum have one half of it each.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from gantut import _inputs
from gantut.networks._dcgan import SLOPE, SMALLEST, _rows, _widths
from gantut.networks._minibatch import minibatch_deviation
from gantut.networks._population import ImageCritic, Population, flat, sources_of

WIDEST = 4  # times `width`: beyond this, channels no longer double as the side is halved
KEPT = (1 + SLOPE**2) / 2  # of the mean square of a symmetric signal, by the leaky ReLU


class Shape(NamedTuple):
    """A convolution of `kernel` x `kernel` pixels: its channels, and what becomes of the mean square of its input."""

    inputs: int
    outputs: int
    kernel: int = 3
    square: float = 1 / KEPT  # by what it is multiplied

    def draw(self, source: torch.Generator) -> torch.Tensor:
        """Return first weights, shape (out, kernel, kernel, in)."""
        shape = self.outputs, self.kernel, self.kernel, self.inputs
        weight = torch.randn(shape, generator=source, device="cpu")
        return weight * (self.square / (self.inputs * self.kernel**2)) ** 0.5


def _block(inputs, inner, outputs):
    """Return a block's layers: two convolutions after activations, and the shortcut, each with half of the square."""
    return [Shape(inputs, inner), Shape(inner, outputs, 3, 0.5 / KEPT), Shape(inputs, outputs, 1, 0.5)]


class Residual(Population):
    """What generator and critic share: parameters, and how these start.

    As in `gantut.networks.DCGANGenerator`, members are computed one after another, and weights lie in memory with the
    channels last, (members, out, kernel, kernel, in).
    """

    def __init__(self, shapes: Sequence[Shape], *, members, seed, dtype, device):
        super().__init__()
        self.members = _inputs.count("members", members)
        drawn = [[shape.draw(source) for shape in shapes] for source in sources_of(members, seed)]
        like = dict(dtype=dtype, device=device)
        self.weights = nn.ParameterList(torch.stack(weights).to(**like) for weights in zip(*drawn, strict=True))
        self.biases = nn.ParameterList(torch.zeros(members, shape.outputs, **like) for shape in shapes)

    def _each_member(self, x):
        """Yield each member's layers, (weight, bias) in the order of their use, and its part of x."""
        pairs = zip(self.weights, self.biases, strict=True)
        layers = zip(*(zip(_rows(weight), _rows(bias), strict=True) for weight, bias in pairs), strict=True)
        for own, part in zip(layers, x.unbind(), strict=True):
            yield ((weight.permute(0, 3, 1, 2), bias) for weight, bias in own), part


class ResidualGenerator(Residual):
    r"""A population of residual generators of images.

    Noise is scaled to length :math:`\sqrt d`, mapped linearly to 4 x 4 pixels, and doubled in side block by block:

    .. math:: h \mapsto \operatorname{up}(W_s * h) + W_2 * a\big(W_1 * \operatorname{up}(a(h))\big), \qquad
       G(z) = \tanh\big(W * a(h)\big)

    where up repeats each pixel twice in both directions, so that no pixel is painted by other weights than its
    neighbour; kernels are 3 x 3, those of the shortcut 1 x 1.

    Parameters
    ----------
    latent_dim : int
        The coordinates d of the noise, whose length does not matter.
    size : int
        Pixels a side: a power of 2 from 8 on.
    channels : int
        1 for grey, 3 for colours, 4 for colours with opacity.
    width : int
        Channels at the full side; doubled as the side is halved, up to 4 times as many.
    members : int
        How many networks.
    seed : int
        Member i starts from a generator seeded with `seed` + i, whoever else is in the population.
    dtype, device
        Of the parameters.

    References
    ----------
    The blocks are those of Gulrajani et al. (2017), section 5.3, without normalisation, as in Mescheder et al. (2018)
    and Huang et al. (2024); lesson 14.

    See Also
    --------
    DCGANGenerator : The historical model.

    Examples
    --------
    >>> generator = ResidualGenerator(size=32, width=8)
    >>> generator(torch.zeros(1, 5, 64)).shape
    torch.Size([1, 5, 3, 32, 32])
    """

    def __init__(
        self, *, latent_dim: int = 64, size: int = 32, channels: int = 3, width: int = 32,
        members: int = 1, seed: int = 0, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu",
    ):  # fmt: skip
        self.latent_dim = _inputs.count("latent_dim", latent_dim)
        widths = _capped_widths(size, channels, width)[::-1]  # at 4 pixels a side, 8, ..., and the full side
        blocks = [_block(before, after, after) for before, after in itertools.pairwise(widths)]
        shapes = [
            Shape(latent_dim, widths[0] * SMALLEST**2, 1, 1.0),
            *itertools.chain(*blocks),
            Shape(widths[-1], channels),
        ]
        super().__init__(shapes, members=members, seed=seed, dtype=dtype, device=device)
        self.blocks = len(blocks)

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        """Make images, every member from its own noise or all from the same.

        Parameters
        ----------
        noise : tensor, shape (members, batch, latent_dim) or (batch, latent_dim)

        Returns
        -------
        tensor, shape (members, batch, channels, size, size)
            From -1 to 1.
        """
        noise = self._expanded(noise, self.latent_dim)
        return torch.stack([self._pictures(*pair) for pair in self._each_member(noise)])

    def _pictures(self, layers, z):
        h = _mapped(functional.normalize(z, dim=-1) * self.latent_dim**0.5, next(layers))
        h = h.unflatten(1, (SMALLEST, SMALLEST, -1)).permute(0, 3, 1, 2)  # (batch, channels, 4, 4), channels last
        for _ in range(self.blocks):
            first, second, shortcut = itertools.islice(layers, 3)
            inner = _convolved(_doubled(_activated(h)), first)
            h = _convolved(_activated(inner), second) + _doubled(_convolved(h, shortcut))
        return torch.tanh(_convolved(_activated(h), next(layers)).to(z.dtype))  # not in half precision


class ResidualCritic(ImageCritic, Residual):
    r"""A population of residual critics of images; of discriminators, where the score is taken as a logit.

    The generator mirrored, with means over 2 x 2 pixels:

    .. math:: h \mapsto W_s * \operatorname{down}(h) + \operatorname{down}\big(W_2 * a(W_1 * a(h))\big)

    At 4 x 4 pixels the critic is shown, as one more channel, how far the samples of a group of its batch are spread
    (:func:`minibatch_deviation`); then follow a convolution, a hidden layer, and the score.

    Parameters
    ----------
    size, channels, width : int
        As for :class:`ResidualGenerator`.
    group : int
        The size of a group. With 1 there is no such channel: each sample is scored by itself, as penalties on the
        slope between samples require.
    members, seed, dtype, device
        As for :class:`ResidualGenerator`.

    References
    ----------
    As for :class:`ResidualGenerator`; Karras et al. (2018), section 3, for the spread; lesson 14.

    See Also
    --------
    DCGANCritic : The historical model.

    Examples
    --------
    >>> critic = ResidualCritic(size=32, width=8)
    >>> critic(torch.zeros(1, 4, 3, 32, 32)).shape
    torch.Size([1, 4, 1])
    """

    def __init__(
        self, *, size: int = 32, channels: int = 3, width: int = 32, group: int = 4,
        members: int = 1, seed: int = 0, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu",
    ):  # fmt: skip
        self.event, self.group = (channels, size, size), _inputs.count("group", group)
        widths = _capped_widths(size, channels, width)  # at the full side, half of it, ..., and 4 pixels
        blocks = [_block(before, before, after) for before, after in itertools.pairwise(widths)]
        last = widths[-1]
        end = [Shape(last + (group > 1), last), Shape(last * SMALLEST**2, last, 1), Shape(last, 1, 1)]
        shapes = [Shape(channels, widths[0], 3, 1.0), *itertools.chain(*blocks), *end]
        super().__init__(shapes, members=members, seed=seed, dtype=dtype, device=device)
        self.blocks = len(blocks)

    @property
    def samples_are_separate(self) -> bool:
        """Whether the score of a sample depends on that sample alone, and not on its batch."""
        return self.group == 1

    def _scores(self, layers, h):
        h, hidden = _convolved(h.contiguous(memory_format=torch.channels_last), next(layers)), []
        for _ in range(self.blocks):
            first, second, shortcut = itertools.islice(layers, 3)
            inner = _convolved(_activated(_convolved(_activated(h), first)), second)
            h = _halved(inner) + _convolved(_halved(h), shortcut)
            hidden.append(h)
        if self.group > 1:
            spread = minibatch_deviation(h.flatten(1), group=self.group)  # (batch,)
            h = torch.cat([h, spread[:, None, None, None].expand(-1, 1, SMALLEST, SMALLEST)], 1)
        h = flat(_activated(_convolved(_activated(h), next(layers))))
        h = _activated(_mapped(h, next(layers)))
        return _mapped(h, next(layers)), [*hidden, h]


def _capped_widths(size, channels, width):
    """Return the channels at each side, from the full one down to 4 pixels."""
    _, *doubling = _widths(size, channels, width)
    return [min(own, WIDEST * width) for own in (*doubling, 2 * doubling[-1])]


def _activated(h):
    return functional.leaky_relu(h, SLOPE)


def _convolved(h, layer):
    weight, bias = layer
    return functional.conv2d(h, weight, bias, padding=weight.shape[-1] // 2)


def _mapped(h, layer):
    weight, bias = layer
    return functional.linear(h, weight.flatten(1), bias)


def _doubled(h):
    return functional.interpolate(h, scale_factor=2.0, mode="nearest")


def _halved(h):
    return functional.avg_pool2d(h, 2)
