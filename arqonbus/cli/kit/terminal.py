"""What a stream can show: whether a person reads it, colours, width. Standard library only."""

import os
import re
import shutil
from typing import Final, TextIO

__all__ = ["has_colour", "painted", "printable", "width"]

_CODES: Final = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal may take for an order: all controls but line break and tab, C1 ones too."""


def printable(text: str) -> str:
    """Return the text of somebody else without what a terminal would take for an order, as `\\x1b` in its place."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def has_colour(stream: TextIO, *, wanted: bool = True) -> bool:
    """Say whether the stream gets colours: a terminal that is not dumb, and nobody said no (``NO_COLOR``).

    Args:
        stream: stdout or stderr
        wanted: False: ``--no-color`` was given
    """
    if not wanted or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str, colour: str, on: bool) -> str:
    """Return the text in a colour (red, green, yellow, cyan, bold, dim), or as it is."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if on and text else text


def width() -> int:
    """Return the columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size().columns
