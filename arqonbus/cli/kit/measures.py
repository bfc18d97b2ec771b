"""Measures: what the commands write that look at a server as a whole: ``doctor``, ``ping``, ``top``, ``bench``."""

from typing import Final, Literal

from msgspec import Struct

from arqonbus.cli.kit.record import Record

__all__ = [
    "MEASURES",
    "BenchRecord",
    "DoctorRecord",
    "Finding",
    "MachineRecord",
    "PingRecord",
    "PingsRecord",
    "TopChannel",
    "TopRecord",
]


class Finding(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that `doctor` looked at."""

    what: str
    verdict: Literal["ok", "warning", "wrong", "skipped"]  # `wrong`: it does not work, or keeps a promise badly
    words: str  # what was found
    do: str = ""  # what can be done about it


class DoctorRecord(Record, tag="doctor", frozen=True, kw_only=True):
    """What `doctor` found."""

    ok: bool  # nothing is wrong; there may be warnings
    findings: tuple[Finding, ...]


class PingRecord(Record, tag="ping", frozen=True, kw_only=True):
    """One answer to `ping`."""

    n: int  # from 1 on
    ms: float | None  # until the answer came; None: it did not


class PingsRecord(Record, tag="pings", frozen=True, kw_only=True):
    """All answers to `ping`."""

    sent: int
    answered: int
    ms: dict[str, float]  # min, p50, p90, p99, p99.9, max, mean


class TopChannel(Struct, frozen=True, forbid_unknown_fields=True):
    """One channel, as `top` shows it."""

    address: str
    members: int
    per_s: float  # events published
    seq: int
    waiting: int  # events that wait for a member of one of its groups
    kind: str


class TopRecord(Record, tag="top", frozen=True, kw_only=True):
    """One look of `top`. None: the server does not tell, see `source`."""

    at: str  # RFC 3339
    interval_s: float  # since the look before, that rates are of
    server: str
    version: str
    uptime_s: float
    draining: bool
    backend: str
    state: str
    connections: int
    rooms: int
    channels: int
    messages_in_per_s: float
    messages_out_per_s: float
    errors_per_s: float
    source: Literal["metrics", "stats", "status"]  # /metrics, the activity event `stats`, or the command alone
    members: int | None = None
    slow_consumers: int | None = None  # clients closed for it, since the start
    loop_lag_ms: float | None = None  # at p99
    bytes_in_per_s: float | None = None
    bytes_out_per_s: float | None = None
    clients_behind: int | None = None  # whose socket takes nothing now
    bytes_behind: int | None = None  # that wait for them
    queues: dict[str, int] | None = None  # mails that wait, by kind of actor
    cpu: float | None = None  # cores
    memory_bytes: int | None = None
    rows: tuple[TopChannel, ...]


class MachineRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What a measurement ran on."""

    system: str
    processor: str
    cpus: int
    python: str
    arqonbus: str  # version of the generator


class BenchRecord(Record, tag="bench", frozen=True, kw_only=True):
    """One run of `bench`; latencies in ms, from the intended time of sending, of what was sent after the warm-up."""

    valid: bool  # False: the generator did not do what it was to do, see doubts
    doubts: tuple[str, ...]
    shape: Literal["fanout", "pairs", "requests"]
    clients: int
    rate: float  # wanted, messages a second
    duration_s: float
    warmup_s: float
    size: int  # bytes of a payload
    processes: int
    server: str
    server_version: str
    machine: MachineRecord
    sent: int
    unsent: int  # that there was no time for
    refused: int  # that the server did not take
    expected: int  # events that readers should have got; answers
    received: int
    measured: int  # of the received, in the latencies
    lost: int
    duplicates: int
    reordered: int
    cut: int  # connections that ended before the run
    sent_per_s: float
    received_per_s: float
    latency_ms: dict[str, float]  # p50, p90, p99, p99.9, max, mean
    lag_ms: dict[str, float]  # the same of the lateness of the generator, by its own fault
    blocked_ms: float  # that senders waited for the server to take more
    cpu: tuple[float, ...]  # cores used by each process of the generator
    histogram: tuple[tuple[float, int], ...]  # lower bound in ms, count


MEASURES: Final[tuple[type[Record], ...]] = (DoctorRecord, PingRecord, PingsRecord, TopRecord, BenchRecord)
"""Every kind."""
