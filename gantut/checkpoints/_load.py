"""Loading a checkpoint, or the newest good one of a run."""

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gantut.checkpoints import _structure, _tensors
from gantut.checkpoints._limits import LIMITS, CheckpointError, CheckpointVersionError, Limits
from gantut.checkpoints._record import ADVICE, RECORD, STATE, WEIGHTS, name_of, saved_steps, verified
from gantut.device import choose_device


class Checkpoint(NamedTuple):
    """What :func:`load` and :func:`load_latest` return: all that was given to :func:`save`, bit by bit.

    Attributes
    ----------
    step : int
        After how many steps it was saved.
    weights : dict of str to tensor
        Tensors by name, on the device that was asked for.
    state : dict, list, tensor, ...
        The nested rest. Its tensors are on the CPU, from where ``load_state_dict`` and ``set_state`` take them.
    config : dict, list, ...
        The configuration of the run.
    path : Path
        The folder that it came from.
    versions : dict of str to str
        The versions of gantut and torch that wrote it.

    See Also
    --------
    load : one checkpoint.
    load_latest : the newest good one of a run.

    Examples
    --------
    >>> import tempfile, torch
    >>> from gantut.checkpoints import load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = load(save(folder, 100, weights={"w": torch.ones(2)}, config={"lr": 1e-4}))
    >>> checkpoint.step, checkpoint.weights["w"], checkpoint.config
    (100, tensor([1., 1.]), {'lr': 0.0001})
    """

    step: int
    weights: dict[str, torch.Tensor]
    state: Any
    config: Any
    path: Path
    versions: dict[str, str]


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
        How much the files may ask for.

    Returns
    -------
    Checkpoint

    Raises
    ------
    CheckpointError
        If there is no good one; a :class:`CheckpointVersionError` if another version of gantut wrote the newest.

    Examples
    --------
    >>> import tempfile, torch
    >>> from gantut.checkpoints import load_latest, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [save(folder, step, {"w": torch.full((2,), float(step))}) for step in (10, 20)]
    ...     back = load_latest(folder)
    >>> back.step, back.weights["w"]
    (20, tensor([20., 20.]))

    See Also
    --------
    save, load, saved_steps
    """
    folder, device = Path(folder), choose_device(str(device))
    steps = saved_steps(folder)
    if not steps:
        what = "holds no checkpoint" if folder.exists() else "does not exist"
        raise CheckpointError(f"{folder} {what}: name a folder that checkpoints were saved to")
    reasons = []
    for step in reversed(steps):
        path = folder / name_of(step)
        try:
            if path.is_symlink():
                raise CheckpointError(f"{path} is a symbolic link, which is not followed: name its target to `load`")
            return load(path, device=device, limits=limits)
        except CheckpointVersionError:
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

    Examples
    --------
    >>> import tempfile, torch
    >>> from gantut.checkpoints import load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     back = load(save(folder, 3, {}, {"best": (0.1, float("inf"))}))
    >>> back.state
    {'best': (0.1, inf)}

    See Also
    --------
    save, load_latest
    """
    path, device = Path(path), choose_device(str(device))
    record, files = verified(path, limits)
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
