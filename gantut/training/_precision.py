r"""Mixed precision: the products of the networks in bfloat16, and everything else in single precision.

A number in bfloat16 has the range of single precision, so that no loss needs to be scaled, but 8 bits of its digits.
That is enough for the convolutions of a pass, which are most of the work. It is not enough for

- a gradient penalty, :math:`(\lVert\nabla f\rVert - 1)^2`, which is small where a gradient is about right: there both
  passes, to the gradient and back from it, stay in single precision;
- losses, parameters, their gradients' sums, optimizers and all evaluations, which cost little.
"""

import platform
import warnings
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


def use_amp(amp: bool | None, device: torch.device, *networks: nn.Module) -> bool:
    """Return whether to train in mixed precision: where it is asked for, and the device is faster so.

    With None, it is asked for of networks that can gain from it, and nothing is said where the device cannot.

    Raises
    ------
    ValueError
        If it makes no sense for these networks.

    Warns
    -----
    UserWarning
        If the device would be slower.
    """
    _inputs.one_of("amp", amp, (True, False, None))
    small = any(isinstance(network, MLP) for network in networks)
    if not amp:
        return amp is None and not small and multiplies_in_bfloat16(device)
    if small:
        raise ValueError(
            "amp must be False for multilayer perceptrons, whose products are too small to gain from it, not True"
        )
    if not multiplies_in_bfloat16(device):
        warnings.warn(
            f"training runs in single precision, not in mixed: {_name(device)} has no instructions for bfloat16, with "
            "which a convolution takes several times as long here",
            stacklevel=3,
        )
        return False
    return True


def multiplies_in_bfloat16(device: torch.device) -> bool:
    """Ask the processor, or the GPU, whether it has instructions for products in bfloat16."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return True
    has = capabilities()
    return any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))


def capabilities() -> dict:
    """Return what PyTorch knows of the processor, by name; older versions know less of it."""
    if hasattr(torch.cpu, "get_capabilities"):
        return dict(torch.cpu.get_capabilities())
    known = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported"}
    return {name: getattr(torch.cpu, ask, bool)() for name, ask in known.items()}


def _name(device):
    return torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "this processor"


def _restored(value, dtype):
    if isinstance(value, tuple):
        return tuple(_restored(part, dtype) for part in value)
    return value.to(dtype)
