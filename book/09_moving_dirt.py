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
# # 9 · Moving dirt
#
# JS says how easily two distributions can be *told apart*. Once they can be told apart with certainty, it has nothing
# more to say. This lesson asks a different question: how much **work** does it take to turn one distribution into the
# other? Think of dirt and a shovel. The answer is a distance that never saturates. It can be computed exactly, by the
# simplex method or, on a line, by sorting. An algorithm of a few lines computes it nearly exactly.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what a transport plan is, and what it costs; what the earth mover's distance and $W_p$
# are; why sorting solves the problem on a line; what entropic regularisation changes; and why the distance is hard to
# know in many dimensions, although it is easy to compute.
#
# **You need** sums, convex functions, and {doc}`lesson 1 <01_divergences>` for KL.
#
# **It takes** about 70 minutes to read with the exercises, and about fifteen seconds to run on a laptop.
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
import time

import torch

from gantut import plots
from gantut.checks import claim
from gantut.data import gaussian_mixture
from gantut.device import at_scale, random_source
from gantut.lessons import check, show_table
from gantut.lessons.linear_program import linear_program
from gantut.lessons.moving_dirt import move_dirt
from gantut.lessons.moving_dirt.plots import plot_piles
from gantut.transport import (
    emd,
    emd_points,
    pile_moves,
    sinkhorn,
    wasserstein_1d,
)

# %% [markdown]
# ## Four piles
#
# Four piles of dirt stand in a row, one step apart. They hold 3, 2, 1 and 4 shovelfuls; we want 1, 2, 4 and 3. Let
# $P_i$ be what pile $i$ holds, and $Q_i$ what it should hold. Carrying one shovelful one step costs 1. What is the
# least that the whole job can cost? (The example is from {cite}`weng2019`.)
#
# Start at the left. The first pile has two shovelfuls too many, and they can only go right, so carry them to the second
# pile. Now the second pile has two too many; carry them on to the third. The third pile is still one short, and only
# the fourth has any to spare: one shovelful comes back from the right. We never had a choice about the *net* amount
# that crosses a gap between two piles. It is the surplus of everything to the left of the gap. Call it $\delta_i$ for
# the gap to the right of pile $i$:
#
# $$ \delta_0=0,\qquad \delta_{i}=\delta_{i-1}+P_{i}-Q_{i} . $$ (eq-recursion)
#
# It is positive when dirt moves right and negative when dirt moves left. Either way we pay its absolute value, so the
# walk costs
#
# $$ W=\sum_i|\delta_i| . $$ (eq-pile-cost)

# %%
P = torch.tensor([3.0, 2.0, 1.0, 4.0], dtype=torch.float64)
Q = torch.tensor([1.0, 2.0, 4.0, 3.0], dtype=torch.float64)
walk = pile_moves(P, Q)
claim(
    "emd-recursion",
    "the deltas of the four piles",
    walk.deltas,
    equals=[0, 2, 2, -1, 0],
)

# %% [markdown]
# In Weng's post the recursion has a different index, $\delta_{i+1}=\delta_i+P_i-Q_i$ with $\delta_0=0$, for piles
# numbered from 1 to 4. Taken literally, its first step asks for $P_0$, a pile that does not exist. The numbers below
# the formula are right. The post also calls $\delta_i$ "the cost to pay to make $P_i$ and $Q_i$ match", but one of the
# numbers is negative: $\delta_i$ is a *flow*.

# %% tags=["hide-input"]


def as_printed(P, Q):
    """δ_{i+1} = δ_i + P_i - Q_i with piles numbered 1 to 4: taken literally."""
    P, Q = (
        dict(enumerate(P.tolist(), start=1)),
        dict(enumerate(Q.tolist(), start=1)),
    )
    delta = [0.0]
    for i in range(len(P)):
        delta.append(delta[i] + P[i] - Q[i])
    return delta


try:
    as_printed(P, Q)
except KeyError as missing:
    asks_for = missing.args[0]
claim(
    "emd-recursion-index",
    "as printed, the first step asks for pile number",
    asks_for,
    equals=0,
)

# %% [markdown]
# The table lists the walk move by move. In the post the last move takes a shovelful from $Q_3$ to $Q_4$. The two rows
# then match as well, but only because the target has changed, and the post set out "to change $P$ to look like $Q$".
# The move on $P$ that costs the same brings a shovelful back from the fourth pile to the third, as $\delta_3=-1$ says.

# %% tags=["hide-input"]
spent = [
    0,
    *(
        abs(move.amount) * abs(move.target - move.source)
        for move in walk.moves
    ),
]
so_far = torch.tensor(spent).cumsum(0)
show_table(
    ["from pile", "to pile", "shovelfuls", "cost so far"],
    [
        [move.source, move.target, f"{move.amount:g}", f"{cost:g}"]
        for move, cost in zip(walk.moves, so_far[1:], strict=True)
    ],
)

# %% tags=["hide-input"]
states = walk.states
claim(
    "weng-fig7",
    "the cost at the start and after each move",
    so_far,
    equals=[0, 2, 4, 5],
)
claim(
    "emd-step3-moves-q", "after the last move P is Q", states[-1], equals=Q
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four bar charts of piles 1 to 4. At the start the piles are 3, 2, 1, 4. After carrying two shovelfuls from pile 1 to pile 2: 1, 4, 1, 4. After two from pile 2 to pile 3: 1, 2, 3, 4. After one from pile 4 back to pile 3: 1, 2, 4, 3, which is the target, drawn as outlines in every panel. The dirt that was just moved is hatched in a second colour."}, "figure": {"name": "fig-piles", "caption": "The four piles, move by move (after Weng's figure 7, with the last move corrected). Outlines: what is wanted. Hatched: what was just moved."}}
plot_piles(states, Q, moves=walk.moves)
plots.show()

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Change the wanted piles to `[4, 3, 2, 1]`: each pile moves one place to the right, and the last one comes to the
# front. Guess the cost before you run it.
# :::
#
# Now take the shovel yourself. There are many ways to do the job for 5: find one that makes its moves in another order.
# Then waste some work on purpose. The table shows at which gap it was lost.

# %%
move_dirt(P, Q)

# %% [markdown]
# ## Plans
#
# The walk works because the piles stand in a row. In general, dirt may go from anywhere to anywhere, and we must say
# how much goes where. Let $\gamma_{ij}\ge0$ be the amount that goes from place $i$ to place $j$. A table $\gamma$ is a
# **transport plan** (or *coupling*) if all the dirt at each place goes somewhere, and if what arrives is what is wanted:
#
# $$ \sum_j\gamma_{ij}=P_i,\qquad \sum_i\gamma_{ij}=Q_j . $$ (eq-marginals)
#
# $P$ and $Q$ are its **marginals**. If it costs $C_{ij}$ to carry one shovelful from $i$ to $j$, the plan costs
# $\sum_{ij}\gamma_{ij}C_{ij}$. The **earth mover's distance** is the cost of the cheapest plan:
#
# $$ W(P,Q)=\min_{\gamma\ge0}\ \sum_{ij}\gamma_{ij}C_{ij} , $$ (eq-emd)
#
# where $\gamma$ must have the marginals $P$ and $Q$.
#
# Both the cost and the constraints are linear in $\gamma$. Such a problem is called a **linear program**, and
# `linear_program` hands it to a general solver exactly as it stands. `emd` is much faster, because it knows the
# structure: it uses the network simplex method, or shortest paths where equally many points of equal mass are to be
# matched one to one. It also returns a certificate, which lesson 10 explains.

# %%
place = torch.arange(4, dtype=torch.float64)
C = (place[:, None] - place).abs()  # (4, 4): steps from i to j
best, witness = emd(P, Q, C), linear_program(P, Q, C)
values = [walk.cost, best.value, witness.value]
claim(
    "emd-4-piles",
    "the walk, the network simplex and the linear program agree",
    values,
    equals=5,
    atol=1e-9,
)

# %% tags=["hide-input"]
show_table(
    ["", *(f"to {j}" for j in range(1, 5))],
    [
        [f"**from {i}**", *(f"{amount:g}" for amount in row)]
        for i, row in enumerate(best.plan.round(decimals=6).abs(), start=1)
    ],
)

# %% [markdown]
# Each row says where the dirt of one pile goes. The plan need not be the one from the walk. Two shovelfuls may go from
# pile 1 to pile 3 directly, or by way of pile 2, at the same cost: the cheapest plan is not unique. To compare it with
# others, we make 500 random plans. We fill a table at random, then scale its rows and its columns in turn until both
# add up to what they should.

# %%
source = random_source(1)
plans = torch.rand(500, 4, 4, dtype=torch.float64, generator=source) ** 2
for _ in range(1000):  # scale rows and columns in turn until both fit
    plans *= (P / plans.sum(2))[:, :, None]
    plans *= (Q / plans.sum(1))[:, None, :]
plans = torch.cat([best.plan[None], plans])
costs = (plans * C).sum((1, 2))  # (501,)

# %% tags=["hide-input"]
claim(
    "coupling-marginals",
    "marginals of the cheapest plan and of 500 random ones, less P and Q",
    torch.cat([plans.sum(2) - P, plans.sum(1) - Q]),
    equals=0,
    atol=1e-9,
)
claim(
    "emd-no-plan-cheaper",
    "what the 500 random plans cost, less the earth mover's distance",
    costs[1:] - best.value,
    above=-1e-9,
)

# %% [markdown]
# Five hundred plans are not all plans. For piles in a row, here is a proof that none costs less than
# {eq}`eq-pile-cost`. A shovelful that goes from $i$ to $j$ crosses $|i-j|$ gaps and pays 1 at each. So the cost of a
# plan can be collected gap by gap: at gap $k$, to the right of pile $k$, it is the amount $r$ that crosses to the right
# plus the amount $l$ that crosses to the left. By {eq}`eq-marginals` the difference $r-l$ is what the piles up to $k$
# have too much, which is $\delta_k$. And $r+l\ge|r-l|=|\delta_k|$, with equality if nothing crosses both ways, as in
# the walk.

# %%
gaps = (1, 2, 3)  # the gap to the right of pile k
right = torch.stack([plans[:, :k, k:].sum((1, 2)) for k in gaps], 1)
left = torch.stack([plans[:, k:, :k].sum((1, 2)) for k in gaps], 1)
claim(
    "emd-gap-by-gap",
    "501 plans: cost less all crossings, net crossings less the deltas",
    torch.cat(
        [costs - (right + left).sum(1), *(right - left - walk.deltas[1:4])]
    ),
    equals=0,
    atol=1e-9,
)

# %% [markdown]
# If the total mass is 1, $\gamma$ is a probability distribution of pairs $(x,y)$, the cost is an expectation, and the
# earth mover's distance is
#
# $$ W_1(p,q)=\min_\gamma\ \mathbb E_{(x,y)\sim\gamma}\|x-y\| , $$ (eq-w1)
#
# over all distributions of pairs $(x,y)$ with marginals $p$ and $q$. (In the post the minimum is over
# $\gamma\sim\Pi(p,q)$; read $\gamma\in\Pi(p,q)$. A plan is an element of the set of plans, not a draw from it.) For our
# piles, divide everything by ten. Draw a hundred thousand shovelfuls from the plan: how far do they go on average?

# %%
gamma = best.plan / P.sum()
drawn = torch.multinomial(
    gamma.flatten(), 100_000, replacement=True, generator=source
)
claim(
    "transport-cost-expectation",
    "the cost of the normalised plan, and the mean step of pairs from it",
    [(gamma * C).sum(), C.flatten()[drawn].mean()],
    equals=0.5,
    atol=0.01,  # four standard errors of the mean
)

# %% [markdown]
# ### Other powers
#
# We may want to penalise long journeys more. Then the cost is $\|x-y\|^p$ for some $p\ge1$, and a root at the end makes
# the result a distance again. (As everywhere in the literature, $p$ now has two meanings: a distribution, and a power
# where it is an index or an exponent.)
#
# $$ W_p(p,q)=\Big(\min_\gamma\ \mathbb E_{(x,y)\sim\gamma}\|x-y\|^p\Big)^{1/p} . $$ (eq-wp)
#
# It is finite if both distributions have finite $p$-th moments, and by Jensen's inequality it never falls as the power
# grows. The walk can be done so that five of the ten shovelfuls move one step and the others stay. Since
# $|i-j|^p\ge|i-j|$ for whole numbers of steps, this plan is cheapest for every power. So the mean of $\|x-y\|^p$ is
# $\frac12$ each time:

# %%
p, q = P / 10, Q / 10
roots = [emd(p, q, C**k).value ** (1 / k) for k in (1, 2, 3)]
claim(
    "w1-wp-definition",
    "W_1, W_2, W_3 of the piles",
    roots,
    equals=[0.5, 0.5 ** (1 / 2), 0.5 ** (1 / 3)],
    atol=1e-9,
)

# %% [markdown]
# ## On a line, sorting is enough
#
# Take two samples of the same size on a line. Which point should go to which? (A plan may also split points. But such a
# plan is a mixture of one-to-one matchings, by Birkhoff's theorem, so the best matching is never beaten.) Suppose that
# two routes cross: $x_1<x_2$ but $y_1>y_2$, where $x_1$ goes to $y_1$ and $x_2$ goes to $y_2$. Exchange their targets.
# For every $p\ge1$ this does not raise the cost,
#
# $$ |x_1-y_2|^p+|x_2-y_1|^p\;\le\;|x_1-y_1|^p+|x_2-y_2|^p , $$ (eq-uncross)
#
# because $t\mapsto|t|^p$ is convex: the differences $x_1-y_2$ and $x_2-y_1$ lie between $x_1-y_1$ and $x_2-y_2$, and
# have the same sum. Each exchange that uncrosses two routes also raises $\sum_ix_iy_{\sigma(i)}$, the sum of the
# products of matched points, by $(x_2-x_1)(y_1-y_2)>0$. There are only finitely many ways $\sigma$ to match the
# points, so this cannot go on for ever. It ends at a matching without crossings, which sends the smallest point to the
# smallest, the second to the second, and so on, and which costs no more than the one we started from.
#
# In terms of **quantile functions** ($F^{-1}(u)$ is the point below which the share $u$ of the mass lies) the result is
#
# $$ W_p^p(p,q)=\int_0^1\big|F_p^{-1}(u)-F_q^{-1}(u)\big|^p\,du . $$ (eq-quantiles)
#
# In this form it holds for any two distributions on a line with finite $p$-th moments {cite}`peyre2019`. For $p=1$ it
# is the area between the two distribution functions. For piles it is {eq}`eq-pile-cost`, since $\delta_i$ is the
# difference $F_P-F_Q$ at gap $i$.

# %%
source = random_source(2)
u = gaussian_mixture([-1.5, 1.5], 0.5).sample(200, generator=source)
v = gaussian_mixture([0.0], 1.0).sample(200, generator=source)
by_sorting = torch.stack(
    [wasserstein_1d(u, v, p=k) ** (1 / k) for k in (1, 2, 3)]
)
by_plan = torch.stack(
    [
        emd_points(u[:, None], v[:, None], p=k).value ** (1 / k)
        for k in (1, 2, 3)
    ]
)

# %% tags=["hide-input"]
claim(
    "line-by-sorting",
    "W_1, W_2, W_3 of two samples: sorting and the cheapest plan agree",
    by_sorting,
    equals=by_plan,
    rtol=1e-10,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: the distribution functions of two samples of 200 points, two staircases that cross in the middle, with the area between them shaded. Second panel: the two quantile functions over u from 0 to 1, the same staircases turned on their side, with the same area shaded."}, "figure": {"name": "fig-quantiles", "caption": "On a line the earth mover's distance is the area between the distribution functions (first panel), or between the quantile functions (second panel): the same area, seen from two sides."}}
left, right = plots.axes(1, 2, height=3.0)
level = (torch.arange(200, dtype=torch.float64) + 0.5) / 200
a, b = u.sort().values, v.sort().values
plots.lines(left, a, {"$F_p$": level})
left.plot(b, level, color=plots.GENERATED, linestyle="--", label="$F_q$")
left.fill_betweenx(level, a, b, color=plots.THIRD, alpha=0.25, linewidth=0)
left.set(xlabel="x", ylabel="share of the mass below x")
left.legend()
plots.lines(right, level, {"$F_p^{-1}$": a, "$F_q^{-1}$": b})
right.fill_between(level, a, b, color=plots.THIRD, alpha=0.25, linewidth=0)
right.set(xlabel="u", ylabel="quantile")
plots.show()

# %% [markdown]
# ## A little blur: entropic transport
#
# The linear program has as many unknowns as there are pairs of points. A small change makes it much easier to solve.
# Add to the cost a multiple of the information that the plan holds beyond its marginals:
#
# $$ \min_{\gamma}\ \sum_{ij}\gamma_{ij}C_{ij}+\varepsilon\operatorname{KL}(\gamma\,\|\,a\otimes b) , $$ (eq-entropic)
#
# where $\gamma$ must have the marginals $a$ and $b$. Here $(a\otimes b)_{ij}=a_ib_j$ is the plan that sends everything
# everywhere, and $\varepsilon>0$ says how strongly we prefer it. Now
# $\operatorname{KL}=\sum_{ij}\gamma_{ij}\log\frac{\gamma_{ij}}{a_ib_j}$ is strictly convex, and its slope at
# $\gamma_{ij}=0$ is $-\infty$, so no entry of the best plan is 0. We can therefore find it by setting derivatives to
# zero. With a multiplier $f_i$ for each row sum and $g_j$ for each column sum, the derivative of the Lagrangian with
# respect to $\gamma_{ij}$ must be 0:
#
# $$ C_{ij}+\varepsilon\log\frac{\gamma_{ij}}{a_ib_j}+\varepsilon-f_i-g_j=0 . $$
#
# The constant $\varepsilon$ can be absorbed into $f_i$. Solving for $\gamma_{ij}$ gives the *form* of the answer,
#
# $$ \gamma_{ij}=a_i\,b_j\,\exp\frac{f_i+g_j-C_{ij}}{\varepsilon} . $$ (eq-sinkhorn-plan)
#
# The marginals determine $f$ and $g$. Given $g$, each row must add up to $a_i$, which fixes $f_i$. Given $f$, the
# columns fix $g$. Alternating between the two is **Sinkhorn's algorithm** {cite}`cuturi2013`. Its loop has two lines:


# %%
def sinkhorn_by_hand(a, b, C, eps, iterations=2000):
    """Fit the rows and columns of the plan in turn, in logarithms."""
    f, g = torch.zeros_like(a), torch.zeros_like(b)
    for _ in range(iterations):
        f = -eps * torch.logsumexp((g - C) / eps + b.log(), 1)
        g = -eps * torch.logsumexp(
            (f[:, None] - C) / eps + a.log()[:, None], 0
        )
    return a[:, None] * b * torch.exp((f[:, None] + g - C) / eps)


# %% [markdown]
# We try it on two distributions on a grid of 60 points, one with two modes and one with a single mode, for three
# amounts of blur. The library's `sinkhorn` does the same, but stops once the marginals fit.

# %%
x = torch.linspace(-3, 3, 60, dtype=torch.float64)
a = gaussian_mixture([-1.5, 1.5], 0.5).density(x)
b = gaussian_mixture([0.0]).density(x)
a, b = a / a.sum(), b / b.sum()
C = (x[:, None] - x) ** 2
blurred = {
    eps: sinkhorn(a, b, C, eps, tol=1e-10, max_iter=100_000).plan
    for eps in (1.0, 0.1, 0.01)
}

# %% tags=["hide-input"]
claim(
    "sinkhorn-form",
    "the plan of the library and that of our loop",
    blurred[0.1],
    equals=sinkhorn_by_hand(a, b, C, 0.1),
    atol=1e-9,
)

# %% [markdown]
# As $\varepsilon$ grows, the plan tends to $a\otimes b$. As $\varepsilon$ shrinks, it tends to a cheapest plan, which
# is a thin line, and its cost comes down to the exact one. How far can it still be above? The blurred plan minimises
# {eq}`eq-entropic`, so it does no worse there than the cheapest plan $\gamma^*$. Since KL is never negative, it costs
# at most $\varepsilon\operatorname{KL}(\gamma^*\,\|\,a\otimes b)$ more than $\gamma^*$. The table compares.

# %%
exact = emd(a, b, C)
used = exact.plan > 0
ratio = (exact.plan / (a[:, None] * b))[used]
information = (exact.plan[used] * ratio.log()).sum()  # KL(γ* ‖ a ⊗ b)
more = [
    ((plan * C).sum() - exact.value).item() for plan in blurred.values()
]

# %% tags=["hide-input"]
show_table(
    [r"$\varepsilon$", "costs more by", "at most"],
    [
        [eps, f"{cost:.2g}", f"{eps * information:.2g}"]
        for eps, cost in zip(blurred, more, strict=True)
    ],
)
claim(
    "entropic-limit",
    "ε = 1, 0.1, 0.01: what it costs more, as a share of ε KL(γ* ‖ a ⊗ b)",
    [m / (e * information) for e, m in zip(blurred, more, strict=True)],
    above=0,
    below=1,
    digits=2,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four square pictures of transport plans between the same two distributions, as dark spots where much is carried. In this order: a broad blur for epsilon 1, a narrower band for 0.1, a thin curve for 0.01, and a thin staircase for the exact plan, which rises from the lower left to the upper right."}, "figure": {"name": "fig-blur", "caption": "Plans between a distribution with two modes (vertical) and one with a single mode (horizontal), for less and less blur, and the exact plan."}}
grid = plots.axes(1, 4, height=2.2)
for ax, (name, plan) in zip(
    grid,
    [
        *((f"ε = {eps}", plan) for eps, plan in blurred.items()),
        ("exact", exact.plan),
    ],
    strict=True,
):
    ax.imshow(
        plan.sqrt(), cmap="Blues", origin="lower", extent=(-3, 3, -3, 3)
    )
    ax.set(title=name, xticks=[], yticks=[])
    ax.grid(False)
plots.show()

# %% [markdown]
# ## What is hard about it
#
# "It is intractable to exhaust all the possible joint distributions", says the post, and the slides call computing
# $W_p$ "very difficult". But nobody has to exhaust them. Between two *samples* the distance is a linear program.
# `emd_points` solves it for a thousand points in a second or less, with a proof: the gap between the cost of its plan
# and a lower bound for the cost of every plan, which lesson 10 derives. (The times in the figure below were measured
# when this page was built.)


# %%
def cubes(n, d, source):
    """Two samples of n uniform points in the unit cube: (2, n, d)."""
    return torch.rand(2, n, d, dtype=torch.float64, generator=source)


sizes, seconds, gaps = [100, 200, 400, 800, 1600], [], []
source = random_source(3)
emd_points(*cubes(10, 2, source))  # what is compiled is compiled now
for n in sizes:
    start = time.perf_counter()
    solved = emd_points(*cubes(n, 2, source))
    seconds.append(time.perf_counter() - start)
    gaps.append(solved.gap)

# %% tags=["hide-input"]
claim(
    "ot-intractable",
    "cost less its lower bound, for 100 to 1600 points",
    gaps,
    equals=0,
    atol=1e-12,
)

# %% [markdown]
# Something else can be hard. Let the two samples come from the *same* distribution. The distance that we are after is
# then zero, but the distance between the samples is not. How fast does it fall as the number of points grows? On a line
# it falls like $n^{-1/2}$, as the error of an average does, and in two dimensions nearly so. In $d\ge3$ dimensions it
# falls only like $n^{-1/d}$: to halve the error in eight dimensions takes 256 times as many points.

# %%
sizes_tried, repeats = [50, 100, 200, 400], at_scale(fast=40, full=100)


def mean_error(n, d, shift=0.0):
    """How far W_1 of two samples is, on average, from W_1 of the cubes."""
    error = 0.0
    for _ in range(repeats):
        x, y = cubes(n, d, source)
        y[:, 0] += shift  # W_1 of the cubes is |shift|
        error += abs(emd_points(x, y).value.item() - abs(shift)) / repeats
    return error


errors = {d: [mean_error(n, d) for n in sizes_tried] for d in (1, 2, 3, 8)}

# %% tags=["hide-input"]
log_n = torch.tensor(sizes_tried, dtype=torch.float64).log()
log_n -= log_n.mean()
slopes = [
    log_n @ torch.tensor(errors[d]).double().log() / log_n.square().sum()
    for d in errors
]
claim(
    "ot-sampling-error",
    "equal cubes: slopes of the error for d = 1, 2, 3, 8",
    slopes,
    equals=[-1 / 2, -1 / 2, -1 / 3, -1 / 8],
    atol=0.06,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two double logarithmic plots against the number of points. First panel: the time of an exact solution in seconds, a line that rises to a few seconds or less at 1600 points. Second panel: the earth mover's distance between two samples of the same distribution in 1, 2, 3 and 8 dimensions: four falling lines, steeper for fewer dimensions; that for 8 dimensions is almost level."}, "figure": {"name": "fig-hard", "caption": "First panel: computing the distance between two samples exactly is quick. Second panel: what that distance says about the distributions is another matter. All pairs of samples are from one distribution, and the distance should be 0."}}
left, right = plots.axes(1, 2, height=3.0)
left.loglog(sizes, seconds, "o-", color=plots.INK)
left.set(xlabel="points n", ylabel="seconds, exact solution")
for (d, values), colour, dash in zip(
    errors.items(), plots.COLOURS, plots.DASHES, strict=False
):
    right.loglog(
        sizes_tried,
        values,
        marker="o",
        color=colour,
        linestyle=dash,
        label=f"d = {d}",
    )
right.set(
    xlabel="points n", ylabel="$W_1$ between two samples", ylim=(0.01, 1)
)
right.set_xticks(sizes_tried, labels=sizes_tried)
right.minorticks_off()
right.legend(fontsize=9, loc="lower left", ncols=2)
plots.show()

# %% [markdown]
# Is the method to blame? For the worst pair of distributions it is not. If all we know is that the distributions live
# in a cube of $d\ge3$ dimensions, then **no** estimator has an error that falls faster than $n^{-1/d}$ for all pairs at
# once, up to logarithms {cite}`nilesweed2022spiked`. But the worst pairs are nearly equal, and rough. Estimators that
# rely on smooth densities do better {cite}`nilesweed2022smooth`. So does the plain distance between samples when the
# distributions lie apart {cite}`manole2024`. We shift one of the cubes by 3. How much smaller is the error now?

# %%
apart = [mean_error(n, 8, shift=3.0) for n in sizes_tried]

# %% tags=["hide-input"]
show_table(
    ["points", "mean error, equal cubes", "mean error, 3 apart"],
    [
        [n, f"{same:.2f}", f"{far:.2f}"]
        for n, same, far in zip(sizes_tried, errors[8], apart, strict=True)
    ],
)
claim(
    "ot-separated",
    "d = 8: the error for equal cubes, in multiples of that 3 apart",
    [same / far for same, far in zip(errors[8], apart, strict=True)],
    above=5,
)

# %% [markdown]
# So samples in many dimensions easily show that two distributions are far apart, and how far. They hardly show that two
# distributions are *near* each other, and a generator that has learnt well is near the data. Keep this in mind when a
# network claims to compute the distance. Lesson 13 compares such claims with the truth.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-shift-the-piles
# Four piles of 1, 2, 3 and 4 shovelfuls are to become piles of 4, 3, 2 and 1. What does it cost, at one per shovelful
# and step? Use {eq}`eq-recursion`, by hand.
# :::
#
# :::{hint}
# :class: dropdown
# Begin at the left, as in the text: how much must cross the first gap, and which way? {eq}`eq-recursion` leads from
# each flow to the next. A flow to the left is negative, but {eq}`eq-pile-cost` makes you pay for it.
# :::

# %%
answer = ...
check("shift-the-piles", answer)

# %% [markdown]
# :::{solution} ex-shift-the-piles
# :class: dropdown
# The flows are $-3,-4,-3,0$: all dirt goes left.
#
# ```python
# answer = 3 + 4 + 3
# ```
# :::
#
# :::{exercise}
# :label: ex-w2-of-gaussians
# *A derivation.* Let $p=N(0,1)$ and $q=N(m,s)$, with standard deviation $s>0$. Derive $W_2^2(p,q)$ from {eq}`eq-quantiles`: find both
# quantile functions, then the integral. Give the result as a formula in `m` and `s`, such as `"m*s + 1"`.
# :::
#
# :::{hint}
# :class: dropdown
# Let $\Phi$ be the distribution function of $N(0,1)$; then $F_p^{-1}=\Phi^{-1}$. For $F_q^{-1}$, use that a sample of
# $q$ is $m+sz$ with $z\sim p$. In the integral substitute $z=\Phi^{-1}(u)$: what does $u$ uniform on $[0,1]$ say about
# $z$?
# :::

# %%
answer = ...
check("w2-of-gaussians", answer)

# %% [markdown]
# :::{solution} ex-w2-of-gaussians
# :class: dropdown
# *The quantile functions.* $F_q(y)=\Pr(m+sz\le y)=\Phi\big(\frac{y-m}s\big)$, since $s>0$. Setting this to $u$ and
# solving for $y$ gives $F_q^{-1}(u)=m+s\,\Phi^{-1}(u)$.
#
# *Their difference* is $F_q^{-1}(u)-F_p^{-1}(u)=m+(s-1)\,\Phi^{-1}(u)$.
#
# *The integral.* If $u$ is uniform on $[0,1]$, then $z=\Phi^{-1}(u)$ has the distribution $N(0,1)$. So
# {eq}`eq-quantiles` is an expectation,
#
# $$ W_2^2=\mathbb E\big[(m+(s-1)z)^2\big]=m^2+2m(s-1)\,\mathbb E z+(s-1)^2\,\mathbb E z^2=m^2+(s-1)^2 . $$
#
# For $s=1$ this is $W_2=|m|$: to shift a distribution costs the distance of the shift. The mean and the standard
# deviation contribute separately, as the two coordinates of a point do.
#
# ```python
# answer = "m**2 + (s - 1)**2"
# ```
# :::
#
# :::{exercise}
# :label: ex-area-function
# Write $W_1$ between two distributions on the *same* evenly spaced points, one unit apart, as a function of two tensors
# of probabilities: one line, no sorting, no `wasserstein_1d`.
# :::
#
# :::{hint}
# :class: dropdown
# The flows of {eq}`eq-recursion` are running sums: of what, and which function of torch computes all of them at once?
# Make sure that a flow to the left cannot cancel one to the right.
# :::

# %%
answer = ...
check("area-function", answer)

# %% [markdown]
# :::{solution} ex-area-function
# :class: dropdown
# The running sums are the distribution functions; add up the absolute differences.
#
# ```python
# def answer(p, q):
#     return (p - q).cumsum(0).abs().sum()
# ```
# :::
#
# :::{exercise}
# :label: ex-dirt-in-eight-dimensions
# Two samples of 1000 points from equal distributions in eight dimensions are 0.4 apart. About how many points would
# bring that down to 0.1, if it falls like $n^{-1/8}$?
# :::
#
# :::{hint}
# :class: dropdown
# By how much is the error to be divided? If it fell like $n^{-1/2}$, as for averages, the square of that number would
# say how many times as many points are needed. What takes the place of the square here?
# :::

# %%
answer = ...
check("dirt-in-eight-dimensions", answer)

# %% [markdown]
# :::{solution} ex-dirt-in-eight-dimensions
# :class: dropdown
# A quarter of the error takes $4^8$ times the points: 65 million.
#
# ```python
# answer = 1000 * 4**8
# ```
# :::
#
# ## What to remember
#
# - A transport plan says how much goes where; its row and column sums are the two distributions. The earth mover's
#   distance is the cost of the cheapest plan: a linear program.
# - On a line the cheapest plan keeps the order, and the distance is the area between the distribution functions.
# - Entropy makes the problem easy to solve by scaling rows and columns in turn, and blurs the plan. The smaller
#   $\varepsilon$, the less the blur.
# - Computing the distance between two samples is not hard. Knowing the distance between their *distributions* is hard
#   in many dimensions: for samples of equal distributions it falls to 0 only like $n^{-1/d}$. Where distributions are
#   far apart, the error is much smaller.
#
# **Sources.** The piles are Weng's {cite}`weng2019`, with the corrections under {doc}`errata`. On optimal transport
# and its computation see {cite}`peyre2019`; on the theory, {cite}`villani2009`. Sinkhorn's algorithm came to machine
# learning with {cite}`cuturi2013`.
