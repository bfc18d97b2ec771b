"""Private messages: to clients by id, wherever they are."""

from tests.flow.world import World, settings


def test_a_private_message_reaches_its_receiver_alone() -> None:
    world = World()
    sender, receiver, other = world.connect(), world.connect(), world.connect()
    for client in (receiver, other):
        client.take()

    sender.send({"type": "private", "to": [receiver.id], "payload": "hi", "id": "p1", "reply_to": "p0", "metadata": {}})

    assert receiver.take() == [
        {
            "type": "private",
            "id": "p1",
            "from": sender.id,
            "to": [receiver.id],
            "timestamp": "2026-11-21T19:00:00.000Z",
            "payload": "hi",
            "metadata": {},
            "reply_to": "p0",
        }
    ]
    assert other.take() == []


def test_each_receiver_sees_itself_alone_in_to_and_nobody_gets_it_twice() -> None:
    world = World()
    sender, first, second = world.connect(), world.connect(), world.connect()
    for client in (first, second):
        client.take()

    sender.send({"type": "private", "to": [first.id, second.id, first.id], "payload": 1, "id": "p", "ack": True})

    assert [message["to"] for message in first.take()] == [[first.id]]
    assert [message["to"] for message in second.take()] == [[second.id]]
    assert sender.take()[-1]["result"] == {"delivered": 2, "absent": []}


def test_an_ack_names_those_who_are_not_there() -> None:
    world = World()
    sender, gone = world.connect(), world.connect()
    gone.lose()

    sender.send({"type": "private", "to": [gone.id, "c-nobody", sender.id], "payload": 1, "id": "p", "ack": True})

    delivered, answer = sender.take()[-2:]
    assert delivered["type"] == "private"
    assert answer["result"] == {"delivered": 1, "absent": [gone.id, "c-nobody"]}


def test_without_ack_and_without_a_name_nobody_is_told_of_the_absent() -> None:
    sender = World().connect()
    sender.take()

    sender.send({"type": "private", "to": ["c-nobody"], "payload": 1})

    assert sender.take() == []


def test_without_ack_who_reaches_nobody_is_told_and_who_reaches_somebody_is_not() -> None:
    world = World()
    sender, other = world.connect(), world.connect()
    sender.take()

    sender.send({"type": "private", "to": ["c-nobody", "c-none"], "payload": 1, "id": "p1"})
    sender.send({"type": "private", "to": ["c-nobody", other.id], "payload": 1, "id": "p2"})

    (answer,) = sender.take()
    assert (answer["request_id"], answer["status"], answer["error"]["code"]) == ("p1", "error", "not_found")
    assert answer["error"]["details"] == {"absent": ["c-nobody", "c-none"]}


def test_private_messages_without_ids_get_different_ones() -> None:
    world = World()
    sender, receiver = world.connect(), world.connect()
    receiver.take()

    for _ in range(2):
        sender.send({"type": "private", "to": [receiver.id], "payload": 1})

    first, second = receiver.take()
    assert first["id"] != second["id"]


def test_private_messages_of_one_sender_keep_their_order() -> None:
    world = World()
    sender, receiver = world.connect(), world.connect()
    receiver.take()

    for n in range(100):
        sender.post({"type": "private", "to": [receiver.id], "payload": n})
    world.run()

    assert [message["payload"] for message in receiver.take()] == list(range(100))


def test_they_count_as_messages() -> None:
    world = World()
    sender, receiver = world.connect(), world.connect()

    sender.send({"type": "private", "to": [receiver.id, "c-nobody"], "payload": 1})

    status = sender.command("status")
    assert (status["messages_in"], status["messages_out"]) == (1, 1)


def test_copies_that_together_are_too_large_are_refused() -> None:
    world = World(settings(limits__mailbox_bytes=1_000, limits__message_bytes=900))
    sender, receivers = world.connect(), [world.connect() for _ in range(3)]
    private = {"type": "private", "to": [one.id for one in receivers], "id": "p"}

    sender.send({**private, "payload": "x" * 400})

    assert sender._answer_to("p")["code"] == "too_large"
    assert [m for one in receivers for m in one.received() if m["type"] == "private"] == []
