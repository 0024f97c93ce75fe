"""Checks of what callers pass in: shapes, dtypes and devices, which cost next to nothing even in training.

Values are another matter: to read them, the host waits for the device, and a step that is captured in a graph may not.
"""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from gantut import _inputs


def samples(name: str, value, *, axes: int = 1) -> torch.Tensor:
    r"""Return `value` as floating point samples with at least so many axes before the event, and no size 0."""
    value = _inputs.floating(name, value)
    if value.ndim <= axes or not value.numel():
        allowed = "(members, batch, *event)" if axes == 2 else "(batch, *event) or (members, batch, *event)"
        raise ValueError(f"{name} must have shape {allowed}, with no size 0, not {_inputs.shape(value)}")
    return value


def alike(**tensors: torch.Tensor) -> None:
    """Require two tensors of one shape, dtype and device."""
    (first, one), (second, other) = tensors.items()
    if one.shape != other.shape:
        raise ValueError(f"{second} must have the shape of {first}, {_inputs.shape(one)}, not {_inputs.shape(other)}")
    _inputs.together(**tensors)


def require_module(critic) -> None:
    """Require a module of torch."""
    if not isinstance(critic, nn.Module):
        raise ValueError(
            f"critic must be a torch.nn.Module, not a {type(critic).__name__}: make a function the `forward` of one"
        )


def answer(critic: Callable, question: Callable, x: torch.Tensor, *, name: str = "x") -> torch.Tensor:
    """Ask something about a critic at x; if that fails, and its dtype or device is not that of x, say so."""
    try:
        return question(x)
    except RuntimeError as error:
        parameters = list(critic.parameters()) if isinstance(critic, nn.Module) else []
        for what in ("dtype", "device"):
            theirs = {getattr(p, what): None for p in parameters if p.is_floating_point()}
            if theirs and getattr(x, what) not in theirs:
                own = " or ".join(map(str, theirs))
                raise ValueError(f"{name} must have the {what} of critic, {own}, not {getattr(x, what)}") from error
        raise


def in_place(name: str, value, *, matrices: bool = False) -> list[torch.Tensor]:
    """Return a tensor, or the tensors of an iterable, that are to be changed in place: all checked before the first."""
    value = [value] if isinstance(value, torch.Tensor) else value
    tensors = list(value) if isinstance(value, Iterable) else [value]
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            given = tensor.dtype if isinstance(tensor, torch.Tensor) else repr(tensor)
            raise ValueError(f"{name} must be floating point tensors, which can be changed in place, not {given}")
        if matrices:
            require_matrices(name, tensor)
    return tensors


def require_matrices(name: str, tensor: torch.Tensor) -> None:
    """Require matrices (..., in, out), neither size 0."""
    if tensor.ndim < 2 or 0 in tensor.shape[-2:]:
        raise ValueError(f"{name} must have shape (..., in, out), neither of them 0, not {_inputs.shape(tensor)}")
