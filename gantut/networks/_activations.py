"""What stands between two layers, and after the last one."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn


class Activation(NamedTuple):
    """An activation, its derivative, given the input and the output of the activation, and the largest size of that."""

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
