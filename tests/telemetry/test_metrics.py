"""The table of metrics holds together, and the names that Prometheus makes of it."""

import re

import pytest

from arqonbus.telemetry.metrics import METRICS, Metric, metric, prometheus_name


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_a_row_is_whole(row: Metric) -> None:
    assert re.fullmatch(r"(arqonbus|process)(\.[a-z_]+)+", row.name)
    assert re.fullmatch(r"s|By||\{[a-z]+\}", row.unit)
    assert row.description and not row.description.endswith(".")
    assert bool(row.label) == bool(row.values)
    assert (row.kind == "histogram") == bool(row.bounds)
    assert list(row.bounds) == sorted(set(row.bounds))


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_no_metric_has_a_label_without_bound(row: Metric) -> None:
    closed = {"backend", "code", "cpu.mode", "decision", "direction", "kind", "outcome", "reason", "result", "state"}
    assert row.label in {"", "actor.type", "message.type", *closed}


def test_names_are_unique() -> None:
    names = [row.name for row in METRICS]
    assert len(names) == len(set(names))
    assert len({prometheus_name(row) for row in METRICS}) == len(names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("arqonbus.connections", "arqonbus_connections"),
        ("arqonbus.messages.received", "arqonbus_messages_received_total"),
        ("arqonbus.io", "arqonbus_io_bytes_total"),
        ("arqonbus.history.size", "arqonbus_history_size_bytes"),
        ("arqonbus.deliver.duration", "arqonbus_deliver_duration_seconds"),
        ("arqonbus.fanout.members", "arqonbus_fanout_members"),
        ("process.cpu.time", "process_cpu_time_seconds_total"),
    ],
)
def test_the_name_in_prometheus_has_unit_and_suffix(name: str, expected: str) -> None:
    assert prometheus_name(metric(name)) == expected


def test_no_name_reads_as_a_part_of_a_histogram() -> None:
    assert not [row.name for row in METRICS if prometheus_name(row).endswith(("_count", "_sum", "_bucket"))]


def test_all_series_of_a_node_are_few() -> None:
    """Collecting and encoding takes 50 us a point, with the GIL."""
    n_buckets = sum(len(row.bounds) + 3 for row in METRICS)
    assert len(METRICS) < 60
    assert n_buckets < 400
