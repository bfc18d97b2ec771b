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

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from msgspec import UNSET, Struct, UnsetType

from arqonbus.actor import Context
from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import System, SystemEvent
from arqonbus.protocol.payloads import LeftReason, MemberCount, MemberInfo, MemberJoined, MemberLeft, MembersPresent
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.census_mail import FarNews, OwnMember
from arqonbus.routing.fanout import deliver_one, fan_out
from arqonbus.routing.far_members import FarMembers
from arqonbus.routing.mail import PresenceTick
from arqonbus.routing.members import PAGE_BYTES, Member, row_of

__all__ = ["Audience", "Herald"]

TICK_S = 1.0  # between two messages that gather what happened meanwhile
CALM_BYTES = PAGE_BYTES * 3 // 4  # of rows: a crowd for their size is one until they are clearly smaller again

Rows = tuple[MemberInfo, ...]


class Audience(Protocol):
    """Who is in, and who of them watches: the members of a channel, or of a room."""

    watching: dict[str, Member]  # by client id
    far: FarMembers  # on other nodes

    @property
    def total(self) -> int:
        """How many are in, on all nodes."""

    def __contains__(self, client: str) -> bool:
        """Whether a client is in, on this node."""

    def everybody(self) -> Iterable[Member | MemberInfo]:
        """All of them, in the order in which they came; those of other nodes last."""


class Herald:
    """Tells the watchers of one channel or room. Owned by it, used in its turns; nobody is told of itself.

    Whether there is a crowd is sticky while somebody watches, since a watcher's list depends on what it was told
    before; without watchers it follows the number.

    Args:
        room: of the channel.
        channel: its name, or ``*`` for the whole room.
        audience: read whenever somebody is to be told.
        most: members up to which each is told, >= 0; 0: there are never rows.
        pass_on: has other nodes told of this one's members; None: there is no other.
    """

    __slots__ = (
        "_audience",
        "_changed",
        "_channel",
        "_is_crowd",
        "_is_dirty",
        "_is_ticking",
        "_low",
        "_most",
        "_pass_on",
        "_room",
    )

    def __init__(
        self,
        room: str,
        channel: str,
        audience: Audience,
        most: int,
        pass_on: Callable[[OwnMember], object] | None = None,
    ) -> None:
        self._pass_on = pass_on
        self._room = room
        self._channel = channel
        self._audience = audience
        self._most = most
        self._low = max(1, most * 4 // 5) if most else 0  # a crowd ends here, not at each crossing of ``most``
        self._is_crowd = False
        self._is_dirty = False  # the number of a crowd changed since it was told
        self._changed: dict[str, Member | MemberInfo] = {}  # whose new profile is still to be told
        self._is_ticking = False  # a PresenceTick is on its way: what happens until then is told together

    # --- what happened --------------------------------------------------------------------------------------------

    def found(self, member: Member) -> None:
        """Have other nodes told of a member that was in before there was anybody to tell it to."""
        if self._pass_on is not None:
            self._pass_on(OwnMember(self._channel, member.info()))

    def joined(self, member: Member, ctx: Context[Any]) -> None:
        """Tell of a new member. To be called when it is in."""
        if self._pass_on is not None:
            self._pass_on(OwnMember(self._channel, member.info()))
        if member.client not in self._audience.far.rows:  # else it goes on here, and nobody is told anything
            self._tell_joined(member, ctx)

    def _tell_joined(self, member: Member | MemberInfo, ctx: Context[Any]) -> None:
        if not self._counts_only(member.client, ctx):
            row, count = row_of(member), self._audience.total
            payload = MemberJoined(row.client, row.user, row.profile, row.joined_at, row.group, count=count)
            self._tell("member_joined", payload, but=member.client)

    def left(self, member: Member, reason: LeftReason, ctx: Context[Any]) -> None:
        """Tell of a member that is gone. To be called when it is out."""
        client = member.card.client
        if self._pass_on is not None:
            self._pass_on(OwnMember(self._channel, member.info(), reason))
        if client not in self._audience.far.rows:
            self._tell_left(client, member.card.identity.user, reason, ctx)

    def _tell_left(self, client: str, user: str | None, reason: LeftReason, ctx: Context[Any]) -> None:
        self._changed.pop(client, None)
        if not self._counts_only(client, ctx):
            self._tell("member_left", MemberLeft(client, user, reason, self._audience.total), but=client)

    def updated(self, member: Member, ctx: Context[Any]) -> None:
        """Tell of a new profile; of several within a second the last."""
        if self._pass_on is not None:
            self._pass_on(OwnMember(self._channel, member.info()))
        self._note_update(member, ctx)

    def _note_update(self, member: Member | MemberInfo, ctx: Context[Any]) -> None:
        if self._is_crowd or self._is_alone(member.client):
            return
        self._changed[member.client] = member
        if not self._is_ticking:
            self._speak(ctx)

    def heard(self, news: FarNews, ctx: Context[Any]) -> None:
        """Take what became of members on other nodes, and tell of it."""
        audience, far = self._audience, self._audience.far
        far.is_partial = news.is_partial
        for client in news.dropped:
            far.rows.pop(client, None)
        if news.channel and news.crowd != far.crowd:
            self._heard_crowd(news, ctx)
            return
        for row in news.joined:
            before = far.rows.get(row.client)
            far.rows[row.client] = row
            if row.client in audience:
                continue
            if before is None:
                self._tell_joined(row, ctx)
            elif before.profile != row.profile:
                self._note_update(row, ctx)
        for client, reason in news.left:
            gone = far.rows.pop(client, None)
            if gone is not None and client not in audience:
                self._tell_left(client, gone.user, reason, ctx)

    def _heard_crowd(self, news: FarNews, ctx: Context[Any]) -> None:
        """Take that a node's members are a crowd, are more or fewer, or are few again: nobody is told one by one."""
        far = self._audience.far
        far.crowd = news.crowd
        far.rows.update({row.client: row for row in news.joined})
        for client, _ in news.left:
            far.rows.pop(client, None)
        self._counts_only("", ctx)

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
            self._is_crowd = self._audience.total > self._most
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
        is_many = self._audience.total > self._most
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
            rows = self._rows(CALM_BYTES) if self._audience.total <= self._low else UNSET
            self._is_crowd = isinstance(rows, UnsetType)
            self._send(self._state(rows), but)
        self._is_dirty = False
        changed, self._changed = self._changed, {}
        for client, member in changed.items():
            self._tell("member_updated", row_of(member), but=client)

    def _rows(self, size_bytes: int) -> Rows | UnsetType:
        """Give all rows, unless they are larger than that."""
        rows, size = [], 0
        for member in self._audience.everybody():
            row = row_of(member)
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
        count = self._audience.total
        if isinstance(rows, UnsetType):
            return System("member_count", MemberCount(count), self._room, self._channel)
        return System("members_present", MembersPresent(rows, count), self._room, self._channel)

    def _tell(self, event: SystemEvent, payload: Struct, but: str) -> None:
        self._send(System(event, payload, self._room, self._channel), but)

    def _send(self, system: System, but: str) -> None:
        refs = [member.card.ref for client, member in self._audience.watching.items() if client != but]
        if refs:
            fan_out(deliver_one(system), refs)
