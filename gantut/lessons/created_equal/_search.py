"""The search space of the study: what is tried, as data, and how the settings of one try are drawn."""

import math
from typing import NamedTuple

import torch

from gantut import _inputs
from gantut.device import random_source
from gantut.lessons.toy_gans import GAMES
from gantut.training import Architecture, Config, Optimizer

# Study s trains try i with the seeds 1000 (10,000 s + i), and the next ones: no two runs of any studies share one.
TRIES, SEEDS_A_TRY, STUDIES = 10_000, 1000, 26
APART = 2**31  # from all seeds of runs: what settings are drawn with


class Choice(NamedTuple):
    """The distribution of a setting: uniform between two ends, uniform on a log scale, or one of a few values.

    Attributes
    ----------
    kind : {"uniform", "log-uniform", "one of"}
    values : tuple of float
        The two ends, or all values.
    """

    kind: str
    values: tuple

    def quantile(self, u: float):
        """Return the quantile of this distribution at `u`, 0 <= u < 1.

        Examples
        --------
        >>> Choice("log-uniform", (1.0, 100.0)).quantile(0.5)
        10.0
        """
        if self.kind == "one of":
            return self.values[int(u * len(self.values))]
        low, high = self.values
        return low * (high / low) ** u if self.kind == "log-uniform" else low + (high - low) * u


# Both players have the same optimizer and the same width. Adam for all: with beta1 = 0 it is RMSProp but for its start.
SPACE = {
    "rate": Choice("log-uniform", (2e-4, 2e-2)),
    "beta1": Choice("uniform", (0.0, 0.9)),
    "beta2": Choice("one of", (0.9, 0.99, 0.999)),
    "n_critic": Choice("one of", (1, 2, 5)),
    "width": Choice("one of", (32, 64)),
    "bound": Choice("log-uniform", (0.01, 1.0)),
    "weight": Choice("log-uniform", (0.1, 100.0)),
}
# The settings of SPACE that belong to one kind of constraint only.
OWN = {"wgan": ("bound",), "wgan-gp": ("weight",), "wgan-lp": ("weight",)}
CONSTRAINTS = {
    "wgan": lambda own: {"name": "clip", "bound": own["bound"]},
    "wgan-gp": lambda own: {"name": "gradient-penalty", "weight": own["weight"]},
    "wgan-lp": lambda own: {"name": "gradient-penalty", "weight": own["weight"], "one_sided": True},
}


def draw_settings(objective: str, number: int, *, seed: int = 0) -> dict:
    """Draw the settings of one try from :data:`SPACE`.

    Try i of every objective has the same learning rate, momentum, critic steps and width, so that objectives are
    compared on equal draws, and the same quantile of what is its own.

    Parameters
    ----------
    objective : str
        One of :data:`GAMES`.
    number : int
        Which try, from 0 to 9999.
    seed : int
        Of the whole study, from 0 to 25.

    Returns
    -------
    dict
        From a name in :data:`SPACE` to a number.
    """
    _inputs.one_of("objective", objective, tuple(GAMES))
    source = random_source(APART + _first_seed(seed, number))
    shares = torch.rand(len(SPACE), dtype=torch.float64, generator=source).tolist()
    foreign = {"bound", "weight"} - {*OWN.get(objective, ())}
    drawn = {name: choice.quantile(u) for (name, choice), u in zip(SPACE.items(), shares, strict=True)}
    return {name: value for name, value in drawn.items() if name not in foreign}


def try_config(objective: str, number: int, *, seeds: int, updates: int, batch_size: int, seed: int = 0) -> Config:
    """Return the configuration of one try: a run of `seeds` members.

    Parameters
    ----------
    objective, number, seed
        As :func:`draw_settings`.
    seeds : int
        How many runs with the same settings and other random numbers.
    updates : int
        Gradient steps of both players together, the same for every try: with k critic steps per iteration, there
        are ``updates / (k + 1)`` iterations.
    batch_size : int

    Returns
    -------
    Config
    """
    drawn = draw_settings(objective, number, seed=seed)
    if _inputs.count("seeds", seeds) > SEEDS_A_TRY:
        raise ValueError(f"seeds must be at most {SEEDS_A_TRY}, not {seeds}")
    layers = Architecture((drawn["width"], drawn["width"]))
    return Config(
        objective=objective,
        steps=max(math.ceil(_inputs.count("updates", updates) / (drawn["n_critic"] + 1)), 1),
        members=seeds,
        seed=_first_seed(seed, number),
        batch_size=batch_size,
        n_critic=drawn["n_critic"],
        optimizer=Optimizer("adam", drawn["rate"], betas=(drawn["beta1"], drawn["beta2"])),
        constraint=CONSTRAINTS[objective](drawn) if objective in CONSTRAINTS else None,
        latent_dim=16,
        generator=layers,
        critic=layers,
    )


def _first_seed(seed, number):
    for name, value, many in (("seed", seed, STUDIES), ("number", number, TRIES)):
        if _inputs.count(name, value, least=0) >= many:
            raise ValueError(f"{name} must be below {many}, not {value}")
    return SEEDS_A_TRY * (TRIES * seed + number)
