r"""A longer run with what has been learnt since: residual networks without normalisation, R1, and changed pictures.

.. math:: L_D = -\mathbb E\log\sigma\big(f(Tx)\big) - \mathbb E\log\sigma\big(-f(TG(z))\big)
   + \tfrac\gamma2\,\mathbb E\lVert\nabla f(Tx)\rVert^2, \qquad L_G = -\mathbb E\log\sigma\big(f(TG(z))\big)

The run is played in stretches, with a checkpoint after each: interrupted, it goes on from the last, bit for bit. It
ends when all its pictures have been shown, or when its time is over.
"""

import hashlib
import time
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from gantut import _inputs
from gantut.data import Augmentation, creatures
from gantut.device import at_scale, choose_device
from gantut.lessons._records import commit, recorded, results_folder, rounded
from gantut.lessons.new_creatures._audit import memorisation_audit
from gantut.lessons.new_creatures._creatures import encode_pictures, interpolate_pictures
from gantut.lessons.new_creatures._measures import GROUPS, chessboard, grouped_kid
from gantut.networks import ResidualCritic, ResidualGenerator
from gantut.training import Config, History, train

NAME = "creatures-modern"
BATCH, NOISE, WIDTH, SIZE = 32, 64, 32, 32
LOOK, RECORD = 512, 64  # steps in a stretch, after which the pictures are looked at; between records, 4 times R1's 16
CHANGED = {"colour": 1.0, "translate": 0.125, "cutout": 0.375, "cutout_share": 0.5}
DIFFERENT = Augmentation(mirror=True, fill=1.0, **CHANGED)
MODERN = {  # as plain data, which is also the preset of that name of ``python -m gantut train``
    "objective": "non-saturating", "n_critic": 1, "optimizer": {"name": "adam", "lr": 5e-4, "betas": [0.0, 0.99]},
    "constraint": {"name": "zero-centred-penalty", "weight": 0.3, "every": 16}, "batch_size": BATCH,
    "latent_dim": NOISE, "ema": 0.998,
}  # fmt: skip
IN_GROUP, AUDITED, SHOWN, FILMED, FRAMES = 50, 200, 64, 12, 20  # pictures in each group, audited, and so on
AGES = (1, 3, 7)  # as epochs 7, 21 and 49 are


def train_modern(
    images: int, folder: str | Path | None = None, *, seed: int = 0, width: int = WIDTH, **options
) -> History:
    """Train on the training part of the creatures, on white, until the critic has been shown so many pictures.

    Parameters
    ----------
    images : int
        A multiple of the batch, 32.
    folder : path, optional
        Where checkpoints are; a run that is there goes on.
    seed : int
    width : int
        Of both networks.
    **options
        Further settings of `gantut.training.train`.

    Returns
    -------
    History
        Of one member.
    """
    if _inputs.count("images", images) % BATCH:
        raise ValueError(f"images must be a multiple of {BATCH}, the size of a batch, not {images}")
    sizes = dict(size=SIZE, width=width, seed=seed)
    config = Config.from_dict(MODERN | dict(steps=images // BATCH, seed=seed, augmentation=DIFFERENT))
    saved = dict(checkpoints=folder, resume=True) if folder else {}
    return train(
        config, creatures("train", alive=True).images, generator=ResidualGenerator(latent_dim=NOISE, **sizes),
        critic=ResidualCritic(**sizes), **dict(progress=False, amp=True) | saved | options,
    )  # fmt: skip


def creatures_modern(
    *, images: int | None = None, minutes: float | None = None, folder: str | Path | None = None,
    look: int = LOOK, seed: int = 0, width: int = WIDTH, samples: int = GROUPS * IN_GROUP,
) -> dict:  # fmt: skip
    """Train the modern model for long, with all that is measured of it on the way.

    Parameters
    ----------
    images : int, optional
        How many pictures the critic is shown; 400,000, and 4 million at full scale.
    minutes : float, optional
        After which no further stretch begins; 70, and a day at full scale.
    folder : path, optional
        Where checkpoints are kept, by default one for each commit. A run that was interrupted goes on from there.
    look : int
        Steps in a stretch, a multiple of 64.
    seed, width : int
    samples : int
        How many pictures are drawn at each look, always from the same noise.

    Returns
    -------
    dict
        With the weights of the averaged generator, in half precision, among its files.
    """
    start, images = time.perf_counter(), images or at_scale(fast=400_000, full=4_000_000)
    minutes = minutes or at_scale(fast=70, full=24 * 60)
    folder = Path(folder) if folder else Path.home() / ".cache" / "gantut" / f"{NAME}-{commit()[:12]}"
    looks, longest = sorted(folder.glob("look-*.safetensors")), 0.0
    for number in range(len(looks) + 1, images // (look * BATCH) + 1):
        begun = time.perf_counter()
        if begun - start + longest > 60 * minutes:
            break
        history = train_modern(
            number * look * BATCH, folder, seed=seed, width=width, samples=1, record_every=RECORD, evaluate_every=look
        )
        folder.joinpath(f"look-{number:04d}.safetensors").write_bytes(packed(history.generator_average))
        longest = max(longest, time.perf_counter() - begun)
    looks = sorted(folder.glob("look-*.safetensors"))
    if not looks:
        raise ValueError(f"minutes must leave time for one stretch, and {minutes} do not")
    shown = len(looks) * look * BATCH
    history = train_modern(shown, folder, seed=seed, width=width, samples=1, record_every=RECORD, evaluate_every=look)
    return _measured(history, [path.read_bytes() for path in looks], look, width, samples)


def _measured(history, looks, look, width, samples):
    """Return all that is recorded of a run, from its generators after each stretch."""
    training, last = creatures("train", alive=True), len(looks)
    noise = torch.randn(samples + 8, NOISE, generator=torch.Generator().manual_seed(1))
    ages = [max(round(last * age / AGES[-1]), 1) for age in AGES]
    frames = {max(round(last * (number / FRAMES) ** 1.5), 1) for number in range(1, FRAMES + 1)}
    kernel, boards, film, pictures, audits = [], [], [], [], []
    for number, weights in enumerate(looks, 1):
        generator = unpacked(weights, width)
        drawn = _drawn(generator, noise[:samples])
        kernel.append(rounded(grouped_kid(drawn, training.images)))
        boards.append(chessboard(drawn))
        if number in frames:
            film.append(encode_pictures(drawn[:FILMED]))
        if number in ages:
            pictures.append(encode_pictures(drawn[:SHOWN]))
            found = memorisation_audit(drawn[:AUDITED], training.images, training.groups)
            audits.append({name: value.tolist() for name, value in found._asdict().items()})
    for found in audits:
        found |= {name: rounded(torch.tensor(found[name])) for name in ("distance", "ratio")}
    ways = interpolate_pictures(generator, noise[-8:-4], noise[-4:], 9)
    return {
        "images": last * look * BATCH, "batch": BATCH, "width": width, "look": look * BATCH, "ages": ages,
        "parameters": [sum(p.numel() for p in network.parameters()) for network in (history.generator, history.critic)],
        "steps": history.steps.tolist(),
        "losses": {name: rounded(rows[:, 0]) for name, rows in history.losses.items()},
        "kernel": kernel, "chessboard": rounded(torch.tensor(boards)), "audits": audits, "pictures": pictures,
        "frames": sorted(frames), "film": film, "ways": encode_pictures(ways.flatten(0, 1)),
        "checksum": hashlib.sha256(looks[-1]).hexdigest(), "files": {"safetensors": looks[-1]},
    }  # fmt: skip


@torch.no_grad()
def _drawn(generator, noise):
    return torch.cat([generator(part)[0] for part in noise.split(100)]).cpu()


def packed(generator: nn.Module) -> bytes:
    """Return a generator's weights as the bytes of a safetensors file, in half precision."""
    return safetensors.torch.save({name: w.half().contiguous() for name, w in generator.state_dict().items()})


def unpacked(weights: bytes, width: int = WIDTH) -> ResidualGenerator:
    """Return the generator whose weights these are, in single precision."""
    generator = ResidualGenerator(latent_dim=NOISE, size=SIZE, width=width)
    generator.load_state_dict({name: w.float() for name, w in safetensors.torch.load(weights).items()})
    return generator.eval().to(choose_device("cpu"))


def modern_generator(*, folder: str | Path | None = None) -> ResidualGenerator:
    """Return the averaged generator at the end of the recorded run, which ships with gantut.

    Parameters
    ----------
    folder : path, optional
        Of the records; by default the book's.

    Returns
    -------
    ResidualGenerator
        From noise (members, n, 64) to pictures (members, n, 3, 32, 32).

    Raises
    ------
    ValueError
        If its weights are not those of the record.
    """
    result = recorded(NAME, folder=folder).result
    path = (Path(folder) if folder else results_folder()) / f"{NAME}.safetensors"
    weights = path.read_bytes()
    if hashlib.sha256(weights).hexdigest() != result["checksum"]:
        raise ValueError(f"folder must have the weights of its record, but {path} is another file")
    return unpacked(weights, result["width"])
