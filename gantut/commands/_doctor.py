"""``python -m gantut doctor``: what is wrong with a run, and which lesson explains it."""

import argparse
import json
import textwrap
from pathlib import Path

import torch

from gantut.commands import _sources
from gantut.commands._examinations import EXAMINATIONS, Finding, Patient
from gantut.commands._lessons import TITLES
from gantut.commands._runs import Saved, load_run
from gantut.device import choose_device, random_source
from gantut.training._streams import draw_noise

POINTS, PICTURES = 2000, 256  # samples that are looked at
SEED = 1
MARGIN = 26  # where what was measured begins
WIDTH = 100


def run(arguments: argparse.Namespace) -> int:
    """Examine a run, and print what was found; return 1 where something is wrong, and otherwise 0."""
    folder, device = Path(arguments.run), choose_device(arguments.device)
    saved = load_run(folder, device=device)
    note, patient = _patient(saved, device)
    findings = examine(patient)
    wrong = sum(finding.wrong for finding in findings)
    if arguments.json:
        print(
            json.dumps({"run": str(folder), "step": saved.step, "findings": [f._asdict() for f in findings]}, indent=1)
        )
    else:
        print(_report(folder, saved, findings, note))
    return 1 if wrong else 0


def examine(patient: Patient) -> list[Finding]:
    """Return what all examinations find that apply to the run."""
    found = (examination(patient) for examination in EXAMINATIONS)
    return [finding for finding in found if finding is not None]


def _patient(saved: Saved, device):
    """Return a note on what could not be had, and the run with samples of both distributions."""
    plan, members = saved.plan, saved.plan.training.members
    count = POINTS if plan.data.is_distribution else PICTURES
    noise = draw_noise(plan.training.noise, (count, plan.training.latent_dim), random_source(SEED)).to(device)
    with torch.no_grad():
        fake = torch.cat([saved.generator(some.expand(members, *some.shape)) for some in noise.split(256)], 1)
    try:
        data = _sources.load(plan.data)
    except (ValueError, OSError) as error:
        return f"The data are not at hand, so that some examinations are left out: {error}", Patient(saved, None, fake)
    if plan.data.is_distribution:
        distribution = data.to(device)
        real = distribution.sample((members, count), generator=random_source(SEED)).float()
        return "", Patient(
            saved,
            real,
            fake,
            type(distribution)(distribution.means.double(), distribution.stds.double(), distribution.weights.double()),
        )
    order = torch.randperm(len(data), generator=random_source(SEED))[:count]
    return "", Patient(saved, data[order].to(device).expand(members, -1, -1, -1, -1), fake)


def _report(folder, saved, findings, note):
    """Return what was found as text for a terminal."""
    game = saved.plan.training
    members = "" if game.members == 1 else f", {game.members} members"
    lines = [f"{folder}: {game.game.name} on {saved.plan.data}, {saved.step} of {game.steps} steps{members}", ""]
    for finding in findings:
        mark = "WRONG" if finding.wrong else "ok"
        lines += _wrapped(finding.measured, f"{mark:6}{finding.name:{MARGIN - 6}}")
        if finding.wrong:
            title = f"Lesson {finding.lesson}: {TITLES[finding.lesson]}."
            lines += _wrapped(f"{finding.meaning} {title}", " " * MARGIN)
    wrong = sum(finding.wrong for finding in findings)
    verdict = "Nothing is wrong." if not wrong else f"{wrong} of {len(findings)} examinations found something wrong."
    return "\n".join([*lines, "", *([note] if note else []), verdict])


def _wrapped(text, first):
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * MARGIN)
