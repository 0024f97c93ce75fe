"""Every lesson has a notebook that was executed from what the lesson and the package say now."""

import json
from pathlib import Path

import pytest

pytest.importorskip("jupytext")
pytest.importorskip("nbclient")
import notebooks

import gantut

ROOT = Path(__file__).resolve().parents[1]
LESSONS = notebooks.lesson_names(ROOT)

# ---- The book's own notebooks ------------------------------------------------------------------------------


def test_there_are_lessons():
    assert LESSONS


@pytest.mark.parametrize("name", LESSONS)
def test_a_notebook_is_up_to_date(name):
    assert not notebooks.why_stale(name, ROOT), "run `make notebooks`"


@pytest.mark.parametrize("name", LESSONS)
def test_a_notebook_was_executed_from_top_to_bottom_without_complaint(name):
    notebook = json.loads((ROOT / "book" / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell["outputs"]:
            assert output["output_type"] != "error", "".join(cell["source"])
            assert output.get("name") != "stderr", "".join(cell["source"])


def test_every_notebook_has_a_lesson():
    assert sorted(path.stem for path in (ROOT / "book").glob("*.ipynb")) == LESSONS


def test_every_lesson_is_a_page_and_every_page_exists():
    pages = pytest.importorskip("pages").pages_of_toc(ROOT)
    modules = {f"book/api/gantut.{name}" for name in gantut.__all__}  # whose pages Sphinx writes from their docstrings
    for page in set(pages) - modules:
        assert any((ROOT / f"{page}{suffix}").is_file() for suffix in (".py", ".md")), f"_toc.yml names {page}"
    assert {f"book/{name}" for name in LESSONS} <= set(pages)


# ---- What makes a lesson stale: checked on a small book ----------------------------------------------------

LESSON = """\
# %% [markdown]
# # A lesson

# %%
from gantut.upper import doubled

print(doubled(21))
"""
FILES = {
    "gantut/__init__.py": '"""A package."""\n',
    "gantut/upper.py": "from gantut.parts import one\n\n\ndef doubled(x):\n    return 2 * x * one()\n",
    "gantut/parts/__init__.py": '"""Parts."""\n\nfrom ._deep import one\n\n__all__ = ["one"]\n',
    "gantut/parts/_deep.py": 'def one():\n    """Return one."""\n    return 1  # not two\n',
    "gantut/parts/lab.js": "const one = 1;\n",
    "gantut/unrelated.py": "def other():\n    return 3\n",
    "book/lesson.py": LESSON,
    "book/other.py": "# %%\nfrom gantut.checks import claim\n\nclaim('a', 'something', True)\n",
    "book/data.json": "{}\n",
    "book/claims.yml": "claims: []\n",
}


@pytest.fixture
def book(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def settle(book, name="lesson"):
    """Store a notebook as if the lesson had been executed."""
    notebooks.write(notebooks.read_lesson(name, book), book / "book" / f"{name}.ipynb")
    assert not notebooks.why_stale(name, book)


def edit(book, file, old, new):
    text = (book / file).read_text(encoding="utf-8")
    assert old in text
    (book / file).write_text(text.replace(old, new), encoding="utf-8")


def test_a_lesson_without_a_notebook_is_stale(book):
    assert "no notebook" in notebooks.why_stale("lesson", book)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("book/lesson.py", "doubled(21)", "doubled(22)"),
        ("book/lesson.py", "# # A lesson", "# # The lesson"),
        ("gantut/upper.py", "2 * x", "3 * x"),
        ("gantut/parts/_deep.py", "return 1", "return 2"),
        ("gantut/parts/__init__.py", "from ._deep", "x = 1\nfrom ._deep"),
        ("gantut/parts/lab.js", "one = 1", "one = 2"),
        ("gantut/__init__.py", '"""A package."""', "version = 1"),
    ],
)
def test_new_text_or_new_code_anywhere_behind_a_lesson_makes_it_stale(book, file, old, new):
    settle(book)
    edit(book, file, old, new)
    assert "changed" in notebooks.why_stale("lesson", book)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("gantut/parts/_deep.py", "Return one.", "Return the number one."),
        ("gantut/parts/_deep.py", "# not two", "# certainly not two"),
        ("gantut/parts/_deep.py", "return 1", "\n\n    return (1)"),
        ("gantut/__init__.py", "A package.", "The package."),
        ("gantut/unrelated.py", "return 3", "return 4"),
        ("book/other.py", "'a'", "'b'"),
        ("book/claims.yml", "[]", "[1]"),
        ("book/data.json", "{}", "[]"),
    ],
)
def test_better_wording_or_unrelated_code_does_not(book, file, old, new):
    settle(book)
    edit(book, file, old, new)
    assert not notebooks.why_stale("lesson", book)


def test_a_lesson_depends_on_its_own_exercises_and_not_on_those_of_others(book):
    for room in ("lesson", "another"):
        (book / f"gantut/lessons/{room}").mkdir(parents=True)
        (book / f"gantut/lessons/{room}/__init__.py").write_text("", encoding="utf-8")
        text = "from gantut.unrelated import other\n\nANSWER = 1\n" if room == "another" else "ANSWER = 1\n"
        (book / f"gantut/lessons/{room}/exercises.py").write_text(text, encoding="utf-8")
    (book / "gantut/lessons/__init__.py").write_text("", encoding="utf-8")
    (book / "book/lesson.py").rename(book / "book/01_lesson.py")
    settle(book, "01_lesson")
    edit(book, "gantut/lessons/another/exercises.py", "ANSWER = 1", "ANSWER = 2")
    edit(book, "gantut/unrelated.py", "return 3", "return 4")
    assert not notebooks.why_stale("01_lesson", book)
    edit(book, "gantut/lessons/lesson/exercises.py", "ANSWER = 1", "ANSWER = 2")
    assert "changed" in notebooks.why_stale("01_lesson", book)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("book/claims.yml", "[]", "[1]"), ("book/other.py", "'a'", "'b'"), ("book/other.py", "claim('a'", "print('a'")],
)
def test_a_lesson_that_reads_the_whole_ledger_depends_on_it_and_on_who_shows_what(book, file, old, new):
    edit(book, "book/lesson.py", "print(", "from gantut.checks import read_ledger\nprint(read_ledger, ")
    settle(book)
    edit(book, "book/other.py", "something", "something else")
    assert not notebooks.why_stale("lesson", book), "the wording of a claim is no part of the ledger"
    edit(book, file, old, new)
    assert "changed" in notebooks.why_stale("lesson", book)


def test_a_lesson_depends_on_the_files_that_it_names(book):
    edit(book, "book/lesson.py", "print(", 'print("data.json", ')
    settle(book)
    edit(book, "book/data.json", "{}", "[]")
    assert "changed" in notebooks.why_stale("lesson", book)


def test_a_lesson_depends_on_the_recorded_results_that_it_names(book):
    (book / "book" / "results").mkdir()
    (book / "book" / "results" / "long-run.json").write_text("{}")
    edit(book, "book/lesson.py", "print(", 'print("long-run", ')
    settle(book)
    edit(book, "book/results/long-run.json", "{}", "[]")
    assert "changed" in notebooks.why_stale("lesson", book)


def test_a_notebook_edited_by_hand_is_stale(book):
    settle(book)
    edit(book, "book/lesson.ipynb", "# A lesson", "# My lesson")
    assert "edited" in notebooks.why_stale("lesson", book)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_notebook_that_cannot_be_read_is_stale(book, text):
    (book / "book/lesson.ipynb").write_text(text, encoding="utf-8")
    assert "cannot be read" in notebooks.why_stale("lesson", book)


def test_check_lists_stale_lessons_and_executes_nothing(book, capsys):
    settle(book, "other")
    assert notebooks.main(["--check"], book) == 1
    assert "book/lesson.py is stale" in (printed := capsys.readouterr().out)
    assert "other" not in printed
    assert not (book / "book/lesson.ipynb").exists()
    settle(book, "lesson")
    assert notebooks.main(["--check"], book) == 0


def test_an_unknown_lesson_is_refused(book, capsys):
    with pytest.raises(SystemExit):
        notebooks.main(["--check", "lessen"], book)
    assert "no lesson 'lessen'" in capsys.readouterr().err


# ---- Executing ---------------------------------------------------------------------------------------------


def test_executing_twice_gives_the_same_file_from_this_books_package(book):
    path = book / "book/lesson.ipynb"
    assert notebooks.main(["lesson"], book) == 0
    first = path.read_bytes()
    assert "".join(json.loads(first)["cells"][1]["outputs"][0]["text"]) == "42\n"
    path.unlink()
    assert notebooks.main(["book/lesson.py"], book) == 0
    assert path.read_bytes() == first
    assert not list(book.glob("book/*.tmp"))


def test_an_up_to_date_lesson_is_not_executed(book, capsys):
    settle(book)
    stored = (book / "book/lesson.ipynb").read_bytes()
    assert notebooks.main(["lesson"], book) == 0
    assert "up to date" in capsys.readouterr().out
    assert (book / "book/lesson.ipynb").read_bytes() == stored


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print(doubled('wrong' - 1))", ["cell 2 of 2", "TypeError", "doubled('wrong' - 1)"]),
        ("import sys; print('oh no', file=sys.stderr)", ["wrote to stderr", "oh no"]),
    ],
)
def test_a_lesson_that_fails_says_where_and_keeps_the_old_notebook(book, capsys, code, said):
    settle(book)
    stored = (book / "book/lesson.ipynb").read_bytes()
    edit(book, "book/lesson.py", "print(doubled(21))", code)
    assert notebooks.main(["lesson"], book) == 1
    printed = capsys.readouterr().out
    for words in ["book/lesson.py", *said]:
        assert words in printed
    assert (book / "book/lesson.ipynb").read_bytes() == stored


# ---- What it takes -----------------------------------------------------------------------------------------


def noted(book):
    path = book / "book/results/lesson-times.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def test_what_a_lesson_takes_is_noted_and_makes_no_notebook_stale(book, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("GANTUT_DEVICE", raising=False)
    monkeypatch.delenv("GANTUT_SCALE", raising=False)
    (book / "book/lesson.py").rename(book / "book/01_lesson.py")
    assert notebooks.main(["01_lesson"], book) == 0
    times = noted(book)["cpu"]["01_lesson"]
    assert times["threads"] == "1"
    assert 0 < times["core seconds"] < 60
    assert times["seconds"] > 0
    assert notebooks.why_stale("01_lesson", book) == ""
    stored = (book / "book/01_lesson.ipynb").read_bytes()
    assert notebooks.main(["--times", "01_lesson"], book) == 0  # executed again, though nothing changed
    assert (book / "book/01_lesson.ipynb").read_bytes() == stored


@pytest.mark.parametrize(
    ("name", "scale", "device", "kept"),
    [
        ("03_lesson", "fast", "cuda:0", {"cuda": ["03_lesson"]}),
        ("03_lesson", "full", "cpu", {}),
        ("00_index", "fast", "cpu", {}),
        ("speed", "fast", "cpu", {}),
    ],
)
def test_times_are_noted_for_lessons_in_their_own_size_and_for_each_kind_of_device(
    tmp_path, monkeypatch, name, scale, device, kept
):
    (tmp_path / "book").mkdir()
    monkeypatch.setenv("GANTUT_SCALE", scale)
    monkeypatch.setenv("GANTUT_DEVICE", device)
    with notebooks.Clock() as clock:
        pass
    notebooks.note_times(name, clock, tmp_path)
    assert {kind: list(lessons) for kind, lessons in noted(tmp_path).items()} == kept
