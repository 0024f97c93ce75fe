"""``python -m gantut study``: many random settings of every objective, under one budget; lesson 13."""

import argparse
import shlex

from gantut.commands._processes import place, told_to_stop
from gantut.lessons.created_equal import study, summary


def run(arguments: argparse.Namespace) -> int:
    """Make the tries that a study lacks; return the exit status."""
    where = place()
    names = ("budget", "seeds", "distributions", "objectives", "scale", "updates", "seed", "seconds")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    quiet = arguments.quiet or not where.speaks
    with told_to_stop():
        try:
            found = study(arguments.out, **given, progress=False if quiet else None)
        except KeyboardInterrupt:
            if where.speaks:
                again = shlex.join(["python", "-m", "gantut", *arguments.words])
                print(f"\nStopped; all tries that were finished are saved. To go on:\n  {again}")
            return 130
    if where.speaks:
        print(summary(found))
    return 0
