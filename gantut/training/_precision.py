r"""Mixed precision: the products of the networks in bfloat16, and everything else in single precision.

A number in bfloat16 has the range of single precision, so that no loss needs to be scaled, but 8 bits of its digits.
That is enough for the convolutions of a pass, which are most of the work. It is not enough for

- a gradient penalty, :math:`(\lVert\nabla f\rVert - 1)^2`, which is small where a gradient is about right: there both
  passes, to the gradient and back from it, stay in single precision;
- losses, parameters, their gradients' sums, optimizers and all evaluations, which cost little.
"""

from collections.abc import Callable

import torch
from torch import nn

from gantut import _inputs
from gantut.networks import MLP


def passed(network: Callable, *arguments: torch.Tensor, amp: bool):
    """Return what a network makes of its input, in the dtype of the input; its products in bfloat16, where `amp`.

    Parameters
    ----------
    network : function
        From a tensor to a tensor, or to nested tuples of such.
    *arguments
        The first is its input.
    amp : bool
    """
    if not amp:
        return network(*arguments)
    x = arguments[0]
    # Each weight is used once in a pass: to keep its rounded copy would gain nothing, and is wrong in a recording.
    with torch.autocast(x.device.type, torch.bfloat16, cache_enabled=False):
        return _restored(network(*arguments), x.dtype)


def require_amp(amp: bool, device: torch.device, *networks: nn.Module) -> None:
    """Require that mixed precision, where it is asked for, is to be had and makes sense.

    Raises
    ------
    ValueError
    """
    _inputs.one_of("amp", amp, (True, False))
    if not amp:
        return
    if any(isinstance(network, MLP) for network in networks):
        raise ValueError(
            "amp must be False for multilayer perceptrons, whose products are too small to gain from it, not True"
        )
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0):
        raise ValueError(f"amp must be False on {torch.cuda.get_device_name(device)}, which has no bfloat16")


def _restored(value, dtype):
    if isinstance(value, tuple):
        return tuple(_restored(part, dtype) for part in value)
    return value.to(dtype)
