"""A Sphinx extension: what a style sheet cannot do alone, because it needs to know the text.

A formula and the punctuation that touches it stay on one line: browsers would begin a line with a comma. So do words of
code that are short enough for a phone: browsers would leave the hyphens of ``--preset`` at the end of a line. Exponents
that a program wrote with signs such as ⁻¹⁶ are set as exponents: of these signs the letters of the book, as most, have
some only, and digits of two sizes would stand side by side.
"""

import re

from docutils import nodes

LONGEST = 20  # letters of a word of code that never breaks: half the width of a phone
EXPONENT = re.compile("([¹²³]*[⁺⁻⁰⁴-⁹][⁺⁻⁰-⁹¹²³]*)")  # the signs ¹, ² and ³ alone are in every font
AS_WRITTEN = nodes.literal | nodes.math | nodes.FixedTextElement
ON_THE_LINE = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+−0123456789")


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


def raise_exponents(app, doctree):
    """Set digits and signs that are raised by themselves as what is raised; code and formulas stay as they are."""
    for text in list(doctree.findall(nodes.Text)):
        parts = EXPONENT.split(text)
        if len(parts) > 1 and not isinstance(text.parent, AS_WRITTEN):
            parts[1::2] = [nodes.superscript("", part.translate(ON_THE_LINE)) for part in parts[1::2]]
            text.parent.replace(text, [nodes.Text(part) if isinstance(part, str) else part for part in parts if part])


def keep_words(app, doctree):
    """Give code in a line of text the class "whole" where all its words are short."""
    for code in doctree.findall(nodes.literal):
        if all(len(word) <= LONGEST for word in code.astext().split()):
            code["classes"].append("whole")


def setup(app):
    app.connect("doctree-read", keep_punctuation)
    app.connect("doctree-read", raise_exponents)
    app.connect("doctree-read", keep_words)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
