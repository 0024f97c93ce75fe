"""``python -m gantut export``: the generator of a run for others, with a card that says what it is."""

import inspect
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from safetensors.torch import save
from tyro.conf import Positional

from gantut import __version__
from gantut.checkpoints import write_atomically
from gantut.cli._arguments import read
from gantut.cli._data import NAMES
from gantut.cli._lessons import OBJECTIVES
from gantut.cli._logs import LOG
from gantut.cli._run import FORMAT, NAME, VERSION
from gantut.cli._saved import WEIGHTS, load_run, snapshot

CARD = "README.md"
FILES = (WEIGHTS, CARD, NAME)


@dataclass
class Export:
    """Write the generator of a run of images into a folder of its own, for others to use.

    The folder contains

      generator.safetensors   the weights (the average, where the run keeps one)
      config.json             what the generator and the run are, without any path of this machine
      README.md               a card: data, licence, network, settings, what was measured, how to load it

    `python -m gantut sample FOLDER` draws from it, too.

    Attributes
    ----------
    run : path
        The folder of a run.
    out : path
        The folder to write.
    licence : str
        Under which licence the generator may be used, which depends on the pictures (default: not stated).
    data : str
        What the card says of the data (default: their name).
    snapshot : str
        best, by its KID; latest; or the steps after which it was saved (default: latest).
    weights : str
        Which weights of the generator (default: the average, where the run keeps one).
    force : bool
        Write over what was exported into that folder before.
    """

    run: Positional[Path]
    out: Path
    licence: str = "not stated"
    data: str = None
    snapshot: str = "latest"
    weights: Literal["average", "last"] = None
    force: bool = False


def run(words: Sequence[str]) -> int:
    """Write the generator of a run; return the exit status."""
    wanted = Export(**read(words, Export))
    saved = load_run(wanted.run, average=wanted.weights != "last", which=wanted.snapshot)
    if saved.run.is_distribution or saved.critic is None:
        raise ValueError(f"{wanted.run} must hold a run of `python -m gantut train` on images")
    if wanted.weights == "average" and not saved.averaged:
        raise ValueError(f"weights must be 'last' for {wanted.run}, which keeps no averages")
    _require_free(wanted.out, wanted.force)
    name = saved.run.data if saved.run.data in NAMES else Path(saved.run.data).name
    about = {"format": FORMAT, "version": VERSION, "versions": {"gantut": __version__}, "step": saved.step}
    about["weights"] = "average" if saved.averaged else "last"
    about |= {"network": type(saved.generator).__name__, "arguments": saved.run.generator_settings()}
    about |= saved.run.as_dict() | {"data": name, "folder": None}
    wanted.out.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous() for key, value in saved.generator.state_dict().items()}
    write_atomically(wanted.out / WEIGHTS, save(weights, {"format": "pt"}))
    write_atomically(wanted.out / CARD, _card(wanted, saved, about))
    write_atomically(wanted.out / NAME, json.dumps(about, indent=2) + "\n")  # the last: without it, nothing is read
    print(f"{wanted.out}: {', '.join(FILES)}")
    print(f"Next: python -m gantut sample {shlex.quote(str(wanted.out))}")
    return 0


def _require_free(folder, force):
    """Leave a folder alone that has anything else in it than an earlier export, which is to be replaced."""
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if found - set(FILES) or (folder.exists() and not folder.is_dir()):
        raise ValueError(f"{folder} is not empty: give another --out")
    if found and not force:
        raise ValueError(f"{folder} holds what was exported before: --force writes over it")


def _card(wanted, saved, about):
    """# {name}

    | | |
    | --- | --- |
    {rows}

    Losses say nothing about how good the images are. A KID does, the less the better, but only beside others on the
    same data. What a generator makes of few pictures may be near to one of them, and the licence of the pictures may
    bind what is made of them.

    ## Load it

    With gantut (`python -m pip install git+https://github.com/gantut/gantut`), in this folder:

    ```python
    import json; from gantut import device, networks; from safetensors.torch import load_file
    about = json.load(open("{config}")); generator = getattr(networks, about["network"])(**about["arguments"]).eval()
    generator.load_state_dict(load_file("{weights}"))
    ```

    Then `generator(device.draw_noise("{noise}", (16, {latent})))[0]` are images, (16, {channels}, {size}, {size}), from
    -1 to 1. Pictures at once: `python -m gantut sample .`

    ## Settings of the run

    ```json
    {settings}
    ```
    """  # this is what the card says
    run, game, objective = saved.run, saved.run.config, saved.run.config.game.name
    count = snapshot(wanted.run, wanted.snapshot).state["data"]["shape"][0]
    numbers = sum(parameter.numel() for parameter in saved.generator.parameters())
    kind = {1: "grey", 3: "colour", 4: "colour with opacity (premultiplied)"}[run.channels]
    rows = {
        "Data": f"{wanted.data or about['data']}; {count} images{', mirror images among them' if run.mirror else ''}",
        "Licence": wanted.licence,
        "Makes": f"images of {run.size} x {run.size} pixels, {kind}, of {game.latent_dim} numbers of noise",
        "Network": f"`{about['network']}` of gantut {__version__}, {numbers:,} parameters",
        "Game": f"{objective}: {OBJECTIVES[objective][0]}",
        "Trained": f"{saved.step:,} steps of {game.batch_size} images; the {about['weights']} weights",
        "Measured": _measured(wanted.run / LOG, saved.step),
    }
    return inspect.getdoc(_card).format(
        name=wanted.out.resolve().name, rows="\n".join(f"| {name} | {_in_cell(text)} |" for name, text in rows.items()),
        config=NAME, weights=WEIGHTS, noise=game.noise, latent=game.latent_dim, channels=run.channels, size=run.size,
        settings=json.dumps(about, indent=1),
    ) + "\n"  # fmt: skip


def _in_cell(text):
    return " ".join(text.split()).replace("|", r"\|")


def _measured(log, step):
    """Return the last numbers of a run's log, up to that step."""
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.is_file() else []
    rows = [row for row in rows if row["step"] <= step]
    last = {name: value for row in rows for name, value in row.items() if isinstance(value, int | float)}
    return ", ".join(f"{name} {value:.4g}" for name, value in last.items()) or "nothing"
