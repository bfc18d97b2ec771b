"""Listings: pages of a room's channels over all nodes that have some of them open. Pure.

Who is asked says so to all nodes of the room (ASK); each answers with the rows that it has (ROWS). Rows of a channel
that several nodes have open differ at most by what one has not heard yet: the first counts, one's own before others'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nsmallest

from msgspec import Struct
from msgspec.json import decode, encode

from arqonbus.protocol.names import join_address
from arqonbus.protocol.payloads import ChannelInfo, ListChannelsArgs, ListChannelsResult
from arqonbus.routing.members import DEFAULT_PAGE
from arqonbus.routing.shared_mail import ListChannels

__all__ = ["ASK", "ROWS", "Listing", "Listings", "rows_for"]

ASK, ROWS = b"l", b"r"
"""What a question and an answer begin with, among all that the nodes of a room may say to each other."""


class Listing(Struct):
    """One page, and what nodes have said so far."""

    asked: ListChannels
    rows: dict[str, ChannelInfo]
    n_answers: int = 0
    n_nodes: int | None = None  # that were asked, this one among them; None: not known yet

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to come."""
        return self.n_nodes is not None and self.n_answers >= self.n_nodes - 1

    @property
    def result(self) -> ListChannelsResult:
        """The page, by address."""
        rows = rows_for(self.asked.args, self.rows.values())
        most = self.asked.args.limit or DEFAULT_PAGE
        page = rows[:most]
        return ListChannelsResult(tuple(page), _key(page[-1]) if len(rows) > most else None)


class Listings:
    """All pages that one room waits for.

    Args:
        life: unique among all lives of all rooms.
    """

    __slots__ = ("_by_token", "_life", "_n")

    def __init__(self, life: str) -> None:
        self._life = life
        self._n = 0
        self._by_token: dict[str, Listing] = {}

    def begin(self, asked: ListChannels, own: Iterable[ChannelInfo]) -> tuple[str, bytes]:
        """Begin a page. Gives its token, and what to say to all nodes."""
        self._n += 1
        token = f"{self._life}.{self._n}"
        self._by_token[token] = Listing(asked, {row.channel: row for row in own})
        return token, b"%b%b\n%b" % (ASK, token.encode(), encode(asked.args))

    def answer(self, data: bytes, own: Iterable[ChannelInfo]) -> bytes | None:
        """Give what to say to a question of another node; None: it is this one's."""
        token, _, args = data[len(ASK) :].partition(b"\n")
        if token.decode() in self._by_token or token.decode().rpartition(".")[0] == self._life:
            return None
        return b"%b%b\n%b" % (ROWS, token, encode(rows_for(decode(args, type=ListChannelsArgs), own)))

    def note(self, data: bytes) -> Listing | None:
        """Take the rows of another node. Returns the page if it is done by that, once."""
        name, _, rows = data[len(ROWS) :].partition(b"\n")
        listing = self._by_token.get(name.decode())
        if listing is None:
            return None  # another node's, or too late
        listing.n_answers += 1
        for row in decode(rows, type=list[ChannelInfo]):
            listing.rows.setdefault(row.channel, row)
        return self._done(name.decode())

    def asked(self, token: str, n_nodes: int) -> Listing | None:
        """Note how many nodes were asked; 0: whoever has not answered by now will not. As ``note``."""
        listing = self._by_token.get(token)
        if listing is None:
            return None
        listing.n_nodes = n_nodes
        return self._done(token)

    def _done(self, token: str) -> Listing | None:
        return self._by_token.pop(token) if self._by_token[token].is_done else None

    @property
    def is_asking(self) -> bool:
        """Whether somebody waits for a page."""
        return bool(self._by_token)


def rows_for(args: ListChannelsArgs, rows: Iterable[ChannelInfo]) -> Sequence[ChannelInfo]:
    """Give the rows that a page may need, and one more, ascending."""
    after = args.cursor or ""
    return nsmallest((args.limit or DEFAULT_PAGE) + 1, (row for row in rows if _key(row) > after), key=_key)


def _key(row: ChannelInfo) -> str:
    return join_address(row.room, row.channel)
