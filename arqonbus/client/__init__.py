"""The Python SDK of ArqonBus: one client of a server, over as many connections as it takes.

    from arqonbus.client import connect

    async with connect("ws://127.0.0.1:9100/") as bus:
        async with bus.subscribe("science:explore") as channel:
            await bus.publish("science:explore", {"n": 1})
            print((await channel.get()).data)

What it does is docs/sdk-spec.md, how to use it docs/SDK-PYTHON.md; `arqonbus.client.sync` is the same without asyncio.
It stands beside the server and imports nothing of it but the protocol and the errors.
"""

from arqonbus.client.bus import Bus, Drained, connect
from arqonbus.client.commands import History
from arqonbus.client.core import Stats
from arqonbus.client.errors import (
    BusClosed,
    CannotConnect,
    ClientError,
    Conflict,
    DecodeError,
    Denied,
    Expired,
    InvalidRequest,
    LimitReached,
    NoResponder,
    NotConnected,
    NotFound,
    OutboxFull,
    OutcomeUnknown,
    Rejected,
    ReplyError,
    RequestFailed,
    ServerFault,
    SlowReader,
    SubscriptionEnded,
    TryLater,
    Unauthorized,
)
from arqonbus.client.feed import FeedStats
from arqonbus.client.group_results import GroupOptions, GroupReport
from arqonbus.client.message import Gap, Message, Position
from arqonbus.client.options import ConnectOptions, PublishOptions, SubscribeOptions, Will
from arqonbus.client.presence import Presence
from arqonbus.client.results import (
    Ack,
    BroadcastAck,
    ChannelInfo,
    ChannelList,
    MemberInfo,
    MemberPage,
    Options,
    PrivateAck,
    RoomList,
    Status,
    Whoami,
)
from arqonbus.client.roster import Change
from arqonbus.client.state import State, StateChange
from arqonbus.client.subscription import Subscription
from arqonbus.client.tracing import OpenTelemetry, Tracing
from arqonbus.protocol.payloads import Profile

__all__ = [
    "Ack",
    "BroadcastAck",
    "Bus",
    "BusClosed",
    "CannotConnect",
    "Change",
    "ChannelInfo",
    "ChannelList",
    "ClientError",
    "Conflict",
    "ConnectOptions",
    "DecodeError",
    "Denied",
    "Drained",
    "Expired",
    "FeedStats",
    "Gap",
    "GroupOptions",
    "GroupReport",
    "History",
    "InvalidRequest",
    "LimitReached",
    "MemberInfo",
    "MemberPage",
    "Message",
    "NoResponder",
    "NotConnected",
    "NotFound",
    "OpenTelemetry",
    "Options",
    "OutboxFull",
    "OutcomeUnknown",
    "Position",
    "Presence",
    "PrivateAck",
    "Profile",
    "PublishOptions",
    "Rejected",
    "ReplyError",
    "RequestFailed",
    "RoomList",
    "ServerFault",
    "SlowReader",
    "State",
    "StateChange",
    "Stats",
    "Status",
    "SubscribeOptions",
    "Subscription",
    "SubscriptionEnded",
    "Tracing",
    "TryLater",
    "Unauthorized",
    "Whoami",
    "Will",
    "connect",
]
