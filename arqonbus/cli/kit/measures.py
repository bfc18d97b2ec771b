"""Measures: what the commands write that look at a server as a whole: ``doctor``, ``ping``, ``top``, ``bench``."""

from typing import Final, Literal

from msgspec import Struct

from arqonbus.cli.kit.record import Record

__all__ = ["MEASURES", "BenchRecord", "DoctorRecord", "Finding", "MachineRecord", "PingRecord", "PingsRecord"]


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


MEASURES: Final[tuple[type[Record], ...]] = (DoctorRecord, PingRecord, PingsRecord, BenchRecord)
"""Every kind."""
