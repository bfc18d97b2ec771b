"""Compares a frame with what a vector expects, and fills in what it captured.

Objects match by subset: a field that the vector does not name may hold anything, which is how version 1 may grow. Lists
match element by element. Texts that begin with `$` are patterns:

| pattern | matches |
|---|---|
| `$any` | anything |
| `$absent` | a field that is absent or null |
| `$text` | a text that is not empty |
| `$number` | a number |
| `$time` | RFC 3339, UTC, milliseconds |
| `$schema` | an object that is a JSON Schema |
| any other name | the same value wherever the name stands; the first time it is captured |

`$room`, which the player knows from the start, is filled in inside of texts too: `"$room:explore"`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

__all__ = ["PATTERNS", "Names", "captures", "filled_in", "is_match"]

Names: TypeAlias = dict[str, Any]
"""Captured values by name, with the `$`. Any: JSON."""

PATTERNS: Final = frozenset({"$any", "$absent", "$text", "$number", "$time", "$schema"})
"""What is no name of a captured value."""

ROOM: Final = "$room"

_is_time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").fullmatch


def is_match(want: Any, got: Any, names: Names) -> bool:
    """Tell whether `got` is what `want` describes; captured values are added to `names`."""
    if isinstance(want, str) and want.startswith("$"):
        return _is_of_pattern(want, got, names)
    if isinstance(want, dict):
        return isinstance(got, dict) and all(_is_field(key, value, got, names) for key, value in want.items())
    if isinstance(want, list):
        return isinstance(got, list) and len(want) == len(got) and all(map(is_match, want, got, [names] * len(want)))
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    return bool(want == got)


def _is_field(key: str, want: Any, got: Mapping[str, Any], names: Names) -> bool:
    if want is None or want == "$absent":  # absent and null are one on the wire
        return got.get(key) is None
    return key in got and is_match(want, got[key], names)


def _is_of_pattern(want: str, got: Any, names: Names) -> bool:
    if want not in PATTERNS:
        expected = _room_filled_in(want, names)
        return bool((names.setdefault(want, got) if expected == want else expected) == got)
    checks: dict[str, bool] = {
        "$any": True,
        "$absent": got is None,
        "$text": isinstance(got, str) and got != "",
        "$number": isinstance(got, int | float) and not isinstance(got, bool),
        "$time": isinstance(got, str) and _is_time(got) is not None,
        "$schema": isinstance(got, dict) and bool({"type", "$ref", "anyOf"} & got.keys()),
    }
    return checks[want]


def filled_in(value: Any, names: Names) -> Any:
    """Put captured values in the place of their names, in a copy. A name that nobody captured yet stays."""
    if isinstance(value, str):
        return names[value] if value in names else _room_filled_in(value, names)
    if isinstance(value, dict):
        return {key: filled_in(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled_in(inner, names) for inner in value]
    return value


def captures(value: Any) -> set[str]:
    """Find every name in a frame that is no pattern."""
    if isinstance(value, str):
        is_name = value.startswith("$") and value not in PATTERNS and not value.startswith(ROOM)
        return {value} if is_name else set()
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return {name for one in inner for name in captures(one)}


def _room_filled_in(text: str, names: Names) -> str:
    return text.replace(ROOM, names[ROOM]) if ROOM in names else text
