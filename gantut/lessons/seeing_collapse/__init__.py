"""Seeing collapse"""

from gantut.lessons.seeing_collapse._digits import (
    Diversity,
    diversity,
    perceptrons_on_digits,
    shuffled_digits,
    train_on_digits,
)
from gantut.lessons.seeing_collapse._games import grid_for_longer, loss_and_distance

__all__ = [
    "Diversity",
    "diversity",
    "grid_for_longer",
    "loss_and_distance",
    "perceptrons_on_digits",
    "shuffled_digits",
    "train_on_digits",
]
