"""What a member of a durable group finds in an event."""

import msgspec

from arqonbus.protocol.delivery import Delivery
from arqonbus.protocol.envelope import EventOut


def test_an_event_without_a_group_has_none() -> None:
    event = EventOut("r", "c", "i", "c-1", "t", 1, msgspec.Raw(b"1"))

    assert b"delivery" not in msgspec.json.encode(event)
    given = msgspec.structs.replace(event, delivery=Delivery("g", 2, "e"))
    assert msgspec.json.decode(msgspec.json.encode(given))["delivery"] == {"group": "g", "attempt": 2, "epoch": "e"}
