"""The pulse measures how late the loop is."""

from __future__ import annotations

from collections.abc import Callable

from arqonbus.telemetry.histogram import Histogram
from arqonbus.telemetry.pulse import BEAT_S, Pulse


class Clock:
    """A loop whose timers fire when told to, late if told so."""

    def __init__(self) -> None:
        self.now = 10.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Clock:
        self.due.append((self.now + delay_s, callback))
        return self

    def cancel(self) -> None:
        self.due.clear()

    def fire(self, late_s: float = 0.0) -> None:
        ((at, callback),) = self.due
        self.due.clear()
        self.now = at + late_s
        callback()


def test_each_beat_tells_how_late_it_was_and_calls_who_wants_to_know() -> None:
    clock, lag, beats = Clock(), Histogram((0.01, 0.1)), []
    pulse = Pulse(clock.call_later, lambda: clock.now, lag, lambda: beats.append(clock.now))
    pulse.start()

    clock.fire()
    clock.fire(late_s=0.05)
    clock.fire()

    assert lag.snapshot().counts == (2, 1, 0)
    assert beats == [10.0 + BEAT_S, 10.05 + 2 * BEAT_S, 10.05 + 3 * BEAT_S]


def test_it_beats_no_more_once_stopped() -> None:
    clock = Clock()
    pulse = Pulse(clock.call_later, lambda: clock.now, Histogram(()), lambda: None)
    pulse.start()

    pulse.stop()
    pulse.stop()

    assert clock.due == []
