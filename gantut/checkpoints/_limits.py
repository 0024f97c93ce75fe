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

    Attributes
    ----------
    total_bytes : int
        Of all files together.
    json_bytes : int
        Of ``checkpoint.json``.
    header_bytes : int
        Of the table of contents of one safetensors file.
    tensors : int
        How many there may be in one safetensors file.
    depth : int
        How deep lists and dicts may be nested.

    See Also
    --------
    save : takes limits, as loading does.

    Examples
    --------
    For a larger model, ``load(path, limits=larger)`` and ``save(..., limits=larger)``:

    >>> from gantut.checkpoints import LIMITS
    >>> larger = LIMITS._replace(total_bytes=100 * 2**30)
    """

    total_bytes: int = 4 * 2**30
    json_bytes: int = 16 * 2**20
    header_bytes: int = 16 * 2**20
    tensors: int = 100_000
    depth: int = 50


LIMITS = Limits()
