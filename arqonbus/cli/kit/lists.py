"""Lists: paged answers as one list, with a limit."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from arqonbus.cli.kit.arguments import count
from arqonbus.cli.kit.failures import note
from arqonbus.cli.kit.parser import Parser

__all__ = ["add_limit", "pages"]

T = TypeVar("T")

_PAGE: Final = 1000
"""Entries that are asked for at once; the protocol allows no more."""


def add_limit(parser: Parser) -> None:
    """Add the flag."""
    parser.add_argument("-l", "--limit", metavar="N", type=count, help="so many at most (default: all)")


async def pages(
    page: Callable[[int, str | None], Awaitable[tuple[tuple[T, ...], str | None]]], limit: int | None
) -> list[T]:
    """Read pages until there is no more, or enough; say so on stderr if there was more.

    Args:
        page: reads one, of so many entries at most, from a cursor on; gives it and the next cursor
        limit: entries; None: all
    """
    found: list[T] = []
    cursor: str | None = None
    while limit is None or len(found) < limit:
        entries, cursor = await page(_PAGE if limit is None else min(_PAGE, limit - len(found)), cursor)
        found += entries
        if cursor is None:
            return found
    note("there is more: --limit")
    return found
