"""Spans of a message on its way between nodes: one where it leaves, one where it comes in, in one trace."""

from __future__ import annotations

from arqonbus.telemetry.context import TraceContext, format_parent
from arqonbus.telemetry.span_attributes import About, put, relay_attributes
from arqonbus.telemetry.span_table import RELAY_IN, RELAY_OUT
from arqonbus.telemetry.spans import Deliveries
from arqonbus.telemetry.tracer import Span, Trace, Tracer

__all__ = ["relay_in", "relay_out"]


def relay_out(
    tracer: Tracer, deliveries: Deliveries, node: str, key: str, started_ns: int, error: str | None = None
) -> str | None:
    """Record that a message went to the other nodes, up to now.

    Returns:
        the ``traceparent`` that goes beside the frame, never into it; None when there is no span.
    """
    trace, about = deliveries.trace, deliveries.about
    if not trace.is_recorded or tracer.record is None:
        return None
    attributes = relay_attributes("send", key, node, about.id)
    put(attributes, "error.type", error)
    span_id = tracer.new_id()
    ids = (trace.trace_id, span_id, deliveries.parent_id)
    tracer.record(Span(RELAY_OUT, *ids, started_ns, tracer.clock_ns(), attributes, error))
    return format_parent(trace.trace_id, span_id)


def relay_in(
    tracer: Tracer, sent: TraceContext, about: About, key: str, nodes: tuple[str, str], started_ns: int
) -> Trace:
    """Record that a node took a message of another one, up to now.

    Args:
        tracer: the bus'.
        sent: the other node's span.
        about: the message.
        key: in Redis.
        nodes: from, to.
        started_ns: when it came.

    Returns:
        the trace to go on with, here.
    """
    is_recorded = tracer.record is not None
    trace = Trace(sent.trace_id, tracer.new_id(), sent.span_id, started_ns, 0, 0, is_recorded)
    if tracer.record is not None:
        attributes = relay_attributes("process", key, nodes[0], about.id)
        attributes["arqonbus.node.to"] = nodes[1]
        ids = (trace.trace_id, trace.span_id, sent.span_id)
        tracer.record(Span(RELAY_IN, *ids, started_ns, tracer.clock_ns(), attributes, is_parent_remote=True))
    return trace
