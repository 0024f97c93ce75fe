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
# # 7 · Seeing collapse
#
# A colleague sends you ten thousand images from a generator. The ones that you look at are fine. Is anything missing?
# You cannot look at ten thousand images, and missing things are not in the picture. You need a number. There are many
# to choose from, and each has been published with tables in which it works. So we ask of each of them a second
# question. **By what number would you notice that a generator has collapsed, and what would fool that number?** We put
# every measure beside *controls*: generators whose failure we know, because we made them.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** why a count of modes needs a second number beside it; what the effective number of classes
# is; whether a GAN's loss shows progress; what the inception score, FID, KID, precision, recall and the exact $W_1$
# compute, in a few lines each; which control fools each of them; and how many samples a number needs before two of them
# may be compared.
#
# **You need** {doc}`lesson 6 <06_mode_collapse>` for what collapse is and how modes are counted, and from {doc}`lesson
# 3 <03_optimal_discriminator>` what a discriminator's loss says about JS.
#
# **It takes** about 62 minutes to read with the exercises, and about half a minute to run on a laptop.
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

import torch
from torch.nn.functional import avg_pool2d

from gantut import metrics, plots
from gantut.checks import claim
from gantut.data import digits, grid, ring
from gantut.device import random_source
from gantut.lessons import check, recorded, seeing_collapse, show_table
from gantut.lessons.seeing_collapse.plots import (
    plot_image_blocks,
    plot_scorecard,
)
from gantut.metrics import median_interval, paired_difference

# %% [markdown]
# ## A count, and noise
#
# We begin with the two numbers of lesson 6, the modes covered and the share of high quality, on other data: twenty-five
# Gaussians of standard deviation 0.05 on a $5\times5$ **grid**, one apart. In the setting of lesson 6, with 1000
# generator steps and 32 runs of each game, *no* game seems to collapse there. The table shows the usual GAN and
# WGAN-GP, both with five critic steps. Seven other games look the same; only the Wasserstein games with a single critic
# step do worse.

# %% tags=["hide-input"]
games = {
    (game["distribution"], game["objective"], game["n_critic"]): {
        name: torch.tensor(game[name]) for name in ("modes", "quality")
    }
    for game in recorded("mode-collapse").result["games"]
}

# %% tags=["hide-input"]
on_grid = {
    "non-saturating, k = 5": games["grid", "non-saturating", 5],
    "wgan-gp, k = 5": games["grid", "wgan-gp", 5],
}
show_table(
    ["game", "modes of 25", "share of high quality"],
    [
        [
            name,
            f"{own['modes'].median():g}",
            f"{own['quality'].median():.2f}",
        ]
        for name, own in on_grid.items()
    ],
)
others = [
    own
    for (where, name, k), own in games.items()
    if where == "grid" and not ("wgan" in name and k == 1)
]
claim(
    "grid-seems-covered",
    "nine games: least median of modes / 25, 1 - largest of quality",
    [
        min(own["modes"].median() for own in others) / 25,
        1 - max(own["quality"].median() for own in others),
    ],
    above=0.85,
)

# %% [markdown]
# Nearly all modes are covered. A triumph? Look at the quality, and then at the control: *uniform noise* in the square
# of the grid, whose side is 5. The twenty-five discs of high quality have radius 0.15, so they fill
# $25\cdot\pi\cdot0.15^2/25\approx7\%$ of the square.

# %%
square = 5 * torch.rand(200_000, 2, generator=random_source(2)) - 2.5
noise = metrics.mode_coverage(square.double(), grid())
claim(
    "grid-noise-passes",
    "noise in the square: modes covered, and quality",
    [noise.covered, noise.high_quality_fraction],
    equals=[25, 25 * math.pi * 0.15**2 / 25],
    atol=2e-3,  # three standard errors of a share of 200,000 draws
)

# %% [markdown]
# Noise covers 25 of 25, with a quality of 0.07, and this is about what the generators have learnt after 1000 steps: the
# square. Noise passes every count of modes that asks only for "some samples of high quality". With five times as many
# steps the modes emerge, and with them the differences:

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with three rows on the grid after five thousand steps: non-saturating with one and with five critic steps, and WGAN-GP with five. First panel, modes covered of 25: nearly all for one critic step, 5 to 19 for five, all for WGAN-GP. Second panel, the share of high quality: around 0.18, 0.6 and 0.2, with a dashed line at 0.07 for uniform noise."}, "figure": {"name": "fig-collapse-grid", "caption": "The grid after 5000 generator steps, 16 members each (recorded in results/grid-for-longer.json). The dashed line is what uniform noise would score."}}
longer = {
    f"{game['objective']}, k = {game['n_critic']}": game
    for game in recorded("grid-for-longer").result["games"]
}
panels = plots.axes(1, 2, height=2.2, sharey=True)
for ax, what in zip(panels, ("modes", "quality"), strict=True):
    seen = {name: torch.tensor(own[what]) for name, own in longer.items()}
    ends = {name: median_interval(own) for name, own in seen.items()}
    plots.member_rows(ax, seen, intervals=ends)
panels[0].set(xlabel="modes covered, of 25", xlim=(0, 26))
panels[1].axvline(0.0707, color=plots.INK, linestyle="--", linewidth=1.2)
panels[1].set(xlabel="share of high quality", xlim=(0, 1))
plots.show()

# %% tags=["hide-input"]
one, five, penalty = (
    {what: torch.tensor(own[what]) for what in ("modes", "quality")}
    for own in longer.values()
)
lost, gained, between = (
    paired_difference(a[what], b[what], comparisons=3)
    for a, b, what in (
        (one, five, "modes"),
        (five, one, "quality"),
        (penalty, one, "quality"),
    )
)
print(
    "WGAN-GP and the GAN with k = 1 are "
    f"{'' if between.told_apart else 'not '}told apart by their quality"
)
claim(
    "grid-tells-the-same-story",
    "k = 5 against 1: modes lost / 25, quality gained, lower ends",
    [lost.low / 25, gained.low],
    above=0.2,
)

# %% [markdown]
# Now the grid tells the same story as the ring. With five discriminator steps per iteration the usual GAN keeps only
# some of the modes, and these well; with one it has nearly all of them, less sharply, as WGAN-GP does with five. After
# 1000 steps the count could not tell these apart, because there was nothing to count yet.
#
# ## Modes of images
#
# Real data come without a list of modes. A well-known figure has 16 bedrooms, of which several are the same: "a DCGAN
# model is trained with an MLP network with 4 layers, 512 units and ReLU" {cite}`weng2019`. The perceptron is the
# *generator*, the critic remains that of a DCGAN, and the objective is the usual one of a GAN; in the original
# {cite}`arjovsky2017wgan` the figure stands beside what the same generator makes when it is trained as a Wasserstein
# GAN. We repeat the comparison on a small scale. The data are the 1797 handwritten digits of $8\times8$ pixels. Both
# games have the same perceptrons, a generator of four layers and a critic of three, and the learning rate 0.0002; the
# critic steps and the momentum are those of each game's paper, so this compares recipes, not losses alone.
#
# How does one count modes here? No one has labelled what a generator makes. So we train a small **classifier** on the
# real digits, let it classify the samples, and take the exponential of the entropy of the shares $\bar p_c$ of the
# classes, the **effective number of classes**
#
# $$ e^{H},\qquad H=-\sum_c\bar p_c\log\bar p_c, $$ (eq-effective-classes)
#
# which is 10 for ten equal shares and 1 for one class. Sixteen pictures are too few to estimate it: even sixteen fair
# draws from ten classes give only about 7 on average.

# %%
classifier = metrics.digit_classifier()
assert classifier.held_out_accuracy > 0.93
few = torch.randint(10, (20_000, 16), generator=random_source(3))
claim(
    "few-samples-few-classes",
    "effective classes of 16 fair draws from ten, on average",
    metrics.effective_classes(few).mean(),
    equals=7.2,
    atol=0.1,
)

# %% [markdown]
# We use 500 samples. A second measure needs no classifier: how far is a sample from its nearest neighbour among the
# samples, compared with real digits? Small populations are trained here and now; larger ones are recorded.

# %%
images = {
    "non-saturating": seeing_collapse.train_on_digits(
        "non-saturating", members=4, steps=200, width=128
    ),
    "wgan-gp": seeing_collapse.train_on_digits(
        "wgan-gp", members=3, steps=200, width=128
    ),
}
classes = {
    name: metrics.effective_classes(classifier.labels(history.samples[-1]))
    for name, history in images.items()
}  # (members,) each

# %% tags=["hide-input"]
played = {
    game["objective"]: game
    for game in recorded("perceptrons-on-digits").result["games"]
}
show_table(
    ["game", "effective classes, 16 runs", "nearest neighbour, over real"],
    [
        [name, *(
            f"{min(game[what]):{form}} to {max(game[what]):{form}}"
            for what, form in (("classes", ".1f"), ("apart", ".2f"))
        )]
        for name, game in played.items()
    ],
)  # fmt: skip
claim(
    "digits-all-alike",
    "non-saturating: most classes / 10, and nearest neighbours, of 16",
    [
        max(played["non-saturating"]["classes"]) / 10,
        max(played["non-saturating"]["apart"]),
    ],
    below=0.3,
)
seen = [
    {name: torch.tensor(game["classes"]) for name, game in played.items()},
    classes,
]
claim(
    "weng-fig6",
    "median classes, recorded and live: WGAN-GP over GAN",
    [
        own["wgan-gp"].quantile(0.5) / own["non-saturating"].quantile(0.5)
        for own in seen
    ],
    above=3.0,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three blocks of four by four small grey digits. Real: sixteen different digits. Non-saturating GAN: sixteen times the same pattern, hardly a digit, a little paler or darker. WGAN-GP: sixteen different shapes, rough, but many recognisable as digits."}, "figure": {"name": "fig-perceptrons", "caption": "Real digits, and sixteen samples of the median member of each population: the same perceptrons, two objectives (after Weng's figure 6, there with photographs of bedrooms)."}}
blocks = {"real": seeing_collapse.shuffled_digits()[:16]}
blocks |= {
    name: torch.tensor(game["tiles"]) for name, game in played.items()
}
plot_image_blocks(plots.axes(1, 3, height=2.6), blocks)
plots.show()

# %% [markdown]
# On the digits the difference is not subtle, either in the recorded populations or in the small ones that have just
# been trained. But a control passes the effective number of classes, too: ten pictures, one of each class, repeated for
# ever. It cannot see collapse *inside* a class.
#
# ## The missing metric
#
# We have used half a dozen numbers so far. Which is *the* one? We go through the candidates.
#
# ### The loss
#
# The first candidate is printed by every training run. A classifier's loss falls as it learns. Do the losses of a GAN?
# The exact distance $W_1$ to the data can be computed for samples (lesson 9), so the question has an answer. Forty
# times in the course of training, for 32 members of each of four games on the ring, we record three numbers: the
# generator's loss, $W_1$, and the estimate of a divergence that the critic's loss gives. (For the classical games this
# is $\log2-\frac12L_D$, which by {eq}`eq-value-at-dstar` is at most JS; for WGAN-GP it is $-L_D$.) Then we take, for
# each member, the rank correlation of each of the two curves with $W_1$. If a loss measured progress, its correlation
# would be near 1.

# %% tags=["hide-input"]
follow = {
    f"{game['objective']}, k = {game['n_critic']}": game
    for game in recorded("loss-and-distance").result["games"]
}
show_table(
    ["game", "generator's loss", "critic's estimate"],
    [
        [name, *(
            f"{median_interval(torch.tensor(game[what])).estimate:+.2f}"
            for what in ("generator_loss", "estimate")
        )]
        for name, game in follow.items()
    ],
)  # fmt: skip

# %% tags=["hide-input"]
estimates = {
    name: median_interval(torch.tensor(game["estimate"]))
    for name, game in follow.items()
}
losses = {
    name: torch.tensor(game["generator_loss"])
    for name, game in follow.items()
    if "wgan" not in name
}
claim(
    "gan-no-evaluation-metric",
    "median correlation of loss and W₁: three GANs",
    [median_interval(own).estimate for own in losses.values()],
    above=-0.5,
    below=0.5,
    digits=2,
)

# %% tags=["hide-input"]
every = torch.stack(list(losses.values()))
claim(
    "loss-shows-anything",
    "strongest correlation of a single run, negative and positive",
    [-every.min(), every.max()],
    above=0.5,
)
claim(
    "js-estimate-misleads",
    "estimate and W₁: -log D, k = 1 (turned round), k = 5; WGAN-GP",
    [
        -estimates["non-saturating, k = 1"].high,
        estimates["non-saturating, k = 5"].low,
        estimates["wgan-gp, k = 5"].low,
    ],  # the ends of the intervals that are nearer to 0
    above=0.1,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of four rows: rank correlations with the exact W1 for 32 members of each game. First panel, the generator's loss: scattered between minus 0.7 and plus 0.8 around small medians, for WGAN-GP around 0.5. Second panel, the critic's estimate: mostly negative for the non-saturating game with k = 1, mostly positive with k = 5, around zero for minimax, and between 0.7 and 1 for WGAN-GP."}, "figure": {"name": "fig-loss-and-distance", "caption": "Does the loss follow the exact distance to the data? Rank correlations over training, 32 members per game, 95% intervals of the median (recorded in results/loss-and-distance.json)."}}
panels = plots.axes(1, 2, height=3.0, sharey=True)
for ax, what in zip(panels, ("generator_loss", "estimate"), strict=True):
    seen = {name: torch.tensor(game[what]) for name, game in follow.items()}
    ends = {name: median_interval(own) for name, own in seen.items()}
    plots.member_rows(ax, seen, intervals=ends)
    ax.axvline(0, color=plots.INK, linewidth=0.8)
    ax.set(xlabel="rank correlation with W₁", xlim=(-1, 1))
panels[0].set_title("the generator's loss")
panels[1].set_title("the critic's estimate")
plots.show()

# %% [markdown]
# In the three classical games the generator's loss tells us next to nothing: the medians are weak, and single runs go
# either way. It says who is ahead in the game. The estimate of JS is treacherous. With $k=5$ it *does* follow $W_1$ in
# most runs. With $k=1$ the correlation is *negative*: while the samples improve, the estimate of their distance grows.
# (A lower bound can do that: the discriminator learns, too.) Only the critic's estimate in the last row behaves like a
# loss. That is what lesson 11 is about.
#
# ### The inception score
#
# If the loss will not do, look at the samples. The **inception score** {cite}`salimans2016` shows them to a classifier
# with verdicts $p(y|x)$, and takes
#
# $$ \operatorname{IS}=\exp\,\mathbb E_x\operatorname{KL}\big(p(y|x)\,\big\|\,\bar p(y)\big),\qquad\bar p=\mathbb E_x\,p(y|x) . $$ (eq-inception-score)
#
# It is large if each verdict is certain and all classes occur. How large can it be? Write the logarithm of the quotient
# as a difference. Since $\mathbb E_x\,p(y|x)=\bar p(y)$,
#
# $$
# \begin{aligned}
# \mathbb E_x\operatorname{KL}\big(p(y|x)\,\big\|\,\bar p\big)&=\mathbb E_x\sum_yp(y|x)\log p(y|x)-\sum_y\bar p(y)\log\bar p(y)\\
# &=H(\bar p)-\mathbb E_x\,H\big(p(\cdot|x)\big) .
# \end{aligned}
# $$ (eq-is-entropies)
#
# An entropy is not negative, and that of $K$ classes is at most $\log K$. So the score lies between 1, since KL is not
# negative, and $K$; and without any doubt in the verdicts it *is* the effective number of classes. In code it takes one
# line, and the verdicts are all that it looks at:


# %%
def inception_score(p):
    """Of verdicts (n, classes): those of probability 0 add nothing."""
    return (p * (p / p.mean(0)).log()).nansum(1).mean().exp()


certain = torch.eye(10, dtype=torch.float64)
verdicts = {
    "certain and balanced": certain.repeat(50, 1),
    "in doubt about everything": torch.full_like(certain, 0.1),
    "always the same class": certain[3:4].repeat(500, 1),
    "one single picture in each class": certain.repeat_interleave(50, 0),
}
scores = [metrics.inception_score(p) for p in verdicts.values()]
by_hand = [inception_score(p) for p in verdicts.values()]

# %% tags=["hide-input"]
show_table(
    ["verdicts", "inception score"],
    [
        [name, f"{score:.1f}"]
        for name, score in zip(verdicts, scores, strict=True)
    ],
)
claim(
    "inception-score",
    "balanced, in doubt, collapsed, one picture per class: gantut's, ours",
    [*scores, *by_hand],
    equals=[10, 1, 1, 10] * 2,
    atol=1e-9,
)

# %% [markdown]
# The last line is its control: ten pictures, repeated for ever, are perfect. ({cite}`barratt2018` list more.)
#
# ### Comparing with data
#
# The score never looks at the data. The metrics in use today do. They compare **features** $\phi$, here the last hidden
# layer of the classifier: $x$ stands for the features of samples, $y$ for those of data. The **Fréchet distance** (FID)
# {cite}`heusel2017` compares their means $\mu$ and covariances $\Sigma$ as if both distributions were Gaussian,
#
# $$ \operatorname{FID}=\|\mu_x-\mu_y\|^2+\operatorname{tr}\big(\Sigma_x+\Sigma_y-2(\Sigma_x\Sigma_y)^{1/2}\big) . $$ (eq-fid)
#
# The **kernel distance** (KID) {cite}`binkowski2018` needs only averages of a kernel $k$, a cubic polynomial. With
# independent copies $x'$ and $y'$,
#
# $$ \operatorname{KID}=\mathbb E\,k(x,x')+\mathbb E\,k(y,y')-2\,\mathbb E\,k(x,y) , $$ (eq-kid)
#
# and leaving out the pairs of a sample with itself makes the estimate unbiased. **Precision and recall**
# {cite}`kynkaanniemi2019` ask two questions instead of one. Let each data point reach as far as its third nearest
# neighbour among the data, $r_3(y)$; then
#
# $$ \text{precision}=P\big(\|x-y\|\le r_3(y)\text{ for some }y\big) , $$ (eq-precision)
#
# the share of the samples that lie within reach of the data. Recall is the same with samples and data exchanged: the
# share of the data within reach of the samples. **Coverage** {cite}`naeem2020` asks the second question with the reach
# of the data: for what share of the data is there a sample within its own $r_3(y)$? And the exact $W_1$ needs no
# features: it compares pixels.


# %%
def frechet_distance(x, y):
    """(7.4) for features (n, d); tr of a root: sum the eigenvalues' roots."""
    shift = (x.mean(0) - y.mean(0)).square().sum()
    x, y = x.T.cov(), y.T.cov()
    roots = torch.linalg.eigvals(x @ y).real.clamp(min=0).sqrt()
    return shift + x.trace() + y.trace() - 2 * roots.sum()


def precision(x, y):
    """The share of x within reach of y; recall is precision(y, x)."""
    reach = torch.cdist(y, y).kthvalue(4).values  # the first is itself
    return (torch.cdist(x, y) <= reach).any(1).double().mean()


# %% [markdown]
# ### Controls
#
# What does each of them see? We prepare generators whose failure we know, 400 samples each, and compare them with 400
# real digits.
#
# | control | what is wrong |
# |---|---|
# | 0 to 4 only | half of the classes are missing |
# | one image per class | ten images, forty times each |
# | blurred, noisy | every image is spoilt |
# | Gaussian pixels | noise with the mean and the covariance of the data's pixels |
# | noise, trained | noise whose *features* have the right mean and covariance |
# | copies of the reference | the very images that it is compared with |
#
# The trained noise begins as uniform noise. Then its pixels are moved by gradient descent, six hundred steps, until the
# mean and the covariance of their features are those of real digits:

# %% tags=["hide-input"]
source = random_source(4)
shuffled = [
    own[torch.randperm(len(own), generator=source)]
    for own in digits(*range(10))
]
reference = torch.cat([own[:40] for own in shuffled])  # (400, 64)
pool = [own[40:] for own in shuffled]
others = torch.cat([own[:40] for own in pool])
centred = torch.cat(pool) - torch.cat(pool).mean(0)
weights = torch.randn(400, len(centred), generator=source)
gaussian_images = torch.cat(pool).mean(0) + weights @ centred / math.sqrt(
    len(centred) - 1
)  # the mean and the covariance of the data


# %%
def match_features(images, target, steps=600):
    """Move pixels until the mean and covariance of features are target's."""
    pixels = torch.logit(images.clamp(0.02, 0.98)).requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=0.05)
    mean, covariance = target.mean(0), target.T.cov()
    for _ in range(steps):
        features = classifier.features(pixels.sigmoid())
        apart = (features.mean(0) - mean).square().sum()
        apart = apart + (features.T.cov() - covariance).norm()
        optimizer.zero_grad()
        apart.backward()
        optimizer.step()
    return pixels.detach().sigmoid()


# %%
trained_noise = match_features(
    torch.rand(400, 64, generator=source),
    classifier.features(torch.cat(pool)),
)

# %% tags=["hide-input"]
blurred = avg_pool2d(others.reshape(-1, 8, 8), 3, stride=1, padding=1)
noisy = others + 0.25 * torch.randn(others.shape, generator=source)
failures = {
    "other real digits": others,
    "0 to 4 only": torch.cat([own[:80] for own in pool[:5]]),
    "one image per class": torch.cat(
        [own[:1].expand(40, -1) for own in pool]
    ),
    "blurred": blurred.flatten(1),
    "noisy": noisy.clamp(0, 1),
    "Gaussian pixels": gaussian_images,
    "noise, trained": trained_noise,
    "copies of the reference": reference,
}
yardstick = torch.stack([
    torch.cat([
        own[torch.randperm(len(own), generator=source)[:40]] for own in pool
    ])
    for _ in range(16)
])  # (16, 400, 64)  # fmt: skip


def measure(samples):
    """All metrics of a population of samples (members, 400, 64)."""
    features = classifier.features(samples)
    known = classifier.features(reference)
    fidelity = metrics.precision_recall(features, known)
    nearest = metrics.nearest_training_distance(samples, reference)
    return {  # larger is better where the sign is +1
        "inception\nscore": (+1, metrics.inception_score(
            classifier.probabilities(samples))),
        "FID": (-1, metrics.fid(features, known)),
        "KID": (-1, metrics.kid(features, known)),
        "precision": (+1, fidelity.precision),
        "recall": (+1, fidelity.recall),
        "coverage": (+1, metrics.density_coverage(features, known).coverage),
        "exact\nW₁": (-1, metrics.exact_w1(samples, reference)),
        "nearest\noriginal": (+1, nearest.distance.median(-1).values),
    }  # fmt: skip


# %% [markdown]
# When is a value bad? Sixteen further draws of 400 real digits serve as a yardstick: a metric raises an **alarm** if it
# is worse than their median by more than three times their range.


# %%
def alarm(sign, found, on_real):
    """Which values are much worse than those of real digits."""
    on_real = sign * on_real
    spread = on_real.max() - on_real.min()
    return sign * found < on_real.median() - 3 * spread


values = measure(torch.stack(list(failures.values())))
normal = measure(yardstick)
alarms = torch.stack(
    [alarm(*values[name], normal[name][1]) for name in values], 1
)  # (failures, metrics)

# %% tags=["hide-input"] mystnb={"image": {"alt": "A table of eight prepared generators by eight metrics, with alarms in bold on orange. Five classes only: all alarm but precision and the nearest original. One image per class: FID, KID, recall, coverage and W1 alarm, precision is 1 and the inception score 8.3. Blurred: everything alarms but the nearest original. Noisy: recall does not alarm. Gaussian pixels: FID and recall do not alarm and KID hardly does; the inception score, precision, coverage and W1 alarm. Noise, trained: FID and KID are lower than for real digits, the inception score, precision, coverage and W1 alarm. Copies of the reference: only the nearest original alarms, all others are perfect."}, "figure": {"name": "fig-scorecard", "caption": "What each metric sees. Orange and bold: far worse than sixteen draws of real digits. FID, KID and W₁ are better when smaller, the others when larger; the last column is the median distance of a sample to the nearest of the 400 reference images."}}
x, y = (classifier.features(own).double() for own in (noisy, reference))
for ours, theirs in (
    (frechet_distance(x, y), metrics.fid(x, y)),
    (precision(x, y), metrics.precision_recall(x, y).precision),
    (precision(y, x), metrics.precision_recall(x, y).recall),
):
    assert torch.allclose(ours, theirs, rtol=1e-6), "gantut computes these"

forms = ("{:.1f}", "{:.1f}", "{:.0f}", "{:.2f}", "{:.2f}", "{:.2f}",
         "{:.2f}", "{:.2f}")  # fmt: skip
texts = [
    [
        form.format(found[row]).replace("-", "−")
        for form, (_, found) in zip(forms, values.values(), strict=True)
    ]
    for row in range(len(failures))
]
plot_scorecard(
    plots.axes(height=3.4),
    texts,
    alarms,
    rows=list(failures),
    columns=list(values),
)
plots.show()

# %% tags=["hide-input"]
table = {
    name.replace("\n", " "): found for name, (_, found) in values.items()
}
real, five, ten, _, _, gaussians, matched, copies = range(8)
claim(
    "fid-sees-two-moments",
    "trained noise, in units of other real digits: FID, W₁ (inverted)",
    [
        table["FID"][matched] / table["FID"][real],
        table["exact W₁"][real] / table["exact W₁"][matched],
    ],
    below=1.0,
)

# %% tags=["hide-input"]
claim(
    "trained-noise-passes",
    "alarms at trained noise, metric by metric: not FID, KID, recall",
    alarms[matched].double(),
    equals=[1, 0, 0, 1, 0, 1, 1, 0],
)
claim(
    "one-picture-per-class",
    "inception score / real, precision, 1 - recall: one image per class",
    [
        table["inception score"][ten] / table["inception score"][real],
        table["precision"][ten],
        1 - table["recall"][ten],
    ],
    above=0.85,
)
claim(
    "copies-pass",
    "alarms at copies of the reference, metric by metric",
    alarms[copies].double(),
    equals=[0] * 7 + [1],
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two blocks of four by four small grey images. Left, other real digits, each readable. Right, trained noise: black and grey speckles, here and there the hint of a stroke, hardly a digit that can be read."}, "figure": {"name": "fig-trained-noise", "caption": "Sixteen real digits, and sixteen pictures that FID and KID take for a better set of digits than those."}}
blocks = {
    "other real digits": others[::25],
    "noise, trained": trained_noise[:16],
}
plot_image_blocks(plots.axes(1, 2, height=2.6), blocks)
plots.show()

# %% [markdown]
# Read {numref}`fig-scorecard` by rows. *One image per class* is nearly perfect for the inception score, and entirely so
# for precision: each needs a companion that looks for variety. To FID, *trained noise* is a **better** set of digits
# than real ones, and to KID it is as good; to the eye it is noise. FID sees two moments of the features and nothing
# beyond them, and whoever trains on a feature network can pass it without a single digit. The inception score,
# precision, coverage and $W_1$ see it. (*Gaussian pixels* come close without any training. But the features are no
# linear function of the pixels, so the right moments of one are not the right moments of the other.) *Copies of the
# reference* are better than real digits by every measure that compares with data. Only a search for the originals finds
# them out, and a metric without held-out data beside it rewards a generator that has memorised its data.
#
# Then read it by columns: each of them has a blank. (KID may be negative, as an unbiased estimate of something near 0
# must sometimes be. It is negative here because all our draws hold equally many images of each class, which makes them
# more alike than independent ones.)
#
# :::{admonition} Try it
# :class: tip
# Mix in a bad tenth: `torch.cat([others[:360], torch.rand(40, 64)])`. Which columns notice?
# :::
#
# ### How many samples?
#
# One more failure is common to them all. The number itself depends on how many samples it is computed from, even for
# two draws of *one* distribution. Part of the reason can be worked out. Let $\bar x$ and $\bar y$ each be the mean of
# $n$ draws, all of them independent and from one distribution with the covariance $\Sigma$. Then
#
# $$ \mathbb E\,\|\bar x-\bar y\|^2=\frac2n\operatorname{tr}\Sigma , $$ (eq-floor)
#
# which an exercise asks you to derive. So even the first term of {eq}`eq-fid` is not 0 for equal distributions: it has
# a **floor** that falls like $\frac1n$. We compare real digits with real digits, and the ring with itself.

# %% tags=["hide-input"]
everything = seeing_collapse.shuffled_digits()
features, counts = classifier.features(everything), (25, 50, 100, 200, 400)
source, distribution = random_source(5), ring()

# %%
floors = {"FID": [], "KID": [], "exact W₁": [], "means": []}
for n in counts:
    order = torch.stack(
        [torch.randperm(len(features), generator=source) for _ in range(12)]
    )
    x, y = features[order[:, :n]], features[order[:, n : 2 * n]]
    floors["FID"].append(metrics.fid(x, y))
    floors["KID"].append(metrics.kid(x, y))
    floors["means"].append((x.mean(1) - y.mean(1)).square().sum(-1))
    u, v = (
        distribution.sample((12, n), generator=source) for _ in range(2)
    )
    floors["exact W₁"].append(metrics.exact_w1(u, v))

# %% tags=["hide-input"]
floors = {name: torch.stack(found, 1) for name, found in floors.items()}
claim(
    "fid-floor",
    "FID of real digits, n = 25, over n = 400, and over half the classes",
    [
        floors["FID"][:, 0].min() / floors["FID"][:, -1].max(),
        floors["FID"][:, 0].median() / table["FID"][five],
    ],
    above=1.0,
)
claim(
    "floor-of-means",
    "mean square distance of the means, over (7.7), five n",
    floors["means"].mean(0)
    * torch.tensor(counts)
    / (2 * features.T.cov().trace()),
    equals=1.0,
    atol=0.4,
)
error = floors["KID"].std(0) / math.sqrt(12)  # of the mean, for each n
claim(
    "kid-unbiased",
    "mean KID of real digits in standard errors, five n",
    floors["KID"].mean(0) / error,
    above=-4,
    below=4,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels over the number of samples from 25 to 400, with the median and range of twelve repetitions. FID of real digits against real digits falls from about 40 to about 1.5. KID scatters around 0, widely for few samples. The exact W1 of the ring to itself falls from about 0.7 to about 0.2."}, "figure": {"name": "fig-floors", "caption": "Two draws of one distribution, compared: digits for FID and KID, the ring for W₁. The right answer is 0 for all three. FID and W₁ are biased, KID is unbiased, but noisy."}}
panels = plots.axes(1, 3, height=2.7)
for ax, (name, found), colour in zip(
    panels, floors.items(), plots.COLOURS, strict=False
):
    plots.population(ax, counts, found, name="_" + name, colour=colour)
    ax.axhline(0, color=plots.INK, linestyle="--", linewidth=1.0)
    ax.set(xscale="log", xlabel="samples", title=name)
    ax.set_xticks(counts, [str(n) for n in counts])
    ax.minorticks_off()
plots.show()

# %% [markdown]
# With 25 samples each, *real digits* have a worse FID than a generator that leaves out half of the classes has with
# 400. So compare only values from equally many samples, and always put the value of real data beside them.
#
# ## A scorecard
#
# | metric | sees | is blind to, or fails by |
# |---|---|---|
# | modes covered | missing modes | unequal shares; noise may pass; needs known modes |
# | share of high quality | samples off the modes | missing modes: a point scores best |
# | effective classes | missing and rare classes | collapse inside a class; too low for few samples |
# | the loss | who is ahead in the game | the distance to the data |
# | inception score | doubt, missing classes | the data; one picture per class |
# | FID | means and covariances of features | all else, and noise trained to pass; biased for small $n$ |
# | KID | three moments of features | all else, and noise trained to pass; noisy |
# | precision | samples off the data | missing modes; copies |
# | recall, coverage | data out of reach | where the other samples go; copies |
# | exact $W_1$ | all differences of the two sets | has a floor that falls slowly with $n$; pixel distances suit images poorly |
# | nearest original | copies | everything else |
#
# Two numbers for two questions (is each sample good? is everything there?), real data beside them, equal $n$, and a
# population instead of a single run: that is the minimum.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-quality-of-noise
# Samples are uniform in the square $[-3,3]^2$. What is their share of high quality on the ring of radius 2, with eight
# modes of standard deviation 0.1?
# :::
#
# :::{hint}
# :class: dropdown
# Which points count as samples of high quality, by the rule under {eq}`eq-nearest-mode`? For uniform samples, a
# probability is a quotient of two areas. (Do the pieces overlap?)
# :::

# %%
answer = ...
check("quality-of-noise", answer)

# %% [markdown]
# :::{solution} ex-quality-of-noise
# :class: dropdown
# Eight discs of radius 0.3 that do not overlap, in a square of area 36.
#
# ```python
# answer = 8 * math.pi * 0.3**2 / 36
# ```
# :::
#
# :::{exercise}
# :label: ex-inception-of-four
# A generator makes only four of ten classes, equally often, and the classifier is never in doubt. What is the
# inception score?
# :::
#
# :::{hint}
# :class: dropdown
# What is the mean verdict $\bar p$ in {eq}`eq-inception-score`, and what is the KL of one certain verdict from it? That
# sum has a single term. Then read the formula up to its left end.
# :::

# %%
answer = ...
check("inception-of-four", answer)

# %% [markdown]
# :::{solution} ex-inception-of-four
# :class: dropdown
# Every verdict is certain, the mean verdict has four entries of $\frac14$: the KL is $\log4$ for every sample.
#
# ```python
# answer = 4
# ```
# :::
#
# :::{exercise}
# :label: ex-w1-of-one-mode
# The modes of the ring are points (radius 2, equal weights), and all of a generator's mass is on one of them. How far
# is it from the data in $W_1$? Two points at the angle $\alpha$ on the circle are $4\sin\frac\alpha2$ apart.
# :::
#
# :::{hint}
# :class: dropdown
# When all the mass is in one place, there is only one plan: how much goes to each mode? Number the modes around the
# ring, and write down the angle between each of them and the one that has it all.
# :::

# %%
answer = ...
check("w1-of-one-mode", answer)

# %% [markdown]
# :::{solution} ex-w1-of-one-mode
# :class: dropdown
# An eighth of the mass goes to each mode (there is only one plan): $\frac18\sum_{j=0}^7 4\sin\frac{\pi j}8
# =\frac12\cot\frac\pi{16}\approx2.51$. In {numref}`fig-unrolling` that is where the collapsed members are.
#
# ```python
# answer = sum(4 * math.sin(math.pi * j / 8) for j in range(8)) / 8
# ```
# :::
#
# :::{exercise}
# :label: ex-floor-of-means
# *A derivation.* Derive {eq}`eq-floor`, and then a little more: samples and data have the same distribution, and its
# covariance has the trace $s$, but there are $n$ samples and $4n$ data. What is $\mathbb E\,\|\bar x-\bar y\|^2$? Write
# it with the symbols `s` and `n` of sympy.
# :::
#
# :::{hint}
# :class: dropdown
# Subtract the common mean from all draws, and take one coordinate at a time: what is the variance of a mean of
# independent draws, and that of a difference of two independent means?
# :::

# %%
from sympy import symbols

s, n = symbols("s n", positive=True)
answer = ...
check("floor-of-means", answer)

# %% [markdown]
# :::{solution} ex-floor-of-means
# :class: dropdown
# 1. Let $\mu$ be the common mean. Then $\bar x-\bar y=(\bar x-\mu)-(\bar y-\mu)$, and both brackets have the mean 0.
# 2. In coordinate $c$ the square of the difference has the expectation
#    $\mathbb E(\bar x_c-\mu_c)^2+\mathbb E(\bar y_c-\mu_c)^2-2\,\mathbb E(\bar x_c-\mu_c)(\bar y_c-\mu_c)$. The last
#    term is 0, because samples and data are independent.
# 3. A mean of $n$ independent draws, each of variance $\Sigma_{cc}$, has the variance $\Sigma_{cc}/n$: the variance of
#    the sum is $n\Sigma_{cc}$, and the mean is the sum over $n$, which divides the variance by $n^2$.
# 4. Add up the coordinates, $\sum_c\Sigma_{cc}=\operatorname{tr}\Sigma$. With $n$ draws each:
#    $\frac1n\operatorname{tr}\Sigma+\frac1n\operatorname{tr}\Sigma$, which is {eq}`eq-floor`.
# 5. With $n$ and $4n$ draws: $\frac sn+\frac s{4n}$. Many data do not make up for few samples.
#
# ```python
# from sympy import symbols
#
# s, n = symbols("s n", positive=True)
# answer = s / n + s / (4 * n)
# ```
# :::
#
# ## What to remember
#
# - Put every measure beside a control that is plainly wrong. Noise passes a count of modes; one picture per class passes
#   the inception score and precision; trained noise passes FID and KID; copies pass everything that compares with the
#   data but a search for originals.
# - The losses of a GAN do not measure progress. The estimate of JS may even grow while the samples improve.
# - The inception score is the effective number of classes, less what is lost by doubt. It never looks at the data.
# - FID compares two moments of features, KID three; precision and recall separate "is each sample good?" from "is
#   everything there?".
# - Two draws of one distribution are not at distance 0. Compare numbers from equally many samples, with the number of
#   real data beside them.
#
# **Sources.** The figure on images is after {cite}`arjovsky2017wgan`, and the inception score is from
# {cite}`salimans2016`; FID, KID, precision, recall and coverage are from {cite}`heusel2017`, {cite}`binkowski2018`,
# {cite}`kynkaanniemi2019` and {cite}`naeem2020`. The presentation follows {cite}`weng2019` and {cite}`xu2020`; what had
# to be corrected is listed under {doc}`errata`.
