r"""New creatures: three games on 32 x 32 pictures of monsters, at equal compute (after figure 10 of Weng's post).

Compute is counted in *passes*: one picture through one network, forwards or backwards, where generator and critic are
of the same size. With n critic steps per iteration, each on as many real pictures as generated ones, an iteration takes

.. math:: 7\,n + 5 \text{ passes for each picture of a batch}, \qquad 13\,n + 5 \text{ with a gradient penalty}:

a critic step makes a picture, scores two, and goes backwards, which costs twice as much as forwards; a penalty takes
the gradient at a third one and differentiates that, which costs as much again; a generator step goes forwards and
backwards through the generator, and through the critic forwards, and backwards to the picture alone.
"""

import base64
import io
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from gantut import _inputs
from gantut.data import Augmentation, creatures
from gantut.device import at_scale, choose_device, random_source
from gantut.lessons._records import rounded
from gantut.lessons.new_creatures._audit import memorisation_audit
from gantut.lessons.new_creatures._measures import GROUPS, SIZE, chessboard, grouped_kid
from gantut.networks import DCGANCritic, DCGANGenerator
from gantut.training import Config, History, Optimizer, train

NOISE, BATCH = 32, 32
CHANGES = Augmentation(mirror=True, translate=0.125, fill=1.0)  # through which critics see all pictures; fill: white
GAMES = {
    "DCGAN": dict(objective="non-saturating", n_critic=1, optimizer=Optimizer("adam", 5e-4, betas=(0.5, 0.999))),
    "WGAN": dict(
        objective="wgan", n_critic=2, optimizer=Optimizer("rmsprop", 1e-3), constraint={"name": "clip", "bound": 0.02}
    ),
    "WGAN-GP": dict(objective="wgan-gp", n_critic=2, optimizer=Optimizer("adam", 1e-3, betas=(0.0, 0.9))),
}
NORMS = {"DCGAN": "batch", "WGAN": "batch", "WGAN-GP": "layer"}  # of the critic
AVERAGED = 0.99  # the decay of the average of the generator's parameters that draws the pictures
EVALUATIONS, AGES = 7, (1, 3, 7)  # shown at ages 1 : 3 : 7, as epochs 7, 21 and 49 are
IN_GROUP, AUDITED, SHOWN = 50, 100, 24  # samples: in each group, those audited, those that are kept


def passes_per_picture(n_critic: int, *, penalised: bool) -> int:
    """Return how many passes an iteration takes for each picture of a batch; see the module.

    Examples
    --------
    >>> passes_per_picture(1, penalised=False), passes_per_picture(5, penalised=True)
    (12, 70)
    """
    return _inputs.count("n_critic", n_critic) * (13 if penalised else 7) + 5


def affordable_steps(game: str, budget: int) -> int:
    """Return how many iterations a budget of passes for each picture of a batch pays for: a multiple of 7.

    Examples
    --------
    >>> affordable_steps("DCGAN", 12_000), affordable_steps("WGAN-GP", 12_000)
    (994, 385)
    """
    n = GAMES[_inputs.one_of("game", game, tuple(GAMES))]["n_critic"]
    steps = budget // passes_per_picture(n, penalised=game == "WGAN-GP") // EVALUATIONS * EVALUATIONS
    if not steps:
        raise ValueError(f"budget must pay for at least {EVALUATIONS} iterations, and {budget} does not")
    return steps


def train_on_creatures(
    game: str,
    *,
    steps: int,
    seed: int = 0,
    width: int | None = None,
    samples: int = GROUPS * IN_GROUP,
    changes: Augmentation | None = CHANGES,
) -> History:
    """Train one game on the training part of the creatures, on white, with seven evaluations on the way.

    Parameters
    ----------
    game : {"DCGAN", "WGAN", "WGAN-GP"}
    steps : int
        A multiple of 7.
    seed : int
    width : int, optional
        Of both networks: channels at half of the side; by default 16, and 64 at full scale.
    samples : int
        How many pictures are drawn at each evaluation, always from the same noise.
    changes : Augmentation, optional
        Through which the critic sees all pictures, while it is trained.

    Returns
    -------
    History
        Of one member.
    """
    settings = GAMES[_inputs.one_of("game", game, tuple(GAMES))]
    if _inputs.count("steps", steps) % EVALUATIONS:
        raise ValueError(f"steps must be a multiple of {EVALUATIONS}, not {steps}")
    sizes = dict(size=SIZE, width=width or at_scale(fast=16, full=64), seed=seed)
    generator, critic = DCGANGenerator(latent_dim=NOISE, **sizes), DCGANCritic(norm=NORMS[game], **sizes)
    config = Config(
        steps=steps, seed=seed, batch_size=BATCH, latent_dim=NOISE, ema=AVERAGED, augmentation=changes, **settings
    )  # fmt: skip
    data = creatures("train", alive=True).images
    return train(
        config, data, generator=generator, critic=critic, samples=samples, evaluate_every=steps // EVALUATIONS,
        record_every=max(steps // 50, 1), progress=False,
    )  # fmt: skip


def interpolate_pictures(generator: nn.Module, first: torch.Tensor, last: torch.Tensor, steps: int) -> torch.Tensor:
    r"""Draw pictures on the way from one noise vector to another, along the arc and not the chord.

    .. math:: z_t = \frac{\sin((1 - t)\,\omega)}{\sin\omega}\,z_0 + \frac{\sin(t\,\omega)}{\sin\omega}\,z_1, \qquad
       \cos\omega = \frac{z_0^\top z_1}{\lVert z_0\rVert\,\lVert z_1\rVert}

    Parameters
    ----------
    generator : Module
        Of one member.
    first, last : tensors, shape (rows, latent_dim)
    steps : int

    Returns
    -------
    tensor, shape (rows, steps, channels, height, width)
    """
    noise = slerp(first, last, torch.linspace(0, 1, steps))  # (rows, steps, latent_dim)
    training = generator.training
    generator.eval()
    with torch.no_grad():
        pictures = generator(noise.flatten(0, 1).to(next(generator.parameters())))[0]
    generator.train(training)
    return pictures.unflatten(0, noise.shape[:2]).cpu()


def slerp(first: torch.Tensor, last: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Interpolate spherically: points on the arcs from `first` to `last` at times `t`.

    Parameters
    ----------
    first, last : tensors, shape (rows, d)
    t : tensor, shape (times,)
        From 0 to 1.

    Returns
    -------
    tensor, shape (rows, times, d)

    Examples
    --------
    >>> slerp(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([0.5]))
    tensor([[[0.7071, 0.7071]]])
    """
    cosine = functional.cosine_similarity(first, last)[:, None, None]
    angle = cosine.clamp(-1, 1).acos()
    weights = [((1 - t)[:, None] * angle).sin(), (t[:, None] * angle).sin()]
    if not (angle.sin() > 1e-6).all():
        raise ValueError("first and last must not point in the same or in opposite directions")
    return (weights[0] * first[:, None] + weights[1] * last[:, None]) / angle.sin()


def encode_pictures(pictures: torch.Tensor) -> str:
    """Return pictures (n, 3, 32, 32) as text: one JPEG of high quality, side by side, in base 64."""
    from PIL import Image

    levels = ((pictures.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    strip = levels.permute(2, 0, 3, 1).flatten(1, 2)  # (32, n * 32, 3)
    file = io.BytesIO()
    Image.fromarray(strip.cpu().numpy()).save(file, "JPEG", quality=90, subsampling=0)
    return base64.b64encode(file.getvalue()).decode("ascii")


def decode_pictures(text: str) -> torch.Tensor:
    """Return the pictures that :func:`encode_pictures` wrote, up to its loss: shape (n, 3, 32, 32), from -1 to 1."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(text)), formats=("JPEG",)) as strip:
        levels = torch.from_numpy(np.array(strip.convert("RGB")))
    return levels.unflatten(1, (-1, SIZE)).permute(1, 3, 0, 2) / 127.5 - 1


def new_creatures(*, budget: int | None = None, seeds: int | None = None, **sizes) -> dict:
    """DCGAN, WGAN and WGAN-GP at equal compute, with all that is measured of them.

    By default a budget of 16,800 passes (504,000 at full scale) and 3 seeds (6); other sizes as
    :func:`train_on_creatures` takes them.
    """
    budget, seeds = budget or at_scale(fast=16_800, full=504_000), seeds or at_scale(fast=3, full=6)
    games = {game: [_run(game, affordable_steps(game, budget), seed, sizes) for seed in range(seeds)] for game in GAMES}
    training, holdout = creatures("train", alive=True), creatures("holdout", alive=True)
    yardstick = memorisation_audit(holdout.images, training.images, training.groups)
    result = {
        "budget": budget, "batch": BATCH, "width": at_scale(fast=16, full=64), "looks": EVALUATIONS, "ages": list(AGES),
        "holdout": {"distance": rounded(yardstick.distance), "ratio": rounded(yardstick.ratio)},
    }  # fmt: skip
    return result | {"games": [row for rows in games.values() for row in _only_typical_pictures(rows)]}


def _run(game, steps, seed, sizes):
    start = time.process_time()
    history = train_on_creatures(game, steps=steps, seed=seed, **sizes)
    seconds = time.process_time() - start
    training, samples = creatures("train", alive=True), history.samples[:, 0]  # (evaluations + 1, n, ...)
    found = memorisation_audit(samples[-1, :AUDITED], training.images, training.groups)
    noise = torch.randn(4, NOISE, generator=random_source(seed))
    ways = interpolate_pictures(history.generator_average.to(choose_device("cpu")), noise[:2], noise[2:], 9)
    return {
        "game": game, "seed": seed, "rounds": steps, "seconds": round(seconds, 1),
        "steps": history.steps.tolist(),
        "losses": {name: rounded(rows[:, 0]) for name, rows in history.losses.items()},
        "kernel": [rounded(grouped_kid(look, training.images)) for look in samples],
        "chessboard": rounded(torch.tensor([chessboard(look) for look in samples])),
        "audit": {"distance": rounded(found.distance), "index": found.index.tolist(), "ratio": rounded(found.ratio)},
        "pictures": [encode_pictures(samples[age, :SHOWN]) for age in AGES],
        "ways": encode_pictures(ways.flatten(0, 1)),
    }  # fmt: skip


def _only_typical_pictures(rows):
    """Of each game, keep the pictures of the median run, by the median of its last kernel distances."""
    last = [float(np.median(row["kernel"][-1])) for row in rows]
    typical = sorted(range(len(rows)), key=last.__getitem__)[len(rows) // 2]
    for number, row in enumerate(rows):
        row["typical"] = number == typical
        if number != typical:
            del row["pictures"], row["ways"]
    return rows
