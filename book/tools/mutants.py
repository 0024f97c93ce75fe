#!/usr/bin/env python3
"""Run a lesson in wrong worlds: in each of them one claim is false, and must be found to be.

    python book/tools/mutants.py NAME ...        # such as 05_vanishing_gradients; "05" will do

A mutant is an entry of tests/mutants/NAME.yml:

    - claim: js-bounded                       # the claim that must fail
      world: logarithms are of base 2         # what is wrong in this world
      before: js = js / math.log(2)           # Python that runs just before the cell of the claim, and/or
      replace: {"math.log(2)": "math.log(4)"} # text that is changed in that cell, where each key occurs once
      cell: "js = js_divergence("             # optional: an earlier cell, the one with this text, is changed instead; the
                                              # cells from there to the claim's run again
      call: 2                                 # optional: where a lesson makes the claim more than once, which time is meant

The lesson runs once, cell by cell, as plain Python. Where a mutant begins, the process forks: the child lives on in the
wrong world up to the cell of the claim, and tells how it ended. It is killed if that claim raised `ClaimFailed`; a
mutant that ends in any other error, or does not make its claim fail, is listed, as is a claim without a mutant.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path

from claims_audit import claims_shown

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "mutants"
FIELDS = {"claim", "world", "before", "replace", "cell", "call"}
SECONDS_FOR_A_MUTANT = 200


def problems_of(name, root=ROOT):
    """Run all mutants of a lesson; return a sentence for each that survives, and for each claim that has none."""
    cells = code_cells((root / "book" / f"{name}.py").read_text(encoding="utf-8"))
    shown = {}
    for number, cell in enumerate(cells):
        for claim_id, _ in claims_shown(cell):
            shown.setdefault(claim_id, []).append(number)
    mutants = read_mutants(root / "tests" / "mutants" / f"{name}.yml")
    problems = []
    for claim_id, calls in shown.items():
        tried = {mutant.get("call") for mutant in mutants if mutant["claim"] == claim_id}
        if not tried:
            problems.append(f"{claim_id} has no mutant")
        elif None not in tried and (left := {*range(1, len(calls) + 1)} - tried):
            problems.append(f"{claim_id} has no mutant for call {min(left)}")
    planned = []
    for mutant in mutants:
        try:
            planned.append((mutant, *changed(mutant, cells, shown)))
        except ValueError as error:
            problems.append(f"{described(mutant)}: {error}")
    return problems + run(cells, planned, root / "book")


def code_cells(source):
    """Return the code cells of a lesson in jupytext's percent format."""
    import jupytext

    return [cell.source for cell in jupytext.reads(source, fmt="py:percent").cells if cell.cell_type == "code"]


def read_mutants(path):
    """Read the mutants of a lesson; none if there is no file."""
    import yaml

    mutants = (yaml.safe_load(path.read_text(encoding="utf-8")) or []) if path.is_file() else []
    for mutant in mutants:
        if not {"claim", "world"} <= set(mutant) <= FIELDS or not {"before", "replace"} & set(mutant):
            raise ValueError(f"{path.name}: a mutant has the fields claim, world, and before or replace, not {mutant}")
    return mutants


def described(mutant):
    """Name a mutant in a message."""
    return f"{mutant['claim']} ({mutant['world']})"


def changed(mutant, cells, shown):
    """Return the number of the first cell of a wrong world, and its cells from there to the claim's."""
    if mutant["claim"] not in shown:
        raise ValueError("the lesson makes no such claim")
    calls = shown[mutant["claim"]]
    if not 1 <= mutant.get("call", 1) <= len(calls):
        raise ValueError(f"the lesson makes this claim {len(calls)} times")
    first = last = calls[mutant.get("call", 0) - 1]
    if "cell" in mutant:
        holding = [number for number, cell in enumerate(cells[: last + 1]) if mutant["cell"] in cell]
        if len(holding) != 1:
            raise ValueError(f"{len(holding)} cells up to the claim hold the text {mutant['cell']!r}")
        first = holding[0]
    world = cells[first : last + 1]
    for old, new in mutant.get("replace", {}).items():
        if world[0].count(old) != 1 or old == new:
            raise ValueError(f"the cell holds the text {old!r} {world[0].count(old)} times")
        world[0] = world[0].replace(old, new)
    earlier = calls[: mutant.get("call", 0) - 1].count(last)  # calls in the same cell, before the one that is meant
    return first, [mutant.get("before", ""), *world], earlier if "call" in mutant else None


def run(cells, planned, folder):
    """Run a lesson in this process, and each of its wrong worlds in a child of it."""
    os.chdir(folder)
    namespace, problems = {"__name__": "__main__"}, []
    for number, cell in enumerate(cells):
        for mutant, first, world, earlier in planned:
            if first == number and (fate := live(world, namespace, mutant["claim"], earlier)) != "killed":
                problems.append(f"{described(mutant)}: {fate}")
        exec(compile(cell, f"<cell {number + 1}>", "exec"), namespace)
    return problems


def live(world, namespace, claim_id, earlier):
    """Fork, run the cells of a wrong world in the child, and return what became of its claim."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(SECONDS_FOR_A_MUTANT)
        fate = "the world broke"
        try:
            fate = fate_of(claim_id, world, namespace, earlier)
        finally:
            os.write(writing, fate.encode()[:4000])
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        fate = answer.read()
    os.waitpid(child, 0)
    return fate or f"it took longer than {SECONDS_FOR_A_MUTANT} s"


def fate_of(claim_id, world, namespace, earlier):
    """Run cells; say "killed" if the claim fails, after so many earlier calls in the last cell, or None for any call."""
    from gantut import checks

    claim, calls, failed = checks.claim, [], []

    def watched(name, *arguments, **options):
        calls.append((name, part))
        try:
            claim(name, *arguments, **options)
        except checks.ClaimFailed:
            failed.append(
                (name, earlier if earlier is None else calls[:-1].count((name, part)), part == len(world) - 1)
            )

    checks.claim = namespace["claim"] = watched
    part, error = 0, None
    try:
        for part, cell in enumerate(world):
            exec(compile(cell, f"<mutant, part {part + 1}>", "exec"), namespace)
    except BaseException as broken:
        error = broken
    if any(name == claim_id and time == earlier and (last or earlier is None) for name, time, last in failed):
        return "killed"
    if error is None:
        return "survived"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"the world ended before its claim: {error!r} at {where.filename}:{where.lineno}"


def main():
    """Run the mutants of the lessons that are named, and print their problems as JSON, a list for each lesson."""
    import torch

    os.environ["MPLBACKEND"] = "Agg"
    torch.set_num_threads(1)  # a child of a process with several threads would wait for them for ever
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="+", metavar="NAME", help="a lesson, such as 05_vanishing_gradients, or 05")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    asked, found = parser.parse_args(), {}
    for wanted in asked.names:
        for path in sorted((asked.root / "book").glob(f"{wanted}*.py")):
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
                found[path.stem] = problems_of(path.stem, asked.root.resolve())
    print(json.dumps(found, indent=1, ensure_ascii=False))
    sys.exit(any(found.values()))


if __name__ == "__main__":
    main()
