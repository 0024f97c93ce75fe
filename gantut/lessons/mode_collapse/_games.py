"""Do GANs collapse? And does it help to look ahead?

Each experiment takes other sizes than its own, members and steps, as `gantut.lessons.toy_gans.train_toy_gan` does.
"""

from gantut.lessons._records import rounded_fields
from gantut.lessons.toy_gans import DISTRIBUTIONS, GAMES, coverage, train_toy_gan


def mode_collapse(**sizes) -> dict:
    """Every game on both distributions, with one critic step per iteration and with five."""
    rows = []
    for distribution in DISTRIBUTIONS:
        for objective in GAMES:
            for n_critic in (1, 5):
                history = train_toy_gan(objective, n_critic, distribution=distribution, **sizes)
                row = {"distribution": distribution, "objective": objective, "n_critic": n_critic}
                rows.append(row | rounded_fields(coverage(history, distribution)))
    return {"games": rows}


def unrolling(**sizes) -> dict:
    """The non-saturating game on the ring, with a generator that looks ahead by more and more critic steps."""
    rows = []
    for n_critic, unrolled in ((1, 0), (1, 1), (1, 5), (1, 10), (5, 0), (5, 5)):
        history = train_toy_gan("non-saturating", n_critic, unrolled=unrolled, **sizes)
        row = {"n_critic": n_critic, "unrolled": unrolled}
        rows.append(row | rounded_fields(coverage(history)))
    return {"games": rows}
