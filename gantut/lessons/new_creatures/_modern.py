r"""A longer run with what has been learnt since: residual networks without normalisation, R1, and changed pictures.

.. math:: L_D = -\mathbb E\log\sigma\big(f(Tx)\big) - \mathbb E\log\sigma\big(-f(TG(z))\big)
   + \tfrac\gamma2\,\mathbb E\lVert\nabla f(Tx)\rVert^2, \qquad L_G = -\mathbb E\log\sigma\big(f(TG(z))\big)

The run has two parts. In the first, T changes colours as strongly as Zhao et al. (2020) do, which keeps a critic from
learning 293 pictures by heart, but hardly tells it how bright and how colourful these are. In the second, colours are
changed a quarter as much, and steps are smaller.

It is played in stretches, with a checkpoint after each: interrupted, it goes on from the last, bit for bit. It ends
when all its pictures have been shown, or when its time is over.
"""

import dataclasses
import hashlib
import time
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from gantut import _inputs
from gantut.data import Augmentation, creatures
from gantut.device import choose_device
from gantut.lessons._records import commit, recorded, results_folder, rounded
from gantut.lessons.new_creatures._audit import memorisation_audit
from gantut.lessons.new_creatures._creatures import encode_pictures, interpolate_pictures
from gantut.lessons.new_creatures._measures import GROUPS, chessboard, grouped_kid
from gantut.networks import ResidualCritic, ResidualGenerator
from gantut.training import History, train

NAME = "creatures-modern"
BATCH, NOISE, WIDTH, SIZE = 32, 64, 32, 32
LOOK, RECORD = 512, 64  # steps in a stretch, after which the pictures are looked at; between records, 4 times R1's 16
DIFFERENT = Augmentation(mirror=True, colour=1.0, translate=0.125, cutout=0.375, cutout_share=0.5, fill=1.0)
MODERN = {  # as plain data, which is also the preset of that name of ``python -m gantut train``
    "objective": "non-saturating", "n_critic": 1, "optimizer": {"name": "adam", "lr": 5e-4, "betas": [0.0, 0.99]},
    "constraint": {"name": "zero-centred-penalty", "weight": 0.3, "every": 16}, "batch_size": BATCH,
    "latent_dim": NOISE, "ema": 0.998,
}  # fmt: skip
FIRST = 9  # stretches in the first part
AFTERWARDS = {
    "augmentation": dataclasses.replace(DIFFERENT, colour=0.25), "optimizer": MODERN["optimizer"] | {"lr": 2e-4}
}  # fmt: skip
IN_GROUP, AUDITED, SHOWN, FILMED, FRAMES = 50, 200, 64, 12, 20  # pictures in each group, audited, and so on
AGES = (1, 3, 7)  # as epochs 7, 21 and 49 are


def train_modern(
    images: int, folder: str | Path | None = None, *, seed: int = 0, width: int = WIDTH, after: History | None = None,
    **options,
) -> History:  # fmt: skip
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
    after : History, optional
        Of the first part, whose networks are then trained on: this is the second.
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
    networks = {"generator": ResidualGenerator(latent_dim=NOISE, **sizes), "critic": ResidualCritic(**sizes)}
    settings = MODERN | dict(steps=images // BATCH, seed=seed, augmentation=DIFFERENT)
    if after:
        networks, settings = (
            {name: getattr(after, name) for name in networks},
            settings | AFTERWARDS | {"seed": seed + 1},
        )
    saved = dict(checkpoints=folder, resume=True) if folder else {}
    data, usual = creatures("train", alive=True).images, dict(progress=False, amp=True)
    return train(settings, data, **networks, **usual | saved | options)


def creatures_modern(
    *, images: int | None = None, minutes: float | None = None, folder: str | Path | None = None,
    look: int = LOOK, first: int = FIRST, seed: int = 0, width: int = WIDTH, samples: int = GROUPS * IN_GROUP,
) -> dict:  # fmt: skip
    """Train the modern model for long, with all that is measured of it on the way.

    Parameters
    ----------
    images : int, optional
        How many pictures the critic is shown: by default 14 stretches, the first nine of which are the first part.
    minutes : float, optional
        After which no further stretch begins; by default a day.
    folder : path, optional
        Where checkpoints are kept, by default one for each commit. A run that was interrupted goes on from there.
    look : int
        Steps in a stretch, a multiple of 64.
    first : int
        Stretches in the first part.
    seed, width : int
    samples : int
        How many pictures are drawn at each look, always from the same noise.

    Returns
    -------
    dict
        With the weights of the averaged generator, in half precision, among its files.
    """
    folder = Path(folder) if folder else Path.home() / ".cache" / "gantut" / f"{NAME}-{commit()[:12]}"
    options = dict(seed=seed, width=width, samples=1, record_every=RECORD, evaluate_every=look)

    def played(number):
        """Return both parts after so many stretches; what has been played is read, not played again."""
        parts = [train_modern(min(number, first) * look * BATCH, folder, **options)]
        if number > first:
            steps = (number - first) * look
            parts.append(train_modern(steps * BATCH, folder / "second", after=parts[0], **options))
        return parts

    start, work, longest = time.perf_counter(), time.process_time(), 0.0
    before = len(list(folder.glob("look-*.safetensors")))
    done = before
    for number in range(before + 1, (images or 14 * look * BATCH) // (look * BATCH) + 1):
        begun = time.perf_counter()
        if begun - start + longest > 60 * (minutes or 24 * 60):
            break
        average = played(number)[-1].generator_average
        folder.joinpath(f"look-{number:04d}.safetensors").write_bytes(packed(average))
        done, longest = number, max(longest, time.perf_counter() - begun)
    if not done:
        raise ValueError(f"minutes must leave time for one stretch, and {minutes} do not")
    seconds = time.process_time() - work
    looks = [folder.joinpath(f"look-{number:04d}.safetensors").read_bytes() for number in range(1, done + 1)]
    return _measured(played(done), looks, look, width, samples) | {
        "first": min(first, done), "continued_at": before * look * BATCH,  # where this process took over, if not at 0
        "a_second": round((done - before) * look * BATCH / max(seconds, 1), 1),  # pictures, of its processor time
    }  # fmt: skip


def _measured(parts, looks, look, width, samples):
    """Return all that is recorded of a run, from its generators after each stretch."""
    training, last, history = creatures("train", alive=True), len(looks), parts[-1]
    offsets = [0, *(part.config.steps for part in parts)]
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
        "steps": [step + offset for part, offset in zip(parts, offsets, strict=False) for step in part.steps.tolist()],
        "losses": {
            name: rounded(torch.cat([part.losses[name] for part in parts])[:, 0]) for name in history.losses
        },
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
