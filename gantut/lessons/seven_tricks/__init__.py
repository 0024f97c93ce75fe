"""Seven tricks"""

from gantut.lessons.seven_tricks._semi_supervised import (
    Split,
    error_with_game,
    error_with_labels_alone,
    semi_supervised,
    some_labelled,
    split_digits,
)
from gantut.lessons.seven_tricks._tricks import COMBINATIONS, TRICKS, play_with, tricks, tricks_on_grid

__all__ = [
    "COMBINATIONS",
    "TRICKS",
    "Split",
    "error_with_game",
    "error_with_labels_alone",
    "play_with",
    "semi_supervised",
    "some_labelled",
    "split_digits",
    "tricks",
    "tricks_on_grid",
]
