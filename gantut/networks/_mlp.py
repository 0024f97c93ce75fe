"""A population of multilayer perceptrons."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn

from gantut import _inputs
from gantut.networks._activations import ACTIVATIONS, OUTPUTS
from gantut.networks._products import product

INITIALISATIONS = ("uniform", "orthogonal")


class MLP(nn.Module):
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
    dtype, device
        Of the parameters.

    Examples
    --------
    >>> discriminator = MLP([1, 32, 32, 1], members=16)
    >>> discriminator(torch.zeros(100, 1)).shape
    torch.Size([16, 100, 1])
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        members: int = 1,
        seed: int = 0,
        activation: str = "relu",
        output: str = "linear",
        initialisation: str = "uniform",
        gain: float = 1.0,
        input_scale: float = 1.0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        super().__init__()
        self.widths = [_inputs.count("widths", width) for width in widths]
        if len(self.widths) < 2:
            raise ValueError(f"widths must give at least the input and the output width, not {self.widths}")
        self.members = _inputs.count("members", members)
        self.activation = ACTIVATIONS[_inputs.one_of("activation", activation, tuple(ACTIVATIONS))]
        self.output = OUTPUTS[_inputs.one_of("output", output, tuple(OUTPUTS))]
        self.input_scale = _inputs.positive("input_scale", input_scale)
        _inputs.one_of("initialisation", initialisation, INITIALISATIONS)
        _inputs.positive("gain", gain)
        generators = [torch.Generator().manual_seed(_inputs.count("seed", seed, least=0) + i) for i in range(members)]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(self.widths):
            layers = [first_layer(initialisation, fan_in, fan_out, gain, dtype, source) for source in generators]
            for parameters, drawn in zip((self.weights, self.biases), zip(*layers, strict=True), strict=True):
                parameters.append(torch.stack(drawn).to(device))  # (members, fan_in or 1, fan_out)

    def members_between(self, first: int, last: int) -> "MLP":
        """Return members first, ..., last - 1 as a population of their own, on the same memory.

        Train one, and both change.

        Raises
        ------
        ValueError
            If there are no such members.
        """
        number = number_between(self.members, first, last)
        part = MLP.__new__(MLP)
        nn.Module.__init__(part)
        part.__dict__.update({name: self.__dict__[name] for name in ("widths", "activation", "output", "input_scale")})
        part.members = number
        for name in ("weights", "biases"):
            rows = [nn.Parameter(parameter.detach()[first:last]) for parameter in getattr(self, name)]
            setattr(part, name, nn.ParameterList(rows))
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

    def features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output, shape (members, batch, out), and the last hidden layer, shape (members, batch, width)."""
        *_, hidden, last = self._layers(x)
        return self.output(last), hidden

    def input_gradient(self, x: torch.Tensor) -> torch.Tensor:
        r"""Return the gradient of the (single) output in the input, :math:`\nabla_x f(x)`, shape (members, batch, in).

        .. math:: \nabla_x f = s\,(\cdots((W_L^\top \odot a'_{L-1})\, W_{L-1}^\top \odot a'_{L-2}) \cdots) W_1^\top

        The backward pass is written out in matrix products, so that a penalty on this gradient is differentiated like
        any other function of the parameters. `torch.autograd.grad` with ``create_graph`` gives the same, more slowly.
        """
        self._require_single_output()
        slopes = []
        h = self._input(x)
        for weight, bias in zip(list(self.weights)[:-1], list(self.biases)[:-1], strict=True):
            before = product(h, weight, bias)
            h = self.activation.function(before)
            slopes.append(self.activation.slope(before, h))
        gradient = self.weights[-1].transpose(1, 2).expand(-1, h.shape[1], -1)  # (members, batch, last width)
        for weight, slope in zip(list(self.weights)[-2::-1], slopes[::-1], strict=True):
            gradient = product(gradient * slope, weight.transpose(1, 2))
        return gradient * self.input_scale if self.input_scale != 1 else gradient

    def _require_single_output(self):
        if self.widths[-1] != 1 or self.output is not OUTPUTS["linear"]:
            raise ValueError(
                f"widths must end in 1, with a linear output, where a gradient is asked for, not in {self.widths[-1]}"
            )

    def _layers(self, x):
        """Yield the input, every hidden layer after its activation, and the last layer before its output."""
        h = self._input(x)
        yield h
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = product(h, weight, bias)  # (members, batch, out)
            if layer < len(self.weights) - 1:
                h = self.activation.function(h)
            yield h

    def _input(self, x):
        fan_in = self.widths[0]
        if x.ndim not in (2, 3) or x.shape[-1] != fan_in or (x.ndim == 3 and len(x) != self.members):
            raise ValueError(
                f"x must have shape (batch, {fan_in}) or ({self.members}, batch, {fan_in}), not {_inputs.shape(x)}"
            )
        x = x.expand(self.members, *x.shape[-2:])
        return x * self.input_scale if self.input_scale != 1 else x


def number_between(members, first, last):
    """Return how many members first, ..., last - 1 are, and require that there are such."""
    if not 0 <= first < last <= members:
        raise ValueError(f"first and last must satisfy 0 <= first < last <= {members}, not {first} and {last}")
    return last - first


def first_layer(initialisation, fan_in, fan_out, gain, dtype, source):
    """Draw the weights (fan_in, fan_out) and the biases (1, fan_out) that one layer of one member starts from."""
    if initialisation == "orthogonal":
        normal = torch.randn(max(fan_in, fan_out), min(fan_in, fan_out), dtype=torch.float64, generator=source)
        q, r = torch.linalg.qr(normal)
        q = q * torch.sign(torch.diagonal(r))  # uniform among the orthogonal ones only with these signs
        weight = (q if fan_in >= fan_out else q.T) * gain
        return weight.to(dtype), torch.zeros(1, fan_out, dtype=dtype)
    bound = gain / math.sqrt(fan_in)
    weight, bias = (torch.rand(rows, fan_out, dtype=dtype, generator=source) for rows in (fan_in, 1))
    return (2 * weight - 1) * bound, (2 * bias - 1) * bound
