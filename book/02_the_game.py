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
# # 2 · The game
#
# Here are a thousand handwritten digits. Make another one: not a copy, but one that could have been the thousand and
# first. Nobody can write down the rule that the thousand follow, so we cannot program it. A generative adversarial
# network (GAN) {cite}`goodfellow2014` gets there in another way: **one network makes samples, another tries to tell
# them from the real ones, and each learns from the other's success**. In this lesson you write such a game yourself, in
# about thirty lines of PyTorch, and then break it on purpose.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what a generator does to a distribution; what generator and discriminator play for, and
# which gradient moves which of them. You will have written the algorithm of the first paper and trained GANs with it on
# a line, in the plane and on real images, and you will recognise three common mistakes by the damage that they do.
#
# **You need** expectations, the chain rule, and {doc}`lesson 1 <01_divergences>` for what it means for two
# distributions to be close. It helps to have trained a network in PyTorch before.
#
# **It takes** about 85 minutes to read with the exercises, and less than a minute to run on a laptop.
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
import copy
import math
from dataclasses import replace

import scipy
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from gantut import metrics, plots
from gantut.checks import claim
from gantut.data import digits, gaussian, gaussian_mixture, ring
from gantut.device import at_scale, random_source
from gantut.lessons import check, recorded, show_table
from gantut.lessons.the_game import live_gan
from gantut.lessons.the_game.plots import plot_game_diagram
from gantut.networks import MLP
from gantut.training import Architecture, Config, Optimizer, train
from gantut.transport import wasserstein_1d

# %% [markdown]
# ## Every distribution from one
#
# A computer draws uniform numbers $U$ between 0 and 1. How does it draw from another distribution? On the line there is
# a recipe. Let $F(x)=P(X\le x)$ be the distribution function of the $X$ that we want. It climbs from 0 to 1, and it
# climbs fast where $X$ is likely to be. Mark $U$ on the vertical axis, go across to the curve, and then down: many
# values of $U$ land where the curve is steep.
#
# :::{prf:theorem} Inverse transform
# :label: thm-inverse-transform
# Let $F$ be continuous, and strictly increasing where it is between 0 and 1. If $U$ is uniform on $[0,1]$, then
# $F^{-1}(U)$ has the distribution function $F$.
# :::
#
# The proof is one line: $F^{-1}(U)\le x$ exactly when $U\le F(x)$, which has probability $F(x)$. For the exponential
# distribution of rate 2, $F(x)=1-e^{-2x}$, so $F^{-1}(u)=-\frac12\log(1-u)$:

# %%
u = torch.rand(100_000, dtype=torch.float64, generator=random_source(0))
x = -torch.log1p(-u) / 2
test = scipy.stats.kstest(x.numpy(), scipy.stats.expon(scale=1 / 2).cdf)
claim(
    "inverse-transform-sampling",
    "a Kolmogorov-Smirnov test finds nothing wrong: p-value",
    test.pvalue,
    above=0.01,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: the distribution function of the exponential distribution with rate 2, rising steeply from 0 and flattening towards 1; three arrows go from values of u on the vertical axis across to the curve and down to x. Second panel: histogram of a hundred thousand values made in this way, which fits the exponential density drawn over it."}, "figure": {"name": "fig-inverse-transform", "caption": "Inverse transform. First panel: from u across to the curve and down to x. Second panel: a hundred thousand values made in this way, and the density that they should have."}}
left, right = plots.axes(1, 2, height=2.7)
at = torch.linspace(0, 2.5, 200, dtype=torch.float64)
plots.lines(left, at, {"_F": 1 - torch.exp(-2 * at)}, colours=[plots.INK])
for level in (0.3, 0.6, 0.9):
    down = -math.log(1 - level) / 2
    left.plot([0, down, down], [level, level, 0], color=plots.GENERATED)
    left.plot(down, 0, "v", color=plots.GENERATED, clip_on=False)
left.set(xlabel="x", ylabel="u = F(x)", ylim=(0, 1.02), xlim=(0, 2.5))
right.hist(
    x.numpy(), 60, range=(0, 2.5), density=True, color=plots.GENERATED
)
density = {"density": 2 * torch.exp(-2 * at)}
plots.lines(right, at, density, colours=[plots.INK])
right.set(xlabel="x", xlim=(0, 2.5))
plots.show()

# %% [markdown]
# So a *function* of noise can have any distribution on the line. This is the idea of a **generator**: keep the noise,
# and learn the function. For images there is no $F$ to invert, and nobody knows their distribution. We only have samples.
#
# :::{admonition} Further: where $F$ jumps
# :class: dropdown
# Where $F$ is flat or jumps, take $F^{-1}(u)=\min\{x: F(x)\ge u\}$, and the proof still holds. Take a distribution on
# 0, 1 and 2, and eight hundred $u$, evenly spaced, those that fall on a jump among them. `searchsorted` finds the
# smallest $x$ with $F(x)\ge u$, and the folded cell below counts.
# :::

# %% tags=["hide-input"]
p = torch.tensor([0.5, 0.125, 0.375], dtype=torch.float64)  # of 0, 1, 2
F = p.cumsum(0)
even = torch.arange(1, 801, dtype=torch.float64) / 800
values = torch.searchsorted(F, even)  # min{x: F(x) >= u}
claim(
    "inverse-transform-jumps",
    "how often 0, 1 and 2 come out",
    torch.bincount(values) / 800,
    equals=p,
)

# %% [markdown]
# :::{admonition} Further: what learning a distribution used to mean
# :class: dropdown
# Models that learn a distribution, be it $P(X)$, $P(X,Y)$ or $P(X\mid Y)$, are called **generative**, and they are
# older than neural networks. Discriminant analysis, for example, assumes that the points of each class are Gaussian
# with one common covariance. Fitting it takes three averages; drawing new points is then easy. The two folded cells
# below fit it to two clouds, draw as many new points, and compare means and covariance matrices with the true ones, in
# standard errors of fit and draws together.
#
# Such a model writes its density down. That is a strength, because one can compute likelihoods, and a limitation: who
# knows a formula for the density of photographs? A generator has no formula for its density. It just draws.
# :::

# %% tags=["hide-input"]
source = random_source(1)
true_means = torch.tensor([[0.0, 0.0], [2.0, 1.0]], dtype=torch.float64)
root = torch.tensor([[1.0, 0.0], [0.6, 0.5]], dtype=torch.float64)
clouds = (
    true_means[:, None]
    + torch.randn(2, 2000, 2, dtype=torch.float64, generator=source)
    @ root.T
)  # (classes, points, 2)
means = clouds.mean(1)  # the fit: (classes, 2)
covariance = torch.cov((clouds - means[:, None]).reshape(-1, 2).T)
drawn = (
    means[:, None]
    + torch.randn(2, 2000, 2, dtype=torch.float64, generator=source)
    @ torch.linalg.cholesky(covariance).T
)  # new points from the model

# %% tags=["hide-input"]
true_covariance = root @ root.T
variances = true_covariance.diagonal()
mean_error = (variances * (1 / 2000 + 1 / 2000)).sqrt()
covariance_error = (
    (torch.outer(variances, variances) + true_covariance**2)
    * (1 / 4000 + 1 / 2000)  # fitted to both classes, drawn in one
).sqrt()
off = [(drawn.mean(1) - true_means) / mean_error]
off += [
    (torch.cov(points.T) - true_covariance) / covariance_error
    for points in drawn
]
claim(
    "classical-generative-models",
    "means and covariances of points drawn from the fit, in standard errors off",
    max(errors.abs().max() for errors in off),
    below=4.0,
)

# %% [markdown]
# ## What a generator does to noise
#
# Let $z$ be noise with a simple distribution $p_z$, which we are free to choose, and $G$ a function. The distribution
# of $G(z)$ is called the **push-forward** of $p_z$, and written $p_g$ where it has a density. We do not know that
# density, but we hardly ever need it: an average over $p_g$ is an average over the noise,
#
# $$ \mathbb E_{z\sim p_z}\,h(G(z))=\mathbb E_{x\sim p_g}\,h(x)=\int h(x)\,p_g(x)\,dx , $$ (eq-push-forward)
#
# for every function $h$ that has these averages. The first equality is what $p_g$ *means*, and it always holds. The
# second needs a density. All three can be computed for $z\sim N(0,1)$ and $G(z)=2z+1$, where $p_g=N(1,2)$ (in this book
# the second number is the standard deviation). For $h$ we take $\log(1-D)$ with $D(x)=\frac1{1+e^x}$, since a GAN uses
# averages of this kind:

# %%
source, p_g = random_source(2), gaussian(1, 2)
z = torch.randn(1_000_000, dtype=torch.float64, generator=source)
samples = p_g.sample(1_000_000, generator=source)
grid = torch.linspace(-19, 21, 40_001, dtype=torch.float64)
over_noise = -softplus(-(2 * z + 1)).mean()
over_samples = -softplus(-samples).mean()
integral = torch.trapezoid(-softplus(-grid) * p_g.density(grid), grid)
claim(
    "change-of-variable",
    "mean over the noise, mean over draws from p_g; the integral with p_g",
    [over_noise, over_samples],
    equals=integral,
    atol=0.003,  # three and a half standard errors
)

# %% [markdown]
# A generator may have no density. Noise with fewer dimensions than the samples never gives one if $G$ is a network:
# $G(z)=(\cos z,\sin z)$ turns a number into a point on a circle, and a circle has no area over which to spread a
# density. {doc}`Lesson 5 <05_vanishing_gradients>` is about what happens then.
#
# :::{admonition} Further: enough dimensions are no guarantee
# :class: dropdown
# Even noise with as many dimensions as the samples may fail to give a density. A layer of ReLUs sends every $z$ with
# two negative coordinates to one point, which then has a probability of its own, as the folded cell counts. (And a
# function that stretches distances without bound can fill a square from a line: deal out the digits of a uniform number
# to two others in turn.)
# :::

# %% tags=["hide-input"]
z = torch.randn(100_000, 2, generator=random_source(10))
at_the_corner = (torch.relu(z) == 0).all(1).double()
claim(
    "push-forward-atom",
    "share of the samples of a ReLU layer, on two noise numbers, at one point",
    at_the_corner.mean(),
    equals=1 / 4,
    atol=0.006,  # four standard errors
)

# %% [markdown]
# ## What they are playing for
#
# The other player, the **discriminator** $D$, looks at a sample $x$ and answers with a number $D(x)$ between 0 and 1:
# its estimate of the probability that $x$ is real. Let $p_r$ be the distribution of the real samples. The **value** of
# the game is
#
# $$
# V(D,G)=\mathbb E_{x\sim p_r}\big[\log D(x)\big]+\mathbb E_{z\sim p_z}\big[\log\big(1-D(G(z))\big)\big].
# $$ (eq-game-value)
#
# A discriminator that is always certain and right reaches $V=0$, the highest value there is. One that says $\frac12$ to
# everything gets $-2\log2\approx-1.386$. One that is certain and wrong is punished without bound. So the discriminator
# wants $V$ large. The generator wants it small, and that is the **minimax game**
#
# $$ \min_G\max_DV(D,G). $$ (eq-minimax)
#
# What one player gains the other loses. With {eq}`eq-push-forward` we may also write
# $V=\int p_r\log D+p_g\log(1-D)\,dx$, the form on which lesson 3 builds.
#
# The discriminator is an ordinary classifier. Label real samples 1 and generated ones 0: then $-V$ is the mean
# *cross-entropy* over real samples plus that over generated ones. Logarithms of $D$ itself break down in a computer
# where $D$ is very near 0 or 1. So the network ends in a **logit** $a$, a number without bounds, with
# $D=\sigma(a)=1/(1+e^{-a})$, and
#
# $$ -\log D=\log(1+e^{-a}),\qquad-\log(1-D)=\log(1+e^{a}) . $$ (eq-logits)
#
# The function $\log(1+e^a)$ is called `softplus` in PyTorch. Now it is your turn: write the first piece of the game.
#
# :::{exercise}
# :label: ex-discriminator-loss
# Write the discriminator's **loss**, which is $-V$: a function of two tensors of logits, those of a batch of real and
# of a batch of generated samples. It has to stay finite for logits of $\pm200$ in single precision.
# :::
#
# :::{hint}
# :class: dropdown
# Put the two halves of {eq}`eq-logits` into {eq}`eq-game-value`, and $D$ is gone. Each expectation becomes a mean over
# its batch.
# :::

# %%
answer = ...
check("discriminator-loss", answer)

# %% [markdown]
# :::{solution} ex-discriminator-loss
# :class: dropdown
# In {eq}`eq-game-value` put $\log D=-\log(1+e^{-a})$ for real samples and $\log(1-D)=-\log(1+e^{a})$ for generated
# ones, and change the sign of the sum.
#
# ```python
# def answer(real, fake):
#     return softplus(-real).mean() + softplus(fake).mean()
# ```
# :::
#
# Whether or not you have written yours, the lesson goes on with ours, in the folded cell below. Is it the
# cross-entropy that classifiers are trained with? The three ways to compute it agree:


# %% tags=["hide-input"]
def discriminator_loss(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


# %%
a_real, a_fake = torch.randn(
    2, 64, dtype=torch.float64, generator=random_source(3)
)
D_real, D_fake = a_real.sigmoid(), a_fake.sigmoid()
V = D_real.log().mean() + (1 - D_fake).log().mean()

# %%
cross_entropy = binary_cross_entropy_with_logits
bce = cross_entropy(a_real, torch.ones_like(a_real))
bce = bce + cross_entropy(a_fake, torch.zeros_like(a_fake))
ours = discriminator_loss(a_real, a_fake)
certain = torch.full((64,), 100.0)  # certain, and wrong each time
claim(
    "gan-minimax-objective",
    "V + cross-entropies, V + loss from logits, and that loss at certain and wrong",
    [V + bce, V + ours, discriminator_loss(-certain, certain)],
    equals=[0, 0, 200],
    atol=1e-12,
)

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Compute `(1 - certain.sigmoid()).log()` and compare it with what {eq}`eq-logits` gives. Which logit is the first
# at which the naive formula fails in single precision?
# :::
#
# :::{exercise}
# :label: ex-value-from-loss
# Your training script puts $m$ real and $m$ generated samples into one batch and prints the mean cross-entropy over
# all $2m$ of them: 0.45. What is $V(D,G)$?
# :::
#
# :::{hint}
# :class: dropdown
# $V$ is the sum of two means; the script prints one mean over both halves. Compare the two for a batch with $m=1$. And
# can $V$ be positive?
# :::

# %%
answer = ...
check("value-from-loss", answer)

# %% [markdown]
# :::{solution} ex-value-from-loss
# :class: dropdown
# $-V$ is the *sum* of the mean over the real and the mean over the generated half, which is twice the mean over all.
#
# ```python
# answer = -2 * 0.45
# ```
# :::
#
# ## Who learns from what
#
# Samples go forward through the game, and gradients come back:

# %% tags=["hide-input"] mystnb={"image": {"alt": "Diagram of a GAN. Noise z goes into the generator G; its samples G(z) and real samples x from the data go into the discriminator D, whose answers D(x) and D(G(z)) make the value V. A dashed violet arrow leads from V back to the discriminator: D climbs V. A dashed orange arrow leads from V through the discriminator back to the generator: G descends V, through D."}, "figure": {"name": "fig-game", "caption": "Who makes what (solid arrows) and who learns from what (dashed arrows). The generator never sees a real sample: all that it learns comes through the discriminator."}}
ax = plots.axes(height=3.0)
plot_game_diagram(ax)
plots.show()

# %% [markdown]
# Both players change their own parameters only. Nobody can solve $\max_D$ before each step of $G$, so they take turns:
# $k$ steps up for the discriminator, one step down for the generator, and again. Such a turn is one **iteration**. All
# averages are over fresh minibatches of $m$ samples. (This is Algorithm 1 of {cite}`goodfellow2014`.)
#
# :::{prf:algorithm} The GAN game
# :label: alg-gan
# Repeat:
#
# 1. $k$ times: draw $x_1,\dots,x_m\sim p_r$ and $z_1,\dots,z_m\sim p_z$, and step **up** the gradient, in the
#    parameters of $D$, of
#
#    $$ \frac1m\sum_{i=1}^m\Big[\log D(x_i)+\log\big(1-D(G(z_i))\big)\Big] . $$
#
# 2. Draw $z_1,\dots,z_m\sim p_z$, and step **down** the gradient, in the parameters of $G$, of
#
#    $$ \frac1m\sum_{i=1}^m\log\big(1-D(G(z_i))\big) . $$
# :::
#
# In code, $G$ and $D$ are two small networks. The last layer of $D$ gives the logit; there is no sigmoid.


# %%
def network(inputs, outputs, width):
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(),
        nn.Linear(width, width), nn.ReLU(),
        nn.Linear(width, outputs),
    )  # fmt: skip


def networks(noise, size, width=32, seed=0):
    """A generator and a discriminator of samples with `size` numbers."""
    torch.manual_seed(seed)
    return network(noise, size, width), network(size, 1, width)


# %% [markdown]
# ### Where the gradients go
#
# PyTorch's `backward` does not know who is to learn from a loss. It puts a gradient into *every* parameter on the way.
# On one batch we look at what three losses leave in $G$ and in $D$: the discriminator's loss; the same loss with
# `G(z).detach()`, which gives the same samples without a path back to $G$; and the generator's loss, the mean of
# $\log(1-D)=-\log(1+e^a)$.


# %%
def gradient(loss, network):
    """The gradient of a loss in a network's parameters, as one vector."""
    options = dict(retain_graph=True, materialize_grads=True)
    slopes = torch.autograd.grad(
        loss, list(network.parameters()), allow_unused=True, **options
    )
    return torch.cat([slope.flatten() for slope in slopes])


G, D = networks(2, 2, seed=4)
source = random_source(6)
real = ring().sample(64, generator=source).float()
z = torch.randn(64, 2, generator=source)
fake = G(z)  # (64, 2)

# %%
loss_D = discriminator_loss(D(real), D(fake))
detached = discriminator_loss(D(real), D(fake.detach()))
loss_G = -softplus(D(fake)).mean()
losses = {"of D": loss_D, "of D, detached": detached, "of G": loss_G}
show_table(
    ["loss", "gradient in G", "gradient in D"],
    [
        [name, *(f"{gradient(loss, net).norm():.2f}" for net in (G, D))]
        for name, loss in losses.items()
    ],
)

# %% [markdown]
# The first row has a gradient in $G$, where it does not belong. It is exactly *minus* the gradient of the
# generator's own loss: what pleases the discriminator hurts the generator. `detach` stops it (second row). The last row
# has a gradient in $D$. On its way to $G$ it has to pass through $D$, so it cannot be stopped there, and it stays in
# the parameters' `.grad` until somebody sets it to zero. If nobody does, $D$'s next step adds it to its own gradient.
# On the same batch this would cancel all that $D$ learns from generated samples, and leave what it learns from real
# ones:

# %%
real_half = softplus(-D(real)).mean()
sums = [
    gradient(loss_D, G) + gradient(loss_G, G),
    gradient(detached, G),
    gradient(loss_D, D) + gradient(loss_G, D) - gradient(real_half, D),
]
claim(
    "gradients-where-they-go",
    "in G: D's loss plus G's, and D's detached; in D: both less the real half",
    [vector.abs().max() for vector in sums],
    equals=0,
    atol=1e-6,  # single precision
)

# %% [markdown]
# With that you can write the two steps. Both take the networks, an optimizer and a batch, and change one network.
#
# :::{exercise}
# :label: ex-discriminator-step
# Write the discriminator's step, a function of `G`, `D`, `optimizer` (of $D$'s parameters), `real` and `z`. It goes one
# step down the loss $-V$, and leaves in $G$ no gradient at all. $D$ may still hold a gradient from an earlier step of
# the generator, which must not count.
# :::
#
# :::{hint}
# :class: dropdown
# Five lines: make the samples, compute the loss of {ref}`ex-discriminator-loss`, forget the old gradient, compute the
# new one, move. In which of them does `detach` belong?
# :::

# %%
answer = ...
check("discriminator-step", answer)

# %% [markdown]
# :::{solution} ex-discriminator-step
# :class: dropdown
# While $D$ learns, the generated samples are just samples, so `detach` stands where they are made. `zero_grad` may come
# anywhere before `backward`.
#
# ```python
# def answer(G, D, optimizer, real, z):
#     fake = G(z).detach()
#     loss = softplus(-D(real)).mean() + softplus(D(fake)).mean()
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
# ```
# :::
#
# For the generator, the loss $\log(1-D)$ of {prf:ref}`alg-gan` is often replaced by $-\log D$. The generator still wants
# $D$ large, but the game is no longer zero-sum: what one gains, the other need not lose. This is the **non-saturating**
# loss, which nearly everybody uses in practice; the last exercise of this lesson shows why.
#
# :::{exercise}
# :label: ex-generator-step
# Write the generator's step, a function of `G`, `D`, `optimizer` (of $G$'s parameters) and `z`. It goes one step down
# the mean of $-\log D(G(z))$, and does not move $D$. $G$, too, may hold an old gradient.
# :::
#
# :::{hint}
# :class: dropdown
# {eq}`eq-logits` has $-\log D$ in terms of the logit. And should the gradient stop anywhere this time? Look at the
# dashed arrow to the generator in {numref}`fig-game`.
# :::

# %%
answer = ...
check("generator-step", answer)

# %% [markdown]
# :::{solution} ex-generator-step
# :class: dropdown
# Nothing is detached: all that $G$ learns comes through $D$. $D$ gets a gradient on the way, but it does not move,
# because the optimizer has only $G$'s parameters.
#
# ```python
# def answer(G, D, optimizer, z):
#     loss = softplus(-D(G(z))).mean()
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
# ```
# :::
#
# ### The whole program
#
# Here are both steps as we write them; they also return the loss as a number, so that it can be recorded. If you have
# your own, put them in place of ours.


# %%
def minimax(fake):
    return -softplus(fake).mean()  # log(1 - D): the generator's half of V


def non_saturating(fake):
    return softplus(-fake).mean()  # -log D


def discriminator_step(G, D, optimizer, real, z):
    fake = G(z).detach()  # the gradient stops here
    loss = discriminator_loss(D(real), D(fake))
    optimizer.zero_grad()  # forget what G's step left in D
    loss.backward()
    optimizer.step()
    return loss.item()


# %%
def generator_step(G, D, optimizer, z, loss_of=non_saturating):
    loss = loss_of(D(G(z)))  # the gradient flows through D
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()  # moves G alone
    return loss.item()


# %%
def play(
    G, D, optimizers, reals, noises, iterations, k=1,
    loss_of=non_saturating, steps=(discriminator_step, generator_step),
):  # fmt: skip
    losses, (of_D, of_G), (step_D, step_G) = [], optimizers, steps
    for _ in range(iterations):
        for _ in range(k):
            loss_D = step_D(G, D, of_D, next(reals), next(noises))
        loss_G = step_G(G, D, of_G, next(noises), loss_of)
        losses.append([loss_D, loss_G])
    return torch.tensor(losses)  # (iterations, 2)


# %% [markdown]
# What is left is the supply of samples, and the optimizers. Each epoch shuffles the data anew.


# %%
def shuffled(data, size, source):
    """Batches without end, in a new order every epoch."""
    while True:
        order = torch.randperm(len(data), generator=source)
        for rows in order[: len(data) // size * size].split(size):
            yield data[rows]


def noise(shape, source):
    while True:
        yield torch.randn(shape, generator=source)


def adams(D, G, betas=(0.5, 0.9)):
    """An optimizer for each player: two, not one."""
    options = dict(lr=1e-3, betas=betas, fused=True)  # fused: faster
    return [torch.optim.Adam(p.parameters(), **options) for p in (D, G)]


# %% [markdown]
# That is a GAN. Does it do what {prf:ref}`alg-gan` says? In the folded cells below the players are so small that all
# gradients can be worked out by hand, and the loop agrees with the formulas; and a small step of each player changes $V$
# in the direction and by the amount that its gradient promises, up for $D$ and down for $G$.
#
# :::{admonition} Further: the gradients by hand
# :class: dropdown
# Let $G(z)=\alpha z+\beta$ and $D(x)=\sigma(wx+b)$. Since $\frac{d}{da}\log\sigma(a)=1-\sigma(a)$ and
# $\frac{d}{da}\log(1-\sigma(a))=-\sigma(a)$, the chain rule gives
#
# $$
# \begin{aligned}
# \partial_wV&=\overline{(1-D(x))\,x}-\overline{D(\tilde x)\,\tilde x},&
# \partial_bV&=\overline{1-D(x)}-\overline{D(\tilde x)},\\
# \partial_\alpha V&=-w\,\overline{D(\tilde x)\,z},&\partial_\beta V&=-w\,\overline{D(\tilde x)},
# \end{aligned}
# $$ (eq-by-hand)
#
# where $\tilde x=G(z)$ and the bar is the mean over the batch. Our loop and these formulas get the same draws, and
# after five iterations with $k=2$ and plain gradient steps they must agree.
# :::


# %% tags=["hide-input"]
def iteration_by_hand(parameters, xs, zs, z_for_g, rate):
    alpha, beta, w, b = parameters
    for x, z in zip(xs, zs, strict=True):  # k times
        fake = alpha * z + beta
        D_x, D_fake = (w * x + b).sigmoid(), (w * fake + b).sigmoid()
        w, b = (
            w + rate * (((1 - D_x) * x).mean() - (D_fake * fake).mean()),
            b + rate * ((1 - D_x).mean() - D_fake.mean()),
        )  # D has moved; G stands still
    D_fake = (w * (alpha * z_for_g + beta) + b).sigmoid()
    alpha, beta = (
        alpha + rate * w * (D_fake * z_for_g).mean(),
        beta + rate * w * D_fake.mean(),
    )  # G has moved; D stands still
    return torch.stack([alpha, beta, w, b])


draws = torch.randn(
    5, 5, 64, 1, dtype=torch.float64, generator=random_source(7)
)  # five iterations, each of two x, two z for D, and one z for G
start = torch.tensor([1.0, 0.5, 0.3, -0.2], dtype=torch.float64)
by_hand = start
for batch in draws:
    by_hand = iteration_by_hand(
        by_hand, 2 + batch[:2], batch[2:4], batch[4], rate=0.1
    )

G_line, D_line = nn.Linear(1, 1).double(), nn.Linear(1, 1).double()
four = [*G_line.parameters(), *D_line.parameters()]
for parameter, number in zip(four, start, strict=True):
    nn.init.constant_(parameter, float(number))
sgd = [
    torch.optim.SGD(net.parameters(), lr=0.1) for net in (D_line, G_line)
]
reals, zs = (2 + draws[:, :2]).flatten(0, 1), draws[:, 2:].flatten(0, 1)
play(
    G_line, D_line, sgd, iter(reals), iter(zs), 5, k=2, loss_of=minimax
)  # fmt: skip
claim(
    "gan-algorithm",
    "five iterations of our loop and of the formulas by hand differ by",
    (torch.cat([p.flatten() for p in four]) - by_hand).abs().max(),
    below=1e-12,
)


# %% tags=["hide-input"]
def change_of_V(step):
    """What a small step of one player adds to V, over what it promises."""
    G, D = (network.double() for network in networks(2, 2, seed=4))
    x, noise_of_both = real.double(), z.double()
    player = D if step is discriminator_step else G
    before = discriminator_loss(D(x), D(G(noise_of_both)))
    promised = 0.001 * gradient(before, player).square().sum()
    sgd = torch.optim.SGD(player.parameters(), lr=0.001)
    if player is D:
        discriminator_step(G, D, sgd, x, noise_of_both)
    else:
        generator_step(G, D, sgd, noise_of_both, minimax)
    after = discriminator_loss(D(x), D(G(noise_of_both)))
    return (before - after) / promised


claim(
    "weng-fig2",
    "change of V by a step of D, of G, over the squared slope times the rate",
    [change_of_V(discriminator_step), change_of_V(generator_step)],
    equals=[1, -1],
    atol=0.1,
)

# %% [markdown]
# :::{admonition} Further: when the real samples do reach the generator
# :class: dropdown
# While $D$ stands still, the term with the real samples does not reach the generator at all. Suppose that the generator
# could foresee how the discriminator would answer its move, and went down $V$ after *that* answer. Then the real
# samples do matter, since they have shaped the new discriminator too. (This is the unrolled GAN of lesson 6.) One step
# ahead is enough to see it, in the folded cell.
# :::


# %% tags=["hide-input"]
def real_term(of_D):
    """The mean of log D over real samples."""
    return -softplus(-functional_call(D, of_D, (real,))).mean()


def reached(number):
    """How many of G's six tensors of parameters a number depends on."""
    slopes = torch.autograd.grad(
        number, list(G.parameters()), allow_unused=True, retain_graph=True
    )
    return sum(
        slope is not None and slope.norm() > 1e-7 for slope in slopes
    )


of_D = dict(D.named_parameters())
slopes = torch.autograd.grad(-loss_D, of_D.values(), create_graph=True)
answer_of_D = {
    name: parameter + 0.1 * slope
    for (name, parameter), slope in zip(of_D.items(), slopes, strict=True)
}  # D after one step up V, a function of G
claim(
    "real-term-no-gradient-to-g",
    "tensors of G that the mean of log D(x) reaches: D as it is, after D's answer",
    [reached(real_term(of_D)), reached(real_term(answer_of_D))],
    equals=[0, 6],
)

# %% [markdown]
# ## A first game, on a line
#
# The data have two modes. The generator turns one noise number into one sample. We play the game {eq}`eq-minimax`, with
# $k=3$, for 400 iterations.

# %%
two_modes = gaussian_mixture([[-1.5], [1.5]], 0.6)
line = two_modes.sample(4096, generator=random_source(1)).float()


def first_game(iterations):
    G, D = networks(1, 1, seed=0)
    reals = shuffled(line, 128, random_source(2))
    noises = noise((128, 1), random_source(3))
    losses = play(
        G, D, adams(D, G), reals, noises, iterations, 3, minimax
    )  # fmt: skip
    return G, D, losses


moments = {n: first_game(n) for n in (1, 40, 400)}

# %% tags=["hide-input"]
at = torch.linspace(-4.5, 4.5, 181)
reference = two_modes.sample(20_000, generator=random_source(8)).squeeze(-1)


def generated(G, *shape):
    """Samples of one generator, or of each of a population."""
    with torch.no_grad():
        return G(torch.randn(shape, generator=random_source(9)))


def look(G, D):
    """Densities, and D and D*, on the line."""
    samples = generated(G, 20_000, 1).squeeze(-1)
    p_g = scipy.stats.gaussian_kde(samples.numpy(), 0.08)(at.numpy())
    p_g = torch.from_numpy(p_g)
    p_r = two_modes.density(at[:, None].double())
    with torch.no_grad():
        D_now = D(at[:, None]).squeeze(-1).sigmoid()
    return p_r, p_g, D_now, p_r / (p_r + p_g)


def distance(samples):
    """W1 to the data of samples (4000, 1), or (members, 4000, 1)."""
    samples = samples.squeeze(-1).double()
    return wasserstein_1d(
        samples, reference.expand(*samples.shape[:-1], -1)
    )


# %% [markdown]
# How good is it? We stop the same game after 1, 40 and 400 iterations, and draw both densities, and then $D$
# with the *best* discriminator against this generator, $D^*=p_r/(p_r+p_g)$ (lesson 3 proves that; here take it as
# given). As a number we use the Wasserstein distance $W_1$ between samples and data (lesson 9; on a line it is the area
# between the two distribution functions), as a share of what it was after the first iteration.

# %% tags=["hide-input"]
start, end = (distance(generated(moments[n][0], 4000, 1)) for n in (1, 400))
claim(
    "loop-learns-line",
    "W₁ after 400 iterations of our loop, as a share of W₁ after the first",
    end / start,
    below=0.4,
    digits=1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels each after 1, 40 and 400 iterations. Densities: the real one with two peaks at -1.5 and 1.5, and the generated one, first a narrow spike near 0, then a broader heap, at the end nearly the same two peaks. Discriminators: D and the optimal D*, at first far apart; at iteration 40 D has taken on the shape of D* in the middle; at the end both are close to one half wherever there are samples."}, "figure": {"name": "fig-first-game", "caption": "A game written by hand, after 1, 40 and 400 iterations: densities, and discriminators. At the end neither player can do much: the densities nearly agree, and D and D* are near one half where there are samples."}}
grid_of_axes = plots.axes(2, 3, height=2.2, sharex=True, sharey="row")
for column, (n, (G_then, D_then, _)) in zip(
    grid_of_axes.T, moments.items(), strict=True
):
    p_r, p_g, D_now, D_star = look(G_then, D_then)
    top, bottom = column
    plots.distributions(top, at, {"real": p_r, "generated": p_g})
    top.set(xlabel="", ylabel="", ylim=(0, 0.8), title=f"iteration {n}")
    curves = {"D": D_now, "D*": D_star}
    plots.lines(bottom, at, curves, colours=[plots.INDIGO, plots.INK])
    bottom.axhline(0.5, color=plots.FAINT, linewidth=1)
    bottom.set(xlabel="x", ylim=(0, 1), xticks=[-3, 0, 3])
    for ax in column:
        ax.get_legend().remove()
grid_of_axes[0, 0].set(ylabel="density")
grid_of_axes[1, 0].set(ylabel="D(x)")
plots.legend_below(grid_of_axes[0, 0], grid_of_axes[1, 0], columns=4)
plots.show()

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Take out `zero_grad` in your discriminator's step, play the first game again and watch its losses. What does $D$ say
# in the end about generated samples? And about real ones?
# :::
#
# ## The ring, and real images
#
# The same program plays in the plane: eight narrow Gaussians on a ring, sixteen noise numbers, wider networks, and the
# non-saturating loss. We play it once with one discriminator step per iteration, and once with five. (Adam's `betas`,
# here and below, were found by trial, as in most GANs.)

# %%
eight = ring()
points = eight.sample(4096, generator=random_source(4)).float()
on_ring = {}
for k in (1, 5):
    G, D = networks(16, 2, width=64, seed=0)
    reals = shuffled(points, 64, random_source(1))
    noises = noise((64, 16), random_source(2))
    play(G, D, adams(D, G, betas=(0.0, 0.9)), reals, noises, 1000, k)
    on_ring[k] = generated(G, 2500, 16)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with generated samples over the real ring of eight small clusters. With k = 1 the generated samples are a broad cloud over most of the ring, over clusters and the space between them. With k = 5 nearly all generated samples sit on a single cluster."}, "figure": {"name": "fig-ring", "caption": "The same networks on the same data after a thousand iterations: one game with one, one with five discriminator steps per iteration."}}
left, right = plots.axes(1, 2, height=3.2)
for ax, (k, samples) in zip((left, right), on_ring.items(), strict=True):
    covered = metrics.mode_coverage(samples[None].double(), eight).covered
    title = f"k = {k}: {int(covered)} of 8 modes"
    plots.clouds(ax, points[:1000], samples[:1000], limit=2.7, title=title)
plots.legend_below(left, columns=2)
plots.show()

# %% [markdown]
# With five steps the generator has settled on a single mode. With one step it reaches all or most of them, but most of
# its samples lie between the modes. We come back to this at the end of the lesson. First, real images: 1797 handwritten
# digits {cite}`alpaydin1998` of $8\times8$ pixels.
#
# A single game can be lucky, so this time we play four. `MLP` is a multilayer perceptron like those above, but its
# weights have a leading axis of `members`, four networks in one; batches and noise get the same axis, and our program
# runs as it is. (The mean in its losses now runs over the games, too, so each gradient is a quarter of what it was.
# Adam divides by the size of the gradients, so this makes no difference.) The generator ends in $\tanh$, since grey
# values run from $-1$ (paper) to 1 (ink).


# %%
def drawn_from(data, shape, source):
    while True:
        yield data[torch.randint(len(data), shape, generator=source)]


images = torch.cat(digits(*range(10))) * 2 - 1  # (1797, 64)
G = MLP([16, 128, 128, 64], members=4, output="tanh")
D = MLP([64, 128, 128, 1], members=4, activation="leaky-relu", seed=10)
play(
    G, D, adams(D, G, betas=(0.0, 0.999)),
    drawn_from(images, (4, 64), random_source(1)),  # (4, 64, 64)
    noise((4, 64, 16), random_source(2)),
    iterations=at_scale(fast=2000, full=50_000),
)  # fmt: skip
artists, critics = generated(G, 512, 16), D  # (4, 512, 64)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Five rows of twelve small grey images: real handwritten digits, and below them the samples of four generators. Most of the generated images are readable digits of several classes; some are smudged or between two digits."}, "figure": {"name": "fig-first-digits", "caption": "Real digits, and the first twelve samples of each of the four generators: none chosen, none left out."}}
rows = {"real": images[::150]} | {
    f"generator {i + 1}": artists[i, :12] for i in range(4)
}
plots.image_rows({name: (row + 1) / 2 for name, row in rows.items()})
plots.show()

# %% [markdown]
# Not bad for four small networks that have never seen a digit. Are all ten digits there? A classifier, trained on the
# real images, sorts 512 samples of each generator; the exponential of the entropy of its classes is the effective number
# of digits. But a classifier sorts everything, scribbles too. So beside it we ask for the *precision*: the share of
# samples that are as near to some real digit as that digit is to its third neighbour among the real ones. The control
# is a "salad", in which every pixel comes from another real digit.

# %% tags=["hide-input"]
classifier = metrics.digit_classifier()
source = random_source(12)
shown, kept = images[::2], images[1::2]  # kept: to compare with
choice = torch.randint(len(shown), (512, 64), generator=source)
salad = shown.gather(0, choice)  # every pixel from another digit
others = shown[torch.randperm(len(shown), generator=source)[:512]]
drawn = dict(zip("1234", artists, strict=True))
effective, precision = {}, {}
for name, x in (drawn | {"salad": salad, "real": others}).items():
    labels = classifier.labels((x + 1) / 2)
    effective[name] = float(metrics.effective_classes(labels))
    precision[name] = float(metrics.precision_recall(x, kept).precision)
with torch.no_grad():
    on_real, on_made = critics(images), critics(artists)  # (4, n, 1)
V_of_each = -(
    softplus(-on_real).mean((1, 2)) + softplus(on_made).mean((1, 2))
)
show_table(
    ["", "effective number of digits", "precision"],
    [
        [name, f"{effective[key]:.0f}", f"{precision[key]:.1f}"]
        for name, key in (("pixel salad", "salad"), ("real digits", "real"))
    ],
)

# %% tags=["hide-input"]
claim(
    "digits-first-gan",
    "effective number of digits drawn, four generators",
    [effective[name] for name in drawn],
    above=7.0,
)
claim(
    "digits-precision",
    "their precision less that of the pixel salad",
    [precision[name] - precision["salad"] for name in drawn],
    above=0.2,
)
claim(
    "digits-value-above-guessing",
    "V + 2 log 2 of the four discriminators, at the end",
    V_of_each + 2 * math.log(2),
    above=0.02,
)

# %% [markdown]
# And the discriminators? Their value stays above the $-2\log2$ of pure guessing: they still see some difference.
#
# ## Broken on purpose
#
# Three mistakes are common, and none of them raises an error. All the programs below run, and their losses look like any
# others.
#
# **A sigmoid too many.** $D$ ends in a sigmoid, "because it is a probability", and the loss, which expects logits,
# applies another one. What $D$ then says is $\sigma$ of a number between 0 and 1, so it lies between $\frac12$ and
# $\sigma(1)\approx0.73$: it can never call a sample generated.
#
# **No `detach`, and one `zero_grad`.** The gradients are set to zero once per iteration, at its end. With `detach` that
# would do. Without it, the generator's step adds the gradient of $D$'s loss to its own.
#
# **One optimizer for both.** It has the parameters of both networks, so each step moves all that has a gradient. The
# generator's loss leaves one in $D$, and $D$ is trained to call generated samples real.


# %%
def with_sigmoid(D):
    return lambda x: D(x).sigmoid()


def step_with_sigmoid_of_D(G, D, optimizer, real, z):
    return discriminator_step(G, with_sigmoid(D), optimizer, real, z)


def step_with_sigmoid_of_G(G, D, optimizer, z, loss_of):
    return generator_step(G, with_sigmoid(D), optimizer, z, loss_of)


# %%
def step_without_detach(G, D, optimizer, real, z):
    loss = discriminator_loss(D(real), D(G(z)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def step_that_zeroes_at_the_end(G, D, optimizer, z, loss_of):
    loss = loss_of(D(G(z)))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


# %% [markdown]
# Sixteen games of each kind, and sixteen of the right one, from the same weights and with the same draws:

# %%
programs = {
    "right": (discriminator_step, generator_step),
    "sigmoid twice": (step_with_sigmoid_of_D, step_with_sigmoid_of_G),
    "no detach": (step_without_detach, step_that_zeroes_at_the_end),
    "one optimizer": (discriminator_step, generator_step),
}

# %%
ends = {}
for name, steps in programs.items():
    G = MLP([1, 32, 32, 1], members=16)
    D = MLP([1, 32, 32, 1], members=16, seed=100)
    optimizers = adams(D, G)
    if name == "one optimizer":
        both = [*D.parameters(), *G.parameters()]
        one = torch.optim.Adam(both, 1e-3, (0.5, 0.9), fused=True)
        optimizers = [one, one]
    reals = drawn_from(line, (16, 128), random_source(1))
    noises = noise((16, 128, 1), random_source(2))
    play(G, D, optimizers, reals, noises, 500, steps=steps)
    ends[name] = distance(generated(G, 4000, 1))  # (16,)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four columns of sixteen dots each, the Wasserstein distance to the data after 500 iterations: right, sigmoid twice, no detach, one optimizer. The dots of the right program lie lowest, most of them below 0.5; a dashed line at about 1.45 marks the distance before training, and many dots of the broken programs lie near it or above."}, "figure": {"name": "fig-broken-loops", "caption": "Distance to the data after 500 iterations, sixteen games of each program. The dashed line is the distance before any training."}}
ax = plots.axes(height=3.0)
plots.strips(ax, ends)
untrained = distance(generated(MLP([1, 32, 32, 1], members=16), 4000, 1))
ax.axhline(untrained.mean(), color=plots.INK, linestyle="--", linewidth=1.2)
ax.set(ylabel="W₁ to the data", ylim=(0, None))
plots.show()

# %% [markdown]
# How sure can we be of the damage? The games of two programs share their seeds, so we compare them pair by pair: if the
# mistake made no difference, each pair's difference could as well have had the other sign. `paired_difference` returns
# an interval of all shifts that this test does not reject, here for three comparisons together.

# %% tags=["hide-input"]
found = {
    name: metrics.paired_difference(
        ends[name], ends["right"], comparisons=3
    )
    for name in ("sigmoid twice", "no detach", "one optimizer")
}
claim(
    "loop-broken-on-purpose",
    "broken programs, of three, that end measurably farther from the data",
    sum(difference.low > 0 for difference in found.values()),
    equals=3,
)

# %% [markdown]
# All three are told apart. (Look at the right program's dots, too: one or two of its games may have failed as well. With
# $k=1$ this game is not a safe one, which is why a single run proves little.)
#
# **Each is mended in a line**: no sigmoid in $D$; `detach` where the samples are made (and `zero_grad` before every
# `backward`); two optimizers. But which mistake is in *your* program? Most leave a trace. With a sigmoid
# too many the discriminator's loss has a floor: even a perfect $D$ cannot get below $\log2+\log(1+e^{-1})\approx1.006$.
# And where $D$ is certain, the generator hardly gets a slope, even from the non-saturating loss.

# %% tags=["hide-input"]
logit = torch.tensor([100.0, -100.0, -10.0], requires_grad=True)
real_twice, fake_twice, sure = logit.sigmoid()
floor = discriminator_loss(real_twice[None], fake_twice[None])
(slopes_twice,) = torch.autograd.grad(
    non_saturating(sure), logit, retain_graph=True
)
(slopes_once,) = torch.autograd.grad(non_saturating(logit[2]), logit)
claim(
    "sigmoid-twice-floor",
    "best loss of D; the generator's slope where D is sure, over what it should be",
    [floor, slopes_twice[2] / slopes_once[2]],
    equals=[math.log(2) + math.log(1 + math.exp(-1)), 0],
    atol=1e-4,
)

# %% [markdown]
# A missing `detach` alone leaves no trace at all: as long as each step forgets the old gradient before `backward`, as
# ours do, it costs time and changes no number. That is why it often goes unnoticed, until somebody moves a `zero_grad`.

# %% tags=["hide-input"]
runs = []
for step in (discriminator_step, step_without_detach):
    G, D = networks(1, 1, seed=0)
    reals = shuffled(line, 128, random_source(2))
    noises = noise((128, 1), random_source(3))
    steps = (step, generator_step)
    runs.append(
        play(G, D, adams(D, G), reals, noises, 50, steps=steps)
    )  # fmt: skip
claim(
    "no-detach-only-waste",
    "losses of fifty iterations with and without detach: largest difference",
    (runs[0] - runs[1]).abs().max(),
    equals=0,
)

# %% [markdown]
# ## The same game in one call
#
# The rest of this book plays many games, and plays them with `gantut.training.train`. It holds no idea that is not in
# our thirty lines: a `Config` names objective, $k$, sizes and optimizer, and `train` runs the loop. To show that, we give
# it copies of the networks of our first game, and give our loop the random numbers that `train` draws. (Each purpose,
# such as data or noise, has a stream of random numbers with a seed of its own.)

# %%
game = Config(
    objective="minimax", n_critic=3, steps=100, batch_size=128,
    latent_dim=1, optimizer=Optimizer("adam", lr=1e-3, betas=(0.5, 0.9)),
)  # fmt: skip
G, D = networks(1, 1, seed=0)
copies = dict(generator=copy.deepcopy(G), critic=copy.deepcopy(D))
history = train(game, line, **copies, record_every=1, device="cpu")

# %% tags=["hide-input"]
sources = [random_source(game.seeds(of)[0]) for of in ("data", "noise")]
reals, noises = shuffled(line, 128, sources[0]), noise((128, 1), sources[1])
ours = play(G, D, adams(D, G), reals, noises, 100, 3, minimax)
theirs = [
    history.losses[player][:, 0] for player in ("critic", "generator")
]
claim(
    "same-numbers-as-train",
    "losses of a hundred iterations, ours less those of train: at most",
    (ours - torch.stack(theirs, 1)).abs().max(),
    below=1e-5,
)

# %% [markdown]
# They agree to the last digit or two of single precision, but not bit for bit: `train` sends real and generated samples
# through $D$ together and keeps all parameters in one tensor, so sums are rounded in another order. Training
# amplifies such differences, and after a few thousand iterations two such runs can be two different games. That is one
# more reason to ask about populations, and `train` plays any number of games at once: `members`. Here are sixteen, each
# with networks and draws of its own.

# %%
small = Architecture(hidden=(32, 32))
many = replace(
    game, members=16, steps=at_scale(fast=800, full=20_000),
    generator=small, critic=small,
)  # fmt: skip
history = train(many, two_modes, samples=4000)
distances = {"Gaussian": distance(history.samples[-1])}

# %% [markdown]
# :::{admonition} Further: does the noise matter?
# :class: dropdown
# A well-known table of symbols calls $p_z$ the "data distribution over noise input", "usually, just uniform". It is a
# distribution of noise, not of data, and we are free to choose it. The folded cells play the same sixteen games with
# uniform noise from $[-1,1]$ in place of Gaussian noise, and compare the distances to the data in pairs, as shares of
# the distance before training. Sixteen pairs say what they can: whichever kind is better in this game, it is not better
# by a fifth of the way. (That is no proof that the noise does not matter; a smaller difference would escape them.)
# :::

# %% tags=["hide-input"]
uniform = train(replace(many, noise="uniform"), two_modes, samples=4000)
distances["uniform"] = distance(uniform.samples[-1])

# %% tags=["hide-input"]
found = metrics.paired_difference(
    distances["uniform"], distances["Gaussian"]
)
way = distance(history.samples[0]).mean()  # before any training
claim(
    "notation-pz-uniform",
    "W₁ with uniform minus Gaussian noise over the way: 95% interval of the mean",
    [found.low / way, found.high / way],
    above=-0.2,
    below=0.2,
    digits=1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "First panel: the value V over the iterations, median and range of sixteen games: it starts near -1.3, rises to about -0.9 within thirty iterations while the discriminator has the upper hand, and falls back to just above the dashed line at -2 log 2, where it stays. Second panel: the Wasserstein distance of the sixteen games with Gaussian and with uniform noise, two strips of dots, all below 0.4, most below 0.2."}, "figure": {"name": "fig-first-population", "caption": "Sixteen games. First panel: the value of the game (median and range); dashed, the −2 log 2 of a discriminator that can only guess. Second panel: how far the generators are from the data in the end, with either kind of noise."}}
left, right = plots.axes(1, 2, height=2.8, width_ratios=[3, 2])
V_played = -history.losses["critic"].T  # (members, records)
plots.population(
    left, history.steps, V_played, name="V", colour=plots.INDIGO
)
left.axhline(
    -2 * math.log(2), color=plots.INK, linestyle="--", linewidth=1.2
)
left.set(xlabel="iteration", ylabel="nats")
plots.strips(right, distances)
right.set(ylabel="W₁ to the data", ylim=(0, None))
plots.show()

# %% [markdown]
# The value $V$ is hardly a measure of progress. It comes back to $-2\log2$ and stays there, in the best game and in the
# worst:

# %% tags=["hide-input"]
order = distances["Gaussian"].argsort()
best, worst = (distances["Gaussian"][order[end]] for end in (0, -1))
settled = V_played[order][:, -50:].mean(1)  # over the last quarter
claim(
    "games-end-apart",
    "distance of the worst generator over that of the best",
    worst / best,
    above=1.5,
    digits=1,
)
claim(
    "value-no-progress",
    "V of the best and of the worst game: -2 log 2 for both",
    [settled[0], settled[-1]],
    equals=-2 * math.log(2),
    atol=0.05,
)

# %% [markdown]
# It says that the discriminator *finds nothing wrong*, and that depends on the discriminator as much as on the
# generator.
#
# ## How many steps for the discriminator?
#
# {prf:ref}`alg-gan` leaves $k$ open. More steps cost more time, and the discriminator might memorise its samples; those
# are the reasons usually given against a large $k$. On the ring we saw a third: with $k=5$ the generator collapsed. Was
# that an accident of two games? The following figure was recorded, with 32 games for each $k$
# (`python -m gantut.lessons critic-steps`).
#
# A mode counts as *covered* when 1% of the samples are nearest to it and some come within three of its standard
# deviations. The *quality* is the share of all samples that lie so near to a mode. A count of modes says little without
# the quality beside it: a Gaussian cloud as wide as the ring that has learnt nothing at all covers all eight.

# %% tags=["hide-input"]
source = random_source(9)
cloud = 1.4 * torch.randn(4, 2500, 2, dtype=torch.float64, generator=source)
fresh = eight.sample((4, 2500), generator=source)
control, of_data = (metrics.mode_coverage(x, eight) for x in (cloud, fresh))

# %% tags=["hide-input"]
claim(
    "modes-need-quality",
    "a cloud that has learnt nothing: all eight modes, and this quality",
    [control.covered.min() / 8, control.high_quality_fraction.max()],
    equals=[1, 0.07],
    atol=0.02,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels over k = 1, 2, 5, 10, each with 32 dots a column and the median with its interval. Modes covered: mostly 8 at k = 1, between 2 and 8 at k = 2, mostly 1 at k = 5 and 10. Quality: about 0.16 at k = 1, between 0.2 and 0.9 at k = 2, nearly 1 at k = 5 and 10. Accuracy of the discriminator: from about 0.82 at k = 1 to 0.94 at k = 10. Norm of the generator's gradient: about 1 at k = 1, about 6 at k = 2, then falling to about 2 at k = 10."}, "figure": {"name": "fig-critic-steps", "caption": "Thirty-two games for each number k of discriminator steps per iteration: modes covered, share of samples near a mode, how well the discriminator tells real from generated, and the norm of the generator's gradient."}}
steps_record = recorded("critic-steps")
games = {row["n_critic"]: row for row in steps_record.result["games"]}
titles = {
    "modes": "modes covered",
    "quality": "quality",
    "accuracy": "accuracy of D",
    "gradient": "gradient of G",
}
panels = plots.axes(2, 2, height=2.4)
for ax, (name, title) in zip(panels.flat, titles.items(), strict=True):
    values = {str(k): row[name] for k, row in games.items()}
    ticks = [metrics.median_interval(row) for row in values.values()]
    plots.strips(ax, values, intervals=ticks)
    ax.set(xlabel="k")
    ax.set_title(title, fontsize=11)
panels[1, 1].set(ylim=(0, None))
plots.show()

# %% tags=["hide-input"]
differences = {
    name: metrics.paired_difference(
        games[5][name], games[1][name], comparisons=2
    )
    for name in ("modes", "quality")
}
claim(
    "k-steps-role",
    "modes at k = 5 minus at k = 1, upper end of the interval",
    differences["modes"].high,
    below=-2,
    digits=1,
)
claim(
    "k-steps-quality",
    "quality at k = 5 minus at k = 1, lower end of the interval",
    differences["quality"].low,
    above=0.4,
    digits=1,
)

# %% [markdown]
# With more steps the discriminator tells more samples apart, and the generator loses seven modes of eight. Does the one
# cause the other? Not by the accuracy alone, since a collapsed generator is *easily* told apart.
#
# :::{admonition} Further: the best accuracy against a collapsed generator
# :class: dropdown
# If the generator copies one mode of eight perfectly, whoever calls this mode generated and all others real is wrong
# about one real sample in eight and right about everything else. That makes $\frac{15}{16}$, and no discriminator can
# do better. The recorded discriminators at $k=10$ are there.
# :::

# %% tags=["hide-input"]
claim(
    "collapse-accuracy",
    "median accuracy of the discriminators at k = 10; the best against one mode",
    torch.tensor(games[10]["accuracy"]).median(),
    equals=15 / 16,
    atol=0.01,
)

# %% [markdown]
# The theory of lesson 3 assumes the *best* discriminator, and more steps should come closer to it. Lessons 4 (the
# players circle), 5 (the gradient that a good discriminator leaves) and 6 (what collapse is) solve this puzzle. For the
# time being: **whether a GAN works depends on settings that the theory does not mention**, and statements about GANs
# need populations.
#
# You can also watch one game play on this page. Start it; then give the critic five steps per iteration, and go
# through a few seeds. When you have seen enough of rings, draw your own data.

# %%
live_gan()

# %% [markdown]
# ## One more exercise
#
# :::{exercise}
# :label: ex-slope-in-the-logit
# Where is it better to go down $\log(1-D)$, and where $-\log D$? **Derive** the slope of both losses in the logit $a$
# of a generated sample. What becomes of each when the discriminator is certain that the sample is generated,
# $a\to-\infty$? Give the first one, the derivative of $\log(1-D)$, as a formula in the symbol `a` of sympy.
# :::
#
# :::{hint}
# :class: dropdown
# Write both in terms of $a$ before you differentiate; {eq}`eq-logits` has them, with the other sign. To check yourself:
# does $1-D$ grow or shrink when the logit grows?
# :::

# %%
from sympy import Symbol

a = Symbol("a", real=True)
answer = ...
check("slope-in-the-logit", answer)

# %% [markdown]
# :::{solution} ex-slope-in-the-logit
# :class: dropdown
# 1. By {eq}`eq-logits`, $\log(1-D)=-\log(1+e^a)$. By the chain rule its derivative is $-\frac{e^a}{1+e^a}$.
# 2. Divide numerator and denominator by $e^a$: it is $-\frac1{1+e^{-a}}=-\sigma(a)=-D$.
# 3. Likewise $-\log D=\log(1+e^{-a})$ has the derivative $-\frac{e^{-a}}{1+e^{-a}}=-\frac1{1+e^a}=-(1-D)$.
# 4. Both are negative, so both losses push the logit up. For $a\to-\infty$ we have $D\to0$: the first slope vanishes,
#    the second tends to $-1$. Where the generator is worst, the loss of the minimax game teaches it least, and the
#    non-saturating loss teaches it most. For $a\to+\infty$ it is the other way round. Lesson 5 begins here.
#
# ```python
# from sympy import Symbol, exp
#
# a = Symbol("a", real=True)
# answer = -1 / (1 + exp(-a))
# ```
# :::
#
# ## What to remember
#
# - A generator turns noise into samples; an average over its distribution is an average over the noise.
# - The discriminator is a classifier of real against generated, and $-V$ is its cross-entropy. It wants $V$ large, the
#   generator wants it small. All that the generator learns comes through the discriminator.
# - A GAN is thirty lines: two losses, two steps, a loop. In the discriminator's step generated samples are detached;
#   every step forgets old gradients first; each player has an optimizer of its own; $D$ ends in a logit.
# - Mistakes in these lines raise no error. They show as a floor under the loss, or as games that go nowhere.
# - An iteration of {prf:ref}`alg-gan` takes $k$ steps up for $D$ and one down for $G$. A larger $k$ is not simply better.
# - Claims about training are claims about a population, and a yardstick needs a control.
#
# **Sources.** The game and its algorithm are from {cite}`goodfellow2014`; the presentation follows {cite}`weng2019` and
# {cite}`xu2020`, from whom we take the inverse transform as a way into the subject. What had to be corrected is listed
# under {doc}`errata`.
