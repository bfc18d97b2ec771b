"""The same id of the same sender to the same channel is one event, however often it comes within the window."""

from typing import Any

from tests.flow.world import Client, World, settings


def publish(client: Client, message_id: str, payload: Any = None, channel: str = "c", ack: bool = True) -> Any:
    """Publish under ``message_id``; give the newest answer to it."""
    client.event("r", channel, payload, id=message_id, ack=ack)
    answers = [m for m in client.received() if m["type"] == "response" and m["request_id"] == message_id]
    return answers[-1].get("result") if answers else None


def test_a_repeat_is_answered_with_the_first_seq_and_not_delivered() -> None:
    world = World()
    member, sender = world.member("r", "c"), world.connect()
    first = publish(sender, "a1", "once")
    publish(sender, "a2", "between")

    again = publish(sender, "a1", "once")

    assert (first["seq"], first["duplicate"]) == (1, False)
    assert first.pop("delivered") == 1
    assert again == {**first, "duplicate": True}
    assert member.payloads() == ["once", "between"]


def test_a_repeat_in_the_same_turn_is_a_repeat() -> None:
    world = World()
    member, sender = world.member("r", "c"), world.connect()
    publish(sender, "a0")
    for _ in range(3):
        sender.post_event("r", "c", "once", id="a1", ack=True)
    world.run()

    results = [m["result"] for m in sender.received() if m["type"] == "response" and m["request_id"] == "a1"]

    assert [(r["seq"], r["duplicate"]) for r in results] == [(2, False), (2, True), (2, True)]
    assert member.payloads() == [None, "once"]


def test_a_repeat_without_ack_is_dropped_and_counted() -> None:
    world = World()
    member = world.member("r", "c")
    publish(member, "a1", ack=False)
    publish(member, "a1", ack=False)

    assert len(member.events()) == 1
    assert world.bus.counters.duplicates == 1


def test_another_sender_or_another_channel_may_use_the_id() -> None:
    world = World()
    member, other = world.member("r", "c"), world.connect()
    publish(member, "a1", "mine")
    publish(other, "a1", "theirs")

    elsewhere = publish(member, "a1", "elsewhere", channel="d")

    assert member.payloads() == ["mine", "theirs"]
    assert elsewhere["duplicate"] is False


def test_a_user_is_one_sender_over_all_connections() -> None:
    world = World(settings(auth__keys={"ada": "key-of-ada"}))
    first, second = world.connect(token="key-of-ada"), world.connect(token="key-of-ada")
    publish(first, "a1")

    assert publish(second, "a1")["duplicate"] is True


def test_after_the_window_the_id_is_new() -> None:
    world = World(settings(channels__dedupe_s=10.0))
    member = world.member("r", "c")
    publish(member, "a1")
    world.manual.advance(11)

    assert publish(member, "a1")["duplicate"] is False
    assert len(member.events()) == 2


def test_past_the_count_the_oldest_id_is_new() -> None:
    world = World(settings(channels__dedupe_count=2))
    member = world.member("r", "c")
    for message_id in ("a1", "a2", "a3"):
        publish(member, message_id)

    assert publish(member, "a3")["duplicate"] is True
    assert publish(member, "a1")["duplicate"] is False


def test_an_id_is_known_though_the_channel_went_and_came() -> None:
    world = World(settings(channels__idle_s=5.0, channels__dedupe_s=120.0))
    sender = world.connect()
    publish(sender, "a1")
    world.manual.advance(30)

    assert publish(sender, "a1") == {**publish(sender, "a1"), "seq": 1, "duplicate": True}


def test_an_event_that_failed_is_not_known() -> None:
    world = World()
    member = world.member("r", "c")
    world.clock_fails = True
    publish(member, "a1")
    world.clock_fails = False

    assert publish(member, "a1")["duplicate"] is False
    assert [event["seq"] for event in member.events()] == [1]


def test_without_a_window_nothing_is_a_repeat() -> None:
    member = World(settings(channels__dedupe_s=0.0)).member("r", "c")
    publish(member, "a1")

    assert publish(member, "a1")["duplicate"] is False
