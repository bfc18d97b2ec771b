"""A seat: starts once, ends once."""

import pytest

from arqonbus.client.errors import BusClosed
from arqonbus.client.feed import Feed
from arqonbus.client.roster import Roster
from arqonbus.client.seat import Seat, Wanted
from arqonbus.protocol.payloads import Position


@pytest.mark.rules("R34")
@pytest.mark.parametrize(
    ("wanted", "wants"),
    [
        (Wanted(), False),
        (Wanted(since=Position("e1", 0)), True),
        (Wanted(replay=1), True),
        (Wanted(replay=0), False),
        (Wanted(presence=True), False),
    ],
)
def test_a_replay_needs_an_answer_of_its_own(wanted: Wanted, wants: bool) -> None:
    seat = Seat(wanted, Feed())

    assert seat.wants_own_join is wants
    seat.start()
    assert not seat.wants_own_join


def test_it_says_once_that_it_has_started() -> None:
    told: list[str] = []
    seat = Seat(Wanted(), Feed(), on_start=lambda: told.append("started"))

    seat.start()
    seat.start()

    assert told == ["started"]


@pytest.mark.rules("R33")
def test_an_end_before_the_start_lets_the_opener_go_on() -> None:
    told: list[str] = []
    feed, roster = Feed(), Roster()
    seat = Seat(Wanted(), feed, roster, on_start=lambda: told.append("told"))

    seat.end(BusClosed("over"), at_once=False)
    seat.end(None, at_once=True)
    seat.start()

    assert told == ["told"]
    assert isinstance(feed.error, BusClosed) and isinstance(roster.error, BusClosed)
    assert seat.has_ended and not seat.has_started
