"""The game"""

from gantut.lessons.the_game._critic_steps import critic_steps, discriminator_accuracy
from gantut.lessons.the_game._live_gan import live_gan

__all__ = ["critic_steps", "discriminator_accuracy", "live_gan"]
