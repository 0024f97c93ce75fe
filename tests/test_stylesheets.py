"""The one style sheet of the site says what the sheets that it is made of said, of all that is on the pages."""

import re

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
