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
# # 5 · Thin supports and vanishing gradients
#
# Lesson 3 gave a recipe: train the discriminator until it is optimal, take one step with the generator, and that step
# descends the Jensen–Shannon divergence. On images the recipe fails, and in a strange way: the better the discriminator
# becomes, the less the generator learns from it. **Why does a better teacher leave the pupil with nothing to learn
# from?** The answer is geometry {cite}`arjovsky2017principled`: real and generated images both lie on thin sets in a
# very large space, and thin sets hardly meet. Then a perfect discriminator exists; it is flat, so its gradient is 0; and
# the loss that avoids this has a price.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** why images have few dimensions and how to measure how many; when two thin sets meet, and
# why it hardly matters; what a perfect discriminator is and what it does to the gradient; what the loss $-\log D$
# really descends, and what it costs; and which of these statements are theorems and which are observations.
#
# **You need** {doc}`lesson 1 <01_divergences>` for KL, JS and total variation, and {doc}`lesson 3
# <03_optimal_discriminator>` for the optimal discriminator.
#
# **It takes** about 79 minutes to read with the exercises, and about half a minute to run on a laptop.
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
import warnings
from itertools import pairwise

import numpy as np
import scipy
import sympy
import torch
from torch.func import jacfwd, vmap
from torch.nn.functional import softplus

from gantut import plots
from gantut.checks import claim
from gantut.data import digits, gaussian, parallel_lines, ring
from gantut.device import at_scale, choose_device, random_source
from gantut.divergences import (
    integrate,
    js_between,
    js_divergence,
    kl_between,
    kl_divergence,
    optimal_discriminator,
    value_function,
)
from gantut.lessons import check, readable, show_table
from gantut.lessons.vanishing_gradients import winning_discriminator
from gantut.lessons.vanishing_gradients.plots import (
    plot_planes,
    plot_segments,
)
from gantut.metrics import mode_coverage, paired_difference
from gantut.networks import MLP
from gantut.objectives import Objective
from gantut.training import (
    Architecture,
    Config,
    DivergenceWarning,
    Optimizer,
    train,
)
from gantut.transport import emd_points, wasserstein_1d

# %% [markdown]
# ## Thin sets
#
# A generator turns a few random numbers $z\in\mathbb R^k$, say a hundred, into an image $G_\theta(z)\in\mathbb R^n$,
# say of 4096 pixels. How much of $\mathbb R^{4096}$ can it fill? Look closely around one $z$. There $G_\theta$ is
# nearly linear, and its linear part is the **Jacobian**
#
# $$ J_zG_\theta=\Big(\frac{\partial G_{\theta,i}}{\partial z_j}\Big)_{ij}\in\mathbb R^{n\times k},\qquad \operatorname{rank}J_zG_\theta\le\min(k,n) . $$ (eq-jacobian-rank)
#
# It has only $k$ columns: there are at most $k$ directions in which the image can change. So all the images that
# $G_\theta$ can make, its range, form a set of at most $k$ dimensions. If $k<n$ that set has no volume, just as a curve
# has no area. We count the directions of a network of ordinary size.


# %% tags=["hide-input"]
def network(widths, activation, source):
    """A network without biases, written out: it maps z to an image."""
    weights = [
        torch.randn(rows, columns, generator=source).double() / columns**0.5
        for columns, rows in pairwise(widths)
    ]

    def generate(z):
        for weight in weights[:-1]:
            z = activation(weight @ z)
        return weights[-1] @ z

    return generate


# %%
source, ranks = random_source(0), []
for activation in (torch.tanh, torch.relu):
    z = torch.randn(100, generator=source).double()
    generate = network([100, 512, 512, 4096], activation, source)
    jacobian = jacfwd(generate)(z)  # (4096, 100)
    stretch = torch.linalg.svdvals(jacobian)  # of all directions at once
    ranks.append((stretch > 0.1).sum())  # no direction is doubtful
claim(
    "pg-low-dimensional",
    "rank of the Jacobian, 100 numbers to 4096, tanh and ReLU",
    ranks,
    equals=100,
)

# %% [markdown]
# (The small print: $G_\theta$ must be differentiable, or at least locally Lipschitz, as ReLU networks are. A map that
# is merely continuous, like Peano's curve, can fill a square from a line. And 4096 pixels is *one* channel of a
# $64\times64$ image; in colour there are 12288 numbers.) Curves, surfaces and their relatives in more dimensions have a
# common name: a set that looks like $\mathbb R^d$, seen closely enough around any of its points, is a **$d$-manifold**.
#
# :::{admonition} Further: manifolds and charts
# :class: dropdown
# Precisely, around each point of a $d$-manifold there is a **chart**: a smooth map from an open piece of $\mathbb R^d$
# onto all of the set near that point, one to one, with a continuous inverse and a Jacobian of rank $d$. (The usual
# definition asks for two more properties, Hausdorff and second countable, which every subset of a space $\mathbb R^n$
# has.) The circle $t\mapsto(\cos t,\sin t)$ is a 1-manifold. The figure eight $t\mapsto(\sin t,\sin2t)$ is not: at its
# crossing, where $t=0$ and $t=\pi$ meet, it leaves in two directions, however closely we look. The next cell counts the
# directions.
# :::


# %% tags=["hide-input"]
def circle(t):
    return torch.stack([t.cos(), t.sin()])


def eight(t):
    return torch.stack([t.sin(), (2 * t).sin()])


t = torch.linspace(0, 2 * math.pi, 1001, dtype=torch.float64)
along_circle = vmap(jacfwd(circle))(t)[:, :, None]  # (1001, 2, 1)
both_ways = vmap(jacfwd(eight))(t[[0, 500]]).T  # (2, 2): at 0 and at pi
directions = [
    torch.linalg.matrix_rank(along_circle).min(),
    torch.linalg.matrix_rank(along_circle).max(),
    torch.linalg.matrix_rank(both_ways),
]
claim(
    "manifold-definition",
    "directions: circle, least and most; crossing of the eight",
    directions,
    equals=[1, 1, 2],
)

# %% [markdown]
# **Real data.** That generators make thin sets is a theorem. That real data lie *near* thin sets (the **manifold
# hypothesis**) is an observation, to be made afresh for each data set. An image whose pixels are drawn at random is
# noise: almost no image shows anything. How many dimensions have the few that do?
#
# We can ask their nearest neighbours {cite}`facco2017`. Around a point, let the data be spread evenly over a piece of
# dimension $d$, and let $r_1<r_2$ be the distances to its two nearest neighbours. Given $r_2$, the nearest one lies
# anywhere in the $d$-dimensional ball of that radius. So $r_1<ur_2$ has probability $u^d$, and the ratio $\mu=r_2/r_1$
# has
#
# $$ P(\mu>t)=t^{-d},\qquad\text{so}\qquad -\log P(\mu>t)=d\,\log t . $$ (eq-two-neighbours)
#
# Sort the ratios of all points and plot the left side of the second equation against $\log t$: the slope is the
# dimension, whatever the density. (We leave out the largest tenth of the ratios, where pieces curve and end.)
#
# We try it on the 1797 handwritten digits of $8\times8$ pixels {cite}`alpaydin1998`, on the same digits with the pixels
# of each image shuffled, on noise of the same shape, and on a set whose dimension we know: the range of a network from
# $\mathbb R^2$ to $\mathbb R^{64}$.


# %%
def neighbour_ratios(points, kept=0.9):
    """log t and -log P(mu > t) at the ratios mu of all points, sorted."""
    distance = torch.cdist(points, points).fill_diagonal_(math.inf)
    first, second = distance.topk(2, largest=False).values.T
    log_ratio = (second / first).log().sort().values
    rank = torch.arange(1, len(points) + 1) / len(points)
    some = int(kept * len(points))
    return log_ratio[:some], -torch.log1p(-rank[:some].double())


def dimension(points):
    """The slope, of a least-squares line through 0."""
    x, y = neighbour_ratios(points)
    return (x @ y) / (x @ x)


# %% tags=["hide-input"]
source = random_source(1)
images = torch.cat(digits(*range(10), dtype=torch.float64))  # (1797, 64)
shuffle = torch.rand(images.shape, generator=source).argsort(1)
planar = MLP([2, 64, 64, 64], activation="tanh", dtype=torch.float64)
clouds = {
    "network image of a plane": planar(
        torch.randn(len(images), 2, generator=source).double()
    )[0].detach(),
    "digits": images,
    "digits, pixels shuffled": images.gather(1, shuffle),
    "noise": torch.rand(images.shape, generator=source).double(),
}
dimensions = {name: dimension(points) for name, points in clouds.items()}
show_table(
    ["points", "coordinates", "dimensions"],
    [[name, 64, f"{d:.0f}"] for name, d in dimensions.items()],
)
claim(
    "manifold-hypothesis",
    "dimensions: of the plane, of digits, of noise in units of theirs",
    [
        dimensions["network image of a plane"],
        dimensions["digits"],
        dimensions["noise"] / dimensions["digits"],
    ],
    equals=[2, 9, 4],
    atol=0.5,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Minus log of the share of ratios above t against log t, four sets of points, each nearly a straight line through zero. The network image of a plane rises slowly with slope 2, the digits with slope 9, the shuffled digits and the noise steeply with slopes of 30 to 40."}, "figure": {"name": "fig-two-neighbours", "caption": "Two nearest neighbours reveal the dimension: it is the slope of each line. Digits have 64 pixels but about nine dimensions; noise of the same shape has almost forty, and would need many more points to show all of its 64."}}
ax = plots.axes(height=3.2)
marks = ("o", "s", "^", "x")
for (name, points), colour, mark in zip(
    clouds.items(), plots.COLOURS, marks, strict=False
):
    log_ratio, y = neighbour_ratios(points)
    ax.plot(
        log_ratio[::40],
        y[::40],
        mark,
        color=colour,
        markersize=4,
        label=name,
    )
    ax.axline((0, 0), slope=dimensions[name], color=colour, linewidth=1)
ax.set(xlabel="log t", ylabel="−log P(μ > t)", xlim=(0, 0.6), ylim=(0, 2.4))
ax.legend(fontsize=9)
plots.show()

# %% [markdown]
# Nine dimensions out of 64, from an estimator that gives 2 for the plane. (For noise its answer is too low: to see 64
# dimensions it would need many more points.)
#
# **Mutually singular.** The **support** of a distribution is the smallest closed set that carries all its mass. Two
# distributions with disjoint supports are as different as can be, but so are some whose supports overlap. What counts
# is whether the distributions are **mutually singular**: whether some set $A$ has all the mass of one and none of the
# other. In the words of lesson 1, their total variation is then $p(A)-q(A)=1$, the largest that there is.
#
# :::{admonition} Further: singular, on one and the same support
# :class: dropdown
# For a *function*, the support is the set where it is not zero; but a distribution on a thin set has no density, so
# this is not what we want. And closed supports say less than they seem to. Put $n$ equal atoms at $\frac1n(k-\frac12)$,
# $k=1,\dots,n$, and compare them with the uniform distribution on $[0,1]$. The set $A$ of the atoms has all the mass of
# one and none of the other, so JS is $\log2$ for *every* $n$, although the atoms come to fill the interval. The two are
# close nevertheless: $W_1$, the mean distance over which mass must be moved (lesson 9), is $\frac1{4n}$. Put atoms on
# *all* rational numbers between 0 and 1, and the support of the distribution is all of $[0,1]$. Even so, it and the
# uniform distribution are mutually singular.
#
# To see it in numbers, the next cell takes the pieces of $[0,1]$ that are closer than $10^{-12}$ to an atom. They have
# all the mass of one distribution and $2n\cdot10^{-12}$ of the other's, and by {prf:ref}`thm-data-processing` JS is at
# least what these shares say.
# :::

# %% tags=["hide-input"]
fine = (torch.arange(6400, dtype=torch.float64) + 0.5) / 6400  # for U[0, 1]
counts, divergence, moved = (4, 16, 64), [], []
for n in counts:
    atoms = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    start, end = (atoms - 1e-12).clamp(0, 1), (atoms + 1e-12).clamp(0, 1)
    shares = torch.tensor([1.0, (end - start).sum()]).double()  # near atoms
    near, far = shares, 1 - shares
    one, other = torch.stack([near, far], 1)  # atoms, then U[0, 1]
    divergence.append(js_divergence(one, other))
    moved.append(wasserstein_1d(atoms, fine))
claim(
    "support-definition",
    "JS, then W₁, of 4, 16, 64 atoms and U[0, 1]",
    divergence + moved,
    equals=[math.log(2)] * 3 + [1 / (4 * n) for n in counts],
    atol=1e-8,
)

# %% [markdown]
# ## Do thin sets meet?
#
# It is often said that two thin sets in a large space "are almost certainly gonna be disjoint" {cite}`weng2019`. When
# is that so? Take the simplest ones, flat pieces. The points of the first are $a+Au$, those of the second $b+Bv$, where
# the matrices $A$ and $B$ have $d_1$ and $d_2$ columns. They meet where $Au-Bv=b-a$, which can be solved if and only if
# $b-a$ lies in the span of all these columns together:
#
# $$ \begin{aligned}
# \text{they meet}&\iff\operatorname{rank}[A\;B\;\;b-a]=\operatorname{rank}[A\;B],\\
# \text{and then in dimension}&\quad d_1+d_2-\operatorname{rank}[A\;B] .
# \end{aligned} $$ (eq-flats-meet)
#
# Random matrices have the largest rank they can, $\min(d_1+d_2,n)$. We draw 500 pairs for each case and count.


# %%
def meet(d1, d2, n, pairs=500):
    """The share of random flat pieces that meet, and the dimension in which they do."""
    draw = torch.randn(
        pairs, n, d1 + d2 + 1, generator=random_source(2)
    ).double()
    span = torch.linalg.matrix_rank(draw[:, :, :-1])  # of [A B]
    do = torch.linalg.matrix_rank(draw) == span
    extent = (d1 + d2 - span)[do].double().mean()
    return do.double().mean().item(), extent.item()


# %% tags=["hide-input"]
cases = {(1, 1, 3): None, (1, 2, 3): 0, (2, 2, 3): 1, (4, 5, 10): None,
         (5, 5, 10): 0, (6, 7, 10): 3, (10, 20, 50): None}  # fmt: skip
found = torch.tensor([meet(*case) for case in cases])  # (cases, 2)
show_table(
    ["$d_1$", "$d_2$", "$n$", "they meet", "in dimension"],
    [
        [*case, f"{100 * share:.0f}%", f"{extent:.0f}" if share else ""]
        for case, (share, extent) in zip(cases, found.tolist(), strict=True)
    ],
)
expected = [
    (0.0, math.nan) if e is None else (1.0, e) for e in cases.values()
]
claim(
    "supports-almost-certainly-disjoint",
    "share of pairs that meet, and in which dimension, seven cases",
    found.nan_to_num(-1),  # those that never meet have no dimension
    equals=torch.tensor(expected).nan_to_num(-1),
)

# %% [markdown]
# So the saying has a condition. Generic flat pieces with $d_1+d_2<n$ miss each other, such as two of 100 dimensions each
# among 4096 pixels. But they **do meet as soon as $d_1+d_2\ge n$**, and then in dimension $d_1+d_2-n$. Look at the
# dimensions of these meeting sets: they are always smaller than $d_1$ and $d_2$, as long as both are below $n$. Two
# planes share a line, and a line has no area. That much is true in general {cite}`arjovsky2017principled`: after a
# generic small push, manifolds short of full dimension meet in a set that has **probability zero** under any two
# distributions with densities along them. The distributions are mutually singular, and we need nothing more.
#
# A well-known drawing shows both cases in three dimensions. ("Can hardly have overlaps", its caption says, and that is
# well put.) Two segments miss each other; the next cell tries 200 random pairs. Two planes meet, but the share of the
# points of one plane within $\varepsilon$ of the other shrinks in proportion to $\varepsilon$.


# %% tags=["hide-input"]
def gap(a, b, c, d):
    """The distance between segments ab and cd, each end of shape (n, 3)."""

    def from_end(p, start, end):
        way = end - start
        t = ((p - start) * way).sum(-1) / way.square().sum(-1)
        return (p - start - t.clamp(0, 1)[:, None] * way).norm(dim=-1)

    ends = [from_end(a, c, d), from_end(b, c, d)]
    ends += [from_end(c, a, b), from_end(d, a, b)]
    sides = torch.stack([b - a, c - d], -1)  # (n, 3, 2): s, t solve
    s_t = torch.linalg.lstsq(sides, (c - a)[..., None]).solution
    apart = ((c - a)[..., None] - sides @ s_t).squeeze(-1).norm(dim=-1)
    inside = ((s_t >= 0) & (s_t <= 1)).all(1).squeeze(-1)
    nearest_end = torch.stack(ends).amin(0)
    return torch.where(inside, apart, nearest_end)


ends = torch.rand(
    4, 200, 3, dtype=torch.float64, generator=random_source(3)
)
gaps = gap(*ends)
claim(
    "weng-fig4",
    "none of 200 random pairs of segments touch: gap",
    gaps,
    above=1e-6,
)

# %% tags=["hide-input"]
normals = torch.tensor([[0.3, -0.4, 1.0], [-0.6, 0.2, 1.0]]).double()
centre = torch.full((3,), 0.5, dtype=torch.float64)
offsets = normals @ centre  # both planes go through the centre
on_line = torch.linalg.lstsq(normals, offsets[:, None]).solution[:, 0]
along = torch.linalg.cross(*normals)
steps = (torch.tensor([0.0, 1.0]).double() - on_line[1]) / along[1]
line = on_line + steps[:, None] * along  # (2, 3): from y = 0 to y = 1
flat = torch.rand(200_000, 2, dtype=torch.float64, generator=source)
height = (offsets[0] - flat @ normals[0, :2]) / normals[0, 2]
points = torch.cat([flat, height[:, None]], 1)  # on the first plane
away = (points @ normals[1] - offsets[1]).abs() / normals[1].norm()
slope = normals[1, :2] - normals[1, 2] * normals[0, :2] / normals[0, 2]
length = (line[1] - line[0])[:2].norm() / slope.norm() * normals[1].norm()
claim(
    "planes-share-no-area",
    "share of the plane within ε of the other / ε, three ε",
    [(away < e).double().mean() / e for e in (0.1, 0.01, 0.002)],
    equals=2 * length,
    rtol=0.15,  # four standard errors of the smallest share
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two drawings in a cube. First panel: two straight segments in space, one solid and one dashed, which pass by each other without touching. Second panel: two tilted planes, which meet in a straight dashed line."}, "figure": {"name": "fig-thin-sets", "caption": "Two segments miss each other; two planes meet, but in a line, which has no area (after Weng's figure 4)."}}
left, right = plots.axes(1, 2, height=3.4, subplot_kw={"projection": "3d"})
pair = ends[:, 107]  # of the 200, one that looks clear from this side
plot_segments(left, [pair[:2], pair[2:]])
plot_planes(right, normals, offsets)
plot_segments(right, [line], colours=[plots.INK], dashes=["--"])
plots.show()

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Two planes in space meet in a line. How do two planes meet in four dimensions? In five? Guess, then ask
# `meet(2, 2, 4)` and `meet(2, 2, 5)`.
# :::
#
# ## A perfect discriminator
#
# Let the supports of $p_r$ and $p_g$ be disjoint and compact, hence some way apart. Then every real sample can be told
# from every generated one, even by a smooth function. Let $d_r(x)$ and $d_g(x)$ be the distances from $x$ to the two
# supports, and $s$ a smooth step, which is 0 up to $\frac13$ and 1 from $\frac23$ on. Then
#
# $$ D(x)=s\Big(\frac{d_g(x)}{d_r(x)+d_g(x)}\Big) $$ (eq-perfect)
#
# is 1 on the support of $p_r$ and 0 on that of $p_g$, *and in a neighbourhood of each*. There it is flat.
#
# :::{prf:theorem} A perfect discriminator
# :label: thm-perfect
# If the supports of $p_r$ and $p_g$ are disjoint and compact, there is a smooth $D^*:\mathbb R^n\to[0,1]$ that is 1
# near the support of $p_r$ and 0 near that of $p_g$. It has accuracy 1, and its gradient vanishes on both.
# :::
#
# The proof is the formula, with the distances smoothed a little where they have kinks. Between the supports $D^*$ can
# be anything: no sample distinguishes one perfect discriminator from another. (If the distributions are only mutually
# singular, as on two crossing planes, the indicator of $A$ is still perfect, though not smooth. For manifolds that are
# nowhere aligned there is a $D^*$ that is smooth around almost every point {cite}`arjovsky2017principled`.)


# %%
def smooth_step(t):
    """0 below 1/3, 1 above 2/3, and infinitely often differentiable."""
    u = 3 * t - 1
    between = (u > 0) & (u < 1)
    v = torch.where(between, u, 0.5)  # keeps 1/0 out of the gradient
    return torch.where(
        between, (1 / (1 - v) - 1 / v).sigmoid(), (u > 0.5).to(u)
    )


def perfect(to_real, to_made):
    """The discriminator s(d_g / (d_r + d_g)), from the two distances."""
    return lambda x: smooth_step(to_made(x) / (to_real(x) + to_made(x)))


# %% [markdown]
# We build it for two upright segments half a unit apart and for two circles, and ask for the largest error and the
# steepest slope among a hundred thousand samples of each distribution. (The second check is about a slip in the draft
# of a well-known text, corrected in print: a discriminator that says 1 on *both* distributions. Its value is $-\infty$,
# since $\log(1-D)\to-\infty$, while that of a perfect one is 0, the most there is.)


# %% tags=["hide-input"]
def to_segment(theta):
    """The distance to the segment {theta} x [0, 1]."""

    def distance(x):
        foot = torch.stack(
            [torch.full_like(x[:, 0], theta), x[:, 1].clamp(0, 1)], 1
        )
        return (x - foot).norm(dim=1)

    return distance


def to_circle(radius):
    return lambda x: (x.norm(dim=1) - radius).abs()


# %% tags=["hide-input"]
def errors_and_slopes(d, real, made):
    """Largest error of d on samples, and largest norm of its gradient."""
    x = torch.cat([real, made]).requires_grad_()
    right = (torch.arange(len(x)) < len(real)).double()
    output = d(x)
    (slope,) = torch.autograd.grad(output.sum(), x)  # (samples, 2)
    return (output - right).abs().max(), slope.norm(dim=1).max()


size, source = 100_000, random_source(4)
segments = [
    distribution.sample(size, generator=source)
    for distribution in parallel_lines(0.5)
]
angle = 2 * math.pi * torch.rand(size, generator=source).double()
circles = [radius * circle(angle).T for radius in (1.0, 2.0)]
found = [
    errors_and_slopes(perfect(to_segment(0.0), to_segment(0.5)), *segments),
    errors_and_slopes(perfect(to_circle(1.0), to_circle(2.0)), *circles),
]
claim(
    "perfect-discriminator",
    "largest error and slope, segments and circles",
    found,
    equals=0.0,
)

# %% tags=["hide-input"]
p_r, p_g = torch.eye(2).double()  # disjoint: all mass here, or all there
claim(
    "draft-d-equals-1-on-pg",
    "V of the perfect discriminator, and of one that says 1 on both",
    [
        value_function(d, p_r, p_g)
        for d in (p_r, torch.ones(2).double())  # 1 and 0; 1 and 1
    ],
    equals=[0, -math.inf],
)

# %% [markdown]
# Errors and slopes are not just small, but exactly zero. And yet the segments are only half a unit apart, a distance
# that anyone can see.
#
# ### JS is stuck
#
# A perfect discriminator reaches $V=0$. By lesson 3 the best value is $2\operatorname{JS}{}-2\log2$. So
#
# $$ p_r,p_g\ \text{mutually singular}\quad\Longrightarrow\quad\operatorname{JS}(p_r\,\|\,p_g)=\log2 , $$ (eq-js-singular)
#
# and both KLs are $+\infty$, however close the distributions are. (JS is $2\log2$ in the convention without halves.) The
# bounds of lesson 1,
# $\frac12\operatorname{TV}^2\le\operatorname{JS}\le\log2\cdot\operatorname{TV}$, add two things. By the right one,
# $\operatorname{JS}=\log2$ happens *only* for mutually singular distributions. By the left one, JS cannot become small
# before the total variation does: before the two share nearly all of their mass. Does it suffice that both live on
# *some* low-dimensional set? No: two distributions on one and the same circle, each with a density along it, can
# overlap. It does suffice that the manifolds are nowhere aligned.

# %% tags=["hide-input"]
p, q = torch.rand(2, 100, 6, generator=random_source(5)).double()
nothing = torch.zeros_like(p)
p = torch.cat([p, nothing], 1) / p.sum(1, keepdim=True)  # (100, 12)
q = torch.cat([nothing, q], 1) / q.sum(1, keepdim=True)
same_circle = js_between(
    *(
        torch.distributions.VonMises(torch.tensor(mean).double(), 2.0)
        for mean in (0.0, math.pi)
    ),
    interval=(-math.pi, math.pi),
).value
claim(
    "js-disjoint-value",
    "disjoint: JS, without halves, both KLs; on one circle: JS",
    [
        *js_divergence(p, q).aminmax(),  # of all hundred pairs
        *js_divergence(p, q, halved=False).aminmax(),
        kl_divergence(p, q).min(),
        kl_divergence(q, p).min(),
        same_circle,
    ],
    equals=[math.log(2)] * 2 + [2 * math.log(2)] * 2 + [math.inf] * 2
    + [0.4773154],
    atol=1e-6,
)  # fmt: skip

# %% [markdown]
# Here is what this means for a generator. Let it move the second segment, $G_\theta(z)=(\theta,z)$. Against the optimal
# discriminator its loss is
#
# $$ V(D^*,\theta)=\begin{cases}0&\theta\ne0\\-2\log2&\theta=0,\end{cases} $$ (eq-jump)
#
# level everywhere, with a hole of no width at the one place that the generator should find. No slope leads there. (The
# next cell computes it for 64 equal atoms on each segment.) In the figure the segments are blurred by Gaussians, so that
# densities exist; the narrower the Gaussian, the narrower the well.


# %% tags=["hide-input"]
def loss_of_lines(theta):
    """V(D*, θ) of two segments, by the places where their atoms are."""
    z = fine[::100]  # (64,)
    real, made = (
        torch.stack([torch.full_like(z, x), z], 1) for x in (0.0, theta)
    )
    places, where = torch.cat([real, made]).unique(
        dim=0, return_inverse=True
    )
    shares = torch.nn.functional.one_hot(where, len(places)).double()
    p_r, p_g = (part.mean(0) for part in shares.split(64))
    return value_function(optimal_discriminator(p_r, p_g), p_r, p_g)


claim(
    "gan-loss-discontinuous",
    "V(D*, θ) at θ = 0, and at ±1, ±0.1, ±0.000001",
    [loss_of_lines(x) for x in (0.0, 1.0, -1.0, 0.1, -0.1, 1e-6, -1e-6)],
    equals=[-2 * math.log(2)] + [0] * 6,
    atol=1e-12,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "The generator's loss over its position theta from -1 to 1. Blurred by 0.2 it is a wide well around 0, blurred by 0.05 a narrow one, and without blur it is level at 0 with a single dot at minus 1.386 for theta = 0. Above them the Wasserstein distance, a V with its tip at 0."}, "figure": {"name": "fig-well", "caption": "The loss of a generator that moves a segment, against the optimal discriminator: a well that narrows with the blur, and without blur is a single point. The distance W₁ says at every θ which way to go."}}
theta = torch.linspace(-1, 1, 201, dtype=torch.float64)
wells = {}
for blur in (0.2, 0.05):
    moved = torch.distributions.Normal(
        theta, blur
    )  # 201 distributions at once
    still = torch.distributions.Normal(torch.zeros_like(theta), blur)
    js = js_between(still, moved).value  # (201,)
    wells[f"blurred by {blur}"] = 2 * js - 2 * math.log(2)
distance = torch.stack(
    [
        emd_points(
            *(
                torch.stack(
                    [torch.full_like(fine[::160], x), fine[::160]], 1
                )
                for x in (0.0, t.item())
            )
        ).value
        for t in theta[::10]
    ]
)

ax = plots.axes(height=3.2)
plots.lines(ax, theta, wells, colours=[plots.FOURTH])
edge = torch.where(theta == 0, math.nan, 0.0)
plots.lines(ax, theta, {"no blur": edge}, colours=[plots.INK], dashes=[":"])
ax.plot([0], [-2 * math.log(2)], "o", color=plots.INK)
plots.lines(ax, theta[::10], {"$W_1$": distance})
ax.legend(loc="lower right")
ax.set(
    xlabel="position θ of the generated segment", ylabel="nats, or length"
)
plots.show()

# %% [markdown]
# All this was about the *ideal* discriminator between singular distributions. In training it is not ideal yet, and what
# counts is how the gradient behaves on the way there.
#
# ## No gradient
#
# Take the simplest case, the real sample at 0 and the generated one at $\theta=1$, and let the discriminator become
# better and better:
#
# $$ D_k(x)=\sigma\big(-k(x-\tfrac12)\big),\qquad k\to\infty . $$
#
# The generator can descend $\log(1-D)$, as the game prescribes, or $-\log D$, which is the subject of the next section.

# %%
k = torch.tensor([2, 5, 10, 20, 50], dtype=torch.float64)
theta = torch.ones_like(k, requires_grad=True)
on_real, a = k / 2, -k * (theta - 0.5)  # logits at 0 and at θ
value = -softplus(-on_real) - softplus(a)  # log D + log(1 - D)
dying, living = (
    torch.autograd.grad(loss.sum(), theta, retain_graph=True)[0].abs()
    for loss in (-softplus(a), softplus(-a))  # log(1 - D) and -log D
)

# %% tags=["hide-input"]
show_table(
    ["$k$", "$V$", "slope of $\\log(1-D)$", "slope of $-\\log D$"],
    [
        [f"{size:.0f}", *map(readable, row)]
        for size, *row in zip(k, value.detach(), dying, living, strict=True)
    ],
)
far = (-k / 2).exp()
claim(
    "perfect-d-loss-zero",
    "V, and slopes of log(1 - D) and -log D, k = 2, 5, 10, 20, 50",
    torch.stack([value, dying, living]),
    equals=torch.stack(
        [-2 * far.log1p(), k * far / (1 + far), k / (1 + far)]
    ),
    rtol=1e-9,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: three discriminators over x, from 1 at the real sample at 0 to 0 at the generated sample at 1; the greater k, the steeper in the middle and the flatter at both samples. Second panel, on a logarithmic scale: over k from 1 to 50 the gradient of log(1-D) falls below one billionth, that of -log D rises to 50."}, "figure": {"name": "fig-slopes", "caption": "The better the discriminator, the flatter it is where the generated sample lies (first panel), and the smaller the gradient of log(1 − D) (second panel). The other loss, −log D, gets a gradient that grows."}}
x = torch.linspace(-0.2, 1.2, 281, dtype=torch.float64)
sharper = torch.linspace(1, 50, 200, dtype=torch.float64)
left, right = plots.axes(1, 2, height=3.0)
plots.lines(
    left, x, {f"k = {s}": (-s * (x - 0.5)).sigmoid() for s in (2, 10, 50)}
)
left.plot([0], [0], "o", color=plots.REAL, clip_on=False)
left.plot([1], [0], "s", color=plots.GENERATED, clip_on=False)
left.set(xlabel="x", ylabel="D(x)", ylim=(0, 1.02))
plots.lines(
    right,
    sharper,
    {
        "log(1 − D)": sharper * (-sharper / 2).sigmoid(),
        "−log D": sharper * (sharper / 2).sigmoid(),
    },
    colours=[plots.FOURTH, plots.OLIVE],
)
right.set(yscale="log", xlabel="sharpness k", ylabel="size of the gradient")
plots.show()

# %% [markdown]
# The value $V$ *rises* to 0. (It is the discriminator's loss $-V$ that falls. It is sometimes written that "the loss
# falls to zero, and therefore no gradient is left"; but the value is not the reason, since $-\log D$ has a gradient all
# the same.) The gradient of $\log(1-D)$ dies because $D$ is flat around the generated sample, and what it is divided by,
# $1-D$, is nearly 1 there. How small must it be? By the chain rule,
#
# $$ \nabla_\theta\,\mathbb E_z\log\big(1-D(G_\theta(z))\big)=-\mathbb E_z\,\frac{(J_\theta G_\theta(z))^{\!\top}\,\nabla_xD(G_\theta(z))}{1-D(G_\theta(z))} . $$ (eq-chain)
#
# Measure how far $D$ is from a perfect $D^*$ in values *and slopes*: for $h=D-D^*$, let
# $\|h\|=\sup|h|+\sup\|\nabla_xh\|$.
#
# :::{prf:theorem} Vanishing gradients
# :label: thm-vanishing
# Let $D^*$ be perfect in the sense of {prf:ref}`thm-perfect`, $\|D-D^*\|<\epsilon<1$, and $\mathbb
# E_z\|J_\theta G_\theta(z)\|^2\le M^2$ with $M>0$. Then
#
# $$ \big\|\nabla_\theta\,\mathbb E_z\log\big(1-D(G_\theta(z))\big)\big\|<M\,\frac{\epsilon}{1-\epsilon} . $$ (eq-vanishing)
# :::
#
# :::{prf:proof}
# On the support of $p_g$ we have $D^*=0$ and $\nabla D^*=0$. So $\|D-D^*\|<\epsilon$ means that
# $\|\nabla_xD\|<\epsilon$ in the numerator of {eq}`eq-chain` and $1-D>1-\epsilon$ in its denominator. What remains is
# $\mathbb E\|J_\theta G_\theta\|\le M$, by Jensen's inequality.
# :::
#
# The theorem is from {cite}`arjovsky2017principled`. The next cell adds two hundred random ripples to the perfect
# discriminator of the two segments, where $G_\theta(z)=(\theta,z)$ and so $M=1$, and compares the gradient with the
# bound.


# %% tags=["hide-input"]
def ripple(epsilon, source, waves=3):
    """A random h >= 0 with sup h + sup |grad h| at most epsilon."""
    direction = 3 * torch.randn(waves, 2, generator=source).double()
    phase = 6.3 * torch.rand(waves, generator=source).double()
    share = torch.rand(waves, generator=source).double()
    norms = 2 + direction.norm(dim=1)  # of 1 + sin(direction · x + phase)
    height = epsilon * share / (share * norms).sum()
    return lambda x: (height * (1 + (x @ direction.T + phase).sin())).sum(1)


d_star, source = perfect(to_segment(0.0), to_segment(0.5)), random_source(6)
ratios = []
for _ in range(200):
    epsilon = 0.9 * torch.rand(1, generator=source).double()
    h = ripple(epsilon, source)
    theta = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    made = torch.stack([theta.expand(64), fine[::100]], 1)  # G(z) for 64 z
    loss = torch.log1p(-(d_star(made) + h(made))).mean()
    (slope,) = torch.autograd.grad(loss, theta)
    ratios.append(slope.abs() / (epsilon / (1 - epsilon)))
claim(
    "vanishing-gradient-bound",
    "gradient / bound, near a perfect discriminator",
    ratios,
    below=1.0,
)

# %% [markdown]
# Why the slopes? Because closeness in values alone is not enough. Add to $D^*$ a ripple that is low but rapid,
#
# $$ h(x)=\frac\epsilon2\Big(1+\sin\frac{x_1-1/2}\epsilon\Big) . $$
#
# It is nowhere above $\epsilon$, so the values of $D$ converge to those of $D^*$ as $\epsilon\to0$. But its slope at the
# generated segment is $\frac12$, whatever $\epsilon$ is, and by {eq}`eq-chain` the gradient is $-1/(2-\epsilon)$:

# %%
low = (0.1, 0.01, 0.001)
slopes = []
for epsilon in low:
    theta = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    h = epsilon / 2 * (1 + ((theta - 0.5) / epsilon).sin())
    slopes += torch.autograd.grad(torch.log1p(-h), theta)
claim(
    "vanishing-needs-slopes",
    "gradient within 0.1, 0.01, 0.001 of D* in values",
    slopes,
    equals=[-1 / (2 - epsilon) for epsilon in low],
    atol=1e-12,
)

# %% [markdown]
# So "as $D\to D^*$ the gradient vanishes" is true only in the norm of the theorem. Nothing guarantees that a trained
# network converges in that norm; further down we look at what happens.
#
# :::{admonition} Try it
# :class: tip
# Where does the proof use that $D^*$ is *perfect*? What remains of the bound for the optimal discriminator of two
# Gaussians that overlap?
# :::
#
# ## The other loss
#
# The first paper already named the trouble and a remedy {cite}`goodfellow2014`: let the generator descend
# $-\mathbb E_z\log D(G_\theta(z))$ instead of $\mathbb E_z\log(1-D(G_\theta(z)))$. Both ask for a fooled $D$. Let $a$
# be the logit, so that $D=\sigma(a)$ and $\sigma'=\sigma(1-\sigma)$. Then the slopes of the two losses in $a$ are
#
# $$ \frac{d}{da}\log\big(1-\sigma(a)\big)=-\sigma(a),\qquad\frac{d}{da}\big(-\log\sigma(a)\big)=-\big(1-\sigma(a)\big) . $$ (eq-two-slopes)

# %% tags=["hide-input"]
logit = sympy.Symbol("a", real=True)
sigma = 1 / (1 + sympy.exp(-logit))
saturating = sympy.diff(sympy.log(1 - sigma), logit)
non_saturating = sympy.diff(-sympy.log(sigma), logit)
# -σ(a), which dies as a → -∞, and -(1 - σ(a)), which tends to -1. Squared,
# so that a sum of both deviations is 0 only if each of them is:
claim(
    "nonsaturating-trick",
    "slopes of log(1 - D), -log D in a: deviation from -σ, -(1 - σ)",
    (saturating + sigma) ** 2 + (non_saturating + 1 - sigma) ** 2,
    equals=sympy.Integer(0),
)

a = torch.tensor(-20.0, dtype=torch.float64, requires_grad=True)
losses = {"$\\log(1-D)$": -softplus(a), "$-\\log D$": softplus(-a)}
show_table(
    ["loss", "slope at $a=-20$"],
    [
        [name, readable(torch.autograd.grad(loss, a)[0])]
        for name, loss in losses.items()
    ],
)

# %% [markdown]
# Where the discriminator is certain that a sample is generated, $a\ll0$, one slope is nearly 0 and the other nearly
# $-1$. The two have the same sign everywhere, so they push the sample in the same direction. And the fixed point
# remains: against a perfect generator $D=\frac12$ everywhere, and neither loss has a slope in $x$. But the game is no
# longer zero-sum: what the generator descends is no longer what the discriminator climbs. So what *does* a step of the
# generator descend?
#
# ### What it descends
#
# Take a discriminator that is optimal at this $\theta$, for distributions with densities. By {eq}`eq-dstar`,
#
# $$ \frac{p_g}{p_r}=\frac{1-D^*}{D^*},\qquad\text{so}\qquad -\log D^*=\log\frac{p_g}{p_r}-\log(1-D^*) . $$ (eq-ns-split)
#
# Now take $\nabla_\theta$ of the expectation of each term at $G_\theta(z)$, with the functions frozen. The last term
# gives $-\nabla_\theta\,2\operatorname{JS}$, by {eq}`eq-envelope`. The first gives
# $\nabla_\theta\operatorname{KL}(p_g\,\|\,p_r)$: the $p_g$ inside the logarithm should move with $\theta$ too, but that
# makes no difference, since $\mathbb E_{p_g}\nabla_\theta\log p_g=\int\nabla_\theta\,p_g=\nabla_\theta\int p_g=0$.
# Hence {cite}`arjovsky2017principled`
#
# $$ \mathbb E_z\big[-\nabla_\theta\log D^*(G_\theta(z))\big]=\nabla_\theta\Big[\operatorname{KL}(p_g\,\|\,p_r)-2\operatorname{JS}(p_g\,\|\,p_r)\Big] . $$ (eq-ns-objective)
#
# That is a strange thing to descend. The KL is the one with $p_g$ in front: it punishes samples where there are no
# data, and hardly minds data that are never generated. And JS appears with the *wrong sign*. Here are both sides, for
# $p_r=N(0,1)$ and $G_\theta(z)=\theta+z$:

# %%
normal = gaussian(0, 1)
frozen_slopes, objective_slopes = [], []
for shift in (0.5, 1.0, 2.0):
    theta = torch.tensor(shift, dtype=torch.float64, requires_grad=True)
    made = gaussian(theta, 1)
    d_star = optimal_discriminator(normal, gaussian(shift, 1))  # frozen

    def integrand(z, theta=theta, a=d_star.logit):
        return normal.density(z) * softplus(-a(theta + z))  # -log D*

    loss = integrate(integrand, -12, 12)[0]  # only the samples move with θ
    frozen_slopes += torch.autograd.grad(loss, theta)
    kl, js = kl_between(made, normal).value, js_between(made, normal).value
    objective_slopes += torch.autograd.grad(kl - 2 * js, theta)

# %% tags=["hide-input"]
claim(
    "nonsaturating-kl-minus-2js",
    "gradient of -log D* at θ = 0.5, 1, 2, and of KL - 2 JS",
    frozen_slopes,
    equals=objective_slopes,
    atol=1e-8,
)

# %% [markdown]
# In the lab you train such a discriminator. Let it win, and watch the gradient of $\log(1-D)$ die while that of
# $-\log D$ grows. Then choose the optimal one, and see how much milder all this is where the two distributions overlap.

# %%
winning_discriminator()

# %% [markdown]
# :::{admonition} Further: was it the symmetry?
# :class: dropdown
# It has been conjectured {cite}`huszar2015` that GANs owe much of their success to having replaced the asymmetric KL of
# maximum likelihood with the symmetric JS. Two things speak against it. The loss in common use is
# {eq}`eq-ns-objective`, which is not JS. And the game can be played for *any* divergence
# $D_f(p\|q)=\int q\,f(\frac pq)$ with convex $f$ {cite}`nowozin2016`: let a critic $v$ maximise
#
# $$ F(v)=\mathbb E_{p_r}\,g\big(v(x)\big)-\mathbb E_{p_g}\,f^*\big(g(v(x))\big) , $$
#
# where $g$ maps into the domain of $f^*$, the convex conjugate of $f$; its maximum is $D_f(p_r\|p_g)$. The next cells
# define four examples, with the best critic in terms of the log ratio $r=\log p_r-\log p_g$, and check by quadrature
# that each reaches its divergence. Then the four games are played with the same networks and the same optimizer on a
# ring of eight Gaussians, eight members each; the generator descends the same $F$ that the critic ascends. (Where a
# member's numbers overflow, as can happen with the exponential of the KL game, `train` stops it and keeps its last good
# state, and we count what that state generates.) The members share their seeds, so the games can be compared pair by
# pair.
#
# If symmetry were what counts, JS would be ahead of all three others. In this short game it is ahead of KL, whose
# exponential is hard to play at all, but not of reverse KL, which is as asymmetric as KL. (Noise covers all eight
# modes, too, but it hardly ever hits one: the two numbers must be read together. With other learning rates and more
# steps the picture shifts, and a ring is not a photograph.) That does not refute the conjecture; it takes away its
# reason.
# :::

# %% tags=["hide-input"]
LOG2 = math.log(2)
f_gans = {  # g(v), f*(g(v)), best v
    "KL": (lambda v: v, lambda v: (v - 1).exp(), lambda r: 1 + r),
    "reverse KL": (lambda v: -(-v).exp(), lambda v: v - 1, lambda r: r),
    "JS": (
        lambda v: LOG2 - softplus(-v),
        lambda v: softplus(v) - LOG2,
        lambda r: r,
    ),
    "Pearson χ²": (
        lambda v: v,
        lambda v: v**2 / 4 + v,
        lambda r: 2 * r.expm1(),
    ),
}

# %% tags=["hide-input"]
p, q = gaussian(0, 1), gaussian(0.5, 1)


def best_value(g, conjugate, best):
    """F of the best critic, by quadrature."""

    def integrand(x):
        v = best(p.log_prob(x) - q.log_prob(x))
        return p.density(x) * g(v) - q.density(x) * conjugate(v)

    return integrate(integrand, -12, 12)[0]


reached = [best_value(*losses) for losses in f_gans.values()]
divergences = [kl_between(p, q).value, kl_between(q, p).value,
               2 * js_between(p, q).value, math.exp(0.5**2) - 1]  # fmt: skip
claim(
    "f-gan-divergences",
    "best values of four games: KL, reverse KL, 2 JS, χ²",
    reached,
    equals=divergences,
    atol=1e-9,
)


# %% tags=["hide-input"]
def play(g, conjugate, distribution):
    """Play the game of F; return samples from its end, (members, n, 2)."""
    game = Objective(
        "f-GAN",
        critic_loss=lambda real, fake: (conjugate(fake) - g(real)).mean(-1),
        generator_loss=lambda real, fake: -conjugate(fake).mean(-1),
        defaults={"n_critic": 1, "constraint": None},
    )
    steps = at_scale(fast=700, full=10_000)
    adam = Optimizer(lr=2e-3, betas=(0.5, 0.9))
    config = Config(
        objective=game,
        steps=steps,
        members=8,
        batch_size=64,
        optimizer=adam,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        history = train(
            config, distribution, samples=2000, evaluate_every=steps
        )
    return history.samples[-1]


distribution = ring(8, radius=2.0, std=0.1)
found = {
    name: mode_coverage(
        play(g, conjugate, distribution).double().cpu(), distribution
    )
    for name, (g, conjugate, _) in f_gans.items()
}

# %% tags=["hide-input"]
quality = {
    name: result.high_quality_fraction for name, result in found.items()
}
lead = {
    name: paired_difference(quality["JS"], quality[name], comparisons=3)
    for name in quality
    if name != "JS"
}
noise = mode_coverage(
    1.5 * torch.randn(20_000, 2, generator=random_source(12)).double(),
    distribution,
)
show_table(
    ["game", "modes of 8", "share near a mode", "JS is told apart"],
    [
        [
            name,
            f"{result.covered.double().mean():.0f}",
            f"{result.high_quality_fraction.mean():.1f}",
            ("yes" if lead[name].told_apart else "no")
            if name in lead
            else "",
        ]
        for name, result in {**found, "(noise)": noise}.items()
    ],
)
claim(
    "huszar-success-hypothesis",
    "JS over reverse KL, share of high quality: upper end of interval",
    lead["reverse KL"].high,
    below=0.1,
)

# %% [markdown]
# ## What it costs
#
# So $-\log D$ keeps a gradient where $\log(1-D)$ has none. What is that gradient like? For one sample it is
# $-(J_\theta G_\theta(z))^{\!\top}\,\nabla_xD/D$. Near a perfect discriminator both $D$ and $\nabla D$ are nearly 0
# there, so this is a quotient of two small errors. Suppose that they are as random as can be: the error of $D$ and the
# error of its slope are Gaussian with mean 0, and independent of each other. A quotient of independent centred
# Gaussians has a **Cauchy distribution**, with density $\frac{1}{\pi}\frac{\gamma}{\gamma^2+x^2}$, where the scale
# $\gamma$ is the quotient of the two widths {cite}`arjovsky2017principled`. It has no mean and no variance, and its
# tail $P(|X|>t)$ falls only like $\frac1t$. Larger batches do not calm it: the mean of $n$ Cauchy draws has the same
# distribution as one draw, while means of Gaussian ones shrink like $1/\sqrt n$.

# %% tags=["hide-input"]
source = random_source(7)
noise = torch.randn(2, 200_000, dtype=torch.float64, generator=source)
quotients = 2.0 * noise[0] / (0.5 * noise[1])  # N(0, 2) over N(0, 0.5)
distance = scipy.stats.kstest(
    quotients.numpy(), scipy.stats.cauchy(scale=4).cdf
).statistic
claim(
    "nonsaturating-cauchy",
    "Kolmogorov distance of 200 000 quotients from Cauchy(4)",
    distance,
    below=0.004,  # exceeded by chance less than once in three hundred times
)


# %% tags=["hide-input"]
def middle_half(x):
    """The interquartile range of the draws in x."""
    low, high = x.quantile(torch.tensor([0.25, 0.75]).to(x), dim=-1)
    return high - low


# %% tags=["hide-input"]
calm = 4.0 * noise[0]  # Gaussian, for comparison
found = []
for batch in (1, 16, 256):
    spreads = [
        middle_half(
            x[: 200_000 // batch * batch].reshape(-1, batch).mean(1)
        )
        for x in (quotients, calm)
    ]
    found.append(spreads)
show_table(
    ["middle half of means of", "Cauchy", "Gaussian"],
    [
        [batch, f"{wild:.0f}", f"{tame:.1f}"]
        for batch, (wild, tame) in zip((1, 16, 256), found, strict=True)
    ],
)
shrink = torch.tensor(found)[1:] / torch.tensor(found)[0]  # of 16 and 256
claim(
    "cauchy-means-stay-wide",
    "middle half of means of 16 and 256, to that of one: Cauchy, Gaussian",
    shrink,
    equals=[1, 1 / 4, 1, 1 / 16],
    atol=0.12,  # four standard errors, for the 781 means of 256
)

# %% [markdown]
# That is a theorem about noise, not about networks. No actual $D$ satisfies its assumptions: it would have to be
# negative half of the time, with a slope unrelated to its values. With $D=\sigma(a)$ the gradient is
# $-(1-D)\,J^{\!\top}\nabla a$, so it is bounded by the slope of the logit. But what the theorem suggests, large and
# erratic gradients, can be looked for, and that is what we do now.
#
# ## Half a game
#
# Freeze a generator, and train a fresh discriminator against it. As it learns, look through it at the gradient that
# the generator *would* get.


# %%
def watch(network, draw_real, draw_made, steps, measure, rate):
    """Train discriminators, and measure after 1, 2, 3, 5, ... steps."""
    optimizer = torch.optim.Adam(
        network.parameters(), lr=rate, betas=(0.5, 0.999), fused=True
    )
    marks, seen = sorted({round(steps ** (k / 16)) for k in range(17)}), []
    for step in range(1, steps + 1):
        on_real, on_made = network(draw_real()), network(draw_made())
        cost = softplus(-on_real) + softplus(on_made)  # (members, batch, 1)
        optimizer.zero_grad()
        cost.mean((1, 2)).sum().backward()
        optimizer.step()
        if step in marks:
            seen.append(measure())
    return torch.tensor(marks), torch.stack(seen)


# %% [markdown]
# **Misleading, or silent.** First a case in which the truth is known: a ring of eight Gaussians, and a generator
# $G(z)=Az+b$ in the plane, which produces a Gaussian beside the ring. For both we know the densities, so we have $D^*$
# and with it the gradient of the true JS, in the six numbers of $A$ and $b$. (The expectation over $z$ is a
# quadrature.)

# %% tags=["hide-input"]
node, weight = np.polynomial.hermite_e.hermegauss(40)
node, weight = torch.tensor(node), torch.tensor(weight / weight.sum())
z = torch.cartesian_prod(node, node)  # (1600, 2)
z_weight = torch.outer(weight, weight).flatten()  # (1600,)
ring_distribution = ring(8, radius=2.0, std=0.3)
A0, b0 = 0.5 * torch.eye(2).double(), torch.tensor([5.0, 1.0]).double()
made = gaussian(b0, 0.5)  # the distribution of A0 z + b0


def generator_gradient(logit, members=1):
    """Gradient of E log(1 - D(Az + b)) in A and b: (members, 6)."""
    A = A0.expand(members, 2, 2).clone().requires_grad_()
    b = b0.expand(members, 2).clone().requires_grad_()
    a = logit(z @ A.mT + b[:, None])  # (members, 1600)
    loss = -(softplus(a) @ z_weight).sum()  # log(1 - D) = -softplus(a)
    parts = torch.autograd.grad(loss, (A, b))
    return torch.cat([part.flatten(1) for part in parts], 1)


of_js = generator_gradient(
    optimal_discriminator(ring_distribution, made).logit
)[0]

members, source = 16, random_source(8)
critics = MLP([2, 32, 32, 1], members=members, activation="silu")


def batches(distribution, shape=(members, 128)):
    return lambda: distribution.sample(shape, generator=source).float()


def measure():
    def logit(x):
        return critics(x.float()).squeeze(-1).double()

    gradient = generator_gradient(logit, members)
    cosine = torch.cosine_similarity(gradient, of_js[None], dim=1)
    return torch.stack([cosine, gradient.norm(dim=1)])  # (2, members)


marks, seen = watch(
    critics, batches(ring_distribution), batches(made), at_scale(fast=800, full=8000),
    measure, rate=4e-3,
)  # fmt: skip

# %% tags=["hide-input"]
cosine, norm = seen.unbind(1)  # (marks, members) each
middle_cosine, middle_norm = cosine.median(1).values, norm.median(1).values
loudest = middle_norm.argmax()
claim(
    "young-discriminator-misleads",
    "cosine to the gradient of JS, at the loudest: median of 16",
    middle_cosine[loudest],
    below=0.6,
)
claim(
    "training-dilemma",
    "at the end: 1 - cosine, and norm / that of the loudest: medians",
    [1 - middle_cosine[-1], middle_norm[-1] / middle_norm[loudest]],
    below=0.1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over discriminator steps from 1 to 800, logarithmic, medians and ranges of sixteen. First panel: the cosine between the generator's gradient and the gradient of JS, from around zero with a wide range in the first steps up to nearly 1 from 100 steps on. Second panel: the norm of the gradient, highest around ten steps, and then falling to less than a tenth."}, "figure": {"name": "fig-dilemma", "caption": "The dilemma of the minimax loss. A young discriminator gives a strong gradient in a wrong direction; an old one shows the right direction, in a whisper. The dashed line is the norm of the gradient of the true 2 JS."}}
left, right = plots.axes(1, 2, height=3.0)
plots.population(left, marks, cosine.T, name="cosine", colour=plots.FOURTH)
plots.population(right, marks, norm.T, name="norm", colour=plots.FOURTH)
right.axhline(
    of_js.norm(),
    color=plots.INK,
    linestyle="--",
    linewidth=1.2,
    label="of the true 2 JS",
)
left.set(xscale="log", xlabel="discriminator steps", ylabel="cosine")
right.set(
    xscale="log", yscale="log", xlabel="discriminator steps", ylabel="norm"
)
for ax in (left, right):
    ax.legend(fontsize=9)
plots.show()

# %% [markdown]
# Early on the discriminator knows little, and its gradient is strong and points elsewhere. Later it points almost
# exactly where that of JS does, and it is more than ten times weaker: the gradient of JS itself is that small. This is
# the much-quoted dilemma: *a poor discriminator misleads, a good one is silent*. It belongs to the minimax loss. With
# $-\log D$ a good discriminator is loud, as the next figure shows, and in a Wasserstein GAN (lesson 11) a good critic
# is just what is wanted.
#
# **On images.** Now without densities: a GAN is trained on the handwritten digits, with the loss $-\log D$, and its
# generator is frozen after 1, 10 and 25 epochs. Against each we train a fresh discriminator, and record the gradients
# that the generator would receive from eight batches of 64: their mean, and how far they scatter around it. This
# repeats an experiment of {cite}`arjovsky2017principled`, who used a DCGAN on photographs.

# %% tags=["hide-input"]
members, width, batch = 3, at_scale(fast=128, full=512), 64
pixels = (2 * images - 1).float()  # grey from -1 to 1, as tanh gives it
device, epochs = choose_device(), (1, 10, 25)
generators = [
    train(
        Config(
            objective="non-saturating",
            steps=epoch * len(pixels) // batch,
            members=members,
            batch_size=batch,
            latent_dim=16,
            generator=Architecture((width, width), output="tanh"),
            critic=Architecture((width, width), "leaky-relu"),
        ),
        pixels,
    ).generator
    for epoch in epochs
]


# %%
def gradients(generator, critic, noise):
    """Gradients of log(1 - D) and -log D: (2, batches, members, numbers)."""
    found = []
    for z in noise:  # (members, 64, 16)
        a = critic(generator(z))
        for loss in (-softplus(a), softplus(-a)):
            parts = torch.autograd.grad(
                loss.mean((1, 2)).sum(),
                list(generator.parameters()),
                retain_graph=True,
            )
            found.append(torch.cat([part.flatten(1) for part in parts], 1))
    return torch.stack(found).unflatten(0, (len(noise), 2)).transpose(0, 1)


# %% tags=["hide-input"]
def strength_and_scatter(found):
    """Norm of the mean gradient, and scatter of the batches around it."""
    mean = found.mean(1, keepdim=True)
    scatter = (found - mean).square().sum(-1).mean(1).sqrt()
    return torch.stack([mean.norm(dim=-1).squeeze(1), scatter]).cpu()


source = random_source(9)


def images_drawn():
    index = torch.randint(len(pixels), (members, batch), generator=source)
    return pixels[index].to(device)


def noise_drawn(*shape):
    return torch.randn(*shape, 16, generator=source).to(device)


def judge(generator):
    """Train fresh discriminators, and watch the generator's gradients."""
    critic = MLP([64, width, width, 1], members=members, seed=50,
                 activation="leaky-relu", device=device)  # fmt: skip
    noise = noise_drawn(8, members, batch)

    @torch.no_grad()
    def made():
        return generator(noise_drawn(members, batch))

    def measure():
        return strength_and_scatter(gradients(generator, critic, noise))

    steps = at_scale(fast=1500, full=4000)
    marks, seen = watch(critic, images_drawn, made, steps, measure, 2e-4)
    with torch.no_grad():
        right = (critic(pixels.to(device)) > 0, critic(made()) < 0)
    accuracy = torch.stack([part.double().mean() for part in right]).mean()
    return marks, seen, critic, accuracy


judged = [judge(generator) for generator in generators]

# %% tags=["hide-input"]
marks = judged[0][0]
accuracies = torch.stack([accuracy for *_, accuracy in judged])
claim(
    "fresh-discriminators-become-perfect",
    "accuracy against generators of 1, 10, 25 epochs",
    accuracies,
    above=0.99,
)
seen = torch.stack([seen for _, seen, *_ in judged])
strength, scatter = seen.unbind(2)  # (epochs, marks, losses, members)
dying = strength[:, :, 0].log10()  # of log(1 - D)
decades = dying.mean(-1)  # (epochs, marks), geometric means
claim(
    "weng-fig5",
    "decades lost from the peak, after 1, 10, 25 epochs",
    decades.amax(1) - decades[:, -1],
    above=2.0,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over discriminator steps from 1 to 1500, both axes logarithmic, with the median and range of three members for generators of 1, 10 and 25 epochs. First panel, the gradient of log(1-D): it rises a little until about fifty steps and then falls by two to three decades, steadily, for all three. Second panel, the gradient of -log D: it rises all the time, about a hundredfold."}, "figure": {"name": "fig-vanishing", "caption": "The gradient that reaches generators frozen after 1, 10 and 25 epochs, while a fresh discriminator learns (after Weng's figure 5, here on digits). First panel: the loss of the game. Second panel: the loss in common use."}}
panels = plots.axes(1, 2, height=3.2)
looks = zip(epochs, plots.COLOURS, plots.DASHES, strict=False)
for row, (epoch, colour, dash) in enumerate(looks):
    for ax, which in zip(panels, (0, 1), strict=True):
        plots.population(
            ax,
            marks,
            strength[row, :, which].T,
            name=f"epoch {epoch}",
            colour=colour,
            dash=dash,
        )
for ax, title in zip(panels, ("log(1 − D)", "−log D"), strict=True):
    ax.set(xscale="log", yscale="log", title=title)
    ax.set(xlabel="discriminator steps", ylabel="norm of the gradient")
    ax.legend(fontsize=9)
panels[1].get_legend().remove()
plots.show()

# %% [markdown]
# The first panel is the theorem at work. After a short rise, while the discriminator finds out what to look at, the
# gradient of $\log(1-D)$ falls by two to three decades, along straight lines in this plot, with no floor in sight. By
# how many decades depends on the data and the networks; that it falls, once a discriminator becomes perfect in values
# and slopes, is general.
#
# The second panel is the remedy: the gradient of $-\log D$ stays alive. But it keeps growing. Is it also, as is often
# said, more and more *unstable*? Its scatter from batch to batch grows too, but at the same pace: relative to its own
# size, the gradient is as steady at the end as at the beginning. It is the dying gradient, that of $\log(1-D)$, that
# becomes erratic, for in the end it depends on the few samples of a batch that still fool $D$ a little.

# %% tags=["hide-input"]
early, late = 4, -1  # after ten steps, and at the end
growth = strength[:, late] / strength[:, early]  # (epochs, 2, members)
unrest = scatter / strength  # (epochs, marks, 2, members)
restless = (unrest[:, late] / unrest[:, early]).median(-1).values
dying, living = restless.T  # (epochs,) each
claim(
    "nonsaturating-unstable-empirical",
    "growth of the gradient of -log D, and of its scatter",
    torch.stack([growth[:, 1], scatter[:, late, 1] / scatter[:, early, 1]]),
    above=5.0,
)
claim(
    "nonsaturating-relative-scatter",
    "scatter over size, last to early, -log D",
    living,
    equals=1.0,
    atol=0.4,
)
claim(
    "saturating-relative-scatter",
    "the same for log(1 - D), in units of that of -log D",
    dying / living,
    above=1.5,
)

# %% [markdown]
# :::{admonition} Further: are the tails heavy?
# :class: dropdown
# That is what the theorem about noise suggests. We take the gradients of fifty batches through the fully trained
# discriminators, centre each coordinate by its median and scale it by the median of its sizes, and ask how far out the
# 99.5% quantile of the sizes lies. What that comes to for a Gaussian is best found by doing the same to Gaussian draws,
# fifty at a time, since so few draws do not fix the median and the scale exactly. Student's distribution with three
# degrees of freedom (heavy tails, but a variance) and Cauchy's are measured beside it. The gradients come out hardly
# heavier than Gaussian, far from Student, and nothing like Cauchy: the logit of a network has a bounded slope, so its
# gradients have all their moments.
# :::


# %% tags=["hide-input"]
def far_out(draws):
    """The 99.5% quantile of sizes in units of their median: (50, ...)."""
    sizes = (draws - draws.median(0).values).abs()
    scale = sizes.median(0).values
    sizes = (sizes / scale)[:, scale > 0].flatten()  # no silent units
    return sizes.sort().values[int(0.995 * len(sizes))].item()


source = random_source(11)
normals = torch.randn(5, 50, 10_000, generator=source).double()
known = {
    "Gaussian": far_out(normals[0]),
    "Student t3": far_out(normals[0] / normals[1:4].square().sum(0).sqrt()),
    "Cauchy": far_out(normals[0] / normals[4]),
}
show_table(
    ["distribution", "99.5% quantile"],
    [[name, f"{value:.3g}"] for name, value in known.items()],
)

# %% tags=["hide-input"]
tails = []
for generator, (*_, critic, _) in zip(generators, judged, strict=True):
    found = gradients(generator, critic, noise_drawn(50, members, batch))[1]
    some = torch.randperm(found.shape[-1], generator=source)[:2000]
    tails.append(far_out(found[:, :, some.to(device)]))
claim(
    "gradient-tails",
    "the same of gradients, over that of a Gaussian; t3 is at 2.2",
    torch.tensor(tails) / known["Gaussian"],
    above=0.95,
    below=1.6,
)

# %% [markdown]
# So what remains of the theorem is a warning, not a distribution: with $-\log D$, the gradients that a confident
# discriminator hands out are as large as its logit is steep.
#
# :::{admonition} Further: noise, and what a likelihood pays for it
# :class: dropdown
# If thin supports are the trouble, make them thick: add noise. Classical models without a density did just that to
# obtain a likelihood, and their samples suffered. Let the data lie on a line in the plane, and let the model's line be
# tilted against it by a small angle $\alpha$, with noise of standard deviation $s$ across it. Without noise the model
# gives the data density 0, and its log likelihood is $-\infty$. With noise, a data point at distance $y=x\sin\alpha$
# from the model's line contributes
#
# $$ \log p_s=-\log s-\frac{y^2}{2s^2}+\text{terms without } s , $$
#
# which is finite for every $s>0$. Set the derivative of its mean to 0, $-\frac1s+\frac{\mathbb E\,y^2}{s^3}=0$: the
# mean over the data is largest at $s^2=\mathbb E\,y^2$, just enough noise to reach the data. But then every sample of
# the model lies off the model's own line, on average by $\sqrt{2/\pi}\,s\approx0.798\,s$. And are the samples nearer to
# the *data* for it? No: a sample without noise is $|t\sin\alpha|$ away from the line of the data, one with noise
# $|t\sin\alpha+{\rm noise}\cdot\cos\alpha|$, which is $\sqrt{1+\cos^2\alpha}\approx1.4$ times as far on average. The
# likelihood is bought with blur. The next cell computes all three for $\alpha=0.2$.
# :::

# %% tags=["hide-input"]
tilt, source = 0.2, random_source(10)
y = math.sin(tilt) * torch.randn(
    100_000, dtype=torch.float64, generator=source
)
widths = torch.logspace(-1.5, 0.5, 400, dtype=torch.float64)
likelihood = -widths.log() - (y**2).mean() / (2 * widths**2)
best = widths[likelihood.argmax()]
t, off = torch.randn(2, 100_000, dtype=torch.float64, generator=source)
off = best * off  # across the model's line, while t runs along it
height = t * math.sin(tilt) + off * math.cos(tilt)  # above the data's line
without = t * math.sin(tilt)
claim(
    "noise-remedy-mle",
    "best s; mean distance to the model's line, and to the data's / without",
    [best, off.abs().mean(), height.abs().mean() / without.abs().mean()],
    equals=[
        math.sin(tilt),
        math.sqrt(2 / math.pi) * math.sin(tilt),
        math.sqrt(1 + math.cos(tilt) ** 2),
    ],
    rtol=0.015,  # the widths are 1.1% apart
)

# %% [markdown]
# **Two ways out.** The first is to make thin supports thick: add noise to what the *discriminator* sees, to real and
# generated samples alike, and not to the generator's own output {cite}`arjovsky2017principled`. Then both distributions
# have densities, $D^*$ is no longer perfect, and {numref}`fig-well` shows what is gained: a well as wide as the noise.
# The noise can be reduced as training goes on. The second is to give up JS, and to ask for a distance that says how far
# apart two distributions are even when they do not overlap. That is where this book is heading: {doc}`lesson 9
# <09_moving_dirt>`.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-meeting-dimension
# Two generic manifolds in $\mathbb R^{64}$ have 30 and 40 dimensions. Do they meet, and if so, in how many dimensions?
# :::
#
# :::{hint}
# :class: dropdown
# Two planes in space meet in a line: how do 2, 2 and 3 make 1? {eq}`eq-flats-meet` gives the general answer, and a
# random matrix has the largest rank that it can.
# :::

# %%
answer = ...
check("meeting-dimension", answer)

# %% [markdown]
# :::{solution} ex-meeting-dimension
# :class: dropdown
# $30+40\ge64$, so they may meet, and flat ones do, in dimension $d_1+d_2-n=6$. That is less than 30 and less than 40, so
# distributions with densities along them give the meeting set no mass.
#
# ```python
# answer = 30 + 40 - 64
# ```
# :::
#
# :::{exercise}
# :label: ex-bound-in-numbers
# A discriminator differs from a perfect one by at most 0.01 in its values and by at most 0.03 in its slope, and
# $\mathbb E\|J_\theta G_\theta\|^2=4$. How large can the generator's gradient be, by {eq}`eq-vanishing`?
# :::
#
# :::{hint}
# :class: dropdown
# You need two numbers, $\epsilon$ and $M$. How is the size $\|h\|$ of a difference defined, just above
# {prf:ref}`thm-vanishing`? And is it $M$ itself that bounds $\mathbb E\|J_\theta G_\theta\|^2$ there?
# :::

# %%
answer = ...
check("bound-in-numbers", answer)

# %% [markdown]
# :::{solution} ex-bound-in-numbers
# :class: dropdown
# $\epsilon=0.01+0.03$ and $M=\sqrt4$.
#
# ```python
# answer = 2 * 0.04 / (1 - 0.04)
# ```
# :::
#
# :::{exercise}
# :label: ex-gradient-by-hand
# Derive the gradient of $\log(1-D)$ without a computer. The discriminator is $D(x)=\sigma(a(x))$ with the logit
# $a(x)=-k(x-\frac12)$, and the generator makes a single point, $G_\theta(z)=\theta$. What is
# $\frac{d}{d\theta}\log\big(1-D(\theta)\big)$? Write it with the symbols `k` and `theta` of sympy, and compare it with
# the numbers of the table in the section "No gradient".
# :::
#
# :::{hint}
# :class: dropdown
# Start from {eq}`eq-chain`, where $J_\theta G_\theta$ is simply 1. What is the derivative of $\sigma$, in terms of
# $\sigma$ itself, and what cancels?
# :::

# %%
from sympy import symbols

k, theta = symbols("k theta", positive=True)
answer = ...
check("gradient-by-hand", answer)

# %% [markdown]
# :::{solution} ex-gradient-by-hand
# :class: dropdown
# *Step 1, the sigmoid.* From $\sigma(a)=\frac1{1+e^{-a}}$,
#
# $$ \sigma'(a)=\frac{e^{-a}}{(1+e^{-a})^2}=\frac1{1+e^{-a}}\cdot\frac{e^{-a}}{1+e^{-a}}=\sigma(a)\,(1-\sigma(a)) . $$
#
# *Step 2, the discriminator.* By the chain rule $\nabla_xD=\sigma'(a)\,\nabla_xa=D\,(1-D)\,\nabla_xa$.
#
# *Step 3, the loss.* In {eq}`eq-chain` the factor $1-D$ cancels:
#
# $$ \nabla_\theta\,\mathbb E_z\log(1-D)=-\mathbb E_z\,\frac{J_\theta G_\theta^{\!\top}\,D\,(1-D)\,\nabla_xa}{1-D}=-\mathbb E_z\,D\,J_\theta G_\theta^{\!\top}\,\nabla_xa . $$
#
# For any network with a sigmoid at its end, this gradient is that of the logit, weighted by $D$: only samples that
# still fool the discriminator count.
#
# *Step 4, this case.* $J_\theta G_\theta=1$ and $\nabla_xa=-k$, so the result is
# $k\,D(\theta)=\frac{k}{1+e^{k(\theta-1/2)}}$. At $\theta=1$ it is about $k\,e^{-k/2}$: it dies exponentially in the
# logit, $a=-\frac k2$.
#
# *Step 5, the other loss.* In the same way $-\nabla_\theta\log D=-\frac{D(1-D)}{D}\,\nabla_xa=-(1-D)\,\nabla_xa$, here
# $k(1-D)\approx k$. The quotient of the two is $\frac{1-D}D=e^{-a}$: at a logit of $-8$ the other loss is about 3000
# times as steep.
#
# ```python
# from sympy import exp, symbols
#
# k, theta = symbols("k theta", positive=True)
# answer = k / (1 + exp(k * (theta - 1 / 2)))
# ```
# :::
#
# :::{exercise}
# :label: ex-far-generator
# The data are $N(0,1)$, the generator makes $N(\theta,1)$ and descends $-\log D^*$. What is its gradient with respect
# to $\theta$ at $\theta=20$, to a good approximation?
# :::
#
# :::{hint}
# :class: dropdown
# What the generator descends is the bracket of {eq}`eq-ns-objective`. How steep is JS as far out as this
# ({numref}`fig-saturation`)? And what is KL of two Gaussians of equal width, by {eq}`eq-kl-gaussians`?
# :::

# %%
answer = ...
check("far-generator", answer)

# %% [markdown]
# :::{solution} ex-far-generator
# :class: dropdown
# By {eq}`eq-ns-objective` it is the derivative of $\frac{\theta^2}2-2\operatorname{JS}$, and JS is level there. The
# farther away, the larger the step: the opposite of vanishing.
#
# ```python
# answer = 20
# ```
# :::
#
# ## What to remember
#
# - A generator with $k$ inputs makes a set of at most $k$ dimensions; real data, too, lie near a thin set, which is an
#   observation. Thin sets may well meet, but generically in a set without mass: the distributions are mutually
#   singular.
# - Then JS is $\log2$ however close they are, a perfect discriminator exists, and it is flat around both supports.
# - If $D$ comes within $\epsilon$ of a perfect one *in values and slopes*, the gradient of $\log(1-D)$ is below
#   $M\epsilon/(1-\epsilon)$. On digits it falls by more than two decades.
# - $-\log D$ keeps a gradient. At $D^*$ it descends $\operatorname{KL}(p_g\,\|\,p_r)-2\operatorname{JS}$, and as $D$
#   improves the gradient grows, and its scatter with it. Its Cauchy tails are a theorem about idealised noise.
# - Noise makes thin supports thick, at a price. The other way out is a distance that can see across a gap.
#
# **Sources.** The theorems are from {cite}`arjovsky2017principled`; the presentation follows {cite}`weng2019` and
# {cite}`xu2020`. The estimate of dimension is from {cite}`facco2017`, the games for other divergences from
# {cite}`nowozin2016`. What had to be corrected is listed under {doc}`errata`.
