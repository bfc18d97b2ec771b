"""Reader: the metrics on their way to the SDK. Numbers by observable instruments, histograms by hand.

Python's SDK has no histogram that is observed from outside, so ours are added to what it collected, as the SDK's own
public structures, just before the export. Imported by ``setup`` alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import Exemplar as SdkExemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    HistogramDataPoint,
    MetricExporter,
    MetricsData,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.metrics.export import Histogram as SdkHistogram
from opentelemetry.sdk.metrics.export import Metric as SdkMetric

from arqonbus.telemetry.histogram import Exemplar
from arqonbus.telemetry.meters import Series
from arqonbus.telemetry.metrics import METRICS, Metric, Reading

__all__ = ["Reader", "register"]

_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE


class Reader(PeriodicExportingMetricReader):
    """Collects and exports in a thread of its own; adds the histograms to what the SDK collected."""

    def __init__(self, exporter: MetricExporter, interval_ms: float, series: Callable[[], Iterable[Series]]) -> None:
        """Start the thread. Args: ``series`` gives all histograms; called in that thread."""
        self._series = series
        self._started_ns = time.time_ns()
        super().__init__(exporter, export_interval_millis=interval_ms)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> None:
        super()._receive_metrics(self._with_histograms(metrics_data), timeout_millis, **kwargs)

    def _with_histograms(self, data: MetricsData) -> MetricsData:
        """Add them to the first scope, which is ours: no other library has a meter of this provider."""
        if not data.resource_metrics or not data.resource_metrics[0].scope_metrics:
            return data
        first = data.resource_metrics[0]
        scope = first.scope_metrics[0]
        metrics = [*scope.metrics, *self._histograms()]
        scopes = [ScopeMetrics(scope.scope, metrics, scope.schema_url), *first.scope_metrics[1:]]
        return MetricsData([ResourceMetrics(first.resource, scopes, first.schema_url), *data.resource_metrics[1:]])

    def _histograms(self) -> list[SdkMetric]:
        points: dict[str, tuple[Metric, list[HistogramDataPoint]]] = {}
        now_ns = time.time_ns()
        for one in self._series():
            _, of_row = points.setdefault(one.row.name, (one.row, []))
            of_row.append(self._point(one, now_ns))
        return [
            SdkMetric(row.name, row.description, row.unit, SdkHistogram(of_row, _CUMULATIVE))
            for row, of_row in points.values()
        ]

    def _point(self, one: Series, now_ns: int) -> HistogramDataPoint:
        snapshot = one.histogram.snapshot()
        return HistogramDataPoint(
            attributes={one.row.label: one.label} if one.label else {},
            start_time_unix_nano=self._started_ns,
            time_unix_nano=now_ns,
            count=snapshot.count,
            sum=snapshot.total,
            bucket_counts=snapshot.counts,
            explicit_bounds=snapshot.bounds,
            # Least and greatest since the start say nothing after a day; None leaves them out.
            min=None,  # type: ignore[arg-type]  # optional on the wire
            max=None,  # type: ignore[arg-type]
            exemplars=[_exemplar(exemplar) for exemplar in snapshot.exemplars if exemplar is not None],
        )


def register(meter: Meter, read: Callable[[], Reading]) -> None:
    """Make an observable instrument of every number in the table.

    Args:
        meter: of the provider.
        read: gives the numbers; called in the reader's thread, once for each instrument: it must be cheap.
    """
    makers = {
        "counter": meter.create_observable_counter,
        "updown": meter.create_observable_up_down_counter,
        "gauge": meter.create_observable_gauge,
    }
    for row in METRICS:
        if row.kind in makers:
            makers[row.kind](row.name, [_callback(row, read)], row.unit, row.description)


def _callback(row: Metric, read: Callable[[], Reading]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(options: CallbackOptions) -> Iterable[Observation]:
        value = read().get(row.name)
        if value is None:
            return []
        if isinstance(value, (int, float)):
            return [Observation(value)]
        return [Observation(number, {row.label: label}) for label, number in value.items()]

    return observe


def _exemplar(exemplar: Exemplar) -> SdkExemplar:
    return SdkExemplar(
        filtered_attributes={},
        value=exemplar.value,
        time_unix_nano=exemplar.at_ns,
        span_id=exemplar.span_id,
        trace_id=exemplar.trace_id,
    )
