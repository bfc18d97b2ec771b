"""Recorder: a finished span on its way to the SDK. 1 us in the loop's thread; the SDK's own way costs 25.

A span comes in one piece, is queued as it is by the SDK's batch processor, and becomes a span of the SDK's in the
processor's thread, on its way out. Imported by ``setup`` alone, and only when traces are exported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.export_state import ExportState
from arqonbus.telemetry.tracer import Span

__all__ = ["CachedResource", "LateExporter", "Recorder", "resource_of"]

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_UNSET: Final = Status(StatusCode.UNSET)
_KINDS: Final = {kind.name: kind for kind in SpanKind}


class CachedResource(Resource):
    """A resource that knows its hash: the encoder asks for it once a span, and the SDK writes JSON each time."""

    def __init__(self, resource: Resource) -> None:
        """Take over the attributes."""
        super().__init__(dict(resource.attributes), resource.schema_url)
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)


def resource_of(node: str, version: str, environment: str) -> CachedResource:
    """Make the resource of this process; what the environment says goes first.

    Args:
        node: name of this server.
        version: of the program.
        environment: the variable OTEL_RESOURCE_ATTRIBUTES.
    """
    # Not given to Resource.create: what it is given beats the environment, which is the wrong way round.
    found = Resource.create()
    own: dict[str, str] = {}
    if str(found.attributes.get("service.name", "unknown_service")).startswith("unknown_service"):
        own["service.name"] = "arqonbus"
    if "service.instance.id" not in environment:  # the SDK makes a random one up
        own["service.instance.id"] = node
    if "service.version" not in environment:
        own["service.version"] = version
    return CachedResource(found.merge(Resource(own)))


class Recorder:
    """Gives spans to the processor; see ``tracer.Record``. Used in the loop's thread only."""

    __slots__ = ("_end", "_most", "_state", "n_dropped", "n_recorded")

    def __init__(self, end: Callable[[ReadableSpan], None], state: ExportState, most: int) -> None:
        """Keep the arguments.

        Args:
            end: the processor's ``on_end``.
            state: knows how many spans were done with.
            most: spans that may wait; more are dropped here, which is cheaper than in a full queue of the SDK's.
        """
        self._end = end
        self._state = state
        self._most = most
        self.n_recorded = 0  # spans since the start, dropped ones not counted
        self.n_dropped = 0

    def record(self, span: Span) -> None:
        """Record one span, as ``tracer.Record`` says."""
        if self.n_recorded - self._state.n_exported - self._state.n_failed >= self._most:
            self.n_dropped += 1
            return
        self.n_recorded += 1
        # As it is: the processor only queues it. Making the SDK's span of it costs 2 us, which its thread pays.
        self._end(span)  # type: ignore[arg-type]  # Span has what the processor asks of it, ``context``


class LateExporter(SpanExporter):
    """Makes the SDK's spans of ours, in the processor's thread, and passes them on."""

    def __init__(self, inner: SpanExporter, resource: Resource, version: str) -> None:
        """Keep the arguments."""
        self._inner = inner
        self._resource = resource
        self._scope = InstrumentationScope("arqonbus", version)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export one batch of ours."""
        return self._inner.export([self._readable(cast(Span, span)) for span in spans])

    def shutdown(self) -> None:
        """End it."""
        self._inner.shutdown()

    def _readable(self, span: Span) -> ReadableSpan:
        parent = SpanContext(span.trace_id, span.parent_id, span.is_parent_remote, _SAMPLED) if span.parent_id else None
        return ReadableSpan(
            name=span.name or span.row.name,
            context=SpanContext(span.trace_id, span.span_id, False, _SAMPLED),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            links=[_link(link) for link in span.links] if span.links else (),
            kind=_KINDS[span.row.kind],
            status=_UNSET if span.error is None else Status(StatusCode.ERROR, span.error),
            start_time=span.started_ns,
            end_time=max(span.started_ns, span.ended_ns),
            instrumentation_scope=self._scope,
        )


def _link(context: TraceContext) -> Link:
    return Link(SpanContext(context.trace_id, context.span_id, True, TraceFlags(context.flags)))
