"""Names: grammar, system names, addresses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.protocol import names
from arqonbus.protocol.names import is_name, is_system, join_address, split_address

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", fullmatch=True)

GOOD = ("a", "Z", "0", "science", "a.b", "a-b", "a_b", "9lives", "_telemetry", "_", "a" * 64, "A.-_9")
BAD = ("", " ", "a b", ".a", "-a", "a:b", "a/b", "*", "a*", "a\n", "\na", "a\x00", "é", "a" * 65, "aé", "$telemetry")


@pytest.mark.parametrize("text", GOOD)
def test_a_name_is_letters_digits_and_three_signs(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_name_is_refused(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize("text", GOOD + BAD)
def test_the_portable_pattern_says_the_same(text: str) -> None:
    assert (re.search(names.NAME_PATTERN, text) is not None) == is_name(text)


def test_names_with_an_underscore_first_are_the_servers() -> None:
    assert is_system("_telemetry")
    assert not is_system("science_")


@pytest.mark.parametrize(
    ("room", "channel", "address"),
    [
        ("science", "explore", ("science", "explore")),
        ("science:explore", None, ("science", "explore")),
        ("science", None, ("science", None)),
        ("science", "*", ("science", "*")),
        ("science:*", None, ("science", "*")),
        ("_telemetry", "activity", ("_telemetry", "activity")),
    ],
)
def test_an_address_comes_in_two_fields_or_in_one(
    room: str, channel: str | None, address: tuple[str, str | None]
) -> None:
    assert split_address(room, channel) == address


EXPECTED = "expected 1 to 64 of A-Z a-z 0-9 . _ - with a letter, digit or _ first"


@pytest.mark.parametrize(
    ("room", "channel", "message"),
    [
        (None, None, "expected a room, got none - at `$.room`"),
        (None, "explore", "expected a room, got none - at `$.room`"),
        ("", None, f"{EXPECTED}, got '' - at `$.room`"),
        ("*", "explore", f"{EXPECTED}, got '*' - at `$.room`"),
        ("a b", "explore", f"{EXPECTED}, got 'a b' - at `$.room`"),
        ("science", "", f"{EXPECTED}, got '' - at `$.channel`"),
        ("science", "x\n", f"{EXPECTED}, got 'x\\n' - at `$.channel`"),
        ("science", "\u202e", f"{EXPECTED}, got '\\u202e' - at `$.channel`"),
        ("science:explore", "explore", f"{EXPECTED}, got 'science:explore' - at `$.room`"),
        ("science:a:b", None, f"{EXPECTED}, got 'science:a:b' - at `$.room`"),
        (":explore", None, f"{EXPECTED}, got ':explore' - at `$.room`"),
        ("science:", None, f"{EXPECTED}, got 'science:' - at `$.room`"),
        ("x" * 200, "a", f"{EXPECTED}, got '{'x' * 80}...' - at `$.room`"),
    ],
)
def test_a_wrong_address_says_what_was_expected(room: str | None, channel: str | None, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        split_address(room, channel)

    assert str(caught.value) == message


def test_wrong_names_leave_nothing_in_the_cache() -> None:
    split_address.cache_clear()
    for text in ("a b", "x" * 100_000):
        with pytest.raises(ValueError, match="expected"):
            split_address(text, "explore")

    assert split_address.cache_info().currsize == 0


@given(NAMES, NAMES)
def test_join_and_split_are_inverse(room: str, channel: str) -> None:
    assert split_address(join_address(room, channel), None) == (room, channel)
    assert split_address(room, channel) == (room, channel)


@given(st.text())
def test_any_text_is_a_name_or_not_in_both_patterns(text: str) -> None:
    assert (re.search(names.NAME_PATTERN, text) is not None) == is_name(text)
    assert (re.search(names.ROOM_PATTERN, text) is not None) == (is_name(text) or _is_address(text))
    assert (re.search(names.ADDRESS_PATTERN, text) is not None) == _is_address(text)


def _is_address(text: str) -> bool:
    room, colon, channel = text.partition(":")
    return bool(colon) and is_name(room) and is_name(channel)
