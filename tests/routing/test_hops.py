"""What actors do for traced messages. Through the actors themselves: tests/flow/test_traces.py."""

from __future__ import annotations

import msgspec
import pytest

from arqonbus.protocol.envelope import Broadcast, Event, Private
from arqonbus.routing.fanout import deliver_texts
from arqonbus.routing.hops import Message, TracedDeliver, about_of, fly, loaded, n_gone
from arqonbus.routing.mail import Deliver
from tests.telemetry.stage import Stage
from tests.telemetry.test_spans import begun


@pytest.mark.parametrize(
    ("message", "destination", "template"),
    [
        (Event(room="r", channel="c", id="m"), "r:c", "{room}:{channel}"),
        (Broadcast(room="r", id="m"), "r", "{room}"),
        (Private(to=["c-1", "c-2"], id="m"), "c-1,c-2", "{client}"),
    ],
)
def test_each_type_of_message_has_its_destination(message: Message, destination: str, template: str) -> None:
    about = about_of(message, "c-0")

    assert (about.destination, about.message.template) == (destination, template)
    assert (about.client, about.id) == ("c-0", "m")


def test_a_message_that_is_not_traced_does_not_fly() -> None:
    stage, message = Stage(), Event(room="r", channel="c")

    assert fly(stage.tracer, ("room", "r"), None, message, "c-1") is None
    assert fly(None, ("room", "r"), begun(stage), message, "c-1") is None


def test_a_flight_that_fails_has_the_publish_span_alone() -> None:
    stage = Stage()
    flight = fly(stage.tracer, ("room", "r"), begun(stage), Broadcast(room="r"), "c-1")
    assert flight is not None

    flight.fail("too_large")

    assert [(span.row.name, span.error) for span in stage.spans] == [("publish {room}", "too_large")]


def test_what_is_loaded_is_told_as_it_was() -> None:
    stage = Stage()
    flight = fly(stage.tracer, ("room", "r"), begun(stage), Broadcast(room="r"), "c-1")
    assert flight is not None
    plain = deliver_texts([b"1", b"2"], None, 7)

    traced = loaded(plain, flight.take_off())

    assert isinstance(traced, TracedDeliver) and type(plain) is Deliver
    assert [getattr(traced, name) for name in Deliver.__struct_fields__] == list(msgspec.structs.astuple(plain))
    assert loaded(plain, ()) is plain


def test_nobody_is_gone_where_nobody_is() -> None:
    assert n_gone(()) == 0
