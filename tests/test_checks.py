"""Claims: they print one stable line where they hold, and stop where they do not; and the ledger behind them."""

import math

import numpy as np
import pytest
import sympy
import torch
import yaml
from claims_audit import audit, claims_shown

from gantut.checks import ClaimFailed, Entry, Ledger, UnknownClaim, claim, read_ledger
from gantut.checks import _ledger as ledger_module

pytestmark = pytest.mark.filterwarnings("error")

NAN, INF = math.nan, math.inf


def entry(claim_id, lesson="01", **changes):
    fields = dict(
        id=claim_id, kind="theorem", lesson=lesson, sources=["weng: Section 1"], statement="Something is so.",
        verdict="holds", method="exact", check="It is computed.",
    )  # fmt: skip
    return {key: value for key, value in (fields | changes).items() if value is not None}


def document(*entries, **changes):
    whole = {
        "lessons": {"01": {"title": "First", "page": "01_first"}, "02": {"title": "Second"}},
        "sources": {"weng": {"title": "A post"}},
    }
    return whole | {"claims": list(entries)} | changes


@pytest.fixture
def write(tmp_path):
    """A function that writes a small ledger to a file of its own, and returns the path."""
    counter = iter(range(100))

    def save(*entries, **changes):
        path = tmp_path / f"{next(counter)}.yml"
        path.write_text(yaml.safe_dump(document(*entries, **changes), allow_unicode=True), encoding="utf-8")
        return path

    return save


@pytest.fixture
def small_ledger(monkeypatch, write):
    """Claims are made under the ids of a ledger of three entries."""
    path = write(entry("dstar"), entry("js-bounded"), entry("kl-definition"))
    monkeypatch.setattr(ledger_module, "_default_path", lambda: path)


# ---------------------------------------------------------------------------------------------- claims that hold

x = sympy.symbols("x", positive=True)


def range_of_five(shift):
    return np.arange(5) + shift


HOLDS = [
    pytest.param(True, {}, "", id="true"),
    pytest.param(np.bool_(True), {}, "", id="numpy true"),
    pytest.param(torch.tensor(True), {}, "", id="torch true"),
    pytest.param(np.array([True]), {}, "", id="one true"),
    pytest.param(0.5, dict(equals=0.5), "  (0.5 exactly)", id="exactly"),
    pytest.param(3, dict(equals=3), "  (3 exactly)", id="whole numbers"),
    pytest.param(0.5 + 1e-13, dict(equals=0.5, atol=1e-12), "  (0.5 ± 1e-12)", id="up to atol"),
    pytest.param(0.5 + 1e-12, dict(equals=0.5, atol=2e-12), "  (0.5 ± 2e-12)", id="just inside atol"),
    pytest.param(1000.001, dict(equals=1000, rtol=1e-5), "  (1000 ± 1e-05 relative)", id="up to rtol"),
    pytest.param(
        1.5, dict(equals=1, atol=0.3, rtol=0.3), "  (found 1.5; wanted 1 ± (0.3 + 0.3 relative))", id="both tolerances"
    ),
    pytest.param(-math.log(4), dict(equals=-2 * math.log(2), atol=1e-9), "  (-1.38629 ± 1e-09)", id="six digits"),
    pytest.param(1e-17, dict(equals=-0.0, atol=1e-9), "  (0 ± 1e-09)", id="never -0"),
    pytest.param(INF, dict(equals=INF), "  (inf exactly)", id="infinity"),
    pytest.param(-INF, dict(equals=-INF), "  (-inf exactly)", id="minus infinity"),
    pytest.param(0.3, dict(below=1), "  (0.3 < 1)", id="below"),
    pytest.param(0.3, dict(above=0), "  (0.3 > 0)", id="above"),
    pytest.param(0.3, dict(above=0.25, below=0.5), "  (0.3 between 0.25 and 0.5)", id="between"),
    pytest.param(0.0496, dict(below=0.05), "  (0.0496 < 0.05)", id="so finely that it does not touch the bound"),
    pytest.param(0.04979, dict(below=0.0498), "  (0.04979 < 0.0498)", id="nor crosses it"),
    pytest.param(4873.2, dict(above=10), "  (4900 > 10)", id="two digits"),
    pytest.param(4873.2, dict(above=10, digits=3), "  (4870 > 10)", id="as many digits as are asked for"),
    pytest.param(2.2e-16, dict(below=1e-9), "  (about 0 < 1e-09)", id="rounding noise is not shown"),
    pytest.param([0.0, 2e-16], dict(below=1e-9), "  (all 2 < 1e-09: about 0)", id="nor told from what is exact"),
    pytest.param(3.2e-5, dict(below=1e-3, digits=1), "  (3e-05 < 0.001)", id="unless it is asked for"),
    pytest.param(0.0, dict(above=-1e-12), "  (0 > -1e-12)", id="nothing"),
    pytest.param([3, 3], dict(above=0), "  (all 2 > 0: 3)", id="all the same"),
    pytest.param(-INF, dict(below=0), "  (-inf < 0)", id="minus infinity is below"),
    pytest.param([0.1, 0.2], dict(below=1), "  (all 2 < 1: 0.1 to 0.2)", id="all below"),
    pytest.param((0.1, [0.2, 0.3]), dict(above=0), "  (all 3 > 0: 0.1 to 0.3)", id="nested"),
    pytest.param(
        np.array([[0.1], [0.2]]), dict(above=0, below=1), "  (all 2 between 0 and 1: 0.1 to 0.2)", id="array between"
    ),
    pytest.param([1.0, 2.0], dict(equals=[1.0, 2.0]), "  (1, 2 exactly)", id="each exactly"),
    pytest.param([1.0, 2.1], dict(equals=[1, 2], atol=0.2), "  (found 1, 2.1; wanted 1, 2 ± 0.2)", id="each within"),
    pytest.param([1.0, INF], dict(equals=[1, INF], atol=0.2), "  (1, inf ± 0.2)", id="one infinite"),
    pytest.param(range_of_five(0.1), dict(equals=range_of_five(0.0), atol=0.2), "  (5 values ± 0.2)", id="many within"),
    pytest.param(range_of_five(0.0), dict(equals=range_of_five(0.0)), "  (5 values exactly)", id="many exactly"),
    pytest.param([2.0, 2.0, 2.0], dict(equals=2.0), "  (2 exactly)", id="many against one"),
    pytest.param(np.float32(0.5), dict(equals=np.float64(0.5)), "  (0.5 exactly)", id="numpy scalars"),
    pytest.param(torch.tensor([0.5, 0.5]), dict(equals=torch.tensor(0.5)), "  (0.5 exactly)", id="tensors"),
    pytest.param(
        torch.tensor(0.5, requires_grad=True), dict(equals=0.5), "  (0.5 exactly)", id="a tensor with a gradient"
    ),
    pytest.param(True, dict(equals=1), "  (1 exactly)", id="truth as a number"),
    pytest.param((x + 1) ** 2, dict(equals=x**2 + 2 * x + 1), "  (identical as formulas)", id="identity"),
    pytest.param(sympy.log(x**2), dict(equals=2 * sympy.log(x)), "  (identical as formulas)", id="identity of logs"),
    pytest.param(sympy.sin(x) ** 2 + sympy.cos(x) ** 2, dict(equals=1), "  (identical as formulas)", id="sin² + cos²"),
    pytest.param(0.5, dict(equals=sympy.Rational(1, 2)), "  (identical as formulas)", id="a number against sympy"),
]


@pytest.mark.usefixtures("small_ledger")
@pytest.mark.parametrize(("value", "condition", "shown"), HOLDS)
def test_a_claim_that_holds_prints_one_line_and_returns_nothing(capsys, value, condition, shown):
    assert claim("dstar", "the statement", value, **condition) is None
    assert capsys.readouterr().out == f"✓ dstar: the statement{shown}\n"


@pytest.mark.usefixtures("small_ledger")
def test_tensors_of_every_device_and_precision_can_be_claimed(capsys, device):
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.int64):
        claim("dstar", "two", torch.full((2, 2), 2, dtype=dtype, device=device), equals=2)
    assert capsys.readouterr().out == "✓ dstar: two  (2 exactly)\n" * 4


@pytest.mark.usefixtures("small_ledger")
def test_an_estimate_is_claimed_by_its_value(capsys):
    from gantut.data import gaussian
    from gantut.divergences import kl_between

    claim("kl-definition", "KL", kl_between(gaussian(0, 1), gaussian(1, 1)), equals=0.5, atol=1e-9)
    assert capsys.readouterr().out == "✓ kl-definition: KL  (0.5 ± 1e-09)\n"


@pytest.mark.usefixtures("small_ledger")
def test_the_line_does_not_show_the_digits_of_this_machine(capsys):
    for noise in (0.0, 3e-10, -4e-10):
        claim("dstar", "half", 0.5 + noise, equals=0.5, atol=1e-9)
        claim("dstar", "small", 0.1 + noise, below=0.2)
    assert len(set(capsys.readouterr().out.splitlines())) == 2


# ---------------------------------------------------------------------------------------------- claims that fail

FAILS = [
    pytest.param(False, {}, "false", "", id="false"),
    pytest.param(np.bool_(False), {}, "false", "", id="numpy false"),
    pytest.param(torch.tensor(False), {}, "false", "", id="torch false"),
    pytest.param(0.5 + 1e-16 * 2, dict(equals=0.5), "0.5000000000000002", "0.5", id="one rounding off"),
    pytest.param(0.6, dict(equals=0.5, atol=0.05), "0.6", "0.5 ± 0.05", id="outside atol"),
    pytest.param(1.5, dict(equals=1, rtol=0.3), "1.5", "1 ± 0.3 relative", id="outside rtol"),
    pytest.param(NAN, dict(equals=0.5, atol=1), "nan", "0.5 ± 1", id="NaN"),
    pytest.param(NAN, dict(equals=NAN), "nan", "nan", id="NaN does not equal NaN"),
    pytest.param(INF, dict(equals=0.5, atol=1e300), "inf", "0.5", id="infinity where a number was due"),
    pytest.param(1e308, dict(equals=INF, atol=1e308), "1e+308", "inf", id="a number where infinity was due"),
    pytest.param(-INF, dict(equals=INF), "-inf", "inf", id="the wrong infinity"),
    pytest.param([1.0, 2.5, 3.0], dict(equals=[1, 2, 3], atol=0.1), "2.5", "1, 2, 3 ± 0.1", id="one of three"),
    pytest.param([1.0, NAN, 3.0], dict(equals=[1, 2, 3], atol=9), "nan", "1, 2, 3 ± 9", id="a NaN of three"),
    pytest.param([0.5] * 99 + [NAN], dict(equals=0.5), "nan", "0.5", id="a NaN of a hundred"),
    pytest.param(np.array([0.5, 0.7]), dict(equals=0.5, atol=0.1), "0.7", "0.5 ± 0.1", id="one of many against one"),
    pytest.param([1.0, 2.0], dict(equals=[1, 2, 3]), "2 values", "3", id="fewer values"),
    pytest.param([1.0, 2.0, 3.0, 4.0], dict(equals=[1, 2]), "4 values", "2", id="more values"),
    pytest.param(1.0, dict(equals=[1.0, 1.0]), "1 values", "2", id="one value for two"),
    pytest.param([], dict(equals=0.5), "0 values", "", id="no values"),
    pytest.param(torch.zeros(0), dict(equals=torch.zeros(0)), "0 values", "", id="none against none"),
    pytest.param([], dict(below=1), "no values", "< 1", id="none below"),
    pytest.param(np.zeros((0, 3)), dict(above=0, below=1), "no values", "between 0 and 1", id="none between"),
    pytest.param(1.5, dict(below=1), "1.5", "< 1", id="not below"),
    pytest.param(1, dict(below=1), "1.0", "< 1", id="bounds are strict below"),
    pytest.param(0, dict(above=0), "0.0", "> 0", id="bounds are strict above"),
    pytest.param(0.1, dict(above=0.25, below=0.5), "0.1", "between 0.25 and 0.5", id="not between"),
    pytest.param(NAN, dict(below=INF), "nan", "< inf", id="NaN is below nothing"),
    pytest.param(NAN, dict(above=-INF), "nan", "> -inf", id="NaN is above nothing"),
    pytest.param(INF, dict(below=INF), "inf", "< inf", id="infinity is not below itself"),
    pytest.param(0.5, dict(below=NAN), "0.5", "< nan", id="a bound that is NaN"),
    pytest.param(0.5, dict(equals=0.5, atol=NAN), "0.5", "0.5", id="a tolerance that is NaN"),
    pytest.param(0.5, dict(equals=0.5, atol=-1), "0.5", "0.5", id="a negative tolerance"),
    pytest.param([0.1, 0.2, 7.0], dict(below=1), "7.0", "all 3 < 1", id="one too large of three"),
    pytest.param(torch.tensor([0.1, NAN]), dict(below=1), "nan", "all 2 < 1", id="one NaN of two"),
    pytest.param((x + 1) ** 2, dict(equals=x**2 + 1), "2*x", "identical as formulas", id="no identity"),
    pytest.param(sympy.Rational(1, 3), dict(equals=0.3), "1/3", "identical as formulas", id="sympy against a number"),
]


@pytest.mark.usefixtures("small_ledger")
@pytest.mark.parametrize(("value", "condition", "found", "wanted"), FAILS)
def test_a_claim_that_fails_raises_with_all_it_knows_and_prints_nothing(capsys, value, condition, found, wanted):
    with pytest.raises(ClaimFailed) as failure:
        claim("js-bounded", "JS is bounded", value, **condition)
    message = str(failure.value)
    assert message.startswith("js-bounded: JS is bounded: found ")
    shown, _, bound = message.removeprefix("js-bounded: JS is bounded: found ").partition(", wanted ")
    assert found in shown
    assert wanted in bound
    assert capsys.readouterr().out == ""
    assert isinstance(failure.value, AssertionError)  # so that a test that claims is a test that fails


# ---------------------------------------------------------------------------------------------- claims that are none


@pytest.mark.usefixtures("small_ledger")
@pytest.mark.parametrize("value", [0.5, [True, False], torch.tensor([True, True]), "yes", None, np.array([])])
def test_a_value_without_a_condition_is_refused(value):
    with pytest.raises(ValueError, match="claim 'dstar' has no condition: give equals=, below= or above="):
        claim("dstar", "something", value)


@pytest.mark.usefixtures("small_ledger")
@pytest.mark.parametrize("bounds", [dict(below=1), dict(above=0), dict(below=1, above=0)])
def test_two_kinds_of_condition_are_refused(bounds):
    with pytest.raises(ValueError, match="claim 'dstar': give either equals=, or below= and above=, not both"):
        claim("dstar", "something", 0.5, equals=0.5, **bounds)


@pytest.mark.usefixtures("small_ledger")
@pytest.mark.parametrize("digits", [0, -1, 2.0, "2"])
def test_digits_are_counted(digits):
    with pytest.raises(ValueError, match="claim 'dstar': digits must be a whole number of at least 1, not"):
        claim("dstar", "something", 0.5, below=1, digits=digits)


@pytest.mark.usefixtures("small_ledger")
def test_a_formula_needs_another_formula():
    for condition in ({}, dict(below=3)):
        with pytest.raises(ValueError, match="claim 'dstar': a sympy expression needs equals="):
            claim("dstar", "something", x + 1, **condition)


@pytest.mark.usefixtures("small_ledger")
def test_an_unknown_id_is_refused_with_a_suggestion(capsys):
    with pytest.raises(UnknownClaim, match="no claim 'js-bouned' in the ledger; did you mean 'js-bounded'") as failure:
        claim("js-bouned", "something", True)
    assert isinstance(failure.value, ValueError)
    with pytest.raises(UnknownClaim, match=r"no claim 'zzz' in the ledger$"):
        claim("zzz", "something", True)
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("small_ledger")
def test_an_unknown_id_is_refused_even_where_the_claim_is_false():
    with pytest.raises(UnknownClaim):
        claim("zzz", "something", False)


# ---------------------------------------------------------------------------------------------- the ledger


def test_a_ledger_is_read_as_it_was_written(write):
    ledger = read_ledger(write(entry("one"), entry("two", lesson="02", verdict="wrong", correction="It is not.")))
    assert list(ledger.entries) == ["one", "two"]
    assert ledger["two"] == Entry(
        id="two", kind="theorem", lesson="02", sources=("weng: Section 1",), statement="Something is so.",
        verdict="wrong", method="exact", check="It is computed.", correction="It is not.",
    )  # fmt: skip
    assert ledger.lessons == {"01": ("First", "01_first"), "02": ("Second", None)}
    assert ledger.finished == ("01",)
    assert [found.id for found in ledger.of_lesson("02")] == ["two"]
    assert ledger.sources == {"weng": {"title": "A post"}}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        pytest.param([entry("one"), entry("one")], "two entries have the id 'one'", id="the same id twice"),
        pytest.param([entry("one", lesson="99")], r"'one': no lesson '99'; there are 01, 02", id="unknown lesson"),
        pytest.param([entry("one", lesson=1)], r"'one': no lesson 1", id="a lesson that YAML took for a number"),
        pytest.param([entry("one", sources=["xu: Slide 3"])], "'one': no source 'xu' is declared", id="unknown source"),
        pytest.param([entry("one", sources="weng")], "'one': no source 'w' is declared", id="sources that are no list"),
        pytest.param([entry("one", kind="rumour")], "'one': kind is 'rumour'; allowed are definition", id="kind"),
        pytest.param([entry("one", verdict="true")], "'one': verdict is 'true'; allowed are holds", id="verdict"),
        pytest.param([entry("one", method="hope")], "'one': method is 'hope'; allowed are symbolic", id="method"),
        pytest.param([entry("one", verdict="wrong")], "'one': verdict 'wrong' needs a correction", id="no correction"),
        pytest.param([entry("one", colour="red")], "'one': .*colour", id="a field too many"),
        pytest.param([entry("one", statement=None)], "'one': .*statement", id="a field too few"),
        pytest.param([entry("one", sources=None)], "'one': .*sources", id="no sources"),
    ],
)
def test_a_ledger_that_contradicts_itself_is_refused(write, entries, message):
    with pytest.raises(ValueError, match=message):
        read_ledger(write(*entries))


@pytest.mark.parametrize("lesson", ["First", {"page": "01_first"}, {"title": "First", "colour": "red"}])
def test_a_lesson_without_a_title_or_with_more_than_a_page_is_refused(write, lesson):
    with pytest.raises(ValueError, match="ledger lesson '01'"):
        read_ledger(write(entry("one"), lessons={"01": lesson}))


def test_the_books_own_ledger_is_the_default_and_in_order():
    ledger = read_ledger()
    assert {"kl-definition", "dstar", "js-bounded"} <= set(ledger.entries)
    assert isinstance(ledger, Ledger)
    assert ledger is read_ledger()  # read once
    assert {entry.lesson for entry in ledger.entries.values()} <= set(ledger.lessons)


def test_the_wheel_falls_back_on_the_copy_it_carries(monkeypatch, tmp_path):
    package = tmp_path / "site-packages" / "gantut" / "checks"
    package.mkdir(parents=True)
    monkeypatch.setattr(ledger_module, "__file__", str(package / "_ledger.py"))
    assert ledger_module._default_path() == tmp_path / "site-packages" / "gantut" / "claims.yml"


def test_claims_are_made_under_the_books_ids_in_tests_as_in_lessons(capsys):
    claim("dstar", "D* solves a/t = b/(1 - t)", sympy.solve(2 / x - 3 / (1 - x), x)[0], equals=sympy.Rational(2, 5))
    assert capsys.readouterr().out == "✓ dstar: D* solves a/t = b/(1 - t)  (identical as formulas)\n"


# ---------------------------------------------------------------------------------------------- the audit

LESSON = """
from gantut.checks import claim
from gantut import checks

claim("one", "a statement", True)
if True:
    checks.claim("two", "another", 0.5, below=1)
"""


@pytest.fixture
def ledger(write):
    return read_ledger(write(entry("one"), entry("two"), entry("read", method="reading"), entry("later", lesson="02")))


def test_claims_are_found_in_code_however_they_are_called():
    assert claims_shown(LESSON) == [("one", 5), ("two", 7)]
    assert claims_shown("print('claim(\"one\")')  # claim('two')") == []
    assert claims_shown("def claim(a): ...") == []
    assert claims_shown("for i in range(3):\n    claim(\n        'one', 's', True)") == [("one", 2)]


def test_a_clean_lesson_passes_and_reading_needs_no_showing(ledger):
    assert audit(ledger, {"01": LESSON}) == []
    assert audit(ledger, {"01": LESSON, "02": "claim('later', 's', True)"}) == []
    assert audit(ledger, {}) == []


def test_a_lesson_may_show_a_claim_in_several_parts(ledger):
    assert audit(ledger, {"01": LESSON + "claim('one', 's', True)"}) == []


def test_an_entry_that_is_read_may_be_shown_all_the_same(ledger):
    assert audit(ledger, {"01": LESSON + "claim('read', 's', True)"}) == []


def test_an_unfinished_lesson_owes_nothing(ledger):
    assert audit(ledger, {"02": "claim('later', 's', True)"}) == []


@pytest.mark.parametrize(
    ("lessons", "problem"),
    [
        pytest.param({"01": LESSON + "claim('oen', 's', True)"},
                     "lesson 01, line 8: no claim 'oen' in the ledger; did you mean 'one'?", id="unknown id"),
        pytest.param({"01": LESSON, "02": "claim('later', 's', True)\nclaim('one', 's', True)"},
                     "lesson 02, line 2: claim 'one' was already shown in lesson 01, line 5", id="in two lessons"),
        pytest.param({"01": LESSON + "claim('later', 's', True)"},
                     "lesson 01, line 8: claim 'later' belongs to lesson 02", id="in the wrong lesson"),
        pytest.param({"01": "claim('one', 's', True)"},
                     "lesson 01 is finished but never shows claim 'two'", id="never shown"),
        pytest.param({"01": LESSON, "02": ""},
                     "lesson 02 is finished but never shows claim 'later'", id="never shown in an empty lesson"),
        pytest.param({"01": LESSON + "for i in ids: claim(i, 's', True)"},
                     "lesson 01, line 8: the identifier of a claim must be written out as a string", id="a variable"),
        pytest.param({"01": LESSON + "claim(f'one', 's', True)"},
                     "lesson 01, line 8: the identifier of a claim must be written out as a string", id="an f-string"),
        pytest.param({"01": LESSON + "claim(claim_id='two', statement='s', value=True)"},
                     "lesson 01, line 8: the identifier of a claim must be written out as a string", id="a keyword"),
        pytest.param({"01": LESSON + "claim(3, 's', True)"},
                     "lesson 01, line 8: the identifier of a claim must be written out as a string", id="a number"),
    ],
)  # fmt: skip
def test_each_problem_is_reported_once_and_with_its_place(ledger, lessons, problem):
    assert audit(ledger, lessons) == [problem]


def test_problems_add_up(ledger):
    found = audit(ledger, {"01": "claim('zzz', 's', True)\nclaim(name, 's', True)", "02": "claim('one', 's', True)"})
    assert len(found) == 5  # unknown, not written out, in the wrong lesson, and two and later never shown


def test_a_lesson_that_does_not_parse_stops_the_audit(ledger):
    with pytest.raises(SyntaxError):
        audit(ledger, {"01": "claim('one'"})
