"""The frame of a lab: one piece of HTML that brings everything it needs, byte for byte the same on every machine."""

import functools
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STYLE, LIBRARY = (Path(__file__).with_name(name) for name in ("lab.css", "library.js"))  # of all labs

#: Scripts that a lab may have among its `parts`: a small GAN, exact distances and pairs, a worker that computes beside
#: the page, and the charts of two players.
GAN, ASSIGNMENT, BESIDE, TWO_PLAYERS = (
    Path(__file__).with_name(f"{name}.js") for name in ("gan", "assignment", "beside", "two_players")
)


@dataclass(frozen=True, repr=False)
class Lab:
    """A lab, shown where it is the value of a cell: in the book, in Jupyter, in Colab.

    Where scripts do not run, a still picture stands in its place.

    Attributes
    ----------
    script : path
        Of its script, whose name is the lab's name.
    title : str
    purpose : str
        What there is to see, in a sentence or two.
    still : str
        The picture, as SVG.
    settings : mapping
        What the script is given, as plain data.
    parts : tuple of paths
        Scripts that stand before it in the same function, such as one that several labs share.
    """

    script: Path
    title: str
    purpose: str
    still: str
    settings: Mapping = field(default_factory=dict)
    parts: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        return f"<a lab in the page: {self.title}>"

    def _repr_html_(self) -> str:
        """Return the lab: the element that it lives in, its settings, its picture, and its script."""
        title, purpose = html.escape(self.title), html.escape(self.purpose)
        return (
            f'<div class="gantut-lab" data-lab="{self.script.stem}" data-purpose="{purpose}" '
            f'data-lm-suppress-shortcuts="true" role="group" aria-label="{title}">\n'
            f'<script type="application/json">{plain_data(self.settings)}</script>\n'
            f"{self.still}\n"
            f"<p><em>{title}.</em> {purpose} This is a still picture: the lab itself needs JavaScript (in a notebook, "
            "run the cell, or trust the notebook).</p>\n"
            f"</div>\n<script>\n{closed((*self.parts, self.script))}</script>"
        )


def plain_data(settings: Mapping) -> str:
    """Return settings as JSON that may stand inside a script element: no ``</script>`` in it can end that."""
    return json.dumps(settings, allow_nan=False, sort_keys=True, separators=(",", ":")).replace("<", "\\u003c")


@functools.cache
def closed(scripts: tuple[Path, ...]) -> str:
    """Return the scripts of a lab with all that they need, closed in a function of their own."""
    style, library, *own = (path.read_text(encoding="utf-8") for path in (STYLE, LIBRARY, *scripts))
    body = f'"use strict";\nconst STYLE = {json.dumps(style)};\n{library}\n{"".join(own)}'
    return f"(function script() {{\n{body}}})();\n"  # by its name beside.js finds its text, and runs it in a worker
