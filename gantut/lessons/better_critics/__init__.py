"""Better critics"""

from gantut.lessons.better_critics._funnel_table import (
    CRITIC_CONSTRAINTS,
    PUBLISHED_COSINES,
    critic_quality,
    funnel_table,
    funnels_as_published,
    funnels_for_longer,
    train_on_funnels,
)
from gantut.lessons.better_critics._penalties import critic_steps_wgan_gp, late_fluctuation, penalty_weights

__all__ = [
    "CRITIC_CONSTRAINTS",
    "PUBLISHED_COSINES",
    "critic_quality",
    "critic_steps_wgan_gp",
    "funnel_table",
    "funnels_as_published",
    "funnels_for_longer",
    "late_fluctuation",
    "penalty_weights",
    "train_on_funnels",
]
