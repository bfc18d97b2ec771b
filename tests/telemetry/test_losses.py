"""Losses: an exact count, and a log that does not flood."""

import logging
from typing import Any, NamedTuple

import pytest

from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.losses import Losses


class Card(NamedTuple):
    client: str


class Place(NamedTuple):
    room: str
    channel: str


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_every_event_is_counted() -> None:
    counters = Counters()
    losses = Losses(counters, Clock())
    losses.note(Card("a"), 3, Place("r", "c"), "conflate")
    losses.note(Card("b"), 4, Place("r", "d"), "drop_oldest")

    assert counters.dropped == 7


def test_a_line_in_ten_seconds_tells_all_that_were_dropped_since_the_last(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    losses = Losses(Counters(), clock)
    with caplog.at_level(logging.INFO):
        for n in range(1000):
            clock.now = n / 50
            losses.note(Card(f"client {n}"), 2, Place("r", "c"), "conflate")

    lines = [line for line in caplog.messages if line.startswith("events_dropped")]
    assert [words(line) for line in lines] == [("client 0", "2"), ("client 500", "1000")]
    assert "room=r channel=c" in lines[0]


def words(line: str) -> Any:
    return line.split("client=")[1].split(" room")[0].strip('"'), line.split("events=")[1]
