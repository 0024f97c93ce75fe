"""What a critic says, and what a loss makes of it."""

from collections.abc import Callable
from typing import NamedTuple

import torch


class Judgement(NamedTuple):
    """What a critic says of a batch.

    Attributes
    ----------
    scores : tensor, shape (members, batch)
        Logits of the classical games, unbounded scores of the others.
    features : tensor, shape (members, batch, features), or a tuple of such, optional
        The last hidden layer, where an objective asks for it; or several layers, where feature matching names them.
    """

    scores: torch.Tensor
    features: torch.Tensor | tuple[torch.Tensor, ...] | None = None


Loss = Callable[[Judgement | None, Judgement], torch.Tensor]
