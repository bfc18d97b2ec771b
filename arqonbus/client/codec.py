"""Text to frames and back, on the client's side. Pure.

What the server sends is read leniently: unknown fields, types and words are passed over (R51). What the user sends is
written once, payload and envelope together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from arqonbus.client.errors import InvalidRequest
from arqonbus.protocol.delivery import Delivery

__all__ = [
    "BroadcastIn",
    "ErrorIn",
    "EventIn",
    "Inbound",
    "Outgoing",
    "PrivateIn",
    "ResponseIn",
    "SystemIn",
    "TelemetryIn",
    "Unreadable",
    "read",
    "read_event",
    "write",
    "write_payload",
]

_NULL: Final = Raw(b"null")


class Unreadable(Exception):
    """A frame of the server that is no JSON, or a known type with a wrong field."""


class _In(Struct, frozen=True, gc=False, tag_field="type"):
    """What the messages of other clients have in common."""

    id: str = ""
    sender: str = msgspec.field(name="from", default="")
    timestamp: str = ""
    payload: Raw = _NULL
    metadata: Raw = _NULL  # an object or null
    reply_to: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


class EventIn(_In, frozen=True, gc=False, tag="event", kw_only=True):
    """An event."""

    room: str
    channel: str
    seq: int
    delivery: Delivery | None = None  # of a member of a durable group


class TelemetryIn(EventIn, frozen=True, gc=False, tag="telemetry", kw_only=True):
    """Something that the server tells of itself, on a channel of its own; else like an event."""

    event: str


class PrivateIn(_In, frozen=True, gc=False, tag="private"):
    """A private message to this client."""


class BroadcastIn(_In, frozen=True, gc=False, tag="broadcast", kw_only=True):
    """A broadcast to a room."""

    room: str


class ErrorIn(Struct, frozen=True):
    """A refusal."""

    code: str
    message: str = ""
    retryable: bool = False
    details: dict[str, Any] | None = None  # Any: its fields depend on the code


class ResponseIn(Struct, frozen=True, tag_field="type", tag="response"):
    """The answer to a command, to a message with ack, or to one that was refused."""

    status: str
    request_id: str | None = None
    result: Raw = Raw(b"{}")
    error: ErrorIn | None = None


class SystemIn(Struct, frozen=True, tag_field="type", tag="system"):
    """Something that the server tells by itself."""

    event: str
    payload: Raw = Raw(b"{}")
    room: str | None = None
    channel: str | None = None


Inbound: TypeAlias = EventIn | TelemetryIn | PrivateIn | BroadcastIn | ResponseIn | SystemIn
"""What the server may send, as far as the SDK knows it."""

_decode: Final[Callable[[bytes], Inbound]] = msgspec.json.Decoder(Inbound).decode
_decode_event: Final[Callable[[bytes], EventIn]] = msgspec.json.Decoder(EventIn | TelemetryIn).decode
_KNOWN: Final = frozenset({"event", "telemetry", "private", "broadcast", "response", "system"})


class _Glance(Struct):
    type: str = ""


def read(text: bytes) -> Inbound | None:
    """Read one frame. None: its type is not known, which is no fault.

    Raises:
        Unreadable: it is no JSON object, or one of a known type with a wrong field.
    """
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if _is_of_unknown_type(text):
            return None
        raise Unreadable(str(error)) from error


def read_event(text: Raw) -> EventIn:
    """Read one event of a page of history. Raises Unreadable."""
    try:
        return _decode_event(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def _is_of_unknown_type(text: bytes) -> bool:
    try:
        return msgspec.json.decode(text, type=_Glance).type not in _KNOWN
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


class Outgoing(Struct, omit_defaults=True):
    """An envelope of this client; what is absent is not written."""

    type: str
    id: str
    room: str | None = None
    channel: str | None = None
    to: tuple[str, ...] | None = None
    payload: Raw | UnsetType = UNSET
    metadata: Mapping[str, Any] | None = None  # Any: headers of the user
    reply_to: str | None = None
    ack: bool = False
    traceparent: str | None = None
    tracestate: str | None = None
    command: str | None = None
    args: Mapping[str, Any] | None = None  # Any: args of a command; the SDK leaves out what is None


def _unknown_to_msgspec(value: object) -> object:
    """Write models that know how to write themselves (pydantic and its like), without importing their library."""
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


_encode: Final = msgspec.json.Encoder(enc_hook=_unknown_to_msgspec).encode


def write(envelope: Outgoing) -> bytes:
    """Write an envelope. Raises InvalidRequest: metadata or args cannot be written as JSON."""
    return _written(envelope, "the message")


def write_payload(data: object) -> Raw:
    """Write a payload: JSON types, dataclasses, msgspec Structs, pydantic models, dates, or Raw as it is.

    Raises:
        InvalidRequest: it cannot be written as JSON.
    """
    return data if isinstance(data, Raw) else Raw(_written(data, "the payload"))


def _written(value: object, what: str) -> bytes:
    try:
        text = _encode(value)
        return text
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidRequest(f"{what} cannot be written as JSON: {error}", code="invalid_json") from error
