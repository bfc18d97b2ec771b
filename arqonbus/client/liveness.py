"""Liveness: whether the other side is still there, judged by the clock at the moment of the look. Pure; rule R17.

A late timer (the machine slept, the process was stopped) says nothing of the server: then it is asked first.
"""

from collections.abc import Callable
from typing import Final

from arqonbus.client.codec import Outgoing, write
from arqonbus.client.timers import Timers

__all__ = ["LATE_S", "PROBE_S", "SILENCE_S", "Liveness"]

SILENCE_S: Final = 5.0
"""Past the heartbeat: what a heartbeat may take on its way."""

LATE_S: Final = 1.0
"""A look that comes later than this was held up on this side."""

PROBE_S: Final = 3.0
"""For the answer to a ping after such a look."""


class Liveness:
    """Watches one session after the other.

    Args:
        timers: of the bus
        silent: called with `now` when nothing came for too long; the watch is over then
    """

    def __init__(self, timers: Timers, silent: Callable[[float], None]) -> None:
        self._timers = timers
        self._silent = silent
        self._limit_s = 0.0
        self.heard_at = 0.0  # monotonic seconds
        self.probe: bytes | None = None  # a ping to be sent
        self.is_paused = False  # the socket is not read, by our own will: then silence says nothing

    def start(self, heartbeat_s: float, now: float) -> None:
        """Watch a session whose server speaks every `heartbeat_s` at least."""
        self._limit_s = heartbeat_s + SILENCE_S
        self.heard(now)
        self._watch()

    def stop(self) -> None:
        """Watch no more."""
        self.probe = None
        self._timers.cancel("alive")

    def heard(self, now: float) -> None:
        """Note that something came."""
        self.heard_at = now
        self.probe = None

    def _watch(self) -> None:
        due = self.heard_at + self._limit_s
        self._timers.set("alive", due, lambda now: self._look(due, now))

    def _look(self, due: float, now: float) -> None:
        if self.is_paused:
            self.heard(now)
        if now < self.heard_at + self._limit_s:
            self._watch()
        elif now > due + LATE_S:
            self.probe = write(Outgoing("command", "probe", command="ping"))
            self._timers.set("alive", now + PROBE_S, lambda at: self._look_again(now, at))
        else:
            self._silent(now)

    def _look_again(self, asked_at: float, now: float) -> None:
        if self.heard_at >= asked_at:
            self._watch()
        else:
            self._silent(now)
