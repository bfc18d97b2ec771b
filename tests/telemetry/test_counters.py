"""Counters start at zero and are plain integers, so that the hot path can move them."""

from arqonbus.telemetry.counters import Counters


def test_every_counter_starts_at_zero() -> None:
    counters = Counters()

    assert {name: getattr(counters, name) for name in Counters.__slots__} == {
        "blocked": {},
        "dropped": 0,
        "duplicates": 0,
        "errors": 0,
        "errors_by_code": {},
        "group_lost": 0,
        "invalid": 0,
        "lost_slow": 0,
        "messages_in": 0,
        "messages_out": 0,
        "slow_consumers": 0,
    }


def test_refusals_are_counted_in_all_and_by_code() -> None:
    counters = Counters()

    for code in ("forbidden", "not_found", "forbidden"):
        counters.refused(code)

    assert (counters.errors, counters.errors_by_code) == (3, {"forbidden": 2, "not_found": 1})


def test_a_client_that_was_too_slow_is_blocked_no_more() -> None:
    counters = Counters()
    counters.blocked.update({"c-1": 100, "c-2": 50})

    counters.slow("c-1", 7)

    assert (counters.slow_consumers, counters.lost_slow, counters.blocked) == (1, 7, {"c-2": 50})
