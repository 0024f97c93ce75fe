"""Every link within the site leads somewhere, down to the anchor, and what pages say of themselves elsewhere is so."""

import functools
import html
import http.server
import importlib
import io
import os
import re
import shutil
import threading
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import CHROMIUM

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


def test_a_broken_picture_for_a_phone_and_a_broken_address_of_the_published_site_are_found(tmp_path):
    home = URLS["Documentation"].rstrip("/")
    (tmp_path / "one.html").write_text(
        '<picture><source srcset="small.svg"></picture>'
        f'<link rel="canonical" href="{home}/one.html"/><a href="{home}/2.html">'
    )
    assert links.broken(tmp_path) == ["one.html: small.svg", f"one.html: {home}/2.html"]


def test_each_address_outside_is_asked_once_and_those_that_are_gone_are_named(tmp_path, monkeypatch, capsys):
    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status = 302 if self.path == "/moved" else int(self.path[1:4])
            self.send_response(status)
            self.send_header("Location", "/200")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_port}"
        site = tmp_path / "_build/html"
        site.mkdir(parents=True)
        addresses = [f"{there}/{page}" for page in ("200", "200#place", "403", "404", "500", "moved")]
        addresses += [URLS["Repository"], URLS["Documentation"], "page.html"]
        for name in ("a", "b"):
            (site / f"{name}.html").write_text("".join(f'<a href="{address}">x</a>' for address in addresses))
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        monkeypatch.setattr(pages, "main", lambda root: 0)
        assert links.main([], root=tmp_path) == 1
        server.shutdown()
    assert asked == ["/200", "/403", "/404", "/500", "/moved", "/200"]
    assert capsys.readouterr().out.splitlines() == [
        f"{there}/404", "    404; linked from a.html, b.html",
        f"{there}/500", "    500; linked from a.html, b.html",
        "5 addresses, 2 of which do not answer",
    ]  # fmt: skip
    assert "refused" in links.answer(there)  # now that nobody is there
    assert links.main(["--list"], root=tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "5 addresses"


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
        page = read_pages[f"book/api/{module}.html"]
        for name in importlib.import_module(module).__all__:
            assert f"{module}.{name}" in page.anchors, f"{module}.{name} has no entry"
            assert f"#{module}.{name}" in page.links, f"{module}.{name} is not in the table of its module"


# ---- One file to print -------------------------------------------------------------------------------------


def leaf(*links, places=None):
    """A sheet as Chromium prints it: links are addresses, or names of places on it, which are given by their height."""
    import pypdf
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NullObject, NumberObject, TextStringObject

    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(595, 842)
    for place, top in (places or {}).items():
        at = [page.indirect_reference, NameObject("/XYZ"), NumberObject(0), NumberObject(top), NullObject()]
        writer.add_named_destination_array(TextStringObject(f"/{place}"), ArrayObject(at))
    notes = []
    for number, link in enumerate(links):
        side = 1 if link.startswith("unseen") else 9
        note = DictionaryObject({
            NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Link"),
            NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (0, 20 * number, side, 20 * number + side)]),
        })  # fmt: skip
        if ":" in link:
            action = {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(link)}
            note[NameObject("/A")] = DictionaryObject(action)
        else:
            note[NameObject("/Dest")] = NameObject(f"/{link}")
        notes.append(writer._add_object(note))
    page[NameObject("/Annots")] = ArrayObject(notes)
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def bound(printed, captions, **options):
    import pypdf

    data, sheets = pytest.importorskip("pdf").bind(printed, captions, "http://x/", **options)
    book = pypdf.PdfReader(io.BytesIO(data))
    assert sheets == len(book.pages)
    return book


def targets(book, sheet):
    """Where the links of a sheet lead: a sheet and a height on it, or an address outside."""
    actions = [note.get_object()["/A"] for note in book.pages[sheet].get("/Annots", ())]
    where = [action.get("/D") for action in actions]
    return [
        (book.get_page_number(at[0].get_object()), at[3]) if at else action["/URI"]
        for at, action in zip(where, actions, strict=True)
    ]


def test_the_printed_book_has_bookmarks_by_part_and_links_within_itself():
    pytest.importorskip("pypdf")
    first = leaf("http://x/b.html#part", "http://x/b.html", "https://elsewhere", "http://x/not-printed.html#part")
    printed = {
        "a": (first, "First", [("nowhere", "A section that is not there")]),
        "b": (leaf(places={"part": 300}), "Second", [("part", "Its section")]),
    }
    book = bound(printed, [(None, ["a"]), ("A part", ["b", "not printed"])], site="https://site/")
    assert targets(book, 0) == [(1, 300), (1, 842), "https://elsewhere", "https://site/not-printed.html#part"]
    assert [item.title for item in book.outline[:2]] == ["First", "A part"]
    assert book.outline[2][0].title == "Second"
    assert [item.title for item in book.outline[2][1]] == ["Its section"]


def test_a_printed_link_leads_to_the_place_on_its_own_page_where_many_pages_have_it():
    pytest.importorskip("pypdf")
    pages_of_two = {
        name: (leaf("exercises", "unseen", places={"exercises": top, "unseen": 1}), name, ())
        for name, top in (("a", 200), ("b", 500))
    }
    book = bound(pages_of_two, [(None, ["a", "b"])])
    assert targets(book, 0) == [(0, 200)]  # a link that none can see is there for its place only
    assert targets(book, 1) == [(1, 500)]


def test_printed_sheets_are_numbered_through_the_book_and_its_contents():
    pytest.importorskip("pypdf")
    printed = {"a": (leaf(), "Front", ()), "b": (leaf(), "1 · How (far)?", ()), "c": (leaf(), "2 · The game", ())}
    contents = leaf("http://x/c.html")
    book = bound(printed, [(None, ["a"]), ("A part", ["b", "c"])], contents=contents)
    feet = [page.extract_text().split() for page in book.pages]
    assert [foot[-1] for foot in feet] == ["1", "2", "3", "4"]
    assert [foot[: foot.index("—")] for foot in feet] == [
        title.split() for title in ("Front", "Contents", "1 · How (far)?", "2 · The game")
    ]
    assert [item.title for item in book.outline if not isinstance(item, list)] == ["Front", "Contents", "A part"]
    assert targets(book, 1) == [(3, 842)]


def test_on_paper_nothing_is_cut_off_and_no_button_is_left(request, tmp_path):
    if not CHROMIUM:
        pytest.skip("there is no Chromium to print with")
    pdf = pytest.importorskip("pdf")
    import pypdf

    wide = "".join(f"<td>column{number}</td>" for number in range(40))
    rows = "<tr><td>row</td></tr>" * 60
    (tmp_path / "page.html").write_text(
        "<!DOCTYPE html><html><body><div id='jb-print-toc'>On this page</div>"
        "<article><section><h1>A page<a class='headerlink'>#</a></h1>"
        "<section id='exercises'><h2>Exercises<a class='headerlink'>#</a></h2></section>"
        "<details class='hide'><summary>Show code</summary><pre>hidden</pre></details>"
        f"<div style='overflow-x: auto'><table><tr>{wide}</tr></table></div>"
        f"<table>{rows}</table><p id='linked'>last</p><div class='gantut-lab'>lab</div></section></article>"
    )
    address = (tmp_path / "page.html").as_uri()
    data, title, sections = pdf.print_page(request.getfixturevalue("browser"), address, ["linked"], "https://site/p")
    assert (title, sections) == ("A page", [["exercises", "Exercises"]])
    sheet = pypdf.PdfReader(io.BytesIO(data))
    text = "".join(page.extract_text() for page in sheet.pages)
    for unseen in ("Show code", "hidden", "On this page"):  # the last is for pages that are printed alone
        assert unseen not in text
    assert "column39" in text
    assert "row" in sheet.pages[0].extract_text()  # a long table begins where it stands
    assert "to move it: https://site/p" in text
    assert {"/exercises", "/linked"} <= set(sheet.named_destinations)
    right = []
    sheet.pages[0].extract_text(visitor_text=lambda words, page, at, *_: right.append(page[0] * at[4] + page[4]))
    assert 400 < max(right) < 595 - 51


@pytest.mark.slow
def test_paper_shows_the_end_of_a_film(request, tmp_path):
    if not CHROMIUM:
        pytest.skip("there is no Chromium to print with")
    pdf = pytest.importorskip("pdf")
    import pypdf
    from PIL import Image

    first, last = (Image.new("RGB", (40, 40), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "film.gif", save_all=True, append_images=[last], duration=60_000)  # a minute each
    (tmp_path / "page.html").write_text("<!DOCTYPE html><article><h1>A film</h1><img src='film.gif'></article>")
    handler = functools.partial(pdf.Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/page.html"
        data, *_ = pdf.print_page(request.getfixturevalue("browser"), address)
        server.shutdown()
    (shown,) = pypdf.PdfReader(io.BytesIO(data)).pages[0].images
    assert shown.image.convert("RGB").getpixel((20, 20)) == (0, 0, 255)


@pytest.mark.slow
def test_the_table_of_contents_counts_the_sheets_before_it_and_its_own(request):
    if not CHROMIUM:
        pytest.skip("there is no Chromium to print with")
    pdf = pytest.importorskip("pdf")
    import pypdf

    printed = {"a": (leaf(), "Front", ()), **{f"b{n}": (leaf(), f"Page <{n}>", ()) for n in range(80)}}
    captions = [(None, ["a"]), ("Empty", ["none"]), ("All", list(printed)[1:])]
    contents = pypdf.PdfReader(
        io.BytesIO(pdf.print_contents(request.getfixturevalue("browser"), printed, captions, "http://x/"))
    )
    lines = "\n".join(page.extract_text() for page in contents.pages).split("\n")
    assert len(contents.pages) == 2
    assert "Empty" not in lines
    assert [line for line in lines if line.startswith("Page <0>")] == ["Page <0> 4"]


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
