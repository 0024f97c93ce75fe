"""Moving dirt"""

from gantut.lessons.moving_dirt._move_dirt import move_dirt

__all__ = ["move_dirt"]
