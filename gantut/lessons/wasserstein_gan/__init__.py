"""The Wasserstein GAN"""

from gantut.lessons.wasserstein_gan._critics import (
    Truth,
    against,
    clip_depth,
    clip_sweep,
    critic_and_distance,
    critic_optimizers,
    deep_critic,
    depth_slope,
    follow,
    layer_gradients,
    still_gaussian,
)
from gantut.lessons.wasserstein_gan._optimal_critic import optimal_critic
from gantut.lessons.wasserstein_gan._recorded_games import quantised, record_three_games, restored
from gantut.lessons.wasserstein_gan._training_scrubber import training_scrubber

__all__ = [
    "Truth",
    "against",
    "clip_depth",
    "clip_sweep",
    "critic_and_distance",
    "critic_optimizers",
    "deep_critic",
    "depth_slope",
    "follow",
    "layer_gradients",
    "optimal_critic",
    "quantised",
    "record_three_games",
    "restored",
    "still_gaussian",
    "training_scrubber",
]
