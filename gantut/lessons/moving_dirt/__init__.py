"""Moving dirt"""

from gantut.lessons.moving_dirt._move_dirt import move_dirt
from gantut.lessons.moving_dirt._piles import Move, PileMoves, pile_moves

__all__ = ["Move", "PileMoves", "move_dirt", "pile_moves"]
