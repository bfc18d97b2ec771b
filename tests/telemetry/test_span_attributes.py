"""What spans tell alike."""

from arqonbus.telemetry.span_attributes import About, actor_attributes, put, relay_attributes, sent_attributes
from arqonbus.telemetry.span_table import EVENT


def test_a_message_without_an_id_has_no_attribute_for_it() -> None:
    assert "messaging.message.id" not in sent_attributes(About(EVENT, "r:c", "c-1", None), "publish", "c-1")
    assert sent_attributes(About(EVENT, "r:c", "c-1", "m"), "publish", "c-2") == {
        "messaging.system": "arqonbus",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.client.id": "c-2",
        "messaging.message.id": "m",
    }


def test_waiting_is_told_in_microseconds_and_never_negative() -> None:
    assert actor_attributes(("room", "r"), 1_999, 0)["arqonbus.mailbox.wait_us"] == 1
    assert actor_attributes(("room", "r"), -1, 0)["arqonbus.mailbox.wait_us"] == 0


def test_to_redis_the_bus_is_a_client_of_redis() -> None:
    assert relay_attributes("send", "r:c", None)["messaging.system"] == "redis"


def test_what_is_not_known_is_left_out() -> None:
    attributes: dict[str, str | int | bool] = {}

    put(attributes, "a", None)
    put(attributes, "b", "")

    assert attributes == {"b": ""}
