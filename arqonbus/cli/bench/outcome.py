"""Outcome: what one process counted, and how several are added up. Travels as JSON between processes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from arqonbus.cli.bench.latencies import Latencies

__all__ = ["Outcome", "Times", "added"]


class Times(Struct, frozen=True):
    """A histogram as data."""

    rows: list[tuple[int, int]] = msgspec.field(default_factory=list)  # lower bound in ns, count
    total_ns: int = 0
    highest_ns: int = 0

    @classmethod
    def of(cls, latencies: Latencies) -> Times:
        """Write one down."""
        return cls(latencies.rows(), latencies.total_ns, latencies.highest_ns)

    def latencies(self) -> Latencies:
        """Make it again."""
        return Latencies.of(self.rows, self.total_ns, self.highest_ns)


class Outcome(Struct, frozen=True):
    """Counts of a run, warm-up included but for the latencies."""

    sent: int = 0  # handed to the bus
    unsent: int = 0  # that the plan wanted and nobody got around to
    refused: int = 0  # that the bus did not take, or did not answer
    expected: int = 0  # events that readers should have got, or answers
    received: int = 0  # each counted once
    measured: int = 0  # of these, with an intended time after the warm-up
    lost: int = 0
    duplicates: int = 0
    reordered: int = 0
    cut: int = 0  # connections that ended before the run
    took_s: float = 0.0  # from the start to the last message sent
    blocked_ms: float = 0.0  # that senders waited for the bus to take more
    latency: Times = Times()
    lag: Times = Times()  # of the generator: how late it sent, its own fault only
    cpu: tuple[float, ...] = ()  # cores used while it sent, one number a process


def added(outcomes: Iterable[Outcome]) -> Outcome:
    """Add up what the processes counted."""
    found = list(outcomes)
    latency, lag = Latencies(), Latencies()
    for one in found:
        latency.merge(one.latency.latencies())
        lag.merge(one.lag.latencies())
    sums = ("sent", "unsent", "refused", "expected", "received", "measured", "lost", "duplicates", "reordered", "cut")
    return Outcome(
        **{name: sum(getattr(one, name) for one in found) for name in sums},
        took_s=max((one.took_s for one in found), default=0.0),
        blocked_ms=round(sum(one.blocked_ms for one in found), 3),
        latency=Times.of(latency),
        lag=Times.of(lag),
        cpu=tuple(share for one in found for share in one.cpu),
    )
