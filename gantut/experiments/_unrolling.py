"""Does it help to look ahead? The unrolled GAN in the setting of all other games on the ring."""

from gantut.device import at_scale
from gantut.experiments._collapse import coverage, play
from gantut.experiments._records import rounded_fields


def unrolling() -> dict:
    """The non-saturating game on the ring, with a generator that looks ahead by more and more critic steps."""
    rows = []
    for n_critic, unrolled in ((1, 0), (1, 1), (1, 5), (1, 10), (5, 0), (5, 5)):
        history = play("non-saturating", n_critic, members=at_scale(fast=32, full=64), unrolled=unrolled)
        row = {"n_critic": n_critic, "unrolled": unrolled}
        rows.append(row | rounded_fields(coverage(history)))
    return {"games": rows}
