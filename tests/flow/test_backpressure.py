"""Senders that are faster than what they send to: held, never lost, and let go again."""

from tests.flow.world import Client, World, settings


def flood(clients: list[Client], n: int) -> None:
    for k in range(n):
        for client in clients:
            client.post_event("r", "c", k)


def test_a_full_session_leaves_the_rest_in_the_socket_and_loses_nothing() -> None:
    world = World(settings(limits__session_mailbox=4))
    client = world.member("r", "c")

    flood([client], 100)
    assert len(client.stopped_reading) == 96
    world.run()

    assert client.payloads() == list(range(100))
    assert client.stopped_reading == []


def test_a_session_full_of_bytes_leaves_the_rest_in_the_socket() -> None:
    world = World(settings(limits__mailbox_bytes=4096, limits__message_bytes=4096))
    client = world.member("r", "c")

    for n in range(20):
        client.post_event("r", "c", [n, "x" * 1000])
    assert len(client.stopped_reading) == 16
    world.run()

    assert [payload[0] for payload in client.payloads()] == list(range(20))


def test_a_full_channel_holds_its_publishers_and_lets_them_go_in_order() -> None:
    world = World(settings(limits__channel_mailbox=8))
    reader = world.member("r", "c")
    publishers = [world.connect() for _ in range(5)]
    for publisher in publishers:
        publisher.event("r", "c", "route")

    flood(publishers, 60)
    world.run()

    events = reader.events()
    assert [event["seq"] for event in events] == list(range(1, 306))
    for publisher in publishers:
        payloads = [event["payload"] for event in events if event["from"] == publisher.id]
        assert payloads == ["route", *range(60)]


def test_a_channel_full_of_bytes_holds_its_publishers_too() -> None:
    world = World(settings(limits__mailbox_bytes=4096, limits__message_bytes=4096))
    reader = world.member("r", "c")
    publishers = [world.connect() for _ in range(5)]

    for n in range(20):
        for publisher in publishers:
            publisher.post_event("r", "c", [n, "x" * 1500])
    world.run()

    assert [event["seq"] for event in reader.events()] == list(range(1, 101))


def test_a_publisher_that_is_held_does_not_hold_others() -> None:
    world = World(settings(limits__channel_mailbox=2))
    busy, other = world.connect(), world.connect()
    other_reader = world.member("other", "c")
    busy.event("r", "c", "route")

    flood([busy], 50)
    other.post_event("other", "c", 1)
    world.run()

    assert other_reader.payloads() == [1]


def test_deliveries_reach_a_client_whose_own_messages_are_held() -> None:
    world = World()
    client, other = world.member("r", "c"), world.connect()
    other.event("r", "c", "route")

    client.post_command("join_channel", "j", room="r2", channel="c")
    client.post_event("r", "c", "mine")
    other.post_event("r", "c", "theirs")
    world.run()

    assert set(client.payloads()) == {"route", "mine", "theirs"}


def test_a_full_registry_holds_the_senders_of_private_messages() -> None:
    world = World(settings(limits__channel_mailbox=4))
    receiver = world.connect()
    senders = [world.connect() for _ in range(5)]
    receiver.take()

    for n in range(30):
        for sender in senders:
            sender.post({"type": "private", "to": [receiver.id], "payload": n})
    world.run()

    messages = receiver.take()
    assert len(messages) == 150
    for sender in senders:
        assert [m["payload"] for m in messages if m["from"] == sender.id] == list(range(30))


def test_a_publisher_that_is_held_by_a_channel_that_is_deleted_goes_on() -> None:
    world = World(settings(limits__channel_mailbox=2))
    publishers = [world.connect() for _ in range(3)]
    deleter = world.connect()
    for publisher in publishers:
        publisher.event("r", "c", "route")

    flood(publishers, 30)
    deleter.post_command("delete_channel", "d", room="r", channel="c", force=True)
    world.run()

    assert deleter.answers() == [("d", "ok")]
    for publisher in publishers:
        assert publisher.acked("r", "c", "still")["seq"] > 0


def test_a_held_client_that_is_lost_leaves_nothing_behind() -> None:
    world = World(settings(limits__channel_mailbox=2))
    publisher, reader = world.connect(), world.member("r", "c")
    publisher.event("r", "c", "route")
    flood([publisher], 30)

    publisher.lose()

    assert reader.command("status")["connections"] == 1
    assert reader.acked("r", "c", "mine")["seq"] == len(reader.payloads())


def test_one_more_address_than_a_session_remembers_is_looked_up_anew() -> None:
    world = World()
    client = world.connect()

    for n in range(300):
        client.event(f"r{n}", "c", n)
    client.event("r0", "c", "again")

    page = client.command("history", room="r0", channel="c", order="asc")
    assert [message["payload"] for message in page["messages"]] == [0, "again"]
