"""Payloads from text and to text, and stdin."""

from collections.abc import Callable

import pytest
from msgspec import Raw

from arqonbus.cli.kit import payloads
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.payloads import line_of, payload_of, read_all, read_lines


@pytest.mark.parametrize(
    ("text", "payload"),
    [('{"a": 1}', b'{"a": 1}'), ("1.50", b"1.50"), ("null", b"null"), ("hello", b'"hello"'), ("", b'""'),
     ("nöt", '"nöt"'.encode()), ("1 2", b'"1 2"')],
)  # fmt: skip
def test_json_is_sent_as_it_stands_and_the_rest_as_a_text(text: str, payload: bytes) -> None:
    assert bytes(payload_of(text)) == payload


@pytest.mark.parametrize("text", ['{"a":', "[INFO] started", '"open'])
def test_what_begins_as_json_and_is_none_is_a_typing_error(text: str) -> None:
    with pytest.raises(Failure, match="begins as JSON") as failed:
        payload_of(text)

    assert failed.value.exit == 2
    assert "--text" in failed.value.hint


def test_a_text_may_look_like_json() -> None:
    assert bytes(payload_of("[INFO] 1", as_text=True)) == b'"[INFO] 1"'
    assert bytes(payload_of("1", as_text=True)) == b'"1"'


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Failure, match="UTF-8"):
        payload_of(b"\xff")


def test_a_payload_is_written_in_one_line_or_raw() -> None:
    assert line_of(Raw(b'{\n "a": "b c"\r\n}')) == '{"a":"b c"}'
    assert line_of(Raw(b'{"a": 1}')) == '{"a": 1}'
    assert line_of(Raw(b'"a\\nb"')) == '"a\\nb"'
    assert line_of(Raw(b'"a\\nb"'), raw=True) == "a\nb"
    assert line_of(Raw(b"1"), raw=True) == "1"


async def test_stdin_is_read_whole(stdin: Callable[[str], None]) -> None:
    stdin("one\ntwo\r\n")

    assert await read_all() == b"one\ntwo"


async def test_stdin_is_read_by_lines(stdin: Callable[[str], None]) -> None:
    stdin("one\r\n\n  \ntwo\nthree")

    assert [line async for line in read_lines()] == [b"one", b"two", b"three"]


async def test_a_long_stdin_is_read_in_pieces(stdin: Callable[[str], None]) -> None:
    lines = [f"{n:1000}" for n in range(3000)]
    stdin("\n".join(lines))

    assert [line.decode() async for line in read_lines()] == lines


async def test_no_message_grows_without_bound(stdin: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MAX_PAYLOAD", 100)
    stdin("x" * 101)

    with pytest.raises(Failure, match="more than 100 bytes"):
        await read_all()
    stdin("x" * 101)
    with pytest.raises(Failure, match="more than 100 bytes"):
        [line async for line in read_lines()]
