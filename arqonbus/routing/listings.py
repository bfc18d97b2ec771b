"""Listings: pages of a room's channels, each row of which its channel has to write. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

from msgspec import Struct

from arqonbus.protocol.names import join_address
from arqonbus.protocol.payloads import ChannelInfo, ListChannelsResult
from arqonbus.routing.members import DEFAULT_PAGE
from arqonbus.routing.shared_mail import ChannelRow, ListChannels

__all__ = ["Listing", "Listings"]


class Listing(Struct):
    """One page, and what its channels have said so far."""

    n: int
    asked: ListChannels
    waits_for: set[str]
    cursor: str | None
    rows: list[ChannelInfo]

    @property
    def result(self) -> ListChannelsResult:
        """The page, by address; without channels that went meanwhile."""
        return ListChannelsResult(tuple(sorted(self.rows, key=lambda row: row.channel)), self.cursor)


class Listings:
    """All pages that one room waits for."""

    __slots__ = ("_by_number", "_n")

    def __init__(self) -> None:
        self._n = 0
        self._by_number: dict[int, Listing] = {}

    def begin(self, asked: ListChannels, room: str, channels: Iterable[str]) -> Listing:
        """Begin the page that was asked for, of these channels."""
        most, after = asked.args.limit or DEFAULT_PAGE, asked.args.cursor or ""
        found = nsmallest(most + 1, (name for name in channels if join_address(room, name) > after))
        page = found[:most]
        cursor = join_address(room, page[-1]) if len(found) > most else None
        self._n += 1
        listing = self._by_number[self._n] = Listing(self._n, asked, set(page), cursor, [])
        return listing

    def note(self, row: ChannelRow) -> None:
        """Take a row."""
        listing = self._by_number.get(row.n)
        if listing is not None and row.channel in listing.waits_for:
            listing.waits_for.discard(row.channel)
            listing.rows += [row.info] if row.info is not None else []

    def done(self, n: int) -> Listing | None:
        """Give a page that is complete, once."""
        listing = self._by_number.get(n)
        return self._by_number.pop(n) if listing is not None and not listing.waits_for else None
