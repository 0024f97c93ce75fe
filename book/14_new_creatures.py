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
# # 14 · New creatures
#
# In the summer of 2017 a well-known post on GANs closed with a treat: a network, fed some 900 sprites of Pokémon, draws
# new ones. After 7 epochs they are clouds, after 21 blobs, after 49 nearly animals. It is one run, judged by eye, on
# pictures that belong to somebody else. We do it again with pictures that belong to everybody, and ask what the post
# could not: **can it draw new creatures, and how would we know?** "Can draw" needs a measure other than our own eyes,
# and "new" needs a comparison with everything that the network was shown.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what a strided convolution and its transpose are, as matrices; what DCGAN's initial
# weights do to a signal; why batch normalisation and a gradient penalty do not go together; why a critic with only 300
# pictures should see them changed, and why generated ones must be changed in the same way; what equal compute means;
# why a distance needs pictures beside it that are plainly wrong; and how to look for copies, and which ones one misses.
#
# **You need** {doc}`lesson 2 <02_the_game>` for the game, {doc}`lesson 6 <06_mode_collapse>` for the kernel distance,
# and {doc}`lesson 11 <11_wasserstein_gan>` and {doc}`lesson 13 <13_better_critics>` for the other two games.
#
# **It takes** an hour to read with the exercises, and less than a minute to run on a laptop.
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

import torch
from torch.nn.functional import conv2d, conv_transpose2d, interpolate

from gantut import plots
from gantut.checks import claim
from gantut.data import creatures
from gantut.device import at_scale, random_source
from gantut.divergences import js_divergence, total_variation
from gantut.lessons import check, new_creatures, recorded
from gantut.lessons.new_creatures.plots import plot_creatures
from gantut.metrics import (
    binomial_interval,
    median_interval,
    paired_difference,
)
from gantut.networks import DCGANCritic

# %% [markdown]
# ## The pictures
#
# Our creatures are tiles from the game *Dungeon Crawl Stone Soup*, $32\times32$ pixels each. Their artists have given
# them to the public domain (CC0), so they ship with gantut, and what is learnt from them may be shown. There are 409 of
# them, but by no means 409 creatures. Forty are statues, plants, or parts of a picture, such as an outfit with nobody
# in it; we leave those out. And many of the others are the same creature in other colours, or with one more head. These
# count as one **form**. Every fifth form is held out, *with all its pictures*, so that nothing in the held-out part has
# a twin in the training part.

# %%
training = creatures("train", alive=True)
holdout = creatures("holdout", alive=True)
for name, part in (("training", training), ("held out", holdout)):
    forms = len(part.groups.unique())
    print(f"{name}: {len(part.images)} pictures of {forms} forms")
white = (training.images == 1).all(1).double().mean()
print(f"share of pixels that are background: {white:.2f}")

# %%
cut_out = [
    creatures(part, channels=4, alive=True) for part in ("train", "holdout")
]
alike = new_creatures.image_similarity(
    *(part.images for part in reversed(cut_out))
)
claim(
    "forms-held-out",
    "likeness of a held-out creature to any in training, at most",
    alike.max(),
    below=0.4,
)

# %% [markdown]
# (The likeness of silhouettes and shadings, mirrored or not, is 1 for the same creature in other colours; pictures from
# 0.4 on count as one form.)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two blocks of small pixel-art monsters on white. Left, 24 of the training part: demons, snakes, butterflies, an elephant, hydras. Right, 24 of the held-out part, which look like the same kind of monsters but show different ones."}, "figure": {"name": "fig-creatures", "caption": "Creatures: every twelfth picture of the training part, and every third that is held out. Tiles of Dungeon Crawl Stone Soup, CC0."}}
parts = {
    "training": training.images[:288:12],
    "held out": holdout.images[:72:3],
}
plot_creatures(plots.axes(1, 2, height=2.5), parts)
plots.show()

# %% [markdown]
# That is very little. The post had three times as many, and faces come by the hundred thousand. Most of this lesson is
# about what follows from that.
#
# ### What transparency does
#
# A sprite has a fourth number at each pixel, its **opacity** $\alpha$ from 0 to 1. What colour is a pixel that is not
# there? The file says something, often black, and it means nothing; yet a network given the file's four numbers would
# have to learn that nonsense as well. There are two ways out: keep the *premultiplied* colour $\alpha c$, which is 0
# where there is nothing, whatever the file says; or put the sprite on a background $b$,
#
# $$ x=\alpha c+(1-\alpha)\,b , $$ (eq-composite)
#
# which needs no fourth channel, and gives the critic a plain background that it can be certain of. Premultiplied
# pictures are the more general of the two: {eq}`eq-composite` turns them into all others, and as it is linear in
# $(\alpha c, \alpha)$, it may be done before or after any averaging. We take white, $b=1$, and three channels. (Our
# pictures go from $-1$ to 1, so that colours are $(x+1)/2$.)

# %%
layers = (creatures("train", channels=4, alive=True).images + 1) / 2
colour, opacity = layers[:, :3], layers[:, 3:]  # premultiplied
on_white = colour + (1 - opacity)
claim(
    "premultiplied-alpha",
    "pictures on white from premultiplied ones, all pixels",
    (2 * on_white - 1 - training.images).abs().max(),
    equals=0.0,
    atol=1e-6,
)

# %% [markdown]
# ## Networks for pictures
#
# ### A convolution that halves, and its transpose
#
# A critic of pictures should not care where on the tile a claw is. So it looks everywhere with the same few weights. On
# a row of pixels $x_0,x_1,\dots$, with a **kernel** of four weights, moved by two pixels each time (the **stride**),
# and with one zero of padding at the edge,
#
# $$ y_i=\sum_{k=0}^{3}w_k\,x_{2i+k-1} , $$ (eq-strided)
#
# so that $2m$ pixels become $m$ numbers. This is linear: $y=Wx$, with a matrix $W$ whose rows all contain the same four
# weights, each row two places further to the right. A generator has to go the other way, from few numbers to many
# pixels. DCGAN {cite}`radford2016` takes the **transpose** $W^\top$ of such a matrix, which sends $m$ numbers to $2m$
# pixels:
#
# $$ x_j=\sum_i w_{j-2i+1}\,y_i . $$ (eq-transposed)
#
# Each number $y_i$ *paints* its kernel, two pixels from where its neighbour paints, and the paint adds up. It is often
# called a deconvolution, but it undoes nothing: a transpose is not an inverse. It is, however, what carries gradients
# back through {eq}`eq-strided`, so every library has it already. In two dimensions and with channels it is the same,
# with longer rows. We write out the matrix of a convolution from $2\times8\times8$ to $3\times4\times4$ by sending
# every unit vector through it.

# %%
source = random_source(0)
kernel = torch.randn(3, 2, 4, 4, dtype=torch.float64, generator=source)
units = torch.eye(2 * 8 * 8, dtype=torch.float64).reshape(-1, 2, 8, 8)
W = conv2d(units, kernel, stride=2, padding=1).flatten(1).T  # (48, 128)
small = torch.randn(5, 3, 4, 4, dtype=torch.float64, generator=source)
painted = conv_transpose2d(small, kernel, stride=2, padding=1)
back = conv2d(painted, kernel, stride=2, padding=1)  # (5, 3, 4, 4) again
claim(
    "transposed-convolution",
    "conv_transpose2d of five pictures minus W^T, entry by entry",
    (painted.flatten(1) - small.flatten(1) @ W).abs().max(),
    equals=0.0,
    atol=1e-12,
)
claim(
    "transpose-is-no-inverse",
    "no inverse: by how much, of their size, five pictures change",
    (back - small).norm() / small.norm(),
    above=1.0,
)

# %% [markdown]
# Why four weights, and not three or five? Count how many $y_i$ reach a pixel. In {eq}`eq-transposed` these are the $i$
# with $0\le j-2i+1\le3$, two for every $j$. With a kernel of 5, as in the program that the post used, there are three
# for one pixel and two for the next, so in a picture 9, 6, 6, 4: an uneven load from the first step on, which may show
# as a checkerboard in the samples {cite}`odena2016`.

# %%
loads = {}
for size in (4, 5):
    ones = torch.ones(1, 1, size, size)
    reach = conv_transpose2d(torch.ones(1, 1, 8, 8), ones, stride=2)
    loads[size] = reach[0, 0, 6:8, 6:8].flatten()
    print(
        f"kernel {size}: terms in a 2 x 2 square: {loads[size].int().tolist()}"
    )
claim(
    "even-load",
    "terms per pixel, kernel 4, and kernel 5",
    torch.stack([loads[4], loads[5]]),
    equals=[[4] * 4, [9, 6, 6, 4]],
)

# %% [markdown]
# A kernel whose size is a multiple of the stride has this load even. It does *not* have samples without a checkerboard.
# Of its 16 weights each pixel of a $2\times2$ square is painted with four, and its neighbour with four *others*; and as
# what comes out of a ReLU is positive, the four pixels differ by the sums of their weights, everywhere in the same way.
# To see it, take the **chessboard power** of random pictures: that of the highest frequency in both directions, over
# the mean power of its eight neighbours. It is 1 if the chessboard is a pattern like any other. We paint with random
# weights, and beside it double the pixels first and then convolve with stride 1, which treats all pixels alike:

# %%
h = torch.randn(64, 16, 16, 16, generator=source).relu()  # after a ReLU
boards = {}
for size in (4, 5):
    weights = torch.randn(16, 192, size, size, generator=source)
    x = conv_transpose2d(
        h, weights, None, 2, size // 2 - 1 + size % 2, size % 2
    )
    boards[f"kernel {size}"] = new_creatures.chessboard(x)
weights = torch.randn(192, 16, 3, 3, generator=source)
doubled = conv2d(interpolate(h, scale_factor=2.0), weights, padding=1)
boards["doubled, then kernel 3"] = new_creatures.chessboard(doubled)
print(", ".join(f"{name}: {power:.1f}" for name, power in boards.items()))
claim(
    "chessboard-of-random-weights",
    "chessboard power, kernels of 4 and 5 with random weights",
    [boards["kernel 4"], boards["kernel 5"]],
    above=10.0,
    digits=1,
)
claim(
    "doubling-has-no-chessboard",
    "chessboard power, doubled and then convolved",
    boards["doubled, then kernel 3"],
    below=1.5,
)

# %% [markdown]
# So an even load is no cure; training has to cancel the rest. We shall see below whether it does.
#
# DCGAN is made of these and little else. The critic halves $32\to16\to8\to4$, and doubles the channels as it goes,
# with leaky ReLU in between; the score is a linear function of the last $4\times4$. The generator maps its noise to
# $4\times4$ linearly and then doubles up to 32, with ReLU, and tanh at the end. There is no pooling, and no fully
# connected hidden layer.
#
# ### What the first weights do
#
# "All weights were initialised from a zero-centred normal distribution with standard deviation 0.02", says the paper,
# and everyone has done so since. What does that do to a signal? Let the weights be independent with variance $s^2$, and
# let the input of a layer have the mean square $q$. Each output is a sum of $16\,C$ products ($4\times4$ pixels of $C$
# channels), so its mean square is $16\,C\,s^2q$. It is symmetric about 0, and leaky ReLU multiplies the negative half
# by 0.2, which leaves $\frac12(1+0.04)=0.52$ of the square:
#
# $$ q'=0.52\cdot16\,C\,s^2\,q . $$ (eq-initial-scale)
#
# (At the edge there are fewer terms. The code counts them: it sends the mean squares themselves through a convolution
# with ones.) We compare this with 64 critics with random weights, looking at creatures.


# %%
def expected_squares(x, width, s=0.02):
    """Mean squares of each hidden layer at the start, by (12.4)."""
    q = x.square().mean(0).sum(0)[None, None]  # all channels of x: (32, 32)
    ones, squares = torch.ones(1, 1, 4, 4), []
    for channels in (width, 2 * width, 4 * width):
        q = 0.52 * s**2 * conv2d(q, ones, stride=2, padding=1)
        squares.append(q.mean())
        q = channels * q  # summed over the channels of this layer
    return torch.stack(squares), s**2 * q.sum()  # hidden, score


x = training.images[::12]
fresh = DCGANCritic(width=16, norm="none", members=64)
with torch.no_grad():
    hidden = fresh.features(x, (0, 1, 2))[1]
found = torch.stack([h.square().mean() for h in hidden])
claim(
    "dcgan-initialisation",
    "mean squares of three layers, 64 critics, over (12.4)",
    found / expected_squares(x, 16)[0],
    equals=1.0,
    atol=0.1,
)
for width in (16, 64, 256):
    score = expected_squares(x, width)[1].sqrt()
    print(f"{width:3d} channels: scores of size {score:.3f}")

# %% [markdown]
# In a network of hundreds of channels, as in the paper, the signal keeps its order of magnitude; in one as narrow as
# ours, with 16, it all but dies out, and with it the gradient, which has to pass through the same layers on its way
# back. A small network that "does not learn" from these weights may just be starting slowly. So why does everyone get
# away with it? Because of the next ingredient.
#
# ### Batch normalisation, and why not under a penalty
#
# **Batch normalisation** {cite}`ioffe2015` makes the mean of each channel $h$ of a layer, over the batch and all
# pixels, 0 and its variance 1, before it multiplies by a gain $\gamma$ and adds a bias $\beta$, both learnt:
#
# $$ n(h)=\gamma\,\frac{h-\operatorname{mean}_{\text{batch}}h}{\sqrt{\operatorname{var}_{\text{batch}}h}}+\beta . $$ (eq-batch-norm)
#
# If all the weights of a layer are made ten times as large, $n(h)$ stays what it was. The size of the first weights no
# longer matters, and DCGAN normalises every layer but the first of the critic and the last of the generator. The price
# is that what the critic says about a picture now depends on the batch in which it is shown. For a penalty on the
# gradient *at each picture* (lesson 13) that is fatal, since there is no longer a function of a single picture whose
# gradient it could be. **Layer normalisation** takes the mean and variance over all channels and pixels of one picture
# instead, so that the critic sees each picture by itself.

# %%
picture, companies = training.images[:1], training.images[1:65].split(32)
moved = {}
for norm in ("batch", "layer"):
    judge = DCGANCritic(width=16, norm=norm, deviation=0.1)
    with torch.no_grad():
        scores = [judge(torch.cat([picture, c]))[0, 0] for c in companies]
    moved[norm] = (scores[0] - scores[1]).abs().item()
claim(
    "batch-norm-mixes-samples",
    "one picture, two batches: by how much its score moves",
    moved["batch"],
    above=1e-2,
)
claim(
    "layer-norm-separates-samples",
    "the same with layer normalisation",
    moved["layer"],
    below=1e-5,
)

# %% [markdown]
# :::{admonition} Try it
# :class: tip
# `DCGANCritic(norm="batch").input_gradient(picture)` raises an error. What does it say? And what would a library say
# that does not check?
# :::
#
# ## Few pictures
#
# A critic with tens of thousands of weights soon knows 293 pictures by heart. Then it tells real from generated from
# memory, and its slope, which is all that the generator gets, leads to nothing but those 293. The old remedy against
# too little data is **augmentation**: move pictures by a few pixels, mirror them, change their colours. Let $T$ be such
# a random change. On distributions it acts as a channel: if $x$ has the distribution $p$, then $T(x)$ has a
# distribution that we call $Tp$.
#
# *Change only the real ones*, and the game is played between $Tp_r$ and $p_g$. Its optimum is $p_g=Tp_r$: **the
# generator learns the changes**, and draws creatures that slide off the tile. *Change both alike*,
#
# $$ \text{critic: down } L_D\big(T(x),T(G(z))\big),\qquad \text{generator: down } L_G\big(T(G(z))\big) , $$ (eq-augmented-game)
#
# with a fresh draw of $T$ for each picture, and the game is between $Tp_r$ and $Tp_g$. Every divergence of the
# earlier lessons is 0 for equal distributions and no others, so
#
# $$ \text{the optimum is reached}\iff Tp_g=Tp_r . $$ (eq-equal-after-change)
#
# From this $p_g=p_r$ follows if $p\mapsto Tp$ is **injective**: if no two different distributions become the same once
# changed. It need not be possible to change single pictures back. (The generator's gradient must pass through $T$, so
# $T$ has to be differentiable in the picture; moving, mirroring and recolouring are {cite}`zhao2020`.)
#
# When is it injective? Let a creature be one black pixel on a ring of $n$ places, and let $T$ move it by $-1$, 0 or 1
# with equal probability. Then $Tp$ is a convolution of $p$, and a Fourier transform turns convolutions into products:
#
# $$ \widehat{Tp}(k)=\tfrac13\Big(1+2\cos\frac{2\pi k}n\Big)\,\hat p(k),\qquad k=0,\dots,n-1 . $$ (eq-fourier)
#
# $T$ is injective if and only if no factor is 0, that is, unless $\cos\frac{2\pi k}n=-\frac12$ for some $k$, which
# happens exactly where 3 divides $n$. On a ring of 8 the distribution can be read off its blurred version. On a ring of
# 9 it cannot. To see where the two games end, we let a generator that can draw any distribution on the ring of 8 go
# down on JS, once against changed data as it is, and once changed alike.


# %%
def blur(n):
    """The matrix of T on a ring of n places: by -1, 0 or 1."""
    ring = torch.eye(n, dtype=torch.float64)
    return sum(ring.roll(step, 0) for step in (-1, 0, 1)) / 3


def learnt(real, change):
    """The p_g for which JS(real, change p_g) is least, found by descent."""
    logits = torch.zeros(len(real), dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS(
        [logits],
        max_iter=500,
        tolerance_grad=1e-12,
        line_search_fn="strong_wolfe",
    )

    def loss():
        search.zero_grad()
        value = js_divergence(real, change @ logits.softmax(0))
        value.backward()
        return value

    search.step(loss)
    return logits.detach().softmax(0)


# %%
p_r = torch.rand(8, dtype=torch.float64, generator=source).mul(3).softmax(0)
same = torch.eye(8, dtype=torch.float64)  # generated ones stay as they are
only_real, both = (
    learnt(blur(8) @ p_r, same),
    learnt(blur(8) @ p_r, blur(8)),
)
print(f"TV(T p_r, p_r) = {total_variation(blur(8) @ p_r, p_r):.2f}")
claim(
    "augment-both-alike",
    "only real ones changed: TV(p_g, T p_r); both: TV(p_g, p_r)",
    [total_variation(only_real, blur(8) @ p_r), total_variation(both, p_r)],
    below=1e-3,
)
least = [torch.linalg.svdvals(blur(n))[-1] for n in (8, 9)]
claim(
    "injective-changes",
    "least factor by which T shrinks a distribution: rings of 8 and 9",
    torch.stack(least),
    equals=[(math.sqrt(2) - 1) / 3, 0],
    atol=1e-12,
)

# %%
p = torch.full((9,), 1 / 9, dtype=torch.float64)
q = p + 0.1 * (2 * math.pi / 3 * torch.arange(9).double()).cos()
claim(
    "changed-alike",
    "a ring of 9: TV(p, q), and TV(Tp, Tq)",
    [total_variation(p, q), total_variation(blur(9) @ p, blur(9) @ q)],
    equals=[0.3, 0],
    atol=1e-9,
)

# %% [markdown]
# A tile is not a ring: what leaves it on the left does not come back on the right. On the infinite plane, moving by
# finitely many steps is always injective, since there the factor is a trigonometric polynomial, which vanishes at most
# on a null set of frequencies. *Mirroring every second picture* is the other extreme. It sends $p$ and its mirror image
# to the same distribution, and whatever in $p$ is not symmetric is lost, so it is anything but injective. We use it all
# the same, with open eyes: we do not mind creatures that look to the left. What we should mind is a $T$ that rotates by
# quarter turns with equal probability. A generator that draws everything upside down would never be told
# {cite}`karras2020`.
#
# :::{admonition} Try it
# :class: tip
# On a ring of 9, let $T$ leave a pixel where it is with probability 0.4, and move it by one to either side with
# probability 0.3 each. Is it injective now? Rare changes are a safe choice: if pictures are left unchanged with
# probability above $\frac12$, no factor can vanish. Why?
# :::
#
# ## Three games at equal compute
#
# Now to the games: DCGAN (non-saturating, batch normalisation), WGAN (clipped, with batch normalisation as in its
# paper), and WGAN-GP (layer normalisation in the critic). It would be unfair to give each the same number of
# iterations, as some iterations do far more work. Count **passes**. A pass takes one picture through one network,
# forwards or backwards; the two networks are about equally large, and backwards costs twice as much as forwards (once
# for the weights and once for the inputs). With $n$ critic steps per iteration, for each picture of a batch,
#
# $$ \underbrace{n\,(1+2+4)}_{\text{make one, score two}}+\underbrace{3+2}_{\text{generator step}}=7n+5
#    ,\qquad\text{with a penalty }13n+5 , $$ (eq-passes)
#
# since the penalty sends a third picture forwards and back to the picture, and then differentiates *that*. The
# generator step goes forwards and backwards through the generator, but through the critic only forwards and back to the
# picture.

# %%
record = recorded("creatures")
result = record.result
print(record.provenance["command"])
runs = {}
for run in result["games"]:
    runs.setdefault(run["game"], []).append(run)
seconds, rounds = {}, {}
for game, n in (("DCGAN", 1), ("WGAN", 2), ("WGAN-GP", 2)):
    cost = new_creatures.passes_per_picture(n, penalised=game == "WGAN-GP")
    rounds[game] = new_creatures.affordable_steps(game, result["budget"])
    assert {run["rounds"] for run in runs[game]} == {rounds[game]}
    spent = torch.tensor([run["seconds"] for run in runs[game]]).median()
    seconds[game] = spent.item()
    print(
        f"{game}: {cost} passes per iteration, {rounds[game]} iterations: "
        f"{spent:.0f} s"
    )
dearest, cheapest = max(seconds.values()), min(seconds.values())
each = [seconds[game] / rounds[game] for game in seconds]
print(f"dearest game / cheapest: {dearest / cheapest:.1f}")
print(f"at equally many iterations: {max(each) / min(each):.1f}")

# %%
claim(
    "equal-compute",
    "seconds of the dearest game over those of the cheapest",
    dearest / cheapest,
    below=1.5,
)

# %% [markdown]
# (The seconds are what a run took on one core of a busy machine. Passes are a fair measure: the three games take nearly
# the same time, which they would not have done after equal numbers of *iterations*.) All critics see all
# pictures through the same $T$: mirrored or not, and shifted by up to four pixels. The samples are drawn by an
# exponential moving average of the generator's weights. Three seeds of each game were played beforehand, with networks
# that have 16 channels at half the side length, an eighth of the paper's: this is what fits into a few hundred seconds,
# and nothing to win a competition with. One more game is played here and now, and much more briefly.

# %%
live = new_creatures.train_on_creatures(
    "DCGAN", steps=at_scale(fast=280, full=7000), seed=100, samples=100
)
looks = live.samples[:, 0]  # (looks, pictures, 3, 32, 32)
print("pictures drawn at each of", len(looks), "looks:", looks.shape[1])

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three blocks of 12 generated pictures from the short live run, after 40, 120 and 280 iterations: an even grey, then stained paper, then darker and partly coloured blots in the middle of a light tile."}, "figure": {"name": "fig-live-creatures", "caption": "The game that was played here: the same noise after 40, 120 and 280 iterations (at the fast scale). It has found out that there is something in the middle, with paper around it."}}
ages = {
    f"{int(live.evaluated[age])} iterations": looks[age, :12]
    for age in (1, 3, 7)
}
plot_creatures(plots.axes(1, 3, height=1.5), ages)
plots.show()

# %% [markdown]
# The recorded games lasted longer, DCGAN's five times as long. Their ages are in the ratio $7:21:49$, that of the
# post's figure.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Nine blocks of 24 generated pictures: DCGAN, WGAN and WGAN-GP from top to bottom, three ages from left to right. At the first age: pale paper with stains, grey for WGAN-GP. At the second: dark or coloured blots on white, woven like cloth. At the third: compact coloured bodies, many with black outlines and something like legs; WGAN-GP's are blurred and checked."}, "figure": {"name": "fig-three-ages", "caption": "Three games at equal compute, at a seventh, three sevenths and all of it (recorded; of each game the run with the median kernel distance of three, the same noise at all ages). After figure 10 of the post."}}
typical = {
    game: next(run for run in rows if run["typical"])
    for game, rows in runs.items()
}
panels = plots.axes(3, 3, height=1.75)
for row, (game, run) in zip(panels, typical.items(), strict=True):
    blocks = {
        f"{game}, {run['rounds'] * age // 7} iterations": new_creatures.decode_pictures(
            text
        )
        for age, text in zip(result["ages"], run["pictures"], strict=True)
    }
    plot_creatures(row, blocks)
plots.show()

# %% [markdown]
# It does get better, to the eye: from stained paper to blots to things with a body, an outline and feet, some with a
# shadow beneath them. There is no monster among them that one could name; for that, these games were far too short and
# the networks too narrow. The post says of its own creatures that they have rough shapes without details, and puts it
# down to the small data set. That may be so, but one run on one set of pictures does not show it.
#
# ## What the losses say
#
# What would the log have said meanwhile? Here are the losses of the same three runs.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels over iterations. DCGAN: the discriminator's loss stays mostly below a dashed line at 1.39, the generator's wanders far above it. WGAN: the critic's estimate falls, with much noise. WGAN-GP: it falls from about 12 to 3, fairly steadily."}, "figure": {"name": "fig-creature-losses", "caption": "Losses of the three runs above (recorded). The dashed line in the first panel is 2 log 2, the loss of a discriminator that knows nothing."}}
panels = plots.axes(1, 3, height=2.6)
for ax, (game, run) in zip(panels, typical.items(), strict=True):
    critic = torch.tensor(run["losses"]["critic"])
    if game == "DCGAN":
        generator = torch.tensor(run["losses"]["generator"])
        curves = {"discriminator": critic, "generator": generator}
        ax.axhline(
            2 * math.log(2), color=plots.INK, linestyle="--", linewidth=1.2
        )
    else:
        curves = {"critic's estimate": -critic}
    plots.lines(ax, run["steps"], curves)
    ax.set(xlabel="iterations", title=game, ylim=(0, None))
    ax.legend(fontsize=8)
plots.show()

# %%
for game, run in typical.items():
    critic = torch.tensor(run["losses"]["critic"])
    early, late = critic[5:15].median(), critic[-10:].median()
    ratio = (late / early).item()
    print(f"{game}: late loss of the critic / early: {ratio:.1f}")
for run in runs["DCGAN"]:
    critic = torch.tensor(run["losses"]["critic"])
    ahead = (critic < 2 * math.log(2)).double().mean()
    print(
        f"DCGAN, seed {run['seed']}: below 2 log 2 in {ahead:.0%} of looks"
    )

# %% [markdown]
# Where its loss is below the dashed line, DCGAN's discriminator knows more than nothing: it is ahead, and that says
# nothing about the pictures, which got better all the while. Neither loss grades them. The estimates of the two critics
# fall, as they should if they followed a distance; but a clipped critic's estimate is in unknown units (lesson 11), so
# those of the two games cannot be compared. All this is *seen*, in one run of each game.
#
# ## Does it get better?
#
# We need a measure that is not our eye. Lesson 6 has the **kernel distance**, an unbiased estimate of a squared
# distance between two distributions of features, 0 for equal ones. But which features? The customary ones come from a
# network trained on a million photographs, which this book does not ship, and which has never seen a tile of 32 pixels.
# We take a small convolutional network with *random* weights, drawn once and for all: 64 channels, averaged in each of
# $4\times4$ places, and every feature centred and scaled by what it does on the training pictures. Such features see
# colours, edges and textures, and roughly where these are. They do not know what a creature is.
#
# **Would they notice if it were none?** A distance is worth no more than the pictures that it sees through. So before
# any game is measured, the instrument is tried on pictures that are plainly wrong: held-out creatures with their pixels
# in a random order, cut into 16 or 4 squares that are laid out anew, blurred, or upside down. And on one change that
# leaves creatures what they are, other colours. The yardstick are the held-out creatures themselves, which are as far
# from the training ones as other creatures by the same artists are. They are *dealt* like cards into ten groups of
# seven. (Seven that follow one another in the list are not a random draw: they are relatives.) Each spoilt group is
# compared with the same group as it was, by the test of signs, corrected for six comparisons.

# %%
dealt = (
    holdout.images[:70].unflatten(0, (7, 10)).transpose(0, 1).flatten(0, 1)
)
spoilt = new_creatures.spoilt_pictures(dealt)
controls = {
    name: new_creatures.grouped_kid(pictures, training.images)
    for name, pictures in ({"held out": dealt} | spoilt).items()
}
sees = {
    name: paired_difference(
        controls[name], controls["held out"], comparisons=6
    )
    for name in spoilt
}
for name, found in controls.items():
    print(f"{name:13s} {found.median():5.2f}")

# %%
wrong = [name for name in spoilt if name != "other colours"]
claim(
    "distance-sees-shape",
    "held out and spoilt, further than held out: low ends, five ways",
    [sees[name].low for name in wrong],
    above=0.05,
)
claim(
    "colours-are-not-seen",
    "the same with other colours, which it need not see",
    sees["other colours"].difference,
    below=0.05,
)

# %% [markdown]
# It sees each of the five, even creatures that stand on their heads, and salad and jigsaws more than blur. It is
# blind to an exchange of colours. That is the scale on which the games have to be read.
#
# The 500 samples of each look are dealt out into ten groups of 50, which give ten independent estimates for one run,
# each unbiased. All looks use the same noise, so that groups of two ages are pairs.

# %%
kernel = {
    game: torch.tensor([run["kernel"] for run in rows]).double()
    for game, rows in runs.items()
}  # (seeds, looks, groups)
young, middle, old = result["ages"]
print("held out:", f"{controls['held out'].median():.2f}")
for game, values in kernel.items():
    medians = values.median(-1).values[:, [young, middle, old]].tolist()
    shown = "; ".join(
        " to ".join(f"{m:.2f}" for m in row) for row in medians
    )
    print(f"{game}, three seeds, three ages: {shown}")

# %%
every = torch.cat(list(kernel.values()))  # (9 runs, looks, groups)
steps = {
    pair: [
        paired_difference(run[pair[1]], run[pair[0]], comparisons=18)
        for run in every
    ]
    for pair in ((young, middle), (middle, old))
}
for (earlier, later), found in steps.items():
    down = sum(own.high < 0 for own in found)
    up = sum(own.low > 0 for own in found)
    print(
        f"from age {7 * earlier} to {7 * later}: down in {down} runs, up in "
        f"{up}, not told apart in {len(found) - down - up}"
    )

# %%
claim(
    "weng-fig10",
    "nine runs, age 7 to 21: high end of the change of the distance",
    [own.high for own in steps[young, middle]],
    below=0.0,
)
claim(
    "not-there-yet",
    "oldest groups of nine runs, the least distance of all",
    every[:, old].min() - controls["held out"].max(),
    above=0.0,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Nine curves with narrow bands that fall steeply from 10 at the start and then slowly, to between 0.1 and 0.5 at the end. Grey lines mark pictures that are wrong: pixel salad at about 0.6, jigsaws at about 0.4, blurred ones at about 0.3, upside-down ones at about 0.1. A dashed line for held-out creatures lies just below 0."}, "figure": {"name": "fig-creature-distance", "caption": "Kernel distance to the training pictures on random features, over compute: three runs of each game (recorded), each by the median of ten groups of 50 samples and its 95% interval. The dashed line is the held-out creatures, the dotted ones are the same creatures spoilt."}}
ax = plots.axes(1, 1, height=3.0)
at = torch.arange(8) / 7
for (game, values), colour, dash, mark in zip(
    kernel.items(), plots.COLOURS, plots.DASHES, "osD", strict=False
):
    ends = median_interval(values)
    for seed in range(len(values)):
        ax.fill_between(
            at, ends.low[seed], ends.high[seed], color=colour, alpha=0.15
        )
        ax.plot(
            at,
            ends.estimate[seed],
            color=colour,
            linestyle=dash,
            marker=mark,
            markersize=4,
            linewidth=1.4,
            label=game if seed == 0 else None,
        )
ax.axhline(
    controls["held out"].median(),
    color=plots.INK,
    linestyle="--",
    linewidth=1.2,
    label="held out",
)
for name in wrong:
    level = controls[name].median().item()
    ax.axhline(level, color="0.5", linestyle=":", linewidth=1.2)
    x = 0.15 * (name == "jigsaw of 4")  # beside the other jigsaw
    ax.text(x, level, name, fontsize=8, color="0.35", va="bottom")
ax.set(
    xlabel="share of the compute",
    ylabel="kernel distance",
    ylim=(-0.1, 12),
)
ax.set_yscale("symlog", linthresh=0.7)
ax.set_yticks([0, 0.2, 0.4, 0.6, 1, 2, 5, 10])
ax.set_yticklabels(["0", "0.2", "0.4", "0.6", "1", "2", "5", "10"])
ax.minorticks_off()
ax.legend(fontsize=9, ncols=4, loc="upper right")
plots.show()

# %%
last = every[:, old].median(-1).values  # (9,)
for name in wrong:
    closer = int((last < controls[name].median()).sum())
    print(f"at the end closer than {name}: {closer} of 9 runs")
for game, rows in runs.items():
    boards = torch.tensor([run["chessboard"] for run in rows])
    ends = ", ".join(f"{power:.1f}" for power in boards[:, -1].tolist())
    print(f"{game}: chessboard {boards[0, 0]:.0f} at first, then {ends}")

# %%
boards = torch.tensor([run["chessboard"] for run in result["games"]])
claim(
    "chessboard-is-unlearnt",
    "chessboard power at the end over that of the first weights",
    boards[:, -1] / boards[:, 0],
    below=0.5,
)

# %% [markdown]
# So the post was right about its first step, and now there is a number for it: from the first age to the second the
# distance falls in every run of every game. From the second age to the
# third it is not so sure: the lines above say how many runs went down, and how many did not. Had one of those been the
# one run in the figure, the story would be a different one. Which game is best? There are three runs of each, and
# learning rates and critic steps were settled after one short look at each game: this is not a verdict, and no test of
# three pairs could reach one. Lesson 15 says what it would take.
#
# But look at the dashed line and at the dotted ones. Other creatures by the same artists are at 0, as far as one can
# tell. Every group of samples of every run is further away than every group of those. In the end the games are about as
# far from creatures as creatures on their heads, blurred ones, and jigsaws of them are, which is about what the eye
# says: outlines, bodies and colours, but put together wrongly. A measure without such pictures beside it would have
# told us that 0.3 is much less than 10. And of the chessboard that the first weights brought, training takes most away,
# kernel size or not; with WGAN-GP some of it is left.
#
# ## Is it new?
#
# A generator that has memorised the training pictures has a perfect kernel distance. So look for each sample in the
# training set. The plain distance between pixels will not do: a copy that is mirrored, or moved by a pixel, is as far
# from its original as another creature. We take the minimum over mirror images and all shifts by up to four pixels, as
# far as the critics saw pictures moved,
#
# $$ d(x,y)=\min_{\text{moves}}\ \frac{\|x-\text{moved }y\|}{2\sqrt{3\cdot32\cdot32}} , $$ (eq-picture-distance)
#
# a root mean square that is 1 between black and white. Is $d=0.2$ a small distance, then? It depends. A blurred picture
# is close to everything, and a gaudy one far from everything. So we take two yardsticks. One is the held-out pictures:
# they are new by construction. The other needs no other pictures: divide by the distance to the nearest training
# picture *of another form*,
#
# $$ r(x)=\frac{\min_{y}d(x,y)}{\min_{y\text{ of another form}}d(x,y)}\in[0,1] . $$ (eq-copy-ratio)
#
# A copy is far closer to its original than to anything else: $r$ is near 0. A sample that is like no training picture
# in particular has $r$ near 1. Call a picture *caught* if its $r$ is below that of every held-out picture.
#
# A search finds what it searches for. So we try the audit on cheats of six kinds: two that it looks for, training
# pictures mirrored or moved, with noise on top; and four that it does *not* look for.

# %%
originals = training.images[::8]
disguised = new_creatures.cheats(originals)
held = new_creatures.memorisation_audit(
    holdout.images, training.images, training.groups
)
threshold = held.ratio.min()
audited = {
    name: new_creatures.memorisation_audit(
        copies, training.images, training.groups
    )
    for name, copies in disguised.items()
}
caught = {
    name: (found.ratio < threshold).double().mean().item()
    for name, found in audited.items()
}
for name, share in caught.items():
    print(f"{name:21s} caught: {share:.0%}")

# %%
known = ("mirrored, moved by 2", "moved by 4")
plain = (originals.flip(-1) - originals).square().mean((1, 2, 3)).sqrt() / 2
claim(
    "copies-are-found",
    "share of copies caught that are mirrored or moved, with noise",
    [caught[name] for name in known],
    equals=1.0,
)
claim(
    "pixels-miss-mirrors",
    "pixel by pixel: distance of mirrored ones to their originals",
    plain.median(),
    above=0.1,
)
claim(
    "copies-in-disguise",
    "share caught of blends of two, and of copies moved by 6",
    [caught["blends of two"], caught["moved by 6"]],
    below=0.5,
)

# %% [markdown]
# What it looks for it finds, noise and all. Copies in other colours happen to be caught as well, nearly all. But of
# those that are moved further than it looks, or drawn a little larger, most get away, and of equal blends of two
# pictures all do: two originals are equally near, and $r$ is 1. **What this audit can show is that samples are not
# copies up to mirroring, shifts by four pixels, and noise.** It cannot show that nothing was copied. With this in mind,
# the games:

# %%
audits = {
    game: torch.tensor(run["audit"]["ratio"])
    for game, run in typical.items()
}
for game, rows in runs.items():
    ratios = torch.tensor([run["audit"]["ratio"] for run in rows])
    copies = int((ratios < threshold).sum())
    low, share, high = binomial_interval(copies, ratios.numel())
    print(
        f"{game}: {copies} of {ratios.numel()} samples nearer to one form "
        f"than any held-out picture: at most {high:.3f} of all"
    )

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of dots in six columns. Left, the distance to the nearest training picture: about 0.1 for moved copies, a little more for blends, 0.17 to 0.47 for held-out pictures, 0.2 to 0.45 for the three games. Right, the ratio: 0.2 to 0.6 for moved copies, near 1 for blends, and between 0.8 and 1 for the held-out pictures and for all three games."}, "figure": {"name": "fig-memorisation", "caption": "The audit of 100 samples of each of the three runs above, of the held-out pictures, of copies moved by 4 pixels with noise, and of blends of two pictures. Left: distance to the nearest training picture. Right: that distance divided by the one to the nearest picture of another form; a copy is near 0, a blend is not. Bars are 95% intervals of the median."}}
left, right = plots.axes(1, 2, height=3.0)
for ax, what, label in (
    (left, "distance", "distance to the nearest"),
    (right, "ratio", "nearest / nearest other form"),
):
    groups = {
        "copies": getattr(audited["moved by 4"], what),
        "blends": getattr(audited["blends of two"], what),
        "held out": getattr(held, what),
    }
    groups |= {
        game: torch.tensor(run["audit"][what])
        for game, run in typical.items()
    }
    ends = [median_interval(own) for own in groups.values()]
    plots.strips(ax, groups, intervals=ends)
    ax.set(ylabel=label, ylim=(0, None))
    ax.tick_params(axis="x", labelsize=8)
plots.show()

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three pairs of rows. In each, the upper row has twelve generated bodies in many colours, the lower one the nearest training pictures, most of which are the same few smooth green ghosts, whatever the sample above looks like."}, "figure": {"name": "fig-nearest", "caption": "Twelve samples of each game at the end, above the nearest training picture of each (recorded)."}}
panels = plots.axes(3, 1, height=1.45)
for ax, (game, run) in zip(panels, typical.items(), strict=True):
    samples = new_creatures.decode_pictures(run["pictures"][-1])[:12]
    nearest = training.images[run["audit"]["index"][:12]]
    both = {
        f"{game}: samples, and their nearest": torch.cat([samples, nearest])
    }
    plot_creatures([ax], both, columns=12)
plots.show()

# %% [markdown]
# Of the samples of each game hardly any, if one, is closer to a single form than every held-out picture is; the printed
# lines say how many there may be at most, with 95% confidence. So these games do not draw copies of the kinds that the
# audit knows. (That holds at this age: DCGAN's critic has seen each picture some 150 times. One that plays a hundred
# times as long may yet memorise them.) Whether they blend pictures it cannot say.
#
# But look at *which* pictures are nearest: often one of a few green ghosts. They are smooth and of a middling
# colour, and in a sum of squares whatever hedges is close to everything. So the distance finds copies, which is what it
# is meant for, but as a measure of likeness it is worthless. The two are often confused.
#
# ## In between
#
# One more look, at the generator itself. If it has learnt a map and not a list, then a path from one noise vector to
# another must lead from one picture to another without jumps. Which path? Gaussian noise in $n$ dimensions lies near a
# sphere of radius $\sqrt n$. The chord between two such points cuts through the inside, where the generator has hardly
# ever been. The arc stays on the sphere:
#
# $$ z_t=\frac{\sin((1-t)\,\omega)}{\sin\omega}\,z_0+\frac{\sin(t\,\omega)}{\sin\omega}\,z_1 ,\qquad
#    \omega\text{ the angle between }z_0\text{ and }z_1 . $$ (eq-arc)

# %%
z_0, z_1 = torch.randn(2, 1000, 32, generator=source)
half = torch.tensor([0.5])
middle = {
    "chord": (z_0 + z_1) / 2,
    "arc": new_creatures.slerp(z_0, z_1, half)[:, 0],
}
for name, z in middle.items():
    print(f"{name}: middle at radius {z.norm(dim=1).median():.1f}")
print(f"noise itself: {z_0.norm(dim=1).median():.1f}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three blocks of two rows with nine pictures each. In every row one generated body turns into another by small steps: colours shift from orange to blue or from purple to white, outlines shrink and move, and no step is a jump."}, "figure": {"name": "fig-ways", "caption": "Two paths between samples of each game, along arcs (recorded)."}}
panels = plots.axes(3, 1, height=1.6)
ways = {
    f"{game}": new_creatures.decode_pictures(run["ways"])
    for game, run in typical.items()
}
plot_creatures(panels, ways, columns=9)
plots.show()

# %% [markdown]
# No jumps, as far as one can see: bodies lean, swell and change their colours on the way. A memorised list of pictures
# would show one, then a mixture, then another. (This too is seen, not measured.)
#
# ## Your own sprites
#
# Any folder, zip or tar of pictures will do, and you need no notebook for it:
#
# ```text
# python -m gantut train my-sprites.zip --objective wgan-gp --out runs/mine
# python -m gantut sample runs/mine --between 5
# python -m gantut doctor runs/mine
# ```
#
# In Python it is `gantut.data.sprites("my-sprites.zip").images`, which crops each picture to what is not transparent,
# and lists what it could not read. The post's Pokémon are available too, for instance in the npm package
# `pokesprite-images`. The pictures belong to their owners, and so may what a network makes of them: train on them for
# yourself, and describe what you have seen, but do not publish it. That is why this page has other creatures.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-rounds-for-the-money
# WGAN-GP is played with five critic steps per iteration. How many of its iterations cost as much as 1000 iterations of
# DCGAN?
# :::
#
# :::{hint}
# :class: dropdown
# {eq}`eq-passes` has the price of one iteration. Which of its two cases applies to each game, and with how many critic
# steps (DCGAN takes one)? At equal cost, iterations times price is the same for both.
# :::

# %%
answer = ...
check("rounds-for-the-money", answer)

# %% [markdown]
# :::{solution} ex-rounds-for-the-money
# :class: dropdown
# By {eq}`eq-passes` an iteration costs $13\cdot5+5=70$ passes, and one of DCGAN 12.
#
# ```python
# answer = 1000 * 12 / 70
# ```
# :::
#
# :::{exercise}
# :label: ex-uneven-overlap
# A transposed convolution has a kernel of $3\times3$ and the stride 2. Inside the picture, how many times as many terms
# does the best-served pixel get as the worst-served one?
# :::
#
# :::{hint}
# :class: dropdown
# Begin with one axis. On squared paper, let each $y_i$ paint three pixels, two places further on each time: how often
# is each pixel painted? A picture has two axes.
# :::

# %%
answer = ...
check("uneven-overlap", answer)

# %% [markdown]
# :::{solution} ex-uneven-overlap
# :class: dropdown
# Along one axis pixels get 2 terms and 1 alternately, so in the plane 4, 2, 2 and 1.
#
# ```python
# ones = torch.ones(1, 1, 3, 3)
# reach = conv_transpose2d(torch.ones(1, 1, 8, 8), ones, stride=2)
# inner = reach[0, 0, 6:8, 6:8]
# answer = (inner.max() / inner.min()).item()
# ```
# :::
#
# :::{exercise}
# :label: ex-mirror-now-and-then
# $T$ mirrors a picture with probability $q=0.3$. The distribution $p$ and its mirror image $p'$ become $Tp$ and $Tp'$.
# By what factor is the difference $p-p'$ multiplied to give $Tp-Tp'$?
# :::
#
# :::{hint}
# :class: dropdown
# Write $Tp$ as a mixture of $p$ and $p'$. What does $T$ do to $p'$, when mirroring twice changes nothing? Subtract, and
# see what stands in front of $p-p'$.
# :::

# %%
answer = ...
check("mirror-now-and-then", answer)

# %% [markdown]
# :::{solution} ex-mirror-now-and-then
# :class: dropdown
# $Tp=(1-q)\,p+q\,p'$ and $Tp'=(1-q)\,p'+q\,p$, so the difference is $(1-2q)(p-p')$. It vanishes only at $q=\frac12$.
#
# ```python
# answer = 1 - 2 * 0.3
# ```
# :::
#
# :::{exercise}
# :label: ex-even-scale
# With weights of standard deviation 0.02 and leaky ReLU of slope 0.2, how many channels must a layer of $4\times4$
# kernels have at its input so that the mean square of a signal stays the same?
# :::
#
# :::{hint}
# :class: dropdown
# What does {eq}`eq-initial-scale` become if the mean square is the same on both sides? It is linear in the number that
# you want. Mind that 0.02 is a standard deviation, and the formula has its square.
# :::

# %%
answer = ...
check("even-scale", answer)

# %% [markdown]
# :::{solution} ex-even-scale
# :class: dropdown
# Set $q'=q$ in {eq}`eq-initial-scale`, and solve for $C$.
#
# ```python
# answer = 1 / (0.52 * 16 * 0.02**2)
# ```
# :::
#
# :::{exercise}
# :label: ex-smallest-ratio
# Write the audit: from `distances`, shape (n, m), of n samples to m training pictures, and `forms`, whole numbers of
# shape (m,), the smallest $r(x)$ of {eq}`eq-copy-ratio`.
# :::
#
# :::{hint}
# :class: dropdown
# Find the nearest picture of each sample, and its form. Then put all pictures *of that form* out of reach
# (`masked_fill` can do it) and find the nearest again. A single copy is cause for alarm: which way of turning n ratios
# into one number preserves it?
# :::

# %%
answer = ...
check("smallest-ratio", answer)

# %% [markdown]
# :::{solution} ex-smallest-ratio
# :class: dropdown
# Find the nearest picture, hide all that show its form, and look again.
#
# ```python
# def answer(distances, forms):
#     nearest = distances.min(1)
#     same = forms[nearest.indices, None] == forms  # (n, m)
#     other = distances.masked_fill(same, math.inf).amin(1)
#     return (nearest.values / other).min()
# ```
# :::
#
# ## What to remember
#
# - A transposed convolution is the transpose of the matrix of a convolution, not its inverse. A kernel size that is a
#   multiple of its stride gives all pixels as many terms, and a chessboard all the same, until training removes it.
# - Weights of size 0.02 suit wide networks. Batch normalisation forgives any other size, but lets pictures see each
#   other, which a gradient penalty cannot tolerate.
# - Where pictures are few, show the critic changed ones, *real and generated alike*. The generator then learns the
#   distribution itself wherever the change is injective on distributions.
# - Iterations do not measure compute. Count passes, or seconds.
# - "Better" needs a distance, an interval, and pictures beside it that are plainly wrong: jigsaws, salad, blur. "New"
#   needs a search for copies, held-out *forms* to compare with, and cheats that say what the search does not find.
#
# **Sources.** The experiment is that of {cite}`weng2019`, on other pictures; the networks are from {cite}`radford2016`,
# and checkerboards are explained by {cite}`odena2016`. Changing real and generated pictures alike is due to
# {cite}`zhao2020` and {cite}`karras2020`, who also say when a change can be told apart from the distribution behind it;
# the kernel distance is from {cite}`binkowski2018`. What had to be corrected is listed under {doc}`errata`.
