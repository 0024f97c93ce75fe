"""Recorded results: what a large run found, with all that it takes to run it again."""

import datetime
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gantut import _inputs
from gantut.checkpoints import write_atomically


class Record(NamedTuple):
    """A recorded result.

    Attributes
    ----------
    result : dict
        What was found: numbers and nested lists of them.
    provenance : dict
        Command, commit, date, device, versions, seed, seconds by the clock, and seconds of processor time.

    See Also
    --------
    record : makes one.
    recorded : reads one.

    Examples
    --------
    >>> from gantut.lessons import recorded
    >>> result, provenance = recorded("mode-collapse")
    >>> provenance["command"].split()[-1]
    'mode-collapse'
    """

    result: dict[str, Any]
    provenance: dict[str, Any]


def results_folder() -> Path:
    """Where the book's results are: ``book/results`` of the repository, or the copy of it that the wheel carries."""
    package = Path(__file__).resolve().parents[1]
    in_repository = package.parent / "book" / "results"
    return in_repository if in_repository.is_dir() else package / "results"


def recorded(name: str, *, folder: str | Path | None = None) -> Record:
    """Read a recorded result.

    Parameters
    ----------
    name : str
        Of the experiment, such as ``"mode-collapse"``.
    folder : path, optional
        By default the book's own results.

    Returns
    -------
    Record
        Its result, and its provenance.

    Raises
    ------
    ValueError
        If nothing of that name is recorded; the message names the nearest.

    See Also
    --------
    record : writes such a file.

    Examples
    --------
    >>> from gantut.lessons import recorded
    >>> recorded("mode-collapse").provenance["seed"]
    0
    """
    folder = Path(folder) if folder else results_folder()
    names = tuple(sorted(path.stem for path in folder.glob("*.json")))
    _inputs.one_of("name", name, names)
    content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return Record(content["result"], content["provenance"])


def record(
    name: str, run: Callable[[], dict], *, command: str, seed: int, device, folder: str | Path | None = None
) -> Path:
    """Run an experiment, and write what it found with its provenance.

    Parameters
    ----------
    name : str
        Of the experiment; the file is called ``name.json``.
    run : function of no arguments
        The experiment. It returns a dict of numbers, and of nested lists of them. Where this has an entry "files", a
        mapping from endings to bytes, such as ``{"safetensors": ...}``, they are written beside the record, as
        ``name.safetensors``, and not into it.
    command : str
        The command that runs it again.
    seed : int
        What `run` seeds its random generators with. It is only written into the record, as the device is.
    device : device or str
        Where `run` computes.
    folder : path, optional
        By default the one of the book's own results. It is made where it is missing.

    Returns
    -------
    Path
        Of the file.

    See Also
    --------
    recorded : reads it.

    Examples
    --------
    >>> import tempfile
    >>> from gantut.lessons import record, recorded
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = record("sum", lambda: {"sum": 1 + 1}, command="none", seed=0, device="cpu", folder=folder)
    ...     found = recorded("sum", folder=folder)
    >>> path.name, found.result, found.provenance["seed"]
    ('sum.json', {'sum': 2}, 0)
    """
    folder = Path(folder) if folder else results_folder()
    code = commit()  # of what was loaded: a commit made meanwhile is not what ran
    start, start_of_work = time.perf_counter(), time.process_time()
    result = run()
    spent = {"seconds": time.perf_counter() - start, "processor_seconds": time.process_time() - start_of_work}
    files = result.pop("files", {})
    content = {"provenance": _provenance(command, code, seed, device, spent), "result": result}
    text = json.dumps(content, indent=1, allow_nan=True)
    folder.mkdir(parents=True, exist_ok=True)
    for ending, data in files.items():
        write_atomically(folder / f"{name}.{ending}", data)
    write_atomically(folder / f"{name}.json", (_compact(text) + "\n").encode())
    return folder / f"{name}.json"


def rounded(values: torch.Tensor, digits: int = 4) -> list:
    """Return numbers as plain lists for a record, with so many digits after the point."""
    return _round(values.tolist(), digits)


def rounded_fields(found: tuple | Mapping) -> dict[str, list]:
    """Return the tensors of a named tuple, or of a mapping, as :func:`rounded` lists by name."""
    fields = found if isinstance(found, Mapping) else found._asdict()
    return {name: rounded(values) for name, values in fields.items()}


def _round(values, digits):
    return [_round(part, digits) for part in values] if isinstance(values, list) else round(values, digits)


def _provenance(command, code, seed, device, spent):
    device = torch.device(device)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} CPU"
    if device.type == "cpu":
        where += f", {os.cpu_count()} cores, {torch.get_num_threads()} threads in use"
    return {
        "command": command,
        "commit": code,
        "date": datetime.date.today().isoformat(),
        "device": where,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "seed": seed,
        **{clock: round(seconds) for clock, seconds in spent.items()},
    }


def commit() -> str:
    """Return the commit of the code that runs, and whether it has been changed since.

    Where the code is a copy without a history, the variable ``GANTUT_COMMIT`` may say which commit it is.
    """
    try:
        head, changes = (
            subprocess.run(["git", *what], capture_output=True, text=True, cwd=Path(__file__).parents[1], check=True)
            for what in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", "."])
        )
        return head.stdout.strip() + (", with changes" if changes.stdout.strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("GANTUT_COMMIT", "not in a repository")


def _compact(text):
    """Put the innermost lists of indented JSON on one line each."""
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: "[" + re.sub(r"\s+", " ", found[1]) + "]", text)
