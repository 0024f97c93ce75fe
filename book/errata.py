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
# # Errata
#
# The two texts that this book follows have taught a great many people, its authors among them. Read closely, and with a
# computer at hand, they turn out to contain slips: some of the pen, some of substance. Here they are, each with what is
# true instead and how that is checked. The page is made from the ledger, like {doc}`the list of all claims <claims>`.
# What stands in quotation marks is quoted. Weng's draft is an unfinished text; what it alone says, and the post has put
# right, is listed at the end, for those who read it.
#
# If you find an error in *this* book, please open an issue; it will be listed here too.

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
from gantut.lessons.ledger import errata_list

ledger = read_ledger()
errata = [entry for entry in ledger.entries.values() if entry.is_erratum]

# %% tags=["remove-input"]
put_right = [
    entry
    for entry in errata
    if all(source.startswith("weng-draft") for source in entry.sources)
]
published = [entry for entry in errata if entry not in put_right]
wrong = [entry for entry in published if entry.verdict == "wrong"]
imprecise = [entry for entry in published if entry.verdict != "wrong"]
shown = sum(entry.lesson in ledger.finished for entry in errata)
print(
    f"{len(wrong)} wrong, {len(imprecise)} imprecise, {len(put_right)} in the draft alone; {shown} are shown in a lesson."
)

# %% [markdown]
# ## Wrong as it stands

# %% tags=["remove-input"]
display(Markdown(errata_list(ledger, wrong)))

# %% [markdown]
# ## Imprecise
#
# True in some reading, or under a condition that is not named, but not as a student will read it.

# %% tags=["remove-input"]
display(Markdown(errata_list(ledger, imprecise)))

# %% [markdown]
# ## In the draft, and put right in the post

# %% tags=["remove-input"]
display(Markdown(errata_list(ledger, put_right) or "Nothing."))
