"""The text for Prometheus, in both formats, read again by the parsers of its own client library."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_plain

from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.metrics import METRICS, Reading
from arqonbus.telemetry.prometheus import OPEN_METRICS, PLAIN, content_type, render
from arqonbus.telemetry.tracer import Trace

READING: Reading = {
    "arqonbus.connections": 3,
    "arqonbus.messages.received": 12,
    "arqonbus.connections.refused": {'od"d\\': 1, "no_pong": 2},
    "process.cpu.time": {"user": 1.5, "system": 0.5},
    "arqonbus.storage.up": {"memory": 1},
}


@pytest.fixture
def meters() -> Meters:
    meters = Meters()
    meters.delivered(3_000_000, Trace(0xABC, 0xDEF, 0, 0, 0, 0, is_recorded=True))
    meters.fanned_out(4, Trace(1, 2, 0, 0, 0, 0, is_recorded=False))
    return meters


@pytest.mark.parametrize(("form", "read"), [(PLAIN, read_plain), (OPEN_METRICS, read_open)])
def test_its_own_parser_reads_what_was_written(form: str, read: object, meters: Meters) -> None:
    families = {family.name: family for family in read(render(READING, meters.series(), form))}  # type: ignore[operator]

    samples = {(s.name, *s.labels.values()): s.value for family in families.values() for s in family.samples}
    assert samples["arqonbus_connections",] == 3
    assert samples["arqonbus_messages_received_total",] == 12
    assert samples["arqonbus_connections_refused_total", 'od"d\\'] == 1
    assert samples["process_cpu_time_seconds_total", "user"] == 1.5
    assert samples["arqonbus_deliver_duration_seconds_bucket", "0.0025"] == 0
    assert samples["arqonbus_deliver_duration_seconds_bucket", "0.005"] == 1
    assert samples["arqonbus_deliver_duration_seconds_bucket", "+Inf"] == 1
    assert samples["arqonbus_fanout_members_sum",] == 4
    assert families["arqonbus_connections"].type == "gauge"
    assert families["arqonbus_messages_received"].type == "counter"
    assert families["arqonbus_deliver_duration_seconds"].type == "histogram"


def test_only_open_metrics_has_exemplars(meters: Meters) -> None:
    assert "trace_id" not in render(READING, meters.series(), PLAIN)
    families = {family.name: family for family in read_open(render(READING, meters.series(), OPEN_METRICS))}

    (exemplar,) = [s.exemplar for s in families["arqonbus_deliver_duration_seconds"].samples if s.exemplar is not None]
    assert exemplar.labels == {"trace_id": f"{0xABC:032x}", "span_id": f"{0xDEF:016x}"}
    assert exemplar.value == pytest.approx(0.003)


def test_what_nobody_measures_is_not_there() -> None:
    text = render({}, (), PLAIN)

    assert text == "\n"


def test_everything_of_the_table_can_be_written() -> None:
    reading: Reading = {row.name: {"one": 1} if row.label else 1 for row in METRICS if row.kind != "histogram"}

    assert len(list(read_open(render(reading, Meters().series(), OPEN_METRICS)))) == len(METRICS)


def test_the_format_is_what_was_asked_for() -> None:
    assert content_type("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1") == OPEN_METRICS
    assert content_type("") == content_type("text/html") == PLAIN
