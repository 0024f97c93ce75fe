"""The pages for teachers: minutes that are those of the lessons and add up, exam questions with their rubrics, and a
print for students without solutions."""

import io
import re
import shutil
from pathlib import Path

import pytest

from gantut.checks import read_ledger

reading_time = pytest.importorskip("reading_time")
teaching_times = pytest.importorskip("teaching_times")

BOOK = Path(__file__).resolve().parents[1] / "book"
TEACHING = (BOOK / "teaching.md").read_text(encoding="utf-8")
EXAM = (BOOK / "exam_questions.md").read_text(encoding="utf-8")
TITLES = {
    lesson.page: (number, lesson.title)
    for number, lesson in read_ledger().lessons.items()
    if number.isdigit() and lesson.page
}


def rows(page, heading):
    """The rows of the tables of a page that have a column of this heading, as dictionaries."""
    lines = page.splitlines()
    return [
        dict(zip(headings, teaching_times.cells(lines[number]), strict=True))
        for headings, numbers in teaching_times.tables(page)
        if heading in headings
        for number in numbers
    ]


def read_in(row):
    return teaching_times.NAMED.findall(row["Read before"])


WEEKS = [row for row in rows(TEACHING, "Week") if row["Week"].isdigit()]
SESSIONS = [row for row in rows(TEACHING, "Session") if row["Session"].isdigit()]

# ---- Minutes ------------------------------------------------------------------------------------------------


def test_the_minutes_of_each_lesson_are_those_that_it_takes():
    told, found = teaching_times.lesson_minutes(TEACHING), teaching_times.measured(BOOK)
    assert list(told) == list(found) == list(TITLES)
    off = {name: (told[name], round(found[name])) for name in told}
    wrong = {name: pair for name, pair in off.items() if abs(pair[0] / found[name] - 1) > reading_time.HONEST}
    assert wrong == {}, "python book/tools/teaching_times.py --write puts them right"


def test_the_sums_of_both_plans_are_right():
    assert teaching_times.put_right(TEACHING, {}) == TEACHING


def test_thirteen_weeks_read_every_lesson_once_in_order_and_never_more_than_three_hours():
    assert [int(row["Week"]) for row in WEEKS] == list(range(1, 14))
    assert [name for row in WEEKS for name in read_in(row)] == list(TITLES)
    assert max(int(row["Minutes"]) for row in [*WEEKS, *SESSIONS]) <= 180
    assert {row["In class"] for row in [*WEEKS, *SESSIONS]} == {"90"}


def test_five_sessions_read_ten_lessons_in_order_and_are_described_by_their_names():
    lessons = [name for row in SESSIONS for name in read_in(row)]
    assert len(SESSIONS) == 5
    assert len(lessons) == 10
    assert lessons == [name for name in TITLES if name in lessons]
    described = re.findall(r"^## Session (\d): (.+)$", TEACHING, re.M)
    assert described == [(row["Session"], row["Question"]) for row in SESSIONS]


def test_what_happens_in_a_class_fills_it():
    course = [int(row["Minutes"]) for row in rows(TEACHING, "In every class")]
    assert sum(course) == 90
    assert max(course) == 50
    for row in WEEKS:
        parts = re.findall(r"(?:^|; )(\d+) ", row["Live, with minutes"])
        assert sum(map(int, parts)) == 50, row["Week"]
        assert len(parts) >= 2


PAGE = """\
| Lesson | Minutes |
|---|---:|
| {doc}`1 <01_one>` | 80 |
| {doc}`2 <02_two>` | 70 |

| Week | Read before | Minutes | In class |
|---|---|---:|---:|
| 1 | {doc}`1 <01_one>`, {doc}`2 <02_two>` | 150 | 90 |
| 2 | | 0 | 60 |
| Together | | 150 | 150 |
"""


def test_a_sum_that_is_wrong_is_put_right():
    assert teaching_times.put_right(PAGE, {}) == PAGE
    for right, wrong in (("| 150 | 90 |", "| 140 | 90 |"), ("| 150 | 150 |", "| 150 | 180 |"), ("| 0 |", "| 10 |")):
        assert teaching_times.put_right(PAGE.replace(right, wrong), {}) == PAGE


def test_measured_minutes_are_rounded_to_five_and_added_up(tmp_path, capsys):
    lesson = "# %% [markdown]\n# # 2 · Two\n#\n" + "# word word word word word\n" * 26 * 61  # 61 minutes
    (tmp_path / "02_two.py").write_text(lesson, encoding="utf-8")
    page = tmp_path / "teaching.md"
    page.write_text(PAGE, encoding="utf-8")
    assert teaching_times.main([], page)
    assert "+ | {doc}`2 <02_two>` | 60 |" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8") == PAGE
    assert not teaching_times.main(["--write"], page)
    written = page.read_text(encoding="utf-8")
    assert teaching_times.lesson_minutes(written) == {"01_one": 80, "02_two": 60}
    assert "| 140 | 90 |" in written
    assert "| Together | | 140 | 150 |" in written
    assert not teaching_times.main([], page)


# ---- Exam questions -----------------------------------------------------------------------------------------


def questions():
    """Number, question and rubric of each exam question, with the heading of its lesson."""
    for section in re.split(r"^## ", EXAM, flags=re.M)[1:]:
        heading, _, body = section.partition("\n")
        for number, asked, rubric in re.findall(
            r"^\*\*(\d+\.\d)\*\* (.+?)\n\n:::\{admonition\} Rubric\n:class: dropdown\n(.+?)\n:::$", body, re.M | re.S
        ):
            yield heading, number, asked, rubric


def test_every_lesson_has_three_exam_questions_worth_six_points_each():
    found = list(questions())
    expected = [f"{int(number)} · {title}" for number, title in TITLES.values()]
    assert re.findall(r"^## (.+)$", EXAM, re.M) == expected
    assert [number for _, number, *_ in found] == [f"{int(n)}.{i}" for n, _ in TITLES.values() for i in (1, 2, 3)]
    for heading, number, asked, rubric in found:
        assert heading.startswith(f"{number.split('.')[0]} ")
        assert asked.rstrip().endswith((".", "?")), number
        points = re.findall(r"^- \*\*(\d)\*\* ", rubric, re.M)
        assert sum(map(int, points)) == 6, number
        assert len(points) >= 2, "a partial answer earns partial points"


def test_every_quiz_is_an_exam_question_on_what_was_read():
    numbers = {number for _, number, *_ in questions()}
    for row in WEEKS:
        assert row["Quiz"] in numbers
        assert int(row["Quiz"].split(".")[0]) in [int(name[:2]) for name in read_in(row)], row["Week"]


# ---- To hand out --------------------------------------------------------------------------------------------


def test_students_are_handed_every_page_but_the_teachers():
    pdf, pages = pytest.importorskip("pdf"), pytest.importorskip("pages")
    everything = pages.pages_of_toc(BOOK.parent)
    assert pdf.chosen([]) == everything
    assert set(everything) - set(pdf.chosen([], students=True)) == {"book/teaching", "book/exam_questions"}
    assert pdf.chosen(["book/13_better_critics", "book/teaching"], students=True) == ["book/13_better_critics"]


def test_a_page_for_teachers_alone_is_not_printed_for_students(capsys):
    with pytest.raises(SystemExit):
        pytest.importorskip("pdf").main(["--students", "book/exam_questions"])
    assert "book/exam_questions: not for students" in capsys.readouterr().err


def test_the_print_for_students_has_exercises_and_neither_hints_nor_solutions(request, tmp_path):
    pdf, pypdf = pytest.importorskip("pdf"), pytest.importorskip("pypdf")
    if not any(map(shutil.which, pdf.NAMES)):
        pytest.skip("there is no Chromium to print with")
    boxes = {"exercise": "how far", "hint": "add them up", "solution": "seven"}
    body = "".join(f"<div class='{name} admonition'><p>{text}</p></div>" for name, text in boxes.items())
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html><article><section><h1>A page</h1>{body}</section></article>")
    address, browser = (tmp_path / "page.html").as_uri(), request.getfixturevalue("browser")
    for students, shown in ((False, set(boxes)), (True, {"exercise"})):
        data, *_ = pdf.print_page(browser, address, students=students)
        text = pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()
        assert {name for name, words in boxes.items() if words in text} == shown
