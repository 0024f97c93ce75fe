"""New creatures"""

from gantut.lessons.new_creatures._audit import (
    MemorisationAudit,
    TwoPartAudit,
    memorisation_audit,
    picture_distances,
    two_part_audit,
)
from gantut.lessons.new_creatures._controls import cheats, spoilt_pictures
from gantut.lessons.new_creatures._creatures import (
    CHANGES,
    GAMES,
    affordable_steps,
    decode_pictures,
    encode_pictures,
    interpolate_pictures,
    new_creatures,
    passes_per_picture,
    slerp,
    train_on_creatures,
)
from gantut.lessons.new_creatures._groups import group_similar_images, image_similarity
from gantut.lessons.new_creatures._judge import Judge
from gantut.lessons.new_creatures._measures import (
    chessboard,
    grouped_kid,
    random_features,
)
from gantut.lessons.new_creatures._modern import MODERN, creatures_modern, modern_generator, train_modern

__all__ = [
    "CHANGES",
    "GAMES",
    "MODERN",
    "Judge",
    "MemorisationAudit",
    "TwoPartAudit",
    "affordable_steps",
    "cheats",
    "chessboard",
    "creatures_modern",
    "decode_pictures",
    "encode_pictures",
    "group_similar_images",
    "grouped_kid",
    "image_similarity",
    "interpolate_pictures",
    "memorisation_audit",
    "modern_generator",
    "new_creatures",
    "passes_per_picture",
    "picture_distances",
    "random_features",
    "slerp",
    "spoilt_pictures",
    "train_modern",
    "train_on_creatures",
    "two_part_audit",
]
