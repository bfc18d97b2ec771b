"""What the commands answer, as the SDK reads it.

The server's own shapes are stricter: there a word outside a list is a bug, here it may be a newer server (PROTOCOL.md:
clients must ignore words and fields that they do not know). Each struct has the fields of its twin in
`arqonbus.protocol.results` or `.shapes`; a test compares them. What a server of this version may leave out is None.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from arqonbus.client.group_results import GroupOptions
from arqonbus.protocol.payloads import ChannelPosition, Limits, Lost, Profile, RoomInfo

__all__ = [
    "Ack",
    "BroadcastAck",
    "ChannelInfo",
    "ChannelList",
    "CommandHelp",
    "Connected",
    "GroupInfo",
    "Help",
    "HistoryPage",
    "Join",
    "MemberInfo",
    "MemberPage",
    "Membership",
    "Nothing",
    "Options",
    "Pong",
    "PrivateAck",
    "Resumed",
    "RoomList",
    "Status",
    "Storage",
    "Whoami",
]


class Nothing(Struct, frozen=True):
    """An answer without content."""


class Ack(Struct, frozen=True):
    """What became of an event."""

    seq: int  # its place in the channel
    epoch: str  # of the channel
    duplicate: bool = False  # True: this id was published before; seq is the first one's
    stored: str = "none"  # `none`, `memory`, `redis`: what really happened
    delivered: int | None = None  # members that it went to; None: the server does not say
    id: str = ""  # of the message, filled in by the SDK


class PrivateAck(Struct, frozen=True):
    """What became of a private message."""

    delivered: int  # clients that it went to
    absent: tuple[str, ...] = ()  # ids that are not connected


class BroadcastAck(Struct, frozen=True):
    """What became of a broadcast."""

    delivered: int


class Resumed(Struct, frozen=True):
    """What became of one channel that `connect` was to resume."""

    room: str
    channel: str
    epoch: str
    seq: int
    recovered: bool
    reason: str | None = None  # why not all is replayed, or the code of the error for which it was not joined
    lost: Lost | None = None
    group: str | None = None  # that the client is in


class Connected(Struct, frozen=True):
    """Answer to `connect`: who the client is, what the server offers, what came back."""

    client: str
    server: str
    version: str
    heartbeat_s: float
    limits: Limits
    user: str | None = None
    ticket: str | None = None
    resumed: tuple[Resumed, ...] = ()
    debug: bool = False


class Pong(Struct, frozen=True):
    """Answer to `ping`."""

    time: str  # RFC 3339, UTC, milliseconds


class Storage(Struct, frozen=True):
    """The store, in the answer to `status`."""

    backend: str
    state: str  # `ok` or `degraded`


class NodeStatus(Struct, frozen=True):
    """One server of the bus, in the answer to `status` with `scope` "cluster"."""

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
    storage: Storage
    draining: bool


class Status(Struct, frozen=True):
    """Answer to `status`. Counts are since the server's start; with `scope` "cluster", sums of all servers."""

    server: str
    version: str  # of the server program
    uptime_s: float
    connections: int
    rooms: int
    channels: int
    messages_in: int
    messages_out: int
    errors: int
    storage: Storage
    draining: bool
    nodes: tuple[NodeStatus, ...] = ()  # with `scope` "cluster": those that answered
    stale: tuple[str, ...] = ()  # with `scope` "cluster": those that did not
    partial: bool = False  # servers may be missing


class CommandHelp(Struct, frozen=True):
    """One command, in the answer to `help`."""

    args: dict[str, Any]  # JSON Schema
    result: dict[str, Any]  # JSON Schema
    permission: str | None = None


class Help(Struct, frozen=True):
    """Answer to `help`."""

    commands: dict[str, CommandHelp]


class Membership(Struct, frozen=True):
    """One thing that a client has joined; the channel is `*` for a whole room."""

    room: str
    channel: str
    group: str | None = None


class Whoami(Struct, frozen=True):
    """Answer to `whoami`."""

    client: str
    user: str | None
    profile: Profile
    memberships: tuple[Membership, ...] = ()
    permissions: tuple[str, ...] = ()


class MemberInfo(Struct, frozen=True):
    """A member of a room or channel."""

    client: str
    user: str | None = None  # None: anonymous
    profile: Profile = msgspec.field(default_factory=Profile)
    joined_at: str = ""  # RFC 3339, UTC
    group: str | None = None  # of the channel's groups the one that it is in


class Join(Struct, frozen=True):
    """Answer to `join_channel`. A join of `*` has positions in place of epoch and seq."""

    room: str
    channel: str
    recovered: bool = False
    reason: str | None = None
    replayed: int = 0
    members: int = 0
    epoch: str = ""
    seq: int = 0
    lost: Lost | None = None
    first_available: int | None = None
    positions: tuple[ChannelPosition, ...] = ()
    present: tuple[MemberInfo, ...] | None = None  # who is there, with `presence`; None: too many to be told
    group: str | None = None  # that the client is in
    partial: bool = False  # other servers may have members that are not counted
    group_options: GroupOptions | None = None  # of a durable group


class Options(Struct, frozen=True, omit_defaults=True):
    """Options of a channel; None: as the settings of the server say."""

    history_limit: int | None = None  # events kept; 0: no history
    history_ttl_s: float | None = None
    history_bytes: int | None = None
    durable: bool | None = None  # True: stored durably before it is acknowledged
    presence: bool | None = None  # True: all members are told of joins and leaves
    persistent: bool | None = None  # True: stays when empty


class GroupInfo(Struct, frozen=True):
    """A group of one channel as it is now."""

    group: str
    members: int
    waiting: int = 0  # events that no member of it could take yet


class ChannelInfo(Struct, frozen=True):
    """A channel as it is now."""

    room: str
    channel: str
    options: Options
    epoch: str
    seq: int
    members: int
    created_at: str
    created_by: str | None
    kind: str  # `user`, `configured`, `system`
    groups: tuple[GroupInfo, ...] = ()


class RoomList(Struct, frozen=True):
    """One page of rooms."""

    rooms: tuple[RoomInfo, ...]
    cursor: str | None = None  # for the next page; None: this was the last
    partial: bool = False  # other servers may have more


class ChannelList(Struct, frozen=True):
    """One page of channels."""

    channels: tuple[ChannelInfo, ...]
    cursor: str | None = None
    partial: bool = False  # other servers may have more


class MemberPage(Struct, frozen=True):
    """One page of members."""

    members: tuple[MemberInfo, ...]
    count: int  # all, not only of this page
    cursor: str | None = None
    partial: bool = False  # other servers may have more, that are not named or not counted


class HistoryPage(Struct, frozen=True):
    """One page of history, as it came."""

    epoch: str
    messages: tuple[Raw, ...]
    more: bool
    first_seq: int | None = None
    last_seq: int | None = None
