"""Seven tricks"""

from gantut.lessons.seven_tricks._semi_supervised import (
    Split,
    draw_labelled,
    error_with_game,
    error_with_labels_alone,
    semi_supervised,
    split_digits,
)
from gantut.lessons.seven_tricks._tricks import TRICKS, best_settings, train_with_trick, tricks, tricks_on_grid

__all__ = [
    "TRICKS",
    "Split",
    "best_settings",
    "draw_labelled",
    "error_with_game",
    "error_with_labels_alone",
    "semi_supervised",
    "split_digits",
    "train_with_trick",
    "tricks",
    "tricks_on_grid",
]
