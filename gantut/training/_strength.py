"""How often images are changed before the critic sees them: as often as it needs, so as not to learn them by heart."""

from dataclasses import dataclass

import torch

from gantut import _inputs


@dataclass(frozen=True)
class AdaptiveAugmentation:
    r"""Change images with a probability that follows from how sure the critic is of the real ones.

    .. math:: r = \mathbb E\,\operatorname{sign} f(Tx), \qquad
       p \leftarrow \min\Big(1,\ \max\big(0,\ p + \tfrac{k\,n}{N}\operatorname{sign}(r - r^*)\big)\Big)

    after every k steps of the critic, with the mean over the n real samples of each. With probability p, each change of
    an :class:`gantut.data.Augmentation` is made, independently of the others and for each image. A critic that knows
    few images by heart has a positive logit for nearly all of them, r near 1, and is then shown changed ones more
    often; one that cannot tell them from generated ones has r near 0.

    Attributes
    ----------
    target : float
        The mean sign :math:`r^*` that is aimed at, more than -1 and less than 1.
    images : int
        How many real images, N, the critic sees while p goes all the way from 0 to 1. The paper has 500,000, in runs
        of 25 million; those of small images are shorter.
    every : int
        The number of steps, k.
    start : float
        The first p.

    Raises
    ------
    ValueError
        If a setting is not allowed.

    References
    ----------
    Karras et al. (2020), "Training generative adversarial networks with limited data", section 3.1 and appendix B, from
    which the target, 0.6, and `every`, 4, are taken; lesson 14.

    See Also
    --------
    gantut.data.Augmentation : The changes.

    Examples
    --------
    >>> from gantut.data import Augmentation
    >>> from gantut.training import Config
    >>> Config(augmentation=Augmentation(mirror=True), adaptive_augmentation=0.6).adaptive_augmentation
    AdaptiveAugmentation(target=0.6, images=100000, every=4, start=0.0)
    """

    target: float = 0.6
    images: int = 100_000
    every: int = 4
    start: float = 0.0

    def __post_init__(self):
        if not -1 < _inputs.finite("target", self.target) < 1:
            raise ValueError(f"target must be a mean sign, more than -1 and less than 1, not {self.target!r}")
        _inputs.count("images", self.images)
        _inputs.count("every", self.every)
        if not 0 <= _inputs.finite("start", self.start) <= 1:
            raise ValueError(f"start must be a probability, from 0 to 1, not {self.start!r}")


class Strength:
    """The probability with which each member's images are changed, and what it follows.

    Parameters
    ----------
    settings : AdaptiveAugmentation
    members, batch : int
        The latter on all processes together.
    device
    average : function of a tensor, optional
        Puts the mean over processes in its place.

    Attributes
    ----------
    state : dict of tensors, shape (members,)
        The "probability", the sum of mean "signs" since it last moved, and of how many "steps" that is.
    """

    def __init__(self, settings: AdaptiveAugmentation, members: int, batch: int, device, average=None):
        self.settings, self.average, self.move = settings, average, settings.every * batch / settings.images
        starts = {"probability": settings.start, "signs": 0.0, "steps": 0.0}
        self.state = {name: torch.full((members,), start, device=device) for name, start in starts.items()}

    @torch.no_grad()
    def follow(self, scores: torch.Tensor) -> None:
        """Take note of the scores (members, batch) of real samples; all in place, and waiting for no device."""
        probability, signs, steps = self.state.values()
        own = scores.sign().nan_to_num().mean(-1)  # (members,); a member that diverges is put back, this is not
        signs.add_(self.average(own) if self.average else own)
        steps.add_(1)
        due = steps == self.settings.every
        way = (signs / self.settings.every - self.settings.target).sign()
        probability.add_(self.move * way * due).clamp_(0, 1)
        for sums in (signs, steps):
            sums.mul_(~due)
