"""Envelopes: the unit of the wire, one JSON object in one text frame.

What a client may send is the tagged union Envelope; what the server sends is the union Outbound. Bytes become an
Envelope once, in `codec.decode`; an outbound struct becomes bytes once, in `codec.encode`. Payload and metadata stay
the bytes they came as. Actors exchange mail, not these structs, where they do not address a client.
"""

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from arqonbus.errors import Refusal
from arqonbus.protocol.delivery import Delivery
from arqonbus.protocol.names import NAME_PATTERN, ROOM_PATTERN

__all__ = [
    "MAX_RECIPIENTS",
    "NULL",
    "OPEN",
    "VERSION",
    "Broadcast",
    "BroadcastOut",
    "Command",
    "Envelope",
    "ErrorBody",
    "Event",
    "EventOut",
    "Id",
    "Outbound",
    "Private",
    "PrivateOut",
    "Response",
    "System",
    "SystemEvent",
    "Telemetry",
    "accepted",
    "error_body",
    "refused",
    "trace_parent",
    "trace_state",
]

VERSION: Final = "1.0"
"""Version of the protocol that the server speaks."""

MAX_RECIPIENTS: Final = 100
"""Most client ids in the field `to` of one private message."""

NULL: Final = Raw(b"null")
"""The payload of a message without one."""

Id = Annotated[str, Meta(min_length=1, max_length=64)]
"""Id of a message or client: any 1 to 64 characters (Unicode code points)."""

OPEN: Final = Meta(extra_json_schema={"x-open": True})
"""Mark for the schema: a list of words that may grow; readers must expect new ones."""

_RoomField = Annotated[str, Meta(extra_json_schema={"pattern": ROOM_PATTERN})]
_BareRoomField = Annotated[str, Meta(extra_json_schema={"pattern": NAME_PATTERN})]
_ChannelField = Annotated[str, Meta(extra_json_schema={"pattern": NAME_PATTERN})]
_Headers = Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]
_Recipients = Annotated[list[Id], Meta(min_length=1, max_length=MAX_RECIPIENTS)]

# The patterns above are words for the schema only: names are checked in codec, behind a cache, at a third of the cost.


def _null() -> Raw:
    return NULL


class _Inbound(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """Fields that every envelope of a client may hold. No instance has a cycle, so gc=False is safe."""

    id: Id | None = None  # unique per sender; None: the client gave none
    version: str | None = None  # "1" or "1.x"; None: 1.0
    metadata: _Headers | UnsetType = UNSET  # an object; UNSET: absent or null
    reply_to: Id | None = None  # id of the message that this one answers
    ack: bool | None = None  # True: answer when accepted
    traceparent: Raw | UnsetType = UNSET  # not checked; read it with trace_parent()
    tracestate: Raw | UnsetType = UNSET  # not checked; read it with trace_state()
    sender: Raw | UnsetType = msgspec.field(name="from", default=UNSET)  # ignored: the server knows who it is
    timestamp: Raw | UnsetType = UNSET  # ignored: the server's clock counts
    seq: Raw | UnsetType = UNSET  # ignored: the channel counts


# A field whose type is None has no meaning in that envelope: absent and null are accepted, anything else is refused.


class Event(_Inbound, frozen=True, gc=False, kw_only=True, tag="event"):
    """A message to one channel."""

    room: _RoomField  # a name after decode()
    channel: _ChannelField | None = None  # a name after decode(), never None, never `*`
    payload: Raw = msgspec.field(default_factory=_null)
    to: None = None
    command: None = None
    args: None = None


class Private(_Inbound, frozen=True, gc=False, kw_only=True, tag="private"):
    """A message to clients by id."""

    to: _Recipients  # nobody twice after decode(); in the sender's order
    payload: Raw = msgspec.field(default_factory=_null)
    room: None = None
    channel: None = None
    command: None = None
    args: None = None


class Broadcast(_Inbound, frozen=True, gc=False, kw_only=True, tag="broadcast"):
    """A message to every member of one room."""

    room: _BareRoomField  # a name after decode()
    payload: Raw = msgspec.field(default_factory=_null)
    channel: None = None
    to: None = None
    command: None = None
    args: None = None


class Command(_Inbound, frozen=True, gc=False, kw_only=True, tag="command"):
    """A request to the server."""

    command: str  # any text: whether there is such a command is for the registry to say
    args: _Headers = msgspec.field(default_factory=_null)  # read them with codec.decode_args
    room: None = None
    channel: None = None
    to: None = None
    payload: None = None


Envelope: TypeAlias = Event | Private | Broadcast | Command
"""What a client may send."""


class EventOut(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="event"):
    """An event as members get it and as history keeps it; the same bytes for all, but for ``delivery``."""

    room: str
    channel: str
    id: str  # the sender's, or the server's if there was none
    sender: str = msgspec.field(name="from")  # client id
    timestamp: str  # RFC 3339, UTC, milliseconds: when the server accepted it
    seq: int  # 1, 2, 3 ... inside one epoch of the channel
    payload: Raw  # the bytes that came
    metadata: Raw | UnsetType = UNSET
    reply_to: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    delivery: Delivery | None = None  # of a member of a durable group


class EventText(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="event"):
    """An event that has no place yet: EventOut without its seq, which a shared store gives and goes in front."""

    room: str
    channel: str
    id: str
    sender: str = msgspec.field(name="from")
    timestamp: str
    payload: Raw
    metadata: Raw | UnsetType = UNSET
    reply_to: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


class PrivateOut(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="private"):
    """A private message as one recipient gets it."""

    id: str
    sender: str = msgspec.field(name="from")
    to: tuple[str, ...]  # the one client that gets these bytes
    timestamp: str
    payload: Raw
    metadata: Raw | UnsetType = UNSET
    reply_to: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


class BroadcastOut(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="broadcast"):
    """A broadcast as every member of the room gets it; no channel, no seq, not kept."""

    room: str
    id: str
    sender: str = msgspec.field(name="from")
    timestamp: str
    payload: Raw
    metadata: Raw | UnsetType = UNSET
    reply_to: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


class ErrorBody(Struct, frozen=True, omit_defaults=True):
    """A refusal in words and for machines."""

    code: str  # one of codes.ERRORS; clients must expect new ones
    message: str  # what was expected, what came, where
    retryable: bool
    details: dict[str, Any] | UnsetType = UNSET  # Any: JSON types only, its fields depend on the code


class Response(Struct, frozen=True, omit_defaults=True, tag_field="type", tag="response"):
    """The answer to one command, or to one message that asked for ack or was refused."""

    request_id: str | None  # None: the message had no id, or none that could be read
    status: Literal["ok", "error"]
    result: Any = UNSET  # Any: a result struct of payloads, on ok only
    error: ErrorBody | UnsetType = UNSET  # on error only


SystemEvent: TypeAlias = Literal[
    "welcome",
    "refused",
    "heartbeat",
    "member_joined",
    "member_left",
    "member_updated",
    "member_count",
    "members_present",
    "channel_created",
    "channel_deleted",
    "draining",
    "storage_degraded",
    "storage_restored",
    "gap",
]


class System(Struct, frozen=True, omit_defaults=True, tag_field="type", tag="system"):
    """Something that the server tells by itself."""

    event: Annotated[SystemEvent, OPEN]
    payload: Any  # Any: the struct that shapes.SYSTEM_PAYLOADS names for the event
    room: str | None = None
    channel: str | None = None
    timestamp: str | None = None


class Telemetry(Struct, frozen=True, omit_defaults=True, tag_field="type", tag="telemetry"):
    """One activity of the bus, on the telemetry channel."""

    event: str
    room: str
    channel: str
    timestamp: str
    seq: int
    payload: Any  # Any: its fields depend on the event


Outbound: TypeAlias = EventOut | PrivateOut | BroadcastOut | Response | System | Telemetry
"""What the server may send."""


def accepted(request_id: str | None, result: Struct) -> Response:
    """Build the answer to a request that was done."""
    return Response(request_id, "ok", result)


def error_body(refusal: Refusal) -> ErrorBody:
    """Write a refusal as clients read it."""
    details = UNSET if refusal.details is None else refusal.details
    return ErrorBody(refusal.code, refusal.message, refusal.retryable, details)


def refused(refusal: Refusal) -> Response:
    """Build the answer to a request that was refused."""
    return Response(refusal.request_id, "error", error=error_body(refusal))


# W3C Trace Context, section 3.2, version 00 only. All-zero ids are invalid there.
_trace_parent = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
_MAX_TRACE_STATE: Final = 512  # characters; the least that W3C Trace Context 3.3.1.5 asks everybody to pass on


def trace_parent(raw: Raw | UnsetType) -> str | None:
    """Read the field traceparent; anything invalid is None, never an error."""
    text = _text(raw)
    return text if text is not None and _trace_parent(text) else None


def trace_state(raw: Raw | UnsetType) -> str | None:
    """Read the field tracestate, which is passed on unread; None when it is no text or too long."""
    text = _text(raw)
    return text if text and len(text) <= _MAX_TRACE_STATE else None


def _text(raw: Raw | UnsetType) -> str | None:
    try:
        return None if raw is UNSET else msgspec.json.decode(raw, type=str)
    except (msgspec.MsgspecError, RecursionError):
        return None
