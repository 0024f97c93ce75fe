"""New creatures"""

from gantut.lessons.new_creatures._creatures import (
    CHANGES,
    GAMES,
    MemorisationAudit,
    affordable_steps,
    decode_pictures,
    encode_pictures,
    grouped_kid,
    interpolate_pictures,
    memorisation_audit,
    new_creatures,
    passes_per_picture,
    picture_distances,
    random_features,
    slerp,
    train_on_creatures,
)
from gantut.lessons.new_creatures._groups import group_similar_images, image_similarity

__all__ = [
    "CHANGES",
    "GAMES",
    "MemorisationAudit",
    "affordable_steps",
    "decode_pictures",
    "encode_pictures",
    "group_similar_images",
    "grouped_kid",
    "image_similarity",
    "interpolate_pictures",
    "memorisation_audit",
    "new_creatures",
    "passes_per_picture",
    "picture_distances",
    "random_features",
    "slerp",
    "train_on_creatures",
]
