"""The folder of one checkpoint: what is in it, and how it is verified before anything in it is used."""

import os
import re
from pathlib import Path
from typing import Any

import torch

from gantut import __version__
from gantut.checkpoints import _structure, _tensors
from gantut.checkpoints._files import read, sha256
from gantut.checkpoints._limits import CheckpointError, CheckpointVersionError, Limits

FORMAT, VERSION = "gantut checkpoint", 2
WEIGHTS, STATE, RECORD, SEAL = "weights.safetensors", "state.safetensors", "checkpoint.json", "checkpoint.json.sha256"
OURS = {WEIGHTS, STATE, RECORD, SEAL}
ENTRIES = {"format", "version", "step", "versions", "files", "config", "state"}
NAME = re.compile(r"step-([0-9]{8,18})")
ADVICE = "delete it, or restore it from a copy; load_latest uses the checkpoint before it"


def name_of(step: int) -> str:
    """Return what the folder of a checkpoint is called."""
    return f"step-{step:08d}"


def saved_steps(folder: str | os.PathLike) -> list[int]:
    """Return the steps at which checkpoints were saved into a folder, in order.

    The checkpoints themselves are not read. A run that starts should ask this first, and begin anew only where there
    are none: where there are checkpoints that cannot be used, :func:`load_latest` says so, and nothing is overwritten.

    Parameters
    ----------
    folder : str or path
        What :func:`save` was given; it may be empty or missing.

    Returns
    -------
    list of int

    Raises
    ------
    CheckpointError
        If `folder` is not a folder, or cannot be read.

    Examples
    --------
    >>> from gantut.checkpoints import saved_steps
    >>> saved_steps("nowhere")
    []

    See Also
    --------
    load_latest
    """
    try:
        return sorted(found(Path(folder)))
    except OSError as error:
        raise CheckpointError(
            f"{folder} cannot be read ({error.strerror}): name a folder that checkpoints were saved to"
        ) from None


def found(folder: Path) -> dict[int, Path]:
    """Return the paths of a folder's checkpoints by step, good or bad."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return {}
    steps = {int(match[1]): name for name in names if (match := NAME.fullmatch(name))}
    return {step: folder / name for step, name in steps.items() if name == name_of(step)}


def encoded(step: int, weights, state, config, limits: Limits) -> dict[str, bytes]:
    """Return the content of each file of a checkpoint, by name."""
    structure, tensors = _structure.flatten("state", state, depth=limits.depth)
    settings, misplaced = _structure.flatten("config", config, depth=limits.depth)
    if misplaced:
        raise ValueError(f"{min(misplaced)} must not be a tensor: put it into `state`, or write it as a list")
    weights = _tensors.named_tensors("weights", weights)
    packed = {WEIGHTS: _tensors.pack("weights", weights), STATE: _tensors.pack("state", tensors)}
    record = {
        "format": FORMAT,
        "version": VERSION,
        "step": step,
        "versions": {"gantut": __version__, "torch": str(torch.__version__)},
        "files": {name: {"bytes": len(data), "sha256": sha256(data)} for name, data in packed.items()},
        "config": settings,
        "state": structure,
    }
    text = _structure.to_json(record)
    if len(text) > limits.json_bytes:
        raise ValueError(
            f"state and config must take at most {limits.json_bytes} bytes as JSON, not {len(text)}: "
            "turn long lists of numbers into tensors, or pass wider limits"
        )
    _tensors.check_size(list(packed.values()), limits)
    return {**packed, RECORD: text, SEAL: _seal(text)}


def _seal(record: bytes) -> bytes:
    return f"{sha256(record)}  {RECORD}\n".encode()


def verified(path: Path, limits: Limits) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the record of a checkpoint and the content of its files, all of which agree with their checksums."""
    if not path.is_dir():
        raise CheckpointError(f"{path} is not a folder: name a checkpoint, such as runs/ring/{name_of(1000)}")
    if not os.path.lexists(path / RECORD) and saved_steps(path):
        raise CheckpointError(f"{path} is a folder of checkpoints: name one of them, or call load_latest")
    text = read(path / RECORD, at_most=limits.json_bytes)
    if read(path / SEAL, at_most=4096) != _seal(text):
        raise CheckpointError(f"{path / RECORD} does not agree with {SEAL}, one of them is damaged: {ADVICE}")
    try:
        record = _read_record(text, limits)
        if NAME.fullmatch(path.name) and path.name != name_of(record["step"]):
            raise ValueError(f"is of step {record['step']}, but its folder is called {path.name}")
    except CheckpointVersionError as error:
        raise CheckpointVersionError(f"{path / RECORD} {error}") from None
    except ValueError as error:
        raise CheckpointError(f"{path / RECORD} {error}: {ADVICE}") from None
    files = {}
    for name, expected in record["files"].items():
        data = files[name] = read(path / name, at_most=expected["bytes"])
        if len(data) < expected["bytes"]:
            raise CheckpointError(f"{path / name} is cut off after {len(data)} of {expected['bytes']} bytes: {ADVICE}")
        if sha256(data) != expected["sha256"]:
            raise CheckpointError(f"{path / name} is damaged, its SHA-256 is not the recorded one: {ADVICE}")
    return record, files


def _read_record(text, limits):
    """Return what checkpoint.json says, if it says all that it must; a ValueError says what is wrong."""
    record = _structure.from_json(text)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ValueError("is not the record of a checkpoint")
    version = record.get("version")
    if type(version) is int and version >= 1 and version != VERSION:
        what = "install a later one"
        if version < VERSION:
            what = "train anew, or use the version that wrote it (format 1: gantut 0.1)"
        raise CheckpointVersionError(
            f"has format {version}, and this version of gantut ({__version__}) reads format {VERSION}: {what}"
        )
    if version != VERSION or set(record) != ENTRIES:
        raise ValueError("lacks entries that it must have, or has others")
    if type(record["step"]) is not int or record["step"] < 0 or not isinstance(record["versions"], dict):
        raise ValueError("has a step or versions that are not valid")
    files = record["files"]
    if not isinstance(files, dict) or set(files) != {WEIGHTS, STATE}:  # so that no path can lead elsewhere
        raise ValueError(f"must list the files {WEIGHTS} and {STATE}, and no others")
    for entry in files.values():
        if not isinstance(entry, dict) or set(entry) != {"bytes", "sha256"} or type(entry["bytes"]) is not int:
            raise ValueError("lists a file without its size and SHA-256")
    total = sum(entry["bytes"] for entry in files.values())
    if any(entry["bytes"] < 0 for entry in files.values()) or total > limits.total_bytes:
        raise ValueError(f"asks for {total} bytes, and {limits.total_bytes} are allowed here")
    return record
