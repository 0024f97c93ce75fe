"""Saving a checkpoint into the folder of a run, of which the newest are kept."""

import contextlib
import os
import re
import secrets
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gantut import _inputs
from gantut.checkpoints._files import make_folder, only_writer, sync_folder, write_new
from gantut.checkpoints._limits import LIMITS, CheckpointError, CheckpointVersionError, Limits
from gantut.checkpoints._record import OURS, encoded, found, name_of, verified

UNFINISHED = re.compile(r"\.step-[0-9]{8,18}-[0-9a-f]{8}\.unfinished")


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

    A folder is the history of one run: its steps only grow. It is safe to interrupt this at any time, and several
    processes that save into one folder take turns; one that comes too late with a step is refused.

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

    Examples
    --------
    >>> import tempfile, torch
    >>> from gantut.checkpoints import load_latest, save
    >>> critic = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.Adam(critic.parameters())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(folder, 1000, critic, {"optimizer": optimizer.state_dict()}, {"lr": 1e-4})
    ...     back = load_latest(folder)
    >>> path.name, back.step, back.config
    ('step-00001000', 1000, {'lr': 0.0001})
    >>> optimizer.load_state_dict(back.state["optimizer"])

    See Also
    --------
    load_latest, load
    """
    folder, step = Path(folder).absolute(), _inputs.count("step", step, least=0)
    keep = None if keep is None else _inputs.count("keep", keep)
    files = encoded(step, weights, state, config, limits)
    final = folder / name_of(step)
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


def _make_way(folder, step, limits):
    """Refuse a step that is not later than all good ones, and set aside what is in its way but cannot be used."""
    for other, path in sorted(found(folder).items(), reverse=True):
        if other < step:
            return
        try:
            with contextlib.suppress(CheckpointVersionError):  # which another version of gantut can use
                verified(path, limits)
        except CheckpointError as error:
            aside = path.with_name(f"{path.name}.set-aside-{secrets.token_hex(4)}")
            path.rename(aside)
            warnings.warn(f"a checkpoint that cannot be used is now called {aside.name}: {error}", stacklevel=3)
        else:
            raise ValueError(
                f"step must be more than {other}, the last one that {folder} holds, not {step}: go on from there "
                "(load_latest), save into another folder, or move that checkpoint away"
            )


def _prune(folder, keep, limits):
    """Delete what is older than the newest `keep` good checkpoints."""
    good = 1  # the newest was written just now
    for _, path in sorted(found(folder).items(), reverse=True)[1:] if keep else ():
        if good >= keep:
            _retire(path)
        else:
            with contextlib.suppress(CheckpointError):
                verified(path, limits)
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
