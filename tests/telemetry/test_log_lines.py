"""One record as one line."""

import json
import logging
import re
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.telemetry.log_lines import HELD_BACK, EventRecord, LogLine, format_json, format_text

EVIL = [
    "a\nb",
    "a\r\nlevel=error",
    "\x00\x1b[31mred\x07",
    "a\u2028b\u2029c\x85d\x1ce",
    "\u202eright to left",
    '"quoted" \\ back=slash',
    "\ud800 lone surrogate",
    "",
    " ",
]


def record(event: str = "client_connected", level: int = logging.INFO, /, **fields: object) -> EventRecord:
    made = EventRecord("arqonbus.routing", level, event, fields)
    made.created = 1_795_287_600.1239
    return made


def foreign(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("asyncio", logging.WARNING, "", 0, message, args, None)


def test_a_json_line_holds_every_key_in_order_null_when_not_applicable() -> None:
    line = format_json(record(client="c-1", seq=7))

    assert line == (
        '{"ts":"2026-11-21T19:00:00.123Z","level":"info","event":"client_connected","client":"c-1","room":null,'
        '"channel":null,"command":null,"error":null,"logger":"arqonbus.routing","seq":7}'
    )


def test_a_text_line_has_ids_first_and_leaves_out_what_is_not_applicable() -> None:
    line = format_text(record(seq=7, room="science", client="c-1", error=None, said="two words"))

    assert line == '19:00:00.123 info    client_connected client=c-1 room=science seq=7 said="two words"'


def test_only_the_level_is_coloured() -> None:
    assert format_text(record(), colour=True) == "19:00:00.123 \x1b[32minfo   \x1b[0m client_connected"


def test_the_log_line_struct_names_the_keys_that_every_line_holds() -> None:
    assert set(json.loads(format_json(record()))) == {*LogLine.__struct_fields__, "logger"}


@pytest.mark.parametrize("text", EVIL, ids=ascii)
@pytest.mark.parametrize("key", ["client", "room", "error", "said"])
def test_no_text_breaks_a_line(key: str, text: str) -> None:
    for line in (
        format_json(record("said", logging.INFO, **{key: text})),
        format_text(record("said", logging.INFO, **{key: text})),
    ):
        assert line.isprintable()
        assert len(line.splitlines()) == 1


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_no_event_and_no_message_of_a_library_breaks_a_line(text: str) -> None:
    for made in (record(text), foreign("%s", text), foreign(text.replace("%", ""))):
        assert format_json(made).isprintable()
        assert format_text(made).isprintable()


_fields = st.dictionaries(
    st.text(max_size=10),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=5,
)


@given(_fields, st.text())
def test_any_fields_make_one_line_that_decodes_as_log_line(fields: dict[str, object], event: str) -> None:
    made = EventRecord("arqonbus.x", logging.INFO, event, fields)

    line = format_json(made)

    assert msgspec.json.decode(line, type=LogLine).level == "info"
    assert line.isascii()
    assert line.isprintable()
    assert format_text(made).isprintable()
    assert made.getMessage().isprintable()


def test_a_text_comes_back_from_json_as_it_went_in() -> None:
    text = "é \u2028 \n \x1b"

    assert json.loads(format_json(record(said=text)))["said"] == text


def test_a_field_cannot_replace_a_fixed_key() -> None:
    line = json.loads(format_json(record(ts="forged", level="forged", event="forged", logger="forged")))

    assert line["ts"] == "2026-11-21T19:00:00.123Z"
    assert (line["level"], line["event"], line["logger"]) == ("info", "client_connected", "arqonbus.routing")
    assert (line["field_ts"], line["field_logger"]) == ("forged", "forged")


def test_a_long_text_is_elided() -> None:
    assert json.loads(format_json(record(said="x" * 100_000)))["said"] == "x" * 1024 + "..."


def test_a_long_list_and_a_deep_one_are_bounded() -> None:
    deep: list[object] = []
    for _ in range(1000):
        deep = [deep]

    assert len(json.loads(format_json(record(said=list(range(10_000)))))["said"]) == 16
    assert len(format_json(record(said=deep))) < 3000


@pytest.mark.parametrize(
    ("value", "logged"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        pytest.param(10**5000, "integer of 16610 bits", id="huge"),
        (b"ab", "b'ab'"),
        ({1: (2, 3)}, {"1": [2, 3]}),
        (True, True),
        (None, None),
    ],
)
def test_what_json_does_not_know_is_logged_all_the_same(value: object, logged: object) -> None:
    assert json.loads(format_json(record(said=value)))["said"] == logged


def test_an_object_that_cannot_be_shown_is_named_by_its_type() -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert json.loads(format_json(record(said=Mute())))["said"] == "<Mute>"


def test_an_exception_is_logged_with_its_cause_and_where_it_came_from() -> None:
    try:
        try:
            raise KeyError("k")
        except KeyError as inner:
            raise ValueError("bad\nthing") from inner
    except ValueError as error:
        line = json.loads(format_json(record("failed", logging.ERROR, error=error)))

    assert line["error"] == "ValueError: bad\nthing (from KeyError: 'k')"
    assert re.fullmatch(r"telemetry/test_log_lines\.py:\d+ test_an_exception_is_logged_\w+", line["at"])


def test_an_exception_that_was_never_raised_has_no_place() -> None:
    assert "at" not in json.loads(format_json(record("failed", logging.ERROR, error=ValueError())))


def test_a_message_of_a_library_is_an_event_called_message() -> None:
    line = json.loads(format_json(foreign("socket %s failed", "x")))

    assert (line["event"], line["message"], line["logger"]) == ("message", "socket x failed", "asyncio")
    assert msgspec.json.decode(format_json(foreign("x")), type=LogLine).level == "warning"


def test_an_exception_of_a_library_is_logged_in_the_same_line() -> None:
    made = foreign("task failed")
    try:
        raise OSError("no route")
    except OSError:
        made.exc_info = sys.exc_info()

    assert json.loads(format_json(made))["error"] == "OSError: no route"


def test_wrong_arguments_of_a_library_do_not_break_logging() -> None:
    assert json.loads(format_json(foreign("%d", "x")))["message"] == "%d"


def test_how_many_lines_were_held_back_is_in_the_line() -> None:
    made = foreign("x")
    made.__dict__[HELD_BACK] = 42

    assert json.loads(format_json(made))["held_back"] == 42


def test_other_handlers_see_event_and_fields() -> None:
    assert record(client="c-1", n=1).getMessage() == "client_connected client=c-1 n=1"


class Trace:
    trace_id = 0xABC
    span_id = 0xDEF


def test_a_line_about_something_traced_holds_the_ids_as_trace_context_writes_them() -> None:
    line = json.loads(format_json(record(trace=Trace())))

    assert line["trace_id"] == "00000000000000000000000000000abc"
    assert line["span_id"] == "0000000000000def"
    assert line["trace_flags"] == "01"
    assert "trace" not in line


def test_a_line_about_something_that_is_not_traced_says_nothing_of_traces() -> None:
    assert "trace" not in format_json(record(trace=None))
