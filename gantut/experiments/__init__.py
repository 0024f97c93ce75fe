"""The named runs behind the figures: the only place that combines games, networks, training and metrics.

Small ones run in the lessons. The large ones are recorded, with all that it takes to repeat them::

    python -m gantut.experiments mode-collapse

writes ``book/results/mode-collapse.json``, which :func:`recorded` reads.
"""

from gantut.experiments._collapse import (
    Coverage,
    coverage,
    critic_steps,
    discriminator_accuracy,
    mode_collapse,
    play,
)
from gantut.experiments._records import Record, record, recorded

EXPERIMENTS = {
    "mode-collapse": mode_collapse,
    "critic-steps": critic_steps,
}

__all__ = [
    "EXPERIMENTS",
    "Coverage",
    "Record",
    "coverage",
    "critic_steps",
    "discriminator_accuracy",
    "mode_collapse",
    "play",
    "record",
    "recorded",
]
