"""A shared room and what it asks the store. The rest is in tests/flow."""

from __future__ import annotations

from typing import Any

from tests.flow.nodes import Nodes


def test_what_waits_for_the_store_is_answered_in_its_time_and_holds_up_nobody() -> None:
    nodes = Nodes(1)
    nodes[0].member("r", "other")
    node: Any = nodes.store.nodes["0"]
    later: list[Any] = []
    nodes.store._later = lambda: later.append
    client, other = nodes[0].connect(), nodes[0].connect()
    client.post_command("channel_info", "i", room="r", channel="c")
    nodes.run()
    assert other.join("r", "other")["members"] == 2
    assert client.answers() == []

    while later:
        later.pop(0)()
        nodes.run()
    assert client.answers() == [("i", "not_found")]
    assert node.rooms.keys() == {"r"}


def test_a_room_that_nobody_needs_hears_no_more() -> None:
    nodes = Nodes(1)
    client = nodes[0].connect()
    client.command("channel_info", room="r", channel="c")
    nodes[0].member("r", "c").lose(1000)
    nodes.advance(61)

    assert nodes.store.nodes["0"].rooms == {}
    assert nodes[0].bus.directory.room("r") is None


def test_a_broadcast_that_does_not_come_back_is_delivered_here_all_the_same() -> None:
    nodes = Nodes(1)
    member = nodes[0].member("r", "c")
    feed: Any = nodes.store.nodes["0"].rooms["r"]
    heard: list[Any] = []
    feed.tell = heard.append
    member.send({"type": "broadcast", "room": "r", "payload": 1, "id": "b", "ack": True})
    assert member.take() == []
    nodes.advance(1.0)

    assert [m["type"] for m in member.take()] == ["broadcast", "response"]
    del feed.tell
    feed.tell(heard[0])
    nodes.run()
    assert member.take() == []
