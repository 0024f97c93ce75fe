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
# # 6 · Mode collapse, and how to see it
#
# A generator that has learnt to draw one perfect *three* can draw it again and again. No single picture of it looks
# wrong; all of them together do. This is **mode collapse**, the best-known ailment of GANs, and it comes with a lot of
# folklore: that the loss is to blame, that the discriminator is blind to it, that a Wasserstein GAN cures it. **When
# does a GAN collapse, why does it stay collapsed, and by what number would you notice?** We train a few hundred GANs
# and count.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** how collapse is counted; in which settings it happens, and in which it does not; why
# even a discriminator that sees it may give the generator no way out; what it means to unroll a GAN; and what each
# of the common metrics sees, and what it is blind to.
#
# **You need** {doc}`lesson 3 <03_optimal_discriminator>` for the optimal discriminator, {doc}`lesson 4
# <04_no_equilibrium>` for games that go round, and {doc}`lesson 5 <05_vanishing_gradients>` for what the loss $-\log D$
# descends.
#
# **It takes** an hour and a half to read with the exercises, and about half a minute to run on a laptop.
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
import math

import sympy
import torch
from torch.nn.functional import avg_pool2d

from gantut import metrics, plots
from gantut.checks import claim
from gantut.data import digits, gaussian, gaussian_mixture, grid, ring
from gantut.device import at_scale, random_source
from gantut.divergences import (
    js_divergence,
    kl_divergence,
    optimal_discriminator,
    value_function,
)
from gantut.lessons import check, mode_collapse, recorded, toy_gans
from gantut.lessons.mode_collapse.plots import (
    plot_image_blocks,
    plot_mean_turns,
    plot_mode_clouds,
    plot_scorecard,
)
from gantut.metrics import median_interval, paired_difference

# %% [markdown]
# ## Counting modes
#
# "The generator makes nearly the same thing, or a few things, over and over." To *count* that, one needs data whose
# modes are known, and a rule. The classic data are a **ring**: eight round Gaussians of standard deviation $s=0.1$,
# evenly spaced on a circle of radius 2. Give each generated sample to the nearest centre,
#
# $$ k(x)=\arg\min_k\|x-\mu_k\|, $$ (eq-nearest-mode)
#
# and call it a sample **of high quality** if it is within three standard deviations of it. A mode counts as **covered**
# if at least one sample in a hundred belongs to it and some of those are of high quality. Two numbers result: how many
# modes are covered, and what share of all samples is of high quality.
#
# What would be perfect? In the plane $\|x-\mu_k\|^2/s^2$ has a $\chi^2$ distribution with two degrees of freedom, so
# even the data themselves reach only $1-e^{-9/2}\approx0.989$. We try the rule on the data, on a generator that makes a
# single point, and on one that has learnt nothing: noise, a single round Gaussian of standard deviation 1.5.

# %%
distribution = ring(8, radius=2.0, std=0.1)
perfect = distribution.sample(200_000, generator=random_source(0))
point = distribution.means[:1].expand(
    1000, 2
)  # one centre, a thousand times
blind = 1.5 * torch.randn(200_000, 2, generator=random_source(6)).double()
by_rule = []
for samples in (perfect, point, blind):
    found = metrics.mode_coverage(samples, distribution)
    by_rule += [found.covered, found.high_quality_fraction]
nearness = torch.distributions.Normal(0.0, 1.5).log_prob(
    torch.tensor([2.0, 0])
)
in_discs = 8 * math.pi * 0.3**2 * nearness.sum().exp()  # density x area
claim(
    "mode-collapse-definition",
    "modes and high-quality share: the data, a single point, noise",
    by_rule,
    equals=[8, 1 - math.exp(-9 / 2), 1, 1, 8, in_discs],
    atol=2e-3,  # three standard errors of a share of 200,000 draws
)
print(f"share of noise: {in_discs:.2f}")

# %% [markdown]
# The single point has a *better* quality than the data, and noise covers *all* modes. Neither number is any good
# without the other. And beware of the ring itself. Eight angles from 0 to $2\pi$, *both ends included*, as some
# programs draw them, make seven modes, one of them twice:

# %%
angles = torch.linspace(0, 2 * math.pi, 8, dtype=torch.float64)
centres = torch.stack([angles.cos(), angles.sin()], -1).mul(1e6).round()
print("different centres:", len(centres.unique(dim=0)))

# %% [markdown]
# ## A few hundred GANs
#
# Is it true, then, that GANs collapse? The only fair way to ask is to hold everything else fixed. All games below have
# the same networks (two hidden layers of 64 units each), the same 16-dimensional noise, the same optimizer (Adam with
# learning rate 0.001 and no momentum; RMSProp where weights are clipped, at 0.1), batches of 64 and 1000 generator
# steps; gradient penalties have the weight 1. What differs is the objective and one more thing: **how many steps $k$
# the critic takes** before each step of the generator. Every game is played 32 times, from different random numbers.
#
# That takes longer than a page should, so these games were played beforehand. The command that repeats them is recorded
# with their results, in `results/mode-collapse.json`:

# %%
record = recorded("mode-collapse")
games = {
    (game["distribution"], game["objective"], game["n_critic"]): {
        name: torch.tensor(game[name]) for name in ("modes", "quality")
    }
    for game in record.result["games"]
}
print(record.provenance["command"])
for name in ("minimax", "non-saturating", "wgan", "wgan-gp"):
    for k in (1, 5):
        low, middle, high = median_interval(games["ring", name, k]["modes"])
        print(
            f"{name:15s} k = {k}: median of modes {middle:g}, "
            f"interval {low:g} to {high:g}"
        )

# %% [markdown]
# (The interval holds the true median with 95% confidence, whatever the distribution: it ends at two order statistics of
# the 32.) The figure shows every member of the population.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels with six rows each, one for each objective on the ring: modes covered at the left, quality at the right; one critic step per iteration at the top, five at the bottom. With five steps, the non-saturating game has most of its 32 members at one mode with quality near 1, least squares at one to six modes, minimax mostly at eight modes with quality near 0.1, and the three Wasserstein games at eight modes, quality 0.1 to 0.5. With one step, minimax is at eight everywhere, non-saturating mostly, while WGAN-GP is spread from one to eight."}, "figure": {"name": "fig-collapse-ring", "caption": "Modes covered and share of high quality on the ring, 32 members each, after 1000 generator steps. Bars are 95% intervals of the median. With one critic step per iteration (top) and with five (bottom), the games change places."}}
names = ("minimax", "non-saturating", "least-squares",
         "wgan", "wgan-gp", "wgan-lp")  # fmt: skip
panels = plots.axes(2, 2, height=3.3, sharey=True, sharex="col")
for row, k in zip(panels, (1, 5), strict=True):
    for ax, what in zip(row, ("modes", "quality"), strict=True):
        seen = {name: games["ring", name, k][what] for name in names}
        ends = {name: median_interval(own) for name, own in seen.items()}
        plots.member_rows(ax, seen, intervals=ends)
    row[0].set_title(f"k = {k}")
panels[1, 0].set(xlabel="modes covered, of 8", xlim=(0.5, 8.5))
panels[1, 1].set(xlabel="share of high quality", xlim=(0, 1.02))
plots.show()

# %% [markdown]
# Look at the rows of the non-saturating game (the usual GAN, with $-\log D$). With $k=5$ it collapses as in the books:
# most members end on *one* mode, and on that mode they are excellent. WGAN-GP, with the same networks and the same $k$,
# covers all eight in every single run. So much for the folklore; it holds here. Now look at $k=1$. There the *same* GAN
# covers eight modes in most runs, and it is WGAN-GP that misses more than half of them: one critic step per iteration
# is too little for a critic that must first become a good one. "GANs collapse, Wasserstein GANs do not" is true of one
# row of the figure, not of GANs. (Is the difference more than chance? The members of two games share their seeds, so we
# compare them pair by pair, and ask how large a difference random signs would bring about.)
#
# You need not take it on trust. We play three of these games here and now, with smaller populations. In the second one
# we look twenty times along the way, for later use.

# %%
more = at_scale(fast=1, full=8)
alone = toy_gans.train_toy_gan("non-saturating", 1, members=8 * more)
collapsed = toy_gans.train_toy_gan(
    "non-saturating", 5, members=12 * more, evaluations=20
)
penalised = toy_gans.train_toy_gan("wgan-gp", 5, members=4 * more)
live = {
    "non-saturating, k = 1": alone,
    "non-saturating, k = 5": collapsed,
    "wgan-gp, k = 5": penalised,
}
coverage = {
    name: toy_gans.coverage(history, points=100)
    for name, history in live.items()
}

# %%
ahead = {
    k: paired_difference(
        games["ring", "wgan-gp", k]["modes"],
        games["ring", "non-saturating", k]["modes"],
        comparisons=2,
    )
    for k in (1, 5)
}
for k, seen in ahead.items():
    print(
        f"k = {k}: WGAN-GP covers {seen.difference:+.0f} modes more than "
        f"the usual GAN, on average; told apart: {seen.told_apart}"
    )
claim(
    "eight-gaussians-mode-collapse",
    "k = 5: modes that WGAN-GP is ahead, lower end",
    ahead[5].low,
    above=3.5,
)
claim(
    "collapse-the-other-way-round",
    "k = 1: modes that the usual GAN is ahead, lower end",
    -ahead[1].high,
    above=0.5,
)

# %%
claim(
    "collapse-live",
    "played here: median modes of the GAN, k = 5, least of WGAN-GP",
    [
        coverage["non-saturating, k = 5"].modes.median(),
        coverage["wgan-gp, k = 5"].modes.min(),
    ],
    equals=[1.5, 8],
    atol=0.9,  # a median of 1 or 2, and all eight
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four square panels with eight rings marking the modes. Data: dots on all eight. Non-saturating with k = 1: a loop of dots that passes through all eight modes, with much in between. Non-saturating with k = 5: all dots on one mode. WGAN-GP with k = 5: dots around all eight modes with thin bridges between them."}, "figure": {"name": "fig-collapse-samples", "caption": "What a typical member generates (the median one by the number of modes, not the best). Eight of eight covered is not the same as good, and good is not the same as eight of eight."}}
shown = {"data": distribution.sample(600, generator=random_source(1))}
for name, history in live.items():
    order = coverage[name].modes.argsort()
    typical = order[len(order) // 2]
    shown[name] = history.samples[-1, typical, :600]
plot_mode_clouds(plots.axes(1, 4, height=2.2), shown, distribution.means)
plots.show()

# %% [markdown]
# ### A grid, and a trap for counters
#
# Twenty-five Gaussians on a $5\times5$ grid are the other classic. In the same setting *nobody* seems to collapse
# there: of the nine games other than the Wasserstein games with one critic step, every median is 22 modes or more. A
# triumph? Look at the quality.

# %%
for name in ("non-saturating", "wgan-gp"):
    seen = games["grid", name, 5]
    print(
        f"{name}: median of modes {seen['modes'].median():g} of 25, "
        f"of quality {seen['quality'].median():.2f}"
    )
others = [
    own
    for (where, name, k), own in games.items()
    if where == "grid" and not ("wgan" in name and k == 1)
]
claim(
    "grid-seems-covered",
    "nine games: least median of modes / 25, 1 - largest of quality",
    [
        min(own["modes"].median() for own in others) / 25,
        1 - max(own["quality"].median() for own in others),
    ],
    above=0.85,
)
square = 5 * torch.rand(200_000, 2, generator=random_source(2)) - 2.5
noise = metrics.mode_coverage(square.double(), grid())
claim(
    "grid-noise-passes",
    "noise in the square: modes covered, and quality",
    [noise.covered, noise.high_quality_fraction],
    equals=[25, 25 * math.pi * 0.15**2 / 25],
    atol=2e-3,  # three standard errors of a share of 200,000 draws
)

# %% [markdown]
# The modes of the grid have the standard deviation 0.05, so the discs of high quality have the radius 0.15 and fill
# $25\cdot\pi\cdot0.15^2/25\approx7\%$ of the square. *Uniform noise* covers 25 of 25, with a quality of 0.07, and that
# is what the generators have learnt after 1000 steps: the square. Noise passes a count of modes that asks only for
# "some of high quality". With five times as many steps the modes emerge, and with them the differences:

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with three rows on the grid after five thousand steps: non-saturating with one and with five critic steps, and WGAN-GP with five. Left, modes covered of 25: nearly all for one critic step, 5 to 19 for five, all for WGAN-GP. Right, the share of high quality: around 0.18, 0.6 and 0.2, with a dashed line at 0.07 for uniform noise."}, "figure": {"name": "fig-collapse-grid", "caption": "The grid after 5000 generator steps, 16 members each (recorded in results/grid-for-longer.json). The dashed line is what uniform noise would score."}}
longer = {
    f"{game['objective']}, k = {game['n_critic']}": game
    for game in recorded("grid-for-longer").result["games"]
}
panels = plots.axes(1, 2, height=2.2, sharey=True)
for ax, what in zip(panels, ("modes", "quality"), strict=True):
    seen = {name: torch.tensor(own[what]) for name, own in longer.items()}
    ends = {name: median_interval(own) for name, own in seen.items()}
    plots.member_rows(ax, seen, intervals=ends)
panels[0].set(xlabel="modes covered, of 25", xlim=(0, 26))
panels[1].axvline(0.0707, color=plots.INK, linestyle="--", linewidth=1.2)
panels[1].set(xlabel="share of high quality", xlim=(0, 1))
plots.show()

# %%
one, five, penalty = (
    {what: torch.tensor(own[what]) for what in ("modes", "quality")}
    for own in longer.values()
)
lost, gained, between = (
    paired_difference(a[what], b[what], comparisons=3)
    for a, b, what in (
        (one, five, "modes"),
        (five, one, "quality"),
        (penalty, one, "quality"),
    )
)
print(
    f"WGAN-GP and GAN with k = 1: qualities told apart: {between.told_apart}"
)
claim(
    "grid-tells-the-same-story",
    "k = 5 against 1: modes lost / 25, quality gained, lower ends",
    [lost.low / 25, gained.low],
    above=0.2,
)

# %% [markdown]
# Now the grid tells the same story as the ring. With five discriminator steps per iteration the usual GAN keeps only
# some of the modes, and these well; with one it has nearly all, less sharply, as WGAN-GP does with five. After 1000
# steps the count could not tell these apart, because there was nothing to count yet.
#
# :::{admonition} Try it
# :class: tip
# Play `toy_gans.train_toy_gan("non-saturating", 2, members=16)`, or give the GAN momentum with
# `optimizer=Optimizer("adam", 1e-3, betas=(0.5, 0.9))` from `gantut.training`. Does collapse happen at once, or
# gradually?
# :::
#
# ## Does the discriminator not see it?
#
# The usual explanation of collapse goes like this: once the generator sits on a mode and makes good samples, the
# discriminator no longer calls them fake, so nothing drives the generator on. Is that so? Let the data have eight equal
# modes that do not overlap, and let the generator cover $m$ of them perfectly and equally. There $p_r$ is $\frac18$ and
# $p_g$ is $\frac1m$ of a common shape, so by {eq}`eq-dstar`
#
# $$ D^*=\frac{1/8}{1/8+1/m}=\frac{m}{m+8} , $$ (eq-dstar-on-modes)
#
# no more than $\frac19$ for a generator on a single mode. The optimal discriminator calls even the most perfect of such
# samples fake, eight times out of nine. All that matters about a mode is its mass, so the rest is arithmetic on eight
# points.

# %%
p_r = torch.full((8,), 1 / 8, dtype=torch.float64)
covered = torch.arange(1, 9, dtype=torch.float64)
p_g = (torch.arange(8) < covered[:, None]) / covered[:, None]  # (8, 8)
d_star = optimal_discriminator(p_r, p_g)  # (m, modes)
value = value_function(d_star, p_r, p_g)
js = js_divergence(p_r, p_g)
odds = covered / (covered + 8)
claim(
    "collapse-d-does-not-see",
    "D* on the samples, and V(D*, G), on 1, 2, ..., 8 of 8 modes",
    torch.stack([d_star[:, 0], value, 2 * js - 2 * math.log(2)]),
    equals=torch.stack(
        [odds, *[covered / 8 * odds.log() + (1 - odds).log()] * 2]
    ),
    atol=1e-12,
)
print("V(D*, G):", ", ".join(f"{v:.3f}" for v in value))

# %% [markdown]
# So $V(D^*,G)$ falls with every mode that is added, from $-0.392$ to $-2\log2$, and collapse is not where the game
# wants to end. Perhaps trained discriminators are worse than the optimal one? We ask those of the population that
# has just collapsed before our eyes: what do they say about the samples of their own generators?

# %%
on_one = coverage["non-saturating, k = 5"].modes == 1
made = collapsed.samples[-1].to(next(collapsed.critic.parameters()).device)
with torch.no_grad():
    verdict = collapsed.critic(made).squeeze(-1).sigmoid()  # (members, n)
typical_verdict = verdict.median(1).values.cpu()[on_one]
assert on_one.sum() >= 3, "so many members ended on one mode"
claim(
    "collapse-is-seen-in-training",
    "what D says of the samples of those on one mode (D*: 0.11)",
    typical_verdict,
    below=1 / 3,
    digits=1,
)

# %% [markdown]
# They see it, and say about what theory says: one chance in nine. The story of the blind discriminator is wrong,
# both for the optimal one and for these.
#
# ### Seen, but with no way out
#
# Then why does the generator stay? Because it does not follow the *value* of $D$ but its *slope*. On a mode that is
# drawn perfectly, $p_r/p_g$ is constant, so the logit of $D^*$ is constant as well: it says "fake" equally loudly
# everywhere on the mode, and no direction is better than another. More is true. Let the samples move in any way that
# keeps them in the mode's *cell*, nearer to it than to the other modes, and forget everything about a sample except
# whether it is in that cell. Forgetting cannot increase JS (lesson 1, {prf:ref}`thm-data-processing`), so
#
# $$ \operatorname{JS}(p_r\,\|\,p_g)\ge\operatorname{JS}\Big(\big(\tfrac18,\tfrac78\big)\,\Big\|\,(1,0)\Big), $$ (eq-cell)
#
# with equality exactly if nothing is lost, which means that $p_g=8p_r$ all over the cell: the collapsed generator.
# Whatever else it does with samples that *stay there* makes $V(D^*,G)$ larger.
#
# Two experiments with optimal discriminators show it, on a line with eight modes of width 0.05, one apart. First the
# generator, on the first mode, may *mix in* a share of the right distribution; then it may *move* its samples, all of
# them, by a shift $\delta$ towards the next mode.

# %%
data = gaussian_mixture(list(range(8)), 0.05)
x = torch.linspace(-1.5, 8.5, 10_001, dtype=torch.float64)  # 50 a width
shares = torch.linspace(0, 1, 21, dtype=torch.float64)[:, None]
shifts = torch.linspace(-0.5, 1.5, 61, dtype=torch.float64)[:, None]


def best_value(made):
    """V(D*, G) by (3.7), the integral as a sum: (..., points) to (...)."""
    p, q = data.density(x), made
    return 2 * js_divergence(
        p / p.sum(), q / q.sum(-1, keepdim=True)
    ) - 2 * math.log(2)


on_first = gaussian(0, 0.05)
mixing = best_value(
    (1 - shares) * on_first.density(x) + shares * data.density(x)
)
moving = best_value(on_first.density(x - shifts))

# %%
slope = torch.linspace(
    -0.1, 0.1, 41, dtype=torch.float64, requires_grad=True
)
logit = optimal_discriminator(data, on_first).logit(slope)
(along,) = torch.autograd.grad(logit.sum(), slope)
distance = shifts.squeeze(1).abs()
near = (distance > 1e-9) & (distance < 0.5)
parked = best_value(on_first.density(x))
cell = 2 * js_divergence([1 / 8, 7 / 8], [1.0, 0.0]) - 2 * math.log(2)
claim(
    "collapse-is-flat",
    "slope of D*'s logit on the samples; V(D*, G), less its bound (6.3)",
    [along.abs().max(), parked - cell],
    equals=0.0,
    atol=1e-9,
)
claim(
    "collapse-is-a-trap",
    "rise of V(D*, G) when all samples move, by up to half a gap",
    moving[near] - parked,
    above=0.0,
)
claim(
    "mixing-helps",
    "change of V(D*, G) with each further 5% that is mixed in",
    mixing.diff(),
    below=0.0,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels. Left: V of the optimal discriminator falls steadily from minus 0.39 to minus 1.39 as the share of the right distribution that is mixed in grows from 0 to 1. Right: V over the shift of the samples from one mode towards the next is a narrow well of depth minus 0.39 at shift 0 and at shift 1, and flat at 0 between them."}, "figure": {"name": "fig-collapse-trap", "caption": "A generator on one of eight modes, against optimal discriminators. Left: mixing in the right distribution is downhill all the way. Right: moving all samples to the next mode leads over a plateau, and the first step is uphill."}}
left, right = plots.axes(1, 2, height=2.7, sharey=True)
plots.lines(left, shares.squeeze(1), {"_V": mixing})
plots.lines(
    right, shifts.squeeze(1), {"_V": moving}, colours=[plots.GENERATED]
)
left.set(xlabel="share mixed in", ylabel="V(D*, G)")
right.set(xlabel="shift δ of the samples")
plots.show()

# %% [markdown]
# As a function of *distributions*, JS is convex, and there is no minimum but the right one: a generator that could
# create a speck of mass elsewhere would be drawn out of collapse at once. But a generator is a continuous function of
# its noise. It must *carry* its samples, and those that it carries from one mode to the next leave some in between.
#
# ### How steep may a generator be?
#
# Is there a wall, then, for every continuous generator? Here is one that carries its samples a few at a time,
#
# $$ G(u,t)=0.05\,u+\operatorname{clip}\big(L(t-s),0,1\big),\qquad u,t\sim N(0,1). $$ (eq-carry)
#
# For large $s$ all of them are on the first mode. As $s$ falls, those with the largest $t$ move to the second, on a
# slope of $L$ gaps per standard deviation of the noise: a share $P(t>s)$ has left, a share $P(t>s+\frac1L)$ has
# arrived, and the rest is in between, spread evenly for large $L$. The steeper the slope, the fewer are on their way.

# %%
steps = torch.linspace(0, 1, 201, dtype=torch.float64)  # pieces of the way
reach = torch.special.ndtr((x[:, None] - steps) / 0.05)
piece = 200 * (reach[:, :-1] - reach[:, 1:])  # blurred, (points, pieces)
ends = gaussian(0, 0.05).density(x), gaussian(1, 0.05).density(x)


def carried(slope, s):
    """The density of (6.4) at x, and the share that has left."""
    left = torch.special.ndtr(-(s + steps / slope))  # and got beyond each
    on_its_way = piece @ (left[:-1] - left[1:])
    made = (1 - left[0]) * ends[0] + on_its_way + left[-1] * ends[1]
    return made, left[0]


def objectives(made):
    """What log(1 - D) and -log D descend, by (3.7) and (5.10)."""
    p, q = data.density(x), made
    kl = kl_divergence(q / q.sum(-1, keepdim=True), p / p.sum())
    two_js = best_value(made) + 2 * math.log(2)
    return torch.stack([two_js, kl - two_js])


# %%
walls, start = {}, objectives(ends[0])
for steepness in (0.25, 0.5, 1.0, 4.0, 16.0):
    until = -1 / (2 * steepness)  # as many have arrived as have stayed
    way = [
        carried(steepness, s)
        for s in torch.linspace(8, until, 60, dtype=torch.float64)
    ]
    rise = (
        objectives(torch.stack([made for made, _ in way])) - start[:, None]
    )
    walls[steepness] = torch.stack([share for _, share in way]), rise
    print(
        "L = {:5}: highest rise {:.1g} for log(1 - D), {:.1g} for "
        "-log D".format(
            steepness, *rise.amax(1).clamp(min=0).round(decimals=6)
        )
    )

# %%
tops = {steepness: rise.amax(1) for steepness, (_, rise) in walls.items()}
claim(
    "slope-bound-makes-the-trap",
    "highest rise on the way: log(1 - D), L = 0.25, 0.5; -log D, 0.25 to 4",
    [
        tops[0.25][0],
        tops[0.5][0],
        *(tops[s][1] for s in (0.25, 0.5, 1.0, 4.0)),
    ],
    above=1e-4,
)
claim(
    "steep-generators-walk-out",
    "steepest step up: log(1 - D), L = 1, 4, 16; -log D, L = 16",
    [
        *(walls[s][1][0].diff().max() for s in (1.0, 4.0, 16.0)),
        walls[16.0][1][1].diff().max(),
    ],
    below=1e-12,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels: the rise of what is descended over the share of samples that have left the first mode, from 0 to beyond one half, for slopes L of 0.25, 0.5, 1 and 4. Left, for log(1-D): with L = 0.25 the curve rises to 0.17, with 0.5 it is level at first and then falls, with 1 and 4 it falls from the beginning, to minus 0.2. Right, for minus log D: all four rise, the less steep the higher, to between 0.8 and 20."}, "figure": {"name": "fig-carry", "caption": "A way out of collapse that a continuous generator can take, for four slopes L. Left: what log(1 - D) descends. For L = 1 and more it is downhill all the way. Right: what -log D descends; there is a wall for all four, and none for L = 16 (not shown)."}}
panels = plots.axes(1, 2, height=2.8)
for which, (ax, title) in enumerate(
    zip(panels, ("log(1 - D)", "-log D"), strict=True)
):
    for (steepness, (share, rise)), colour, dash in zip(
        list(walls.items())[:4], plots.COLOURS, plots.DASHES, strict=False
    ):
        ax.plot(
            share,
            rise[which],
            color=colour,
            linestyle=dash,
            label=f"L = {steepness:g}",
        )
    ax.axhline(0, color=plots.FAINT, linewidth=1.0, zorder=0)
    ax.set(xlabel="share that has left", title=title)
panels[0].set(ylabel="rise")
panels[1].set(yscale="symlog")
plots.legend_below(*panels)
plots.show()

# %% [markdown]
# For $\log(1-D)$ there is *no wall* on this way if the slope is 1 or more: the loss falls from the first sample on.
# With $L=\frac12$ and $\frac14$ there is one. With $-\log D$ the walls are higher, and stand up to much steeper slopes:
# by {eq}`eq-ns-objective` that loss descends $\operatorname{KL}(p_g\|p_r)-2\operatorname{JS}$, and the KL of samples on
# their way, where there are no data, is enormous. (No generator of slope $L$ that has brought a given share to the
# other mode has fewer samples in between than this one: that is the isoperimetric inequality of the Gaussian
# distribution. But they may lie elsewhere in between, so this is no proof that *every* way has a wall.)
#
# So the correct statement is: the discriminator sees collapse, and $V$ rewards every mode that is won. Collapse is a
# **local minimum** among generators whose samples stay in their cell; a steep generator walks out of it; and a bound on
# the slope makes it a trap, a bound that depends on the loss.
#
# How steep are ours? We take the largest singular value of $\partial G/\partial z$ at 500 draws of the noise, in gaps
# between neighbouring modes.

# %%
noise = torch.randn(
    collapsed.config.members, 500, 16, generator=random_source(7)
)
noise = noise.to(made.device).requires_grad_()
out = collapsed.generator(noise)  # (members, 500, 2)
rows = [
    torch.autograd.grad(out[..., axis].sum(), noise, retain_graph=True)[0]
    for axis in (0, 1)
]
gap = 4 * math.sin(math.pi / 8)  # of neighbours on the circle
slopes = torch.linalg.svdvals(torch.stack(rows, -2).detach())[..., 0] / gap
largest = slopes.amax(1).cpu()  # (members,)
claim(
    "parked-generators-are-flat",
    "largest slope of those on one mode, and 1 / that of the others",
    torch.where(on_one, largest, 1 / largest),
    below=1.0,
)

# %% [markdown]
# Those on one mode are flat, by a factor of about six on the typical one, and those that reach several are steep
# somewhere, as they must be. A network that begins to move samples begins with the slope that it has. That is why
# parked generators stay parked, though a steeper one could walk out.
#
# ## Hopping
#
# The collapsed generators of our live population are parked. We looked at them along the way; here is the last quarter
# of those looks.

# %%
path = mode_collapse.track_modes(collapsed.samples[-6:], distribution)
stayed = (
    mode_collapse.count_leading_modes(path)[on_one] == 1
)  # one leading mode only
claim(
    "collapsed-generators-are-parked",
    "share of those on one mode that have not left it for 250 steps",
    stayed.double().mean(),
    above=0.5,
)

# %% [markdown]
# There is a second kind of collapse, more often shown than this first one {cite}`metz2017`: the generator "rotates
# through the modes" {cite}`xu2020`. It needs narrower modes (standard deviation 0.02) and a discriminator that is
# always a little behind: one hidden layer, one step per iteration, a small learning rate. We played that game 16 times
# with each of the two losses, 3000 iterations, in nearly the setting of the figure that is reproduced everywhere (with
# batches of 128), and looked every 25 steps: which mode leads, with what share, and at which angle is the mean of all
# samples? The result is in `results/hopping.json`; what follows is about the second half of each run.

# %%
record = recorded("hopping").result
hops = {game["objective"]: game for game in record["games"]}
restless, on_modes = [], []
for game in hops.values():
    share, leaders, winding = (
        torch.tensor(game[name]) for name in ("share", "leaders", "winding")
    )
    restless += (
        (share >= 0.7) & (leaders >= 5) & (winding.abs() >= 2)
    ).tolist()
    print(
        f"{game['objective']}: median share of the leading mode "
        f"{share.median():.2f}, modes that led {leaders.median():g}, "
        f"turns of the mean {winding.abs().median():.1f}"
    )
    on_modes += game["quality"]
claim(
    "xu-fig1",
    "share of 32 runs near one mode at a time, in turn, going round",
    sum(restless) / len(restless),
    above=0.8,
)
claim(
    "hopping-is-off-the-modes",
    "share of samples within 3 s of any mode, in the end, 32 runs",
    on_modes,
    below=0.06,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Top: six square panels with the eight modes as rings and the samples of one generator at steps 500, 1000, up to 3000: a small cloud each time, at another place of the circle. Bottom: turns of the mean sample over steps, 32 lines that start together and fan out into two bundles, some going up and some going down, steadily, to about nine turns in either direction; a few change direction in the first half."}, "figure": {"name": "fig-hopping", "caption": "Narrow modes. Top: one generator with the loss -log D, every 500 steps. Bottom: how often the mean of the samples has gone round, for 16 seeds with each loss. In the second half the same seed goes the same way with either loss."}}
shown = hops["non-saturating"]["snapshots"]
snapshots = {
    f"step {step}": torch.tensor(samples)
    for step, samples in zip(shown["steps"], shown["samples"], strict=True)
}
turns = {name: torch.tensor(game["turns"]).T for name, game in hops.items()}
plot_mean_turns(snapshots, distribution.means, record["steps"], turns)
plots.show()

# %% [markdown]
# All of them go round. But nothing *sits* on a mode: the cloud is nearest to one, and hardly one sample in a hundred is
# of high quality. These runs are short; where the original figure has its mass on one mode at a time, ours pass it by.
#
# What we see is the rotation of {doc}`lesson 4 <04_no_equilibrium>`, in a larger game. The generator is near a mode;
# the discriminator learns that samples from there are mostly fake; until it has learnt that the neighbouring place is
# *also* suspect, the slope points there; the generator goes there; the discriminator follows. It takes both: a
# discriminator that lags, and one whose logit is *not* flat on the samples. With $k=5$ and a large learning rate it
# does not lag, and the generator is parked. With $k=1$ and a small one it does. How far it lags is seen in what it
# says:

# %%
chase = mode_collapse.train_on_narrow_ring(
    "non-saturating", members=2, steps=300, evaluate_every=300
)
with torch.no_grad():
    says = chase.critic(chase.samples[-1].to(made.device)).sigmoid()
claim(
    "hopping-discriminator-lags",
    "D on the samples of a chase, least and most",
    [says.min(), says.max()],
    equals=0.5,
    atol=0.03,
)

# %% [markdown]
# It stays within 0.03 of $\frac12$. There $\log(1-D)$ and $-\log D$ have the same slope in the logit, $-\frac12$, so
# the two losses play nearly *one and the same game*: no wonder that in the figure they go round together, seed by seed.

# %%
ways = torch.tensor([game["winding"] for game in hops.values()])
claim(
    "hopping-is-one-game",
    "turns with -log D, less those with log(1 - D), seed by seed",
    ways[0] - ways[1],
    above=-0.5,
    below=0.5,
)

# %% [markdown]
# ## Is the loss to blame?
#
# It has been suggested {cite}`xu2020` that collapse comes from the $\operatorname{KL}(p_g\,\|\,p_r)$ in what the loss
# $-\log D$ descends, {eq}`eq-ns-objective`. The idea is natural. This KL takes its expectation over what the generator
# makes, so it minds samples where there are no data, and does not mind data that are never generated; fitted with one
# Gaussian it chooses a mode (lesson 1). Its reverse, $\operatorname{KL}(p_r\,\|\,p_g)$, would be infinite as soon as
# one mode is missing. There are two ways to test it. First, the arithmetic: on $m$ of 8 modes the two losses descend,
# up to a constant,
#
# $$ 2\operatorname{JS}\qquad\text{and}\qquad\operatorname{KL}(p_g\|p_r)-2\operatorname{JS}=\log\tfrac8m-2\operatorname{JS} . $$ (eq-two-losses)

# %%
reverse, forward = kl_divergence(p_g, p_r), kl_divergence(p_r, p_g)
descended = reverse - 2 * js
print(" m   2 JS   KL - 2 JS   KL(p_r, p_g)")
for row in (0, 1, 3, 6, 7):
    print(
        f"{covered[row]:2.0f} {2 * js[row]:6.3f} {descended[row]:11.3f} "
        f"{abs(forward[row]):14.3f}"
    )
claim(
    "both-losses-reward-modes",
    "change with each further mode: 2 JS, and log(8/m) - 2 JS",
    torch.stack([2 * js, (8 / covered).log() - 2 * js]).diff(dim=1),
    below=-0.02,
)
claim(
    "two-losses-on-modes",
    "KL(p_g, p_r) on m modes, less log(8/m)",
    reverse - (8 / covered).log(),
    equals=0.0,
    atol=1e-12,
)

# %% [markdown]
# *Both* fall with every mode that is won. A divergence that may be minimised only within a small family of
# distributions can have a mode-seeking minimum; a generator that can make all eight modes has its minimum there, for
# either loss. (The forward KL would be the only one to *forbid* collapse. GANs do not use it.)
#
# (The hopping is no test. It is the same with both losses, but as we saw it is the same game. What these arguments
# leave out, besides, is the way from here to there: {numref}`fig-carry` has a higher wall for $-\log D$.) Second, the
# population of {numref}`fig-collapse-ring`, where at $k=5$ the losses do part company:

# %%
for k in (1, 5):
    for name in ("non-saturating", "minimax"):
        seen = games["ring", name, k]
        low, middle, high = median_interval(seen["quality"])
        print(
            f"k = {k}, {name}: modes {seen['modes'].median():g}, "
            f"quality {middle:.2f} ({low:.2f} to {high:.2f})"
        )
apart = {
    (k, what): paired_difference(
        games["ring", "non-saturating", k][what],
        games["ring", "minimax", k][what],
        comparisons=4,
    )
    for k in (1, 5)
    for what in ("modes", "quality")
}
for (k, what), seen in apart.items():
    print(
        f"k = {k}, {what}: {seen.difference:+.1f} with -log D, "
        f"told apart: {seen.told_apart}"
    )
claim(
    "xu-collapse-kl-culprit",
    "k = 5: modes lost / 8, quality gained with -log D, lower ends",
    [-apart[5, "modes"].high / 8, apart[5, "quality"].low],
    above=0.5,
)

# %% [markdown]
# At $k=1$ neither collapses, as a rule, though $-\log D$ fares a little worse. At $k=5$ the generator with $-\log D$
# concentrates on one mode; with $\log(1-D)$ it remains spread over all eight, and bad. Does that convict the KL? It
# fits: concentration on good samples is what a mode-seeking loss would look like. But there is a plainer reading.
# Against a strong discriminator the slope of $\log(1-D)$ dies (lesson 5), and a generator that does not learn does not
# collapse either. In this setting the loss plays a part in the outcome. That is all that the experiment says.
#
# ## Looking ahead: the unrolled GAN
#
# If the trouble is that the generator runs to where the discriminator *is not yet*, let it take into account where the
# discriminator *will be* {cite}`metz2017`. Write $\varphi$ for the discriminator's parameters, and let it take $K$
# further, hypothetical steps,
#
# $$ \varphi^0=\varphi,\qquad\varphi^{j+1}=\varphi^j+\eta\,\nabla_\varphi V(\varphi^j,\theta) . $$ (eq-lookahead)
#
# The end $\varphi^K$ depends on $\theta$. The generator descends $f_K(\theta)=L_G\big(\varphi^K(\varphi,\theta),
# \theta\big)$, and by the chain rule
#
# $$ \frac{df_K}{d\theta}=\frac{\partial L_G}{\partial\theta}(\varphi^K,\theta)+\Big(\frac{\partial\varphi^K}{\partial\theta}\Big)^{\!\top}\frac{\partial L_G}{\partial\varphi}(\varphi^K,\theta) . $$ (eq-unrolled-gradient)
#
# The second term is new: it is how the discriminator would *answer* the move. Then $\varphi$ is reset, and takes its
# ordinary step. For $K=0$ the second term is missing, and we have the usual GAN. For $K\to\infty$, in the minimax game,
# $\varphi^K$ is optimal, the second term vanishes by {eq}`eq-envelope`, and the generator descends JS: unrolling leads
# from the one to the other. What it does in between can be seen on the game of lesson 4, where $x$ descends and $y$
# ascends $xy$. Looking $K$ steps ahead, $y^K=y+K\eta x$, so

# %%
x, y, eta, K = sympy.symbols("x y eta K", positive=True)
ahead = x * (y + K * eta * x)  # the answer of y moves with x
gradient = sympy.expand(sympy.diff(ahead, x))
step = sympy.Matrix([x - eta * gradient, y + eta * x])
turn = step.jacobian([x, y])
claim(
    "unrolled-friction",
    "K steps ahead in xy: |λ|² = 1 - (2K - 1) η²",
    turn.det(),  # |λ|² of a pair of conjugate eigenvalues
    equals=1 - (2 * K - 1) * eta**2,
)
print("slope for x:", gradient)

# %% [markdown]
# The slope for $x$ is $y+2K\eta x$: half of the new term comes from each part of {eq}`eq-unrolled-gradient`. It is
# *friction*. For $K=0$ simultaneous steps spiral out, $|\lambda|^2=1+\eta^2$; one step of foresight is enough to
# make them spiral in (the eigenvalues are conjugate for $K\eta<1$).
#
# Now GANs. `Config(unrolled=K)` differentiates through $K$ steps of the discriminator's own optimizer, Adam
# included. Same ring, same networks as at the beginning, 32 members for each $K$ (recorded in
# `results/unrolling.json`):

# %%
unrolled = {
    (game["n_critic"], game["unrolled"]): game
    for game in recorded("unrolling").result["games"]
}
for (k, K), game in unrolled.items():
    everywhere = sum(count == 8 for count in game["modes"])
    quality = median_interval(torch.tensor(game["quality"])).estimate
    w1 = median_interval(torch.tensor(game["w1"])).estimate
    alone = sum(count == 1 for count in game["modes"])
    print(
        f"k = {k}, K = {K:2d}: all eight modes in {everywhere:2d}, one in "
        f"{alone:2d} of {len(game['modes'])}, median quality {quality:.2f}, "
        f"median W1 {w1:.2f}"
    )

# %%
steps_ahead = {"w1": ((1, 5, 0), (1, 10, 5)), "modes": ((5, 5, 0),)}
gains = {
    own: paired_difference(
        *(torch.tensor(unrolled[own[0], K][what]) for K in own[1:]),
        comparisons=3,
    )
    for what, settings in steps_ahead.items()
    for own in settings
}
for (k, more_steps, fewer), seen in gains.items():
    print(
        f"k = {k}, K = {more_steps} against {fewer}: {seen.difference:+.1f}, "
        f"told apart: {seen.told_apart}"
    )
claim(
    "unrolling-helps-the-laggard",
    "k = 1: W1 with K = 5 less that with 0, upper end",
    gains[1, 5, 0].high,
    below=-0.1,
)
claim(
    "unrolling-ten-as-five",
    "k = 1: W1 with K = 10 less that with 5, both ends",
    [gains[1, 10, 5].low, gains[1, 10, 5].high],
    above=-0.12,
    below=0.12,
)

# %%
claim(
    "unrolling-no-help-at-five",
    "k = 5: modes gained by K = 5, upper end",
    gains[5, 5, 0].high,
    below=0.5,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with a row for each of K = 0, 1, 5, 10 steps of foresight at k = 1 and K = 0, 5 at k = 5: left the exact distance W1 to the data, right the share of high quality. At k = 1, foresight of five or ten steps gathers all members near 0.4, with quality 0.36, while without foresight they are spread from 0.45 to 1.7. At k = 5 nearly all members are near 2.5 with quality 1, with foresight or without."}, "figure": {"name": "fig-unrolling", "caption": "Foresight of K steps, for a discriminator that takes k steps per iteration; 32 members each, 95% intervals of the median."}}
panels = plots.axes(1, 2, height=3.4, sharey=True)
for ax, what in zip(panels, ("w1", "quality"), strict=True):
    seen = {
        f"k = {k}, K = {K}": torch.tensor(game[what])
        for (k, K), game in unrolled.items()
    }
    ends = {name: median_interval(own) for name, own in seen.items()}
    plots.member_rows(ax, seen, intervals=ends)
panels[0].set(xlabel="exact W1 to the data", xlim=(0, None))
panels[1].set(xlabel="share of high quality", xlim=(0, 1.02))
plots.show()

# %% [markdown]
# With $k=1$, foresight does what it promises: from $K=0$ to $K=5$ the distance to the data falls by about half, the
# share of high quality doubles, and nearly all members cover all eight modes. Ten steps are as good as five, to a tenth
# of a unit. With $k=5$ it does *not* help: it wins no modes. That fits what we have seen. Foresight is a remedy for a
# discriminator that lags, which the generator would otherwise outrun. A discriminator that is nearly optimal has no
# answer left to foresee, and the trap of {numref}`fig-collapse-trap` is there with the optimal one, too. (In the
# setting of {numref}`fig-hopping` the authors report that unrolling stops the hopping, in runs of 25,000 steps, which
# is beyond this page.) And it has its price: each generator step pays for $K$ steps of the discriminator and for
# differentiating through them.
#
# ## On images
#
# A much-shown figure has 16 bedrooms, of which several are the same: "a DCGAN model is trained with an MLP network with
# 4 layers, 512 units and ReLU" {cite}`weng2019`. The perceptron is the *generator*, the critic remains that of a DCGAN,
# and the objective is the usual one of a GAN; in the original {cite}`arjovsky2017wgan` the figure stands beside what
# the same generator makes when it is trained as a Wasserstein GAN. We repeat the comparison on a small scale. The data
# are the 1797 handwritten digits of $8\times8$ pixels; both games have the same perceptrons, a generator of four layers
# and a critic of three, and the learning rate 0.0002; the critic steps and the momentum are those of each game's paper,
# so this compares recipes, not losses alone.
#
# How does one count modes in images? No one has labelled what a generator makes. So we train a small **classifier** on
# the real digits, let it classify the samples, and take the exponential of the entropy of its verdicts, the **effective
# number of classes**
#
# $$ e^{H},\qquad H=-\sum_c\bar p_c\log\bar p_c, $$ (eq-effective-classes)
#
# which is 10 for ten equal shares and 1 for one class. One must not count it on 16 pictures: even fair draws from ten
# classes would come to about 7 on average. We use 500, and real digits beside them. A second measure does not need a
# classifier: how far is a sample from its nearest neighbour among the samples?

# %%
classifier = metrics.digit_classifier()
assert classifier.held_out_accuracy > 0.93
few = torch.randint(10, (20_000, 16), generator=random_source(3))
claim(
    "few-samples-few-classes",
    "effective classes of 16 fair draws from ten, on average",
    metrics.effective_classes(few).mean(),
    equals=7.2,
    atol=0.1,
)
images = {
    "non-saturating": mode_collapse.train_on_digits(
        "non-saturating", members=4, steps=200, width=128
    ),
    "wgan-gp": mode_collapse.train_on_digits(
        "wgan-gp", members=3, steps=200, width=128
    ),
}
classes = {
    name: metrics.effective_classes(classifier.labels(history.samples[-1]))
    for name, history in images.items()
}  # (members,) each

# %% [markdown]
# The recorded populations (`results/perceptrons-on-digits.json`) have 16 members, layers of 256 units, and more
# steps.

# %%
played = {
    game["objective"]: game
    for game in recorded("perceptrons-on-digits").result["games"]
}
for name, game in played.items():
    print(
        f"{name}: classes {min(game['classes']):.1f} to "
        f"{max(game['classes']):.1f}, nearest neighbours at "
        f"{min(game['apart']):.2f} to {max(game['apart']):.2f} of real ones"
    )
claim(
    "digits-all-alike",
    "non-saturating: most classes / 10, and nearest neighbours, of 16",
    [
        max(played["non-saturating"]["classes"]) / 10,
        max(played["non-saturating"]["apart"]),
    ],
    below=0.3,
)
seen = [
    {name: torch.tensor(game["classes"]) for name, game in played.items()},
    classes,
]
claim(
    "weng-fig6",
    "median classes, recorded and live: WGAN-GP over GAN",
    [
        own["wgan-gp"].quantile(0.5) / own["non-saturating"].quantile(0.5)
        for own in seen
    ],
    above=3.0,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three blocks of four by four small grey digits. Real: sixteen different digits. Non-saturating GAN: sixteen times the same pattern, hardly a digit, a little paler or darker. WGAN-GP: sixteen different shapes, rough, but many recognisable as digits."}, "figure": {"name": "fig-perceptrons", "caption": "Real digits, and sixteen samples of the median member of each population: the same perceptrons, two objectives (after Weng's figure 6, there with photographs of bedrooms)."}}
blocks = {"real": mode_collapse.shuffled_digits()[:16]}
blocks |= {
    name: torch.tensor(game["tiles"]) for name, game in played.items()
}
plot_image_blocks(plots.axes(1, 3, height=2.6), blocks)
plots.show()

# %% [markdown]
# On the digits the difference is not subtle, neither in the populations nor in the small ones that have just been
# trained.
#
# ## The missing metric
#
# We have used half a dozen numbers so far. Which is *the* one? First, the number that every training run prints anyway.
#
# ### The loss
#
# A classifier's loss falls as it learns. Do the losses of a GAN? The exact distance $W_1$ to the data can be computed
# for samples (lesson 9), so the question has an answer. For 32 members of each of four games, we take, forty times in
# the course of training: the generator's loss, the estimate of the divergence that the critic's loss gives (by
# {eq}`eq-value-at-dstar` $\log2-\frac12L_D\le\operatorname{JS}$ for the classical games, $-L_D$ for WGAN-GP), and
# $W_1$; then, for each member, the rank correlation of either curve with $W_1$. If a loss measured progress, it would
# be near 1.

# %%
follow = {
    f"{game['objective']}, k = {game['n_critic']}": game
    for game in recorded("loss-and-distance").result["games"]
}
seen_live = toy_gans.training_curves(collapsed)
live_correlation = metrics.rank_correlation(
    seen_live.generator_loss, seen_live.w1, dim=0
)
for name, game in follow.items():
    loss, estimate = (
        median_interval(torch.tensor(game[what])).estimate
        for what in ("generator_loss", "estimate")
    )
    print(f"{name}: loss {loss:+.2f}, estimate {estimate:+.2f}")

# %%
estimates = {
    name: median_interval(torch.tensor(game["estimate"]))
    for name, game in follow.items()
}
losses = {
    name: torch.tensor(game["generator_loss"])
    for name, game in follow.items()
    if "wgan" not in name
}
claim(
    "gan-no-evaluation-metric",
    "median correlation of loss and W1: three GANs, and live",
    [
        *(median_interval(own).estimate for own in losses.values()),
        live_correlation.median(),
    ],
    above=-0.5,
    below=0.5,
)

# %%
every = torch.stack(list(losses.values()))
claim(
    "loss-shows-anything",
    "strongest correlation of a single run, negative and positive",
    [-every.min(), every.max()],
    above=0.5,
)
claim(
    "js-estimate-misleads",
    "estimate and W1: -log D, k = 1 (turned round), k = 5; WGAN-GP",
    [
        -estimates["non-saturating, k = 1"].high,
        estimates["non-saturating, k = 5"].low,
        estimates["wgan-gp, k = 5"].low,
    ],  # the ends of the intervals that are nearer to 0
    above=0.1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of four rows: rank correlations with the exact W1 for 32 members of each game. Left, the generator's loss: scattered between minus 0.7 and plus 0.8 around small medians, for WGAN-GP around 0.5. Right, the critic's estimate: mostly negative for the non-saturating game with k = 1, mostly positive with k = 5, around zero for minimax, and between 0.7 and 1 for WGAN-GP."}, "figure": {"name": "fig-loss-and-distance", "caption": "Does the loss follow the exact distance to the data? Rank correlations over training, 32 members per game, 95% intervals of the median (recorded in results/loss-and-distance.json)."}}
panels = plots.axes(1, 2, height=3.0, sharey=True)
for ax, what in zip(panels, ("generator_loss", "estimate"), strict=True):
    seen = {name: torch.tensor(game[what]) for name, game in follow.items()}
    ends = {name: median_interval(own) for name, own in seen.items()}
    plots.member_rows(ax, seen, intervals=ends)
    ax.axvline(0, color=plots.INK, linewidth=0.8)
    ax.set(xlabel="rank correlation with W1", xlim=(-1, 1))
panels[0].set_title("the generator's loss")
panels[1].set_title("the critic's estimate")
plots.show()

# %% [markdown]
# The generator's loss tells nothing: weak medians, and single runs of either sign. It says who is ahead in the game.
# The estimate of JS is treacherous. With $k=5$ it *does* follow $W_1$ in most runs. With $k=1$ the correlation is
# *negative*: while the samples improve, the estimate of their distance grows. (A lower bound can do that: the
# discriminator learns, too.) Only the last row behaves like a loss. That is what lesson 11 is about.
#
# ### The inception score
#
# If the loss will not do, look at the samples. One draft of the post that we follow names the **inception score**
# {cite}`salimans2016`: show the samples to a classifier with verdicts $p(y|x)$, and take
#
# $$ \operatorname{IS}=\exp\,\mathbb E_x\operatorname{KL}\big(p(y|x)\,\big\|\,\bar p(y)\big),\qquad\bar p=\mathbb E_x\,p(y|x) . $$ (eq-inception-score)
#
# It is large if each verdict is certain and all classes occur. The mean KL is $H(\bar p)-\mathbb
# E\,H\big(p(\cdot|x)\big)\le\log K$ for $K$ classes, so the score lies between 1 and $K$. And it looks at verdicts
# only:

# %%
certain = torch.eye(10, dtype=torch.float64)
verdicts = {
    "certain and balanced": certain.repeat(50, 1),
    "in doubt about everything": torch.full(
        (500, 10), 0.1, dtype=torch.float64
    ),
    "always the same class": certain[3:4].repeat(500, 1),
    "one single picture in each class": certain.repeat_interleave(50, 0),
}
scores = [metrics.inception_score(p) for p in verdicts.values()]
for name, score in zip(verdicts, scores, strict=True):
    print(f"{name}: {score:.1f}")
claim(
    "inception-score",
    "balanced, in doubt, collapsed, one picture per class",
    scores,
    equals=[10, 1, 1, 10],
    atol=1e-9,
)

# %% [markdown]
# The last line is its blind spot: ten pictures, drawn forever, are perfect. ({cite}`barratt2018` list more.)
#
# ### Comparing with data
#
# The score never looks at the data. The metrics in use today do, on **features** $\phi$, the last hidden layer of
# the classifier. The **Fréchet distance** (FID) {cite}`heusel2017` compares means and covariances as if both
# distributions were Gaussian,
#
# $$ \|\mu_x-\mu_y\|^2+\operatorname{tr}\big(\Sigma_x+\Sigma_y-2(\Sigma_x\Sigma_y)^{1/2}\big) ; $$ (eq-fid)
#
# the **kernel distance** (KID) {cite}`binkowski2018` is $\mathbb E\,k(x,x')+\mathbb E\,k(y,y')-2\,\mathbb E\,k(x,y)$
# with a cubic polynomial $k$, estimated without bias. **Precision and recall** {cite}`kynkaanniemi2019` ask two
# questions instead of one: what share of the samples lies within reach of the data, and what share of the data lies
# within reach of the samples, where each point reaches as far as its third nearest neighbour. **Coverage**
# {cite}`naeem2020` lets only the data reach. And the exact $W_1$ needs no features.
#
# What does each of them see? We prepare generators whose failure we know, 400 samples each, and compare them with 400
# real digits. Two of them are made to have the right moments: "Gaussian pixels" have the mean and the covariance of the
# data in pixels, and "noise, trained" begins as uniform noise whose pixels are moved by gradient descent, six hundred
# steps, until the mean and the covariance of their *features* are those of real digits. Sixteen further draws of 400
# real digits serve as a yardstick: a metric raises an **alarm** if it is worse than their median by more than three
# times their range.

# %%
source = random_source(4)
shuffled = [
    own[torch.randperm(len(own), generator=source)]
    for own in digits(*range(10))
]
reference = torch.cat([own[:40] for own in shuffled])  # (400, 64)
pool = [own[40:] for own in shuffled]
others = torch.cat([own[:40] for own in pool])
centred = torch.cat(pool) - torch.cat(pool).mean(0)
weights = torch.randn(400, len(centred), generator=source)
gaussian_images = torch.cat(pool).mean(0) + weights @ centred / math.sqrt(
    len(centred) - 1
)  # the mean and the covariance of the data


# %%
def match_features(images, target, steps=600):
    """Move pixels until the mean and covariance of features are target's."""
    pixels = torch.logit(images.clamp(0.02, 0.98)).requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=0.05)
    mean, covariance = target.mean(0), target.T.cov()
    for _ in range(steps):
        features = classifier.features(pixels.sigmoid())
        apart = (features.mean(0) - mean).square().sum()
        apart = apart + (features.T.cov() - covariance).norm()
        optimizer.zero_grad()
        apart.backward()
        optimizer.step()
    return pixels.detach().sigmoid()


trained_noise = match_features(
    torch.rand(400, 64, generator=source),
    classifier.features(torch.cat(pool)),
)
blurred = avg_pool2d(others.reshape(-1, 8, 8), 3, stride=1, padding=1)
noisy = others + 0.25 * torch.randn(others.shape, generator=source)

# %%
failures = {
    "other real digits": others,
    "0 to 4 only": torch.cat([own[:80] for own in pool[:5]]),
    "one image per class": torch.cat(
        [own[:1].expand(40, -1) for own in pool]
    ),
    "blurred": blurred.flatten(1),
    "noisy": noisy.clamp(0, 1),
    "Gaussian pixels": gaussian_images,
    "noise, trained": trained_noise,
    "copies of the reference": reference,
}
yardstick = torch.stack([
    torch.cat([
        own[torch.randperm(len(own), generator=source)[:40]] for own in pool
    ])
    for _ in range(16)
])  # (16, 400, 64)  # fmt: skip


# %%
def measure(samples):
    """All metrics of a population of samples (members, 400, 64)."""
    features = classifier.features(samples)
    known = classifier.features(reference)
    fidelity = metrics.precision_recall(features, known)
    nearest = metrics.nearest_training_distance(samples, reference)
    return {  # larger is better where the sign is +1
        "inception\nscore": (+1, metrics.inception_score(
            classifier.probabilities(samples))),
        "FID": (-1, metrics.fid(features, known)),
        "KID": (-1, metrics.kid(features, known)),
        "precision": (+1, fidelity.precision),
        "recall": (+1, fidelity.recall),
        "coverage": (+1, metrics.density_coverage(features, known).coverage),
        "exact\nW1": (-1, metrics.exact_w1(samples, reference)),
        "nearest\noriginal": (+1, nearest.distance.median(-1).values),
    }  # fmt: skip


# %%
values = measure(torch.stack(list(failures.values())))
normal = measure(yardstick)


def alarm(sign, found, on_real):
    """Which values are much worse than those of real digits."""
    on_real = sign * on_real
    spread = on_real.max() - on_real.min()
    return sign * found < on_real.median() - 3 * spread


alarms = torch.stack(
    [alarm(*values[name], normal[name][1]) for name in values], 1
)  # (failures, metrics)

# %% tags=["hide-input"] mystnb={"image": {"alt": "A table of eight prepared generators by eight metrics, with alarms in bold on orange. Five classes only: all alarm but precision and the nearest original. One image per class: FID, KID, recall, coverage and W1 alarm, precision is 1 and the inception score 8.3. Blurred: everything alarms but the nearest original. Noisy: recall does not alarm. Gaussian pixels: FID and recall do not alarm and KID hardly does; the inception score, precision, coverage and W1 alarm. Noise, trained: FID and KID are lower than for real digits, the inception score, precision, coverage and W1 alarm. Copies of the reference: only the nearest original alarms, all others are perfect."}, "figure": {"name": "fig-scorecard", "caption": "What each metric sees. Orange and bold: far worse than sixteen draws of real digits. FID, KID and W1 are better when smaller, the others when larger; the last column is the median distance of a sample to the nearest of the 400 reference images."}}
forms = ("{:.1f}", "{:.1f}", "{:.0f}", "{:.2f}", "{:.2f}", "{:.2f}",
         "{:.2f}", "{:.2f}")  # fmt: skip
texts = [
    [
        form.format(found[row])
        for form, (_, found) in zip(forms, values.values(), strict=True)
    ]
    for row in range(len(failures))
]
plot_scorecard(
    plots.axes(height=3.4),
    texts,
    alarms,
    rows=list(failures),
    columns=list(values),
)
plots.show()

# %%
table = {
    name.replace("\n", " "): found for name, (_, found) in values.items()
}
real, five, ten, _, _, gaussians, matched, copies = range(8)
claim(
    "fid-sees-two-moments",
    "trained noise, in units of other real digits: FID, W1 (inverted)",
    [
        table["FID"][matched] / table["FID"][real],
        table["exact W1"][real] / table["exact W1"][matched],
    ],
    below=1.0,
)

# %%
claim(
    "trained-noise-passes",
    "alarms at trained noise, metric by metric: not FID, KID, recall",
    alarms[matched].double(),
    equals=[1, 0, 0, 1, 0, 1, 1, 0],
)
claim(
    "one-picture-per-class",
    "inception score / real, precision, 1 - recall: one image per class",
    [
        table["inception score"][ten] / table["inception score"][real],
        table["precision"][ten],
        1 - table["recall"][ten],
    ],
    above=0.85,
)
claim(
    "copies-pass",
    "alarms at copies of the reference, metric by metric",
    alarms[copies].double(),
    equals=[0] * 7 + [1],
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two blocks of four by four small grey images. Left, other real digits, each readable. Right, trained noise: black and grey speckles, here and there the hint of a stroke, hardly a digit that can be read."}, "figure": {"name": "fig-trained-noise", "caption": "Sixteen real digits, and sixteen pictures that FID and KID take for a better set of digits than those."}}
blocks = {
    "other real digits": others[::25],
    "noise, trained": trained_noise[:16],
}
plot_image_blocks(plots.axes(1, 2, height=2.6), blocks)
plots.show()

# %% [markdown]
# Read it by rows. *One image per class* is nearly perfect for the inception score, and entirely so for precision: each
# needs a companion that looks for variety. *Trained noise* is a **better** set of digits than real ones to FID, and as
# good a one to KID, and to the eye it is noise: FID sees two moments of the features and nothing beyond them, and
# whoever trains on a feature network can pass it without a single digit. The inception score, precision, coverage and
# $W_1$ see it. (*Gaussian pixels* come close without any training. But the features are no linear function of the
# pixels, so the right moments of one are not the right moments of the other.) *Copies of the reference* are better than
# real digits by every measure that compares with data. Only a search for the originals finds out, and a metric without
# held-out data beside it rewards a generator that has memorised its data.
#
# Then read it by columns: there is none without a blank. (KID may be negative, as an unbiased estimate of something
# near 0 must sometimes be. It is negative here because all our draws hold equally many images of each class, which
# makes them more alike than independent ones.)
#
# ### How many samples?
#
# One more failure is common to them all: the number itself depends on how many samples it is computed from, even for
# two draws of *one* distribution.

# %%
everything = mode_collapse.shuffled_digits()
features, counts = classifier.features(everything), (25, 50, 100, 200, 400)
source, floors = random_source(5), {"FID": [], "KID": [], "exact W1": []}
for n in counts:
    order = torch.stack(
        [torch.randperm(len(features), generator=source) for _ in range(12)]
    )
    one, two = features[order[:, :n]], features[order[:, n : 2 * n]]
    floors["FID"].append(metrics.fid(one, two))
    floors["KID"].append(metrics.kid(one, two))
    one, two = (
        distribution.sample((12, n), generator=source) for _ in range(2)
    )
    floors["exact W1"].append(metrics.exact_w1(one, two))
floors = {name: torch.stack(found, 1) for name, found in floors.items()}

# %%
claim(
    "fid-floor",
    "FID of real digits, n = 25, over n = 400, and over half the classes",
    [
        floors["FID"][:, 0].min() / floors["FID"][:, -1].max(),
        floors["FID"][:, 0].median() / table["FID"][five],
    ],
    above=1.0,
)
error = floors["KID"].std(0) / math.sqrt(12)  # of the mean, for each n
claim(
    "kid-unbiased",
    "mean KID of real digits in standard errors, five n",
    floors["KID"].mean(0) / error,
    above=-4,
    below=4,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels over the number of samples from 25 to 400, with the median and range of twelve repetitions. FID of real digits against real digits falls from about 40 to about 1.5. KID scatters around 0, widely for few samples. The exact W1 of the ring to itself falls from about 0.7 to about 0.2."}, "figure": {"name": "fig-floors", "caption": "Two draws of one distribution, compared: digits for FID and KID, the ring for W1. The right answer is 0 for all three. FID and W1 are biased, KID is unbiased, but noisy."}}
panels = plots.axes(1, 3, height=2.7)
for ax, (name, found), colour in zip(
    panels, floors.items(), plots.COLOURS, strict=False
):
    plots.population(ax, counts, found, name="_" + name, colour=colour)
    ax.axhline(0, color=plots.INK, linestyle="--", linewidth=1.0)
    ax.set(xscale="log", xlabel="samples", title=name)
    ax.set_xticks(counts, [str(n) for n in counts])
    ax.minorticks_off()
plots.show()

# %% [markdown]
# With 25 samples each, *real digits* have a worse FID than a generator that leaves out half of the classes has from
# 400. So compare only values from equally many samples, and put the value of real data beside them, always.
#
# | metric | sees | is blind to, or fails by |
# |---|---|---|
# | modes covered | missing modes | unequal shares; noise may pass; needs known modes |
# | share of high quality | samples off the modes | missing modes: a point scores best |
# | exact $W_1$ | all differences of the two sets | has a floor that falls slowly with $n$; pixel distances suit images poorly |
# | effective classes | missing and rare classes | collapse inside a class; too low for few samples |
# | inception score | doubt, missing classes | the data; one picture per class |
# | FID | means and covariances of features | all else, and noise trained to pass; biased for small $n$ |
# | KID | three moments of features | all else, and noise trained to pass; noisy |
# | precision | samples off the data | missing modes; copies |
# | recall, coverage | data out of reach | where the other samples go; copies |
# | nearest original | copies | everything else |
#
# Two numbers for two questions (is each sample good? is everything there?), real data beside them, equal $n$, and a
# population instead of a single run: that is the minimum.
#
# :::{admonition} Try it
# :class: tip
# Mix in a bad tenth: `torch.cat([others[:360], torch.rand(40, 64)])`. Which columns notice?
# :::
#
# ## Exercises
#
# :::{exercise}
# :label: ex-dstar-on-five-modes
# The data are the grid of 25 modes. A generator covers five of them perfectly, with equal shares. What does the optimal
# discriminator say about its samples?
# :::
#
# :::{hint}
# :class: dropdown
# {eq}`eq-dstar-on-modes` was worked out for eight modes; do it again for this grid. What are $p_r$ and $p_g$ on a mode
# that is covered, as multiples of one common shape?
# :::

# %%
answer = ...
check("dstar-on-five-modes", answer)

# %% [markdown]
# :::{solution} ex-dstar-on-five-modes
# :class: dropdown
# On a covered mode $p_r=\frac1{25}$ and $p_g=\frac15$, as in {eq}`eq-dstar-on-modes`.
#
# ```python
# answer = (1 / 25) / (1 / 25 + 1 / 5)
# ```
# :::
#
# :::{exercise}
# :label: ex-quality-of-noise
# Samples are uniform in the square $[-3,3]^2$. What is their share of high quality on the ring of eight modes of
# standard deviation 0.1?
# :::
#
# :::{hint}
# :class: dropdown
# Which points count as samples of high quality, by the rule under {eq}`eq-nearest-mode`? For uniform samples, a
# probability is a quotient of two areas. (Do the pieces overlap?)
# :::

# %%
answer = ...
check("quality-of-noise", answer)

# %% [markdown]
# :::{solution} ex-quality-of-noise
# :class: dropdown
# Eight discs of radius 0.3 that do not overlap, in a square of area 36.
#
# ```python
# answer = 8 * math.pi * 0.3**2 / 36
# ```
# :::
#
# :::{exercise}
# :label: ex-inception-of-four
# A generator makes only four of ten classes, equally often, and the classifier is never in doubt. What is the
# inception score?
# :::
#
# :::{hint}
# :class: dropdown
# What is the mean verdict $\bar p$ in {eq}`eq-inception-score`, and what is the KL of one certain verdict from it? That
# sum has a single term. Then read the formula up to its left end.
# :::

# %%
answer = ...
check("inception-of-four", answer)

# %% [markdown]
# :::{solution} ex-inception-of-four
# :class: dropdown
# Every verdict is certain, the mean verdict has four entries of $\frac14$: the KL is $\log4$ for every sample.
#
# ```python
# answer = 4
# ```
# :::
#
# :::{exercise}
# :label: ex-w1-of-one-mode
# The modes of the ring are points (radius 2, equal weights), and all of a generator's mass is on one of them. How far
# is it from the data in $W_1$? Two points at the angle $\alpha$ on the circle are $4\sin\frac\alpha2$ apart.
# :::
#
# :::{hint}
# :class: dropdown
# When all the mass is in one place, there is only one plan: how much goes to each mode? Number the modes around the
# ring, and write down the angle between each of them and the one that has it all.
# :::

# %%
answer = ...
check("w1-of-one-mode", answer)

# %% [markdown]
# :::{solution} ex-w1-of-one-mode
# :class: dropdown
# An eighth of the mass goes to each mode (there is only one plan): $\frac18\sum_{j=0}^7 4\sin\frac{\pi j}8
# =\frac12\cot\frac\pi{16}\approx2.51$. In {numref}`fig-unrolling` that is where the collapsed members are.
#
# ```python
# answer = sum(4 * math.sin(math.pi * j / 8) for j in range(8)) / 8
# ```
# :::
#
# :::{exercise}
# :label: ex-three-steps-ahead
# In the game $xy$, the player $x$ looks three steps of $y$ ahead, each of rate $\eta$. Which slope does it descend?
# Write it with the symbols `x`, `y`, `eta` of sympy.
# :::
#
# :::{hint}
# :class: dropdown
# Where is $y$ after three steps of {eq}`eq-lookahead`, as a function of $x$? Put that into the game, and when you
# differentiate, let the answer of $y$ move with $x$, as in {eq}`eq-unrolled-gradient`.
# :::

# %%
from sympy import symbols

x, y, eta = symbols("x y eta", positive=True)
answer = ...
check("three-steps-ahead", answer)

# %% [markdown]
# :::{solution} ex-three-steps-ahead
# :class: dropdown
# $y^3=y+3\eta x$, so $f_3=x(y+3\eta x)$; the derivative has $x$ in two places.
#
# ```python
# from sympy import diff, symbols
#
# x, y, eta = symbols("x y eta", positive=True)
# answer = diff(x * (y + 3 * eta * x), x)
# ```
# :::
#
# :::{exercise}
# :label: ex-count-turns
# Write the function that made the lower half of {numref}`fig-hopping`: from `angle`, a tensor of shape (steps,) with
# angles in $[-\pi,\pi)$, how often has the point gone round, counted counterclockwise? Between two entries it never
# moves by more than half a turn.
# :::
#
# :::{hint}
# :class: dropdown
# Look at the differences between neighbouring entries. Where the point passes $\pi$, the angle seems to jump by nearly
# a whole turn though it has moved only a little; `torch.remainder` can undo that, if you shift before and after it. The
# signs of the steps matter.
# :::

# %%
answer = ...
check("count-turns", answer)

# %% [markdown]
# :::{solution} ex-count-turns
# :class: dropdown
# Bring each difference into $[-\pi,\pi)$, and add them up.
#
# ```python
# def answer(angle):
#     moved = torch.remainder(angle.diff() + math.pi, 2 * math.pi) - math.pi
#     return moved.sum() / (2 * math.pi)
# ```
# :::
#
# ## What to remember
#
# - Collapse is counted: modes covered *and* share of high quality, over a population. Something silly passes either one
#   alone.
# - Whether a game collapses depends on the setting as much as on the objective. On the ring the usual GAN collapses
#   with five discriminator steps per iteration and not with one; WGAN-GP is the other way round.
# - The discriminator sees collapse, and $V(D^*,G)$ falls with every mode won. But the generator follows slopes. A bound
#   on its own slope makes collapse a trap, with $-\log D$ a deeper one; a steep generator walks out. With a lagging
#   discriminator collapse is an endless chase.
# - Both losses fall with every mode won. Where $D$ is near $\frac12$ they are one game; on our ring, against a strong
#   discriminator, it is $-\log D$ that collapses. That its KL is to blame is a conjecture.
# - Unrolling lets the generator see the discriminator's answer. On $xy$ it is friction; on the ring it helps where
#   the discriminator lags.
# - The losses of a GAN do not measure progress. Every other metric has a blind spot: use two that differ, with real
#   data beside them.
#
# **Sources.** The hopping generator is from {cite}`metz2017`, and so is unrolling; modes have been counted in this way
# since {cite}`srivastava2017`; the figure on images is after {cite}`arjovsky2017wgan`. What the losses descend is from
# {cite}`arjovsky2017principled`. The presentation follows {cite}`weng2019` and {cite}`xu2020`; what had to be corrected
# is listed under {doc}`errata`.
