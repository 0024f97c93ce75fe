"""A Sphinx extension: the cells that wait for an answer become boxes to answer in.

In the built page, what a notebook prints where an exercise has no answer yet becomes an input: book/style/answers.js
marks numbers and formulas there as `gantut.lessons.check` does. What it needs for that, `gantut.lessons.answer_key`,
comes with the box, encoded: nobody reads an answer by accident, but it is no secret, as the folded solution is none.
An answer that is a function needs Python: there the box links to the notebook, and can be ticked off. The cell itself is
folded under the box where it holds nothing else, and stays as it is in the notebook.
"""

import base64
import html
import json
import re

from docutils import nodes
from sphinx.util import logging

from gantut.lessons import all_exercises, answer_key
from ledger_pages import tag
from pages import urls

COLAB = "https://colab.research.google.com"
UNANSWERED = re.compile(r"… (?P<id>[\w-]+): no answer yet\..*")
HINTS = {
    "number": "A number, or what gives one: <code>3/8</code>, <code>sqrt(2)</code>, <code>log(5)</code>.",
    "formula": "A formula in {}: <code>*</code> for products, <code>**</code> for powers, <code>log</code> is natural.",
}

logger = logging.getLogger(__name__)


def encoded(key):
    """Return a key as a page holds it: text that cannot be read at a glance."""
    return base64.b64encode(json.dumps(key, allow_nan=False).encode()).decode()


def box(name, key, notebook="", colab=""):
    """Return the box for an exercise and its key, as HTML; `notebook` and `colab` are where its lesson can be run."""
    if key is None:
        run = " or ".join(f'<a href="{html.escape(address)}">{words}</a>' for address, words in (
            (colab, "open this lesson in Colab"), (notebook, "take the notebook into Jupyter")) if address)  # fmt: skip
        return (
            f'<div class="answer elsewhere" data-exercise="{name}"><p>The answer is a function, and needs Python: {run}.</p>'
            f'<p><input type="checkbox" id="answer-{name}"> <label for="answer-{name}">Solved there</label></p></div>'
        )
    symbols = [f"<code>{symbol}</code>" for symbol in key.get("symbols", ())]
    listed = " and ".join(filter(None, (", ".join(symbols[:-1]), *symbols[-1:])))
    return (
        f'<form class="answer" data-exercise="{name}" data-key="{encoded(key)}">'
        f'<label for="answer-{name}">Your answer</label>'
        f'<div class="answer-line"><input id="answer-{name}" type="text" aria-describedby="about-{name}" '
        'autocomplete="off" autocapitalize="off" spellcheck="false"> <button type="submit">Check</button></div>'
        f'<p class="answer-about" id="about-{name}">{HINTS[key["kind"]].format(listed)}'
        "<noscript> The page needs JavaScript to mark it; the notebook does not.</noscript></p>"
        '<output role="status" aria-live="polite"></output></form>'
    )


def make_boxes(app, doctree):
    """Put a box in the place of each output that waits for an answer, and fold the cell's code where it has no other."""
    page = app.env.docname
    for block in list(doctree.findall(nodes.literal_block)):
        waiting = UNANSWERED.fullmatch(block.astext().strip()) if "stream" in block["classes"] else None
        if not waiting:
            continue
        exercise = all_exercises().get(waiting["id"])
        if exercise is None:
            logger.warning("no exercise %r is in gantut.lessons", waiting["id"], location=block)
            continue
        colab = f"{COLAB}/github/{urls()['Repository'].removeprefix('https://github.com/')}/blob/main/{page}.ipynb"
        notebook = f"{'../' * page.count('/')}_sources/{page}.ipynb"
        key = answer_key(exercise)
        answer = nodes.raw("", box(exercise.id, key, notebook, colab), format="html")
        output, cell = block.parent, block.parent.parent
        code = next(part for part in cell if "cell_input" in part["classes"])
        if key is not None:
            cell.remove(code)
            cell += tag(
                "details", tag("summary", nodes.Text("The cell in the notebook")), code, classes=["in-notebook"]
            )
        cell.replace(output, answer)


def add_script(app, pagename, templatename, context, doctree):
    """Add what marks answers to the pages that wait for some."""
    if doctree is not None and any("data-exercise" in part.astext() for part in doctree.findall(nodes.raw)):
        app.add_js_file("answers.js", loading_method="defer")


def setup(app):
    app.setup_extension("ledger_pages")
    app.connect("doctree-read", make_boxes)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
