"""Envelopes: what the server writes, builders, and trace context."""

import json
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from msgspec import UNSET, Raw

from arqonbus.errors import NotFound, RateLimited
from arqonbus.protocol.codec import decode, encode
from arqonbus.protocol.envelope import (
    BroadcastOut,
    ErrorBody,
    EventOut,
    Outbound,
    PrivateOut,
    Response,
    System,
    SystemEvent,
    Telemetry,
    accepted,
    error_body,
    refused,
    trace_parent,
    trace_state,
)
from arqonbus.protocol.payloads import SYSTEM_PAYLOADS, Draining, Empty, EventResult

AT = "2026-11-21T19:00:00.123Z"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

WRITTEN = {
    "event": (
        EventOut("science", "explore", "a1", "c-1", AT, 42, Raw(b'{"n":1}')),
        '{"type":"event","room":"science","channel":"explore","id":"a1","from":"c-1","timestamp":"2026-11-21T19:00:00.123Z",'
        '"seq":42,"payload":{"n":1}}',
    ),
    "event with everything": (
        EventOut("r", "c", "a1", "c-1", AT, 1, Raw(b"null"), Raw(b'{"k":[1.10]}'), "a0", PARENT, "v=1"),
        '{"type":"event","room":"r","channel":"c","id":"a1","from":"c-1","timestamp":"2026-11-21T19:00:00.123Z","seq":1,'
        '"payload":null,"metadata":{"k":[1.10]},"reply_to":"a0",'
        '"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"v=1"}',
    ),
    "private": (
        PrivateOut("a2", "c-1", ("c-7",), AT, Raw(b'"hi"'), reply_to="a0"),
        '{"type":"private","id":"a2","from":"c-1","to":["c-7"],"timestamp":"2026-11-21T19:00:00.123Z","payload":"hi","reply_to":"a0"}',
    ),
    "broadcast": (
        BroadcastOut("science", "a3", "c-1", AT, Raw(b"[]")),
        '{"type":"broadcast","room":"science","id":"a3","from":"c-1","timestamp":"2026-11-21T19:00:00.123Z","payload":[]}',
    ),
    "ok": (
        accepted("a1", EventResult(42, "e1", False, "memory")),
        '{"type":"response","request_id":"a1","status":"ok","result":{"seq":42,"epoch":"e1","duplicate":false,"stored":"memory"}}',
    ),
    "ok without content": (
        accepted("k1", Empty()),
        '{"type":"response","request_id":"k1","status":"ok","result":{}}',
    ),
    "error": (
        refused(NotFound("no channel science:explore", request_id="k1")),
        '{"type":"response","request_id":"k1","status":"error",'
        '"error":{"code":"not_found","message":"no channel science:explore","retryable":false}}',
    ),
    "error without request": (
        refused(RateLimited("too fast", details={"retry_after_ms": 250})),
        '{"type":"response","request_id":null,"status":"error",'
        '"error":{"code":"rate_limited","message":"too fast","retryable":true,"details":{"retry_after_ms":250}}}',
    ),
    "system": (
        System("heartbeat", Empty()),
        '{"type":"system","event":"heartbeat","payload":{}}',
    ),
    "system of a channel": (
        System("draining", Draining(10000, 5000), "science", "explore", AT),
        '{"type":"system","event":"draining","payload":{"deadline_ms":10000,"spread_ms":5000},'
        '"room":"science","channel":"explore","timestamp":"2026-11-21T19:00:00.123Z"}',
    ),
    "telemetry": (
        Telemetry("client_connected", "_telemetry", "activity", AT, 7, {"client": "c-1"}),
        '{"type":"telemetry","event":"client_connected","room":"_telemetry","channel":"activity",'
        '"timestamp":"2026-11-21T19:00:00.123Z","seq":7,"payload":{"client":"c-1"}}',
    ),
}


@pytest.mark.parametrize(("struct", "text"), WRITTEN.values(), ids=WRITTEN.keys())
def test_what_the_server_writes(struct: msgspec.Struct, text: str) -> None:
    assert encode(struct).decode() == text


def test_texts_of_clients_are_escaped() -> None:
    text = encode(EventOut("r", "c", 'a"\\\n\u2028', "c-1", AT, 1, Raw(b"1"))).decode()

    assert r'"id":"a\"\\\n' in text
    assert msgspec.json.decode(text)["id"] == 'a"\\\n\u2028'


def test_a_refusal_is_written_for_clients() -> None:
    assert error_body(NotFound("no room science")) == ErrorBody("not_found", "no room science", False, UNSET)


def test_an_error_response_has_no_result() -> None:
    assert refused(NotFound("no room science")) == Response(
        None, "error", error=ErrorBody("not_found", "no room science", False)
    )


def test_every_system_event_has_its_payload() -> None:
    assert set(get_args(SystemEvent)) == set(SYSTEM_PAYLOADS)
    assert len(SYSTEM_PAYLOADS) == 14


@pytest.mark.parametrize("text", [PARENT, PARENT[:-2] + "00", PARENT[:-2] + "ff"])
def test_a_good_traceparent_is_read(text: str) -> None:
    assert trace_parent(Raw(f'"{text}"'.encode())) == text


@pytest.mark.parametrize(
    "json",
    [
        '""',
        "null",
        "1",
        "[]",
        '{"a":1}',
        '"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"',
        '"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"',
        '"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"',
        '"00-00000000000000000000000000000000-b7ad6b7169203331-01"',
        '"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"',
        '"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\\n"',
        '"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"',
    ],
)
def test_a_bad_traceparent_is_no_error(json: str) -> None:
    assert trace_parent(Raw(json.encode())) is None


def test_a_tracestate_is_passed_on_unread_up_to_512_characters() -> None:
    assert trace_state(Raw(b'"a=1,b=2"')) == "a=1,b=2"
    assert trace_state(Raw(b'"' + b"x" * 512 + b'"')) == "x" * 512
    assert trace_state(Raw(b'"' + b"x" * 513 + b'"')) is None
    assert trace_state(Raw(b'""')) is None
    assert trace_state(Raw(b"7")) is None
    assert trace_state(UNSET) is None


def test_trace_fields_of_any_json_are_accepted_in_an_envelope() -> None:
    event = decode(b'{"type":"event","room":"r:c","traceparent":{"a":[1]},"tracestate":7}')

    assert trace_parent(event.traceparent) is None
    assert trace_state(event.tracestate) is None


DOCUMENT = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text("utf-8")
EXAMPLES = [line for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.S) for line in block.splitlines()]


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_of_the_document_is_read(text: str) -> None:
    kind = json.loads(text)["type"]
    of_the_server = kind in ("response", "system", "telemetry") or (kind != "command" and "from" in text)

    if not of_the_server:
        assert decode(text.encode())
    else:
        assert msgspec.json.decode(text, type=Outbound)
