"""Every link within the site leads somewhere, down to the anchor, and what pages say of themselves elsewhere is so."""

import html
import os
import re
import shutil
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

links = pytest.importorskip("links")
pages = pytest.importorskip("pages")
if not os.environ.get("CI"):
    pytest.importorskip("jupyter_book")

pytestmark = pytest.mark.site

ROOT = Path(__file__).resolve().parents[1]
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]


@pytest.fixture(scope="module")
def read_pages(site):
    return links.read(site)


def test_no_link_within_the_site_is_broken(site, read_pages):
    assert sum(len(page.links) for page in read_pages.values()) > 1000
    assert links.broken(site, read_pages) == []


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "one.html").write_text('<h1 id="top">1</h1><a href="two.html#here">a</a><img src="no%20picture.png"/>')
    (tmp_path / "two.html").write_text(
        '<p id="there"/><a href="one.html#top">a</a><a href="#there">b</a><a href="3.html">c</a>'
    )
    assert links.broken(tmp_path) == ["one.html: two.html#here", "one.html: no%20picture.png", "two.html: 3.html"]


def test_links_outside_are_secure_and_name_no_machine(read_pages):
    for address in links.outside(read_pages):
        assert address.startswith("https://"), address
        assert not re.search(r"localhost|127\.0\.0\.1", address)


def test_source_links_lead_to_files_of_this_repository(read_pages):
    start = f"{URLS['Repository']}/blob/main/"
    files = {address.removeprefix(start) for address in links.outside(read_pages) if address.startswith(start)}
    assert len(files) > 30
    assert not [file for file in files if not (ROOT / file.split("#")[0]).is_file()]


def meta(site, page):
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', text)
    }


@pytest.mark.parametrize("page", pages.pages_of_toc(ROOT))
def test_a_page_says_what_it_is_to_those_who_show_a_link_to_it(site, page):
    said = meta(site, page)
    assert said["og:url"] == f"{URLS['Documentation']}/{page}.html"
    assert said["twitter:card"] == "summary_large_image"
    assert len(said["og:title"]) >= 5
    assert "<" not in said["og:title"]
    assert len(said.get("og:description", "")) <= 200
    picture = said["og:image"].removeprefix(f"{URLS['Documentation']}/")
    assert (site / picture).is_file()


def test_lessons_describe_themselves_in_words(site):
    described = [page for page in pages.pages_of_toc(ROOT) if re.search(r"/\d\d_", page)]
    texts = [meta(site, page)["og:description"] for page in described]
    assert len(set(texts)) == len(texts)
    assert all(len(text) >= 40 and not re.search(r"[{}$\\]", text) for text in texts)


def test_the_social_card_is_a_small_picture_of_the_right_size():
    image = pytest.importorskip("PIL.Image")
    card = ROOT / "book/images/social-card.png"
    assert image.open(card).size == (1200, 630)
    assert card.stat().st_size < 200_000


def test_the_public_names_have_an_entry_on_the_page_of_their_module(read_pages):
    api_pages = pytest.importorskip("api_pages")
    for module in api_pages.public_modules():
        page = read_pages[f"book/api/{module.removeprefix('gantut.')}.html"]
        for name in api_pages.public_names(api_pages.importlib.import_module(module)):
            home = api_pages.home_of(module, name)
            if home == module:
                assert f"{module}.{name}" in page.anchors, f"{module}.{name} has no entry"
            else:
                assert any(link.endswith(f"#{home}.{name}") for link in page.links), f"{module}.{name} has no link"


# ---- One file to print -------------------------------------------------------------------------------------


def test_the_printed_book_has_bookmarks_by_part_and_links_within_itself(tmp_path):
    pdf = pytest.importorskip("pdf")
    pypdf = pytest.importorskip("pypdf")
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

    def sheet(*addresses):
        writer = pypdf.PdfWriter()
        page = writer.add_blank_page(595, 842)
        notes = [
            DictionaryObject({
                NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Link"),
                NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (0, 0, 9, 9)]),
                NameObject("/A"): DictionaryObject(
                    {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(address)}),
            })
            for address in addresses
        ]  # fmt: skip
        page[NameObject("/Annots")] = ArrayObject(notes)
        file = tmp_path / "sheet.pdf"
        writer.write(file)
        return file.read_bytes()

    printed = {"a": (sheet("http://x/b.html#part", "https://elsewhere"), "First"), "b": (sheet(), "Second")}
    data, sheets = pdf.bind(printed, [(None, ["a"]), ("A part", ["b", "not printed"])], "http://x/")
    (tmp_path / "book.pdf").write_bytes(data)
    book = pypdf.PdfReader(tmp_path / "book.pdf")
    assert sheets == len(book.pages) == 2
    inside, outside = (note.get_object()["/A"] for note in book.pages[0]["/Annots"])
    assert inside["/S"] == "/GoTo"
    assert book.get_page_number(inside["/D"][0].get_object()) == 1
    assert outside["/URI"] == "https://elsewhere"
    assert [item.title for item in book.outline[:2]] == ["First", "A part"]
    assert book.outline[2][0].title == "Second"


def test_the_book_is_printed_in_the_order_in_which_it_is_read():
    pdf = pytest.importorskip("pdf")
    assert [page for _, names in pdf.parts(ROOT) for page in names] == pages.pages_of_toc(ROOT)


def test_without_a_browser_printing_says_how_to_get_one(monkeypatch):
    pdf = pytest.importorskip("pdf")
    error = pytest.importorskip("playwright.sync_api").Error

    def launch(**_):
        raise error("Executable doesn't exist")

    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(pages.Incomplete, match="apt install chromium"):
        pdf.launch(SimpleNamespace(chromium=SimpleNamespace(launch=launch)))
