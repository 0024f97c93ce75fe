"""A Sphinx extension: what the pages of the package need beside Sphinx's autodoc and autosummary, and numpydoc.

- Links to the source of each public name, in the repository.
- The comment above a constant as its docstring, since Python keeps none for it.
- Shapes such as (n, *event) are no emphasis, and the fields of a named tuple that say nothing are left out.
"""

import importlib
import inspect
import re
import sys
from pathlib import Path

from pages import urls

ROOT = Path(__file__).resolve().parents[2]


def public_modules(root=ROOT):
    """Return the modules that have a page, such as "gantut.checks": book/api.md lists them."""
    return re.findall(r"^   (gantut\.\w+)$", (root / "book/api.md").read_text(encoding="utf-8"), re.M)


def source_of(module, name):
    """Return the file of a public name, relative to the repository, with its first and last line; or None."""
    try:
        value = importlib.import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
        value = inspect.unwrap(value.fget if isinstance(value, property) else value)
        lines, first = inspect.getsourcelines(value)
        file = Path(inspect.getsourcefile(value)).resolve()
    except (AttributeError, TypeError, OSError):  # a constant, or the field of a class
        return None
    return (file.relative_to(ROOT).as_posix(), first, first + len(lines) - 1) if file.is_relative_to(ROOT) else None


def linkcode_resolve(domain, info):
    """Return the address at which the source of an object is shown, for sphinx.ext.linkcode."""
    found = source_of(info["module"], info["fullname"])
    return "{}/blob/main/{}#L{}-L{}".format(urls()["Repository"], *found) if found else None


def constant_comment(module, name):
    """Return the comment above a constant, wherever in the module it is defined; without one, the names in it."""
    owner = importlib.import_module(module)
    home = Path(owner.__file__)
    for file in sorted(home.parent.glob("*.py")) if home.name == "__init__.py" else [home]:
        found = re.search(rf"((?:^#.*\n)+){name}\b.*=", file.read_text(encoding="utf-8"), re.M)
        if found:
            return " ".join(re.sub(r"^#:? ?", "", line) for line in found[1].splitlines() if "----" not in line)
    value = getattr(owner, name)
    return ", ".join(f"``{entry}``" for entry in value) if isinstance(value, dict | tuple) else f"``{value!r}``"


def prepare(app, what, name, value, options, lines):
    """Put a docstring, given as its lines, into the form that Sphinx reads."""
    if what == "data":
        lines[:] = [constant_comment(*name.rsplit(".", 1)), ""]
    lines[:] = re.sub(r", \*(?=\w+\))", r", \\*", "\n".join(lines)).split("\n")


def leave_out(app, what, name, value, skip, options):
    """Leave out the fields of a named tuple that have no docstring: "Alias for field number 0" says nothing."""
    return True if re.match(r"Alias for field number \d+$", getattr(value, "__doc__", None) or "") else None


def setup(app):
    sys.path.insert(0, str(ROOT))  # the docstrings of this tree, whatever is installed
    app.config.linkcode_resolve = linkcode_resolve
    app.connect("autodoc-process-docstring", prepare, priority=100)  # before numpydoc
    app.connect("autodoc-skip-member", leave_out)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
