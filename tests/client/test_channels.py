"""Channels: joins, leaves, and what comes back after a reconnect."""

from typing import Any

import pytest

from arqonbus.client.errors import Denied, NotFound, SubscriptionEnded, TryLater
from arqonbus.protocol.payloads import Position
from tests.client.stage import Dice, Reader, Stage, gap, resumed


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.connect()
    return stage


def commands(stage: Stage) -> list[tuple[str, str]]:
    return [(frame["command"], frame["args"].get("channel", "")) for frame in stage.sent()]


# --- one membership for all handles ----------------------------------------------------------------------------------


@pytest.mark.rules("R34")
def test_the_answer_of_the_join_gives_the_position(stage: Stage) -> None:
    reader = stage.join(seq=7)

    assert reader.seat.has_started
    assert (reader.feed.cursors["explore"].epoch, reader.feed.cursors["explore"].seq) == ("e1", 7)
    stage.event(7)
    stage.event(8)
    assert reader.seqs() == [8]


@pytest.mark.rules("R32", "R34")
def test_a_second_handle_starts_where_the_channel_is_without_a_round_trip(stage: Stage) -> None:
    first = stage.join()
    stage.event(1)

    second = stage.subscribe()

    assert stage.sent() == []
    stage.event(2)
    assert (first.seqs(), second.seqs()) == ([1, 2], [2])


@pytest.mark.rules("R32")
def test_a_handle_that_comes_while_the_join_is_under_way_waits_for_its_answer(stage: Stage) -> None:
    first, second = stage.subscribe(), stage.subscribe()
    stage.answer_join(seq=3)

    stage.event(4)

    assert (first.seqs(), second.seqs()) == ([4], [4])


@pytest.mark.rules("R34", "R35")
def test_a_second_handle_with_a_position_gets_a_replay_of_its_own(stage: Stage) -> None:
    first = stage.join(seq=3)
    stage.event(4)
    second = stage.subscribe(reader=Reader(since=Position("e1", 1)))
    stage.event(5)

    args = stage.answer_join(seq=5, recovered=True, replayed=4)
    for seq in (2, 3, 4, 5, 6):
        stage.event(seq)

    assert args["since"] == {"epoch": "e1", "seq": 1}
    assert first.seqs() == [4, 5, 6]
    assert [(entry.frame.seq, entry.replay) for entry in second.entries()] == [  # type: ignore[union-attr]
        (2, True),
        (3, True),
        (4, True),
        (5, True),
        (6, False),
    ]


@pytest.mark.rules("R35")
def test_a_first_join_may_ask_for_the_newest_events(stage: Stage) -> None:
    reader = stage.subscribe(reader=Reader(replay=2))
    stage.answer_join(seq=9, replayed=2)

    for seq in (8, 9, 10):
        stage.event(seq)

    assert [entry.replay for entry in reader.entries()] == [True, True, False]
    assert reader.gaps == []


@pytest.mark.rules("R35", "R37")
def test_a_position_that_is_not_kept_any_more_is_a_gap(stage: Stage) -> None:
    reader = stage.subscribe(reader=Reader(since=Position("e1", 1)))

    stage.answer_join(seq=9, reason="evicted", **{"lost": {"from": 2, "to": 9}})

    assert reader.gaps == [gap(2, 9, 8, "evicted", True, "e1")]


@pytest.mark.rules("R32")
def test_the_last_handle_leaves_a_moment_later(stage: Stage) -> None:
    first = stage.join()
    second = stage.subscribe()

    stage.unsubscribe(first)
    stage.advance(1.0)
    assert stage.sent() == []
    stage.unsubscribe(second)
    stage.advance(0.24)
    assert stage.sent() == []
    stage.advance(0.02)

    assert commands(stage) == [("leave_channel", "explore")]


@pytest.mark.rules("R32")
def test_a_handle_that_comes_within_the_moment_stops_the_leave(stage: Stage) -> None:
    first = stage.join()
    stage.unsubscribe(first)
    stage.event(1)

    second = stage.subscribe()
    stage.advance(1.0)
    stage.event(2)

    assert stage.sent() == []
    assert second.seqs() == [2]


@pytest.mark.rules("R32")
def test_handles_of_one_address_have_to_agree(stage: Stage) -> None:
    stage.join(Reader(overflow="drop_oldest"))

    with pytest.raises(ValueError, match="overflow='drop_oldest'"):
        stage.subscribe(reader=Reader())


@pytest.mark.rules("R32")
def test_a_membership_that_nobody_holds_any_more_is_made_anew_for_other_options(stage: Stage) -> None:
    first = stage.join()
    stage.unsubscribe(first)

    stage.subscribe(reader=Reader(group="workers"))

    assert commands(stage) == [("leave_channel", "explore"), ("join_channel", "explore")]


@pytest.mark.rules("R32")
def test_what_a_handle_wants_is_asked_for_in_the_join(stage: Stage) -> None:
    reader = Reader(group="workers", overflow="conflate", create=False, recover="latest", replay=3)

    stage.subscribe(reader=reader)

    (join,) = stage.sent()
    assert join["args"] == {
        "room": "science",
        "channel": "explore",
        "group": "workers",
        "overflow": "conflate",
        "create": False,
        "recover": "latest",
        "replay": 3,
    }


@pytest.mark.rules("R36")
def test_members_of_a_group_get_a_part_without_holes(stage: Stage) -> None:
    reader = stage.join(Reader(group="workers"), seq=3)

    stage.event(5)
    stage.event(9)
    stage.event(5)

    assert reader.seqs() == [5, 9]
    assert reader.gaps == []


# --- refused and deleted ---------------------------------------------------------------------------------------------


@pytest.mark.rules("R33")
def test_a_join_that_is_refused_ends_its_handles(stage: Stage) -> None:
    first, second = stage.subscribe(), stage.subscribe()
    (join,) = stage.sent()

    stage.refuse(join["id"], "forbidden")

    assert isinstance(first.feed.error, Denied) and isinstance(second.seat.error, Denied)
    stage.advance(1.0)
    assert stage.sent() == []


@pytest.mark.rules("R33")
def test_a_refused_replay_ends_only_the_handle_that_asked_for_it(stage: Stage) -> None:
    first = stage.join()
    second = stage.subscribe(reader=Reader(replay=5))
    (join,) = stage.sent()

    stage.refuse(join["id"], "overloaded", retryable=True)

    assert isinstance(second.feed.error, TryLater)
    stage.event(1)
    assert first.seqs() == [1]


@pytest.mark.rules("R33")
@pytest.mark.parametrize("reason", ["deleted", "failed", "a_newer_word"])
def test_a_channel_that_is_deleted_ends_its_handles_behind_what_they_have(stage: Stage, reason: str) -> None:
    reader = stage.join()
    stage.event(1)

    stage.say_system("channel_deleted", {"reason": reason}, room="science", channel="explore")

    assert isinstance(reader.feed.error, SubscriptionEnded)
    assert reader.feed.error.code == reason
    assert reader.seqs() == [1]
    stage.advance(1.0)
    assert stage.sent() == []


@pytest.mark.rules("R36")
def test_a_gap_of_the_server_reaches_the_readers_of_the_channel(stage: Stage) -> None:
    reader = stage.join()
    payload = {"room": "science", "channel": "explore", "epoch": "e1", "from": 1, "to": 3, "reason": "drop_oldest"}

    stage.say_system("gap", payload)
    stage.event(4)

    (entry,) = reader.entries()
    assert entry.gap == gap(1, 3, 3, "drop_oldest", True, "e1")


# --- coming back ------------------------------------------------------------------------------------------------------


def come_back(stage: Stage, client: str = "c-1", *, entries: list[Any] | None = None) -> list[Any]:
    """Lose the connection and begin the next session; gives the positions that connect asked for."""
    stage.lose()
    greeting = stage.connect(client, resumed=entries or [])
    positions: list[Any] = greeting["args"]["resume"].get("positions", [])
    return positions


@pytest.mark.rules("R7", "R29", "R35")
def test_channels_come_back_by_position_and_repeats_are_dropped(stage: Stage) -> None:
    reader = stage.join()
    stage.event(1)
    stage.event(2)

    positions = come_back(stage, entries=[resumed(4)])
    for seq in (2, 3, 4, 5):
        stage.event(seq)

    assert positions == [{"room": "science", "channel": "explore", "epoch": "e1", "seq": 2}]
    assert stage.sent() == []
    assert [(e.frame.seq, e.replay) for e in reader.entries()] == [  # type: ignore[union-attr]
        (1, False),
        (2, False),
        (3, True),
        (4, True),
        (5, False),
    ]
    assert reader.gaps == []


@pytest.mark.rules("R29", "R35", "R37")
def test_what_cannot_be_brought_back_is_a_gap(stage: Stage) -> None:
    reader = stage.join()
    stage.event(1)

    come_back(stage, entries=[resumed(9, recovered=False, reason="evicted", lost={"from": 2, "to": 9})])
    stage.event(10)

    assert reader.gaps == [gap(2, 9, 8, "evicted", True, "e1")]
    assert reader.seqs() == [1, 10]


@pytest.mark.rules("R35")
def test_a_server_that_began_anew_is_a_gap_that_is_not_exact(stage: Stage) -> None:
    reader = stage.join()
    stage.event(1)

    come_back(stage, "c-2", entries=[resumed(0, epoch="e2", recovered=False, reason="epoch_changed")])
    stage.event(1)

    assert reader.gaps == [gap(1, 0, 0, "epoch_changed", False, "e2")]
    assert reader.seqs() == [1, 1]


@pytest.mark.rules("R29")
def test_the_position_is_that_of_the_handle_that_is_furthest_behind(stage: Stage) -> None:
    first = stage.join(seq=3)
    second = stage.subscribe(reader=Reader(since=Position("e1", 0)))
    stage.answer_join(seq=3, recovered=True, replayed=3)
    stage.event(1)

    positions = come_back(stage, entries=[resumed(3)])
    for seq in (2, 3, 4):
        stage.event(seq)

    assert positions[0]["seq"] == 1
    assert (first.seqs(), second.seqs()) == ([4], [1, 2, 3, 4])


@pytest.mark.rules("R29", "R33")
@pytest.mark.parametrize("code", ["not_found", "forbidden", "limit_exceeded"])
def test_a_channel_that_is_refused_is_joined_anew_and_then_ends_its_handles(stage: Stage, code: str) -> None:
    reader = stage.join()

    come_back(stage, entries=[resumed(0, epoch="-", recovered=False, reason=code)])
    (join,) = stage.sent()
    stage.refuse(join["id"], code)

    assert join["args"]["since"] == {"epoch": "e1", "seq": 0}
    assert reader.feed.error is not None and reader.feed.error.code == code


@pytest.mark.rules("R29")
def test_a_channel_that_is_refused_for_now_is_tried_again_later(stage: Stage) -> None:
    stage.dice.value = 1.0
    reader = stage.join()
    come_back(stage, entries=[resumed(0, epoch="-", recovered=False, reason="overloaded")])

    for delay_s in (0.5, 1.0, 2.0):
        (join,) = stage.sent()
        stage.refuse(join["id"], "overloaded", retryable=True)
        stage.advance(delay_s - 0.01)
        assert stage.sent() == []
        stage.advance(0.02)
    stage.answer_join(seq=2, recovered=True, replayed=2)

    assert not reader.seat.has_ended
    stage.event(1)
    assert reader.seqs() == [1]


@pytest.mark.rules("R30")
def test_a_handle_that_came_while_away_joins_behind_the_greeting_and_before_what_waits(stage: Stage) -> None:
    stage.lose()
    stage.publish("queued")
    stage.subscribe()

    stage.connect()

    assert [frame.get("command", frame["type"]) for frame in stage.sent()] == ["join_channel", "event"]


@pytest.mark.rules("R30")
def test_best_effort_is_joined_by_itself_and_events_before_the_answer_are_ignored(stage: Stage) -> None:
    reader = stage.join(Reader(recover="best_effort"))
    stage.event(1)

    positions = come_back(stage)
    stage.event(8)
    args = stage.answer_join(seq=8, reason="over_limit", replayed=2, lost={"from": 2, "to": 6})
    for seq in (7, 8, 9):
        stage.event(seq)

    assert positions == []
    assert (args["since"], args["recover"]) == ({"epoch": "e1", "seq": 1}, "best_effort")
    assert reader.seqs() == [1, 7, 8, 9]
    assert reader.gaps == [gap(2, 6, 5, "over_limit", True, "e1")]


@pytest.mark.rules("R30")
def test_options_of_its_own_are_asked_for_again_without_a_position(stage: Stage) -> None:
    reader = stage.join(Reader(overflow="drop_oldest"))
    stage.event(1)

    come_back(stage, entries=[resumed(2)])
    args = stage.answer_join(seq=2)
    stage.event(2)
    stage.event(3)

    assert args == {"room": "science", "channel": "explore", "overflow": "drop_oldest"}
    assert reader.seqs() == [1, 2, 3]
    assert reader.gaps == []


@pytest.mark.rules("R30")
def test_at_most_a_thousand_channels_come_back_by_position_the_rest_one_by_one() -> None:
    stage = Stage()
    stage.connect()
    for n in range(1003):
        stage.subscribe(f"science:c{n}")
    joins = stage.sent()
    for join in joins:
        result = {"room": "science", "channel": join["args"]["channel"], "epoch": "e1", "seq": 0, "recovered": False}
        stage.answer(join["id"], result)
    stage.lose()
    stage.until_dial()

    greeting = stage.open_socket()
    entries = [resumed(0, channel=place["channel"]) for place in greeting["args"]["resume"]["positions"]]
    stage.welcome(resumed=entries)

    assert len(entries) == 1000
    rest = stage.sent()
    assert [frame["args"]["channel"] for frame in rest] == ["c1000", "c1001", "c1002"]
    assert rest[0]["args"]["since"] == {"epoch": "e1", "seq": 0}


@pytest.mark.rules("R31")
def test_a_channel_that_nobody_wants_any_more_is_left_after_the_client_came_back(stage: Stage) -> None:
    reader = stage.join()
    stage.lose()
    stage.until_dial()
    greeting = stage.open_socket()
    stage.unsubscribe(reader)
    stage.advance(1.0)

    stage.welcome("c-1", resumed=[resumed(0)])

    assert len(greeting["args"]["resume"]["positions"]) == 1
    assert commands(stage) == [("leave_channel", "explore")]


@pytest.mark.rules("R30", "R36")
def test_a_group_comes_back_with_the_ticket_alone(stage: Stage) -> None:
    reader = stage.join(Reader(group="workers"))
    stage.event(4)

    positions = come_back(stage, entries=[resumed(9, recovered=False, group="workers")])
    stage.event(4)
    stage.event(7)

    assert positions == []
    assert stage.sent() == []
    assert reader.seqs() == [4, 7]
    assert reader.gaps == []


@pytest.mark.rules("R30")
def test_a_group_that_did_not_come_back_is_joined_anew(stage: Stage) -> None:
    reader = stage.join(Reader(group="workers"))

    come_back(stage, "c-2")
    args = stage.answer_join(seq=9)
    stage.event(10)

    assert args == {"room": "science", "channel": "explore", "group": "workers"}
    assert reader.seqs() == [10]


@pytest.mark.rules("R32")
def test_a_group_is_left_at_once(stage: Stage) -> None:
    reader = stage.join(Reader(group="workers"))

    stage.unsubscribe(reader)

    assert commands(stage) == [("leave_channel", "explore")]


# --- whole rooms ------------------------------------------------------------------------------------------------------


def join_room(stage: Stage, *positions: tuple[str, int]) -> Reader:
    reader = stage.subscribe("science:*")
    answer_room(stage, *positions)
    return reader


def answer_room(stage: Stage, *positions: tuple[str, int], epoch: str = "e1") -> None:
    places = [{"channel": channel, "epoch": epoch, "seq": seq} for channel, seq in positions]
    (join,) = [frame for frame in stage.sent() if frame["command"] == "join_channel"]
    assert join["args"] == {"room": "science", "channel": "*"}
    stage.answer(join["id"], {"room": "science", "channel": "*", "recovered": False, "members": 1, "positions": places})


@pytest.mark.rules("R38")
def test_a_whole_room_has_a_place_in_each_channel(stage: Stage) -> None:
    reader = join_room(stage, ("a", 3), ("b", 0))

    stage.event(4, "a")
    stage.event(2, "b")

    assert [(e.frame.channel, e.frame.seq) for e in reader.entries()] == [("a", 4), ("b", 2)]  # type: ignore[union-attr]
    assert reader.gaps == [gap(1, 1, 1, "hole", True, "e1", "b")]


@pytest.mark.rules("R38")
def test_events_before_the_answer_are_taken(stage: Stage) -> None:
    reader = stage.subscribe("science:*")

    stage.event(7, "a")
    answer_room(stage, ("a", 7))
    stage.event(8, "a")

    assert reader.seqs() == [7, 8]
    assert reader.feed.cursors["a"].epoch == "e1"


@pytest.mark.rules("R38")
def test_a_channel_that_is_made_begins_there(stage: Stage) -> None:
    reader = join_room(stage)
    info = {"room": "science", "channel": "new", "epoch": "e5", "seq": 2, "members": 1}

    stage.say_system("channel_created", info, room="science", channel="new")
    stage.event(4, "new")

    assert reader.gaps == [gap(3, 3, 1, "hole", True, "e5", "new")]


@pytest.mark.rules("R33", "R38")
def test_a_channel_that_is_deleted_does_not_end_the_room(stage: Stage) -> None:
    reader = join_room(stage, ("a", 3))

    stage.say_system("channel_deleted", {"reason": "deleted"}, room="science", channel="a")
    stage.event(1, "a")

    assert reader.seqs() == [1]
    assert not reader.feed.has_ended


@pytest.mark.rules("R38")
def test_a_room_and_a_channel_of_it_get_each_event_once(stage: Stage) -> None:
    room, own = join_room(stage, ("explore", 0)), stage.join()

    stage.event(1)

    assert (room.seqs(), own.seqs()) == ([1], [1])


@pytest.mark.rules("R30", "R38")
def test_a_room_comes_back_by_the_positions_of_its_channels(stage: Stage) -> None:
    reader = join_room(stage, ("a", 3), ("b", 0))
    stage.event(4, "a")

    positions = come_back(stage, "c-1", entries=[resumed(6, channel="a"), resumed(0, channel="b")])
    stage.event(5, "a")
    stage.event(6, "a")
    answer_room(stage, ("a", 6), ("b", 0))
    stage.event(1, "b")

    assert [(place["channel"], place["seq"]) for place in positions] == [("a", 4), ("b", 0)]
    assert reader.seqs() == [4, 5, 6, 1]
    assert reader.gaps == []
    assert stage.sent() == []


@pytest.mark.rules("R38")
def test_a_channel_that_came_while_away_begins_with_a_gap(stage: Stage) -> None:
    reader = join_room(stage, ("a", 0))
    come_back(stage, "c-1", entries=[resumed(0, channel="a")])

    answer_room(stage, ("a", 0), ("new", 2))
    stage.event(3, "new")

    (entry,) = reader.entries()
    assert entry.gap == gap(1, 2, 2, "away", True, "e1", "new")


@pytest.mark.rules("R38")
def test_a_channel_that_was_made_anew_while_away_is_a_new_epoch(stage: Stage) -> None:
    reader = join_room(stage, ("a", 5))
    come_back(stage, "c-1")

    answer_room(stage, ("a", 2), epoch="e2")

    assert reader.gaps == [gap(1, 2, 2, "epoch_changed", False, "e2", "a")]


@pytest.mark.rules("R31")
def test_channels_that_came_back_one_by_one_are_left_once_the_room_is_joined(stage: Stage) -> None:
    join_room(stage, ("a", 0), ("b", 0))
    own = stage.subscribe("science:b")
    stage.answer_join(seq=0)

    come_back(stage, "c-2", entries=[resumed(0, channel="a"), resumed(0, channel="b")])
    answer_room(stage, ("a", 0), ("b", 0))

    assert commands(stage) == [("leave_channel", "a")]
    assert not own.seat.has_ended


# --- the end ----------------------------------------------------------------------------------------------------------


@pytest.mark.rules("R48")
def test_a_drain_leaves_everything_and_lets_readers_finish(stage: Stage) -> None:
    reader = stage.join()
    stage.event(1)

    stage.core.drain(stage.now)
    (leave,) = stage.sent()
    stage.event(2)
    assert not reader.feed.has_ended
    stage.answer(leave["id"], {})
    stage.event(3)

    assert leave["command"] == "leave_channel"
    assert reader.feed.has_ended and reader.seqs() == [1, 2]


@pytest.mark.rules("R48")
def test_a_drain_whose_leave_is_not_answered_ends_with_the_connection(stage: Stage) -> None:
    reader = stage.join()
    stage.core.drain(stage.now)

    stage.lose()

    assert reader.feed.has_ended and reader.feed.error is None


@pytest.mark.rules("R48")
def test_a_drain_while_away_has_nothing_to_leave(stage: Stage) -> None:
    reader = stage.join()
    stage.lose()

    stage.core.drain(stage.now)

    assert reader.feed.has_ended


@pytest.mark.rules("R49")
def test_a_close_throws_away_what_waits(stage: Stage) -> None:
    reader = stage.join()
    stage.event(1)

    stage.core.close(stage.now)

    assert reader.feed.has_ended and reader.seqs() == []
    assert reader.feed.error is None


@pytest.mark.rules("R33")
def test_an_end_that_is_not_the_user_s_is_an_error_behind_what_waits() -> None:
    stage = Stage(dice=Dice())
    stage.connect()
    reader = stage.join()
    stage.event(1)

    stage.lose(4503, "spam")

    assert reader.seqs() == [1]
    assert reader.feed.error is not None
    assert reader.feed.error.code == "closed"


@pytest.mark.rules("R33")
def test_a_first_join_that_fails_for_now_ends_the_handle_too(stage: Stage) -> None:
    reader = stage.subscribe()
    (join,) = stage.sent()

    stage.refuse(join["id"], "unavailable", retryable=True)

    assert isinstance(reader.feed.error, TryLater)


def test_a_first_join_of_what_is_not_there_ends_the_handle(stage: Stage) -> None:
    reader = stage.subscribe(reader=Reader(create=False))
    (join,) = stage.sent()

    stage.refuse(join["id"], "not_found")

    assert isinstance(reader.seat.error, NotFound)
