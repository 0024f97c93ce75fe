"""Which trick helps? The non-saturating game of all other comparisons, with one trick at a time.

Every trick, and the game without one, has the same small budget: four settings, tried on a few members whose seeds are
not among those of the comparison; the one with the smallest mean distance plays.
"""

import statistics

from gantut import _inputs
from gantut.lessons._records import rounded_fields
from gantut.lessons.toy_gans import Coverage, coverage, train_toy_gan

MEMBERS = 64  # of each population of the comparison, with the seeds 0 to 63: enough to tell tricks apart
TUNING_MEMBERS = 4  # of each setting that is tried: as many as there is time for
TUNING_SEED = 1000  # their first seed


def _lr(generator, critic):
    betas = (0.0, 0.9)  # those of all toy games
    return {"optimizer": {"lr": generator, "betas": betas}, "critic_optimizer": {"lr": critic, "betas": betas}}


def _penalty(weight, **more):
    return {"objective": "wgan-gp", "constraint": {"name": "gradient-penalty", "weight": weight} | more}


# The settings that each may try, the usual one first; all were written down before any was tried. What a trick has no
# setting for is as in the game without one. The last trick is to measure the difference by another distance.
TRICKS = {
    "none": ({}, _lr(3e-4, 3e-4), _lr(1e-3, 3e-4), _lr(3e-4, 1e-3)),
    "feature matching": tuple(
        {"feature_matching": how}
        for how in ({}, *({"statistics": "mean+std"} | more for more in ({}, {"layers": (0, 1)}, {"added": True})))
    ),
    "minibatch discrimination": tuple(
        {"minibatch_discrimination": {"kernels": kernels, "dimension": dimension}}
        for kernels, dimension in ((4, 4), (4, 2), (8, 2), (2, 4))
    ),
    "historical averaging": tuple({"historical_averaging": weight} for weight in (0.01, 0.001, 0.1, 1.0)),
    "one-sided labels": tuple({"real_label": label} for label in (0.9, 0.95, 0.8, 0.7)),
    "two-sided labels": tuple(
        {"real_label": real, "fake_label": fake} for real, fake in ((0.9, 0.1), (0.95, 0.05), (0.8, 0.2), (0.7, 0.3))
    ),
    **{
        name: ({kind: "generator"}, {kind: "generator"} | _lr(3e-3, 1e-3), {kind: "critic"}, {kind: "both"})
        for name, kind in (("virtual batch norm", "virtual_batch_norm"), ("batch norm", "batch_norm"))
    },
    "instance noise": tuple(
        {"instance_noise": {"scale": scale, "schedule": schedule}}
        for scale, schedule in ((1.0, "linear"), (0.3, "linear"), (3.0, "linear"), (0.3, "constant"))
    ),
    "averaged generator": tuple({"ema": decay} for decay in (0.99, 0.9, 0.97, 0.997)),
    "a better metric": (_penalty(1.0), _penalty(0.1), _penalty(10.0), _penalty(1.0, one_sided=True)),
}


def train_with_trick(
    trick: str,
    n_critic: int = 5,
    *,
    settings: dict | None = None,
    distribution: str = "ring",
    members: int,
    steps: int = 1000,
    seed: int = 0,
) -> Coverage:
    """Train the non-saturating game with one of :data:`TRICKS`, and measure what it covers.

    Parameters
    ----------
    trick : str
    n_critic : int
        Critic steps per iteration.
    settings : dict, optional
        Of `gantut.training.Config`; by default the trick's usual ones.
    distribution : {"ring", "grid"}
    members, steps : int
    seed : int
        Of the first member.

    Returns
    -------
    Coverage
    """
    usual = TRICKS[_inputs.one_of("trick", trick, tuple(TRICKS))][0]
    settings = {"objective": "non-saturating"} | (usual if settings is None else settings)
    where = {"distribution": distribution, "members": members, "steps": steps, "seed": seed}
    return coverage(train_toy_gan(n_critic=n_critic, **where, **settings), distribution)


def best_settings(rows: list[dict]) -> dict:
    """Return the settings of the row with the smallest mean distance; the first of several."""
    return min(rows, key=lambda row: statistics.fmean(row["w1"]))["settings"]


def _play(trick, name, settings, distribution, n_critic, **sizes):
    found = train_with_trick(trick, n_critic, settings=settings, distribution=distribution, **sizes)
    what = {"distribution": distribution, "n_critic": n_critic, "trick": name, "settings": settings}
    return what | rounded_fields(found)


def _study(distribution, n_critic, *, members=MEMBERS, tuning_members=TUNING_MEMBERS, steps=1000):
    """Tune every trick, and the game without one, and let each play with what was chosen; that game untuned, too."""
    tuning, games = [], []
    for trick, candidates in TRICKS.items():
        few = {"members": tuning_members, "steps": steps, "seed": TUNING_SEED}
        tries = [_play(trick, trick, settings, distribution, n_critic, **few) for settings in candidates]
        entrants = {trick: best_settings(tries)}
        if trick == "none":
            entrants = {"none": candidates[0], "none, tuned": best_settings(tries)}
        games += [
            _play(trick, name, settings, distribution, n_critic, members=members, steps=steps)
            for name, settings in entrants.items()
        ]
        tuning += tries
    return {"tuning": tuning, "games": games}


def tricks(**sizes) -> dict:
    """Every trick on the ring, with five critic steps per iteration and with one, and what each tried before."""
    five, one = (_study("ring", n_critic, **sizes) for n_critic in (5, 1))
    return {part: five[part] + one[part] for part in ("tuning", "games")}


def tricks_on_grid(**sizes) -> dict:
    """Every trick on the grid of 25 Gaussians with five critic steps per iteration, and what each tried before."""
    return _study("grid", 5, **sizes)
