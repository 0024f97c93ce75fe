"""No equilibrium in sight"""

from gantut.lessons.no_equilibrium._xy_game import xy_game

__all__ = ["xy_game"]
