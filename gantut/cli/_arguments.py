"""The words of a command line, read by `tyro`: every setting of a run is a flag of the same name.

Only what was given comes back, as nested settings, since the defaults of a run depend on its data and its objective.
What may be given is what some dataclasses have: those of the commands, :class:`gantut.cli._run.Run`,
:class:`gantut.training.Config` and the records within it. Their docstrings are the help.
"""

import dataclasses
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict, get_args

import docstring_parser
import tyro

METAVARS = {int: "N", float: "X", str: "NAME", Path: "PATH", "run": "RUN", "data": "[DATA [FOLDER]]"}
ALIASES = {"optimizer.lr": ("--lr",), "adaptive_augmentation.target": ("--augment-target",)}
HIDDEN = {
    "Run": ("config", "data", "folder", "parts"),
    "Config": ("augmentation", "supervised_weight"),
}  # given otherwise, or of what no command has


def read(words: Sequence[str], command: type, *others: type, **names: str) -> dict[str, Any]:
    """Return what is given on a command line.

    Parameters
    ----------
    words : sequence of str
        The name of the command, and what follows it.
    command : dataclass
        Its docstring is the help; a field without a default must be given.
    *others : dataclass
        With further settings.
    **names : str
        What stands in braces in the help.
    """
    name, *rest = words
    if {"-h", "--help"} & set(rest):
        print(inspect.getdoc(command).split("\n\nAttributes\n")[0].format(**names) + "\n")
    entries = {key: entry for kind in (command, *others) for key, entry in _entries(kind).items()}
    given = dict(tyro.cli(TypedDict("given", entries, total=False), args=rest, prog=f"python -m gantut {name}"))
    given = {key: value for key, value in given.items() if value != {}}  # of a record nothing was given
    for field in dataclasses.fields(command):
        if field.default is dataclasses.MISSING and field.name not in given:
            raise ValueError(f"{field.name} must be given: `python -m gantut {name} --help` says how")
    return given


def _entries(kind, prefix=""):
    """Return the type of each setting of a dataclass; of one that is a record itself, a mapping."""
    about = _described(kind)
    return {
        field.name: _entry(field.type, about.get(field.name, ""), field.name, prefix + field.name)
        for field in dataclasses.fields(kind)
        if field.name not in HIDDEN.get(kind.__name__, ())
    }


def _entry(kind, about, name, flag):
    kinds = [one for one in (kind, *get_args(kind)) if one is not type(None)]
    records = [sub for one in kinds if dataclasses.is_dataclass(one) for sub in one.__subclasses__() or [one]]
    if not records:
        named = METAVARS.get(name) if kind is not str else None
        metavar = named or next((METAVARS[one] for one in kinds if one in METAVARS), None)
        several = " ..." if str(kind).startswith("tuple") else ""
        return Annotated[kind, _about(about, metavar and metavar + several, ALIASES.get(flag))]
    parts = {part: entry for record in reversed(records) for part, entry in _entries(record, f"{flag}.").items()}
    if len(records) > 1:  # one of several kinds, which its name tells
        names = ", ".join(record.name for record in records)
        parts = {"name": Annotated[str, _about(f"{names}, or none", "NAME")]} | parts
    return Annotated[TypedDict(name, parts, total=False), tyro.conf.arg(help=about)]


def _about(text, metavar, aliases=None):
    return tyro.conf.arg(help=text, metavar=metavar, aliases=aliases, help_behavior_hint="")


def _described(kind):
    """Return the first sentence on each attribute of a class, from its docstring, as plain text."""
    found = {}
    for one in docstring_parser.parse_from_object(kind).params:
        text = re.sub(r":\w+:`|[`\\]", "", " ".join((one.description or "").split()))
        sentence = re.split(r"(?<!al)\. (?=[A-Z])", text)[0].removesuffix(".")
        choices = re.match(r"\{(.*)\}", (one.type_name or "").replace('"', ""))
        if choices:
            sentence = f"{sentence} ({choices[1]})" if sentence else choices[1]
        found |= dict.fromkeys(one.arg_name.split(", "), sentence)
    return found
