"""Activity events on their way to the publisher: bounded, counted, never about themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from arqonbus.protocol.activities import ActivityDropped, ClientConnected, Joined, SlowConsumer
from arqonbus.telemetry.activity import ActivityEmitter, Happened, silent
from tests.telemetry.test_pulse import Clock


class Channel:
    """Takes events, or not."""

    def __init__(self) -> None:
        self.got: list[Happened] = []
        self.is_full = False
        self.error: Exception | None = None

    def publish(self, batch: Sequence[Happened]) -> bool:
        if self.error is not None:
            raise self.error
        if self.is_full:
            return False
        self.got += batch
        return True

    @property
    def events(self) -> list[str]:
        return [happened.event for happened in self.got]


class Here:
    """An emitter with a clock and a channel."""

    def __init__(self, rate: float = 100, most_waiting: int = 1000) -> None:
        self.clock, self.channel = Clock(), Channel()
        self.emitter = ActivityEmitter(
            self.channel.publish,
            self.clock.call_later,
            lambda: self.clock.now,
            lambda: f"at {self.clock.now:g}",
            room="_telemetry",
            rate=rate,
            most_waiting=most_waiting,
        )
        self.emit: Callable[..., None] = self.emitter.emit


CAME = ClientConnected("c-1", None)


def test_the_events_of_a_turn_go_out_together_with_the_time_of_each() -> None:
    here = Here()

    here.emit(CAME)
    here.emit(Joined("r", "c", "c-1", None))
    assert here.channel.got == []
    here.clock.fire()

    assert here.channel.got == [
        Happened("client_connected", "at 10", CAME),
        Happened("joined", "at 10", Joined("r", "c", "c-1", None)),
    ]
    assert here.emitter.n_sent == 2


def test_nothing_is_told_of_the_telemetry_room_itself() -> None:
    here = Here()

    here.emit(Joined("_telemetry", "activity", "c-1", None))

    assert here.clock.due == []


def test_above_the_rate_events_are_dropped_and_the_number_is_told() -> None:
    here = Here(rate=2)  # a burst of 4

    for _ in range(10):
        here.emit(CAME)
    here.clock.fire()

    assert here.channel.events == ["client_connected"] * 4 + ["activity_dropped"]
    assert here.channel.got[-1].payload == ActivityDropped(6)
    assert here.emitter.n_dropped == 6


def test_dropped_events_are_told_even_if_no_other_follows() -> None:
    here = Here(rate=1)
    for _ in range(3):
        here.emit(CAME)
    here.clock.fire()
    assert here.channel.events == ["client_connected"] * 2 + ["activity_dropped"]

    here.emit(CAME)  # nothing was sent for a moment only: it is dropped
    here.clock.fire()

    assert here.channel.got[3:] == [Happened("activity_dropped", "at 11", ActivityDropped(1))]
    assert here.clock.due == []


def test_a_flood_of_dropped_events_is_told_once_a_second() -> None:
    here = Here(rate=1)
    for _ in range(1000):
        here.emit(CAME)
        here.clock.now += 0.01
        if here.clock.due[0][0] <= here.clock.now:
            here.clock.fire()

    assert here.channel.events.count("client_connected") <= 12
    assert here.channel.events.count("activity_dropped") <= 11


def test_what_a_full_channel_does_not_take_waits_within_the_bound() -> None:
    here = Here(rate=1e6, most_waiting=3)
    here.channel.is_full = True
    for _ in range(5):
        here.emit(CAME)
    here.clock.fire()
    assert here.channel.got == []

    here.channel.is_full = False
    here.clock.fire()

    assert here.channel.events == ["client_connected"] * 3 + ["activity_dropped"]
    assert here.channel.got[-1].payload == ActivityDropped(2)
    assert here.clock.due == []


@pytest.mark.parametrize("n_events", [1, 7])
def test_a_publisher_that_fails_hurts_nobody_and_is_not_asked_for_ever(n_events: int) -> None:
    here = Here()
    here.channel.error = ValueError("a bug")
    for _ in range(n_events):
        here.emit(CAME)

    here.clock.fire()

    assert (here.emitter.n_sent, here.emitter.n_dropped) == (0, n_events)
    assert here.clock.due == []


def test_closing_sends_what_waits_and_nothing_after_it() -> None:
    here = Here()
    here.emit(SlowConsumer("c-1", "alice", "more than 1 bytes wait", 3))

    here.emitter.close()
    here.emit(CAME)

    assert here.channel.events == ["slow_consumer"]


def test_a_silent_emitter_takes_everything() -> None:
    assert silent(CAME) is None
