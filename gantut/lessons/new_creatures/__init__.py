"""New creatures"""

from gantut.lessons.new_creatures._creatures import (
    Audit,
    arc,
    as_text,
    audit,
    draw_creatures,
    from_text,
    in_between,
    kernel_distances,
    new_creatures,
    passes,
    picture_distances,
    random_features,
    rounds_for,
)

__all__ = [
    "Audit",
    "arc",
    "as_text",
    "audit",
    "draw_creatures",
    "from_text",
    "in_between",
    "kernel_distances",
    "new_creatures",
    "passes",
    "picture_distances",
    "random_features",
    "rounds_for",
]
