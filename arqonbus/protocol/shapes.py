"""Shapes that commands, answers and system events share: positions, profiles, rooms, channels, members.

All are frozen. Optional fields are None (read) or left out (written) when absent; on the wire null and absent are one.
"""

from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from arqonbus.protocol.envelope import OPEN, ErrorBody, SystemEvent

__all__ = [
    "MAX_PROFILE_DATA_BYTES",
    "MAX_SEQ",
    "SYSTEM_PAYLOADS",
    "ChannelDeleted",
    "ChannelInfo",
    "ChannelKind",
    "ChannelOptions",
    "ChannelPosition",
    "Draining",
    "Empty",
    "Gap",
    "GapReason",
    "GroupInfo",
    "LeftReason",
    "Limits",
    "Lost",
    "MemberCount",
    "MemberInfo",
    "MemberJoined",
    "MemberLeft",
    "Membership",
    "MembersPresent",
    "Position",
    "Profile",
    "RoomInfo",
    "StorageStatus",
    "Welcome",
    "merge_profile",
]

MAX_SEQ: Final = 2**53 - 1
"""Highest seq: the greatest integer that every JSON reader keeps exact."""

MAX_PROFILE_DATA_BYTES: Final = 4096
"""Most bytes of JSON in a profile's data."""

_Epoch = Annotated[str, Meta(min_length=1, max_length=64)]
_Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
_ShortText = Annotated[str, Meta(max_length=128)]

LeftReason: TypeAlias = Annotated[Literal["left", "lost", "kicked", "drained"], OPEN]
"""Why a member is no longer there: it said so, its connection ended, it was sent away, the server drains."""

GapReason: TypeAlias = Annotated[Literal["drop_oldest", "conflate", "group_overflow", "missing", "epoch_changed"], OPEN]
"""Why events were dropped: the member could not keep up, as its join had asked; or nobody in its group could."""

ChannelKind: TypeAlias = Annotated[Literal["user", "configured", "system"], OPEN]
"""Who made a channel: a client, the settings, the server for itself."""


class Empty(Struct, frozen=True, gc=False):
    """An answer or event without content: `{}`."""


class Position(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A place in a channel's history."""

    epoch: _Epoch  # which life of the channel; seq starts again in each
    seq: _Seq  # the last event seen; 0: none yet


class ChannelPosition(Struct, frozen=True, gc=False):
    """The position of one channel of a room, in the answer to a join of `*`."""

    channel: str
    epoch: str
    seq: int


class Lost(Struct, frozen=True, gc=False):
    """A range of seqs that cannot be replayed, both ends included."""

    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")


class Profile(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What a client says of itself; shown to members. Also the args of set_profile."""

    client_type: _ShortText | None = None
    screen_name: _ShortText | None = None
    avatar: Annotated[str, Meta(max_length=2048)] | None = None  # usually a URL; never fetched by the server
    data: Raw | UnsetType = UNSET  # any JSON, at most MAX_PROFILE_DATA_BYTES as written

    def __post_init__(self) -> None:
        """Check the size of data, which a type cannot say."""
        size = 0 if isinstance(self.data, UnsetType) else len(bytes(self.data))
        if size > MAX_PROFILE_DATA_BYTES:
            raise ValueError(f"Expected at most {MAX_PROFILE_DATA_BYTES} bytes of data, got {size}")


class ChannelOptions(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """Options of a channel; an absent one is as the settings say."""

    history_limit: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None  # events kept; 0: no history
    history_ttl_s: Annotated[float, Meta(gt=0, le=31_536_000)] | None = None  # seconds an event is kept, to one year
    history_bytes: Annotated[int, Meta(ge=0, le=1_073_741_824)] | None = None  # bytes kept; 0: no history
    durable: bool | None = None  # True: stored durably before it is acknowledged
    presence: bool | None = None  # True: joins and leaves are announced
    persistent: bool | None = None  # True: stays when empty


class GroupInfo(Struct, frozen=True, gc=False):
    """A group of one channel as it is now."""

    group: str
    members: int
    waiting: int  # events that no member of it could take yet


class ChannelInfo(Struct, frozen=True, gc=False):
    """A channel as it is now."""

    room: str
    channel: str
    options: ChannelOptions  # the values in force, every field filled
    epoch: str
    seq: int  # of the newest event; 0: none in this epoch
    members: int
    created_at: str  # RFC 3339, UTC
    created_by: str | None  # client id; None: the server
    kind: ChannelKind
    groups: tuple[GroupInfo, ...] | UnsetType = UNSET  # UNSET: there is none


class RoomInfo(Struct, frozen=True, gc=False):
    """A room as it is now."""

    room: str
    channels: int
    members: int  # clients, each counted once


class MemberInfo(Struct, frozen=True, gc=False):
    """A member of a room or channel; also the payload of member_updated."""

    client: str
    user: str | None  # None: anonymous
    profile: Profile
    joined_at: str  # RFC 3339, UTC
    group: str | UnsetType = UNSET  # of the channel's groups the one that it is in; UNSET: it gets every event


class MemberJoined(MemberInfo, frozen=True, gc=False, kw_only=True):
    """Payload of member_joined."""

    count: int  # of the members, with this one


class MemberLeft(Struct, frozen=True, gc=False):
    """Payload of member_left."""

    client: str
    user: str | None
    reason: LeftReason
    count: int  # of the members, without this one


class MemberCount(Struct, frozen=True, gc=False):
    """Payload of member_count: there are too many members to be told one by one."""

    count: int


class MembersPresent(Struct, frozen=True, gc=False):
    """Payload of members_present: all members as they are now, in place of what was told before."""

    present: tuple[MemberInfo, ...]  # in the order in which they came; the receiver too
    count: int


class Membership(Struct, frozen=True, gc=False):
    """One thing that a client has joined; the channel is `*` for a whole room."""

    room: str
    channel: str
    group: str | UnsetType = UNSET  # UNSET: it gets every event


class Limits(Struct, frozen=True, gc=False):
    """Bounds that a client must know."""

    max_message_bytes: int  # largest message, as UTF-8 text


class Welcome(Struct, frozen=True, gc=False, omit_defaults=True):
    """Payload of welcome: who the client is, and what the server offers."""

    client: str  # the id of this connection
    server: str  # name of the node
    version: str  # of the protocol
    heartbeat_s: float  # seconds of silence after which the server sends a heartbeat
    limits: Limits
    user: str | None  # None: anonymous
    ticket: str | UnsetType = UNSET  # proves to the next connection that it continues this one


class Draining(Struct, frozen=True, gc=False):
    """Payload of draining: the server goes; connect again, to another one if there is."""

    deadline_ms: int  # after so many milliseconds the connection is closed
    spread_ms: int  # connect again at a random moment within so many milliseconds


class ChannelDeleted(Struct, frozen=True, gc=False):
    """Payload of channel_deleted."""

    reason: Annotated[Literal["deleted", "failed"], OPEN]  # by command, or by the server since it kept failing


class Gap(Struct, frozen=True, gc=False):
    """Payload of gap: these events are lost to this member, both ends included."""

    room: str
    channel: str
    epoch: str
    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    reason: GapReason


class StorageStatus(Struct, frozen=True, gc=False):
    """The store, in the answer to status."""

    backend: Annotated[Literal["memory", "redis"], OPEN]
    state: Literal["ok", "degraded"]


SYSTEM_PAYLOADS: Final[MappingProxyType[SystemEvent, type[Struct]]] = MappingProxyType(
    {
        "welcome": Welcome,
        "refused": ErrorBody,
        "heartbeat": Empty,
        "member_joined": MemberJoined,
        "member_left": MemberLeft,
        "member_updated": MemberInfo,
        "member_count": MemberCount,
        "members_present": MembersPresent,
        "channel_created": ChannelInfo,
        "channel_deleted": ChannelDeleted,
        "draining": Draining,
        "storage_degraded": Empty,
        "storage_restored": Empty,
        "gap": Gap,
    }
)
"""The payload of each system event."""


def merge_profile(old: Profile, new: Profile) -> Profile:
    """Put the fields that `new` gives over those of `old`.

    An absent field keeps its value, an empty text takes it away. The data is copied: as it was decoded it would keep
    the whole message alive for as long as the session lives.
    """
    return Profile(
        client_type=_newer(old.client_type, new.client_type),
        screen_name=_newer(old.screen_name, new.screen_name),
        avatar=_newer(old.avatar, new.avatar),
        data=old.data if isinstance(new.data, UnsetType) else new.data.copy(),
    )


def _newer(old: str | None, new: str | None) -> str | None:
    return old if new is None else new or None
