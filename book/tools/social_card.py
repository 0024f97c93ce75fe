#!/usr/bin/env python3
"""Draw book/images/social-card.png, the picture that stands beside a link to the book elsewhere.

    python book/tools/social_card.py [FILE]

It is the story of the cover in 1200 x 630 pixels: how far a generator is from the data, which way it is told to go, and
what came of it.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np
import torch

from film import RECORD, ROWS, frames
from gantut import plots
from gantut.data import gaussian
from gantut.divergences import js_between

CARD = Path(__file__).resolve().parents[1] / "images" / "social-card.png"
WIDTH, HEIGHT, DOTS = 1200, 630, 100


def draw():
    """Return the card as a figure."""
    matplotlib.use("Agg")
    plots.use_style()
    distance = torch.linspace(-8, 8, 161, dtype=torch.float64)
    parameters = distance.clone().requires_grad_()
    js = torch.stack([js_between(gaussian(0), gaussian(d)).value for d in parameters])
    (slope,) = torch.autograd.grad(js.sum(), parameters)

    figure = matplotlib.figure.Figure(figsize=(WIDTH / DOTS, HEIGHT / DOTS), dpi=DOTS, layout="none")
    figure.text(0.055, 0.86, "From GAN to Wasserstein GAN,", fontsize=36, weight="bold", color=plots.INK)
    figure.text(0.055, 0.755, "executed", fontsize=36, weight="bold", color=plots.REAL)
    figure.text(0.29, 0.764, "every claim derived, computed, and checked", fontsize=22, color=plots.INK)
    names = {"Wasserstein": plots.THIRD, "Jensen–Shannon": plots.FOURTH}
    panels = {"how far?": (distance.abs(), js.detach()), "which way?": (distance.sign(), slope)}
    for column, (title, curves) in enumerate(panels.items()):
        ax = figure.add_axes((0.07 + 0.485 * column, 0.31, 0.415, 0.33))
        plots.lines(ax, distance, dict(zip(names, curves, strict=True)), colours=list(names.values()))
        for line in ax.lines:
            line.set_linewidth(4)
        ax.set_title(title, fontsize=22)
        ax.set_xlabel("generator, from the data", fontsize=17)
        ax.tick_params(labelsize=14)
        if column:
            ax.get_legend().remove()
        else:
            ax.legend(fontsize=17, loc="upper center")
    creatures = frames(RECORD)[-1]  # of lesson 14, at the end of its run: all in one row
    side = len(creatures) // ROWS
    row = np.concatenate([creatures[k * side : (k + 1) * side] for k in range(ROWS)], axis=1)
    ax = figure.add_axes((0.05, 0.02, 0.9, 0.14))
    ax.imshow(row, interpolation="nearest")
    ax.axis("off")
    return figure


def main(file=CARD):
    # no software name or date: the same bytes from the same versions
    draw().savefig(file, dpi=DOTS, metadata={"Software": None})
    print(f"{file}: {Path(file).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
