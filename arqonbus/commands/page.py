"""Pages of lists: sorted by key, continued after the last key shown, so nothing is repeated or skipped by changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import TypeVar

from arqonbus.routing.members import DEFAULT_PAGE

__all__ = ["page_of"]

T = TypeVar("T")


def page_of(
    items: Iterable[T], key: Callable[[T], str], limit: int | None, cursor: str | None
) -> tuple[list[T], str | None]:
    """Give the page after ``cursor``.

    Args:
        items: in any order.
        key: unique for each item, not empty.
        limit: most items; None: DEFAULT_PAGE.
        cursor: of the answer before; None: the first page.

    Returns:
        The items, ascending by key, and the cursor of the next page; None: there is none. O(n log limit).
    """
    most = limit or DEFAULT_PAGE
    after = cursor or ""
    found = nsmallest(most + 1, (item for item in items if key(item) > after), key=key)
    page = found[:most]
    return page, key(page[-1]) if len(found) > most else None
