"""Rooms that several nodes share: broadcasts, whole rooms, and what is made and deleted elsewhere."""

from __future__ import annotations

from random import Random
from typing import Any

from arqonbus.config.settings import Predefined
from arqonbus.storage.history import Retention
from arqonbus.storage.shared_log import Opening
from arqonbus.testing.shared_store import SharedStore
from tests.flow.nodes import Nodes
from tests.flow.world import Client, World, settings


def broadcasts(client: Client) -> list[Any]:
    return [m["payload"] for m in client.received() if m["type"] == "broadcast"]


def broadcast(client: Client, payload: Any, **more: Any) -> None:
    client.send({"type": "broadcast", "room": "r", "payload": payload, **more})


# --- broadcasts -------------------------------------------------------------------------------------------------


def test_a_broadcast_reaches_each_member_on_all_nodes_once() -> None:
    nodes = Nodes(2)
    here, there = nodes[0].member("r", "c"), nodes[1].member("r", "d")
    there.join("r", "e")
    broadcast(here, "hello", id="b", ack=True)

    assert broadcasts(here) == broadcasts(there) == ["hello"]
    assert [m["result"] for m in here.take() if m["type"] == "response"] == [{"delivered": 1}]


def test_a_broadcast_finds_a_room_whose_members_are_all_elsewhere() -> None:
    nodes = Nodes(2)
    there = nodes[1].member("r", "c")
    sender = nodes[0].connect()
    broadcast(sender, 1, id="a", ack=True)
    broadcast(sender, 2, id="b", ack=True)

    assert broadcasts(there) == [1, 2]
    assert sender.answers() == [("a", "ok"), ("b", "ok")]
    nodes.advance(61)
    assert nodes[0].bus.directory.room("r") is None


def test_a_broadcast_to_a_room_that_is_nowhere_is_not_found() -> None:
    nodes = Nodes(2)
    sender = nodes[0].connect()
    broadcast(sender, 1, id="a")

    assert sender.answers() == [("a", "not_found")]


def test_a_node_without_the_store_broadcasts_to_its_own_members() -> None:
    nodes = Nodes(2)
    here, there = nodes[0].member("r", "c"), nodes[1].member("r", "c")
    nodes.cut(0)
    broadcast(here, "alone", id="b", ack=True)

    assert broadcasts(here) == ["alone"]
    assert broadcasts(there) == []
    assert here.answers() == [("b", "ok")]


# --- the whole room ---------------------------------------------------------------------------------------------


def test_a_member_of_the_whole_room_gets_what_is_published_on_other_nodes() -> None:
    nodes = Nodes(2)
    nodes[1].connect().event("r", "a", "before")
    star = nodes[0].connect()
    result = star.join("r", "*")
    nodes[1].connect().event("r", "a", "a")

    assert [(place["channel"], place["seq"]) for place in result["positions"]] == [("a", 1)]
    assert star.payloads() == ["a"]


def test_a_channel_made_on_another_node_is_heard_from_its_first_event() -> None:
    nodes = Nodes(2)
    star = nodes[0].connect()
    star.join("r", "*")
    star.take()
    other = nodes[1].connect()
    for i in range(3):
        other.post_event("r", "new", i)
    nodes.run()

    made = star.take()
    assert [m.get("event", m.get("payload")) for m in made] == ["channel_created", 0, 1, 2]
    assert (made[0]["payload"]["channel"], made[0]["payload"]["seq"]) == ("new", 0)
    assert [m["seq"] for m in made[1:]] == [1, 2, 3]


def test_a_channel_made_while_nothing_was_heard_is_found_and_told_from_its_first_event() -> None:
    nodes = Nodes(2)
    star = nodes[0].connect()
    star.join("r", "*")
    nodes.cut(0)
    other = nodes[1].connect()
    other.event("r", "new", 1)
    other.event("r", "new", 2)
    assert star.payloads() == []

    nodes.mend(0)
    assert star.payloads() == [1, 2]
    other.event("r", "new", 3)
    assert star.payloads() == [1, 2, 3]


def test_a_channel_without_history_owns_to_what_was_published_before_it_was_heard_of() -> None:
    nodes = Nodes(2, history__limit=0)
    star = nodes[0].connect()
    star.join("r", "*")
    nodes.cut(0)
    nodes[1].connect().event("r", "new", 1)
    nodes.mend(0)
    nodes[1].connect().event("r", "new", 2)

    assert star.payloads() == [2]
    (gap,) = [m["payload"] for m in star.received() if m.get("event") == "gap"]
    assert (gap["from"], gap["to"], gap["reason"]) == (1, 1, "missing")


def test_a_join_of_a_whole_room_without_the_store_is_of_what_is_here() -> None:
    nodes = Nodes(2)
    nodes[0].member("r", "here")
    nodes[1].member("r", "there")
    nodes.cut(0)
    star = nodes[0].connect()

    assert [place["channel"] for place in star.join("r", "*")["positions"]] == ["here"]


# --- made and deleted -------------------------------------------------------------------------------------------


def test_a_channel_that_is_deleted_ends_on_all_nodes() -> None:
    nodes = Nodes(2)
    there = nodes[1].member("r", "c")
    there.event("r", "c", 1)
    client = nodes[0].connect()
    before = nodes.store.logs["r", "c"].epoch

    assert client.command("delete_channel", room="r", channel="c", force=True) == {}
    assert there.told() == ["channel_deleted"]
    assert there.command("whoami")["memberships"] == []
    assert client.join("r", "c")["epoch"] != before


def test_a_deletion_that_the_store_cannot_do_is_refused() -> None:
    nodes = Nodes(1)
    client = nodes[0].connect()
    client.command("create_channel", room="r", channel="c")
    nodes.cut(0)

    assert client.command("delete_channel", room="r", channel="c")["code"] == "unavailable"
    nodes.mend(0)
    assert client.join("r", "c")["seq"] == 0


def test_what_has_to_be_asked_of_a_store_that_is_away_is_unavailable() -> None:
    nodes = Nodes(1)
    nodes.cut(0)
    client = nodes[0].connect()

    assert client.command("channel_info", room="r", channel="c")["code"] == "unavailable"
    assert client.command("members", room="r")["code"] == "unavailable"
    broadcast(client, 1, id="b")
    assert client.answers()[-1] == ("b", "unavailable")
    nodes.give_up(0)
    assert client.command("create_channel", room="r", channel="c")["code"] == "unavailable"


def test_a_deletion_is_answered_though_its_news_come_first() -> None:
    """The feed's word ends the channel; the store's answer may come when it has no turn left."""
    for seed in range(30):
        nodes = Nodes(1, random=Random(seed))
        client = nodes[0].connect()
        client.post_command("create_channel", "c", room="r", channel="c")
        nodes.advance(1)
        client.post_command("delete_channel", "d", room="r", channel="c")
        nodes.advance(1)

        assert client.answers() == [("c", "ok"), ("d", "ok")]


def test_a_list_of_a_room_names_the_channels_of_all_nodes() -> None:
    nodes = Nodes(2)
    nodes[1].member("r", "b").event("r", "b", 1)
    nodes[1].connect().command("create_channel", room="r", channel="c")
    nodes[0].member("r", "a")
    client = nodes[0].connect()

    rows = client.command("list_channels", room="r")["channels"]
    assert [(row["channel"], row["seq"]) for row in rows] == [("a", 0), ("b", 1), ("c", 0)]
    page = client.command("list_channels", room="r", limit=1)
    assert client.command("list_channels", room="r", cursor=page["cursor"])["channels"] == rows[1:]
    assert client.command("list_channels", room="none")["code"] == "not_found"
    nodes.cut(0)
    assert [row["channel"] for row in client.command("list_channels", room="r")["channels"]] == ["a"]


def test_a_channel_that_went_for_idleness_everywhere_is_not_listed() -> None:
    nodes = Nodes(2)
    nodes[1].connect().event("r", "b", 1)
    nodes[0].member("r", "a")
    client = nodes[0].connect()
    nodes.advance(61)

    assert [row["channel"] for row in client.command("list_channels", room="r")["channels"]] == ["a"]
    assert client.command("channel_info", room="r", channel="b")["seq"] == 1


def test_a_node_that_heard_and_does_not_answer_is_not_waited_for_for_ever() -> None:
    nodes = Nodes(2)
    nodes[0].member("r", "a")
    nodes[1].member("r", "b")
    nodes.store.nodes["1"].rooms["r"].tell = lambda fed: None  # type: ignore[method-assign]
    client = nodes[0].connect()
    client.post_command("list_channels", "l", room="r")
    nodes.run()
    assert client.answers() == []

    nodes.advance(1.0)
    assert client.answers() == [("l", "ok")]


def test_what_the_settings_of_a_node_want_of_a_channel_holds_there_whoever_was_first() -> None:
    nodes = Nodes(1, channels__predefined=(Predefined(room="r", channel="c", history_limit=7),))
    member = nodes[0].connect()
    store = SharedStore(nodes.manual.clock.time)
    store.node("other").open("r", "c", Opening(Retention(3, 100.0, 1000), b""), lambda fed: None)
    late = World(
        settings(channels__predefined=(Predefined(room="r", channel="c", history_limit=9),)), shared=store.node("late")
    ).connect()

    assert member.command("channel_info", room="r", channel="c")["options"]["history_limit"] == 7
    info = late.command("channel_info", room="r", channel="c")
    assert (info["kind"], info["options"]["history_limit"]) == ("configured", 9)
    assert late.command("delete_channel", room="r", channel="c")["code"] == "conflict"


def test_a_channel_of_the_settings_of_one_node_is_that_on_the_others() -> None:
    store_of = Nodes(1, channels__predefined=(Predefined(room="r", channel="c", history_limit=7),))
    other = World(settings(), manual=store_of.manual, shared=store_of.store.node("other")).connect()

    info = other.command("channel_info", room="r", channel="c")
    assert (info["kind"], info["options"]["history_limit"]) == ("configured", 7)
