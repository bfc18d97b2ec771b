"""Who is let in, how it is told, and what happens to those who are not."""

from typing import Any

from arqonbus.errors import Unauthenticated
from arqonbus.routing.mail import AuthTimeout, DrainAll, Invalid, Lost
from tests.flow.world import Client, World, settings

KEYS: dict[str, Any] = {"auth__keys": {"ada": "key-of-ada"}}


def connect(client: Client, **args: Any) -> dict[str, Any]:
    return client.command("connect", **args)


def test_an_anonymous_client_is_welcomed_first() -> None:
    client = World(settings(server__name="node-7")).connect()

    assert client.received() == [
        {
            "type": "system",
            "event": "welcome",
            "payload": {
                "client": client.id,
                "server": "node-7",
                "version": "1.0",
                "heartbeat_s": 20.0,
                "limits": {"max_message_bytes": 1048576},
                "user": None,
                "ticket": client.ticket,
            },
        }
    ]


def test_a_key_in_the_handshake_lets_its_user_in() -> None:
    client = World(settings(**KEYS)).connect(token="key-of-ada")

    assert client.received()[0]["payload"]["user"] == "ada"


def test_a_wrong_key_in_the_handshake_is_told_then_closed_with_4501() -> None:
    client = World(settings(**KEYS)).connect(token="wrong")

    (told,) = client.received()
    assert (told["event"], told["payload"]["code"], told["payload"]["retryable"]) == (
        "refused",
        "unauthenticated",
        False,
    )
    assert client.close_code == 4501
    assert not client.session.alive


def test_a_wrong_key_is_refused_even_where_anonymous_clients_are_welcome() -> None:
    client = World(settings(auth__keys={"ada": "key-of-ada"}, auth__anonymous=True)).connect(token="wrong")

    assert client.close_code == 4501


def test_without_credentials_nothing_is_told_before_connect() -> None:
    assert World(settings(**KEYS)).connect().received() == []


def test_connect_with_a_key_answers_the_welcome_and_lets_in() -> None:
    world = World(settings(server__name="node-7", **KEYS))
    client = world.connect()

    result = connect(client, token="key-of-ada", profile={"screen_name": "Ada"})

    assert result == {
        "client": client.id,
        "server": "node-7",
        "version": "1.0",
        "heartbeat_s": 20.0,
        "limits": {"max_message_bytes": 1048576},
        "user": "ada",
        "ticket": client.ticket,
        "resumed": [],
    }
    assert client.command("whoami")["profile"] == {"screen_name": "Ada"}
    assert world.bus.directory.n_clients == 1


def test_a_client_that_waits_for_connect_is_not_known_to_others() -> None:
    world = World(settings(**KEYS))
    waiting, other = world.connect(), world.connect(token="key-of-ada")

    other.send({"type": "private", "to": [waiting.id], "payload": 1, "id": "p", "ack": True})

    assert other.take()[-1]["result"] == {"delivered": 0, "absent": [waiting.id]}


def test_connect_with_a_wrong_key_is_answered_refused_and_closed() -> None:
    client = World(settings(**KEYS)).connect()

    error = connect(client, token="wrong")

    assert (error["code"], error["retryable"]) == ("unauthenticated", False)
    assert [message["type"] for message in client.received()] == ["response", "system"]
    assert client.close_code == 4501


def test_connect_without_a_key_is_refused_where_one_is_needed() -> None:
    client = World(settings(**KEYS)).connect()

    assert connect(client)["code"] == "unauthenticated"
    assert client.close_code == 4501


def test_anything_but_connect_first_is_refused_where_a_key_is_needed() -> None:
    client = World(settings(**KEYS)).connect()

    client.event("science", "explore", 1, id="e")

    assert client.answers() == [("e", "unauthenticated")]
    assert client.close_code == 4501


def test_another_command_first_is_refused_where_a_key_is_needed() -> None:
    client = World(settings(**KEYS)).connect()

    assert client.command("ping")["code"] == "unauthenticated"
    assert client.socket.closed is not None


def test_an_invalid_first_message_is_refused_where_a_key_is_needed() -> None:
    client = World(settings(**KEYS)).connect()

    client.send(b"{")

    assert client.answers() == [(None, "invalid_json")]
    assert client.close_code == 4501


def test_what_comes_after_a_refusal_is_not_handled() -> None:
    client = World(settings(**KEYS)).connect()

    client.post_event("science", "explore", 1, id="e1")
    client.post_command("connect", "k", token="key-of-ada")
    client.world.run()

    assert client.answers() == [("e1", "unauthenticated")]


def test_a_client_that_shows_no_key_in_time_is_closed() -> None:
    world = World(settings(auth__timeout_s=5.0, **KEYS))
    client = world.connect()

    world.advance(4.9)
    assert client.socket.closed is None
    world.advance(0.2)

    assert client.told() == ["refused"]
    assert client.close_code == 4501


def test_the_timeout_is_without_effect_on_a_client_that_is_in() -> None:
    world = World(settings(**KEYS))
    client = world.connect()
    connect(client, token="key-of-ada")

    world.advance(6)
    client.session.signal(AuthTimeout())
    world.run()

    assert client.socket.closed is None


def test_connect_is_answered_by_a_client_that_is_welcome_already() -> None:
    client = World().connect(client_type="web", screen_name="A" * 200)

    assert connect(client, profile={"avatar": "https://example.com/a"})["resumed"] == []
    assert client.command("whoami")["profile"] == {
        "client_type": "web",
        "screen_name": "A" * 128,
        "avatar": "https://example.com/a",
    }


def test_connect_as_a_later_message_is_a_conflict() -> None:
    client = World().connect()
    client.command("ping")

    assert connect(client)["code"] == "conflict"


def test_connect_after_an_invalid_message_is_a_conflict() -> None:
    client = World().connect()
    client.send(b"{")

    assert connect(client)["code"] == "conflict"


def test_a_wrong_will_is_refused_in_words_and_null_is_none() -> None:
    client = World().connect()

    error = connect(client, will={"room": "r", "chanel": "c"})

    assert (error["code"], error["message"]) == (
        "invalid_args",
        "object contains unknown field `chanel` - at `$.args.will`",
    )
    assert client.socket.closed is None
    assert "resumed" in connect(World().connect(), will=None)


def test_wrong_args_of_connect_close_a_client_that_needs_a_key() -> None:
    client = World(settings(**KEYS)).connect()

    assert connect(client, tokn="key-of-ada")["code"] == "invalid_args"
    assert client.close_code == 4501


def test_an_invalid_message_is_answered_with_its_id_and_the_connection_stays() -> None:
    client = World().connect()

    client.send({"type": "event", "id": "x", "romm": "science", "payload": 1})

    (answer,) = client.take()[1:]
    assert (answer["request_id"], answer["error"]["code"]) == ("x", "invalid_envelope")
    assert "romm" in answer["error"]["message"]
    assert client.socket.closed is None


def test_more_invalid_messages_than_allowed_in_a_minute_close_with_4500() -> None:
    client = World(settings(limits__invalid_envelopes=3)).connect()

    for _ in range(3):
        client.send(b"[]")
    assert client.socket.closed is None
    client.send(b"[]")

    assert [code for _, code in client.answers()] == ["invalid_envelope"] * 4
    assert client.close_code == 4500


def test_the_count_of_invalid_messages_begins_again_after_a_minute() -> None:
    world = World(settings(limits__invalid_envelopes=3))
    client = world.connect()

    for _ in range(4):
        for _ in range(3):
            client.send(b"[]")
        world.advance(60)

    assert client.socket.closed is None
    assert world.bus.counters.invalid == 12


def test_refused_commands_do_not_count_as_invalid_messages() -> None:
    client = World(settings(limits__invalid_envelopes=1)).connect()

    for _ in range(5):
        client.command("no_such_command")

    assert client.socket.closed is None


def test_new_keys_hold_for_those_who_come_after_them() -> None:
    world = World(settings(**KEYS))
    early = world.connect(token="key-of-ada")

    world.bus.keys = type(world.bus.keys)({"bob": "key-of-bob"})

    assert early.socket.closed is None
    assert world.connect(token="key-of-ada").socket.closed is not None
    assert world.connect(token="key-of-bob").received()[0]["payload"]["user"] == "bob"


def test_a_compressed_connection_is_given_the_texts_of_its_frames() -> None:
    client = World().connect(compressed=True)
    client.event("r", "c", 1, id="e", ack=True)

    assert [len(texts) for texts in client.socket.given] == [1, 1]
    assert client.socket.given[0] == (client.socket.texts[0],)


def test_a_plain_connection_is_given_ready_frames() -> None:
    client = World().connect()
    client.post_event("r", "c", 1, id="e", ack=True)
    client.post_event("r", "d", 1, id="f", ack=True)
    client.world.run()

    assert len(client.socket.texts) == 3


def test_a_refusal_that_is_no_envelope_counts_as_an_error() -> None:
    world = World()
    client = world.connect()

    client.session.tell(Invalid(Unauthenticated("any", request_id="q")))
    world.run()

    assert client.answers() == [("q", "unauthenticated")]
    assert client.command("status")["errors"] == 1


def test_what_a_client_sent_before_its_end_is_handled() -> None:
    world = World()
    watcher, goes = world.member("r", "c"), world.connect()
    for n in range(30):
        goes.post_event("r", "c", n)
    goes.session.signal(Lost(1000, ""))
    world.run()

    assert watcher.payloads() == list(range(30))
    assert not goes.session.alive


def test_a_client_that_is_let_in_during_the_drain_is_told_of_it() -> None:
    world = World(settings(**KEYS))
    client = world.connect()
    world.bus.registry.signal(DrainAll(10_000, 5_000))
    world.run()

    connect(client, token="key-of-ada")

    assert client.told() == ["draining"]
