"""Compares a frame with what a scenario expects of it.

Objects match by subset: unknown fields never break a peer. A text that begins with $ is a pattern: $any, $absent,
$text, $number, $now, $schema; any other such name captures a value that must be the same wherever the name recurs.
"""

import re
from datetime import UTC, datetime
from typing import Any

_NOW_S = 60.0
"""How far from our clock `$now` may be: a test takes seconds, a wrong unit or zone is hours away."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def matches(want: Any, got: Any, names: dict[str, Any]) -> bool:
    """Whether `got` is what `want` describes; captured values are added to `names`."""
    if isinstance(want, str) and want.startswith("$"):
        return _matches_pattern(want, got, names)
    if isinstance(want, dict):
        return isinstance(got, dict) and all(_matches_field(key, value, got, names) for key, value in want.items())
    if isinstance(want, list):
        return (
            isinstance(got, list)
            and len(want) == len(got)
            and all(matches(one, other, names) for one, other in zip(want, got, strict=True))
        )
    return type(want) is type(got) and want == got


def _matches_field(key: str, want: Any, got: dict[str, Any], names: dict[str, Any]) -> bool:
    # Absent and null mean the same on the wire.
    if want == "$absent" or want is None:
        return got.get(key) is None
    return key in got and matches(want, got[key], names)


def _matches_pattern(want: str, got: Any, names: dict[str, Any]) -> bool:
    if want == "$any":
        return True
    if want == "$text":
        return isinstance(got, str) and got != ""
    if want == "$number":
        return isinstance(got, int | float) and not isinstance(got, bool)
    if want == "$now":
        return isinstance(got, str) and _is_now(got)
    if want == "$schema":
        return isinstance(got, dict) and bool({"type", "$ref", "anyOf"} & got.keys())
    return bool(names.setdefault(want, got) == got)


def _is_now(text: str) -> bool:
    if _TIME.fullmatch(text) is None:
        return False
    return abs((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()) < _NOW_S
