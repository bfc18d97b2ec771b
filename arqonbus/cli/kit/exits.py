"""Exit codes: what the program says to a shell. One table, for the code, ``--help`` and docs/CLI.md."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

__all__ = ["LOCAL", "MEANINGS", "TALKING", "Exit"]


class Exit(IntEnum):
    """How a command ended. Never given another meaning."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    TIMEOUT = 5
    REJECTED = 6
    LOSS = 7
    INTERRUPTED = 130


MEANINGS: Final[Mapping[Exit, str]] = MappingProxyType(
    {
        Exit.OK: "done",
        Exit.FAILED: "it failed, for a reason that has no number of its own",
        Exit.USAGE: "wrong usage, wrong configuration, or the server could not start",
        Exit.UNREACHABLE: "cannot connect",
        Exit.REFUSED: "the server does not let these credentials in, or do this",
        Exit.TIMEOUT: "no answer in time, or nobody there to give one",
        Exit.REJECTED: "the server, or who answered, said no",
        Exit.LOSS: "messages are missing, or a measurement missed its mark",
        Exit.INTERRUPTED: "interrupted (Ctrl-C) before it was done",
    }
)

LOCAL: Final = (Exit.OK, Exit.FAILED, Exit.USAGE)
"""Of a command that does not talk to a server."""

TALKING: Final = (*LOCAL, Exit.UNREACHABLE, Exit.REFUSED, Exit.TIMEOUT, Exit.REJECTED, Exit.INTERRUPTED)
"""Of a command that does."""
