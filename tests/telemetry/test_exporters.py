"""The exporters are the SDK's, chosen and watched."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from arqonbus.telemetry.environment import Protocol, Signal
from arqonbus.telemetry.export_state import ExportState, LastWords
from arqonbus.telemetry.exporters import WatchedMetrics, WatchedSpans, metric_exporter, span_exporter
from arqonbus.telemetry.logs import EventLog
from arqonbus.telemetry.span_table import EVENT
from arqonbus.telemetry.tracer import Span


def state() -> ExportState:
    return ExportState("traces", EventLog(logging.getLogger("nowhere")), time.monotonic, LastWords())


@pytest.mark.parametrize(
    ("protocol", "spans", "metrics"),
    [("http/protobuf", HttpSpans, HttpMetrics), ("grpc", GrpcSpans, GrpcMetrics)],
)
def test_the_protocol_chooses_the_exporter(protocol: Protocol, spans: type, metrics: type) -> None:
    signal = Signal("otlp", protocol, "http://127.0.0.1:1", 1.0)
    made = span_exporter(signal), metric_exporter(signal)

    assert isinstance(made[0], spans)
    assert isinstance(made[1], metrics)
    for exporter in made:
        exporter.shutdown()


def test_the_console_needs_no_protocol() -> None:
    assert isinstance(span_exporter(Signal("console")), ConsoleSpanExporter)
    assert isinstance(metric_exporter(Signal("console")), ConsoleMetricExporter)


class Answers(MetricExporter):
    """Answers as it is told."""

    def __init__(self, answer: object) -> None:
        MetricExporter.__init__(self)
        self.answer = answer
        self.is_shut = False

    def export(self, data: object, timeout_millis: float = 0, **_: object) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **_: object) -> None:
        self.is_shut = True


SPANS = [Span(EVENT.publish, 1, 2, 0, 3, 4, {})] * 2


def test_spans_that_were_taken_lost_or_met_an_error_are_counted() -> None:
    watch = state()

    assert WatchedSpans(Answers(True), watch).export(SPANS)
    assert not WatchedSpans(Answers(False), watch).export(SPANS)
    with pytest.raises(ValueError, match="a bug"):
        WatchedSpans(Answers(ValueError("a bug")), watch).export(SPANS)

    assert (watch.n_exported, watch.n_failed) == (2, 4)


def test_exports_of_metrics_are_counted_as_a_whole() -> None:
    watch = state()

    WatchedMetrics(Answers(MetricExportResult.SUCCESS), watch).export(MetricsData([]))
    WatchedMetrics(Answers(MetricExportResult.FAILURE), watch).export(MetricsData([]))

    assert (watch.n_exported, watch.n_failed) == (1, 1)


def test_the_end_is_passed_on() -> None:
    inner = Answers(None)

    WatchedSpans(inner, state()).shutdown()
    assert inner.is_shut

    inner.is_shut = False
    watched = WatchedMetrics(inner, state())
    watched.shutdown()
    assert inner.is_shut and watched.force_flush()
