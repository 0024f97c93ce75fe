"""What a run is, as plain data: the file config.json beside it, from which everything can be built again."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from gantut import __version__, _inputs
from gantut.checkpoints import CheckpointError, write_atomically
from gantut.commands._sources import Source, source
from gantut.networks import NORMS, DCGANCritic, DCGANGenerator
from gantut.training import Config

FORMAT, VERSION = "gantut run", 1
NAME = "config.json"
AT_MOST = 2**20  # bytes of such a file


@dataclasses.dataclass(frozen=True)
class Networks:
    """The convolutional networks of a run on pictures, but for the size of these; see `gantut.networks.DCGANCritic`."""

    width: int = 32
    generator_norm: str = "batch"
    critic_norm: str = "batch"

    def __post_init__(self):
        _inputs.count("width", self.width)
        _inputs.one_of("generator_norm", self.generator_norm, NORMS)
        _inputs.one_of("critic_norm", self.critic_norm, NORMS)


@dataclasses.dataclass(frozen=True)
class Looks:
    """How often a run is looked at, in generator steps, and how many samples are looked at.

    `every` is for grids, logs and, unless `checkpoint_every` says otherwise, checkpoints.
    """

    samples: int = 64
    every: int = 100
    record_every: int = 10
    checkpoint_every: int | None = None

    def __post_init__(self):
        for name in ("samples", "every", "record_every"):
            _inputs.count(name, getattr(self, name))
        if self.checkpoint_every is not None:
            _inputs.count("checkpoint_every", self.checkpoint_every)


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run: its data, its game, its networks, and when to look at it.

    Attributes
    ----------
    data : Source
    training : Config
    networks : Networks or None
        None for distributions, whose multilayer perceptrons `training` describes.
    looks : Looks
    amp : bool
        Whether convolutions are computed in bfloat16.
    parts : tuple of (int, int)
        Members first, ..., last - 1 are trained together, and by themselves; each process trains some parts.
    """

    data: Source
    training: Config
    networks: Networks | None
    looks: Looks
    amp: bool
    parts: tuple[tuple[int, int], ...]

    def part(self, first: int, last: int) -> Config:
        """Return the run of members first, ..., last - 1 alone: each gets the numbers that it has among all."""
        return dataclasses.replace(self.training, members=last - first, seed=self.training.seed + first)

    def build(self, config: Config, device) -> tuple[torch.nn.Module, torch.nn.Module]:
        """Make generator and critic as the run `config`, a part of this one, starts with them."""
        if self.networks is None:
            shapes = (("generator", config.latent_dim, 2), ("critic", 2, 1))
            generator, critic = (config.build(*shape, device) for shape in shapes)
            return generator, critic
        common = dict(size=self.data.size, channels=self.data.channels, width=self.networks.width)
        common |= dict(members=config.members, device=device)
        return (
            DCGANGenerator(
                latent_dim=config.latent_dim, norm=self.networks.generator_norm, seed=config.seeds("generator")[0],
                **common,
            ),
            DCGANCritic(norm=self.networks.critic_norm, seed=config.seeds("critic")[0], **common),
        )  # fmt: skip

    def as_dict(self) -> dict:
        """Return the run as plain data, which `Plan.from_dict` and JSON understand."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "data": self.data._asdict(),
            "training": self.training.as_dict(),
            "networks": None if self.networks is None else dataclasses.asdict(self.networks),
            "looks": dataclasses.asdict(self.looks),
            "amp": self.amp,
            "parts": [list(part) for part in self.parts],
        }

    @classmethod
    def from_dict(cls, plain: dict) -> "Plan":
        """Return the run that plain data stands for.

        Raises
        ------
        ValueError
            If an entry is unknown (the nearest is named), missing or not allowed.
        """
        keys = ("format", "version", "versions", "command", *(f.name for f in dataclasses.fields(cls)))
        for key in plain:
            _inputs.one_of("an entry of a run's configuration", key, keys)
        if plain.get("version") != VERSION:
            raise ValueError(
                f"version must be {VERSION}, which this version of gantut reads, not {plain.get('version')!r}"
            )
        found = source(**_settings("data", plain.get("data"), Source._fields))
        training = Config.from_dict(_mapping("training", plain.get("training")))
        networks, looks = plain.get("networks"), _settings("looks", plain.get("looks", {}), _names(Looks))
        if (networks is None) != found.is_distribution:
            raise ValueError(
                f"networks must {'be null for a distribution' if found.is_distribution else 'be given for pictures'}"
            )
        networks = None if networks is None else Networks(**_settings("networks", networks, _names(Networks)))
        parts = plain.get("parts", [[0, training.members]])
        amp = _inputs.one_of("amp", plain.get("amp", False), (True, False))
        return cls(found, training, networks, Looks(**looks), amp, _checked_parts(parts, training.members))


def write_plan(folder: Path, plan: Plan, command: str) -> None:
    """Write config.json, with the versions and the command that made it."""
    versions = {"gantut": __version__, "torch": str(torch.__version__)}
    content = plan.as_dict() | {"versions": versions, "command": command}
    write_atomically(folder / NAME, json.dumps(content, indent=2) + "\n")


def read_plan(folder: Path) -> Plan:
    """Read config.json of a run's folder.

    Raises
    ------
    ValueError
        If there is none, or it is damaged; the message says what to do.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        raise CheckpointError(f"{folder} holds no run of `python -m gantut train`: there is no {NAME} in it")
    plain = read_json(path)
    if plain.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not the configuration of a run: name another folder")
    try:
        return Plan.from_dict(plain)
    except ValueError as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from None


def read_json(path: Path) -> dict[str, Any]:
    """Return the mapping that a small JSON file holds."""
    try:
        with open(path, "rb") as file:
            content = file.read(AT_MOST + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    try:
        found = json.loads(content) if len(content) <= AT_MOST else None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold one JSON object of at most {AT_MOST} bytes, {{...}}")
    return found


def _names(kind):
    return tuple(f.name for f in dataclasses.fields(kind))


def _mapping(name, value):
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be settings by name, not {value!r}")
    return value


def _settings(name, value, allowed):
    for key in _mapping(name, value):
        _inputs.one_of(f"a setting of {name}", key, allowed)
    return value


def _checked_parts(parts, members):
    """Require parts that make up all members, one after the other."""
    whole = isinstance(parts, list) and all(isinstance(part, list) and len(part) == 2 for part in parts)
    edges = [edge for part in parts for edge in part] if whole else []
    if not edges or edges[0] != 0 or edges[-1] != members or any(not isinstance(edge, int) for edge in edges):
        raise ValueError(f"parts must be pairs [first, last] from 0 to {members}, not {parts!r}")
    firsts, lasts = edges[::2], edges[1::2]
    if firsts[1:] != lasts[:-1] or any(a >= b for a, b in zip(firsts, lasts, strict=True)):
        raise ValueError(f"parts must follow one another, not {parts!r}")
    return tuple(zip(firsts, lasts, strict=True))
