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
# # 9 · Duality
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
# **You need** {doc}`lesson 8 <08_moving_dirt>`, and from {doc}`lesson 1 <01_divergences>` JS and total variation.
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
assert abs(piles.gap) < 1e-12

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
primal, dual = emd(a, b, C), linear_program(a, b, C)
bill = (a * primal.f).sum() + (b * primal.g).sum()
assert (primal.f[:, None] + primal.g <= C + 1e-12).all(), (
    "the prices must be admissible"
)
assert abs(bill - dual.value) < 1e-9, "strong duality"

# %% [markdown]
# When plan and prices are both optimal, {eq}`eq-weak-duality` holds with equality, and so it must term by term: dirt
# travels only along routes for which the merchant charges the full cost. This is **complementary slackness**.

# %%
slack = C - primal.f[:, None] - primal.g  # cost beyond the prices
assert (slack * primal.plan).abs().max() < 1e-12
print(
    f"{int((primal.plan > 1e-12).sum())} routes of {C.numel()} are used; on each, price = cost"
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
# Given the merchant's prices $f$ for picking up, how high can she set $g$? As high as {eq}`eq-feasible` lets her,
# which is the **$c$-transform** of $f$,
#
# $$ f^{c}(y)=\min_x\ C(x,y)-f(x) . $$ (eq-c-transform)
#
# It is defined for every $y$, not only at the given places. Then $f$ can be raised to $(f^c)^c$, after which nothing
# changes any more. Now let the cost be the distance, $C(x,y)=\|x-y\|$. Two things happen, and each takes one line to
# see.
#
# **A $c$-transform is never steeper than 1.** For each fixed $x$ the function $y\mapsto\|x-y\|-f(x)$ has slope at most
# 1 (triangle inequality), and so has a minimum of such functions. **If $f$ is never steeper than 1, then $f^c=-f$.**
# For $\|x-y\|-f(x)\ge-f(y)$ by the slope, and $x=y$ attains it.
#
# So at the optimum both lists can be taken from *one* function that is nowhere steeper than 1 ("1-Lipschitz"): $f$
# and $-f$. The program checks each step.

# %%
everywhere = torch.cat([x, y])  # 13 places, each both source and target
lifted = c_transform(primal.g, y, everywhere)  # f = g^c, defined everywhere
assert (lifted[:6] >= primal.f - 1e-12).all(), (
    "raising f keeps the prices admissible"
)
steepness = (lifted[:, None] - lifted).abs() - torch.cdist(
    everywhere, everywhere
)
assert steepness.max() < 1e-12, "f is nowhere steeper than 1"
mirrored = c_transform(lifted, everywhere, everywhere)
claim(
    "w1-dual-c1-concave",
    "for a function of slope at most 1, f^c = -f",
    mirrored,
    equals=-lifted,
    atol=1e-12,
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
# $\mathbb E_pf-\mathbb E_qf=\mathbb E_\gamma[f(x)-f(y)]\le\mathbb E_\gamma\|x-y\|$. *At least:* take the best
# prices, replace $g$ by $f^c$ and $f$ by $f^{cc}$. That keeps them admissible and does not lower the bill, so the
# bill is still $W_1$ by strong duality. $f^{cc}$ is 1-Lipschitz, hence $f^{ccc}=f^c=-f^{cc}$ on all points, and the
# bill is $\mathbb E_pf^{cc}-\mathbb E_qf^{cc}$.
# :::
#
# Two price lists have become one function, and its two averages differ by exactly the distance:

# %%
difference = (a * lifted[:6]).sum() - (b * lifted[6:]).sum()
claim(
    "kr-duality",
    "E_p f - E_q f for the lifted potential is W_1",
    difference,
    equals=primal.value,
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
# The potential found on thirteen points extends to the whole plane by the same formula {eq}`eq-c-transform`.
# `KantorovichPotential` is that extension. It is steepest, with slope exactly 1, along the routes that are used: they
# are straight lines along which $f$ falls by one unit of price per unit of length. Its gradient at a point of such a
# **transport ray** points *backwards*, from where the dirt goes towards where it comes from, since $f$ is high at the
# source.

# %%
f = KantorovichPotential(y, primal.g)
i, j = (primal.plan > 1e-9).nonzero().unbind(1)
inside = 0.5 * x[i] + 0.5 * y[j]  # the middle of each route that is used
backwards = (x[i] - y[j]) / (x[i] - y[j]).norm(dim=1, keepdim=True)
claim(
    "ray-gradient",
    "on the routes the gradient is the unit vector towards the source",
    f.gradient(inside),
    equals=backwards,
    atol=1e-9,
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
    *(f.gradient(inside)).T,
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
# the segment $\{0\}\times[0,1]$ of the plane, $Q$ on $\{\theta\}\times[0,1]$.
#
# **KL.** $P$ gives no mass to the line on which $Q$ lives: both KLs are $+\infty$ for $\theta\ne0$. (The post writes
# densities $\frac10$; in the plane these distributions have no densities. Blur the lines with a Gaussian of width
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
lines = torch.eye(2).double()  # all the mass on one line, or on the other
claim(
    "parallel-lines-js",
    "JS of two lines",
    js_divergence(lines[0], lines[1]),
    equals=math.log(2),
    atol=1e-12,
)


def js_of_lines(theta):
    return js_divergence(lines[0], lines[0] if theta == 0 else lines[1])


near_zero = [
    js_of_lines(theta) for theta in (-1e-6, -1e-9, 0.0, 1e-9, 1e-6)
]
claim(
    "parallel-lines-js-jump",
    "JS for θ from -1e-6 to 1e-6",
    near_zero,
    equals=[math.log(2)] * 2 + [0.0] + [math.log(2)] * 2,
    atol=1e-12,
)

# %% [markdown]
# **$W_1$.** Carry every point straight across: that costs $|\theta|$. And $f(x)=-x_1\operatorname{sign}\theta$,
# which has slope 1, proves by {prf:ref}`thm-kantorovich-rubinstein` that nothing is cheaper. So $W_1=|\theta|$. The
# linear programme on 200 points agrees; with *independent* points on the two lines, as a GAN would see them, it
# comes out a little higher.

# %%
height = (torch.arange(200, dtype=torch.float64) + 0.5) / 200


def line(theta, heights=height):
    return torch.stack([torch.full_like(heights, theta), heights], 1)


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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: two upright segments of length 1, at x = 0 and at x = one half. Right: three curves over theta from -1 to 1. W_1 is a V with its tip at 0. JS is level at log 2 with a single point at 0. The squared maximum mean discrepancy is a smooth valley with a round bottom."}, "figure": {"name": "fig-parallel-lines", "caption": "Two parallel lines (after Weng's figure 8), and three measures of their distance θ. JS sees only whether it is zero. W₁ is continuous, with a kink. A kernel distance (MMD) is even smooth."}}
theta = torch.linspace(-1, 1, 201, dtype=torch.float64)
gram = torch.exp(-((height[:, None] - height) ** 2) / 2).mean()
mmd = 2 * gram * (1 - torch.exp(-(theta**2) / 2))
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
js_line = torch.where(theta == 0, math.nan, math.log(2))
plots.lines(
    right,
    theta,
    {"$W_1$": theta.abs(), "JS": js_line, "MMD²": mmd},
    colours=[plots.THIRD, plots.FOURTH, plots.REAL],
)
right.plot([0], [0], "o", color=plots.FOURTH)
right.set(xlabel="θ")
right.legend(fontsize=9)
plots.show()

# %%
sampled = torch.stack(
    [emd_points(line(0.0), line(t.item())).value for t in theta[::20]]
)
claim(
    "weng-fig8",
    "the W_1 of the figure is |θ|",
    sampled,
    equals=theta[::20].abs(),
    atol=1e-9,
)

# %% [markdown]
# The post concludes that *only* the Wasserstein metric gives a smooth measure. It is neither smooth nor the only one.
# At 0 it has a kink: its slope jumps from $-1$ to $1$, and gradient descent with a fixed step hops back and forth
# there. Other distances are continuous too, and some really are smooth: the squared **maximum mean discrepancy** with a
# Gaussian kernel is $2c(1-e^{-\theta^2/2})$ here.


# %%
def squared_mmd(x, y):
    kernel = [
        torch.exp(-(torch.cdist(u, v) ** 2) / 2).mean()
        for u, v in ((x, x), (x, y), (y, y))
    ]
    return kernel[0] - 2 * kernel[1] + kernel[2]


found = [
    squared_mmd(line(0.0), line(t)) for t in (0.0, 0.1, 0.25, 0.5, 1.0)
]
formula = [
    2 * gram * (1 - math.exp(-(t**2) / 2))
    for t in (0.0, 0.1, 0.25, 0.5, 1.0)
]
slopes = [
    (emd_points(line(0.0), line(h)).value - 0.0) / h for h in (-1e-3, 1e-3)
]
assert torch.allclose(
    torch.stack(slopes), torch.tensor([-1.0, 1.0]).double()
), "a kink at 0"
claim(
    "only-wasserstein-smooth",
    "MMD² of the lines, a smooth function of θ",
    found,
    equals=formula,
    atol=1e-12,
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
# On a bounded space, distributions converge in $W_1$ exactly when they converge **in distribution** (the averages of
# every bounded continuous function converge): the weakest sense in common use. JS and total variation ask for much
# more. A point that moves towards 0 converges in $W_1$, but never in JS. But "weaker" comes with a condition. On an
# unbounded space a little mass far away is nothing to JS, and everything to $W_1$:
#
# $$ \mu_n=\Big(1-\frac1n\Big)\delta_0+\frac1n\,\delta_n\qquad\text{has } W_1(\mu_n,\delta_0)=1 \text{ for all } n, \text{ while } \operatorname{TV}=\frac1n . $$ (eq-stray-mass)

# %%
numbers = [10, 100, 1000]
stray, tv, js = [], [], []
for n in numbers:
    mu = torch.tensor([1 - 1 / n, 1 / n], dtype=torch.float64)
    delta = torch.tensor([1.0, 0.0], dtype=torch.float64)
    places = torch.tensor([0.0, n], dtype=torch.float64)
    stray.append(wasserstein_1d(places, places, mu, delta))
    tv.append(total_variation(mu, delta).item())
    js.append(js_divergence(mu, delta).item())
print(
    "TV:",
    [round(value, 6) for value in tv],
    " JS:",
    [round(value, 6) for value in js],
)
claim(
    "w1-weak-topology",
    "W_1 of the stray mass stays",
    stray,
    equals=1.0,
    atol=1e-12,
)

# %% [markdown]
# On a bounded space of diameter $\Delta$, at worst the mass that differs has to be moved across the whole diameter:
# $W_1\le\Delta\cdot\operatorname{TV}$, and by {eq}`eq-js-tv` and Pinsker's inequality
# $\operatorname{KL}\ge2\operatorname{TV}^2$, convergence in KL forces convergence in TV and JS, and that forces
# convergence in $W_1$.

# %%
source = random_source(5)
sites = torch.rand(300, 5, 2, dtype=torch.float64, generator=source)
weights = torch.rand(2, 300, 5, dtype=torch.float64, generator=source)
p, q = weights / weights.sum(-1, keepdim=True)
C = torch.cdist(sites, sites)
tv = total_variation(p, q)
slack = [
    C.amax((1, 2)) * tv - emd(p, q, C).value,
    kl_divergence(p, q) - 2 * tv**2,
]
claim(
    "w1-weaker-than-js",
    "diam · TV - W_1 and KL - 2 TV² are never negative",
    torch.stack(slack),
    above=-1e-12,
)

# %% [markdown]
# ## What a generator gains from it
#
# Let the generator be $G_\theta(z)$, continuous in $\theta$. Then a small change of $\theta$ moves every sample a
# little, the plan "each old sample to its new place" is cheap, and $W_1$ changes little: **$W_1$ is continuous in
# $\theta$**, for *any* two distributions, overlapping or not. The small print: the moves must be small on average, not
# just one by one. Here is a generator that is continuous in $\theta$ for each $z$, and yet jumps:
#
# $$ G_\theta(z)=\frac{6\,z\,\max(\theta-z,0)}{\theta^3}\ (\theta>0),\qquad G_0(z)=0,\qquad z\sim U[0,1] . $$ (eq-jumping-generator)

# %%
means = [
    integrate(lambda z, t=t: 6 * z * (t - z).clamp_min(0) / t**3, 0.0, 1.0)[
        0
    ]
    for t in (1.0, 0.1, 0.01)
]
claim(
    "w1-continuous-in-theta",
    "W_1 to the point 0 for θ = 1, 0.1, 0.01 (and 0 for θ = 0)",
    means,
    equals=1.0,
    atol=1e-9,
)

# %% [markdown]
# On a bounded space this cannot happen. And where $G$ is Lipschitz in $\theta$ on average, $W_1$ is even differentiable
# at almost every $\theta$. What is its derivative? Move the samples by $d\theta$: the cheapest plan stays the cheapest,
# up to second order, and the cost of each route changes by the amount that its end moves along it. That is the gradient
# that `emd_points` hands to autograd, here through a small network, against finite differences:

# %%
source = random_source(6)
noise, data = torch.randn(2, 40, 2, generator=source).double()
generator = MLP([2, 8, 2], activation="tanh", dtype=torch.float64)


def distance():
    return emd_points(generator(noise)[0], data).value


errors = []
for _ in range(20):
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.normal_(generator=source)
    weight, h = generator.weights[0], 1e-6
    (slope,) = torch.autograd.grad(distance(), weight)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[0, 0, 0] += sign * h
            ends.append(distance())
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
# each batch, it trains a network to be the $f$ of {eq}`eq-kr`. Whether that works is the question of lessons 10 and
# 11.
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
# - Along the routes that are used, $f$ falls with slope 1; its gradient points towards the source.
# - $W_1$ is continuous in a generator's parameters, overlapping or not, where JS jumps. It has kinks, it is not the
#   only such distance, and on unbounded spaces it is sensitive to stray mass that JS ignores.
#
# **Sources.** The parallel lines are from {cite}`arjovsky2017wgan`, after {cite}`weng2019`; the dual in the general
# form follows {cite}`xu2020`. Proofs for general distributions are in {cite}`villani2009`, for discrete ones and their
# computation in {cite}`peyre2019`. What had to be corrected is listed under {doc}`errata`.
