"""OTLP: spans as the bytes of an ExportTraceServiceRequest. 5 us a span; the SDK's encoder takes 45.

The bytes are those that the SDK makes of the same spans (a contract test compares them): protobuf's wire format, fields
in the order of their numbers, ``opentelemetry/proto/trace/v1/trace.proto``. Fields that we never have are left out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct as Packed
from typing import Final

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.span_table import SPANS, Kind
from arqonbus.telemetry.tracer import Span

__all__ = ["encode", "field"]

BREATHE: Final = 64
"""Spans after which other threads may have the interpreter: the loop's never waits for a whole batch."""

_KINDS: Final[dict[Kind, int]] = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}

# Each begins with a tag: the number of the field and how its value is written, in one byte, or two above 15.
_LENGTH: Final = 2
_TRACE_ID: Final = b"\x0a\x10"  # 1, 16 bytes
_SPAN_ID: Final = b"\x12\x08"  # 2, 8 bytes
_PARENT_ID: Final = b"\x22\x08"  # 4, 8 bytes
_KIND: Final = b"\x30"  # 6
_TIMES: Final = Packed("<cQcQ").pack  # 7 and 8
_IS_LOCAL: Final = b"\x85\x01\x00\x01\x00\x00"  # 16, flags: whether the parent is remote is known, and it is not
_IS_REMOTE: Final = b"\x85\x01\x00\x03\x00\x00"
_LINK_FLAGS: Final = b"\x35\x00\x03\x00\x00"  # 6 of a link: remote
_NO_STATUS: Final = b"\x7a\x00"  # 15, a status that says nothing
_FAILED: Final = b"\x18\x02"  # 3 of a status: error
_TRUE, _FALSE = b"\x10\x01", b"\x10\x00"


def encode(spans: Sequence[Span], resource: bytes, scope: bytes, resource_schema: str = "", schema: str = "") -> bytes:
    """Write one request.

    Args:
        spans: in their order.
        resource: the encoded Resource.
        scope: the encoded InstrumentationScope.
        resource_schema: of the resource; empty: none.
        schema: of the scope.
    """
    parts = [field(1, scope)]
    for number, span in enumerate(spans, 1):
        parts.append(field(2, _span(span)))
        if number % BREATHE == 0:
            time.sleep(0)
    of_scope = field(2, b"".join(parts) + _schema(schema))
    return field(1, field(1, resource) + of_scope + _schema(resource_schema))


def field(number: int, data: bytes) -> bytes:
    """Write a field of bytes: a text, or a message in the message."""
    return b"%c%b%b" % (number << 3 | _LENGTH, _varint(len(data)), data)


def _schema(url: str) -> bytes:
    return field(3, url.encode()) if url else b""


def _varint(value: int) -> bytes:
    if value < 128:
        return _SMALL[value]
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


_SMALL: Final = [bytes([value]) for value in range(128)]
_64_BITS: Final = (1 << 64) - 1


def _named(name: str, kind: Kind) -> bytes:
    return field(5, name.encode()) + _KIND + _varint(_KINDS[kind])


# By identity: to hash a row costs more than all else. Those of the table live for ever.
_NAMES: Final = {id(row): _named(row.name, row.kind) for row in SPANS}


def _span(span: Span) -> bytes:
    row = span.row
    parts = [_TRACE_ID, span.trace_id.to_bytes(16, "big"), _SPAN_ID, span.span_id.to_bytes(8, "big")]
    if span.parent_id:
        parts += (_PARENT_ID, span.parent_id.to_bytes(8, "big"))
    parts.append((not span.name and _NAMES.get(id(row))) or _named(span.name or row.name, row.kind))
    parts.append(_TIMES(b"\x39", span.started_ns, b"\x41", max(span.started_ns, span.ended_ns)))
    for key, value in span.attributes.items():
        parts.append(_text(key, value) if isinstance(value, str) else _number(key, value))
    parts += [_link(link) for link in span.links]
    parts.append(_NO_STATUS if span.error is None else field(15, field(2, span.error.encode()) + _FAILED))
    parts.append(_IS_REMOTE if span.is_parent_remote else _IS_LOCAL)
    return b"".join(parts)


@lru_cache(maxsize=256)
def _key(key: str) -> bytes:
    return field(1, key.encode())


@lru_cache(maxsize=4096)
def _text(key: str, value: str) -> bytes:
    """Encode one attribute. Most are of a closed list, or clients that come again: 0.1 us for these."""
    return field(9, _key(key) + field(2, field(1, value.encode())))


def _number(key: str, value: int) -> bytes:
    if value is True or value is False:
        return field(9, _key(key) + field(2, _TRUE if value else _FALSE))
    number = _varint(value & _64_BITS)  # a negative one as two's complement
    return field(9, b"%b\x12%c\x18%b" % (_key(key), len(number) + 1, number))


def _link(link: TraceContext) -> bytes:
    ids = _TRACE_ID + link.trace_id.to_bytes(16, "big") + _SPAN_ID + link.span_id.to_bytes(8, "big")
    return field(13, ids + _LINK_FLAGS)
