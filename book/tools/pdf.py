#!/usr/bin/env python3
"""Print the whole book into one file, _build/gantut.pdf: every page of the site in reading order, with bookmarks.

    python book/tools/pdf.py [--students] [--output FILE] [PAGE ...]

The pages are printed by Chromium, with their formulas set, hints and solutions unfolded, and figures as they are; with
--students, to be handed out, there are no hints, no solutions and no pages for teachers. Code that the site hides until
it is asked for, that of the figures, is left out, as are the boxes for answers, and each lab stands as it begins. The
sheets are numbered through the book, and a table of contents says where each page begins. A link from one page of the
book to another becomes a link within the file, to the very place.
"""

import argparse
import functools
import html
import http.server
import io
import os
import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import yaml

import links
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
.copybtn, .toggle-button, #pst-back-to-top, .search-button__wrapper, .sourcelink, details.hide,
div.cell:has(> details.hide:only-child), #jb-print-toc { display: none !important }
.bd-main, .bd-content, .bd-article-container, .bd-article { max-width: none !important; padding: 0 !important }
figure, tr, div.math, .admonition-title, .gantut-lab { break-inside: avoid }
table:has(tr:nth-child(9)), .admonition:has(> :nth-child(3)), .admonition:has(> section > :nth-child(3)) {
  break-inside: auto !important }
h1, h2, h3, h4, dt, p.rubric, thead, .gantut-lab { break-after: avoid }
h1 { margin-bottom: 1rem !important }
figcaption, figcaption p { color: #333 !important }
pre { white-space: pre-wrap !important }
pre, div.highlight, div.cell_input, div.cell_output, div.math,
.pst-scrollable-table-container { overflow: visible !important }
pre, div[class*="highlight"], div.cell_input { break-inside: auto !important; display: block !important }
html { font-size: 13px !important }
.gantut-anchors { position: absolute; top: 0; left: 0; line-height: 0 }
.gantut-lab-note { font-size: 11px }
.gantut-anchors a { display: inline-block; height: 1px; width: 1px }
"""
# What is not for those who are to find the answers themselves.
STUDENTS = "div.hint, div.solution { display: none !important }"
# What is wider than the paper is set smaller: on paper nothing scrolls.
FIT = """() => {
  for (const formula of document.querySelectorAll("div.math .katex-display")) {
    const parts = [...formula.querySelectorAll(".base")].map(part => part.getBoundingClientRect());
    const width = Math.max(...parts.map(part => part.right)) - Math.min(...parts.map(part => part.left));
    const share = (formula.clientWidth - 8) / width;
    if (share < 1) formula.style.fontSize = `${Math.floor(100 * share)}%`;
  }
  for (const table of document.querySelectorAll("article table")) {
    const share = table.parentElement.clientWidth / table.scrollWidth;
    if (share < 1) table.style.zoom = `${Math.floor(100 * share)}%`;
  }
}"""
# A page fetches a figure when it is about to come into sight: on paper, all are.
FIGURES = """async () => {
  const shown = [...document.querySelectorAll("article img")].filter(image => image.checkVisibility());
  for (const image of shown) image.loading = "eager";
  await Promise.all(shown.map(image => image.decode()));
}"""
# Of a film, paper shows the end.
FILMS = """async () => {
  for (const film of document.querySelectorAll('article img[src$=".gif"]')) {
    const pictures = new ImageDecoder({ type: "image/gif", data: await (await fetch(film.src)).arrayBuffer() });
    await Promise.all([pictures.completed, pictures.tracks.ready]);
    const last = (await pictures.decode({ frameIndex: pictures.tracks.selectedTrack.frameCount - 1 })).image;
    const canvas = Object.assign(document.createElement("canvas"), { width: last.codedWidth, height: last.codedHeight });
    canvas.getContext("2d").drawImage(last, 0, 0);
    film.src = canvas.toDataURL();
  }
}"""
# A place that is linked to has a name in a PDF only where the page itself links to it: so it does, unseen.
ANCHOR = """(ids) => {
  const anchors = Object.assign(document.createElement("div"), { className: "gantut-anchors" });
  anchors.append(...ids.map((id) => Object.assign(document.createElement("a"), { href: `#${id}` })));
  document.querySelector("article").append(anchors);
}"""
# Under each lab, where it can be moved.
LABS = """(address) => {
  for (const lab of document.querySelectorAll(".gantut-lab")) {
    const note = Object.assign(document.createElement("p"), { className: "gantut-lab-note" });
    const link = Object.assign(document.createElement("a"), { href: address, textContent: address });
    note.append("The lab as it begins; to move it: ", link);
    lab.after(note);
  }
}"""
TITLE = """() => {
  const text = (heading) => [...heading.childNodes]
    .filter((node) => !node.classList?.contains("headerlink")).map((node) => node.textContent).join("").trim();
  const sections = [...document.querySelectorAll("article section > section:has(> h2)")];
  const title = document.querySelector("article h1");
  return [title ? text(title) : document.title, sections.map((s) => [s.id, text(s.querySelector("h2"))])];
}"""
WIDE, HIGH = 658, 980  # of what is printed on a sheet, in pixels
PATIENCE = 120_000  # milliseconds, for a page on a busy machine
MARGIN = {"top": "16mm", "bottom": "18mm", "left": "18mm", "right": "18mm"}
EDGE, TOP = 51, 842  # of a sheet, in points
BOOK = "From GAN to Wasserstein GAN, executed"
TEACHERS = ("book/teaching", "book/exam_questions")  # pages that students are not handed
CONTENTS = """<!DOCTYPE html><html lang="en"><title>Contents</title><style>
body { font: 11.5px/1.5 sans-serif; margin: 0 }
h1 { font-size: 26px; font-weight: normal; text-align: center }
h2 { font-size: 12.5px; margin: 9px 0 0; break-after: avoid }
a { color: inherit; display: flex; text-decoration: none }
a.inner { margin-left: 2em }
i { border-bottom: 1px dotted #888; flex: 1; margin: 0 6px 5px }
</style><h1>Contents</h1>%s</html>"""


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


def chosen(names, root=ROOT, students=False):
    """Return the pages to be printed, in reading order: those named, or all; for students none of the teachers'."""
    left_out = TEACHERS if students else ()
    return [name for name in pages.pages_of_toc(root) if (not names or name in names) and name not in left_out]


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


def places_linked_to(names, site):
    """Return, for each page, the ids on it that other pages link to, sorted."""
    found = {name: set() for name in names}
    read = links.read(site)
    for name in names:
        for link in read[f"{name}.html"].links:
            address, place = urldefrag(urljoin(f"/{name}.html", link))
            target = address.removeprefix("/").removesuffix(".html")
            if place and target in found and target != name:
                found[target].add(unquote(place))
    return {name: sorted(ids & read[f"{name}.html"].anchors) for name, ids in found.items()}


def print_page(browser, address, ids=(), site="", students=False):
    """Return one page as a PDF, its title, and its sections: pairs of an id and a title.

    To be found in the PDF, `ids` are the places on the page that other pages link to; `site` is where the book stands.
    For `students`, hints and solutions are left out.
    """
    tab = browser.new_page(color_scheme="light", viewport={"width": WIDE, "height": HIGH})
    tab.set_default_timeout(PATIENCE)
    try:
        tab.goto(address, wait_until="load")
        tab.evaluate("async () => { await window.formulasSet; }")
        title, sections = tab.evaluate(TITLE)
        tab.add_style_tag(content=PAPER + (STUDENTS if students else ""))
        tab.emulate_media(media="print", color_scheme="light")
        tab.evaluate(FILMS)
        tab.evaluate(FIGURES)
        tab.evaluate(LABS, site)
        tab.evaluate(ANCHOR, sorted({*ids, *(place for place, _ in sections)}))
        tab.evaluate(FIT)
        unset = tab.evaluate(
            "[...document.querySelectorAll('article .math')].filter(m => !m.querySelector('.katex')).length"
        )
        if unset:
            raise pages.Incomplete(f"{address}: {unset} formulas were not set")
        return tab.pdf(format="A4", print_background=True, margin=MARGIN), title, sections
    finally:
        tab.close()


def print_contents(browser, printed, captions, base):
    """Return the table of contents as a PDF: it stands after the pages without a caption, and counts itself."""
    sheets = {name: sheets_of(data) for name, (data, *_) in printed.items()}
    tab = browser.new_page()
    try:
        own = 1
        while True:
            lines, number = [], 1
            for caption, names in captions:
                names = [name for name in names if name in printed]
                lines += [f"<h2>{html.escape(caption)}</h2>"] if caption and names else []
                for name in names:
                    title = html.escape(printed[name][1])
                    inner = ' class="inner"' if name.count("/") > 1 else ""
                    lines.append(f'<a{inner} href="{base}{name}.html">{title}<i></i>{number}</a>')
                    number += sheets[name]
                number += 0 if caption else own
            tab.set_content(CONTENTS % "\n".join(lines))
            data = tab.pdf(format="A4", print_background=True, margin=MARGIN)
            if sheets_of(data) <= own:
                return data
            own = sheets_of(data)
    finally:
        tab.close()


def sheets_of(data):
    from pypdf import PdfReader

    return len(PdfReader(io.BytesIO(data)).pages)


def bind(printed, captions, base, contents=None, site=""):
    """Return one PDF of the printed pages: numbered sheets, bookmarks by part, and links between them within the file.

    Parameters
    ----------
    printed : dict
        From a page's name to its PDF, its title and its sections, in reading order.
    captions : list of (str or None, list of str)
        The parts, and the names of their pages.
    base : str
        The address under which the pages were printed.
    contents : bytes, optional
        The table of contents, as a PDF; it comes after the pages without a caption.
    site : str, optional
        The address at which the book stands: links to pages that were not printed lead there.
    """
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import DictionaryObject, Fit, NameObject

    front = [name for caption, names in captions if not caption for name in names if name in printed]
    order = [*front, *([None] if contents else []), *(name for name in printed if name not in front)]
    book, first, places, running = PdfWriter(), {}, {}, []
    for name in order:
        data, title, _ = printed[name] if name else (contents, "Contents", ())
        address = f"{base}{name}.html" if name else "contents"
        reader = PdfReader(io.BytesIO(data))
        first[address] = places[address] = len(book.pages), 0, TOP
        for place, at in reader.named_destinations.items():
            sheet = len(book.pages) + reader.get_destination_page_number(at)
            places[f"{address}#{unquote(place.removeprefix('/'))}"] = sheet, float(at.left or 0), float(at.top or TOP)
        running += [(address, title)] * len(reader.pages)
        book.append(reader, import_outline=False)
    book.root_object.pop("/Names", None)  # places are told apart by their pages now: many have an "exercises"
    book.root_object.pop("/Dests", None)
    font = book._add_object(DictionaryObject({
        NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
        NameObject("/BaseFont"): NameObject("/Helvetica"), NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
    }))  # fmt: skip
    for number, (sheet, (address, title)) in enumerate(zip(book.pages, running, strict=True), 1):
        join_links(book, sheet, address, places, base, site)
        stamp(book, sheet, number, BOOK if title == BOOK else f"{title} — {BOOK}", font)

    def mark(title, place, parent=None):
        sheet, left, top = place
        fit = Fit.xyz(left=left, top=top)
        return book.add_outline_item(title=title, page_number=sheet, parent=parent, fit=fit, is_open=False)

    for caption, names in captions:
        names = [name for name in names if name in printed]
        if not names:
            continue
        part = mark(caption, first[f"{base}{names[0]}.html"]) if caption else None
        for name in names:
            page = mark(printed[name][1], first[f"{base}{name}.html"], part)
            for place, title in printed[name][2]:
                if at := places.get(f"{base}{name}.html#{place}"):
                    mark(title, at, page)
        if contents and not caption:
            mark("Contents", first["contents"])
    book.add_metadata({"/Title": BOOK, "/Author": "the gantut authors"})
    result = io.BytesIO()
    book.write(result)
    return result.getvalue(), len(book.pages)


def join_links(book, sheet, address, places, base, site):
    """Turn the links of a sheet to places of the book into links within the file; drop those that none can see."""
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NullObject, NumberObject, TextStringObject

    kept = ArrayObject()
    for note in sheet.get("/Annots") or ():
        link = note.get_object()
        left, bottom, right, top = (float(number) for number in link["/Rect"])
        if min(abs(right - left), abs(top - bottom)) < 1.5:
            continue
        kept.append(note)
        inner = f"{address}#{str(link.get('/Dest', '')).removeprefix('/')}"
        target = unquote(str(link["/A"].get_object().get("/URI", "")) if "/A" in link else inner)
        place = places.get(target) or places.get(target.split("#")[0])
        if place is None and site and target.startswith(base):
            link["/A"][NameObject("/URI")] = TextStringObject(f"{site.rstrip('/')}/{target.removeprefix(base)}")
        elif place is not None:
            where = [book.pages[place[0]].indirect_reference, NameObject("/XYZ"), NumberObject(round(place[1])),
                     NumberObject(round(place[2])), NullObject()]  # fmt: skip
            link.pop("/Dest", None)
            link[NameObject("/A")] = DictionaryObject(
                {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): ArrayObject(where)}
            )
    if "/Annots" in sheet:
        sheet[NameObject("/Annots")] = kept


def stamp(book, sheet, number, title, font):
    """Write the running title and the number at the foot of a sheet."""
    from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject

    def stream(data):
        made = DecodedStreamObject()
        made.set_data(data)
        return book._add_object(made)

    def text(words, left):
        escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252", "replace")
        return b"BT /Foot 7 Tf 0.33 g %d 28 Td (%s) Tj ET\n" % (left, escaped)

    digits = str(number)
    foot = text(title, EDGE) + text(digits, 595 - EDGE - round(0.556 * 7 * len(digits)))
    drawn = sheet.raw_get("/Contents") if "/Contents" in sheet else ArrayObject()
    inside = drawn.get_object() if isinstance(drawn.get_object(), ArrayObject) else [drawn]
    sheet[NameObject("/Contents")] = ArrayObject([stream(b"q\n"), *inside, stream(b"\nQ\n" + foot)])
    resources = sheet.setdefault(NameObject("/Resources"), DictionaryObject()).get_object()
    fonts = resources.setdefault(NameObject("/Font"), DictionaryObject()).get_object()
    fonts[NameObject("/Foot")] = font


def write_book(output, names=None, root=ROOT, students=False):
    """Print the named pages, or all, into the file `output`; return how many sheets that are."""
    try:
        import pypdf  # noqa: F401
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise pages.Incomplete(f"{error.name} is not installed: python -m pip install -r requirements.txt") from None

    site = pages.urls(root)["Documentation"]
    names = chosen(names, root, students)
    wanted = places_linked_to(names, root / "_build/html")
    captions = list(parts(root))
    handler = functools.partial(Quiet, directory=str(root / "_build/html"))
    with sync_playwright() as play, http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        browser = launch(play)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/"
        printed = {}
        for number, name in enumerate(names, 1):
            print(f"printing {number} of {len(names)}: {name}", file=sys.stderr, flush=True)
            address = f"{site.rstrip('/')}/{name}.html"
            printed[name] = print_page(browser, f"{base}{name}.html", wanted[name], address, students)
        contents = print_contents(browser, printed, captions, base) if len(printed) > 1 else None
        browser.close()
        server.shutdown()
    data, sheets = bind(printed, captions, base, contents, site)
    unfinished = output.with_suffix(".pdf.tmp")
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished.write_bytes(data)
    os.replace(unfinished, output)
    return sheets


def main(arguments=None, root=ROOT):
    parser = argparse.ArgumentParser(description="Print the book into one file.")
    parser.add_argument("--students", action="store_true", help="leave out the hints and the solutions")
    parser.add_argument("--output", type=Path, default=root / "_build" / "gantut.pdf")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="pages, such as book/01_divergences (default: all)")
    options = parser.parse_args(arguments)
    unknown = set(options.pages) - set(pages.pages_of_toc(root))
    if unknown:
        parser.error(f"no page {', '.join(sorted(unknown))} in _toc.yml")
    if not chosen(options.pages, root, options.students):
        parser.error(f"{', '.join(options.pages)}: not for students")
    if status := pages.main(root):
        return status
    try:
        sheets = write_book(options.output, options.pages, root, options.students)
    except pages.Incomplete as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{options.output}: {sheets} sheets, {options.output.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
