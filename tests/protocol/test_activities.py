"""The list of activity events: closed, named, and fit for the wire."""

import json
import typing

import msgspec
import pytest

from arqonbus.protocol import activities
from arqonbus.protocol.activities import ACTIVITIES, ACTIVITY_VERSION, Activity
from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import Telemetry


def test_the_list_holds_every_payload_once() -> None:
    assert set(ACTIVITIES.values()) == set(typing.get_args(Activity))
    assert len(set(ACTIVITIES.values())) == len(ACTIVITIES)
    assert ACTIVITY_VERSION == 1


@pytest.mark.parametrize("event", ACTIVITIES)
def test_a_payload_travels_in_a_telemetry_envelope_and_back(event: str) -> None:
    kind = ACTIVITIES[event]
    values = {str: "x", int: 1, float: 1.5}
    filled = {field.name: values.get(field.type, "x") for field in msgspec.structs.fields(kind)}
    literals = {"kind": "user", "reason": "left" if event == "left" else "deleted", "part": "storage", "actor": "room"}
    payload = msgspec.convert({key: literals.get(key, value) for key, value in filled.items()}, kind)

    text = encode(Telemetry(event, "_telemetry", "activity", "2026-11-21T19:00:00.123Z", 1, payload))

    read = json.loads(text)
    assert (read["type"], read["event"]) == ("telemetry", event)
    assert msgspec.convert(read["payload"], kind) == payload


def test_every_payload_says_in_a_line_what_happened() -> None:
    assert all((kind.__doc__ or "").strip() for kind in ACTIVITIES.values())
    assert set(activities.__all__) >= {kind.__name__ for kind in ACTIVITIES.values()}
