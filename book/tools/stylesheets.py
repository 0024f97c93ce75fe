"""A Sphinx extension: the first look at a page waits for one style sheet, and shares the line with no script.

The theme and its extensions bring fifteen sheets, one of them with a sixteenth inside: on a slow line each waits for its
turn, and no text is seen before the last has come. Most of their rules are for what this book has not got. In the
finished site all stand in one file, in their order, and of sheets that are not ours without the rules that name a class
or an id that is nowhere in the pages or the scripts. And the theme's own scripts, which stand behind the text, are no
longer fetched before it.
"""

import hashlib
import os
import re
from pathlib import Path

SHEET = re.compile(r'\s*<link (?:rel="stylesheet" type="text/css" )?href="([^"?]*)[^"]*"(?: rel="stylesheet")? />')
PRELOAD = re.compile(r'\s*<link rel="preload" as="script"[^>]*/>')
STRING = r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|url\([^"\')]*\)|\\.'
SPACE = re.compile(rf"({STRING})|/\*.*?\*/|\s+", re.S)
BRACE = re.compile(rf"{STRING}|([{{}};])", re.S)
COMMA = re.compile(rf"{STRING}|([][(),])", re.S)
OURS = {path.name for path in (Path(__file__).resolve().parents[1] / "style").rglob("*.css")}
HOLD_RULES = ("@media", "@supports", "@layer", "@container")


def rules(style):
    """Yield what a style sheet without comments consists of: pairs of what stands before a brace and what within it.

    Within a statement that ends with a semicolon, such as ``@charset``, there is None.
    """
    start = inner = depth = 0
    for found in BRACE.finditer(style):
        sign, here = found[1], found.start()
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == "{" and depth == 1:
            inner = here
        elif sign == "}" and depth == 0:
            yield style[start:inner].strip(), style[inner + 1 : here].strip()
            start = here + 1
        elif sign == ";" and depth == 0:
            yield style[start:here].strip(), None
            start = here + 1


def selectors(prelude):
    """Return the selectors of a rule, which commas part but not within brackets."""
    parts, start, depth = [], 0, 0
    for found in COMMA.finditer(prelude):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(found[1], 0)
        if found[1] == "," and depth == 0:
            parts.append(prelude[start : found.start()].strip())
            start = found.end()
    return [*parts, prelude[start:].strip()]


def names_asked_for(selector):
    """Return the classes and ids without which a selector selects nothing; what stands in brackets may be others."""
    plain = re.sub(r"\[[^]]*\]", "", selector)
    while plain != (plain := re.sub(r"\([^()]*\)", "", plain)):
        pass
    return [name.replace("\\", "") for name in re.findall(r"[.#]((?:[\w-]|\\.)+)", plain)]


def shortened(style, is_there):
    """Return a style sheet without comments, and without the rules that ask for a name of which `is_there` is false."""
    kept = []
    for prelude, body in rules(SPACE.sub(lambda found: found[1] or " ", style)):
        if body is None:
            kept.append("" if prelude.startswith("@charset") else f"{prelude};")
        elif prelude.startswith(HOLD_RULES):
            inner = shortened(body, is_there)
            kept.append(f"{prelude}{{{inner}}}" if inner else "")
        elif prelude.startswith("@"):
            kept.append(f"{prelude}{{{body}}}")
        elif used := [part for part in selectors(prelude) if all(map(is_there, names_asked_for(part)))]:
            kept.append(f"{','.join(used)}{{{body}}}")
    return "".join(kept)


def with_imports(path, folder):
    """Return a style sheet with those that it imports in it, and with its addresses as seen from `folder`."""

    def move(found):
        return f'url("{os.path.relpath(path.parent / found[1], folder)}")'

    style = re.sub(r'url\("?(?!data:|#)([^")]+)"?\)', move, path.read_text(encoding="utf-8"))
    return re.sub(r'@import "([^"]+)";', lambda found: with_imports(path.parent / found[1], folder), style)


def names_in(pages, scripts):
    """Return the classes and ids of pages, and whatever may be one in a script, or the beginning of one ("tooltip-")."""
    names = {
        word for page in pages for value in re.findall(r'\b(?:class|id)="([^"]*)"', page) for word in value.split()
    }
    inside = {script for page in pages for script in re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)}
    words = set().union(*(re.findall(r"[\w-]+", script) for script in {*inside, *scripts}))
    return names | words, tuple(word for word in words if re.fullmatch(r"\w.+-", word))


def write(app, exception):
    """Write the one style sheet into the finished site, and make its pages ask for it and for no other."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir).resolve()
    static = site / "_static"
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    pages = {path: page for path, page in pages.items() if static not in path.parents}
    sheets = dict.fromkeys(
        (path.parent / address).resolve() for path, page in pages.items() for address in SHEET.findall(page)
    )
    names, beginnings = names_in(pages.values(), (path.read_text(encoding="utf-8") for path in static.rglob("*.js")))

    def in_the_book(name):
        return name in names or name.startswith(beginnings)

    style = "".join(
        shortened(with_imports(path, static), (lambda name: True) if path.name in OURS else in_the_book)
        for path in sheets
    )
    (static / "book.css").write_text(style, encoding="utf-8")
    for path, page in pages.items():
        if SHEET.search(page):
            path.write_text(rewritten(page, style), encoding="utf-8")
    for path in [*static.rglob("*.css"), *static.rglob("*.map")]:
        if path.name not in ("book.css", "fonts.css"):
            path.unlink()


def rewritten(page, style):
    """Return a page that asks for one style sheet, in the place of its first, and for no script before its turn."""
    first = SHEET.search(page)
    static = first[1][: first[1].index("_static/")]
    digest = hashlib.sha256(style.encode()).hexdigest()[:8]
    rest = PRELOAD.sub("", SHEET.sub("", page[first.end() :]))
    if left := re.findall(r"<link[^>]*stylesheet[^>]*>", rest):  # the theme writes them otherwise than it did
        raise ValueError(f"style sheets must be asked for as SHEET has it, or they would be lost: {left}")
    return f'{page[: first.start()]}\n<link rel="stylesheet" href="{static}_static/book.css?v={digest}" />{rest}'


def setup(app):
    app.connect("build-finished", write, priority=900)  # after what rewrites a sheet
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
