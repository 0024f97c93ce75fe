"""From the words of a command line to a :class:`Plan`: defaults, then a file, then flags, then ``--set``."""

import argparse
import dataclasses
import itertools
import json
from pathlib import Path

from gantut import _inputs, lipschitz
from gantut.commands._plan import FORMAT, Looks, Networks, Plan, read_json
from gantut.commands._sources import COLOURS, Source, source
from gantut.lessons.toy_gans import GAMES
from gantut.training import Architecture, Config

# Flags that are settings of `gantut.training.Config` under the same name.
FLAGS = ("objective", "steps", "batch", "seed", "members", "ema")
GRIDS, RECORDS = 20, 200  # a run is looked at and recorded about so often, unless something else is asked for
CREATURES = "creatures"

# What serves in general; what an objective's paper says comes from the objective.
ON_PICTURES = {"objective": "non-saturating", "steps": 6000, "batch": 32, "latent_dim": 64, "ema": 0.998}
AUGMENTATION = {"translate": 0.125, "colour": 0.5}  # of pictures of which there are few; lesson 12
ON_DISTRIBUTIONS = {
    "objective": "wgan-gp",
    "steps": 2000,
    "batch": 64,
    "latent_dim": 16,
    "generator": {"hidden": [64, 64]},
    "critic": {"hidden": [64, 64]},
    "optimizer": {"name": "adam", "rate": 1e-3, "betas": [0.0, 0.9]},
}


def make_plan(arguments: argparse.Namespace, saved: Plan | None, parts: int = 1) -> Plan:
    """Return the run that the command line asks for.

    Parameters
    ----------
    arguments : Namespace
        Of the command ``train``; None where nothing was said.
    saved : Plan, optional
        Of the run that is to go on: what is not said is as it was.
    parts : int
        Among how many processes the members of a population are shared out.

    Raises
    ------
    ValueError
        If a setting is unknown (the nearest is named) or not allowed.
    """
    base = _base(arguments, saved)
    where = _source(arguments, base)
    training = _training(arguments, base, where)
    networks = _networks(arguments, base, where, training)
    looks = _looks(arguments, base, where, training.steps)
    shares = saved.parts if saved else _shared_out(training.members, parts)
    amp = bool(base.get("amp", False)) if arguments.amp is None else arguments.amp
    return Plan(where, training, networks, looks, amp, shares)


def _base(arguments, saved):
    """Return what is known before any flag: of the run that goes on, or of the file that was named, or nothing."""
    if saved is not None:
        return saved.as_dict()
    if arguments.config is None:
        return {}
    plain = read_json(Path(arguments.config))
    if plain.get("format") == FORMAT:
        return Plan.from_dict(plain).as_dict()
    sections = ("data", "training", "networks", "looks", "amp")
    if not plain.keys() & set(sections):
        plain = {"training": plain}
    for name in plain:
        _inputs.one_of(f"{arguments.config}: a section", name, sections)
    allowed = (Source._fields, _names(Config), _names(Networks), _names(Looks))
    _inputs.one_of(f"{arguments.config}: amp", plain.get("amp", False), (True, False))
    for name, names in zip(sections, allowed, strict=False):
        if not isinstance(plain.get(name, {}), dict | None):
            raise ValueError(f"{arguments.config}: {name} must be settings by name, not {plain[name]!r}")
        for setting in plain.get(name) or ():
            _inputs.one_of(f"{arguments.config}: a setting of {name}", setting, names)
    return plain


def _source(arguments, base):
    before = dict(base.get("data") or {})
    if arguments.data:
        name, *rest = arguments.data
        if len(rest) > 1:
            raise ValueError(f"data must be a name or a path, and for MNIST a folder, not {len(arguments.data)} words")
        same = before.get("name") == name or (before.get("name") == "pictures" and before.get("folder") == name)
        before = before if same else {"name": name}
        before |= {"folder": rest[0]} if rest else {}
    before = before or {"name": CREATURES}
    flags = {name: getattr(arguments, name) for name in ("size", "channels", "mirrored")}
    return source(**before | {name: value for name, value in flags.items() if value is not None})


def _training(arguments, base, where):
    """Return the game: a Config."""
    given = dict(base.get("training") or {})
    given |= {name: getattr(arguments, name) for name in FLAGS if getattr(arguments, name) is not None}
    given |= {} if arguments.augment is None else {"augmentation": _augmentation(arguments, where)}
    assigned, within = _assignments(arguments.set or ())
    given |= assigned
    settings = _defaults(given.get("objective"), where) | {"augmentation": _augmentation(arguments, where)} | given
    if arguments.width is not None and where.is_distribution:
        _inputs.count("width", arguments.width)
        settings |= {name: {"hidden": [arguments.width, arguments.width]} for name in ("generator", "critic")}
    for (name, part), value in within.items():
        settings[name] = _with_part(settings, name, part, value)
    return Config.from_dict(settings)


def _defaults(objective, where):
    if not where.is_distribution:
        return ON_PICTURES
    objective = ON_DISTRIBUTIONS["objective"] if objective is None else objective
    return ON_DISTRIBUTIONS | GAMES.get(objective, {})


def _augmentation(arguments, where):
    """Return random changes of pictures of which there are few, as plain data, or None."""
    if arguments.augment and where.is_distribution:
        raise ValueError("--augment is of pictures: leave it out for a distribution")
    if not (where.name in COLOURS if arguments.augment is None else arguments.augment):
        return None
    opaque = where.channels != 4
    paper = 1.0 if where.channels == 3 else -1.0  # what is around a picture
    return AUGMENTATION | {"colour": AUGMENTATION["colour"] * opaque, "fill": paper}


def _assignments(texts):
    """Return what ``--set`` asks for: settings by name, and parts of them by name and part."""
    whole, within = {}, {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set must be given KEY=VALUE, such as batch=128, not {text!r}")
        name, dot, part = key.strip().partition(".")
        _inputs.one_of("--set: a setting of a run", name, _names(Config))
        if dot:
            within[name, part] = _value(value)
        else:
            whole[name] = _value(value)
    return whole, within


def _value(text):
    """Return what JSON says, and text that is no JSON as it is: ``--set noise=uniform`` needs no quotation marks."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _with_part(settings, name, part, value):
    """Return a setting that is a record, such as an optimizer, with one of its parts changed."""
    whole = settings.get(name)
    if whole is None or isinstance(whole, str):  # not said, or a word that stands for the objective's own
        whole = Config.from_dict(settings).as_dict()[name]
    if dataclasses.is_dataclass(whole):
        whole = dataclasses.asdict(whole)
    if not isinstance(whole, dict):
        raise ValueError(f"--set: {name} must be a record for a part {part!r} to be set, and is {whole!r}")
    _inputs.one_of(f"--set: a part of {name}", part, _parts_of(name, whole))
    return whole | {part: value}


def _parts_of(name, whole):
    if name == "constraint":
        kind = lipschitz.CONSTRAINTS.get(whole.get("name"))
        return ("name", *(_names(kind) if kind else ()))
    if name in ("generator", "critic"):
        return _names(Architecture)
    return tuple(whole)


def _networks(arguments, base, where, training):
    """Return the convolutional networks of a run on pictures: under a penalty, the critic has no batch norm."""
    if where.is_distribution:
        if arguments.critic_norm is not None:
            raise ValueError(
                "critic-norm is of convolutional networks: for a distribution, use --set batch_norm=critic"
            )
        return None
    settings = dict(base.get("networks") or {"critic_norm": "layer" if training.penalised else "batch"})
    flags = {"width": arguments.width, "critic_norm": arguments.critic_norm}
    return Networks(**settings | {name: value for name, value in flags.items() if value is not None})


def _looks(arguments, base, where, steps):
    settings = dict(base.get("looks") or {})
    flags = {
        "every": arguments.grid_every,
        "checkpoint_every": arguments.checkpoint_every,
        "samples": arguments.samples,
    }
    settings |= {name: value for name, value in flags.items() if value is not None}
    usual = {"every": max(steps // GRIDS, 1), "record_every": max(steps // RECORDS, 1)}
    return Looks(**usual | {"samples": 512 if where.is_distribution else 64} | settings)


def _shared_out(members, parts):
    """Cut members into parts of nearly one size."""
    parts = min(parts, members)
    edges = [members * part // parts for part in range(parts + 1)]
    return tuple(itertools.pairwise(edges))


def difference(saved: Plan, wanted: Plan) -> str | None:
    """Return the first setting by which a run that is to go on would become another; more steps are the same run."""
    old, new = _flat(saved.as_dict()), _flat(wanted.as_dict())
    for name in sorted(old.keys() | new.keys()):
        if name != "training.steps" and old.get(name) != new.get(name):
            return f"{name.split('.', 1)[1]} = {old.get(name)!r}, and not {new.get(name)!r}"
    return None


def _flat(plain):
    """Return settings in sections as one mapping, each named section.setting, as JSON gives them back."""
    plain = json.loads(json.dumps(plain))
    return {
        f"{section}.{name}": value
        for section, settings in plain.items()
        for name, value in (settings if isinstance(settings, dict) else {section: settings}).items()
    }


def _names(kind):
    return tuple(f.name for f in dataclasses.fields(kind))
