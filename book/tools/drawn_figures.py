"""A Sphinx extension: figures as drawings, sharp at any size, by day and by night, on a desk and on a phone.

A notebook has two drawings beside each figure (see `record_figures.py`), a wide one and one whose panels are stacked.
Each is written twice, with the colours of gantut.plots for light and for dark pages and in the letters of the page, and
a reader's browser fetches that one of the four which it shows, when it is about to come into sight. A notebook without
drawings, as Jupyter leaves it, keeps its pictures.
"""

import functools
import hashlib
import html
import json
import re
from pathlib import Path

from docutils import nodes

from gantut.plots import DARK, INK
from record_figures import with_what_is_in

# The theme's letters (its --pst-font-family-base): a picture cannot ask its page for them.
FACES = '-apple-system,BlinkMacSystemFont,"Segoe UI","Helvetica Neue",Arial,sans-serif'
PHONE = "(max-width: 600px)"


def by_night(colour):
    """Return what a colour is on a dark page: greys are turned round, all else that has no other name is dimmed."""
    if colour in DARK:
        return DARK[colour]
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    grey = len(set(parts)) == 1
    return "#" + "".join(f"{255 - part if grey else round(0.55 * part):02x}" for part in parts)


def in_letters(svg, night=False):
    """Return a drawing in the letters of the page, by day or by night."""
    style = f"<style>text, tspan {{ font-family: {FACES} !important }} text {{ fill: {INK} }}</style>"
    svg = re.sub(r"<svg [^>]*>", lambda found: found[0] + style, svg, count=1)
    return re.sub(r"(?<=: )#[0-9a-f]{6}\b", lambda found: by_night(found[0]), svg) if night else svg


def size(svg):
    """Return the width and height of a drawing, in pixels."""
    begins = re.search(r"<svg [^>]*>", svg)[0]
    return [round(float(re.search(rf' {side}="([\d.]+)pt"', begins)[1]) / 0.75) for side in ("width", "height")]


@functools.cache
def drawings_in(path):
    """Return the drawings in a notebook: from the name of a figure to those of its one picture."""
    found = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        name = cell["metadata"].get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", []):
            drawn = output.get("metadata", {}).get("image/png", {}).get("drawings")
            if name and drawn:
                wide, narrow = ("".join(drawn[kind]) for kind in ("wide", "narrow"))
                found[name] = {"wide": wide, "narrow": with_what_is_in(wide, narrow)}
    return found


def write(folder, name, svg):
    """Write a drawing to a file that is named by what is in it, too; return its name."""
    file = folder / f"{name}.{hashlib.sha256(svg.encode()).hexdigest()[:8]}.svg"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(svg, encoding="utf-8")
    return file.name


def picture(folder, address, name, drawn, alt):
    """Write the four drawings of a figure into a folder; return the HTML that shows one of them."""
    parts = []
    for night, when in ((False, "by-day"), (True, "by-night")):
        files = {
            kind: write(folder, f"{name}-{kind}-{when[3:]}", in_letters(svg, night)) for kind, svg in drawn.items()
        }
        sizes = {kind: 'width="{}" height="{}"'.format(*size(svg)) for kind, svg in drawn.items()}
        parts.append(
            f'<picture class="{when}"><source media="{PHONE}" srcset="{address}{files["narrow"]}" {sizes["narrow"]}>'
            f'<img src="{address}{files["wide"]}" alt="{html.escape(alt)}" {sizes["wide"]} loading="lazy"></picture>'
        )
    return "".join(parts)


def show_drawings(app, doctree, docname):
    """Put the drawings in the place of the pictures on a page."""
    path = Path(app.env.doc2path(docname))
    if app.builder.format != "html" or path.suffix != ".ipynb":
        return
    drawings = drawings_in(path)
    for figure in doctree.findall(nodes.figure):
        name = next((name for name in figure["names"] if name in drawings), None)
        image = next(figure.findall(nodes.image), None)
        if name and image is not None:
            folder, up = app.builder.imagedir, "../" * docname.count("/")
            shown = picture(Path(app.outdir, folder), f"{up}{folder}/", name, drawings[name], image.get("alt", ""))
            image.replace_self(nodes.raw("", shown, format="html"))


def setup(app):
    app.connect("doctree-resolved", show_drawings)
    app.add_css_file("figures.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
