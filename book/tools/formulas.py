"""A Sphinx extension: formulas are set in the reader's browser by KaTeX, from files of the site's own.

The pages hold the formulas as Sphinx writes them for MathJax; ``book/style/formulas.js`` hands them to KaTeX. Its rules
are part of the page's style, but its fonts come later: they are a sheet of their own, with the fonts inside, as some
browsers read no font that lies beside a page in a folder. Fonts that no formula of the book needs, half of their weight,
are left out.
"""

import base64
import re
import shutil
from pathlib import Path

from sphinx.ext import mathjax

KATEX = Path(__file__).resolve().parents[1] / "style/katex"
FONT = re.compile(r"@font-face\{[^}]*\}")
RARE = {  # fonts, by what is in their names, and the commands without which no formula shows a letter of theirs
    "Fraktur": "frak|mathfrak",
    "SansSerif": "sf|mathsf|textsf",
    "Script": "mathscr",
    "Typewriter": "tt|mathtt|texttt",
    "Main-Italic": "it|mathit|textit|emph",
    "BoldItalic": "bm|boldsymbol|pmb",
    "Caligraphic-Bold": "bm|boldsymbol|pmb",
}


def without_rare_fonts(style, formulas):
    """Return KaTeX's style sheet without the fonts of which `formulas`, a text with all of them, needs no letter."""
    rare = "|".join(
        font for font, commands in RARE.items() if not re.search(rf"\\(?:{commands})(?![A-Za-z])", formulas)
    )
    return re.sub(rf"@font-face\{{[^}}]*fonts/KaTeX_[\w-]*(?:{rare})[^}}]*\}}", "", style) if rare else style


def with_fonts_inside(style, folder):
    """Return a style sheet in which each ``src`` of a font is the font itself, from the WOFF2 file that it names."""

    def embed(source):
        font = base64.b64encode((folder / source[1]).read_bytes()).decode("ascii")
        return f'src:url(data:font/woff2;base64,{font}) format("woff2")'

    return re.sub(r'src:url\((fonts/[\w-]+\.woff2)\) format\("woff2"\)[^}]*', embed, style)


def write_fonts(app, exception):
    """Write the sheet of fonts into the finished site, and take the loose fonts and what names them out of it."""
    if exception is None and app.builder.format == "html":
        built = Path(app.outdir) / "_static/katex"
        pages = "".join(path.read_text(encoding="utf-8") for path in Path(app.outdir).rglob("*.html"))
        style = (KATEX / "katex.min.css").read_text(encoding="utf-8")
        fonts = without_rare_fonts("".join(FONT.findall(style)), pages)
        (built / "fonts.css").write_text(with_fonts_inside(fonts, KATEX), encoding="utf-8")
        (built / "katex.min.css").write_text(FONT.sub("", style), encoding="utf-8")
        shutil.rmtree(built / "fonts")


def load(app, pagename, templatename, context, doctree):
    """Load KaTeX where a page has formulas."""
    if app.builder.format == "html" and app.env.get_domain("math").has_equations(pagename):
        for script in ("katex/katex.min.js", "formulas.js"):
            app.add_js_file(script, loading_method="defer")


def setup(app):
    app.add_html_math_renderer("katex", (mathjax.html_visit_math, None), (mathjax.html_visit_displaymath, None))
    app.connect("html-page-context", load)
    app.add_css_file("katex/katex.min.css", priority=900)  # after ours
    app.connect("build-finished", write_fonts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
