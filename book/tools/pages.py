#!/usr/bin/env python3
"""Build the site, if any of its sources changed since it was built, and say where to start reading.

    python book/tools/pages.py

A build starts from nothing, so that no page of before stays behind and no warning is swallowed; it fails on any
warning, and unless every page that _toc.yml names is there. What it was built from is remembered in
_build/html/.sources, by content: a source that was changed, added or removed makes the next call build again.
"""

import contextlib
import functools
import hashlib
import json
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    "_config.yml",
    "_toc.yml",
    "CONTRIBUTING.md",
    "pyproject.toml",
    "requirements.txt",
    "book/*.ipynb",
    "book/**/*.md",
    "book/templates/**/*.rst",
    "book/claims.yml",
    "book/*.bib",
    "book/images/**/*",
    "book/style/**/*",
    "book/results/lesson-times.json",
    "book/descriptions.yml",
    "book/tools/addresses.py",
    "book/tools/answer_boxes.py",
    "book/tools/api_pages.py",
    "book/tools/drawn_figures.py",
    "book/tools/formulas.py",
    "book/tools/icons.py",
    "book/tools/ledger_pages.py",
    "book/tools/lesson_numbers.py",
    "book/tools/lesson_times.py",
    "book/tools/page_frames.py",
    "book/tools/pages.py",
    "book/tools/stylesheets.py",
    "book/tools/typesetting.py",
    "gantut/**/*.py",  # the pages of the package are made from its docstrings
)
LEAST = 2000  # bytes: a page with nothing on it is larger


class Incomplete(Exception):
    """The site could not be built, or is not complete."""


@functools.cache
def urls(root=ROOT):
    """Return the addresses of the project, by their names in pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]


def pages_of_toc(root=ROOT):
    """Return the pages that _toc.yml names, in reading order, such as "book/00_index"."""

    def walk(node):
        if isinstance(node, dict):
            yield from (str(node[key]) for key in ("root", "file") if key in node)
            for key in ("parts", "chapters", "sections"):
                yield from walk(node.get(key, []))
        elif isinstance(node, list):
            for child in node:
                yield from walk(child)

    return list(walk(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))


def sources(root=ROOT):
    """Return the SHA-256 of every file that the site is built from."""
    files = {path for pattern in SOURCES for path in root.glob(pattern) if path.is_file()}
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def is_up_to_date(root=ROOT):
    """Tell whether the site was built from the sources as they are."""
    try:
        return json.loads((root / "_build/html/.sources").read_text(encoding="utf-8")) == sources(root)
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def alone(root=ROOT):
    """Wait until no other process builds this site, and keep others waiting meanwhile."""
    try:
        import fcntl
    except ImportError:  # Windows: whoever builds twice at once there has to wait for themselves
        yield
        return
    (root / "_build").mkdir(exist_ok=True)
    with open(root / "_build" / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed, or the process ends
        yield


def build(root=ROOT):
    """Build the site anew; raise `Incomplete` where that fails, or warns."""
    built_from = sources(root)
    for folder in ("html", ".doctrees"):
        shutil.rmtree(root / "_build" / folder, ignore_errors=True)
    jupyter_book = [sys.executable, "-c", "import sys; from jupyter_book.cli.main import main; sys.exit(main())"]
    command = [*jupyter_book, "build", ".", "-n", "-W", "--keep-going", "-q"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise Incomplete(f"\n{done.stderr.strip() or done.stdout}\nThe site was not built; the reasons are above.")
    check(root)
    (root / "_build/html/.sources").write_text(json.dumps(built_from), encoding="utf-8")


def check(root=ROOT):
    """Assert that the built site has every page of the table of contents; return the pages."""
    pages = pages_of_toc(root)
    for page in ("index", *pages):
        file = root / "_build/html" / f"{page}.html"
        if not file.is_file():
            raise Incomplete(f"The site is not complete: {page}.html is missing.")
        if page != "index" and file.stat().st_size < LEAST:
            raise Incomplete(f"The site is not complete: {page}.html is empty.")
    return pages


def main(root=ROOT):
    try:
        with alone(root):
            if not is_up_to_date(root):
                start = time.monotonic()
                print("Building the site ...", end=" ", flush=True)
                build(root)
                print(f"{time.monotonic() - start:.0f} s")
            pages = check(root)
    except Incomplete as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"The book has {len(pages)} pages. To read it, open\n\n    {root / '_build' / 'html' / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
