"""Which trick helps? The non-saturating game of all other comparisons, with one trick at a time, and with several."""

from gantut import _inputs
from gantut.lessons._records import rounded_fields
from gantut.lessons.toy_gans import Coverage, coverage, train_toy_gan

# One trick each, in the order of the lesson; what no trick is needs no settings. The last is a trick by another name:
# to measure the difference between the distributions by another distance.
TRICKS = {
    "none": {},
    "feature matching": {"feature_matching": {}},
    "feature matching, deviations too": {"feature_matching": {"statistics": "mean+std"}},
    "minibatch discrimination": {"minibatch_discrimination": {}},
    "historical averaging": {"historical_averaging": 0.01},
    "one-sided labels": {"real_label": 0.9},
    "two-sided labels": {"real_label": 0.9, "fake_label": 0.1},
    "virtual batch norm": {"virtual_batch_norm": "generator"},
    "batch norm": {"batch_norm": "generator"},
    "instance noise": {"instance_noise": 1.0},
    "averaged generator": {"ema": 0.99},
    "a better metric": {"objective": "wgan-gp"},
}
COMBINATIONS = {
    "feature matching and noise": {"feature_matching": {}, "instance_noise": 1.0},
    "noise and averaged generator": {"instance_noise": 1.0, "ema": 0.99},
    "noise and historical averaging": {"instance_noise": 1.0, "historical_averaging": 0.01},
}

MEMBERS = 64  # of each population: enough to tell tricks apart, at either scale


def train_with_trick(
    trick: str, n_critic: int = 5, *, distribution: str = "ring", members: int, steps: int = 1000
) -> Coverage:
    """Train the non-saturating game with one of :data:`TRICKS` or :data:`COMBINATIONS`, and measure what it covers.

    Parameters
    ----------
    trick : str
    n_critic : int
        Critic steps per iteration.
    distribution : {"ring", "grid"}
    members, steps : int

    Returns
    -------
    Coverage
    """
    allowed = TRICKS | COMBINATIONS
    settings = {"objective": "non-saturating"} | allowed[_inputs.one_of("trick", trick, tuple(allowed))]
    return coverage(
        train_toy_gan(n_critic=n_critic, distribution=distribution, members=members, steps=steps, **settings),
        distribution,
    )


def _table(distribution, n_critic, names, sizes):
    rows = []
    for trick in names:
        found = train_with_trick(trick, n_critic, distribution=distribution, **dict(members=MEMBERS) | sizes)
        rows.append({"distribution": distribution, "n_critic": n_critic, "trick": trick} | rounded_fields(found))
    return rows


def tricks(**sizes) -> dict:
    """Every trick and some combinations on the ring with five critic steps per iteration; every trick with one."""
    return {"games": [*_table("ring", 5, TRICKS | COMBINATIONS, sizes), *_table("ring", 1, TRICKS, sizes)]}


def tricks_on_grid(**sizes) -> dict:
    """Every trick and some combinations on the grid of 25 Gaussians with five critic steps per iteration."""
    return {"games": _table("grid", 5, TRICKS | COMBINATIONS, sizes)}
