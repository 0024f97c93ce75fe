"""Better critics"""

from gantut.lessons.better_critics._clip_or_penalty import clip_or_penalty
from gantut.lessons.better_critics._funnel_table import (
    CRITIC_CONSTRAINTS,
    PUBLISHED_COSINES,
    critic_quality,
    funnel_table,
    funnels_as_published,
    funnels_for_longer,
    funnels_spectral,
    train_on_funnels,
)
from gantut.lessons.better_critics._funnels import Funnels, funnels
from gantut.lessons.better_critics._optimum import critic_distance, gradient_cosine, gradient_error
from gantut.lessons.better_critics._penalties import critic_steps_wgan_gp, late_fluctuation, penalty_weights
from gantut.lessons.better_critics._sorting import SortingCritic
from gantut.lessons.better_critics._spectral import spectral_critic

__all__ = [
    "CRITIC_CONSTRAINTS",
    "PUBLISHED_COSINES",
    "Funnels",
    "SortingCritic",
    "clip_or_penalty",
    "critic_distance",
    "critic_quality",
    "critic_steps_wgan_gp",
    "funnel_table",
    "funnels",
    "funnels_as_published",
    "funnels_for_longer",
    "funnels_spectral",
    "gradient_cosine",
    "gradient_error",
    "late_fluctuation",
    "penalty_weights",
    "spectral_critic",
    "train_on_funnels",
]
