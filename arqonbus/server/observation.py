"""Observation: what a running server is asked for by metrics, and the export of it. Started and ended by ``lifecycle``.

The numbers are gathered in the loop's thread, a few times a second, into a mapping that other threads read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from arqonbus import __version__
from arqonbus.config import Settings
from arqonbus.server.assembly import Bus
from arqonbus.server.news import News
from arqonbus.telemetry.environment import Wishes, plan
from arqonbus.telemetry.logs import LogHandle
from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.metrics import Number, Reading
from arqonbus.telemetry.prometheus import content_type, render
from arqonbus.telemetry.pulse import Pulse
from arqonbus.telemetry.setup import Node, Pipeline, start, start_sampler
from arqonbus.telemetry.tracer import Tracer
from arqonbus.transport import Listener
from arqonbus.transport.lobby import TROUBLES

if TYPE_CHECKING:
    from arqonbus.server.store import Store

__all__ = ["Observation", "resident_bytes"]

ROOMS_A_BEAT: Final = 500
"""Rooms that may be counted at each beat; with more of them, numbers are gathered less often. 0.2 us a room."""


class Observation:
    """Gathers and exports. Without an exporter it does nothing and costs nothing.

    Made before the bus, which needs its tracer; ``watch`` tells it what to look at.
    """

    def __init__(self, settings: Settings, name: str, logs: LogHandle) -> None:
        """Set the export up; 0.4 s, where there is any.

        Args:
            settings: read here, never again.
            name: of this server.
            logs: counted, too.
        """
        telemetry = settings.telemetry
        wishes = Wishes(telemetry.endpoint, telemetry.protocol, telemetry.timeout_s, telemetry.interval_s)
        planned = plan(os.environ, wishes)
        self._bus: Bus
        self._listener: Listener
        self._store: Store | None = None
        self._pulse: Pulse | None = None
        self._logs = logs
        self._n_beats = 0
        self._is_scraped = telemetry.metrics
        self._reading: Reading = {}
        self.meters = Meters()
        self.tracer: Tracer | None = None
        node = Node(name, __version__, lambda: self._reading, self.meters.series)
        self._pipeline: Pipeline | None = start(planned, node)
        if self._pipeline is not None:
            sampler = start_sampler(planned, telemetry.traces_per_s)
            self.tracer = Tracer(
                sampler,
                self.meters,
                self._pipeline.record,
                most_deliveries=telemetry.deliver_spans,
                most_debugged=telemetry.debug_clients,
            )
            self._pipeline.on_break = self.tracer.pause
        self._news = News(name, telemetry.stats_interval_s)

    def watch(self, bus: Bus, listener: Listener, store: Store | None = None) -> None:
        """Look at these from now on. Once, before ``start``.

        Args:
            bus: all of it.
            listener: and its clients.
            store: of several servers; None: there is none.
        """
        self._bus = bus
        self._listener = listener
        self._store = store
        dispatcher = bus.system.dispatcher
        self._pulse = Pulse(dispatcher.call_later, dispatcher.now, self.meters.lag, self._beat)

    def start(self) -> None:
        """Begin to gather."""
        if self._pulse is not None and self._is_wanted:
            self._reading = self.gather()
            self._pulse.start()

    @property
    def _is_wanted(self) -> bool:
        is_asked = self._pipeline is not None or self._is_scraped or self._news.stats_interval_s > 0
        return is_asked or (self._store is not None and self._bus.activity is not None)

    def scrape(self, accept: str) -> tuple[str, str]:
        """Write the numbers of now for Prometheus. Gives the content type and the text."""
        form = content_type(accept)
        return form, render(self.gather(), self.meters.series(), form)

    async def close(self) -> None:
        """Export the last numbers and end, within ``setup.CLOSE_TIMEOUT_S``. Idempotent."""
        if self._pulse is not None:
            self._pulse.stop()
        if self._pipeline is not None:
            if self._pulse is not None:
                self._reading = self.gather()
            await self._pipeline.close()

    def gather(self) -> Reading:
        """Read all numbers. O(rooms)."""
        return {**self._traffic(), **self._actors(), **self._storage(), **self._process(), **self._telemetry()}

    def _beat(self) -> None:
        self._n_beats += 1
        directory = self._bus.directory
        n_channels = self._reading.get("arqonbus.channels", 0)
        size = max(directory.n_rooms, n_channels if isinstance(n_channels, int) else 0)
        if self._n_beats % (1 + size // ROOMS_A_BEAT) == 0:
            self._reading = self.gather()
        trouble = "" if self._store is None else self._store.trouble
        self._news.beat(self._bus, self._listener, self._pipeline, self.meters, trouble)

    def _traffic(self) -> Reading:
        counters, directory, listener = self._bus.counters, self._bus.directory, self._listener.statistics()
        cards = list(directory.room_cards())
        troubles = {name.removeprefix("refused_"): getattr(listener, name) for name in TROUBLES}
        return {
            "arqonbus.connections": listener.open,
            "arqonbus.connections.opened": listener.opened,
            "arqonbus.connections.refused": troubles,
            "arqonbus.clients": {"there": directory.n_clients, "away": directory.n_away},
            "arqonbus.rooms": len(cards),
            "arqonbus.channels": sum(len(card.channels) for card in cards),
            "arqonbus.members": sum(card.members for card in cards),
            "arqonbus.messages.received": counters.messages_in,
            "arqonbus.messages.delivered": counters.messages_out,
            "arqonbus.messages.duplicates": counters.duplicates,
            "arqonbus.messages.dropped": {
                "slow_consumer": counters.lost_slow,
                "overflow": counters.dropped,
                "group": counters.group_lost,
            },
            "arqonbus.messages.invalid": counters.invalid,
            "arqonbus.slow_consumers": counters.slow_consumers,
            "arqonbus.errors": dict(counters.errors_by_code),
            "arqonbus.io": {"in": listener.bytes_in, "out": listener.bytes_out},
            "arqonbus.outbox.blocked": len(counters.blocked),
            "arqonbus.outbox.size": sum(counters.blocked.values()),
        }

    def _actors(self) -> Reading:
        statistics = self._bus.system.statistics()
        return {
            "arqonbus.mailbox.depth": self._bus.mailbox_depths,
            "arqonbus.actor.turns": statistics.turns,
            "arqonbus.actor.ready": statistics.ready,
            "arqonbus.actors": statistics.actors,
            "arqonbus.actor.dead_letters": statistics.dead_letters,
            "arqonbus.actor.failures": statistics.failures,
            "arqonbus.actor.restarts": statistics.restarts,
            "arqonbus.history.size": self._bus.history_size,
            "arqonbus.uptime": self._bus.uptime_s,
        }

    def _storage(self) -> Reading:
        status = self._bus.storage
        up: Reading = {"arqonbus.storage.up": {status.backend: int(status.state == "ok")}}
        if self._store is None:
            return {**up, "arqonbus.storage.held": 0, "arqonbus.storage.refused": {}, "arqonbus.storage.troubles": {}}
        return {**up, **self._store.numbers()}

    def _process(self) -> Reading:
        times = os.times()
        reading: dict[str, Number | Mapping[str, Number]] = {
            "process.cpu.time": {"user": times.user, "system": times.system}
        }
        resident = resident_bytes()
        if resident is not None:
            reading["process.memory.usage"] = resident
        return reading

    def _telemetry(self) -> Reading:
        logs = self._logs.statistics()
        lines = {"written": logs.written, "dropped": logs.dropped, "suppressed": logs.suppressed, "failed": logs.failed}
        reading: dict[str, Number | Mapping[str, Number]] = {"arqonbus.log.lines": lines}
        activity = self._bus.activity
        if activity is not None:
            reading["arqonbus.telemetry.activity"] = {"sent": activity.n_sent, "dropped": activity.n_dropped}
        if self.tracer is not None:
            sampling = {"sampled": self.tracer.n_sampled, "throttled": self.tracer.n_throttled}
            reading["arqonbus.telemetry.sampling"] = sampling
        return {**reading, **(self._pipeline.reading if self._pipeline is not None else {})}


def resident_bytes() -> int | None:
    """Give the resident memory of this process; None where the system has no ``/proc``."""
    if sys.platform != "linux":
        return None
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
