"""Faults of the server: the client is told, others are not touched, and what keeps failing is stopped and told."""

import logging
from typing import Any

import pytest

from tests.flow.world import Client, World


def fail(world: World, client: Client, n: int = 1) -> list[tuple[str | None, str]]:
    """Publish ``n`` events to r:c while nobody can tell the time."""
    world.clock_fails = True
    for k in range(n):
        client.event("r", "c", k, id=f"f{k}")
    world.clock_fails = False
    return client.answers()


def test_a_fault_is_answered_as_internal_with_a_trace_id_that_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    client = world.member("r", "c")

    world.clock_fails = True
    with caplog.at_level(logging.ERROR):
        client.event("r", "c", 1, id="e")

    (answer,) = client.take()
    error = answer["error"]
    assert (answer["request_id"], error["code"], error["retryable"]) == ("e", "internal", True)
    assert error["message"] == "internal error, details.trace_id finds it in the logs"
    assert error["details"]["trace_id"] in caplog.text
    assert "no time" not in str(answer)


def test_a_channel_goes_on_after_a_fault_with_all_that_it_had() -> None:
    world = World()
    client = world.member("r", "c")
    client.event("r", "c", "before")

    assert fail(world, client) == [("f0", "internal")]
    client.event("r", "c", "after")

    assert [(event["seq"], event["payload"]) for event in client.events()] == [(1, "before"), (2, "after")]


def test_a_failed_event_does_not_take_those_of_its_turn_along() -> None:
    world = World()
    failing, client = world.member("r", "c"), world.member("r", "c")

    assert fail(world, failing, 5) == [(f"f{n}", "internal") for n in range(5)]
    client.event("r", "c", 1)

    assert client.payloads() == [1]


def test_the_sixth_fault_in_a_minute_ends_the_channel_and_its_members_are_told() -> None:
    world = World()
    failing, named, star = world.connect(), world.member("r", "c"), world.connect()
    failing.event("r", "c", "early")
    star.join("r", "*")
    for client in (failing, named, star):
        client.take()

    fail(world, failing, 6)

    (told,) = named.take()
    assert (told["event"], told["room"], told["channel"]) == ("channel_deleted", "r", "c")
    assert star.told() == ["channel_deleted"]
    assert named.command("whoami")["memberships"] == []
    assert star.command("whoami")["memberships"] == [{"room": "r", "channel": "*"}]


def test_a_channel_that_ended_by_its_faults_comes_back_from_its_log() -> None:
    world = World()
    client = world.connect()
    epoch = client.join("r", "c")["epoch"]
    client.event("r", "c", "before")
    fail(world, client, 6)

    result = client.join("r", "c", since={"epoch": epoch, "seq": 0})
    client.event("r", "c", "after")

    assert (result["recovered"], result["epoch"]) == (True, epoch)
    assert client.payloads() == ["before", "before", "after"]


def test_five_faults_in_each_minute_are_borne() -> None:
    world = World()
    client = world.member("r", "c")

    for _ in range(4):
        assert len(fail(world, client, 5)) == 5
        world.advance(61)

    client.event("r", "c", "still here")
    assert client.payloads() == ["still here"]


def test_events_behind_the_last_fault_are_routed_anew() -> None:
    world = World()
    failing, other = world.member("r", "c"), world.connect()
    fail(world, failing, 5)
    other.event("r", "c", 0)

    world.clock_fails = True
    failing.post_event("r", "c", 1, id="f5")
    for n in range(3):
        other.post_event("r", "c", n, id=f"o{n}")
    world.run()

    assert failing.answers() == [("f5", "internal")]
    assert other.answers() == [(f"o{n}", "internal") for n in range(3)]


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("ping", {}),
        ("join_channel", {"room": "r", "channel": "c"}),
        ("join_channel", {"room": "r", "channel": "*"}),
        ("create_channel", {"room": "r", "channel": "new"}),
    ],
)
def test_a_command_that_meets_a_fault_is_answered_and_the_next_one_runs(command: str, args: dict[str, Any]) -> None:
    world = World()
    client = world.connect()
    client.event("r", "c", 1)

    world.clock_fails = True
    assert client.command(command, **args)["code"] == "internal"
    world.clock_fails = False

    assert client.command("ping") == {"time": "2026-11-21T19:00:00.000Z"}


def test_messages_that_meet_a_fault_on_the_way_are_answered() -> None:
    world = World()
    client = world.member("r", "c")

    world.clock_fails = True
    client.send({"type": "private", "to": [client.id], "payload": 1, "id": "p"})
    client.send({"type": "broadcast", "room": "r", "payload": 1, "id": "b"})
    client.event("r", "new", 1, id="e")

    assert client.answers() == [("p", "internal"), ("b", "internal"), ("e", "internal")]


def test_a_room_that_keeps_failing_ends_and_all_its_members_are_told() -> None:
    world = World()
    named, star = world.member("r", "c"), world.member("r", "*")

    world.clock_fails = True
    for n in range(6):
        named.send({"type": "broadcast", "room": "r", "payload": 1, "id": f"b{n}"})
    world.clock_fails = False

    assert [m["channel"] for m in named.take() if m["type"] == "system"] == ["c"]
    assert [m["channel"] for m in star.take() if m["type"] == "system"] == ["c", "*"]
    for client in (named, star):
        assert client.command("whoami")["memberships"] == []
    assert named.join("r", "c")["members"] == 1


def test_the_registry_bears_any_number_of_faults() -> None:
    world = World()
    client = world.connect()

    world.clock_fails = True
    for _ in range(20):
        assert client.command("ping")["code"] == "internal"
    world.clock_fails = False

    assert "time" in client.command("ping")


def test_a_session_that_keeps_failing_is_closed_with_1011() -> None:
    world = World()
    client = world.member("r", "c")
    client.socket.is_broken = True

    for n in range(12):
        client.event("r", "c", n)

    assert client.socket.closed == (1011, "internal error")
    assert world.connect().command("members", room="r", channel="c")["count"] == 0
