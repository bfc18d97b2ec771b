"""Counters start at zero and are plain integers, so that the hot path can move them."""

from arqonbus.telemetry.counters import Counters


def test_every_counter_starts_at_zero() -> None:
    counters = Counters()

    assert {name: getattr(counters, name) for name in Counters.__slots__} == {
        "dropped": 0,
        "duplicates": 0,
        "errors": 0,
        "group_lost": 0,
        "invalid": 0,
        "messages_in": 0,
        "messages_out": 0,
        "slow_consumers": 0,
    }
