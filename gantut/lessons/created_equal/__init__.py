"""Are GANs created equal?"""

from gantut.lessons.created_equal._arenas import ARENAS, Arena, Scores, arena
from gantut.lessons.created_equal._bootstrap import bootstrap_interval
from gantut.lessons.created_equal._budgets import expected_best, held_out_best, held_out_best_interval
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
    "bootstrap_interval",
    "common_budget",
    "created_equal",
    "draw_settings",
    "expected_best",
    "f1_score",
    "held_out_best",
    "held_out_best_interval",
    "polygon_precision_recall",
    "polygons",
    "read_study",
    "run_try",
    "scores",
    "study",
    "summary",
    "try_config",
]
