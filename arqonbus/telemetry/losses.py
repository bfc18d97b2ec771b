"""Losses: what slow clients bore to lose, counted exactly and logged now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.logs import get_log

__all__ = ["Losses"]

LINE_EVERY_S = 10.0  # over all clients: a client on a bad line may lose events many times a second, for hours

_log = get_log("routing")


class _Client(Protocol):
    @property
    def client(self) -> str: ...


class _Place(Protocol):
    @property
    def room(self) -> str: ...
    @property
    def channel(self) -> str: ...


class Losses:
    """One per server, told by every session.

    Args:
        counters: whose ``dropped`` is exact.
        now: monotonic seconds.
    """

    def __init__(self, counters: Counters, now: Callable[[], float]) -> None:
        self._counters = counters
        self._now = now
        self._line_at = float("-inf")  # when the next line may be written
        self._n_untold = 0  # dropped since the last line

    def note(self, card: _Client, n_events: int, place: _Place, overflow: str) -> None:
        """Count events dropped for one client. A line tells all since the last one, and whose the newest were."""
        self._counters.dropped += n_events
        self._n_untold += n_events
        now = self._now()
        if now < self._line_at:
            return
        client, room, channel = card.client, place.room, place.channel
        _log.info("events_dropped", client=client, room=room, channel=channel, overflow=overflow, events=self._n_untold)
        self._line_at, self._n_untold = now + LINE_EVERY_S, 0
