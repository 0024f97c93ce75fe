"""``python -m gantut``: see `gantut.commands`."""

import sys

from gantut.commands import main

if __name__ == "__main__":
    sys.exit(main())
