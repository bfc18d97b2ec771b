"""The state of a link, and when to try again."""

from arqonbus.storage.redis_link import Backoff, Link


def test_a_start_goes_by_resync_to_up() -> None:
    link = Link(8.0, 100.0)

    assert link.state == "holding"
    assert link.wires_up() == "resync"
    assert link.mended() == "up"
    assert link.state == "up"


def test_a_start_without_redis_is_local_when_the_patience_is_over() -> None:
    link = Link(8.0, 100.0)

    assert link.tick(107.9) is None
    assert link.tick(108.0) == "local"
    assert link.tick(200.0) is None


def test_a_short_break_is_held_out() -> None:
    link = _up()

    assert link.wires_down(200.0) == "holding"
    assert link.tick(207.0) is None
    assert link.wires_up() == "resync"
    assert link.mended() == "up"


def test_a_long_break_ends_in_local_and_comes_back_by_resync() -> None:
    link = _up()
    link.wires_down(200.0)

    assert link.tick(208.0) == "local"
    assert link.wires_up() == "resync"
    assert link.mended() == "up"


def test_the_patience_counts_from_the_first_break_on() -> None:
    link = _up()
    link.wires_down(200.0)
    link.wires_up()

    assert link.wires_down(204.0) == "holding"
    link.wires_up()
    assert link.wires_down(209.0) == "local"


def test_what_changes_nothing_says_nothing() -> None:
    link = _up()

    assert link.wires_up() is None
    assert link.mended() is None
    assert link.tick(1e9) is None
    link.wires_down(1.0)
    assert link.wires_down(2.0) is None
    assert link.mended() is None


def test_no_patience_at_all_is_local_at_the_next_tick() -> None:
    link = Link(0.0, 5.0)

    assert link.tick(5.0) == "local"


def test_the_first_attempt_is_at_once_and_the_bound_of_the_others_doubles() -> None:
    backoff = Backoff(lambda: 0.5, least_s=0.1, most_s=1.0)

    assert [backoff.pause() for _ in range(7)] == [0.0, 0.05, 0.1, 0.2, 0.4, 0.5, 0.5]
    backoff.reset()
    assert backoff.pause() == 0.0


def test_pauses_stay_bounded_for_ever() -> None:
    backoff = Backoff(lambda: 0.999, most_s=5.0)

    assert max(backoff.pause() for _ in range(5000)) < 5.0


def _up() -> Link:
    link = Link(8.0, 0.0)
    link.wires_up()
    link.mended()
    return link
