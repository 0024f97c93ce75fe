"""usage: python -m gantut COMMAND ...

Train a GAN or a Wasserstein GAN, look at what it makes, and find out what is wrong with it.

  python -m gantut train                      on 293 small monsters that come with gantut
  python -m gantut train ring --objective wgan-gp
                                              eight blobs in the plane, in seconds: the field of lessons 5 to 13
  python -m gantut train ~/photos --size 64 --out runs/mine --dry-run
                                              what is in the folder, and what time and memory to expect
  python -m gantut train ~/photos --size 64 --out runs/mine
  python -m gantut train --out runs/mine --resume
  python -m gantut sample runs/mine --between 5
  python -m gantut sample runs/mine --film --out film.gif
  python -m gantut export runs/mine --out mine
  python -m gantut sample creatures           new monsters at once, by a generator that comes with gantut
  python -m gantut doctor runs/mine
  python -m gantut study --budget 20          every objective under the same budget: lesson 15

commands:
  train      train on named data, or on images of your own
  sample     draw what the generator of a run makes
  doctor     find out what is wrong with a run
  export     write the generator of a run for others: weights, and a card that says what it is
  study      compare objectives under one budget

Each command has a --help of its own; --version prints the version. Exit status: 0 all is well; 1 the doctor has found
something, or a process of the run was lost; 2 something is wrong with what was asked for, or with a file; 130 stopped
with Ctrl-C; 141 nobody reads on what is printed, such as `head`.
"""  # this is what --help prints

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from gantut import __version__

COMMANDS = ("train", "sample", "doctor", "export", "study")
WRONG = 2  # the exit status where something is wrong with what was asked for, or with a file
UNREAD = 141  # and where nobody reads on what is printed: a shell's, for a program that was stopped by SIGPIPE


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words of a command line ask for.

    Parameters
    ----------
    words : sequence of str, optional
        By default those with which this process was started.

    Returns
    -------
    int
        The exit status: 0; 1 where the doctor finds something, or a process of a run is lost; 2 after an error, which
        one line explains; 130 after Ctrl-C; 141 where nobody reads on what is printed.

    Examples
    --------
    >>> from gantut import cli
    >>> cli.main(["--version"])  # doctest: +ELLIPSIS
    gantut ...
    0
    """
    words = list(sys.argv[1:] if words is None else words)
    try:
        status = _done(words)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would complain of what it has still to write
        return UNREAD


def _done(words):
    """Do what the words ask for, and say what is wrong with them."""
    if not words or words[0] in ("-h", "--help", "--version"):
        print(f"gantut {__version__}" if words == ["--version"] else __doc__.rstrip())
        return 0
    from gantut import _inputs
    from gantut.device import limit_threads
    from gantut.training import OutOfMemory

    try:
        name = _inputs.one_of("command", words[0], COMMANDS)
        limit_threads()
        return import_module(f"gantut.cli._{name}").run(words)
    except SystemExit as stop:  # from tyro, which has shown its help, or what is wrong with the words
        return stop.code
    except BrokenPipeError:
        raise
    except OSError as error:  # such as a full disk
        file = f": {error.filename}" if error.filename else ""
        return _wrong(error.strerror + file if error.strerror else str(error), error)
    except (ValueError, OutOfMemory) as error:
        return _wrong(str(error), error)
    except KeyboardInterrupt:
        return 130


def _wrong(message, error):
    """Print one line about an error, and any advice that goes with it."""
    rank = os.environ.get("RANK", "0")
    who = "gantut" if rank == "0" else f"gantut, process {rank}"
    lines = [" ".join(message.split()), *getattr(error, "__notes__", ())]
    print(f"{who}: error: " + "\n  ".join(lines), file=sys.stderr)
    return WRONG
