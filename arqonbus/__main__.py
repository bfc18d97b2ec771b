"""``python -m arqonbus``: the same as the ``arqonbus`` command."""

import sys

from arqonbus.cli import main

if __name__ == "__main__":
    sys.exit(main())
