"""Cards: what an actor shows of itself.

A card is written by one actor only, its owner, and read by the registry and the handlers of commands, in turns of
their own on the same thread. It saves a question and an answer by mail for each row of a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from arqonbus.protocol.payloads import ChannelInfo, ChannelOptions, Profile
from arqonbus.security.gate import Identity

if TYPE_CHECKING:
    from arqonbus.actor import Ref

__all__ = ["ChannelCard", "ChannelKind", "ClientCard", "RoomCard"]

ChannelKind: TypeAlias = Literal["user", "configured", "system"]


class ClientCard:
    """One client, written by its session. ``ref`` is where mail for it goes."""

    __slots__ = ("client", "identity", "profile", "ref")

    def __init__(self, ref: Ref[Any], identity: Identity, profile: Profile) -> None:
        self.client = identity.client  # id, unique among all connections of the process
        self.ref = ref
        self.identity = identity  # replaced when the client shows a key
        self.profile = profile


class ChannelCard:
    """One channel, written by it."""

    __slots__ = ("channel", "created_at", "created_by", "epoch", "kind", "members", "options", "room", "seq")

    def __init__(
        self, room: str, channel: str, kind: ChannelKind, options: ChannelOptions, created_at: str, created_by: str | None
    ) -> None:
        self.room = room
        self.channel = channel
        self.kind: ChannelKind = kind  # user, configured or system
        self.options = options  # in force, settings filled in
        self.created_at = created_at  # RFC 3339
        self.created_by = created_by  # client id; None: the server
        self.epoch = ""
        self.seq = 0  # of the newest event
        self.members = 0  # connections that get its events

    def info(self) -> ChannelInfo:
        """Write it as clients read it."""
        return ChannelInfo(
            room=self.room,
            channel=self.channel,
            options=self.options,
            epoch=self.epoch,
            seq=self.seq,
            members=self.members,
            created_at=self.created_at,
            created_by=self.created_by,
            kind=self.kind,
        )


class RoomCard:
    """One room, written by it."""

    __slots__ = ("channels", "members", "room")

    def __init__(self, room: str) -> None:
        self.room = room
        self.channels: dict[str, tuple[Ref[Any], ChannelCard]] = {}  # by name, living channels only
        self.members = 0  # connections that joined at least one channel
