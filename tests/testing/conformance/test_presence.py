"""The roll: rows and announcements must fit each other."""

from typing import Any

import pytest

from arqonbus.testing.conformance.presence import Roll
from arqonbus.testing.conformance.verdict import Failed


def told(event: str, client: str, count: int) -> dict[str, Any]:
    return {"type": "system", "event": event, "payload": {"client": client, "count": count}}


def test_announcements_change_who_is_in() -> None:
    roll = Roll([{"client": "a"}])
    roll.hear(told("member_joined", "b", 2))
    roll.hear(told("member_left", "a", 1))
    roll.hear({"type": "event"})

    assert roll.present == {"b"}


@pytest.mark.parametrize(
    "frame", [told("member_joined", "a", 1), told("member_left", "b", 1), told("member_joined", "b", 3)]
)
def test_what_cannot_be_is_found(frame: dict[str, Any]) -> None:
    with pytest.raises(Failed):
        Roll([{"client": "a"}]).hear(frame)
