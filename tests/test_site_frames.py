"""What the built site tells machines, what it ships, and in which order its search shows what it found."""

import base64
import io
import json
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

pages = pytest.importorskip("pages")
pytest.importorskip("jupyter_book")

ROOT = Path(__file__).resolve().parents[1]
SITE = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Documentation"]
DESCRIPTIONS = yaml.safe_load((ROOT / "book/descriptions.yml").read_text(encoding="utf-8"))
PAGES = pages.pages_of_toc(ROOT)

pytestmark = pytest.mark.site


@pytest.fixture(scope="session")
def tab(browser):
    return browser.new_page()


def test_every_page_but_those_of_the_package_has_a_description_that_a_search_engine_shows_whole():
    written = [page for page in PAGES if not page.startswith("book/api/")]
    assert sorted(DESCRIPTIONS) == sorted(written)
    assert all(40 <= len(text) <= 160 for text in DESCRIPTIONS.values())
    assert len(set(DESCRIPTIONS.values())) == len(DESCRIPTIONS)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_its_own_address_as_the_one_that_counts(site, page):
    assert f'<link rel="canonical" href="{SITE}/{page}.html"' in (site / f"{page}.html").read_text(encoding="utf-8")


def test_the_map_of_the_site_has_every_page_and_the_robots_are_told_of_it(site):
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    listed = [e.text for e in ElementTree.parse(site / "sitemap.xml").findall("s:url/s:loc", space)]
    assert sorted(listed) == sorted(f"{SITE}/{page}.html" for page in PAGES)
    assert f"Sitemap: {SITE}/sitemap.xml" in (site / "robots.txt").read_text()


def test_the_root_says_what_the_book_is_before_it_goes_on(site):
    root = (site / "index.html").read_text(encoding="utf-8")
    assert DESCRIPTIONS["book/00_index"] in root
    assert 'content="0; url=book/00_index.html"' in root
    assert re.search(r'property="og:image" content="[^"]*social-card.png"', root)


def test_a_lost_reader_is_sent_to_the_first_page_from_any_depth(site):
    lost = (site / "404.html").read_text(encoding="utf-8")
    assert f'href="{SITE}/book/00_index.html"' in lost
    assert 'content="noindex"' in lost


def test_the_search_has_a_title_for_those_who_show_a_link_to_it(site):
    assert '<meta property="og:title" content="Search the book" />' in (site / "search.html").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("page", ["book/00_index", "book/api/gantut.transport", "search"])
def test_a_telephone_finds_a_picture_for_its_first_screen(site, page):
    html = (site / f"{page}.html").read_text(encoding="utf-8")
    (address,) = re.findall(r'<link rel="apple-touch-icon" href="([^"]+)" />', html)
    picture = ((site / page).parent / address).resolve().read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert width == height >= 180


def test_scripts_wait_for_the_text_but_for_those_that_the_search_begins_with(site):
    html = (site / "book/10_duality.html").read_text(encoding="utf-8").split("<body", 1)[0]
    assert '<link rel="preload"' not in html
    at_once = [s for s in re.findall(r"<script[^>]* src=[^>]*>", html) if "defer" not in s]
    assert len(at_once) == 1
    assert "documentation_options" in at_once[0]


def test_a_lesson_that_was_renumbered_is_found_under_its_old_address(site, tab, home):
    former = pytest.importorskip("addresses").FORMER
    for before, now in former.items():
        assert before not in PAGES
        assert now in PAGES
        page = (site / f"{before}.html").read_text(encoding="utf-8")
        assert f'<link rel="canonical" href="{SITE}/{now}.html" />' in page
        assert 'content="noindex"' in page
        assert f'content="0; url={now.rsplit("/", 1)[-1]}.html"' in page
    tab.goto(f"{home}book/09_duality.html#exercises")
    tab.wait_for_url(f"{home}book/10_duality.html#exercises")


@pytest.mark.parametrize("page", [page for page in PAGES if re.search(r"/\d\d_", page)])
def test_a_lesson_is_a_learning_resource_to_machines(site, page):
    (data,) = re.findall(
        r'<script type="application/ld\+json">(.*?)</script>', (site / f"{page}.html").read_text(encoding="utf-8")
    )
    data = json.loads(data)
    assert data["description"] == DESCRIPTIONS[page]
    assert data["url"] == f"{SITE}/{page}.html"
    assert data["@type"] == ("Course" if "00_index" in page else "LearningResource")


def test_the_icons_of_the_pages_are_in_the_small_font_and_no_others(site):
    fonttools = pytest.importorskip("fontTools.ttLib")
    style = (site / "_static/book.css").read_text(encoding="utf-8")
    letters = set()
    for font in re.findall(r"data:font/woff;base64,([^)]+)\)", style):
        letters |= set(fonttools.TTFont(io.BytesIO(base64.b64decode(font))).getBestCmap())
    drawn = dict(re.findall(r'\.(fa-[\w-]+):before[^{}]*\{content:"\\([0-9a-f]+)"\}', style))
    shown = {
        name
        for page in site.rglob("*.html")
        for name in re.findall(r'class="(?:[^"]* )?fa[bs]? (fa-[\w-]+)', page.read_text(encoding="utf-8"))
    }
    assert {"fa-rocket", "fa-github"} <= shown <= set(drawn)
    assert {int(drawn[name], 16) for name in shown} <= letters
    assert len(letters) < 60


def empty(route):
    route.fulfill(body="", content_type="text/html")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("vanishing gradient", "book/05_vanishing_gradients"),
        ("duality", "book/10_duality"),
        ("optimal discriminator", "book/03_optimal_discriminator"),
        ("wasserstein gan", "book/11_wasserstein_gan"),
        ("mode collapse", "book/06_mode_collapse"),
        ("notation", "book/notation"),
    ],
)
def test_the_search_shows_the_page_first_whose_title_holds_the_words(tab, home, words, first):
    # Of every page that it finds the search reads some lines, to show them: empty ones, as the order is decided before.
    tab.route("**/book/**", empty)
    tab.goto(f"{home}search.html?q={words.replace(' ', '+')}")
    tab.wait_for_selector("ul.search li a")
    tab.wait_for_function(
        "document.querySelector('#search-progress, .search-summary')?.textContent.match(/found|match/i)"
    )
    found = tab.eval_on_selector_all("ul.search li a", "links => links.map(link => link.getAttribute('href'))")
    tab.unroute("**/book/**", empty)
    assert found[0].startswith(first), found[:5]


def test_the_search_says_what_to_try_where_it_finds_nothing(tab, home):
    tab.goto(f"{home}search.html?q=xylophone")
    tab.locator(".search-summary", has_text="No page has all of these words. Try fewer of them").wait_for()


@pytest.fixture(scope="module")
def excerpt(browser, home):
    """What the search shows of the first page that it finds, were all pages as the one given: text and HTML."""
    tab = browser.new_page()

    def find(words, article):
        page = f'<!DOCTYPE html><main role="main"><button>.pdf</button><article>{article}</article></main>'
        tab.unroute_all()
        tab.route("**/book/**", lambda route: route.fulfill(body=page, content_type="text/html"))
        tab.goto(f"{home}search.html?q={words}")
        shown = tab.locator("ul.search li p.context").first
        shown.wait_for()
        tab.wait_for_function("!document.querySelector('ul.search li p.context > .math:not(:has(.katex))')")
        return shown.inner_text(), shown.inner_html()

    yield find
    tab.close()


def test_the_search_shows_the_text_around_a_word_with_its_formulas_set(excerpt):
    code = '<div class="cell_input">from gantut import duality</div>'
    formula = r'<span class="math">\(\|x-y\|\)</span>'
    long = "Nothing to see here. " * 30
    text, page = excerpt("duality", f"<h1>10 · Duality</h1>{code}<p>{long}With {formula}, duality holds. {long}</p>")
    assert re.fullmatch(r"… [^…]*duality[^…]* …", " ".join(text.split()))
    assert "katex-html" in page
    assert 200 < len(re.sub(r"<[^>]*>", "", page)) < 400
    assert not re.search(r"\\\(|pdf|import|10 ·", text)


def test_the_search_cuts_no_formula_and_shows_code_where_a_word_is_nowhere_else(excerpt):
    formula = r'<span class="math">\(' + "x+" * 100 + r"y\)</span>"
    text, page = excerpt("duality", f"<p>{formula} duality {formula} {formula}</p>")
    assert "\\(" not in text
    assert "katex-error" not in page
    text, _ = excerpt("duality", '<p>Prose.</p><div class="cell_input">from gantut import duality</div>')
    assert "import duality" in text


def test_the_search_shows_lessons_before_the_modules_of_the_package(tab, home):
    tab.route("**/book/**", empty)
    tab.goto(f"{home}search.html?q=transport")
    tab.wait_for_function("document.querySelectorAll('ul.search li a[href*=\"book/\"]').length > 20")
    found = tab.eval_on_selector_all("ul.search li a", "links => links.map(link => link.getAttribute('href'))")
    tab.unroute("**/book/**", empty)
    assert any("book/api/gantut.transport" in link for link in found)
    assert "book/api/" not in found[0]


def test_a_phone_shows_a_page_in_its_own_width_before_the_formulas_are_set(browser):
    style = (ROOT / "book/style/gantut.css").read_text(encoding="utf-8")
    formula = rf'<span class="math">\(\operatorname{{KL}}{"p(x)" * 40}\)</span>'
    phone = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    tab = phone.new_page()
    widths = []
    for sheet in ("", style):
        tab.set_content(
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<style>.nobreak {{ white-space: nowrap }} {sheet}</style><p><span class="nobreak">{formula},</span></p>'
        )
        widths.append(tab.evaluate("innerWidth"))
    phone.close()
    assert widths[1] == 390 < widths[0]


def test_the_search_offers_keys_to_those_who_have_them(browser, home):
    for touch in (False, True):
        context = browser.new_context(is_mobile=touch, has_touch=touch)
        tab = context.new_page()
        tab.goto(f"{home}search.html")
        seen = tab.locator("main .search-button__kbd-shortcut").first.is_visible()
        context.close()
        assert seen != touch
