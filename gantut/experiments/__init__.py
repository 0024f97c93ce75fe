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
    grid_for_longer,
    mode_collapse,
    play,
)
from gantut.experiments._digits import Variety, all_digits, draw_digits, perceptrons_on_digits, variety
from gantut.experiments._hopping import (
    NARROW,
    Wandering,
    hop,
    hopping,
    leaders,
    restless,
    second_half,
    wandering,
    winding,
)
from gantut.experiments._progress import Progress, loss_and_distance, progress
from gantut.experiments._records import Record, record, recorded
from gantut.experiments._unrolling import unrolling

EXPERIMENTS = {
    "mode-collapse": mode_collapse,
    "critic-steps": critic_steps,
    "grid-for-longer": grid_for_longer,
    "hopping": hopping,
    "loss-and-distance": loss_and_distance,
    "perceptrons-on-digits": perceptrons_on_digits,
    "unrolling": unrolling,
}

__all__ = [
    "EXPERIMENTS",
    "NARROW",
    "Coverage",
    "Progress",
    "Record",
    "Variety",
    "Wandering",
    "all_digits",
    "coverage",
    "critic_steps",
    "discriminator_accuracy",
    "draw_digits",
    "grid_for_longer",
    "hop",
    "hopping",
    "leaders",
    "loss_and_distance",
    "mode_collapse",
    "perceptrons_on_digits",
    "play",
    "progress",
    "record",
    "recorded",
    "restless",
    "second_half",
    "unrolling",
    "variety",
    "wandering",
    "winding",
]
