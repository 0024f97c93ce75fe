"""Still pictures, for where scripts do not run: small, plain SVG with rounded coordinates."""

import html
import math
from collections.abc import Sequence

from gantut.plots import FAINT, GENERATED, INK, PAPER, REAL, THIRD

COLOURS = {"real": REAL, "generated": GENERATED, "third": THIRD, "ink": INK, "faint": FAINT}
WIDTH, HEIGHT, MARGIN = 560, 220, 12


class Still:
    """A picture that grows by lines, dots and bars, in the units of its axes.

    Parameters
    ----------
    description : str
        What it shows, in words.
    x, y : pair of float
        The ranges shown.
    square : bool
        One unit as long across as up.
    """

    def __init__(self, description: str, x: tuple[float, float], y: tuple[float, float], *, square: bool = False):
        self.description, self.x, self.y, self.parts = description, x, y, []
        self.unit_x = (WIDTH - 2 * MARGIN) / (x[1] - x[0])
        self.unit_y = (HEIGHT - 2 * MARGIN) / (y[1] - y[0])
        if square:
            self.unit_x = self.unit_y = min(self.unit_x, self.unit_y)

    def line(self, points: Sequence[tuple[float, float]], colour: str = "real", *, dash: str = "") -> "Still":
        """Join points (x, y) by a line."""
        way = " ".join(f"{self._across(x)},{self._down(y)}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        return self._add(f'<polyline points="{way}" fill="none" stroke="{COLOURS[colour]}" stroke-width="2"{dashes}/>')

    def dots(self, points: Sequence[tuple[float, float]], colour: str = "real", *, radius: float = 3) -> "Still":
        """Put a dot at every point (x, y)."""
        for x, y in points:
            self._add(f'<circle cx="{self._across(x)}" cy="{self._down(y)}" r="{radius:g}" fill="{COLOURS[colour]}"/>')
        return self

    def bar(self, x: float, width: float, height: float, colour: str = "real", *, outline: bool = False) -> "Still":
        """Stand a bar on zero, from x to x + width, filled or as a dashed outline."""
        place = f'x="{self._across(x)}" y="{self._down(height)}"'
        size = f'width="{width * self.unit_x:.1f}" height="{height * self.unit_y:.1f}"'
        look = f'fill="none" stroke="{INK}" stroke-dasharray="5 3"' if outline else f'fill="{COLOURS[colour]}"'
        return self._add(f"<rect {place} {size} {look}/>")

    def svg(self) -> str:
        """Return the picture."""
        label = html.escape(self.description)
        ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'style="max-width:100%" role="img" aria-label="{label}">{ground}{"".join(self.parts)}</svg>'
        )

    def _add(self, part):
        self.parts.append(part)
        return self

    def _across(self, x):
        left = (WIDTH - self.unit_x * (self.x[1] - self.x[0])) / 2
        return f"{min(max(left + (x - self.x[0]) * self.unit_x, -WIDTH), 2 * WIDTH):.1f}"

    def _down(self, y):
        return f"{min(max(HEIGHT - MARGIN - (y - self.y[0]) * self.unit_y, -HEIGHT), 2 * HEIGHT):.1f}"


def sampled(function, low: float, high: float, intervals: int = 80) -> list[tuple[float, float]]:
    """Return points (x, function(x)) at equal distances; those that are not finite are left out."""
    xs = [low + (high - low) * i / intervals for i in range(intervals + 1)]
    return [(x, y) for x, y in zip(xs, map(function, xs), strict=True) if math.isfinite(y)]
