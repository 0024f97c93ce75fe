"""A plugin for pytest, ``-p skip_missing``: a test that needs a package that is not installed is skipped, and says so.

`make gpu` uses it on machines that bring their own Python. Elsewhere, a package that is missing is an error.
"""

import importlib.util

import pytest


def missing_package(error):
    """The name of the package for want of which there was an error, if that was it."""
    name = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    package = (name or "").partition(".")[0]
    return package if package and importlib.util.find_spec(package) is None else None


class Module(pytest.Module):
    """A file of tests, which may import what is missing."""

    def collect(self):
        try:
            return super().collect()
        except self.CollectError as error:
            if package := missing_package(error.__cause__):
                pytest.skip(f"needs {package}", allow_module_level=True)
            raise


def pytest_pycollect_makemodule(module_path, parent):
    return Module.from_parent(parent, path=module_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo and (package := missing_package(call.excinfo.value)):
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1], f"Skipped: needs {package}")
    return report
