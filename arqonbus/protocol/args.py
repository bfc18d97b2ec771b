"""Args of every command: what clients send, read by `codec.decode_args`.

Unknown fields are refused, null and absent mean the same. Names are plain text here; a handler reads them with
`address` or `room_and_channel`, which take `"room": "science:explore"` alone too.
"""

from typing import Annotated, Final, Literal, Protocol, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from arqonbus.errors import InvalidArgs
from arqonbus.protocol.envelope import NULL, Id
from arqonbus.protocol.groups import GroupOptions
from arqonbus.protocol.names import ALL_CHANNELS, NAME_PATTERN, ROOM_OR_ALL_PATTERN, ROOM_PATTERN, split_address
from arqonbus.protocol.shapes import MAX_SEQ, ChannelOptions, Position, Profile

__all__ = [
    "DEFAULT_HISTORY_LIMIT",
    "MAX_ACKS",
    "MAX_PAGE",
    "MAX_POSITIONS",
    "AckArgs",
    "ChannelArgs",
    "ConnectArgs",
    "CreateChannelArgs",
    "DeleteChannelArgs",
    "GroupArgs",
    "HelpArgs",
    "HistoryArgs",
    "JoinChannelArgs",
    "KickArgs",
    "LeaveChannelArgs",
    "ListChannelsArgs",
    "ListRoomsArgs",
    "MembersArgs",
    "NoArgs",
    "Order",
    "Overflow",
    "Recover",
    "Resume",
    "ResumePosition",
    "Scope",
    "SetWillArgs",
    "StatusArgs",
    "Will",
    "address",
    "room_and_channel",
]

MAX_PAGE: Final = 1000
"""Most items in one answer of a list."""

MAX_POSITIONS: Final = 1000
"""Most channels that one connect resumes."""

MAX_ACKS: Final = 1000
"""Most events that one ack names."""

DEFAULT_HISTORY_LIMIT: Final = 50
"""Events in one answer of history when the client names no limit."""

Recover: TypeAlias = Literal["strict", "best_effort", "latest"]
"""What a join with `since` asks for: all or nothing, what is left, or the newest event only."""

Overflow: TypeAlias = Literal["disconnect", "drop_oldest", "conflate"]
"""What becomes of a member that cannot keep up: it is closed, loses its oldest events, or all but the newest."""

Order: TypeAlias = Literal["asc", "desc"]

Scope: TypeAlias = Literal["node", "cluster"]
"""Of whom an answer tells: of the server that is asked, or of all servers of the bus."""

_Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
_Cursor = Annotated[str, Meta(min_length=1, max_length=512)]
_Room = Annotated[str, Meta(extra_json_schema={"pattern": ROOM_PATTERN})]
_RoomOrAll = Annotated[str, Meta(extra_json_schema={"pattern": ROOM_OR_ALL_PATTERN})]
_BareRoom = Annotated[str, Meta(extra_json_schema={"pattern": NAME_PATTERN})]
_Channel = Annotated[str, Meta(extra_json_schema={"pattern": NAME_PATTERN})]
_ChannelOrAll = Annotated[str, Meta(extra_json_schema={"pattern": rf"{NAME_PATTERN}|^\*(?![\s\S])"})]
_Token = Annotated[str, Meta(min_length=1, max_length=8192)]


class _Args(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Args of a command: decoded once, so no cycle; a field that is not known is refused."""


class NoArgs(_Args, frozen=True, gc=False):
    """Args of a command that takes none."""


class ResumePosition(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The last position seen in one channel, in the args of connect."""

    room: _Room
    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    seq: Annotated[int, Meta(ge=0, le=MAX_SEQ)]
    channel: _Channel | None = None  # None: it stands in room, as room:channel


class Resume(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What a client brings from the connection that it lost."""

    ticket: Annotated[str, Meta(min_length=1, max_length=256)] | None = None  # of the last welcome
    positions: Annotated[tuple[ResumePosition, ...], Meta(max_length=MAX_POSITIONS)] | None = None


def _null() -> Raw:
    return NULL


class Will(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An event to be published when its client is lost."""

    room: _Room
    channel: _Channel | None = None  # None: it stands in room, as room:channel
    payload: Raw = msgspec.field(default_factory=_null)
    metadata: Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})] | UnsetType = UNSET


class ConnectArgs(_Args, frozen=True, gc=False):
    """Args of connect."""

    token: _Token | None = None
    profile: Profile | None = None
    will: Will | None = None  # None: as it is, which is none unless another connection is continued
    resume: Resume | None = None
    debug: bool = False  # trace every message of this client


class SetWillArgs(_Args, frozen=True, gc=False):
    """Args of set_will."""

    will: Will | None = None  # None: no will any more


class HelpArgs(_Args, frozen=True, gc=False):
    """Args of help."""

    command: str | None = None  # None: all commands


class ChannelArgs(_Args, frozen=True, gc=False):
    """Args of channel_info."""

    room: _Room
    channel: _Channel | None = None  # None: it stands in room, as room:channel


class JoinChannelArgs(_Args, frozen=True, gc=False):
    """Args of join_channel."""

    room: _RoomOrAll
    channel: _ChannelOrAll | None = None
    since: Position | None = None  # replay what follows this
    recover: Recover | None = None  # None: strict
    replay: Annotated[int, Meta(ge=0, le=MAX_PAGE)] | None = None  # newest events on a first join; None: 0
    group: Id | None = None  # share the channel's events with the other members of this group; None: get them all
    presence: bool | None = None  # True: tell this member who is in, comes and goes; None: as before, at first no
    overflow: Overflow | None = None  # when this member cannot keep up; None: disconnect
    create: bool | None = None  # None: as channels.auto_create says
    group_options: GroupOptions | None = None  # of a group of a durable channel; None: those that stand, or defaults


class LeaveChannelArgs(_Args, frozen=True, gc=False):
    """Args of leave_channel."""

    room: _RoomOrAll
    channel: _ChannelOrAll | None = None


class CreateChannelArgs(_Args, frozen=True, gc=False):
    """Args of create_channel."""

    room: _Room
    channel: _Channel | None = None
    options: ChannelOptions | None = None


class DeleteChannelArgs(_Args, frozen=True, gc=False):
    """Args of delete_channel."""

    room: _Room
    channel: _Channel | None = None
    force: bool | None = None  # True: though it has members


class StatusArgs(_Args, frozen=True, gc=False):
    """Args of status."""

    scope: Scope | None = None  # None: node


class ListRoomsArgs(_Args, frozen=True, gc=False):
    """Args of list_rooms."""

    limit: _Limit | None = None
    cursor: _Cursor | None = None  # from the answer before
    scope: Scope | None = None


class ListChannelsArgs(_Args, frozen=True, gc=False):
    """Args of list_channels."""

    room: _BareRoom | None = None  # None: of every room
    limit: _Limit | None = None
    cursor: _Cursor | None = None
    scope: Scope | None = None


class MembersArgs(_Args, frozen=True, gc=False):
    """Args of members."""

    room: _Room
    channel: _Channel | None = None  # None: of the whole room
    limit: _Limit | None = None
    cursor: _Cursor | None = None


class KickArgs(_Args, frozen=True, gc=False):
    """Args of kick."""

    client: Id  # of the client that is to go
    reason: Annotated[str, Meta(max_length=100)] | None = None  # for people; None: see codes.KICKED


class HistoryArgs(_Args, frozen=True, gc=False):
    """Args of history. `after` and `before` are seqs and excluded themselves."""

    room: _Room
    channel: _Channel | None = None
    limit: _Limit | None = None  # None: DEFAULT_HISTORY_LIMIT
    after: Annotated[int, Meta(ge=0, le=MAX_SEQ)] | None = None
    before: Annotated[int, Meta(ge=1, le=MAX_SEQ)] | None = None
    order: Order | None = None  # None: asc with after, else desc


class GroupArgs(_Args, frozen=True, gc=False):
    """Args of group_info and delete_group."""

    group: Id
    room: _Room
    channel: _Channel | None = None


class AckArgs(_Args, frozen=True, gc=False):
    """Args of ack."""

    group: Id
    seqs: Annotated[tuple[Annotated[int, Meta(ge=1, le=MAX_SEQ)], ...], Meta(min_length=1, max_length=MAX_ACKS)]
    room: _Room
    channel: _Channel | None = None
    epoch: Annotated[str, Meta(min_length=1, max_length=64)] | None = None  # of the delivery; None: the one of now
    retry_after_ms: Annotated[int, Meta(ge=0, le=86_400_000)] | None = None  # not done: give it again, not sooner


class _Addressed(Protocol):
    @property
    def room(self) -> str: ...
    @property
    def channel(self) -> str | None: ...


def address(args: _Addressed, *, all_channels: bool = False) -> tuple[str, str]:
    """Read the one channel that args name.

    Args:
        args: with the fields room and channel as they came
        all_channels: True: the channel may be `*`, as for joins and leaves

    Raises:
        InvalidArgs: a wrong or missing name
    """
    room, channel = room_and_channel(args, all_channels=all_channels)
    if channel is None:
        raise InvalidArgs("expected a channel, got none - at `$.args.channel`")
    return room, channel


def room_and_channel(args: _Addressed, *, all_channels: bool = False) -> tuple[str, str | None]:
    """Read the room, and the channel if there is one, that args name. Else like address()."""
    try:
        room, channel = split_address(args.room, args.channel)
    except ValueError as error:
        raise InvalidArgs(str(error).replace("`$.", "`$.args.")) from error
    if channel == ALL_CHANNELS and not all_channels:
        raise InvalidArgs("expected one channel, got '*' - at `$.args.channel`")
    return room, channel
