"""The named runs behind the figures: the only place that combines games, networks, training and metrics.

Small ones run in the lessons. The large ones are recorded, with all that it takes to repeat them::

    python -m gantut.experiments mode-collapse

writes ``book/results/mode-collapse.json``, which :func:`recorded` reads.
"""

from gantut.experiments._collapse import (
    Coverage,
    coverage,
    critic_steps,
    discriminator_accuracy,
    grid_for_longer,
    mode_collapse,
    play,
)
from gantut.experiments._critics import (
    Truth,
    against,
    clip_depth,
    clip_sweep,
    critic_and_distance,
    critic_optimisers,
    deep_critic,
    depth_slope,
    follow,
    layer_gradients,
    still_gaussian,
)
from gantut.experiments._digits import Variety, all_digits, draw_digits, perceptrons_on_digits, variety
from gantut.experiments._fixed_laws import draws_from, linear_share, saturated_share, train_critics, wasserstein_loss
from gantut.experiments._funnel_table import (
    KINDS,
    PUBLISHED,
    funnel_table,
    funnels_for_longer,
    merits,
    train_on_funnels,
)
from gantut.experiments._hopping import (
    NARROW,
    Wandering,
    hop,
    hopping,
    leaders,
    restless,
    second_half,
    wandering,
    winding,
)
from gantut.experiments._penalties import critic_steps_wgan_gp, late_spread, penalty_weights
from gantut.experiments._progress import Progress, loss_and_distance, progress
from gantut.experiments._records import Record, record, recorded
from gantut.experiments._unrolling import unrolling

EXPERIMENTS = {
    "mode-collapse": mode_collapse,
    "clip-depth": clip_depth,
    "clip-sweep": clip_sweep,
    "critic-and-distance": critic_and_distance,
    "critic-optimisers": critic_optimisers,
    "critic-steps": critic_steps,
    "grid-for-longer": grid_for_longer,
    "hopping": hopping,
    "loss-and-distance": loss_and_distance,
    "perceptrons-on-digits": perceptrons_on_digits,
    "penalty-weights": penalty_weights,
    "critic-steps-wgan-gp": critic_steps_wgan_gp,
    "funnels": funnel_table,
    "funnels-for-longer": funnels_for_longer,
    "unrolling": unrolling,
}

__all__ = [
    "EXPERIMENTS",
    "KINDS",
    "NARROW",
    "PUBLISHED",
    "Coverage",
    "Progress",
    "Record",
    "Truth",
    "Variety",
    "Wandering",
    "against",
    "all_digits",
    "clip_depth",
    "clip_sweep",
    "coverage",
    "critic_and_distance",
    "critic_optimisers",
    "critic_steps",
    "critic_steps_wgan_gp",
    "deep_critic",
    "depth_slope",
    "discriminator_accuracy",
    "draw_digits",
    "draws_from",
    "follow",
    "funnel_table",
    "funnels_for_longer",
    "grid_for_longer",
    "hop",
    "hopping",
    "late_spread",
    "layer_gradients",
    "leaders",
    "linear_share",
    "loss_and_distance",
    "merits",
    "mode_collapse",
    "penalty_weights",
    "perceptrons_on_digits",
    "play",
    "progress",
    "record",
    "recorded",
    "restless",
    "saturated_share",
    "second_half",
    "still_gaussian",
    "train_critics",
    "train_on_funnels",
    "unrolling",
    "variety",
    "wandering",
    "wasserstein_loss",
    "winding",
]
