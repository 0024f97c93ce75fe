"""How far apart are two distributions?"""

from gantut.lessons.divergences._fit_a_bell import fit_a_bell

__all__ = ["fit_a_bell"]
