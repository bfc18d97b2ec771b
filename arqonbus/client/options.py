"""Options: what `connect`, `subscribe` and the calls may be given by name. Types only; defaults stand in the comments.

Typed dicts, so that the async and the sync functions have one list and a type checker knows each name.
"""

from __future__ import annotations

import difflib
import ssl as tls
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict, TypeVar

import msgspec
from msgspec import Struct

from arqonbus.client.backoff import Random
from arqonbus.client.connection import Clock, TokenFunction
from arqonbus.client.feed import WhenFull
from arqonbus.client.group_results import GroupOptions
from arqonbus.client.incoming import SystemHook
from arqonbus.client.message import Gap, Position
from arqonbus.client.sending import WhenOffline
from arqonbus.client.socket import Dialler
from arqonbus.client.state import StateChange
from arqonbus.client.subscription import OnDecodeError
from arqonbus.client.tracing import Tracing
from arqonbus.protocol.payloads import Profile

__all__ = [
    "CallOptions",
    "ConnectOptions",
    "PublishOptions",
    "QueueOptions",
    "SubscribeOptions",
    "Will",
    "check_names",
    "picked",
]

S = TypeVar("S", bound=Struct)


class Will(Struct, frozen=True):
    """An event that the server publishes when this client is lost, and not when it leaves in order."""

    address: str  # room:channel
    data: Any = None  # any JSON
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)


class ConnectOptions(TypedDict, total=False):
    """Of `connect`. Times in seconds."""

    token: str | TokenFunction | None  # None; a function is asked for every dial
    profile: Profile | Mapping[str, Any] | None  # None
    will: Will | None  # None
    open_timeout_s: float | None  # 10; for the first session; None: for ever
    dial_timeout_s: float  # 10; for one dial, with its token, socket and greeting
    timeout_s: float  # 10; for the answer to a command or request
    close_timeout_s: float  # 5; to send what waits when the bus is closed
    outbox_messages: int  # 256; that wait or are not answered
    outbox_bytes: int  # 1 MiB; of their text
    outbox_ttl_s: float  # 30; that a message waits to be sent
    linger_s: float  # 0.25; between the last handle of a channel and the leave
    on_state: Callable[[StateChange], None]  # told of every change of state
    on_error: Callable[[Exception], None]  # told of what no caller gets; default: logged, once a second and kind
    on_system: SystemHook  # told of system events: name, payload, room, channel
    tracing: bool | Tracing  # False; True: by OpenTelemetry's API
    debug: bool  # False; True: the server traces every message of this client, if it may ask for that
    ssl: tls.SSLContext | None  # None: the default one, for wss
    headers: Mapping[str, str]  # of the handshake
    proxy: str | Literal[True] | None  # True: as the environment says
    compression: bool  # False
    max_frame_bytes: int  # 64 MiB; larger frames of the server end the connection
    clock: Clock  # the event loop
    random: Random  # random.SystemRandom()
    dialler: Dialler  # opens sockets; for tests


class QueueOptions(TypedDict, total=False):
    """Of every handle that reads messages."""

    queue: int  # 1024 messages
    queue_bytes: int  # 4 MiB of text
    when_full: WhenFull  # drop_oldest
    on_gap: Callable[[Gap], None]  # told of every gap at once
    on_decode_error: OnDecodeError  # raise


class SubscribeOptions(QueueOptions, total=False):
    """Of `subscribe`. None, which is the default of each: as the server does by itself."""

    since: Position | None  # go on behind this
    replay: int | None  # so many of the newest events first, 0 to 1000
    recover: str | None  # strict, best_effort, latest: what is replayed when not all can be
    group: str | None  # share the events with the other members of this group
    group_options: GroupOptions | None  # of a durable group, whoever makes it; others must be the same
    overflow: str | None  # disconnect, drop_oldest, conflate: what the server does when this client cannot keep up
    create: bool | None  # whether a missing channel is made


class CallOptions(TypedDict, total=False):
    """Of every message."""

    id: str  # 1 to 64 characters; made by the bus
    metadata: Mapping[str, Any] | None  # headers
    when_offline: WhenOffline  # queue
    timeout_s: float | None  # for the answer; None: as the bus says
    traceparent: str | None  # W3C; without tracing it is sent as it is
    tracestate: str | None


class PublishOptions(CallOptions, total=False):
    """Of `publish`, `send_private` and `broadcast`."""

    reply_to: str | None  # id of the message that this one answers


def check_names(function: str, options: Mapping[str, object], known: type) -> None:
    """Check the names of options, which Python does not do for typed dicts. Raises TypeError, as Python would."""
    for name in options.keys() - known.__annotations__.keys():
        close = difflib.get_close_matches(name, known.__annotations__, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{hint}")


def picked(kind: type[S], options: Mapping[str, Any], **more: Any) -> S:
    """Make a Struct of those options that it has fields for. Any: a type checker has seen their types."""
    return kind(**{name: value for name, value in options.items() if name in kind.__struct_fields__}, **more)
