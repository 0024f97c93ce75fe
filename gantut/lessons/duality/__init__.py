"""Duality"""

from gantut.lessons.duality._parallel_lines import parallel_lines

__all__ = ["parallel_lines"]
