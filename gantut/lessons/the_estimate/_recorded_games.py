"""Three games on the ring, evaluation by evaluation, small enough to be carried in a page."""

import base64
import math

import torch

from gantut import _inputs, metrics
from gantut.data import ring
from gantut.device import at_scale, random_source
from gantut.lessons._records import rounded
from gantut.lessons.toy_gans import game_config, training_curves
from gantut.training import train

REACH, SIDE, SHOWN = 3.0, 20, 128  # of the square that is shown, its critic's grid, and how many samples
PLAYED = (("non-saturating", 1), ("wgan", 5), ("wgan-gp", 5))


def record_three_games(*, members: int | None = None, steps: int | None = None) -> dict:
    """GAN, WGAN and WGAN-GP as they learn the ring: samples, critic surfaces, losses and exact W1 on the way."""
    members, steps = members or at_scale(fast=32, full=64), steps or at_scale(fast=1000, full=5000)
    evaluations = 25
    rows = [record_game(objective, n, members=members, steps=steps, evaluations=evaluations) for objective, n in PLAYED]
    real = quantise(ring().sample(SHOWN, generator=random_source(1)), -REACH, REACH)
    every = steps // evaluations
    times = list(range(0, steps + 1, every))
    return {"members": members, "reach": REACH, "side": SIDE, "real": real, "steps": times, "games": rows}


def record_game(objective: str, n_critic: int, *, members: int, steps: int, evaluations: int) -> dict:
    """Train on the ring, record samples and critics on the way, and keep three members: best, median and worst.

    They are ranked by the exact W1 at the end. The quartiles are those of the whole population.

    Parameters
    ----------
    objective : str
        One of :data:`gantut.lessons.toy_gans.GAMES`.
    n_critic, members, steps, evaluations : int

    Returns
    -------
    dict
        Plain data; losses are means since the previous evaluation, and there are none at the start.
    """
    config = game_config(objective, n_critic, members=members, steps=steps)
    critic, surfaces = config.build("critic", 2, 1, "cpu"), []  # made here, so as to look at it on the way

    def look(samples):
        surfaces.append(critic_surface(critic).cpu())
        return samples[:, 0, 0]

    every = max(steps // evaluations, 1)
    history = train(config, ring(), critic=critic, metrics={"looked": look}, samples=250, evaluate_every=every)
    found = training_curves(history)
    start = metrics.exact_w1(history.samples[:1].double(), ring().sample(250, generator=random_source(1)))
    w1 = torch.cat([start, found.w1])  # (evaluations + 1, members)
    order = w1[-1].argsort().tolist()
    ranks = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    row = {"objective": objective, "n_critic": n_critic}
    row |= {"w1": _quartiles(w1), "estimate": _quartiles(found.estimate)}
    row["shown"] = [
        {"rank": rank, "member": member, "w1": rounded(w1[:, member])}
        | {name: rounded(getattr(found, name)[:, member]) for name in ("generator_loss", "estimate")}
        | _pictures(history.samples[:, member, :SHOWN], torch.stack(surfaces)[:, member])
        for rank, member in ranks.items()
    ]
    return row


@torch.no_grad()
def critic_surface(critic) -> torch.Tensor:
    """Return the scores of critics at the middles of SIDE x SIDE squares, row by row from the lowest.

    Returns
    -------
    tensor, shape (members, SIDE * SIDE)
    """
    middles = ((torch.arange(SIDE) + 0.5) / SIDE * 2 - 1) * REACH
    y, x = torch.meshgrid(middles, middles, indexing="ij")
    where = torch.stack([x, y], -1).reshape(-1, 2)  # (SIDE * SIDE, 2)
    return critic(where.to(next(critic.parameters()))).squeeze(-1)


def quantise(values: torch.Tensor, low: float, high: float) -> str:
    """Return numbers as text, a byte each in base 64: `low` and what is below it as 0, `high` and above as 255."""
    span = high - low if high > low else 1.0
    levels = ((values.double() - low) / span * 255).round().clamp(0, 255).to(torch.uint8)
    return base64.b64encode(levels.cpu().numpy().tobytes()).decode("ascii")


def dequantise(text: str, low: float, high: float) -> torch.Tensor:
    """Return the numbers that :func:`quantise` wrote, shape (n,), each off by at most half of (high - low) / 255.

    Raises
    ------
    ValueError
        If the ends are not finite.
    """
    low, high = _inputs.finite("low", low), _inputs.finite("high", high)
    levels = torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
    return low + levels.double() / 255 * (high - low)


def _quartiles(values):
    """The quartiles over members of values (evaluations, members): (evaluations, 3)."""
    return rounded(torch.quantile(values, torch.tensor([0.25, 0.5, 0.75]).to(values), dim=1).T)


def _pictures(samples, surfaces):
    """Samples (times, SHOWN, 2) and surfaces (times, SIDE * SIDE) as text, with the ends of each surface."""
    ends = [(float(f"{row.min().item():.4g}"), float(f"{row.max().item():.4g}")) for row in surfaces]
    if not all(math.isfinite(end) for pair in ends for end in pair):
        raise ValueError("surfaces must be finite: a critic has diverged")
    return {
        "samples": [quantise(cloud, -REACH, REACH) for cloud in samples],
        "surface": [quantise(row, low, high) for row, (low, high) in zip(surfaces, ends, strict=True)],
        "low": [low for low, _ in ends],
        "high": [high for _, high in ends],
    }
