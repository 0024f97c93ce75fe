"""The package opens at once: its modules load on their first use, and heavy libraries when a function needs them."""

import importlib
import json
import subprocess
import sys

import pytest

import gantut

HEAVY = ("ot", "sklearn", "sympy", "numba", "matplotlib", "PIL", "scipy", "torchvision")
# What a module is for may be loaded with it; matplotlib itself loads PIL.
NEEDED = {"plots": {"matplotlib", "PIL"}}
# In a fresh interpreter: what each module loads that no module before it has loaded, torch itself aside.
PROGRAM = """
import importlib, json, sys
import torch
known, loaded = set(sys.modules), {}
for name in sys.argv[1:]:
    importlib.import_module(name)
    loaded[name] = sorted({module.partition(".")[0] for module in set(sys.modules) - known})
    known |= set(sys.modules)
print(json.dumps(loaded))
"""


def answer_of(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=300
    ).stdout.strip()


@pytest.fixture(scope="module")
def loaded():
    """What each module loads, in the order of the table: a module is charged only for what is new with it."""
    lines = [line for line in gantut.__doc__.splitlines() if line.startswith("`")]
    order = [line.split("`")[1] for line in lines]
    order.sort(key=lambda name: name.removeprefix("gantut.") in NEEDED)  # last, so that it excuses no other module
    return json.loads(answer_of("-c", PROGRAM, "gantut", *order))


@pytest.mark.parametrize("name", ["gantut", *(f"gantut.{module}" for module in gantut.__all__)])
def test_a_module_loads_no_heavy_library_before_it_is_needed(name, loaded):
    heavy = set(HEAVY) & set(loaded[name]) - NEEDED.get(name.removeprefix("gantut."), set())
    assert not heavy, f"import {name} loads {', '.join(sorted(heavy))}"


def test_modules_open_on_first_use_and_not_before():
    program = "import sys, gantut; before = 'gantut.transport' in sys.modules; print(before, gantut.transport.__name__)"
    assert answer_of("-c", program) == "False gantut.transport"


def test_the_package_lists_its_modules_and_refuses_other_names():
    assert set(gantut.__all__) <= set(dir(gantut))
    for name in gantut.__all__:
        assert getattr(gantut, name) is importlib.import_module(f"gantut.{name}")
    with pytest.raises(AttributeError, match="transports"):
        _ = gantut.transports
