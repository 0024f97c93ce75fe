"""Answers in the page: in a real browser, every exercise says of every answer what `check` says of it in Python."""

import base64
import dataclasses
import functools
import json
import math
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import sympy
from conftest import CHROMIUM

from gantut.lessons import Exercise, all_exercises, answer_key, mark
from gantut.lessons._marking import mark_answer

if not os.environ.get("CI"):
    for needed in ("playwright", "sphinx"):
        pytest.importorskip(needed)
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to answer in (on Debian: apt install chromium)", allow_module_level=True)
answer_boxes = pytest.importorskip("answer_boxes")

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = (ROOT / "book/style/answers.js").read_text(encoding="utf-8")
STYLE = (ROOT / "book/style/gantut.css").read_text(encoding="utf-8")
EXERCISES = all_exercises()
FORMULAS = {name for name, exercise in EXERCISES.items() if hasattr(exercise.answer, "free_symbols")}
MARKED = [name for name, exercise in EXERCISES.items() if name in FORMULAS or not callable(exercise.answer)]
HOME = "http://gantut.test/"

pytestmark = pytest.mark.site

# Give answers one after the other, as a reader does: type, press the button, read.
GIVE = """answers => answers.map(([id, text]) => {
  const box = document.querySelector(`[data-exercise="${id}"]`), input = box.querySelector("input");
  input.value = text;
  input.dispatchEvent(new Event("input"));
  box.requestSubmit();
  return box.querySelector("output").textContent;
})"""


@functools.cache
def key_of(name):
    return answer_key(EXERCISES[name])


def page_of(exercises):
    """A page with these exercises, each with its box, as the site has them."""
    boxes = "".join(
        f'<div class="exercise admonition" id="ex-{exercise.id}"><p class="admonition-title">Exercise 1.{n}</p></div>'
        + answer_boxes.box(exercise.id, answer_key(exercise), "lesson.ipynb", "https://colab/lesson.ipynb")
        for n, exercise in enumerate(exercises, 1)
    )
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Exercises</title>'
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body><section>'
        f"<h2>Exercises</h2>{boxes}</section><script>{SCRIPT}</script></body></html>"
    )


@pytest.fixture(scope="module")
def open_exercises(browser):
    """A function that opens exercises in a window of their own: -> tab, what the console said."""
    opened = []

    def open_exercises(*exercises, width=900):
        reader = browser.new_context(viewport={"width": width, "height": 844})
        opened.append(reader)
        tab, console = reader.new_page(), []
        tab.set_default_timeout(60_000)
        tab.on("console", lambda message: console.append(message.text))
        tab.on("pageerror", lambda error: console.append(str(error)))
        tab.route("**/*", lambda route: route.fulfill(body=page_of(exercises), content_type="text/html"))
        tab.goto(HOME)
        return tab, console

    yield open_exercises
    for reader in opened:
        reader.close()


@pytest.fixture(scope="module")
def all_in_a_page(open_exercises):
    return open_exercises(*EXERCISES.values())


def said_by(verdict):
    """What the page says where Python says this."""
    return ("✓ " if verdict.right else "✗ ") + verdict.message[0].upper() + verdict.message[1:]


def without_echo(said):
    """What the page says, less the number that an expression came to."""
    return re.sub(r"^(. \w+(?: yet)?\.) That is -?[\d.e+-]+\. |^(. Not yet\.) That is -?Infinity\. ", r"\1\2 ", said)


def answers_of(exercise):
    """Answers to try, each as a reader types it and as Python is given it."""
    listed = (exercise.answer, *(mistake.answer for mistake in exercise.mistakes))
    if exercise.id in FORMULAS:
        right = exercise.answer
        forms = [*map(str, listed), str(sympy.expand(right)), str(sympy.together(right)), f"({right})*1.000001", "u**3"]
        return [(form, form) for form in forms]
    numbers = [*map(float, listed), float(exercise.answer) * (1 + exercise.tolerance / 2), 123456.789, -0.0123]
    rounded = [float(f"{float(exercise.answer):.{digits}g}") for digits in (1, 2)]
    return [(repr(number), number) for number in [*numbers, *rounded]]


@pytest.mark.parametrize("name", MARKED)
def test_the_page_says_of_each_right_known_wrong_and_other_answer_what_python_says(all_in_a_page, name):
    tab, console = all_in_a_page
    answers = answers_of(EXERCISES[name])
    said = tab.evaluate(GIVE, [[name, text] for text, _ in answers])
    for (text, given), page in zip(answers, said, strict=True):
        assert without_echo(page) == said_by(mark(name, given)), text
    assert said[0].startswith("✓")
    assert all(page.startswith("✗") for page in said[1 : 1 + len(EXERCISES[name].mistakes)])
    assert not console


def test_numbers_formulas_and_functions_are_told_apart():
    kinds = {name: (key_of(name) or {"kind": "function"})["kind"] for name in EXERCISES}
    assert kinds["kl-of-a-coin"] == "number"
    assert kinds["gaussian-kl-formula"] == "formula"
    assert kinds["area-function"] == "function"
    for name, exercise in EXERCISES.items():
        assert (kinds[name] == "function") == (
            callable(exercise.answer) and not hasattr(exercise.answer, "free_symbols")
        )


def test_a_formula_that_is_hardly_ever_real_has_no_key():
    x = sympy.Symbol("x", positive=True)
    exercise = Exercise(id="f", answer=sympy.sqrt(x - 2.5), praise="Good.", mistakes=())
    with pytest.raises(ValueError, match="'f': its answer is real at only"):
        answer_key(exercise)


@pytest.mark.parametrize("name", MARKED)
def test_an_answer_cannot_be_read_at_a_glance_but_all_of_it_is_there(name):
    html = answer_boxes.box(name, key_of(name))
    (encoded,) = re.findall(r'data-key="([\w+/=]+)"', html)
    assert key_of(name)["praise"] not in html
    assert json.loads(base64.b64decode(encoded)) == key_of(name)


# ---- What can be typed --------------------------------------------------------------------------------------

NUMBERS = {
    "3/8": 0.375,
    "2**-1": 0.5,
    "-2**2": -4,
    "2**3**2": 512,
    "2^3": 8,
    "(1 + 2) * -3": -9,
    "1 - 2 - 3": -4,
    "8 / 4 / 2": 1,
    "1e-3": 0.001,
    ".5": 0.5,
    "5.": 5,
    "65,536,000": 65_536_000,
    "65_536": 65_536,
    "−1 ÷ 4 × 2": -0.5,
    "math.log(2)": math.log(2),
    "np.sqrt(2) / 2": math.sqrt(0.5),
    "log(8, 2) + log2(8)": 6,
    "exp(1) - E": 0,
    "pi / π": 1,
    "abs(-3)": 3,
    "max(1, 2, 3)": 3,
    "- - 2": 2,
    "inf": math.inf,
}


def test_an_expression_is_the_number_that_python_makes_of_it(open_exercises):
    exercises = [
        Exercise(id=f"n{n}", answer=value, praise="Good.", mistakes=(), tolerance=1e-12)
        for n, value in enumerate(NUMBERS.values())
    ]
    tab, _ = open_exercises(*exercises)
    said = tab.evaluate(GIVE, [[f"n{n}", text] for n, text in enumerate(NUMBERS)])
    assert [text for text, page in zip(NUMBERS, said, strict=True) if not page.startswith("✓")] == []


@pytest.mark.parametrize(
    "text", ["1 +", "2a", "1.5.2", "(1", "1)", "1, 2", "1,5", "", "()", "log()", "#", "a(", "what?"]
)
def test_what_cannot_be_read_is_no_answer_and_breaks_nothing(all_in_a_page, text):
    tab, console = all_in_a_page
    (said,) = tab.evaluate(GIVE, [["gaussian-kl-formula", text]])
    assert said.startswith("✗") or said == "No answer yet."
    assert not console


@pytest.mark.parametrize(
    "text",
    [
        "alert(1)", "constructor", "toString()", "__proto__", "window.location", "m.constructor('return 1')()", "=>1",
        "`${1}`", "(" * 5000 + "1" + ")" * 5000, "-" * 300 + "1", "(" * 150 + "1" + ")" * 150, "1" * 500,
    ],
)  # fmt: skip
def test_nothing_that_is_typed_is_run(all_in_a_page, text):
    tab, console = all_in_a_page
    dialogs = []
    tab.once("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for name in ("gaussian-kl-formula", "kl-of-a-coin"):
        (said,) = tab.evaluate(GIVE, [[name, text]])
        assert said.startswith("✗")
    assert not dialogs
    assert not console


def test_the_script_evaluates_no_code_and_reaches_for_no_network():
    assert not re.search(r"\beval\b|new Function|setTimeout\(['\"]|innerHTML|\bfetch\b|XMLHttpRequest|import\(", SCRIPT)


a, b = sympy.symbols("a b", positive=True)


FORMS = [
    (-1 / (1 + sympy.exp(-a)), "-exp(a)/(1 + exp(a))"),
    (-1 / (1 + sympy.exp(-a)), "-(1 + tanh(a/2))/2"),
    (sympy.log(a / (a + b)), "log(a) - log(a + b)"),
    (sympy.log(1 - a), "log((1 - a**2) / (1 + a))"),
    (1 / (1 + sympy.exp(-(a - b))), "exp(a)/(exp(a) + exp(b))"),
    (sympy.sqrt(a**2), "abs(a)"),
    (a * 0.1, "a / 10"),
    (a / (1 + sympy.exp(a**2 / b**4)), "a*exp(-a**2/b**4)/(1 + exp(-a**2/b**4))"),
    (a / (1 + sympy.exp(-(a**2) / b**4)), "a*exp(a**2/b**4)/(1 + exp(a**2/b**4))"),  # overflows: inf/inf
]
ROUNDED = [0.125, 0.375, 2.5, 1.25, -0.125, 1234.5, 0.0996, 1.2345, 99.7]
MADE_UP = {
    **{f"f{n}": Exercise(id=f"f{n}", answer=right, praise="Good.", mistakes=()) for n, (right, _) in enumerate(FORMS)},
    **{
        f"n{n}": Exercise(id=f"n{n}", answer=right, praise="Good.", mistakes=(), tolerance=1e-6)
        for n, right in enumerate(ROUNDED)
    },
}


@pytest.fixture(scope="module")
def made_up_in_a_page(open_exercises):
    return open_exercises(*MADE_UP.values())[0]


@pytest.mark.parametrize("n", range(len(FORMS)), ids=[given for _, given in FORMS])
def test_a_formula_is_right_in_every_form_and_wrong_by_a_millionth(made_up_in_a_page, n):
    exercise, given = MADE_UP[f"f{n}"], FORMS[n][1]
    answers = [given, f"({given}) * 1.000001", f"({given}) + 0.000001", "c"]
    said = made_up_in_a_page.evaluate(GIVE, [[exercise.id, text] for text in answers])
    assert said == [said_by(mark_answer(exercise, text)) for text in answers]
    assert said[0].startswith("✓")


@pytest.mark.parametrize("n", range(len(ROUNDED)), ids=ROUNDED)
def test_a_rounded_number_is_asked_for_more_digits_as_in_python(made_up_in_a_page, n):
    exercise, right = MADE_UP[f"n{n}"], ROUNDED[n]
    numbers = [sign * round(abs(right), digits) for digits in range(-3, 4) for sign in (1, -1)]
    numbers += [math.floor(right * 100) / 100, math.ceil(right * 100) / 100]
    said = made_up_in_a_page.evaluate(GIVE, [[exercise.id, repr(float(number))] for number in numbers])
    assert said == [said_by(mark_answer(exercise, float(number))) for number in numbers]


# ---- What a reader has answered -----------------------------------------------------------------------------

NUMBER = Exercise(id="n", answer=0.75, praise="Good.", mistakes=())
FUNCTION = Exercise(id="g", answer=lambda x: x, praise="Good.", mistakes=(), arguments=((1.0,),))


def solved(tab):
    return tab.locator(".exercise.solved").count(), tab.locator(".answer-progress").inner_text()


def test_answers_are_kept_in_the_browser_until_they_are_forgotten(open_exercises):
    tab, console = open_exercises(NUMBER, dataclasses.replace(NUMBER, id="m"), FUNCTION)
    assert solved(tab)[0] == 0
    forget = tab.get_by_role("button", name="Forget my answers")
    assert not forget.is_visible()
    tab.locator("#answer-n").fill("3/4")
    tab.locator("#answer-n").press("Enter")
    tab.locator("#answer-m").fill("0.5")
    tab.locator("#answer-m").press("Enter")
    tab.get_by_role("checkbox").check()
    for _ in range(2):
        count, progress = solved(tab)
        assert count == 2
        assert "2 of 3 solved" in progress
        assert tab.locator("#answer-n").input_value() == "3/4"
        assert tab.locator("form.answer.right output").inner_text() == "✓ Right. That is 0.75. Good."
        assert tab.locator("form.answer.wrong").count() == 1
        assert tab.get_by_role("checkbox").is_checked()
        tab.reload()
    forget.click()
    for _ in range(2):
        assert solved(tab)[0] == 0
        assert tab.locator("#answer-n").input_value() == ""
        assert not tab.get_by_role("checkbox").is_checked()
        tab.reload()
    assert not console


def test_what_was_said_is_gone_as_soon_as_the_answer_changes(open_exercises):
    tab, _ = open_exercises(NUMBER)
    box = tab.locator("#answer-n")
    box.fill("0.5")
    box.press("Enter")
    box.press("End")
    box.type("1")
    assert tab.locator("form.answer output").inner_text() == ""
    assert tab.locator("form.answer.wrong").count() == 0


@pytest.mark.parametrize("width", [390, 900])
def test_a_box_is_used_with_the_keyboard_alone_has_a_name_and_fits(open_exercises, width):
    tab, _ = open_exercises(NUMBER, FUNCTION, width=width)
    tab.keyboard.press("Tab")
    tab.keyboard.type("3/4")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    said = tab.get_by_role("status")
    assert said.inner_text().startswith("✓ Right.")
    assert said.get_attribute("aria-live") == "polite"
    assert tab.get_by_role("textbox", name="Your answer: Exercise 1.1").count() == 1
    assert tab.get_by_role("checkbox", name="Solved there: Exercise 1.2").count() == 1
    assert "number" in tab.locator(f"#{tab.locator('#answer-n').get_attribute('aria-describedby')}").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for control in tab.locator(".answer input, .answer button").all():
        assert control.bounding_box()["height"] >= (12 if control.get_attribute("type") == "checkbox" else 24)


def test_a_function_is_sent_to_where_python_is():
    html = answer_boxes.box("g", None, "../_sources/book/01.ipynb", "https://colab/01.ipynb")
    assert 'href="../_sources/book/01.ipynb"' in html
    assert 'href="https://colab/01.ipynb"' in html
    assert "data-key" not in html


# ---- In the pages -------------------------------------------------------------------------------------------


@pytest.fixture
def cell():
    """A function that makes the cell of an exercise as it stands in a page that was read, and has it changed."""
    nodes = pytest.importorskip("docutils.nodes")
    utils = pytest.importorskip("docutils.utils")

    def cell(printed):
        document = utils.new_document("page")
        code = nodes.container("", nodes.literal_block("answer = ...", "answer = ..."), classes=["cell_input"])
        block = nodes.literal_block(printed, printed, classes=["output", "stream"])
        output = nodes.container("", block, classes=["cell_output"])
        document += nodes.container("", code, output, classes=["cell"])
        answer_boxes.make_boxes(SimpleNamespace(env=SimpleNamespace(docname="book/01_x")), document)
        return document

    return cell


def test_a_cell_that_waits_becomes_a_box_and_folds_its_code(cell):
    document = cell("… kl-of-a-coin: no answer yet. Replace the dots, then run this cell again.\n")
    raw, folded = document[0].children
    assert 'data-exercise="kl-of-a-coin"' in raw.astext()
    assert folded["tag"] == "details"
    assert "answer = ..." in folded.astext()


def test_a_cell_that_waits_for_a_function_shows_its_code_and_leads_to_the_notebook(cell):
    document = cell("… area-function: no answer yet. Replace the dots, then run this cell again.\n")
    code, raw = document[0].children
    assert "cell_input" in code["classes"]
    assert "../_sources/book/01_x.ipynb" in raw.astext()
    assert "/blob/main/book/01_x.ipynb" in raw.astext()


def test_other_output_stays_as_it_is(cell):
    document = cell("no answer yet")
    assert "no answer yet" in document.astext()
    assert "data-exercise" not in document.astext()
