"""Data flows one way through the package: a module imports only from modules that stand above it."""

import ast
from pathlib import Path

import pytest

import gantut

PACKAGE = Path(gantut.__file__).parent
ORDER = (
    "checks", "_inputs", "device", "data", "divergences", "transport", "games", "networks", "objectives", "lipschitz",
    "checkpoints", "training", "metrics", "experiments", "exercises", "plots", "interactive", "commands",
)  # fmt: skip


def parts(name):
    """The files of one module or folder."""
    folder = PACKAGE / name
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{name}.py"]


def imported(path):
    """The names of the gantut modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "gantut":
            names = [f"gantut.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("gantut."))


def test_every_module_of_the_package_has_its_place():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__", "__main__"} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_what_stands_above_it(name):
    above = {*ORDER[: ORDER.index(name) + 1]}
    for path in parts(name):
        below = set(imported(path)) - above - {"__version__"}
        assert not below, f"{path.relative_to(PACKAGE)} imports {', '.join(sorted(below))}, which stand below {name}"


def test_the_table_of_the_package_names_its_modules_in_this_order():
    lines = [line for line in gantut.__doc__.splitlines() if line.startswith("`")]
    listed = [line.split("`")[1].removeprefix("gantut.") for line in lines]
    assert listed == [name for name in ORDER if not name.startswith("_")]
