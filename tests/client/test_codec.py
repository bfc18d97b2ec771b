"""Text to frames and back."""

import dataclasses
import datetime
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.client.codec import (
    BroadcastIn,
    EventIn,
    Outgoing,
    PrivateIn,
    ResponseIn,
    SystemIn,
    TelemetryIn,
    Unreadable,
    read,
    read_event,
    write,
    write_payload,
)
from arqonbus.client.errors import InvalidRequest
from arqonbus.protocol import codec as server
from arqonbus.protocol.envelope import BroadcastOut, EventOut, PrivateOut, Response, System, Telemetry
from arqonbus.protocol.payloads import Empty

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@dataclasses.dataclass
class Chat:
    user: str
    at: datetime.date


class Model:
    """Writes itself, as models of pydantic do."""

    def model_dump(self, *, mode: str) -> Any:
        return {"mode": mode}


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (EventOut("r", "c", "i", "c-1", "t", 1, msgspec.Raw(b'{"n":1}')), EventIn),
        (Telemetry("client_connected", "_telemetry", "activity", "t", 1, {"client": "c-1"}), TelemetryIn),
        (PrivateOut("i", "c-1", ("c-2",), "t", msgspec.Raw(b"1"), msgspec.Raw(b'{"h":1}')), PrivateIn),
        (BroadcastOut("r", "i", "c-1", "t", msgspec.Raw(b"1")), BroadcastIn),
        (Response("k", "ok", Empty()), ResponseIn),
        (System("heartbeat", Empty()), SystemIn),
    ],
)
def test_what_the_server_writes_is_read(sent: msgspec.Struct, kind: type) -> None:
    frame = read(server.encode(sent))

    assert isinstance(frame, kind)


def test_an_event_keeps_its_payload_as_it_came() -> None:
    frame = read(b'{"type":"event","room":"r","channel":"c","seq":7,"payload":12345678901234567890}')

    assert isinstance(frame, EventIn)
    assert (frame.seq, bytes(frame.payload)) == (7, b"12345678901234567890")


@pytest.mark.rules("R51")
@pytest.mark.parametrize("text", [b'{"type":"news","x":1}', b'{"x":1}'])
def test_a_type_that_is_not_known_is_passed_over(text: bytes) -> None:
    assert read(text) is None


@pytest.mark.rules("R51")
def test_fields_that_are_not_known_are_passed_over() -> None:
    frame = read(b'{"type":"event","room":"r","channel":"c","seq":1,"payload":1,"colour":"red","metadata":null}')

    assert isinstance(frame, EventIn)


@pytest.mark.rules("R51")
@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'"x"', b'{"type":"event","room":1}', b'{"type":"response"}', b"\xff"]
)
def test_what_cannot_be_read_is_unreadable(text: bytes) -> None:
    with pytest.raises(Unreadable):
        read(text)


def test_an_event_of_history_that_cannot_be_read_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read_event(msgspec.Raw(b'{"type":"event"}'))


@pytest.mark.rules("R20")
@given(JSON)
def test_the_server_reads_what_is_written(payload: Any) -> None:
    text = write(Outgoing("event", "id-1", room="science", channel="explore", payload=write_payload(payload), ack=True))

    event = server.decode(text)

    assert json.loads(bytes(event.payload)) == payload  # type: ignore[arg-type]
    assert event.id == "id-1" and event.ack


def test_what_is_absent_is_not_written() -> None:
    assert write(Outgoing("command", "k", command="ping")) == b'{"type":"command","id":"k","command":"ping"}'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (Chat("ana", datetime.date(2026, 1, 2)), b'{"user":"ana","at":"2026-01-02"}'),
        (Model(), b'{"mode":"json"}'),
        (msgspec.Raw(b'{"as":"it is"}'), b'{"as":"it is"}'),
        (None, b"null"),
    ],
)
def test_payloads_may_be_models(data: object, text: bytes) -> None:
    assert bytes(write_payload(data)) == text


@pytest.mark.parametrize("data", [object(), {"a": {1: object()}}, "\ud800", {1, object()}])
def test_what_is_no_json_is_an_error_of_the_call(data: object) -> None:
    with pytest.raises(InvalidRequest, match="cannot be written as JSON") as caught:
        write_payload(data)
    assert caught.value.code == "invalid_json"


def test_a_payload_that_holds_itself_is_an_error_of_the_call() -> None:
    data: list[Any] = []
    data.append(data)

    with pytest.raises(InvalidRequest):
        write_payload(data)
