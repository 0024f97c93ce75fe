"""Mode collapse, and how to see it"""

from gantut.lessons.mode_collapse._digits import (
    Diversity,
    diversity,
    perceptrons_on_digits,
    shuffled_digits,
    train_on_digits,
)
from gantut.lessons.mode_collapse._games import grid_for_longer, loss_and_distance, mode_collapse, unrolling
from gantut.lessons.mode_collapse._hopping import (
    NARROW_STD,
    ModeTrack,
    count_leading_modes,
    hopping,
    hops_between_modes,
    second_half,
    total_turns,
    track_modes,
    train_on_narrow_ring,
)

__all__ = [
    "NARROW_STD",
    "Diversity",
    "ModeTrack",
    "count_leading_modes",
    "diversity",
    "grid_for_longer",
    "hopping",
    "hops_between_modes",
    "loss_and_distance",
    "mode_collapse",
    "perceptrons_on_digits",
    "second_half",
    "shuffled_digits",
    "total_turns",
    "track_modes",
    "train_on_digits",
    "train_on_narrow_ring",
    "unrolling",
]
