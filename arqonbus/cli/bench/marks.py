"""Marks: what a run is to reach, as `--fail-if` says it, and how it differs from an earlier one. Pure.

p99>5            worse than 5 ms
p99>+20%         more than 20 % above the run of --compare
lost>0           any
received_per_s<1000
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from arqonbus.cli.kit.measures import BenchRecord

__all__ = ["METRICS", "Mark", "changes", "parse", "unlike", "values"]

LATENCIES: Final = ("p50", "p90", "p99", "p99.9", "max", "mean")
COUNTS: Final = ("lost", "duplicates", "reordered", "cut", "refused", "unsent", "sent_per_s", "received_per_s")
METRICS: Final = (*LATENCIES, *COUNTS)
"""What a mark may be about; times in ms."""

SETTINGS: Final = (
    "shape",
    "clients",
    "rate",
    "duration_s",
    "warmup_s",
    "size",
    "processes",
    "server_version",
    "machine",
)
"""In which two runs must be alike to be compared."""

_MARK: Final = re.compile(r"\s*([a-z_0-9.]+)\s*([<>])\s*([+-]?)(\d+(?:\.\d+)?)\s*(ms|%)?\s*")


class Mark(Struct, frozen=True):
    """One thing that a run must not do."""

    metric: str
    above: bool  # True: it must not be above the limit; False: not below
    limit: float
    relative: bool  # the limit is a change against the earlier run, in %
    text: str

    def broken(self, now: BenchRecord, before: BenchRecord | None) -> str:
        """Say how the run broke it; empty: it did not.

        Args:
            now: the run
            before: that of `--compare`; None only for a mark that is not relative
        """
        value = values(now)[self.metric]
        limit = self.limit
        if self.relative:
            assert before is not None  # noqa: S101 - checked with the arguments
            limit = values(before)[self.metric] * (1 + self.limit / 100)
        is_broken = value > limit if self.above else value < limit
        return (
            f"{self.metric} is {value:g}, {'above' if self.above else 'below'} {limit:g} ({self.text})"
            if is_broken
            else ""
        )


def parse(text: str) -> Mark:
    """Read a mark. Raises ValueError, in words."""
    found = _MARK.fullmatch(text)
    if found is None:
        raise ValueError(f"expected such as p99>5ms, p99>+20% or lost>0, got {text!r}")
    metric, sign, change, number, unit = found.groups()
    if metric not in METRICS:
        raise ValueError(f"expected one of {', '.join(METRICS)}, got {metric!r}")
    if bool(change) != (unit == "%"):
        raise ValueError(f"expected a change as +20%, or a limit as 5, got {text!r}")
    if unit == "ms" and metric not in LATENCIES:
        raise ValueError(f"{metric} is not in ms")
    return Mark(metric, sign == ">", float(f"{change}{number}"), unit == "%", text.strip())


def values(run: BenchRecord) -> dict[str, float]:
    """Give every metric of a run."""
    return {**{name: run.latency_ms[name] for name in LATENCIES}, **{name: getattr(run, name) for name in COUNTS}}


def changes(now: BenchRecord, before: BenchRecord) -> list[tuple[str, float, float, str]]:
    """Compare two runs: metric, before, now, change in words."""
    old = values(before)
    return [(name, old[name], new, _change(old[name], new)) for name, new in values(now).items() if old[name] or new]


def unlike(now: BenchRecord, before: BenchRecord) -> list[str]:
    """Say in what two runs were not alike, so that their figures should not be compared."""
    pairs: Iterable[tuple[str, object, object]] = ((n, getattr(before, n), getattr(now, n)) for n in SETTINGS)
    return [name if name == "machine" else f"{name} was {old}, is {new}" for name, old, new in pairs if old != new]


def _change(old: float, new: float) -> str:
    return f"{(new / old - 1) * 100:+.0f} %" if old else "was 0"
