"""Better critics"""

from gantut.lessons.better_critics._funnel_table import (
    KINDS,
    PUBLISHED,
    funnel_table,
    funnels_as_published,
    funnels_for_longer,
    merits,
    train_on_funnels,
)
from gantut.lessons.better_critics._penalties import critic_steps_wgan_gp, late_spread, penalty_weights

__all__ = [
    "KINDS",
    "PUBLISHED",
    "critic_steps_wgan_gp",
    "funnel_table",
    "funnels_as_published",
    "funnels_for_longer",
    "late_spread",
    "merits",
    "penalty_weights",
    "train_on_funnels",
]
