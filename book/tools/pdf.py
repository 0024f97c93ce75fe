#!/usr/bin/env python3
"""Print the whole book into one file, _build/gantut.pdf: every page of the site in reading order, with bookmarks.

    python book/tools/pdf.py [--output FILE] [PAGE ...]

The pages are printed by Chromium, with their formulas set, hints and solutions unfolded, and figures as they are. A
link from one page of the book to another becomes a link within the file.
"""

import argparse
import functools
import http.server
import io
import os
import shutil
import sys
import threading
from pathlib import Path

import yaml

import pages

ROOT = pages.ROOT
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = """There is no Chromium to print with. Either of these installs one:

    apt install chromium             (on Debian and Ubuntu)
    python -m playwright install chromium
"""
# What is of use on a screen only.
PAPER = """
.bd-header, .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .prev-next-footer, .bd-footer, .headerlink,
.copybtn, .toggle-button, #pst-back-to-top, .search-button__wrapper, .sourcelink { display: none !important }
.bd-main, .bd-content, .bd-article-container, .bd-article { max-width: none !important; padding: 0 !important }
figure, table, div.math, .admonition-title, .gantut-lab { break-inside: avoid }
h1, h2, h3, h4 { break-after: avoid }
pre { white-space: pre-wrap !important }
pre, div.highlight, div.cell_input, div.cell_output, div.math, mjx-container { overflow: visible !important }
pre, div[class*="highlight"], div.cell_input { break-inside: auto !important; display: block !important }
mjx-container svg [data-c] { stroke-width: 0 !important }
html { font-size: 13px !important }
"""
# A formula that is wider than the paper is set smaller: on paper nothing scrolls.
FIT = """() => { for (const formula of document.querySelectorAll("div.math mjx-container")) {
  const share = (formula.clientWidth - 8) / formula.querySelector("svg").getBoundingClientRect().width;
  if (share < 1) formula.style.fontSize = `${Math.floor(100 * share)}%`;
} }"""
WIDE, HIGH = 658, 980  # of what is printed on a sheet, in pixels
FOOTER = """<div style="width:100%;font:8px sans-serif;color:#555;padding:0 18mm;display:flex;justify-content:space-between">
<span class="title"></span><span class="pageNumber"></span></div>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def parts(root=ROOT):
    """Return the parts of the book, in reading order: pairs of a caption (None for the front page) and its pages."""
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))

    def below(chapters):
        for chapter in chapters:
            yield str(chapter["file"])
            yield from below(chapter.get("sections", []))

    yield None, [str(contents["root"])]
    for part in contents.get("parts", []):
        yield part["caption"], list(below(part["chapters"]))


def launch(play):
    """Start Chromium: the one of this machine or, where there is none, the one that playwright brought."""
    from playwright.sync_api import Error

    found = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        return play.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
    except Error as error:
        if found is None:
            raise pages.Incomplete(MISSING) from None
        raise pages.Incomplete(f"Chromium does not start: {error}") from None


def print_page(browser, address):
    """Return one page as a PDF, and its title."""
    tab = browser.new_page(color_scheme="light", viewport={"width": WIDE, "height": HIGH})
    try:
        tab.goto(address, wait_until="load")
        tab.evaluate("async () => { await (window.MathJax?.startup?.promise ?? Promise.resolve()); }")
        tab.add_style_tag(content=PAPER)
        tab.emulate_media(media="print", color_scheme="light")
        tab.evaluate(FIT)
        unset = tab.evaluate(
            "[...document.querySelectorAll('article .math')].filter(m => !m.querySelector('svg')).length"
        )
        if unset:
            raise pages.Incomplete(f"{address}: {unset} formulas were not set")
        title = tab.evaluate("document.querySelector('h1')?.firstChild?.textContent ?? document.title").strip()
        data = tab.pdf(
            format="A4", print_background=True, display_header_footer=True, header_template="<span></span>",
            footer_template=FOOTER, margin={"top": "16mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
        )  # fmt: skip
        return data, title
    finally:
        tab.close()


def bind(printed, captions, base):
    """Return one PDF of the printed pages: bookmarks by part, and links between them within the file.

    Parameters
    ----------
    printed : dict
        From a page's name to its PDF and title, in reading order.
    captions : list of (str or None, list of str)
        The parts, and the names of their pages.
    base : str
        The address under which the pages were printed.
    """
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NullObject, NumberObject

    book, first = PdfWriter(), {}
    for name, (data, _) in printed.items():
        first[f"{base}{name}.html"] = len(book.pages)
        book.append(PdfReader(io.BytesIO(data)), import_outline=False)
    for sheet in book.pages:
        for link in sheet.get("/Annots") or ():
            action = link.get_object().get("/A")
            target = first.get(str(action.get_object().get("/URI", "")).split("#")[0]) if action else None
            if target is not None:
                place = [book.pages[target].indirect_reference, NameObject("/XYZ"), NumberObject(0),
                         NumberObject(842), NullObject()]  # fmt: skip
                link.get_object()[NameObject("/A")] = DictionaryObject(
                    {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): ArrayObject(place)}
                )
    for caption, names in captions:
        names = [name for name in names if name in printed]
        if not names:
            continue
        part = book.add_outline_item(title=caption, page_number=first[f"{base}{names[0]}.html"]) if caption else None
        for name in names:
            book.add_outline_item(title=printed[name][1], page_number=first[f"{base}{name}.html"], parent=part)
    book.add_metadata({"/Title": "From GAN to Wasserstein GAN, executed", "/Author": "the gantut authors"})
    result = io.BytesIO()
    book.write(result)
    return result.getvalue(), len(book.pages)


def write_book(output, names=None, root=ROOT):
    """Print the named pages, or all, into the file `output`; return how many sheets that are."""
    try:
        import pypdf  # noqa: F401
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise pages.Incomplete(f"{error.name} is not installed: python -m pip install -r requirements.txt") from None

    handler = functools.partial(Quiet, directory=str(root / "_build/html"))
    with sync_playwright() as play, http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        browser = launch(play)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/"
        printed = {}
        for name in names or pages.pages_of_toc(root):
            print(f"\r{name:50}", end="", file=sys.stderr, flush=True)
            printed[name] = print_page(browser, f"{base}{name}.html")
        browser.close()
        server.shutdown()
    print(file=sys.stderr)
    data, sheets = bind(printed, list(parts(root)), base)
    unfinished = output.with_suffix(".pdf.tmp")
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished.write_bytes(data)
    os.replace(unfinished, output)
    return sheets


def main(arguments=None, root=ROOT):
    parser = argparse.ArgumentParser(description="Print the book into one file.")
    parser.add_argument("--output", type=Path, default=root / "_build" / "gantut.pdf")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="pages, such as book/01_divergences (default: all)")
    options = parser.parse_args(arguments)
    unknown = set(options.pages) - set(pages.pages_of_toc(root))
    if unknown:
        parser.error(f"no page {', '.join(sorted(unknown))} in _toc.yml")
    if status := pages.main(root):
        return status
    try:
        sheets = write_book(options.output, options.pages, root)
    except pages.Incomplete as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{options.output}: {sheets} sheets, {options.output.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
