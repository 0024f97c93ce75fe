"""Who installs gantut gets the package and its ledger, and keeps the PyTorch that was there."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import torch
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LESSONS = sorted((ROOT / "book").glob("*.py"))


def test_dependencies_have_lower_bounds_only():
    for dependency in PROJECT["dependencies"]:
        assert re.fullmatch(r"[A-Za-z0-9_-]+>=[0-9.]+", dependency), dependency
    assert PROJECT["requires-python"] == ">=3.11"


def test_requirements_are_exact_pins_that_satisfy_the_package():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = [line.split(";")[0].strip() for line in text.splitlines() if line and not line.startswith("#")]
    pins = dict(line.lower().replace("_", "-").split("==") for line in lines)
    assert len(pins) == len(lines), "a package is pinned twice"
    assert "+" not in text, "a local version would keep pip from the build that the machine offers"
    for dependency in PROJECT["dependencies"]:
        name, least = dependency.lower().split(">=")
        pinned = [int(part) for part in re.findall(r"\d+", pins[name])]
        assert pinned >= [int(part) for part in least.split(".")], dependency


def test_the_address_of_the_repository_is_one_and_the_same_everywhere():
    address = PROJECT["urls"]["Repository"]
    assert yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"] == address
    for lesson in LESSONS:
        installed = re.findall(r"git\+(\S+?)(?:\.git)?[\"'@]", lesson.read_text(encoding="utf-8"))
        assert set(installed) <= {address}, lesson.name


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_that_needs_the_package_installs_it_where_it_is_missing(lesson):
    source = lesson.read_text(encoding="utf-8")
    if "gantut" in {name.split(".")[0] for name in re.findall(r"^(?:from|import) ([\w.]+)", source, re.M)}:
        first = next(cell for cell in cells(lesson) if cell.strip())
        assert 'find_spec("gantut")' in first, "the first cell must install gantut where it is missing, as in Colab"
        assert "git+" in first


def cells(lesson):
    """Return the sources of a lesson's code cells."""
    parts = re.split(r"^# %%(.*)$", lesson.read_text(encoding="utf-8"), flags=re.M)[1:]
    return [code for header, code in zip(parts[::2], parts[1::2], strict=True) if "[markdown]" not in header]


def setup_cells(lesson):
    """Return a lesson's first cells, up to the one that imports gantut."""
    code = cells(lesson)
    ends = [i for i, cell in enumerate(code) if re.search(r"^(from|import) gantut\b", cell, re.M)]
    return "\n".join(code[: ends[0] + 1] if ends else code[:1])


# ---- A clean environment -----------------------------------------------------------------------------------

REPORT = """
import json, sys
import gantut, torch
from gantut.checks import read_ledger
print(json.dumps({"gantut": gantut.__file__, "torch": torch.__version__, "claims": len(read_ledger().entries)}))
"""


@pytest.fixture(scope="module")
def clean_python(tmp_path_factory):
    """Build the wheel, install it into a new environment without a network, and return that environment's Python.

    The new environment borrows all of this one's packages but gantut, which can therefore come from the wheel alone.
    And as pip may fetch nothing, it succeeds only if gantut asks for no other version of anything, PyTorch above all.
    """
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("clean")
    (folder / "borrowed").mkdir()
    for installed in {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}:
        for package in installed.iterdir():
            if "gantut" not in package.name and package.suffix != ".pth":
                (folder / "borrowed" / package.name).symlink_to(package)
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"]
    run([*wheel, "--wheel-dir", str(folder), str(ROOT)], folder)
    (wheel,) = folder.glob("gantut-*.whl")
    run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run([str(python), "-m", "pip", "install", "--quiet", "--no-index", str(wheel)], folder, folder / "borrowed")
    return python


def run(command, folder, packages=None):
    """Run a command in `folder`, with the given packages in sight but none of pip's settings; return its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "MPLBACKEND": "agg", "PYTHONUTF8": "1"}
    if packages:
        environment["PYTHONPATH"] = str(packages)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_first_cells_of_a_lesson_run_where_only_the_wheel_is_installed(clean_python, lesson, tmp_path):
    borrowed = clean_python.parents[2] / "borrowed"
    printed = run([str(clean_python), "-c", setup_cells(lesson) + REPORT], tmp_path, borrowed)
    report = json.loads(printed.splitlines()[-1])
    assert Path(report["gantut"]).is_relative_to(clean_python.parents[1]), "gantut came from elsewhere"
    assert report["torch"] == torch.__version__, "installing gantut changed PyTorch"
    assert report["claims"] > 0


OPEN = """
import importlib, json, pkgutil
import gantut
names = [module.name for module in pkgutil.iter_modules(gantut.__path__) if not module.name.startswith("_")]
print(json.dumps({name: importlib.import_module(f"gantut.{name}").__file__ for name in names}))
"""


@pytest.mark.slow
def test_every_public_module_of_the_wheel_opens_by_its_name(clean_python, tmp_path):
    printed = run([str(clean_python), "-c", OPEN], tmp_path, clean_python.parents[2] / "borrowed")
    opened = json.loads(printed.splitlines()[-1])
    found = {
        path.stem for path in (ROOT / "gantut").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert set(opened) == {name for name in found if not name.startswith("_")}
    assert all(Path(file).is_relative_to(clean_python.parents[1]) for file in opened.values())


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_the_ledger_and_nothing_else(clean_python):
    packages = clean_python.parents[1].glob("**/site-packages/gantut-*.dist-info/RECORD")
    names = [line.split(",")[0] for line in next(packages).read_text(encoding="utf-8").splitlines()]
    assert "gantut/claims.yml" in names
    kinds = ("*.py", "*.js", "*.css")  # the labs' scripts, too
    modules = {path.relative_to(ROOT).as_posix() for kind in kinds for path in (ROOT / "gantut").rglob(kind)}
    assert modules <= set(names)
    others = {name for name in names if ".dist-info" not in name and not name.startswith("gantut/")}
    assert {Path(name).stem for name in others} == {"gantut"}, "the command alone, which the installer puts on the path"
