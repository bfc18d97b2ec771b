"""Codec: every way in which a message is read or refused, and the laws that hold for any bytes."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET, Raw

from arqonbus import errors
from arqonbus.errors import InvalidArgs, Refusal
from arqonbus.protocol.codec import MIN_NESTING, NotUtf8, decode, decode_args, encode
from arqonbus.protocol.envelope import Broadcast, Command, Event, EventOut, Private
from arqonbus.protocol.payloads import HistoryArgs, JoinChannelArgs, NoArgs, Position, Profile

NAMES = "1 to 64 of A-Z a-z 0-9 . _ - with a letter, digit or _ first"
TYPES = "expected one of event, private, broadcast, command"

# --- what is read ---


def test_an_event_is_read() -> None:
    event = decode(b'{"type":"event","room":"science","channel":"explore","payload":{"n":1},"id":"a1","ack":true}')

    assert isinstance(event, Event)
    assert (event.room, event.channel, event.id, event.ack) == ("science", "explore", "a1", True)
    assert bytes(event.payload) == b'{"n":1}'
    assert event.metadata is UNSET


def test_a_private_message_is_read() -> None:
    private = decode(b'{"type":"private","to":["c-7Q2"],"payload":"hi","id":"a2","reply_to":"a0"}')

    assert isinstance(private, Private)
    assert (private.to, private.id, private.reply_to, bytes(private.payload)) == (["c-7Q2"], "a2", "a0", b'"hi"')


def test_a_broadcast_is_read() -> None:
    broadcast = decode(b'{"type":"broadcast","room":"science","payload":{"say":"all"}}')

    assert isinstance(broadcast, Broadcast)
    assert (broadcast.room, bytes(broadcast.payload)) == ("science", b'{"say":"all"}')


def test_a_command_is_read() -> None:
    command = decode(b'{"type":"command","id":"k1","command":"join_channel","args":{"room":"science"}}')

    assert isinstance(command, Command)
    assert (command.id, command.command, bytes(command.args)) == ("k1", "join_channel", b'{"room":"science"}')


def test_room_and_channel_may_stand_in_one_field() -> None:
    event = decode(b'{"type":"event","room":"science:explore","channel":null,"payload":1,"id":"a1"}')

    assert isinstance(event, Event)
    assert (event.room, event.channel, event.id, bytes(event.payload)) == ("science", "explore", "a1", b"1")


def test_a_recipient_named_twice_counts_once_in_the_order_of_the_sender() -> None:
    private = decode(b'{"type":"private","to":["b","a","b","c","a"]}')

    assert isinstance(private, Private)
    assert private.to == ["b", "a", "c"]


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"event","room":"r","channel":"c"}',
        '{"type":"event","room":"r","channel":"c","payload":null}',
        '{"type":"event","room":"r","channel":"c","payload":null,"id":null,"version":null,"metadata":null,"reply_to":null,'
        '"ack":null,"traceparent":null,"tracestate":null,"from":null,"timestamp":null,"seq":null,"to":null,"command":null,"args":null}',
    ],
)
def test_null_and_absent_are_the_same(text: str) -> None:
    event = decode(text.encode())

    assert isinstance(event, Event)
    assert bytes(event.payload) == b"null"
    assert (event.id, event.version, event.reply_to, event.ack, event.metadata) == (None, None, None, None, UNSET)


@pytest.mark.parametrize("kind", ["private", "broadcast", "command"])
def test_null_and_absent_are_the_same_in_every_type(kind: str) -> None:
    own: dict[str, Any] = {"private": {"to": ["c"]}, "broadcast": {"room": "r"}, "command": {"command": "ping"}}[kind]
    fields = ("id", "version", "metadata", "reply_to", "ack", "room", "channel", "to", "payload", "command", "args")
    everything = {"type": kind} | dict.fromkeys(fields) | own

    assert type(decode(json.dumps(everything).encode())) is type(decode(json.dumps({"type": kind} | own).encode()))


def test_fields_that_the_server_sets_are_ignored_whatever_they_hold() -> None:
    event = decode(b'{"type":"event","room":"r","channel":"c","from":["me"],"timestamp":1e400,"seq":"x"}')

    assert isinstance(event, Event)


def test_metadata_is_kept_as_it_came() -> None:
    event = decode(b'{"type":"event","room":"r","channel":"c","metadata": {"a" : 1.10} }')

    assert isinstance(event.metadata, Raw)
    assert bytes(event.metadata) == b'{"a" : 1.10}'


@pytest.mark.parametrize("version", ["1", "1.0", "1.7", "1.12"])
def test_any_minor_version_is_served(version: str) -> None:
    assert decode(f'{{"type":"event","room":"r:c","version":"{version}"}}'.encode()).version == version


def test_the_fields_of_a_server_name_are_read_for_publishers_to_be_refused_later() -> None:
    event = decode(b'{"type":"event","room":"_telemetry","channel":"activity"}')

    assert isinstance(event, Event)
    assert event.room == "_telemetry"


@pytest.mark.parametrize(
    "payload",
    [
        "12345678901234567890",
        "1.10",
        "1e400",
        r'"\u00e9"',
        '"é"',
        '{"a" : [ 1 , 2 ]}',
        '{"a":1,"a":2}',
        r'"\ud83d\ude00"',
    ],
)
def test_payload_bytes_survive(payload: str) -> None:
    event = decode(f'{{"type":"event","room":"r:c","payload":{payload}}}'.encode())
    assert isinstance(event, Event)
    text = encode(EventOut("r", "c", "a", "c-1", "t", 1, event.payload))

    assert text.endswith(f'"payload":{payload}}}'.encode())


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
def test_500_levels_of_nesting_are_read(pair: tuple[str, str]) -> None:
    payload = pair[0] * (MIN_NESTING - 1) + "[]" + pair[1] * (MIN_NESTING - 1)

    assert MIN_NESTING == 500
    assert isinstance(decode(f'{{"type":"event","room":"r:c","payload":{payload}}}'.encode()), Event)


# --- what is refused ---

EVENT = '{"type":"event","room":"r","channel":"c",'

REFUSED = [
    # not JSON
    ("", "invalid_json", "JSON is malformed: input data was truncated", None),
    ("nonsense", "invalid_json", "JSON is malformed: invalid character (byte 4)", None),
    ("{}x", "invalid_json", "JSON is malformed: trailing characters (byte 3)", None),
    ('{"rom":1', "invalid_json", "JSON is malformed: input data was truncated", None),
    ("[1", "invalid_json", "JSON is malformed: input data was truncated", None),
    (EVENT + '"payload":NaN}', "invalid_json", "JSON is malformed: invalid character (byte 51)", None),
    (EVENT + '"payload":01}', "invalid_json", "JSON is malformed: invalid number (byte 52)", None),
    (EVENT + '"payload":[1,]}', "invalid_json", "JSON is malformed: trailing comma in array (byte 54)", None),
    ("\ufeff{}", "invalid_json", "JSON is malformed: invalid character (byte 0)", None),
    # no envelope
    ("[]", "invalid_envelope", "expected `object`, got `array` - at `$`", None),
    ("1", "invalid_envelope", "expected `object`, got `int` - at `$`", None),
    # type
    ("{}", "unknown_type", f"{TYPES}, got none - at `$.type`", None),
    ('{"id":"a1"}', "unknown_type", f"{TYPES}, got none - at `$.type`", "a1"),
    ('{"type":null}', "unknown_type", f"{TYPES}, got no text - at `$.type`", None),
    ('{"type":1,"id":"a1"}', "unknown_type", f"{TYPES}, got no text - at `$.type`", "a1"),
    ('{"id":"a1","type":"evnt","rom":1}', "unknown_type", f"{TYPES}, got 'evnt' - at `$.type`", "a1"),
    ('{"type":"response"}', "unknown_type", f"{TYPES}, got 'response' - at `$.type`", None),
    ('{"type":"' + "x" * 99 + '"}', "unknown_type", f"{TYPES}, got '{'x' * 64}...' - at `$.type`", None),
    # version
    (EVENT + '"version":"2.0","id":"a"}', "unsupported_version", "expected 1.x, got '2.0' - at `$.version`", "a"),
    ('{"version":"2.0","type":"new"}', "unsupported_version", "expected 1.x, got '2.0' - at `$.version`", None),
    (EVENT + '"version":"","id":"a"}', "unsupported_version", "expected 1.x, got '' - at `$.version`", "a"),
    (EVENT + '"version":"1.0\\n"}', "unsupported_version", "expected 1.x, got '1.0\\n' - at `$.version`", None),
    (EVENT + '"version":1,"id":"a"}', "invalid_envelope", "expected `str | null`, got `int` - at `$.version`", "a"),
    # fields
    (EVENT + '"paylod":1,"id":"a"}', "invalid_envelope", "object contains unknown field `paylod` - at `$`", "a"),
    (EVENT + '"ack":1,"id":"a"}', "invalid_envelope", "expected `bool | null`, got `int` - at `$.ack`", "a"),
    (EVENT + '"id":7}', "invalid_envelope", "expected `str | null`, got `int` - at `$.id`", None),
    (EVENT + '"id":""}', "invalid_envelope", "expected `str` of length >= 1 - at `$.id`", None),
    (EVENT + '"id":"' + "x" * 65 + '"}', "invalid_envelope", "expected `str` of length <= 64 - at `$.id`", None),
    (EVENT + '"reply_to":"","id":"a"}', "invalid_envelope", "expected `str` of length >= 1 - at `$.reply_to`", "a"),
    (EVENT + '"metadata":[1],"id":"a"}', "invalid_envelope", "expected `object | null` - at `$.metadata`", "a"),
    (EVENT + '"metadata":"x"}', "invalid_envelope", "expected `object | null` - at `$.metadata`", None),
    # addresses
    ('{"type":"event","id":"a"}', "invalid_envelope", "object missing required field `room` - at `$`", "a"),
    ('{"type":"event","room":null}', "invalid_envelope", "expected `str`, got `null` - at `$.room`", None),
    ('{"type":"event","room":"r","id":"a"}', "invalid_envelope", "expected a channel, got none - at `$.channel`", "a"),
    (
        '{"type":"event","room":"a b","channel":"c","id":"a"}',
        "invalid_envelope",
        f"expected {NAMES}, got 'a b' - at `$.room`",
        "a",
    ),
    (
        '{"type":"event","room":"r","channel":"*","id":"a"}',
        "invalid_envelope",
        "expected one channel, got '*'; a broadcast reaches all of a room - at `$.channel`",
        "a",
    ),
    (
        '{"type":"event","room":"r:*"}',
        "invalid_envelope",
        "expected one channel, got '*'; a broadcast reaches all of a room - at `$.channel`",
        None,
    ),
    (
        '{"type":"broadcast","room":"r\\n","id":"a"}',
        "invalid_envelope",
        f"expected {NAMES}, got 'r\\n' - at `$.room`",
        "a",
    ),
    (
        '{"type":"broadcast","room":"r:c","id":"a"}',
        "invalid_envelope",
        "expected a room alone, got a room and a channel - at `$.room`",
        "a",
    ),
    ('{"type":"private","id":"a"}', "invalid_envelope", "object missing required field `to` - at `$`", "a"),
    ('{"type":"private","to":[]}', "invalid_envelope", "expected `array` of length >= 1 - at `$.to`", None),
    ('{"type":"private","to":["a",""]}', "invalid_envelope", "expected `str` of length >= 1 - at `$.to[1]`", None),
    ('{"type":"private","to":"c-1"}', "invalid_envelope", "expected `array`, got `str` - at `$.to`", None),
    (
        '{"type":"private","to":' + json.dumps([f"c-{n}" for n in range(101)]) + "}",
        "invalid_envelope",
        "expected `array` of length <= 100 - at `$.to`",
        None,
    ),
    # commands
    ('{"type":"command","id":"k"}', "invalid_envelope", "object missing required field `command` - at `$`", "k"),
    ('{"type":"command","command":1,"id":"k"}', "invalid_envelope", "expected `str`, got `int` - at `$.command`", "k"),
]


@pytest.mark.parametrize(("text", "code", "message", "request_id"), REFUSED)
def test_a_wrong_message_is_refused(text: str, code: str, message: str, request_id: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        decode(text.encode())

    assert (caught.value.code, caught.value.message, caught.value.request_id) == (code, message, request_id)


MEANINGLESS = [
    ("event", {"room": "r", "channel": "c"}, ("to", "command", "args")),
    ("private", {"to": ["c"]}, ("room", "channel", "command", "args")),
    ("broadcast", {"room": "r"}, ("channel", "to", "command", "args")),
    ("command", {"command": "ping"}, ("room", "channel", "to", "payload")),
]


@pytest.mark.parametrize(
    ("kind", "own", "field"), [(kind, own, field) for kind, own, fields in MEANINGLESS for field in fields]
)
def test_a_field_without_meaning_for_the_type_is_refused_by_name(kind: str, own: dict[str, Any], field: str) -> None:
    with pytest.raises(errors.InvalidEnvelope) as caught:
        decode(json.dumps({"type": kind, "id": "a"} | own | {field: "x"}).encode())

    assert caught.value.message == f"expected nothing: the field has no meaning here - at `$.{field}`"
    assert caught.value.request_id == "a"


@pytest.mark.parametrize("text", [r'"\ud800"', r'"\ud800 text that follows"', r'"\udc00"', r'"\ud800\ud800"'])
@pytest.mark.parametrize("field", ["payload", "id"])
def test_lone_surrogates_are_no_json(text: str, field: str) -> None:
    with pytest.raises(errors.InvalidJson):
        decode(f'{{"type":"event","room":"r:c","{field}":{text}}}'.encode())


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",
        b'{"type":"event","room":"r:c","payload":"\xff"}',
        b'{"type":"event","room":"r:c","payload":"\xed\xa0\x80"}',
    ],
)
def test_bytes_that_are_no_utf8_are_told_apart(text: bytes) -> None:
    with pytest.raises(NotUtf8):
        decode(text)


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}"), ("[", "")])
@pytest.mark.parametrize("before", ["", '{"type":"event","room":"r:c","payload":', '{"x":'])
def test_text_nested_too_deeply_is_refused(pair: tuple[str, str], before: str) -> None:
    text = before + pair[0] * 100_000 + "1" + pair[1] * 100_000 + ("}" if before else "")

    with pytest.raises(errors.InvalidJson, match=r"^JSON is nested too deeply$"):
        decode(text.encode())


def test_a_long_field_name_does_not_make_a_long_answer() -> None:
    with pytest.raises(errors.InvalidEnvelope) as caught:
        decode(b'{"type":"event","room":"r:c","' + b"x" * 100_000 + b'":1}')

    assert len(caught.value.message) < 400


def test_a_message_with_the_type_given_twice_is_refused() -> None:
    with pytest.raises(errors.InvalidEnvelope, match="invalid value 'private'"):
        decode(b'{"type":"event","room":"r:c","type":"private"}')


# --- args ---


@pytest.mark.parametrize("raw", [b"null", b"{}"])
def test_absent_args_are_an_empty_object(raw: bytes) -> None:
    assert decode_args(Raw(raw), NoArgs) == NoArgs()


def test_args_are_read_for_their_command() -> None:
    args = decode_args(Raw(b'{"room":"science","channel":"explore","since":{"epoch":"e1","seq":41}}'), JoinChannelArgs)

    assert args == JoinChannelArgs("science", "explore", Position("e1", 41))


@pytest.mark.parametrize(
    ("raw", "kind", "message"),
    [
        ("[1]", JoinChannelArgs, "expected `object`, got `array` - at `$.args`"),
        ("{}", JoinChannelArgs, "object missing required field `room` - at `$.args`"),
        ('{"room":1}', JoinChannelArgs, "expected `str`, got `int` - at `$.args.room`"),
        ('{"room":"r","chanel":"c"}', JoinChannelArgs, "object contains unknown field `chanel` - at `$.args`"),
        (
            '{"room":"r","since":{"epoch":"e"}}',
            JoinChannelArgs,
            "object missing required field `seq` - at `$.args.since`",
        ),
        (
            '{"room":"r","since":{"epoch":"e","seq":1.0}}',
            JoinChannelArgs,
            "expected `int`, got `float` - at `$.args.since.seq`",
        ),
        (
            '{"room":"r","recover":"all"}',
            JoinChannelArgs,
            "expected one of strict, best_effort, latest, got 'all' - at `$.args.recover`",
        ),
        ('{"room":"r","order":"up"}', HistoryArgs, "expected one of asc, desc, got 'up' - at `$.args.order`"),
        ('{"room":"r","limit":0}', HistoryArgs, "expected `int` >= 1 - at `$.args.limit`"),
        ('{"room":"r","limit":1001}', HistoryArgs, "expected `int` <= 1000 - at `$.args.limit`"),
    ],
)
def test_wrong_args_are_refused_with_their_path(raw: str, kind: type[msgspec.Struct], message: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        decode_args(Raw(raw.encode()), kind, "k1")

    assert (caught.value.message, caught.value.request_id) == (message, "k1")


def test_too_much_data_in_a_profile_is_refused() -> None:
    with pytest.raises(InvalidArgs, match="expected at most 4096 bytes of data, got 4097 - at `\\$.args`"):
        decode_args(Raw(b'{"data":"' + b"x" * 4095 + b'"}'), Profile)


# --- laws ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
TEXT = st.text(min_size=1, max_size=64)
FIELDS = ("type", "id", "version", "room", "channel", "to", "payload", "metadata", "ack", "command", "args", "x")


@given(NAME, NAME, TEXT, st.integers(1, 2**53), JSON)
def test_what_is_written_is_read_the_same(room: str, channel: str, id_: str, seq: int, payload: Any) -> None:
    raw = Raw(json.dumps(payload).encode())
    out = EventOut(room, channel, id_, "c-1", "2026-11-21T19:00:00.123Z", seq, raw)
    again = msgspec.json.decode(encode(out), type=EventOut)

    assert encode(again) == encode(out)
    assert (again.room, again.channel, again.id, again.seq) == (room, channel, id_, seq)
    assert bytes(again.payload) == bytes(raw)


@given(NAME, NAME, TEXT, JSON, st.booleans(), st.sampled_from([None, (",", ":"), (" , ", "\n: ")]))
def test_what_a_client_writes_is_read_and_its_payload_kept(
    room: str, channel: str, id_: str, payload: Any, ascii_only: bool, separators: tuple[str, str] | None
) -> None:
    inner = json.dumps(payload, ensure_ascii=ascii_only, separators=separators)
    text = f'{{"type":"event","room":"{room}","channel":"{channel}","id":{json.dumps(id_)},"payload":{inner}}}'
    event = decode(text.encode())

    assert isinstance(event, Event)
    assert (event.room, event.channel, event.id, bytes(event.payload)) == (room, channel, id_, inner.encode())


@given(st.binary())
@example(b"[" * 5000)
@example(b'{"type":"event","id":' + b"[" * 5000)
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    _read_or_refuse(text)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["event", "private", "broadcast", "command"])))
def test_any_json_object_is_read_or_refused(fields: dict[str, Any]) -> None:
    _read_or_refuse(json.dumps(fields).encode())


def _read_or_refuse(text: bytes) -> None:
    try:
        envelope = decode(text)
    except Refusal as refusal:
        assert type(refusal) is not Refusal
    except NotUtf8:
        with pytest.raises(UnicodeDecodeError):
            text.decode()
    else:
        assert isinstance(envelope, Event | Private | Broadcast | Command)
