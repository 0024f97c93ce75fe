"""A Sphinx extension: what a style sheet cannot do alone, because it needs to know the text.

A formula and the punctuation that touches it stay on one line: browsers would begin a line with a comma. Numbers below
zero in tables have a minus sign, as wide as the plus above it: programs print a hyphen.
"""

import re

from docutils import nodes


def keep_punctuation(app, doctree):
    """Wrap each formula with the punctuation that touches it in an element of the class "nobreak"."""
    for formula in list(doctree.findall(nodes.math)):
        parent, here = formula.parent, formula.parent.index(formula)
        before = parent[here - 1] if here else None
        after = parent[here + 1] if here + 1 < len(parent) else None
        opening = re.search(r"[(\[“]*$", before)[0] if isinstance(before, nodes.Text) else ""
        closing = re.match(r"[.,;:!?)\]”…]*(?:-\w+)?", after)[0] if isinstance(after, nodes.Text) else ""
        if not opening and not closing:
            continue
        if closing:
            parent[here + 1] = nodes.Text(after[len(closing) :])
        if opening:
            parent[here - 1] = nodes.Text(before[: len(before) - len(opening)])
        together = [nodes.Text(opening), formula, nodes.Text(closing)]
        parent[here] = nodes.inline("", "", *(part for part in together if part.astext()), classes=["nobreak"])


def draw_minus(app, doctree):
    """Give the numbers in tables a minus sign; code and formulas stay as they are."""
    for entry in doctree.findall(nodes.entry):
        for text in list(entry.findall(nodes.Text)):
            if not isinstance(text.parent, nodes.literal | nodes.math):
                text.parent.replace(text, nodes.Text(re.sub(r"(?<![\w.-])-(?=\d)", "−", text)))


def setup(app):
    app.connect("doctree-read", keep_punctuation)
    app.connect("doctree-read", draw_minus)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
