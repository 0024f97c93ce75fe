#!/usr/bin/env python3
"""Execute the lessons: from each book/NAME.py the notebook book/NAME.ipynb, with its outputs.

    python book/tools/notebooks.py [--check] [NAME ...]

A lesson's source is its .py file, in jupytext's percent format. Its notebook carries a fingerprint of all that it was
made from, and is executed again only when that changed:

- the lesson's own text;
- the code of those gantut modules that it imports, directly or through other gantut modules (without comments and
  docstrings: better wording there does not execute a lesson again), the exercises in the lesson's own room, and the
  scripts of the labs beside these modules;
- the files beside the lessons that it names, such as "results/clipping.json", or as in `recorded("clipping")`;
- for a lesson that reads the ledger as a whole (it uses `read_ledger`): the ledger, and which lessons show which
  claims.

With --check nothing is executed: stale lessons are listed, and the exit status is 1 if there are any. With --times, all
lessons are executed and no notebook is written. Whenever a lesson is executed in the size of a lesson, what that took
is noted in book/results/lesson-times.json, from which the site makes a table; no notebook reads it.
"""

import argparse
import ast
import functools
import hashlib
import json
import os
import platform
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "gantut"
SECONDS_FOR_A_CELL = 300


def lesson_names(root=ROOT):
    """Return the names of the lessons, such as "01_divergences", in order."""
    return sorted(path.stem for path in (root / "book").glob("*.py"))


# ---- What a lesson was made from --------------------------------------------------------------------------


@functools.cache  # most lessons have most modules behind them
def digest_of_code(source):
    """Return the SHA-256 of what `source` says to Python."""
    return hashlib.sha256(json.dumps(code_of(source)).encode()).hexdigest()


def code_of(source):
    """Return what `source` says to Python, as nested lists: no comments, docstrings, line numbers or layout.

    The lists are the same under every Python version, which `ast.dump` does not promise.
    """

    def plain(node):
        if isinstance(node, ast.AST):
            fields = [(name, plain(value)) for name, value in ast.iter_fields(node) if name not in ("ctx", "kind")]
            return [type(node).__name__, *((name, value) for name, value in fields if value not in (None, []))]
        if isinstance(node, list):
            return [plain(item) for item in node if not is_text(item)]
        return [type(node).__name__, repr(node)] if node is not None else None

    def is_text(node):  # a string that stands alone does nothing: a docstring, or the like
        return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

    return plain(ast.parse(source))


def module_file(name, root=ROOT):
    """Return the file of a module of the package, or None: "gantut.checks" gives gantut/checks/__init__.py."""
    path = root.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@functools.cache
def imported_names(source, module="", is_package=False):
    """Return the names that `source` imports, of modules or from them, at its top or anywhere inside."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found.update([base, *(f"{base}.{alias.name}" for alias in node.names)])
    return found


def imported_modules(source, module="", is_package=False, root=ROOT):
    """Return the names of the package's modules that `source` imports."""
    found = imported_names(source, module, is_package)
    names = {name for name in found if name.split(".")[0] == PACKAGE and module_file(name, root)}
    # importing gantut.checks runs gantut/__init__.py too
    return names | {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 1)}


def modules_behind(source, root=ROOT, lesson=""):
    """Return the names of all the package's modules on which the outputs of `source` depend, sorted.

    They are those that run when it does; and, for a `lesson` such as "01_divergences", its exercises, whose module
    is not opened before an answer is checked.
    """
    reached, waiting = set(), imported_modules(source, root=root)
    exercises = f"{PACKAGE}.lessons.{lesson.partition('_')[2]}.exercises"
    if module_file(exercises, root):
        waiting |= imported_modules(f"import {exercises}", root=root)
    while waiting:
        name = waiting.pop()
        reached.add(name)
        file = module_file(name, root)
        imports = imported_modules(file.read_text(encoding="utf-8"), name, file.name == "__init__.py", root)
        waiting |= imports - reached
    return sorted(reached)


def files_named(source, root=ROOT):
    """Return the files under book/ that a string of the lesson names, sorted: by path, or as a recorded result."""
    strings = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
    names = {text for text in strings if isinstance(text, str) and 0 < len(text) < 200 and text.isprintable()}
    candidates = names | {f"results/{name}.json" for name in names}
    return sorted(name for name in candidates if (root / "book" / name).is_file())


def claims_in(source):
    """Return the identifiers of the claims that a lesson makes, sorted."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
    names = [(getattr(call.func, "id", getattr(call.func, "attr", None)), call.args[0]) for call in calls]
    return sorted(repr(first.value) for name, first in names if name == "claim" and isinstance(first, ast.Constant))


def fingerprint(name, root=ROOT):
    """Return the SHA-256 of all that the lesson's outputs depend on."""
    source = (root / "book" / f"{name}.py").read_text(encoding="utf-8")
    parts = [["lesson", source]]
    for module in modules_behind(source, root, name):
        file = module_file(module, root)
        parts.append([module, digest_of_code(file.read_text(encoding="utf-8"))])
        for script in (
            sorted([*file.parent.glob("*.js"), *file.parent.glob("*.css")]) if file.name == "__init__.py" else []
        ):
            parts.append([script.name, hashlib.sha256(script.read_bytes()).hexdigest()])
    files = files_named(source, root)
    if any(getattr(node, "id", getattr(node, "attr", None)) == "read_ledger" for node in ast.walk(ast.parse(source))):
        files = sorted({*files, "claims.yml"})
        for other in lesson_names(root):
            parts.append([other, claims_in((root / "book" / f"{other}.py").read_text(encoding="utf-8"))])
    for file in files:
        parts.append([file, hashlib.sha256((root / "book" / file).read_bytes()).hexdigest()])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


# ---- Notebooks --------------------------------------------------------------------------------------------


def read_lesson(name, root=ROOT):
    """Return the lesson as a notebook without outputs, the same on every machine."""
    import jupytext
    import nbformat

    notebook = jupytext.read(root / "book" / f"{name}.py", fmt="py:percent")
    notebook.metadata = nbformat.from_dict(
        {
            "gantut": {"fingerprint": fingerprint(name, root)},
            "jupytext": {"formats": "ipynb,py:percent"},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


def why_stale(name, root=ROOT):
    """Return why the lesson must be executed, or "" where its notebook is up to date."""
    path = root / "book" / f"{name}.ipynb"
    if not path.is_file():
        return "it has no notebook"
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        recorded = notebook["metadata"].get("gantut", {}).get("fingerprint")
        stored = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "its notebook cannot be read"
    if recorded != fingerprint(name, root):
        return "its text, or the code that it runs, changed since it was executed"
    if stored != [(cell.cell_type, cell.source) for cell in read_lesson(name, root).cells]:
        return "its notebook was edited: the lesson's source is the .py file"
    return ""


class LessonFailed(Exception):
    """A lesson did not run to its end; the message says where, and shows the traceback."""


def execute(name, root=ROOT):
    """Return the lesson as an executed notebook."""
    import nbclient
    import nbformat

    tools = str(Path(__file__).parent)
    path = os.pathsep.join(filter(None, [str(root), tools, os.environ.get("PYTHONPATH")]))  # the package of this tree
    notebook = read_lesson(name, root)
    client = nbclient.NotebookClient(
        notebook,
        timeout=SECONDS_FOR_A_CELL,
        startup_timeout=120,
        kernel_name="python3",
        record_timing=False,
        # errors only: that the kernel listens on this machine needs no warning; figures are recorded as drawings, too
        extra_arguments=["--log-level=40", "--InteractiveShellApp.extra_extensions=record_figures"],
        resources={"metadata": {"path": str(root / "book")}},
    )
    try:
        client.execute(env={**os.environ, "PYTHONPATH": path})
    except (nbclient.exceptions.CellExecutionError, nbclient.exceptions.CellTimeoutError) as error:
        raise LessonFailed(f"book/{name}.py: {where(notebook)}\n{error}") from None
    except nbclient.exceptions.DeadKernelError as error:
        raise LessonFailed(f"book/{name}.py: the kernel died: {error}") from None

    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        outputs = []
        for output in cell.outputs:
            if output.output_type == "stream" and outputs and outputs[-1].get("name") == output.name:
                outputs[-1].text += output.text  # how a stream is cut into pieces depends on the clock
            else:
                outputs.append(output)
            if output.output_type == "stream" and output.name == "stderr":
                raise LessonFailed(f"book/{name}.py: a cell wrote to stderr:\n{cell.source}\n----\n{output.text}")
        cell.outputs = outputs
    nbformat.validate(notebook)
    return notebook


def where(notebook):
    """Say which cell stopped the lesson: the last that was started."""
    started = [i for i, cell in enumerate(notebook.cells) if cell.get("execution_count") or cell.get("outputs")]
    return f"cell {started[-1] + 1} of {len(notebook.cells)} failed" if started else "a cell failed"


def write(notebook, path):
    """Write the notebook to `path` all at once: whoever reads meanwhile sees the old one or the new one."""
    import nbformat

    replace(path, nbformat.writes(notebook).rstrip("\n") + "\n")


def replace(path, text):
    """Put a text into a file all at once."""
    unfinished = path.with_suffix(f"{path.suffix}.tmp")
    try:
        with open(unfinished, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


# ---- What it takes ----------------------------------------------------------------------------------------


class Clock:
    """How long something took, by the clock and in seconds of one core, its child processes included."""

    def __enter__(self):
        self.before = os.times()
        return self

    def __exit__(self, *_):
        after = os.times()
        self.seconds = after.elapsed - self.before.elapsed
        self.core_seconds = sum(after[:4]) - sum(self.before[:4])


def note_times(name, clock, root=ROOT):
    """Note what executing a lesson took; the pages that are no lessons, and runs in other sizes, are left out."""
    if not re.match(r"(?!00)\d\d_", name) or os.environ.get("GANTUT_SCALE", "fast") != "fast":
        return
    path = root / "book" / "results" / "lesson-times.json"
    times = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    device = os.environ.get("GANTUT_DEVICE", "cpu").split(":")[0]
    times.setdefault(device, {})[name] = {
        "seconds": round(clock.seconds, 1),
        "core seconds": round(clock.core_seconds, 1),
        "threads": os.environ.get("OMP_NUM_THREADS", ""),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    times = {device: dict(sorted(times[device].items())) for device in sorted(times)}
    path.parent.mkdir(exist_ok=True)
    replace(path, json.dumps(times, indent=1) + "\n")


# ---- The command ------------------------------------------------------------------------------------------


def main(arguments=None, root=ROOT):
    parser = argparse.ArgumentParser(description="Execute the lessons that changed.")
    parser.add_argument("--check", action="store_true", help="execute nothing; list stale lessons, exit 1 if any")
    parser.add_argument("--times", action="store_true", help="execute all, write no notebook, note how long it took")
    parser.add_argument("names", nargs="*", metavar="NAME", help="lessons, such as 01_divergences (default: all)")
    options = parser.parse_args(arguments)

    names = [Path(name).stem for name in options.names] or lesson_names(root)
    for name in names:
        if name not in lesson_names(root):
            parser.error(f"no lesson {name!r}; there are {', '.join(lesson_names(root))}")
    stale = {name: reason for name in names if (reason := why_stale(name, root))}
    if options.check:
        for name, reason in stale.items():
            print(f"book/{name}.py is stale: {reason}")
        return 1 if stale else 0

    failures = 0
    for name in names:
        if name not in stale and not options.times:
            print(f"book/{name}.ipynb is up to date")
            continue
        print(f"book/{name}.ipynb ...", end=" ", flush=True)
        start = time.monotonic()
        try:
            with Clock() as clock:
                notebook = execute(name, root)
            if not options.times:
                write(notebook, root / "book" / f"{name}.ipynb")
            note_times(name, clock, root)
        except LessonFailed as failure:
            failures += 1
            print(f"FAILED\n{failure}", flush=True)
        else:
            print(f"{time.monotonic() - start:.1f} s", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
