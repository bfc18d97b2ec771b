"""The table of commands, and one door to every shape that stands in a payload, args or a result.

COMMANDS is the one list of commands of this version: the registry, help, the schema and the documents are made from
it or checked against it. The structs live in `args`, `results` and `shapes` and are given on from here.
"""

from types import MappingProxyType
from typing import Final

from msgspec import Struct

from arqonbus.protocol.args import (
    DEFAULT_HISTORY_LIMIT,
    MAX_PAGE,
    MAX_POSITIONS,
    ChannelArgs,
    ConnectArgs,
    CreateChannelArgs,
    DeleteChannelArgs,
    HelpArgs,
    HistoryArgs,
    JoinChannelArgs,
    LeaveChannelArgs,
    ListChannelsArgs,
    ListRoomsArgs,
    MembersArgs,
    NoArgs,
    Order,
    Overflow,
    Recover,
    Resume,
    ResumePosition,
    address,
    room_and_channel,
)
from arqonbus.protocol.results import (
    BroadcastResult,
    CommandHelp,
    ConnectResult,
    EventResult,
    HelpResult,
    HistoryResult,
    JoinChannelResult,
    ListChannelsResult,
    ListRoomsResult,
    LostReason,
    MembersResult,
    Permission,
    PingResult,
    PrivateResult,
    Resumed,
    StatusResult,
    Stored,
    WhoamiResult,
)
from arqonbus.protocol.shapes import (
    MAX_PROFILE_DATA_BYTES,
    MAX_SEQ,
    SYSTEM_PAYLOADS,
    ChannelDeleted,
    ChannelInfo,
    ChannelKind,
    ChannelOptions,
    ChannelPosition,
    Draining,
    Empty,
    Gap,
    LeftReason,
    Limits,
    Lost,
    MemberInfo,
    MemberLeft,
    Membership,
    Position,
    Profile,
    RoomInfo,
    StorageStatus,
    Welcome,
    merge_profile,
)

__all__ = [
    "COMMANDS",
    "DEFAULT_HISTORY_LIMIT",
    "MAX_PAGE",
    "MAX_POSITIONS",
    "MAX_PROFILE_DATA_BYTES",
    "MAX_SEQ",
    "SYSTEM_PAYLOADS",
    "BroadcastResult",
    "ChannelArgs",
    "ChannelDeleted",
    "ChannelInfo",
    "ChannelKind",
    "ChannelOptions",
    "ChannelPosition",
    "CommandHelp",
    "CommandShape",
    "ConnectArgs",
    "ConnectResult",
    "CreateChannelArgs",
    "DeleteChannelArgs",
    "Draining",
    "Empty",
    "EventResult",
    "Gap",
    "HelpArgs",
    "HelpResult",
    "HistoryArgs",
    "HistoryResult",
    "JoinChannelArgs",
    "JoinChannelResult",
    "LeaveChannelArgs",
    "LeftReason",
    "Limits",
    "ListChannelsArgs",
    "ListChannelsResult",
    "ListRoomsArgs",
    "ListRoomsResult",
    "Lost",
    "LostReason",
    "MemberInfo",
    "MemberLeft",
    "MembersArgs",
    "MembersResult",
    "Membership",
    "NoArgs",
    "Order",
    "Overflow",
    "Permission",
    "PingResult",
    "Position",
    "PrivateResult",
    "Profile",
    "Recover",
    "Resume",
    "ResumePosition",
    "Resumed",
    "RoomInfo",
    "StatusResult",
    "StorageStatus",
    "Stored",
    "Welcome",
    "WhoamiResult",
    "address",
    "merge_profile",
    "room_and_channel",
]


class CommandShape(Struct, frozen=True):
    """One row of the table of commands."""

    args: type[Struct]
    result: type[Struct]
    permission: Permission | None = None  # None: everybody may


COMMANDS: Final[MappingProxyType[str, CommandShape]] = MappingProxyType(
    {
        "connect": CommandShape(ConnectArgs, ConnectResult),
        "ping": CommandShape(NoArgs, PingResult),
        "status": CommandShape(NoArgs, StatusResult),
        "help": CommandShape(HelpArgs, HelpResult),
        "whoami": CommandShape(NoArgs, WhoamiResult),
        "set_profile": CommandShape(Profile, Profile),
        "join_channel": CommandShape(JoinChannelArgs, JoinChannelResult, "subscribe"),
        "leave_channel": CommandShape(LeaveChannelArgs, Empty),
        "create_channel": CommandShape(CreateChannelArgs, ChannelInfo, "create"),
        "delete_channel": CommandShape(DeleteChannelArgs, Empty, "delete"),
        "list_rooms": CommandShape(ListRoomsArgs, ListRoomsResult),
        "list_channels": CommandShape(ListChannelsArgs, ListChannelsResult),
        "channel_info": CommandShape(ChannelArgs, ChannelInfo),
        "members": CommandShape(MembersArgs, MembersResult, "presence"),
        "history": CommandShape(HistoryArgs, HistoryResult, "history"),
    }
)
"""Every command of this version, in the order in which documents show them."""
