"""Matching: by subset, with patterns and captures."""

from typing import Any

import pytest

from arqonbus.testing.conformance.matching import captures, filled_in, is_match


@pytest.mark.parametrize(
    ("want", "got"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": []}}, {"a": {"b": [], "c": 1}}),
        ([1, "$any"], [1, None]),
        ({"a": None}, {}),
        ({"a": "$absent"}, {"a": None}),
        ({"a": "$number"}, {"a": 1.5}),
        ({"a": "$text"}, {"a": "x"}),
        ({"a": "$time"}, {"a": "2026-11-21T19:00:00.123Z"}),
        ({"a": "$schema"}, {"a": {"type": "object"}}),
        (60, 60.0),
    ],
)
def test_what_the_vector_does_not_name_may_hold_anything(want: Any, got: Any) -> None:
    assert is_match(want, got, {})


@pytest.mark.parametrize(
    ("want", "got"),
    [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, [1]),
        ([1], [1, 2]),
        ({"a": "$absent"}, {"a": 0}),
        ({"a": "$any"}, {}),
        ({"a": "$number"}, {"a": True}),
        ({"a": "$text"}, {"a": ""}),
        ({"a": "$time"}, {"a": "2026-11-21T19:00:00Z"}),
        ({"a": "$schema"}, {"a": {}}),
        (1, True),
        (False, 0),
    ],
)
def test_what_it_names_must_be_so(want: Any, got: Any) -> None:
    assert not is_match(want, got, {})


def test_a_captured_value_must_recur() -> None:
    names: dict[str, Any] = {}

    assert is_match({"a": "$who", "b": "$who"}, {"a": "c-1", "b": "c-1"}, names)
    assert names == {"$who": "c-1"}
    assert not is_match("$who", "c-2", names)


def test_the_room_is_filled_in_inside_of_texts_and_captures_as_a_whole() -> None:
    names = {"$room": "r", "$who": "c-1"}

    assert filled_in({"room": "$room:x", "to": ["$who", "$other"], "n": 1}, names) == {
        "room": "r:x",
        "to": ["c-1", "$other"],
        "n": 1,
    }
    assert is_match("$room:x", "r:x", names)


def test_captures_are_found_patterns_and_rooms_are_none() -> None:
    assert captures({"a": "$who", "b": ["$any", "$room:x", {"c": "$epoch"}], "d": "text"}) == {"$who", "$epoch"}
