"""``python -m gantut.lessons NAME ...``: run experiments, and record what they find."""

import argparse
import os

from gantut.device import SCALES, choose_device, limit_threads
from gantut.lessons import record
from gantut.lessons.experiments import EXPERIMENTS

SEED = 0


def main() -> None:
    """Run the experiments named on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m gantut.lessons", description="Run experiments, and record what they find in book/results."
    )
    parser.add_argument("names", nargs="+", choices=sorted(EXPERIMENTS), metavar="NAME", help=", ".join(EXPERIMENTS))
    parser.add_argument("--scale", choices=SCALES, help="fast, or full: the sizes of the papers")
    parser.add_argument("--out", metavar="FOLDER", help="write there instead")
    arguments = parser.parse_args()
    if arguments.scale:
        os.environ["GANTUT_SCALE"] = arguments.scale
    limit_threads()
    for name in arguments.names:
        command = f"python -m gantut.lessons {name}" + (f" --scale {arguments.scale}" if arguments.scale else "")
        path = record(name, EXPERIMENTS[name], command=command, seed=SEED, device=choose_device(), folder=arguments.out)
        print(path)


if __name__ == "__main__":
    main()
