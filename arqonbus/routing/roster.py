"""Roster: who is in a room, and by which joins. Owned by the room; its channels keep members of their own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from msgspec import Struct

from arqonbus.actor import Ref
from arqonbus.protocol.names import ALL_CHANNELS
from arqonbus.protocol.payloads import MemberInfo
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.far_members import FarMembers
from arqonbus.routing.members import Member

__all__ = ["Presence", "Roster"]


class Presence(Struct, gc=False):
    """One client in a room."""

    member: Member  # its ``star`` says whether it joined the whole room
    channels: frozenset[str] = frozenset()  # joined by name
    before: Ref[Any] | None = None  # the session that had it, until that ends; None: none had
    untaken: frozenset[str] = frozenset()  # of that one, channels or *, that the session of now did not join (yet)

    def is_in(self, channel: str) -> bool:
        """Whether it gets the events of ``channel``."""
        return self.member.star or channel in self.channels

    @property
    def is_over(self) -> bool:
        """Whether it is in nothing here any more."""
        return not self.channels and not self.member.star


class Roster:
    """The clients of one room, in the order in which they came."""

    __slots__ = ("_by_client", "_by_ref", "_heirs", "far", "watching")

    def __init__(self) -> None:
        self._by_client: dict[str, Presence] = {}
        self.watching: dict[str, Member] = {}  # those who are told who comes into the room and goes
        self.far = FarMembers()
        self._by_ref: dict[Ref[Any], Presence] = {}  # by the ref of the session that has it now
        self._heirs: dict[Ref[Any], Presence] = {}  # by the ref of the session that had it before

    def get(self, client: str) -> Presence | None:
        """Give a client's presence; None: it is not in the room."""
        return self._by_client.get(client)

    def of_session(self, ref: Ref[Any]) -> Presence | None:
        """Give the presence that a session has; None: it has none, or another session took its place."""
        return self._by_ref.get(ref)

    def has_star(self, card: ClientCard) -> bool:
        """Whether this very connection of the client joined the whole room."""
        presence = self._by_client.get(card.client)
        if presence is None or presence.member.card is not card:
            return False
        return presence.member.star and ALL_CHANNELS not in presence.untaken

    def enter(self, card: ClientCard, joined_at: str) -> tuple[Presence, bool]:
        """Give a client's presence, and whether its session is new here: at its first join, or in place of another."""
        presence = self._by_client.get(card.client)
        if presence is not None and presence.member.card is card:
            return presence, False
        if presence is None:
            presence = self._by_client[card.client] = Presence(Member(card, joined_at))
        else:
            self._succeed(presence, card)
        self._by_ref[card.ref] = presence
        return presence, True

    def _succeed(self, presence: Presence, card: ClientCard) -> None:
        """Let another connection continue the client's."""
        old = presence.member.card.ref
        self._by_ref.pop(old, None)
        self._heirs.pop(presence.before, None)  # type: ignore[arg-type] # None is no key
        self._heirs[old] = presence
        presence.before, presence.member.card = old, card
        presence.untaken = presence.channels | ({ALL_CHANNELS} if presence.member.star else set())

    def heir_of(self, ref: Ref[Any]) -> Presence | None:
        """Give the presence that a session had and that another one has now, once; what is untaken of it is over."""
        presence = self._heirs.pop(ref, None)
        if presence is not None:
            presence.before = None
        return presence

    def remove(self, client: str) -> None:
        """Take a client out. Without effect when it is not in."""
        presence = self._by_client.pop(client, None)
        self.watching.pop(client, None)
        if presence is not None:
            self._by_ref.pop(presence.member.card.ref, None)
            self._heirs.pop(presence.before, None)  # type: ignore[arg-type] # None is no key

    def everybody(self) -> Iterable[Member | MemberInfo]:
        """All of them, for lists; those of other nodes last."""
        here = (presence.member for presence in self._by_client.values())
        return chain(here, self.far.beside(self._by_client))

    @property
    def total(self) -> int:
        """How many there are, on all nodes."""
        return len(self._by_client) + self.far.count(self._by_client)

    def __contains__(self, client: str) -> bool:
        """Whether a client is in, by this node."""
        return client in self._by_client

    def refs(self) -> list[Ref[Any]]:
        """Everybody's ref: once each, however many channels they share."""
        return [presence.member.card.ref for presence in self._by_client.values()]

    @property
    def n_there(self) -> int:
        """How many have a connection now. O(members)."""
        return sum(not presence.member.card.is_away for presence in self._by_client.values())

    def stars(self) -> tuple[tuple[ClientCard, str], ...]:
        """(client, joined at) of those who joined the whole room."""
        members = (presence.member for presence in self._by_client.values())
        return tuple((member.card, member.joined_at) for member in members if member.star)

    def __len__(self) -> int:
        return len(self._by_client)

    def __iter__(self) -> Iterator[Presence]:
        """All presences, as they are now: the roster may change meanwhile."""
        return iter(list(self._by_client.values()))
