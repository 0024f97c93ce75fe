"""Networks that train a whole population at once.

A population is the ordinary case: every parameter carries a leading ``members`` axis, and one batched matrix product
moves all members together, so that 16 seeds cost little more than one. Members never mix: each is the network that
it would be alone.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from gantut import _inputs

ACTIVATIONS: dict[str, Callable] = {
    "relu": torch.relu,
    "leaky-relu": lambda x: nn.functional.leaky_relu(x, 0.2),
    "tanh": torch.tanh,
    "silu": nn.functional.silu,
}


class MLP(nn.Module):
    r"""A population of multilayer perceptrons.

    .. math:: h_0 = x, \qquad h_{l+1} = a(h_l W_l + b_l), \qquad \text{the last layer without } a

    Parameters
    ----------
    widths : sequence of int
        Width of the input, of each hidden layer, of the output.
    members : int
        How many networks.
    seed : int
        Member i starts from a generator seeded with `seed` + i, whoever else is in the population.
    activation : {"relu", "leaky-relu", "tanh", "silu"}
    dtype, device
        Of the parameters.

    Notes
    -----
    Weights and biases start uniform in :math:`\pm 1/\sqrt{\text{fan in}}`, as in `torch.nn.Linear`.

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
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        super().__init__()
        widths = [_inputs.count("widths", width) for width in widths]
        if len(widths) < 2:
            raise ValueError(f"widths must give at least the input and the output width, not {widths}")
        self.members = _inputs.count("members", members)
        self.activation = ACTIVATIONS[_inputs.one_of("activation", activation, tuple(ACTIVATIONS))]
        generators = [torch.Generator().manual_seed(_inputs.count("seed", seed, least=0) + i) for i in range(members)]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(widths):
            bound = 1 / math.sqrt(fan_in)
            for parameters, rows in ((self.weights, fan_in), (self.biases, 1)):
                draws = [torch.rand(rows, fan_out, dtype=dtype, generator=source) for source in generators]
                parameters.append(((2 * torch.stack(draws) - 1) * bound).to(device))  # (members, rows, fan_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply every member to its own batch, or all to the same.

        Parameters
        ----------
        x : tensor, shape (members, batch, in) or (batch, in)

        Returns
        -------
        tensor, shape (members, batch, out)
        """
        fan_in = self.weights[0].shape[1]
        if x.ndim not in (2, 3) or x.shape[-1] != fan_in or (x.ndim == 3 and len(x) != self.members):
            raise ValueError(
                f"x must have shape (batch, {fan_in}) or ({self.members}, batch, {fan_in}), not {_inputs.shape(x)}"
            )
        h = x.expand(self.members, *x.shape[-2:])
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(bias, h, weight)  # (members, batch, out)
            if layer < len(self.weights) - 1:
                h = self.activation(h)
        return h
