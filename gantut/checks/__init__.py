"""Claims: the one way in which a lesson or a test states that something is true.

>>> claim("dstar-half", "if p_g = p_r then D* = 1/2", 0.5, equals=0.5, atol=1e-12)
✓ dstar-half: if p_g = p_r then D* = 1/2  (0.5 ± 1e-12)

Every identifier is an entry of the book's ledger, ``book/claims.yml``, which says who claims it,
whether it is true, and how it is checked.
"""

from gantut.checks._claim import ClaimFailed, claim
from gantut.checks._ledger import Entry, Ledger, UnknownClaim, read_ledger

__all__ = ["ClaimFailed", "Entry", "Ledger", "UnknownClaim", "claim", "read_ledger"]
