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
# # All claims
#
# Everything that the sources of this book claim, and what is true of it: this page is made from the ledger,
# `book/claims.yml`, and nothing on it is written by hand. A claim whose lesson is finished is shown there, once, by
# code that fails if the claim does not hold; the others wait for their lesson.

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
from IPython.display import Markdown, display

from gantut.checks import read_ledger
from gantut.lessons.ledger import claims_list, summary_table

ledger = read_ledger()

# %% tags=["remove-input"]
display(Markdown(summary_table(ledger)))

# %% [markdown]
# The columns on the right say how the claims are checked, from the strongest way to the weakest: *symbolic*, by
# algebra; *exact*, up to rounding, against a closed form or a certificate; *quadrature*, numerical integration with an
# error estimate; *monte-carlo*, random draws with a standard error; *population*, many trainings and their spread;
# *reading*, for slips that no program can find.

# %% [markdown]
# ## 1 · How far apart are two distributions?

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("01"))))

# %% [markdown]
# ## 2 · The game

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("02"))))

# %% [markdown]
# ## 3 · The optimal discriminator

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("03"))))

# %% [markdown]
# ## 4 · No equilibrium in sight

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("04"))))

# %% [markdown]
# ## 5 · Thin supports and vanishing gradients

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("05"))))

# %% [markdown]
# ## 6 · Mode collapse, and how to see it

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("06"))))

# %% [markdown]
# ## 7 · Seven tricks

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("07"))))

# %% [markdown]
# ## 8 · Moving dirt

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("08"))))

# %% [markdown]
# ## 9 · Duality

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("09"))))

# %% [markdown]
# ## 10 · The Wasserstein GAN

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("10"))))

# %% [markdown]
# ## 11 · Better critics

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("11"))))

# %% [markdown]
# ## 12 · New creatures

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("12"))))

# %% [markdown]
# ## 13 · Are GANs created equal?

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("13"))))

# %% [markdown]
# ## 16 · Which games converge?

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("16"))))

# %% [markdown]
# ## What the sources get wrong

# %% tags=["remove-input"]
display(Markdown(claims_list(ledger, ledger.of_lesson("errata"))))
