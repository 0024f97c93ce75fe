"""Claims on the site: every one is a badge that leads to its entry of the ledger, and every entry leads back."""

import os
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from conftest import CHROMIUM

from gantut.checks import read_ledger

nodes = pytest.importorskip("docutils.nodes")
utils = pytest.importorskip("docutils.utils")
ledger_pages = pytest.importorskip("ledger_pages")

ROOT = Path(__file__).resolve().parents[1]
LEDGER = read_ledger()
ENTRIES = list(LEDGER.entries.values())
SHOWN = [entry for entry in ENTRIES if entry.method != "reading" and LEDGER.lessons[entry.lesson].page]
PAGES = sorted({LEDGER.lessons[entry.lesson].page for entry in SHOWN})
on_the_site = pytest.mark.site


def printed(page):
    """The lines that a lesson's notebook printed."""
    notebook = nbformat.read(ROOT / f"book/{page}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [line for output in outputs if output.get("name") == "stdout" for line in output.text.splitlines()]


class Environment(SimpleNamespace):
    """As much of Sphinx's environment as a page needs that is read."""

    def __init__(self):
        super().__init__(docname="book/01_x", anonlabels={}, note_dependency=lambda file: None)

    def get_domain(self, name):
        return self


def shown(*outputs):
    """A page with these outputs, after its claims became badges, and the places on it that have names."""
    document, environment = utils.new_document("page"), Environment()
    for text in outputs:
        document += nodes.literal_block(text, text, classes=["output", "stream"])
    ledger_pages.show_claims(SimpleNamespace(env=environment), document)
    return document, environment.anonlabels


def badges(document):
    return [element for element in document.findall(nodes.container) if "claim" in element["classes"]]


# ---- In a lesson --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_line_is_taken_apart_without_a_loss(page):
    lines = [line for line in printed(page) if line.startswith("✓")]
    for line in lines:
        taken = ledger_pages.LINE.fullmatch(line)
        found = f"  ({taken['found']})" if taken["found"] else ""
        assert line == f"✓ {taken['id']}: {taken['statement']}{found}"
        assert taken["id"] in LEDGER.entries
        assert "  (" not in taken["statement"]
    assert len(lines) > 5


def test_the_first_badge_of_a_claim_has_its_place_and_the_lines_around_it_stay():
    line = "✓ js-bounded: JS lies in [0, log 2]  (all 3 between -1e-12 and 0.6932: 0 to 0.69)"
    document, places = shown(f"before\n  {line}\n{line}\n{line}\n✓ not-a-claim: right\nafter\n", "only text\n")
    kinds = [type(element).__name__ for element in document]
    assert kinds == ["literal_block", "container", "literal_block", "literal_block"]
    assert document[0].astext() == document[0].rawsource == f"before\n  {line}"  # what is indented is no claim's line
    assert document[2].astext() == "✓ not-a-claim: right\nafter"
    assert [badge["ids"] for badge in badges(document)] == [["claim-js-bounded"], []]
    assert places == {"claim-js-bounded": ("book/01_x", "claim-js-bounded")}


def test_a_badge_says_what_was_stated_found_and_how_and_leads_to_the_ledger():
    document, _ = shown("✓ js-bounded: JS lies in [0, log 2]  (all 3 between -1e-12 and 0.6932: 0 to 0.69)")
    (badge,) = badges(document)
    text, entry = badge.astext(), LEDGER["js-bounded"]
    for part in ("JS lies in [0, log 2]", "all 3 between −10−12 and 0.6932: 0 to 0.69", "checked ", "js-bounded"):
        assert part in text
    assert ledger_pages.METHODS[entry.method] in text
    (link,) = badge.findall(lambda node: node.get("reftarget") if isinstance(node, nodes.Element) else None)
    assert link["reftarget"] == "entry-js-bounded"


def test_a_statement_has_indices_powers_and_signs():
    def written(text):
        marks = {nodes.subscript: "sub", nodes.superscript: "sup"}
        set_ = ledger_pages.set_statement(text)
        return "".join(f"<{marks[type(n)]} {n.astext()}>" if type(n) in marks else n.astext() for n in set_)

    for text, wanted in {
        "E_p h - E_q h in multiples of W_1": "E<sub p> h − E<sub q> h in multiples of W<sub 1>",
        "f^cc + f^c, n^(1 - a) and n^-a": "f<sup cc> + f<sup c>, n<sup 1 − a> and n<sup −a>",
        "slope <= 1 iff f^c = -f, z ~ p_z": "slope ≤ 1 iff f<sup c> = −f, z ~ p<sub z>",
        "G(z_1) of N(-1, 2e-13), 10^9": "G(z<sub 1>) of N(−1, 2·10<sup −13>), 10<sup 9>",
        "found -inf; -2.5e+07 ± 1e-09 relative": "found −∞; −2.5·10<sup 7> ± 10<sup −9> relative",
        "WGAN-GP, n_critic and 1-64-1 stay": "WGAN-GP, n_critic and 1-64-1 stay",
    }.items():
        assert written(text) == wanted


def test_the_name_of_a_method_keeps_its_capitals():
    name = next(entry.id for entry in LEDGER.entries.values() if entry.method == "monte-carlo")
    assert "checked by Monte Carlo" in badges(shown(f"✓ {name}: so it is  (1)")[0])[0].astext()


def test_a_claim_without_a_bound_has_a_badge_too():
    document, _ = shown("✓ js-bounded: it is so (as was said)")
    assert " it is so (as was said)" in badges(document)[0].astext()


def test_a_text_of_the_ledger_is_set():
    text = 'The "mean" of $x^2$ is `emd`\'s, see `js-bounded`: *none*.'
    found = ledger_pages.words(text, LEDGER)
    assert [type(part).__name__ for part in found] == [
        "Text", "math", "Text", "literal", "Text", "pending_xref", "Text", "emphasis", "Text",
    ]  # fmt: skip
    assert "".join(part.astext() for part in found) == "The “mean” of x^2 is emd’s, see js-bounded: none."
    (later,) = (part for part in ledger_pages.words(text, LEDGER, later=True) if "x^2" in part.astext())
    assert later.astext() == r"\(x^2\)"
    assert later["classes"] == ["set-later"]


def test_no_markup_is_left_in_what_an_entry_says():
    for entry in ENTRIES:
        for text in (entry.statement, entry.correction, entry.check):
            plain = "".join(part for part in ledger_pages.words(text, LEDGER) if isinstance(part, nodes.Text))
            assert not re.search(r"[$`\\\"]|\*\S|\{\w+\}", plain), entry.id
            assert plain.count("“") == plain.count("”"), entry.id


# ---- On the site --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def links(site):
    """Every page of the site, with its links and its places."""
    return pytest.importorskip("links").read(site)


@on_the_site
def test_every_entry_leads_to_the_badge_that_shows_it_and_the_badge_to_its_entry(links):
    ledger = links["book/claims.html"]
    assert {entry.id for entry in ENTRIES} <= ledger.anchors
    for entry in SHOWN:
        page = LEDGER.lessons[entry.lesson].page
        assert f"{page}.html#claim-{entry.id}" in ledger.links
        assert f"claim-{entry.id}" in links[f"book/{page}.html"].anchors
        assert f"claims.html#{entry.id}" in links[f"book/{page}.html"].links


@on_the_site
def test_every_erratum_is_listed_with_the_place_that_shows_it(links):
    errata = links["book/errata.html"]
    listed = {anchor.removeprefix("erratum-") for anchor in errata.anchors if anchor.startswith("erratum-")}
    assert listed == {entry.id for entry in ENTRIES if entry.is_erratum}
    for entry in SHOWN:
        if entry.is_erratum:
            assert f"{LEDGER.lessons[entry.lesson].page}.html#claim-{entry.id}" in errata.links


VISIBLE = "[...document.querySelectorAll('.entry')].filter(e => e.checkVisibility()).map(e => e.id)"
# Choose one value after the other: what is then in sight, and what is said of it.
CHOOSE = f"""([name, values]) => {{
  const form = document.querySelector("form.ledger-filter");
  return values.map(value => {{
    form[name].value = value;
    form[name].dispatchEvent(new Event("input", {{bubbles: true}}));
    return [{VISIBLE}, form.querySelector("[role=status], output").textContent];
  }});
}}"""


@pytest.fixture(scope="module")
def open_ledger(browser, home):
    """A function that opens the ledger: (address behind the page, **context) -> tab."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            raise RuntimeError("no Chromium: .ci/run installs it")
        pytest.skip("there is no Chromium to read with")
    opened = []

    def open_ledger(behind="", base=home, page="book/claims", **context):
        reader = browser.new_context(viewport={"width": 1280, "height": 900}, **context)
        reader.set_default_timeout(60_000)
        opened.append(reader)
        tab = reader.new_page()
        tab.goto(f"{base}{page}.html{behind}", wait_until="load")
        if context.get("java_script_enabled", True):
            tab.evaluate("async () => { await window.formulasSet; }")
        return tab

    yield open_ledger
    for reader in opened:
        reader.close()


@on_the_site
def test_the_ledger_is_compact_and_filtered_by_verdict_method_lesson_and_words(open_ledger):
    tab = open_ledger()
    height = tab.evaluate("document.querySelector('article').getBoundingClientRect().height")
    assert height / len(ENTRIES) < 68  # two lines of text, one of links, and a rule: it was 145
    form = tab.get_by_role("search", name="Filter the claims")
    for label, name in (("Verdict", "verdict"), ("Checked", "method"), ("Lesson", "lesson")):
        counted = Counter(getattr(entry, name) for entry in ENTRIES)
        wanted = {value: sorted(e.id for e in ENTRIES if getattr(e, name) == value) for value in counted}
        chosen = tab.evaluate(CHOOSE, [name, list(counted)])
        for (value, count), (seen, said) in zip(counted.items(), chosen, strict=True):
            assert sorted(seen) == wanted[value]
            assert said == f"{count} of {len(ENTRIES)} claims"
        by_hand = next(iter(counted))
        form.get_by_label(label).select_option(by_hand)
        assert sorted(tab.evaluate(VISIBLE)) == wanted[by_hand]
        assert form.get_by_role("status").inner_text() == f"{counted[by_hand]} of {len(ENTRIES)} claims"
        form.get_by_role("button", name="Show all").click()
    form.get_by_label("Search").fill("Triangle  inequality")
    found = tab.evaluate(VISIBLE)
    texts = {e.id: " ".join((e.id, e.statement, e.correction or "", e.check)).lower() for e in ENTRIES}
    assert "js-root-metric" in found
    assert all("triangle" in texts[name] for name in found)
    assert f"lesson {int(LEDGER['js-root-metric'].lesson)}" in tab.locator("#js-root-metric").inner_text()
    form.get_by_label("Lesson").select_option("errata")
    assert tab.evaluate(VISIBLE) == []
    assert not tab.locator("section:has(> ul.ledger)").first.is_visible()


@on_the_site
def test_a_selection_has_an_address(open_ledger):
    tab = open_ledger("?method=symbolic&verdict=holds")
    assert {*tab.evaluate(VISIBLE)} == {e.id for e in ENTRIES if (e.method, e.verdict) == ("symbolic", "holds")}
    tab.get_by_label("Verdict").select_option("")
    assert tab.evaluate("location.search") == "?method=symbolic"


@on_the_site
def test_without_scripts_all_of_the_ledger_is_there(open_ledger):
    tab = open_ledger(java_script_enabled=False)
    assert tab.locator(".entry:visible").count() == len(ENTRIES)
    assert not tab.locator("form.ledger-filter").is_visible()


@on_the_site
def test_the_ledger_works_from_the_disk(open_ledger, site):
    tab = open_ledger(base=f"{site.as_uri()}/")
    tab.get_by_label("Checked").select_option("symbolic")
    assert len(tab.evaluate(VISIBLE)) == sum(entry.method == "symbolic" for entry in ENTRIES)


SECTION = "never-negative-and-zero-only-for-equal-distributions"
TOO_FAR_DOWN = """id => {
  const place = document.getElementById(id), { scrollPaddingTop } = getComputedStyle(document.documentElement);
  const { scrollMarginTop } = getComputedStyle(place);
  return Math.round(place.getBoundingClientRect().top - parseFloat(scrollPaddingTop) - parseFloat(scrollMarginTop));
}"""


def assert_comes_to_rest(tab, place, too_far_down=0):
    there = f"id => Math.abs(({TOO_FAR_DOWN})(id) - {too_far_down}) <= 1"
    tab.wait_for_function(there, arg=place)
    tab.wait_for_timeout(500)  # a smooth way to elsewhere would go on meanwhile
    assert tab.evaluate(there, place), tab.evaluate(TOO_FAR_DOWN, place)


@on_the_site
@pytest.mark.parametrize("place", [SECTION, "claim-js-bounded"])
def test_a_link_ends_at_its_place_when_all_formulas_above_it_are_set(open_ledger, place):
    assert_comes_to_rest(open_ledger(f"#{place}", page="book/01_divergences"), place)


@on_the_site
@pytest.mark.parametrize("reader_goes_on", [False, True])
def test_while_formulas_are_set_a_place_is_kept_in_sight_until_its_reader_goes_on(open_ledger, reader_goes_on):
    tab, place = open_ledger(page="book/01_divergences"), "claim-js-bounded"
    tab.evaluate("() => { window.formulasSet = new Promise(done => { window.setFormulas = done; }); }")
    tab.evaluate("place => { location.hash = place; }", place)
    assert_comes_to_rest(tab, place)
    if reader_goes_on:
        tab.mouse.move(640, 450)
        tab.mouse.wheel(0, 300)
    else:
        tab.evaluate("scrollBy(0, 300)")  # as if what stands above had become smaller
    assert_comes_to_rest(tab, place, too_far_down=-300)
    tab.evaluate("window.setFormulas()")
    assert_comes_to_rest(tab, place, too_far_down=-300 if reader_goes_on else 0)


@on_the_site
@pytest.mark.parametrize(
    ("page", "place"), [("book/claims", "js-bounded"), ("book/01_divergences", "claim-js-bounded")]
)
def test_a_link_unfolds_what_it_leads_to_and_sets_its_formulas(open_ledger, page, place):
    tab = open_ledger(f"#{place}", page=page)
    unfolded = tab.locator(f"[id='{place}'] .claim-more")
    unfolded.wait_for()
    unfolded.locator(".katex").first.wait_for()
    assert tab.locator(f"[id='{place}'] .set-later").count() == 0
    in_sight = "id => Math.abs(document.getElementById(id).getBoundingClientRect().top - 450) <= 450"
    tab.wait_for_function(in_sight, arg=place)
    assert tab.locator(".claim:not(:target) details[open], .entry:not(:target) details[open]").count() == 0


# ---- On paper -----------------------------------------------------------------------------------------------


@on_the_site
@pytest.mark.parametrize("students", [False, True])
def test_a_students_print_has_no_hints_and_no_solutions(request, tmp_path, students):
    if not CHROMIUM:
        pytest.skip("there is no Chromium to print with")
    pypdf, pdf = pytest.importorskip("pypdf"), pytest.importorskip("pdf")
    import io

    (tmp_path / "page.html").write_text(
        "<!DOCTYPE html><html><body><article><h1>A page</h1><div class='exercise'>asked</div>"
        "<div class='hint'>hinted</div><div class='solution'>solved</div></article></body></html>"
    )
    address = (tmp_path / "page.html").as_uri()
    data, *_ = pdf.print_page(request.getfixturevalue("browser"), address, students=students)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
    assert "asked" in text
    assert ("hinted" in text) == ("solved" in text) == (not students)
