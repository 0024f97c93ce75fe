"""The one style sheet of the site says what the sheets that it is made of said, of all that is on the pages."""

import re
from pathlib import Path

import pytest

formulas = pytest.importorskip("formulas")
stylesheets = pytest.importorskip("stylesheets")

STYLE = """@charset "utf-8"; /* a { comment } */
:root { --a: "}"; }
.seen, .unseen > p,
a:is(.unseen, .seen)  ,  [class*="x,y"] .seen { color : red; content: "a  ;  b" }
.unseen { color: blue }
#there p.unseen, #there p { margin: 0 calc(1px + 2px) }
@media print { .unseen { a: b } @supports (display: grid) { .seen::after { c: d } } }
@media screen { .unseen { e: f } }
@font-face { font-family: X; src: url(data:font/woff2;base64,//8=) }
.m\\:seen { g: h }
"""


def test_rules_for_what_is_nowhere_are_left_out_and_all_others_kept():
    assert stylesheets.shortened(STYLE, {"seen", "there", "m:seen"}.__contains__) == (
        ':root{--a: "}";}'
        '.seen,a:is(.unseen, .seen),[class*="x,y"] .seen{color : red; content: "a  ;  b"}'
        "#there p{margin: 0 calc(1px + 2px)}"
        "@media print{@supports (display: grid){.seen::after{c: d}}}"
        "@font-face{font-family: X; src: url(data:font/woff2;base64,//8=)}"
        ".m\\:seen{g: h}"
    )


def test_names_are_found_in_attributes_and_in_scripts():
    page = '<p class="a b-c" id="d">e</p><script>box.classList.add("f")</script>'
    names, beginnings = stylesheets.names_in([page], ["element.className = `g tooltip-${state}`"])
    assert {"a", "b-c", "d", "f", "g"} <= names
    assert "e" not in names
    assert beginnings == ("tooltip-",)


def test_an_imported_sheet_stands_where_it_was_imported_and_addresses_are_seen_from_the_new_place(tmp_path):
    (tmp_path / "styles").mkdir()
    (tmp_path / "styles/theme.css").write_text('@import "../basic.css";\nb { background: url(x.png) }')
    (tmp_path / "basic.css").write_text('a { background: url("y.png"), url(data:image/png;base64,A) }')
    found = stylesheets.with_imports(tmp_path / "styles/theme.css", tmp_path)
    assert re.findall(r"[ab] \{|url\([^)]*\)", found) == [
        "a {", 'url("y.png")', "url(data:image/png;base64,A)", "b {", 'url("styles/x.png")',
    ]  # fmt: skip


def test_a_style_sheet_that_is_asked_for_in_an_unknown_way_is_not_lost():
    known = '<link rel="stylesheet" type="text/css" href="_static/a.css" />'
    assert stylesheets.rewritten(known, "").count("<link") == 1
    with pytest.raises(ValueError, match="would be lost"):
        stylesheets.rewritten(known + "<link rel=stylesheet href=b.css>", "")


# ---- What browsers understand -------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[1]
OURS = {
    path: re.sub(
        r"/\*.*?\*/|(?<!:)//[^\n]*" if path.suffix == ".js" else r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S
    )
    for folder in ("book/style", "gantut/lessons")
    for path in sorted((ROOT / folder).rglob("*.[cj]s*"))
    if path.suffix in (".css", ".js") and "katex" not in path.parts
}
# The book is read in Chromium 111, Firefox 121 (2023, for :has) and Safari 16.4, and in what came after them. This came
# later: not before the version named, of Chromium, Firefox and Safari, or not at all.
LATER = {
    r"light-dark\(": "123, 120, 17.5",
    r"@starting-style": "117, 129, 17.5",
    r"@scope": "118, 146, 17.4",
    r"@property": "85, 128, 16.4",
    r"anchor-name|position-anchor|\banchor\(": "125, 147, 26",
    r"field-sizing": "123, none, 26",
    r"interpolate-size|calc-size\(": "129, none, none",
    r"(?m)^\s*&(?!&)|\{\s*&(?!&)": "120, 117, 17.2: rules within rules",
    r"\.checkVisibility\(": "105, 106, 17.4",
    r"withResolvers\(": "119, 121, 17.4",
    r"\b(Object|Map)\.groupBy\(": "117, 119, 17.4",
    r"requestIdleCallback": "47, 55, none",
    r"scheduler\.(yield|postTask)": "94, 142, none",
    r"startViewTransition": "111, 144, 18",
    r"scrollend|scrollIntoViewIfNeeded": "114, 109, 26",
    r"[pP]opover": "114, 125, 17",
    r"Array\.fromAsync|Promise\.try\(": "121, 115, 16.4 and later",
    r"/[dgimsuy]*v[dgimsuy]*\.(test|exec)\(": "112, 116, 17",
    r"\.(union|intersection|difference|isSubsetOf)\(": "122, 127, 17",
    r"fromBase64|toBase64": "140, 133, 18.2",
    r"\bnavigation\.": "102, 147, 26",
}
# Without these a page is read as well, and looks a little plainer.
BESIDES = {"::details-content", "text-wrap: balance"}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_what_is_needed_to_read_the_book_has_long_been_in_every_browser(path):
    found = {pattern: since for pattern, since in LATER.items() if re.search(pattern, OURS[path])}
    assert not found, "younger than the browsers that the book is made for"
    assert set(re.findall(r"::details-content|text-wrap: *[\w-]+", OURS[path])) <= BESIDES


def test_a_sign_with_a_text_for_the_ear_has_one_without_it_for_older_browsers():
    """Firefox before 128 and Safari before 17.4 leave out a declaration whose "/" they do not know."""
    for path, style in OURS.items():
        for sign in re.findall(r'content: ("[^"]*") / "', style):
            assert re.search(rf"content: {re.escape(sign)};\s*content: {re.escape(sign)} / ", style), path.name


def test_what_is_dragged_marks_no_words():
    """In WebKit it does, unless the pointer that goes down is told not to."""
    begun = {
        path.name: part.split("addEventListener(")[0]
        for path, script in OURS.items()
        if path.suffix == ".js"
        for part in script.split('addEventListener("pointerdown", (event) => {')[1:]
    }
    assert len(begun) >= 4
    assert not [name for name, handler in begun.items() if "event.preventDefault()" not in handler]


def test_no_rule_asks_what_is_in_an_element_that_formulas_are_set_in():
    """WebKit answers ``:has(.katex)`` anew for the whole page after each formula, for most of a second on a lesson."""
    insides = {
        inside
        for path, style in OURS.items()
        if path.suffix == ".css"
        for inside in re.findall(r":has\(([^()]*)", style)
    }
    assert insides, "some rules ask for what is there from the beginning"
    assert not [inside for inside in insides if re.search(r"katex|is-set|set-later|\*|^$", inside)]


@pytest.mark.site
def test_each_page_asks_for_one_style_sheet_and_no_other_is_left(site):
    for page in ("book/00_index", "book/api/gantut.transport", "search", "genindex"):
        html = (site / f"{page}.html").read_text(encoding="utf-8")
        (address,) = re.findall(r'<link [^>]*rel="stylesheet"[^>]*>', html)
        assert "_static/book.css?v=" in address
    left = {path.relative_to(site / "_static").as_posix() for path in (site / "_static").rglob("*.css")}
    assert left == {"book.css", "katex/fonts.css"}
    assert (site / "_static/book.css").stat().st_size < 220_000


def test_a_font_of_formulas_is_there_where_one_needs_it_and_only_there():
    style = (formulas.KATEX / "katex.min.css").read_text(encoding="utf-8")
    names = lambda style: set(re.findall(r"fonts/KaTeX_([\w-]+)\.woff2", style))  # noqa: E731
    plain = names(formulas.without_rare_fonts(style, r"\(\mathbb{E} \mathcal{L} \mathbf x \text{if} \tfrac12\)"))
    assert {"AMS-Regular", "Caligraphic-Regular", "Main-Bold", "Main-Regular", "Math-Italic", "Size4-Regular"} <= plain
    assert len(plain) == 9
    for formula, font in ((r"\mathfrak{F}", "Fraktur-Regular"), (r"\mathsf A", "SansSerif-Regular"),
                          (r"\mathtt{x}", "Typewriter-Regular"), (r"\mathscr{X}", "Script-Regular"),
                          (r"\mathit{if}", "Main-Italic"), (r"\boldsymbol{\mu}", "Math-BoldItalic")):  # fmt: skip
        assert font not in plain
        assert font in names(formulas.without_rare_fonts(style, formula)), formula
    every = "".join(rf"\{command} " for commands in formulas.RARE.values() for command in commands.split("|"))
    assert formulas.without_rare_fonts(style, every) == style
