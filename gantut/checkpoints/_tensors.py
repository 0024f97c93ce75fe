"""Named tensors as the bytes of a safetensors file, and back, exactly."""

from collections.abc import Mapping

import safetensors.torch
import torch

from gantut.checkpoints import _structure
from gantut.checkpoints._limits import Limits

#: those that every supported version of safetensors reads and writes
DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)


def named_tensors(name: str, weights: Mapping[str, torch.Tensor] | torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a module's state, or the mapping that it is, as a dict of tensors by name."""
    if isinstance(weights, torch.nn.Module):
        weights = weights.state_dict()
    if not isinstance(weights, Mapping):
        raise ValueError(f"{name} must be a module or a mapping from names to tensors, not a {type(weights).__name__}")
    for key, tensor in weights.items():
        if type(key) is not str or key == "__metadata__" or key.encode(errors="ignore").decode() != key:
            raise ValueError(f"{name} must have names that are text, and not '__metadata__', but one is {key!r}")
        if not isinstance(tensor, torch.Tensor):
            raise ValueError(f"{name}[{key!r}] must be a tensor, not a {type(tensor).__name__}: put it into `state`")
    return dict(weights)


def pack(name: str, tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Return the tensors as the bytes of a safetensors file; a ValueError names one that cannot be stored."""
    ready = {}
    for key, tensor in tensors.items():
        if tensor.dtype not in DTYPES or tensor.layout is not torch.strided or tensor.is_meta or tensor.is_nested:
            raise ValueError(
                f"{name}[{key!r}] must be an ordinary dense tensor of one of the types "
                f"{', '.join(str(dtype).removeprefix('torch.') for dtype in DTYPES)}, not {tensor.dtype} "
                f"({tensor.layout}, on {tensor.device})"
            )
        # a copy of its own: safetensors takes neither views nor tensors that share their memory
        ready[key] = tensor.detach().cpu().contiguous().clone()
    return safetensors.torch.save(ready)


def check_header(data: bytes, *, limits: Limits) -> None:
    """Require a table of contents within the limits, read without trust; a ValueError says what is wrong."""
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8:
        raise ValueError(f"is not a safetensors file (it has {len(data)} bytes, and claims a header of {length})")
    if length > limits.header_bytes:
        raise ValueError(f"has a header of {length} bytes, more than the {limits.header_bytes} that it may have here")
    try:
        contents = _structure.from_json(data[8 : 8 + length])
        if not isinstance(contents, dict):
            raise ValueError("is not a table")
    except ValueError as error:
        raise ValueError(f"is not a safetensors file (its header {error})") from None
    if len(contents) > limits.tensors:
        raise ValueError(f"has {len(contents)} tensors, more than the {limits.tensors} that it may have here")


def unpack(data: bytes, *, limits: Limits) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file, on the CPU; a ValueError says what is wrong with it."""
    check_header(data, limits=limits)
    try:
        tensors = safetensors.torch.load(data)
    except Exception as error:  # whatever else a parser says of a strange file
        raise ValueError(f"is not a safetensors file that can be read ({type(error).__name__}: {error})") from None
    if any((tensor.view(torch.uint8) > 1).any() for tensor in tensors.values() if tensor.dtype is torch.bool):
        raise ValueError("has truth values that are neither 0 nor 1")
    # into memory that PyTorch aligns: where a matrix begins can change how its products are rounded
    return {name: tensor.clone() for name, tensor in tensors.items()}


def check_size(packed: list[bytes], limits: Limits) -> None:
    """Require that what is to be written can be read again under the same limits."""
    total = sum(map(len, packed))
    if total > limits.total_bytes:
        raise ValueError(f"limits must allow for {total} bytes, not only {limits.total_bytes}: pass wider ones")
    for data in packed:
        try:
            check_header(data, limits=limits)
        except ValueError as error:
            raise ValueError(f"limits must be wider: what is to be saved {error}") from None
