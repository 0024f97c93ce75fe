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
# In the summer of 2017 a well-known post on GANs closed with a treat: a network, trained on some 900 sprites of
# Pokémon, draws new ones. After 7 epochs they are clouds, after 21 blobs, after 49 nearly animals. It is one run,
# judged by eye, on pictures that belong to somebody else. We do it again with pictures that belong to everybody, first
# as it was done then, and then with what has been learnt since. And we ask what the post could not: **can it draw new
# creatures, and how would we know?** "Can draw" needs a measure other than our own eyes, and "new" needs a comparison
# with everything that the network was shown.
#
# :::{admonition} Before you start
# :class: tip
# **You will be able to say** what a strided convolution and its transpose are, as matrices; what the first weights do
# to a signal; why batch normalisation and a gradient penalty do not go together; why a critic with only 300 pictures
# should see them changed, and why generated ones must be changed in the same way; what residual networks and the
# penalty $R_1$ add; why a distance needs pictures beside it that are plainly wrong; and how to look for copies, and
# which ones a search misses.
#
# **You need** {doc}`lesson 2 <02_the_game>` for the game, {doc}`lesson 7 <07_seeing_collapse>` for the kernel distance,
# and {doc}`lesson 11 <11_wasserstein_gan>` and {doc}`lesson 13 <13_better_critics>` for the other two games.
#
# **It takes** about 80 minutes to read with the exercises, and less than a minute to run on a laptop.
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
from torch.nn.functional import (
    conv2d,
    conv_transpose2d,
    interpolate,
    leaky_relu,
)

from gantut import plots
from gantut.checks import claim
from gantut.data import creatures
from gantut.device import random_source
from gantut.divergences import js_divergence, total_variation
from gantut.lessons import check, new_creatures, recorded, show_table
from gantut.lessons.new_creatures.plots import plot_creatures
from gantut.lipschitz import ZeroCentredPenalty
from gantut.metrics import (
    binomial_interval,
    median_interval,
    paired_difference,
)
from gantut.networks import DCGANCritic, ResidualCritic, ResidualGenerator

# %% [markdown]
# ## The pictures
#
# Our creatures are tiles from the game *Dungeon Crawl Stone Soup*, $32\times32$ pixels each. Their artists have given
# them to the public domain (CC0), so they ship with gantut, and what is learnt from them may be shown. There are 409
# tiles, but by no means 409 creatures. Forty are statues, plants, or parts of a picture, such as an outfit with nobody
# in it; we leave those out. Many of the others show the same creature in other colours, or with one more head. These
# count as one **form**. Every fifth form is held out, *with all its pictures*, so that nothing in the held-out part has
# a twin in the training part.

# %% tags=["hide-input"]
training = creatures("train", alive=True)
holdout = creatures("holdout", alive=True)
cut_out = [
    creatures(part, channels=4, alive=True) for part in ("train", "holdout")
]
alike = new_creatures.image_similarity(
    *(part.images for part in reversed(cut_out))
)
show_table(
    ["part", "pictures", "forms"],
    [
        [name, len(part.images), len(part.groups.unique())]
        for name, part in (("training", training), ("held out", holdout))
    ],
)
claim(
    "forms-held-out",
    "likeness of a held-out creature to any in training, at most",
    alike.max(),
    below=0.4,
)

# %% [markdown]
# (The likeness of silhouettes and shadings, mirrored or not, is 1 for the same creature in other colours. Pictures from
# 0.4 on count as one form.)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two blocks of small pixel-art monsters on white. Under “training”, 24 of the training part: demons, snakes, butterflies, an elephant, hydras. Under “held out”, 24 of the held-out part, which look like the same kind of monsters but show different ones."}, "figure": {"name": "fig-creatures", "caption": "Creatures: every twelfth picture of the training part, and every third that is held out. Tiles of Dungeon Crawl Stone Soup, CC0."}}
parts = {
    "training": training.images[:288:12],
    "held out": holdout.images[:72:3],
}
plot_creatures(plots.axes(1, 2, height=2.5), parts)
plots.show()

# %% [markdown]
# That is very little. The post had three times as many, and faces come by the hundred thousand. Much of this lesson is
# about what follows from that.
#
# :::{admonition} Further: what transparency does
# :class: dropdown
# A sprite has a fourth number at each pixel, its **opacity** $\alpha$ from 0 to 1. What colour is a pixel that is not
# there? The file says something, often black, and it means nothing; yet a network given the file's four numbers would
# have to learn that nonsense as well. There are two ways out: keep the *premultiplied* colour $\alpha c$, which is 0
# where there is nothing, whatever the file says; or put the sprite on a background $b$, as
#
# $$ x=\alpha c+(1-\alpha)\,b , $$ (eq-composite)
#
# which needs no fourth channel, and gives the critic a plain background that it can be certain of. Premultiplied
# pictures are the more general of the two: {eq}`eq-composite` turns them into all others, and as it is linear in
# $(\alpha c, \alpha)$, it may be done before or after any averaging. We take white, $b=1$, and three channels. (Our
# pictures go from $-1$ to 1, so that colours are $(x+1)/2$.)
# :::

# %% tags=["hide-input"]
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
# and with one zero of padding at each end,
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

# %% tags=["hide-input"]
claim(
    "transposed-convolution",
    "conv_transpose2d of five pictures minus Wᵀ, entry by entry",
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
# for one pixel and two for the next, so in a picture 9, 6, 6 and 4: an uneven load from the first step on, which may
# show as a checkerboard in the samples {cite}`odena2016`.
#
# A kernel whose size is a multiple of the stride has an even load. But it does *not* paint without a checkerboard. Each
# pixel of a $2\times2$ square is painted with four of the 16 weights, and its neighbour with four *others*. What comes
# out of a ReLU is positive, so the four pixels differ by the sums of their weights, everywhere in the same way. To see
# it, take the **chessboard power** of random pictures: the power of the highest frequency in both directions, over the
# mean power of its eight neighbours. It is 1 if the chessboard is a pattern like any other. We paint with random
# weights, and beside it we double the pixels first and then convolve with stride 1, which treats all pixels alike.

# %% tags=["hide-input"]
loads = {}
for size in (4, 5):
    ones = torch.ones(1, 1, size, size)
    reach = conv_transpose2d(torch.ones(1, 1, 8, 8), ones, stride=2)
    loads[size] = reach[0, 0, 6:8, 6:8].flatten()
claim(
    "even-load",
    "terms per pixel, kernel 4, and kernel 5",
    torch.stack([loads[4], loads[5]]),
    equals=[[4] * 4, [9, 6, 6, 4]],
)

# %% tags=["hide-input"]
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
show_table(
    ["painted with", "chessboard power"],
    [[name, f"{power:.1f}"] for name, power in boards.items()],
)
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
# So an even load is no cure: with a transposed convolution, training has to cancel the rest. Doubling first has nothing
# to cancel, which is why newer generators do it.
#
# DCGAN is made of these and little else. The critic halves $32\to16\to8\to4$, and doubles the channels as it goes,
# with leaky ReLU in between; the score is a linear function of the last $4\times4$. The generator maps its noise to
# $4\times4$ linearly and then doubles up to 32, with ReLU, and tanh at the end.
#
# ### What the first weights do
#
# "All weights were initialised from a zero-centred normal distribution with standard deviation 0.02", says the paper.
# What does that do to a signal? Let the weights be independent with variance $s^2$, and let the input of a layer have
# the mean square $q$. Each output is a sum of $16\,C$ products ($4\times4$ pixels of $C$ channels), so its mean square
# is $16\,C\,s^2q$. It is symmetric about 0, and leaky ReLU multiplies the negative half by 0.2, which leaves
# $\frac12(1+0.04)=0.52$ of the square:
#
# $$ q'=0.52\cdot16\,C\,s^2\,q . $$ (eq-initial-scale)
#
# (At the edge there are fewer terms. The code counts them: it sends the mean squares themselves through a convolution
# with ones.) We compare this with 64 critics with random weights, looking at creatures.


# %%
def expected_squares(x, width, s=0.02):
    """Mean squares of each hidden layer at the start, edges included."""
    q = x.square().mean(0).sum(0)[None, None]  # all channels of x: (32, 32)
    ones, squares = torch.ones(1, 1, 4, 4), []
    for channels in (width, 2 * width, 4 * width):
        q = 0.52 * s**2 * conv2d(q, ones, stride=2, padding=1)
        squares.append(q.mean())
        q = channels * q  # summed over the channels of this layer
    return torch.stack(squares), s**2 * q.sum()  # hidden, score


# %% tags=["hide-input"]
x = training.images[::12]
fresh = DCGANCritic(width=16, norm="none", members=64)
with torch.no_grad():
    hidden = fresh.features(x, (0, 1, 2))[1]
found = torch.stack([h.square().mean() for h in hidden])
claim(
    "dcgan-initialisation",
    "mean squares of three layers, 64 critics, over those expected",
    found / expected_squares(x, 16)[0],
    equals=1.0,
    atol=0.1,
)
show_table(
    ["channels", "size of a score"],
    [
        [width, f"{expected_squares(x, width)[1].sqrt():.3f}"]
        for width in (16, 64, 256)
    ],
)

# %% [markdown]
# In a network of hundreds of channels, as in the paper, the signal keeps its order of magnitude. In one as narrow as
# ours it all but dies out, and so does the gradient, which has to pass through the same layers on its way back. There
# are two remedies. The newer one is to choose $s^2=1/(0.52\,\text{inputs})$ for each layer, so that $q'=q$
# {cite}`he2015`. DCGAN has the older one.
#
# ### Batch normalisation, and why not under a penalty
#
# **Batch normalisation** {cite}`ioffe2015` makes the mean of each channel $h$ of a layer, over the batch and all
# pixels, 0 and its variance 1, before it multiplies by a gain $\gamma$ and adds a bias $\beta$, both learnt:
#
# $$ n(h)=\gamma\,\frac{h-\operatorname{mean}_{\text{batch}}h}{\sqrt{\operatorname{var}_{\text{batch}}h}}+\beta . $$ (eq-batch-norm)
#
# If all the weights of a layer are made ten times as large, $n(h)$ stays what it was. The size of the first weights no
# longer matters. The price is that what the critic says about a picture now depends on the batch in which it is shown.
# For a penalty on the gradient *at each picture* (lesson 13) that is fatal, since there is no longer a function of a
# single picture whose gradient it could be. **Layer normalisation** takes the mean and variance over all channels and
# pixels of one picture instead, so that the critic sees each picture by itself.

# %% tags=["hide-input"]
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
# $$ \begin{aligned}&\text{critic: down } L_D\big(T(x),T(G(z))\big),\\
# &\text{generator: down } L_G\big(T(G(z))\big) ,\end{aligned} $$ (eq-augmented-game)
#
# with a fresh draw of $T$ for each picture, and the game is between $Tp_r$ and $Tp_g$. Every divergence of the
# earlier lessons is 0 for equal distributions and no others, so the optimum is reached if and only if $Tp_g=Tp_r$. From
# this $p_g=p_r$ follows if $p\mapsto Tp$ is **injective**: if no two different distributions become the same once
# changed. It need not be possible to change single pictures back. (The generator's gradient must pass through $T$, so
# $T$ has to be differentiable in the picture; moving, mirroring and recolouring are {cite}`zhao2020`.)
#
# When is it injective? Let a creature be one black pixel on a ring of $n$ places, and let $T$ move it by $-1$, 0 or 1
# with equal probability. Then $Tp$ is a convolution of $p$, and a Fourier transform turns convolutions into products:
#
# $$ \widehat{Tp}(k)=\tfrac13\Big(1+2\cos\frac{2\pi k}n\Big)\,\hat p(k) $$ (eq-fourier)
#
# for $k=0,\dots,n-1$. So $T$ is injective if and only if no factor is 0, that is, unless $\cos\frac{2\pi k}n=-\frac12$
# for some $k$, which happens exactly where 3 divides $n$. On a ring of 8 the distribution can be read off its blurred
# version. On a ring of 9 it cannot. To see where the two games end, we let a generator that can draw any distribution
# on the ring of 8 go down on JS, once against changed data as it is, and once changed alike.


# %% tags=["hide-input"]
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

# %% tags=["hide-input"]
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

# %% tags=["hide-input"]
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
# on a null set of frequencies. *Mirroring every second picture* is the other extreme: it sends $p$ and its mirror image
# to the same distribution. We use it all the same, since we do not mind creatures that look to the left. What we should
# mind is a $T$ that rotates by quarter turns with equal probability. A generator that draws everything upside down
# would never be told {cite}`karras2020`.
#
# :::{admonition} Try it
# :class: tip
# On a ring of 9, let $T$ leave a pixel where it is with probability 0.4, and move it by one to either side with
# probability 0.3 each. Is it injective now? Rare changes are a safe choice: if pictures are left unchanged with
# probability above $\frac12$, no factor can vanish. Why?
# :::
#
# ## What has been learnt since
#
# In 2017 the three games of this course were the state of the art. Generators of pictures today differ in four things,
# and each of them is a few lines.
#
# **Residual blocks instead of transposed convolutions.** A block adds what it computes to what it was given, so that a
# signal, and a gradient on its way back, can always pass:
#
# $$ h\mapsto\operatorname{up}(W_s*h)+W_2*a\big(W_1*\operatorname{up}(a(h))\big) , $$ (eq-residual-block)
#
# where $a$ is leaky ReLU and up doubles the pixels. The critic has the mirror image, with means over $2\times2$ pixels.
#
# **No normalisation.** The first weights are drawn so that each layer keeps the mean square, and each of the two terms
# of {eq}`eq-residual-block` has half of it. Nothing else keeps the signal alive, and nothing else has to.


# %%
def up(h):
    """Double every pixel, in both directions."""
    return interpolate(h, scale_factor=2.0, mode="nearest")


def block(h, first, second, shortcut):
    """A residual block that doubles the side, from its three kernels."""
    inner = conv2d(up(leaky_relu(h, 0.2)), first, padding=1)
    return up(conv2d(h, shortcut)) + conv2d(
        leaky_relu(inner, 0.2), second, padding=1
    )


# %% tags=["hide-input"]
def keeping(outputs, inputs, side, square):
    """First weights that multiply the mean square by this."""
    deviation = (square / (inputs * side**2)) ** 0.5
    return deviation * torch.randn(
        outputs, inputs, side, side, generator=source
    )


kept = []
for _ in range(16):  # networks, of three blocks each
    h = torch.randn(4, 64, 12, 12, generator=source)
    before = h.square().mean()
    for _ in range(3):
        h = block(
            h[
                ..., 2:-2, 2:-2
            ],  # away from the edge, where terms are missing
            keeping(64, 64, 3, 1 / 0.52),
            keeping(64, 64, 3, 0.5 / 0.52),
            keeping(64, 64, 1, 0.5),
        )[..., 2:-2, 2:-2]
    kept.append(h.square().mean() / before)
claim(
    "residual-blocks-keep-size",
    "mean square after three blocks over that before, 16 networks",
    torch.stack(kept).mean(),
    equals=1.0,
    atol=0.15,
)
with torch.no_grad():
    sizes = [
        [kind, f"{critic(x).square().mean().sqrt():.3f}"]
        for kind, critic in (
            ("DCGAN without normalisation", fresh),
            ("residual", ResidualCritic(width=16, members=16)),
        )
    ]
show_table(["critic, 16 channels wide", "size of a score"], sizes)

# %% [markdown]
# **A penalty that lets the game come to rest.** WGAN-GP asks for slopes of 1, everywhere and for ever: even where
# $p_g=p_r$ its critic is steep, and pushes the generator away again. $R_1$ {cite}`mescheder2018` punishes *every* slope,
# and only at the real pictures:
#
# $$ R_1=\frac\lambda2\,\mathbb E_{p_r}\lVert\nabla_xf(x)\rVert^2 . $$ (eq-r1)
#
# Where $p_g=p_r$, the best critic of the classical game is constant, and pays nothing. (The same at generated pictures
# is called $R_2$.) It takes four lines, and is added to the discriminator's loss:


# %%
def r1(critic, real, weight):
    """The penalty R1 of a critic at real pictures."""
    real = real.detach().requires_grad_()
    (slope,) = torch.autograd.grad(
        critic(real).sum(), real, create_graph=True
    )
    return weight / 2 * slope.square().flatten(1).sum(1).mean()


# %% tags=["hide-input"]
judge = ResidualCritic(width=4)
claim(
    "r1-in-four-lines",
    "these lines minus what gantut trains with",
    r1(lambda x: judge(x[None])[0], x, 0.3)
    - ZeroCentredPenalty(0.3).loss_term(judge, x[None], x[None])[0],
    equals=0.0,
    atol=1e-5,
)

# %% [markdown]
# Differentiating a gradient is the most expensive part of a step, so the term is taken only in every 16th step, times
# 16: on average that is the same {cite}`karras2020stylegan`. Nor need the critic see each picture by itself: the
# gradient of the *sum* of all scores is defined in any case. That allows the fourth thing, the **minibatch deviation**
# {cite}`karras2018`: the critic is shown, as one more channel, how much the pictures of a batch differ. It is the
# simplest form of what lesson 8 does against collapse.
#
# :::{admonition} Further: scores compared in pairs
# :class: dropdown
# One more line has become popular. In the **relativistic** game {cite}`jolicoeur2018` a real picture $x$ is only asked
# to score higher than a generated one $\tilde x$: the critic goes down on
# $-\mathbb E\log\sigma\big(f(x)-f(\tilde x)\big)$, and the generator on the same with the two exchanged. A critic can
# no longer win by calling everything of a kind real, which helps against collapse; together with $R_1$ and $R_2$ the
# game converges locally {cite}`huang2024`. `Config(objective="relativistic")` plays it.
# :::
#
# ## Three games, and a longer one
#
# Now to the games: DCGAN (non-saturating, batch normalisation), WGAN (clipped, with batch normalisation as in its
# paper), and WGAN-GP (layer normalisation in the critic). It would be unfair to give each the same number of
# iterations, as some iterations do far more work. Count **passes**. A pass takes one picture through one network,
# forwards or backwards; the two networks are about equally large, and backwards costs twice as much as forwards (once
# for the weights and once for the inputs). With $n$ critic steps per iteration, for each picture of a batch,
#
# $$ \begin{gathered}\underbrace{n\,(1+2+4)}_{\text{make one, score two}}
# +\underbrace{3+2}_{\text{generator step}}=7n+5 ,\\
# \text{and with a penalty}\quad13n+5 ,\end{gathered} $$ (eq-passes)
#
# since the penalty sends a third picture forwards and back to the picture, and then differentiates *that*. The
# generator step goes forwards and backwards through the generator, but through the critic only forwards and back to the
# picture.
#
# Beside them we play the game of the last section for much longer: residual networks with 32 channels at the full side,
# non-saturating, $R_1$ with $\lambda=0.3$, and Adam with the learning rate $5\cdot10^{-4}$ and $\beta=(0,0.99)$.

# %% tags=["hide-input"]
result = recorded("creatures").result
runs = {}
for run in result["games"]:
    runs.setdefault(run["game"], []).append(run)
rows, seconds = [], {}
for game, n in (("DCGAN", 1), ("WGAN", 2), ("WGAN-GP", 2)):
    cost = new_creatures.passes_per_picture(n, penalised=game == "WGAN-GP")
    rounds = new_creatures.affordable_steps(game, result["budget"])
    assert {run["rounds"] for run in runs[game]} == {rounds}
    spent = torch.tensor([run["seconds"] for run in runs[game]]).median()
    seconds[game] = spent.item()
    shown = rounds * n * result["batch"]
    rows.append([game, cost, f"{rounds:,}", f"{shown:,}"])
longer = recorded("creatures-modern").result
rows.append(
    [
        "the longer run, with larger networks",
        "12, and 6 more in every 16th",
        f"{longer['images'] // longer['batch']:,}",
        f"{longer['images']:,}",
    ]
)
show_table(
    ["game", "passes per iteration", "iterations", "real pictures shown"],
    rows,
)
dearest, cheapest = max(seconds.values()), min(seconds.values())
each = [own / runs[game][0]["rounds"] for game, own in seconds.items()]
claim(
    "equal-compute",
    "seconds of the most expensive game over those of the cheapest",
    dearest / cheapest,
    below=1.5,
)
print(
    "After equal numbers of iterations the most expensive game would have "
    f"taken {max(each) / min(each):.1f} times as long as the cheapest."
)
took = longer["images"] / longer["a_second"] / 60
print(
    f"The longer run took about {took:.0f} minutes of one processor core, and "
    f"showed each creature "
    f"{longer['images'] / len(training.images):.0f} times."
)

# %% [markdown]
# Passes are a fair measure: the three games take nearly the same time, which they would not have done after equal
# numbers of *iterations*. Their critics see all pictures through the same $T$: mirrored or not, and shifted by up to
# four pixels. In the longer run, where there is more time to learn pictures by heart, $T$ also changes brightness,
# saturation and contrast, and hides a square of 12 pixels in half of the pictures {cite}`zhao2020`. All samples are
# drawn by an exponential moving average of the generator's weights. Three seeds of each of the three games were played,
# with networks that have 16 channels at half the side, an eighth of the paper's: this is what fits into a few hundred
# seconds. Of the longer run there is one.
#
# It was to have been played in one go. But after nine stretches of 16,384 pictures its creatures were pale: too grey,
# and with too little black. No wonder. Such changes of colour may be injective, but a critic that is shown each picture
# brighter or darker, greyer or more colourful at random, hardly learns how bright and colourful the originals are. So
# in a second part colours are changed a quarter as much, with a smaller learning rate.


# %% tags=["hide-input"]
def paleness(pictures):
    """How colourful painted pixels are, and how many pixels are black."""
    painted = (pictures < 0.98).any(1)  # (n, 32, 32)
    grey = pictures.mean(1, keepdim=True)
    colourful = (pictures - grey).abs().mean(1)[painted].mean()
    return colourful.item(), (
        pictures.amax(1) < -0.8
    ).double().mean().item()


until = [
    number
    for number, frame in enumerate(longer["frames"])
    if frame <= longer["first"]
]
compared = {
    "training": training.images,
    "12 samples, end of the first part": new_creatures.decode_pictures(
        longer["film"][until[-1]]
    ),
    "the same 12 at the end": new_creatures.decode_pictures(
        longer["film"][-1]
    ),
}
show_table(
    ["pictures", "colourfulness", "black pixels"],
    [
        [name, f"{colour:.2f}", f"{black:.0%}"]
        for name, (colour, black) in zip(
            compared, map(paleness, compared.values()), strict=True
        )
    ],
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three blocks of 24 generated pictures at the end of DCGAN, WGAN and WGAN-GP: compact coloured bodies on white, many with black outlines and something like legs; WGAN-GP's are blurred and checked."}, "figure": {"name": "fig-three-games", "caption": "Three games at equal compute, at their end (recorded; of each game the run with the median kernel distance of three)."}}
typical = {
    game: next(run for run in rows if run["typical"])
    for game, rows in runs.items()
}
plot_creatures(
    plots.axes(1, 3, height=1.75),
    {
        game: new_creatures.decode_pictures(run["pictures"][-1])
        for game, run in typical.items()
    },
)
plots.show()

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three blocks of 64 generated pictures of the longer run, from the same noise at three ages. First: grey and brown blots on white. Second: compact bodies with outlines, most of them greyish. Third: bodies in many colours with heads, legs, wings or tails, many with a shadow beneath them."}, "figure": {"name": "fig-three-ages", "caption": "The longer run at three ages in the ratio 1 : 3 : 7, that of the post's epochs 7, 21 and 49 (recorded; the same noise at all ages). After figure 10 of the post."}}
panels = plots.axes(1, 3, height=2.6)
plot_creatures(
    panels,
    {
        f"{age * longer['look']:,} pictures": new_creatures.decode_pictures(
            text
        )
        for age, text in zip(
            longer["ages"], longer["pictures"], strict=True
        )
    },
    columns=8,
)
plots.show()

# %% [markdown]
# The three games have found outlines, bodies and colours, and put them together wrongly; for more they were far too
# short and their networks too narrow. The post says of its own creatures that they have rough shapes without details,
# and puts it down to the small data set. Our set is a third of that, so the longer run shows what one can do with so
# few. Its averaged generator ships with gantut, in half precision, so you can draw creatures that nobody has seen.

# %%
generator = new_creatures.modern_generator()
noise = torch.randn(508, 64, generator=random_source(1))[:500]
with torch.no_grad():
    drawn = torch.cat([generator(z)[0] for z in noise.split(100)])
print(f"{len(drawn)} pictures of shape {tuple(drawn[0].shape)}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "A sheet of 64 pictures in four rows, drawn now by the shipped generator: small monsters on white in many colours, with bodies, legs, wings and shadows; some could be bears, knights or dragons, some are muddled, and a few are pale clouds."}, "figure": {"name": "fig-sheet", "caption": "Sixty-four creatures, drawn when this page was made: the next 64 of the noise, not a selection."}}
sheet = {"drawn here": drawn[100:164]}
plot_creatures([plots.axes(1, 1, height=2.0)], sheet, columns=16)
plots.show()

# %% [markdown]
# :::{admonition} Further: what the losses say
# :class: dropdown
# What does the log say meanwhile? In the cell below this box the losses of the three games and of the longer run are
# drawn. Where DCGAN's loss is below the dashed line, its discriminator knows more than nothing: it is ahead, and that
# says nothing about the pictures, which get better all the while. The estimates of the two critics fall, as they should
# if they followed a distance; but a clipped critic's estimate is in unknown units (lesson 11), so those of the two
# games cannot be compared. In the longer run, too, the discriminator gets further ahead while the pictures get better:
# no loss grades them.
# :::

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels over iterations. DCGAN: the discriminator's loss stays mostly below a dashed line at 1.39, the generator's wanders far above it. WGAN: the critic's estimate falls, with much noise. WGAN-GP: it falls fairly steadily. The longer run: the discriminator's loss sinks slowly below the dashed line, the generator's rises."}, "figure": {"name": "fig-creature-losses", "caption": "Losses of the three runs above and of the longer run (recorded). The dashed line is 2 log 2, the loss of a discriminator that knows nothing."}}
panels = plots.axes(1, 4, height=2.4)
for ax, (game, run) in zip(
    panels, (typical | {"the longer run": longer}).items(), strict=True
):
    critic = torch.tensor(run["losses"]["critic"])
    if game.startswith("WGAN"):
        curves = {"estimate of W₁": -critic}
    else:
        other = torch.tensor(run["losses"]["generator"])
        curves = {"discriminator": critic, "generator": other}
        ax.axhline(
            2 * math.log(2), color=plots.INK, linestyle="--", linewidth=1.2
        )
    plots.lines(ax, run["steps"], curves)
    ax.set(xlabel="iterations", title=game, ylim=(0, None))
    ax.locator_params(nbins=3)
    ax.get_legend().remove()
plots.legend_below(*panels)
plots.show()

# %% [markdown]
# ## Does it get better?
#
# We need a measure that is not our eye. Lesson 7 has the **kernel distance**, an unbiased estimate of a squared
# distance between two distributions of features, 0 for equal ones. But which features? The customary ones come from a
# network trained on a million photographs, which has never seen a tile of 32 pixels. We take a small convolutional
# network with *random* weights, drawn once and for all: 64 channels, averaged in each of $4\times4$ places, and every
# feature centred and scaled by what it does on the training pictures. Such features see colours, edges and textures,
# and roughly where these are. They do not know what a creature is.
#
# **Would they notice if it were none?** A distance is worth no more than the mistakes that it notices. So before any
# game is measured, the instrument is tried on pictures that are plainly wrong: held-out creatures with their pixels in
# a random order, cut into 16 or 4 squares that are laid out anew, blurred, or upside down. And on one change that
# leaves creatures what they are, other colours. The yardstick is the held-out creatures themselves, which are as far
# from the training ones as other creatures by the same artists are. They are dealt like cards into ten groups of
# seven. Each spoilt group is compared with the same group as it was, by the sign-flip test, corrected for six
# comparisons.

# %% tags=["hide-input"]
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
show_table(
    ["pictures", "kernel distance to the training pictures"],
    [[name, f"{found.median():.2f}"] for name, found in controls.items()],
)

# %% tags=["hide-input"]
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
# Of each run 500 samples are drawn at each look, and dealt out into ten groups of 50, which give ten independent
# estimates, each unbiased. All looks use the same noise, so that groups of two ages are pairs.

# %% tags=["hide-input"]
kernel = {
    game: torch.tensor([run["kernel"] for run in rows]).double()
    for game, rows in runs.items()
}  # (seeds, looks, groups)
modern = torch.tensor(longer["kernel"]).double()  # (looks, groups)
young, middle, old = result["ages"]
ages = [age - 1 for age in longer["ages"]]  # its looks begin with the first
salad = controls["pixel salad"].median()
rows = []
for game, values in kernel.items():
    medians = values.median(-1).values[:, [young, middle, old]].T
    rows.append(
        [f"{game}, three seeds"]
        + [", ".join(f"{m:.2f}" for m in row) for row in medians.tolist()]
    )
rows.append(
    [
        "the longer run",
        *(f"{m:.3f}" for m in modern[ages].median(-1).values),
    ]
)
show_table(["run", "first age", "second", "third"], rows)

# %% tags=["hide-input"]
every = torch.cat(list(kernel.values()))  # (9 runs, looks, groups)
steps = {
    pair: [
        paired_difference(run[pair[1]], run[pair[0]], comparisons=18)
        for run in every
    ]
    for pair in ((young, middle), (middle, old))
}
grown = [
    paired_difference(modern[later], modern[earlier], comparisons=2)
    for earlier, later in ((ages[0], ages[1]), (ages[1], ages[2]))
]
rows = []
for which, (pair, own) in enumerate(
    zip(steps.values(), grown, strict=True), 1
):
    down = sum(found.high < 0 for found in pair)
    up_ = sum(found.low > 0 for found in pair)
    said = (
        "down"
        if own.high < 0
        else "up"
        if own.low > 0
        else "not told apart"
    )
    name = ("from the first to the second", "from the second to the third")
    rows.append([name[which - 1], down, up_, len(pair) - down - up_, said])
show_table(
    ["age", "of 9 runs: down", "up", "not told apart", "the longer run"],
    rows,
)

# %% tags=["hide-input"]
claim(
    "weng-fig10",
    "nine runs, first age to second: high end of the change",
    [own.high for own in steps[young, middle]],
    below=0.0,
)
claim(
    "not-there-yet",
    "oldest groups of nine runs, the least distance of all",
    every[:, old].min() - controls["held out"].max(),
    above=0.0,
)
claim(
    "longer-run-beats-salad",
    "pixel salad, how many times as far as the longer run at its end",
    salad / modern[-1].median(),
    above=10.0,
    digits=2,
)
near = median_interval(modern[-1])
claim(
    "longer-run-beats-games",
    "median run of each game: how many times as far, at the least",
    [
        median_interval(torch.tensor(run["kernel"][-1]).double()).low
        / near.high
        for run in typical.values()
    ],
    above=3.0,
    digits=2,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Ten curves over a logarithmic axis of real pictures shown. Nine, with narrow bands, fall steeply from 10 at the start and end between 0.1 and 0.5. The tenth, the longer run, goes on far to the right of them, and falls below 0.1. Grey lines mark pictures that are wrong: pixel salad at about 0.6, jigsaws at about 0.4, blurred ones at about 0.3, upside-down ones at about 0.1. A dashed line for held-out creatures lies just below 0."}, "figure": {"name": "fig-creature-distance", "caption": "Kernel distance to the training pictures on random features: three runs of each game and the longer run (recorded), each by the median of ten groups of 50 samples and its 95% interval. The dashed line is the held-out creatures, the dotted ones are the same creatures spoilt. At the short vertical line the second part of the longer run begins."}}
ax = plots.axes(1, 1, height=3.6)
curves = [
    (game, run["rounds"] * n * result["batch"] * torch.arange(8) / 7, own)
    for (game, values), n in zip(kernel.items(), (1, 2, 2), strict=True)
    for run, own in zip(runs[game], values, strict=True)
]
curves.append(
    (
        "the longer run",
        longer["look"] * torch.arange(1, len(modern) + 1),
        modern,
    )
)
names = list(dict.fromkeys(name for name, _, _ in curves))
looks = dict(zip(names, plots.looks(names), strict=True))
for number, (name, at, own) in enumerate(curves):
    (colour, dash, marker), ends = looks[name], median_interval(own)
    first = name not in [other for other, _, _ in curves[:number]]
    seen = at > 0  # a logarithmic axis has no 0
    ax.fill_between(
        at[seen],
        ends.low[seen],
        ends.high[seen],
        color=colour,
        alpha=0.15,
    )
    ax.plot(
        at[seen],
        ends.estimate[seen],
        color=colour,
        linestyle=dash,
        marker=marker,
        markersize=4,
        linewidth=1.4,
        label=name if first else None,
    )
second = longer["first"] * longer["look"]
ax.axvline(second, ymax=0.15, color=plots.FAINT, linewidth=0.8)
ax.axhline(
    controls["held out"].median(),
    color=plots.INK,
    linestyle="--",
    linewidth=1.2,
    label="held out",
)
for name in wrong:
    level = controls[name].median().item()
    ax.axhline(level, color=plots.FAINT, linestyle=":", linewidth=1.2)
    if name != "jigsaw of 4":  # which lies on the other jigsaw
        ax.text(
            0.99,
            level,
            "jigsaws" if name == "jigsaw of 16" else name,
            fontsize=9,
            color=plots.INK,
            ha="right",
            va="bottom",
            transform=ax.get_yaxis_transform(),  # a share of the width
        )
ax.set(
    xlabel="real pictures shown",
    ylabel="kernel distance",
    ylim=(-0.1, 5),
)
ax.set_xscale("log")
ax.set_yscale("symlog", linthresh=0.7)
ax.set_yticks([0, 0.2, 0.4, 0.6, 1, 2, 5])
ax.set_yticklabels(["0", "0.2", "0.4", "0.6", "1", "2", "5"])
ax.minorticks_off()
ax.legend(fontsize=9, ncols=2, loc="upper right")
plots.show()

# %% tags=["hide-input"]
last = every[:, old].median(-1).values  # (9,)
own = modern[-1].median()
rows = [
    [
        name,
        f"{int((last < controls[name].median()).sum())} of 9",
        "yes" if own < controls[name].median() else "no",
    ]
    for name in wrong
]
show_table(
    ["at the end closer than", "of the nine runs", "the longer run"], rows
)
share = own / last.min()
print(
    f"At its end the longer run is at {share:.2f} of the distance of the best "
    f"of the nine, and at {own / last.median():.2f} of their median."
)
whole_part = paired_difference(modern[-1], modern[longer["first"] - 1])
print(
    f"From the end of its first part to the end of the second the distance "
    f"changes by {whole_part.difference:.3f} (95% interval "
    f"{whole_part.low:.3f} to {whole_part.high:.3f}).".replace("-", "−")
)
low, high = modern[-1].min(), modern[-1].max()
print(
    f"Its ten groups of 50 lie from {low:.3f} to {high:.3f}; the ten groups of "
    f"7 creatures held out from {controls['held out'].min():.2f} to "
    f"{controls['held out'].max():.2f}.".replace("-", "−")
)

# %% [markdown]
# So the post was right about its first step, and now there is a number for it: from the first age to the second the
# distance falls in every run of every game. From the second age to the third it is not so sure. Which of the three
# games is best? There are three runs of each, and learning rates were settled after one short look: this is not a
# verdict, and no test of three pairs could reach one. Lesson 15 says what it would take. Nor do we know *which* of the
# four new things makes the longer run better, or how much is due to its length: it differs in all of them at once.
#
# Look at the dashed line and at the dotted ones. Other creatures by the same artists are at 0, as far as one can tell.
# At their end the three games are about as far from the training pictures as blurred creatures and jigsaws of them, and
# farther than creatures on their heads. A measure without such pictures beside it would have told us that 0.3 is much
# less than 10. How far the longer run gets, the table says. But a small distance on features that do not know what a
# creature is does not make a creature: many of those on the sheet have a clear outline, and no plan inside.
#
# What became of the chessboards?

# %% tags=["hide-input"]
boards = torch.tensor([run["chessboard"] for run in result["games"]])
with torch.no_grad():
    untrained = ResidualGenerator()(noise[:200])[0]
show_table(
    ["run", "first weights", "at the end"],
    [
        [
            game,
            f"{own[:, 0].median():.0f}",
            ", ".join(f"{power:.1f}" for power in own[:, -1].tolist()),
        ]
        for game, own in zip(runs, boards.split(3), strict=True)
    ]
    + [
        [
            "the longer run",
            f"{new_creatures.chessboard(untrained):.1f}",
            f"{longer['chessboard'][-1]:.1f}, after up to "
            f"{max(longer['chessboard']):.1f} on the way",
        ]
    ],
)
claim(
    "chessboard-is-unlearnt",
    "chessboard power at the end over that of the first weights",
    boards[:, -1] / boards[:, 0],
    below=0.5,
)

# %% [markdown]
# Training takes most of it away, whether the kernels are of even or of odd size. What is left differs from run to run,
# and with WGAN-GP most is left. The longer run, which doubles pixels, does not begin with one. Whatever its pictures
# have of the highest frequency on the way, it has *learnt*: pixel art has hard edges, and patterns of single pixels.
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
# $$ r(x)=\frac{\min_{y}d(x,y)}{\min_{y\text{ of another form}}d(x,y)} , $$ (eq-copy-ratio)
#
# a number from 0 to 1. A copy is far closer to its original than to anything else: $r$ is near 0. A sample that is like
# no training picture in particular has $r$ near 1. Call a picture *caught* if its $r$ is below that of every held-out
# picture.
#
# A picture can also be put together from two: a **blend**, the mean of both, or a **chimera**, the left half of one and
# the right half of the other. For these $r$ is useless, since two originals are equally near. So a second search looks
# for the two pictures, each mirrored or moved as before, whose halves or whose mean come nearest to $x$, and divides
# by the distance to the nearest single picture. That ratio is near 0 where two pictures explain what one does not.
#
# A search finds what it searches for. So we try both on cheats.

# %% tags=["hide-input"]
originals = training.images[::12]
disguised = new_creatures.cheats(originals)
held = new_creatures.memorisation_audit(
    holdout.images, training.images, training.groups
)
held_pairs = new_creatures.two_part_audit(
    holdout.images[::2], training.images
)
threshold, pair_threshold = held.ratio.min(), held_pairs.ratio.min()
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
pairs = {
    name: (
        new_creatures.two_part_audit(disguised[name], training.images).ratio
        < pair_threshold
    )
    .double()
    .mean()
    .item()
    for name in ("moved by 6", "blends of two", "chimeras")
}

# %% tags=["hide-input"]
show_table(
    ["cheats", "caught by the first search", "by the second"],
    [
        [
            name,
            f"{share:.0%}",
            f"{pairs[name]:.0%}" if name in pairs else "",
        ]
        for name, share in caught.items()
    ],
)
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
    "two-part-copies-are-found",
    "share of blends and chimeras that the second search catches",
    [pairs["blends of two"], pairs["chimeras"]],
    equals=1.0,
)
claim(
    "copies-in-disguise",
    "first search: share caught of blends, and of copies moved by 6",
    [caught["blends of two"], caught["moved by 6"]],
    below=0.5,
)

# %% [markdown]
# What they look for they find, up to the full reach of the moves in $T$. Copies in other colours happen to be caught as
# well, nearly all. But of those that are moved further than the searches look, or drawn a little larger, most get away.
# **What this audit can show is that samples are not copies up to mirroring, shifts by four pixels, and noise, nor equal
# blends or halves of two such copies.** It cannot show that nothing was copied: not a head on another body, and not
# three pictures in one. With this in mind, the runs:

# %% tags=["hide-input"]
rows = []
for game, own in runs.items():
    ratios = torch.tensor([run["audit"]["ratio"] for run in own])
    rows.append([game, ratios.flatten()])
last_audit = longer["audits"][-1]
rows.append(["the longer run", torch.tensor(last_audit["ratio"])])
modern_pairs = new_creatures.two_part_audit(drawn[:48], training.images)
table = []
for game, ratios in rows:
    copies = int((ratios < threshold).sum())
    high = binomial_interval(copies, len(ratios))[2]
    table.append(
        [game, f"{copies} of {len(ratios)}", f"at most {high:.1%}"]
    )
copies = int((modern_pairs.ratio < pair_threshold).sum())
high = binomial_interval(copies, len(modern_pairs.ratio))[2]
table.append(
    [
        "the longer run, made of two",
        f"{copies} of {len(modern_pairs.ratio)}",
        f"at most {high:.1%}",
    ]
)
show_table(["run", "samples caught", "of all, with 95% confidence"], table)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Dots in seven columns: the ratio of the distance to the nearest training picture and that to the nearest of another form. 0.2 to 0.6 for moved copies, near 1 for blends, and mostly between 0.8 and 1 for the held-out pictures, for the three games, and for the longer run."}, "figure": {"name": "fig-memorisation", "caption": "The first search: copies moved by 4 pixels with noise, blends of two pictures, held-out pictures, and samples of the three runs above and of the longer run. The distance to the nearest training picture divided by the one to the nearest picture of another form; a copy is near 0. Bars are 95% intervals of the median."}}
groups = {
    "copies": audited["moved by 4"].ratio,
    "blends": audited["blends of two"].ratio,
    "held out": held.ratio,
}
groups |= {
    game: torch.tensor(run["audit"]["ratio"])
    for game, run in typical.items()
}
groups["longer run"] = torch.tensor(last_audit["ratio"])
ax = plots.axes(1, 1, height=2.8)
ends = [median_interval(own) for own in groups.values()]
plots.strips(ax, groups, intervals=ends)
ax.set(ylabel="nearest / nearest other form", ylim=(0, None))
ax.tick_params(axis="x", labelsize=9)
plots.show()

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two rows of twelve pictures. Above, the twelve samples of the longer run with the smallest ratio, most suspicious first; below, the training picture that is nearest to each."}, "figure": {"name": "fig-nearest", "caption": "The twelve most suspicious of 200 samples of the longer run, those with the smallest ratio first, above the nearest training picture of each."}}
order = torch.tensor(last_audit["ratio"]).argsort()[:12]
nearest = training.images[torch.tensor(last_audit["index"])[order]]
suspects = torch.cat([drawn[order], nearest])
plot_creatures(
    [plots.axes(1, 1, height=1.5)],
    {"the most suspicious samples, and their nearest": suspects},
    columns=12,
)
plots.show()

# %% [markdown]
# Judge for yourself: the most suspicious samples are shown, caught or not, so that no number has to be believed. But
# look at *which* pictures are nearest, too. Pale samples are near to pale pictures, and far from all others, so that
# they are easily caught. And often the nearest is a smooth picture of a middling colour: in a sum of squares a picture
# that hedges is close to everything. So the distance finds copies, which is what it is meant for, but as a measure of
# likeness it is worthless. The two are often confused.
#
# ## In between
#
# If a generator has learnt a map and not a list, a path from one noise vector to another must lead from one picture to
# another without jumps. Gaussian noise in many dimensions lies near a sphere, so the path should follow the arc and not
# the chord, which cuts through the inside, where the generator has never been.
#
# :::{admonition} Further: the arc
# :class: dropdown
# With the angle $\omega$ between $z_0$ and $z_1$, the arc is
#
# $$ z_t=\frac{\sin((1-t)\,\omega)}{\sin\omega}\,z_0+\frac{\sin(t\,\omega)}{\sin\omega}\,z_1 . $$ (eq-arc)
#
# In 64 dimensions noise is at the radius 8, give or take a half; the middle of a chord is at $8/\sqrt2\approx5.7$, that
# of an arc at 8 again. (The residual generator scales its noise to length 8 in any case.)
# :::

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four rows of nine pictures. In each row one creature turns into another by small steps: colours shift, outlines shrink and move, legs come and go, and no step is a jump."}, "figure": {"name": "fig-ways", "caption": "Four paths between samples of the longer run, along arcs (recorded)."}}
plot_creatures(
    [plots.axes(1, 1, height=2.6)],
    {
        "from one creature to another": new_creatures.decode_pictures(
            longer["ways"]
        )
    },
    columns=9,
)
plots.show()

# %% [markdown]
# No jumps, as far as one can see. A memorised list of pictures would show one, then a mixture, then another. (This is
# seen, not measured.)
#
# ## What 293 pictures can teach
#
# A bound first. However good the game, the generator is shown 184 forms, and no more. It can learn what many of them
# have in common: a body in the middle, an outline, a shadow, legs below, and which colours go together. A claw that
# occurs once it can only copy or leave out. And which parts go with which it can only learn where the same part occurs
# in different company. To our eyes the sheet shows just that: its parts are right more often than its wholes.
#
# In practice, few pictures are handled in one of four ways, often together.
#
# - **Start from a network that has seen many others**, where there is one. A hundred photographs of dogs are little,
#   but not for a network that knows cats. Nobody has trained one on a million monsters.
# - **Change the pictures as much as the critic needs.** Adaptive augmentation, ADA {cite}`karras2020`, applies each
#   change with a probability that is raised when the discriminator is too sure of the *real* pictures, by the mean sign
#   of its logits, and lowered when it is not. Probabilities well below 1 also keep rare changes from leaking, as above.
# - **Make the critic describe what it sees.** In FastGAN {cite}`liu2021` a small decoder has to restore the picture from
#   the critic's features, so that these are about the picture and not just about telling it from others. Its authors
#   train it on a hundred to some thousands of pictures, for hours on one GPU.
# - **Measure on held-out forms, and stop in time.** The training distance keeps falling while a generator memorises.
#
# ## Your own sprites
#
# Any folder, zip or tar of pictures will do, and you need no notebook for it:
#
# ```text
# python -m gantut train my-sprites.zip --out runs/mine --dry-run
# python -m gantut train my-sprites.zip --out runs/mine
# python -m gantut sample runs/mine --between 5 --snapshot best
# python -m gantut doctor runs/mine
# python -m gantut export runs/mine --out mine --snapshot best
# ```
#
# The first of these only looks: how many pictures there are, which cannot be read, and what time and memory to expect.
# It also says how they become squares: pixel art keeps its pixels, photographs are cropped and resized smoothly, and
# where it takes one for the other, `--fit pixels`, `crop`, `pad` or `border` decides. The second plays the game of the
# longer run; `--preset dcgan`, `wgan` or `wgan-gp` plays one of the three, and `--augment-target 0.6` adapts the changes
# as ADA does, with its authors' target for the mean sign.
#
# While it trains it measures the kernel distance of some samples (`--measure` says of how many) and the share of copies
# among them. The state in which the distance was least is kept in `checkpoints/best`, and `--snapshot best` takes that
# one in place of the latest. But it is the distance to the pictures that are *learnt*, so a generator that copies them
# comes out best of all: look at the copies beside it. `export` writes the generator for others, with a card that says
# what it was trained on, under which licence (`--licence`), and what was measured.
#
# `python -m gantut sample creatures` draws with the generator that ships. The post's Pokémon are available too, for
# instance in the npm package `pokesprite-images`. The pictures belong to their owners, and so may what a network makes
# of them: train on them for yourself, and describe what you have seen, but do not publish it. That is why this page
# has other creatures.
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
# :label: ex-coming-to-rest
# Let $p_r=p_g=N(0,1)$, and let the critic be linear, $f(x)=ax$. Derive the second derivative at $a=0$ of the
# discriminator's loss with $R_1$ of weight $\lambda$,
# $L(a)=\mathbb E\log(1+e^{-ax})+\mathbb E\log(1+e^{ax})+R_1$, and give it for $\lambda=0.3$. Show that $a=0$ is the only
# minimum. What would the penalty of WGAN-GP make of it?
# :::
#
# :::{hint}
# :class: dropdown
# The slope of $f$ is $a$ everywhere, so $R_1$ is a simple function of $a$. Differentiate $\log(1+e^u)$ twice, and
# remember that $\mathbb Ex^2=1$.
# :::

# %%
answer = ...
check("coming-to-rest", answer)

# %% [markdown]
# :::{solution} ex-coming-to-rest
# :class: dropdown
# Since $\nabla f=a$, {eq}`eq-r1` gives $R_1=\frac\lambda2a^2$, with second derivative $\lambda$. Let
# $s(u)=\log(1+e^u)$. Then $s'=\sigma$ and $s''=\sigma(1-\sigma)$, which is $\frac14$ at 0. So
#
# $$ \begin{aligned}L''(a)&=2\,\mathbb E\big[x^2\,\sigma(ax)(1-\sigma(ax))\big]+\lambda,\\
# L''(0)&=2\cdot\tfrac14\,\mathbb Ex^2+\lambda=\tfrac12+\lambda=0.8 .\end{aligned} $$
#
# $L''>0$ everywhere, so $L$ is strictly convex and has one minimum. By symmetry $L(-a)=L(a)$, so $L'(0)=0$, and it is
# at $a=0$: the critic comes to rest flat, and the generator feels nothing. In WGAN-GP, where $p_g=p_r$, the critic's loss
# is the penalty alone, $\lambda\,(|a|-1)^2$, least at $a=\pm1$: the critic stays steep, in a direction that chance
# decides, and pushes the generator away.
#
# ```python
# answer = 1 / 2 + 0.3
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
#   Doubling pixels before a convolution has none.
# - Either the first weights keep a signal alive, or a normalisation does. Batch normalisation lets pictures see each
#   other, which a penalty on slopes between samples cannot tolerate.
# - Where pictures are few, show the critic changed ones, *real and generated alike*. The generator then learns the
#   distribution itself wherever the change is injective on distributions.
# - $R_1$ lets a game come to rest: it costs nothing where the critic is flat, and a penalty on slopes other than 1 does.
# - "Better" needs a distance, an interval, and pictures beside it that are plainly wrong: jigsaws, salad, blur. "New"
#   needs a search for copies, held-out *forms* to compare with, and cheats that say what the search does not find.
#
# **Sources.** The experiment is that of {cite}`weng2019`, on other pictures; the networks are from {cite}`radford2016`,
# and checkerboards are explained by {cite}`odena2016`. Changing real and generated pictures alike is due to
# {cite}`zhao2020` and {cite}`karras2020`, who also say when a change can be told apart from the distribution behind it;
# the kernel distance is from {cite}`binkowski2018`. $R_1$ is from {cite}`mescheder2018`, the first weights from
# {cite}`he2015`. What had to be corrected is listed under {doc}`errata`.
