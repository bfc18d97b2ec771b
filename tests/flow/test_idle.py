"""Channels that nobody needs go by themselves, and come back where they were while their history is kept."""

import pytest

from arqonbus.config.settings import Channels, Predefined, Settings
from tests.flow.world import Client, World, settings


def channels(client: Client) -> list[str]:
    return [f"{info['room']}:{info['channel']}" for info in client.command("list_channels")["channels"]]


def test_an_empty_channel_goes_after_its_time() -> None:
    world = World()
    client = world.connect()
    client.event("r", "c", 1)

    world.advance(59.9)
    assert channels(client) == ["_telemetry:activity", "r:c"]
    world.advance(0.2)

    assert channels(client) == ["_telemetry:activity"]
    assert [room["room"] for room in client.command("list_rooms")["rooms"]] == ["_telemetry"]


def test_each_event_makes_the_time_begin_again() -> None:
    world = World()
    client = world.connect()
    for _ in range(5):
        client.event("r", "c", 1)
        world.advance(50)

    assert "r:c" in channels(client)
    world.advance(11)
    assert "r:c" not in channels(client)


def test_a_channel_with_a_member_stays() -> None:
    world = World()
    client = world.member("r", "c")

    world.advance(1000)

    assert "r:c" in channels(client)


@pytest.mark.parametrize("idle_s", [-1.0, 0.0])
def test_channels_stay_for_ever_or_go_at_once_where_the_settings_say_so(idle_s: float) -> None:
    world = World(settings(channels__idle_s=idle_s))
    client = world.connect()
    client.event("r", "c", 1)

    world.advance(0.001)
    assert ("r:c" in channels(client)) is (idle_s == -1.0)
    world.advance(10_000)
    assert ("r:c" in channels(client)) is (idle_s == -1.0)


def test_a_persistent_channel_stays() -> None:
    world = World()
    client = world.connect()
    client.command("create_channel", room="r", channel="c", options={"persistent": True})

    world.advance(1000)

    assert "r:c" in channels(client)


def test_channels_of_the_settings_are_there_and_stay() -> None:
    wanted = Predefined(room="r", channel="c", history_limit=5, presence=True)
    world = World(Settings(channels=Channels(predefined=(wanted,))))
    client = world.connect()

    world.advance(1000)

    info = client.command("channel_info", room="r", channel="c")
    assert (info["kind"], info["created_by"]) == ("configured", None)
    assert (info["options"]["history_limit"], info["options"]["presence"], info["options"]["persistent"]) == (
        5,
        True,
        True,
    )
    assert client.command("delete_channel", room="r", channel="c", force=True)["code"] == "conflict"


def test_a_channel_that_comes_back_goes_on_where_it_was() -> None:
    world = World()
    client = world.connect()
    before = client.acked("r", "c", "before")
    world.advance(100)

    result = client.join("r", "c", since={"epoch": before["epoch"], "seq": 0})

    assert (result["epoch"], result["seq"], result["recovered"]) == (before["epoch"], 1, True)
    assert client.acked("r", "c", "after")["seq"] == 2
    assert client.payloads() == ["before", "after"]


@pytest.mark.parametrize("command", ["channel_info", "history", "members"])
def test_questions_find_a_channel_that_only_its_history_remembers(command: str) -> None:
    world = World(settings(channels__auto_create=False))
    client = world.connect()
    client.command("create_channel", room="r", channel="c")
    client.event("r", "c", 1)
    world.advance(100)

    assert "code" not in client.command(command, room="r", channel="c")


def test_where_none_are_made_a_channel_with_history_can_be_published_to_again() -> None:
    world = World(settings(channels__auto_create=False))
    client = world.connect()
    client.command("create_channel", room="r", channel="c")
    client.event("r", "c", 1)
    world.advance(100)

    assert client.acked("r", "c", 2)["seq"] == 2


def test_a_channel_without_history_is_unknown_once_it_is_gone() -> None:
    world = World(settings(channels__auto_create=False))
    client = world.connect()
    client.command("create_channel", room="r", channel="c")
    world.advance(100)

    assert client.command("channel_info", room="r", channel="c")["code"] == "not_found"
    client.event("r", "c", 1, id="e")
    assert client.answers()[-1] == ("e", "not_found")


def test_the_position_outlives_the_history() -> None:
    world = World(settings(history__ttl_s=10.0))
    client = world.connect()
    first = client.acked("r", "c", 1)
    world.advance(200)

    second = client.acked("r", "c", 2)

    assert (second["epoch"], second["seq"]) == (first["epoch"], 2)


def test_a_position_that_nobody_asked_for_in_its_time_is_forgotten() -> None:
    world = World(settings(history__ttl_s=10.0, history__position_ttl_s=300.0))
    client = world.connect()
    first = client.acked("r", "c", 1)
    world.advance(400)

    second = client.acked("r", "c", 2)

    assert (second["seq"], second["epoch"] == first["epoch"]) == (1, False)


def test_a_deleted_channel_begins_a_new_epoch() -> None:
    client = World().connect()
    first = client.acked("r", "c", 1)
    client.command("delete_channel", room="r", channel="c")

    second = client.acked("r", "c", 2)

    assert (second["seq"], second["epoch"] == first["epoch"]) == (1, False)


def test_a_sleeping_channel_can_be_deleted() -> None:
    world = World()
    client = world.connect()
    client.event("r", "c", 1)
    world.advance(100)

    assert client.command("delete_channel", room="r", channel="c") == {}
    assert client.command("history", room="r", channel="c")["code"] == "not_found"


@pytest.mark.parametrize("ack", [True, False])
def test_a_publish_that_meets_the_end_of_an_idle_channel_is_not_lost(ack: bool) -> None:
    world = World()
    client = world.connect()
    client.event("r", "c", 1)
    world.advance(59.5)

    client.post_event("r", "c", 2, id="e", ack=ack)
    world.manual.clock.advance(1)  # the channel is told to look before it has read the event
    world.run()

    page = client.command("history", room="r", channel="c", order="asc")
    assert [(message["seq"], message["payload"]) for message in page["messages"]] == [(1, 1), (2, 2)]


def test_a_join_that_meets_the_end_of_an_idle_channel_is_answered() -> None:
    world = World()
    client = world.connect()
    client.event("r", "c", 1)
    world.advance(59.5)

    client.post_command("join_channel", "j", room="r", channel="c", replay=10)
    world.manual.run_round()
    world.manual.clock.advance(1)
    world.run()
    client.event("r", "c", 2)

    assert client.answers() == [("j", "ok")]
    assert client.payloads() == [1, 2]


def test_mail_to_a_room_that_just_ended_is_routed_again() -> None:
    world = World()
    client = world.connect()
    client.event("r", "c", 1)
    world.advance(59.5)

    client.post_command("members", "m", room="r")
    world.manual.clock.advance(1)
    world.run()

    assert client.answers() == [("m", "ok")]


def test_the_time_begins_when_the_last_member_leaves() -> None:
    world = World()
    client = world.member("r", "c")
    world.advance(500)
    client.leave("r", "c")

    world.advance(59)
    assert "r:c" in channels(client)
    world.advance(2)
    assert "r:c" not in channels(client)


def test_a_channel_that_comes_back_has_the_options_that_it_was_made_with() -> None:
    world = World(settings(channels__idle_s=5.0))
    maker, other = world.connect(), world.connect()
    maker.command("create_channel", room="r", channel="c", options={"history_limit": 2, "presence": True})
    made = maker.command("channel_info", room="r", channel="c")
    for n in range(3):
        maker.event("r", "c", n)
    world.advance(30)
    assert other.command("list_rooms")["rooms"] == [{"room": "_telemetry", "channels": 1, "members": 0}]

    back = other.command("channel_info", room="r", channel="c")

    assert back == {**made, "seq": 3}
    assert len(other.command("history", room="r", channel="c")["messages"]) == 2


def test_a_channel_that_sleeps_with_its_history_exists() -> None:
    world = World(settings(channels__idle_s=5.0))
    client = world.connect()
    client.event("r", "c", 1)
    world.advance(30)

    assert client.command("create_channel", room="r", channel="c")["code"] == "already_exists"


def test_the_time_is_over_whatever_rounding_does_to_it() -> None:
    world = World(settings(channels__idle_s=60.0))
    world.advance(3.8551839337380045)  # 3.855... + 60 - 3.855... is less than 60
    world.connect().event("r", "c", 1)

    world.advance(61)

    assert world.bus.directory.room("r") is None
