"""Durable groups of a channel between a store and members that are probes; sessions play it in the flow tests."""

from __future__ import annotations

import pytest

from arqonbus.errors import Conflict, StorageError, Unavailable
from arqonbus.protocol.payloads import GroupInfo, GroupInfoResult, GroupNode, GroupOptions
from arqonbus.routing.group_mail import DeleteGroup, DescribeGroup, Gone
from arqonbus.routing.mail import Bounced, Create, Ready, Receipt, Unsent
from tests.routing.durable_stage import Stage


def test_each_event_is_one_members_until_it_acknowledges_it() -> None:
    stage = Stage()
    one, two = stage.member("one"), stage.member("two")
    stage.publish(*range(6))

    assert (one.look(), two.look()) == ([(1, 1), (3, 1), (5, 1)], [(2, 1), (4, 1), (6, 1)])
    assert one.in_hand[0]["payload"] == 0
    assert one.in_hand[0]["delivery"] == {"group": "g", "attempt": 1, "epoch": "5"}
    assert one.ack(1, 3) == 2
    assert two.ack(2, 4, 6) == 3
    assert stage.counters.messages_out == 6
    assert (stage.standing().in_work, stage.standing().behind) == (1, 0)


def test_a_member_has_as_much_in_work_as_it_may_and_the_rest_waits_in_the_store() -> None:
    stage = Stage()
    one = stage.member("one", prefetch=2)
    stage.publish(*range(5))
    assert one.look() == [(1, 1), (2, 1)]
    assert one.look() == []
    assert stage.standing().behind == 3

    one.ack(2)
    assert one.look() == [(3, 1)]
    one.ack(1, 3)
    assert one.look() == [(4, 1), (5, 1)]


def test_events_of_before_the_first_join_are_had_by_who_asks_for_them() -> None:
    stage = Stage()
    stage.publish(1, 2)
    new = stage.member("new")
    old = stage.member("old", group="other", start="oldest")

    assert new.look() == []
    assert old.look() == [(1, 1), (2, 1)]


def test_who_joins_a_group_gets_what_waited_for_anybody() -> None:
    stage = Stage()
    stage.leave(stage.member("first"))
    stage.publish(1, 2)

    assert stage.member("second").look() == [(1, 1), (2, 1)]


def test_what_is_not_acknowledged_in_time_goes_to_another_member_and_counts() -> None:
    stage = Stage()
    one, two = stage.member("one"), stage.member("two")
    stage.publish("a")
    assert one.look() == [(1, 1)]
    stage.advance(9.9)
    assert two.look() == []
    stage.advance(3.0)

    assert (one.look(), two.look()) == ([], [(1, 2)])
    assert one.ack(1) == 0
    assert two.ack(1) == 1
    assert stage.standing().redelivered == 1


def test_a_late_word_counts_while_nobody_else_has_the_event() -> None:
    stage = Stage()
    one = stage.member("one", prefetch=1)
    stage.publish("a")
    one.look()
    stage.groups["n1"].sites.by_name["g"].store._history.fails = StorageError("away")
    stage.advance(20)
    assert one.ack(1) == "unavailable"
    stage.groups["n1"].sites.by_name["g"].store._history.fails = None

    assert one.ack(1) == 1
    assert stage.standing().in_work == 0


def test_what_a_member_had_goes_to_others_when_it_leaves_without_counting() -> None:
    stage = Stage("n1", "n2")
    one, two, there = stage.member("one"), stage.member("two"), stage.member("there", "n2")
    stage.publish("a", "b", "c")
    had = {hand: hand.look() for hand in (one, two, there)}
    assert sorted(seq for came in had.values() for seq, _ in came) == [1, 2, 3]
    stage.leave(one)
    stage.leave(one)

    assert one.ack(1) == "not_found"
    came = two.look() + there.look()
    stage.advance(1.1)
    came += two.look() + there.look()
    assert sorted(came) == had[one]


def test_what_the_last_member_of_a_node_had_goes_to_another_node_within_a_second() -> None:
    stage = Stage("n1", "n2")
    one = stage.member("one")
    stage.publish("a", "b")
    assert one.look() == [(1, 1), (2, 1)]
    there = stage.member("there", "n2")
    stage.leave(one)
    stage.advance(1.0)

    assert there.look() == [(1, 1), (2, 1)]
    assert stage.groups["n1"].infos() == ()


def test_what_a_lost_member_had_seen_counts_and_what_it_had_not_does_not() -> None:
    stage = Stage()
    lost = stage.member("lost")
    stage.publish("seen")
    lost.look()
    stage.publish("unseen")  # told, but never written
    other = stage.member("other")
    stage.drop(lost)

    assert other.look() == [(1, 2), (2, 1)]


@pytest.mark.parametrize("reason", ["left", "kicked", "drained"])
def test_what_a_member_had_that_was_sent_away_does_not_count(reason: str) -> None:
    stage = Stage()
    one = stage.member("one")
    stage.publish("a")
    one.look()
    other = stage.member("other")
    stage.drop(one, reason)

    assert other.look() == [(1, 1)]


def test_a_connection_that_is_gone_gives_back_at_once_and_its_member_may_come_back() -> None:
    stage = Stage()
    one, two = stage.member("one"), stage.member("two", prefetch=4)
    stage.publish("a", "b")
    one.look(), two.look()
    stage.note(one, Gone(one.number))

    assert two.look() == [(1, 2)]
    back = stage.member("one", old=one)
    stage.publish("c", "d")
    assert (back.look(), two.look()) == ([(3, 1), (4, 1)], [])
    assert stage.member("one", old=back).number != back.number


def test_a_member_that_is_alone_comes_back_in_its_own_place() -> None:
    stage = Stage()
    one = stage.member("one")
    stage.publish("a")
    one.look()
    stage.note(one, Gone(one.number))
    stage.publish("b")
    back = stage.member("one", old=one)

    assert back.look() == [(1, 2), (2, 1)]
    stage.note(one, Unsent(one.number))  # of a seat that is forgotten


def test_what_a_slow_member_does_not_write_goes_to_others_and_it_gets_nothing_until_it_is_ready() -> None:
    stage = Stage()
    slow = stage.member("slow")
    slow.writes = False
    stage.publish("a", "b")
    slow.look()
    quick = stage.member("quick")

    assert quick.look() == [(1, 1), (2, 1)]
    stage.publish("c")
    assert (slow.look(), quick.look()) == ([], [(3, 1)])
    slow.writes = True
    stage.note(slow, Ready(slow.number))
    stage.publish("d")
    assert slow.look() == [(4, 1)]
    assert [seat.round for seat in stage.groups["n1"].sites.by_name["g"].group.seats.values()] == [1, 0]


def test_what_cannot_be_done_now_is_given_again_later_and_counts() -> None:
    stage = Stage()
    one = stage.member("one")
    stage.publish("a")
    one.look()
    assert one.ack(1, retry_after_ms=2500) == 1
    stage.advance(2.4)
    assert one.look() == []
    stage.advance(0.2)
    assert one.look() == [(1, 2)]
    assert one.ack(1, retry_after_ms=0) == 1
    stage.advance(0.1)
    assert one.look() == [(1, 3)]


@pytest.mark.parametrize(
    ("seqs", "more", "says"),
    [
        ((1, 1), {}, 1),  # named twice
        ((7,), {}, 0),  # nobody's
        ((2,), {}, 0),  # somebody else's
        ((1,), {"epoch": "4"}, 0),  # of another life of the channel
        ((1,), {"epoch": "5"}, 1),
        ((1,), {"group": "unknown"}, "not_found"),
    ],
)
def test_only_what_a_member_has_in_work_is_acknowledged(
    seqs: tuple[int, ...], more: dict[str, str], says: object
) -> None:
    stage = Stage()
    one, two = stage.member("one"), stage.member("two")
    stage.publish("a", "b")
    one.look(), two.look()

    assert one.ack(*seqs, **more) == says


def test_what_is_acknowledged_is_acknowledged_once() -> None:
    stage = Stage()
    one = stage.member("one")
    stage.publish("a")
    one.look()

    assert (one.ack(1), one.ack(1)) == (1, 0)


def test_an_event_that_was_given_too_often_goes_to_the_channel_for_such_events() -> None:
    stage = Stage()
    one = stage.member("one", max_deliver=2)
    stage.publish("poison")
    for attempt in (1, 2):
        assert one.look() == [(1, attempt)]
        one.ack(1, retry_after_ms=0)
        stage.advance(0.1)
    create, bounced = stage.room.take()

    assert one.look() == []
    assert isinstance(create, Create) and create.channel == "c.dead" and create.options.durable
    assert isinstance(bounced, Bounced) and bounced.name == "c.dead"
    stage.hosts["n1"].signal(Receipt(bounced.mail.event.id, Unavailable("full")))
    stage.run()
    assert stage.standing().in_work == 1
    stage.advance(15)  # its lease is over: once more
    _, again = stage.room.take()
    assert again.mail.event.id == bounced.mail.event.id
    stage.hosts["n1"].signal(Receipt(bounced.mail.event.id, GroupOptions()))
    stage.run()
    assert (stage.standing().in_work, stage.standing().dead) == (0, 1)


def test_the_first_ones_options_stand_and_others_clash() -> None:
    stage = Stage("n1", "n2")
    stage.member("one", ack_wait_s=5.0, dead_letter="bin")
    stage.member("two")
    stage.member("three", "n2", ack_wait_s=5.0)

    with pytest.raises(Conflict, match=r"expected ack_wait_s 5\.0"):
        stage.member("four", "n2", ack_wait_s=6.0)
    with pytest.raises(Conflict, match="expected prefetch 4"):
        stage.member("five", prefetch=3)
    assert stage.groups["n1"].options_of("g") == GroupOptions(5.0, 3, "bin", 4)


def test_a_group_that_was_only_asked_for_leaves_nothing_behind() -> None:
    stage = Stage("n1", "n2")
    stage.member("one", ack_wait_s=5.0)
    with pytest.raises(Conflict):
        stage.member("two", "n2", ack_wait_s=6.0)

    assert stage.groups["n2"].sites.by_name == {}


def test_without_the_store_joins_are_refused_and_work_goes_on_when_it_is_back() -> None:
    stage = Stage()
    history = stage.histories["n1"]
    one = stage.member("one")
    stage.publish("a")
    one.look()
    history.fails = StorageError("away")
    with pytest.raises(Unavailable):
        stage.member("two", group="h")
    assert one.ack(1) == "unavailable"
    stage.publish("b")
    assert one.look() == []
    history.fails = None
    stage.advance(1.1)

    assert one.look() == [(2, 1)]
    assert one.ack(1, 2) == 2
    assert stage.member("two", group="h").look() == []


def test_how_a_group_stands_is_told_over_all_nodes() -> None:
    stage = Stage("n1", "n2")
    one = stage.member("one", prefetch=1)
    stage.member("there", "n2")
    stage.publish("a", "b", "c")
    stage.on("n1", lambda: stage.groups["n1"].command(DescribeGroup(one.card, "k", "c", "g")))

    info = stage.answer(one)
    assert info == GroupInfoResult(
        "r",
        "c",
        "g",
        2,
        1,
        True,
        2,
        1,
        0,
        0,
        GroupOptions(10.0, 3, "c.dead", 1),
        (GroupNode("n1", 1, 1), GroupNode("n2", 1, 1)),
    )
    stage.on("n1", lambda: stage.groups["n1"].command(DescribeGroup(one.card, "k", "c", "none")))
    assert stage.answer(one) == "not_found"
    assert stage.groups["n1"].infos() == (GroupInfo("g", 1, 0),)
    assert stage.groups["n1"].n_reached == 1


def test_a_group_is_deleted_when_nobody_is_in_it() -> None:
    stage = Stage()
    one, other = stage.member("one"), stage.member("other", group="h")

    def delete(name: str) -> object:
        stage.on("n1", lambda: stage.groups["n1"].command(DeleteGroup(other.card, "k", "c", name)))
        return stage.answer(other)

    assert delete("g") == "conflict"
    stage.leave(one)
    assert type(delete("g")).__name__ == "Empty"
    assert delete("g") == "not_found"
    stage.histories["n1"].fails = StorageError("away")
    stage.on("n1", lambda: stage.groups["n1"].command(DescribeGroup(other.card, "k", "c", "h")))
    assert stage.answer(other) == "unavailable"


def test_a_new_epoch_makes_what_is_in_work_void() -> None:
    stage = Stage()
    one = stage.member("one")
    stage.publish("a")
    one.look()
    stage.on("n1", stage.groups["n1"].renumbered)

    assert one.ack(1) == 0
    stage.advance(15)
    assert one.look() == [(1, 2)]


def test_a_channel_that_ends_gives_everything_back() -> None:
    stage = Stage("n1", "n2")
    one = stage.member("one")
    stage.publish("a")
    one.look()
    stage.on("n1", stage.groups["n1"].close)

    assert stage.member("there", "n2").look() == [(1, 1)]


def test_a_reminder_of_a_channel_without_groups_is_the_last() -> None:
    stage = Stage()
    stage.leave(stage.member("one"))
    stage.advance(30)

    assert stage.manual.clock.next_at is None
