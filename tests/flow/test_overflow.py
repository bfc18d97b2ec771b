"""Members that bear losses: what they are given when they read on, what they are told, and when they are closed."""

import logging
from typing import Any

import pytest

from tests.flow.world import Client, World, settings

GRACE = {"server__resume_grace_s": 10.0}


def stall(client: Client) -> Client:
    """Let a client stop reading, with one write on its way."""
    client.socket.is_congested = True
    client.command("ping")
    client.socket.buffered = 0
    client.take()
    return client


def stalled(world: World, overflow: str, channel: str = "c", **more: Any) -> Client:
    """A member that bears ``overflow`` and has stopped reading."""
    return stall(world.member("r", channel, overflow=overflow, **more))


def publish(world: World, n: int, channel: str = "c", payload: Any = "x") -> None:
    publisher = world.connect()
    for _ in range(n):
        publisher.event("r", channel, payload)


def read_on(client: Client) -> list[Any]:
    """Let it read all. Gives seqs of events, (from, to, reason) of gaps, and the kinds of anything else."""
    client.drain()
    return [_short(message) for message in client.take()]


def _short(message: dict[str, Any]) -> Any:
    if message["type"] == "event":
        return message["seq"]
    if message.get("event") == "gap":
        gap = message["payload"]
        return (gap["from"], gap["to"], gap["reason"])
    return message.get("event") or message["type"]


# --- what is borne --------------------------------------------------------------------------------------------------


def test_a_conflating_member_gets_the_newest_event_when_it_reads_on() -> None:
    world = World()
    slow = stalled(world, "conflate")
    publish(world, 5)

    assert read_on(slow) == [(1, 4, "conflate"), 5]


def test_a_gap_names_the_channel_and_its_epoch() -> None:
    world = World()
    slow = stalled(world, "conflate")
    epoch = world.connect().command("channel_info", room="r", channel="c")["epoch"]
    publish(world, 3)
    slow.drain()

    assert slow.take()[0] == {
        "type": "system",
        "event": "gap",
        "room": "r",
        "channel": "c",
        "payload": {"room": "r", "channel": "c", "epoch": epoch, "from": 1, "to": 2, "reason": "conflate"},
    }


def test_a_member_that_drops_the_oldest_gets_all_that_fits() -> None:
    world = World(settings(limits__outbox_messages=3))
    slow = stalled(world, "drop_oldest")
    publish(world, 5)

    assert read_on(slow) == [(1, 2, "drop_oldest"), 3, 4, 5]


def test_while_a_client_keeps_up_nothing_is_dropped() -> None:
    world = World(settings(limits__outbox_messages=3))
    fast, other = world.member("r", "c", overflow="conflate"), world.member("r", "c", overflow="drop_oldest")
    publish(world, 50)

    assert [event["seq"] for event in fast.events()] == list(range(1, 51))
    assert [event["seq"] for event in other.events()] == list(range(1, 51))
    assert world.bus.counters.dropped == 0


def test_what_grew_too_old_is_told_as_soon_as_it_reads_though_nothing_follows() -> None:
    world = World(settings(limits__outbox_age_s=10.0))
    slow = stalled(world, "drop_oldest")
    publish(world, 3)
    world.advance(12)

    assert read_on(slow) == [(1, 3, "drop_oldest")]
    publish(world, 1)
    assert read_on(slow) == [4]


def test_a_client_that_never_reads_stays_as_long_as_it_is_not_dead() -> None:
    world = World(settings(limits__outbox_messages=10, limits__outbox_soft_bytes=500, limits__outbox_age_s=10.0))
    slow = stalled(world, "drop_oldest")
    slow.world.connect().join("r", "d")
    slow.socket.buffered = 70_000
    for _ in range(50):
        publish(world, 20)
        world.advance(10)

    assert slow.socket.closed is None
    assert read_on(slow)[0][:1] == (1,)


def test_dropped_events_are_in_the_history_still() -> None:
    world = World()
    slow = stalled(world, "conflate")
    publish(world, 5)
    slow.drain()

    page = slow.command("history", room="r", channel="c", after=0)
    assert [message["seq"] for message in page["messages"]] == [1, 2, 3, 4, 5]


# --- memberships ----------------------------------------------------------------------------------------------------


def test_a_member_of_the_whole_room_bears_it_in_every_channel_those_made_later_too() -> None:
    world = World()
    world.connect().command("create_channel", room="r", channel="c")
    slow = stalled(world, "conflate", "*")
    publish(world, 3, "c")
    publish(world, 3, "new")

    assert read_on(slow) == [(1, 2, "conflate"), 3, "channel_created", (1, 2, "conflate"), 3]


def test_the_membership_of_the_channel_decides_before_that_of_the_room() -> None:
    world = World(settings(limits__outbox_messages=5))
    slow = world.member("r", "c", overflow="drop_oldest")
    slow.join("r", "*", overflow="conflate")
    slow.join("r", "d")
    stall(slow)
    publish(world, 6, "c")
    publish(world, 6, "e")
    publish(world, 3, "d")

    assert read_on(slow) == [(1, 6, "drop_oldest"), "channel_created", (1, 5, "conflate"), 6, 1, 2, 3]


def test_who_leaves_the_channel_bears_what_the_room_bears() -> None:
    world = World()
    slow = world.member("r", "c")
    slow.join("r", "*", overflow="conflate")
    stall(slow)
    publish(world, 3)
    slow.post_command("leave_channel", "k", room="r", channel="c")
    publish(world, 3)

    assert read_on(slow) == [1, 2, 3, "response", (4, 5, "conflate"), 6]


def test_to_join_again_changes_it_from_the_answer_on() -> None:
    world = World()
    slow = stalled(world, "conflate")
    publish(world, 3)
    slow.post_command("join_channel", "k1", room="r", channel="c")
    publish(world, 3)
    slow.post_command("join_channel", "k2", room="r", channel="c", overflow="conflate")
    publish(world, 3)

    assert read_on(slow) == [(1, 2, "conflate"), 3, "response", 4, 5, 6, "response", (7, 8, "conflate"), 9]


def test_the_first_join_that_bears_it_says_nothing_about_what_waits_already() -> None:
    world = World()
    slow = stall(world.member("r", "c"))
    publish(world, 3)
    slow.post_command("join_channel", "k1", room="r", channel="c", overflow="conflate")
    publish(world, 3)

    assert read_on(slow) == [1, 2, 3, "response", (4, 5, "conflate"), 6]


def test_no_gap_reaches_over_a_leave_and_a_join() -> None:
    world = World()
    slow = stalled(world, "conflate")
    publish(world, 3)
    slow.post_command("leave_channel", "k1", room="r", channel="c")
    slow.post_command("join_channel", "k2", room="r", channel="c", overflow="conflate")
    publish(world, 3)

    assert read_on(slow) == [(1, 2, "conflate"), 3, "response", "response", (4, 5, "conflate"), 6]


def test_a_channel_that_is_deleted_and_made_again_is_told_apart() -> None:
    world = World()
    slow = stalled(world, "conflate")
    publish(world, 3)
    world.connect().command("delete_channel", room="r", channel="c", force=True)
    slow.post_command("join_channel", "k", room="r", channel="c", overflow="conflate")
    publish(world, 3)

    assert read_on(slow) == [(1, 2, "conflate"), 3, "channel_deleted", "response", (1, 2, "conflate"), 3]


def test_a_group_bears_no_loss() -> None:
    answer = World().connect().join("r", "c", group="g", overflow="drop_oldest")

    assert answer["code"] == "invalid_args"
    assert answer["message"].startswith("expected disconnect for a member of a group, got drop_oldest")


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_a_channel_that_bears_no_loss_closes_the_client_when_it_floods() -> None:
    world = World(settings(limits__outbox_messages=10))
    slow = world.member("r", "c", overflow="conflate")
    slow.join("r", "d", overflow="drop_oldest")
    slow.join("r", "flood")
    stall(slow)
    publish(world, 20, "c")
    publish(world, 20, "d")
    assert slow.socket.closed is None
    publish(world, 20, "flood")

    assert slow.close_code == 4100


def test_answers_messages_and_announcements_are_kept() -> None:
    world = World(settings(limits__outbox_messages=6))
    slow = stalled(world, "drop_oldest", presence=True)
    friend = world.connect()
    publish(world, 10)
    friend.send({"type": "private", "to": [slow.id], "payload": 1})
    friend.send({"type": "broadcast", "room": "r", "payload": 1})
    friend.join("r", "c")
    slow.post_command("ping", "k")
    publish(world, 10)

    assert read_on(slow) == [
        (1, 18, "drop_oldest"),
        "private",
        "broadcast",
        "member_joined",
        "response",
        19,
        20,
    ]


def test_the_replay_of_a_join_is_kept_whole() -> None:
    world = World()
    slow = world.member("r", "c", overflow="conflate")
    epoch = slow.command("channel_info", room="r", channel="c")["epoch"]
    publish(world, 5)
    slow.leave("r", "c")
    stall(slow)
    slow.post_command("join_channel", "k", room="r", channel="c", overflow="conflate", since={"epoch": epoch, "seq": 2})
    publish(world, 3)

    assert read_on(slow) == ["response", 3, 4, 5, (6, 7, "conflate"), 8]


def test_what_is_kept_may_not_grow_old_as_ever() -> None:
    world = World(settings(limits__outbox_age_s=10.0))
    slow = stalled(world, "conflate")
    publish(world, 1)
    world.advance(60)
    assert slow.socket.closed is None
    slow.post_command("ping", "k")
    world.advance(12)

    assert slow.close_code == 4100


def test_before_a_close_for_another_reason_gaps_are_written() -> None:
    world = World(settings(limits__invalid_envelopes=1))
    slow = stalled(world, "conflate")
    publish(world, 3)
    slow.send(b"[]")
    slow.send(b"[]")

    assert slow.close_code == 4500
    assert [_short(message) for message in slow.take()][:2] == [(1, 2, "conflate"), 3]


# --- coming back ----------------------------------------------------------------------------------------------------


def come_back(world: World, ticket: str, seq: int | None = None) -> Client:
    """Another connection that continues the client."""
    client, positions = world.connect(), []
    if seq is not None:
        epoch = world.connect().command("channel_info", room="r", channel="c")["epoch"]
        positions = [{"room": "r", "channel": "c", "epoch": epoch, "seq": seq}]
    client.command("connect", resume={"ticket": ticket, "positions": positions})
    client.take()
    return client


@pytest.mark.parametrize("channel", ["c", "*"])
def test_a_client_that_comes_back_bears_what_it_bore(channel: str) -> None:
    world = World(settings(**GRACE))
    world.connect().command("create_channel", room="r", channel="c")
    lost = world.member("r", channel, overflow="conflate")
    lost.lose()
    back = stall(come_back(world, lost.ticket))
    publish(world, 3)

    assert read_on(back) == [(1, 2, "conflate"), 3]


def test_and_again_when_the_next_connection_takes_over_in_the_middle() -> None:
    world = World(settings(**GRACE))
    lost = world.member("r", "c", overflow="conflate")
    ticket = lost.ticket
    lost.lose()
    first, second = world.connect(), world.connect()
    first.post_command("connect", "k", resume={"ticket": ticket})
    second.post_command("connect", "k", resume={"ticket": ticket})
    world.run()
    second.take()
    stall(second)
    publish(world, 3)

    assert read_on(second) == [(1, 2, "conflate"), 3]


def test_what_was_dropped_and_not_told_before_the_end_is_recovered() -> None:
    world = World(settings(limits__outbox_messages=3, **GRACE))
    slow = world.member("r", "c", overflow="drop_oldest")
    ticket = slow.ticket
    publish(world, 1)
    stall(slow)
    publish(world, 9)
    for n in range(4):
        slow.post_command("ping", f"k{n}")
        world.run()
    assert slow.close_code == 4100

    world.advance(1)
    back = world.connect()
    epoch = world.connect().command("channel_info", room="r", channel="c")["epoch"]
    place = {"room": "r", "channel": "c", "epoch": epoch, "seq": 1}
    result = back.command("connect", resume={"ticket": ticket, "positions": [place]})

    assert result["resumed"][0]["recovered"] is True
    assert [event["seq"] for event in back.events()] == list(range(2, 11))


def test_after_a_gap_the_position_is_its_end() -> None:
    world = World(settings(**GRACE))
    slow = stalled(world, "conflate")
    publish(world, 5)
    assert read_on(slow) == [(1, 4, "conflate"), 5]
    slow.lose()
    publish(world, 2)

    back = come_back(world, slow.ticket, 5)
    assert [event["seq"] for event in back.events()] == [6, 7]


def test_a_channel_that_ends_while_its_member_is_away_is_forgotten() -> None:
    world = World(settings(**GRACE))
    lost = world.member("r", "c", overflow="conflate")
    lost.lose()
    world.connect().command("delete_channel", room="r", channel="c", force=True)
    back = come_back(world, lost.ticket)
    back.join("r", "c")
    stall(back)
    publish(world, 3)

    assert read_on(back) == [1, 2, 3]


# --- telling --------------------------------------------------------------------------------------------------------


@pytest.mark.proves("014/FR-008")
def test_dropped_events_are_counted_and_logged_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    slow = stalled(world, "conflate")
    with caplog.at_level(logging.INFO):
        publish(world, 101)
        world.advance(10)
        publish(world, 1)

    lines = [record.getMessage() for record in caplog.records if "events_dropped" in record.getMessage()]
    assert world.bus.counters.dropped == 101
    assert len(lines) == 2
    assert all(slow.id in line for line in lines)


def test_a_compressed_connection_is_given_gaps_as_texts() -> None:
    world = World()
    slow = world.connect(compressed=True)
    slow.join("r", "c", overflow="conflate")
    stall(slow)
    publish(world, 3)
    slow.drain()

    (given,) = slow.socket.given[-1:]
    assert [b'"gap"' in text for text in given] == [True, False]
