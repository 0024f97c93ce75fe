"""Duality"""

from gantut.lessons.duality._drag_a_potential import drag_a_potential
from gantut.lessons.duality._parallel_lines import parallel_lines

__all__ = ["drag_a_potential", "parallel_lines"]
