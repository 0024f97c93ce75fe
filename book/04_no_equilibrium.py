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
# Lesson 3 gave the discriminator all the time it wanted. In training nobody waits: both players step, again and
# again, each along its own gradient. A single loss that is followed downhill long enough comes to rest. **What
# happens when two players go downhill at once, each on a slope that the other one tilts?** The smallest game that
# shows it has one number for each player, and everything about it can be computed with a matrix of two rows.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what an equilibrium is, and measure how far a pair of strategies is from one; why
# simultaneous steps run away from it and alternating steps circle it; how looking one step ahead cures both; and how to
# read from the eigenvalues of one iteration what a thousand iterations will do, for this game and for a small GAN.
#
# **You need** {doc}`lesson 3 <03_optimal_discriminator>`, complex numbers, and the eigenvalues of a matrix.
#
# **It takes** an hour and a quarter to read with the exercises, and about ten seconds to run on a laptop.
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
import sympy
import torch
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
from gantut.lessons import check
from gantut.lessons.no_equilibrium import xy_game
from gantut.lessons.no_equilibrium.plots import (
    plot_spectrum,
    plot_vector_field,
)

# %% [markdown]
# ## What we are looking for
#
# Player one chooses a strategy $x$ and wants its loss $f(x,y)$ small; player two chooses $y$ and wants $g(x,y)$ small.
# Neither controls the other's choice. If $g=-f$, what one wins the other loses: the game is **zero-sum** and can be
# written $\min_x\max_yf(x,y)$. The minimax GAN of lesson 3 is of this kind, with the generator as $x$, the
# discriminator as $y$, and the value $V(D,G)$ as $f$. (With the generator's loss in common use, $-\log D$, a GAN is not
# zero-sum. That is a matter for lesson 5; below we say what changes.)
#
# A pair $(x^*,y^*)$ is a **Nash equilibrium** {cite}`nash1951` if neither player can gain by moving alone:
#
# $$ f(x^*,y^*)\le f(x,y^*)\ \text{ for all }x,\qquad g(x^*,y^*)\le g(x^*,y)\ \text{ for all }y . $$ (eq-nash)
#
# So two numbers say how far a pair is from equilibrium: what each player could still gain if it answered as well as
# possible while the other stood still:
#
# $$ \text{gap}_x=f(x,y)-\min_{x'}f(x',y),\qquad \text{gap}_y=g(x,y)-\min_{y'}g(x,y') . $$ (eq-gaps)
#
# Neither is ever negative, and the pair is an equilibrium exactly when both are 0.
#
# **For the minimax GAN**, let the samples be a finite set of places, so that everything can be computed. The
# discriminator's best answer is known from lesson 3: it is $D^*$. The generator's best answer against a fixed $D$ is
# easier still. Its loss $\sum_ip_g(i)\log(1-D(i))$ is an average, so it puts all its mass where $\log(1-D)$ is
# smallest, that is, on the one place that $D$ is most inclined to call real.


# %%
def gan_gaps(p_g, D, p_r):
    """Both gaps of a GAN on finitely many places: what G, then D, can gain."""
    value = value_function(D, p_r, p_g)
    best_for_d = value_function(optimal_discriminator(p_r, p_g), p_r, p_g)
    real_part = (p_r * D.log()).sum()  # of the value; G has no say in it
    best_for_g = real_part + (1 - D).log().min()  # all mass on one place
    return torch.stack([value - best_for_g, best_for_d - value])


weights = torch.rand(3, 12, dtype=torch.float64, generator=random_source(1))
p_r, p_g, D = weights[0], weights[1], weights[2]
p_r, p_g = p_r / p_r.sum(), p_g / p_g.sum()  # (12,) each
undecided = torch.full_like(D, 1 / 2)
for name, pair in {
    "p_g = p_r, D = 1/2": (p_r, undecided),
    "p_g = p_r, some D ": (p_r, D),
    "some p_g,  D = 1/2": (p_g, undecided),
    "some p_g,  its D* ": (p_g, optimal_discriminator(p_r, p_g)),
}.items():
    print(
        name, "gaps of G and D: {:.3f} {:.3f}".format(*gan_gaps(*pair, p_r))
    )

# %%
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
# Only the first pair is an equilibrium, and lesson 3 says why there is no other: the discriminator's gap is 0 only for
# $D=D^*$, where the value is $2\operatorname{JS}-2\log2$, and a generator with $p_g\ne p_r$ could do better against
# that $D^*$. We ask two hundred random pairs, too. At the equilibrium, as in the third line, *all* generators do
# equally well against $D=\frac12$, so the generator has no reason to move; but it has no reason to stay either. All
# that keeps it there is what the discriminator would do if it left: a weak grip, and the cause of all that follows. The
# last line is the situation of lesson 3, a perfect discriminator: its own gap is 0 and the generator's is large.
#
# **The game of this lesson** is the simplest with this feature: $f(x,y)=xy$, $g=-xy$. Against $y=0$ every $x$ loses 0;
# against any other $y$, player one wants $x$ as far as possible on the other side of 0. Suppose that both numbers must
# lie in $[-1,1]$. Then $\min_{x'}x'y=-|y|$ and $\max_{y'}xy'=|x|$, the gaps are $xy+|y|$ and $|x|-xy$, and together
#
# $$ \text{gap}_x+\text{gap}_y=|x|+|y| . $$ (eq-bilinear-gap)
#
# The origin is the only equilibrium. `best_response_gaps` takes finite lists of strategies; the best answers here are
# $\pm1$, so a grid that ends there is exact.

# %%
side = torch.linspace(-1, 1, 41, dtype=torch.float64)
pairs = torch.cartesian_prod(side, side)  # (1681, 2)
x, y = pairs[:, :1], pairs[:, 1:]  # (1681, 1) each: one coordinate a player
gaps = best_response_gaps(
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
# **Pure and mixed strategies.** With fewer strategies a pair of this kind, a *pure* equilibrium, need not exist. Give
# both players only $-1$ and $1$ (the game is then called matching pennies). The sum of the gaps is 2 for all four
# pairs: whoever has lost switches, and so on for ever. But the players may toss coins, that is, **mix** their
# strategies. If $x=1$ has the probability $\frac12(1+a)$, its mean is $a$; if $y$ is tossed independently with mean
# $b$, the mean loss is $ab$. So the mixed game of two strategies is the game $xy$ on $[-1,1]$ again, and two fair coins
# are its equilibrium. This is Nash's theorem: every game with finitely many strategies has an equilibrium, if the
# players may mix {cite}`nash1951`.

# %%
pennies = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
four = torch.cartesian_prod(pennies[:, 0], pennies[:, 0])
pure = best_response_gaps(
    bilinear(), (four[:, :1], four[:, 1:]), xs=pennies, ys=pennies
)
loss = pennies @ pennies.T  # of player one: row x, column y
fair = torch.full((2,), 1 / 2, dtype=torch.float64)  # a coin each
mean_loss = fair @ loss @ fair
best_x, best_y = (loss @ fair).min(), (fair @ loss).max()  # pure answers
claim(
    "pure-equilibrium-may-be-missing",
    "matching pennies: sums of the gaps, four pure pairs and fair coins",
    [*(pure.x + pure.y), mean_loss - best_x + best_y - mean_loss],
    equals=[2, 2, 2, 2, 0],
    atol=1e-12,
)

# %% [markdown]
# (Against a mixture no mixture does better than the best pure answer, since a mean is never below the least of its
# terms; so the last cell needs to try only two answers for each player.) In the unrestricted GAN nobody needs a coin: a
# distribution $p_g$ is a mixture of places already. Networks of a given size are another matter. The mean of two
# discriminators is, as a rule, not a network of that size, so a pure equilibrium may be missing; and a pair of
# networks, one for each player, is all that training looks for.

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Let the generator of the first cell collapse: put all its mass on the place where $p_r$ is largest, and let the
# discriminator be the $D^*$ that goes with it. Which of the two gaps is now infinite, and what should that player do?
# :::
#
# ## The field of two gradients
#
# Each player looks at the slope of its own loss, in its own variable. Together the two slopes make an arrow at
# every pair of strategies,
#
# $$ v(x,y)=\big(\nabla_xf(x,y),\ \nabla_yg(x,y)\big), $$ (eq-field)
#
# and training follows $-v$. It looks like gradient descent, but there is a difference: $v$ is not, in general,
# the gradient of anything. Descent on one common loss $\ell(x,y)$ would follow $(\nabla_x\ell,\nabla_y\ell)$, whose
# matrix of derivatives is the Hessian. It is symmetric, so its eigenvalues are real: such a field pulls or pushes,
# but never turns. In a zero-sum game the off-diagonal blocks of the matrix have *opposite* signs,
#
# $$ J=\begin{pmatrix}\nabla^2_{xx}f&\nabla^2_{xy}f\\-\nabla^2_{yx}f&-\nabla^2_{yy}f\end{pmatrix}, $$ (eq-jacobian)
#
# and that is a rotation. For $xy$ there is nothing else: $v=(y,-x)$ stands at right angles to $(x,y)$ everywhere,
# and whoever follows it continuously keeps its distance from the origin for ever.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of arrows in the plane of x and y. Left, one loss shared by both players: all arrows point straight at the origin, across the dashed circles. Right, the game xy: all arrows run along the dashed circles, counterclockwise around the origin, and none points towards it."}, "figure": {"name": "fig-field", "caption": "The directions in which the players are drawn, that is, minus the field. Left: one loss for both, half of x² + y². Right: the game xy. The right field never points towards the equilibrium."}}
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
# Nobody follows a field continuously. Steps have a length, and a step along the tangent of a circle leads outside the
# circle.
#
# ## Both at once
#
# With the learning rate $\eta$, and both players moving at the same time, an iteration reads
#
# $$ x\leftarrow x-\eta y,\qquad y\leftarrow y+\eta x,\qquad\text{or}\qquad z\leftarrow Mz,\quad M=\begin{pmatrix}1&-\eta\\\eta&1\end{pmatrix}. $$ (eq-simultaneous)
#
# It becomes one multiplication if the two numbers are read as one complex number, $w=x+iy$. Then $(-y)+ix=iw$, and
#
# $$ w\leftarrow(1+i\eta)\,w . $$ (eq-complex)
#
# Multiplying by $1+i\eta$ multiplies the radius $|w|$ by $\sqrt{1+\eta^2}$ and turns by $\arctan\eta$: in *every*
# iteration, from *every* start. The same can be read off the matrix, whose eigenvalues are $1\pm i\eta$, and for which
# $M^\top M=(1+\eta^2)I$.
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
claim(
    "bilinear-simultaneous",
    "growth of the radius and turn, least and most of 100 iterations",
    [growth.min(), growth.max(), angle.min(), angle.max()],
    equals=[math.sqrt(1 + eta**2)] * 2 + [math.atan(eta)] * 2,
    atol=1e-14,
)
print(f"one turn takes {2 * math.pi / math.atan(eta):.4f} steps")
print(f"the radius doubles in {math.log(2) / math.log1p(eta**2) * 2:.2f}")
for rounds in (100, 1000):
    print(
        f"after {rounds} it is {(1 + eta**2) ** (rounds / 2):.4f} times as large"
    )

# %% [markdown]
# ### The picture, and what it leaves out
#
# A widely read introduction {cite}`weng2019` draws this game as curves of $x$, $y$ and $xy$ over a hundred iterations,
# from $x=y=1$ with $\eta=0.1$. The upper panel is our version. The lower one adds the radius, along with those of two
# methods that we come to below.

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
# The product is $xy=\frac12r^2\sin2\varphi$ in terms of the radius and the angle. So it has a peak in every half turn,
# which takes $\pi/\arctan\eta$ iterations, and from peak to peak it should grow by $(1+\eta^2)$ to that power (a little
# more or less, because the true peaks fall between two iterations).

# %%
product = x * y
crest = (product[1:-1] > product[:-2]) & (product[1:-1] > product[2:])
peaks = product[1:-1][crest]
print("peaks of xy:", [f"{peak:.2f}" for peak in peaks])
half_turn = math.pi / math.atan(eta)  # 31.5 iterations
claim(
    "weng-fig3",
    "growth of xy from peak to peak, twice",
    peaks[1:] / peaks[:-1],
    equals=[(1 + eta**2) ** half_turn] * 2,
    rtol=0.005,
)

# %% [markdown]
# ### Do the signs matter?
#
# The text around that picture explains the oscillation by signs: "once $x$ and $y$ have different signs, every
# following gradient update causes huge oscillation". Equation {eq}`eq-complex` knows nothing of signs. Let us see.

# %%
opposite = product < 0
first = int(opposite.nonzero()[0])
print("the signs first differ at iteration", first)
print(
    f"by then the radius has grown by {path.radius[first] / path.radius[0]:.8f}"
)
print(f"they differ in {int(opposite.sum())} of {len(opposite)} points")
claim(
    "bilinear-sign-claim",
    "growth with opposite signs, less that with equal signs",
    growth[opposite[:-1]].mean() - growth[~opposite[:-1]].mean(),
    equals=0.0,
    atol=1e-14,
)

# %% [markdown]
# The growth is half a per cent per iteration, from the first iteration on, and the same whatever the signs are. The
# signs merely change with every quarter turn. The curves swing ever more widely because a smooth spiral, seen from the
# side, looks like that.
#
# :::{admonition} Try it
# :class: tip
# Does a smaller learning rate help? Play a thousand iterations with $\eta=0.1$ and ten thousand with $\eta=0.01$, which
# covers the same distance, and compare the radii. (An exercise comes back to this.)
# :::
#
# ## Taking turns
#
# A GAN is not trained like that. Algorithm 1 of the first paper takes turns: the discriminator steps, and then the
# generator responds to the discriminator as it *now* is {cite}`goodfellow2014`. In our game, with $x$ first,
#
# $$ x\leftarrow x-\eta y,\qquad y\leftarrow y+\eta\,x_{\text{new}}=\eta x+(1-\eta^2)y, $$ (eq-alternating)
#
# and the matrix of an iteration has a different last entry. (The other order is an exercise.)

# %%
rate = sympy.Symbol("eta", positive=True)
step_x = sympy.Matrix([[1, -rate], [0, 1]])  # only x moves
step_y = sympy.Matrix([[1, 0], [rate, 1]])  # only y moves
turns = step_y * step_x
assert turns == sympy.Matrix([[1, -rate], [rate, 1 - rate**2]])
print("determinant", turns.det(), "  trace", turns.trace())
numeric = update_matrix(
    bilinear(), (0.0, 0.0), method="alternating", lr=0.1
)
assert np.allclose(numeric, np.array(turns.subs(rate, 0.1), dtype=float))

# %% [markdown]
# Each half of the iteration is a shear, which keeps areas: hence the determinant 1. The two eigenvalues solve
# $\lambda^2-(2-\eta^2)\lambda+1=0$; for $0<\eta<2$ they are not real, so they are conjugate to each other, their
# product is $|\lambda|^2=1$, and both lie **on** the unit circle. Nothing grows and nothing shrinks. On what curve does
# the point move, then? We look for a quadratic form $q(z)=z^\top Sz$ that an iteration does not change, which means
# $M^\top SM=S$: linear equations for the entries of $S$.

# %%
a, b, c = sympy.symbols("a b c")
S = sympy.Matrix([[a, b], [b, c]])
(family,) = sympy.linsolve(list(turns.T * S * turns - S), [a, b, c])
print(
    "S =",
    sympy.Matrix([[family[0], family[1]], [family[1], family[2]]]) / c,
)

# %% [markdown]
# Up to a factor there is exactly one:
#
# $$ q(x,y)=x^2+y^2-\eta\,xy . $$ (eq-invariant)
#
# For $\eta<2$ its level lines are ellipses, with axes along the diagonals: on $x=y$ the form is $(1-\frac\eta2)r^2$, on
# $x=-y$ it is $(1+\frac\eta2)r^2$. So the radius oscillates between $\sqrt{q/(1+\frac\eta2)}$ and
# $\sqrt{q/(1-\frac\eta2)}$ for ever.
#
# :::{prf:theorem} Alternating steps
# :label: thm-alternating
# In the game $xy$ with $0<\eta<2$, alternating steps that begin with $x$ conserve {eq}`eq-invariant`. The point neither
# escapes nor converges. The *average* of the iterates converges to the equilibrium, with an error of at most a constant
# divided by the number of iterations.
# :::
#
# :::{prf:proof}
# The first part was just computed. For the average, add up $z_{t+1}-z_t=(M-I)z_t$ over $T$ iterations:
# $z_T-z_0=(M-I)\sum_{t<T}z_t$. Since 1 is not an eigenvalue, $M-I$ has an inverse, and
# $\frac1T\sum_{t<T}z_t=\frac1T(M-I)^{-1}(z_T-z_0)$. The difference $z_T-z_0$ is at most twice the largest radius, and
# the inverse of a matrix divides lengths by its smallest singular value at most.
# :::
#
# A hundred thousand iterations, in the two lines that say what an iteration is:

# %%
x, y, T = 1.0, 1.0, 100_000
orbit = np.empty((T + 1, 2))
orbit[0] = x, y
for t in range(T):
    x -= eta * y
    y += eta * x  # the new x
    orbit[t + 1] = x, y
invariant = (orbit**2).sum(1) - eta * orbit.prod(1)
claim(
    "bilinear-alternating",
    "x² + y² - η xy over 100 000 iterations",
    invariant,
    equals=2 - eta,
    atol=1e-12,
)

# %%
radius = np.hypot(*orbit.T)
print(f"the radius stays in [{radius.min():.5f}, {radius.max():.5f}]")
print("the average iterate is ({:.1e}, {:.1e})".format(*orbit.mean(0)))
shrink = np.linalg.svd(numeric.numpy() - np.eye(2))[1].min()  # of M - I
lengths = [T * np.hypot(*orbit[:T].mean(0)) for T in (100, 1000, 100_000)]
claim(
    "alternating-average",
    "T |average of T iterates|, T = 100, 1000, 100 000",
    lengths,
    below=2 * math.sqrt((2 - eta) / (1 - eta / 2)) / shrink,
)

# %% [markdown]
# So the picture of simultaneous steps is too dark for GANs: they take turns, and in this game players who take turns do
# not spiral out. But they do not settle either. As for averages, averaging the weights of a network is not the same as
# averaging two numbers that enter linearly: the theorem does not say that averaging a generator's weights works.
#
# ## Looking ahead
#
# When they take turns, one player sees what the other has *just* done. What if both could see what the other is *about*
# to do? Suppose that the players use the slopes at the place where the iteration will end:
#
# $$ z_{t+1}=z_t-\eta\,v(z_{t+1}) . $$ (eq-implicit)
#
# In complex numbers, $w_{t+1}=w_t+i\eta w_{t+1}$, so each iteration *divides* by $1-i\eta$, and the radius shrinks by
# $1/\sqrt{1+\eta^2}$, for every $\eta$. This **implicit** step (or proximal point method) would be the cure, but it is
# an equation for $z_{t+1}$, and for networks nobody can solve it. One can only approximate. The approximations are the
# first terms of a series,
#
# $$ \frac1{1-i\eta}=1+i\eta+(i\eta)^2+\dots $$ (eq-series)
#
# The first two terms are the simultaneous step. With three terms we have $1+i\eta-\eta^2$, and that is the
# **extragradient** step {cite}`korpelevich1976`: go where a simultaneous step would lead, look at the slopes there,
# return, and use them,
#
# $$ z_{t+1}=z_t-\eta\,v\big(z_t-\eta\,v(z_t)\big) . $$ (eq-extragradient)
#
# It costs two gradients per iteration. **Optimistic** steps {cite}`popov1980,daskalakis2018` make do with one, by
# extrapolation: if the field has just changed by $v(z_t)-v(z_{t-1})$, it will probably change by that much again, so
# $v(z_{t+1})\approx2v(z_t)-v(z_{t-1})$:
#
# $$ z_{t+1}=z_t-\eta\,\big(2v(z_t)-v(z_{t-1})\big) . $$ (eq-optimistic)
#
# A different idea is **consensus** {cite}`mescheder2017`: let both players also lower the length of the field,
# which is 0 at an equilibrium,
#
# $$ z_{t+1}=z_t-\eta\,\big(v(z_t)+\gamma\,\nabla\tfrac12\|v(z_t)\|^2\big) . $$ (eq-consensus)
#
# Here $\|v\|=\|z\|$, so the new term is $-\eta\gamma z$, a plain pull towards the origin, and an iteration multiplies
# $w$ by $1-\eta\gamma+i\eta$.
#
# Optimistic steps remember, so one number is not enough. The state is $(w_t,w_{t-1})$, or, which here is the same,
# $w_t$ with the last field, and $w_{t+1}=(1+2i\eta)w_t-i\eta w_{t-1}$. A solution of the form $w_t=\mu^t$ needs
#
# $$ \mu^2-(1+2i\eta)\,\mu+i\eta=0,\qquad\mu=\tfrac12\big(1+2i\eta\pm\sqrt{1-4\eta^2}\big) . $$ (eq-optimistic-roots)
#
# For $\eta\le\frac12$ the root is real, and the larger $|\mu|^2$ is $\frac12(1+\sqrt{1-4\eta^2})$, below 1. Beyond
# $\frac12$ it grows with $\eta$, and at $\eta=1/\sqrt3$ it passes 1. The other moduli take one line each:
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
# The package knows none of these formulas. It plays one iteration with automatic differentiation and differentiates it
# once more: `update_matrix` is that derivative (for optimistic steps, of the state with its memory), and `eigenvalues`
# are its eigenvalues. Forty learning rates at once:

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
# Eigenvalues beside trajectories: every method from the same start with the same, rather large, rate. Those whose
# eigenvalues lie outside the circle move outwards, those on it stay at their distance, those inside come in, and the
# angle of an eigenvalue is the angle of a turn.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: paths in the plane from one start. Simultaneous steps spiral outwards, alternating steps close an ellipse, extragradient, optimistic and consensus steps spiral into the origin. Right: eigenvalues in the complex plane with imaginary parts near plus and minus 0.4, with the unit circle. The pair of simultaneous steps lies outside, that of alternating steps on the circle, those of the three others inside; optimistic steps have two more, at 0.2 plus and minus 0.4 i."}, "figure": {"name": "fig-eigenvalues", "caption": "Five methods on the game xy with η = 0.4. Left: 25 iterations from the ring (8 of simultaneous steps). Right: the eigenvalues of an iteration, and the unit disc."}}
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
# :::{admonition} Try it
# :class: tip
# Repeat the figure with the learning rate 0.6. Which other method has left the disc, and what does its path look like?
# :::
#
# Or vary the learning rate yourself. Watch the four eigenvalues of optimistic steps meet and part; then find the rate
# at which consensus with $\gamma=1$ converges fastest.

# %%
xy_game()

# %% [markdown]
# A thousand iterations with $\eta=0.1$ turn small differences in the factor into large ones in the distance:

# %%
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
print("by formula:", ", ".join(f"{factor:.5g}" for factor in by_formula))
claim(
    "nash-no-guarantee",
    "1000 iterations of three methods multiply the distance by",
    factors,
    equals=by_formula,
    rtol=1e-7,
)

# %% [markdown]
# It is said of GANs that there is *no guarantee* that gradient steps find an equilibrium. That is right, and this game
# is a proof: a guarantee that held for simultaneous or for alternating steps would have to hold here. What the game
# *cannot* do is to promise the opposite for the other methods. They converge here, and it is known that they do, at
# small rates, in every smooth game that is convex in $x$ and concave in $y$ {cite}`korpelevich1976,popov1980`. The
# value of two networks is neither. What can be said there is local: it is about the neighbourhood of an equilibrium,
# and as we shall see now, it depends on the game.
#
# ## A GAN with two numbers
#
# Is any of this about GANs? Here is one that is small enough for our matrices and large enough to be a GAN
# {cite}`mescheder2018`. The data are $N(0,s)$, with a known width $s$. The generator has one parameter, the place where
# it puts its samples: it makes $\theta+sz$ with $z\sim N(0,1)$. The discriminator has one too: its logit is $\psi x$, a
# straight line. The value is that of lesson 3 (so this is the minimax game),
#
# $$ V(\psi,\theta)=\mathbb E\,\log\sigma(\psi sz)+\mathbb E\,\log\big(1-\sigma(\psi(\theta+sz))\big),\qquad\sigma(a)=\frac1{1+e^{-a}} . $$ (eq-small-gan)
#
# The generator lowers $V$ in $\theta$, the discriminator raises it in $\psi$. At $\theta=\psi=0$ the samples are right
# and $D=\frac12$: it is an equilibrium. With $s=0$ all data lie on one point; this is known as the **Dirac-GAN**. The
# expectations are sums over Gauss–Hermite nodes, exact to many digits, so that no sampling noise hides what we want to
# see. Any such function of torch tensors can be made into a `Game`.

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
# place of $\eta$:

# %%
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
# And simultaneous steps lead away from every starting point, not only from those near by: the field of the minimax game
# is $\sigma(\psi\theta)\,(-\psi,\theta)$, which stands at right angles to $(\theta,\psi)$ everywhere, so every
# iteration lengthens the radius. For alternating steps the eigenvalues say only that there is no steady approach; a
# figure below shows what becomes of them. There is no network here that is too small, no noisy gradient and no step
# that is too long: it is the game itself.
#
# **Data with a width, or a penalty.** Now let $s>0$. To second order in both parameters (differentiate
# {eq}`eq-small-gan` twice at the origin, where $\sigma'=\frac14$),
#
# $$ V\approx-2\log2-\tfrac12\psi\theta-\tfrac14s^2\psi^2 . $$ (eq-small-gan-expansion)
#
# The last term is new, and it concerns the discriminator alone: where the data overlap, a steep discriminator is
# punished for being sure. And one can have such a term even when the data do not provide it. The **$R_1$ penalty**
# {cite}`mescheder2018` adds $\frac\gamma2\,\mathbb E\|\nabla_xa(x)\|^2$ over real samples to the discriminator's loss,
# with $a$ the logit. Here $a=\psi x$, so that it is $\frac\gamma2\psi^2$. Together they give the matrix of derivatives
# {eq}`eq-jacobian`
#
# $$ J=\begin{pmatrix}0&-\frac12\\\frac12&\kappa\end{pmatrix},\qquad\kappa=\gamma+\tfrac12s^2, $$ (eq-friction)
#
# and the entry $\kappa$ is **friction**. The eigenvalues $\mu$ of $J$ have product $\frac14$ and sum $\kappa$; for
# $\kappa<1$ they are conjugate, and a simultaneous iteration, whose eigenvalues are $\lambda=1-\eta\mu$, has
#
# $$ |\lambda|^2=1-\eta\kappa+\tfrac14\eta^2 , $$ (eq-friction-modulus)
#
# which is below 1 as soon as $\eta<4\kappa$. Here it is for nine combinations of width and penalty:

# %%
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

# %% [markdown]
# **With $-\log D$.** Let the generator descend $-\mathbb E\log\sigma(\psi(\theta+sz))$ instead, the loss in common use.
# Then the game is not zero-sum, and farther out it is another game. But where $D=\frac12$ the two losses of the
# generator have the same slope in the logit, $-\frac12$, so that to first order nothing changes: $J$ is the same, and
# so are the eigenvalues.


# %%
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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with paths in the plane of theta and psi, all from theta = 1, psi = 0. Left, data at one point: simultaneous steps spiral outwards, alternating steps go round on a closed curve. Right: with an R1 penalty, and with data of width 1, the paths spiral into the origin."}, "figure": {"name": "fig-small-gan", "caption": "A GAN with two parameters: θ, where the samples are, and ψ, the slope of the discriminator's logit. Left: all data at one point. Right: simultaneous steps with an R1 penalty, and with data of width 1. Rate 0.2, 300 iterations."}}
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
# way. That is why one can also *add* noise of width $s$ to all samples, real and generated
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
# **It does not.** These are statements about *neighbourhoods*: they say nothing about how to get there. A network may
# have many equilibria, or no pure one. Real gradients come from batches, and on a circle nothing counteracts their
# noise. Adam is not one of the methods of this lesson, and an extragradient step costs twice as much. Which of these
# matters for images is a question for experiments, not for a game with two numbers. What the game does settle is that a
# GAN whose losses oscillate for ever need not have a bug.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-gap-of-a-pair
# In the game $xy$ with both numbers in $[-1,1]$ the players stand at $x=0.5$, $y=-0.25$. How much can player one,
# who chooses $x$ and wants $xy$ small, gain by moving alone?
# :::
#
# :::{hint}
# :class: dropdown
# Take the first half of {eq}`eq-gaps`. What is player one's loss now, and what is the least that it can get in $[-1,1]$
# while $y$ stands still? A gain is the difference of two losses.
# :::

# %%
answer = ...
check("gap-of-a-pair", answer)

# %% [markdown]
# :::{solution} ex-gap-of-a-pair
# :class: dropdown
# Now $xy=-0.125$. Against $y=-0.25$ the best is $x=1$, with $-0.25$. The gain is 0.125; the other player could gain
# $|x|-xy=0.625$, and together that is $|x|+|y|$.
#
# ```python
# answer = 0.5 * -0.25 + 0.25
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
# Let $y$ move first: $y\leftarrow y+\eta x$, then $x\leftarrow x-\eta\,y_{\text{new}}$. Which quadratic form in $x$
# and $y$, with $x^2$ as one of its terms, is conserved? Write it with the symbols `x`, `y`, `eta` of sympy.
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
# No computation is needed: exchange the names of the players, $(x,y)\to(y,-x)$. That turns this iteration into the one
# of the lesson, and $-\eta xy$ into $+\eta xy$.
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
# :label: ex-best-extragradient
# For which learning rate does the extragradient method approach the equilibrium of $xy$ fastest?
# :::
#
# :::{hint}
# :class: dropdown
# The table before {numref}`fig-rates` has the factor of one iteration, squared. Read it as a polynomial in $u=\eta^2$:
# where is it smallest? Do not forget to return from $u$ to $\eta$.
# :::

# %%
answer = ...
check("best-extragradient", answer)

# %% [markdown]
# :::{solution} ex-best-extragradient
# :class: dropdown
# Minimise $(1-\eta^2)^2+\eta^2=1-\eta^2+\eta^4$: $\eta^2=\frac12$. The factor is then $\sqrt{3/4}\approx0.87$ per
# iteration.
#
# ```python
# answer = 1 / math.sqrt(2)
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
# The matrix of derivatives is $J=\begin{pmatrix}-1&2\\-2&2\end{pmatrix}$, with trace 1 and determinant 2, so that an
# iteration $I-\eta J$ has the determinant $|\lambda|^2=1-\eta+2\eta^2$. That is below 1 for $\eta<\frac12$. The other
# player's convexity holds the pair together; that the dynamics come to rest proves nothing about {eq}`eq-nash`.
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
# - At an equilibrium neither player gains by moving alone; the two best-response gaps measure how far off a pair
#   is.
# - Two gradients make a field that can rotate. In the game $xy$ it does nothing else: simultaneous steps spiral out by
#   $\sqrt{1+\eta^2}$ per iteration whatever the signs, alternating steps stay on an ellipse, and only their average
#   converges.
# - Looking ahead, by actually going there (extragradient) or by extrapolation (optimistic), brings the eigenvalues
#   inside the unit circle; so does friction.
# - A GAN whose data lie at one point plays this game, near its equilibrium with either loss of the generator. Data with
#   a width, or a gradient penalty on the discriminator, add the friction that it lacks.
#
# **Sources.** The game is in {cite}`salimans2016` and {cite}`weng2019`, and its methods are compared in
# {cite}`gidel2019`. Lookahead: {cite}`korpelevich1976`, {cite}`popov1980`, {cite}`daskalakis2018`; consensus:
# {cite}`mescheder2017`. The small GAN, its eigenvalues and $R_1$ are from {cite}`mescheder2018`, and the quadrature for
# data with a width is ours. What had to be corrected is listed under {doc}`errata`.
