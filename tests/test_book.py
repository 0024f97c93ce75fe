"""The book keeps its promises: claims, lessons, exercises."""

import ast
import itertools
import math
import re
from pathlib import Path

import pytest
from claims_audit import audit
from lesson_cells import cells_of

from gantut import lessons
from gantut.checks import read_ledger
from gantut.lessons import all_exercises, mark

BOOK = Path(__file__).parent.parent / "book"
ROOMS = Path(lessons.__file__).parent
LEDGER = read_ledger()
EXERCISES = all_exercises()
LESSONS = sorted(BOOK.glob("[0-9][0-9]_*.py"))
CHAPTERS = [path for path in LESSONS if not path.name.startswith("00")]


def cells(path, kind):
    return [cell for cell in cells_of(path) if cell.cell_type == kind]


def prose(path):
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def by_name(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def test_the_ledger_names_exactly_the_lessons_that_exist():
    pages = {lesson.page for lesson in LEDGER.lessons.values() if lesson.page}
    assert pages == {path.stem for path in CHAPTERS} | {"errata"}, "a lesson is named under `lessons:` in claims.yml"


def test_every_claim_of_a_finished_lesson_is_shown_there_and_no_other():
    finished = {path.name[:2]: path.read_text() for path in CHAPTERS}
    assert audit(LEDGER, finished) == []
    assert all(entry.method == "reading" for entry in LEDGER.of_lesson("errata")), "no code runs on the page of errata"
    pages_without_claims = [path for path in BOOK.glob("*.py") if path.stem not in {p.stem for p in CHAPTERS}]
    assert audit(LEDGER, {path.stem: path.read_text() for path in pages_without_claims}) == []


@by_name(CHAPTERS)
def test_the_stored_page_shows_a_green_line_for_every_claim_of_its_lesson(path):
    import nbformat

    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    printed = "".join(
        o.get("text", "") for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stdout"
    )
    shown = re.findall(r"^✓ ([\w-]+): ", printed, re.M)
    expected = [entry.id for entry in LEDGER.of_lesson(path.name[:2])]
    assert sorted(set(shown)) == sorted(expected)


def test_the_landing_page_links_every_finished_lesson_and_names_every_planned_one():
    landing = prose(BOOK / "00_index.py")
    for number, (title, page) in LEDGER.lessons.items():
        if number.isdigit():
            found = (f"<{page}>" in landing) if page else (f"*{title}*" in landing)
            assert found, f"the table of book/00_index.py has no row for lesson {number}"


def test_every_lab_is_shown_in_a_lesson_and_the_landing_page_counts_them():
    labs = {script.stem: script.parent.name for script in ROOMS.glob("*/*.js") if script.parent.name != "labs"}
    for lab, room in labs.items():
        (chapter,) = BOOK.glob(f"[0-9][0-9]_{room}.py")
        assert re.search(rf"^{lab}\(", chapter.read_text(), re.M), f"{chapter.name} does not show the lab {lab}"
    counts = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"]
    assert f"**{counts[len(labs)]} labs run in your browser**" in prose(BOOK / "00_index.py")


@by_name(CHAPTERS)
def test_a_lesson_opens_with_what_it_gives_needs_and_takes_and_ends_on_summary_and_sources(path):
    opening, text = cells(path, "markdown")[0].source, prose(path)
    assert re.match(rf"# {int(path.name[:2])} · ", opening)
    for promise in ("**You will be able to say**", "**You need**", "**It takes**"):
        assert promise in opening
    for part in ("## What to remember", "**Sources.**", "Try it"):
        assert part in text


@by_name(sorted(BOOK.glob("*.py")))
def test_the_first_code_cell_installs_gantut_where_it_is_missing(path):
    assert 'if importlib.util.find_spec("gantut") is None:' in cells(path, "code")[0].source


@by_name(LESSONS)
def test_every_figure_has_a_caption_a_name_and_alternative_text_that_says_what_it_shows(path):
    figures = [cell for cell in cells(path, "code") if "plots.show()" in cell.source]
    for cell in figures:
        settings = cell.metadata.get("mystnb", {})
        assert len(settings["image"]["alt"]) > 100, cell.source
        assert settings["figure"]["caption"], cell.source
        assert settings["figure"]["name"].startswith("fig-"), cell.source
    names = [cell.metadata["mystnb"]["figure"]["name"] for cell in figures]
    assert len(set(names)) == len(names) > 0


@by_name(CHAPTERS)
def test_every_displayed_labelled_equation_has_a_name_of_its_own_and_is_referred_to_or_defines(path):
    text = prose(path)
    labels = re.findall(r"\$\$ \((eq-[\w-]+)\)", text)
    assert len(labels) == len(set(labels))
    assert len(labels) >= 3, "three equations or more have a label: $$ (eq-name)"
    everywhere = "\n".join(prose(other) for other in CHAPTERS)
    assert set(re.findall(r"\{eq\}`([\w-]+)`", text)) <= set(re.findall(r"\$\$ \((eq-[\w-]+)\)", everywhere))


@by_name(CHAPTERS)
def test_code_cells_are_short_enough_to_be_understood_in_a_minute(path):
    for cell in cells(path, "code"):
        if "hide-input" in cell.metadata.get("tags", []) or cell.source.startswith("import"):
            continue
        lines = [
            line for line in cell.source.splitlines() if len(line.strip()) > 1
        ]  # not: blank lines, closing brackets
        assert len(lines) <= 26, f"{len(lines)} lines:\n{cell.source}"


def exercises_of(path):
    """The exercises of a lesson: label, name in the check cell, and the code of the solution."""
    text = prose(path)
    labels = re.findall(r":::\{exercise\}\n:label: ex-([\w-]+)", text)
    checked = [
        name for cell in cells(path, "code") for name in re.findall(r'^check\("([\w-]+)", answer\)', cell.source, re.M)
    ]
    solutions = dict(re.findall(r":::\{solution\} ex-([\w-]+)\n:class: dropdown\n(.*?)\n:::", text, re.S))
    return labels, checked, solutions


@by_name(CHAPTERS)
def test_a_lesson_has_three_to_six_exercises_each_checked_and_each_with_a_folded_solution(path):
    labels, checked, solutions = exercises_of(path)
    assert 3 <= len(labels) <= 6
    assert labels == checked == list(solutions)
    assert set(labels) <= set(EXERCISES)


def hints_of(path):
    """The folded hints of a lesson, by exercise: each ends its exercise's own cell, and the answer's cell is next."""
    hints = {}
    for cell, following in itertools.pairwise(cells_of(path)):
        exercise = r":::\{exercise\}\n:label: ex-([\w-]+)\n(?:(?!:::).*\n)+:::\n\n"
        found = re.search(exercise + r":::\{hint\}\n:class: dropdown\n((?:(?!:::).*\n)+):::$", cell.source)
        if found and f'check("{found[1]}", answer)' in following.source:
            hints[found[1]] = " ".join(found[2].split())
    return hints


def given_away(hint, code, answer):
    """What a hint should keep to itself: any line of the solution's code, and the answer where that is a number."""
    squeezed = re.sub(r"[\s`]", "", hint)
    for line in code.splitlines():
        line = re.sub(r"^\s*(return|answer =) |\s*#.*", "", line)
        if re.search(r"\w.*\W.*\w", line) and re.sub(r"\s", "", line) in squeezed:
            yield line.strip()
    if isinstance(answer, (int, float)):
        plain = re.sub(r"\{[\w:]+\}`[^`]*`|(?<=\d),(?=\d{3})", "", hint)  # without references; 1000 for 1,000
        plain = re.sub(r"\\[td]?frac(\d|\{\d+\})(\d|\{\d+\})", r"\1/\2", plain).translate({ord("{"): "", ord("}"): ""})
        for number, divisor in re.findall(r"(?<![\w^.])(\d+(?:\.\d+)?)(?:\s*/\s*(\d+))?(?!\w)", plain):
            if math.isclose(float(number) / float(divisor or 1), abs(answer), rel_tol=0.02):
                yield answer


@by_name(CHAPTERS)
def test_every_exercise_has_a_folded_hint_that_leaves_something_to_do(path):
    labels, _, solutions = exercises_of(path)
    hints = hints_of(path)
    assert list(hints) == labels, "a hint follows its exercise, in the same cell and before the cell for the answer"
    assert prose(path).count(":::{hint}") == len(labels)
    for label, hint in hints.items():
        (code,) = re.findall(r"```python\n(.*?)```", solutions[label], re.S)
        assert list(given_away(hint, code, EXERCISES[label].answer)) == [], label
        assert 1 <= len(re.findall(r"[.?!][)\"*]*(?=\s|$)", hint)) <= 3, f"{label}: one to three sentences"


@pytest.mark.parametrize(
    ("hint", "answer"),
    [
        ("Is it $\\frac1{16}$ of the way?", 1 / 16),
        ("It is 65,536,000 of them.", 65_536_000),
        ("Half of them: 0.5.", 1 / 2),
        ("Take `x.mean() + x.std()`, of course.", None),
        ("The answer is `x.mean()+x.std()`.", None),
        ("Call it `scale = x.std()` first.", None),
    ],
)
def test_a_hint_that_gives_the_answer_away_is_found(hint, answer):
    code = "def answer(x):\n    scale = x.std()  # of all\n    return x.mean() + x.std()\n"
    assert list(given_away(hint, code, answer))
    assert not list(given_away("Try $n=2$ in {eq}`eq-16` and `x.mean()` first.", code, answer))


def test_every_exercise_is_set_in_a_lesson():
    assert {label for path in CHAPTERS for label in exercises_of(path)[0]} == set(EXERCISES)


@by_name(CHAPTERS)
def test_every_printed_solution_passes_its_own_check(path):
    names = {}
    for cell in cells(path, "code"):
        imports = [node for node in ast.parse(cell.source).body if isinstance(node, (ast.Import, ast.ImportFrom))]
        exec(compile(ast.Module(imports, []), path.name, "exec"), names)
    for label, solution in exercises_of(path)[2].items():
        (code,) = re.findall(r"```python\n(.*?)```", solution, re.S)
        exec(code, names)
        verdict = mark(label, names.pop("answer"))
        assert verdict.right, f"{label}: {verdict.message}"
