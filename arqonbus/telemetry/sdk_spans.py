"""Spans for the SDK: its exporters, given our own encoding, or its own where that does not fit.

Of what the SDK's export of a span costs, its encoder is nine tenths. So the bytes are ours (``otlp``), and the rest is
the SDK's: addresses, headers, certificates, compression, tries and time limits. That leans on one private name of each
exporter; where a version has it no more, and for the console, spans of the SDK's are made, and it encodes them.

Imported by ``setup`` alone, and only when traces are exported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.otlp import encode
from arqonbus.telemetry.span_table import RELAY_IN
from arqonbus.telemetry.tracer import Span

__all__ = ["CachedResource", "EncodedGrpc", "EncodedHttp", "Readable", "encoder", "export_by", "resource_of"]

Encode: TypeAlias = Callable[[Sequence[Span]], bytes]

_TRANSLATE: Final = "_translate_data"

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


class Sender(Protocol):
    """Sends what is encoded."""

    def export(self, data: bytes, /) -> Any:
        """Returns an object that says by ``success`` whether it was taken."""


class EncodedHttp:
    """Encodes by itself, and sends as the SDK's exporter over HTTP does."""

    batch = 512

    def __init__(self, inner: SpanExporter, client: Sender, encode: Encode) -> None:
        """Args: ``client``: of ``inner``; ``encode``: writes the request."""
        self._inner = inner
        self._client = client
        self._encode = encode

    def export(self, spans: Sequence[Span]) -> bool:
        """See ``recorder.Export``."""
        return bool(self._client.export(self._encode(spans)).success)

    def shutdown(self) -> None:
        """See ``recorder.Export``."""
        self._inner.shutdown()


class EncodedGrpc:
    """Encodes by itself, and sends as the SDK's exporter over gRPC does."""

    batch = 512

    def __init__(self, inner: SpanExporter, encode: Encode) -> None:
        """Have ``inner`` translate by ``encode`` what it is given to export."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        self._inner = inner

        def translate(spans: Sequence[Span]) -> object:
            return ExportTraceServiceRequest.FromString(encode(spans))

        setattr(inner, _TRANSLATE, translate)

    def export(self, spans: Sequence[Span]) -> bool:
        """See ``recorder.Export``."""
        return self._inner.export(cast(Sequence[ReadableSpan], spans)) is SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """See ``recorder.Export``."""
        self._inner.shutdown()


class Readable:
    """Makes the SDK's spans of ours, and has the SDK do the rest."""

    batch = 128
    """The SDK's encoder holds the interpreter while it works: more would make the event loop late by 5 ms."""

    def __init__(self, inner: SpanExporter, resource: Resource, version: str) -> None:
        """Keep the arguments."""
        self._inner = inner
        self._resource = resource
        self._scope = InstrumentationScope("arqonbus", version)

    def export(self, spans: Sequence[Span]) -> bool:
        """See ``recorder.Export``."""
        return self._inner.export([self.made(span) for span in spans]) is SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """See ``recorder.Export``."""
        self._inner.shutdown()

    def made(self, span: Span) -> ReadableSpan:
        """Make the SDK's span of one of ours."""
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


def export_by(inner: SpanExporter, resource: Resource, version: str) -> Readable | EncodedHttp | EncodedGrpc:
    """Choose how an exporter of the SDK's is given our spans.

    Args:
        inner: does the sending.
        resource: of this process.
        version: of the program.
    """
    readable = Readable(inner, resource, version)
    client = getattr(inner, "_client", None)
    kind = type(inner).__module__.rpartition("opentelemetry.exporter.otlp.proto.")[2].partition(".")[0]
    if kind == "http" and client is not None and callable(getattr(client, "export", None)):
        return EncodedHttp(inner, client, encoder(readable))
    if kind == "grpc" and callable(getattr(inner, _TRANSLATE, None)):
        return EncodedGrpc(inner, encoder(readable))
    return readable


def encoder(readable: Readable) -> Encode:
    """Give what encodes, with the resource and scope as the SDK encodes them: they never change."""
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    sample = Span(RELAY_IN, 1, 1, 0, 0, 0, {})
    (found,) = encode_spans([readable.made(sample)]).resource_spans
    resource, scope = found.resource.SerializeToString(), found.scope_spans[0].scope.SerializeToString()
    schemas = found.schema_url, found.scope_spans[0].schema_url
    return lambda spans: encode(spans, resource, scope, *schemas)


def _link(context: TraceContext) -> Link:
    return Link(SpanContext(context.trace_id, context.span_id, True, TraceFlags(context.flags)))
