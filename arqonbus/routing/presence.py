"""Presence: who is told of joins and leaves, and what. One herald a channel, and one a room for watchers of ``*``.

| members | a join or leave | a new profile | rows |
|---|---|---|---|
| few | member_joined, member_left to each watcher | member_updated | to who asks for presence |
| a crowd | member_count, at most one a second; O(1) a join | nothing | none |
| few again | members_present: all rows, then as for few | | |

All of it goes out from the one actor that owns the members, and by one lane: rows and what follows them can neither
miss anybody nor tell anybody twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from msgspec import UNSET, Struct, UnsetType

from arqonbus.actor import Context
from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import System, SystemEvent
from arqonbus.protocol.payloads import LeftReason, MemberCount, MemberInfo, MemberJoined, MemberLeft, MembersPresent
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.fanout import deliver_one, fan_out
from arqonbus.routing.mail import PresenceTick
from arqonbus.routing.members import PAGE_BYTES, Member

__all__ = ["Audience", "Herald"]

TICK_S = 1.0  # between two messages that gather what happened meanwhile
CALM_BYTES = PAGE_BYTES * 3 // 4  # of rows: a crowd for their size is one until they are clearly smaller again

Rows = tuple[MemberInfo, ...]


class Audience(Protocol):
    """Who is in, and who of them watches: the members of a channel, or of a room."""

    watching: dict[str, Member]  # by client id

    def __len__(self) -> int:
        """How many are in."""

    def members(self) -> Iterable[Member]:
        """Everybody, in the order in which they came."""


class Herald:
    """Tells the watchers of one channel or room. Owned by it, used in its turns; nobody is told of itself.

    Whether there is a crowd is sticky while somebody watches, since a watcher's list depends on what it was told
    before; without watchers it follows the number.

    Args:
        room: of the channel.
        channel: its name, or ``*`` for the whole room.
        audience: read whenever somebody is to be told.
        most: members up to which each is told, >= 0; 0: there are never rows.
    """

    __slots__ = ("_audience", "_changed", "_channel", "_is_crowd", "_is_dirty", "_is_ticking", "_low", "_most", "_room")

    def __init__(self, room: str, channel: str, audience: Audience, most: int) -> None:
        self._room = room
        self._channel = channel
        self._audience = audience
        self._most = most
        self._low = max(1, most * 4 // 5) if most else 0  # a crowd ends here, not at each crossing of ``most``
        self._is_crowd = False
        self._is_dirty = False  # the number of a crowd changed since it was told
        self._changed: dict[str, Member] = {}  # whose new profile is still to be told
        self._is_ticking = False  # a PresenceTick is on its way: what happens until then is told together

    # --- what happened --------------------------------------------------------------------------------------------

    def joined(self, member: Member, ctx: Context[Any]) -> None:
        """Tell of a new member. To be called when it is in."""
        card = member.card
        if not self._counts_only(card.client, ctx):
            row = member.info()
            payload = MemberJoined(
                row.client, row.user, row.profile, row.joined_at, row.group, count=len(self._audience)
            )
            self._tell("member_joined", payload, but=card.client)

    def left(self, member: Member, reason: LeftReason, ctx: Context[Any]) -> None:
        """Tell of a member that is gone. To be called when it is out."""
        identity, client = member.card.identity, member.card.client
        self._changed.pop(client, None)
        if not self._counts_only(client, ctx):
            self._tell("member_left", MemberLeft(client, identity.user, reason, len(self._audience)), but=client)

    def updated(self, member: Member, ctx: Context[Any]) -> None:
        """Tell of a new profile; of several within a second the last."""
        if self._is_crowd or self._is_alone(member.card.client):
            return
        self._changed[member.card.client] = member
        if not self._is_ticking:
            self._speak(ctx)

    def resumed(self, member: Member, before: ClientCard, ctx: Context[Any]) -> None:
        """Go on with a member whose new session has its place: what it was told while it was away is lost.

        Args:
            member: with the card that it has now.
            before: the card that it had.
        """
        if member.card.profile != before.profile:
            self.updated(member, ctx)
        if member.card.client in self._audience.watching:
            rows = self.rows_for(member.card.client, ctx)
            member.card.ref.signal(deliver_one(self._state(rows)))

    def rows_for(self, client: str, ctx: Context[Any]) -> Rows | UnsetType:
        """Give all rows to a watcher, who is told of what follows; UNSET in a crowd. O(members)."""
        if self._is_alone(client):
            self._is_crowd = len(self._audience) > self._most
        if self._is_crowd:
            return UNSET
        rows = self._rows(PAGE_BYTES)
        if isinstance(rows, UnsetType):
            self._gather(client, ctx)
        return rows

    def tick(self, ctx: Context[Any]) -> None:
        """Tell what has gathered since the last time. To be called for a PresenceTick."""
        self._is_ticking = False
        if self._is_dirty or self._changed:
            self._speak(ctx)

    # --- few or a crowd -------------------------------------------------------------------------------------------

    def _counts_only(self, client: str, ctx: Context[Any]) -> bool:
        """Note that ``client`` came or went. Returns whether that is all: nobody is told, or how many there are now."""
        is_many = len(self._audience) > self._most
        if self._is_alone(client):
            self._is_crowd = is_many
            return True
        if not is_many and not self._is_crowd:
            return False
        self._gather(client, ctx)
        return True

    def _gather(self, client: str, ctx: Context[Any]) -> None:
        """Be a crowd, whose number is told in its time; now, if none was told within a second."""
        self._is_crowd = self._is_dirty = True
        if not self._is_ticking:
            self._speak(ctx, but=client)

    def _speak(self, ctx: Context[Any], but: str = "") -> None:
        """Tell what has gathered, then nothing of the kind for a second."""
        self._is_ticking = True
        ctx.after(TICK_S, PresenceTick())
        if self._is_crowd:
            self._changed.clear()
        if self._is_crowd and self._is_dirty:
            rows = self._rows(CALM_BYTES) if len(self._audience) <= self._low else UNSET
            self._is_crowd = isinstance(rows, UnsetType)
            self._send(self._state(rows), but)
        self._is_dirty = False
        changed, self._changed = self._changed, {}
        for client, member in changed.items():
            self._tell("member_updated", member.info(), but=client)

    def _rows(self, size_bytes: int) -> Rows | UnsetType:
        """Give all rows, unless they are larger than that."""
        rows, size = [], 0
        for member in self._audience.members():
            row = member.info()
            size += len(encode(row))
            if size > size_bytes:
                return UNSET
            rows.append(row)
        return tuple(rows)

    # --- telling --------------------------------------------------------------------------------------------------

    def _is_alone(self, client: str) -> bool:
        """Whether nobody watches but perhaps ``client``."""
        watching = self._audience.watching
        return len(watching) <= (client in watching)

    def _state(self, rows: Rows | UnsetType) -> System:
        """Say who is there, or how many."""
        count = len(self._audience)
        if isinstance(rows, UnsetType):
            return System("member_count", MemberCount(count), self._room, self._channel)
        return System("members_present", MembersPresent(rows, count), self._room, self._channel)

    def _tell(self, event: SystemEvent, payload: Struct, but: str) -> None:
        self._send(System(event, payload, self._room, self._channel), but)

    def _send(self, system: System, but: str) -> None:
        refs = [member.card.ref for client, member in self._audience.watching.items() if client != but]
        if refs:
            fan_out(deliver_one(system), refs)
