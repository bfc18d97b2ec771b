"""Results of every command and of every acknowledged message: what the field `result` of an ok response holds."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType

from arqonbus.protocol.envelope import OPEN
from arqonbus.protocol.groups import GroupOptions
from arqonbus.protocol.shapes import (
    ChannelInfo,
    ChannelPosition,
    Lost,
    MemberInfo,
    Membership,
    Profile,
    RoomInfo,
    StorageStatus,
    Welcome,
)

__all__ = [
    "BroadcastResult",
    "CommandHelp",
    "ConnectResult",
    "EventResult",
    "HelpResult",
    "HistoryResult",
    "JoinChannelResult",
    "ListChannelsResult",
    "ListRoomsResult",
    "LostReason",
    "MembersResult",
    "NodeStatus",
    "Permission",
    "PingResult",
    "PrivateResult",
    "Resumed",
    "StatusResult",
    "Stored",
    "WhoamiResult",
]

Stored: TypeAlias = Annotated[Literal["none", "memory", "redis"], OPEN]
"""Where an event was stored: what really happened. This version has none and memory."""

LostReason: TypeAlias = Annotated[Literal["epoch_changed", "evicted", "over_limit", "disabled"], OPEN]
"""Why not all could be replayed: another life of the channel, no longer kept, too much at once, no history."""

Permission: TypeAlias = Literal["subscribe", "create", "delete", "presence", "history", "admin"]
"""What a client must be allowed to do for a command."""


class Resumed(Struct, frozen=True, gc=False, omit_defaults=True):
    """What became of one channel that connect was to resume."""

    room: str
    channel: str
    epoch: str
    seq: int
    recovered: bool
    reason: str | None = None  # a LostReason, or the code of the error for which it was not joined
    lost: Lost | UnsetType = UNSET
    group: str | UnsetType = UNSET  # as in the result of join_channel


class ConnectResult(Welcome, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Result of connect: the payload of welcome, the channels resumed, what was asked for beside."""

    resumed: tuple[Resumed, ...]
    debug: bool = False  # every message of this client is traced


class PingResult(Struct, frozen=True, gc=False):
    """Result of ping."""

    time: str  # RFC 3339, UTC, milliseconds


class NodeStatus(Struct, frozen=True, gc=False):
    """One server of the bus, in the answer to status."""

    node: str  # name of this life of it
    server: str
    version: str
    uptime_s: float
    connections: int
    rooms: int
    channels: int
    messages_in: int
    messages_out: int
    errors: int
    storage: StorageStatus
    draining: bool


class StatusResult(Struct, frozen=True, gc=False):
    """Result of status. Counts of messages and errors are since the start."""

    server: str
    version: str  # of the server program
    uptime_s: float
    connections: int
    rooms: int
    channels: int
    messages_in: int
    messages_out: int
    errors: int
    storage: StorageStatus
    draining: bool
    nodes: tuple[NodeStatus, ...] | UnsetType = UNSET  # with scope cluster: those that answered; then sums stand above
    stale: tuple[str, ...] | UnsetType = UNSET  # with scope cluster: nodes that did not answer in time
    partial: bool | UnsetType = UNSET  # True: other nodes may be missing


class CommandHelp(Struct, frozen=True):
    """One command, in the answer to help."""

    args: dict[str, Any]  # JSON Schema; Any: its shape is free
    result: dict[str, Any]  # JSON Schema
    permission: Permission | None


class HelpResult(Struct, frozen=True):
    """Result of help."""

    commands: dict[str, CommandHelp]


class WhoamiResult(Struct, frozen=True, gc=False):
    """Result of whoami."""

    client: str
    user: str | None
    profile: Profile
    memberships: tuple[Membership, ...]
    permissions: tuple[str, ...]


class JoinChannelResult(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Result of join_channel. A join of `*` has positions instead of epoch and seq."""

    room: str
    channel: str
    epoch: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET  # the position from which live events follow
    recovered: bool  # True: everything after `since` was replayed
    reason: LostReason | None  # why it was not; None: it was, or no `since` was given
    replayed: int  # events replayed
    members: int  # with this one
    lost: Lost | UnsetType = UNSET
    first_available: int | UnsetType = UNSET  # seq of the oldest event in history
    positions: tuple[ChannelPosition, ...] | UnsetType = UNSET
    present: tuple[MemberInfo, ...] | UnsetType = UNSET  # of a join with presence, where they are not too many
    group: str | UnsetType = UNSET  # that the client is in; UNSET: it gets every event
    partial: bool | UnsetType = UNSET  # True: other nodes may have members that are not counted
    group_options: GroupOptions | UnsetType = UNSET  # of a durable group: those that stand


class ListRoomsResult(Struct, frozen=True, gc=False):
    """Result of list_rooms."""

    rooms: tuple[RoomInfo, ...]
    cursor: str | None  # for the next page; None: this was the last
    partial: bool | UnsetType = UNSET  # True: other nodes may have more


class ListChannelsResult(Struct, frozen=True, gc=False):
    """Result of list_channels."""

    channels: tuple[ChannelInfo, ...]
    cursor: str | None
    partial: bool | UnsetType = UNSET  # True: other nodes may have more


class MembersResult(Struct, frozen=True, gc=False):
    """Result of members."""

    members: tuple[MemberInfo, ...]
    count: int  # all, not only this page
    cursor: str | None
    partial: bool | UnsetType = UNSET  # True: other nodes may have more that are not named, or not counted


class HistoryResult(Struct, frozen=True, gc=False):
    """Result of history."""

    epoch: str
    first_seq: int | None  # of the oldest event stored; None: nothing is stored
    last_seq: int | None
    messages: list[Raw]  # whole event envelopes, as they were delivered
    more: bool  # True: there are more in this direction


class EventResult(Struct, frozen=True, gc=False):
    """Result of an event with ack."""

    seq: int
    epoch: str
    duplicate: bool  # True: sequenced before, seq is the first one, not delivered again
    stored: Stored
    delivered: int | UnsetType = UNSET  # members that get it, a group counts as one; UNSET: a duplicate


class PrivateResult(Struct, frozen=True, gc=False):
    """Result of a private message with ack."""

    delivered: int
    absent: tuple[str, ...]  # ids of `to` that are not connected


class BroadcastResult(Struct, frozen=True, gc=False):
    """Result of a broadcast with ack."""

    delivered: int
