"""What ``python -m gantut`` does: one module a command.

``_parser`` is the command line and its help; ``_plan`` is what a run is, as plain data; ``_settings`` makes one of the
words of a command line, ``_sources`` its data; ``_runs`` reads a run's folder back. ``_train``, ``_sample``,
``_doctor`` (with the examinations in ``_examinations``) and ``_study`` are the commands.
"""

from gantut.commands._main import main

__all__ = ["main"]
