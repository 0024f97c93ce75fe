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
# A plan that costs 5 proves that the earth mover's distance is at most 5. What would prove that it is *at least* 5? We
# cannot search through all plans. This lesson finds another kind of proof: a list of prices. It leads to the formula on
# which the Wasserstein GAN is built. No plan appears in that formula at all, only a function that must not be too
# steep.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what the dual of a transport problem is, and prove that its value is the same; how the
# prices become one function of slope at most 1; what the Kantorovich–Rubinstein theorem says, and prove it; and in which
# sense $W_1$ is gentler than JS, and in which it is not.
#
# **You need** {doc}`lesson 9 <09_moving_dirt>`, and from {doc}`lesson 1 <01_divergences>` JS and total variation.
#
# **It takes** about 84 minutes to read with the exercises, and about fifteen seconds to run on a laptop.
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

import numpy as np
import torch
from scipy.optimize import linprog

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
from gantut.lessons import check, readable, show_table
from gantut.lessons.duality import drag_a_potential, parallel_lines
from gantut.lessons.duality.plots import plot_extensions, plot_prices
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
# $g_j$ for each one that she puts down at place $j$. (Either may be negative: a discount.) You will not pay more for
# any route than it would cost you to do the work yourself, so her prices must satisfy
#
# $$ f_i+g_j\le C_{ij}\qquad\text{for all } i,j . $$ (eq-feasible)
#
# We call such prices **admissible**. Her bill is $\sum_if_iP_i+\sum_jg_jQ_j$. It never exceeds the cost of a plan
# $\gamma$, whatever plan you have in mind. To see this, multiply {eq}`eq-feasible` by $\gamma_{ij}\ge0$ and add up:
#
# $$ \sum_if_iP_i+\sum_jg_jQ_j=\sum_{ij}(f_i+g_j)\gamma_{ij}\;\le\;\sum_{ij}C_{ij}\gamma_{ij} . $$ (eq-weak-duality)
#
# (The equality uses the marginals of $\gamma$.) This is **weak duality**, and it is the kind of proof we were looking
# for: *any* admissible prices bound the cost of *every* plan from below. The best prices give the best bound,
#
# $$ \max_{f,g}\ \sum_if_iP_i+\sum_jg_jQ_j\quad\text{subject to } f_i+g_j\le C_{ij} , $$ (eq-dual)
#
# which is the **dual** linear program. Prices are determined at best up to a constant: if all $f_i$ rise by the same
# amount and all $g_j$ fall by it, neither the bill nor {eq}`eq-feasible` changes. Every result of `emd` carries prices,
# and the difference between cost and bill, its `gap`, is its certificate. Here are prices for the four piles of lesson 9:

# %%
P = torch.tensor([3.0, 2.0, 1.0, 4.0], dtype=torch.float64)
Q = torch.tensor([1.0, 2.0, 4.0, 3.0], dtype=torch.float64)
place = torch.arange(4, dtype=torch.float64)
steps = (place[:, None] - place).abs()  # (4, 4): from i to j
piles = emd(P, Q, steps)
pick_up = piles.f - piles.f.min()  # so that the smallest is 0
put_down = piles.g + piles.f.min()

# %% tags=["hide-input"]
claim(
    "prices-of-the-piles",
    "their bill, and the least C - (f + g)",
    [
        (P * pick_up).sum() + (Q * put_down).sum(),
        (steps - pick_up[:, None] - put_down).min(),
    ],
    equals=[5, 0],
    atol=1e-9,
)
show_table(
    ["place", *range(1, 5)],
    [
        [name, *(f"{price:.0f}" for price in prices.round() + 0.0)]
        for name, prices in (
            ("to pick up, $f$", pick_up),
            ("to put down, $g$", put_down),
        )
    ],
)

# %% [markdown]
# You can check by hand that no route is charged more than it costs. For picking up, the bill is
# $3\cdot2+2\cdot1+1\cdot0+4\cdot1=12$. For putting down, she gives back $1\cdot2+2\cdot1+4\cdot0+3\cdot1=7$. So no plan
# for the piles costs less than 5.
#
# :::{admonition} Try it
# :class: tip
# Raise one price by 0.1, `f = pick_up.clone(); f[0] += 0.1`, and count the routes on which {eq}`eq-feasible` now fails.
# Why must there be at least one?
# :::
#
# :::{admonition} Further: the dual from the Lagrangian
# :class: dropdown
# If you know Lagrange multipliers, you can derive the dual without a merchant. Put a multiplier $f_i$ on each row sum
# and $g_j$ on each column sum of {eq}`eq-emd`; then the distance is
#
# $$ \min_{\gamma\ge0}\max_{f,g}\ \sum_{ij}C_{ij}\gamma_{ij}+\sum_if_i\Big(P_i-\sum_j\gamma_{ij}\Big)+\sum_jg_j\Big(Q_j-\sum_i\gamma_{ij}\Big) , $$
#
# because the inner maximum is $+\infty$ wherever a marginal is wrong. Now exchange min and max. For fixed $f,g$ the
# minimum over $\gamma_{ij}\ge0$ of $\gamma_{ij}(C_{ij}-f_i-g_j)$ is 0 if {eq}`eq-feasible` holds, and $-\infty$
# otherwise. What remains is {eq}`eq-dual`. In general an exchange of min and max can lose something. That it loses
# nothing here is the theorem of the next section.
# :::
#
# ## The best prices lose nothing
#
# Does the best bound reach the cost of the cheapest plan, or does it stop short of it? It reaches it exactly. This is
# the heart of the lesson, so we prove it in five steps, and carry them out for two clouds of points in the plane.
#
# :::{prf:theorem} Strong duality
# :label: thm-strong-duality
#
# Let $P\ge0$ and $Q\ge0$ have the same positive total, and let the costs $C_{ij}$ be any finite numbers. Then there are
# a plan $\gamma$ and admissible prices $f,g$ whose bill $\sum_if_iP_i+\sum_jg_jQ_j$ equals its cost
# $\sum_{ij}C_{ij}\gamma_{ij}$.
# :::
#
# By {eq}`eq-weak-duality` the plan is then a cheapest one, and no prices are better.

# %%
x = torch.rand(6, 2, dtype=torch.float64, generator=random_source(0))
y = torch.rand(7, 2, dtype=torch.float64, generator=random_source(1)) + 1.0
a, b = (
    torch.rand(n, dtype=torch.float64, generator=random_source(2 + n))
    for n in (6, 7)
)
a, b = a / a.sum(), b / b.sum()  # the masses P and Q
C = torch.cdist(x, y)
primal, witness = emd(a, b, C), linear_program(a, b, C)

# %% [markdown]
# **Step 1: there is a cheapest plan.** The plans form a closed and bounded set, since $0\le\gamma_{ij}\le P_i$. The set
# is not empty: it contains the plan $P_iQ_j/\sum_kP_k$. The cost is continuous, so it has a minimum there. From now on
# $\gamma$ is a plan that attains it. (In the program it is `primal.plan`. Until the proof is done, we use nothing else
# of what `emd` found.)
#
# **Step 2: no rerouting saves.** Choose sources $i_1,\dots,i_k$ and targets $j_1,\dots,j_k$ so that $\gamma$ carries
# something from $i_{l+1}$ to $j_l$ for each $l$, where $i_{k+1}$ means $i_1$. Now reroute: carry $t$ more from $i_l$ to
# $j_l$, and $t$ less from $i_{l+1}$ to $j_l$. Each target $j_l$ still receives as much as before, only from another
# source. Each source $i_l$ still sends as much as before: $t$ more to $j_l$ and $t$ less to $j_{l-1}$. If $t>0$ is so
# small that no route falls below 0, the result is a plan. It cannot be cheaper than $\gamma$, and so
#
# $$ \sum_{l=1}^k\big(C_{i_lj_l}-C_{i_{l+1}j_l}\big)\;\ge\;0 . $$ (eq-no-rerouting)
#
# Each summand says what it costs to let source $i_l$ supply a target in place of source $i_{l+1}$. At its cheapest,
# over all targets that the second source supplies, this is
#
# $$ d(i,i')=\min_{j:\ \gamma_{i'j}>0}C_{ij}-C_{i'j} . $$ (eq-in-place-of)
#
# (If $i'$ supplies nothing, it is $\infty$.) Read $d(i,i')$ as the length of a step from $i$ to $i'$; it may be
# negative. A sequence of steps is a **chain**. Then {eq}`eq-no-rerouting` says that no chain that returns to its start
# has negative length.


# %%
def chains(plan):
    """The shortest chain from i to i', for all sources: (6, 6)."""
    supplied = torch.where(plan > 1e-12, C, -math.inf)  # (6, 7)
    length = (C[:, None] - supplied).amin(2)  # the steps d(i, i')
    for k in range(len(length)):  # a chain may also pass through k
        length = torch.minimum(length, length[:, k, None] + length[k])
    return length


# %% [markdown]
# For comparison we take twenty plans that are not cheapest: each is cheapest for other costs, drawn at random.

# %%
source = random_source(7)
other_costs = torch.rand(20, 6, 7, dtype=torch.float64, generator=source)
others = emd(a, b, other_costs).plan  # (20, 6, 7)

# %% tags=["hide-input"]
claim(
    "no-rerouting-saves",
    "the cheapest plan: its shortest chain from a source back to itself",
    chains(primal.plan).diagonal().min(),
    equals=0,
    atol=1e-12,
)
claim(
    "no-rerouting-saves",
    "the same for the 20 other plans",
    [chains(plan).diagonal().min() for plan in others],
    below=-0.01,
)

# %% [markdown]
# **Step 3: prices from chains.** Let $\varphi(i')$ be the length of the shortest chain that ends at $i'$, wherever it
# starts. A chain of no steps counts, with length 0. By step 2, a piece of a chain that returns to its own start can be
# left out without making the chain longer. So only chains that visit no source twice matter. There are finitely many of
# them, and the minimum exists. Moreover, a chain to $i$ can be continued to $i'$, so
# $\varphi(i')\le\varphi(i)+d(i,i')$. Set
#
# $$ f_i=-\varphi(i),\qquad g_j=\min_i\ C_{ij}-f_i . $$ (eq-prices-from-chains)
#
# **Step 4: these prices are admissible, and exact where dirt travels.** They are admissible because $g_j$ is a minimum.
# Suppose that $\gamma_{i'j}>0$. Then $d(i,i')\le C_{ij}-C_{i'j}$, and for every source $i$
#
# $$
# \begin{aligned}
# C_{ij}-f_i=C_{ij}+\varphi(i)&\ge C_{ij}+\varphi(i')-d(i,i')\\
# &\ge C_{i'j}+\varphi(i')=C_{i'j}-f_{i'} .
# \end{aligned}
# $$ (eq-exact-where-used)
#
# So $i'$ attains the minimum that defines $g_j$, which means $f_{i'}+g_j=C_{i'j}$.
#
# **Step 5: the bill equals the cost.** In {eq}`eq-weak-duality` the inequality compares $(f_i+g_j)\gamma_{ij}$ with
# $C_{ij}\gamma_{ij}$. By step 4 the two are equal where $\gamma_{ij}>0$; elsewhere both are 0. This completes the
# proof. (Steps 3 to 5 used only that no rerouting saves. So this condition is not only necessary for a cheapest plan
# but sufficient.) We compute the prices from the plan alone, and compare with what an independent solver finds:

# %%
f = -chains(primal.plan).amin(0).clamp(max=0)  # no steps: length 0
g = (C - f[:, None]).amin(0)
bill = (a * f).sum() + (b * g).sum()
excess = f[:, None] + g - C  # must not be positive
claim(
    "strong-duality",
    "bill less cost, its witness less cost, and the largest f + g - C",
    [bill - primal.value, witness.value - primal.value, excess.max()],
    equals=0,
    atol=1e-9,
)

# %% [markdown]
# Whenever a plan is cheapest and prices are best, {eq}`eq-weak-duality` holds with equality, and therefore term by
# term. So dirt travels only along routes for which the merchant charges the full cost. This is **complementary
# slackness**, and it holds for our prices as for those that `emd` returns.

# %%
used = primal.plan > 1e-12
of_emd = primal.f[:, None] + primal.g - C
claim(
    "complementary-slackness",
    "price less cost on the routes that are used, for both price lists",
    torch.stack([excess[used], of_emd[used]]),
    equals=0,
    atol=1e-12,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: six sources and seven targets with their prices, joined by twelve lines where the cheapest plan carries dirt, thicker for more of it. Second panel: for each of the 42 routes what it costs more than the two prices charge, against its cost. No point is below 0; the twelve routes that are used, as discs, lie on 0, the others, as rings, on it or above, up to 0.14."}, "figure": {"name": "fig-prices", "caption": "The theorem in a picture. First panel: the cheapest plan, and the prices of the proof. Second panel: no route is charged more than it costs, and those on which dirt travels (discs) are charged exactly that."}}
plot_prices(plots.axes(1, 2, height=3.2), C, primal.plan, f, g)
plots.show()

# %% tags=["hide-input"]
show_table(
    ["", "sources", "targets", "routes", "routes used"],
    [
        [name, *plan.shape, plan.numel(), int((plan > 1e-12).sum())]
        for name, plan in (("piles", piles.plan), ("clouds", primal.plan))
    ],
)

# %% [markdown]
# :::{admonition} Further: how the simplex method finds the prices
# :class: dropdown
# The network simplex method keeps a set of $n+m-1$ routes that connect all $n$ sources and $m$ targets without a cycle:
# a spanning **tree**. On a tree, $f_i+g_j=C_{ij}$ can be solved by starting anywhere with the price 0 and following the
# routes. If some other route has $f_i+g_j>C_{ij}$, adding it to the tree closes one cycle, and rerouting around this
# cycle saves $f_i+g_j-C_{ij}$ a shovelful. If no route has, the prices are admissible and step 5 applies.
#
# The clouds use $6+7-1=12$ routes, which form a tree. The piles use 6 where a tree has 7, so one route of their tree
# carries nothing. This can happen when some of the sources hold exactly what some of the targets want; the plan is then
# called *degenerate*. A cycle may then allow only the amount $t=0$: the tree changes, but the plan does not. And a tree
# can have prices that are not admissible although its plan is already cheapest. The method must then go on exchanging
# routes, by a rule that keeps it from going round in circles. The proof above does not meet this difficulty, because it
# asks only which routes carry something.
# :::
#
# ## From two price lists to one function
#
# Let prices $f$ be given on a finite set $X$ of places where dirt is picked up. How high can the merchant set her price
# for putting dirt down at $y$? As high as {eq}`eq-feasible` allows, which is the **$c$-transform** of $f$,
#
# $$ f^{c}(y)=\min_{x\in X}\ C(x,y)-f(x) . $$ (eq-c-transform)
#
# Note where the two variables live: $x$ runs over $X$, where $f$ is given, but $y$ may be any place to which there is a
# cost. (The $g$ in {eq}`eq-prices-from-chains` is $f^c$ at the targets.) Now let the cost be the distance,
# $C(x,y)=\|x-y\|$ in $\mathbb R^d$, so that $f^c$ is a function on all of $\mathbb R^d$. We say that a function $h$ is
# **1-Lipschitz** on a set if $|h(x)-h(y)|\le\|x-y\|$ for all $x,y$ in it. Two facts follow, each in a few lines.
#
# **(A) $f^c$ is 1-Lipschitz on $\mathbb R^d$, whatever $f$ is.** Take two places $y,y'$, and let $x\in X$ attain the
# minimum at $y'$. By the triangle inequality
#
# $$ f^c(y)\le\|x-y\|-f(x)\le\|y-y'\|+\|x-y'\|-f(x)=\|y-y'\|+f^c(y') . $$
#
# The same holds with $y$ and $y'$ exchanged.
#
# **(B) If $h$ is 1-Lipschitz on a finite set $Z$, and its transform is a minimum over $Z$, then $h^c=-h$ on $Z$.** For
# $x,y\in Z$ the slope condition says $\|x-y\|-h(x)\ge-h(y)$. If $y\in Z$, then $x=y$ is among the points of the
# minimum, and attains $-h(y)$. The converse holds, too: if $h^c=-h$ on $Z$, then $h$ is 1-Lipschitz on $Z$, by (A).
#
# Together: let $Y$ be the set of targets and $Z=X\cup Y$. By (A), $f^c$ is 1-Lipschitz on $Z$, so by (B)
#
# $$ f^{cc}=-f^c\quad\text{on } Z,\qquad\text{where}\quad f^{cc}(x)=\min_{z\in Z}\|z-x\|-f^c(z) . $$ (eq-twice)
#
# The sets matter. If the second minimum runs over $Y$ alone, the point $z=x$ is missing for each $x$ outside $Y$. Then
# we only know that $f^{cc}\ge-f^c$. We try 500 random price lists on the six sources. The last claim tests (B) and its
# converse, on 500 functions that are made steeper or gentler at random:

# %%
Z = torch.cat([x, y])  # 13 places
apart = torch.cdist(Z, Z).fill_diagonal_(math.inf)


def steepness(f):
    """The largest slope between two of the places: (...,)."""
    slopes = (f[..., :, None] - f[..., None, :]).abs() / apart
    return slopes.amax((-2, -1))


lists = torch.rand(500, 6, dtype=torch.float64, generator=source)
once = c_transform(lists, x, Z)  # (500, 13): minimum over X
twice = c_transform(once, Z, Z)  # minimum over Z
over_targets = c_transform(once[:, 6:], y, Z)  # minimum over Y alone

# %% tags=["hide-input"]
claim(
    "c-transform-twice",
    "the largest f^cc + f^c of each list, and the slope of f^c beyond 1",
    torch.cat(
        [(twice + once).abs().amax(1), (steepness(once) - 1).clamp(min=0)]
    ),
    equals=0,
    atol=1e-12,
)
claim(
    "c-transform-twice",
    "the minimum over Y alone: the largest f^cc + f^c of each list",
    (over_targets + once).amax(1),
    above=0.01,
)
values = torch.rand(500, 13, dtype=torch.float64, generator=source)
factor = 0.5 + torch.rand(500, 1, dtype=torch.float64, generator=source)
transforms = c_transform(values, Z, Z)
functions = factor * transforms  # steeper or gentler
is_gentle = steepness(functions) <= 1 + 1e-9
mirror = (c_transform(functions, Z, Z) + functions).abs().amax(-1) < 1e-9
claim(
    "w1-dual-c1-concave",
    "transforms steeper than 1; exceptions to slope <= 1 iff f^c = -f",
    [(steepness(transforms) > 1 + 1e-9).sum(), (is_gentle != mirror).sum()],
    equals=0,
)

# %% [markdown]
# We can now take both price lists from *one* function that is nowhere steeper than 1:
#
# :::{prf:theorem} Kantorovich–Rubinstein
# :label: thm-kantorovich-rubinstein
#
# $$ W_1(p,q)=\max_{\|f\|_L\le1}\ \mathbb E_{p}f-\mathbb E_{q}f , $$ (eq-kr)
#
# where the maximum runs over all functions that are 1-Lipschitz on $\mathbb R^d$: $|f(x)-f(y)|\le\|x-y\|$ for all
# $x,y\in\mathbb R^d$.
# :::
#
# :::{prf:proof}
# Let $p$ and $q$ be distributions on finitely many points.
#
# *At most.* Let $f$ be 1-Lipschitz, and let $\gamma$ be any plan. Its marginals are $p$ and $q$, so
# $\mathbb E_pf-\mathbb E_qf=\mathbb E_\gamma[f(x)-f(y)]\le\mathbb E_\gamma\|x-y\|$. For the cheapest plan the right side
# is $W_1$.
#
# *At least.* Let $p$ live on the finite set $X$, and $q$ on $Y$. By {prf:ref}`thm-strong-duality` there are admissible
# prices $f:X\to\mathbb R$ and $g:Y\to\mathbb R$ with $\mathbb E_pf+\mathbb E_qg=W_1$. Let $f^c:\mathbb R^d\to\mathbb R$
# be the transform {eq}`eq-c-transform`, with its minimum over $X$, and let $h=-f^c$. By (A), $h$ is 1-Lipschitz on
# $\mathbb R^d$: it is one of the functions of the theorem. On $Y$ we have $g\le f^c=-h$, because
# $g(y)\le\|x-y\|-f(x)$ for all $x\in X$. On $X$ we have $f\le h$, because $x$ itself is among the points of the minimum,
# and so $f^c(x)\le\|x-x\|-f(x)$. Therefore $\mathbb E_ph-\mathbb E_qh\ge\mathbb E_pf+\mathbb E_qg=W_1$. By the first
# half it cannot be more. So $h$ attains the maximum.
# :::
#
# (B) and {eq}`eq-twice` say what the new prices $h$ and $-h$ are: each is the transform of the other on $Z$, so neither
# can be raised any further.

# %%
h = -c_transform(f, x, Z)  # at all 13 places
difference = (a * h[:6]).sum() - (b * h[6:]).sum()
claim(
    "kr-duality",
    "E_p h - E_q h in multiples of W_1, and the largest slope of h",
    [difference / witness.value, steepness(h)],
    equals=1,
    atol=1e-9,
)

# %% [markdown]
# *Which functions does the maximum need?* The first half of the proof uses the slope of $f$ only between points of $X$
# and points of $Y$, and the $h$ of the second half is 1-Lipschitz everywhere. So the maximum is the same over functions
# that satisfy $f(x)-f(y)\le\|x-y\|$ for $x\in X$, $y\in Y$ only, over functions that are 1-Lipschitz on $Z$, and over
# functions that are 1-Lipschitz on $\mathbb R^d$. Linear programs for the first two agree, and the slopes of $h$
# never exceed 1 between 500 random points of the plane:

# %% tags=["hide-input"]
mass, one = torch.cat([a, -b]), torch.eye(13, dtype=torch.float64)
pairs = {
    "between X and Y": [(i, j) for i in range(6) for j in range(6, 13)],
    "on Z": [(i, j) for i in range(13) for j in range(13) if i != j],
}
gains = []
for chosen in pairs.values():
    i, j = torch.tensor(chosen).T
    found = linprog(
        -mass,
        A_ub=one[i] - one[j],  # f_i - f_j
        b_ub=apart[i, j],
        bounds=[(None, None)] * 13,
    )
    gains.append(-found.fun)
anywhere = torch.rand(500, 2, dtype=torch.float64, generator=source) * 3
heights = -c_transform(f, x, anywhere)
rise = (heights[:, None] - heights).abs() - torch.cdist(anywhere, anywhere)
claim(
    "kr-which-functions",
    "E_p f - E_q f for slopes bounded between X and Y, on Z, and h; less W_1",
    [gain - witness.value for gain in (*gains, difference)],
    equals=0,
    atol=1e-9,
)
claim(
    "kr-which-functions",
    "500 points of the plane: the largest |h(x) - h(y)| - |x - y|",
    rise.max(),
    below=1e-9,
)

# %% [markdown]
# *Which distributions are allowed?* The theorem holds for all distributions $p$ and $q$ on $\mathbb R^d$ with finite
# first moments, $\mathbb E_p\|x\|<\infty$ and $\mathbb E_q\|x\|<\infty$. Then every 1-Lipschitz $f$ has finite averages,
# since $|f(x)|\le|f(0)|+\|x\|$; there is a cheapest plan; and the maximum is attained. It even holds on every complete
# separable metric space. The first half of the proof carries over as it stands. The second half needs measure theory,
# and we state the result without proof ({cite}`villani2009`, theorem 5.10 and the case 5.16 that follows it).
#
# *What about other slopes?* If slopes up to $K>0$ are allowed, then $f/K$ is a function of the theorem, so the maximum
# is $K$ times as large:
#
# $$ W_1(p,q)=\frac1K\max_{\|f\|_L\le K}\big(\mathbb E_pf-\mathbb E_qf\big) , $$
#
# with $\frac1K$ in front of the whole difference. A linear program for the piles with slopes up to 3, solved
# independently, agrees:

# %% tags=["hide-input"]
rises = torch.diff(torch.eye(4).double(), dim=0)  # f_{i+1} - f_i
steeper = linprog(
    -(P - Q),
    A_ub=torch.cat([rises, -rises]),
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
# Here is the theorem on a line. Drag $f$ until it proves all of $W_1$. Then lift the limit on its slopes, and see why
# the value must be divided by $K$.

# %%
drag_a_potential()

# %% [markdown]
# ### The function, everywhere
#
# The $h$ of the proof is a function on the whole plane, not only on the thirteen points:
# $h(z)=\max_{x\in X}f(x)-\|x-z\|$. The same formula from the targets' side gives
# $\min_{y\in Y}\|z-y\|-g(y)$, which is what `KantorovichPotential` computes. It has the same values on the thirteen
# points. Of all functions with these values that are nowhere steeper than 1, the first is the smallest and the second the
# largest. Here are both for three sources and three targets on a line:

# %%
on_the_line = torch.tensor([0.0, 1.0, 7.0]).double()[:, None]
wanted = torch.tensor([2.0, 3.0, 5.5]).double()[:, None]
best = emd_points(on_the_line, wanted)
z = torch.linspace(-1, 8, 361, dtype=torch.float64)[:, None]
least = -c_transform(best.f, on_the_line, z)
greatest = KantorovichPotential(wanted, best.g)(z)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two zigzag curves over z from -1 to 8, all of slope 1 or -1: the least function, made of tents whose tips are the three sources at 0, 1 and 7, and the greatest, with valleys at the three targets at 2, 3 and 5.5. From source 0 to target 3 and from source 7 to target 5.5 they are the same; to the left of 0, to the right of 7, and between the targets 3 and 5.5 the greatest is above the least, and the space between them is shaded."}, "figure": {"name": "fig-extensions", "caption": "From prices to a function. The least function of slope 1 is a tent on every source, the greatest a valley at every target. Where dirt travels they agree; in the shaded places a best function may choose."}}
ax = plots.axes(height=2.8)
plot_extensions(
    ax,
    z[:, 0],
    least,
    greatest,
    on_the_line[:, 0],
    best.f,
    wanted[:, 0],
    best.g,
)
plots.legend_below(ax)
plots.show()

# %% [markdown]
# On the routes that are used there is no choice. Let dirt go from $x$ to $y$, and let $f$ be any best function. Then
# $f(x)-f(y)=\|x-y\|$ by complementary slackness. Nowhere on the way can $f$ fall by more than one per unit of length,
# so it falls by exactly one all along. Its derivative in the direction from $x$ to $y$ is $-1$, and a gradient of $f$
# is no longer than 1. (That there is one at every inner point of the way is proved in
# {doc}`lesson 13 <13_better_critics>`.) So inside such a **transport ray** the gradient is a unit vector that points
# *backwards*, from where the dirt goes to where it comes from.

# %%
largest = KantorovichPotential(y, g)
f_c = KantorovichPotential(x, f)  # f^c, which is -h
i, j = (primal.plan > 1e-9).nonzero().unbind(1)
inside = 0.5 * x[i] + 0.5 * y[j]  # the middle of each route that is used
backwards = (x[i] - y[j]) / (x[i] - y[j]).norm(dim=1, keepdim=True)
claim(
    "ray-gradient",
    "on the routes both gradients are the unit vector towards the source",
    torch.stack([largest.gradient(inside), -f_c.gradient(inside)]),
    equals=backwards.repeat(2, 1, 1),
    atol=1e-9,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "A map of the plane with level lines of the Kantorovich potential. Six source points lie at the lower left, where the potential is high, seven targets at the upper right, where it is low. Straight lines join sources to the targets that they supply; along each of them the level lines are crossed at right angles, at equal distances. Arrows at the middle of the routes point back to the sources."}, "figure": {"name": "fig-potential", "caption": "A Kantorovich potential: level lines of f (dark: high), the routes of the cheapest plan, and the gradient of f on them, which points from target to source."}}
side = torch.linspace(-0.1, 2.1, 120, dtype=torch.float64)
points = torch.cartesian_prod(side, side)
ax = plots.axes(height=4.6)
ax.contourf(
    side,
    side,
    largest(points).reshape(120, 120).T,
    levels=20,
    cmap="Blues",
    alpha=0.8,
)
ax.contour(
    side,
    side,
    largest(points).reshape(120, 120).T,
    levels=20,
    colors=plots.FAINT,
    linewidths=0.5,
)
for start, end in zip(x[i], y[j], strict=True):
    ax.plot(*torch.stack([start, end]).T, color=plots.INK, linewidth=1)
ax.quiver(
    *inside.T,
    *largest.gradient(inside).T,
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
# Off the routes, the slope is a matter of choice. The largest and the smallest function have slope 1 almost everywhere.
# The function halfway between them is just as good, and has slope 1 on every route; but at most points drawn at random
# it is gentler.

# %% tags=["hide-input"]
anywhere = torch.rand(1000, 2, dtype=torch.float64, generator=source)
anywhere = 2.2 * anywhere - 0.1
halfway = (largest.gradient(anywhere) - f_c.gradient(anywhere)) / 2
third = [(largest(places) - f_c(places)) / 2 for places in (x, y)]
on_routes = (largest.gradient(inside) - f_c.gradient(inside)) / 2
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

# %% [markdown]
# :::{admonition} Further: other powers of the distance
# :class: dropdown
# With the cost $c_p(x,y)=\frac1p\|x-y\|^p$ everything up to the $c$-transform remains true, and strong duality becomes
#
# $$ \tfrac1pW_p^p(\mu,\nu)=\max_\psi\ \int\psi\,d\mu+\int\psi^{c_p}\,d\nu . $$
#
# But (A) and (B) use the triangle inequality. For $p>1$ the transform $\psi^{c_p}$ is not $-\psi$, and two functions
# remain two. (The slides that we follow name this general form after Kantorovich and Rubinstein. It is Kantorovich's;
# their joint theorem is the case $p=1$.) The cell below checks it for $p=1,2,3$.
# :::

# %% tags=["hide-input"]
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
# Why does this matter for GANs? Take the simplest distributions that do not overlap {cite}`arjovsky2017wgan`: let $P$ be
# uniform on the segment $\{0\}\times[0,1]$ of the plane, and $Q$ on $\{\theta\}\times[0,1]$. In the program each line
# has 200 points.

# %%
height = (torch.arange(200, dtype=torch.float64) + 0.5) / 200


def line(theta, heights=height):
    return torch.stack([torch.full_like(heights, theta), heights], 1)


# %% [markdown]
# **KL.** $P$ gives no mass to the line on which $Q$ lives, so both KLs are $+\infty$ for $\theta\ne0$. (The post writes
# $\log\frac10$, but in the plane these distributions have no densities. If the lines are blurred by a Gaussian of width
# $\sigma$, KL is $\theta^2/2\sigma^2$, which grows beyond all bounds as $\sigma\to0$.)

# %% tags=["hide-input"]
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
# **JS.** For $\theta\ne0$ the two distributions are disjoint, so JS is $\log2$, however close the lines are. At
# $\theta=0$ it is 0. (In the post the second sum runs over $x=0$ again; it should be $x=\theta$.) There is nothing in
# between:


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


# %% tags=["hide-input"]
claim(
    "parallel-lines-js",
    "JS of the lines at θ = 1, 0.1, 0.01",
    [js_of_lines(theta) for theta in (1.0, 0.1, 0.01)],
    equals=math.log(2),
    atol=1e-12,
)
claim(
    "parallel-lines-js-jump",
    "JS for θ = -10^-6, -10^-9, 0, 10^-9, 10^-6, over log 2",
    [
        js_of_lines(theta) / math.log(2)
        for theta in (-1e-6, -1e-9, 0.0, 1e-9, 1e-6)
    ],
    equals=[1, 1, 0, 1, 1],
    atol=1e-12,
)

# %% [markdown]
# **$W_1$.** Carry every point straight across: that costs $|\theta|$. The function $f(x)=-x_1\operatorname{sign}\theta$
# has slope 1, and by {prf:ref}`thm-kantorovich-rubinstein` it proves that nothing is cheaper. So $W_1=|\theta|$. Exact
# transport between 200 points on each line agrees. For *independent* random points on the two lines, as a GAN would see
# them, the distance comes out a little higher:

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

# %% tags=["hide-input"]
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
show_table(
    [r"$\theta$", *thetas],
    [
        ["$W_1$, equal heights", *(f"{value:.3f}" for value in distances)],
        ["$W_1$, random heights", *(f"{value:.3f}" for value in drawn)],
    ],
)

# %% [markdown]
# The figure shows JS and $W_1$ over $\theta$, and a third measure: the **maximum mean discrepancy**, MMD. Its square is
# given by {eq}`eq-kid`, here with the Gaussian kernel $k(x,y)=e^{-\|x-y\|^2/2}$. For the lines it is
# $2c(1-e^{-\theta^2/2})$, where $c$ is the mean of $k$ within a line.

# %% tags=["hide-input"]


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

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: two upright segments of length 1, at x = 0 and at x = one half. Second panel: three curves over theta from -1 to 1. W_1 is a V with its tip at 0. JS is level at log 2 with a single point at 0. The squared maximum mean discrepancy is a smooth valley with a round bottom."}, "figure": {"name": "fig-parallel-lines", "caption": "Two parallel lines (after Weng's figure 8), and three measures of how far apart they are. JS sees only whether θ is zero. W₁ is continuous, with a kink. MMD² is smooth, but it is a square; MMD has the kink of W₁."}}
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
    colours=[plots.THIRD, plots.FOURTH, plots.INK],
)
right.plot(0, js[20], "D", color=plots.FOURTH)
right.set(xlabel="θ")
right.legend(fontsize=9)
plots.show()

# %% [markdown]
# "Only Wasserstein metric provides a smooth measure", the post concludes, after a comparison of KL, JS and $W_1$. Of these
# three, $W_1$ is indeed the only continuous one. But it is not smooth. It has a kink at 0, where its slope jumps from
# $-1$ to $1$, and gradient descent with a fixed step hops back and forth. Nor is $W_1$ the only continuous measure there
# is: MMD is continuous, too, with the same kind of kink, $\approx\sqrt c\,|\theta|$. The smooth ones are the *squares*:
# $\operatorname{MMD}^2$, and equally $W_2^2$, which is $\theta^2$ here.

# %% tags=["hide-input"]
tiny = 1e-4
measures = [
    distance_1,
    lambda x, y: squared_mmd(x, y).clamp_min(0).sqrt(),
    lambda x, y: distance_1(x, y, p=2),
    squared_mmd,
]
slopes = [
    (measure(P, line(step)) - measure(P, P)) / step
    for measure in measures
    for step in (-tiny, tiny)
]
root = c.sqrt()
claim(
    "only-wasserstein-smooth",
    "left and right slope at 0 of W_1, MMD, W_2^2, MMD^2",
    slopes,
    equals=[-1, 1, -root, root, 0, 0, 0, 0],
    atol=1e-3,
)

# %% [markdown]
# Move the line yourself, and let it follow each of the three gradients. Which of them brings it home? Then give both
# lines some width. Noise makes them overlap, and where they overlap, JS has a gradient, too; {doc}`lesson 5
# <05_vanishing_gradients>` made use of that.

# %%
parallel_lines()

# %% [markdown]
# ## A gentler distance, mostly
#
# Distributions converge **in distribution** if the averages of every bounded continuous function converge. This is the
# weakest sense in common use. On a bounded space it is *exactly* convergence in $W_1$. On a line we can see why. $W_1$
# is the area between the graphs of the two distribution functions ({numref}`fig-quantiles`). Convergence in distribution
# is convergence of the **Lévy distance** $L$, the side of the largest square that fits between these graphs. Such a
# square has area $L^2$. And if the space is $[0,\Delta]$, look along the falling diagonals $x+u=s$, where
# $0\le s\le1+\Delta$: on none of them are the graphs further apart, measured sideways, than $L$. So the area is at most
# $(1+\Delta)L$:
#
# $$ L^2\;\le\;W_1\;\le\;(1+\Delta)\,L , $$ (eq-levy)
#
# and one goes to 0 exactly when the other does. We check this for 500 random pairs on $[0,3]$.

# %% tags=["hide-input"]


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
# Without the bound $\Delta$ only the first half remains. A strip between the graphs may be very thin and still, being
# long, have a large area. So a little mass far away means nothing to JS or to convergence in distribution, but a lot to
# $W_1$. Put a mass of $n^{-a}$ at $n$, and the rest at 0: $\mu_n=(1-n^{-a})\,\delta_0+n^{-a}\,\delta_n$. This tends to
# $\delta_0$ in total variation for every $a>0$. But
#
# $$ W_1(\mu_n,\delta_0)=\mathbb E_{\mu_n}|x|=n^{1-a} . $$ (eq-stray-mass)
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

# %% tags=["hide-input"]
show_table(
    ["$a$", "$n$", "TV", "$W_1$"],
    [
        [a, n, readable(t), f"{w:.3g}"]
        for (a, n), t, w in zip(pairs, tv, stray, strict=True)
    ],
)
claim(
    "w1-stray-mass",
    "W_1 in multiples of n^(1 - a), and TV of n^-a",
    [w * n ** (a - 1) for w, (a, n) in zip(stray, pairs, strict=True)]
    + [t * n**a for t, (a, n) in zip(tv, pairs, strict=True)],
    equals=1,
    atol=1e-9,
)

# %% [markdown]
# On a bounded space of diameter $\Delta$, JS and total variation ask for more than $W_1$ does. At worst, the mass that
# differs has to be moved across the whole diameter, so $W_1\le\Delta\cdot\operatorname{TV}$. With {eq}`eq-js-tv` and
# Pinsker's inequality $\operatorname{KL}\ge2\operatorname{TV}^2$ we see that convergence in KL forces convergence in TV
# and JS, and that these force convergence in $W_1$. The converse fails: the parallel lines converge in $W_1$ as
# $\theta\to0$, but not in JS. The next cell checks all three inequalities on 300 random pairs.

# %% tags=["hide-input"]
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
# little, so the plan "each old sample goes to its new place" is cheap. By the triangle inequality
#
# $$
# \begin{aligned}
# \big|W_1(p_r,p_{\theta'})-W_1(p_r,p_\theta)\big|&\le W_1(p_\theta,p_{\theta'})\\
# &\le\mathbb E_z\|G_{\theta'}(z)-G_\theta(z)\| ,
# \end{aligned}
# $$ (eq-moves)
#
# where $p_\theta$ is the distribution of the samples. If the right side goes to 0 as $\theta'\to\theta$, then **$W_1$ is
# continuous in $\theta$**, whether the distributions overlap or not. We try small networks with twenty random $\theta$,
# and take steps from there in random directions:

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

# %% tags=["hide-input"]
show_table(
    ["length of the step", "samples move by", "$W_1$ changes by"],
    [
        [length, f"{move:.2g}", f"{change:.2g}"]
        for length, move, change in zip(
            lengths,
            moved.view(4, 20).mean(1),
            changed.view(4, 20).abs().mean(1),
            strict=True,
        )
    ],
)
claim(
    "w1-continuous-in-theta",
    "change of W_1 in multiples of the mean move, for 80 steps",
    changed.abs() / moved,
    below=1 + 1e-9,
)

# %% [markdown]
# (The table shows means over the twenty networks.) There is small print: the samples must move little *on average*, not
# just one by one.
#
# :::{admonition} Further: a continuous generator whose $W_1$ jumps
# :class: dropdown
# For $z\sim U[0,1]$ let
#
# $$ G_\theta(z)=\frac{6\,z\,\max(\theta-z,0)}{\theta^3}\ (\theta>0),\qquad G_0(z)=0 . $$
#
# For each $z>0$ this is continuous in $\theta\ge0$, since it is 0 for all $\theta\le z$. But its mean is
# $\frac6{\theta^3}\int_0^\theta z(\theta-z)\,dz=1$ for every $\theta\in(0,1]$. As $G_\theta\ge0$, this mean is $W_1$ to
# the point 0, so $W_1$ jumps from 1 to 0 at $\theta=0$. A few samples travel far, and their share shrinks as fast as
# their distance grows. On a bounded space this cannot happen. The cell below computes the means by quadrature.
# :::


# %% tags=["hide-input"]
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
# Where $G$ is Lipschitz in $\theta$ on average, so is $W_1$, by {eq}`eq-moves`, and therefore it is differentiable at
# almost every $\theta$ (Rademacher's theorem). What is its derivative? Suppose that only one plan between two batches
# is cheapest. Then it remains the cheapest for small moves $d\theta$, and the cost of each route changes by the amount
# that its end moves along it. `emd_points` hands this gradient to autograd. For the same network it agrees with finite
# differences:

# %% tags=["hide-input"]
errors = []
for theta in start:
    samples_at(theta)
    weight, tiny = generator.weights[0], 1e-6
    value = distance_1(generator(noise)[0], data)
    (slope,) = torch.autograd.grad(value, weight)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[0, 0, 0] += sign * tiny
            ends.append(distance_1(generator(noise)[0], data))
            weight[0, 0, 0] -= sign * tiny
    errors.append(slope[0, 0, 0] - (ends[0] - ends[1]) / (2 * tiny))
claim(
    "w1-ae-differentiable",
    "gradient of exact W_1 against finite differences, at 20 random θ",
    errors,
    equals=0.0,
    atol=1e-6,
)

# %% [markdown]
# The Wasserstein GAN sets out to use this gradient, with one replacement. Instead of solving a linear program for each
# batch, it trains a network to be the $f$ of {eq}`eq-kr`. Lessons 11 to 13 ask whether that works.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-reroute-a-plan
# Three sources hold 5, 2 and 3 shovelfuls, and three targets want 5, 2 and 3. The costs from source $i$ to target $j$
# are
#
# | | to 1 | to 2 | to 3 |
# |---|---|---|---|
# | **from 1** | 4 | 3 | 9 |
# | **from 2** | 9 | 4 | 3 |
# | **from 3** | 3 | 9 | 4 |
#
# A plan sends everything from source $i$ to target $i$, at a cost of 40. No exchange between *two* sources saves
# anything: $3+9>4+4$. Find the rerouting of step 2 that saves. By how much can it lower the cost?
# :::
#
# :::{hint}
# :class: dropdown
# All three sources take part: each one supplies the target of another. What does a shovelful save if it goes round once,
# by {eq}`eq-no-rerouting`, and which route is the first to run empty?
# :::

# %%
answer = ...
check("reroute-a-plan", answer)

# %% [markdown]
# :::{solution} ex-reroute-a-plan
# :class: dropdown
# Send more from 1 to 2, from 2 to 3 and from 3 to 1, and less from each source to its own target. For $t$ shovelfuls
# the cost changes by $t\,(3+3+3-4-4-4)=-3t$. The route from 2 to 2 carries only 2 shovelfuls, so $t\le2$.
#
# ```python
# answer = 2 * (4 + 4 + 4 - 3 - 3 - 3)
# ```
# :::
#
# :::{exercise}
# :label: ex-best-function-on-a-line
# *A derivation.* Let $p$ and $q$ live on $[0,5]$, with distribution functions $F_p$ and $F_q$. Show that
#
# $$ \mathbb E_pf-\mathbb E_qf=-\int_0^5f'(x)\,\big(F_p(x)-F_q(x)\big)\,dx $$
#
# for every $f$ with a continuous derivative. Which $f$ of slope at most 1 makes this as large as possible, and what is
# the maximum? Then give a best function `f(x)` for $p$ uniform on $\{0,5\}$ and $q$ uniform on $\{1,3\}$.
# :::
#
# :::{hint}
# :class: dropdown
# Write $f(x)=f(5)-\int_x^5f'(t)\,dt$, take the expectation, and exchange the order of integration: how likely is
# $x\le t$? For the second part, the integrand can be bounded point by point: at each $t$, which of the allowed slopes
# makes it largest?
# :::

# %%
answer = ...
check("best-function-on-a-line", answer)

# %% [markdown]
# :::{solution} ex-best-function-on-a-line
# :class: dropdown
# *The formula.* For $x\in[0,5]$ we have $f(x)=f(5)-\int_0^5f'(t)\,1[x\le t]\,dt$. Take the expectation under $p$. The
# expectation of $1[x\le t]$ is $F_p(t)$, so $\mathbb E_pf=f(5)-\int_0^5f'(t)F_p(t)\,dt$. The same holds for $q$, and in
# the difference $f(5)$ cancels.
#
# *The best slope.* Since $|f'(t)|\le1$, the integrand $-f'(t)(F_p(t)-F_q(t))$ is at most $|F_p(t)-F_q(t)|$. It is equal
# to that if $f'(t)=-\operatorname{sign}(F_p(t)-F_q(t))$: $f$ falls where $p$ has the larger part of its mass on the
# left, so that dirt must go right, and rises where dirt must go left. Where $F_p=F_q$, nothing crosses and any slope
# will do. (Such an $f$ has corners. It is still 1-Lipschitz, and the formula holds for it, too, as it is the integral of
# its slope.) The maximum is $\int|F_p-F_q|\,dt$, the area between the distribution functions. By
# {prf:ref}`thm-kantorovich-rubinstein` that is $W_1$, as lesson 9 found by sorting.
#
# *The example.* $F_p$ is $\frac12$ on $[0,5)$. $F_q$ is 0 on $[0,1)$, $\frac12$ on $[1,3)$ and 1 on $[3,5]$. So $f$ must
# fall with slope 1 on $[0,1]$, may do as it likes on $[1,3]$, and must rise with slope 1 on $[3,5]$. The maximum is
# $\frac12\cdot1+\frac12\cdot2=\frac32$. If $f$ is level in between:
#
# ```python
# def answer(x):
#     return max(1 - x, 0) + max(x - 3, 0)
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
# $K\cdot W_1=3\cdot\frac12$. To read a critic's estimate as a distance, one must know $K$.
#
# ```python
# answer = 3 * 1 / 2
# ```
# :::
#
# ## What to remember
#
# - Admissible prices bound the cost of every plan from below. The best prices reach the cost of the cheapest plan,
#   because no rerouting of a cheapest plan saves anything. The difference between cost and bill, the duality gap, is a
#   certificate.
# - With the distance as cost, both price lists come from one function that is nowhere steeper than 1:
#   $W_1=\max\,\mathbb E_pf-\mathbb E_qf$. With slopes up to $K$ the maximum is $K W_1$.
# - Along the routes that are used, every best $f$ falls with slope 1, and its gradient points towards the source.
#   Elsewhere it may be as gentle as the values on the routes allow.
# - $W_1$ is continuous in a generator's parameters, whether distributions overlap or not, where JS jumps. For this, a
#   change of parameters must move samples little on average. $W_1$ has kinks, and it is not the only continuous
#   distance.
# - On a bounded space, convergence in $W_1$ is convergence in distribution. On an unbounded one the first moments must
#   converge as well: $W_1$ sees stray mass that JS ignores.
#
# **Sources.** The parallel lines are from {cite}`arjovsky2017wgan`, after {cite}`weng2019`; the dual in the general
# form follows {cite}`xu2020`. Proofs for general distributions are in {cite}`villani2009`, whose chapter 5 builds prices
# from chains as we do; for discrete distributions and their computation see {cite}`peyre2019`. What had to be corrected
# is listed under {doc}`errata`.
