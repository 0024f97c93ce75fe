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
wrong = sum(entry.verdict == "wrong" for entry in errata)
shown = sum(entry.lesson in ledger.finished for entry in errata)
print(
    f"{len(errata)} slips: {wrong} wrong, {len(errata) - wrong} imprecise; {shown} are shown in a finished lesson."
)

# %% [markdown]
# ## Wrong as it stands

# %% tags=["remove-input"]
display(
    Markdown(
        errata_list(
            ledger, [entry for entry in errata if entry.verdict == "wrong"]
        )
    )
)

# %% [markdown]
# ## Imprecise
#
# True in some reading, but not as a student will read it.

# %% tags=["remove-input"]
display(
    Markdown(
        errata_list(
            ledger,
            [entry for entry in errata if entry.verdict == "imprecise"],
        )
    )
)
