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

__all__ = [
    "CHANGES",
    "GAMES",
    "MemorisationAudit",
    "affordable_steps",
    "decode_pictures",
    "encode_pictures",
    "grouped_kid",
    "interpolate_pictures",
    "memorisation_audit",
    "new_creatures",
    "passes_per_picture",
    "picture_distances",
    "random_features",
    "slerp",
    "train_on_creatures",
]
