"""``python -m gantut``: see `gantut.cli`."""

import sys

from gantut.cli import main

if __name__ == "__main__":
    sys.exit(main())
