"""Records: what ``--json`` writes, one object a line. A new kind is a struct here, and a row in RECORDS.

Each has `type`, which names its kind, and `v`, the version of it. `arqonbus schema output` prints their schema, and
tests read the output of every command back by it.
"""

from typing import Final, Literal

from msgspec import Struct

__all__ = ["RECORDS", "BenchRecord", "ErrorRecord", "MachineRecord", "Record", "StatusRecord"]


class Record(Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """One object of the output."""

    v: Literal[1] = 1


class ErrorRecord(Record, tag="error", frozen=True, kw_only=True):
    """What ended a command; goes to stderr."""

    code: str
    message: str
    hint: str
    exit: int


class StatusRecord(Record, tag="status", frozen=True, kw_only=True):
    """Answer of `status`."""

    server: str
    version: str
    uptime_s: float
    connections: int
    rooms: int
    channels: int
    messages_in: int
    messages_out: int
    errors: int
    draining: bool
    backend: str  # of the store
    state: str  # of the store


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
    told: int  # of the lost, as gaps
    sent_per_s: float
    received_per_s: float
    latency_ms: dict[str, float]  # p50, p90, p99, p99.9, max, mean
    lag_ms: dict[str, float]  # the same of the lateness of the generator, by its own fault
    blocked_ms: float  # that senders waited for the server to take more
    cpu: tuple[float, ...]  # cores used by each process of the generator
    histogram: tuple[tuple[float, int], ...]  # lower bound in ms, count


RECORDS: Final[tuple[type[Record], ...]] = (ErrorRecord, StatusRecord, BenchRecord)
"""Every kind."""
