"""Who gets what the server sends."""

import pytest

from arqonbus.client.errors import BusClosed
from arqonbus.client.feed import Feed
from arqonbus.client.results import MemberInfo
from arqonbus.client.roster import Change
from tests.client.stage import Stage


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.connect()
    return stage


@pytest.mark.rules("R43")
def test_private_messages_go_to_every_inbox(stage: Stage) -> None:
    one, other = Feed(), Feed()
    stage.core.listen(one)
    stage.core.listen(other)

    stage.say(type="private", id="p", sender="c-9", payload=1)

    assert len(one) == len(other) == 1
    assert stage.core.stats().unheard == 0


@pytest.mark.rules("R43")
def test_broadcasts_go_to_those_of_their_room_and_of_all(stage: Stage) -> None:
    science, lab, every = Feed(), Feed(), Feed()
    stage.core.listen(science, broadcasts=True, room="science")
    stage.core.listen(lab, broadcasts=True, room="lab")
    stage.core.listen(every, broadcasts=True)

    stage.say(type="broadcast", room="science", id="b", sender="c-9", payload=1)

    assert (len(science), len(lab), len(every)) == (1, 0, 1)


@pytest.mark.rules("R43", "R50")
def test_what_nobody_wants_is_counted(stage: Stage) -> None:
    stage.say(type="private", id="p", sender="c-9", payload=1)
    stage.say(type="broadcast", room="science", id="b", sender="c-9", payload=1)
    stage.event(1)

    assert stage.core.stats().unheard == 3


def test_a_feed_that_is_ignored_gets_nothing_more(stage: Stage) -> None:
    feed = Feed()
    stage.core.listen(feed)
    stage.core.listen(feed, broadcasts=True)

    stage.core.ignore(feed)
    stage.say(type="private", id="p", sender="c-9", payload=1)

    assert len(feed) == 0 and stage.core.incoming.feeds == []


@pytest.mark.rules("R47")
@pytest.mark.parametrize(
    ("event", "payload", "change"),
    [
        ("member_joined", {"client": "c-2", "count": 2}, Change("joined", "c-2", MemberInfo("c-2"), None, 2)),
        ("member_joined", {"client": "c-2"}, Change("joined", "c-2", MemberInfo("c-2"), None, 2)),
        (
            "member_updated",
            {"client": "c-1", "user": "u"},
            Change("updated", "c-1", MemberInfo("c-1", "u"), None, 1),
        ),
        ("member_left", {"client": "c-1", "reason": "lost"}, Change("left", "c-1", MemberInfo("c-1"), "lost", 0)),
        ("member_count", {"count": 900}, Change("count", count=900)),
        ("members_present", {"present": [{"client": "c-5"}], "count": 1}, Change("reset", count=1)),
    ],
)
def test_changes_of_who_is_there_reach_the_roster(
    stage: Stage, event: str, payload: dict[str, object], change: Change
) -> None:
    seat = stage.follow()
    stage.answer_join(members=1, present=[{"client": "c-1"}])
    assert seat.roster is not None
    seat.roster.take()

    stage.say_system(event, payload, room="science", channel="explore")

    assert seat.roster.take() == change


@pytest.mark.rules("R51")
def test_system_events_are_told_and_new_ones_too_but_no_heartbeats(stage: Stage) -> None:
    stage.say_system("heartbeat", {})
    stage.say_system("storage_degraded", {})
    stage.say_system("a_newer_event", {"x": 1}, room="science")

    assert stage.system == [("storage_degraded", {}, "", ""), ("a_newer_event", {"x": 1}, "science", "")]


@pytest.mark.rules("R51")
@pytest.mark.parametrize(
    "text",
    [b"no json", b'{"type":"system","event":"gap","payload":{"from":"x"}}', b'{"type":"event","room":"r","seq":1}'],
)
def test_what_cannot_be_read_is_counted_and_told_and_hurts_nothing(stage: Stage, text: bytes) -> None:
    reader = stage.join()

    stage.core.received(stage.core.link.number, text, stage.now)
    stage.event(1)

    assert stage.core.stats().unreadable == 1
    assert [error.code for error in stage.errors] == ["unreadable"]
    assert reader.seqs() == [1]


@pytest.mark.rules("R51")
def test_an_unreadable_event_is_found_by_the_hole_that_it_leaves(stage: Stage) -> None:
    reader = stage.join()

    stage.core.received(stage.core.link.number, b'{"type":"event","room":"science","seq":1}', stage.now)
    stage.event(2)

    assert [gap.reason for gap in reader.gaps] == ["hole"]


@pytest.mark.rules("R33", "R49")
def test_feeds_of_no_channel_end_with_the_bus(stage: Stage) -> None:
    feed = Feed()
    stage.core.listen(feed)

    stage.core.close(stage.now)

    assert feed.has_ended and feed.error is None
    with pytest.raises(BusClosed):
        stage.core.listen(Feed())


@pytest.mark.rules("R33")
def test_feeds_of_no_channel_say_why_when_it_was_not_the_user(stage: Stage) -> None:
    feed = Feed()
    stage.core.listen(feed, broadcasts=True)

    stage.lose(4503)

    assert isinstance(feed.error, BusClosed)
