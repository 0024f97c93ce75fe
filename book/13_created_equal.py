# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13 · Are GANs created equal?
#
# By now there are six games on the table: minimax, non-saturating, least squares, and three Wasserstein games with
# clipping, a two-sided and a one-sided penalty. Each was introduced by a paper with a table in which it wins. They
# cannot all be best. **Which one is, and how would we know?** In 2018 five researchers gave many of these games the
# same number of tries, and found no evidence that any of them is consistently better than the plain non-saturating game
# {cite}`lucic2018`. We cannot repeat a study of that size on a laptop. But we can learn how it is done, build one that
# resumes where it was stopped, and see what a small one can say.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what must be equal in a fair comparison; what the best of $k$ tries is worth, and how to
# estimate it without bias; by how much reporting the best seed flatters; how precision and recall are computed exactly
# where the data are polygons; and which conclusions a study like this supports, and which it does not.
#
# **You need** the games of {doc}`lesson 2 <02_the_game>`, {doc}`lesson 10 <10_wasserstein_gan>` and {doc}`lesson
# 11 <11_better_critics>`, and from {doc}`lesson 6 <06_mode_collapse>` why no single number says how good samples
# are.
#
# **It takes** an hour to read with the exercises, and less than a minute to run on a laptop.
# :::

# %% tags=["hide-input"]
# In a fresh Colab this installs gantut; where it is already installed, it does nothing.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("gantut") is None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "git+https://github.com/gantut/gantut",
        ],
        check=True,
    )

# %%
import itertools
import math
import tempfile
from pathlib import Path

import torch

from gantut import plots
from gantut.checks import claim
from gantut.device import random_source
from gantut.divergences import integrate
from gantut.lessons import check, created_equal, recorded
from gantut.lessons.created_equal import (
    ARENAS,
    SPACE,
    bootstrap_interval,
    expected_best,
    f1_score,
    held_out_best,
    held_out_best_interval,
    polygon_precision_recall,
    polygons,
    scores,
)
from gantut.lessons.created_equal.plots import (
    plot_interval_rows,
    plot_polygons,
    plot_scatter,
)
from gantut.lessons.toy_gans import GAMES

# %% [markdown]
# ## How to win
#
# Here is a recipe by which any of the six wins. Take the one that you have invented. Try it with several learning
# rates, momenta, widths, until it works well. Then run the others once each, with settings that somebody used on other
# data. Report the table. No number in it is false.
#
# We have a study at hand in which every game was tried with many random settings, on four kinds of data; the rest of
# this lesson explains how it was made. From it we can compute what the recipe gives: the *expected* distance to the
# data of the best of five tries of one game, and of a single try of every other one. The distance is the exact $W_1$ of
# samples to the ring of eight Gaussians, in units of the distance reached by a generator that always shows the mean: 0
# is perfect, and 1 is worthless.

# %%
record = recorded("created-equal")
result = record.result
n = created_equal.common_budget(result)
print(record.provenance["command"])
print(f"{n} tries of each game on each of {', '.join(ARENAS)}")

wins = 0
for mine, theirs in itertools.permutations(GAMES, 2):
    tuned = scores(result, "ring", mine, budget=n).distance
    untuned = scores(result, "ring", theirs, budget=n).distance
    best_of_five = held_out_best(tuned, 5, largest=False)
    wins += (best_of_five < untuned.mean()).item()
claim(
    "unequal-budgets",
    "pairs of games in which the one with five tries wins, of 30",
    wins,
    equals=30,
)

# %% [markdown]
# Every game beats every other one if it is tuned and the other is not. That is the trap; and one does not have to be
# dishonest to walk into it, only to have spent more time with one's own idea than with those of others.
#
# ## What must be equal
#
# So we fix, before we look at any result:
#
# - **the space**: the same ranges of settings for all, and random draws from them {cite}`bergstra2012`;
# - **the budget**: the same number of tries, and in each try the same number of gradient steps, counting those of
#   both players (with $n_\text{critic}=5$ a generator moves once where it moves three times with
#   $n_\text{critic}=1$);
# - **the rule** by which the best try is chosen, and the numbers that are reported for it;
# - everything else: networks, noise, batches.
#
# The space is data. Here is all of it. The last two lines belong to clipping and to the penalties alone.

# %%
for name, choice in SPACE.items():
    values = ", ".join(f"{value:g}" for value in choice.values)
    print(f"{name:9s} {choice.kind:12s} {values}")

# %% [markdown]
# The learning rate is drawn evenly on a logarithmic scale, as likely between 0.0002 and 0.002 as between 0.002 and
# 0.02. It is shared by both players, as is the width of their two hidden layers. The optimizer is Adam for all.
#
# One thing more makes a comparison sharper without making it longer: **try number $i$ has the same settings for every
# game**. If a bad learning rate is drawn, all of them suffer from it. What we then compare are paired differences.

# %%
for objective in ("non-saturating", "wgan", "wgan-gp"):
    drawn = created_equal.draw_settings(objective, 3)
    print(objective, {name: round(x, 4) for name, x in drawn.items()})

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Look at tries 0 to 9 of `"wgan-gp"`. How many of these learning rates would you have rejected at sight? That is the
# price of not knowing; every game pays it.
# :::
#
# ## The best of $k$
#
# With one try you get one score $X$; with $k$ tries, the best of $k$. How good is that? If larger is better,
#
# $$ B_k=\mathbb E\max(X_1,\dots,X_k), $$ (eq-best-of-k)
#
# where the $X_i$ are scores of independent random tries. $B_k$ grows with $k$, so **a game has no score; it has a
# curve**, the *best-of-budget curve*, and one may lie above another for small budgets and below it for large ones.
#
# To estimate $B_k$ from $n\ge k$ tries, one could choose $k$ of them at random, take the best, and repeat. But it can
# be done exactly. Sort the scores, $x_{(1)}\ge x_{(2)}\ge\dots\ge x_{(n)}$. The $i$-th best of all is the best of $k$
# chosen ones if it is chosen itself and the other $k-1$ are among the $n-i$ that are worse:
#
# $$ \hat B_k=\sum_{i=1}^{n-k+1}\binom{n-i}{k-1}\Big/\binom nk\;\cdot\;x_{(i)} . $$ (eq-expected-best)
#
# :::{prf:theorem} The estimate is unbiased
# :label: thm-best-of-k
# If the $n$ tries are independent draws from one distribution, then $\mathbb E\hat B_k=B_k$.
# :::
#
# :::{prf:proof}
# $\hat B_k$ is the mean of the best over all $\binom nk$ choices of $k$ tries. Any $k$ of $n$ independent draws are
# $k$ independent draws, so each of these bests has expectation $B_k$, and so has their mean.
# :::
#
# (The obvious alternative, to draw $k$ of the $n$ *with* replacement, is found in the literature
# {cite}`dodge2019`. It can draw the same try twice, and is therefore too low {cite}`tang2020`.)

# %%
source = random_source(0)
x = torch.rand(9, dtype=torch.float64, generator=source)
by_formula = [expected_best(x, k) for k in range(1, 10)]  # (13.2)
by_choices = [
    sum(max(chosen) for chosen in itertools.combinations(x.tolist(), k))
    / math.comb(9, k)
    for k in range(1, 10)
]
many = torch.rand(100_000, 9, dtype=torch.float64, generator=source)
for k in (1, 4, 9):  # of uniform draws, B_k = k / (k + 1)
    assert abs(expected_best(many, k).mean() - k / (k + 1)) < 0.005
claim(
    "best-of-k-estimate",
    "estimates of B_1, ..., B_9 from nine scores",
    torch.stack(by_formula),
    equals=by_choices,
    atol=1e-12,
)

# %% [markdown]
# ## The best seed
#
# Two runs with the same settings but different random numbers end with different scores; we have seen it in every
# lesson. Now suppose that two games are *equally good*: with whatever seed, their scores are draws from
# $N(\mu,\sigma^2)$. One author reports the mean of ten seeds, the other the best of ten. By how much does the second
# game look better? By $B_{10}$ of a Gaussian. The largest of $k$ draws has the density $k\,\varphi(x)\,\Phi(x)^{k-1}$
# (any of the $k$ is at $x$, and the others are below), so that
#
# $$ B_k=\mu+\sigma\int_{-\infty}^\infty x\,k\,\varphi(x)\,\Phi(x)^{k-1}\,dx . $$ (eq-best-seed)


# %%
def best_of_gaussians(k):
    """The integral in (13.3)."""

    def integrand(x):
        density = torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        return x * k * density * torch.special.ndtr(x) ** (k - 1)

    return integrate(integrand, -12.0, 12.0)[0]


root = math.sqrt(math.pi)
five = 5 / (4 * root) + 15 / (2 * math.pi * root) * math.asin(1 / 3)
closed = [0, 1 / root, 3 / (2 * root), five]
claim(
    "best-seed",
    "gain of the best of 1, 2, 3 and 5 seeds, in standard deviations",
    [best_of_gaussians(k) for k in (1, 2, 3, 5)],
    equals=closed,
    atol=1e-7,
)
print(f"of ten seeds: {best_of_gaussians(10):.3f} standard deviations")

# %% [markdown]
# One and a half standard deviations, out of nothing. The same happens, less visibly, to anyone who *chooses* by a noisy
# score: part of what made the best try the best was its luck with that seed. The remedy is old. **Choose by one seed,
# report the others.** In our study each try was run with three seeds. We let each choose in turn, and compare what it
# saw with what the other two say about the same try.

# %%
pairs = list(itertools.product(ARENAS, GAMES))
all_f1 = torch.stack(
    [f1_score(scores(result, *pair, budget=n)) for pair in pairs]
)  # (24, tries, seeds)


def luck(tries):
    """What the seed that chose says, minus what the others say."""
    found = all_f1[:, tries.long()]  # (24, ..., tries, seeds)
    by_its_own = expected_best(found.movedim(-1, 0), 5).mean(0)
    return (by_its_own - held_out_best(found, 5)).mean(0)


low, gap, high = bootstrap_interval(
    torch.arange(n).double(), statistic=luck, generator=random_source(1)
)
print(f"flattered by {gap:.3f} in F1, 95%: {low:.3f} to {high:.3f}")
claim(
    "chosen-by-luck",
    "low end of the mean gap between the seed that chose and others",
    low,
    above=0.0,
)

# %% [markdown]
# The score here is $F_1$, which the next section explains. It lies between 0 and 1. From here on every number in
# this lesson is one that was *not* used to choose.
#
# :::{admonition} Try it
# :class: tip
# The gap is the price of choosing by a single seed. What should happen to it as $k$ grows from 1 to 10? Put
# `k` in place of both fives and see.
# :::
#
# ## Data for which precision and recall are known
#
# Lesson 6 ended with two questions that one number cannot answer together: are the samples good (*precision*), and are
# all kinds of data among them (*recall*)? For pictures both are estimated, with neighbours in some feature space. Lucic
# et al. had a better idea for a test: data for which the set of everything that is allowed is known. They took pictures
# of triangles. Given a generated picture, one searches for the triangle that is closest to it.
#
# We go one step further and take the corners themselves instead of a picture: a regular triangle is a vector
# $(x_0,y_0,x_1,y_1,x_2,y_2)$ of six numbers, with a random centre $c$ in the square $[-1,1]^2$, a random radius
# $r\in[\frac12,1]$ and a random angle $\theta$. These are four numbers, so the triangles are a four-dimensional set $M$
# in a space of six dimensions: thin, as in {doc}`lesson 5 <05_vanishing_gradients>`. And now the nearest triangle needs
# no search. Read corners as complex numbers $z_k=x_k+iy_k$, and write them in Fourier modes:
#
# $$ z_k=\sum_{m=0}^{N-1}\hat z_m\,e^{2\pi imk/N},\qquad \hat z_m=\frac1N\sum_kz_k\,e^{-2\pi imk/N} . $$ (eq-modes)
#
# For a regular polygon with $N$ corners $z_k=c+re^{i\theta}\,e^{2\pi ik/N}$. So $\hat z_0=c$ is the centre,
# $\hat z_1=re^{i\theta}$ the first corner seen from there, and **all other modes are 0**. The modes are orthogonal,
# $\sum_k|z_k|^2=N\sum_m|\hat z_m|^2$. The square of the distance is therefore a sum with a term for each mode,
#
# $$ d(z,M)^2=N\Big(d\big(\hat z_0,[-1,1]^2\big)^2+d\big(|\hat z_1|,[\tfrac12,1]\big)^2+\sum_{m\ge2}|\hat z_m|^2\Big) , $$ (eq-polygon-distance)
#
# and the nearest polygon is found by dropping the other modes and moving the centre into its square and the radius
# between its bounds. For each of eight points, we let it compete with 200,000 random triangles drawn from the
# distribution:

# %%
triangles = polygons(3)
points = 1.2 * torch.randn(8, 6, dtype=torch.float64, generator=source)
exact = triangles.distance(points)  # (13.5)
tries = triangles.sample(200_000, generator=source)
searched = torch.cdist(points, tries).amin(1)
assert (searched >= exact).all(), "no triangle is nearer than the nearest"
assert (searched - exact).max() < 0.15

z = torch.view_as_complex(points.unflatten(-1, (3, 2)))  # (8, 3)
modes = torch.fft.fft(z) / 3
outside = torch.view_as_real(modes[:, 0]).abs().sub(1).clamp(min=0)
radius = modes[:, 1].abs()
off = radius - radius.clamp(0.5, 1)
terms = outside.square().sum(1) + off**2 + modes[:, 2].abs() ** 2
claim(
    "polygon-distance",
    "distance to the nearest triangle, by Fourier modes",
    exact,
    equals=(3 * terms).sqrt(),
    atol=1e-12,
)

# %% [markdown]
# **Precision** is the share of the samples within 0.1 of a triangle. For **recall** we cut $M$ into 64 cells of equal
# probability (centre left or right, low or high; small or large; eight sectors of the angle), assign each precise
# sample to the cell of its nearest triangle, and count the cells that get at least a fifth of their fair share. The two
# are combined into
#
# $$ F_1=\frac{2\,\text{precision}\cdot\text{recall}}{\text{precision}+\text{recall}}, $$ (eq-f1)
#
# which is small as soon as one of them is. Here are four generators made by hand:

# %%
real = triangles.sample(2000, generator=source)
noise = torch.randn(2000, 6, dtype=torch.float64, generator=source)
few = triangles.cell(real) < 8
made = {
    "the distribution itself": real,
    "blurred": real + 0.1 * noise,
    "few kinds": torch.where(few[:, None], real, real[0]),
    "noise": triangles.stddev * noise,
}
for name, samples in made.items():
    precision, recall = polygon_precision_recall(samples, triangles)
    print(f"{name:15s} precision {precision:.2f}, recall {recall:.2f}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels with four outlines of triangles each. The distribution itself: regular triangles of several sizes and angles. Blurred: nearly regular triangles, with the nearest regular ones dashed beside them. Few kinds: triangles most of which lie on top of each other. Noise: crooked triangles of all shapes, whose dashed nearest regular ones are far away."}, "figure": {"name": "fig-triangles", "caption": "Four samples of each of four generators made by hand, with the nearest triangle of the distribution (dashed). Blur costs precision, repetition costs recall, noise costs both."}}
some = {name: samples[:4] for name, samples in made.items()}
near = {name: triangles.nearest(corners) for name, corners in some.items()}
panels = plots.axes(1, 4, height=1.9)
plot_polygons(panels, some, nearest=near, reach=1.9)
plots.show()

# %% [markdown]
# On the ring and on the grid, precision is the share of samples within three standard deviations of a mode, and recall
# the share of modes covered (lesson 6). On the 8×8 digits both are found with neighbours, in the features of a small
# classifier, against 500 digits that no generator has seen. The distance is the exact $W_1$ to 500 points, and on
# digits the Fréchet distance of the features.
#
# ## A study of your own
#
# A study is a folder. Each try is one small file in it, which is written whole or not at all, and depends on nothing
# but its own name. So it does not matter who makes it, or when. Stop a study, and it resumes where it was:

# %%
folder = Path(tempfile.mkdtemp())
plan = dict(distributions=["polygons"], updates=600, progress=False)
plan["objectives"] = ["non-saturating", "wgan-gp", "least-squares"]
begun = created_equal.study(folder, budget=2, **plan)
live = created_equal.study(folder, budget=6, **plan)
assert all(row in live["tries"] for row in begun["tries"])
print(f"{len(begun['tries'])} tries, then {len(live['tries'])}")
print(sorted(path.name for path in folder.glob("polygons/*-0005.json")))

# %% [markdown]
# The same works from a terminal, on all four kinds of data. Eight processes share the tries among themselves and need
# not communicate:
#
# ```bash
# python -m gantut study --out my-study --budget 20
# torchrun --nproc-per-node 8 -m gantut study --out my-study --budget 100
# ```
#
# Six tries of 600 gradient steps are not much. What do they tell us?

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three rows of dots, for the non-saturating game, WGAN-GP and least squares. Each row has 18 dots, six tries with three seeds each, spread between about 0.35 and 1 on an axis of distances to the data. The rows overlap almost entirely; the spread within each row is far larger than any difference between rows."}, "figure": {"name": "fig-live-study", "caption": "A study of half a minute: six tries of three games on triangles, each with three seeds, after 600 gradient steps. The settings matter far more than the game."}}
seen = {
    objective: scores(live, "polygons", objective).distance.flatten()
    for objective in plan["objectives"]
}
ax = plots.axes(height=2.4)
plots.member_rows(ax, seen)
floor = live["floor"]["polygons"]["distance"]
ax.axvline(floor, color=plots.INK, linestyle="--", linewidth=1.2)
ax.set(xlabel="distance to the data (dashed: fresh data)", xlim=(0.2, 1.05))
plots.show()

# %% [markdown]
# That **the spread within a row is far larger than the difference between rows**. Whoever compares two games by one try
# each compares two draws of a learning rate. How much larger is it? The variance of all scores on one kind of data is
# the sum of three parts: between games, between the tries of a game (the settings), and between the seeds of a try. On
# the record:

# %%
ratios = []
for distribution in ARENAS:
    own = [scores(result, distribution, name, budget=n) for name in GAMES]
    x = torch.stack([found.distance for found in own])  # (6, n, 3)
    of_game, of_try = x.mean((1, 2), keepdim=True), x.mean(2, keepdim=True)
    parts = (of_game - x.mean(), of_try - of_game, x - of_try)
    shares = [part.square().mean() / x.var(correction=0) for part in parts]
    assert abs(sum(shares) - 1) < 1e-9
    game, settings, seed = shares
    shown = f"game {game:.0%}, settings {settings:.0%}, seed {seed:.0%}"
    print(f"{distribution:9s}{shown}")
    ratios.append(settings / game)
claim(
    "settings-over-games",
    "variance by settings over variance by game, least of four",
    min(ratios),
    above=2.0,
)

# %% [markdown]
# The settings account for about four fifths of it. The game accounts for a tenth or two; on the ring and on digits a
# change of seed alone does almost as much. **"Which game is best?" asks about one of the small parts.** (Good tuning
# removes the large part, and then game and seed are what is left. That is why tuned games are compared here, and with
# several seeds.)
#
# :::{admonition} Try it
# :class: tip
# Add `"wgan-lp"` to the plan and call `study` again with the same folder: only the new tries are made. What happens
# if you change `updates` as well, and why is that right?
# :::
#
# ## The recorded study
#
# The record that we opened with has six games on four kinds of data, and for each of the 24 combinations as many tries
# as were printed there, with three seeds per try and 2000 gradient steps per run: 864 trainings, a quarter of an hour
# on one core. Here is what a budget buys, for budgets up to five tries, chosen with one seed and measured with the
# others:

# %%
BUDGETS = (1, 2, 3, 5)


def curve(distribution, objective):
    """Low end, estimate and high end at each budget; ends for one game."""
    found = scores(result, distribution, objective, budget=n).distance
    if objective == "non-saturating":
        ends = [
            held_out_best_interval(found, k, largest=False) for k in BUDGETS
        ]
        return list(zip(*ends, strict=True))
    best = [held_out_best(found, k, largest=False) for k in BUDGETS]
    return best, best, best


curves = {
    distribution: {game: curve(distribution, game) for game in GAMES}
    for distribution in ARENAS
}
for own in curves.values():
    for _, best, _ in own.values():
        assert best[-1] < best[0], "five tries are better than one"

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels, for ring, grid, polygons and digits: the distance to the data over the number of tries, 1 to 5, with a curve for each of six games, a band around that of the non-saturating one, and a dashed line for fresh data. All curves fall as the budget grows. Most curves of other games run inside the band or close to it. No curve reaches the dashed line."}, "figure": {"name": "fig-budgets", "caption": "Best-of-budget curves of the recorded study: distance to the data (0 is perfect, 1 is a generator that always shows the mean), expected best of k tries, with the 95% bootstrap interval of the non-saturating game. Dashed: fresh data in place of samples."}}
panels = plots.axes(2, 2, height=3.0, sharex=True)
for ax, distribution in zip(panels.flat, ARENAS, strict=True):
    plots.sweep(ax, BUDGETS, curves[distribution])
    ax.axhline(
        result["floor"][distribution]["distance"],
        color=plots.INK,
        linestyle="--",
        linewidth=1.2,
    )
    ax.set(title=distribution, ylim=(0, 1))
for ax in panels[1]:
    ax.set(xlabel="tries")
for ax in panels[:, 0]:
    ax.set(ylabel="distance")
panels[0, 0].legend(fontsize=8, ncols=2, loc="upper right")
plots.show()

# %% [markdown]
# All curves fall, and they cross. On the ring WGAN-GP is last but one with a single try, and well ahead of the
# non-saturating game with five. Least squares begins as the best on three kinds of data, and is then caught.
#
# Now the question. Is any game better than the non-saturating one? Since tries with the same number have the same
# settings, we take the *difference* of the two bests of $k$, draw pairs of tries again with replacement, two thousand
# times, and keep the middle 95%. We count on how many of the four kinds of data a game is better by at least one of the
# two measures, with an interval that excludes 0; for one try each, and for five:


# %%
def difference(distribution, objective, measure, k):
    """How much better than the non-saturating game; above 0 is better."""
    pair = [
        scores(result, distribution, name, budget=n)
        for name in (objective, "non-saturating")
    ]
    if measure == "F1":
        mine, theirs = map(f1_score, pair)
        return held_out_best_interval(mine, k, rival=theirs)
    mine, theirs = (found.distance for found in pair)
    return held_out_best_interval(theirs, k, rival=mine, largest=False)


others = [name for name in GAMES if name != "non-saturating"]
MEASURES = ("distance", "F1")
apart = {
    case: difference(*case)
    for case in itertools.product(ARENAS, others, MEASURES, (1, 5))
}

# %%
better = {case: set() for case in itertools.product(others, (1, 5))}
worse = {case: set() for case in better}
for (distribution, name, _, k), (low, _, high) in apart.items():
    if low > 0:
        better[name, k].add(distribution)
    if high < 0:
        worse[name, k].add(distribution)
for (name, k), where in better.items():
    print(
        f"{name:14s} k = {k}: better on {len(where)} kinds of data, "
        f"worse on {len(worse[name, k])}"
    )
claim(
    "lucic-study",
    "games better than the non-saturating one on all data, k = 5",
    sum(better[name, 5] == set(ARENAS) for name in others),
    equals=0,
)
claim(
    "budget-decides",
    "kinds of data with least squares better, at k = 1 and k = 5",
    [len(better["least-squares", k]) for k in (1, 5)],
    equals=[4, 0],
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Eight panels: for distance in the upper row and F1 in the lower one, on ring, grid, polygons and digits, five intervals each for how much better a game is than the non-saturating one with five tries. Most intervals reach across the dashed line at zero. WGAN-LP and minimax lie on the right of it for the distance on the ring, WGAN with clipping on the left in five panels."}, "figure": {"name": "fig-differences", "caption": "How much better than the non-saturating game (right of the dashed line: better), best of five tries, with 95% bootstrap intervals over pairs of tries with the same settings. Upper row: distance; lower row: F1."}}
hues = dict(zip(GAMES, plots.COLOURS, strict=True))
panels = plots.axes(2, 4, height=2.2, sharey=True)
for line, measure in zip(panels, MEASURES, strict=True):
    for ax, distribution in zip(line, ARENAS, strict=True):
        rows = {
            name: apart[distribution, name, measure, 5] for name in others
        }
        plot_interval_rows(ax, rows, colours=[hues[name] for name in rows])
        ax.set_title(f"{measure}, {distribution}", fontsize=10)
plots.show()

# %% [markdown]
# **No game is better than the plain one on all kinds of data, given five tries.** That is the finding of the large
# study, on a small scale. But look at the lines with $k=1$ as well. With *one* try, least squares is better on all
# four! Its intervals exclude 0 for the distance or for $F_1$ everywhere, and with five tries on none. Both statements
# are true, and they are about different things. Least squares is forgiving: it does tolerably where the same settings
# make the others fail. If you can afford one try, that is worth a lot. Given several, every game finds settings that
# work, and the lead is gone.
#
# Clipping is another matter. It is behind on three kinds of data, and stays behind as the budget grows: what it needs
# was not in these ranges, or not within 2000 steps. With a one-sided penalty the ring comes out better by distance, and
# the triangles worse by $F_1$.
#
# Two warnings about counting intervals. There are forty for each $k$, and at 95% about two of forty exclude 0 where
# there is no difference. And an interval that contains 0 does not say that two games are equal. Several of these would
# not notice a difference of 0.2.
#
# ### Who is first?
#
# A table has to put somebody first. So let us do that, for each kind of data and each measure, with all tries, with
# those of small learning rates only, and with those of large ones only. Each of these is a study that somebody could
# have planned in good faith:

# %%
rates = torch.tensor(
    [
        created_equal.draw_settings("minimax", number)["rate"]
        for number in range(n)
    ]
)
slow = rates < rates.median()
plans = {"all": rates > 0, "small": slow, "large": ~slow}


def first_of_all(distribution, measure, kept):
    """The game that is first on this data, by this measure."""
    best = {}
    for name in GAMES:
        found = scores(result, distribution, name, budget=n)
        good = f1_score(found) if measure == "F1" else -found.distance
        best[name] = held_out_best(good[kept], 3)
    return max(best, key=best.get)


winners = {}
for distribution, measure in itertools.product(ARENAS, MEASURES):
    own = [
        first_of_all(distribution, measure, kept) for kept in plans.values()
    ]
    winners[distribution, measure] = own
    print(
        f"{distribution:9s}{measure:9s}", *(f"{name:15s}" for name in own)
    )

# %%
first = {name for own in winners.values() for name in own}
claim(
    "winner-depends",
    "games that are first in at least one of 24 rankings",
    len(first),
    equals=4,
)

# %% [markdown]
# Every one of these rankings is honest, and they name four different winners. Even clipping is first once, on digits
# with small learning rates. Least squares is named most often. Is it the best, then? By the intervals above, only
# for those with a single try.
#
# ### What one number hides
#
# On the triangles precision and recall are exact, so we can look at all tries of all games at once. The best ones are
# at the upper right. A game that made beautiful triangles of one kind would be at the lower right, one that covers
# everything with blur at the upper left.

# %% tags=["hide-input"] mystnb={"image": {"alt": "A scatter plot of recall over precision on triangles, a mark for each run of each of six games. Marks lie all along a band from the origin, where both are zero, to high precision and recall at the upper right. Marks of all games except WGAN with clipping are among those at the upper right."}, "figure": {"name": "fig-precision-recall", "caption": "Precision and recall of all recorded runs on triangles. Every game has runs that fail; the good ones of different games lie side by side."}}
clouds = {}
for name in GAMES:
    found = scores(result, "polygons", name, budget=n)
    clouds[name] = (found.precision.flatten(), found.recall.flatten())
ax = plots.axes(height=3.4)
plot_scatter(ax, clouds)
ax.set(xlabel="precision", ylabel="recall", xlim=(-0.02, 1.02))
ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
plots.show()

# %%
for name in GAMES:
    found = f1_score(scores(result, "polygons", name, budget=n))
    failed = (found < 0.1).double().mean()
    best_seeds = found.flatten().sort(descending=True).values[:5].mean()
    honest = held_out_best(found, 5)
    print(
        f"{name:15s} F1 < 0.1 in {failed:.0%}; five best runs "
        f"{best_seeds:.2f}; best of five tries {honest:.2f}"
    )

# %% [markdown]
# In the second column a game is judged by its five best runs of all, which is what a table of best results shows. In
# the third it is judged by what somebody with five tries can expect, on a seed that was not used to choose. The order
# is nearly the same here; the sizes of the differences are not. And the first column answers a question of its own: how
# often does a game fail? For someone who trains many GANs and tunes none, that is the number to compare.
#
# ## What the evidence shows, and what it does not
#
# *What it shows.* On four kinds of data, with small networks and little training, and with settings drawn from one
# table of ranges for all: the settings matter several times more than the game. With five tries none of five other
# games is better than the non-saturating one everywhere. With one try, least squares is. Clipping is behind on several
# kinds of data. Which game comes first depends on data, measure, ranges, and budget.
#
# *How much of it was fixed beforehand.* The ranges and the tolerance on the polygons were adjusted once after some
# pilot trainings, and then left alone. Which budgets to compare, and the two measures, were settled while the record
# was filling up. So read the comparison of one try with five as a finding to be tested on new tries, not as a test.
#
# *What it does not show:*
#
# - **That the games are equal.** Failing to see a difference is not the same as seeing that there is none. Twelve tries
#   leave wide intervals.
# - **Anything about photographs.** The data are toy problems, the networks have two hidden layers of at most 64 units.
#   What separates games on large images (which of them can be trained for weeks, with deep networks) does not occur
#   here.
# - **What happens in other ranges, or after longer training.** Learning rates between 0.0002 and 0.02 suit some games
#   more than others, and a game that is slow but sure loses when all stop after 2000 steps. On the grid no game has
#   converged by then.
# - **What is best by another measure.** Distance and $F_1$ disagree here already. The digits are judged through the
#   features of one small classifier.
# - **What is cheapest.** Gradient steps were equal, seconds were not: a penalty makes a critic's step more expensive.
# - **What clipping can do at its best.** Its paper recommends RMSProp, and here all games use Adam.
#
# Nor is the bootstrap beyond doubt. It pretends that the tries we have seen are all there are, so intervals for the
# best of $k$ are too optimistic where $k$ comes close to the number of tries. That is why we stopped at five.
#
# :::{admonition} Try it
# :class: tip
# You have a night and a machine with eight cores. Write down, before you start, what you would have to see in
# `held_out_best_interval` in order to say that WGAN-LP is better than WGAN-GP on the ring. Then run the study.
# :::
#
# ## Exercises
#
# :::{exercise}
# :label: ex-best-of-two-tries
# Four tries have the scores 0.2, 0.5, 0.6 and 0.9. What does {eq}`eq-expected-best` give for $k=2$?
# :::
#
# :::{hint}
# :class: dropdown
# List the pairs that can be chosen from four tries. In how many is 0.9 the better one, in how many 0.6, in how many
# 0.5? That is what the binomials count.
# :::

# %%
answer = ...
check("best-of-two-tries", answer)

# %% [markdown]
# :::{solution} ex-best-of-two-tries
# :class: dropdown
# There are six pairs. The best try is the larger in three of them, the second best in two, the third in one.
#
# ```python
# answer = (3 * 0.9 + 2 * 0.6 + 1 * 0.5) / 6
# ```
# :::
#
# :::{exercise}
# :label: ex-lucky-seed
# Two games are equally good. Over seeds their $F_1$ is Gaussian, with a standard deviation of 0.02. For one, the mean
# of ten seeds is reported; for the other, the best of ten. By how much do you expect the second to look better?
# :::
#
# :::{hint}
# :class: dropdown
# What are $\sigma$ and $k$ in {eq}`eq-best-seed`, and which of its two terms does the mean of ten seeds report as well?
# The cell below the equation has the integral as a function.
# :::

# %%
answer = ...
check("lucky-seed", answer)

# %% [markdown]
# :::{solution} ex-lucky-seed
# :class: dropdown
# By {eq}`eq-best-seed` with $k=10$.
#
# ```python
# def integrand(x):
#     density = torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
#     return 10 * x * density * torch.special.ndtr(x) ** 9
#
#
# answer = 0.02 * integrate(integrand, -12.0, 12.0)[0].item()
# ```
# :::
#
# :::{exercise}
# :label: ex-tries-for-the-top
# A space has twelve settings, and you know nothing about it. How many random tries do you need so that, with a
# probability of at least 95%, one of them is among the best 5% of all possible settings?
# :::
#
# :::{hint}
# :class: dropdown
# Turn the question round: with what probability does *one* try miss the best 5%, and with what probability do $k$
# independent tries all miss? Try $k=2$ first. Does the number of settings enter anywhere?
# :::

# %%
answer = ...
check("tries-for-the-top", answer)

# %% [markdown]
# :::{solution} ex-tries-for-the-top
# :class: dropdown
# All $k$ miss with probability $0.95^k$, which must be at most 0.05. The number of settings does not matter.
#
# ```python
# answer = math.ceil(math.log(0.05) / math.log(0.95))
# ```
# :::
#
# :::{exercise}
# :label: ex-distance-of-a-triangle
# A generator makes regular triangles with centre 0, but of radius 1.3. How far are they from $M$?
# :::
#
# :::{hint}
# :class: dropdown
# Go through the three terms of {eq}`eq-polygon-distance`: which of the modes are where they may be, and how far off is
# the one that is not? Then mind the factor in front of the bracket, and the square on the left.
# :::

# %%
answer = ...
check("distance-of-a-triangle", answer)

# %% [markdown]
# :::{solution} ex-distance-of-a-triangle
# :class: dropdown
# In {eq}`eq-polygon-distance` only $|\hat z_1|=1.3$ is wrong, by 0.3, and $N=3$. In words: each of the three corners
# has to move by 0.3.
#
# ```python
# answer = math.sqrt(3 * 0.3**2)
# ```
# :::
#
# :::{exercise}
# :label: ex-expected-best
# Write {eq}`eq-expected-best` yourself: a function of a list `values` and of `k`, for scores of which the largest is
# the best.
# :::
#
# :::{hint}
# :class: dropdown
# {eq}`eq-expected-best` counts from 1, and Python from 0: what is $n-i$ for the best score? `math.comb` has the
# binomials. Test your function against a list of all choices, as the cell below {prf:ref}`thm-best-of-k` does.
# :::

# %%
answer = ...
check("expected-best", answer)

# %% [markdown]
# :::{solution} ex-expected-best
# :class: dropdown
# `math.comb(n - i, k - 1)` is 0 where fewer than $k-1$ worse ones are left.
#
# ```python
# def answer(values, k):
#     x, n = sorted(values, reverse=True), len(values)
#     total = sum(math.comb(n - i, k - 1) * x[i - 1] for i in range(1, n + 1))
#     return total / math.comb(n, k)
# ```
# :::
#
# ## What to remember
#
# - Whatever is tuned more looks better. Fix the space, the budget and the rule before you look.
# - A game has no score but a curve: the expected best of $k$ tries. It can be estimated from $n\ge k$ tries exactly
#   and without bias.
# - The best of ten equal seeds is one and a half standard deviations above their mean. Choose with one seed, report
#   others.
# - Where the data are a set whose nearest point is known, precision and recall need no features and no neighbours.
# - Settings matter several times more than the game. Given five tries, no game here beats the non-saturating one on all
#   data; given one, least squares does. A result without its budget is half a result.
#
# **Sources.** The question, the comparison under equal budgets and the idea of polygons are from
# {cite}`lucic2018`; random search from {cite}`bergstra2012`; reports over budgets from {cite}`dodge2019`, with the
# unbiased estimate from {cite}`tang2020`. The games are from {cite}`goodfellow2014,mao2017,arjovsky2017wgan`,
# {cite}`gulrajani2017` and {cite}`petzka2018`.
