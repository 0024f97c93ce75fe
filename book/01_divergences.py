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
# # 1 · How far apart are two distributions?
#
# A generative model is a probability distribution, and the data that it imitates come from another. To say that one
# model is better than another, or to make a model better, we need a number that says how far apart two distributions
# are. This lesson is about the two numbers with which the story of GANs begins: the **Kullback–Leibler** and the
# **Jensen–Shannon** divergence.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what KL and JS measure and in which unit; why KL has a direction and JS has none; when
# KL is infinite, and why JS hardly notices that a distant model improves; and what a model fitted with one or the other
# looks like.
#
# **You need** densities, expectations and the logarithm. No GAN yet.
#
# **It takes** about 86 minutes to read with the exercises, and about ten seconds to run on a laptop.
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
import math

import sympy
import torch

from gantut import plots
from gantut.checks import claim
from gantut.data import gaussian, gaussian_mixture, uniform
from gantut.device import random_source
from gantut.divergences import (
    integrate,
    js_between,
    js_divergence,
    kl_between,
    kl_divergence,
    total_variation,
    total_variation_between,
)
from gantut.lessons import check, show_table
from gantut.lessons.divergences import fit_a_bell
from gantut.lessons.divergences.plots import plot_integrand

# %% [markdown]
# ## Surprise, and how much of it is avoidable
#
# You watch draws from a distribution with density $p$, but you believe that they come from a distribution with density
# $q$. At a point $x$ your belief assigned density $q(x)$ where the truth has $p(x)$, and the logarithm of their ratio,
# $\log\frac{p(x)}{q(x)}$, says how much more surprised you are than you had to be. It is positive where you thought
# $x$ less likely than it is, and negative where you thought it more likely. Averaged over the draws, that is the
# **Kullback–Leibler divergence** of $q$ from $p$:
#
# $$
# \operatorname{KL}(p\,\|\,q) \;=\; \mathbb E_{x\sim p}\Big[\log\frac{p(x)}{q(x)}\Big]
# \;=\; \int p(x)\,\log\frac{p(x)}{q(x)}\,dx .
# $$ (eq-kl)
#
# For distributions on a finite set the integral is a sum, $\sum_i p_i \log\frac{p_i}{q_i}$. Two conventions complete
# the definition: where $p$ is zero nothing is ever drawn, so $0\log\frac0q = 0$; and where $q$ is zero but $p$ is not,
# $p\log\frac p0=+\infty$, because the impossible has happened.
#
# The base of the logarithm is a choice of unit: base $e$ gives **nats**, base 2 gives **bits**. This book uses nats
# unless it says otherwise.
#
# For two Gaussians the integral can be done by hand, which gives us something to check the computer with; one of the
# exercises asks you to derive it. (We write $N(m,s)$ for the Gaussian with mean $m$ and *standard deviation* $s$, as
# the code does: `gaussian(m, s)`.)
#
# $$
# \operatorname{KL}\big(N(m_1,s_1)\,\|\,N(m_2,s_2)\big)
# = \log\frac{s_2}{s_1} + \frac{s_1^2+(m_1-m_2)^2}{2s_2^2} - \frac12 .
# $$ (eq-kl-gaussians)


# %%
def kl_gaussians(m1, s1, m2, s2):
    """The closed form (1.2)."""
    return (
        math.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 1 / 2
    )


# %%
cases = [(0, 1, 1, 1), (0, 1, 1, 2), (1, 2, 0, 1), (0, 0.01, 50, 3)]
by_quadrature = [
    float(kl_between(gaussian(m1, s1), gaussian(m2, s2)))
    for m1, s1, m2, s2 in cases
]
by_hand = [kl_gaussians(*case) for case in cases]
claim(
    "kl-definition",
    "KL by quadrature is the closed form for Gaussians",
    by_quadrature,
    equals=by_hand,
    rtol=1e-9,
)

# %% [markdown]
# `kl_between` integrates {eq}`eq-kl` numerically and keeps halving its panels until the estimated error is small
# enough; it works for any two distributions on the line whose densities are known. For distributions on a finite set
# there is `kl_divergence`, and a batch of distributions is as easy as one:

# %%
p = torch.tensor([0.5, 0.5], dtype=torch.float64)
q = torch.tensor([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]], dtype=torch.float64)
bits = kl_divergence(p, q, base=2)  # one number for each row of q
show_table(
    ["belief about heads and tails", "KL of a fair coin, in bits"],
    [
        [f"{heads:.1f}, {tails:.1f}", f"{value:.3f}".replace("inf", "∞")]
        for (heads, tails), value in zip(q, bits, strict=True)
    ],
)

# %% [markdown]
# The first is zero: a true belief brings no avoidable surprise. The last is infinite, because a belief that rules out
# tails is shown tails.
#
# :::{admonition} Try it
# :class: tip
# Make the coin's bias smaller and smaller: `[0.51, 0.49]`, `[0.501, 0.499]`. By which factor does the divergence
# shrink when the bias shrinks by ten? (Near equality KL is quadratic in the difference, like a squared distance.)
# :::
#
# ## Never negative, and zero only for equal distributions
#
# A measure of difference should not be negative, and it should vanish only between equals. For KL both follow from a
# single fact about the logarithm: its graph lies below its tangent at 1.
#
# :::{prf:theorem} Gibbs' inequality
# :label: thm-gibbs
# $\operatorname{KL}(p\,\|\,q)\ge 0$, with equality if and only if $p=q$ almost everywhere.
# :::
#
# :::{prf:proof}
# For every $t\ge0$ we have $\log t\le t-1$ (with $\log0=-\infty$), and equality only at $t=1$. Put $t=q(x)/p(x)$ and
# average over $x\sim p$:
#
# $$
# -\operatorname{KL}(p\,\|\,q)=\mathbb E_p\Big[\log\frac{q(x)}{p(x)}\Big]
# \le \mathbb E_p\Big[\frac{q(x)}{p(x)}-1\Big]
# =\int_{p>0} q(x)\,dx-1\le 0 .
# $$
#
# The first inequality is strict unless $q=p$ almost everywhere where $p>0$; then $q$ has no mass left for anywhere
# else.
# :::
#
# "Almost everywhere" is needed: changing a density at a single point changes no probability, and no divergence. Here
# are a thousand random pairs of distributions on ten points, and each distribution against itself:

# %%
source = random_source(1)
weights = torch.rand(2, 1000, 10, generator=source).double() ** 4
p, q = weights / weights.sum(-1, keepdim=True)  # (1000, 10) each
positive, zero = kl_divergence(p, q) > 0, kl_divergence(p, p) == 0
claim(
    "kl-nonneg-zero-iff",
    "KL(p, q) > 0 for unequal, KL(p, p) = 0 for equal distributions: pairs",
    [positive.sum(), zero.sum()],
    equals=1000,
)

# %% [markdown]
# ## KL has a direction
#
# In {eq}`eq-kl` the two distributions play different parts: $p$ says where we look, and $q$ is only asked about the
# places where we look. Exchanging them asks a different question, which usually has a different answer.

# %%
narrow, wide = gaussian(0, 1), gaussian(1, 2)
forward, backward = (
    kl_between(narrow, wide).value,
    kl_between(wide, narrow).value,
)
claim(
    "kl-asymmetric",
    "KL(N(0,1), N(1,2)) and KL(N(1,2), N(0,1)) differ",
    backward - forward,
    equals=kl_gaussians(1, 2, 0, 1) - kl_gaussians(0, 1, 1, 2),
    atol=1e-9,
)

# %% [markdown]
# A much-read introduction to GANs {cite}`weng2019` draws two Gaussians of *equal* width, $N(0,1)$ and $N(1,1)$, and
# writes below them that KL is asymmetric. So it is, but this pair is one of the exceptions. Look at
# {eq}`eq-kl-gaussians`: with $s_1=s_2$ it depends on $(m_1-m_2)^2$ only, and that is the same both ways round.

# %% tags=["hide-input"]
left, right = gaussian(0, 1), gaussian(1, 1)
both_ways = [kl_between(left, right).value, kl_between(right, left).value]
claim(
    "fig1-kl-equal-both-ways",
    "KL is 1/2 in both directions for N(0,1), N(1,1)",
    both_ways,
    equals=1 / 2,
    atol=1e-9,
)

# %% [markdown]
# What differs are the *integrands* $p\log\frac pq$ and $q\log\frac qp$: mirror images of each other about
# $x=\frac12$, with equal areas. The figure draws them, with those of JS to which we come below ($m$ is the mean of
# the two densities); its right column has Gaussians of unequal width, where the areas really differ.


# %% tags=["hide-input"] mystnb={"image": {"alt": "Four rows of two panels over x from -5 to 9; the left column is for N(0,1) and N(1,1), the right one for N(0,1) and N(1,2). First row: the bell curves. Second row: the integrands of KL in both directions; on the left they are mirror images with one hump and one dip each, on the right that of KL from q to p is much larger. Third row: the integrands of KL from p and from q to their mean, of the same shape but a quarter as high. Last row: the integrand of JS, two low humps with a zero between them."}, "figure": {"name": "fig-integrands", "caption": "What KL and JS integrate; the shaded areas are the divergences. Left: two Gaussians of equal width, the pair of Weng's figure 1, where the areas of the second row agree. Right: unequal widths, where they do not."}}
def integrands(p, q, x):
    """The functions whose areas are the KLs p‖q, q‖p, p‖m, q‖m, and JS."""
    log_p, log_q = p.log_prob(x), q.log_prob(x)
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    p, q = log_p.exp(), log_q.exp()
    p_to_m, q_to_m = p * (log_p - log_m), q * (log_q - log_m)
    return (
        p * (log_p - log_q),
        q * (log_q - log_p),
        p_to_m,
        q_to_m,
        (p_to_m + q_to_m) / 2,
    )


x = torch.linspace(-5, 9, 2801, dtype=torch.float64)
drawn = {
    "equal widths": integrands(left, right, x),
    "unequal widths": integrands(narrow, wide, x),
}

grid = plots.axes(4, 2, height=1.9, sharex=True, sharey="row")
pairs = {"equal widths": (left, right), "unequal widths": (narrow, wide)}
for column, (title, (p, q)) in zip(grid.T, pairs.items(), strict=True):
    kl_pq, kl_qp, kl_pm, kl_qm, js = drawn[title]
    plots.distributions(
        column[0], x, {"p": p.density(x), "q": q.density(x)}
    )
    plot_integrand(
        column[1],
        x,
        {"p log(p/q)": kl_pq, "q log(q/p)": kl_qp},
        colours=[plots.FIFTH, plots.OLIVE],
    )
    plot_integrand(column[2], x, {"p log(p/m)": kl_pm, "q log(q/m)": kl_qm})
    plot_integrand(column[3], x, {"JS": js})
    column[0].set_title(title)
    for ax in column[:3]:
        ax.set(xlabel="")
    for ax in column:
        low, high = ax.get_ylim()
        ax.set(ylabel="", ylim=(low, high + 0.45 * (high - low)))
        ax.legend(loc="upper right", fontsize=9, handlelength=1.3)
plots.show()

# %% [markdown]
# :::{admonition} Further: is the figure right?
# :class: dropdown
# The original figure gives no numbers, but it can be checked all the same. For $p=N(0,1)$ and $q=N(1,1)$ the integrand
# is $p(x)(\frac12-x)$, and its highest and lowest points lie where the derivative vanishes, $x^2-\frac x2-1=0$, that
# is, at $x=\frac{1\mp\sqrt{17}}4$. The integrand of the other direction has the same values at $1-x$.
# :::

# %% tags=["hide-input"]
kl_pq, kl_qp, *_ = drawn["equal widths"]
turning_points = [(1 - math.sqrt(17)) / 4, (1 + math.sqrt(17)) / 4]
found = [x[kl_pq.argmax()], x[kl_pq.argmin()]]
both_sides = slice(0, 2201)  # x from -5 to 6, as far on either side of 1/2
unlike = (kl_pq[both_sides] - kl_qp[both_sides].flip(0)).abs().max()
claim(
    "weng-fig1",
    "turning points of the integrand; how far the other is from its mirror image",
    [*found, unlike],
    equals=[*turning_points, 0],
    atol=0.005,  # the spacing of the drawn points
)

# %% [markdown]
# ### What KL does not see
#
# Since $p$ says where we look, $\operatorname{KL}(p\,\|\,q)$ is blind to *where* $q$ puts the mass that lies outside the
# support of $p$. Such mass is sometimes called "disregarded". That is not quite right: whatever $q$ spends elsewhere is
# missing under $p$. Let half of $q$ sit on $p=N(0,1)$, and move the other half away:
# $q_d=\frac12 N(0,1)+\frac12 N(d,1)$.
#
# Everywhere $q_d\ge\frac12p$, so $\operatorname{KL}(p\,\|\,q_d)$ is at most $\log 2$, whatever $d$ is. Once the stray
# half is far away, $q_d$ is half of what it should be where $p$ lives, and the divergence is $\log2$: minus the
# logarithm of the mass that $q$ has left there. In the other direction every draw from the stray half costs about
# $d^2/2$, and there are half of them: $\frac{d^2}4-\log 2$, without limit.

# %%
distances = torch.tensor([0.0, 1, 2, 3, 5, 10, 20], dtype=torch.float64)
strays = [gaussian_mixture([0.0, float(d)]) for d in distances]
seen_from_p = torch.stack([kl_between(narrow, q).value for q in strays])
seen_from_q = torch.stack([kl_between(q, narrow).value for q in strays])
show_table(
    ["$d$", *(f"{d:.0f}" for d in distances)],
    [
        [r"$\operatorname{KL}(p,q_d)$", *(f"{v:.3f}" for v in seen_from_p)],
        [
            r"$\operatorname{KL}(q_d,p)$",
            *(f"{v:.1f}" for v in seen_from_q.clamp(min=0)),
        ],
    ],
)

# %% tags=["hide-input"]
beyond_quarter = seen_from_q - distances**2 / 4
claim(
    "kl-ignored-tail",
    "at d = 10 and 20, KL(p, q_d) is log 2 and KL(q_d, p) is d²/4 - log 2",
    [*seen_from_p[-2:], *beyond_quarter[-2:]],
    equals=[math.log(2), math.log(2), -math.log(2), -math.log(2)],
    atol=2e-6,
)

# %% [markdown]
# ### When KL is infinite
#
# If $p$ has any mass where $q$ has none, $\operatorname{KL}(p\,\|\,q)=+\infty$. If it has none there, KL may be finite,
# but it may still be infinite when $q$'s tails are too thin. Let $p$ be a Cauchy distribution, whose density falls like
# $\frac1{\pi x^2}$, and $q=N(0,1)$. Far out the log ratio is about $\frac{x^2}2$, so each unit of length adds
# $\frac1{2\pi}$ on either side, forever.

# %%
short, long = uniform(0, 1), uniform(0, 2)
inside_out = [kl_between(short, long).value, kl_between(long, short).value]
claim(
    "kl-infinite-support",
    "KL(U[0,1], U[0,2]) = log 2 is finite, the reverse is infinite",
    inside_out,
    equals=[math.log(2), math.inf],
    atol=1e-9,
)

# %% tags=["hide-input"]
cauchy, standard = torch.distributions.Cauchy(0.0, 1.0), gaussian(0, 1)
near, far, farther = (
    kl_between(cauchy, standard, interval=(-reach, reach)).value
    for reach in (10, 100, 1000)
)
claim(
    "kl-infinite-thin-tails",
    "Cauchy against Gaussian, times π: what a unit of reach adds up to 100, to 1000",
    [(far - near) / 90 * math.pi, (farther - far) / 900 * math.pi],
    equals=1,
    atol=0.02,  # near 10 the rest of the log ratio still counts
)

# %% [markdown]
# ## The gradient: what a fitted model is told
#
# A model is fitted by following the gradient, so it matters what the gradient says. For distributions on a finite set
# it can be read off from $\sum_i p_i\log p_i-p_i\log q_i$:
#
# $$
# \frac{\partial \operatorname{KL}}{\partial q_i}=-\frac{p_i}{q_i},\qquad
# \frac{\partial \operatorname{KL}}{\partial p_i}=\log\frac{p_i}{q_i}+1 .
# $$ (eq-kl-gradients)
#
# If the model is $q$, its probability at $i$ is pushed up in proportion to $p_i/q_i$: most strongly where there are
# data that the model does not expect, and not at all where there are no data. If the model is $p$, it is pushed *down*
# wherever it has too much, however few data there are. (The 1 pushes all $p_i$ alike. Since they must go on adding up to
# 1, only differences between the entries of a gradient count.) The fits at the end of the lesson follow from these two
# sentences.

# %%
logits = torch.randn(2, 6, dtype=torch.float64, generator=random_source(2))
p, q = logits.softmax(-1).unbind()
p, q = p.requires_grad_(), q.requires_grad_()
by_autograd = torch.autograd.grad(kl_divergence(p, q), (p, q))
by_hand = torch.log(p / q) + 1, -p / q
claim(
    "kl-two-ways-gradient",
    "autograd gives both gradients",
    torch.stack(by_autograd),
    equals=torch.stack(by_hand),
    atol=1e-12,
)

# %% [markdown]
# ## Processing cannot create information
#
# Suppose that both distributions pass through the same machine: a camera, a network, a coarser grid. It turns each $i$
# into $j$ with probability $T_{ij}$, and the distributions into $pT$ and $qT$. Whatever the machine, the results are no
# easier to tell apart.
#
# :::{prf:theorem} Data processing inequality
# :label: thm-data-processing
# $\operatorname{KL}(pT\,\|\,qT)\le\operatorname{KL}(p\,\|\,q)$ for every matrix $T\ge0$ whose rows add up to 1.
# :::
#
# :::{prf:proof}
# Look at the pair $(i,j)$: its distributions $p_iT_{ij}$ and $q_iT_{ij}$ have the ratio $p_i/q_i$, so their divergence
# is $\operatorname{KL}(p\,\|\,q)$. Now forget $i$, which adds up all entries with the same $j$ to $p'_j=(pT)_j$ and
# $q'_j=(qT)_j$. Given $j$, the distributions of $i$ are $p_{i|j}=p_iT_{ij}/p'_j$ and $q_{i|j}=q_iT_{ij}/q'_j$. So
# $\log\frac{p_i}{q_i}=\log\frac{p'_j}{q'_j}+\log\frac{p_{i|j}}{q_{i|j}}$, and averaging over the pairs gives
#
# $$
# \operatorname{KL}(p\,\|\,q)=\operatorname{KL}(pT\,\|\,qT)
# +\sum_jp'_j\operatorname{KL}\big(p_{\cdot|j}\,\big\|\,q_{\cdot|j}\big) .
# $$
#
# By {prf:ref}`thm-gibbs` the last sum, which is what forgetting loses, is not negative.
# :::
#
# It is one of the few things that can be said about *all* discriminators at once: whatever features a network
# computes from an image, the features of real and generated images differ by no more than the images did. JS inherits
# this from KL. Two hundred random machines:

# %%
source = random_source(3)
weights = torch.rand(2, 200, 8, dtype=torch.float64, generator=source)
p, q = weights / weights.sum(-1, keepdim=True)  # (200, 8) each
machines = torch.rand(200, 8, 5, generator=source).double() ** 3
machines = machines / machines.sum(-1, keepdim=True)  # from 8 inputs to 5
p_out = torch.einsum("bi,bij->bj", p, machines)
q_out = torch.einsum("bi,bij->bj", q, machines)
of_kl = kl_divergence(p, q) - kl_divergence(p_out, q_out)  # what is lost
of_js = js_divergence(p, q) - js_divergence(p_out, q_out)
claim(
    "kl-data-processing",
    "no channel increases KL or JS",
    torch.stack([of_kl, of_js]),
    above=0.0,
)

# %% [markdown]
# ## Jensen–Shannon: compare with the middle
#
# The infinities of KL come from places where the second distribution has (almost) nothing and the first has something.
# The remedy is to compare both distributions with one that is nowhere small where they are not, their average
# $m=\frac{p+q}2$, and to take the mean of the two results:
#
# $$
# \operatorname{JS}(p\,\|\,q)=\frac12\operatorname{KL}\Big(p\,\Big\|\,\frac{p+q}2\Big)
# +\frac12\operatorname{KL}\Big(q\,\Big\|\,\frac{p+q}2\Big).
# $$ (eq-js)
#
# This is the **Jensen–Shannon divergence** {cite}`lin1991`. A second way to write it needs only entropies,
# $\operatorname{JS}=H(m)-\frac12\big(H(p)+H(q)\big)$ with $H(p)=-\int p\log p$: mixing two distributions adds
# uncertainty, and JS is how much. The two ways check each other:


# %%
def entropy(distribution):
    """H = -∫ p log p, over an interval that holds all the mass but 1e-30."""
    return -integrate(
        lambda x: distribution.density(x) * distribution.log_prob(x),
        -24,
        36,
    )[0]


# %%
mixed = gaussian_mixture([0.0, 1.0], [1.0, 2.0])
by_entropies = entropy(mixed) - (entropy(narrow) + entropy(wide)) / 2
claim(
    "js-definition",
    "JS is the entropy that mixing adds",
    js_between(narrow, wide).value,
    equals=by_entropies,
    atol=1e-9,
)

# %% [markdown]
# :::{admonition} Further: both terms are needed
# :class: dropdown
# The two terms are not equal in general: JS lies between them, and neither can stand for both. (The unfinished draft of
# the post that we follow repeats the first one; its next line, and the post as it was published, have both.)
# :::

# %% tags=["hide-input"]
to_middle = [kl_between(narrow, mixed).value, kl_between(wide, mixed).value]
js = js_between(narrow, wide).value
claim(
    "draft-js-duplicate-kl",
    "the first term of JS is above it, the second below it: by",
    [to_middle[0] - js, js - to_middle[1]],
    above=0.01,
)

# %% [markdown]
# ### Symmetric, bounded, and zero only for equal distributions
#
# Exchanging $p$ and $q$ exchanges the two terms of {eq}`eq-js`, so JS is symmetric. It is a mean of two KLs, so by
# {prf:ref}`thm-gibbs` it is never negative, and zero only when $p=m=q$. And it is bounded, because $m$ is everywhere at
# least half of $p$ (and of $q$):
#
# $$
# \log\frac{p(x)}{m(x)}=\log\frac{2p(x)}{p(x)+q(x)}\le\log 2
# \qquad\Longrightarrow\qquad 0\le\operatorname{JS}(p\,\|\,q)\le\log 2 ,
# $$ (eq-js-bound)
#
# with the upper value exactly when the distributions are disjoint: where one of them lives, the other has no mass. How
# large $\log 2$ is depends on the unit: 0.693 nats, or 1 bit. If you have read that JS lies in $[0,1]$, it was in bits.

# %% tags=["hide-input"]
source = random_source(4)
weights = (
    torch.rand(2, 1000, 10, dtype=torch.float64, generator=source) ** 6
)
p, q = weights / weights.sum(-1, keepdim=True)
claim(
    "js-symmetric",
    "JS(p, q) = JS(q, p)",
    js_divergence(p, q),
    equals=js_divergence(q, p),
    atol=1e-15,
)

# %%
disjoint = torch.tensor(
    [[0.3, 0.7, 0.0, 0.0], [0.0, 0.0, 0.6, 0.4]], dtype=torch.float64
)
largest = [js_divergence(*disjoint, base=base) for base in (math.e, 2, 10)]
not_below = (js_divergence(p, q) >= math.log(2)).sum()
claim(
    "js-bounded",
    "JS of disjoint distributions in three bases; how many others reach log 2",
    [*largest, not_below],
    equals=[math.log(2), 1.0, math.log10(2), 0],
    atol=1e-12,
)

# %% [markdown]
# ### JS and total variation say the same thing
#
# The simplest distance between distributions is the largest difference between the probabilities that they give to any
# one event, the **total variation** $\operatorname{TV}(p,q)=\sup_A|p(A)-q(A)|$. The best event is $A=\{p>q\}$. Since
# both densities have the integral 1, the positive and the negative part of $p-q$ have equal integrals, so
# $\operatorname{TV}=\int_{p>q}(p-q)=\frac12\int|p-q|$, a number between 0 and 1.
#
# :::{prf:theorem} JS and TV bound each other
# :label: thm-js-tv
#
# $$ \tfrac12\operatorname{TV}^2\;\le\;\operatorname{JS}\;\le\;\log 2\cdot\operatorname{TV}. $$ (eq-js-tv)
# :::
#
# So the one goes to zero exactly when the other does. The proof reduces both to a single ratio, and then needs nothing
# but the shape of one function of one variable.
#
# :::{prf:proof}
# *One ratio.* Let $u=\frac{p-q}{p+q}$, which lies between $-1$ and 1. Then $p=m(1+u)$ and $q=m(1-u)$, so
# $\log\frac pm=\log(1+u)$, $\log\frac qm=\log(1-u)$ and $|p-q|=2m|u|$. Therefore
#
# $$
# \operatorname{JS}=\int m\,\varphi(u)\,dx,\quad\operatorname{TV}=\int m\,|u|\,dx,\qquad
# \varphi(u)=\tfrac12(1+u)\log(1+u)+\tfrac12(1-u)\log(1-u).
# $$ (eq-js-one-ratio)
#
# *The function.* $\varphi$ is even and continuous, $\varphi(0)=0$ and $\varphi(1)=\log2$. Its derivative
# $\varphi'(u)=\frac12\log\frac{1+u}{1-u}$ is 0 at 0, and $\varphi''(u)=\frac1{1-u^2}\ge1$ for $|u|<1$.
#
# *Lower bound.* Integrate $\varphi''\ge1$ twice from 0: $\varphi(u)\ge\frac12u^2$. So
# $\operatorname{JS}\ge\frac12\int m\,u^2\ge\frac12\big(\int m\,|u|\big)^2=\frac12\operatorname{TV}^2$, because the mean
# of a square, here under the density $m$, is at least the square of the mean.
#
# *Upper bound.* $\varphi$ is convex, so between 0 and 1 its graph lies below the chord from $(0,0)$ to $(1,\log2)$, and
# since it is even, $\varphi(u)\le|u|\log2$. Multiply by $m$ and integrate.
# :::
#
# Each step can be executed: the reduction on a thousand random pairs, the second derivative with sympy, and the two
# inequalities for $\varphi$ on a grid between 0 and 1, where they are strict.

# %%
m, u = (p + q) / 2, (p - q) / (p + q)  # (1000, 10)
varphi = (torch.xlogy(1 + u, 1 + u) + torch.xlogy(1 - u, 1 - u)) / 2
off = [
    js_divergence(p, q) - (m * varphi).sum(-1),
    total_variation(p, q) - (m * u.abs()).sum(-1),
]
claim(
    "js-tv-one-ratio",
    "JS less the mean of φ(u), TV less the mean of |u|: largest difference",
    torch.stack(off).abs().max(),
    below=1e-14,
)

# %%
at = sympy.Symbol("u")
phi = ((1 + at) * sympy.log(1 + at) + (1 - at) * sympy.log(1 - at)) / 2
claim(
    "js-tv-curvature",
    "the second derivative of φ is 1 / (1 - u²)",
    sympy.diff(phi, at, 2),
    equals=1 / (1 - at**2),
)

# %%
u = torch.linspace(0, 1, 101, dtype=torch.float64)[1:-1]
varphi = ((1 + u) * torch.log1p(u) + (1 - u) * torch.log1p(-u)) / 2
claim(
    "js-tv-shape",
    "φ(u) - u²/2, and log 2 u - φ(u), smallest for 0 < u < 1",
    [(varphi - u**2 / 2).min(), (math.log(2) * u - varphi).min()],
    above=0.0,
)

# %% [markdown]
# The lower bound also proves again that JS vanishes for equal distributions only: TV then vanishes, and with it
# $\int|p-q|$.

# %% tags=["hide-input"]
floor = total_variation(p, q) ** 2 / 2  # positive for unequal distributions
positive, zero = js_divergence(p, q) > floor, js_divergence(p, p) < 1e-15
claim(
    "js-zero-iff",
    "JS(p, q) > TV²/2 > 0 for unequal distributions, JS(p, p) = 0: pairs",
    [positive.sum(), zero.sum()],
    equals=1000,
)

# %% tags=["hide-input"]
shifts = [0.1, 0.5, 1.0, 2.0, 4.0, 8.0]
js = torch.stack(
    [js_between(gaussian(0), gaussian(d)).value for d in shifts]
)
tv = torch.stack(
    [
        total_variation_between(gaussian(0), gaussian(d)).value
        for d in shifts
    ]
)
slack = torch.stack([js - tv**2 / 2, math.log(2) * tv - js])
claim(
    "js-tv-equivalence",
    "TV²/2 < JS < log 2 · TV for shifted Gaussians",
    slack,
    above=0.0,
)

# %% [markdown]
# This is where the trouble of later lessons begins. Total variation is very strict: by its measure, a distribution
# concentrated at 0 and one concentrated at 0.001 are as different as two distributions can be. By {eq}`eq-js-tv`, JS
# inherits that strictness. The figure moves one Gaussian away from another.

# %% tags=["hide-input"]
d = torch.linspace(0, 10, 201, dtype=torch.float64)
js = torch.stack(
    [js_between(gaussian(0), gaussian(shift)).value for shift in d]
)
kl = d**2 / 2  # equation (1.2) with both widths 1
without_kl = [(long, short), (cauchy, standard), (short, uniform(2, 3))]
claim(
    "js-always-defined-smoother",
    "JS of three pairs whose KL is infinite",
    [js_between(*pair).value for pair in without_kl],
    above=0.0,
    below=math.log(2) + 1e-9,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two curves over the distance d from 0 to 10. KL, half the square of d, leaves the plot at the top before d = 2. JS starts flat at 0, rises most steeply near d = 2, and is level at log 2 = 0.693 from about d = 6 on."}, "figure": {"name": "fig-saturation", "caption": "One Gaussian moves away from another of the same width. KL grows without limit; JS saturates at log 2, where hardly any slope is left."}}
ax = plots.axes(height=3.0)
plots.lines(ax, d, {"KL (both directions)": kl, "JS": js})
ax.axhline(math.log(2), color=plots.FAINT, linewidth=1.2)
ax.annotate(
    "log 2",
    (9.4, math.log(2)),
    (0, 4),
    textcoords="offset points",
    color=plots.INK,
)
ax.set(
    xlabel="distance d between the means, in standard deviations",
    ylabel="nats",
    ylim=(0, 1.5),
)
plots.show()

# %% [markdown]
# JS is always finite. It is also often called smoother than KL, and where KL leaps to infinity it is. In this family,
# though, KL is a parabola, and it is JS that bends over. Beyond six standard deviations the curve is nearly level: the
# value tells a distant model that it is bad, but hardly whether it is improving.
#
# Is the direction lost as well? Not if JS is known *exactly*. At $d=10$ the slope is $2.2\cdot10^{-6}$, which single
# precision still resolves, and an optimizer such as Adam, which divides by the size of the slopes, goes straight to 0:

# %%
points = torch.linspace(-8, 18, 2601)  # single precision


def exact_js(d):
    """JS of N(0, 1) and N(d, 1) as in (1.4), by the trapezoidal rule."""
    p_to_m, q_to_m = integrands(gaussian(0), gaussian(d), points)[2:4]
    return torch.trapezoid(p_to_m + q_to_m, points) / 2


# %%
d_now = torch.tensor(10.0, requires_grad=True)
optimizer = torch.optim.Adam([d_now], lr=0.1)
for _ in range(150):
    optimizer.zero_grad()
    exact_js(d_now).backward()
    optimizer.step()
claim(
    "js-exact-slope-suffices",
    "the distance to which Adam goes from 10, in 150 steps on the exact JS",
    d_now.abs(),
    below=0.05,
)

# %% [markdown]
# But a model's density is seldom known, and then JS has to be *estimated* from draws. For this pair the slope is
# $\frac d2\,\mathbb E_{x\sim q}\big[\frac{p(x)}{p(x)+q(x)}\big]$ ({doc}`lesson 3 <03_optimal_discriminator>` shows
# why). It comes from draws that could belong to either distribution, and at $d=10$ only one in 3.5 million lies beyond
# the middle. Nearly every batch of ten thousand has none of these, and then it sees next to nothing of the slope, even
# if the ratio of the densities is given:

# %%
near, far = gaussian(0), gaussian(10)
batches = 10 + torch.randn(
    100, 10_000, dtype=torch.float64, generator=random_source(7)
)  # a hundred batches of the model's draws
log_ratio = near.log_prob(batches) - far.log_prob(batches)
slopes = (10 * log_ratio.sigmoid()).mean(1) / 2  # each batch's estimate
true_slope = torch.autograd.grad(
    exact_js(start := torch.tensor(10.0, requires_grad=True)), start
)[0]
claim(
    "js-slope-from-samples",
    "what the median batch sees of the slope at d = 10, as a share",
    slopes.median() / true_slope,
    below=0.05,
)

# %% [markdown]
# So the obstacle is not the arithmetic: it is that far away the slope cannot be estimated. Lesson 3 shows why GANs are
# tied to this curve, and lesson 5 what becomes of them there.
#
# :::{admonition} Try it
# :class: tip
# How many draws does a batch need at $d=10$, and how many at $d=4$, before the median batch sees nine tenths of the
# slope?
# :::
#
# ### Are they metrics?
#
# They are often called so. A metric must be symmetric and satisfy the triangle inequality: a detour must not be shorter
# than the direct route. KL is not even symmetric. JS fails on the detour from heads through a fair coin to tails:

# %%
heads, fair, tails = torch.tensor(
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]], dtype=torch.float64
)
direct, detour = (
    js_divergence(heads, tails),
    js_divergence(heads, fair) + js_divergence(fair, tails),
)
claim(
    "kl-js-not-metrics",
    "JS: the direct way costs log 2, the detour only 3/2 log(4/3)",
    [direct, detour],
    equals=[math.log(2), 1.5 * math.log(4 / 3)],
    atol=1e-12,
)

# %% [markdown]
# The square *root* of JS is a metric, which takes a proof of its own {cite}`endres2003`; here are ten thousand random
# detours:

# %% tags=["hide-input"]
weights = (
    torch.rand(
        3, 10_000, 6, dtype=torch.float64, generator=random_source(5)
    )
    ** 4
)
p, q, r = weights / weights.sum(-1, keepdim=True)
excess = (
    js_divergence(p, r).sqrt()
    - js_divergence(p, q).sqrt()
    - js_divergence(q, r).sqrt()
)
claim(
    "js-root-metric",
    "the root of JS: by how much the direct way is at most longer than a detour",
    excess.max(),
    below=1e-12,
)

# %% [markdown]
# KL and JS themselves are **divergences**: zero for equal distributions, positive for others. A divergence need not be
# more than that.
#
# :::{admonition} Further: is JS between the two KLs?
# :class: dropdown
# "The JS divergence can be regarded as an interpolation between the two KL divergences" {cite}`xu2020`. What is meant
# is a family to which it belongs {cite}`huszar2015`. Mix in other proportions, $m_\pi=\pi p+(1-\pi)q$, and set
#
# $$
# \operatorname{JS}_\pi(p\,\|\,q)=\pi\operatorname{KL}(p\,\|\,m_\pi)+(1-\pi)\operatorname{KL}(q\,\|\,m_\pi).
# $$ (eq-js-skewed)
#
# As $\pi\to0$, $\frac1\pi\operatorname{JS}_\pi\to\operatorname{KL}(p\,\|\,q)$, and as $\pi\to1$,
# $\frac1{1-\pi}\operatorname{JS}_\pi\to\operatorname{KL}(q\,\|\,p)$: the rarer distribution is compared with the
# commoner one. The JS of {eq}`eq-js` is the case $\pi=\frac12$.
#
# Without such a factor, the *value* of JS is no compromise between the two KLs. The middle is the distribution from
# which $p$ and $q$ are least far away on average:
# $\frac12\operatorname{KL}(p\,\|\,r)+\frac12\operatorname{KL}(q\,\|\,r)$ is
# $\operatorname{JS}(p\,\|\,q)+\operatorname{KL}(m\,\|\,r)$, as one sees by writing out the logarithms. Put $r=q$ and
# $r=p$:
#
# $$
# \operatorname{JS}(p\,\|\,q)\;\le\;\tfrac12\min\big(\operatorname{KL}(p\,\|\,q),\operatorname{KL}(q\,\|\,p)\big).
# $$ (eq-js-half-kl)
# :::


# %% tags=["hide-input"]
def skewed_js(p, q, share):
    """The skewed JS (1.8) of the Gaussians `narrow` and `wide`."""
    mixture = gaussian_mixture([0.0, 1.0], [1.0, 2.0], [share, 1 - share])
    return (
        share * kl_between(p, mixture).value
        + (1 - share) * kl_between(q, mixture).value
    )


exponents = (-2, -4, -6)
shares = [10.0**exponent for exponent in exponents]
both_ends = (
    torch.tensor(
        [
            [
                skewed_js(narrow, wide, share),
                skewed_js(narrow, wide, 1 - share),
            ]
            for share in shares
        ]
    )
    / torch.tensor(shares)[:, None]
)  # over the rarer share: (shares, ends)
show_table(
    [
        "rarer share",
        "$\\frac1\\pi\\operatorname{JS}_\\pi$, $p$ is rarer",
        "$\\frac1{1-\\pi}\\operatorname{JS}_\\pi$, $q$ is rarer",
    ],
    [
        [f"$10^{{{exponent}}}$", *(f"{ratio:.3f}" for ratio in ratios)]
        for exponent, ratios in zip(exponents, both_ends, strict=True)
    ],
)
claim(
    "js-interpolates-two-kl",
    "JS at share π, divided by π → KL(p, q) as π → 0, by 1 - π → KL(q, p) as π → 1",
    both_ends[-1],
    equals=[forward, backward],
    atol=0.03,  # the second end is slow: tails that the mixture lacks
)

# %% tags=["hide-input"]
weights = torch.rand(2, 1000, 10, generator=random_source(8)).double() ** 2
p, q = weights / weights.sum(-1, keepdim=True)
smaller = torch.minimum(kl_divergence(p, q), kl_divergence(q, p))
claim(
    "js-below-half-kl",
    "JS over half the smaller KL, a thousand random pairs",
    js_divergence(p, q) / (smaller / 2),
    below=1.0,
    above=0.0,
)

# %% [markdown]
# ## Fitting: what each divergence makes of a model that cannot be right
#
# If models could be perfect, it would not matter which divergence we minimise. So take data with two modes, and a model
# with one. Which Gaussian is best? The answer depends on what is minimised.
#
# ### Maximum likelihood is forward KL
#
# The classical way is to choose the model $p_\theta$ under which the data are most likely: to maximise the average of
# $\log p_\theta(x_i)$. As the data grow that average tends to $\mathbb E_{p_r}\log p_\theta$, and
#
# $$
# -\mathbb E_{p_r}\log p_\theta(x)=H(p_r)+\operatorname{KL}(p_r\,\|\,p_\theta).
# $$ (eq-mle)
#
# The entropy does not depend on the model. So maximum likelihood minimises the **forward** KL, the one in which the
# data say where to look. A million draws, three models, and both sides of the equation:

# %%
draws = narrow.sample(1_000_000, generator=random_source(6))
models = [gaussian(0, 1), gaussian(1, 1), gaussian(0, 2)]
surprise = torch.stack([-model.log_prob(draws) for model in models])
average, standard_error = surprise.mean(1), surprise.std(1) / 1000
predicted = torch.stack(
    [entropy(narrow) + kl_between(narrow, model).value for model in models]
)
claim(
    "mle-is-kl",
    "-log-likelihood minus (entropy + KL), in standard errors",
    (average - predicted).abs() / standard_error,
    below=4,
)

# %% [markdown]
# ### Forward, backward, and JS, fitted
#
# Now the fits. `fit` moves the mean and the width of a Gaussian until the given divergence is stationary; the
# gradient flows through the quadrature.


# %% tags=["hide-input"]
def fit(divergence, mean, scale=1.0):
    """Minimise divergence(model) over Gaussians, starting at N(mean, scale)."""
    parameters = (
        torch.tensor([mean, math.log(scale)]).double().requires_grad_()
    )
    optimizer = torch.optim.LBFGS(
        [parameters],
        max_iter=60,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def loss():
        optimizer.zero_grad()
        value = divergence(
            gaussian(parameters[0], parameters[1].exp())
        ).value
        value.backward()
        return value

    optimizer.step(loss)
    return parameters[0].item(), parameters[1].exp().item(), loss().item()


# %% [markdown]
# The data have seven tenths of their mass around $-2$ and three tenths around 3. Where a divergence has several minima,
# the start decides which one is found, so we start in more than one place.

# %%
data = gaussian_mixture([-2.0, 3.0], [0.7, 0.7], [0.7, 0.3])
fits = {
    "forward KL": fit(lambda model: kl_between(data, model), 0.0),
    "reverse KL": fit(lambda model: kl_between(model, data), -2.0),
    "reverse KL, other start": fit(
        lambda model: kl_between(model, data), 3.0
    ),
    "JS": fit(lambda model: js_between(data, model), -2.0),
    "JS, broad start": fit(lambda model: js_between(data, model), 0.0, 3.0),
}

# %%
show_table(
    ["fit", "mean", "standard deviation", "divergence"],
    [
        [name, *(f"{number:.2f}" for number in found)]
        for name, found in fits.items()
    ],
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over x from -8 to 8, each with the two-peaked data distribution as a filled curve, its higher peak at -2 and its lower at 3. First panel: the forward KL fit is one broad low bell across both peaks and the gap between them; the reverse KL fit is a narrow bell on the higher peak. Second panel: the two local minima of JS, one narrow bell on the higher peak and one broad bell over both."}, "figure": {"name": "fig-fits", "caption": "One Gaussian for data with two modes. Forward KL covers everything, the gap included; reverse KL picks a mode; JS has a minimum of each kind, and for these data the narrow one is the lower."}}
x = torch.linspace(-8, 8, 801, dtype=torch.float64)
panels = plots.axes(1, 2, height=3.0, sharey=True)
for ax, names in zip(
    panels,
    [("forward KL", "reverse KL"), ("JS", "JS, broad start")],
    strict=True,
):
    fitted = {name: gaussian(*fits[name][:2]).density(x) for name in names}
    plots.distributions(ax, x, {"data": data.density(x)})
    ax.set(ylim=(0, 0.6))
    plots.lines(ax, x, fitted)
    ax.legend(loc="upper right", fontsize=10)
plots.show()

# %% [markdown]
# Try it yourself: move the bell, let it descend one of the three, and begin again somewhere else.

# %%
fit_a_bell()

# %% [markdown]
# **Forward KL covers.** By {eq}`eq-kl-gradients` the model is pulled wherever there are data, so no mode may be left out.
# For a Gaussian model the optimum can be found by hand: setting the derivatives of $\mathbb E_{p_r}\log p_\theta$
# to zero gives the *mean and variance of the data*. (For a general exponential family: the expectations of its
# sufficient statistics. For models outside such families there is no such rule.) The fit fills the gap: between $-0.6$
# and $1.6$, two standard deviations from either mode, it has a third of its mass, and the data have two hundredths.

# %% tags=["hide-input"]
mean = -2.0 * 0.7 + 3.0 * 0.3
variance = 0.7**2 + 0.7 * (-2.0 - mean) ** 2 + 0.3 * (3.0 - mean) ** 2
claim(
    "forward-kl-moment-matching",
    "the forward KL fit has the mean and the width of the data",
    fits["forward KL"][:2],
    equals=[mean, math.sqrt(variance)],
    atol=1e-5,
)
broad = gaussian(*fits["forward KL"][:2])
in_the_gap = [integrate(d.density, -0.6, 1.6)[0] for d in (broad, data)]
claim(
    "forward-kl-fills-gaps",
    "mass of the fit and of the data between -0.6 and 1.6",
    in_the_gap,
    equals=[0.33, 0.02],
    atol=0.01,
)

# %% [markdown]
# **Reverse KL chooses.** In $\operatorname{KL}(p_\theta\,\|\,p_r)$ the model says where to look, and it is punished for
# looking where there are no data. Sitting on mode $i$, where $p_\theta\approx p_r/w_i$ with the weight $w_i$ of the mode,
# costs about $\log\frac1{w_i}$, so the best fit is on the mode with the largest *mass*. The others are local minima:
# where you end depends on where you start. Is it really the mass, and not the height of the peak? In these data the two
# go together, so we make the lesser mode narrower, until its peak is the higher one. The costs stay the same:

# %% tags=["hide-input"]
uneven = gaussian_mixture([-2.0, 3.0], [1.0, 0.3], [0.7, 0.3])
peaks = uneven.density(torch.tensor([-2.0, 3.0], dtype=torch.float64))
on_mass = fit(lambda model: kl_between(model, uneven), -2.0)
on_peak = fit(lambda model: kl_between(model, uneven), 3.0, 0.5)
show_table(
    ["mode", "mass", "height", "cost"],
    [
        ["-2", "0.7", f"{peaks[0]:.2f}", f"{on_mass[2]:.2f}"],
        ["3", "0.3", f"{peaks[1]:.2f}", f"{on_peak[2]:.2f}"],
    ],
)
claim(
    "reverse-kl-mode-seeking",
    "reverse KL costs log 1/0.7 on the heavier mode, log 1/0.3 on the higher: twice",
    [
        *(
            fits[name][2]
            for name in ("reverse KL", "reverse KL, other start")
        ),
        *(on_mass[2], on_peak[2]),
    ],
    equals=[math.log(1 / 0.7), math.log(1 / 0.3)] * 2,
    atol=2e-3,
)

# %% [markdown]
# **JS can do either.** For the data of the figure the better of its two minima is the narrow one. For two equal modes
# at $\pm3$ it is the broad one. So JS is not simply "in between", and it does not keep a model from missing a mode.

# %%
even = gaussian_mixture([-3.0, 3.0], 1.0)
narrow_fit, broad_fit = (
    fit(lambda model: js_between(even, model), 3.0),
    fit(lambda model: js_between(even, model), 0.0, 3.0),
)
advantage = [
    fits["JS, broad start"][2] - fits["JS"][2],
    narrow_fit[2] - broad_fit[2],
]
claim(
    "js-bimodal-fit",
    "JS prefers one mode for unequal weights, two for equal: by",
    advantage,
    above=0.05,
)

# %% [markdown]
# Which is better for a generator of images? A broad fit draws images that nobody would take for real. A narrow one
# draws good images of one kind. {doc}`Lesson 3 <03_optimal_discriminator>` asks which of the divergences a GAN
# follows, if it follows any.
#
# ## Exercises
#
# Type your answer into the box and press *Check*; or, in a notebook, put it in place of the dots and run the cell. You
# are told whether it is right and, for the more likely mistakes, what went wrong.
#
# :::{exercise}
# :label: ex-kl-of-a-coin
# A coin is fair, but you believe that it shows heads nine times out of ten. How many **bits** of avoidable surprise
# does each toss bring you on average?
# :::
#
# :::{hint}
# :class: dropdown
# Which of the two distributions do the tosses come from? It stands first in {eq}`eq-kl`, whose integral is a sum of two
# terms here. And mind the unit: the base of the logarithm decides.
# :::

# %%
answer = ...
check("kl-of-a-coin", answer)

# %% [markdown]
# :::{solution} ex-kl-of-a-coin
# :class: dropdown
# The data come from the fair coin: $\frac12\log_2\frac{0.5}{0.9}+\frac12\log_2\frac{0.5}{0.1}\approx0.737$ bits.
#
# ```python
# fair, believed = torch.tensor([[0.5, 0.5], [0.9, 0.1]], dtype=torch.float64)
# answer = kl_divergence(fair, believed, base=2)
# ```
# :::
#
# :::{exercise}
# :label: ex-js-half-overlap
# Two distributions on three points: $p=(\frac12,\frac12,0)$ and $q=(0,\frac12,\frac12)$. What is their JS, in nats? Do
# it by hand.
# :::
#
# :::{hint}
# :class: dropdown
# Begin with the middle $m$ of {eq}`eq-js`, point by point. Of the points where $p$ has mass, at which ones is the ratio
# $p/m$ not 1? Only those contribute to $\operatorname{KL}(p\,\|\,m)$.
# :::

# %%
answer = ...
check("js-half-overlap", answer)

# %% [markdown]
# :::{solution} ex-js-half-overlap
# :class: dropdown
# The middle is $m=(\frac14,\frac12,\frac14)$. On the shared point both distributions agree with $m$ and contribute
# nothing; on its own point each has twice the probability of $m$: $\operatorname{KL}(p\,\|\,m)=\frac12\log2$, and the
# same for $q$.
#
# ```python
# answer = math.log(2) / 2
# ```
# :::
#
# :::{exercise}
# :label: ex-gaussian-kl-formula
# **Derive** {eq}`eq-kl-gaussians` on paper, without looking at it: write out $\log\frac pq$ for two Gaussians, and take
# the expectation under $p$. Then give the formula for $\operatorname{KL}\big(N(m,s)\,\|\,N(0,1)\big)$, with the symbols
# `m` and `s` of sympy. (It is the term that keeps the codes of a variational autoencoder close to a standard Gaussian.)
# :::
#
# :::{hint}
# :class: dropdown
# You need two expectations under $p=N(m_1,s_1)$, of $(x-m_1)^2$ and of $(x-m_2)^2$; for the second, write
# $x-m_2=(x-m_1)+(m_1-m_2)$. A test for your formula: what must it give for equal distributions?
# :::

# %%
from sympy import symbols

m, s = symbols("m s", positive=True)
answer = ...
check("gaussian-kl-formula", answer)

# %% [markdown]
# :::{solution} ex-gaussian-kl-formula
# :class: dropdown
# 1. The density of $N(m,s)$ is $\frac1{s\sqrt{2\pi}}e^{-(x-m)^2/(2s^2)}$. In the log ratio $\sqrt{2\pi}$ cancels:
#
#    $$ \log\frac{p(x)}{q(x)}=\log\frac{s_2}{s_1}-\frac{(x-m_1)^2}{2s_1^2}+\frac{(x-m_2)^2}{2s_2^2} . $$
#
# 2. Under $p$ the mean of $(x-m_1)^2$ is the variance $s_1^2$, so the second term becomes $-\frac12$ for every $s_1$.
# 3. Write $x-m_2=(x-m_1)+(m_1-m_2)$ and square. The mixed term $2(x-m_1)(m_1-m_2)$ has the mean 0 under $p$, so the
#    mean of $(x-m_2)^2$ is $s_1^2+(m_1-m_2)^2$.
# 4. Together: $\log\frac{s_2}{s_1}-\frac12+\frac{s_1^2+(m_1-m_2)^2}{2s_2^2}$, which is {eq}`eq-kl-gaussians`.
# 5. With $m_1=m$, $s_1=s$, $m_2=0$, $s_2=1$ this is $-\log s+\frac{s^2+m^2}2-\frac12$. At $m=0$, $s=1$ it is 0.
#
# ```python
# from sympy import log, symbols
#
# m, s = symbols("m s", positive=True)
# answer = -log(s) + (s**2 + m**2) / 2 - 1 / 2
# ```
# :::
#
# :::{exercise}
# :label: ex-moment-matching
# Data: a quarter from $N(0,1)$, three quarters from $N(4,1)$. Which **width** (standard deviation) has the Gaussian
# with the largest likelihood?
# :::
#
# :::{hint}
# :class: dropdown
# Which two moments does maximum likelihood match, according to the paragraph after {numref}`fig-fits`? Then draw the
# data: what adds to their variance, apart from the spread within each mode?
# :::

# %%
answer = ...
check("moment-matching", answer)

# %% [markdown]
# :::{solution} ex-moment-matching
# :class: dropdown
# Maximum likelihood matches mean and variance. The variance is that within the modes plus that between them:
# $1+\frac14\cdot\frac34\cdot4^2=4$.
#
# ```python
# answer = math.sqrt(1 + 1 / 4 * 3 / 4 * 4**2)
# ```
# :::
#
# ## What to remember
#
# - KL is the avoidable surprise, $\mathbb E_p\log\frac pq$: never negative, zero only for equal distributions, infinite
#   as soon as $q$ rules out something that happens under $p$. It has a direction, although Gaussians of equal width do
#   not show it.
# - JS compares both distributions with their average: symmetric, finite, at most $\log 2$, and squeezed between
#   $\frac12\operatorname{TV}^2$ and $\log2\cdot\operatorname{TV}$. It saturates when the distributions separate; what
#   is left of its slope then cannot be estimated from samples.
# - Maximum likelihood is forward KL: it covers all modes, and the gaps. Reverse KL chooses one. JS may do either.
# - No processing of the data can increase KL or JS.
#
# **Sources.** The definitions and the first figure follow {cite}`weng2019` and {cite}`xu2020`, with the corrections
# that are listed under {doc}`errata`. KL is from {cite}`kullback1951`, JS from {cite}`lin1991`, the proof that its root
# is a metric from {cite}`endres2003`, the skewed family in connection with GANs from {cite}`huszar2015`. On forward and
# reverse fits see {cite}`minka2005`.
