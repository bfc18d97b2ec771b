"""Rates: what happened between two samples, as one record. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from arqonbus.cli.kit.measures import TopChannel, TopRecord
from arqonbus.cli.top.exposition import quantile_between
from arqonbus.cli.top.sample import ChannelRow, Sample
from arqonbus.client import Status

__all__ = ["SORTS", "Sort", "record_of", "sorted_channels"]

Sort = Literal["rate", "members", "seq", "waiting", "name"]

SORTS: Final[dict[Sort, Callable[[TopChannel], tuple[object, ...]]]] = {
    "rate": lambda row: (-row.per_s, -row.members, row.address),
    "members": lambda row: (-row.members, -row.per_s, row.address),
    "seq": lambda row: (-row.seq, row.address),
    "waiting": lambda row: (-row.waiting, -row.per_s, row.address),
    "name": lambda row: (row.address,),
}
"""Orders of channels, by name."""

_QUEUES: Final = ("channel", "room", "registry")


def record_of(before: Sample, now: Sample, timestamp: str) -> TopRecord:
    """Compare two samples.

    Args:
        before: the earlier one, of the same server
        now: the later one
        timestamp: RFC 3339, of now
    """
    seconds = max(1e-6, now.at - before.at)
    if now.status.uptime_s < before.status.uptime_s:  # another life of the server: its counters began anew
        before = Sample(before.at, _zeroed(now), numbers={} if now.numbers is not None else None)
    status = now.status
    return TopRecord(
        at=timestamp,
        interval_s=round(seconds, 3),
        server=status.server,
        version=status.version,
        uptime_s=status.uptime_s,
        draining=status.draining,
        backend=status.storage.backend,
        state=status.storage.state,
        connections=status.connections,
        rooms=status.rooms,
        channels=status.channels,
        messages_in_per_s=_rate(before.status.messages_in, status.messages_in, seconds),
        messages_out_per_s=_rate(before.status.messages_out, status.messages_out, seconds),
        errors_per_s=_rate(before.status.errors, status.errors, seconds),
        rows=tuple(_row(name, row, before.channels.get(name), seconds) for name, row in now.channels.items()),
        **_inside(before, now, seconds),  # type: ignore[arg-type] # fields of the record, a test reads each
    )


def _inside(before: Sample, now: Sample, seconds: float) -> dict[str, object]:
    """Give what only `/metrics` or the activity event `stats` tell; None where nothing does."""
    numbers, stats = now.numbers, now.stats
    if numbers is None:
        if stats is None:
            return {"source": "status"}
        return {
            "source": "stats",
            "members": stats.members,
            "slow_consumers": stats.slow_consumers,
            "loop_lag_ms": stats.loop_lag_ms,
        }
    earlier = before.numbers or {}

    def number(name: str) -> float:
        return numbers.get(name, 0.0)

    def rate(*names: str) -> float:
        return _rate(sum(earlier.get(name, 0.0) for name in names), sum(number(name) for name in names), seconds)

    lag = quantile_between(earlier, numbers, "arqonbus_loop_lag_seconds", 0.99)
    cpu = [f'process_cpu_time_seconds_total{{cpu_mode="{mode}"}}' for mode in ("user", "system")]
    queues = {name: int(number(f'arqonbus_mailbox_depth{{actor_type="{name}"}}')) for name in _QUEUES}
    memory = number("process_memory_usage_bytes")
    return {
        "source": "metrics",
        "members": int(number("arqonbus_members")),
        "slow_consumers": int(number("arqonbus_slow_consumers_total")),
        "loop_lag_ms": None if lag is None else round(lag * 1000, 3),
        "bytes_in_per_s": rate('arqonbus_io_bytes_total{direction="in"}'),
        "bytes_out_per_s": rate('arqonbus_io_bytes_total{direction="out"}'),
        "clients_behind": int(number("arqonbus_outbox_blocked")),
        "bytes_behind": int(number("arqonbus_outbox_size_bytes")),
        "queues": queues,
        "cpu": rate(*cpu),
        "memory_bytes": int(memory) if memory else None,
    }


def _row(address: str, row: ChannelRow, before: ChannelRow | None, seconds: float) -> TopChannel:
    begun_at = before.seq if before is not None and before.epoch == row.epoch else 0
    if before is None:
        begun_at = row.seq  # it was not seen before: when it got its events is not known
    per_s = _rate(begun_at, row.seq, seconds)
    return TopChannel(
        address=address, members=row.members, per_s=per_s, seq=row.seq, waiting=row.waiting, kind=row.kind
    )


def _rate(before: float, now: float, seconds: float) -> float:
    return round(max(0.0, now - before) / seconds, 1 if now - before >= seconds else 3)


def _zeroed(now: Sample) -> Status:
    return msgspec.structs.replace(now.status, messages_in=0, messages_out=0, errors=0)


def sorted_channels(record: TopRecord, sort: Sort) -> list[TopChannel]:
    """Give the channels in an order."""
    return sorted(record.rows, key=SORTS[sort])
