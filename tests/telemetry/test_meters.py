"""Every histogram of the table is kept, and only traces that are recorded become exemplars."""

from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.metrics import METRICS
from arqonbus.telemetry.span_table import BROADCAST, EVENT, PRIVATE
from arqonbus.telemetry.tracer import Trace


def trace(*, is_recorded: bool = True) -> Trace:
    return Trace(7, 8, 0, 1_000, 0, 0, is_recorded)


def test_every_histogram_of_the_table_has_a_series() -> None:
    rows = {one.row.name for one in Meters().series()}

    assert rows == {row.name for row in METRICS if row.kind == "histogram"}
    assert all(bool(one.label) == bool(one.row.label) for one in Meters().series())


def test_what_is_timed_lands_in_its_series() -> None:
    meters = Meters()
    for message in (EVENT, BROADCAST, PRIVATE):
        meters.published(message, trace(), 1_000 + 2_000_000)
    meters.delivered(3_000_000, trace())
    meters.commanded(4_000_000, trace())
    meters.waited("room", 5_000_000, trace())
    meters.fanned_out(12, trace())
    meters.lag.observe(0.25)

    totals = {(one.row.name, one.label): round(one.histogram.snapshot().total, 6) for one in meters.series()}
    assert {key: total for key, total in totals.items() if total} == {
        ("arqonbus.publish.duration", "event"): 0.002,
        ("arqonbus.publish.duration", "broadcast"): 0.002,
        ("arqonbus.publish.duration", "private"): 0.002,
        ("arqonbus.deliver.duration", ""): 0.003,
        ("arqonbus.command.duration", ""): 0.004,
        ("arqonbus.mailbox.wait", "room"): 0.005,
        ("arqonbus.fanout.members", ""): 12,
        ("arqonbus.loop.lag", ""): 0.25,
    }


def test_only_a_recorded_trace_is_an_exemplar() -> None:
    meters = Meters()
    meters.delivered(1, trace(is_recorded=False))
    meters.delivered(10**9, trace())

    (delivered,) = [one for one in meters.series() if one.row.name == "arqonbus.deliver.duration"]
    found = [exemplar for exemplar in delivered.histogram.snapshot().exemplars if exemplar is not None]
    assert [(exemplar.value, exemplar.trace_id, exemplar.span_id) for exemplar in found] == [(1.0, 7, 8)]
