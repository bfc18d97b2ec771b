"""News of the server itself, as activity events: how it is now and then, and what does not work as it should."""

from __future__ import annotations

from arqonbus.protocol.activities import ACTIVITY_VERSION, Degraded, Part, Restored, Stats
from arqonbus.server.assembly import Bus
from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.setup import Pipeline
from arqonbus.transport import Listener

__all__ = ["News"]


class News:
    """Asked at each beat of the pulse, in the loop's thread."""

    __slots__ = ("_lag", "_name", "_next_at", "_since", "stats_interval_s")

    def __init__(self, name: str, stats_interval_s: float) -> None:
        """Begin well.

        Args:
            name: of this server.
            stats_interval_s: seconds between two ``stats``; 0: none.
        """
        self._name = name
        self.stats_interval_s = stats_interval_s
        self._next_at = 0.0  # seconds since the start of the bus
        self._since: dict[Part, float] = {}  # parts that are not well, and since when: seconds since the start
        self._lag = (0, 0.0)  # beats, and the sum of how late they were, at the last stats

    def beat(
        self, bus: Bus, listener: Listener, pipeline: Pipeline | None, meters: Meters, storage_trouble: str = ""
    ) -> None:
        """Tell what is due. ``storage_trouble``: what is wrong with the store, in words; empty: nothing."""
        is_failing = pipeline is not None and (
            pipeline.spans.failing_since is not None or pipeline.metrics.failing_since is not None
        )
        self._tell_part(bus, "telemetry", "the export of telemetry fails" if is_failing else "")
        self._tell_part(bus, "storage", storage_trouble)
        if self.stats_interval_s > 0 and bus.uptime_s >= self._next_at:
            self._next_at = bus.uptime_s + self.stats_interval_s
            bus.emit(self._stats(bus, listener, meters))

    def _tell_part(self, bus: Bus, part: Part, trouble: str) -> None:
        since = self._since.get(part)
        if trouble and since is None:
            self._since[part] = bus.uptime_s
            bus.emit(Degraded(part, trouble))
        elif since is not None and not trouble:
            bus.emit(Restored(part, round(bus.uptime_s - since, 1)))
            del self._since[part]

    def _stats(self, bus: Bus, listener: Listener, meters: Meters) -> Stats:
        counters, cards, lag = bus.counters, list(bus.directory.room_cards()), meters.lag.snapshot()
        n_beats, late_s = lag.count - self._lag[0], lag.total - self._lag[1]
        self._lag = (lag.count, lag.total)
        return Stats(
            server=self._name,
            activity_version=ACTIVITY_VERSION,
            uptime_s=round(bus.uptime_s, 3),
            connections=listener.statistics().open,
            rooms=len(cards),
            channels=sum([len(card.channels) for card in cards]),
            members=sum([card.members for card in cards]),
            messages_in=counters.messages_in,
            messages_out=counters.messages_out,
            duplicates=counters.duplicates,
            errors=counters.errors,
            slow_consumers=counters.slow_consumers,
            loop_lag_ms=round(late_s / n_beats * 1000, 3) if n_beats else 0.0,
        )
