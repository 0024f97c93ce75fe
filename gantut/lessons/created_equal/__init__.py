"""Are GANs created equal?"""

from gantut.lessons.created_equal._arenas import ARENAS, Arena, Scores, arena
from gantut.lessons.created_equal._budgets import best_elsewhere, best_interval, expected_best
from gantut.lessons.created_equal._polygon_scores import polygon_precision_recall
from gantut.lessons.created_equal._polygons import Polygons, polygons
from gantut.lessons.created_equal._search import SPACE, Choice, configure, draw_settings
from gantut.lessons.created_equal._study import (
    created_equal,
    f_score,
    fair_budget,
    gather,
    make_try,
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
    "best_elsewhere",
    "best_interval",
    "configure",
    "created_equal",
    "draw_settings",
    "expected_best",
    "f_score",
    "fair_budget",
    "gather",
    "make_try",
    "polygon_precision_recall",
    "polygons",
    "scores",
    "study",
    "summary",
]
