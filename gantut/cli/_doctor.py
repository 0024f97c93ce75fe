"""``python -m gantut doctor``: what is wrong with a run, and which lesson explains it."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tyro.conf import Positional

from gantut.cli import _data
from gantut.cli._arguments import read
from gantut.cli._diagnostics import DIAGNOSTICS, Diagnosis, Patient
from gantut.cli._lessons import TITLES
from gantut.cli._saved import Saved, load_run
from gantut.device import choose_device, random_source

POINTS, IMAGES = 2000, 256  # samples that are looked at
SEED = 1
MARGIN = 26  # where what was measured begins
WIDTH = 100


@dataclass
class Doctor:
    """Examine a run, and say what was measured, what is wrong, and which lesson explains it.

    Is the discriminator too sure, do gradients vanish or explode, how steep is the critic, is its constraint at work,
    which modes are missing, are samples all alike or copies? The exit status is 0 where nothing is wrong, and 1 where
    something is.

    Attributes
    ----------
    run : path
        The folder of a run.
    json : bool
        Print what was found as JSON.
    device : str
        auto, cpu, cuda, cuda:1, ... (default: auto).
    """

    run: Positional[Path]
    json: bool = False
    device: str = None


def run(words: Sequence[str]) -> int:
    """Examine a run, and print what was found; return 1 where something is wrong, and otherwise 0."""
    wanted = Doctor(**read(words, Doctor))
    device = choose_device(wanted.device)
    saved = load_run(wanted.run, device=device)
    if saved.critic is None:
        raise ValueError(f"{wanted.run} holds a generator alone, which was exported: name the run that it is from")
    note, patient = _patient(saved, device)
    found = diagnose(patient)
    if wanted.json:
        findings = [one._asdict() for one in found]
        print(json.dumps({"run": str(wanted.run), "step": saved.step, "findings": findings}, indent=1))
    else:
        print(_report(wanted.run, saved, found, note))
    return 1 if any(one.wrong for one in found) else 0


def diagnose(patient: Patient) -> list[Diagnosis]:
    """Return what all diagnostics find that apply to the run."""
    found = (diagnostic(patient) for diagnostic in DIAGNOSTICS)
    return [one for one in found if one is not None]


def _patient(saved: Saved, device):
    """Return a note on what was not available, and the run with real and generated samples."""
    plane, members = saved.run.is_distribution, saved.run.config.members
    count = POINTS if plane else IMAGES
    fake = saved.generate(saved.noise(count, SEED))
    try:
        data = _data.load(saved.run)
    except (ValueError, OSError) as error:
        return f"The data are not available, so some diagnostics are left out: {error}", Patient(saved, None, fake)
    if not plane:
        order = torch.randperm(len(data), generator=random_source(SEED))[:count]
        return "", Patient(saved, data[order].to(device).expand(members, -1, -1, -1, -1), fake)
    data = data.to(device)
    return "", Patient(saved, data.sample((members, count), generator=random_source(SEED)), fake, data)


def _report(folder, saved, found, note):
    """Return what was found as text for a terminal."""
    game = saved.run.config
    members = "" if game.members == 1 else f", {game.members} members"
    lines = [f"{folder}: {game.game.name} on {saved.run}, {saved.step} of {game.steps} steps{members}", ""]
    for one in found:
        label = "WRONG" if one.wrong else "ok"
        lines += _wrapped(one.measured, f"{label:6}{one.name:{MARGIN - 6}}")
        if one.wrong:
            title = f"Lesson {one.lesson}: {TITLES[one.lesson]}."
            lines += _wrapped(f"{one.meaning} {title}", " " * MARGIN)
    wrong = sum(one.wrong for one in found)
    summary = "Nothing is wrong." if not wrong else f"{wrong} of {len(found)} diagnostics found something wrong."
    return "\n".join([*lines, "", *([note] if note else []), summary])


def _wrapped(text, first):
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * MARGIN)
