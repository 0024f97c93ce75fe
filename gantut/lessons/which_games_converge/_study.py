"""Four games on four kinds of data: each is tuned with the same number of tries, and judged with seeds of its own."""

import math
import time
import warnings
from typing import NamedTuple

import torch
from tqdm import tqdm

from gantut import _inputs, metrics
from gantut.device import at_scale, random_source
from gantut.lessons._records import rounded
from gantut.lessons.better_critics import funnels
from gantut.lessons.created_equal import Choice, arena
from gantut.training import Architecture, Config, DivergenceWarning, Optimizer, train

# What is tuned. Every game draws from the same ranges; "-log D" by itself has no penalty, and needs no weight.
TUNED = {
    "rate": Choice("log-uniform", (5e-4, 1e-2)),
    "weight": Choice("log-uniform", (0.01, 10.0)),
    "n_critic": Choice("one of", (1, 2, 5)),
}
PENALTIES = {  # the objective of each game, and the penalty that the weight belongs to
    "-log D": ("non-saturating", None),
    "-log D, R1": ("non-saturating", {"name": "zero-centred-penalty", "at": "real"}),
    "WGAN-GP": ("wgan-gp", {"name": "gradient-penalty"}),
    "pairs, R1 and R2": ("relativistic", {"name": "zero-centred-penalty", "at": "both"}),
}
FAVOURITE = "pairs, R1 and R2"
KINDS = ("ring", "grid", "funnels", "digits")
FUNNELS = {"dimension": 4, "count": 4}  # of lesson 13: here the samples x, which lie near the bottoms
POINTS = 500  # of samples and of data, between which a distance is measured
APART = 10**6  # between the seeds of two tries; no run that is judged shares one with a run that was tuned


class Target(NamedTuple):
    """Data to learn, and how far samples (members, n, d) are from held-out data: 1 for always showing their mean.

    Attributes
    ----------
    data : Distribution or tensor
    distance : function
        From samples to shape (members,): the exact W1; for digits, the Fréchet distance of features.
    recall : function or None
        From samples to shape (members,): the share of modes covered; of held-out digits within reach.
    again : tensor, shape (n, d)
        Fresh data, as many as samples are drawn.
    """

    data: object
    distance: object
    recall: object
    again: torch.Tensor


def target(kind: str) -> Target:
    """Return one of :data:`KINDS`: ring, grid and digits as lesson 15 has them, and the funnels of lesson 13."""
    if _inputs.one_of("kind", kind, KINDS) != "funnels":
        known = arena(kind)
        return Target(known.data, known.distance, lambda x: known.precision_recall(x)[1], known.again)
    data = funnels(**FUNNELS, dtype=torch.float32).x
    reference, again = (data.sample(POINTS, generator=random_source(seed)).double() for seed in (1, 2))
    worst = (reference - reference.mean(0)).norm(dim=-1).mean()
    return Target(data, lambda x: metrics.exact_w1(x[..., :POINTS, :], reference) / worst, None, again)


def draw_tuning(number: int) -> dict:
    """Draw the settings of a try, the same for every game: rate, weight of the penalty, critic steps.

    Examples
    --------
    >>> sorted(draw_tuning(0))
    ['n_critic', 'rate', 'weight']
    """
    source = random_source(APART * (_inputs.count("number", number, least=0) + 1))
    shares = torch.rand(len(TUNED), dtype=torch.float64, generator=source).tolist()
    return {name: choice.quantile(u) for (name, choice), u in zip(TUNED.items(), shares, strict=True)}


def which_games_converge(
    *,
    tries: int | None = None,
    updates: int | None = None,
    batch_size: int | None = None,
    judged: int | None = None,
    tuning_members: int = 3,
    kinds: tuple[str, ...] = KINDS,
) -> dict:
    """Tune every game with the same tries on every kind of data, then judge the best try of each with fresh seeds.

    A try trains a few members. The one with the least mean distance is chosen, and trained anew as a population, whose
    seeds all games share and no try has used. Every run makes as many gradient steps, of both players together.

    Parameters
    ----------
    tries : int, optional
        Settings tried for each game; 8, and 32 at full scale.
    updates : int, optional
        Gradient steps of a run, of both players together: with k critic steps there are ``updates / (k + 1)``
        iterations; 2400, and 30 000 at full scale.
    batch_size : int, optional
        64, and 256 at full scale.
    judged : int, optional
        Members of the population that is judged; 16, and 32 at full scale.
    tuning_members : int
        Members of a try.
    kinds : tuple of str
        Some of :data:`KINDS`.

    Returns
    -------
    dict
        ``"tuned"`` and ``"judged"``, a row for each run; ``"floor"``, the distance of fresh data; ``"sizes"``.

    See Also
    --------
    compare_tuned_games : compares what this returns.
    """
    usual = at_scale(
        fast=dict(tries=8, updates=2400, batch_size=64, judged=16),
        full=dict(tries=32, updates=30_000, batch_size=256, judged=32),
    )
    given = dict(tries=tries, updates=updates, batch_size=batch_size, judged=judged)
    sizes = {name: _inputs.count(name, usual[name] if value is None else value) for name, value in given.items()}
    targets = {kind: target(kind) for kind in kinds}
    runs = [(kind, game) for kind in kinds for game in PENALTIES]
    common = dict(updates=sizes["updates"], batch_size=sizes["batch_size"])
    tuned, final = [], []
    with tqdm(total=len(runs) * (sizes["tries"] + 1), mininterval=20, unit="run") as bar:

        def run(kind, game, number, members, seed):
            row = {"kind": kind, "game": game, "number": number}
            row |= _run(targets[kind], game, draw_tuning(number), members=members, seed=seed, **common)
            bar.update()
            return row

        for number in range(sizes["tries"]):
            tuned += [run(*pair, number, tuning_members, APART * (number + 1)) for pair in runs]
        for kind, game in runs:
            own = [row for row in tuned if (row["kind"], row["game"]) == (kind, game)]
            best = min(own, key=lambda row: sum(row["distance"]))
            final.append(run(kind, game, best["number"], sizes["judged"], 0))
    floor = {kind: rounded(found.distance(found.again[None].double())) for kind, found in targets.items()}
    return {"sizes": sizes | {"tuning_members": tuning_members}, "floor": floor, "tuned": tuned, "judged": final}


def tuned_config(game: str, settings: dict, *, updates: int, batch_size: int, members: int, seed: int) -> Config:
    """Return the configuration of a run; networks, momentum and noise are the same for all games."""
    objective, penalty = PENALTIES[_inputs.one_of("game", game, tuple(PENALTIES))]
    layers = Architecture((64, 64))
    return Config(
        objective=objective,
        constraint=penalty and penalty | {"weight": settings["weight"]},
        steps=math.ceil(updates / (settings["n_critic"] + 1)),
        members=members,
        seed=seed,
        batch_size=batch_size,
        n_critic=settings["n_critic"],
        optimizer=Optimizer("adam", settings["rate"], betas=(0.0, 0.9)),
        latent_dim=16,
        generator=layers,
        critic=layers,
    )


def compare_tuned_games(result: dict, *, level: float = 0.95) -> dict[tuple[str, str], metrics.PairedDifference]:
    """Compare the distances of pairs with R1 and R2 with those of each rival, for each kind of data.

    Parameters
    ----------
    result : dict
        From :func:`which_games_converge`, or its record.
    level : float
        At which all comparisons hold together: each is corrected for their number (Bonferroni).

    Returns
    -------
    dict
        From a kind of data and a rival to the difference, pairs with R1 and R2 less the rival: below 0 it is nearer.
    """
    distances = {
        (row["kind"], row["game"]): torch.tensor(row["distance"], dtype=torch.float64) for row in result["judged"]
    }
    rivals = [(kind, game) for kind, game in distances if game != FAVOURITE]
    return {
        (kind, game): metrics.paired_difference(
            distances[kind, FAVOURITE], distances[kind, game], comparisons=len(rivals), level=level
        )
        for kind, game in rivals
    }


def _run(here, game, settings, **sizes):
    """Train and score one population: plain data. A member that is not finite counts as far as the mean."""
    config = tuned_config(game, settings, **sizes)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # it is in the record
        history = train(config, here.data, samples=len(here.again), evaluate_every=config.steps, progress=False)
    samples = history.samples[-1].double().cpu()
    row = {"settings": settings if config.constraint else {k: v for k, v in settings.items() if k != "weight"}}
    row["distance"] = rounded(here.distance(samples).nan_to_num(1.0).clamp(max=1.0))
    if here.recall:
        row["recall"] = rounded(here.recall(samples).nan_to_num(0.0))
    return row | {
        "diverged": int((history.diverged >= 0).sum()),
        "seconds": round(time.perf_counter() - start, 2),
    }
