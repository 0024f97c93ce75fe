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
# # 3 · The optimal discriminator
#
# Two players meet in a GAN. The generator makes samples; the discriminator is shown real and generated ones, and says
# for each how likely it is to be real. This lesson stops the generator for a while and asks: **what is the best that
# the discriminator can do, and what does its best value say about the generator?** The answer is the most quoted result
# of the field {cite}`goodfellow2014`: the best discriminator measures a Jensen–Shannon divergence.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what the optimal discriminator is and why; what its value means, and why it is never below
# $-2\log2$; in which sense the generator's problem is convex, and in which it is not; and what a discriminator that was
# trained on real images has learnt.
#
# **You need** {doc}`lesson 1 <01_divergences>`: KL, JS and Gibbs' inequality.
#
# **It takes** about 85 minutes to read with the exercises, and about half a minute to run on a laptop.
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
from functools import partial

import sympy
import torch
from torch.nn.functional import one_hot, softplus

from gantut import plots
from gantut.checks import claim
from gantut.data import digits, gaussian, gaussian_mixture
from gantut.device import at_scale, choose_device, random_source
from gantut.divergences import (
    js_between,
    js_divergence,
    kl_divergence,
    optimal_discriminator,
    value_function,
)
from gantut.lessons import check, show_table
from gantut.lessons.optimal_discriminator.plots import plot_reliability
from gantut.networks import MLP

# %% [markdown]
# ## The value of a discriminator
#
# Write $p_r$ for the distribution of the real samples and $p_g$ for that of the generator's. A discriminator is a
# function $D$ from samples to $[0,1]$. How well it does is the **value** of the game,
#
# $$
# V(D,G)=\mathbb E_{x\sim p_r}\big[\log D(x)\big]+\mathbb E_{x\sim p_g}\big[\log\big(1-D(x)\big)\big],
# $$ (eq-value)
#
# which is zero for a discriminator that is certain and always right, and negative otherwise. It is punished most for
# being certain and wrong. The discriminator wants $V$ large, the generator wants it small. Here the generator stands
# still. How large can $V$ become?
#
# With densities, {eq}`eq-value` is one integral:
#
# $$
# V(D,G)=\int\Big(p_r(x)\log D(x)+p_g(x)\log\big(1-D(x)\big)\Big)\,dx .
# $$ (eq-value-integral)
#
# Now comes the one idea of the proof. $D$ may be *any* function, so its value at one point puts no constraint on its
# value at another. Therefore the integral is largest when the integrand is largest **at every point separately**. (For
# a network, whose values at different points are tied together, this is only approximately true.)

# %% [markdown]
# ## One point at a time
#
# Fix $x$, and write $A=p_r(x)$, $B=p_g(x)$, and $t=D(x)$ for the number to be chosen. The integrand is
#
# $$ f(t)=A\log t+B\log(1-t),\qquad 0<t<1 . $$ (eq-pointwise)
#
# We let sympy do the calculus.

# %%
A, B, t, base = sympy.symbols("A B t b", positive=True)
f = A * sympy.log(t) + B * sympy.log(1 - t)
(t_star,) = sympy.solve(sympy.diff(f, t), t)
claim(
    "dstar", "f'(t) = 0 only at t = A / (A + B)", t_star, equals=A / (A + B)
)

curvature = sympy.diff(f, t, 2).subs(t, t_star)
claim(
    "dstar-second-order",
    "f'' there is -(A + B)³ / (A B) < 0: a maximum",
    curvature,
    equals=-((A + B) ** 3) / (A * B),
)

# %% [markdown]
# The second line matters: a vanishing derivative alone could be a minimum. Here $f''(t)=-A/t^2-B/(1-t)^2$ is negative
# everywhere, so $f$ is concave and the stationary point is *the* maximum. At the edges we look directly: if $A>0=B$,
# then $f=A\log t$ is largest at $t=1$, and if $A=0<B$, at $t=0$, as the formula says. Where both vanish, nothing is
# ever drawn, and any $t$ will do; this book takes $\frac12$.
#
# :::{prf:theorem} The optimal discriminator
# :label: thm-dstar
# For a fixed generator, $V(D,G)$ is largest for
#
# $$ D^*(x)=\frac{p_r(x)}{p_r(x)+p_g(x)} , $$ (eq-dstar)
#
# and any $D$ that does as well equals $D^*$ almost everywhere where $p_r+p_g>0$.
# :::
#
# :::{admonition} Further: does the base of the logarithm matter?
# :class: dropdown
# In a widely read derivation the derivative carries a factor $\frac1{\ln10}$, which means that its $\log$ is to base
# 10; elsewhere in the same text it is to base 2, and elsewhere natural. In base $b$ the whole of $f$ is divided by
# $\ln b$. That changes the value, but not where the maximum lies.
# :::

# %% tags=["hide-input"]
f_in_base = f / sympy.log(base)
claim(
    "dstar-log-base",
    "in base b the derivative is (A - (A+B) t) / (t (1-t) ln b)",
    sympy.diff(f_in_base, t),
    equals=(A - (A + B) * t) / (t * (1 - t) * sympy.log(base)),
)

# %% [markdown]
# ### Almost everywhere, and without densities
#
# What does "almost everywhere" mean here? Call a set of samples *negligible* if both distributions give it the
# probability 0. What $D$ says on a negligible set enters neither average in {eq}`eq-value`, so it cannot matter.
# "Almost everywhere" means outside a negligible set. If both distributions have densities, each single point is
# negligible. If half of the generator's samples are exactly 0, the point 0 is not.
#
# That suggests measuring everything by the sum $\mu=p_r+p_g$ of the two distributions. A set is negligible exactly when
# $\mu$ gives it 0. And since $p_r$ has no mass where $\mu$ has none, $p_r$ has a density *with respect to* $\mu$ (this
# is the Radon–Nikodym theorem, and it needs no lengths or volumes): a function $D^*$ with values between 0 and 1 such
# that $p_r(S)=\int_SD^*\,d\mu$ for every set $S$, and then $p_g(S)=\int_S(1-D^*)\,d\mu$. If there are ordinary densities,
# it is {eq}`eq-dstar`. So **$D^*$ is itself a density, that of $p_r$ with respect to $p_r+p_g$**, and it always exists.
# Put this into {eq}`eq-value`, and write $\operatorname{kl}(s,t)=s\log\frac st+(1-s)\log\frac{1-s}{1-t}$ for the KL of
# two coins:
#
# $$
# V(D,G)=\int\big(D^*\log D+(1-D^*)\log(1-D)\big)\,d\mu,\qquad
# V(D^*,G)-V(D,G)=\int\operatorname{kl}(D^*,D)\,d\mu .
# $$ (eq-value-gap)
#
# By Gibbs' inequality the last integrand is never negative, and zero only where $D=D^*$. This proves the theorem again,
# for *any* two distributions: $D^*$ is optimal, and another $D$ is as good only if it equals $D^*$ almost everywhere.
# On a finite set all this is a sum. We take a thousand pairs on twelve points, of which the last two are negligible,
# and a random $D$ for each:

# %%
source = random_source(8)
weights = torch.rand(2, 1000, 12, dtype=torch.float64, generator=source)
weights[..., 10:] = 0  # the negligible points
p_r, p_g = weights / weights.sum(-1, keepdim=True)  # (1000, 12) each
best = optimal_discriminator(p_r, p_g)
other = torch.rand(1000, 12, dtype=torch.float64, generator=source)


def coins(s, t):
    """The KL of a coin with probability s from one with t."""
    return torch.xlogy(s, s / t) + torch.xlogy(1 - s, (1 - s) / (1 - t))


# %%
gap = value_function(best, p_r, p_g) - value_function(other, p_r, p_g)
claim(
    "value-gap",
    "V(D*) - V(D) less the integral of kl(D*, D): largest difference",
    (gap - ((p_r + p_g) * coins(best, other)).sum(-1)).abs().max(),
    below=1e-13,
)

# %%
elsewhere = other.clone()
elsewhere[:, 10:] = 0.999  # says something else where nothing is drawn
claim(
    "almost-everywhere",
    "what V gains if D changes on negligible points",
    value_function(elsewhere, p_r, p_g) - value_function(other, p_r, p_g),
    equals=0,
)

# %% [markdown]
# And the generator half of whose samples are exactly 0? Let its other samples come from $N(0,1)$, as the data do. Then
# $D^*(0)=0$, since only generated samples lie exactly there, and everywhere else $D^*=\frac1{1+1/2}$. The folded cell
# draws a hundred thousand samples of each, and finds the value that {prf:ref}`thm-value` below promises.

# %% tags=["hide-input"]
source = random_source(7)
real_draws, made_draws = torch.randn(
    2, 100_000, dtype=torch.float64, generator=source
)
made_draws[torch.rand(100_000, generator=source) < 0.5] = 0.0  # the lump


def judge_lump(x):
    """D* for this pair: 0 on the lump, 2/3 elsewhere."""
    return torch.where(x == 0, 0.0, 2 / 3)


on_real, on_made = judge_lump(real_draws), judge_lump(made_draws)
masses = torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
claim(
    "dstar-any-distributions",
    "V by draws of a D* without densities: 2 JS - 2 log 2",
    on_real.log().mean() + (1 - on_made).log().mean(),
    equals=2 * js_divergence(*masses) - 2 * math.log(2),
    atol=0.01,
)

# %% [markdown]
# Now for a picture. The data have two modes, the generator a single broad one. `optimal_discriminator`
# takes the two distributions and returns the function {eq}`eq-dstar`, computed from log densities, so that it is right
# in the far tails, too.

# %%
real, made = gaussian_mixture([-1.5, 1.5], 0.6), gaussian(0, 1.5)
d_star = optimal_discriminator(real, made)
x = torch.linspace(-6, 6, 1201, dtype=torch.float64)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over x from -6 to 6. Top: the real distribution with two equal peaks at -1.5 and 1.5, and the generated distribution, one broad bell at 0. Bottom: the optimal discriminator, about 0.69 at the two real peaks, 0.1 in the gap between them, and falling to 0 in both tails; it crosses one half exactly where the two densities cross."}, "figure": {"name": "fig-dstar", "caption": "Two distributions, and the optimal discriminator between them. It is one half exactly where the densities cross."}}
top, bottom = plots.axes(2, 1, height=2.2, sharex=True)
plots.distributions(
    top, x, {"real": real.density(x), "generated": made.density(x)}
).set(xlabel="", ylim=(0, 0.5))
plots.lines(bottom, x, {"D*": d_star(x)}, colours=[plots.INK])
bottom.axhline(0.5, color=plots.FAINT, linestyle="--", linewidth=1.2)
bottom.set(xlabel="x", ylabel="D*(x)", ylim=(0, 1))
plots.show()

# %% [markdown]
# Two remarks will be needed later. In terms of its **logit**, $D^*$ is a log density ratio,
#
# $$ \log\frac{D^*(x)}{1-D^*(x)}=\log p_r(x)-\log p_g(x) , $$ (eq-logit)
#
# so whoever has $D^*$ can compare the two densities without knowing either of them. And if the generator is perfect,
# the ratio is one:

# %%
perfect = optimal_discriminator(real, real)
claim(
    "dstar-half",
    "if p_g = p_r then D* = 1/2 everywhere",
    perfect(x),
    equals=1 / 2,
    atol=1e-15,
)

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# Move the generator: `made = gaussian(2, 0.5)`. Where is $D^*$ close to 1, and does the height of $p_r$ there
# matter?
# :::
#
# ## It is a probability
#
# We said that $D(x)$ is *meant* to be the probability that $x$ is real. For $D^*$ that is true. Toss a fair coin to
# decide between a real and a generated sample; by Bayes' rule, given $x$, the sample is real with probability
# $\frac{\frac12p_r(x)}{\frac12p_r(x)+\frac12p_g(x)}=D^*(x)$. Of all samples to which $D^*$ gives 0.7, seventy percent
# are real. We sort a hundred thousand draws into ten bins by $D^*(x)$, and compare the mean prediction in each bin with
# the share of real samples:


# %% tags=["hide-input"]
def reliability(probability, is_real, bins=10):
    """In bins of equal width: mean prediction, share of real samples, count."""
    index = (probability * bins).long().clamp(max=bins - 1)
    count, predicted, real = (
        torch.bincount(index, weights.double(), minlength=bins)
        for weights in (torch.ones_like(probability), probability, is_real)
    )
    return predicted / count, real / count, count


source = random_source(1)
samples = torch.cat(
    [
        real.sample(50_000, generator=source),
        made.sample(50_000, generator=source),
    ]
)
is_real = torch.arange(100_000) < 50_000
predicted, observed, count = reliability(d_star(samples), is_real)
occupied = count > 0
mean_gap = ((predicted - observed).abs() * count)[
    occupied
].sum() / count.sum()  # expected calibration error
claim(
    "gan-players",
    "predicted and observed shares of real samples differ by",
    mean_gap,
    below=0.01,
)

# %% [markdown]
# The fair coin was needed. If a share $\pi$ of the samples shown is real, another $D$ is optimal (an
# exercise below asks you to derive it). In logits it differs by a constant, $\log\frac{\pi}{1-\pi}$: unbalanced batches
# shift every logit by the same amount.

# %% tags=["hide-input"]
share = sympy.Symbol("pi", positive=True)
weighted = share * A * sympy.log(t) + (1 - share) * B * sympy.log(1 - t)
(t_weighted,) = sympy.solve(sympy.diff(weighted, t), t)
claim(
    "dstar-prior",
    "with a share π of real samples, D* = π A / (π A + (1 - π) B)",
    t_weighted,
    equals=share * A / (share * A + (1 - share) * B),
)

# %% [markdown]
# ## What the best value means
#
# Put $D^*$ into the value. Up to a $\log2$, its logarithms are those in the definition {eq}`eq-js` of JS:
#
# $$
# \log D^*=\log\frac{p_r}{p_r+p_g}=\log\frac{p_r}{(p_r+p_g)/2}-\log2,\qquad
# \log(1-D^*)=\log\frac{p_g}{(p_r+p_g)/2}-\log2 .
# $$ (eq-split)
#
# Take the expectations under $p_r$ and under $p_g$. The first terms become the two KLs to the middle distribution, which
# add up to $2\operatorname{JS}$, and two $\log2$ are left:
#
# :::{prf:theorem} The value at the optimum
# :label: thm-value
#
# $$ \max_D V(D,G)=V(D^*,G)=2\operatorname{JS}(p_r\,\|\,p_g)-2\log2 . $$ (eq-value-at-dstar)
# :::
#
# For distributions on a finite set there is nothing to approximate; a thousand random pairs agree to the last digits:

# %%
weights = torch.rand(2, 1000, 12, generator=random_source(2)).double() ** 2
p_r, p_g = weights / weights.sum(-1, keepdim=True)  # (1000, 12) each
best = value_function(optimal_discriminator(p_r, p_g), p_r, p_g)  # (1000,)
claim(
    "js-from-dstar",
    "JS = (log 4 + V(D*, G)) / 2",
    js_divergence(p_r, p_g),
    equals=(math.log(4) + best) / 2,
    atol=1e-13,
)

# %% [markdown]
# For densities we compare integrals. `value_function` integrates {eq}`eq-value-integral`, `js_between` integrates
# {eq}`eq-js`; and a third, independent estimate draws two hundred thousand samples and averages.

# %% tags=["hide-input"]
shifts = [0.0, 0.5, 1.0, 2.0, 4.0]
normal = gaussian(0, 1)
pairs = [(normal, gaussian(shift, 1)) for shift in shifts]
values = torch.stack(
    [
        value_function(optimal_discriminator(*pair), *pair).value
        for pair in pairs
    ]
)
two_js = torch.stack([2 * js_between(*pair).value for pair in pairs])
claim(
    "loss-at-dstar-is-2js-minus-2log2",
    "V(D*, G) = 2 JS - 2 log 2, by quadrature",
    values,
    equals=two_js - 2 * math.log(2),
    atol=1e-8,
)

# %% tags=["hide-input"]
source = random_source(3)
sampled = [
    value_function(
        optimal_discriminator(*pair),
        *pair,
        method="monte-carlo",
        generator=source,
    )
    for pair in pairs[1:]  # for the first, every draw gives -2 log 2
]
claim(
    "loss-at-dstar-sampled",
    "the same from draws: standard errors off",
    max(
        abs(estimate.value - value) / estimate.error
        for estimate, value in zip(sampled, values[1:], strict=True)
    ),
    below=4,
)

# %% [markdown]
# No other discriminator does better, which has a useful consequence: **every** discriminator, however badly trained,
# gives a lower bound for JS. We distort $D^*$ at random, a little or a lot, and look at the value:

# %%
source = random_source(4)
logit = optimal_discriminator(*pairs[2]).logit


def distorted(x, height, frequency, phase):
    return logit(x) + height * torch.sin(frequency * x + phase)


lost = []
for wave in torch.randn(40, 3, dtype=torch.float64, generator=source):
    d = partial(distorted, height=wave[0], frequency=wave[1], phase=wave[2])
    lost.append(values[2] - value_function(d, *pairs[2], logits=True).value)
claim(
    "value-below-optimum",
    "forty distorted discriminators reach less than D*: by",
    torch.stack(lost),
    above=0.0,
)

# %% [markdown]
# ### Two conventions for JS
#
# If you read that $V(D^*,G)=\operatorname{JS}{}-2\log2$, *without* the 2 before the JS, nothing is wrong: some
# authors {cite}`xu2020` leave out the two factors $\frac12$ in the definition of JS. Each convention is consistent, but
# mixing them gives errors by a factor of two.
#
# | | this book, Weng | Xu |
# |---|---|---|
# | definition | $\frac12\operatorname{KL}(p\Vert m)+\frac12\operatorname{KL}(q\Vert m)$ | $\operatorname{KL}(p\Vert m)+\operatorname{KL}(q\Vert m)$ |
# | value for disjoint distributions | $\log2$ | $2\log2$ |
# | best value | $2\operatorname{JS}{}-2\log2$ | $\operatorname{JS}{}-2\log2$ |
#
# In `gantut`, `halved=False` selects the second. We compute it from its definition:

# %% tags=["hide-input"]
middle = (p_r + p_g) / 2
js_xu = kl_divergence(p_r, middle) + kl_divergence(p_g, middle)
apart = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
claim(
    "js-two-conventions",
    "Xu's sum less 2 JS, less halved=False; less 2 log 2 for disjoint distributions",
    [
        (js_xu - 2 * js_divergence(p_r, p_g)).abs().max(),
        (js_xu - js_divergence(p_r, p_g, halved=False)).abs().max(),
        js_divergence(*apart, halved=False) - 2 * math.log(2),
    ],
    equals=0,
    atol=1e-13,
)

# %%
claim(
    "xu-loss-js-minus-2ln2",
    "V(D*, G) = JS (Xu's) - 2 log 2",
    best,
    equals=js_xu - 2 * math.log(2),
    atol=1e-13,
)

# %% [markdown]
# ## The generator's turn
#
# Suppose that the discriminator is always optimal. What, then, is the best generator? By {eq}`eq-value-at-dstar` the
# generator minimises $2\operatorname{JS}{}-2\log2$, and JS is never negative and zero only for equal distributions. So
#
# $$ \min_G\max_D V(D,G)=-2\log2\approx-1.386,\qquad\text{reached if and only if } p_g=p_r . $$ (eq-optimum)
#
# (Provided that the generator *can* make $p_g=p_r$.) Then $D^*=\frac12$ everywhere, and the value is that of pure
# guessing:

# %%
guessing = value_function(perfect, real, real).value
claim(
    "loss-at-global-optimum",
    "at p_g = p_r the value is -2 log 2",
    guessing,
    equals=-2 * math.log(2),
    atol=1e-9,
)

# %% [markdown]
# Let the generator have a single parameter: it shifts a standard Gaussian by $\theta$, and the data are $N(0,1)$. The
# figure shows its loss $V(D^*_\theta,\theta)$. Near the optimum JS is quadratic,
# $2\operatorname{JS}\approx\theta^2/4$, and far away it is level: the saturation of lesson 1 is now the generator's
# problem.

# %% tags=["hide-input"]
theta = torch.linspace(-8, 8, 161, dtype=torch.float64)
loss = torch.stack(
    [2 * js_between(normal, gaussian(shift)).value for shift in theta]
) - 2 * math.log(2)
centre, step = loss.argmin(), theta[1] - theta[0]
curvature = (
    loss[centre - 1] + loss[centre + 1] - 2 * loss[centre]
) / step**2
as_low = (loss <= loss[centre]).sum()  # θ that reach the lowest value
claim(
    "global-minimum-unique",
    "where the minimum is, how many θ reach it, and its curvature",
    [theta[centre], as_low, curvature],
    equals=[0, 1, 1 / 2],
    atol=2e-3,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "The generator's loss over its shift theta from -8 to 8: a valley with its lowest point, minus 2 log 2 or about -1.386, at theta = 0, and two plateaus at height 0 on both sides from about 6 on, where the loss hardly changes any more."}, "figure": {"name": "fig-generator-loss", "caption": "The loss of a generator that shifts a Gaussian by θ, against an optimal discriminator. The minimum is where it should be; the plateaus are where the trouble is."}}
ax = plots.axes(height=2.7)
plots.lines(
    ax,
    theta,
    {"V(D*, θ) = 2 JS − 2 log 2": loss},
    colours=[plots.GENERATED],
)
ax.axhline(
    -2 * math.log(2), color=plots.FAINT, linestyle="--", linewidth=1.2
)
ax.set(xlabel="shift θ of the generator", ylabel="nats", ylim=(-1.6, 0.7))
ax.legend(loc="upper center")
plots.show()

# %% [markdown]
# ### Does a step of the generator descend JS?
#
# In practice the generator does not differentiate $\max_DV$. It takes the discriminator as it is, *frozen*, and
# differentiates $V(D,\theta)$ with respect to $\theta$ alone. At $D=D^*_\theta$ that gives the same gradient. The
# reason is that $D^*_\theta$ maximises $V$: when $\theta$ moves, the best discriminator moves too, but at a maximum a
# small move of $D$ changes $V$ only to second order. (This is the envelope theorem.)
#
# $$ \frac{d}{d\theta}\max_DV(D,\theta)=\frac{\partial}{\partial\theta}V(D,\theta)\Big|_{D=D^*_\theta\text{ frozen}} . $$ (eq-envelope)


# %%
def frozen_gradient(shift):
    """The derivative of V(D, θ) in θ with D optimal at this θ, then frozen."""
    frozen = optimal_discriminator(normal, gaussian(shift))  # no gradient
    theta = torch.tensor(shift, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(
        value_function(frozen, normal, gaussian(theta)).value, theta
    )[0]


def slope_of_two_js(shift, h=1e-4):
    """The derivative of 2 JS by central differences."""
    return (
        js_between(normal, gaussian(shift + h)).value
        - js_between(normal, gaussian(shift - h)).value
    ) / h


# %%
shifts = [0.5, 1.0, 2.0]
claim(
    "generator-step-minimises-js",
    "the gradient against a frozen D* is the gradient of 2 JS",
    [frozen_gradient(shift) for shift in shifts],
    equals=[slope_of_two_js(shift) for shift in shifts],
    atol=1e-7,
)

# %% [markdown]
# Note the condition: $D$ must be optimal *at this* $\theta$. Against a half-trained discriminator the step descends
# something else, and with the usual loss of the generator, $-\log D$, it descends another quantity altogether. Lesson 5
# is about both.
#
# ### Is it a convex problem?
#
# Goodfellow et al. claim more. If $D$ is optimal at every step, and $p_g$ is updated a little so as to improve its
# loss, then $p_g$ converges to $p_r$; this is their Proposition 2. The argument is convexity. Write
# $C(p_g)=\max_DV(D,p_g)$ for the loss of the generator as a function of its *distribution*.
#
# :::{prf:theorem} The loss is convex in the distribution
# :label: thm-convex
# $C$ is a convex function of $p_g$, and $\log(1-D^*)$, whose mean the generator descends in {prf:ref}`alg-gan` of
# lesson 2, is a subgradient: with $D^*$ optimal for $p_g$, every other distribution $p$ satisfies
#
# $$ C(p)\;\ge\;C(p_g)+\int\big(p-p_g\big)\log(1-D^*)\,dx . $$ (eq-subgradient)
# :::
#
# :::{prf:proof}
# *One plane for each $D$.* For a fixed $D$, $V(D,p_g)=\int p_r\log D+\int p_g\log(1-D)$ is a constant plus a linear
# function of $p_g$. Its graph is a plane, and at each $p_g$ the value of $C$ is the height of the highest of these
# planes.
#
# *Convex.* Let $p=\lambda p_1+(1-\lambda)p_2$ with $0\le\lambda\le1$. For every $D$,
#
# $$ V(D,p)=\lambda V(D,p_1)+(1-\lambda)V(D,p_2)\le\lambda C(p_1)+(1-\lambda)C(p_2) . $$
#
# The right side does not depend on $D$, so the maximum over $D$ on the left, $C(p)$, is no larger.
#
# *Subgradient.* $C(p)\ge V(D^*,p)$, since $C$ is the maximum. As $V(D^*,\cdot)$ is linear up to a constant,
# $V(D^*,p)=V(D^*,p_g)+\int(p-p_g)\log(1-D^*)$, and $V(D^*,p_g)=C(p_g)$.
# :::


# %%
def C(p):
    return value_function(optimal_discriminator(p_r, p), p_r, p)


# %%
source = random_source(10)
weights = torch.rand(3, 1000, 12, generator=source).double() ** 2
p_r, p_g, p = weights / weights.sum(-1, keepdim=True)  # (1000, 12) each
share = torch.rand(1000, 1, dtype=torch.float64, generator=source)
chord = share.squeeze(-1) * C(p_g) + (1 - share.squeeze(-1)) * C(p)
slope = torch.log(1 - optimal_discriminator(p_r, p_g))
claim(
    "proposition-2-convex",
    "the chord less C on it; C less its tangent plane: smallest of a thousand",
    [
        (chord - C(share * p_g + (1 - share) * p)).min(),
        (C(p) - C(p_g) - ((p - p_g) * slope).sum(-1)).min(),
    ],
    above=0.0,
)

# %% [markdown]
# A convex function has no local minimum but the global one, and we know that one: $p_g=p_r$. So from everywhere else
# there is a way down. For one kind of step we can even say how fast it leads to the minimum. To keep all probabilities
# positive, multiply instead of adding: take $p_g\,e^{-\eta\log(1-D^*)}$, with a learning rate $\eta$, and normalise (an
# *exponentiated gradient* step). Since $1-D^*=\frac{p_g}{p_r+p_g}$, the step with $\eta=1$ multiplies $p_g$ by
# $\frac{p_r+p_g}{p_g}$, so the new generator is $\frac12(p_r+p_g)$. Its distance from $p_r$ is half of what it was, and
# after $t$ steps $2^{-t}$ of it. With smaller steps it takes longer:


# %%
def descend(p, rate, steps):
    """Exponentiated gradient steps down C, with D optimal at each."""
    for _ in range(steps):
        slope = torch.log(1 - optimal_discriminator(p_r, p))
        p = p * torch.exp(-rate * slope)
        p = p / p.sum(-1, keepdim=True)
    return p


# %%
first = (p_g - p_r).abs().sum(-1)  # (1000,), twice the total variation
left = [
    (descend(p_g, rate, steps) - p_r).abs().sum(-1) / first
    for rate, steps in ((1.0, 10), (0.1, 400))
]
claim(
    "proposition-2-descent",
    "share of TV left after ten steps of 1, and the largest after 400 of 0.1",
    [left[0].min(), left[0].max(), left[1].max()],
    equals=[2**-10, 2**-10, 0],
    atol=1e-6,
)

# %% [markdown]
# **What this does not say.** In these steps each probability was moved by itself. A real generator moves
# its parameters $\theta$, and $p_\theta$ does not depend on them linearly, so $C(p_\theta)$ need not be convex in
# $\theta$. Take the shifted Gaussian of {numref}`fig-generator-loss`, at $\theta=0$ and $\theta=8$. Halfway between the
# two *distributions*, at their equal mixture, the loss is below the average of both, as the theorem says. Halfway
# between the two *parameters*, at $\theta=4$, it is far above:

# %%
halfway = gaussian_mixture([0.0, 8.0], 1.0)
loss_at = {
    name: 2 * float(js_between(normal, q).value) - 2 * math.log(2)
    for name, q in (
        ("0", normal), ("8", gaussian(8)), ("4", gaussian(4)), ("mixture", halfway),
    )
}  # fmt: skip
average = (loss_at["0"] + loss_at["8"]) / 2
claim(
    "proposition-2-not-in-parameters",
    "C at θ = 4 less the average of C at 0 and at 8; that less C at the mixture",
    [loss_at["4"] - average, average - loss_at["mixture"]],
    above=0.2,
)

# %% [markdown]
# There may be plateaus, as here, and local minima: {numref}`fig-fits` of lesson 1 shows two for a
# Gaussian with two parameters. Nor does the theorem speak of discriminators that are not optimal. When $D$ takes only a
# few steps, the two players can circle around the solution forever, even in games that are convex in one player and
# concave in the other; that is the subject of lesson 4. So what is right about Proposition 2 is that the loss, as a
# function of the *distribution*, has no traps. It does not follow that training reaches the minimum.
#
# ## A discriminator that has to be trained
#
# So far $D^*$ came from known densities. A GAN has only samples, and finds $D$ by gradient ascent on {eq}`eq-value`.
# Does that come close?
#
# Below, sixteen networks are trained at once, each from its own random start: their parameters carry a leading
# *members* axis. Each step draws fresh samples and ascends $V$, as in lesson 2.


# %%
def train(network, draw_real, draw_made, steps, rate=1e-2):
    """Ascend V(D, G) in the parameters of D; the generator stands still."""
    optimizer = torch.optim.Adam(
        network.parameters(), lr=rate, betas=(0.9, 0.99)
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        on_real, on_made = network(draw_real()), network(draw_made())
        cost = softplus(-on_real) + softplus(on_made)  # (members, batch, 1)
        optimizer.zero_grad()
        cost.mean((1, 2)).sum().backward()  # members share no parameters
        optimizer.step()
        schedule.step()
    return network


# %%
device, source, members = choose_device(), random_source(5), 16
shape = (members, at_scale(fast=256, full=4096), 1)


def batches(distribution):
    """A function that draws a fresh batch for every member."""
    return lambda: (
        distribution.sample(shape, generator=source).float().to(device)
    )


network = train(
    MLP([1, 32, 32, 1], members=members, activation="silu", device=device),
    batches(real),
    batches(made),
    steps=at_scale(fast=1500, full=10_000),
)

# %% [markdown]
# How far are they from $D^*$? In the tails there are no samples to learn from, so we look at the bulk, where the mean
# density $m=\frac{p_r+p_g}2$ is at least 0.02, which is where 98% of all samples lie.

# %% tags=["hide-input"]
with torch.no_grad():
    trained = network(x.float()[:, None].to(device))  # (members, points, 1)
trained = trained.squeeze(-1).cpu().double()  # logits
middle = (real.density(x) + made.density(x)) / 2
bulk = middle >= 0.02

# %% tags=["hide-input"]
apart = (trained.sigmoid() - d_star(x)).abs()
worst = apart[:, bulk].amax(1)  # (members,): sup error of each
claim(
    "dstar-trained",
    "sup distance from D* over the bulk, sixteen discriminators",
    worst,
    below=0.08,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over x from -6 to 6; the tails, beyond about 3 on both sides, are shaded. First panel: the optimal discriminator as a dashed line, and the median and range of sixteen trained ones, so close that they can hardly be told apart. Second panel: the same curves as logits. In the middle all agree; in the shaded tails the optimal logit bends down like a parabola, while the trained ones go on in straight lines of different slopes and fan out."}, "figure": {"name": "fig-trained", "caption": "Sixteen trained discriminators and the optimal one, as probabilities and as logits. Where there are hardly any samples (shaded) the probabilities look right, but the logits, whose slopes a generator follows, do not."}}
left, right = plots.axes(1, 2, height=3.0)
plots.population(
    left, x, trained.sigmoid(), name="trained", colour=plots.INDIGO
)
plots.lines(left, x, {"D*": d_star(x)}, colours=[plots.INK], dashes=["--"])
plots.population(right, x, trained, name="_trained", colour=plots.INDIGO)
plots.lines(
    right, x, {"_D*": d_star.logit(x)}, colours=[plots.INK], dashes=["--"]
)
for ax in (left, right):
    ax.axvspan(
        -6, x[bulk].min(), color=plots.FAINT, alpha=0.15, linewidth=0
    )
    ax.axvspan(x[bulk].max(), 6, color=plots.FAINT, alpha=0.15, linewidth=0)
    ax.set(xlabel="x", xlim=(-6, 6))
left.set(ylabel="D(x)", ylim=(0, 1.15))
left.legend(loc="upper center", fontsize=9)
right.set(ylabel="logit of D(x)")
plots.show()

# %% [markdown]
# The panel of logits shows what is *not* learnt. Far out, the probabilities are right: everything there is generated,
# and all sixteen say so. But a generator follows the *slope* of the logit, and there the networks go on in straight
# lines, each in its own direction, while the true log ratio bends down. $V$ hardly depends on what $D$ says where
# neither distribution has samples, so nothing corrects it. At $x=\pm5.5$ no network has even half of the slope of
# $D^*$:

# %% tags=["hide-input"]
far_out = torch.tensor([50, 1150])  # x = -5.5 and 5.5
says_real = trained.sigmoid()[:, far_out]
true_logit = d_star.logit(x)
slopes, true_slopes = (
    logit[..., far_out + 1] - logit[..., far_out - 1]
    for logit in (trained, true_logit)
)
claim(
    "dstar-trained-tails",
    "far out: largest D(x), largest share of the true slope, sixteen networks",
    [says_real.max(), (slopes / true_slopes).max()],
    below=0.5,
)

# %% [markdown]
# ## Real data: threes and eights
#
# All of this was about distributions that we wrote down. Handwritten digits {cite}`alpaydin1998` have a distribution
# that nobody knows: we take 183 threes and 174 eights of $8\times8$ pixels. The threes play the real samples, the
# eights the generated ones. There is no formula for $D^*$, but theory still says what a good discriminator's output
# *means*: $D$ is a probability, and its logit a log density ratio. Both can be tested on images that it has not seen.
#
# So few images in 64 dimensions can be told apart perfectly: the best $D$ is 0 or 1 everywhere, and there is nothing to
# compare. So we add Gaussian noise with the standard deviation 0.5 (grey runs from 0 to 1) to every image, fresh each
# time. The noisy threes and the noisy eights have densities, and they overlap.

# %%
threes, eights = digits(3, 8)
noise = 0.5
source = random_source(6)


def noisy(images):
    return images + noise * torch.randn(images.shape, generator=source)


# %% tags=["hide-input"] mystnb={"image": {"alt": "Four rows of ten small grey images: handwritten threes, the same threes under heavy noise, handwritten eights, the same eights under noise. The clean digits are easily told apart; the noisy ones only with effort, and some not at all."}, "figure": {"name": "fig-digits", "caption": "Ten threes and ten eights, clean and as the discriminator sees them."}}
shown = {
    "threes": threes,
    "noisy threes": noisy(threes),
    "eights": eights,
    "noisy eights": noisy(eights),
}
plots.image_rows(
    {name: images[:10].clamp(0, 1) for name, images in shown.items()}
)
plots.show()

# %% [markdown]
# So that every image can be scored by a discriminator that never saw it, we deal the images into ten folds and train
# ten discriminators at once, each on nine folds: another population, this time with different data for each member.

# %% tags=["hide-input"]
folds = 10
fold_of = [
    torch.randperm(len(images), generator=source) % folds
    for images in (threes, eights)
]


def drawer(images, fold, batch=128):
    """Noisy batches for member k from outside fold k: (folds, batch, 64)."""
    training = [(fold != k).nonzero().squeeze(1) for k in range(folds)]

    def draw():
        chosen = [
            index[torch.randint(len(index), (batch,), generator=source)]
            for index in training
        ]
        return (noisy(images[torch.stack(chosen)]) - 0.5).to(device)

    return draw


judges = train(
    MLP([64, 128, 1], members=folds, activation="silu", device=device),
    drawer(threes, fold_of[0]),
    drawer(eights, fold_of[1]),
    steps=800,
    rate=3e-3,
)

# %% [markdown]
# Each image is then shown eight times, with fresh noise, to the one discriminator that was not trained on it.

# %% tags=["hide-input"]
images, fold = torch.cat([threes, eights]), torch.cat(fold_of)
is_three = torch.arange(len(images)) < len(threes)
views = noisy(images.expand(8, -1, -1))  # (views, images, 64)
with torch.no_grad():
    everyone = judges(views.flatten(0, 1).to(device) - 0.5).cpu()
everyone = everyone.reshape(folds, 8, -1)  # (folds, views, images)
logits = everyone[
    fold, :, torch.arange(len(images))
]  # held-out discriminators only
logits = logits.T.double()  # (views, images)
log_loss = torch.where(is_three, softplus(-logits), softplus(logits)).mean()

# %% [markdown]
# **Is it a probability?** We sort the predicted probabilities into five bins and count how many threes there really are
# in each. The eight views of an image are not independent, so all intervals come from resampling whole *images* (a
# bootstrap with a thousand repetitions).

# %% tags=["hide-input"] mystnb={"image": {"alt": "Reliability curve on held-out images: five points, the share of threes against the predicted probability, with 95 percent intervals; all of them lie close to the diagonal."}, "figure": {"name": "fig-reliability", "caption": "On images that it never saw, the trained discriminator's output is what theory says that it is: a probability. The numbers count the predictions in each bin."}}
bins = 5
probability = logits.sigmoid()  # (views, images)
predicted, observed, count = reliability(
    probability.reshape(-1), is_three.repeat(8), bins
)

index = (probability * bins).long().clamp(max=bins - 1)
in_bin = one_hot(index, bins).sum(0).double()  # views (images, bins)
redrawn = torch.randint(len(images), (1000, len(images)), generator=source)
times = one_hot(redrawn, len(images)).sum(1).double()  # (1000, images)
shares = (times @ (in_bin * is_three[:, None])) / (times @ in_bin)
low, high = shares.quantile(torch.tensor([0.025, 0.975]).double(), dim=0)

ax = plots.axes(height=3.4)
plot_reliability(ax, predicted, observed, low, high, counts=count)
ax.set(ylabel="share of threes")
plots.show()

# %% [markdown]
# With so few images the intervals are wide, and bins show little: we would hardly notice if all logits were a third too
# large. A sharper question is by which factor one would have to multiply all logits to make the held-out log loss
# smallest. For a probability it is 1.

# %% tags=["hide-input"]
factors = torch.linspace(0.4, 2.4, 201, dtype=torch.float64)
losses = torch.stack(
    [
        torch.where(is_three, softplus(-a * logits), softplus(a * logits))
        for a in factors
    ]
).mean(1)  # over the views: (factors, images)
best_factors = factors[(losses @ times.T).argmin(0)]  # of each resampling
factor_low, factor_high = best_factors.quantile(
    torch.tensor([0.025, 0.975]).double()
)

spread = (high - low) / 2 / 1.96  # one standard error of each bin
claim(
    "digits-calibrated",
    "predicted minus observed shares of threes, in standard errors",
    (predicted - observed).abs() / spread,
    below=3.0,
)
claim(
    "digits-logit-scale",
    "the factor by which all logits would have to be multiplied: 95% interval",
    [factor_low, factor_high],
    above=0.75,
    below=1.25,
)

# %% [markdown]
# **Is it a log density ratio?** By {eq}`eq-logit` the logit of a good discriminator is $\log p_r-\log p_g$. For an
# independent estimate we model the densities themselves: project the images onto their first fifteen principal
# components, fit one Gaussian to the threes and one to the eights, add the variance of the noise, which we know, and
# take the difference of the log densities. Again each image is scored by what was fitted to the other nine folds.


# %% tags=["hide-input"]
def log_gaussian(points, fitted_to):
    """Log density of a fitted Gaussian under the noise, up to a constant."""
    blur = noise**2 * torch.eye(fitted_to.shape[1], dtype=torch.float64)
    covariance = torch.cov(fitted_to.T) + blur
    away = points - fitted_to.mean(0)
    return (
        -(away @ torch.linalg.inv(covariance) * away).sum(-1) / 2
        - torch.logdet(covariance) / 2
    )


ratio = torch.empty_like(logits)
for k in range(folds):
    others = [
        group[own != k].double()
        for group, own in zip((threes, eights), fold_of, strict=True)
    ]
    centre = torch.cat(others).mean(0)
    axes = torch.linalg.svd(
        torch.cat(others) - centre, full_matrices=False
    )[2][:15].T  # (64, 15) principal components
    projected = (views[:, fold == k].double() - centre) @ axes
    log_threes, log_eights = (
        log_gaussian(projected, (group - centre) @ axes) for group in others
    )
    ratio[:, fold == k] = log_threes - log_eights

# %% [markdown]
# How do we compare the two? Their correlation over all images says little: it is high for anything that tells threes
# from eights. The control shows that: in place of the logit it has 1 for a three and 0 for an eight. So we look within
# the threes and within the eights. And since a correlation does not see the scale, we also compare the spread of the
# two, and their log losses.


# %% tags=["hide-input"]
def correlation(a, b):
    """Over all images and views."""
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]


within = [
    correlation(logits[:, own], ratio[:, own])
    for own in (is_three, ~is_three)
]
control = correlation(is_three.double().expand(8, -1), ratio)
fitted_loss = torch.where(
    is_three, softplus(-ratio), softplus(ratio)
).mean()
show_table(
    ["correlation with the fitted log ratio", "over both classes"],
    [
        ["logits", f"{correlation(logits, ratio):.2f}"],
        ["control: 1 for a three, 0 for an eight", f"{control:.2f}"],
    ],
)

# %% tags=["hide-input"]
claim(
    "digits-log-ratio",
    "correlation of logits and fitted log ratios, within threes, within eights",
    within,
    above=0.85,
)
claim(
    "digits-log-ratio-scale",
    "spread of the logits over that of the ratios",
    logits.std() / ratio.std(),
    equals=1,
    atol=0.15,
)
claim(
    "digits-log-ratio-loss",
    "log loss of the fitted densities less that of the discriminators, in nats",
    (fitted_loss - log_loss).abs(),
    below=0.03,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Scatter plot of the discriminator's logit against the log density ratio fitted on principal components, for noisy held-out images. Threes lie mostly in the upper right, eights in the lower left, in a narrow cloud along the diagonal."}, "figure": {"name": "fig-log-ratio", "caption": "Two estimates of one quantity, made in different ways from the same images: by a discriminator, and by fitted densities."}}
ax = plots.axes(height=3.6)
for name, own, colour, marker in (
    ("threes", is_three, plots.THIRD, "o"),
    ("eights", ~is_three, plots.FOURTH, "^"),
):
    ax.scatter(
        ratio[0, own],
        logits[0, own],
        s=14,
        color=colour,
        marker=marker,
        alpha=0.6,
        label=name,
    )
ax.axline((0, 0), slope=1, color=plots.FAINT, linestyle="--", linewidth=1.2)
ax.set(
    xlabel="log density ratio, fitted on principal components",
    ylabel="logit of the discriminator",
)
ax.legend()
plots.show()

# %% [markdown]
# The two estimates were made in entirely different ways, one by training a classifier and one by fitting
# densities, and they agree: on the order of the images of a class, on the scale to a tenth or so, and on the log loss
# to about a hundredth of a nat. Neither knows the true distributions. But theory turns the measured loss into a
# statement about them. The value of our discriminators is minus the sum of their mean losses on threes and on eights,
# and by {eq}`eq-value-at-dstar` no discriminator reaches more than $2\operatorname{JS}{}-2\log2$. So whatever the
# distributions of noisy threes and noisy eights are, their JS, of at most $\log2\approx0.69$ nats, is at least

# %%
per_image = losses[60]  # the factor 1: the log loss of each image
of_threes, of_eights = (
    (times[:, own] @ per_image[own]) / times[:, own].sum(1)
    for own in (is_three, ~is_three)
)  # (1000,), over resampled images
least_js = math.log(2) - (of_threes + of_eights) / 2
claim(
    "digits-js-bound",
    "JS of noisy threes and noisy eights, in nats, with 97.5% confidence at least",
    least_js.quantile(0.025),
    above=0.35,
)

# %% [markdown]
# The discriminator of a minimax GAN provides such a lower bound all the time, and the bound is only as good as the
# discriminator.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-read-dstar
# At some $x$ an optimal discriminator says $D^*(x)=\frac34$. How many times as large as $p_g(x)$ is $p_r(x)$?
# :::
#
# :::{hint}
# :class: dropdown
# Solve {eq}`eq-dstar` for the ratio, or undo the logarithm in {eq}`eq-logit`. Where $D^*$ is one half the densities are
# equal; on which side of that are we here?
# :::

# %%
answer = ...
check("read-dstar", answer)

# %% [markdown]
# :::{solution} ex-read-dstar
# :class: dropdown
# From {eq}`eq-dstar`, $\frac{p_r}{p_g}=\frac{D^*}{1-D^*}$.
#
# ```python
# answer = (3 / 4) / (1 - 3 / 4)
# ```
# :::
#
# :::{exercise}
# :label: ex-prior-dstar
# A careless programmer shows the discriminator real samples with probability $\pi$ instead of one half. Which $D$
# is now optimal where $p_r=A$ and $p_g=B$? **Derive** it on paper, with a reason why it is a maximum, and say what
# happens to the logit. Write $D$ with the symbols `A`, `B`, `pi` of sympy.
# :::
#
# :::{hint}
# :class: dropdown
# The value is now an average in which real samples have the weight $\pi$, and generated ones the rest. What becomes of
# {eq}`eq-pointwise`, and where does its derivative with respect to $t$ vanish?
# :::

# %%
from sympy import symbols

A, B, pi = symbols("A B pi", positive=True)
answer = ...
check("prior-dstar", answer)

# %% [markdown]
# :::{solution} ex-prior-dstar
# :class: dropdown
# 1. The samples shown come from the mixture $\pi p_r+(1-\pi)p_g$, so the expected log likelihood of the labels is
#    $\int\big(\pi p_r\log D+(1-\pi)p_g\log(1-D)\big)\,dx$. At one point: $f(t)=\pi A\log t+(1-\pi)B\log(1-t)$.
# 2. $f'(t)=\frac{\pi A}t-\frac{(1-\pi)B}{1-t}$ vanishes where $\pi A(1-t)=(1-\pi)Bt$, and only there:
#    $t=\frac{\pi A}{\pi A+(1-\pi)B}$.
# 3. $f''(t)=-\frac{\pi A}{t^2}-\frac{(1-\pi)B}{(1-t)^2}<0$ everywhere, so it is the maximum.
# 4. $\frac t{1-t}=\frac{\pi A}{(1-\pi)B}$, so the logit is $\log\frac AB+\log\frac\pi{1-\pi}$: the old one, shifted by
#    the same amount everywhere.
#
# ```python
# from sympy import symbols
#
# A, B, pi = symbols("A B pi", positive=True)
# answer = pi * A / (pi * A + (1 - pi) * B)
# ```
# :::
#
# :::{exercise}
# :label: ex-js-from-value
# You have trained a discriminator and measured its value `v`, in nats. Write the function that turns `v` into an
# estimate of JS (with the factors $\frac12$). Is the estimate too large or too small if the discriminator is not
# optimal?
# :::
#
# :::{hint}
# :class: dropdown
# What is the value of an optimal discriminator, by {eq}`eq-value-at-dstar`? Two cases tell you whether you have solved
# it correctly: at $v=-2\log2$ the distributions are equal, at $v=0$ they are disjoint. And whose value is the largest?
# :::

# %%
answer = ...
check("js-from-value", answer)

# %% [markdown]
# :::{solution} ex-js-from-value
# :class: dropdown
# Solve {eq}`eq-value-at-dstar` for JS. Since no discriminator reaches more than $D^*$, the estimate is too small.
#
# ```python
# def answer(v):
#     return (v + 2 * math.log(2)) / 2
# ```
# :::
#
# :::{exercise}
# :label: ex-best-against-collapse
# The data have eight equal, well separated modes. The generator has collapsed: all its samples come from one of
# them, with the same shape. What does the optimal discriminator say about a sample from that mode?
# :::
#
# :::{hint}
# :class: dropdown
# On that mode the two distributions have the same shape, but not the same mass. How many times as high as $p_r$ is
# $p_g$ there? {eq}`eq-dstar` needs no more than that.
# :::

# %%
answer = ...
check("best-against-collapse", answer)

# %% [markdown]
# :::{solution} ex-best-against-collapse
# :class: dropdown
# On that mode $p_g=8p_r$, so $D^*=\frac{1}{1+8}$. An optimal discriminator is not fooled by a collapsed generator.
#
# ```python
# answer = 1 / 9
# ```
# :::
#
# ## What to remember
#
# - Against a fixed generator the best discriminator is $D^*=p_r/(p_r+p_g)$. It is found one point at a time,
#   because $D$ may be any function. It is the density of $p_r$ with respect to $p_r+p_g$, which always exists, and it is
#   unique almost everywhere.
# - $D^*$ is the probability that a sample is real, if as many real as generated samples are shown, and its logit is the
#   log density ratio.
# - Its value is $2\operatorname{JS}{}-2\log2$; that of any other discriminator is smaller. Against an optimal
#   discriminator, the generator minimises JS, and the optimum is $-2\log2$ at $p_g=p_r$.
# - That loss is convex in the distribution $p_g$. In the parameters of a network it is not.
# - A trained discriminator comes close to $D^*$ where it has seen samples. Where it has not, nothing ties the slope of
#   its logit to that of $D^*$.
#
# **Sources.** The theorem and its proof are from {cite}`goodfellow2014`; the presentation in one variable follows
# {cite}`weng2019`, the other convention for JS is that of {cite}`xu2020`. On discriminators as density ratios see
# {cite}`sugiyama2012`, on calibration {cite}`guo2017`. What had to be corrected is listed under {doc}`errata`.
