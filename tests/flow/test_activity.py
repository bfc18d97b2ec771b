"""Activity: what happens in the server, as events on its own channel."""

from __future__ import annotations

from typing import Any

from tests.flow.world import Client, World, settings


class Watched:
    """A world, and somebody who reads the telemetry channel."""

    def __init__(self, **wanted: Any) -> None:
        self.world = World(settings(**wanted))
        self.watcher = self.world.member("_telemetry", "activity")
        self.seen()

    def seen(self) -> list[dict[str, Any]]:
        """Activity events since the last look."""
        self.world.advance(0)
        return [message for message in self.watcher.take() if message["type"] == "telemetry"]

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        return [(message["event"], message["payload"]) for message in self.seen()]

    def member(self) -> Client:
        member = self.world.member("r", "c")
        self.seen()
        return member


def test_a_client_that_comes_joins_and_goes_is_told_in_this_order() -> None:
    here = Watched()
    client = here.world.connect()
    client.join("r", "c")
    client.leave("r", "c")
    client.lose(1000)
    where = {"room": "r", "channel": "c", "client": client.id, "user": None}

    assert here.told() == [
        ("client_connected", {"client": client.id, "user": None}),
        ("channel_created", {"room": "r", "channel": "c", "kind": "user", "by": client.id}),
        ("joined", where),
        ("left", {**where, "reason": "left"}),
        ("client_disconnected", {"client": client.id, "user": None, "code": 1000, "reason": ""}),
    ]


def test_an_event_has_the_form_of_the_protocol_and_is_kept_as_any_other() -> None:
    here = Watched()
    here.world.connect()

    (message,) = here.seen()
    assert set(message) == {"type", "event", "room", "channel", "timestamp", "seq", "payload"}
    assert (message["type"], message["room"], message["channel"]) == ("telemetry", "_telemetry", "activity")
    page = here.watcher.command("history", room="_telemetry", channel="activity")
    assert page["messages"][0] == message


def test_a_member_that_is_lost_and_members_of_the_whole_room_are_told_once() -> None:
    here = Watched()
    star, lost = here.world.connect(), here.member()
    star.join("r", "*")
    lost.lose()

    told = [(event, payload.get("channel"), payload.get("reason")) for event, payload in here.told()]
    assert ("joined", "*", None) in told
    assert [one for one in told if one[0] == "left"] == [("left", "c", "lost")]


def test_nothing_is_told_of_the_telemetry_channel_itself() -> None:
    here = Watched()
    other = here.world.connect()
    here.seen()

    other.join("_telemetry", "activity")
    other.leave("_telemetry", "activity")

    assert here.told() == []


def test_nobody_may_publish_there() -> None:
    here = Watched()

    here.watcher.event("_telemetry", "activity", 1, id="m-1")

    assert here.watcher.answers() == [("m-1", "forbidden")]


def test_refusals_are_told_with_the_command_or_without() -> None:
    here = Watched(channels__auto_create=False)
    member = here.world.connect()
    here.seen()

    member.command("channel_info", room="r", channel="c")
    member.event("r", "c", 1, id="m-1")

    assert here.told() == [
        ("refused", {"client": member.id, "code": "not_found", "command": "channel_info"}),
        ("refused", {"client": member.id, "code": "not_found", "command": None}),
    ]


def test_a_slow_client_is_told_of_but_not_one_that_reads_these_events() -> None:
    here = Watched(limits__outbox_messages=2)
    publisher, slow = here.member(), here.member()
    reader = here.world.member("_telemetry", "activity")
    reader.join("r", "c")
    here.seen()
    slow.socket.is_congested = reader.socket.is_congested = True

    for n in range(5):
        publisher.event("r", "c", n)

    told = [payload["client"] for event, payload in here.told() if event == "slow_consumer"]
    assert (slow.close_code, reader.close_code) == (4100, 4100)
    assert told == [slow.id]


def test_channels_that_end_are_told_with_the_reason() -> None:
    here = Watched(channels__idle_s=5.0)
    member = here.member()
    member.command("create_channel", room="r", channel="d")
    member.command("delete_channel", room="r", channel="d")
    member.leave("r", "c")
    here.world.advance(6)

    told = [(payload["channel"], payload["reason"]) for event, payload in here.told() if event == "channel_deleted"]
    assert told == [("d", "deleted"), ("c", "idle")]


def test_off_means_off() -> None:
    here = Watched(telemetry__activity=False)

    here.world.connect()

    assert here.told() == []
    assert here.world.bus.activity is None


def test_a_flood_is_bounded_and_the_number_of_what_was_left_out_is_told() -> None:
    here = Watched(telemetry__activity_per_s=5.0)
    for _ in range(40):
        here.world.connect()
    here.world.advance(3)

    told = here.told()
    dropped = [payload["events"] for event, payload in told if event == "activity_dropped"]
    assert sum(dropped) + sum(event == "client_connected" for event, _ in told) == 40
    assert here.world.bus.activity is not None and here.world.bus.activity.n_dropped == sum(dropped) > 0
