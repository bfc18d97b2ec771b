"""Output: what goes to stdout. JSON for programs, tables for people, plain lines for pipes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from arqonbus.cli.kit.records import Record
from arqonbus.cli.kit.terminal import has_colour, painted, printable, width

__all__ = ["Column", "Output", "duration"]

_GAP = "  "
_IN_ONE_LINE = str.maketrans("\t\r\n", "   ")


class Column(NamedTuple):
    """One column of a table."""

    title: str
    right: bool = False
    """True: numbers, aligned to the right."""
    rank: int = 0
    """A narrow terminal leaves out the columns of the highest rank first; 0: never."""


class Output:
    """Stdout as one command uses it.

    Args:
        as_json: whether `--json` was given
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.is_terminal = sys.stdout.isatty()
        self.has_colour = has_colour(sys.stdout)

    def record(self, record: Record) -> None:
        """Write one object, and let it go at once."""
        self.line(msgspec.json.encode(record).decode())

    def line(self, text: str) -> None:
        """Write a line, and let it go at once."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def painted(self, text: str, colour: str) -> str:
        """Colour a text, if colours are wanted."""
        return painted(text, colour, self.has_colour)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
        """Write rows: aligned, with titles, no wider than the terminal; to a pipe, values with tabs between."""
        cells = [["" if cell is None else str(cell).translate(_IN_ONE_LINE) for cell in row] for row in rows]
        if not self.is_terminal:
            for row in cells:
                self.line("\t".join(row))
            return
        cells = [[printable(cell) for cell in row] for row in cells]
        kept, widths = _fitting(columns, cells, width())
        titles = _GAP.join(_aligned(columns[i].title, widths[i], columns[i].right) for i in kept)
        self.line(painted(titles.rstrip(), "bold", self.has_colour))
        for row in cells:
            self.line(_GAP.join(_aligned(row[i], widths[i], columns[i].right) for i in kept).rstrip())

    def facts(self, facts: Iterable[tuple[str, object]]) -> None:
        """Write names and values, one pair a line."""
        pairs = [(name, "" if value is None else str(value)) for name, value in facts]
        wide = max((len(name) for name, _ in pairs), default=0)
        for name, value in pairs:
            self.line(f"{name:<{wide}}{_GAP}{value}".rstrip() if self.is_terminal else f"{name}\t{value}")

    def when(self, timestamp: str) -> str:
        """Write a time: for people how long ago, for pipes as it is (RFC 3339)."""
        if not self.is_terminal:
            return timestamp
        try:
            then = datetime.fromisoformat(timestamp)
        except ValueError:
            return timestamp
        return f"{duration((datetime.now(UTC) - then).total_seconds())} ago"


def duration(seconds: float) -> str:
    """Write a time span in its largest unit, `0s` to `999d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def _fitting(columns: Sequence[Column], cells: Sequence[Sequence[str]], limit: int) -> tuple[list[int], list[int]]:
    """Give the columns that fit, by number, and the width of each column; the last one is cut if it must be."""
    widths = [max([len(column.title), *(len(row[i]) for row in cells)]) for i, column in enumerate(columns)]
    kept = list(range(len(columns)))

    def total() -> int:
        return sum(widths[i] for i in kept) + len(_GAP) * (len(kept) - 1)

    while total() > limit and any(columns[i].rank for i in kept):
        kept.remove(max(kept, key=lambda i: columns[i].rank))
    if total() > limit:
        widths[kept[-1]] = max(4, widths[kept[-1]] - (total() - limit))
    return kept, widths


def _aligned(text: str, wide: int, right: bool) -> str:
    if len(text) > wide:
        text = f"{text[: wide - 1]}…"
    return text.rjust(wide) if right else text.ljust(wide)
