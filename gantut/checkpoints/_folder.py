"""A folder of checkpoints: the history of one run, of which the newest are kept."""

import contextlib
import os
import re
import secrets
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gantut import __version__, _inputs
from gantut.checkpoints import _structure, _tensors
from gantut.checkpoints._files import make_folder, only_writer, read, sha256, sync_folder, write_new
from gantut.checkpoints._limits import LIMITS, CheckpointError, CheckpointTooNew, Limits
from gantut.device import choose_device

FORMAT, VERSION = "gantut checkpoint", 1
WEIGHTS, STATE, RECORD, SEAL = "weights.safetensors", "state.safetensors", "checkpoint.json", "checkpoint.json.sha256"
OURS = {WEIGHTS, STATE, RECORD, SEAL}
NAME = re.compile(r"step-([0-9]{8,18})")
UNFINISHED = re.compile(r"\.step-[0-9]{8,18}-[0-9a-f]{8}\.unfinished")
ADVICE = "delete it, or take another copy of it; load_latest uses the checkpoint before it"


class Checkpoint(NamedTuple):
    """What :func:`load` and :func:`load_latest` return: all that was given to :func:`save`, bit by bit."""

    #: after how many steps it was saved
    step: int
    #: tensors by name, on the device that was asked for
    weights: dict[str, torch.Tensor]
    #: the nested rest; its tensors are on the CPU, from where ``load_state_dict`` and ``set_state`` take them
    state: Any
    #: the configuration of the run
    config: Any
    #: the folder that it came from
    path: Path
    #: the versions of gantut and torch that wrote it
    versions: dict[str, str]


# ---- Writing ----------------------------------------------------------------------------------------------


def save(
    folder: str | os.PathLike,
    step: int,
    weights: Mapping[str, torch.Tensor] | torch.nn.Module,
    state: Any = None,
    config: Any = None,
    *,
    keep: int | None = 2,
    limits: Limits = LIMITS,
) -> Path:
    """Save one checkpoint, and then delete those that are older than the newest `keep` good ones.

    A folder is the history of one run: its steps only grow. It is safe to be interrupted at any time, and several
    processes that save into one folder take turns; the one that comes too late with a step is refused.

    Parameters
    ----------
    folder : str or path
        Of the run; made where it is missing.
    step : int
        After how many steps; more than those of all good checkpoints in the folder.
    weights : mapping from names to tensors, or module
        ``torch.nn.ModuleDict({"generator": g, "critic": f})`` makes one module of two.
    state : dict, list, tuple, tensor, number, bool, str or None, nested at will
        All else that it takes to go on exactly: ``state_dict()`` of each optimizer, ``get_state()`` of each random
        generator, the place in the data. Every tensor comes back as one of its own, an ``OrderedDict`` as a dict.
    config : the same without tensors
        What the run was asked to do; stored as readable JSON.
    keep : int, optional
        How many good checkpoints to keep; None keeps all. A checkpoint with files of yours in it is never deleted.
    limits : Limits

    Returns
    -------
    path
        Of the checkpoint, ``FOLDER/step-NNNNNNNN``.

    Raises
    ------
    ValueError
        If something cannot be stored exactly (the message says where it is), or the folder holds a good checkpoint of
        that step or a later one.
    OSError
        If the disk is full, the folder must not be written to, ...: the checkpoints of before are all still there.
    """
    folder, step = Path(folder).absolute(), _inputs.count("step", step, least=0)
    keep = None if keep is None else _inputs.count("keep", keep)
    files = _encoded(step, weights, state, config, limits)
    final = folder / _name(step)
    unfinished = folder / f".{final.name}-{secrets.token_hex(4)}.unfinished"
    try:
        make_folder(folder)
        with only_writer(folder) as alone:
            if alone:  # nobody else is writing here: what is unfinished will never be finished
                _sweep(folder)
            _make_way(folder, step, limits)
            try:
                unfinished.mkdir()
                for name, data in files.items():
                    write_new(unfinished / name, data)
                sync_folder(unfinished)
                unfinished.rename(final)
            except BaseException:  # Ctrl-C, too
                _remove(unfinished)
                raise
            sync_folder(folder)
            _prune(folder, keep, limits)
    except OSError as error:
        error.add_note(
            f"Saving step {step} failed; the checkpoints that were in {folder} before are still as they were."
        )
        raise
    return final


def _encoded(step, weights, state, config, limits):
    """Return the content of each file of a checkpoint, by name."""
    structure, tensors = _structure.flatten("state", state, depth=limits.depth)
    settings, misplaced = _structure.flatten("config", config, depth=limits.depth)
    if misplaced:
        raise ValueError(f"{min(misplaced)} must not be a tensor: it belongs into `state`, or write it as a list")
    weights = _tensors.named_tensors("weights", weights)
    packed = {WEIGHTS: _tensors.pack("weights", weights), STATE: _tensors.pack("state", tensors)}
    record = _structure.to_json(
        {
            "format": FORMAT,
            "version": VERSION,
            "step": step,
            "versions": {"gantut": __version__, "torch": str(torch.__version__)},
            "files": {name: {"bytes": len(data), "sha256": sha256(data)} for name, data in packed.items()},
            "config": settings,
            "state": structure,
        }
    )
    if len(record) > limits.json_bytes:
        raise ValueError(
            f"state and config must take at most {limits.json_bytes} bytes as JSON, not {len(record)}: "
            "turn long lists of numbers into tensors, or pass wider limits"
        )
    _tensors.check_size(sum(map(len, packed.values())), list(packed.values()), limits)
    return {**packed, RECORD: record, SEAL: _seal(record)}


def _seal(record: bytes) -> bytes:
    return f"{sha256(record)}  {RECORD}\n".encode()


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _make_way(folder, step, limits):
    """Refuse a step that is not later than all good ones, and set aside what is in its way but cannot be used."""
    for other, path in sorted(_found(folder).items(), reverse=True):
        if other < step:
            return
        try:
            _verified(path, limits)
            usable = True
        except CheckpointTooNew:
            usable = True
        except CheckpointError as error:
            usable, reason = False, error
        if usable:
            raise ValueError(
                f"step must be more than {other}, the last one that {folder} holds, not {step}: go on from there "
                "(load_latest), save into another folder, or move that checkpoint away"
            )
        aside = path.with_name(f"{path.name}.set-aside-{secrets.token_hex(4)}")
        path.rename(aside)
        warnings.warn(f"a checkpoint that cannot be used is now called {aside.name}: {reason}", stacklevel=3)


def _prune(folder, keep, limits):
    """Delete what is older than the newest `keep` good checkpoints."""
    found = sorted(_found(folder).items(), reverse=True)
    if keep is None or len(found) <= keep:
        return
    good = 1  # the newest was written just now
    for _, path in found[1:]:
        if good >= keep:
            _retire(path)
        else:
            with contextlib.suppress(CheckpointError):
                _verified(path, limits)
                good += 1


def _retire(path):
    """Delete a checkpoint, unless there are other files in it."""
    with contextlib.suppress(OSError):  # the new checkpoint is safe; what cannot be deleted may stay
        if path.is_dir() and set(os.listdir(path)) <= OURS:
            unfinished = path.with_name(f".{path.name}-{secrets.token_hex(4)}.unfinished")
            path.rename(unfinished)  # at once: nobody may find half of it
            _remove(unfinished)


def _sweep(folder):
    """Delete what saves that were killed have left behind."""
    for name in os.listdir(folder):
        if UNFINISHED.fullmatch(name) and not (folder / name).is_symlink():
            _remove(folder / name)


def _remove(unfinished):
    """Delete our files in an unfinished checkpoint, and the folder if that leaves it empty."""
    with contextlib.suppress(OSError):
        for name in OURS:
            (unfinished / name).unlink(missing_ok=True)
        unfinished.rmdir()


# ---- Reading ----------------------------------------------------------------------------------------------


def saved_steps(folder: str | os.PathLike) -> list[int]:
    """Return the steps of which a folder holds checkpoints, in order; none where the folder is empty or missing.

    None of them has been read yet. A run that starts should ask this first, and begin anew only where there are none:
    where checkpoints are there but cannot be used, :func:`load_latest` says so, and nothing is overwritten.

    Raises
    ------
    CheckpointError
        If `folder` is something else than a folder, or cannot be read.
    """
    try:
        return sorted(_found(Path(folder)))
    except OSError as error:
        raise CheckpointError(
            f"{folder} cannot be read ({error.strerror}): name a folder that checkpoints were saved to"
        ) from None


def _found(folder):
    """Return the paths of a folder's checkpoints by step, good or bad."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return {}
    steps = {int(match[1]): name for name in names if (match := NAME.fullmatch(name))}
    return {step: folder / name for step, name in steps.items() if name == _name(step)}


def load_latest(
    folder: str | os.PathLike, *, device: torch.device | str = "cpu", limits: Limits = LIMITS
) -> Checkpoint:
    """Load the newest good checkpoint of a folder.

    Those that are damaged, incomplete or foreign are skipped, with a warning that names the file and the reason.

    Parameters
    ----------
    folder : str or path
        What :func:`save` was given.
    device : device or str
        Where the weights go.
    limits : Limits

    Returns
    -------
    Checkpoint

    Raises
    ------
    CheckpointError
        If there is no good one; if the newest was written by a later version of gantut (:class:`CheckpointTooNew`).
    """
    folder, device = Path(folder), choose_device(str(device))
    steps = saved_steps(folder)
    if not steps:
        what = "holds no checkpoint" if folder.exists() else "does not exist"
        raise CheckpointError(f"{folder} {what}: name a folder that checkpoints were saved to")
    reasons = []
    for step in reversed(steps):
        path = folder / _name(step)
        try:
            if path.is_symlink():
                raise CheckpointError(f"{path} is a symbolic link, which is not followed: name its target to `load`")
            return load(path, device=device, limits=limits)
        except CheckpointTooNew:
            raise
        except CheckpointError as error:
            reasons.append(str(error))
            if os.path.lexists(path):  # and was not deleted just now, as another process has saved newer ones
                warnings.warn(f"skipped a checkpoint that cannot be used: {error}", stacklevel=2)
    if saved_steps(folder) != steps:
        return load_latest(folder, device=device, limits=limits)
    raise CheckpointError("\n".join([f"{folder} holds no checkpoint that can be used:", *reasons]))


def load(path: str | os.PathLike, *, device: torch.device | str = "cpu", limits: Limits = LIMITS) -> Checkpoint:
    """Load one checkpoint, if it is good.

    The files are verified against their recorded sizes and checksums first, and only then parsed.

    Parameters
    ----------
    path : str or path
        Of the checkpoint, such as ``runs/ring/step-00001000``.
    device : device or str
        Where the weights go; the tensors in `state` stay on the CPU.
    limits : Limits
        How much the files may ask for.

    Returns
    -------
    Checkpoint

    Raises
    ------
    CheckpointError
        If it is missing, incomplete, damaged, foreign or beyond the limits: which file, what is wrong, what to do.
    """
    path, device = Path(path), choose_device(str(device))
    record, files = _verified(path, limits)
    try:
        current = path / WEIGHTS
        weights = _tensors.unpack(files[WEIGHTS], limits=limits)
        current = path / STATE
        tensors = _tensors.unpack(files[STATE], limits=limits)
        current = path / RECORD
        state = _structure.rebuild(record["state"], tensors, depth=limits.depth)
        config = _structure.rebuild(record["config"], {}, depth=limits.depth)
    except ValueError as error:
        raise CheckpointError(f"{current} {error}: {ADVICE}") from None
    weights = {name: tensor.to(device) for name, tensor in weights.items()}
    return Checkpoint(record["step"], weights, state, config, path, record["versions"])


def _verified(path, limits):
    """Return the record of a checkpoint and the content of its files, all of which agree with their checksums."""
    if not path.is_dir():
        raise CheckpointError(f"{path} is no folder: name a checkpoint, such as runs/ring/{_name(1000)}")
    if not os.path.lexists(path / RECORD) and saved_steps(path):
        raise CheckpointError(f"{path} is a folder of checkpoints: name one of them, or call load_latest")
    text = read(path / RECORD, at_most=limits.json_bytes)
    if read(path / SEAL, at_most=4096) != _seal(text):
        raise CheckpointError(f"{path / RECORD} does not agree with {SEAL}, one of them is damaged: {ADVICE}")
    try:
        record = _read_record(text, limits)
        if NAME.fullmatch(path.name) and path.name != _name(record["step"]):
            raise ValueError(f"is of step {record['step']}, but its folder is called {path.name}")
    except CheckpointTooNew as error:
        raise CheckpointTooNew(f"{path / RECORD} {error}") from None
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
    if type(version) is int and version > VERSION:
        raise CheckpointTooNew(
            f"has format {version}, and this version of gantut ({__version__}) reads formats up to {VERSION}: "
            "install a later one"
        )
    if version != VERSION or set(record) != {"format", "version", "step", "versions", "files", "config", "state"}:
        raise ValueError("lacks entries that it must have, or has others")
    if type(record["step"]) is not int or record["step"] < 0 or not isinstance(record["versions"], dict):
        raise ValueError("has a step or versions that are none")
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
