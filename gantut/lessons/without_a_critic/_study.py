"""The recorded study: eight ways to train one generator, each for the same processor time, in 2 to 64 dimensions."""

import time

import torch

from gantut import metrics
from gantut.device import at_scale, random_source
from gantut.flows import curvature, flow
from gantut.lessons._records import rounded
from gantut.lessons.without_a_critic._data import RingInSpace, split_digits
from gantut.lessons.without_a_critic._train import COUPLINGS, METHODS, train_method

POINTS = 500
LOOKS = 2
STEPS = (1, 2, 4, 8, 16, 32, 64)


def without_a_critic(*, members: int = 8, seconds: float | None = None) -> dict:
    """Train by every method on the ring in 2, 8 and 32 dimensions and on digits, and judge by held-out exact W1.

    Parameters
    ----------
    members : int
    seconds : float, optional
        Of processor time, for each of them; by default 7, and 70 at full scale. Evaluations do not count.

    Returns
    -------
    dict
        One row for each method and data, and one for a second draw of the data in place of samples.

    Examples
    --------
    >>> from gantut.lessons import recorded
    >>> len(recorded("without-a-critic").result["rows"])
    32
    """
    seconds = at_scale(fast=7.0, full=70.0) if seconds is None else seconds
    rows, controls = [], []
    for name, data, held_out, second, width in _tasks():
        controls.append({"data": name} | _judged(second[None], held_out, name))
        for method in METHODS:
            rows.append({"data": name, "method": method} | _row(method, name, data, held_out, width, members, seconds))
    return {"points": POINTS, "members": members, "seconds": seconds, "controls": controls, "rows": rows}


def _tasks():
    """Name, data to train on, held-out samples, as many others from the data, and the width of the networks."""
    source = random_source(2)
    for d in (2, 8, 32):
        data = RingInSpace(d)
        yield f"ring, d = {d}", data, *(data.sample(POINTS, generator=source) for _ in range(2)), 64
    training, held_out = split_digits()
    yield "digits", training, held_out, training[:POINTS], 128


def _row(method, name, data, held_out, width, members, seconds):
    settings = dict(members=members, width=width, points=POINTS)
    train_method(method, data, steps=2, **settings)  # compiles, and fills caches
    few, more = (_timed(method, data, steps=steps, **settings)[1] for steps in (4, 24))
    steps = max(LOOKS, round(20 * seconds / (more - few))) // LOOKS * LOOKS
    trained, spent = _timed(method, data, steps=steps, looks=LOOKS, **settings)
    row = {"steps": steps, "seconds": round(spent, 1)}
    samples = trained.samples[-1]
    row["w1"] = [rounded(metrics.exact_w1(look.double(), held_out.double())) for look in trained.samples]
    row |= _judged(samples, held_out, name)
    if name == "digits":
        row["tiles"] = rounded(samples[0, :12].clamp(0, 1), 2)
    if method in COUPLINGS:
        with torch.no_grad():
            noise, network = trained.noise, trained.network
            row["curvature"] = rounded(curvature(flow(network, noise[:, :200], steps=100, path=True)))
            ends = [flow(network, noise, steps=steps) for steps in STEPS]
        row["w1_of_steps"] = [rounded(metrics.exact_w1(end.double(), held_out.double())) for end in ends]
    return row


def _timed(*arguments, **settings):
    """What is trained, and how much processor time it took."""
    start = time.process_time()
    return train_method(*arguments, **settings), time.process_time() - start


def _judged(samples, held_out, name):
    """What is known of samples (members, n, d): their distance, their spread, and how the ring in them looks."""
    samples, held_out = samples.double(), held_out.double()
    found = {"w1_end": rounded(metrics.exact_w1(samples, held_out)), "spread": rounded(_spread(samples, held_out))}
    if name == "digits":
        precision, recall = metrics.precision_recall(samples, held_out)
        return found | {"precision": rounded(precision), "recall": rounded(recall)}
    return found | {"w1_of_ring": rounded(metrics.exact_w1(samples[..., :2], held_out[:, :2]))}


def _spread(samples, held_out):
    """The root of the total variance, in units of that of the data."""
    return (samples.var(-2).sum(-1) / held_out.var(-2).sum(-1)).sqrt()
