"""Activities: what the server tells of itself on its telemetry channel. A closed list, with a version of its own.

One struct is the payload of one event; the name of the event is in ``ACTIVITIES``. A later version of the list adds
events and fields; it takes none away within version 1 of the protocol.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Struct

from arqonbus.protocol.envelope import OPEN
from arqonbus.protocol.shapes import ChannelKind, LeftReason

__all__ = [
    "ACTIVITIES",
    "ACTIVITY_VERSION",
    "Activity",
    "ActivityDropped",
    "ActorFailed",
    "ChannelClosed",
    "ChannelEnd",
    "ChannelOpened",
    "ClientConnected",
    "ClientDisconnected",
    "ClientRefused",
    "ClientResumed",
    "Degraded",
    "Joined",
    "Left",
    "Place",
    "Refused",
    "Restored",
    "ServerDraining",
    "ServerStarted",
    "SlowConsumer",
    "Stats",
]

ACTIVITY_VERSION: Final = 1
"""Version of the list. Told by ``server_started`` and ``stats``."""

Part: TypeAlias = Annotated[Literal["storage", "telemetry", "event_loop"], OPEN]
"""What may be degraded."""


ChannelEnd: TypeAlias = Annotated[Literal["deleted", "idle", "failed"], OPEN]
"""Why a channel is gone."""


Place: TypeAlias = Annotated[Literal["session", "room", "channel", "registry"], OPEN]
"""Where a bug showed."""


class ServerStarted(Struct, frozen=True, gc=False):
    """The server accepts clients."""

    server: str  # name of the node
    version: str  # of the program
    activity_version: int


class ServerDraining(Struct, frozen=True, gc=False):
    """The server goes."""

    server: str
    deadline_ms: int  # when the last client is cut


class ClientConnected(Struct, frozen=True, gc=False):
    """A client was let in."""

    client: str
    user: str | None  # None: anonymous


class ClientResumed(Struct, frozen=True, gc=False):
    """A client came back as who it was."""

    client: str
    user: str | None


class ClientDisconnected(Struct, frozen=True, gc=False):
    """A client's connection ended; it may come back."""

    client: str
    user: str | None
    code: int  # of the close
    reason: str


class ClientRefused(Struct, frozen=True, gc=False):
    """A client was not let in."""

    code: str  # of the error


class ChannelOpened(Struct, frozen=True, gc=False):
    """A channel was made, or woke up."""

    room: str
    channel: str
    kind: ChannelKind
    by: str | None  # client id; None: the server


class ChannelClosed(Struct, frozen=True, gc=False):
    """A channel is gone."""

    room: str
    channel: str
    reason: ChannelEnd


class Joined(Struct, frozen=True, gc=False):
    """A client became a member."""

    room: str
    channel: str  # or *
    client: str
    user: str | None


class Left(Struct, frozen=True, gc=False):
    """A client is no member any more."""

    room: str
    channel: str
    client: str
    user: str | None
    reason: LeftReason


class SlowConsumer(Struct, frozen=True, gc=False):
    """A client that read too slowly was closed."""

    client: str
    user: str | None
    reason: str  # the bound that was broken, in words
    messages_lost: int  # that waited for it


class Refused(Struct, frozen=True, gc=False):
    """A message or command of a client was refused."""

    client: str
    code: str  # of the error
    command: str | None  # None: it was a message


class Degraded(Struct, frozen=True, gc=False):
    """A part of the server does not work as it should."""

    part: Part
    reason: str


class Restored(Struct, frozen=True, gc=False):
    """The part works again."""

    part: Part
    after_s: float  # seconds that it did not


class ActorFailed(Struct, frozen=True, gc=False):
    """A handler failed: a bug of the server's."""

    actor: Place
    trace_id: str  # finds it in the log


class Stats(Struct, frozen=True, gc=False):
    """How the server is; sent every ``telemetry.stats_interval_s``. Counts are since the start."""

    server: str
    activity_version: int
    uptime_s: float
    connections: int
    rooms: int
    channels: int
    members: int
    messages_in: int
    messages_out: int
    duplicates: int
    errors: int
    slow_consumers: int
    loop_lag_ms: float  # mean since the last stats


class ActivityDropped(Struct, frozen=True, gc=False):
    """So many events of this list were not sent: there were too many at once."""

    events: int


Activity: TypeAlias = (
    ServerStarted
    | ServerDraining
    | ClientConnected
    | ClientResumed
    | ClientDisconnected
    | ClientRefused
    | ChannelOpened
    | ChannelClosed
    | Joined
    | Left
    | SlowConsumer
    | Refused
    | Degraded
    | Restored
    | ActorFailed
    | Stats
    | ActivityDropped
)
"""The payload of any event of the list."""

ACTIVITIES: Final[MappingProxyType[str, type[Activity]]] = MappingProxyType(
    {
        "server_started": ServerStarted,
        "server_draining": ServerDraining,
        "client_connected": ClientConnected,
        "client_resumed": ClientResumed,
        "client_disconnected": ClientDisconnected,
        "client_refused": ClientRefused,
        "channel_created": ChannelOpened,
        "channel_deleted": ChannelClosed,
        "joined": Joined,
        "left": Left,
        "slow_consumer": SlowConsumer,
        "refused": Refused,
        "degraded": Degraded,
        "restored": Restored,
        "actor_failed": ActorFailed,
        "stats": Stats,
        "activity_dropped": ActivityDropped,
    }
)
"""The payload of each event, by its name; closed."""
