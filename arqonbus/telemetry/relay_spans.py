"""Spans of an event on its way between nodes: one where it goes to the store that they share, one where it comes back.

The context travels in the event, as its members get it, so nothing goes beside it: the other nodes go on under the
publish span, or under the sender's own where the sender gave one.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from arqonbus.telemetry.context import parse
from arqonbus.telemetry.sampler import Bucket, Source
from arqonbus.telemetry.span_attributes import About, put, relay_attributes
from arqonbus.telemetry.span_table import EVENT, RELAY_IN, RELAY_OUT
from arqonbus.telemetry.tracer import Span, Trace, Tracer

__all__ = ["relay_in", "relay_out", "taken_in"]

_MARK: Final = b'"traceparent":"00-'
"""What the text of an event holds that may be traced. A payload may hold it, too, so it is only the first look."""

OTHER_NODES: Final = Source()
"""Who asks for the traces of other nodes: no client, so the bound of all is its only one."""
OTHER_NODES.bucket = Bucket(1e9, 1e9)


class _Relayed(Struct, frozen=True):
    """What a trace needs of the text of an event."""

    sender: str = msgspec.field(name="from")
    traceparent: str | None = None
    id: str | None = None
    reply_to: str | None = None


_decode = msgspec.json.Decoder(_Relayed).decode


def relay_out(tracer: Tracer, trace: Trace, about: About, started_ns: int, error: str | None = None) -> None:
    """Record that an event was given to the store, whose answer has come now; ``error``: the code of the refusal."""
    if not trace.is_recorded or tracer.record is None:
        return
    attributes = relay_attributes("send", about.destination, about.id)
    put(attributes, "error.type", error)
    ids = (trace.trace_id, tracer.new_id(), trace.span_id)
    tracer.record(Span(RELAY_OUT, *ids, started_ns, tracer.clock_ns(), attributes, error))


def taken_in(tracer: Tracer, text: bytes, address: str, now: float) -> tuple[Trace, About] | None:
    """Decide on an event that another node published. 0.1 us when it has no context.

    Args:
        tracer: of this process.
        text: of the event.
        address: where it is, ``room:channel``.
        now: monotonic seconds.

    Returns:
        its trace, to go on with here, and what its spans tell of it; None: it is not traced here.
    """
    if _MARK not in text:
        return None
    found = _decode(text)
    sent = parse(found.traceparent or "")
    if sent is None or not sent.is_sampled:
        return None
    trace = tracer.go_on(sent, OTHER_NODES, now)
    return None if trace is None else (trace, About(EVENT, address, found.sender, found.id, found.reply_to))


def relay_in(tracer: Tracer, trace: Trace, about: About) -> None:
    """Record that all members here were told of an event of another node; ``trace``: of ``taken_in``."""
    if not trace.is_recorded or tracer.record is None:
        return
    attributes = relay_attributes("process", about.destination, about.id)
    ids = (trace.trace_id, trace.span_id, trace.parent_id)
    ended_ns = tracer.clock_ns()
    tracer.record(Span(RELAY_IN, *ids, trace.started_ns, ended_ns, attributes, is_parent_remote=True))
