"""A population of multilayer perceptrons."""

import copy
import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import nn

from gantut import _inputs
from gantut.networks._minibatch import MinibatchLayer
from gantut.networks._normalisation import NORMALISATIONS, batch_norm, virtual_batch_norm
from gantut.networks._population import Population, product, sources_of

INITIALISATIONS = ("uniform", "orthogonal")


class Activation(NamedTuple):
    """An activation, its derivative as a function of its input and output, and the largest value of that."""

    function: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None
    steepest: float = 1.0


def _silu_slope(x, y):
    return torch.sigmoid(x) * (1 - y) + y


# The slopes of the piecewise linear ones are constants almost everywhere: no gradient flows through them.
ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(torch.relu_, lambda x, y: torch.sign(y.detach())),
    "leaky-relu": Activation(
        lambda x: nn.functional.leaky_relu(x, 0.2), lambda x, y: torch.where(y.detach() > 0, y.new_ones(()), 0.2)
    ),
    "tanh": Activation(torch.tanh, lambda x, y: 1 - y.square()),
    "silu": Activation(nn.functional.silu, _silu_slope, 1.0998393201288669),  # where x tanh(x/2) = 2
}
OUTPUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"linear": lambda x: x, "tanh": torch.tanh}


class MLP(Population):
    r"""A population of multilayer perceptrons.

    .. math:: h_0 = s\,x, \qquad h_{l+1} = a(h_l W_l + b_l), \qquad \text{the last layer without } a

    Parameters
    ----------
    widths : sequence of int
        Width of the input, of each hidden layer, of the output.
    members : int
        How many networks.
    seed : int
        Member i starts from a generator seeded with `seed` + i, whoever else is in the population.
    activation : {"relu", "leaky-relu", "tanh", "silu"}
    output : {"linear", "tanh"}
        What is applied to the last layer.
    initialisation : {"uniform", "orthogonal"}
        Uniform in :math:`\pm g/\sqrt{\text{fan in}}`, biases too, as in `torch.nn.Linear`; or orthogonal weights times
        g, and biases 0.
    gain : float
        The factor g.
    input_scale : float
        The factor s.
    normalisation : {"batch", "virtual-batch"}, optional
        Of every hidden layer before its activation: :func:`batch_norm`, by the statistics of the batch at hand, in
        evaluation as in training; or :func:`virtual_batch_norm`, by those of a reference batch, which
        :meth:`set_reference` takes. Scales start from 1; the biases are the shifts.
    minibatch : (int, int), optional
        Kernels and dimension of a :class:`MinibatchLayer` before the last layer. Its T starts as N(0, 1) in every
        entry: most samples are then far apart at first.
    dtype, device
        Of the parameters.

    Examples
    --------
    >>> discriminator = MLP([1, 32, 32, 1], members=16)
    >>> discriminator(torch.zeros(100, 1)).shape
    torch.Size([16, 100, 1])

    See Also
    --------
    DCGANGenerator, DCGANCritic : Networks of images.

    References
    ----------
    He et al. (2015) for the uniform start, as in `torch.nn.Linear`; Saxe et al. (2014) for the orthogonal one.
    """

    def __init__(
        self, widths: Sequence[int], *, members: int = 1, seed: int = 0, activation: str = "relu",
        output: str = "linear", initialisation: str = "uniform", gain: float = 1.0, input_scale: float = 1.0,
        normalisation: str | None = None, minibatch: tuple[int, int] | None = None,
        dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu",
    ):  # fmt: skip
        super().__init__()
        self.widths = _inputs.counts("widths", widths)
        if len(self.widths) < 2:
            raise ValueError(f"widths must give at least the input and the output width, not {self.widths}")
        self.members = _inputs.count("members", members)
        self.activation = ACTIVATIONS[_inputs.one_of("activation", activation, tuple(ACTIVATIONS))]
        self.output = OUTPUTS[_inputs.one_of("output", output, tuple(OUTPUTS))]
        self.input_scale = _inputs.positive("input_scale", input_scale)
        _inputs.one_of("initialisation", initialisation, INITIALISATIONS)
        _inputs.positive("gain", gain)
        _inputs.one_of("normalisation", normalisation, (None, *NORMALISATIONS))
        kernels, dimension = (0, 0) if minibatch is None else _inputs.counts("minibatch", minibatch, length=2)
        generators = sources_of(members, seed)

        def drawn(fan_in, fan_out):
            layers = [_first_layer(initialisation, fan_in, fan_out, gain, dtype, source) for source in generators]
            return [torch.stack(part).to(device) for part in zip(*layers, strict=True)]

        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        *hidden, last = itertools.pairwise(self.widths)
        for fan_in, fan_out in (*hidden, (last[0] + kernels, last[1])):
            for parameters, first in zip((self.weights, self.biases), drawn(fan_in, fan_out), strict=True):
                parameters.append(first)  # (members, fan_in or 1, fan_out)
        self.normalisation = normalisation
        if normalisation:
            like = dict(dtype=dtype, device=device)
            self.scales = nn.ParameterList(torch.ones(members, 1, width, **like) for width in self.widths[1:-1])
        if normalisation == "virtual-batch":
            self.register_buffer("reference", None)
        self.minibatch = None
        if kernels:
            shape = (last[0], kernels * dimension)
            tensors = [torch.randn(shape, dtype=dtype, generator=source, device="cpu") for source in generators]
            self.minibatch = MinibatchLayer(torch.stack(tensors).to(device), kernels)

    @property
    def samples_are_separate(self) -> bool:
        """Whether the output for a sample depends on that sample alone, and not on its batch."""
        return self.normalisation != "batch" and self.minibatch is None

    def set_reference(self, x: torch.Tensor) -> None:
        """Set the batch whose statistics virtual batch normalisation uses, shape (members, n, in).

        Raises
        ------
        ValueError
            If the network has no such normalisation, or x has a different shape.
        """
        if self.normalisation != "virtual-batch":
            raise ValueError(f"normalisation must be 'virtual-batch' for a reference batch, not {self.normalisation!r}")
        if x.ndim != 3 or (len(x), x.shape[-1]) != (self.members, self.widths[0]) or not x.shape[1]:
            raise ValueError(f"x must have shape ({self.members}, n, {self.widths[0]}), not {_inputs.shape(x)}")
        self.reference = x.detach().clone()

    def members_between(self, first: int, last: int) -> "MLP":
        """Return members first, ..., last - 1 as a population of their own, on the same memory.

        Train one, and both change.

        Raises
        ------
        ValueError
            If there are no such members.
        """
        if not 0 <= first < last <= self.members:
            raise ValueError(f"first and last must satisfy 0 <= first < last <= {self.members}, not {first} and {last}")
        rows = {id(p): nn.Parameter(p.data[first:last], p.requires_grad) for p in self.parameters()}
        rows |= {id(buffer): buffer[first:last] for buffer in self.buffers()}
        part = copy.deepcopy(self, rows)  # which takes these rows in place of copies
        part.members = last - first
        return part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply every member to its own batch, or all to the same.

        Parameters
        ----------
        x : tensor, shape (members, batch, in) or (batch, in)

        Returns
        -------
        tensor, shape (members, batch, out)
        """
        *_, last = self._layers(x)
        return self.output(last)

    def features(self, x: torch.Tensor, layers: Sequence[int] | None = None) -> tuple:
        """Return the output and hidden layers, after their activations.

        Parameters
        ----------
        x : tensor, shape (members, batch, in) or (batch, in)
        layers : sequence of int, optional
            Which hidden layers: from 0 on, or backwards from -1.

        Returns
        -------
        tensor, shape (members, batch, out)
        tensor, shape (members, batch, width), or a tuple of such
            The last hidden layer (the input, where there is none); or a tuple of those that `layers` names.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        *hidden, last = self._layers(x)
        found = hidden[-1] if layers is None else self._chosen(hidden[1:], layers)  # the first is the input
        return self.output(last), found

    def input_gradient(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return the gradient of the (single) output in the input, :math:`\nabla_x f(x)`, shape (members, batch, in).

        .. math:: \nabla_x f = s\,(\cdots((W_L^\top \odot a'_{L-1})\, W_{L-1}^\top \odot a'_{L-2}) \cdots) W_1^\top

        The backward pass is written out in matrix products, so that a penalty on this gradient is differentiated like
        any other function of the parameters. `torch.autograd.grad` with ``create_graph`` gives the same, more slowly;
        a network with virtual batch normalisation falls back on that.

        Raises
        ------
        ValueError
            If there is more than one output, or an output depends on the whole batch.
        """
        if self.widths[-1] != 1 or self.output is not OUTPUTS["linear"]:
            raise ValueError(
                f"widths must end in 1, and the output must be linear, for an input gradient; widths are {self.widths}"
            )
        if not self.samples_are_separate:
            raise ValueError("normalisation must not be 'batch', and minibatch must be None, for an input gradient")
        if self.normalisation:
            return self._gradient_by_autograd(self._expanded(x, self.widths[0]))
        slopes = []
        h = self._input(x)
        for weight, bias in zip(list(self.weights)[:-1], list(self.biases)[:-1], strict=True):
            h, slope = self._activated(product(h, weight, bias))
            slopes.append(slope)
        gradient = self.weights[-1].transpose(1, 2).expand(-1, h.shape[1], -1)  # (members, batch, last width)
        for weight, slope in zip(list(self.weights)[-2::-1], slopes[::-1], strict=True):
            gradient = product(self._pulled_back(gradient, slope), weight.transpose(1, 2))
        return gradient * self.input_scale if self.input_scale != 1 else gradient

    def _activated(self, before):
        """Return a layer after its activation, and what :meth:`_pulled_back` needs to know of it."""
        h = self.activation.function(before)
        return h, self.activation.slope(before, h)

    def _pulled_back(self, gradient, slope):
        """Take a gradient back through an activation."""
        return gradient * slope

    def _layers(self, x):
        """Yield the input, every hidden layer after its activation, and the last layer before its output."""
        virtual = self.normalisation == "virtual-batch"
        if virtual and self.reference is None:
            raise ValueError("reference must be set by `set_reference` before a network with 'virtual-batch' is used")
        h, reference = self._input(x), self._input(self.reference) if virtual else None
        yield h
        weights, biases = list(self.weights), list(self.biases)
        for layer, (weight, bias) in enumerate(zip(weights[:-1], biases[:-1], strict=True)):
            if virtual:
                both = product(torch.cat([reference, h], 1), weight)  # (members, n + batch, width)
                parts = both.split([reference.shape[1], h.shape[1]], 1)
                reference, h = map(self.activation.function, virtual_batch_norm(*parts, self.scales[layer], bias))
            elif self.normalisation:
                h = self.activation.function(batch_norm(product(h, weight), self.scales[layer], bias))
            else:
                h = self.activation.function(product(h, weight, bias))  # (members, batch, width)
            yield h
        if self.minibatch is not None:
            h = self.minibatch(h)
        yield product(h, weights[-1], biases[-1])  # (members, batch, out)

    def _input(self, x):
        x = self._expanded(x, self.widths[0])
        return x * self.input_scale if self.input_scale != 1 else x


def _first_layer(initialisation, fan_in, fan_out, gain, dtype, source):
    """Draw the weights (fan_in, fan_out) and the biases (1, fan_out) that one layer of one member starts from."""
    if initialisation == "orthogonal":
        high = torch.empty(max(fan_in, fan_out), min(fan_in, fan_out), dtype=torch.float64, device="cpu")
        q = nn.init.orthogonal_(high, gain, generator=source)
        return (q if fan_in >= fan_out else q.T).to(dtype), q.new_zeros(1, fan_out, dtype=dtype)
    bound = gain / math.sqrt(fan_in)
    like = dict(dtype=dtype, generator=source, device="cpu")
    weight, bias = (torch.rand(rows, fan_out, **like) for rows in (fan_in, 1))
    return (2 * weight - 1) * bound, (2 * bias - 1) * bound
