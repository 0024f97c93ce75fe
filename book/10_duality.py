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
# # 10 · Duality
#
# A plan that costs 5 proves that the earth mover's distance is at most 5. What would prove that it is *at least* 5? A
# search through all plans would never end. This lesson finds another kind of proof: a set of prices. It ends in the
# formula on which the Wasserstein GAN is built, in which no plan appears at all, only a function that must not be too
# steep.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what the dual of a transport problem is, and why its value is the same; how the prices
# become one function of slope at most 1; what the Kantorovich–Rubinstein theorem says, and prove it; and in which sense
# $W_1$ is gentler than JS, and in which it is not.
#
# **You need** {doc}`lesson 9 <09_moving_dirt>`, and from {doc}`lesson 1 <01_divergences>` JS and total variation.
#
# **It takes** an hour and a half to read with the exercises, and about fifteen seconds to run on a laptop.
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

import numpy as np
import torch

from gantut import plots
from gantut.checks import claim
from gantut.data import gaussian
from gantut.device import random_source
from gantut.divergences import (
    integrate,
    js_divergence,
    kl_between,
    kl_divergence,
    total_variation,
)
from gantut.lessons import check
from gantut.lessons.duality import parallel_lines
from gantut.lessons.linear_program import linear_program
from gantut.networks import MLP
from gantut.transport import (
    KantorovichPotential,
    c_transform,
    emd,
    emd_points,
    wasserstein_1d,
)

# %% [markdown]
# ## The merchant's prices
#
# A merchant offers to move the dirt for you. She charges $f_i$ for each shovelful that she picks up at place $i$, and
# $g_j$ for each that she puts down at place $j$ (either may be negative: a discount). You will not pay more for any
# route than it costs you to do it yourself, so her prices must satisfy
#
# $$ f_i+g_j\le C_{ij}\qquad\text{for all } i,j . $$ (eq-feasible)
#
# Her bill is $\sum_if_iP_i+\sum_jg_jQ_j$. Whatever plan $\gamma$ you have in mind, the bill does not exceed its cost:
# multiply {eq}`eq-feasible` by $\gamma_{ij}\ge0$ and add up,
#
# $$ \sum_if_iP_i+\sum_jg_jQ_j=\sum_{ij}(f_i+g_j)\gamma_{ij}\;\le\;\sum_{ij}C_{ij}\gamma_{ij} . $$ (eq-weak-duality)
#
# (The equation uses the marginals of $\gamma$.) This is **weak duality**, and it is the kind of proof we were
# looking for: *any* admissible prices bound *all* plans from below. The best prices give the best bound,
#
# $$ \max_{f,g}\ \sum_if_iP_i+\sum_jg_jQ_j\quad\text{subject to } f_i+g_j\le C_{ij} , $$ (eq-dual)
#
# the **dual** linear programme. It also follows from the Lagrangian. Put a multiplier $f_i$ on each row sum and $g_j$
# on each column sum of {eq}`eq-emd`; then
#
# $$ \min_{\gamma\ge0}\max_{f,g}\ \sum_{ij}C_{ij}\gamma_{ij}+\sum_if_i\Big(P_i-\sum_j\gamma_{ij}\Big)+\sum_jg_j\Big(Q_j-\sum_i\gamma_{ij}\Big) . $$ (eq-lagrangian)
#
# Exchange min and max: for fixed $f,g$ the minimum over $\gamma_{ij}\ge0$ of $\gamma_{ij}(C_{ij}-f_i-g_j)$ is 0 if
# {eq}`eq-feasible` holds and $-\infty$ otherwise, which leaves {eq}`eq-dual`. For linear programmes the exchange
# loses nothing (**strong duality**): the best prices earn exactly what the cheapest plan costs. Every result of
# `emd` carries both, and their difference, the `gap`, is its certificate.

# %%
P = torch.tensor([3.0, 2.0, 1.0, 4.0], dtype=torch.float64)
Q = torch.tensor([1.0, 2.0, 4.0, 3.0], dtype=torch.float64)
place = torch.arange(4, dtype=torch.float64)
piles = emd(P, Q, (place[:, None] - place).abs())
for name, prices in (("to pick up", piles.f), ("to put down", piles.g)):
    print(
        f"prices {name:11s}", [round(price, 2) for price in prices.tolist()]
    )

# %% [markdown]
# Now the same for two clouds of points in the plane, with the linear programme as a second, independent solver:

# %%
x = torch.rand(6, 2, dtype=torch.float64, generator=random_source(0))
y = torch.rand(7, 2, dtype=torch.float64, generator=random_source(1)) + 1.0
a, b = (
    torch.rand(n, dtype=torch.float64, generator=random_source(2 + n))
    for n in (6, 7)
)
a, b = a / a.sum(), b / b.sum()
C = torch.cdist(x, y)
primal, witness = emd(a, b, C), linear_program(a, b, C)
bill = (a * primal.f).sum() + (b * primal.g).sum()
excess = primal.f[:, None] + primal.g - C  # must not be positive
claim(
    "strong-duality",
    "bill less cost, its witness less cost, and the largest f + g - C",
    [bill - primal.value, witness.value - primal.value, excess.max()],
    equals=0,
    atol=1e-9,
)

# %% [markdown]
# When plan and prices are both optimal, {eq}`eq-weak-duality` holds with equality, and so it must term by term: dirt
# travels only along routes for which the merchant charges the full cost. This is **complementary slackness**.

# %%
used = primal.plan > 1e-12
print(f"{int(used.sum())} routes of {C.numel()} are used")
claim(
    "complementary-slackness",
    "price less cost on the routes that are used",
    excess[used],
    equals=0,
    atol=1e-12,
)

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Raise one price by 0.1, `f = primal.f.clone(); f[0] += 0.1`, and count how many routes {eq}`eq-feasible` forbids
# now. Why must it be at least one?
# :::
#
# ## From two price lists to one function
#
# Let the prices $f$ for picking up be given at the places $x$ of a set $X$. How high can the merchant set $g$? As high
# as {eq}`eq-feasible` lets her, which is the **$c$-transform** of $f$,
#
# $$ f^{c}(y)=\min_{x\in X}\ C(x,y)-f(x) . $$ (eq-c-transform)
#
# It is defined for every $y$ to which there is a cost, not only at the given targets. Likewise $f$ can then be raised
# to $f^{cc}$, where the minimum runs over the places at which $f^c$ is taken, after which nothing changes any more. Now
# let the cost be the distance, $C(x,y)=\|x-y\|$, and let sources and targets lie in one set $Z$ (say, all places that
# occur on either side). Two things happen, and each takes one line to see.
#
# **A $c$-transform is never steeper than 1.** For each fixed $x$ the function $y\mapsto\|x-y\|-f(x)$ has slope at most
# 1 (triangle inequality), and so has a minimum of such functions, wherever $f$ itself was given. **If $f$ is given on
# all of $Z$ and never steeper than 1, then $f^c=-f$ on $Z$.** For $\|x-y\|-f(x)\ge-f(y)$ by the slope, and $x=y$, which
# is among the $x$ over which the minimum is taken, attains it. The converse follows: if $f^c=-f$, then $f$ is minus a
# transform, and not steeper than 1.
#
# So at the optimum both lists can be taken from *one* function on $Z$ that is nowhere steeper than 1 ("1-Lipschitz"):
# $f$ and $-f$. Here are 500 random functions on our 13 places: $c$-transforms, made steeper or gentler by a random
# factor.

# %%
Z = torch.cat([x, y])  # 13 places, each both source and target
apart = torch.cdist(Z, Z).fill_diagonal_(math.inf)
source = random_source(8)
values = torch.rand(500, 13, dtype=torch.float64, generator=source)
factor = 0.5 + torch.rand(500, 1, dtype=torch.float64, generator=source)


def steepness(f):
    """The largest slope between two of the places: (...,)."""
    return ((f[..., :, None] - f[..., None, :]).abs() / apart).amax(
        (-2, -1)
    )


transforms = c_transform(values, Z, Z)
functions = factor * transforms
is_gentle = steepness(functions) <= 1 + 1e-9
mirror = (c_transform(functions, Z, Z) + functions).abs().amax(-1) < 1e-9
print("of 500 functions", int(is_gentle.sum()), "have slope at most 1")
claim(
    "w1-dual-c1-concave",
    "transforms steeper than 1; exceptions to slope <= 1 iff f^c = -f",
    [(steepness(transforms) > 1 + 1e-9).sum(), (is_gentle != mirror).sum()],
    equals=0,
)

# %% [markdown]
# :::{prf:theorem} Kantorovich–Rubinstein
# :label: thm-kantorovich-rubinstein
#
# $$ W_1(p,q)=\max_{\|f\|_L\le1}\ \mathbb E_{p}f-\mathbb E_{q}f , $$ (eq-kr)
#
# where $\|f\|_L\le1$ means $|f(x)-f(y)|\le\|x-y\|$ for all $x,y$.
# :::
#
# :::{prf:proof}
# (For distributions on finitely many points; the general case follows by approximation, for distributions with finite
# first moments.) *At most:* for such an $f$ and any plan,
# $\mathbb E_pf-\mathbb E_qf=\mathbb E_\gamma[f(x)-f(y)]\le\mathbb E_\gamma\|x-y\|$. *At least:* let $p$ live on the
# finite set $X$, $q$ on $Y$, and put $Z=X\cup Y$. Take the best prices $f:X\to\mathbb R$ and $g:Y\to\mathbb R$, and let
# $f^c:Z\to\mathbb R$ be the transform {eq}`eq-c-transform`, its minimum over $X$. It is 1-Lipschitz, hence so is
# $h=-f^c$, and $f^{cc}=h$ when the second minimum runs over $Z$. On $Y$, $g\le f^c=-h$, as the prices are admissible.
# On $X$, $f\le h$, as $f^c(x)\le\|x-x\|-f(x)$. Therefore
# $\mathbb E_ph-\mathbb E_qh\ge\mathbb E_pf+\mathbb E_qg$, which is $W_1$ by strong duality.
# :::
#
# Two price lists have become one function, and its two averages differ by exactly the distance:

# %%
h = -c_transform(primal.f, x, Z)  # on all of Z
difference = (a * h[:6]).sum() - (b * h[6:]).sum()
claim(
    "kr-duality",
    "E_p h - E_q h in multiples of W_1, and the largest slope of h",
    [difference / witness.value, steepness(h)],
    equals=1,
    atol=1e-9,
)

# %% [markdown]
# If slopes up to $K$ are allowed, $f/K$ is a function that the theorem allows, so the maximum is $K$ times as large:
# $W_1=\frac1K\max_{\|f\|_L\le K}(\mathbb E_pf-\mathbb E_qf)$, with the $\frac1K$ in front of the whole difference. A
# linear programme for the piles with slopes up to 3, solved independently:

# %%
from scipy.optimize import linprog

steps = torch.diff(torch.eye(4).double(), dim=0)  # f_{i+1} - f_i
steeper = linprog(
    -(P - Q),
    A_ub=torch.cat([steps, -steps]),
    b_ub=[3.0] * 6,
    bounds=[(None, None)] * 4,
)
claim(
    "kr-k-scaling",
    "with slopes up to 3 the piles reach",
    -steeper.fun,
    equals=3 * 5,
    atol=1e-9,
)

# %% [markdown]
# ### The function, everywhere
#
# The potential found on thirteen points extends to the whole plane, by the same formula from the targets' side:
# $f(x)=\min_{y\in Y}\|x-y\|-g(y)$. `KantorovichPotential` is that extension. Its slope is 1 almost everywhere, as it
# falls straight towards whichever $y$ attains the minimum. Most of this is a choice: $\max_{x'\in X}f(x')-\|x-x'\|$
# takes the same values on the thirteen points, and so does everything in between that is not steeper than 1. But on the
# routes that are used there is no choice. Along them *every* best $f$ falls by one per unit of length, as it must to
# fall by the whole length between the ends. So its gradient inside such a **transport ray** is a unit vector and points
# *backwards*, from where the dirt goes towards where it comes from, since $f$ is high at the source.

# %%
f = KantorovichPotential(y, primal.g)  # the largest extension
least = KantorovichPotential(x, primal.f)  # minus the smallest
i, j = (primal.plan > 1e-9).nonzero().unbind(1)
inside = 0.5 * x[i] + 0.5 * y[j]  # the middle of each route that is used
backwards = (x[i] - y[j]) / (x[i] - y[j]).norm(dim=1, keepdim=True)
claim(
    "ray-gradient",
    "on the routes both gradients are the unit vector towards the source",
    torch.stack([f.gradient(inside), -least.gradient(inside)]),
    equals=backwards.repeat(2, 1, 1),
    atol=1e-9,
)

# %% [markdown]
# Elsewhere the two differ. Halfway between them lies a third potential, as good as they are. How steep is it off the
# routes?

# %%
anywhere = torch.rand(1000, 2, dtype=torch.float64, generator=source)
anywhere = 2.2 * anywhere - 0.1
halfway = (f.gradient(anywhere) - least.gradient(anywhere)) / 2
third = [(f(places) - least(places)) / 2 for places in (x, y)]
on_routes = (f.gradient(inside) - least.gradient(inside)) / 2
claim(
    "ray-slope-forced",
    "halfway: E_p f - E_q f in multiples of W_1, and its slope on each route",
    [
        ((a * third[0]).sum() - (b * third[1]).sum()) / primal.value,
        *on_routes.norm(dim=1),
    ],
    equals=1,
    atol=1e-9,
)
claim(
    "extension-is-a-choice",
    "halfway: the share of 1000 random points at which its slope is below 0.99",
    (halfway.norm(dim=1) < 0.99).double().mean(),
    above=0.5,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "A map of the plane with level lines of the Kantorovich potential. Six source points lie at the lower left, where the potential is high, seven targets at the upper right, where it is low. Straight lines join sources to the targets that they supply; along each of them the level lines are crossed at right angles, at equal distances. Arrows at the middle of the routes point back to the sources."}, "figure": {"name": "fig-potential", "caption": "A Kantorovich potential: level lines of f (dark: high), the routes of the cheapest plan, and the gradient of f on them, which points from target to source."}}
side = torch.linspace(-0.1, 2.1, 120, dtype=torch.float64)
points = torch.cartesian_prod(side, side)
ax = plots.axes(height=4.6)
ax.contourf(
    side,
    side,
    f(points).reshape(120, 120).T,
    levels=20,
    cmap="Blues",
    alpha=0.8,
)
ax.contour(
    side,
    side,
    f(points).reshape(120, 120).T,
    levels=20,
    colors=plots.FAINT,
    linewidths=0.5,
)
for start, end in zip(x[i], y[j], strict=True):
    ax.plot(*torch.stack([start, end]).T, color=plots.INK, linewidth=1)
ax.quiver(
    *inside.T,
    *f.gradient(inside).T,
    color=plots.GENERATED,
    width=0.006,
    scale=14,
    zorder=3,
)
ax.plot(*x.T, "o", color=plots.REAL, markersize=8, label="source")
ax.plot(*y.T, "s", color=plots.GENERATED, markersize=7, label="target")
ax.grid(False)
ax.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
ax.legend(loc="lower right")
plots.show()

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Walk along a route beyond its target, `y[j] + 0.2 * (y[j] - x[i])`. What does the gradient say there, and why does
# that not affect the proof?
# :::
#
# ### For other powers
#
# With the cost $c_p(x,y)=\frac1p\|x-y\|^p$ everything up to the $c$-transform remains true, but $f^c$ is no longer
# $-f$: two functions stay two,
#
# $$ \tfrac1pW_p^p(\mu,\nu)=\max_\psi\ \int\psi\,d\mu+\int\psi^{c_p}\,d\nu . $$ (eq-wp-dual)
#
# (The slides that we follow name this general form after Kantorovich and Rubinstein; it is Kantorovich's, and their
# joint theorem is the case $p=1$.)

# %%
primal_values, dual_values = [], []
for power in (1, 2, 3):
    result = emd(a, b, C**power / power)
    # c_transform has the cost without the factor 1/p: put it in, take it out
    transformed = c_transform(power * result.f, x, y, p=power) / power
    primal_values.append(result.value)
    dual_values.append((a * result.f).sum() + (b * transformed).sum())
claim(
    "wp-general-dual",
    "primal and c-transformed dual for p = 1, 2, 3",
    dual_values,
    equals=primal_values,
    atol=1e-12,
)

# %% [markdown]
# ## Parallel lines
#
# Why all this for GANs? Take the simplest distributions that do not overlap {cite}`arjovsky2017wgan`: $P$ uniform on
# the segment $\{0\}\times[0,1]$ of the plane, $Q$ on $\{\theta\}\times[0,1]$. In the program each line has 200 points.

# %%
height = (torch.arange(200, dtype=torch.float64) + 0.5) / 200


def line(theta, heights=height):
    return torch.stack([torch.full_like(heights, theta), heights], 1)


# %% [markdown]
# **KL.** $P$ gives no mass to the line on which $Q$ lives: both KLs are $+\infty$ for $\theta\ne0$. (The post writes
# $\log\frac10$, though in the plane these distributions have no densities. Blur the lines with a Gaussian of width
# $\sigma$, and KL is $\theta^2/2\sigma^2$, which has no limit as $\sigma\to0$.)

# %%
blurs = [0.1, 0.01, 0.001]
blurred = [
    kl_between(gaussian(0, blur), gaussian(1, blur)).value for blur in blurs
]
claim(
    "parallel-lines-kl",
    "KL of lines at distance 1, blurred less and less",
    blurred,
    equals=[1 / (2 * s**2) for s in blurs],
    rtol=1e-9,
)

# %% [markdown]
# **JS.** The two distributions are disjoint, so JS is $\log2$, however close the lines are; at $\theta=0$ it is 0. (In
# the post the second sum runs over $x=0$ again; it should be $x=\theta$.) There is nothing in between:


# %%
def js_of_lines(theta):
    """JS of the masses that both lines give to each place that occurs."""
    both = torch.cat([line(0.0), line(theta)])
    places, number = both.unique(dim=0, return_inverse=True)
    on_each = [
        torch.bincount(row, minlength=len(places)).double() / 200
        for row in number.view(2, 200)
    ]
    return js_divergence(*on_each)


claim(
    "parallel-lines-js",
    "JS of the lines at θ = 1, 0.1, 0.01",
    [js_of_lines(theta) for theta in (1.0, 0.1, 0.01)],
    equals=math.log(2),
    atol=1e-12,
)
claim(
    "parallel-lines-js-jump",
    "JS for θ = -1e-6, -1e-9, 0, 1e-9, 1e-6, over log 2",
    [
        js_of_lines(theta) / math.log(2)
        for theta in (-1e-6, -1e-9, 0.0, 1e-9, 1e-6)
    ],
    equals=[1, 1, 0, 1, 1],
    atol=1e-12,
)

# %% [markdown]
# **$W_1$.** Carry every point straight across: that costs $|\theta|$. And $f(x)=-x_1\operatorname{sign}\theta$,
# which has slope 1, proves by {prf:ref}`thm-kantorovich-rubinstein` that nothing is cheaper. So $W_1=|\theta|$. The
# linear programme on 200 points agrees; with *independent* points on the two lines, as a GAN would see them, it
# comes out a little higher.

# %%
thetas = [0.0, 0.25, 0.5, 1.0]
distances = [emd_points(line(0.0), line(theta)).value for theta in thetas]
claim(
    "parallel-lines-w1",
    "W_1 of the lines",
    distances,
    equals=thetas,
    atol=1e-12,
)
source = random_source(4)
drawn = [
    emd_points(
        *(
            line(t, torch.rand(200, dtype=torch.float64, generator=source))
            for t in (0.0, theta)
        )
    ).value
    for theta in thetas
]
print(
    "from independent samples:", [round(value.item(), 3) for value in drawn]
)

# %% [markdown]
# The figure shows both, and a third: the **maximum mean discrepancy** with a Gaussian kernel $k$, which for two
# distributions is $\operatorname{MMD}^2=\mathbb E\,k(x,x')-2\,\mathbb E\,k(x,y)+\mathbb E\,k(y,y')$, with two
# independent draws from each. For the lines it is $2c(1-e^{-\theta^2/2})$, where $c$ is the mean of $k$ within a line.


# %%
def squared_mmd(x, y):
    kernel = [
        torch.exp(-(torch.cdist(u, v) ** 2) / 2).mean()
        for u, v in ((x, x), (x, y), (y, y))
    ]
    return kernel[0] - 2 * kernel[1] + kernel[2]


def distance_1(x, y, p=1):
    return emd_points(x, y, p=p).value


theta = torch.arange(-20, 21, dtype=torch.float64) / 20
P, moved = line(0.0), [line(t.item()) for t in theta]
w1, mmd2 = (
    torch.stack([measure(P, Q) for Q in moved])
    for measure in (distance_1, squared_mmd)
)
js = torch.stack([js_of_lines(t.item()) for t in theta])
c = torch.exp(-((height[:, None] - height) ** 2) / 2).mean()
claim(
    "weng-fig8",
    "the figure's W_1 less |θ|, JS less log 2 off 0, MMD² less its formula",
    torch.stack(
        [
            w1 - theta.abs(),
            js - math.log(2) * (theta != 0),
            mmd2 - 2 * c * (1 - torch.exp(-(theta**2) / 2)),
        ]
    ),
    equals=0,
    atol=1e-6,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: two upright segments of length 1, at x = 0 and at x = one half. Right: three curves over theta from -1 to 1. W_1 is a V with its tip at 0. JS is level at log 2 with a single point at 0. The squared maximum mean discrepancy is a smooth valley with a round bottom."}, "figure": {"name": "fig-parallel-lines", "caption": "Two parallel lines (after Weng's figure 8), and three measures of how far apart they are. JS sees only whether θ is zero. W₁ is continuous, with a kink. MMD² is smooth, but it is a square; MMD has the kink of W₁."}}
left, right = plots.axes(1, 2, height=3.0)
left.plot([0, 0], [0, 1], color=plots.REAL, linewidth=4, label="P")
left.plot(
    [0.5, 0.5],
    [0, 1],
    color=plots.GENERATED,
    linewidth=4,
    linestyle="--",
    label="Q",
)
left.set(xlim=(-0.3, 1), xlabel="$x_1$", ylabel="$x_2$")
left.legend()
plots.lines(
    right,
    theta,
    {"$W_1$": w1, "JS": js.where(theta != 0, math.nan), "MMD²": mmd2},
    colours=[plots.THIRD, plots.FOURTH, plots.REAL],
)
right.plot(0, js[20], "o", color=plots.FOURTH)
right.set(xlabel="θ")
right.legend(fontsize=9)
plots.show()

# %% [markdown]
# "Only Wasserstein metric provides a smooth measure", the post concludes. Of the three that it compares, $W_1$ is
# indeed the only one that is continuous. But smooth it is not: at 0 it has a kink, where its slope jumps from $-1$ to
# $1$ and gradient descent with a fixed step hops back and forth. Nor is it alone in being continuous. MMD is continuous
# too, with the same kind of kink, $\approx\sqrt c\,|\theta|$. What is smooth are the *squares*: $\operatorname{MMD}^2$,
# and just as much $W_2^2$, which is $\theta^2$ here.

# %%
h = 1e-4
measures = [
    distance_1,
    lambda x, y: squared_mmd(x, y).clamp_min(0).sqrt(),
    lambda x, y: distance_1(x, y, p=2),
    squared_mmd,
]
slopes = [
    (measure(P, line(step)) - measure(P, P)) / step
    for measure in measures
    for step in (-h, h)
]
root = c.sqrt()
claim(
    "only-wasserstein-smooth",
    "left and right slope at 0 of W_1, MMD, W_2², MMD²",
    slopes,
    equals=[-1, 1, -root, root, 0, 0, 0, 0],
    atol=1e-3,
)

# %% [markdown]
# Move the line yourself, and let it follow each of the three gradients: which of them brings it home? Then give
# both lines some width. Noise makes them overlap, and where they do, JS has a gradient too; {doc}`lesson 5
# <05_vanishing_gradients>` made use of that.

# %%
parallel_lines()

# %% [markdown]
# ## A gentler distance, mostly
#
# Distributions converge **in distribution** if the averages of every bounded continuous function converge: the weakest
# sense in common use. On a bounded space this is *exactly* convergence in $W_1$. On the line one can see why. $W_1$ is
# the area between the graphs of the two distribution functions ({numref}`fig-quantiles`). Convergence in distribution
# is convergence of the **Lévy distance** $L$, the side of the largest square that fits between these graphs. A square
# of side $L$ has area $L^2$. And if the space is $[0,\Delta]$, look along the falling diagonals $x+u=s$, where
# $0\le s\le1+\Delta$: on none of them are the graphs further apart, sideways, than $L$. So the area is at most
# $(1+\Delta)L$:
#
# $$ L^2\;\le\;W_1\;\le\;(1+\Delta)\,L , $$ (eq-levy)
#
# and one goes to 0 exactly when the other does. Here are 500 random pairs on $[0,3]$.


# %%
def levy(places, p, q):
    """Along each diagonal x + u = s: how far apart are the graphs?"""
    graphs = []
    for mass in (p, q):
        steps = torch.stack([mass.cumsum(0) - mass, mass.cumsum(0)], 1)
        graphs.append(
            (places[:, None] + steps).flatten()
        )  # s at each corner
    corners, x = torch.cat(graphs), places.repeat_interleave(2)
    crossed = [np.interp(corners, graph, x) for graph in graphs]
    return abs(crossed[0] - crossed[1]).max()


source = random_source(9)
areas, sides = [], []
for _ in range(500):
    draw = torch.rand(3, 6, dtype=torch.float64, generator=source)
    places, (p, q) = 3 * draw[0].sort().values, draw[1:] ** 4
    p, q = p / p.sum(), q / q.sum()
    areas.append(wasserstein_1d(places, places, p, q))
    sides.append(levy(places, p, q))
areas, sides = torch.stack(areas), torch.tensor(sides)
claim(
    "w1-weak-topology",
    "W_1 - L² and (1 + Δ) L - W_1 are never negative",
    torch.stack([areas - sides**2, (1 + 3) * sides - areas]),
    above=-1e-9,
)

# %% [markdown]
# Without the bound $\Delta$ only the first half remains. A strip between the graphs may be as thin as you like and,
# being long, have any area: a little mass far away is nothing to JS or to convergence in distribution, and everything
# to $W_1$. A mass of $n^{-a}$ at $n$, and the rest at 0, tends to $\delta_0$ in total variation whatever $a>0$ is,
# while
#
# $$ \mu_n=(1-n^{-a})\,\delta_0+n^{-a}\,\delta_n\qquad\text{has}\qquad W_1(\mu_n,\delta_0)=\mathbb E_{\mu_n}|x|=n^{1-a} . $$ (eq-stray-mass)
#
# What is missing is the mean. In general $W_1(\mu_n,\mu)\to0$ if and only if $\mu_n\to\mu$ in distribution **and**
# $\mathbb E_{\mu_n}\|x\|\to\mathbb E_\mu\|x\|<\infty$ ({cite}`villani2009`, theorem 6.9).

# %%
pairs = [(a, n) for a in (2, 1, 0.5) for n in (10, 100, 1000)]
stray, tv, delta = [], [], torch.tensor([1.0, 0.0], dtype=torch.float64)
for a, n in pairs:
    mu = torch.tensor([1 - n**-a, n**-a], dtype=torch.float64)
    places = torch.tensor([0.0, n], dtype=torch.float64)
    stray.append(wasserstein_1d(places, places, mu, delta))
    tv.append(total_variation(mu, delta))
print("TV: ", [float(f"{value:.2g}") for value in tv])
print("W_1:", [float(f"{value:.2g}") for value in stray])
claim(
    "w1-stray-mass",
    "W_1 in multiples of n^(1 - a), and TV of n^-a",
    [w * n ** (a - 1) for w, (a, n) in zip(stray, pairs, strict=True)]
    + [t * n**a for t, (a, n) in zip(tv, pairs, strict=True)],
    equals=1,
    atol=1e-9,
)

# %% [markdown]
# JS and total variation ask for more than $W_1$, on a bounded space of diameter $\Delta$. At worst the mass that
# differs has to be moved across the whole diameter: $W_1\le\Delta\cdot\operatorname{TV}$. With {eq}`eq-js-tv` and
# Pinsker's inequality $\operatorname{KL}\ge2\operatorname{TV}^2$, convergence in KL forces convergence in TV and JS,
# and that forces convergence in $W_1$. Not the other way round: the parallel lines converge in $W_1$ as $\theta\to0$,
# but not in JS.

# %%
source = random_source(5)
sites = torch.rand(300, 5, 2, dtype=torch.float64, generator=source)
weights = torch.rand(2, 300, 5, dtype=torch.float64, generator=source)
p, q = weights / weights.sum(-1, keepdim=True)
C = torch.cdist(sites, sites)
tv, js = total_variation(p, q), js_divergence(p, q)
slack = [
    C.amax((1, 2)) * tv - emd(p, q, C).value,
    js - tv**2 / 2,
    kl_divergence(p, q) - 2 * tv**2,
]
claim(
    "w1-weaker-than-js",
    "Δ TV - W_1, JS - TV²/2 and KL - 2 TV² are never negative",
    torch.stack(slack),
    above=-1e-12,
)

# %% [markdown]
# ## What a generator gains from it
#
# Let the generator be $G_\theta(z)$, continuous in $\theta$. Then a small change of $\theta$ moves every sample a
# little, the plan "each old sample to its new place" is cheap, and by the triangle inequality
#
# $$ \big|W_1(p_r,p_{\theta'})-W_1(p_r,p_\theta)\big|\;\le\;W_1(p_\theta,p_{\theta'})\;\le\;\mathbb E_z\|G_{\theta'}(z)-G_\theta(z)\| , $$ (eq-moves)
#
# where $p_\theta$ is the distribution of the samples. If the right side goes to 0 as $\theta'\to\theta$, **$W_1$ is
# continuous in $\theta$**, whether the distributions overlap or not. Here are small networks with twenty random
# $\theta$, and steps from there in random directions:

# %%
source = random_source(6)
noise, data = torch.randn(2, 40, 2, generator=source).double()
generator = MLP([2, 8, 2], activation="tanh", dtype=torch.float64)


def samples_at(theta):
    torch.nn.utils.vector_to_parameters(theta, generator.parameters())
    return generator(noise)[0].detach()


size = sum(parameter.numel() for parameter in generator.parameters())
start, way = torch.randn(2, 20, size, generator=source).double()
lengths, moved, changed = (1.0, 0.1, 0.01, 0.001), [], []
for length in lengths:
    for theta, direction in zip(start, way, strict=True):
        old, new = samples_at(theta), samples_at(theta + length * direction)
        moved.append((new - old).norm(dim=1).mean())
        changed.append(distance_1(new, data) - distance_1(old, data))
moved, changed = torch.stack(moved), torch.stack(changed)
print(
    "mean move:", [round(m, 4) for m in moved.view(4, 20).mean(1).tolist()]
)
claim(
    "w1-continuous-in-theta",
    "change of W_1 in multiples of the mean move, for 80 steps",
    changed.abs() / moved,
    below=1 + 1e-9,
)

# %% [markdown]
# The small print: the moves must be small *on average*, not just one by one. Here is a generator that is continuous in
# $\theta$ for each $z$, and yet jumps:
#
# $$ G_\theta(z)=\frac{6\,z\,\max(\theta-z,0)}{\theta^3}\ (\theta>0),\qquad G_0(z)=0,\qquad z\sim U[0,1] . $$ (eq-jumping-generator)


# %%
def jumping(z, theta):
    return 6 * z * (theta - z).clamp_min(0) / theta**3


means = [
    integrate(lambda z, t=t: jumping(z, t), 0.0, 1.0)[0]
    for t in (1.0, 0.1, 0.01)
]
at_a_third = jumping(torch.tensor(1 / 3).double(), torch.tensor(0.01))
claim(
    "w1-jumping-generator",
    "W_1 to the point 0 for θ = 1, 0.1, 0.01, and G at z = 1/3, θ = 0.01",
    [*means, at_a_third],
    equals=[1, 1, 1, 0],
    atol=1e-9,
)

# %% [markdown]
# On a bounded space this cannot happen. And where $G$ is Lipschitz in $\theta$ on average, so is $W_1$ by
# {eq}`eq-moves`, and it is even differentiable at almost every $\theta$. What is its derivative? Where the cheapest
# plan between two batches is the only one, it remains the cheapest for small moves $d\theta$, and the cost of each
# route changes by the amount that its end moves along it. That is the gradient that `emd_points` hands to autograd,
# here through the same network, against finite differences:

# %%
errors = []
for theta in start:
    samples_at(theta)
    weight, h = generator.weights[0], 1e-6
    value = distance_1(generator(noise)[0], data)
    (slope,) = torch.autograd.grad(value, weight)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[0, 0, 0] += sign * h
            ends.append(distance_1(generator(noise)[0], data))
            weight[0, 0, 0] -= sign * h
    errors.append(slope[0, 0, 0] - (ends[0] - ends[1]) / (2 * h))
claim(
    "w1-ae-differentiable",
    "gradient of exact W_1 against finite differences, at 20 random θ",
    errors,
    equals=0.0,
    atol=1e-6,
)

# %% [markdown]
# This is what the Wasserstein GAN sets out to do, with one replacement: instead of solving a linear programme for
# each batch, it trains a network to be the $f$ of {eq}`eq-kr`. Whether that works is the question of lessons 11 and
# 13.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-one-lipschitz-bound
# $p$ is uniform on $\{0,1\}$ and $q$ is uniform on $\{2,5\}$, on the line. Which lower bound for $W_1$ does the
# function $f(x)=-x$ give? (Is it the distance itself?)
# :::
#
# :::{hint}
# :class: dropdown
# Take the mean of $f$ under each distribution, and their difference in the order of {eq}`eq-kr`. For the question in
# brackets: in which direction does the dirt go, and how does $f$ change along the way?
# :::

# %%
answer = ...
check("one-lipschitz-bound", answer)

# %% [markdown]
# :::{solution} ex-one-lipschitz-bound
# :class: dropdown
# $\mathbb E_pf-\mathbb E_qf=-\frac12+\frac72=3$. All dirt goes right, so $f$ falls by one per step along every
# route: the bound is the distance.
#
# ```python
# answer = -(0 + 1) / 2 + (2 + 5) / 2
# ```
# :::
#
# :::{exercise}
# :label: ex-constant-prices
# The merchant raises every $f_i$ by 10 and lowers every $g_j$ by 10. By how much does her bill change, if ten
# shovelfuls are moved?
# :::
#
# :::{hint}
# :class: dropdown
# Follow a single shovelful. How often is it picked up, how often put down, and by how much has the price of each
# changed?
# :::

# %%
answer = ...
check("constant-prices", answer)

# %% [markdown]
# :::{solution} ex-constant-prices
# :class: dropdown
# Each shovelful is picked up once and put down once: the changes cancel. Potentials are determined only up to a
# constant.
#
# ```python
# answer = 10 * 10 - 10 * 10
# ```
# :::
#
# :::{exercise}
# :label: ex-slope-function
# Write the largest slope $|f(x)-f(y)|/\|x-y\|$ that a function shows on a sample: a function of `x`, shape (n, d),
# and of `f`, shape (n,), the values there.
# :::
#
# :::{hint}
# :class: dropdown
# Make two tables of shape (n, n), one of the differences of values and one of the distances (`torch.cdist`), and
# divide. What is on the diagonal, and what will `max` make of it?
# :::

# %%
answer = ...
check("slope-function", answer)

# %% [markdown]
# :::{solution} ex-slope-function
# :class: dropdown
# The diagonal is $0/0$; leave it out.
#
# ```python
# def answer(x, f):
#     off_diagonal = ~torch.eye(len(x), dtype=torch.bool)
#     slopes = (f[:, None] - f).abs() / torch.cdist(x, x)
#     return slopes[off_diagonal].max()
# ```
# :::
#
# :::{exercise}
# :label: ex-lines-with-slope-three
# A critic with slopes up to $K=3$ is trained to optimality on the parallel lines at $\theta=\frac12$. What is the
# value of $\mathbb E_Pf-\mathbb E_Qf$ that it reports?
# :::
#
# :::{hint}
# :class: dropdown
# How far apart are the lines in $W_1$ ({numref}`fig-parallel-lines`)? And what happens to the maximum in {eq}`eq-kr`
# when slopes may be as large as $K$ instead of 1?
# :::

# %%
answer = ...
check("lines-with-slope-three", answer)

# %% [markdown]
# :::{solution} ex-lines-with-slope-three
# :class: dropdown
# $K\cdot W_1=3\cdot\frac12$. Whoever reads a critic's estimate as a distance must know $K$.
#
# ```python
# answer = 3 * 1 / 2
# ```
# :::
#
# ## What to remember
#
# - Prices that no route exceeds bound the cost of all plans from below; the best prices reach the cost of the cheapest
#   plan. The difference between cost and bill, the duality gap, is a certificate.
# - With the distance as cost, both price lists come from one function that is nowhere steeper than 1:
#   $W_1=\max\,\mathbb E_pf-\mathbb E_qf$. With slopes up to $K$ the maximum is $K W_1$.
# - Along the routes that are used, every best $f$ falls with slope 1; its gradient points towards the source. Elsewhere
#   it may be as gentle as the values on the routes allow.
# - $W_1$ is continuous in a generator's parameters, overlapping or not, where JS jumps; for this a change of parameters
#   must move samples little on average. It has kinks, and it is not the only such distance.
# - On a bounded space, convergence in $W_1$ is convergence in distribution. On an unbounded one the first moments must
#   converge as well: $W_1$ sees stray mass that JS ignores.
#
# **Sources.** The parallel lines are from {cite}`arjovsky2017wgan`, after {cite}`weng2019`; the dual in the general
# form follows {cite}`xu2020`. Proofs for general distributions are in {cite}`villani2009`, for discrete ones and their
# computation in {cite}`peyre2019`. What had to be corrected is listed under {doc}`errata`.
