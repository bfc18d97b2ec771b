"""Broadcasts: to every member of a room once, however many of its channels they share."""

from typing import Any

from tests.flow.world import Client, World


def broadcast(client: Client, room: str, **more: Any) -> None:
    client.send({"type": "broadcast", "room": room, "payload": "hear", **more})


def heard(client: Client) -> list[Any]:
    return [message["payload"] for message in client.take() if message["type"] == "broadcast"]


def test_each_member_of_the_room_hears_it_once() -> None:
    world = World()
    both, star, outside, elsewhere = (world.connect() for _ in range(4))
    both.join("r", "one")
    both.join("r", "two")
    both.join("r", "*")
    star.join("r", "*")
    elsewhere.join("other", "one")

    broadcast(outside, "r", id="b", ack=True)

    assert heard(both) == ["hear"]
    assert heard(star) == ["hear"]
    assert heard(elsewhere) == []
    assert outside.take()[-1]["result"] == {"delivered": 2}


def test_a_member_hears_its_own_broadcast() -> None:
    client = World().member("r", "c")

    broadcast(client, "r", id="b1", reply_to="b0", metadata={"k": 1})

    assert client.take() == [
        {
            "type": "broadcast",
            "room": "r",
            "id": "b1",
            "from": client.id,
            "timestamp": "2026-11-21T19:00:00.000Z",
            "payload": "hear",
            "metadata": {"k": 1},
            "reply_to": "b0",
        }
    ]


def test_broadcasts_without_ids_get_different_ones() -> None:
    client = World().member("r", "c")

    for _ in range(2):
        client.post({"type": "broadcast", "room": "r", "payload": 1})
    client.world.run()

    first, second = client.take()
    assert first["id"] != second["id"]


def test_who_left_the_last_channel_hears_no_more() -> None:
    world = World()
    leaver, stays = world.member("r", "c"), world.member("r", "c")
    leaver.leave("r", "c")

    broadcast(stays, "r")

    assert heard(leaver) == []
    assert heard(stays) == ["hear"]


def test_a_broadcast_to_an_unknown_room_is_not_found() -> None:
    client = World().connect()

    broadcast(client, "nowhere", id="b")

    assert client.answers() == [("b", "not_found")]
    assert client.command("list_rooms")["rooms"] == [{"room": "_telemetry", "channels": 1, "members": 0}]


def test_a_broadcast_to_a_room_that_only_its_history_remembers_is_not_found() -> None:
    """Waking the room would end it again before the broadcast comes, and so on for ever."""
    world = World()
    client = world.connect()
    client.event("r", "c", 1)
    world.advance(61)

    broadcast(client, "r", id="b")

    assert client.answers() == [("b", "not_found")]


def test_a_broadcast_to_a_room_without_members_reaches_nobody() -> None:
    client = World().connect()
    client.event("r", "c", 1)

    broadcast(client, "r", id="b", ack=True)

    assert client.take()[-1]["result"] == {"delivered": 0}


def test_a_broadcast_that_meets_the_end_of_its_room_is_answered() -> None:
    world = World()
    client = world.connect()
    client.event("r", "c", 1)
    broadcast(client, "r")
    world.advance(59)

    client.post({"type": "broadcast", "room": "r", "payload": 1, "id": "b", "ack": True})
    world.manual.clock.advance(1)
    world.run()

    ((request_id, _),) = client.answers()
    assert request_id == "b"


def test_the_servers_own_room_is_closed_to_broadcasts() -> None:
    client = World().connect()

    broadcast(client, "_telemetry", id="b")

    assert client.answers() == [("b", "forbidden")]


def test_broadcasts_of_one_sender_keep_their_order() -> None:
    world = World()
    sender, member = world.connect(), world.member("r", "c")

    for n in range(100):
        sender.post({"type": "broadcast", "room": "r", "payload": n})
    world.run()

    assert heard(member) == list(range(100))


def test_broadcasts_are_not_kept() -> None:
    client = World().member("r", "c")

    broadcast(client, "r")

    assert client.command("history", room="r", channel="c")["messages"] == []
