"""Convolutional generators and critics of images: the DCGAN of Radford et al. (2016), for a whole population."""

import itertools
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from gantut import _inputs
from gantut.networks._population import ImageCritic, Population, flat, sources_of

NORMS = ("batch", "layer", "none")
SMALLEST = 4  # pixels a side where the generator starts and the critic ends
KERNEL = 4  # pixels a side that a convolution looks at, moving by 2 and with a margin of 1: it halves or doubles a side
NARROW = 4  # channels, up to which a transposed convolution is a matrix product
EPSILON = 1e-5  # added to variances
SLOPE = 0.2  # of the leaky ReLU below 0


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation for a population: running statistics of shape (members, channels)."""

    def __init__(self, members: int, channels: int):
        super().__init__(channels, eps=EPSILON, affine=False)
        for statistic in (self.running_mean, self.running_var):
            statistic.data = statistic.expand(members, channels).clone()

    def normalise(self, h: torch.Tensor, member: int, gain: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Normalise each channel of one member's h over batch and pixels; in evaluation, by the running statistics."""
        statistics = self.running_mean[member], self.running_var[member]
        return functional.batch_norm(h, *statistics, gain, bias, self.training, self.momentum, self.eps)


class Layer(NamedTuple):
    """The parameters of one layer of one member."""

    weight: torch.Tensor  # as PyTorch has it: (out, in, 4, 4), for the generator (in, out, 4, 4)
    bias: torch.Tensor
    gain: torch.Tensor | None
    normalise: BatchNorm | None


class Convolutional(Population):
    """What generator and critic share: the parameters of their layers, how these start, and normalisation.

    The members of a population are computed one after another: one convolution of this size fills a processor, and so
    each member is bit for bit what it would be alone. Pictures and weights lie in memory with the channels last, which
    is how processors like them best: a weight is of shape (members, out, 4, 4, in), or (members, in, 4, 4, out) in the
    generator.
    """

    def __init__(self, shapes, normalised, *, channels, members, seed, norm, deviation, dtype, device):
        super().__init__()
        self.members = _inputs.count("members", members)
        self.norm = _inputs.one_of("norm", norm, NORMS)
        self.normalised = () if norm == "none" else normalised  # the layers that are
        deviation = _inputs.positive("deviation", deviation)
        sources = sources_of(members, seed)
        drawn = [[torch.randn(shape, generator=source, device="cpu") for shape in shapes] for source in sources]
        drawn = [[(weight * deviation).permute(0, 2, 3, 1) for weight in weights] for weights in drawn]
        like = dict(dtype=dtype, device=device)
        self.weights = nn.ParameterList(torch.stack(weights).to(**like) for weights in zip(*drawn, strict=True))
        self.biases = nn.ParameterList(torch.zeros(members, number, **like) for number in channels)
        widths = [channels[layer] for layer in self.normalised]
        self.gains = nn.ParameterList(torch.ones(members, width, **like) for width in widths)
        self.statistics = nn.ModuleList()
        if norm == "batch":
            self.statistics.extend(BatchNorm(members, width).to(**like) for width in widths)

    @property
    def samples_are_separate(self) -> bool:
        """Whether the output for a sample depends on that sample alone, and not on its batch."""
        return not self.statistics

    def _layers(self) -> list[list[Layer]]:
        """Return the layers of each member."""
        rows = []
        for number, parameters in enumerate(zip(self.weights, self.biases, strict=True)):
            weights, biases = map(_rows, parameters)
            place = self.normalised.index(number) if number in self.normalised else None
            gains = [None] * self.members if place is None else _rows(self.gains[place])
            norm = None if place is None or self.norm != "batch" else self.statistics[place]
            parts = zip(weights, biases, gains, strict=True)
            rows.append([Layer(weight.permute(0, 3, 1, 2), bias, gain, norm) for weight, bias, gain in parts])
        return [list(layers) for layers in zip(*rows, strict=True)]


class DCGANGenerator(Convolutional):
    r"""A population of generators of images.

    .. math:: h_0 = \operatorname{relu}(n(z W_0)), \qquad h_{l+1} = \operatorname{relu}(n(W_l * h_l)), \qquad
       G(z) = \tanh(W_L * h_L + b_L)

    The noise is first mapped to 4 x 4 pixels; then each fractionally strided convolution doubles the side and halves
    the channels, until `width` channels are left at half of the side. There is no pooling and no other layer.

    Parameters
    ----------
    latent_dim : int
        Coordinates of the noise.
    size : int
        Pixels a side: a power of 2 from 8 on.
    channels : int
        1 for grey, 3 for colours, 4 for colours with opacity.
    width : int
        Channels of the last hidden layer; the paper has 128 for `size` 64.
    norm : {"batch", "layer", "none"}
        The normalisation n of every layer but the last, followed by a gain (from 1) and a bias (from 0) a channel:
        over each channel of the batch (in evaluation: by running averages of those statistics), over each sample, or
        only the bias.
    members : int
        How many networks.
    seed : int
        Member i starts from a generator seeded with `seed` + i, whoever else is in the population.
    deviation : float
        Weights start as N(0, deviation²).
    dtype, device
        Of the parameters.

    References
    ----------
    Radford et al. (2016), "Unsupervised representation learning with deep convolutional generative adversarial
    networks", section 3 and figure 1; lesson 14.

    Examples
    --------
    >>> generator = DCGANGenerator(size=32, width=8)
    >>> generator(torch.zeros(1, 5, 100)).shape
    torch.Size([1, 5, 3, 32, 32])
    """

    def __init__(
        self, *, latent_dim: int = 100, size: int = 32, channels: int = 3, width: int = 64, norm: str = "batch",
        members: int = 1, seed: int = 0, deviation: float = 0.02,
        dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu",
    ):  # fmt: skip
        self.latent_dim = _inputs.count("latent_dim", latent_dim)
        widths = _widths(size, channels, width)[::-1]  # from 4 x 4 pixels to the picture
        shapes = [(*pair, KERNEL, KERNEL) for pair in zip([latent_dim, *widths], widths, strict=False)]
        super().__init__(
            shapes, range(len(widths) - 1), channels=widths,
            members=members, seed=seed, norm=norm, deviation=deviation, dtype=dtype, device=device,
        )  # fmt: skip

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
        pairs = zip(self._layers(), noise.unbind(), strict=True)
        return torch.stack([self._pictures(member, *pair) for member, pair in enumerate(pairs)])

    def _pictures(self, member, layers, z):
        weight = layers[0].weight.permute(0, 2, 3, 1)  # (latent_dim, 4, 4, channels)
        h = (z @ weight.flatten(1)).unflatten(1, weight.shape[1:]).permute(0, 3, 1, 2)  # (batch, channels, 4, 4)
        if layers[0].gain is None:
            h = h + layers[0].bias[:, None, None]
        for layer, following in itertools.pairwise(layers):
            h = torch.relu_(_normalised(h, member, layer))
            h = _doubled(h, following.weight, _own_bias(following))
        return torch.tanh(h.to(z.dtype))  # single precision, even where convolutions are in half


class DCGANCritic(ImageCritic, Convolutional):
    r"""A population of critics of images; of discriminators, where the score is taken as a logit.

    .. math:: h_1 = a(W_0 * x + b_0), \qquad h_{l+1} = a(n(W_l * h_l)), \qquad f(x) = W_L \cdot h_L + b_L

    Each strided convolution halves the side and, after the first, doubles the channels, down to 4 x 4 pixels, of which
    the score is a linear function; a is leaky ReLU with slope 0.2. There is no pooling and no other layer.

    Parameters
    ----------
    size, channels : int
        As for :class:`DCGANGenerator`.
    width : int
        Channels of the first hidden layer.
    norm : {"batch", "layer", "none"}
        The normalisation n, of every layer but the first and the last, as for :class:`DCGANGenerator`. With "batch",
        as in the paper, samples see each other, so that a gradient penalty is refused; it goes with the other two.
    members, seed, deviation, dtype, device
        As for :class:`DCGANGenerator`.

    References
    ----------
    Radford et al. (2016), section 3; Gulrajani et al. (2017), section 4, for layer normalisation instead; lesson 14.

    Examples
    --------
    >>> critic = DCGANCritic(size=32, width=8, norm="layer")
    >>> critic(torch.zeros(1, 5, 3, 32, 32)).shape
    torch.Size([1, 5, 1])
    """

    def __init__(
        self, *, size: int = 32, channels: int = 3, width: int = 64, norm: str = "batch",
        members: int = 1, seed: int = 0, deviation: float = 0.02,
        dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu",
    ):  # fmt: skip
        widths = _widths(size, channels, width)
        self.event = (channels, size, size)
        outputs = [*widths[1:], 1]
        super().__init__(
            [(*pair, KERNEL, KERNEL) for pair in zip(outputs, widths, strict=True)], range(1, len(widths) - 1),
            channels=outputs, members=members, seed=seed, norm=norm, deviation=deviation, dtype=dtype, device=device,
        )  # fmt: skip

    def _scores(self, member, layers, h):
        (*hidden, last), seen = layers, []
        for layer in hidden:
            h = functional.leaky_relu_(_normalised(_convolved(h, layer), member, layer), SLOPE)
            seen.append(h)
        return functional.linear(flat(h), flat(last.weight), last.bias), seen

    def input_gradient(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return the gradient of every sample's score in that sample, shape (members, batch, channels, size, size).

        .. math:: \nabla_x f = W_0^\top * (a'_1 \odot W_1^\top * (\cdots\, a'_L \odot W_L))
           \qquad\text{where nothing is normalised}

        There it depends on the hidden layers only through which of their units are positive, and no gradient flows back
        through them. So the backward pass is written out, and a penalty on this gradient takes two thirds of the time
        that it does with `torch.autograd.grad`, which finds the same, and is used where there is a normalisation.

        Raises
        ------
        ValueError
            If the norm is "batch", under which a score depends on the whole batch, and not on its sample.
        """
        if not self.samples_are_separate:
            raise ValueError(
                "norm must be 'layer' or 'none' for a gradient in each sample, not 'batch', with which a score depends "
                "on the whole batch"
            )
        if len(self.gains):
            return self._gradient_by_autograd(self._expanded(x, *self.event))
        gradients = []
        for _, (*hidden, last), h in self._each_member(self._expanded(x, *self.event)):
            slopes = []
            with torch.no_grad():
                for layer in hidden:
                    h = functional.leaky_relu_(_convolved(h, layer), SLOPE)
                    slopes.append(torch.where(h > 0, h.new_ones(()), SLOPE))
            gradient = last.weight.expand(len(h), -1, -1, -1)  # (batch, channels, 4, 4)
            for layer, slope in zip(hidden[::-1], slopes[::-1], strict=True):
                gradient = _doubled(gradient * slope, layer.weight)
            gradients.append(gradient)
        return torch.stack(gradients)

    def _each_member(self, x):
        """Yield each member's number, layers and pictures."""
        for member, (layers, pictures) in enumerate(zip(self._layers(), x.unbind(), strict=True)):
            yield member, layers, pictures.contiguous(memory_format=torch.channels_last)


def _widths(size, channels, width):
    """Return the channels at each side, from that of the picture down to 4 pixels."""
    size = _inputs.count("size", size)
    if size < 2 * SMALLEST or size & (size - 1):
        raise ValueError(f"size must be a power of 2, and at least {2 * SMALLEST}, not {size}")
    doublings = size.bit_length() - SMALLEST.bit_length()
    return [_inputs.count("channels", channels), *(_inputs.count("width", width) << i for i in range(doublings))]


def _rows(parameter):
    """Return the part of each member; for one, without a copy on the way back."""
    return [parameter.squeeze(0)] if len(parameter) == 1 else parameter.unbind()


def _own_bias(layer):
    """Return the bias that a convolution adds itself; where a normalisation follows, it comes after that."""
    return layer.bias if layer.gain is None else None


def _convolved(h, layer):
    return functional.conv2d(h, layer.weight, _own_bias(layer), stride=2, padding=1)


def _doubled(h, weight, bias=None):
    """Return the transpose of a convolution (in, out, 4, 4), which doubles the side.

    Libraries are several times slower than a matrix product where few channels come out, as for a picture. Then what
    each pixel adds to 4 x 4 pixels around it is computed as one such product, and summed.
    """
    if weight.shape[1] > NARROW:
        return functional.conv_transpose2d(h, weight, bias, stride=2, padding=1)
    height, width = h.shape[2:]
    parts = h.permute(0, 2, 3, 1).flatten(1, 2) @ weight.flatten(1)  # (batch, height * width, out * 16)
    pictures = functional.fold(parts.transpose(1, 2), (2 * height, 2 * width), KERNEL, stride=2, padding=1)
    return pictures if bias is None else pictures + bias[:, None, None]


def _normalised(h, member, layer):
    if layer.gain is None:
        return h
    if layer.normalise is None:
        return functional.group_norm(h, 1, layer.gain, layer.bias, EPSILON)  # over all channels and pixels of a sample
    return layer.normalise.normalise(h, member, layer.gain, layer.bias)
