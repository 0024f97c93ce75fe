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
# # 6 · Mode collapse
#
# A generator that has learnt to draw one perfect *three* can draw it again and again. No single picture of it looks
# wrong; all of them together do. This is **mode collapse**, the best-known failure of GANs, and it comes with a good
# deal of folklore: that the loss is to blame, that the discriminator is blind to it, that a Wasserstein GAN cures it.
# **When does a GAN collapse, and why does its generator stay where it is, although the discriminator sees what is
# missing?** We write a GAN that collapses, train a few hundred more, and then look for the way out.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** how modes are counted; in which settings a GAN collapses, and in which it does not; what
# a continuous generator must do between two modes, and how steep it must be there; why collapse is a trap, and for
# which generators; and what it means to unroll a GAN.
#
# **You need** {doc}`lesson 2 <02_the_game>` for the training loop, {doc}`lesson 3 <03_optimal_discriminator>` for the
# optimal discriminator, {doc}`lesson 4 <04_no_equilibrium>` for games that go round, and {doc}`lesson 5
# <05_vanishing_gradients>` for what the loss $-\log D$ descends.
#
# **It takes** about 83 minutes to read with the exercises, and about half a minute to run on a laptop.
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

# %% tags=["hide-input"]
import itertools
import math

import sympy
import torch
from torch.func import functional_call
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    softplus,
)

from gantut import metrics, plots
from gantut.checks import claim
from gantut.data import gaussian, gaussian_mixture, ring
from gantut.device import at_scale, random_source
from gantut.divergences import (
    js_divergence,
    kl_divergence,
    optimal_discriminator,
    value_function,
)
from gantut.lessons import (
    check,
    mode_collapse,
    recorded,
    show_table,
    toy_gans,
)
from gantut.lessons.mode_collapse.plots import (
    plot_mean_turns,
    plot_mode_clouds,
)
from gantut.metrics import median_interval, paired_difference

# %% [markdown]
# ## Counting modes
#
# "The generator makes nearly the same thing, or a few things, over and over." To *count* that, we need data whose modes
# are known, and a rule. The classic data are a **ring**: eight round Gaussians of standard deviation $s=0.1$, evenly
# spaced on a circle of radius 2. Assign each generated sample to the nearest centre,
#
# $$ k(x)=\arg\min_k\|x-\mu_k\|, $$ (eq-nearest-mode)
#
# and call it a sample **of high quality** if it is within three standard deviations of it. A mode is **covered** if at
# least one sample in a hundred belongs to it and some of those are of high quality. We report two numbers: how many
# modes are covered, and what share of all samples is of high quality.
#
# What would be perfect? For the data, $\|x-\mu_k\|^2/s^2$ has a $\chi^2$ distribution with two degrees of freedom, so
# even they reach only $1-e^{-9/2}\approx0.989$. We try the rule on the data, on a generator that makes a single point,
# and on one that has learnt nothing: noise, a single round Gaussian of standard deviation 1.5.

# %%
distribution = ring(8, radius=2.0, std=0.1)
perfect = distribution.sample(200_000, generator=random_source(0))
point = distribution.means[:1].expand(1000, 2)  # one centre, repeated
blind = 1.5 * torch.randn(200_000, 2, generator=random_source(6)).double()
by_rule = []
for samples in (perfect, point, blind):
    found = metrics.mode_coverage(samples, distribution)
    by_rule += [found.covered, found.high_quality_fraction]

# %% tags=["hide-input"]
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
names = ("the data", "a single point", "noise")
show_table(
    ["samples", "modes covered, of 8", "share of high quality"],
    [
        [name, f"{modes.item():.0f}", f"{share.item():.2f}"]
        for name, modes, share in zip(
            names, by_rule[::2], by_rule[1::2], strict=True
        )
    ],
)

# %% [markdown]
# The single point has a *better* quality than the data, and noise covers *all* modes. Neither number means anything
# without the other. (If you draw a ring of your own, mind the ends: eight angles from 0 to $2\pi$, *both included*, as in
# `linspace(0, 2 * pi, 8)`, make seven modes, one of them twice as heavy.)
#
# ## A GAN that collapses
#
# The loop is that of {doc}`lesson 2 <02_the_game>`: two networks, two losses, two updates. Only the setting is new.
# The data are the ring, the noise has sixteen dimensions, Adam has no momentum, and the discriminator takes **$k$
# steps** for each step of the generator.


# %%
def network(*sizes):
    """Linear layers of these sizes, with ReLUs between them."""
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def adam(net):
    return torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.0, 0.9))


torch.manual_seed(1)  # of the networks' weights, and of all the noise
G, D = network(16, 64, 64, 2), network(2, 64, 64, 1)
real_label, fake_label = torch.ones(64, 1), torch.zeros(64, 1)


# %%
def play(k, steps=1000):
    """The loop of lesson 2: k steps of D, then one of G, again and again."""
    for_D, for_G = adam(D), adam(G)
    for _ in range(steps):
        for _ in range(k):
            real = distribution.sample(64).float()
            fake = G(torch.randn(64, 16)).detach()  # G does not learn here
            d_loss = binary_cross_entropy_with_logits(D(real), real_label)
            d_loss += binary_cross_entropy_with_logits(D(fake), fake_label)
            for_D.zero_grad(), d_loss.backward(), for_D.step()
        scores = D(G(torch.randn(64, 16)))
        g_loss = binary_cross_entropy_with_logits(scores, real_label)
        for_G.zero_grad(), g_loss.backward(), for_G.step()


# %%
play(k=5)
with torch.no_grad():
    by_hand = G(torch.randn(2500, 16)).double()

# %%
covered = metrics.mode_coverage(by_hand, distribution).covered
claim(
    "collapse-by-hand",
    "k = 5: this generator covers at most half of the modes",
    bool(covered <= 4),  # how many exactly, rounding decides
)

# %% [markdown]
# The loss `g_loss` is $-\log D$, the usual one, and nothing in these lines is unusual. Yet the generator ends on one
# mode, or on a few: the first panel of {numref}`fig-collapse-samples` shows what it draws.
#
# ## A few hundred GANs
#
# One run proves little. Is it true that GANs collapse? The only fair way to ask is to hold everything else fixed. All
# the games below have the same networks (two hidden layers of 64 units), the same noise, the same optimizer (Adam as
# above; RMSProp where weights are clipped, at 0.1), batches of 64 and 1000 generator steps; gradient penalties have the
# weight 1. Only two things differ: the objective, and the number $k$ of critic steps. `toy_gans.train_toy_gan` plays
# the loop above for a whole population at once. Each game was played 32 times, from different random numbers, and
# recorded together with the command that repeats it.

# %% tags=["hide-input"]
record = recorded("mode-collapse")
games = {
    (game["distribution"], game["objective"], game["n_critic"]): {
        name: torch.tensor(game[name]) for name in ("modes", "quality")
    }
    for game in record.result["games"]
}


def middle_of(values, form="g"):
    """The median of a population, and its interval, as text."""
    low, middle, high = median_interval(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


show_table(
    ["game", "modes of 8, $k=1$", "modes of 8, $k=5$"],
    [
        [
            name,
            *(middle_of(games["ring", name, k]["modes"]) for k in (1, 5)),
        ]
        for name in ("minimax", "non-saturating", "wgan", "wgan-gp")
    ],
)

# %% [markdown]
# (Medians. The interval in brackets holds the true median with 95% confidence, whatever the distribution: it ends at
# two of the 32 values in order.) The figure shows every member of the population.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels with six rows each, one for each objective on the ring: modes covered and quality, with one critic step per iteration (k = 1) and with five (k = 5). With five steps, the non-saturating game has most of its 32 members at one mode with quality near 1, least squares at one to six modes, minimax mostly at eight modes with quality near 0.1, and the three Wasserstein games at eight modes, quality 0.1 to 0.5. With one step, minimax is at eight everywhere, non-saturating mostly, while WGAN-GP is spread from one to eight."}, "figure": {"name": "fig-collapse-ring", "caption": "Modes covered and share of high quality on the ring, 32 members each, after 1000 generator steps. Bars are 95% intervals of the median. Between one critic step per iteration (k = 1) and five (k = 5), the games change places."}}
names = ("minimax", "non-saturating", "least-squares",
         "wgan", "wgan-gp", "wgan-lp")  # fmt: skip
panels = plots.axes(2, 2, height=3.3, sharey=True, sharex="col")
for row, k in zip(panels, (1, 5), strict=True):
    for ax, what in zip(row, ("modes", "quality"), strict=True):
        seen = {name: games["ring", name, k][what] for name in names}
        ends = {name: median_interval(own) for name, own in seen.items()}
        plots.member_rows(ax, seen, intervals=ends)
        ax.set_title(f"k = {k}")
panels[1, 0].set(xlabel="modes covered, of 8", xlim=(0.5, 8.5))
panels[1, 1].set(xlabel="share of high quality", xlim=(0, 1.02))
plots.show()

# %% [markdown]
# Look at the rows of the non-saturating game, the usual GAN. With $k=5$ it collapses as the books say: most members end
# on *one* mode, and on that mode they are excellent. WGAN-GP, with the same networks and the same $k$, covers all eight
# in every run. Here the folklore is true. Now look at $k=1$. The *same* GAN covers eight modes in most runs, and it is
# WGAN-GP that misses more than half of them: one critic step per iteration is too little for a critic that must first
# become a good one. "GANs collapse, Wasserstein GANs do not" is true of one half of the figure, not of GANs.
#
# You need not take this on trust. We play three of these games here and now, with smaller populations. We look at the
# second one twenty times along the way, for later use.

# %%
more = at_scale(fast=1, full=8)
alone = toy_gans.train_toy_gan("non-saturating", 1, members=8 * more)
collapsed = toy_gans.train_toy_gan(
    "non-saturating", 5, members=12 * more, evaluations=20
)
penalised = toy_gans.train_toy_gan("wgan-gp", 5, members=4 * more)

# %% tags=["hide-input"]
live = {
    "non-saturating, k = 1": alone,
    "non-saturating, k = 5": collapsed,
    "wgan-gp, k = 5": penalised,
}
coverage = {
    name: toy_gans.coverage(history, points=100)
    for name, history in live.items()
}

# %% tags=["hide-input"]
ahead = {
    k: paired_difference(
        games["ring", "wgan-gp", k]["modes"],
        games["ring", "non-saturating", k]["modes"],
        comparisons=2,
    )
    for k in (1, 5)
}
show_table(
    ["$k$", "modes by which WGAN-GP is ahead, on average", "told apart"],
    [
        [k, f"{seen.difference:+.0f}", "yes" if seen.told_apart else "no"]
        for k, seen in ahead.items()
    ],
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

# %% tags=["hide-input"]
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

# %% [markdown]
# (Is the difference more than chance? Members of two games share their seeds, so we compare them pair by pair, and ask
# how large a difference would arise if the sign of each pair's difference were random. "Told apart" means: larger than
# that.)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four square panels with eight rings marking the modes. The loop above, k = 5: all dots on one mode or two. Non-saturating with k = 1: a loop of dots that passes through all eight modes, with much in between. Non-saturating with k = 5: all dots on one mode. WGAN-GP with k = 5: dots around all eight modes with thin bridges between them."}, "figure": {"name": "fig-collapse-samples", "caption": "What the loop above draws, and a typical member of each population (the median one by the number of modes, not the best). Eight of eight covered is not the same as good, and good is not the same as eight of eight."}}
shown = {"the loop above, k = 5": by_hand[:600]}
for name, history in live.items():
    order = coverage[name].modes.argsort()
    typical = order[len(order) // 2]
    shown[name] = history.samples[-1, typical, :600]
plot_mode_clouds(plots.axes(1, 4, height=2.2), shown, distribution.means)
plots.show()

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Make new networks, and play the loop with `k=1`, with momentum, `betas=(0.5, 0.9)`, or with a tenth of the learning
# rate. Does collapse happen at once, or gradually?
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
# which is $\frac19$ for a generator on a single mode. To the optimal discriminator even the most perfect of such samples
# is fake with probability $\frac89$. Only the masses of the modes matter here, so the rest is arithmetic on eight points.

# %%
p_r = torch.full((8,), 1 / 8, dtype=torch.float64)
covered = torch.arange(1, 9, dtype=torch.float64)
p_g = (torch.arange(8) < covered[:, None]) / covered[:, None]  # (8, 8)
d_star = optimal_discriminator(p_r, p_g)  # (m, modes)
value = value_function(d_star, p_r, p_g)
js = js_divergence(p_r, p_g)

# %% tags=["hide-input"]
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
show_table(
    ["modes covered", *(f"{m:.0f}" for m in covered)],
    [["$V(D^*,G)$", *(f"{v:.2f}" for v in value)]],
)

# %% [markdown]
# So $V(D^*,G)$ falls with every mode that is added, down to $-2\log2$, and collapse is not where the game wants to end.
# Perhaps trained discriminators are worse than the optimal one? We ask those of the population that has just collapsed
# before our eyes: what do they say about the samples of their own generators?

# %%
on_one = coverage["non-saturating, k = 5"].modes == 1
made = collapsed.samples[-1].to(next(collapsed.critic.parameters()).device)
with torch.no_grad():
    verdict = collapsed.critic(made).squeeze(-1).sigmoid()  # (members, n)
typical_verdict = verdict.median(1).values.cpu()[on_one]
assert on_one.sum() >= 3, "so many members ended on one mode"
claim(
    "collapse-is-seen-in-training",
    "what D says about samples of generators on one mode (D*: 0.11)",
    typical_verdict,
    below=1 / 3,
    digits=1,
)

# %% [markdown]
# They see it, and their verdict is about what theory predicts: one chance in nine that a sample is real. The story of
# the blind discriminator is wrong, for the optimal one and for these.
#
# ## Seen, but with no way out
#
# Then why does the generator stay? Because it follows the *slope* of $D$, not its *value*. On a mode that is drawn
# perfectly, $p_r/p_g$ is constant, so the logit of $D^*$ is constant as well: it says "fake" equally loudly everywhere
# on the mode, and no direction is better than another.
#
# More is true. The **cell** of a mode consists of the points that are nearer to it than to every other mode. Suppose
# that all samples stay in the cell of the first mode, and forget everything about a sample except whether it is in that
# cell. Forgetting cannot increase JS (lesson 1, {prf:ref}`thm-data-processing`), so
#
# $$ \operatorname{JS}(p_r\,\|\,p_g)\ge\operatorname{JS}\Big(\big(\tfrac18,\tfrac78\big)\,\Big\|\,(1,0)\Big), $$ (eq-cell)
#
# with equality exactly if nothing is lost by forgetting, that is, if $p_g=8p_r$ all over the cell: the collapsed
# generator. Whatever else it does with samples that *stay there* makes $V(D^*,G)$ larger. (In $V(D^*,G)$ the
# discriminator is always the optimal one against that very $G$.)
#
# ### A minimum, but among which neighbours?
#
# Is collapse a local minimum, then? That depends on which generators count as near. There are two answers.
#
# - **By mass**: two generators are near if their distributions differ in little mass. In this sense collapse is *no*
#   minimum. Mix a small share of the right distribution into $p_g$, and $V(D^*,G)$ falls, because JS is convex.
# - **By displacement**: two generators are near if they draw nearly the same sample from each noise,
#
# $$ d(G,G')=\sup_z\|G(z)-G'(z)\| . $$ (eq-displacement)
#
# :::{prf:theorem} Collapse is a local minimum by displacement
# :label: thm-displacement
# Let $G$ draw exactly one mode, $p_g=8p_r$ on its cell, and keep all its samples farther than $r$ from the border of
# the cell. Then $V(D^*,G')\ge V(D^*,G)$ for every $G'$ with $d(G,G')\le r$, with equality only if $G'$ draws the same
# distribution.
# :::
#
# :::{prf:proof}
# No sample of $G'$ is farther than $r$ from the sample that $G$ draws from the same noise, so all are in the cell. Then
# {eq}`eq-cell` holds for $G'$, and $G$ attains the bound. Since $V(D^*,G)=2\operatorname{JS}{}-2\log2$ (lesson 3), the
# same order holds for the values; and equality means $p_{g'}=8p_r$ on the cell.
# :::
#
# (Gaussian modes reach beyond their cells, but on the ring only with a share below $10^{-13}$.) In the language of
# topology, collapse is a minimum in the topology of displacement, and none in that of mass. Gradient descent moves in
# the first of these: a small step of the parameters moves the samples of all but the rarest noise a little; it does not
# create a speck of mass on another mode.
#
# Two experiments with optimal discriminators show the difference, on a line with eight modes of width 0.05, one apart.
# The generator is on the first mode. First it may *mix in* a share of the right distribution; then it may *move* all
# its samples by a shift $\delta$ towards the next mode.

# %% tags=["hide-input"]
data = gaussian_mixture(list(range(8)), 0.05)
x = torch.linspace(-1.5, 8.5, 10_001, dtype=torch.float64)  # 50 a width
shares = torch.linspace(0, 1, 21, dtype=torch.float64)[:, None]
shifts = torch.linspace(-0.5, 1.5, 61, dtype=torch.float64)[:, None]


# %%
def best_value(made):
    """V(D*, G) = 2 JS - 2 log 2, the integral as a sum over the line."""
    p, q = data.density(x), made  # (..., points) to (...)
    return 2 * js_divergence(
        p / p.sum(), q / q.sum(-1, keepdim=True)
    ) - 2 * math.log(2)


on_first = gaussian(0, 0.05)
mixing = best_value(
    (1 - shares) * on_first.density(x) + shares * data.density(x)
)
moving = best_value(on_first.density(x - shifts))

# %% tags=["hide-input"]
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
    "slope of the logit of D* on the samples; V(D*, G), less its bound (6.3)",
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

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: V of the optimal discriminator falls steadily from minus 0.39 to minus 1.39 as the share of the right distribution that is mixed in grows from 0 to 1. Second panel: V over the shift of the samples from one mode towards the next is a narrow well of depth minus 0.39 at shift 0 and at shift 1, and flat at 0 between them."}, "figure": {"name": "fig-collapse-trap", "caption": "A generator on one of eight modes, against optimal discriminators. First panel: mixing in the right distribution is downhill all the way. Second panel: moving all samples to the next mode leads over a plateau, and the first step is uphill."}}
left, right = plots.axes(1, 2, height=2.7, sharey=True)
plots.lines(left, shares.squeeze(1), {"_V": mixing})
plots.lines(
    right, shifts.squeeze(1), {"_V": moving}, colours=[plots.GENERATED]
)
left.set(xlabel="share mixed in", ylabel="V(D*, G)")
right.set(xlabel="shift δ of the samples")
plots.show()

# %% [markdown]
# ### What a continuous map does between two modes
#
# So some samples have to be carried out of the cell, and a continuous generator cannot carry some without stretching
# what lies between them and the rest. The noise is connected: a path leads from every $z$ to every $z'$, and over it
# $G$ draws a connected curve.
#
# :::{prf:theorem} Bridges
# :label: thm-bridges
# Let $G$ be continuous on $\mathbb R^d$.
#
# 1. If $G(z)$ and $G(z')$ lie in different cells, then every path from $z$ to $z'$ passes a noise whose sample is at
#    least half a gap away from *all* centres, where a gap is the distance between the nearest two centres.
# 2. Let the noise be $N(0,I)$, let $G$ have the slope at most $L$, $\|G(z)-G(z')\|\le L\,\|z-z'\|$, and let two sets
#    $A$ and $B$ of samples be at a distance $g$. For independent $z$ and $z'$, with $R=\sqrt{\|z\|^2+\|z'\|^2}$,
#
# $$ P\big(G(z)\text{ is in neither}\big)\ \ge\ \frac{4g}{\pi L}\;\mathbb E\Big[\frac1R\,;\ G(z)\in A,\ G(z')\in B\Big] . $$ (eq-bridge)
# :::
#
# (The condition after the semicolon means that only draws that satisfy it count; for all others the value is 0.)
#
# :::{prf:proof}
# *Part 1.* Along the path, take the sample's distance to the centre of its first cell, less its distance to the nearest
# other centre. This is continuous, negative at the start and positive at the end, so it is 0 somewhere. There two
# centres are equally near, and no centre is nearer. The two are at least a gap apart, so by the triangle inequality the
# sample is at least half a gap from each, and at least as far from the others.
#
# *Part 2.* Walk from $z$ to $z'$ along a quarter of an ellipse, $z_\theta=z\cos\theta+z'\sin\theta$ for
# $0\le\theta\le\frac\pi2$. For each fixed $\theta$, $z_\theta$ is again $N(0,I)$, because $\cos^2\theta+\sin^2\theta=1$.
# So at each $\theta$ the sample is in neither set with the same probability $P$, and the walk spends the angle
# $\frac\pi2P$ there on average. Now look at a walk that leads from $A$ to $B$. Its sample must cross the gap, a way of
# length $g$ or more, and moves at a speed of at most $L\,\|{-z}\sin\theta+z'\cos\theta\|\le LR$ (by Cauchy and
# Schwarz), so it spends at least the angle $\frac g{LR}$ in neither set. The same is true of walks from $B$ to $A$, and
# they are equally likely. Together,
#
# $$ \frac\pi2\,P\;\ge\;2\,\mathbb E\Big[\frac g{LR}\,;\ G(z)\in A,\ G(z')\in B\Big] , $$
#
# and dividing by $\frac\pi2$ gives {eq}`eq-bridge`.
# :::
#
# The walk of the proof can be taken with trained generators. Those of the game with $k=1$ reach several modes, so we
# draw pairs of noise, and watch the sample on its way.

# %%
angle = torch.linspace(0, math.pi / 2, 1001)[:, None]
z, other = torch.randn(2, 8 * more, 30, 1, 16, generator=random_source(9))
walk = z * angle.cos() + other * angle.sin()  # (members, 30, 1001, 16)
with torch.no_grad():
    drawn = alone.generator(walk.flatten(1, 2).to(made.device)).cpu()
drawn = drawn.unflatten(1, (30, 1001)).double()  # (members, 30, 1001, 2)
from_centres = (drawn[..., None, :] - distribution.means).norm(dim=-1)
nearest = from_centres.min(-1)  # (members, 30, 1001): distance, mode
leaves = nearest.indices[..., 0] != nearest.indices[..., -1]
farthest = nearest.values.amax(-1)[leaves]  # on each walk between cells
gap = 4 * math.sin(math.pi / 8)  # of neighbours on the circle

# %% tags=["hide-input"]
claim(
    "path-between-modes",
    "walks between cells: least of the farthest from all centres, half gaps",
    (farthest / (gap / 2)).min(),
    above=0.99,  # 1, but for what a thousand steps leave out
    digits=1,
)

# %% [markdown]
# For the second part we take a generator that goes from 0 to 1 on a slope of $L$, in the middle of its noise $t\sim
# N(0,1)$, and compare the share of its samples in between with the bound {eq}`eq-bridge`.

# %%
z, other = torch.randn(2, 1_000_000, generator=random_source(8)).double()
ratios, rows = [], []
for L in (1, 4, 16, 64):
    edge = 1 / (2 * L)  # at 0 up to t = -edge, at 1 from t = edge on
    between = math.erf(edge / math.sqrt(2))  # P(-edge < t < edge)
    crosses = (z < -edge) & (other > edge)
    bound = 4 / (math.pi * L) * (crosses / torch.hypot(z, other)).mean()
    ratios.append(between / bound.item())
    rows.append([L, f"{between:.2g}", f"{bound:.2g}"])
show_table(["slope $L$", "share in between", "at least"], rows)

# %% tags=["hide-input"]
claim(
    "bridge-needs-slope",
    "share in between over its bound, and the bound nearly met by L = 64",
    [*ratios, 1.1 / ratios[-1]],
    above=1.0,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: the ring's eight modes as rings, and a dozen curves that one generator draws while its noise walks from one point to another; they run around the circle and across it, through modes and through the empty places between them. Second panel: the share of samples in between two modes over the slope L from 1 to 64, on logarithmic axes: a curve falling from 0.4 to 0.006, and below it, from L = 4 on close to it, the bound."}, "figure": {"name": "fig-bridges", "caption": "A continuous generator has bridges. First panel: what one generator of the game with k = 1 draws on a dozen walks through its noise. Second panel: the steeper a generator is, the fewer of its samples are in between; the dashed line is the bound (6.5)."}}
left, right = plots.axes(1, 2, height=3.0)
curves = drawn[coverage["non-saturating, k = 1"].modes.argmax(), :12]
plot_mode_clouds([left], {"": curves[0, :1]}, distribution.means)
for curve in curves:
    left.plot(*curve.T, color=plots.GENERATED, linewidth=1.1, alpha=0.7)
slopes = (1, 4, 16, 64)
shares = [math.erf(1 / (2 * L) / math.sqrt(2)) for L in slopes]
plots.lines(right, slopes, {
    "in between": shares,
    "the bound": [own / ratio
                 for own, ratio in zip(shares, ratios, strict=True)],
})  # fmt: skip
right.set(xscale="log", yscale="log", xlabel="slope L", ylabel="share")
right.set_xticks(slopes, [str(L) for L in slopes])
right.minorticks_off()
right.legend(fontsize=9)
plots.show()

# %% [markdown]
# So every generator that covers several modes has bridges between them: samples where there are no data. To have few of
# them, it must be steep. And a collapsed generator is flat: it must *become* steep before it can leave.
#
# ### How steep may a generator be?
#
# Is there a wall, then, on every way out of collapse? Here is a generator that carries its samples a few at a time,
#
# $$ G(u,t)=0.05\,u+\operatorname{clip}\big(L(t-s),0,1\big),\qquad u,t\sim N(0,1). $$ (eq-carry)
#
# For large $s$ all of them are on the first mode. As $s$ falls, those with the largest $t$ move to the second, on a
# slope of $L$ gaps per standard deviation of the noise: a share $P(t>s)$ has left, a share $P(t>s+\frac1L)$ has
# arrived, and the rest is in between. The steeper the slope, the fewer are on their way.

# %% tags=["hide-input"]
steps = torch.linspace(0, 1, 201, dtype=torch.float64)  # pieces of the way
reach = torch.special.ndtr((x[:, None] - steps) / 0.05)
piece = 200 * (reach[:, :-1] - reach[:, 1:])  # blurred, (points, pieces)
ends = gaussian(0, 0.05).density(x), gaussian(1, 0.05).density(x)


# %%
def carried(slope, s):
    """The density of (6.6) at x, and the share that has left."""
    left = torch.special.ndtr(-(s + steps / slope))  # and got beyond each
    on_its_way = piece @ (left[:-1] - left[1:])
    made = (1 - left[0]) * ends[0] + on_its_way + left[-1] * ends[1]
    return made, left[0]


def objectives(made):
    """What log(1 - D) and -log D descend: 2 JS, and KL - 2 JS."""
    p, q = data.density(x), made
    kl = kl_divergence(q / q.sum(-1, keepdim=True), p / p.sum())
    two_js = best_value(made) + 2 * math.log(2)
    return torch.stack([two_js, kl - two_js])


# %% tags=["hide-input"]
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
show_table(
    ["slope $L$", "highest rise, $\\log(1-D)$", "highest rise, $-\\log D$"],
    [
        [f"{steepness:g}", *(
            f"{float(f'{top:.1g}'):g}" for top in
            rise.amax(1).clamp(min=0).round(decimals=6).tolist()
        )]
        for steepness, (_, rise) in walls.items()
    ],
)  # fmt: skip

# %% tags=["hide-input"]
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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels: the rise of what is descended over the share of samples that have left the first mode, from 0 to beyond one half, for slopes L of 0.25, 0.5, 1 and 4. First panel, for log(1-D): with L = 0.25 the curve rises to 0.17, with 0.5 it is level at first and then falls, with 1 and 4 it falls from the beginning, to minus 0.2. Second panel, for minus log D: all four rise, the less steep the higher, to between 0.8 and 20."}, "figure": {"name": "fig-carry", "caption": "A way out of collapse that a continuous generator can take, for four slopes L. First panel: what log(1 − D) descends. For L = 1 and more it is downhill all the way. Second panel: what −log D descends; there is a wall for all four, and none for L = 16 (not shown)."}}
panels = plots.axes(1, 2, height=2.8)
for which, (ax, title) in enumerate(
    zip(panels, ("log(1 − D)", "−log D"), strict=True)
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
# For $\log(1-D)$ there is *no wall* on this way if the slope is 1 or more: the loss falls from the first sample on. This
# does not contradict {prf:ref}`thm-displacement`: the first sample that goes has moved by a whole gap, and the distance
# {eq}`eq-displacement` is that of the farthest move, however rare. The steeper the generator, the fewer samples have to
# be in between for that. (All this holds up to rounding: in the far tail of the noise, before a share of $10^{-14}$ has
# left, even $L=1$ must climb, by less than $10^{-16}$.) With $L=\frac12$ and $\frac14$ there is a wall. With $-\log D$
# the walls are higher, and stand up to much steeper slopes: by {eq}`eq-ns-objective` that loss descends
# $\operatorname{KL}(p_g\|p_r)-2\operatorname{JS}$, and the KL of samples where there are no data is enormous.
#
# That was one way out. For gentle slopes there is a wall on *every* way:
#
# :::{admonition} Further: a wall on every way out
# :class: dropdown
# Forget everything about a sample but whether it is *at home*, within 0.2 of the first mode; *away*, within 0.2 of
# another mode; or in neither place. Let a share $b$ be away. Any two places are $g=0.6$ apart. How few samples may be
# in neither? Here {eq}`eq-bridge` has a sharper relative, the Gaussian isoperimetric inequality (Sudakov and Tsirelson,
# Borell), which we quote and do not prove: among all sets of noise of probability $b$, a half-space has the smallest
# neighbourhood. All noise within $g/L$ of that which lands away lands away or in neither, so
#
# $$ P(\text{neither})\ge\Phi\big(\Phi^{-1}(b)+g/L\big)-b . $$
#
# The JS of the three shares is no more than that of the distributions, and it grows with the share in neither place
# once that exceeds $0.0005$, the data's own share there times 8. A generator that moves its samples away gradually, so
# that $b$ grows continuously from 0, passes every $b$ up to the one that it is going to; so it must climb what the next
# cell computes for the worst of them. The same inequality has been used to bound the share of samples between
# disconnected data {cite}`tanielian2020`.
# :::

# %% tags=["hide-input"]
away = torch.logspace(-8, math.log10(0.5), 100, dtype=torch.float64)
within = 1 - 2 * torch.special.ndtr(torch.tensor(-4.0).double()).item()
of_data = torch.tensor(
    [within / 8, 7 * within / 8, 1 - within], dtype=torch.float64
)


def least_js(slope):
    """JS of (home, away, neither), for the fewest possible in neither."""
    reached = torch.special.ndtri(away) + 0.6 / slope
    neither = torch.special.ndtr(reached) - away
    shares = torch.stack([1 - away - neither, away, neither], -1)
    return js_divergence(of_data, shares.clamp(min=0))


collapsed_js = js_divergence([1 / 8, 7 / 8], [1.0, 0.0])
claim(
    "every-way-has-a-wall",
    "slopes 1/4 and 3/8: by how much JS must rise on every way out",
    [(least_js(slope) - collapsed_js).max() for slope in (0.25, 0.375)],
    above=1e-4,
)

# %% [markdown]
# So the correct statement is: the discriminator sees collapse, and $V$ rewards every mode that is won. Collapse is a
# **local minimum by displacement**. A steep generator walks out of it. It is a trap for generators whose slope stays
# below a bound, and that bound depends on the loss.
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
slopes = torch.linalg.svdvals(torch.stack(rows, -2).detach())[..., 0] / gap
largest = slopes.amax(1).cpu()  # (members,)

# %% tags=["hide-input"]
claim(
    "parked-generators-are-flat",
    "largest slope of those on one mode, and 1 / that of the others",
    torch.where(on_one, largest, 1 / largest),
    below=1.0,
)

# %% [markdown]
# Those on one mode are flat, and those that reach several are steep somewhere, as {prf:ref}`thm-bridges` says they must
# be. A network that begins to move samples begins with the slope that it has. That fits the parked generators, which
# stay parked although a steeper one could walk out.
#
# ## Hopping
#
# There is a second kind of collapse, more often shown than this first one {cite}`metz2017`: the generator "rotates
# through the modes" {cite}`xu2020`. It needs narrower modes (standard deviation 0.02) and a discriminator that is
# always a little behind: one hidden layer, one step per iteration, a small learning rate. We played that game 16 times
# with each of the two losses, for 3000 iterations, in nearly the setting of the well-known figure. Every 25 steps we
# recorded which mode has the most samples (it *leads*), with what share, and at which angle the mean of all samples is.
# The table is about the second half of each run.

# %% tags=["hide-input"]
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

# %% tags=["hide-input"]
record = recorded("hopping").result
hops = {game["objective"]: game for game in record["games"]}
restless, on_modes, rows = [], [], []
for name, game in hops.items():
    share, leaders, winding = (
        torch.tensor(game[name]) for name in ("share", "leaders", "winding")
    )
    restless += (
        (share >= 0.7) & (leaders >= 5) & (winding.abs() >= 2)
    ).tolist()
    middle = share.median(), leaders.median(), winding.abs().median()
    rows.append([name, *"{:.2f} {:g} {:.1f}".format(*middle).split()])
    on_modes += game["quality"]
show_table(
    ["game", "share of the leading mode", "modes that led", "turns"], rows
)
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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Top: six square panels with the eight modes as rings and the samples of one generator at steps 500, 1000, up to 3000: a small cloud each time, at another place of the circle. Bottom: turns of the mean sample over steps, 32 lines that start together and fan out into two bundles, some going up and some going down, steadily, to about nine turns in either direction; a few change direction in the first half."}, "figure": {"name": "fig-hopping", "caption": "Narrow modes. Top: one generator with the loss −log D, every 500 steps. Bottom: how often the mean of the samples has gone round, for 16 seeds with each loss. In the second half the same seed goes the same way with either loss."}}
shown = hops["non-saturating"]["snapshots"]
snapshots = {
    f"step {step}": torch.tensor(samples)
    for step, samples in zip(shown["steps"], shown["samples"], strict=True)
}
turns = {name: torch.tensor(game["turns"]).T for name, game in hops.items()}
plot_mean_turns(snapshots, distribution.means, record["steps"], turns)
plots.show()

# %% [markdown]
# All of them go round, while our collapsed generators with $k=5$ are parked, most of them for the last 250 steps. But
# nothing *sits* on a mode here: the cloud is nearest to one, and hardly one sample in a hundred is of high quality.
#
# What we see is the rotation of {doc}`lesson 4 <04_no_equilibrium>`, in a larger game. The generator is near a mode;
# the discriminator learns that samples from there are mostly fake; until it has learnt that the neighbouring place is
# *also* suspect, its slope points there; the generator goes there; the discriminator follows. This takes a
# discriminator that lags. With $k=5$ and a large learning rate it does not lag, and the generator is parked. How far it
# lags in the chase is seen in what it says:

# %%
chase = mode_collapse.train_on_narrow_ring(
    "non-saturating", members=2, steps=300, evaluate_every=300
)
with torch.no_grad():
    says = chase.critic(chase.samples[-1].to(made.device)).sigmoid()

# %% tags=["hide-input"]
claim(
    "hopping-discriminator-lags",
    "D on the samples of a chase, least and most",
    [says.min(), says.max()],
    equals=0.5,
    atol=0.03,
)
ways = torch.tensor([game["winding"] for game in hops.values()])
claim(
    "hopping-is-one-game",
    "turns with -log D, less those with log(1 - D), seed by seed",
    ways[0] - ways[1],
    above=-0.5,
    below=0.5,
)

# %% [markdown]
# Its verdict stays within 0.03 of $\frac12$. There $\log(1-D)$ and $-\log D$ have nearly the same slope in the logit,
# $-\frac12$, so the two losses play nearly *one and the same game*, and in the figure they go round together, seed by
# seed.
#
# ## Is the loss to blame?
#
# It has been suggested {cite}`xu2020` that collapse comes from the $\operatorname{KL}(p_g\,\|\,p_r)$ in what the loss
# $-\log D$ descends, {eq}`eq-ns-objective`. The idea is natural. This KL is an average over what the generator makes,
# so it punishes samples where there are no data, and ignores data that are never generated; fitted with one Gaussian it
# chooses a mode (lesson 1). There are two ways to test the idea. First, the arithmetic: on $m$ of 8 modes the two losses
# descend, up to a constant,
#
# $$ 2\operatorname{JS}\qquad\text{and}\qquad\operatorname{KL}(p_g\|p_r)-2\operatorname{JS}=\log\tfrac8m-2\operatorname{JS} . $$ (eq-two-losses)

# %% tags=["hide-input"]
reverse, forward = kl_divergence(p_g, p_r), kl_divergence(p_r, p_g)
descended = reverse - 2 * js
show_table(
    [
        "$m$",
        "$2\\operatorname{JS}$",
        "$\\log\\frac8m-2\\operatorname{JS}$",
        "$\\operatorname{KL}(p_r,p_g)$",
    ],
    [
        [f"{m:.0f}", *(f"{own:.3f}".replace("inf", "∞") for own in three)]
        for m, *three in list(
            zip(covered, 2 * js, descended, forward.abs(), strict=True)
        )
        if m in (1, 2, 4, 7, 8)
    ],
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
# *Both* fall with every mode that is won. A divergence that is minimised within a small family of distributions can
# have a mode-seeking minimum; a generator that can make all eight modes has its minimum there, for either loss. (The KL
# the other way round, in the last column, would be the only one to *forbid* collapse. GANs do not use it.) What this
# arithmetic leaves out is the way from here to there: {numref}`fig-carry` has a higher wall for $-\log D$. Second, the
# population of {numref}`fig-collapse-ring`, seed by seed:

# %% tags=["hide-input"]
apart = {
    (k, what): paired_difference(
        games["ring", "non-saturating", k][what],
        games["ring", "minimax", k][what],
        comparisons=4,
    )
    for k in (1, 5)
    for what in ("modes", "quality")
}
show_table(
    ["$k$", "measure", "$-\\log D$", "$\\log(1-D)$", "difference",
     "told apart"],
    [
        [k, what, *(
            f"{games['ring', name, k][what].median():.2g}"
            for name in ("non-saturating", "minimax")
        ), f"{seen.difference:+.1f}", "yes" if seen.told_apart else "no"]
        for (k, what), seen in apart.items()
    ],
)  # fmt: skip
claim(
    "xu-collapse-kl-culprit",
    "k = 5: modes lost / 8, quality gained with -log D, lower ends",
    [-apart[5, "modes"].high / 8, apart[5, "quality"].low],
    above=0.5,
)

# %% [markdown]
# At $k=1$ neither collapses, as a rule, though the quality with $-\log D$ is a little worse. At $k=5$ the generator with
# $-\log D$ concentrates on one mode; with $\log(1-D)$ it remains spread over all eight, and bad. Does that convict the
# KL? It fits: concentration on good samples is what a mode-seeking loss would look like. But there is a plainer reading.
# Against a strong discriminator the slope of $\log(1-D)$ dies (lesson 5), and a generator that does not learn does not
# collapse either. In this setting the loss plays a part. That is all that the experiment says.
#
# ## Looking ahead: the unrolled GAN
#
# If the trouble is that the generator runs to where the discriminator *is not yet*, let it take into account where the
# discriminator *will be* {cite}`metz2017`. Write $\varphi$ for the discriminator's parameters, and let it take $K$
# further, hypothetical steps,
#
# $$ \varphi^0=\varphi,\qquad\varphi^{j+1}=\varphi^j+\eta\,\nabla_\varphi V(\varphi^j,\theta) . $$ (eq-lookahead)
#
# The end $\varphi^K$ depends on $\theta$. With $L_G(\varphi,\theta)$ for the generator's loss, the generator descends
# $f_K(\theta)=L_G(\varphi^K,\theta)$, and by the chain rule
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

# %% [markdown]
# The slope for $x$ is $y+2K\eta x$: half of the new term comes from each part of {eq}`eq-unrolled-gradient`. It is
# *friction*. For $K=0$ simultaneous steps spiral out, $|\lambda|^2=1+\eta^2$; one step of foresight is enough to
# make them spiral in (the eigenvalues are conjugate for $K\eta<1$).
#
# Now GANs. In the loop above only the generator's loss changes. Keep the graph of $D$'s hypothetical steps, and
# `backward` finds both terms. (In scores, $-\log D$ is `softplus(-score)`, by {eq}`eq-logits`.)


# %%
def unrolled_loss(G, D, z, real, K, lr):
    """-log D(G(z)) for the D that K further steps of its own would make."""
    phi, fake = dict(D.named_parameters()), G(z)
    for _ in range(K):
        on_real, on_fake = (
            functional_call(D, phi, x) for x in (real, fake)
        )
        d_loss = (softplus(-on_real) + softplus(on_fake)).mean()
        slopes = torch.autograd.grad(
            d_loss, phi.values(), create_graph=True
        )  # they depend on G
        for name, slope in zip(phi, slopes, strict=True):
            phi[name] = phi[name] - lr * slope  # D itself stays as it was
    return softplus(-functional_call(D, phi, fake)).mean()


# %% tags=["hide-input"]
small_G, small_D = network(2, 8, 2).double(), network(2, 8, 1).double()
z, real = torch.randn(2, 64, 2).double()
ahead = [small_G, small_D, z, real, 3, 0.5]
by_backward = torch.autograd.grad(
    unrolled_loss(*ahead), small_G.parameters()
)
values = []
for side in (1e-6, -2e-6):  # up along its own slope, then down
    with torch.no_grad():
        for weight, slope in zip(
            small_G.parameters(), by_backward, strict=True
        ):
            weight += side * slope
    values.append(unrolled_loss(*ahead).item())
claim(
    "unrolled-gradient",
    "three steps ahead: rise along the gradient over its length squared",
    (values[0] - values[1])
    / 2e-6
    / sum(slope.square().sum() for slope in by_backward),
    equals=1.0,
    atol=1e-4,
)

# %% [markdown]
# `Config(unrolled=K)` does this with the discriminator's own optimizer, Adam. The ring and the networks are those from
# the beginning, with 32 members for each $K$, recorded.

# %% tags=["hide-input"]
unrolled = {
    (game["n_critic"], game["unrolled"]): game
    for game in recorded("unrolling").result["games"]
}
show_table(
    ["$k$", "$K$", "all eight modes", "one mode", "quality", "$W_1$"],
    [
        [k, K, *(f"{game['modes'].count(n)} of {len(game['modes'])}"
                 for n in (8, 1)),
         *(f"{median_interval(torch.tensor(game[what])).estimate:.2f}"
           for what in ("quality", "w1"))]
        for (k, K), game in unrolled.items()
    ],
)  # fmt: skip

# %% tags=["hide-input"]
steps_ahead = {"w1": ((1, 5, 0), (1, 10, 5)), "modes": ((5, 5, 0),)}
gains = {
    own: paired_difference(
        *(torch.tensor(unrolled[own[0], K][what]) for K in own[1:]),
        comparisons=3,
    )
    for what, settings in steps_ahead.items()
    for own in settings
}

claim(
    "unrolling-helps-the-laggard",
    "k = 1: W₁ with K = 5 less that with K = 0, upper end",
    gains[1, 5, 0].high,
    below=-0.1,
)
claim(
    "unrolling-ten-as-five",
    "k = 1: W₁ with K = 10 less that with K = 5, both ends",
    [gains[1, 10, 5].low, gains[1, 10, 5].high],
    above=-0.12,
    below=0.12,
)

# %% tags=["hide-input"]
claim(
    "unrolling-no-help-at-five",
    "k = 5: modes gained by K = 5, upper end",
    gains[5, 5, 0].high,
    below=0.5,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with a row for each of K = 0, 1, 5, 10 steps of foresight at k = 1 and K = 0, 5 at k = 5: first the exact distance W1 to the data, then the share of high quality. At k = 1, foresight of five or ten steps gathers all members near 0.4, with quality 0.36, while without foresight they are spread from 0.45 to 1.7. At k = 5 nearly all members are near 2.5 with quality 1, with foresight or without."}, "figure": {"name": "fig-unrolling", "caption": "Foresight of K steps, for a discriminator that takes k steps per iteration; 32 members each, 95% intervals of the median."}}
panels = plots.axes(1, 2, height=3.4, sharey=True)
for ax, what in zip(panels, ("w1", "quality"), strict=True):
    seen = {
        f"k = {k}, K = {K}": torch.tensor(game[what])
        for (k, K), game in unrolled.items()
    }
    ends = {name: median_interval(own) for name, own in seen.items()}
    plots.member_rows(ax, seen, intervals=ends)
panels[0].set(xlabel="exact W₁ to the data", xlim=(0, None))
panels[1].set(xlabel="share of high quality", xlim=(0, 1.02))
plots.show()

# %% [markdown]
# With $k=1$, foresight does what it promises: from $K=0$ to $K=5$ the distance to the data falls by about half, the
# share of high quality doubles, and nearly all members cover all eight modes. Ten steps are as good as five: the mean
# distances differ by at most about a tenth. With $k=5$ it does *not* help: it wins no modes. That fits what we have
# seen. Foresight is a remedy for a discriminator that lags, which the generator would otherwise outrun. A discriminator
# that is nearly optimal has no answer left to foresee, and the trap of {numref}`fig-collapse-trap` is there with the
# optimal one, too. And foresight has its price: each generator step pays for $K$ steps of the discriminator and for
# differentiating through them.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-dstar-on-five-modes
# The data are a grid of 25 equal modes. A generator covers five of them perfectly, with equal shares. What does the
# optimal discriminator say about its samples?
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
# :label: ex-slope-for-one-percent
# *A derivation.* A generator turns one noise number $t\sim N(0,1)$ into one point where $t<0$ and into another, at the
# distance $g$, where $t>0$, but for a short stretch around 0 on which it climbs from one to the other. Derive from
# {eq}`eq-bridge` that at least a share of about $\frac g{L\sqrt{2\pi}}$ is in between when $L$ is large. How steep must
# the generator be, in gaps per standard deviation, if no more than one sample in a hundred may be in between?
# :::
#
# :::{hint}
# :class: dropdown
# For large $L$ the expectation in {eq}`eq-bridge` is over $z<0<z'$. Write the pair $(z,z')$ in polar coordinates: what
# is the density of $R$, and how is the angle distributed?
# :::

# %%
answer = ...
check("slope-for-one-percent", answer)

# %% [markdown]
# :::{solution} ex-slope-for-one-percent
# :class: dropdown
# For large $L$ the stretch is negligible, so the expectation is over $z<0$, $z'>0$ (or the other way round).
#
# 1. The pair $(z,z')$ has the density $\frac1{2\pi}e^{-R^2/2}$ in the plane. In polar coordinates the area element is
#    $R\,dR\,d\alpha$, so the angle $\alpha$ is uniform and independent of $R$, which has the density $R\,e^{-R^2/2}$.
# 2. The event $z<0<z'$ is a quadrant of the plane, and has the probability $\frac14$.
# 3. The mean of $\frac1R$ is the area under half of a bell,
#
#    $$ \mathbb E\,\frac1R=\int_0^\infty\frac1R\,R\,e^{-R^2/2}\,dR=\int_0^\infty e^{-R^2/2}\,dR=\sqrt{\frac\pi2} . $$
#
# 4. So the bound is $\frac{4g}{\pi L}\cdot\frac14\sqrt{\frac\pi2}=\frac g{L\sqrt{2\pi}}$. A generator that climbs with
#    the slope $L$ all the way reaches it: the stretch has the length $g/L$, and the noise has the density
#    $\frac1{\sqrt{2\pi}}$ there. So the bound cannot be improved.
# 5. With $g=1$ gap and a share of 0.01, $L=1/(0.01\sqrt{2\pi})\approx40$.
#
# ```python
# answer = 1 / (0.01 * math.sqrt(2 * math.pi))
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
# Write the function behind the lower half of {numref}`fig-hopping`: from `angle`, a tensor of shape (steps,) with
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
# - Collapse is counted: modes covered *and* share of high quality, over a population. Either number alone can be perfect
#   for a useless generator.
# - Whether a game collapses depends on the setting as much as on the objective. On the ring the usual GAN collapses
#   with five discriminator steps per iteration and not with one; WGAN-GP is the other way round.
# - The discriminator sees collapse, and $V(D^*,G)$ falls with every mode won. But among generators whose samples are
#   displaced a little, collapse is a minimum.
# - A continuous generator has samples between any two modes that it covers, the fewer the steeper it is. A bound on its
#   slope makes collapse a trap, with $-\log D$ a deeper one; a steep generator walks out.
# - With a lagging discriminator, collapse is an endless chase. There $D$ is near $\frac12$, and both losses play one
#   game.
# - Both losses fall with every mode won. That the KL of $-\log D$ is to blame is a conjecture.
# - Unrolling lets the generator see the discriminator's answer. On $xy$ it is friction; on the ring it helps where the
#   discriminator lags.
#
# **Sources.** The hopping generator is from {cite}`metz2017`, and so is unrolling; modes have been counted in this way
# since {cite}`srivastava2017`; what the losses descend is from {cite}`arjovsky2017principled`. That a continuous
# generator must draw samples between disconnected modes is the theme of {cite}`tanielian2020`. The presentation follows
# {cite}`weng2019` and {cite}`xu2020`; what had to be corrected is listed under {doc}`errata`.
