"""What the estimate means"""

from gantut.lessons.the_estimate._critics import (
    CriticTrack,
    clip_depth,
    clip_sweep,
    critic_and_distance,
    estimate_and_slope,
    layer_gradient_norms,
    log_gradient_gain,
    track_critic,
    train_deep_critic,
)
from gantut.lessons.the_estimate._recorded_games import (
    REACH,
    SIDE,
    critic_surface,
    dequantise,
    quantise,
    record_game,
    record_three_games,
)
from gantut.lessons.the_estimate._training_scrubber import training_scrubber

__all__ = [
    "REACH",
    "SIDE",
    "CriticTrack",
    "clip_depth",
    "clip_sweep",
    "critic_and_distance",
    "critic_surface",
    "dequantise",
    "estimate_and_slope",
    "layer_gradient_norms",
    "log_gradient_gain",
    "quantise",
    "record_game",
    "record_three_games",
    "track_critic",
    "train_deep_critic",
    "training_scrubber",
]
