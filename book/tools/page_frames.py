"""A Sphinx extension: what stands around the text of each page.

- What a page says of itself to those who show a link to it: title, description and picture (Open Graph, Twitter).
- A name for the arrows that unfold the side bar, which the theme leaves nameless: a screen reader could not say them.
- An id of its own for each proof, exercise and solution: their extensions give the same one to all of a page.
- Entries of the list of references that are items of a list to a screen reader, too.
- Scripts that wait until the text is there: none of them draws what is seen first.
"""

import html
import re

from docutils import nodes

from addresses import DESCRIPTIONS, site

CARD = "_static/social-card.png"
CARD_SHOWS = "Two distances between a generated distribution and the real one, as the generator moves, and their slopes"
LONGEST = 200
TITLES = {"search": "Search the book"}


def description(doctree):
    """Return the beginning of the first paragraph without a formula, or "": whole words, at most 200 characters."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        if len(text) >= 40 and not any(paragraph.findall(nodes.math)):
            return text if len(text) <= LONGEST else text[: LONGEST - 1].rsplit(" ", 1)[0] + "…"
    return ""


def meta_tags(title, text, address, picture):
    """Return the tags that say what a page is, as HTML."""
    named = {"description": text, "twitter:card": "summary_large_image"}
    properties = {
        "og:type": "article",
        "og:title": title,
        "og:description": text,
        "og:url": address,
        "og:image": picture,
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": CARD_SHOWS,
    }
    tags = [f'<meta name="{name}" content="{html.escape(value)}" />' for name, value in named.items() if value]
    tags += [
        f'<meta property="{name}" content="{html.escape(value)}" />' for name, value in properties.items() if value
    ]
    return "\n".join(["", *tags, ""])


def describe(app, pagename, templatename, context, doctree):
    """Add the tags to the head of each page."""
    title = html.unescape(re.sub("<[^>]+>", "", context.get("title") or TITLES.get(pagename, app.config.project)))
    text = DESCRIPTIONS.get(pagename) or description(doctree)
    tags = meta_tags(title, text, f"{site()}/{pagename}.html", f"{site()}/{CARD}")
    icon = f'<link rel="apple-touch-icon" href="{context["pathto"]("_static/touch-icon.png", 1)}" />\n'
    context["metatags"] = context.get("metatags", "") + tags + icon


def name_arrows(app, pagename, templatename, context, doctree):
    """Give the arrows of the side bar a name."""
    draw = context.get("generate_toctree_html")
    if draw:
        context["generate_toctree_html"] = lambda *args, **options: str(draw(*args, **options)).replace(
            "<summary>", '<summary aria-label="Show or hide the pages of this chapter">'
        )


def number_ids(app, doctree):
    """Number the ids that a page would have many times: "proof", "proof-2", and so on."""
    for name in ("exercise-content", "solution-content", "proof-content", "proof"):
        same = [element for element in doctree.findall(nodes.Element) if element.get("ids") == [name]]
        for number, element in enumerate(same[1:], 2):
            element["ids"] = [f"{name}-{number}"]


def list_references(app, pagename, templatename, context, doctree):
    """Call the entries of the list of references its items; their former role has been given up by the standard."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def defer_scripts(app, pagename, templatename, context, doctree):
    """Let the scripts of a page run in their order once it has been read, but for the few lines that others ask at once."""
    if pagename == "search":  # its template starts the search in the midst of the page
        return
    scripts = context.get("script_files", [])
    for place, script in enumerate(scripts):
        if getattr(script, "filename", None) and "documentation_options" not in str(script.filename):
            attributes = {"defer": "defer"} | script.attributes
            scripts[place] = type(script)(script.filename, priority=script.priority, **attributes)


def setup(app):
    # priority: after the theme, which listens to the same event
    app.connect("html-page-context", describe, priority=900)
    app.connect("html-page-context", name_arrows, priority=900)
    app.connect("html-page-context", list_references)
    app.connect("html-page-context", defer_scripts, priority=900)
    app.connect("doctree-read", number_ids)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
