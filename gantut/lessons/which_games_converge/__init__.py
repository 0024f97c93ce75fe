"""Which games converge?"""

from gantut.lessons.which_games_converge._ring import RING_GAMES, train_ring_game

__all__ = ["RING_GAMES", "train_ring_game"]
