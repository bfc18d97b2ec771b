"""A span as the SDK has it, and the SDK's exporters with bytes of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter, SpanExportResult

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.sdk_spans import CachedResource, EncodedGrpc, EncodedHttp, Readable, export_by, resource_of
from arqonbus.telemetry.span_table import EVENT, REPLAY
from arqonbus.telemetry.tracer import Span
from tests.telemetry.receivers import Taken, attributes_of, grpc_receiver, http_receiver

RESOURCE = CachedResource(Resource({"a": "b"}))
ROOT = Span(EVENT.publish, 0xA, 0xB, 0, 1_000, 3_000, {"messaging.system": "arqonbus", "arqonbus.seq": 7, "ok": True})


class Kept(SpanExporter):
    """Keeps what it is given."""

    def __init__(self, answer: SpanExportResult = SpanExportResult.SUCCESS) -> None:
        self.answer = answer
        self.spans: list[ReadableSpan] = []
        self.is_shut = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return self.answer

    def shutdown(self) -> None:
        self.is_shut = True


def wire(*spans: Span) -> list[WireSpan]:
    """Have the SDK encode them."""
    kept = Kept()
    assert Readable(kept, RESOURCE, "1.0").export(spans)
    (resource,) = encode_spans(kept.spans).resource_spans
    (scope,) = resource.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("arqonbus", "1.0")
    return list(scope.spans)


def test_a_span_arrives_whole() -> None:
    (span,) = wire(ROOT)

    assert span.name == "publish {room}:{channel}"
    assert span.kind == WireSpan.SPAN_KIND_SERVER
    assert (span.trace_id.hex(), span.span_id.hex()) == (f"{0xA:032x}", f"{0xB:016x}")
    assert span.parent_span_id == b""
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1_000, 3_000)
    assert attributes_of(span) == {"messaging.system": "arqonbus", "arqonbus.seq": 7, "ok": True}
    assert span.status.code == Status.STATUS_CODE_UNSET


def test_a_child_names_its_parent_and_an_error_its_reason() -> None:
    (span,) = wire(Span(EVENT.route, 0xA, 0xC, 0xB, 5, 4, {}, error="slow"))

    assert span.parent_span_id.hex() == f"{0xB:016x}"
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "slow")
    assert span.end_time_unix_nano == 5  # a clock that was set back


@pytest.mark.parametrize("is_remote", [True, False])
def test_a_parent_of_another_process_is_marked(is_remote: bool) -> None:
    (span,) = wire(Span(EVENT.publish, 0xA, 0xC, 0xB, 1, 2, {}, is_parent_remote=is_remote))

    assert bool(span.flags & 0x200) is is_remote


def test_links_and_names_of_its_own_arrive() -> None:
    (span,) = wire(Span(REPLAY, 1, 2, 3, 1, 2, {}, links=[TraceContext(8, 9)], name="replay"))

    assert span.name == "replay"
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in span.links] == [(f"{8:032x}", f"{9:016x}")]


def test_what_the_exporter_of_the_sdk_did_is_told() -> None:
    kept = Kept(SpanExportResult.FAILURE)
    readable = Readable(kept, RESOURCE, "1.0")

    assert not readable.export([ROOT])
    readable.shutdown()
    assert kept.is_shut


EXPORTERS = pytest.mark.parametrize(
    ("receiver", "make", "ours"),
    [
        (http_receiver, lambda url: OTLPSpanExporter(f"{url}/v1/traces", timeout=5), EncodedHttp),
        (
            http_receiver,
            lambda url: OTLPSpanExporter(f"{url}/v1/traces", timeout=5, compression=Compression.Gzip),
            EncodedHttp,
        ),
        (grpc_receiver, lambda url: GrpcSpanExporter(url, timeout=5), EncodedGrpc),
    ],
    ids=["http", "http, gzip", "grpc"],
)
Receiver = Callable[..., AbstractContextManager[Taken]]


@EXPORTERS
def test_the_exporters_of_the_sdk_send_our_bytes_and_a_receiver_reads_the_same(
    receiver: Receiver, make: Callable[[str], SpanExporter], ours: type
) -> None:
    """Fails when a version of the SDK moves what this leans on; the export goes on then, by the SDK's encoder."""
    with receiver() as taken:
        export = export_by(make(taken.url), RESOURCE, "1.0")
        assert type(export) is ours
        assert export.export([ROOT, ROOT])
        inner = make(taken.url)
        assert Readable(inner, RESOURCE, "1.0").export([ROOT, ROOT])
        export.shutdown()
        inner.shutdown()

    by_us, by_the_sdk = taken.traces
    assert by_us == by_the_sdk
    assert len(taken.spans) == 4


@EXPORTERS
def test_a_batch_that_is_refused_is_told_as_such(
    receiver: Receiver, make: Callable[[str], SpanExporter], ours: type
) -> None:
    with receiver(lambda: 500) as taken:
        export = export_by(make(taken.url), RESOURCE, "1.0")
        assert not export.export([ROOT])
        export.shutdown()

    assert taken.n_calls >= 1


def test_an_exporter_that_is_not_known_gets_spans_of_the_sdk() -> None:
    assert isinstance(export_by(Kept(), RESOURCE, "1.0"), Readable)
    assert isinstance(export_by(ConsoleSpanExporter(), RESOURCE, "1.0"), Readable)


def test_an_exporter_without_the_private_name_gets_spans_of_the_sdk() -> None:
    """As one of an older or newer version."""
    http, grpc = OTLPSpanExporter("http://127.0.0.1:9/v1/traces"), GrpcSpanExporter("http://127.0.0.1:9")
    del http._client
    try:
        assert isinstance(export_by(http, RESOURCE, "1.0"), Readable)
        setattr(grpc, "_translate_data", None)  # noqa: B010 - its type is a method
        assert isinstance(export_by(grpc, RESOURCE, "1.0"), Readable)
    finally:
        grpc.shutdown()


def test_the_resource_of_the_environment_goes_before_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    attributes = resource_of("node-1", "0.1.0", "").attributes
    assert attributes["service.name"] == "arqonbus"
    assert attributes["service.instance.id"] == "node-1"
    assert attributes["service.version"] == "0.1.0"
    assert attributes["telemetry.sdk.language"] == "python"

    environment = "service.instance.id=mine,service.version=2,deployment.environment.name=lab"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "bus-of-the-lab")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", environment)
    attributes = resource_of("node-1", "0.1.0", environment).attributes

    assert attributes["service.name"] == "bus-of-the-lab"
    assert attributes["service.instance.id"] == "mine"
    assert attributes["service.version"] == "2"
    assert attributes["deployment.environment.name"] == "lab"


def test_a_cached_resource_is_equal_to_the_one_it_was_made_of() -> None:
    plain = Resource({"a": "b"}, "https://schema")
    cached = CachedResource(plain)

    assert cached == plain and cached == CachedResource(plain) and cached != Resource({"a": "c"})
    assert hash(cached) == hash(plain)
    assert cached.schema_url == "https://schema"
