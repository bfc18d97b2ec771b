"""Events and gaps of one channel make ranges."""

from arqonbus.testing.conformance.slow import ranges


def test_events_and_gaps_are_listed_as_they_came() -> None:
    frames = [
        {"type": "event", "seq": 1},
        {"type": "system", "event": "gap", "payload": {"from": 2, "to": 4}},
        {"type": "response"},
        {"type": "event", "seq": 5},
    ]

    assert ranges(frames) == [1, 2, 3, 4, 5]
