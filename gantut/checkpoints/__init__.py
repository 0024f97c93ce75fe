"""Checkpoints: written whole or not at all, checked before they are read, and exact to the last bit.

:func:`save` writes one folder a checkpoint, and :func:`load_latest` finds the newest good one::

    runs/ring/
        step-00000900/
        step-00001000/
            weights.safetensors       the networks
            state.safetensors         every tensor of the rest: optimizers, random generators, ...
            checkpoint.json           step, versions, configuration, the rest without its tensors, and the
                                      size and SHA-256 of both files above
            checkpoint.json.sha256    the SHA-256 of checkpoint.json, as `sha256sum -c` reads it

What this promises:

- **Whole or not at all.** A checkpoint is written under another name, forced to the disk, and then renamed. A process
  that is killed, a full disk and Ctrl-C all leave the earlier checkpoints as they were.
- **Nothing is lost.** Older checkpoints go only when `keep` good ones remain, and never one with files of yours in it.
  A damaged one that is in the way of a new one is set aside under another name, not deleted.
- **Exact.** All that is saved comes back with the same bits: ``nan`` and ``inf``, integer keys, tuples, scalars and
  empty tensors, bfloat16, the states of random generators. On the CPU a run that was killed and resumed ends with the
  very weights of the run that was not, if the machine, the version of PyTorch and the number of threads are the same.
- **Safe to read.** There is no pickle anywhere: tensors are in safetensors, all else is JSON, and no line of a file is
  ever run. Sizes and checksums are verified before anything is parsed, and :class:`Limits` bounds what a file may ask
  for. A checksum tells damage, not malice: whoever can change a file can change its checksum, too.

:func:`write_atomically` writes any other file whole or not at all. For the weights of one model alone there are
``save_file`` and ``load_file`` of `safetensors.torch`.
"""

from gantut.checkpoints._files import write_atomically
from gantut.checkpoints._limits import LIMITS, CheckpointError, CheckpointVersionError, Limits
from gantut.checkpoints._load import Checkpoint, load, load_latest
from gantut.checkpoints._record import saved_steps
from gantut.checkpoints._save import save

__all__ = [
    "LIMITS", "Checkpoint", "CheckpointError", "CheckpointVersionError", "Limits", "load", "load_latest", "save",
    "saved_steps", "write_atomically",
]  # fmt: skip
