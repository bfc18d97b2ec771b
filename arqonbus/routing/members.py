"""Members: who is in a channel, and the page of them that a command asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from itertools import chain
from typing import Any, Protocol

from msgspec import UNSET, Struct

from arqonbus.actor import Ref
from arqonbus.protocol.codec import encode
from arqonbus.protocol.payloads import MemberInfo, MembersArgs, MembersResult
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.census_mail import Beside
from arqonbus.routing.far_members import FarMembers

__all__ = ["DEFAULT_PAGE", "Everybody", "Member", "Members", "members_page", "row_of"]

PAGE_BYTES = 262_144  # of one answer, as history.page_bytes: a page that fills an outbox would close who asks for it
DEFAULT_PAGE = 100
"""Items in one answer of a list when the client names no limit."""


class Member(Struct, gc=False):
    """One member. ``direct`` and ``star`` say by which joins it is one; with neither it goes."""

    card: ClientCard
    joined_at: str  # RFC 3339
    direct: bool = False  # joined this channel
    star: bool = False  # joined the whole room
    group: str | None = None  # whose members share the events; None: it gets every event

    @property
    def client(self) -> str:
        """Its id, as rows of other nodes have it."""
        return self.card.client

    def info(self) -> MemberInfo:
        """Write it as clients read it."""
        card = self.card
        return MemberInfo(card.client, card.identity.user, card.profile, self.joined_at, self.group or UNSET)


class Members:
    """The members of one channel, in the order in which they came. Owned by the channel.

    Args:
        all_watch: every member is told of joins and leaves, not only those who ask.
    """

    __slots__ = ("_all_refs", "_all_watch", "_by_client", "count", "far", "known_refs", "watching")

    def __init__(self, all_watch: bool = False) -> None:
        self._all_watch = all_watch
        self._by_client: dict[str, Member] = {}
        self.watching: dict[str, Member] = {}  # those who are told of joins and leaves
        self.count = 0  # how many there are, on this node
        self.far = FarMembers()
        self.known_refs: tuple[Ref[Any], ...] | None = ()  # see refs; None: to be made anew
        self._all_refs: tuple[Ref[Any], ...] | None = ()  # of all members; likewise

    def join(
        self,
        card: ClientCard,
        joined_at: str,
        *,
        star: bool,
        watches: bool | None,
        group: str | None = None,
    ) -> bool:
        """Add a client, or another reason for which it is in. Returns whether it is new.

        Args:
            card: of the client.
            joined_at: RFC 3339, for a new one.
            star: it joins the whole room.
            watches: tell it of joins and leaves from now on, or no more; None: as it was.
            group: of a new one, whose events it shares; None: it gets every event.
        """
        member = self._by_client.get(card.client)
        is_new = member is None
        if member is None:
            member = self._by_client[card.client] = Member(card, joined_at, group=group)
            self.count += 1
            self.known_refs = self._all_refs = None
        elif member.card is not card:
            member.card = card  # another connection continues the client's
            self.known_refs = self._all_refs = None
        if star:
            member.star = True
        else:
            member.direct = True
        if watches or self._all_watch:
            self.watching[card.client] = member
        elif watches is False:
            self.watching.pop(card.client, None)
        return is_new

    def leave(self, client: str, *, star: bool) -> Member | None:
        """End one reason for which a client is in. Returns the member when it was the last one: it is out."""
        member = self._by_client.get(client)
        if member is None:
            return None
        if star:
            member.star = False
        else:
            member.direct = False
            if not self._all_watch:
                self.watching.pop(client, None)
        return None if member.star or member.direct else self.drop(client)

    def watch_all(self, all_watch: bool) -> None:
        """Tell every member of joins and leaves from now on; or only those who ask from now on."""
        if all_watch != self._all_watch:
            self._all_watch = all_watch
            self.watching = dict(self._by_client) if all_watch else {}

    def drop(self, client: str) -> Member | None:
        """Take a client out. Returns the member that it was; None: it was none."""
        member = self._by_client.pop(client, None)
        if member is not None:
            self.watching.pop(client, None)
            self.known_refs = self._all_refs = None
            self.count -= 1
        return member

    def get(self, client: str) -> Member | None:
        """Give a member by its id."""
        return self._by_client.get(client)

    @property
    def refs(self) -> tuple[Ref[Any], ...]:
        """Refs of those who get every event: all but the members of groups. O(members) after a change, else O(1)."""
        if self.known_refs is None:
            self.known_refs = tuple([member.card.ref for member in self._by_client.values() if member.group is None])
        return self.known_refs

    @property
    def all_refs(self) -> tuple[Ref[Any], ...]:
        """All members' refs. Likewise."""
        if self._all_refs is None:
            self._all_refs = tuple([member.card.ref for member in self._by_client.values()])
        return self._all_refs

    def everybody(self) -> Iterable[Member | MemberInfo]:
        """All of them, as they are while it is read; those of other nodes last."""
        return chain(self._by_client.values(), self.far.beside(self._by_client))

    @property
    def total(self) -> int:
        """How many there are, on all nodes."""
        return self.count + self.far.count(self._by_client)

    def __contains__(self, client: str) -> bool:
        """Whether a client is in, by this node."""
        return client in self._by_client

    def __getitem__(self, client: str) -> Member:
        return self._by_client[client]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_client.values())


class Everybody(Protocol):
    """The members of a channel, or of a room."""

    far: FarMembers

    def everybody(self) -> Iterable[Member | MemberInfo]:
        """All of them."""

    @property
    def total(self) -> int:
        """How many there are."""


def row_of(member: Member | MemberInfo) -> MemberInfo:
    """Write a member as clients read it."""
    return member.info() if isinstance(member, Member) else member


def members_page(members: Everybody, args: MembersArgs, beside: Beside | None = None) -> MembersResult:
    """Give one page, by client id, so that joins and leaves between two pages repeat and skip nobody else.

    Args:
        members: of the channel or room.
        args: of the command.
        beside: rows of crowds on other nodes, if they were asked for. O(members * log(limit)).
    """
    limit = args.limit or DEFAULT_PAGE
    after = args.cursor or ""
    least = beside.least if beside is not None else None
    everybody = {row.client: row for row in beside.rows} if beside is not None else {}
    known = (m for m in members.everybody() if m.client not in everybody)
    wanted = (m for m in chain(known, everybody.values()) if m.client > after and (least is None or m.client <= least))
    found = nsmallest(limit + 1, wanted, key=lambda m: m.client)
    page: list[MemberInfo] = []
    size = 0
    for member in found[:limit]:
        info = row_of(member)
        size += len(encode(info))
        if page and size > PAGE_BYTES:
            break
        page.append(info)
    is_partial = members.far.is_partial or (members.far.crowd > 0 and not (beside is not None and beside.is_whole))
    cursor = page[-1].client if len(page) < len(found) else least
    return MembersResult(tuple(page), members.total, cursor, True if is_partial else UNSET)
