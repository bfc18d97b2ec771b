"""Meters: the histograms, and what a traced message adds to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from msgspec import Struct

from arqonbus.telemetry.histogram import Histogram
from arqonbus.telemetry.metrics import Metric, metric
from arqonbus.telemetry.span_table import BROADCAST, EVENT, PRIVATE, Message

__all__ = ["Meters", "Series", "Traced"]

_NS: Final = 1e-9
_TYPES: Final = {EVENT.template: "event", BROADCAST.template: "broadcast", PRIVATE.template: "private"}
_ACTORS: Final = ("channel", "room", "registry")


class Traced(Protocol):
    """What a meter must know of a trace."""

    @property
    def trace_id(self) -> int:
        """128 bits."""

    @property
    def span_id(self) -> int:
        """64 bits."""

    @property
    def started_ns(self) -> int:
        """Nanoseconds since 1970."""

    @property
    def is_recorded(self) -> bool:
        """Whether it has spans that an exemplar may point to."""


class Series(Struct, frozen=True):
    """One series of a histogram."""

    row: Metric
    label: str
    """Value of its label; empty: it has none."""
    histogram: Histogram


class Meters:
    """All histograms of one process. Written by the loop's thread, read by any."""

    __slots__ = ("_commands", "_deliveries", "_members", "_publishes", "_waits", "lag")

    def __init__(self) -> None:
        """Start empty."""
        self._publishes = {name: _made("publish.duration") for name in _TYPES.values()}
        self._waits = {name: _made("mailbox.wait") for name in _ACTORS}
        self._deliveries = _made("deliver.duration")
        self._commands = _made("command.duration")
        self._members = _made("fanout.members")
        self.lag = _made("loop.lag")

    def published(self, message: Message, trace: Traced, ended_ns: int) -> None:
        """Time one message that was accepted or refused."""
        _time(self._publishes[_TYPES[message.template]], ended_ns - trace.started_ns, trace)

    def delivered(self, latency_ns: int, trace: Traced) -> None:
        """Time one delivery, from the sender's socket on."""
        # Spelt out, not by _time: of all that is timed most are these.
        seconds = latency_ns * _NS if latency_ns > 0 else 0.0
        self._deliveries.observe(seconds, trace.trace_id if trace.is_recorded else 0, trace.span_id)

    def commanded(self, duration_ns: int, trace: Traced) -> None:
        """Time one command."""
        _time(self._commands, duration_ns, trace)

    def waited(self, actor_type: str, wait_ns: int, trace: Traced) -> None:
        """Time one wait in a mailbox."""
        _time(self._waits[actor_type], wait_ns, trace)

    def fanned_out(self, n_members: int, trace: Traced) -> None:
        """Count the members of one message."""
        self._members.observe(n_members, trace.trace_id if trace.is_recorded else 0, trace.span_id)

    def series(self) -> Iterator[Series]:
        """Give every series, in the order of the table."""
        yield Series(metric("arqonbus.loop.lag"), "", self.lag)
        for name, histogram in self._publishes.items():
            yield Series(metric("arqonbus.publish.duration"), name, histogram)
        yield Series(metric("arqonbus.deliver.duration"), "", self._deliveries)
        yield Series(metric("arqonbus.command.duration"), "", self._commands)
        for name, histogram in self._waits.items():
            yield Series(metric("arqonbus.mailbox.wait"), name, histogram)
        yield Series(metric("arqonbus.fanout.members"), "", self._members)


def _made(name: str) -> Histogram:
    return Histogram(metric(f"arqonbus.{name}").bounds)


def _time(histogram: Histogram, duration_ns: int, trace: Traced) -> None:
    # The wall clock may be set back between two looks: no time is negative.
    seconds = duration_ns * _NS if duration_ns > 0 else 0.0
    histogram.observe(seconds, trace.trace_id if trace.is_recorded else 0, trace.span_id)
