"""Every public name keeps the promise of CONTRIBUTING: summary, parameters, returns, and an example that runs."""

import doctest
import importlib
import inspect
import re

import pytest
import torch

import gantut

MODULES = [f"gantut.{name}" for name in gantut.__all__]


def public(module):
    """The public functions and classes of a module, by name."""
    owner = importlib.import_module(module)
    found = {name: getattr(owner, name) for name in owner.__all__}
    return {name: value for name, value in found.items() if inspect.isclass(value) or inspect.isroutine(value)}


PUBLIC = [pytest.param(module, name, id=f"{module}.{name}") for module in MODULES for name in public(module)]


def sections(docstring):
    """The sections of a numpydoc docstring, by title; what stands before the first one is the summary."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", docstring, flags=re.MULTILINE)
    return {"Summary": parts[0].strip()} | dict(zip(parts[1::2], parts[2::2], strict=True))


def described(section):
    """The names that a section of parameters describes: "x, y : tensor" describes two, "*args" one."""
    heads = [line.partition(":")[0] for line in section.splitlines() if line and not line.startswith(" ")]
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def is_error(value):
    return inspect.isclass(value) and issubclass(value, Exception)


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_a_public_name_says_in_one_line_what_it_is(module, name):
    summary, _, rest = inspect.getdoc(public(module)[name]).partition("\n")
    assert summary.endswith((".", ":")), summary
    assert not rest or rest.startswith("\n"), "a summary is one line"


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_every_parameter_is_described_and_no_other(module, name):
    value = public(module)[name]
    if is_error(value) or (inspect.isclass(value) and "__init__" not in vars(value) and not hasattr(value, "_fields")):
        return
    found = sections(inspect.getdoc(value))
    names = {parameter.lstrip("*") for parameter in inspect.signature(value).parameters}
    where = described(found.get("Parameters", "")) | (
        described(found.get("Attributes", "")) if inspect.isclass(value) else set()
    )
    assert names <= where, f"not described: {sorted(names - where)}"
    if not inspect.isclass(value):
        assert where <= names, f"there is no parameter {sorted(where - names)}"


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_it_says_what_it_returns_and_shows_an_example(module, name):
    value = public(module)[name]
    if is_error(value):
        return
    found = sections(inspect.getdoc(value))
    if not inspect.isclass(value) and inspect.signature(value).return_annotation not in (None, "None"):
        assert {"Returns", "Yields"} & set(found)
    assert ">>>" in found.get("Examples", ""), "an example"


@pytest.mark.parametrize("module", MODULES)
def test_examples_print_what_they_say(module):
    owner = importlib.import_module(module)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for name, value in {module: owner, **public(module)}.items():
        finder = doctest.DocTestFinder(recurse=inspect.isclass(value))  # the methods of a class, too
        for examples in finder.find(value, name, module=False, globs={"torch": torch, **vars(owner)}):
            runner.run(examples)
    assert runner.summarize(verbose=False).failed == 0
