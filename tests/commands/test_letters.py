"""Letters between nodes: what goes in comes out, byte for byte where it must."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from arqonbus.commands.letters import (
    AnswerLetter,
    ClaimLetter,
    FoundLetter,
    KickLetter,
    LetGoLetter,
    Letter,
    PrivateLetter,
    QuestionLetter,
    RoomLetter,
    read,
    write,
)
from arqonbus.protocol.envelope import Event
from arqonbus.protocol.payloads import Profile

LETTERS = [
    PrivateLetter(Raw(b'{"n":1.10,"e":"\\u00e9"}')),
    KickLetter("spam"),
    ClaimLetter("c-1", None, "n1", 7),
    FoundLetter(7),
    FoundLetter(
        7,
        "c-1",
        (("r", "c"), ("r", "*")),
        (("r", "c", "conflate"),),
        (("r", "g", "workers"),),
        Profile("tool", "Ada"),
        Event(room="r", channel="c", payload=Raw(b"[1.10]")),
    ),
    LetGoLetter("c-1"),
    RoomLetter("r", Raw(b"[1]")),
    QuestionLetter("status", Raw(b"{}"), "n1", 3),
    AnswerLetter(3, Raw(b'{"a":1}')),
    AnswerLetter(3, Raw(b"null")),
]


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: type(letter).__name__)
def test_a_letter_is_read_as_it_was_written(letter: Letter) -> None:
    assert read(write(letter)) == letter


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    assert read(b'{"type":"kick","reason":"x","by":"y"}') == KickLetter("x")


@pytest.mark.parametrize("data", [b"", b"{", b'{"type":"nothing"}', b'{"type":"kick"}', b"\xff"])
def test_what_is_no_letter_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read(data)
