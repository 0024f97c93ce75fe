"""What a checkpoint may ask for, and how one is refused."""

from typing import NamedTuple


class CheckpointError(ValueError):
    """A file cannot be used; the message names it, says what is wrong with it, and what can be done.

    See Also
    --------
    CheckpointVersionError : Nothing is wrong with the file, but its format is another one.
    """


class CheckpointVersionError(CheckpointError):
    """A checkpoint is intact, but an earlier or a later version of gantut wrote it, in another format.

    Such a checkpoint is neither skipped nor written over.
    """


class Limits(NamedTuple):
    """How much a checkpoint may ask for; the same when it is written, so that whatever was saved can be loaded.

    Examples
    --------
    For a larger model, ``load(path, limits=larger)`` and ``save(..., limits=larger)``:

    >>> from gantut.checkpoints import LIMITS
    >>> larger = LIMITS._replace(total_bytes=100 * 2**30)
    """

    #: of all files together, in bytes
    total_bytes: int = 4 * 2**30
    #: of checkpoint.json
    json_bytes: int = 16 * 2**20
    #: of the table of contents of one safetensors file
    header_bytes: int = 16 * 2**20
    #: tensors in one safetensors file
    tensors: int = 100_000
    #: how deep lists and dicts may be nested
    depth: int = 50


LIMITS = Limits()
