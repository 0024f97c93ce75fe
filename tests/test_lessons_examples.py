"""What the docstrings of the lessons' rooms show is what happens."""

import doctest
import importlib
import pkgutil

import pytest

from gantut import lessons

MODULES = [
    module.name
    for module in pkgutil.walk_packages(lessons.__path__, "gantut.lessons.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_every_example_of_a_room_prints_what_its_docstring_says(name, monkeypatch):
    monkeypatch.setenv("GANTUT_DEVICE", "cpu")
    monkeypatch.delenv("GANTUT_SCALE", raising=False)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [example for name in MODULES for example in finder.find(importlib.import_module(name)) if example.examples]
    assert len(found) >= 10
