"""Record: what a run has found, as `--json` writes it and `--compare` reads it, and whether it may be believed."""

from __future__ import annotations

import os
import platform
from typing import Final

import msgspec

from arqonbus import __version__
from arqonbus.cli.bench.outcome import Outcome
from arqonbus.cli.bench.plan import Plan
from arqonbus.cli.kit.measures import BenchRecord, MachineRecord
from arqonbus.client import Status

__all__ = ["doubts", "read_record", "record_of"]

MOST_CPU: Final = 0.9
"""Cores that a process of ours may use; above it waits for itself."""

LEAST_LAG_MS: Final = 1.0
"""Of lateness at p99 that never counts: timers are not more exact on a busy machine."""

MOST_LAG: Final = 0.25
"""Of the latency at p99 that may be the generator's own lateness."""


def record_of(plan: Plan, outcome: Outcome, server: Status) -> BenchRecord:
    """Write down what a run has found."""
    latency, lag = outcome.latency.latencies(), outcome.lag.latencies()
    return BenchRecord(
        valid=not (why := doubts(outcome)),
        doubts=why,
        shape=plan.shape,
        clients=plan.clients,
        rate=plan.rate,
        duration_s=plan.duration_s,
        warmup_s=plan.warmup_s,
        size=plan.size,
        processes=plan.processes,
        server=server.server,
        server_version=server.version,
        machine=_machine(),
        sent_per_s=_a_second(outcome.sent, plan, outcome),
        received_per_s=_a_second(outcome.received, plan, outcome),
        latency_ms=latency.summary(),
        lag_ms=lag.summary(),
        blocked_ms=outcome.blocked_ms,
        cpu=tuple(round(share, 3) for share in outcome.cpu),
        histogram=tuple((round(lowest / 1e6, 6), count) for lowest, count in outcome.latency.rows),
        **{name: getattr(outcome, name) for name in _COUNTS},
    )


def _a_second(n: int, plan: Plan, outcome: Outcome) -> float:
    """Give a rate; the last message stands for the time until the next one, too."""
    return round(n / max(outcome.took_s, plan.warmup_s + plan.duration_s), 1)


_COUNTS: Final = (
    *("sent", "unsent", "refused", "expected", "received", "measured"),
    *("lost", "duplicates", "reordered", "cut"),
)


def doubts(outcome: Outcome) -> tuple[str, ...]:
    """Say why the latencies of a run are not those of the bus; nothing: they are."""
    found = []
    latency, lag = outcome.latency.latencies(), outcome.lag.latencies()
    late_ms, measured_ms = lag.quantile(0.99), latency.quantile(0.99)
    if outcome.unsent:
        found.append(f"{outcome.unsent} of {outcome.unsent + outcome.sent} messages were not sent in time")
    if late_ms > max(LEAST_LAG_MS, MOST_LAG * measured_ms):
        found.append(f"the generator was {late_ms:.1f} ms late at p99, of {measured_ms:.1f} ms measured")
    if (most := max(outcome.cpu, default=0.0)) > MOST_CPU:
        found.append(f"a process of the generator used {most:.0%} of a core")
    if not outcome.measured:
        found.append("nothing came that was sent after the warm-up")
    return tuple(found)


def read_record(text: bytes) -> BenchRecord:
    """Read what `--json` wrote. Raises ValueError, in words: it is none."""
    try:
        return msgspec.json.decode(text, type=BenchRecord)
    except msgspec.MsgspecError as error:
        raise ValueError(f"expected what `arqonbus bench --json` wrote: {error}") from error


def _machine() -> MachineRecord:
    return MachineRecord(
        system=platform.system(),
        processor=platform.machine(),
        cpus=os.cpu_count() or 0,
        python=platform.python_version(),
        arqonbus=__version__,
    )
