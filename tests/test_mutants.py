"""Every claim of every lesson can fail: in a world where its sentence is false, it does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jupytext")
mutants = pytest.importorskip("mutants")

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.py") if "claim(" in path.read_text("utf-8"))
# The quickest; the others, of half a minute to two, are for `make test-all`, every night: who writes a claim runs those
# of its lesson, as CONTRIBUTING says.
QUICK = {"09_moving_dirt"}
QUIET = os.environ | {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}


def run(*arguments):
    """What the command finds, in a process of its own, as it forks."""
    command = [sys.executable, str(ROOT / "book/tools/mutants.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=QUIET, cwd=ROOT)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in LESSONS]
)
def test_every_claim_fails_in_each_of_its_wrong_worlds(name):
    assert run(name) == {name: []}


def test_mutants_are_those_of_lessons():
    assert {path.stem for path in mutants.FOLDER.iterdir()} == set(LESSONS)


# ---- How mutants are told apart: on a small lesson --------------------------------------------------------------

LESSON = """\
# %% [markdown]
# # A lesson

# %%
from gantut.checks import claim


def halved(x):
    return x / 2


# %%
found = halved(3)

# %%
claim("js-bounded", "half of three is below two", found, below=2)
claim("kl-definition", "and positive", True)

# %%
claim("js-symmetric", "and nobody doubts it", found, above=0)

# %%
claim("js-zero-iff", "at least one", found, above=1)
claim("js-zero-iff", "at most two", found, below=2)

# %%
claim("js-zero-iff", "and not one and a quarter", abs(found - 1.25), above=0.1)
"""
MUTANTS = """\
- {claim: js-bounded, world: killed here, before: found = 3}
- {claim: js-bounded, world: killed by a change of the cell, replace: {"below=2": "below=1"}}
- {claim: js-bounded, world: killed by a change of the function, cell: "def halved", replace: {"x / 2": "x"}}
- {claim: js-bounded, world: alive, before: found = 1}
- {claim: js-bounded, world: broken, before: found = nothing}
- {claim: js-bounded, world: not this claim, replace: {"True": "False"}}
- {claim: js-bounded, world: no such text, replace: {"four": "five"}}
- {claim: js-bounded, world: no such cell, cell: "found", before: found = 3}
- {claim: js-bounded, world: as it is, replace: {"found": "found"}}
- {claim: kl-definition, world: the other one, replace: {"True": "False"}}
- {claim: kl-definition, world: it is left, before: "import sys; sys.exit(0)"}
- {claim: js-definition, world: claims nothing, before: found = 3}
- {claim: js-zero-iff, call: 1, world: killed the first time, before: found = 0}
- {claim: js-zero-iff, call: 1, world: not this time, before: found = 3}
- {claim: js-zero-iff, call: 2, world: killed the second time, before: found = 3}
- {claim: js-zero-iff, call: 4, world: never, before: found = 3}
"""


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """What is found wrong with the mutants of the small lesson."""
    root = tmp_path_factory.mktemp("book")
    for name, text in {"book/01_small.py": LESSON, "tests/mutants/01_small.yml": MUTANTS}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return run("01_small", "--root", str(root))["01_small"]


@pytest.mark.parametrize(
    ("world", "what"),
    [
        ("js-bounded (alive)", "survived"),
        ("js-bounded (broken)", "the world ended before its claim: NameError"),
        ("js-bounded (not this claim)", "survived"),
        ("js-bounded (no such text)", "the cell holds the text 'four' 0 times"),
        ("js-bounded (no such cell)", "2 cells up to the claim hold the text 'found'"),
        ("js-bounded (as it is)", "the cell holds the text 'found'"),
        ("kl-definition (it is left)", "the world ended before its claim: SystemExit"),
        ("js-definition (claims nothing)", "the lesson makes no such claim"),
        ("js-zero-iff (not this time)", "survived"),
        ("js-zero-iff (never)", "the lesson makes this claim 3 times"),
    ],
)
def test_what_is_no_good_mutant_is_listed(problems, world, what):
    (told,) = [problem for problem in problems if problem.startswith(f"{world}: ")]
    assert what in told


def test_a_claim_without_a_mutant_is_listed(problems):
    assert "js-symmetric has no mutant" in problems
    assert "js-zero-iff has no mutant for call 3" in problems


def test_what_is_killed_is_not_listed(problems):
    assert len(problems) == 12
    assert not [problem for problem in problems if "killed" in problem.partition(":")[0] or "the other one" in problem]


def test_a_mutant_has_the_fields_that_are_known(tmp_path):
    path = tmp_path / "01_small.yml"
    for wrong in ("- {claim: a, world: b}", "- {claim: a, before: c}", "- {claim: a, world: b, before: c, after: d}"):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(ValueError, match=r"01_small.yml: a mutant has the fields"):
            mutants.read_mutants(path)
