"""Tally: more than so many in one window, and a new count in the next."""

from arqonbus.security.tally import Tally


def test_one_more_than_allowed_in_a_window_is_too_many() -> None:
    tally = Tally(2, 60.0)

    assert [tally.add(at) for at in (0.0, 30.0, 59.9)] == [False, False, True]


def test_the_next_window_begins_with_the_first_event_after_the_last_one_ended() -> None:
    tally = Tally(1, 60.0)
    tally.add(0.0)

    assert [tally.add(at) for at in (60.0, 61.0, 119.9, 120.0)] == [False, True, True, False]


def test_with_none_allowed_the_first_is_too_many() -> None:
    assert Tally(0, 60.0).add(0.0) is True
