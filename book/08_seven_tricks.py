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
# # 8 · Seven tricks
#
# Every text on GANs has a page with the same list: feature matching, minibatch discrimination, historical averaging,
# one-sided label smoothing, virtual batch normalisation, noise, a better metric. Each item gets a sentence, and the
# reader is left to take it on trust. **What does each of these tricks change in the loop, what does it do to a
# population of GANs that would otherwise collapse, and what does it cost?**
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** which of the two players each trick concerns, and what it is supposed to do; how to plug
# it into the training loop in a few lines, and how to test these lines; which tricks bring back lost modes, which do
# nothing of the kind, and what price is paid for the modes; and how a discriminator can learn to read digits from a
# handful of labels.
#
# **You need** {doc}`lesson 2 <02_the_game>` for the loop, {doc}`lesson 3 <03_optimal_discriminator>` for the optimal
# discriminator, {doc}`lesson 4 <04_no_equilibrium>` for the game $xy$, {doc}`lesson 6 <06_mode_collapse>` for collapse,
# and {doc}`lesson 7 <07_seeing_collapse>` for controls.
#
# **It takes** about 89 minutes to read with the exercises, and less than a minute to run on a laptop.
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
from statistics import fmean

import sympy
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from gantut import lipschitz, networks, objectives, plots
from gantut.checks import claim
from gantut.data import gaussian, grid, ring
from gantut.device import random_source
from gantut.divergences import js_between, js_divergence
from gantut.lessons import check, recorded, seven_tricks, show_table
from gantut.lessons.seven_tricks.plots import plot_measure_table
from gantut.metrics import (
    exact_w1,
    median_interval,
    mode_coverage,
    paired_difference,
)
from gantut.networks import MLP
from gantut.objectives import discriminator_loss

# %% [markdown]
# ## The loop, with its places for tricks
#
# Here is the loop of lesson 6 once more, on the ring, with both losses left open: each is a function of the
# discriminator and of two batches. Every trick below is a few lines that go into one of these places, or into a
# network.


# %%
def network(*sizes):
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)


def usual_d_loss(D, real, fake):
    on_real = binary_cross_entropy_with_logits(D(real), ones)
    return on_real + binary_cross_entropy_with_logits(D(fake), zeros)


def usual_g_loss(D, real, fake):  # -log D; real is there for a trick
    return binary_cross_entropy_with_logits(D(fake), ones)


# %%
def play(G, D, d_loss=usual_d_loss, g_loss=usual_g_loss, k=5, steps=1000):
    """The loop of lesson 6: k steps of D, then one of G."""
    for_D, for_G = (
        torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.0, 0.9))
        for net in (D, G)
    )
    for step in range(steps * (k + 1)):
        real, fake = ring().sample(64).float(), G(torch.randn(64, 16))
        if step % (k + 1) < k:
            for_D.zero_grad(), d_loss(D, real, fake.detach()).backward()
            for_D.step()
        else:
            for_G.zero_grad(), g_loss(D, real, fake).backward()
            for_G.step()


# %% [markdown]
# ### A fair trial
#
# To find out whether a remedy works, one needs patients. Lesson 6 has them: the usual GAN on the ring with **five
# discriminator steps per iteration**, where most members of a population end on a single mode
# ({numref}`fig-collapse-ring`). We play that game again and again, from the same random numbers, each time with one
# trick added and everything else unchanged.
#
# A trick has settings, and whoever recommends it has tried several. So **each has four tries**, written down before any
# was played, and the game without a trick has four as well: the learning rates of its two players. A try is four
# members. The settings with the smallest mean distance $W_1$ then play with 64 members, on seeds that had no part in
# the choice. The game *as it is*, untuned, plays too. There are three such trials, each with tries of its own: the ring
# with five discriminator steps and with one, and the grid of lesson 7. They were played beforehand
# (`python -m gantut.lessons tricks tricks-on-grid`); two of the games are repeated live below.


# %% tags=["hide-input"]
def row(game):
    """What is compared: the distribution, steps of the discriminator, trick."""
    return game["distribution"], game["n_critic"], game["trick"]


trials = [recorded(name).result for name in ("tricks", "tricks-on-grid")]
settings, tries, games = {}, {}, {}
for trial in trials:
    for game in trial["tuning"]:
        tries.setdefault(row(game), []).append(game)
    for game in trial["games"]:
        settings[row(game)] = game["settings"]
        games[row(game)] = {
            name: torch.tensor(game[name])
            for name in ("modes", "quality", "w1")
        }

# %% tags=["hide-input"]
excess = []
for (where, steps, trick), own in settings.items():
    four = tries[where, steps, trick.removesuffix(", tuned")]
    means = {str(one["settings"]): fmean(one["w1"]) for one in four}
    assert len(means) == 4, "as many tries for each"
    if trick != "none":
        excess.append(means[str(own)] - min(means.values()))
claim(
    "tricks-tuning",
    "mean W₁ of the settings that play, less the least of four tries",
    excess,
    equals=0.0,
)

# %% [markdown]
# The outcome is judged by three numbers: how many of the eight **modes** are covered, what share of the samples is of
# high **quality**, and the exact distance $W_1$ between samples and data. No single one will do, as three *controls*
# show: fresh data, the data of one mode alone, and uniform noise in a square.

# %% tags=["hide-input"]
controls = {}
for where, truth in (("ring", ring()), ("grid", grid())):
    reference = truth.sample(500, generator=random_source(1))
    data = truth.sample(25_000, generator=random_source(8))
    square = 5 * torch.rand(2500, 2, generator=random_source(2)) - 2.5
    near = (data - data[0]).norm(dim=1) < 0.5
    samples = {
        "data": data[:2500],
        "one mode": data[near][:500],
        "noise": square,
    }
    for what, x in samples.items():
        found = mode_coverage(x.double(), truth)
        w1 = exact_w1(x[:500].double(), reference)
        controls[where, what] = [
            found.covered,
            found.high_quality_fraction,
            w1,
        ]
show_table(
    ["control", "modes", "quality", "$W_1$"],
    [
        [", ".join(name), *"{:.0f} {:.2f} {:.2f}".format(*found).split()]
        for name, found in controls.items()
    ],
)

# %% tags=["hide-input"]
claim(
    "tricks-controls",
    "uniform noise: share of modes that it misses, and its quality",
    [1 - controls["ring", "noise"][0] / 8, controls["ring", "noise"][1],
     1 - controls["grid", "noise"][0] / 25, controls["grid", "noise"][1]],
    below=0.12,
)  # fmt: skip

# %% [markdown]
# One mode has perfect quality. Noise misses no mode and is not even far from the data, and only its quality gives it
# away.
#
# For each population we show the median, and the **mean difference, seed by seed**, from the game as it is and from the
# tuned one. Members of two populations share their seeds, so they are compared in pairs: the interval in brackets holds
# all differences that a test with random signs of the 64 pairs does not reject. (Whether the intervals of two
# populations overlap is no test: it ignores the pairs, and asks for too much.) It is so wide that all 66 comparisons of
# a trial hold together with 95% confidence. Where it contains 0, the two are not told apart, and the interval says what
# difference is excluded.


# %% tags=["hide-input"]
COMPARED = 66  # in each trial: 11 with "none", 10 with "none, tuned", and
# the two normalisations with each other; in three measures


def versus(reference, trick, name, trial=("ring", 5)):
    """The mean difference of two recorded populations, seed by seed."""
    with_it, without = (
        games[*trial, own][name] for own in (trick, reference)
    )
    return paired_difference(with_it, without, comparisons=COMPARED)


def as_text(found):
    """A difference and its interval."""
    return (
        f"{found.difference:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
    )


def report(*tricks, references=("none", "none, tuned")):
    """How recorded populations do on the ring with k = 5."""
    names = {
        "none": "from the game as it is",
        "none, tuned": "from the tuned one",
    }
    show_table(
        ["trick", "measure", "median", *(names[own] for own in references)],
        [
            [trick, name.replace("w1", "$W_1$"), f"{values.median():.2f}",
             *("–" if own == trick else as_text(versus(own, trick, name))
               for own in references)]
            for trick in tricks
            for name, values in games["ring", 5, trick].items()
        ],
    )  # fmt: skip


report("none", "none, tuned", references=["none"])

# %% tags=["hide-input"]
as_it_is = games["ring", 5, "none"]
claim(
    "tricks-patient",
    "the game as it is: 3 less the median of modes, and quality less 0.85",
    [
        3 - median_interval(as_it_is["modes"]).high,
        median_interval(as_it_is["quality"]).low - 0.85,
    ],
    above=0.0,
)

# %% [markdown]
# This is the patient: one mode, and on it nearly perfect. The second game shows how far the choice among four pairs of
# learning rates takes it *without any trick*: whoever recommends a trick should have compared with that.
#
# ## 1 · Feature matching
#
# The generator's aim is usually set by the discriminator's output. **Feature matching** {cite}`salimans2016` sets it by
# a whole layer. Let $f(x)\in\mathbb R^d$ be the values of a hidden layer of the discriminator. The discriminator is
# trained as before, with its own loss; the *generator* descends
#
# $$ L_G=\big\|\mathbb E_{x\sim p_r}f(x)-\mathbb E_{z\sim p_z}f(G(z))\big\|_2^2 . $$ (eq-feature-matching)
#
# (Weng's text gives this loss to the discriminator, and speaks of comparing means or medians. A discriminator that made
# its features agree would be working for the other side; and a difference of expectations compares means, whatever $f$
# is.) In the loop, it replaces the generator's loss:


# %%
def feature_matching(D, real, fake):
    """Equation (8.1): the features are all of D but its last layer."""
    gap = D[:-1](real).mean(0) - D[:-1](fake).mean(0)
    return gap.square().sum()


# play(G, D, g_loss=feature_matching)

# %% [markdown]
# With batches of $n$ samples, features $h_i=f(G(z_i))$, and the means $\bar f_r$ and $\bar h$ of the features of both
# batches, the gradient with respect to each generated feature vector is
#
# $$ \frac{\partial L_G}{\partial h_i}=-\frac2n\big(\bar f_r-\bar h\big) , $$ (eq-feature-pull)
#
# the same for all samples. Compare this with $-\log D$, where $D=\sigma(w\cdot h+b)$: there the pull on $h_i$ is along
# $w$, which depends on no other sample. Every one of them is sent where $D$ is high, however many are there already. By
# {eq}`eq-feature-pull` they are sent where *the batch* lacks something, only until the means agree, and back if there
# are too many. The pull vanishes exactly when the means agree, however different the samples are.

# %% tags=["hide-input"]
features_only = torch.nn.Sequential(
    torch.nn.Identity(), torch.nn.Identity()
)
h_real, h_fake = torch.randn(2, 64, 8, generator=random_source(0)).double()
h_fake = (2 * h_fake + 1).requires_grad_()
loss = feature_matching(features_only, h_real, h_fake)
(pull,) = torch.autograd.grad(loss, h_fake)  # (64, 8)
apart = h_real.mean(0) - h_fake.mean(0)
agreed = (h_fake + apart).detach().requires_grad_()  # in their means alone
(rest,) = torch.autograd.grad(
    feature_matching(features_only, h_real, agreed), agreed
)

# %% tags=["hide-input"]
claim(
    "feature-matching-pull",
    "64 times the pull plus twice the gap of the means; and without a gap",
    torch.cat([64 * pull + 2 * apart, rest]),  # no pull where means agree
    equals=0.0,
    atol=1e-12,
)

# %% [markdown]
# **What it can see.** A loss of 0 says that mean features agree, not that the distributions do. With a *linear* feature
# $f(x)=wx$ it cannot tell $N(0,1)$ from $N(0,2)$. Two ReLU units, $\max(x,0)$ and $\max(-x,0)$, can. As
# $\mathbb E\max(x,0)=s/\sqrt{2\pi}$ for $N(0,s)$, each of them adds $(2-1)^2/2\pi$ to the loss, which is $1/\pi$ in
# all. So everything depends on the features that the discriminator has learnt.
#
# :::{admonition} Further: what kind of distance it is
# :class: dropdown
# By Cauchy and Schwarz, over all directions $w$ of length at most 1,
#
# $$ \max_{\|w\|\le1}\ \mathbb E_{p_r}\,w\cdot f(x)-\mathbb E_{p_g}\,w\cdot f(x)=\big\|\mathbb E_{p_r}f-\mathbb E_{p_g}f\big\|_2 . $$
#
# On the left is a critic that is linear in the features, and has no logarithm. The root of {eq}`eq-feature-matching` is
# the largest difference of averages over a family of functions: the kind of distance that lessons 10 to 13 are about.
# :::

# %% tags=["hide-input"]
q = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
narrow = torch.special.ndtri(q)[:, None]  # N(0, 1) as 20,000 quantiles
two_units = [torch.cat([x.relu(), (-x).relu()], 1)
             for x in (narrow, 2 * narrow)]  # fmt: skip
w = torch.randn(8, 10_000, generator=random_source(6)).double()
w = torch.cat([w / w.norm(dim=0), (apart / apart.norm())[:, None]], 1)
gaps = (h_real @ w).mean(0) - (h_fake.detach() @ w).mean(
    0
)  # of the critics
largest = gaps.max()

# %% tags=["hide-input"]
claim(
    "feature-matching-sees",
    "N(0, 1) and N(0, 2): the loss of a linear feature, and of two ReLUs",
    [
        feature_matching(features_only, narrow, 2 * narrow),
        feature_matching(features_only, *two_units),
    ],
    equals=[0.0, 1 / math.pi],
    atol=1e-3,
)
claim(
    "feature-matching-critic",
    "largest gap over 10,001 directions, and that of the last, squared",
    [largest**2, gaps[-1] ** 2],
    equals=loss.item(),
    rtol=1e-9,
)

# %% [markdown]
# **What it does.** Its four tries are the means of the last layer; means and standard deviations, of the last layer or
# of both; and these added to $-\log D$ instead of put in its place. Here is the recorded population, and two of the
# games live: eight members of the game as it is, and the same eight seeds with the trick.

# %%
live = {
    trick: seven_tricks.train_with_trick(
        trick, settings=settings["ring", 5, trick], members=8
    )
    for trick in ("none", "feature matching")
}
report("feature matching")

# %% tags=["hide-input"]
won = [versus("none", "feature matching", "modes").low,
       paired_difference(live["feature matching"].modes,
                         live["none"].modes).low]  # fmt: skip
claim(
    "trick-feature-matching",
    "modes won, at the least: 64 recorded pairs, and 8 live ones",
    won,
    above=2.0,
)

# %% [markdown]
# **Modes come back**: that is what a loss of the whole batch is for. But the statistics of features can agree without
# the samples being sharp. So look at the quality, and compare it with that of uniform noise, which has all modes as
# well.
#
# :::{admonition} Try it
# :class: tip
# Run `G, D = network(16, 64, 64, 2), network(2, 64, 64, 1)` and `play(G, D, g_loss=feature_matching)`, and draw
# `G(torch.randn(1000, 16))`. Then match the first hidden layer instead, `D[:-3]`. Which of the two keeps the modes?
# Which has the better quality?
# :::
#
# ## 2 · Minibatch discrimination
#
# A discriminator that looks at one sample at a time cannot notice that they are all alike. So let it see the batch: for
# each sample, how close it is to the others {cite}`salimans2016`. From the features $f(x_i)$ and a learnt tensor $T$
# come $B$ rows of $C$ numbers for each sample, $M_i=f(x_i)\,T$, and
#
# $$ c_b(x_i,x_j)=e^{-\|M_{i,b}-M_{j,b}\|_1},\qquad o(x_i)_b=\sum_{j=1}^nc_b(x_i,x_j) . $$ (eq-closeness)
#
# The $B$ numbers $o(x_i)$ join the *features* $f(x_i)$ on their way to the last layer (not "the input of the model", as
# is sometimes written). Real and generated samples come in separate batches. The sum includes $x_i$ itself, at distance
# 0, so that $1\le o\le n$. In the loop, this is another discriminator:


# %%
def minibatch_similarity(f, T):
    """Equation (8.3): features (n, d) and T (d, B, C) to (n, B)."""
    M = torch.einsum("nd,dbc->nbc", f, T)
    distance = (M[:, None] - M[None]).abs().sum(-1)  # (n, n, B)
    return torch.exp(-distance).sum(1)


class BatchDiscriminator(torch.nn.Module):
    def __init__(self, B=4, C=4):
        super().__init__()
        self.features = network(2, 64, 64)
        self.T = torch.nn.Parameter(0.1 * torch.randn(64, B, C))
        self.last = torch.nn.Linear(64 + B, 1)

    def forward(self, x):
        f = self.features(x).relu()
        return self.last(torch.cat([f, minibatch_similarity(f, self.T)], 1))


# play(G, BatchDiscriminator())

# %% tags=["hide-input"]
source = random_source(1)
T = torch.randn(8, 16, 4, dtype=torch.float64, generator=source)
diverse = torch.randn(64, 8, dtype=torch.float64, generator=source)
copies = diverse[:1].repeat(64, 1)
order = torch.randperm(64, generator=source)
by_hand = minibatch_similarity(diverse, T)  # (64, 16)
M = torch.einsum("nd,dbc->nbc", diverse, T)
print(f"64 different samples: o is {by_hand.mean():.2f} on average")

# %% tags=["hide-input"]
claim(
    "trick-minibatch-discrimination",
    "64 copies: o less 64; and 64 samples reordered, less their o reordered",
    torch.cat([
        minibatch_similarity(copies, T) - 64,
        minibatch_similarity(diverse[order], T) - by_hand[order],
    ]),
    equals=0.0,
    atol=1e-12,
)  # fmt: skip

# %% [markdown]
# The numbers tell a collapsed batch from a diverse one at a glance. Is the problem solved, then? Lesson 6 has taught us
# to ask a second question: it is not enough that the discriminator *sees* collapse, it must have a *slope* that leads
# out.
#
# A discriminator of whole batches plays for the JS between the distributions of batches, $p_r^{\otimes n}$ and
# $p_g^{\otimes n}$. Let the generator be on one of eight modes that do not overlap, perfectly. There $p_g=8p_r$, so on
# batches from that mode the ratio of the two densities is $8^n$, a constant: $D^*$ is as flat as it was for single
# samples. And the argument of {eq}`eq-cell` goes through word for word, with batches in place of samples. Forget
# everything about a batch except whether all its samples are in the mode's cell: then whatever the generator does
# *inside the cell*,
#
# $$ \operatorname{JS}\big(p_r^{\otimes n}\,\big\|\,p_g^{\otimes n}\big)\ge\operatorname{JS}\Big(\big(8^{-n},1-8^{-n}\big)\,\Big\|\,(1,0)\Big), $$ (eq-batch-trap)
#
# with equality for the collapsed generator. So nothing is gained until samples leave the cell, and batches have only
# made the discriminator more certain. And when samples do leave, it depends on how *steep* the generator is, for
# batches as for single samples.
#
# :::{admonition} Further: walls for batches
# :class: dropdown
# Take two modes, at 0 and 1, and a generator that carries its samples from the one to the other on the slope $L$, those
# with a small $s\sim N(0,1)$ first: to $\min(\max(L(t-s),0),1)$, as $t$ grows. A discriminator may ask of each sample
# whether it is *here*, *there*, or more than 0.15 from both, *on the way*, where there are no data. Of $n$ samples, $k$
# are there with probability $\binom nka^{n-k}b^k$, if $a$ and $b$ are the shares here and there, and all other batches
# have at least one on the way. The table says how far JS rises above that of the collapsed generator. A gentle generator is
# trapped behind a wall, a steep one finds none, and looking at batches changes neither. (The optimal discriminator sees
# more than three places, and its JS on the way is larger still: so the wall is there for it as well. That there is none
# at slope 1 is true of this view only.)
# :::

# %% tags=["hide-input"]
mode = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
p_r = mode.repeat(8) / 8  # eight modes of three places each
p_g = torch.zeros(1000, 24, dtype=torch.float64)
p_g[:, :3] = torch.rand(1000, 3, generator=random_source(9)).double()
p_g[0, :3] = mode  # collapsed; the others are anything in the same cell
p_g /= p_g.sum(1, keepdim=True)
of_two, made = (
    (p[..., :, None] * p[..., None, :]).flatten(-2) for p in (p_r, p_g)
)
margin = js_divergence(of_two.expand_as(made), made) - js_divergence(
    [1 / 64, 63 / 64], [1.0, 0.0]
)
assert margin[0].abs() < 1e-12, "equality for the collapsed one"

claim(
    "minibatch-cell",
    "batches of two, 999 generators in the cell: JS less the right of (8.4)",
    margin[1:],
    above=0.0,
)


# %% tags=["hide-input"]
def batch_js(here, there, n):
    """JS of batches of n, seen as here, there, or on the way; data: half, half."""
    k = torch.arange(n + 1, dtype=torch.float64)
    ways = torch.exp(
        math.lgamma(n + 1) - (k + 1).lgamma() - (n - k + 1).lgamma()
    )
    drawn = ways * here ** (n - k) * there**k
    some_on_the_way = 1 - drawn.sum().clamp(max=1)
    data = torch.cat([ways / 2**n, torch.zeros(1)])
    return js_divergence(data, torch.cat([drawn, some_on_the_way[None]]))


def rise(slope, n):
    """By how much JS at most exceeds that of the collapsed generator."""
    t = torch.linspace(-5, 3, 161, dtype=torch.float64)
    here = torch.special.ndtr(0.15 / slope - t)  # s > t - 0.15/L
    there = torch.special.ndtr(t - 0.85 / slope)
    path = [
        batch_js(*shares, n) for shares in zip(here, there, strict=True)
    ]
    return max(0.0, (max(path) - batch_js(1.0, 0.0, n)).item())


# %% tags=["hide-input"]
show_table(
    ["slope $L$", "rise for $n=1$", "$n=2$", "$n=4$"],
    [
        [slope, *(f"{rise(slope, n):.3f}" for n in (1, 2, 4))]
        for slope in (0.25, 0.5, 1.0, 2.0)
    ],
)
claim(
    "minibatch-trap",
    "the wall at slope 1/2, for batches of 1, 2 and 4",
    [rise(0.5, n) for n in (1, 2, 4)],
    above=0.005,
)
claim(
    "minibatch-no-trap",
    "the wall at slope 1, for batches of 1, 2 and 4",
    [rise(1.0, n) for n in (1, 2, 4)],
    below=1e-4,
)

# %% [markdown]
# So the theory promises less than the idea does. What help there is must come from discriminators that are not optimal,
# and from batches that are not quite collapsed. The population:

# %% tags=["hide-input"]
report("minibatch discrimination")

# %% [markdown]
# Look at the modes and at $W_1$ together. A mode counts as covered as soon as it has one sample in a hundred; a few
# stragglers are enough to make a batch look diverse, and with shares as *unequal* as that $W_1$ stays large. And being
# unlike each other is not the same as being like the data: the quality is only a little above that of noise.
#
# ## 3 · Historical averaging
#
# The next trick is about parameters, and it is for both players. A penalty is added to each player's loss for its
# distance from its own average so far:
#
# $$ \lambda\,\big\|\Theta_t-\bar\Theta_t\big\|^2,\qquad\bar\Theta_t=\frac1t\sum_{i=1}^t\Theta_i . $$ (eq-historical)


# %%
def with_history(loss, net, weight):
    """A loss with the penalty (8.5) for a network's parameters."""
    average = [w.detach().clone() for w in net.parameters()]
    times = itertools.count(2)

    def penalised(D, real, fake):
        t, distance = next(times), 0
        for mean, w in zip(average, net.parameters(), strict=True):
            mean += (w.detach() - mean) / t  # no gradient through the past
            distance = distance + (w - mean).square().sum()
        return loss(D, real, fake) + weight * distance

    return penalised


# play(G, D, with_history(usual_d_loss, D, 0.01),
#      with_history(usual_g_loss, G, 0.01))

# %% [markdown]
# It is often said to punish parameters that change too quickly. It does not: a quick move *through* the average is
# free, and parameters at rest far from it pay for ever. What it does can be worked out on the game $xy$ of lesson 4,
# where simultaneous steps spiral outwards. With $w=x+iy$ as in {eq}`eq-complex`, an iteration reads
#
# $$ w\leftarrow w+\eta\,\big(iw-2\lambda(w-\bar w)\big),\qquad\bar w\leftarrow\bar w+\tfrac1{t+1}(w-\bar w) . $$ (eq-history-round)
#
# Late in the game the average hardly moves, since $\frac1t$ is small. So there are two speeds. *Quickly*, with $\bar w$
# practically fixed, differences are multiplied by $1+\eta(i-2\lambda)$ in each iteration. They die out if
# $(1-2\eta\lambda)^2+\eta^2<1$, that is, if $4\lambda>\eta\,(1+4\lambda^2)$. Then $w$ is always close to the point
# where the bracket vanishes, $w=\frac{2\lambda}{2\lambda-i}\,\bar w$. *Slowly*, the average follows:
#
# $$ \frac{d\bar w}{dt}=\frac1t\,(w-\bar w)=\frac1t\,\frac{i}{2\lambda-i}\,\bar w=\frac{-1+2\lambda i}{1+4\lambda^2}\,\frac{\bar w}t . $$
#
# The solutions are powers of $t$ with this factor as the exponent, and its real part says how fast they shrink:
#
# $$ |w_t|\ \sim\ t^{-1/(1+4\lambda^2)} . $$ (eq-history-slow)
#
# **The circle is bent inwards if the weight is large enough; and the larger the weight, the slower the approach**,
# because the past is an anchor. For $\eta=0.1$ the least weight is a little above $\frac\eta4=0.025$. (There is a
# largest one as well, a little below $\frac1\eta=10$: beyond it the steps overshoot.)


# %%
def radii(weight, eta=0.1, iterations=5000):
    """The radius after each iteration (8.6) of the game xy from (1, 1)."""
    w, average, path = 1 + 1j, 0, [1 + 1j]
    for t in range(1, iterations + 1):
        average += (w - average) / t  # of w_1, ..., w_t
        w += eta * (1j * w - 2 * weight * (w - average))
        path.append(w)
    return torch.tensor(path).abs(), path


# %% tags=["hide-input"]
weights = (0.0, 0.1, 0.5, 1.0)
turned = {weight: radii(weight, iterations=50_000 if weight else 5000)
          for weight in weights}  # fmt: skip
powers = []
for weight in weights[1:]:
    far = turned[weight][0]
    powers.append(math.log10(far[50_000] / far[5000]))
show_table(
    ["weight", "radius at 5000", "radius at 50,000", "power of $t$"],
    [
        [weight, *(f"{turned[weight][0][t]:.1g}" for t in (5000, 50_000)),
         f"{power:.2f}"]
        for weight, power in zip(weights[1:], powers, strict=True)
    ],
)  # fmt: skip

# %% tags=["hide-input"]
claim(
    "trick-historical-averaging",
    "powers of t with which the radius falls, weights 0.1, 0.5 and 1",
    powers,
    equals=[-1 / (1 + 4 * weight**2) for weight in weights[1:]],
    atol=1e-3,
)

# %% tags=["hide-input"]
low_weights = (0.0, 0.01, 0.02, 0.024, 0.0265, 0.03)  # the bound is 0.02525
growth, quick = [], []
for weight in low_weights:
    far = radii(weight)[0]
    growth.append(math.log(far[5000] / far[2500]) / 2500)
    quick.append(math.log(abs(1 + 0.1 * (1j - 2 * weight))))

claim(
    "historical-averaging-threshold",
    "logarithm of the radius: growth in each iteration around the bound",
    growth,
    equals=quick,
    atol=5e-6,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: two paths of the game xy from the point (1, 1). Without historical averaging it spirals outwards to the edge of the plot; with weight 0.1 it curls inwards to the origin. Second panel: the radius over the iterations on logarithmic axes. Without, it shoots up; with weights 0.1, 0.5 and 1 it oscillates at first and then falls along straight lines, steepest for 0.1 and flattest for 1."}, "figure": {"name": "fig-history", "caption": "Historical averaging in the game xy, with η = 0.1. First panel: 200 iterations from (1, 1), without it (solid) and with the weight 0.1 (dashed). Second panel: the radius. The straight lines have the slopes of (8.7): the larger the weight, the slower."}}
left, right = plots.axes(1, 2, height=3.3)
routes = {}
for weight, name in ((0.0, "without"), (0.1, "λ = 0.1")):
    path = torch.tensor(turned[weight][1][:200])
    routes[name] = (path.real, path.imag)
plots.paths(left, routes, colours=[plots.INK, plots.THIRD])
for weight, colour, dash in zip(
    weights, (plots.INK, *plots.COLOURS), plots.DASHES, strict=False
):
    far = turned[weight][0]
    name = f"λ = {weight:g}" if weight else "without"
    far = far[: 700 if not weight else None]
    plots.lines(
        right, range(1, len(far) + 1), {name: far},
        colours=[colour], dashes=[dash],
    )  # fmt: skip
right.set(xscale="log", yscale="log", xlabel="iteration", ylabel="radius")
right.set(ylim=(5e-5, 40))
right.legend(fontsize=9, loc="lower left")
plots.show()

# %% [markdown]
# :::{admonition} Further: a harder game
# :class: dropdown
# The paper that proposed the trick has the game $V(x,y)=(f(x)-1)(y-1)$ with $f(x)=x$ below 0 and $f(x)=x^2$ above. Its
# equilibrium is $(1,1)$. Near it $f(x)-1\approx2(x-1)$, so this game turns twice as fast as $xy$, and by the same
# reasoning the weight must exceed about $\eta$. We play it from $(\frac12,0)$ with $\eta=0.05$.
# :::


# %% tags=["hide-input"]
def away(weight, eta=0.05, iterations=5000):
    """How far from the equilibrium (1, 1) 5000 iterations from (1/2, 0) end."""
    x, y, mean_x, mean_y = 0.5, 0.0, 0.0, 0.0
    for t in range(1, iterations + 1):
        mean_x, mean_y = (
            mean_x + (x - mean_x) / t,
            mean_y + (y - mean_y) / t,
        )
        value, slope = (x, 1) if x < 0 else (x * x, 2 * x)  # f and f'
        down_x = slope * (y - 1) + 2 * weight * (x - mean_x)
        down_y = -(value - 1) + 2 * weight * (y - mean_y)
        x, y = x - eta * down_x, y - eta * down_y
        if abs(x) + abs(y) > 1e6:
            return math.inf
    return math.hypot(x - 1, y - 1)


distances = {
    weight: away(weight) for weight in (0, 0.01, 0.04, 0.06, 0.1, 0.3, 1)
}

below, above = ([distances[weight] for weight in own]
                for own in ((0, 0.01, 0.04), (0.06, 0.1, 0.3, 1)))  # fmt: skip
claim(
    "historical-averaging-second-game",
    "the farthest end with a weight above η, over the nearest below it",
    max(above) / min(below),
    below=0.1,
)

# %% tags=["hide-input"]
report("historical averaging")

# %% [markdown]
# The theory above is about games that go *round*, and these do not: they are parked. (And with Adam, which rescales
# gradients, a weight means nothing from one game to the next.) Whatever the trick does here, it does for another
# reason, presumably that the generator's past, to which it is tied, was spread out. That is a guess, and not tested
# here.
#
# ## 4 · One-sided label smoothing
#
# The discriminator is a classifier with the labels 1 and 0. Give it $\alpha$ and $\beta$ instead, as probabilities. Weng
# suggests "values such as 0.9 and 0.1" and calls this one-sided. It is two-sided smoothing. In the **one-sided**
# kind real samples get 0.9 and generated ones keep their 0:


# %%
def smoothed(D, real, fake, alpha=0.9):
    on_real = binary_cross_entropy_with_logits(D(real), alpha * ones)
    return on_real + binary_cross_entropy_with_logits(D(fake), zeros)


# play(G, D, d_loss=smoothed)

# %% [markdown]
# Does it matter which side is smoothed? Where real samples have the density $A=p_r(x)$ and generated ones $B=p_g(x)$,
# the discriminator minimises at every point
#
# $$
# \begin{aligned}
# &-A\big(\alpha\log D+(1-\alpha)\log(1-D)\big)\\
# &-B\big(\beta\log D+(1-\beta)\log(1-D)\big) .
# \end{aligned}
# $$ (eq-smoothed-loss)
#
# Collect terms: $\log D$ has the weight $\alpha A+\beta B$, and $\log(1-D)$ has the rest of $A+B$. As in lesson 3, the
# optimum is the first weight's share of both:
#
# $$ D^*=\frac{\alpha p_r+\beta p_g}{p_r+p_g}=\beta+(\alpha-\beta)\,r,\qquad r=\frac{p_r}{p_r+p_g} . $$ (eq-smoothed-dstar)
#
# The generator with the loss $-\log D$ learns from $\nabla\log D^*$. Compare this with the slope for labels 1 and 0,
# which is $\nabla\log r$:
#
# $$ \nabla\log D^*=\frac{(\alpha-\beta)\,r}{\beta+(\alpha-\beta)\,r}\;\nabla\log r . $$ (eq-smoothed-pull)

# %% tags=["hide-input"]
A, B, alpha, beta, D, r = sympy.symbols("A B alpha beta D r", positive=True)
at_a_point = -A * (
    alpha * sympy.log(D) + (1 - alpha) * sympy.log(1 - D)
) - B * (beta * sympy.log(D) + (1 - beta) * sympy.log(1 - D))
(optimum,) = sympy.solve(sympy.diff(at_a_point, D), D)
D_star = beta + (alpha - beta) * r
factor = sympy.simplify(r * sympy.diff(sympy.log(D_star), r))

# %% tags=["hide-input"]
claim(
    "trick-label-smoothing",
    "the D that minimises the loss at a point",
    optimum,
    equals=D_star.subs(r, A / (A + B)),
)

# %% tags=["hide-input"]
pull = sympy.lambdify((r, alpha, beta), factor)
shares = torch.tensor([0.5, 0.1, 0.01, 0.001], dtype=torch.float64)
x = (-0.18 * shares.logit()).requires_grad_()  # where r has these values:
real, fake = (gaussian(mean, 0.6).density(x) for mean in (-1, 1))
slopes = {}
for a, b in ((1.0, 0.0), (0.9, 0.0), (0.9, 0.1)):
    smooth = (a * real + b * fake) / (real + fake)  # D* of (8.9)
    (slopes[a, b],) = torch.autograd.grad(
        smooth.log().sum(), x, retain_graph=True
    )
left_of_it = {
    labels: own / slopes[1.0, 0.0] for labels, own in slopes.items()
}

# %% tags=["hide-input"]
claim(
    "label-smoothing-pull",
    "what (8.10) leaves of the slope at r = 0.5, 0.1, 0.01, 0.001",
    torch.cat([left_of_it[0.9, 0.1], left_of_it[0.9, 0.0]]),
    equals=[*(pull(own, 0.9, 0.1) for own in shares.tolist()), 1, 1, 1, 1],
    atol=1e-9,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: the optimal discriminator between two bell curves, real around minus 1 and generated around 1. With labels 1 and 0 it falls from 1 to 0; with 0.9 and 0 from 0.9 to 0; with 0.9 and 0.1 from 0.9 to 0.1, where it levels off. Second panel: the factor on the generator's slope over the share r of real samples from 0.0001 to 1, on logarithmic axes. For labels 0.9 and 0 it is 1 throughout; for 0.9 and 0.1 it falls in proportion to r below 0.1."}, "figure": {"name": "fig-smoothing", "caption": "Smoothed labels. First panel: the optimal discriminator between N(−1, 0.6) and N(1, 0.6). Second panel: what smoothing does to the generator's slope, where a share r of all samples at a place is real."}}
left, right = plots.axes(1, 2, height=3.0)
x = torch.linspace(-3, 3, 301, dtype=torch.float64)
real, fake = (gaussian(mean, 0.6).density(x) for mean in (-1, 1))
share = real / (real + fake)
labels = ((1.0, 0.0), (0.9, 0.0), (0.9, 0.1))
plots.lines(left, x, {
    f"{a:g} and {b:g}": b + (a - b) * share for a, b in labels
})  # fmt: skip
left.set(xlabel="x", ylabel="D*(x)")
left.legend(fontsize=9, title="labels", title_fontsize=9)
share = torch.logspace(-4, 0, 101, dtype=torch.float64)
plots.lines(right, share, {
    f"_{a} {b}": pull(share, a, b) * torch.ones(101) for a, b in labels[1:]
}, colours=plots.COLOURS[1:], dashes=plots.DASHES[1:])  # fmt: skip
right.set(xscale="log", yscale="log", ylim=(5e-4, 2))
right.set(xlabel="r", ylabel="factor on the slope")
plots.show()

# %% [markdown]
# With $\beta>0$ the factor goes to 0 where $r$ does: **samples that are far from all data are hardly pushed**. They may
# stay where they are, since $D^*$ never rates them lower than $\beta$. With $\beta=0$ the factor is 1. That is why the
# fake label must be 0.
#
# It also limits what the trick can do. With $\beta=0$, the slope that an *optimal* discriminator gives does **not
# depend on $\alpha$ at all**: what lessons 5 and 6 say of it holds as before. One-sided smoothing can only matter for
# discriminators on their way to the optimum, which stop at 0.9 instead of becoming ever more certain. Does it?

# %% tags=["hide-input"]
x_real = 1 + torch.rand(8, 64, 1, generator=random_source(2))
x_fake = -1 - torch.rand(8, 64, 1, generator=random_source(3))
sure = {}
for label in (0.9, 1.0):
    discriminator = MLP([1, 32, 1], members=8)
    descent = torch.optim.Adam(discriminator.parameters(), lr=0.01)
    for _ in range(300):
        real, fake = (
            discriminator(x).squeeze(-1) for x in (x_real, x_fake)
        )
        loss = discriminator_loss(real, fake, real_label=label)
        descent.zero_grad()
        loss.sum().backward()
        descent.step()
    sure[label] = discriminator(x_real).sigmoid().mean((1, 2)).detach()

# %% tags=["hide-input"]
claim(
    "label-smoothing-levels",
    "where eight discriminators with the label 0.9 end, and eight with 1",
    torch.cat([sure[0.9], sure[1.0]]),
    equals=[0.9] * 8 + [1.0] * 8,
    atol=0.02,
)

# %% tags=["hide-input"]
report("one-sided labels", "two-sided labels")
show_table(
    ["game", "members on a single mode, of 64"],
    [
        [trick, (games["ring", 5, trick]["modes"] == 1).sum().item()]
        for trick in ("none", "one-sided labels", "two-sided labels")
    ],
)

# %% tags=["hide-input"]
one_sided = {
    name: versus("none", "one-sided labels", name)
    for name in ("modes", "quality")
}
claim(
    "one-sided-labels-matter",
    "one-sided labels: modes won, quality lost, at the least",
    [one_sided["modes"].low, -one_sided["quality"].high],
    above=0.02,
)

# %% [markdown]
# The theory of the optimum leaves no room for an effect of one-sided labels, and yet there is one: modes are won, and
# quality is lost. So it must come from discriminators that are not optimal. With two-sided labels, according to the
# theory, bad samples are hardly pushed. That costs quality, and may well keep modes; if modes were all that counted,
# the wrong trick would seem the better one.
#
# ## 5 · Virtual batch normalisation
#
# **Batch normalisation** {cite}`ioffe2015` subtracts from each unit $h$ of a layer its mean over the batch, and divides
# by its standard deviation. It makes deep networks trainable; but what comes out for a sample now depends on which
# others happen to be in its batch. For a generator that is strange: $G(z)$ is no longer a function of $z$, and the
# samples of a batch are not independent of each other. **Virtual** batch normalisation {cite}`salimans2016` takes the
# statistics from a **reference batch** $h_1,\dots,h_n$, drawn once and for all, *together with the sample itself*, so
# that no sample comes out larger than $\sqrt n$, however unusual it is:
#
# $$ h\mapsto\frac{h-\mu'}{\sqrt{v'}} , $$ (eq-vbn)
#
# where $\mu'$ and $v'$ are the mean and the variance of the $n+1$ numbers $h_1,\dots,h_n,h$.
#
# In the loop, this is another generator. The reference passes through the current weights at every step; that doubles
# the work, which is why the paper has it in the generator only.


# %%
def batch_norm(h):
    """Each unit by the statistics of its batch: (batch, d) to the same."""
    centred = h - h.mean(0)
    return centred / (centred.square().mean(0) + 1e-5).sqrt()


def virtual_batch_norm(h, reference):
    """Equation (8.11): each sample in the company of the reference alone."""
    groups = [torch.cat([reference, x[None]]) for x in h]  # (n + 1, d) each
    return torch.stack([batch_norm(group)[-1] for group in groups])


# %%
class VirtualGenerator(torch.nn.Module):
    def __init__(self, reference):
        super().__init__()
        sizes = itertools.pairwise((16, 64, 64, 2))
        layers = [torch.nn.Linear(*size) for size in sizes]
        self.layers = torch.nn.ModuleList(layers)
        self.reference = reference  # noise, drawn once and for all

    def forward(self, z):
        fixed = self.reference
        for layer in self.layers[:-1]:
            z, fixed = layer(z), layer(fixed)
            z = virtual_batch_norm(z, fixed).relu()
            fixed = batch_norm(fixed).relu()
        return self.layers[-1](z)


# play(VirtualGenerator(torch.randn(64, 16)), D)

# %% tags=["hide-input"]
source = random_source(4)
h, reference = torch.randn(2, 8, 5, dtype=torch.float64, generator=source)
z, others, fixed = torch.randn(3, 1, 8, 16, generator=source)
others = torch.cat([z[:, :1], 3 * others[:, 1:]], 1)  # z_1 in other company
moved = {}
for kind in ("batch", "virtual-batch"):
    generator = MLP([16, 64, 64, 2], normalisation=kind)
    if kind == "virtual-batch":
        generator.set_reference(fixed)
    moved[kind] = (
        (generator(others) - generator(z))[:, 0].abs().max().item()
    )
print(f"other company moves G(z₁) by {moved['batch']:.2f} (batch norm)")

# %% tags=["hide-input"]
claim(
    "trick-vbn",
    "how far other company moves G(z_1) with virtual batch normalisation",
    moved["virtual-batch"],
    equals=0.0,
    atol=1e-6,
)
outlier = torch.full((1, 5), 1e9, dtype=torch.float64)
claim(
    "vbn-bounded",
    "an outlier of 10^9 in the company of n = 8, over the root of n",
    virtual_batch_norm(outlier, reference) / math.sqrt(8),
    equals=1.0,
    atol=1e-6,
)

# %% tags=["hide-input"]
report("batch norm", "virtual batch norm")
show_table(
    ["measure", "virtual less batch normalisation"],
    [
        [name.replace("w1", "$W_1$"),
         as_text(versus("batch norm", "virtual batch norm", name))]
        for name in ("modes", "quality", "w1")
    ],
)  # fmt: skip

# %% [markdown]
# This is a surprise. Normalisation was meant for deep networks, and ours have two hidden layers; yet modes come back,
# and with ordinary batch normalisation as well. The last table shows what is gained or lost when no sample depends on
# the others of its batch.
#
# ## 6 · Noise
#
# In lesson 5 the discriminator became perfect because the distributions did not overlap. So blur them: add to *all*
# samples, real and generated, noise that is $N(0,\sigma)$ in every coordinate, before the discriminator looks. Both
# distributions then have a density everywhere, and JS is differentiable again {cite}`arjovsky2017principled`.


# %%
def blurred(loss, steps, sigma=1.0):
    """A loss that sees everything through noise, which fades to nothing."""
    times = itertools.count()

    def seen(D, real, fake):
        size = sigma * max(0.0, 1 - next(times) / steps)
        noisy = (x + size * torch.randn_like(x) for x in (real, fake))
        return loss(D, *noisy)

    return seen


# play(G, D, blurred(usual_d_loss, 5000), blurred(usual_g_loss, 1000))

# %% [markdown]
# How much noise? Take two parallel lines in the plane, $\theta$ apart, with the data spread evenly along the one and
# the samples along the other. Along the lines nothing differs. Across them the two distributions are now $N(0,\sigma)$
# and $N(\theta,\sigma)$; measured in units of $\sigma$, $N(0,1)$ and $N(\theta/\sigma,1)$. JS does not depend on units,
# so it is a function of the ratio alone:
#
# $$ \operatorname{JS}=g(u),\qquad\frac{\partial}{\partial\theta}\operatorname{JS}=\frac1\sigma\,g'(u),\qquad u=\frac\theta\sigma . $$ (eq-noisy-lines)
#
# With too little noise, $u$ is large, and $g$ is flat at $\log2$: we are back in lesson 5. With too much, $u$ is small,
# $g(u)\approx\frac{u^2}8$, and the slope is about $\theta/4\sigma^2$: all differences are drowned out.


# %% tags=["hide-input"]
def noisy_lines(theta, sigma):
    """JS of the lines under noise, and its slope in theta."""
    theta = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    js = js_between(gaussian(0.0, sigma), gaussian(theta, sigma)).value
    return js.item(), torch.autograd.grad(js, theta)[0].item()


some = (0.1, 0.25, 0.5, 1.0, 2.0)
found = [noisy_lines(1.0, sigma) for sigma in some]
show_table(
    ["$\\sigma$ for $\\theta=1$", "JS", "its slope"],
    [
        [sigma, f"{js:.3f}", f"{slope:.3f}"]
        for sigma, (js, slope) in zip(some, found, strict=True)
    ],
)
ratios = torch.linspace(0.36, 0.46, 21).tolist()  # of σ to θ
steepest = [
    max(ratios, key=lambda ratio: noisy_lines(theta, ratio * theta)[1])
    for theta in (0.5, 1.0, 2.0)
]

# %% tags=["hide-input"]
x = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
normal = torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)
by_symmetry = []  # log 2 - E log(1 + q/p), the same for p and q
for sigma in some:
    u = torch.tensor(1 / sigma, dtype=torch.float64, requires_grad=True)
    log_ratio = u * x - u.square() / 2  # of N(u, 1) to N(0, 1)
    js = math.log(2) - torch.trapezoid(
        normal * torch.nn.functional.softplus(log_ratio), x
    )
    (slope,) = torch.autograd.grad(js, u)
    by_symmetry.append((js.item(), slope.item() / sigma))
u = torch.linspace(2, 3, 201, dtype=torch.float64)[:, None]
q_share = (u * x - u.square() / 2).sigmoid()  # of N(u, 1), at every x
g_slope = torch.trapezoid(normal * q_share * (u - x), x)  # g'(u)
best_ratio = 1 / u[(u[:, 0] * g_slope).argmax()].item()

# %% tags=["hide-input"]
claim(
    "trick-noise",
    "JS and its slope for five sizes of noise, by another formula for g(θ/σ)",
    found,
    equals=by_symmetry,
    atol=1e-7,
)
claim(
    "noise-best-size",
    "σ/θ with the largest slope for θ = 0.5, 1, 2, and the best 1/u for u g'(u)",
    steepest,
    equals=best_ratio,
    atol=0.006,
)
claim(
    "noise-small-ratio",
    "JS at θ = 1, over θ²/8σ², for σ = 10 and 20",
    [noisy_lines(1.0, sigma)[0] * 8 * sigma**2 for sigma in (10.0, 20.0)],
    equals=1.0,
    atol=5e-3,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: JS over the distance of the lines from 0 to 4 for four sizes of noise. For 0.1 it jumps to log 2 at once and stays there; for 0.25, 0.5 and 1 it rises ever more gently. Second panel: the slope of JS at distances 0.5, 1 and 2 over the size of the noise from 0.05 to 5 on a logarithmic axis: three hills of the same shape, whose tops, marked by dots, are at 0.2, 0.41 and 0.81 and get lower."}, "figure": {"name": "fig-noisy-lines", "caption": "Parallel lines under noise. First panel: JS over their distance. Second panel: its slope over the size of the noise; the dots mark the best size, always 0.41 times the distance. One size does not fit all distances."}}
left, right = plots.axes(1, 2, height=3.0)
theta = torch.linspace(0, 4, 51, dtype=torch.float64)
plots.lines(left, theta, {
    f"σ = {sigma:g}": [noisy_lines(d, sigma)[0] for d in theta.tolist()]
    for sigma in (0.1, 0.25, 0.5, 1.0)
})  # fmt: skip
left.set(xlabel="distance θ", ylabel="JS")
sigma = torch.logspace(math.log10(0.05), math.log10(5), 41).tolist()
distances = (0.5, 1.0, 2.0)
plots.lines(right, sigma, {
    f"θ = {d:g}": [noisy_lines(d, s)[1] for s in sigma] for d in distances
})  # fmt: skip
best = [best_ratio * d for d in distances]
tops = [noisy_lines(d, s)[1] for d, s in zip(distances, best, strict=True)]
right.plot(best, tops, "o", color=plots.INK, markersize=6)
right.set(xscale="log", xlabel="size σ of the noise", ylabel="slope of JS")
plots.show()

# %% [markdown]
# As the generator comes closer, the best size gets smaller: hence *decaying* **instance noise** {cite}`sonderby2017`.
# In the beginning the eight modes are one hill, which any generator finds; they separate slowly, and it follows them.
# (Our sources justify noise by disjoint supports. These were asserted and not shown, but noise does no harm where the
# supports are not disjoint.)
#
# :::{admonition} Further: what little JS under noise says about the distributions
# :class: dropdown
# The JS that is reduced is that of the *blurred* distributions. Does that bring the distributions themselves together?
# Let $v$ be the mean square length of the noise. Blurring moves a sample by no more than $\sqrt v$ on average, so by the
# triangle inequality for $W_1$ (lesson 9) blurring both costs at most $2\sqrt v$. If the noise is *bounded*, so that both
# blurred distributions lie in a set of diameter $C$, no mass has to travel further than $C$, and
#
# $$ W_1(p_r,p_g)\ \le\ 2\sqrt v+C\cdot\operatorname{TV}\ \le\ 2\sqrt v+C\sqrt{2\operatorname{JS}}, $$
#
# where TV and JS are those of the blurred distributions. (The last step is Pinsker's inequality,
# $\operatorname{TV}^2\le\frac12\operatorname{KL}$, for each distribution against the mixture $m$:
# $\operatorname{TV}(p,q)^2=4\operatorname{TV}(p,m)^2\le2\operatorname{KL}(p\|m)$, and likewise for $q$; take the mean
# of both. The paper has $2C\sqrt{\operatorname{JS}}$, which is weaker.) **Gaussian noise is not bounded**, and for it
# this says nothing. But large distances are rare there: with the mean squares $M_r$ and $M_g$ of the distances of
# blurred samples from any one point, Cauchy and Schwarz give
#
# $$ W_1(p_r,p_g)\ \le\ 2\sqrt v+\sqrt{2\operatorname{TV}\,(M_r+M_g)}\ \le\ 2\sqrt v+\sqrt{2(M_r+M_g)\sqrt{2\operatorname{JS}}} . $$
#
# (Where both distributions have mass, leave it; send what differs, twice TV in all, by way of that point.) The next cell
# checks both where everything is known exactly, on lines at a distance $\theta$ and with noise across them: uniform on
# $[-a,a]$, where JS is $\log 2$ times the share that does not overlap, and $N(0,\sigma)$.
# :::

# %% tags=["hide-input"]
bounds = []  # θ, then what is not less
for theta, a in ((0.5, 1.0), (2.0, 0.5)):
    share = min(theta / (2 * a), 1.0)
    v, C, js = a**2 / 3, theta + 2 * a, share * math.log(2)
    by_js = 2 * math.sqrt(v) + C * math.sqrt(2 * js)
    papers = 2 * math.sqrt(v) + 2 * C * math.sqrt(js)
    bounds.append((theta, 2 * math.sqrt(v) + C * share, by_js, papers))
for theta, sigma in ((0.5, 1.0), (2.0, 0.5), (1.0, 0.05)):
    js, _ = noisy_lines(theta, sigma)
    tv = math.erf(theta / sigma / math.sqrt(8))
    squares = 2 * (theta**2 / 4 + sigma**2)  # from the middle
    bounds.append((theta, 2 * sigma + math.sqrt(2 * tv * squares),
                   2 * sigma + math.sqrt(2 * squares * math.sqrt(2 * js))))  # fmt: skip

claim(
    "noise-bounds",
    "what each of these bounds leaves above the one before",
    [
        after - before
        for own in bounds
        for before, after in itertools.pairwise(own)
    ],
    above=0.0,
)

# %% tags=["hide-input"]
report("instance noise")

# %% [markdown]
# ## 7 · A better metric
#
# The last trick is to leave JS altogether. For lines without noise JS is $\log2$ at every distance but 0, while the
# Wasserstein distance is $\theta$: the right answer, at every distance, with the slope 1. "Smoother" is the usual word;
# the exact one is *continuous, and differentiable almost everywhere*. The next lessons make good on that: what this
# distance is ({doc}`9 <09_moving_dirt>`), why a single function gives it ({doc}`10 <10_duality>`), how a network can be
# that function ({doc}`11 <11_wasserstein_gan>`), and how to keep its slope in bounds ({doc}`13 <13_better_critics>`).
# Here it takes its place beside the other six. The logarithms go, and a penalty on the critic's slope comes:


# %%
def wasserstein_d(D, real, fake):
    t = torch.rand(len(real), 1)
    between = (t * real + (1 - t) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(
        D(between).sum(), between, create_graph=True
    )
    penalty = (slope.norm(dim=1) - 1).square().mean()
    return D(fake).mean() - D(real).mean() + penalty


def wasserstein_g(D, real, fake):
    return -D(fake).mean()


# play(G, D, wasserstein_d, wasserstein_g)

# %% tags=["hide-input"]
report("a better metric")

# %% [markdown]
# With five steps for the critic this is a remedy. Before we compare all seven, we test the lines above. They must
# compute what `gantut` computes, with which the recorded games were played, and each must run in the loop.

# %% tags=["hide-input"]
torch.manual_seed(0)
G, D = network(16, 64, 64, 2), network(2, 64, 64, 1)
real, fake = ring().sample(64).float(), G(torch.randn(64, 16)).detach()
same, scores = torch.get_rng_state(), [D(x)[:, 0] for x in (real, fake)]
by_lines = [
    feature_matching(D, real, fake),
    smoothed(D, real, fake),
    wasserstein_d(D, real, fake),
    *minibatch_similarity(diverse, T).flatten()[:4],
    *virtual_batch_norm(h, reference).flatten()[:4],
]
torch.set_rng_state(same)
one, zero = torch.ones(1, 1, 5).double(), torch.zeros(1, 1, 5).double()
_, normalised = networks.virtual_batch_norm(
    reference[None], h[None], one, zero
)
by_gantut = [
    objectives.feature_matching_loss(D[:-1](real), D[:-1](fake)),
    discriminator_loss(*scores, real_label=0.9),
    objectives.wasserstein_critic_loss(*scores)
    + lipschitz.gradient_penalty(D, real, fake, generator=torch.rand(64)),
    *networks.minibatch_similarity(M[None]).flatten()[:4],
    *normalised.flatten()[:4],
]

for losses in (
    {"g_loss": feature_matching},
    {"d_loss": with_history(usual_d_loss, D, 0.01),
     "g_loss": with_history(usual_g_loss, G, 0.01)},
    {"d_loss": smoothed},
    {"d_loss": blurred(usual_d_loss, 10), "g_loss": blurred(usual_g_loss, 2)},
    {"d_loss": wasserstein_d, "g_loss": wasserstein_g},
):  # fmt: skip
    play(G, D, **losses, steps=2)
play(G, BatchDiscriminator(), steps=2)
play(VirtualGenerator(torch.randn(64, 16)), D, steps=2)
claim(
    "tricks-by-hand",
    "what five tricks compute in the lines above, less what gantut computes",
    [
        (ours - theirs).item()
        for ours, theirs in zip(by_lines, by_gantut, strict=True)
    ],
    equals=0.0,
    atol=1e-5,
)

# %% [markdown]
# ## Side by side
#
# One more row needs a word, since it is not in our sources' list but in everybody's programs: an **averaged
# generator**, whose parameters are a moving average of those being trained. It is used only to draw samples, and the
# game knows nothing of it.


# %% tags=["hide-input"] mystnb={"image": {"alt": "A table of twelve rows and three panels on the ring: modes covered, share of high quality, exact distance. The game as it is: one mode, quality near 1, distance 2.4, marked by grey bands. Below it the tuned game, then the tricks with what they chose. Feature matching, both normalisations, noise and the better metric have far more modes and far smaller distances, at less quality."}, "figure": {"name": "fig-tricks-ring", "caption": "The ring, five discriminator steps per iteration, 64 members each: medians with 95% intervals, members as dots. Grey bands: the game as it is. What can be told apart is said by the pairs, below, and not by whether these intervals overlap."}}
def table(distribution, k, modes, height):
    """All populations of one distribution and one k in one figure."""
    chosen = {trick: own for (where, steps, trick), own in games.items()
              if (where, steps) == (distribution, k)}  # fmt: skip
    texts = {"modes": f"modes, of {modes}", "quality": "share of quality",
             "w1": "exact W₁"}  # fmt: skip
    measures = {
        text: {trick: own[name] for trick, own in chosen.items()}
        for name, text in texts.items()
    }
    panels = plots.axes(1, 3, height=height, sharey=True)
    plot_measure_table(
        panels, measures, intervals=median_interval, baseline="none"
    )
    for ax, right in zip(panels, (1.06 * modes, 1.03, 2.8), strict=True):
        ax.set(xlim=(0, min(right, ax.get_xlim()[1])))
    panels[0].tick_params(axis="y", labelsize=9.5)
    return panels


_ = table("ring", 5, modes=8, height=4.2)
plots.show()


# %% tags=["hide-input"]
def verdicts(*references, trial=("ring", 5)):
    """In which measures each trick can be told apart from a reference."""
    rest = [trick for trick in seven_tricks.TRICKS if trick != "none"]
    ways = {"modes": 1, "quality": 1, "w1": -1}

    def verdict(reference, trick, name):
        pair = versus(reference, trick, name, trial)
        better = pair.difference * ways[name] > 0
        return ("better" if better else "worse") if pair.told_apart else "–"

    show_table(
        ["trick", "modes", "quality", "$W_1$"],
        [
            [trick, *(
                " / ".join(verdict(own, trick, name) for own in references)
                for name in ways
            )]
            for trick in rest
        ],
    )  # fmt: skip


# %% [markdown]
# The next table is the result. In each cell it says first how the trick compares with the game as it is, and then with
# the tuned game, which has had as many tries; a dash means that 64 pairs do not tell the two apart.

# %% tags=["hide-input"]
verdicts("none", "none, tuned")

# %% tags=["hide-input"]
remedies = ("feature matching", "virtual batch norm", "batch norm",
            "instance noise", "a better metric")  # fmt: skip
claim(
    "tricks-remedies",
    "modes won by five tricks beside the game as it is, at the least",
    [versus("none", trick, "modes").low for trick in remedies],
    above=1.5,
)
claim(
    "trick-better-metric",
    "W₁ that the better metric takes off, beside the game as it is, at least",
    -versus("none", "a better metric", "w1").high,
    above=1.0,
)

# %% [markdown]
# Read it across: a trick that is better in modes and worse in quality has *bought* modes. (Two draws of 500 points from
# the ring itself are 0.1 to 0.2 apart, and no row can be expected to get below that.) Beside the game as it is, feature
# matching, normalisation, noise and another distance all bring modes back; the table says which of them stand out beside
# the tuned game. What the **averaged generator** can do is bounded by what it averages: the average of a parked generator
# is that generator. Minibatch discrimination and historical averaging win modes as well, but at a quality little above
# that of noise.
#
# Now the same with **one** discriminator step per iteration, where lesson 6 found little collapse, beside the tuned
# game of that trial:

# %% tags=["hide-input"] mystnb={"image": {"alt": "The same table with one discriminator step per iteration, twelve rows: modes covered, share of high quality, exact distance, with the game as it is in grey bands. Nearly all rows have a median of eight modes, also without a trick, and differ in quality and in distance."}, "figure": {"name": "fig-tricks-one-step", "caption": "The ring once more, with one discriminator step per iteration, for which each trick had four tries of its own."}}
_ = table("ring", 1, modes=8, height=4.2)
plots.show()

# %% tags=["hide-input"]
verdicts("none, tuned", trial=("ring", 1))

# %% [markdown]
# Here few modes are left to win, and yet many of the tricks are better in quality and in distance: they do more than
# mend collapse. On the **grid**, after 1000 steps, the generators have hardly found the 25 modes, and noise passes a
# count of modes, as lesson 7 has warned us.

# %% tags=["hide-input"] mystnb={"image": {"alt": "The same table for the grid with five discriminator steps per iteration, twelve rows, with a dashed line in each panel for uniform noise in a square: 25 modes, quality 0.07, distance 0.38. The rows lie around these lines."}, "figure": {"name": "fig-tricks-grid", "caption": "The grid of 25 Gaussians, five discriminator steps per iteration, after 1000 generator steps. The dashed lines are what uniform noise in a square scores."}}
panels = table("grid", 5, modes=25, height=4.2)
for ax, score in zip(panels, controls["grid", "noise"], strict=True):
    ax.axvline(float(score), color=plots.INK, linestyle="--", linewidth=1.2)
panels[1].set(xlim=(0, 0.3))
plots.show()

# %% tags=["hide-input"]
verdicts("none, tuned", trial=("grid", 5))

# %% tags=["hide-input"]
ranks = {}
for trial in (("ring", 5), ("ring", 1), ("grid", 5)):
    own = {trick: games[*trial, trick]["w1"].mean().item()
           for where, k, trick in games if (where, k) == trial}  # fmt: skip
    ranks[trial] = sorted(own, key=own.get)
show_table(
    ["place of 12 by mean $W_1$", "ring, $k=5$", "ring, $k=1$",
     "grid, $k=5$"],
    [
        [trick, *(own.index(trick) + 1 for own in ranks.values())]
        for trick in ("a better metric", "instance noise", "none, tuned")
    ],
)  # fmt: skip

# %% [markdown]
# What a trick is worth depends on the game that it is added to: a Wasserstein critic that has one step is hardly a
# critic, and its place shows it. All this holds for *these* distributions and *these* small networks after 1000 steps.
# A trick that does nothing for a ring may do much for photographs, and the other way round. What carries over is how to
# find out: a population, three numbers, as many tries for each, pairs, and the game without the trick beside it.
#
# ## A discriminator that names classes
#
# The paper of the first five tricks had a second aim, and there feature matching had its greatest success:
# **semi-supervised learning**, with labels for a few samples and none for the rest. Let the discriminator sort samples
# into $K$ classes of real ones, and a class of its own, number $K+1$, for the generated ones. (Weng includes the fake
# class in the count and has $K-1$ real ones. Her early draft had real classes up to $K$ *and* called the fake class
# $K$, a slip that the published post has corrected.)

# %% tags=["hide-input"]
K = 10
sure_of = 50 * torch.eye(K)  # each row is sure of one real class
real_classes = {
    objectives.class_probabilities(row).argmax().item() + 1
    for row in sure_of
}
none_of_them = objectives.class_probabilities(-50 * torch.ones(K))
fake_class = {none_of_them.argmax().item() + 1}
claim(
    "draft-class-labels",
    "numbers of real classes, of fake ones, and of classes that are both",
    [len(own) for own in
     (real_classes, fake_class, real_classes & fake_class)],
    equals=[10, 1, 0],
)  # fmt: skip

# %% [markdown]
# A softmax over $K+1$ logits $l_1,\dots,l_{K+1}$ has one too many: a number added to all of them changes nothing. So
# fix $l_{K+1}=0$, and the network has $K$ outputs, like an ordinary classifier. With $Z(x)=\sum_{k\le K}e^{l_k(x)}$,
#
# $$ D(x)=p(y\le K\mid x)=\frac{Z(x)}{Z(x)+1}=\sigma\big(\log Z(x)\big) . $$ (eq-class-dstar)
#
# The logit of the discriminator is $\log Z$, a "logsumexp" of the classifier's logits, and everything that was said
# about discriminators applies to it. For a real sample with the label $y$, the cross-entropy over all $K+1$ classes
# falls into two parts,
#
# $$ -\log\frac{e^{l_y}}{Z+1}=\underbrace{\log Z-l_y}_{\text{of a classifier}}\ \underbrace{-\log D}_{\text{of a discriminator}}, $$ (eq-two-parts)
#
# so a sample *without* a label can still give the second part, and a generated one gives $-\log(1-D)=\log(Z+1)$. In the
# loop, only the discriminator's loss changes:


# %%
def classes_d_loss(D, real, fake, labelled, labels):
    """D has K outputs; some samples have labels, those in real have none."""
    on_real, on_fake = (
        D(x).logsumexp(1, keepdim=True) for x in (real, fake)
    )
    named = torch.nn.functional.cross_entropy(D(labelled), labels)
    on_real = binary_cross_entropy_with_logits(on_real, ones)
    return (
        named + on_real + binary_cross_entropy_with_logits(on_fake, zeros)
    )


# %% tags=["hide-input"]
source = random_source(5)
logits = 3 * torch.randn(1000, K, dtype=torch.float64, generator=source)
y = torch.randint(K, (1000,), generator=source)
everyone = torch.cat([logits, torch.zeros(1000, 1)], 1).log_softmax(1)
log_Z = logits.logsumexp(1)
of_classifier = log_Z - logits.gather(1, y[:, None]).squeeze(1)
of_discriminator = -torch.nn.functional.logsigmoid(log_Z)
picked = -everyone.gather(1, y[:, None]).squeeze(1)
Z = log_Z.exp()
names, labelled = network(2, 8, K), torch.randn(20, 2)
of_it = names(real), names(fake), names(labelled)
by_gantut = objectives.supervised_loss(of_it[2], y[:20]) + (
    discriminator_loss(*map(objectives.class_score, of_it[:2]))
)
in_the_loop = classes_d_loss(names, real, fake, labelled, y[:20])
assert torch.allclose(in_the_loop, by_gantut), "and gantut computes this"

# %% tags=["hide-input"]
claim(
    "semi-supervised-labels",
    "(8.13), probability of all real classes together, and (8.14): both sides",
    torch.cat([everyone[:, :K].exp().sum(1) - Z / (Z + 1),
               picked - of_classifier - of_discriminator]),
    equals=0.0,
    atol=1e-12,
)  # fmt: skip

# %% [markdown]
# Why should samples without labels help to tell classes apart? Because each of them, *whatever* its class, must have a
# large $\log Z$, hence some large logit, while places without digits, where the generator puts its samples, must have
# none. So the borders between classes are pushed to where there are no digits, instead of through a crowd of them. That
# is an idea, not a proof. We put it to the test on the $8\times8$ digits: 10 to 100 of 1437 have labels, equally many
# of each class, and 360 others are for testing. We play two games, with feature matching and with $-\log D$. Beside
# them stands the discriminator's own network, trained on the labels alone, for as long and from the same start, with
# and without the batch normalisation that the games have in it. (Its statistics are those of the batch, so all test
# digits are read as one batch. The settings were chosen on seeds other than these.) All are populations of 32,
# recorded, and each member has labels of its own, the same in all four.

# %% tags=["hide-input"]
study = recorded("semi-supervised").result
errors = {}
for game in study["games"]:
    method = game["method"].replace("feature-", "feature ")
    own = errors.setdefault(method, {})
    own[game["labels"]] = torch.tensor(game["error"])
numbers = (10, 20, 50, 100)
show_table(
    ["mean test error", *(f"{number} labels" for number in numbers)],
    [
        [method, *(f"{own[number].mean():.0%}" for number in numbers)]
        for method, own in errors.items()
    ],
)


def saved(game, other, labels, others=None):
    """By how much a game's test error is less: pairs of members, of 24."""
    without = errors[other][others or labels]
    return paired_difference(without, errors[game][labels], comparisons=24)


alone = [method for method in errors if "alone" in method]
played = [method for method in errors if "alone" not in method]

# %% tags=["hide-input"]
claim(
    "semi-supervised-games",
    "test error that each game saves from 20 labels on, at the least",
    [saved(game, other, number).low
     for game in played for other in alone for number in numbers[1:]],
    above=0.02,
)  # fmt: skip
best = {n: min(errors[other][n].mean() for other in alone) for n in numbers}
claim(
    "semi-supervised-ratio",
    "mean errors of each game over those of the labels alone, from 20 on",
    [
        errors[game][n].mean() / best[n]
        for game in played
        for n in numbers[1:]
    ],
    above=0.4,
    below=0.67,
)
claim(
    "semi-supervised-twenty-for-fifty",
    "what 20 labels in a game save beside 50 alone, at the least",
    [saved(game, other, 20, 50).low for game in played for other in alone],
    above=-0.035,
)

# %% tags=["hide-input"]
tenth = {game: saved(game, "labels alone", 10) for game in played}
show_table(
    ["game, 10 labels", "test error saved beside the labels alone"],
    [
        [game, f"{found.difference:+.3f} "
         f"({found.low:+.3f} to {found.high:+.3f})"]
        for game, found in tenth.items()
    ],
)  # fmt: skip
usual = [saved("non-saturating", "feature matching", n) for n in (50, 100)]
claim(
    "semi-supervised-usual-loss",
    "what the usual loss saves beside feature matching, 50 and 100 labels",
    [found.low for found in usual],
    above=-0.005,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Test error over the number of labelled digits, 10, 20, 50 and 100, for four methods. On the labels alone it falls from about 0.4 to 0.12, with or without batch normalisation. In the two games it falls from about 0.3, with wide intervals, to about 0.15 with 20 labels and to 0.06 with 100: about half of that of the labels alone."}, "figure": {"name": "fig-few-labels", "caption": "Reading digits from a few labels: the share of wrong answers among 360 test digits (medians of 32 with 95% intervals). All four have the same network and the same labels; the games see the other digits, too, without labels."}}
ax = plots.axes(height=3.0)
plots.sweep(ax, numbers, {
    method: list(zip(*map(median_interval, own.values()), strict=True))
    for method, own in errors.items()
})  # fmt: skip
ax.set(xlabel="labelled digits", ylabel="test error", ylim=(0, None))
ax.legend(fontsize=9)
plots.show()

# %% tags=["hide-input"]
few = {"members": 8, "steps": 600}
by_game = seven_tricks.error_with_game(20, **few)
by_labels = seven_tricks.error_with_labels_alone(20, batch_norm=None, **few)

# %% tags=["hide-input"]
claim(
    "semi-supervised-live",
    "live, 20 labels: the game's mean error over that of the labels alone",
    by_game.mean() / by_labels.mean(),
    below=0.8,
)

# %% [markdown]
# **From 20 labels on, two of each digit, a game makes about half to two thirds of the errors**, and twenty labels with
# the other digits beside them do about as well as fifty without. With ten it is less certain. It is sometimes said that
# feature matching is needed here, since a generator that draws perfect digits would leave no places without data to be
# warned of {cite}`dai2017`. On these digits the usual loss does at least as well; its generator is far from perfect,
# too.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-slow-inwards
# The game $xy$ with historical averaging of weight $\lambda=\frac12$ is played for a long time. By what factor does the
# radius change from iteration 10,000 to iteration 1,000,000?
# :::
#
# :::{hint}
# :class: dropdown
# {eq}`eq-history-slow` says as which power of $t$ the radius falls in the long run. What is the exponent for this
# weight, and by what factor does $t$ grow?
# :::

# %%
answer = ...
check("slow-inwards", answer)

# %% [markdown]
# :::{solution} ex-slow-inwards
# :class: dropdown
# By {eq}`eq-history-slow` it falls as $t^{-1/2}$, and $t$ grows a hundredfold.
#
# ```python
# answer = 100 ** (-1 / 2)
# ```
# :::
#
# :::{exercise}
# :label: ex-smoothed-loss
# *A derivation.* Derive {eq}`eq-smoothed-dstar` from {eq}`eq-smoothed-loss` for the labels $\alpha$ and 0. What is the
# optimal discriminator's loss, in expectation, when the generator is perfect, $p_g=p_r$? Write it with the symbol
# `alpha` of sympy.
# :::
#
# :::{hint}
# :class: dropdown
# Collect what stands before $\log D$ and before $\log(1-D)$, and set the derivative with respect to $D$ to 0. For equal
# distributions $D^*$ is the same number everywhere; insert it. For $\alpha=1$ you must be back in lesson 3.
# :::

# %%
from sympy import Symbol

alpha = Symbol("alpha", positive=True)
answer = ...
check("smoothed-loss", answer)

# %% [markdown]
# :::{solution} ex-smoothed-loss
# :class: dropdown
# 1. With $\beta=0$, {eq}`eq-smoothed-loss` is $-a\log D-b\log(1-D)$ with $a=\alpha A$ and $b=(1-\alpha)A+B$.
# 2. Its derivative is $-\frac aD+\frac b{1-D}$. It is 0 where $a(1-D)=bD$, that is, at $D=\frac a{a+b}$, and since
#    $a+b=A+B$, $D^*=\frac{\alpha A}{A+B}$. The second derivative, $\frac a{D^2}+\frac b{(1-D)^2}$, is positive: a
#    minimum.
# 3. For $p_g=p_r$ we have $A=B$ and $D^*=\frac\alpha2$ everywhere.
# 4. The loss is the integral of {eq}`eq-smoothed-loss` over $x$. As $A$ and $B$ each integrate to 1, $a$ integrates to
#    $\alpha$ and $b$ to $2-\alpha$: $-\alpha\log\frac\alpha2-(2-\alpha)\log\big(1-\frac\alpha2\big)$.
#
# ```python
# from sympy import Symbol, log
#
# alpha = Symbol("alpha", positive=True)
# answer = -alpha * log(alpha / 2) - (2 - alpha) * log(1 - alpha / 2)
# ```
# :::
#
# :::{exercise}
# :label: ex-noise-for-three
# Two lines are $\theta=3$ apart. Which size of Gaussian noise gives JS the largest slope with respect to $\theta$? (Two
# significant figures will do.)
# :::
#
# :::{hint}
# :class: dropdown
# The dots in the second panel of {numref}`fig-noisy-lines` are the best sizes for three other distances. What do they
# have in common? {eq}`eq-noisy-lines` says why.
# :::

# %%
answer = ...
check("noise-for-three", answer)

# %% [markdown]
# :::{solution} ex-noise-for-three
# :class: dropdown
# By {eq}`eq-noisy-lines` only the ratio matters, and for $\theta=1$ the best size is 0.407.
#
# ```python
# answer = 3 * 0.407
# ```
# :::
#
# :::{exercise}
# :label: ex-by-reference
# Code virtual batch normalisation of one unit, {eq}`eq-vbn`: from `reference`, shape (n,), and a number `x`, the
# normalised number. (The variance is that with $1/n$.)
# :::
#
# :::{hint}
# :class: dropdown
# The mean and the variance in {eq}`eq-vbn` are of $n+1$ numbers: which ones? `torch.cat` puts them into one tensor.
# Beware of `std`, which divides by one less than you want unless it is told otherwise.
# :::

# %%
answer = ...
check("by-reference", answer)

# %% [markdown]
# :::{solution} ex-by-reference
# :class: dropdown
# The sample joins the reference, and nothing else does.
#
# ```python
# def answer(reference, x):
#     together = torch.cat([reference, reference.new_tensor([x])])
#     return (x - together.mean()) / together.std(correction=0)
# ```
# :::
#
# ## What to remember
#
# - A trick is a few lines in the loop: another loss, another network, or another view of the samples. Test the lines
#   before you trust the trick.
# - Judge a trick by a population, by more than one number, in pairs that share seeds, and beside the game without it
#   that has had as many tries. Feature matching, normalisation, noise and another distance bring back modes of the ring
#   where the untuned game collapses with five discriminator steps. With one step, or on a grid, the order is another.
# - Feature matching moves a batch, not samples: it stops where mean features agree, sharp or not.
# - Minibatch discrimination sees collapse, but seeing it does not provide a way out: for batches, too, nothing is
#   gained before samples leave the cell.
# - Historical averaging bends the circles of $xy$ inwards if $\lambda$ exceeds about $\frac\eta4$ (and stays below about
#   $\frac1\eta$), as $t^{-1/(1+4\lambda^2)}$: the stronger, the slower.
# - With labels $\alpha,\beta$ the optimum is $\frac{\alpha p_r+\beta p_g}{p_r+p_g}$. One-sided ($\beta=0$) leaves the
#   slope of $\log D^*$ as it is at the optimum; two-sided smoothing takes it from the samples that need it most.
# - Batch normalisation makes each sample depend on its batch; virtual batch normalisation does not.
# - Noise should be about 0.4 times the distance that is to be seen; so it has to fade.
# - A critic of $K+1$ classes has the logit $\log\sum_ke^{l_k}$, and learns from samples without labels.
#
# **Sources.** The first five tricks and the $K+1$ classes are from {cite}`salimans2016`, batch normalisation from
# {cite}`ioffe2015`, noise from {cite}`arjovsky2017principled` and, decaying, from {cite}`sonderby2017`. The list of
# seven is that of {cite}`weng2019`; what had to be corrected is listed under {doc}`errata`.
