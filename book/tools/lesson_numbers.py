"""A Sphinx extension: number equations, figures, theorems and exercises by the lesson that they are in.

The third equation of ``book/05_thin_supports`` reads (5.3), whether or not lesson 4 is written yet. Sphinx would
take the first number from the place in the table of contents; here it comes from the file's name. Pages without
a number, such as the list of claims, share one plain count.
"""

import re

from sphinx.environment.collectors.toctree import TocTreeCollector


def lesson_number(docname):
    """Return the number that a page's file name begins with, or None: ``book/03_optimal_discriminator`` gives 3."""
    number = re.match(r"(\d+)_", docname.rsplit("/", 1)[-1])
    return int(number[1]) or None if number else None


def number_by_lesson(app, env):
    """Count again, as if each page were the section that its file name says; headings stay without numbers."""
    numbers = {docname: lesson_number(docname) for docname in env.found_docs}
    numbered_headings = env.toc_secnumbers
    env.toc_secnumbers = {docname: {"": (number,)} for docname, number in numbers.items() if number is not None}
    try:
        return TocTreeCollector().assign_figure_numbers(env)
    finally:
        env.toc_secnumbers = numbered_headings


def setup(app):
    # priority: after Sphinx's own numbering, which listens to the same event
    app.connect("env-get-updated", number_by_lesson, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
