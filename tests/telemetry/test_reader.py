"""Numbers and histograms as they are on the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.metrics import METRICS, Reading
from arqonbus.telemetry.reader import Reader, register
from arqonbus.telemetry.tracer import Trace
from tests.telemetry.receivers import attributes_of


class Kept(MetricExporter):
    """An exporter that keeps the last export."""

    last: MetricsData | None = None

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **_: object) -> MetricExportResult:
        self.last = metrics_data
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **_: object) -> None:
        """Nothing to end."""


class Here:
    """A provider with our reader, collected by hand."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.meters = Meters()
        self.exporter = Kept()
        self.reader = Reader(self.exporter, float("inf"), self.meters.series)
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)
        register(self.provider.get_meter("arqonbus"), lambda: self.reading)

    def collected(self) -> dict[str, Metric]:
        self.reader.collect()
        assert self.exporter.last is not None
        (resource,) = encode_metrics(self.exporter.last).resource_metrics
        (scope,) = resource.scope_metrics
        return {metric.name: metric for metric in scope.metrics}


@pytest.fixture
def here() -> Iterator[Here]:
    reading: Reading = {row.name: {"one": 7} if row.label else 7 for row in METRICS if row.kind != "histogram"}
    made = Here(reading)
    yield made
    made.provider.shutdown()


def test_everything_of_the_table_is_exported_with_its_unit_and_description(here: Here) -> None:
    metrics = here.collected()

    assert set(metrics) == {row.name for row in METRICS}
    for row in METRICS:
        assert (metrics[row.name].unit, metrics[row.name].description) == (row.unit, row.description)


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_a_metric_has_the_kind_of_its_row_and_is_cumulative(here: Here, row: object) -> None:
    assert row in METRICS
    metric = here.collected()[row.name]  # type: ignore[attr-defined]

    kind = row.kind  # type: ignore[attr-defined]
    if kind == "gauge":
        assert metric.HasField("gauge")
        return
    data = metric.histogram if kind == "histogram" else metric.sum
    assert data.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert kind == "histogram" or metric.sum.is_monotonic is (kind == "counter")


def test_numbers_of_a_label_are_points_of_their_own(here: Here) -> None:
    here.reading = {"arqonbus.errors": {"forbidden": 2, "not_found": 3}}

    points = here.collected()["arqonbus.errors"].sum.data_points

    assert {attributes_of(point)["code"]: point.as_int for point in points} == {"forbidden": 2, "not_found": 3}


def test_what_nobody_measures_is_not_exported(here: Here) -> None:
    here.reading = {"arqonbus.rooms": 1}

    found = {name for name, metric in here.collected().items() if not metric.HasField("histogram")}
    assert found == {"arqonbus.rooms"}


def test_a_histogram_has_its_buckets_and_exemplars(here: Here) -> None:
    here.meters.delivered(3_000_000, Trace(0xABC, 0xDEF, 0, 0, 0, 0, is_recorded=True))
    here.meters.delivered(4_000_000, Trace(0x111, 0x222, 0, 0, 0, 0, is_recorded=False))

    (point,) = here.collected()["arqonbus.deliver.duration"].histogram.data_points

    assert (point.count, point.sum) == (2, pytest.approx(0.007))
    assert point.bucket_counts[6] == 2
    assert point.explicit_bounds[5:7] == [0.0025, 0.005]
    assert not point.HasField("min") and not point.HasField("max")
    (exemplar,) = point.exemplars
    assert (exemplar.trace_id.hex(), exemplar.span_id.hex()) == (f"{0xABC:032x}", f"{0xDEF:016x}")
    assert exemplar.as_double == pytest.approx(0.003)


def test_each_series_of_a_histogram_is_a_point(here: Here) -> None:
    points = here.collected()["arqonbus.mailbox.wait"].histogram.data_points

    assert [attributes_of(point)["actor.type"] for point in points] == ["channel", "room", "registry"]
