"""Which games converge?"""

from gantut.lessons.which_games_converge._ring import RING_GAMES, train_ring_game
from gantut.lessons.which_games_converge._steer_dirac_gan import steer_dirac_gan
from gantut.lessons.which_games_converge._study import (
    KINDS,
    PENALTIES,
    TUNED,
    Target,
    compare_tuned_games,
    draw_tuning,
    target,
    tuned_config,
    which_games_converge,
)

__all__ = [
    "KINDS",
    "PENALTIES",
    "RING_GAMES",
    "TUNED",
    "Target",
    "compare_tuned_games",
    "draw_tuning",
    "steer_dirac_gan",
    "target",
    "train_ring_game",
    "tuned_config",
    "which_games_converge",
]
