"""A membership: one address on the wire for many seats."""

import pytest

from arqonbus.client.codec import EventIn
from arqonbus.client.feed import Feed
from arqonbus.client.membership import Membership
from arqonbus.client.message import Gap
from arqonbus.client.results import Join, Resumed
from arqonbus.client.roster import Roster
from arqonbus.client.seat import Seat, Wanted
from arqonbus.protocol.payloads import Position


def seat(**wanted: object) -> Seat:
    return Seat(Wanted(**wanted), Feed())  # type: ignore[arg-type]


def answer(seq: int, **more: object) -> Join:
    return Join("science", "explore", epoch="e1", seq=seq, **more)  # type: ignore[arg-type]


def with_seats(*seats: Seat) -> Membership:
    membership = Membership("science", "explore", seats[0].wanted)
    for one in seats:
        membership.add(one)
    return membership


@pytest.mark.rules("R32")
def test_the_first_seat_needs_a_join_and_plain_ones_after_it_do_not() -> None:
    membership = with_seats(seat())
    assert membership.needs_join(seat())
    membership.joins = 1
    assert not membership.needs_join(seat())

    membership.joined(answer(0), None)

    assert not membership.needs_join(seat())
    assert membership.needs_join(seat(replay=3))
    assert membership.needs_join(seat(presence=True))
    assert membership.needs_join(Seat(Wanted(), roster=Roster()))


@pytest.mark.rules("R34")
def test_a_seat_that_comes_late_starts_at_the_top_that_is_known() -> None:
    membership = with_seats(seat())
    membership.joined(answer(3), None)
    membership.deliver(EventIn(room="science", channel="explore", seq=4), 10)
    late = seat()

    membership.add(late)
    membership.start_at_top(late)

    assert late.feed is not None and late.feed.cursors["explore"].seq == 4


@pytest.mark.rules("R32")
def test_presence_is_asked_for_if_one_seat_wants_it() -> None:
    membership = with_seats(seat(), seat(presence=True))

    assert membership.join_args(None)["presence"] is True
    assert membership.has_options


@pytest.mark.rules("R30")
def test_a_membership_that_stands_is_joined_without_a_position() -> None:
    membership = with_seats(seat())
    membership.joined(answer(3), None)

    assert "since" not in membership.join_args(None)
    membership.lost()

    assert membership.join_args(None)["since"] == Position("e1", 3)


@pytest.mark.rules("R29")
def test_readers_that_have_not_started_have_no_position() -> None:
    membership = with_seats(seat(replay=1))

    assert list(membership.positions()) == []
    assert not membership.has_position


@pytest.mark.rules("R29")
def test_a_seat_that_came_while_away_starts_where_the_channel_came_back() -> None:
    first, late = seat(), seat()
    membership = with_seats(first)
    membership.joined(answer(3), None)
    membership.lost()
    membership.add(late)

    membership.resumed(Resumed("science", "explore", "e1", 5, True))

    assert membership.is_joined and late.has_started
    assert late.feed is not None and late.feed.cursors["explore"].seq == 5
    assert first.feed is not None and first.feed.cursors["explore"].seq == 3


@pytest.mark.rules("R30")
def test_what_is_ignored_reaches_nobody() -> None:
    one = seat()
    membership = with_seats(one)
    membership.joined(answer(0), None)
    membership.ignores = True

    membership.deliver(EventIn(room="science", channel="explore", seq=1), 10)
    membership.lose("explore", Gap(1, 2, 2, "slow"))

    assert one.feed is not None and one.feed.take() is None and one.feed.stats.gaps == 0


@pytest.mark.rules("R38")
def test_a_whole_room_takes_events_before_it_has_started_and_has_no_position_of_its_own() -> None:
    membership = Membership("science", "*", Wanted())
    one = seat()

    membership.add(one)
    membership.deliver(EventIn(room="science", channel="explore", seq=1), 10)

    assert not one.has_started
    assert one.feed is not None and one.feed.take() is not None
    assert not membership.has_position
    assert "since" not in membership.join_args(None)


def test_seats_that_are_taken_out_get_nothing_more() -> None:
    one, other = seat(), seat()
    membership = with_seats(one, other)
    membership.joined(answer(0), None)

    membership.remove(one)
    membership.deliver(EventIn(room="science", channel="explore", seq=1), 10)

    assert one.feed is not None and one.feed.take() is None
    assert other.feed is not None and other.feed.take() is not None
