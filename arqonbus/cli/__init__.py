"""The ``arqonbus`` command: one module a command in `commands`, what they share in `kit`, the list of them in `table`.

Only the standard library is imported here, and the rest inside the command that needs it: ``--help`` answers at once.
"""

from arqonbus.cli.program import main

__all__ = ["main"]
