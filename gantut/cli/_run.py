"""What a run is, and the file config.json that says so: a flat mapping of settings, as the command line names them."""

import itertools
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from gantut import __version__, _inputs
from gantut.checkpoints import CheckpointError, write_atomically
from gantut.cli._arguments import ALIASES
from gantut.cli._data import DISTRIBUTIONS, NAMES, checked_source, is_coloured
from gantut.lessons.new_creatures import MODERN
from gantut.lessons.toy_gans import GAMES
from gantut.networks import NORMS, DCGANCritic, DCGANGenerator, ResidualCritic, ResidualGenerator
from gantut.objectives import objective
from gantut.training import Config

FORMAT, VERSION = "gantut run", 2
NAME = "config.json"
AT_MOST = 2**20  # bytes of such a file
ABOUT = ("format", "version", "versions", "command", "network", "arguments", "step", "weights")  # beside the settings
LEAST, MEASURED, COST = 32, 250, 20  # images that are measured, for each of which so many are learnt from
EVALUATIONS, RECORDS = 20, 200  # how often a run is evaluated and recorded, unless something else is asked for

# What serves in general; what an objective's paper says comes from the objective.
ON_IMAGES = {"objective": "non-saturating", "steps": 6000, "batch_size": 32, "latent_dim": 64, "ema": 0.998}
AUGMENTATION = {"translate": 0.125, "colour": 0.5}  # of images of which there are few; lesson 14
HIDING = {"cutout": 0.375, "cutout_share": 0.5}  # and with residual networks
NETWORKS = {"residual": (ResidualGenerator, ResidualCritic), "dcgan": (DCGANGenerator, DCGANCritic)}
PRESETS = {  # settings that go together; those that are given take precedence
    "modern": MODERN | {"networks": "residual"},
    "dcgan": {"objective": "non-saturating", "networks": "dcgan"},
    "wgan": {"objective": "wgan", "networks": "dcgan"},
    "wgan-gp": {"objective": "wgan-gp", "networks": "dcgan"},
}
HIDDEN = {"hidden": [64, 64]}
ON_DISTRIBUTIONS = {"objective": "wgan-gp", "steps": 2000, "batch_size": 64, "latent_dim": 16}
ON_DISTRIBUTIONS |= {"generator": HIDDEN, "critic": HIDDEN}
ON_DISTRIBUTIONS |= {"optimizer": {"name": "adam", "lr": 1e-3, "betas": [0.0, 0.9]}}


@dataclass(frozen=True)
class Run:
    """A game, and what it is played with.

    Attributes
    ----------
    config : Config
        The game.
    data : str
        A name, or the path of a folder, zip or tar of images.
    folder : str or None
        Where the files of MNIST or Fashion-MNIST are.
    size : int or None
        Pixels a side: 32, 64 or 128 (digits: from 8 on).
    channels : int or None
        3 for images on white, 4 with their transparency.
    mirror : bool
        Learn mirror images, too.
    fit : str or None
        How your own images become squares: pixels for pixel art; crop, pad or border for photographs; or auto.
    links : bool
        Follow links in a folder of your own images.
    width : int or None
        Width of the networks; wider ones learn more, and take longer.
    networks : str or None
        Those of images: residual, or dcgan.
    generator_norm : str or None
        How the generator of DCGAN is normalised: batch, layer or none (default: batch).
    critic_norm : str or None
        How the critic of DCGAN is normalised: batch, layer or none (default: batch; under a gradient penalty, layer).
    measure : int
        Images whose KID and copies are measured at each evaluation; 0 for none (default: what a twentieth of the
        time allows, up to 250).
    samples : int
        Samples that an evaluation shows.
    evaluate_every : int
        Steps between evaluations (default: 20 in all).
    record_every : int
        Steps between records of losses (default: 200 in all).
    checkpoint_every : int or None
        Steps between checkpoints (default: at every evaluation).
    amp : bool
        Compute convolutions in bfloat16 (default: with residual networks, where the device has instructions for it).
    parts : int
        Into how many parts the members are divided; each process trains some of them.
    """

    config: Config
    data: str
    folder: str | None
    size: int | None
    channels: int | None
    mirror: bool
    fit: str | None
    links: bool
    width: int | None
    networks: str | None
    generator_norm: str | None
    critic_norm: str | None
    measure: int
    samples: int
    evaluate_every: int
    record_every: int
    checkpoint_every: int | None
    amp: bool  # or None
    parts: int

    def __post_init__(self):
        for name in ("width", "checkpoint_every"):
            if getattr(self, name) is not None:
                _inputs.count(name, getattr(self, name))
        for name in ("samples", "evaluate_every", "record_every", "parts"):
            _inputs.count(name, getattr(self, name))
        if _inputs.count("measure", self.measure, least=0) and self.is_distribution:
            raise ValueError("measure must be 0 for a distribution, whose modes the doctor counts")
        if self.measure == 1:
            raise ValueError("measure must be 0, for none, or at least 2 images, not 1")
        if not self.is_distribution:
            _inputs.one_of("networks", self.networks, tuple(NETWORKS))
        for name in ("generator_norm", "critic_norm"):
            if self.networks == "dcgan":
                _inputs.one_of(name, getattr(self, name), NORMS)
            elif self.networks and getattr(self, name):
                raise ValueError(f"{name} is for the networks of DCGAN: leave it out, or add --networks dcgan")
        _inputs.one_of("amp", self.amp, (True, False, None))
        if self.parts > self.config.members:
            raise ValueError(f"parts must be at most {self.config.members}, the number of members, not {self.parts}")

    @property
    def is_distribution(self) -> bool:
        """Whether it learns a distribution in the plane, and not a collection of images."""
        return self.data in DISTRIBUTIONS

    def divided(self, folder: Path) -> list[tuple["Run", Path]]:
        """Return the parts of the run, each with its folder; a member gets the numbers that it has among all."""
        if self.parts == 1:
            return [(self, Path(folder))]
        edges = [self.config.members * part // self.parts for part in range(self.parts + 1)]
        return [
            (
                replace(self, config=replace(self.config, members=b - a, seed=self.config.seed + a), parts=1),
                Path(folder) / f"members-{a:05d}-{b - 1:05d}",
            )
            for a, b in itertools.pairwise(edges)
        ]

    def build(self, device) -> tuple[torch.nn.Module, torch.nn.Module]:
        """Make generator and critic as the run starts with them."""
        config = self.config
        if self.is_distribution:
            return config.build("generator", config.latent_dim, 2, device), config.build("critic", 2, 1, device)
        generator = self.generator_settings()
        critic = {name: value for name, value in generator.items() if name not in ("latent_dim", "norm")}
        if self.networks == "residual":
            critic["group"] = 1 if config.penalised else 4  # samples that see each other have no slopes of their own
        else:
            critic["norm"] = self.critic_norm
        kinds, seeds = NETWORKS[self.networks], (config.seeds(name)[0] for name in ("generator", "critic"))
        return tuple(
            kind(**settings, seed=seed, device=device)
            for kind, settings, seed in zip(kinds, (generator, critic), seeds, strict=True)
        )

    def generator_settings(self) -> dict[str, Any]:
        """Return what a generator of images is made with, but for its seed and its device."""
        common = dict(size=self.size, channels=self.channels, width=self.width, members=self.config.members)
        norm = {"norm": self.generator_norm} if self.networks == "dcgan" else {}
        return {"latent_dim": self.config.latent_dim} | common | norm

    def as_dict(self) -> dict[str, Any]:
        """Return all settings by name, as JSON gives them back; :func:`complete` makes a run of them again."""
        return json.loads(json.dumps({name: getattr(self, name) for name in OWN} | self.config.as_dict()))

    def __str__(self):
        return self.data if self.is_distribution else f"{self.data} ({self.size} x {self.size} pixels)"


OWN = tuple(field.name for field in fields(Run) if field.name != "config")
GAME = tuple(field.name for field in fields(Config))


def complete(settings: Mapping[str, Any], *, processes: int | None = None, exists: bool = True) -> Run:
    """Return the run that some settings ask for, with what they do not say filled in.

    Parameters
    ----------
    settings : mapping
        From names to values as plain data, some of :class:`Run` and of `gantut.training.Config`; "augment" stands for
        a usual augmentation, or for none, and "preset" for the settings of that name. Where neither a preset nor an
        objective is named, images are learnt in the modern way.
    processes : int, optional
        Among how many processes the members of a population are shared out, whatever the settings say.
    exists : bool
        Whether images of your own must still be where they were.

    Raises
    ------
    ValueError
        If a setting is unknown (the nearest is named) or not allowed.
    """
    for name in settings:
        _inputs.one_of("a setting of a run", name, (*OWN, *GAME, "augment", "preset"))
    source = checked_source(settings, exists=exists)
    if source["data"] not in DISTRIBUTIONS and not {"preset", "objective", "networks"} & settings.keys():
        settings = {**settings, "preset": "modern"}
    settings = with_preset(settings)
    config, plane = _config(settings, source), source["data"] in DISTRIBUTIONS
    norms = {"generator_norm": None, "critic_norm": None}
    usual = {"networks": settings.get("networks", "dcgan"), "width": 32, "samples": 64} | norms
    if plane:  # whose perceptrons are part of the game
        usual = {"networks": None, "samples": 512} | norms
    elif usual["networks"] == "dcgan":
        usual |= {"generator_norm": "batch", "critic_norm": "layer" if config.penalised else "batch"}
    lazy = config.constraint.every if config.constraint else 1  # whose term is then in every record
    record_every = max(config.steps // RECORDS // lazy, 1) * lazy if config.steps >= lazy else 1
    usual |= dict(evaluate_every=max(config.steps // EVALUATIONS, 1), record_every=record_every)
    usual |= dict(checkpoint_every=None, amp=None if usual["networks"] == "residual" else False, parts=1)
    shown = (settings.get("evaluate_every") or usual["evaluate_every"]) * config.batch_size  # before each evaluation
    measured = min(shown // COST, MEASURED)
    usual["measure"] = 0 if plane or measured < LEAST else measured
    own = {"width": None} | usual | {name: settings[name] for name in usual if settings.get(name) is not None}
    if processes is not None:
        own["parts"] = min(processes, config.members)
    return Run(config, **source, **own)


def with_preset(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with those of the preset that they name under them."""
    settings = dict(settings)
    if "preset" not in settings:
        return settings
    name = _inputs.one_of("preset", settings.pop("preset"), tuple(PRESETS))
    if settings.get("data") in DISTRIBUTIONS:
        raise ValueError(f"preset {name!r} is for images: name an objective instead")
    return merged(PRESETS[name], settings)


def _config(settings, source):
    """Return the game, by the data's own defaults and the objective's; of a record, parts may be given alone."""
    given = {name: settings[name] for name in GAME if name in settings}
    if source["data"] in DISTRIBUTIONS:
        defaults = ON_DISTRIBUTIONS | GAMES.get(given.get("objective", ON_DISTRIBUTIONS["objective"]), {})
        if settings.get("width") is not None:
            hidden = [_inputs.count("width", settings["width"])] * 2
            defaults |= {name: {"hidden": hidden} for name in ("generator", "critic")}
    else:
        defaults = ON_IMAGES
    if "augment" in settings or "augmentation" not in given:
        usual = AUGMENTATION | (HIDING if settings.get("networks") == "residual" else {})
        given["augmentation"] = _augmentation(settings.get("augment"), source, usual)
    if settings.get("adaptive_augmentation"):
        _check_adapts(source["data"], given.get("augmentation"), given.get("objective", defaults["objective"]))
    whole = {name: value for name, value in given.items() if not isinstance(value, Mapping) or name == "augmentation"}
    base = Config.from_dict(defaults | whole).as_dict()
    parts = {name: value for name, value in given.items() if name not in whole}
    if base["critic_optimizer"] == base["optimizer"] and "optimizer" in parts:
        parts["critic_optimizer"] = dict(parts["optimizer"]) | parts.get("critic_optimizer", {})
    return Config.from_dict(merged(base, parts))


def _check_adapts(data, augmentation, name):
    """Refuse to adapt how often images are changed where there are none, or no changes, or no signs to follow."""
    if data in DISTRIBUTIONS and not augmentation:
        raise ValueError(f"--augment-target is for images, and {data!r} is a distribution: leave it out")
    if not augmentation:
        raise ValueError("--augment-target says how often images are changed, and here they never are: add --augment")
    if not objective(name).classifies:
        raise ValueError(f"--augment-target follows the signs of logits, and {name!r} has none: leave it out")


def _augmentation(wanted, source, usual):
    """Return the usual random changes of images of which there are few, as plain data, or None."""
    if wanted and source["data"] in DISTRIBUTIONS:
        raise ValueError("augment is for images: leave it out for a distribution")
    if not (is_coloured(source["data"]) if wanted is None else wanted):
        return None
    opaque = source["channels"] != 4
    paper = 1.0 if source["channels"] == 3 else -1.0  # what is around an image
    return usual | {"colour": usual["colour"] * opaque, "fill": paper}


def merged(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with others put over them; of a record, such as an optimizer, the parts that are given.

    A record of another name, such as another constraint, takes the place of the whole; one of the name "none" takes it
    away.
    """
    found = dict(base)
    for name, value in given.items():
        before = base.get(name)
        if isinstance(value, Mapping) and value.get("name") == "none":
            found[name] = None
        elif isinstance(value, Mapping) and isinstance(before, Mapping):
            other = name == "constraint" and value.get("name", before.get("name")) != before.get("name")
            found[name] = dict(value) if other else {**before, **value}
        else:
            found[name] = value
    return found


def require_same(saved: Run, wanted: Run, folder: Path) -> None:
    """Refuse to resume a run as a different one; only the number of steps, and how often it is saved, may change.

    Raises
    ------
    ValueError
    """
    before, now = _flat(saved.as_dict()), _flat(wanted.as_dict())
    for name in sorted(before.keys() | now.keys(), key=lambda name: (name != "data", name)):
        if name not in ("steps", "checkpoint_every") and before.get(name) != now.get(name):
            raise ValueError(
                f"{folder} holds a run with {name} = {before.get(name)!r}, not {now.get(name)!r}: leave that out "
                "to resume it, or give another --out"
            )


def _flat(settings):
    """Return nested settings as one mapping, of which those within a record are named as flags name them."""
    parts = {k: {f"{k}.{part}": v for part, v in value.items()} for k, value in settings.items() if type(value) is dict}
    return {key: value for name, whole in settings.items() for key, value in parts.get(name, {name: whole}).items()}


def write_run(folder: Path, run: Run, command: str) -> None:
    """Make the folder of a run, and write config.json, with the versions and the command that made it."""
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    versions = {"gantut": __version__, "torch": str(torch.__version__)}
    about = {"format": FORMAT, "version": VERSION, "versions": versions, "command": command}
    write_atomically(folder / NAME, json.dumps(about | run.as_dict(), indent=2) + "\n")


def read_run(folder: Path) -> Run:
    """Read config.json of a run's folder.

    Raises
    ------
    CheckpointError
        If there is none, or it cannot be used; the message says what to do.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        raise CheckpointError(f"{folder} holds no run of `python -m gantut train`: there is no {NAME} in it")
    try:
        settings = read_settings(path)
        if "data" not in settings:
            raise ValueError("it is not the configuration of a run")
        return complete({"measure": 0} | settings, exists=False)  # which runs of before do not name
    except ValueError as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from None


def read_settings(path: Path) -> dict[str, Any]:
    """Return the settings in a file: those of a run, or some that were written by hand."""
    if (size := path.stat().st_size) > AT_MOST:
        raise ValueError(f"{path} must have at most {AT_MOST} bytes, and has {size}")
    kind, read = ("TOML", tomllib.loads) if path.suffix.lower() == ".toml" else ("JSON", json.loads)
    try:
        found = read(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid {kind}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f'{path} must hold one JSON object, such as {{"steps": 1000}}')
    for whole, (flag,) in ALIASES.items():  # what is a flag may be the name of a setting, too
        record, part = whole.split(".")
        if (name := flag[2:].replace("-", "_")) in found:
            if not isinstance(found.setdefault(record, {}), dict):
                raise ValueError(f"{path} must give {name!r} or {record!r}, not both")
            found[record] = {part: found.pop(name)} | found[record]
    if (version := found.get("version", VERSION)) != VERSION:
        raise ValueError(
            f"{path} has format {version!r}, and this version of gantut ({__version__}) reads {VERSION}: train anew, "
            "or use the version of gantut that wrote it"
        )
    if found.get("format") == FORMAT and found.get("data") not in NAMES:
        found = {"fit": "pixels"} | found  # as it was when there was no choice
    return {name: value for name, value in found.items() if name not in ABOUT}
