"""Which critic is right? Each kind on pairs of distributions whose optimal critic is known, in several dimensions."""

import torch

from gantut import lipschitz
from gantut.device import at_scale, choose_device, random_source
from gantut.lessons._records import rounded_fields
from gantut.lessons.better_critics._funnels import Funnels, funnels
from gantut.lessons.better_critics._optimum import critic_distance, gradient_cosine, gradient_error
from gantut.lessons.better_critics._sorting import SortingCritic
from gantut.lessons.better_critics._spectral import spectral_critic
from gantut.lessons.fixed_distributions import draws_from, train_critics
from gantut.networks import MLP

# The constraint of each kind of critic; those that are built to be 1-Lipschitz need none. The "spectral norm" projects
# after each step (Gouk et al.), "spectral normalisation" divides in the forward pass (Miyato et al.).
CRITIC_CONSTRAINTS = {
    "clipping": lipschitz.Clip(0.1),
    "spectral norm": lipschitz.SpectralNorm(1.0),
    "spectral normalisation": None,
    "WGAN-GP": lipschitz.GradientPenalty(10.0),
    "DRAGAN": lipschitz.GradientPenalty(10.0, where="data"),
    "WGAN-LP": lipschitz.GradientPenalty(10.0, one_sided=True),
    "sorting": None,
}
BUILT = {"sorting": SortingCritic, "spectral normalisation": spectral_critic}
ON_LINES = ("WGAN-GP", "WGAN-LP")  # whose penalty tells by how much the report is too large
# The best cosines of ten methods, and those of WGAN-GP, by (dimension, funnels), as far as this book quotes them.
PUBLISHED_COSINES = {
    "best of ten": {(2, 4): 0.86, (16, 4): 0.97, (16, 256): 0.61, (128, 4): 0.93, (128, 256): 0.61},
    "WGAN-GP": {(2, 4): 0.84, (16, 4): 0.96, (16, 256): 0.61, (128, 4): 0.92, (128, 256): 0.56},
}


def train_on_funnels(
    kind: str,
    pair: Funnels,
    *,
    members: int,
    steps: int,
    batch_size: int,
    lr: float,
    hidden: tuple[int, ...],
    seed: int = 0,
):
    """Train a population of one kind of critic, one of :data:`CRITIC_CONSTRAINTS`, on a pair; it scores y higher."""
    device = choose_device()
    critic = BUILT.get(kind, MLP)([pair.dimension, *hidden, 1], members=members, seed=seed, device=device)
    draw = draws_from(pair.y, pair.x, members=members, batch_size=batch_size, seed=seed, device=device)
    return train_critics(critic, draw, constraint=CRITIC_CONSTRAINTS[kind], steps=steps, lr=lr, seed=seed)


def critic_quality(kind: str, critic, pair: Funnels, *, points: int = 4096, seed: int = 1) -> dict[str, torch.Tensor]:
    r"""Measure how close critics are to the optimal one, whose gradients and distance are known.

    Parameters
    ----------
    kind : str
        One of :data:`CRITIC_CONSTRAINTS`.
    critic : Module
        As :func:`train_on_funnels` returns it.
    pair : Funnels
    points : int
        How many samples of each distribution are drawn.
    seed : int
        Of these samples.

    Returns
    -------
    dict
        From a name to a tensor of shape (members,): ``"cosine"`` and ``"error"`` of the gradients on the distribution
        of x; ``"report"``, the critic's estimate of W1; and, under a penalty on lines, the estimate ``"corrected"`` by
        twice the penalty.
    """
    source = random_source(seed)
    x, y = (distribution.float().to(choose_device()) for distribution in pair.sample(points, generator=source))
    pair = pair.to(x.device)
    found = {
        "cosine": gradient_cosine(critic, pair, x),
        "error": gradient_error(critic, pair, x),
        "report": critic_distance(critic, x, y),
    }
    if kind in ON_LINES:
        penalty = CRITIC_CONSTRAINTS[kind].loss_term(critic, y, x, source)  # (members,)
        found["corrected"] = found["report"] - 2 * penalty.detach()
    return {name: values.double().cpu() for name, values in found.items()}


def funnel_table() -> dict:
    """Every kind of critic but one on one pair of distributions for each dimension and number of funnels.

    At full scale the sizes of Korotin, Kolesov and Burnaev (2022); at the fast one far smaller.
    """
    return _table([kind for kind in CRITIC_CONSTRAINTS if kind != "spectral normalisation"])


def funnels_spectral() -> dict:
    """Spectral normalisation on the pairs of :func:`funnel_table`, with the same budget."""
    return _table(["spectral normalisation"])


def _table(kinds):
    dimensions = at_scale(fast=(2, 4, 16), full=(2, 4, 16, 128))
    rows = []
    for dimension in dimensions:
        width = at_scale(fast=128, full=max(2 * dimension, 128))
        sizes = at_scale(
            fast=dict(members=3, steps=600, batch_size=256, lr=1e-3),
            full=dict(members=3, steps=60_000, batch_size=1024, lr=2e-4),
        )
        for count in (4, 16, 64, 256):
            pair = funnels(dimension, count)
            for kind in kinds:
                hidden = at_scale(fast=(64, 64) if kind == "sorting" else (width, width), full=(width,) * 3)
                rows.append(_row(kind, pair, count, hidden=hidden, **sizes))
    return {"rows": rows}


def funnels_for_longer() -> dict:
    """The two gradient penalties with deeper networks and seven times as many steps, on the paper's kinds of pairs."""
    rows = []
    for dimension, count in ((2, 4), (16, 4), (16, 256), (128, 4), (128, 256)):
        pair = funnels(dimension, count)
        for kind in ("WGAN-GP", "WGAN-LP"):
            sizes = at_scale(
                fast=dict(members=2, steps=4000, batch_size=256, lr=5e-4),
                full=dict(members=3, steps=60_000, batch_size=1024, lr=2e-4),
            )
            rows.append(_row(kind, pair, count, hidden=(max(2 * dimension, 128),) * 3, **sizes))
    return {"rows": rows}


def funnels_as_published() -> dict:
    """The two gradient penalties on the hardest pair in 16 dimensions, with the whole budget of the paper."""
    pair = funnels(16, 256)
    sizes = dict(members=1, steps=60_000, batch_size=1024, lr=2e-4, hidden=(128, 128, 128))
    return {"rows": [_row(kind, pair, 256, **sizes) for kind in ("WGAN-GP", "WGAN-LP")]}


def _row(kind, pair, count, **sizes):
    """One line of a table: a kind of critic on a pair of distributions."""
    found = critic_quality(kind, train_on_funnels(kind, pair, **sizes), pair)
    row = {"dimension": pair.dimension, "funnels": count, "kind": kind, "w1": round(pair.w1, 4)}
    return row | rounded_fields(found)
