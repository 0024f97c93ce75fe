"""The exercises of lesson 2, The game."""

from gantut.exercises._marking import Exercise

EXERCISES: tuple[Exercise, ...] = ()
