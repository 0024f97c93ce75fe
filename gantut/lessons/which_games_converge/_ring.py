"""The ring of eight Gaussians, played for four objectives that differ in nothing else."""

from dataclasses import replace

from gantut import _inputs
from gantut.data import ring
from gantut.lessons.toy_gans import game_config
from gantut.training import History, train

WEIGHT = 0.1  # of R1 and R2: one setting for all games, which nobody has tuned


def _zero_centred(at):
    return {"constraint": {"name": "zero-centred-penalty", "weight": WEIGHT, "at": at}}


RING_GAMES = {
    "-log D": {},
    "-log D, R1": _zero_centred("real"),
    "-log D, R1 and R2": _zero_centred("both"),
    "WGAN-GP": {"objective": "wgan-gp", "constraint": {"name": "gradient-penalty", "weight": 1.0}},
    "pairs, R1 and R2": {"objective": "relativistic", **_zero_centred("both")},
}


def train_ring_game(name: str, *, members: int = 16, steps: int = 500, **settings) -> History:
    """Train a population on the ring for one of :data:`RING_GAMES`, with one critic step per iteration.

    Networks, optimizer, batches and seeds are those that all small GANs of the book share, so that members of two
    games with the same number make a pair.

    Parameters
    ----------
    name : str
    members, steps : int
    **settings
        Others of `gantut.training.Config`.

    Returns
    -------
    History
        With 2500 samples of each member at the start and at the end.

    Raises
    ------
    ValueError
        If there is no such game, or if a setting is not allowed.

    See Also
    --------
    gantut.lessons.toy_gans.coverage : what a population covers in the end.

    Examples
    --------
    >>> train_ring_game("WGAN-GP", members=2, steps=2).samples.shape
    torch.Size([2, 2, 2500, 2])
    """
    own = RING_GAMES[_inputs.one_of("name", name, tuple(RING_GAMES))]
    config = replace(game_config("non-saturating", 1, members=members, steps=steps), **own, **settings)
    return train(config, ring(), samples=2500, evaluate_every=steps)
