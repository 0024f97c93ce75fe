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
# # From GAN to Wasserstein GAN, executed
#
# You have read that "GANs minimise the Jensen–Shannon divergence", that "its gradients vanish", and that "the
# Wasserstein distance fixes it". **In this book you see it happen, or see where it does not.** Results are derived step
# by step and computed in front of you, and a statement that fails its check stops its lesson with an error; where the
# well-known texts are wrong, the book says so and shows it.
#
# ```{button-ref} 01_divergences
# :ref-type: doc
# :color: primary
# :class: sd-px-4 sd-fs-5
#
# Start with lesson 1
# ```
#
# Or first press *Start* in the box below: a generator (orange) learns to draw the blue clouds from nothing but the
# verdicts of a second network, whose opinion colours the plane.

# %% tags=["remove-cell"]
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

# %% tags=["remove-cell"]

import torch

from gantut import plots
from gantut.checks import read_ledger
from gantut.data import gaussian
from gantut.device import random_source
from gantut.divergences import js_between
from gantut.lessons.new_creatures import modern_generator
from gantut.lessons.new_creatures.plots import plot_creatures
from gantut.lessons.the_game import live_gan

distance = torch.linspace(-8, 8, 161, dtype=torch.float64)
parameters = distance.clone().requires_grad_()
js = torch.stack(
    [js_between(gaussian(0), gaussian(d)).value for d in parameters]
)
(js_slope,) = torch.autograd.grad(js.sum(), parameters)

# %% tags=["remove-input"]
live_gan()

# %% [markdown]
# Pictures take longer. A larger GAN, of {doc}`lesson 14 <14_new_creatures>`, draws these:

# %% tags=["remove-input"] mystnb={"image": {"alt": "Two rows of sixteen small pixel creatures on white, drawn by a generator: beasts, birds, knights and blobs in many colours, most with legs and a shadow, a few of them pale clouds."}, "figure": {"name": "fig-creatures-drawn", "caption": "None of these exists: 32 draws of the generator of lesson 14, which has seen 293 pictures; not a selection."}}
with torch.no_grad():
    noise = torch.randn(32, 64, generator=random_source(3))
    creatures = modern_generator()(noise)[0]
plot_creatures([plots.axes(1, 1, height=1.1)], {"": creatures}, columns=16)
plots.show()

# %% [markdown]
# This is how it learned to:
#
# ```{figure} images/creatures.gif
# :alt: A film of twelve pictures that a generator makes of the same twelve pieces of noise as it learns: a weave of colours, brown lumps on white, and at last small pixel creatures with legs, wings and tails.
# :name: fig-creatures-film
#
# What the generator made of twelve pieces of noise after each 16,384 pictures that it was shown. The film plays once.
# ```
#
# ## What you will be able to do
#
# - **Write** a GAN and a Wasserstein GAN in some thirty lines of PyTorch, and know what each line is for.
# - **Derive** the optimal discriminator, the $-2\log2$, the Kantorovich–Rubinstein duality and the Wasserstein GAN,
#   and say at each step what is assumed.
# - **Predict** when the training of a GAN stalls, circles or collapses, and show it on a population of runs instead
#   of one lucky seed.
# - **Use** the package, `gantut`, on your own data, on CPU and CUDA alike; it is tested in the corner cases where a
#   formula is easily coded wrong.
#
# You need calculus, elementary probability and some Python. Measure theory is not needed; where it matters, the
# lesson says what it would add.
#
# ## What the book found
#
# - **A stronger discriminator can ruin the game.** On a ring of eight clouds the same two networks cover all of it with
#   one discriminator step per iteration, and fall onto a single cloud with five ({doc}`lesson 2 <02_the_game>`).
# - **The discriminator sees mode collapse.** What is missing is a way out for the generator ({doc}`lesson 6
#   <06_mode_collapse>`).
# - **Some famous tricks lose to tuning.** Given as many tries, the plain game beats three of them ({doc}`lesson 8
#   <08_seven_tricks>`).
# - **Optimal transport is easy to compute and hard to sample.** Between two samples of the *same* distribution, the
#   distance falls to zero only like $n^{-1/d}$ ({doc}`lesson 9 <09_moving_dirt>`).
# - **A critic's loss can look right without knowing anything.** A critic that is zero everywhere certifies nearly as
#   much of the distance as a trained one ({doc}`lesson 12 <12_the_estimate>`).
# - **Three hundred pictures are enough to draw new ones**, with what has been learnt since 2017, in three quarters of an
#   hour of one processor core; and an audit says how new they are ({doc}`lesson 14 <14_new_creatures>`).
# - **No objective wins once all are tuned alike.** With five tries each, none is measurably better than the plain
#   non-saturating GAN on all data ({doc}`lesson 15 <15_created_equal>`).
# - **Friction, more than the loss, brings a GAN to rest.** With the same penalties and as much tuning, the plain loss
#   ends as near to three of four kinds of data as today's loss on pairs ({doc}`lesson 16 <16_which_games_converge>`).
# - **Without a critic, batches mislead.** A generator that descends the exact distance between batches becomes too
#   narrow ({doc}`lesson 17 <17_without_a_critic>`).
#
# ## The story in one picture

# %% tags=["remove-input"] mystnb={"image": {"alt": "Three panels. First: a real bell curve and a generated one five units to its right. Second: two distances between them over the generator's position: the Wasserstein distance is a V with its tip at the real distribution, the Jensen-Shannon divergence a narrow valley that is flat on both sides. Third: the slopes, which are what the generator learns from: the Wasserstein slope is minus one or one everywhere, the Jensen-Shannon slope vanishes beyond about six units."}, "figure": {"name": "fig-cover", "caption": "The story in one picture. A generator (dashed) is to move onto the data (solid). The second panel has two ways to say how far it is, the third what each tells it to do: where JS has nothing left to say, the Wasserstein distance still points the way."}}
x = torch.linspace(-4, 9, 400, dtype=torch.float64)
left, middle, right = plots.axes(1, 3, height=2.7)
plots.distributions(
    left,
    x,
    {"real": gaussian(0).density(x), "generated": gaussian(5).density(x)},
).set(ylim=(0, 0.62), title="the task")
colours = [plots.THIRD, plots.FOURTH]
plots.lines(
    middle,
    distance,
    {"_W": distance.abs(), "_JS": js.detach()},
    colours=colours,
)
middle.set(xlabel="generator at", ylim=(-0.1, 5.4), title="how far?")
middle.text(0, 4.6, "Wasserstein", color=plots.THIRD, ha="center")
middle.text(0, 1.1, "JS", color=plots.FOURTH, ha="center")
plots.lines(
    right,
    distance,
    {"_W": distance.sign(), "_JS": js_slope},
    colours=colours,
)
right.set(xlabel="generator at", ylim=(-1.25, 1.25), title="which way?")
plots.show()

# %% [markdown]
# ## The path
#
# | | Lesson | The question |
# |---|---|---|
# | 1 | {doc}`How far apart are two distributions? <01_divergences>` | What do KL and JS measure, and what do they miss? |
# | 2 | {doc}`The game <02_the_game>` | What are generator and discriminator playing for? |
# | 3 | {doc}`The optimal discriminator <03_optimal_discriminator>` | What does a discriminator's best value say about the generator? |
# | 4 | {doc}`No equilibrium in sight <04_no_equilibrium>` | Why do two players who both improve run in circles? |
# | 5 | {doc}`Thin supports and vanishing gradients <05_vanishing_gradients>` | Why can a discriminator be too good? |
# | 6 | {doc}`Mode collapse <06_mode_collapse>` | When does a GAN lose half of its data, and why does it not find its way back? |
# | 7 | {doc}`Seeing collapse <07_seeing_collapse>` | Which number shows what is lost? |
# | 8 | {doc}`Seven tricks <08_seven_tricks>` | Which of the well-known remedies help, and when? |
# | 9 | {doc}`Moving dirt <09_moving_dirt>` | What does it cost to turn one distribution into another? |
# | 10 | {doc}`Duality <10_duality>` | Why does a single function, nowhere steeper than 1, reveal that cost? |
# | 11 | {doc}`The Wasserstein GAN <11_wasserstein_gan>` | What becomes of the game when it is played for that cost? |
# | 12 | {doc}`What the estimate means <12_the_estimate>` | Does the critic's number say how far the generator is? |
# | 13 | {doc}`Better critics <13_better_critics>` | How do you keep a critic from being too steep, and which way is right? |
# | 14 | {doc}`New creatures <14_new_creatures>` | Can it draw new creatures, and how would we know? |
# | 15 | {doc}`Are GANs created equal? <15_created_equal>` | Which one is best, and how would we know? |
# | 16 | {doc}`Which games converge? <16_which_games_converge>` | Which of all these rules bring a GAN to rest, and why? |
# | 17 | {doc}`Do we need a critic? <17_without_a_critic>` | What can be had without the second player, and what not? |
#
# What they have to prove or to refute is kept in the ledger:

# %% tags=["remove-input"]
ledger = read_ledger()
entries = ledger.entries.values()
shown = sum(entry.lesson in ledger.finished for entry in entries)
how_many = "all" if shown == len(entries) else shown
print(
    f"{len(entries)} claims are in the ledger; {how_many} of them are shown in the lessons above."
)
print(
    f"{sum(entry.is_erratum for entry in entries)} of the {len(entries)} are imprecise or wrong as they stand in the sources."
)

# %% [markdown]
# - {doc}`claims` lists every statement: who makes it, whether it holds, and how it is checked.
# - {doc}`errata` collects what the sources get wrong, with the corrections.
# - {doc}`notation`, a {doc}`glossary` and {doc}`the package <api>` are there to look things up.
# - {doc}`teaching` is a plan for five sessions with a class, and {doc}`speed` says how long each lesson takes.
#
# ## How to read
#
# **A line that begins with ✓ is a claim that the cell above it has checked.** On these pages it says what is claimed,
# what was found beside what was wanted, how it was checked, and its name in the ledger. In a notebook the same line
# reads
#
# ```text
# ✓ dstar-half: if p_g = p_r then D* = 1/2 everywhere  (0.5 ± 1e-15)
# ```
#
# where ± is followed by the tolerance. Had the numbers not agreed, the cell would have stopped with an error. The pages
# show stored outputs; before they are published, the tests run every lesson anew. Claims are checked in one of five
# ways: *symbolically*, by algebra that holds for all values; *exactly*, up to rounding; *by quadrature*, with an error
# estimate; *by Monte Carlo*, with a standard error; or *on a population of trainings*, with its spread. The further
# down this list, the more a check is an observation and the less it is a proof.
#
# **Exercises answer back.** Type a number or a formula into the box below the exercise, and the page says whether it is
# right. Where the answer is a function, open the lesson in Colab (the rocket at the top of its page) or on your own
# machine, put your function in place of the dots and run the cell.
#
# **Twelve labs run in your browser**, even offline. Play {doc}`the GAN above <02_the_game>`, {doc}`the
# game of x and y <04_no_equilibrium>` and {doc}`the smallest GAN <16_which_games_converge>`. Measure: {doc}`fit one bell to
# two <01_divergences>`, {doc}`move dirt <09_moving_dirt>`, {doc}`drag a potential, and move parallel lines <10_duality>`.
# Train: {doc}`a discriminator that wins <05_vanishing_gradients>`, {doc}`D* beside a critic <11_wasserstein_gan>`, {doc}`a
# recorded population <12_the_estimate>`, {doc}`clipping beside a penalty <13_better_critics>`. Draw, and {doc}`particles
# flow to your drawing <17_without_a_critic>`. Each works with mouse, finger and keyboard, and its numbers are tested
# against `gantut`.
#
# **On your own machine** you need Python 3.11 or newer and `make`:
#
# ```bash
# git clone https://github.com/gantut/gantut
# cd gantut
# make book    # build these pages, and print where they are
# make test    # check every statement in them
# ```
#
# After that, `source .venv/bin/activate` switches to the environment that was made, and `jupyter-lab` (if you have it)
# or any editor that understands notebooks opens the lessons in `book/`. Each lesson is a plain Python file too: `python
# book/01_divergences.py` runs it and prints its claims. Two environment variables change how a lesson runs:
# `GANTUT_DEVICE=cuda` puts it on a GPU, and `GANTUT_SCALE=full` takes the sizes of the papers instead of its own.
#
# ## Where it comes from
#
# The path follows two texts that many have learnt from: Lilian Weng's post {cite}`weng2019` and Peng Xu's slides
# {cite}`xu2020`, both called *From GAN to Wasserstein GAN* or nearly so. The wording, the code and the figures are
# this book's own. Text and figures are under CC BY 4.0, the code under the MIT licence.
