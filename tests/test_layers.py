"""Data flows one way through the package: a module imports only from modules that stand above it."""

import ast
from pathlib import Path

import pytest

import gantut

PACKAGE = Path(gantut.__file__).parent
ORDER = (
    "checks", "_inputs", "device", "data", "divergences", "transport", "games", "networks", "objectives", "lipschitz",
    "flows", "checkpoints", "training", "metrics", "plots", "lessons", "cli",
)  # fmt: skip
ROOMS = sorted(path.parent for path in PACKAGE.glob("lessons/*/exercises.py"))


def parts(name):
    """The files of one module or folder."""
    folder = PACKAGE / name
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{name}.py"]


def imported(path):
    """The modules of gantut, with their names, that a file imports, wherever in it: ("gantut.data", "ring")."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.relative_to(PACKAGE)} imports relatively"
            found = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        yield from ((module, name) for module, name in found if module.split(".")[0] == "gantut")


def private_files(path):
    """The private files that a file imports, as "gantut.data._creatures", each with the folder that it lies in."""
    for module, name in imported(path):
        names = f"{module}.{name}".split(".")
        for depth in range(1, len(names)):
            folder, stem = PACKAGE.joinpath(*names[1:depth]), names[depth]
            if stem.startswith("_") and ((folder / f"{stem}.py").exists() or (folder / stem).is_dir()):
                yield ".".join(names[: depth + 1]), folder


def test_every_module_of_the_package_has_its_place():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__", "__main__"} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_what_stands_above_it(name):
    above = {*ORDER[: ORDER.index(name) + 1]}
    for path in parts(name):
        names = {f"{module}.{name}".split(".")[1] for module, name in imported(path)}
        below = names - above - {"__version__"}
        assert not below, f"{path.relative_to(PACKAGE)} imports {', '.join(sorted(below))}, which stand below {name}"


@pytest.mark.parametrize("name", ORDER)
def test_a_private_file_is_imported_only_by_the_folder_that_it_lies_in(name):
    """What stands in the package's own folder, such as gantut/_inputs, is for all of the package."""
    for path in parts(name):
        found = {module for module, folder in private_files(path) if folder not in (PACKAGE, *path.parents)}
        assert not found, f"{path.relative_to(PACKAGE)} imports {', '.join(sorted(found))}"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_no_room_is_opened_by_what_all_lessons_share(room):
    """A lesson that takes little from the shared modules does not open the rooms of all others."""
    shared = {*PACKAGE.glob("lessons/*.py"), *PACKAGE.glob("lessons/labs/*.py")} - {PACKAGE / "lessons/experiments.py"}
    opened = {module for path in shared for module, _ in imported(path)}
    assert not [module for module in opened if f"{module}.".startswith(f"gantut.lessons.{room.name}.")]


def test_the_table_of_the_package_names_its_modules_in_this_order():
    lines = [line for line in gantut.__doc__.splitlines() if line.startswith("`")]
    listed = [line.split("`")[1].removeprefix("gantut.") for line in lines]
    assert listed == [name for name in ORDER if not name.startswith("_")]
