"""The site is built again when a source of it changes, comes or goes, and only then; and its pages are all there."""

import json

import pytest

pytest.importorskip("yaml")
import pages

TOC = """\
format: jb-book
root: book/00_index
parts:
  - caption: First
    chapters:
      - file: book/01_one
        sections:
          - file: book/02_two
  - caption: Last
    chapters:
      - file: book/last
"""
ORDER = ["book/00_index", "book/01_one", "book/02_two", "book/last"]


@pytest.fixture
def book(tmp_path):
    """A book whose site was built."""
    for folder in ("book/style/fonts", "book/images", "_build/html/book"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "_toc.yml").write_text(TOC, encoding="utf-8")
    for file in ("_config.yml", "book/01_one.ipynb", "book/last.md", "book/style/fonts/a.css", "book/images/cover.png"):
        (tmp_path / file).write_text(file, encoding="utf-8")
    for page in ("index", *ORDER):
        (tmp_path / "_build/html" / f"{page}.html").write_text("x" * 5000, encoding="utf-8")
    (tmp_path / "_build/html/.sources").write_text(json.dumps(pages.sources(tmp_path)), encoding="utf-8")
    return tmp_path


def test_pages_come_in_reading_order(book):
    assert pages.pages_of_toc(book) == ORDER


def test_a_site_is_up_to_date_until_a_source_changes(book):
    assert pages.is_up_to_date(book)
    (book / "book/01_one.py").write_text("not a source: the notebook is", encoding="utf-8")
    (book / "book/01_one.ipynb").touch()
    assert pages.is_up_to_date(book)


@pytest.mark.parametrize("file", ["_toc.yml", "book/01_one.ipynb", "book/style/fonts/a.css", "book/images/cover.png"])
def test_a_changed_or_vanished_source_counts(book, file):
    was = (book / file).read_text(encoding="utf-8")
    (book / file).write_text(was + "# more", encoding="utf-8")
    assert not pages.is_up_to_date(book)
    (book / file).write_text(was, encoding="utf-8")
    assert pages.is_up_to_date(book)
    (book / file).unlink()
    assert not pages.is_up_to_date(book)


@pytest.mark.parametrize("file", ["book/02_two.ipynb", "book/more.md", "book/style/new.css", "book/images/new.png"])
def test_a_new_source_counts(book, file):
    (book / file).write_text("new", encoding="utf-8")
    assert not pages.is_up_to_date(book)


def test_a_site_that_was_never_finished_is_not_up_to_date(book):
    (book / "_build/html/.sources").unlink()
    assert not pages.is_up_to_date(book)


@pytest.mark.parametrize("page", ["index", "book/02_two"])
def test_a_missing_page_is_found(book, page, capsys):
    (book / "_build/html" / f"{page}.html").unlink()
    assert pages.main(book) == 1
    assert f"{page}.html is missing" in capsys.readouterr().err


def test_an_empty_page_is_found(book, capsys):
    (book / "_build/html/book/last.html").write_text("", encoding="utf-8")
    assert pages.main(book) == 1
    assert "book/last.html is empty" in capsys.readouterr().err


def test_a_complete_site_says_where_to_start(book, capsys):
    assert pages.main(book) == 0
    printed = capsys.readouterr().out
    assert "4 pages" in printed
    assert str(book / "_build" / "html" / "index.html") in printed


@pytest.mark.parametrize(
    ("page", "number"),
    [("book/03_optimal_discriminator", 3), ("book/13_equal", 13), ("book/00_index", None), ("book/claims", None)],
)
def test_a_page_is_numbered_by_its_file_name(page, number):
    lesson_numbers = pytest.importorskip("lesson_numbers")
    assert lesson_numbers.lesson_number(page) == number


@pytest.fixture
def empty_page():
    """The elements of a page, what typesets them, and a page without any."""
    nodes, utils = (pytest.importorskip(f"docutils.{name}") for name in ("nodes", "utils"))
    return nodes, pytest.importorskip("typesetting"), utils.new_document("page")


def test_a_formula_and_the_punctuation_that_touches_it_stay_together(empty_page):
    nodes, typesetting, document = empty_page
    math = [nodes.math("", text) for text in ("a", "b", "c")]
    document += nodes.paragraph("", "", nodes.Text("so ("), math[0], nodes.Text("), and "), math[1], math[2])
    typesetting.keep_punctuation(None, document)
    assert document.astext() == "so (a), and bc"
    (together,) = document.findall(nodes.inline)
    assert together.astext() == "(a),"
    assert together["classes"] == ["nobreak"]


def test_an_exponent_of_a_program_is_set_as_an_exponent(empty_page):
    nodes, typesetting, document = empty_page
    document += nodes.paragraph("", "1.92·10⁻⁵ (1·10⁻¹⁶) and x²")
    document += nodes.paragraph("", "", nodes.literal("", "10⁻¹⁶"))
    typesetting.raise_exponents(None, document)
    assert document.astext() == "1.92·10−5 (1·10−16) and x²\n\n10⁻¹⁶"
    assert [part.astext() for part in document.findall(nodes.superscript)] == ["−5", "−16"]


def test_words_of_code_break_only_where_they_are_too_long_for_a_phone(empty_page):
    nodes, typesetting, document = empty_page
    texts = "--augment-target 0.6", "python -m pytest tests/test_reference_pages.py", "x" * typesetting.LONGEST
    document += nodes.paragraph("", "", *(nodes.literal(text, text) for text in texts))
    typesetting.keep_words(None, document)
    assert ["whole" in code["classes"] for code in document.findall(nodes.literal)] == [True, False, True]
