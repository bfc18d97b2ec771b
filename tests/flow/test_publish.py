"""Events: order, numbers, echo, receipts, and what becomes of those without a channel."""

import random

import pytest

from arqonbus.actor.testing import ManualDispatcher
from tests.flow.world import Client, World, settings


def test_a_member_gets_its_own_event_whole() -> None:
    world = World()
    client = world.member("science", "explore")

    client.event("science", "explore", {"n": 1}, id="a1", metadata={"k": [1]}, reply_to="a0")

    assert client.take() == [
        {
            "type": "event",
            "room": "science",
            "channel": "explore",
            "id": "a1",
            "from": client.id,
            "timestamp": "2026-11-21T19:00:00.000Z",
            "seq": 1,
            "payload": {"n": 1},
            "metadata": {"k": [1]},
            "reply_to": "a0",
        }
    ]


def test_the_payload_stays_the_bytes_that_came() -> None:
    client = World().member("r", "c")

    client.send(
        b'{"type":"event","room":"r","channel":"c","payload":{"n": 12345678901234567890, "x":1.10,"s":"\\u00e9"}}'
    )

    assert b'"payload":{"n": 12345678901234567890, "x":1.10,"s":"\\u00e9"}' in client.socket.texts[-1]


def test_an_event_without_an_id_gets_one_of_its_position() -> None:
    client = World().connect()
    epoch = client.join("r", "c")["epoch"]

    client.event("r", "c", 1)

    assert client.events()[0]["id"] == f"{epoch}.1"


def test_valid_trace_fields_are_passed_on_and_invalid_ones_ignored() -> None:
    client = World().member("r", "c")
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    client.event("r", "c", 1, traceparent=parent, tracestate="a=1")
    client.event("r", "c", 2, traceparent="nonsense", tracestate=7)

    valid, invalid = client.events()
    assert (valid["traceparent"], valid["tracestate"]) == (parent, "a=1")
    assert "traceparent" not in invalid and "tracestate" not in invalid


def test_what_a_client_says_of_from_timestamp_and_seq_is_ignored() -> None:
    client = World().member("r", "c")

    client.event("r", "c", 1, **{"from": "c-other", "timestamp": "never", "seq": 99})

    (event,) = client.events()
    assert (event["from"], event["timestamp"], event["seq"]) == (client.id, "2026-11-21T19:00:00.000Z", 1)


def test_an_ack_says_where_the_event_is() -> None:
    client = World().connect()
    epoch = client.join("r", "c")["epoch"]

    assert client.acked("r", "c", 1) == {
        "seq": 1,
        "epoch": epoch,
        "duplicate": False,
        "stored": "memory",
        "delivered": 1,
    }
    assert client.acked("r", "c", 2)["seq"] == 2


@pytest.mark.parametrize("option", [{"history_limit": 0}, {"history_bytes": 0}])
def test_an_ack_says_that_nothing_is_stored_where_there_is_no_history(option: dict[str, int]) -> None:
    client = World().connect()
    client.command("create_channel", room="r", channel="c", options=option)

    assert client.acked("r", "c", 1)["stored"] == "none"


def test_no_answer_comes_without_ack() -> None:
    client = World().member("r", "c")

    client.event("r", "c", 1, id="e")
    client.event("r", "c", 2, id="f", ack=False)

    assert client.answers() == []


def test_an_ack_comes_after_the_event_itself() -> None:
    client = World().member("r", "c")

    client.event("r", "c", 1, id="e", ack=True)

    assert [message["type"] for message in client.take()] == ["event", "response"]


def test_publishing_needs_no_membership() -> None:
    world = World()
    member, stranger = world.member("r", "c"), world.connect()

    stranger.event("r", "c", 1)

    assert member.payloads() == [1]
    assert stranger.payloads() == []


def test_publishing_to_an_unknown_channel_makes_it() -> None:
    client = World().connect()

    assert client.acked("new", "channel", 1)["seq"] == 1
    assert client.command("channel_info", room="new", channel="channel")["created_by"] == client.id


def test_publishing_to_an_unknown_channel_is_not_found_where_none_are_made() -> None:
    client = World(settings(channels__auto_create=False)).connect()

    for room in ("new", "_telemetry2"):
        client.event(room, "c", 1, id=room)
    client.command("create_channel", room="r", channel="c")
    client.event("r", "other", 1, id="e")

    assert client.answers() == [("new", "not_found"), ("_telemetry2", "forbidden"), ("k1", "ok"), ("e", "not_found")]


def test_a_refused_event_does_not_hold_those_behind_it() -> None:
    client = World(settings(channels__auto_create=False, channels__predefined=())).connect()
    client.command("create_channel", room="r", channel="c")
    client.join("r", "c")

    client.post_event("r", "missing", 0, id="e0")
    client.post_event("r", "c", 1)
    client.post_event("r", "missing", 2, id="e2")
    client.post_event("r", "c", 3)
    client.world.run()

    assert client.payloads() == [1, 3]
    assert client.answers()[-2:] == [("e0", "not_found"), ("e2", "not_found")]


def test_the_servers_own_names_are_closed_to_publishers() -> None:
    client = World().connect()
    client.join("_telemetry", "activity")
    client.take()

    client.event("_telemetry", "activity", 1, id="known")
    client.event("r", "_c", 1, id="new")

    assert client.answers() == [("known", "forbidden"), ("new", "forbidden")]


def test_all_members_get_all_events_in_one_order_without_holes() -> None:
    world = World()
    members = [world.member("r", "c") for _ in range(3)]

    for n in range(100):
        for member in members:
            member.post_event("r", "c", n)
    world.run()

    seen = [[(e["seq"], e["from"], e["payload"]) for e in member.events()] for member in members]
    assert [seq for seq, _, _ in seen[0]] == list(range(1, 301))
    assert seen[0] == seen[1] == seen[2]
    for member in members:
        assert [payload for _, sender, payload in seen[0] if sender == member.id] == list(range(100))


@pytest.mark.parametrize("seed", range(5))
def test_in_any_interleaving_each_sender_keeps_its_order_and_no_seq_is_missing(seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    world.manual = ManualDispatcher(order=chance.randrange)
    world.bus = type(world.bus)(settings(), world.manual.dispatcher, lambda: "2026-11-21T19:00:00.000Z")
    clients = [world.connect() for _ in range(4)]
    for n in range(30):
        for client in chance.sample(clients, 4):
            client.post_event("r", "c", n)
            if n == 5:
                client.post_command("join_channel", "j", room="r", channel="c")
        for _ in range(chance.randrange(4)):
            world.manual.run_round()
    world.run()

    for client in clients:
        events = client.events()
        first = next(m["result"]["seq"] for m in client.received() if m["type"] == "response")
        assert [event["seq"] for event in events] == list(range(first + 1, 121))
        for sender in clients:
            payloads = [event["payload"] for event in events if event["from"] == sender.id]
            assert payloads == sorted(payloads)


def test_events_of_one_turn_are_written_to_a_member_in_one_piece() -> None:
    world = World()
    publisher, member = world.connect(), world.member("r", "c")
    publisher.event("r", "c", 0)
    before = member.socket.n_writes

    for n in range(50):
        publisher.post_event("r", "c", n)
    world.run()

    assert member.socket.n_writes == before + 1
    assert member.payloads()[-50:] == list(range(50))


def delete(client: Client, **more: bool) -> str | None:
    return client.command("delete_channel", room="r", channel="c", **more).get("code")


def test_a_channel_with_members_is_deleted_by_force_only() -> None:
    world = World()
    member, other = world.member("r", "c"), world.connect()

    assert delete(other) == "conflict"
    assert delete(other, force=False) == "conflict"
    assert delete(other, force=True) is None
    assert member.told() == ["channel_deleted"]
    assert member.command("whoami")["memberships"] == []
    assert delete(other) == "not_found"


def test_an_empty_channel_is_deleted_without_force() -> None:
    client = World().connect()
    client.event("r", "c", 1)

    assert delete(client) is None
    assert client.command("channel_info", room="r", channel="c")["code"] == "not_found"


def test_publishing_right_after_a_forced_delete_goes_to_a_new_epoch() -> None:
    world = World()
    member, deleter = world.connect(), world.connect()
    old_epoch = member.join("r", "c")["epoch"]
    member.event("r", "c", "old")

    delete(deleter, force=True)
    result = member.acked("r", "c", "new")

    assert (result["seq"], result["epoch"] == old_epoch) == (1, False)
    assert member.payloads() == ["old"]


def test_publishes_that_meet_the_forced_end_are_sequenced_before_or_after_it_and_never_lost() -> None:
    world = World()
    publisher, deleter = world.member("r", "c"), world.connect()
    publisher.event("r", "c", 0)

    publisher.post_event("r", "c", 1, id="p1", ack=True)
    deleter.post_command("delete_channel", "d", room="r", channel="c", force=True)
    for n in range(2, 70):
        publisher.post_event("r", "c", n, id=f"p{n}", ack=True)
    world.run()

    assert [answer for answer in publisher.answers() if answer[1] != "ok"] == []
    page = publisher.command("history", room="r", channel="c", limit=1000, order="asc")
    payloads = [message["payload"] for message in page["messages"]]
    assert payloads == list(range(70 - len(payloads), 70))


def test_where_no_channels_are_made_a_publish_after_the_delete_is_told_not_found() -> None:
    world = World(settings(channels__auto_create=False))
    client, deleter = world.connect(), world.connect()
    client.join("r", "c", create=True)
    client.event("r", "c", 1)

    delete(deleter, force=True)
    client.event("r", "c", 2, id="e")

    assert client.answers()[-1] == ("e", "not_found")


def test_a_channel_of_the_settings_is_not_deleted() -> None:
    client = World(settings(channels__predefined=())).connect()

    error = client.command("delete_channel", room="_telemetry", channel="activity", force=True)

    assert error["code"] == "forbidden"


def test_counts_of_messages_move_with_events() -> None:
    world = World()
    publisher = world.connect()
    world.member("r", "c")
    world.member("r", "c")

    publisher.event("r", "c", 1)

    status = publisher.command("status")
    assert (status["messages_in"], status["messages_out"]) == (1, 2)
