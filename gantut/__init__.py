"""gantut: the code behind *From GAN to Wasserstein GAN, executed*.

Each module holds one idea, and imports only from modules above it in this list. None is loaded before its first use:
after ``import gantut``, ``gantut.transport.emd(...)`` works.

==================  =============================================================
`gantut.checks`       ``claim(...)``: how a lesson or a test states that something is so
`gantut.device`       where tensors live, seeds, and fast or full scale
`gantut.data`         toy distributions with known densities, and small real images
`gantut.divergences`  KL, JS and total variation; the optimal discriminator; V(D, G)
`gantut.transport`    exact and entropic transport, with certificates; potentials
`gantut.games`        two-player gradient dynamics: simultaneous, alternating, extragradient, ...
`gantut.networks`     networks that train a whole population at once
`gantut.objectives`   what each player wants: one pure function a loss
`gantut.lipschitz`    what keeps a critic Lipschitz: clipping, gradient penalties
`gantut.flows`        from noise to data along straight lines, without a critic
`gantut.checkpoints`  atomic, checksummed, exact save and resume
`gantut.training`     one loop for GAN and WGAN, for one model or hundreds
`gantut.metrics`      what samples have, and what they lack
`gantut.plots`        arrays in, figures out
`gantut.lessons`      a room for each lesson: its experiments, exercises and labs
`gantut.cli`          what ``python -m gantut`` does: train, sample, doctor, study
==================  =============================================================
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.2.0"
__all__ = [
    "checkpoints", "checks", "cli", "data", "device", "divergences", "flows", "games", "lessons", "lipschitz",
    "metrics", "networks", "objectives", "plots", "training", "transport",
]  # fmt: skip

if TYPE_CHECKING:  # for tools that read the source; at run time, see below
    from gantut import (  # noqa: I001
        checkpoints, checks, cli, data, device, divergences, flows, games, lessons, lipschitz, metrics,
        networks, objectives, plots, training, transport,
    )  # fmt: skip


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
