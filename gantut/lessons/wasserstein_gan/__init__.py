"""The Wasserstein GAN"""

from gantut.lessons.wasserstein_gan._optimal_critic import optimal_critic
from gantut.lessons.wasserstein_gan._optimizers import critic_optimizers

__all__ = ["critic_optimizers", "optimal_critic"]
