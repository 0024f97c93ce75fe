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
# # Speed
#
# How long `gantut` takes for optimal transport, beside the well-known libraries: {cite}`flamary2021` (POT), SciPy,
# GeomLoss, OTT and MDOT-TNT, on the same problems, in one process, one after another; and for training, beside loops
# that train one model at a time. What counts is the *ratios* of the medians; the seconds are those of one small machine.
# For transport every row also says how far each answer is from the truth, which none of the contestants computes, since
# a fast wrong answer is no answer. The records were made by `make bench`, which you can repeat.

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
import json
from pathlib import Path

from IPython.display import Markdown, display

from gantut.lessons import in_print

here = Path(__file__).parent if "__file__" in globals() else Path()
record = json.loads((here / "results/transport.json").read_text())


def number(value, digits):
    """A number with so many digits: 2·10⁻¹⁶ for 2e-16."""
    if value == 0 or (value >= 0.001 and digits > 1):
        return f"{value:.{digits}g}"
    digits, power = f"{value:.{digits - 1}e}".split("e")
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return f"{digits}·10{str(int(power)).translate(raised)}"


def table(name):
    """One table of the record, as Markdown: seconds (and error), and gantut's ratios to the fastest peer."""
    rows = record["tables"][name]
    shared = "ratio on all cores" in rows[0]
    names = list(
        dict.fromkeys(key for row in rows for key in row["seconds"])
    )
    head = [*map(in_print, names), "ratio", "on all cores"]
    head = head[: len(names) + 1 + shared]
    lines = [
        "| problem | " + " | ".join(head),
        "|---" + "|---:" * len(head),
    ]
    for row in rows:
        cells = [in_print(row["problem"])]
        for n in names:
            seconds, error = row["seconds"].get(n), row["error"].get(n)
            cells.append(
                ""
                if seconds is None
                else f"{number(seconds, 3)} ({number(error, 1)})"
            )
        cells.append(f"**{row['ratio']:.2f}**" if row["ratio"] else "")
        if shared:
            cells.append(f"**{row['ratio on all cores']:.2f}**")
        lines.append("| " + " | ".join(cells))
    return "\n".join(line + " |" for line in lines)


# %% tags=["remove-input"]
facts = record["provenance"]
versions = ", ".join(
    f"{name} {version}" for name, version in facts["versions"].items()
)
display(
    Markdown(
        f"Recorded at commit `{facts['commit'][:10]}` in {facts['seconds']} s on {facts.get('processor', 'one processor')} "
        f"({facts['machine']}), Python {facts['python']}, {versions}. The machine was shared: about "
        f"{facts.get('load', 'an unknown number of')} processes wanted its cores at the end."
    )
)

# %% [markdown]
# Each cell gives seconds and, in brackets, the error. Seconds are processor time, so that whatever else runs on the
# machine makes little difference; short calls are repeated for a millisecond at a time. The **ratio** is the time of
# the fastest peer divided by that of `gantut`: above 1, `gantut` is faster. Where `gantut` shares problems or rows
# among threads, a second ratio compares wall-clock times, with every library free to use as many threads as there are
# cores.
#
# ## On the line
#
# $W_1$ between batches of samples of equal size, in double precision, also by one line of NumPy,
# `np.abs(np.sort(u) - np.sort(v)).mean(1)`, and by one like it of PyTorch; neither checks anything. `gantut` is timed as
# it is in a loop, after the hundred calls before its compiled code takes over; the calls before that take a fifth longer
# than NumPy's line on a small problem. Error: the largest absolute one.

# %% tags=["remove-input"]
display(Markdown(table("on the line")))

# %% [markdown]
# ## Exact
#
# The cheapest plan between two clouds, uniform unless weights are named, Euclidean cost; `gantut` and POT with both
# potentials, SciPy's `linear_sum_assignment` with none; `gantut` also certifies the gap. MDOT-TNT approximates, here at
# the temperature that is its default. Error: relative, against the lower bound that potentials prove by weak duality,
# summed without rounding. Up to some thirty points most of the time goes into turning tensors into arrays and back, and
# SciPy, which is handed arrays and hands back an assignment, is ahead. Equally many points of equal mass are assigned
# along shortest paths; all other problems go to a network simplex, in many dimensions on chosen arcs alone. Before the
# first call on a machine both are compiled, which takes some seconds and is not in the table.

# %% tags=["remove-input"]
display(Markdown(table("exact")))

# %% [markdown]
# Many small problems at once:

# %% tags=["remove-input"]
display(Markdown(table("exact, in batches")))

# %% [markdown]
# ## Entropic
#
# Sinkhorn's algorithm, squared Euclidean cost, $\varepsilon$ at two hundredths of the mean cost, until *both* marginals
# are met. Error: of the worse marginal, in $L^1$, recomputed from the potentials that were returned; POT's threshold is
# lowered until it is met. POT's plain kernel is its fastest method, but underflows where $\varepsilon$ is small; its
# log-domain method does not, and neither do OTT (with its defaults) or `gantut`. GeomLoss is left out here, since it
# stops by a schedule and not at a given error.

# %% tags=["remove-input"]
display(Markdown(table("entropic")))

# %% [markdown]
# The Sinkhorn divergence with its gradient; GeomLoss with the settings named. Error: relative, of the gradient, against
# that of plain loops, run until the marginals are met to $10^{-9}$.

# %% tags=["remove-input"]
display(Markdown(table("divergence with gradient")))

# %% [markdown]
# Memory above that before the call, for twenty iterations, with whatever libraries the call had to load:

# %% tags=["remove-input"]
for row in record["tables"]["memory"]:
    print(
        f"{row['problem']:9s}: {row['megabytes']:4.0f} MB; the matrix of costs alone would take {row['matrix']:4.0f} MB"
    )

# %% [markdown]
# ## Training
#
# Sixty-four Wasserstein GANs with gradient penalty on points of the plane, with two hidden layers, five critic steps
# per iteration. `gantut` trains them as one population. The *plain loop* trains one model as the well-known collections
# of GANs write it; the *careful loop* is the same with fused optimizers, without unneeded gradients and without reading
# numbers back. Speeds are in model-steps per second; one model-step is five critic steps and one generator step of one
# model. Each contestant runs with one thread or two, whichever is faster for it.

# %% tags=["remove-input"]
training = json.loads((here / "results/training.json").read_text())
facts = training["provenance"]
lines = [
    "| networks | plain loop | careful loop | gantut | ratio to plain | to careful | share of the matrix peak |",
    "|---|---:|---:|---:|---:|---:|---:|",
]
for row in training["tables"]["populations"]:
    best = [
        max(
            rate
            for who, rate in row["rates"].items()
            if who.startswith(kind)
        )
        for kind in ("plain", "careful", "gantut")
    ]
    cells = [row["problem"], *(f"{rate:.0f}" for rate in best)]
    cells += [
        f"**{row[f'ratio to the {kind} loop']:.1f}**"
        for kind in ("plain", "careful")
    ]
    cells.append(f"{row['share of the matrix peak']:.0%}")
    lines.append("| " + " | ".join(cells) + " |")
display(Markdown("\n".join(lines)))
display(
    Markdown(
        f"Recorded at commit `{facts['commit'][:10]}` on {facts['machine'].split(',')[0]}, two cores, torch {facts['versions']['torch']}."
    )
)

# %% [markdown]
# The last column says what fraction of the speed that the machine's matrix product reaches on large matrices remains
# when training these small networks, counting only the operations in matrix products.
#
# One model at a time, but a convolutional one: the DCGAN of {cite}`radford2016`, on pictures, on one thread, in images
# seen by the critic per second of processor time. The *plain loop* is PyTorch's own example of a DCGAN, and a
# Wasserstein GAN with gradient penalty as the collections write it; the *careful loop* is the same with channels last
# in memory, fused optimizers and no unneeded gradients. Both loops of the DCGAN show its generator's pictures to both
# players; `gantut` draws new ones for the generator's step, as Algorithm 1 does, and so generates twice as many.
# *Mixed* is `train(..., amp=True)`: the products in bfloat16, the gradient penalty in single precision; how much is
# gained depends on the processor. The *modern* game is what `python -m gantut train` plays: residual networks, R₁,
# changed pictures and an averaged generator. Its loops send real and generated pictures through the critic together.

# %% tags=["remove-input"]
images = json.loads((here / "results/images.json").read_text())
facts = images["provenance"]
lines = [
    "| networks | plain loop | careful loop | gantut | mixed | ratio to plain | to careful | mixed to plain |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
]
players = (
    "plain loop",
    "careful loop",
    "gantut",
    "gantut, mixed precision",
)
ratios = (
    "single precision to the plain loop",
    "single precision to the careful loop",
    "mixed precision to the plain loop",
)
for row in images["tables"]["images"]:
    rates = [f"{row['rates'][who]:.0f}" for who in players]
    cells = [
        in_print(row["problem"]),
        *rates,
        *(f"**{row[ratio]:.2f}**" for ratio in ratios),
    ]
    lines.append("| " + " | ".join(cells) + " |")
display(Markdown("\n".join(lines)))
same = row[
    "mixed precision to the careful loop in the same"
]  # of the last, the modern game
fastest = row["rates"]["careful loop, mixed precision"]
display(
    Markdown(
        f"A careful loop in mixed precision as well was raced in the modern game alone: it sees {fastest:.0f} pictures a second, "
        f"and `gantut` in mixed precision {same:.2f} times as many."
    )
)
display(
    Markdown(
        f"Recorded at commit `{facts['commit'][:10]}` on {facts['machine'].split(',')[0]}, one thread, torch {facts['versions']['torch']}."
    )
)

# %% [markdown]
# ## The lessons
#
# What a lesson costs: the time to read it, by its own estimate, and the time to execute all of its cells with one
# thread, as recorded when its notebook was last executed. On an idle machine, processor time on one core equals
# wall-clock time.
#
# ```{lesson-times}
# ```
