"""How the pages are set: letters, lines, formulas and code, as a browser lays them out."""

import functools
import os
import re
from pathlib import Path

import pytest
from conftest import CHROMIUM

ROOT = Path(__file__).resolve().parents[1]
if not os.environ.get("CI"):
    for needed in ("playwright", "jupyter_book"):
        pytest.importorskip(needed)
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to read the pages with", allow_module_level=True)
pages = pytest.importorskip("pages")
page_speed = pytest.importorskip("page_speed")

pytestmark = pytest.mark.site

FONTS = ROOT / "book/style/fonts"
LESSONS = [page for page in pages.pages_of_toc(ROOT) if re.search(r"/(?!00)\d\d_", page)]
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
EACH_TIME = ("book/03_optimal_discriminator",)  # it has the longest formulas; the others are looked at by night
lessons = pytest.mark.parametrize(
    "page", [page if page in EACH_TIME else pytest.param(page, marks=pytest.mark.slow) for page in LESSONS]
)

LAID_OUT = """async () => {
  await window.formulasSet;
  await document.fonts.ready;
  const words = e => e.textContent.replace(/\\s+/g, " ").trim();
  const lines = e => { const range = document.createRange(); range.selectNodeContents(e);
    return new Set([...range.getClientRects()].map(box => Math.round(box.bottom))).size; };
  const plain = [...document.querySelectorAll("article section > p")].filter(
    p => !p.querySelector("*") && words(p).length > 300);
  const column = document.querySelector("article section > p").getBoundingClientRect();
  const long = [...document.querySelectorAll("article .katex-display")].filter(
    e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1);
  const cut = [...document.querySelectorAll("article div.cell_input pre")].filter(
    e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1);
  const torn = [...document.querySelectorAll("article .nobreak")].filter(e => {
    const bases = e.querySelectorAll(".katex-html > .base"), after = e.querySelector(".math").nextSibling;
    if (!e.checkVisibility() || !bases.length || after?.nodeType !== Node.TEXT_NODE || !after.data.trim()) return false;
    const range = document.createRange(); range.selectNode(after);
    const formula = bases[bases.length - 1].getBoundingClientRect(), mark = range.getBoundingClientRect();
    return mark.top > formula.bottom || mark.bottom < formula.top;
  });
  const unheeded = [...document.querySelectorAll("article .katex-html wbr")].filter(
    e => getComputedStyle(e.parentElement).whiteSpace === "nowrap");
  const broken = [...document.querySelectorAll("article td code .pre")].filter(e => e.getClientRects().length > 1);
  const loaded = [...document.fonts].filter(font => font.status === "loaded");
  return {
    family: getComputedStyle(document.querySelector("article section > p")).fontFamily,
    fonts: loaded.map(font => `${font.family.replaceAll('"', "")} ${font.style}`),
    letters: plain.map(p => words(p).length / lines(p)), column: column.width,
    long: long.map(e => e.querySelector("annotation").textContent.slice(0, 60)),
    breaks: document.querySelectorAll("article .katex-html wbr").length, unheeded: unheeded.length,
    cut: cut.map(words), torn: torn.map(words), broken: broken.map(words)};
}"""


@pytest.fixture(scope="module")
def lay_out(browser, home, site):
    """A function that opens a page in a window, once, and says how it is laid out."""

    @functools.cache  # by position: it does not know that what is left out is False
    def once(page, phone, offline):
        tab = browser.new_page(viewport=PHONE if phone else DESK)
        tab.set_default_timeout(120_000)  # a long page on a busy machine
        tab.goto(f"{site.as_uri()}/{page}.html" if offline else f"{home}{page}.html", wait_until="load")
        seen = tab.evaluate(LAID_OUT)
        tab.close()
        return seen

    return lambda page, phone=False, offline=False: once(page, phone, offline)


def test_all_letters_of_a_page_together_weigh_less_than_150_kilobytes():
    files = list(FONTS.glob("*.woff2"))
    assert len(files) == 5
    assert sum(file.stat().st_size for file in files) < 150_000
    assert "SIL OPEN FONT LICENSE" in (FONTS / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("offline", [False, True], ids=["served", "from the disk"])
def test_text_is_set_in_the_letters_of_the_book_in_lines_of_60_to_80(lay_out, offline):
    seen = lay_out("book/03_optimal_discriminator", offline=offline)
    assert seen["family"].startswith('"Gantut Serif"')
    assert {"Gantut Serif normal", "Gantut Serif italic", "Gantut Sans normal"} <= set(seen["fonts"])
    assert 600 < seen["column"] < 660
    letters = lay_out("book/teaching", offline=offline)["letters"] + seen["letters"]
    assert letters
    assert all(55 < count < 80 for count in letters), letters  # the last line of a paragraph is short


@lessons
def test_no_displayed_formula_is_cut_on_a_desk(lay_out, page):
    assert lay_out(page)["long"] == []


@lessons
def test_no_line_of_code_is_cut_on_a_desk(lay_out, page):
    assert lay_out(page)["cut"] == []


@lessons
def test_on_paper_no_formula_is_cut_and_no_cell_of_code_goes_on_overleaf(browser, home, page):
    tab = browser.new_page(viewport=DESK)
    tab.set_default_timeout(120_000)
    tab.goto(f"{home}{page}.html", wait_until="load")
    tab.evaluate("async () => { await window.formulasSet; }")
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 718, "height": 1047})  # A4 without the margins of Chromium
    cut, torn, inside = tab.evaluate("""async () => {
      await window.formulasSet;
      const seen = chosen => [...document.querySelectorAll(chosen)].filter(e => e.checkVisibility());
      const right = e => e.getBoundingClientRect().right, edge = right(document.querySelector("article h1"));
      return [seen("article :is(div.math, .katex-display, .katex-display > .katex)").filter(
                e => e.scrollWidth > e.clientWidth + 1),
              seen("article div.cell_input").filter(e => getComputedStyle(e).breakInside !== "avoid"),
              seen("article > section > section > div.math > .eqno").filter(e => right(e) < edge - 2)].map(
        found => found.map(e => e.textContent.slice(0, 60)));
    }""")
    tab.close()
    assert cut == []
    assert torn == []
    assert inside == [], "the number of an equation stands at the right edge"


@lessons
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_no_line_begins_with_the_comma_after_a_formula(lay_out, page, phone):
    assert lay_out(page, phone=phone)["torn"] == []


@lessons
def test_a_formula_may_go_on_in_the_next_line_in_all_browsers(lay_out, page):
    """Chromium breaks a line at a <wbr> even where white-space is nowrap; Firefox and WebKit do not."""
    seen = lay_out(page, phone=True)
    assert seen["breaks"] > 20
    assert seen["unheeded"] == 0


WITHOUT_ANCHORS = """const { supports } = CSS;
CSS.supports = (name, ...rest) => name !== "overflow-anchor" && supports.call(CSS, name, ...rest);
addEventListener("DOMContentLoaded", () => {
  document.head.append(Object.assign(document.createElement("style"), { textContent: "* { overflow-anchor: none }" }));
});"""
FAR_DOWN = """() => {
  dispatchEvent(new Event("wheel"));
  scrollTo({ top: document.documentElement.scrollHeight * 0.6, behavior: "instant" });
  window.read = [...document.querySelectorAll("article p")].find(p => p.getBoundingClientRect().bottom > 0);
  window.before = read.getBoundingClientRect().top;
}"""


def test_formulas_that_are_set_do_not_move_the_text_under_its_reader_in_a_browser_without_scroll_anchoring(
    browser, home
):
    tab = browser.new_page(viewport=DESK)
    tab.add_init_script(WITHOUT_ANCHORS)
    held = []
    tab.route("**/katex/fonts.css*", lambda route: held.append(route))  # formulas wait for their fonts
    tab.goto(f"{home}book/api/gantut.transport.html", wait_until="domcontentloaded")
    tab.evaluate("document.fonts.ready.then(() => {})")
    tab.evaluate(FAR_DOWN)
    for _ in range(600):  # the browser may not have asked for them yet: half a minute, for slow machines
        if not held:
            tab.wait_for_timeout(50)
    (fonts,) = held
    fonts.continue_()
    grown = tab.evaluate("""async () => {
      const height = document.documentElement.scrollHeight; await window.formulasSet;
      return [document.documentElement.scrollHeight - height, read.getBoundingClientRect().top - before]; }""")
    tab.close()
    assert abs(grown[0]) > 50, "there is something to be kept in its place from"
    assert grown[1] == pytest.approx(0, abs=2)


@pytest.mark.parametrize("page", ["book/notation", "book/api"])
def test_no_name_in_a_table_breaks_within_a_word(lay_out, page):
    assert lay_out(page)["broken"] == []


@lessons
def test_less_than_a_quarter_of_a_lesson_is_code(browser, home, page):
    share = page_speed.shares(browser, f"{home}{page}.html")
    assert share["text"] > share["code"]
    assert 0 < share["code"] < 0.25 * share["whole"]


@pytest.mark.parametrize("path", sorted((ROOT / "book").glob("[0-9][0-9]_*.py")), ids=lambda path: path.stem)
def test_a_line_of_text_that_begins_with_a_number_is_no_list(path):
    """Markdown begins a list in the midst of a paragraph where a line begins with 1 and a full stop."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^# (?!:)[^\n]*\w[^\n]*\n# 1\. ", text, re.M)
