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
# them from the real ones, and each learns from the other's success**. This lesson says exactly what the two are playing
# for, and lets them play.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what a generator does to a distribution; what generator and discriminator play for, and
# which gradient moves which of them; and you will have written Algorithm 1 and watched populations of games on a line,
# in the plane, and on real images.
#
# **You need** expectations, the chain rule, and {doc}`lesson 1 <01_divergences>` for what it means for two
# distributions to be close.
#
# **It takes** an hour and a quarter to read with the exercises, and less than a minute to run on a laptop.
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
from dataclasses import replace

import scipy
import torch
from torch.func import functional_call
from torch.nn.functional import binary_cross_entropy_with_logits

from gantut import metrics, plots
from gantut.checks import claim
from gantut.data import digits, gaussian, gaussian_mixture, ring
from gantut.device import at_scale, random_source
from gantut.lessons import check, recorded
from gantut.lessons.the_game import live_gan
from gantut.lessons.the_game.plots import plot_game_diagram
from gantut.lessons.toy_gans import train_toy_gan
from gantut.networks import MLP
from gantut.objectives import discriminator_loss, saturating_generator_loss
from gantut.training import Architecture, Config, Optimizer, train
from gantut.transport import wasserstein_1d

# %% [markdown]
# ## Every distribution from one
#
# A computer draws uniform numbers $U$ between 0 and 1, and nothing else. How does it draw from another distribution? On
# the line there is a recipe. Let $F(x)=P(X\le x)$ be the distribution function of the $X$ that we want. It climbs from
# 0 to 1, and it climbs fast where $X$ is likely to be. Mark $U$ on the vertical axis, go across to the curve, and then
# down: many values of $U$ land where the curve is steep.
#
# :::{prf:theorem} Inverse transform
# :label: thm-inverse-transform
# If $U$ is uniform on $[0,1]$, then $F^{-1}(U)$ has the distribution function $F$.
# :::
#
# The proof is one line: $F^{-1}(U)\le x$ exactly when $U\le F(x)$, which has probability $F(x)$. Where $F$ is flat
# or jumps, one takes $F^{-1}(u)=\min\{x: F(x)\ge u\}$, and the line still holds. For the exponential distribution of
# rate 2, $F(x)=1-e^{-2x}$, so $F^{-1}(u)=-\frac12\log(1-u)$:

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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: the distribution function of the exponential distribution with rate 2, rising steeply from 0 and flattening towards 1; three arrows go from values of u on the vertical axis across to the curve and down to x. Right: histogram of a hundred thousand values made in this way, which fits the exponential density drawn over it."}, "figure": {"name": "fig-inverse-transform", "caption": "Inverse transform. Left: from u across to the curve and down to x. Right: a hundred thousand values made in this way, and the density that they should have."}}
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
# And where $F$ jumps? Take a distribution on 0, 1 and 2, and eight hundred $u$, evenly spaced, those that fall on a
# jump among them. To find the smallest $x$ with $F(x)\ge u$ is what `searchsorted` does:

# %%
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
# So a *function* of noise can have any distribution on the line. This is the idea of a **generator**: keep the noise,
# and learn the function. For images there is no $F^{-1}$ to write down, and nobody knows $F$. We only have samples.
#
# ### What learning a distribution used to mean
#
# Models that learn a distribution, be it $P(X)$, $P(X,Y)$ or $P(X\mid Y)$, are called **generative**, and they are
# older than neural networks. Discriminant analysis, for example, says that the points of each class are Gaussian with
# one common covariance. Fitting it takes three averages; drawing new points is then easy.

# %%
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

# %% [markdown]
# Have the new points the distribution of the old ones? We compare the means and the covariance matrices of both classes
# with the true ones, in standard errors of fit and draws together.

# %%
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
# Such a model writes its density down. That is a strength (one can compute likelihoods) and a limitation (who knows a
# formula for the density of photographs?). A generator has no formula for its density. It just draws.
#
# ## What a generator does to noise
#
# Let $z$ be noise with a simple distribution $p_z$, and $G$ a function. The distribution of $G(z)$ is called the
# **push-forward** of $p_z$, and written $p_g$ where it has a density. We do not know that density, but we hardly ever
# need it: an average over $p_g$ is an average over the noise,
#
# $$ \mathbb E_{z\sim p_z}\,h(G(z))=\mathbb E_{x\sim p_g}\,h(x)=\int h(x)\,p_g(x)\,dx , $$ (eq-push-forward)
#
# for every function $h$. The first equality is what $p_g$ *means* and always holds. The second needs a density to
# exist. A case where all three can be computed is $z\sim N(0,1)$, $G(z)=2z+1$, so that $p_g=N(1,2)$ (in this book
# the second number is the standard deviation):


# %%
def h(x):
    """The logarithm of 1 - D(x) for D(x) = 1 / (1 + exp(x))."""
    return -torch.nn.functional.softplus(-x)


source, p_g = random_source(2), gaussian(1, 2)
z = torch.randn(1_000_000, dtype=torch.float64, generator=source)
over_noise = h(2 * z + 1).mean()
over_samples = h(p_g.sample(1_000_000, generator=source)).mean()
grid = torch.linspace(-19, 21, 40_001, dtype=torch.float64)
integral = torch.trapezoid(h(grid) * p_g.density(grid), grid)
claim(
    "change-of-variable",
    "mean over the noise, mean over draws from p_g; the integral with p_g",
    [over_noise, over_samples],
    equals=integral,
    atol=0.003,  # three and a half standard errors
)

# %% [markdown]
# When does $p_g$ have no density? Always when the noise has fewer dimensions than the samples and $G$ is a network, or
# any function that stretches nearby distances by a bounded factor only. $G(z)=(\cos z,\sin z)$ turns a number into a
# point on a circle, and a circle has no area to spread a density over. (A wild function can do more: deal out the
# digits of a uniform number to two others in turn, and they fill a square.) But noise of as many dimensions as the
# samples is no guarantee. A layer of ReLUs sends every $z$ with two negative coordinates to one point, which then has a
# probability of its own:

# %%
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
# That does averages over the noise no harm. But every argument that *divides* by $p_g$ needs a density, and
# {doc}`lesson 5 <05_vanishing_gradients>` is about what happens without one.
#
# The symbol $p_z$ deserves a remark. A well-known table of symbols calls it the "data distribution over noise input",
# "usually, just uniform". It is a distribution of noise, not of data, and we are free to choose it. Does the choice
# matter? We shall ask a population of games below.
#
# ## What they are playing for
#
# The other player, the **discriminator** $D$, looks at a sample $x$ and answers with a number $D(x)$ between 0 and 1:
# the probability, in its view, that $x$ is real. Let $p_r$ be the distribution of the real samples. The **value** of
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
# What one gains the other loses. With {eq}`eq-push-forward` we may also write
# $V=\int p_r\log D+p_g\log(1-D)\,dx$, the form on which lesson 3 builds.
#
# **The same thing in other words.** Label real samples 1 and generated ones 0. Then $-V$ is the sum of the two averages
# of the *cross-entropy*, which every classifier is trained with: the discriminator is an ordinary classifier of real
# against generated. In code one computes with **logits** $a$, where $D=\sigma(a)=1/(1+e^{-a})$, because the logarithms
# of $D$ itself break down where $D$ is very near 0 or 1:
#
# $$ -\log D=\log(1+e^{-a}),\qquad-\log(1-D)=\log(1+e^{a}) . $$ (eq-logits)

# %%
a_real, a_fake = torch.randn(
    2, 64, dtype=torch.float64, generator=random_source(3)
)
D_real, D_fake = a_real.sigmoid(), a_fake.sigmoid()
V = D_real.log().mean() + (1 - D_fake).log().mean()

cross_entropy = binary_cross_entropy_with_logits
bce = cross_entropy(a_real, torch.ones(64).double()) + cross_entropy(
    a_fake, torch.zeros(64).double()
)
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
# ## Who learns from what

# %% tags=["hide-input"] mystnb={"image": {"alt": "Diagram of a GAN. Noise z goes into the generator G; its samples G(z) and real samples x from the data go into the discriminator D, whose answers D(x) and D(G(z)) make the value V. A dashed blue arrow leads from V back to the discriminator: D climbs V. A dashed orange arrow leads from V through the discriminator back to the generator: G descends V, through D."}, "figure": {"name": "fig-game", "caption": "Who makes what (solid arrows) and who learns from what (dashed arrows). The generator never sees a real sample: all that it learns comes through the discriminator."}}
ax = plots.axes(height=3.0)
plot_game_diagram(ax)
plots.show()

# %% [markdown]
# Both players change their own parameters only. When the discriminator steps, the generated samples are just samples:
# the gradient stops there (`detach`). When the generator steps, its gradient flows *through* the discriminator, which
# is held fixed. So we write $V$ as a function of the parameters of both, and let each of them take a small step:

# %%
G, D = MLP([2, 16, 2], seed=4), MLP([2, 16, 1], seed=5)
of_G, of_D = dict(G.named_parameters()), dict(D.named_parameters())
source = random_source(6)
real = ring().sample(64, generator=source).float()
z = torch.randn(64, 2, generator=source)


def value(of_G, of_D):
    """V, as a function of the parameters of both players."""
    fake = functional_call(G, of_G, z)  # (1, 64, 2)
    logits = (functional_call(D, of_D, x).squeeze(-1) for x in (real, fake))
    return -discriminator_loss(*logits).sum()


def slopes_of(number, parameters, **options):
    """The gradient in these parameters; None where no path leads."""
    slopes = torch.autograd.grad(
        number, parameters.values(), allow_unused=True, **options
    )
    return dict(zip(parameters, slopes, strict=True))


def moved(parameters, slopes, rate):
    return {name: p + rate * slopes[name] for name, p in parameters.items()}


# %%
rate, now = 0.001, value(of_G, of_D)
slopes_D = slopes_of(value(of_G, of_D), of_D)
slopes_G = slopes_of(value(of_G, of_D), of_G)
change = [
    value(of_G, moved(of_D, slopes_D, rate)) - now,  # D climbs
    value(moved(of_G, slopes_G, -rate), of_D) - now,  # G descends
]
promised = [
    rate * sum(slope.square().sum() for slope in slopes.values())
    for slopes in (slopes_D, slopes_G)
]
claim(
    "weng-fig2",
    "change of V by a step of D, of G, over the squared slope times the rate",
    [change[0] / promised[0], change[1] / promised[1]],
    equals=[1, -1],
    atol=0.1,
)

# %% [markdown]
# And the term with the real samples? While $D$ stands still it does not reach the generator at all: the generator never
# meets a real sample. That is more than a detail. Suppose that it could foresee how the discriminator would answer its
# move, and went down $V$ after *that* answer. Then the real samples do matter, since they have shaped the new
# discriminator too. (This is the unrolled GAN of lesson 6.) One step ahead is enough to see it:


# %%
def real_term(of_D):
    """The mean of log D over real samples."""
    logits = functional_call(D, of_D, real)
    return -torch.nn.functional.softplus(-logits).mean()


def reached(number):
    """How many of G's four tensors of parameters a number depends on."""
    slopes = slopes_of(number, of_G).values()
    return sum(
        slope is not None and slope.norm() > 1e-6 for slope in slopes
    )


slopes = slopes_of(value(of_G, of_D), of_D, create_graph=True)
answer = moved(of_D, slopes, 0.1)  # D after one step, a function of G
claim(
    "real-term-no-gradient-to-g",
    "tensors of G that E log D(x) reaches: with D as it is, after D's answer",
    [reached(real_term(of_D)), reached(real_term(answer))],
    equals=[0, 4],
)

# %% [markdown]
# ## Algorithm 1
#
# Nobody can solve $\max_D$ before each step of $G$. So the players take turns: $k$ steps up for the discriminator, one
# down for the generator, and again. Such a turn is one **iteration**. All averages are over fresh minibatches of $m$
# samples.
#
# :::{prf:algorithm} The GAN game
# :label: alg-gan
# Repeat:
#
# 1. $k$ times: draw $x_1,\dots,x_m\sim p_r$ and $z_1,\dots,z_m\sim p_z$, and step **up** the gradient, in the
#    parameters of $D$, of $\frac1m\sum_i\log D(x_i)+\log(1-D(G(z_i)))$.
# 2. Draw $z_1,\dots,z_m\sim p_z$, and step **down** the gradient, in the parameters of $G$, of
#    $\frac1m\sum_i\log(1-D(G(z_i)))$.
# :::
#
# Here it is, for players so small that every gradient can be worked out by hand: $G(z)=\alpha z+\beta$ and
# $D(x)=\sigma(wx+b)$.


# %%
def algorithm_1(
    generator, discriminator, draw_x, draw_z, *, iterations, k, rate
):
    """Goodfellow et al. (2014), Algorithm 1, with plain gradient steps."""
    (alpha, beta), (w, b) = generator, discriminator
    for _ in range(iterations):
        for _ in range(k):
            x, fake = draw_x(), (alpha * draw_z() + beta).detach()
            logits = w * x + b, w * fake + b
            slopes = torch.autograd.grad(
                discriminator_loss(*logits), (w, b)
            )
            with torch.no_grad():
                w -= rate * slopes[0]  # down the loss is up V
                b -= rate * slopes[1]
        fake = alpha * draw_z() + beta
        loss = saturating_generator_loss(None, w * fake + b)
        slopes = torch.autograd.grad(loss, (alpha, beta))
        with torch.no_grad():
            alpha -= rate * slopes[0]
            beta -= rate * slopes[1]
    return torch.stack([alpha, beta, w, b]).detach()


# %% [markdown]
# The gradients by hand: since $\frac{d}{da}\log\sigma(a)=1-\sigma(a)$ and
# $\frac{d}{da}\log(1-\sigma(a))=-\sigma(a)$,
#
# $$
# \begin{aligned}
# \partial_wV&=\overline{(1-D(x))\,x}-\overline{D(\tilde x)\,\tilde x},&
# \partial_bV&=\overline{1-D(x)}-\overline{D(\tilde x)},\\
# \partial_\alpha V&=-w\,\overline{D(\tilde x)\,z},&\partial_\beta V&=-w\,\overline{D(\tilde x)},
# \end{aligned}
# $$ (eq-by-hand)
#
# where $\tilde x=G(z)$ and the bar is the mean over the batch.


# %%
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


# %% [markdown]
# Both versions get the same draws, and after five iterations with $k=2$ they must agree.

# %%
draws = torch.randn(
    5, 5, 64, dtype=torch.float64, generator=random_source(7)
)  # five iterations, each of two x, two z for D, and one z for G
start = torch.tensor([1.0, 0.5, 0.3, -0.2], dtype=torch.float64)
by_hand = start
for batch in draws:
    by_hand = iteration_by_hand(
        by_hand, 2 + batch[:2], batch[2:4], batch[4], rate=0.1
    )

*players, w, b = [p.clone().requires_grad_() for p in start]
draw_x = iter(2 + draws[:, :2].flatten(0, 1))
draw_z = iter(draws[:, 2:].flatten(0, 1))
by_algorithm = algorithm_1(
    players, (w, b), lambda: next(draw_x), lambda: next(draw_z),
    iterations=5, k=2, rate=0.1,
)  # fmt: skip
claim(
    "gan-algorithm",
    "five iterations of Algorithm 1 and of the formulas by hand differ by",
    (by_algorithm - by_hand).abs().max(),
    below=1e-12,
)

# %% [markdown]
# `gantut.training.train` is this loop, with two additions: any optimizer may take the place of the plain gradient step,
# and it trains a whole **population** of games at once, each with its own random start and its own draws. A single game
# can be lucky. A whole population can hardly be.
#
# ## A first game, on a line
#
# The data have two modes. Sixteen generators, small networks that turn one noise number into one sample, meet sixteen
# discriminators. They play the game {eq}`eq-minimax` with $k=3$.

# %%
real_distribution = gaussian_mixture(
    [[-1.5], [1.5]], 0.6
)  # one dimension: (1,)
small = Architecture(hidden=(32, 32))
game = Config(
    objective="minimax",
    members=16,
    steps=at_scale(fast=800, full=20_000),
    n_critic=3,
    batch_size=128,
    latent_dim=1,
    generator=small,
    critic=small,
    optimizer=Optimizer("adam", lr=1e-3, betas=(0.5, 0.9)),
)
history = train(game, real_distribution, samples=4000)

# %% [markdown]
# A fixed seed repeats a game exactly, so we can stop the same games early and look at them. For each we ask how far
# the discriminator is from the best one. By lesson 3, that is $D^*=p_r/(p_r+p_g)$ (there it is proved; here take it
# as given). The generator's density $p_g$ is unknown, but on a line many samples show it well.

# %%
at = torch.linspace(-4.5, 4.5, 181)


def look(history, member):
    """Densities, and D and D*, of one member at the end of its run."""
    samples = history.sample(20_000)[member, :, 0]
    p_g = scipy.stats.gaussian_kde(samples.numpy(), 0.08)(at.numpy())
    p_g, p_r = (
        torch.from_numpy(p_g),
        real_distribution.density(at[:, None].double()),
    )
    with torch.no_grad():
        column = at[:, None].to(next(history.critic.parameters()).device)
        D = history.critic(column)[member, :, 0].sigmoid().cpu()
    return p_r, p_g, D, p_r / (p_r + p_g)


reference = real_distribution.sample(
    20_000, generator=random_source(8)
).squeeze(-1)


def distance(history, evaluation=-1):
    """W1 between the samples of every member and the data: (members,)."""
    samples = history.samples[evaluation].squeeze(-1).double()
    return wasserstein_1d(samples, reference.expand(len(samples), -1))


member = distance(history).argsort()[8]  # neither the best nor the worst
moments = {
    f"iteration {steps}": train(
        replace(game, steps=steps), real_distribution
    )
    for steps in (1, 40)
} | {"at the end": history}

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three columns: iteration 1, iteration 40, at the end. Top row: the real density with two peaks at -1.5 and 1.5, and the generated density: first a narrow spike at 0, then a broad heap in the middle, at the end nearly the same two peaks. Bottom row: the discriminator and the optimal discriminator: at first far apart; at iteration 40 they agree in the middle, where both dip, and part on the right; at the end both are close to one half wherever there are samples."}, "figure": {"name": "fig-first-game", "caption": "One of sixteen games (the median one): densities above, discriminators below. At the end neither player can do much: the densities nearly agree, and D and D* are near one half where there are samples."}}
grid_of_axes = plots.axes(2, 3, height=2.2, sharex=True, sharey="row")
for column, (title, moment) in zip(
    grid_of_axes.T, moments.items(), strict=True
):
    p_r, p_g, D_now, D_star = look(moment, member)
    top, bottom = column
    plots.distributions(top, at, {"real": p_r, "generated": p_g})
    top.set(xlabel="", ylabel="", ylim=(0, 0.8), title=title)
    curves = {"D": D_now, "D*": D_star}
    plots.lines(bottom, at, curves, colours=[plots.THIRD, plots.INK])
    bottom.axhline(0.5, color=plots.FAINT, linewidth=1)
    bottom.set(xlabel="x", ylim=(0, 1))
    for ax in column:
        ax.get_legend().remove()
grid_of_axes[0, 0].set(ylabel="density")
grid_of_axes[1, 0].set(ylabel="D(x)")
plots.legend_below(grid_of_axes[0, 0], grid_of_axes[1, 0], columns=4)
plots.show()

# %% [markdown]
# Now all sixteen, and with them the question of the noise: the same games once with Gaussian noise, as above, and once
# with uniform noise from $[-1,1]$. The criterion is the Wasserstein distance between 4000 samples and the data (lesson
# 9; on a line it is the area between the two distribution functions). Two populations that share their seeds are
# compared pair by pair: if the noise made no difference, each pair's difference could as well have had the other sign.
# `paired_difference` returns all shifts that such a test does not reject. We give them as shares of the way: of the
# distance before any training.

# %%
uniform = train(
    replace(game, noise="uniform"), real_distribution, samples=4000
)
distances = {
    "Gaussian": distance(history),
    "uniform": distance(uniform),
}

# %%
found = metrics.paired_difference(
    distances["uniform"], distances["Gaussian"]
)
way = distance(history, 0).mean()  # before any training
claim(
    "notation-pz-uniform",
    "W1 with uniform minus Gaussian noise over the way: 95% interval of the mean",
    [found.low / way, found.high / way],
    above=-0.2,
    below=0.2,
    digits=1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: the value V over the iterations, median and range of sixteen games: it starts near -1.3, rises to about -0.9 within thirty iterations while the discriminator has the upper hand, and falls back to just above the dashed line at -2 log 2, where it stays. Right: the Wasserstein distance of the sixteen games with Gaussian and with uniform noise, two strips of dots, all below 0.4, most below 0.2."}, "figure": {"name": "fig-first-population", "caption": "All sixteen games. Left: the value of the game (median and range); dashed, the −2 log 2 of a discriminator that can only guess. Right: how far the generators are from the data in the end, with either kind of noise."}}
left, right = plots.axes(1, 2, height=2.8, width_ratios=[3, 2])
V_played = -history.losses["critic"].T  # (members, records)
plots.population(left, history.steps, V_played, name="V", colour=plots.REAL)
left.axhline(
    -2 * math.log(2), color=plots.INK, linestyle="--", linewidth=1.2
)
left.set(xlabel="iteration", ylabel="nats")
plots.strips(right, distances)
right.set(ylabel="W1 to the data", ylim=(0, None))
plots.show()

# %% [markdown]
# Two things are worth noticing. Of the noise, sixteen pairs say what they can: whichever kind is better in this game, it
# is not better by a fifth of the way. (That is no proof that the noise does not matter; a smaller difference would
# escape them.) And the value is hardly a measure of progress. It comes back to $-2\log2$ and stays there, in the best
# game and in the worst:

# %%
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
# Why not let the discriminator come close to its best before each step of the generator? Algorithm 1 leaves $k$ open.
# More steps cost more time, and the discriminator might memorise its samples; those are the reasons usually given.
# There is a third. In the plane, the data are now eight narrow Gaussians on a ring, and the generator goes down
# $-\log D$ instead of $\log(1-D)$, which is what everybody uses in practice (lesson 5 says why). Nothing changes but
# $k$.
#
# How well is a game doing? A mode counts as *covered* when 1% of the samples are nearest to it and some come within
# three of its standard deviations. The *quality* is the share of all samples that lie so near to a mode. And a
# yardstick needs a control, something whose length we know: beside the games we measure fresh data, and a Gaussian
# cloud as wide as the ring that has learnt nothing at all.

# %%
members = 16
few, many = (
    train_toy_gan("non-saturating", k, members=members) for k in (1, 5)
)  # a thousand iterations each

# %%
source, truth = random_source(9), ring()
cloud = 1.4 * torch.randn(4, 2500, 2, dtype=torch.float64, generator=source)
fresh = truth.sample((4, 2500), generator=source)
measured = {
    name: metrics.mode_coverage(samples.double(), truth)
    for name, samples in {
        "k = 1": few.samples[-1],
        "k = 5": many.samples[-1],
        "cloud": cloud,
        "data": fresh,
    }.items()
}
for name, found in measured.items():
    modes, quality = found.covered.median(), found.high_quality_fraction
    print(f"{name}: {modes:.0f} modes, quality {quality.median():.1f}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with the samples of a typical game over the real ring of eight small clusters. With k = 1 the generated samples are a broad cloud over the whole ring, all eight clusters and the space between them. With k = 5 all generated samples sit on a single cluster."}, "figure": {"name": "fig-ring", "caption": "The same networks on the same data after a thousand iterations: typical games with one and with five discriminator steps per iteration."}}
left, right = plots.axes(1, 2, height=3.2)
for ax, name, games in ((left, "k = 1", few), (right, "k = 5", many)):
    modes = measured[name].covered
    typical = modes.argsort()[members // 2]
    samples = games.samples[-1][typical, :1000]
    covered = f"{name}: {int(modes[typical])} of 8 modes"
    plots.clouds(ax, fresh[0, :1000], samples, limit=2.7, title=covered)
plots.legend_below(left, columns=2)
plots.show()

# %% [markdown]
# With five steps the generator has thrown itself on a single mode, and does that one well. With one step it reaches all
# eight, and does none of them well. Has it *found* them? So has the cloud that has learnt nothing: a number of modes
# says little without the quality beside it. (Lesson 6 says what else to look at.)

# %%
control = measured["cloud"]
claim(
    "modes-need-quality",
    "a cloud that has learnt nothing: all eight modes, and this quality",
    [control.covered.min() / 8, control.high_quality_fraction.max()],
    equals=[1, 0.07],
    atol=0.02,
)

# %% [markdown]
# Is the collapse with $k=5$ an accident of sixteen games? The following was recorded, with 32 games for each $k$, by
# another run of the same code (`python -m gantut.lessons critic-steps`). Games with the same seed are compared, $k=5$
# with $k=1$, in modes and in quality; the intervals are for both comparisons together.

# %%
steps_record = recorded("critic-steps")
games = {row["n_critic"]: row for row in steps_record.result["games"]}
differences = {
    name: metrics.paired_difference(
        games[5][name], games[1][name], comparisons=2
    )
    for name in ("modes", "quality")
}
for name, found in differences.items():
    print(f"{name}, k = 5 minus k = 1: {found.low:.1f} to {found.high:.1f}")

# %%
live = metrics.paired_difference(
    measured["k = 5"].covered, measured["k = 1"].covered
)
claim(
    "k-steps-role",
    "modes at k = 5 minus at k = 1, upper ends of intervals: recorded, played here",
    [differences["modes"].high, live.high],
    below=-2,
    digits=1,
)
claim(
    "k-steps-quality",
    "quality at k = 5 minus at k = 1, lower end of the interval, recorded",
    differences["quality"].low,
    above=0.4,
    digits=1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels over k = 1, 2, 5, 10, each with 32 dots a column and the median with its interval. Modes covered: mostly 8 at k = 1, between 2 and 8 at k = 2, mostly 1 at k = 5 and 10. Quality: about 0.16 at k = 1, between 0.2 and 0.9 at k = 2, nearly 1 at k = 5 and 10. Accuracy of the discriminator: from about 0.82 at k = 1 to 0.94 at k = 10. Norm of the generator's gradient: about 1 at k = 1, about 6 at k = 2, then falling to about 2 at k = 10."}, "figure": {"name": "fig-critic-steps", "caption": "Thirty-two games for each number k of discriminator steps per iteration: modes covered, share of samples near a mode, how well the discriminator tells real from generated, and the norm of the generator's gradient."}}
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

# %% [markdown]
# With more steps the discriminator tells more samples apart, and the generator has lost seven modes of eight. But which
# is the cause? A collapsed generator is *easily* told apart: if it copies one mode of eight perfectly, whoever calls
# this mode generated and all others real is wrong about one real sample in eight and right about everything else. That
# makes $\frac{15}{16}$, and no discriminator can do better.

# %%
claim(
    "collapse-accuracy",
    "median accuracy of the discriminators at k = 10; the best against one mode",
    torch.tensor(games[10]["accuracy"]).median(),
    equals=15 / 16,
    atol=0.01,
)

# %% [markdown]
# So the accuracy alone does not say that more steps make a better discriminator. What is going on? The theory of
# lesson 3 assumes the *best* discriminator, and more steps should be closer to it. The way out of this puzzle leads
# through lessons 4 (the players circle), 5 (what gradient a good discriminator leaves the generator) and 6 (what
# collapse is and how to measure it). For the time being: **a GAN that works depends on settings that the theory does
# not mention**, and statements about GANs need populations.
#
# :::{admonition} Try it
# :class: tip
# Replace `"non-saturating"` with `"minimax"` in the cell that plays the games. Does the game of the theory collapse in
# the same way?
# :::
#
# You can also play one game at a time, before your eyes: two networks with two layers of 32 units each, trained on this
# page. Start it; then give the critic five steps per iteration, and go through a few seeds. Does every game lose a part
# of the ring? When you have seen enough of rings, draw your own data.

# %%
live_gan()

# %% [markdown]
# ## Real images
#
# The same code, with 1797 handwritten digits {cite}`alpaydin1998` of $8\times8$ pixels instead of a distribution. Four
# games. The generator takes 16 noise numbers and ends with $\tanh$, since grey values run from $-1$ (paper) to 1 (ink).

# %%
images = torch.cat(digits(*range(10))) * 2 - 1  # (1797, 64)
on_digits = Config(
    objective="non-saturating",
    members=4,
    steps=at_scale(fast=2000, full=50_000),
    batch_size=64,
    latent_dim=16,
    generator=Architecture(hidden=(128, 128), output="tanh"),
    critic=Architecture(hidden=(128, 128), activation="leaky-relu"),
    optimizer=Optimizer("adam", lr=1e-3, betas=(0.0, 0.999)),
)
artists = train(on_digits, images)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Five rows of twelve small grey images: real handwritten digits, and below them the samples of four generators. Most of the generated images are readable digits of several classes; some are smudged or between two digits."}, "figure": {"name": "fig-first-digits", "caption": "Real digits, and the first twelve samples of each of the four generators: none chosen, none left out."}}
rows = {"real": images[::150]} | {
    f"generator {i + 1}": artists.samples[-1][i, :12] for i in range(4)
}
plots.image_rows({name: (row + 1) / 2 for name, row in rows.items()})
plots.show()

# %% [markdown]
# Not bad for four small networks that have never seen a digit. Are all ten there? A classifier, trained on the real
# ones in a second, sorts 512 samples of each generator; the exponential of the entropy of the classes says how many it
# makes, effectively. All ten equally often give 10. But a classifier sorts everything, scribbles too, and it cannot say
# "none of these". So beside it we ask for the *precision*: the share of samples as near to some real digit as that one
# is to its third neighbour among the real ones. The control is a picture of which every pixel is drawn from that pixel
# of the real digits, each for itself.

# %%
classifier = metrics.digit_classifier()
source = random_source(12)
shown, kept = images[::2], images[1::2]  # kept: to compare with
choice = torch.randint(len(shown), (512, 64), generator=source)
salad = shown.gather(0, choice)  # every pixel from another digit
others = shown[torch.randperm(len(shown), generator=source)[:512]]
drawn = dict(zip("1234", artists.samples[-1], strict=True))
effective, precision = {}, {}
for name, x in (drawn | {"salad": salad, "real": others}).items():
    labels = classifier.labels((x + 1) / 2)
    effective[name] = float(metrics.effective_classes(labels))
    precision[name] = float(metrics.precision_recall(x, kept).precision)
print(
    f"pixel salad: {effective['salad']:.0f} digits, precision {precision['salad']:.1f}"
)
print(
    f"real digits: {effective['real']:.0f} digits, precision {precision['real']:.1f}"
)

# %%
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
    2 * math.log(2) - artists.losses["critic"][-20:].mean(0),
    above=0.02,
)

# %% [markdown]
# And the discriminators? Their value stays above the $-2\log2$ of pure guessing: they can still tell something apart.
# Whether *we* could, and how to measure it, is the subject of lesson 6.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-samples-drawn
# A game runs for 1000 iterations with $k=5$ and batches of $m=64$. How many real samples does Algorithm 1 draw?
# :::
#
# :::{hint}
# :class: dropdown
# Go through {prf:ref}`alg-gan` line by line. Which of its two steps draws $x$'s, and which only $z$'s? How often does
# each happen in one iteration?
# :::

# %%
answer = ...
check("samples-drawn", answer)

# %% [markdown]
# :::{solution} ex-samples-drawn
# :class: dropdown
# Only the discriminator's steps draw real samples: 1000 iterations of 5 batches of 64.
#
# ```python
# answer = 1000 * 5 * 64
# ```
# :::
#
# :::{exercise}
# :label: ex-inverse-transform
# A distribution on $[0,1]$ has the density $2x$. Write a function that turns a uniform number `u` (a tensor without
# dimensions) into a draw from it.
# :::
#
# :::{hint}
# :class: dropdown
# {prf:ref}`thm-inverse-transform` needs the distribution function, and you have the density: how does one get from the
# one to the other? Then go across and down, as in {numref}`fig-inverse-transform`.
# :::

# %%
answer = ...
check("inverse-transform", answer)

# %% [markdown]
# :::{solution} ex-inverse-transform
# :class: dropdown
# $F(x)=x^2$, so $F^{-1}(u)=\sqrt u$. (Since $1-U$ is as uniform as $U$, $\sqrt{1-u}$ is right, too.)
#
# ```python
# def answer(u):
#     return u.sqrt()
# ```
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
# $V$ is the sum of two means, the script prints one mean over both halves. Compare the two for a batch with $m=1$. And
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
# :::{exercise}
# :label: ex-slope-in-the-logit
# The generator's step goes through the logit $a$ of a generated sample. What is the derivative of $\log(1-D)$ with
# respect to $a$? Write it with the symbol `a` of sympy. What becomes of it when the discriminator is certain that the
# sample is generated, $a\to-\infty$?
# :::
#
# :::{hint}
# :class: dropdown
# Write $\log(1-D)$ in terms of $a$ before you differentiate; {eq}`eq-logits` has it, with the other sign. To check
# yourself: does $1-D$ grow or shrink when the logit grows?
# :::

# %%
from sympy import Symbol

a = Symbol("a", real=True)
answer = ...
check("slope-in-the-logit", answer)

# %% [markdown]
# :::{solution} ex-slope-in-the-logit
# :class: dropdown
# $\log(1-D)=-\log(1+e^a)$, whose derivative is $-\frac{e^a}{1+e^a}=-\sigma(a)$. It vanishes for $a\to-\infty$: where
# the generator is worst, it learns least. Lesson 5 begins there.
#
# ```python
# from sympy import Symbol, exp
#
# a = Symbol("a", real=True)
# answer = -1 / (1 + exp(-a))
# ```
# :::
#
# :::{exercise}
# :label: ex-value-from-logits
# Write the function of two tensors of logits, those of real and those of generated samples, that returns $V$ and stays
# finite for logits of $\pm200$ in single precision.
# :::
#
# :::{hint}
# :class: dropdown
# Put the two halves of {eq}`eq-logits` into {eq}`eq-game-value`, and $D$ is gone. What you need then is a function of
# `torch.nn.functional` that computes $\log(1+e^a)$ and does not overflow.
# :::

# %%
answer = ...
check("value-from-logits", answer)

# %% [markdown]
# :::{solution} ex-value-from-logits
# :class: dropdown
# Equation {eq}`eq-logits`, with a function that computes $\log(1+e^a)$ without overflow.
#
# ```python
# from torch.nn.functional import softplus
#
#
# def answer(real, fake):
#     return -softplus(-real).mean() - softplus(fake).mean()
# ```
# :::
#
# ## What to remember
#
# - A generator turns noise into samples; an average over its distribution is an average over the noise.
# - The discriminator is a classifier of real against generated, and $-V$ is its cross-entropy. It wants $V$ large, the
#   generator wants it small.
# - The generator never sees a real sample. All that it learns comes through the discriminator.
# - Algorithm 1 takes $k$ steps up for $D$ and one down for $G$. More is not simply better: on the ring, the
#   same networks are a cloud over all modes with $k=1$ and fall onto one with $k=5$.
# - A yardstick needs a control: a cloud that has learnt nothing covers all eight modes.
# - Claims about training are claims about a population: test them on one.
#
# **Sources.** The game and its algorithm are from {cite}`goodfellow2014`; the presentation follows {cite}`weng2019` and
# {cite}`xu2020`, from whom we take the inverse transform as a way into the subject. What had to be corrected is listed
# under {doc}`errata`.
