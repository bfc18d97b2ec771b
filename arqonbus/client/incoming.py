"""Incoming: who gets what the server sends, save the answers to calls. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from arqonbus.client.channels import Channels
from arqonbus.client.codec import BroadcastIn, ErrorIn, EventIn, PrivateIn, SystemIn
from arqonbus.client.feed import Feed
from arqonbus.client.link import Link
from arqonbus.client.message import Gap
from arqonbus.client.results import MemberInfo
from arqonbus.client.roster import Change, Roster
from arqonbus.client.sending import Sending

__all__ = ["Incoming", "SystemHook"]

SystemHook: TypeAlias = Callable[[str, Any, str, str], None]
"""Told of a system event: its name, its payload as plain JSON values, room and channel (or empty)."""


class _Draining(Struct):
    deadline_ms: float = 0.0
    spread_ms: float = 0.0


class _Lost(Struct):
    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    reason: str = "unknown"
    epoch: str | None = None
    room: str = ""
    channel: str = ""


class _Gone(Struct):
    reason: str = "deleted"


class _Made(Struct):
    epoch: str
    seq: int


class _Joined(MemberInfo, frozen=True, kw_only=True):
    count: int = -1


class _Left(Struct):
    client: str
    reason: str | None = None
    count: int = -1


class _Present(Struct):
    present: tuple[MemberInfo, ...]
    count: int | None = None


class _Count(Struct):
    count: int


_SILENT: Final = frozenset({"heartbeat", "welcome"})


class Incoming:
    """The way in of one bus.

    Args:
        link: told of what concerns the connection
        channels: given what has an address
        sending: given replies to requests
        told: told of every system event save heartbeats
    """

    def __init__(self, link: Link, channels: Channels, sending: Sending, told: SystemHook) -> None:
        self._link = link
        self._channels = channels
        self._sending = sending
        self._told = told
        self.inboxes: tuple[Feed, ...] = ()  # for private messages; replaced, never changed
        self.broadcasts: tuple[tuple[str | None, Feed], ...] = ()  # by room; None: of all rooms
        self.unheard = 0  # messages that no handle wanted

    @property
    def feeds(self) -> list[Feed]:
        """All feeds that belong to no channel."""
        return [*self.inboxes, *(feed for _, feed in self.broadcasts)]

    def take(self, frame: EventIn | PrivateIn | BroadcastIn | SystemIn, size: int, now: float) -> None:
        """Give a frame to those who wait for it.

        Raises:
            msgspec.ValidationError: the payload of a system event is not what that event has.
        """
        match frame:
            case EventIn():
                self.unheard += not self._channels.deliver(frame, size)
            case PrivateIn():
                if not self._sending.replied(frame, now):
                    self._spread(frame, size, self.inboxes)
            case BroadcastIn():
                self._spread(frame, size, [f for room, f in self.broadcasts if room in (None, frame.room)])
            case SystemIn() if frame.event not in _SILENT:
                self._system(frame, now)
                payload = msgspec.json.decode(frame.payload)
                self._told(frame.event, payload, frame.room or "", frame.channel or "")

    def _spread(self, frame: PrivateIn | BroadcastIn, size: int, feeds: Iterable[Feed]) -> None:
        n = 0
        for n, feed in enumerate(feeds, 1):  # noqa: B007 - counts
            feed.deliver_message(frame, size)
        self.unheard += not n

    def _system(self, frame: SystemIn, now: float) -> None:
        room, channel = frame.room or "", frame.channel or ""
        match frame.event:
            case "refused":
                self._link.refused(msgspec.json.decode(frame.payload, type=ErrorIn))
            case "draining":
                notice = msgspec.json.decode(frame.payload, type=_Draining)
                self._link.draining(notice.deadline_ms / 1000, notice.spread_ms / 1000, now)
            case "gap":
                lost = msgspec.json.decode(frame.payload, type=_Lost)
                n = lost.last - lost.first + 1
                gap = Gap(lost.first, lost.last, n, lost.reason, True, lost.epoch)
                self._channels.lose(room or lost.room, channel or lost.channel, gap)
            case "channel_deleted":
                self._channels.deleted(room, channel, msgspec.json.decode(frame.payload, type=_Gone).reason)
            case "channel_created":
                made = msgspec.json.decode(frame.payload, type=_Made)
                self._channels.created(room, channel, made.epoch, made.seq)
            case _:
                rosters = self._channels.rosters(room, channel)
                if rosters:
                    _presence(frame, rosters)


def _presence(frame: SystemIn, rosters: list[Roster]) -> None:
    if frame.event == "members_present":
        everybody = msgspec.json.decode(frame.payload, type=_Present)
        for roster in rosters:
            roster.reset(everybody.present, everybody.count)
        return
    change = _change(frame)
    if change is not None:
        for roster in rosters:
            roster.change(change)


def _change(frame: SystemIn) -> Change | None:
    match frame.event:
        case "member_joined" | "member_updated":
            came = msgspec.json.decode(frame.payload, type=_Joined)
            member = MemberInfo(came.client, came.user, came.profile, came.joined_at)
            kind: Any = frame.event.removeprefix("member_")
            return Change(kind, came.client, member, count=came.count)
        case "member_left":
            left = msgspec.json.decode(frame.payload, type=_Left)
            return Change("left", left.client, None, left.reason, left.count)
        case "member_count":
            return Change("count", count=msgspec.json.decode(frame.payload, type=_Count).count)
    return None
