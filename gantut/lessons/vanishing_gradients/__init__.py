"""Thin supports and vanishing gradients"""

from gantut.lessons.vanishing_gradients._winning_discriminator import winning_discriminator

__all__ = ["winning_discriminator"]
