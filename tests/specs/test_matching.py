"""The comparison that every scenario relies on says no when it should."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.specs.matching import matches


@pytest.mark.parametrize(
    ("want", "got"),
    [
        ({"a": 1}, {"a": 1, "more": 2}),
        ({"a": None}, {}),
        ({"a": None}, {"a": None}),
        ({"a": "$absent"}, {"b": 1}),
        ({"a": "$any"}, {"a": None}),
        ([1, {"b": "$text"}], [1, {"b": "x", "c": 0}]),
        ("$number", 1.5),
        ("$schema", {"type": "object"}),
    ],
)
def test_what_is_asked_for_matches(want: Any, got: Any) -> None:
    """Objects by subset, lists as a whole, patterns by their meaning."""
    assert matches(want, got, {})


@pytest.mark.parametrize(
    ("want", "got"),
    [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 0}, {"a": False}),
        ({"a": "$absent"}, {"a": 1}),
        ({"a": "$any"}, {}),
        ([1], [1, 2]),
        ([], [1]),
        ("$text", ""),
        ("$number", True),
        ("$number", "1"),
        ("$schema", {"args": {}}),
        ("$now", "1999-01-01T00:00:00.000Z"),
        ("$now", "2026-11-21 19:00:00"),
    ],
)
def test_what_differs_does_not_match(want: Any, got: Any) -> None:
    """A type is part of a value; an absent field is not any field."""
    assert not matches(want, got, {})


def test_now_is_the_time_of_the_test_in_utc_with_milliseconds() -> None:
    """A time of an hour ago is not now."""
    now = datetime.now(UTC)

    assert matches("$now", _written(now), {})
    assert not matches("$now", _written(now - timedelta(hours=1)), {})
    assert not matches("$now", now.isoformat(), {})


def test_a_captured_name_must_recur() -> None:
    """The first place captures, the others compare."""
    names: dict[str, Any] = {}

    assert matches({"a": "$x", "b": "$x"}, {"a": 7, "b": 7}, names)
    assert names == {"$x": 7}
    assert not matches("$x", 8, names)


def _written(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
