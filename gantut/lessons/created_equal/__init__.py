"""Are GANs created equal?"""

from gantut.lessons.created_equal._arenas import ARENAS, Arena, Scores, arena
from gantut.lessons.created_equal._budgets import best_difference, expected_best, held_out_best, swapped_differences
from gantut.lessons.created_equal._polygon_scores import polygon_precision_recall
from gantut.lessons.created_equal._polygons import Polygons, polygons
from gantut.lessons.created_equal._search import SPACE, Choice, draw_settings, try_config
from gantut.lessons.created_equal._study import (
    common_budget,
    created_equal,
    f1_score,
    read_study,
    run_try,
    scores,
    study,
    summary,
)

__all__ = [
    "ARENAS",
    "SPACE",
    "Arena",
    "Choice",
    "Polygons",
    "Scores",
    "arena",
    "best_difference",
    "common_budget",
    "created_equal",
    "draw_settings",
    "expected_best",
    "f1_score",
    "held_out_best",
    "polygon_precision_recall",
    "polygons",
    "read_study",
    "run_try",
    "scores",
    "study",
    "summary",
    "swapped_differences",
    "try_config",
]
