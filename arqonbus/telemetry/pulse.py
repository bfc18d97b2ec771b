"""Pulse: a timer that measures how late the event loop is, and calls what has to look at things now and then.

Knows no loop: who can call later is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from arqonbus.telemetry.histogram import Histogram

__all__ = ["BEAT_S", "Pulse", "Timer"]

BEAT_S: Final = 0.5
"""Seconds between two beats: 120 samples a minute, for 10 us of CPU a second."""


class Timer(Protocol):
    """What a call later gives."""

    def cancel(self) -> None:
        """Make it never come."""


class Pulse:
    """Beats from ``start`` to ``stop``, in the loop's thread."""

    __slots__ = ("_call_later", "_due", "_lag", "_now", "_on_beat", "_timer")

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], Timer],
        now: Callable[[], float],
        lag: Histogram,
        on_beat: Callable[[], None],
    ) -> None:
        """Keep the arguments.

        Args:
            call_later: seconds, callback.
            now: monotonic seconds of the same loop.
            lag: takes how late each beat was, seconds.
            on_beat: called at each beat; cheap.
        """
        self._call_later = call_later
        self._now = now
        self._lag = lag
        self._on_beat = on_beat
        self._timer: Timer | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin to beat."""
        self._due = self._now() + BEAT_S
        self._timer = self._call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """Beat no more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        self._lag.observe(max(0.0, self._now() - self._due))
        self.start()
        self._on_beat()
