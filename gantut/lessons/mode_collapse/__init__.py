"""Mode collapse"""

from gantut.lessons.mode_collapse._games import mode_collapse, unrolling
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
    "ModeTrack",
    "count_leading_modes",
    "hopping",
    "hops_between_modes",
    "mode_collapse",
    "second_half",
    "total_turns",
    "track_modes",
    "train_on_narrow_ring",
    "unrolling",
]
