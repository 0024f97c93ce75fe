"""A Sphinx extension: the pages of the package, made from its docstrings.

The directive ``public-names`` shows a module: its docstring, a table of its public names, and an entry for each of
them, with a link to its source. Public is what ``__all__`` lists or, where there is none, what the module itself
defines without a leading underscore.

In a docstring, `name` in single backticks becomes a link where it is a public name of the package, written in full or
without its module, and code where it is not: a parameter, as a rule.
"""

import importlib
import inspect
import re
import sys
import tomllib
from pathlib import Path

from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

ROOT = Path(__file__).resolve().parents[2]
TABLE = (".. list-table::", "   :header-rows: 1", "   :widths: auto", "   :class: names")
KINDS = {"function": "Functions", "class": "Classes", "data": "Constants"}
# What stays as it is (a role, code), or a word in single backticks, with a letter that may touch its end.
WORD = re.compile(r":[\w:]+:`[^`]*`|``.+?``|(?<![`\w])`(?P<word>[^`<>\n]+)`(?P<touching>\w?)|, \*(?=\w+\))", re.S)
ROLE = re.compile(r":(func|class|meth|obj):`(\w+)`")
ROW = re.compile(r"(`[^`]+`) {2,}(\S.*)")


def public_modules():
    """Return the names of the public modules, such as "gantut.checks", as the package's docstring lists them."""
    lines = importlib.import_module("gantut").__doc__.splitlines()
    return [line.split("`")[1] for line in lines if line.startswith("`gantut.")]


def public_names(module):
    """Return the public names of a module, sorted."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    own = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", module.__name__) == module.__name__
        and not inspect.ismodule(value)
    }  # fmt: skip
    return sorted(own - imported(module))


def imported(module):
    """Return the names that a module imports: constants do not say where they are from."""
    found = re.findall(r"^(?:from \S+ )?import (.+)$", inspect.getsource(module), re.M)
    return {name.split()[-1].strip("(), ") for line in found for name in line.split(",") if name.split()}


def kind(value):
    """Return what autodoc calls a value: a "function", a "class" or "data"."""
    return "class" if inspect.isclass(value) else "function" if inspect.isroutine(value) else "data"


def links(text, module):
    """Return the docstring with `name` as a link where it is a public name of the package, and as code elsewhere."""

    def link(match):
        if not match["word"]:
            return match[0].replace(", *", r", \*")  # a shape, not emphasis
        word = match["word"].removesuffix("()")
        touching = f"\\ {match['touching']}" if match["touching"] else ""
        for owner, name in ((module, word), *split(word)):
            if owner in public_modules() and not name:
                return f":py:mod:`{word} <{owner}>`{touching}"
            if owner in public_modules() and (target := target_of(owner, name)):
                return f":py:obj:`{word} <{target}>`{touching}"
        return f"``{match['word']}``{touching}"

    text = ROLE.sub(lambda role: f":py:{role[1]}:`{role[2]} <{target_of(module, role[2]) or role[2]}>`", text)
    return WORD.sub(link, as_list_tables(text))


def as_list_tables(text):
    """Return the text with its tables of a name and a line as list tables, in which a cell may grow."""
    lines = []
    for line in text.splitlines():
        row = ROW.fullmatch(line)
        if row and not (lines and lines[-1].startswith("     - ")):
            lines += [".. list-table::", "   :widths: auto", ""]
        if row:
            lines += [f"   * - {row[1]}", f"     - {row[2]}"]
        elif not re.fullmatch("=+ +=+", line):
            lines += [line]
    return "\n".join(lines)


def target_of(module, name):
    """Return where a public name has its entry, such as "gantut.objectives.Objective", or None: it may be imported.

    What belongs to a class and has no entry of its own leads to the class.
    """
    first, *rest = name.split(".")
    if first not in public_names(importlib.import_module(module)):
        return None
    value = getattr(importlib.import_module(module), first)
    home = home_of(module, first)
    if rest and inspect.isclass(value) and inspect.isroutine(getattr(value, rest[0], None)):
        return f"{home}.{first}.{rest[0]}"
    return f"{home}.{first}"


def home_of(module, name):
    """Return the public module whose page has the entry: that in which a function or class is defined."""
    origin = getattr(getattr(importlib.import_module(module), name), "__module__", None) or module
    homes = [other for other in public_modules() if origin == other or origin.startswith(f"{other}.")]
    return homes[0] if homes and name in public_names(importlib.import_module(homes[0])) else module


def split(word):
    """Return how a dotted word may be read, as pairs of a module and a name in it."""
    whole = word if word.startswith("gantut.") else f"gantut.{word}"
    return ((whole, ""), tuple(whole.rsplit(".", 1)))


def summary(module, name):
    """Return the first sentence of an object's docstring; a constant's is the comment above it."""
    value = getattr(module, name)
    text = (inspect.getdoc(value) or "") if kind(value) != "data" else constant_comment(module, name)
    return links(" ".join(text.split("\n\n")[0].split()), home_of(module.__name__, name))


def constant_comment(module, name):
    """Return the comment above a constant or, where there is none, the names of its entries, or a short value."""
    for file in files_of(module):
        found = re.search(rf"((?:^#.*\n)+)^{name}\b.*=", file.read_text(encoding="utf-8"), re.M)
        if found:
            return " ".join(re.sub(r"^#:? ?", "", line) for line in found[1].splitlines() if "----" not in line)
    value = getattr(module, name)
    entries = list(value) if isinstance(value, dict | tuple) else []
    if entries and all(isinstance(entry, str) for entry in entries):
        return ", ".join(f"``{entry}``" for entry in entries)
    return f"``{value!r}``" if len(repr(value)) < 160 else ""


def files_of(module):
    path = Path(module.__file__)
    return sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]


def source_of(module, name):
    """Return the file of a public name, relative to the repository, with its first and last line; or None."""
    owner = importlib.import_module(module)
    try:
        value = owner
        for part in name.split("."):
            value = getattr(value, part)
        if kind(value) != "data" and not isinstance(value, property):
            lines, first = inspect.getsourcelines(inspect.unwrap(value))
            return relative(inspect.getsourcefile(inspect.unwrap(value))), first, first + len(lines) - 1
    except (AttributeError, TypeError, OSError):
        pass
    for file in files_of(owner):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if re.match(rf"(\w+, )*{name.split('.')[-1]}\b.*=", line):
                return relative(file), number, number
    return None


def relative(file):
    path = Path(file).resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else None


def linkcode_resolve(domain, info):
    """Return the address at which the source of an object is shown, for sphinx.ext.linkcode."""
    found = source_of(info["module"], info["fullname"]) if domain == "py" and info["module"] else None
    if not found or not found[0]:
        return None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return "{}/blob/main/{}#L{}-L{}".format(project["urls"]["Repository"], *found)


class PublicNames(SphinxDirective):
    """``.. public-names:: gantut.divergences``: the module, a table of its public names, and their entries."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        module = importlib.import_module(name)
        for file in files_of(module):
            self.env.note_dependency(str(file))
        lines = [f".. py:module:: {name}", "", *links(inspect.getdoc(module), name).splitlines(), ""]
        by_kind = {word: [n for n in public_names(module) if kind(getattr(module, n)) == word] for word in KINDS}
        lines += [*TABLE, "", "   * - Name", "     - What it is"]
        for names in by_kind.values():
            for public in names:
                lines += [f"   * - :py:obj:`{public} <{home_of(name, public)}.{public}>`"]
                lines += [f"     - {summary(module, public)}"]
        for word, title in KINDS.items():
            own = [public for public in by_kind[word] if home_of(name, public) == name]
            if own:
                lines += ["", f".. rubric:: {title}", "   :heading-level: 2", ""]
            for public in own:
                lines += [f".. py:data:: {public}" if word == "data" else f".. auto{word}:: {name}.{public}", ""]
                lines += [f"   {summary(module, public)}", ""] if word == "data" else []
        container = addnodes.only(expr="html")  # a neutral parent, which disappears
        container.document = self.state.document
        nested_parse_with_titles(self.state, StringList(lines, source=f"docstrings of {name}"), container)
        return container.children


class PackageModules(SphinxDirective):
    """``.. package-modules::``: a table of the public modules, as the package's docstring lists them."""

    def run(self):
        lines = [*TABLE, "", "   * - Module", "     - What it is"]
        for line in importlib.import_module("gantut").__doc__.splitlines():
            if line.startswith("`gantut."):
                name, text = line[1:].split("`", 1)
                lines += [f"   * - :py:mod:`{name}`", f"     - {text.strip()}"]
        container = addnodes.only(expr="html")
        container.document = self.state.document
        nested_parse_with_titles(self.state, StringList(lines, source="the package's docstring"), container)
        return container.children


def link_names(app, what, name, value, options, lines):
    """Turn the single backticks of each docstring into links and code, before its sections are read."""
    module = next((m for m in public_modules() if name == m or name.startswith(f"{m}.")), "gantut")
    lines[:] = links("\n".join(lines), module).split("\n")
    if what in ("attribute", "data", "property"):
        lines[0] = f": {lines[0]}"  # napoleon takes what stands before the first colon for a type: here it is nothing


def leave_out(app, what, name, value, skip, options):
    """Leave out the fields of a named tuple that have no docstring: "Alias for field number 0" says nothing."""
    return True if re.match(r"Alias for field number \d+$", getattr(value, "__doc__", None) or "") else None


def setup(app):
    sys.path.insert(0, str(ROOT))  # the docstrings of this tree, whatever is installed
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.setup_extension("sphinx.ext.linkcode")
    app.config.linkcode_resolve = linkcode_resolve
    app.add_directive("public-names", PublicNames)
    app.add_directive("package-modules", PackageModules)
    app.connect("autodoc-skip-member", leave_out)
    app.connect("autodoc-process-docstring", link_names, priority=100)  # before napoleon
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
