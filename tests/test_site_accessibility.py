"""The site for readers who do not see it, do not use a mouse, or see little contrast: axe-core on every page, and more.

axe-core is the engine that browsers' own checkers use; it comes with the package axe-playwright-python. Its check of
contrasts is slow, and most of a page repeats the same few styles; so it is given one element of each style, in both
themes, and all other rules the whole page.
"""

import functools
import itertools
import os
import re
from pathlib import Path

import pytest
from conftest import CHROMIUM, sampled
from lesson_cells import cells_of

ROOT = Path(__file__).resolve().parents[1]
if not os.environ.get("CI"):
    for needed in ("playwright", "jupyter_book", "axe_playwright_python"):
        pytest.importorskip(needed)
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to read the pages with", allow_module_level=True)
pages = pytest.importorskip("pages")

pytestmark = pytest.mark.site

PAGES = pages.pages_of_toc(ROOT)
DESK = {"width": 1280, "height": 900}
LESSONS = [page for page in PAGES if re.search(r"/(?!00)\d\d_", page)]

CHECK = """async contrast => {
  const shown = {};
  const report = violations => violations.filter(v => ["serious", "critical"].includes(v.impact)).flatMap(
    v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 120)} ${n.failureSummary.split("\\n").slice(1, 2)}`));
  if (!contrast) {
    const found = await axe.run(document, {resultTypes: ["violations"], rules: {"color-contrast": {enabled: false}}});
    return report(found.violations);
  }
  for (const hidden of document.querySelectorAll(".katex-mathml")) hidden.replaceChildren();
  const layers = e => { const seen = [];
    for (let box = e; box; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (style.backgroundColor !== "rgba(0, 0, 0, 0)" || style.opacity !== "1")
        seen.push(style.backgroundColor, style.opacity);
    }
    return seen.join(); };
  for (const e of document.body.querySelectorAll("*:not(svg *):not(.katex *)")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    shown[[e.tagName, style.color, style.fontSize, style.fontWeight, layers(e)]] ??= e;
  }
  const found = await axe.run({include: Object.values(shown)},
    {resultTypes: ["violations"], runOnly: ["color-contrast"]});
  return [Object.keys(shown).length, report(found.violations)];
}"""

# A formula is drawn for the eye, hidden from screen readers, and written beside that for them: the drawing is emptied.
DRAWN = """() => { for (const drawn of document.querySelectorAll(".katex-html")) {
  if (drawn.getAttribute("aria-hidden") !== "true") throw new Error("a formula that is read twice");
  drawn.replaceChildren();
} }"""

ORDER = """() => {
  const article = document.querySelector("article");
  const headings = [...article.querySelectorAll("h1, h2, h3, h4, h5, h6")];
  const level = headings.map(h => [Number(h.tagName[1]), h.textContent]);
  const queue = [...document.querySelectorAll("[tabindex]")].filter(e => e.tabIndex > 0);
  const tabs = queue.map(e => e.outerHTML.slice(0, 80));
  const marks = ["main", "nav"].filter(name => !document.querySelector(name));
  const ids = [...document.querySelectorAll("article [id]")].filter(e => !e.closest("svg")).map(e => e.id);
  const unfold = "div.hint button.toggle-button, div.solution button.toggle-button";
  const buttons = [...document.querySelectorAll(unfold)].map(b => b.getAttribute("aria-label"));
  return {level, tabs, marks, buttons, language: document.documentElement.lang,
          twice: ids.filter((id, i) => ids.indexOf(id) !== i)};
}"""


@pytest.fixture(scope="module")
def examine(browser, home):
    """A function that examines a page, once: what axe-core finds, in which order things come."""
    import axe_playwright_python

    engine = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

    @functools.cache
    def examine(page):
        reader = browser.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
        tab = reader.new_page()
        tab.goto(f"{home}{page}.html", wait_until="load")
        tab.evaluate("async () => { await window.formulasSet; }")
        tab.add_style_tag(content="* { transition: none !important; animation: none !important }")
        tab.wait_for_timeout(30)  # what scrolls is marked after the formulas are set
        order = tab.evaluate(ORDER)
        tab.evaluate(DRAWN)
        tab.evaluate(engine)
        seen = {"order": order, "rules": tab.evaluate(CHECK, False), "light": tab.evaluate(CHECK, True)}
        tab.emulate_media(color_scheme="dark")
        tab.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        seen["dark"] = tab.evaluate(CHECK, True)
        reader.close()
        return seen

    return examine


every_page = pytest.mark.parametrize("page", sampled([*PAGES, "genindex"]))


@every_page
def test_axe_finds_no_serious_or_critical_violation(examine, page):
    assert examine(page)["rules"] == []


@every_page
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_style_of_text_has_contrast_enough(examine, page, theme):
    styles, faint = examine(page)[theme]
    assert styles >= 5
    assert faint == []


@every_page
def test_headings_skip_no_level_and_nothing_jumps_the_queue(examine, page):
    order = examine(page)["order"]
    levels = [level for level, _ in order["level"]]
    assert levels[0] == 1
    assert levels.count(1) == 1
    for (above, _), (below, title) in itertools.pairwise(order["level"]):
        assert below <= above + 1, f"{title} is {below - above} levels below the heading before it"
    assert not order["tabs"], "a positive tabindex changes the order in which the keyboard goes through the page"
    assert not order["marks"], "landmarks that are missing"
    assert order["language"] == "en"
    assert not order["twice"], "two elements with one id"


def test_the_first_tab_leads_past_the_navigation(browser, home):
    reader = browser.new_context(viewport=DESK)
    tab = reader.new_page()
    tab.goto(f"{home}{LESSONS[0]}.html", wait_until="load")
    tab.keyboard.press("Tab")
    assert "skip" in tab.evaluate("document.activeElement.textContent.toLowerCase()")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.closest('main, #main-content') !== null")
    reader.close()


def test_the_keyboard_goes_down_the_page_and_shows_where_it_is(browser, home):
    reader = browser.new_context(viewport=DESK, reduced_motion="reduce")
    tab = reader.new_page()
    tab.goto(f"{home}{LESSONS[0]}.html#main-content", wait_until="load")
    tab.evaluate("async () => { await window.formulasSet; }")
    tab.evaluate("document.querySelector('article h1').setAttribute('tabindex', '-1')")
    tab.evaluate("document.querySelector('article h1').focus()")
    tops, unmarked = [], []
    for _ in range(25):
        tab.keyboard.press("Tab")
        top, marked, name = tab.evaluate("""() => { let e = document.activeElement;
          while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;  // inside of a lab
          const style = getComputedStyle(e);
          const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
          const ring = outlined || style.boxShadow !== "none";
          return [e.getBoundingClientRect().top + scrollY, ring, e.outerHTML.slice(0, 100)]; }""")
        tops.append(top)
        if not marked:
            unmarked.append(name)
    reader.close()
    assert all(below >= above - 40 for above, below in itertools.pairwise(tops)), tops  # a line's height
    assert not unmarked, "nothing shows that these have the focus"


@pytest.mark.parametrize("kind", ["hint", "solution"])
def test_the_keyboard_unfolds_a_hint_and_a_solution_and_a_screen_reader_is_told(browser, home, kind):
    reader = browser.new_context(viewport=DESK, reduced_motion="reduce")
    tab = reader.new_page()
    tab.goto(f"{home}{LESSONS[0]}.html", wait_until="load")
    box = tab.locator(f"div.{kind}.dropdown").first
    button = box.locator("button.toggle-button")
    button.focus()
    for key, unfolded in (("Enter", True), ("Space", False)):
        tab.keyboard.press(key)
        inside = box.locator("> :not(.admonition-title)").first
        inside.wait_for(state="visible" if unfolded else "hidden")
        assert button.get_attribute("aria-expanded") == str(unfolded).lower()
    reader.close()


@pytest.mark.parametrize("page", sampled(LESSONS))
def test_each_button_that_unfolds_a_hint_or_a_solution_says_which(examine, page):
    names = examine(page)["order"]["buttons"]
    for kind in ("Hint for", "Solution to"):
        numbers = [re.fullmatch(rf"{kind} Exercise (\d+\.\d+)", name) for name in names if name.startswith(kind)]
        assert all(numbers), names
        assert [number[1] for number in numbers] == [f"{int(page[5:7])}.{n}" for n in range(1, len(numbers) + 1)]
        assert len(numbers) >= 3


@pytest.mark.parametrize("page", sampled(LESSONS))
def test_without_styles_and_scripts_a_lesson_reads_in_its_own_order(browser, home, page):
    reader = browser.new_context(java_script_enabled=False)
    tab = reader.new_page()
    tab.route("**/*", lambda route: route.continue_() if route.request.resource_type == "document" else route.abort())
    tab.goto(f"{home}{page}.html", wait_until="domcontentloaded")
    text = " ".join(tab.locator("article").inner_text().split())
    reader.close()
    prose = [cell.source for cell in cells_of(ROOT / f"{page}.py") if cell.cell_type == "markdown"]
    titles = re.findall(r"^#{1,3} ([^\n$`*{}]+)$", "\n".join(prose), re.M)
    place = 0
    for title in titles:
        place = text.find(" ".join(title.replace("'", "’").split()), place)
        assert place >= 0, f"{title}, in its place"
    assert len(titles) >= 4  # its own, one of a section at least, the exercises, what to remember
