"""``python -m gantut`` (or ``gantut``): train, sample, doctor, export and study, one module a command.

``_main`` turns the words of a command line into an exit status; ``_arguments`` reads them, with `tyro`; ``_run`` is
what a run is: a `gantut.training.Config`, its data, its networks and its schedule; ``_data`` loads the data it names;
``_saved`` reads a run's folder back. ``_train`` (with ``_survey`` of the data, and ``_dry``), ``_sample``, ``_doctor``
(its checks are in ``_diagnostics``), ``_export`` and ``_study`` are the commands. Nothing but ``_main`` is imported
before a command is known, so that ``--help`` is quick.
"""

from gantut.cli._main import main

__all__ = ["main"]
