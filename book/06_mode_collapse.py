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
# **You need** {doc}`lesson 3 <03_optimal_discriminator>` for the optimal discriminator,
# {doc}`lesson 4 <04_no_equilibrium>` for games that go round, and {doc}`lesson 5 <05_vanishing_gradients>` for what
# the loss $-\log D$ descends.
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
from gantut.metrics import median_interval

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
# even the data themselves reach only $1-e^{-9/2}\approx0.989$. We try the rule on the data, and on a generator that
# makes a single point.

# %%
distribution = ring(8, radius=2.0, std=0.1)
perfect = distribution.sample(200_000, generator=random_source(0))
point = distribution.means[:1].expand(
    1000, 2
)  # one centre, a thousand times
by_rule = []
for samples in (perfect, point):
    found = metrics.mode_coverage(samples, distribution)
    by_rule += [found.covered, found.high_quality_fraction]
claim(
    "mode-collapse-definition",
    "modes and high-quality share: the data, a single point",
    by_rule,
    equals=[8, 1 - math.exp(-9 / 2), 1, 1],
    atol=1e-3,  # four standard errors of a share of 200,000 draws
)

# %% [markdown]
# Note the second line: the single point has a *better* quality than the data. Neither number is any good without the
# other. And beware of the ring itself. Eight angles from 0 to $2\pi$, *both ends included*, as some programs draw them,
# make seven modes, one of them twice:

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
# row of the figure, not of GANs.
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
medians = [
    median_interval(games["ring", "non-saturating", 5]["modes"]),
    median_interval(coverage["non-saturating, k = 5"].modes),
]
everywhere = [
    games["ring", "wgan-gp", 5]["modes"].min(),
    coverage["wgan-gp, k = 5"].modes.min(),
]
at_one = [
    median_interval(games["ring", "non-saturating", 1]["modes"]),
    median_interval(coverage["non-saturating, k = 1"].modes),
]
assert all(m.estimate <= 2 and m.high < 4 for m in medians), "k = 5: few"
assert at_one[0].estimate >= 7, "k = 1: nearly all"
assert at_one[1].estimate >= 5, "and here, among few"
claim(
    "eight-gaussians-mode-collapse",
    "k = 5, recorded and live: worst WGAN-GP minus median GAN",
    [all_ - m.high for all_, m in zip(everywhere, medians, strict=True)],
    above=3.5,
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
# there: every median but those of the Wasserstein games with one critic step is 23 or more, of 25. A triumph? Look
# at the quality.

# %%
for name in ("non-saturating", "wgan-gp"):
    seen = games["grid", name, 5]
    print(
        f"{name}: median of modes {seen['modes'].median():g} of 25, "
        f"of quality {seen['quality'].median():.2f}"
    )
square = 5 * torch.rand(200_000, 2, generator=random_source(2)) - 2.5
noise = metrics.mode_coverage(square.double(), grid())
print(
    f"noise in a square: {noise.covered:g} of 25, "
    f"quality {noise.high_quality_fraction:.2f}"
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
    if what == "modes":
        assert ends["non-saturating, k = 5"].high < 20
        assert ends["non-saturating, k = 1"].low > 20
        assert seen["wgan-gp, k = 5"].min() == 25
panels[0].set(xlabel="modes covered, of 25", xlim=(0, 26))
panels[1].axvline(0.0707, color=plots.INK, linestyle="--", linewidth=1.2)
panels[1].set(xlabel="share of high quality", xlim=(0, 1))
plots.show()

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
assert (d_star[:, 0] - covered / (covered + 8)).abs().max() < 1e-12
assert (value - (2 * js - 2 * math.log(2))).abs().max() < 1e-12
assert (value.diff() < 0).all(), "every further mode lowers V(D*, G)"
claim(
    "collapse-d-does-not-see",
    "JS of a generator on 1, 2, ..., 8 of 8 modes",
    js,
    equals=[0.496929, 0.380396, 0.290305, 0.215762,
            0.151796, 0.095603, 0.045407, 0.0],
    atol=1e-6,
)  # fmt: skip

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
assert (typical_verdict < 1 / 3).all(), "what D says of their samples"
print("median D of the collapsed, times 9, between 1/2 and 2:",
      bool(1 / 2 < 9 * typical_verdict.median() < 2))  # fmt: skip

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
# Whatever else it does with samples that stay there makes $V(D^*,G)$ larger.
#
# Two experiments with optimal discriminators show it, on a line with eight modes of width 0.05, one apart. First the
# generator, on the first mode, may *mix in* a share of the right distribution; then it may *move* its samples by a
# shift $\delta$ towards the next mode.

# %%
data = gaussian_mixture(list(range(8)), 0.05)
x = torch.linspace(-2, 9, 22_001, dtype=torch.float64)  # 100 points a width
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
assert along.abs().max() < 1e-9, "D* is flat on the samples"
cell = js_divergence([1 / 8, 7 / 8], [1.0, 0.0])  # right side of (6.3)
assert abs(cell - js[0]) < 1e-12, "what collapse onto one mode reaches"
assert (mixing.diff() < 0).all(), "mixing in helps from the first speck on"
distance = shifts.squeeze(1).abs()
near = (distance > 1e-9) & (distance < 0.5)
claim(
    "collapse-is-a-trap",
    "rise of V(D*, G) when the samples move, by up to half a gap",
    moving[near] - moving[distance < 1e-9],
    above=0.0,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels. Left: V of the optimal discriminator falls steadily from minus 0.39 to minus 1.39 as the share of the right distribution that is mixed in grows from 0 to 1. Right: V over the shift of the samples from one mode towards the next is a narrow well of depth minus 0.39 at shift 0 and at shift 1, and flat at 0 between them."}, "figure": {"name": "fig-collapse-trap", "caption": "A generator on one of eight modes, against optimal discriminators. Left: mixing in the right distribution is downhill all the way. Right: moving the samples to the next mode leads over a plateau, and the first step is uphill."}}
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
# create a speck of mass elsewhere would be drawn out of collapse at once. But a generator is continuous. It must
# *carry* its samples across the gap, and by {eq}`eq-cell` the collapsed distribution is a **local minimum** for that,
# with steep walls. So the correct statement is: the discriminator sees collapse, and $V$ rewards every mode that is
# won; but between the modes there is nothing that pulls.
#
# With $-\log D$ the walls are higher still. By {eq}`eq-ns-objective` that loss descends
# $\operatorname{KL}(p_g\|p_r)-2\operatorname{JS}$ if $D$ is optimal, and for $m$ of 8 modes the KL is
# $\log\frac8m$; in the gap it is enormous.
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
print(
    "most of them have not left their mode for 250 steps:",
    bool(stayed.double().mean() > 0.5),
)

# %% [markdown]
# There is a second kind of collapse, more often shown than this first one {cite}`metz2017`: the generator sits on one
# mode, and *jumps*. It needs narrower modes (standard deviation 0.02) and a discriminator that is always a little
# behind: one hidden layer, one step per iteration, a small learning rate. We played that game 16 times with each of the
# two losses, 3000 iterations, in nearly the setting of the figure that is reproduced everywhere (with batches of 128),
# and looked every 25 steps: which mode leads, with what share, and at which angle is the mean of all samples? The
# result is in `results/hopping.json`; what follows is about the second half of each run.

# %%
record = recorded("hopping").result
hops = {game["objective"]: game for game in record["games"]}
restless = []
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
claim(
    "xu-fig1",
    "share of 32 runs that sit on a mode, hop, and go round",
    sum(restless) / len(restless),
    above=0.8,
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
# All of them do it. (The modes are far narrower than the clouds: hardly a sample is of high quality here. "Sits on a
# mode" means that it is the nearest for most of them.) What we see is the rotation of
# {doc}`lesson 4 <04_no_equilibrium>`, in a larger game. The generator is on a mode; the discriminator learns that
# samples from there are mostly fake; until it has learnt that the neighbouring mode is *also* suspect, the slope points
# there; the generator goes there; the discriminator follows. It takes both: a discriminator that lags, and one whose
# logit is *not* flat on the samples. With $k=5$ and a large learning rate it does not lag, and the generator is parked.
# With $k=1$ and a small one it does, and the generator hops.
#
# ## Is the loss to blame?
#
# It has been suggested {cite}`xu2020` that collapse comes from the $\operatorname{KL}(p_g\,\|\,p_r)$ in what the loss
# $-\log D$ descends, {eq}`eq-ns-objective`. The idea is natural. This KL takes its expectation over what the generator
# makes, so it minds samples where there are no data, and does not mind data that are never generated; fitted with one
# Gaussian it chooses a mode (lesson 1). Its reverse, $\operatorname{KL}(p_r\,\|\,p_g)$, would be infinite as soon as
# one mode is missing. There are three ways to test it. First, the arithmetic: on $m$ of 8 modes the two losses descend,
# up to a constant,
#
# $$ 2\operatorname{JS}\qquad\text{and}\qquad\operatorname{KL}(p_g\|p_r)-2\operatorname{JS}=\log\tfrac8m-2\operatorname{JS} . $$ (eq-two-losses)

# %%
reverse, forward = kl_divergence(p_g, p_r), kl_divergence(p_r, p_g)
assert (reverse - (8 / covered).log()).abs().max() < 1e-12
descended = reverse - 2 * js
print(" m   2 JS   KL - 2 JS   KL(p_r, p_g)")
for row in (0, 1, 3, 6, 7):
    print(
        f"{covered[row]:2.0f} {2 * js[row]:6.3f} {descended[row]:11.3f} "
        f"{abs(forward[row]):14.3f}"
    )
assert (descended.diff() < 0).all()
assert (js.diff() < 0).all()

# %% [markdown]
# *Both* fall with every mode that is won. A divergence that may be minimised only within a small family of
# distributions can have a mode-seeking minimum; a generator that can make all eight modes has its minimum there, for
# either loss. (The forward KL would be the only one to *forbid* collapse. GANs do not use it.)
#
# Second, the hopping. The minimax loss has no KL in it. Yet in {numref}`fig-hopping` it hops in just the same way:
# seed by seed, both losses go round in the same direction and nearly as far. Third, the population of
# {numref}`fig-collapse-ring`, at $k=5$, where the losses do part company:

# %%
ways = [torch.tensor(game["winding"]) for game in hops.values()]
assert ((ways[0] - ways[1]).abs() < 0.5).all(), "seed by seed, the same way"
for k in (1, 5):
    for name in ("non-saturating", "minimax"):
        seen = games["ring", name, k]
        low, middle, high = median_interval(seen["quality"])
        print(
            f"k = {k}, {name}: modes {seen['modes'].median():g}, "
            f"quality {middle:.2f} ({low:.2f} to {high:.2f})"
        )
        assert k == 5 or seen["modes"].median() >= 7, "no collapse at k = 1"
usual, zero_sum = (
    games["ring", name, 5] for name in ("non-saturating", "minimax")
)
assert usual["modes"].median() <= 2
assert zero_sum["modes"].median() >= 7
claim(
    "xu-collapse-kl-culprit",
    "k = 5: quality of -log D less that of minimax, interval ends",
    median_interval(usual["quality"]).low
    - median_interval(zero_sum["quality"]).high,
    above=0.6,
)

# %% [markdown]
# With $-\log D$ the generator concentrates on one mode; with $\log(1-D)$ it remains spread over all eight, and bad.
# Does that convict the KL? It fits: concentration on good samples is what a mode-seeking loss would look like. But
# there is a plainer reading. Against a strong discriminator the slope of $\log(1-D)$ dies (lesson 5), and a generator
# that does not learn does not collapse either. In this setting the loss plays a part in the outcome. That is all that
# the experiment says.
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
w1 = {}
for (k, K), game in unrolled.items():
    everywhere = sum(count == 8 for count in game["modes"])
    quality = median_interval(torch.tensor(game["quality"])).estimate
    w1[k, K] = median_interval(torch.tensor(game["w1"]))
    print(
        f"k = {k}, K = {K:2d}: all eight modes in {everywhere:2d} of "
        f"{len(game['modes'])}, median quality {quality:.2f}, "
        f"median W1 {w1[k, K].estimate:.2f}"
    )
assert w1[1, 5].high < w1[1, 0].low, "k = 1: foresight helps"
assert w1[5, 5].estimate > 2.3, "k = 5: it does not"

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
# With $k=1$, foresight does what it promises: from $K=0$ to $K=5$ the distance to the data falls by almost half, the
# share of high quality doubles, and all but one member cover all eight modes. Ten steps are no better than five. With
# $k=5$ it does *not* help: more members than before end on a single mode. That fits what we have seen. Foresight is a
# remedy for a discriminator that lags, which the generator would otherwise outrun. A discriminator that is nearly
# optimal has no answer left to foresee, and the trap of {numref}`fig-collapse-trap` is there with the optimal one, too.
# (In the setting of {numref}`fig-hopping` the authors report that unrolling stops the hopping, in runs of 25,000 steps,
# which is beyond this page; in a short attempt of ours, 1500 steps with $K=5$, the generator still hopped.) And it has
# its price: each generator step pays for $K$ steps of the discriminator and for differentiating through them.
#
# ## On images
#
# A much-shown figure has 16 bedrooms, made by "a DCGAN trained with a network of four layers, 512 units each, and
# ReLU", of which several are the same. It is not a DCGAN {cite}`arjovsky2017wgan`: the *generator* is a plain
# perceptron, and the *objective* is the usual one of a GAN; the figure stands beside what the same generator makes when
# it is trained as a Wasserstein GAN. We repeat the comparison on a small scale. The data are the 1797 handwritten
# digits of $8\times8$ pixels; both games have the same perceptrons, a generator of four layers and a critic of three,
# and the learning rate 0.0002; the critic steps and the momentum are those of each game's paper, so this compares
# recipes, not losses alone.
#
# How does one count modes in images? No one has labelled what a generator makes. So we train a small **classifier** on
# the real digits, let it classify the samples, and take the exponential of the entropy of its verdicts, the **effective
# number of classes**
#
# $$ e^{H},\qquad H=-\sum_c\bar p_c\log\bar p_c, $$ (eq-effective-classes)
#
# which is 10 for ten equal shares and 1 for one class. One must not count it on 16 pictures: 16 fair draws from ten
# classes come to about 7.2 on average. We use 500, and real digits beside them. A second measure does not need a
# classifier: how far is a sample from its nearest neighbour among the samples?

# %%
classifier = metrics.digit_classifier()
assert classifier.held_out_accuracy > 0.93
few = torch.randint(10, (20_000, 16), generator=random_source(3))
bias = metrics.effective_classes(few).mean()
assert abs(bias - 7.25) < 0.05
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
assert max(played["non-saturating"]["classes"]) <= 3
assert max(played["non-saturating"]["apart"]) < 0.25
assert min(played["wgan-gp"]["classes"]) >= 7
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
# trained. (Of the 16 bedrooms of the original nine are different, if those whose pixels correlate above 0.9 count as
# one.)
#
# ## The missing metric
#
# We have used half a dozen numbers so far. Which is *the* one? First, the number that every training run prints anyway.
#
# ### The loss
#
# A classifier's loss falls as it learns. Do the losses of a GAN? The exact distance $W_1$ to the data can be computed
# for samples (lesson 8), so the question has an answer. For 32 members of each of four games, we take, forty times in
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
medians = [
    median_interval(torch.tensor(game["generator_loss"])).estimate
    for name, game in follow.items()
    if "wgan" not in name
]
for name, game in follow.items():
    loss, estimate = (
        median_interval(torch.tensor(game[what])).estimate
        for what in ("generator_loss", "estimate")
    )
    print(f"{name}: loss {loss:+.2f}, estimate {estimate:+.2f}")

# %%
estimates = {name: game["estimate"] for name, game in follow.items()}
assert max(estimates["non-saturating, k = 1"]) < 0.2
assert median_interval(estimates["non-saturating, k = 5"]).low > 0.4
assert min(estimates["wgan-gp, k = 5"]) > 0.6
every = [rho for game in follow.values() for rho in game["generator_loss"]]
assert min(every) < -0.5, "single runs show anything,"
assert max(every) > 0.5, "either sign included"
claim(
    "gan-no-evaluation-metric",
    "median correlation of loss and W1: three GANs, and live",
    [*medians, live_correlation.median()],
    above=-0.5,
    below=0.5,
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
# The estimate of JS is worse than useless in a subtle way. With $k=5$ it *does* follow $W_1$ in most runs. With $k=1$
# the correlation is *negative*: while the samples improve, the estimate of their distance grows. (A lower bound can do
# that: the discriminator learns, too.) Only the last row behaves like a loss, in every member. That is what lesson 10
# is about.
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
# real digits. Sixteen further draws of 400 real digits serve as a yardstick: a metric raises an **alarm** if it is
# worse than their median by more than three times their range.

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

# %% tags=["hide-input"] mystnb={"image": {"alt": "A table of seven prepared generators by eight metrics, with alarms in bold on orange. Five classes only: all alarm but precision and the nearest original. One image per class: FID, KID, recall, coverage and W1 alarm, precision is 1 and the inception score 8.3. Blurred: everything alarms but the nearest original. Noisy: recall does not alarm. Gaussian pixels: FID and recall do not alarm and KID hardly does; the inception score, precision, coverage and W1 alarm. Copies of the reference: only the nearest original alarms, all others are perfect."}, "figure": {"name": "fig-scorecard", "caption": "What each metric sees. Orange and bold: far worse than sixteen draws of real digits. FID, KID and W1 are better when smaller, the others when larger; the last column is the median distance of a sample to the nearest of the 400 reference images."}}
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
real, five, ten, _, noised, gaussians, copies = range(7)
assert table["inception score"][ten] > 0.85 * table["inception score"][real]
assert table["precision"][[five, ten, copies]].min() > 0.85
assert table["recall"][ten] < 0.05, "ten pictures reach nothing"
assert table["FID"][gaussians] < table["FID"][noised] / 2
assert table["precision"][gaussians] < 0.75, "but they are not digits"
assert (alarms[copies] == torch.tensor([False] * 7 + [True])).all()

# %% [markdown]
# Read it by rows. *One image per class* is nearly perfect for the inception score, and entirely so for precision: each
# needs a companion that looks for variety. *Gaussian pixels*, random images with the mean and covariance of the data,
# are not digits, and the inception score and precision say so; but to FID they are nearly as good as real ones: it
# knows two moments and sees nothing beyond them. KID, which knows a third, hardly notices. *Copies of the reference*
# are better than real digits by every measure that compares with data. Only a search for the originals finds out, and a
# metric without held-out data beside it rewards a generator that has memorised its data.
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
assert floors["FID"].min(0).values[0] > floors["FID"].max(0).values[-1]
assert floors["FID"][:, 0].median() > table["FID"][five]
assert floors["KID"].min() < 0 < floors["KID"].max(), "around the truth"

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
# | FID | means and covariances of features | all else; biased for small $n$ |
# | KID | three moments of features | all else; noisy |
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
# - The discriminator sees collapse, and $V(D^*,G)$ falls with every mode won. But the generator follows slopes, and
#   between the modes there are none: collapse is a local minimum or, with a lagging discriminator, an endless chase.
# - Neither loss favours collapse, and with both the generator hops. That the KL in $-\log D$ is to blame is a
#   conjecture.
# - Unrolling lets the generator see the discriminator's answer. On $xy$ it is friction; on the ring it helps where
#   the discriminator lags.
# - The losses of a GAN do not measure progress. Every other metric has a blind spot: use two that differ, with real
#   data beside them.
#
# **Sources.** The hopping generator is from {cite}`metz2017`, and so is unrolling; modes have been counted in this way
# since {cite}`srivastava2017`; the figure on images is after {cite}`arjovsky2017wgan`. What the losses descend is from
# {cite}`arjovsky2017principled`. The presentation follows {cite}`weng2019` and {cite}`xu2020`; what had to be corrected
# is listed under {doc}`errata`.
