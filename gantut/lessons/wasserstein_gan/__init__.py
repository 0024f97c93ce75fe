"""The Wasserstein GAN"""

from gantut.lessons.wasserstein_gan._critics import (
    CriticTrack,
    clip_depth,
    clip_sweep,
    critic_and_distance,
    critic_optimizers,
    estimate_and_slope,
    gaussian_generator,
    layer_gradient_norms,
    log_gradient_gain,
    track_critic,
    train_deep_critic,
)
from gantut.lessons.wasserstein_gan._optimal_critic import optimal_critic
from gantut.lessons.wasserstein_gan._recorded_games import (
    REACH,
    SIDE,
    critic_surface,
    dequantise,
    quantise,
    record_game,
    record_three_games,
)
from gantut.lessons.wasserstein_gan._training_scrubber import training_scrubber

__all__ = [
    "REACH",
    "SIDE",
    "CriticTrack",
    "clip_depth",
    "clip_sweep",
    "critic_and_distance",
    "critic_optimizers",
    "critic_surface",
    "dequantise",
    "estimate_and_slope",
    "gaussian_generator",
    "layer_gradient_norms",
    "log_gradient_gain",
    "optimal_critic",
    "quantise",
    "record_game",
    "record_three_games",
    "track_critic",
    "train_deep_critic",
    "training_scrubber",
]
