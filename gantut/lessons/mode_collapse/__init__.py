"""Mode collapse, and how to see it"""

from gantut.lessons.mode_collapse._digits import Variety, all_digits, draw_digits, perceptrons_on_digits, variety
from gantut.lessons.mode_collapse._games import grid_for_longer, loss_and_distance, mode_collapse, unrolling
from gantut.lessons.mode_collapse._hopping import (
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

__all__ = [
    "NARROW",
    "Variety",
    "Wandering",
    "all_digits",
    "draw_digits",
    "grid_for_longer",
    "hop",
    "hopping",
    "leaders",
    "loss_and_distance",
    "mode_collapse",
    "perceptrons_on_digits",
    "restless",
    "second_half",
    "unrolling",
    "variety",
    "wandering",
    "winding",
]
