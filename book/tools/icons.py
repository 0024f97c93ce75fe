"""A Sphinx extension: of the theme's icon fonts, the site ships the icons that it shows.

The theme loads all of Font Awesome, as fonts and once more as a script of 1.5 MB that stands before the page. Here the
script goes, and fonts and style sheet keep the icons whose names stand in a page or whose letters stand in a style sheet.
"""

import base64
import io
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FOLDER = "_static/vendor/fontawesome"
LINKS = re.compile(
    r'\s*<script src="[^"]*/fontawesome/[^"]*"></script>|\s*<link rel="preload" as="font"[^>]*/fontawesome/[^>]*/>'
)
RULE = re.compile(r"((?:\.fa-[\w-]+:before,?)+)\{content:\"\\([0-9a-f]+)\"\}")


def icons_used(pages, style, styles):
    """Return the names of the icons that pages show, and the code points that they and style sheets draw.

    Parameters
    ----------
    pages, styles : iterables of str
        The pages, and the style sheets besides Font Awesome's.
    style : str
        Font Awesome's own style sheet, which says what letter an icon is.
    """
    names = {name for page in pages for name in re.findall(r"\bfa-[\w-]+", page)}
    drawn = {int(code, 16) for sheet in styles for code in re.findall(r"\\(f[0-9a-f]{3})\b", sheet)}
    drawn |= {ord(letter) for sheet in styles for letter in sheet if "\uf000" <= letter <= "\uf8ff"}
    for rule in RULE.finditer(style):
        if names & set(re.findall(r"fa-[\w-]+", rule[1])):
            drawn.add(int(rule[2], 16))
    return names, drawn


def small_font(file, codes):
    """Return a font of Font Awesome with only the letters of `codes`, as WOFF."""
    font = TTFont(file)
    options = subset.Options(flavor="woff", layout_features=[], name_IDs=[0, 1, 13, 14])  # the licence stays
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    font.flavor = "woff"
    written = io.BytesIO()
    font.save(written)
    return written.getvalue()


def small_style(style, names, fonts):
    """Return Font Awesome's style sheet with the rules of the icons in `names` alone, and the fonts inside it."""

    def embed(source):
        font = base64.b64encode(fonts[source[1]]).decode("ascii")
        return f'src:url(data:font/woff;base64,{font}) format("woff")'

    style = re.sub(r"@font-face\{[^}]*family:(?!Font Awesome)[^}]*\}", "", style)  # for pages made for older versions
    style = RULE.sub(lambda rule: rule[0] if names & set(re.findall(r"fa-[\w-]+", rule[1])) else "", style)
    return re.sub(r'src:url\([^)]*?/([\w-]+)\.woff2\) format\("woff2"\)[^}]*', embed, style)


def slim(app, exception):
    """Rewrite the finished site: pages without the script, one small style sheet with the icons inside."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    (sheet,) = (site / FOLDER).glob("*/css/all.min.css")
    style = sheet.read_text(encoding="utf-8")
    others = [path.read_text(encoding="utf-8") for path in site.rglob("*.css") if FOLDER not in path.as_posix()]
    names, codes = icons_used(pages.values(), style, others)
    fonts = {path.stem: small_font(path, codes) for path in (sheet.parents[1] / "webfonts").glob("*.ttf")}
    for path in sorted((site / FOLDER).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    sheet.parent.mkdir(parents=True)
    sheet.write_text(small_style(style, names, fonts), encoding="utf-8")
    for path, page in pages.items():
        path.write_text(LINKS.sub("", page), encoding="utf-8")


def setup(app):
    app.connect("build-finished", slim)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
