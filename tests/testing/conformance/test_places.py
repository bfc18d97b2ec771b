"""Places: the positions that a client comes back with."""

from arqonbus.testing.conformance.places import Places

JOIN = {"type": "command", "id": "j", "command": "join_channel", "args": {"room": "r:x"}}


def joined(**more: object) -> dict[str, object]:
    return {"type": "response", "request_id": "j", "result": {"epoch": "e", "seq": 7, "replayed": 2, **more}}


def test_a_join_gives_a_place_and_events_move_it() -> None:
    places = Places()
    places.said(JOIN)
    places.heard(joined())
    assert places.positions() == [{"room": "r", "channel": "x", "epoch": "e", "seq": 5}]

    places.heard({"type": "event", "room": "r", "channel": "x", "seq": 6})
    places.heard({"type": "event", "room": "r", "channel": "other", "seq": 9})

    assert places.positions() == [{"room": "r", "channel": "x", "epoch": "e", "seq": 6}]


def test_a_group_has_no_position() -> None:
    places = Places()
    places.said(JOIN)
    places.heard(joined(group="workers"))

    assert places.positions() == []


def test_a_leave_takes_the_place_away() -> None:
    places = Places()
    places.said(JOIN)
    places.heard(joined())
    places.said({"type": "command", "id": "l", "command": "leave_channel", "args": {"room": "r", "channel": "x"}})
    places.heard({"type": "response", "request_id": "l", "result": {}})

    assert places.positions() == []


def test_what_is_no_join_is_passed_over() -> None:
    places = Places()
    places.said({"type": "event", "room": "r", "channel": "x"})
    places.heard({"type": "response", "request_id": "other", "result": {"epoch": "e", "seq": 1}})

    assert places.positions() == []
