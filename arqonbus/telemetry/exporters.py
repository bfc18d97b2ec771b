"""Exporters: the SDK's own, by exporter and protocol, each watched by an ``ExportState``.

Imported by ``setup`` alone. The exporters themselves are imported when they are wanted: gRPC costs 10 MB.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from arqonbus.telemetry.environment import Signal
from arqonbus.telemetry.export_state import ExportState
from arqonbus.telemetry.recorder import Export
from arqonbus.telemetry.tracer import Span

__all__ = ["WatchedMetrics", "WatchedSpans", "metric_exporter", "span_exporter"]


class WatchedSpans:
    """Passes spans on and notes what became of them. An exporter that raises has failed, nothing more."""

    def __init__(self, inner: Export, state: ExportState) -> None:
        """Keep the arguments."""
        self._inner = inner
        self._state = state

    def export(self, spans: Sequence[Span]) -> bool:
        """Export one batch. Blocks; runs in the recorder's thread."""
        is_taken = False
        try:
            is_taken = self._inner.export(spans)
        finally:
            if is_taken:
                self._state.succeeded(len(spans))
            else:
                self._state.failed(len(spans))
        return is_taken

    def shutdown(self) -> None:
        """End it."""
        self._inner.shutdown()


class WatchedMetrics(MetricExporter):
    """Passes metrics on and notes what became of them."""

    def __init__(self, inner: MetricExporter, state: ExportState) -> None:
        """Keep the arguments."""
        super().__init__(inner._preferred_temporality, inner._preferred_aggregation)
        self._inner = inner
        self._state = state

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        """Export all metrics. Blocks; runs in the reader's thread."""
        result = MetricExportResult.FAILURE
        try:
            result = self._inner.export(metrics_data, timeout_millis=timeout_millis)
        finally:
            if result is MetricExportResult.SUCCESS:
                self._state.succeeded(1)
            else:
                self._state.failed(1)
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is kept back here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """End it."""
        self._inner.shutdown(timeout_millis=timeout_millis)


def span_exporter(signal: Signal) -> SpanExporter:
    """Make the exporter of traces; not for ``none``."""
    if signal.exporter == "console":
        return ConsoleSpanExporter(out=sys.stdout)
    if signal.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter

        return GrpcSpanExporter(endpoint=signal.endpoint, timeout=signal.timeout_s)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=signal.endpoint, timeout=signal.timeout_s)


def metric_exporter(signal: Signal) -> MetricExporter:
    """Make the exporter of metrics; not for ``none``."""
    if signal.exporter == "console":
        return ConsoleMetricExporter(out=sys.stdout)
    if signal.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter

        return GrpcMetricExporter(endpoint=signal.endpoint, timeout=signal.timeout_s)
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter(endpoint=signal.endpoint, timeout=signal.timeout_s)
