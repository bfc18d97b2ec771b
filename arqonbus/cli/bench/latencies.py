"""Latencies: a histogram of times with an error below 1 %, whatever their size. Pure.

Buckets grow with the time: 128 of equal width for every power of two, so a bucket is never wider than 1/128 of what it
holds. Counting one takes 0.3 us; two histograms of the same run are added up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["Latencies"]

_BITS: Final = 7
_WIDTH: Final = 1 << _BITS  # buckets of one power of two


class Latencies:
    """Counts times in nanoseconds, >= 0; a negative one counts as 0."""

    __slots__ = ("_counts", "highest_ns", "lowest_ns", "n", "total_ns")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.n = 0
        self.total_ns = 0
        self.lowest_ns = 0  # 0 where nothing was counted
        self.highest_ns = 0

    def add(self, ns: int) -> None:
        """Count one."""
        ns = max(ns, 0)
        bucket = _bucket(ns)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.lowest_ns = min(ns, self.lowest_ns) if self.n else ns
        self.n += 1
        self.total_ns += ns
        self.highest_ns = max(self.highest_ns, ns)

    def quantile(self, part: float) -> float:
        """Give the time in ms that `part` (0 to 1) of all do not exceed, to 0.4 %; 0 where nothing was counted."""
        wanted = part * self.n
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted:
                return max(self.lowest_ns, min(_middle(bucket), self.highest_ns)) / 1e6
        return self.highest_ns / 1e6

    @property
    def mean_ms(self) -> float:
        """The mean, exact; 0 where nothing was counted."""
        return self.total_ns / self.n / 1e6 if self.n else 0.0

    def summary(self) -> dict[str, float]:
        """Give what is reported, in ms: p50, p90, p99, p99.9, max, mean."""
        parts = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
        found = {name: self.quantile(part) for name, part in parts.items()}
        return {
            name: round(ms, 4) for name, ms in {**found, "max": self.highest_ns / 1e6, "mean": self.mean_ms}.items()
        }

    def merge(self, other: Latencies) -> None:
        """Add another one up."""
        if other.n:
            self.lowest_ns = min(self.lowest_ns, other.lowest_ns) if self.n else other.lowest_ns
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count
        self.n += other.n
        self.total_ns += other.total_ns
        self.highest_ns = max(self.highest_ns, other.highest_ns)

    def rows(self) -> list[tuple[int, int]]:
        """Give the buckets that hold something, ascending: lower bound in ns, count."""
        return [(_lowest(bucket), self._counts[bucket]) for bucket in sorted(self._counts)]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int]], total_ns: int, highest_ns: int) -> Latencies:
        """Make it again from `rows`, and from the sum and the highest of what was counted."""
        made = cls()
        for lowest, count in rows:
            made._counts[_bucket(lowest)] = count
            made.lowest_ns = min(lowest, made.lowest_ns) if made.n else lowest  # of its bucket: 0.8 % too low at most
            made.n += count
        made.total_ns, made.highest_ns = total_ns, highest_ns
        return made


def _bucket(ns: int) -> int:
    shift = max(0, ns.bit_length() - _BITS - 1)
    return (shift << _BITS) + (ns >> shift)


def _lowest(bucket: int) -> int:
    if bucket < 2 * _WIDTH:
        return bucket
    shift = (bucket >> _BITS) - 1
    return (bucket - (shift << _BITS)) << shift


def _middle(bucket: int) -> float:
    lowest = _lowest(bucket)
    return lowest + (_lowest(bucket + 1) - lowest - 1) / 2
