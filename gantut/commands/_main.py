"""From the words of a command line to an exit status."""

import os
import sys
from collections.abc import Sequence

from gantut.commands._parser import make_parser
from gantut.device import limit_threads
from gantut.training import OutOfMemory

WRONG = 2  # the exit status where something is wrong with what was asked for, or with a file


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words of a command line ask for.

    Parameters
    ----------
    words : sequence of str, optional
        By default those with which this process was started.

    Returns
    -------
    int
        The exit status: 0; 1 where the doctor finds something, or a process of a run is lost; 2 after an error, of
        which one line says what it is; 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if words is None else words)
    try:
        limit_threads()
        arguments = make_parser().parse_args(words or ["--help"])
        arguments.words = words
        return arguments.command(arguments)
    except OSError as error:
        return _wrong(_what_failed(error), error)
    except (ValueError, OutOfMemory) as error:
        return _wrong(str(error), error)
    except KeyboardInterrupt:
        return 130


def _what_failed(error):
    """Return what an operation on a file met, such as a full disk, and where."""
    if error.strerror is None:
        return str(error)
    return error.strerror + (f": {error.filename}" if error.filename else "")


def _wrong(message, error):
    """Print one line about an error, and lines of advice that go with it."""
    rank = os.environ.get("RANK", "0")
    who = "gantut" if rank == "0" else f"gantut, process {rank}"
    lines = [" ".join(message.split()), *getattr(error, "__notes__", ())]
    print(f"{who}: error: " + "\n  ".join(lines), file=sys.stderr)
    return WRONG
