"""The recorded experiments of all lessons by name: what ``python -m gantut.lessons NAME`` runs."""

from gantut.lessons.better_critics import (
    critic_steps_wgan_gp,
    funnel_table,
    funnels_as_published,
    funnels_for_longer,
    funnels_spectral,
    penalty_weights,
)
from gantut.lessons.created_equal import created_equal
from gantut.lessons.mode_collapse import hopping, mode_collapse, unrolling
from gantut.lessons.new_creatures import creatures_modern, new_creatures
from gantut.lessons.seeing_collapse import grid_for_longer, loss_and_distance, perceptrons_on_digits
from gantut.lessons.seven_tricks import semi_supervised, tricks, tricks_on_grid
from gantut.lessons.the_estimate import (
    clip_depth,
    clip_sweep,
    critic_and_distance,
    record_three_games,
)
from gantut.lessons.the_game import critic_steps
from gantut.lessons.wasserstein_gan import critic_optimizers
from gantut.lessons.which_games_converge import which_games_converge
from gantut.lessons.without_a_critic import without_a_critic

EXPERIMENTS = {
    "mode-collapse": mode_collapse,
    "clip-depth": clip_depth,
    "clip-sweep": clip_sweep,
    "created-equal": created_equal,
    "creatures": new_creatures,
    "creatures-modern": creatures_modern,
    "critic-and-distance": critic_and_distance,
    "critic-optimizers": critic_optimizers,
    "critic-steps": critic_steps,
    "grid-for-longer": grid_for_longer,
    "hopping": hopping,
    "loss-and-distance": loss_and_distance,
    "perceptrons-on-digits": perceptrons_on_digits,
    "penalty-weights": penalty_weights,
    "critic-steps-wgan-gp": critic_steps_wgan_gp,
    "funnels": funnel_table,
    "funnels-for-longer": funnels_for_longer,
    "funnels-as-published": funnels_as_published,
    "funnels-spectral": funnels_spectral,
    "semi-supervised": semi_supervised,
    "training-scrubber": record_three_games,
    "tricks": tricks,
    "tricks-on-grid": tricks_on_grid,
    "unrolling": unrolling,
    "without-a-critic": without_a_critic,
    "which-games-converge": which_games_converge,
}
