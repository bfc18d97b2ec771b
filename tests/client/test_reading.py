"""From a frame to a message."""

import pytest
from msgspec import Raw

from arqonbus.client.codec import BroadcastIn, EventIn, PrivateIn, TelemetryIn
from arqonbus.client.message import Gap, Position
from arqonbus.client.reading import message_of

EVENT = EventIn(
    room="science",
    channel="explore",
    seq=4,
    id="e4",
    sender="c-9",
    timestamp="t",
    payload=Raw(b"1"),
    metadata=Raw(b'{"a":1}'),
    reply_to="q",
    traceparent="tp",
    tracestate="ts",
)


def test_an_event_is_a_message_with_a_place() -> None:
    gap = Gap(1, 3, 3, "evicted")
    message = message_of(EVENT, 1, epoch="e1", replay=True, gap=gap)

    assert (message.kind, message.data, message.address) == ("event", 1, "science:explore")
    assert (message.id, message.sender, message.timestamp, message.seq) == ("e4", "c-9", "t", 4)
    assert (message.metadata, message.reply_to, message.gap, message.replay) == ({"a": 1}, "q", gap, True)
    assert (message.traceparent, message.tracestate, bytes(message.raw)) == ("tp", "ts", b"1")
    assert message.position == Position("e1", 4)


def test_others_have_none() -> None:
    private = message_of(PrivateIn(id="p"), 1)
    broadcast = message_of(BroadcastIn(id="b", room="science"), 1)

    assert (private.kind, private.address, private.position) == ("private", "", None)
    assert (broadcast.kind, broadcast.address, broadcast.position) == ("broadcast", "science", None)


@pytest.mark.rules("R34")
def test_what_the_server_tells_of_itself_has_a_place_and_a_name() -> None:
    frame = TelemetryIn(room="_telemetry", channel="activity", seq=7, event="client_connected", timestamp="t")
    message = message_of(frame, {"client": "c-1"}, epoch="e1")

    assert (message.kind, message.event, message.seq) == ("telemetry", "client_connected", 7)
    assert (message.address, message.sender, message.id) == ("_telemetry:activity", "", "")
    assert message.position == Position("e1", 7)


@pytest.mark.rules("R51")
@pytest.mark.parametrize("text", [b"null", b"[]", b"7"])
def test_headers_that_are_no_object_are_none(text: bytes) -> None:
    assert message_of(PrivateIn(metadata=Raw(text)), 1).metadata == {}
