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
# # 11 · The Wasserstein GAN
#
# The GAN that you wrote in lesson 2 plays for the Jensen–Shannon divergence, and far from the data that game tells the
# generator nothing. Lesson 10 found a distance that always says where to go, and a formula for it that contains no
# plan, only a function that must not be too steep. Train a network to be that function, and let the generator follow
# its slope: this is the Wasserstein GAN {cite}`arjovsky2017wgan`. **Which lines of your GAN have to change, why just
# these, and what do you get in return?**
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** how a critic comes out of the Kantorovich–Rubinstein formula, and where the factor $K$
# went; what clipping the weights really bounds, and which functions remain; why the generator may follow the critic's
# slope; which lines turn a GAN into a Wasserstein GAN; and why a critic still pushes where a discriminator has fallen
# silent.
#
# **You need** {doc}`lesson 10 <10_duality>`, the program that you wrote in {doc}`lesson 2 <02_the_game>`, and from
# {doc}`lesson 5 <05_vanishing_gradients>` how a discriminator loses its gradient.
#
# **It takes** about 78 minutes to read with the exercises, and about half a minute to run on a laptop.
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
from torch import nn

from gantut import plots
from gantut.checks import claim
from gantut.data import gaussian_mixture
from gantut.device import at_scale, random_source
from gantut.divergences import integrate
from gantut.lessons import check, readable, recorded, show_table
from gantut.lessons.fixed_distributions import gaussian_generator
from gantut.lessons.wasserstein_gan import optimal_critic
from gantut.lipschitz import clip_
from gantut.metrics import median_interval, paired_difference
from gantut.networks import MLP
from gantut.objectives import discriminator_loss, wasserstein_critic_loss
from gantut.training import Architecture, Config, Optimizer, train
from gantut.transport import (
    KantorovichPotential,
    emd,
    emd_points,
    wasserstein_1d,
)

# %% [markdown]
# ## How steep is a function?
#
# By {prf:ref}`thm-kantorovich-rubinstein`, $W_1(p_r,p_g)$ is the largest value of $\mathbb E_{p_r}f-\mathbb
# E_{p_g}f$ that a function $f$ of slope at most 1 can reach. So we need to measure how steep a function of many
# variables is. A function $f:\mathbb R^n\to\mathbb R$ is **$K$-Lipschitz** if
#
# $$ |f(x)-f(y)|\le K\,\|x-y\|\qquad\text{for all } x,y\in\mathbb R^n . $$ (eq-lipschitz)
#
# On the left is the distance between two numbers, on the right the distance between two points. (The definition is
# often given for functions of one variable; a critic of images is a function of thousands.) The smallest such $K$ is
# the **Lipschitz constant** of $f$, written $\|f\|_L$. The length $f(x)=\|x\|$, for example, is 1-Lipschitz by the
# triangle inequality, and two points on one ray from the origin attain the 1:


# %%
def slope(f, x, y):
    """The slope of f between x and y, pair by pair."""
    return (f(x) - f(y)).abs() / (x - y).norm(dim=-1)


def length(x):
    return x.norm(dim=-1)


source = random_source(0)
x, y = torch.randn(2, 10_000, 3, dtype=torch.float64, generator=source)

# %% tags=["hide-input"]
claim(
    "lipschitz-definition",
    "steepest slope of the length between 10,000 pairs of points of space",
    slope(length, x, y).max(),
    below=1 + 1e-12,
    digits=4,
)
claim(
    "lipschitz-definition",
    "and its slope between x and 2x",
    slope(length, x, 2 * x),
    equals=1.0,
    atol=1e-12,
)

# %% [markdown]
# Where $f$ is differentiable on a convex set, calculus finds the Lipschitz constant:
#
# $$ \|f\|_L=\sup_x\|\nabla f(x)\| . $$ (eq-sup-gradient)
#
# It is no larger, because by the mean value theorem $f(x)-f(y)=\nabla f(\xi)\cdot(x-y)$ for some point $\xi$ of the
# segment from $y$ to $x$. It is no smaller, because the slope at a point is a limit of slopes between pairs of points.
# If the supremum is infinite, $f$ is not Lipschitz.
#
# :::{admonition} Further: smooth is not enough, and not necessary
# :class: dropdown
# A well-known text says that "functions that are everywhere continuously differentiable" are Lipschitz. The function
# $x^2$ is not: between $n$ and $n+1$ it rises by $2n+1$. What is true is that such a function is Lipschitz on every
# *bounded* interval. Conversely, $|x|$ is Lipschitz and has no derivative at 0. A Lipschitz function has a gradient at
# almost every point, which will be enough.
# :::

# %% tags=["hide-input"]
rises = [(n + 1) ** 2 - n**2 for n in (1, 10, 100)]
u, v = torch.randn(2, 10_000, 1, dtype=torch.float64, generator=source)
claim(
    "c1-implies-lipschitz",
    "rise of x^2 from n to n + 1, n = 1, 10, 100; steepest slope of |x|",
    [*rises, slope(length, u, v).max()],  # on the line |x| is the length
    equals=[3, 21, 201, 1],
    atol=1e-9,
)
x_ = sympy.symbols("x", positive=True)
claim(
    "c1-implies-lipschitz",
    "the slope of x^2 at x > 0, which on [-R, R] is steepest at R",
    sympy.diff(x_**2, x_),
    equals=2 * x_,
)

# %% [markdown]
# ## From the formula to a critic
#
# Take a family of functions $f_w$ with parameters $w$: in practice, a network with one output. We call it the
# **critic**. It does not say how likely $x$ is to be real, as a discriminator does. It gives $x$ a **score**, which may
# be any number, high for real samples and low for generated ones. If each $f_w$ is $K$-Lipschitz, then $f_w/K$ is one
# of the functions of the theorem, so
#
# $$ L(\theta)=\max_w\ \mathbb E_{x\sim p_r}f_w(x)-\mathbb E_{z\sim p_z}f_w(G_\theta(z))\;\le\;K\cdot W_1(p_r,p_g) . $$ (eq-critic-loss)
#
# Compare this with what is often printed: $L=W_1$, for $K$-Lipschitz critics, and with $z\sim p_r$. That contains three
# slips, and each matters.
#
# *The noise.* Of course $z$ is drawn from $p_z$. Take data from $N(3,1)$, noise from $N(0,1)$, and a generator that has
# learnt nothing, $G(z)=z$. It is 3 away from the data; with $z\sim p_r$ it would look perfect. (On a line, sorting
# gives $W_1$, as lesson 9 showed. We represent a distribution by 401 of its quantiles.)

# %% tags=["hide-input"]


def quantiles(mean, scale, n=401):
    q = (torch.arange(n).double() + 0.5) / n
    return mean + scale * torch.special.ndtri(q)


data, noise = quantiles(3, 1), quantiles(0, 1)
claim(
    "z-from-pr",
    "W_1 of N(3,1) and of what G(z) = z makes of z ~ p_z, and of z ~ p_r",
    [wasserstein_1d(data, noise), wasserstein_1d(data, data)],
    equals=[3, 0],
    atol=1e-12,
)

# %% [markdown]
# *The factor.* With $K=3$ the four piles of lesson 9, which are $W_1=5$ apart, give 15.
#
# *The family.* The inequality may be strict. If the best critic is not in the family, no training finds the distance.
# The linear functions $f_w(x)=wx$ with $|w|\le1$ are all 1-Lipschitz, but they see only means. On a line,
# $W_1=\int|F_g-F_r|$ is the area between the two distribution functions (lesson 9), and the difference of the means is
# the same area with its *sign*, $\int F_g-F_r$ (integrate by parts). For $N(0,1)$ and $N(0,2)$, where the second number
# is the standard deviation, the positive part cancels the negative one: every linear critic reports 0.

# %% tags=["hide-input"]
P = torch.tensor([3.0, 2.0, 1.0, 4.0], dtype=torch.float64)
Q = torch.tensor([1.0, 2.0, 4.0, 3.0], dtype=torch.float64)
place = torch.arange(4, dtype=torch.float64)
f = 3 * emd(P, Q, (place[:, None] - place).abs()).f  # the best of slope 3
assert f.diff().abs().max() <= 3 + 1e-12
of_piles = (P * f).sum() - (Q * f).sum()

# %%
F, wide = (torch.distributions.Normal(0.0, s).cdf for s in (1.0, 2.0))
linear = integrate(lambda t: wide(t) - F(t), -40.0, 40.0)[0].abs()
area = integrate(lambda t: (wide(t) - F(t)).abs(), -40.0, 40.0)[0]
claim(
    "wgan-loss-definition",
    "four piles with K = 3; N(0,1) and N(0,2): best linear critic, W_1",
    [of_piles, linear, area],
    equals=[3 * 5, 0, math.sqrt(2 / math.pi)],
    atol=1e-6,
)

# %% [markdown]
# ## Clipping
#
# How can the slopes of a network be kept in bounds? The first answer was the simplest: after each step of the critic,
# set every weight and bias that has left $[-c,c]$ to the nearer end. This achieves two things.
#
# *The maximum exists.* The parameters fill a cube $[-c,c]^d$, which is closed and bounded (compact). The difference in
# {eq}`eq-critic-loss` is a continuous function of them, and a continuous function on a compact set attains its maximum.
# Without a bound there is no maximum, since $2f$ gives twice the difference that $f$ gives.
#
# *All critics share one $K$.* Let the layers have the widths $n_0,n_1,\dots,n_{L-1},n_L=1$, each computing
# $h\mapsto a(Wh+b)$ with an activation $a$ of slope at most 1, such as ReLU. The activation moves no two points further
# apart. The matrix of layer $l$ stretches by at most
#
# $$ \|W\|\;\le\;\sqrt{\textstyle\sum_{ij}w_{ij}^2}\;\le\;c\sqrt{n_{l-1}n_l} . $$
#
# Multiply over the layers:
#
# :::{prf:theorem} What clipping bounds
# :label: thm-clip-bound
# If all weights of such a network lie in $[-c,c]$, then
#
# $$ \|f_w\|_L\;\le\;c^L\sqrt{n_0}\;n_1n_2\cdots n_{L-1} . $$ (eq-clip-bound)
#
# A ReLU network with all weights and biases equal to $c$ attains this wherever all inputs are positive.
# :::
#
# The first half is proved above. For the second, all units are active there, so the gradient is a product of
# matrices with all entries $c$: each of its $n_0$ entries is $c^Ln_1\cdots n_{L-1}$.


# %%
def clip_bound(widths, c):
    """The bound of the theorem for a network of these widths."""
    n_0, *hidden, _ = widths
    return c ** (len(widths) - 1) * math.sqrt(n_0) * math.prod(hidden)


def attained(widths, c):
    """The slope somewhere of a network with all weights c."""
    critic = MLP(widths, dtype=torch.float64)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.fill_(c)
    somewhere = torch.rand(1, widths[0], generator=source).double()
    return critic.input_gradient(somewhere).norm().detach()


# %% tags=["hide-input"]
small = [[1, 64, 64, 1], [2, 64, 64, 1], [2, 128, 128, 128, 1],
         [2, 512, 512, 512, 1]]  # fmt: skip
claim(
    "weight-clipping-lipschitz",
    "slope at c = 0.01 of four critics with all weights c",
    [attained(widths, 0.01) for widths in small],
    equals=[clip_bound(widths, 0.01) for widths in small],
    rtol=1e-9,
)
for_images = [12288, 512, 512, 512, 1]
show_table(
    ["widths", "largest slope with $c=0.01$"],
    [
        [
            "-".join(map(str, widths)),
            f"{k:.{2 - math.floor(math.log10(k))}f}",
        ]
        for widths in (*small, for_images)
        for k in (clip_bound(widths, 0.01),)
    ],
)

# %% [markdown]
# The same $c=0.01$ allows slopes of 0.004 in one network and of almost 149 in another. **You do not choose $K$; the
# architecture does.** And the depth is the exponent of $c$: with ten times as large a $c$, the bound is $10^L$ times as
# large.
#
# :::{admonition} Further: slopes, not values
# :class: dropdown
# It has been said that through clipping the critic "obtains its lower and upper bounds to preserve the Lipschitz
# continuity". What is bounded is the *slope*. Values are bounded only as long as $x$ is: without biases a ReLU network
# has $f(10x)=10f(x)$, whatever its weights. And bounds on the values would not preserve anything: $\sin x^2$ stays
# between $-1$ and 1 and is arbitrarily steep.
# :::

# %% tags=["hide-input"]
critic = MLP([2, 64, 64, 1], members=20, dtype=torch.float64)
with torch.no_grad():
    for bias in critic.biases:
        bias.zero_()
clip_(critic.parameters(), 0.01)
x = torch.randn(1000, 2, dtype=torch.float64, generator=source)
claim(
    "clip-bounds-f",
    "f(10 x) / f(x) for 20 clipped critics without biases",
    (critic(10 * x) / critic(x)).detach(),
    equals=10.0,
    rtol=1e-6,
)
t = torch.linspace(0, 1, 1_000_001, dtype=torch.float64)
steepest = [
    (2 * R * t * (R * t).square().cos()).abs().max() / R
    for R in (10, 100, 1000)
]
claim(
    "clip-bounds-f",
    "steepest slope of sin x^2 on [0, R], over R, for R = 10, 100, 1000",
    steepest,
    equals=2.0,
    rtol=0.02,
)

# %% [markdown]
# ### Which functions are left?
#
# It is often said that the maximum over any such family is $W_1$ "up to a constant factor". If so, the factor would not
# matter: a distance in unknown units is still good for comparing. For critics with one hidden layer the maximum can be
# worked out. On a line, let $f$ have $n$ hidden units and all its parameters in $[-c,c]$, and let $\Delta(u,b)$ be the
# difference that one unit sees:
#
# $$
# \begin{aligned}
# f(x)&=\sum_{j=1}^nv_j\operatorname{ReLU}(u_jx+b_j)+d ,\\
# \Delta(u,b)&=\mathbb E_{p_r}\operatorname{ReLU}(ux+b)-\mathbb E_{p_g}\operatorname{ReLU}(ux+b) .
# \end{aligned}
# $$
#
# The offset $d$ cancels, so $\mathbb E_{p_r}f-\mathbb E_{p_g}f$ is the sum of the terms $v_j\,\Delta(u_j,b_j)$. Each
# term can be maximised on its own, and the problem is the *same* for every unit: the best units are all alike, with
# $v_j=\pm c$. Since $\operatorname{ReLU}(cy)=c\operatorname{ReLU}(y)$,
#
# $$ \max_w\ \mathbb E_{p_r}f_w-\mathbb E_{p_g}f_w=c^2n\cdot\max_{|u|,|b|\le1}|\Delta(u,b)| . $$ (eq-one-kink)
#
# However many units it has, **the best clipped critic with one hidden layer is a ramp with a single kink**. The bound
# {eq}`eq-clip-bound` is $K=c^2n$, so the critic reaches the share $\max|\Delta|/W_1$ of $KW_1$, whatever $c$ and $n$
# are. The share depends on the two distributions alone. We compute it for ten pairs of Gaussians, and beside it the
# share that linear critics reach, the difference of the means divided by $W_1$.


# %%
def best_ramp(x, y, steps=401):
    """max |Δ(u, b)|, which lies on the rim of the square: (pairs,)."""
    side, one = torch.linspace(-1, 1, steps).double(), torch.ones(steps)
    u, b = (
        torch.cat([side, side, one, -one]),
        torch.cat([one, -one, side, side]),
    )
    ramps = [torch.relu(u * z[..., None] + b).mean(-2) for z in (x, y)]
    return (ramps[0] - ramps[1]).abs().amax(-1)


# %% tags=["hide-input"]
ordered = [((0, 0.1), (3, 0.1)), ((0, 1), (1, 1)), ((-2, 0.5), (2, 0.5)),
           ((1, 0.3), (5, 0.3)), ((-3, 0.7), (-1, 0.7))]  # fmt: skip
crossing = [((0, 1), (0, 2)), ((0, 0.5), (0, 2)), ((0, 1), (1, 2)),
            ((0, 1), (2, 0.5)), ((4, 0.5), (4, 1.5))]  # fmt: skip
pairs = ordered + crossing
real = torch.stack([quantiles(*p) for p, _ in pairs])  # (10, 401)
made = torch.stack([quantiles(*q) for _, q in pairs])
w1 = wasserstein_1d(real, made)

# %% tags=["hide-input"]
linear = (real.mean(1) - made.mean(1)).abs() / w1
ramps = best_ramp(real, made) / w1
show_table(
    ["real", "generated", "linear", "best ramp"],
    [
        ["N({:g}, {:g})".format(*p), "N({:g}, {:g})".format(*q)]
        + [f"{share.abs():.2f}" for share in shares]
        for (p, q), *shares in zip(pairs, linear, ramps, strict=True)
    ],
)
claim(
    "param-family-constant",
    "share of W_1 that linear critics see, first five pairs and worst pair",
    [*linear[:5], linear.min()],
    equals=[1] * 5 + [0],
    atol=1e-12,
)
claim(
    "param-family-constant",
    "largest over least share that the best clipped critics see",
    ramps.max() / ramps.min(),
    above=5,
)

# %% [markdown]
# In the first five pairs all mass moves the same way, so a linear function is a Kantorovich potential, and linear
# critics see all of $W_1$. In the other five they see less, down to nothing. The share that the best clipped critic
# sees runs from 1 down to 0.13. **There is no constant factor.** The maximum over a family is a distance of its own (an
# *integral probability metric*), and that is the distance which the generator reduces.
#
# Do trained critics find even this maximum? Ten critics with 64 hidden units, one for each pair, take 600 steps of
# RMSProp, each followed by clipping to $c=0.1$:

# %%
critic, c = MLP([1, 64, 1], members=10, seed=1), 0.1
optimizer = torch.optim.RMSprop(critic.parameters(), lr=2e-3)
x, y = real.float()[..., None], made.float()[..., None]  # (10, 401, 1)
for _ in range(600):
    number = critic(x).mean((1, 2)) - critic(y).mean((1, 2))  # (10,)
    optimizer.zero_grad()
    (-number.sum()).backward()  # each critic climbs its own estimate
    optimizer.step()
    clip_(critic.parameters(), c)
reached = number.detach().double() / (c**2 * 64 * w1)

# %% tags=["hide-input"]
claim(
    "param-family-constant",
    "what ten trained critics reach of the best ramp's share",
    reached / ramps,
    above=0.3,
    below=0.95,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: a Kantorovich potential of N(0,1) and N(0,2), a roof that falls with slope 1 on both sides of 0, and the best ramp of a clipped critic, level on the left of 0 and falling with slope 1 on the right. Second panel: the share of K times W_1 for ten pairs of distributions: linear critics at 1 for the first five pairs and lower or 0 for the others; the best clipped critics between 0.13 and 1; trained ones lower, at half to nine tenths of the best."}, "figure": {"name": "fig-ramps", "caption": "What clipping leaves of a critic with one hidden layer. First panel: a roof is wanted, but a ramp is the best available (here for N(0, 1) and N(0, 2)). Second panel: the share of K·W₁ that is reached for ten pairs of distributions; there is no constant factor."}}
left, right = plots.axes(1, 2, height=2.9)
at = torch.linspace(-4, 4, 201)
plots.lines(
    left,
    at,
    {"potential": -at.abs(), "best ramp": -at.relu()},
    colours=[plots.THIRD, plots.FIFTH],
)
left.set(xlabel="x", ylabel="f(x)")
number_of = torch.arange(1, 11)
for share, mark, colour, name in (
    (linear, "^", plots.FOURTH, "linear"),
    (ramps, "P", plots.FIFTH, "best ramp"),
    (reached, "x", plots.INK, "trained"),
):
    right.plot(number_of, share, mark, color=colour, label=name)
right.set(
    xlabel="pair of distributions",
    ylabel="share of K·W₁",
    ylim=(-0.05, 1.1),
)
right.legend(fontsize=9)
plots.show()

# %% [markdown]
# They do not: they reach between four and nine tenths of what is possible. A unit that starts with the wrong sign of
# $u$ faces the wrong way, and to turn round it would have to pass $u=0$, where it sees no difference at all. So some of
# the distance is lost to the family, and some more to the optimizer.
#
# ## What the generator follows
#
# The critic's maximum depends on $\theta$ in two ways: through the samples, and through the best critic, which changes
# with $\theta$. Must we differentiate through the training of the critic? No, and the argument is short. Let $f^*$ be
# optimal at $\theta_0$, and keep it fixed. For every $\theta$
#
# $$ W_1(p_r,p_{g})-\Big(\mathbb E_{p_r}f^*-\mathbb E_z f^*(G_\theta(z))\Big)\ge0 , $$ (eq-touching)
#
# with equality at $\theta_0$, since $f^*$ is allowed in {prf:ref}`thm-kantorovich-rubinstein` for every $\theta$, and
# is best at $\theta_0$. A differentiable function that is nowhere negative and is 0 at $\theta_0$ has a minimum there,
# so its derivative there is 0. The term $\mathbb E_{p_r}f^*$ does not depend on $\theta$. So
#
# $$ \nabla_\theta W_1(p_r,p_{g})=-\mathbb E_z\,\nabla_\theta f^*(G_\theta(z)) , $$ (eq-critic-envelope)
#
# where both sides exist. (This is the **envelope theorem**, as in {eq}`eq-envelope`. Slides write it for *any*
# critic $\psi_w$; the proof needs the *best* one, and a critic that is best among slopes up to $K$ gives $K$ times the
# gradient.)
#
# We check it on 40 points and a generator $G(z)=Az+b$. Linear programming finds a best critic, as in lesson 10. There
# are many, and a critic at the edge of their set has kinks just where the samples are; the folded cell takes one from
# the middle.

# %% tags=["hide-input"]
source = random_source(0)
data, z = torch.randn(2, 40, 2, dtype=torch.float64, generator=source)
A = torch.tensor([[0.8, 0.3], [-0.2, 1.1]], dtype=torch.float64)
b = torch.tensor([1.0, -0.5], dtype=torch.float64)


def distance(A, b):
    return emd_points(z @ A.T + b, data)


plan = distance(A, b).plan
partner = plan.argmax(1)  # of each sample, its target
C = torch.cdist(z @ A.T + b, data)[:, partner]
rise = C - C.diagonal()[:, None]  # of the price from target i to target k
for k in range(40):  # the shortest ways, of any number of steps
    rise = torch.minimum(rise, rise[:, k, None] + rise[k])
# The mean over all k of the highest prices that there are with that at k fixed.
prices = rise.mean(0)
phi = KantorovichPotential(data[partner], prices)  # minus the critic f*

# %%
samples = z @ A.T + b
pull = phi.gradient(samples)  # minus the gradient of f*, (40, 2)
by_critic = torch.cat([(pull.T @ z / 40).flatten(), pull.mean(0)])

h, by_differences = 1e-6, []
for i in range(6):  # four entries of A, two of b
    bump = h * torch.eye(6, dtype=torch.float64)[i]
    ends = [
        distance(A + s * bump[:4].reshape(2, 2), b + s * bump[4:]).value
        for s in (1, -1)
    ]
    by_differences.append((ends[0] - ends[1]) / (2 * h))

# %% tags=["hide-input"]
claim(
    "w1-gradient-envelope",
    "f* is optimal: its estimate less W_1",
    phi(samples).mean() + prices.mean() - distance(A, b).value,
    equals=0.0,
    atol=1e-12,
)
claim(
    "w1-gradient-envelope",
    "gradient by the critic less differences of exact W_1, six parameters",
    by_critic - torch.stack(by_differences),
    equals=0.0,
    atol=1e-7,
)

# %% [markdown]
# To descend $W_1$, then, is to *ascend* $\mathbb E_zf^*(G_\theta(z))$: the generator makes samples that score higher.
#
# :::{admonition} Further: up or down?
# :class: dropdown
# Slides print the right formula, $\theta\leftarrow\theta+\alpha\nabla_\theta\frac1m\sum_if_w(G_\theta(z_i))$, and call
# it gradient descent. Both are right, but about different functions: up on the critic is down on $W_1$. The cell takes
# a step of size $\alpha=0.05$ up on the best critic, on the parallel lines of lesson 10 at $\theta=\frac12$: $\theta$
# and $W_1$ both shrink by $\alpha$.
# :::

# %% tags=["hide-input"]
alpha, heights = 0.05, torch.rand(64, dtype=torch.float64, generator=source)
on_zero = torch.stack([torch.zeros(64).double(), heights], 1)


def made_by(theta):
    """Samples (θ, z_i) on the line at θ."""
    return torch.stack([theta * torch.ones(64).double(), heights], 1)


theta = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
before = emd_points(made_by(theta).detach(), on_zero)
f_star = KantorovichPotential.from_result(before, on_zero)  # minus f*
(up,) = torch.autograd.grad(-f_star(made_by(theta)).mean(), theta)
after = (theta + alpha * up).detach()
now = emd_points(made_by(after), on_zero)
claim(
    "xu-alg2-descent",
    "change of θ, and of W_1, in a step up on f*",
    [after - 0.5, now.value - before.value],
    equals=-alpha,
    atol=1e-9,
)

# %% [markdown]
# ## The algorithm
#
# :::{prf:algorithm} The Wasserstein GAN
# :label: alg-wgan
# Given the learning rate $\alpha=0.00005$, the clipping bound $c=0.01$, batches of $m=64$, and $n_\text{critic}=5$,
# repeat:
#
# 1. $n_\text{critic}$ times: draw $x_1,\dots,x_m\sim p_r$ and $z_1,\dots,z_m\sim p_z$; take a step of RMSProp
#    **up** the gradient, in $w$, of $\frac1m\sum_if_w(x_i)-f_w(G_\theta(z_i))$; then clip $w$ to $[-c,c]$.
# 2. Draw $z_1,\dots,z_m\sim p_z$, and take a step of RMSProp **up** the gradient, in $\theta$, of
#    $\frac1m\sum_if_w(G_\theta(z_i))$.
# :::
#
# In PyTorch this is the program that you wrote in lesson 2, with a few lines changed. An optimizer goes *down*, so both
# losses have a minus sign:


# %%
def critic_step(G, f, optimizer, real, z, c):
    fake = G(z).detach()  # as before
    loss = f(fake).mean() - f(real).mean()  # no sigmoid, no logarithm
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    clip_(f.parameters(), c)  # new


def generator_step(G, f, optimizer, z):
    loss = -f(G(z)).mean()  # no logarithm
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


# %%
def play(G, f, optimizers, reals, noises, iterations, n_critic=5, c=0.01):
    of_f, of_G = optimizers
    for _ in range(iterations):
        for _ in range(n_critic):  # more than one
            critic_step(G, f, of_f, next(reals), next(noises), c)
        generator_step(G, f, of_G, next(noises))


def rmsprops(f, G, lr):
    return [torch.optim.RMSprop(p.parameters(), lr=lr) for p in (f, G)]


# %% [markdown]
# What has changed, line by line:
#
# | | The GAN of lesson 2 | The Wasserstein GAN |
# |---|---|---|
# | output of $D$, of $f$ | a logit, from which a **sigmoid** makes a probability | a score, used as it is: **no sigmoid** (this often goes unsaid) |
# | loss of $D$, of $f$ | `softplus(-D(real)).mean()` `+ softplus(D(fake)).mean()`: cross-entropy, a **logarithm** | `f(fake).mean() - f(real).mean()` |
# | loss of $G$ | `softplus(-D(G(z))).mean()` | `-f(G(z)).mean()` |
# | steps of $D$, of $f$, for one of $G$ | $k=1$ | **$n_\text{critic}=5$** |
# | after such a step | nothing | **clip** every weight and bias |
# | optimizer | Adam | **RMSProp** |
#
# `detach` stays where it was, for the same reason: a critic step must not move the generator. Without the
# logarithm the loss is linear in the scores: scores twice as large count twice as much, for the critic and for the
# generator. In the old game they do not.

# %%
scores = torch.randn(2, 1000, dtype=torch.float64, generator=source)


def loss(factor, of):
    return of(*(factor * scores))


old = loss(2, discriminator_loss) / loss(1, discriminator_loss)
new = [
    loss(s, wasserstein_critic_loss) / loss(1, wasserstein_critic_loss)
    for s in (2, 3, -1)
]

# %% tags=["hide-input"]
claim(
    "wgan-changes",
    "by how much the old loss misses twice itself for scores twice as large",
    (old - 2).abs(),
    above=0.1,
)
claim(
    "wgan-changes",
    "loss of scores 2, 3, -1 times as large, over that of the scores",
    new,
    equals=[2, 3, -1],
    rtol=1e-12,
)


# %% [markdown]
# Does the program do what the box says? For the critic $f_w(x)=w_1x+w_2x^2$ and the generator $G(z)=\theta_1z+\theta_2$ the gradients can
# be written down, and RMSProp takes two lines: keep a running mean $s\leftarrow0.99s+0.01g^2$ of the squared gradients,
# and move by $\alpha g/\sqrt s$. The folded cells work out one iteration by hand and compare. (The box printed in most
# places runs its inner loop from $t=0$ to $n_\text{critic}$, which is once too often. The authors' code, as far as we
# know it, differs a little from both: it clips *before* each critic step, and takes a hundred critic steps during the
# first 25 iterations and at every 500th.)

# %% tags=["hide-input"]


def rmsprop(s, g, rate):
    s = 0.99 * s + 0.01 * g**2
    return s, rate * g / (s.sqrt() + 1e-8)


def iteration_by_hand(w, theta, xs, zs, rate=5e-5, c=0.01):
    s = torch.zeros(2).double()
    for x, z in zip(xs, zs, strict=False):  # as many as there are xs
        y = theta[0] * z + theta[1]
        g = torch.stack([(x - y).mean(), (x**2 - y**2).mean()])
        s, step = rmsprop(s, g, rate)
        w = (w + step).clamp(-c, c)
    z = zs[-1]
    f_slope = w[0] + 2 * w[1] * (theta[0] * z + theta[1])
    g = torch.stack([(f_slope * z).mean(), f_slope.mean()])
    _, step = rmsprop(torch.zeros(2).double(), g, rate)
    return w, theta + step


class TwoNumbers(nn.Module):
    """A function with two parameters, which remembers the values that they had."""

    def __init__(self, function, start):
        super().__init__()
        self.function, self.numbers = function, nn.Parameter(start.clone())
        self.seen = []

    def forward(self, x):
        self.seen.append(self.numbers.detach().clone())
        return self.function(*self.numbers, x)


# %% tags=["hide-input"]
draws = torch.randn(11, 64, dtype=torch.float64, generator=source)
xs, zs = 2 + draws[:5], draws[5:]  # five batches of x, six of z
start = torch.tensor([[0.0090, -0.0020], [1.0, 0.5]]).double()
f = TwoNumbers(lambda a, b, x: a * x + b * x**2, start[0])
G = TwoNumbers(lambda a, b, z: a * z + b, start[1])
deal_x, deal_z = itertools.cycle(xs), itertools.cycle(zs)
play(G, f, rmsprops(f, G, lr=5e-5), deal_x, deal_z, iterations=1)
way = torch.stack(f.seen).unique_consecutive(dim=0)  # start, then moves
claim(
    "weng-fig9",
    "moves of the critic in one iteration, and the largest |w| after one",
    [len(way) - 1, way[1:].abs().max()],
    equals=[5, 0.01],
    atol=1e-15,
)
w_hand, theta_hand = iteration_by_hand(*start, xs, zs)
claim(
    "weng-fig9",
    "an iteration of the program and by hand: w, and θ, differ by",
    [
        (f.numbers - w_hand).abs().max(),
        (G.numbers - theta_hand).abs().max(),
    ],
    below=1e-12,
)

# %% [markdown]
# Now let it learn. The data are $N(3,\frac12)$, the generator is linear, $G(z)=\theta_1z+\theta_2$, and the critic has
# one hidden layer. (The learning rate of the box is meant for images and many thousands of iterations; ours is larger.)


# %%
def batches(mean, scale):
    while True:
        yield mean + scale * torch.randn(64, 1)


torch.manual_seed(0)
G, f = nn.Linear(1, 1), nn.Sequential(
    nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 1)
)  # fmt: skip
z = torch.randn(1000, 1)
untrained = G(z).detach().squeeze().double()
optimizers = rmsprops(f, G, lr=0.01)
play(G, f, optimizers, batches(3, 0.5), batches(0, 1), 300, c=0.1)
trained = G(z).detach().squeeze().double()

# %% tags=["hide-input"]
data = quantiles(3, 0.5, n=1000)
claim(
    "weng-fig9",
    "W_1 to the data after 300 iterations of the program, over W_1 before",
    wasserstein_1d(trained, data) / wasserstein_1d(untrained, data),
    below=0.2,
    digits=1,
)

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Break the program, one line at a time: leave out `clip_`; put a sigmoid at the end of the critic; leave out `detach`;
# set `n_critic=1`. Which of these still bring the generator to the data? Print the critic's loss as it goes.
# :::
#
# From here on we train populations, with `gantut.training.train`. It takes the same steps, and with
# `Config(objective="wgan")` it has the settings of the box.
#
# ## Two Gaussians
#
# The picture that made the case for the Wasserstein GAN shows two Gaussians, an optimal discriminator between them that
# is flat where the generated samples are, and a critic that is not. The paper does not say which Gaussians. It matters.
# For real samples from $N(-\mu,s)$ and generated ones from $N(\mu,s)$, {eq}`eq-dstar` gives
#
# $$ D^*(x)=\sigma\Big(-\frac{2\mu x}{s^2}\Big),\qquad\Big|\frac{d}{dx}\log(1-D^*(x))\Big|=\frac{2\mu}{s^2}\,D^*(x) . $$ (eq-two-gaussians)
#
# ({ref}`ex-gradient-left` asks you to derive it.) At the median generated sample, $x=\mu$, the gradient is about
# $\frac{2\mu}{s^2}e^{-2\mu^2/s^2}$. So the distance *in units of the spread* kills it. But the median is not all. The
# samples furthest to the left keep much more, and what moves the generator's mean is the average gradient over all of
# them. Here are both for $\mu=2$ and three spreads; the best critic has slope 1 throughout.

# %% tags=["hide-input"]
mu, optimal = 2.0, {}
for s in (4.0, 1.0, 0.5):
    x = quantiles(mu, s, n=100_001)  # generated samples
    leaves = 2 * mu / s**2 * torch.sigmoid(-2 * mu * x / s**2)
    optimal[s] = leaves.median().item(), leaves.mean().item()
show_table(
    [r"$\mu/s$", "gradient at the median sample", "mean gradient"],
    [[f"{mu / s:g}", *map(readable, both)] for s, both in optimal.items()],
)
claim(
    "xu-fig2",
    "gradient that D* leaves, median and mean, at μ/s = 2 and 4",
    [*optimal[1.0], *optimal[0.5]],
    equals=[0.00134, 0.137, 2.03e-13, 7.9e-4],
    rtol=0.01,
)

# %% [markdown]
# Between Gaussians that overlap, at $\mu/s=\frac12$, the median sample keeps more than a third of the logit's slope,
# $\frac{2\mu}{s^2}=\frac14$. At $\mu/s=4$ less than a thousandth of the critic's push is left on average, and next to
# nothing for most samples.
#
# We take $\mu=2$, $s=\frac12$, hold the generator fixed, and train populations of eight: discriminators, clipped
# critics ($c=0.1$), and critics with a penalty on slopes above 1, the subject of lesson 13. All that differs
# between them are these settings:

# %%
adam = Optimizer("adam", 3e-3, betas=(0.5, 0.9))
kinds = {
    "discriminator": dict(objective="minimax", optimizer=adam),
    "clipped": dict(
        objective="wgan",
        optimizer=Optimizer("rmsprop", 1e-3),
        constraint={"name": "clip", "bound": 0.1},
    ),
    "penalised": dict(objective="wgan-lp", optimizer=adam),
}

# %%
s = 0.5
real_distribution = gaussian_mixture([[-mu]], s)  # in one dimension
settings = dict(
    members=8, steps=at_scale(fast=600, full=20_000), n_critic=1,
    batch_size=128, latent_dim=1, learn_generator=False,
    critic=Architecture((64, 64)),
)  # fmt: skip
trained = {}
for name, kind in kinds.items():
    still = gaussian_generator(8, mean=(mu,), scale=s)
    config = Config(**settings | kind)
    trained[name] = train(
        config, real_distribution, generator=still, samples=1000
    )
    trained[name].critic.cpu()  # to look at, wherever it was trained

# %% tags=["hide-input"]
at = torch.linspace(-3.5, 3.5, 141)[:, None]
slopes = {
    name: history.critic.input_gradient(at).detach().squeeze(-1).abs()
    for name, history in trained.items()
}  # (8, 141)
evenness = {
    name: slopes[name].amin(1) / slopes[name].amax(1)
    for name in ("clipped", "penalised")
}
D = trained["discriminator"].critic
samples = trained["discriminator"].samples[-1]  # (8, 1000, 1)
with torch.no_grad():
    at_mu = D(torch.tensor([[mu]])).sigmoid().squeeze()
    left_over = D.input_gradient(samples).abs() * D(samples).sigmoid()

claim(
    "xu-fig2",
    "D(2), and the mean gradient that eight trained discriminators leave",
    [*at_mu, *left_over.mean((1, 2))],
    below=1e-3,
)
claim(
    "xu-fig2",
    "least over largest slope on [-3.5, 3.5], eight clipped critics",
    evenness["clipped"],
    above=0.1,
    below=0.4,
)
claim(
    "xu-fig2",
    "least over largest slope on [-3.5, 3.5], eight penalised critics",
    evenness["penalised"],
    above=0.85,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: two Gaussian bumps at minus 2 and 2; the discriminator falls from 1 to 0 between them and is flat on both; the penalised critic is a nearly straight falling line; the clipped critic falls too, steeply in the middle between the bumps and less so on both sides. Second panel, on a logarithmic scale from minus 3.5 to 3.5: the gradient of log(1-D) falls by many orders of magnitude towards the generated samples; the slopes of both critics stay near 1."}, "figure": {"name": "fig-two-gaussians", "caption": "Between two Gaussians (after figure 2 of Xu's slides). First panel: the densities, a discriminator, and the critics, shifted to 1/2 at x = 0 and drawn a tenth as high. Second panel: the gradient that each leaves to a generated sample at x; medians and ranges of eight. Dashed: the optimal discriminator."}}
left, right = plots.axes(1, 2, height=3.2)
line = at.squeeze()
for place, colour in ((-mu, plots.REAL), (mu, plots.GENERATED)):
    p = gaussian_mixture([[place]], s).density(at.double())
    left.fill_between(line, p, color=colour, alpha=0.2, linewidth=0)
curves = {}
for name, history in trained.items():
    with torch.no_grad():
        f = history.critic(at)[0].squeeze(-1)
    curves[name] = (
        f.sigmoid() if name == "discriminator" else 0.5 + (f - f[70]) / 10
    )
colours, dashes, _ = zip(*plots.looks(curves), strict=True)
plots.lines(left, line, curves)
left.set(xlabel="x")
left.get_legend().remove()
with torch.no_grad():
    left_at = slopes | {
        "discriminator": slopes["discriminator"]
        * D(at).squeeze(-1).sigmoid()
    }
for own, colour, dash in zip(
    left_at.values(), colours, dashes, strict=True
):
    plots.population(
        right,
        line,
        own.clamp_min(1e-16),
        name="_",
        colour=colour,
        dash=dash,
    )
leaves = 2 * mu / s**2 * torch.sigmoid(-2 * mu * line / s**2)
right.plot(line, leaves, "--", color=plots.INK, linewidth=1.2)
right.set(yscale="log", ylim=(1e-14, 100), xlabel="x", ylabel="gradient")
plots.legend_below(left)
plots.show()

# %% [markdown]
# The discriminators leave next to nothing. Both kinds of critics leave a gradient everywhere, but not the same one. The
# penalised critics are nearly straight: in each of the eight, the least slope is more than 0.85 of the largest. The
# gradient of the clipped ones is "clean", as the slides call it, only in comparison. They are steepest in the middle,
# where no samples are, and between their flattest and their steepest place the slope grows by a factor of two and a
# half to ten: they are sums of a few ramps.
#
# Here are the best discriminator and the best critic themselves, without any training. Move the distributions apart,
# and see whose push on the sample survives. Then make the generated distribution much wider than the real one: are
# there samples that the discriminator and the critic push in opposite directions?

# %%
optimal_critic()

# %% [markdown]
# ## First the critic, then the generator
#
# A well-known text says that as training *lowers* the loss, the distance shrinks. But the critic *raises* its estimate.
# Against a generator that stands still, training can only raise it towards the maximum in {eq}`eq-critic-loss`.
# Only between iterations, with the critic brought back to its best each time, does a lower estimate mean a smaller
# distance. We look at both: the critics above on their way up, and 32 whole games, generator included, with a penalty
# on the ring of eight Gaussians and five critic steps per iteration. The games were played beforehand
# (`python -m gantut.lessons critic-and-distance`). At twenty times during each game the critic's estimate was computed
# on 250 real and 250 generated samples, and the exact $W_1$ of the same samples by linear programming.

# %% tags=["hide-input"]
climbs = {
    name: -trained[name].losses["critic"]  # (records, 8)
    for name in ("clipped", "penalised")
}
tenths = [n.unflatten(0, (10, -1)).mean(1) for n in climbs.values()]
first = [number[0] for number in climbs.values()]  # in the first record
claim(
    "loss-decreases-w-smaller",
    "16 estimates against a still generator: last tenth over the start",
    torch.stack(
        [n[-1] / start for n, start in zip(tenths, first, strict=True)]
    ),
    above=1.5,
)
claim(
    "loss-decreases-w-smaller",
    "and by what share they still change from the last tenth but one",
    torch.stack([(n[-1] / n[-2] - 1).abs() for n in tenths]),
    below=0.1,
)

# %% tags=["hide-input"]
record = recorded("critic-and-distance").result
looks = torch.tensor(record["steps"])
games = {game["objective"]: game for game in record["games"]}
game = {
    name: torch.tensor(games["wgan-gp"][name])
    for name in ("estimate", "w1")
}  # each (members, looks)

# %% tags=["hide-input"]
later = torch.stack([game[name][:, 3:] for name in ("estimate", "w1")])
fell = later[..., -1] < later[..., 0]  # (estimate and W_1, 32)
claim(
    "loss-decreases-w-smaller",
    "games in which both estimate and W_1 fell, iterations 200 to 1000",
    fell.all(0).sum(),
    equals=32,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: against a still generator the estimates of eight clipped and of eight penalised critics climb within a hundred steps to a plateau at about 5, above the dashed line at the true distance 4. Second panel: over the iterations of 32 games the critic's estimate starts high, dips at iteration 100, rises until iteration 150 and then falls steadily, together with the exact distance, from 0.9 to 0.3 and from 0.7 to 0.4."}, "figure": {"name": "fig-climb", "caption": "The critic's estimate. First panel: against a generator that stands still, it climbs (dashed, the true W₁). Second panel: from iteration to iteration it falls together with the distance, once the critic has caught up. Medians and ranges."}}
left, right = plots.axes(1, 2, height=3.0)
for name, colour, dash in (
    ("clipped", plots.FIFTH, plots.DASHES[1]),
    ("penalised", plots.THIRD, "-"),
):
    plots.population(
        left,
        trained[name].steps,
        climbs[name].T,
        name=name,
        colour=colour,
        dash=dash,
    )
left.axhline(2 * mu, color=plots.INK, linestyle="--", linewidth=1.2)
left.set(xlabel="critic step", ylabel="critic's estimate", ylim=(0, None))
left.legend(fontsize=9)
for name, colour, dash, label in (
    ("estimate", plots.INDIGO, "-", "critic's estimate"),
    ("w1", plots.THIRD, plots.DASHES[1], "exact W₁"),
):
    plots.population(
        right, looks, game[name], name=label, colour=colour, dash=dash
    )
right.set(xlabel="iteration", ylim=(0, None))
right.legend(fontsize=9)
plots.show()

# %% [markdown]
# Against the still generator both plateaus lie above the true distance, since neither kind of critic keeps to slopes
# of 1. In the games the first hundred iterations are worth a look. The estimate starts at its highest, above the true
# distance, while the critic is at its wildest, and then falls far below it: with five steps per iteration a critic does
# not keep up with a moving generator from the start. That is what the hundred steps of the authors' code are for.
#
# That the two curves nearly coincide later on is luck. What may you conclude from a critic's estimate, then? That is a
# lesson of its own: {doc}`lesson 12 <12_the_estimate>`.
#
# ## RMSProp, not Adam?
#
# One line of the table is still unexplained. The authors saw their critics become unstable with Adam and recommended
# RMSProp. Why? Adam differs from RMSProp by *momentum*: it follows a running mean of past gradients. In a game, past
# gradients belong to an opponent who has moved on. The bilinear game of lesson 4, $f(x,y)=xy$, shows how much that
# matters {cite}`gidel2019momentum`. Player $x$ goes down and $y$ up, one after the other, each with step size 0.1 and
# momentum $\beta$:


# %%
def final_radius(beta, eta=0.1, iterations=2000):
    """Where alternating steps with momentum end, from (1, 1)."""
    x = y = 1.0
    u = v = 0.0  # the last steps of both
    for _ in range(iterations):
        u = beta * u - eta * y
        x += u
        v = beta * v + eta * x  # y sees where x has gone
        y += v
    return math.hypot(x, y)


# %% tags=["hide-input"]
radius = {beta: final_radius(beta) for beta in (-0.5, -0.1, 0.0, 0.3)}
show_table(
    [r"momentum $\beta$", "radius after 2000 iterations"],
    [[f"{beta:g}", readable(value)] for beta, value in radius.items()],
)
claim(
    "rmsprop-not-adam",
    "radius after 2000 iterations, momentum -0.5, -0.1, 0, 0.3",
    [final_radius(beta) for beta in radius],
    equals=[0.07049, 0.3132, 1.367, 2.820e7],
    rtol=1e-3,
)

# %% [markdown]
# Without momentum the players circle; with a little of the usual, positive kind they fly apart; and with *negative*
# momentum they come to rest. That much is a theorem about one small game. Does it hold in the clipped game on the ring?
# Here are 32 games for each of RMSProp and Adam with $\beta_1=0$, 0.5 and 0.9, all with the learning rate 0.001
# (`python -m gantut.lessons critic-optimizers`). For each game we ask how large its exact $W_1$ is in the second
# half of the iterations (the median of twenty measurements), and how much it fluctuates (their standard deviation).
# Each line compares Adam with RMSProp, seed by seed; the intervals hold for all six together.

# %% tags=["hide-input"]
rows = recorded("critic-optimizers").result["games"]
level = {row["optimizer"]: torch.tensor(row["level"]) for row in rows}
spread = {row["optimizer"]: torch.tensor(row["spread"]) for row in rows}

# %% tags=["hide-input"]
more = {
    (what, name): paired_difference(own, of["RMSProp"], comparisons=6)
    for what, of in (("W₁", level), ("fluctuation of W₁", spread))
    for name, own in of.items() if name != "RMSProp"
}  # fmt: skip
show_table(
    ["", "optimizer", "more than with RMSProp", "interval", "told apart?"],
    [
        [what, name, f"{found.difference:.2f}",
         f"{found.low:.2f} to {found.high:.2f}",
         "yes" if found.told_apart else "no"]
        for (what, name), found in more.items()
    ],
)  # fmt: skip
claim(
    "rmsprop-not-adam",
    "W_1, fluctuation under Adam with 0.5 and 0.9, more than RMSProp: low ends",
    [found.low for (_, name), found in more.items() if name != "Adam, 0"],
    above=0.0,
    digits=1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with four columns of 32 dots: RMSProp and Adam with momentum 0, 0.5 and 0.9. First panel, the exact distance: about 0.7, 0.76, 0.93 and 1.27. Second panel, its standard deviation over the second half: 0.065, 0.08, 0.10 and 0.22, with the widest scatter for momentum 0.9."}, "figure": {"name": "fig-optimizers", "caption": "The clipped game under four optimizers, 32 games each: the exact W₁ in the second half of the iterations, and its standard deviation there. Bars are 95% intervals of the median."}}
panels = plots.axes(1, 2, height=2.9)
for ax, groups, title in zip(
    panels, (level, spread), ("exact W₁", "fluctuation of W₁"), strict=True
):
    ends = [median_interval(own) for own in groups.values()]
    plots.strips(ax, groups, intervals=ends)
    ax.set_title(title, fontsize=11)
    ax.set(ylim=(0, None))
plots.show()

# %% [markdown]
# It does, and gradually. Each bit of momentum makes the games worse: at 0.9, the default of every library, $W_1$ is
# nearly twice as large and fluctuates three times as much. Adam without momentum is RMSProp, apart from the first steps
# and from how long it remembers squares (0.99 for both here); if it does worse, then by little compared with what
# momentum does. So "not Adam" should read "no momentum": WGAN-GP uses Adam with $\beta_1=0$ {cite}`gulrajani2017`. The
# theorem about $xy$ explains part of it and no more. Nobody has proved what momentum does in a game between networks.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-clip-bound
# A critic has the widths 4-32-32-1, and all its weights are clipped to $c=0.05$. What is the largest slope that it
# can have?
# :::
#
# :::{hint}
# :class: dropdown
# How many layers of *weights* lie between four layers of units? That is the $L$ of {eq}`eq-clip-bound`. Look closely at
# how the width of the input enters, how those of the hidden layers do, and whether that of the output enters at all.
# :::

# %%
answer = ...
check("clip-bound", answer)

# %% [markdown]
# :::{solution} ex-clip-bound
# :class: dropdown
# Equation {eq}`eq-clip-bound` with $L=3$ layers of weights. It is attained, so it is the largest slope.
#
# ```python
# answer = 0.05**3 * 4**0.5 * 32 * 32
# ```
# :::
#
# :::{exercise}
# :label: ex-critic-step
# Write one critic step of a clipped Wasserstein GAN without PyTorch's optimizers: a function of the weight `w` of the
# critic $f_w(x)=wx$ (a number), of a batch `x` of real and a batch `y` of generated numbers, of the learning rate `lr`
# and the bound `c`. It takes one step of plain gradient ascent on the estimate, clips, and returns the new weight.
# :::
#
# :::{hint}
# :class: dropdown
# What is the derivative of the estimate in $w$? Then mind the order of the two operations in {prf:ref}`alg-wgan`, and
# what it is that is clipped.
# :::

# %%
answer = ...
check("critic-step", answer)

# %% [markdown]
# :::{solution} ex-critic-step
# :class: dropdown
# The estimate is $w\bar x-w\bar y$, so its derivative in $w$ is $\bar x-\bar y$. Go up, then clip the weight.
#
# ```python
# def answer(w, x, y, lr, c):
#     w = w + lr * (x.mean() - y.mean())
#     return min(max(w, -c), c)
# ```
# :::
#
# :::{exercise}
# :label: ex-gradient-left
# *A derivation.* Real samples come from $N(-\mu,s)$, generated ones from $N(\mu,s)$. Derive the optimal discriminator
# $D^*$ from the two densities, and from it the size of the gradient of $\log(1-D^*)$. How large is it at the generated
# sample $x=\mu$? Write it with the symbols `mu` and `s` of sympy.
# :::
#
# :::{hint}
# :class: dropdown
# Begin with the ratio of the densities: most of the exponent cancels. Then write $\log(1-D^*)$ with the logit, as in
# {eq}`eq-logits`. Sympy wants the logistic function written out with an exponential.
# :::

# %%
from sympy import Symbol

mu, s = Symbol("mu", positive=True), Symbol("s", positive=True)
answer = ...
check("gradient-left", answer)

# %% [markdown]
# :::{solution} ex-gradient-left
# :class: dropdown
# *1. The ratio.* $\frac{p_r(x)}{p_g(x)}=\exp\frac{(x-\mu)^2-(x+\mu)^2}{2s^2}=\exp\big(-\frac{2\mu x}{s^2}\big)$.
#
# *2. The discriminator.* By {eq}`eq-dstar`, $D^*=\frac{p_r}{p_r+p_g}=\frac{1}{1+p_g/p_r}=\sigma(a)$ with the logit
# $a(x)=\log\frac{p_r}{p_g}=-\frac{2\mu x}{s^2}$.
#
# *3. The gradient.* $\log(1-\sigma(a))=-\log(1+e^a)$ has the derivative $-\frac{e^a}{1+e^a}=-\sigma(a)$ in $a$, and
# $a'(x)=-\frac{2\mu}{s^2}$. By the chain rule, $\frac{d}{dx}\log(1-D^*)=\frac{2\mu}{s^2}D^*(x)$.
#
# *4. At $x=\mu$* this is $\frac{2\mu}{s^2}\sigma\big(-\frac{2\mu^2}{s^2}\big)$. Apart from the factor in front, only
# $\mu/s$ decides whether anything is left.
#
# ```python
# from sympy import Symbol, exp
#
# mu, s = Symbol("mu", positive=True), Symbol("s", positive=True)
# answer = 2 * mu / s**2 / (1 + exp(2 * mu**2 / s**2))
# ```
# :::
#
# :::{exercise}
# :label: ex-half-of-it
# *A derivation.* The real distribution is $N(0,1)$ and the generated one $N(0,s)$ with $s>1$. Derive the largest
# difference $\max|\Delta(u,b)|$ over $|u|,|b|\le1$ that one unit of {eq}`eq-one-kink` sees, as a formula in the symbol
# `s` of sympy. What share of $W_1$ is it?
# :::
#
# :::{hint}
# :class: dropdown
# Take $u=1$ first. Differentiate $\mathbb E\operatorname{ReLU}(X+b)$ in $b$: what is its derivative where the ramp is
# flat, and what is it where it rises? At which $b$ are the derivatives of both expectations equal?
# :::

# %%
s = Symbol("s", positive=True)
answer = ...
check("half-of-it", answer)

# %% [markdown]
# :::{solution} ex-half-of-it
# :class: dropdown
# *1. The derivative in $b$.* $\operatorname{ReLU}(X+b)$ grows with $b$ at rate 1 where $X>-b$, and not at all
# elsewhere. So $\frac{d}{db}\mathbb E\operatorname{ReLU}(X+b)=P(X>-b)$, which is $\Phi(b)$ for $N(0,1)$ and $\Phi(b/s)$
# for $N(0,s)$, with the distribution function $\Phi$ of $N(0,1)$.
#
# *2. The best $b$ for $u=1$.* $\Delta$ has the derivative $\Phi(b)-\Phi(b/s)$: negative for $b<0$, positive for $b>0$.
# So $\Delta(1,b)$ falls until $b=0$ and rises after it. As $b\to-\infty$ both expectations go to 0, and as
# $b\to\infty$ both go to $b$, since the means are equal: at both ends $\Delta\to0$. So $\Delta\le0$, and it is largest
# in size at $b=0$.
#
# *3. Its value.* $\mathbb E\operatorname{ReLU}(X)=\int_0^\infty x\,\frac{1}{\sqrt{2\pi}}e^{-x^2/2}dx
# =\frac1{\sqrt{2\pi}}$ for $N(0,1)$, and $s$ times as much for $N(0,s)$. So
# $|\Delta(1,0)|=\frac{s-1}{\sqrt{2\pi}}$.
#
# *4. Other $u$.* For $0<u\le1$, $\Delta(u,b)=u\,\Delta(1,b/u)$, which is no larger. Both distributions are symmetric,
# so $-u$ sees what $u$ sees.
#
# *5. The share.* By quantiles, the best plan moves each $x$ to $sx$, so $W_1=(s-1)\,\mathbb E|X|=(s-1)\sqrt{2/\pi}$.
# The ramp sees $\frac1{\sqrt{2\pi}}\big/\sqrt{\frac2\pi}=\frac12$ of it, for every $s$: one side of the roof in
# {numref}`fig-ramps`.
#
# ```python
# from sympy import Symbol, pi, sqrt
#
# s = Symbol("s", positive=True)
# answer = (s - 1) / sqrt(2 * pi)
# ```
# :::
#
# ## What to remember
#
# - A critic is a network that stands in for the function of the Kantorovich–Rubinstein theorem. With slopes up to $K$,
#   and if the family contains the right function, its best estimate is $K\,W_1$; otherwise it is less.
# - Clipping bounds slopes, by $c^L\sqrt{n_0}\,n_1\cdots n_{L-1}$, which depends on the architecture far more than
#   one would like. With one hidden layer it leaves ramps only, and no constant factor.
# - The generator follows the slope of the best critic, held fixed; up on the critic is down on $W_1$.
# - A GAN becomes a Wasserstein GAN by a few lines: no sigmoid, no logarithm, several critic steps, a clip after each,
#   and an optimizer without momentum.
# - A discriminator's gradient dies when the distributions are far apart *relative to their spread*. A critic's does
#   not, if its slope is kept even.
# - Training raises a critic's estimate. It is from iteration to iteration that a lower estimate can mean a smaller
#   distance.
# - Near the equilibrium of the smallest GAN this game goes round, however many steps its critic takes: see
#   {doc}`lesson 16 <16_which_games_converge>`. What becomes of it without a critic: {doc}`lesson 17
#   <17_without_a_critic>`.
#
# **Sources.** The Wasserstein GAN, its algorithm and the picture of the two Gaussians are from
# {cite}`arjovsky2017wgan`, after {cite}`weng2019` and {cite}`xu2020`; the one-sided penalty is from
# {cite}`petzka2018`, and the role of momentum is from {cite}`gidel2019momentum`. What had to be corrected is listed
# under {doc}`errata`.
