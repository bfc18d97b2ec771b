"""Two samples make one record."""

import typing

import msgspec
import pytest

from arqonbus.cli.commands import top
from arqonbus.cli.kit.measures import TopRecord
from arqonbus.cli.top.rates import SORTS, Sort, record_of, sorted_channels
from arqonbus.cli.top.sample import ChannelRow, Sample, Stats
from arqonbus.client import Status
from arqonbus.client.results import Storage

AT = "2026-11-22T04:00:00.000Z"
STATUS = Status("node-1", "1.0", 100.0, 3, 1, 2, 1000, 5000, 10, Storage("memory", "ok"), draining=False)
LATER = msgspec.structs.replace(STATUS, uptime_s=102.0, messages_in=1200, messages_out=6000, errors=11)


def row(seq: int, *, epoch: str = "e1", members: int = 1, waiting: int = 0) -> ChannelRow:
    return ChannelRow(epoch, seq, members, waiting, "user")


def compared(before: Sample, now: Sample) -> TopRecord:
    return record_of(before, now, AT)


def test_counts_become_rates_over_the_time_in_between() -> None:
    record = compared(Sample(10.0, STATUS), Sample(12.0, LATER))

    assert (record.messages_in_per_s, record.messages_out_per_s, record.errors_per_s) == (100.0, 500.0, 0.5)
    assert (record.connections, record.rooms, record.channels) == (3, 1, 2)
    assert (record.at, record.interval_s, record.server, record.source) == (AT, 2.0, "node-1", "status")


def test_a_channel_has_the_rate_of_its_seq() -> None:
    before = {"a:b": row(10), "a:c": row(10), "a:gone": row(5)}
    now = {"a:b": row(14), "a:c": row(6, epoch="e2"), "a:new": row(500)}

    record = compared(Sample(10.0, STATUS, before), Sample(12.0, LATER, now))

    assert {one.address: one.per_s for one in record.rows} == {"a:b": 2.0, "a:c": 3.0, "a:new": 0.0}


def test_a_server_that_began_anew_has_the_rates_of_its_new_life() -> None:
    young = msgspec.structs.replace(STATUS, uptime_s=1.0, messages_in=8)

    record = compared(Sample(10.0, STATUS, {"a:b": row(9)}), Sample(12.0, young, {"a:b": row(3)}))

    assert record.messages_in_per_s == 4.0
    assert record.rows[0].per_s == 0.0


def test_metrics_tell_what_is_inside() -> None:
    before = {'arqonbus_io_bytes_total{direction="in"}': 1000.0, 'process_cpu_time_seconds_total{cpu_mode="user"}': 1.0}
    now = {
        'arqonbus_io_bytes_total{direction="in"}': 3000.0,
        'arqonbus_io_bytes_total{direction="out"}': 10.0,
        'process_cpu_time_seconds_total{cpu_mode="user"}': 1.5,
        'process_cpu_time_seconds_total{cpu_mode="system"}': 0.5,
        "arqonbus_members": 7.0,
        "arqonbus_slow_consumers_total": 2.0,
        "arqonbus_outbox_blocked": 1.0,
        "arqonbus_outbox_size_bytes": 99.0,
        'arqonbus_mailbox_depth{actor_type="channel"}': 4.0,
        "process_memory_usage_bytes": 1e6,
        'arqonbus_loop_lag_seconds_bucket{le="0.01"}': 5.0,
        'arqonbus_loop_lag_seconds_bucket{le="+Inf"}': 5.0,
    }

    record = compared(Sample(10.0, STATUS, numbers=before), Sample(12.0, LATER, numbers=now))

    assert (record.source, record.members, record.slow_consumers) == ("metrics", 7, 2)
    assert (record.bytes_in_per_s, record.bytes_out_per_s, record.cpu) == (1000.0, 5.0, 0.5)
    assert (record.clients_behind, record.bytes_behind, record.memory_bytes) == (1, 99, 1_000_000)
    assert record.queues == {"channel": 4, "room": 0, "registry": 0}
    assert record.loop_lag_ms == 10.0


def test_without_metrics_the_activity_tells_some_of_it() -> None:
    stats = Stats(members=7, slow_consumers=2, loop_lag_ms=0.5)

    record = compared(Sample(10.0, STATUS), Sample(12.0, LATER, stats=stats))

    assert (record.source, record.members, record.slow_consumers, record.loop_lag_ms) == ("stats", 7, 2, 0.5)
    assert record.queues is None


@pytest.mark.parametrize(
    ("sort", "order"),
    [("rate", "bca"), ("members", "abc"), ("seq", "cab"), ("waiting", "bca"), ("name", "abc")],
)
def test_channels_are_sorted_by_what_is_wanted(sort: Sort, order: str) -> None:
    before = {"a": row(7, members=3), "b": row(1, members=2, waiting=1), "c": row(90)}
    now = {"a": row(7, members=3), "b": row(6, members=2, waiting=1), "c": row(92)}

    record = compared(Sample(0.0, STATUS, before), Sample(1.0, LATER, now))

    assert "".join(one.address for one in sorted_channels(record, sort)) == order


def test_the_command_knows_every_order() -> None:
    assert top.SORTS == tuple(SORTS) == typing.get_args(Sort)
