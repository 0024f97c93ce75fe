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
# Lesson 10 ended with a distance that tells a generator where to go even when its samples are nowhere near the data, and
# with a formula for it in which no plan appears, only a function that must not be too steep. Train a network to be that
# function, and let the generator follow its slope: this is the Wasserstein GAN {cite}`arjovsky2017wgan`. Everybody who
# has used one has met the same questions. **Does the critic's estimate mean anything? When do I stop? What is $K$?**
# They can be answered with numbers here, because on our data the true distance is known.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** how a critic comes out of the Kantorovich–Rubinstein formula, and where the factor $K$
# went; what clipping its weights really bounds, and which functions remain; why the generator may follow the critic's
# slope; what Algorithm 2 does, step by step; and what a critic's estimate proves about the distance, and what it only
# suggests.
#
# **You need** {doc}`lesson 10 <10_duality>`, from {doc}`lesson 2 <02_the_game>` Algorithm 1, and from {doc}`lesson
# 5 <05_vanishing_gradients>` how a discriminator loses its gradient.
#
# **It takes** an hour and a half to read with the exercises, and about half a minute to run on a laptop.
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

import sympy
import torch

from gantut import plots
from gantut.checks import claim
from gantut.data import gaussian_mixture, ring
from gantut.device import at_scale, random_source
from gantut.divergences import integrate
from gantut.lessons import check, recorded, wasserstein_gan
from gantut.lessons.wasserstein_gan import optimal_critic, training_scrubber
from gantut.lipschitz import clip_, lipschitz_bound, max_gradient_norm
from gantut.metrics import (
    certified_w1,
    exact_w1,
    median_interval,
    paired_difference,
    rank_correlation,
)
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
# E_{p_g}f$ that a function $f$ of slope at most 1 can reach. So we must be able to say how steep a function of
# many variables is. A function $f:\mathbb R^n\to\mathbb R$ is **$K$-Lipschitz** if
#
# $$ |f(x)-f(y)|\le K\,\|x-y\|\qquad\text{for all } x,y\in\mathbb R^n . $$ (eq-lipschitz)
#
# The least such $K$ is its **Lipschitz constant**, $\|f\|_L$. On the left is the distance between two numbers, on the
# right that between two points. (The definition is often given for functions of one variable. A critic of images is a
# function of thousands.) The length $f(x)=\|x\|$ is 1-Lipschitz, by the triangle inequality, and two points on one ray
# from the origin attain the 1:


# %%
def slope(f, x, y):
    """The slope of f between x and y, pair by pair."""
    return (f(x) - f(y)).abs() / (x - y).norm(dim=-1)


def length(x):
    return x.norm(dim=-1)


source = random_source(0)
x, y = torch.randn(2, 10_000, 3, dtype=torch.float64, generator=source)
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
# How does one find $\|f\|_L$? By calculus: between two points, $f(x)-f(y)$ is the integral of the slope along the
# segment. So where $f$ is differentiable on a convex set,
#
# $$ \|f\|_L=\sup_x\|\nabla f(x)\| . $$ (eq-sup-gradient)
#
# If the supremum is infinite, $f$ is not Lipschitz, however smooth it is. (A well-known text says that "functions that
# are everywhere continuously differentiable" are Lipschitz. $x^2$ is not: between $n$ and $n+1$ it rises by $2n+1$.
# What is true is that such a function is Lipschitz on every *bounded* interval.) Conversely, $|x|$ is Lipschitz and has
# no derivative at 0; a Lipschitz function has a gradient at almost every point, which will be enough.

# %%
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
# Take a family of functions $f_w$ with parameters $w$, in practice a network with one output. It is called the
# **critic**: it no longer gives the probability that $x$ is real, but gives $x$ a score, which may be any number, high
# for real samples and low for generated ones. If each $f_w$ is $K$-Lipschitz, then $f_w/K$ is a function of the
# theorem, so
#
# $$ L(\theta)=\max_w\ \mathbb E_{x\sim p_r}f_w(x)-\mathbb E_{z\sim p_z}f_w(G_\theta(z))\;\le\;K\cdot W_1(p_r,p_g) . $$ (eq-critic-loss)
#
# Compare this with what is often printed: $L=W_1$, for $K$-Lipschitz critics, with $z\sim p_r$. That contains three
# slips, and each matters.
#
# *The noise.* $z$ is drawn from $p_z$, of course: most generators could not even take a real sample for their $z$. One
# that can shows what the slip would mean. Take data from $N(3,1)$, noise from $N(0,1)$, and the generator that has
# learnt nothing, $G(z)=z$. It is 3 away from the data, and with $z\sim p_r$ it would be praised as perfect. (On a line,
# $W_1$ is computed by sorting, as lesson 9 showed; a distribution is represented by 401 of its quantiles.)


# %%
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
# *The family.* The inequality may be strict. The best critic may not be in the family, and then nothing that is done in
# training finds the distance. The linear functions $f_w(x)=wx$ with $|w|\le1$ are all 1-Lipschitz; but they see only
# means. On a line, $W_1=\int|F_g-F_r|$ is the area between the distribution functions (lesson 9), and the difference of
# the means is the same area with its *sign*, $\int F_g-F_r$ (integrate by parts). For $N(0,1)$ and $N(0,2)$, where the
# second number is the standard deviation, what lies above cancels what lies below, and every linear critic reports 0.

# %%
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
# How can the slopes of a network be kept in bounds? The first answer was as simple as can be: after each step of the
# critic, set every weight and bias that has left $[-c,c]$ to the nearer end. That does two things.
#
# *The maximum exists.* The parameters fill a cube $[-c,c]^d$, which is closed and bounded (compact), the difference in
# {eq}`eq-critic-loss` is a continuous function of them, and such a function attains its maximum. Without a bound there
# is none, since $2f$ gives twice the difference of $f$.
#
# *All critics share one $K$.* Let the layers have the widths $n_0,n_1,\dots,n_{L-1},1$, each computing $h\mapsto
# a(Wh+b)$ with an activation of slope at most 1, such as ReLU. The activation moves no two points further apart,
# and $W$ stretches by at most $\|W\|\le\sqrt{\sum w_{ij}^2}\le c\sqrt{n_{l-1}n_l}$. Multiply over the layers:
#
# :::{prf:theorem} What clipping bounds
# :label: thm-clip-bound
# If all weights lie in $[-c,c]$, then
#
# $$ \|f_w\|_L\;\le\;c^L\sqrt{n_0}\;n_1n_2\cdots n_{L-1} . $$ (eq-clip-bound)
#
# A ReLU network with all weights equal to $c$ attains this wherever all inputs are positive.
# :::
#
# The first half is proved above. For the second, all units are active there, so the gradient is a product of
# matrices with all entries $c$: each of its $n_0$ entries is $c^Ln_1\cdots n_{L-1}$.


# %%
def clip_bound(widths, c):
    """The bound (10.4) for a network of these widths."""
    n_0, *hidden, _ = widths
    return c ** (len(widths) - 1) * math.sqrt(n_0) * math.prod(hidden)


small = [[1, 64, 64, 1], [2, 64, 64, 1], [2, 128, 128, 128, 1],
         [2, 512, 512, 512, 1]]  # fmt: skip
attained = []
for widths in small:
    critic = MLP(widths, dtype=torch.float64)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.fill_(0.01)
    somewhere = torch.rand(1, widths[0], generator=source).double()
    attained.append(critic.input_gradient(somewhere).norm().detach())
claim(
    "weight-clipping-lipschitz",
    "slope at c = 0.01 of four critics with all weights c",
    attained,
    equals=[clip_bound(widths, 0.01) for widths in small],
    rtol=1e-9,
)

# %%
for_images = [12288, 512, 512, 512, 1]
for widths in (*small, for_images):
    name = "-".join(map(str, widths))
    print(f"{name:21s} {clip_bound(widths, 0.01):10.4f}")

# %% [markdown]
# The same $c=0.01$ allows slopes of 0.004 in one network and of almost 149 in another. **$K$ is not what you set; it is
# what the architecture makes of it.** And the depth is an exponent: ten times as large a $c$ means $10^L$ times the
# bound.
#
# (It has been said that through clipping the critic "obtains its lower and upper bounds to preserve the Lipschitz
# continuity". What is bounded is the *slope*. Values are bounded only as long as $x$ is: without biases a ReLU network
# has $f(10x)=10f(x)$, whatever its weights. And bounds on the values would not preserve anything: $\sin x^2$ stays
# between $-1$ and 1 and is arbitrarily steep.)

# %%
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
# :::{admonition} Try it
# :class: tip
# Set the biases to 0.01 as well. What becomes of $f(10x)/f(x)$, and why is the answer near 10 for points far away?
# :::
#
# ### Which functions are left?
#
# It is often said that the maximum over any such family is $W_1$ "up to a constant factor". If that were so, the factor
# would not matter: a distance in unknown units is still good for comparing. For critics with one hidden layer the
# maximum can be worked out. Let $f(x)=\sum_jv_j\operatorname{ReLU}(u_jx+b_j)+d$ on a line, with all parameters in
# $[-c,c]$, and let
#
# $$ \Delta(u,b)=\mathbb E_{p_r}\operatorname{ReLU}(ux+b)-\mathbb E_{p_g}\operatorname{ReLU}(ux+b) $$ (eq-delta)
#
# be the difference that one unit sees. Then $\mathbb E_{p_r}f-\mathbb E_{p_g}f=\sum_jv_j\,\Delta(u_j,b_j)$. Each term
# can be made as large as possible by itself, and it is the *same* problem for every unit: the best units are all alike,
# with $v_j=\pm c$. As $\operatorname{ReLU}(cy)=c\operatorname{ReLU}(y)$, with $n$ hidden units
#
# $$ \max_w\ \mathbb E_{p_r}f_w-\mathbb E_{p_g}f_w=c^2n\cdot\max_{|u|,|b|\le1}|\Delta(u,b)| . $$ (eq-one-kink)
#
# However many units it has, **the best clipped critic with one hidden layer is a ramp with a single kink**. The bound
# {eq}`eq-clip-bound` is $K=c^2n$, so the share of $KW_1$ that it reaches is $\max|\Delta|/W_1$, whatever $c$ and $n$
# are. The share is a property of the two distributions. We compute it for ten pairs of Gaussians, each as 401
# quantiles, and beside it the share that linear critics reach, which is the difference of the means divided by $W_1$.


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


ordered = [((0, 0.1), (3, 0.1)), ((0, 1), (1, 1)), ((-2, 0.5), (2, 0.5)),
           ((1, 0.3), (5, 0.3)), ((-3, 0.7), (-1, 0.7))]  # fmt: skip
crossing = [((0, 1), (0, 2)), ((0, 0.5), (0, 2)), ((0, 1), (1, 2)),
            ((0, 1), (2, 0.5)), ((4, 0.5), (4, 1.5))]  # fmt: skip
pairs = ordered + crossing
real = torch.stack([quantiles(*p) for p, _ in pairs])  # (10, 401)
made = torch.stack([quantiles(*q) for _, q in pairs])
w1 = wasserstein_1d(real, made)

# %%
linear = (real.mean(1) - made.mean(1)).abs() / w1
ramps = best_ramp(real, made) / w1
print("linear:", [f"{share:.2f}" for share in linear.tolist()])
print("ramps: ", [f"{share:.2f}" for share in ramps.tolist()])
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
# In the first five pairs everything has to move the same way, a linear function is a Kantorovich potential, and the
# linear critics see all of $W_1$. For the other five they see less, down to nothing at all. And over all ten, the share
# that the best clipped critic sees runs from 1 down to 0.13. **There is no constant factor.** The maximum over a family
# is a distance in its own right (an *integral probability metric*), and what a generator that reduces it has reduced is
# that distance.
#
# And do trained critics find even this maximum? Ten critics with 64 hidden units, one for each pair, take 600
# steps of RMSProp, each followed by clipping to $c=0.1$:

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

# %%
claim(
    "param-family-constant",
    "what ten trained critics reach of the best ramp's share",
    reached / ramps,
    above=0.3,
    below=0.95,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: a Kantorovich potential of N(0,1) and N(0,2), a roof that falls with slope 1 on both sides of 0, and the best ramp of a clipped critic, level on the left of 0 and falling with slope 1 on the right. Right: the share of K times W_1 for ten pairs of distributions: linear critics at 1 for the first five pairs and lower or 0 for the others; the best clipped critics between 0.13 and 1; trained ones lower, at half to nine tenths of the best."}, "figure": {"name": "fig-ramps", "caption": "What clipping leaves of a critic with one hidden layer. Left: a roof is wanted, but a ramp is the best available (here for N(0, 1) and N(0, 2)). Right: the share of K·W₁ that is reached for ten pairs of distributions; there is no constant factor."}}
left, right = plots.axes(1, 2, height=2.9)
at = torch.linspace(-4, 4, 201)
plots.lines(
    left,
    at,
    {"potential": -at.abs(), "best ramp": -at.relu()},
    colours=[plots.REAL, plots.GENERATED],
)
left.set(xlabel="x", ylabel="f(x)")
number_of = torch.arange(1, 11)
for share, mark, colour, name in (
    (linear, "^", plots.THIRD, "linear"),
    (ramps, "s", plots.GENERATED, "best ramp"),
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
# They do not. They reach between four and nine tenths of what is possible. A unit that starts with the wrong sign of
# $u$ faces the wrong way, and to turn round it would have to pass $u=0$, where it sees no difference at all. So some is
# lost to the family, and some more to the optimizer.
#
# :::{admonition} Try it
# :class: tip
# Give the critic a second hidden layer, `[1, 64, 64, 1]`, with the bound `c**3 * 64**2`. Does the share for the roof
# get better? A second layer can add two ramps. What does that cost in the bound?
# :::
#
# ## What the generator follows
#
# The critic's maximum depends on $\theta$ in two ways: through the samples, and through the best critic, which changes
# with $\theta$. Must we differentiate through the training of the critic? No, and the argument is short. Let $f^*$ be
# optimal at $\theta_0$, and keep it fixed. For every $\theta$
#
# $$ W_1(p_r,p_{g})-\Big(\mathbb E_{p_r}f^*-\mathbb E_z f^*(G_\theta(z))\Big)\ge0\quad\text{with equality at }\theta_0 , $$ (eq-touching)
#
# since $f^*$ is allowed in {prf:ref}`thm-kantorovich-rubinstein` for every $\theta$, and best at $\theta_0$. A
# differentiable function that is 0 somewhere and nowhere negative has derivative 0 there. So
#
# $$ \nabla_\theta W_1(p_r,p_{g})=-\mathbb E_z\,\nabla_\theta f^*(G_\theta(z)) , $$ (eq-critic-envelope)
#
# where both sides exist. (This is the **envelope theorem**, as in {eq}`eq-envelope`. Slides write it for *any*
# critic $\psi_w$; the proof needs the *best*, and one with slopes up to $K$ gives $K$ times the gradient.)
#
# We check it on 40 points and a generator $G(z)=Az+b$. Linear programming gives the best plan and prices. There are
# many best price lists, and one at a corner of the set of them has kinks where samples sit; so we take one from the
# middle, the mean over all samples $k$ of the prices that are as high as they can be when the price at $k$ is fixed.

# %%
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
prices = rise.mean(0)
phi = KantorovichPotential(data[partner], prices)  # minus the critic f*

# %%
samples = z @ A.T + b
pull = phi.gradient(samples)  # minus the gradient of f*, (40, 2)
by_critic = torch.cat([(pull.T @ z / 40).flatten(), pull.mean(0)])
claim(
    "w1-gradient-envelope",
    "f* is optimal: its report less W_1",
    phi(samples).mean() + prices.mean() - distance(A, b).value,
    equals=0.0,
    atol=1e-12,
)

# %%
h, by_differences = 1e-6, []
for i in range(6):  # four entries of A, two of b
    bump = h * torch.eye(6, dtype=torch.float64)[i]
    ends = [
        distance(A + s * bump[:4].reshape(2, 2), b + s * bump[4:]).value
        for s in (1, -1)
    ]
    by_differences.append((ends[0] - ends[1]) / (2 * h))
claim(
    "w1-gradient-envelope",
    "(10.8) against differences of exact W_1, six parameters",
    by_critic - torch.stack(by_differences),
    equals=0.0,
    atol=1e-7,
)

# %% [markdown]
# To descend $W_1$, then, is to *ascend* $\mathbb E_zf^*(G_\theta(z))$. That is worth a second look, because the slides
# print the right formula, $\theta\leftarrow\theta+\alpha\nabla_\theta\frac1m\sum_if_w(G_\theta(z_i))$, and call it
# gradient descent. Both are right, but about different functions. Here is a step up on $f^*$, and what it does to
# $W_1$, on the parallel lines of lesson 10 at $\theta=\frac12$; critic and distances are the linear programme's:

# %%
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
# ## Algorithm 2
#
# :::{prf:algorithm} The Wasserstein GAN
# :label: alg-wgan
# Given the step size $\alpha=0.00005$, the clipping bound $c=0.01$, batches of $m=64$, and $n_\text{critic}=5$,
# repeat:
#
# 1. $n_\text{critic}$ times: draw $x_1,\dots,x_m\sim p_r$ and $z_1,\dots,z_m\sim p_z$; take a step of RMSProp
#    **up** the gradient, in $w$, of $\frac1m\sum_if_w(x_i)-f_w(G_\theta(z_i))$; then clip $w$ to $[-c,c]$.
# 2. Draw $z_1,\dots,z_m\sim p_z$, and take a step of RMSProp **up** the gradient, in $\theta$, of
#    $\frac1m\sum_if_w(G_\theta(z_i))$.
# :::
#
# Against Algorithm 1 ({prf:ref}`alg-gan`) five things have changed. The weights are **clipped**; the **logarithm** is
# gone; a **critic** gives scores where a classifier gave probabilities, and so there is **no sigmoid** at its output
# (this usually goes unsaid); and the optimizer is **RMSProp**. Without the logarithm the loss is linear in the scores:
# scores twice as large count twice as much, for the critic and for the generator. In the old game they do not.

# %%
marks = torch.randn(2, 1000, dtype=torch.float64, generator=source)


def loss(factor, of):
    return of(*(factor * marks))


old = loss(2, discriminator_loss) / loss(1, discriminator_loss)
claim(
    "wgan-changes",
    "by how much the old loss misses twice itself for scores twice as large",
    (old - 2).abs(),
    above=0.1,
)
claim(
    "wgan-changes",
    "loss of scores 2, 3, -1 times as large, over that of the scores",
    [
        loss(s, wasserstein_critic_loss) / loss(1, wasserstein_critic_loss)
        for s in (2, 3, -1)
    ],
    equals=[2, 3, -1],
    rtol=1e-12,
)


# %% [markdown]
# Here is the algorithm for critics and generators that are given as functions of their parameters. (The box printed in
# most places runs its inner loop from $t=0$ to $n_\text{critic}$, once too often. The authors' code, as far as we know
# it, differs a little from both: it clips *before* each critic step, and takes a hundred critic steps during the first
# 25 iterations and at every 500th.)


# %%
def algorithm_2(w, theta, f, G, draw_x, draw_z, *, iterations,
                n_critic=5, rate=5e-5, c=0.01):  # fmt: skip
    """Arjovsky et al. (2017), Algorithm 1. Returns w after each step."""
    critic = torch.optim.RMSprop([w], lr=rate, maximize=True)
    generator = torch.optim.RMSprop([theta], lr=rate, maximize=True)
    way = []
    for _ in range(iterations):
        for _ in range(n_critic):
            fake = G(theta, draw_z()).detach()  # the gradient stops here
            number = f(w, draw_x()).mean() - f(w, fake).mean()
            w.grad = torch.autograd.grad(number, w)[0]
            critic.step()
            clip_([w], c)
            way.append(w.detach().clone())
        score = f(w, G(theta, draw_z())).mean()  # through f, back to θ
        theta.grad = torch.autograd.grad(score, theta)[0]
        generator.step()
    return torch.stack(way)  # (iterations * n_critic, size of w)


# %% [markdown]
# Is it right? For the critic $f_w(x)=w_1x+w_2x^2$ and the generator $G(z)=\theta_1z+\theta_2$ the gradients can be
# written down, and RMSProp is two lines: keep a running mean $s\leftarrow0.99s+0.01g^2$ of the squared slopes, and move
# by $\alpha g/\sqrt s$. One iteration by hand:


# %%
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


# %%
draws = torch.randn(11, 64, dtype=torch.float64, generator=source)
xs, zs = 2 + draws[:5], draws[5:]  # five batches of x, six of z
start = torch.tensor([[0.0090, -0.0020], [1.0, 0.5]]).double()
w, theta = (p.clone().requires_grad_() for p in start)
deal_x, deal_z = iter(xs), iter(zs)
way = algorithm_2(
    w, theta,
    lambda w, x: w[0] * x + w[1] * x**2,
    lambda theta, z: theta[0] * z + theta[1],
    lambda: next(deal_x), lambda: next(deal_z), iterations=1,
)  # fmt: skip
steps = torch.cat([start[:1], way]).diff(dim=0).abs().amax(1)  # of w
claim(
    "weng-fig9",
    "critic steps, those in which w moves, and the largest |w| after one",
    [len(way), (steps > 0).sum(), way.abs().max()],
    equals=[5, 5, 0.01],
    atol=1e-15,
)
w_hand, theta_hand = iteration_by_hand(*start, xs, zs)
claim(
    "weng-fig9",
    "an iteration of Algorithm 2 and by hand: w, and θ, differ by",
    [(w - w_hand).abs().max(), (theta - theta_hand).abs().max()],
    below=1e-12,
)

# %% [markdown]
# `gantut.training.train` is the same loop for populations; with `Config(objective="wgan")` it has the settings of
# the box.
#
# ## Two Gaussians
#
# The picture that made the case for the Wasserstein GAN shows two Gaussians, an optimal discriminator between them that
# is flat where the generated samples are, and a critic that is not. The paper does not say which Gaussians. It matters.
# For real samples from $N(-\mu,s)$ and generated ones from $N(\mu,s)$, {eq}`eq-dstar` gives
#
# $$ D^*(x)=\sigma\Big(-\frac{2\mu x}{s^2}\Big),\qquad\Big|\frac{d}{dx}\log(1-D^*(x))\Big|=\frac{2\mu}{s^2}\,D^*(x) . $$ (eq-two-gaussians)
#
# At the median generated sample, $x=\mu$, the gradient is about $\frac{2\mu}{s^2}e^{-2\mu^2/s^2}$. So it is the
# distance *in units of the spread* that kills it. But the median is not all. The samples furthest to the left keep much
# more, and what moves the generator's mean is the gradient's mean over all of them. Here are both, for three spreads;
# the best critic has the slope 1 throughout.

# %%
mu, optimal = 2.0, {}
for s in (4.0, 1.0, 0.5):
    x = quantiles(mu, s, n=100_001)  # generated samples
    leaves = 2 * mu / s**2 * torch.sigmoid(-2 * mu * x / s**2)
    optimal[s] = leaves.median().item(), leaves.mean().item()
    print(f"mu/s = {mu / s:g}: median {optimal[s][0]:.2g}, "
          f"mean {optimal[s][1]:.2g}")  # fmt: skip
claim(
    "xu-fig2",
    "gradient that D* leaves, median and mean, at mu/s = 2 and 4",
    [*optimal[1.0], *optimal[0.5]],
    equals=[0.00134, 0.137, 2.03e-13, 7.9e-4],
    rtol=0.01,
)

# %% [markdown]
# Between Gaussians that overlap, at $\mu/s=\frac12$, more than a third of the logit's slope,
# $\frac{2\mu}{s^2}=\frac14$, is left to the median sample. At $\mu/s=4$ less than a thousandth of the critic's push is
# left on average, and next to nothing to most.
#
# We take $\mu=2$, $s=\frac12$, hold the generator fixed, and train populations of eight: discriminators, clipped
# critics ($c=0.1$), and critics that pay a penalty for slopes above 1, which are the subject of lesson 13.

# %%
s = 0.5
real_distribution = gaussian_mixture([[-mu]], s)  # in one dimension
settings = dict(
    members=8, steps=at_scale(fast=600, full=20_000), n_critic=1,
    batch_size=128, latent_dim=1, learn_generator=False,
    critic=Architecture((64, 64)),
)  # fmt: skip
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
trained = {}
for name, kind in kinds.items():
    still = wasserstein_gan.gaussian_generator(8, mean=(mu,), scale=s)
    config = Config(**settings | kind)
    trained[name] = train(
        config, real_distribution, generator=still, samples=1000
    )
    trained[name].critic.cpu()  # to be looked at, wherever it was trained

# %%
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

# %%
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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: two Gaussian bumps at minus 2 and 2; the discriminator falls from 1 to 0 between them and is flat on both; the penalised critic is a nearly straight falling line; the clipped critic falls too, steeply in the middle between the bumps and less so on both sides. Right, on a logarithmic scale from minus 3.5 to 3.5: the gradient of log(1-D) falls by many orders of magnitude towards the generated samples; the slopes of both critics stay near 1."}, "figure": {"name": "fig-two-gaussians", "caption": "Between two Gaussians (after figure 2 of Xu's slides). Left: the densities, a discriminator, and the critics, shifted to 1/2 at x = 0 and drawn a tenth as high. Right: the gradient that each leaves to a generated sample at x; medians and ranges of eight. Dashed: the optimal discriminator."}}
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
colours = [plots.FOURTH, plots.FIFTH, plots.THIRD]
plots.lines(left, line, curves, colours=colours)
left.set(xlabel="x")
left.get_legend().remove()
with torch.no_grad():
    left_at = slopes | {
        "discriminator": slopes["discriminator"]
        * D(at).squeeze(-1).sigmoid()
    }
for own, colour, dash in zip(
    left_at.values(), colours, plots.DASHES, strict=False
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
# The discriminators leave next to nothing. Both critics leave a gradient everywhere, but of different kinds. The
# penalised ones are nearly straight: the least slope is more than 0.85 of the largest in each of the eight. The clipped
# ones are "clean" only in comparison. They are steepest in the middle, where no samples are, and between their flattest
# and their steepest place the slope grows by a factor of two and a half to ten: they are sums of a few ramps.
#
# And what is $K$ here? There are three answers: what $c$ allows a network of this shape, {eq}`eq-clip-bound`; what its
# present weights allow (the product of the largest singular values of its matrices); and what is found on samples.

# %%
x = torch.cat(
    [
        real_distribution.sample((8, 300), generator=source),
        samples[:, :300],
    ],
    1,
)
found, by_weights = (
    {name: of(name) for name in evenness}
    for of in (
        lambda name: max_gradient_norm(trained[name].critic, x.float()),
        lambda name: lipschitz_bound(trained[name].critic),
    )
)
allowed = clip_bound([1, 64, 64, 1], 0.1)

# %%
claim(
    "three-answers-for-k",
    "clipped: what weights allow over what c allows, found over weights'",
    [
        *by_weights["clipped"] / allowed,
        *found["clipped"] / by_weights["clipped"],
    ],
    above=0.4,
    below=1.0,
)
claim(
    "three-answers-for-k",
    "penalised: what the weights allow over what is found",
    by_weights["penalised"] / found["penalised"],
    above=3,
)

# %% [markdown]
# No two of them agree. A bound computed from $c$ or from the weights is safe, and may be several times too large. What
# is found on samples may be too small. We shall see that for one purpose it is exactly right.
#
# :::{admonition} Try it
# :class: tip
# We used the penalty that punishes slopes above 1 and leaves those below alone. The better-known two-sided one,
# `objective="wgan-gp"`, punishes both. Try it. What happens to a critic that starts out rising where it should fall,
# and why can it not turn round?
# :::
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
# Against a generator that stands still, all that training does is raise it towards the maximum in {eq}`eq-critic-loss`.
# Only between iterations, with the critic brought back to its best each time, does a lower estimate mean a smaller
# distance. Here are the estimates of the critics above on their way up:

# %%
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

# %% [markdown]
# And here are whole games, generator included: 32 with the two-sided penalty on the ring of eight Gaussians, $k=5$
# critic steps per iteration, as in lesson 6. They were played beforehand
# (`python -m gantut.lessons critic-and-distance`), and at twenty times during each game the critic's estimate was
# computed on 250 real and 250 generated samples, and the exact $W_1$ of the same samples by linear programming.

# %%
record = recorded("critic-and-distance").result
looks = torch.tensor(record["steps"])
games = {
    game["objective"]: {
        name: torch.tensor(game[name])
        for name in ("estimate", "slope", "w1", "scaled")
    }  # each (members, looks)
    for game in record["games"]
}
game = games["wgan-gp"]

# %%
later = torch.stack([game[name][:, 3:] for name in ("estimate", "w1")])
fell = later[..., -1] < later[..., 0]  # (estimate and W_1, 32)
claim(
    "loss-decreases-w-smaller",
    "games in which both estimate and W_1 fell, iterations 200 to 1000",
    fell.all(0).sum(),
    equals=32,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: against a still generator the estimates of eight clipped and of eight penalised critics climb within a hundred steps to a plateau at about 5, above the dashed line at the true distance 4. Right: over the iterations of 32 games the critic's estimate starts high, dips at iteration 100, rises until iteration 150 and then falls steadily, together with the exact distance, from 0.9 to 0.3 and from 0.7 to 0.4."}, "figure": {"name": "fig-climb", "caption": "The critic's estimate. Left: against a generator that stands still, it climbs (dashed, the true W₁). Right: from iteration to iteration it falls together with the distance, once the critic has caught up. Medians and ranges."}}
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
    ("estimate", plots.THIRD, "-", "critic's estimate"),
    ("w1", plots.REAL, plots.DASHES[1], "exact W₁"),
):
    plots.population(
        right, looks, game[name], name=label, colour=colour, dash=dash
    )
right.set(xlabel="iteration", ylim=(0, None))
right.legend(fontsize=9)
plots.show()

# %% [markdown]
# (On the left both plateaus lie above the true distance, since neither kind of critic keeps to slopes of 1; that on the
# right the two curves nearly coincide is luck, as we shall see.) The first hundred iterations are worth a look. The
# estimate is at its highest, above the true distance, when the critic is at its wildest, and then far below it: a
# critic that has five steps per iteration is not at its best against a moving generator from the start. That is what
# the hundred steps of the authors' code are for.
#
# Go through such games step by step. The non-saturating game with one discriminator step per iteration, and the clipped
# and the penalised Wasserstein games with five, were recorded with 32 members each on the ring
# (`python -m gantut.lessons training-scrubber`). When does the critic's estimate begin to follow the distance? And
# in the game that ends furthest away, what has the generator missed?

# %%
training_scrubber(recorded("training-scrubber"))

# %% [markdown]
# ## What the estimate proves
#
# A critic in training is some function $f$, neither optimal nor of known slope. Its estimate still proves something.
# Take a batch of real samples $x_i$ and a batch of generated ones $y_j$, and let
#
# $$ K=\max_{x_i\ne y_j}\frac{|f(x_i)-f(y_j)|}{\|x_i-y_j\|} $$ (eq-measured-slope)
#
# be the largest slope *between* the two batches. This can be measured: it is one table of differences over one
# table of distances.
#
# :::{prf:theorem} What a critic proves
# :label: thm-certificate
# For any function $f$ and any two batches, with the exact $W_1$ of the batches,
#
# $$ \overline{f(x)}-\overline{f(y)}\;\le\;K\,W_1 . $$ (eq-certificate)
# :::
#
# For the best plan $\gamma$ between the batches, the difference of the means is
# $\sum_{ij}\gamma_{ij}(f(x_i)-f(y_j))\le\sum_{ij}\gamma_{ij}K\|x_i-y_j\|$; where $x_i=y_j$, both sides are 0. That is
# the whole proof, and it assumes nothing about $f$: not that it was clipped or trained, nor that anybody knows a bound
# on its slope. So the estimate over $K$ is at most $W_1$. (A critic that is constant has $K=0$, and proves that
# $W_1\ge0$. The distances are best computed from differences in double precision: the usual shortcut, by squares and
# products, gives nonsense for samples that are close to each other and far from the origin.)


# %%
def slope_between(f_x, f_y, x, y):
    """The K of (10.10): (members,)."""
    apart = (x[:, :, None].double() - y[:, None]).norm(dim=-1)
    rise = (f_x[:, :, None].double() - f_y[:, None]).abs()
    return torch.where(apart > 0, rise / apart, 0.0).amax((1, 2))


def over_slope(f_x, f_y, x, y):
    """A lower bound for W_1 of two batches, from any critic: (members,)."""
    K = slope_between(f_x, f_y, x, y)
    return torch.where(K > 0, (f_x.mean(1) - f_y.mean(1)) / K, 0.0)


def scores(critic, *batches):
    return [critic(batch).detach().squeeze(-1) for batch in batches]


source = random_source(1)
x = ring().sample((20, 100), generator=source)  # twenty batches of 100
y = 1.5 * torch.randn(20, 100, 2, dtype=torch.float64, generator=source)
critics = MLP([2, 64, 1], members=20, gain=3.0, dtype=torch.float64)
noise = 0.1 * torch.randn(2, 20, 100, dtype=torch.float64, generator=source)
of_batches, best = exact_w1(x, y), emd_points(x, y)
far = [(1e4 + batch).float() for batch in (x, y)]  # 0.001 between numbers
of_far, best_far = exact_w1(*far), emd_points(*(b.double() for b in far))

# %%
good = 3 * best.f + noise[0], noise[1] - 3 * best.g  # steep, and noisy
claim(
    "critic-certificate",
    "W_1 of 20 pairs less what 20 untrained and 20 good critics prove",
    [
        *(of_batches - over_slope(*scores(critics, x, y), x, y)),
        *(of_batches - over_slope(*good, x, y)),
    ],
    above=0.0,
)
claim(
    "critic-certificate",
    "share of W_1 that Kantorovich potentials prove",
    over_slope(best.f, -best.g, x, y) / of_batches,
    equals=1.0,
    atol=1e-9,
)
dead = torch.zeros(20, 100)
f_x, f_y = best_far.f.float(), -best_far.g.float()
claim(
    "critic-certificate",
    "share far out, in float32, less 1; a dead critic's; a batch with itself",
    [
        over_slope(f_x, f_y, *far) / of_far - 1,
        over_slope(dead, dead, x, y),
        over_slope(f_x, f_x, x, x),
    ],
    equals=0.0,
    atol=1e-2,
)

# %% [markdown]
# How good a bound is it in practice? Four games with a penalised critic, played now for 200 iterations, and the 32
# recorded games, with as many of a clipped critic ($c=0.1$):

# %%
history, seen = wasserstein_gan.track_critic(
    "wgan-gp", members=4, steps=200, evaluations=5
)
shares = {
    kind: games[kind]["estimate"] / games[kind]["slope"] / games[kind]["w1"]
    for kind in ("wgan", "wgan-gp")
}  # of W_1, (32 games, 20 looks) each

# %%
for kind, name in (("wgan", "clipped"), ("wgan-gp", "penalised")):
    print(f"{name:10s}share of W_1 proved: median {shares[kind].median():.2f}, "
          f"at best {shares[kind].max():.2f}")  # fmt: skip
claim(
    "critic-certificate",
    "largest share proved in live and in 64 recorded games, 20 looks each",
    [(seen.estimate / seen.slope / seen.w1).max()]
    + [share.max() for share in shares.values()],
    below=1.0,
)

# %% [markdown]
# A penalised critic proves six tenths of the distance in the median, a clipped one a fifth, and now and then two
# thirds.
#
# ### A better proof, and what the critic has to do with it
#
# One steep place anywhere makes $K$ large, and the whole bound small. Lesson 10 knows a remedy: whatever numbers $h_i$
# one starts from, the $c$-transform $g_j=\min_i\|x_i-y_j\|-h_i$ makes them a pair of prices that is allowed, and a
# second one, $h_i'=\min_j\|x_i-y_j\|-g_j\ge h_i$, cannot do harm. By weak duality
#
# $$ \overline{h'}+\overline{g}\;\le\;W_1 . $$ (eq-weak-certificate)
#
# Take $h=s\,f(x)$, with the best factor $s$, or start from the other side with $g=-s\,f(y)$. With $s=1/K$ this gives
# {eq}`eq-certificate` or more. `certified_w1` of `gantut.metrics` computes it, and cannot divide by 0. Here are both
# bounds for the critics of the four live games. And a **control**: what do the two $c$-transforms prove alone, from
# $f=0$?

# %%
fake = history.samples[-1, :, :250].double()
real = ring().sample(250, generator=random_source(1)).expand_as(fake)
f_real, f_fake = scores(history.critic.cpu().double(), real, fake)
truth = exact_w1(fake, real)
proofs = {
    "over the slope": over_slope(f_real, f_fake, real, fake),
    "by two transforms": certified_w1(fake, real, f_fake, f_real),
    "the same from f = 0": certified_w1(fake, real, 0 * f_fake, 0 * f_real),
}
proofs = {name: bound / truth for name, bound in proofs.items()}

# %%
for name, share in proofs.items():
    print(f"{name:20s} {', '.join(f'{s:.2f}' for s in share)} of W_1")
slope_proof, better, alone = proofs.values()
claim(
    "critic-weak-duality",
    "share by two transforms less share over the slope; and less f = 0's",
    torch.stack([better - slope_proof, better - alone]),
    above=0.0,
)
claim(
    "critic-weak-duality",
    "the largest share by two transforms",
    better.max(),
    below=1.0,
)

# %% [markdown]
# So {eq}`eq-weak-certificate` proves over nine tenths of the distance. But the control sobers: most of that lies in the
# table of distances, and would be proved by a critic that knows nothing. What *this* critic contributes is the step
# from the last line to the one above. As a proof about the distance, take {eq}`eq-weak-certificate`; as a judgement of
# the critic, {eq}`eq-certificate`.
#
# ### Does it fall when the distance falls?
#
# For this we add 32 non-saturating games, in which the discriminator's loss gives its estimate of JS, and take
# Spearman's rank correlation of each game's estimate with its exact $W_1$ over the twenty measurements: 1 if they rise
# and fall together throughout. A yardstick needs a control here, too. In a game that improves steadily, *anything* that
# falls with time keeps step with $W_1$. So we also ask a **clock**, which reports minus the number of the iteration.
# The members of all populations share their seeds, so they are compared pair by pair (four comparisons).

# %%
correlation = {
    game["objective"]: torch.tensor(game["estimate_correlation"])
    for game in record["games"]
}
scaled = torch.tensor(record["games"][1]["scaled_correlation"])
clock = rank_correlation(
    -looks.double().expand(32, -1), games["wgan-gp"]["w1"].double()
)
ends = {name: median_interval(own) for name, own in correlation.items()}
for name, (low, middle, high) in ends.items():
    print(
        f"{name:15s} median {middle:.2f}, interval {low:.2f} to {high:.2f}"
    )
print(f"wgan-gp, estimate over slope: median {scaled.median():.2f}")
print(f"a clock, in the same games:   median {clock.median():.2f}")

# %%
with_penalty = correlation["wgan-gp"]
claim(
    "wgan-loss-correlates",
    "correlation with a penalty less that of clipping, of D: low ends",
    [
        paired_difference(
            with_penalty, correlation[other], comparisons=4
        ).low
        for other in ("wgan", "non-saturating")
    ],
    above=0.1,
)
claim(
    "wgan-loss-correlates",
    "estimate over slope less estimate, estimate less a clock: high ends",
    [
        paired_difference(scaled, with_penalty, comparisons=4).high,
        paired_difference(with_penalty, clock, comparisons=4).high,
    ],
    below=0.0,
    digits=1,
)

# %% [markdown]
# Two things are worth noting. For watching a game, *do not* divide by the slope: $K$ is set by a single pair of
# samples, and its noise makes the correlation a little worse. And the clock beats every critic. A high correlation in a
# game that goes well is no proof that the critic sees anything. Where it has to see something is where a clock is
# blind: which of the 32 games, at one and the same iteration, is further away? And which way does a game go that goes
# badly?

# %%
for name, own in games.items():
    at_a_look = rank_correlation(own["estimate"], own["w1"], dim=0)  # (20,)
    print(
        f"{name:15s} between games at one look, median {at_a_look.median():.1f}"
    )
against = games["non-saturating"]
backward = rank_correlation(-looks.expand(32, -1).float(), against["w1"])
rising = (correlation["non-saturating"] > 0).sum()
print(f"non-saturating: a clock {backward.median():.1f}, and the estimate "
      f"rises with W_1 in {rising} of 32 games")  # fmt: skip

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels. Clipped critics over 1000 iterations: the exact distance falls from 1.6 to 0.6, the proved lower bound stays low, at 0.1 to 0.3. Penalised: the exact distance falls from 1.1 to 0.36, the lower bound runs at about 0.6 of it and falls with it. Right: rank correlations of estimate and distance, 32 dots for each game: clipped spread from below 0 to 0.9, penalised all above 0.7 and most near 0.95, discriminator spread around 0.6."}, "figure": {"name": "fig-certified", "caption": "What critics prove: exact W₁ of 250 against 250 samples, and the lower bound from the critic's estimate and its measured slope (medians and ranges of 32 games). Right: the rank correlation of estimate and distance in each game, with 95% intervals of the median; a clock would stand at 0.99 in the middle column."}}
panels = plots.axes(1, 3, height=3.0)
for ax, kind, title in zip(
    panels, ("wgan", "wgan-gp"), ("clipped", "penalised"), strict=False
):
    own = games[kind]
    for values, name, colour, dash in (
        (own["w1"], "exact W₁", plots.REAL, "-"),
        (
            own["estimate"] / own["slope"],
            "proved by the critic",
            plots.GENERATED,
            plots.DASHES[1],
        ),
    ):
        plots.population(
            ax, looks, values, name=name, colour=colour, dash=dash
        )
    ax.get_legend().remove()
    ax.set(xlabel="iteration", ylim=(-0.2, 2.0))
    ax.set_title(title, fontsize=11)
short = {"wgan": "clip", "wgan-gp": "penalty", "non-saturating": "D"}
plots.strips(
    panels[2],
    {short[name]: own for name, own in correlation.items()},
    intervals=list(ends.values()),
)
panels[2].set_title("rank correlation", fontsize=11)
panels[2].set(ylim=(-0.6, 1.05))
plots.legend_below(panels[0], columns=2)
plots.show()

# %% [markdown]
# The penalised critic's estimate follows the distance in every game, and its bound is about six tenths of the truth,
# iteration after iteration; it also tells, somewhat, which of two games is further on. The clipped critic's estimate
# says less about where its game stands, and next to nothing about which game is ahead. A discriminator's loss is not as
# blind as it is said to be: these games collapse, and so move *away* from the data from iteration 200 on, and more
# often than not its loss notices, which no clock would. But you cannot rely on it.
#
# How far down can the estimate go? Two batches of the *data* are not at distance 0 from each other. Does that mean that
# a critic never reports 0? Let us ask the four live critics about 32 pairs of fresh batches of the data:

# %%
source = random_source(2)
batches = ring().sample((2, 32, 250), generator=source)
floor = exact_w1(*batches)  # two draws of the data, 32 times
judges = history.critic.cpu().double()
told = [
    judges(batch.reshape(1, -1, 2).expand(4, -1, -1)).detach()
    .reshape(4, 32, 250).mean(2)
    for batch in batches
]  # fmt: skip
reports = told[0] - told[1]  # (4 critics, 32 pairs)

# %%
claim(
    "critic-floor",
    "W_1 of two batches of 250 of the data, 32 times",
    floor,
    above=0.1,
)
claim(
    "critic-floor",
    "four critics' mean report on such pairs, in standard errors",
    reports.mean(1) / (reports.std(1) / 32**0.5),
    above=-4,
    below=4,
    digits=1,
)
claim(
    "critic-floor",
    "their largest mean report, over the mean W_1 of the pairs",
    reports.mean(1).abs().max() / floor.mean(),
    below=0.25,
    digits=1,
)

# %%
print(f"two batches of the data: W_1 of about {floor.median():.1f}")
for kind in ("wgan", "wgan-gp"):
    K = games[kind]["slope"].median(0).values
    print(f"{kind}: slope from {K[3]:.1f} at iteration 200 to {K[-1]:.1f}")
claim(
    "three-answers-for-k",
    "in 32 games: what c = 0.1 allows this network over what is found",
    clip_bound([2, 64, 64, 1], 0.1) / games["wgan"]["slope"][:, 3:],
    above=2,
)

# %% [markdown]
# The critic's number on *fresh* samples has the mean 0 where the distributions agree, and is as often negative; it is
# the exact $W_1$ of two batches that has a floor, and so has any bound that is computed from the batches' own table of
# distances.
#
# So here are the answers to the three questions from the beginning.
#
# | | |
# |---|---|
# | **What is $K$?** | Not $c$, and not the bound {eq}`eq-clip-bound` either, which is several times too large. It is a property of the critic at the moment, it drifts during training, and {eq}`eq-measured-slope` measures it. The estimates of two architectures, or for two values of $c$, cannot be compared without it. |
# | **Does the estimate mean anything?** | Divided by the measured $K$, it proves that the batches are at least that far apart. How much further, it does not say; with a penalised critic on the ring it is about 1.6 times as far. Undivided, it falls as the distance falls, in these games with a penalty; a clock does so too. The generator's loss alone means nothing, as a constant may be added to $f$. |
# | **When do I stop?** | When the estimate, with a critic that keeps up ($k=5$ or more, and a penalty), has stopped falling. On fresh samples it can fall to 0, and below by chance. The exact $W_1$ of two batches cannot: 250 and 250 samples of the data themselves are about 0.2 apart. |
#
# :::{admonition} Try it
# :class: tip
# `max_gradient_norm` of `gantut.lipschitz` also finds the steepest places within the real and within the generated
# samples. Is {eq}`eq-certificate` still a theorem with it? Is it a better bound or a worse one?
# :::
#
# ## Too small, too large
#
# "Weight clipping is a clearly terrible way to enforce a Lipschitz constraint", its authors wrote
# {cite}`arjovsky2017wgan`: if $c$ is large, it takes the weights a long time to get there, and if it is small,
# gradients vanish. Why? Follow the gradient of the critic's loss backwards through its layers. Each layer multiplies it
# by a matrix whose entries are about $\pm c$, in the $\frac n2$ rows whose units are active. If the signs are at
# random, the terms add up as in a random walk, and the factor is about $c\sqrt{n/2}$; if all agree, it is $c\,n/2$:
#
# $$ c\sqrt{n/2}\;\lesssim\;\text{factor for one layer}\;\lesssim\;c\,n/2 . $$ (eq-layer-factor)
#
# With $n=64$ and $c=0.01$ that is between 0.06 and 0.32, less than 1 whatever the signs: the gradient dies. With
# $c=0.1$ it may be up to 3.2, with $c=1$ up to 32: it explodes. Deep critics make powers of this. Here are critics with
# eight hidden layers of 64 units, 32 critics for each $c$ (`python -m gantut.lessons clip-depth`), between the ring
# and a standard Gaussian that stands still; and three more for each of two values of $c$, trained now. The gain is the
# power of ten that the gradient gains from one layer to the next on its way to the input.

# %%
depths = recorded("clip-depth").result["critics"]
gain = {row["bound"]: torch.tensor(row["slope"]) for row in depths}
real = ring().sample(256, generator=source).float()
fake = torch.randn(256, 2, generator=source)
saturated = torch.tensor(depths[4]["saturated"])  # at c = 1
early = torch.tensor(depths[4]["looks"]) <= 700
for c in (0.01, 0.1):
    clip = {"name": "clip", "bound": c}
    _, critic, _ = wasserstein_gan.train_deep_critic(
        clip, members=3, steps=400
    )
    norms = wasserstein_gan.layer_gradient_norms(critic.cpu(), real, fake)
    gain[f"live {c}"] = wasserstein_gan.log_gradient_gain(
        norms
    )  # log10 a layer

# %%
dying = torch.cat([gain[0.001], gain[0.01], gain["live 0.01"]])
growing = torch.cat([gain[0.1], gain[1.0], gain["live 0.1"]])
median = torch.stack([gain[c].median() for c in (0.001, 0.01, 0.1, 1.0)])
random, alike = (  # (10.13) in powers of ten, n = 64
    torch.tensor([0.001, 0.01, 0.1, 1.0]).mul(r).log10()
    for r in (32**0.5, 32)
)
for name, of_each in (
    ("random", random),
    ("found", median),
    ("alike", alike),
):
    print(f"{name:8s}", " ".join(f"{g:6.2f}" for g in of_each))
claim(
    "clip-too-small-large",
    "log10 gain per layer of 67 critics with c <= 0.01",
    dying,
    below=-0.5,
)
claim(
    "clip-too-small-large",
    "log10 gain per layer of 67 critics with c >= 0.1",
    growing,
    above=0.3,
)

# %%
claim(
    "clip-too-small-large",
    "with a penalty, in size; and what (10.13) misses of four medians",
    [
        *gain[None].abs(),
        *(random - median).relu(),
        *(median - alike).relu(),
    ],
    below=0.15,
)
claim(
    "clip-too-small-large",
    "c = 1: largest share of clipped weights in the first 700 of 1000 steps",
    saturated[early].max(),
    below=0.01,
)

# %% [markdown]
# The estimate is good at both ends. With a small $c$ nothing is learnt, and the signs are still those of the
# random start; with a large one learning has made them agree.
#
# And what of the game? In a critic with two hidden layers only two factors are multiplied. We play the clipped game on
# the ring with six values of $c$, 32 games each (`python -m gantut.lessons clip-sweep`).

# %%
sweep = recorded("clip-sweep").result["games"]
final = {f"{row['bound']:g}": torch.tensor(row["w1"]) for row in sweep}
final_ends = [median_interval(own) for own in final.values()]
slopes = {row["bound"]: torch.tensor(row["slope"]) for row in sweep}
for c in (0.01, 1.0):
    power = slopes[c].median().log10()
    print(f"c = {c}: the median slope is about 10^{power:.0f}")

# %%
claim(
    "clip-too-small-large",
    "c = 0.001: share of 32 critics with the slope 0 in the end",
    (slopes[0.001] < 1e-12).double().mean(),
    above=0.5,
)
others = [c for c in final if c != "0.03"]
apart = {
    c: paired_difference(final["0.03"], final[c], comparisons=len(others))
    for c in others
}
for c, found in apart.items():
    print(f"W_1 at c = 0.03 less that at c = {c:5s}: {found.difference:5.2f}, "
          f"from {found.low:5.2f} to {found.high:5.2f}")  # fmt: skip
claim(
    "clip-too-small-large",
    "W_1 in the end at c = 0.03 less that at each other c: high ends",
    [found.high for found in apart.values()],
    below=0.0,
    digits=1,
)
claim(
    "clip-too-small-large",
    "W_1 in the end at c = 0.01 less that at c = 0.1: high end",
    paired_difference(final["0.01"], final["0.1"]).high,
    below=0.25,
    digits=1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: norm of the gradient in each of eight hidden layers on a logarithmic scale from 1e-20 to 1e12. For c = 0.001 and 0.01 it falls steeply towards the input, for 0.03 and for the penalty it is level, for 0.1 and 1 it rises steeply towards the input. Right: exact distance after 1000 iterations for six values of c, 32 dots each: lowest, at 0.45, for c = 0.03, near 0.8 for smaller c, near 0.7 for 0.1 and 0.3, and about 2 for c = 1."}, "figure": {"name": "fig-clip", "caption": "Clipping. Left: the gradient on its way through a critic of eight hidden layers (medians of 32). Right: how far 32 clipped games with two hidden layers get in 1000 iterations, for each c (medians with 95% intervals)."}}
left, right = plots.axes(1, 2, height=3.2)
layers = torch.arange(1, 9)
for row, colour, dash, mark in zip(
    depths, plots.COLOURS, plots.DASHES, "osv^Dx", strict=True
):
    name = "penalty" if row["bound"] is None else f"c = {row['bound']:g}"
    norms = 10 ** torch.tensor(row["log10_norms"]).double()
    left.plot(
        layers,
        norms,
        color=colour,
        linestyle=dash,
        marker=mark,
        markersize=5,
        label=name,
    )
left.set(yscale="log", xlabel="hidden layer", ylabel="norm of the gradient")
left.legend(fontsize=8, ncols=2)
plots.strips(right, final, intervals=final_ends)
right.set(xlabel="c", ylabel="exact W₁ at the end", ylim=(0, None))
plots.show()

# %% [markdown]
# There is a best $c$, and it has to be hit narrowly. With $c=0.001$ the gradient does not just get small, it
# disappears: biases are clipped to the same $c$ as weights, what the first layer sends on is smaller than that, and a
# unit whose bias is negative falls silent for good. These critics are constant in the end, and their games stand still.
# But look at $c=0.01$. The slopes of its critics are ten thousand times smaller than 1, and so are the gradients that
# the generators get; yet their $W_1$ exceeds that with $c=0.1$ by less than 0.25. RMSProp divides each gradient
# by its usual size, so a factor $K$ makes no difference to it, as long as gradients stay well above $10^{-8}$, the
# constant in its denominator. A large $c$ harms at any depth: at $c=1$ fewer than one weight in a hundred had reached
# its bound after 700 of 1000 steps in the deep critics above, so that nothing held them.
#
# ## RMSProp, not Adam?
#
# The authors saw their critics become unstable with Adam and recommended RMSProp. Why should that be? Adam differs from
# RMSProp by *momentum*: it follows a running mean of past gradients. In a game, past gradients belong to an opponent
# who has moved on. The bilinear game of lesson 4, $f(x,y)=xy$, shows how much that matters {cite}`gidel2019momentum`.
# Player $x$ goes down and $y$ up, one after the other, each with step size 0.1 and momentum $\beta$:


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


claim(
    "rmsprop-not-adam",
    "radius after 2000 iterations, momentum -0.5, -0.1, 0, 0.3",
    [final_radius(beta) for beta in (-0.5, -0.1, 0.0, 0.3)],
    equals=[0.07049, 0.3132, 1.367, 2.820e7],
    rtol=1e-3,
)

# %% [markdown]
# Without momentum the players circle; with a little of the usual, positive kind they fly apart; and with *negative*
# momentum they come to rest. That much is a theorem about one small game. Does it hold in the clipped game on the ring?
# Here are 32 games for each of RMSProp and Adam with $\beta_1=0$, 0.5 and 0.9, all with the step size 0.001
# (`python -m gantut.lessons critic-optimizers`). For each game we ask how large its exact $W_1$ is in the second
# half of the iterations (the median of twenty measurements), and how much it fluctuates (their standard deviation).

# %%
rows = recorded("critic-optimizers").result["games"]
level = {row["optimizer"]: torch.tensor(row["level"]) for row in rows}
spread = {row["optimizer"]: torch.tensor(row["spread"]) for row in rows}
for name in level:
    print(
        f"{name:10s} median of W_1 {level[name].median():.2f}, "
        f"of its fluctuation {spread[name].median():.2f}"
    )

# %%
more = {
    (what, name): paired_difference(own, of["RMSProp"], comparisons=6)
    for what, of in (("W_1", level), ("fluctuation", spread))
    for name, own in of.items() if name != "RMSProp"
}  # fmt: skip
for (what, name), found in more.items():
    told = "" if found.told_apart else ", not told apart"
    print(f"{what:12s}{name:10s}more by {found.difference:.2f}, "
          f"from {found.low:.2f} to {found.high:.2f}{told}")  # fmt: skip
claim(
    "rmsprop-not-adam",
    "W_1, fluctuation under Adam with 0.5 and 0.9, more than RMSProp: lows",
    [found.low for (_, name), found in more.items() if name != "Adam, 0"],
    above=0.0,
    digits=1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with four columns of 32 dots: RMSProp and Adam with momentum 0, 0.5 and 0.9. Left, the exact distance: about 0.7, 0.76, 0.93 and 1.27. Right, its standard deviation over the second half: 0.065, 0.08, 0.10 and 0.22, with the widest scatter for momentum 0.9."}, "figure": {"name": "fig-optimizers", "caption": "The clipped game under four optimizers, 32 games each: the exact W₁ in the second half of the iterations, and its standard deviation there. Bars are 95% intervals of the median."}}
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
# It does, and gradually. (Each line compares Adam with RMSProp, seed by seed; the intervals hold for all six
# together.) Each bit of momentum makes the games worse: at 0.9, the default of every library, $W_1$ is nearly
# twice as large and fluctuates three times as much. Adam without momentum is RMSProp, apart from the first steps and
# from how long it remembers squares (0.99 for both here); if it does worse, then by little compared with what momentum
# does. So "not Adam" should read "no momentum": WGAN-GP uses Adam with $\beta_1=0$
# {cite}`gulrajani2017`. The theorem about $xy$ explains part of it and no more. Nobody has proved what momentum does in
# a game between networks.
#
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
# :label: ex-what-it-proves
# On average, a critic's scores are 0.9 higher on a batch of real samples than on a batch of generated ones. Between the
# two batches its largest slope is 1.5. How far apart, at least, are the batches?
# :::
#
# :::{hint}
# :class: dropdown
# Suppose that the critic doubled all its scores. The difference of the means would double, and so would the largest
# slope; the batches would stay where they are. Which combination of the two numbers does not change
# ({prf:ref}`thm-certificate`)?
# :::

# %%
answer = ...
check("what-it-proves", answer)

# %% [markdown]
# :::{solution} ex-what-it-proves
# :class: dropdown
# By {eq}`eq-certificate`, $0.9/1.5$.
#
# ```python
# answer = 0.9 / 1.5
# ```
# :::
#
# :::{exercise}
# :label: ex-once-too-often
# A program follows the printed algorithm to the letter, `for t in range(0, n_critic + 1)` with $n_\text{critic}=5$ and
# batches of 64. How many real samples does it draw in 1000 iterations?
# :::
#
# :::{hint}
# :class: dropdown
# Which values does `t` take? Write them down for $n_\text{critic}=1$ first. And which of the two steps of
# {prf:ref}`alg-wgan` draws real samples?
# :::

# %%
answer = ...
check("once-too-often", answer)

# %% [markdown]
# :::{solution} ex-once-too-often
# :class: dropdown
# Six critic steps per iteration, from $t=0$ to $t=5$.
#
# ```python
# answer = 1000 * 6 * 64
# ```
# :::
#
# :::{exercise}
# :label: ex-gradient-left
# Real samples from $N(-\mu,s)$, generated ones from $N(\mu,s)$, and the optimal discriminator. How large is the
# gradient of $\log(1-D^*)$ at the generated sample $x=\mu$? Write it with the symbols `mu` and `s` of sympy.
# :::
#
# :::{hint}
# :class: dropdown
# {eq}`eq-two-gaussians` has this slope at every $x$, with $D^*$ as a factor; insert the given $x$. Sympy wants the
# logistic function written out with an exponential.
# :::

# %%
from sympy import Symbol

mu, s = Symbol("mu", positive=True), Symbol("s", positive=True)
answer = ...
check("gradient-left", answer)

# %% [markdown]
# :::{solution} ex-gradient-left
# :class: dropdown
# Equation {eq}`eq-two-gaussians` at $x=\mu$: $\frac{2\mu}{s^2}\sigma\big(-\frac{2\mu^2}{s^2}\big)$. Only $\mu/s$
# decides whether anything is left.
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
# :label: ex-one-unit
# What difference does one unit see? Write $\Delta(u,b)$ of {eq}`eq-delta` as a function of two batches of numbers, `x`
# real and `y` generated, and of `u` and `b`.
# :::
#
# :::{hint}
# :class: dropdown
# Try the batch $(-1,1)$ with $u=1$ and $b=0$: does it matter whether the mean is taken before the ReLU or after it?
# Which of the two is an expectation of {eq}`eq-delta`?
# :::

# %%
answer = ...
check("one-unit", answer)

# %% [markdown]
# :::{solution} ex-one-unit
# :class: dropdown
# The mean comes last: a ReLU of a mean is not the mean of a ReLU.
#
# ```python
# def answer(x, y, u, b):
#     return torch.relu(u * x + b).mean() - torch.relu(u * y + b).mean()
# ```
# :::
#
# :::{exercise}
# :label: ex-certify
# Write the function that you would add to your own training loop: from two batches `x`, `y`, shapes (n, d) and (m, d),
# and the critic's scores `f_x`, `f_y`, shapes (n,) and (m,), it computes a proved lower bound on the $W_1$ of the
# batches.
# :::
#
# :::{hint}
# :class: dropdown
# {eq}`eq-measured-slope` is one table of shape (n, m) over another, and `torch.cdist` makes the second. What do you
# take of all the quotients, so that {prf:ref}`thm-certificate` holds for *every* plan between the batches?
# :::

# %%
answer = ...
check("certify", answer)

# %% [markdown]
# :::{solution} ex-certify
# :class: dropdown
# The largest slope between real and generated samples makes {eq}`eq-certificate` a theorem. (Any larger number would do
# as well, and prove less; two $c$-transforms prove more.)
#
# ```python
# def answer(x, y, f_x, f_y):
#     apart = torch.cdist(x, y)
#     K = ((f_x[:, None] - f_y).abs() / apart)[apart > 0].max()
#     return (f_x.mean() - f_y.mean()) / K
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
# - The critic's estimate divided by its largest slope between the batches is a proved lower bound on their $W_1$.
#   Nothing has to be assumed for that. Two $c$-transforms prove more, most of it without any critic.
# - A discriminator's gradient dies when the distributions are far apart *relative to their spread*; a clipped critic's,
#   when $c$ is small and the critic deep.
# - The estimate keeps step with the distance if the critic keeps up: with a penalty, in all of our games; with
#   clipping, much less. In games that improve steadily a clock does it better than any critic: look at what a clock
#   cannot know.
# - Near the equilibrium of the smallest GAN this game goes round, however many steps its critic takes: see
#   {doc}`lesson 16 <16_which_games_converge>`.
#
# **Sources.** The Wasserstein GAN, its algorithm and the picture of the two Gaussians are from
# {cite}`arjovsky2017wgan`, after {cite}`weng2019` and {cite}`xu2020`; the gradients in deep clipped critics were
# first shown by {cite}`gulrajani2017`, the one-sided penalty is from {cite}`petzka2018`, and the role of momentum
# is from {cite}`gidel2019momentum`. What had to be corrected is listed under {doc}`errata`.
