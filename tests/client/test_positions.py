"""What connect is asked to bring back."""

import pytest

from arqonbus.client.feed import Feed
from arqonbus.client.membership import Membership
from arqonbus.client.positions import positions_of
from arqonbus.client.seat import Seat, Wanted
from arqonbus.protocol.args import MAX_POSITIONS


def member(channel: str, *places: tuple[str, str, int], **wanted: object) -> Membership:
    """A membership whose one reader is at these places: channel, epoch, seq."""
    membership = Membership("science", channel, Wanted(**wanted))  # type: ignore[arg-type]
    feed = Feed()
    for name, epoch, seq in places:
        feed.begin(name, epoch, seq, 0)
    seat = Seat(membership._wanted, feed)
    seat.start()
    membership.add(seat)
    return membership


@pytest.mark.rules("R7")
def test_each_channel_is_named_once_with_the_lower_seq() -> None:
    own, room = member("a", ("a", "e1", 7)), member("*", ("a", "e1", 5), ("b", "e2", 1))

    assert positions_of([own, room]) == [
        {"room": "science", "channel": "a", "epoch": "e1", "seq": 5},
        {"room": "science", "channel": "b", "epoch": "e2", "seq": 1},
    ]
    assert (own.asked, room.asked) == (frozenset("a"), frozenset("ab"))


@pytest.mark.rules("R7")
def test_of_two_epochs_the_first_is_asked_for() -> None:
    own, room = member("a", ("a", "e2", 7)), member("*", ("a", "e1", 5))

    assert positions_of([own, room]) == [{"room": "science", "channel": "a", "epoch": "e2", "seq": 7}]


@pytest.mark.rules("R30")
def test_groups_and_other_ways_to_recover_are_not_asked_for() -> None:
    group = member("a", ("a", "e1", 7), group="workers")
    latest = member("b", ("b", "e1", 7), recover="latest")

    assert positions_of([group, latest]) == []
    assert group.asked == latest.asked == frozenset()


@pytest.mark.rules("R30")
def test_no_more_are_asked_for_than_the_server_takes() -> None:
    many = [member(f"c{n}", (f"c{n}", "e1", n)) for n in range(MAX_POSITIONS + 2)]

    assert len(positions_of(many)) == MAX_POSITIONS
    assert [one.channel for one in many if not one.asked] == ["c1000", "c1001"]
