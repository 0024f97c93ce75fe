"""The site, read as a reader reads it: in a real browser, on a desk and on a phone, by day and by night, offline."""

import functools
import os
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlparse

import pytest
from conftest import CHROMIUM, SAMPLE, sampled

ROOT = Path(__file__).resolve().parents[1]
if not os.environ.get("CI"):
    for needed in ("playwright", "jupyter_book", "yaml"):
        pytest.importorskip(needed)
    if CHROMIUM is None:
        missing = "there is no Chromium to read the pages with (on Debian and Ubuntu: apt install chromium)"
        pytest.skip(missing, allow_module_level=True)
pages = pytest.importorskip("pages")

pytestmark = pytest.mark.site

PAGES = pages.pages_of_toc(ROOT)
LESSONS = [page for page in PAGES if (ROOT / f"{page}.py").is_file()]
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
READINGS = [
    pytest.param(
        page, size, id=f"{page}-{size}", marks=[pytest.mark.slow] if size == "phone" and page not in SAMPLE else []
    )
    for page in [*PAGES, "genindex"]
    for size in SIZES
]

# What there is to see on a page once its formulas are set, all in one go: each page is opened once a size.
END_TRANSITIONS = "document.getAnimations().forEach(each => each instanceof CSSTransition && each.finish())"

LOOK = r"""async () => {
  await window.formulasSet;
  const article = document.querySelector("article") ?? document.body, within = window.innerWidth + 1;
  const name = e => `<${e.tagName.toLowerCase()} class="${e.className}"> ${(e.textContent ?? "").trim().slice(0, 60)}`;
  const cutOff = [...article.querySelectorAll("*")].filter(e => {
    if (!(e instanceof HTMLElement) || e.closest(".katex-mathml") || !e.checkVisibility()
        || e.getBoundingClientRect().right <= within || e.getBoundingClientRect().width === 0) return false;
    for (let box = e.parentElement; box && box !== document.body; box = box.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(box).overflowX) && box.getBoundingClientRect().right <= within)
        return false;  // it scrolls in a box that fits
    return true;
  });
  const shown = [...article.querySelectorAll("img")].filter(i => i.checkVisibility());  // by day or night
  for (const image of shown) image.loading = "eager";
  await Promise.all(shown.map(i => i.decode().catch(() => {})));
  const images = shown.map(i => ({
    alt: i.getAttribute("alt") ?? "", source: i.getAttribute("src").slice(0, 100),
    loaded: i.complete && i.naturalWidth > 0, figure: i.closest("figure, .cell_output") !== null}));
  const formulas = [...article.querySelectorAll(".math")];
  const unset = formulas.filter(m => !m.querySelector(".katex-html")).map(name);
  const left = e => e.getBoundingClientRect().left;
  const crooked = [...article.querySelectorAll("figure")].filter(f => f.checkVisibility()).filter(f =>
    [...f.querySelectorAll("img, figcaption")].some(e => e.checkVisibility() && Math.abs(left(e) - left(f)) > 1));
  const torn = [...article.querySelectorAll("span.math, code.whole .pre")].filter(e => e.checkVisibility()
    && (e.querySelector(".katex-html") ?? e).textContent.length <= (e.matches(".math") ? 10 : 20)
    && e.getClientRects().length > 1);
  const errors = [...document.querySelectorAll(".katex-error")].map(e => e.title || e.textContent);
  const hidden = document.createElement("style");
  hidden.textContent = "pre, code, .sig, .field-list strong, .katex { display: none !important }";
  document.head.append(hidden);
  const text = document.body.innerText;
  hidden.remove();
  return {formulas: formulas.length, unset, errors, cutOff: cutOff.map(name), images, text, title: document.title,
          crooked: crooked.map(name), torn: torn.map(name),
          tooWide: document.documentElement.scrollWidth - window.innerWidth};
}"""

# How light the page is, how strongly each text stands out from what is behind it, and on what paper the figures lie.
CONTRAST = r"""() => {
  const parse = c => { const n = c.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const ground = e => { const layers = [];
    for (; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]); };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = e => { const below = ground(e), ink = over(parse(getComputedStyle(e).color), below);
    const [hi, lo] = [light(ink), light(below)].sort((a, b) => b - a); return (hi + 0.05) / (lo + 0.05); };
  const parts = "h1, h2, p, li, td, th, a, figcaption, .caption-text, pre, .admonition-title, .katex-html, .eqno";
  const seen = [...document.querySelectorAll(parts.split(", ").map(part => `article ${part}`).join(", "))]
    .filter(e => e.textContent.trim() && !e.matches(".headerlink") && e.checkVisibility());
  const faint = seen.filter(e => ratio(e) < 4.5).map(e => `${ratio(e).toFixed(1)}: <${e.tagName.toLowerCase()} `
    + `class="${e.className}"> ${e.textContent.trim().slice(0, 50)}`);
  const pictures = [...document.querySelectorAll("article figure img, article .cell_output img")];
  const figures = pictures.filter(i => i.checkVisibility() && !i.closest("picture")).map(i => light(ground(i)));
  const drawn = pictures.filter(i => i.checkVisibility() && i.closest("picture")).map(i => i.getAttribute("src"));
  return {theme: document.documentElement.dataset.theme, page: light(ground(document.body)), faint, figures, drawn};
}"""


# ---- Opening pages -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def open_page(browser, home):
    """A function that opens a page and notes what goes wrong on it: (page, size, **context) -> tab, notes."""

    def open_page(page, size="desk", base=home, **context):
        width, height = SIZES[size]
        reader = browser.new_context(viewport={"width": width, "height": height}, **context)
        reader.set_default_timeout(30_000)
        tab, notes = reader.new_page(), SimpleNamespace(console=[], failed=[], outside=[], loaded=set())
        tab.on("console", lambda message: notes.console.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: notes.console.append(str(error)))
        tab.on("response", lambda answer: notes.failed.append(answer.url) if answer.status >= 400 else None)
        tab.on("response", lambda answer: notes.loaded.add(answer.url) if answer.status == 200 else None)
        tab.on("requestfailed", lambda request: notes.failed.append(request.url))
        local = (base, "data:", "blob:")
        tab.on("request", lambda request: None if request.url.startswith(local) else notes.outside.append(request.url))
        tab.goto(f"{base}{page}.html", wait_until="load")
        return tab, notes

    return open_page


@pytest.fixture(scope="session")
def read(open_page):
    """A function that reads a page at a size, once: what is on it, and what went wrong."""

    @functools.cache
    def read(page, size):
        tab, notes = open_page(page, size, color_scheme="light")
        seen = tab.evaluate(LOOK)
        seen["by_day"] = {address for address in notes.loaded if address.startswith("http")}
        if size == "desk":
            seen["light"] = tab.evaluate(CONTRAST)
            tab.emulate_media(color_scheme="dark")
            tab.wait_for_function("document.documentElement.dataset.theme === 'dark'")
            tab.evaluate(END_TRANSITIONS)  # a button fades into its colour of the night
            seen["dark"] = tab.evaluate(CONTRAST)
        tab.context.close()
        return SimpleNamespace(**seen, **vars(notes))

    return read


every_page = pytest.mark.parametrize(("page", "size"), READINGS)

# ---- Every page, on a desk and on a phone -------------------------------------------------------------------


@every_page
def test_nothing_fails_and_nothing_leaves_this_machine(read, page, size):
    seen = read(page, size)
    assert not seen.outside, "requests that leave this machine"
    assert not seen.failed, "requests that fail"
    assert not seen.console, "errors on the console"


@every_page
def test_every_formula_is_set(read, page, size):
    seen = read(page, size)
    assert not seen.errors, "formulas that KaTeX cannot read"
    assert not seen.unset, "formulas that were not set"
    source = ROOT / f"{page}.py"
    if source.is_file() and re.search(r"^# \$\$", source.read_text(encoding="utf-8"), re.M):
        assert seen.formulas > 0


RAW = "|".join(
    (
        r"\\\(|\\\[|\$\$|\$[^$\s][^$\n]*\$",
        r"\\(?:frac|mathbb|mathcal|operatorname|log|int|sum|text|begin|left|right|Vert|quad)\b",
        r"\{(?:eq|cite|ref|numref|doc|prf:ref|math)[^}]*\}|^:::|\*\*\w",
    )
)


@every_page
def test_no_markup_is_left_in_the_text(read, page, size):
    text = read(page, size).text
    assert not re.findall(RAW, text, re.M), "raw TeX or Markdown in the text"


@every_page
def test_every_picture_is_there_and_says_what_it_shows(read, page, size):
    for image in read(page, size).images:
        assert image["loaded"], image["source"]
        alt = image["alt"].strip()
        assert alt, f"no alternative text: {image['source']}"
        assert not re.search(r"\.(png|svg|jpe?g|gif)$|^_?images/|\$|\\", alt), f"a file name or markup: {alt}"
        if image["figure"]:
            assert len(alt) >= 20, f"an alternative text says what the figure shows, more than: {alt}"


@every_page
def test_nothing_is_wider_than_the_window(read, page, size):
    seen = read(page, size)
    assert seen.tooWide <= 0, f"the page is {seen.tooWide} pixels too wide"
    assert not seen.cutOff, "these stick out of the window, and no box of theirs scrolls"


@every_page
def test_figures_begin_where_the_text_does(read, page, size):
    assert not read(page, size).crooked


@every_page
def test_short_formulas_and_words_of_code_stay_on_one_line(read, page, size):
    assert not read(page, size).torn


@pytest.mark.parametrize("page", [page for page in LESSONS if re.search(r"/\d\d_", page)])
def test_a_lesson_with_all_that_it_loads_weighs_less_than_two_and_a_half_megabytes(read, site, home, page):
    """With every picture, as a reader sees them all who reads to the end."""
    files = {unquote(urlparse(address.removeprefix(home)).path) for address in read(page, "desk").by_day}
    sizes = {file: (site / file).stat().st_size for file in files}
    assert len(sizes) > 10
    assert sum(sizes.values()) < 2_500_000, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_there_is_no_other_page_than_those_read_here(site):
    served = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    generated = {"index", "404", "genindex", "search", "prf-prf", *pytest.importorskip("addresses").FORMER}
    assert {page for page in served if not page.startswith("_static/")} <= {*PAGES, *generated}


def test_titles_tell_the_pages_apart(read):
    titles = [read(page, "desk").title for page in PAGES]
    assert len(set(titles)) == len(titles)


# ---- By day and by night ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_legible_by_day_and_by_night(read, page, scheme):
    seen = getattr(read(page, "desk"), scheme)
    assert seen["theme"] == scheme
    assert (seen["page"] > 0.8) if scheme == "light" else (seen["page"] < 0.1)
    assert not seen["faint"], "text with a contrast below 4.5 : 1"
    assert all(light > 0.8 for light in seen["figures"]), "pictures stay on light paper"
    assert all({"light": "-day.", "dark": "-night."}[scheme] in source for source in seen["drawn"])


def test_the_switch_changes_between_light_and_dark(open_page):
    tab, _ = open_page(PAGES[0], color_scheme="light")
    themes = set()
    for _ in range(3):  # the switch goes round: as the system says, light, dark
        tab.locator("button.theme-switch-button:visible").first.click()
        themes.add(tab.evaluate("document.documentElement.dataset.theme"))
    tab.context.close()
    assert themes == {"light", "dark"}


# ---- Finding one's way --------------------------------------------------------------------------------------


def test_search_finds_a_word(open_page):
    tab, notes = open_page(PAGES[0])
    tab.locator("button.search-button-field:visible").first.click()
    box = tab.locator("input[type=search]:visible").first
    box.fill("discriminator")
    box.press("Enter")
    found = tab.locator("#search-results li a")
    found.first.wait_for()
    assert "discriminator" in tab.locator("#search-results").inner_text().lower()
    tab.wait_for_load_state("networkidle")  # the page reads what it found, to show some lines of each
    found.first.click()
    tab.wait_for_load_state("load")
    address = tab.url
    tab.context.close()
    assert any(f"{page}.html" in address for page in PAGES), address
    assert not notes.outside + notes.failed + notes.console


def linked(site, page, link):
    """Return the page to which a link of the given class leads, or None where there is no such link."""
    html = (site / f"{page}.html").read_text(encoding="utf-8")
    found = re.search(rf'<a\s+class="{link}"\s+href="([^"]*)\.html"', html)
    return os.path.normpath(f"{page}/../{found[1]}").replace(os.sep, "/") if found else None


def test_next_leads_through_the_whole_book_and_previous_back(site):
    assert [linked(site, page, "right-next") for page in PAGES] == [*PAGES[1:], None]
    assert [linked(site, page, "left-prev") for page in PAGES] == [None, *PAGES[:-1]]


def test_next_can_be_clicked(open_page, home):
    tab, _ = open_page(PAGES[0], "phone")
    tab.locator("a.right-next").click()
    tab.wait_for_url(f"{home}{PAGES[1]}.html", wait_until="commit")
    tab.context.close()


def test_the_landing_page_is_the_first_page(open_page, home):
    tab, _ = open_page("index")
    tab.wait_for_url(f"{home}{PAGES[0]}.html")
    tab.context.close()


@pytest.mark.parametrize("page", LESSONS)
def test_the_colab_button_opens_this_lesson(site, page):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    owner = project["urls"]["Repository"].removeprefix("https://github.com/")
    address = f"https://colab.research.google.com/github/{owner}/blob/main/{page}.ipynb"
    assert f'href="{address}"' in (site / f"{page}.html").read_text(encoding="utf-8")
    assert (ROOT / f"{page}.ipynb").is_file()


SOLVED = [page for page in LESSONS if "{solution}" in (ROOT / f"{page}.py").read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", sampled(SOLVED))
def test_hints_and_solutions_are_folded_until_they_are_asked_for(open_page, page):
    tab, notes = open_page(page)
    exercises = tab.locator("div.exercise.admonition").count()
    for kind in ("hint", "solution"):  # all hints are unfolded before the first solution is looked at
        boxes = tab.locator(f"div.{kind}.dropdown")
        assert boxes.count() == exercises > 0
        for i in range(boxes.count()):
            box = boxes.nth(i)
            assert box.locator("> .admonition-title").inner_text().strip().startswith(kind.capitalize())
            inside = box.locator("> :not(.admonition-title)").first
            assert not inside.is_visible(), f"{kind} {i + 1} lies open"
            box.locator("button.toggle-button").first.click()
            inside.wait_for(state="visible")
    tab.context.close()
    assert not notes.console


def test_the_book_reads_from_the_disk_without_a_server(open_page, site):
    tab, notes = open_page(LESSONS[-1], base=f"{site.as_uri()}/")
    seen = tab.evaluate(LOOK)
    tab.context.close()
    assert not seen["unset"]
    assert not notes.outside
    assert not [address for address in notes.failed if not address.endswith(".woff2")], "only preloaded fonts may fail"


# ---- Numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [page for page in LESSONS if re.search(r"/(?!00)\d\d_", page)])
def test_equations_theorems_figures_and_exercises_carry_the_number_of_their_lesson(site, page):
    html = (site / f"{page}.html").read_text(encoding="utf-8")
    lesson = int(page.split("/")[1][:2])
    equations = re.findall(r'<span class="eqno">\(([^)]*)\)', html)
    captions = re.findall(r'<span class="caption-number">([^<]*)</span>', html)
    assert equations == [f"{lesson}.{n}" for n in range(1, len(equations) + 1)]
    counted = {}
    for kind, number in (caption.rsplit(maxsplit=1) for caption in map(str.strip, captions) if caption[-1:].isdigit()):
        counted.setdefault(kind, []).append(number)
    for kind, numbers in counted.items():
        assert numbers == [f"{lesson}.{n}" for n in range(1, len(numbers) + 1)], kind
