"""A Sphinx extension: give the printed lines of claims a class of their own, so that the style sheet can mark them."""

from docutils import nodes

MARK = "✓"


def mark_claims(app, doctree):
    """Add the class "claims" to each output whose lines all begin with a check mark."""
    for block in doctree.findall(nodes.literal_block):
        lines = [line for line in block.astext().splitlines() if line.strip()]
        if "stream" in block["classes"] and lines and all(line.startswith(MARK) for line in lines):
            block["classes"].append("claims")


def setup(app):
    app.connect("doctree-read", mark_claims)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
