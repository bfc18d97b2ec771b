"""A finished span as the SDK has it, and as it is on the wire."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.export_state import ExportState, LastWords
from arqonbus.telemetry.logs import EventLog
from arqonbus.telemetry.recorder import CachedResource, LateExporter, Recorder, resource_of
from arqonbus.telemetry.span_table import EVENT, REPLAY
from arqonbus.telemetry.tracer import Span
from tests.telemetry.receivers import attributes_of


class Kept(SpanExporter):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.is_shut = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.is_shut = True


class Here:
    """A recorder before the SDK's own processor, and an exporter that keeps what comes out."""

    def __init__(self, most: int = 100) -> None:
        self.kept = Kept()
        log = EventLog(logging.getLogger("nowhere"))
        self.state = ExportState("traces", log, time.monotonic, LastWords())
        self.exporter = LateExporter(self.kept, CachedResource(Resource({"a": "b"})), "1.0")
        self.processor = BatchSpanProcessor(self.exporter, schedule_delay_millis=60_000)
        self.recorder = Recorder(self.processor.on_end, self.state, most)

    @property
    def ended(self) -> list[ReadableSpan]:
        self.processor.shutdown()
        return self.kept.spans

    def wire(self) -> list[WireSpan]:
        (resource,) = encode_spans(self.ended).resource_spans
        (scope,) = resource.scope_spans
        assert (scope.scope.name, scope.scope.version) == ("arqonbus", "1.0")
        return list(scope.spans)


ROOT = Span(EVENT.publish, 0xA, 0xB, 0, 1_000, 3_000, {"messaging.system": "arqonbus", "arqonbus.seq": 7, "ok": True})


def test_a_span_arrives_whole() -> None:
    here = Here()

    here.recorder.record(ROOT)

    (span,) = here.wire()
    assert span.name == "publish {room}:{channel}"
    assert span.kind == WireSpan.SPAN_KIND_SERVER
    assert (span.trace_id.hex(), span.span_id.hex()) == (f"{0xA:032x}", f"{0xB:016x}")
    assert span.parent_span_id == b""
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1_000, 3_000)
    assert attributes_of(span) == {"messaging.system": "arqonbus", "arqonbus.seq": 7, "ok": True}
    assert span.status.code == Status.STATUS_CODE_UNSET


def test_a_child_names_its_parent_and_an_error_its_reason() -> None:
    here = Here()

    here.recorder.record(Span(EVENT.route, 0xA, 0xC, 0xB, 5, 4, {}, error="slow"))

    (span,) = here.wire()
    assert span.parent_span_id.hex() == f"{0xB:016x}"
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "slow")
    assert span.end_time_unix_nano == 5  # a clock that was set back


@pytest.mark.parametrize("is_remote", [True, False])
def test_a_parent_of_another_process_is_marked(is_remote: bool) -> None:
    here = Here()

    here.recorder.record(Span(EVENT.publish, 0xA, 0xC, 0xB, 1, 2, {}, is_parent_remote=is_remote))

    (ended,) = here.ended
    assert ended.parent is not None and ended.parent.is_remote is is_remote
    (span,) = here.wire()
    assert bool(span.flags & 0x200) is is_remote


def test_links_and_names_of_its_own_arrive() -> None:
    here = Here()

    here.recorder.record(Span(REPLAY, 1, 2, 3, 1, 2, {}, links=[TraceContext(8, 9)], name="replay"))

    (span,) = here.wire()
    assert span.name == "replay"
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in span.links] == [(f"{8:032x}", f"{9:016x}")]


def test_more_spans_than_may_wait_are_dropped_and_counted() -> None:
    here = Here(most=3)

    for _ in range(5):
        here.recorder.record(ROOT)
    assert (here.recorder.n_recorded, here.recorder.n_dropped) == (3, 2)
    here.state.succeeded(2)
    here.state.failed(1)
    here.recorder.record(ROOT)

    assert len(here.ended) == 4
    assert here.kept.is_shut


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
