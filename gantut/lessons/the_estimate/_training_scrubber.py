"""Recorded trainings of three games, step by step."""

import base64
from pathlib import Path

from gantut.lessons.labs import Lab, Still


def training_scrubber(record) -> Lab:
    """Go through the recorded trainings of GAN, WGAN and WGAN-GP on the ring, forwards and backwards.

    The lab shows samples, the critic's surface, the losses and the exact W1 of three members of a population each, and
    the quartiles of all.

    Parameters
    ----------
    record : gantut.lessons.Record
        What ``python -m gantut.lessons training-scrubber`` recorded: ``recorded("training-scrubber")``.

    Returns
    -------
    Lab

    Raises
    ------
    ValueError
        If it is the record of something else.

    References
    ----------
    Lesson 12.
    """
    result = dict(record.result)
    if missing := {"games", "members", "reach", "real", "side", "steps"} - set(result):
        raise ValueError(f"record must be that of training-scrubber, but has no {', '.join(sorted(missing))}")
    reach = result["reach"]
    still = Still(
        "Real samples on a ring of eight, and where three trained generators put theirs.",
        (-9, 9), (-3, 3), square=True,
    )  # fmt: skip
    for centre, game in zip((-6, 0, 6), result["games"], strict=True):
        still.dots(_points(result["real"], reach, centre), "real", radius=1.5)
        still.dots(_points(game["shown"][1]["samples"][-1], reach, centre), "generated", radius=1.5)
    return Lab(
        Path(__file__).with_name("training_scrubber.js"),
        "Three games, step by step",
        f"Recorded trainings on the ring of eight Gaussians, each of {result['members']} members with seeds of their "
        "own. Move through the steps, and see what the critic rewards, where the samples go, and whether the estimate "
        "that the critic reports follows the exact distance.",
        still.svg(),
        result,
    )


def _points(text, reach, centre):
    """Return the points that a text of the record stands for, moved to the right by `centre`."""
    numbers = [reach * (2 * byte / 255 - 1) for byte in base64.b64decode(text)]
    return [(x + centre, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
