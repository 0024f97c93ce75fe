"""The weights of one model in one file, with its checksum beside it."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch

from gantut.checkpoints import _tensors
from gantut.checkpoints._files import make_folder, read, sha256, staged, sync_folder
from gantut.checkpoints._limits import LIMITS, CheckpointError, Limits
from gantut.device import choose_device

SUFFIX = ".safetensors"


def save_weights(
    path: str | os.PathLike,
    weights: Mapping[str, torch.Tensor] | torch.nn.Module,
    metadata: Mapping[str, str] | None = None,
    *,
    overwrite: bool = False,
    limits: Limits = LIMITS,
) -> Path:
    """Save a model's weights as one safetensors file, with its SHA-256 in a second file beside it.

    Parameters
    ----------
    path : str or path
        Ends in ``.safetensors``; the checksum goes to ``PATH.sha256``, as ``sha256sum -c`` reads it.
    weights : module, or mapping from names to tensors
        Of a module all that its ``state_dict`` holds. Tensors that share their memory are stored once each.
    metadata : mapping from str to str, optional
        Stored inside the file; see :func:`read_metadata`.
    overwrite : bool
        Whether a file of that name may be replaced. A process that is killed meanwhile leaves the old file or the new
        one, whole in any case; for an instant it may lack its checksum, and never has a wrong one.

    Returns
    -------
    path
        Of the file.

    Raises
    ------
    ValueError
        If there is such a file and `overwrite` is False, or something cannot be stored exactly.
    OSError
        If the disk is full, ...: what was there before is still there.

    Examples
    --------
    >>> import tempfile, torch
    >>> from gantut.checkpoints import load_weights, read_metadata, save_weights
    >>> generator = torch.nn.Linear(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_weights(f"{folder}/generator.safetensors", generator, {"trained on": "the ring"})
    ...     back, metadata = load_weights(path), read_metadata(path)
    >>> generator.load_state_dict(back)
    <All keys matched successfully>
    >>> metadata
    {'trained on': 'the ring'}

    See Also
    --------
    load_weights
    save : For all that it takes to go on with a run.
    """
    if Path(path).suffix != SUFFIX:
        raise ValueError(f"path must end in {SUFFIX!r}, which is what is written, not {str(path)!r}")
    path = Path(os.path.realpath(path))
    metadata = dict(metadata or {})
    if not all(type(text) is str for item in metadata.items() for text in item):
        raise ValueError(f"metadata must be strings by name, not {metadata!r}: write numbers as text")
    data = _tensors.pack("weights", _tensors.named_tensors("weights", weights), metadata or None)
    _tensors.check_size([data], limits)
    if path.exists() and not overwrite:
        raise ValueError(f"path must be new, but {path} exists: give another one, or overwrite=True")
    make_folder(path.parent)
    beside = _beside(path)
    with staged(path, data) as new, staged(beside, f"{sha256(data)}  {path.name}\n") as new_checksum:
        beside.unlink(missing_ok=True)  # before the file changes, so that it never has a wrong one
        os.replace(new, path)
        os.replace(new_checksum, beside)
    sync_folder(path.parent)
    return path


def load_weights(
    path: str | os.PathLike, *, device: torch.device | str = "cpu", limits: Limits = LIMITS
) -> dict[str, torch.Tensor]:
    """Load the weights in a safetensors file, of ours or of anybody's; nothing in it is ever run.

    Where there is a ``PATH.sha256``, the file must agree with it. Where there is none, the file is read all the same,
    as files from elsewhere come without: it must then be sound in itself, but that its numbers are those that were once
    written is not known.

    Parameters
    ----------
    path : str or path
    device : device or str
        Where the tensors go.
    limits : Limits
        How large a file may be.

    Returns
    -------
    dict from str to tensor
        As ``module.load_state_dict`` takes it.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, not a safetensors file, or beyond the limits.

    Examples
    --------
    >>> import tempfile, torch
    >>> from gantut.checkpoints import load_weights, save_weights
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     back = load_weights(save_weights(f"{folder}/w.safetensors", {"w": torch.eye(2)}))
    >>> back["w"]
    tensor([[1., 0.],
            [0., 1.]])

    See Also
    --------
    save_weights, read_metadata
    """
    device = choose_device(str(device))
    path, data = _checked(path, limits)
    try:
        return {name: tensor.to(device) for name, tensor in _tensors.unpack(data, limits=limits).items()}
    except ValueError as error:
        raise CheckpointError(f"{path} {error}: take another copy of it") from None


def read_metadata(path: str | os.PathLike, *, limits: Limits = LIMITS) -> dict[str, str]:
    """Return the metadata that :func:`save_weights` was given.

    Parameters
    ----------
    path : str or path
        Is checked as by :func:`load_weights`, which has an example.
    limits : Limits

    Returns
    -------
    dict from str to str
        Empty where there is none.

    Raises
    ------
    CheckpointError
        If the file cannot be used.

    See Also
    --------
    save_weights
    """
    path, data = _checked(path, limits)
    try:
        metadata = _tensors.header(data, limits=limits).get("__metadata__", {})
    except ValueError as error:
        raise CheckpointError(f"{path} {error}: take another copy of it") from None
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise CheckpointError(f"{path} has metadata that is not strings by name: take another copy of it")
    return metadata


def _beside(path):
    return path.with_name(path.name + ".sha256")


def _checked(path, limits):
    """Return the path and the bytes of a file that agrees with the checksum beside it, if there is one."""
    path = Path(os.path.realpath(path))
    data = read(path, at_most=limits.total_bytes)
    beside = _beside(path)
    if os.path.lexists(beside):
        text = read(beside, at_most=4096)
        found = re.match(rb"\\?([0-9a-f]{64})(?:\s|$)", text)
        if not found:
            raise CheckpointError(f"{beside} does not hold a SHA-256: delete it if you trust {path.name} without one")
        if found[1].decode() != (actual := sha256(data)):
            raise CheckpointError(
                f"{path} does not agree with its checksum {beside.name} (SHA-256 {actual[:12]}..., not "
                f"{found[1].decode()[:12]}...): it was damaged or replaced; take another copy of both"
            )
    return path, data
