"""Spans of commands, one function for each row of the table: called when a command, join or replay is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.span_attributes import PROTOCOL, Values, actor_attributes, put
from arqonbus.telemetry.span_table import COMMAND, JOIN, REPLAY
from arqonbus.telemetry.tracer import Span, Trace, Tracer

__all__ = ["MOST_JOINS", "MOST_LINKS", "command", "join", "replay"]

MOST_JOINS: Final = 16
"""Channels of a join of a whole room with a span of their own, as of deliveries."""

MOST_LINKS: Final = 128
"""Links of one span: as many as the SDK keeps."""


def command(
    tracer: Tracer, trace: Trace, name: str, client: str, request_id: str | None, address: str, error: str | None = None
) -> None:
    """End the span of a command now: its answer is on the way out.

    Args:
        tracer: the bus'.
        trace: of the command.
        name: one of the command table's, or ``unknown``: what clients make up must not become the name of a span.
        client: who sent it.
        request_id: its id.
        address: what it is about; empty: nothing.
        error: the code of the refusal.
    """
    ended_ns = tracer.clock_ns()
    tracer.meters.commanded(ended_ns - trace.started_ns, trace)
    if not trace.is_recorded or tracer.record is None:
        return
    attributes: Values = {
        "messaging.system": "arqonbus",
        "arqonbus.command": name,
        "messaging.client.id": client,
        "arqonbus.protocol": PROTOCOL,
        "arqonbus.frame.size": trace.size,
    }
    put(attributes, "messaging.message.id", request_id)
    put(attributes, "messaging.destination.name", address or None)
    put(attributes, "error.type", error)
    ids, is_remote = (trace.trace_id, trace.span_id, trace.parent_id), trace.parent_id != 0
    times = (trace.started_ns, ended_ns)
    tracer.record(Span(COMMAND, *ids, *times, attributes, error, is_parent_remote=is_remote, name=f"command {name}"))


def join(
    tracer: Tracer, trace: Trace, address: str, client: str, started_ns: int, *, recovered: bool, n_members: int
) -> int:
    """Record that a channel took a member in, up to now; returns the id of the span, 0 when there is none."""
    wait_ns = started_ns - trace.started_ns
    tracer.meters.waited("channel", wait_ns, trace)
    if not trace.is_recorded or tracer.record is None:
        return 0
    attributes = actor_attributes(("channel", address), wait_ns, trace.depth)
    attributes["messaging.client.id"] = client
    attributes["arqonbus.join.recovered"] = recovered
    attributes["arqonbus.join.members"] = n_members
    span_id = tracer.new_id()
    ids = (trace.trace_id, span_id, trace.span_id)
    tracer.record(Span(JOIN, *ids, started_ns, tracer.clock_ns(), attributes))
    return span_id


def replay(
    tracer: Tracer,
    trace: Trace,
    join_id: int,
    address: str,
    client: str,
    started_ns: int,
    n_events: int,
    links: Sequence[TraceContext],
) -> None:
    """Record that missed events were put together, up to now; ``links``: their contexts, in their order."""
    if not trace.is_recorded or tracer.record is None:
        return
    attributes: Values = {
        "messaging.system": "arqonbus",
        "messaging.destination.name": address,
        "messaging.client.id": client,
        "messaging.batch.message_count": n_events,
    }
    ids = (trace.trace_id, tracer.new_id(), join_id)
    newest = links[-MOST_LINKS:]
    tracer.record(Span(REPLAY, *ids, started_ns, tracer.clock_ns(), attributes, links=newest))
