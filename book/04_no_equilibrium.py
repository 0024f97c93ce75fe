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
# # 4 · No equilibrium in sight
#
# Lesson 3 gave the discriminator all the time it wanted. In training nobody waits: both players step, again and again,
# each along its own gradient. A single loss that is followed downhill for long enough settles down. **What happens when
# two players go downhill at once, each on a slope that the other one tilts?** The smallest game that shows it has one
# number for each player, and a matrix with two rows tells us everything about it.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what an equilibrium is, and how far a pair of strategies is from one; when players have to
# toss coins to reach one, and what that means for networks; why simultaneous steps run away from an equilibrium and
# alternating steps circle it; how looking one step ahead cures both; and how the eigenvalues of one iteration predict
# what a thousand iterations will do, in this game and in a small GAN.
#
# **You need** {doc}`lesson 3 <03_optimal_discriminator>`, complex numbers, and the eigenvalues of a matrix.
#
# **It takes** about 84 minutes to read with the exercises, and about ten seconds to run on a laptop.
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
import sympy
import torch
from scipy.optimize import linprog
from torch.nn.functional import logsigmoid

from gantut import plots
from gantut.checks import claim
from gantut.device import random_source
from gantut.divergences import optimal_discriminator, value_function
from gantut.games import (
    Game,
    best_response_gaps,
    bilinear,
    eigenvalues,
    play,
    spectral_radius,
    update_matrix,
)
from gantut.lessons import check, show_table
from gantut.lessons.no_equilibrium import xy_game
from gantut.lessons.no_equilibrium.plots import (
    plot_averages,
    plot_mixtures,
    plot_spectrum,
    plot_vector_field,
)

# %% [markdown]
# ## What we are looking for
#
# Player one chooses a strategy $x$ and wants its loss $f(x,y)$ small; player two chooses $y$ and wants $g(x,y)$ small.
# Neither controls the other's choice. If $g=-f$, one player's gain is the other's loss: the game is **zero-sum** and
# can be written $\min_x\max_yf(x,y)$. The minimax GAN of lesson 3 is of this kind, with the generator as $x$, the
# discriminator as $y$, and the value $V(D,G)$ as $f$. (With the generator's usual loss, $-\log D$, a GAN is not
# zero-sum. Lesson 5 is about that loss; below we say what changes.)
#
# A pair $(x^*,y^*)$ is a **Nash equilibrium** {cite}`nash1951` if neither player can gain by moving alone:
#
# $$ f(x^*,y^*)\le f(x,y^*)\ \text{ for all }x,\qquad g(x^*,y^*)\le g(x^*,y)\ \text{ for all }y . $$ (eq-nash)
#
# So two numbers say how far a pair is from equilibrium, namely what each player could still gain with its best answer
# while the other stands still:
#
# $$ \text{gap}_x=f(x,y)-\min_{x'}f(x',y),\qquad \text{gap}_y=g(x,y)-\min_{y'}g(x,y') . $$ (eq-gaps)
#
# Neither is ever negative, and the pair is an equilibrium exactly when both are 0.
#
# **For the minimax GAN**, let the samples be a finite set of places, so that everything can be computed. We know the
# discriminator's best answer from lesson 3: it is $D^*$. The generator's best answer to a fixed $D$ is easier still.
# Its loss $\sum_ip_g(i)\log(1-D(i))$ is an average, so the generator puts all its mass where $\log(1-D)$ is smallest:
# on the place that $D$ takes for real with the most confidence.


# %%
def gan_gaps(p_g, D, p_r):
    """Both gaps of a GAN on finitely many places: what G, then D, can gain."""
    value = value_function(D, p_r, p_g)
    best_for_d = value_function(optimal_discriminator(p_r, p_g), p_r, p_g)
    real_part = (p_r * D.log()).sum()  # of the value; G has no say in it
    best_for_g = real_part + (1 - D).log().min()  # all mass on one place
    return torch.stack([value - best_for_g, best_for_d - value])


# %% tags=["hide-input"]
weights = torch.rand(3, 12, dtype=torch.float64, generator=random_source(1))
p_r, p_g, D = weights[0], weights[1], weights[2]
p_r, p_g = p_r / p_r.sum(), p_g / p_g.sum()  # (12,) each
undecided = torch.full_like(D, 1 / 2)
pairs = {
    ("$p_r$", "1/2"): (p_r, undecided),
    ("$p_r$", "another"): (p_r, D),
    ("another", "1/2"): (p_g, undecided),
    ("another", "its $D^*$"): (p_g, optimal_discriminator(p_r, p_g)),
}
show_table(
    ["$p_g$", "$D$", "gap of G", "gap of D"],
    [
        [*names, *(f"{gap:.3f}" for gap in gan_gaps(*pair, p_r))]
        for names, pair in pairs.items()
    ],
)

# %% [markdown]
# Only the first pair is an equilibrium, and lesson 3 says why there is no other. The discriminator's gap is 0 only for
# $D=D^*$. If $p_g\ne p_r$, put $p=p_r$ into {eq}`eq-subgradient`: since $C(p_r)<C(p_g)$, the integral is negative, so
# against that $D^*$ the generator gains by moving to $p_r$. (The next cell tries two hundred random pairs.) In the third
# row *all* generators do equally well against $D=\frac12$. So at the equilibrium the generator has no reason to move,
# but no reason to stay either. The only thing that keeps it there is what the discriminator would do if it left: a weak
# grip, and the cause of everything below. The last row is the situation of lesson 3: the discriminator is optimal, its
# gap is 0, and the generator's is large.

# %% tags=["hide-input"]
draws = torch.rand(
    2, 100, 12, dtype=torch.float64, generator=random_source(2)
)
others = draws[0] / draws[0].sum(1, keepdim=True)  # generators, (100, 12)
sums = [  # of both gaps: each with its own D*, and each with some D
    gan_gaps(p, discriminator, p_r).sum()
    for p, some in zip(others, draws[1], strict=True)
    for discriminator in (optimal_discriminator(p_r, p), some)
]
claim(
    "gan-equilibrium-unique",
    "smallest sum of both gaps of 200 other pairs",
    torch.stack(sums).min(),
    above=0.05,
)

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Let the generator collapse: put all its mass on the place where $p_r$ is largest, and give it the discriminator $D^*$
# that goes with it. Which of the two gaps is now infinite, and what should that player do?
# :::
#
# **The game of this lesson** is the simplest one with so weak a grip: $f(x,y)=xy$, $g=-xy$. Against $y=0$ every $x$
# loses 0; against any other $y$, player one wants $x$ as far as possible on the other side of 0. Let both numbers lie
# in $[-1,1]$. Then $\min_{x'}x'y=-|y|$ and $\max_{y'}xy'=|x|$, so the gaps are $xy+|y|$ and $|x|-xy$, and their sum is
# $|x|+|y|$. The origin is the only equilibrium.

# %% tags=["hide-input"]
side = torch.linspace(-1, 1, 41, dtype=torch.float64)
pairs = torch.cartesian_prod(side, side)  # (1681, 2)
x, y = pairs[:, :1], pairs[:, 1:]  # (1681, 1) each: one coordinate a player
gaps = best_response_gaps(  # exact, as the best answers are the ends, ±1
    bilinear(), (x, y), xs=side[:, None], ys=side[:, None]
)
surplus = gaps.x + gaps.y - pairs.abs().sum(1)
at_rest = gan_gaps(p_r, undecided, p_r)
claim(
    "nash-equilibrium",
    "gaps of the GAN at p_g = p_r, D = 1/2; of xy, less |x| + |y|",
    torch.stack([*at_rest, surplus.min(), surplus.max()]),
    equals=0.0,
    atol=1e-12,
)

# %% [markdown]
# ## When players need coins
#
# Allow only the two ends, $-1$ and $1$, and the game is called *matching pennies*. Now no pair is an equilibrium:
# whoever has just lost switches, and so on for ever. But a player may also choose at random. A **mixed strategy** is a
# distribution over a player's strategies; a single strategy is called **pure**. Put player one's losses into a matrix
# $L$, with a row for each strategy of player one and a column for each of player two. If the players draw
# independently, with probabilities $p$ for the rows and $q$ for the columns, the mean loss is $p^\top Lq$.
#
# **By hand.** In matching pennies, let the mean of player one's draw be $a$ and that of player two's $b$. The mean of
# the product of two independent draws is $ab$, and all $a,b\in[-1,1]$ can be reached. So the mixed game is the game
# $xy$ of the last section, and its only equilibrium is $a=b=0$: two fair coins.
#
# **For any matrix.** The mean loss is linear in $q$, so player two's best answer to $p$ is a pure one, and player one
# loses $\max_j(p^\top L)_j$. A careful player one makes this number as small as possible, and a careful player two
# reasons in the same way. The **minimax theorem** {cite}`vonneumann1928` says that the two plans fit together:
#
# $$ \min_p\max_j\,(p^\top L)_j=\max_q\min_i\,(Lq)_i . $$ (eq-minimax-theorem)
#
# If $p$ attains the left side and $q$ the right one, and $t^*$ is their common value, then
# $t^*=\max_j(p^\top L)_j\ge p^\top Lq\ge\min_i(Lq)_i=t^*$. All are equal, so neither player can gain: $(p,q)$ is an
# equilibrium.
#
# :::{admonition} Further: a proof of the minimax theorem
# :class: dropdown
# The inequality $\ge$ is the chain just above, which holds for all $p$ and $q$. For $\le$ we need one fact.
#
# *For every matrix $L$, either some mixture $p$ has $p^\top L\le0$ in all columns, or some mixture $q$ has $Lq>0$ in
# all rows.* Let $C$ be the set of all vectors $L^\top p+u$ with $p$ a mixture and $u\ge0$. It is closed and convex. If
# it contains 0, the first case holds. If not, let $y\ne0$ be its point nearest to 0. All other points of $C$ lie beyond
# the plane through $y$ at right angles to it: $y\cdot c\ge\|y\|^2>0$ for all $c\in C$. Since $u$ may be as large as we
# like in any coordinate, no coordinate of $y$ is negative. Divide $y$ by the sum of its coordinates and call the result
# $q$. With $u=0$ and $p$ pure, $c$ is a row of $L$, and so every row has a positive product with $q$: the second case.
#
# Now let $t^*$ be the left side of {eq}`eq-minimax-theorem`, and $t<t^*$. Subtract $t$ from all entries of $L$. No
# mixture $p$ brings all columns of this matrix down to 0, since it would then guarantee a loss of at most $t$. So some
# $q$ has $(Lq)_i-t>0$ in all rows, and the right side of {eq}`eq-minimax-theorem` is larger than $t$. This holds for
# every $t<t^*$; so the right side is at least $t^*$.
# :::
#
# The left side of {eq}`eq-minimax-theorem` is a **linear program**: make $t$ as small as possible, where no column may
# exceed $t$. (The right side is its dual; duality is the subject of {doc}`lesson 10 <10_duality>`.) A solver finds the
# mixtures, here for pennies, and below for two hundred random games. Few of those have a pure equilibrium, and all have
# a mixed one.


# %%
def best_mixture(loss):
    """The mixture of rows with the least guaranteed loss, and that loss."""
    rows, columns = loss.shape
    found = linprog(
        [0] * rows + [1],  # minimise t, the last unknown, where
        A_ub=np.c_[loss.T, -np.ones(columns)],  # no column exceeds t
        b_ub=np.zeros(columns),
        A_eq=[[1] * rows + [0]],  # and the mixture adds up to 1
        b_eq=[1],
        bounds=[(0, None)] * rows + [(None, None)],
    )
    return found.x[:-1], found.fun


pennies = np.array([[1.0, -1.0], [-1.0, 1.0]])  # rows x, columns y: -1, 1
p, least = best_mixture(pennies)
q, most = best_mixture(-pennies.T)  # player two minimises -L

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over the share of the strategy 1 in a player's mixture, from 0 to 1. First panel, player one: the mean loss against each of the other's two strategies, two straight lines that cross at one half with the value 0; the larger of the two, a bold V, is lowest there. Second panel, player two: two such lines, and the smaller of the two, a bold roof, is highest at one half, with the same value 0."}, "figure": {"name": "fig-mixtures", "caption": "Matching pennies. First panel: for each mixture of player one, the mean loss against either answer; the worst of both is least at a fair coin. Second panel: the same for player two, who wants the loss to be large. Both get the same value: that is the minimax theorem."}}
share = np.linspace(0, 1, 101)  # of the strategy 1
mixed = np.stack([1 - share, share])  # (2, 101)
left, right = plots.axes(1, 2, height=2.8, sharey=True)
plot_mixtures(
    (left, right), share, [pennies.T @ mixed, pennies @ mixed], value=least
)
left.set(xlabel="player one: share of 1", ylabel="mean loss")
right.set(xlabel="player two: share of 1")
plots.legend_below(left, right)
plots.show()

# %% tags=["hide-input"]
ends = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
four = torch.cartesian_prod(ends[:, 0], ends[:, 0])
pure = best_response_gaps(
    bilinear(), (four[:, :1], four[:, 1:]), xs=ends, ys=ends
)
with_coins = (p @ pennies).max() - (pennies @ q).min()
claim(
    "pure-equilibrium-may-be-missing",
    "matching pennies: both mixtures; sums of the gaps, pure and mixed",
    [*p, *q, *(pure.x + pure.y), with_coins],
    equals=[0.5] * 4 + [2] * 4 + [0],
    atol=1e-7,  # of the solver
)
games = np.random.default_rng(3).normal(size=(200, 5, 7))
without = games.max(2).min(1) - games.min(1).max(1)  # both players pure
guaranteed = [best_mixture(game)[1] for game in games]
secured = [-best_mixture(-game.T)[1] for game in games]
show_table(
    ["200 random games of 5 by 7 strategies", "number"],
    [
        ["with a pure equilibrium", (without < 1e-12).sum()],
        [
            "with a mixed equilibrium",
            sum(np.isclose(guaranteed, secured, atol=1e-7)),
        ],
    ],
)
claim(
    "minimax-theorem-mixed",
    "what one player guarantees, less what the other secures: 200 games",
    np.array(guaranteed) - np.array(secured),
    equals=0.0,
    atol=1e-7,
)

# %% [markdown]
# ### A GAN that plays pennies
#
# Half of the data are at $-1$ and half at $1$. The generator is so small that it makes a single point, $\theta=-1$ or
# $\theta=1$. The discriminator is $D(x)=\sigma(\psi x)$ with $\psi=-c$ or $\psi=c$, where $\sigma(a)=1/(1+e^{-a})$: it
# can only decide which side to believe. On real data both discriminators score the same, so the value is
# $V(\psi,\theta)=\text{const}+\log\sigma(-\psi\theta)$. This is matching pennies. If the generator sits at 1, the
# discriminator learns to call 1 generated; the generator jumps to $-1$, the discriminator follows, and no pair of
# networks is an equilibrium. (On images this hunt from mode to mode is seen as well: lesson 6.)

# %%
c = 2.0
data = torch.tensor([0.5, 0.5]).double()  # shares of the places -1 and 1
made = torch.eye(2).double()  # of the two generators, all at one place
beliefs = torch.tensor([[c, -c], [-c, c]]).double().sigmoid()  # the two D
V = torch.stack(  # rows: generators; columns: discriminators
    [value_function(beliefs, data, p_g) for p_g in made]
).numpy()
over_generators, value = best_mixture(V)
over_critics, _ = best_mixture(-V.T)

# %% tags=["hide-input"]
sums_of_gaps = V.max(1, keepdims=True) - V.min(0, keepdims=True)
with_coins = (over_generators @ V).max() - (V @ over_critics).min()
claim(
    "gan-mixed-equilibrium",
    "gaps of the four pairs of networks, of two mixtures; both p_g",
    [
        *sums_of_gaps.flatten(),
        with_coins,
        *(over_generators @ made.numpy()),
    ],
    equals=[c] * 4 + [0, 0.5, 0.5],
    atol=1e-7,
)

# %% [markdown]
# The equilibrium consists of two fair coins: the generator tosses one to choose its network, then makes a sample. Each
# of its two networks has collapsed, but together they make exactly the data. So here is what the theorem says about
# GANs, and what it does not.
#
# - **It holds for mixtures**: for distributions *over* generators and *over* discriminators. That is true for finitely
#   many networks, and also if the parameters range over a closed and bounded set on which the value is continuous
#   {cite}`glicksberg1952`. It does not hold for one network against one network, which is what training looks for.
#   Mixtures of moderately many networks come close to an equilibrium {cite}`arora2017`.
# - **Players without limits need no coins.** To draw a network and then a sample is to sample from a mixture of the
#   $p_g$; and a distribution $p_g$ without restrictions can be that mixture by itself. A discriminator does even better
#   with the mean *function* than with a coin, since $V$ is concave in $D$. Here the mean of both functions is
#   $D=\frac12$, but no network of this size can be that.
# - **It holds for zero-sum games**, such as the minimax GAN, or that of lesson 11. With $-\log D$ the game is not
#   zero-sum. Mixed equilibria exist in every finite game {cite}`nash1951`, but there is no common value $t^*$, and
#   {eq}`eq-minimax-theorem` and its linear program say nothing. Lessons 5, 8 and 13 change the losses; each time, ask
#   again which game is being played.
#
# In what follows the strategies are numbers again, every player has one, and the question is whether gradient steps
# find the equilibrium where there is one.
#
# ## The field of two gradients
#
# Each player looks at the slope of its own loss, in its own variable. Together the two slopes make an arrow at every
# pair of strategies,
#
# $$ v(x,y)=\big(\nabla_xf(x,y),\ \nabla_yg(x,y)\big), $$ (eq-field)
#
# and training follows $-v$. It looks like gradient descent, but there is a difference: $v$ is not, in general, the
# gradient of anything. Descent on one common loss would follow a gradient, whose matrix of derivatives is a Hessian.
# That matrix is symmetric, so its eigenvalues are real: such a field pulls or pushes, but never turns. In a zero-sum
# game the off-diagonal blocks of the matrix have *opposite* signs,
#
# $$ J=\begin{pmatrix}\nabla^2_{xx}f&\nabla^2_{xy}f\\-\nabla^2_{yx}f&-\nabla^2_{yy}f\end{pmatrix}, $$ (eq-jacobian)
#
# and that is a rotation. For $xy$ there is nothing else: $v=(y,-x)$ stands at right angles to $(x,y)$ everywhere, and a
# point that followed it continuously would keep its distance from the origin for ever.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of arrows in the plane of x and y. First panel, one loss shared by both players: all arrows point straight at the origin, across the dashed circles. Second panel, the game xy: all arrows run along the dashed circles, counterclockwise around the origin, and none points towards it."}, "figure": {"name": "fig-field", "caption": "The directions in which the players are drawn, that is, minus the field. First panel: one loss for both, half of x² + y². Second panel: the game xy. The field of the game never points towards the equilibrium."}}
left, right = plots.axes(1, 2, height=3.4, sharey=True)
ticks = torch.linspace(-1.5, 1.5, 11, dtype=torch.float64)
points = torch.cartesian_prod(ticks, ticks)
common = Game(*[lambda x, y: (x**2 + y**2).sum(-1) / 2] * 2)
for ax, game, title in (
    (left, common, "one loss for both"),
    (right, bilinear(), "the game xy"),
):
    u, v = (-part.squeeze(-1) for part in game.field(*points.split(1, 1)))
    plot_vector_field(ax, *points.T, u, v, circles=(0.75, 1.5))
    ax.set_title(title)
right.set(ylabel="")
plots.show()

# %% [markdown]
# Training does not move continuously. Its steps have a length, and a step along the tangent of a circle leads outside
# the circle.
#
# ## Both at once
#
# With the learning rate $\eta$, and both players moving at the same time, an iteration is
#
# $$ x\leftarrow x-\eta y,\qquad y\leftarrow y+\eta x,\qquad\text{or}\qquad z\leftarrow Mz,\quad M=\begin{pmatrix}1&-\eta\\\eta&1\end{pmatrix}. $$ (eq-simultaneous)
#
# Write the two numbers as one complex number, $w=x+iy$. Since $(-y)+ix=iw$, an iteration is a multiplication:
#
# $$ w\leftarrow(1+i\eta)\,w . $$ (eq-complex)
#
# Multiplying by $1+i\eta$ multiplies the radius $|w|$ by $\sqrt{1+\eta^2}$ and turns by $\arctan\eta$: in *every*
# iteration, from *every* start. (The matrix says the same: its eigenvalues are $1\pm i\eta$, and
# $M^\top M=(1+\eta^2)I$.)
#
# :::{prf:theorem} Simultaneous steps
# :label: thm-simultaneous
# In the game $xy$, each iteration of simultaneous gradient steps multiplies the distance to the equilibrium by
# $\sqrt{1+\eta^2}$ and turns the point by $\arctan\eta$. From any start but the origin, and for every $\eta>0$, it
# escapes to infinity.
# :::
#
# We let the package play the game, with gradients from automatic differentiation, and compare.

# %%
eta = 0.1
path = play(
    bilinear(), (1.0, 1.0), method="simultaneous", lr=eta, steps=100
)
growth = path.radius[1:] / path.radius[:-1]  # (100,)
angle = torch.atan2(path.y, path.x)[:, 0].diff() % (2 * math.pi)

# %% tags=["hide-input"]
claim(
    "bilinear-simultaneous",
    "growth of the radius and turn, least and most of 100 iterations",
    [growth.min(), growth.max(), angle.min(), angle.max()],
    equals=[math.sqrt(1 + eta**2)] * 2 + [math.atan(eta)] * 2,
    atol=1e-14,
)
show_table(
    ["game $xy$, $\\eta=0.1$", "both at once"],
    [
        ["iterations in a turn", f"{2 * math.pi / math.atan(eta):.2f}"],
        [
            "iterations until the radius doubles",
            f"{2 * math.log(2) / math.log1p(eta**2):.1f}",
        ],
        *(
            [
                f"growth of the radius in {steps} iterations",
                f"{(1 + eta**2) ** (steps / 2):.4g}",
            ]
            for steps in (100, 1000)
        ),
    ],
)

# %% [markdown]
# A widely read introduction {cite}`weng2019` draws this game as curves of $x$, $y$ and $xy$ over a hundred iterations,
# from $x=y=1$ with $\eta=0.1$. The upper panel of the figure is our version. The lower one shows the radius, and that of
# two methods that come next.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over 100 iterations. Top: x, y and their product xy oscillate with growing amplitude; x and y take about 63 iterations for a full turn and reach about 2.2, the product oscillates twice as fast and reaches about 2.6. Bottom: the distance from the equilibrium. For simultaneous steps it rises smoothly from 1.41 to 2.33, for alternating steps it oscillates between 1.35 and 1.41, for extragradient steps it falls smoothly to 0.86."}, "figure": {"name": "fig-oscillation", "caption": "Top: the game xy under simultaneous steps from x = y = 1 with η = 0.1. Bottom: the distance from the equilibrium under three methods. What looks like a growing storm above is a smooth exponential below."}}
rounds = torch.arange(101)
x, y = path.x[:, 0], path.y[:, 0]
top, bottom = plots.axes(2, 1, height=2.4, sharex=True)
plots.lines(
    top,
    rounds,
    {"x": x, "y": y, "xy": x * y},
    colours=[plots.INK, plots.FIFTH, plots.FOURTH],
)
top.legend(loc="upper left", ncols=3)
top.set(ylim=(-2.6, 3.6))
radii = {
    method: play(
        bilinear(), (1.0, 1.0), method=method, lr=eta, steps=100
    ).radius
    for method in ("simultaneous", "alternating", "extragradient")
}
plots.lines(bottom, rounds, radii)
bottom.legend(loc="upper left", ncols=3)
bottom.set(xlabel="iteration", ylabel="radius", ylim=(0, 3.2))
plots.show()

# %% [markdown]
# The text around that picture blames the signs: "once $x$ and $y$ have different signs, every following gradient update
# causes huge oscillation". But {eq}`eq-complex` knows nothing of signs. The radius grows by half a per cent per
# iteration, from the first iteration on, and by the same factor whether the signs are equal or not. The product is
# $xy=\frac12r^2\sin2\varphi$ in terms of the radius and the angle, so it has a peak in every half turn, and from peak
# to peak it grows by $1+\eta^2$ to the power of the iterations in between. The curves swing ever more widely because
# that is how a smooth spiral looks from the side.

# %% tags=["hide-input"]
product = x * y
crest = (product[1:-1] > product[:-2]) & (product[1:-1] > product[2:])
peaks = product[1:-1][crest]
half_turn = math.pi / math.atan(eta)  # 31.5 iterations
claim(
    "weng-fig3",
    "growth of xy from peak to peak, twice",
    peaks[1:] / peaks[:-1],
    equals=[(1 + eta**2) ** half_turn] * 2,
    rtol=0.005,  # true peaks fall between two iterations
)

# %% tags=["hide-input"]
opposite = product < 0
claim(
    "bilinear-sign-claim",
    "growth with opposite signs, less that with equal signs",
    growth[opposite[:-1]].mean() - growth[~opposite[:-1]].mean(),
    equals=0.0,
    atol=1e-14,
)

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Does a smaller learning rate help? Play a thousand iterations with $\eta=0.1$ and ten thousand with $\eta=0.01$, which
# covers the same distance, and compare the radii. (An exercise comes back to this.)
# :::
#
# ## Taking turns
#
# A GAN is not trained like that. In {prf:ref}`alg-gan` the players take turns: the discriminator steps, and then the
# generator responds to the discriminator as it *now* is {cite}`goodfellow2014`. In our game, with $x$ first,
#
# $$ x\leftarrow x-\eta y,\qquad y\leftarrow y+\eta\,x_{\text{new}}=\eta x+(1-\eta^2)y . $$ (eq-alternating)
#
# Each half of the iteration is a shear, which keeps areas, so the matrix of an iteration has determinant 1; its trace
# is $2-\eta^2$. The two eigenvalues solve $\lambda^2-(2-\eta^2)\lambda+1=0$. For $0<\eta<2$ they are not real, so they
# are conjugate, their product is $|\lambda|^2=1$, and both lie **on** the unit circle. Nothing grows and nothing
# shrinks. On which curve does the point move, then? We look for a quadratic form $q(z)=z^\top Sz$ that an iteration
# leaves unchanged. This means $M^\top SM=S$, which is a linear system for the entries of $S$. Up to a factor it has one
# solution:

# %%
rate = sympy.Symbol("eta", positive=True)
a, b, c = sympy.symbols("a b c", real=True)
step_x = sympy.Matrix([[1, -rate], [0, 1]])  # only x moves
step_y = sympy.Matrix([[1, 0], [rate, 1]])  # only y moves
turns = step_y * step_x
S = sympy.Matrix([[a, b], [b, c]])
S.subs(sympy.solve(list(turns.T * S * turns - S), [a, b])) / c

# %% [markdown]
# With $c=1$ the conserved form is
#
# $$ q(x,y)=x^2+y^2-\eta\,xy . $$ (eq-invariant)
#
# For $\eta<2$ its level lines are ellipses, with axes along the diagonals: on $x=y$ the form is $(1-\frac\eta2)r^2$, on
# $x=-y$ it is $(1+\frac\eta2)r^2$. So the radius stays between $\sqrt{q/(1+\frac\eta2)}$ and $\sqrt{q/(1-\frac\eta2)}$
# for ever.
#
# :::{prf:theorem} Alternating steps
# :label: thm-alternating
# In the game $xy$ with $0<\eta<2$, alternating steps that begin with $x$ conserve {eq}`eq-invariant`. From any start
# but the origin the point neither escapes nor converges. The *average* of the iterates converges to the equilibrium,
# with an error of at most a constant divided by the number of iterations.
# :::
#
# :::{prf:proof}
# The first part was just computed. For the average, add up $z_{t+1}-z_t=(M-I)z_t$ over $T$ iterations:
# $z_T-z_0=(M-I)\sum_{t<T}z_t$. Since 1 is not an eigenvalue, $M-I$ has an inverse, and
# $\frac1T\sum_{t<T}z_t=\frac1T(M-I)^{-1}(z_T-z_0)$. The difference $z_T-z_0$ is at most twice the largest radius, and
# the inverse of a matrix multiplies lengths by at most 1 over the smallest singular value of the matrix.
# :::
#
# The following loop plays a hundred thousand iterations.

# %%
x, y, T = 1.0, 1.0, 100_000
orbit = np.empty((T + 1, 2))
orbit[0] = x, y
for t in range(T):
    x -= eta * y
    y += eta * x  # the new x
    orbit[t + 1] = x, y
invariant = (orbit**2).sum(1) - eta * orbit.prod(1)

# %% tags=["hide-input"]
claim(
    "bilinear-alternating",
    "x² + y² - η xy over 100 000 iterations",
    invariant,
    equals=2 - eta,
    atol=1e-12,
)

# %% tags=["hide-input"]
numeric = update_matrix(
    bilinear(), (0.0, 0.0), method="alternating", lr=0.1
)
assert np.allclose(numeric, np.array(turns.subs(rate, 0.1), dtype=float))
shrink = np.linalg.svd(numeric.numpy() - np.eye(2))[1].min()  # of M - I
lengths = [T * np.hypot(*orbit[:T].mean(0)) for T in (100, 1000, 100_000)]
claim(
    "alternating-average",
    "T |average of T iterates|, T = 100, 1000, 100 000",
    lengths,
    below=2 * math.sqrt((2 - eta) / (1 - eta / 2)) / shrink,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: 63 iterates of alternating steps, dots that lie evenly on an ellipse around the origin, slightly longer along one diagonal. Second panel, both axes logarithmic: the distance of the average of T iterates from the origin, for T from 1 to 3000, with dips at each full turn; it comes close to the dashed line of the bound again and again, which falls as one over T, and never crosses it."}, "figure": {"name": "fig-averages", "caption": "Taking turns. First panel: one turn of 63 iterates; they never leave their ellipse. Second panel: the average of the first T iterates goes to the equilibrium, no slower than the bound, a constant over T."}}
times = np.arange(1, 3001)
averages = np.cumsum(orbit[:3000], 0) / times[:, None]
plot_averages(
    plots.axes(1, 2, height=3.0),
    orbit[:63],
    times,
    np.hypot(*averages.T),
    2 * math.sqrt((2 - eta) / (1 - eta / 2)) / shrink / times,
    eta=eta,
)
plots.show()

# %% [markdown]
# So the picture of simultaneous steps is too dark for GANs: they take turns, and in this game players who take turns do
# not spiral out. But they do not settle either. As for the average, the theorem needs a game in which both strategies
# enter linearly. The weights of a network do not, so it does not say that averaging a generator's weights works.
#
# ## Looking ahead
#
# When players take turns, one of them sees what the other has *just* done. What if both could see what the other is
# *about* to do? Suppose that the players use the slopes at the place where the iteration will end,
#
# $$ z_{t+1}=z_t-\eta\,v(z_{t+1}) . $$
#
# In complex numbers $w_{t+1}=w_t+i\eta w_{t+1}$, so each iteration *divides* by $1-i\eta$, and multiplies the radius by
# $1/\sqrt{1+\eta^2}$, which is below 1 for every $\eta$. This **implicit** step (or proximal point method) would be the
# cure. But it is an equation for $z_{t+1}$, and for networks nobody can solve it. We can approximate its factor by the
# first terms of the series $\frac1{1-i\eta}=1+i\eta+(i\eta)^2+\dots$ (for $\eta<1$). The first two terms are the
# simultaneous step. Three terms, $1+i\eta-\eta^2$, are the **extragradient** step {cite}`korpelevich1976`: go where a
# simultaneous step would lead, look at the slopes there, return, and use them,
#
# $$ z_{t+1}=z_t-\eta\,v\big(z_t-\eta\,v(z_t)\big) . $$ (eq-extragradient)
#
# It costs two gradients per iteration. **Optimistic** steps {cite}`popov1980,daskalakis2018` make do with one, by
# extrapolation: if the field has just changed by $v(z_t)-v(z_{t-1})$, it will probably change by about as much again,
# so $v(z_{t+1})\approx2v(z_t)-v(z_{t-1})$:
#
# $$ z_{t+1}=z_t-\eta\,\big(2v(z_t)-v(z_{t-1})\big) . $$ (eq-optimistic)
#
# **Consensus** {cite}`mescheder2017` is another idea: since the field is 0 at an equilibrium, both players also lower
# $\frac\gamma2\|v(z)\|^2$. In the game $xy$ we have $\|v\|=\|z\|$, so the new term is a pull towards the origin,
# $-\eta\gamma z$. Here are the squared moduli of the eigenvalues of an iteration, the largest where there are several:
#
# | method | $\lvert\lambda\rvert^2$ in the game $xy$ | approaches the equilibrium for |
# |---|---|---|
# | simultaneous | $1+\eta^2$ | no $\eta$ |
# | alternating | $1$ (for $\eta\le2$) | no $\eta$ |
# | extragradient | $(1-\eta^2)^2+\eta^2$ | $\eta<1$ |
# | optimistic | $\frac12\big(1+\sqrt{1-4\eta^2}\big)$ (for $\eta\le\frac12$) | $\eta<1/\sqrt3$ |
# | consensus | $(1-\eta\gamma)^2+\eta^2$ | $\eta<2\gamma/(1+\gamma^2)$ |
# | implicit | $1/(1+\eta^2)$ | all $\eta$ |
#
# :::{admonition} Further: the eigenvalues of optimistic steps
# :class: dropdown
# Optimistic steps remember the last field, so one number is not enough. The state is $(w_t,w_{t-1})$, and
# $w_{t+1}=(1+2i\eta)w_t-i\eta w_{t-1}$. A solution of the form $w_t=\mu^t$ needs
#
# $$ \mu^2-(1+2i\eta)\,\mu+i\eta=0,\qquad\mu=\tfrac12\big(1+2i\eta\pm\sqrt{1-4\eta^2}\big) . $$
#
# For $\eta\le\frac12$ the root is real, and the larger $|\mu|^2$ is
# $\frac14(1+\sqrt{1-4\eta^2})^2+\eta^2=\frac12(1+\sqrt{1-4\eta^2})$, below 1. Beyond $\frac12$ the larger root is
# $\mu=\frac12+\frac i2(2\eta+\sqrt{4\eta^2-1})$, whose modulus grows with $\eta$. It is 1 where
# $2\eta+\sqrt{4\eta^2-1}=\sqrt3$, that is, at $\eta=1/\sqrt3$.
# :::
#
# The package knows none of these formulas. It plays one iteration with automatic differentiation and differentiates
# that iteration once more; `spectral_radius` is the largest modulus of the eigenvalues of the result. Here are forty
# learning rates at once:

# %%
rates = torch.linspace(0.0125, 0.5, 40, dtype=torch.float64)
origin = (torch.zeros(1).double(), torch.zeros(1).double())
methods = (
    "simultaneous",
    "alternating",
    "extragradient",
    "optimistic",
    "consensus",
)
found = [
    spectral_radius(bilinear(), origin, method=method, lr=rates)  # (40,)
    for method in methods
]

# %% tags=["hide-input"]
formulas = [
    1 + rates**2,
    torch.ones(40).double(),
    (1 - rates**2) ** 2 + rates**2,
    (1 + torch.sqrt(1 - 4 * rates**2)) / 2,
    (1 - rates) ** 2 + rates**2,  # γ = 1
]
claim(
    "bilinear-lookahead",
    "squared moduli of five methods, forty learning rates",
    torch.stack(found) ** 2,
    equals=torch.stack(formulas),
    atol=1e-6,  # at η = 1/2 two eigenvalues meet: half of the digits are lost
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "The largest modulus of an eigenvalue over the learning rate from 0 to 1. Simultaneous steps lie above 1 and rise. Alternating steps lie on 1. Extragradient falls to 0.87 at a rate of 0.7 and returns to 1 at rate 1. Optimistic falls to 0.71 at rate one half and then shoots up through 1 at about 0.58. Consensus falls fastest at first, to 0.71 at rate one half, and returns to 1 at rate 1. The implicit step falls steadily to 0.71."}, "figure": {"name": "fig-rates", "caption": "The factor by which the distance to the equilibrium is multiplied in an iteration, in the long run. Below the line at 1 a method converges on the game xy. (Consensus: γ = 1. Dots: the implicit step, which nobody can compute for a network.)"}}
ax = plots.axes(height=3.2)
fine = torch.linspace(0.005, 1, 200, dtype=torch.float64)
curves = {
    method: spectral_radius(bilinear(), origin, method=method, lr=fine)
    for method in methods
}
plots.lines(ax, fine, curves)
ax.plot(
    fine[::8],
    1 / torch.sqrt(1 + fine[::8] ** 2),
    ".",
    color=plots.INK,
    label="implicit",
)
ax.axhline(1, color=plots.FAINT, linewidth=1.0, zorder=0)
ax.set(
    xlabel="learning rate η",
    ylabel="factor per iteration",
    ylim=(0.65, 1.25),
)
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
plots.show()

# %% [markdown]
# The next figure shows eigenvalues beside trajectories: every method from the same start with the same, rather large,
# rate. Where the eigenvalues lie outside the circle the point moves outwards, where they lie on it the point keeps its
# distance, and where they lie inside it comes in. The angle of an eigenvalue is the angle of a turn.

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: paths in the plane from one start. Simultaneous steps spiral outwards, alternating steps close an ellipse, extragradient, optimistic and consensus steps spiral into the origin. Second panel: eigenvalues in the complex plane with imaginary parts near plus and minus 0.4, with the unit circle. The pair of simultaneous steps lies outside, that of alternating steps on the circle, those of the three others inside; optimistic steps have two more, at 0.2 plus and minus 0.4 i."}, "figure": {"name": "fig-eigenvalues", "caption": "Five methods on the game xy with η = 0.4. First panel: 25 iterations from the ring (8 of simultaneous steps). Second panel: the eigenvalues of an iteration, and the unit disc."}}
left, right = plots.axes(1, 2, height=3.9)
routes, spectra = {}, {}
for method in methods:
    steps = 8 if method == "simultaneous" else 25
    walk = play(bilinear(), (1.0, 0.0), method=method, lr=0.4, steps=steps)
    routes[method] = walk.x[:, 0], walk.y[:, 0]
    spectra[method] = eigenvalues(bilinear(), origin, method=method, lr=0.4)
plots.paths(left, routes)
plot_spectrum(right, spectra)
left.set(xlim=(-2.0, 1.5), ylim=(-1.6, 1.9))
right.set(xlim=(-0.15, 1.25), ylim=(-0.7, 0.7))
plots.legend_below(left, right)
plots.show()

# %% [markdown]
# Now vary the learning rate yourself. At which rate does a second method leave the disc, and what does its path look
# like then? Watch the four eigenvalues of optimistic steps meet and part; and find the rate at which consensus with
# $\gamma=1$ converges fastest.

# %%
xy_game()

# %% [markdown]
# Small differences in the factor become large ones in the distance. A thousand iterations with $\eta=0.1$ multiply the
# distance by 145 with simultaneous steps, and by less than 0.01 with extragradient or optimistic steps.

# %% tags=["hide-input"]
factors = [
    play(bilinear(), (1.0, 1.0), method=method, lr=eta, steps=1000).radius[
        -1
    ]
    / math.sqrt(2)
    for method in ("simultaneous", "extragradient", "optimistic")
]
now = before = 1 + 1j  # optimistic steps, written out
for _ in range(1000):
    now, before = (1 + 2j * eta) * now - 1j * eta * before, now
by_formula = [
    (1 + eta**2) ** 500,
    ((1 - eta**2) ** 2 + eta**2) ** 500,
    abs(now) / math.sqrt(2),
]
claim(
    "nash-no-guarantee",
    "1000 iterations of three methods multiply the distance by",
    factors,
    equals=by_formula,
    rtol=1e-7,
)

# %% [markdown]
# It is said of GANs that there is *no guarantee* that gradient steps find an equilibrium. That is right, and this game
# is a proof: a guarantee that held for simultaneous or for alternating steps would have to hold here. The game *cannot*
# promise the opposite for the other methods. Extragradient and optimistic steps converge here, and at small rates they
# are known to converge in every smooth zero-sum game that has an equilibrium and whose value is convex in $x$ and
# concave in $y$ {cite}`korpelevich1976,popov1980`. The value of two networks is neither. What can be said there is
# local: it concerns the neighbourhood of an equilibrium, and it depends on the game.
#
# ## A GAN with two numbers
#
# Is any of this about GANs? Here is one that is small enough for our matrices and large enough to be a GAN
# {cite}`mescheder2018`. The data are $N(0,s)$, with a known width $s$. The generator has one parameter, the place where
# it puts its samples: it makes $\theta+sz$ with $z\sim N(0,1)$. The discriminator has one, too: its logit is $\psi x$, a
# straight line. The value is that of lesson 3 (so this is the minimax game),
#
# $$ V(\psi,\theta)=\mathbb E\,\log\sigma(\psi sz)+\mathbb E\,\log\big(1-\sigma(\psi(\theta+sz))\big). $$ (eq-small-gan)
#
# The generator lowers $V$ in $\theta$, the discriminator raises it in $\psi$. At $\theta=\psi=0$ the samples are right
# and $D=\frac12$: it is an equilibrium. With $s=0$ all data lie on one point; this is known as the **Dirac-GAN**. The
# expectations are sums over Gauss–Hermite nodes, exact to many digits, so that no sampling noise hides what we want to
# see.

# %%
nodes, masses = np.polynomial.hermite_e.hermegauss(40)
z = torch.from_numpy(nodes)
mass = torch.from_numpy(masses / masses.sum())  # of N(0, 1) at the nodes


def small_gan(s, gamma=0.0):
    """Generator θ + s z, discriminator σ(ψ x), data N(0, s), penalty γ ψ²/2."""

    def value(theta, psi):  # (..., 1) each
        on_real = logsigmoid(psi * s * z)
        on_made = logsigmoid(-psi * (theta + s * z))  # log(1 - D)
        return (mass * (on_real + on_made)).sum(-1)

    def loss_of_d(theta, psi):
        return -value(theta, psi) + gamma / 2 * psi.square().sum(-1)

    return Game(value, loss_of_d)


# %% [markdown]
# **All data at one point.** With $s=0$ only one term depends on the parameters,
# $V=\text{const}+\log(1-\sigma(\psi\theta))$, and close to the origin it is $-\frac12\psi\theta$: up to the sign of one
# player and a factor, the game $xy$. (Take away the sigmoid and the logarithm, as the Wasserstein GAN of lesson 11
# does, and $V=-\psi\theta$ is exactly that game, for every $s$.) So all that we know carries over, with $\frac\eta2$ in
# place of $\eta$: the squared moduli are $1+\frac14\eta^2$ and 1. And simultaneous steps lead away from every starting
# point, not only from those near by: the field of the minimax game is $\sigma(\psi\theta)\,(-\psi,\theta)$, which
# stands at right angles to $(\theta,\psi)$ everywhere, so every iteration lengthens the radius. For alternating steps
# the eigenvalues say only that there is no steady approach; {numref}`fig-small-gan` shows where they lead. So the
# trouble is not that networks are too small, gradients too noisy or steps too long: it is the game itself.

# %% tags=["hide-input"]
rates = torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
at_once, in_turns = (
    spectral_radius(small_gan(0.0), origin, method=method, lr=rates)
    for method in ("simultaneous", "alternating")
)
claim(
    "dirac-gan",
    "squared moduli of the Dirac-GAN, simultaneous and alternating",
    torch.cat([at_once, in_turns]) ** 2,
    equals=torch.cat([1 + rates**2 / 4, torch.ones(3).double()]),
    atol=1e-12,
)

# %% [markdown]
# **Data with a width, or a penalty.** Now let $s>0$. To second order in both parameters (differentiate
# {eq}`eq-small-gan` twice at the origin, where $\sigma'=\frac14$),
#
# $$ V\approx-2\log2-\tfrac12\psi\theta-\tfrac14s^2\psi^2 . $$ (eq-small-gan-expansion)
#
# The last term is new, and it concerns the discriminator alone: where real and generated samples overlap, a steep
# discriminator pays for being too sure. We can add such a term even when the data do not provide it. The **$R_1$
# penalty** {cite}`mescheder2018` adds $\frac\gamma2\,\mathbb E\|\nabla_xa(x)\|^2$ over real samples to the
# discriminator's loss, with $a$ the logit. Here $a=\psi x$, so the penalty is $\frac\gamma2\psi^2$. Width and penalty
# together give the matrix of derivatives {eq}`eq-jacobian`
#
# $$ J=\begin{pmatrix}0&-\frac12\\\frac12&\kappa\end{pmatrix},\qquad\kappa=\gamma+\tfrac12s^2, $$ (eq-friction)
#
# and the entry $\kappa$ is **friction**. The eigenvalues $\mu$ of $J$ have product $\frac14$ and sum $\kappa$. For
# $\kappa<1$ they are conjugate, and a simultaneous iteration, whose eigenvalues are $\lambda=1-\eta\mu$, has
# $|\lambda|^2=(1-\eta\mu)(1-\eta\bar\mu)=1-\eta\kappa+\frac14\eta^2$. That is below 1 as soon as $\eta<4\kappa$.
#
# **With $-\log D$.** Let the generator descend $-\mathbb E\log\sigma(\psi(\theta+sz))$ instead, its usual loss. Then
# the game is not zero-sum, and farther out it is another game. But where $D=\frac12$ the two losses of the generator
# have the same slope in the logit, $-\frac12$, so to first order nothing changes: $J$ is the same, and so are the
# eigenvalues. (Where they lie on the circle they do not decide: when the players take turns, this game approaches its
# equilibrium slowly, see {doc}`lesson 16 <16_which_games_converge>`.) The next cell checks the formula for nine
# combinations of width and penalty, and the other loss for six.

# %% tags=["hide-input"]
modulus, expected = [], []
for s in (0.0, 0.5, 1.0):
    for gamma in (0.1, 0.25, 0.45):
        factor = spectral_radius(small_gan(s, gamma), origin, lr=0.2)
        modulus.append(factor**2)
        expected.append(1 - 0.2 * (gamma + s**2 / 2) + 0.2**2 / 4)
claim(
    "dirac-gan-friction",
    "squared moduli for nine widths and penalties",
    modulus,
    equals=expected,
    atol=1e-12,
)


def usual_gan(s, gamma=0.0):
    """As small_gan, with the generator's loss -log D."""
    minimax = small_gan(s, gamma)

    def loss_of_g(theta, psi):
        return -(mass * logsigmoid(psi * (theta + s * z))).sum(-1)

    return Game(loss_of_g, minimax.g)


settings = [(s, gamma) for s in (0.0, 0.5, 1.0) for gamma in (0.0, 0.25)]
usual, zero_sum = (
    torch.stack(
        [eigenvalues(game(*own), origin, lr=0.2) for own in settings]
    )
    for game in (usual_gan, small_gan)
)
claim(
    "dirac-gan-usual-loss",
    "eigenvalues with -log D less those of minimax, six settings",
    (usual - zero_sum).abs().max(),
    below=1e-12,
)

# %% [markdown]
# The eigenvalues describe the neighbourhood of the equilibrium. The paths of the whole game, which is not linear, tell
# the same story from farther away:

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with paths in the plane of theta and psi, all from theta = 1, psi = 0. First panel, data at one point: simultaneous steps spiral outwards, alternating steps go round on a closed curve. Second panel: with an R1 penalty, and with data of width 1, the paths spiral into the origin."}, "figure": {"name": "fig-small-gan", "caption": "A GAN with two parameters: θ, where the samples are, and ψ, the slope of the discriminator's logit. First panel: all data at one point. Second panel: simultaneous steps with an R₁ penalty, and with data of width 1. Rate 0.2, 300 iterations."}}
left, right = plots.axes(1, 2, height=3.6)
start = (1.0, 0.0)


def route(game, method="simultaneous"):
    walk = play(game, start, method=method, lr=0.2, steps=300)
    return walk.x[:, 0], walk.y[:, 0]


plots.paths(
    left,
    {
        "simultaneous": route(small_gan(0.0)),
        "alternating": route(small_gan(0.0), "alternating"),
    },
    dashes=("-", "-"),
)
left.set(xlim=(-2.8, 2.8), ylim=(-2.8, 2.8))
right.set(xlim=(-0.7, 1.3), ylim=(-1.2, 0.8))
plots.paths(
    right,
    {
        "penalty γ = 0.3": route(small_gan(0.0, 0.3)),
        "width s = 1": route(small_gan(1.0)),
    },
    colours=plots.COLOURS[2:],
    dashes=plots.DASHES[:2],
)
for ax, title in ((left, "data at one point"), (right, "with friction")):
    ax.set(xlabel="θ (generator)", ylabel="ψ (discriminator)", title=title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
plots.show()

# %% [markdown]
# To second order, the width does what the penalty does: $\frac12s^2$ and $\gamma$ enter {eq}`eq-friction` in the same
# way. That is why we can also *add* noise of width $s$ to all samples, real and generated
# {cite}`arjovsky2017principled,roth2017`: near the equilibrium that is a penalty in disguise.
#
# :::{admonition} Try it
# :class: tip
# Make the penalty smaller, `route(small_gan(0.0, 0.04))`. Why does this GAN not come to rest at the rate 0.2, and at
# which smaller rate would it?
# :::
#
# ### What carries over, and what does not
#
# **It does.** In every GAN, the eigenvalues of one iteration at an equilibrium decide whether small deviations die out,
# unless one lies exactly on the unit circle. For data with a density, and a discriminator that can make use of it, they
# do die out if the steps are small {cite}`nagarajan2017`; for data on thin sets they need not, and an $R_1$ penalty
# repairs it {cite}`mescheder2018`. With two different learning rates, the slower for the generator, stochastic steps
# converge to a local equilibrium under suitable assumptions {cite}`heusel2017`. Measured eigenvalues of trained GANs do
# have imaginary parts: there is rotation in practice {cite}`berard2020`.
#
# **It does not.** These are statements about *neighbourhoods*: they say nothing about how to get there. One network
# against one network may have many equilibria, or none. Real gradients come from batches, and on a circle nothing
# counteracts their noise. Adam is not one of the methods of this lesson, and an extragradient step costs twice as much
# as a simultaneous one. Which of these matters for images is a question for experiments, not for a game with two
# numbers. But the game does settle one thing: a GAN whose losses oscillate for ever need not have a bug.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-mix-two-rows
# Player one has two strategies and player two has two. Player one's losses are $a$ and $b$ in the first row and $c$ and
# $d$ in the second; the game is zero-sum and has no pure equilibrium. Derive the probability with which player one
# chooses the first row in the mixed equilibrium. Write it with the symbols `a`, `b`, `c`, `d` of sympy, and try it on
# matching pennies.
# :::
#
# :::{hint}
# :class: dropdown
# Write down what player one loses on average against each column if it chooses the first row with probability $p$.
# Could the two numbers differ in an equilibrium in which player two needs a coin?
# :::

# %%
from sympy import symbols

a, b, c, d = symbols("a b c d", real=True)
answer = ...
check("mix-two-rows", answer)

# %% [markdown]
# :::{solution} ex-mix-two-rows
# :class: dropdown
# *Step 1.* If player one chooses the first row with probability $p$, it loses on average $\ell_1(p)=pa+(1-p)c$ against
# the first column and $\ell_2(p)=pb+(1-p)d$ against the second.
#
# *Step 2.* In the equilibrium the two are equal. Suppose that $\ell_1>\ell_2$. Then player two's only best answer is
# the first column, a pure strategy. Player one's best answer to it is the row with the smaller of $a$ and $c$; if that
# is only one of the rows, both players are pure, which was excluded. If $a=c$, both rows are best answers to the first
# column, and since $\ell_1=a$ exceeds the mixture $\ell_2$ of $b$ and $d$, it exceeds $b$ or $d$, so that the first
# column and the row of that number are a pure equilibrium, again excluded. In the same way $\ell_1<\ell_2$ is
# impossible.
#
# *Step 3.* Solve $pa+(1-p)c=pb+(1-p)d$: collect $p(a-b-c+d)=d-c$, and divide. (The divisor is not 0: otherwise
# $a-b=c-d$, so one of the columns would be at least as good for player two in both rows, and there would be a pure
# equilibrium.) For matching pennies it is $\frac{1+1}{1+1+1+1}=\frac12$.
#
# ```python
# from sympy import symbols
#
# a, b, c, d = symbols("a b c d", real=True)
# answer = (d - c) / (a - b - c + d)
# ```
# :::
#
# :::{exercise}
# :label: ex-smaller-steps
# With $\eta=0.1$, a thousand simultaneous iterations multiply the radius by 144.77. Halve the learning rate and play
# twice as many iterations, so that the players turn by about the same angle. By which factor is the radius multiplied
# now?
# :::
#
# :::{hint}
# :class: dropdown
# How much does a *single* iteration stretch the radius, by {prf:ref}`thm-simultaneous`? First make sure that your
# formula gives the 144.77, then change the rate and the number of iterations.
# :::

# %%
answer = ...
check("smaller-steps", answer)

# %% [markdown]
# :::{solution} ex-smaller-steps
# :class: dropdown
# Two thousand iterations at $\sqrt{1+0.05^2}$ each: $1.0025^{1000}=12.14$. Over a time $\tau=\eta t$ the radius grows
# by about $e^{\tau\eta/2}$: smaller steps escape more slowly, but they escape.
#
# ```python
# answer = (1 + 0.05**2) ** (2000 / 2)
# ```
# :::
#
# :::{exercise}
# :label: ex-y-moves-first
# Let $y$ move first: $y\leftarrow y+\eta x$, then $x\leftarrow x-\eta\,y_{\text{new}}$. Derive the quadratic form in
# $x$ and $y$, with $x^2$ as one of its terms, that is conserved. Write it with the symbols `x`, `y`, `eta` of sympy.
# :::
#
# :::{hint}
# :class: dropdown
# It can be done without computing: give the players new names, so that this iteration becomes {eq}`eq-alternating`, and
# rename them in {eq}`eq-invariant` too. Is it enough to exchange $x$ and $y$, or does a sign change as well?
# :::

# %%
from sympy import symbols

x, y, eta = symbols("x y eta", positive=True)
answer = ...
check("y-moves-first", answer)

# %% [markdown]
# :::{solution} ex-y-moves-first
# :class: dropdown
# *By new names.* Put $X=y$ and $Y=-x$. Then the first half, $y\leftarrow y+\eta x$, is $X\leftarrow X-\eta Y$, and the
# second, $x\leftarrow x-\eta y_{\text{new}}$, is $Y\leftarrow Y+\eta X_{\text{new}}$. That is {eq}`eq-alternating`, so
# $X^2+Y^2-\eta XY=x^2+y^2+\eta xy$ is conserved.
#
# *By computing.* Let $y'=y+\eta x$ and $x'=x-\eta y'$. Then $x'^2+\eta x'y'=x'(x'+\eta y')=x'x=(x-\eta y')x$. So
#
# $$
# \begin{aligned}
# x'^2+y'^2+\eta x'y'&=x^2-\eta xy'+y'^2=x^2+y'(y'-\eta x)\\
# &=x^2+(y+\eta x)y=x^2+y^2+\eta xy .
# \end{aligned}
# $$
#
# ```python
# from sympy import symbols
#
# x, y, eta = symbols("x y eta", positive=True)
# answer = x**2 + y**2 + eta * x * y
# ```
# :::
#
# :::{exercise}
# :label: ex-false-rest
# Not every point of rest is an equilibrium. Take $f(x,y)=-\frac12x^2+2xy-y^2$ and $g=-f$. At the origin both
# gradients vanish, but against $y=0$ player one has its *largest* loss there: any move is a gain. Nevertheless
# simultaneous steps approach the origin if the rate is small. Up to which rate? (By hand, or with
# `gantut.games.quadratic(-1.0, 2.0, 2.0)` and `spectral_radius`.)
# :::
#
# :::{hint}
# :class: dropdown
# Write down the matrix $J$ of {eq}`eq-jacobian`, with $g=-f$; an iteration multiplies small deviations by $I-\eta J$.
# If the two eigenvalues of such a matrix are conjugate, what is their product, and how is it related to $|\lambda|^2$?
# :::

# %%
answer = ...
check("false-rest", answer)

# %% [markdown]
# :::{solution} ex-false-rest
# :class: dropdown
# The matrix of derivatives is $J=\begin{pmatrix}-1&2\\-2&2\end{pmatrix}$, with trace 1 and determinant 2. Its
# eigenvalues $\frac12(1\pm i\sqrt7)$ are conjugate, so $|\lambda|^2$ is the determinant of an iteration $I-\eta J$,
# which is $1-\eta+2\eta^2$. That is below 1 for $\eta<\frac12$. The other player's convexity holds the pair together;
# steps that come to rest prove nothing about {eq}`eq-nash`.
#
# ```python
# from gantut.games import quadratic
#
# game, slow, fast = quadratic(-1.0, 2.0, 2.0), 0.01, 1.0
# for _ in range(50):  # slow approaches, fast escapes: halve the distance
#     rate = (slow + fast) / 2
#     if spectral_radius(game, (0.0, 0.0), lr=rate) < 1:
#         slow = rate
#     else:
#         fast = rate
# answer = slow
# ```
# :::
#
# ## What to remember
#
# - At an equilibrium neither player gains by moving alone; the two best-response gaps measure how far off a pair is.
# - In a zero-sum game an equilibrium exists among *mixtures* (the minimax theorem), found by a linear program. One
#   network against one network may have none; and without the zero sum there is no common value.
# - Two gradients make a field that can rotate. In the game $xy$ it does nothing else: simultaneous steps spiral out by
#   $\sqrt{1+\eta^2}$ per iteration, alternating steps stay on an ellipse, and only their average converges.
# - Looking ahead, by actually going there (extragradient) or by extrapolation (optimistic), brings the eigenvalues
#   inside the unit circle; so does friction.
# - A GAN whose data lie at one point plays this game, near its equilibrium with either loss of the generator. Data with
#   a width, or a gradient penalty on the discriminator, add the friction that it lacks.
#
# **Sources.** The game is in {cite}`salimans2016` and {cite}`weng2019`, and its methods are compared in
# {cite}`gidel2019`. Lookahead: {cite}`korpelevich1976`, {cite}`popov1980`, {cite}`daskalakis2018`; consensus:
# {cite}`mescheder2017`. The small GAN, its eigenvalues and $R_1$ are from {cite}`mescheder2018`; the quadrature for
# data with a width, and the GAN that plays pennies, are ours. What had to be corrected is listed under {doc}`errata`.
