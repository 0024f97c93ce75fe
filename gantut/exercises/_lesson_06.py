"""The exercises of lesson 6, Mode collapse, and how to see it."""

from gantut.exercises._marking import Exercise

EXERCISES: tuple[Exercise, ...] = ()
